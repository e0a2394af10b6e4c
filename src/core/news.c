/*
** What the host hears: notices into the outbox, messages to the log. The
** kinds of news that the host must not miss stand in the process itself, so
** that they need no memory; output and messages are parcels, and bounded.
** The supervisor's thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

/* With the outbox locked. False where the host has let go: it must not meet
   a process that it gave back. */
static bool post (pexec_process *process, struct pexec__letter *letter) {
  if (process->is_silent)
    return false;
  if (pexec__mailbox_post(&process->supervisor->outbox, letter))
    pexec__supervisor_ring(process->supervisor);
  return true;
}

bool pexec__news_put (pexec_process *process, struct pexec__notice *notice) {
  return post(process, &notice->letter);
}

pexec_process *pexec__news_process (struct pexec__letter *letter) {
  if (letter->mark != 0)
    return PEXEC__HOLDER(letter - (letter->mark - PEXEC__MARK(0)),
                         pexec_process, news);
  return PEXEC__HOLDER(letter, struct pexec__notice, letter)->process;
}

static void lock (pexec_process *process) {
  pexec__mailbox_lock(&process->supervisor->outbox);
}

static void unlock (pexec_process *process) {
  pexec__mailbox_unlock(&process->supervisor->outbox);
}

/* With the outbox locked. */
static void answer (pexec_process *process, struct pexec__write *write,
                    int error) {
  write->error = error;
  if (write->closes || !post(process, &write->notice.letter))
    pexec__free(write);
}

void pexec__news_written (pexec_process *process, struct pexec__write *write,
                          int error) {
  lock(process);
  answer(process, write, error);
  unlock(process);
}

/* What the host has given up to here is answered before the end. */
static void refuse_given (pexec_process *process) {
  struct pexec__input *input = process->input;
  struct pexec__write *write;
  while (input != NULL && (write = pexec__writes_take(&input->given)) != NULL)
    answer(process, write, pexec__input_absence(process));
  pexec__sending_refuse(process);
}

/* What reopening has come to is known only now. */
static void note_reopening (pexec_process *process) {
  const char *path = NULL;
  pexec__free(process->reopen_path);
  process->reopen_error = pexec__outlets_reopen_error(process, &path);
  process->reopen_path = pexec__strdup(path);
}

static void post_now (pexec_process *process, enum pexec__news news) {
  lock(process);
  if (news == PEXEC__NEWS_ENDED)
    refuse_given(process);
  else if (news == PEXEC__NEWS_REOPENED)
    note_reopening(process);
  (void)post(process, &process->news[news]);
  unlock(process);
}

/* Behind all that was written and logged before it. */
void pexec__news_post (pexec_process *process, enum pexec__news news) {
  pexec__outlets_fence(process);
  if (process->is_flushing)
    process->delayed_news |= 1U << news;
  else
    post_now(process, news);
}

void pexec__news_release (pexec_process *process) {
  unsigned delayed = process->delayed_news;
  process->delayed_news = 0;
  pexec__transitions_release(process);
  pexec__losses_tell(process);
  for (int news = PEXEC__NEWS_STARTED; news < PEXEC__NEWS_COUNT; news++)
    if (delayed & (1U << news))
      post_now(process, (enum pexec__news)news);
}

/* The message becomes the answer's, and is freed with it. */
static void post_answer (pexec_process *process, enum pexec__news news,
                         struct pexec__answer *answered, int error,
                         /* NOLINTNEXTLINE(readability-non-const-parameter) */
                         char *message) {
  lock(process);
  pexec__free(answered->message);
  *answered = (struct pexec__answer){ error, process->child.pid, message };
  unlock(process);
  post_now(process, news);
}

void pexec__news_started (pexec_process *process, int error, char *message) {
  post_answer(process, PEXEC__NEWS_STARTED, &process->start, error, message);
}

void pexec__news_restarted (pexec_process *process, int error,
                            char *message) {
  post_answer(process, PEXEC__NEWS_RESTARTED, &process->restart, error,
              message);
}

void pexec__news_given_up (pexec_process *process, const char *message) {
  lock(process);
  pexec__free(process->give_up_message);
  process->give_up_message = pexec__strdup(message);
  unlock(process);
  pexec__news_post(process, PEXEC__NEWS_GIVEN_UP);
}

void pexec__news_stopped (pexec_process *process, int error) {
  lock(process);
  process->stop_error = error;
  process->stop_stage = process->stage;
  process->stop_number = process->stage_number;
  pexec__free(process->stop_report);
  process->stop_report = process->report;
  process->report = NULL;
  unlock(process);
  pexec__news_post(process, PEXEC__NEWS_STOPPED);
}

void pexec__news_call (pexec_process *process, uint64_t ticket) {
  lock(process);
  process->call_ticket = ticket;
  process->call_number = process->stage_number;
  unlock(process);
  post_now(process, PEXEC__NEWS_STOP_CALL);
}

void pexec__news_reopened (pexec_process *process) {
  pexec__news_post(process, PEXEC__NEWS_REOPENED);
}

