/* See rights.h. */

#include "rights.h"

#include <stdint.h>
#include <string.h>

/* {== what can be used ================================================== */

static bool is_between (int value, int least, int most) {
  return value >= least && value <= most;
}

static bool is_unset_or_between (int value, int least, int most) {
  return value == PEXEC_UNSET || is_between(value, least, most);
}

bool pexec__rights_are_usable (const pexec_rights *rights) {
  return is_between(rights->umask, -1, 0777) &&
         is_unset_or_between(rights->nice, -20, 19) &&
         is_unset_or_between(rights->oom_score_adj, -1000, 1000);
}

/* {== the copy ========================================================== */

static size_t count_of (const char *const *array) {
  size_t count = 0;
  while (array != NULL && array[count] != NULL)
    count++;
  return count;
}

static size_t text_size (const char *text) {
  return text ? strlen(text) + 1 : 0;
}

/* Pointers need an alignment, and the room may begin anywhere. */
#define ALIGNMENT _Alignof(char *)

static char *align (char *room) {
  return room + (-(uintptr_t)room & (ALIGNMENT - 1));
}

size_t pexec__rights_size (const pexec_rights *rights) {
  size_t count = count_of(rights->supplementary_groups);
  size_t size = ALIGNMENT + text_size(rights->group) +
                (count + 1) * sizeof(char *);
  for (size_t i = 0; i < count; i++)
    size += text_size(rights->supplementary_groups[i]);
  return size;
}

static char *put_text (char **room, const char *text) {
  char *start = *room;
  *room += text_size(text);
  return text ? strcpy(start, text) : NULL;
}

/* The array is at the start of the room, its strings behind. */
static void put_groups (pexec_rights *copy, char **room,
                        const char *const *groups) {
  const char **array = (const char **)(void *)*room;
  size_t count = count_of(groups);
  *room = (char *)(array + count + 1);
  for (size_t i = 0; i < count; i++)
    array[i] = put_text(room, groups[i]);
  array[count] = NULL;
  copy->supplementary_groups = groups ? array : NULL;
}

void pexec__rights_copy (pexec_rights *copy, char *room,
                         const pexec_rights *from) {
  *copy = *from;
  room = align(room);
  put_groups(copy, &room, from->supplementary_groups);
  copy->group = put_text(&room, from->group);
}
