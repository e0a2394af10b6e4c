/*
** Files of environment variables, as `KEY=VALUE` on lines of their own. Reading
** one may block: an opener's thread, or the spawner's.
**
** Blank lines and those that begin with # do not count; `export` may stand
** before a name, blanks around names and values. A value without quotes ends
** with its line or before a # behind a blank. In '...' everything counts as it
** is; in "..." \n \r \t \\ \" and \$ are escapes. Both may span lines. Nothing
** is expanded. Lines end in LF or CRLF.
*/

#ifndef PEXEC_CORE_DOTENV_H
#define PEXEC_CORE_DOTENV_H

#include <stddef.h>

#define PEXEC__MOST_DOTENV (1 << 20)      /* bytes of a file */
#define PEXEC__MOST_VARIABLES 4096        /* in all files together */

struct pexec__dotenv {
  char **variables;      /* "KEY=VALUE", owned, no name twice; ends in NULL;
                            NULL: there are none */
  size_t count;
  /* of an error: */
  size_t line;           /* from 1; 0: it is about the whole file */
  const char *flaw;      /* what is wrong, static; NULL: what errno says */
};

/* Adds those in a text; later ones take the place of earlier ones. 0, -ENOMEM,
   -EINVAL with line and flaw, -E2BIG. The text is written to. */
int pexec__dotenv_parse (struct pexec__dotenv *dotenv, char *text,
                         size_t length);
/* The same of a file. -EFBIG where it is too large, or -errno. */
int pexec__dotenv_read (struct pexec__dotenv *dotenv, const char *path);
void pexec__dotenv_free (struct pexec__dotenv *dotenv);

#endif
