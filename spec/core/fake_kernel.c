/* See fake.h: children, their groups, signals, and who reaps them. */

#include "fake.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "plan.h"

#define STRAY 50              /* from this on others' numbers are strays' */

enum life { ALIVE, ZOMBIE, GONE };

/* A leader, the others of its group, and strays. */
struct fake_child {
  struct fake_child *next;
  const struct fake_program *program;
  int pid;
  enum life leader;
  int members;              /* that are alive */
  int strays;               /* the same */
  int node;                 /* its cgroup; 0: the host's */
  int64_t ends_at_ns;
  struct pexec__status status;  /* with which it ends, or has ended */
  int pidfds;
  struct fake_pipe *pipes[2];   /* held by those alive */
  struct fake_pipe *input;      /* the same; NULL: closed, or no pipe */
  int64_t reads_at_ns, closes_input_at_ns, says_at_ns;
  int repeats;              /* how often it says more */
};

static struct fake_child *children;
static int last_pid;

const struct fake_program *fake_next_program (void) {
  int n = fake.clones < fake.program_count ? fake.clones
                                           : fake.program_count - 1;
  return &fake.programs[n];
}

/* {== ends ==== */

static int others_of (const struct fake_child *child) {
  return child->members + child->strays;
}

static void free_if_gone (struct fake_child *child) {
  struct fake_child **place = &children;
  if (child->leader != GONE || others_of(child) > 0 || child->pidfds > 0)
    return;
  while (*place != child)
    place = &(*place)->next;
  *place = child->next;
  free(child);
}

static void close_input (struct fake_child *child) {
  fake_input_drop(child->input);
  child->input = NULL;
  child->reads_at_ns = child->closes_input_at_ns = FAKE_NEVER;
}

static void drop_pipes_if_dead (struct fake_child *child) {
  if (child->leader == ALIVE || others_of(child) > 0)
    return;
  for (int i = 0; i < 2; i++) {
    fake_pipe_drop(child->pipes[i]);
    child->pipes[i] = NULL;
  }
  close_input(child);
}

static void reap (struct fake_child *child) {
  child->leader = GONE;
  fake.zombies--;
}

void fake_reap_all (void) {
  for (struct fake_child *child = children; child; child = child->next)
    if (child->leader == ZOMBIE)
      reap(child);
}

/* May free it. */
static void end_leader (struct fake_child *child) {
  fake_pipe_write(child->pipes[0], child->program->last_words);
  child->leader = ZOMBIE;
  child->ends_at_ns = child->reads_at_ns = child->says_at_ns = FAKE_NEVER;
  fake.living--;
  fake.zombies++;
  drop_pipes_if_dead(child);
  if (fake.host_reaps)
    reap(child);
}

static void end_members (struct fake_child *child) {
  fake.living -= child->members;
  child->members = 0;
  drop_pipes_if_dead(child);
  free_if_gone(child);
}

void fake_kernel_reset (void) {
  while (children != NULL) {
    children->leader = GONE;
    children->pidfds = children->strays = 0;
    end_members(children);
  }
  last_pid = 1000;
  free(fake.input);
  fake.input = NULL;
}

static int64_t next_of (const struct fake_child *child) {
  int64_t next_ns = child->ends_at_ns;
  if (child->reads_at_ns < next_ns)
    next_ns = child->reads_at_ns;
  if (child->says_at_ns < next_ns)
    next_ns = child->says_at_ns;
  return child->closes_input_at_ns < next_ns ? child->closes_input_at_ns
                                             : next_ns;
}

int64_t fake_kernel_next_ns (void) {
  int64_t next_ns = FAKE_NEVER;
  for (const struct fake_child *child = children; child; child = child->next)
    if (next_of(child) < next_ns)
      next_ns = next_of(child);
  return next_ns;
}

static void read_input (struct fake_child *child) {
  bool is_open = fake_input_read(child->input, child->program->reads);
  child->reads_at_ns = is_open ? fake.now_ns + FAKE_MS : FAKE_NEVER;
  fake.input_ends += !is_open;
}

