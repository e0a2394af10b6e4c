/*
** See fake.h: the loop, the only thread, and the order in which things
** happen. Handles are freed a turn after they are closed, as libuv does.
*/

#include "fake.h"

#include <errno.h>

#include "thread.h"

#define MOST_TURNS 100000   /* without that the clock moves */

struct pexec__timer {
  struct pexec__timer *next;
  pexec__callback *on_due;
  void *owner;
  int64_t due_ns;           /* FAKE_NEVER: not armed */
  bool is_closed;
};

struct pexec__watch {
  struct pexec__watch *next;
  pexec__callback *on_ready;
  void *owner;
  int fd;
  bool is_for_writing, is_paused, is_closed;
};

struct pexec__loop {
  pexec__callback *on_wake;
  void *owner;
  struct pexec__timer *timers;
  struct pexec__watch *watches;
  bool is_woken, is_stopped;
};

static struct pexec__loop *loop_here;  /* NULL: none is open */
static void *(*thread_body) (void *);
static void *thread_argument;
static int turns;

void fake_loop_reset (void) {
  loop_here = NULL;
  turns = 0;
}

/* {== opening and closing ==== */

int pexec__loop_open (struct pexec__loop **loop, pexec__callback *on_wake,
                      void *owner) {
  struct pexec__loop *made;
  int error = fake_failure(CALL_loop_open);
  if (error < 0)
    return error;
  if ((made = pexec__calloc(1, sizeof *made)) == NULL)
    return -ENOMEM;
  made->on_wake = on_wake;
  made->owner = owner;
  assert_null(loop_here);
  *loop = loop_here = made;
  return 0;
}

static void free_closed (struct pexec__loop *loop) {
  struct pexec__timer **timer = &loop->timers, *gone;
  struct pexec__watch **watch = &loop->watches, *lost;
  while ((gone = *timer) != NULL)
    if (gone->is_closed) {
      *timer = gone->next;
      pexec__free(gone);
    }
    else
      timer = &gone->next;
  while ((lost = *watch) != NULL)
    if (lost->is_closed) {
      *watch = lost->next;
      pexec__free(lost);
    }
    else
      watch = &lost->next;
}

/* A handle that was left open would keep libuv here for ever. */
void pexec__loop_close (struct pexec__loop *loop) {
  free_closed(loop);
  assert_null(loop->timers);
  assert_null(loop->watches);
  pexec__free(loop);
  loop_here = NULL;
}

void pexec__loop_stop (struct pexec__loop *loop) {
  loop->is_stopped = true;
}

void pexec__loop_wake (struct pexec__loop *loop) {
  loop->is_woken = true;
}

/* {== timers and watches ==== */

int pexec__timer_open (struct pexec__loop *loop, pexec__callback *on_due,
                       void *owner, struct pexec__timer **timer) {
  struct pexec__timer *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  *made = (struct pexec__timer){ loop->timers, on_due, owner, FAKE_NEVER,
                                 false };
  *timer = loop->timers = made;
  return 0;
}

void pexec__timer_arm (struct pexec__timer *timer, int64_t due_ns) {
  assert_false(timer->is_closed);
  timer->due_ns = due_ns;
}

void pexec__timer_arm_earlier (struct pexec__timer *timer, int64_t due_ns) {
  if (due_ns < timer->due_ns)
    pexec__timer_arm(timer, due_ns);
}

void pexec__timer_disarm (struct pexec__timer *timer) {
  if (timer != NULL)
    timer->due_ns = FAKE_NEVER;
}

void pexec__timer_close (struct pexec__timer *timer) {
  if (timer == NULL)
    return;
  assert_false(timer->is_closed);
  timer->is_closed = true;
  timer->due_ns = FAKE_NEVER;
}

static int open_watch (struct pexec__loop *loop, struct pexec__watch as,
                       struct pexec__watch **watch) {
  struct pexec__watch *made;
  int error = fake_failure(CALL_watch_open);
  if (error < 0)
    return error;
  if ((made = pexec__calloc(1, sizeof *made)) == NULL)
    return -ENOMEM;
  *made = as;
  made->next = loop->watches;
  *watch = loop->watches = made;
  return 0;
}

int pexec__watch_open (struct pexec__loop *loop, int fd,
                       pexec__callback *on_readable, void *owner,
                       struct pexec__watch **watch) {
  const struct pexec__watch as = {
    .on_ready = on_readable, .owner = owner, .fd = fd,
  };
  return open_watch(loop, as, watch);
}

int pexec__watch_open_writable (struct pexec__loop *loop, int fd,
                                pexec__callback *on_writable, void *owner,
                                struct pexec__watch **watch) {
  const struct pexec__watch as = {
    .on_ready = on_writable, .owner = owner, .fd = fd,
    .is_for_writing = true, .is_paused = true,
  };
  return open_watch(loop, as, watch);
}

