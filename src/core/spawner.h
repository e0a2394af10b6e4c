/*
** The spawner: a thread that makes children, one after the other. A child
** can block before its exec (a program on a hung file system), and with it
** the thread that made it: so that is not the loop's. It lives as long as its
** children: the kernel's parent-death signal is about the thread.
**
** A job that waits for files or a name service first has a thread of its own
** for that, an opener: a disk that hangs holds up nobody but who needs it. Of
** those that are done one stays for the next such job. One that still hangs
** when the spawner closes is left to itself: it touches nothing but its job,
** which is its own then, and what is counted.
*/

#ifndef PEXEC_CORE_SPAWNER_H
#define PEXEC_CORE_SPAWNER_H

#include "core.h"
#include "opening.h"
#include "plan.h"

struct pexec__spawner;

/* One attempt. Belongs to the spawner from submit until it is answered; to an
   opener that is left, for good. */
struct pexec__job {
  struct pexec__letter letter;
  /* immutable */
  pexec_process *process;       /* not for an opener: it may be freed */
  struct pexec__config *config; /* held */
  struct pexec__host *host;     /* held */
  bool may_hang;                /* to be prepared by an opener */
  /* the spawner's, under its lock */
  bool is_waiting;              /* its turn has not come */
  bool is_recalled;             /* it is not wanted any more */
  bool is_prepared;             /* it has been at an opener's */
  /* that of who works at it: an opener, then the spawner */
  struct pexec__spawner *spawner;  /* of the opener that begins with it, which
                                      holds it */
  struct pexec__plan plan;      /* fds and umask are the submitter's */
  struct pexec__cgroup *cgroup; /* held: that of the child before this one,
                                   then that of this one; or NULL */
  /* the answer */
  int error;                    /* 0: executed */
  char *message;                /* why not, for people; or NULL; the taker's */
  int pid, pidfd;
  int64_t spawned_at_ns;
  int found_umask;              /* -1: not asked for */
  bool found_fifo;              /* a file for the child is one: not started */
  /* immutable */
  size_t opening_count;
  struct pexec__opening *openings[];  /* held: log files that are to be open */
};

/* {== job.c ============================================================== */

/* One for this process, with what it takes of its configuration, and all that
   it is to open. 0, -ENOMEM. */
int pexec__job_new (pexec_process *process, struct pexec__config *config,
                    struct pexec__job **job);
/* With its message, and what it has opened and nobody has taken. Any thread
   that owns it. */
void pexec__job_free (struct pexec__job *job);
/* What was made for it is removed again: its child is none, or is gone. */
void pexec__job_leave_cgroup (struct pexec__job *job);
/* Why this step has failed goes into the message; 'error' is returned. */
int pexec__job_explain (struct pexec__job *job, enum pexec__spawn_step step,
                        int error);

/* {== prepare.c: what comes before clone ================================= */

/* All that may block. 0, or -errno with the job's message; -ECANCELED where it
   is not wanted any more. An opener's thread, or the spawner's. */
int pexec__job_prepare (struct pexec__job *job);
/* What is open gets its writers: the same, but it does not block, and is the
   spawner's thread's. */
int pexec__job_equip (struct pexec__job *job);

/* {== spawner.c ========================================================== */

/* 'loop' is woken when an answer waits. 0 or -errno. */
int pexec__spawner_open (struct pexec__loop *loop,
                         struct pexec__spawner **spawner);
void pexec__spawner_submit (struct pexec__spawner *spawner,
                            struct pexec__job *job);
/* The next answered job, or NULL. */
struct pexec__job *pexec__spawner_answer (struct pexec__spawner *spawner);
/* Takes back a job whose turn has not come: answered with -ECANCELED, at once
   or, where its files are being opened, after that. */
void pexec__spawner_recall (struct pexec__spawner *spawner,
                            struct pexec__job *job);
/* The same, else SIGKILL to its child, also to one that is yet to be made.
   Only for a job whose answer was not taken. */
void pexec__spawner_kill (struct pexec__spawner *spawner,
                          struct pexec__job *job);
/* Joins its thread, after the jobs that this has: their children get SIGKILL.
   Openers that are not done are left: they free their jobs, and what they have
   opened, when the kernel lets them go. */
void pexec__spawner_close (struct pexec__spawner *spawner);

#endif
