/*
** The cgroup of a process, on cgroup v2: its directory, held open. Who is in
** it, and below it, cannot leave by forking or by making a session, so it says
** what is left of a child when its process group cannot. It is locked for as
** long as it is held: no other process of pexec's uses it meanwhile. Immutable
** once it is open, and counted; any thread that holds it.
*/

#ifndef PEXEC_CORE_CGROUP_H
#define PEXEC_CORE_CGROUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "pexec.h"

struct pexec__cgroup {
  atomic_int holders;
  int fd;                 /* the directory */
  int events_fd;          /* cgroup.events */
  int kill_fd;            /* cgroup.kill; -1: not before Linux 5.14 */
  size_t floor;           /* nothing of this length of 'path' is ever removed */
  size_t found;           /* so much of it was there before */
  char *wanted;           /* the configuration's path; behind the other one */
  char path[];            /* of the directory */
};

/* {== cgroup.c: one that is there ======================================== */

struct pexec__cgroup *pexec__cgroup_hold (struct pexec__cgroup *cgroup);
/* The last holder removes what may be removed, and closes it. NULL: none. */
void pexec__cgroup_drop (struct pexec__cgroup *cgroup);

/* 1: somebody is alive in it or below; 0: nobody, or it is not there any
   more; else -errno: nobody knows. */
int pexec__cgroup_populated (const struct pexec__cgroup *cgroup);
bool pexec__cgroup_is_gone (const struct pexec__cgroup *cgroup);
/* SIGKILL to all in it and below. */
void pexec__cgroup_kill (const struct pexec__cgroup *cgroup);
/* To all but those of the process group 'except'. A number that was given to
   somebody else meanwhile is not signalled. */
void pexec__cgroup_signal (const struct pexec__cgroup *cgroup, int signo,
                           int except);
/* Calls see(argument, pid) for each that is alive in it and below. */
void pexec__cgroup_each_member (const struct pexec__cgroup *cgroup,
                                void (*see) (void *argument, int pid),
                                void *argument);
/* The directories that pexec has made: it and what is in it, and those above
   it that are empty then. 0, or -errno where it stays itself. */
int pexec__cgroup_remove (const struct pexec__cgroup *cgroup);

/* {== hierarchy.c: where it is =========================================== */

/* 'directory' becomes the place of this path, to be freed; its first '*floor'
   bytes are where the path begins. 0, -ENOMEM; -ENODEV: no such hierarchy is
   mounted; -ENOENT: that place cannot be seen in it. Reads /proc. */
int pexec__hierarchy_find (const char *path, char **directory, size_t *floor);

/* {== cgroup_open.c: making it =========================================== */

/* What is wrong, for failure.c. */
enum pexec__cgroup_flaw_kind {
  PEXEC__CGROUP_SYSTEM,         /* the code says it, of 'place' */
  PEXEC__CGROUP_NO_HIERARCHY,
  PEXEC__CGROUP_OUT_OF_SIGHT,
  PEXEC__CGROUP_NO_CONTROLLER,  /* 'controller' is not in the file 'place',
                                   but 'detail' is */
  PEXEC__CGROUP_NOT_ENABLED,    /* 'controller' cannot be, by 'place' */
  PEXEC__CGROUP_HELD,           /* by another process of pexec's */
  PEXEC__CGROUP_POPULATED       /* by those in 'detail' */
};

struct pexec__cgroup_flaw {
  enum pexec__cgroup_flaw_kind kind;
  const char *controller;
  char *place;                  /* owned; NULL: not known */
  size_t detail_length;
  bool is_full;                 /* there is no room for more */
  char detail[256];
};

/* Opens the cgroup of a start, made and set as it is wanted, with nobody in
   it. '*cgroup' is that of the process's last child, held, or NULL: where it
   is the same, whoever is left in it is killed; else it is let go. 0, or
   -errno with the flaw; *cgroup is then what it was, or NULL. */
int pexec__cgroup_take (struct pexec__cgroup **cgroup,
                        const pexec_cgroup *wanted,
                        struct pexec__cgroup_flaw *flaw);
/* Its cgroup.procs, for writing. */
int pexec__cgroup_open_door (const struct pexec__cgroup *cgroup,
                             struct pexec__cgroup_flaw *flaw);
void pexec__cgroup_flaw_free (struct pexec__cgroup_flaw *flaw);

#endif
