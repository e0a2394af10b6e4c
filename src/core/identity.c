/* See identity.h. It holds nothing between calls. */

#include "identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

#define MOST_ENTRY (1 << 20)     /* bytes of one entry of the user database */
#define MOST_GROUPS (1 << 16)    /* the kernel's own bound */

/* One look-up of a passwd entry, by name or, with name NULL, by uid. */
static int look_up (const char *name, uid_t uid, struct passwd *entry,
                    char *buffer, size_t size) {
  struct passwd *found = NULL;
  int error = name ? getpwnam_r(name, entry, buffer, size, &found)
                   : getpwuid_r(uid, entry, buffer, size, &found);
  if (error != 0)
    return -error;
  return found ? 0 : -ENOENT;
}

/* The entry's strings stand in *buffer, to be freed by the caller. */
static int find_entry (const char *name, uid_t uid, struct passwd *entry,
                       char **buffer) {
  int error = -ERANGE;
  for (size_t size = 1024; error == -ERANGE && size <= MOST_ENTRY; size *= 2) {
    pexec__free(*buffer);
    if ((*buffer = pexec__malloc(size)) == NULL)
      return -ENOMEM;
    error = look_up(name, uid, entry, *buffer, size);
  }
  return error;
}

/* Digits alone, and not the value that means "leave it" to the kernel. */
static bool parse_uid (const char *text, uid_t *uid) {
  char *end;
  unsigned long long value;
  if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789") > 10)
    return false;
  value = strtoull(text, &end, 10);
  *uid = (uid_t)value;
  return *end == '\0' && value < UINT32_MAX;
}

static int find_groups (struct pexec__identity *to) {
  int count = 32;
  for (; count <= MOST_GROUPS; count *= 2) {
    int got = count;
    gid_t *groups = pexec__realloc(to->groups, (size_t)count * sizeof *groups);
    if (groups == NULL)
      return -ENOMEM;
    to->groups = groups;
    if (getgrouplist(to->name, to->gid, groups, &got) >= 0) {
      to->group_count = (size_t)got;
      return 0;
    }
  }
  return -E2BIG;
}

/* -1 would mean to the kernel: leave it as it is. */
static int copy_entry (struct pexec__identity *to,
                       const struct passwd *entry) {
  if (entry->pw_uid == (uid_t)-1 || entry->pw_gid == (gid_t)-1)
    return -EINVAL;
  to->uid = entry->pw_uid;
  to->gid = entry->pw_gid;
  to->name = pexec__strdup(entry->pw_name);
  to->home = pexec__strdup(entry->pw_dir);
  to->shell = pexec__strdup(entry->pw_shell[0] ? entry->pw_shell : "/bin/sh");
  return to->name && to->home && to->shell ? 0 : -ENOMEM;
}

static int compare_gids (const void *a, const void *b) {
  gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;
  return (x > y) - (x < y);
}

static bool has_ids (const struct pexec__identity *is) {
  uid_t uids[3];
  gid_t gids[3];
  if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
      getresgid(&gids[0], &gids[1], &gids[2]) != 0)
    return false;
  for (int i = 0; i < 3; i++)
    if (uids[i] != is->uid || gids[i] != is->gid)
      return false;
  return true;
}

/* Is the host this user already, with these very groups? Then there is
   nothing to change, and a host without privileges can go on. */
static bool is_host (struct pexec__identity *is) {
  size_t size = is->group_count * sizeof *is->groups;
  gid_t *own;
  bool same;
  if (!has_ids(is) || getgroups(0, NULL) != (int)is->group_count)
    return false;
  if (size == 0)
    return true;
  if ((own = pexec__malloc(size)) == NULL)
    return false;
  same = getgroups((int)is->group_count, own) == (int)is->group_count;
  qsort(own, is->group_count, sizeof *own, compare_gids);
  qsort(is->groups, is->group_count, sizeof *own, compare_gids);
  same = same && memcmp(own, is->groups, size) == 0;
  pexec__free(own);
  return same;
}

int pexec__identity_resolve (const char *username,
                             struct pexec__identity *identity) {
  struct passwd entry;
  char *buffer = NULL;
  uid_t uid;
  int error;
  *identity = (struct pexec__identity){ 0 };
  if (username == NULL)
    return 0;
  error = username[0] ? find_entry(username, 0, &entry, &buffer) : -ENOENT;
  if (error == -ENOENT && parse_uid(username, &uid))
    error = find_entry(NULL, uid, &entry, &buffer);
  if (error == 0)
    error = copy_entry(identity, &entry);
  if (error == 0)
    error = find_groups(identity);
  pexec__free(buffer);
  identity->is_changed = (error != 0) || !is_host(identity);
  return error;
}

void pexec__identity_free (struct pexec__identity *identity) {
  pexec__free(identity->groups);
  pexec__free(identity->name);
  pexec__free(identity->home);
  pexec__free(identity->shell);
  *identity = (struct pexec__identity){ 0 };
}
