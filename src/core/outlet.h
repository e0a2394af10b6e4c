/*
** Outlets: where one process's output and messages go, besides its host. Each
** is a sink, which it may share with other processes; here is what is the
** process's own about it. The supervisor's thread, but for what says
** otherwise.
*/

#ifndef PEXEC_CORE_OUTLET_H
#define PEXEC_CORE_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "chunk.h"
#include "pexec.h"
#include "sink.h"

/* What goes there, beside PEXEC_STDOUT and PEXEC_STDERR. */
#define PEXEC__MESSAGES 4U

struct pexec__stream;

struct pexec__outlet {
  struct pexec__sink *sink;
  unsigned feeds;         /* what goes there, a bit for each */
  uint64_t fence;         /* of its entries, what news waits for */
};

/* Has all that is configured, if it has not; what is not open yet is to be
   opened. 0, -ENOMEM, or PEXEC_EINVALID_CONFIG where the file *path is open
   with other options. */
int pexec__outlets_take (pexec_process *process, const char **path);
/* Holds what is yet to be opened for it, in 'openings', which has room for
   all its outlets: how many that are. */
size_t pexec__outlets_hold_openings (const pexec_process *process,
                                     struct pexec__opening **openings);
/* Finds writers for all, with their files open. Never waits for a disk. The
   spawner's thread. 0 or -errno; *path: of what file, or NULL. */
int pexec__outlets_equip (pexec_process *process, const char **path);
/* All are open, as the spawner has answered: they can be fed. */
void pexec__outlets_adopt (pexec_process *process);
void pexec__outlets_let_go (pexec_process *process);
/* Where nothing of it runs, and all is written: lets go of the files that
   nothing more will come for, so that others may have them. Its messages
   still find their logger. */
void pexec__outlets_rest (pexec_process *process);
/* Forgets one that its writer is done with, and frees it. */
void pexec__sink_delist (pexec_supervisor *supervisor,
                         struct pexec__sink *sink);

/* Hands on what a stream has brought: bytes to those that want them as they
   are, lines to the others. */
void pexec__outlets_put_bytes (struct pexec__stream *stream,
                               const struct pexec__view *view);
void pexec__outlets_put_lines (struct pexec__stream *stream,
                               const struct pexec__view *view);
/* The log file that gets this stream as it is, where nobody else gets it and
   nothing else goes there; or NULL. */
struct pexec__sink *pexec__outlets_sole_file (
    const struct pexec__stream *stream);
/* Is one of them full, as far as is known? What is read then waits, too. */
bool pexec__outlets_are_full (const struct pexec__stream *stream);
/* Does one hold so much that nothing is to be read, whatever has died? */
bool pexec__outlets_are_overfull (const struct pexec__stream *stream);
/* A message of pexec's. False where there is no outlet for it. */
bool pexec__outlets_put_message (pexec_process *process,
                                 enum pexec_level level, const char *text,
                                 size_t length);
/* Has its log files opened anew. */
void pexec__outlets_reopen (pexec_process *process);
/* The error of that, and of which; 0: none. */
int pexec__outlets_reopen_error (const pexec_process *process,
                                 const char **path);

/* {== flush.c ==== */

/* News that is posted from now on waits until all that was put is written,
   or its time is over; while the supervisor closes it does not wait. */
void pexec__outlets_fence (pexec_process *process);
/* Is all written that was put until the last time? */
bool pexec__outlets_are_settled (const pexec_process *process);
/* Lets all go that waits so. */
void pexec__outlets_hurry (pexec_supervisor *supervisor);
/* Looks at the sinks that have something to say. */
void pexec__outlets_heed (pexec_supervisor *supervisor);
void pexec__outlets_timer_due (void *owner);  /* a supervisor */

#endif
