/*
** What runs in the child, from clone to exec. It shares the host's memory,
** with all threads of the host running but the one that made it; so it takes
** no lock, allocates nothing, writes to its own stack and to the plan's way
** out, and makes system calls directly where the C library's function would
** do more: its setuid and kin make the threads of the host follow.
*/

#include "child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plan.h"

#define LAST_SIGNAL 64

/* The C library has no names for them. */
#define IO_WHO_PROCESS 1
#define IO_CLASS_SHIFT 13

/* The kernel's struct sigaction, which is not the C library's. */
struct kernel_sigaction {
  uintptr_t handler;
  unsigned long flags;
  uintptr_t restorer;
  uint64_t mask;
};

static _Noreturn void fail (struct pexec__plan *plan,
                            enum pexec__spawn_step step) {
  plan->failed_errno = errno;
  plan->failed_step = step;
  for (;;)
    syscall(SYS_exit_group, 127);
}

static void check (struct pexec__plan *plan, long result,
                   enum pexec__spawn_step step) {
  if (result < 0)
    fail(plan, step);
}

/* Dispositions first: between unblocking and exec no handler of the host's
   may run here, in the host's memory. */
static void reset_signals (struct pexec__plan *plan) {
  struct kernel_sigaction by_default = { 0, 0, 0, 0 };
  uint64_t none = 0;
  for (int signo = 1; signo <= LAST_SIGNAL; signo++) {
    if (signo == SIGKILL || signo == SIGSTOP)
      continue;
    check(plan, syscall(SYS_rt_sigaction, signo, &by_default, NULL,
                        sizeof none), PEXEC__STEP_SIGNALS);
  }
  check(plan, syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL,
                      sizeof none), PEXEC__STEP_SIGNALS);
}

/* The umask is the child's own: clone has copied it. The first child of a
   process reads the host's, for those that come after. */
static void set_umask (struct pexec__plan *plan) {
  long mask = plan->umask;
  if (mask < 0)
    plan->found_umask = (int)(mask = syscall(SYS_umask, 0));
  (void)syscall(SYS_umask, mask);  /* cannot fail */
}

/* Before the user is changed, who may not be allowed to. */
static void set_nice (struct pexec__plan *plan) {
  int nice = plan->rights->nice;
  if (nice != PEXEC_UNSET)
    check(plan, syscall(SYS_setpriority, PRIO_PROCESS, 0, nice),
          PEXEC__STEP_NICE);
}

static long write_oom_score (const struct pexec__plan *plan) {
  long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
                    O_WRONLY | O_CLOEXEC);
  long result;
  int error;
  if (fd < 0)
    return fd;
  result = syscall(SYS_write, fd, plan->oom_score_adj,
                   plan->oom_score_length);
  error = errno;
  (void)syscall(SYS_close, fd);
  errno = error;
  return result;
}

/* The kernel gives the host's own another value only where somebody shares
   its memory for longer than until exec. Where nobody has asked for one, it
   is no reason to fail. */
static void set_oom_score (struct pexec__plan *plan) {
  long result = write_oom_score(plan);
  if (plan->rights->oom_score_adj != PEXEC_UNSET)
    check(plan, result, PEXEC__STEP_OOM_SCORE);
}

/* The kernel's numbers of the classes are ours. */
static void set_io_priority (struct pexec__plan *plan) {
  int class = plan->rights->io_class;
  int level = class == PEXEC_IO_IDLE ? 0 : plan->rights->io_level;
  if (class != PEXEC_IO_OF_HOST)
    check(plan, syscall(SYS_ioprio_set, IO_WHO_PROCESS, 0,
                        class << IO_CLASS_SHIFT | level),
          PEXEC__STEP_IO_PRIORITY);
}

#define WORD_BITS 64

static void fill_mask (const pexec_rights *rights, uint64_t *mask) {
  for (size_t i = 0; i < rights->cpu_count; i++)
    mask[rights->cpus[i] / WORD_BITS] |=
        UINT64_C(1) << (rights->cpus[i] % WORD_BITS);
}

/* The kernel leaves those out that are not there, without a word. */
static void find_missing_cpu (struct pexec__plan *plan, const uint64_t *mask) {
  const pexec_rights *rights = plan->rights;
  for (size_t i = 0; i < rights->cpu_count; i++)
    if ((mask[rights->cpus[i] / WORD_BITS] >>
         (rights->cpus[i] % WORD_BITS) & 1) == 0) {
      plan->failed_item = (int)i;
      errno = EINVAL;
      fail(plan, PEXEC__STEP_CPUS);
    }
}

static void set_cpus (struct pexec__plan *plan) {
  uint64_t mask[PEXEC_MOST_CPUS / WORD_BITS] = { 0 };
  uint64_t got[PEXEC_MOST_CPUS / WORD_BITS] = { 0 };
  if (plan->rights->cpu_count == 0)
    return;
  fill_mask(plan->rights, mask);
  check(plan, syscall(SYS_sched_setaffinity, 0, sizeof mask, mask),
        PEXEC__STEP_CPUS);
  check(plan, syscall(SYS_sched_getaffinity, 0, sizeof got, got),
        PEXEC__STEP_CPUS);
  find_missing_cpu(plan, got);
}

