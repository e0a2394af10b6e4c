/*
** Specifies the spawner where the system has no thread or memory for it, makes
** no child, or does not tell of one's end: what failed is answered, and what
** comes after it is made. Its threads are real, the children played.
**
** seam: own spawner.c job.c prepare.c opening.c config.c terms.c stop_plan.c rights.c host.c mailbox.c
*/

#include "spawner_seam.h"

#include "thread.h"

/* {== threads that cannot be had ========================================= */

static int thread_error;         /* of starting one; 0: none */

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument) {
  (void)name;
  return thread_error < 0 ? thread_error
                          : -pthread_create(thread, NULL, body, argument);
}

void pexec__thread_join (pthread_t thread) {
  (void)pthread_join(thread, NULL);
}

/* {== helpers ============================================================ */

/* The thread that has prepared it. */
static int thread_of (pexec_process *of, bool may_hang) {
  struct pexec__job *job = submit_for(of, may_hang);
  int thread;
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, 0);
  pexec__job_free(job);
  lock();
  thread = fake.asker;
  unlock();
  return thread;
}

static void expect_error (int error) {
  struct pexec__job *job = submit();
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, error);
  pexec__job_free(job);
}

/* {== specs ============================================================== */

static void without_a_thread_there_is_none (void **state) {
  struct pexec__spawner *none = NULL;
  int before = atomic_load(&blocks);
  (void)state;
  thread_error = -EAGAIN;
  assert_int_equal(pexec__spawner_open(loop, &none), -EAGAIN);
  thread_error = 0;
  assert_null(none);
  assert_int_equal(atomic_load(&blocks), before);
}

static void nor_is_there_without_memory (void **state) {
  struct pexec__spawner *none = NULL;
  (void)state;
  good_blocks = 0;
  assert_int_equal(pexec__spawner_open(loop, &none), -ENOMEM);
  good_blocks = -1;
  assert_null(none);
}

/* FAULTS 31 */
static void without_an_opener_it_opens_files_itself (void **state) {
  int own = thread_of(process, false);
  (void)state;
  thread_error = -EAGAIN;
  assert_int_equal(thread_of(slow, true), own);
  assert_int_equal(thread_of(other, true), own);
  thread_error = 0;
  assert_int_not_equal(thread_of(slow, true), own);
}

/* FAULTS 31 */
static void a_child_that_is_not_made_does_not_hinder_the_next (void **state) {
  static const int errors[] = { -EAGAIN, -ENOMEM, -EPERM, -ENFILE, -ENOSYS };
  (void)state;
  for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
    fake.clone_error = errors[i];
    expect_error(errors[i]);
    fake.clone_error = 0;
    expect_error(0);
  }
}

/* It is dying, and cannot be waited for: it is asked again and again. */
static void one_that_could_not_be_executed_is_buried (void **state) {
  (void)state;
  fake.failed_errno = ENOEXEC;
  fake.poll_error = -EINVAL;
  fake.dying = 100;
  expect_error(-ENOEXEC);
  assert_int_equal(fake.buried, 1);
  assert_int_equal(fake.closed, 1);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(without_a_thread_there_is_none),
    SPEC(nor_is_there_without_memory),
    SPEC(without_an_opener_it_opens_files_itself),
    SPEC(a_child_that_is_not_made_does_not_hinder_the_next),
    SPEC(one_that_could_not_be_executed_is_buried),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
