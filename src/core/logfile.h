/*
** One log file: opened safely, appended to, rotated, opened anew where others
** have moved it. Calls block as the disk does: never on the supervisor's
** thread. One thread at a time.
*/

#ifndef PEXEC_CORE_LOGFILE_H
#define PEXEC_CORE_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pexec.h"

struct pexec__logfile;

/* What is wrong where opening fails. */
enum pexec__logfile_flaw {
  PEXEC__FLAW_NONE,       /* the error says it */
  PEXEC__FLAW_LINK,       /* a symbolic link: not followed */
  PEXEC__FLAW_KIND        /* neither a regular file nor a FIFO */
};

/* Takes a copy of what 'from' says ('format' and 'blocks' do not matter to
   it), whose path is absolute. Opens nothing. -ENOMEM. One that allows
   devices takes character devices (/dev/stderr, a terminal) besides, and
   follows a symbolic link to what is there; what is behind one is not
   rotated. One object for a path, where that can be had: two of them follow
   each other's rotations, but only within a second. */
int pexec__logfile_new (const pexec_file *from, bool allows_devices,
                        struct pexec__logfile **file);
void pexec__logfile_free (struct pexec__logfile *file);

/* Opens it, if it is not open. 0, or -errno: -ELOOP with FLAW_LINK, -EINVAL
   with FLAW_KIND, -EISDIR. -ENXIO for a FIFO that nobody reads: try again
   later. */
int pexec__logfile_open (struct pexec__logfile *file,
                         enum pexec__logfile_flaw *flaw);
/* Opens what 'from' names, whose path is absolute, for a child to write to: its
   descriptor, or what open answers; -ESPIPE for a FIFO, read or not. */
int pexec__logfile_open_for_child (const pexec_file *from,
                                   enum pexec__logfile_flaw *flaw);
/* Opens what bears the name now, also where that is still the same file. On
   failure the old one, if any, stays open. */
int pexec__logfile_reopen (struct pexec__logfile *file,
                           enum pexec__logfile_flaw *flaw);
/* The device that it is on, and 0 for what is on none. Only once it is open. */
uint64_t pexec__logfile_device (const struct pexec__logfile *file);
bool pexec__logfile_is_regular (const struct pexec__logfile *file);
/* To be polled only, where a write gave -EAGAIN; -1: not open. */
int pexec__logfile_fd (const struct pexec__logfile *file);

/* Appends, and rotates at the ends of lines as it goes; follows the name, at
   most once a second; opens it where it is not open, trying at most every
   100 ms. 'now_ns' is CLOCK_REALTIME. *done counts the bytes that were taken,
   also on failure. 0, or -errno; -EAGAIN where a pipe is full. Never blocks
   on what is no regular file. Where rotation fails, it goes on in the same
   file, and tries that again a second later. A 'length' of 0 follows and
   opens, no more. */
int pexec__logfile_write (struct pexec__logfile *file, int64_t now_ns,
                          const char *data, size_t length, size_t *done);

/* Has its last line no newline? What is to stand on a line of its own begins
   with one then. */
bool pexec__logfile_is_torn (const struct pexec__logfile *file);

/* Is pexec__logfile_compress to be called? Any thread; cheap. */
bool pexec__logfile_wants_compression (const struct pexec__logfile *file);
/* Of rotated files one that is to be compressed is, on the calling thread, in
   slices of a few milliseconds: true where there is more to do. Safe beside
   the other calls but 'free', from another thread than theirs; one thread at
   a time. What fails is left as it was, until the next rotation. */
bool pexec__logfile_compress (struct pexec__logfile *file);
/* From now on it answers false, within milliseconds, and leaves what it was
   at undone; the next 'new' of this path goes on. Any thread. */
void pexec__logfile_abandon (struct pexec__logfile *file);

#endif
