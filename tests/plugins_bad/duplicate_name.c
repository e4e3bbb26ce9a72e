/* An optimizer with the name of one that Rondo ships. */
#include "good.h"

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("sgd");

RONDO_PLUGIN("duplicate_name", "1.0", "MIT", &optimizer.base);
