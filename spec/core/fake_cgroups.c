/*
** See fake.h: a hierarchy of cgroups at FAKE_CGROUPS, whose root is the
** host's. Who is in them the kernel knows.
*/

#include "fake.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DIRS 16

static struct dir {
  bool is_there, is_marked, is_locked;
  int above;
  char name[32];
} dirs[DIRS];                   /* the first one is the root */

void fake_cgroups_reset (void) {
  memset(dirs, 0, sizeof dirs);
  dirs[0].is_there = true;
}

int fake_cgroup_count (void) {
  int count = 0;
  for (int i = 1; i < DIRS; i++)
    count += dirs[i].is_there;
  return count;
}

/* {== the tree =========================================================== */

static int find_in (int above, const char *name, size_t length) {
  for (int i = 1; i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == above &&
        strlen(dirs[i].name) == length &&
        memcmp(dirs[i].name, name, length) == 0)
      return i;
  return -1;
}

static int make_in (int above, const char *name) {
  int dir = 1;
  while (dirs[dir].is_there)
    assert_in_range(++dir, 1, DIRS - 1);
  dirs[dir] = (struct dir){ .is_there = true, .above = above };
  assert_in_range(strlen(name), 1, sizeof dirs[dir].name - 1);
  (void)strcpy(dirs[dir].name, name);
  return dir;
}

static bool is_below (int dir, int above) {
  while (dir != above && dir > 0)
    dir = dirs[dir].above;
  return dir == above;
}

static bool is_populated (int dir) {
  for (int i = 0; i < DIRS; i++)
    if (dirs[i].is_there && is_below(i, dir) && fake_node_is_populated(i))
      return true;
  return false;
}

static bool is_removable (int dir) {
  for (int i = 1; i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == dir)
      return false;
  return !is_populated(dir);
}

/* {== files ============================================================== */

#define MOUNTS \
  "22 1 8:1 / / rw - ext4 /dev/sda rw\n" \
  "41 31 0:38 / " FAKE_CGROUPS " rw shared:5 - cgroup2 cgroup2 rw\n"

/* -1: there is none. */
static int find (const char *path) {
  size_t length = strlen(FAKE_CGROUPS);
  int dir = strncmp(path, FAKE_CGROUPS, length) == 0 ? 0 : -1;
  for (path += length; dir >= 0 && *path == '/'; path += length) {
    length = strcspn(++path, "/");
    dir = find_in(dir, path, length);
  }
  return dir;
}

/* -ENOENT: it is not below FAKE_CGROUPS, nor of /proc. */
int fake_cgroups_open (const char *path) {
  int dir;
  if (strcmp(path, "/proc/self/mountinfo") == 0)
    return fake_new_text(MOUNTS);
  if (strcmp(path, "/proc/self/cgroup") == 0)
    return fake_new_text("0::/\n");
  dir = find(path);
  return dir < 0 ? -ENOENT : fake_new_node(dir, FAKE_DIRECTORY);
}

static int open_to_write (int dir, const char *name) {
  if (strcmp(name, "cgroup.kill") == 0)
    return fake_new_node(dir, FAKE_KILL);
  return fake_new_node(dir, FAKE_SETTING);
}

static int open_to_read (int dir, const char *name) {
  char text[1024];
  if (strcmp(name, "cgroup.events") == 0)
    return fake_new_node(dir, FAKE_EVENTS);
  if (strcmp(name, "cgroup.subtree_control") == 0)
    return fake_new_text("\n");
  if (strcmp(name, "cgroup.controllers") == 0)
    return fake_new_text("cpu memory pids\n");
  assert_string_equal(name, "cgroup.procs");
  fake_node_list(dir, text, sizeof text);
  return fake_new_text(text);
}

int pexec__open_at (int dir_fd, const char *name, int flags) {
  int dir = fake_node_of(dir_fd, FAKE_DIRECTORY), inside = dir;
  int error = fake_failure(CALL_open_at);
  if (error < 0)
    return error;
  if (!dirs[dir].is_there)
    return -ENOENT;
  if ((flags & O_DIRECTORY) == 0)
    return (flags & O_ACCMODE) == O_WRONLY ? open_to_write(dir, name)
                                           : open_to_read(dir, name);
  if (strcmp(name, ".") != 0)
    inside = find_in(dir, name, strlen(name));
  return inside < 0 ? -ENOENT : fake_new_node(inside, FAKE_DIRECTORY);
}

ssize_t fake_events_read (int dir, void *data, size_t size) {
  char text[64];
  int length;
  if (!dirs[dir].is_there)
    return -ENODEV;
  length = snprintf(text, sizeof text, "populated %d\nfrozen 0\n",
                    is_populated(dir));
  if (size > (size_t)length)
    size = (size_t)length;
  memcpy(data, text, size);
  return (ssize_t)size;
}

void fake_cgroup_kill (int dir) {
  for (int i = 0; i < DIRS; i++)
    if (dirs[i].is_there && is_below(i, dir))
      fake_node_kill(i);
}

void fake_cgroup_make (const char *name) {
  dirs[make_in(0, name)].is_marked = true;
}

/* {== directories ======================================================== */

int pexec__make_directory_at (int dir_fd, const char *name) {
  int above = fake_node_of(dir_fd, FAKE_DIRECTORY);
  int error = fake_failure(CALL_make_directory_at);
  if (error < 0)
    return error;
  if (!dirs[above].is_there)
    return -ENOENT;
  if (find_in(above, name, strlen(name)) >= 0)
    return -EEXIST;
  (void)make_in(above, name);
  return 0;
}

int pexec__remove_directory_at (int dir_fd, const char *name) {
  int dir = dir_fd == AT_FDCWD ? find(name)
          : find_in(fake_node_of(dir_fd, FAKE_DIRECTORY), name, strlen(name));
  int error = fake_failure(CALL_remove_directory_at);
  if (error < 0)
    return error;
  if (dir < 0)
    return -ENOENT;
  if (!is_removable(dir))
    return -EBUSY;
  dirs[dir].is_there = false;
  return 0;
}

int pexec__each_directory (int dir_fd, void (*see) (void *, const char *),
                           void *argument) {
  int above = fake_node_of(dir_fd, FAKE_DIRECTORY);
  int error = fake_failure(CALL_each_directory);
  for (int i = 1; error >= 0 && i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == above)
      see(argument, dirs[i].name);
  return error;
}

void pexec__mark (int dir_fd) {
  int dir = fake_node_of(dir_fd, FAKE_DIRECTORY);
  dirs[dir].is_marked = fake_failure(CALL_mark) >= 0;
}

bool pexec__is_marked (int dir_fd) {
  int dir = fake_node_of(dir_fd, FAKE_DIRECTORY);
  return fake_failure(CALL_is_marked) >= 0 && dirs[dir].is_marked;
}

int pexec__lock (int fd) {
  int dir = fake_node_of(fd, FAKE_ANY_NODE);
  int error = fake_failure(CALL_lock);
  if (error < 0)
    return error;
  if (dirs[dir].is_locked)
    return -EAGAIN;
  fake_node_note_lock(fd);
  dirs[dir].is_locked = true;
  return 0;
}

void fake_cgroup_unlock (int dir) {
  dirs[dir].is_locked = false;
}
