/* See config.h. The host's thread makes it, the supervisor's frees it.
**
** The block, in the order of what has to be aligned best: the struct, the
** delays, the stages, the files' structs, arrays of pointers, and then bytes.
*/

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "rights.h"
#include "sys.h"

_Static_assert(_Alignof(struct pexec__config) >= _Alignof(pexec_file),
               "the structs of files stand right behind it");

static const char *const no_strings[] = { NULL };
static const pexec_file *const no_files[] = { NULL };

/* What the host has left out is an empty array from here on. */
static const char *const *strings_of (const char *const *array) {
  return array ? array : no_strings;
}

static const pexec_file *const *files_of (const pexec_output *output) {
  return output->files ? output->files : no_files;
}

static size_t file_count (const pexec_output *output) {
  const pexec_file *const *files = files_of(output);
  size_t count = 0;
  while (files[count] != NULL)
    count++;
  return count;
}

/* {== what can be used ================================================== */

#define LONGEST_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */
#define MOST_RESTARTS 10000            /* that a limit counts: 8 bytes each */
#define LEAST_RECOVERY (1000 * PEXEC__MS)
#define LEAST_STOP (100 * PEXEC__MS)

static bool is_text (const char *text) {
  return text != NULL && text[0] != '\0';
}

static bool is_wait (int64_t wait_ms) {
  return wait_ms >= 0 && wait_ms <= LONGEST_MS;
}

static bool is_wait_or_none (int64_t wait_ms) {
  return wait_ms == -1 || is_wait(wait_ms);
}

static int64_t ns_or_none (int64_t wait_ms) {
  return wait_ms == -1 ? -1 : wait_ms * PEXEC__MS;
}

static bool are_assignments (const char *const *variables) {
  for (; *variables != NULL; variables++) {
    const char *equals = strchr(*variables, '=');
    if (equals == NULL || equals == *variables)
      return false;
  }
  return true;
}

static bool are_paths (const char *const *paths) {
  while (*paths != NULL && is_text(*paths))
    paths++;
  return *paths == NULL;
}

static bool is_usable_file (const pexec_file *file) {
  return file->size >= sizeof *file && is_text(file->path) &&
         file->mode <= 07777 && (unsigned)file->format <= PEXEC_RAW &&
         file->max_size >= 0 && file->keep >= 0 &&
         is_wait(file->rotate_every_ms);
}

static bool is_usable_output (const pexec_output *output, bool may_merge) {
  const pexec_file *const *file = files_of(output);
  if (output->merges)
    return may_merge && !output->inherits && *file == NULL;
  while (*file != NULL && is_usable_file(*file))
    file++;
  return *file == NULL;
}

static bool is_usable_list (const pexec_backoff *backoff) {
  size_t i = 0;
  while (i < backoff->delay_count && is_wait(backoff->delays_ms[i]))
    i++;
  return i == backoff->delay_count && i > 0;
}

/* The comparisons are false for what is no number. */
static bool is_usable_backoff (const pexec_backoff *backoff) {
  if (!is_wait_or_none(backoff->reset_after_ms))
    return false;
  if (backoff->delays_ms != NULL)
    return is_usable_list(backoff);
  return backoff->initial_ms == -1 ||
         (is_wait(backoff->initial_ms) && is_wait(backoff->max_ms) &&
          backoff->initial_ms <= backoff->max_ms &&
          backoff->factor >= 1 && backoff->factor < 1e9 &&
          backoff->jitter >= 0 && backoff->jitter < 1);
}

static size_t code_count (const pexec_config *from) {
  return from->success_exit_codes ? from->success_exit_code_count : 0;
}

static bool are_exit_codes (const int *codes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (codes[i] < 0 || codes[i] > 255)
      return false;
  return true;
}

/* A window of no time would hold no restart, and so never be full. */
static bool is_usable_limit (int most, int64_t within_ms) {
  return most >= -1 && most <= MOST_RESTARTS &&
         (most == -1 || is_wait(within_ms)) && (most <= 0 || within_ms > 0);
}

static bool is_usable_policy (const pexec_config *from) {
  return (unsigned)from->restart <= PEXEC_RESTART_NEVER &&
         are_exit_codes(from->success_exit_codes, code_count(from)) &&
         is_usable_backoff(&from->backoff) &&
         is_usable_limit(from->restart_limit, from->restart_limit_ms) &&
         is_wait_or_none(from->decision_timeout_ms) &&
         is_wait_or_none(from->prepare_timeout_ms);
}

static bool is_usable_stage (const pexec_stop_stage *stage) {
  if (!is_wait(stage->wait_ms))
    return false;
  switch (stage->kind) {
    case PEXEC_SIGNAL_PROCESS: case PEXEC_SIGNAL_GROUP:
      return stage->signo >= 1 && stage->signo <= SIGRTMAX;
    case PEXEC_RUN: return stage->run != NULL && is_text(stage->run[0]);
    case PEXEC_CALL: return true;
  }
  return false;
}