/* Behind whatever they could hinder, before its user is changed, who may not
   raise them. */
static void set_limits (struct pexec__plan *plan) {
  static const int resources[] = {
#define X(name, text) RLIMIT_##name,
    PEXEC_RESOURCES(X)
#undef X
  };
  const pexec_limit *limits = plan->rights->limits;
  for (size_t i = 0; i < plan->rights->limit_count; i++) {
    struct { uint64_t soft, hard; } limit = { limits[i].soft, limits[i].hard };
    plan->failed_item = (int)i;
    check(plan, syscall(SYS_prlimit64, 0, resources[limits[i].resource],
                        &limit, NULL), PEXEC__STEP_LIMIT);
  }
}

/* The host's own stays where it is; one that the host has marked
   close-on-exec is inherited all the same. */
static void inherit (struct pexec__plan *plan, int fd) {
  static const enum pexec__spawn_step steps[] =
      { PEXEC__STEP_STDIN, PEXEC__STEP_STDOUT, PEXEC__STEP_STDERR };
  check(plan, syscall(SYS_fcntl, fd, F_SETFD, 0), steps[fd]);
}

/* As many as a process may have, where nobody has raised fs.nr_open. */
#define MOST_DESCRIPTORS (UINT64_C(1) << 20)

/* EBADF: it is not open. */
static void leave_at_exec (uint64_t fd) {
  (void)syscall(SYS_fcntl, fd, F_SETFD, FD_CLOEXEC);
}

/* 0: it is no number. */
static uint64_t number_of (const char *name) {
  uint64_t number = 0;
  for (; *name >= '0' && *name <= '9'; name++)
    number = 10 * number + (uint64_t)(*name - '0');
  return number;
}

static void leave_listed (const char *list, long size) {
  for (long at = 0; at < size;) {
    const struct dirent64 *entry = (const void *)(list + at);
    uint64_t fd = number_of(entry->d_name);
    if (fd > 2)
      leave_at_exec(fd);
    at += entry->d_reclen;
  }
}

/* Those that /proc says are open. Negative where it says nothing. */
static long leave_open_ones (void) {
  _Alignas(struct dirent64) char list[4096];
  long size, fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/fd",
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return fd;
  while ((size = syscall(SYS_getdents64, fd, list, sizeof list)) > 0)
    leave_listed(list, size);
  (void)syscall(SYS_close, fd);
  return size;
}

/* One after the other, up to where the host can have opened any. */
static void leave_all_numbers (void) {
  struct { uint64_t soft, hard; } limit;
  uint64_t end = MOST_DESCRIPTORS;
  if (syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &limit) == 0 &&
      limit.hard < end)
    end = limit.hard;
  for (uint64_t fd = 3; fd < end; fd++)
    leave_at_exec(fd);
}

/* Linux before 5.11 has no such call, or not this flag, and a container may
   forbid it. The table of descriptors is the child's own. */
static void leave_descriptors (void) {
  if (syscall(SYS_close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC) < 0 &&
      leave_open_ones() < 0)
    leave_all_numbers();
}

/* What comes from above 2 overwrites nothing that is still to be used, nor
   does 1 become 2 before it is what it is to be. */
static void set_descriptors (struct pexec__plan *plan) {
  for (int fd = 0; fd < 3; fd++)
    if (plan->fds[fd] == fd)
      inherit(plan, fd);
    else
      check(plan, syscall(SYS_dup3, plan->fds[fd], fd, 0),
            PEXEC__STEP_DESCRIPTORS);
  leave_descriptors();
}

/* With a way back the program could take it: that counts as a failure. */
static void check_no_way_back (struct pexec__plan *plan) {
  if (!plan->identity.has_uid || plan->identity.uid == 0)
    return;
  if (syscall(SYS_setuid, 0) == 0) {
    errno = EPERM;
    fail(plan, PEXEC__STEP_IDENTITY);
  }
}

static void enter (struct pexec__plan *plan, const char *directory,
                   enum pexec__spawn_step step) {
  if (directory != NULL)
    check(plan, syscall(SYS_chdir, directory), step);
}

/* Those that no program of it may ever have again. The first number that the
   kernel does not know is the end. */
static void reduce_bounding_set (struct pexec__plan *plan) {
  uint64_t kept = plan->rights->capabilities;
  for (int i = 0; i < 64; i++) {
    long is_there = syscall(SYS_prctl, PR_CAPBSET_READ, i, 0, 0, 0);
    if (is_there < 0)
      break;
    if (is_there > 0 && (kept >> i & 1) == 0)
      check(plan, syscall(SYS_prctl, PR_CAPBSET_DROP, i, 0, 0, 0),
            PEXEC__STEP_CAPABILITIES);
  }
}

