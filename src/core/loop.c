/*
** The loop of loop.h on libuv: the only uv_run, the only uv_async. Handles
** are freed in their close callbacks, one turn later, as libuv wants it.
*/

#include "loop.h"

#include <errno.h>
#include <stddef.h>
#include <uv.h>

#include "sys.h"

struct pexec__loop {
  uv_loop_t uv;
  uv_async_t async;
  pexec__callback *on_wake;
  void *owner;
};

struct pexec__timer {
  uv_timer_t uv;
  pexec__callback *on_due;
  void *owner;
  int64_t due_ns;               /* INT64_MAX: not armed */
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

/* libuv aborts when it is to close descriptor 0, 1 or 2. */
static int open_uv (struct pexec__loop *loop) {
  unsigned filled = pexec__fill_standard();
  int error = uv_loop_init(&loop->uv);
  if (error >= 0) {
    error = uv_async_init(&loop->uv, &loop->async, on_async);
    if (error < 0)
      (void)uv_loop_close(&loop->uv);
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
  (void)uv_run(&loop->uv, UV_RUN_DEFAULT);  /* the close callbacks */
  (void)uv_loop_close(&loop->uv);
  pexec__free(loop);
}

/* {== timers ============================================================ */

static void arm (struct pexec__timer *timer);

/* libuv counts whole milliseconds from its cached time: may be early. */
static void on_timer (uv_timer_t *uv) {
  struct pexec__timer *timer = uv->data;
  if (pexec__now() < timer->due_ns) {
    arm(timer);
    return;
  }
  timer->due_ns = INT64_MAX;
  timer->on_due(timer->owner);
}

static void arm (struct pexec__timer *timer) {
  int64_t wait_ns = timer->due_ns - pexec__now();
  uint64_t wait_ms = wait_ns <= 0 ? 0 : ((uint64_t)wait_ns + 999999) / 1000000;
  uv_update_time(timer->uv.loop);
  (void)uv_timer_start(&timer->uv, on_timer, wait_ms, 0);
}

int pexec__timer_open (struct pexec__loop *loop, pexec__callback *on_due,
                       void *owner, struct pexec__timer **timer) {
  struct pexec__timer *made = pexec__calloc(1, sizeof *made);
  if (made == NULL)
    return -ENOMEM;
  (void)uv_timer_init(&loop->uv, &made->uv);  /* always 0 */
  made->uv.data = made;
  made->on_due = on_due;
  made->owner = owner;
  made->due_ns = INT64_MAX;
  *timer = made;
  return 0;
}

void pexec__timer_arm (struct pexec__timer *timer, int64_t due_ns) {
  timer->due_ns = due_ns;
  arm(timer);
}

void pexec__timer_arm_earlier (struct pexec__timer *timer, int64_t due_ns) {
  if (due_ns < timer->due_ns)
    pexec__timer_arm(timer, due_ns);
}

void pexec__timer_disarm (struct pexec__timer *timer) {
  if (timer == NULL)
    return;
  timer->due_ns = INT64_MAX;
  (void)uv_timer_stop(&timer->uv);
}

static void free_handle (uv_handle_t *handle) {
  pexec__free(handle->data);
}

void pexec__timer_close (struct pexec__timer *timer) {
  if (timer != NULL)
    uv_close((uv_handle_t *)&timer->uv, free_handle);
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
