/* The child's half of a spawn: from clone to exec. */

#ifndef PEXEC_CORE_CHILD_H
#define PEXEC_CORE_CHILD_H

/* The entry of the child; 'data' is a struct pexec__plan. Never returns. */
int pexec__child_main (void *data);

#endif
