/* Gradient descent with momentum, and a second slot that is never used. */
#include "good_optimizer.h"

static const rondo_slot slots[] = {{"velocity", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                   {"spare", RONDO_SLOT_LIKE_PARAMETER, RONDO_SLOT_STATE},
                                   {0}};

static const rondo_optimizer optimizer = GOOD_DESCENT("optimizer_unused_second_slot", slots, descend);

RONDO_PLUGIN("optimizer_unused_second_slot", "1.0", "MIT", &optimizer.base);
