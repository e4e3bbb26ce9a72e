/* core/kernel.h: how inner loops are compiled, in core and in ops. Macros only; the one header of core that ops include.
 *
 * Kernels are dtype templates: a macro NAME_OF(T, suffix) defines NAME_f32 and NAME_f64 from the same source.
 */
#ifndef RONDO_CORE_KERNEL_H
#define RONDO_CORE_KERNEL_H

/* Before a function: it is compiled for the vector registers of several generations of x86-64 processors, and the fastest
 * version that the machine can run is chosen when the program starts (exp is 4 times as fast with AVX-512 as with SSE2,
 * which every x86-64 has). All versions do the same operations in the same order, and -std=c11 forbids contracting a
 * product and a sum, so results have the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_THREAD__) /* which instruments the choice, and that runs before the sanitizer is ready */
#define KERNEL_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define KERNEL_CLONES
#endif

/* Before a loop whose iterations do not depend on each other, so that several of them can run in one vector register. It
 * may write to the array that it reads, element by element, which a compiler would otherwise treat as an overlap. Not for
 * a loop that adds up elements: the order of a sum decides its bits. Needs -fopenmp-simd and no OpenMP library; other
 * compilers leave the choice to their own analysis. */
#if defined(__GNUC__)
#define KERNEL_LOOP _Pragma("omp simd")
#else
#define KERNEL_LOOP
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
