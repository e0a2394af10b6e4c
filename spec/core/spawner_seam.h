/*
** What the spawner stands on, for specs. The children that it makes are played,
** and one can hang before its exec; so can a disk, and a name service. Its
** threads, jobs, configurations and openings are the real ones. To be included
** once. Any thread.
*/

#ifndef SPEC_SPAWNER_SEAM_H
#define SPEC_SPAWNER_SEAM_H

#include "memory_seam.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "spawner.h"

#define PIDFD 70
#define OUTPUT_FD 71
#define MS INT64_C(1000000)
#define HANG_MOST 20          /* s: who waits for it fails, and is not stuck */
#define DEADLINE (10 * 1000 * MS)  /* of what must happen before that */

static struct {
  /* set by a test before it submits */
  int identity_error, plan_error, input_error, equip_error, clone_error;
  int failed_errno;
  int dying;                /* so often one that has failed is still alive */
  int poll_error;
  bool hangs;               /* the next child, until it is killed */
  /* under the lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool is_made;             /* a child is there, and hangs */
  bool is_killed;           /* it was sent SIGKILL */
  bool disk_hangs;          /* on which the slow file is */
  bool service_hangs;       /* that knows the users */
  int open_errors;          /* the next openings of files that fail */
  int hanging;              /* threads, on either */
  int asker;                /* the thread that looked up a user last */
  int opens;                /* of files */
  int files, fds;           /* that are open */
  int clones, buried, discarded, closed;
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER,
           .changed = PTHREAD_COND_INITIALIZER };

static void lock (void) { (void)pthread_mutex_lock(&fake.lock); }

static void unlock (void) {
  (void)pthread_cond_broadcast(&fake.changed);
  (void)pthread_mutex_unlock(&fake.lock);
}

static void await (void) {
  (void)pthread_cond_wait(&fake.changed, &fake.lock);
}

/* As in the kernel: nothing ends it but the disk. With the lock held. */
static void hang (const bool *hangs) {
  struct timespec until;
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += HANG_MOST;
  fake.hanging++;
  (void)pthread_cond_broadcast(&fake.changed);
  while (*hangs && pthread_cond_timedwait(&fake.changed, &fake.lock,
                                          &until) == 0)
    continue;
  fake.hanging--;
}

static inline void await_hanging (int count) {
  lock();
  while (fake.hanging < count)
    await();
  unlock();
}

static inline void let_all_go_on (void) {
  lock();
  fake.disk_hangs = fake.service_hangs = false;
  unlock();
}

/* {== what may block ===================================================== */

int pexec__identity_resolve (const char *username, const pexec_rights *rights,
                             struct pexec__identity *identity) {
  (void)rights;
  (void)identity;
  lock();
  if (username != NULL)
    hang(&fake.service_hangs);
  fake.asker = gettid();
  unlock();
  return fake.identity_error;
}

struct pexec__logfile {
  bool is_slow, is_open;
};

int pexec__logfile_new (const pexec_file *from, bool allows_devices,
                        struct pexec__logfile **file) {
  (void)allows_devices;
  *file = pexec__calloc(1, sizeof **file);
  (*file)->is_slow = (strcmp(from->path, "/slow") == 0);
  return 0;
}

int pexec__logfile_open (struct pexec__logfile *file,
                         enum pexec__logfile_flaw *flaw) {
  int error = 0;
  *flaw = PEXEC__FLAW_NONE;
  lock();
  fake.opens++;
  if (file->is_slow)
    hang(&fake.disk_hangs);
  if (fake.open_errors > 0 && fake.open_errors-- > 0)
    error = -EIO;
  file->is_open = (error == 0);
  fake.files += file->is_open;
  unlock();
  return error;
}

void pexec__logfile_free (struct pexec__logfile *file) {
  if (file == NULL)
    return;
  lock();
  fake.files -= file->is_open;
  unlock();
  pexec__free(file);
}

uint64_t pexec__logfile_device (const struct pexec__logfile *file) {
  return file->is_open;
}

/* {== a cgroup =========================================================== */

struct pexec__cgroup *pexec__cgroup_hold (struct pexec__cgroup *cgroup) {
  return cgroup;
}

void pexec__cgroup_drop (struct pexec__cgroup *cgroup) {
  assert_null(cgroup);
}

void pexec__cgroup_kill (const struct pexec__cgroup *cgroup) {
  assert_non_null(cgroup);
}

int pexec__cgroup_take (struct pexec__cgroup **cgroup,
                        const pexec_cgroup *wanted,
                        struct pexec__cgroup_flaw *flaw) {
  (void)cgroup;
  (void)wanted;
  (void)flaw;
  return -ENOSYS;
}

