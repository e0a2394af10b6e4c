/* See cgroup.h. */

#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sys.h"

#define MOST_DEPTH 32           /* of those below it that are looked at */
#define MOST_MEMBERS 65536      /* the same, in each: they may fork for ever */
#define MOST_ROUNDS 10          /* of killing them one by one, at a time */
#define BATCH 64                /* descriptors at a time */

/* {== is anybody in it? ================================================== */

int pexec__cgroup_populated (const struct pexec__cgroup *cgroup) {
  char text[256];
  ssize_t length = pexec__read_at(cgroup->events_fd, text, sizeof text - 1, 0);
  if (length == -ENODEV)  /* it was removed */
    return 0;
  if (length < 0)
    return (int)length;
  text[length] = '\0';
  return strstr(text, "populated 1") != NULL;
}

bool pexec__cgroup_is_gone (const struct pexec__cgroup *cgroup) {
  char byte;
  return pexec__read_at(cgroup->events_fd, &byte, 1, 0) == -ENODEV;
}

/* {== who is in it ======================================================= */

/* A cgroup.procs, read bit by bit: one number on each line. */
struct list {
  int fd;
  ssize_t length, at;
  size_t count;                 /* numbers that were read */
  char text[1024];
};

static int open_list (struct list *list, int dir_fd) {
  list->length = list->at = 0;
  list->count = 0;
  list->fd = pexec__open_at(dir_fd, "cgroup.procs", O_RDONLY);
  return list->fd;
}

static int next_byte (struct list *list) {
  if (list->at == list->length) {
    list->length = pexec__read(list->fd, list->text, sizeof list->text);
    list->at = 0;
  }
  return list->length <= 0 ? -1 : (unsigned char)list->text[list->at++];
}

/* 0 at the end. Those of an outer pid namespace are told as 0, too, and are
   passed by. */
static int next_pid (struct list *list) {
  int pid = 0, byte;
  if (list->count >= MOST_MEMBERS)
    return 0;
  while ((byte = next_byte(list)) >= 0) {
    if (byte >= '0' && byte <= '9')
      pid = pid * 10 + (byte - '0');
    else if (pid != 0)
      break;
  }
  list->count++;
  return pid;
}

/* What is done to each directory: it, and then those below it. */
struct walk {
  int dir_fd;
  int depth;
  void (*visit) (int dir_fd, void *argument);
  void *argument;
};

static void walk (const struct walk *here);

static void step_down (void *argument, const char *name) {
  const struct walk *above = argument;
  struct walk here = *above;
  here.dir_fd = pexec__open_at(above->dir_fd, name, O_RDONLY | O_DIRECTORY);
  here.depth++;
  if (here.dir_fd < 0)
    return;
  walk(&here);
  pexec__close(here.dir_fd);
}

static void walk (const struct walk *here) {
  struct walk copy = *here;
  here->visit(here->dir_fd, here->argument);
  if (here->depth < MOST_DEPTH)
    (void)pexec__each_directory(here->dir_fd, step_down, &copy);
}

struct viewer {
  void (*see) (void *argument, int pid);
  void *argument;
};

static void show_members (int dir_fd, void *argument) {
  const struct viewer *viewer = argument;
  struct list list;
  int pid;
  if (open_list(&list, dir_fd) < 0)
    return;
  while ((pid = next_pid(&list)) != 0)
    viewer->see(viewer->argument, pid);
  pexec__close(list.fd);
}

void pexec__cgroup_each_member (const struct pexec__cgroup *cgroup,
                                void (*see) (void *argument, int pid),
                                void *argument) {
  struct viewer viewer = { see, argument };
  const struct walk whole = { cgroup->fd, 0, show_members, &viewer };
  walk(&whole);
}

/* {== signals to them ==================================================== */

/* Between reading a number and opening it, it may have been given to somebody
   else; but who has it open, and is still in the list then, is meant. */
struct member {
  int pid, pidfd;
  bool is_listed;
};

struct round {
  int signo;
  int except;                   /* a process group; 0: none */
  size_t sent;
  size_t count;
  struct member members[BATCH];
};

static int compare (const void *a, const void *b) {
  const struct member *one = a, *other = b;
  return (one->pid > other->pid) - (one->pid < other->pid);
}

static void find_listed (struct round *round, int dir_fd) {
  struct member key = { 0 }, *found;
  struct list list;
  if (open_list(&list, dir_fd) < 0)
    return;
  qsort(round->members, round->count, sizeof key, compare);
  while ((key.pid = next_pid(&list)) != 0) {
    found = bsearch(&key, round->members, round->count, sizeof key, compare);
    if (found != NULL)
      found->is_listed = true;
  }
  pexec__close(list.fd);
}

static void send (struct round *round, const struct member *member) {
  if (!member->is_listed || (round->except != 0 &&
                             pexec__group_of(member->pid) == round->except))
    return;
  if (pexec__signal(member->pidfd, round->signo) >= 0)
    round->sent++;
}

static void finish_batch (struct round *round, int dir_fd) {
  if (round->count > 0)
    find_listed(round, dir_fd);
  for (size_t i = 0; i < round->count; i++) {
    send(round, &round->members[i]);
    pexec__close(round->members[i].pidfd);
  }
  round->count = 0;
}

/* False where there is no descriptor for it. */
static bool open_member (struct round *round, int pid) {
  int pidfd = pexec__process_open(pid);
  if (pidfd >= 0)
    round->members[round->count++] = (struct member){ pid, pidfd, false };
  return pidfd >= 0 || pidfd == -ESRCH;
}

/* What the batch has is used and given back; for the list there has to be one
   now. */
