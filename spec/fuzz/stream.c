/*
** Random writes of a child on their way: the splitter, a sink, a log file that
** is rotated and compressed, in memory. The splitter gives lines whole or in
** marked pieces; and the files, from the oldest to the newest, have what was
** written, in order, but for what 'keep' drops. One thread.
**
** seam: own lines.c chunk.c sink.c opening.c delivery.c format.c escape.c
** seam: own error.c logfile.c rotate.c compress.c mailbox.c
*/

#include "memory_files.h"

#include <zlib.h>

#include "core.h"
#include "sink_alone.h"
#include "tail.h"

#define PIPE_FD 10
#define SECOND_NS INT64_C(1000000000)
#define MOST_SAID (256 * 1024)
#define MOST_TEXT (8 * 1024 * 1024)
#define LONG_LINE 60000       /* one in a log may be cut by a rotation */
#define SHORT_LINE 3000       /* one in a log is below any max_size */
#define LETTERS 4096
#define ROTATED_MOST 90       /* files: then nothing more is said */

struct bytes {
  char *data;
  size_t length, most;
};

static struct pexec__sink *sink;
static struct pexec__pool *pool;
static pexec_supervisor supervisor;
static struct pexec__config config;
static pexec_process process;
static struct pexec__stream stream;
static struct pexec__text text;
static pexec_file options;

static struct bytes said;     /* what the child has written */
static struct bytes lines;    /* the same, each line with a newline */
static struct bytes split;    /* the same, out of the splitter */
static struct bytes found;    /* what is in the files */
static size_t read_at;        /* bytes of 'said' that were read */

static struct {
  bool was_short;             /* of memory: pieces may be short */
  bool is_amid;               /* a piece has gone out, its line goes on */
  size_t longest;             /* bytes of lines, once all is over */
  size_t line;                /* bytes of the line that is being said */
} seen;

static void put (struct bytes *to, const char *data, size_t length) {
  EXPECT(to->length + length <= to->most);
  memcpy(to->data + to->length, data, length);
  to->length += length;
}

/* {== what the splitter and the sink meet ================================ */

ssize_t pexec__read (int fd, void *data, size_t size) {
  size_t left = said.length - read_at;
  if (fd != PIPE_FD)
    return memory_read(fd, data, size);
  size = size < left ? size : left;
  memcpy(data, said.data + read_at, size);
  read_at += size;
  return size > 0 ? (ssize_t)size : -EAGAIN;
}

void pexec__tail_add (struct pexec__tail *tail,
                      const struct pexec__view *view, uint64_t run) {
  (void)tail;
  (void)view;
  (void)run;
}

void pexec__outlets_put_bytes (struct pexec__stream *of,
                               const struct pexec__view *view) {
  EXPECT(of == &stream);
  if (options.format == PEXEC_RAW)
    (void)pexec__sink_put(sink, view, PEXEC_INFO, false);
}

/* A piece is as long as it may be, and has no newline; what ends a line has
   one, but for the last before a death. */
static void check_view (const struct pexec__view *view) {
  const char *data = view->chunk->data + view->from;
  size_t length = view->to - view->from;
  if (view->is_partial) {
    EXPECT(view->lines == 0 && memchr(data, '\n', length) == NULL);
    EXPECT(length == PEXEC__LINE_MAX || seen.was_short);
  }
  else
    EXPECT(view->lines >= 1);
  put(&split, data, length);
  if (!view->is_partial && (length == 0 || data[length - 1] != '\n'))
    put(&split, "\n", 1);
  seen.is_amid = view->is_partial;
}

void pexec__outlets_put_lines (struct pexec__stream *of,
                               const struct pexec__view *view) {
  EXPECT(of == &stream);
  check_view(view);
  if (options.format != PEXEC_RAW)
    (void)pexec__sink_put(sink, view, PEXEC_INFO, false);
}

bool pexec__news_output (pexec_process *of, const struct pexec__view *view) {
  (void)of;
  (void)view;
  return false;
}

void pexec__losses_watch (pexec_process *of) {
  EXPECT(of == &process);
}

void pexec__log (pexec_process *of, enum pexec_level level,
                 const char *format, ...) {
  (void)of;
  (void)level;
  (void)format;
  EXPECT(!"a message");
}

