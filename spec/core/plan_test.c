/*
** Specifies what a child is prepared with: its environment, where its program
** may be, its directories; and how a failure is told. One thread.
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan.h"
#include "sys.h"

#define LIST(...) ((const char *const []){ __VA_ARGS__, NULL })

/* {== what a plan is made of ============================================= */

static pexec_config from;
static struct pexec__config *config;
static struct pexec__host host;
static struct pexec__plan plan;
static char directory[64], script[72];  /* of this test; in it */
static const char *const empty[] = { NULL };

static void set_host (const char *const *variables, const char *cwd) {
  host = (struct pexec__host){ .cwd = (char *)(uintptr_t)cwd };
  host.environ = (char **)(uintptr_t)variables;
  while (variables[host.count] != NULL)
    host.bytes += strlen(variables[host.count++]) + 1;
}

static int begin (void **state) {
  (void)state;
  from = (pexec_config)PEXEC_CONFIG_INIT;
  from.id = "id";
  from.name = "prog";
  memset(&plan, 0, sizeof plan);
  config = NULL;
  set_host(empty, "/host");
  return 0;
}

static void forget_plan (void) {
  pexec__plan_free(&plan);
  if (config != NULL)
    pexec__config_free(config);
  config = NULL;
}

static int end (void **state) {
  (void)state;
  forget_plan();
  return 0;
}

static void make_plan (void) {
  assert_int_equal(pexec__config_copy(&from, &config), 0);
  assert_int_equal(pexec__plan_make(&plan, config, &host), 0);
}

static void plan_for_user (const char *name, const char *home,
                           const char *shell) {
  plan.identity = (struct pexec__identity){ .is_changed = true, .uid = 1000 };
  plan.identity.name = pexec__strdup(name);
  plan.identity.home = pexec__strdup(home);
  plan.identity.shell = pexec__strdup(shell);
  make_plan();
}

static void expect_list (char *const *list, const char *const *expected) {
  for (; *expected != NULL; expected++, list++) {
    if (*list == NULL)
      fail_msg("\"%s\" is missing", *expected);
    assert_string_equal(*list, *expected);
  }
  if (*list != NULL)
    fail_msg("\"%s\" is too much", *list);
}

static void expect_environment (const char *const *expected) {
  make_plan();
  expect_list(plan.envp, expected);
}

static void expect_candidates (const char *const *expected) {
  make_plan();
  expect_list(plan.candidates, expected);
}

/* {== the environment ==================================================== */

static void the_hosts_environment_is_passed_on (void **state) {
  (void)state;
  set_host(LIST("A=1", "B=", "C=x=y"), NULL);
  expect_environment(LIST("A=1", "B=", "C=x=y"));
}

static void the_configured_one_is_added (void **state) {
  (void)state;
  set_host(LIST("A=1"), NULL);
  from.environment = LIST("B=2", "C=3");
  expect_environment(LIST("A=1", "B=2", "C=3"));
}

static void it_overrides_the_hosts (void **state) {
  (void)state;
  set_host(LIST("A=1", "AB=2", "B=3"), NULL);
  from.environment = LIST("A=new");
  expect_environment(LIST("AB=2", "B=3", "A=new"));
}

static void an_empty_value_overrides_too (void **state) {
  (void)state;
  set_host(LIST("A=1", "B=2"), NULL);
  from.environment = LIST("A=");
  expect_environment(LIST("B=2", "A="));
}

static void every_duplicate_of_the_host_is_overridden (void **state) {
  (void)state;
  set_host(LIST("A=1", "B=2", "A=3"), NULL);
  from.environment = LIST("A=new");
  expect_environment(LIST("B=2", "A=new"));
}

static void odd_strings_of_the_host_are_passed_on (void **state) {
  (void)state;
  set_host(LIST("no equals", "=begins", ""), NULL);
  from.environment = LIST("A=1");
  expect_environment(LIST("no equals", "=begins", "", "A=1"));
}

