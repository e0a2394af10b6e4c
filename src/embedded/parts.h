/*
** The Lua parts, lua/pexec/ as it was at build time, as bytes. parts.cmake
** makes them. Immutable; any thread.
*/

#ifndef PEXEC_EMBEDDED_PARTS_H
#define PEXEC_EMBEDDED_PARTS_H

#include <stddef.h>

struct pexec__part {
  const char *name;       /* of the module: "pexec.config" */
  const char *chunk;      /* in messages and tracebacks: "@pexec/config.lua" */
  const unsigned char *text;
  size_t size;
};

/* By name; "pexec" itself is the first. */
extern const struct pexec__part pexec__parts[];
extern const size_t pexec__part_count;

#endif
