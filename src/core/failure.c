/*
** Why a start failed, told to people: what was being done, to what, the
** reason, and, where exec's own word misleads, what is really missing. The
** spawner thread; it reads the head of a script, and nothing else.
*/

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan.h"
#include "sys.h"

enum { HEAD = 256 };  /* as much as the kernel reads of a script */

static const char *step_text (enum pexec__spawn_step step) {
  static const char *const texts[] = {
#define X(name, text) text,
    PEXEC__STEPS(X)
#undef X
  };
  return texts[step];
}

__attribute__((format(printf, 1, 2)))
static char *format (const char *text, ...) {
  va_list args;
  int size;
  char *made;
  va_start(args, text);
  size = vsnprintf(NULL, 0, text, args);
  va_end(args);
  if (size < 0 || (made = pexec__malloc((size_t)size + 1)) == NULL)
    return NULL;
  va_start(args, text);
  (void)vsnprintf(made, (size_t)size + 1, text, args);
  va_end(args);
  return made;
}

/* Where the child found 'path', told so that the host finds it there. */
static char *full_path (const struct pexec__plan *plan, const char *path) {
  const char *cwd = plan->cwd ? plan->cwd : ".";
  if (path[0] == '/')
    return pexec__strdup(path);
  if (plan->host_cwd == NULL)
    return format("%s/%s", cwd, path);
  return format("%s/%s/%s", plan->host_cwd, cwd, path);
}

/* The start of the file, as text; false where it cannot be read. */
static bool read_head (const struct pexec__plan *plan, const char *path,
                       char head[HEAD]) {
  char *full = full_path(plan, path);
  int fd = full ? pexec__open(full, O_RDONLY | O_NONBLOCK, 0) : -ENOMEM;
  ssize_t size = fd < 0 ? -1 : pexec__read(fd, head, HEAD - 1);
  if (fd >= 0)
    pexec__close(fd);
  pexec__free(full);
  if (size < 0)
    return false;
  head[size] = '\0';
  return true;
}

/* exec says ENOENT of a file that is there when its interpreter is not. */
static char *missing_interpreter (const struct pexec__config *config,
                                  const char *path, char *head) {
  char *line = head + 2;
  char *interpreter;
  head[strcspn(head, "\n")] = '\0';
  interpreter = line + strspn(line, " \t");
  interpreter[strcspn(interpreter, " \t")] = '\0';
  if (strchr(interpreter, '\r') != NULL)
    return format("error starting process \"%s\": executing \"%s\": its first "
                  "line ends in a carriage return, so that its interpreter "
                  "is not found; save it with Unix line ends",
                  config->name, path);
  return format("error starting process \"%s\": executing \"%s\": its "
                "interpreter \"%s\" does not exist",
                config->name, path, interpreter);
}

/* None could be executed for ENOENT; is there one all the same? */
static char *absence (const struct pexec__plan *plan,
                      const struct pexec__config *config) {
  char head[HEAD];
  for (char *const *path = plan->candidates; *path != NULL; path++) {
    if (!read_head(plan, *path, head))
      continue;
    if (head[0] == '#' && head[1] == '!')
      return missing_interpreter(config, *path, head);
    return format("error starting process \"%s\": executing \"%s\": the "
                  "loader that it names does not exist", config->name, *path);
  }
  if (strchr(config->name, '/') == NULL)
    return format("error starting process \"%s\": executable file not found "
                  "in PATH", config->name);
  return format("error starting process \"%s\": executing \"%s\": %s",
                config->name, config->name, pexec_error_text(-ENOENT));
}

static char *exec_failure (const struct pexec__plan *plan,
                           const struct pexec__config *config, int error) {
  const char *path = plan->candidates[plan->failed_candidate];
  if (error == -ENOENT)
    return absence(plan, config);
  if (error == -ENOEXEC)
    return format("error starting process \"%s\": executing \"%s\": %s (a "
                  "script needs a first line such as #!/bin/sh)",
                  config->name, path, pexec_error_text(error));
  return format("error starting process \"%s\": executing \"%s\": %s",
                config->name, path, pexec_error_text(error));
}

static char *cwd_failure (const char *directory, int error) {
  return format("error setting process working directory to \"%s\": %s",
                directory, pexec_error_text(error));
}

static char *user_failure (const struct pexec__config *config, int error) {
  if (error == -ENOENT)
    return format("error starting process \"%s\": there is no user \"%s\"",
                  config->name, config->username);
  return format("error starting process \"%s\": looking up user \"%s\": %s",
                config->name, config->username, pexec_error_text(error));
}

static char *group_failure (const struct pexec__config *config,
                            const char *group, int error) {
  if (error == -ENOENT)
    return format("error starting process \"%s\": there is no group \"%s\"",
                  config->name, group);
  return format("error starting process \"%s\": looking up group \"%s\": %s",
                config->name, group, pexec_error_text(error));
}

