/*
** Owns the built-in logger: messages -> one file or stderr. Any thread. It
** must not allocate for a message, read the environment, or let a sink that
** fails harm the host:
** - lines that cannot be written are counted, and told of when that ends;
** - a sink that takes nothing for a second loses lines, too, until it takes
**   some again: a pager that nobody scrolls must not hold up supervision;
** - SIGPIPE and SIGXFSZ of our own writes never reach the host;
** - a file that was renamed or deleted is opened anew, within a second.
** While the lock is held no signal handler runs, so that one which logs, or
** jumps out, leaves the logger in order.
*/

#include "logger.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format.h"
#include "sys.h"

#define CAPACITY 65536
#define PATIENCE_MS 1000

struct pexec_logger {
  /* immutable */
  enum pexec_level level;
  enum pexec_format format;
  int owner_pid;          /* a forked copy is useless: its lock may be held */
  char *path;             /* absolute; NULL: stderr */
  pthread_mutex_t lock;
  atomic_int references;
  /* under the lock */
  int fd;
  time_t followed_at_s;   /* when the path was last looked up */
  int gone;               /* 0, or why the deleted file is not back */
  uint64_t lost;          /* lines since the sink began to fail */
  int reason;             /* negative; of the last failure */
  bool is_torn;           /* the sink's last line has no newline */
  /* under the lock, for one call */
  bool is_dropping;       /* a write has failed */
  size_t notice;          /* bytes in front of 'buffer' that tell of 'lost' */
  struct pexec__text text;
  char buffer[CAPACITY];  /* the text's */
};

/* One call of the logger, which may write many lines. */
struct call {
  struct pexec__frame frame;  /* of each of them */
  int saved_errno;
  sigset_t mask;          /* the thread's, to be put back */
  sigset_t pending;       /* what waited before we wrote */
};

/* {== the sink ==== */

/* A FIFO without a reader, or with a full pipe, must not hold us up. */
static int open_sink (const char *path) {
  return pexec__open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK |
                     O_CLOEXEC | O_NOCTTY, 0640);
}

/* Others may have renamed or deleted the file: goes on in the one that bears
   the name now. The result is negative where lines would go nowhere. */
static int follow_file (pexec_logger *logger) {
  struct stat own, named;
  int fd;
  if (fstat(logger->fd, &own) < 0) return 0;  /* writing will tell */
  if (stat(logger->path, &named) == 0 && own.st_dev == named.st_dev &&
      own.st_ino == named.st_ino)
    return 0;
  fd = open_sink(logger->path);
  if (fd < 0) return own.st_nlink == 0 ? fd : 0;
  pexec__close(logger->fd);
  logger->fd = fd;
  logger->is_torn = false;
  return 0;
}

