/*
** pexec: a process manager in a library. This header is its C manual.
**
** MODEL. A *supervisor* owns *processes*. For each process the host hands in
** a configuration once; from then on the supervisor starts it, notices its
** death, restarts it, reads its output and stops it, on a thread of its own,
** whatever the host is doing meanwhile. The host gives *orders* (start, stop,
** kill, decide), which never block, and pulls *events* (started, output,
** exited, stopped, ended), when it likes. One descriptor becomes readable
** when an event waits, so that any event loop can watch it.
**
** THREADS. A supervisor starts two threads with its first process (or with
** the first call of pexec_supervisor_fd): the supervisor's own and the one
** that makes children. While log files and loggers are written to there is one
** more for each device, with many files one for each core, and one where a file
** is compressed; and one for each start that has a file to open or a user to
** look up, until it has, of which one stays. All block every signal. All
** functions on one supervisor and its processes are to be called from one
** thread at a time; different supervisors are independent of each other. No
** function of the host is ever called from a foreign thread.
**
** WHAT IT TOUCHES IN THE HOST. No signal handler or mask (but what
** pexec_supervisor_catch asks for), no environment, working directory, umask
** or limit; it never waits for a child that it has not made. Descriptors are
** close-on-exec from birth. The threads exist until pexec_supervisor_close, but
** for one that hangs on a dead disk, writing to a file there or opening it: it
** is left behind.
** Children are killed by the kernel when the host dies (PR_SET_PDEATHSIG),
** but for those that are to be kept (host_death).
**
** MEMORY. All that pexec allocates comes from malloc and its kin, or from what
** pexec_set_allocator was given. What the C library, libuv and a lua_State
** allocate for themselves does not.
**
** WHAT IT SAYS. Nothing is ever printed. What pexec has to say of a process
** goes to that process's 'logger', and with 'log_events' to the host as
** PEXEC_EVENT_LOG; what cannot be done at all, a call's result says. The last
** words of a supervisor that is being closed are for loggers alone: a host
** that wants those as events stops its processes before, and pulls.
**
** FORK. In a forked copy of the host every function fails with PEXEC_EFORKED,
** and closing or releasing there frees nothing and disturbs nobody.
**
** OWNERSHIP. Strings and arrays that go in are copied. What an event points
** to is valid until pexec_event_release. Opaque objects are given back with
** the function named for it, once.
**
** ERRORS. A function that can fail returns 0 or a negative number: -errno of
** the system (-ENOENT), or one of PEXEC_E... below. Results are stored through
** the last pointer, which is untouched on failure.
**
** VERSIONS. Compiled against one version, a host runs with each later one of
** the same SONAME. Structs that begin with their 'size' grow at their end: what
** an older host's do not have counts as in their ..._INIT, or is not told to
** it. So a host initialises them with that, and sets members by name. All other
** structs stay as they are, but for those that pexec alone makes (pexec_change,
** pexec_line), which may grow. Enumerations grow: a host passes by the events
** that it does not know. pexec_version tells which library it has met.
*/

#ifndef PEXEC_H
#define PEXEC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PEXEC_VERSION_MAJOR 0
#define PEXEC_VERSION_MINOR 1
#define PEXEC_VERSION_PATCH 0
#define PEXEC_VERSION "0.1.0"

#if defined(__GNUC__)
#define PEXEC_API __attribute__((visibility("default")))
#else
#define PEXEC_API
#endif

/* The library's, which may be later than PEXEC_VERSION: "0.1.0". */
PEXEC_API const char *pexec_version (void);

/* {== memory ============================================================ */

/* As malloc, calloc, realloc and free of the C library, which are taken where
   nothing is set. Each is called from the host's thread and from pexec's own,
   several at a time, and never between fork and exec. */
typedef struct pexec_allocator {
  size_t size;              /* of this struct: versions it */
  void *(*allocate) (size_t size);
  void *(*allocate_zeroed) (size_t count, size_t size);
  void *(*resize) (void *block, size_t size);
  void (*release) (void *block);
} pexec_allocator;

/* Sets it for the whole program: all supervisors, loggers and Lua states that
   this library serves. Once, and before anything is allocated: -EBUSY after
   that. -EINVAL where a function is missing. It is copied; the functions are
   to be there as long as the program is, since a thread that writes may end a
   moment after its supervisor. Any thread. */
PEXEC_API int pexec_set_allocator (const pexec_allocator *allocator);

/* {== errors ============================================================ */

/* name, number, sentence. The one list of pexec's own errors. */
#define PEXEC_ERRORS(X) \
  X(ALREADY_STOPPED, -5001, "already stopped") \
  X(ALREADY_STARTED, -5002, "already started") \
  X(NOT_STARTED, -5003, "process not started") \
  X(PROCESS_DONE, -5004, "process already finished") \
  X(PROCESS_NOT_EXISTS, -5005, "no such process") \
  X(CANCELED, -5006, "context canceled") \
  X(DEADLINE_EXCEEDED, -5007, "context deadline exceeded") \
  X(INVALID_CONFIG, -5008, "invalid configuration") \
  X(EXIT_STATUS, -5009, "exit status not zero") \
  X(SIGNALED, -5010, "killed by a signal") \
  X(STOP_TIMEOUT, -5011, "did not end even after SIGKILL") \
  X(FORKED, -5012, "the supervisor belongs to the process that forked") \
  X(UNSUPPORTED, -5013, "unsupported") \
  X(VETOED, -5014, "the host does not want it started") \
  X(UNPREPARED, -5015, "the host could not prepare the start")

