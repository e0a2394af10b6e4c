/*
** Specifies what cgroups are made, found, signalled and removed by, on a
** hierarchy that is this file's: a tree of directories with members, in which
** each call can be made to fail. One thread.
**
** seam: own cgroup.c cgroup_open.c hierarchy.c
*/

#include "memory_seam.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "cgroup.h"

#define POINT "/cg"
#define DIRS 64
#define FDS 256
#define MOST_PIDS 20000

enum { NO_FILE, EVENTS, KILL, PROCS, CONTROLS, CONTROLLERS, SETTING, PIDFD,
       TEXT };

static struct dir {
  bool is_there, is_marked, is_locked;
  int above;
  char name[32];
  char controls[64];
  char said[160];             /* "file=text " each */
} dirs[DIRS];                 /* the first one is the root */
static int dirs_made;

static struct { int pid, dir; } pids[MOST_PIDS];
static int pid_count;

static struct fd {
  bool is_open, locks;
  int file, dir, pid;
  const char *name;
  char *text;
  size_t length, at;
} fds[FDS];

static struct {
  const char *mounts, *own, *controllers;
  int left;                   /* calls until one fails; 0: none does */
  bool has_failed;
  const char *denied;         /* writing to this file */
  int denial;
  bool has_no_kill, has_no_marks;
  int fd_limit, most_fds;     /* may be open; were */
  int moves;                  /* this one leaves as soon as it is opened */
  int vanishes;               /* opening so many more directories, all that is
                                 empty is removed by somebody; 0: not */
  int signo, signals;
  int last_signalled;
  bool dies_of_signal;
} fake;

/* {== the world ========================================================== */

static bool fails (void) {
  if (fake.left == 0 || --fake.left > 0)
    return false;
  return fake.has_failed = true;
}

static int make_dir (int above, const char *name) {
  struct dir *made = &dirs[dirs_made];
  assert_in_range(dirs_made, 0, DIRS - 1);
  *made = (struct dir){ .is_there = true, .above = above };
  strcpy(made->name, name);
  return dirs_made++;
}

static int find_in (int above, const char *name, size_t length) {
  for (int i = 1; i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == above &&
        strlen(dirs[i].name) == length &&
        memcmp(dirs[i].name, name, length) == 0)
      return i;
  return -1;
}

/* Below the root; -1: it is not there. */
static int dir_at (const char *path) {
  int dir = 0;
  while (dir >= 0 && *path != '\0') {
    size_t length = strcspn(path, "/");
    dir = find_in(dir, path, length);
    path += length + (path[length] == '/');
  }
  return dir;
}

static int dir_count (void) {
  int count = 0;
  for (int i = 0; i < DIRS; i++)
    count += dirs[i].is_there;
  return count;
}

static bool is_below (int dir, int above) {
  while (dir != above && dir > 0)
    dir = dirs[dir].above;
  return dir == above;
}

static bool is_populated (int dir) {
  for (int i = 0; i < pid_count; i++)
    if (is_below(pids[i].dir, dir))
      return true;
  return false;
}

static bool is_empty (int dir) {
  for (int i = 1; i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == dir)
      return false;
  return !is_populated(dir);
}

static void add_pid (int pid, const char *path) {
  assert_true(pid_count < MOST_PIDS);
  pids[pid_count].pid = pid;
  pids[pid_count++].dir = dir_at(path);
}

static void end_pid (int pid) {
  for (int i = 0; i < pid_count; i++)
    if (pids[i].pid == pid)
      pids[i--] = pids[--pid_count];
}

static void end_below (int dir) {
  for (int i = 0; i < pid_count; i++)
    if (is_below(pids[i].dir, dir))
      pids[i--] = pids[--pid_count];
}

/* {== descriptors ======================================================== */

static int open_count (void) {
  int count = 0;
  for (int i = 3; i < FDS; i++)
    count += fds[i].is_open;
  return count;
}

static int new_fd (int file, int dir) {
  int fd = 3;
  if (fake.fd_limit > 0 && open_count() >= fake.fd_limit)
    return -EMFILE;
  while (fds[fd].is_open)
    assert_in_range(++fd, 3, FDS - 1);
  fds[fd] = (struct fd){ .is_open = true, .file = file, .dir = dir };
  if (open_count() > fake.most_fds)
    fake.most_fds = open_count();
  return fd;
}

