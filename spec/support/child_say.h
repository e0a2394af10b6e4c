/*
** What the two halves of the specs' child share: child.c does, child_say.c
** says. One thread.
*/

#ifndef SPEC_CHILD_SAY_H
#define SPEC_CHILD_SAY_H

#include <stdbool.h>
#include <stddef.h>

enum { BAD_USE = 64 };  /* the exit code of a verb that cannot be done */

_Noreturn void child_fail (const char *what, const char *detail);
_Noreturn void child_fail_with_errno (const char *what);

/* A number, 0 or more. */
double child_number (const char *text);

/* The text and a newline, to be freed. */
char *child_line_of (const char *text);

/* These two are async-signal-safe. */
bool child_write_all (int fd, const char *data, size_t length);
bool child_append_line (const char *path, const char *line);

/* A line on stdout. */
void child_say (const char *text);

/* Verbs; child.c's table describes them. */
void do_print (char **args);
void do_error (char **args);
void do_raw (char **args);
void do_lines (char **args);
void do_bytes (char **args);
void do_allbytes (char **args);
void do_flood (char **args);
void do_tally (char **args);
void do_both (char **args);
void do_append (char **args);
void do_stdin (char **args);
void do_take (char **args);
void do_ids (char **args);
void do_back (char **args);
void do_fds (char **args);
void do_signals (char **args);
void do_file (char **args);
void do_env (char **args);
void do_cwd (char **args);
void do_umask (char **args);
void do_pdeathsig (char **args);

#endif
