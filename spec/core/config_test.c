/*
** Specifies a process's configuration: what is refused, that a copy shares
** nothing with what it was made from, who frees it, and by which route each
** stream leaves a child. Its memory and loggers are the test's. One thread.
**
** seam: own config.c terms.c stop_plan.c rights.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "sys.h"

#define LIST(...) ((const char *const []){ __VA_ARGS__, NULL })
#define FILES(...) ((const pexec_file *const []){ __VA_ARGS__, NULL })
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* {== what config.c stands on ============================================ */

struct pexec_logger {
  int references;
};

static int blocks;           /* not freed yet */
static bool is_out_of_memory;

void *pexec__calloc (size_t count, size_t size) {
  void *block = is_out_of_memory ? NULL : calloc(count, size);
  blocks += (block != NULL);
  return block;
}

void pexec__free (void *block) {
  blocks -= (block != NULL);
  free(block);
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  logger->references++;
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  logger->references--;
}

/* {== what a copy is made of ============================================= */

static pexec_config from;
static pexec_file file, other;
static struct pexec__config *config;  /* NULL: none */
static pexec_logger logger;

static int begin (void **state) {
  (void)state;
  from = (pexec_config)PEXEC_CONFIG_INIT;
  from.id = "id";
  from.name = "prog";
  file = other = (pexec_file)PEXEC_FILE_INIT;
  file.path = "/log/a";
  other.path = "/log/b";
  logger.references = 0;
  is_out_of_memory = false;
  config = NULL;
  return 0;
}

static void drop (void) {
  if (config != NULL)
    pexec__config_free(config);
  config = NULL;
}

static int end (void **state) {
  (void)state;
  drop();
  return blocks != 0 || logger.references != 0;
}

static void copy (void) {
  drop();
  assert_int_equal(pexec__config_copy(&from, &config), 0);
}

static void expect_refused (void) {
  assert_int_equal(pexec__config_copy(&from, &config),
                   PEXEC_EINVALID_CONFIG);
  assert_null(config);
}

/* {== what is refused ==================================================== */

static void the_least_that_is_needed_is_taken (void **state) {
  (void)state;
  copy();
  assert_string_equal(config->id, "id");
  assert_string_equal(config->name, "prog");
}

static void what_an_older_struct_has_not_is_as_usual (void **state) {
  pexec_config whole;
  (void)state;
  from.size = offsetof(pexec_config, tail_size);
  from.user = &from;
  from.tail_size = 1;
  from.restart_limit = 5;
  assert_true(pexec__config_complete(&from, &whole));
  assert_ptr_equal(whole.user, &from);
  assert_int_equal(whole.size, sizeof whole);
  assert_int_equal(whole.tail_size, 16384);
  assert_int_equal(whole.restart_limit, -1);
  from.size = offsetof(pexec_config, name);
  assert_false(pexec__config_complete(&from, &whole));
}

static void a_later_struct_is_taken (void **state) {
  struct { pexec_config config; char more[16]; } later = { from, "more" };
  pexec_config whole;
  (void)state;
  later.config.size = sizeof later;
  assert_true(pexec__config_complete(&later.config, &whole));
  assert_string_equal(whole.id, "id");
}

static void what_an_older_file_has_not_is_as_usual (void **state) {
  (void)state;
  file.size = offsetof(pexec_file, keep);
  file.max_size = 7;
  file.keep = -1;
  file.compress = 1;
  from.output[0].files = FILES(&file, &other);
  copy();
  assert_int_equal(config->output[0].files[0]->max_size, 7);
  assert_int_equal(config->output[0].files[0]->keep, 5);
  assert_int_equal(config->output[0].files[0]->compress, 0);
  assert_string_equal(config->output[0].files[1]->path, "/log/b");
}

static void id_and_name_are_required (void **state) {
  const char **const fields[] = { &from.id, &from.name };
  (void)state;
  for (size_t i = 0; i < COUNT(fields); i++) {
    const char *good = *fields[i];
    *fields[i] = NULL;
    expect_refused();
    *fields[i] = "";
    expect_refused();
    *fields[i] = good;
  }
}

static void a_variable_has_a_name_and_a_value (void **state) {
  (void)state;
  from.environment = LIST("A=", "B");
  expect_refused();
  from.environment = LIST("=B");
  expect_refused();
}

