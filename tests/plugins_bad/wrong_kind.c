/* A descriptor of an unknown kind. */
#include "good_optimizer.h"

static const rondo_optimizer optimizer = {
    .base = {.struct_size = sizeof(rondo_optimizer), .kind = 77, .name = "wrong_kind", .summary = "nothing"},
    .step = descend,
};

RONDO_PLUGIN("wrong_kind", "1.0", "MIT", &optimizer.base);
