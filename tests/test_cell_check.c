/* tests/test_cell_check.c: the check of cells finds wrong gradients, passes right ones, and counts elements that it
 * could not compare. Faulty ops are registered here, each with one fault. */
#include <check.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/scan/scan.h"
#include "model/cell_check.h"
#include "tests/suite.h"
#include "tests/support.h"

/* ---- ops ---- */

/* y = x^2 with the gradient `factor` x g; 2 is right. */
static void square(int32_t dtype, int64_t count, const void *x, void *y) {
    for (int64_t i = 0; i < count; i++) {
        if (dtype == RONDO_F32) {
            ((float *)y)[i] = ((const float *)x)[i] * ((const float *)x)[i];
        } else {
            ((double *)y)[i] = ((const double *)x)[i] * ((const double *)x)[i];
        }
    }
}

static void square_gradient(int32_t dtype, int64_t count, const void *x, const void *g, double factor, void *into) {
    for (int64_t i = 0; i < count && into != NULL; i++) {
        if (dtype == RONDO_F32) {
            ((float *)into)[i] = (float)factor * ((const float *)x)[i] * ((const float *)g)[i];
        } else {
            ((double *)into)[i] = factor * ((const double *)x)[i] * ((const double *)g)[i];
        }
    }
}

static void map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    (void)options;
    square(dtype, count, in[0], out);
}

static void right(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                  const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    square_gradient(dtype, count, in[0], grad_out, 2, grad_in[0]);
}

static void wrong(const void *options, int32_t dtype, int64_t count, const void *const *in, const void *out,
                  const void *grad_out, void *const *grad_in) {
    (void)options;
    (void)out;
    square_gradient(dtype, count, in[0], grad_out, 2.001, grad_in[0]);
}

/* An op that gives another value at every call, which the rules of plug-ins forbid. */
static void unsteady_map(const void *options, int32_t dtype, int64_t count, const void *const *in, void *out) {
    static atomic_int calls;
    (void)options;
    square(dtype, count, in[0], out);
    const int number = atomic_fetch_add(&calls, 1) + 1;
    if (dtype == RONDO_F32) {
        ((float *)out)[0] += (float)number;
    } else {
        ((double *)out)[0] += number;
    }
}

#define SQUARE(op_name, op_map, op_gradient, reads)                                                                    \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = op_name, .summary = "x^2"},           \
        .min_inputs = 1, .max_inputs = 1, .operands = "x", .map = op_map, .map_grad = op_gradient,                     \
        .map_grad_reads = {reads},                                                                                     \
    }
static const rondo_op right_op = SQUARE("right", map, right, RONDO_READS_INPUT(0));
static const rondo_op wrong_op = SQUARE("wrong", map, wrong, RONDO_READS_INPUT(0));
/* Declares that its gradient reads the result, but reads the input. The fused engine keeps only the declared data. */
static const rondo_op lying_op = SQUARE("lying", map, right, RONDO_READS_OUTPUT);
static const rondo_op unsteady_op = SQUARE("unsteady", unsteady_map, right, RONDO_READS_INPUT(0));

static struct support support;

static void setup(void) {
    static const rondo_op *const ops[] = {&right_op, &wrong_op, &lying_op, &unsteady_op};
    support_open(&support);
    for (int i = 0; i < ROWS(ops); i++) {
        support_ok(&support, registry_add(support.registry, &ops[i]->base, "here", &support.errors), ops[i]->base.name);
    }
}

static void teardown(void) {
    support_close(&support);
}

/* ---- cells ---- */

static const struct cell_shape states[] = {{.name = "h", .ndim = 1, .dimensions = {"hidden"}},
                                           {.name = "k", .ndim = 1, .dimensions = {"hidden"}}};
static const struct cell_option gain = {.name = "gain", .default_value = 1, .min = 0, .max = 10};

static struct cell_definition define(int32_t n_states, const char *equations) {
    return (struct cell_definition){.name = "here",
                                    .states = states,
                                    .n_states = n_states,
                                    .options = &gain,
                                    .n_options = strstr(equations, "gain") != NULL,
                                    .equations = {.file = "here.yaml", .text = equations, .first_line = 1}};
}

static const int32_t two_threads[] = {2, 0};

static rondo_status run(const struct cell_definition *definition, enum engine engine,
                        struct cell_check_report *report) {
    const struct cell_check_settings settings = {.definition = definition,
                                                 .input = 3,
                                                 .hidden = 4,
                                                 .engine = engine,
                                                 .passes = PASS_ALL,
                                                 .threads = two_threads};
    return cell_check(&settings, support.registry, report, &support.errors);
}

enum { GRADIENTS = 1 << CELL_CHECK_GRADIENTS, ENGINES = 1 << CELL_CHECK_ENGINES, THREADS = 1 << CELL_CHECK_THREADS };

