/* See fake.h: children, their groups, signals, and who reaps them. */

#include "fake.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "plan.h"

enum life { ALIVE, ZOMBIE, GONE };

/* A leader and the others of its group. */
struct fake_child {
  struct fake_child *next;
  const struct fake_program *program;
  int pid;
  enum life leader;
  int members;              /* that are alive */
  int64_t ends_at_ns;
  struct pexec__status status;  /* with which it ends, or has ended */
  int pidfds;
  struct fake_pipe *pipes[2];   /* held by those alive */
  struct fake_pipe *input;      /* the same; NULL: closed, or no pipe */
  int64_t reads_at_ns, closes_input_at_ns;
};

static struct fake_child *children;
static int last_pid;

const struct fake_program *fake_next_program (void) {
  int n = fake.clones < fake.program_count ? fake.clones
                                           : fake.program_count - 1;
  return &fake.programs[n];
}

/* {== ends ==== */

static void free_if_gone (struct fake_child *child) {
  struct fake_child **place = &children;
  if (child->leader != GONE || child->members > 0 || child->pidfds > 0)
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
  if (child->leader == ALIVE || child->members > 0)
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
  child->ends_at_ns = child->reads_at_ns = FAKE_NEVER;
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
    children->pidfds = 0;
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

static void act (struct fake_child *child) {
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

int pexec__signal (int pidfd, int signo) {
  struct fake_child *child = fake_child_of(pidfd);
  int error = fake_failure(FAKE_SIGNAL);
  note(signo, false);
  if (error < 0)
    return error;
  if (child->leader == GONE)
    return -ESRCH;
  signal_leader(child, signo);
  return 0;
}

int pexec__signal_group (int pidfd, int signo) {
  int error = fake_failure(FAKE_SIGNAL_GROUP);
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
  int error = fake_failure(FAKE_KILL_GROUP);
  assert_true(signo == 0 || (child != NULL && child->leader != GONE));
  note(signo, true);
  return error < 0 ? error : signal_group(child, signo);
}

void fake_child_kill (int pidfd) {
  signal_leader(fake_child_of(pidfd), SIGKILL);
}

/* The number of a group's n-th member, from 1 on, begins with its leader's. */
int pexec__each_living (void (*see) (void *, const struct pexec__living *),
                        void *argument) {
  int error = fake_failure(FAKE_LIVING);
  fake.looks++;
  if (error < 0)
    return error;
  for (const struct fake_child *child = children; child;
       child = child->next) {
    struct pexec__living one = { child->pid, child->pid, "leader" };
    if (child->leader == ALIVE)
      see(argument, &one);
    for (int i = 1; i <= child->members; i++) {
      one = (struct pexec__living){ child->pid * 100 + i, child->pid,
                                    "member" };
      see(argument, &one);
    }
  }
  return 0;
}

/* {== waiting ==== */

int pexec__wait (int pidfd, bool is_reaped, struct pexec__status *status) {
  struct fake_child *child = fake_child_of(pidfd);
  if (child->leader == ALIVE)
    return 0;
  if (child->leader == ZOMBIE && fake_failure(FAKE_WAIT) < 0)
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
  int error = fake_failure(FAKE_INFO);
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
  child->ends_at_ns = program->lives_ns == 0 ? FAKE_NEVER
                    : fake.now_ns + program->lives_ns;
  child->reads_at_ns = program->reads == 0 ? FAKE_NEVER
                     : fake.now_ns + FAKE_MS;
  child->closes_input_at_ns = program->closes_input_ns == 0 ? FAKE_NEVER
                            : fake.now_ns + program->closes_input_ns;
  fake.living += 1 + child->members;
  fake_pipe_write(child->pipes[0], program->says);
  fake_pipe_write(child->pipes[1], program->complains);
}

static void fail_to_execute (struct fake_child *child,
                             struct pexec__plan *plan) {
  child->status = status_of(127, 0);
  plan->failed_step = PEXEC__STEP_EXEC;
  plan->failed_errno = child->program->exec_error;
  fake.living++;
  end_leader(child);
}

int pexec__clone (struct pexec__plan *plan) {
  int error = fake_failure(FAKE_CLONE);
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
  if (fake.clones < FAKE_BIRTHS)
    fake.births[fake.clones] = fake.now_ns;
  fake.clones++;
  plan->found_umask = plan->umask < 0 ? 022 : -1;
  plan->pid = child->pid;
  plan->pidfd = fake_new_pidfd(child);
  if (child->program->exec_error != 0)
    fail_to_execute(child, plan);
  else
    begin_life(child);
  return child->pid;
}

bool pexec__kernel_is_basic (void) {
  return fake.is_basic;
}

const char *pexec__kernel_lacks (void) {
  return NULL;  /* what it lacks beyond that stops everything */
}

int64_t pexec__own_max_rss (void) {
  return fake.host_rss;
}

int pexec__self (void) {
  return 999;
}