enum pexec_error {
#define X(name, number, text) PEXEC_E##name = number,
  PEXEC_ERRORS(X)
#undef X
  PEXEC_OK = 0
};

/* The stable word of an error: "ENOENT", "ALREADY_STOPPED". Never NULL. */
PEXEC_API const char *pexec_error_name (int error);

/* Its sentence: "no such file or directory", "already stopped". Never NULL;
   static storage. System errors read as the C library's, in lower case. */
PEXEC_API const char *pexec_error_text (int error);

/* {== values ============================================================ */

/* Reads a duration in Go's form ("250ms", "1m30s", "1.5h", "0"); stores
   nanoseconds. -EINVAL where it is none, -ERANGE where it does not fit. */
PEXEC_API int pexec_duration_parse (const char *text, int64_t *ns);

/* Writes it in Go's form ("1m30s", "250ms", "0s"); 32 bytes always do. */
PEXEC_API void pexec_duration_format (int64_t ns, char *buffer, size_t size);

/* Reads a signal's name, with or without "SIG", in either case ("TERM",
   "SIGRTMIN+1"), Go's word ("terminated") or number ("15"). */
PEXEC_API int pexec_signal_parse (const char *text, int *signo);

/* "SIGTERM"; "SIGRTMIN+3"; NULL where the platform names no such signal. */
PEXEC_API const char *pexec_signal_name (int signo);

/* As Go says it in errors: "killed", "terminated", else the C library's
   description in lower case. Never NULL. */
PEXEC_API const char *pexec_signal_text (int signo);

/* {== loggers =========================================================== */

typedef struct pexec_logger pexec_logger;

enum pexec_level {
  PEXEC_DEBUG, PEXEC_INFO, PEXEC_WARN, PEXEC_ERROR
};

/* How lines are written. RAW, byte for byte, is for log files alone: a logger
   has something to say of each line. */
enum pexec_format { PEXEC_TEXT, PEXEC_JSON, PEXEC_LOGFMT, PEXEC_RAW };

/* A log file: appended to, rotated at a line's end. The newest rotated file
   is FILE.1, or FILE.1.gz. A symbolic link is not followed. A file that was
   renamed or deleted is made anew within a second of the next line. */
typedef struct pexec_file {
  size_t size;              /* of this struct: versions it */
  const char *path;         /* a relative one: from the host's directory */
  unsigned mode;            /* of one that is made, whatever the umask */
  enum pexec_format format;
  int64_t max_size;         /* bytes; 0: not rotated for its size */
  int keep;                 /* how many rotated files stay */
  int64_t rotate_every_ms;  /* on the wall clock, from 1970 on; 0: not */
  int compress;             /* 1: rotated files, with zlib, on a thread */
  int blocks;               /* where it cannot be written, 1: the child waits;
                               0: lines are dropped after a second, counted,
                               and told of in the file */
} pexec_file;

#define PEXEC_FILE_INIT \
  { sizeof(pexec_file), NULL, 0640, PEXEC_RAW, 10485760, 5, 0, 0, 0 }

typedef struct pexec_logger_options {
  size_t size;              /* of this struct: versions it */
  enum pexec_level level;   /* least level written */
  enum pexec_format format;
  const char *file;         /* as pexec_file's path, but a device or what a
                               link leads to will do; NULL: stderr */
  unsigned mode;            /* these five as in pexec_file */
  int64_t max_size;
  int keep;
  int64_t rotate_every_ms;
  int compress;
} pexec_logger_options;

#define PEXEC_LOGGER_OPTIONS_INIT \
  { sizeof(pexec_logger_options), PEXEC_INFO, PEXEC_TEXT, NULL, 0640, \
    10485760, 5, 0, 0 }

/* Makes a logger that writes from any thread, each message one write. */
PEXEC_API int pexec_logger_new (const pexec_logger_options *options,
                                pexec_logger **logger);
PEXEC_API pexec_logger *pexec_logger_retain (pexec_logger *logger);
PEXEC_API void pexec_logger_release (pexec_logger *logger);

/* One line about 'id' (NULL: about nothing in particular). Control
   characters are made visible. Never fails, never blocks on memory. */
PEXEC_API void pexec_logger_write (pexec_logger *logger,
                                   enum pexec_level level, const char *id,
                                   const char *message, size_t length);

/* {== the supervisor ==================================================== */

typedef struct pexec_supervisor pexec_supervisor;
typedef struct pexec_process pexec_process;

/* Makes a supervisor: memory only, no thread and no descriptor yet. */
PEXEC_API int pexec_supervisor_new (pexec_supervisor **supervisor);

/* Stops every process that it started, side by side, drops the events that
   are left, writes what is left of their output to its files, ends the threads
   and frees everything, those processes included (one that never was started
   is its holder's to release, before). Takes at most the largest stop_timeout,
   or sum of a stop_sequence, and a second, and a second more where a disk
   hangs. In a forked copy: nothing. */
