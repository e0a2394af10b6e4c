/*
** Random orders of a host, children that end in random ways, calls that fail
** once, and time that passes, on the fake seam. Each step that the core takes
** is compared with the table in docs/design.md; and each order is answered,
** nobody lives on after a stop, nothing is left. One thread.
**
** seam: fake
*/

#include "fuzz.h"

#include <errno.h>
#include <signal.h>

#include "fake_host.h"
#include "machine.h"

#define PROGRAMS 4
#define LONG_NS (400 * FAKE_S)  /* any stop and any hook is over by then */

/* {== the table of docs/design.md ======================================== */

static struct pexec__step documented[PEXEC__PHASE_COUNT][PEXEC__EVENT_COUNT];
static char told_as[PEXEC__PHASE_COUNT][16];
static int documented_cells;

/* The n-th cell of a row, from 1; at most 'size' bytes. */
static bool read_cell (const char *row, int n, char *cell, size_t size) {
  const char *end;
  for (; n > 0 && row != NULL; n--)
    row = strstr(row, "| ") ? strstr(row, "| ") + 2 : NULL;
  end = row ? strstr(row, " |") : NULL;
  if (end == NULL || (size_t)(end - row) >= size)
    return false;
  (void)snprintf(cell, size, "%.*s", (int)(end - row), row);
  return true;
}

static int phase_of (const char *name) {
  int i = 0;
  while (i < PEXEC__PHASE_COUNT &&
         strcmp(pexec__phase_name((enum pexec__phase)i), name) != 0)
    i++;
  return i;
}

static int action_of (const char *name) {
  static const char *const names[] = {
#define X(action, meaning) #action,
    PEXEC__ACTIONS(X)
#undef X
  };
  int i = 0;
  while (i < PEXEC__ACTION_COUNT && strcmp(names[i], name) != 0)
    i++;
  return i;
}

static void note_cell (int phase, const char *name, struct pexec__step step) {
  int i = 0;
  while (i < PEXEC__EVENT_COUNT &&
         strcmp(pexec__event_name((enum pexec__event)i), name) != 0)
    i++;
  EXPECT(i < PEXEC__EVENT_COUNT);
  documented[phase][i] = step;
  documented_cells++;
}

/* "| IDLE | STOP, KILL | END_STOP | STOPPED |", "| IDLE | idle | ... |" */
static void note_row (const char *row) {
  char from[16], events[200], action[16], next[16];
  struct pexec__step step;
  int phase;
  if (!read_cell(row, 1, from, sizeof from) ||
      (phase = phase_of(from)) == PEXEC__PHASE_COUNT ||
      !read_cell(row, 2, events, sizeof events))
    return;
  if (!read_cell(row, 4, next, sizeof next)) {
    (void)snprintf(told_as[phase], sizeof *told_as, "%.15s", events);
    return;
  }
  EXPECT(read_cell(row, 3, action, sizeof action));
  step.action = (unsigned char)action_of(action);
  step.next = (unsigned char)phase_of(next);
  EXPECT(step.action < PEXEC__ACTION_COUNT && step.next < PEXEC__PHASE_COUNT);
  for (char *word = strtok(events, ", "); word; word = strtok(NULL, ", "))
    note_cell(phase, word, step);
}

static void read_table (void) {
  FILE *page = fopen(FUZZ_ROOT "/docs/design.md", "r");
  char row[400];
  bool is_within = false;
  EXPECT(page != NULL);
  while (fgets(row, sizeof row, page) != NULL) {
    if (strncmp(row, "<!-- ", 5) == 0)
      is_within = (strstr(row, "made: states") != NULL);
    if (is_within)
      note_row(row);
  }
  (void)fclose(page);
  EXPECT(documented_cells > 100);
}

/* {== what the core does ================================================= */

/* Tells libFuzzer that a cell was reached. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t cells[PEXEC__PHASE_COUNT][PEXEC__EVENT_COUNT];

struct pexec__step __real_pexec__machine_step (enum pexec__phase from,
                                               enum pexec__event event);
struct pexec__step __wrap_pexec__machine_step (enum pexec__phase from,
                                               enum pexec__event event);

/* Whoever calls pexec__machine_step comes here: see fuzz.cmake. */
struct pexec__step __wrap_pexec__machine_step (enum pexec__phase from,
                                               enum pexec__event event) {
  struct pexec__step step = __real_pexec__machine_step(from, event);
  struct pexec__step wanted = documented[from][event];
  if (wanted.action == PEXEC__DO_HOLE || step.action != wanted.action ||
      step.next != wanted.next) {
    (void)fprintf(stderr, "%s: %s comes in %s\n", host.order,
                  pexec__event_name(event), pexec__phase_name(from));
    EXPECT(!"the table of docs/design.md");
  }
  cells[from][event]++;
  return step;
}

/* {== the host's orders ================================================== */

static struct {
  int starts;                    /* that were accepted */
  int stopped_before;            /* answers, when the last stop was ordered; */
  int restarted_before;          /* the same of restarts; -1: none was */
  bool is_flawed;                /* a call has failed */
  bool is_one_shot;
  bool is_final;                 /* a stop or a kill was ordered */
} ordered;

