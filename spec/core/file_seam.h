/*
** What a log file meets in its specs: the real side of the seam, sys.c, but
** for a monotonic clock that stands still until it is moved, calls that fail
** on demand, and a count of what is open and allocated. A directory of its
** own for each test, and what is to be read in it. To be included once, in a
** program that is linked with no other sys.c. While there are two threads,
** the clock and the plan of failures stay as they are.
*/

#ifndef SPEC_FILE_SEAM_H
#define SPEC_FILE_SEAM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "logfile.h"
#include "sys.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#define pexec__malloc real_malloc
#define pexec__calloc real_calloc
#define pexec__free real_free
#define pexec__now real_now
#define pexec__wall_now real_wall_now
#define pexec__open real_open
#define pexec__read real_read
#define pexec__write real_write
#define pexec__close real_close
#define pexec__file_of real_file_of
#define pexec__file_at real_file_at
#define pexec__set_mode real_set_mode
#define pexec__read_at real_read_at
#define pexec__rename real_rename
#define pexec__rename_new real_rename_new
#define pexec__unlink real_unlink
#define pexec__is_written_to real_is_written_to
void real_free (void *block);
int64_t real_wall_now (void);
int real_open (const char *path, int flags, int mode);
void real_close (int fd);
int real_rename (const char *from, const char *to);
#include "sys.c"
#include "memory.c"
#undef pexec__malloc
#undef pexec__calloc
#undef pexec__free
#undef pexec__now
#undef pexec__wall_now
#undef pexec__open
#undef pexec__read
#undef pexec__write
#undef pexec__close
#undef pexec__file_of
#undef pexec__file_at
#undef pexec__set_mode
#undef pexec__read_at
#undef pexec__rename
#undef pexec__rename_new
#undef pexec__unlink
#undef pexec__is_written_to
#pragma GCC diagnostic pop

/* sys.c makes children elsewhere; here none is made. */
int pexec__child_main (void *plan) {
  (void)plan;
  abort();
}

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data) {
  (void)how;
  (void)body;
  return pexec__child_main(data);
}

#define MEBIBYTE 1048576
#define SECOND_NS INT64_C(1000000000)

/* {== calls that fail ==================================================== */

/* name, and how it fails */
#define CALLS(X) \
  X(MEMORY, ENOMEM) X(OPEN, EMFILE) X(READ, EIO) X(WRITE, ENOSPC) \
  X(FILE_OF, EIO) X(FILE_AT, EACCES) X(SET_MODE, EPERM) X(READ_AT, EIO) \
  X(RENAME, EIO) X(RENAME_NEW, EACCES) X(UNLINK, EROFS) X(LEASE, EAGAIN)

enum call {
#define X(name, error) name,
  CALLS(X)
#undef X
  CALL_COUNT
};

static struct {
  int64_t now_ns;
  int64_t tick_ns;            /* each reading moves the clock by this */
  enum call call;             /* which is to fail ... */
  int left;                   /* ... this many calls from now; 0: none */
  bool is_lasting, has_failed;
  size_t most_bytes;          /* of one write; 0: any */
  bool ignores_writers;       /* the file system does not tell of them */
  /* what others make at the last moment; NULL: nothing */
  const char *made_before_rename;
  const char *linked_before_open;  /* in place of what is to be opened */
} seam;

static atomic_int blocks, descriptors;
static atomic_int calls[CALL_COUNT];

static int failure_of (enum call call) {
  static const int errors[] = {
#define X(name, error) error,
    CALLS(X)
#undef X
  };
  atomic_fetch_add(&calls[call], 1);
  if (seam.left == 0 || call != seam.call)
    return 0;
  if (seam.left > 1) {
    seam.left--;
    return 0;
  }
  seam.left = seam.is_lasting;
  seam.has_failed = true;
  return -errors[call];
}

