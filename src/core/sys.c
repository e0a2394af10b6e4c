/* The real side of the seam: thin, no policy, no state. Any thread. */

#include "sys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "child.h"
#include "clone3.h"
#include "plan.h"

/* Newer than the headers of Debian 12. */
#define SIGNAL_PROCESS_GROUP (1U << 2)           /* Linux 6.9 */
#define INFO_EXIT (1ULL << 3)                    /* Linux 6.15 */
struct exit_info {                               /* struct pidfd_info */
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
  uint32_t coredump_mask, spare;
};
/* musl's ioctl takes an int; the kernel looks at 32 bits. */
#define GET_INFO ((int)_IOWR(0xFF, 11, struct exit_info))

#define NO_DESCRIPTOR 0x7FFFFFFF                 /* never open */
#define NO_REPLACE (1U << 0)                     /* RENAME_NOREPLACE */

static int checked (long result) {
  return result < 0 ? -errno : (int)result;
}

/* {== clock ============================================================= */

static int64_t nanoseconds (const struct timespec *time) {
  return (int64_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

int64_t pexec__now (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);  /* always there on Linux */
  return nanoseconds(&now);
}

int64_t pexec__wall_now (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(&now);
}

/* Where the kernel has no entropy yet, any clock will do: it is for jitter. */
double pexec__lot (void) {
  uint32_t bits;
  if (getrandom(&bits, sizeof bits, GRND_NONBLOCK) != sizeof bits)
    bits = (uint32_t)pexec__now() * UINT32_C(2654435769);
  return bits / 4294967296.0;
}

/* {== descriptors ======================================================= */

/* Moves it above 0, 1 and 2, which a host may have closed: the child puts
   others there. */
static int above_standard (int fd) {
  int moved;
  if (fd < 0 || fd > 2)
    return checked(fd);
  moved = checked(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  pexec__close(fd);
  return moved;
}

/* 'ours' alone does not block: the child, which has the other, may. */
static int make_pipe (int fds[2], int ours) {
  if (pipe2(fds, O_CLOEXEC) < 0)
    return -errno;
  fds[0] = above_standard(fds[0]);
  fds[1] = above_standard(fds[1]);
  if (fds[0] < 0 || fds[1] < 0)
    return fds[0] < 0 ? fds[0] : fds[1];
  return checked(fcntl(fds[ours], F_SETFL, O_NONBLOCK));
}

int pexec__pipe (int fds[2]) { return make_pipe(fds, 0); }

int pexec__input_pipe (int fds[2]) { return make_pipe(fds, 1); }

int pexec__eventfd (void) {
  return above_standard(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int pexec__open (const char *path, int flags, int mode) {
  return above_standard(open(path, flags | O_CLOEXEC | O_NOCTTY, mode));
}

ssize_t pexec__read (int fd, void *data, size_t size) {
  ssize_t got;
  do
    got = read(fd, data, size);
  while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  ssize_t put;
  do
    put = write(fd, data, size);
  while (put < 0 && errno == EINTR);
  return put < 0 ? -errno : put;
}

int pexec__readable_bytes (int fd) {
  int bytes = 0;
  return ioctl(fd, FIONREAD, &bytes) < 0 ? -errno : bytes;
}

int pexec__is_directory (int fd) {
  struct stat about;
  return fstat(fd, &about) < 0 ? -errno : S_ISDIR(about.st_mode);
}

int pexec__set_blocking (int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -errno
                   : checked(fcntl(fd, F_SETFL, flags & ~O_NONBLOCK));
}

int pexec__pipe_size (int fd) {
  return checked(fcntl(fd, F_GETPIPE_SZ));
}

int pexec__set_pipe_size (int fd, int size) {
  return checked(fcntl(fd, F_SETPIPE_SZ, size));
}

void pexec__close (int fd) {
  (void)close(fd);  /* the descriptor is gone, whatever it answers */
}

unsigned pexec__fill_standard (void) {
  unsigned filled = 0;
  int fd;
  while ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) >= 0 && fd <= 2)
    filled |= 1U << fd;
  if (fd >= 0)
    pexec__close(fd);
  return filled;
}

void pexec__free_standard (unsigned filled) {
  for (int fd = 0; fd <= 2; fd++)
    if ((filled >> fd) & 1U)
      pexec__close(fd);
}

int pexec__poll_readable (int fd, int timeout_ms) {
  struct pollfd poll_fd = { fd, POLLIN, 0 };
  return checked(poll(&poll_fd, 1, timeout_ms));
}

int pexec__poll_writable (int fd, int timeout_ms) {
  struct pollfd poll_fd = { fd, POLLOUT, 0 };
  return checked(poll(&poll_fd, 1, timeout_ms));
}

/* {== files ============================================================= */

static enum pexec__file_kind kind_of (mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return PEXEC__REGULAR;
    case S_IFIFO: return PEXEC__FIFO;
    case S_IFCHR: return PEXEC__CHARACTER_DEVICE;
    case S_IFDIR: return PEXEC__DIRECTORY;
    case S_IFLNK: return PEXEC__LINK;
    default: return PEXEC__OTHER_KIND;
  }
}

static void read_stat (const struct stat *from,
                       struct pexec__file_status *status) {
  status->kind = kind_of(from->st_mode);
  status->device = from->st_dev;
  status->inode = from->st_ino;
  status->links = (unsigned)from->st_nlink;
  status->mode = from->st_mode & 07777;
  status->size = from->st_size;
  status->written_at_ns = nanoseconds(&from->st_mtim);
}

int pexec__file_of (int fd, struct pexec__file_status *status) {
  struct stat found;
  if (fstat(fd, &found) < 0)
    return -errno;
  read_stat(&found, status);
  return 0;
}

int pexec__file_at (const char *path, bool follows,
                    struct pexec__file_status *status) {
  struct stat found;
  if (fstatat(AT_FDCWD, path, &found,
              follows ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
    return -errno;
  read_stat(&found, status);
  return 0;
}

int pexec__set_mode (int fd, unsigned mode) {
  return checked(fchmod(fd, (mode_t)mode));
}

ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset) {
  ssize_t got;
  do
    got = pread(fd, data, size, (off_t)offset);
  while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : got;
}

int pexec__rename (const char *from, const char *to) {
  return checked(rename(from, to));
}

/* By number: not each musl has a function for it. */
int pexec__rename_new (const char *from, const char *to) {
  struct stat found;
  int error = checked(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
                              NO_REPLACE));
  if (error != -EINVAL && error != -ENOSYS && error != -EPERM)
    return error;
  /* not a matter of this file system or filter: as near as it gets */
  return lstat(to, &found) == 0 ? -EEXIST : pexec__rename(from, to);
}

int pexec__unlink (const char *path) {
  return checked(unlink(path));
}

/* A lease for readers is refused for as long as a writer has it open. It is
   given back at once: nobody is held up who opens the file meanwhile. Whom
   that would wake goes unheard: it would be SIGIO, which ends the host. */
int pexec__is_written_to (int fd) {
  const struct f_owner_ex self = { F_OWNER_TID, gettid() };
  if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETOWN_EX, &self) < 0)
    return 0;
  if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
    return errno == EAGAIN;
  (void)fcntl(fd, F_SETLEASE, F_UNLCK);  /* it was ours */
  return 0;
}

