/*
** Specifies the queue between two threads. The last test uses two, the
** others one.
**
** seam: own mailbox.c
*/

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sched.h>

#include "mailbox.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct pexec__mailbox box;
static struct pexec__letter letters[5];

static int open_box (void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(letters); i++)
    letters[i] = (struct pexec__letter){ NULL, false, 0 };
  pexec__mailbox_open(&box);
  return 0;
}

static int close_box (void **state) {
  (void)state;
  pexec__mailbox_close(&box);
  return 0;
}

static bool post (int i) {
  return pexec__mailbox_post(&box, &letters[i]);
}

static void withdraw (int i) {
  pexec__mailbox_withdraw(&box, &letters[i]);
  assert_false(letters[i].is_posted);
}

static void post_three (void) {
  for (int i = 0; i < 3; i++)
    (void)post(i);
}

/* The box gives these, in this order, and then is empty: "" or "02". */
static void expect_order (const char *order) {
  for (; *order != '\0'; order++) {
    struct pexec__letter *taken = pexec__mailbox_take(&box);
    assert_ptr_equal(taken, &letters[*order - '0']);
    assert_false(taken->is_posted);
  }
  assert_null(pexec__mailbox_take(&box));
}

static void an_empty_box_gives_nothing (void **state) {
  (void)state;
  expect_order("");
  expect_order("");
}

static void letters_come_out_as_they_went_in (void **state) {
  (void)state;
  for (int i = 4; i >= 0; i--)
    (void)post(i);
  expect_order("43210");
}

static void a_letter_can_be_posted_again_after_it_was_taken (void **state) {
  (void)state;
  (void)post(0);
  expect_order("0");
  (void)post(1);
  (void)post(0);
  expect_order("10");
}

static void a_letter_that_waits_is_not_queued_twice (void **state) {
  (void)state;
  post_three();
  (void)post(0);
  (void)post(2);
  expect_order("012");
}

static void the_reader_is_to_be_woken_for_the_first_letter (void **state) {
  (void)state;
  assert_true(post(0));
  assert_false(post(0));
  assert_false(post(1));
  assert_ptr_equal(pexec__mailbox_take(&box), &letters[0]);
  assert_false(post(0));
  expect_order("10");
  assert_true(post(1));
}

static void the_first_can_be_withdrawn (void **state) {
  (void)state;
  post_three();
  withdraw(0);
  (void)post(3);
  expect_order("123");
}

static void one_in_the_middle_can_be_withdrawn (void **state) {
  (void)state;
  post_three();
  withdraw(1);
  (void)post(3);
  expect_order("023");
}

static void the_last_can_be_withdrawn (void **state) {
  (void)state;
  post_three();
  withdraw(2);
  (void)post(3);
  expect_order("013");
}

static void the_only_one_can_be_withdrawn (void **state) {
  (void)state;
  (void)post(0);
  withdraw(0);
  expect_order("");
  assert_true(post(1));
  expect_order("1");
}

static void withdrawing_one_that_does_not_wait_does_nothing (void **state) {
  (void)state;
  withdraw(4);
  post_three();
  withdraw(4);
  expect_order("012");
  withdraw(0);
}

static void a_withdrawn_letter_can_be_posted_again (void **state) {
  (void)state;
  post_three();
  withdraw(0);
  withdraw(2);
  (void)post(0);
  (void)post(2);
  expect_order("102");
}

static void one_can_be_removed_where_it_is_found (void **state) {
  (void)state;
  post_three();
  pexec__mailbox_remove(&box, &letters[0].next);
  assert_false(letters[1].is_posted);
  pexec__mailbox_remove(&box, &letters[0].next);
  (void)post(3);
  pexec__mailbox_remove(&box, &box.first);
  expect_order("3");
}

/* {== two threads ==== */

#define SENT 100000
#define CARDS 8

/* A letter that says a number; guarded by the box's lock, as letters are. */
static struct card {
  struct pexec__letter letter;
  long says;
} cards[CARDS];

/* Rewrites its cards in turn, waiting or not. */
static void *send_numbers (void *unused) {
  (void)unused;
  for (long n = 1; n <= SENT; n++) {
    struct card *card = &cards[n % CARDS];
    pexec__mailbox_lock(&box);
    card->says = n;
    (void)pexec__mailbox_post(&box, &card->letter);
    if (n % 1000 == 0) {
      pexec__mailbox_withdraw(&box, &card->letter);
      (void)pexec__mailbox_post(&box, &card->letter);
    }
    pexec__mailbox_unlock(&box);
  }
  return NULL;
}

/* What the next card says; 0 where none waits. */
static long receive (int *which) {
  struct pexec__letter *letter;
  long says = 0;
  pexec__mailbox_lock(&box);
  if ((letter = pexec__mailbox_take(&box)) != NULL) {
    struct card *card = (struct card *)(void *)letter;
    says = card->says;
    *which = (int)(card - cards);
  }
  pexec__mailbox_unlock(&box);
  return says;
}

static void between_threads_nothing_is_lost_or_torn (void **state) {
  long last[CARDS] = { 0 };
  int left = CARDS, which = 0;
  pthread_t sender;
  (void)state;
  assert_int_equal(pthread_create(&sender, NULL, send_numbers, NULL), 0);
  while (left > 0) {
    long says = receive(&which);
    if (says == 0) {
      (void)sched_yield();
      continue;
    }
    assert_int_equal(says % CARDS, which);
    assert_true(says > last[which]);
    last[which] = says;
    left -= (says > SENT - CARDS);  /* the last that this card says */
  }
  assert_int_equal(pthread_join(sender, NULL), 0);
  assert_int_equal(receive(&which), 0);
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, open_box, close_box)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(an_empty_box_gives_nothing),
    SPEC(letters_come_out_as_they_went_in),
    SPEC(a_letter_can_be_posted_again_after_it_was_taken),
    SPEC(a_letter_that_waits_is_not_queued_twice),
    SPEC(the_reader_is_to_be_woken_for_the_first_letter),
    SPEC(the_first_can_be_withdrawn),
    SPEC(one_in_the_middle_can_be_withdrawn),
    SPEC(the_last_can_be_withdrawn),
    SPEC(the_only_one_can_be_withdrawn),
    SPEC(withdrawing_one_that_does_not_wait_does_nothing),
    SPEC(a_withdrawn_letter_can_be_posted_again),
    SPEC(one_can_be_removed_where_it_is_found),
    SPEC(between_threads_nothing_is_lost_or_torn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