static void an_empty_environment_is_empty (void **state) {
  (void)state;
  expect_environment(empty);
}

static void a_user_brings_home_and_names (void **state) {
  (void)state;
  set_host(LIST("HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/zsh",
                "LANG=C"), NULL);
  plan_for_user("bob", "/home/bob", "/bin/sh");
  expect_list(plan.envp, LIST("LANG=C", "HOME=/home/bob", "USER=bob",
                              "LOGNAME=bob", "SHELL=/bin/sh"));
}

static void a_users_variables_yield_to_configured_ones (void **state) {
  (void)state;
  set_host(LIST("HOME=/root", "USER=root"), NULL);
  from.environment = LIST("HOME=/srv", "SHELL=");
  plan_for_user("bob", "/home/bob", "/bin/sh");
  expect_list(plan.envp, LIST("USER=bob", "LOGNAME=bob", "HOME=/srv",
                              "SHELL="));
}

static void give_files (const char *const *variables) {
  struct pexec__dotenv *dotenv = &plan.dotenv;
  while (variables[dotenv->count] != NULL)
    dotenv->count++;
  dotenv->variables = pexec__calloc(dotenv->count + 1, sizeof(char *));
  for (size_t i = 0; i < dotenv->count; i++)
    dotenv->variables[i] = pexec__strdup(variables[i]);
}

static void files_stand_between_the_user_and_the_configured (void **state) {
  (void)state;
  set_host(LIST("A=host", "B=host", "HOME=/root"), NULL);
  give_files(LIST("A=file", "HOME=/file", "C=file", "D=file"));
  from.environment = LIST("C=own");
  plan_for_user("bob", "/home/bob", "/bin/sh");
  expect_list(plan.envp, LIST("B=host", "USER=bob", "LOGNAME=bob",
                              "SHELL=/bin/sh", "A=file", "HOME=/file",
                              "D=file", "C=own"));
}

static void nothing_of_the_host_is_left_where_it_is_cleared (void **state) {
  (void)state;
  set_host(LIST("A=host", "PATH=/host"), NULL);
  give_files(LIST("B=file"));
  from.environment = LIST("C=own");
  from.clears_environment = 1;
  plan_for_user("bob", "/home/bob", "/bin/sh");
  expect_list(plan.envp, LIST("HOME=/home/bob", "USER=bob", "LOGNAME=bob",
                              "SHELL=/bin/sh", "B=file", "C=own"));
}

static void nor_is_its_path_searched (void **state) {
  (void)state;
  set_host(LIST("PATH=/host"), NULL);
  from.clears_environment = 1;
  expect_candidates(LIST("/usr/local/bin/prog", "/usr/bin/prog",
                         "/bin/prog"));
}

static void a_path_of_a_file_is_searched (void **state) {
  (void)state;
  set_host(LIST("PATH=/host"), NULL);
  give_files(LIST("PATH=/file"));
  expect_candidates(LIST("/file/prog"));
}

static void without_a_user_home_is_the_hosts (void **state) {
  (void)state;
  set_host(LIST("HOME=/root", "USER=root"), NULL);
  expect_environment(LIST("HOME=/root", "USER=root"));
}

/* {== where the program may be =========================================== */

static void a_name_is_looked_up_in_the_hosts_path (void **state) {
  (void)state;
  set_host(LIST("PATH=/a:/b/c"), NULL);
  expect_candidates(LIST("/a/prog", "/b/c/prog"));
}

static void the_childs_path_goes_before_the_hosts (void **state) {
  (void)state;
  set_host(LIST("PATH=/a:/b"), NULL);
  from.environment = LIST("PATH=/child");
  expect_candidates(LIST("/child/prog"));
}

