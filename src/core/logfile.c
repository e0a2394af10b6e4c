/*
** Owns an open log file: opening, following its name, appending, and when to
** rotate. It must not follow a symbolic link, block on a FIFO, lose a line
** between two files, or try in a loop what has just failed. One thread, the
** writer's; rotate.c and compress.c share its lock.
*/

#include "logfile_state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define FLAGS (O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
#define ATTEMPTS 8            /* where the file comes and goes */
#define RETRY_NS 100000000    /* from one attempt to open to the next */
#define FOLLOW_NS 1000000000  /* from one look at the name to the next */
#define BAR_NS 1000000000     /* from one attempt to rotate to the next */
#define LINE_MOST 65536       /* a longer line may be cut by a rotation */

/* What an open descriptor leads to. */
struct found {
  int fd;
  bool is_linked;
  struct pexec__file_status status;
};

/* {== life ============================================================== */

int pexec__logfile_new (const pexec_file *from, bool allows_devices,
                        struct pexec__logfile **file) {
  size_t size = strlen(from->path) + 1;
  struct pexec__logfile *made = pexec__calloc(1, sizeof *made + size);
  if (made == NULL)
    return -ENOMEM;
  made->mode = from->mode;
  made->max_size = from->max_size;
  made->rotate_every_ns = from->rotate_every_ms > INT64_MAX / 1000000
                          ? INT64_MAX : from->rotate_every_ms * 1000000;
  made->keep = from->keep > 0 ? from->keep : 0;
  made->compresses = (from->compress != 0 && from->keep > 0);
  made->allows_devices = allows_devices;
  made->fd = -1;
  made->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
  atomic_init(&made->wants_compression, made->compresses);
  atomic_init(&made->is_abandoned, false);
  memcpy(made->path, from->path, size);
  *file = made;
  return 0;
}

void pexec__logfile_free (struct pexec__logfile *file) {
  if (file == NULL)
    return;
  pexec__compression_drop(file);
  if (file->fd >= 0)
    pexec__close(file->fd);
  (void)pthread_mutex_destroy(&file->lock);  /* nobody holds it */
  pexec__free(file);
}

uint64_t pexec__logfile_device (const struct pexec__logfile *file) {
  return pexec__logfile_is_regular(file) ? file->device : 0;
}

bool pexec__logfile_is_regular (const struct pexec__logfile *file) {
  return file->fd >= 0 && file->kind == PEXEC__REGULAR;
}

int pexec__logfile_fd (const struct pexec__logfile *file) {
  return file->fd;
}

bool pexec__logfile_is_torn (const struct pexec__logfile *file) {
  return file->is_torn;
}

/* {== opening =========================================================== */

static int judge (const struct pexec__logfile *file,
                  enum pexec__file_kind kind,
                  enum pexec__logfile_flaw *flaw) {
  if (kind == PEXEC__REGULAR || kind == PEXEC__FIFO ||
      (kind == PEXEC__CHARACTER_DEVICE && file->allows_devices))
    return 0;
  if (kind == PEXEC__DIRECTORY)
    return -EISDIR;
  *flaw = kind == PEXEC__LINK ? PEXEC__FLAW_LINK : PEXEC__FLAW_KIND;
  return kind == PEXEC__LINK ? -ELOOP : -EINVAL;
}

/* Before it is opened, since opening alone makes some devices act. */
static int look (const struct pexec__logfile *file, struct found *found,
                 enum pexec__logfile_flaw *flaw) {
  int error = pexec__file_at(file->path, false, &found->status);
  found->is_linked = (error == 0 && file->allows_devices &&
                      found->status.kind == PEXEC__LINK);
  if (found->is_linked)
    error = pexec__file_at(file->path, true, &found->status);
  return error != 0 ? error : judge(file, found->status.kind, flaw);
}

static int open_existing (const struct pexec__logfile *file,
                          struct found *found,
                          enum pexec__logfile_flaw *flaw) {
  int error = look(file, found, flaw);
  if (error != 0)
    return error;
  found->fd = pexec__open(file->path,
                          FLAGS | (found->is_linked ? 0 : O_NOFOLLOW), 0);
  if (found->fd == -ELOOP && !found->is_linked)
    *flaw = PEXEC__FLAW_LINK;  /* put there just now */
  return found->fd < 0 ? found->fd : 0;
}

static int create (const struct pexec__logfile *file, struct found *found) {
  found->is_linked = false;
  found->fd = pexec__open(file->path, FLAGS | O_NOFOLLOW | O_CREAT | O_EXCL,
                          (int)file->mode);
  if (found->fd < 0)
    return found->fd;
  /* where a file system knows no modes, it is none that is wider */
  (void)pexec__set_mode(found->fd, file->mode);
  return 0;
}