int pexec__cgroup_open_door (const struct pexec__cgroup *cgroup,
                             struct pexec__cgroup_flaw *flaw) {
  (void)cgroup;
  (void)flaw;
  return -ENOSYS;
}

/* {== plans ============================================================== */

int pexec__plan_read_environment (struct pexec__plan *plan,
                                  const struct pexec__config *config,
                                  const struct pexec__host *host) {
  (void)plan;
  (void)config;
  (void)host;
  return 0;
}

int pexec__plan_make (struct pexec__plan *plan,
                      const struct pexec__config *config,
                      const struct pexec__host *host) {
  plan->argv = config->argv;
  plan->host_cwd = host->cwd;
  plan->failed_step = PEXEC__STEP_NOTHING;
  plan->found_umask = -1;
  plan->pidfd = -1;
  return fake.plan_error;
}

int pexec__plan_open_input (struct pexec__plan *plan,
                            const struct pexec__config *config,
                            const struct pexec__host *host) {
  (void)plan;
  (void)config;
  (void)host;
  return fake.input_error;
}

/* Where it still has a name and a host, one that it is to hand on. */
int pexec__plan_open_outputs (struct pexec__plan *plan,
                              const struct pexec__config *config,
                              const struct pexec__host *host) {
  lock();
  if (config->name[0] != '\0' && host->environ != NULL) {
    plan->output_fds[0] = OUTPUT_FD;
    fake.fds++;
  }
  unlock();
  return 0;
}

void pexec__plan_free (struct pexec__plan *plan) {
  lock();
  fake.fds -= (plan->output_fds[0] == OUTPUT_FD);
  plan->output_fds[0] = 0;
  unlock();
}

char *pexec__plan_failure (const struct pexec__plan *plan,
                           const struct pexec__config *config,
                           enum pexec__spawn_step step, int error) {
  char *message = pexec__calloc(1, 32);
  (void)plan;
  (void)error;
  message[0] = (char)('a' + step);
  message[1] = config->name[0];
  return message;
}

/* {== the kernel ========================================================= */

/* Before its first instruction a child sees whether it is wanted. */
static void run_child (struct pexec__plan *plan) {
  if (atomic_load(&plan->is_unwanted)) {
    plan->failed_step = PEXEC__STEP_CLONE;
    plan->failed_errno = ECANCELED;
    return;
  }
  fake.is_made = fake.hangs;
  (void)pthread_cond_broadcast(&fake.changed);
  while (fake.is_made && !fake.is_killed)
    await();
  if (fake.failed_errno == 0)
    return;
  plan->failed_step = PEXEC__STEP_EXEC;
  plan->failed_errno = fake.failed_errno;
}

/* It is the kernel that does so: no sanitizer sees it. */
__attribute__((no_sanitize("thread")))
static void store_pidfd (struct pexec__plan *plan) {
  *(volatile int *)&plan->pidfd = PIDFD;
}

int pexec__clone (struct pexec__plan *plan) {
  if (fake.clone_error != 0)
    return fake.clone_error;
  lock();
  fake.clones++;
  plan->pid = 1000 + fake.clones;
  store_pidfd(plan);
  unlock();
  lock();
  run_child(plan);
  unlock();
  plan->found_umask = 022;
  return plan->pid;
}

int pexec__signal (int pidfd, int signo) {
  assert_int_equal(pidfd, PIDFD);
  assert_int_equal(signo, SIGKILL);
  lock();
  fake.is_killed = true;
  unlock();
  return 0;
}

int pexec__wait (int pidfd, bool reap, struct pexec__status *status) {
  (void)status;
  assert_int_equal(pidfd, PIDFD);
  assert_true(reap);
  if (fake.dying > 0 && fake.dying-- > 0)
    return 0;
  fake.buried++;
  return 1;
}

int pexec__poll_readable (int fd, int timeout_ms) {
  (void)fd;
  (void)timeout_ms;
  return fake.poll_error < 0 ? fake.poll_error : 1;
}

void pexec__exit_discard (int pidfd) {
  assert_int_equal(pidfd, PIDFD);
  fake.discarded++;
}

void pexec__close (int fd) {
  assert_int_equal(fd, PIDFD);
  fake.closed++;
}

int pexec__self (void) { return 1; }
int64_t pexec__now (void) { return 77; }

char *pexec__strdup (const char *text) {
  char *copy = text ? pexec__malloc(strlen(text) + 1) : NULL;
  return copy ? strcpy(copy, text) : NULL;
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) { return logger; }
void pexec_logger_release (pexec_logger *logger) { (void)logger; }

