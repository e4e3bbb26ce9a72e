/* kit/check_optimizer_goals.c: functions that an optimizer is made for go down.
 *
 * Rosenbrock, "An automatic method for finding the greatest or least value of a function", The Computer Journal 1960.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "kit/check_optimizer.h"
#include "kit/optimised.h"

enum { UPDATES = 1000 };

/* What is minimised over a parameter of this shape. condition > 0: a quadratic of that condition number; 0:
 * Rosenbrock's function of two numbers. */
static const struct goal {
    int32_t ndim;
    int64_t shape[2];
    double condition;
} goals[] = {{1, {12}, 1}, {1, {12}, 10}, {1, {12}, 100}, {2, {4, 6}, 1}, {2, {6, 4}, 10}, {1, {2}, 0}};

/* f(x) = sum_i a_i (x_i - t_i)^2 / 2, curvatures a_i from 1 to the condition number, evenly in their logarithm. The
 * optimum t is close to 0 and the start far from it, so that wrappers that bound the value can pass. */
static double curvature(const struct goal *goal, int64_t i, int64_t count) {
    return pow(goal->condition, (double)i / (double)(count - 1));
}
static double target(int64_t i) {
    return 0.3 * sin(1.7 * (double)i);
}

static double quadratic(const struct goal *goal, struct optimised *optimised) {
    const int64_t count = rondo_count(&optimised->value);
    double loss = 0;
    for (int64_t i = 0; i < count; i++) {
        const double a = curvature(goal, i, count);
        const double away = tensor_get(&optimised->value, i) - target(i);
        loss += a * away * away / 2;
        tensor_set(&optimised->gradient, i, a * away);
    }
    return loss;
}

/* f(x, y) = (1 - x)^2 + 100 (y - x^2)^2 */
static double rosenbrock(struct optimised *optimised) {
    const double x = tensor_get(&optimised->value, 0), y = tensor_get(&optimised->value, 1);
    tensor_set(&optimised->gradient, 0, -2 * (1 - x) - 400 * x * (y - x * x));
    tensor_set(&optimised->gradient, 1, 200 * (y - x * x));
    return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x);
}

/* The gradient for sampled targets has mean 0, and rows times its variance is the Gauss-Newton matrix, which is what
 * optimizers that want it estimate from it. For a quadratic that is diag(a); for Rosenbrock's function 2 J^T J, with J
 * the Jacobian of (1 - x, 10 (y - x^2)). */
static void draw_sampled(const struct goal *goal, struct optimised *optimised) {
    const struct rng_stream stream =
        rng_substream(rng_stream(optimised->seed, "sampled"), (uint64_t)optimised->step + 1);
    const int64_t count = rondo_count(&optimised->value);
    if (goal->condition > 0) {
        for (int64_t i = 0; i < count; i++) {
            const double deviation = sqrt(curvature(goal, i, count) / OPTIMISED_ROWS);
            tensor_set(&optimised->sampled, i, deviation * rng_normal(stream, (uint64_t)i));
        }
        return;
    }
    const double x = tensor_get(&optimised->value, 0);
    const double u = rng_normal(stream, 0) * sqrt(2.0 / OPTIMISED_ROWS);
    const double v = rng_normal(stream, 1) * sqrt(2.0 / OPTIMISED_ROWS);
    tensor_set(&optimised->sampled, 0, -u - 20 * x * v);
    tensor_set(&optimised->sampled, 1, 10 * v);
}

/* The loss, its gradient and the sampled one. */
static double evaluate(const struct goal *goal, struct optimised *optimised) {
    draw_sampled(goal, optimised);
    return goal->condition > 0 ? quadratic(goal, optimised) : rosenbrock(optimised);
}

static void go_to_start(const struct goal *goal, struct optimised *optimised) {
    for (int64_t i = 0; i < rondo_count(&optimised->value); i++) {
        tensor_set(&optimised->value, i, 3 * tensor_get(&optimised->value, i));
    }
    if (goal->condition == 0) {
        tensor_set(&optimised->value, 0, -1.2);
        tensor_set(&optimised->value, 1, 1);
    }
    optimised_forget(optimised); /* slots that begin as a copy of the value */
}

/* The share of its start that the loss has after UPDATES updates; infinity once it leaves what a run would go on with.
 * -1 where an update failed, with the reason. */
