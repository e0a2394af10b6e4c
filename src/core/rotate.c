/*
** Owns the names of rotated files: FILE.1, or FILE.1.gz, is the newest. It
** must not overwrite one that is not the last, nor touch a file of that name
** that is not the one being written. Wherever it is cut off, no line is lost:
** a number is missing at most, and the next rotation fills it. The writer's
** thread, but where it says "under the lock".
*/

#include "logfile_state.h"

#include <errno.h>
#include <stdio.h>

#define GAPS_MOST 8     /* numbers that others may have taken out in a row */

int pexec__rotated_name (const struct pexec__logfile *file, int number,
                         bool is_compressed, char *name) {
  int length = snprintf(name, PATH_MAX, "%s.%d%s", file->path, number,
                        is_compressed ? ".gz" : "");
  return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* 1, 0 or -errno. */
static int exists_as (const struct pexec__logfile *file, int number,
                      bool is_compressed) {
  struct pexec__file_status status;
  char name[PATH_MAX];
  int error = pexec__rotated_name(file, number, is_compressed, name);
  if (error == 0)
    error = pexec__file_at(name, false, &status);
  return error == 0 ? 1 : error == -ENOENT ? 0 : error;
}

static int exists (const struct pexec__logfile *file, int number) {
  int result = exists_as(file, number, false);
  return result != 0 ? result : exists_as(file, number, true);
}

int pexec__rotated_last (const struct pexec__logfile *file) {
  int last = 0;
  for (int i = 1; i <= file->keep && i - last <= GAPS_MOST; i++)
    if (exists(file, i) > 0)
      last = i;
  return last;
}

/* 1: there was one; 0: there was none; or -errno. */
static int remove_as (const struct pexec__logfile *file, int number,
                      bool is_compressed) {
  char name[PATH_MAX];
  int error = pexec__rotated_name(file, number, is_compressed, name);
  if (error == 0)
    error = pexec__unlink(name);
  return error == 0 ? 1 : error == -ENOENT ? 0 : error;
}

static int remove_both (const struct pexec__logfile *file, int number) {
  int plain = remove_as(file, number, false);
  int compressed = remove_as(file, number, true);
  if (plain < 0 || compressed < 0)
    return plain < 0 ? plain : compressed;
  return plain + compressed > 0;
}

static int move_as (const struct pexec__logfile *file, int number,
                    bool is_compressed) {
  char from[PATH_MAX], to[PATH_MAX];
  int error = pexec__rotated_name(file, number, is_compressed, from);
  if (error == 0)
    error = pexec__rotated_name(file, number + 1, is_compressed, to);
  return error != 0 ? error : pexec__rename_new(from, to);
}

/* Where both kinds are there, a crash came between: the plain one is whole
   for certain, and is compressed again. */
static int move_up (const struct pexec__logfile *file, int number) {
  int is_plain = exists_as(file, number, false);
  int compressed = is_plain > 0 ? remove_as(file, number, true) : 0;
  if (is_plain < 0 || compressed < 0)
    return is_plain < 0 ? is_plain : compressed;
  return move_as(file, number, is_plain == 0);
}

/* The first number that is free, or can be made so; or -errno. */
static int find_room (const struct pexec__logfile *file) {
  int taken = 1;
  for (int i = 1; i <= file->keep; i++) {
    taken = exists(file, i);
    if (taken <= 0)
      return taken < 0 ? taken : i;
  }
  taken = remove_both(file, file->keep);
  return taken < 0 ? taken : file->keep;
}

static int move_all_up (const struct pexec__logfile *file) {
  int room = find_room(file);
  int error = room < 0 ? room : 0;
  for (int i = room - 1; i >= 1 && error == 0; i--)
    error = move_up(file, i);
  return error;
}

/* Of a run that kept more. What fails is tried at the next rotation. */
static void remove_surplus (const struct pexec__logfile *file) {
  int number = file->keep;
  while (number < INT_MAX && remove_both(file, number + 1) > 0)
    number++;
}

static int shift (const struct pexec__logfile *file) {
  char first[PATH_MAX];
  int error;
  if (file->keep == 0)
    return pexec__unlink(file->path);
  error = pexec__rotated_name(file, 1, false, first);
  if (error == 0)
    error = move_all_up(file);
  return error != 0 ? error : pexec__rename_new(file->path, first);
}

int pexec__logfile_shift (struct pexec__logfile *file) {
  int64_t size;
  int error = -ESTALE;
  (void)pthread_mutex_lock(&file->lock);
  if (pexec__logfile_has_name(file, &size))
    error = shift(file);
  if (error == 0)
    remove_surplus(file);
  (void)pthread_mutex_unlock(&file->lock);
  return error;
}