/* {== what happens ======================================================= */

static void note_line_end (void) {
  put(&lines, "\n", 1);
  seen.line = 0;
}

/* A part of a line: letters, by where they stand. */
static void say_letters (size_t length) {
  static char letters[2 * LETTERS];
  size_t from = said.length % LETTERS;
  if (letters[0] == '\0')
    for (unsigned i = 0; i < 2 * LETTERS; i++)
      letters[i] = (char)('a' + i % LETTERS * i % 26);
  put(&said, letters + from, length);
  put(&lines, letters + from, length);
  seen.line += length;
}

/* Letters, and after so many bytes, if not 0, the end of a line. */
static void say (size_t length, size_t every) {
  if (said.length + length > MOST_SAID || memory.named > ROTATED_MOST)
    return;
  for (size_t left = length; left > 0;) {
    size_t part = every > 0 && every < LETTERS ? every : LETTERS;
    bool has_end = every > 0 && part <= left;
    part = part < left ? part : left;
    say_letters(part - has_end);
    if (has_end) {
      put(&said, "\n", 1);
      note_line_end();
    }
    left -= part;
  }
}

static void read_some (size_t most) {
  (void)pexec__lines_read(&stream, pool, most);
}

static void read_all (void) {
  while (read_at < said.length)
    read_some(65536);
}

/* The child has died; the next one goes on. */
static void die (void) {
  bool is_open;
  read_all();
  is_open = seen.line > 0 || seen.is_amid;
  pexec__lines_flush(&stream);
  if (is_open)
    note_line_end();
  EXPECT(stream.rest_length == 0 && !stream.is_in_pieces);
}

static int64_t serve (void) {
  int64_t wait_ns = pexec__sink_serve(sink, &text, pool);
  memory.now_ns += wait_ns > 0 ? wait_ns : 0;
  return wait_ns;
}

static void serve_all (void) {
  int turns = 0;
  while (serve() >= 0)
    EXPECT(++turns < 10000);
}

static void fail_writes (struct fuzz_input *in) {
  if (!options.blocks)
    return;
  memory.cut_at = fuzz_byte(in);
  memory.cuts_left = (int)fuzz_below(in, 4) + 1;
}

static void compress_some (unsigned slices) {
  for (; slices > 0; slices--)
    (void)pexec__logfile_compress(sink->file);
}

static void act (struct fuzz_input *in) {
  unsigned what = fuzz_byte(in), how = fuzz_byte(in);
  switch (what % 12) {
    case 0: case 1: say(how, fuzz_below(in, 90)); break;
    case 2: say(how * 16, fuzz_byte(in)); break;
    case 3: say(how * 300, 0); break;
    case 4: read_some(how + 1); break;
    case 5: read_some(256 * (how + 1)); break;
    case 6: die(); break;
    case 7: (void)serve(); break;
    case 8: serve_all(); break;
    case 9: memory.now_ns += how * SECOND_NS / 16; break;
    case 10: compress_some(how % 8); break;
    default:
      if (how % 4 == 0)
        fail_writes(in);
      else if (how % 4 == 1)
        pexec__sink_put_reopen(sink);
      else if (how % 4 == 2)
        memory.lacks_memory = seen.was_short = true;
      break;
  }
}

/* {== what is in the files =============================================== */

static void unpack (const struct memory_file *file) {
  z_stream z = { 0 };
  char room[4096];
  int status = Z_OK;
  z.next_in = (unsigned char *)file->data;
  z.avail_in = (unsigned)file->length;
  EXPECT(inflateInit2(&z, 31) == Z_OK);
  while (status == Z_OK) {
    z.next_out = (unsigned char *)room;
    z.avail_out = sizeof room;
    status = inflate(&z, Z_NO_FLUSH);
    EXPECT(status == Z_OK || status == Z_STREAM_END);
    put(&found, room, sizeof room - z.avail_out);
  }
  EXPECT(inflateEnd(&z) == Z_OK);
}

