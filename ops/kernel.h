/* ops/kernel.h: how the inner loops of this folder are compiled.
 *
 * Kernels come as dtype templates: a macro NAME_OF(T, suffix) writes NAME_f32 and NAME_f64 from one text.
 */
#ifndef RONDO_OPS_KERNEL_H
#define RONDO_OPS_KERNEL_H

#include "rondo/plugin.h"

/* In front of a kernel: it is compiled for the vector registers of several generations of processors, and the fastest
 * that the machine has is chosen when the program starts (exp runs 4 times as fast on AVX-512 as on the SSE2 that every
 * x86-64 has). The generations do the same operations in the same order, and -std=c11 joins none of them into one
 * rounding, so results are the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#define OPS_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define OPS_KERNEL
#endif

/* In front of a loop: no step of it depends on another. It may write to the array that it reads, element by element,
 * which a compiler would otherwise take for an overlap and leave its vector code. */
#if defined(__GNUC__) && !defined(__clang__)
#define OPS_LOOP _Pragma("GCC ivdep")
#else
#define OPS_LOOP
#endif

/* Calls the kernel NAME_f32 or NAME_f64. */
#define OPS_BY_DTYPE(dtype, name, ...)                                                                                 \
    do {                                                                                                               \
        if ((dtype) == RONDO_F32) {                                                                                    \
            name##_f32(__VA_ARGS__);                                                                                   \
        } else {                                                                                                       \
            name##_f64(__VA_ARGS__);                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
