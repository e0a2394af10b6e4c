/*
** For specs of the door with real processes: a supervisor, the events that
** were heard of it, and waiting for one with a deadline. Before and after
** each spec the host is looked at: no child, descriptor, thread, handler or
** changed attribute may be left.
*/

#ifndef SPEC_REAL_H
#define SPEC_REAL_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>

#include "pexec.h"

struct heard {
  enum pexec_event_type type;
  pexec_process *process;
  int error, pid, asks, signo;
  enum pexec_stage stage;
  pexec_exit exit;
  char message[512];           /* also what a LOG says */
  bool is_taken;
};

extern struct real {
  pexec_supervisor *supervisor;  /* NULL: closed by the spec itself */
  pexec_config config;           /* what the next process is made from */
  bool consumes;                 /* gives output back at once */
  char directory[64];            /* a new one for each spec */
} real;

/* Setup and teardown of each spec. */
int real_begin (void **state);
int real_end (void **state);
#define REAL_SPEC(name) \
  cmocka_unit_test_setup_teardown(name, real_begin, real_end)

/* Runs the group twice, the second time on a basic kernel; how many failed. */
#define REAL_RUN(tests) \
  (real_prepare(), \
   real_failed = cmocka_run_group_tests_name("kernel", tests, NULL, NULL), \
   real_be_basic(), \
   real_failed += cmocka_run_group_tests_name("basic kernel", tests, NULL, \
                                              NULL), \
   real_failed)
extern int real_failed;
void real_prepare (void);
void real_be_basic (void);

/* A process of real.config that runs the specs' child with these verbs. */
#define CHILD(...) real_make((const char *const[]){ __VA_ARGS__, NULL })
pexec_process *real_make (const char *const *verbs);
/* The same, and started: STARTED was heard, without an error. */
#define STARTED(...) real_start((const char *const[]){ __VA_ARGS__, NULL })
pexec_process *real_start (const char *const *verbs);

/* The next event of this type, of this process (NULL: of none) that was not
   taken yet; fails the spec where none comes for long. */
const struct heard *real_await (pexec_process *process,
                                enum pexec_event_type type);
/* Has one come that was not taken? */
bool real_heard (pexec_process *process, enum pexec_event_type type);
/* Pulls whatever there is. */
void real_pull (void);
/* Gives a process back, and forgets what it has told. */
void real_release (pexec_process *process);
/* S started, O output, X exited, T stopped, E ended, Y restarted, G given up:
   all of it, in order. */
const char *real_order (pexec_process *process);

/* What came of a stream so far. */
const char *real_text (pexec_process *process, enum pexec_stream stream,
                       size_t *length);
void real_await_text (pexec_process *process, const char *text);

pexec_snapshot real_snapshot (pexec_process *process);
int real_pid (pexec_process *process);
void real_await_state (pexec_process *process, enum pexec_state state);
void real_await_starts (pexec_process *process, uint64_t starts);

/* Waits until no process of this number runs: gone, or a zombie. */
void real_await_gone (int pid);
bool real_is_alive (int pid);

/* Until its output that waits for the host does not grow any more. */
void real_await_full_pipe (pexec_process *process);

/* The host's soft limit; 0: as it was. */
void real_limit_descriptors (unsigned count);

/* 'name' in the spec's directory; valid until the next eight calls. */
const char *real_path (const char *name);
/* The text of that file, "" where it is not there; static. */
const char *real_file (const char *name);
void real_await_file (const char *name);
int real_count (const char *text, const char *part);

int64_t real_now_ns (void);
/* Polls with short sleeps until that time: for loops of the spec's own. */
struct deadline { int64_t ns; };
struct deadline real_deadline (void);
void real_pause (struct deadline deadline, const char *what);

#endif
