/* See fake.h: memory, the clock and descriptors. */

#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILES 4096

struct fake_pipe {
  char *data;
  size_t length, at, room;
  int readers, writers;
};

enum kind {
  CLOSED, READER, WRITER, EVENT, DEV_NULL, REGULAR, PIDFD, LOG, NODE
};

/* A descriptor is an index into these. */
static struct file {
  enum kind kind;
  struct fake_pipe *pipe;
  struct fake_child *child;
  struct fake_file *log;
  uint64_t count;
  int pid;                      /* of a PIDFD; 0: the child's */
  int node;                     /* in the hierarchy of cgroups */
  enum fake_node_kind node_kind;
  bool locks;
} files[FILES];

struct fake fake;

void fake_reset (const struct fake_program *programs, int program_count) {
  bool is_basic = fake.is_basic;
  fake_kernel_reset();
  fake_files_reset();
  fake_cgroups_reset();
  memset(&fake, 0, sizeof fake);
  memset(files, 0, sizeof files);
  fake_calls_reset();
  fake.now_ns = 123456789012345;
  fake.wall_ns = 1770000000000000000;
  fake.lot = 0.5;
  fake.is_basic = is_basic;
  fake.programs = programs;
  fake.program_count = program_count;
  fake_spawner_reset();
  fake_writer_reset();
  fake_loop_reset();
}

void fake_expect_nothing_left (void) {
  assert_int_equal(fake.blocks, 0);
  assert_int_equal(fake.descriptors, 0);
  assert_int_equal(fake.zombies, 0);
  assert_int_equal(fake.living, fake.survivors);
  fake_kernel_reset();
  fake.survivors = 0;
}

/* {== memory ==== */

static void *counted (void *block) {
  assert_non_null(block);
  fake.blocks++;
  return block;
}

void *pexec__malloc (size_t size) {
  return fake_failure(CALL_malloc) < 0 ? NULL : counted(malloc(size + 1));
}

void *pexec__calloc (size_t count, size_t size) {
  return fake_failure(CALL_calloc) < 0 ? NULL : counted(calloc(count, size));
}

void *pexec__realloc (void *block, size_t size) {
  if (fake_failure(CALL_realloc) < 0)
    return NULL;
  return block ? realloc(block, size) : counted(malloc(size));
}

void pexec__free (void *block) {
  fake.blocks -= (block != NULL);
  free(block);
}

char *pexec__strdup (const char *text) {
  if (text == NULL || fake_failure(CALL_strdup) < 0)
    return NULL;
  return strcpy(counted(malloc(strlen(text) + 1)), text);
}

int64_t pexec__now (void) {
  return fake.now_ns;
}

/* In 2026, and as still as the other one, until it is made to jump. */
int64_t pexec__wall_now (void) {
  return fake.wall_ns + fake.now_ns;
}

double pexec__lot (void) {
  return fake.lot;
}

/* {== descriptors ==== */

static struct file *file_of (int fd) {
  assert_in_range(fd, 3, FILES - 1);
  assert_int_not_equal(files[fd].kind, CLOSED);
  return &files[fd];
}

static int new_file (enum kind kind) {
  int fd = 3;
  while (files[fd].kind != CLOSED)
    assert_in_range(++fd, 3, FILES - 1);
  files[fd] = (struct file){ .kind = kind };
  fake.descriptors++;
  return fd;
}

static void free_pipe_if_unused (struct fake_pipe *pipe) {
  if (pipe->readers + pipe->writers > 0)
    return;
  free(pipe->data);
  free(pipe);
}

static int make_pipe (int fds[2]) {
  struct fake_pipe *pipe;
  assert_non_null(pipe = calloc(1, sizeof *pipe));
  pipe->readers = pipe->writers = 1;
  fds[0] = new_file(READER);
  fds[1] = new_file(WRITER);
  files[fds[0]].pipe = files[fds[1]].pipe = pipe;
  return 0;
}

