/*
** Owns the compression of a log file's rotated files: FILE.N becomes
** FILE.N.gz, the oldest first, one at a time. It reads a descriptor, so that
** rotations go on meanwhile, and puts the result where the original is by
** then. It must not touch what anybody still writes to, nor remove an
** original before the whole of it is in place. One thread, not the writer's;
** names are looked up and changed under the lock.
*/

#include "logfile_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <zlib.h>

#define SLICE_NS 5000000
#define CHUNK 32768
#define LEVEL 6
#define GZIP_BITS 31          /* a window of 32 KiB, and gzip's header */
#define READING (O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)

/* One file being compressed. */
struct pexec__compression {
  int from_fd, to_fd;         /* -1: not open */
  struct pexec__file_status from, to;  /* when they were opened */
  int64_t taken;              /* bytes of 'from' */
  bool has_stream;
  z_stream stream;
  unsigned char in[CHUNK], out[CHUNK];
};

/* {== what belongs to one ================================================ */

static voidpf allocate (voidpf opaque, uInt items, uInt size) {
  (void)opaque;
  return pexec__malloc((size_t)items * size);
}

static void release (voidpf opaque, voidpf block) {
  (void)opaque;
  pexec__free(block);
}

static int unfinished_name (const struct pexec__logfile *file, char *name) {
  int length = snprintf(name, PATH_MAX, "%s.gz-tmp", file->path);
  return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static bool is_same (const struct pexec__file_status *one, uint64_t device,
                     uint64_t inode) {
  return one->device == device && one->inode == inode;
}

/* Does 'name' bear this very file? */
static bool is_at (const struct pexec__file_status *status,
                   const char *name) {
  struct pexec__file_status named;
  return pexec__file_at(name, false, &named) == 0 &&
         is_same(status, named.device, named.inode);
}

/* Takes its unfinished file away, if it is there and nobody else's. */
static void remove_unfinished (const struct pexec__logfile *file) {
  char name[PATH_MAX];
  if (unfinished_name(file, name) == 0 &&
      is_at(&file->compression->to, name))
    (void)pexec__unlink(name);  /* else the next one does */
}

void pexec__compression_drop (struct pexec__logfile *file) {
  struct pexec__compression *one = file->compression;
  if (one == NULL)
    return;
  if (one->has_stream)
    (void)deflateEnd(&one->stream);  /* in the middle is no matter */
  if (one->to_fd >= 0) {
    remove_unfinished(file);
    pexec__close(one->to_fd);
  }
  pexec__close(one->from_fd);
  pexec__free(one);
  file->compression = NULL;
}

/* {== beginning ========================================================= */

/* Opens one that can be compressed: regular, and at rest. -errno if not. */
static int open_rotated (const struct pexec__logfile *file, const char *name,
                         struct pexec__file_status *status) {
  int error = pexec__file_at(name, false, status);
  int fd;
  if (error != 0 || status->kind != PEXEC__REGULAR)
    return error != 0 ? error : -EINVAL;
  fd = pexec__open(name, READING, 0);
  if (fd < 0)
    return fd;
  error = pexec__file_of(fd, status);
  if (error == 0 && (status->kind != PEXEC__REGULAR ||
                     is_same(status, file->device, file->inode) ||
                     pexec__is_written_to(fd)))
    error = -EBUSY;
  if (error != 0)
    pexec__close(fd);
  return error != 0 ? error : fd;
}

/* The oldest that can be. Under the lock. */
static int open_oldest (const struct pexec__logfile *file,
                        struct pexec__file_status *status) {
  char name[PATH_MAX];
  int fd = -ENOENT;
  for (int i = pexec__rotated_last(file); i >= 1 && fd < 0; i--)
    if (pexec__rotated_name(file, i, false, name) == 0)
      fd = open_rotated(file, name, status);
  return fd;
}

/* What a crash left of an earlier one is removed; what somebody is writing
   is not. */
static int clear_unfinished (const char *name) {
  int fd = pexec__open(name, READING, 0);
  bool is_busy = fd >= 0 && pexec__is_written_to(fd);
  int error;
  if (fd >= 0)
    pexec__close(fd);
  error = is_busy ? -EBUSY : pexec__unlink(name);
  return error == -ENOENT ? 0 : error;
}

static int open_unfinished (const struct pexec__logfile *file,
                            struct pexec__compression *one) {
  char name[PATH_MAX];
  int error = unfinished_name(file, name);
  if (error == 0)
    error = clear_unfinished(name);
  if (error != 0)
    return error;
  one->to_fd = pexec__open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
                           O_CLOEXEC, (int)one->from.mode);
  if (one->to_fd < 0)
    return one->to_fd;
  /* no wider than the original; where there are no modes, no matter */
  (void)pexec__set_mode(one->to_fd, one->from.mode);
  return pexec__file_of(one->to_fd, &one->to);
}

