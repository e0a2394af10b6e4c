/* What bench/writer.c writes, and bench/flow.c looks for. */

#ifndef PEXEC_BENCH_WRITER_H
#define PEXEC_BENCH_WRITER_H

#define PEXEC_WRITER_LINE 100
#define PEXEC_WRITER_LAST_LINE "the last line of the writer"

#endif
