/* Takes 0.15 seconds to load. */
#define _POSIX_C_SOURCE 200809L
#include <time.h>

#include "good.h"

__attribute__((constructor)) static void wait(void) {
    const struct timespec duration = {0, 150000000};
    nanosleep(&duration, NULL);
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("slow_to_load");

RONDO_PLUGIN("slow_to_load", "1.0", "MIT", &optimizer.base);
