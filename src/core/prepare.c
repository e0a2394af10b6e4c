/*
** All that a child needs and that may block to be had: its user, its files,
** its logs, its cgroup. An opener's thread, or the spawner's, before clone. It
** touches nothing but the job, and what that holds.
*/

#include <errno.h>

#include "spawner.h"

/* A FIFO is not for a child: it would wait for a reader. */
static int open_outputs (struct pexec__job *job) {
  int error = pexec__plan_open_outputs(&job->plan, job->config, job->host);
  job->found_fifo = (error == -ESPIPE);
  if (error < 0 && !job->found_fifo)
    return pexec__job_explain(job, PEXEC__STEP_LOG, error);
  return error;
}

static int open_log (struct pexec__job *job, struct pexec__opening *opening) {
  struct pexec__plan *plan = &job->plan;
  int error = pexec__opening_open(opening, &plan->is_unwanted,
                                  &plan->log_flaw);
  if (error >= 0)
    return 0;
  plan->log_path = pexec__opening_path(opening);
  return pexec__job_explain(job, PEXEC__STEP_LOG, error);
}

static int open_logs (struct pexec__job *job) {
  int error = 0;
  for (size_t i = 0; i < job->opening_count && error >= 0; i++)
    error = open_log(job, job->openings[i]);
  return error < 0 ? error : open_outputs(job);
}

static int find_identity (struct pexec__job *job) {
  struct pexec__identity *identity = &job->plan.identity;
  int error = pexec__identity_resolve(job->config->username,
                                      job->config->rights, identity);
  if (error >= 0)
    return 0;
  return pexec__job_explain(job, identity->wrong_group ? PEXEC__STEP_GROUP
                                                       : PEXEC__STEP_USER,
                            error);
}

static int take_cgroup (struct pexec__job *job) {
  struct pexec__cgroup_flaw *flaw = &job->plan.cgroup_flaw;
  int error = pexec__cgroup_take(&job->cgroup, job->config->cgroup, flaw);
  if (error < 0)
    return error;
  job->plan.cgroup_fd = job->cgroup->fd;
  error = pexec__cgroup_open_door(job->cgroup, flaw);
  job->plan.cgroup_door_fd = error < 0 ? 0 : error;
  return error;
}

/* Where a start is to be in none any more, the one before it is left. */
static int prepare_cgroup (struct pexec__job *job) {
  int error = 0;
  if (job->config->cgroup == NULL)
    pexec__job_leave_cgroup(job);
  else if (atomic_load(&job->plan.is_unwanted))
    error = -ECANCELED;
  else
    error = take_cgroup(job);
  return error < 0 ? pexec__job_explain(job, PEXEC__STEP_CGROUP, error) : 0;
}

int pexec__job_prepare (struct pexec__job *job) {
  int error = find_identity(job);
  if (error < 0)
    return error;
  error = pexec__plan_read_environment(&job->plan, job->config, job->host);
  if (error < 0)
    return pexec__job_explain(job, PEXEC__STEP_ENVIRONMENT, error);
  error = pexec__plan_make(&job->plan, job->config, job->host);
  if (error < 0)
    return pexec__job_explain(job, PEXEC__STEP_PREPARE, error);
  error = pexec__plan_open_input(&job->plan, job->config, job->host);
  if (error < 0)
    return pexec__job_explain(job, PEXEC__STEP_INPUT, error);
  error = open_logs(job);
  return error < 0 ? error : prepare_cgroup(job);
}

int pexec__job_equip (struct pexec__job *job) {
  int error = pexec__outlets_equip(job->process, &job->plan.log_path);
  return error < 0 ? pexec__job_explain(job, PEXEC__STEP_LOG, error) : 0;
}
