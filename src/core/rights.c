/* See rights.h. */

#include "rights.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

const pexec_rights pexec__no_rights = PEXEC_RIGHTS_INIT;

/* {== what can be used ================================================== */

static bool is_between (int value, int least, int most) {
  return value >= least && value <= most;
}

static bool is_unset_or_between (int value, int least, int most) {
  return value == PEXEC_UNSET || is_between(value, least, most);
}

static bool are_usable_limits (const pexec_limit *limits, size_t count) {
  if (limits == NULL)
    return count == 0;
  for (size_t i = 0; i < count; i++)
    if ((unsigned)limits[i].resource >= PEXEC_RESOURCE_COUNT ||
        limits[i].soft > limits[i].hard)
      return false;
  return true;
}

static bool are_usable_cpus (const int *cpus, size_t count) {
  if (cpus == NULL || count == 0)
    return cpus == NULL && count == 0;
  for (size_t i = 0; i < count; i++)
    if (!is_between(cpus[i], 0, PEXEC_MOST_CPUS - 1))
      return false;
  return true;
}

bool pexec__rights_are_usable (const pexec_rights *rights) {
  return is_between(rights->umask, -1, 0777) &&
         is_unset_or_between(rights->nice, -20, 19) &&
         is_unset_or_between(rights->oom_score_adj, -1000, 1000) &&
         are_usable_limits(rights->limits, rights->limit_count) &&
         are_usable_cpus(rights->cpus, rights->cpu_count) &&
         (unsigned)rights->io_class <= PEXEC_IO_IDLE &&
         is_between(rights->io_level, 0, 7) &&
         (unsigned)rights->host_death <= PEXEC_HOST_DEATH_KEEP;
}

/* {== a cgroup =========================================================== */

static bool is_name (const char *text, size_t length) {
  return length > 0 && length <= NAME_MAX &&
         !(length == 1 && text[0] == '.') &&
         !(length == 2 && text[0] == '.' && text[1] == '.');
}

/* Names between single slashes, of which one may stand in front. */
static bool is_usable_path (const char *path) {
  if (path == NULL || strlen(path) >= PATH_MAX)
    return false;
  for (path += (path[0] == '/'); ; path++) {
    size_t length = strcspn(path, "/");
    if (!is_name(path, length))
      return false;
    path += length;
    if (*path == '\0')
      return true;
  }
}

bool pexec__cgroup_is_usable (const pexec_cgroup *cgroup) {
  return cgroup == NULL ||
         (is_usable_path(cgroup->path) &&
          cgroup->memory_max >= PEXEC_CGROUP_UNSET &&
          (cgroup->pids_max == PEXEC_CGROUP_UNSET || cgroup->pids_max >= 1) &&
          is_between(cgroup->cpu_weight, 0, 10000));
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

/* The room may begin anywhere; in it is first what needs most alignment. */
#define ALIGNMENT _Alignof(pexec_limit)

_Static_assert(_Alignof(pexec_limit) >= _Alignof(pexec_rights) &&
               _Alignof(pexec_rights) >= _Alignof(char *) &&
               _Alignof(char *) >= _Alignof(int),
               "the struct, limits, pointers, numbers");

static char *align (char *room) {
  return room + (-(uintptr_t)room & (ALIGNMENT - 1));
}

/* Where only the padding differs, there is one copy more. */
static bool says_nothing (const pexec_rights *rights) {
  /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
  return memcmp(rights, &pexec__no_rights, sizeof *rights) == 0;
}

static size_t size_of_all (const pexec_rights *rights) {
  size_t count = count_of(rights->supplementary_groups);
  size_t size = ALIGNMENT + sizeof *rights +
                rights->limit_count * sizeof(pexec_limit) +
                (count + 1) * sizeof(char *) +
                rights->cpu_count * sizeof(int) + text_size(rights->group);
  for (size_t i = 0; i < count; i++)
    size += text_size(rights->supplementary_groups[i]);
  return size;
}

size_t pexec__rights_size (const pexec_rights *rights) {
  return says_nothing(rights) ? 0 : size_of_all(rights);
}

static void *put (char **room, const void *from, size_t size) {
  char *start = *room;
  *room += size;
  return from ? memcpy(start, from, size) : NULL;
}

static char *put_text (char **room, const char *text) {
  return put(room, text, text_size(text));
}

/* Returns the array, whose strings are still to come. */
static const char **put_pointers (char **room, const char *const *groups) {
  const char **array = (const char **)(void *)*room;
  size_t count = count_of(groups);
  *room = (char *)(array + count + 1);
  array[count] = NULL;
  return array;
}

const pexec_rights *pexec__rights_copy (char *room, const pexec_rights *from) {
  const char *const *groups = from->supplementary_groups;
  const char **array;
  pexec_rights *copy;
  if (says_nothing(from))
    return &pexec__no_rights;
  room = align(room);
  copy = put(&room, from, sizeof *from);
  copy->limits = put(&room, from->limits,
                     from->limit_count * sizeof *from->limits);
  array = put_pointers(&room, groups);
  copy->supplementary_groups = groups ? array : NULL;
  copy->cpus = put(&room, from->cpus, from->cpu_count * sizeof *from->cpus);
  copy->group = put_text(&room, from->group);
  for (size_t i = 0; groups != NULL && groups[i] != NULL; i++)
    array[i] = put_text(&room, groups[i]);
  return copy;
}
