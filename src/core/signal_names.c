/*
** Owns the words of signals: number -> name and description, and back from
** the ways in which people write one. Constant tables only, as the C
** library's texts are translated. Any thread.
*/

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "pexec.h"

/* name, description: as Go's syscall.Signal says it, which is as the C
   library does with a small first letter. Signals that not every Linux has
   are added by EXTRA_SIGNALS. */
#define SIGNALS(X) \
  X(HUP, "hangup") \
  X(INT, "interrupt") \
  X(QUIT, "quit") \
  X(ILL, "illegal instruction") \
  X(TRAP, "trace/breakpoint trap") \
  X(ABRT, "aborted") \
  X(BUS, "bus error") \
  X(FPE, "floating point exception") \
  X(KILL, "killed") \
  X(USR1, "user defined signal 1") \
  X(SEGV, "segmentation fault") \
  X(USR2, "user defined signal 2") \
  X(PIPE, "broken pipe") \
  X(ALRM, "alarm clock") \
  X(TERM, "terminated") \
  X(CHLD, "child exited") \
  X(CONT, "continued") \
  X(STOP, "stopped (signal)") \
  X(TSTP, "stopped") \
  X(TTIN, "stopped (tty input)") \
  X(TTOU, "stopped (tty output)") \
  X(URG, "urgent I/O condition") \
  X(XCPU, "CPU time limit exceeded") \
  X(XFSZ, "file size limit exceeded") \
  X(VTALRM, "virtual timer expired") \
  X(PROF, "profiling timer expired") \
  X(WINCH, "window changed") \
  X(IO, "I/O possible") \
  X(PWR, "power failure") \
  X(SYS, "bad system call") \
  EXTRA_SIGNALS(X)

#ifdef SIGSTKFLT
#define EXTRA_SIGNALS(X) X(STKFLT, "stack fault")
#else
#define EXTRA_SIGNALS(X)
#endif

struct words {
  const char *name;
  const char *text;
};

/* NULL: the platform names no such signal */
static const struct words signals[] = {
#define X(word, text) [SIG##word] = { "SIG" #word, text },
  SIGNALS(X)
#undef X
};

#define SIGNAL_COUNT ((int)(sizeof(signals) / sizeof(signals[0])))

/* Other words for the same: older names, and those that Go's package reads
   in JSON. They are whole words: no "SIG" goes before the latter. */
struct alias {
  const char *word;
  int signo;
};

static const struct alias older_names[] = {
  { "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO }
};

static const struct alias go_words[] = {
  { "hangup", SIGHUP }, { "interrupt", SIGINT }, { "quit", SIGQUIT },
  { "aborted", SIGABRT }, { "abort", SIGABRT },
  { "killed", SIGKILL }, { "kill", SIGKILL },
  { "terminated", SIGTERM }, { "terminate", SIGTERM }
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* SIGRTMIN is known only at run time: the C library keeps some signals to
   itself. Those names count from it; the last one is SIGRTMAX. */
#define R(n) "SIGRTMIN+" #n
static const char *const realtime_names[] = {
  "SIGRTMIN", R(1), R(2), R(3), R(4), R(5), R(6), R(7), R(8), R(9), R(10),
  R(11), R(12), R(13), R(14), R(15), R(16), R(17), R(18), R(19), R(20),
  R(21), R(22), R(23), R(24), R(25), R(26), R(27), R(28), R(29), R(30),
  R(31), R(32)
};
#undef R

/* What Go says of a signal that it has no words for. */
#define S(n) "signal " #n
static const char *const plain_texts[] = {
  S(0), S(1), S(2), S(3), S(4), S(5), S(6), S(7), S(8), S(9), S(10), S(11),
  S(12), S(13), S(14), S(15), S(16), S(17), S(18), S(19), S(20), S(21),
  S(22), S(23), S(24), S(25), S(26), S(27), S(28), S(29), S(30), S(31),
  S(32), S(33), S(34), S(35), S(36), S(37), S(38), S(39), S(40), S(41),
  S(42), S(43), S(44), S(45), S(46), S(47), S(48), S(49), S(50), S(51),
  S(52), S(53), S(54), S(55), S(56), S(57), S(58), S(59), S(60), S(61),
  S(62), S(63), S(64)
};
#undef S

const char *pexec_signal_name (int signo) {
  if (signo == SIGRTMAX) return "SIGRTMAX";
  if (signo >= SIGRTMIN && signo < SIGRTMAX)
    return realtime_names[signo - SIGRTMIN];
  if (signo > 0 && signo < SIGNAL_COUNT) return signals[signo].name;
  return NULL;
}

const char *pexec_signal_text (int signo) {
  if (signo > 0 && signo < SIGNAL_COUNT && signals[signo].text != NULL)
    return signals[signo].text;
  if (signo >= 0 && signo < (int)COUNT(plain_texts))
    return plain_texts[signo];
  return "unknown signal";
}

/* ASCII only: in a Turkish locale tolower('I') is no 'i'. */
static char lower (char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* What follows 'prefix' in 'text', in either case; NULL where it does not
   begin so. */
static const char *after (const char *prefix, const char *text) {
  for (; *prefix != '\0'; prefix++, text++)
    if (lower(*prefix) != lower(*text)) return NULL;
  return text;
}

static bool is_same (const char *a, const char *b) {
  const char *rest = after(a, b);
  return rest != NULL && *rest == '\0';
}

/* Decimal digits up to the end; -EINVAL where they are none. Large ones come
   out as something too large for any signal. */
static int read_number (const char *text) {
  int number = 0;
  if (*text == '\0') return -EINVAL;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9') return -EINVAL;
    if (number < 1000) number = number * 10 + (*text - '0');
  }
  return number;
}

static int find_alias (const struct alias *list, size_t count,
                       const char *word) {
  for (size_t i = 0; i < count; i++)
    if (is_same(list[i].word, word)) return list[i].signo;
  return -EINVAL;
}

static int find_name (const char *word) {
  for (int i = 0; i < SIGNAL_COUNT; i++)
    if (signals[i].name != NULL && is_same(signals[i].name + 3, word))
      return i;
  return find_alias(older_names, COUNT(older_names), word);
}

/* "RTMIN", "RTMIN+n", "RTMAX-n", "RTMAX" */
static int find_realtime (const char *word) {
  const char *low = after("RTMIN", word);
  const char *rest = low != NULL ? low : after("RTMAX", word);
  int offset = 0;
  if (rest == NULL) return -EINVAL;
  if (*rest != '\0') {
    if (*rest != (low != NULL ? '+' : '-')) return -EINVAL;
    offset = read_number(rest + 1);
  }
  if (offset < 0 || offset > SIGRTMAX - SIGRTMIN) return -EINVAL;
  return low != NULL ? SIGRTMIN + offset : SIGRTMAX - offset;
}

/* A number that the C library keeps to itself has no name either. */
static int find_number (const char *text) {
  int signo = read_number(text);
  if (signo < 0 || pexec_signal_name(signo) == NULL) return -EINVAL;
  return signo;
}

int pexec_signal_parse (const char *text, int *signo) {
  const char *bare = after("SIG", text);
  const char *word = bare != NULL ? bare : text;
  int found = find_name(word);
  if (found < 0) found = find_realtime(word);
  if (found < 0) found = find_alias(go_words, COUNT(go_words), text);
  if (found < 0) found = find_number(text);
  if (found < 0) return found;
  *signo = found;
  return 0;
}
