/* See spawner.h. */

#include "spawner.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "thread.h"

struct pexec__spawner {
  /* immutable */
  pthread_t thread;
  struct pexec__loop *loop;     /* not an opener's while it is closing */
  char *stack;                  /* one child at a time uses it */
  /* under todo's lock */
  struct pexec__mailbox todo;
  pthread_cond_t has_work;
  bool is_closing;              /* nothing comes into 'todo' any more */
  struct pexec__job *current;   /* whose child may be signalled; or NULL */
  int holders;                  /* who has opened it, and openers: the last one
                                   to go frees it */
  bool is_parked;               /* an opener waits for more, this one: */
  pthread_t parked;
  pthread_cond_t has_files;     /* for it */
  struct pexec__job *to_open;   /* what it is given; NULL: nothing yet */
  /* under done's lock */
  struct pexec__mailbox done;
};

/* {== the spawner's thread =============================================== */

/* A child that failed before exec is about to end: reaps it. Where the host
   has it reaped otherwise, that is as good. */
static void bury (int pidfd) {
  struct pexec__status status;
  while (pexec__wait(pidfd, true, &status) == 0)
    (void)pexec__poll_readable(pidfd, -1);
  pexec__close(pidfd);
}

static void set_current (struct pexec__spawner *spawner,
                         struct pexec__job *job) {
  pexec__mailbox_lock(&spawner->todo);
  spawner->current = job;
  pexec__mailbox_unlock(&spawner->todo);
}

static int make_child (struct pexec__spawner *spawner,
                       struct pexec__job *job) {
  struct pexec__plan *plan = &job->plan;
  int result;
  plan->stack_end = spawner->stack + PEXEC__CHILD_STACK;
  plan->parent_pid = pexec__self();
  set_current(spawner, job);
  result = pexec__clone(plan);
  set_current(spawner, NULL);
  job->spawned_at_ns = pexec__now();
  if (result < 0)
    return pexec__job_explain(job, PEXEC__STEP_CLONE, result);
  job->found_umask = plan->found_umask;
  if (plan->failed_step != PEXEC__STEP_NOTHING) {
    bury(plan->pidfd);
    return pexec__job_explain(job, plan->failed_step, -plan->failed_errno);
  }
  job->pid = plan->pid;
  job->pidfd = plan->pidfd;
  return 0;
}

static int attempt (struct pexec__spawner *spawner, struct pexec__job *job) {
  int error = job->is_prepared ? 0 : pexec__job_prepare(job);
  if (error >= 0)
    error = pexec__job_equip(job);
  return error < 0 ? error : make_child(spawner, job);
}

/* NULL when the spawner is to end. */
static struct pexec__job *next_job (struct pexec__spawner *spawner) {
  struct pexec__letter *letter;
  struct pexec__job *job = NULL;
  pexec__mailbox_lock(&spawner->todo);
  while ((letter = pexec__mailbox_take(&spawner->todo)) == NULL &&
         !spawner->is_closing)
    (void)pthread_cond_wait(&spawner->has_work, &spawner->todo.lock);
  if (letter != NULL) {
    job = PEXEC__HOLDER(letter, struct pexec__job, letter);
    job->is_waiting = false;
  }
  pexec__mailbox_unlock(&spawner->todo);
  return job;
}

static void answer (struct pexec__spawner *spawner, struct pexec__job *job) {
  pexec__mailbox_lock(&spawner->done);
  (void)pexec__mailbox_post(&spawner->done, &job->letter);
  pexec__mailbox_unlock(&spawner->done);
  pexec__loop_wake(spawner->loop);
}

static void *serve (void *argument) {
  struct pexec__spawner *spawner = argument;
  struct pexec__job *job;
  while ((job = next_job(spawner)) != NULL) {
    job->error = attempt(spawner, job);
    pexec__plan_free(&job->plan);
    answer(spawner, job);
  }
  return NULL;
}

/* {== holding it ========================================================= */