PEXEC_API void pexec_supervisor_close (pexec_supervisor *supervisor);

/* What the kernel, or a filter of system calls, refuses that nothing can be
   done without, as a sentence; NULL: nothing. Where there is something, each
   function that would start threads fails with PEXEC_EUNSUPPORTED. What
   there is instead of others is in docs/reliability.md. */
PEXEC_API const char *pexec_kernel_lacks (void);

/* A descriptor that is readable while an event waits or the alarm is due.
   To be polled only; it belongs to the supervisor. Or a negative error. */
PEXEC_API int pexec_supervisor_fd (pexec_supervisor *supervisor);

/* Waits up to 'timeout_ms' (-1: without end) until that descriptor is
   readable: 1, or 0 after the time, or -EINTR when a signal handler ran. */
PEXEC_API int pexec_supervisor_wait (pexec_supervisor *supervisor,
                                     int64_t timeout_ms);

/* Makes the descriptor readable after 'delay_ms' (an earlier alarm is
   replaced; -1: no alarm), for hosts with timers of their own. The alarm
   ends with the next pexec_supervisor_next that answers 0. */
PEXEC_API int pexec_supervisor_alarm (pexec_supervisor *supervisor,
                                      int64_t delay_ms);

/* Catches these signals in the host: each arrival is an event
   (PEXEC_EVENT_SIGNAL). A signal that is ignored stays so. -EBUSY where one
   of them is being caught already, by any supervisor of the host, -EINVAL
   where one cannot be caught: then none is. uncatch puts back what was. */
PEXEC_API int pexec_supervisor_catch (pexec_supervisor *supervisor,
                                      const int *signals, size_t count);
PEXEC_API void pexec_supervisor_uncatch (pexec_supervisor *supervisor,
                                         const int *signals, size_t count);

/* {== processes ========================================================= */

enum pexec_stream { PEXEC_STDOUT = 1, PEXEC_STDERR = 2 };

/* Where a stream of a child goes, besides loggers and events. All of these
   get everything. With none, and nothing else that reads it: /dev/null. */
typedef struct pexec_output {
  int inherits;                   /* 1: the host's own */
  int merges;                     /* 1, of stderr alone: where stdout goes, in
                                     the order written, and told as stdout */
  const pexec_file *const *files; /* ends in NULL; or NULL */
} pexec_output;

/* Where a child's standard input comes from. */
enum pexec_source {
  PEXEC_FROM_NULL,                /* /dev/null */
  PEXEC_FROM_HOST,                /* the host's own */
  PEXEC_FROM_FILE,                /* opened at each start */
  PEXEC_FROM_DATA,                /* these bytes at each start, then the end */
  PEXEC_FROM_PIPE                 /* pexec_process_write */
};

typedef struct pexec_input {
  enum pexec_source source;
  const char *path;               /* FROM_FILE; relative: as pexec_file's */
  const void *data;               /* FROM_DATA */
  size_t length;
} pexec_input;

/* Whether one that has ended unexpectedly is restarted. */
enum pexec_restart {
  PEXEC_RESTART_ALWAYS,
  PEXEC_RESTART_ON_FAILURE,       /* unless its exit code is one of success */
  PEXEC_RESTART_NEVER
};

/* How long a restart waits, counted from the death: the n-th restart in a row
   min(max, initial * factor^(n-1)), and more or less by a random part of that
   up to 'jitter'; or as a list says, whose last delay repeats. */
typedef struct pexec_backoff {
  int64_t initial_ms;             /* -1: this does not count */
  double factor;                  /* at least 1 */
  int64_t max_ms;                 /* at least initial_ms */
  double jitter;                  /* from 0 to below 1 */
  const int64_t *delays_ms;       /* the list, instead; NULL: none */
  size_t delay_count;
  int64_t reset_after_ms;         /* of running: n is 1 again; -1: max_ms, of a
                                     list the longest in it */
} pexec_backoff;

#define PEXEC_BACKOFF_INIT { -1, 2.0, 60000, 0.1, NULL, 0, -1 }

/* What a stage of a stop does. */
enum pexec_stage_kind {
  PEXEC_SIGNAL_PROCESS,           /* and then SIGCONT, as a stop always does */
  PEXEC_SIGNAL_GROUP,
  PEXEC_RUN,                      /* runs a program: see stop_sequence */
  PEXEC_CALL                      /* PEXEC_EVENT_STOP_CALL */
};

typedef struct pexec_stop_stage {
  enum pexec_stage_kind kind;
  int signo;                      /* of the two that signal */
  const char *const *run;         /* of RUN: a program and its arguments; ends
                                     in NULL */
  int64_t wait_ms;                /* it lasts so long, unless nothing of the
                                     process is left before */
} pexec_stop_stage;

#define PEXEC_STOP_STAGES_MAX 100

/* Of an int: nothing is said. */
#define PEXEC_UNSET (-2147483647 - 1)

/* What the kernel limits, as setrlimit names it: name, name for people. */
#define PEXEC_RESOURCES(X) \
  X(CPU, "cpu") X(FSIZE, "fsize") X(DATA, "data") X(STACK, "stack") \
  X(CORE, "core") X(RSS, "rss") X(NPROC, "nproc") X(NOFILE, "nofile") \
  X(MEMLOCK, "memlock") X(AS, "as") X(LOCKS, "locks") \
  X(SIGPENDING, "sigpending") X(MSGQUEUE, "msgqueue") X(NICE, "nice") \
  X(RTPRIO, "rtprio") X(RTTIME, "rttime")

