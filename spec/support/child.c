/*
** The one program that plays every child of the specs. Its arguments are
** verbs, done in order: `child print hello sleep 0.3 exit 3`. After the last
** one it exits 0; a verb that it does not know, or that fails, ends it with
** 64 and a word on stderr. It uses nothing but the C library, touches no
** limit, and has one thread. What it writes is not buffered, and each line
** is one write. The table at the end of the file is its manual.
**
** SIG is a name, with or without SIG, or a number. Verbs after `fork`,
** `daemon` and `once` up to their `end` are a block; blocks nest.
*/

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "child_say.h"

enum { SIGNALS = 65 };

/* How many arguments a verb has, besides its fixed ones. */
enum extent { FIXED, SIGNAL_LIST, BLOCK };

struct verb {
  const char *name;
  int arity;
  enum extent extent;
  void (*act) (char **args);
};

/* What a caught signal does; all of it is made before the signal comes. */
struct reaction {
  const char *path;        /* line goes to this file; NULL: to stdout */
  char *line;
  struct timespec delay;
  int code;                /* exit with it; -1: go on */
};

static struct reaction reactions[SIGNALS];

static const struct verb *find_verb (const char *name);
static void run (char **at);

/* {== values ==== */

static struct timespec seconds (const char *text) {
  double value = child_number(text);
  struct timespec time = { (time_t)value, 0 };
  time.tv_nsec = (long)((value - (double)time.tv_sec) * 1e9);
  return time;
}

/* The signal's number, or 0 where the text is none. */
static int signal_number (const char *text) {
  if (isdigit((unsigned char)text[0]))
    return atoi(text) < SIGNALS ? atoi(text) : 0;
  if (strncasecmp(text, "SIG", 3) == 0)
    text += 3;
  for (int signo = 1; signo < SIGNALS; signo++) {
    const char *name = sigabbrev_np(signo);
    if (name != NULL && strcasecmp(text, name) == 0)
      return signo;
  }
  return 0;
}

static int checked_signal (const char *text) {
  int signo = signal_number(text);
  if (signo == 0)
    child_fail("not a signal", text);
  return signo;
}

/* {== ending and waiting ==== */

static void do_exit (char **args) {
  _exit((int)child_number(args[0]));
}

static void set_disposition (int signo, void (*handler) (int)) {
  struct sigaction action = { .sa_handler = handler };
  sigemptyset(&action.sa_mask);
  if (sigaction(signo, &action, NULL) != 0)
    child_fail_with_errno("sigaction");
}

static void do_signal (char **args) {
  int signo = checked_signal(args[0]);
  sigset_t set;
  if (signo != SIGKILL && signo != SIGSTOP)
    set_disposition(signo, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, signo);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  kill(getpid(), signo);
}

/* A signal that arrives meanwhile does not shorten it. */
static void do_sleep (char **args) {
  struct timespec until, time = seconds(args[0]);
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_sec += time.tv_sec + (until.tv_nsec + time.tv_nsec) / 1000000000;
  until.tv_nsec = (until.tv_nsec + time.tv_nsec) % 1000000000;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL)
         == EINTR)
    continue;
}

static void do_burn (char **args) {
  double until = (double)clock() + child_number(args[0]) * CLOCKS_PER_SEC;
  while ((double)clock() < until)
    continue;
}

/* It is kept until the end. */
static void do_grow (char **args) {
  static volatile char *memory;
  size_t size = (size_t)child_number(args[0]) << 20;
  memory = malloc(size);
  if (memory == NULL)
    child_fail_with_errno("malloc");
  for (size_t at = 0; at < size; at += 1024)
    memory[at] = 'x';
}

static void do_forever (char **args) {
  (void)args;
  for (;;)
    pause();
}

static void do_waitfile (char **args) {
  const struct timespec pause_time = { 0, 2000000 };
  while (access(args[0], F_OK) != 0)
    nanosleep(&pause_time, NULL);
}

static void do_stopself (char **args) {
  (void)args;
  kill(getpid(), SIGSTOP);
}

/* {== signals ==== */

static void react (int signo) {
  const struct reaction *reaction = &reactions[signo];
  const char *line = reaction->line;
  int saved = errno;
  if (reaction->path != NULL)
    (void)child_append_line(reaction->path, line);
  else
    (void)child_write_all(STDOUT_FILENO, line, strlen(line));
  if (reaction->code >= 0) {
    struct timespec left = reaction->delay;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
      continue;
    _exit(reaction->code);
  }
  errno = saved;
}

static void on_arrival (const char *signal, struct reaction reaction) {
  int signo = checked_signal(signal);
  reactions[signo] = reaction;
  set_disposition(signo, react);
}

/* Up to the next verb; `trap` is one, though SIGTRAP is a signal. */
static bool is_listed_signal (const char *word) {
  return word != NULL && find_verb(word) == NULL && signal_number(word) != 0;
}

static void do_ignore (char **args) {
  for (; is_listed_signal(*args); args++)
    set_disposition(signal_number(*args), SIG_IGN);
}

static void do_trap (char **args) {
  struct reaction reaction = { .line = child_line_of(args[1]), .code = -1 };
  on_arrival(args[0], reaction);
}

static void do_trapexit (char **args) {
  struct reaction reaction = { .line = child_line_of(args[3]) };
  reaction.delay = seconds(args[1]);
  reaction.code = (int)child_number(args[2]);
  on_arrival(args[0], reaction);
}

static void do_count (char **args) {
  struct reaction reaction = { .path = args[1], .code = -1 };
  reaction.line = child_line_of(args[0]);
  on_arrival(args[0], reaction);
}

/* {== blocks ==== */

static _Noreturn void run_as_child (char **block) {
  run(block);
  _exit(0);
}