static int open_or_create (const struct pexec__logfile *file,
                           struct found *found,
                           enum pexec__logfile_flaw *flaw) {
  int error = -ENOENT;
  for (int i = 0; i < ATTEMPTS && error == -ENOENT; i++) {
    error = create(file, found);
    if (error != -EEXIST)
      return error;
    error = open_existing(file, found, flaw);
  }
  return error;
}

/* Judges again: between the look and the opening it may have changed. */
static int open_named (const struct pexec__logfile *file,
                       struct found *found,
                       enum pexec__logfile_flaw *flaw) {
  int error = open_or_create(file, found, flaw);
  if (error != 0)
    return error;
  error = pexec__file_of(found->fd, &found->status);
  if (error == 0)
    error = judge(file, found->status.kind, flaw);
  if (error != 0)
    pexec__close(found->fd);
  return error;
}

int pexec__logfile_open_for_child (const pexec_file *from,
                                   enum pexec__logfile_flaw *flaw) {
  struct pexec__logfile *file;
  struct found found;
  int error = pexec__logfile_new(from, false, &file);
  if (error < 0)
    return error;
  *flaw = PEXEC__FLAW_NONE;
  error = open_named(file, &found, flaw);
  pexec__logfile_free(file);
  if (error < 0)
    return error == -ENXIO ? -ESPIPE : error;
  if (found.status.kind != PEXEC__REGULAR)
    error = -ESPIPE;
  else
    error = pexec__set_blocking(found.fd);
  if (error < 0)
    pexec__close(found.fd);
  return error < 0 ? error : found.fd;
}

/* Does the byte before 'size' end no line? Where it cannot be read: no. The
   descriptor that is open only writes. */
static bool ends_torn (const struct pexec__logfile *file, int64_t size) {
  char last = '\n';
  int fd;
  if (size == 0)
    return false;
  fd = pexec__open(file->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY |
                   (file->is_linked ? 0 : O_NOFOLLOW), 0);
  if (fd < 0)
    return false;
  (void)pexec__read_at(fd, &last, 1, size - 1);
  pexec__close(fd);
  return last != '\n';
}

/* Others have written to it, or cut it. */
static void note_size (struct pexec__logfile *file, int64_t size) {
  file->size = size;
  file->line_size = 0;
  file->is_torn = ends_torn(file, size);
}

static int64_t period_of (const struct pexec__logfile *file, int64_t now_ns) {
  return file->rotate_every_ns > 0 ? now_ns / file->rotate_every_ns : 0;
}

/* Writes to this one from here on. */
static void adopt (struct pexec__logfile *file, const struct found *found) {
  if (file->fd >= 0)
    pexec__close(file->fd);
  file->fd = found->fd;
  file->error = 0;
  file->kind = found->status.kind;
  file->is_linked = found->is_linked;
  file->period = period_of(file, found->status.written_at_ns);
  file->followed_at_ns = pexec__now();
  file->barred_until_ns = 0;
  (void)pthread_mutex_lock(&file->lock);
  file->device = found->status.device;
  file->inode = found->status.inode;
  (void)pthread_mutex_unlock(&file->lock);
  note_size(file, file->kind == PEXEC__REGULAR ? found->status.size : 0);
  if (file->compresses)
    atomic_store(&file->wants_compression, true);
}

int pexec__logfile_reopen (struct pexec__logfile *file,
                           enum pexec__logfile_flaw *flaw) {
  struct found found;
  int error;
  *flaw = PEXEC__FLAW_NONE;
  file->tried_at_ns = pexec__now();
  error = open_named(file, &found, flaw);
  if (error == 0)
    adopt(file, &found);
  else if (file->fd < 0)
    file->error = error;
  return error;
}

int pexec__logfile_open (struct pexec__logfile *file,
                         enum pexec__logfile_flaw *flaw) {
  *flaw = PEXEC__FLAW_NONE;
  return file->fd >= 0 ? 0 : pexec__logfile_reopen(file, flaw);
}

/* {== following ========================================================= */

bool pexec__logfile_has_name (const struct pexec__logfile *file,
                              int64_t *size) {
  struct pexec__file_status named;
  if (pexec__file_at(file->path, file->is_linked, &named) != 0 ||
      named.device != file->device || named.inode != file->inode)
    return false;
  *size = named.size;
  return true;
}

/* 'error' 0: the next write tries at once. */
static void shut (struct pexec__logfile *file, int error) {
  pexec__close(file->fd);
  file->fd = -1;
  file->error = error;
}

/* Opens what bears the name now. Where that fails, it goes on in the old one
   if that has a name still: what is written to a nameless one is lost. */
static int replace (struct pexec__logfile *file) {
  enum pexec__logfile_flaw flaw;
  struct pexec__file_status own;
  int error = pexec__logfile_reopen(file, &flaw);
  if (error == 0)
    return 0;
  file->barred_until_ns = pexec__now() + BAR_NS;
  if (pexec__file_of(file->fd, &own) == 0 && own.links > 0)
    return 0;
  shut(file, error);
  return error;
}

