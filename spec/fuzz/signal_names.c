/*
** Text read as a signal: what is one is in a list of all spellings that are
** documented, and what is read can be written and read again. One thread.
**
** seam: own signal_names.c
*/

#include "fuzz.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>

#include "pexec.h"

#define LONGEST 5000  /* bytes: more than an input has */

/* The C library's own words are the witness; these it does not know. */
static const struct spelling {
  const char *word;
  int signo;
} others[] = {
  { "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO },
  { "SIGIOT", SIGABRT }, { "SIGCLD", SIGCHLD }, { "SIGPOLL", SIGIO },
  { "HANGUP", SIGHUP }, { "INTERRUPT", SIGINT }, { "QUIT", SIGQUIT },
  { "ABORTED", SIGABRT }, { "ABORT", SIGABRT }, { "KILLED", SIGKILL },
  { "TERMINATED", SIGTERM }, { "TERMINATE", SIGTERM },
  { "IO", SIGIO }, { "SIGIO", SIGIO },
};

static void upper (char *to, const char *text) {
  size_t i = 0;
  for (; i + 1 < LONGEST && text[i] != '\0'; i++)
    to[i] = (char)toupper((unsigned char)text[i]);
  to[i] = '\0';
}

static bool is_named (const char *word, const char *name) {
  return strcmp(word, name) == 0 ||
         (strncmp(word, "SIG", 3) == 0 && strcmp(word + 3, name) == 0);
}

/* A number may have zeros before it. */
static int number_of (const char *text) {
  size_t digits = strspn(text, "0123456789");
  if (digits == 0 || text[digits] != '\0')
    return -EINVAL;
  while (*text == '0')
    text++;
  return strlen(text) > 3 ? -EINVAL : atoi(text);
}

/* "RTMIN+3" or "RTMAX-3", and "RTMIN", "RTMAX". */
static bool is_realtime (const char *word, int signo) {
  int offset;
  if (signo < SIGRTMIN || signo > SIGRTMAX)
    return false;
  word += strncmp(word, "SIG", 3) == 0 ? 3 : 0;
  if (strcmp(word, "RTMIN") == 0 || strcmp(word, "RTMAX") == 0)
    return signo == (word[3] == 'I' ? SIGRTMIN : SIGRTMAX);
  offset = strlen(word) > 6 ? number_of(word + 6) : -EINVAL;
  if (offset < 0)
    return false;
  return (strncmp(word, "RTMIN+", 6) == 0 && signo == SIGRTMIN + offset) ||
         (strncmp(word, "RTMAX-", 6) == 0 && signo == SIGRTMAX - offset);
}

static bool says (const char *word, int signo) {
  const char *name = sigabbrev_np(signo);
  if ((name != NULL && is_named(word, name)) || is_realtime(word, signo))
    return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(others[i].word, word) == 0 && others[i].signo == signo)
      return true;
  return false;
}

/* What the text should be read as; -EINVAL: nothing. */
static int expected (const char *text) {
  char word[LONGEST];
  int number = number_of(text);
  upper(word, text);
  for (int signo = 1; signo <= SIGRTMAX; signo++)
    if (pexec_signal_name(signo) != NULL &&
        (signo == number || says(word, signo)))
      return signo;
  return -EINVAL;
}

static void check_text (const char *text) {
  int signo = -77, wanted = expected(text);
  int error = pexec_signal_parse(text, &signo);
  EXPECT(error == (wanted < 0 ? -EINVAL : 0));
  EXPECT(signo == (wanted < 0 ? -77 : wanted));
}

/* Its name, in whatever case, with and without "SIG". */
static void check_name (int signo, unsigned cases) {
  const char *name = pexec_signal_name(signo);
  char text[32];
  int found = -77;
  EXPECT(pexec_signal_text(signo) != NULL);
  if (name == NULL)
    return;
  EXPECT(signo > 0 && signo <= SIGRTMAX && strlen(name) < sizeof text);
  (void)strcpy(text, name);
  for (size_t i = 0; text[i] != '\0'; i++)
    if (cases >> i % 16 & 1U)
      text[i] = (char)tolower((unsigned char)text[i]);
  EXPECT(pexec_signal_parse(text, &found) == 0 && found == signo);
  EXPECT(pexec_signal_parse(text + 3, &found) == 0 && found == signo);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  struct fuzz_input in = { data, data + size };
  char *text = fuzz_text(data, size);
  int signo = (int)(int8_t)fuzz_byte(&in);
  unsigned cases = fuzz_byte(&in);
  check_name(signo, cases | fuzz_byte(&in) << 8);
  if (text != NULL)
    check_text(text);
  free(text);
  return 0;
}
