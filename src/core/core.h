/*
** The core's own structures, and who may touch which of their fields. Two
** threads meet here: the host's (door*.c) and the supervisor's (all else).
*/

#ifndef PEXEC_CORE_CORE_H
#define PEXEC_CORE_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"
#include "chunk.h"
#include "config.h"
#include "host.h"
#include "loop.h"
#include "machine.h"
#include "mailbox.h"
#include "outlet.h"
#include "pace.h"
#include "pexec.h"
#include "restart.h"
#include "sys.h"
#include "tail.h"
#include "writer.h"

#define PEXEC__LOG_EVENTS_MAX 256     /* messages of one process that wait */
#define PEXEC__EVENTS_MAX 4096        /* events of its output, the same */
#define PEXEC__TRANSITIONS_MAX 256    /* of its transitions, the same */

/* The structure that this letter stands in. */
#define PEXEC__HOLDER(letter_, type, field) \
  ((type *)(void *)((char *)(letter_) - offsetof(type, field)))

/* {== letters to the host =============================================== */

/* Those that always find room, since their letters stand in the process, each
   with PEXEC__MARK as its mark. All but the first three wait until the
   output before them is written, and come in this order. */
enum pexec__news {
  PEXEC__NEWS_STARTED, PEXEC__NEWS_RESTARTED, PEXEC__NEWS_STOP_CALL,
  PEXEC__NEWS_REOPENED, PEXEC__NEWS_EXITED, PEXEC__NEWS_PREPARE,
  PEXEC__NEWS_STOPPED,
  PEXEC__NEWS_GIVEN_UP, PEXEC__NEWS_ENDED, PEXEC__NEWS_COUNT
};

#define PEXEC__MARK(news) ((unsigned char)((news) + 1))

/* What a start or a restart has come to. */
struct pexec__answer {
  int error;
  int pid;
  char *message;              /* owned until the event takes it; or NULL */
};

/* Who was alive in a group. */
struct pexec__report {
  size_t count;               /* of them; not all of them may be here: */
  int pids[PEXEC_SURVIVORS_MAX];
  size_t length;
  char text[512];             /* that they survive, and who; ends in 0 */
};

/* Every other letter to the host begins with this, and has no mark. */
struct pexec__notice {
  struct pexec__letter letter;
  enum pexec_event_type type;
  pexec_process *process;     /* NULL for a signal */
};

/* A part of the output, or one message; allocated, freed by its reader. */
struct pexec__parcel {
  struct pexec__notice notice;
  struct pexec__view view;    /* of output, its chunk held; else all 0 */
  enum pexec_level level;
  size_t length;              /* of a message */
  uint64_t missed;            /* messages before it */
  char data[];
};

/* What the host wants written to a child's stdin, or that it be closed;
   allocated, and then, as the answer, freed by its reader. */
struct pexec__write {
  struct pexec__notice notice;
  struct pexec__write *next;  /* in its list */
  uint64_t ticket;
  bool closes;                /* has no data, and no answer */
  int error;                  /* 0 or negative: the answer */
  size_t length, taken;       /* bytes; that the pipe has taken */
  char data[];
};

struct pexec__writes {
  struct pexec__write *first, *last;  /* NULL: empty */
};

/* A signal that the host wants sent; allocated, and then, as the answer, freed
   by its reader. */
struct pexec__sending {
  struct pexec__notice notice;
  struct pexec__sending *next;  /* in its list */
  uint64_t ticket;
  int signo;
  bool is_to_group;
  int error;                  /* 0 or negative: the answer */
};

struct pexec__sendings {
  struct pexec__sending *first, *last;  /* NULL: empty */
};

/* What somebody has subscribed to; allocated, freed by its reader. */
struct pexec__transition {
  struct pexec__notice notice;
  struct pexec__transition *next;  /* in its list */
  pexec_change change;
  char reason[];              /* or nothing */
};

struct pexec__transitions {
  struct pexec__transition *first, *last;  /* NULL: empty */
};