static void say_more (struct fake_child *child) {
  bool is_last = (--child->repeats <= 0);
  fake_pipe_write(child->pipes[0], child->program->says);
  child->says_at_ns = is_last ? FAKE_NEVER : fake.now_ns + FAKE_MS;
}

static void act (struct fake_child *child) {
  if (child->says_at_ns <= fake.now_ns)
    say_more(child);
  if (child->closes_input_at_ns <= fake.now_ns)
    close_input(child);
  if (child->reads_at_ns <= fake.now_ns)
    read_input(child);
  if (child->ends_at_ns <= fake.now_ns)
    end_leader(child);
}

bool fake_kernel_run_due (void) {
  bool is_busy = false;
  for (struct fake_child *child = children; child; child = child->next)
    if (next_of(child) <= fake.now_ns) {
      act(child);
      is_busy = true;
    }
  return is_busy;
}

bool fake_child_is_dead (const struct fake_child *child) {
  return child->leader != ALIVE;
}

void fake_child_let_go (struct fake_child *child) {
  child->pidfds--;
  free_if_gone(child);
}

/* {== signals ==== */

static void note (int signo, bool is_to_group) {
  if (signo == 0 || fake.signal_count == FAKE_SIGNALS)
    return;
  fake.signals[fake.signal_count++] =
      (struct fake_signal){ fake.now_ns, signo, is_to_group };
}

static bool is_heeded (const struct fake_child *child, int signo,
                       uint64_t ignored) {
  if (signo == 0 || signo == SIGCONT || child->program->is_unkillable)
    return false;
  return signo == SIGKILL || (ignored & FAKE_BIT(signo)) == 0;
}

static struct pexec__status status_of (int code, int signo) {
  return (struct pexec__status){
    .is_known = true, .code = code, .signo = signo, .has_usage = true,
    .user_ns = 2 * FAKE_MS, .system_ns = FAKE_MS, .max_rss = 4096,
  };
}

static void signal_leader (struct fake_child *child, int signo) {
  const struct fake_program *program = child->program;
  if (child->leader != ALIVE || !is_heeded(child, signo, program->ignores))
    return;
  if (signo == SIGKILL || program->lingers_ns == 0) {
    child->status = status_of(-1, signo);
    end_leader(child);
  }
  else if (child->ends_at_ns > fake.now_ns + program->lingers_ns)
    child->ends_at_ns = fake.now_ns + program->lingers_ns;
}

static int signal_group (struct fake_child *child, int signo) {
  if (child == NULL || (child->leader == GONE && child->members == 0))
    return -ESRCH;
  signal_leader(child, signo);
  if (is_heeded(child, signo, child->program->members_ignore))
    end_members(child);
  return 0;
}

/* To a member, or a stray: whoever is there; all are the same. */
static int signal_other (struct fake_child *child, int pid, int signo) {
  int *count = pid % 100 > STRAY ? &child->strays : &child->members;
  if (*count == 0)
    return -ESRCH;
  if (is_heeded(child, signo, child->program->members_ignore)) {
    (*count)--;
    fake.living--;
    drop_pipes_if_dead(child);
  }
  return 0;
}

int pexec__signal (int pidfd, int signo) {
  struct fake_child *child = fake_child_of(pidfd);
  int error = fake_failure(CALL_signal);
  note(signo, false);
  if (error < 0)
    return error;
  if (fake_pid_of(pidfd) != 0 && fake_pid_of(pidfd) != child->pid)
    return signal_other(child, fake_pid_of(pidfd), signo);
  if (child->leader == GONE)
    return -ESRCH;
  signal_leader(child, signo);
  return 0;
}

int pexec__signal_group (int pidfd, int signo) {
  int error = fake_failure(CALL_signal_group);
  assert_false(fake.is_basic);
  note(signo, true);
  return error < 0 ? error : signal_group(fake_child_of(pidfd), signo);
}

static struct fake_child *find (int pid) {
  struct fake_child *child = children;
  while (child != NULL && child->pid != pid)
    child = child->next;
  return child;
}