static void an_empty_element_is_the_current_directory (void **state) {
  static const struct { const char *path, *first, *second, *third; } cases[] = {
    { "PATH=:/a", "./prog", "/a/prog", NULL },
    { "PATH=/a:", "/a/prog", "./prog", NULL },
    { "PATH=/a::/b", "/a/prog", "./prog", "/b/prog" },
    { "PATH=", "./prog", NULL, NULL },
    { "PATH=:", "./prog", "./prog", NULL },
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    (void)begin(state);
    set_host(LIST(cases[i].path), NULL);
    expect_candidates(LIST(cases[i].first, cases[i].second, cases[i].third));
    forget_plan();
  }
}

static void without_a_path_the_usual_places_are_searched (void **state) {
  (void)state;
  set_host(LIST("PATHS=/a", "PATH"), NULL);
  expect_candidates(LIST("/usr/local/bin/prog", "/usr/bin/prog",
                         "/bin/prog"));
}

static void a_name_with_a_slash_is_a_path (void **state) {
  static const char *const names[] = { "/bin/sh", "./run", "bin/run", "run/" };
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    (void)begin(state);
    set_host(LIST("PATH=/a:/b"), NULL);
    from.name = names[i];
    expect_candidates(LIST(names[i]));
    forget_plan();
  }
}

static void the_arguments_begin_with_the_name_as_given (void **state) {
  (void)state;
  set_host(LIST("PATH=/a"), NULL);
  from.args = LIST("-x", "", "a b");
  make_plan();
  expect_list(plan.argv, LIST("prog", "-x", "", "a b"));
}

/* {== directories ======================================================== */

static void without_a_cwd_it_is_where_the_host_was (void **state) {
  (void)state;
  make_plan();
  assert_string_equal(plan.host_cwd, "/host");
  assert_null(plan.cwd);
}

static void an_absolute_cwd_needs_nothing_of_the_host (void **state) {
  (void)state;
  from.cwd = "/srv";
  make_plan();
  assert_null(plan.host_cwd);
  assert_string_equal(plan.cwd, "/srv");
}

static void a_relative_cwd_starts_at_where_the_host_was (void **state) {
  (void)state;
  from.cwd = "sub";
  make_plan();
  assert_string_equal(plan.host_cwd, "/host");
  assert_string_equal(plan.cwd, "sub");
}

static void a_host_that_is_nowhere_stays_there (void **state) {
  (void)state;
  set_host(empty, NULL);
  make_plan();
  assert_null(plan.host_cwd);
  assert_null(plan.cwd);
}

/* {== failures told ====================================================== */

static void expect_message (enum pexec__spawn_step step, int error,
                            const char *expected) {
  char *message = pexec__plan_failure(&plan, config, step, error);
  char told[512];
  assert_non_null(message);
  (void)snprintf(told, sizeof told, "%s", message);
  free(message);
  assert_string_equal(told, expected);
}