static int64_t read_ns (struct fuzz_input *in) {
  static const int64_t times[] = {
    0, FAKE_MS, 10 * FAKE_MS, 99 * FAKE_MS, 300 * FAKE_MS, FAKE_S,
    1001 * FAKE_MS, 3 * FAKE_S, 11 * FAKE_S, 61 * FAKE_S
  };
  return times[fuzz_below(in, sizeof times / sizeof *times)];
}

/* What is left of the bits that it reads is returned. */
static unsigned read_program (struct fuzz_input *in,
                              struct fake_program *program) {
  unsigned kind = fuzz_byte(in), how = fuzz_byte(in);
  *program = (struct fake_program){
    .exec_ns = how & 1 ? read_ns(in) : 0,
    .exec_error = (how & 6) == 6 ? ENOENT : 0,
    .lives_ns = kind & 1 ? read_ns(in) + 1 : 0,
    .code = kind & 2 ? 3 : 0,
    .signo = kind & 4 ? SIGSEGV : 0,
    .ignores = kind & 8 ? FAKE_BIT(SIGTERM) : 0,
    .lingers_ns = kind & 16 ? read_ns(in) : 0,
    .members = kind & 32 ? 2 : 0,
    .members_ignore = kind & 64 ? FAKE_BIT(SIGTERM) : 0,
    .says = how & 8 ? "one\ntwo" : NULL,
    .last_words = how & 16 ? "bye" : NULL,
  };
  return how >> 5;
}

static void choose_stages (unsigned which) {
  static const char *const program[] = { "drain", NULL };
  static const pexec_stop_stage gentle[] = {
    { PEXEC_SIGNAL_PROCESS, SIGTERM, NULL, 300 },
    { PEXEC_SIGNAL_GROUP, SIGHUP, NULL, 100 }
  }, asking[] = {
    { PEXEC_CALL, 0, NULL, 500 }, { PEXEC_RUN, 0, program, 1000 },
    { PEXEC_SIGNAL_GROUP, SIGTERM, NULL, 100 }
  };
  host.config.stop_sequence = which == 2 ? asking : which > 0 ? gentle : NULL;
  host.config.stop_stage_count = which == 2 ? 3 : which == 1 ? 2 : 0;
}

static void read_config (struct fuzz_input *in) {
  unsigned how = fuzz_byte(in), more = fuzz_byte(in);
  pexec_config *config = &host.config;
  config->asks = (how & 1) != 0;
  config->one_shot = (how & 2) != 0;
  ordered.is_one_shot = config->one_shot != 0;
  config->restart = (enum pexec_restart)(how >> 2 & 3) % 3;
  config->restart_limit = how & 16 ? 2 : -1;
  config->restart_limit_ms = 60000;
  config->decision_timeout_ms = how & 32 ? 500 : -1;
  config->prepare_timeout_ms = how & 64 ? 200 : -1;
  config->must_prepare = (how & 192) == 192;
  config->output_events = more & 1 ? PEXEC_STDOUT : 0;
  config->stop_timeout_ms = more & 2 ? 100 : 10000;
  config->restart_delay_ms = more & 4 ? 100 : 1000;
  host.decision = (int)(more >> 3 & 3) - 1;
  host.prepares = (more & 32) != 0;
  host.veto = (more & 192) == 64 ? "no" : NULL;
  host.lack = (more & 192) == 128 ? "nothing there" : NULL;
}

static void start (struct fuzz_input *in) {
  int64_t timeout_ms = ordered.is_one_shot && fuzz_below(in, 2) ? 100 : -1;
  ordered.starts += (pexec_process_start(host.process, timeout_ms) == 0);
}

static void stop (void) {
  ordered.stopped_before = host.stopped;
  EXPECT(pexec_process_stop(host.process) == 0);
  ordered.is_final = true;
}

static void kill_group (void) {
  EXPECT(pexec_process_kill_group(host.process) == 0);
  ordered.is_final = true;
}

static void restart (void) {
  int before = host.restarted;
  if (pexec_process_restart(host.process) == 0)
    ordered.restarted_before = before;
}

static void fail_next (struct fuzz_input *in) {
  static const uint64_t calls[] = {
    FAKE_MEMORY, FAKE_PIPES, FAKE_CALL(open), FAKE_CALL(clone),
    FAKE_CALL(watch_open), FAKE_CALL(read), FAKE_CALL(thread_start),
    FAKE_CALL(wait), FAKE_CALL(exit_info)
  };
  unsigned call = fuzz_below(in, sizeof calls / sizeof *calls);
  fake_fail(calls[call], (int)fuzz_below(in, 24) + 1, false);
  ordered.is_flawed = true;
}

static void send (struct fuzz_input *in) {
  static const int signals[] = { SIGHUP, SIGTERM, SIGKILL };
  unsigned which = fuzz_byte(in);
  uint64_t ticket;
  (void)pexec_process_signal(host.process, signals[which % 3],
                             which / 3 % 2 == 0, &ticket);
}