/* Drops what it holds. */
void pexec__parcel_free (struct pexec__parcel *parcel);

/* {== one process ======================================================= */

/* The child that lives, or the last one, until its group is settled. */
struct pexec__child {
  int pid;                    /* 0: none yet */
  int pidfd;                  /* -1: none */
  struct pexec__watch *watch; /* of pidfd; NULL: its end is known */
  bool is_dead;               /* its leader is */
  bool is_reaped;             /* and its number may be anybody's */
  bool is_told_of;            /* its death is in the log */
  bool is_reported;           /* it was a transition */
  int64_t started_at_ns;
  int64_t started_wall_ns;
  int64_t host_rss;           /* the host's peak by then, bytes */
  int64_t ended_at_ns;        /* meaningful once it is dead */
  struct pexec__status status;
};

/* While a pipe is lent to a writer (lending.c), that has the stream's flow,
   rest and reading end, and these. */
struct pexec__loan {
  struct pexec__sink *sink;   /* whose writer it is; NULL: it is not lent */
  int pid;                    /* of the child that writes; */
  uint64_t run;               /* and which one that is */
};

/* The reading end of one of its streams. One pipe serves a process for life:
   what its children wrote stays in order, and what a grandchild writes later
   still arrives. */
struct pexec__stream {
  pexec_process *process;
  enum pexec_stream number;
  bool has_events;
  int read_fd, write_fd;      /* -1: not open */
  struct pexec__watch *watch; /* not paused while none of these is true: */
  bool is_paused;             /* until the host has consumed */
  bool is_blocked;            /* until a sink has room */
  bool is_held;               /* until the start under way is answered */
  bool is_resting;            /* for a moment: it is in the list of those */
  bool is_short;              /* there was no memory to read into */
  bool more_follows;          /* while it is read: more is to come soon */
  struct pexec__stream *next_resting;
  struct pexec__flow flow;
  char *rest;                 /* start of a line whose end is to come */
  size_t rest_length;
  bool is_in_pieces;          /* a piece of that line has gone out */
  struct pexec__loan loan;
  uint64_t full_wake;         /* the last one of supervisor->full_wakes */
};

/* The writing end of its stdin, where that is a pipe. A new one serves each
   start: what is left in the old one is dropped. */
struct pexec__input {
  int read_fd;                /* the child's, until it has it; -1: not open */
  int write_fd;               /* -1: not open */
  struct pexec__watch *watch; /* of write_fd; paused while nothing waits */
  size_t at;                  /* bytes that it has taken */
  struct pexec__writes waiting;
  /* under the lock of the supervisor's outbox */
  struct pexec__writes given; /* that the supervisor has not taken yet */
};

/* What is known of it at any moment. Times are on pexec__now's clock. */
struct pexec__known {
  enum pexec_state state;
  bool is_wanted;
  int pid;                    /* 0: none lives */
  int64_t since_ns;           /* CLOCK_REALTIME of this state's beginning */
  uint64_t starts;
  int64_t started_at_ns;      /* the last child was */
  uint64_t failures;          /* in a row */
  int64_t restart_at_ns;      /* 0: none is waited for */
};

enum pexec__order {
  PEXEC__ORDER_START = 1, PEXEC__ORDER_CANCEL = 2, PEXEC__ORDER_DECIDE = 4,
  PEXEC__ORDER_RESTART = 8, PEXEC__ORDER_STOP = 16, PEXEC__ORDER_KILL = 32,
  PEXEC__ORDER_RESUME = 64, PEXEC__ORDER_RELEASE = 128,
  PEXEC__ORDER_WRITE = 256, PEXEC__ORDER_REOPEN = 512,
  PEXEC__ORDER_CONFIGURE = 1024, PEXEC__ORDER_PREPARED = 2048,
  PEXEC__ORDER_SIGNAL = 4096, PEXEC__ORDER_ADVANCE = 8192
};

/* What starts take of another configuration. Owned; NULL: nothing. */
struct pexec__changes {
  struct pexec__config *once; /* the next one alone */
  struct pexec__config *kept; /* all that follow */
};

