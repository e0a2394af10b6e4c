/* See writer.h. */

#include "writer.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>

#include "sys.h"
#include "thread.h"

#define TEXT_SIZE (128 * 1024)
#define LAST_LOOK INT64_C(200000000)  /* ns that a deadline is exceeded by */
#define CHUNKS_KEPT 8                 /* what it reads at a turn, and some */

struct pexec__writer {
  /* immutable */
  uint64_t device;
  pthread_t thread;
  struct pexec__writers *all;
  /* under the lock of 'all' */
  struct pexec__writer *next;
  int users;                    /* sinks */
  /* under todo's lock */
  struct pexec__mailbox todo;   /* sinks with work */
  pthread_cond_t has_changed;
  size_t queued_bytes;          /* of all its sinks */
  bool is_owed_a_wake;          /* there is work that it was not woken for */
  bool is_closing;
  int64_t deadline_ns;          /* while it is closing */
  bool has_ended;
  bool is_abandoned;            /* it ends, and nobody joins it: it frees
                                   itself, and: */
  struct pexec__sink *left;     /* its sinks */
  /* its own thread only */
  struct pexec__text text;
  struct pexec__pool *pool;     /* what it reads into, where it reads */
};

struct pexec__writers {
  struct pexec__loop *loop;
  struct pexec__mailbox *words;
  pthread_mutex_t lock;         /* of what follows */
  struct pexec__writer *first;
};

/* {== the lock =========================================================== */

void pexec__writer_lock (struct pexec__writer *writer) {
  pexec__mailbox_lock(&writer->todo);
}

void pexec__writer_unlock (struct pexec__writer *writer) {
  pexec__mailbox_unlock(&writer->todo);
}

void pexec__writer_call (struct pexec__writer *writer,
                         struct pexec__sink *sink, bool can_wait) {
  (void)pexec__mailbox_post(&writer->todo, &sink->letter);
  writer->is_owed_a_wake = can_wait;
  if (!can_wait)
    (void)pthread_cond_broadcast(&writer->has_changed);  /* also where it was
                                posted: it may be due earlier than it was */
}

void pexec__writer_await_change (struct pexec__writer *writer) {
  (void)pthread_cond_wait(&writer->has_changed, &writer->todo.lock);
}

void pexec__writer_note_change (struct pexec__writer *writer) {
  (void)pthread_cond_broadcast(&writer->has_changed);
}

void pexec__writer_forget (struct pexec__writer *writer,
                           struct pexec__sink *sink) {
  pexec__mailbox_withdraw(&writer->todo, &sink->letter);
}

void pexec__writer_tell (struct pexec__writer *writer,
                         struct pexec__sink *sink) {
  if (writer->is_abandoned)
    return;
  pexec__mailbox_lock(writer->all->words);
  (void)pexec__mailbox_post(writer->all->words, &sink->word);
  pexec__mailbox_unlock(writer->all->words);
  pexec__loop_wake(writer->all->loop);
}

size_t pexec__writer_count (struct pexec__writer *writer, ptrdiff_t change) {
  writer->queued_bytes += (size_t)change;
  return writer->queued_bytes;
}

/* {== its thread ========================================================= */

static struct pexec__sink *sink_of (struct pexec__letter *letter) {
  return (struct pexec__sink *)(void *)
         ((char *)letter - offsetof(struct pexec__sink, letter));
}

static struct timespec timespec_of (int64_t ns) {
  return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
                            .tv_nsec = (long)(ns % 1000000000) };
}

static void wait_until (struct pexec__writer *writer, int64_t due_ns) {
  struct timespec due = timespec_of(due_ns);
  if (due_ns == INT64_MAX)
    (void)pthread_cond_wait(&writer->has_changed, &writer->todo.lock);
  else
    (void)pthread_cond_timedwait(&writer->has_changed, &writer->todo.lock,
                                 &due);
}

/* Takes the first that need not wait, or says when one is due. */
static struct pexec__sink *take_due (struct pexec__writer *writer,
                                     int64_t *due_ns) {
  struct pexec__letter **place = &writer->todo.first;
  int64_t now_ns = pexec__now();
  *due_ns = writer->is_closing ? writer->deadline_ns : INT64_MAX;
  for (; *place != NULL; place = &(*place)->next) {
    struct pexec__sink *sink = sink_of(*place);
    if (sink->retry_at_ns <= now_ns) {
      pexec__mailbox_remove(&writer->todo, place);
      return sink;
    }
    if (sink->retry_at_ns < *due_ns)
      *due_ns = sink->retry_at_ns;
  }
  return NULL;
}

static bool is_over (const struct pexec__writer *writer) {
  return writer->is_abandoned ||
         (writer->is_closing && (writer->todo.first == NULL ||
                                 pexec__now() >= writer->deadline_ns));
}

