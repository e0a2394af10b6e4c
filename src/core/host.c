/* See host.h. */

#include "host.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

static bool same_text (const char *a, const char *b) {
  return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_environ (char *const *a, char *const *b) {
  while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
    a++;
    b++;
  }
  return *a == *b;  /* both at their NULL */
}

static void copy_environ (struct pexec__host *host, char *const *from) {
  char *text = (char *)(host->environ + host->count + 1);
  for (size_t i = 0; i < host->count; i++) {
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): as counted */
    size_t size = strlen(from[i]) + 1;
    host->environ[i] = memcpy(text, from[i], size);
    text += size;
  }
  host->environ[host->count] = NULL;
}

static int fill (struct pexec__host *host, char *const *from,
                 const char *cwd) {
  for (; from[host->count] != NULL; host->count++)
    host->bytes += strlen(from[host->count]) + 1;
  host->environ = pexec__malloc((host->count + 1) * sizeof(char *) +
                                host->bytes);
  host->cwd = pexec__strdup(cwd);
  if (host->environ == NULL || (cwd != NULL && host->cwd == NULL))
    return -ENOMEM;
  copy_environ(host, from);
  return 0;
}

static void destroy (struct pexec__host *host) {
  pexec__free(host->environ);
  pexec__free(host->cwd);
  pexec__free(host);
}

int pexec__host_take (struct pexec__host *like, struct pexec__host **host) {
  static char *const nothing[] = { NULL };
  char *const *from = environ ? environ : nothing;
  char buffer[PATH_MAX];
  /* "(unreachable)/..." is what the kernel says of a directory outside */
  const char *cwd = getcwd(buffer, sizeof buffer);
  struct pexec__host *made;
  if (cwd != NULL && cwd[0] != '/')
    cwd = NULL;
  if (like != NULL && same_text(cwd, like->cwd) &&
      same_environ(from, like->environ)) {
    *host = pexec__host_retain(like);
    return 0;
  }
  if ((made = pexec__calloc(1, sizeof *made)) == NULL)
    return -ENOMEM;
  atomic_init(&made->holders, 1);
  if (fill(made, from, cwd) < 0) {
    destroy(made);
    return -ENOMEM;
  }
  *host = made;
  return 0;
}

struct pexec__host *pexec__host_retain (struct pexec__host *host) {
  atomic_fetch_add_explicit(&host->holders, 1, memory_order_relaxed);
  return host;
}

void pexec__host_release (struct pexec__host *host) {
  if (host != NULL && atomic_fetch_sub(&host->holders, 1) == 1)
    destroy(host);
}

char *pexec__host_path (const struct pexec__host *host, const char *path) {
  size_t cwd_length, length = strlen(path);
  char *made;
  if (path[0] == '/' || host->cwd == NULL)
    return pexec__strdup(path);
  cwd_length = strlen(host->cwd);
  if ((made = pexec__malloc(cwd_length + length + 2)) == NULL)
    return NULL;
  memcpy(made, host->cwd, cwd_length);
  made[cwd_length] = '/';
  memcpy(made + cwd_length + 1, path, length + 1);
  return made;
}