/* What the host says to a death. */
struct pexec__verdict {
  uint64_t run;               /* of which child's */
  enum pexec_decision decision;
  int64_t delay_ns;           /* -1: as the policy says */
};

/* What the host has ordered since the last look. */
struct pexec__orders {
  unsigned set;               /* of enum pexec__order */
  int reason;                 /* of ORDER_CANCEL */
  int64_t deadline_ns;        /* of ORDER_START; 0: none */
  struct pexec__verdict verdict;  /* of ORDER_DECIDE */
  struct pexec__changes changes;  /* of ORDER_CONFIGURE */
  uint64_t preparation;       /* of ORDER_PREPARED: which one */
  char *refusal;              /* the same: why not; owned; NULL: it goes on */
  uint64_t ticket;            /* of ORDER_ADVANCE */
  bool is_veto;               /* of that refusal; else the start fails */
};

struct pexec_process {
  /* immutable */
  pexec_supervisor *supervisor;
  struct pexec__config *config;
  struct pexec__ledger *ledger;  /* held; NULL: nothing is written of it */
  struct pexec__input *input; /* NULL: its stdin is no pipe; what is in it is
                                 the supervisor's thread's */

  /* the host's thread only */
  bool is_active;             /* started, and its end not pulled yet */
  bool is_final;              /* a stop or kill was ordered */
  uint64_t tickets;           /* of writes and signals, given out */

  /* the host's thread sets it, before the first order; then immutable */
  struct pexec__host *host;   /* NULL: never started */

  /* under the lock of the supervisor's inbox */
  struct pexec__letter letter;
  struct pexec__orders orders;

  /* under the lock of the supervisor's outbox */
  struct pexec__letter news[PEXEC__NEWS_COUNT];
  struct pexec__answer start, restart;
  char *give_up_message;      /* as those of the answers */
  pexec_exit exit;            /* the last one, where has_exited */
  uint64_t preparations;      /* how often the host was asked */
  pexec_exit *history;        /* a ring of PEXEC_HISTORY_MAX; NULL: none */
  uint64_t records;           /* that ever went into it */
  enum pexec_stage stop_stage;
  int stop_error;
  int stop_number;            /* of the stage; 0: none of a sequence */
  struct pexec__report *stop_report;  /* as those of the answers */
  uint64_t call_ticket;       /* of the CALL stage that lasts; 0: none does;
                                 the supervisor's thread alone writes it */
  int call_number;            /* of that stage */
  int reopen_error;
  char *reopen_path;          /* of what; as start_message */
  struct pexec__tail tail;
  int log_events;             /* that wait */
  uint64_t log_missed;        /* that found no room since the last one did */
  bool is_silent;             /* the host has let go: it hears nothing */
  bool has_exited;            /* one of its children has */
  struct pexec__known known;
  struct pexec__sendings to_send;  /* that the supervisor has not taken yet */
  int transitions;            /* that wait, delayed ones too */
  uint64_t missed;            /* dropped since the last that was not */
  uint64_t drops_told[2];     /* of stdout, of stderr: as OUTPUT_LOST */

  /* both, atomically */
  atomic_size_t queued_bytes; /* of output, not consumed by the host yet */
  atomic_size_t queued_lines;
  atomic_bool is_starved;     /* a stream waits until the host consumes */
  atomic_uint subscribed;     /* the host to these transitions: a bit each */

