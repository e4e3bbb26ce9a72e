/* A list of slots without the row that ends it: what follows it is not a row. */
#include "good_optimizer.h"

static const struct {
    rondo_slot rows[2];
    const void *after[2];
} list = {
    {{"first", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE}, {"second", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE}},
    {(const void *)8, (const void *)8}};

static const rondo_optimizer optimizer = GOOD_DESCENT("slots_without_end", list.rows, descend);

RONDO_PLUGIN("slots_without_end", "1.0", "MIT", &optimizer.base);
