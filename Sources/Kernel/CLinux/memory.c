#define _GNU_SOURCE
#include "clinux_memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Below the frame of the function that is called last; a red zone, and what madvise itself needs. */
#define STACK_KEPT 8192
/* Deeper than the start ever goes. Less than the gap that the kernel keeps below a stack. */
#define STACK_DEPTH (512 << 10)

void skiff_limit_malloc(int32_t arenas, int32_t trim_threshold) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_TRIM_THRESHOLD, trim_threshold);
}

void skiff_trim_malloc(void) { malloc_trim(0); }

static int forget_segments(struct dl_phdr_info *program, size_t size, void *page) {
    (void)size;
    uintptr_t mask = *(uintptr_t *)page - 1;
    for (int index = 0; index < program->dlpi_phnum; index++) {
        const ElfW(Phdr) *segment = &program->dlpi_phdr[index];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W) continue;
        uintptr_t start = (program->dlpi_addr + segment->p_vaddr + mask) & ~mask;
        uintptr_t end = (program->dlpi_addr + segment->p_vaddr + segment->p_filesz) & ~mask;
        if (start < end) madvise((void *)start, end - start, MADV_DONTNEED);
    }
    /* Only the program itself, which comes first. */
    return 1;
}

void skiff_forget_pages(void) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    dl_iterate_phdr(forget_segments, &page);
    uintptr_t end = ((uintptr_t)__builtin_frame_address(0) - STACK_KEPT) & ~(page - 1);
    madvise((void *)(end - STACK_DEPTH), STACK_DEPTH, MADV_DONTNEED);
}
