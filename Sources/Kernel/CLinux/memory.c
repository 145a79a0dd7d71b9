#include "clinux_memory.h"

#include <malloc.h>

void skiff_limit_malloc(int32_t arenas, int32_t trim_threshold) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

void skiff_trim_malloc(void) { malloc_trim(0); }
