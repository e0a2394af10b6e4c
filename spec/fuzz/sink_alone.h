/*
** What a sink of a log file meets in a fuzz target: a writer without a thread,
** whose lock must be free when it is taken, no compressing thread, no logger.
** The target serves it, and compresses. To be included once. One thread.
*/

#ifndef SPEC_FUZZ_SINK_ALONE_H
#define SPEC_FUZZ_SINK_ALONE_H

#include <errno.h>

#include "fuzz.h"
#include "logger.h"
#include "sink.h"
#include "sys.h"
#include "writer.h"

struct pexec__writer {
  bool is_locked;
};

static struct pexec__writer writer;

void pexec__writer_lock (struct pexec__writer *locked) {
  EXPECT(!locked->is_locked);
  locked->is_locked = true;
}

void pexec__writer_unlock (struct pexec__writer *locked) {
  EXPECT(locked->is_locked);
  locked->is_locked = false;
}

size_t pexec__writer_count (struct pexec__writer *counted,
                            ptrdiff_t change) {
  (void)counted;
  (void)change;
  return 0;
}

void pexec__writer_call (struct pexec__writer *called,
                         struct pexec__sink *one, bool can_wait) {
  (void)called;
  (void)one;
  (void)can_wait;
}

void pexec__writer_await_change (struct pexec__writer *awaited) {
  (void)awaited;
  EXPECT(!"nothing is lent");
}

void pexec__writer_note_change (struct pexec__writer *changed) {
  (void)changed;
}

void pexec__writer_forget (struct pexec__writer *called,
                           struct pexec__sink *one) {
  (void)called;
  (void)one;
}

void pexec__writer_tell (struct pexec__writer *told,
                         struct pexec__sink *one) {
  (void)told;
  (void)one;
}

void pexec__compressor_start (struct pexec__compressor *compressor,
                              struct pexec__logfile *file) {
  (void)compressor;
  (void)file;
}

void pexec__compressor_end (struct pexec__compressor *compressor,
                            struct pexec__logfile *file) {
  (void)compressor;
  (void)file;
}

int pexec__poll_writable (int fd, int timeout_ms) {
  (void)fd;
  (void)timeout_ms;
  return -EBADF;
}

pexec_logger *pexec_logger_retain (pexec_logger *logger) {
  return logger;
}

void pexec_logger_release (pexec_logger *logger) {
  (void)logger;
}

void pexec_logger_write (pexec_logger *logger, enum pexec_level level,
                         const char *id, const char *message,
                         size_t length) {
  (void)logger;
  (void)level;
  (void)id;
  (void)message;
  (void)length;
}

uint64_t pexec__logger_lines (pexec_logger *logger, enum pexec_level level,
                              const char *id, const char *data,
                              size_t length) {
  (void)logger;
  (void)level;
  (void)id;
  (void)data;
  return length;
}

#endif
