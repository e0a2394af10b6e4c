/* See fake_host.h. */

#include "fake_host.h"

#include <stdio.h>
#include <string.h>

struct host host;

void host_forget (void) {
  pexec_supervisor *supervisor = host.supervisor;
  memset(&host, 0, sizeof host);
  host.supervisor = supervisor;
  host.config = (pexec_config)PEXEC_CONFIG_INIT;
  host.config.id = "id";
  host.config.name = "/bin/program";
  host.config.log_events = 1;
  host.decision = 1;
  host.decision_ms = -1;
}

void host_begin (const struct fake_program *programs, int program_count) {
  fake_reset(programs, program_count);
  host.supervisor = NULL;
  host_forget();
  if (pexec_supervisor_new(&host.supervisor) < 0)
    host.supervisor = NULL;
}

void host_end (void) {
  if (host.supervisor != NULL)
    pexec_supervisor_close(host.supervisor);
  host.supervisor = NULL;
  fake_expect_nothing_left();
}

void host_make (void) {
  assert_int_equal(pexec_process_new(host.supervisor, &host.config,
                                     &host.process), 0);
}

void host_start_for (int64_t timeout_ms) {
  if (host.process == NULL)
    host_make();
  assert_int_equal(pexec_process_start(host.process, timeout_ms), 0);
}

void host_start (void) {
  host_start_for(-1);
}

/* {== events ==== */

static void note (char letter) {
  size_t length = strlen(host.order);
  if (length < sizeof host.order - 1)
    host.order[length] = letter;
}

static void hear_start (const pexec_event *event) {
  host.started++;
  host.start_error = event->error;
  (void)snprintf(host.start_message, sizeof host.start_message, "%s",
                 event->message ? event->message : "");
}

static void hear_exit (const pexec_event *event) {
  host.exited++;
  host.exit = event->exit;
  if (event->asks && host.decision >= 0)
    (void)pexec_process_decide(event->process, event->exit.run,
                               (enum pexec_decision)host.decision,
                               host.decision_ms);
}

static void hear_output (const pexec_event *event) {
  size_t length = strlen(host.text), room = sizeof host.text - 1 - length;
  host.outputs++;
  memcpy(host.text + length, event->data,
         event->length < room ? event->length : room);
  pexec_process_consumed(event->process, event->length, event->lines);
}

static void hear_stop (const pexec_event *event) {
  host.stopped++;
  host.stage = event->stage;
  host.stop_error = event->error;
  host.stage_number = event->stage_number;
  host.survivor_count = event->survivors ? (int)event->survivor_count : -1;
  for (size_t i = 0; i < event->survivor_count; i++)
    host.survivors[i] = event->survivors[i];
  (void)snprintf(host.stop_message, sizeof host.stop_message, "%s",
                 event->message ? event->message : "");
}

static void hear_call (const pexec_event *event) {
  note(event->ticket != 0 ? 'C' : 'c');
  host.calls += (event->ticket != 0);
  host.call_ticket = event->ticket;
  host.call_number = event->stage_number;
}

static void hear_write (const pexec_event *event) {
  note(event->error < 0 ? 'w' : 'W');
  host.written++;
  host.write_error = event->error;
  host.write_length = event->length;
  host.ticket = event->ticket;
}

static void hear_reopening (const pexec_event *event) {
  note('R');
  host.reopened++;
  host.reopen_error = event->error;
}

static void hear_restart (const pexec_event *event) {
  note(event->error < 0 ? 'y' : 'Y');
  host.restarted++;
  host.restart_error = event->error;
  host.restart_pid = event->pid;
  (void)snprintf(host.restart_message, sizeof host.restart_message, "%s",
                 event->message ? event->message : "");
}

static void hear_giving_up (const pexec_event *event) {
  note('G');
  host.given_up++;
  host.exit = event->exit;
  (void)snprintf(host.give_up_message, sizeof host.give_up_message, "%s",
                 event->message ? event->message : "");
}

static void hear_signal (const pexec_event *event) {
  note(event->error < 0 ? 'n' : 'N');
  host.signaled++;
  host.signal_error = event->error;
  assert_true(event->ticket > host.ticket);
  host.ticket = event->ticket;
}

static void hear_change (const pexec_event *event) {
  static const char letters[] = "sxrgktl";
  const pexec_change *change = event->change;
  note(letters[change->transition]);
  if (host.changes < HOST_CHANGES)
    host.change[host.changes] = *change;
  host.changes++;
  if (change->reason != NULL)
    (void)snprintf(host.reason, sizeof host.reason, "%s", change->reason);
}

static void hear_preparation (const pexec_event *event) {
  note('P');
  host.asked++;
  host.preparation = event->ticket;
  if (host.prepares && host.lack != NULL)
    (void)pexec_process_unprepared(event->process, event->ticket, host.lack);
  else if (host.prepares)
    (void)pexec_process_prepared(event->process, event->ticket, host.veto);
}

/* The machine says so where an event came that cannot come. */
static void hear_message (const pexec_event *event) {
  size_t length = strlen(host.log);
  host.logs++;
  (void)snprintf(host.log + length, sizeof host.log - length, "%.*s\n",
                 (int)event->length, event->data);
  if (memmem(event->data, event->length, "please report", 13) != NULL)
    fail_msg("%.*s", (int)event->length, event->data);
}

static void hear (const pexec_event *event) {
  static const char letters[] = " SOXTE";
  if (event->type <= PEXEC_EVENT_ENDED)
    note(letters[event->type]);
  switch (event->type) {
    case PEXEC_EVENT_STARTED: hear_start(event); break;
    case PEXEC_EVENT_OUTPUT: hear_output(event); break;
    case PEXEC_EVENT_EXITED: hear_exit(event); break;
    case PEXEC_EVENT_STOPPED: hear_stop(event); break;
    case PEXEC_EVENT_ENDED: host.ended++; break;
    case PEXEC_EVENT_WRITTEN: hear_write(event); break;
    case PEXEC_EVENT_REOPENED: hear_reopening(event); break;
    case PEXEC_EVENT_RESTARTED: hear_restart(event); break;
    case PEXEC_EVENT_GIVEN_UP: hear_giving_up(event); break;
    case PEXEC_EVENT_PREPARE: hear_preparation(event); break;
    case PEXEC_EVENT_SIGNALED: hear_signal(event); break;
    case PEXEC_EVENT_TRANSITION: hear_change(event); break;
    case PEXEC_EVENT_STOP_CALL: hear_call(event); break;
    case PEXEC_EVENT_LOG: hear_message(event); break;
    default: break;
  }
}

void host_pull (void) {
  pexec_event event = PEXEC_EVENT_INIT;
  while (pexec_supervisor_next(host.supervisor, &event) == 1) {
    hear(&event);
    pexec_event_release(&event);
  }
}

bool host_run_until (const int *count, int at_least, int64_t ns) {
  int64_t end_ns = fake.now_ns + ns;
  int fd = pexec_supervisor_fd(host.supervisor);
  if (fd < 0)
    return false;
  do {
    host_pull();
    if (count != NULL && *count >= at_least)
      return true;
  } while (fake_run_until(fd, end_ns));
  return false;
}

void host_run (int64_t ns) {
  (void)host_run_until(NULL, 0, ns);
}

pexec_snapshot host_snapshot (void) {
  pexec_snapshot told;
  assert_int_equal(pexec_process_snapshot(host.process, &told), 0);
  return told;
}

enum pexec_state host_state (void) {
  return host_snapshot().state;
}

int host_pid (void) {
  return host_snapshot().pid;
}
