/*
** The file side of the seam in memory: one directory of few files, which can
** be opened, appended to, renamed and deleted as on a disk, and in which the
** next write can be cut short. Counts what is open and allocated. To be
** included once. One thread.
*/

#ifndef SPEC_FUZZ_MEMORY_FILES_H
#define SPEC_FUZZ_MEMORY_FILES_H

#include <errno.h>
#include <fcntl.h>

#include "fuzz.h"
#include "sys.h"

#define MOST_FILES 400
#define MOST_HANDLES 8
#define FIRST_FD 100

struct memory_file {
  bool is_used;              /* has a name, or is open */
  char name[32];             /* "": it was deleted */
  char *data;
  size_t length, room;
  int64_t written_at_ns;
};

struct memory_handle {
  struct memory_file *file;  /* NULL: not open */
  size_t at;                 /* of reading */
  bool writes;
};

static struct {
  struct memory_file files[MOST_FILES];
  struct memory_handle handles[MOST_HANDLES];
  int named;                 /* files that have a name */
  int top;                   /* none beyond was ever used */
  int64_t now_ns;
  int cuts_left;             /* so many writes fail from now on, */
  size_t cut_at;             /* the first after so many bytes */
  int blocks;
  bool lacks_memory;         /* the next block that is to grow does not */
} memory;

/* {== memory and time ==================================================== */

void *pexec__calloc (size_t count, size_t size) {
  memory.blocks++;
  return calloc(count, size);
}

void *pexec__malloc (size_t size) {
  memory.blocks++;
  return malloc(size);
}

void *pexec__realloc (void *block, size_t size) {
  if (memory.lacks_memory) {
    memory.lacks_memory = false;
    return NULL;
  }
  memory.blocks += (block == NULL);
  return realloc(block, size);
}

void pexec__free (void *block) {
  memory.blocks -= (block != NULL);
  free(block);
}

char *pexec__strdup (const char *text) {
  return text ? strcpy(pexec__malloc(strlen(text) + 1), text) : NULL;
}

int64_t pexec__now (void) {
  return memory.now_ns;
}

int64_t pexec__wall_now (void) {
  return INT64_C(1770000000000000000) + memory.now_ns;
}

/* {== names ============================================================== */

static struct memory_file *memory_find (const char *name) {
  for (int i = 0; i < memory.top; i++)
    if (memory.files[i].is_used && strcmp(memory.files[i].name, name) == 0)
      return &memory.files[i];
  return NULL;
}

static bool memory_is_open (const struct memory_file *file, bool to_write) {
  for (int i = 0; i < MOST_HANDLES; i++)
    if (memory.handles[i].file == file &&
        (memory.handles[i].writes || !to_write))
      return true;
  return false;
}

static void memory_drop (struct memory_file *file) {
  if (file->name[0] != '\0' || memory_is_open(file, false))
    return;
  free(file->data);
  memset(file, 0, sizeof *file);
}

static void memory_name (struct memory_file *file, const char *name) {
  EXPECT(strlen(name) < sizeof file->name);
  memory.named += (name[0] != '\0') - (file->name[0] != '\0');
  (void)strcpy(file->name, name);
}

static struct memory_file *memory_make (const char *name) {
  int i = 0;
  while (i < MOST_FILES && memory.files[i].is_used)
    i++;
  EXPECT(i < MOST_FILES);
  memory.top = i < memory.top ? memory.top : i + 1;
  memory.files[i].is_used = true;
  memory_name(&memory.files[i], name);
  return &memory.files[i];
}

int pexec__unlink (const char *name) {
  struct memory_file *file = memory_find(name);
  if (file == NULL)
    return -ENOENT;
  memory_name(file, "");
  memory_drop(file);
  return 0;
}

int pexec__rename (const char *from, const char *to) {
  struct memory_file *file = memory_find(from);
  if (file == NULL)
    return -ENOENT;
  (void)pexec__unlink(to);
  memory_name(file, to);
  return 0;
}

int pexec__rename_new (const char *from, const char *to) {
  return memory_find(to) != NULL ? -EEXIST : pexec__rename(from, to);
}

/* {== descriptors ======================================================== */

