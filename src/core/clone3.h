/*
** clone3, which the C library keeps to itself: a child that is born in a
** cgroup. The spawner's thread.
*/

#ifndef PEXEC_CORE_CLONE3_H
#define PEXEC_CORE_CLONE3_H

#include <stdint.h>

/* As the kernel has it, of Linux 5.7. */
struct pexec__clone_args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
  uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* The child runs body(data) on the stack that it is given, and never returns.
   Its number, or -errno; -ENOSYS also where this machine has no such call
   here. */
int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data);

#endif
