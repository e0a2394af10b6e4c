/*
** Where the v2 hierarchy is mounted, and where in it this host is: both are
** told by /proc. Paths within the hierarchy are those of /proc/self/cgroup;
** a mount may show a part of it alone. Any thread.
*/

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cgroup.h"
#include "sys.h"

#define MOST_BYTES (16 << 20)  /* of a file of /proc */

/* {== files of /proc ===================================================== */

static int grow (char **text, size_t *room) {
  size_t more = *room > 0 ? *room * 2 : 4096;
  char *grown = more > MOST_BYTES ? NULL : pexec__realloc(*text, more);
  if (grown == NULL)
    return -ENOMEM;
  *text = grown;
  *room = more;
  return 0;
}

static ssize_t read_all (int fd, char **text) {
  size_t room = 0, length = 0;
  ssize_t got = 1;
  while (got > 0) {
    if (length + 1 >= room && grow(text, &room) < 0)
      return -ENOMEM;
    got = pexec__read(fd, *text + length, room - length - 1);
    length += got > 0 ? (size_t)got : 0;
  }
  (*text)[length] = '\0';
  return got;
}

/* To be freed, also where it fails. */
static int read_file (const char *path, char **text) {
  int fd = pexec__open(path, O_RDONLY, 0);
  ssize_t result;
  *text = NULL;
  if (fd < 0)
    return fd;
  result = read_all(fd, text);
  pexec__close(fd);
  return result < 0 ? (int)result : 0;
}

/* Cuts it off at the next 'end'; what follows is the rest. */
static char *next_part (char **rest, char end) {
  char *part = *rest, *place = part ? strchr(part, end) : NULL;
  *rest = place ? place + 1 : NULL;
  if (place != NULL)
    *place = '\0';
  return part;
}

/* {== the host =========================================================== */

/* Its line begins with "0::"; NULL: there is none. */
static const char *find_own (char *text) {
  char *line;
  while ((line = next_part(&text, '\n')) != NULL)
    if (strncmp(line, "0::", 3) == 0)
      return line + 3;
  return NULL;
}

/* {== mounts ============================================================= */

static int octal (const char *digits) {
  int value = 0;
  for (int i = 0; i < 3; i++) {
    if (digits[i] < '0' || digits[i] > '7')
      return -1;
    value = value * 8 + (digits[i] - '0');
  }
  return value;
}

/* A blank within a path is \040. */
static void unescape (char *text) {
  char *to = text;
  while (*text != '\0') {
    int byte = *text == '\\' ? octal(text + 1) : -1;
    *to++ = byte >= 0 ? (char)byte : *text;
    text += byte >= 0 ? 4 : 1;
  }
  *to = '\0';
}

struct mount {
  char *root;                   /* of what is shown, in the hierarchy */
  char *point;
};

/* "id parent device root point options [more...] - type source options" */
static bool parse_mount (char *line, struct mount *mount) {
  char *rest = line, *type = strstr(line, " - ");
  if (type == NULL || strncmp(type + 3, "cgroup2 ", 8) != 0)
    return false;
  for (int i = 0; i < 3; i++)
    (void)next_part(&rest, ' ');
  mount->root = next_part(&rest, ' ');
  mount->point = next_part(&rest, ' ');
  if (mount->point == NULL || mount->root[0] != '/' || mount->point[0] != '/')
    return false;
  unescape(mount->root);
  unescape(mount->point);
  return true;
}

/* What of a path is below a directory; NULL: it is not. Both begin with "/",
   and what is returned does, or is empty. */
static const char *below (const char *path, const char *directory) {
  size_t length = strlen(directory);
  if (strcmp(directory, "/") == 0)
    return strcmp(path, "/") == 0 ? "" : path;
  if (strncmp(path, directory, length) != 0 ||
      (path[length] != '/' && path[length] != '\0'))
    return NULL;
  return path + length;
}

/* {== the place ========================================================== */

/* 'path' within the hierarchy, 'own' being the host's; to be freed. */
static char *full_path (const char *own, const char *path) {
  bool is_full = path[0] == '/';
  const char *base = is_full || strcmp(own, "/") == 0 ? "" : own;
  size_t size = strlen(base) + strlen(path) + 2;
  char *full = pexec__malloc(size);
  if (full != NULL)
    (void)snprintf(full, size, "%s%s%s", base, is_full ? "" : "/", path);
  return full;
}

static int find_full_path (const char *path, char **full) {
  const char *own = "/";
  char *text = NULL;
  int error = path[0] == '/' ? 0 : read_file("/proc/self/cgroup", &text);
  if (error >= 0 && text != NULL && (own = find_own(text)) == NULL)
    error = -ENODEV;
  if (error >= 0 && (*full = full_path(own, path)) == NULL)
    error = -ENOMEM;
  pexec__free(text);
  return error;
}

static int join (const struct mount *mount, const char *rest,
                 char **directory) {
  size_t length = strlen(mount->point) + strlen(rest);
  if (length >= PATH_MAX)
    return -ENAMETOOLONG;
  if ((*directory = pexec__malloc(length + 1)) == NULL)
    return -ENOMEM;
  strcat(strcpy(*directory, mount->point), rest);
  return 0;
}

/* The first mount that shows it. 'point' becomes the length of its point. */
static int look_in_mounts (char *mounts, const char *full, char **directory,
                           size_t *point) {
  struct mount mount;
  int error = -ENODEV;
  char *line;
  while ((line = next_part(&mounts, '\n')) != NULL) {
    const char *rest;
    if (!parse_mount(line, &mount))
      continue;
    error = -ENOENT;
    *point = strlen(mount.point);
    if ((rest = below(full, mount.root)) != NULL && *rest != '\0')
      return join(&mount, rest, directory);
  }
  return error;
}

static int look (const char *full, char **directory, size_t *point) {
  char *mounts;
  int error = read_file("/proc/self/mountinfo", &mounts);
  if (error >= 0)
    error = look_in_mounts(mounts, full, directory, point);
  pexec__free(mounts);
  return error;
}

int pexec__hierarchy_find (const char *path, char **directory,
                           size_t *floor) {
  size_t length = strlen(path) + (path[0] != '/'), point = 0;
  char *full = NULL;
  int error = find_full_path(path, &full);
  if (error >= 0)
    error = look(full, directory, &point);
  pexec__free(full);
  if (error < 0)
    return error;
  *floor = strlen(*directory) > point + length ? strlen(*directory) - length
                                               : point;
  return 0;
}
