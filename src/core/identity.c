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

/* {== users ============================================================== */

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
static bool parse_id (const char *text, uint32_t *id) {
  char *end;
  unsigned long long value;
  if (text[0] < '0' || text[0] > '9' || strspn(text, "0123456789") > 10)
    return false;
  value = strtoull(text, &end, 10);
  *id = (uint32_t)value;
  return *end == '\0' && value < UINT32_MAX;
}

/* Of its user, and its group, whichever that is. */
static int find_users_groups (struct pexec__identity *to) {
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

/* {== groups ============================================================= */

/* One look-up, as 'look_up' of a user. */
static int look_up_group (const char *name, gid_t *gid, char *buffer,
                          size_t size) {
  struct group entry, *found = NULL;
  int error = name ? getgrnam_r(name, &entry, buffer, size, &found)
                   : getgrgid_r(*gid, &entry, buffer, size, &found);
  if (error != 0)
    return -error;
  if (found != NULL)
    *gid = entry.gr_gid;
  return found ? 0 : -ENOENT;
}

static int find_gid (const char *name, gid_t *gid) {
  int error = -ERANGE;
  for (size_t size = 1024; error == -ERANGE && size <= MOST_ENTRY; size *= 2) {
    char *buffer = pexec__malloc(size);
    if (buffer == NULL)
      return -ENOMEM;
    error = look_up_group(name, gid, buffer, size);
    pexec__free(buffer);
  }
  return error;
}

/* By its name, or by a number. -1 would mean to the kernel: leave it. */
static int find_group (struct pexec__identity *to, const char *group,
                       gid_t *gid) {
  gid_t found = 0;
  int error = group[0] ? find_gid(group, &found) : -ENOENT;
  if (error == -ENOENT && parse_id(group, &found))
    error = find_gid(NULL, &found);
  if (error == 0 && found == (gid_t)-1)
    error = -EINVAL;
  if (error == 0)
    *gid = found;
  else
    to->wrong_group = group;
  return error;
}

static int find_given_groups (struct pexec__identity *to,
                              const char *const *groups) {
  size_t count = 0;
  int error = 0;
  while (groups[count] != NULL)
    count++;
  to->groups = pexec__malloc((count + 1) * sizeof *to->groups);
  if (to->groups == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < count && error == 0; i++)
    error = find_group(to, groups[i], &to->groups[i]);
  to->group_count = count;
  return error;
}

/* {== is it the host? =================================================== */

static int compare_gids (const void *a, const void *b) {
  gid_t x = *(const gid_t *)a, y = *(const gid_t *)b;
  return (x > y) - (x < y);
}

static bool has_uids (uid_t uid) {
  uid_t uids[3];
  return getresuid(&uids[0], &uids[1], &uids[2]) == 0 &&
         uids[0] == uid && uids[1] == uid && uids[2] == uid;
}

static bool has_gids (gid_t gid) {
  gid_t gids[3];
  return getresgid(&gids[0], &gids[1], &gids[2]) == 0 &&
         gids[0] == gid && gids[1] == gid && gids[2] == gid;
}

static bool has_groups (struct pexec__identity *is) {
  size_t size = is->group_count * sizeof *is->groups;
  gid_t *own;
  bool same;
  if (getgroups(0, NULL) != (int)is->group_count)
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

/* Is the host all that already? Then there is nothing to change, and a host
   without privileges can go on. */
static bool is_host (struct pexec__identity *is) {
  return (!is->has_uid || has_uids(is->uid)) &&
         (!is->has_gid || has_gids(is->gid)) &&
         (!is->has_groups || has_groups(is));
}

/* {== both =============================================================== */

static int find_user (const char *username, struct pexec__identity *to) {
  struct passwd entry;
  char *buffer = NULL;
  uid_t uid;
  int error = username[0] ? find_entry(username, 0, &entry, &buffer) : -ENOENT;
  if (error == -ENOENT && parse_id(username, &uid))
    error = find_entry(NULL, uid, &entry, &buffer);
  if (error == 0)
    error = copy_entry(to, &entry);
  pexec__free(buffer);
  return error;
}

/* Those that are given, or else the user's. */
static int find_groups (struct pexec__identity *to,
                        const pexec_rights *rights) {
  if (rights->supplementary_groups != NULL)
    return find_given_groups(to, rights->supplementary_groups);
  return to->name != NULL ? find_users_groups(to) : 0;
}

int pexec__identity_resolve (const char *username, const pexec_rights *rights,
                             struct pexec__identity *to) {
  int error = 0;
  *to = (struct pexec__identity){ 0 };
  to->has_uid = (username != NULL);
  to->has_gid = to->has_uid || rights->group != NULL;
  to->has_groups = to->has_uid || rights->supplementary_groups != NULL;
  if (to->has_uid)
    error = find_user(username, to);
  if (error == 0 && rights->group != NULL)
    error = find_group(to, rights->group, &to->gid);
  if (error == 0)
    error = find_groups(to, rights);
  to->is_changed = (error != 0) || !is_host(to);
  return error;
}

void pexec__identity_free (struct pexec__identity *identity) {
  pexec__free(identity->groups);
  pexec__free(identity->name);
  pexec__free(identity->home);
  pexec__free(identity->shell);
  *identity = (struct pexec__identity){ 0 };
}