/* A number that was given back may be a stranger's. */
int pexec__kill_group (int pgid, int signo) {
  struct fake_child *child = find(pgid);
  int error = fake_failure(CALL_kill_group);
  assert_true(signo == 0 || (child != NULL && child->leader != GONE));
  note(signo, true);
  return error < 0 ? error : signal_group(child, signo);
}

void fake_child_kill (int pidfd) {
  signal_leader(fake_child_of(pidfd), SIGKILL);
}

/* Calls see for each that is alive: the number of its n-th member, from 1 on,
   begins with the leader's, and so does a stray's. */
static void show (const struct fake_child *child,
                  void (*see) (void *, const struct pexec__living *),
                  void *argument) {
  struct pexec__living one = { child->pid, child->pid, "leader" };
  if (child->leader == ALIVE)
    see(argument, &one);
  for (int i = 1; i <= child->members; i++) {
    one = (struct pexec__living){ child->pid * 100 + i, child->pid, "member" };
    see(argument, &one);
  }
  for (int i = 1; i <= child->strays; i++) {
    int pid = child->pid * 100 + STRAY + i;
    one = (struct pexec__living){ pid, pid, "stray" };
    see(argument, &one);
  }
}

int pexec__each_living (void (*see) (void *, const struct pexec__living *),
                        void *argument) {
  int error = fake_failure(CALL_each_living);
  fake.looks++;
  if (error < 0)
    return error;
  for (const struct fake_child *child = children; child; child = child->next)
    show(child, see, argument);
  return 0;
}

/* {== cgroups ==== */

bool fake_node_is_populated (int node) {
  for (const struct fake_child *child = children; child; child = child->next)
    if (child->node == node && node != 0 &&
        (child->leader == ALIVE || others_of(child) > 0))
      return true;
  return false;
}

void fake_node_kill (int node) {
  struct fake_child *next;
  for (struct fake_child *child = children; child; child = next) {
    next = child->next;
    if (child->node != node || child->program->is_unkillable)
      continue;
    signal_leader(child, SIGKILL);
    fake.living -= child->strays;
    child->strays = 0;
    end_members(child);
  }
}

struct list {
  char *text;
  size_t size, length;
};

static void list_one (void *argument, const struct pexec__living *one) {
  struct list *list = argument;
  int length = snprintf(list->text + list->length,
                        list->size - list->length, "%d\n", one->pid);
  list->length += (size_t)length;
  assert_in_range(list->length, 0, list->size - 1);
}

void fake_node_list (int node, char *text, size_t size) {
  struct list list = { text, size, 0 };
  text[0] = '\0';
  for (const struct fake_child *child = children; child; child = child->next)
    if (child->node == node)
      show(child, list_one, &list);
}

struct sought {
  int pid;
  struct pexec__living one;
  bool is_found;
};

static void compare (void *argument, const struct pexec__living *one) {
  struct sought *sought = argument;
  if (one->pid != sought->pid)
    return;
  sought->one = *one;
  sought->is_found = true;
}

/* NULL: there is none. */
static struct fake_child *seek (int pid, struct pexec__living *one) {
  for (struct fake_child *child = children; child; child = child->next) {
    struct sought sought = { .pid = pid };
    show(child, compare, &sought);
    *one = sought.one;
    if (sought.is_found)
      return child;
  }
  return NULL;
}

int pexec__process_open (int pid) {
  int error = fake_failure(CALL_process_open);
  struct pexec__living one;
  struct fake_child *child = seek(pid, &one);
  if (error < 0 || child == NULL)
    return error < 0 ? error : -ESRCH;
  child->pidfds++;
  return fake_new_pidfd_of(child, pid);
}

int pexec__living_at (int pid, struct pexec__living *one) {
  int error = fake_failure(CALL_living_at);
  if (error < 0)
    return error;
  return seek(pid, one) != NULL ? 0 : -ESRCH;
}

