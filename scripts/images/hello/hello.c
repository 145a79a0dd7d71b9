/* The program of the hello-world image: no C library, two system calls, about a kilobyte. */

static const char text[] =
    "\n"
    "Hello from Docker!\n"
    "... or from Skiff, which answers to the same name. This line proves that:\n"
    " 1. the client reached the daemon over its socket,\n"
    " 2. the daemon found the \"hello-world\" image and unpacked its only layer,\n"
    " 3. a container was made from it, with namespaces and a control group of its own,\n"
    " 4. what its program wrote came back to this terminal.\n"
    "\n"
    "Next, a shell in a container:  skiff run -it busybox sh\n"
    "\n";

static long call(long number, long a, long b, long c) {
#if defined(__x86_64__)
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#else
#error "hello.c: add the system call instruction of this architecture"
#endif
}

#if defined(__x86_64__)
enum { WRITE = 1, EXIT = 60 };
#else
enum { WRITE = 64, EXIT = 93 };
#endif

void _start(void) {
    long length = sizeof text - 1;
    call(EXIT, call(WRITE, 1, (long)text, length) != length, 0, 0);
    __builtin_unreachable();
}
