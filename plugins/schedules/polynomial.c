/* plugins/schedules/polynomial.c: a fall to the floor along a power of the remaining time; linear with power 1.
 *
 * With floor 0 the same numbers as PyTorch's torch.optim.lr_scheduler.PolynomialLR with total_iters `length`. Its
 * convention: the first update has factor 1, and the update after the last one would have the floor. So with floor 0
 * every update of the length changes the parameters. After the length the factor stays at the floor.
 */
#include <math.h>

#include "rondo/plugin.h"

struct polynomial {
    double power;
    double floor;
    double length;
    int32_t unit;
};

enum polynomial_unit { STEPS = 0, EPOCHS = 1, RUN = 2 };
static const char *const units[] = {"steps", "epochs", "run", NULL};

static const rondo_option polynomial_options[] = {
    RONDO_OPTION_REAL(struct polynomial, power, "1", 1e-3, 1000, "exponent; 1: a straight line"),
    RONDO_OPTION_REAL(struct polynomial, floor, "0", 0, 1, "factor at the end of the curve and after it"),
    RONDO_OPTION_REAL(struct polynomial, length, "0", 0, 1e12,
                      "length of the fall from factor 1 to the floor, in units of `unit`; 0: the whole run"),
    RONDO_OPTION_CHOICE(
        struct polynomial, unit, "run", units,
        "unit of `length`: updates, or passes over the data; run: the length of the run, `length` is not used"),
    RONDO_OPTION_END,
};

static rondo_status polynomial_check(rondo_context *ctx, const void *options) {
    const struct polynomial *polynomial = options;
    if ((polynomial->unit == RUN) != (polynomial->length == 0)) {
        return ctx->host->fail(ctx, RONDO_INVALID, "'unit' is %s and 'length' is %.15g, expected %s",
                               units[polynomial->unit], polynomial->length,
                               polynomial->unit == RUN ? "unit steps or epochs with a length" : "a length above 0");
    }
    return RONDO_OK;
}

/* The position of the update, in units of `unit`; the unit `run` is the whole run, of length 1. */
static double position(const rondo_schedule_call *call, int32_t unit) {
    const int64_t updates = unit == RUN ? call->steps : unit == EPOCHS ? call->steps_per_epoch : 1;
    return (double)call->done / (double)updates;
}

/* f(t) = floor + (1 - floor) (1 - t / length) ^ power */
static rondo_status polynomial_factor(rondo_context *ctx, const rondo_schedule_call *call, double *factor) {
    (void)ctx;
    const struct polynomial *polynomial = call->options;
    const double length = polynomial->unit == RUN ? 1 : polynomial->length;
    const double left = fmax(0, 1 - position(call, polynomial->unit) / length);
    *factor = polynomial->floor + (1 - polynomial->floor) * pow(left, polynomial->power);
    return RONDO_OK;
}

static const rondo_schedule polynomial = {
    .base = {.struct_size = sizeof(rondo_schedule),
             .kind = RONDO_KIND_SCHEDULE,
             .name = "polynomial",
             .summary = "f(t) = floor + (1 - floor) (1 - t / length) ^ power; linear with power 1",
             .options = polynomial_options,
             .options_size = sizeof(struct polynomial)},
    .check = polynomial_check,
    .factor = polynomial_factor,
};

RONDO_PLUGIN("polynomial", "1.0", "MIT", &polynomial.base);
