/*
** Specifies the spawner: its thread is the real one, the children that it
** makes are played. One of them can hang before its exec. Two threads.
**
** seam: own spawner.c prepare.c mailbox.c thread.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "spawner.h"
#include "thread.h"

#define PIDFD 70

/* {== the kernel and what is asked before it ============================= */

static struct {
  /* set by a test before it submits */
  int identity_error, plan_error, input_error, clone_error, failed_errno;
  bool hangs;               /* the next child, until it is killed */
  /* under the lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_made;             /* a child is there, and hangs */
  bool is_killed;           /* it was sent SIGKILL */
  bool disk_hangs;          /* on which the slow process has its files */
  int opening;              /* how often they were asked for */
  int clones, buried, discarded, closed, wakes;
  int blocks;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER };

static void lock (void) { (void)pthread_mutex_lock(&fake.lock); }

static void unlock (void) {
  (void)pthread_cond_broadcast(&fake.changed);
  (void)pthread_mutex_unlock(&fake.lock);
}

static void await (void) {
  (void)pthread_cond_wait(&fake.changed, &fake.lock);
}

int pexec__identity_resolve (const char *username,
                             struct pexec__identity *identity) {
  (void)username;
  (void)identity;
  return fake.identity_error;
}

int pexec__plan_make (struct pexec__plan *plan,
                      const struct pexec__config *config,
                      const struct pexec__host *host) {
  (void)config;
  (void)host;
  plan->failed_step = PEXEC__STEP_NOTHING;
  plan->found_umask = -1;
  plan->pidfd = -1;
  return fake.plan_error;
}

int pexec__plan_open_input (struct pexec__plan *plan,
                            const struct pexec__config *config,
                            const struct pexec__host *host) {
  (void)plan;
  (void)config;
  (void)host;
  return fake.input_error;
}

/* The disk of this process hangs until that is over. */
int pexec__outlets_open (pexec_process *of, const char **path,
                         enum pexec__logfile_flaw *flaw) {
  (void)path;
  (void)flaw;
  lock();
  fake.opening += of->has_fifo;
  (void)pthread_cond_broadcast(&fake.changed);
  while (of->has_fifo && fake.disk_hangs)
    await();
  unlock();
  return 0;
}

int pexec__plan_open_outputs (struct pexec__plan *plan,
                              const struct pexec__config *from,
                              const struct pexec__host *host) {
  (void)plan;
  (void)from;
  (void)host;
  return 0;
}

void pexec__plan_free (struct pexec__plan *plan) { (void)plan; }

char *pexec__plan_failure (const struct pexec__plan *plan,
                           const struct pexec__config *config,
                           enum pexec__spawn_step step, int error) {
  char *message = pexec__calloc(1, 32);
  (void)plan;
  (void)config;
  (void)error;
  message[0] = (char)('a' + step);
  return message;
}

/* Before its first instruction a child sees whether it is wanted. */
static void run_child (struct pexec__plan *plan) {
  if (atomic_load(&plan->is_unwanted)) {
    plan->failed_step = PEXEC__STEP_CLONE;
    plan->failed_errno = ECANCELED;
    return;
  }
  fake.is_made = fake.hangs;
  (void)pthread_cond_broadcast(&fake.changed);
  while (fake.is_made && !fake.is_killed)
    await();
  if (fake.failed_errno == 0)
    return;
  plan->failed_step = PEXEC__STEP_EXEC;
  plan->failed_errno = fake.failed_errno;
}

/* It is the kernel that does so: no sanitizer sees it. */
__attribute__((no_sanitize("thread")))
static void store_pidfd (struct pexec__plan *plan) {
  *(volatile int *)&plan->pidfd = PIDFD;
}

int pexec__clone (struct pexec__plan *plan) {
  if (fake.clone_error != 0)
    return fake.clone_error;
  lock();
  fake.clones++;
  plan->pid = 1000 + fake.clones;
  store_pidfd(plan);
  unlock();
  lock();
  run_child(plan);
  unlock();
  plan->found_umask = 022;
  return plan->pid;
}

int pexec__signal (int pidfd, int signo) {
  assert_int_equal(pidfd, PIDFD);
  assert_int_equal(signo, SIGKILL);
  lock();
  fake.is_killed = true;
  unlock();
  return 0;
}

int pexec__wait (int pidfd, bool reap, struct pexec__status *status) {
  (void)status;
  assert_int_equal(pidfd, PIDFD);
  assert_true(reap);
  fake.buried++;
  return 1;
}

int pexec__poll_readable (int fd, int timeout_ms) {
  (void)fd;
  (void)timeout_ms;
  return 1;
}

void pexec__exit_discard (int pidfd) {
  assert_int_equal(pidfd, PIDFD);
  fake.discarded++;
}

void pexec__close (int fd) {
  assert_int_equal(fd, PIDFD);
  fake.closed++;
}

int pexec__self (void) { return 1; }
int64_t pexec__now (void) { return 77; }

void pexec__loop_wake (struct pexec__loop *loop) {
  (void)loop;
  lock();
  fake.wakes++;
  unlock();
}

void *pexec__calloc (size_t count, size_t size) {
  lock();
  fake.blocks++;
  unlock();
  return calloc(count, size);
}

void pexec__free (void *block) {
  lock();
  fake.blocks -= (block != NULL);
  unlock();
  free(block);
}

