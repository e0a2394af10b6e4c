/*
** A sink: one log file, logger, or descriptor of the host's, with the queue
** of what it is to get. The supervisor's thread puts in, and never waits; a
** writer's thread (writer.h) takes out, and may block as its disk does. One
** sink serves all processes that name it.
*/

#ifndef PEXEC_CORE_SINK_H
#define PEXEC_CORE_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chunk.h"
#include "compressor.h"
#include "format.h"
#include "logfile.h"
#include "mailbox.h"
#include "opening.h"
#include "pexec.h"

#define PEXEC__SINK_MAX (1024 * 1024)  /* bytes that wait, until it is full */
#define PEXEC__SINK_MOST (4 * PEXEC__SINK_MAX)  /* with what the dead left */
#define PEXEC__SINK_SHARE (PEXEC__SINK_MAX / 8) /* where its writer has more */
#define PEXEC__WRITER_MAX (4 * 1024 * 1024)     /* than this for all of them */

struct pexec__writer;

enum pexec__sink_kind {
  PEXEC__SINK_FILE, PEXEC__SINK_LOGGER, PEXEC__SINK_HOST
};

/* Where a loss ended, in what is written as it is: amid a line, perhaps, whose
   rest is to be lost too, lest it looks like a line of its own. */
struct pexec__cut {
  const struct pexec__ledger *ledger;  /* whose; compared only; NULL: none */
  int pid;
  enum pexec_stream stream;
  bool is_amid;
  int reason;                   /* of the loss */
};

/* What was lost in one place. */
struct pexec__gap {
  bool is_there;
  uint64_t lines;               /* 0: a part of one */
  int reason;                   /* why; 0: it took too long */
  struct pexec__cut cut;        /* its end */
};

/* One thing to write. */
struct pexec__entry {
  struct pexec__entry *next;
  struct pexec__view view;      /* its chunk is held */
  enum pexec_level level;       /* of a logger's */
  bool is_message;              /* pexec's own, not a child's line */
  struct pexec__gap gap_before; /* what was dropped ahead of it */
  uint64_t text_end;            /* where its text ends, of all that was
                                   formatted with it */
};

/* Reads some of a source that is lent to a sink into chunks of the pool, and
   puts what came into that sink. False where nothing came. Never waits. The
   writer's thread. */
typedef bool pexec__pull (void *source, struct pexec__pool *pool);

struct pexec__sink {
  /* immutable */
  enum pexec__sink_kind kind;
  pexec_logger *logger;         /* of a LOGGER; retained */
  int host_fd;                  /* of a HOST: 1 or 2 */
  enum pexec_format format;
  bool blocks;                  /* a child waits for it, however long */
  pexec_file options;           /* of a FILE; its path is ours */
  uint64_t hash;                /* of that path */

  /* the spawner's thread sets it, before it answers a start; when all are
     answered the supervisor's may */
  struct pexec__writer *found;  /* whose it is; NULL: not known yet */

  /* the supervisor's thread sets these, before the first entry; 'writer' is
     immutable then, 'file' the writer's thread's */
  struct pexec__writer *writer; /* NULL: not known to be open */
  struct pexec__opening *opening;  /* of a FILE; held; NULL once that is open
                                      and 'writer' is there */
  struct pexec__logfile *file;  /* of a FILE, from then on until it closes */

  /* under the writer's lock */
  struct pexec__letter letter;  /* in the writer's box, while it has work */
  struct pexec__letter word;    /* in the supervisor's, when that is to look */
  struct pexec__entry *first, **end;
  size_t queued_bytes;          /* with a charge for each entry */
  uint64_t put, settled;        /* entries, ever */
  struct pexec__gap gap_at_put; /* since the last entry */
  uint64_t lost_ever;           /* lines */
  bool is_full;                 /* the supervisor wants a word when it is not */
  bool is_dropping;             /* what comes is dropped, until it is not */
  bool is_awaited;              /* the supervisor wants a word at each turn */
  int error;                    /* of the last turn; 0 or negative */
  bool is_reopening;            /* its file is to be opened anew, */
  uint64_t reopen_at;           /* once so many entries have settled */
  int reopen_error;             /* of the last time */
  bool is_closing;              /* nobody feeds it any more: */
  int64_t close_by_ns;          /* what cannot be written by then is lost */
  bool is_closed;               /* its file is closed, the writer is done */
  int64_t retry_at_ns;          /* not before; 0: at once */
  void *source;                 /* what is lent to it; NULL: nothing */
  pexec__pull *pull;
  bool is_pulling;              /* the writer reads it now, */
  bool is_wanted_back;          /* and the supervisor waits until it has */
  bool has_pulled;              /* it has, since somebody asked */

  /* the writer's thread only */
  struct pexec__compressor compressor;
  int64_t retry_wait_ns;        /* doubles with each failure */
  uint64_t written_of_first;    /* bytes of the first entry's text; 0 where it
                                   is written as it is: its view then moves */
  struct pexec__gap gap;        /* that is to be told of next; without 'cut' */
  struct pexec__cut cut;        /* what is to follow it */
  bool is_torn;                 /* of a HOST: its last line has no end */

