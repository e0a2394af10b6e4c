/*
** The opening of one log file, for all starts that name it: one of them opens
** it, the others wait for that. It is counted, and needs nothing but itself, so
** that a thread which hangs in it can be left behind. Whoever may not block
** asks whether it is open, and takes the file then.
*/

#ifndef PEXEC_CORE_OPENING_H
#define PEXEC_CORE_OPENING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "logfile.h"

struct pexec__opening;

/* Of the file that 'options' say, whose path is absolute; held once. Opens
   nothing. 0, -ENOMEM. */
int pexec__opening_new (const pexec_file *options,
                        struct pexec__opening **opening);
/* Both by any thread. The last one closes the file, unless that was taken. */
struct pexec__opening *pexec__opening_hold (struct pexec__opening *opening);
void pexec__opening_drop (struct pexec__opening *opening);  /* NULL: nothing */
const char *pexec__opening_path (const struct pexec__opening *opening);

/* Opens it, if nobody has. Blocks as the disk does, and as long as another
   thread is at it: an opener, or the spawner. 0, what pexec__logfile_open
   answers, or -ECANCELED where it is 'is_unwanted' by then. */
int pexec__opening_open (struct pexec__opening *opening,
                         const atomic_bool *is_unwanted,
                         enum pexec__logfile_flaw *flaw);

/* Once it is, it stays so. Any thread; never blocks. */
bool pexec__opening_is_open (struct pexec__opening *opening);
/* Of one that is open, and before its file is taken. */
uint64_t pexec__opening_device (const struct pexec__opening *opening);
/* The file of one that is open: the caller's from now on. Once, and never
   beside pexec__opening_device. */
struct pexec__logfile *pexec__opening_take (struct pexec__opening *opening);

#endif