  /* the supervisor's thread only */
  pexec_process *next, **place;  /* in its list; place NULL: not there */
  pexec_process *next_waiting;   /* in group.c's list */
  int64_t waiting_until_ns;      /* 0: for ever */
  bool is_waiting;               /* in that list */
  bool is_group_doubtful;        /* not surely empty, at the last look */
  bool is_group_alive;           /* a member is alive, at the last look */
  enum pexec__phase phase;
  bool is_released;           /* the host has no handle any more */
  bool is_restart;            /* the start under way is one */
  bool has_restart_waiter;    /* the host waits for RESTARTED */
  bool is_halted;             /* a stop came while it was under way */
  bool holds_up_closing;
  bool has_seen_others;       /* the leader has gone, and others are left */
  bool is_cut_short;          /* its stage is over before its time */
  bool is_cleared;            /* only what its stop ran is left */
  struct pexec__child child;
  struct pexec__timer *timer; /* the phase says what for */
  struct pexec__stream *streams;  /* two; NULL: no output is read */
  struct pexec__outlet *outlets;  /* NULL: none */
  size_t outlet_count;
  bool has_outlets;               /* all of them */
  bool has_fifo;                  /* a file for the child is one: is not */
  bool is_flushing;               /* news waits: it is in the list of those */
  unsigned delayed_news;          /* a bit for each */
  int64_t flush_until_ns;         /* not longer */
  pexec_process *next_flushing;
  struct pexec__job *job;     /* at the spawner; NULL: none */
  int umask;                  /* of the host at the first start; -1 */
  int cancel_reason;          /* 0: not cancelled */
  int64_t deadline_ns;        /* of a one-shot; 0: none */
  int64_t attempted_at_ns;    /* when the last start was tried */
  int64_t ended_at_ns;        /* when its child died, or it failed */
  int64_t delay_ns;           /* the host's, of the restart to come; -1 */
  int64_t restart_at_ns;      /* when that comes; 0: none is waited for */
  int64_t since_ns;           /* CLOCK_REALTIME of this state's beginning */
  struct pexec__past past;
  struct pexec__changes changes;  /* of the configuration */
  uint64_t starts;
  uint64_t lost_lines;        /* of output events: no memory, no room where
                                 they are dropped, or no host any more */
  uint64_t lost_told;         /* of these */
  char *failure_message;      /* owned; or NULL */
  int failure;                /* of the last attempt; 0 or negative */
  bool has_stop_waiter;       /* the host waits for STOPPED */
  bool has_given_up;          /* STOP_TIMEOUT was answered */
  bool owes_end;              /* a start was accepted, ENDED not posted yet */
  enum pexec_stage stage;     /* of the stop under way */
  int64_t stop_began_at_ns;
  int64_t halted_until_ns;    /* what was being made was killed, and is to be
                                 gone by then; 0: it was not */
  struct pexec__transitions delayed;  /* behind 'delayed_news' */
  bool has_told_stopping;     /* of the stop under way */
  bool has_told_stopped;      /* it is final; of one that was never started
                                 the host's thread says so */
  int stage_number;           /* of 'stage'; 0: none of a sequence */
  struct pexec__course course;
  struct pexec__report *report;   /* owned; NULL: none */
  uint64_t calls;             /* CALL stages, ever */
  pexec_process **programs;   /* one for each stage, NULL for those that run
                                 none; NULL: no stage does */
  pexec_process *program;     /* of the stage that lasts; NULL: none */
  pexec_process *owner;       /* of a stop program: whom it stops, and which */
  size_t number;              /* of his programs it is; else NULL */
  struct pexec__cgroup *cgroup;   /* held; of its child, and while somebody is
                                 left in it; or NULL. Written under the
                                 outbox's lock, under which the host reads */
};

/* {== the supervisor ==================================================== */

/* Who was alive, of all processes that there are. */
struct pexec__census {
  struct pexec__living *all;
  size_t count, room;
  int64_t taken_at_ns;        /* 0: it is not there */
};

struct pexec_supervisor {
  /* the host's thread only */
  struct pexec__host *host;   /* the last one taken; NULL: none */
  pthread_t thread;

  /* changed by the host's thread while no other runs */
  bool is_open;               /* the threads and descriptors below are there */

  /* immutable once open */
  int owner_pid;              /* in another process: a forked copy */
  bool is_basic_kernel;
  int event_fd;
  int null_fd;                /* /dev/null */
  struct pexec__loop *loop;
  struct pexec__spawner *spawner;