static void a_signal_is_one_that_there_can_be (void **state) {
  const int wrong[] = { 0, -1, SIGRTMAX + 1 };
  (void)state;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    from.stop_signal = wrong[i];
    expect_refused();
  }
}

static void waits_are_within_35_years (void **state) {
  (void)state;
  from.stop_timeout_ms = 99;
  expect_refused();
  from.stop_timeout_ms = INT64_MAX;
  expect_refused();
  from.stop_timeout_ms = 100;
  from.restart_delay_ms = -1;
  expect_refused();
  from.restart_delay_ms = INT64_MAX;
  expect_refused();
}

static void a_stage_that_cannot_be_is_refused (void **state) {
  const int64_t all_ms = INT64_C(1) << 40;
  const pexec_stop_stage wrong[] = {
    { PEXEC_SIGNAL_PROCESS, 0, NULL, 1 },
    { PEXEC_SIGNAL_GROUP, SIGRTMAX + 1, NULL, 1 },
    { PEXEC_RUN, 0, NULL, 1 }, { PEXEC_RUN, 0, LIST(""), 1 },
    { PEXEC_CALL, 0, NULL, -1 }, { PEXEC_CALL, 0, NULL, all_ms + 1 },
    { (enum pexec_stage_kind)4, 15, NULL, 1 },
  };
  const pexec_stop_stage too_long[] = {
    { PEXEC_CALL, 0, NULL, all_ms }, { PEXEC_CALL, 0, NULL, 1 },
  };
  (void)state;
  from.stop_stage_count = 1;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    from.stop_sequence = &wrong[i];
    expect_refused();
  }
  from.stop_sequence = too_long;
  copy();
  drop();
  from.stop_stage_count = 2;
  expect_refused();
}

static void there_are_as_many_stages_as_are_allowed (void **state) {
  static pexec_stop_stage stages[PEXEC_STOP_STAGES_MAX + 1];
  (void)state;
  for (size_t i = 0; i < COUNT(stages); i++)
    stages[i] = (pexec_stop_stage){ PEXEC_SIGNAL_GROUP, 15, NULL, 0 };
  from.stop_sequence = stages;
  from.stop_stage_count = PEXEC_STOP_STAGES_MAX;
  copy();
  assert_int_equal(config->stop.count, PEXEC_STOP_STAGES_MAX);
  drop();
  from.stop_stage_count++;
  expect_refused();
}

static void something_may_always_wait_for_the_host (void **state) {
  (void)state;
  from.events_buffer = 0;
  expect_refused();
}

static void expect_file_refused (void) {
  for (int i = 0; i < 2; i++) {
    from.output[i].files = FILES(&other, &file);
    expect_refused();
    from.output[i].files = NULL;
  }
}

#define EXPECT_FIELD_REFUSED(field, value) \
  do { \
    pexec_file good = file; \
    file.field = (value); \
    expect_file_refused(); \
    file = good; \
  } while (0)

static void a_file_that_cannot_be_is_refused (void **state) {
  (void)state;
  EXPECT_FIELD_REFUSED(size, offsetof(pexec_file, path));
  EXPECT_FIELD_REFUSED(path, NULL);
  EXPECT_FIELD_REFUSED(path, "");
  EXPECT_FIELD_REFUSED(mode, 010000);
  EXPECT_FIELD_REFUSED(format, (enum pexec_format)-1);
  EXPECT_FIELD_REFUSED(format, (enum pexec_format)(PEXEC_RAW + 1));
  EXPECT_FIELD_REFUSED(max_size, -1);
  EXPECT_FIELD_REFUSED(keep, -1);
  EXPECT_FIELD_REFUSED(rotate_every_ms, -1);
  EXPECT_FIELD_REFUSED(rotate_every_ms, INT64_MAX);
}

static void a_file_at_its_limits_is_taken (void **state) {
  (void)state;
  file.mode = 07777;
  file.max_size = INT64_MAX;
  file.keep = INT_MAX;
  from.output[0].files = from.output[1].files = FILES(&file);
  copy();
  file.mode = 0;
  file.max_size = file.keep = 0;
  copy();
}

static void only_stderr_merges (void **state) {
  (void)state;
  from.output[0].merges = 1;
  expect_refused();
  from.output[0].merges = 0;
  from.output[1].merges = 1;
  copy();
}