int pexec__open (const char *name, int flags, int mode) {
  struct memory_file *file = memory_find(name);
  int i = 0;
  (void)mode;
  if (file != NULL && flags & O_EXCL)
    return -EEXIST;
  if (file == NULL && !(flags & O_CREAT))
    return -ENOENT;
  if (file == NULL)
    file = memory_make(name);
  while (i < MOST_HANDLES && memory.handles[i].file != NULL)
    i++;
  EXPECT(i < MOST_HANDLES);
  memory.handles[i] = (struct memory_handle){
    file, 0, (flags & O_ACCMODE) != O_RDONLY
  };
  return FIRST_FD + i;
}

static struct memory_handle *memory_handle (int fd) {
  EXPECT(fd >= FIRST_FD && fd < FIRST_FD + MOST_HANDLES);
  EXPECT(memory.handles[fd - FIRST_FD].file != NULL);
  return &memory.handles[fd - FIRST_FD];
}

void pexec__close (int fd) {
  struct memory_handle *handle = memory_handle(fd);
  struct memory_file *file = handle->file;
  handle->file = NULL;
  memory_drop(file);
}

/* How much of a write is done before it fails; all: it does not. */
static size_t memory_cut (size_t size) {
  size_t done = size;
  if (memory.cuts_left == 0)
    return size;
  memory.cuts_left--;
  done = memory.cut_at < size ? memory.cut_at : size;
  memory.cut_at = 0;
  return done;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  struct memory_file *file = memory_handle(fd)->file;
  EXPECT(memory_handle(fd)->writes && size > 0);
  if ((size = memory_cut(size)) == 0)
    return -ENOSPC;
  if (file->length + size > file->room) {
    file->room = 2 * (file->length + size);
    EXPECT((file->data = realloc(file->data, file->room)) != NULL);
  }
  memcpy(file->data + file->length, data, size);
  file->length += size;
  file->written_at_ns = pexec__wall_now();
  return (ssize_t)size;
}

ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset) {
  const struct memory_file *file = memory_handle(fd)->file;
  size_t at = (size_t)offset < file->length ? (size_t)offset : file->length;
  size_t left = file->length - at;
  size = size < left ? size : left;
  if (size > 0)
    memcpy(data, file->data + at, size);
  return (ssize_t)size;
}

static ssize_t memory_read (int fd, void *data, size_t size) {
  struct memory_handle *handle = memory_handle(fd);
  ssize_t got = pexec__read_at(fd, data, size, (int64_t)handle->at);
  handle->at += (size_t)got;
  return got;
}

static void memory_tell (const struct memory_file *file,
                         struct pexec__file_status *status) {
  *status = (struct pexec__file_status){
    .kind = PEXEC__REGULAR, .device = 1,
    .inode = (uint64_t)(file - memory.files) + 1,
    .links = file->name[0] != '\0', .mode = 0640,
    .size = (int64_t)file->length, .written_at_ns = file->written_at_ns,
  };
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  memory_tell(memory_handle(fd)->file, status);
  return 0;
}

int pexec__file_at (const char *name, bool follows,
                    struct pexec__file_status *status) {
  const struct memory_file *file = memory_find(name);
  (void)follows;
  if (file != NULL)
    memory_tell(file, status);
  return file != NULL ? 0 : -ENOENT;
}

int pexec__set_mode (int fd, unsigned mode) {
  (void)memory_handle(fd);
  (void)mode;
  return 0;
}

int pexec__set_blocking (int fd) {
  (void)memory_handle(fd);
  return 0;
}

int pexec__is_written_to (int fd) {
  return memory_is_open(memory_handle(fd)->file, true);
}

/* {== a new one ========================================================== */

static inline void memory_reset (void) {
  for (int i = 0; i < memory.top; i++)
    free(memory.files[i].data);
  memset(&memory, 0, sizeof memory);
  memory.now_ns = INT64_C(77000000000);
}

static inline void memory_expect_nothing_held (void) {
  EXPECT(memory.blocks == 0);
  for (int i = 0; i < MOST_HANDLES; i++)
    EXPECT(memory.handles[i].file == NULL);
}

#endif