static void write_script (const char *text) {
  FILE *file = fopen(script, "we");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static void a_step_is_named_in_its_failure (void **state) {
  (void)state;
  make_plan();
  expect_message(PEXEC__STEP_PIPES, -EMFILE, "error starting process \"prog\":"
                 " making its pipes: too many open files");
  expect_message(PEXEC__STEP_CLONE, -EAGAIN, "error starting process \"prog\":"
                 " creating a child: resource temporarily unavailable");
}

static void a_failure_before_there_is_a_plan_can_be_told (void **state) {
  char *message;
  (void)state;
  make_plan();
  message = pexec__plan_failure(NULL, config, PEXEC__STEP_PIPES, -ENOMEM);
  assert_string_equal(message, "error starting process \"prog\": making its "
                      "pipes: cannot allocate memory");
  free(message);
}

static void a_bad_cwd_is_told_apart_from_a_bad_program (void **state) {
  (void)state;
  from.cwd = "sub";
  make_plan();
  expect_message(PEXEC__STEP_CWD, -ENOENT, "error setting process working "
                 "directory to \"sub\": no such file or directory");
  expect_message(PEXEC__STEP_HOST_CWD, -EACCES, "error setting process working"
                 " directory to \"/host\": permission denied");
}

static void a_bad_user_is_named (void **state) {
  (void)state;
  from.username = "0x10";
  make_plan();
  expect_message(PEXEC__STEP_USER, -ENOENT, "error starting process \"prog\": "
                 "there is no user \"0x10\"");
  expect_message(PEXEC__STEP_USER, -EIO, "error starting process \"prog\": "
                 "looking up user \"0x10\": input/output error");
  expect_message(PEXEC__STEP_IDENTITY, -EPERM, "error starting process "
                 "\"prog\": changing its user to \"0x10\": operation not "
                 "permitted");
}

static void a_bad_environment_file_is_named (void **state) {
  (void)state;
  make_plan();
  plan.environment_path = "/x/.env";
  expect_message(PEXEC__STEP_ENVIRONMENT, -ENOENT, "error starting process "
                 "\"prog\": reading its environment file \"/x/.env\": no such "
                 "file or directory");
  plan.dotenv.line = 3;
  plan.dotenv.flaw = "a flaw";
  expect_message(PEXEC__STEP_ENVIRONMENT, -EINVAL, "error starting process "
                 "\"prog\": reading its environment file \"/x/.env\": line 3: "
                 "a flaw");
}

static void a_bad_group_is_named (void **state) {
  (void)state;
  from.rights.group = "0x10";
  make_plan();
  plan.identity.wrong_group = "0x10";
  expect_message(PEXEC__STEP_GROUP, -ENOENT, "error starting process "
                 "\"prog\": there is no group \"0x10\"");
  expect_message(PEXEC__STEP_GROUP, -EIO, "error starting process \"prog\": "
                 "looking up group \"0x10\": input/output error");
  expect_message(PEXEC__STEP_IDENTITY, -EPERM, "error starting process "
                 "\"prog\": changing its group to \"0x10\": operation not "
                 "permitted");
}

static void groups_alone_are_told_of (void **state) {
  (void)state;
  from.rights.supplementary_groups = LIST("a");
  make_plan();
  expect_message(PEXEC__STEP_IDENTITY, -EPERM, "error starting process "
                 "\"prog\": setting its supplementary groups: operation not "
                 "permitted");
}

static void a_refused_number_is_named (void **state) {
  (void)state;
  from.rights.nice = -5;
  from.rights.oom_score_adj = -1000;
  make_plan();
  expect_message(PEXEC__STEP_NICE, -EACCES, "error starting process \"prog\": "
                 "setting its nice value to -5: permission denied");
  expect_message(PEXEC__STEP_OOM_SCORE, -EACCES, "error starting process "
                 "\"prog\": setting its oom_score_adj to -1000: permission "
                 "denied");
  assert_string_equal(plan.oom_score_adj, "-1000");
}

static void a_refused_limit_is_named (void **state) {
  const pexec_limit limits[] = { { PEXEC_RESOURCE_AS, 1, 2 },
      { PEXEC_RESOURCE_NOFILE, 1024, PEXEC_UNLIMITED } };
  (void)state;
  from.rights.limits = limits;
  from.rights.limit_count = 2;
  make_plan();
  plan.failed_item = 1;
  expect_message(PEXEC__STEP_LIMIT, -EPERM, "error starting process \"prog\": "
                 "setting its limit nofile to 1024:unlimited: operation not "
                 "permitted");
}

static void a_missing_cpu_is_named (void **state) {
  const int cpus[] = { 0, 999 };
  (void)state;
  from.rights.cpus = cpus;
  from.rights.cpu_count = 2;
  make_plan();
  plan.failed_item = 1;
  expect_message(PEXEC__STEP_CPUS, -EINVAL, "error starting process \"prog\": "
                 "there is no CPU 999 for it");
  expect_message(PEXEC__STEP_CPUS, -EPERM, "error starting process \"prog\": "
                 "setting its cpu_affinity: operation not permitted");
}

static void without_a_score_it_is_zero (void **state) {
  (void)state;
  make_plan();
  assert_string_equal(plan.oom_score_adj, "0");
}

static void a_name_that_is_nowhere_is_not_in_path (void **state) {
  (void)state;
  set_host(LIST("PATH=/nonexistent-1:/nonexistent-2"), NULL);
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOENT, "error starting process \"prog\": "
                 "executable file not found in PATH");
}

