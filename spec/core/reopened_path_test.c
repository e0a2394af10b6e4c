/*
** Specifies that what REOPENED says stays true until its event is released,
** also where that file is not written to any more: a FIFO in another's place
** has all of them taken anew. Children are real. The host's thread.
*/

#include "real.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static void await_reopened (pexec_event *event) {
  struct deadline deadline = real_deadline();
  for (;;) {
    *event = (pexec_event)PEXEC_EVENT_INIT;
    if (pexec_supervisor_next(real.supervisor, event) == 1 &&
        event->type == PEXEC_EVENT_REOPENED)
      return;
    pexec_event_release(event);
    real_pause(deadline, "reopened");
  }
}

static void its_path_outlives_the_file (void **state) {
  const char *directory = real_path("logs"), *log = real_path("logs/log");
  const char *other = real_path("other");
  pexec_file rotated = PEXEC_FILE_INIT, plain = PEXEC_FILE_INIT;
  const pexec_file *const to_log[] = { &rotated, NULL };
  const pexec_file *const to_other[] = { &plain, NULL };
  pexec_process *process;
  pexec_event event;
  (void)state;
  rotated.path = log;
  plain.path = other;
  plain.max_size = 0;
  real.config.output[0].files = to_log;
  real.config.output[1].files = to_other;
  assert_int_equal(mkdir(directory, 0700), 0);
  process = STARTED("forever");
  assert_int_equal(unlink(log) | rmdir(directory), 0);
  assert_int_equal(pexec_process_reopen(process), 0);
  await_reopened(&event);
  assert_int_equal(mkdir(directory, 0700), 0);
  assert_int_equal(unlink(other), 0);
  assert_int_equal(mkfifo(other, 0600), 0);
  assert_int_equal(kill(real_pid(process), SIGKILL), 0);
  real_await_starts(process, 2);
  assert_string_equal(event.message, log);
  pexec_event_release(&event);
  assert_int_equal(unlink(log) | rmdir(directory), 0);
}

int main (void) {
  const struct CMUnitTest tests[] = { REAL_SPEC(its_path_outlives_the_file) };
  return REAL_RUN(tests);
}
