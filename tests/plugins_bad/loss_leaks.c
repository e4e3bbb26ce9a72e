/* A loss that allocates 40 bytes per batch and never frees them. */
#include "good_loss.h"

#include <stdlib.h>

static rondo_value record(rondo_context *ctx, const rondo_loss_call *call, rondo_value outputs, rondo_value targets) {
    volatile char *lost = malloc(40);
    if (lost != NULL) {
        lost[0] = 0;
    }
    return good_record(ctx, call, outputs, targets);
}

static const rondo_loss loss = GOOD_LOSS("loss_leaks", record, good_predict, good_measure);

RONDO_PLUGIN("loss_leaks", "1.0", "MIT", &loss.base);
