/*
** What a host is like, noted before a spec and compared after it. See real.h.
*/

#ifndef SPEC_REAL_STATE_H
#define SPEC_REAL_STATE_H

void real_state_note (void);
/* Fails the spec where something differs, or a child is left. */
void real_state_check (void);
/* Removes a directory with the files in it: 0, or not. */
int real_state_remove (const char *directory);

#endif