static inline void fail_at (enum call call, int n, bool is_lasting) {
  seam.call = call;
  seam.left = n;
  seam.is_lasting = is_lasting;
  seam.has_failed = false;
}

void *pexec__malloc (size_t size) {
  if (failure_of(MEMORY) != 0)
    return NULL;
  atomic_fetch_add(&blocks, 1);
  return real_malloc(size);
}

void *pexec__calloc (size_t count, size_t size) {
  if (failure_of(MEMORY) != 0)
    return NULL;
  atomic_fetch_add(&blocks, 1);
  return real_calloc(count, size);
}

void pexec__free (void *block) {
  if (block != NULL)
    atomic_fetch_sub(&blocks, 1);
  real_free(block);
}

int64_t pexec__now (void) {
  if (seam.tick_ns > 0)
    seam.now_ns += seam.tick_ns;
  return seam.now_ns;
}

int pexec__open (const char *name, int flags, int mode) {
  int error = failure_of(OPEN), fd;
  if (seam.linked_before_open != NULL && (flags & O_CREAT) == 0) {
    assert_int_equal(unlink(name), 0);
    assert_int_equal(symlink(seam.linked_before_open, name), 0);
    seam.linked_before_open = NULL;
  }
  fd = error != 0 ? error : real_open(name, flags, mode);
  if (fd >= 0) {
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    atomic_fetch_add(&descriptors, 1);
  }
  return fd;
}

void pexec__close (int fd) {
  assert_true(fcntl(fd, F_GETFD) >= 0);
  atomic_fetch_sub(&descriptors, 1);
  real_close(fd);
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  int error = failure_of(READ);
  return error != 0 ? error : real_read(fd, data, size);
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  int error = failure_of(WRITE);
  if (seam.most_bytes > 0 && size > seam.most_bytes)
    size = seam.most_bytes;
  return error != 0 ? error : real_write(fd, data, size);
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  int error = failure_of(FILE_OF);
  return error != 0 ? error : real_file_of(fd, status);
}

int pexec__file_at (const char *name, bool follows,
                    struct pexec__file_status *status) {
  int error = failure_of(FILE_AT);
  return error != 0 ? error : real_file_at(name, follows, status);
}

int pexec__set_mode (int fd, unsigned mode) {
  int error = failure_of(SET_MODE);
  return error != 0 ? error : real_set_mode(fd, mode);
}

ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset) {
  int error = failure_of(READ_AT);
  return error != 0 ? error : real_read_at(fd, data, size, offset);
}