/* What is told is the most that was asked for. */
static char *identity_failure (const struct pexec__config *config,
                               int error) {
  const char *reason = pexec_error_text(error);
  if (config->username != NULL)
    return format("error starting process \"%s\": changing its user to "
                  "\"%s\": %s", config->name, config->username, reason);
  if (config->rights->group != NULL)
    return format("error starting process \"%s\": changing its group to "
                  "\"%s\": %s", config->name, config->rights->group, reason);
  return format("error starting process \"%s\": setting its supplementary "
                "groups: %s", config->name, reason);
}

/* What the system's word does not tell by itself. */
static const char *hint (enum pexec__spawn_step step, int error) {
  if (step == PEXEC__STEP_OOM_SCORE && error == -ENOENT)
    return " (/proc is not mounted)";
  if (step == PEXEC__STEP_CLONE &&
      (error == -EPERM || error == -EINVAL || error == -ENOSYS))
    return " (it needs clone with CLONE_PIDFD, Linux 5.2: the kernel is "
           "older, or a seccomp filter, such as a container's, refuses it)";
  if (error == -ENOSYS)
    return " (the kernel is older, or a seccomp filter, such as a "
           "container's, refuses it)";
  return "";
}

static char *number_failure (const struct pexec__config *config,
                             enum pexec__spawn_step step, int error) {
  const pexec_rights *rights = config->rights;
  int number = step == PEXEC__STEP_NICE ? rights->nice : rights->oom_score_adj;
  return format("error starting process \"%s\": %s to %d: %s%s", config->name,
                step_text(step), number, pexec_error_text(error),
                hint(step, error));
}

static char *environment_failure (const struct pexec__plan *plan,
                                  const struct pexec__config *config,
                                  int error) {
  const struct pexec__dotenv *dotenv = &plan->dotenv;
  const char *reason = dotenv->flaw ? dotenv->flaw : pexec_error_text(error);
  if (dotenv->line == 0)
    return format("error starting process \"%s\": reading its environment "
                  "file \"%s\": %s", config->name, plan->environment_path,
                  reason);
  return format("error starting process \"%s\": reading its environment "
                "file \"%s\": line %zu: %s", config->name,
                plan->environment_path, dotenv->line, reason);
}

static const char *limit_text (uint64_t limit, char buffer[32]) {
  if (limit == PEXEC_UNLIMITED)
    return "unlimited";
  (void)snprintf(buffer, 32, "%llu", (unsigned long long)limit);
  return buffer;
}

static char *limit_failure (const struct pexec__plan *plan,
                            const struct pexec__config *config, int error) {
  static const char *const names[] = {
#define X(name, text) text,
    PEXEC_RESOURCES(X)
#undef X
  };
  const pexec_limit *limit = &config->rights->limits[plan->failed_item];
  char soft[32], hard[32];
  return format("error starting process \"%s\": setting its limit %s to "
                "%s:%s: %s%s", config->name, names[limit->resource],
                limit_text(limit->soft, soft), limit_text(limit->hard, hard),
                pexec_error_text(error), hint(PEXEC__STEP_LIMIT, error));
}

/* EINVAL: it is not there, or not for the host. */
static char *cpu_failure (const struct pexec__plan *plan,
                          const struct pexec__config *config, int error) {
  int cpu = config->rights->cpus[plan->failed_item];
  if (error == -EINVAL)
    return format("error starting process \"%s\": there is no CPU %d for it",
                  config->name, cpu);
  return format("error starting process \"%s\": setting its cpu_affinity: "
                "%s%s", config->name, pexec_error_text(error),
                hint(PEXEC__STEP_CPUS, error));
}

/* Who may not use it has not been given it. */
static const char *advice (int error) {
  return error == -EACCES || error == -EPERM
       ? " (it is not delegated to the host's user: its directory, "
         "cgroup.procs and cgroup.subtree_control are to be his, and the "
         "host is to run below the same delegated cgroup)"
       : "";
}

static char *system_failure (const struct pexec__config *config,
                             const struct pexec__cgroup_flaw *flaw,
                             int error) {
  const char *place = flaw->place ? flaw->place : config->cgroup->path;
  return format("error starting process \"%s\": %s \"%s\": %s%s",
                config->name, flaw->place ? step_text(PEXEC__STEP_CGROUP)
                                          : "entering its cgroup",
                place, pexec_error_text(error), advice(error));
}

static char *enabling_failure (const struct pexec__config *config,
                               const struct pexec__cgroup_flaw *flaw,
                               int error) {
  return format("error starting process \"%s\": %s: writing \"+%s\" to "
                "\"%s\": %s%s%s", config->name,
                step_text(PEXEC__STEP_CGROUP), flaw->controller,
                flaw->place ? flaw->place : config->cgroup->path,
                pexec_error_text(error), error == -EBUSY
                ? " (that cgroup has processes of its own, perhaps the host: "
                  "only one without can share it out)" : "", advice(error));
}

