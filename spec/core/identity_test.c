/*
** Specifies how a username becomes numbers, on a user database that stands
** in this file, and for a host that is whom a test wants. One thread.
**
** seam: own identity.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "identity.h"
#include "sys.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* {== the user database ================================================== */

static const struct user {
  const char *name;
  uid_t uid;
  gid_t gid;
  const char *shell;
  int group_count;           /* with its own; numbered from it upwards */
} users[] = {
  { "root", 0, 0, "/bin/bash", 1 },
  { "bob", 1000, 100, "/bin/sh", 3 },
  { "joiner", 1001, 200, "/bin/sh", 5000 },
  { "service", 1002, 300, "", 1 },
  { "1003", 1003, 400, "/bin/sh", 1 },
  { "16", 77, 77, "/bin/sh", 1 },
  { "last", 4294967294U, 500, "/bin/sh", 1 },
  { "", 0, 0, "/bin/sh", 1 },
  { "nouid", 4294967295U, 500, "/bin/sh", 1 },
  { "nogid", 1004, 4294967295U, "/bin/sh", 1 },
};

static const struct { const char *name; gid_t gid; } known[] = {
  { "root", 0 }, { "www", 33 }, { "wheel", 10 }, { "44", 45 },
  { "last", 4294967294U }, { "nogid", 4294967295U }, { "", 0 },
};

static struct {
  int error;                 /* of looking up a name */
  int group_error;           /* the same of a group's */
  size_t entry_size;         /* what one needs of its buffer */
  int good_blocks;           /* -1: all */
  int blocks;
  uid_t uid, effective_uid;
  gid_t gid;
  int group_count;
  gid_t first_group;
} fake;

static int give (const struct user *user, struct passwd *entry, char *buffer,
                 size_t size, struct passwd **result) {
  *result = NULL;
  if (user == NULL)
    return 0;
  if (size < fake.entry_size)
    return ERANGE;
  strcpy(buffer, user->name);
  *entry = (struct passwd){ .pw_name = buffer, .pw_uid = user->uid,
                            .pw_gid = user->gid };
  entry->pw_shell = (char *)(uintptr_t)user->shell;
  entry->pw_dir = (char *)(uintptr_t)"/home/of";
  *result = entry;
  return 0;
}

static const struct user *find (const char *name) {
  for (size_t i = 0; i < COUNT(users); i++)
    if (strcmp(users[i].name, name) == 0)
      return &users[i];
  return NULL;
}

int getpwnam_r (const char *name, struct passwd *entry, char *buffer,
                size_t size, struct passwd **result) {
  *result = NULL;
  if (fake.error != 0)
    return fake.error;
  return give(find(name), entry, buffer, size, result);
}

int getpwuid_r (uid_t uid, struct passwd *entry, char *buffer, size_t size,
                struct passwd **result) {
  const struct user *user = NULL;
  for (size_t i = 0; i < COUNT(users) && user == NULL; i++)
    if (users[i].uid == uid)
      user = &users[i];
  return give(user, entry, buffer, size, result);
}

static int give_group (const char *name, const gid_t *gid,
                       struct group *entry, size_t size,
                       struct group **result) {
  *result = NULL;
  if (fake.group_error != 0)
    return fake.group_error;
  if (size < fake.entry_size)
    return ERANGE;
  for (size_t i = 0; i < COUNT(known); i++)
    if (gid ? known[i].gid == *gid : strcmp(known[i].name, name) == 0) {
      *entry = (struct group){ .gr_gid = known[i].gid };
      *result = entry;
    }
  return 0;
}

int getgrnam_r (const char *name, struct group *entry, char *buffer,
                size_t size, struct group **result) {
  (void)buffer;
  return give_group(name, NULL, entry, size, result);
}

int getgrgid_r (gid_t gid, struct group *entry, char *buffer, size_t size,
                struct group **result) {
  (void)buffer;
  return give_group(NULL, &gid, entry, size, result);
}

int getgrouplist (const char *name, gid_t group, gid_t *groups, int *count) {
  int most = *count, all = find(name)->group_count;
  *count = all;
  for (int i = 0; i < all && i < most; i++)
    groups[i] = group + (gid_t)i;
  return all <= most ? all : -1;
}

/* {== the host =========================================================== */

