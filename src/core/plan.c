/* See plan.h. An opener's thread, or the spawner's. */

#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "sys.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

/* {== the environment =================================================== */

/* Where it says nothing else, a change of user sets these. */
enum { USER_VARIABLES = 4 };

static size_t name_length (const char *variable) {
  return strcspn(variable, "=");
}

static bool same_name (const char *a, const char *b) {
  size_t length = name_length(a);
  return length == name_length(b) && memcmp(a, b, length) == 0;
}

static bool has_name (char *const *array, const char *variable) {
  for (; *array != NULL; array++)
    if (same_name(*array, variable))
      return true;
  return false;
}

static const char *find_value (char *const *array, const char *name) {
  for (; *array != NULL; array++)
    if (same_name(*array, name) && (*array)[name_length(*array)] == '=')
      return *array + name_length(*array) + 1;
  return NULL;
}

static size_t count (char *const *array) {
  size_t n = 0;
  while (array[n] != NULL)
    n++;
  return n;
}

/* Where variables come from: each overrides those before it. */
enum { LAYERS = 4 };

static bool is_overridden (char *const *const *layers, const char *variable) {
  for (; *layers != NULL; layers++)
    if (has_name(*layers, variable))
      return true;
  return false;
}

/* The array of them ends in NULL. */
static void merge (char **envp, char *const *const layers[LAYERS + 1]) {
  for (int i = 0; i < LAYERS; i++)
    for (char *const *from = layers[i]; *from != NULL; from++)
      if (!is_overridden(layers + i + 1, *from))
        *envp++ = *from;
  *envp = NULL;
}

/* The child's, or else the host's. */
static const char *find_path (char *const *const layers[LAYERS + 1]) {
  const char *path = NULL;
  for (int i = LAYERS - 1; i >= 0 && path == NULL; i--)
    path = find_value(layers[i], "PATH");
  return path ? path : DEFAULT_PATH;
}

/* Writes "NAME=VALUE" strings of the user into 'room'. */
static void user_variables (const struct pexec__identity *who, char *room,
                            char *variables[USER_VARIABLES + 1]) {
  const char *const names[USER_VARIABLES] =
      { "HOME", "USER", "LOGNAME", "SHELL" };
  const char *const values[USER_VARIABLES] =
      { who->home, who->name, who->name, who->shell };
  variables[0] = NULL;
  for (int i = 0; who->name != NULL && i < USER_VARIABLES; i++) {
    variables[i] = room;
    room += sprintf(room, "%s=%s", names[i], values[i]) + 1;
    variables[i + 1] = NULL;
  }
}

static size_t user_size (const struct pexec__identity *who) {
  if (who->name == NULL)
    return 0;
  return 32 + strlen(who->home) + 2 * strlen(who->name) + strlen(who->shell);
}

/* {== where the program may be ========================================== */

static size_t candidate_count (const char *name, const char *path) {
  size_t n = 1;
  if (strchr(name, '/') != NULL)
    return 1;
  for (; *path != '\0'; path++)
    n += (*path == ':');
  return n;
}

/* One path for each directory of PATH; an empty one is the current. */
static void list_candidates (char **list, char *room, const char *name,
                             const char *path) {
  size_t n = 0;
  if (strchr(name, '/') != NULL) {
    list[n++] = strcpy(room, name);
    path = NULL;
  }
  while (path != NULL) {
    const char *end = strchrnul(path, ':');
    const char *slash = (end == path) ? "./" : "/";
    list[n++] = room;
    room += sprintf(room, "%.*s%s%s", (int)(end - path), path, slash, name) + 1;
    path = *end ? end + 1 : NULL;
  }
  list[n] = NULL;
}

/* {== a plan ============================================================ */

static char *const nothing[] = { NULL };

/* Those of the user are still to be written. */
static void find_layers (const struct pexec__plan *plan,
                         const struct pexec__config *config,
                         const struct pexec__host *host, char *const *user,
                         char *const *layers[LAYERS + 1]) {
  layers[0] = config->clears_environment ? nothing : host->environ;
  layers[1] = user;
  layers[2] = plan->dotenv.variables ? plan->dotenv.variables : nothing;
  layers[3] = config->environment;
  layers[LAYERS] = NULL;
}

/* With the NULL at their end. */
static size_t most_variables (char *const *const layers[LAYERS + 1]) {
  return count(layers[0]) + USER_VARIABLES + count(layers[2]) +
         count(layers[3]) + 1;
}

/* The memory of a plan: two arrays, then the strings that are its own. */
static int build (struct pexec__plan *plan, const struct pexec__config *config,
                  const struct pexec__host *host) {
  char **envp, **list, *user[USER_VARIABLES + 1] = { NULL }, *room;
  char *const *layers[LAYERS + 1];
  size_t variables, candidates, path_size;
  const char *path;
  find_layers(plan, config, host, user, layers);
  path = find_path(layers);
  candidates = candidate_count(config->name, path);
  variables = most_variables(layers);
  path_size = strlen(path) + candidates * (strlen(config->name) + 3);
  envp = pexec__malloc((variables + candidates + 1) * sizeof(char *) +
                       user_size(&plan->identity) + path_size);
  if (envp == NULL)
    return -ENOMEM;
  list = envp + variables;
  room = (char *)(list + candidates + 1);
  user_variables(&plan->identity, room, user);
  room += user_size(&plan->identity);
  list_candidates(list, room, config->name, path);
  merge(envp, layers);
  plan->memory = envp;
  plan->envp = envp;
  plan->candidates = list;
  return 0;
}