/* {== the supervisor ===================================================== */

/* It is freed behind the spawner: a sanitizer sees who touches it then. */
struct pexec__loop {
  int wakes;
};

static struct pexec__spawner *spawner;  /* NULL: closed */
static struct pexec__loop *loop;
static struct pexec__sink *slow_file;
static pexec_process *process;        /* without any file */
static pexec_process *slow, *other;   /* both write to the slow one */

void pexec__loop_wake (struct pexec__loop *of) {
  lock();
  of->wakes++;
  unlock();
}

size_t pexec__outlets_hold_openings (const pexec_process *of,
                                     struct pexec__opening **openings) {
  for (size_t i = 0; i < of->outlet_count; i++)
    openings[i] = pexec__opening_hold(of->outlets[i].sink->opening);
  return of->outlet_count;
}

int pexec__outlets_equip (pexec_process *of, const char **path) {
  *path = NULL;
  for (size_t i = 0; i < of->outlet_count; i++)
    assert_true(pexec__opening_is_open(of->outlets[i].sink->opening));
  return fake.equip_error;
}

static pexec_process *new_process (const char *user,
                                   struct pexec__sink *sink) {
  pexec_config config = PEXEC_CONFIG_INIT;
  pexec_process *made = pexec__calloc(1, sizeof *made);
  config.id = "id";
  config.name = "prog";
  config.username = user;
  assert_int_equal(pexec__config_copy(&config, &made->config), 0);
  assert_int_equal(pexec__host_take(NULL, &made->host), 0);
  if (sink == NULL)
    return made;
  made->outlets = pexec__calloc(1, sizeof *made->outlets);
  made->outlets[0].sink = sink;
  made->outlet_count = 1;
  return made;
}

static void free_process (pexec_process *of) {
  pexec__host_release(of->host);
  pexec__config_free(of->config);
  pexec__free(of->outlets);
  pexec__free(of);
}

static int begin (void **state) {
  pexec_file file = PEXEC_FILE_INIT;
  (void)state;
  fake.identity_error = fake.plan_error = fake.clone_error = 0;
  fake.failed_errno = fake.input_error = fake.equip_error = 0;
  fake.dying = fake.poll_error = 0;
  fake.hangs = fake.is_made = fake.is_killed = false;
  fake.disk_hangs = fake.service_hangs = false;
  fake.open_errors = fake.opens = 0;
  fake.files = fake.fds = 0;  /* a test that failed is not the next one's */
  atomic_store(&blocks, 0);
  fake.clones = fake.buried = fake.discarded = fake.closed = 0;
  file.path = "/slow";
  slow_file = pexec__calloc(1, sizeof *slow_file);
  assert_int_equal(pexec__opening_new(&file, &slow_file->opening), 0);
  process = new_process(NULL, NULL);
  slow = new_process(NULL, slow_file);
  other = new_process(NULL, slow_file);
  loop = pexec__calloc(1, sizeof *loop);
  return pexec__spawner_open(loop, &spawner);
}

/* What a supervisor does when it ends. */
static void close_all (void) {
  pexec__spawner_close(spawner);
  spawner = NULL;
  free_process(process);
  free_process(slow);
  free_process(other);
  pexec__opening_drop(slow_file->opening);
  pexec__free(slow_file);
  pexec__free(loop);
}

static bool is_all_gone (void) {
  bool is_gone;
  lock();
  is_gone = fake.files == 0 && fake.fds == 0 && atomic_load(&blocks) == 0;
  unlock();
  return is_gone;
}

/* Whatever was left on its own ends as soon as it can. */
static int end (void **state) {
  const struct timespec bit = { 0, MS };
  (void)state;
  if (spawner != NULL)
    close_all();
  let_all_go_on();
  for (int tries = 0; !is_all_gone(); tries++) {
    assert_in_range(tries, 0, DEADLINE / MS);
    (void)nanosleep(&bit, NULL);
  }
  return 0;
}

/* {== jobs =============================================================== */

static struct pexec__job *submit_for (pexec_process *of, bool may_hang) {
  struct pexec__job *job;
  assert_int_equal(pexec__job_new(of, of->config, &job), 0);
  job->may_hang = may_hang;
  pexec__spawner_submit(spawner, job);
  return job;
}

static struct pexec__job *submit (void) {
  return submit_for(process, false);
}

/* The next answer, whenever it comes. */
static struct pexec__job *await_answer (void) {
  struct pexec__job *job;
  lock();
  while (loop->wakes == 0)
    await();
  loop->wakes--;
  unlock();
  job = pexec__spawner_answer(spawner);
  assert_non_null(job);
  return job;
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