static void what_merges_goes_nowhere_else (void **state) {
  (void)state;
  from.output[1] = (pexec_output){ .merges = 1, .inherits = 1 };
  expect_refused();
  from.output[1] = (pexec_output){ .merges = 1, .files = FILES(&file) };
  expect_refused();
  from.output[1] = (pexec_output){ .merges = 1, .files = FILES(NULL) };
  copy();
}

static void an_input_that_cannot_be_is_refused (void **state) {
  static const pexec_input wrong[] = {
    { (enum pexec_source)-1, "a", "a", 1 },
    { (enum pexec_source)(PEXEC_FROM_PIPE + 1), "a", "a", 1 },
    { PEXEC_FROM_FILE, NULL, "a", 1 },
    { PEXEC_FROM_FILE, "", "a", 1 },
    { PEXEC_FROM_DATA, "a", NULL, 1 },
  };
  (void)state;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    from.input = wrong[i];
    expect_refused();
  }
}

static void without_memory_there_is_no_copy (void **state) {
  (void)state;
  from.logger = &logger;
  is_out_of_memory = true;
  assert_int_equal(pexec__config_copy(&from, &config), -ENOMEM);
  assert_null(config);
  assert_int_equal(logger.references, 0);
}

/* {== copies are deep ==================================================== */

/* Of what was handed in nothing is left as it was. */
static void spoil (void *memory, size_t size) {
  memset(memory, '#', size);
}

static void its_strings_are_its_own (void **state) {
  char id[] = "web", name[] = "/bin/web", cwd[] = "/srv", user[] = "www";
  (void)state;
  from.id = id;
  from.name = name;
  from.cwd = cwd;
  from.username = user;
  copy();
  spoil(id, sizeof id);
  spoil(name, sizeof name);
  spoil(cwd, sizeof cwd);
  spoil(user, sizeof user);
  assert_string_equal(config->id, "web");
  assert_string_equal(config->name, "/bin/web");
  assert_string_equal(config->cwd, "/srv");
  assert_string_equal(config->username, "www");
}

static void its_cgroup_is_its_own (void **state) {
  char path[] = "web/a";
  pexec_cgroup cgroup = { path, 1 << 20, PEXEC_CGROUP_MAX, 50 };
  (void)state;
  from.cgroup = &cgroup;
  copy();
  spoil(path, sizeof path);
  spoil(&cgroup, sizeof cgroup);
  assert_int_equal((uintptr_t)config->cgroup % _Alignof(pexec_cgroup), 0);
  assert_string_equal(config->cgroup->path, "web/a");
  assert_int_equal(config->cgroup->memory_max, 1 << 20);
  assert_int_equal(config->cgroup->pids_max, PEXEC_CGROUP_MAX);
  assert_int_equal(config->cgroup->cpu_weight, 50);
}

static void a_cgroup_that_cannot_be_is_refused (void **state) {
  pexec_cgroup cgroup = PEXEC_CGROUP_INIT;
  (void)state;
  from.cgroup = &cgroup;
  expect_refused();
  cgroup.path = "a/../b";
  expect_refused();
  cgroup.path = "a";
  copy();
}

static void its_arrays_are_its_own (void **state) {
  char argument[] = "-v", variable[] = "A=1";
  const char *args[] = { argument, "", NULL };
  const char *variables[] = { variable, NULL };
  (void)state;
  from.args = args;
  from.environment = variables;
  copy();
  spoil(argument, sizeof argument);
  spoil(variable, sizeof variable);
  args[0] = variables[0] = NULL;
  assert_string_equal(config->argv[0], "prog");
  assert_string_equal(config->argv[1], "-v");
  assert_string_equal(config->argv[2], "");
  assert_null(config->argv[3]);
  assert_string_equal(config->environment[0], "A=1");
  assert_null(config->environment[1]);
}

static void expect_odd_file (const pexec_file *copied) {
  assert_string_equal(copied->path, "/log/first");
  assert_int_equal(copied->mode, 0600);
  assert_int_equal(copied->format, PEXEC_LOGFMT);
  assert_int_equal(copied->max_size, 1);
  assert_int_equal(copied->keep, 2);
  assert_int_equal(copied->rotate_every_ms, 3);
  assert_int_equal(copied->compress, 1);
  assert_int_equal(copied->blocks, 1);
}

