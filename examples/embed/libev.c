/*
** A C program with a libev loop (Debian: libev-dev): it watches one descriptor
** of pexec's, decides on a timer of the loop's, and ends at SIGTERM. Without
** an argument, a text for the shell, it sends that itself after a second.
*/
#include <ev.h>
#include <pexec.h>
#include <signal.h>
#include <stdio.h>

static pexec_supervisor *supervisor;
static pexec_process *process;
static uint64_t died;            /* the run that waits for a decision */

static void decide (struct ev_loop *loop, ev_timer *timer, int events) {
  (void)loop; (void)timer; (void)events;
  pexec_process_decide(process, died, PEXEC_DECIDE_RESTART, -1);
}

static void stop (struct ev_loop *loop, ev_signal *watcher, int events) {
  (void)loop; (void)watcher; (void)events;
  pexec_process_stop(process);
}

static void end (struct ev_loop *loop, ev_timer *timer, int events) {
  (void)loop; (void)timer; (void)events;
  raise(SIGTERM);
}

static void dispatch (struct ev_loop *loop, ev_io *door, int events) {
  static ev_timer timer;
  pexec_event event = PEXEC_EVENT_INIT;
  (void)door; (void)events;
  while (pexec_supervisor_next(supervisor, &event) > 0) {
    if (event.type == PEXEC_EVENT_EXITED) {
      printf("exited with status %d\n", event.exit.code);
      died = event.exit.run;
      ev_timer_init(&timer, decide, 0.2, 0);
      ev_timer_start(loop, &timer);
    } else if (event.type == PEXEC_EVENT_STOPPED)
      ev_break(loop, EVBREAK_ALL);
    pexec_event_release(&event);
  }
}

int main (int argc, char **argv) {
  const char *const args[] = { "-c", argc > 1 ? argv[1] : "exit 3", NULL };
  struct ev_loop *loop = ev_default_loop(0);
  pexec_config config = PEXEC_CONFIG_INIT;
  ev_io door;
  ev_signal term;
  ev_timer second;
  config.id = "worker";
  config.name = "sh";
  config.args = args;
  config.asks = 1;
  config.restart_delay_ms = 0;
  if (pexec_supervisor_new(&supervisor) < 0 ||
      pexec_process_new(supervisor, &config, &process) < 0 ||
      pexec_process_start(process, -1) < 0)
    return 1;
  ev_io_init(&door, dispatch, pexec_supervisor_fd(supervisor), EV_READ);
  ev_io_start(loop, &door);
  ev_signal_init(&term, stop, SIGTERM);
  ev_signal_start(loop, &term);
  ev_timer_init(&second, end, 1.0, 0);
  if (argc == 1)
    ev_timer_start(loop, &second);
  ev_run(loop, 0);
  printf("stopped for SIGTERM\n");
  pexec_process_release(process);
  pexec_supervisor_close(supervisor);
  return 0;
}
