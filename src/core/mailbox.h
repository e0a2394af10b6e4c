/*
** A queue between two threads, of letters that belong to their senders. It
** allocates nothing, so posting cannot fail, and since a letter that waits
** already is not queued twice, it is bounded by the number of letters there
** are. Knows nothing of processes. The lock also guards whatever the letters
** say, so that a letter can be rewritten while it waits.
*/

#ifndef PEXEC_CORE_MAILBOX_H
#define PEXEC_CORE_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>

struct pexec__letter {
  struct pexec__letter *next;  /* meaningful while posted */
  bool is_posted;
  unsigned char mark;          /* its sender's: what it stands in, perhaps */
};

struct pexec__mailbox {
  pthread_mutex_t lock;
  struct pexec__letter *first;  /* NULL: empty */
  struct pexec__letter **end;   /* where the next one goes */
};

void pexec__mailbox_open (struct pexec__mailbox *box);
void pexec__mailbox_close (struct pexec__mailbox *box);
void pexec__mailbox_lock (struct pexec__mailbox *box);
void pexec__mailbox_unlock (struct pexec__mailbox *box);

/* The rest is called with the lock held. */

/* Queues it, unless it waits already. True where the box was empty: its
   reader is to be woken. */
bool pexec__mailbox_post (struct pexec__mailbox *box,
                          struct pexec__letter *letter);

/* The oldest, or NULL. */
struct pexec__letter *pexec__mailbox_take (struct pexec__mailbox *box);

/* Takes out the one at 'place': &box->first, or the 'next' of one that
   waits. */
void pexec__mailbox_remove (struct pexec__mailbox *box,
                            struct pexec__letter **place);

/* Takes it out, wherever it stands; nothing where it does not wait. */
void pexec__mailbox_withdraw (struct pexec__mailbox *box,
                              struct pexec__letter *letter);

#endif
