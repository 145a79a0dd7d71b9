#include "clinux_heap.h"

#include <malloc.h>

void skiff_trim_heap(void) { malloc_trim(0); }
