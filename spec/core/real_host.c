/* See real.h: events, processes and waiting. One thread. */

#include "real.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "real_state.h"

#define PROCESSES 64

/* What one process has told. */
struct told {
  pexec_process *process;
  char *text[2];
  size_t length[2];
  char order[4096];
};

struct real real;
int real_failed;

static struct told tellers[PROCESSES];
static struct heard **events;  /* each one stays where it is */
static size_t event_count;
static char child_path[4096];

static struct told *teller (pexec_process *process);

/* {== time ==== */

int64_t real_now_ns (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct deadline real_deadline (void) {
  const char *slowness = getenv("PEXEC_SPEC_SLOWNESS");
  int64_t times = slowness ? atoi(slowness) : 1;
  return (struct deadline){ real_now_ns() + times * 30 * 1000000000 };
}

static void check_time (struct deadline deadline, const char *what) {
  if (real_now_ns() > deadline.ns)
    fail_msg("waited too long for %s", what);
}

void real_pause (struct deadline deadline, const char *what) {
  const struct timespec moment = { 0, 1000000 };
  check_time(deadline, what);
  (void)nanosleep(&moment, NULL);
}

/* {== begin and end ==== */

/* libuv opens a pipe for the whole process with its first loop. */
static void open_and_close_one (void) {
  pexec_supervisor *supervisor;
  if (pexec_supervisor_new(&supervisor) < 0)
    return;
  (void)pexec_supervisor_fd(supervisor);
  pexec_supervisor_close(supervisor);
}

void real_prepare (void) {
  const char *given = getenv("PEXEC_CHILD");
  ssize_t size;
  (void)unsetenv("PEXEC_BASIC_KERNEL");
  open_and_close_one();
  if (given != NULL) {
    (void)snprintf(child_path, sizeof child_path, "%s", given);
    return;
  }
  size = readlink("/proc/self/exe", child_path, sizeof child_path - 8);
  child_path[size > 0 ? size : 0] = '\0';
  strcpy(strrchr(child_path, '/') + 1, "child");
}

void real_be_basic (void) {
  (void)setenv("PEXEC_BASIC_KERNEL", "1", 1);
}

int real_begin (void **state) {
  (void)state;
  memset(&real, 0, sizeof real);
  strcpy(real.directory, "/tmp/pexec-door-XXXXXX");
  if (mkdtemp(real.directory) == NULL)
    return -1;
  real.config = (pexec_config)PEXEC_CONFIG_INIT;
  real.config.id = "id";
  real.config.name = child_path;
  real.config.stop_timeout_ms = 1000;
  real.config.restart_delay_ms = 0;
  real.consumes = true;
  real_state_note();
  return pexec_supervisor_new(&real.supervisor);
}

static void forget_events (void) {
  while (event_count > 0)
    free(events[--event_count]);
}

static void forget_all (void) {
  for (int i = 0; i < PROCESSES; i++) {
    free(tellers[i].text[0]);
    free(tellers[i].text[1]);
  }
  memset(tellers, 0, sizeof tellers);
  forget_events();
  free(events);
  events = NULL;
}

int real_end (void **state) {
  (void)state;
  if (real.supervisor != NULL)
    pexec_supervisor_close(real.supervisor);
  forget_all();
  real_state_check();
  return real_state_remove(real.directory);
}

/* {== processes ==== */

pexec_process *real_make (const char *const *verbs) {
  pexec_process *process = NULL;
  real.config.args = verbs;
  assert_int_equal(pexec_process_new(real.supervisor, &real.config,
                                     &process), 0);
  return process;
}

pexec_process *real_start (const char *const *verbs) {
  pexec_process *process = real_make(verbs);
  const struct heard *started;
  assert_int_equal(pexec_process_start(process, -1), 0);
  started = real_await(process, PEXEC_EVENT_STARTED);
  if (started->error != 0)
    fail_msg("start: %s", started->message);
  return process;
}

pexec_snapshot real_snapshot (pexec_process *process) {
  pexec_snapshot snapshot;
  assert_int_equal(pexec_process_snapshot(process, &snapshot), 0);
  return snapshot;
}

void real_release (pexec_process *process) {
  struct told *told = teller(process);
  free(told->text[0]);
  free(told->text[1]);
  *told = (struct told){ 0 };
  forget_events();
  pexec_process_release(process);
}

int real_pid (pexec_process *process) {
  return real_snapshot(process).pid;
}

void real_await_state (pexec_process *process, enum pexec_state state) {
  struct deadline deadline = real_deadline();
  while (real_snapshot(process).state != state)
    real_pause(deadline, pexec_state_name(state));
}

void real_await_starts (pexec_process *process, uint64_t starts) {
  struct deadline deadline = real_deadline();
  while (real_snapshot(process).starts < starts) {
    real_pull();
    real_pause(deadline, "starts");
  }
}

void real_await_gone (int pid) {
  struct deadline deadline = real_deadline();
  while (real_is_alive(pid))
    real_pause(deadline, "a process to end");
}

/* {== events ==== */

static struct told *teller (pexec_process *process) {
  struct told *unused = NULL;
  for (int i = PROCESSES - 1; i >= 0; i--) {
    if (tellers[i].process == process)
      return &tellers[i];
    if (tellers[i].process == NULL)
      unused = &tellers[i];
  }
  assert_non_null(unused);
  unused->process = process;
  return unused;
}

static void note_order (pexec_process *process, enum pexec_event_type type) {
  static const char letters[] = "-SOXTE----YG";
  struct told *told = teller(process);
  size_t length = strlen(told->order);
  if (letters[type] != '-' && length < sizeof told->order - 1)
    told->order[length] = letters[type];
}

static void note_output (const pexec_event *event) {
  struct told *told = teller(event->process);
  int i = event->stream - 1;
  char *text = realloc(told->text[i], told->length[i] + event->length + 1);
  assert_non_null(text);
  memcpy(text + told->length[i], event->data, event->length);
  told->length[i] += event->length;
  text[told->length[i]] = '\0';
  told->text[i] = text;
  if (real.consumes)
    pexec_process_consumed(event->process, event->length, event->lines);
}

static void note (const pexec_event *event) {
  struct heard *heard;
  bool is_log = (event->type == PEXEC_EVENT_LOG);
  if (event->process != NULL)
    note_order(event->process, event->type);
  if (event->type == PEXEC_EVENT_OUTPUT) {
    note_output(event);
    return;
  }
  events = realloc(events, (event_count + 1) * sizeof *events);
  assert_non_null(events);
  assert_non_null(heard = malloc(sizeof *heard));
  events[event_count++] = heard;
  *heard = (struct heard){ event->type, event->process, event->error,
      event->pid, event->asks, event->signo, event->stage, event->exit, "",
      false };
  (void)snprintf(heard->message, sizeof heard->message, "%.*s",
                 is_log ? (int)event->length : 500,
                 is_log ? event->data : event->message ? event->message : "");
}

void real_pull (void) {
  pexec_event event = PEXEC_EVENT_INIT;
  int result;
  while ((result = pexec_supervisor_next(real.supervisor, &event)) == 1) {
    note(&event);
    pexec_event_release(&event);
  }
  assert_int_equal(result, 0);
}

static struct heard *find (pexec_process *process,
                           enum pexec_event_type type) {
  for (size_t i = 0; i < event_count; i++)
    if (events[i]->type == type && events[i]->process == process &&
        !events[i]->is_taken)
      return events[i];
  return NULL;
}

bool real_heard (pexec_process *process, enum pexec_event_type type) {
  real_pull();
  return find(process, type) != NULL;
}

static void wait_a_moment (struct deadline deadline, const char *what) {
  int result = pexec_supervisor_wait(real.supervisor, 1000);
  assert_true(result >= 0 || result == -EINTR);
  real_pull();
  check_time(deadline, what);
}

const struct heard *real_await (pexec_process *process,
                                enum pexec_event_type type) {
  static const char *const names[] = { "nothing", "STARTED", "OUTPUT",
                                       "EXITED", "STOPPED", "ENDED", "LOG",
                                       "SIGNAL", "WRITTEN", "REOPENED",
                                       "RESTARTED", "GIVEN_UP" };
  struct deadline deadline = real_deadline();
  struct heard *heard;
  real_pull();
  while ((heard = find(process, type)) == NULL)
    wait_a_moment(deadline, names[type]);
  heard->is_taken = true;
  return heard;
}

const char *real_order (pexec_process *process) {
  real_pull();
  return teller(process)->order;
}

const char *real_text (pexec_process *process, enum pexec_stream stream,
                       size_t *length) {
  const struct told *told = teller(process);
  if (length != NULL)
    *length = told->length[stream - 1];
  return told->text[stream - 1] ? told->text[stream - 1] : "";
}

void real_await_text (pexec_process *process, const char *text) {
  struct deadline deadline = real_deadline();
  real_pull();
  while (strstr(real_text(process, PEXEC_STDOUT, NULL), text) == NULL)
    wait_a_moment(deadline, text);
}

void real_await_full_pipe (pexec_process *process) {
  struct deadline deadline = real_deadline();
  size_t length = 0, before;
  do {
    before = length;
    for (int i = 0; i < 50; i++)
      real_pause(deadline, "a full pipe");
    real_pull();
    (void)real_text(process, PEXEC_STDOUT, &length);
  } while (length == 0 || length != before);
}

/* {== files ==== */

const char *real_path (const char *name) {
  static char paths[8][128];
  static int last;
  last = (last + 1) % 8;
  (void)snprintf(paths[last], sizeof paths[last], "%s/%s", real.directory,
                 name);
  return paths[last];
}

const char *real_file (const char *name) {
  static char text[65536];
  FILE *file = fopen(real_path(name), "re");
  size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
  if (file != NULL)
    (void)fclose(file);
  text[length] = '\0';
  return text;
}

void real_await_file (const char *name) {
  struct deadline deadline = real_deadline();
  while (access(real_path(name), F_OK) != 0)
    real_pause(deadline, name);
}

/* Not with strstr: sanitizers measure all of its text each time. */
int real_count (const char *text, const char *part) {
  size_t length = strlen(part);
  int count = 0;
  for (; *text != '\0'; text++)
    count += (*text == *part && strncmp(text, part, length) == 0);
  return count;
}
