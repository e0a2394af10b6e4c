/*
** The configuration of one process: a deep copy in one block, immutable, so
** that any thread may read it.
*/

#ifndef PEXEC_CORE_CONFIG_H
#define PEXEC_CORE_CONFIG_H

#include <stdbool.h>

#include "pexec.h"
#include "restart.h"

struct pexec__config {
  struct pexec__policy policy;
  const char *id;
  const char *name;
  char **argv;              /* name, args, NULL */
  char **environment;       /* "KEY=VALUE", NULL; never NULL itself */
  const char *cwd;          /* NULL: the host's */
  const char *username;     /* NULL: the host's user */
  int stop_signal;
  pexec_logger *logger;     /* NULL: none; these three are retained */
  pexec_logger *stream_loggers[2];  /* stdout's, stderr's; NULL: none */
  unsigned output_events;
  bool log_events;
  void *user;
  pexec_input input;        /* its path and data are ours */
  pexec_output output[2];   /* so are the arrays, files and paths; 'files' is
                               never NULL, but may be empty */
  size_t tail_size;
  size_t events_buffer;
  bool events_drop;
};

/* Checks and copies. PEXEC_EINVALID_CONFIG, -ENOMEM. */
int pexec__config_copy (const pexec_config *from, struct pexec__config **copy);
void pexec__config_free (struct pexec__config *config);

/* Is anything to be read from this stream (0 stdout, 1 stderr)? */
bool pexec__config_reads (const struct pexec__config *config, int stream);

#endif
