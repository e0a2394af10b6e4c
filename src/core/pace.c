/* See pace.h. */

#include "pace.h"

#define SOON INT64_C(2000000)    /* ns; a wake after less is a quick one */
#define AHEAD INT64_C(3000000)   /* what a pipe must take during a rest */
#define LITTLE 16384             /* bytes; a call that brought more fills it */
#define OFTEN 16                 /* wakes in a row: the pipe is enlarged */
#define LARGE (256 * 1024)       /* for one that writes much at once */
#define LARGEST (1024 * 1024)    /* for one that is left alone: as large as
                                    anybody may make one */
#define BUSY 4                   /* quick wakes in a row */

/* At the speed of the last read, would it fill up meanwhile? */
static bool may_rest (const struct pexec__flow *flow, size_t size,
                      int64_t elapsed_ns) {
  return (double)size * (double)AHEAD <
         (double)flow->capacity * (double)elapsed_ns;
}

/* After a rest: nothing came, it is over; too much, so is it; else another. */
static enum pexec__pace judge_rest (const struct pexec__flow *flow,
                                    size_t size) {
  return size == 0 || size > flow->capacity / 2 ? PEXEC__WATCH
                                                : PEXEC__RESTING;
}

enum pexec__pace pexec__pace_judge (struct pexec__flow *flow, size_t size,
                                    bool was_resting, int64_t now_ns) {
  int64_t elapsed_ns = now_ns - flow->read_at_ns;
  bool is_quick = (elapsed_ns < SOON);
  flow->read_at_ns = now_ns;
  if (was_resting)
    return judge_rest(flow, size);
  flow->quick = is_quick ? flow->quick + 1 : 0;
  flow->small = is_quick && size < LITTLE ? flow->small + 1 : 0;
  return flow->small > 1 && may_rest(flow, size, elapsed_ns)
       ? PEXEC__RESTING : PEXEC__WATCH;
}

size_t pexec__pace_wanted (struct pexec__flow *flow, bool is_lent) {
  size_t wanted = flow->small >= OFTEN ? LARGEST
                : flow->quick >= OFTEN || is_lent ? LARGE : 0;
  if (wanted <= flow->wanted)
    return 0;
  flow->wanted = wanted;
  return wanted;
}

bool pexec__pace_is_busy (const struct pexec__flow *flow) {
  return flow->quick >= BUSY;
}