static char *cgroup_failure (const struct pexec__plan *plan,
                             const struct pexec__config *config, int error) {
  const struct pexec__cgroup_flaw *flaw = &plan->cgroup_flaw;
  const char *name = config->name, *step = step_text(PEXEC__STEP_CGROUP);
  const char *place = flaw->place ? flaw->place : config->cgroup->path;
  switch (flaw->kind) {
    case PEXEC__CGROUP_NO_HIERARCHY:
      return format("error starting process \"%s\": %s \"%s\": no cgroup v2 "
                    "hierarchy is mounted", name, step, place);
    case PEXEC__CGROUP_OUT_OF_SIGHT:
      return format("error starting process \"%s\": %s \"%s\": it is not "
                    "below what is mounted of the cgroup v2 hierarchy", name,
                    step, place);
    case PEXEC__CGROUP_NO_CONTROLLER:
      return format("error starting process \"%s\": %s: there is no "
                    "controller %s: \"%s\" has %s", name, step,
                    flaw->controller, place,
                    flaw->detail[0] ? flaw->detail : "none");
    case PEXEC__CGROUP_NOT_ENABLED:
      return enabling_failure(config, flaw, error);
    case PEXEC__CGROUP_HELD:
      return format("error starting process \"%s\": %s: the cgroup \"%s\" "
                    "is another process's of pexec", name, step, place);
    case PEXEC__CGROUP_POPULATED:
      return format("error starting process \"%s\": %s: the cgroup \"%s\" "
                    "holds processes already: %s%s", name, step, place,
                    flaw->detail, flaw->is_full ? ", ..." : "");
    case PEXEC__CGROUP_SYSTEM:
      break;
  }
  return system_failure(config, flaw, error);
}

char *pexec__log_failure (const struct pexec__config *config,
                          const char *path, enum pexec__logfile_flaw flaw,
                          int error) {
  const char *reason = pexec_error_text(error);
  if (path == NULL)
    return format("error starting process \"%s\": starting a thread for its "
                  "output: %s", config->name, reason);
  if (error == PEXEC_EINVALID_CONFIG)
    reason = "another process writes to it with other options (mode, format, "
             "max_size, keep, rotate_every, compress, on_full)";
  else if (flaw == PEXEC__FLAW_LINK)
    reason = "it is a symbolic link, which is not followed";
  else if (flaw == PEXEC__FLAW_KIND)
    reason = "it is neither a regular file nor a FIFO";
  return format("error starting process \"%s\": opening its log file \"%s\": "
                "%s", config->name, path, reason);
}

char *pexec__prepare_failure (const struct pexec__config *config) {
  return format("error starting process \"%s\": the host has not prepared it, "
                "its environment perhaps, in time, and it must not start "
                "without that", config->name);
}

/* EBADF: the host has closed its own. Behind the first word of the step is
   which. */
static char *inherit_failure (const struct pexec__config *config,
                              enum pexec__spawn_step step, int error) {
  const char *text = step_text(step);
  if (error == -EBADF)
    return format("error starting process \"%s\": the host has no %s to "
                  "inherit", config->name, strchr(text, ' ') + 1);
  return format("error starting process \"%s\": %s: %s", config->name, text,
                pexec_error_text(error));
}

static char *input_failure (const struct pexec__config *config, int error) {
  return format("error starting process \"%s\": %s \"%s\": %s", config->name,
                step_text(PEXEC__STEP_INPUT), config->input.path,
                pexec_error_text(error));
}

static char *other_failure (const struct pexec__config *config,
                            enum pexec__spawn_step step, int error) {
  return format("error starting process \"%s\": %s: %s%s", config->name,
                step_text(step), pexec_error_text(error), hint(step, error));
}

char *pexec__plan_failure (const struct pexec__plan *plan,
                           const struct pexec__config *config,
                           enum pexec__spawn_step step, int error) {
  switch (step) {
    case PEXEC__STEP_HOST_CWD:
      return cwd_failure(plan->host_cwd, error);
    case PEXEC__STEP_CWD:
      return cwd_failure(plan->cwd, error);
    case PEXEC__STEP_STDIN:
    case PEXEC__STEP_STDOUT:
    case PEXEC__STEP_STDERR:
      return inherit_failure(config, step, error);
    case PEXEC__STEP_INPUT:
      return input_failure(config, error);
    case PEXEC__STEP_LOG:
      return pexec__log_failure(config, plan->log_path, plan->log_flaw, error);
    case PEXEC__STEP_USER:
      return user_failure(config, error);
    case PEXEC__STEP_GROUP:
      return group_failure(config, plan->identity.wrong_group, error);
    case PEXEC__STEP_IDENTITY:
      return identity_failure(config, error);
    case PEXEC__STEP_ENVIRONMENT:
      return environment_failure(plan, config, error);
    case PEXEC__STEP_CGROUP:
      return cgroup_failure(plan, config, error);
    case PEXEC__STEP_LIMIT:
      return limit_failure(plan, config, error);
    case PEXEC__STEP_CPUS:
      return cpu_failure(plan, config, error);
    case PEXEC__STEP_NICE:
    case PEXEC__STEP_OOM_SCORE:
      return number_failure(config, step, error);
    case PEXEC__STEP_EXEC:
      return exec_failure(plan, config, error);
    default:
      return other_failure(config, step, error);
  }
}