/* NULL when the writer is to end. */
static struct pexec__sink *next_sink (struct pexec__writer *writer) {
  struct pexec__sink *sink = NULL;
  int64_t due_ns;
  pexec__writer_lock(writer);
  while (!is_over(writer) && (sink = take_due(writer, &due_ns)) == NULL)
    wait_until(writer, due_ns);
  pexec__writer_unlock(writer);
  return sink;
}

static void come_again (struct pexec__writer *writer,
                        struct pexec__sink *sink, int64_t wait_ns) {
  pexec__writer_lock(writer);
  sink->retry_at_ns = wait_ns > 0 ? pexec__now() + wait_ns : 0;
  if (wait_ns >= 0)
    (void)pexec__mailbox_post(&writer->todo, &sink->letter);
  pexec__writer_unlock(writer);
}

static void free_writer (struct pexec__writer *writer) {
  pexec__mailbox_close(&writer->todo);
  (void)pthread_cond_destroy(&writer->has_changed);
  pexec__free(writer->text.data);
  pexec__pool_release(writer->pool);
  pexec__free(writer);
}

/* True where somebody will join. */
static bool note_end (struct pexec__writer *writer) {
  bool is_abandoned;
  pexec__writer_lock(writer);
  writer->has_ended = true;
  is_abandoned = writer->is_abandoned;
  (void)pthread_cond_broadcast(&writer->has_changed);
  pexec__writer_unlock(writer);
  return !is_abandoned;
}

static void free_left (struct pexec__writer *writer) {
  while (writer->left != NULL) {
    struct pexec__sink *sink = writer->left;
    writer->left = sink->next;
    pexec__sink_free(sink);
  }
}

/* Serves until it is to end: true where somebody joins it then. */
static bool serve_all (struct pexec__writer *writer) {
  struct pexec__sink *sink;
  while ((sink = next_sink(writer)) != NULL) {
    int64_t wait_ns = pexec__sink_serve(sink, &writer->text, writer->pool);
    if (wait_ns != PEXEC__SINK_CLOSED)
      come_again(writer, sink, wait_ns);
  }
  return note_end(writer);
}

static void *write_all (void *argument) {
  struct pexec__writer *writer = argument;
  if (serve_all(writer))
    return NULL;
  free_left(writer);
  free_writer(writer);
  return NULL;
}

/* {== ending ============================================================= */

static void abandon (struct pexec__writer *writer) {
  pexec__writer_lock(writer);
  writer->is_abandoned = true;
  (void)pthread_cond_broadcast(&writer->has_changed);
  pexec__writer_unlock(writer);
}

/* {== starting =========================================================== */