/* A relative one starts at where the host was, whom alone that place may be
   open to: it is inherited, not looked up by the child's user. */
static void set_directories (struct pexec__plan *plan, const char *cwd,
                             const char *host_cwd) {
  bool is_absolute = (cwd != NULL && cwd[0] == '/');
  plan->host_cwd = is_absolute ? NULL : host_cwd;
  plan->cwd = cwd;
}

static void set_rights (struct pexec__plan *plan, const pexec_rights *rights) {
  bool is_set = (rights->oom_score_adj != PEXEC_UNSET);
  plan->rights = rights;
  plan->oom_score_length = (size_t)sprintf(plan->oom_score_adj, "%d",
      is_set ? rights->oom_score_adj : 0);
}

int pexec__plan_make (struct pexec__plan *plan,
                      const struct pexec__config *config,
                      const struct pexec__host *host) {
  plan->argv = config->argv;
  set_directories(plan, config->cwd, host->cwd);
  set_rights(plan, config->rights);
  plan->failed_step = PEXEC__STEP_NOTHING;
  plan->found_umask = -1;
  plan->pidfd = -1;
  return build(plan, config, host);
}

static int read_environment_file (struct pexec__plan *plan, const char *file,
                                  const struct pexec__host *host) {
  char *path = pexec__host_path(host, file);
  int error = path ? pexec__dotenv_read(&plan->dotenv, path) : -ENOMEM;
  pexec__free(path);
  return error;
}

int pexec__plan_read_environment (struct pexec__plan *plan,
                                  const struct pexec__config *config,
                                  const struct pexec__host *host) {
  int error = 0;
  for (char **file = config->environment_files; *file != NULL; file++) {
    if (atomic_load(&plan->is_unwanted))
      return -ECANCELED;
    plan->environment_path = *file;
    if ((error = read_environment_file(plan, *file, host)) < 0)
      return error;
  }
  return error;
}

/* One that is given to a child blocks, as files do. */
static int check_input (int fd) {
  int result = pexec__is_directory(fd);
  if (result > 0)
    return -EISDIR;
  return result < 0 ? result : pexec__set_blocking(fd);
}

int pexec__plan_open_input (struct pexec__plan *plan,
                            const struct pexec__config *config,
                            const struct pexec__host *host) {
  char *path;
  int fd;
  if (config->input.source != PEXEC_FROM_FILE)
    return 0;
  if (atomic_load(&plan->is_unwanted))
    return -ECANCELED;
  if ((path = pexec__host_path(host, config->input.path)) == NULL)
    return -ENOMEM;
  fd = pexec__open(path, O_RDONLY | O_NONBLOCK, 0);
  pexec__free(path);
  if (fd < 0)
    return fd;
  plan->fds[0] = plan->input_fd = fd;
  return check_input(fd);
}

static int open_output (struct pexec__plan *plan, int i,
                        const pexec_file *file,
                        const struct pexec__host *host) {
  pexec_file named = *file;
  char *path = pexec__host_path(host, file->path);
  int fd;
  if (path == NULL)
    return -ENOMEM;
  named.path = path;
  plan->log_path = file->path;
  fd = pexec__logfile_open_for_child(&named, &plan->log_flaw);
  pexec__free(path);
  if (fd < 0)
    return fd;
  plan->fds[i + 1] = plan->output_fds[i] = fd;
  return 0;
}

/* A merged stderr follows its stdout. */
int pexec__plan_open_outputs (struct pexec__plan *plan,
                              const struct pexec__config *config,
                              const struct pexec__host *host) {
  int error = 0;
  for (int i = 0; i < 2 && error >= 0; i++) {
    if (plan->fds[i + 1] >= 0)
      continue;
    if (pexec__config_route(config, i) == PEXEC__ROUTE_MERGED)
      plan->fds[2] = plan->fds[1];
    else if (atomic_load(&plan->is_unwanted))
      error = -ECANCELED;
    else
      error = open_output(plan, i, config->output[i].files[0], host);
  }
  return error;
}

void pexec__plan_free (struct pexec__plan *plan) {
  pexec__identity_free(&plan->identity);
  pexec__dotenv_free(&plan->dotenv);
  if (plan->input_fd > 0)
    pexec__close(plan->input_fd);
  for (int i = 0; i < 2; i++)
    if (plan->output_fds[i] > 0)
      pexec__close(plan->output_fds[i]);
  if (plan->cgroup_door_fd > 0)
    pexec__close(plan->cgroup_door_fd);
  if (plan->stillborn_fd > 0)
    pexec__close(plan->stillborn_fd);
  plan->input_fd = plan->output_fds[0] = plan->output_fds[1] = 0;
  plan->cgroup_door_fd = plan->stillborn_fd = 0;
  pexec__cgroup_flaw_free(&plan->cgroup_flaw);
  pexec__free(plan->memory);
  plan->memory = NULL;
}
