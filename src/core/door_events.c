/*
** What the host pulls: events out of the outbox, signals that were caught.
** The host's thread; nothing here blocks.
*/

#include <errno.h>
#include <string.h>

#include "core.h"
#include "signals.h"

/* {== events ============================================================= */

static void tell_answer (struct pexec__answer *answer, pexec_event *event) {
  event->error = answer->error;
  event->pid = answer->pid;
  event->held = answer->message;
  event->message = answer->message;
  answer->message = NULL;
}

static void tell_giving_up (pexec_process *process, pexec_event *event) {
  event->exit = process->exit;
  event->held = process->give_up_message;
  event->message = process->give_up_message;
  process->give_up_message = NULL;
}

static void tell_exit (pexec_process *process, pexec_event *event) {
  event->exit = process->exit;
  event->asks = process->config->policy->asks &&
                !process->config->policy->is_one_shot;
}

static void tell_stop (pexec_process *process, pexec_event *event) {
  struct pexec__report *report = process->stop_report;
  event->error = process->stop_error;
  event->stage = process->stop_stage;
  event->stage_number = process->stop_number;
  process->stop_report = NULL;
  event->held = report;
  if (report == NULL)
    return;
  event->survivors = report->pids;
  event->survivor_count = report->count < PEXEC_SURVIVORS_MAX
                        ? report->count : PEXEC_SURVIVORS_MAX;
  if (event->error < 0)
    event->message = report->text;
}

static void tell_call (pexec_process *process, pexec_event *event) {
  event->ticket = process->call_ticket;
  event->stage_number = process->call_number;
}

/* The message is which file it was, if it was one. */
static void tell_reopened (pexec_process *process, pexec_event *event) {
  event->error = process->reopen_error;
  event->held = process->reopen_path;
  event->message = process->reopen_path;
  process->reopen_path = NULL;
}

static void tell_news (enum pexec__news news, pexec_event *event) {
  static const enum pexec_event_type types[PEXEC__NEWS_COUNT] = {
    [PEXEC__NEWS_STARTED] = PEXEC_EVENT_STARTED,
    [PEXEC__NEWS_EXITED] = PEXEC_EVENT_EXITED,
    [PEXEC__NEWS_STOPPED] = PEXEC_EVENT_STOPPED,
    [PEXEC__NEWS_ENDED] = PEXEC_EVENT_ENDED,
    [PEXEC__NEWS_REOPENED] = PEXEC_EVENT_REOPENED,
    [PEXEC__NEWS_RESTARTED] = PEXEC_EVENT_RESTARTED,
    [PEXEC__NEWS_GIVEN_UP] = PEXEC_EVENT_GIVEN_UP,
    [PEXEC__NEWS_PREPARE] = PEXEC_EVENT_PREPARE,
    [PEXEC__NEWS_STOP_CALL] = PEXEC_EVENT_STOP_CALL,
  };
  pexec_process *process = event->process;
  event->type = types[news];
  switch (event->type) {
    case PEXEC_EVENT_STARTED: tell_answer(&process->start, event); break;
    case PEXEC_EVENT_RESTARTED: tell_answer(&process->restart, event); break;
    case PEXEC_EVENT_EXITED: tell_exit(process, event); break;
    case PEXEC_EVENT_STOPPED: tell_stop(process, event); break;
    case PEXEC_EVENT_REOPENED: tell_reopened(process, event); break;
    case PEXEC_EVENT_GIVEN_UP: tell_giving_up(process, event); break;
    case PEXEC_EVENT_PREPARE: event->ticket = process->preparations; break;
    case PEXEC_EVENT_STOP_CALL: tell_call(process, event); break;
    default: process->is_active = false; break;
  }
  if (event->error < 0 && event->message == NULL)
    event->message = pexec_error_text(event->error);
}

static void tell_message (struct pexec__parcel *parcel, pexec_event *event) {
  event->held = parcel;
  event->level = parcel->level;
  event->data = parcel->data;
  event->length = parcel->length;
  event->missed = parcel->missed;
  event->process->log_events--;
}

static void tell_output (struct pexec__parcel *parcel, pexec_event *event) {
  const struct pexec__view *view = &parcel->view;
  event->held = parcel;
  event->stream = view->chunk->stream;
  event->data = view->chunk->data + view->from;
  event->length = view->to - view->from;
  event->lines = view->lines;
  event->is_partial = view->is_partial;
}

static void tell_write (struct pexec__write *write, pexec_event *event) {
  event->held = write;
  event->ticket = write->ticket;
  event->error = write->error;
  event->length = write->taken;
  if (event->error < 0)
    event->message = pexec_error_text(event->error);
}