/* {== directories ======================================================= */

int pexec__open_at (int dir_fd, const char *name, int flags) {
  return above_standard(openat(dir_fd, name, flags | O_CLOEXEC));
}

int pexec__make_directory_at (int dir_fd, const char *name) {
  return checked(mkdirat(dir_fd, name, 0755));
}

int pexec__remove_directory_at (int dir_fd, const char *name) {
  return checked(unlinkat(dir_fd, name, AT_REMOVEDIR));
}

static bool is_inside (const struct dirent *entry) {
  return entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
         strcmp(entry->d_name, "..") != 0;
}

/* Of a descriptor of its own: the place in a directory is the file's. */
int pexec__each_directory (int dir_fd, void (*see) (void *, const char *),
                           void *argument) {
  int fd = pexec__open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY);
  DIR *directory = fd < 0 ? NULL : fdopendir(fd);
  const struct dirent *entry;
  int error = fd < 0 ? fd : -errno;
  if (directory == NULL) {
    if (fd >= 0)
      pexec__close(fd);
    return error;
  }
  /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this call's own */
  while ((entry = readdir(directory)) != NULL)
    if (is_inside(entry))
      see(argument, entry->d_name);
  (void)closedir(directory);
  return 0;
}

#define MARK "user.pexec"

void pexec__mark (int dir_fd) {
  (void)fsetxattr(dir_fd, MARK, "1", 1, 0);  /* cgroups: since Linux 5.7 */
}

bool pexec__is_marked (int dir_fd) {
  return fgetxattr(dir_fd, MARK, NULL, 0) >= 0;
}

int pexec__lock (int fd) {
  return checked(flock(fd, LOCK_EX | LOCK_NB));
}

/* {== processes ========================================================= */

/* A kernel that knows a call, and no filter that refuses it, look at the
   descriptor last. */
