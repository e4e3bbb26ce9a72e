/* Two optimizers with one name. */
#include "good.h"

static const rondo_optimizer first = GOOD_OPTIMIZER("same_name_twice");
static const rondo_optimizer second = GOOD_OPTIMIZER("same_name_twice");

RONDO_PLUGIN("same_name_twice", "1.0", "MIT", &first.base, &second.base);
