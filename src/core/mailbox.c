/* See mailbox.h. Any thread. */

#include "mailbox.h"

#include <stddef.h>

void pexec__mailbox_open (struct pexec__mailbox *box) {
  (void)pthread_mutex_init(&box->lock, NULL);  /* cannot fail on Linux */
  box->first = NULL;
  box->end = &box->first;
}

void pexec__mailbox_close (struct pexec__mailbox *box) {
  (void)pthread_mutex_destroy(&box->lock);
}

void pexec__mailbox_lock (struct pexec__mailbox *box) {
  (void)pthread_mutex_lock(&box->lock);
}

void pexec__mailbox_unlock (struct pexec__mailbox *box) {
  (void)pthread_mutex_unlock(&box->lock);
}

bool pexec__mailbox_post (struct pexec__mailbox *box,
                          struct pexec__letter *letter) {
  bool was_empty = (box->first == NULL);
  if (letter->is_posted)
    return false;
  letter->is_posted = true;
  letter->next = NULL;
  *box->end = letter;
  box->end = &letter->next;
  return was_empty;
}

void pexec__mailbox_remove (struct pexec__mailbox *box,
                            struct pexec__letter **place) {
  struct pexec__letter *letter = *place;
  *place = letter->next;
  if (box->end == &letter->next)
    box->end = place;
  letter->is_posted = false;
}

struct pexec__letter *pexec__mailbox_take (struct pexec__mailbox *box) {
  struct pexec__letter *letter = box->first;
  if (letter != NULL)
    pexec__mailbox_remove(box, &box->first);
  return letter;
}

void pexec__mailbox_withdraw (struct pexec__mailbox *box,
                              struct pexec__letter *letter) {
  struct pexec__letter **place = &box->first;
  if (!letter->is_posted)
    return;
  while (*place != letter)
    place = &(*place)->next;
  pexec__mailbox_remove(box, place);
}