static void tell_sending (struct pexec__sending *sending,
                          pexec_event *event) {
  event->held = sending;
  event->ticket = sending->ticket;
  event->error = sending->error;
  if (event->error < 0)
    event->message = pexec_error_text(event->error);
}

static void tell_transition (struct pexec__transition *transition,
                             pexec_event *event) {
  event->held = transition;
  event->change = &transition->change;
  event->process->transitions--;
}

/* What was allocated for it. */
static void tell_notice (struct pexec__notice *notice, pexec_event *event) {
  event->type = notice->type;
  if (notice->type == PEXEC_EVENT_OUTPUT)
    tell_output(PEXEC__HOLDER(notice, struct pexec__parcel, notice), event);
  else if (notice->type == PEXEC_EVENT_LOG)
    tell_message(PEXEC__HOLDER(notice, struct pexec__parcel, notice), event);
  else if (notice->type == PEXEC_EVENT_WRITTEN)
    tell_write(PEXEC__HOLDER(notice, struct pexec__write, notice), event);
  else if (notice->type == PEXEC_EVENT_SIGNALED)
    tell_sending(PEXEC__HOLDER(notice, struct pexec__sending, notice), event);
  else
    tell_transition(PEXEC__HOLDER(notice, struct pexec__transition, notice),
                    event);
}

static bool tell (pexec_supervisor *supervisor, pexec_event *event) {
  struct pexec__letter *letter = pexec__mailbox_take(&supervisor->outbox);
  if (letter == NULL)
    return false;
  event->process = pexec__news_process(letter);
  if (letter->mark != 0)
    tell_news((enum pexec__news)(letter->mark - PEXEC__MARK(0)), event);
  else
    tell_notice(PEXEC__HOLDER(letter, struct pexec__notice, letter), event);
  return true;
}

static bool tell_signal (pexec_supervisor *supervisor, pexec_event *event) {
  event->signo = pexec__signals_next(supervisor);
  if (event->signo == 0)
    return false;
  event->type = PEXEC_EVENT_SIGNAL;
  return true;
}

/* Signals are looked for again after the bell is silenced, since one that
   came between would not ring again. */
static bool next (pexec_supervisor *supervisor, pexec_event *event) {
  uint64_t rings;
  bool is_told;
  if (tell_signal(supervisor, event))
    return true;
  pexec__mailbox_lock(&supervisor->outbox);
  is_told = tell(supervisor, event);
  if (!is_told && supervisor->is_open)
    (void)pexec__read(supervisor->event_fd, &rings, sizeof rings);
  pexec__mailbox_unlock(&supervisor->outbox);
  return is_told || tell_signal(supervisor, event);
}

/* As much as the host's version of it has; of a later one the rest is 0. */
static void hand_out (const pexec_event *from, pexec_event *event) {
  size_t size = event->size;
  size_t known = size < sizeof *from ? size : sizeof *from;
  memcpy(event, from, known);
  memset((char *)event + known, 0, size - known);
  event->size = size;
}

/* The first version had this much; releasing it takes no more. */
#define LEAST_SIZE offsetof(pexec_event, missed)

int pexec_supervisor_next (pexec_supervisor *supervisor, pexec_event *event) {
  pexec_event told = { .type = PEXEC_EVENT_NONE };
  bool is_told;
  if (event->size < LEAST_SIZE)
    return -EINVAL;
  if (pexec__is_forked(supervisor))
    return PEXEC_EFORKED;
  is_told = next(supervisor, &told);
  hand_out(&told, event);
  return is_told;
}

/* The process may be gone: its ledger knows. */
static void count_release (struct pexec__ledger *ledger) {
  size_t before = atomic_fetch_sub(&ledger->queued_events, 1);
  if (before == PEXEC__EVENTS_MAX / 2 && ledger->owner != NULL)
    pexec__door_resume(ledger->owner);
}

/* A forked copy keeps what it has. */
static void release_parcel (struct pexec__parcel *parcel) {
  const struct pexec__chunk *chunk = parcel->view.chunk;
  if (chunk != NULL && chunk->pool->owner_pid != pexec__self())
    return;
  if (chunk != NULL)
    count_release(chunk->ledger);
  pexec__parcel_free(parcel);
}

void pexec_event_release (pexec_event *event) {
  bool is_parcel = (event->type == PEXEC_EVENT_OUTPUT ||
                    event->type == PEXEC_EVENT_LOG);
  if (event->held != NULL && is_parcel)
    release_parcel(event->held);
  else
    pexec__free(event->held);
  event->held = NULL;
}