/* The rest is the reader's, who knows the time. */
void pexec__news_snapshot (pexec_process *process) {
  const struct pexec__child *child = &process->child;
  int64_t started_at_ns = child->started_at_ns;
  lock(process);
  if (started_at_ns == 0)  /* it is forgotten by now */
    started_at_ns = process->known.started_at_ns;
  process->known = (struct pexec__known){
    .state = pexec__phase_state(process->phase),
    .is_wanted = pexec__phase_is_wanted(process->phase),
    .since_ns = process->since_ns,
    .pid = child->is_dead ? 0 : child->pid,
    .starts = process->starts,
    .started_at_ns = started_at_ns,
    .failures = process->past.in_a_row,
    .restart_at_ns = process->restart_at_ns,
  };
  unlock(process);
}

static void drop (struct pexec__letter *letter) {
  struct pexec__notice *notice =
      PEXEC__HOLDER(letter, struct pexec__notice, letter);
  if (letter->mark != 0)
    return;
  if (notice->type == PEXEC_EVENT_WRITTEN)
    pexec__free(PEXEC__HOLDER(notice, struct pexec__write, notice));
  else if (notice->type == PEXEC_EVENT_SIGNALED)
    pexec__free(PEXEC__HOLDER(notice, struct pexec__sending, notice));
  else if (notice->type == PEXEC_EVENT_TRANSITION)
    pexec__free(PEXEC__HOLDER(notice, struct pexec__transition, notice));
  else if (notice->type == PEXEC_EVENT_OUTPUT ||
           notice->type == PEXEC_EVENT_LOG)
    pexec__parcel_free(PEXEC__HOLDER(notice, struct pexec__parcel, notice));
}

void pexec__news_silence (pexec_process *process) {
  struct pexec__mailbox *box = &process->supervisor->outbox;
  struct pexec__letter **place = &box->first;
  lock(process);
  process->is_silent = true;
  while (*place != NULL) {
    struct pexec__letter *letter = *place;
    if (pexec__news_process(letter) != process) {
      place = &letter->next;
      continue;
    }
    pexec__mailbox_remove(box, place);
    drop(letter);
  }
  unlock(process);
}

/* {== parcels ============================================================ */

void pexec__parcel_free (struct pexec__parcel *parcel) {
  pexec__chunk_drop(parcel->view.chunk);
  pexec__free(parcel);
}

static struct pexec__parcel *pack (pexec_process *process,
                                   enum pexec_event_type type,
                                   const char *data, size_t length) {
  struct pexec__parcel *parcel =
      pexec__malloc(sizeof *parcel + length);
  if (parcel == NULL)
    return NULL;
  *parcel = (struct pexec__parcel){
    .notice = { .type = type, .process = process }, .length = length,
  };
  if (length > 0)
    memcpy(parcel->data, data, length);
  return parcel;
}

static bool post_output (pexec_process *process,
                         const struct pexec__view *view) {
  struct pexec__parcel *parcel =
      pack(process, PEXEC_EVENT_OUTPUT, NULL, 0);
  bool is_posted;
  if (parcel == NULL)
    return false;
  parcel->view = *view;
  (void)pexec__chunk_hold(view->chunk);
  lock(process);
  if ((is_posted = post(process, &parcel->notice.letter))) {
    atomic_fetch_add(&process->queued_bytes, view->to - view->from);
    atomic_fetch_add(&process->queued_lines, view->lines);
    atomic_fetch_add(&process->ledger->queued_events, 1);
  }
  unlock(process);
  if (!is_posted)
    pexec__parcel_free(parcel);
  return is_posted;
}

bool pexec__news_output (pexec_process *process,
                         const struct pexec__view *view) {
  if (process->owner == NULL)
    return post_output(process, view);
  pexec__program_said(process, view);
  return true;
}

/* With the outbox locked. NULL: there was no memory for it. */
static bool has_room (const pexec_process *process,
                      const struct pexec__parcel *parcel) {
  return parcel != NULL && process->log_events < PEXEC__LOG_EVENTS_MAX;
}

/* The same, with the room. */
static bool hand_out (pexec_process *process, struct pexec__parcel *parcel) {
  parcel->missed = process->log_missed;
  if (!post(process, &parcel->notice.letter))
    return false;
  process->log_missed = 0;
  process->log_events++;
  return true;
}

static void post_message (pexec_process *process, enum pexec_level level,
                          const char *text, size_t length) {
  struct pexec__parcel *parcel =
      pack(process, PEXEC_EVENT_LOG, text, length);
  bool is_posted = false;
  if (parcel != NULL)
    parcel->level = level;
  lock(process);
  if (has_room(process, parcel))
    is_posted = hand_out(process, parcel);
  else
    process->log_missed++;
  unlock(process);
  if (parcel != NULL && !is_posted)
    pexec__parcel_free(parcel);
}

void pexec__news_message (pexec_process *process, enum pexec_level level,
                          const char *text, size_t length) {
  if (process->config->log_events && !process->is_released &&
      !process->supervisor->is_closing)
    post_message(process, level, text, length);
}

void pexec__log (pexec_process *process, enum pexec_level level,
                 const char *format, ...) {
  const struct pexec__config *config = process->config;
  char text[1024];
  va_list args;
  int length;
  if (config->logger == NULL && !config->log_events)
    return;
  va_start(args, format);
  length = vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (length >= (int)sizeof text)
    length = (int)sizeof text - 1;
  if (config->logger != NULL &&
      !pexec__outlets_put_message(process, level, text, (size_t)length))
    pexec_logger_write(config->logger, level, config->id, text,
                       (size_t)length);
  pexec__news_message(process, level, text, (size_t)length);
}