enum pexec_resource {
#define X(name, text) PEXEC_RESOURCE_##name,
  PEXEC_RESOURCES(X)
#undef X
  PEXEC_RESOURCE_COUNT
};

#define PEXEC_UNLIMITED UINT64_MAX

typedef struct pexec_limit {
  enum pexec_resource resource;
  uint64_t soft, hard;            /* in the kernel's unit; soft <= hard */
} pexec_limit;

#define PEXEC_MOST_CPUS 8192

enum pexec_io_class {
  PEXEC_IO_OF_HOST, PEXEC_IO_REALTIME, PEXEC_IO_BEST_EFFORT, PEXEC_IO_IDLE
};

/* What becomes of a child when the host ends without having closed the
   supervisor, by SIGKILL for instance. */
enum pexec_host_death {
  PEXEC_HOST_DEATH_KILL,          /* the kernel kills it */
  PEXEC_HOST_DEATH_KEEP           /* it goes on, in nobody's charge */
};

/* What a child is allowed to be and to use. Where a part of it cannot be had,
   the start fails, and nothing of its program has run. */
typedef struct pexec_rights {
  const char *group;              /* name or decimal number, of the group
                                     database; NULL: its user's, or the
                                     host's */
  const char *const *supplementary_groups;  /* the same, and no other; ends in
                                     NULL; NULL: its user's, or the host's */
  int umask;                      /* -1: the host's at the first start */
  int nice;                       /* -20 to 19; UNSET: the host's */
  int oom_score_adj;              /* -1000 to 1000; UNSET: 0, or the host's
                                     where the kernel refuses that */
  int no_new_privileges;          /* 1: no set-id program gives it any */
  const pexec_limit *limits;      /* the others are the host's; or NULL */
  size_t limit_count;
  const int *cpus;                /* that it may run on, each below
                                     PEXEC_MOST_CPUS; NULL: the host's */
  size_t cpu_count;
  enum pexec_io_class io_class;
  int io_level;                   /* 0, the first served, to 7; of IDLE and
                                     OF_HOST it does not count */
  int sets_capabilities;          /* 1: it has those below and can get no
                                     other, whoever its user is */
  uint64_t capabilities;          /* 1 << CAP_... of linux/capability.h each */
  enum pexec_host_death host_death;  /* of it alone: its stop programs are
                                     killed */
} pexec_rights;

#define PEXEC_RIGHTS_INIT \
  { NULL, NULL, -1, PEXEC_UNSET, PEXEC_UNSET, 0, NULL, 0, NULL, 0, \
    PEXEC_IO_OF_HOST, 0, 0, 0, PEXEC_HOST_DEATH_KILL }

#define PEXEC_CGROUP_UNSET (-1)
#define PEXEC_CGROUP_MAX INT64_MAX

/* A cgroup of a process's own (cgroup v2), in which its children are born; made
   with the directories above it where it is not there. All that ever comes of
   a child is in it, whatever that does: a stop's signals to the group go to
   all in it, SIGKILL too, and a stop is over when nobody in it is alive. Where
   somebody is in it before the first start, that fails with EBUSY. What was
   made is removed again when the process has come to rest. */
typedef struct pexec_cgroup {
  const char *path;               /* below the host's own cgroup, or, if it
                                     begins with '/', from the root of the
                                     hierarchy */
  int64_t memory_max;             /* bytes; MAX: no limit; UNSET: as it is */
  int64_t pids_max;               /* 1 or more; the same */
  int cpu_weight;                 /* 1 to 10000; 0: as it is */
} pexec_cgroup;

#define PEXEC_CGROUP_INIT \
  { NULL, PEXEC_CGROUP_UNSET, PEXEC_CGROUP_UNSET, 0 }