static void *map_stack (void) {
  void *stack = mmap(NULL, PEXEC__CHILD_STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  return stack == MAP_FAILED ? NULL : stack;
}

static void free_spawner (struct pexec__spawner *spawner) {
  pexec__mailbox_close(&spawner->todo);
  pexec__mailbox_close(&spawner->done);
  (void)pthread_cond_destroy(&spawner->has_work);
  (void)pthread_cond_destroy(&spawner->has_files);
  (void)munmap(spawner->stack, PEXEC__CHILD_STACK);
  pexec__free(spawner);
}

static void hold (struct pexec__spawner *spawner) {
  pexec__mailbox_lock(&spawner->todo);
  spawner->holders++;
  pexec__mailbox_unlock(&spawner->todo);
}

static void drop (struct pexec__spawner *spawner) {
  bool is_last;
  pexec__mailbox_lock(&spawner->todo);
  is_last = (--spawner->holders == 0);
  pexec__mailbox_unlock(&spawner->todo);
  if (is_last)
    free_spawner(spawner);
}

/* {== openers ============================================================ */

/* With todo's lock held. */
static void enqueue (struct pexec__spawner *spawner, struct pexec__job *job) {
  job->is_waiting = true;
  (void)pexec__mailbox_post(&spawner->todo, &job->letter);
  (void)pthread_cond_signal(&spawner->has_work);
}

/* Its files are open, or cannot be; or it was called back meanwhile. With
   todo's lock held: nobody begins to close then. */
static void finish_opening (struct pexec__spawner *spawner,
                            struct pexec__job *job) {
  job->is_prepared = true;
  if (job->error >= 0 && !job->is_recalled) {
    enqueue(spawner, job);
    return;
  }
  if (job->error >= 0)
    job->error = -ECANCELED;
  pexec__plan_free(&job->plan);
  answer(spawner, job);
}

/* Of the spawner it knows only that it is there still, until it has seen that
   nobody closes it. */
static void open_files (struct pexec__spawner *spawner,
                        struct pexec__job *job) {
  bool is_left;
  job->error = pexec__job_prepare(job);
  pexec__mailbox_lock(&spawner->todo);
  is_left = spawner->is_closing;
  if (!is_left)
    finish_opening(spawner, job);
  pexec__mailbox_unlock(&spawner->todo);
  if (is_left)
    pexec__job_free(job);
}

/* One opener stays for the next start, which then need not make a thread: NULL
   where it is not this one, or nothing will come. With todo's lock held. */
static struct pexec__job *park (struct pexec__spawner *spawner) {
  struct pexec__job *job;
  if (spawner->is_parked || spawner->is_closing) {
    (void)pthread_detach(pthread_self());
    return NULL;
  }
  spawner->is_parked = true;
  spawner->parked = pthread_self();
  while (spawner->to_open == NULL && !spawner->is_closing)
    (void)pthread_cond_wait(&spawner->has_files, &spawner->todo.lock);
  job = spawner->to_open;
  spawner->to_open = NULL;
  spawner->is_parked = (job == NULL);  /* who closes joins it then */
  return job;
}

/* An opener's whole life. */
static void *serve_files (void *argument) {
  struct pexec__job *job = argument;
  struct pexec__spawner *spawner = job->spawner;
  while (job != NULL) {
    open_files(spawner, job);
    pexec__mailbox_lock(&spawner->todo);
    job = park(spawner);
    pexec__mailbox_unlock(&spawner->todo);
  }
  drop(spawner);
  return NULL;
}

/* To the opener that is parked, if there is one. */
static bool give_opener (struct pexec__spawner *spawner,
                         struct pexec__job *job) {
  bool is_given;
  pexec__mailbox_lock(&spawner->todo);
  is_given = spawner->is_parked && spawner->to_open == NULL;
  if (is_given) {
    spawner->to_open = job;
    (void)pthread_cond_signal(&spawner->has_files);
  }
  pexec__mailbox_unlock(&spawner->todo);
  return is_given;
}

/* Where there is no thread to be had, the spawner does it itself: whatever
   hangs then holds up all, and the end of the supervisor as well. */
static bool start_opener (struct pexec__spawner *spawner,
                          struct pexec__job *job) {
  pthread_t thread;
  job->spawner = spawner;
  hold(spawner);
  if (pexec__thread_start(&thread, "pexec-opener", serve_files, job) == 0)
    return true;
  drop(spawner);
  return false;
}

/* {== the other threads ================================================== */

int pexec__spawner_open (struct pexec__loop *loop,
                         struct pexec__spawner **spawner) {
  struct pexec__spawner *made = pexec__calloc(1, sizeof *made);
  int error;
  if (made == NULL || (made->stack = map_stack()) == NULL) {
    pexec__free(made);
    return -ENOMEM;
  }
  made->loop = loop;
  made->holders = 1;
  pexec__mailbox_open(&made->todo);
  pexec__mailbox_open(&made->done);
  (void)pthread_cond_init(&made->has_work, NULL);
  (void)pthread_cond_init(&made->has_files, NULL);
  error = pexec__thread_start(&made->thread, "pexec-spawner", serve, made);
  if (error < 0) {
    free_spawner(made);
    return error;
  }
  *spawner = made;
  return 0;
}

void pexec__spawner_submit (struct pexec__spawner *spawner,
                            struct pexec__job *job) {
  job->plan.pidfd = -1;
  job->found_umask = -1;
  if (job->may_hang &&
      (give_opener(spawner, job) || start_opener(spawner, job)))
    return;
  pexec__mailbox_lock(&spawner->todo);
  enqueue(spawner, job);
  pexec__mailbox_unlock(&spawner->todo);
}

struct pexec__job *pexec__spawner_answer (struct pexec__spawner *spawner) {
  struct pexec__letter *letter;
  pexec__mailbox_lock(&spawner->done);
  letter = pexec__mailbox_take(&spawner->done);
  pexec__mailbox_unlock(&spawner->done);
  return letter ? PEXEC__HOLDER(letter, struct pexec__job, letter) : NULL;
}

void pexec__spawner_recall (struct pexec__spawner *spawner,
                            struct pexec__job *job) {
  bool was_waiting;
  pexec__mailbox_lock(&spawner->todo);
  was_waiting = job->is_waiting;
  job->is_recalled = true;
  if (was_waiting)
    pexec__mailbox_withdraw(&spawner->todo, &job->letter);
  job->is_waiting = false;
  pexec__mailbox_unlock(&spawner->todo);
  if (!was_waiting)
    return;
  pexec__plan_free(&job->plan);  /* an opener's */
  job->error = -ECANCELED;
  answer(spawner, job);
}

/* The kernel stores the pidfd before the child runs, while its maker waits
   in clone. Where it is not there yet, the child will see that it is not
   wanted. Under the lock the pidfd cannot be closed meanwhile. */
void pexec__spawner_kill (struct pexec__spawner *spawner,
                          struct pexec__job *job) {
  pexec__spawner_recall(spawner, job);
  pexec__mailbox_lock(&spawner->todo);
  atomic_store(&job->plan.is_unwanted, true);
  if (spawner->current == job && *(volatile int *)&job->plan.pidfd >= 0)
    (void)pexec__signal(job->plan.pidfd, SIGKILL);
  pexec__mailbox_unlock(&spawner->todo);
}

/* One that nobody took: its child has no owner. */
static void discard (struct pexec__job *job) {
  if (job->error >= 0 && job->cgroup != NULL)
    pexec__cgroup_kill(job->cgroup);
  if (job->error >= 0)
    pexec__exit_discard(job->pidfd);
  pexec__job_free(job);
}

/* Has a parked opener to end? */
static bool begin_closing (struct pexec__spawner *spawner) {
  bool has_parked;
  pexec__mailbox_lock(&spawner->todo);
  spawner->is_closing = true;
  has_parked = spawner->is_parked && spawner->to_open == NULL;
  (void)pthread_cond_signal(&spawner->has_work);
  (void)pthread_cond_signal(&spawner->has_files);
  pexec__mailbox_unlock(&spawner->todo);
  return has_parked;
}

void pexec__spawner_close (struct pexec__spawner *spawner) {
  struct pexec__job *job;
  if (begin_closing(spawner))
    pexec__thread_join(spawner->parked);
  pexec__thread_join(spawner->thread);
  while ((job = pexec__spawner_answer(spawner)) != NULL)
    discard(job);
  drop(spawner);
}