static struct fd *fd_of (int fd) {
  assert_in_range(fd, 3, FDS - 1);
  assert_true(fds[fd].is_open);
  return &fds[fd];
}

static int new_text (int file, int dir, const char *text) {
  int fd = new_fd(file, dir);
  if (fd >= 0) {
    fds[fd].length = strlen(text);
    assert_non_null(fds[fd].text = malloc(fds[fd].length + 1));
    strcpy(fds[fd].text, text);
  }
  return fd;
}

static int new_list (int dir) {
  char *text = malloc((size_t)pid_count * 12 + 1), *end = text;
  int fd;
  assert_non_null(text);
  *text = '\0';
  for (int i = 0; i < pid_count; i++)
    if (pids[i].dir == dir)
      end += sprintf(end, "%d\n", pids[i].pid);
  fd = new_text(PROCS, dir, text);
  free(text);
  return fd;
}

void pexec__close (int fd) {
  struct fd *closed = fd_of(fd);
  if (closed->locks)
    dirs[closed->dir].is_locked = false;
  free(closed->text);
  *closed = (struct fd){ .is_open = false };
}

static void let_vanish (void) {
  if (fake.vanishes == 0 || --fake.vanishes > 0)
    return;
  for (int i = DIRS - 1; i > 0; i--)
    if (dirs[i].is_there && dirs[i].is_marked && is_empty(i))
      dirs[i].is_there = false;
}

int pexec__open (const char *path, int flags, int mode) {
  int dir;
  (void)flags;
  (void)mode;
  if (fails())
    return -EIO;
  if (strcmp(path, "/proc/self/mountinfo") == 0)
    return new_text(TEXT, -1, fake.mounts);
  if (strcmp(path, "/proc/self/cgroup") == 0)
    return new_text(TEXT, -1, fake.own);
  assert_memory_equal(path, POINT, strlen(POINT));
  path += strlen(POINT);
  dir = dir_at(path + (*path == '/'));
  return dir < 0 ? -ENOENT : new_fd(NO_FILE, dir);
}

static const struct { const char *name; int file; } files[] = {
  { "cgroup.events", EVENTS }, { "cgroup.kill", KILL },
  { "cgroup.procs", PROCS }, { "cgroup.subtree_control", CONTROLS },
  { "cgroup.controllers", CONTROLLERS }, { "memory.max", SETTING },
  { "pids.max", SETTING }, { "cpu.weight", SETTING },
};

static bool is_switched_on (int dir, const char *name) {
  size_t length = strcspn(name, ".");
  const char *found = strstr(dirs[dirs[dir].above].controls, name);
  (void)length;
  for (found = dirs[dirs[dir].above].controls; *found != '\0'; found++)
    if (memcmp(found, name, length) == 0)
      return true;
  return false;
}

static int open_file (int dir, const char *name, int flags) {
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    int fd;
    if (strcmp(files[i].name, name) != 0)
      continue;
    if ((flags & O_ACCMODE) == O_WRONLY && fake.denied != NULL &&
        strcmp(name, fake.denied) == 0)
      return fake.denial;
    if ((files[i].file == KILL && fake.has_no_kill) ||
        (files[i].file == SETTING && !is_switched_on(dir, name)))
      return -ENOENT;
    fd = (flags & O_ACCMODE) == O_WRONLY ? new_fd(files[i].file, dir)
       : files[i].file == PROCS ? new_list(dir)
       : files[i].file == CONTROLS
         ? new_text(CONTROLS, dir, dirs[dir].controls)
       : files[i].file == CONTROLLERS
         ? new_text(CONTROLLERS, dir, fake.controllers)
       : new_fd(files[i].file, dir);
    if (fd >= 0)
      fds[fd].name = files[i].name;
    return fd;
  }
  return -ENOENT;
}

