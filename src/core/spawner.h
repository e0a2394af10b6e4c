/*
** The spawner: a thread that makes children, one after the other. A child
** can block before its exec (a program on a hung file system), and with it
** the thread that made it: so that is not the loop's. It lives as long as its
** children: the kernel's parent-death signal is about the thread.
**
** A job with files to open first has a thread of its own for that, an opener,
** which ends with it: a disk that hangs holds up nobody but who needs it.
*/

#ifndef PEXEC_CORE_SPAWNER_H
#define PEXEC_CORE_SPAWNER_H

#include "core.h"
#include "plan.h"

struct pexec__spawner;

/* One attempt. Belongs to the spawner from submit until it is answered. */
struct pexec__job {
  struct pexec__letter letter;
  pexec_process *process;
  struct pexec__plan plan;      /* fds and umask are the submitter's */
  bool has_files;               /* to open; the submitter's */
  bool is_waiting;              /* its turn has not come; the spawner's */
  struct pexec__spawner *spawner;  /* while an opener has it */
  bool is_recalled;             /* and it is not wanted any more */
  bool is_prepared;             /* it has been at an opener's */
  /* the answer */
  int error;                    /* 0: executed */
  char *message;                /* why not, for people; or NULL; the taker's */
  int pid, pidfd;
  int64_t spawned_at_ns;
  int found_umask;              /* -1: not asked for */
  bool found_fifo;              /* a file for the child is one: not started */
};

/* prepare.c: all that comes before clone, and may block. 0, or -errno with
   the job's message. The spawner's thread. */
int pexec__job_prepare (struct pexec__job *job);
/* Why this step has failed goes into the message; 'error' is returned. */
int pexec__job_explain (struct pexec__job *job, enum pexec__spawn_step step,
                        int error);

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
/* Joins the threads, after the jobs that they have: their children get
   SIGKILL. Waits for a file that is being opened as long as that takes. */
void pexec__spawner_close (struct pexec__spawner *spawner);

#endif