static size_t stage_count (const pexec_config *from) {
  return from->stop_sequence ? from->stop_stage_count : 0;
}

static bool is_usable_sequence (const pexec_config *from) {
  int64_t left_ms = LONGEST_MS;
  if (stage_count(from) > PEXEC_STOP_STAGES_MAX)
    return false;
  for (size_t i = 0; i < stage_count(from); i++) {
    if (!is_usable_stage(&from->stop_sequence[i]))
      return false;
    if ((left_ms -= from->stop_sequence[i].wait_ms) < 0)
      return false;
  }
  return true;
}

static bool is_usable_input (const pexec_input *input) {
  switch (input->source) {
    case PEXEC_FROM_NULL: case PEXEC_FROM_HOST: case PEXEC_FROM_PIPE:
      return true;
    case PEXEC_FROM_FILE: return is_text(input->path);
    case PEXEC_FROM_DATA: return input->data != NULL || input->length == 0;
  }
  return false;
}

static bool is_usable (const pexec_config *from) {
  return from->size >= sizeof *from && is_text(from->id) &&
         is_text(from->name) &&
         are_assignments(strings_of(from->environment)) &&
         are_paths(strings_of(from->environment_files)) &&
         from->stop_signal >= 1 && from->stop_signal <= SIGRTMAX &&
         from->stop_timeout_ms >= 100 && is_wait(from->stop_timeout_ms) &&
         is_wait(from->restart_delay_ms) && from->events_buffer >= 1 &&
         is_usable_sequence(from) &&
         is_usable_policy(from) && is_usable_input(&from->input) &&
         pexec__rights_are_usable(&from->rights) &&
         is_usable_output(&from->output[0], false) &&
         is_usable_output(&from->output[1], true);
}

/* {== how much room it takes ============================================ */

static size_t text_size (const char *text) {
  return text ? strlen(text) + 1 : 0;
}

/* One array and its strings. */
static size_t array_size (const char *const *array) {
  size_t size = sizeof(char *);
  for (; *array != NULL; array++)
    size += sizeof(char *) + strlen(*array) + 1;
  return size;
}

static size_t output_size (const pexec_output *output) {
  const pexec_file *const *file = files_of(output);
  size_t size = sizeof *file;
  for (; *file != NULL; file++)
    size += sizeof **file + sizeof *file + text_size((*file)->path);
  return size;
}

/* Only what its source needs: the rest need not be set. */
static size_t input_size (const pexec_input *input) {
  if (input->source == PEXEC_FROM_FILE)
    return text_size(input->path);
  return input->source == PEXEC_FROM_DATA ? input->length : 0;
}

static size_t list_size (const pexec_backoff *backoff) {
  return backoff->delays_ms ? backoff->delay_count * sizeof(int64_t) : 0;
}

static size_t block_size (const pexec_config *from) {
  return sizeof(struct pexec__config) + sizeof(char *) +
         list_size(&from->backoff) +
         stage_count(from) * sizeof(struct pexec__stage) +
         output_size(&from->output[0]) + output_size(&from->output[1]) +
         array_size(strings_of(from->args)) +
         array_size(strings_of(from->environment)) +
         array_size(strings_of(from->environment_files)) +
         text_size(from->id) + text_size(from->name) +
         text_size(from->cwd) + text_size(from->username) +
         input_size(&from->input) + pexec__rights_size(&from->rights);
}

/* {== filling it ======================================================== */

static char *put_text (char **room, const char *text) {
  size_t size = text_size(text);
  char *start = *room;
  if (size == 0)
    return NULL;
  *room += size;
  return memcpy(start, text, size);
}

/* The paths are still the host's. */
static void put_structs (char **room, const pexec_output *from) {
  const pexec_file *const *file = files_of(from);
  for (; *file != NULL; file++) {
    memcpy(*room, *file, sizeof **file);
    *room += sizeof **file;
  }
}

/* 'file' is the first of this stream's structs; returns the one after them. */
static pexec_file *put_output (pexec_output *output, char **room,
                               pexec_file *file, const pexec_output *from) {
  const pexec_file **array = (const pexec_file **)(void *)*room;
  size_t count = file_count(from);
  for (size_t i = 0; i < count; i++)
    array[i] = file++;  /* NULL after them: the block is all zeros */
  *room = (char *)(array + count + 1);
  *output = (pexec_output){ from->inherits != 0, from->merges != 0, array };
  return file;
}

static size_t count_of (const char *const *array) {
  size_t count = 0;
  while (array[count] != NULL)
    count++;
  return count;
}