int pexec__open_at (int dir_fd, const char *name, int flags) {
  int dir = fd_of(dir_fd)->dir, inside;
  if (fails())
    return -EIO;
  if (!dirs[dir].is_there)
    return -ENOENT;
  if ((flags & O_DIRECTORY) == 0)
    return open_file(dir, name, flags);
  let_vanish();
  inside = strcmp(name, ".") == 0 ? dir : find_in(dir, name, strlen(name));
  return inside < 0 ? -ENOENT : new_fd(NO_FILE, inside);
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  struct fd *file = fd_of(fd);
  size_t there = file->length - file->at;
  if (fails())
    return -EIO;
  if (size > there)
    size = there;
  memcpy(data, file->text + file->at, size);
  file->at += size;
  return (ssize_t)size;
}

ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset) {
  char text[64];
  int length;
  assert_int_equal(offset, 0);
  if (fd < 0)
    return -EBADF;
  assert_int_equal(fd_of(fd)->file, EVENTS);
  if (fails())
    return -EIO;
  if (!dirs[fd_of(fd)->dir].is_there)
    return -ENODEV;
  length = sprintf(text, "populated %d\nfrozen 0\n",
                   is_populated(fd_of(fd)->dir));
  if (size > (size_t)length)
    size = (size_t)length;
  memcpy(data, text, size);
  return (ssize_t)size;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  struct fd *file = fd_of(fd);
  struct dir *dir = &dirs[file->dir];
  char text[32];
  assert_true(size < sizeof text);
  memcpy(text, data, size);
  text[size] = '\0';
  if (fails())
    return -EIO;
  if (file->file == KILL)
    end_below(file->dir);
  else if (file->file == CONTROLS)
    strcat(strcat(dir->controls, text + 1), " ");
  else if (file->file == SETTING)
    sprintf(dir->said + strlen(dir->said), "%s=%s ", file->name, text);
  else
    fail_msg("written to: %d", file->file);
  return (ssize_t)size;
}

/* {== directories ======================================================== */

int pexec__make_directory_at (int dir_fd, const char *name) {
  int above = fd_of(dir_fd)->dir;
  if (fails())
    return -EIO;
  if (!dirs[above].is_there)
    return -ENODEV;
  if (find_in(above, name, strlen(name)) >= 0)
    return -EEXIST;
  (void)make_dir(above, name);
  return 0;
}

int pexec__remove_directory_at (int dir_fd, const char *name) {
  int dir = dir_fd == AT_FDCWD ? dir_at(name + strlen(POINT "/"))
                               : find_in(fd_of(dir_fd)->dir, name,
                                         strlen(name));
  if (fails())
    return -EIO;
  if (dir < 0)
    return -ENOENT;
  if (!is_empty(dir))
    return -EBUSY;
  dirs[dir].is_there = false;
  return 0;
}

int pexec__each_directory (int dir_fd, void (*see) (void *, const char *),
                           void *argument) {
  int above;
  if (dir_fd < 0)
    return -EBADF;
  above = fd_of(dir_fd)->dir;
  if (fails())
    return -EIO;
  for (int i = 1; i < DIRS; i++)
    if (dirs[i].is_there && dirs[i].above == above)
      see(argument, dirs[i].name);
  return 0;
}

void pexec__mark (int dir_fd) {
  dirs[fd_of(dir_fd)->dir].is_marked = !fails() && !fake.has_no_marks;
}

bool pexec__is_marked (int dir_fd) {
  return !fails() && dirs[fd_of(dir_fd)->dir].is_marked;
}

int pexec__lock (int fd) {
  struct fd *file = fd_of(fd);
  if (fails())
    return -ENOLCK;
  if (dirs[file->dir].is_locked)
    return -EAGAIN;
  file->locks = dirs[file->dir].is_locked = true;
  return 0;
}

/* {== processes ========================================================== */

void *pexec__realloc (void *block, size_t size) {
  if (block == NULL)
    return pexec__malloc(size);
  return fails() ? NULL : realloc(block, size);
}

int pexec__process_open (int pid) {
  int fd = fails() ? -EIO : new_fd(PIDFD, -1);
  if (fd >= 0)
    fds[fd].pid = pid;
  if (pid == fake.moves)
    end_pid(pid);
  return fd;
}

int pexec__signal (int pidfd, int signo) {
  assert_int_equal(fd_of(pidfd)->file, PIDFD);
  if (fails())
    return -EPERM;
  fake.signo = signo;
  fake.signals++;
  fake.last_signalled = fd_of(pidfd)->pid;
  if (signo == SIGKILL || fake.dies_of_signal)
    end_pid(fd_of(pidfd)->pid);
  return 0;
}

