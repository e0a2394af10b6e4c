/* See terms.h. */

#include "terms.h"

#include <signal.h>
#include <string.h>

#define LONGEST_MS (INT64_C(1) << 40)  /* 35 years: in ns it fits */
#define MOST_RESTARTS 10000            /* that a limit counts: 8 bytes each */
#define LEAST_RECOVERY (1000 * PEXEC__MS)
#define LEAST_STOP (100 * PEXEC__MS)

bool pexec__is_wait (int64_t wait_ms) {
  return wait_ms >= 0 && wait_ms <= LONGEST_MS;
}

static bool is_wait_or_none (int64_t wait_ms) {
  return wait_ms == -1 || pexec__is_wait(wait_ms);
}

int64_t pexec__ns_or_none (int64_t wait_ms) {
  return wait_ms == -1 ? -1 : wait_ms * PEXEC__MS;
}

/* {== what can be used ================================================== */

static bool is_usable_list (const pexec_backoff *backoff) {
  size_t i = 0;
  while (i < backoff->delay_count && pexec__is_wait(backoff->delays_ms[i]))
    i++;
  return i == backoff->delay_count && i > 0;
}

/* The comparisons are false for what is no number. */
static bool is_usable_backoff (const pexec_backoff *backoff) {
  if (!is_wait_or_none(backoff->reset_after_ms))
    return false;
  if (backoff->delays_ms != NULL)
    return is_usable_list(backoff);
  return backoff->initial_ms == -1 ||
         (pexec__is_wait(backoff->initial_ms) &&
          pexec__is_wait(backoff->max_ms) &&
          backoff->initial_ms <= backoff->max_ms &&
          backoff->factor >= 1 && backoff->factor < 1e9 &&
          backoff->jitter >= 0 && backoff->jitter < 1);
}

static size_t code_count (const pexec_config *from) {
  return from->success_exit_codes ? from->success_exit_code_count : 0;
}

static bool are_exit_codes (const int *codes, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (codes[i] < 0 || codes[i] > 255)
      return false;
  return true;
}

/* A window of no time would hold no restart, and so never be full. */
static bool is_usable_limit (int most, int64_t within_ms) {
  return most >= -1 && most <= MOST_RESTARTS &&
         (most == -1 || pexec__is_wait(within_ms)) &&
         (most <= 0 || within_ms > 0);
}

static bool is_usable_policy (const pexec_config *from) {
  return (unsigned)from->restart <= PEXEC_RESTART_NEVER &&
         are_exit_codes(from->success_exit_codes, code_count(from)) &&
         is_usable_backoff(&from->backoff) &&
         is_usable_limit(from->restart_limit, from->restart_limit_ms) &&
         is_wait_or_none(from->decision_timeout_ms) &&
         is_wait_or_none(from->prepare_timeout_ms) &&
         (!from->must_prepare || from->prepare_timeout_ms != -1);
}

static bool is_command (const char *const *run) {
  return run != NULL && run[0] != NULL && run[0][0] != '\0';
}

static bool is_usable_stage (const pexec_stop_stage *stage) {
  if (!pexec__is_wait(stage->wait_ms))
    return false;
  switch (stage->kind) {
    case PEXEC_SIGNAL_PROCESS: case PEXEC_SIGNAL_GROUP:
      return stage->signo >= 1 && stage->signo <= SIGRTMAX;
    case PEXEC_RUN: return is_command(stage->run);
    case PEXEC_CALL: return true;
  }
  return false;
}

static size_t stage_count (const pexec_config *from) {
  return from->stop_sequence ? from->stop_stage_count : 0;
}

static bool is_usable_sequence (const pexec_config *from) {
  int64_t left_ms = LONGEST_MS;
  if (stage_count(from) > PEXEC_STOP_STAGES_MAX)
    return false;
  for (size_t i = 0; i < stage_count(from); i++) {
    if (!is_usable_stage(&from->stop_sequence[i]))
      return false;
    if ((left_ms -= from->stop_sequence[i].wait_ms) < 0)
      return false;
  }
  return true;
}

