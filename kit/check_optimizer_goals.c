/* kit/check_optimizer_goals.c: an optimizer minimises quadratics and Rosenbrock's function.
 *
 * Rosenbrock, "An automatic method for finding the greatest or least value of a function", The Computer Journal 1960.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "kit/check_optimizer.h"
#include "kit/optimizer_fixture.h"

enum { UPDATES = 1000 };

/* A function to minimise over a parameter of this shape. condition > 0: a quadratic of that condition number; 0:
 * Rosenbrock's function of two numbers. */
static const struct descent_goal {
    int32_t ndim;
    int64_t shape[2];
    double condition;
} goals[] = {{1, {12}, 1}, {1, {12}, 10}, {1, {12}, 100}, {2, {4, 6}, 1}, {2, {6, 4}, 10}, {1, {2}, 0}};

/* f(x) = sum_i a_i (x_i - t_i)^2 / 2, curvatures a_i from 1 to the condition number, evenly in their logarithm. The
 * optimum t is close to 0 and the start far from it, so that wrappers that bound the value can pass. */
static double curvature(const struct descent_goal *goal, int64_t i, int64_t count) {
    return pow(goal->condition, (double)i / (double)(count - 1));
}
static double target(int64_t i) {
    return 0.3 * sin(1.7 * (double)i);
}

static double quadratic(const struct descent_goal *goal, struct optimizer_fixture *fixture) {
    const int64_t count = rondo_count(&fixture->value);
    double loss = 0;
    for (int64_t i = 0; i < count; i++) {
        const double a = curvature(goal, i, count);
        const double away = tensor_get(&fixture->value, i) - target(i);
        loss += a * away * away / 2;
        tensor_set(&fixture->gradient, i, a * away);
    }
    return loss;
}

/* f(x, y) = (1 - x)^2 + 100 (y - x^2)^2 */
static double rosenbrock(struct optimizer_fixture *fixture) {
    const double x = tensor_get(&fixture->value, 0), y = tensor_get(&fixture->value, 1);
    tensor_set(&fixture->gradient, 0, -2 * (1 - x) - 400 * x * (y - x * x));
    tensor_set(&fixture->gradient, 1, 200 * (y - x * x));
    return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x);
}

/* The gradient for sampled targets has mean 0, and rows times its variance is the Gauss-Newton matrix, which optimizers
 * estimate from it. For a quadratic that is diag(a); for Rosenbrock's function 2 J^T J, with J the Jacobian of (1 - x,
 * 10 (y - x^2)). */
static void draw_sampled(const struct descent_goal *goal, struct optimizer_fixture *fixture) {
    const struct rng_stream stream =
        rng_substream(rng_stream(fixture->subject.kit->seed, "sampled"), (uint64_t)fixture->subject.position + 1);
    const int64_t count = rondo_count(&fixture->value);
    if (goal->condition > 0) {
        for (int64_t i = 0; i < count; i++) {
            const double deviation = sqrt(curvature(goal, i, count) / OPTIMIZER_ROWS);
            tensor_set(&fixture->sampled, i, deviation * rng_normal(stream, (uint64_t)i));
        }
        return;
    }
    const double x = tensor_get(&fixture->value, 0);
    const double u = rng_normal(stream, 0) * sqrt(2.0 / OPTIMIZER_ROWS);
    const double v = rng_normal(stream, 1) * sqrt(2.0 / OPTIMIZER_ROWS);
    tensor_set(&fixture->sampled, 0, -u - 20 * x * v);
    tensor_set(&fixture->sampled, 1, 10 * v);
}

/* The loss, its gradient and the sampled one. */
static double evaluate(const struct descent_goal *goal, struct optimizer_fixture *fixture) {
    draw_sampled(goal, fixture);
    return goal->condition > 0 ? quadratic(goal, fixture) : rosenbrock(fixture);
}

static void go_to_start(const struct descent_goal *goal, struct optimizer_fixture *fixture) {
    for (int64_t i = 0; i < rondo_count(&fixture->value); i++) {
        tensor_set(&fixture->value, i, 3 * tensor_get(&fixture->value, i));
    }
    if (goal->condition == 0) {
        tensor_set(&fixture->value, 0, -1.2);
        tensor_set(&fixture->value, 1, 1);
    }
    optimizer_fixture_forget(fixture); /* sets slots that begin as a copy of the value again */
}

