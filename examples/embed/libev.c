/* A libev loop (libev-dev), which decides on a timer, until SIGTERM. */
#include <ev.h>
#include <pexec.h>
#include <stdio.h>
static pexec_supervisor *supervisor;
static pexec_process *process;
static void decide (int events, void *run) {
  (void)events;
  pexec_process_decide(process, (uintptr_t)run, PEXEC_DECIDE_RESTART, 0);
}
static void dispatch (struct ev_loop *loop, ev_io *door, int events) {
  pexec_event event = PEXEC_EVENT_INIT;
  (void)door, (void)events;
  while (pexec_supervisor_next(supervisor, &event) > 0) {
    if (event.type == PEXEC_EVENT_EXITED) {
      printf("exited with status %d\n", event.exit.code);
      ev_once(loop, -1, 0, 0.1, decide, (void *)(uintptr_t)event.exit.run);
      if (event.exit.run == 4) raise(SIGTERM);
    } else if (event.type == PEXEC_EVENT_STOPPED)
      ev_break(loop, EVBREAK_ALL);
    pexec_event_release(&event);
  }
}
static void stop (struct ev_loop *loop, ev_signal *term, int events) {
  (void)loop, (void)term, (void)events, pexec_process_stop(process);
}
int main (int argc, char **argv) {
  const char *const args[] = { "-c", argc > 1 ? argv[1] : "exit 3", NULL };
  pexec_config config = PEXEC_CONFIG_INIT;
  ev_io door; ev_signal term;
  config.id = "worker", config.name = "sh", config.args = args, config.asks = 1;
  if (pexec_supervisor_new(&supervisor) < 0 ||
      pexec_process_new(supervisor, &config, &process) < 0 ||
      pexec_process_start(process, -1) < 0) return 1;
  ev_io_init(&door, dispatch, pexec_supervisor_fd(supervisor), EV_READ);
  ev_signal_init(&term, stop, SIGTERM);
  ev_io_start(EV_DEFAULT, &door), ev_signal_start(EV_DEFAULT, &term);
  ev_run(EV_DEFAULT, 0), pexec_supervisor_close(supervisor);
  return puts("stopped for SIGTERM") < 0;
}
