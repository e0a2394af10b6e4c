/*
** One attempt to start a process: what it holds, so that whoever works at it
** needs neither the process nor its supervisor.
*/

#include <errno.h>

#include "spawner.h"

int pexec__job_new (pexec_process *process, struct pexec__config *config,
                    struct pexec__job **job) {
  struct pexec__job *made =
      pexec__calloc(1, sizeof *made + process->outlet_count *
                                      sizeof made->openings[0]);
  if (made == NULL)
    return -ENOMEM;
  made->process = process;
  made->config = pexec__config_hold(config);
  made->host = pexec__host_retain(process->host);
  made->cgroup = pexec__cgroup_hold(process->cgroup);
  made->opening_count = pexec__outlets_hold_openings(process, made->openings);
  *job = made;
  return 0;
}

void pexec__job_leave_cgroup (struct pexec__job *job) {
  pexec__cgroup_drop(job->cgroup);
  job->cgroup = NULL;
}

void pexec__job_free (struct pexec__job *job) {
  for (size_t i = 0; i < job->opening_count; i++)
    pexec__opening_drop(job->openings[i]);
  pexec__plan_free(&job->plan);
  pexec__job_leave_cgroup(job);
  pexec__host_release(job->host);
  pexec__config_drop(job->config);
  pexec__free(job->message);
  pexec__free(job);
}

int pexec__job_explain (struct pexec__job *job, enum pexec__spawn_step step,
                        int error) {
  job->message = pexec__plan_failure(&job->plan, job->config, step, error);
  return error;
}
