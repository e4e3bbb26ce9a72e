/* Selection between two tensors, element by element.
 *
 * y = a where cond != 0, else b
 * dy/da = 1 where cond != 0, else 0,  dy/db = 1 - dy/da;  the gradient of cond is 0
 *
 * Both operands are loaded before the selection: compilers generate vector code for a selection of values, but not of
 * loads. */
#include "core/kernel.h"
#include "ops/sample.h"

#define WHERE_OF(T, suffix)                                                                                            \
    KERNEL_CLONES static void where_map_##suffix(int64_t count, const void *const *in, void *out) {                    \
        const T *cond = in[0], *a = in[1], *b = in[2];                                                                 \
        T *y = out;                                                                                                    \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T yes = a[i], no = b[i];                                                                             \
            y[i] = cond[i] != 0 ? yes : no;                                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void where_grad_##suffix(int64_t count, const void *condition, int takes_a,                   \
                                                  const void *grad_out, void *grad_in) {                               \
        const T *cond = condition, *g = grad_out;                                                                      \
        T *gx = grad_in;                                                                                               \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            const T passed = g[i];                                                                                     \
            gx[i] = (cond[i] != 0) == takes_a ? passed : 0;                                                            \
        }                                                                                                              \
    }                                                                                                                  \
    KERNEL_CLONES static void where_zero_##suffix(int64_t count, void *grad_in) {                                      \
        T *gx = grad_in;                                                                                               \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            gx[i] = 0;                                                                                                 \
        }                                                                                                              \
    }

WHERE_OF(float, f32)
WHERE_OF(double, f64)

static void where_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    KERNEL_BY_DTYPE(dtype, where_map, count, in, out);
}

static void where_map_grad(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                           const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    if (grad_in[0] != NULL) {
        KERNEL_BY_DTYPE(dtype, where_zero, count, grad_in[0]);
    }
    for (int32_t k = 1; k <= 2; k++) {
        if (grad_in[k] != NULL) {
            KERNEL_BY_DTYPE(dtype, where_grad, count, in[0], k == 1, grad_out, grad_in[k]);
        }
    }
}

/* A randomly drawn condition would never be 0. So every case of the table occurs twice: selecting b, then selecting
 * a. */
static int32_t where_sample(int32_t index, rondo_sample *sample) {
    static const struct ops_case cases[] = {
        {3, 0, NULL, {{0, {0}}, {0, {0}}, {0, {0}}}},       {3, 0, NULL, {{2, {3, 4}}, {2, {3, 4}}, {2, {3, 4}}}},
        {3, 0, NULL, {{2, {3, 1}}, {1, {4}}, {2, {1, 4}}}}, {3, 0, NULL, {{1, {4}}, {2, {3, 1}}, {0, {0}}}},
        {3, 0, NULL, {{2, {0, 4}}, {1, {1}}, {2, {0, 4}}}},
    };
    if (!ops_sample(cases, sizeof cases / sizeof cases[0], index / 2, sample)) {
        return 0;
    }
    sample->low[0] = sample->high[0] = index % 2;
    return 1;
}

const rondo_op op_where = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "where",
             .summary = "y = a where cond != 0, else b; no gradient flows to cond"},
    .flags = RONDO_OP_CHEAP,
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "cond, a, b",
    .map = where_map,
    .map_grad = where_map_grad,
    .sample = where_sample,
    .map_grad_reads = {RONDO_READS_NOTHING, RONDO_READS_INPUT(0), RONDO_READS_INPUT(0)},
};
