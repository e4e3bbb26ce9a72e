/* core/subnormal.h: switches subnormal numbers off on the calling thread, for a while.
 *
 * A gradient that vanishes over many steps ends among the subnormal numbers (magnitudes below 1.2e-38 in float32), and stays
 * there: half of the least of them rounds to itself or to zero. x86 processors take about 100 times as long for an
 * operation with one. While they are off, a result that would be subnormal is zero, and a subnormal operand counts as zero.
 * Rounding, infinities and not-a-number stay as they are. On processors for which this file has no code, nothing changes.
 *
 * Threads: any; the mode belongs to the thread. */
#ifndef RONDO_CORE_SUBNORMAL_H
#define RONDO_CORE_SUBNORMAL_H

#include <stdint.h>

#if defined(__x86_64__)

enum { SUBNORMAL_BITS = 0x8040 }; /* of MXCSR: results to zero (bit 15), operands as zero (bit 6) */

static inline uint64_t subnormal_mode(void) {
    return __builtin_ia32_stmxcsr();
}

static inline void subnormal_set_mode(uint64_t mode) {
    __builtin_ia32_ldmxcsr((unsigned)mode);
}

#elif defined(__aarch64__)

enum { SUBNORMAL_BITS = 1 << 24 }; /* of FPCR: operands and results (FZ) */

static inline uint64_t subnormal_mode(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

static inline void subnormal_set_mode(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else

enum { SUBNORMAL_BITS = 0 };

static inline uint64_t subnormal_mode(void) {
    return 0;
}

static inline void subnormal_set_mode(uint64_t mode) {
    (void)mode;
}

#endif

/* Switches them off. Returns what subnormal_restore needs. */
static inline uint64_t subnormal_off(void) {
    const uint64_t mode = subnormal_mode();
    if ((mode & SUBNORMAL_BITS) != SUBNORMAL_BITS) {
        subnormal_set_mode(mode | SUBNORMAL_BITS);
    }
    return mode & SUBNORMAL_BITS;
}

/* The state before subnormal_off. Other settings and flags that have changed since are kept. */
static inline void subnormal_restore(uint64_t before) {
    if (before != SUBNORMAL_BITS) {
        subnormal_set_mode((subnormal_mode() & ~(uint64_t)SUBNORMAL_BITS) | before);
    }
}

#endif
