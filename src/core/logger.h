/*
** The built-in logger as the core uses it. The rest of it is in pexec.h.
*/

#ifndef PEXEC_CORE_LOGGER_H
#define PEXEC_CORE_LOGGER_H

#include <stddef.h>
#include <stdint.h>

#include "pexec.h"

/* Logs each line of 'data' (the last may lack its newline) as one message,
   all with one reading of the clock and in as few writes as the buffer
   allows. The result counts those that could not be written. Any thread; NULL
   wants none. */
uint64_t pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                              const char *id, const char *data,
                              size_t length);

/* Names what a thread that writes to it may hang on: all that go to stderr
   have one in common, each file one of its own. */
uint64_t pexec__logger_device (const pexec_logger *logger);

#endif