typedef struct pexec_config {
  size_t size;                    /* of this struct: versions it */
  const char *id;                 /* required, not empty */
  const char *name;               /* required: path, or looked up in PATH */
  const char *const *args;        /* after argv[0]; ends in NULL; or NULL */
  const char *const *environment; /* "KEY=VALUE", ends in NULL; or NULL */
  const char *cwd;                /* NULL: the host's at the first start */
  const char *username;           /* NULL: the host's user */
  int one_shot;                   /* 1: run once; never restarted */
  int asks;                       /* 1: an unexpected exit waits for
                                     pexec_process_decide; else restarts */
  int stop_signal;
  int64_t stop_timeout_ms;        /* first signal to final kill; >= 100 */
  int64_t restart_delay_ms;       /* least time from start to start */
  pexec_logger *logger;           /* messages about it; NULL: none */
  int log_events;                 /* 1: those messages as events, too, with a
                                     logger or without */
  pexec_logger *stdout_logger;    /* each line, at info; NULL: not */
  pexec_logger *stderr_logger;    /* each line, at error; NULL: not */
  unsigned output_events;         /* PEXEC_STDOUT | PEXEC_STDERR: as events */
  void *user;                     /* the host's; pexec_process_user */
  pexec_input input;
  pexec_output output[2];         /* of stdout, of stderr */
  size_t tail_size;               /* bytes of last lines to keep; 0: none */
  size_t events_buffer;           /* bytes of output events that may wait */
  int events_drop;                /* 1: beyond that lines are dropped and
                                     counted; 0: the child waits */
  enum pexec_restart restart;
  const int *success_exit_codes;  /* of RESTART_ON_FAILURE; NULL: 0 alone */
  size_t success_exit_code_count;
  pexec_backoff backoff;          /* instead of restart_delay_ms */
  int restart_limit;              /* restarts within the time below, at most
                                     10000; then it is given up; -1: any */
  int64_t restart_limit_ms;       /* of running: delays do not count; at
                                     least 1 */
  int64_t decision_timeout_ms;    /* for pexec_process_decide; then 'restart'
                                     decides; -1: it waits */
  int64_t prepare_timeout_ms;     /* before each start the host is asked, by
                                     PEXEC_EVENT_PREPARE, and may take so
                                     long; -1: it is not */
  const pexec_stop_stage *stop_sequence;  /* its stages, one after the other,
                                     and then SIGKILL to the group; NULL: to
                                     the process for a third of the time and
                                     then to its group, with stop_signal and
                                     stop_timeout_ms, which do not count where
                                     there is a sequence. See below */
  size_t stop_stage_count;        /* 0 and a sequence: SIGKILL at once */
  pexec_rights rights;
  int clears_environment;         /* 1: nothing of the host's environment */
  const char *const *environment_files;  /* read at each start, KEY=VALUE on
                                     each line; later ones override earlier
                                     ones, and 'environment' all of them;
                                     relative: as pexec_file's path; ends in
                                     NULL; or NULL */
  int must_prepare;               /* 1: where the host has not answered within
                                     prepare_timeout_ms, which there must be,
                                     the start fails as after
                                     pexec_process_unprepared; 0: it goes on */
  const pexec_cgroup *cgroup;     /* NULL: the host's; of stop programs it
                                     always is */
} pexec_config;

/* STOP SEQUENCE. A RUN stage runs its program as the process's user, with its
   directory and environment, and MAINPID and PEXEC_ID, its number and id; it
   is looked up as 'name' is. Its lines go to 'logger'. Where it cannot be run
   or fails, that is logged, and the next stage comes at once; else the stage
   goes on. It is killed with its group when its stage is over, or nothing of
   the process is left. A CALL stage is passed at once where there is nobody to
   call: while the supervisor closes, or after pexec_process_release. Once the
   process has gone and has left others in its group, the next stage that
   signals the group comes at once, and ends when it would have anyway; stages
   of the other kinds only let their time pass. */

#define PEXEC_CONFIG_INIT \
  { sizeof(pexec_config), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, \
    15, 10000, 1000, NULL, 0, NULL, NULL, 0, NULL, \
    { PEXEC_FROM_NULL, NULL, NULL, 0 }, { { 0, 0, NULL }, { 0, 0, NULL } }, \
    16384, 262144, 0, PEXEC_RESTART_ALWAYS, NULL, 0, PEXEC_BACKOFF_INIT, \
    -1, 0, -1, -1, NULL, 0, PEXEC_RIGHTS_INIT, 0, NULL, 0, NULL }

/* Makes a process, not started. PEXEC_EINVALID_CONFIG where the configuration
   cannot be used, -ENOMEM. */
PEXEC_API int pexec_process_new (pexec_supervisor *supervisor,
                                 const pexec_config *config,
                                 pexec_process **process);

/* The host will not use it any more. Supervision of a started one goes on. */
PEXEC_API void pexec_process_release (pexec_process *process);

/* 1 from an accepted start until its ENDED was pulled. */
PEXEC_API int pexec_process_is_active (const pexec_process *process);

PEXEC_API const char *pexec_process_id (const pexec_process *process);
PEXEC_API const char *pexec_process_name (const pexec_process *process);
PEXEC_API int pexec_process_is_one_shot (const pexec_process *process);
PEXEC_API void *pexec_process_user (const pexec_process *process);

/* Orders a start. Answered with PEXEC_EVENT_STARTED, once exec has succeeded
   or with the reason why not; and in the end, failed or not, with
   PEXEC_EVENT_ENDED. 'timeout_ms' (-1: none) bounds a one-shot: then its
   group is killed. PEXEC_EALREADY_STOPPED, PEXEC_EALREADY_STARTED (until its
   ENDED was pulled), -EMFILE and the like. */
PEXEC_API int pexec_process_start (pexec_process *process,
                                   int64_t timeout_ms);

/* Kills a one-shot's group as a timeout does; 'reason' (PEXEC_ECANCELED or
   PEXEC_EDEADLINE_EXCEEDED) comes back in the exit. */
PEXEC_API int pexec_process_cancel (pexec_process *process, int reason);

/* Answers PEXEC_EVENT_EXITED where its 'asks' is set. An answer that a stop
   has overtaken is ignored, and so is one that comes after the
   decision_timeout, since 'run' is the exit's. */
enum pexec_decision {
  PEXEC_DECIDE_END,               /* it stays down */
  PEXEC_DECIDE_RESTART,
  PEXEC_DECIDE_BY_POLICY          /* what 'restart' says */
};

