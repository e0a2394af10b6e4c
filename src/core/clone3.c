/*
** See clone3.h. Where the child begins, there is nothing on its stack to
** return to: so the call and the jump into its body are one piece of assembly.
** The kernel leaves it all registers but those that it is told to clobber.
*/

#include "clone3.h"

#include <errno.h>
#include <sys/syscall.h>

#if defined(__x86_64__) && defined(SYS_clone3)

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data) {
  register int (*entry) (void *data_) __asm__("r8") = body;
  long result = SYS_clone3;
  __asm__ volatile (
    "syscall\n\t"
    "testq %%rax, %%rax\n\t"
    "jnz 1f\n\t"
    "xorl %%ebp, %%ebp\n\t"   /* the outermost frame */
    "movq %%rdx, %%rdi\n\t"
    "callq *%%r8\n\t"
    "hlt\n"
    "1:"
    : "+a" (result)
    : "D" (how), "S" (sizeof *how), "d" (data), "r" (entry)
    : "rcx", "r11", "cc", "memory");
  return (int)result;
}

#elif defined(__aarch64__) && defined(SYS_clone3)

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data) {
  register long number __asm__("x8") = SYS_clone3;
  register long result __asm__("x0") = (long)how;
  register long size __asm__("x1") = sizeof *how;
  register void *argument __asm__("x2") = data;
  register int (*entry) (void *data_) __asm__("x3") = body;
  __asm__ volatile (
    "svc #0\n\t"
    "cbnz x0, 1f\n\t"
    "mov x29, #0\n\t"         /* the outermost frame */
    "mov x0, x2\n\t"
    "blr x3\n\t"
    "brk #0\n"
    "1:"
    : "+r" (result)
    : "r" (number), "r" (size), "r" (argument), "r" (entry)
    : "cc", "memory");
  return (int)result;
}

#else

int pexec__clone3 (struct pexec__clone_args *how, int (*body) (void *data),
                   void *data) {
  (void)how;
  (void)body;
  (void)data;
  return -ENOSYS;
}

#endif