int pexec__group_of (int pid) {
  return pid / 100;
}

int pexec__living_at (int pid, struct pexec__living *one) {
  one->pid = pid;
  one->pgid = pid / 100;
  strcpy(one->name, "member");
  return 0;
}

/* {== each spec ========================================================== */

#define MOUNTS \
  "22 1 8:1 / / rw - ext4 /dev/sda rw\n" \
  "24 1 0:5 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n" \
  "41 31 0:38 / " POINT " rw,relatime shared:5 - cgroup2 cgroup2 rw\n"

static pexec_cgroup wanted;
static struct pexec__cgroup *cgroup;
static struct pexec__cgroup_flaw flaw;

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  memset(dirs, 0, sizeof dirs);
  pid_count = dirs_made = 0;
  (void)make_dir(-1, "");
  fake.mounts = MOUNTS;
  fake.own = "4:memory:/elsewhere\n0::/\n";
  fake.controllers = "cpuset cpu io memory pids\n";
  wanted = (pexec_cgroup)PEXEC_CGROUP_INIT;
  wanted.path = "a/b";
  cgroup = NULL;
  good_blocks = -1;
  return 0;
}

static int end (void **state) {
  (void)state;
  fake.left = 0;
  pexec__cgroup_drop(cgroup);
  cgroup = NULL;
  pexec__cgroup_flaw_free(&flaw);
  assert_int_equal(open_count(), 0);
  assert_int_equal(atomic_load(&blocks), 0);
  return 0;
}

static void take (void) {
  assert_int_equal(pexec__cgroup_take(&cgroup, &wanted, &flaw), 0);
}

static void expect_flaw (int error, enum pexec__cgroup_flaw_kind kind,
                         const char *place) {
  int before = dir_count();
  assert_int_equal(pexec__cgroup_take(&cgroup, &wanted, &flaw), error);
  assert_null(cgroup);
  assert_int_equal(flaw.kind, kind);
  if (place == NULL)
    assert_null(flaw.place);
  else
    assert_string_equal(flaw.place, place);
  assert_int_equal(dir_count(), before);
}

/* {== where it is ======================================================== */

static void expect_place (const char *path, const char *place, size_t floor) {
  char *directory;
  size_t found;
  assert_int_equal(pexec__hierarchy_find(path, &directory, &found), 0);
  assert_string_equal(directory, place);
  assert_int_equal(found, floor);
  pexec__free(directory);
}

static void expect_no_place (const char *path, int error) {
  char *directory;
  size_t floor;
  assert_int_equal(pexec__hierarchy_find(path, &directory, &floor), error);
}

static void a_path_is_below_the_hosts_or_from_the_root (void **state) {
  (void)state;
  expect_place("a/b", "/cg/a/b", 3);
  expect_place("/a/b", "/cg/a/b", 3);
  fake.own = "0::/host.slice/me\n";
  expect_place("a/b", "/cg/host.slice/me/a/b", 17);
  expect_place("/a/b", "/cg/a/b", 3);
}

static void a_mount_may_show_a_part_alone (void **state) {
  (void)state;
  fake.own = "0::/pod/c1\n";
  fake.mounts = "41 31 0:38 /pod/c1 /cg rw - cgroup2 cgroup2 rw\n";
  expect_place("a", "/cg/a", 3);
  expect_place("/pod/c1/a", "/cg/a", 3);
  expect_no_place("/pod/c12/a", -ENOENT);
  expect_no_place("/a", -ENOENT);
  fake.mounts = "41 31 0:38 /pod/c1/a /cg rw - cgroup2 cgroup2 rw\n";
  expect_place("a/b", "/cg/b", 3);
  expect_no_place("a", -ENOENT);
}

static void the_first_mount_that_shows_it_is_taken (void **state) {
  (void)state;
  fake.mounts = "40 1 0:38 /x /elsewhere rw - cgroup2 cgroup2 rw\n" MOUNTS;
  expect_place("/a", "/cg/a", 3);
  expect_place("/x/a", "/elsewhere/a", 10);
}