int pexec__pipe (int fds[2]) {
  int error = fake_failure(CALL_pipe);
  return error < 0 ? error : make_pipe(fds);
}

int pexec__input_pipe (int fds[2]) {
  int error = fake_failure(CALL_input_pipe);
  return error < 0 ? error : make_pipe(fds);
}

int pexec__eventfd (void) {
  int error = fake_failure(CALL_eventfd);
  return error < 0 ? error : new_file(EVENT);
}

static int open_log (const char *path, int flags) {
  struct fake_file *log;
  int fd, error = fake_file_open(path, flags, &log);
  if (error < 0)
    return error;
  fd = new_file(LOG);
  files[fd].log = log;
  files[fd].pipe = fake_file_content(log);
  files[fd].pipe->writers++;
  return fd;
}

int pexec__open (const char *path, int flags, int mode) {
  int error = fake_failure(CALL_open);
  (void)mode;
  if (error < 0)
    return error;
  if (strcmp(path, "/dev/null") == 0)
    return new_file(DEV_NULL);
  if (strcmp(path, FAKE_PATH) == 0)
    return new_file(REGULAR);
  if (strcmp(path, FAKE_VARIABLES) == 0)
    return fake_new_text("A=1\nB=2\n");
  error = fake_cgroups_open(path);
  return error != -ENOENT ? error : open_log(path, flags);
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  int error = fd == 2 ? -EBADF : fake_failure(CALL_file_of);
  if (error >= 0 && file_of(fd)->kind == READER)
    *status = (struct pexec__file_status){ .kind = PEXEC__REGULAR };
  else if (error >= 0)
    error = fake_file_status(file_of(fd)->log, status);
  return error;
}

int pexec__set_mode (int fd, unsigned mode) {
  assert_int_equal(file_of(fd)->kind, LOG);
  (void)mode;
  return fake_failure(CALL_set_mode);
}

ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset) {
  int error = fd < 0 ? -EBADF : fake_failure(CALL_read_at);
  const struct file *file;
  size_t length;
  const char *text;
  if (error < 0)
    return error;
  file = file_of(fd);
  if (file->kind == NODE)
    return fake_events_read(fake_node_of(fd, FAKE_EVENTS), data, size);
  text = fake_content_of(file->pipe, &length);
  assert_in_range(offset + (int64_t)size, 0, length);
  memcpy(data, text + offset, size);
  return (ssize_t)size;
}

int pexec__is_written_to (int fd) {
  (void)file_of(fd);
  return fake_failure(CALL_is_written_to) < 0;
}

int pexec__is_directory (int fd) {
  assert_int_equal(file_of(fd)->kind, REGULAR);
  return fake_failure(CALL_is_directory);
}

int pexec__set_blocking (int fd) {
  assert_true(file_of(fd)->kind == REGULAR || file_of(fd)->kind == LOG);
  return fake_failure(CALL_set_blocking);
}

static ssize_t read_event (struct file *file, void *data, size_t size) {
  assert_int_equal(size, sizeof file->count);
  if (file->count == 0)
    return -EAGAIN;
  memcpy(data, &file->count, size);
  file->count = 0;
  return (ssize_t)size;
}

static ssize_t read_pipe (struct fake_pipe *pipe, void *data, size_t size) {
  size_t there = pipe->length - pipe->at;
  int error = fake_failure(CALL_read);
  if (error < 0)
    return error;
  if (there == 0)
    return pipe->writers > 0 ? -EAGAIN : 0;
  if (size > there)
    size = there;
  memcpy(data, pipe->data + pipe->at, size);
  pipe->at += size;
  fake.bytes_read += size;
  return (ssize_t)size;
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  struct file *file = file_of(fd);
  if (file->kind == EVENT)
    return read_event(file, data, size);
  assert_int_equal(file->kind, READER);
  return read_pipe(file->pipe, data, size);
}

