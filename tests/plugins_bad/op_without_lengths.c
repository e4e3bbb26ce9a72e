/* An op that looks along sequences, without the lengths on which it could be tested. */
#include "good_sequence.h"

static const rondo_op op =
    GOOD_SEQUENCE("op_without_lengths", sequence_infer, sequence_forward, sequence_backward, NULL);

RONDO_PLUGIN("op_without_lengths", "1.0", "MIT", &op.base);
