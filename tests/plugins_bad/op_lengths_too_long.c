/* An op that looks along sequences, with a case whose sequences of m have more elements than its sample. */
#include "good_sequence.h"

static int32_t lengths_too_long(int32_t index, int32_t input, int64_t lengths[RONDO_SAMPLE_SEQUENCES]) {
    const int32_t count = sequence_lengths(index, input, lengths);
    lengths[2] += input == 1 && index == 1;
    return count;
}

static const rondo_op op =
    GOOD_SEQUENCE("op_lengths_too_long", sequence_infer, sequence_forward, sequence_backward, lengths_too_long);

RONDO_PLUGIN("op_lengths_too_long", "1.0", "MIT", &op.base);
