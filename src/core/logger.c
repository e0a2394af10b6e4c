/*
** Owns the built-in logger: messages -> lines -> one file or stderr. Any
** thread. It must not allocate for a message, read the environment, or let a
** sink that fails harm the host:
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
  size_t used;
  size_t ended;           /* bytes of whole lines; the rest is a beginning */
  char buffer[CAPACITY];
};

/* One call of the logger, which may write many lines. */
struct call {
  const char *id;         /* NULL: none */
  size_t head_length;
  char head[128];         /* each line begins so: time and level */
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
static void emit (pexec_logger *logger, size_t size) {
  size_t done = 0;
  if (!logger->is_dropping) {
    int error = write_out(logger, size, &done);
    if (error != 0) fail(logger, error);
  }
  note_lost(logger, done, size);
  logger->used -= size;
  memmove(logger->buffer, logger->buffer + size, logger->used);
  logger->ended = 0;
}

static void put (pexec_logger *logger, const char *data, size_t length) {
  while (length > CAPACITY - logger->used) {
    size_t part = CAPACITY - logger->used;
    memcpy(logger->buffer + logger->used, data, part);
    logger->used = CAPACITY;
    data += part;
    length -= part;
    /* a line longer than the buffer is written in pieces */
    emit(logger, logger->ended > 0 ? logger->ended : CAPACITY);
  }
  memcpy(logger->buffer + logger->used, data, length);
  logger->used += length;
}

static void put_text (pexec_logger *logger, const char *text) {
  put(logger, text, strlen(text));
}

/* {== escapes ==== */

/* Length of the UTF-8 sequence at 's'; 0: it is none, or is cut off. */
static size_t sequence_length (const unsigned char *s, size_t length) {
  size_t size = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3
              : s[0] < 0xf5 ? 4 : 0;
  if (size == 0 || size > length) return 0;
  for (size_t i = 1; i < size; i++)
    if ((s[i] & 0xc0) != 0x80) return 0;
  switch (s[0]) {
    case 0xe0: return s[1] < 0xa0 ? 0 : size;  /* overlong */
    case 0xed: return s[1] > 0x9f ? 0 : size;  /* surrogate */
    case 0xf0: return s[1] < 0x90 ? 0 : size;  /* overlong */
    case 0xf4: return s[1] > 0x8f ? 0 : size;  /* above U+10FFFF */
    default: return size;
  }
}

/* U+0080..U+009F: controls that terminals obey, too */
static bool is_c1 (const unsigned char *s, size_t length) {
  return length > 1 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f;
}

static bool is_plain (enum pexec_format format, unsigned char c) {
  if (c < 0x20) return c == '\t' && format == PEXEC_TEXT;
  if (c >= 0x7f) return false;
  return format == PEXEC_TEXT || (c != '"' && c != '\\');
}

/* How many bytes from 's' on stand for themselves. */
static size_t plain_span (enum pexec_format format, const unsigned char *s,
                          size_t length) {
  size_t at = 0;
  for (;;) {
    size_t size;
    while (at < length && is_plain(format, s[at])) at++;
    if (at == length || s[at] < 0x80) return at;
    size = sequence_length(s + at, length - at);
    if (size == 0 || is_c1(s + at, size)) return at;
    at += size;
  }
}

static void put_hex (pexec_logger *logger, const char *prefix,
                     unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  char pair[2] = { digits[byte >> 4], digits[byte & 15] };
  put_text(logger, prefix);
  put(logger, pair, sizeof(pair));
}

/* What cannot stand in a JSON string; the result counts the bytes of it. A
   byte that is no UTF-8 becomes a lone surrogate, as in Python, so that it
   can be told from any character. */
static size_t put_json_escape (pexec_logger *logger, const unsigned char *s,
                               size_t length) {
  switch (*s) {
    case '\n': put_text(logger, "\\n"); return 1;
    case '\t': put_text(logger, "\\t"); return 1;
    case '"': put_text(logger, "\\\""); return 1;
    case '\\': put_text(logger, "\\\\"); return 1;
    default: break;
  }
  if (is_c1(s, length)) {
    put_hex(logger, "\\u00", s[1]);
    return 2;
  }
  put_hex(logger, *s < 0x80 ? "\\u00" : "\\udc", *s);
  return 1;
}

static size_t put_escape (pexec_logger *logger, const unsigned char *s,
                          size_t length) {
  if (logger->format == PEXEC_JSON) return put_json_escape(logger, s, length);
  put_hex(logger, "\\x", *s);
  return 1;
}

static void put_escaped (pexec_logger *logger, const char *data,
                         size_t length) {
  while (length > 0) {
    const unsigned char *s = (const unsigned char *)data;
    size_t size = plain_span(logger->format, s, length);
    if (size > 0) put(logger, data, size);
    else size = put_escape(logger, s, length);
    data += size;
    length -= size;
  }
}

/* {== lines ==== */

static unsigned days_of_year (unsigned year) {
  bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return is_leap ? 366 : 365;
}

static unsigned days_of_month (unsigned year, unsigned month) {
  static const unsigned days[] = { 31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31 };
  return days[month] + (month == 1 && days_of_year(year) == 366);
}

/* RFC 3339 in UTC. Not gmtime_r, which may read TZ from an environment that
   the host is changing. */
static void format_time (const struct timespec *now, char text[96]) {
  uint32_t seconds = (uint32_t)now->tv_sec;  /* enough until 2106 */
  unsigned days = seconds / 86400;
  unsigned year = 1970;
  unsigned month = 0;
  for (; days >= days_of_year(year); year++) days -= days_of_year(year);
  for (; days >= days_of_month(year, month); month++)
    days -= days_of_month(year, month);
  (void)snprintf(text, 96, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year,
                 month + 1, days + 1, seconds / 3600 % 24,
                 seconds / 60 % 60, seconds % 60,
                 (unsigned)(now->tv_nsec / 1000));
}

static void make_head (struct call *call, enum pexec_format format,
                       const struct timespec *now, enum pexec_level level) {
  static const char *const text_levels[] = {
    "DEBUG", "INFO ", "WARN ", "ERROR"
  };
  static const char *const json_levels[] = {
    "debug", "info", "warn", "error"
  };
  char time[96];
  int length;
  format_time(now, time);
  if (format == PEXEC_JSON)
    length = snprintf(call->head, sizeof(call->head),
                      "{\"time\":\"%s\",\"level\":\"%s\",", time,
                      json_levels[level]);
  else
    length = snprintf(call->head, sizeof(call->head), "%s %s ", time,
                      text_levels[level]);
  call->head_length = (size_t)length;
}

/* What stands around the parts of a line. */
static const struct {
  const char *before_id, *after_id, *before_message, *after_message;
} marks[] = {
  [PEXEC_TEXT] = { "", ": ", "", "\n" },
  [PEXEC_JSON] = { "\"id\":\"", "\",", "\"message\":\"", "\"}\n" }
};

static void put_line (pexec_logger *logger, const struct call *call,
                      const char *message, size_t length) {
  put(logger, call->head, call->head_length);
  if (call->id != NULL) {
    put_text(logger, marks[logger->format].before_id);
    put_escaped(logger, call->id, strlen(call->id));
    put_text(logger, marks[logger->format].after_id);
  }
  put_text(logger, marks[logger->format].before_message);
  put_escaped(logger, message, length);
  put_text(logger, marks[logger->format].after_message);
  logger->ended = logger->used;
}

/* The first line after a loss tells of it. */
static void put_notice (pexec_logger *logger, const struct timespec *now) {
  struct call call = { .id = NULL };
  char text[128];
  int length = snprintf(text, sizeof(text), "%llu log lines lost: %s",
                        (unsigned long long)logger->lost,
                        pexec_error_text(logger->reason));
  if (logger->is_torn) put_text(logger, "\n");
  make_head(&call, logger->format, now, PEXEC_ERROR);
  put_line(logger, &call, text, (size_t)length);
  logger->notice = logger->used;
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
  call->id = id;
  make_head(call, logger->format, &now, level);
  begin_lines(logger, &now);
  return true;
}

static void leave (pexec_logger *logger, const struct call *call) {
  bool has_failed;
  if (logger->used > 0) emit(logger, logger->used);
  has_failed = logger->is_dropping;
  (void)pthread_mutex_unlock(&logger->lock);
  unshield_host(call, has_failed);
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return;
  put_line(logger, &call, message, length);
  leave(logger, &call);
}

void pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                          const char *id, const char *data, size_t length) {
  struct call call;
  if (!enter(logger, level, id, &call)) return;
  while (length > 0) {
    const char *newline = memchr(data, '\n', length);
    size_t size = newline == NULL ? length : (size_t)(newline - data);
    put_line(logger, &call, data, size);
    if (newline != NULL) size++;
    data += size;
    length -= size;
  }
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
      (options->format != PEXEC_TEXT && options->format != PEXEC_JSON))
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