static void a_path_that_is_not_there_is_named (void **state) {
  (void)state;
  from.name = "/nonexistent/prog";
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOENT, "error starting process "
                 "\"/nonexistent/prog\": executing \"/nonexistent/prog\": no "
                 "such file or directory");
}

static void the_candidate_that_was_found_is_named (void **state) {
  (void)state;
  set_host(LIST("PATH=/a:/b"), NULL);
  make_plan();
  plan.failed_candidate = 1;
  expect_message(PEXEC__STEP_EXEC, -EACCES, "error starting process \"prog\": "
                 "executing \"/b/prog\": permission denied");
}

static void a_script_without_a_first_line_gets_a_hint (void **state) {
  (void)state;
  from.name = "/x/prog";
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOEXEC, "error starting process "
                 "\"/x/prog\": executing \"/x/prog\": exec format error (a "
                 "script needs a first line such as #!/bin/sh)");
}

/* The script "prog", with this text, is told to fail like this. */
static void expect_of_script (const char *text, const char *expected) {
  char full[512];
  write_script(text);
  (void)snprintf(full, sizeof full, "error starting process \"%s\": executing "
                 "\"%s\": %s", from.name, script, expected);
  expect_message(PEXEC__STEP_EXEC, -ENOENT, full);
  assert_int_equal(unlink(script), 0);
}

static void a_missing_interpreter_is_named (void **state) {
  (void)state;
  from.name = script;
  make_plan();
  expect_of_script("#!/no/such -x\nexit\n",
                   "its interpreter \"/no/such\" does not exist");
  expect_of_script("#! \t/no/such",
                   "its interpreter \"/no/such\" does not exist");
}

static void a_carriage_return_is_told (void **state) {
  (void)state;
  from.name = script;
  make_plan();
  expect_of_script("#!/bin/sh\r\nexit\r\n", "its first line ends in a "
                   "carriage return, so that its interpreter is not found; "
                   "save it with Unix line ends");
}

/* There the carriage return is not what is wrong. */
static void one_after_an_argument_is_not_blamed (void **state) {
  (void)state;
  from.name = script;
  make_plan();
  expect_of_script("#!/no/such -x\r\nexit\r\n",
                   "its interpreter \"/no/such\" does not exist");
}

static void a_missing_loader_is_told (void **state) {
  (void)state;
  from.name = script;
  make_plan();
  expect_of_script("\177ELF", "the loader that it names does not exist");
}

/* exec has looked further, and says of each candidate that it is not there. */
static void a_script_found_in_path_is_looked_at_too (void **state) {
  char path[128];
  (void)state;
  (void)snprintf(path, sizeof path, "PATH=/nonexistent:%s:/bin", directory);
  set_host(LIST(path), NULL);
  make_plan();
  expect_of_script("#!/no/such\n",
                   "its interpreter \"/no/such\" does not exist");
}

static void a_relative_script_is_looked_for_where_the_child_was (void **state) {
  static const char told[] = "error starting process \"./prog\": executing "
      "\"./prog\": its interpreter \"/no/such\" does not exist";
  (void)state;
  write_script("#!/no/such\n");
  from.name = "./prog";
  set_host(empty, directory);
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOENT, told);
  forget_plan();
  from.cwd = directory;
  set_host(empty, "/nonexistent");
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOENT, told);
  forget_plan();
  from.cwd = strrchr(directory, '/') + 1;
  set_host(empty, "/tmp");
  make_plan();
  expect_message(PEXEC__STEP_EXEC, -ENOENT, told);
  assert_int_equal(unlink(script), 0);
}

/* {== files =============================================================== */

