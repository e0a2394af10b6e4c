/*
** What the system's part of a start with everything set is: the calls that
** such a child needs, and nothing else, by one thread in C.
**
**   bare_rights N PROGRAM FILE [DIRECTORY]
**       N starts with nothing set and N with everything, one after the other,
**       each killed and waited for before the next one. ns from the first
**       call to the child's exec, N times two lines. FILE is an
**       environment file; DIRECTORY is made for each child with everything, to
**       be a cgroup, and removed.
*/

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { LAST_CAPABILITY = 40, KEPT = CAP_NET_BIND_SERVICE };

struct wanted {
  const char *file, *directory;  /* the latter NULL: no cgroup */
  char environment[4096];
  uid_t uid;
  gid_t gid, more;
  int cgroup_fd, kill_fd, events_fd;
};

static _Noreturn void die (const char *what) {
  fprintf(stderr, "bare_rights: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns (void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/* {== before the child ==== */

static void find_user (struct wanted *wanted) {
  struct passwd *user = getpwnam("nobody");
  struct group *group;
  if (user == NULL)
    die("nobody");
  wanted->uid = user->pw_uid;
  if ((group = getgrnam("nogroup")) == NULL)
    die("nogroup");
  wanted->gid = group->gr_gid;
  if ((group = getgrnam("daemon")) == NULL)
    die("daemon");
  wanted->more = group->gr_gid;
}

static void read_file (struct wanted *wanted) {
  int fd = open(wanted->file, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, wanted->environment, 4095) < 0)
    die(wanted->file);
  close(fd);
}

static void make_cgroup (struct wanted *wanted) {
  if (mkdir(wanted->directory, 0755) < 0)
    die(wanted->directory);
  wanted->cgroup_fd = open(wanted->directory,
                           O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  (void)fsetxattr(wanted->cgroup_fd, "user.pexec", "1", 1, 0);
  wanted->events_fd = openat(wanted->cgroup_fd, "cgroup.events",
                             O_RDONLY | O_CLOEXEC);
  wanted->kill_fd = openat(wanted->cgroup_fd, "cgroup.kill",
                           O_WRONLY | O_CLOEXEC);
  if (flock(wanted->kill_fd, LOCK_EX | LOCK_NB) < 0)
    die("cgroup.kill");
}

static void remove_cgroup (struct wanted *wanted) {
  close(wanted->cgroup_fd);
  close(wanted->events_fd);
  close(wanted->kill_fd);
  while (rmdir(wanted->directory) < 0) {
    if (errno != EBUSY)
      die(wanted->directory);
  }
}

/* {== in the child ==== */

static bool set_place (void) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  return sched_setaffinity(0, sizeof cpus, &cpus) == 0 &&
         setpriority(PRIO_PROCESS, 0, 5) == 0 &&
         syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7) == 0;
}

static bool set_oom_score (void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  bool is_set = fd >= 0 && write(fd, "100", 3) == 3;
  close(fd);
  return is_set;
}

static bool set_limits (void) {
  static const struct { int which; rlim_t value; } limits[] = {
    { RLIMIT_NOFILE, 1024 }, { RLIMIT_CORE, 0 }, { RLIMIT_NPROC, 4096 },
    { RLIMIT_AS, (rlim_t)1 << 34 },
  };
  for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
    struct rlimit limit = { limits[i].value, limits[i].value };
    if (setrlimit((__rlimit_resource_t)limits[i].which, &limit) < 0)
      return false;
  }
  return true;
}

static bool drop_bounding_set (void) {
  for (int i = 0; i <= LAST_CAPABILITY; i++)
    if (i != KEPT && prctl(PR_CAPBSET_DROP, i) < 0)
      return false;
  return true;
}

static bool set_capabilities (void) {
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[2] = {
    { 1U << KEPT, 1U << KEPT, 1U << KEPT }, { 0, 0, 0 },
  };
  return syscall(SYS_capset, &header, data) == 0 &&
         prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, KEPT, 0, 0) == 0;
}

static bool change_user (const struct wanted *wanted) {
  return syscall(SYS_setgroups, 1, &wanted->more) == 0 &&
         drop_bounding_set() && prctl(PR_SET_KEEPCAPS, 1) == 0 &&
         syscall(SYS_setresgid, wanted->gid, wanted->gid, wanted->gid) == 0 &&
         syscall(SYS_setresuid, wanted->uid, wanted->uid, wanted->uid) == 0 &&
         set_capabilities() &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static _Noreturn void be_child (const struct wanted *wanted, char *program) {
  char *argv[] = { program, NULL };
  char *environment[] = { "A=1", "B=2", "C=3", NULL };
  umask(027);
  if (wanted == NULL ||
      (set_place() && set_oom_score() && set_limits() && change_user(wanted)))
    execve(program, argv, environment);
  _exit(127);
}

/* {== the starts ==== */

static pid_t make_child (const struct wanted *wanted, char *program) {
  bool has_cgroup = wanted != NULL && wanted->directory != NULL;
  struct clone_args how = {
    .flags = CLONE_VFORK | (has_cgroup ? CLONE_INTO_CGROUP : 0),
    .exit_signal = SIGCHLD,
    .cgroup = has_cgroup ? (uint64_t)wanted->cgroup_fd : 0,
  };
  pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof how);
  if (pid < 0)
    die("clone3");
  if (pid == 0)
    be_child(wanted, program);
  return pid;
}

static void end_child (pid_t pid) {
  int status;
  kill(pid, SIGKILL);
  if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status))
    die("the child failed");
}

static int64_t start_nothing (char *program) {
  int64_t begun_ns = now_ns(), started_ns;
  pid_t pid = make_child(NULL, program);
  started_ns = now_ns();
  end_child(pid);
  return started_ns - begun_ns;
}

static int64_t start_everything (struct wanted *wanted, char *program) {
  int64_t begun_ns = now_ns(), started_ns;
  pid_t pid;
  find_user(wanted);
  read_file(wanted);
  if (wanted->directory != NULL)
    make_cgroup(wanted);
  pid = make_child(wanted, program);
  started_ns = now_ns();
  end_child(pid);
  if (wanted->directory != NULL)
    remove_cgroup(wanted);
  return started_ns - begun_ns;
}

int main (int argc, char **argv) {
  struct wanted wanted = { .file = argc > 3 ? argv[3] : NULL,
                           .directory = argc > 4 ? argv[4] : NULL };
  if (argc < 4 || argc > 5) {
    fputs("usage: bare_rights N PROGRAM FILE [DIRECTORY]\n", stderr);
    return 64;
  }
  for (long i = 0; i < strtol(argv[1], NULL, 10); i++) {
    int64_t nothing = start_nothing(argv[2]);
    int64_t everything = start_everything(&wanted, argv[2]);
    printf("%lld\n%lld\n", (long long)nothing, (long long)everything);
  }
  return 0;
}