static int open_stream (struct pexec__compression *one) {
  one->stream.zalloc = allocate;
  one->stream.zfree = release;
  if (deflateInit2(&one->stream, LEVEL, Z_DEFLATED, GZIP_BITS, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK)
    return -ENOMEM;
  one->has_stream = true;
  return 0;
}

static void begin (struct pexec__logfile *file) {
  struct pexec__compression *one = pexec__calloc(1, sizeof *one);
  if (one == NULL)
    return;
  one->to_fd = -1;
  (void)pthread_mutex_lock(&file->lock);
  one->from_fd = open_oldest(file, &one->from);
  (void)pthread_mutex_unlock(&file->lock);
  if (one->from_fd < 0) {
    pexec__free(one);
    return;
  }
  file->compression = one;
  if (open_unfinished(file, one) != 0 || open_stream(one) != 0)
    pexec__compression_drop(file);
}

/* {== one slice ========================================================= */

static int write_all (int fd, const unsigned char *data, size_t length) {
  while (length > 0) {
    ssize_t put = pexec__write(fd, data, length);
    if (put <= 0)
      return put < 0 ? (int)put : -EIO;
    data += put;
    length -= (size_t)put;
  }
  return 0;
}

/* Writes all that the stream has to give. 1: that was its end. */
static int drain (struct pexec__compression *one, int flush) {
  int status = Z_OK, error = 0;
  do {
    one->stream.next_out = one->out;
    one->stream.avail_out = CHUNK;
    status = deflate(&one->stream, flush);
    error = write_all(one->to_fd, one->out, CHUNK - one->stream.avail_out);
  } while (error == 0 && one->stream.avail_out == 0);
  return error != 0 ? error : status == Z_STREAM_END;
}

/* 0: there is more to do; 1: it is whole; or -errno. */
static int step (struct pexec__compression *one) {
  ssize_t got = pexec__read(one->from_fd, one->in, CHUNK);
  if (got < 0)
    return (int)got;
  one->taken += got;
  one->stream.next_in = one->in;
  one->stream.avail_in = (uInt)got;
  return drain(one, got == 0 ? Z_FINISH : Z_NO_FLUSH);
}

static int advance (struct pexec__logfile *file) {
  int64_t until_ns = pexec__now() + SLICE_NS;
  int result;
  do
    result = step(file->compression);
  while (result == 0 && pexec__now() < until_ns &&
         !atomic_load(&file->is_abandoned));
  return result;
}

/* {== putting it in place =============================================== */

/* Is the original still what was read, and has nobody come to write? */
static bool is_unchanged (const struct pexec__compression *one) {
  struct pexec__file_status now;
  return pexec__file_of(one->from_fd, &now) == 0 &&
         now.size == one->taken &&
         now.written_at_ns == one->from.written_at_ns &&
         !pexec__is_written_to(one->from_fd);
}

/* The number that the original has by now; 0: none. */
static int number_of (const struct pexec__logfile *file, char *name) {
  for (int i = pexec__rotated_last(file); i >= 1; i--)
    if (pexec__rotated_name(file, i, false, name) == 0 &&
        is_at(&file->compression->from, name))
      return i;
  return 0;
}

/* Both names are there for a moment: a crash then costs nothing. */
static int exchange (const struct pexec__logfile *file) {
  char unfinished[PATH_MAX], name[PATH_MAX], original[PATH_MAX];
  int number = number_of(file, original);
  int error = number == 0 || !is_unchanged(file->compression) ? -ESTALE : 0;
  if (error == 0)
    error = unfinished_name(file, unfinished);
  if (error == 0 && !is_at(&file->compression->to, unfinished))
    error = -ESTALE;
  if (error == 0)
    error = pexec__rotated_name(file, number, true, name);
  if (error == 0)
    error = pexec__rename(unfinished, name);
  if (error != 0)
    return error;
  error = pexec__unlink(original);
  if (error != 0)
    (void)pexec__unlink(name);  /* else it is removed at the next rotation */
  return error;
}

static int put_in_place (struct pexec__logfile *file) {
  int error;
  (void)pthread_mutex_lock(&file->lock);
  error = exchange(file);
  (void)pthread_mutex_unlock(&file->lock);
  return error;
}

/* {== calls ============================================================= */

bool pexec__logfile_wants_compression (const struct pexec__logfile *file) {
  return atomic_load(&file->wants_compression) &&
         !atomic_load(&file->is_abandoned);
}

void pexec__logfile_abandon (struct pexec__logfile *file) {
  atomic_store(&file->is_abandoned, true);
}

static void work (struct pexec__logfile *file) {
  int result = advance(file);
  if (result == 0)
    return;
  if (result > 0 && put_in_place(file) == 0)
    atomic_store(&file->wants_compression, true);  /* for the next one */
  pexec__compression_drop(file);
}

bool pexec__logfile_compress (struct pexec__logfile *file) {
  if (atomic_load(&file->is_abandoned))
    pexec__compression_drop(file);
  else if (file->compression != NULL)
    work(file);
  else if (atomic_exchange(&file->wants_compression, false))
    begin(file);
  return file->compression != NULL || pexec__logfile_wants_compression(file);
}