static struct pexec__writer *new_writer (struct pexec__writers *writers,
                                         uint64_t device) {
  struct pexec__writer *made = pexec__calloc(1, sizeof *made);
  pthread_condattr_t monotonic;
  if (made == NULL)
    return NULL;
  made->text.data = pexec__malloc(TEXT_SIZE);
  made->pool = pexec__pool_new(CHUNKS_KEPT);
  if (made->text.data == NULL || made->pool == NULL) {
    pexec__pool_release(made->pool);
    pexec__free(made->text.data);
    pexec__free(made);
    return NULL;
  }
  made->text.capacity = TEXT_SIZE;
  made->device = device;
  made->all = writers;
  pexec__mailbox_open(&made->todo);
  (void)pthread_condattr_init(&monotonic);
  (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  (void)pthread_cond_init(&made->has_changed, &monotonic);
  (void)pthread_condattr_destroy(&monotonic);
  return made;
}

static int start (struct pexec__writers *writers, uint64_t device,
                  struct pexec__writer **writer) {
  struct pexec__writer *made = new_writer(writers, device);
  int error;
  if (made == NULL)
    return -ENOMEM;
  error = pexec__thread_start(&made->thread, "pexec-writer", write_all, made);
  if (error < 0) {
    free_writer(made);
    return error;
  }
  made->next = writers->first;
  writers->first = made;
  *writer = made;
  return 0;
}

/* Of those of a device, that with the fewest users, and how many there are. */
static struct pexec__writer *find (const struct pexec__writers *writers,
                                   uint64_t device, int *count) {
  struct pexec__writer *found = NULL;
  *count = 0;
  for (struct pexec__writer *w = writers->first; w != NULL; w = w->next) {
    if (w->device != device)
      continue;
    ++*count;
    if (found == NULL || w->users < found->users)
      found = w;
  }
  return found;
}

static bool is_another_better (const struct pexec__writer *found, int count) {
  return found->users >= PEXEC__WRITER_USERS &&
         count < PEXEC__WRITERS_MOST && count < pexec__cores();
}

/* One that cannot be had is none that is needed. */
int pexec__writer_get (struct pexec__writers *writers, uint64_t device,
                       bool spreads, struct pexec__writer **writer) {
  struct pexec__writer *found;
  int count, error = 0;
  (void)pthread_mutex_lock(&writers->lock);
  found = find(writers, device, &count);
  if (found == NULL)
    error = start(writers, device, writer);
  else if (!spreads || !is_another_better(found, count) ||
           start(writers, device, writer) < 0)
    *writer = found;
  if (error >= 0)
    (*writer)->users++;
  (void)pthread_mutex_unlock(&writers->lock);
  return error;
}

/* Between the word that led here and the look at the sink there may have been
   another. */
static void withdraw_word (struct pexec__writers *all,
                           struct pexec__sink *sink) {
  pexec__mailbox_lock(all->words);
  pexec__mailbox_withdraw(all->words, &sink->word);
  pexec__mailbox_unlock(all->words);
}

/* True where that was the last: nobody will find this writer any more. */
static bool drop_user (struct pexec__writer *writer) {
  struct pexec__writers *all = writer->all;
  struct pexec__writer **place = &all->first;
  bool is_last;
  (void)pthread_mutex_lock(&all->lock);
  if ((is_last = --writer->users == 0)) {
    while (*place != writer)
      place = &(*place)->next;
    *place = writer->next;
  }
  (void)pthread_mutex_unlock(&all->lock);
  return is_last;
}

/* Not when the sink closes, but when the supervisor has seen it, which takes
   the writer's lock for that. */
void pexec__writer_leave (struct pexec__writer *writer,
                          struct pexec__sink *sink) {
  withdraw_word(writer->all, sink);
  if (!drop_user(writer))
    return;
  (void)pthread_detach(writer->thread);
  abandon(writer);
}

static void wake (struct pexec__writer *writer) {
  pexec__writer_lock(writer);
  if (writer->is_owed_a_wake)
    (void)pthread_cond_broadcast(&writer->has_changed);
  writer->is_owed_a_wake = false;
  pexec__writer_unlock(writer);
}

void pexec__writers_wake (struct pexec__writers *writers) {
  (void)pthread_mutex_lock(&writers->lock);
  for (struct pexec__writer *w = writers->first; w != NULL; w = w->next)
    wake(w);
  (void)pthread_mutex_unlock(&writers->lock);
}

int pexec__writers_open (struct pexec__loop *loop,
                         struct pexec__mailbox *words,
                         struct pexec__writers **writers) {
  struct pexec__writers *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  made->loop = loop;
  made->words = words;
  (void)pthread_mutex_init(&made->lock, NULL);
  *writers = made;
  return 0;
}

/* {== closing ============================================================ */

static void begin_closing (struct pexec__writer *writer,
                           int64_t deadline_ns) {
  pexec__writer_lock(writer);
  writer->is_closing = true;
  writer->deadline_ns = deadline_ns;
  (void)pthread_cond_broadcast(&writer->has_changed);
  pexec__writer_unlock(writer);
}

/* Moves this writer's sinks to those that it will free itself. */
static void leave_sinks (struct pexec__writer *writer,
                         struct pexec__sink **sinks) {
  while (*sinks != NULL) {
    struct pexec__sink *sink = *sinks;
    if (sink->writer != writer) {
      sinks = &sink->next;
      continue;
    }
    *sinks = sink->next;
    sink->next = writer->left;
    writer->left = sink;
  }
}

/* False where it hangs. */
static bool await_end (struct pexec__writer *writer,
                       struct pexec__sink **sinks) {
  int64_t until_ns = writer->deadline_ns + LAST_LOOK;
  bool has_ended;
  pexec__writer_lock(writer);
  while (!writer->has_ended && pexec__now() < until_ns)
    wait_until(writer, until_ns);
  has_ended = writer->has_ended;
  if (!has_ended) {
    writer->is_abandoned = true;
    leave_sinks(writer, sinks);
    (void)pthread_detach(writer->thread);
  }
  pexec__writer_unlock(writer);
  return has_ended;
}

void pexec__writers_close (struct pexec__writers *writers,
                           struct pexec__sink **sinks, int64_t deadline_ns) {
  struct pexec__writer *writer, *next;
  for (writer = writers->first; writer != NULL; writer = writer->next)
    begin_closing(writer, deadline_ns);
  for (writer = writers->first; writer != NULL; writer = next) {
    next = writer->next;
    if (!await_end(writer, sinks))
      continue;
    pexec__thread_join(writer->thread);
    free_writer(writer);
  }
  (void)pthread_mutex_destroy(&writers->lock);
  pexec__free(writers);
}
