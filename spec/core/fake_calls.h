/*
** What can be made to fail on the fake seam: each function of sys.h, with the
** codes that a kernel may answer, and what else is played besides. A spec sees
** to it that sys.h has no function that is in neither of these lists.
*/

#ifndef SPEC_FAKE_CALLS_H
#define SPEC_FAKE_CALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* function, codes; those with a minus, which come last, are no answer twice in
   a row: who waits until it can be done would wait no more. Where it returns
   no code: it answers NULL, false, or that a file is busy. What is written to
   an eventfd, and read there, never fails: nobody adds up to 2^64. */
#define FAKE_SYS_CALLS(X) \
  X(malloc, ENOMEM) X(calloc, ENOMEM) X(realloc, ENOMEM) X(strdup, ENOMEM) \
  X(pipe, EMFILE, ENFILE) X(input_pipe, EMFILE, ENFILE) \
  X(eventfd, EMFILE, ENFILE, ENOMEM) \
  X(open, ENFILE, EMFILE, ENOMEM, EACCES, EIO, -EINTR) \
  X(read, EIO, -EAGAIN) X(write, EIO, ENOSPC, EPIPE, -EAGAIN) \
  X(readable_bytes, ENOTTY) X(pipe_size, EPERM) X(set_pipe_size, EPERM) \
  X(is_directory, ENOMEM) X(set_blocking, EPERM) \
  X(poll_readable, EINVAL, -EINTR) X(poll_writable, EINVAL, ENOMEM) \
  X(file_of, ENOMEM, EIO) X(file_at, ENOMEM, EACCES, EIO) \
  X(set_mode, EPERM, EROFS) X(read_at, EIO, ENOMEM) \
  X(rename, EIO, ENOSPC) X(rename_new, EACCES, EIO, ENOSPC) \
  X(unlink, EROFS, EACCES) X(is_written_to, EAGAIN) \
  X(open_at, EMFILE, ENFILE, EACCES, ENOMEM) \
  X(make_directory_at, ENOSPC, EACCES, EAGAIN) \
  X(remove_directory_at, EBUSY, EACCES) X(each_directory, EMFILE, ENOMEM) \
  X(mark, ENOSPC) X(is_marked, ENOTSUP) X(lock, ENOLCK, EAGAIN) \
  X(kernel_lacks, ENOSYS) X(wait, ECHILD) X(exit_info, ENOTTY, ENODATA) \
  X(signal, EPERM, ENOSYS) X(signal_group, EPERM, ENOSYS) \
  X(kill_group, EPERM) X(process_open, EMFILE, ENOSYS, ENOMEM) \
  X(group_of, ESRCH) X(each_living, EMFILE, ENFILE, ENOENT) \
  X(living_at, ESRCH) X(clone, EAGAIN, ENOMEM, EPERM, ENFILE)

/* What sys.h has, and cannot fail. */
#define FAKE_SURE_CALLS(X) \
  X(free) X(now) X(wall_now) X(lot) X(close) X(fill_standard) \
  X(free_standard) X(self) X(cores) X(own_max_rss) X(kernel_is_basic)

/* The same of loop.h, thread.h and writer.h; and of the child, its exec. */
#define FAKE_OTHER_CALLS(X) \
  X(loop_open, EMFILE, ENFILE, ENOMEM) X(watch_open, ENOSPC, ENOMEM) \
  X(thread_start, EAGAIN) X(writer_get, EAGAIN, ENOMEM) \
  X(exec, EMFILE, ENOMEM, ENOENT, ETXTBSY)

#define FAKE_CALLS(X) FAKE_SYS_CALLS(X) FAKE_OTHER_CALLS(X)

enum fake_call {
#define X(name, ...) CALL_##name,
  FAKE_CALLS(X)
#undef X
  FAKE_CALL_COUNT
};

/* Sets of calls. */
#define FAKE_CALL(name) (UINT64_C(1) << CALL_##name)
#define FAKE_ALL_CALLS ((UINT64_C(1) << FAKE_CALL_COUNT) - 1)
#define FAKE_MEMORY (FAKE_CALL(malloc) | FAKE_CALL(calloc) | \
                     FAKE_CALL(realloc) | FAKE_CALL(strdup))
#define FAKE_PIPES (FAKE_CALL(pipe) | FAKE_CALL(input_pipe))
#define FAKE_SIGNALLING (FAKE_CALL(signal) | FAKE_CALL(signal_group) | \
                         FAKE_CALL(kill_group))

/* The n-th call from now on that is one of 'calls' fails; lasting: and all
   such calls after it. n 0: none. */
void fake_fail (uint64_t calls, int n, bool is_lasting);
/* The same, with that of its codes, from 0 on, the last one where it has not
   as many; or with this -errno, whatever it has. */
void fake_fail_as (uint64_t calls, int n, bool is_lasting, int code);
void fake_calls_reset (void);
bool fake_has_failed (void);
bool fake_is_failing (void);  /* it goes on */
/* 0, or -errno where this call is to fail. */
int fake_failure (enum fake_call call);

/* Those that were called since fake_reset, failing or not. */
uint64_t fake_calls_seen (void);
const char *fake_call_name (uint64_t calls);  /* of one; else "any call" */
uint64_t fake_calls_with (int error);  /* those that may answer -errno */
/* -errno: may one of these calls have answered so? */
bool fake_may_answer (uint64_t calls, int error);
/* Of the one that has most; lasting: without those that are none. */
int fake_code_count (uint64_t calls, bool is_lasting);

#endif
