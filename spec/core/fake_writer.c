/*
** See fake.h: writers of log files, in the one thread there is. What a sink
** has got is written when its turn comes, at the same instant.
*/

#include "fake.h"

#include <errno.h>

#define SINKS 64

struct pexec__writer {
  struct pexec__writers *all;
  int users;                       /* sinks; with the last it is gone */
  size_t queued_bytes;
};

struct pexec__writers {
  struct pexec__writer one;        /* for all devices */
  struct pexec__loop *loop;
  struct pexec__mailbox *words;
  struct pexec__mailbox todo;
  struct pexec__text text;
  char room[4096];
};

static struct pexec__writers *writers_here;  /* NULL: none */

void fake_writer_reset (void) {
  writers_here = NULL;
}

int pexec__writers_open (struct pexec__loop *loop,
                         struct pexec__mailbox *words,
                         struct pexec__writers **writers) {
  struct pexec__writers *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  made->one.all = made;
  made->loop = loop;
  made->words = words;
  made->text.data = made->room;
  made->text.capacity = sizeof made->room;
  pexec__mailbox_open(&made->todo);
  *writers = writers_here = made;
  return 0;
}

int pexec__writer_get (struct pexec__writers *writers, uint64_t device,
                       bool spreads, struct pexec__writer **writer) {
  int error = fake_failure(CALL_writer_get);
  (void)device;
  (void)spreads;
  if (error < 0)
    return error;
  *writer = &writers->one;
  writers->one.users++;
  return 0;
}

void pexec__writer_leave (struct pexec__writer *writer,
                          struct pexec__sink *sink) {
  pexec__mailbox_withdraw(writer->all->words, &sink->word);
  assert_int_not_equal(writer->users--, 0);
}

void pexec__writer_lock (struct pexec__writer *writer) {
  assert_int_not_equal(writer->users, 0);
}

void pexec__writer_unlock (struct pexec__writer *writer) {
  assert_int_not_equal(writer->users, 0);
}

size_t pexec__writer_count (struct pexec__writer *writer, ptrdiff_t change) {
  return writer->queued_bytes += (size_t)change;
}

void pexec__writers_wake (struct pexec__writers *writers) {
  assert_ptr_equal(writers, writers_here);
}

void pexec__writer_call (struct pexec__writer *writer,
                         struct pexec__sink *sink, bool can_wait) {
  (void)can_wait;
  (void)pexec__mailbox_post(&writer->all->todo, &sink->letter);
}

/* One thread: nothing is ever awaited. */
void pexec__writer_await_change (struct pexec__writer *writer) {
  (void)writer;
  fail();
}

void pexec__writer_note_change (struct pexec__writer *writer) {
  (void)writer;
  fail();
}

void pexec__writer_forget (struct pexec__writer *writer,
                           struct pexec__sink *sink) {
  pexec__mailbox_withdraw(&writer->all->todo, &sink->letter);
}

void pexec__writer_tell (struct pexec__writer *writer,
                         struct pexec__sink *sink) {
  (void)pexec__mailbox_post(writer->all->words, &sink->word);
  pexec__loop_wake(writer->all->loop);
}

/* {== time ==== */

static struct pexec__sink *sink_of (struct pexec__letter *letter) {
  return PEXEC__HOLDER(letter, struct pexec__sink, letter);
}

int64_t fake_writer_next_ns (void) {
  int64_t next = FAKE_NEVER;
  struct pexec__letter *letter = writers_here != NULL && !fake.writer_hangs
                               ? writers_here->todo.first : NULL;
  for (; letter != NULL; letter = letter->next)
    if (sink_of(letter)->retry_at_ns < next)
      next = sink_of(letter)->retry_at_ns;
  return next;
}

static void serve (struct pexec__writers *writers, struct pexec__sink *sink) {
  int64_t wait_ns = pexec__sink_serve(sink, &writers->text, NULL);
  if (wait_ns == PEXEC__SINK_CLOSED)
    return;
  sink->retry_at_ns = wait_ns > 0 ? fake.now_ns + wait_ns : 0;
  if (wait_ns >= 0)
    (void)pexec__mailbox_post(&writers->todo, &sink->letter);
}

bool fake_writer_run_due (void) {
  struct pexec__letter **place;
  if (writers_here == NULL || fake.writer_hangs)
    return false;
  for (place = &writers_here->todo.first; *place != NULL;
       place = &(*place)->next) {
    struct pexec__sink *sink = sink_of(*place);
    if (sink->retry_at_ns > fake.now_ns)
      continue;
    pexec__mailbox_remove(&writers_here->todo, place);
    serve(writers_here, sink);
    return true;
  }
  return false;
}

/* What fails at the end is not tried again. */
void pexec__writers_close (struct pexec__writers *writers,
                           struct pexec__sink **sinks, int64_t deadline_ns) {
  (void)sinks;
  (void)deadline_ns;
  fake.writer_hangs = false;
  while (fake_writer_run_due())
    continue;
  pexec__mailbox_close(&writers->todo);
  pexec__free(writers);
  writers_here = NULL;
}