static size_t longest_line (void) {
  const struct bytes *all = options.format == PEXEC_RAW ? &said : &lines;
  size_t length = 0, longest = 0;
  for (size_t i = 0; i < all->length; i++) {
    length = all->data[i] == '\n' ? 0 : length + 1;
    longest = length > longest ? length : longest;
  }
  return longest;
}

/* One that was rotated has whole lines, and is too long only by its last: not
   even by that, where lines come whole and would fit. */
static void check_file (size_t length, bool is_rotated) {
  const char *data = found.data + found.length - length;
  size_t over = options.max_size > 0 && length > (size_t)options.max_size
              ? length - (size_t)options.max_size : 0;
  if (seen.longest > LONG_LINE || options.blocks)
    return;
  EXPECT(!is_rotated || length == 0 || data[length - 1] == '\n');
  if (over > 0)
    EXPECT((options.format == PEXEC_RAW || seen.longest > SHORT_LINE) &&
           memchr(data + options.max_size, '\n', over - 1) == NULL);
}

static bool add_file (const char *name, bool is_rotated, bool is_packed) {
  const struct memory_file *file = memory_find(name);
  size_t before = found.length;
  if (file == NULL)
    return false;
  if (is_packed)
    unpack(file);
  else
    put(&found, file->data ? file->data : "", file->length);
  check_file(found.length - before, is_rotated);
  return true;
}

static int add_rotated (int number) {
  char name[32];
  (void)snprintf(name, sizeof name, "/log.%d", number);
  if (add_file(name, true, false))
    return 1;
  (void)strcat(name, ".gz");
  return add_file(name, true, true);
}

/* How many rotated files there are. */
static int read_files (void) {
  int count = 0;
  found.length = 0;
  seen.longest = longest_line();
  for (int i = MOST_FILES; i > 0; i--)
    count += add_rotated(i);
  EXPECT(add_file("/log", false, false));
  EXPECT(count <= options.keep && memory.named == count + 1);
  return count;
}

/* What is there is the end of 'whole'; all of it, if files are left. */
static void expect_end_of (const struct bytes *whole, int count) {
  size_t gone = whole->length - found.length;
  EXPECT(found.length <= whole->length);
  EXPECT(gone == 0 || count == options.keep);
  EXPECT(found.length == 0 ||
         memcmp(whole->data + gone, found.data, found.length) == 0);
}

/* What stands before and behind a line's own bytes, in each format. */
static const struct marks {
  const char *before, *partial_before, *after, *partial_after;
} marks[] = {
  [PEXEC_TEXT] = { "Z x stdout: ", "Z x stdout+: ", "\n", "\n" },
  [PEXEC_JSON] = { "\"line\":\"", "\"line\":\"", "\"}\n",
                   "\",\"partial\":true}\n" },
  [PEXEC_LOGFMT] = { "line=\"", "line=\"", "\"\n", "\" partial=true\n" },
};

static bool ends_with (const char *line, size_t length, const char *end) {
  size_t size = strlen(end);
  return length >= size && memcmp(line + length - size, end, size) == 0;
}

static bool is_piece (const char *line, size_t length) {
  const struct marks *mark = &marks[options.format];
  return options.format == PEXEC_TEXT
       ? memmem(line, length, mark->before, strlen(mark->before)) == NULL
       : ends_with(line, length, mark->partial_after);
}

/* Leaves of a line of the log what the child has said. */
static size_t bare (char *to, const char *line, size_t length) {
  const struct marks *mark = &marks[options.format];
  bool is_partial = is_piece(line, length);
  const char *before = is_partial ? mark->partial_before : mark->before;
  const char *after = is_partial ? mark->partial_after : mark->after;
  const char *start = memmem(line, length, before, strlen(before));
  if (start == NULL || !ends_with(line, length, after))
    (void)fprintf(stderr, "\"%.*s\"\n", (int)length, line);
  EXPECT(start != NULL && ends_with(line, length, after));
  start += strlen(before);
  length -= (size_t)(start - line) + strlen(after);
  memmove(to, start, length);
  if (!is_partial)
    to[length] = '\n';
  return length + !is_partial;
}

