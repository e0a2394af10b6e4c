/*
** See fake.h: a few files in memory, below FAKE_FILES, for what writes logs.
** What a child is handed is the same to it as a pipe: so a file has one.
*/

#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define COUNT 16

struct fake_file {
  char path[128];               /* "": it has no name (any more) */
  enum pexec__file_kind kind;
  bool has_reader;              /* of a FIFO */
  int error;                    /* of each write; 0: none */
  struct fake_pipe *content;    /* NULL: it never was there */
};

static struct fake_file files[COUNT];

void fake_files_reset (void) {
  for (int i = 0; i < COUNT; i++)
    fake_content_free(files[i].content);
  memset(files, 0, sizeof files);
}

/* {== for specs ==== */

static struct fake_file *find (const char *path) {
  for (int i = 0; i < COUNT; i++)
    if (files[i].content != NULL && strcmp(files[i].path, path) == 0)
      return &files[i];
  return NULL;
}

/* Those that have no name, and that nobody has open. */
static void free_deleted (void) {
  for (int i = 0; i < COUNT; i++)
    if (files[i].content != NULL && files[i].path[0] == '\0' &&
        !fake_content_is_open(files[i].content)) {
      fake_content_free(files[i].content);
      files[i] = (struct fake_file){ .content = NULL };
    }
}

static struct fake_file *make (const char *path, enum pexec__file_kind kind) {
  struct fake_file *file = files;
  free_deleted();
  while (file->content != NULL)
    assert_ptr_not_equal(++file, files + COUNT);
  assert_in_range(strlen(path), 1, sizeof file->path - 1);
  (void)strcpy(file->path, path);
  file->kind = kind;
  file->content = fake_content_new();
  return file;
}

void fake_file_make (const char *path, enum pexec__file_kind kind) {
  (void)make(path, kind);
}

void fake_file_fail (const char *path, int error) {
  assert_non_null(find(path));
  find(path)->error = error;
}

void fake_fifo_read (const char *path) {
  assert_non_null(find(path));
  find(path)->has_reader = true;
}

const char *fake_file_text (const char *path, size_t *length) {
  const struct fake_file *file = find(path);
  *length = 0;
  return file ? fake_content_of(file->content, length) : "";
}

/* {== for descriptors ==== */

int fake_file_open (const char *path, int flags, struct fake_file **file) {
  struct fake_file *there = find(path);
  if (strncmp(path, FAKE_FILES, sizeof FAKE_FILES - 1) != 0)
    return -ENOENT;
  if (there == NULL) {
    if ((flags & O_CREAT) == 0)
      return -ENOENT;
    there = make(path, PEXEC__REGULAR);
  }
  else if (flags & O_EXCL)
    return -EEXIST;
  if (there->kind == PEXEC__LINK && (flags & O_NOFOLLOW))
    return -ELOOP;
  if (there->kind == PEXEC__FIFO && !there->has_reader)
    return -ENXIO;
  *file = there;
  return 0;
}

struct fake_pipe *fake_file_content (const struct fake_file *file) {
  return file->content;
}

int fake_file_failure (const struct fake_file *file) {
  return file->error;
}

int fake_file_status (const struct fake_file *file,
                      struct pexec__file_status *status) {
  size_t length;
  (void)fake_content_of(file->content, &length);
  *status = (struct pexec__file_status){
    .kind = file->kind, .device = 1, .inode = (uint64_t)(file - files) + 1,
    .links = file->path[0] != '\0', .mode = 0640, .size = (int64_t)length,
  };
  return 0;
}

/* {== by name ==== */

int pexec__file_at (const char *path, bool follows,
                    struct pexec__file_status *status) {
  const struct fake_file *file = find(path);
  int error = fake_failure(CALL_file_at);
  (void)follows;
  if (error < 0)
    return error;
  return file ? fake_file_status(file, status) : -ENOENT;
}

static int unlink_file (const char *path) {
  struct fake_file *file = find(path);
  if (file == NULL)
    return -ENOENT;
  file->path[0] = '\0';
  return 0;
}

static int rename_file (const char *from, const char *to) {
  struct fake_file *file = find(from);
  if (file == NULL)
    return -ENOENT;
  (void)unlink_file(to);
  assert_in_range(strlen(to), 1, sizeof file->path - 1);
  (void)strcpy(file->path, to);
  return 0;
}

int pexec__unlink (const char *path) {
  int error = fake_failure(CALL_unlink);
  return error < 0 ? error : unlink_file(path);
}

int pexec__rename (const char *from, const char *to) {
  int error = fake_failure(CALL_rename);
  return error < 0 ? error : rename_file(from, to);
}

int pexec__rename_new (const char *from, const char *to) {
  int error = fake_failure(CALL_rename_new);
  if (error < 0)
    return error;
  return find(to) != NULL ? -EEXIST : rename_file(from, to);
}