static inline void put_file (const char *name, const char *text) {
  FILE *file = fopen(name, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

int pexec__rename (const char *from, const char *to) {
  int error = failure_of(RENAME);
  return error != 0 ? error : real_rename(from, to);
}

int pexec__rename_new (const char *from, const char *to) {
  int error = failure_of(RENAME_NEW);
  if (seam.made_before_rename != NULL)
    put_file(seam.made_before_rename, "others\n");
  return error != 0 ? error : real_rename_new(from, to);
}

int pexec__unlink (const char *name) {
  int error = failure_of(UNLINK);
  return error != 0 ? error : real_unlink(name);
}

int pexec__is_written_to (int fd) {
  if (failure_of(LEASE) != 0)
    return 1;
  return seam.ignores_writers ? 0 : real_is_written_to(fd);
}

/* {== a directory ======================================================== */

static char directory[64];
static char path[80];           /* of the log file */

/* A path in the directory. Good until the fourth call from now. */
static inline const char *in_directory (const char *name) {
  static char paths[4][160];
  static int next;
  char *into = paths[next++ % 4];
  (void)snprintf(into, sizeof paths[0], "%s/%s", directory, name);
  return into;
}

static int begin (void **state) {
  (void)state;
  memset(&seam, 0, sizeof seam);
  seam.now_ns = 77 * SECOND_NS;
  for (int i = 0; i < CALL_COUNT; i++)
    atomic_store(&calls[i], 0);
  atomic_store(&blocks, 0);
  atomic_store(&descriptors, 0);
  (void)strcpy(directory, "/tmp/pexec-logfile-XXXXXX");
  assert_non_null(mkdtemp(directory));
  (void)snprintf(path, sizeof path, "%s/x.log", directory);
  return 0;
}

static void run (const char *format, ...) {
  char command[512];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(command, sizeof command, format, arguments);
  va_end(arguments);
  assert_int_equal(system(command), 0);
}

static void expect_nothing_left (void) {
  assert_int_equal(atomic_load(&blocks), 0);
  assert_int_equal(atomic_load(&descriptors), 0);
}

static int end (void **state) {
  (void)state;
  expect_nothing_left();
  run("rm -rf '%s'", directory);
  return 0;
}

static inline void move_clock (int64_t ns) {
  seam.now_ns += ns;
}

/* {== what is in files ==================================================== */

struct bytes {
  size_t length;
  char data[4 * MEBIBYTE];
};

static bool exists (const char *name) {
  struct stat found;
  return lstat(name, &found) == 0;
}

static inline int64_t size_of (const char *name) {
  struct stat found;
  assert_int_equal(stat(name, &found), 0);
  return (int64_t)found.st_size;
}

/* Adds a file's content, unpacked where it is packed, and says how long it
   is; -1: there is none. */
static int64_t add_content (struct bytes *to, const char *name) {
  size_t before = to->length;
  gzFile from = exists(name) ? gzopen(name, "rb") : NULL;
  int got;
  if (from == NULL)
    return -1;
  while ((got = gzread(from, to->data + to->length,
                       (unsigned)(sizeof to->data - to->length))) > 0)
    to->length += (size_t)got;
  assert_int_equal(got, 0);
  assert_int_equal(gzclose(from), Z_OK);
  return (int64_t)(to->length - before);
}

/* Of FILE.N or FILE.N.gz; the first where both are there. */
static inline int64_t add_rotated (struct bytes *to, int number) {
  char name[120];
  (void)snprintf(name, sizeof name, "%s.%d", path, number);
  if (!exists(name))
    (void)strcat(name, ".gz");
  return add_content(to, name);
}

static inline void expect_content (const char *name, const char *text) {
  static struct bytes found;
  found.length = 0;
  if (add_content(&found, name) < 0)
    fail_msg("%s is not there", name);
  found.data[found.length] = '\0';
  assert_string_equal(found.data, text);
}

/* {== the log file ======================================================= */

static pexec_file options;      /* what the next one is made from */
static bool allows_devices;
static int64_t wall_ns;         /* of the next write */
static struct pexec__logfile *file;
static enum pexec__logfile_flaw flaw;

static void make (void) {
  assert_int_equal(pexec__logfile_new(&options, allows_devices, &file), 0);
}

static int try_open (void) {
  make();
  return pexec__logfile_open(file, &flaw);
}

static inline void open_log (void) {
  assert_int_equal(try_open(), 0);
  assert_int_equal(flaw, PEXEC__FLAW_NONE);
}

static void close_log (void) {
  pexec__logfile_free(file);
  file = NULL;
}

static int put_bytes (const char *data, size_t length, size_t *done) {
  return pexec__logfile_write(file, wall_ns, data, length, done);
}

static inline void put (const char *text) {
  size_t done;
  assert_int_equal(put_bytes(text, strlen(text), &done), 0);
  assert_int_equal(done, strlen(text));
}

static inline void put_fails (const char *text, int error) {
  size_t done = 77;
  assert_int_equal(put_bytes(text, strlen(text), &done), error);
  assert_int_equal(done, 0);
}

static int begin_log (void **state) {
  options = (pexec_file)PEXEC_FILE_INIT;
  options.path = path;
  allows_devices = false;
  wall_ns = real_wall_now();
  file = NULL;
  return begin(state);
}

static int end_log (void **state) {
  close_log();
  return end(state);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin_log, end_log)

#endif