/* Behind the end of a line that a rotation has cut, whose beginning is gone. */
static char *first_whole (int count) {
  char *newline = memchr(found.data, '\n', found.length);
  const struct marks *mark = &marks[options.format];
  size_t length = newline ? (size_t)(newline + 1 - found.data) : 0;
  if (seen.longest <= LONG_LINE || count < options.keep || newline == NULL ||
      memmem(found.data, length, mark->before, strlen(mark->before)) ||
      memmem(found.data, length, mark->partial_before,
             strlen(mark->partial_before)))
    return found.data;
  return newline + 1;
}

/* The pieces of a line become one again. */
static void strip (int count) {
  char *to = found.data, *at = first_whole(count);
  const char *end = found.data + found.length;
  while (at < end) {
    char *newline = memchr(at, '\n', (size_t)(end - at));
    EXPECT(newline != NULL);
    to += bare(to, at, (size_t)(newline + 1 - at));
    at = newline + 1;
  }
  found.length = (size_t)(to - found.data);
}

static void check (void) {
  int count = read_files();
  EXPECT(split.length == lines.length);
  EXPECT(split.length == 0 ||
         memcmp(split.data, lines.data, lines.length) == 0);
  if (options.format == PEXEC_RAW)
    expect_end_of(&said, count);
  else if (found.length > 0) {
    strip(count);
    expect_end_of(&lines, count);
  }
}

/* {== all of it ========================================================== */

static void read_options (struct fuzz_input *in) {
  static const int64_t sizes[] = { 0, 4000, 9000, 70000 };
  unsigned how = fuzz_byte(in), more = fuzz_byte(in);
  options = (pexec_file)PEXEC_FILE_INIT;
  options.path = "/log";
  options.format = (enum pexec_format)(how % 4);
  options.max_size = sizes[how / 4 % 4];
  if (options.format == PEXEC_RAW && options.max_size > 0)
    options.max_size = 1500 + more;
  options.keep = how & 16 ? MOST_FILES : (int)(more % 4);
  options.compress = (how & 32) != 0;
  options.rotate_every_ms = how & 64 ? 2000 : 0;
  options.blocks = (how & 128) != 0;
}

static void open_sink (void) {
  atomic_bool is_unwanted = false;
  enum pexec__logfile_flaw flaw;
  EXPECT(pexec__sink_new(PEXEC__SINK_FILE, &options, NULL, -1, &sink) == 0);
  EXPECT(pexec__opening_open(sink->opening, &is_unwanted, &flaw) == 0);
  sink->found = &writer;
  pexec__sink_adopt(sink);
}

static void empty (struct bytes *bytes, size_t most) {
  bytes->length = 0;
  bytes->most = most;
  if (bytes->data == NULL)
    EXPECT((bytes->data = malloc(most)) != NULL);
}

static void begin (struct fuzz_input *in) {
  memory_reset();
  memset(&seen, 0, sizeof seen);
  empty(&said, MOST_SAID);
  empty(&lines, 2 * MOST_SAID);
  empty(&split, 2 * MOST_SAID);
  empty(&found, MOST_TEXT);
  read_at = 0;
  read_options(in);
  EXPECT((pool = pexec__pool_new(4)) != NULL);
  pexec__mailbox_open(&supervisor.outbox);
  supervisor.pool = pool;
  config.id = "x";
  process = (pexec_process){
    .supervisor = &supervisor, .config = &config,
    .ledger = pexec__ledger_new("x"),
  };
  stream = (struct pexec__stream){
    .process = &process, .number = PEXEC_STDOUT, .read_fd = PIPE_FD,
    .write_fd = -1,
  };
  open_sink();
}

static void end (void) {
  die();
  memory.cuts_left = 0;
  serve_all();
  pexec__sink_put_close(sink);
  EXPECT(serve() == PEXEC__SINK_CLOSED);
  check();
  pexec__sink_free(sink);
  pexec__ledger_release(process.ledger);
  pexec__pool_release(pool);
  pexec__mailbox_close(&supervisor.outbox);
  memory_expect_nothing_held();
  memory_reset();
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size) {
  static char room[16384];
  struct fuzz_input in = { data, data + size };
  text = (struct pexec__text){ .data = room, .capacity = sizeof room };
  begin(&in);
  while (in.at < in.end)
    act(&in);
  end();
  return 0;
}