static void its_files_are_its_own (void **state) {
  char path[] = "/log/first", last[] = "/l";
  const pexec_file *first_files[] = { &file, &other, NULL };
  const pexec_file *last_files[] = { &other, NULL };
  (void)state;
  file = (pexec_file){ sizeof file, path, 0600, PEXEC_LOGFMT, 1, 2, 3, 1, 1 };
  other.path = last;
  from.output[0] = (pexec_output){ .inherits = 1, .files = first_files };
  from.output[1].files = last_files;
  copy();
  spoil(path, sizeof path);
  spoil(last, sizeof last);
  spoil(&file, sizeof file);
  spoil(&other, sizeof other);
  first_files[0] = last_files[0] = NULL;
  expect_odd_file(config->output[0].files[0]);
  assert_string_equal(config->output[0].files[1]->path, "/l");
  assert_null(config->output[0].files[2]);
  assert_string_equal(config->output[1].files[0]->path, "/l");
  assert_null(config->output[1].files[1]);
}

static void it_knows_which_streams_are_inherited (void **state) {
  (void)state;
  from.output[0] = (pexec_output){ .inherits = 2, .files = FILES(&file) };
  copy();
  assert_int_equal(config->output[0].inherits, 1);
  assert_int_equal(config->output[1].inherits, 0);
  assert_int_equal(config->output[0].merges, 0);
}

static void all_that_must_be_aligned_is (void **state) {
  (void)state;
  from.output[0].files = FILES(&file);
  from.output[1].files = FILES(&other, &file, &other);
  from.args = LIST("a");
  copy();
  for (int i = 0; i < 2; i++) {
    const pexec_file *const *files = config->output[i].files;
    assert_int_equal((uintptr_t)files % _Alignof(char *), 0);
    assert_int_equal((uintptr_t)files[0] % _Alignof(pexec_file), 0);
  }
  assert_int_equal((uintptr_t)config->argv % _Alignof(char *), 0);
  assert_int_equal((uintptr_t)config->environment % _Alignof(char *), 0);
}

static void a_stream_without_files_has_an_empty_array (void **state) {
  (void)state;
  copy();
  for (int i = 0; i < 2; i++) {
    assert_non_null(config->output[i].files);
    assert_null(config->output[i].files[0]);
  }
}

static void its_input_is_its_own (void **state) {
  char path[] = "/in", data[] = { 'a', 0, 'b' };
  (void)state;
  from.input = (pexec_input){ PEXEC_FROM_FILE, path, NULL, 0 };
  copy();
  spoil(path, sizeof path);
  assert_string_equal(config->input.path, "/in");
  from.input = (pexec_input){ PEXEC_FROM_DATA, NULL, data, sizeof data };
  copy();
  spoil(data, sizeof data);
  assert_int_equal(config->input.source, PEXEC_FROM_DATA);
  assert_int_equal(config->input.length, 3);
  assert_memory_equal(config->input.data, "a\0b", 3);
}

static void data_may_be_empty (void **state) {
  (void)state;
  from.input.source = PEXEC_FROM_DATA;
  copy();
  assert_int_equal(config->input.source, PEXEC_FROM_DATA);
  assert_int_equal(config->input.length, 0);
}

static void what_a_source_does_not_need_is_not_looked_at (void **state) {
  static const enum pexec_source sources[] = {
    PEXEC_FROM_NULL, PEXEC_FROM_HOST, PEXEC_FROM_PIPE
  };
  (void)state;
  from.input = (pexec_input){ PEXEC_FROM_NULL, (const char *)1, "", SIZE_MAX };
  for (size_t i = 0; i < COUNT(sources); i++) {
    from.input.source = sources[i];
    copy();
    assert_int_equal(config->input.source, sources[i]);
    assert_null(config->input.path);
    assert_null(config->input.data);
    assert_int_equal(config->input.length, 0);
  }
}