static const struct {
    const char *what;
    int32_t n_states;
    const char *equations;
    int wrong;         /* mask of the comparisons that must fail; all others must pass */
    const char *where; /* the beginning of the place of the largest error in the first of these comparisons */
} rows[] = {
    {"a plain recurrence", 1, "h' = tanh(x @ W + h @ U + b)\n", 0, ""},
    {"an op that is right", 1, "h' = tanh(x @ W + right(h @ U))\n", 0, ""},
    {"an option", 1, "h' = tanh(x @ W + gain * h)\n", 0, ""},
    {"random words", 1, "h' = h + dropout(tanh(x @ W + h @ U) - h, rate=0.3)\n", 0, ""},
    {"a random op beside another", 2, "k' = dropout(x @ W, rate=0.5) + k\nh' = dropout(k' * h, rate=0.2)\n", 0, ""},
    {"a state that is the other one late", 2, "k' = h\nh' = tanh(x @ W + d * k)\n", 0, ""},
    {"states that change places", 2, "h' = k\nk' = tanh(x @ W + h @ U)\n", 0, ""},
    {"a state that counts", 2, "k' = k + 1\nh' = tanh(x @ W + h @ U) * sin(k)\n", 0, ""},
    {"a state that nothing reads", 2, "k' = x @ V\nh' = tanh(x @ W + h @ U)\n", 0, ""},
    {"a state that no step changes", 2, "k' = k\nh' = tanh(x @ W + k * h)\n", 0, ""},
    {"a gradient that is off, to a state that no step changes", 2, "k' = k\nh' = tanh(x @ W + h) + wrong(k)\n",
     GRADIENTS, "the initial state k"},
    {"no parameter at all", 1, "h' = tanh(h + 1)\n", 0, ""},
    {"a gradient that is off by a thousandth", 1, "h' = tanh(x @ W + wrong(h @ U))\n", GRADIENTS, ""},
    {"the same in what is added up behind the loop", 1, "h' = tanh(h + wrong(x @ W))\n", GRADIENTS, ""},
    {"the same in what no parameter reaches", 1, "h' = tanh(h + wrong(x) @ W)\n", GRADIENTS, "x["},
    {"a gradient that reads what it does not name", 1, "h' = tanh(x @ W + lying(h @ U))\n", GRADIENTS | ENGINES, ""},
    {"an op that never gives the same twice", 1, "h' = tanh(x @ W + unsteady(h @ U))\n", GRADIENTS | ENGINES | THREADS,
     ""},
    {"what is not finite", 1, "h' = log(x @ W)\n", GRADIENTS | ENGINES | THREADS, ""},
};

START_TEST(what_is_wrong_is_found_and_nothing_else) {
    const struct cell_definition definition = define(rows[_i].n_states, rows[_i].equations);
    struct cell_check_report report;
    support_ok(&support, run(&definition, ENGINE_FUSED, &report), rows[_i].what);
    const char *where = NULL;
    for (int kind = 0; kind < CELL_CHECK_KINDS; kind++) {
        const struct cell_check_outcome *outcome = &report.outcomes[kind];
        const int is_wrong = (rows[_i].wrong >> kind) & 1;
        ck_assert_int_gt(outcome->compared, 0);
        ck_assert_msg(!is_wrong || outcome->wrong > 0, "%s: %s found nothing wrong", rows[_i].what,
                      cell_check_name((enum cell_check_kind)kind));
        ck_assert_msg(rows[_i].wrong != 0 || outcome->wrong == 0, "%s: %s: %s is %.12g, expected %.12g", rows[_i].what,
                      cell_check_name((enum cell_check_kind)kind), outcome->where, outcome->found, outcome->expected);
        ck_assert_msg(outcome->wrong == 0 || outcome->error > outcome->tolerance, "%s: the error is %g", rows[_i].what,
                      outcome->error);
        ck_assert_int_eq(outcome->wrong > 0 && outcome->where[0] == '\0', 0);
        where = where == NULL && is_wrong ? outcome->where : where;
    }
    ck_assert_int_eq(cell_check_passed(&report), rows[_i].wrong == 0);
    ck_assert_msg(where == NULL || strncmp(where, rows[_i].where, strlen(rows[_i].where)) == 0, "%s: the place is %s",
                  rows[_i].what, where);
    ck_assert(rows[_i].wrong != 0 || (report.closer == 0 && report.skipped == 0));
}
END_TEST

/* The gradients of the selected engine are checked: the tape keeps the input, so the false declaration is harmless
 * there. */