static void one_that_is_not_wanted_any_more_opens_nothing (void **state) {
  pexec_file file = PEXEC_FILE_INIT;
  const pexec_file *const files[] = { &file, NULL };
  (void)state;
  file.path = script;
  from.output[0].files = files;
  from.input = (pexec_input){ .source = PEXEC_FROM_FILE, .path = "/dev/null" };
  from.environment_files = LIST("/dev/null");
  make_plan();
  plan.fds[0] = plan.fds[1] = -1;
  plan.fds[2] = 3;
  atomic_store(&plan.is_unwanted, true);
  assert_int_equal(pexec__plan_open_input(&plan, config, &host), -ECANCELED);
  assert_int_equal(pexec__plan_read_environment(&plan, config, &host),
                   -ECANCELED);
  assert_int_equal(pexec__plan_open_outputs(&plan, config, &host),
                   -ECANCELED);
  assert_int_equal(plan.input_fd + plan.output_fds[0], 0);
  assert_int_not_equal(access(script, F_OK), 0);
}

static int make_directory (void **state) {
  (void)state;
  strcpy(directory, "/tmp/pexec-plan-XXXXXX");
  if (mkdtemp(directory) == NULL)
    return -1;
  return sprintf(script, "%s/prog", directory) < 0;
}

static int remove_directory (void **state) {
  (void)state;
  return rmdir(directory);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(the_hosts_environment_is_passed_on),
    SPEC(the_configured_one_is_added),
    SPEC(it_overrides_the_hosts),
    SPEC(an_empty_value_overrides_too),
    SPEC(every_duplicate_of_the_host_is_overridden),
    SPEC(odd_strings_of_the_host_are_passed_on),
    SPEC(an_empty_environment_is_empty),
    SPEC(a_user_brings_home_and_names),
    SPEC(a_users_variables_yield_to_configured_ones),
    SPEC(files_stand_between_the_user_and_the_configured),
    SPEC(nothing_of_the_host_is_left_where_it_is_cleared),
    SPEC(nor_is_its_path_searched),
    SPEC(a_path_of_a_file_is_searched),
    SPEC(a_bad_environment_file_is_named),
    SPEC(without_a_user_home_is_the_hosts),
    SPEC(a_name_is_looked_up_in_the_hosts_path),
    SPEC(the_childs_path_goes_before_the_hosts),
    SPEC(an_empty_element_is_the_current_directory),
    SPEC(without_a_path_the_usual_places_are_searched),
    SPEC(a_name_with_a_slash_is_a_path),
    SPEC(the_arguments_begin_with_the_name_as_given),
    SPEC(without_a_cwd_it_is_where_the_host_was),
    SPEC(an_absolute_cwd_needs_nothing_of_the_host),
    SPEC(a_relative_cwd_starts_at_where_the_host_was),
    SPEC(a_host_that_is_nowhere_stays_there),
    SPEC(a_step_is_named_in_its_failure),
    SPEC(a_failure_before_there_is_a_plan_can_be_told),
    SPEC(a_bad_cwd_is_told_apart_from_a_bad_program),
    SPEC(a_bad_user_is_named),
    SPEC(a_bad_group_is_named),
    SPEC(groups_alone_are_told_of),
    SPEC(a_refused_number_is_named),
    SPEC(a_refused_limit_is_named),
    SPEC(a_missing_cpu_is_named),
    SPEC(without_a_score_it_is_zero),
    SPEC(a_name_that_is_nowhere_is_not_in_path),
    SPEC(a_path_that_is_not_there_is_named),
    SPEC(the_candidate_that_was_found_is_named),
    SPEC(a_script_without_a_first_line_gets_a_hint),
    SPEC(a_missing_interpreter_is_named),
    SPEC(a_carriage_return_is_told),
    SPEC(one_after_an_argument_is_not_blamed),
    SPEC(a_missing_loader_is_told),
    SPEC(a_script_found_in_path_is_looked_at_too),
    SPEC(a_relative_script_is_looked_for_where_the_child_was),
    SPEC(one_that_is_not_wanted_any_more_opens_nothing),
  };
  return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
