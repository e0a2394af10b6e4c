/* See config.h. The host's thread makes it, the supervisor's frees it.
**
** The block, in the order of what has to be aligned best: the struct, its
** terms, the delays, the stages, the cgroup, the files' structs, arrays of
** pointers, and then bytes. What is as usual takes no room in it.
*/

#include "config.h"

#include <errno.h>
#include <string.h>

#include "rights.h"
#include "sys.h"
#include "terms.h"

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

static bool is_text (const char *text) {
  return text != NULL && text[0] != '\0';
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

/* What the host's version of a struct does not have counts as in 'whole'. */
static void take_version (void *whole, size_t whole_size, const void *from,
                          size_t size) {
  memcpy(whole, from, size < whole_size ? size : whole_size);
}

static pexec_file whole_file (const pexec_file *from) {
  pexec_file file = PEXEC_FILE_INIT;
  take_version(&file, sizeof file, from, from->size);
  file.size = sizeof file;
  return file;
}

static bool is_usable_file (const pexec_file *from) {
  pexec_file file;
  if (from->size < offsetof(pexec_file, mode))
    return false;
  file = whole_file(from);
  return is_text(file.path) && file.mode <= 07777 &&
         (unsigned)file.format <= PEXEC_RAW && file.max_size >= 0 &&
         file.keep >= 0 && pexec__is_wait(file.rotate_every_ms);
}

static bool is_usable_output (const pexec_output *output, bool may_merge) {
  const pexec_file *const *file = files_of(output);
  if (output->merges)
    return may_merge && !output->inherits && *file == NULL;
  while (*file != NULL && is_usable_file(*file))
    file++;
  return *file == NULL;
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
  return is_text(from->id) && is_text(from->name) &&
         are_assignments(strings_of(from->environment)) &&
         are_paths(strings_of(from->environment_files)) &&
         from->events_buffer >= 1 && pexec__terms_are_usable(from) &&
         is_usable_input(&from->input) &&
         pexec__rights_are_usable(&from->rights) &&
         pexec__cgroup_is_usable(from->cgroup) &&
         is_usable_output(&from->output[0], false) &&
         is_usable_output(&from->output[1], true);
}

/* {== how much room it takes ============================================ */

static size_t text_size (const char *text) {
  return text ? strlen(text) + 1 : 0;
}

/* One array and its strings; one that is empty takes none. */
static size_t array_size (const char *const *array) {
  size_t size = *array ? sizeof(char *) : 0;
  for (; *array != NULL; array++)
    size += sizeof(char *) + strlen(*array) + 1;
  return size;
}

/* With a place for the name, and one for the NULL. */
static size_t argv_size (const char *const *args) {
  return array_size(args) + (*args ? 1 : 2) * sizeof(char *);
}

static size_t output_size (const pexec_output *output) {
  const pexec_file *const *file = files_of(output);
  size_t size = *file ? sizeof *file : 0;
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

static size_t cgroup_size (const pexec_cgroup *cgroup) {
  return cgroup ? sizeof *cgroup + text_size(cgroup->path) : 0;
}

static size_t block_size (const pexec_config *from) {
  return sizeof(struct pexec__config) + pexec__terms_size(from) +
         output_size(&from->output[0]) + output_size(&from->output[1]) +
         argv_size(strings_of(from->args)) +
         array_size(strings_of(from->environment)) +
         array_size(strings_of(from->environment_files)) +
         text_size(from->id) + text_size(from->name) +
         text_size(from->cwd) + text_size(from->username) +
         cgroup_size(from->cgroup) +
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
    *(pexec_file *)(void *)*room = whole_file(*file);
    *room += sizeof **file;
  }
}

/* 'file' is the first of this stream's structs; returns the one after them. */
static pexec_file *put_output (pexec_output *output, char **room,
                               pexec_file *file, const pexec_output *from) {
  const pexec_file **array = (const pexec_file **)(void *)*room;
  size_t count = file_count(from);
  *output = (pexec_output){ from->inherits != 0, from->merges != 0, no_files };
  if (count == 0)
    return file;
  for (size_t i = 0; i < count; i++)
    array[i] = file++;  /* NULL after them: the block is all zeros */
  *room = (char *)(array + count + 1);
  output->files = array;
  return file;
}

static size_t count_of (const char *const *array) {
  size_t count = 0;
  while (array[count] != NULL)
    count++;
  return count;
}

/* Returns the array, whose strings are still to come. */
static char **put_pointers (char **room, size_t count) {
  static char *nothing[] = { NULL };
  char **array = (char **)(void *)*room;
  if (count == 0)
    return nothing;
  *room = (char *)(array + count + 1);
  return array;
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
  config->argv = put_pointers(room, count_of(args) + 1);
  config->environment = put_pointers(room, count_of(variables));
  config->environment_files = put_pointers(room, count_of(files));
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

/* The room behind it; its path is still the host's. */
static char *put_cgroup (struct pexec__config *config, char *room,
                         const pexec_cgroup *from) {
  pexec_cgroup *cgroup = (pexec_cgroup *)(void *)room;
  if (from == NULL)
    return room;
  *cgroup = *from;
  config->cgroup = cgroup;
  return (char *)(cgroup + 1);
}

static void put_all (struct pexec__config *config, const pexec_config *from) {
  char *room = put_cgroup(config, pexec__terms_put(config, from),
                          from->cgroup);
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
  if (config->cgroup != NULL)
    config->cgroup->path = put_text(&room, from->cgroup->path);
  put_input(&config->input, &room, &from->input);
  config->rights = pexec__rights_copy(room, &from->rights);
}

static void put_scalars (struct pexec__config *config,
                         const pexec_config *from) {
  config->prepare_ns = pexec__ns_or_none(from->prepare_timeout_ms);
  config->must_prepare = from->must_prepare != 0;
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

bool pexec__config_complete (const pexec_config *from, pexec_config *whole) {
  const pexec_config usual = PEXEC_CONFIG_INIT;
  *whole = usual;
  if (from->size < offsetof(pexec_config, args))
    return false;
  take_version(whole, sizeof *whole, from, from->size);
  whole->size = sizeof *whole;
  return true;
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
  put_all(config, from);
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
