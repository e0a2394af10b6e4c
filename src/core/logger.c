/*
** Owns the built-in logger: messages -> one log file or stderr. Any thread.
** It must not allocate for a message, read the environment, or let a sink
** that fails harm the host:
** - lines that cannot be written are counted, and told of when that ends;
** - a sink that takes nothing for a second loses lines, too, until it takes
**   some again: a pager that nobody scrolls must not hold up a host;
** - SIGPIPE and SIGXFSZ of our own writes never reach the host;
** - rotated files are compressed on a thread of the logger's, not here.
** While the lock is held no signal handler runs, so that one which logs, or
** jumps out, leaves the logger in order.
*/

#include "logger.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compressor.h"
#include "format.h"
#include "logfile.h"
#include "sys.h"

#define CAPACITY 65536
#define PATIENCE_MS 1000

#define LONGEST_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */

struct pexec_logger {
  /* immutable */
  enum pexec_level level;
  enum pexec_format format;
  int owner_pid;          /* a forked copy is useless: its lock may be held */
  struct pexec__logfile *file;  /* NULL: stderr */
  pthread_mutex_t lock;
  atomic_int references;
  /* under the lock */
  struct pexec__compressor compressor;
  uint64_t lost;          /* lines since the sink began to fail */
  int reason;             /* negative; of the last failure */
  bool is_torn;           /* the last line on stderr has no newline */
  /* under the lock, for one call */
  int64_t now_ns;         /* the wall clock's */
  bool is_dropping;       /* a write has failed */
  uint64_t lost_now;      /* lines */
  size_t notice;          /* bytes in front of 'buffer' that are no lines of
                             the caller's */
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

/* Waits until the sink takes something; what has failed already has to be
   ready. An error of poll is left to the write that follows. */
static int await_sink (const pexec_logger *logger, int fd) {
  struct pollfd sink = { .fd = fd, .events = POLLOUT };
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

/* The host's own descriptor, which blocks: it has to be ready before. */
static int write_stderr (const pexec_logger *logger, const char *data,
                         size_t length, size_t *done) {
  struct pexec__file_status status;
  bool is_file = pexec__file_of(STDERR_FILENO, &status) == 0 &&
                 status.kind == PEXEC__REGULAR;
  int error = is_file ? 0 : await_sink(logger, STDERR_FILENO);
  ssize_t put;
  if (error != 0) return error;
  put = pexec__write(STDERR_FILENO, data,
                     is_file ? length : piece_of(data, length));
  if (put <= 0) return put < 0 ? (int)put : -EIO;
  *done = (size_t)put;
  return 0;
}

/* Ours, which does not block: it has to be waited for after. */
static int write_file (const pexec_logger *logger, const char *data,
                       size_t length, size_t *done) {
  int error = pexec__logfile_write(logger->file, logger->now_ns, data, length,
                                   done);
  if (error != -EAGAIN) return error;
  return await_sink(logger, pexec__logfile_fd(logger->file));
}

/* Writes the buffer's first 'size' bytes; *done counts what was taken. */
static int write_out (const pexec_logger *logger, size_t size,
                      size_t *done) {
  while (*done < size) {
    const char *data = logger->buffer + *done;
    size_t put = 0;
    int error = (logger->file == NULL ? write_stderr : write_file)
                (logger, data, size - *done, &put);
    *done += put;
    if (error != 0 && error != -EINTR) return error;
  }
  return 0;
}

static bool is_torn (const pexec_logger *logger) {
  return logger->file == NULL ? logger->is_torn
                              : pexec__logfile_is_torn(logger->file);
}

/* Makes ready what bears the file's name now, before any line is begun. */
static int prepare_sink (const pexec_logger *logger) {
  size_t none;
  if (logger->file == NULL) return 0;
  return pexec__logfile_write(logger->file, logger->now_ns, "", 0, &none);
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
  uint64_t lines = count_lines(logger->buffer + from, size - from);
  if (done > 0) logger->is_torn = logger->buffer[done - 1] != '\n';
  if (logger->notice > 0 && done >= logger->notice) logger->lost = 0;
  logger->notice = 0;
  logger->lost += lines;
  logger->lost_now += lines;
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
                        const char *id, struct pexec__frame *frame) {
  struct pexec__origin origin = {
    .time_ns = logger->now_ns, .id = id, .level = level
  };
  pexec__frame_make(frame, logger->format, &origin);
}

/* The first line after a loss tells of it. */
static void put_notice (pexec_logger *logger) {
  struct pexec__frame frame;
  char message[128];
  int length = snprintf(message, sizeof(message), "%llu log lines lost: %s",
                        (unsigned long long)logger->lost,
                        pexec_error_text(logger->reason));
  make_frame(logger, PEXEC_ERROR, NULL, &frame);
  pexec__text_line(&logger->text, &frame, message, (size_t)length);
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
static void begin_lines (pexec_logger *logger) {
  int error;
  logger->now_ns = pexec__wall_now();
  logger->is_dropping = false;
  logger->lost_now = 0;
  error = prepare_sink(logger);
  if (error != 0) {
    fail(logger, error);
    return;
  }
  if (is_torn(logger)) pexec__text_put(&logger->text, "\n", 1);
  if (logger->lost > 0) put_notice(logger);
  logger->notice = logger->text.used;
}

/* False: the logger does not write that; there is nothing to leave. */
static bool enter (pexec_logger *logger, enum pexec_level level,
                   const char *id, struct call *call) {
  if (logger == NULL || level < logger->level || level > PEXEC_ERROR ||
      logger->owner_pid != pexec__self())
    return false;
  shield_host(call);
  (void)pthread_mutex_lock(&logger->lock);
  begin_lines(logger);
  make_frame(logger, level, id, &call->frame);
  return true;
}

/* How many lines of this call are lost. */
static uint64_t leave (pexec_logger *logger, const struct call *call) {
  bool has_failed;
  uint64_t lost;
  if (logger->text.used > 0)
    emit(logger, &logger->text, logger->text.used);
  if (logger->file != NULL)
    pexec__compressor_start(&logger->compressor, logger->file);
  has_failed = logger->is_dropping;
  lost = logger->lost_now;
  (void)pthread_mutex_unlock(&logger->lock);
  unshield_host(call, has_failed);
  return lost;
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return;
  pexec__text_line(&logger->text, &call.frame, message, length);
  (void)leave(logger, &call);  /* the next one that is written tells of it */
}

uint64_t pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                              const char *id, const char *data,
                              size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return 0;
  pexec__text_lines(&logger->text, &call.frame, data, length);
  return leave(logger, &call);
}

/* {== life ==== */

static bool are_usable (const pexec_logger_options *options) {
  return options->level >= PEXEC_DEBUG && options->level <= PEXEC_ERROR &&
         options->format >= PEXEC_TEXT && options->format <= PEXEC_LOGFMT &&
         options->mode <= 07777 && options->max_size >= 0 &&
         options->keep >= 0 && options->rotate_every_ms >= 0 &&
         options->rotate_every_ms <= LONGEST_MS;
}

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
  TAKE(mode);
  TAKE(max_size);
  TAKE(keep);
  TAKE(rotate_every_ms);
  TAKE(compress);
#undef TAKE
  return are_usable(options) ? 0 : -EINVAL;
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

static int make_file (pexec_logger *logger, const char *path,
                      const pexec_logger_options *options) {
  pexec_file from = PEXEC_FILE_INIT;
  from.path = path;
  from.mode = options->mode;
  from.max_size = options->max_size;
  from.keep = options->keep;
  from.rotate_every_ms = options->rotate_every_ms;
  from.compress = options->compress;
  return pexec__logfile_new(&from, true, &logger->file);
}

static int open_file (pexec_logger *logger,
                      const pexec_logger_options *options) {
  enum pexec__logfile_flaw flaw;
  char *path = NULL;
  int error;
  if (options->file == NULL) return 0;
  error = make_absolute(options->file, &path);
  if (error != 0) return error;
  error = make_file(logger, path, options);
  pexec__free(path);
  if (error != 0) return error;
  error = pexec__logfile_open(logger->file, &flaw);
  if (error != 0) pexec__logfile_free(logger->file);
  /* open(2) has this word for a socket and the like */
  return error != 0 && flaw == PEXEC__FLAW_KIND ? -ENXIO : error;
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
  atomic_init(&made->references, 1);
  made->text = (struct pexec__text){
    .data = made->buffer, .capacity = CAPACITY, .emit = emit, .owner = made
  };
  made->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  error = open_file(made, &known);
  if (error != 0) {
    pexec__free(made);
    return error;
  }
  *logger = made;
  return 0;
}

uint64_t pexec__logger_device (const pexec_logger *logger) {
  return logger->file == NULL ? UINT64_MAX : (uint64_t)(uintptr_t)logger;
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  if (logger != NULL) (void)atomic_fetch_add(&logger->references, 1);
  return logger;
}

/* What is not compressed yet is left to the next logger of that file. */
static void close_file (pexec_logger *logger) {
  if (logger->file == NULL) return;
  pexec__compressor_end(&logger->compressor, logger->file);
  pexec__logfile_free(logger->file);
}

void pexec_logger_release (pexec_logger *logger) {
  struct call call;
  if (logger == NULL || logger->owner_pid != pexec__self()) return;
  if (atomic_fetch_sub(&logger->references, 1) > 1) return;
  if (logger->lost > 0 && enter(logger, PEXEC_ERROR, NULL, &call))
    (void)leave(logger, &call);  /* the last chance to tell */
  (void)pthread_mutex_destroy(&logger->lock);
  close_file(logger);
  pexec__free(logger);
}
