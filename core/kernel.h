/* core/kernel.h: how the inner loops of core are compiled; ops/kernel.h is its counterpart for ops. */
#ifndef RONDO_CORE_KERNEL_H
#define RONDO_CORE_KERNEL_H

/* Written before a function: the function is compiled for the vector registers of several generations of x86-64
 * processors, and the fastest version that the machine can run is chosen when the program starts. All versions do the
 * same operations in the same order, and with -std=c11 the compiler does not contract a * b + c into one operation, so
 * results have the same bits. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_THREAD__) /* it would instrument the choice, which runs before the sanitizer is ready */
#define CORE_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CORE_KERNEL
#endif

/* Written before a loop whose iterations do not depend on each other, so that several of them can run in one vector
 * register. The loop may write element i of an array after reading it, which a compiler would otherwise treat as an
 * overlap. Not for a loop that adds up elements: the order of a sum decides its bits. Needs the flag -fopenmp-simd, but
 * no OpenMP library; compilers other than gcc and clang ignore it, and decide by their own analysis. */
#if defined(__GNUC__)
#define CORE_LOOP _Pragma("omp simd")
#else
#define CORE_LOOP
#endif

#endif