static void put (struct fake_pipe *pipe, const void *data, size_t length) {
  if (pipe->at == pipe->length)
    pipe->at = pipe->length = 0;
  if (pipe->length + length > pipe->room) {
    pipe->room = 2 * (pipe->length + length);
    assert_non_null(pipe->data = realloc(pipe->data, pipe->room));
  }
  if (length > 0)
    memcpy(pipe->data + pipe->length, data, length);
  pipe->length += length;
}

static size_t room_in (const struct fake_pipe *pipe) {
  size_t there = pipe->length - pipe->at;
  return there < FAKE_PIPE_SIZE ? FAKE_PIPE_SIZE - there : 0;
}

static ssize_t write_pipe (struct fake_pipe *pipe, const void *data,
                           size_t size) {
  int error = fake_failure(CALL_write);
  if (error < 0)
    return error;
  if (pipe->readers == 0)
    return -EPIPE;
  if (room_in(pipe) == 0)
    return -EAGAIN;
  if (size > room_in(pipe))
    size = room_in(pipe);
  put(pipe, data, size);
  return (ssize_t)size;
}

static ssize_t write_log (struct file *file, const void *data, size_t size) {
  int error = fake_failure(CALL_write);
  if (error >= 0)
    error = fake_file_failure(file->log);
  if (error < 0)
    return error;
  put(file->pipe, data, size);
  return (ssize_t)size;
}

static ssize_t write_node (const struct file *file, size_t size) {
  int error = fake_failure(CALL_write);
  if (error < 0)
    return error;
  if (file->node_kind == FAKE_KILL)
    fake_cgroup_kill(file->node);
  else
    assert_int_equal(file->node_kind, FAKE_SETTING);
  return (ssize_t)size;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  struct file *file = fd == 2 ? NULL : file_of(fd);
  uint64_t more;
  if (file == NULL) {
    fake.logged += size;
    return (ssize_t)size;
  }
  if (file->kind == WRITER)
    return write_pipe(file->pipe, data, size);
  if (file->kind == LOG)
    return write_log(file, data, size);
  if (file->kind == NODE)
    return write_node(file, size);
  assert_int_equal(file->kind, EVENT);
  assert_int_equal(size, sizeof more);
  memcpy(&more, data, size);
  file->count += more;
  return (ssize_t)size;
}

int pexec__pipe_size (int fd) {
  int error = fake_failure(CALL_pipe_size);
  (void)file_of(fd);
  return error < 0 ? error : FAKE_PIPE_SIZE;
}

/* As large as it is. */
int pexec__set_pipe_size (int fd, int size) {
  int error = fake_failure(CALL_set_pipe_size);
  (void)file_of(fd);
  (void)size;
  return error < 0 ? error : FAKE_PIPE_SIZE;
}

int pexec__poll_writable (int fd, int timeout_ms) {
  int error = fake_failure(CALL_poll_writable);
  (void)fd;
  (void)timeout_ms;
  return error < 0 ? error : 1;
}

int pexec__readable_bytes (int fd) {
  const struct fake_pipe *pipe = file_of(fd)->pipe;
  int error = fake_failure(CALL_readable_bytes);
  return error < 0 ? error : (int)(pipe->length - pipe->at);
}

void pexec__close (int fd) {
  struct file *file = file_of(fd);
  if (file->pipe != NULL) {
    *(file->kind == READER ? &file->pipe->readers : &file->pipe->writers) -= 1;
    free_pipe_if_unused(file->pipe);
  }
  if (file->child != NULL)
    fake_child_let_go(file->child);
  if (file->locks)
    fake_cgroup_unlock(file->node);
  file->kind = CLOSED;
  fake.descriptors--;
}

bool fake_is_readable (int fd) {
  const struct file *file = file_of(fd);
  switch (file->kind) {
    case READER:
      return file->pipe->at < file->pipe->length || file->pipe->writers == 0;
    case EVENT:
      return file->count > 0;
    case PIDFD:
      return fake_child_is_dead(file->child);
    default:
      return false;
  }
}

