/* See opening.h. */

#include "opening.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "sys.h"

struct pexec__opening {
  atomic_int holders;           /* a sink, and jobs */
  pthread_mutex_t lock;         /* held by who opens it, however long */
  atomic_bool is_open;          /* set once, under the lock */
  struct pexec__logfile *file;  /* under the lock until it is open, then that
                                   of who takes it; NULL: it was taken */
  char path[];                  /* immutable */
};

int pexec__opening_new (const pexec_file *options,
                        struct pexec__opening **opening) {
  size_t size = strlen(options->path) + 1;
  struct pexec__opening *made = pexec__calloc(1, sizeof *made + size);
  if (made == NULL)
    return -ENOMEM;
  if (pexec__logfile_new(options, false, &made->file) < 0) {
    pexec__free(made);
    return -ENOMEM;
  }
  atomic_init(&made->holders, 1);
  atomic_init(&made->is_open, false);
  (void)pthread_mutex_init(&made->lock, NULL);  /* cannot fail on Linux */
  memcpy(made->path, options->path, size);
  *opening = made;
  return 0;
}

struct pexec__opening *pexec__opening_hold (struct pexec__opening *opening) {
  (void)atomic_fetch_add(&opening->holders, 1);
  return opening;
}

void pexec__opening_drop (struct pexec__opening *opening) {
  if (opening == NULL || atomic_fetch_sub(&opening->holders, 1) > 1)
    return;
  pexec__logfile_free(opening->file);
  (void)pthread_mutex_destroy(&opening->lock);
  pexec__free(opening);
}

const char *pexec__opening_path (const struct pexec__opening *opening) {
  return opening->path;
}

/* A FIFO that nobody reads yet is tried again with each line. */
static int open_now (struct pexec__opening *opening,
                     const atomic_bool *is_unwanted,
                     enum pexec__logfile_flaw *flaw) {
  int error;
  if (atomic_load(&opening->is_open))
    return 0;
  if (atomic_load(is_unwanted))
    return -ECANCELED;
  error = pexec__logfile_open(opening->file, flaw);
  if (error < 0 && error != -ENXIO)
    return error;
  atomic_store(&opening->is_open, true);
  return 0;
}

int pexec__opening_open (struct pexec__opening *opening,
                         const atomic_bool *is_unwanted,
                         enum pexec__logfile_flaw *flaw) {
  int error;
  (void)pthread_mutex_lock(&opening->lock);
  error = open_now(opening, is_unwanted, flaw);
  (void)pthread_mutex_unlock(&opening->lock);
  return error;
}

bool pexec__opening_is_open (struct pexec__opening *opening) {
  return atomic_load(&opening->is_open);
}

uint64_t pexec__opening_device (const struct pexec__opening *opening) {
  return pexec__logfile_device(opening->file);
}

struct pexec__logfile *pexec__opening_take (struct pexec__opening *opening) {
  struct pexec__logfile *file = opening->file;
  opening->file = NULL;
  return file;
}
