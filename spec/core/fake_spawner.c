/*
** See fake.h: a spawner without a thread. It makes one child after the other,
** each in the time that its program says, by the steps of spawner.c.
*/

#include "fake.h"

#include <errno.h>

#include "spawner.h"

struct pexec__spawner {
  struct pexec__loop *loop;
  struct pexec__mailbox todo, done;
  struct pexec__job *current;   /* NULL: idle */
  int64_t due_ns;               /* of current */
  bool is_killed;               /* current's child is to be */
};

static struct pexec__spawner *spawner_here;  /* NULL: none */

void fake_spawner_reset (void) {
  spawner_here = NULL;
}

int pexec__spawner_open (struct pexec__loop *loop,
                         struct pexec__spawner **spawner) {
  struct pexec__spawner *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  made->loop = loop;
  pexec__mailbox_open(&made->todo);
  pexec__mailbox_open(&made->done);
  *spawner = spawner_here = made;
  return 0;
}

/* {== one attempt ==== */

static void bury (int pidfd) {
  struct pexec__status status;
  (void)pexec__wait(pidfd, true, &status);
  pexec__close(pidfd);
}

static int make_child (struct pexec__spawner *spawner,
                       struct pexec__job *job) {
  struct pexec__plan *plan = &job->plan;
  int result = pexec__clone(plan);
  job->spawned_at_ns = pexec__now();
  if (result < 0)
    return pexec__job_explain(job, PEXEC__STEP_CLONE, result);
  job->found_umask = plan->found_umask;
  if (plan->failed_step != PEXEC__STEP_NOTHING) {
    bury(plan->pidfd);
    return pexec__job_explain(job, plan->failed_step, -plan->failed_errno);
  }
  if (spawner->is_killed)
    fake_child_kill(plan->pidfd);
  job->pid = plan->pid;
  job->pidfd = plan->pidfd;
  return 0;
}

static int attempt (struct pexec__spawner *spawner, struct pexec__job *job) {
  int error = pexec__job_prepare(job);
  if (error >= 0)
    error = pexec__job_equip(job);
  return error < 0 ? error : make_child(spawner, job);
}

/* {== the queue ==== */

static void take_next (struct pexec__spawner *spawner) {
  struct pexec__letter *letter = pexec__mailbox_take(&spawner->todo);
  int64_t exec_ns = fake_next_program()->exec_ns;
  spawner->current = NULL;
  spawner->is_killed = false;
  if (letter == NULL)
    return;
  spawner->current = PEXEC__HOLDER(letter, struct pexec__job, letter);
  spawner->current->is_waiting = false;
  spawner->due_ns = exec_ns == FAKE_NEVER ? FAKE_NEVER
                  : fake.now_ns + exec_ns;
}

void pexec__spawner_submit (struct pexec__spawner *spawner,
                            struct pexec__job *job) {
  job->plan.pidfd = -1;
  job->found_umask = -1;
  fake.openers += job->may_hang;
  job->is_waiting = true;
  (void)pexec__mailbox_post(&spawner->todo, &job->letter);
  if (spawner->current == NULL)
    take_next(spawner);
}

static void answer (struct pexec__spawner *spawner, struct pexec__job *job) {
  (void)pexec__mailbox_post(&spawner->done, &job->letter);
  pexec__loop_wake(spawner->loop);
}

static void finish_current (struct pexec__spawner *spawner) {
  struct pexec__job *job = spawner->current;
  job->error = attempt(spawner, job);
  pexec__plan_free(&job->plan);
  answer(spawner, job);
  take_next(spawner);
}

struct pexec__job *pexec__spawner_answer (struct pexec__spawner *spawner) {
  struct pexec__letter *letter = pexec__mailbox_take(&spawner->done);
  return letter ? PEXEC__HOLDER(letter, struct pexec__job, letter) : NULL;
}

void pexec__spawner_recall (struct pexec__spawner *spawner,
                            struct pexec__job *job) {
  if (!job->is_waiting)
    return;
  pexec__mailbox_withdraw(&spawner->todo, &job->letter);
  job->is_waiting = false;
  job->error = -ECANCELED;
  answer(spawner, job);
}

void pexec__spawner_kill (struct pexec__spawner *spawner,
                          struct pexec__job *job) {
  pexec__spawner_recall(spawner, job);
  if (spawner->current != job)
    return;
  spawner->is_killed = true;
  if (!fake_next_program()->is_unkillable)
    spawner->due_ns = fake.now_ns;
}

int64_t fake_spawner_next_ns (void) {
  return spawner_here != NULL && spawner_here->current != NULL
       ? spawner_here->due_ns : FAKE_NEVER;
}

bool fake_spawner_run_due (void) {
  if (fake_spawner_next_ns() > fake.now_ns)
    return false;
  finish_current(spawner_here);
  return true;
}

static void discard (struct pexec__job *job) {
  if (job->error >= 0)
    pexec__exit_discard(job->pidfd);
  pexec__job_free(job);
}

/* The real one's thread would never end where a child hangs. */
void pexec__spawner_close (struct pexec__spawner *spawner) {
  struct pexec__job *job;
  while (spawner->current != NULL) {
    assert_true(spawner->due_ns < FAKE_NEVER);
    finish_current(spawner);
  }
  while ((job = pexec__spawner_answer(spawner)) != NULL)
    discard(job);
  pexec__mailbox_close(&spawner->todo);
  pexec__mailbox_close(&spawner->done);
  pexec__free(spawner);
  spawner_here = NULL;
}