/* {== helpers ============================================================ */

static struct pexec__spawner *spawner;
static struct pexec__config config;
static pexec_process process = { .config = &config };
static pexec_process slow = { .config = &config, .has_fifo = true };

static int begin (void **state) {
  (void)state;
  fake.identity_error = fake.plan_error = fake.clone_error = 0;
  fake.failed_errno = fake.input_error = 0;
  fake.hangs = fake.is_made = fake.is_killed = fake.disk_hangs = false;
  fake.opening = 0;
  fake.clones = fake.buried = fake.discarded = fake.closed = fake.wakes = 0;
  return pexec__spawner_open(NULL, &spawner);
}

static int end (void **state) {
  (void)state;
  if (spawner != NULL)
    pexec__spawner_close(spawner);
  spawner = NULL;
  assert_int_equal(fake.blocks, 0);
  return 0;
}

static struct pexec__job *submit (void) {
  struct pexec__job *job = pexec__calloc(1, sizeof *job);
  job->process = &process;
  pexec__spawner_submit(spawner, job);
  return job;
}

/* One whose files are on a disk that hangs, as soon as it waits for them. */
static struct pexec__job *submit_slow (void) {
  struct pexec__job *job = pexec__calloc(1, sizeof *job);
  fake.disk_hangs = true;
  job->process = &slow;
  job->has_files = true;
  pexec__spawner_submit(spawner, job);
  lock();
  while (fake.opening == 0)
    await();
  unlock();
  return job;
}

static void let_disk_go_on (void) {
  lock();
  fake.disk_hangs = false;
  unlock();
}

/* The next answer, whenever it comes. */
static struct pexec__job *await_answer (void) {
  struct pexec__job *job;
  lock();
  while (fake.wakes == 0)
    await();
  fake.wakes--;
  unlock();
  job = pexec__spawner_answer(spawner);
  assert_non_null(job);
  return job;
}

static void await_hanging_child (void) {
  lock();
  while (!fake.is_made)
    await();
  unlock();
}

static void free_job (struct pexec__job *job) {
  pexec__free(job->message);
  pexec__free(job);
}

static void expect_failure (int error, enum pexec__spawn_step step) {
  struct pexec__job *job = submit();
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, error);
  assert_int_equal(job->message[0], 'a' + step);
  free_job(job);
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
  free_job(job);
}

static void jobs_are_done_in_order (void **state) {
  struct pexec__job *jobs[50];
  (void)state;
  for (int i = 0; i < 50; i++)
    jobs[i] = submit();
  for (int i = 0; i < 50; i++) {
    assert_ptr_equal(await_answer(), jobs[i]);
    assert_int_equal(jobs[i]->pid, 1001 + i);
    free_job(jobs[i]);
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
  free_job(job);
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
    free_job(job);
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
  free_job(second);
  pexec__spawner_recall(spawner, first);  /* that one's has */
  assert_null(pexec__spawner_answer(spawner));
  pexec__spawner_kill(spawner, first);
  assert_ptr_equal(await_answer(), first);
  free_job(first);
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
  free_job(second);
  pexec__spawner_kill(spawner, first);
  assert_ptr_equal(await_answer(), first);
  free_job(first);
}

static void what_nobody_takes_is_discarded_at_the_end (void **state) {
  (void)state;
  (void)submit();
  (void)submit();
  fake.failed_errno = 0;
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
  free_job(job);
  assert_int_equal(sigwaitinfo(&set, NULL), SIGUSR1);
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* {== openers ============================================================ */

static void a_disk_that_hangs_holds_up_no_other (void **state) {
  struct pexec__job *hung = submit_slow();
  (void)state;
  for (int i = 0; i < 10; i++) {
    struct pexec__job *job = submit();
    assert_ptr_equal(await_answer(), job);
    assert_int_equal(job->error, 0);
    free_job(job);
  }
  let_disk_go_on();
  assert_ptr_equal(await_answer(), hung);
  assert_int_equal(hung->error, 0);
  assert_int_equal(fake.opening, 1);
  free_job(hung);
}

static void one_whose_files_are_being_opened_can_be_taken_back (void **state) {
  struct pexec__job *hung = submit_slow();
  (void)state;
  pexec__spawner_recall(spawner, hung);
  assert_null(pexec__spawner_answer(spawner));
  let_disk_go_on();
  assert_ptr_equal(await_answer(), hung);
  assert_int_equal(hung->error, -ECANCELED);
  assert_int_equal(fake.clones, 0);
  free_job(hung);
}

static void *open_the_way (void *argument) {
  lock();
  while (fake.clones == 0)
    await();
  unlock();
  let_disk_go_on();
  return argument;
}

/* What it had opened its files for is made, and discarded. */
static void the_end_waits_for_an_opener (void **state) {
  pthread_t thread;
  (void)state;
  (void)submit_slow();
  (void)submit();
  assert_int_equal(pthread_create(&thread, NULL, open_the_way, NULL), 0);
  pexec__spawner_close(spawner);
  spawner = NULL;
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(fake.clones, 2);
  assert_int_equal(fake.discarded, 2);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

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
    SPEC(a_disk_that_hangs_holds_up_no_other),
    SPEC(one_whose_files_are_being_opened_can_be_taken_back),
    SPEC(the_end_waits_for_an_opener),
    SPEC(its_thread_blocks_the_hosts_signals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
