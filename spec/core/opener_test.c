/*
** Specifies openers: threads that wait for the files and users of one start
** each, on a disk or a name service that may hang, and what becomes of them
** when the supervisor ends meanwhile: it frees all that is not counted.
**
** seam: own spawner.c job.c prepare.c opening.c config.c terms.c stop_plan.c rights.c host.c mailbox.c thread.c
*/

#include "spawner_seam.h"

/* {== helpers ============================================================ */

static int64_t now_ns (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 * MS + now.tv_nsec;
}

/* One whose files are on a disk that hangs, once it waits for them. */
static struct pexec__job *submit_slow (void) {
  struct pexec__job *job;
  fake.disk_hangs = true;
  job = submit_for(slow, true);
  await_hanging(1);
  return job;
}

static void expect_answer (struct pexec__job *job, int error) {
  assert_ptr_equal(await_answer(), job);
  assert_int_equal(job->error, error);
  pexec__job_free(job);
}

/* Both, in any order. */
static void expect_answers (struct pexec__job *first, int first_error,
                            struct pexec__job *second, int second_error) {
  struct pexec__job *job = await_answer();
  bool is_first = (job == first);
  assert_int_equal(job->error, is_first ? first_error : second_error);
  pexec__job_free(job);
  expect_answer(is_first ? second : first,
                is_first ? second_error : first_error);
}

static void expect_others_to_start (void) {
  for (int i = 0; i < 10; i++)
    expect_answer(submit(), 0);
}

static void expect_prompt_end (void) {
  int64_t began_ns = now_ns();
  close_all();
  assert_in_range(now_ns() - began_ns, 0, DEADLINE);
}

/* {== while the supervisor is there ====================================== */

static void a_disk_that_hangs_holds_up_no_other (void **state) {
  struct pexec__job *hung = submit_slow();
  (void)state;
  expect_others_to_start();
  let_all_go_on();
  expect_answer(hung, 0);
  assert_int_equal(fake.opens, 1);
}

static void one_whose_files_are_being_opened_can_be_taken_back (void **state) {
  struct pexec__job *hung = submit_slow();
  (void)state;
  pexec__spawner_recall(spawner, hung);
  assert_null(pexec__spawner_answer(spawner));
  let_all_go_on();
  expect_answer(hung, -ECANCELED);
  assert_int_equal(fake.clones, 0);
}

static void two_that_name_one_file_open_it_once (void **state) {
  struct pexec__job *first = submit_slow();
  struct pexec__job *second = submit_for(other, true);
  (void)state;
  expect_others_to_start();
  let_all_go_on();
  expect_answers(first, 0, second, 0);
  assert_int_equal(fake.opens, 1);
  assert_int_equal(fake.files, 1);
}

static void where_that_fails_the_other_tries_again (void **state) {
  struct pexec__job *first = submit_slow();
  struct pexec__job *second = submit_for(other, true);
  (void)state;
  fake.open_errors = 1;
  let_all_go_on();
  expect_answers(first, -EIO, second, 0);
  assert_int_equal(fake.opens, 2);
}

static void unless_it_was_killed_meanwhile (void **state) {
  struct pexec__job *first = submit_slow();
  struct pexec__job *second = submit_for(other, true);
  (void)state;
  pexec__spawner_kill(spawner, second);
  fake.open_errors = 1;
  let_all_go_on();
  expect_answers(first, -EIO, second, -ECANCELED);
  assert_int_equal(fake.opens, 1);
}

static void a_name_service_that_hangs_holds_up_no_other (void **state) {
  pexec_process *of = new_process("somebody", NULL);
  struct pexec__job *hung;
  (void)state;
  fake.service_hangs = true;
  hung = submit_for(of, true);
  await_hanging(1);
  expect_others_to_start();
  let_all_go_on();
  expect_answer(hung, 0);
  free_process(of);
}

static int asker (void) {
  int thread;
  lock();
  thread = fake.asker;
  unlock();
  return thread;
}

