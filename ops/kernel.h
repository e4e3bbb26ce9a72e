/* ops/kernel.h: macros that control how the inner loops of this folder are compiled.
 *
 * Kernels are dtype templates: a macro NAME_OF(T, suffix) defines NAME_f32 and NAME_f64 from the same source.
 */
#ifndef RONDO_OPS_KERNEL_H
#define RONDO_OPS_KERNEL_H

#include "rondo/plugin.h"

/* Written before a kernel: it is compiled for the vector instructions of several processor generations, and the fastest
 * version that the machine supports is chosen when the program starts (exp is 4 times as fast with AVX-512 as with
 * SSE2, which every x86-64 has). All versions do the same operations in the same order, and -std=c11 forbids
 * contracting a product and a sum, so the results have the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_THREAD__) /* it would instrument the choice, which runs before the sanitizer is ready */
#define OPS_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define OPS_KERNEL
#endif

/* Written before a loop whose iterations do not depend on each other, so that several of them can run in one vector
 * register. The loop may write element i of an array after reading it, which a compiler would otherwise treat as an
 * overlap. Not for a loop that adds up elements: the order of a sum decides its bits. Needs the flag -fopenmp-simd, but
 * no OpenMP library; compilers other than gcc and clang ignore it, and decide by their own analysis. */
#if defined(__GNUC__)
#define OPS_LOOP _Pragma("omp simd")
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