void pexec__watch_pause (struct pexec__watch *watch) {
  watch->is_paused = true;
}

void pexec__watch_resume (struct pexec__watch *watch) {
  watch->is_paused = false;
}

static bool is_ready (const struct pexec__watch *watch) {
  return watch->is_for_writing ? fake_is_writable(watch->fd)
                               : fake_is_readable(watch->fd);
}

void pexec__watch_close (struct pexec__watch *watch) {
  if (watch == NULL)
    return;
  assert_false(watch->is_closed);
  (void)is_ready(watch);  /* fails where it was closed before */
  watch->is_closed = true;
}

/* {== one turn ==== */

static bool run_wake (struct pexec__loop *loop) {
  if (!loop->is_woken)
    return false;
  loop->is_woken = false;
  loop->on_wake(loop->owner);
  return true;
}

static struct pexec__timer *first_timer (struct pexec__loop *loop) {
  struct pexec__timer *first = NULL;
  for (struct pexec__timer *timer = loop->timers; timer; timer = timer->next)
    if (timer->due_ns < (first ? first->due_ns : FAKE_NEVER))
      first = timer;
  return first;
}

static bool run_timer (struct pexec__loop *loop) {
  struct pexec__timer *timer = first_timer(loop);
  if (timer == NULL || timer->due_ns > fake.now_ns)
    return false;
  timer->due_ns = FAKE_NEVER;
  timer->on_due(timer->owner);
  return true;
}

static bool run_watches (struct pexec__loop *loop) {
  bool is_busy = false;
  for (struct pexec__watch *watch = loop->watches; watch; watch = watch->next)
    if (!watch->is_closed && !watch->is_paused && is_ready(watch)) {
      watch->on_ready(watch->owner);
      is_busy = true;
    }
  return is_busy;
}

/* Timers first, as libuv does. False where nothing is left to do at this
   instant. */
static bool turn (void) {
  bool is_busy = fake_kernel_run_due();
  is_busy |= fake_spawner_run_due();
  is_busy |= fake_writer_run_due();
  if (loop_here != NULL && !loop_here->is_stopped) {
    is_busy |= run_timer(loop_here);
    is_busy |= run_wake(loop_here);
    is_busy |= run_watches(loop_here);
    free_closed(loop_here);
  }
  assert_in_range(is_busy ? ++turns : 0, 0, MOST_TURNS);
  return is_busy;
}

static int64_t earlier (int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t next_ns (void) {
  int64_t next = earlier(fake_writer_next_ns(),
                         earlier(fake_kernel_next_ns(),
                                 fake_spawner_next_ns()));
  struct pexec__timer *timer = loop_here ? first_timer(loop_here) : NULL;
  return timer ? earlier(next, timer->due_ns) : next;
}

static void move_clock (int64_t to_ns) {
  fake.now_ns = to_ns;
  turns = 0;
}

/* {== time ==== */

bool fake_run_until (int fd, int64_t end_ns) {
  while (fd < 0 || !fake_is_readable(fd)) {
    if (turn())
      continue;
    assert_true(end_ns < FAKE_NEVER || next_ns() < FAKE_NEVER);
    if (next_ns() > end_ns) {
      move_clock(end_ns);
      return false;
    }
    move_clock(next_ns());
  }
  return true;
}

void fake_run (int64_t ns) {
  (void)fake_run_until(-1, fake.now_ns + ns);
}

void pexec__loop_run (struct pexec__loop *loop) {
  while (!loop->is_stopped) {
    if (turn() || loop->is_stopped)
      continue;
    assert_true(next_ns() < FAKE_NEVER);  /* else it waits for ever */
    move_clock(next_ns());
  }
}

/* For the end of a process only the kernel goes on: the loop is who waits. */
static bool await_end (int pidfd, int64_t end_ns) {
  while (!fake_is_readable(pidfd)) {
    int64_t next = earlier(fake_kernel_next_ns(), end_ns);
    assert_true(next < FAKE_NEVER);  /* else it waits for ever */
    move_clock(next);
    if (!fake_kernel_run_due())
      return false;
  }
  return true;
}

int pexec__poll_readable (int fd, int timeout_ms) {
  int64_t end_ns = timeout_ms < 0 ? FAKE_NEVER
                 : fake.now_ns + timeout_ms * FAKE_MS;
  int error = fake_failure(CALL_poll_readable);
  if (error < 0)
    return error;
  return fake_child_of(fd) != NULL ? await_end(fd, end_ns)
                                   : fake_run_until(fd, end_ns);
}

/* {== the only thread: it runs when it is joined ==== */

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument) {
  int error = fake_failure(CALL_thread_start);
  (void)name;
  if (error < 0)
    return error;
  thread_body = body;
  thread_argument = argument;
  *thread = 0;
  return 0;
}

void pexec__thread_join (pthread_t thread) {
  (void)thread;
  (void)thread_body(thread_argument);
}
