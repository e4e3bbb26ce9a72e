/* A descriptor without a name. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER(NULL);

RONDO_PLUGIN("null_name", "1.0", "MIT", &optimizer.base);
