/*
** Everything that the child will need between clone and exec, prepared
** before it exists: it may only make system calls. A plan lives for one
** attempt, in its job, whose configuration and host it refers to.
*/

#ifndef PEXEC_CORE_PLAN_H
#define PEXEC_CORE_PLAN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "cgroup.h"
#include "config.h"
#include "dotenv.h"
#include "host.h"
#include "identity.h"
#include "logfile.h"

/* The steps to a running program, in this order; a failure names one. */
#define PEXEC__STEPS(X) \
  X(NOTHING, "") \
  X(PREPARE, "preparing it") \
  X(PIPES, "making its pipes") \
  X(USER, "looking up its user") \
  X(GROUP, "looking up its groups") \
  X(ENVIRONMENT, "reading its environment file") \
  X(INPUT, "opening its standard input") \
  X(LOG, "opening its log file") \
  X(CGROUP, "preparing its cgroup") \
  X(CLONE, "creating a child") \
  X(SESSION, "making a session for it") \
  X(SIGNALS, "resetting signals in it") \
  X(UMASK, "setting its umask") \
  X(NICE, "setting its nice value") \
  X(OOM_SCORE, "setting its oom_score_adj") \
  X(IO_PRIORITY, "setting its io_priority") \
  X(CPUS, "setting its cpu_affinity") \
  X(DESCRIPTORS, "setting up its descriptors") \
  X(STDIN, "inheriting standard input") \
  X(STDOUT, "inheriting standard output") \
  X(STDERR, "inheriting standard error") \
  X(HOST_CWD, "going to the host's working directory") \
  X(LIMIT, "setting its limit") \
  X(IDENTITY, "changing its user") \
  X(CAPABILITIES, "setting its capabilities") \
  X(PRIVILEGES, "forbidding it new privileges") \
  X(CWD, "setting its working directory") \
  X(DEATH_SIGNAL, "asking for a signal at its parent's death") \
  X(EXEC, "executing it")

enum pexec__spawn_step {
#define X(name, text) PEXEC__STEP_##name,
  PEXEC__STEPS(X)
#undef X
  PEXEC__STEP_COUNT
};

#define PEXEC__CHILD_STACK (64 * 1024)  /* bytes, between clone and exec */

struct pexec__plan {
  /* the way in; the child writes to nothing here */
  char *const *argv;
  char *const *envp;
  char *const *candidates;   /* paths to execute, first that is there wins */
  const char *host_cwd;      /* entered as the host; NULL: not needed */
  const char *cwd;           /* then entered as its user; NULL: stay there */
  int fds[3];                /* become its 0, 1, 2: each 3 or higher; or of
                                the same number, the host's own, inherited;
                                or 1 as its 2: wherever 1 goes */
  int input_fd;              /* a file that becomes its 0; closed with the
                                plan; 0: none */
  int output_fds[2];         /* the same of its 1 and its 2 */
  struct pexec__identity identity;
  struct pexec__dotenv dotenv;
  const pexec_rights *rights;  /* the configuration's */
  char oom_score_adj[12];    /* its text */
  size_t oom_score_length;
  int umask;                 /* -1: the host's as it is */
  int parent_pid;
  char *stack_end;           /* of the child's own stack */
  int cgroup_fd;             /* the directory in which it is to be born; 0:
                                none; the job's */
  int cgroup_door_fd;        /* its cgroup.procs; closed with the plan; 0 */
  bool enters_cgroup;        /* it was not born there, and goes by itself */
  int stillborn_fd;          /* of one that was, and dead; as the door; 0 */
  atomic_bool is_unwanted;   /* the child is to end at once; by any thread */
  /* the way out; the child writes through the memory that it shares */
  struct pexec__cgroup_flaw cgroup_flaw;  /* of step CGROUP */
  const char *environment_path;          /* of step ENVIRONMENT: which */
  const char *log_path;                  /* of step LOG: which; or NULL */
  enum pexec__logfile_flaw log_flaw;     /* and what is wrong with it */
  volatile enum pexec__spawn_step failed_step;  /* NOTHING: executed */
  volatile int failed_errno;
  volatile int failed_candidate;                /* of EXEC: its index */
  volatile int failed_item;                     /* the same of LIMIT, CPUS */
  volatile bool has_begun;                      /* it is there, and runs */
  volatile int found_umask;                     /* the host's, read here */
  /* results of clone */
  int pidfd;
  int pid;
  void *memory;              /* what the arrays above stand in */
};

/* Reads its environment files, as the host, into dotenv. May block on a file
   system. 0, -errno, -ECANCELED where it is unwanted. */
int pexec__plan_read_environment (struct pexec__plan *plan,
                                  const struct pexec__config *config,
                                  const struct pexec__host *host);
/* Fills in the way in but identity, dotenv, fds, umask, parent_pid and
   stack_end, with identity and dotenv there already. 0, -ENOMEM. */
int pexec__plan_make (struct pexec__plan *plan,
                      const struct pexec__config *config,
                      const struct pexec__host *host);
/* Where its standard input is a file, opens that, as the host; fds[0] is then
   it. Never waits for the writer of a FIFO: one that has none is at its end.
   May block on a file system. 0, -errno, -ECANCELED where it is unwanted. */
int pexec__plan_open_input (struct pexec__plan *plan,
                            const struct pexec__config *config,
                            const struct pexec__host *host);
/* Opens the files that it is to write itself: those of fds[1] and fds[2] that
   are -1. 0 or -errno, of log_path then; -ESPIPE for a FIFO; -ECANCELED. */
int pexec__plan_open_outputs (struct pexec__plan *plan,
                              const struct pexec__config *config,
                              const struct pexec__host *host);
void pexec__plan_free (struct pexec__plan *plan);

/* What is wrong with a log file, for people, as pexec__plan_failure. */
char *pexec__log_failure (const struct pexec__config *config,
                          const char *path, enum pexec__logfile_flaw flaw,
                          int error);

/* The host was to prepare a start, and has not: the same. */
char *pexec__prepare_failure (const struct pexec__config *config);

/* Why it failed, for people; to be freed by the caller; NULL where memory
   is short. 'error' is -errno. Reads the head of a script: may block. */
char *pexec__plan_failure (const struct pexec__plan *plan,
                           const struct pexec__config *config,
                           enum pexec__spawn_step step, int error);

#endif
