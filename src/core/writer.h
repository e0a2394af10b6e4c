/*
** Writers: threads that write what sinks have got, one for each device, so
** that a disk which hangs holds up nobody but those who write to it; and one
** for each core, where many files are there. Each begins with its first sink
** and ends with its last.
*/

#ifndef PEXEC_CORE_WRITER_H
#define PEXEC_CORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loop.h"
#include "mailbox.h"
#include "sink.h"

struct pexec__writer;
struct pexec__writers;

#define PEXEC__WRITER_USERS 8   /* have one, before there is another */
#define PEXEC__WRITERS_MOST 8   /* of a device, however many cores there are */

/* Keys of those that are not devices. */
#define PEXEC__WRITER_STDERR UINT64_MAX
#define PEXEC__WRITER_HOST (UINT64_MAX - 1)

/* 'words' gets a sink's letter when the supervisor is to look at it; then
   the loop is woken. 0, -ENOMEM. */
int pexec__writers_open (struct pexec__loop *loop,
                         struct pexec__mailbox *words,
                         struct pexec__writers **writers);
/* Writes what waits, until 'deadline_ns' at most, and ends the threads. One
   that hangs in the kernel is left to itself, and so are its sinks, which are
   taken out of the list 'sinks'; it frees them if it ever comes back. */
void pexec__writers_close (struct pexec__writers *writers,
                           struct pexec__sink **sinks, int64_t deadline_ns);

/* One of this device, which is started if need be, for one sink more; the same
   for all, unless it 'spreads'. Any thread. 0 or -errno. */
int pexec__writer_get (struct pexec__writers *writers, uint64_t device,
                       bool spreads, struct pexec__writer **writer);

/* For a sink that is closed: no word of it will be found any more, and it can
   be freed. Behind the last one the thread ends: whoever has called is not to
   touch the writer any more. The supervisor's thread. */
void pexec__writer_leave (struct pexec__writer *writer,
                          struct pexec__sink *sink);

void pexec__writer_lock (struct pexec__writer *writer);
void pexec__writer_unlock (struct pexec__writer *writer);
/* The sink has work. With the lock held. One that can wait does so until
   another cannot, or until pexec__writers_wake. */
void pexec__writer_call (struct pexec__writer *writer,
                         struct pexec__sink *sink, bool can_wait);
/* These two with the lock held. The first lets go of it meanwhile. */
void pexec__writer_await_change (struct pexec__writer *writer);
void pexec__writer_note_change (struct pexec__writer *writer);
/* Wakes those that were not woken yet. The supervisor's thread. */
void pexec__writers_wake (struct pexec__writers *writers);
/* The sink has none any more, and may be freed. With the lock held. */
void pexec__writer_forget (struct pexec__writer *writer,
                           struct pexec__sink *sink);
/* So many bytes more, or less, wait for it: returns how many do in all. With
   the lock held. */
size_t pexec__writer_count (struct pexec__writer *writer, ptrdiff_t change);
/* The supervisor is to look at the sink. With the lock held. */
void pexec__writer_tell (struct pexec__writer *writer,
                         struct pexec__sink *sink);

#endif