  struct pexec__mailbox inbox;   /* processes with orders, and: */
  bool is_closing_ordered;       /* under its lock */
  int64_t alarm_due_ns;          /* the same; -1: disarm */
  bool is_alarm_ordered;         /* the same */
  struct pexec__mailbox outbox;  /* notices */
  struct pexec__mailbox words;   /* sinks with something to say */
  struct pexec__pool *pool;      /* of chunks; held */
  struct pexec__writers *writers;  /* NULL: closed already */

  /* the supervisor's thread only */
  pexec_process *processes;   /* those that were ever ordered anything */
  pexec_process *waiting;     /* whose group is being waited for */
  struct pexec__timer *group_timer;
  int64_t group_wait_ns;      /* to the next look */
  struct pexec__timer *alarm;
  struct pexec__timer *closing_timer;
  bool is_closing;
  size_t closing_left;        /* processes that hold it up */
  struct pexec__sink *sinks;  /* that processes have, and that are closing */
  pexec_process *flushing;    /* whose news waits for sinks */
  struct pexec__timer *outlet_timer;
  struct pexec__stream *resting;  /* streams that are left alone a moment */
  struct pexec__timer *rest_timer;
  bool has_rest;              /* it is armed */
  struct pexec__timer *loss_timer;
  bool watches_losses;        /* it is armed */
  struct pexec__census census;
  size_t lent;                /* pipes */
  uint64_t full_wakes;        /* times that one has brought much, ever */
};

/* {== supervisor.c ====================================================== */

/* Makes what a first start needs, if it is not there. The host's thread. */
int pexec__supervisor_open (pexec_supervisor *supervisor);
/* Stops everything, ends the threads, frees the processes. */
void pexec__supervisor_shut (pexec_supervisor *supervisor);
/* Tells the supervisor's thread that the inbox is not empty. Any thread. */
void pexec__supervisor_wake (pexec_supervisor *supervisor);
/* Makes the host's descriptor readable. Any thread. */
void pexec__supervisor_ring (pexec_supervisor *supervisor);
/* Something has happened to it: it may have come to rest. May free it. */
void pexec__supervisor_settle (pexec_process *process);
/* One that no other thread knows. */
void pexec__process_free (pexec_process *process);

/* {== door.c ============================================================= */

/* A forked copy has none of the threads, and locks that nobody will open. */
bool pexec__is_forked (const pexec_supervisor *supervisor);
/* When that is over; a time that does not fit never comes. */
int64_t pexec__door_due_in (int64_t delay_ms);
/* Output that waits for the host may be read on, if it was held up. */
void pexec__door_resume (pexec_process *process);
/* As pexec_process_new, without stop programs. */
int pexec__process_make (pexec_supervisor *supervisor,
                         const pexec_config *config, pexec_process **process);

/* {== process.c: the machine's actions =================================== */

/* Takes what they own. */
void pexec__process_obey (pexec_process *process,
                          struct pexec__orders *orders);

void pexec__process_feed (pexec_process *process, enum pexec__event event);
/* Its child is dead, and nobody has ordered that. */
void pexec__process_died (pexec_process *process);
/* The spawner's answer, in process->job. */
void pexec__process_spawned (pexec_process *process);
/* The start under way cannot be made; takes the message. */
void pexec__process_fail_start (pexec_process *process, int error,
                                char *message);
/* Where the host waits for that; takes the message. */
void pexec__process_answer_restart (pexec_process *process, int error,
                                    char *message);
void pexec__process_timer_due (void *owner);  /* a process */
bool pexec__process_is_at_rest (const pexec_process *process);

/* Nothing of it is managed any more: says so. */
void pexec__process_end (pexec_process *process);

/* {== death.c: what follows a death ====================================== */

void pexec__death_ask (pexec_process *process);
void pexec__death_overrule (pexec_process *process);
void pexec__death_clear (pexec_process *process);
void pexec__death_delay (pexec_process *process);
void pexec__death_retry (pexec_process *process);
void pexec__death_give_up (pexec_process *process);
/* The host has answered. */
void pexec__death_decided (pexec_process *process,
                           const struct pexec__verdict *verdict);
