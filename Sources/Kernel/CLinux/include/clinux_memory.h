#ifndef SKIFF_CLINUX_MEMORY_H
#define SKIFF_CLINUX_MEMORY_H

#include <stdint.h>

/* The allocator's number of arenas, and the free bytes at an arena's end beyond which memory goes back to the kernel
   (mallopt(3)). */
void skiff_limit_malloc(int32_t arenas, int32_t trim_threshold);

/* Gives what is free back to the kernel (malloc_trim(3)). */
void skiff_trim_malloc(void);

/* Unmaps what the process has used and may not need again for long: the pages of its own program that are the same in
   the file (they come back from the page cache when touched), and the part of the stack below the caller. For a process
   with one thread that goes to sleep. */
void skiff_forget_pages(void);

#endif
