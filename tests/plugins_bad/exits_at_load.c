/* Ends the process when it is loaded. */
#include <stdlib.h>

#include "good.h"

__attribute__((constructor)) static void end(void) {
    exit(3);
}

static const rondo_optimizer optimizer = GOOD_OPTIMIZER("exits_at_load");

RONDO_PLUGIN("exits_at_load", "1.0", "MIT", &optimizer.base);
