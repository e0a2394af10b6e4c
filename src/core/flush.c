/*
** When what was put into sinks is written, and what follows: news that waits
** for it, streams that go on, failures that the log hears of. The
** supervisor's thread.
*/

#include <errno.h>

#include "core.h"

/* {== fences ============================================================= */

/* Never waits for one that no word can come from. */
static bool is_settled (const struct pexec__outlet *outlet) {
  return outlet->sink->writer == NULL ||
         pexec__sink_has_settled(outlet->sink, outlet->fence);
}

bool pexec__outlets_are_settled (const pexec_process *process) {
  bool are_settled = true;  /* each is asked: each is to send a word */
  for (size_t i = 0; i < process->outlet_count; i++)
    are_settled = is_settled(&process->outlets[i]) && are_settled;
  return are_settled;
}

static bool has_blocking (const pexec_process *process) {
  for (size_t i = 0; i < process->outlet_count; i++)
    if (process->outlets[i].sink->blocks)
      return true;
  return false;
}

/* One that may drop lines is not waited for as long as one that may not. Of
   the time for a stop, what the stop itself took is over. */
static int64_t patience_ends_ns (const pexec_process *process) {
  int64_t now_ns = pexec__now(), began_ns = now_ns;
  if (!has_blocking(process))
    return now_ns + PEXEC__PATIENCE;
  if (process->stop_began_at_ns != 0)
    began_ns = process->stop_began_at_ns;
  began_ns += process->config->policy->stop_timeout_ns;
  return (began_ns > now_ns ? began_ns : now_ns) + PEXEC__PATIENCE;
}

static void begin_flushing (pexec_process *process) {
  pexec_supervisor *supervisor = process->supervisor;
  process->is_flushing = true;
  process->flush_until_ns = patience_ends_ns(process);
  process->next_flushing = supervisor->flushing;
  supervisor->flushing = process;
  pexec__timer_arm_earlier(supervisor->outlet_timer,
                           process->flush_until_ns);
}

void pexec__outlets_fence (pexec_process *process) {
  if (process->supervisor->is_closing)
    return;  /* nobody hears of it, and the writers have time after that */
  for (size_t i = 0; i < process->outlet_count; i++) {
    struct pexec__outlet *outlet = &process->outlets[i];
    if (outlet->sink->writer != NULL)
      outlet->fence = pexec__sink_position(outlet->sink);
  }
  if (!process->is_flushing && !pexec__outlets_are_settled(process))
    begin_flushing(process);
}

static void end_flushing (pexec_process *process) {
  process->is_flushing = false;
  pexec__news_release(process);
  pexec__supervisor_settle(process);  /* may free it */
}

/* Those that need not wait any more. */
static void look_at_flushing (pexec_supervisor *supervisor) {
  pexec_process **place = &supervisor->flushing, *process, *done = NULL;
  int64_t now_ns = pexec__now();
  while ((process = *place) != NULL)
    if (pexec__outlets_are_settled(process) ||
        now_ns >= process->flush_until_ns) {
      *place = process->next_flushing;
      process->next_flushing = done;
      done = process;
    }
    else
      place = &process->next_flushing;
  while ((process = done) != NULL) {
    done = process->next_flushing;
    end_flushing(process);
  }
}

void pexec__outlets_hurry (pexec_supervisor *supervisor) {
  pexec_process *process;
  while ((process = supervisor->flushing) != NULL) {
    supervisor->flushing = process->next_flushing;
    end_flushing(process);
  }
}

/* {== words ============================================================== */

static bool feeds_full (const pexec_process *process,
                        const struct pexec__stream *stream) {
  for (size_t i = 0; i < process->outlet_count; i++) {
    const struct pexec__outlet *outlet = &process->outlets[i];
    if ((outlet->feeds & (unsigned)stream->number) != 0 &&
        outlet->sink->writer != NULL && pexec__sink_is_full(outlet->sink))
      return true;
  }
  return false;
}

static void unblock (pexec_process *process) {
  for (int i = 0; i < 2 && process->streams != NULL; i++) {
    struct pexec__stream *stream = &process->streams[i];
    if (stream->is_blocked && !feeds_full(process, stream))
      pexec__output_block(stream, false);
  }
}

static pexec_process *user_of (pexec_supervisor *supervisor,
                               const struct pexec__sink *sink) {
  for (pexec_process *p = supervisor->processes; p != NULL; p = p->next)
    for (size_t i = 0; i < p->outlet_count; i++)
      if (p->outlets[i].sink == sink)
        return p;
  return NULL;
}

/* A pipe that is full is no error, but it may last. */
static const char *reason_of (const struct pexec__sink_state *state) {
  return state->error < 0 && state->error != -EAGAIN
             ? pexec_error_text(state->error) : "it takes too long";
}

