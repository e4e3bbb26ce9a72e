/* plugins/optimizers/versions.h: the inner loops of optimizers, compiled for several generations of processors. Each plug-in gets
 * its own copy.
 *
 * An update reads and writes several arrays and computes little. But with the vectors that every x86-64 processor has, the roots
 * and divisions of Adam take as long as the memory.
 */
#ifndef RONDO_PLUGINS_VERSIONS_H
#define RONDO_PLUGINS_VERSIONS_H

#include <stdint.h> /* defines __GLIBC__ where the C library is glibc */

/* A kernel is written as a function NAME_any, after OPTIMIZER_INLINE. OPTIMIZER_VERSIONS(NAME, (parameters), (arguments)) then
 * defines NAME, which runs the fastest version for this processor. All versions do the same operations in the same order, and
 * plug-ins are compiled with -ffp-contract=off, so results have the same bits.
 *
 * gcc's target_clones would do the same, but with a function that runs when the plug-in is loaded, which `rondo plugin check`
 * refuses. What glibc knows of the processor needs none. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
#if __GLIBC_PREREQ(2, 33)
#define OPTIMIZER_HAS_VERSIONS 1
#endif
#endif

#ifdef OPTIMIZER_HAS_VERSIONS

#include <sys/platform/x86.h>

#define OPTIMIZER_INLINE static inline __attribute__((always_inline))

static inline int optimizer_has_avx2(void) {
    return CPU_FEATURE_ACTIVE(AVX2) && CPU_FEATURE_ACTIVE(FMA) && CPU_FEATURE_ACTIVE(BMI2) &&
           CPU_FEATURE_ACTIVE(LZCNT) && CPU_FEATURE_ACTIVE(MOVBE) && CPU_FEATURE_ACTIVE(F16C);
}

/* The parts of x86-64-v4 without AVX512VL, the same instructions on shorter registers: glibc 2.36 asks for it by a shift that is
 * undefined in C (1 << 31). */
#define OPTIMIZER_AVX512 "arch=x86-64-v3,avx512f,avx512bw,avx512cd,avx512dq,prefer-vector-width=512"

static inline int optimizer_has_avx512(void) {
#ifdef RONDO_NO_AVX512
    return 0;
#else
    return optimizer_has_avx2() && CPU_FEATURE_ACTIVE(AVX512F) && CPU_FEATURE_ACTIVE(AVX512BW) &&
           CPU_FEATURE_ACTIVE(AVX512CD) && CPU_FEATURE_ACTIVE(AVX512DQ);
#endif
}

#define OPTIMIZER_VERSIONS(name, parameters, arguments)                                                                \
    __attribute__((target(OPTIMIZER_AVX512))) static void name##_avx512 parameters {                                   \
        name##_any arguments;                                                                                          \
    }                                                                                                                  \
    __attribute__((target("arch=x86-64-v3"))) static void name##_avx2 parameters {                                     \
        name##_any arguments;                                                                                          \
    }                                                                                                                  \
    static void name parameters {                                                                                      \
        if (optimizer_has_avx512()) {                                                                                  \
            name##_avx512 arguments;                                                                                   \
        } else if (optimizer_has_avx2()) {                                                                             \
            name##_avx2 arguments;                                                                                     \
        } else {                                                                                                       \
            name##_any arguments;                                                                                      \
        }                                                                                                              \
    }

#else

#define OPTIMIZER_INLINE static
#define OPTIMIZER_VERSIONS(name, parameters, arguments)                                                                \
    static void name parameters {                                                                                      \
        name##_any arguments;                                                                                          \
    }

#endif

#endif
