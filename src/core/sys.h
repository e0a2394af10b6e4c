/*
** The seam: every system call, allocation and clock reading of the core goes
** through these functions. sys.c is the real side; a spec links a side of its
** own instead, in which each can be made to fail and time stands still until
** it is moved. Any thread. Results are 0 or more, or -errno.
*/

#ifndef PEXEC_CORE_SYS_H
#define PEXEC_CORE_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pexec__plan;

/* {== memory ==== */
void *pexec__malloc (size_t size);
void *pexec__calloc (size_t count, size_t size);
void *pexec__realloc (void *block, size_t size);
void pexec__free (void *block);
char *pexec__strdup (const char *text);  /* NULL gives NULL */

/* {== clock: CLOCK_MONOTONIC, ns; a jump of the wall clock changes nothing */
int64_t pexec__now (void);
int64_t pexec__wall_now (void);          /* CLOCK_REALTIME, for people, ns */
double pexec__lot (void);                /* from 0 to below 1, by chance */

/* {== descriptors ==== */
int pexec__pipe (int fds[2]);            /* close-on-exec; [0] non-blocking */
int pexec__input_pipe (int fds[2]);      /* the same; [1] non-blocking */
int pexec__eventfd (void);               /* close-on-exec, non-blocking */
int pexec__open (const char *path, int flags, int mode);  /* close-on-exec */
ssize_t pexec__read (int fd, void *data, size_t size);
ssize_t pexec__write (int fd, const void *data, size_t size);
int pexec__readable_bytes (int fd);      /* FIONREAD */
int pexec__pipe_size (int fd);           /* how much it holds */
int pexec__set_pipe_size (int fd, int size);  /* what it is then, or -errno */
int pexec__is_directory (int fd);        /* 1, 0 */
int pexec__set_blocking (int fd);
void pexec__close (int fd);
/* Puts /dev/null on those of 0, 1 and 2 that the host has closed, for as
   long as something is opened that may not get such a number; a bit for
   each. */
unsigned pexec__fill_standard (void);
void pexec__free_standard (unsigned filled);
/* 1 readable, 0 timeout, -EINTR and the like */
int pexec__poll_readable (int fd, int timeout_ms);
int pexec__poll_writable (int fd, int timeout_ms);  /* the same */

/* {== files ==== */
enum pexec__file_kind {
  PEXEC__REGULAR, PEXEC__FIFO, PEXEC__CHARACTER_DEVICE, PEXEC__DIRECTORY,
  PEXEC__LINK, PEXEC__OTHER_KIND
};

struct pexec__file_status {
  enum pexec__file_kind kind;
  uint64_t device, inode;                /* both: which file it is */
  unsigned links;                        /* its names; 0: it was deleted */
  unsigned mode;                         /* permissions alone */
  int64_t size;
  int64_t written_at_ns;                 /* CLOCK_REALTIME */
};

int pexec__file_of (int fd, struct pexec__file_status *status);
/* Of a symbolic link itself, unless it 'follows' it. */
int pexec__file_at (const char *path, bool follows,
                    struct pexec__file_status *status);
int pexec__set_mode (int fd, unsigned mode);  /* whatever the umask */
ssize_t pexec__read_at (int fd, void *data, size_t size, int64_t offset);
/* Takes the place of what is called 'to'. */
int pexec__rename (const char *from, const char *to);
/* -EEXIST where there is one, wherever the file system can tell. */
int pexec__rename_new (const char *from, const char *to);
int pexec__unlink (const char *path);
/* Has anybody opened it for writing? Of an 'fd' that only reads. 0 where the
   file system cannot tell. */
int pexec__is_written_to (int fd);

/* {== directories: what is in one, by its descriptor ==== */
int pexec__open_at (int dir_fd, const char *name, int flags);
int pexec__make_directory_at (int dir_fd, const char *name);  /* 0755 */
int pexec__remove_directory_at (int dir_fd, const char *name);
/* Calls see(argument, name) for each directory in it. 0 or -errno. */
int pexec__each_directory (int dir_fd,
                           void (*see) (void *argument, const char *name),
                           void *argument);
/* That pexec has made it, for all who look; as far as the file system can
   keep that. */
void pexec__mark (int dir_fd);
bool pexec__is_marked (int dir_fd);
/* Until the last copy of 'fd' is closed. -EAGAIN: another has it. */
int pexec__lock (int fd);

/* {== processes ==== */
int pexec__self (void);                  /* getpid */
int pexec__cores (void);                 /* how many there are; at least 1 */
int64_t pexec__own_max_rss (void);       /* the most so far, bytes */

/* As pexec_kernel_lacks. */
const char *pexec__kernel_lacks (void);
/* Is pexec__signal_group not to be had? PEXEC_BASIC_KERNEL=1 in the
   environment says so too, for specs. The host's thread: it reads that. */
bool pexec__kernel_is_basic (void);

/* How an exit was learned. */
struct pexec__status {
  bool is_known;      /* false: reaped by somebody else, and no word of it */
  int code;           /* exit code; -1 for a death by signal */
  int signo;
  bool core_dumped;
  bool has_usage;     /* these are known, of it and those it waited for: */
  int64_t user_ns, system_ns;
  int64_t max_rss;    /* bytes */
};

/* waitid on this pidfd alone, without blocking. 1: dead, and *status says
   how; 0: alive. 'reap' false leaves the zombie, which reserves its number. */
int pexec__wait (int pidfd, bool reap, struct pexec__status *status);

/* What PIDFD_GET_INFO still tells of a process that somebody else reaped. */
int pexec__exit_info (int pidfd, struct pexec__status *status);

int pexec__signal (int pidfd, int signo);
/* To the group that the process of 'pidfd' leads, also after it was reaped
   (Linux 6.9); -EINVAL where the kernel cannot. */
int pexec__signal_group (int pidfd, int signo);
int pexec__kill_group (int pgid, int signo);  /* by number */
int pexec__process_open (int pid);       /* a pidfd */
int pexec__group_of (int pid);           /* getpgid */

/* A process of anybody's. */
struct pexec__living {
  int pid, pgid;
  char name[16];      /* of its program, cut off; any byte but 0 */
};

/* Calls see(argument, one) for each process that is alive (no zombie). 0, or
   -errno where it cannot be known. */
int pexec__each_living (void (*see) (void *argument,
                                     const struct pexec__living *one),
                        void *argument);
/* The one of this number: 0, or -ESRCH where there is none alive. */
int pexec__living_at (int pid, struct pexec__living *one);

/* Makes the child of a plan (clone, then child.c); fills pid and pidfd. */
int pexec__clone (struct pexec__plan *plan);

#endif