/* Tells the log of a failure once, and of its end. */
static void tell (pexec_supervisor *supervisor, struct pexec__sink *sink) {
  struct pexec__sink_state state = pexec__sink_read_state(sink);
  bool is_bad = state.is_dropping ||
                (state.error < 0 && state.error != -EAGAIN);
  pexec_process *process;
  if (sink->kind != PEXEC__SINK_FILE || is_bad == sink->is_told ||
      (process = user_of(supervisor, sink)) == NULL)
    return;
  sink->is_told = is_bad;
  pexec__losses_watch(process);
  if (is_bad)
    pexec__log(process, PEXEC_ERROR, "cannot write log file \"%s\": %s; %s",
               sink->options.path, reason_of(&state),
               sink->blocks ? "its processes wait when they write"
                            : "lines are lost until it can be written");
  else
    pexec__log(process, PEXEC_INFO, "log file \"%s\" can be written again, "
               "%llu lines were lost", sink->options.path,
               (unsigned long long)(state.lost_ever - sink->lost_told));
  if (!is_bad)
    sink->lost_told = state.lost_ever;
}

static struct pexec__sink *next_word (pexec_supervisor *supervisor) {
  struct pexec__letter *letter;
  pexec__mailbox_lock(&supervisor->words);
  letter = pexec__mailbox_take(&supervisor->words);
  pexec__mailbox_unlock(&supervisor->words);
  return letter ? PEXEC__HOLDER(letter, struct pexec__sink, word) : NULL;
}

/* True where streams may go on. */
static bool heed (pexec_supervisor *supervisor, struct pexec__sink *sink) {
  bool was_full = (sink->full_since_ns != 0);
  if (pexec__sink_is_closed(sink)) {
    pexec__writer_leave(sink->writer, sink);
    pexec__sink_delist(supervisor, sink);
    return false;
  }
  tell(supervisor, sink);
  pexec__lending_heed(sink);
  if (!was_full || pexec__sink_is_full(sink))
    return false;
  sink->full_since_ns = 0;
  return true;
}

static void unblock_all (pexec_supervisor *supervisor) {
  for (pexec_process *p = supervisor->processes; p != NULL; p = p->next)
    unblock(p);
}

/* Those at rest that have had to wait until all was written. */
static void settle_resting (pexec_supervisor *supervisor) {
  pexec_process *process, *next;
  for (process = supervisor->processes; process != NULL; process = next) {
    next = process->next;
    if (process->outlets != NULL && pexec__process_is_at_rest(process))
      pexec__supervisor_settle(process);  /* may free it */
  }
}

void pexec__outlets_heed (pexec_supervisor *supervisor) {
  struct pexec__sink *sink;
  bool has_room = false, has_word = false;
  while ((sink = next_word(supervisor)) != NULL) {
    has_room = heed(supervisor, sink) || has_room;
    has_word = true;
  }
  if (has_room)
    unblock_all(supervisor);
  if (!has_word)
    return;
  look_at_flushing(supervisor);
  settle_resting(supervisor);
}

/* {== time =============================================================== */

/* What has been full for long drops what comes, unless it is to block. */
static int64_t judge_full (struct pexec__sink *sink, int64_t now_ns) {
  int64_t due_ns = sink->full_since_ns + PEXEC__PATIENCE;
  if (sink->full_since_ns == 0 || sink->blocks)
    return INT64_MAX;
  if (now_ns < due_ns)
    return due_ns;
  pexec__sink_begin_dropping(sink);
  sink->full_since_ns = 0;
  return INT64_MAX;
}

static int64_t earlier (int64_t a_ns, int64_t b_ns) {
  return a_ns < b_ns ? a_ns : b_ns;
}

void pexec__outlets_timer_due (void *owner) {
  pexec_supervisor *supervisor = owner;
  int64_t now_ns = pexec__now(), next_ns = INT64_MAX;
  for (struct pexec__sink *s = supervisor->sinks; s != NULL; s = s->next) {
    bool was_full = (s->full_since_ns != 0);
    next_ns = earlier(next_ns, judge_full(s, now_ns));
    next_ns = earlier(next_ns, pexec__lending_look(s, now_ns));
    if (was_full && s->full_since_ns == 0)
      tell(supervisor, s);
  }
  unblock_all(supervisor);
  look_at_flushing(supervisor);
  for (pexec_process *p = supervisor->flushing; p; p = p->next_flushing)
    next_ns = earlier(next_ns, p->flush_until_ns);
  if (next_ns < INT64_MAX)
    pexec__timer_arm_earlier(supervisor->outlet_timer, next_ns);
}