static double descend(const struct goal *goal, struct optimised *optimised, char *reason, size_t size) {
    go_to_start(goal, optimised);
    const double start = evaluate(goal, optimised);
    double loss = start;
    for (int step = 0; step < UPDATES; step++) {
        if (optimised_step(optimised) != RONDO_OK) {
            optimised_failed(optimised, reason, size);
            return -1;
        }
        loss = evaluate(goal, optimised);
        if (!(loss <= 1e12)) {
            return INFINITY;
        }
    }
    return loss / start;
}

/* The learning rates that are tried, beside the default: of the options `lr` and `…_lr`; of a wrapper, the plain
 * descent's. An optimizer without such an option has the default alone. */
static const double rates[] = {0.003, 0.01, 0.03, 0.1, 0.3, 0.001, 1, 3, 10, 1e-4};
enum { RATES = sizeof rates / sizeof rates[0] };

/* What the loss must fall to: Rosenbrock's to that of its valley near the start, which is 4 of 24.2. Random words that
 * are drawn on purpose keep it up; wrappers may bound the value, or leave part of the gradient out. */
static double goal_share(const struct goal *goal, const struct optimised *optimised) {
    if (optimised->optimizer->stage != RONDO_STAGE_UPDATE || optimised->drew) {
        return 0.5;
    }
    return goal->condition > 0 ? 0.1 : 0.2;
}

static int is_learning_rate(const rondo_option *option) {
    const size_t length = strlen(option->key);
    return option->type == RONDO_REAL &&
           (strcmp(option->key, "lr") == 0 || (length > 3 && strcmp(option->key + length - 3, "_lr") == 0));
}

/* Options with this learning rate, for kit_options; "" where there is none to set, or not to that. */
static void write_rate(const rondo_option *table, double rate, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        if (is_learning_rate(option) && rate >= option->min && rate <= option->max && used < size) {
            used += (size_t)number_print(text + used, size - used, "%s=%.17g ", option->key, rate);
        }
    }
}

/* The share that is left at rate number `r` (-1: the defaults), and how much may be; -1 with the reason. */
static double attempt(struct kit *kit, const rondo_optimizer *optimizer, const struct goal *goal, int r, double *enough,
                      char *reason, size_t size) {
    char text[256] = "";
    if (r >= 0 && optimizer->stage == RONDO_STAGE_UPDATE) {
        write_rate(optimizer->base.options, rates[r], text, sizeof text);
        if (text[0] == '\0') {
            return INFINITY;
        }
    }
    const rondo_tensor shape = tensor_of(RONDO_F32, goal->ndim, goal->shape);
    struct optimised *optimised = optimised_create(kit, optimizer, text, shape, 0, reason, size);
    if (optimised == NULL) {
        return -1;
    }
    optimised->plain_rate = r >= 0 ? rates[r] : optimised->plain_rate;
    const double share = descend(goal, optimised, reason, size);
    *enough = goal_share(goal, optimised);
    return share;
}

static enum verdict reach(struct kit *kit, const rondo_optimizer *optimizer, const struct goal *goal, double *share,
                          char *reason, size_t size) {
    double enough = 0;
    *share = INFINITY;
    for (int r = -1; r < RATES && !(*share <= enough); r++) {
        const double own = attempt(kit, optimizer, goal, r, &enough, reason, size);
        if (own < 0) {
            return VERDICT_FAIL;
        }
        *share = fmin(own, *share);
    }
    if (*share <= enough) {
        return VERDICT_PASS;
    }
    const rondo_tensor shape = tensor_of(RONDO_F32, goal->ndim, goal->shape);
    char what[80];
    number_print(what, sizeof what,
                 goal->condition > 0 ? "a quadratic of condition %g over" : "Rosenbrock's function over",
                 goal->condition);
    return kit_say(reason, size, VERDICT_FAIL,
                   "%s %s goes to %.3g times its start in %d updates, at the best of several learning rates; expected "
                   "less than %g (the wrong sign?)",
                   what, tensor_shape_text(&shape).text, *share, UPDATES,
                   optimizer->stage == RONDO_STAGE_UPDATE ? 0.1 : 0.5);
}

enum verdict optimizer_descends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    double worst = 0;
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        double share;
        if (reach(kit, (const rondo_optimizer *)descriptor, &goals[i], &share, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        worst = fmax(worst, share);
    }
    return kit_say(reason, size, VERDICT_PASS, "at most %.2g of the start is left", worst);
}