  /* the supervisor's thread only */
  struct pexec__sink *next;     /* in its list */
  int holders;                  /* processes */
  int64_t full_since_ns;        /* 0: not full */
  struct pexec__stream *lender; /* whose pipe is lent to it; NULL: nobody's */
  int64_t look_at_ns;           /* after whether it is read; of that alone */
  int64_t lend_after_ns;        /* not before */
  uint64_t lost_told;           /* of lost_ever */
  bool is_told;                 /* the log has heard of the failure */
};

/* Makes one that is not open; with FILE's options copied, a LOGGER retained.
   0, -ENOMEM. */
int pexec__sink_new (enum pexec__sink_kind kind, const pexec_file *options,
                     pexec_logger *logger, int host_fd,
                     struct pexec__sink **sink);
/* Gives it to the writer that was found for it, with its file, which is open.
   The supervisor's thread. */
void pexec__sink_adopt (struct pexec__sink *sink);
/* One that no writer knows any more; what waits is dropped. */
void pexec__sink_free (struct pexec__sink *sink);

/* {== the supervisor's side: takes the writer's lock ===================== */

/* True where it is full now: whoever feeds it is to pause. Where more follows,
   pexec__writers_wake has to follow as well. */
bool pexec__sink_put (struct pexec__sink *sink,
                      const struct pexec__view *view, enum pexec_level level,
                      bool is_message);
/* Opens the file anew behind all that was put. */
void pexec__sink_put_reopen (struct pexec__sink *sink);
/* Has its file closed, once what waits is written, or after a second; a word
   comes when it is closed, and it can be freed. */
void pexec__sink_put_close (struct pexec__sink *sink);
/* How many entries it has got. */
uint64_t pexec__sink_position (struct pexec__sink *sink);
/* Are all entries up to 'position' written or dropped, and is no reopening
   under way? Where not, a word will come. */
bool pexec__sink_has_settled (struct pexec__sink *sink, uint64_t position);
/* Is it full still? Where it is, a word will come when it is not. */
bool pexec__sink_is_full (struct pexec__sink *sink);
/* Are even the last words of the dead to wait in their pipes? */
bool pexec__sink_is_overfull (struct pexec__sink *sink);
/* From here on it drops what comes, until there is room. */
void pexec__sink_begin_dropping (struct pexec__sink *sink);
/* From here on its writer reads this source itself, as long as something comes
   and all goes well; a word comes when it does not any more. False: it does
   not begin. */
bool pexec__sink_lend (struct pexec__sink *sink, pexec__pull *pull,
                       void *source);
bool pexec__sink_is_lent (struct pexec__sink *sink);
/* Has it been read since this was asked last? */
bool pexec__sink_has_pulled (struct pexec__sink *sink);
/* The writer reads it no more, and has put all that it had read. */
void pexec__sink_take_back (struct pexec__sink *sink);
int pexec__sink_reopen_error (struct pexec__sink *sink);
bool pexec__sink_is_closed (struct pexec__sink *sink);

struct pexec__sink_state {
  int error;
  bool is_dropping;
  uint64_t lost_ever;
};

struct pexec__sink_state pexec__sink_read_state (struct pexec__sink *sink);

/* {== the writer's side ================================================== */

#define PEXEC__SINK_IDLE (-1)
#define PEXEC__SINK_CLOSED (-2)        /* not to be touched any more */

/* Writes what waits, or a good part of it, and what it reads before that, into
   chunks of this pool, of a source that is lent to it. The result is how long
   to wait before the next turn, in ns, 0: at once; or one of these two. */
int64_t pexec__sink_serve (struct pexec__sink *sink,
                           struct pexec__text *text,
                           struct pexec__pool *pool);

/* delivery.c: a list of entries, off the lock. */
struct pexec__batch {
  struct pexec__entry *first;   /* those that are left, after a failure */
  struct pexec__entry *done;    /* those that are written, to be freed */
  size_t done_count, done_bytes;
  uint64_t lost;                /* lines, of them */
  bool has_moved;               /* bytes were taken by what then failed */
};

/* Moves entries from 'first' to 'done'; 0, or why it stopped. */
int pexec__deliver (struct pexec__sink *sink, struct pexec__batch *batch,
                    struct pexec__text *text);
/* What is left of the batch is lost: counts it. With the writer's lock. */
void pexec__give_up (struct pexec__sink *sink, struct pexec__batch *batch,
                     int reason);
void pexec__gap_add (struct pexec__gap *gap, uint64_t lines, int reason);
/* The loss ends where the view does. */
void pexec__gap_end (struct pexec__gap *gap, const struct pexec__sink *sink,
                     const struct pexec__view *view, int reason);
/* It is to be told of next. */
void pexec__gap_join (struct pexec__sink *sink, const struct pexec__gap *gap,
                      int reason);
/* So many lines of an entry, or of what was to be one, will not be written:
   all counts but the gap's. With the writer's lock. */
void pexec__entry_lose (struct pexec__sink *sink,
                        const struct pexec__view *view, bool is_message,
                        uint64_t lines);
/* What an entry counts against the bound. */
size_t pexec__entry_charge (const struct pexec__entry *entry);
void pexec__entry_free (struct pexec__entry *entry);

#endif