static void put_texts (char **array, char **room, const char *const *from) {
  for (size_t i = 0; from[i] != NULL; i++)
    array[i] = put_text(room, from[i]);
}

static void put_arrays (struct pexec__config *config, char **room,
                        const pexec_config *from) {
  const char *const *args = strings_of(from->args);
  const char *const *variables = strings_of(from->environment);
  const char *const *files = strings_of(from->environment_files);
  config->argv = (char **)(void *)*room;
  config->environment = config->argv + count_of(args) + 2;
  config->environment_files = config->environment + count_of(variables) + 1;
  *room = (char *)(config->environment_files + count_of(files) + 1);
  put_texts(config->argv + 1, room, args);
  put_texts(config->environment, room, variables);
  put_texts(config->environment_files, room, files);
}

static void put_input (pexec_input *input, char **room,
                       const pexec_input *from) {
  *input = (pexec_input){ .source = from->source };
  if (from->source == PEXEC_FROM_FILE)
    input->path = put_text(room, from->path);
  if (from->source != PEXEC_FROM_DATA)
    return;
  input->data = *room;
  input->length = from->length;
  if (from->length > 0)
    memcpy(*room, from->data, from->length);
  *room += from->length;
}

/* The room behind them. */
static char *put_delays (struct pexec__config *config,
                         const pexec_config *from) {
  int64_t *list_ns = (int64_t *)(void *)(config + 1);
  size_t count = list_size(&from->backoff) / sizeof *list_ns;
  for (size_t i = 0; i < count; i++)
    list_ns[i] = from->backoff.delays_ms[i] * PEXEC__MS;
  config->policy.delays.list_ns = list_ns;
  config->policy.delays.count = count;
  return (char *)(list_ns + count);
}

/* The same. */
static char *put_stages (struct pexec__config *config, char *room,
                         const pexec_config *from) {
  struct pexec__stage *stages = (struct pexec__stage *)(void *)room;
  size_t count = stage_count(from);
  if (from->stop_sequence == NULL) {
    pexec__usual_stages(config->usual_stages, from->stop_signal,
                        from->stop_timeout_ms * PEXEC__MS);
    config->stop = (struct pexec__stop_plan){ config->usual_stages,
                                              PEXEC__USUAL_STAGES, false };
    return room;
  }
  for (size_t i = 0; i < count; i++) {
    const pexec_stop_stage *stage = &from->stop_sequence[i];
    stages[i] = (struct pexec__stage){ stage->kind, stage->signo,
                                       stage->wait_ms * PEXEC__MS };
  }
  config->stop = (struct pexec__stop_plan){ stages, count, true };
  return (char *)(stages + count);
}

static void put_pointers (struct pexec__config *config,
                        const pexec_config *from) {
  char *room = put_stages(config, put_delays(config, from), from);
  pexec_file *files = (pexec_file *)(void *)room, *file = files;
  put_structs(&room, &from->output[0]);
  put_structs(&room, &from->output[1]);
  for (int i = 0; i < 2; i++)
    file = put_output(&config->output[i], &room, file, &from->output[i]);
  put_arrays(config, &room, from);
  while (files < file) {
    files->path = put_text(&room, files->path);
    files++;
  }
  config->id = put_text(&room, from->id);
  config->name = config->argv[0] = put_text(&room, from->name);
  config->cwd = put_text(&room, from->cwd);
  config->username = put_text(&room, from->username);
  put_input(&config->input, &room, &from->input);
  pexec__rights_copy(&config->rights, room, &from->rights);
}

/* {== the policy ========================================================= */

static int64_t longest (const struct pexec__delays *delays) {
  int64_t most_ns = 0;
  for (size_t i = 0; i < delays->count; i++)
    if (delays->list_ns[i] > most_ns)
      most_ns = delays->list_ns[i];
  return most_ns;
}

/* How long it has to run to have recovered, where that is not said. */
static int64_t recovery (const struct pexec__delays *delays) {
  switch (delays->kind) {
    case PEXEC__DELAY_LISTED: return longest(delays);
    case PEXEC__DELAY_GROWING: return delays->most_ns;
    default: return delays->first_ns > LEAST_RECOVERY ? delays->first_ns
                                                      : LEAST_RECOVERY;
  }
}

/* The list is there already. */
static void put_backoff (struct pexec__delays *delays,
                         const pexec_config *from) {
  const pexec_backoff *backoff = &from->backoff;
  delays->kind = backoff->delays_ms != NULL ? PEXEC__DELAY_LISTED
               : backoff->initial_ms >= 0 ? PEXEC__DELAY_GROWING
               : PEXEC__DELAY_FROM_START;
  delays->first_ns = PEXEC__MS * (delays->kind == PEXEC__DELAY_GROWING
                                  ? backoff->initial_ms
                                  : from->restart_delay_ms);
  if (delays->kind == PEXEC__DELAY_GROWING) {
    delays->factor = backoff->factor;
    delays->most_ns = backoff->max_ms * PEXEC__MS;
    delays->jitter = backoff->jitter;
  }
  delays->reset_after_ns = backoff->reset_after_ms == -1
                         ? recovery(delays)
                         : backoff->reset_after_ms * PEXEC__MS;
}

