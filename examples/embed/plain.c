/* Keeps a process up in a poll loop, without Lua, until its third death:
   cc plain.c $(pkg-config --cflags --libs pexec) */
#include <pexec.h>
#include <poll.h>
#include <stdio.h>

static void handle (const pexec_event *event) {
  if (event->error < 0)
    fprintf(stderr, "%s\n", event->message);
  if (event->type == PEXEC_EVENT_OUTPUT) {
    printf("%.*s", (int)event->length, event->data);
    pexec_process_consumed(event->process, event->length, event->lines);
  } else if (event->type == PEXEC_EVENT_EXITED) {
    printf("exit status %d\n", event->exit.code);
    pexec_process_decide(event->process, event->exit.run, event->exit.run < 3
                         ? PEXEC_DECIDE_RESTART : PEXEC_DECIDE_END, -1);
  }
}

int main (void) {
  const char *const args[] = { "-c", "echo hello from $$; exit 3", NULL };
  pexec_supervisor *supervisor;
  pexec_process *process;
  pexec_event event = PEXEC_EVENT_INIT;
  pexec_config config = PEXEC_CONFIG_INIT;
  config.id = "greeter", config.name = "sh", config.args = args;
  config.asks = 1, config.output_events = PEXEC_STDOUT;
  if (pexec_supervisor_new(&supervisor) < 0 ||
      pexec_process_new(supervisor, &config, &process) < 0 ||
      pexec_process_start(process, -1) < 0)
    return 1;
  struct pollfd door = { pexec_supervisor_fd(supervisor), POLLIN, 0 };
  while (event.type != PEXEC_EVENT_ENDED && poll(&door, 1, -1) != 0)
    while (event.type != PEXEC_EVENT_ENDED &&
           pexec_supervisor_next(supervisor, &event) > 0) {
      handle(&event);
      pexec_event_release(&event);
    }
  pexec_supervisor_close(supervisor);
}
