/* See timers.h. */

#include "timers.h"

#include <errno.h>

#include "sys.h"

#define LEAST_ROOM 16

static void put (struct pexec__timers *timers, size_t place,
                 struct pexec__due *due) {
  timers->heap[place] = due;
  due->place = place;
}

static void rise (struct pexec__timers *timers, size_t place,
                  struct pexec__due *due) {
  while (place > 1 && timers->heap[place / 2]->at_ns > due->at_ns) {
    put(timers, place, timers->heap[place / 2]);
    place /= 2;
  }
  put(timers, place, due);
}

/* The one below this place that is due first; beyond the heap: there is
   none. */
static size_t child_of (const struct pexec__timers *timers, size_t place) {
  size_t child = 2 * place;
  if (child < timers->armed &&
      timers->heap[child + 1]->at_ns < timers->heap[child]->at_ns)
    child++;
  return child;
}

static void sink (struct pexec__timers *timers, size_t place,
                  struct pexec__due *due) {
  size_t child = child_of(timers, place);
  while (child <= timers->armed &&
         timers->heap[child]->at_ns < due->at_ns) {
    put(timers, place, timers->heap[child]);
    place = child;
    child = child_of(timers, place);
  }
  put(timers, place, due);
}

int pexec__timers_open (struct pexec__timers *timers, struct pexec__due *due) {
  if (timers->open == timers->room) {
    size_t room = timers->room ? 2 * timers->room : LEAST_ROOM;
    void *heap = pexec__realloc(timers->heap,
                                (room + 1) * sizeof *timers->heap);
    if (heap == NULL)
      return -ENOMEM;
    timers->heap = heap;
    timers->room = room;
  }
  timers->open++;
  *due = (struct pexec__due){ INT64_MAX, 0 };
  return 0;
}

void pexec__timers_close (struct pexec__timers *timers) {
  timers->open--;
}

void pexec__timers_arm (struct pexec__timers *timers, struct pexec__due *due,
                        int64_t at_ns) {
  pexec__timers_disarm(timers, due);
  due->at_ns = at_ns;
  rise(timers, ++timers->armed, due);
}

/* The last one takes its place, and finds its own from there. */
void pexec__timers_disarm (struct pexec__timers *timers,
                           struct pexec__due *due) {
  size_t place = due->place;
  struct pexec__due *last;
  if (place == 0)
    return;
  *due = (struct pexec__due){ INT64_MAX, 0 };
  last = timers->heap[timers->armed--];
  if (last == due)
    return;
  rise(timers, place, last);
  sink(timers, last->place, last);
}

struct pexec__due *pexec__timers_first (const struct pexec__timers *timers) {
  return timers->armed > 0 ? timers->heap[1] : NULL;
}

void pexec__timers_free (struct pexec__timers *timers) {
  pexec__free(timers->heap);
}