static void its_name_may_have_blanks (void **state) {
  (void)state;
  fake.mounts = "41 1 0:38 / /a\\040b\\134 rw - cgroup2 cgroup2 rw";
  expect_place("x", "/a b\\/x", 5);
}

static void without_one_there_is_no_place (void **state) {
  (void)state;
  fake.mounts = "24 1 0:5 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n";
  expect_no_place("a", -ENODEV);
  expect_flaw(-ENODEV, PEXEC__CGROUP_NO_HIERARCHY, NULL);
  fake.mounts = "";
  expect_no_place("/a", -ENODEV);
  fake.mounts = MOUNTS;
  fake.own = "4:memory:/\n";
  expect_no_place("a", -ENODEV);
  fake.mounts = "1 2 3 - cgroup2 x rw\ngarbage\n - cgroup2 \n";
  expect_no_place("/a", -ENODEV);
}

/* {== making it ========================================================== */

static void it_is_made_and_removed_with_those_above (void **state) {
  (void)state;
  take();
  assert_int_equal(dir_count(), 3);
  assert_string_equal(cgroup->path, "/cg/a/b");
  assert_int_equal(pexec__cgroup_populated(cgroup), 0);
  assert_int_equal(open_count(), 3);
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_equal(dir_count(), 1);
  assert_true(pexec__cgroup_is_gone(cgroup));
}

static void what_was_there_before_stays (void **state) {
  (void)state;
  (void)make_dir(0, "a");
  take();
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_equal(dir_at("a/b"), -1);
  assert_int_not_equal(dir_at("a"), -1);
  (void)make_dir(dir_at("a"), "b");
  pexec__cgroup_drop(cgroup);
  cgroup = NULL;
  take();
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_not_equal(dir_at("a/b"), -1);
}

/* Whoever is the last one removes what all have shared. */
static void those_above_go_with_the_last_one (void **state) {
  struct pexec__cgroup *other = NULL;
  (void)state;
  take();
  wanted.path = "a/c";
  assert_int_equal(pexec__cgroup_take(&other, &wanted, &flaw), 0);
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_not_equal(dir_at("a"), -1);
  pexec__cgroup_drop(other);
  assert_int_equal(dir_count(), 1);
}

static void without_marks_only_ones_own_are_removed (void **state) {
  (void)state;
  fake.has_no_marks = true;
  take();
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_equal(dir_count(), 1);
}

static void what_its_processes_have_made_goes_first (void **state) {
  (void)state;
  take();
  (void)make_dir(make_dir(dir_at("a/b"), "x"), "y");
  (void)make_dir(dir_at("a/b"), "z");
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_equal(dir_count(), 1);
}

static void while_somebody_is_in_it_it_stays (void **state) {
  (void)state;
  take();
  (void)make_dir(dir_at("a/b"), "x");
  (void)make_dir(dir_at("a/b"), "y");
  add_pid(7, "a/b/x");
  assert_int_equal(pexec__cgroup_remove(cgroup), -EBUSY);
  assert_int_equal(dir_count(), 5);
  end_pid(7);
}

static void somebody_may_remove_what_was_found_just_now (void **state) {
  (void)state;
  dirs[make_dir(0, "a")].is_marked = true;
  fake.vanishes = 1;
  take();
  assert_int_not_equal(dir_at("a/b"), -1);
}

/* {== settings =========================================================== */

static void ask_for_all (void) {
  wanted.memory_max = 1 << 20;
  wanted.pids_max = PEXEC_CGROUP_MAX;
  wanted.cpu_weight = 50;
}

static void it_is_set_as_it_is_wanted (void **state) {
  (void)state;
  ask_for_all();
  take();
  assert_string_equal(dirs[dir_at("a/b")].said,
                      "memory.max=1048576 pids.max=max cpu.weight=50 ");
  assert_string_equal(dirs[0].controls, "memory pids cpu ");
  assert_string_equal(dirs[dir_at("a")].controls, "memory pids cpu ");
  assert_string_equal(dirs[dir_at("a/b")].controls, "");
}

static void nothing_is_said_that_nobody_asked_for (void **state) {
  (void)state;
  wanted.memory_max = 0;
  take();
  assert_string_equal(dirs[dir_at("a/b")].said, "memory.max=0 ");
  assert_string_equal(dirs[0].controls, "memory ");
}

