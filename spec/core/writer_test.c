/*
** Specifies writers: threads that write what sinks have got, one for each
** device, beside each other, and how they end. Real threads; the spec's own
** is the supervisor. Files are in memory, and can be made to hang.
**
** seam: own writer.c sink.c opening.c delivery.c chunk.c format.c escape.c mailbox.c
*/

#include "memory_seam.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "logger.h"
#include "sink.h"
#include "thread.h"
#include "writer.h"

#define MS INT64_C(1000000)
#define S (1000 * MS)
#define DEADLINE (20 * S)     /* of what must happen */
#define FILES (3 * PEXEC__WRITER_USERS)

/* {== time =============================================================== */

int64_t pexec__now (void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * S + now.tv_nsec;
}

int64_t pexec__wall_now (void) {
  return 1;
}

static void wait_a_bit (void) {
  const struct timespec bit = { 0, 1000000 };
  (void)nanosleep(&bit, NULL);
}

#define EVENTUALLY(condition) \
  for (int64_t until_ns_ = pexec__now() + DEADLINE; !(condition); \
       wait_a_bit()) \
    assert_true(pexec__now() < until_ns_)

/* {== files ============================================================== */

struct pexec__logfile {
  pthread_mutex_t lock;         /* of what follows */
  pthread_cond_t has_changed;
  bool is_there;
  bool hangs;                   /* who writes */
  int hanging;                  /* who do */
  int error;
  pthread_t thread;             /* of the last write */
  int writes;
  size_t length;
};

static struct pexec__logfile files[FILES];
static int thread_error;        /* of starting one; 0: none */
static int cores;
static bool spreads;            /* open_sink's sinks do */

int pexec__cores (void) { return cores; }

int pexec__logfile_new (const pexec_file *from, bool allows_devices,
                        struct pexec__logfile **file) {
  *file = &files[atoi(from->path + 1)];
  (void)allows_devices;
  assert_false((*file)->is_there);
  (*file)->is_there = true;
  return 0;
}

void pexec__logfile_free (struct pexec__logfile *file) {
  if (file == NULL)
    return;
  (void)pthread_mutex_lock(&file->lock);
  file->is_there = false;
  (void)pthread_mutex_unlock(&file->lock);
}

int pexec__logfile_write (struct pexec__logfile *file, int64_t now_ns,
                          const char *data, size_t length, size_t *done) {
  int error;
  (void)now_ns;
  (void)data;
  (void)pthread_mutex_lock(&file->lock);
  file->writes++;
  file->thread = pthread_self();
  file->hanging++;
  (void)pthread_cond_broadcast(&file->has_changed);
  while (file->hangs)
    (void)pthread_cond_wait(&file->has_changed, &file->lock);
  file->hanging--;
  error = file->error;
  *done = error < 0 ? 0 : length;
  file->length += *done;
  (void)pthread_mutex_unlock(&file->lock);
  return error;
}

static void set_file (int i, bool hangs, int error) {
  (void)pthread_mutex_lock(&files[i].lock);
  files[i].hangs = hangs;
  files[i].error = error;
  (void)pthread_cond_broadcast(&files[i].has_changed);
  (void)pthread_mutex_unlock(&files[i].lock);
}

static struct pexec__logfile look (int i) {
  struct pexec__logfile seen;
  (void)pthread_mutex_lock(&files[i].lock);
  seen = files[i];
  (void)pthread_mutex_unlock(&files[i].lock);
  return seen;
}

bool pexec__logfile_is_torn (const struct pexec__logfile *file) {
  (void)file;
  return false;
}

int pexec__logfile_reopen (struct pexec__logfile *file,
                           enum pexec__logfile_flaw *flaw) {
  (void)file;
  (void)flaw;
  return 0;
}

int pexec__logfile_open (struct pexec__logfile *file,
                         enum pexec__logfile_flaw *flaw) {
  (void)file;
  (void)flaw;
  return 0;
}

uint64_t pexec__logfile_device (const struct pexec__logfile *file) {
  (void)file;
  return 0;
}

/* {== threads ============================================================ */

int pexec__thread_start (pthread_t *thread, const char *name,
                         void *(*body) (void *), void *argument) {
  (void)name;
  return thread_error != 0 ? thread_error
                           : -pthread_create(thread, NULL, body, argument);
}

void pexec__thread_join (pthread_t thread) {
  assert_int_equal(pthread_join(thread, NULL), 0);
}

/* {== what is not used here ============================================== */

