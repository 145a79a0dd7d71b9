#ifndef SKIFF_CLINUX_HEAP_H
#define SKIFF_CLINUX_HEAP_H

/* Gives unused memory of the heap back to the kernel, from its middle too. */
void skiff_trim_heap(void);

#endif
