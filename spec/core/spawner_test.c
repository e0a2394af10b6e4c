/*
** Specifies the spawner: its thread is the real one, the children that it
** makes are played. One of them can hang before its exec. Two threads.
**
** seam: own spawner.c job.c prepare.c opening.c config.c terms.c stop_plan.c rights.c host.c mailbox.c thread.c
*/

#include "spawner_seam.h"

#include <sched.h>
#include <unistd.h>

/* {== helpers ============================================================ */

static void await_hanging_child (void) {
  lock();
  while (!fake.is_made)
    await();
  unlock();
}

static void expect_failure (int error, enum pexec__spawn_step step) {
  struct pexec__job *job = submit();
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, error);
  assert_int_equal(job->message[0], 'a' + step);
  pexec__job_free(job);
}

/* {== specs ============================================================== */

static void a_child_that_was_made_is_answered (void **state) {
  struct pexec__job *job = submit();
  (void)state;
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, 0);
  assert_int_equal(job->pid, 1001);
  assert_int_equal(job->pidfd, PIDFD);
  assert_int_equal(job->found_umask, 022);
  assert_int_equal(job->spawned_at_ns, 77);
  assert_int_equal(fake.closed, 0);
  pexec__job_free(job);
}

static void jobs_are_done_in_order (void **state) {
  struct pexec__job *jobs[50];
  (void)state;
  for (int i = 0; i < 50; i++)
    jobs[i] = submit();
  for (int i = 0; i < 50; i++) {
    assert_ptr_equal(await_answer(), jobs[i]);
    assert_int_equal(jobs[i]->pid, 1001 + i);
    pexec__job_free(jobs[i]);
  }
  assert_null(pexec__spawner_answer(spawner));
}

static void each_step_may_fail_and_is_named (void **state) {
  (void)state;
  fake.identity_error = -ENOENT;
  expect_failure(-ENOENT, PEXEC__STEP_USER);
  fake.identity_error = 0;
  fake.plan_error = -ENOMEM;
  expect_failure(-ENOMEM, PEXEC__STEP_PREPARE);
  fake.plan_error = 0;
  fake.input_error = -EACCES;
  expect_failure(-EACCES, PEXEC__STEP_INPUT);
  fake.input_error = 0;
  fake.equip_error = -EAGAIN;
  expect_failure(-EAGAIN, PEXEC__STEP_LOG);
  fake.equip_error = 0;
  fake.clone_error = -EAGAIN;
  expect_failure(-EAGAIN, PEXEC__STEP_CLONE);
  fake.clone_error = 0;
  assert_int_equal(fake.buried, 0);
  fake.failed_errno = ENOEXEC;
  expect_failure(-ENOEXEC, PEXEC__STEP_EXEC);
  assert_int_equal(fake.buried, 1);
  assert_int_equal(fake.closed, 1);
}

static void one_that_hangs_can_be_killed (void **state) {
  struct pexec__job *job;
  (void)state;
  fake.hangs = true;
  job = submit();
  await_hanging_child();
  assert_null(pexec__spawner_answer(spawner));
  pexec__spawner_kill(spawner, job);
  assert_ptr_equal(await_answer(), job);
  pexec__job_free(job);
}

/* It may be anywhere on its way: it is killed, or never comes to its exec. */
static void a_kill_is_never_too_early (void **state) {
  (void)end(state);
  for (int i = 0; i < 2000; i++) {
    struct pexec__job *job;
    assert_int_equal(begin(state), 0);
    fake.hangs = true;
    job = submit();
    for (int n = i % 100; n > 0; n--)
      sched_yield();
    pexec__spawner_kill(spawner, job);
    assert_ptr_equal(await_answer(), job);
    pexec__job_free(job);
    assert_int_equal(end(state), 0);
  }
  assert_int_equal(begin(state), 0);
}

static void one_whose_turn_has_not_come_can_be_taken_back (void **state) {
  struct pexec__job *first, *second;
  (void)state;
  fake.hangs = true;
  first = submit();
  await_hanging_child();
  second = submit();
  pexec__spawner_recall(spawner, second);
  assert_ptr_equal(await_answer(), second);
  assert_int_equal(second->error, -ECANCELED);
  assert_int_equal(fake.clones, 1);
  pexec__job_free(second);
  pexec__spawner_recall(spawner, first);  /* that one's has */
  assert_null(pexec__spawner_answer(spawner));
  pexec__spawner_kill(spawner, first);
  assert_ptr_equal(await_answer(), first);
  pexec__job_free(first);
}

static void a_kill_of_one_is_not_another_ones (void **state) {
  struct pexec__job *first, *second;
  (void)state;
  fake.hangs = true;
  first = submit();
  await_hanging_child();
  second = submit();
  pexec__spawner_kill(spawner, second);
  assert_ptr_equal(await_answer(), second);
  assert_false(fake.is_killed);
  pexec__job_free(second);
  pexec__spawner_kill(spawner, first);
  assert_ptr_equal(await_answer(), first);
  pexec__job_free(first);
}

static void what_nobody_takes_is_discarded_at_the_end (void **state) {
  (void)state;
  (void)submit();
  (void)submit();
  assert_int_equal(end(state), 0);
  assert_int_equal(fake.discarded, 2);
}

static void its_thread_blocks_the_hosts_signals (void **state) {
  struct pexec__job *job;
  sigset_t set, before;
  (void)state;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGUSR1);
  (void)pthread_sigmask(SIG_BLOCK, &set, &before);
  (void)kill(getpid(), SIGUSR1);  /* deadly for a thread that takes it */
  job = submit();
  assert_ptr_equal(await_answer(), job);
  pexec__job_free(job);
  assert_int_equal(sigwaitinfo(&set, NULL), SIGUSR1);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_child_that_was_made_is_answered),
    SPEC(jobs_are_done_in_order),
    SPEC(each_step_may_fail_and_is_named),
    SPEC(one_that_hangs_can_be_killed),
    SPEC(a_kill_is_never_too_early),
    SPEC(one_whose_turn_has_not_come_can_be_taken_back),
    SPEC(a_kill_of_one_is_not_another_ones),
    SPEC(what_nobody_takes_is_discarded_at_the_end),
    SPEC(its_thread_blocks_the_hosts_signals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
