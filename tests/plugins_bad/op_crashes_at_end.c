/* An op that follows a null pointer where its option is at the upper end. */
#include "good_scale.h"

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    volatile double *volatile nothing = NULL;
    if (scale_of(options) == 100) {
        *nothing = 1;
    }
    scale_map(options, dtype, count, in, out);
}

static const rondo_op op = GOOD_SCALE("op_crashes_at_end", map, scale_map_grad);

RONDO_PLUGIN("op_crashes_at_end", "1.0", "MIT", &op.base);