bool pexec__terms_are_usable (const pexec_config *from) {
  return from->stop_signal >= 1 && from->stop_signal <= SIGRTMAX &&
         from->stop_timeout_ms >= 100 &&
         pexec__is_wait(from->stop_timeout_ms) &&
         pexec__is_wait(from->restart_delay_ms) && is_usable_sequence(from) &&
         is_usable_policy(from);
}

/* {== the policy ========================================================= */

static int64_t longest (const struct pexec__delays *delays) {
  int64_t most_ns = 0;
  for (size_t i = 0; i < delays->count; i++)
    if (delays->list_ns[i] > most_ns)
      most_ns = delays->list_ns[i];
  return most_ns;
}

/* How long it has to run to have recovered, where that is not said. */
static int64_t recovery (const struct pexec__delays *delays) {
  switch (delays->kind) {
    case PEXEC__DELAY_LISTED: return longest(delays);
    case PEXEC__DELAY_GROWING: return delays->most_ns;
    default: return delays->first_ns > LEAST_RECOVERY ? delays->first_ns
                                                      : LEAST_RECOVERY;
  }
}

/* The list is there already. */
static void put_backoff (struct pexec__delays *delays,
                         const pexec_config *from) {
  const pexec_backoff *backoff = &from->backoff;
  delays->kind = backoff->delays_ms != NULL ? PEXEC__DELAY_LISTED
               : backoff->initial_ms >= 0 ? PEXEC__DELAY_GROWING
               : PEXEC__DELAY_FROM_START;
  delays->first_ns = PEXEC__MS * (delays->kind == PEXEC__DELAY_GROWING
                                  ? backoff->initial_ms
                                  : from->restart_delay_ms);
  if (delays->kind == PEXEC__DELAY_GROWING) {
    delays->factor = backoff->factor;
    delays->most_ns = backoff->max_ms * PEXEC__MS;
    delays->jitter = backoff->jitter;
  }
  delays->reset_after_ns = backoff->reset_after_ms == -1
                         ? recovery(delays)
                         : backoff->reset_after_ms * PEXEC__MS;
}

static void put_success (struct pexec__policy *policy,
                         const pexec_config *from) {
  if (from->success_exit_codes == NULL)
    policy->success[0] = 1;
  for (size_t i = 0; i < code_count(from); i++) {
    unsigned code = (unsigned)from->success_exit_codes[i];
    policy->success[code / 64] |= UINT64_C(1) << (code % 64);
  }
}

/* Also what hangs before it has begun to run has this time. */
static int64_t stop_timeout (const struct pexec__stop_plan *plan) {
  int64_t total_ns = pexec__stop_plan_total(plan);
  return total_ns > LEAST_STOP ? total_ns : LEAST_STOP;
}

static void put_policy (struct pexec__policy *policy,
                        const pexec_config *from,
                        const struct pexec__stop_plan *plan) {
  policy->is_one_shot = (from->one_shot != 0);
  policy->asks = (from->asks != 0);
  policy->restart = from->restart;
  policy->decision_ns = pexec__ns_or_none(from->decision_timeout_ms);
  policy->is_limited = (from->restart_limit != -1);
  if (policy->is_limited) {
    policy->limit = (uint32_t)from->restart_limit;
    policy->limit_ns = from->restart_limit_ms * PEXEC__MS;
  }
  policy->stop_timeout_ns = stop_timeout(plan);
  put_success(policy, from);
  put_backoff(&policy->delays, from);
}

/* {== the copy =========================================================== */

_Static_assert(_Alignof(struct pexec__config) >=
               _Alignof(struct pexec__policy), "they stand right behind it");

struct terms {
  struct pexec__policy policy;
  struct pexec__stage stages[PEXEC__USUAL_STAGES];  /* or not used */
};