int getresuid (uid_t *real, uid_t *effective, uid_t *saved) {
  *real = *saved = fake.uid;
  *effective = fake.effective_uid;
  return 0;
}

int getresgid (gid_t *real, gid_t *effective, gid_t *saved) {
  *real = *effective = *saved = fake.gid;
  return 0;
}

/* In no particular order, as the kernel gives them. */
int getgroups (int size, gid_t *groups) {
  for (int i = 0; i < size && i < fake.group_count; i++)
    groups[i] = fake.first_group + (gid_t)(fake.group_count - 1 - i);
  return fake.group_count;
}

static bool may_allocate (void) {
  if (fake.good_blocks > 0)
    fake.good_blocks--;
  return fake.good_blocks != 0;
}

void *pexec__malloc (size_t size) {
  void *block = may_allocate() ? malloc(size) : NULL;
  fake.blocks += (block != NULL);
  return block;
}

void *pexec__realloc (void *block, size_t size) {
  void *moved = may_allocate() ? realloc(block, size) : NULL;
  fake.blocks += (block == NULL && moved != NULL);
  return moved;
}

void pexec__free (void *block) {
  fake.blocks -= (block != NULL);
  free(block);
}

char *pexec__strdup (const char *text) {
  char *copy = pexec__malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

/* {== helpers ============================================================ */

static struct pexec__identity found;
static pexec_rights rights;

static int begin (void **state) {
  (void)state;
  memset(&fake, 0, sizeof fake);
  fake.good_blocks = -1;
  rights = (pexec_rights)PEXEC_RIGHTS_INIT;
  return 0;
}

static int end (void **state) {
  (void)state;
  pexec__identity_free(&found);
  assert_int_equal(fake.blocks, 0);
  return 0;
}

static void be (uid_t uid, gid_t gid, int group_count, gid_t first_group) {
  fake.uid = fake.effective_uid = uid;
  fake.gid = gid;
  fake.group_count = group_count;
  fake.first_group = first_group;
}

static void expect_user (const char *username, uid_t uid, gid_t gid,
                         const char *name) {
  pexec__identity_free(&found);
  assert_int_equal(pexec__identity_resolve(username, &rights, &found), 0);
  assert_int_equal(found.uid, uid);
  assert_int_equal(found.gid, gid);
  assert_string_equal(found.name, name);
}

static void expect_error (const char *username, int error) {
  int result = pexec__identity_resolve(username, &rights, &found);
  if (result != error)
    fail_msg("\"%s\": %d instead of %d", username, result, error);
  assert_true(found.is_changed);  /* never "run as me" by mistake */
  pexec__identity_free(&found);
}

/* {== names and numbers ================================================== */

static void no_username_is_the_hosts_user (void **state) {
  (void)state;
  assert_int_equal(pexec__identity_resolve(NULL, &rights, &found), 0);
  assert_false(found.is_changed);
  assert_null(found.name);
}

static void a_name_brings_all_that_is_known_of_it (void **state) {
  (void)state;
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
  assert_string_equal(found.home, "/home/of");
  assert_string_equal(found.shell, "/bin/sh");
  assert_int_equal(found.group_count, 3);
  for (gid_t i = 0; i < 3; i++)
    assert_int_equal(found.groups[i], 100 + i);
}

static void root_is_a_user_like_others (void **state) {
  (void)state;
  be(1000, 100, 0, 0);
  expect_user("root", 0, 0, "root");
  assert_true(found.is_changed);
}

static void a_number_is_the_user_with_this_uid (void **state) {
  (void)state;
  expect_user("1000", 1000, 100, "bob");
  expect_user("0", 0, 0, "root");
  expect_user("4294967294", 4294967294U, 500, "last");
}

static void a_name_goes_before_a_number (void **state) {
  (void)state;
  expect_user("16", 77, 77, "16");
}

static void what_is_no_user_is_an_error (void **state) {
  static const char *const names[] = {
    "", "nobody-like-that", "0x10", "-1", "+1000", " 1000", "1000 ", "1e3",
    "1000.0", "4242", "4294967295", "4294967296", "4294968296",
    "99999999999", "18446744073709551616", "18446744073709552616", "-", "0x0"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(names); i++)
    expect_error(names[i], -ENOENT);
}

static void an_empty_shell_is_the_usual_one (void **state) {
  (void)state;
  expect_user("service", 1002, 300, "service");
  assert_string_equal(found.shell, "/bin/sh");
}

static void thousands_of_groups_are_found (void **state) {
  (void)state;
  expect_user("joiner", 1001, 200, "joiner");
  assert_int_equal(found.group_count, 5000);
  assert_int_equal(found.groups[4999], 5199);
}

static void a_long_entry_is_read (void **state) {
  (void)state;
  fake.entry_size = 300000;
  expect_user("bob", 1000, 100, "bob");
}

static void one_that_is_too_long_is_an_error (void **state) {
  (void)state;
  fake.entry_size = 100000000;
  expect_error("bob", -ERANGE);
}

/* The kernel takes -1 for "leave it as it is". */
static void an_entry_that_would_change_nothing_is_refused (void **state) {
  (void)state;
  expect_error("nouid", -EINVAL);
  expect_error("nogid", -EINVAL);
  expect_error("1004", -EINVAL);
}

/* It must not be taken for a number then. */
static void what_the_name_service_says_is_passed_on (void **state) {
  (void)state;
  fake.error = EIO;
  expect_error("bob", -EIO);
  expect_error("1000", -EIO);
}

/* {== groups ============================================================= */

#define LIST(...) ((const char *const []){ __VA_ARGS__, NULL })

static void resolve (const char *username) {
  pexec__identity_free(&found);
  assert_int_equal(pexec__identity_resolve(username, &rights, &found), 0);
}

static void a_group_takes_the_place_of_the_users (void **state) {
  (void)state;
  rights.group = "www";
  expect_user("bob", 1000, 33, "bob");
  assert_int_equal(found.group_count, 3);
  assert_int_equal(found.groups[0], 33);  /* and not 100 */
}

static void a_group_may_be_a_number (void **state) {
  (void)state;
  rights.group = "33";
  expect_user("bob", 1000, 33, "bob");
  rights.group = "44";                    /* here a name */
  expect_user("bob", 1000, 45, "bob");
  rights.group = "4294967294";
  expect_user("bob", 1000, 4294967294U, "bob");
}

static void a_group_alone_changes_nothing_else (void **state) {
  (void)state;
  be(1000, 100, 3, 100);
  rights.group = "www";
  resolve(NULL);
  assert_true(found.is_changed && found.has_gid);
  assert_false(found.has_uid || found.has_groups);
  assert_null(found.name);
}

static void given_groups_take_the_place_of_the_users (void **state) {
  (void)state;
  rights.supplementary_groups = LIST("wheel", "33");
  expect_user("bob", 1000, 100, "bob");
  assert_int_equal(found.group_count, 2);
  assert_int_equal(found.groups[0], 10);
  assert_int_equal(found.groups[1], 33);
}

static void no_groups_are_none (void **state) {
  (void)state;
  rights.supplementary_groups = (const char *const []){ NULL };
  be(1000, 100, 3, 100);
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed && found.has_groups);
  assert_int_equal(found.group_count, 0);
}

