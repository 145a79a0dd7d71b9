#ifndef SKIFF_CLINUX_INIT_H
#define SKIFF_CLINUX_INIT_H

#include <stdint.h>

/* Runs `arguments` (terminated by a null pointer) as a child in a process group of its own, passes signals on to it,
   reaps every process that ends, and returns the child's exit status, or 128 and the number of the signal that ended it.
   127 where there is no such program, 126 where it cannot be executed. For the process 1 of a PID namespace. */
int skiff_init_run(char *const *arguments);

#endif
