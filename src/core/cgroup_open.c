/*
** A cgroup is made as it is wanted, with the directories above it, and opened.
** The spawner's thread, or an opener's.
*/

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "sys.h"

#define MOST_TRIES 8            /* others may remove what was found just now */

#define CONTROLS "cgroup.subtree_control"
#define CONTROLLERS "cgroup.controllers"

/* {== what is wrong ====================================================== */

void pexec__cgroup_flaw_free (struct pexec__cgroup_flaw *flaw) {
  pexec__free(flaw->place);
  *flaw = (struct pexec__cgroup_flaw){ .place = NULL };
}

/* The place is a file in the directory that so much of a path names; ""
   the directory itself. Returns 'error'. */
static int note (struct pexec__cgroup_flaw *flaw, const char *path,
                 size_t length, const char *file, int error) {
  bool has_file = (file[0] != '\0');
  size_t size = length + strlen(file) + 2;
  flaw->place = pexec__malloc(size);
  if (flaw->place != NULL)
    (void)snprintf(flaw->place, size, "%.*s%s%s", (int)length, path,
                   has_file ? "/" : "", file);
  return error;
}

/* {== the way down ======================================================= */

/* 'fd' is the directory that so much of the path names. */
struct descent {
  const pexec_cgroup *wanted;
  struct pexec__cgroup *cgroup;
  struct pexec__cgroup_flaw *flaw;
  size_t length;
  int fd;
};

static int fail (const struct descent *descent, const char *file, int error) {
  return note(descent->flaw, descent->cgroup->path, descent->length, file,
              error);
}

/* A small file, as a text. */
static int read_text (int dir_fd, const char *name, char *text, size_t size) {
  int fd = pexec__open_at(dir_fd, name, O_RDONLY);
  ssize_t length;
  if (fd < 0)
    return fd;
  length = pexec__read(fd, text, size - 1);
  pexec__close(fd);
  if (length < 0)
    return (int)length;
  text[length] = '\0';
  text[strcspn(text, "\n")] = '\0';
  return 0;
}

static int write_text (int dir_fd, const char *name, const char *text) {
  int fd = pexec__open_at(dir_fd, name, O_WRONLY);
  ssize_t result;
  if (fd < 0)
    return fd;
  result = pexec__write(fd, text, strlen(text));
  pexec__close(fd);
  return result < 0 ? (int)result : 0;
}

/* {== controllers ======================================================== */

/* Of words between blanks. */
static bool has_word (const char *words, const char *word) {
  size_t length = strlen(word);
  for (; *words != '\0'; words += strspn(words, " ")) {
    size_t next = strcspn(words, " ");
    if (next == length && memcmp(words, word, length) == 0)
      return true;
    words += next;
  }
  return false;
}

static int tell_missing (const struct descent *descent, const char *controller,
                         const char *there) {
  struct pexec__cgroup_flaw *flaw = descent->flaw;
  flaw->kind = PEXEC__CGROUP_NO_CONTROLLER;
  flaw->controller = controller;
  (void)snprintf(flaw->detail, sizeof flaw->detail, "%s", there);
  return fail(descent, CONTROLLERS, -EOPNOTSUPP);
}

static int switch_on (const struct descent *descent, const char *controller) {
  char order[16];
  int error;
  (void)snprintf(order, sizeof order, "+%s", controller);
  if ((error = write_text(descent->fd, CONTROLS, order)) >= 0)
    return 0;
  descent->flaw->kind = PEXEC__CGROUP_NOT_ENABLED;
  descent->flaw->controller = controller;
  return fail(descent, CONTROLS, error);
}

/* For the directories in it. */
static int enable (const struct descent *descent, const char *controller) {
  char words[256];
  int error = read_text(descent->fd, CONTROLS, words, sizeof words);
  if (error < 0)
    return fail(descent, CONTROLS, error);
  if (has_word(words, controller))
    return 0;
  error = read_text(descent->fd, CONTROLLERS, words, sizeof words);
  if (error < 0)
    return fail(descent, CONTROLLERS, error);
  return has_word(words, controller)
       ? switch_on(descent, controller)
       : tell_missing(descent, controller, words);
}

static int enable_all (const struct descent *descent) {
  const pexec_cgroup *wanted = descent->wanted;
  int error = 0;
  if (wanted->memory_max != PEXEC_CGROUP_UNSET)
    error = enable(descent, "memory");
  if (error >= 0 && wanted->pids_max != PEXEC_CGROUP_UNSET)
    error = enable(descent, "pids");
  if (error >= 0 && wanted->cpu_weight != 0)
    error = enable(descent, "cpu");
  return error;
}

/* {== directories ======================================================== */

static int open_base (struct descent *descent) {
  char path[PATH_MAX];
  memcpy(path, descent->cgroup->path, descent->length);
  path[descent->length] = '\0';
  descent->fd = pexec__open(path, O_RDONLY | O_DIRECTORY, 0);
  return descent->fd < 0 ? fail(descent, "", descent->fd) : 0;
}

