/*
** The loop of loop.h on libuv: the only uv_run, the only uv_async, and one
** uv_timer for all timers: a uv_timer_t for each would be a tenth of all that
** a process takes. Watches are freed in their close callbacks, one turn later,
** as libuv wants it.
*/

#include "loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "sys.h"
#include "timers.h"

struct pexec__loop {
  uv_loop_t uv;
  uv_async_t async;
  uv_timer_t alarm;             /* for the timer that is due first */
  pexec__callback *on_wake;
  void *owner;
  struct pexec__timers timers;
};

struct pexec__timer {
  struct pexec__due due;        /* first: the heap knows no more */
  struct pexec__loop *loop;
  pexec__callback *on_due;
  void *owner;
};

struct pexec__watch {
  uv_poll_t uv;
  int events;                   /* UV_READABLE or UV_WRITABLE */
  pexec__callback *on_ready;
  void *owner;
};

static void on_async (uv_async_t *async) {
  struct pexec__loop *loop = async->data;
  loop->on_wake(loop->owner);
}

#define MOST_OPENED 8  /* descriptors of a loop's, and what the first one in
                          the host opens for all */

/* Are there as many? Where libuv finds none for its first loop's pipe, it
   aborts; for another's eventfd, it forgets what it has opened by then. */
static int look_for_descriptors (void) {
  int fds[MOST_OPENED], count = 0, error = 0;
  while (count < MOST_OPENED && (error = pexec__eventfd()) >= 0)
    fds[count++] = error;
  while (count > 0)
    pexec__close(fds[--count]);
  return error < 0 ? error : 0;
}

/* libuv aborts when it is to close descriptor 0, 1 or 2. */
static int open_uv (struct pexec__loop *loop) {
  unsigned filled = pexec__fill_standard();
  int error = look_for_descriptors();
  if (error >= 0)
    error = uv_loop_init(&loop->uv);
  if (error >= 0) {
    error = uv_async_init(&loop->uv, &loop->async, on_async);
    if (error < 0)
      (void)uv_loop_close(&loop->uv);
    else
      (void)uv_timer_init(&loop->uv, &loop->alarm);  /* always 0 */
  }
  pexec__free_standard(filled);
  return error;
}

int pexec__loop_open (struct pexec__loop **loop, pexec__callback *on_wake,
                      void *owner) {
  struct pexec__loop *made = pexec__calloc(1, sizeof *made);
  int error;
  if (made == NULL)
    return -ENOMEM;
  made->on_wake = on_wake;
  made->owner = owner;
  made->async.data = made;
  made->alarm.data = made;
  if ((error = open_uv(made)) < 0) {
    pexec__free(made);
    return error;
  }
  *loop = made;
  return 0;
}