bool pexec__kernel_is_basic (void) {
  /* NOLINTNEXTLINE(concurrency-mt-unsafe): on the host's own thread */
  const char *value = getenv("PEXEC_BASIC_KERNEL");
  if (value != NULL && strcmp(value, "1") == 0)
    return true;
  return pexec__signal_group(NO_DESCRIPTOR, 0) != -EBADF;
}

#define LACK(call, since) \
  "pexec cannot do without " call " (" since "): the kernel is older, or a " \
  "seccomp filter, such as a container's, refuses it"

/* Since 2.34 the C library makes threads with clone3, and does without it
   where that is not there, but not where it is not permitted. */
#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ >= 234
static bool are_threads_refused (void) {
  return syscall(SYS_clone3, NULL, 0) < 0 && errno == EPERM;
}
#else
static bool are_threads_refused (void) { return false; }
#endif

const char *pexec__kernel_lacks (void) {
  struct pexec__status status;
  if (are_threads_refused())
    return "the C library makes no threads: a seccomp filter, such as an old "
           "container runtime's, answers EPERM to clone3, where ENOSYS or "
           "nothing is expected";
  if (pexec__wait(NO_DESCRIPTOR, false, &status) != -EBADF)
    return LACK("the system call waitid with P_PIDFD", "Linux 5.4");
  return NULL;
}

int pexec__cores (void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : (int)count;
}

int pexec__self (void) {
  return (int)getpid();
}

/* From what waitid tells. */
static void read_siginfo (const siginfo_t *info,
                          struct pexec__status *status) {
  bool exited = (info->si_code == CLD_EXITED);
  status->is_known = true;
  status->code = exited ? info->si_status : -1;
  status->signo = exited ? 0 : info->si_status;
  status->core_dumped = (info->si_code == CLD_DUMPED);
}

static int64_t time_of (const struct timeval *time) {
  return (int64_t)time->tv_sec * 1000000000 + (int64_t)time->tv_usec * 1000;
}

static void read_usage (const struct rusage *usage,
                        struct pexec__status *status) {
  status->has_usage = true;
  status->user_ns = time_of(&usage->ru_utime);
  status->system_ns = time_of(&usage->ru_stime);
  status->max_rss = (int64_t)usage->ru_maxrss * 1024;
}

int64_t pexec__own_max_rss (void) {
  struct rusage usage;
  (void)getrusage(RUSAGE_SELF, &usage);  /* fails on bad arguments alone */
  return (int64_t)usage.ru_maxrss * 1024;
}

/* The C library's waitid hides the kernel's last argument, what the child has
   used. */
int pexec__wait (int pidfd, bool reap, struct pexec__status *status) {
  struct rusage usage;
  siginfo_t info;
  int flags = WEXITED | WNOHANG | (reap ? 0 : WNOWAIT);
  memset(&info, 0, sizeof info);
  if (syscall(SYS_waitid, P_PIDFD, pidfd, &info, flags, &usage) < 0)
    return -errno;
  if (info.si_pid == 0)
    return 0;
  read_siginfo(&info, status);
  read_usage(&usage, status);
  return 1;
}

#define REAPING_LOOKS 20  /* at one that is being reaped, a millisecond apart */

/* -ENODATA where that is not told. */
static int ask_exit (int pidfd, struct exit_info *info) {
  *info = (struct exit_info){ .mask = INFO_EXIT };
  if (ioctl(pidfd, GET_INFO, info) < 0)
    return -errno;
  return (info->mask & INFO_EXIT) != 0 ? 0 : -ENODATA;
}

/* Between waitid's last answer to anybody and the kernel's note of the exit
   there is a moment, in which whoever reaps it may have to wait for a turn. */
int pexec__exit_info (int pidfd, struct pexec__status *status) {
  const struct timespec moment = { 0, 1000000 };
  struct exit_info info;
  int error = ask_exit(pidfd, &info);
  for (int i = 0; i < REAPING_LOOKS && error == -ENODATA; i++) {
    (void)nanosleep(&moment, NULL);
    error = ask_exit(pidfd, &info);
  }
  if (error < 0)
    return error;
  status->is_known = true;
  status->code = WIFEXITED(info.exit_code) ? WEXITSTATUS(info.exit_code) : -1;
  status->signo = WIFSIGNALED(info.exit_code) ? WTERMSIG(info.exit_code) : 0;
  status->core_dumped = status->signo != 0 && WCOREDUMP(info.exit_code);
  return 0;
}

/* The number of a process; -1: it was reaped; 0: it cannot be known. Of NSpid
   the last is that of the process's own namespace, which is ours. */
