/* An op whose gradient reads its input, which map_grad_reads does not declare. */
#include "good_op.h"

static const rondo_op op = GOOD_MAP("op_reads_more", 1, RONDO_ROLE_NONE, RONDO_READS_OUTPUT, good_map, good_map_grad);

RONDO_PLUGIN("op_reads_more", "1.0", "MIT", &op.base);
