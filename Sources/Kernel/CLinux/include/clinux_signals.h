#ifndef SKIFF_CLINUX_SIGNALS_H
#define SKIFF_CLINUX_SIGNALS_H

#include <stdint.h>

/* Blocks the signals of `mask` (bit n-1 for signal n) and gives a descriptor from which they are read instead,
   close-on-exec, non-blocking; or the negated errno. */
int32_t skiff_signalfd(uint64_t mask);
/* The next signal's number, and the pid of its sender; 0 where none is waiting; or the negated errno. */
int32_t skiff_read_signal(int32_t descriptor, int32_t *sender);

/* Handles the signals of `mask` by writing each one's number as a byte to a pipe, and gives the pipe's read end,
   close-on-exec and blocking; or the negated errno. For processes whose threads other libraries make, with whatever
   signal mask. To be called once. */
int32_t skiff_forward_signals(uint64_t mask);

#endif
