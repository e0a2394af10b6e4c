/*
** Catching signals in the host, on request. Dispositions belong to the whole
** process, so this is the one place with state outside of a supervisor: a
** static table of who catches which signal.
*/

#ifndef PEXEC_CORE_SIGNALS_H
#define PEXEC_CORE_SIGNALS_H

#include "core.h"

/* The next signal that was caught and not told yet; 0: none. */
int pexec__signals_next (pexec_supervisor *supervisor);
void pexec__signals_uncatch_all (pexec_supervisor *supervisor);

#endif
