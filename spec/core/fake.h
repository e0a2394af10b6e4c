/*
** The other side of the seam, for specs: a small kernel, a loop and a spawner
** in one thread, on a clock that stands still until nothing is left to do at
** that instant. Children do what their program says. Each call can be made to
** fail, and whatever the core holds is counted. fake_host.c plays a host.
*/

#ifndef SPEC_FAKE_H
#define SPEC_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>

#include "core.h"
#include "fake_calls.h"

#define FAKE_NEVER INT64_MAX
#define FAKE_MS INT64_C(1000000)
#define FAKE_S (1000 * FAKE_MS)
#define FAKE_BIT(signo) (UINT64_C(1) << (signo))

/* What a child does. All zero: runs until a signal ends it. */
struct fake_program {
  int64_t exec_ns;          /* from clone to exec; FAKE_NEVER: hangs there */
  int exec_error;           /* errno of exec; 0: it succeeds */
  int64_t lives_ns;         /* then ends by itself; 0: it does not */
  int code;                 /* with this exit code */
  int signo;                /* by this signal instead; 0: none */
  uint64_t ignores;         /* signals, as FAKE_BIT */
  int64_t lingers_ns;       /* from a signal that it heeds until it exits;
                               0: the signal ends it */
  int members;              /* others in its group, until a signal ends them */
  uint64_t members_ignore;
  int strays;               /* others that have left its group; where it is in
                               a cgroup, they are, too */
  bool is_unkillable;       /* it and its group; also before exec */
  const char *says;         /* on stdout, once executed */
  int repeats;              /* so often the same again, each millisecond */
  const char *complains;    /* on stderr, once executed */
  const char *last_words;   /* on stdout, at its end */
  size_t reads;             /* bytes of stdin, each millisecond */
  int64_t closes_input_ns;  /* its stdin, after this time; 0: does not */
};

struct fake_signal {
  int64_t at_ns;
  int signo;
  bool is_to_group;
};

#define FAKE_SIGNALS 64
#define FAKE_BIRTHS 256
#define FAKE_PIPE_SIZE 65536
#define FAKE_PATH "/input"  /* the one that is there to read, but /dev/null */
#define FAKE_FILES "/log/"  /* a directory that is there, and empty */
#define FAKE_VARIABLES "/variables"  /* a file of environment variables */
#define FAKE_CGROUPS "/cg"  /* where cgroup v2 is mounted */

struct fake {
  int64_t now_ns;
  int64_t wall_ns;          /* the wall clock, less now_ns */
  double lot;               /* what is drawn; 0.5: no jitter */
  int64_t host_rss;         /* the host's peak of memory, bytes */
  bool is_basic;            /* a kernel without the newer calls */
  bool host_reaps;          /* the host waits for all children */
  bool writer_hangs;        /* nothing is written meanwhile */
  const struct fake_program *programs;  /* of the first start, the next... */
  int program_count;        /* the last one serves all that follow */
  struct fake_signal signals[FAKE_SIGNALS];  /* those sent, but 0 */
  int signal_count;
  int clones;
  int openers;              /* starts that one was to prepare */
  int64_t births[FAKE_BIRTHS];  /* when: of the first ones */
  size_t bytes_read;        /* of all pipes */
  size_t logged;            /* bytes on stderr, which are gone */
  char *input;              /* what children have read */
  size_t input_length, input_room;
  int input_ends;           /* how often one has come to its end */
  /* what is there now */
  int blocks, descriptors, living, zombies;
  int survivors;            /* how many may live on when all is over */
  int looks;                /* passes over /proc */
};

extern struct fake fake;

/* Forgets everything but is_basic. The clock begins at an odd place. */
void fake_reset (const struct fake_program *programs, int program_count);
/* Fails unless memory, descriptors and children are all given back; and puts
   an end to survivors. */
void fake_expect_nothing_left (void);

/* {== files ==== */