void pexec__loop_run (struct pexec__loop *loop) {
  (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void pexec__loop_stop (struct pexec__loop *loop) {
  uv_stop(&loop->uv);
}

void pexec__loop_wake (struct pexec__loop *loop) {
  (void)uv_async_send(&loop->async);  /* fails for other handles only */
}

void pexec__loop_close (struct pexec__loop *loop) {
  uv_close((uv_handle_t *)&loop->async, NULL);
  uv_close((uv_handle_t *)&loop->alarm, NULL);
  (void)uv_run(&loop->uv, UV_RUN_DEFAULT);  /* the close callbacks */
  (void)uv_loop_close(&loop->uv);
  pexec__timers_free(&loop->timers);
  pexec__free(loop);
}

static void free_handle (uv_handle_t *handle) {
  pexec__free(handle->data);
}

/* {== timers ============================================================ */

static void on_alarm (uv_timer_t *uv);

/* For the timer that is due first. */
static void set_alarm (struct pexec__loop *loop) {
  const struct pexec__due *first = pexec__timers_first(&loop->timers);
  int64_t wait_ns;
  if (first == NULL) {
    (void)uv_timer_stop(&loop->alarm);
    return;
  }
  wait_ns = first->at_ns - pexec__now();
  uv_update_time(&loop->uv);
  (void)uv_timer_start(&loop->alarm, on_alarm, wait_ns <= 0 ? 0
                       : ((uint64_t)wait_ns + 999999) / 1000000, 0);
}

/* libuv counts whole milliseconds from its cached time: may be early. Timers
   that are armed meanwhile for what is past come in the next turn:
   descriptors have theirs first. */
static void on_alarm (uv_timer_t *uv) {
  struct pexec__loop *loop = uv->data;
  int64_t now_ns = pexec__now();
  struct pexec__due *due;
  for (size_t left = loop->timers.armed; left > 0; left--) {
    struct pexec__timer *timer;
    due = pexec__timers_first(&loop->timers);
    if (due == NULL || due->at_ns > now_ns)
      break;
    timer = (struct pexec__timer *)(void *)due;
    pexec__timers_disarm(&loop->timers, due);
    timer->on_due(timer->owner);  /* may close it */
  }
  set_alarm(loop);
}

int pexec__timer_open (struct pexec__loop *loop, pexec__callback *on_due,
                       void *owner, struct pexec__timer **timer) {
  struct pexec__timer *made = pexec__calloc(1, sizeof *made);
  if (made == NULL || pexec__timers_open(&loop->timers, &made->due) < 0) {
    pexec__free(made);
    return -ENOMEM;
  }
  made->loop = loop;
  made->on_due = on_due;
  made->owner = owner;
  *timer = made;
  return 0;
}

void pexec__timer_arm (struct pexec__timer *timer, int64_t due_ns) {
  bool was_first = (timer->due.place == 1);
  pexec__timers_arm(&timer->loop->timers, &timer->due, due_ns);
  if (was_first || timer->due.place == 1)
    set_alarm(timer->loop);
}

void pexec__timer_arm_earlier (struct pexec__timer *timer, int64_t due_ns) {
  if (due_ns < timer->due.at_ns)
    pexec__timer_arm(timer, due_ns);
}

void pexec__timer_disarm (struct pexec__timer *timer) {
  bool was_first = (timer != NULL && timer->due.place == 1);
  if (timer == NULL)
    return;
  pexec__timers_disarm(&timer->loop->timers, &timer->due);
  if (was_first)  /* nobody is to be woken for it */
    set_alarm(timer->loop);
}

void pexec__timer_close (struct pexec__timer *timer) {
  if (timer == NULL)
    return;
  pexec__timer_disarm(timer);
  pexec__timers_close(&timer->loop->timers);
  pexec__free(timer);
}

/* {== descriptors ======================================================= */

/* An error counts as ready: reading or writing tells. */
static void on_poll (uv_poll_t *uv, int status, int events) {
  struct pexec__watch *watch = uv->data;
  (void)status;
  (void)events;
  watch->on_ready(watch->owner);
}

static int open_watch (struct pexec__loop *loop, int fd, int events,
                       pexec__callback *on_ready, void *owner,
                       struct pexec__watch **watch) {
  struct pexec__watch *made = pexec__calloc(1, sizeof *made);
  int error = -ENOMEM;
  if (made == NULL)
    return error;
  if ((error = uv_poll_init(&loop->uv, &made->uv, fd)) < 0) {
    pexec__free(made);
    return error;
  }
  made->uv.data = made;
  made->events = events;
  made->on_ready = on_ready;
  made->owner = owner;
  *watch = made;
  return 0;
}

int pexec__watch_open (struct pexec__loop *loop, int fd,
                       pexec__callback *on_readable, void *owner,
                       struct pexec__watch **watch) {
  int error = open_watch(loop, fd, UV_READABLE, on_readable, owner, watch);
  if (error >= 0)
    pexec__watch_resume(*watch);
  return error;
}

int pexec__watch_open_writable (struct pexec__loop *loop, int fd,
                                pexec__callback *on_writable, void *owner,
                                struct pexec__watch **watch) {
  return open_watch(loop, fd, UV_WRITABLE, on_writable, owner, watch);
}

void pexec__watch_pause (struct pexec__watch *watch) {
  (void)uv_poll_stop(&watch->uv);
}

void pexec__watch_resume (struct pexec__watch *watch) {
  (void)uv_poll_start(&watch->uv, watch->events, on_poll);
}

void pexec__watch_close (struct pexec__watch *watch) {
  if (watch != NULL)
    uv_close((uv_handle_t *)&watch->uv, free_handle);
}
