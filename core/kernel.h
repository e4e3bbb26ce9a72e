/* core/kernel.h: how inner loops are compiled, in core and in ops. Macros only; the one header of core that ops include.
 *
 * Kernels are dtype templates: a macro NAME_OF(T, suffix) defines NAME_f32 and NAME_f64 from the same source.
 */
#ifndef RONDO_CORE_KERNEL_H
#define RONDO_CORE_KERNEL_H

#include <stdint.h> /* defines __GLIBC__ where the C library is glibc, whatever the file includes before or after */

/* Written before a function: the function is compiled for the vector registers of several generations of x86-64
 * processors, and the fastest version that the machine can run is chosen when the program starts: with AVX-512, with AVX2 and
 * FMA, or for every x86-64. All versions do the same operations in the same order, and with -std=c11 the compiler does not
 * contract a * b + c into one operation, unless the source says fmaf, so results have the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_THREAD__) /* it would instrument the choice, which runs before the sanitizer is ready */
#ifdef RONDO_NO_AVX512
#define KERNEL_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define KERNEL_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
#else
#define KERNEL_CLONES
#endif

/* Written before a loop whose iterations do not depend on each other, so that several of them can run in one vector
 * register. The loop may write element i of an array after reading it, which a compiler would otherwise treat as an
 * overlap. Not for a loop that adds up elements: the order of a sum decides its bits. Needs the flag -fopenmp-simd, but
 * no OpenMP library; compilers other than gcc and clang ignore it, and decide by their own analysis. */
#if defined(__GNUC__)
#define KERNEL_LOOP _Pragma("omp simd")
#else
#define KERNEL_LOOP
#endif

/* Written before a function that functions with KERNEL_CLONES call: it becomes a part of each of their versions. A copy that
 * the compiler did not put into its callers would be compiled for the oldest processors. */
#if defined(__GNUC__)
#define KERNEL_INLINE static inline __attribute__((always_inline))
#else
#define KERNEL_INLINE static inline
#endif

/* Calls the kernel NAME_f32 or NAME_f64; rondo/plugin.h has the dtypes. */
#define KERNEL_BY_DTYPE(dtype, name, ...)                                                                              \
    do {                                                                                                               \
        if ((dtype) == RONDO_F32) {                                                                                    \
            name##_f32(__VA_ARGS__);                                                                                   \
        } else {                                                                                                       \
            name##_f64(__VA_ARGS__);                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