/* The host has let go: it answers nothing any more. */
void pexec__death_release (pexec_process *process);
/* A restart could not be made. */
void pexec__death_respawn_failed (pexec_process *process);

/* {== preparing.c: the host before a start =============================== */

void pexec__preparing_begin (pexec_process *process);
/* What the start under way takes. */
struct pexec__config *pexec__preparing_config (const pexec_process *process);
/* That start is answered: what was for it alone is over. */
void pexec__preparing_end (pexec_process *process);
/* These three take what they are given. */
void pexec__preparing_configure (pexec_process *process,
                                 struct pexec__changes *changes);
void pexec__preparing_answer (pexec_process *process,
                              struct pexec__orders *orders);
void pexec__changes_free (struct pexec__changes *changes);
/* The host has let go: it answers nothing any more. */
void pexec__preparing_release (pexec_process *process);
/* Its time is over. */
void pexec__preparing_go_on (pexec_process *process);

/* {== record.c: how children have ended ================================== */

/* The child is dead. */
void pexec__record_exit (pexec_process *process);

/* {== stop.c: the stages of a stop ====================================== */

void pexec__stop_begin (pexec_process *process);
void pexec__stop_kill (pexec_process *process);
void pexec__stop_next_stage (pexec_process *process);
void pexec__stop_leader_left (pexec_process *process);
void pexec__stop_others_left (pexec_process *process);
void pexec__stop_join (pexec_process *process);
/* Its group is gone, or was waited for long enough. */
void pexec__stop_cleared (pexec_process *process);
/* The stage that lasts is over at once. */
void pexec__stop_cut_short (pexec_process *process);
/* The host has answered the call of this ticket. */
void pexec__stop_advance (pexec_process *process, uint64_t ticket);
/* The host has let go: it answers no call any more. */
void pexec__stop_release (pexec_process *process);

/* {== programs.c: stages that run one ==================================== */

/* Those of its configuration; where it fails, some may be there. The host's
   thread. */
int pexec__programs_make (pexec_process *owner, const pexec_config *config);
/* The next one from *number on, or NULL; *number is then behind it. */
pexec_process *pexec__program_next (const pexec_process *owner,
                                    size_t *number);
/* Runs that of a stage; kills that of the one that is over. */
void pexec__program_begin (pexec_process *owner, size_t number);
void pexec__program_end (pexec_process *owner);
bool pexec__programs_are_running (const pexec_process *owner);
/* What becomes of one that has an owner: it asks; it is at rest; its output,
   where that goes to the host. */
void pexec__program_died (pexec_process *program);
void pexec__program_rests (pexec_process *program);
void pexec__program_said (pexec_process *program,
                          const struct pexec__view *view);

/* {== survivors.c: who is alive in a group =============================== */

/* Into process->report. */
void pexec__survivors_note (pexec_process *process);
void pexec__survivors_forget (pexec_process *process);
/* Who it is that survives, for people; to be freed; NULL: not known. */
char *pexec__survivors_text (const pexec_process *process);
void pexec__census_close (struct pexec__census *census);

/* {== exit.c: learning of an end ======================================== */

/* Watches the child's pidfd; 0 or what the loop says. */
int pexec__exit_watch (pexec_process *process);
/* Looks now; true where the leader is dead (child.status says how). */
bool pexec__exit_look (pexec_process *process);
/* Gives the number back: from here on it may be anybody's. */
void pexec__exit_reap (pexec_process *process);
/* Ends one that nobody will own, waits for that, and closes its descriptor.
   Any thread. */
void pexec__exit_discard (int pidfd);
/* Forgets the child and its descriptor. */
void pexec__exit_forget (pexec_process *process);

/* {== group.c: what is left of a child's group =========================== */

/* To the process alone; to it and its group. Never to a stranger: -ESRCH. */
int pexec__group_signal_leader (pexec_process *process, int signo);
int pexec__group_signal (pexec_process *process, int signo);
/* To its group and all others in its cgroup; the second SIGKILL. */
int pexec__group_signal_all (pexec_process *process, int signo);
void pexec__group_kill (pexec_process *process);
/* A child was born in this one, or NULL, which is taken. */
void pexec__group_confine (pexec_process *process,
                           struct pexec__cgroup *cgroup);