void pexec__compressor_start (struct pexec__compressor *compressor,
                              struct pexec__logfile *file) {
  (void)compressor;
  (void)file;
}

void pexec__compressor_end (struct pexec__compressor *compressor,
                            struct pexec__logfile *file) {
  (void)compressor;
  (void)file;
}

int pexec__poll_writable (int fd, int timeout_ms) {
  (void)fd;
  (void)timeout_ms;
  return 0;
}

ssize_t pexec__write (int fd, const void *data, size_t size) {
  (void)fd;
  (void)data;
  (void)size;
  return -EIO;
}

const char *pexec_error_text (int error) {
  (void)error;
  return "";
}

char *pexec__strdup (const char *text) {
  char *copy = pexec__malloc(strlen(text) + 1);
  return copy ? strcpy(copy, text) : NULL;
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  (void)logger;
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  (void)logger;
  (void)level;
  (void)id;
  (void)message;
  (void)length;
}

uint64_t pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                              const char *id, const char *data,
                              size_t length) {
  pexec_logger_write(logger, level, id, data, length);
  return 0;
}

/* {== the supervisor ===================================================== */

static struct pexec__writers *writers;  /* NULL: closed */
static struct pexec__mailbox words;
static struct pexec__pool *pool;
static struct pexec__ledger *ledger;
static struct pexec__sink *sinks;       /* the list */
static atomic_int wakes;
static int threads_before;

void pexec__loop_wake (struct pexec__loop *loop) {
  (void)loop;
  atomic_fetch_add(&wakes, 1);
}

static int count_threads (void) {
  DIR *tasks = opendir("/proc/self/task");
  int count = -2;  /* "." and ".." */
  assert_non_null(tasks);
  while (readdir(tasks) != NULL)
    count++;
  (void)closedir(tasks);
  return count;
}

static void *do_nothing (void *argument) {
  return argument;
}

