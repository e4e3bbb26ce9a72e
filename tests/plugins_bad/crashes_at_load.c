/* Writes to an unmapped address when it is loaded. */
#include "good.h"

static volatile uintptr_t nowhere = 64;

__attribute__((constructor)) static void crash(void) {
    *(volatile int *)nowhere = 1;
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("crashes_at_load");

RONDO_PLUGIN("crashes_at_load", "1.0", "MIT", &optimizer.base);
