/*
** The host's environment and working directory as they were at a process's
** first start: what its children get, at every restart too. Taken on the
** host's thread, immutable afterwards, shared by all processes that were
** started from the same.
*/

#ifndef PEXEC_CORE_HOST_H
#define PEXEC_CORE_HOST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct pexec__host {
  atomic_int holders;
  char *cwd;        /* NULL: it could not be told */
  size_t count;     /* of variables */
  size_t bytes;     /* of all of them, with their ends */
  char **environ;   /* ends in NULL; strings stand behind the array */
};

/* Takes it, or retains 'like' (NULL: none) if that says the same. 0, -ENOMEM.
   Not while another thread of the host changes the environment: the C
   library has no lock for that. */
int pexec__host_take (struct pexec__host *like, struct pexec__host **host);
struct pexec__host *pexec__host_retain (struct pexec__host *host);
void pexec__host_release (struct pexec__host *host);  /* NULL: nothing */

/* A relative path from that directory; to be freed. NULL for want of memory.
   Any thread. */
char *pexec__host_path (const struct pexec__host *host, const char *path);

#endif
