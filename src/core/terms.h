/*
** The terms of a configuration: when its process is restarted, and how it is
** stopped. Their check, and their copy in the configuration's block; those of
** PEXEC_CONFIG_INIT are there once for all. Any thread.
*/

#ifndef PEXEC_CORE_TERMS_H
#define PEXEC_CORE_TERMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* In milliseconds; one that does not overflow in nanoseconds. */
bool pexec__is_wait (int64_t wait_ms);
/* -1 stays what it is. */
int64_t pexec__ns_or_none (int64_t wait_ms);

bool pexec__terms_are_usable (const pexec_config *from);
/* How much room a copy needs, right behind the struct. */
size_t pexec__terms_size (const pexec_config *from);
/* Sets 'policy' and 'stop'; returns the room behind it. */
char *pexec__terms_put (struct pexec__config *config,
                        const pexec_config *from);

#endif