/* 'delay_ms': of the restart, counted from the death; -1: as configured. */
PEXEC_API int pexec_process_decide (pexec_process *process, uint64_t run,
                                    enum pexec_decision decision,
                                    int64_t delay_ms);

/* What its next start takes of a configuration, or with 'keeps' each start
   from then on: name, args, environment, cwd, username, rights,
   clears_environment and environment_files; the rest of it is as it was, and
   so are its stop programs. Ordered before the answer to PEXEC_EVENT_EXITED or
   PEXEC_EVENT_PREPARE it counts for the start that follows. Errors as of
   pexec_process_new. */
PEXEC_API int pexec_process_configure (pexec_process *process,
                                       const pexec_config *config, int keeps);

/* Answers PEXEC_EVENT_PREPARE: with 'reason' NULL it is started, else it is
   not. Then a start that was ordered fails with PEXEC_EVETOED and the reason,
   and one that was to be restarted ends. 'preparation' is the event's; an
   answer that came too late is ignored. */
PEXEC_API int pexec_process_prepared (pexec_process *process,
                                      uint64_t preparation,
                                      const char *reason);

/* Answers it, too: what the start needs could not be had. One that was ordered
   fails with PEXEC_EUNPREPARED and 'reason', which is not NULL; a restart
   counts as one that has failed, and is tried again as after a death. */
PEXEC_API int pexec_process_unprepared (pexec_process *process,
                                        uint64_t preparation,
                                        const char *reason);

/* Orders a stop and a start, as one act that is not final; also while it
   waits for a restart. It has no failures behind it then. Answered with
   PEXEC_EVENT_RESTARTED, once the new child has been executed or could not
   be: then it is tried again as after a death. PEXEC_EUNSUPPORTED of a
   one-shot, PEXEC_EALREADY_STOPPED, and PEXEC_EPROCESS_DONE, perhaps only in
   the answer, where nothing is managed. */
PEXEC_API int pexec_process_restart (pexec_process *process);

/* Orders a stop, final; answered with PEXEC_EVENT_STOPPED each time. */
PEXEC_API int pexec_process_stop (pexec_process *process);

/* Answers PEXEC_EVENT_STOP_CALL, with its ticket: the next stage may come at
   once. One that comes too late is ignored. PEXEC_ENOT_STARTED. */
PEXEC_API int pexec_process_advance (pexec_process *process,
                                     uint64_t ticket);

/* SIGKILL to the group now, final; no answer but ENDED. */
PEXEC_API int pexec_process_kill_group (pexec_process *process);

/* Sends a signal to its child, or with 'to_group' to the child's process
   group, after all that were ordered before. Answered with
   PEXEC_EVENT_SIGNALED of this 'ticket', once the kernel has taken or refused
   it: the system's error, or PEXEC_EPROCESS_DONE where nothing runs any more.
   Never reaches another that has got its number. Here PEXEC_ENOT_STARTED and
   PEXEC_EPROCESS_DONE where nothing is managed, -EINVAL of what is no signal,
   -ENOMEM. Nobody has ordered a death that comes of it. */
PEXEC_API int pexec_process_signal (pexec_process *process, int signo,
                                    int to_group, uint64_t *ticket);

/* The host is done with this much of the process's output events: reading
   may go on. Until then it counts against 'events_buffer'. */
PEXEC_API void pexec_process_consumed (pexec_process *process, size_t bytes,
                                       size_t lines);

/* Writes to the child's stdin, where that is PEXEC_FROM_PIPE: after all that
   was given before, and waits while the pipe is full. Answered with
   PEXEC_EVENT_WRITTEN of this 'ticket'. -EPIPE where it was closed,
   PEXEC_ENOT_STARTED, PEXEC_EPROCESS_DONE where nothing runs,
   PEXEC_EUNSUPPORTED of another kind of stdin, -ENOMEM. The data are copied:
   a host that does not wait for answers bounds them itself. */
PEXEC_API int pexec_process_write (pexec_process *process, const void *data,
                                   size_t length, uint64_t *ticket);

/* Closes it, once all that was given before is written. No answer. Each start
   opens it anew. */
PEXEC_API int pexec_process_close_stdin (pexec_process *process);

/* Opens its log files anew, as after a rotation by others; what came before
   goes to the old ones. Answered with PEXEC_EVENT_REOPENED. */
PEXEC_API int pexec_process_reopen (pexec_process *process);

/* A line of a process's, as it is kept: without its newline, and cut off
   where it does not fit. */
typedef struct pexec_line {
  const char *data;
  size_t length;
  enum pexec_stream stream;
  int is_partial;         /* a piece: the line goes on in the next one */
  int64_t time_ns;        /* when it was read: CLOCK_REALTIME */
  uint64_t run;           /* of which of its starts: 1 is the first */
} pexec_line;

typedef struct pexec_tail {
  size_t count;
  const pexec_line *lines;  /* the oldest first */
  void *held;               /* pexec's */
} pexec_tail;

/* The last lines of a process whose output is read, both streams, up to
   'tail_size' bytes; to be released. 0 with none of them, or -ENOMEM. */