/* No child will follow: what was made for it is removed, if nobody is left in
   it. The second lets go of it in any case. */
void pexec__group_disband (pexec_process *process);
void pexec__group_forsake (pexec_process *process);
/* Feeds CLEARED once no member is alive, or at 'until_ns' (0: never). At
   once where there is none. */
void pexec__group_await (pexec_process *process, int64_t until_ns);
void pexec__group_forget (pexec_process *process);
void pexec__group_timer_due (void *owner);  /* a supervisor */

/* {== output.c =========================================================== */

/* Opens what the configuration wants read; 0 or -errno. */
int pexec__output_open (pexec_process *process);
/* Is there somebody to take what is in it? */
bool pexec__output_may_read (const struct pexec__stream *stream);
/* Watches it, or not, as its state says. */
void pexec__output_set_watch (struct pexec__stream *stream);
/* Its pipe, to what its flow, or being lent, wants. */
void pexec__output_enlarge (struct pexec__stream *stream, bool is_lent);
/* What its children get for stream 0, stdout, or 1, stderr. */
enum pexec__route pexec__output_route (const pexec_process *process, int i);
/* Holds back what comes while a start is under way: its answer is first. */
void pexec__output_hold (pexec_process *process, bool is_held);
/* Where the child is to write (0 stdout, 1 stderr); -1: to a file that is
   opened for it. */
int pexec__output_fd (const pexec_process *process, int stream);
/* Delivers all that was written before now, then a line without an end. May
   exceed the bounds of what waits, by a pipe; but where sinks hold much more
   than they are to, it stays in the pipe. */
void pexec__output_drain (pexec_process *process);
/* Delivers what was written before now, as far as nobody is waited for. */
void pexec__output_catch_up (pexec_process *process);
/* Somebody has yet to take, and the pipe is left alone meanwhile. */
bool pexec__output_is_starved (const pexec_process *process);
/* The host has consumed: reads on. */
void pexec__output_resume (pexec_process *process);
/* The sinks of this stream are full, or are not any more. */
void pexec__output_block (struct pexec__stream *stream, bool is_blocked);
/* No child will follow: reads on until the last writer has gone. */
void pexec__output_end (pexec_process *process);
void pexec__output_close (pexec_process *process);
void pexec__output_timer_due (void *owner);  /* a supervisor */

/* {== lines.c ============================================================ */

/* Reads once into a chunk of this pool, and delivers what came: as
   pexec__read; -ENOMEM. The one thread whose the stream is. */
ssize_t pexec__lines_read (struct pexec__stream *stream,
                           struct pexec__pool *pool, size_t most);
/* A last line that has no end; or the end of one that went out in pieces. */
void pexec__lines_flush (struct pexec__stream *stream);
void pexec__lines_drop_rest (struct pexec__stream *stream);
/* That is over; the log hears how many were lost. */
void pexec__lines_tell_drops (pexec_process *process);

/* {== lending.c ========================================================== */

/* It has brought so much: lends it, where that is better. */
void pexec__lending_consider (struct pexec__stream *stream, size_t size);
/* From here on nobody else reads it. Waits for a read, never for a disk. */
void pexec__lending_take_back (struct pexec__stream *stream);
/* A word has come of this sink: its writer has given back, perhaps. */
void pexec__lending_heed (struct pexec__sink *sink);
/* Looks after a writer; when it is to do so again, or INT64_MAX. */
int64_t pexec__lending_look (struct pexec__sink *sink, int64_t now_ns);

/* {== input.c ============================================================ */

/* Where its children read a pipe: what that needs. 0, -ENOMEM. The host's
   thread, before there is another. */