static pid_t checked_fork (void) {
  pid_t pid = fork();
  if (pid < 0)
    child_fail_with_errno("fork");
  return pid;
}

static void do_fork (char **args) {
  if (checked_fork() == 0)
    run_as_child(args);
}

static void do_daemon (char **args) {
  pid_t pid = checked_fork();
  if (pid == 0) {
    setsid();
    if (checked_fork() == 0)
      run_as_child(args);
    _exit(0);
  }
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
    continue;
}

static void do_once (char **args) {
  int fd = open(args[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST)
    return;
  if (fd < 0)
    child_fail_with_errno(args[0]);
  close(fd);
  run(args + 1);
}

static void do_setsid (char **args) {
  (void)args;
  if (setsid() < 0)
    child_fail_with_errno("setsid");
}

static void do_close (char **args) {
  close((int)child_number(args[0]));
}

/* {== the table ==== */

static const struct verb verbs[] = {
  { "print", 1, FIXED, do_print },        /* TEXT: a line on stdout */
  { "error", 1, FIXED, do_error },        /* TEXT: a line on stderr */
  { "raw", 1, FIXED, do_raw },            /* TEXT: without a newline */
  { "lines", 1, FIXED, do_lines },        /* N: "line 1" to "line N" */
  { "bytes", 1, FIXED, do_bytes },        /* N: so many x, no newline */
  { "allbytes", 1, FIXED, do_allbytes },  /* N: bytes 0 to 255, N times */
  { "flood", 0, FIXED, do_flood },        /* lines of 64 bytes, for ever */
  { "tally", 1, FIXED, do_tally },        /* FILE: "line 1" and so on for ever,
                                             and then its number in FILE */
  { "both", 1, FIXED, do_both },          /* N: "out 1" on stdout, "err 1" on
                                             stderr, to N, in turn */
  { "append", 2, FIXED, do_append },      /* FILE TEXT: a line; %p %t */
  { "exit", 1, FIXED, do_exit },          /* CODE */
  { "signal", 1, FIXED, do_signal },      /* SIG: to itself, by default */
  { "sleep", 1, FIXED, do_sleep },        /* SECONDS, signals or not */
  { "burn", 1, FIXED, do_burn },          /* SECONDS of CPU time */
  { "grow", 1, FIXED, do_grow },          /* MIB of memory */
  { "forever", 0, FIXED, do_forever },
  { "waitfile", 1, FIXED, do_waitfile },  /* FILE: until it is there */
  { "stopself", 0, FIXED, do_stopself },  /* SIGSTOP to itself */
  { "stdin", 0, FIXED, do_stdin },        /* to stdout, and then "eof" */
  { "take", 2, FIXED, do_take },          /* N FILE: so many bytes of stdin,
                                             fewer at its end, onto FILE's */
  { "ignore", 0, SIGNAL_LIST, do_ignore },  /* SIG... */
  { "trap", 2, FIXED, do_trap },          /* SIG TEXT: say it, and go on */
  { "trapexit", 4, FIXED, do_trapexit },  /* SIG SECONDS CODE TEXT */
  { "count", 2, FIXED, do_count },        /* SIG FILE: a line for each */
  { "fork", 0, BLOCK, do_fork },          /* VERB... end: in a child */
  { "daemon", 0, BLOCK, do_daemon },      /* VERB... end: far away */
  { "once", 1, BLOCK, do_once },          /* FILE VERB... end: makes FILE;
                                             not where it is there */
  { "setsid", 0, FIXED, do_setsid },
  { "close", 1, FIXED, do_close },        /* FD */
  { "ids", 0, FIXED, do_ids },            /* key=number, groups=a,b */
  { "back", 0, FIXED, do_back },          /* call=error: tries to be root */
  { "fds", 0, FIXED, do_fds },            /* number=target, each */
  { "signals", 0, FIXED, do_signals },    /* SigBlk SigIgn SigCgt */
  { "file", 1, FIXED, do_file },          /* FILE: what is in it */
  { "env", 1, FIXED, do_env },            /* NAME=value or "NAME unset" */
  { "cwd", 0, FIXED, do_cwd },
  { "umask", 0, FIXED, do_umask },        /* as in 0022 */
  { "pdeathsig", 0, FIXED, do_pdeathsig } /* pdeathsig=number */
};

/* NULL where there is none of this name. */
static const struct verb *find_verb (const char *name) {
  for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
    if (strcmp(verbs[i].name, name) == 0)
      return &verbs[i];
  }
  return NULL;
}

static const struct verb *checked_verb (const char *name) {
  const struct verb *verb = find_verb(name);
  if (verb == NULL)
    child_fail("unknown verb", name);
  return verb;
}

/* How many arguments follow a verb; a block's include its end. */
static int width (const struct verb *verb, char **args) {
  int count = 0;
  for (; count < verb->arity; count++) {
    if (args[count] == NULL)
      child_fail("wants more arguments", verb->name);
  }
  if (verb->extent == SIGNAL_LIST)
    while (is_listed_signal(args[count]))
      count++;
  if (verb->extent != BLOCK)
    return count;
  while (args[count] != NULL && strcmp(args[count], "end") != 0)
    count += 1 + width(checked_verb(args[count]), &args[count + 1]);
  if (args[count] == NULL)
    child_fail("wants an end", verb->name);
  return count + 1;
}

/* Does verbs up to the end of the arguments, or of the block. */
static void run (char **at) {
  while (*at != NULL && strcmp(*at, "end") != 0) {
    const struct verb *verb = checked_verb(*at);
    char **args = at + 1;
    at = args + width(verb, args);
    verb->act(args);
  }
}

int main (int argc, char **argv) {
  (void)argc;
  run(argv + 1);
  return 0;
}