static void what_is_on_already_is_left_as_it_is (void **state) {
  (void)state;
  strcpy(dirs[0].controls, "memory ");
  fake.denied = "cgroup.subtree_control";
  fake.denial = -EACCES;
  wanted.path = "a";
  wanted.memory_max = 5;
  take();
}

static void a_controller_that_is_not_there_is_told (void **state) {
  (void)state;
  ask_for_all();
  fake.controllers = "cpuset memory pidsx\n";
  expect_flaw(-EOPNOTSUPP, PEXEC__CGROUP_NO_CONTROLLER,
              "/cg/cgroup.controllers");
  assert_string_equal(flaw.controller, "pids");
  assert_string_equal(flaw.detail, "cpuset memory pidsx");
}

static void one_that_cannot_be_switched_on_is_told (void **state) {
  (void)state;
  wanted.cpu_weight = 1;
  fake.denied = "cgroup.subtree_control";
  fake.denial = -EBUSY;
  expect_flaw(-EBUSY, PEXEC__CGROUP_NOT_ENABLED,
              "/cg/cgroup.subtree_control");
  assert_string_equal(flaw.controller, "cpu");
}

static void a_file_that_is_not_its_hosts_is_told (void **state) {
  (void)state;
  ask_for_all();
  fake.denied = "memory.max";
  fake.denial = -EACCES;
  expect_flaw(-EACCES, PEXEC__CGROUP_SYSTEM, "/cg/a/b/memory.max");
}

static void its_door_is_opened_for_writing (void **state) {
  int fd;
  (void)state;
  take();
  assert_true((fd = pexec__cgroup_open_door(cgroup, &flaw)) >= 0);
  pexec__close(fd);
  fake.denied = "cgroup.procs";
  fake.denial = -EACCES;
  assert_int_equal(pexec__cgroup_open_door(cgroup, &flaw), -EACCES);
  assert_string_equal(flaw.place, "/cg/a/b/cgroup.procs");
}

/* {== others ============================================================= */

static void one_that_is_populated_is_refused (void **state) {
  (void)state;
  (void)make_dir(make_dir(0, "a"), "b");
  (void)make_dir(dir_at("a/b"), "x");
  add_pid(31, "a/b");
  add_pid(32, "a/b/x");
  wanted.memory_max = 1;
  expect_flaw(-EBUSY, PEXEC__CGROUP_POPULATED, "/cg/a/b");
  assert_string_equal(flaw.detail, "31 (member), 32 (member)");
  assert_string_equal(dirs[dir_at("a/b")].said, "");
  assert_int_equal(pid_count, 2);
}

static void of_many_as_many_are_told_as_there_is_room_for (void **state) {
  (void)state;
  (void)make_dir(make_dir(0, "a"), "b");
  for (int i = 0; i < 1000; i++)
    add_pid(1000000 + i, "a/b");
  expect_flaw(-EBUSY, PEXEC__CGROUP_POPULATED, "/cg/a/b");
  assert_true(flaw.is_full);
  assert_in_range(strlen(flaw.detail), 200, sizeof flaw.detail - 1);
  assert_int_equal(flaw.detail[strlen(flaw.detail) - 1], ')');
}

static void one_that_another_has_is_refused (void **state) {
  struct pexec__cgroup *other;
  (void)state;
  take();
  other = cgroup;
  cgroup = NULL;
  wanted.memory_max = 1;
  expect_flaw(-EBUSY, PEXEC__CGROUP_HELD, "/cg/a/b");
  assert_string_equal(dirs[dir_at("a/b")].said, "");
  add_pid(9, "a/b");
  expect_flaw(-EBUSY, PEXEC__CGROUP_POPULATED, "/cg/a/b");
  end_pid(9);
  pexec__cgroup_drop(other);
  take();
}

static void what_is_left_of_the_last_child_is_killed (void **state) {
  struct pexec__cgroup *first;
  (void)state;
  take();
  first = cgroup;
  add_pid(9, "a/b");
  wanted.pids_max = 3;
  strcpy(dirs[dir_at("a")].controls, "pids ");
  take();
  assert_ptr_equal(cgroup, first);
  assert_int_equal(pid_count, 0);
  assert_string_equal(dirs[dir_at("a/b")].said, "pids.max=3 ");
}

