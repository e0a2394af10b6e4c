/*
** Stop programs: those of the stages of a stop that run one. Each is a
** process of its own, made with the one that it stops and freed with it, of
** which the host knows nothing: it hears no news of it, and orders nothing.
** Its end is told to its owner by the owner's timer, so that each of the two
** changes in a turn of its own.
**
** It asks what follows its death, and is answered when its stage is over:
** until then its group can still be reached. The supervisor's thread, but for
** what makes and frees them.
*/

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core.h"

/* {== making them: the host's thread ===================================== */

#define PID_VARIABLE "MAINPID="
#define ID_VARIABLE "PEXEC_ID="

static bool begins_with (const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

static size_t count_of (const char *const *array) {
  size_t count = 0;
  while (array != NULL && array[count] != NULL)
    count++;
  return count;
}

/* Two strings, then what the process's is but for their names; to be freed.
   The first one has room for any number. */
static const char **make_environment (const char *const *from,
                                      const char *id) {
  static const char pid[] = PID_VARIABLE "-2147483648";
  size_t count = count_of(from), n = 0;
  size_t size = (count + 3) * sizeof(char *);
  const char **made = pexec__malloc(size + sizeof ID_VARIABLE + strlen(id));
  if (made == NULL)
    return NULL;
  made[n++] = pid;
  made[n++] = (char *)made + size;
  (void)sprintf((char *)made + size, "%s%s", ID_VARIABLE, id);
  for (size_t i = 0; i < count; i++)
    if (!begins_with(from[i], PID_VARIABLE) &&
        !begins_with(from[i], ID_VARIABLE))
      made[n++] = from[i];
  made[n] = NULL;
  return made;
}

/* Its lines go where the process's messages go. */
static pexec_config config_of (const pexec_config *owner,
                               const pexec_stop_stage *stage,
                               const char *const *environment) {
  pexec_config config = PEXEC_CONFIG_INIT;
  config.id = owner->id;
  config.name = stage->run[0];
  config.args = stage->run + 1;
  config.environment = environment;
  config.cwd = owner->cwd;
  config.username = owner->username;
  config.rights = owner->rights;
  config.rights.host_death = PEXEC_HOST_DEATH_KILL;
  config.clears_environment = owner->clears_environment;
  config.environment_files =
      (const char *const *)owner->environment_files;
  config.asks = 1;
  config.restart = PEXEC_RESTART_NEVER;
  config.stop_timeout_ms = 100;
  config.stdout_logger = config.stderr_logger = owner->logger;
  if (owner->log_events)
    config.output_events = PEXEC_STDOUT | PEXEC_STDERR;
  config.tail_size = 0;
  return config;
}

static int make_one (pexec_process *owner, const pexec_config *from,
                     const char *const *environment, size_t number) {
  pexec_config config = config_of(from, &from->stop_sequence[number],
                                  environment);
  pexec_process *program;
  int error = pexec__process_make(owner->supervisor, &config, &program);
  if (error < 0)
    return error;
  program->owner = owner;
  program->number = number;
  program->is_silent = true;
  owner->programs[number] = program;
  return 0;
}

static int make_all (pexec_process *owner, const pexec_config *config) {
  const char **environment = make_environment(config->environment,
                                              config->id);
  int error = 0;
  if (environment == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < owner->config->stop.count && error >= 0; i++)
    if (owner->config->stop.stages[i].kind == PEXEC_RUN)
      error = make_one(owner, config, environment, i);
  pexec__free(environment);
  return error;
}

static bool runs_any (const struct pexec__stop_plan *plan) {
  for (size_t i = 0; i < plan->count; i++)
    if (plan->stages[i].kind == PEXEC_RUN)
      return true;
  return false;
}

int pexec__programs_make (pexec_process *owner, const pexec_config *config) {
  const struct pexec__stop_plan *plan = &owner->config->stop;
  if (!runs_any(plan))
    return 0;
  owner->programs = pexec__calloc(plan->count, sizeof *owner->programs);
  return owner->programs != NULL ? make_all(owner, config)
                                 : -ENOMEM;
}

pexec_process *pexec__program_next (const pexec_process *owner,
                                    size_t *number) {
  while (owner->programs != NULL && *number < owner->config->stop.count) {
    pexec_process *program = owner->programs[(*number)++];
    if (program != NULL)
      return program;
  }
  return NULL;
}

/* {== running one ======================================================== */

bool pexec__programs_are_running (const pexec_process *owner) {
  const pexec_process *program;
  size_t number = 0;
  while ((program = pexec__program_next(owner, &number)) != NULL)
    if (!pexec__process_is_at_rest(program))
      return true;
  return false;
}

/* No plan is made of it meanwhile: nothing of it is at the spawner. */
static void set_pid (pexec_process *program, int pid) {
  char *variable = program->config->environment[0];
  (void)snprintf(variable, strlen(variable) + 1, PID_VARIABLE "%d", pid);
}

static void refuse (pexec_process *owner, const pexec_process *program,
                    const char *reason) {
  pexec__log(owner, PEXEC_ERROR, "stop program \"%s\" %s",
             program->config->name, reason);
  pexec__stop_cut_short(owner);
}

void pexec__program_begin (pexec_process *owner, size_t number) {
  pexec_process *program = owner->programs[number];
  if (!pexec__process_is_at_rest(program)) {
    refuse(owner, program, "still runs since an earlier stop");
    return;
  }
  pexec__log(owner, PEXEC_INFO, "stopping process %d by running \"%s\"",
             owner->child.pid, program->config->name);
  set_pid(program, owner->child.pid);
  program->umask = owner->umask;
  program->cancel_reason = 0;
  owner->program = program;
  pexec__process_feed(program, PEXEC__ON_START);
}

/* Its group is killed, whatever it is at. */
static void kill_it (pexec_process *program) {
  program->cancel_reason = PEXEC_ECANCELED;
  pexec__process_feed(program, program->phase == PEXEC__DECIDING
                      ? PEXEC__ON_NO : PEXEC__ON_CANCEL);
}

void pexec__program_end (pexec_process *owner) {
  pexec_process *program = owner->program;
  owner->program = NULL;
  if (program != NULL && !pexec__process_is_at_rest(program))
    kill_it(program);
}

/* {== what has become of it ============================================== */

/* Where the host has reaped it and nobody can say, its stage goes on. */
static bool has_failed (const struct pexec__status *status) {
  return status->is_known && status->code != 0;
}

static void tell_failure (pexec_process *owner, const pexec_process *program) {
  const struct pexec__status *status = &program->child.status;
  char text[80];
  if (status->signo != 0)
    (void)snprintf(text, sizeof text, "was ended by %s",
                   pexec_signal_name(status->signo));
  else
    (void)snprintf(text, sizeof text, "exited with status %d", status->code);
  refuse(owner, program, text);
}

/* Where its stage is over, nothing keeps it. */
void pexec__program_died (pexec_process *program) {
  pexec_process *owner = program->owner;
  if (owner->program != program)
    pexec__process_feed(program, PEXEC__ON_NO);
  else if (has_failed(&program->child.status))
    tell_failure(owner, program);
}

static void tell_absence (pexec_process *owner,
                          const pexec_process *program) {
  char text[512];
  (void)snprintf(text, sizeof text, "cannot be run: %s",
                 program->failure_message
                 ? program->failure_message
                 : pexec_error_text(program->failure));
  refuse(owner, program, text);
}

void pexec__program_rests (pexec_process *program) {
  pexec_process *owner = program->owner;
  if (owner->program == program) {
    owner->program = NULL;
    tell_absence(owner, program);
  }
  else if (owner->is_cleared)
    pexec__timer_arm(owner->timer, pexec__now());
}

/* {== its lines, where the logger is Lua's =============================== */

void pexec__program_said (pexec_process *program,
                          const struct pexec__view *view) {
  enum pexec_level level = view->chunk->stream == PEXEC_STDOUT ? PEXEC_INFO
                                                               : PEXEC_ERROR;
  const char *at = view->chunk->data + view->from;
  const char *end = view->chunk->data + view->to;
  while (at < end) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline ? newline : end;
    pexec__news_message(program->owner, level, at, (size_t)(stop - at));
    at = stop + 1;
  }
}
