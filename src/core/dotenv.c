/* See dotenv.h. */

#include "dotenv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "sys.h"

/* {== variables ========================================================= */

static size_t name_size (const char *variable) {
  return (size_t)(strchr(variable, '=') - variable) + 1;
}

/* The place of the variable of this name, or of a new one. */
static size_t find (const struct pexec__dotenv *dotenv, const char *variable) {
  size_t size = name_size(variable), i = 0;
  while (i < dotenv->count &&
         strncmp(dotenv->variables[i], variable, size) != 0)
    i++;
  return i;
}

static int make_room (struct pexec__dotenv *dotenv) {
  size_t size = (dotenv->count + 2) * sizeof *dotenv->variables;
  char **moved = pexec__realloc(dotenv->variables, size);
  if (moved == NULL)
    return -ENOMEM;
  moved[dotenv->count] = moved[dotenv->count + 1] = NULL;
  dotenv->variables = moved;
  return 0;
}

/* Takes the variable, also where that fails. */
static int add (struct pexec__dotenv *dotenv, char *variable) {
  size_t place = find(dotenv, variable);
  bool is_new = (place == dotenv->count);
  int error = 0;
  if (is_new && dotenv->count == PEXEC__MOST_VARIABLES)
    error = -E2BIG;
  else if (is_new)
    error = make_room(dotenv);
  if (error < 0) {
    pexec__free(variable);
    return error;
  }
  pexec__free(dotenv->variables[place]);
  dotenv->variables[place] = variable;
  dotenv->count += is_new;
  return 0;
}

void pexec__dotenv_free (struct pexec__dotenv *dotenv) {
  for (size_t i = 0; i < dotenv->count; i++)
    pexec__free(dotenv->variables[i]);
  pexec__free(dotenv->variables);
  *dotenv = (struct pexec__dotenv){ 0 };
}

/* {== reading a text ==================================================== */

/* Invariant: at <= end, and *end is a NUL, which no other character is. */
struct cursor {
  char *at;
  char *end;
  size_t line;
  const char *flaw;
};

static bool is_blank (char c) { return c == ' ' || c == '\t'; }

static bool is_digit (char c) { return c >= '0' && c <= '9'; }

static bool is_name (char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         is_digit(c) || c == '.' || c == '-';
}

static bool is_at_end_of_line (const struct cursor *in) {
  return *in->at == '\n' || *in->at == '\0' ||
         (in->at[0] == '\r' && (in->at[1] == '\n' || in->at[1] == '\0'));
}

static void skip_blanks (struct cursor *in) {
  while (is_blank(*in->at))
    in->at++;
}

static void skip_to_end_of_line (struct cursor *in) {
  while (!is_at_end_of_line(in))
    in->at++;
}

static void skip_line (struct cursor *in) {
  skip_to_end_of_line(in);
  in->at += (*in->at == '\r');
  if (*in->at == '\n') {
    in->at++;
    in->line++;
  }
}

static int blame (struct cursor *in, const char *flaw) {
  in->flaw = flaw;
  return -EINVAL;
}

/* The name's start, its end in *end. */
static char *read_name (struct cursor *in, char **end) {
  char *start = in->at;
  while (is_name(*in->at))
    in->at++;
  *end = in->at;
  return start;
}

static bool is_export (const char *name, const char *end) {
  return end - name == 6 && memcmp(name, "export", 6) == 0;
}

static char unescaped (char c) {
  switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '\\': case '"': case '$': return c;
    default: return '\0';
  }
}

/* Writes what is in quotes to 'to', which is behind nothing that is still to
   be read. NULL: they are not closed. */
static char *read_quoted (struct cursor *in, char *to) {
  char quote = *in->at++;
  while (*in->at != quote) {
    char plain = (quote == '"' && *in->at == '\\') ? unescaped(in->at[1])
                                                   : '\0';
    if (*in->at == '\0')
      return NULL;
    in->line += (*in->at == '\n');
    in->at += (plain != '\0');
    *to++ = plain ? plain : *in->at;
    in->at++;
  }
  in->at++;
  return to;
}

static char *read_bare (struct cursor *in, char *to) {
  char *end = to;  /* behind the last that is no blank */
  while (!is_at_end_of_line(in) &&
         !(*in->at == '#' && is_blank(in->at[-1]))) {
    char c = *in->at++;
    *to++ = c;
    if (!is_blank(c))
      end = to;
  }
  return end;
}

/* To 'to'; its end in *end. */
static int read_value (struct cursor *in, char *to, char **end) {
  size_t line = in->line;
  if (*in->at != '"' && *in->at != '\'') {
    *end = read_bare(in, to);
    return 0;
  }
  if ((*end = read_quoted(in, to)) == NULL) {
    in->line = line;
    return blame(in, "a quote that is not closed");
  }
  skip_blanks(in);
  if (!is_at_end_of_line(in) && *in->at != '#')
    return blame(in, "text behind a quote");
  return 0;
}

