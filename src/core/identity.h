/*
** Names of users and groups -> numbers, in the host, before the child exists.
** The name service may block: an opener's thread, or the spawner's.
*/

#ifndef PEXEC_CORE_IDENTITY_H
#define PEXEC_CORE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pexec.h"

struct pexec__identity {
  bool is_changed;   /* false: the host's, and the rest means nothing */
  bool has_uid, has_gid, has_groups;  /* to be set; what is not, is kept */
  uid_t uid;
  gid_t gid;
  gid_t *groups;     /* supplementary; owned */
  size_t group_count;
  const char *wrong_group;  /* the one that an error is about, as it was
                               given; NULL: it is about the user */
  /* for the environment; owned; NULL where no username was given */
  char *name;
  char *home;
  char *shell;
};

/* NULL: the host's. A name, or a decimal number that the database knows; so
   are groups. Without those in 'rights' they are the user's, or the host's.
   -ENOENT where there is no such user or group (also for "", "-1", "0x10"),
   -ENOMEM, or what the name service says. */
int pexec__identity_resolve (const char *username, const pexec_rights *rights,
                             struct pexec__identity *to);
void pexec__identity_free (struct pexec__identity *identity);

#endif
