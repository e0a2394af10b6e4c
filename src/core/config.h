/*
** The configuration of one process: a deep copy in one block, immutable, so
** that any thread may read it. The block is counted; the loggers in it are
** their process's alone, since the last one who lets go of a logger ends it.
*/

#ifndef PEXEC_CORE_CONFIG_H
#define PEXEC_CORE_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>

#include "pexec.h"
#include "restart.h"
#include "stop_plan.h"

/* What most processes do not say is shared by all of them: static and const,
   or an empty array. */
struct pexec__config {
  atomic_int holders;
  unsigned output_events;
  bool log_events;
  bool events_drop;
  bool clears_environment;
  bool must_prepare;        /* no start without an answer of the host's */
  const struct pexec__policy *policy;  /* ours, or the usual one */
  const pexec_rights *rights;  /* ours, with what it points to, or those that
                               say nothing */
  const char *id;
  const char *name;
  char **argv;              /* name, args, NULL */
  char **environment;       /* "KEY=VALUE", NULL; never NULL itself */
  const char *cwd;          /* NULL: the host's */
  const char *username;     /* NULL: the host's user */
  int64_t prepare_ns;       /* that the host may take before a start; -1: it
                               is not asked */
  pexec_logger *logger;     /* NULL: none; these three are retained, for as
                               long as their process is there: to others
                               they say only whether there is one */
  pexec_logger *stream_loggers[2];  /* stdout's, stderr's; NULL: none */
  void *user;
  pexec_input input;        /* its path and data are ours */
  pexec_output output[2];   /* so are the arrays, files and paths; 'files' is
                               never NULL, but may be empty */
  size_t tail_size;
  size_t events_buffer;
  struct pexec__stop_plan stop;  /* its stages are ours, or the usual ones */
  char **environment_files; /* NULL at its end; never NULL itself */
  pexec_cgroup *cgroup;     /* ours, with its path; NULL: the host's */
};

/* The host's, of whatever version, as this version's. False where no version
   was so small. */
bool pexec__config_complete (const pexec_config *from, pexec_config *whole);
/* Checks and copies a complete one. PEXEC_EINVALID_CONFIG, -ENOMEM. */
int pexec__config_copy (const pexec_config *from, struct pexec__config **copy);
/* Of a process that ends: with its loggers. */
void pexec__config_free (struct pexec__config *config);
/* Both by any thread. */
struct pexec__config *pexec__config_hold (struct pexec__config *config);
void pexec__config_drop (struct pexec__config *config);

/* What a child gets for a stream. */
enum pexec__route {
  PEXEC__ROUTE_NULL,        /* /dev/null: nobody asks for it */
  PEXEC__ROUTE_INHERIT,     /* the host's own, and that alone */
  PEXEC__ROUTE_FILE,        /* its one raw file, which nobody rotates */
  PEXEC__ROUTE_PIPE,        /* a pipe: it is read */
  PEXEC__ROUTE_MERGED       /* stderr: what stdout gets; nothing else that is
                               said of stderr counts */
};

/* Of stream 0, stdout, or 1, stderr. */
enum pexec__route pexec__config_route (const struct pexec__config *config,
                                       int stream);

#endif