static bool is_regular (int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Waits until the sink takes something; what has failed already has to be
   ready. An error of poll is left to the write that follows. */
static int await_sink (const pexec_logger *logger) {
  struct pollfd sink = { .fd = logger->fd, .events = POLLOUT };
  int timeout_ms = logger->lost > 0 ? 0 : PATIENCE_MS;
  return poll(&sink, 1, timeout_ms) == 0 ? -EAGAIN : 0;
}

/* How much to write at once: a pipe that can be written to takes this much
   without blocking, and whole, though others write to it, too. */
static size_t piece_of (const char *data, size_t length) {
  const char *end;
  if (length <= PIPE_BUF) return length;
  end = memrchr(data, '\n', PIPE_BUF);
  return end == NULL ? PIPE_BUF : (size_t)(end + 1 - data);
}

/* Writes the buffer's first 'size' bytes; *done counts what was taken. */
static int write_out (const pexec_logger *logger, size_t size,
                      size_t *done) {
  bool is_file = is_regular(logger->fd);
  while (*done < size) {
    const char *data = logger->buffer + *done;
    size_t left = size - *done;
    int error = is_file ? 0 : await_sink(logger);
    ssize_t put;
    if (error != 0) return error;
    put = pexec__write(logger->fd, data, is_file ? left
                                                 : piece_of(data, left));
    if (put == -EINTR) continue;
    if (put <= 0) return put < 0 ? (int)put : -EIO;
    *done += (size_t)put;
  }
  return 0;
}

/* {== the buffer ==== */

static uint64_t count_lines (const char *data, size_t length) {
  uint64_t lines = 0;
  const char *end = data + length;
  while ((data = memchr(data, '\n', (size_t)(end - data))) != NULL) {
    lines++;
    data++;
  }
  return lines;
}

/* 'done' of 'size' bytes were written. A line counts as lost with the piece
   that holds its newline; the notice about lost lines does not count. */
static void note_lost (pexec_logger *logger, size_t done, size_t size) {
  size_t from = done > logger->notice ? done : logger->notice;
  if (done > 0) logger->is_torn = logger->buffer[done - 1] != '\n';
  if (logger->notice > 0 && done >= logger->notice) logger->lost = 0;
  logger->notice = 0;
  logger->lost += count_lines(logger->buffer + from, size - from);
}

static void fail (pexec_logger *logger, int error) {
  logger->is_dropping = true;
  logger->reason = error;
}

/* Writes the first 'size' bytes, or drops them, and keeps the others. */
static void emit (void *owner, struct pexec__text *text, size_t size) {
  pexec_logger *logger = owner;
  size_t done = 0;
  if (!logger->is_dropping) {
    int error = write_out(logger, size, &done);
    if (error != 0) fail(logger, error);
  }
  note_lost(logger, done, size);
  pexec__text_drop(text, size);
}

/* {== lines ==== */

static void make_frame (const pexec_logger *logger, enum pexec_level level,
                        const char *id, const struct timespec *now,
                        struct pexec__frame *frame) {
  struct pexec__origin origin = {
    .time_ns = now->tv_sec * INT64_C(1000000000) + now->tv_nsec,
    .id = id, .level = level
  };
  pexec__frame_make(frame, logger->format, &origin);
}

/* The first line after a loss tells of it. */
static void put_notice (pexec_logger *logger, const struct timespec *now) {
  struct pexec__frame frame;
  char message[128];
  int length = snprintf(message, sizeof(message), "%llu log lines lost: %s",
                        (unsigned long long)logger->lost,
                        pexec_error_text(logger->reason));
  if (logger->is_torn) pexec__text_put(&logger->text, "\n", 1);
  make_frame(logger, PEXEC_ERROR, NULL, now, &frame);
  pexec__text_line(&logger->text, &frame, message, (size_t)length);
  logger->notice = logger->text.used;
}

/* {== calls ==== */

static void shield_host (struct call *call) {
  sigset_t all;
  call->saved_errno = errno;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_BLOCK, &all, &call->mask);
  (void)sigpending(&call->pending);
}

/* A signal that was pending before is the host's own. */
static void forget_signal (const struct call *call, int signo) {
  const struct timespec at_once = { 0, 0 };
  sigset_t raised;
  if (sigismember(&call->pending, signo) == 1) return;
  (void)sigemptyset(&raised);
  (void)sigaddset(&raised, signo);
  (void)sigtimedwait(&raised, NULL, &at_once);
}

static void unshield_host (const struct call *call, bool has_failed) {
  if (has_failed) {
    forget_signal(call, SIGPIPE);
    forget_signal(call, SIGXFSZ);
  }
  (void)pthread_sigmask(SIG_SETMASK, &call->mask, NULL);
  errno = call->saved_errno;
}

/* Makes the sink ready for lines of this moment. */
static void begin_lines (pexec_logger *logger, const struct timespec *now) {
  logger->is_dropping = false;
  if (logger->path != NULL && logger->followed_at_s != now->tv_sec) {
    logger->followed_at_s = now->tv_sec;
    logger->gone = follow_file(logger);
  }
  if (logger->gone != 0) fail(logger, logger->gone);
  else if (logger->lost > 0) put_notice(logger, now);
}

