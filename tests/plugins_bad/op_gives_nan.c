/* An op that is not-a-number on part of what it is drawn from: y = x^2 by way of the root of x. */
#include "good_op.h"

#include <math.h>

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        put(out, dtype, i, pow(sqrt(get(in[0], dtype, i)), 4));
    }
}

static const rondo_op op = GOOD_MAP("op_gives_nan", 1, RONDO_ROLE_NONE, 0, map, good_map_grad);

RONDO_PLUGIN("op_gives_nan", "1.0", "MIT", &op.base);