static int number_of (int pidfd) {
  char path[48], text[1024];
  const char *found;
  ssize_t size;
  int fd;
  (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  if ((fd = pexec__open(path, O_RDONLY, 0)) < 0)
    return 0;
  size = pexec__read(fd, text, sizeof text - 1);
  pexec__close(fd);
  text[size > 0 ? size : 0] = '\0';
  if ((found = strstr(text, "\nNSpid:")) == NULL)
    return 0;
  text[strcspn(found + 1, "\n") + (size_t)(found + 1 - text)] = '\0';
  found = strrchr(found, '\t');
  return found != NULL ? (int)strtol(found, NULL, 10) : 0;
}

/* A kernel that does not know the call, and a filter that refuses it. A host
   that reaps its children may give the number away in between. */
static int signal_by_number (int pidfd, int signo, int error) {
  int pid = number_of(pidfd);
  if (pid < 0)
    return -ESRCH;
  return pid > 0 ? checked(kill(pid, signo)) : error;
}

int pexec__signal (int pidfd, int signo) {
  int error = checked(syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0));
  return error == -ENOSYS || error == -EPERM
       ? signal_by_number(pidfd, signo, error) : error;
}

int pexec__signal_group (int pidfd, int signo) {
  return checked(syscall(SYS_pidfd_send_signal, pidfd, signo, NULL,
                         SIGNAL_PROCESS_GROUP));
}

int pexec__kill_group (int pgid, int signo) {
  return checked(kill(-pgid, signo));
}

int pexec__process_open (int pid) {
  return above_standard((int)syscall(SYS_pidfd_open, pid, 0));
}

int pexec__group_of (int pid) {
  return checked(getpgid(pid));
}

/* No signal may be taken between clone and the child's reset of all
   handlers; the C library's functions would leave two of its own open. */
static void set_mask (uint64_t mask, uint64_t *old) {
  (void)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, old, sizeof mask);
}

/* The thread sanitizer's own clone takes the child for a fork, and from then
   on ignores what this thread does: it is passed by. */
#if defined(__SANITIZE_THREAD__)
int __clone (int (*body) (void *), void *stack, int flags, void *argument,
             ...);
#define clone __clone
#endif

#define CLONE_FLAGS (CLONE_VM | CLONE_VFORK | CLONE_PIDFD)
#define INTO_CGROUP UINT64_C(0x200000000)        /* Linux 5.7 */

static int make_child (struct pexec__plan *plan) {
  return checked(clone(pexec__child_main, plan->stack_end,
                       CLONE_FLAGS | SIGCHLD, plan, &plan->pidfd));
}

static int make_child_in_cgroup (struct pexec__plan *plan) {
  struct pexec__clone_args how = {
    .flags = CLONE_FLAGS | INTO_CGROUP, .exit_signal = SIGCHLD,
    .pidfd = (uintptr_t)&plan->pidfd, .cgroup = (uint64_t)plan->cgroup_fd,
    .stack = (uintptr_t)plan->stack_end - PEXEC__CHILD_STACK,
    .stack_size = PEXEC__CHILD_STACK,
  };
  return pexec__clone3(&how, pexec__child_main, plan);
}

/* No such call, or it is forbidden: the child goes there by itself. Where that
   is what is not allowed, it will say so. */
static bool is_refused (int error) {
  return error < 0 && error != -EAGAIN && error != -ENOMEM;
}

/* In a cgroup in which others were killed by cgroup.kill, Linux 6.14 (and older
   ones with that change) kills what is born there as well: it takes the number
   of such orders in its maker's cgroup for the one here. It dies before its
   first instruction; by itself it can go there. */
static bool is_stillborn (const struct pexec__plan *plan) {
  return plan->pid > 0 && !plan->has_begun;
}

/* Its pidfd stays open: another thread may be about to use it. */
static void bury_stillborn (struct pexec__plan *plan) {
  struct pexec__status status;
  while (pexec__wait(plan->pidfd, true, &status) == 0)
    (void)pexec__poll_readable(plan->pidfd, -1);
  plan->stillborn_fd = plan->pidfd;
}

static void bear_in_cgroup (struct pexec__plan *plan) {
  plan->pid = make_child_in_cgroup(plan);
  plan->enters_cgroup = is_stillborn(plan) || is_refused(plan->pid);
  if (is_stillborn(plan))
    bury_stillborn(plan);
}

int pexec__clone (struct pexec__plan *plan) {
  uint64_t mask;
  set_mask(~UINT64_C(0), &mask);
  plan->enters_cgroup = plan->has_begun = false;
  if (plan->cgroup_fd > 0)
    bear_in_cgroup(plan);
  if (plan->cgroup_fd <= 0 || plan->enters_cgroup)
    plan->pid = make_child(plan);
  if (plan->pid < 0)
    plan->pidfd = -1;  /* a late failure leaves a number there */
  set_mask(mask, NULL);
  return plan->pid;
}