/* The name that follows in the path. */
static int next_name (const struct descent *descent, char name[NAME_MAX + 1]) {
  const char *start = descent->cgroup->path + descent->length + 1;
  size_t length = strcspn(start, "/");
  if (length > NAME_MAX)
    return -ENAMETOOLONG;
  memcpy(name, start, length);
  name[length] = '\0';
  return 0;
}

static void note_made (struct descent *descent) {
  struct pexec__cgroup *cgroup = descent->cgroup;
  if (cgroup->found > descent->length)
    cgroup->found = descent->length;
}

/* Makes it, where it is not there, and goes into it. */
static int step (struct descent *descent, const char *name) {
  int made = pexec__make_directory_at(descent->fd, name), fd;
  if (made >= 0)
    note_made(descent);
  descent->length += 1 + strlen(name);
  if (made < 0 && made != -EEXIST)
    return fail(descent, "", made);
  fd = pexec__open_at(descent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd < 0)
    return fail(descent, "", fd);
  pexec__close(descent->fd);
  descent->fd = fd;
  if (made >= 0)
    pexec__mark(fd);
  return 0;
}

static int go_down (struct descent *descent) {
  const char *path = descent->cgroup->path;
  char name[NAME_MAX + 1];
  int error = open_base(descent);
  while (error >= 0 && path[descent->length] != '\0') {
    if ((error = enable_all(descent)) < 0)
      return error;
    if ((error = next_name(descent, name)) < 0)
      return fail(descent, "", error);
    error = step(descent, name);
  }
  return error;
}

/* {== what they are told ================================================= */

static int set_number (const struct descent *descent, const char *file,
                       int64_t number) {
  char text[24] = "max";
  int error;
  if (number != PEXEC_CGROUP_MAX)
    (void)snprintf(text, sizeof text, "%lld", (long long)number);
  error = write_text(descent->fd, file, text);
  return error < 0 ? fail(descent, file, error) : 0;
}

static int set_all (const struct descent *descent) {
  const pexec_cgroup *wanted = descent->wanted;
  int error = 0;
  if (wanted->memory_max != PEXEC_CGROUP_UNSET)
    error = set_number(descent, "memory.max", wanted->memory_max);
  if (error >= 0 && wanted->pids_max != PEXEC_CGROUP_UNSET)
    error = set_number(descent, "pids.max", wanted->pids_max);
  if (error >= 0 && wanted->cpu_weight != 0)
    error = set_number(descent, "cpu.weight", wanted->cpu_weight);
  return error;
}

/* {== who is in it ======================================================= */

/* As many as there is room for. */
static void name_member (void *argument, int pid) {
  struct pexec__cgroup_flaw *flaw = argument;
  size_t room = sizeof flaw->detail - flaw->detail_length;
  char *end = flaw->detail + flaw->detail_length;
  struct pexec__living one = { .name = "?" };
  int length;
  if (flaw->is_full)
    return;
  (void)pexec__living_at(pid, &one);
  length = snprintf(end, room, "%s%d (%s)",
                    flaw->detail_length > 0 ? ", " : "", pid, one.name);
  flaw->is_full = (length < 0 || (size_t)length >= room);
  if (flaw->is_full)
    *end = '\0';
  else
    flaw->detail_length += (size_t)length;
}

/* Strangers are never killed for it. */
static int refuse (const struct descent *descent) {
  descent->flaw->kind = PEXEC__CGROUP_POPULATED;
  pexec__cgroup_each_member(descent->cgroup, name_member, descent->flaw);
  return fail(descent, "", -EBUSY);
}

static int check_empty (const struct descent *descent) {
  int populated = pexec__cgroup_populated(descent->cgroup);
  if (populated > 0)
    return refuse(descent);
  if (populated == 0 && pexec__cgroup_is_gone(descent->cgroup))
    populated = -ENODEV;
  return populated < 0 ? fail(descent, "cgroup.events", populated) : 0;
}

/* {== its files ========================================================== */

/* Whoever may kill it may lock it: not everybody who can read it. */
static int lock (const struct descent *descent) {
  const struct pexec__cgroup *cgroup = descent->cgroup;
  int error = pexec__lock(cgroup->kill_fd >= 0 ? cgroup->kill_fd
                                               : cgroup->fd);
  if (error >= 0)
    return 0;
  if (error != -EAGAIN)
    return fail(descent, "", error);
  if (pexec__cgroup_populated(cgroup) > 0)
    return refuse(descent);
  descent->flaw->kind = PEXEC__CGROUP_HELD;
  return fail(descent, "", -EBUSY);
}

/* It is not there before Linux 5.14; and who was given a cgroup may have been
   given its other files alone. */
static bool can_do_without (int error) {
  return error == -ENOENT || error == -EACCES || error == -EPERM;
}

static int open_files (const struct descent *descent) {
  struct pexec__cgroup *cgroup = descent->cgroup;
  cgroup->events_fd = pexec__open_at(descent->fd, "cgroup.events", O_RDONLY);
  if (cgroup->events_fd < 0)
    return fail(descent, "cgroup.events", cgroup->events_fd);
  cgroup->kill_fd = pexec__open_at(descent->fd, "cgroup.kill", O_WRONLY);
  if (cgroup->kill_fd < 0 && !can_do_without(cgroup->kill_fd))
    return fail(descent, "cgroup.kill", cgroup->kill_fd);
  return lock(descent);
}