/* A sanitizer may have a thread of its own, from the first one on. */
static int begin_all (void **s) {
  pthread_t thread;
  (void)s;
  assert_int_equal(pthread_create(&thread, NULL, do_nothing, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return 0;
}

static int begin (void **s) {
  (void)s;
  good_blocks = -1;
  for (int i = 0; i < FILES; i++) {
    files[i] = (struct pexec__logfile){ .length = 0 };
    (void)pthread_mutex_init(&files[i].lock, NULL);
    (void)pthread_cond_init(&files[i].has_changed, NULL);
  }
  pexec__mailbox_open(&words);
  assert_non_null(pool = pexec__pool_new(40));
  assert_non_null(ledger = pexec__ledger_new("id"));
  threads_before = count_threads();
  cores = 1;
  spreads = false;
  assert_int_equal(pexec__writers_open(NULL, &words, &writers), 0);
  return 0;
}

static void close_writers (int64_t wait_ns) {
  pexec__writers_close(writers, &sinks, pexec__now() + wait_ns);
  writers = NULL;
}

static void free_sinks (void) {
  while (sinks != NULL) {
    struct pexec__sink *sink = sinks;
    sinks = sink->next;
    pexec__sink_free(sink);
  }
}

/* Whatever a test did: nothing is left, once all can go on. */
static int end (void **s) {
  (void)s;
  for (int i = 0; i < FILES; i++)
    set_file(i, false, 0);
  if (writers != NULL)
    close_writers(DEADLINE);
  free_sinks();
  pexec__ledger_release(ledger);
  pexec__pool_release(pool);
  EVENTUALLY(atomic_load(&blocks) == 0 && count_threads() == threads_before);
  pexec__mailbox_close(&words);
  for (int i = 0; i < FILES; i++)
    assert_false(look(i).is_there);
  return 0;
}

/* The one of file i. */
static struct pexec__sink *open_sink (int i, uint64_t device, bool blocks_) {
  char path[16];
  pexec_file options = PEXEC_FILE_INIT;
  struct pexec__sink *sink;
  (void)snprintf(path, sizeof path, "/%d", i);
  options.path = path;
  options.blocks = blocks_;
  assert_int_equal(pexec__sink_new(PEXEC__SINK_FILE, &options, NULL, -1,
                                   &sink), 0);
  assert_int_equal(pexec__writer_get(writers, device, spreads, &sink->found), 0);
  pexec__sink_adopt(sink);
  sink->next = sinks;
  sinks = sink;
  return sink;
}

static void put (struct pexec__sink *sink) {
  struct pexec__chunk *chunk = pexec__chunk_new(pool, ledger, 100);
  struct pexec__view view = { chunk, 0, 100, 1, false };
  assert_non_null(chunk);
  memset(chunk->data, 'x', 99);
  chunk->data[99] = '\n';
  chunk->length = 100;
  chunk->stream = PEXEC_STDOUT;
  (void)pexec__sink_put(sink, &view, PEXEC_INFO, false);
  pexec__chunk_drop(chunk);
}

static struct pexec__sink *next_word (void) {
  struct pexec__letter *letter;
  pexec__mailbox_lock(&words);
  letter = pexec__mailbox_take(&words);
  pexec__mailbox_unlock(&words);
  return letter == NULL ? NULL
       : (struct pexec__sink *)(void *)
         ((char *)letter - offsetof(struct pexec__sink, word));
}

static void delist (struct pexec__sink *sink) {
  struct pexec__sink **place = &sinks;
  while (*place != sink)
    place = &(*place)->next;
  *place = sink->next;
}

/* As flush.c heeds a word. */
static bool heed_close (void) {
  struct pexec__sink *sink = next_word();
  if (sink == NULL || !pexec__sink_is_closed(sink))
    return false;
  pexec__writer_leave(sink->writer, sink);
  delist(sink);
  pexec__sink_free(sink);
  return true;
}

static void close_sink (struct pexec__sink *sink) {
  pexec__sink_put_close(sink);
  EVENTUALLY(heed_close());
}

static bool has_written (struct pexec__sink *sink) {
  return pexec__sink_has_settled(sink, pexec__sink_position(sink));
}

/* {== beside each other ================================================== */

static void what_is_put_is_written (void **s) {
  struct pexec__sink *sink = open_sink(0, 1, false);
  (void)s;
  for (int i = 1; i <= 100; i++)
    put(sink);
  EVENTUALLY(has_written(sink));
  assert_int_equal(look(0).length, 100 * 100);
}

static void files_of_one_device_share_a_thread (void **s) {
  struct pexec__sink *first = open_sink(0, 1, false);
  struct pexec__sink *second = open_sink(1, 1, false);
  (void)s;
  assert_ptr_equal(first->writer, second->writer);
  put(first);
  put(second);
  EVENTUALLY(has_written(first) && has_written(second));
  assert_true(pthread_equal(look(0).thread, look(1).thread));
  assert_int_equal(count_threads(), threads_before + 1);
}

static void many_files_share_one_for_each_core (void **s) {
  struct pexec__sink *made[3 * PEXEC__WRITER_USERS];
  int firsts = 0;
  (void)s;
  spreads = true;
  cores = 2;
  for (int i = 0; i < 3 * PEXEC__WRITER_USERS; i++) {
    made[i] = open_sink(i, 1, false);
    firsts += (made[i]->writer == made[0]->writer);
    assert_int_equal(count_threads(),
                     threads_before + (i < PEXEC__WRITER_USERS ? 1 : 2));
  }
  assert_int_equal(firsts, 3 * PEXEC__WRITER_USERS / 2);
}

static void where_no_other_can_be_had_one_is_enough (void **s) {
  (void)s;
  spreads = true;
  cores = 2;
  (void)open_sink(0, 1, false);
  thread_error = -EAGAIN;
  for (int i = 1; i < 2 * PEXEC__WRITER_USERS; i++)
    (void)open_sink(i, 1, false);
  thread_error = 0;
  assert_int_equal(count_threads(), threads_before + 1);
}

/* {== what is lent ======================================================= */

static atomic_bool is_reading, may_return, has_own_pool;

static bool pull_slowly (void *source, struct pexec__pool *own) {
  (void)source;
  atomic_store(&has_own_pool, own != NULL && own != pool);
  atomic_store(&is_reading, true);
  EVENTUALLY(atomic_load(&may_return));
  atomic_store(&is_reading, false);
  return true;
}

static void *let_it_return (void *argument) {
  (void)argument;
  wait_a_bit();
  wait_a_bit();
  atomic_store(&may_return, true);
  return NULL;
}

static void what_is_taken_back_is_not_being_read (void **s) {
  struct pexec__sink *sink = open_sink(0, 1, false);
  pthread_t helper;
  (void)s;
  atomic_store(&is_reading, false);
  for (int i = 0; i < 20; i++) {
    atomic_store(&may_return, false);
    assert_true(pexec__sink_lend(sink, pull_slowly, sink));
    EVENTUALLY(atomic_load(&is_reading));
    assert_int_equal(pthread_create(&helper, NULL, let_it_return, NULL), 0);
    pexec__sink_take_back(sink);
    assert_false(atomic_load(&is_reading));
    assert_true(atomic_load(&has_own_pool));
    (void)pthread_join(helper, NULL);
  }
}

static void a_device_that_hangs_holds_up_no_other (void **s) {
  struct pexec__sink *hung = open_sink(0, 1, false);
  struct pexec__sink *good = open_sink(1, 2, false);
  (void)s;
  set_file(0, true, 0);
  put(hung);
  EVENTUALLY(look(0).hanging == 1);
  put(good);
  EVENTUALLY(has_written(good));
  assert_false(has_written(hung));
  assert_int_equal(count_threads(), threads_before + 2);
}

static void what_fails_is_tried_again_without_a_call (void **s) {
  struct pexec__sink *sink = open_sink(0, 1, true);
  (void)s;
  set_file(0, false, -EIO);
  put(sink);
  EVENTUALLY(look(0).writes >= 5);
  set_file(0, false, 0);
  EVENTUALLY(has_written(sink));
  assert_int_equal(look(0).length, 100);
}

/* One that fails for ever is not served more often than its turns. */
static void one_that_fails_does_not_hold_up_its_neighbour (void **s) {
  struct pexec__sink *bad = open_sink(0, 1, true);
  struct pexec__sink *good = open_sink(1, 1, true);
  (void)s;
  set_file(0, false, -EIO);
  put(bad);
  EVENTUALLY(look(0).writes >= 5);
  for (int i = 0; i < 50; i++) {
    put(good);
    EVENTUALLY(has_written(good));
  }
  assert_int_equal(look(1).length, 50 * 100);
}

/* {== the end of one ===================================================== */

static void with_its_last_file_the_thread_ends (void **s) {
  struct pexec__sink *first = open_sink(0, 1, false);
  struct pexec__sink *second = open_sink(1, 1, false);
  (void)s;
  put(first);
  close_sink(first);
  assert_int_equal(look(0).length, 100);
  put(second);
  EVENTUALLY(has_written(second));
  assert_int_equal(count_threads(), threads_before + 1);
  close_sink(second);
  EVENTUALLY(count_threads() == threads_before);
}

static void one_that_is_to_close_while_it_is_written_is_not_met_again (void **s)
{
  struct pexec__sink *first = open_sink(0, 1, false);
  struct pexec__sink *second = open_sink(1, 1, false);
  (void)s;
  set_file(0, true, 0);
  put(first);
  EVENTUALLY(look(0).hanging == 1);
  pexec__sink_put_close(first);
  set_file(0, false, 0);
  EVENTUALLY(heed_close());  /* frees it */
  put(second);
  EVENTUALLY(has_written(second));
}

static void the_device_gets_another_thread_then (void **s) {
  (void)s;
  for (int i = 0; i < 20; i++) {
    struct pexec__sink *sink = open_sink(0, 1, false);
    put(sink);
    close_sink(sink);
    assert_int_equal(look(0).length, (i + 1) * 100);
  }
}

/* Words come while others are served: each is a chance to go wrong, and
   ThreadSanitizer looks on. */
static void files_come_and_go_beside_each_other (void **s) {
  (void)s;
  for (int round = 0; round < 200; round++) {
    int closed = 0;
    for (int i = 0; i < FILES; i++) {
      struct pexec__sink *sink = open_sink(i, (uint64_t)i % 3, false);
      put(sink);
      (void)has_written(sink);  /* a word at each turn */
      if (i % 2 == 0)
        pexec__sink_put_reopen(sink);
      pexec__sink_put_close(sink);
    }
    EVENTUALLY((closed += heed_close()) == FILES);
  }
}

/* The word that the supervisor has taken was about something else; that it is
   closed it sees all the same, before it reads the word of that. */
static void no_word_of_one_that_is_gone_is_found (void **s) {
  struct pexec__sink *sink = open_sink(0, 1, false);
  (void)s;
  pexec__sink_put_close(sink);
  EVENTUALLY(pexec__sink_is_closed(sink));
  assert_true(sink->word.is_posted);
  pexec__writer_leave(sink->writer, sink);
  assert_null(next_word());
  delist(sink);
  pexec__sink_free(sink);
}

/* {== the end of all ===================================================== */

static void at_close_what_waits_is_written (void **s) {
  (void)s;
  for (int i = 0; i < FILES; i++) {
    struct pexec__sink *sink = open_sink(i, (uint64_t)i % 2, false);
    for (int n = 0; n < 50; n++)
      put(sink);
  }
  close_writers(DEADLINE);
  for (int i = 0; i < FILES; i++)
    assert_int_equal(look(i).length, 50 * 100);
  assert_int_equal(count_threads(), threads_before);
}

static void at_close_one_that_fails_is_tried_until_the_deadline (void **s) {
  int64_t began_ns = pexec__now();
  (void)s;
  set_file(0, false, -EIO);
  put(open_sink(0, 1, true));
  close_writers(100 * MS);
  assert_true(pexec__now() >= began_ns + 100 * MS);
  assert_non_null(sinks);  /* it came back: its sink is ours */
  assert_int_equal(count_threads(), threads_before);
}

static void at_close_one_that_hangs_is_left_to_itself (void **s) {
  struct pexec__sink *good = NULL;
  (void)s;
  for (int i = 0; i < 3; i++) {
    set_file(i, i < 2, 0);
    put(good = open_sink(i, (uint64_t)i, false));
  }
  EVENTUALLY(look(0).hanging == 1 && look(1).hanging == 1);
  close_writers(50 * MS);
  assert_int_equal(look(2).length, 100);
  assert_ptr_equal(sinks, good);
  assert_null(good->next);
  assert_int_equal(count_threads(), threads_before + 2);
  free_sinks();
}  /* see end: they come back, and free all they have */

static void a_hanging_thread_of_several_files_has_them_all (void **s) {
  (void)s;
  set_file(0, true, 0);
  put(open_sink(0, 1, true));
  EVENTUALLY(look(0).hanging == 1);
  put(open_sink(1, 1, true));
  put(open_sink(2, 1, true));
  close_writers(0);
  assert_null(sinks);
  assert_int_equal(look(1).length, 0);
}

static void one_that_comes_back_in_time_is_not_left (void **s) {
  struct pexec__sink *sink = open_sink(0, 1, false);
  (void)s;
  set_file(0, true, 0);
  put(sink);
  EVENTUALLY(look(0).hanging == 1);
  set_file(0, false, 0);
  close_writers(DEADLINE);
  assert_ptr_equal(sinks, sink);
  assert_int_equal(look(0).length, 100);
}

static void without_a_thread_there_is_no_writer (void **s) {
  struct pexec__writer *writer = NULL;
  (void)s;
  thread_error = -EAGAIN;
  assert_int_equal(pexec__writer_get(writers, 1, false, &writer), -EAGAIN);
  assert_null(writer);
  thread_error = 0;
}

static void without_memory_there_is_no_writer (void **s) {
  struct pexec__writer *writer = NULL;
  struct pexec__writers *none = NULL;
  (void)s;
  for (int n = 0; n < 2; n++) {
    good_blocks = n;
    assert_int_equal(pexec__writer_get(writers, 1, false, &writer), -ENOMEM);
    assert_null(writer);
  }
  good_blocks = 0;
  assert_int_equal(pexec__writers_open(NULL, &words, &none), -ENOMEM);
  assert_null(none);
  good_blocks = -1;
}

#define SPEC(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main (void) {
  const struct CMUnitTest tests[] = {
    SPEC(what_is_put_is_written),
    SPEC(files_of_one_device_share_a_thread),
    SPEC(many_files_share_one_for_each_core),
    SPEC(where_no_other_can_be_had_one_is_enough),
    SPEC(what_is_taken_back_is_not_being_read),
    SPEC(a_device_that_hangs_holds_up_no_other),
    SPEC(what_fails_is_tried_again_without_a_call),
    SPEC(one_that_fails_does_not_hold_up_its_neighbour),
    SPEC(with_its_last_file_the_thread_ends),
    SPEC(one_that_is_to_close_while_it_is_written_is_not_met_again),
    SPEC(the_device_gets_another_thread_then),
    SPEC(files_come_and_go_beside_each_other),
    SPEC(no_word_of_one_that_is_gone_is_found),
    SPEC(at_close_what_waits_is_written),
    SPEC(at_close_one_that_fails_is_tried_until_the_deadline),
    SPEC(at_close_one_that_hangs_is_left_to_itself),
    SPEC(a_hanging_thread_of_several_files_has_them_all),
    SPEC(one_that_comes_back_in_time_is_not_left),
    SPEC(without_a_thread_there_is_no_writer),
    SPEC(without_memory_there_is_no_writer),
  };
  return cmocka_run_group_tests(tests, begin_all, NULL);
}