static void one_that_was_removed_meanwhile_is_made_anew (void **state) {
  (void)state;
  take();
  dirs[dir_at("a/b")].is_there = false;
  take();
  assert_int_not_equal(dir_at("a/b"), -1);
  assert_false(pexec__cgroup_is_gone(cgroup));
}

static void another_path_takes_the_place_of_the_first (void **state) {
  (void)state;
  take();
  wanted.path = "/c";
  take();
  assert_string_equal(cgroup->path, "/cg/c");
  assert_int_equal(dir_count(), 2);
}

/* {== signals ============================================================ */

static void all_but_the_group_are_signalled_below_it_too (void **state) {
  (void)state;
  take();
  (void)make_dir(dir_at("a/b"), "x");
  add_pid(101, "a/b");  /* its group is 1 */
  add_pid(202, "a/b");
  add_pid(303, "a/b/x");
  pexec__cgroup_signal(cgroup, SIGTERM, 1);
  assert_int_equal(fake.signals, 2);
  assert_int_equal(fake.signo, SIGTERM);
  end_below(0);
}

/* FAULTS 35 */
static void a_number_that_has_left_is_a_strangers (void **state) {
  (void)state;
  take();
  add_pid(202, "a/b");
  add_pid(303, "a/b");
  fake.moves = 202;
  pexec__cgroup_signal(cgroup, SIGTERM, 0);
  assert_int_equal(fake.signals, 1);
  assert_int_equal(fake.last_signalled, 303);
  end_below(0);
}

static void ten_thousand_take_no_memory_and_few_descriptors (void **state) {
  int before;
  (void)state;
  take();
  before = atomic_load(&blocks);
  for (int i = 0; i < 10000; i++)
    add_pid(1000 + i, "a/b");
  fake.most_fds = 0;
  pexec__cgroup_signal(cgroup, SIGTERM, 0);
  assert_int_equal(fake.signals, 10000);
  assert_in_range(fake.most_fds, 1, 80);
  assert_int_equal(atomic_load(&blocks), before);
  end_below(0);
}

static void few_descriptors_are_enough (void **state) {
  (void)state;
  take();
  for (int i = 0; i < 100; i++)
    add_pid(1000 + i, "a/b");
  fake.fd_limit = open_count() + 4;
  pexec__cgroup_signal(cgroup, SIGTERM, 0);
  assert_true(fake.signals > 90);
  fake.fd_limit = 0;
  end_below(0);
}

static void all_are_killed_at_once (void **state) {
  (void)state;
  take();
  (void)make_dir(dir_at("a/b"), "x");
  add_pid(1, "a/b");
  add_pid(2, "a/b/x");
  fake.fd_limit = open_count();  /* none is needed */
  pexec__cgroup_kill(cgroup);
  assert_int_equal(pid_count, 0);
  assert_int_equal(fake.signals, 0);
}

/* FAULTS 31 */
static void it_is_removed_where_no_descriptor_is_left (void **state) {
  (void)state;
  take();
  fake.fd_limit = open_count();
  assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  assert_int_equal(dir_count(), 1);
}

/* Also where it was delegated, but for that file. */
static void on_older_kernels_one_by_one (void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    (void)begin(state);
    fake.has_no_kill = (i == 0);
    fake.denied = i == 0 ? NULL : "cgroup.kill";
    fake.denial = -EACCES;
    take();
    (void)make_dir(dir_at("a/b"), "x");
    for (int pid = 1; pid < 200; pid++)
      add_pid(pid, pid % 2 == 0 ? "a/b" : "a/b/x");
    pexec__cgroup_kill(cgroup);
    assert_int_equal(pid_count, 0);
    assert_int_equal(fake.signo, SIGKILL);
    (void)end(state);
  }
}

/* {== failures =========================================================== */

/* The n-th call fails; whatever follows is undone. True: it was reached. */
static bool survive (int n, bool has_child) {
  int before, error;
  (void)begin(NULL);
  ask_for_all();
  if (has_child) {
    take();
    add_pid(9, "a/b");
  }
  before = dir_count();
  fake.left = n;
  error = pexec__cgroup_take(&cgroup, &wanted, &flaw);
  fake.left = 0;
  assert_true(error == 0 || fake.has_failed);
  if (error < 0 && !has_child)
    assert_int_equal(dir_count(), before);
  end_below(0);
  if (error >= 0)
    assert_int_equal(pexec__cgroup_remove(cgroup), 0);
  (void)end(NULL);
  assert_int_equal(dir_count(), 1);
  return fake.has_failed;
}