PEXEC_API int pexec_process_tail (pexec_process *process, pexec_tail *tail);
PEXEC_API void pexec_tail_release (pexec_tail *tail);

/* name in pexec_state, name for people. ORDER STATE in src/core/machine.c */
#define PEXEC_STATES(X) \
  X(IDLE, "idle") X(STARTING, "starting") X(RUNNING, "running") \
  X(DECIDING, "deciding") X(BACKOFF, "backoff") X(STOPPING, "stopping") \
  X(STOPPED, "stopped") X(EXITED, "exited") X(FAILED, "failed")

enum pexec_state {
#define X(name, text) PEXEC_##name,
  PEXEC_STATES(X)
#undef X
  PEXEC_STATE_COUNT
};

PEXEC_API const char *pexec_state_name (enum pexec_state state);

/* What was read of one stream, ever. Of one that the child writes itself,
   nothing is known. */
typedef struct pexec_counts {
  uint64_t bytes;
  uint64_t lines;
  uint64_t drops;         /* lines that a destination did not get; a line that
                             two did not get counts twice */
} pexec_counts;

/* Who wanted a child to end. */
#define PEXEC_REQUESTS(X) \
  X(NOBODY, "nobody") X(STOP, "stop") X(RESTART, "restart") \
  X(LIMIT, "limit")

enum pexec_request {
#define X(name, text) PEXEC_BY_##name,
  PEXEC_REQUESTS(X)
#undef X
  PEXEC_REQUEST_COUNT
};

PEXEC_API const char *pexec_request_name (enum pexec_request request);

/* How a child has ended: what every purpose gets. */
typedef struct pexec_exit {
  int pid;
  int is_known;       /* 0: somebody else reaped it; no code, no signal */
  int code;           /* exit code, or -1 for a death by signal */
  int signo;          /* 0: it exited */
  int core_dumped;
  int canceled;       /* 0, or the reason given to pexec_process_cancel */
  enum pexec_request requested;
  int64_t started_at_ns;  /* CLOCK_REALTIME */
  int64_t uptime_ns;
  uint64_t restarts;  /* until then */
  uint64_t run;       /* which of its starts it was: 1 is the first */
  uint64_t attempt;   /* which of those in a row: 1 after a recovery */
  int has_usage;      /* these are known, of it and of those whose end it
                         has waited for: */
  int64_t user_ns, system_ns;
  int64_t max_rss;    /* bytes; 0: not known, as it is not clearly above the
                         host's own peak, which the kernel counts in */
} pexec_exit;

#define PEXEC_HISTORY_MAX 16

/* How its last children have ended, the oldest first: at most 'most' of the
   last PEXEC_HISTORY_MAX. Returns how many, or a negative error. */
PEXEC_API int pexec_process_history (pexec_process *process,
                                     pexec_exit *exits, size_t most);

typedef struct pexec_snapshot {
  enum pexec_state state;
  int is_wanted;          /* somebody wants it to run */
  int64_t since_ns;       /* when it came to this state: CLOCK_REALTIME; 0:
                             never started */
  int pid;                /* 0: nothing runs */
  uint64_t starts;        /* successful ones */
  int64_t started_at_ns;  /* the last one, CLOCK_MONOTONIC; 0: never */
  int64_t uptime_ns;      /* of what runs; 0: nothing does */
  uint64_t failures;      /* in a row, until it has recovered */
  int64_t restart_in_ns;  /* until the next one; -1: none is waited for */
  pexec_counts output[2]; /* of stdout, of stderr */
} pexec_snapshot;

/* What is known of it now, without a round trip to the supervisor. */
PEXEC_API int pexec_process_snapshot (pexec_process *process,
                                      pexec_snapshot *snapshot);

/* The directory of its cgroup as a text, cut off at 'size'; returns its length,
   as snprintf; 0: it has none now. PEXEC_EFORKED. */
PEXEC_API int pexec_process_cgroup (pexec_process *process, char *text,
                                    size_t size);

/* {== events ============================================================ */

enum pexec_event_type {
  PEXEC_EVENT_NONE,
  PEXEC_EVENT_STARTED,  /* error, message; pid where error is 0 */
  PEXEC_EVENT_OUTPUT,   /* stream, data, length, is_partial */
  PEXEC_EVENT_EXITED,   /* exit, asks; of one that asks or is a one-shot */
  PEXEC_EVENT_STOPPED,  /* stage, stage_number, error, message, survivors */
  PEXEC_EVENT_ENDED,    /* nothing of it is managed any more */
  PEXEC_EVENT_LOG,      /* level, data, length, missed */
  PEXEC_EVENT_SIGNAL,   /* signo; process is NULL */
  PEXEC_EVENT_WRITTEN,  /* ticket, error; length: bytes that the pipe took */
  PEXEC_EVENT_REOPENED, /* error, message */
  PEXEC_EVENT_RESTARTED,  /* error, message; pid where error is 0 */
  PEXEC_EVENT_GIVEN_UP, /* exit, where a child has ended; message: why */
  PEXEC_EVENT_PREPARE,  /* ticket: pexec_process_prepared is awaited */
  PEXEC_EVENT_SIGNALED, /* ticket, error */
  PEXEC_EVENT_TRANSITION,  /* change */
  PEXEC_EVENT_STOP_CALL /* ticket, stage_number: a CALL stage has begun; or
                           ticket 0: it is over. Tells what is, not what was:
                           one that was over before it was told of is not */
};

