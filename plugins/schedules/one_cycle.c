/* plugins/schedules/one_cycle.c: a rise to the peak, and a fall to far below the start.
 *
 * Source: Smith, "A disciplined approach to neural network hyper-parameters: part 1", arXiv 1803.09820 (2018), section
 * 4.1. The same numbers as PyTorch's torch.optim.lr_scheduler.OneCycleLR, where `lr` of the optimizer is max_lr, with
 * div_factor `initial_division`, final_div_factor `final_division`, pct_start `rise` and anneal_strategy `shape`.
 * PyTorch also cycles the momentum; here the optimizer's momentum does not change.
 *
 * The convention at the end is also PyTorch's: the last update of the length has the smallest factor, whereas with the
 * plug-in `cosine` the update after it would have it. After the length the factor does not change.
 */
#include <math.h>

#include "rondo/plugin.h"

struct one_cycle {
    double initial_division;
    double final_division;
    double rise;
    int32_t shape;
    int32_t three_phases;
    double length;
    int32_t unit;
};

enum one_cycle_unit { STEPS = 0, EPOCHS = 1, RUN = 2 };
static const char *const units[] = {"steps", "epochs", "run", NULL};
enum shape { COSINE = 0, LINEAR = 1 };
static const char *const shapes[] = {"cosine", "linear", NULL};

static const rondo_option one_cycle_options[] = {
    RONDO_OPTION_REAL(struct one_cycle, initial_division, "25", 1, 1e9,
                      "the learning rate of the first update is the peak (`lr` of the optimizer) divided by this"),
    RONDO_OPTION_REAL(struct one_cycle, final_division, "1e4", 1, 1e12,
                      "the learning rate of the last update is that of the first update divided by this"),
    RONDO_OPTION_REAL(struct one_cycle, rise, "0.3", 0, 1, "share of the length that the rise takes"),
    RONDO_OPTION_CHOICE(struct one_cycle, shape, "cosine", shapes,
                        "shape of the rise and the fall: half a cosine, or a straight line"),
    RONDO_OPTION_BOOL(struct one_cycle, three_phases, "false",
                      "fall to the rate of the first update in the same time as the rise, and then below it"),
    RONDO_OPTION_REAL(struct one_cycle, length, "0", 0, 1e12,
                      "length of the whole cycle, in units of `unit`; 0: the whole run"),
    RONDO_OPTION_CHOICE(
        struct one_cycle, unit, "run", units,
        "unit of `length`: updates, or passes over the data; run: the length of the run, `length` is not used"),
    RONDO_OPTION_END,
};

static rondo_status one_cycle_check(rondo_context *ctx, const void *options) {
    const struct one_cycle *cycle = options;
    if ((cycle->unit == RUN) != (cycle->length == 0)) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'unit' is %s and 'length' is %.15g, expected %s",
                               units[cycle->unit], cycle->length,
                               cycle->unit == RUN ? "unit steps or epochs with a length" : "a length above 0");
    }
    if (cycle->three_phases && cycle->rise > 0.5) {
        return ctx->host->fail(
            ctx, RONDO_INVALID,
            "'rise' is %.15g and 'three_phases' is true: rise and fall have the same length, expected at most 0.5",
            cycle->rise);
    }
    return RONDO_OK;
}

static double length_in_updates(const struct one_cycle *cycle, const rondo_schedule_call *call) {
    return cycle->unit == RUN      ? (double)call->steps
           : cycle->unit == EPOCHS ? cycle->length * (double)call->steps_per_epoch
                                   : cycle->length;
}

/* A part of the cycle: it begins at the end of the previous part, with that part's last factor, and ends at these. */
struct phase {
    double end; /* updates done */
    double factor;
};

/* With length L, rise r and the first factor s: s at update 0, 1 at r L - 1, with three phases s at 2 r L - 2, and s /
 * final_division at L - 1. Returns the number of phases. */
static int phases_of(const struct one_cycle *cycle, double length, struct phase *phases) {
    const double start = 1 / cycle->initial_division;
    int count = 0;
    phases[count++] = (struct phase){cycle->rise * length - 1, 1};
    if (cycle->three_phases) {
        phases[count++] = (struct phase){2 * cycle->rise * length - 2, start};
    }
    phases[count++] = (struct phase){length - 1, start / cycle->final_division};
    return count;
}

/* For the share x of the phase that has passed, from a to b:
 *     f = b + (a - b) (1 + cos(pi x)) / 2     cosine
 *     f = a + (b - a) x                       linear
 * A phase of length 0 ends when it begins. */
static rondo_status one_cycle_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct one_cycle *cycle = call->options;
    const double pi = 3.14159265358979323846;
    const double done = (double)call->done;
    struct phase phases[3];
    const int count = phases_of(cycle, length_in_updates(cycle, call), phases);
    struct phase before = {0, 1 / cycle->initial_division};
    int now = 0;
    while (now < count - 1 && done > phases[now].end) {
        before = phases[now++];
    }
    const double time = phases[now].end - before.end;
    const double share = time > 0 ? fmin(1, (done - before.end) / time) : 1;
    const double fallen = cycle->shape == COSINE ? (1 - cos(pi * share)) / 2 : share;
    *factor = before.factor + (phases[now].factor - before.factor) * fallen;
    return RONDO_OK;
}

static const rondo_schedule one_cycle = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "one_cycle",
             .summary = "from 1 / initial_division up to 1, then down to 1 / (initial_division final_division) (Smith "
                        "2018)",
             .options = one_cycle_options,
             .options_size = sizeof(struct one_cycle)},
    .check = one_cycle_check,
    .factor = one_cycle_factor,
};

RONDO_PLUGIN("one_cycle", "1.0", "MIT", &one_cycle.base);