/* False: the logger does not write that; there is nothing to leave. */
static bool enter (pexec_logger *logger, enum pexec_level level,
                   const char *id, struct call *call) {
  struct timespec now;
  if (logger == NULL || level < logger->level || level > PEXEC_ERROR ||
      logger->owner_pid != pexec__self())
    return false;
  shield_host(call);
  (void)pthread_mutex_lock(&logger->lock);
  (void)clock_gettime(CLOCK_REALTIME, &now);
  make_frame(logger, level, id, &now, &call->frame);
  begin_lines(logger, &now);
  return true;
}

static void leave (pexec_logger *logger, const struct call *call) {
  bool has_failed;
  if (logger->text.used > 0)
    emit(logger, &logger->text, logger->text.used);
  has_failed = logger->is_dropping;
  (void)pthread_mutex_unlock(&logger->lock);
  unshield_host(call, has_failed);
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return;
  pexec__text_line(&logger->text, &call.frame, message, length);
  leave(logger, &call);
}

void pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                          const char *id, const char *data, size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return;
  pexec__text_lines(&logger->text, &call.frame, data, length);
  leave(logger, &call);
}

/* {== life ==== */

/* Takes the fields that the caller's version of the struct has. */
static int read_options (const pexec_logger_options *from,
                         pexec_logger_options *options) {
  if (from == NULL) return 0;
  if (from->size == 0) return -EINVAL;
#define TAKE(field) \
  if (from->size >= offsetof(pexec_logger_options, field) + \
                    sizeof(from->field)) \
    options->field = from->field
  TAKE(level);
  TAKE(format);
  TAKE(file);
#undef TAKE
  if (options->level < PEXEC_DEBUG || options->level > PEXEC_ERROR ||
      options->format < PEXEC_TEXT || options->format > PEXEC_LOGFMT)
    return -EINVAL;
  return 0;
}

/* The path as it holds after the host has changed its directory. */
static int make_absolute (const char *path, char **absolute) {
  char directory[PATH_MAX] = "";
  size_t size = strlen(path) + 2;
  bool is_relative = path[0] != '/' && path[0] != '\0';
  if (is_relative && getcwd(directory, sizeof(directory)) == NULL)
    return -errno;
  size += strlen(directory);
  *absolute = pexec__malloc(size);
  if (*absolute == NULL) return -ENOMEM;
  (void)snprintf(*absolute, size, "%s%s%s", directory,
                 is_relative ? "/" : "", path);
  return 0;
}

static int open_file (pexec_logger *logger, const char *file) {
  int error;
  if (file == NULL) return 0;
  error = make_absolute(file, &logger->path);
  if (error != 0) return error;
  logger->fd = open_sink(logger->path);
  if (logger->fd >= 0) return 0;
  pexec__free(logger->path);
  return logger->fd;
}

int pexec_logger_new (const pexec_logger_options *options,
                      pexec_logger **logger) {
  pexec_logger_options known = PEXEC_LOGGER_OPTIONS_INIT;
  pexec_logger *made;
  int error = read_options(options, &known);
  if (error != 0) return error;
  made = pexec__malloc(sizeof(*made));
  if (made == NULL) return -ENOMEM;
  memset(made, 0, offsetof(pexec_logger, buffer));
  made->level = known.level;
  made->format = known.format;
  made->owner_pid = pexec__self();
  made->fd = STDERR_FILENO;
  atomic_init(&made->references, 1);
  made->text = (struct pexec__text){
    .data = made->buffer, .capacity = CAPACITY, .emit = emit, .owner = made
  };
  made->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  error = open_file(made, known.file);
  if (error != 0) {
    pexec__free(made);
    return error;
  }
  *logger = made;
  return 0;
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  if (logger != NULL) (void)atomic_fetch_add(&logger->references, 1);
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  struct call call;
  if (logger == NULL || logger->owner_pid != pexec__self()) return;
  if (atomic_fetch_sub(&logger->references, 1) > 1) return;
  if (logger->lost > 0 && enter(logger, PEXEC_ERROR, NULL, &call))
    leave(logger, &call);  /* the last chance to tell */
  (void)pthread_mutex_destroy(&logger->lock);
  if (logger->path != NULL) pexec__close(logger->fd);
  pexec__free(logger->path);
  pexec__free(logger);
}