static void finish_early (struct round *round, int dir_fd) {
  struct member last = round->members[--round->count];
  pexec__close(last.pidfd);
  finish_batch(round, dir_fd);
  (void)open_member(round, last.pid);
}

static void add_member (struct round *round, int dir_fd, int pid) {
  if (round->count == BATCH)
    finish_batch(round, dir_fd);
  if (open_member(round, pid) || round->count == 0)
    return;
  finish_early(round, dir_fd);
  (void)open_member(round, pid);
}

static void signal_members (int dir_fd, void *argument) {
  struct round *round = argument;
  struct list list;
  int pid;
  if (open_list(&list, dir_fd) < 0)
    return;
  round->count = 0;
  while ((pid = next_pid(&list)) != 0)
    add_member(round, dir_fd, pid);
  finish_batch(round, dir_fd);
  pexec__close(list.fd);
}

static size_t signal_all (const struct pexec__cgroup *cgroup, int signo,
                          int except) {
  struct round round = { .signo = signo, .except = except };
  const struct walk whole = { cgroup->fd, 0, signal_members, &round };
  walk(&whole);
  return round.sent;
}

void pexec__cgroup_signal (const struct pexec__cgroup *cgroup, int signo,
                           int except) {
  (void)signal_all(cgroup, signo, except);
}

/* Those who are still on their way out are counted, too: it is not for ever,
   and who was forked meanwhile is found. */
static void kill_one_by_one (const struct pexec__cgroup *cgroup) {
  for (int i = 0; i < MOST_ROUNDS; i++)
    if (pexec__cgroup_populated(cgroup) == 0 ||
        signal_all(cgroup, SIGKILL, 0) == 0)
      return;
}

/* Where nobody is, no such order is given: see sys.c for what it does. */
void pexec__cgroup_kill (const struct pexec__cgroup *cgroup) {
  if (pexec__cgroup_populated(cgroup) == 0)
    return;
  if (cgroup->kill_fd < 0 || pexec__write(cgroup->kill_fd, "1", 1) < 0)
    kill_one_by_one(cgroup);
}

/* {== removing it ======================================================== */

static void empty (int dir_fd, int depth);

struct level {
  int dir_fd, depth;
};

static void remove_one (void *argument, const char *name) {
  const struct level *level = argument;
  int fd = pexec__open_at(level->dir_fd, name, O_RDONLY | O_DIRECTORY);
  if (fd >= 0) {
    empty(fd, level->depth + 1);
    pexec__close(fd);
  }
  (void)pexec__remove_directory_at(level->dir_fd, name);  /* seen above it */
}

/* Of what its processes have made there. */
static void empty (int dir_fd, int depth) {
  struct level level = { dir_fd, depth };
  if (depth < MOST_DEPTH)
    (void)pexec__each_directory(dir_fd, remove_one, &level);
}

/* Of the directory that so much of its path names. */
static int open_part (const struct pexec__cgroup *cgroup, size_t length) {
  char path[PATH_MAX];
  memcpy(path, cgroup->path, length);
  path[length] = '\0';
  return pexec__open(path, O_RDONLY | O_DIRECTORY, 0);
}

static size_t length_above (const struct pexec__cgroup *cgroup,
                            size_t length) {
  while (cgroup->path[--length] != '/')
    continue;
  return length;
}

static bool is_ours (const struct pexec__cgroup *cgroup, size_t length) {
  bool is_marked;
  int fd;
  if (length > cgroup->found)
    return true;
  if ((fd = open_part(cgroup, length)) < 0)
    return false;
  is_marked = pexec__is_marked(fd);
  pexec__close(fd);
  return is_marked;
}

/* By its path: that takes no descriptor, of which none may be left. */
static int remove_part (const struct pexec__cgroup *cgroup, size_t length) {
  char path[PATH_MAX];
  int error;
  memcpy(path, cgroup->path, length);
  path[length] = '\0';
  error = pexec__remove_directory_at(AT_FDCWD, path);
  return error == -ENOENT ? 0 : error;
}

/* One that has its name since it was removed is another's. */
static int remove_itself (const struct pexec__cgroup *cgroup, size_t length) {
  if (pexec__cgroup_is_gone(cgroup))
    return 0;
  if (pexec__cgroup_populated(cgroup) > 0)
    return -EBUSY;
  empty(cgroup->fd, 0);
  return remove_part(cgroup, length);
}

/* Those above it may be others', too: they are left as long as they are. */
int pexec__cgroup_remove (const struct pexec__cgroup *cgroup) {
  size_t length = strlen(cgroup->path);
  int error;
  if (!is_ours(cgroup, length))
    return 0;
  if ((error = remove_itself(cgroup, length)) < 0)
    return error;
  while ((length = length_above(cgroup, length)) > cgroup->floor &&
         is_ours(cgroup, length) && remove_part(cgroup, length) >= 0)
    continue;
  return 0;
}

/* {== holding it ========================================================= */

struct pexec__cgroup *pexec__cgroup_hold (struct pexec__cgroup *cgroup) {
  if (cgroup != NULL)
    (void)atomic_fetch_add(&cgroup->holders, 1);
  return cgroup;
}

static void close_if_open (int fd) {
  if (fd >= 0)
    pexec__close(fd);
}

void pexec__cgroup_drop (struct pexec__cgroup *cgroup) {
  if (cgroup == NULL || atomic_fetch_sub(&cgroup->holders, 1) != 1)
    return;
  if (cgroup->fd >= 0)
    (void)pexec__cgroup_remove(cgroup);  /* who cares has tried before */
  close_if_open(cgroup->fd);
  close_if_open(cgroup->events_fd);
  close_if_open(cgroup->kill_fd);
  pexec__free(cgroup);
}
