/*
** What a configuration says of what a child is allowed to be and to use, its
** cgroup too: its check, and its copy in the configuration's block. Any
** thread.
*/

#ifndef PEXEC_CORE_RIGHTS_H
#define PEXEC_CORE_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pexec.h"

/* Those that say nothing. */
extern const pexec_rights pexec__no_rights;

bool pexec__rights_are_usable (const pexec_rights *rights);
/* How much room a copy needs, wherever that begins. */
size_t pexec__rights_size (const pexec_rights *rights);
/* A copy in this room, with all that it points to; of those that say nothing
   there is one for all. */
const pexec_rights *pexec__rights_copy (char *room, const pexec_rights *from);

/* NULL, too. */
bool pexec__cgroup_is_usable (const pexec_cgroup *cgroup);

#endif
