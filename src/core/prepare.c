/*
** All that a child needs and that may block to be had: its user, its files,
** its logs. The spawner's thread, before clone.
*/

#include <errno.h>

#include "spawner.h"

int pexec__job_explain (struct pexec__job *job, enum pexec__spawn_step step,
                        int error) {
  job->message = pexec__plan_failure(&job->plan, job->process->config, step,
                                     error);
  return error;
}

/* A FIFO is not for a child: it would wait for a reader. */
static int open_outputs (struct pexec__job *job) {
  int error = pexec__plan_open_outputs(&job->plan, job->process->config,
                                       job->process->host);
  job->found_fifo = (error == -ESPIPE);
  if (error < 0 && !job->found_fifo)
    return pexec__job_explain(job, PEXEC__STEP_LOG, error);
  return error;
}

static int open_logs (struct pexec__job *job) {
  int error = pexec__outlets_open(job->process, &job->plan.log_path,
                                  &job->plan.log_flaw);
  if (error < 0)
    return pexec__job_explain(job, PEXEC__STEP_LOG, error);
  return open_outputs(job);
}

int pexec__job_prepare (struct pexec__job *job) {
  const struct pexec__config *config = job->process->config;
  const struct pexec__host *host = job->process->host;
  int error = pexec__identity_resolve(config->username, &job->plan.identity);
  if (error < 0)
    return pexec__job_explain(job, PEXEC__STEP_USER, error);
  if ((error = pexec__plan_make(&job->plan, config, host)) < 0)
    return pexec__job_explain(job, PEXEC__STEP_PREPARE, error);
  if ((error = pexec__plan_open_input(&job->plan, config, host)) < 0)
    return pexec__job_explain(job, PEXEC__STEP_INPUT, error);
  return open_logs(job);
}