static void change_mind (struct fuzz_input *in) {
  unsigned how = fuzz_byte(in);
  host.decision = (int)(how & 3) - 1;
  host.prepares = (how & 4) != 0;
  if (how & 8 && host.asked > 0)
    (void)pexec_process_prepared(host.process, host.preparation, NULL);
  if (how & 16 && host.exited > 0)
    (void)pexec_process_decide(host.process, host.exit.run,
                               PEXEC_DECIDE_RESTART, how & 32 ? 5000 : -1);
  if (how & 64)
    (void)pexec_process_advance(host.process, host.call_ticket);
}

static void act (struct fuzz_input *in) {
  switch (fuzz_below(in, 12)) {
    case 0: case 1: start(in); break;
    case 2: stop(); break;
    case 3: restart(); break;
    case 4:
      if (fuzz_below(in, 3) == 0)
        kill_group();
      break;
    case 5: (void)pexec_process_cancel(host.process, PEXEC_ECANCELED); break;
    case 6: fail_next(in); break;
    case 7: send(in); break;
    case 8: change_mind(in); break;
    default: host_run(read_ns(in)); break;
  }
}

/* {== what holds ========================================================= */

/* With one process, and nothing to do at this instant. */
static void check_state (void) {
  /* of one that never was started the host's side alone knows */
  int phase = ordered.starts == 0 && ordered.is_final ? PEXEC__STOPPED
                                                      : host.process->phase;
  const char *name = pexec_state_name(host_state());
  if (strcmp(name, told_as[phase]) != 0)
    (void)fprintf(stderr, "%s: told as %s in %s\n", host.order, name,
                  pexec__phase_name((enum pexec__phase)phase));
  EXPECT(strcmp(name, told_as[phase]) == 0);
  EXPECT((host_pid() != 0) <= (fake.living + fake.zombies > 0));
}

/* A child is started and dies, and then the next one is; after the stop
   nothing comes. */
static void check_transitions (void) {
  bool lives = false, is_stopped = false;
  for (int i = 0; i < host.changes && i < HOST_CHANGES; i++) {
    enum pexec_transition what = host.change[i].transition;
    EXPECT(host.change[i].missed == 0);
    EXPECT(!is_stopped);
    EXPECT(what != PEXEC_TRANSITION_STARTED || !lives);
    EXPECT(what != PEXEC_TRANSITION_EXITED || lives);
    lives = what == PEXEC_TRANSITION_STARTED ||
            (lives && what != PEXEC_TRANSITION_EXITED);
    is_stopped = (what == PEXEC_TRANSITION_STOPPED);
  }
  EXPECT(!lives || host.changes > HOST_CHANGES);
}

/* Of a one-shot those in its group may be left. Without the newer calls, the
   group of a leader of whose death nothing can be learned is nobody's. */
static bool may_survive (void) {
  return ordered.is_one_shot || (fake.is_basic && ordered.is_flawed);
}

/* Orders of a kind that come at once have one answer. */
static void check_answers (void) {
  EXPECT(host.started == ordered.starts);
  EXPECT(ordered.stopped_before < host.stopped);
  EXPECT(ordered.restarted_before < host.restarted);
  EXPECT(host.ended == ordered.starts);
  EXPECT(!pexec_process_is_active(host.process));
  EXPECT(fake.living == 0 || may_survive());
  if (!ordered.is_flawed)
    check_transitions();
}

/* With FUZZ_TRACE in the environment: what was heard, for who looks into a
   finding. */
static void trace (const char *what, unsigned how) {
  static int is_wanted = -1;
  if (is_wanted < 0)
    is_wanted = (getenv("FUZZ_TRACE") != NULL);
  if (is_wanted)
    (void)fprintf(stderr, "%lld: %s %u: %s\n%s", (long long)fake.now_ns, what,
                  how, host.order, host.log);
}

static bool make (void) {
  if (host.supervisor == NULL ||
      pexec_process_new(host.supervisor, &host.config, &host.process) < 0)
    return false;
  return pexec_process_subscribe(host.process,
                                 (1U << PEXEC_TRANSITION_COUNT) - 1) == 0;
}

static void live (struct fuzz_input *in) {
  while (in->at < in->end) {
    trace("next", *in->at % 12);
    act(in);
    host_pull();
  }
  fake_fail(0, 0, false);
  host_run(0);
  check_state();
  if (pexec_process_is_active(host.process))
    stop();
  host_run(LONG_NS);
  trace("all over", 0);
  check_state();
  check_answers();
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct fake_program programs[PROGRAMS];
  struct fuzz_input in = { data, data + size };
  unsigned how = 0;
  if (documented_cells == 0)
    read_table();
  memset(&ordered, 0, sizeof ordered);
  ordered.stopped_before = ordered.restarted_before = -1;
  for (int i = 0; i < PROGRAMS; i++)
    how = read_program(&in, &programs[i]);
  fake.is_basic = (how & 4) != 0;
  host_begin(programs, PROGRAMS);
  read_config(&in);
  choose_stages(how & 3);
  if (make()) {
    live(&in);
    pexec_process_release(host.process);
  }
  if (may_survive())
    fake.survivors = fake.living;
  host_end();
  return 0;
}