/* As long as its user is the host's it may; and a change of user is to leave
   what it is permitted until 'take_capabilities'. */
static void prepare_capabilities (struct pexec__plan *plan) {
  if (!plan->rights->sets_capabilities)
    return;
  reduce_bounding_set(plan);
  check(plan, syscall(SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0),
        PEXEC__STEP_CAPABILITIES);
}

/* Ambient ones are what exec leaves to a user who is not root. */
static void take_capabilities (struct pexec__plan *plan) {
  struct __user_cap_header_struct self = { _LINUX_CAPABILITY_VERSION_3, 0 };
  uint64_t set = plan->rights->capabilities;
  uint32_t low = (uint32_t)set, high = (uint32_t)(set >> 32);
  struct __user_cap_data_struct data[2] = { { low, low, low },
                                            { high, high, high } };
  if (!plan->rights->sets_capabilities)
    return;
  check(plan, syscall(SYS_capset, &self, data), PEXEC__STEP_CAPABILITIES);
  for (int i = 0; i < 64; i++)
    if ((set >> i & 1) != 0)
      check(plan, syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i,
                          0, 0), PEXEC__STEP_CAPABILITIES);
}

static void change_identity (struct pexec__plan *plan) {
  const struct pexec__identity *to = &plan->identity;
  if (!to->is_changed)
    return;
  if (to->has_groups)
    check(plan, syscall(SYS_setgroups, to->group_count, to->groups),
          PEXEC__STEP_IDENTITY);
  if (to->has_gid)
    check(plan, syscall(SYS_setresgid, to->gid, to->gid, to->gid),
          PEXEC__STEP_IDENTITY);
  if (to->has_uid)
    check(plan, syscall(SYS_setresuid, to->uid, to->uid, to->uid),
          PEXEC__STEP_IDENTITY);
  check_no_way_back(plan);
}

static void forbid_privileges (struct pexec__plan *plan) {
  if (plan->rights->no_new_privileges)
    check(plan, syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
          PEXEC__STEP_PRIVILEGES);
}

/* A change of identity clears the signal, so it comes after; and a parent
   that died before it was set will not send it. */
static void follow_parent (struct pexec__plan *plan) {
  if (plan->rights->host_death == PEXEC_HOST_DEATH_KEEP)
    return;
  check(plan, syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0),
        PEXEC__STEP_DEATH_SIGNAL);
  if (syscall(SYS_getppid) != plan->parent_pid) {
    errno = ESRCH;
    fail(plan, PEXEC__STEP_DEATH_SIGNAL);
  }
}

/* Of a name in PATH: not here, look further. */
static bool is_missing (int error) {
  return error == ENOENT || error == ENOTDIR || error == EACCES ||
         error == ENODEV || error == ESTALE || error == ETIMEDOUT;
}

/* As execvp: a candidate that is there but may not be executed is what the
   failure names, if no other is found. */
static _Noreturn void execute (struct pexec__plan *plan) {
  bool is_alone = (plan->candidates[1] == NULL);
  int told = 0;
  int error = ENOENT;
  for (int i = 0; plan->candidates[i] != NULL; i++) {
    syscall(SYS_execve, plan->candidates[i], plan->argv, plan->envp);
    if (is_alone || (errno != ENOENT && errno != ENOTDIR)) {
      error = errno;
      told = i;
    }
    if (!is_missing(errno))
      break;
  }
  plan->failed_candidate = told;
  errno = error;
  fail(plan, PEXEC__STEP_EXEC);
}

/* Who could not kill this child, since it was not there yet, has said so
   before: the kernel has stored its pidfd before it runs. */
static void heed_recall (struct pexec__plan *plan) {
  if (atomic_load(&plan->is_unwanted)) {
    errno = ECANCELED;
    fail(plan, PEXEC__STEP_CLONE);
  }
}

/* Where the kernel could not put it there at its birth. "0" is itself. */
static void enter_cgroup (struct pexec__plan *plan) {
  if (plan->enters_cgroup)
    check(plan, syscall(SYS_write, plan->cgroup_door_fd, "0", 1),
          PEXEC__STEP_CGROUP);
}

int pexec__child_main (void *data) {
  struct pexec__plan *plan = data;
  plan->has_begun = true;
  heed_recall(plan);
  enter_cgroup(plan);
  check(plan, syscall(SYS_setsid), PEXEC__STEP_SESSION);
  reset_signals(plan);
  set_umask(plan);
  set_nice(plan);
  set_oom_score(plan);
  set_io_priority(plan);
  set_cpus(plan);
  set_descriptors(plan);
  enter(plan, plan->host_cwd, PEXEC__STEP_HOST_CWD);
  set_limits(plan);
  prepare_capabilities(plan);
  change_identity(plan);
  take_capabilities(plan);
  forbid_privileges(plan);
  enter(plan, plan->cwd, PEXEC__STEP_CWD);
  follow_parent(plan);
  execute(plan);
}
