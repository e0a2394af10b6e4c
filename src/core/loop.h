/*
** The supervisor's loop: timers, descriptors that become readable or
** writable, and a wake-up from other threads. loop.c puts libuv behind it,
** and is the only file that knows libuv; specs put a loop with a fake clock
** there. The supervisor thread only, but for pexec__loop_wake.
*/

#ifndef PEXEC_CORE_LOOP_H
#define PEXEC_CORE_LOOP_H

#include <stdint.h>

struct pexec__loop;
struct pexec__timer;
struct pexec__watch;

typedef void pexec__callback (void *owner);

int pexec__loop_open (struct pexec__loop **loop, pexec__callback *on_wake,
                      void *owner);
void pexec__loop_run (struct pexec__loop *loop);   /* until stopped */
void pexec__loop_stop (struct pexec__loop *loop);
void pexec__loop_wake (struct pexec__loop *loop);  /* any thread */
void pexec__loop_close (struct pexec__loop *loop); /* not while it runs */

/* A timer, not armed. Disarming or closing NULL does nothing. */
int pexec__timer_open (struct pexec__loop *loop, pexec__callback *on_due,
                       void *owner, struct pexec__timer **timer);
/* Calls on_due once, not before 'due_ns' on pexec__now's clock. */
void pexec__timer_arm (struct pexec__timer *timer, int64_t due_ns);
/* The same, unless it will come earlier anyway. */
void pexec__timer_arm_earlier (struct pexec__timer *timer, int64_t due_ns);
void pexec__timer_disarm (struct pexec__timer *timer);
void pexec__timer_close (struct pexec__timer *timer);

/* Calls on_readable while 'fd' is readable, and watching is not paused. */
int pexec__watch_open (struct pexec__loop *loop, int fd,
                       pexec__callback *on_readable, void *owner,
                       struct pexec__watch **watch);
/* The same for writable; it is paused at first. */
int pexec__watch_open_writable (struct pexec__loop *loop, int fd,
                                pexec__callback *on_writable, void *owner,
                                struct pexec__watch **watch);
void pexec__watch_pause (struct pexec__watch *watch);
void pexec__watch_resume (struct pexec__watch *watch);
/* To be called before 'fd' is closed. */
void pexec__watch_close (struct pexec__watch *watch);

#endif
