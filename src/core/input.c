/*
** What children read: their standard input, where that is a pipe. Each start
** gets a new one, so that no child reads what was meant for an earlier one;
** what is to be written waits here, and is written as the pipe takes it. The
** supervisor's thread, but for the lists' functions.
*/

#include <errno.h>

#include "core.h"

#define TURN 65536  /* bytes that are written at once: others have turns, too */
#define CALL 512    /* a call costs as much as so many bytes */

/* {== lists of what is to be written ===================================== */

void pexec__writes_append (struct pexec__writes *writes,
                           struct pexec__write *first) {
  *(writes->last ? &writes->last->next : &writes->first) = first;
  for (; first != NULL; first = first->next)
    writes->last = first;
}

struct pexec__write *pexec__writes_take (struct pexec__writes *writes) {
  struct pexec__write *write = writes->first;
  if (write == NULL)
    return NULL;
  if ((writes->first = write->next) == NULL)
    writes->last = NULL;
  write->next = NULL;
  return write;
}

/* {== the pipe =========================================================== */

static void close_fd (int *fd) {
  if (*fd >= 0)
    pexec__close(*fd);
  *fd = -1;
}

static void close_pipe (struct pexec__input *input) {
  pexec__watch_close(input->watch);
  input->watch = NULL;
  close_fd(&input->read_fd);
  close_fd(&input->write_fd);
}

static bool is_data (const pexec_process *process) {
  return process->config->input.source == PEXEC_FROM_DATA;
}

static bool is_running (const pexec_process *process) {
  return process->child.pid != 0 && !process->child.is_dead;
}

int pexec__input_absence (const pexec_process *process) {
  return process->starts == 0 ? PEXEC_ENOT_STARTED : PEXEC_EPROCESS_DONE;
}

/* {== writing ============================================================ */

/* What is to be written next; false where nothing is before the end. */
static bool find_next (const pexec_process *process, const char **data,
                       size_t *length) {
  const struct pexec__input *input = process->input;
  const struct pexec__write *write = input->waiting.first;
  if (is_data(process)) {
    *data = (const char *)process->config->input.data + input->at;
    *length = process->config->input.length - input->at;
    return *length > 0;
  }
  if (write == NULL || write->closes)
    return false;
  *data = write->data + write->taken;
  *length = write->length - write->taken;
  return true;
}

static void note_taken (pexec_process *process, size_t length) {
  struct pexec__write *write = process->input->waiting.first;
  process->input->at += length;
  if (write == NULL)
    return;
  write->taken += length;
  if (write->taken == write->length)
    pexec__news_written(process,
                        pexec__writes_take(&process->input->waiting), 0);
}

/* Writes until the pipe is full, nothing is left or the turn is over; what
   else has ended it is returned. */
static int write_some (pexec_process *process) {
  const char *data;
  size_t length, spent = 0;
  while (spent < TURN && find_next(process, &data, &length)) {
    ssize_t taken = 0;
    if (length > TURN - spent)
      length = TURN - spent;
    if (length > 0)
      taken = pexec__write(process->input->write_fd, data, length);
    if (taken < 0)
      return taken == -EAGAIN ? 0 : (int)taken;
    spent += (size_t)taken + CALL;
    note_taken(process, (size_t)taken);
  }
  return 0;
}

/* All is written that stands before the end. */
static bool is_at_end (const pexec_process *process) {
  const struct pexec__input *input = process->input;
  if (is_data(process))
    return input->at == process->config->input.length;
  return input->waiting.first != NULL && input->waiting.first->closes;
}

static void refuse (pexec_process *process, int error) {
  struct pexec__write *write;
  while ((write = pexec__writes_take(&process->input->waiting)) != NULL)
    pexec__news_written(process, write, error);
}

static void set_watch (pexec_process *process) {
  const struct pexec__input *input = process->input;
  if (is_data(process) || input->waiting.first != NULL)
    pexec__watch_resume(input->watch);
  else
    pexec__watch_pause(input->watch);
}

/* A child may have closed its end, and then takes nothing any more. */
static void write_on (pexec_process *process) {
  int error = write_some(process);
  if (error == 0 && !is_at_end(process)) {
    set_watch(process);
    return;
  }
  close_pipe(process->input);
  refuse(process, error < 0 ? error : -EPIPE);
}

/* While a start is under way, its outcome is awaited. */
static void go_on (pexec_process *process) {
  if (process->job != NULL)
    return;
  if (!is_running(process))
    refuse(process, pexec__input_absence(process));
  else if (process->input->write_fd < 0)
    refuse(process, -EPIPE);
  else
    write_on(process);
}

static void note_writable (void *owner) {
  write_on(owner);
}

/* {== a process's input ================================================== */

int pexec__input_make (pexec_process *process) {
  if (!is_data(process) && process->config->input.source != PEXEC_FROM_PIPE)
    return 0;
  if ((process->input = pexec__calloc(1, sizeof *process->input)) == NULL)
    return -ENOMEM;
  process->input->read_fd = process->input->write_fd = -1;
  return 0;
}

int pexec__input_open (pexec_process *process) {
  struct pexec__input *input = process->input;
  int fds[2] = { -1, -1 };
  int error;
  if (input == NULL)
    return 0;
  error = pexec__input_pipe(fds);
  input->read_fd = fds[0];
  input->write_fd = fds[1];
  input->at = 0;
  if (error >= 0)
    error = pexec__watch_open_writable(process->supervisor->loop, fds[1],
                                       note_writable, process, &input->watch);
  if (error < 0)
    close_pipe(input);
  return error;
}

int pexec__input_fd (const pexec_process *process) {
  if (process->config->input.source == PEXEC_FROM_HOST)
    return 0;
  return process->input != NULL ? process->input->read_fd
                                : process->supervisor->null_fd;
}

void pexec__input_begin (pexec_process *process) {
  if (process->input == NULL)
    return;
  close_fd(&process->input->read_fd);
  go_on(process);
}

void pexec__input_end (pexec_process *process) {
  if (process->input == NULL)
    return;
  close_pipe(process->input);
  refuse(process, process->child.pid != 0 ? -EPIPE
                                          : pexec__input_absence(process));
}

void pexec__input_take (pexec_process *process) {
  struct pexec__mailbox *outbox = &process->supervisor->outbox;
  struct pexec__writes given;
  pexec__mailbox_lock(outbox);
  given = process->input->given;
  process->input->given = (struct pexec__writes){ NULL, NULL };
  pexec__mailbox_unlock(outbox);
  pexec__writes_append(&process->input->waiting, given.first);
  go_on(process);
}

/* Only what could not be killed has left anything; what was given has been
   taken, as the last orders are before the loop ends. */
void pexec__input_close (pexec_process *process) {
  struct pexec__write *write;
  if (process->input == NULL)
    return;
  close_pipe(process->input);
  while ((write = pexec__writes_take(&process->input->waiting)) != NULL)
    pexec__free(write);
}