/* Those of PEXEC_CONFIG_INIT. */
#define USUAL_STOP (10000 * PEXEC__MS)

static const struct terms usual = {
  .policy = {
    .restart = PEXEC_RESTART_ALWAYS,
    .success = { 1 },
    .decision_ns = -1,
    .delays = { .kind = PEXEC__DELAY_FROM_START, .first_ns = 1000 * PEXEC__MS,
                .reset_after_ns = 1000 * PEXEC__MS },
    .stop_timeout_ns = USUAL_STOP,
  },
  .stages = {
    { PEXEC_SIGNAL_PROCESS, SIGTERM, USUAL_STOP / 3 },
    { PEXEC_SIGNAL_GROUP, SIGTERM, USUAL_STOP - USUAL_STOP / 3 },
  },
};

/* Where only the padding differs, there is one copy more. */
static bool are_usual (const pexec_config *from) {
  struct terms terms;
  struct pexec__stop_plan plan = { terms.stages, PEXEC__USUAL_STAGES, false };
  if (from->backoff.delays_ms != NULL || from->stop_sequence != NULL)
    return false;
  memset(&terms, 0, sizeof terms);
  pexec__usual_stages(terms.stages, from->stop_signal,
                      from->stop_timeout_ms * PEXEC__MS);
  put_policy(&terms.policy, from, &plan);
  /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*) */
  return memcmp(&terms, &usual, sizeof terms) == 0;
}

static size_t list_size (const pexec_backoff *backoff) {
  return backoff->delays_ms ? backoff->delay_count * sizeof(int64_t) : 0;
}

size_t pexec__terms_size (const pexec_config *from) {
  return are_usual(from) ? 0 : sizeof(struct terms) +
         list_size(&from->backoff) +
         stage_count(from) * sizeof(struct pexec__stage);
}

/* Returns the room behind it, as the two below do. */
static char *put_delays (struct pexec__delays *delays, void *room,
                         const pexec_config *from) {
  int64_t *list_ns = room;
  size_t count = list_size(&from->backoff) / sizeof *list_ns;
  for (size_t i = 0; i < count; i++)
    list_ns[i] = from->backoff.delays_ms[i] * PEXEC__MS;
  delays->list_ns = list_ns;
  delays->count = count;
  return (char *)(list_ns + count);
}

static char *put_stages (struct pexec__config *config, struct terms *own,
                         char *room, const pexec_config *from) {
  struct pexec__stage *stages = (struct pexec__stage *)(void *)room;
  size_t count = stage_count(from);
  if (from->stop_sequence == NULL) {
    pexec__usual_stages(own->stages, from->stop_signal,
                        from->stop_timeout_ms * PEXEC__MS);
    config->stop = (struct pexec__stop_plan){ own->stages,
                                              PEXEC__USUAL_STAGES, false };
    return room;
  }
  for (size_t i = 0; i < count; i++) {
    const pexec_stop_stage *stage = &from->stop_sequence[i];
    stages[i] = (struct pexec__stage){ stage->kind, stage->signo,
                                       stage->wait_ms * PEXEC__MS };
  }
  config->stop = (struct pexec__stop_plan){ stages, count, true };
  return (char *)(stages + count);
}

char *pexec__terms_put (struct pexec__config *config,
                        const pexec_config *from) {
  struct terms *own = (struct terms *)(void *)(config + 1);
  char *room;
  if (are_usual(from)) {
    config->policy = &usual.policy;
    config->stop = (struct pexec__stop_plan){ usual.stages,
                                              PEXEC__USUAL_STAGES, false };
    return (char *)(config + 1);
  }
  room = put_delays(&own->policy.delays, own + 1, from);
  room = put_stages(config, own, room, from);
  put_policy(&own->policy, from, &config->stop);
  config->policy = &own->policy;
  return room;
}