/* What it took to stop a process. */
#define PEXEC_STAGES(X) \
  X(NONE, "none") X(PROCESS, "process") X(GROUP, "group") X(KILL, "kill") \
  X(RUN, "run") X(CALL, "call")

enum pexec_stage {
#define X(name, text) PEXEC_STAGE_##name,
  PEXEC_STAGES(X)
#undef X
  PEXEC_STAGE_COUNT
};

PEXEC_API const char *pexec_stage_name (enum pexec_stage stage);

#define PEXEC_SURVIVORS_MAX 64

/* What becomes of a process: name, name for people. */
#define PEXEC_TRANSITIONS(X) \
  X(STARTED, "started") X(EXITED, "exited") X(RESTARTING, "restarting") \
  X(GIVEN_UP, "given_up") X(STOPPING, "stopping") X(STOPPED, "stopped") \
  X(OUTPUT_LOST, "output_lost")

enum pexec_transition {
#define X(name, text) PEXEC_TRANSITION_##name,
  PEXEC_TRANSITIONS(X)
#undef X
  PEXEC_TRANSITION_COUNT
};

PEXEC_API const char *pexec_transition_name (enum pexec_transition transition);

typedef struct pexec_change {
  enum pexec_transition transition;
  uint64_t missed;        /* so many were dropped before this one */
  int pid;                /* STARTED */
  uint64_t starts;        /* STARTED: successful ones, with this one */
  uint64_t attempt;       /* STARTED, RESTARTING: which start in a row, as in
                             the exit */
  int64_t delay_ns;       /* RESTARTING: until it comes */
  pexec_exit exit;        /* EXITED; GIVEN_UP, where a child has ended: else
                             its 'run' is 0 */
  const char *reason;     /* GIVEN_UP */
  enum pexec_request requested;   /* STOPPING: by a stop or a restart */
  enum pexec_stage stage;         /* STOPPED, for good */
  uint64_t lines;         /* OUTPUT_LOST: about one of these a second */
  enum pexec_stream stream;       /* OUTPUT_LOST */
} pexec_change;

/* From now on each of 'transitions' (a bit 1U << PEXEC_TRANSITION_... for
   each; 0: none) is a PEXEC_EVENT_TRANSITION. At most 256 of a process wait
   for the host, besides STOPPED and GIVEN_UP, which always find room; what
   comes then is dropped, and counted in the next one's 'missed'. Of a process
   that was not started yet, too. */
PEXEC_API int pexec_process_subscribe (pexec_process *process,
                                       unsigned transitions);

typedef struct pexec_event {
  size_t size;              /* set by the host: versions it */
  enum pexec_event_type type;
  pexec_process *process;   /* NULL where it concerns none */
  int error;                /* 0 or negative */
  const char *message;      /* NULL or for people */
  int pid;
  int asks;                 /* EXITED: pexec_process_decide is awaited */
  pexec_exit exit;
  enum pexec_stage stage;
  enum pexec_stream stream;
  enum pexec_level level;
  const char *data;         /* OUTPUT: lines, each ended by its newline, but
                               for a last line that has none at a death */
  size_t length;
  size_t lines;             /* OUTPUT: how many, for pexec_process_consumed */
  int is_partial;           /* OUTPUT: a piece; its line goes on in the next
                               event of this stream */
  int signo;
  uint64_t ticket;          /* WRITTEN, SIGNALED: what the order gave;
                               PREPARE: which start it is about */
  void *held;               /* pexec's */
  const pexec_change *change;  /* TRANSITION; else NULL */
  int stage_number;         /* which of the stop_sequence, 1 is the first; 0:
                               none, the usual ones, or SIGKILL after them */
  const int *survivors;     /* STOPPED: who was alive in its group: at the end
                               of a stop_sequence, when SIGKILL was sent; or
                               after it, where 'error' says so. NULL: nobody
                               was asked for, or can be told */
  size_t survivor_count;    /* of them, at most PEXEC_SURVIVORS_MAX */
  uint64_t missed;          /* LOG: so many before this one found no room, or
                               no memory: at most 256 of a process wait */
} pexec_event;

#define PEXEC_EVENT_INIT \
  { sizeof(pexec_event), PEXEC_EVENT_NONE, NULL, 0, NULL, 0, 0, \
    { 0, 0, 0, 0, 0, 0, PEXEC_BY_NOBODY, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, \
    PEXEC_STAGE_NONE, PEXEC_STDOUT, PEXEC_DEBUG, NULL, 0, 0, 0, 0, 0, NULL, \
    NULL, 0, NULL, 0, 0 }

/* Pulls the next event: 1, or 0 where none waits. -EINVAL where its 'size' is
   none that a version ever had. Events of one process come in the order in
   which they happened: STARTED before what that child wrote, and all that it
   wrote before EXITED, STOPPED and ENDED. So do transitions, each before the
   other event that tells the same. */
PEXEC_API int pexec_supervisor_next (pexec_supervisor *supervisor,
                                     pexec_event *event);
PEXEC_API void pexec_event_release (pexec_event *event);

#ifdef __cplusplus
}
#endif

#endif