static void numbers_and_flags_are_taken_over (void **state) {
  (void)state;
  from.one_shot = from.asks = from.log_events = from.events_drop = 2;
  from.stop_signal = SIGUSR1;
  from.stop_timeout_ms = 200;
  from.restart_delay_ms = 0;
  from.output_events = PEXEC_STDERR;
  from.user = &from;
  from.tail_size = 7;
  from.events_buffer = 1;
  copy();
  assert_true(config->policy->is_one_shot && config->policy->asks);
  assert_true(config->log_events && config->events_drop);
  assert_int_equal(config->stop.stages[0].signo, SIGUSR1);
  assert_int_equal(config->policy->stop_timeout_ns, 200 * PEXEC__MS);
  assert_int_equal(config->policy->delays.first_ns, 0);
  assert_int_equal(config->output_events, PEXEC_STDERR);
  assert_ptr_equal(config->user, &from);
  assert_int_equal(config->tail_size, 7);
  assert_int_equal(config->events_buffer, 1);
}

/* {== loggers ============================================================ */

/* What a stop may take is then what they take. */
static void its_stages_are_its_own (void **state) {
  pexec_stop_stage stages[] = {
    { PEXEC_RUN, 0, LIST("a"), 200 }, { PEXEC_SIGNAL_GROUP, 3, NULL, 7 },
  };
  (void)state;
  from.stop_sequence = stages;
  from.stop_stage_count = 2;
  copy();
  stages[0].wait_ms = stages[1].signo = 1;
  assert_true(config->stop.is_given);
  assert_int_equal(config->stop.stages[0].kind, PEXEC_RUN);
  assert_int_equal(config->stop.stages[0].wait_ns, 200 * PEXEC__MS);
  assert_int_equal(config->stop.stages[1].signo, 3);
  assert_int_equal(config->policy->stop_timeout_ns, 207 * PEXEC__MS);
}

static void without_stages_a_stop_has_a_moment (void **state) {
  static const pexec_stop_stage none[1];
  (void)state;
  from.stop_sequence = none;
  copy();
  assert_true(config->stop.is_given);
  assert_int_equal(config->stop.count, 0);
  assert_int_equal(config->policy->stop_timeout_ns, 100 * PEXEC__MS);
}

static void it_holds_its_loggers_until_it_is_freed (void **state) {
  (void)state;
  from.logger = from.stdout_logger = from.stderr_logger = &logger;
  copy();
  assert_int_equal(blocks, 1);
  assert_int_equal(logger.references, 3);
  drop();
  assert_int_equal(blocks, 0);
  assert_int_equal(logger.references, 0);
}

/* Who lets go of a logger last ends it: that is not to be somebody who hangs
   somewhere. */
static void others_may_hold_it_without_its_loggers (void **state) {
  struct pexec__config *held;
  (void)state;
  from.logger = &logger;
  copy();
  held = pexec__config_hold(config);
  drop();
  assert_int_equal(logger.references, 0);
  assert_int_equal(blocks, 1);
  assert_string_equal(held->name, "prog");
  pexec__config_drop(held);
  assert_int_equal(blocks, 0);
}

/* {== routes ============================================================= */

static void expect_route (int stream, enum pexec__route route) {
  copy();
  assert_int_equal(pexec__config_route(config, stream), route);
}

static void make_direct (pexec_file *which) {
  which->max_size = 0;
}

static void a_stream_that_nobody_wants_goes_nowhere (void **state) {
  (void)state;
  expect_route(0, PEXEC__ROUTE_NULL);
  expect_route(1, PEXEC__ROUTE_NULL);
}

static void an_inherited_stream_is_the_hosts (void **state) {
  (void)state;
  from.output[1].inherits = 1;
  expect_route(0, PEXEC__ROUTE_NULL);
  expect_route(1, PEXEC__ROUTE_INHERIT);
}

static void a_raw_file_that_is_not_rotated_is_the_childs (void **state) {
  (void)state;
  make_direct(&file);
  file.compress = file.blocks = 1;  /* nothing to compress, nobody to wait */
  from.output[0].files = FILES(&file);
  expect_route(0, PEXEC__ROUTE_FILE);
  expect_route(1, PEXEC__ROUTE_NULL);
}

static void a_file_that_is_rotated_or_formatted_is_ours (void **state) {
  (void)state;
  from.output[0].files = FILES(&file);
  expect_route(0, PEXEC__ROUTE_PIPE);
  make_direct(&file);
  file.rotate_every_ms = 1000;
  expect_route(0, PEXEC__ROUTE_PIPE);
  file.rotate_every_ms = 0;
  file.format = PEXEC_TEXT;
  expect_route(0, PEXEC__ROUTE_PIPE);
}