bool fake_is_writable (int fd) {
  const struct file *file = file_of(fd);
  assert_int_equal(file->kind, WRITER);
  return file->pipe->readers == 0 || room_in(file->pipe) > 0;
}

/* {== for files: what is in one, with a reader for ever ==== */

struct fake_pipe *fake_content_new (void) {
  struct fake_pipe *content = calloc(1, sizeof *content);
  assert_non_null(content);
  content->readers = 1;
  return content;
}

bool fake_content_is_open (const struct fake_pipe *content) {
  return content->writers > 0;
}

void fake_content_free (struct fake_pipe *content) {
  if (content == NULL)
    return;
  free(content->data);
  free(content);
}

const char *fake_content_of (const struct fake_pipe *content,
                             size_t *length) {
  *length = content->length;
  return content->length > 0 ? content->data : "";
}

/* {== for the kernel ==== */

int fake_new_pidfd (struct fake_child *child) {
  int fd = new_file(PIDFD);
  files[fd].child = child;
  return fd;
}

struct fake_child *fake_child_of (int pidfd) {
  return file_of(pidfd)->child;
}

int fake_new_pidfd_of (struct fake_child *child, int pid) {
  int fd = fake_new_pidfd(child);
  files[fd].pid = pid;
  return fd;
}

int fake_pid_of (int pidfd) {
  return file_of(pidfd)->pid;
}

int fake_new_node (int node, enum fake_node_kind kind) {
  int fd = new_file(NODE);
  files[fd].node = node;
  files[fd].node_kind = kind;
  return fd;
}

int fake_node_of (int fd, enum fake_node_kind kind) {
  const struct file *file = file_of(fd);
  assert_int_equal(file->kind, NODE);
  assert_true(kind == FAKE_ANY_NODE || file->node_kind == kind);
  return file->node;
}

void fake_node_note_lock (int fd) {
  file_of(fd)->locks = true;
}

int fake_new_text (const char *text) {
  struct fake_pipe *content = fake_content_new();
  int fd = new_file(READER);
  put(content, text, strlen(text));
  files[fd].pipe = content;
  return fd;
}

struct fake_pipe *fake_pipe_hold (int fd) {
  struct fake_pipe *pipe = file_of(fd)->pipe;
  if (pipe != NULL)
    pipe->writers++;
  return pipe;
}

void fake_pipe_drop (struct fake_pipe *pipe) {
  if (pipe == NULL)
    return;
  pipe->writers--;
  free_pipe_if_unused(pipe);
}

void fake_pipe_write (struct fake_pipe *pipe, const char *text) {
  size_t length = text ? strlen(text) : 0;
  if (pipe != NULL && pipe->readers > 0 && length > 0)
    put(pipe, text, length);
}

struct fake_pipe *fake_input_hold (int fd) {
  struct fake_pipe *pipe = file_of(fd)->pipe;
  if (pipe != NULL)
    pipe->readers++;
  return pipe;
}

void fake_input_drop (struct fake_pipe *pipe) {
  if (pipe == NULL)
    return;
  pipe->readers--;
  free_pipe_if_unused(pipe);
}

bool fake_input_read (struct fake_pipe *pipe, size_t most) {
  size_t there = pipe ? pipe->length - pipe->at : 0;
  if (there == 0)
    return pipe != NULL && pipe->writers > 0;
  if (there > most)
    there = most;
  if (fake.input_length + there > fake.input_room) {
    fake.input_room = 2 * (fake.input_length + there);
    assert_non_null(fake.input = realloc(fake.input, fake.input_room));
  }
  memcpy(fake.input + fake.input_length, pipe->data + pipe->at, there);
  fake.input_length += there;
  pipe->at += there;
  return true;
}
