/*
** Random posts, takings and withdrawals of letters against an array of those
** that wait. One thread.
**
** seam: own mailbox.c
*/

#include "fuzz.h"
#include "mailbox.h"

#define LETTERS 16

static struct pexec__mailbox box;
static struct pexec__letter letters[LETTERS];

/* The model: which wait, the oldest first. */
static int waiting[LETTERS];
static int count;

static int place_of (int letter) {
  for (int i = 0; i < count; i++)
    if (waiting[i] == letter)
      return i;
  return -1;
}

static void drop (int place) {
  count--;
  memmove(&waiting[place], &waiting[place + 1],
          (size_t)(count - place) * sizeof *waiting);
}

static void post (int letter) {
  bool was_empty = (count == 0);
  if (place_of(letter) < 0)
    waiting[count++] = letter;
  EXPECT(pexec__mailbox_post(&box, &letters[letter]) == was_empty);
}

static void take (void) {
  struct pexec__letter *taken = pexec__mailbox_take(&box);
  EXPECT(taken == (count > 0 ? &letters[waiting[0]] : NULL));
  if (taken != NULL)
    drop(0);
}

static void withdraw (int letter) {
  int place = place_of(letter);
  pexec__mailbox_withdraw(&box, &letters[letter]);
  if (place >= 0)
    drop(place);
}

/* As who walks through the box does it. */
static void remove_at (int place) {
  struct pexec__letter **at = &box.first;
  if (place >= count)
    return;
  for (int i = 0; i < place; i++)
    at = &(*at)->next;
  pexec__mailbox_remove(&box, at);
  drop(place);
}

static void check (void) {
  const struct pexec__letter *at = box.first;
  for (int i = 0; i < count; i++, at = at->next)
    EXPECT(at == &letters[waiting[i]]);
  EXPECT(at == NULL);
  for (int i = 0; i < LETTERS; i++)
    EXPECT(letters[i].is_posted == (place_of(i) >= 0));
}

static void act (unsigned what) {
  int which = (int)(what % LETTERS);
  switch (what / LETTERS % 5) {
    case 0: case 1: post(which); break;
    case 2: take(); break;
    case 3: withdraw(which); break;
    default: remove_at(which); break;
  }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  memset(letters, 0, sizeof letters);
  count = 0;
  pexec__mailbox_open(&box);
  for (size_t i = 0; i < size; i++) {
    act(data[i]);
    check();
  }
  while (count > 0)
    take();
  take();
  pexec__mailbox_close(&box);
  return 0;
}