/* Makes "KEY=VALUE" of the line, in place: it only becomes shorter. Where it
   is, in *start and *stop. */
static int read_line (struct cursor *in, char **start, char **stop) {
  char *end, *name = read_name(in, &end);
  bool is_blank_next = is_blank(*end);
  skip_blanks(in);
  if (is_export(name, end) && is_blank_next && *in->at != '=') {
    name = read_name(in, &end);
    skip_blanks(in);
  }
  if (name == end || is_digit(*name))
    return blame(in, "a name is expected");
  if (*in->at != '=')
    return blame(in, "\"=\" is expected behind the name");
  in->at++;
  skip_blanks(in);
  *end = '=';
  *start = name;
  return read_value(in, end + 1, stop);
}

static int add_copy (struct pexec__dotenv *dotenv, const char *start,
                     const char *stop) {
  size_t length = (size_t)(stop - start);
  char *variable = pexec__malloc(length + 1);
  if (variable == NULL)
    return -ENOMEM;
  memcpy(variable, start, length);
  variable[length] = '\0';
  return add(dotenv, variable);
}

static int read_lines (struct pexec__dotenv *dotenv, struct cursor *in) {
  for (; in->at < in->end; skip_line(in)) {
    char *start, *stop;
    int error;
    skip_blanks(in);
    if (is_at_end_of_line(in) || *in->at == '#')
      continue;
    if ((error = read_line(in, &start, &stop)) < 0 ||
        (error = add_copy(dotenv, start, stop)) < 0)
      return error;
  }
  return 0;
}

static size_t line_of (const char *text, const char *place) {
  size_t line = 1;
  for (; text < place; text++)
    line += (*text == '\n');
  return line;
}

int pexec__dotenv_parse (struct pexec__dotenv *dotenv, char *text,
                         size_t length) {
  struct cursor in = { text, text + length, 1, NULL };
  const char *nul = memchr(text, '\0', length);
  int error;
  if (nul != NULL) {
    dotenv->line = line_of(text, nul);
    dotenv->flaw = "a NUL byte";
    return -EINVAL;
  }
  if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)  /* a mark that some editors set */
    in.at += 3;
  error = read_lines(dotenv, &in);
  dotenv->line = (error == -EINVAL || error == -E2BIG) ? in.line : 0;
  dotenv->flaw = error == -E2BIG ? "too many variables" : in.flaw;
  return error;
}

/* {== reading a file ==================================================== */

static bool is_readable_kind (enum pexec__file_kind kind) {
  return kind == PEXEC__REGULAR || kind == PEXEC__CHARACTER_DEVICE;
}

static int open_file (struct pexec__dotenv *dotenv, const char *path) {
  struct pexec__file_status status;
  int fd = pexec__open(path, O_RDONLY | O_NONBLOCK, 0);
  int error = fd < 0 ? fd : pexec__file_of(fd, &status);
  if (error >= 0 && status.kind == PEXEC__DIRECTORY)
    error = -EISDIR;
  else if (error >= 0 && !is_readable_kind(status.kind)) {
    dotenv->flaw = "it is not a regular file";
    error = -EINVAL;
  }
  if (error < 0 && fd >= 0)
    pexec__close(fd);
  return error < 0 ? error : fd;
}

/* How much there is; at most 'most', and one more says that it is more. */
static ssize_t read_all (int fd, char *text, size_t most) {
  size_t length = 0;
  ssize_t got = 1;
  while (got > 0 && length <= most) {
    got = pexec__read(fd, text + length, most + 1 - length);
    length += got > 0 ? (size_t)got : 0;
  }
  return got < 0 ? got : (ssize_t)length;
}

static int parse_file (struct pexec__dotenv *dotenv, int fd, char *text) {
  ssize_t length = read_all(fd, text, PEXEC__MOST_DOTENV);
  if (length < 0)
    return (int)length;
  if (length > PEXEC__MOST_DOTENV) {
    dotenv->flaw = "it is larger than 1 MiB";
    return -EFBIG;
  }
  text[length] = '\0';
  return pexec__dotenv_parse(dotenv, text, (size_t)length);
}

int pexec__dotenv_read (struct pexec__dotenv *dotenv, const char *path) {
  char *text;
  int error, fd;
  dotenv->line = 0;
  dotenv->flaw = NULL;
  if ((fd = open_file(dotenv, path)) < 0)
    return fd;
  text = pexec__malloc(PEXEC__MOST_DOTENV + 2);
  error = text ? parse_file(dotenv, fd, text) : -ENOMEM;
  pexec__free(text);
  pexec__close(fd);
  return error;
}
