/*
** A C program without Lua: keeps a process up in a poll loop of its own.
** It shows three restarts, then stops it.
*/

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "pexec.h"

static void check (int result, const char *what) {
  if (result >= 0)
    return;
  fprintf(stderr, "%s: %s\n", what, pexec_error_text(result));
  exit(1);
}

/* True once it is over. */
static int handle (const pexec_event *event, int *deaths) {
  switch (event->type) {
    case PEXEC_EVENT_STARTED:
      check(event->error, event->message ? event->message : "start");
      break;
    case PEXEC_EVENT_OUTPUT:
      printf("%.*s", (int)event->length, event->data);
      pexec_process_consumed(event->process, event->length, event->lines);
      break;
    case PEXEC_EVENT_EXITED:
      printf("exit status %d\n", event->exit.code);
      pexec_process_decide(event->process, event->exit.run, ++*deaths < 3
                           ? PEXEC_DECIDE_RESTART : PEXEC_DECIDE_END, -1);
      break;
    default:
      break;
  }
  return event->type == PEXEC_EVENT_ENDED;
}

int main (void) {
  static const char *const args[] = { "-c", "echo hello from $$; exit 3", 0 };
  pexec_supervisor *supervisor;
  pexec_process *process;
  pexec_config config = PEXEC_CONFIG_INIT;
  pexec_event event = PEXEC_EVENT_INIT;
  struct pollfd door;
  int deaths = 0, over = 0;
  config.id = "greeter";
  config.name = "sh";
  config.args = args;
  config.asks = 1;
  config.restart_delay_ms = 100;
  config.output_events = PEXEC_STDOUT;
  check(pexec_supervisor_new(&supervisor), "supervisor");
  check(pexec_process_new(supervisor, &config, &process), "process");
  check(pexec_process_start(process, -1), "start");
  door.fd = pexec_supervisor_fd(supervisor);
  door.events = POLLIN;
  while (!over) {
    poll(&door, 1, -1);
    while (!over && pexec_supervisor_next(supervisor, &event) > 0) {
      over = handle(&event, &deaths);
      pexec_event_release(&event);
    }
  }
  pexec_process_release(process);
  pexec_supervisor_close(supervisor);
  return 0;
}
