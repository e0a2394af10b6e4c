/*
** Users' names -> numbers, in the host, before the child exists. The name
** service may block: an opener's thread, or the spawner's.
*/

#ifndef PEXEC_CORE_IDENTITY_H
#define PEXEC_CORE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pexec__identity {
  bool is_changed;   /* false: the host's, and the rest means nothing */
  uid_t uid;
  gid_t gid;
  gid_t *groups;     /* supplementary; owned */
  size_t group_count;
  /* for the environment; owned; NULL where no username was given */
  char *name;
  char *home;
  char *shell;
};

/* NULL: the host's. A name, or a decimal uid that the user database knows.
   -ENOENT where there is no such user (also for "", "-1", "0x10"), -ENOMEM,
   or what the name service says. */
int pexec__identity_resolve (const char *username,
                             struct pexec__identity *identity);
void pexec__identity_free (struct pexec__identity *identity);

#endif