int pexec__input_make (pexec_process *process);
/* Opens what the child is to read, where that is a pipe; 0 or -errno. */
int pexec__input_open (pexec_process *process);
/* Where it is to read; where that is a file, the plan opens it. */
int pexec__input_fd (const pexec_process *process);
/* The child has been executed: writes what waits. */
void pexec__input_begin (pexec_process *process);
/* It is dead, or could not be made: refuses what waits. */
void pexec__input_end (pexec_process *process);
/* The host has given something to write. */
void pexec__input_take (pexec_process *process);
/* Why nothing can be written while nothing runs. */
int pexec__input_absence (const pexec_process *process);
void pexec__input_close (pexec_process *process);

/* Any thread that has the list. */
void pexec__writes_append (struct pexec__writes *writes,
                           struct pexec__write *first);
struct pexec__write *pexec__writes_take (struct pexec__writes *writes);

/* {== sending.c: signals that the host orders ============================ */

/* The host has ordered some. */
void pexec__sending_take (pexec_process *process);
/* Answers those that were not taken, before the end. With the outbox
   locked. */
void pexec__sending_refuse (pexec_process *process);
/* With the outbox locked. */
void pexec__sending_append (struct pexec__sendings *list,
                            struct pexec__sending *sending);

/* {== transitions.c: what becomes of a process =========================== */

bool pexec__transition_is_heard (const pexec_process *process,
                                 enum pexec_transition transition);
/* Each where it has happened, ahead of the news that tell the same. */
void pexec__transition_started (pexec_process *process);
/* Once for each child, with all that it wrote before. */
void pexec__transition_exited (pexec_process *process);
void pexec__transition_restarting (pexec_process *process, int64_t delay_ns);
void pexec__transition_given_up (pexec_process *process, const char *reason);
/* Once for each stop. */
void pexec__transition_stopping (pexec_process *process);
/* Once. Of one that was never started the host's thread. */
void pexec__transition_stopped (pexec_process *process);
void pexec__transition_output_lost (pexec_process *process,
                                    enum pexec_stream stream, uint64_t lines);
/* Posts those that have waited for the sinks. Nothing is freed while some
   do. */
void pexec__transitions_release (pexec_process *process);

/* {== losses.c: lines that somebody did not get ========================== */

/* Some may be lost now, or soon. */
void pexec__losses_watch (pexec_process *process);
/* Tells what was lost since the last time. */
void pexec__losses_tell (pexec_process *process);
void pexec__losses_timer_due (void *owner);  /* a supervisor */

/* {== news.c: to the host, and to the log ================================ */

/* With the outbox locked. False where the host has let go: it is not taken. */
bool pexec__news_put (pexec_process *process, struct pexec__notice *notice);
void pexec__news_post (pexec_process *process, enum pexec__news news);
/* Whom a letter to the host is about; NULL: nobody. */
pexec_process *pexec__news_process (struct pexec__letter *letter);
/* These two take the message. */
void pexec__news_started (pexec_process *process, int error, char *message);
void pexec__news_restarted (pexec_process *process, int error, char *message);
void pexec__news_given_up (pexec_process *process, const char *message);
void pexec__news_stopped (pexec_process *process, int error);
/* False for want of memory. */
bool pexec__news_output (pexec_process *process,
                         const struct pexec__view *view);
void pexec__news_reopened (pexec_process *process);
/* A CALL stage has begun; 0: it is over. */
void pexec__news_call (pexec_process *process, uint64_t ticket);
/* A line for a logger of the host's. */
void pexec__news_message (pexec_process *process, enum pexec_level level,
                          const char *text, size_t length);
/* Posts what has waited for the sinks. */
void pexec__news_release (pexec_process *process);
/* Answers it, or frees it where there is nobody to answer. */
void pexec__news_written (pexec_process *process, struct pexec__write *write,
                          int error);
void pexec__news_snapshot (pexec_process *process);
/* Drops all that waits for the host about this process, and whatever would
   follow. Any thread. */
void pexec__news_silence (pexec_process *process);

__attribute__((format(printf, 3, 4)))
void pexec__log (pexec_process *process, enum pexec_level level,
                 const char *format, ...);

#endif
