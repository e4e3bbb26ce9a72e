/* tests/abi/1.0/abi_schedule.c: a schedule as of ABI 1.0, with every type of option that the others do not have.
 *
 *     f = levels[number of epochs whose metric was no better], the last of them from there on; 1 without levels;
 *     divided by the number of updates done in the epoch + 1 where `label` is "harmonic"
 */
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "rondo/plugin.h"

struct options {
    rondo_reals levels;
    const char *label;
};
static const rondo_option option_table[] = {
    RONDO_OPTION_REALS(struct options, levels, "[1, 0.5, 0.25]", 0, 1, "factors"),
    RONDO_OPTION_STRING(struct options, label, "plain", "harmonic: divided by the updates of the epoch"),
    RONDO_OPTION_END,
};

/* state[COUNT] epochs that were no better; state[SEEN] of all; state[BEST] metric so far. */
enum { COUNT, SEEN, BEST, N_STATE };

static rondo_status check(rondo_context *ctx, const void *options) {
    const char *label = ((const struct options *)options)->label;
    return strlen(label) <= 100 ? RONDO_OK : ctx->host->fail(ctx, RONDO_INVALID, "'label' is longer than 100");
}

static rondo_status factor_at(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    const struct options *options = call->options;
    if (call->n_state != N_STATE || call->done < 0 || call->steps < 1) {
        return ctx->host->fail(ctx, RONDO_INTERNAL, "the call has %d numbers of state, expected 3", (int)call->n_state);
    }
    int64_t level = (int64_t)call->state[COUNT];
    level = level < options->levels.count ? level : options->levels.count - 1;
    *factor = level < 0 ? 1 : options->levels.values[level];
    if (strcmp(options->label, "harmonic") == 0) {
        *factor /= (double)(call->done % call->steps_per_epoch + 1);
    }
    if (!isnan(call->lr) && call->lr < 0) {
        return ctx->host->fail(ctx, RONDO_INVALID, "the learning rate is below 0");
    }
    return RONDO_OK;
}

static rondo_status observe(rondo_context *ctx, const rondo_schedule_call *call) {
    (void)ctx;
    double *state = call->state;
    const int is_better =
        state[SEEN] == 0 || (call->higher_is_better ? call->metric > state[BEST] : call->metric < state[BEST]);
    state[SEEN] += 1;
    state[BEST] = is_better ? call->metric : state[BEST];
    state[COUNT] += is_better ? 0 : 1;
    return RONDO_OK;
}

static const rondo_schedule schedule = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "abi_levels",
             .summary = "f = levels[epochs that were no better]",
             .options = option_table,
             .options_size = sizeof(struct options)},
    .n_state = N_STATE,
    .check = check,
    .factor = factor_at,
    .observe = observe,
};

RONDO_PLUGIN("abi_schedule", "1.0", "MIT", &schedule.base);