/* One that is there before. */
void fake_file_make (const char *path, enum pexec__file_kind kind);
/* What each write to it answers; 0: it succeeds. */
void fake_file_fail (const char *path, int error);
void fake_fifo_read (const char *path);  /* somebody does, from now on */
/* What is in it; "" where it is not there. */
const char *fake_file_text (const char *path, size_t *length);

/* {== cgroups ==== */

int fake_cgroup_count (void);  /* directories below FAKE_CGROUPS */
void fake_cgroup_make (const char *name);  /* one that a killed host has left */

/* {== the host's own acts ==== */

/* It waits for all that are dead: their numbers may be anybody's. */
void fake_reap_all (void);

/* {== time ==== */

/* Everything that happens in this time. */
void fake_run (int64_t ns);
/* The same, but ends as soon as 'fd' is readable: true. */
bool fake_run_until (int fd, int64_t end_ns);

/* {== between the parts ==== */

struct fake_pipe;
struct fake_child;

/* fake_sys.c */
int fake_new_pidfd (struct fake_child *child);
struct fake_child *fake_child_of (int pidfd);  /* NULL: it is no pidfd */
struct fake_pipe *fake_pipe_hold (int fd);     /* NULL: it is no pipe */
void fake_pipe_write (struct fake_pipe *pipe, const char *text);
void fake_pipe_drop (struct fake_pipe *pipe);
struct fake_pipe *fake_input_hold (int fd);    /* the same, for a reader */
/* Into fake.input; false at the end. */
bool fake_input_read (struct fake_pipe *pipe, size_t most);
void fake_input_drop (struct fake_pipe *pipe);
bool fake_is_readable (int fd);
bool fake_is_writable (int fd);
struct fake_pipe *fake_content_new (void);
bool fake_content_is_open (const struct fake_pipe *content);
void fake_content_free (struct fake_pipe *content);  /* NULL: nothing */
const char *fake_content_of (const struct fake_pipe *content, size_t *length);

enum fake_node_kind {
  FAKE_ANY_NODE, FAKE_DIRECTORY, FAKE_EVENTS, FAKE_KILL, FAKE_SETTING
};
int fake_new_node (int node, enum fake_node_kind kind);
int fake_node_of (int fd, enum fake_node_kind kind);
void fake_node_note_lock (int fd);             /* until it is closed */
int fake_new_text (const char *text);          /* a file to read */
int fake_new_pidfd_of (struct fake_child *child, int pid);
int fake_pid_of (int pidfd);                   /* 0: the child itself */

/* fake_cgroups.c */
void fake_cgroups_reset (void);
int fake_cgroups_open (const char *path);
ssize_t fake_events_read (int dir, void *data, size_t size);
void fake_cgroup_kill (int dir);
void fake_cgroup_unlock (int dir);

/* fake_files.c */
struct fake_file;
void fake_files_reset (void);
int fake_file_open (const char *path, int flags, struct fake_file **file);
struct fake_pipe *fake_file_content (const struct fake_file *file);
int fake_file_failure (const struct fake_file *file);
int fake_file_status (const struct fake_file *file,
                      struct pexec__file_status *status);

/* fake_kernel.c */
void fake_kernel_reset (void);
int64_t fake_kernel_next_ns (void);
bool fake_kernel_run_due (void);
bool fake_child_is_dead (const struct fake_child *child);
void fake_child_let_go (struct fake_child *child);
void fake_child_kill (int pidfd);
const struct fake_program *fake_next_program (void);
bool fake_node_is_populated (int node);
void fake_node_kill (int node);
void fake_node_list (int node, char *text, size_t size);  /* a line each */

/* fake_spawner.c */
void fake_spawner_reset (void);
int64_t fake_spawner_next_ns (void);
bool fake_spawner_run_due (void);

/* fake_writer.c */
void fake_writer_reset (void);
int64_t fake_writer_next_ns (void);
bool fake_writer_run_due (void);

/* fake_loop.c */
void fake_loop_reset (void);

#endif
