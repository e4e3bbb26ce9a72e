/* An elementwise op that cannot write over its input: it clears its output first. */
#include "good_op.h"

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    for (int64_t i = 0; i < count; i++) {
        put(out, dtype, i, 0);
    }
    for (int64_t i = 0; i < count; i++) {
        const double x = get(in[0], dtype, i);
        put(out, dtype, i, get(out, dtype, i) + x * x);
    }
}

static const rondo_op op = GOOD_MAP("op_breaks_aliased", 1, RONDO_ROLE_NONE, 0, map, good_map_grad);

RONDO_PLUGIN("op_breaks_aliased", "1.0", "MIT", &op.base);