/* The loss after UPDATES updates, as a share of the initial loss; infinity if it has overflowed. -1 with the reason if
 * an update failed. */
static double descend(const struct trial *trial, const struct descent_goal *goal, struct optimizer_fixture *fixture) {
    go_to_start(goal, fixture);
    const double start = evaluate(goal, fixture);
    double loss = start;
    for (int step = 0; step < UPDATES; step++) {
        if (optimizer_fixture_step(fixture) != RONDO_OK) {
            optimizer_fixture_failed(trial, fixture);
            return -1;
        }
        loss = evaluate(goal, fixture);
        if (!(loss <= 1e12)) {
            return INFINITY;
        }
    }
    return loss / start;
}

/* The learning rates that are tried in addition to the default. They are values of the options `lr` and `…_lr`; for a
 * wrapper, of the plain gradient descent that it works with. An optimizer without such an option is tried only with the
 * default. */
static const double rates[] = {0.003, 0.01, 0.03, 0.1, 0.3, 0.001, 1, 3, 10, 1e-4};
enum { RATES = sizeof rates / sizeof rates[0] };

/* The share that the loss must fall to. Rosenbrock's function has to reach its valley near the start, at 4 of 24.2. The
 * limit is higher for optimizers that add noise, and for wrappers, which may bound the value or drop a part of the
 * gradient.
 */
static double goal_share(const struct descent_goal *goal, const struct optimizer_fixture *fixture) {
    if (fixture->optimizer->stage != RONDO_STAGE_UPDATE || fixture->subject.drew) {
        return 0.5;
    }
    return goal->condition > 0 ? 0.1 : 0.2;
}

static int is_learning_rate(const rondo_option *option) {
    const size_t length = strlen(option->key);
    return option->type == RONDO_REAL &&
           (strcmp(option->key, "lr") == 0 || (length > 3 && strcmp(option->key + length - 3, "_lr") == 0));
}

/* Options with this learning rate, for kit_options; "" if no option accepts it. */
static void write_rate(const rondo_option *table, double rate, char *text, size_t size) {
    size_t used = 0;
    text[0] = '\0';
    for (const rondo_option *option = table; option != NULL && option->key != NULL; option++) {
        if (is_learning_rate(option) && rate >= option->min && rate <= option->max && used < size) {
            used += (size_t)number_print(text + used, size - used, "%s=%.17g ", option->key, rate);
        }
    }
}

/* The share of the initial loss that is left with rate number `r` (-1: the defaults). *enough gets the largest share
 * that passes. -1 with the reason. */
static double attempt(const struct trial *trial, const struct descent_goal *goal, int r, double *enough) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor; /* base is the first member */
    char text[256] = "";
    if (r >= 0 && optimizer->stage == RONDO_STAGE_UPDATE) {
        write_rate(optimizer->base.options, rates[r], text, sizeof text);
        if (text[0] == '\0') {
            return INFINITY;
        }
    }
    const rondo_tensor shape = tensor_of(RONDO_F32, goal->ndim, goal->shape);
    struct optimizer_fixture *fixture = optimizer_fixture_create_with(trial, text, shape, 0);
    if (fixture == NULL) {
        return -1;
    }
    fixture->plain_rate = r >= 0 ? rates[r] : fixture->plain_rate;
    const double share = descend(trial, goal, fixture);
    *enough = goal_share(goal, fixture);
    return share;
}

static enum verdict reach(const struct trial *trial, const struct descent_goal *goal, double *share) {
    double enough = 0;
    *share = INFINITY;
    for (int r = -1; r < RATES && !(*share <= enough); r++) {
        const double own = attempt(trial, goal, r, &enough);
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
    return trial_say(
        trial, VERDICT_FAIL,
        "%s %s is %.3g times its initial value after %d updates, with the best of several learning rates; expected "
        "less than %g (the wrong sign?)",
        what, tensor_shape_text(&shape).text, *share, UPDATES, enough);
}

enum verdict optimizer_descends(struct trial *trial) {
    double worst = 0;
    for (size_t i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        double share;
        if (reach(trial, &goals[i], &share) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        worst = fmax(worst, share);
    }
    return trial_say(trial, VERDICT_PASS, "at most %.2g of the initial value is left", worst);
}