static void put_success (struct pexec__policy *policy,
                         const pexec_config *from) {
  if (from->success_exit_codes == NULL)
    policy->success[0] = 1;
  for (size_t i = 0; i < code_count(from); i++) {
    unsigned code = (unsigned)from->success_exit_codes[i];
    policy->success[code / 64] |= UINT64_C(1) << (code % 64);
  }
}

/* Also what hangs before it has begun to run has this time. */
static int64_t stop_timeout (const struct pexec__stop_plan *plan) {
  int64_t total_ns = pexec__stop_plan_total(plan);
  return total_ns > LEAST_STOP ? total_ns : LEAST_STOP;
}

static void put_policy (struct pexec__policy *policy,
                        const pexec_config *from,
                        const struct pexec__stop_plan *plan) {
  policy->is_one_shot = (from->one_shot != 0);
  policy->asks = (from->asks != 0);
  policy->restart = from->restart;
  policy->decision_ns = ns_or_none(from->decision_timeout_ms);
  policy->is_limited = (from->restart_limit != -1);
  if (policy->is_limited) {
    policy->limit = (uint32_t)from->restart_limit;
    policy->limit_ns = from->restart_limit_ms * PEXEC__MS;
  }
  policy->stop_timeout_ns = stop_timeout(plan);
  put_success(policy, from);
  put_backoff(&policy->delays, from);
}

static void put_scalars (struct pexec__config *config,
                         const pexec_config *from) {
  config->prepare_ns = ns_or_none(from->prepare_timeout_ms);
  config->output_events = from->output_events;
  config->log_events = from->log_events != 0;
  config->user = from->user;
  config->tail_size = from->tail_size;
  config->events_buffer = from->events_buffer;
  config->events_drop = from->events_drop != 0;
  config->clears_environment = from->clears_environment != 0;
}

/* {== holding it ======================================================== */

static pexec_logger *retain (pexec_logger *logger) {
  return logger ? pexec_logger_retain(logger) : NULL;
}

static void let_go (pexec_logger *logger) {
  if (logger != NULL)
    pexec_logger_release(logger);
}

int pexec__config_copy (const pexec_config *from,
                        struct pexec__config **copy) {
  struct pexec__config *config;
  if (!is_usable(from))
    return PEXEC_EINVALID_CONFIG;
  config = pexec__calloc(1, block_size(from));
  if (config == NULL)
    return -ENOMEM;
  atomic_init(&config->holders, 1);
  put_scalars(config, from);
  put_pointers(config, from);
  put_policy(&config->policy, from, &config->stop);
  config->logger = retain(from->logger);
  config->stream_loggers[0] = retain(from->stdout_logger);
  config->stream_loggers[1] = retain(from->stderr_logger);
  *copy = config;
  return 0;
}

void pexec__config_free (struct pexec__config *config) {
  let_go(config->logger);
  let_go(config->stream_loggers[0]);
  let_go(config->stream_loggers[1]);
  pexec__config_drop(config);
}

struct pexec__config *pexec__config_hold (struct pexec__config *config) {
  (void)atomic_fetch_add(&config->holders, 1);
  return config;
}

void pexec__config_drop (struct pexec__config *config) {
  if (atomic_fetch_sub(&config->holders, 1) == 1)
    pexec__free(config);
}

/* {== where a stream goes =============================================== */

static bool is_never_rotated (const pexec_file *file) {
  return file->max_size == 0 && file->rotate_every_ms == 0;
}

/* No other destination comes with it. */
static enum pexec__route route_of_file (const pexec_output *output) {
  const pexec_file *file = output->files[0];
  bool is_alone = !output->inherits && output->files[1] == NULL;
  return is_alone && file->format == PEXEC_RAW && is_never_rotated(file)
         ? PEXEC__ROUTE_FILE : PEXEC__ROUTE_PIPE;
}

enum pexec__route pexec__config_route (const struct pexec__config *config,
                                       int stream) {
  const pexec_output *output = &config->output[stream];
  if (output->merges)
    return PEXEC__ROUTE_MERGED;
  if (config->stream_loggers[stream] != NULL ||
      (config->output_events & (1U << stream)) != 0)
    return PEXEC__ROUTE_PIPE;
  if (output->files[0] != NULL)
    return route_of_file(output);
  return output->inherits ? PEXEC__ROUTE_INHERIT : PEXEC__ROUTE_NULL;
}
