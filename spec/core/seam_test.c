/*
** Specifies what of the real side of the seam no process shows: its clocks,
** and that a terminal which is opened is nobody's. One thread, and a copy of
** it.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

/* {== clocks ============================================================= */

static int64_t read_clock (clockid_t clock) {
  struct timespec now;
  assert_int_equal(clock_gettime(clock, &now), 0);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* FAULTS 36 */
static void test_time_is_what_nobody_can_set (void **state) {
  int64_t before = read_clock(CLOCK_MONOTONIC), now = pexec__now();
  int64_t after = read_clock(CLOCK_MONOTONIC);
  (void)state;
  assert_true(before <= now && now <= after);
}

static void test_the_time_of_day_is_the_walls (void **state) {
  int64_t before = read_clock(CLOCK_REALTIME), now = pexec__wall_now();
  int64_t after = read_clock(CLOCK_REALTIME);
  (void)state;
  assert_true(before <= now && now <= after);
}

/* {== terminals ========================================================== */

/* In a session that has none, whose leader would get it. 0: he has not. */
static int open_terminal (void) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (setsid() < 0 || master < 0 || grantpt(master) < 0 ||
      unlockpt(master) < 0)
    return 2;
  if (pexec__open(ptsname(master), O_RDWR, 0) < 0)
    return 3;
  return open("/dev/tty", O_RDWR) < 0 && errno == ENXIO ? 0 : 1;
}

/* FAULTS 16 */
static void test_a_terminal_that_is_opened_is_nobodys (void **state) {
  pid_t copy = fork();
  int status;
  (void)state;
  if (copy == 0)
    _exit(open_terminal());
  assert_true(copy > 0);
  assert_int_equal(waitpid(copy, &status, 0), copy);
  assert_int_equal(status, 0);
}

int main (void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_time_is_what_nobody_can_set),
    cmocka_unit_test(test_the_time_of_day_is_the_walls),
    cmocka_unit_test(test_a_terminal_that_is_opened_is_nobodys),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
