/*
** A host for specs on the fake seam: one supervisor and one process, through
** the public door alone, and all that was heard from them.
*/

#ifndef SPEC_FAKE_HOST_H
#define SPEC_FAKE_HOST_H

#include "fake.h"

#define HOST_CHANGES 512

extern struct host {
  pexec_supervisor *supervisor;  /* NULL: none */
  pexec_process *process;        /* NULL: none */
  pexec_config config;           /* of the process; before host_make */
  int decision;                  /* to each death that asks; -1: none */
  int64_t decision_ms;           /* its delay; -1: as configured */
  bool prepares;                 /* it answers what comes before a start: */
  const char *veto;              /* NULL: yes */
  /* heard; how often each, and what the last one said */
  int started, exited, stopped, ended, logs, outputs;
  int reopened, restarted, given_up;
  int asked;                     /* before starts */
  uint64_t preparation;          /* the last one */
  int start_error, stop_error, reopen_error, restart_error;
  char start_message[256], restart_message[256], give_up_message[512];
  int restart_pid;
  int written, write_error;      /* answers to writes */
  uint64_t ticket;
  size_t write_length;
  enum pexec_stage stage;
  pexec_exit exit;               /* of X and G */
  char log[8192];                /* messages, a line each */
  char text[4096];               /* of stdout */
  char order[256];               /* S started, O output, X exited, T stopped,
                                    E ended, W written, w the same, refused,
                                    R reopened, Y restarted, y not so,
                                    G given up, P asked before a start,
                                    N a signal sent, n not so; transitions:
                                    s started, x exited, r restarting, g given
                                    up, k stopping, t stopped, l output
                                    lost; C called, c the call is over */
  int signaled, signal_error;      /* answers to signals */
  int changes;                     /* transitions */
  pexec_change change[HOST_CHANGES];  /* the first of them */
  char reason[320];
  int calls;                     /* that began */
  uint64_t call_ticket;          /* what was told last; 0: none lasts */
  int stage_number;              /* of the last stop; of the last call */
  int call_number;
  int survivors[PEXEC_SURVIVORS_MAX];  /* of the last stop */
  int survivor_count;            /* -1: nobody was asked for */
  char stop_message[512];
  const char *lack;              /* as 'veto': it cannot be prepared */
} host;

/* A new world and a supervisor. */
void host_begin (const struct fake_program *programs, int program_count);
/* All that was heard, and the process, which is somebody else's then. */
void host_forget (void);
/* Closes, and fails where anything is left. */
void host_end (void);

/* These three fail the test where the door refuses. */
void host_make (void);             /* the process, from host.config */
void host_start (void);            /* makes it, if need be */
void host_start_for (int64_t timeout_ms);

/* Lets time pass, and pulls events as soon as there are any. */
void host_run (int64_t ns);
/* The same, until that many of host.ended, or the time is over. */
bool host_run_until (const int *count, int at_least, int64_t ns);
void host_pull (void);

pexec_snapshot host_snapshot (void);
enum pexec_state host_state (void);
int host_pid (void);

#endif
