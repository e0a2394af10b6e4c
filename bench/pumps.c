/*
** What a hundred children could get from any arrangement of threads: copies
** their output to files, with so many threads, each of which reads and writes
** for its share of the children and does nothing else.
**
**   pumps THREADS COUNT DIRECTORY BYTES COMMAND [ARG...]
**       COUNT children that run COMMAND, the stdout of each a pipe, which is
**       copied to a file of its own that begins anew whenever it has BYTES.
**       A thread that has one child alone waits in read, else in epoll. No
**       numbers: bench/writer.c counts.
*/

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COPY_SIZE = 64 * 1024, EVENTS = 64 };

struct copy {
  int from, to;
  long size;        /* of the file, by now */
};

/* Each has every 'step'th copy, from its own on. */
struct pump {
  pthread_t thread;
  struct copy *copies;
  int first, step, count;
  long limit;
  char data[COPY_SIZE];
};

static _Noreturn void die (const char *what) {
  fprintf(stderr, "pumps: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void begin_anew (struct copy *copy) {
  if (ftruncate(copy->to, 0) != 0 || lseek(copy->to, 0, SEEK_SET) != 0)
    die("beginning anew");
  copy->size = 0;
}

/* False at the end of the output. */
static bool copy_some (struct pump *pump, struct copy *copy) {
  ssize_t got = read(copy->from, pump->data, COPY_SIZE);
  if (got < 0)
    die("reading");
  if (write(copy->to, pump->data, (size_t)got) != got)
    die("writing");
  copy->size += got;
  if (copy->size >= pump->limit)
    begin_anew(copy);
  return got > 0;
}

static int watch (struct pump *pump) {
  int poller = epoll_create1(EPOLL_CLOEXEC);
  for (int i = pump->first; i < pump->count; i += pump->step) {
    struct epoll_event event = { .events = EPOLLIN,
                                 .data.ptr = pump->copies + i };
    if (epoll_ctl(poller, EPOLL_CTL_ADD, pump->copies[i].from, &event) != 0)
      die("epoll");
  }
  return poller;
}

static void serve_many (struct pump *pump, int left) {
  struct epoll_event events[EVENTS];
  int poller = watch(pump);
  while (left > 0) {
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct copy *copy = events[i].data.ptr;
      if (copy_some(pump, copy))
        continue;
      if (epoll_ctl(poller, EPOLL_CTL_DEL, copy->from, NULL) != 0)
        die("epoll");
      left--;
    }
  }
  close(poller);
}

static void *serve (void *argument) {
  struct pump *pump = argument;
  int share = (pump->count - pump->first + pump->step - 1) / pump->step;
  if (share > 1)
    serve_many(pump, share);
  else
    while (copy_some(pump, pump->copies + pump->first))
      continue;
  return NULL;
}

/* The reading end of what it writes. */
static int spawn (char **command) {
  int ends[2];
  pid_t pid;
  if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0)
    die("spawning");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    execvp(command[0], command);
    die(command[0]);
  }
  close(ends[1]);
  return ends[0];
}

static void begin (struct copy *copy, const char *directory, int number,
                   char **command) {
  char path[4096];
  snprintf(path, sizeof path, "%s/log%d", directory, number);
  copy->to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (copy->to < 0)
    die(path);
  copy->from = spawn(command);
}

int main (int argc, char **argv) {
  int threads = argc > 5 ? atoi(argv[1]) : 0;
  int count = argc > 5 ? atoi(argv[2]) : 0;
  struct pump *pumps;
  struct copy *copies;
  if (threads < 1 || count < threads) {
    fprintf(stderr, "usage: pumps THREADS COUNT DIRECTORY BYTES COMMAND...\n");
    return 64;
  }
  pumps = calloc((size_t)threads, sizeof *pumps);
  copies = calloc((size_t)count, sizeof *copies);
  if (pumps == NULL || copies == NULL)
    die("calloc");
  for (int i = 0; i < count; i++)
    begin(copies + i, argv[3], i, argv + 5);
  for (int i = 0; i < threads; i++) {
    pumps[i] = (struct pump){ .copies = copies, .first = i, .step = threads,
                              .count = count, .limit = atol(argv[4]) };
    if (pthread_create(&pumps[i].thread, NULL, serve, pumps + i) != 0)
      die("pthread_create");
  }
  for (int i = 0; i < threads; i++)
    (void)pthread_join(pumps[i].thread, NULL);
  while (wait(NULL) > 0)
    continue;
  return 0;
}