static void of_several_destinations_none_is_the_childs (void **state) {
  (void)state;
  make_direct(&file);
  make_direct(&other);
  from.output[0].files = FILES(&file, &other);
  expect_route(0, PEXEC__ROUTE_PIPE);
  from.output[0].files = FILES(&file);
  from.output[0].inherits = 1;
  expect_route(0, PEXEC__ROUTE_PIPE);
}

/* With each of the other destinations, and with none. */
static void expect_all_piped (int stream) {
  pexec_output *output = &from.output[stream];
  expect_route(stream, PEXEC__ROUTE_PIPE);
  output->inherits = 1;
  expect_route(stream, PEXEC__ROUTE_PIPE);
  *output = (pexec_output){ .files = FILES(&file) };
  expect_route(stream, PEXEC__ROUTE_PIPE);
  *output = (pexec_output){ 0, 0, NULL };
}

static void loggers_and_events_want_a_pipe (void **state) {
  (void)state;
  make_direct(&file);
  from.output_events = PEXEC_STDOUT;
  expect_all_piped(0);
  expect_route(1, PEXEC__ROUTE_NULL);
  from.output_events = 0;
  from.stderr_logger = &logger;
  expect_all_piped(1);
  expect_route(0, PEXEC__ROUTE_NULL);
}

static void a_merged_stderr_says_nothing_of_its_own (void **state) {
  (void)state;
  from.output[1].merges = 1;
  from.stderr_logger = &logger;
  from.output_events = PEXEC_STDERR;
  expect_route(0, PEXEC__ROUTE_NULL);
  expect_route(1, PEXEC__ROUTE_MERGED);
  from.output[0].inherits = 1;
  expect_route(0, PEXEC__ROUTE_INHERIT);
  make_direct(&file);
  from.output[0] = (pexec_output){ .files = FILES(&file) };
  expect_route(0, PEXEC__ROUTE_FILE);
  from.stdout_logger = &logger;
  expect_route(0, PEXEC__ROUTE_PIPE);
  expect_route(1, PEXEC__ROUTE_MERGED);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_least_that_is_needed_is_taken),
    SPEC(what_an_older_struct_has_not_is_as_usual),
    SPEC(a_later_struct_is_taken),
    SPEC(what_an_older_file_has_not_is_as_usual),
    SPEC(id_and_name_are_required),
    SPEC(a_variable_has_a_name_and_a_value),
    SPEC(a_signal_is_one_that_there_can_be),
    SPEC(waits_are_within_35_years),
    SPEC(a_stage_that_cannot_be_is_refused),
    SPEC(there_are_as_many_stages_as_are_allowed),
    SPEC(something_may_always_wait_for_the_host),
    SPEC(a_file_that_cannot_be_is_refused),
    SPEC(a_file_at_its_limits_is_taken),
    SPEC(only_stderr_merges),
    SPEC(what_merges_goes_nowhere_else),
    SPEC(an_input_that_cannot_be_is_refused),
    SPEC(without_memory_there_is_no_copy),
    SPEC(its_strings_are_its_own),
    SPEC(its_cgroup_is_its_own),
    SPEC(a_cgroup_that_cannot_be_is_refused),
    SPEC(its_arrays_are_its_own),
    SPEC(its_files_are_its_own),
    SPEC(it_knows_which_streams_are_inherited),
    SPEC(all_that_must_be_aligned_is),
    SPEC(a_stream_without_files_has_an_empty_array),
    SPEC(its_input_is_its_own),
    SPEC(data_may_be_empty),
    SPEC(what_a_source_does_not_need_is_not_looked_at),
    SPEC(numbers_and_flags_are_taken_over),
    SPEC(its_stages_are_its_own),
    SPEC(without_stages_a_stop_has_a_moment),
    SPEC(it_holds_its_loggers_until_it_is_freed),
    SPEC(others_may_hold_it_without_its_loggers),
    SPEC(a_stream_that_nobody_wants_goes_nowhere),
    SPEC(an_inherited_stream_is_the_hosts),
    SPEC(a_raw_file_that_is_not_rotated_is_the_childs),
    SPEC(a_file_that_is_rotated_or_formatted_is_ours),
    SPEC(of_several_destinations_none_is_the_childs),
    SPEC(loggers_and_events_want_a_pipe),
    SPEC(a_merged_stderr_says_nothing_of_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
