/*
** Who is alive in a group, and in its cgroup, when it is killed, or in spite
** of that: told to whoever waits for the stop. One pass over /proc costs as
** much as there are processes, so that many who ask in a short time share one.
** The supervisor's thread.
*/

#include <stdarg.h>
#include <stdio.h>

#include "core.h"

#define FRESH_NS (20 * PEXEC__MS)  /* a pass serves all who ask so soon */
#define MOST_NAMED 8

/* {== the census: all that were alive at one moment ====================== */

static bool make_room (struct pexec__census *census) {
  size_t room = census->room > 0 ? census->room * 2 : 256;
  struct pexec__living *all;
  if (census->count < census->room)
    return true;
  all = pexec__realloc(census->all, room * sizeof *all);
  if (all == NULL)
    return false;
  census->all = all;
  census->room = room;
  return true;
}

static void count_one (void *argument, const struct pexec__living *one) {
  struct pexec__census *census = argument;
  if (make_room(census))
    census->all[census->count++] = *one;
}

/* False where it cannot be known. */
static bool take_census (struct pexec__census *census) {
  int64_t now_ns = pexec__now();
  if (census->taken_at_ns != 0 && now_ns - census->taken_at_ns < FRESH_NS)
    return true;
  census->count = 0;
  census->taken_at_ns = 0;
  if (pexec__each_living(count_one, census) < 0)
    return false;
  census->taken_at_ns = pexec__now();
  return true;
}

void pexec__census_close (struct pexec__census *census) {
  pexec__free(census->all);
  *census = (struct pexec__census){ 0 };
}

/* {== the report of one process ========================================== */

__attribute__((format(printf, 2, 3)))
static void append (struct pexec__report *report, const char *format, ...) {
  size_t room = sizeof report->text - report->length;
  va_list args;
  int length;
  va_start(args, format);
  length = vsnprintf(report->text + report->length, room, format, args);
  va_end(args);
  if (length > 0)
    report->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void add (struct pexec__report *report,
                 const struct pexec__living *one) {
  if (report->count < MOST_NAMED)
    append(report, "%s %d (%s)", report->count > 0 ? "," : ":", one->pid,
           one->name);
  if (report->count < PEXEC_SURVIVORS_MAX)
    report->pids[report->count] = one->pid;
  report->count++;
}

struct outsiders {
  struct pexec__report *report;
  int pgid;
};

/* A member of the cgroup; those of the group are told of already. */
static void add_outsider (void *argument, int pid) {
  struct outsiders *outsiders = argument;
  struct pexec__living one;
  if (pexec__living_at(pid, &one) == 0 && one.pgid != outsiders->pgid)
    add(outsiders->report, &one);
}

static void fill (struct pexec__report *report,
                  const struct pexec__census *census,
                  const pexec_process *process) {
  int pgid = process->child.pid;
  struct outsiders outsiders = { report, pgid };
  append(report, "%s", pexec_error_text(PEXEC_ESTOP_TIMEOUT));
  for (size_t i = 0; i < census->count; i++)
    if (census->all[i].pgid == pgid)
      add(report, &census->all[i]);
  if (process->cgroup != NULL)
    pexec__cgroup_each_member(process->cgroup, add_outsider, &outsiders);
  if (report->count > MOST_NAMED)
    append(report, " and %zu more", report->count - MOST_NAMED);
}

void pexec__survivors_forget (pexec_process *process) {
  pexec__free(process->report);
  process->report = NULL;
}

/* Without memory, or /proc, nobody is told of. */
void pexec__survivors_note (pexec_process *process) {
  struct pexec__census *census = &process->supervisor->census;
  pexec__survivors_forget(process);
  if (!take_census(census))
    return;
  process->report = pexec__calloc(1, sizeof *process->report);
  if (process->report != NULL)
    fill(process->report, census, process);
}

char *pexec__survivors_text (const pexec_process *process) {
  return process->report ? pexec__strdup(process->report->text) : NULL;
}
