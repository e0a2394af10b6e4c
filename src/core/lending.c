/*
** Lending. One thread reads for all children, which is too little where many
** write much at once. So a pipe is lent then to the writer of its log file,
** which reads and writes in turn: what it has read is in the cache of its core
** when it writes that, and each core has a writer. Such a pipe has no other
** reader until it is empty, or is taken back for anything else that is to be
** done with it. The supervisor's thread.
*/

#include "core.h"

#define MUCH (PEXEC__LINE_MAX / 2)   /* bytes at a wake: half a pipe, or more */
#define MANY 5                       /* pipes of which that can be said */
#define MOST_READS 4                 /* at a turn: what a cache holds, and a
                                        writer writes at once */
#define LOOK_NS (100 * PEXEC__MS)    /* how often a writer is looked after */

/* All a writer does with it, on its own thread. */
static bool pull (void *source, struct pexec__pool *pool) {
  int reads = 0;
  while (reads < MOST_READS &&
         pexec__lines_read(source, pool, PEXEC__LINE_MAX) > 0)
    reads++;
  return reads > 0;
}

/* How many pipes have brought much since this one did, or are lent. */
static uint64_t others (struct pexec__stream *stream) {
  pexec_supervisor *supervisor = stream->process->supervisor;
  uint64_t since = supervisor->full_wakes - stream->full_wake;
  stream->full_wake = ++supervisor->full_wakes;
  return since + supervisor->lent;
}

/* It resumes where the supervisor has read it. */
static void note_return (struct pexec__stream *stream) {
  stream->loan.sink->lender = NULL;
  stream->loan.sink = NULL;
  stream->process->supervisor->lent--;
  pexec__losses_watch(stream->process);
  pexec__output_set_watch(stream);
}

static void lend (struct pexec__stream *stream, struct pexec__sink *sink) {
  pexec_process *process = stream->process;
  stream->loan = (struct pexec__loan){ sink, process->child.pid,
                                       process->starts };
  sink->lender = stream;
  process->supervisor->lent++;
  if (!pexec__sink_lend(sink, pull, stream)) {
    note_return(stream);
    return;
  }
  pexec__output_set_watch(stream);
  pexec__output_enlarge(stream, true);
  sink->look_at_ns = pexec__now() + LOOK_NS;
  if (!sink->blocks)
    pexec__timer_arm_earlier(process->supervisor->outlet_timer,
                             sink->look_at_ns);
}

void pexec__lending_consider (struct pexec__stream *stream, size_t size) {
  struct pexec__sink *sink;
  if (size < MUCH || others(stream) < MANY ||
      !pexec__output_may_read(stream) || stream->is_resting ||
      stream->has_events)
    return;
  sink = pexec__outlets_sole_file(stream);
  if (sink != NULL && pexec__now() >= sink->lend_after_ns)
    lend(stream, sink);
}

void pexec__lending_take_back (struct pexec__stream *stream) {
  if (stream->loan.sink == NULL)
    return;
  pexec__sink_take_back(stream->loan.sink);
  note_return(stream);
}

void pexec__lending_heed (struct pexec__sink *sink) {
  if (sink->lender != NULL && !pexec__sink_is_lent(sink))
    note_return(sink->lender);
}

/* Where lines are dropped rather than waited for, a disk that hangs is not to
   hold up a child by what it was lent. */
int64_t pexec__lending_look (struct pexec__sink *sink, int64_t now_ns) {
  if (sink->lender == NULL || sink->blocks)
    return INT64_MAX;
  if (now_ns < sink->look_at_ns)
    return sink->look_at_ns;
  sink->look_at_ns = now_ns + LOOK_NS;
  if (pexec__sink_has_pulled(sink))
    return sink->look_at_ns;
  sink->lend_after_ns = now_ns + PEXEC__PATIENCE;
  pexec__lending_take_back(sink->lender);
  return INT64_MAX;
}
