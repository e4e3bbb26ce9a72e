/* Rounding down, and the remainder of a division.
 *
 * Both functions have jumps. The derivatives are those at all other points. */
#include <tgmath.h>

#include "ops/elementwise.h"

/* y = the largest whole number <= x. The derivative is 0 wherever it exists. */
#define FLOOR_OF(T, suffix)                                                                                            \
    KERNEL_CLONES static void floor_map_##suffix(int64_t count, const void *in, void *out) {                           \
        const T *x = in;                                                                                               \
        T *y = out;                                                                                                    \
        KERNEL_LOOP                                                                                                    \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            y[i] = floor(x[i]);                                                                                        \
        }                                                                                                              \
    }
FLOOR_OF(float, f32)
FLOOR_OF(double, f64)

static void floor_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    KERNEL_BY_DTYPE(dtype, floor_map, count, in[0], out);
}

const rondo_op op_floor = {
    .base = {.struct_size = sizeof(rondo_op),
             .kind = RONDO_KIND_OP,
             .name = "floor",
             .summary = "y = the largest whole number <= x; no gradient flows to x"},
    .flags = RONDO_OP_CHEAP | RONDO_OP_NO_GRADIENT,
    .min_inputs = 1,
    .max_inputs = 1,
    .operands = "x",
    .map = floor_map,
};

/* a - b floor(a / b), without the rounding error of the quotient: fmod is exact and has the sign of a. */
#define REMAINDER(a, b) (fmod(a, b) != 0 && (a < 0) != (b < 0) ? fmod(a, b) + b : fmod(a, b))

/* y = a - b floor(a / b), as % in Python: it has the sign of b.  dy/da = 1,  dy/db = -floor(a / b) = -(a - y) / b */
ELEMENTWISE_BINARY(remainder, REMAINDER(a, b), 1, -rint((a - y) / b))
const rondo_op op_remainder = ELEMENTWISE_OP(remainder, 2, "a, b", "y = a - b floor(a / b), which has the sign of b",
                                             0.5, 2, 0, READS_NOTHING, READS_A | READS_B | READS_Y);
