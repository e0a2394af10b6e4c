/*
** Bytes that a log's line cannot hold as they are, and what stands for them.
** Pure. Formats are those of lines; RAW escapes nothing and is not asked of.
*/

#ifndef PEXEC_CORE_ESCAPE_H
#define PEXEC_CORE_ESCAPE_H

#include <stddef.h>

#include "pexec.h"

#define PEXEC__ESCAPE_SIZE 8

/* How many bytes from 's' on stand for themselves: whole characters of
   valid UTF-8. */
size_t pexec__plain_span (enum pexec_format format, const char *s,
                          size_t length);

/* What stands for the first of 'length' (at least 1) bytes, which is not
   plain: a string. The result counts the bytes that it stands for. */
size_t pexec__escape (enum pexec_format format, const char *s, size_t length,
                      char escape[PEXEC__ESCAPE_SIZE]);

#endif