int pexec__group_of (int pid) {
  int error = fake_failure(CALL_group_of);
  struct pexec__living one;
  if (error < 0)
    return error;
  return seek(pid, &one) != NULL ? one.pgid : -ESRCH;
}

/* {== waiting ==== */

int pexec__wait (int pidfd, bool is_reaped, struct pexec__status *status) {
  struct fake_child *child = fake_child_of(pidfd);
  if (child->leader == ALIVE)
    return 0;
  if (child->leader == ZOMBIE && fake_failure(CALL_wait) < 0)
    reap(child);  /* it is the host who has done so */
  if (child->leader == GONE)
    return -ECHILD;
  *status = child->status;
  if (is_reaped)
    reap(child);
  return 1;
}

int pexec__exit_info (int pidfd, struct pexec__status *status) {
  struct fake_child *child = fake_child_of(pidfd);
  int error = fake_failure(CALL_exit_info);
  if (error < 0 || fake.is_basic)
    return -ENOTTY;
  assert_int_equal(child->leader, GONE);
  *status = child->status;
  status->has_usage = false;
  return 0;
}

/* {== a birth ==== */

static void begin_life (struct fake_child *child) {
  const struct fake_program *program = child->program;
  child->status = program->signo == 0 ? status_of(program->code, 0)
                                      : status_of(-1, program->signo);
  child->members = program->members;
  child->strays = program->strays;
  child->ends_at_ns = program->lives_ns == 0 ? FAKE_NEVER
                    : fake.now_ns + program->lives_ns;
  child->reads_at_ns = program->reads == 0 ? FAKE_NEVER
                     : fake.now_ns + FAKE_MS;
  child->closes_input_at_ns = program->closes_input_ns == 0 ? FAKE_NEVER
                            : fake.now_ns + program->closes_input_ns;
  child->repeats = program->repeats;
  child->says_at_ns = program->repeats == 0 ? FAKE_NEVER
                    : fake.now_ns + FAKE_MS;
  fake.living += 1 + others_of(child);
  fake_pipe_write(child->pipes[0], program->says);
  fake_pipe_write(child->pipes[1], program->complains);
}

static void fail_to_execute (struct fake_child *child,
                             struct pexec__plan *plan, int error) {
  static const struct fake_program nothing;
  child->program = &nothing;  /* it says nothing at its end */
  child->status = status_of(127, 0);
  plan->failed_step = PEXEC__STEP_EXEC;
  plan->failed_errno = error;
  fake.living++;
  end_leader(child);
}

int pexec__clone (struct pexec__plan *plan) {
  int error = fake_failure(CALL_clone);
  struct fake_child *child;
  if (error < 0)
    return plan->pid = error;
  assert_non_null(child = calloc(1, sizeof *child));
  child->program = fake_next_program();
  child->pid = ++last_pid;
  child->pidfds = 1;
  child->next = children;
  children = child;
  for (int i = 0; i < 2; i++)
    child->pipes[i] = fake_pipe_hold(plan->fds[i + 1]);
  child->input = fake_input_hold(plan->fds[0]);
  if (plan->cgroup_fd > 0)
    child->node = fake_node_of(plan->cgroup_fd, FAKE_DIRECTORY);
  if (fake.clones < FAKE_BIRTHS)
    fake.births[fake.clones] = fake.now_ns;
  fake.clones++;
  plan->found_umask = plan->umask < 0 ? 022 : -1;
  plan->pid = child->pid;
  plan->pidfd = fake_new_pidfd(child);
  error = child->program->exec_error;
  if (error == 0)
    error = -fake_failure(CALL_exec);
  if (error != 0)
    fail_to_execute(child, plan, error);
  else
    begin_life(child);
  return child->pid;
}

bool pexec__kernel_is_basic (void) {
  return fake.is_basic;
}

/* What it lacks beyond that stops everything. */
const char *pexec__kernel_lacks (void) {
  return fake_failure(CALL_kernel_lacks) < 0 ? "a call" : NULL;
}

int64_t pexec__own_max_rss (void) {
  return fake.host_rss;
}

int pexec__self (void) {
  return 999;
}
