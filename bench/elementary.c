/* bench/elementary.c: exp, tanh and sigmoid beside the same functions of SLEEF and of libmvec, as a table.
 *
 *     bench_elementary
 *         For each function, nanoseconds of one thread for one of 512 numbers in the first-level cache, and the largest error in
 *         units in the last place, against the functions of libm in double precision, for numbers from -20 to 20. A figure is
 *         the least of nine turns; the libraries take them one after the other. All use registers of the same width: 512 bits
 *         where Rondo does, 256 otherwise. The libraries are opened at run time: libsleef.so.3 (Debian: libsleef3) and libmvec.so.1
 *         (glibc). Neither has a sigmoid, which is computed from their exp. x86-64 only.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __x86_64__
#include <dlfcn.h>
#include <immintrin.h>

#include "bench/timing.h"
#include "rondo/plugin.h"

enum { COUNT = 512, TIMES = 400, ROUNDS = 9, FUNCTIONS = 3, SWEEP = 1 << 20 };

static const char *const names[FUNCTIONS] = {"exp", "tanh", "sigmoid"};

static double reference(int function, double x) {
    return function == 0 ? exp(x) : function == 1 ? tanh(x) : 1 / (1 + exp(-x));
}

/* Registered ops; each file of ops/ has its own. */
extern const rondo_op op_exp, op_tanh, op_sigmoid;

/* A vector function of a library; the sigmoid takes exp. */
typedef __m512 vector_16(__m512);
typedef __m256 vector_8(__m256);

struct library {
    const char *name, *file;
    const char *symbols[2][2]; /* exp, tanh; of 8 and of 16 numbers */
    void *functions[2];        /* of the width that is measured; NULL: not there */
};

static struct library libraries[] = {
    {"SLEEF",
     "libsleef.so.3",
     {{"Sleef_expf8_u10avx2", "Sleef_tanhf8_u10avx2"}, {"Sleef_expf16_u10avx512f", "Sleef_tanhf16_u10avx512f"}},
     {NULL}},
    {"libmvec", "libmvec.so.1", {{"_ZGVdN8v_expf", "_ZGVdN8v_tanhf"}, {"_ZGVeN16v_expf", "_ZGVeN16v_tanhf"}}, {NULL}},
};
enum { LIBRARIES = sizeof libraries / sizeof *libraries };

static int is_wide(void) {
#ifdef RONDO_NO_AVX512
    return 0;
#else
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#endif
}

/* y = f(x) by a library, `numbers` at a time: the vectors, intrinsics and functions of one width. */
#define MAP_BY_LIBRARY(name, instructions, numbers, vector, function_type, op)                                         \
    __attribute__((target(instructions))) static void name(const struct library *library, int function,                \
                                                           const float *x, float *y) {                                 \
        function_type *exponential, *tangent;                                                                          \
        memcpy(&exponential, &library->functions[0], sizeof exponential);                                              \
        memcpy(&tangent, &library->functions[1], sizeof tangent);                                                      \
        const vector one = op(set1_ps)(1), zero = op(setzero_ps)();                                                    \
        for (int i = 0; i < COUNT; i += (numbers)) {                                                                   \
            const vector in = op(loadu_ps)(x + i);                                                                     \
            const vector out = function == 0   ? exponential(in)                                                       \
                               : function == 1 ? tangent(in)                                                           \
                                               : op(div_ps)(one, op(add_ps)(one, exponential(op(sub_ps)(zero, in))));  \
            op(storeu_ps)(y + i, out);                                                                                 \
        }                                                                                                              \
    }
#define OP_16(name) _mm512_##name
#define OP_8(name)  _mm256_##name
MAP_BY_LIBRARY(map_16, "avx512f", 16, __m512, vector_16, OP_16)
MAP_BY_LIBRARY(map_8, "avx2", 8, __m256, vector_8, OP_8)

/* library NULL: Rondo. */
static void map(const struct library *library, int function, const float *x, float *y) {
    static const rondo_op *const ops[FUNCTIONS] = {&op_exp, &op_tanh, &op_sigmoid};
    if (library == NULL) {
        const void *inputs[1] = {x};
        ops[function]->map(NULL, RONDO_F32, COUNT, inputs, y);
    } else if (is_wide()) {
        map_16(library, function, x, y);
    } else {
        map_8(library, function, x, y);
    }
}

static double nanoseconds(const struct library *library, int function) {
    float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++) {
        x[i] = 0.01F * (float)(i - COUNT / 2);
    }
    map(library, function, x, y);
    const double before = timing_now(CLOCK_MONOTONIC);
    for (int k = 0; k < TIMES; k++) {
        map(library, function, x, y);
    }
    return 1e9 * (timing_now(CLOCK_MONOTONIC) - before) / ((double)TIMES * COUNT);
}

static double worst_error(const struct library *library, int function) {
    float x[COUNT], y[COUNT];
    double worst = 0;
    for (int at = 0; at < SWEEP; at += COUNT) {
        for (int i = 0; i < COUNT; i++) {
            x[i] = (float)(40.0 * (at + i) / SWEEP - 20);
        }
        map(library, function, x, y);
        for (int i = 0; i < COUNT; i++) {
            const double right = reference(function, x[i]);
            const float near = fabsf((float)right);
            const double unit = (double)nextafterf(near, INFINITY) - near;
            const double error = fabs(y[i] - right) / unit;
            worst = error > worst ? error : worst;
        }
    }
    return worst;
}

static void open_library(struct library *library) {
    void *handle = dlopen(library->file, RTLD_NOW);
    for (int f = 0; f < 2; f++) {
        library->functions[f] = handle == NULL ? NULL : dlsym(handle, library->symbols[is_wide()][f]);
    }
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "usage: bench_elementary\n");
        return 2;
    }
    printf("Registers of %d bits.\n\n| function | Rondo ns, ulp |", is_wide() ? 512 : 256);
    for (int l = 0; l < LIBRARIES; l++) {
        open_library(&libraries[l]);
        printf(" %s ns, ulp | / Rondo |", libraries[l].name);
    }
    printf("\n|---|---|---|---|---|---|\n");
    for (int f = 0; f < FUNCTIONS; f++) {
        double best[LIBRARIES + 1];
        for (int round = 0; round < ROUNDS; round++) {
            for (int l = 0; l <= LIBRARIES; l++) {
                const struct library *library = l == 0 ? NULL : &libraries[l - 1];
                if (library == NULL || library->functions[f == 1] != NULL) {
                    const double time = nanoseconds(library, f);
                    best[l] = round == 0 || time < best[l] ? time : best[l];
                }
            }
        }
        printf("| %s | %.3f, %.1f |", names[f], best[0], worst_error(NULL, f));
        for (int l = 0; l < LIBRARIES; l++) {
            if (libraries[l].functions[f == 1] == NULL) {
                printf(" %s is not there | |", libraries[l].file);
            } else {
                printf(" %.3f, %.1f | %.2f |", best[l + 1], worst_error(&libraries[l], f), best[l + 1] / best[0]);
            }
        }
        printf("\n");
    }
    return 0;
}
#else
int main(void) {
    fprintf(stderr, "bench_elementary: SLEEF and libmvec are measured on x86-64 only\n");
    return 2;
}
#endif