static void given_groups_alone_change_nothing_else (void **state) {
  (void)state;
  rights.supplementary_groups = LIST("wheel");
  resolve(NULL);
  assert_true(found.is_changed && found.has_groups);
  assert_false(found.has_uid || found.has_gid);
}

static void the_hosts_own_groups_change_nothing (void **state) {
  (void)state;
  be(1000, 33, 1, 10);
  rights.group = "www";
  rights.supplementary_groups = LIST("wheel");
  resolve(NULL);
  assert_false(found.is_changed);
}

static void expect_wrong_group (const char *group, int error) {
  rights.group = group;
  expect_error("bob", error);
  rights.group = NULL;
  rights.supplementary_groups = LIST(group);
  assert_int_equal(pexec__identity_resolve(NULL, &rights, &found), error);
  assert_true(found.is_changed);
  assert_ptr_equal(found.wrong_group, group);
  pexec__identity_free(&found);
}

static void what_is_no_group_is_an_error (void **state) {
  static const char *const names[] = {
    "", "no-such-group", "0x10", "-1", "+10", " 10", "10 ", "1e1", "10.0",
    "4242", "4294967296", "4294967306", "99999999999", "18446744073709551616"
  };
  (void)state;
  for (size_t i = 0; i < COUNT(names); i++)
    expect_wrong_group(names[i], -ENOENT);
  expect_wrong_group("4294967295", -ENOENT);
  expect_wrong_group("nogid", -EINVAL);
}

