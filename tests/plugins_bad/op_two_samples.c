/* An op with two samples. */
#include "good_op.h"

static int32_t sample(int32_t index, rondo_sample *sample) {
    return index < 2 && good_sample(index, sample);
}

static const rondo_op op = GOOD_OP("op_two_samples", 0, good_infer, good_forward, good_backward, sample);

RONDO_PLUGIN("op_two_samples", "1.0", "MIT", &op.base);