static void each_call_may_fail (void **state) {
  int n = 1;
  (void)state;
  while (survive(n, false))
    n++;
  assert_in_range(n, 30, 1000);
  for (n = 1; survive(n, true); n++)
    continue;
  (void)begin(NULL);
}

static bool survive_memory (int good) {
  int error;
  (void)begin(NULL);
  ask_for_all();
  good_blocks = good;
  error = pexec__cgroup_take(&cgroup, &wanted, &flaw);
  good_blocks = -1;
  assert_true(error == 0 || error == -ENOMEM);
  if (error < 0)
    assert_int_equal(dir_count(), 1);
  (void)end(NULL);
  return error < 0;
}

static void so_may_memory (void **state) {
  int good = 0;
  (void)state;
  while (survive_memory(good))
    good++;
  assert_in_range(good, 3, 20);
  (void)begin(NULL);
}

static void a_signal_may_fail_anywhere (void **state) {
  int n = 1;
  (void)state;
  do {
    (void)begin(NULL);
    take();
    (void)make_dir(dir_at("a/b"), "x");
    add_pid(1, "a/b");
    add_pid(2, "a/b/x");
    fake.left = n++;
    pexec__cgroup_signal(cgroup, SIGTERM, 0);
    pexec__cgroup_kill(cgroup);
    fake.left = 0;
    end_below(0);
    (void)end(NULL);
  } while (fake.has_failed);
  (void)begin(NULL);
}

/* Who cannot know it does not say that nobody is there. */
static void what_cannot_be_read_is_not_empty (void **state) {
  (void)state;
  take();
  fake.left = 1;
  assert_int_equal(pexec__cgroup_populated(cgroup), -EIO);
  dirs[dir_at("a/b")].is_there = false;
  assert_int_equal(pexec__cgroup_populated(cgroup), 0);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(a_path_is_below_the_hosts_or_from_the_root),
    SPEC(a_mount_may_show_a_part_alone),
    SPEC(the_first_mount_that_shows_it_is_taken),
    SPEC(its_name_may_have_blanks),
    SPEC(without_one_there_is_no_place),
    SPEC(it_is_made_and_removed_with_those_above),
    SPEC(what_was_there_before_stays),
    SPEC(those_above_go_with_the_last_one),
    SPEC(without_marks_only_ones_own_are_removed),
    SPEC(what_its_processes_have_made_goes_first),
    SPEC(while_somebody_is_in_it_it_stays),
    SPEC(somebody_may_remove_what_was_found_just_now),
    SPEC(it_is_set_as_it_is_wanted),
    SPEC(nothing_is_said_that_nobody_asked_for),
    SPEC(what_is_on_already_is_left_as_it_is),
    SPEC(a_controller_that_is_not_there_is_told),
    SPEC(one_that_cannot_be_switched_on_is_told),
    SPEC(a_file_that_is_not_its_hosts_is_told),
    SPEC(its_door_is_opened_for_writing),
    SPEC(one_that_is_populated_is_refused),
    SPEC(of_many_as_many_are_told_as_there_is_room_for),
    SPEC(one_that_another_has_is_refused),
    SPEC(what_is_left_of_the_last_child_is_killed),
    SPEC(one_that_was_removed_meanwhile_is_made_anew),
    SPEC(another_path_takes_the_place_of_the_first),
    SPEC(all_but_the_group_are_signalled_below_it_too),
    SPEC(a_number_that_has_left_is_a_strangers),
    SPEC(ten_thousand_take_no_memory_and_few_descriptors),
    SPEC(few_descriptors_are_enough),
    SPEC(all_are_killed_at_once),
    SPEC(it_is_removed_where_no_descriptor_is_left),
    SPEC(on_older_kernels_one_by_one),
    SPEC(each_call_may_fail),
    SPEC(so_may_memory),
    SPEC(a_signal_may_fail_anywhere),
    SPEC(what_cannot_be_read_is_not_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