static int follow (struct pexec__logfile *file, int64_t now_ns) {
  int64_t size;
  file->followed_at_ns = now_ns;
  if (!pexec__logfile_has_name(file, &size))
    return replace(file);
  if (file->kind == PEXEC__REGULAR && size != file->size)
    note_size(file, size);
  return 0;
}

static int get_ready (struct pexec__logfile *file) {
  enum pexec__logfile_flaw flaw;
  int64_t now_ns = pexec__now();
  if (file->fd >= 0)
    return now_ns - file->followed_at_ns < FOLLOW_NS ? 0
                                                     : follow(file, now_ns);
  if (file->error != 0 && now_ns - file->tried_at_ns < RETRY_NS)
    return file->error;
  return pexec__logfile_open(file, &flaw);
}

/* {== when to rotate ==================================================== */

static bool may_rotate (const struct pexec__logfile *file) {
  return !file->is_linked && (file->barred_until_ns == 0 ||
                              pexec__now() >= file->barred_until_ns);
}

/* Of a line that began in this file, and does not fit: up to its end, unless
   it is so long that it is to be cut. */
static size_t rest_of_line (const struct pexec__logfile *file,
                            const char *data, size_t length, int64_t room) {
  int64_t most = LINE_MOST - file->line_size;
  const char *end;
  if (most < room)
    most = room;
  if (most <= 0)
    return 0;
  if ((uint64_t)most < length)
    length = (size_t)most;
  end = memchr(data, '\n', length);
  return end == NULL ? length : (size_t)(end + 1 - data);
}

/* How much goes into this file before it is rotated; 0: that is now. */
static size_t span_of (const struct pexec__logfile *file, bool is_due,
                       const char *data, size_t length) {
  int64_t room = is_due ? 0 : file->max_size <= 0 ? INT64_MAX
                            : file->max_size - file->size;
  const char *end = NULL;
  if ((room >= 0 && length <= (uint64_t)room) || !may_rotate(file))
    return length;
  if (room > 0)
    end = memrchr(data, '\n', (size_t)room);
  if (end != NULL)
    return (size_t)(end + 1 - data);
  if (!file->is_torn && file->size > 0)
    return 0;
  return rest_of_line(file, data, length, room);
}

/* Leaves an open file, perhaps the old one: it is tried again later then. */
static int rotate (struct pexec__logfile *file) {
  int error = pexec__logfile_shift(file);
  if (error != 0 && error != -ESTALE) {
    file->barred_until_ns = pexec__now() + BAR_NS;
    return 0;
  }
  return replace(file);
}

/* {== appending ========================================================= */

static void note_written (struct pexec__logfile *file, const char *data,
                          size_t length) {
  const char *end = memrchr(data, '\n', length);
  if (end == NULL)
    file->line_size += (int64_t)length;
  else
    file->line_size = (int64_t)length - (end + 1 - data);
  file->is_torn = data[length - 1] != '\n';
  file->size += (int64_t)length;
}

/* One write call; *done grows by what it took. */
static int append (struct pexec__logfile *file, const char *data,
                   size_t length, size_t *done) {
  ssize_t put = pexec__write(file->fd, data, length);
  if (put <= 0)
    return put < 0 ? (int)put : -EIO;
  note_written(file, data, (size_t)put);
  *done += (size_t)put;
  return 0;
}

static int append_regular (struct pexec__logfile *file, int64_t period,
                           const char *data, size_t length, size_t *done) {
  size_t span;
  if (file->size == 0 || period < file->period)
    file->period = period;
  span = span_of(file, period > file->period, data, length);
  return span > 0 ? append(file, data, span, done) : rotate(file);
}

/* How much to write at once: a pipe takes this much whole or not at all,
   though others write to it, too. */
static size_t piece_of (const char *data, size_t length) {
  const char *end;
  if (length <= PIPE_BUF)
    return length;
  end = memrchr(data, '\n', PIPE_BUF);
  return end == NULL ? PIPE_BUF : (size_t)(end + 1 - data);
}

int pexec__logfile_write (struct pexec__logfile *file, int64_t now_ns,
                          const char *data, size_t length, size_t *done) {
  int64_t period = period_of(file, now_ns);
  int error = get_ready(file);
  *done = 0;
  while (*done < length && error == 0) {
    const char *rest = data + *done;
    size_t left = length - *done;
    if (file->kind == PEXEC__REGULAR)
      error = append_regular(file, period, rest, left, done);
    else
      error = append(file, rest, piece_of(rest, left), done);
  }
  if (error == -EPIPE)
    shut(file, 0);
  return error;
}