START_TEST(gradients_are_those_of_the_engine_asked_for) {
    const struct cell_definition definition = define(1, "h' = tanh(x @ W + lying(h @ U))\n");
    struct cell_check_report report;
    support_ok(&support, run(&definition, ENGINE_TAPE, &report), "tape");
    ck_assert_int_eq(report.outcomes[CELL_CHECK_GRADIENTS].wrong, 0);
    ck_assert_int_gt(report.outcomes[CELL_CHECK_ENGINES].wrong, 0);
}
END_TEST

START_TEST(the_place_of_an_error_is_its_element) {
    const struct cell_definition definition = define(1, "h' = tanh(x @ W) + wrong(v)\n");
    struct cell_check_report report;
    support_ok(&support, run(&definition, ENGINE_FUSED, &report), "wrong");
    const struct cell_check_outcome *outcome = &report.outcomes[CELL_CHECK_GRADIENTS];
    ck_assert_int_le(outcome->wrong, 4); /* those of v, unless one is near 0 */
    ck_assert_int_ge(outcome->wrong, 1);
    ck_assert_str_eq(outcome->where, strchr("0123", outcome->where[2]) != NULL ? outcome->where : "v[0] to v[3]");
    ck_assert_int_eq(strncmp(outcome->where, "v[", 2), 0);
    ck_assert_double_eq_tol(outcome->found / outcome->expected, 2.001 / 2, 1e-6);
    ck_assert_double_eq_tol(outcome->error, fabs(outcome->found - outcome->expected) / fmax(1, fabs(outcome->found)),
                            1e-6);
}
END_TEST

/* ---- kinks ---- */

static const struct {
    const char *what, *equations; /* %.17g: v[0] and the distance */
    double distance;
    int64_t closer, skipped;
    int passes;
} kinks[] = {
    {"far from it", "h' = tanh(x @ W) + relu(v - %.17g)\n", 1e-3, 0, 0, 1},
    {"within the first step", "h' = tanh(x @ W) + relu(v - %.17g)\n", 3e-6, 1, 0, 1},
    {"within the second step", "h' = tanh(x @ W) + relu(v - %.17g)\n", 3e-7, 1, 0, 1},
    {"at it", "h' = tanh(x @ W) + relu(v - %.17g)\n", 0, 0, 1, 1},
    {"a wrong gradient near a kink", "h' = tanh(x @ W) + wrong(relu(v - %.17g) + v)\n", 3e-6, 0, 0, 0},
};

/* v is parameter 1 (after W); the check draws it from a stream of its own. */
START_TEST(kinks_are_told_from_wrong_gradients) {
    const struct rng_stream stream = rng_substream(rng_stream(7, "v"), 1);
    const double v = (double)(float)(0.4 * rng_normal(stream, 0));
    char equations[256];
    snprintf(equations, sizeof equations, kinks[_i].equations, v + kinks[_i].distance);
    const struct cell_definition definition = define(1, equations);
    struct cell_check_report report;
    support_ok(&support, run(&definition, ENGINE_FUSED, &report), kinks[_i].what);
    const struct cell_check_outcome *outcome = &report.outcomes[CELL_CHECK_GRADIENTS];
    ck_assert_msg(cell_check_passed(&report) == kinks[_i].passes, "%s: %s is %g, expected %g", kinks[_i].what,
                  outcome->where, outcome->found, outcome->expected);
    ck_assert_int_eq(report.closer, kinks[_i].closer);
    ck_assert_int_eq(report.skipped, kinks[_i].skipped);
    /* x, the initial state, W, v: 16 steps of 3, 5 rows of 4, … */
    ck_assert_int_eq(outcome->compared, 16 * 3 + 5 * 4 + 3 * 4 + 4 - kinks[_i].skipped);
}
END_TEST

/* ---- mistakes ---- */

START_TEST(cells_that_do_not_compile_are_told) {
    const struct cell_definition definition = define(1, "h' = tahn(x @ W)\n");
    struct cell_check_report report;
    ck_assert_int_eq(run(&definition, ENGINE_FUSED, &report), RONDO_NOT_FOUND);
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_ptr_nonnull(strstr(support_error(&support), "unknown op 'tahn' (did you mean 'tanh'?)"));
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 120, setup, teardown);
}

int main(void) {
    Suite *suite = suite_create("cell_check");
    TCase *cases = new_case(suite, "cell_check");
    tcase_add_loop_test(cases, what_is_wrong_is_found_and_nothing_else, 0, ROWS(rows));
    tcase_add_test(cases, gradients_are_those_of_the_engine_asked_for);
    tcase_add_test(cases, the_place_of_an_error_is_its_element);
    tcase_add_loop_test(cases, kinks_are_told_from_wrong_gradients, 0, ROWS(kinks));
    tcase_add_test(cases, cells_that_do_not_compile_are_told);
    return run_suite(suite);
}