/* The one that looks up a user for this process. */
static int thread_of_start (pexec_process *of) {
  expect_answer(submit_for(of, true), 0);
  return asker();
}

/* An opener answers first, and then is there for the next start. */
static void its_thread_is_there_for_the_next_start (void **state) {
  pexec_process *of = new_process("somebody", NULL);
  int64_t until_ns = now_ns() + DEADLINE;
  (void)state;
  while (thread_of_start(of) != thread_of_start(of))
    assert_true(now_ns() < until_ns);
  free_process(of);
}

static void but_not_the_one_that_hangs (void **state) {
  pexec_process *of = new_process("somebody", NULL);
  struct pexec__job *hung = submit_slow();
  int hanging = asker();
  (void)state;
  for (int i = 0; i < 10; i++)
    assert_int_not_equal(thread_of_start(of), hanging);
  let_all_go_on();
  expect_answer(hung, 0);
  free_process(of);
}

/* {== when it ends ======================================================= */

static void the_end_does_not_wait_for_an_opener (void **state) {
  (void)state;
  (void)submit_slow();
  expect_others_to_start();
  expect_prompt_end();
  assert_int_equal(fake.clones, 10);
}

static void nor_for_one_that_was_taken_back (void **state) {
  (void)state;
  pexec__spawner_recall(spawner, submit_slow());
  expect_prompt_end();
}

static void nor_for_one_that_was_killed (void **state) {
  (void)state;
  pexec__spawner_kill(spawner, submit_slow());
  expect_prompt_end();
}

static void nor_for_one_that_waits_for_another (void **state) {
  (void)state;
  (void)submit_slow();
  (void)submit_for(other, true);
  expect_prompt_end();
}

/* Long after all is over no file comes into being. */
static void what_was_killed_by_then_opens_nothing_more (void **state) {
  struct pexec__job *first = submit_slow();
  struct pexec__job *second = submit_for(other, true);
  pexec__spawner_kill(spawner, first);
  pexec__spawner_kill(spawner, second);
  fake.open_errors = 1;
  expect_prompt_end();
  assert_int_equal(end(state), 0);
  assert_int_equal(fake.opens, 1);
  assert_int_equal(begin(state), 0);
}

static void nor_does_it_wait_for_a_name_service (void **state) {
  pexec_process *of = new_process("somebody", NULL);
  (void)state;
  fake.service_hangs = true;
  (void)submit_for(of, true);
  await_hanging(1);
  free_process(of);
  expect_prompt_end();
}

/* The opener may be anywhere on its way. */
static void it_is_never_too_early (void **state) {
  assert_int_equal(end(state), 0);
  for (int i = 0; i < 1000; i++) {
    struct pexec__job *job;
    assert_int_equal(begin(state), 0);
    job = submit_for(slow, true);
    (void)submit_for(other, true);
    for (volatile int n = i % 50 * 500; n > 0; n--)
      continue;
    if (i % 2 == 0)
      pexec__spawner_kill(spawner, job);
    assert_int_equal(end(state), 0);
  }
  assert_int_equal(begin(state), 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_disk_that_hangs_holds_up_no_other),
    SPEC(one_whose_files_are_being_opened_can_be_taken_back),
    SPEC(two_that_name_one_file_open_it_once),
    SPEC(where_that_fails_the_other_tries_again),
    SPEC(unless_it_was_killed_meanwhile),
    SPEC(a_name_service_that_hangs_holds_up_no_other),
    SPEC(its_thread_is_there_for_the_next_start),
    SPEC(but_not_the_one_that_hangs),
    SPEC(the_end_does_not_wait_for_an_opener),
    SPEC(nor_for_one_that_was_taken_back),
    SPEC(nor_for_one_that_was_killed),
    SPEC(nor_for_one_that_waits_for_another),
    SPEC(what_was_killed_by_then_opens_nothing_more),
    SPEC(nor_does_it_wait_for_a_name_service),
    SPEC(it_is_never_too_early),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
