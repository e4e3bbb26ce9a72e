/* An op that never reads its option. */
#include "good_scale.h"

static const rondo_op op = GOOD_SCALE("op_ignores_option", good_map, good_map_grad);

RONDO_PLUGIN("op_ignores_option", "1.0", "MIT", &op.base);
