/* See config.h. The host's thread makes it, the supervisor's frees it. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "sys.h"

static const char *const no_strings[] = { NULL };

/* Room for one array and its strings. */
static size_t array_size (const char *const *array) {
  size_t size = sizeof(char *);
  for (; *array != NULL; array++)
    size += sizeof(char *) + strlen(*array) + 1;
  return size;
}

static size_t text_size (const char *text) {
  return text ? strlen(text) + 1 : 0;
}

static char *put_text (char **room, const char *text) {
  size_t size = text_size(text);
  char *start = *room;
  if (size == 0)
    return NULL;
  *room += size;
  return memcpy(start, text, size);
}

static bool is_assignment (const char *text) {
  const char *equals = strchr(text, '=');
  return equals != NULL && equals != text;
}

#define LONGEST_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */

static bool is_usable (const pexec_config *from, const char *const *variables) {
  for (; *variables != NULL; variables++)
    if (!is_assignment(*variables))
      return false;
  return from->id != NULL && from->id[0] != '\0' &&
         from->name != NULL && from->name[0] != '\0' &&
         from->stop_signal >= 1 && from->stop_signal <= SIGRTMAX &&
         from->stop_timeout_ms >= 100 && from->stop_timeout_ms <= LONGEST_MS &&
         from->restart_delay_ms >= 0 && from->restart_delay_ms <= LONGEST_MS;
}

/* Arrays first, for their alignment. */
static void put_arrays (struct pexec__config *config, char **room,
                        const char *const *args,
                        const char *const *variables) {
  size_t arg_count = 0, variable_count = 0;
  while (args[arg_count] != NULL)
    arg_count++;
  while (variables[variable_count] != NULL)
    variable_count++;
  config->argv = (char **)(void *)*room;
  config->environment = config->argv + arg_count + 2;
  *room = (char *)(config->environment + variable_count + 1);
  for (size_t i = 0; i < arg_count; i++)
    config->argv[i + 1] = put_text(room, args[i]);
  for (size_t i = 0; i < variable_count; i++)
    config->environment[i] = put_text(room, variables[i]);
}

static void put_scalars (struct pexec__config *config,
                         const pexec_config *from) {
  config->policy = (struct pexec__policy){
    .is_one_shot = from->one_shot != 0,
    .asks = from->asks != 0,
    .delay_ns = from->restart_delay_ms * PEXEC__MS,
    .stop_timeout_ns = from->stop_timeout_ms * PEXEC__MS,
  };
  config->stop_signal = from->stop_signal;
  config->output_events = from->output_events;
  config->log_events = from->log_events != 0;
  config->user = from->user;
}

static pexec_logger *retain (pexec_logger *logger) {
  return logger ? pexec_logger_retain(logger) : NULL;
}

int pexec__config_copy (const pexec_config *from,
                        struct pexec__config **copy) {
  const char *const *args = from->args ? from->args : no_strings;
  const char *const *variables =
      from->environment ? from->environment : no_strings;
  struct pexec__config *config;
  char *room;
  if (from->size < sizeof *from || !is_usable(from, variables))
    return PEXEC_EINVALID_CONFIG;
  config = pexec__calloc(1, sizeof *config + sizeof(char *) +
      array_size(args) + array_size(variables) +
      text_size(from->id) + text_size(from->name) +
      text_size(from->cwd) + text_size(from->username));
  if (config == NULL)
    return -ENOMEM;
  room = (char *)(config + 1);
  put_scalars(config, from);
  put_arrays(config, &room, args, variables);
  config->id = put_text(&room, from->id);
  config->name = config->argv[0] = put_text(&room, from->name);
  config->cwd = put_text(&room, from->cwd);
  config->username = put_text(&room, from->username);
  config->logger = retain(from->logger);
  config->stream_loggers[0] = retain(from->stdout_logger);
  config->stream_loggers[1] = retain(from->stderr_logger);
  *copy = config;
  return 0;
}

static void let_go (pexec_logger *logger) {
  if (logger != NULL)
    pexec_logger_release(logger);
}

void pexec__config_free (struct pexec__config *config) {
  let_go(config->logger);
  let_go(config->stream_loggers[0]);
  let_go(config->stream_loggers[1]);
  pexec__free(config);
}

bool pexec__config_reads (const struct pexec__config *config, int stream) {
  return config->stream_loggers[stream] != NULL ||
         (config->output_events & (1U << stream)) != 0;
}