/* {== all of it ========================================================== */

/* Takes the directory. */
static struct pexec__cgroup *new_cgroup (char *directory, size_t floor,
                                         const char *wanted) {
  size_t length = strlen(directory);
  struct pexec__cgroup *made =
      pexec__malloc(sizeof *made + length + strlen(wanted) + 2);
  if (made != NULL) {
    atomic_init(&made->holders, 1);
    made->fd = made->events_fd = made->kill_fd = -1;
    made->floor = floor;
    made->found = length;
    made->wanted = strcpy(strcpy(made->path, directory) + length + 1, wanted);
  }
  pexec__free(directory);
  return made;
}

static int find (const pexec_cgroup *wanted, struct pexec__cgroup_flaw *flaw,
                 struct pexec__cgroup **cgroup) {
  char *directory;
  size_t floor;
  int error = pexec__hierarchy_find(wanted->path, &directory, &floor);
  if (error == -ENODEV)
    flaw->kind = PEXEC__CGROUP_NO_HIERARCHY;
  if (error == -ENOENT)
    flaw->kind = PEXEC__CGROUP_OUT_OF_SIGHT;
  if (error < 0)
    return error;
  *cgroup = new_cgroup(directory, floor, wanted->path);
  return *cgroup ? 0 : -ENOMEM;
}

/* Nothing is said to one that is another's. */
static int make (struct descent *descent) {
  int error = go_down(descent);
  descent->cgroup->fd = descent->fd;
  if (error >= 0)
    error = open_files(descent);
  if (error >= 0)
    error = check_empty(descent);
  return error < 0 ? error : set_all(descent);
}

static bool is_others (const struct pexec__cgroup_flaw *flaw) {
  return flaw->kind == PEXEC__CGROUP_HELD ||
         flaw->kind == PEXEC__CGROUP_POPULATED;
}

/* What was made is removed again; nothing of somebody else's. */
static void undo (struct descent *descent) {
  struct pexec__cgroup *cgroup = descent->cgroup;
  cgroup->path[descent->length] = '\0';
  if (is_others(descent->flaw)) {
    pexec__close(descent->fd);
    cgroup->fd = -1;
  }
  pexec__cgroup_drop(cgroup);
}

static int try_to_open (const pexec_cgroup *wanted,
                        struct pexec__cgroup_flaw *flaw,
                        struct pexec__cgroup **cgroup) {
  struct descent descent = { .wanted = wanted, .flaw = flaw, .fd = -1 };
  int error = find(wanted, flaw, &descent.cgroup);
  if (error < 0)
    return error;
  descent.length = descent.cgroup->floor;
  if ((error = make(&descent)) < 0)
    undo(&descent);
  else
    *cgroup = descent.cgroup;
  return error;
}

/* Who else removes what is empty may do so between two steps. */
static int open_anew (const pexec_cgroup *wanted,
                      struct pexec__cgroup_flaw *flaw,
                      struct pexec__cgroup **cgroup) {
  int error = 0;
  for (int i = 0; i < MOST_TRIES; i++) {
    pexec__cgroup_flaw_free(flaw);
    error = try_to_open(wanted, flaw, cgroup);
    if (flaw->kind != PEXEC__CGROUP_SYSTEM ||
        (error != -ENOENT && error != -ENODEV))
      break;
  }
  return error;
}

static bool is_same (const struct pexec__cgroup *cgroup,
                     const pexec_cgroup *wanted) {
  return strcmp(cgroup->wanted, wanted->path) == 0 &&
         !pexec__cgroup_is_gone(cgroup);
}

static int renew (struct pexec__cgroup *cgroup, const pexec_cgroup *wanted,
                  struct pexec__cgroup_flaw *flaw) {
  const struct descent descent = {
    .wanted = wanted, .cgroup = cgroup, .flaw = flaw,
    .length = strlen(cgroup->path), .fd = cgroup->fd,
  };
  if (pexec__cgroup_populated(cgroup) != 0)
    pexec__cgroup_kill(cgroup);
  return set_all(&descent);
}

int pexec__cgroup_take (struct pexec__cgroup **cgroup,
                        const pexec_cgroup *wanted,
                        struct pexec__cgroup_flaw *flaw) {
  if (*cgroup != NULL && is_same(*cgroup, wanted))
    return renew(*cgroup, wanted, flaw);
  pexec__cgroup_drop(*cgroup);
  *cgroup = NULL;
  return open_anew(wanted, flaw, cgroup);
}

int pexec__cgroup_open_door (const struct pexec__cgroup *cgroup,
                             struct pexec__cgroup_flaw *flaw) {
  int fd = pexec__open_at(cgroup->fd, "cgroup.procs", O_WRONLY);
  return fd < 0 ? note(flaw, cgroup->path, strlen(cgroup->path),
                       "cgroup.procs", fd)
                : fd;
}