static void what_is_said_of_groups_is_passed_on (void **state) {
  (void)state;
  fake.group_error = EIO;
  expect_wrong_group("www", -EIO);
  expect_wrong_group("33", -EIO);
}

static void a_long_group_is_read (void **state) {
  (void)state;
  rights.group = "www";
  fake.entry_size = 300000;
  expect_user("bob", 1000, 33, "bob");
  fake.entry_size = 100000000;
  pexec__identity_free(&found);
  expect_wrong_group("www", -ERANGE);
}

/* {== a host that is this user already =================================== */

static void the_hosts_own_user_changes_nothing (void **state) {
  (void)state;
  be(1000, 100, 3, 100);
  expect_user("bob", 1000, 100, "bob");
  assert_false(found.is_changed);
}

static void other_groups_are_a_change (void **state) {
  (void)state;
  be(1000, 100, 3, 101);
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
}

static void fewer_groups_are_a_change (void **state) {
  (void)state;
  be(1000, 100, 2, 100);
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
}

static void another_group_is_a_change (void **state) {
  (void)state;
  be(1000, 101, 3, 100);
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
}

/* Else the child could go back to the one of the two that it should not be. */
static void a_set_user_id_host_is_a_change (void **state) {
  (void)state;
  be(1000, 100, 3, 100);
  fake.effective_uid = 0;
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
  be(0, 100, 3, 100);
  fake.effective_uid = 1000;
  expect_user("bob", 1000, 100, "bob");
  assert_true(found.is_changed);
}

/* {== memory ============================================================= */

/* Of a host that is bob: his groups are looked at, too. */
static int resolve_with_blocks (const char *username, int good_blocks) {
  int error;
  be(1000, 100, 3, 100);
  fake.good_blocks = good_blocks;
  error = pexec__identity_resolve(username, &rights, &found);
  fake.good_blocks = -1;
  return error;
}

static void each_allocation_may_fail (void **state) {
  int n = 0, error;
  (void)state;
  while ((error = resolve_with_blocks("bob", n + 1)) != 0) {
    assert_int_equal(error, -ENOMEM);
    assert_true(found.is_changed);
    pexec__identity_free(&found);
    n++;
  }
  assert_in_range(n, 4, 20);
}

static void so_may_each_for_groups (void **state) {
  int n = 0;
  (void)state;
  rights.group = "www";
  rights.supplementary_groups = LIST("wheel", "33");
  while (resolve_with_blocks("bob", n + 1) != 0) {
    pexec__identity_free(&found);
    n++;
  }
  assert_in_range(n, 6, 20);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(no_username_is_the_hosts_user),
    SPEC(a_name_brings_all_that_is_known_of_it),
    SPEC(root_is_a_user_like_others),
    SPEC(a_number_is_the_user_with_this_uid),
    SPEC(a_name_goes_before_a_number),
    SPEC(what_is_no_user_is_an_error),
    SPEC(an_empty_shell_is_the_usual_one),
    SPEC(thousands_of_groups_are_found),
    SPEC(a_long_entry_is_read),
    SPEC(one_that_is_too_long_is_an_error),
    SPEC(an_entry_that_would_change_nothing_is_refused),
    SPEC(what_the_name_service_says_is_passed_on),
    SPEC(a_group_takes_the_place_of_the_users),
    SPEC(a_group_may_be_a_number),
    SPEC(a_group_alone_changes_nothing_else),
    SPEC(given_groups_take_the_place_of_the_users),
    SPEC(no_groups_are_none),
    SPEC(given_groups_alone_change_nothing_else),
    SPEC(the_hosts_own_groups_change_nothing),
    SPEC(what_is_no_group_is_an_error),
    SPEC(what_is_said_of_groups_is_passed_on),
    SPEC(a_long_group_is_read),
    SPEC(the_hosts_own_user_changes_nothing),
    SPEC(other_groups_are_a_change),
    SPEC(fewer_groups_are_a_change),
    SPEC(another_group_is_a_change),
    SPEC(a_set_user_id_host_is_a_change),
    SPEC(each_allocation_may_fail),
    SPEC(so_may_each_for_groups),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
