/*
** What the three files of a log file share: logfile.c (opening, following,
** appending), rotate.c (the names of rotated files) and compress.c. Nobody
** else includes this.
*/

#ifndef PEXEC_CORE_LOGFILE_STATE_H
#define PEXEC_CORE_LOGFILE_STATE_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "logfile.h"
#include "sys.h"

struct pexec__compression;

struct pexec__logfile {
  /* immutable */
  unsigned mode;
  int64_t max_size;           /* 0: any */
  int64_t rotate_every_ns;    /* 0: not by the clock */
  int keep;
  bool compresses;
  bool allows_devices;

  /* the writer's thread only */
  int fd;                     /* -1: not open */
  int error;                  /* why it is not; 0: open, or not tried yet */
  enum pexec__file_kind kind; /* this and what follows: of what is open */
  bool is_linked;             /* by a symbolic link: never rotated */
  bool is_torn;               /* its last line has no newline */
  int64_t size;               /* at the last look, and what was added since */
  int64_t line_size;          /* of the torn line, as far as known */
  int64_t period;             /* of the clock, in which it was last written */
  int64_t tried_at_ns;        /* these three are of pexec__now() */
  int64_t followed_at_ns;
  int64_t barred_until_ns;    /* from rotation, which has failed; 0: not */

  /* under the lock: the names of rotated files, and which file is written;
     that one the writer's thread changes, and reads without it */
  pthread_mutex_t lock;
  uint64_t device, inode;

  /* both, atomically */
  atomic_bool wants_compression;  /* rotated files are to be looked through */
  atomic_bool is_abandoned;

  /* the compressing thread only */
  struct pexec__compression *compression;  /* NULL: none is under way */

  char path[];
};

/* {== logfile.c ==== */

/* Does its path still lead to the file that is open? Then *size is its size.
   The writer's thread. */
bool pexec__logfile_has_name (const struct pexec__logfile *file,
                              int64_t *size);

/* {== rotate.c ==== */

/* The path with "." and a number behind it, or with ".gz" besides, in a
   buffer of PATH_MAX bytes. 0 or -ENAMETOOLONG. */
int pexec__rotated_name (const struct pexec__logfile *file, int number,
                         bool is_compressed, char *name);
/* The highest number in use, and 0 where none is. Under the lock. */
int pexec__rotated_last (const struct pexec__logfile *file);
/* FILE becomes FILE.1, after the others have made room. 0, or -errno: FILE is
   as it was; -ESTALE where that name is not the open file's. */
int pexec__logfile_shift (struct pexec__logfile *file);

/* {== compress.c ==== */

/* Ends what is under way, and leaves nothing of it. */
void pexec__compression_drop (struct pexec__logfile *file);

#endif
