/* tests/test_abi.c: plug-ins that were built against an earlier version of rondo/plugin.h still load, and give the same
 * results. tests/abi/README.md says what is frozen and how.
 *
 * A new minor version is a row of `versions`, and a folder that scripts/freeze_abi.sh makes.
 */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "abi_layout.h"
#include "parameter_fixture.h"
#include "sandbox.h"
#include "tests/suite.h"

static const char *const versions[] = {"1.0", "1.1", "1.2"};
/* Those of a version are the first of them: metrics exist since 1.1, the rest since 1.2. */
static const char *const plugins[] = {"abi_map",      "abi_ops",       "abi_optimizer", "abi_loss",
                                      "abi_schedule", "abi_metric",    "abi_interval",  "abi_rows",
                                      "abi_choose",   "abi_sequences", "abi_sample",    "abi_texts"};
static const int n_plugins[] = {5, 6, 12};

enum { TEXT = 1 << 16 };

/* The file of a plug-in that was built against header number `version`. */
static const char *file_of(int version, int plugin) {
    static char file[1024];
    snprintf(file, sizeof file, "%s/%s/%s.so", fixture_path("RONDO_TEST_ABI"), versions[version], plugins[plugin]);
    return file;
}

/* Loads all plug-ins of a version. Each test runs in its own process. */
static void load_version(int version) {
    for (int i = 0; i < n_plugins[version]; i++) {
        const rondo_status status =
            loader_load(fixture.loader, fixture.registry, file_of(version, i), (struct location){0}, &fixture.errors);
        ck_assert_msg(status == RONDO_OK, "%s", fixture_first_error());
    }
}

/* ---- ops ---- */

static rondo_value parameter(int64_t rows, int64_t columns, const double *values) {
    const rondo_tensor tensor = fixture_tensor(RONDO_F64, 2, rows, columns);
    fixture_fill(&tensor, values);
    return tape_parameter(fixture.tape, "x", &tensor, NULL);
}

static rondo_value apply(const char *op, const char *options, const rondo_value *inputs, int32_t count) {
    const rondo_value value = tape_apply_named(fixture.tape, op, options, inputs, count);
    ck_assert_msg(tape_tensor(fixture.tape, value) != NULL, "%s: %s", op, fixture_first_error());
    return value;
}

static void assert_value(rondo_value value, const double *expected, const char *what) {
    fixture_all_near(tape_tensor(fixture.tape, value), expected, 1e-12, what);
}

static void assert_gradient(rondo_value value, const double *expected, const char *what) {
    const rondo_tensor *gradient = tape_gradient(fixture.tape, value);
    ck_assert_msg(gradient != NULL, "%s: no gradient", what);
    fixture_all_near(gradient, expected, 1e-12, what);
}

/* y = -3 a b with b broadcast over the rows: dy/da = -3 b, dy/db = -3 times the sum of a over the rows */
START_TEST(elementwise_op_works) {
    load_version(_i);
    const rondo_value inputs[2] = {parameter(2, 2, (const double[]){1, 2, 3, 4}),
                                   parameter(1, 2, (const double[]){5, -1})};
    const rondo_value y = apply("abi_map", "size=threefold negate=true", inputs, 2);
    assert_value(y, (const double[]){-15, 6, -45, 12}, "abi_map");
    ck_assert_int_eq(tape_backward(fixture.tape, y), RONDO_OK);
    assert_gradient(inputs[0], (const double[]){-15, 3, -15, 3}, "abi_map, a");
    assert_gradient(inputs[1], (const double[]){-12, -18}, "abi_map, b");
}
END_TEST

/* y = 4 x @ w: dy/dx = 4 w summed over columns, dy/dw = 4 x summed over rows */
START_TEST(general_op_works) {
    load_version(_i);
    const rondo_value inputs[2] = {parameter(2, 3, (const double[]){1, 2, 3, 4, 5, 6}),
                                   parameter(3, 2, (const double[]){1, 0, -1, 2, 0.5, 1})};
    const rondo_value y = apply("abi_affine", "gain=[2, 2]", inputs, 2);
    assert_value(y, (const double[]){2, 28, 8, 64}, "abi_affine");
    ck_assert_int_eq(tape_backward(fixture.tape, y), RONDO_OK);
    assert_gradient(inputs[0], (const double[]){4, 4, 6, 4, 4, 6}, "abi_affine, x");
    assert_gradient(inputs[1], (const double[]){20, 20, 28, 28, 36, 36}, "abi_affine, w");
}
END_TEST

START_TEST(view_works) {
    load_version(_i);
    const rondo_value x = parameter(3, 2, (const double[]){1, 2, 3, 4, 5, 6});
    const rondo_value y = apply("abi_first", "rows=1 skipped=1", &x, 1);
    assert_value(y, (const double[]){3, 4}, "abi_first");
    ck_assert_int_eq(tape_backward(fixture.tape, y), RONDO_OK);
    assert_gradient(x, (const double[]){0, 0, 1, 1, 0, 0}, "abi_first");
}
END_TEST

/* y_i = w x_(i-1) + decay^(i-1) sum_j m_j. Two sequences of x, (2, 3) before (1), with an unused element between them, and
 * both belong to the same two elements of m: y = (0 + 9, 10 * 2 + 4.5), (0 + 9). The unused element
 * gets no gradient. */
START_TEST(sequence_op_works) {
    load_version(2);
    const rondo_op *op = (const rondo_op *)fixture_find(RONDO_KIND_OP, "abi_sequences");
    const rondo_rows x_rows = {sizeof x_rows, 0, 2, (const int64_t[]){2, 0}, (const int64_t[]){2, 1}};
    const rondo_rows m_rows = {sizeof m_rows, 0, 2, (const int64_t[]){1, 1}, (const int64_t[]){2, 2}};
    const rondo_rows *const rows[3] = {&x_rows, &m_rows, NULL};
    const rondo_tensor width = fixture_tensor(RONDO_F64, 1, 1, 0);
    tensor_set(&width, 0, 10);
    const rondo_value inputs[3] = {parameter(4, 1, (const double[]){1, 7, 2, 3}),
                                   parameter(3, 1, (const double[]){100, 4, 5}),
                                   tape_parameter(fixture.tape, "w", &width, NULL)};
    const rondo_value y = tape_apply_rows(fixture.tape, op, fixture_options(&op->base, "-"), inputs, 3, rows);
    ck_assert_msg(tape_tensor(fixture.tape, y) != NULL, "%s", fixture_first_error());
    fixture_near(tensor_get(tape_tensor(fixture.tape, y), 0), 9, 1e-12, "y", 0);
    fixture_near(tensor_get(tape_tensor(fixture.tape, y), 2), 9, 1e-12, "y", 2);
    fixture_near(tensor_get(tape_tensor(fixture.tape, y), 3), 24.5, 1e-12, "y", 3);
    ck_assert_int_eq(tape_backward(fixture.tape, y), RONDO_OK);
    assert_gradient(inputs[0], (const double[]){0, 0, 10, 0}, "abi_sequences, x");
    assert_gradient(inputs[1], (const double[]){0, 2.5, 2.5}, "abi_sequences, m");
    assert_gradient(inputs[2], (const double[]){2}, "abi_sequences, w");
}
END_TEST

/* In training an element becomes 0 or twice its value, and so does its gradient. Both cases occur among 64 elements. */
START_TEST(random_op_works) {
    load_version(_i);
    double ones[64];
    for (int i = 0; i < 64; i++) {
        ones[i] = 1;
    }
    rondo_value x = parameter(8, 8, ones);
    assert_value(apply("abi_mask", "rate=0.5", &x, 1), ones, "abi_mask in evaluation");
    tape_reset(fixture.tape);
    tape_set_training(fixture.tape, 1);
    x = parameter(8, 8, ones);
    const rondo_value y = apply("abi_mask", "rate=0.5", &x, 1);
    const rondo_tensor *factors = tape_tensor(fixture.tape, y);
    int kept = 0;
    for (int64_t i = 0; i < 64; i++) {
        ck_assert(tensor_get(factors, i) == 0 || tensor_get(factors, i) == 2);
        kept += tensor_get(factors, i) == 2;
    }
    ck_assert(kept > 8 && kept < 56);
    ck_assert_int_eq(tape_backward(fixture.tape, y), RONDO_OK);
    for (int64_t i = 0; i < 64; i++) {
        ck_assert(tensor_get(tape_gradient(fixture.tape, x), i) == tensor_get(factors, i));
    }
}
END_TEST

/* The text that an old plug-in passes to fail reaches the user. */
START_TEST(message_arrives) {
    load_version(_i);
    const rondo_value inputs[2] = {parameter(2, 3, (const double[]){1, 2, 3, 4, 5, 6}),
                                   parameter(2, 2, (const double[]){1, 2, 3, 4})};
    ck_assert_ptr_null(tape_tensor(fixture.tape, tape_apply_named(fixture.tape, "abi_affine", NULL, inputs, 2)));
    fixture_error("'x' has 3 columns in 2 dimensions, 'w' 2 rows in 2");
}
END_TEST

/* ---- optimizers ---- */

/* g = (3, 4) has norm 5, so it becomes (0.6, 0.8); p <- p - 0.1 * 0.5 v. The mean of the two values, 1 after update 1:
 * the value itself. */
START_TEST(optimizer_and_wrappers_work) {
    load_version(_i);
    struct parameter_fixture p = parameter_fixture_create("abi_norm - | abi_mean - | abi_descent momentum=0.5",
                                                          RONDO_F64, 1, (const int64_t[]){2}, (const double[]){1, 2});
    p.lr_scale = 0.5;
    fixture_fill(&p.gradient, (const double[]){3, 4});
    parameter_fixture_update_whole(&p, 1, "update 1");
    fixture_all_near(&p.value, (const double[]){0.97, 1.96}, 1e-12, "value 1");
    fixture_all_near(parameter_fixture_evaluated(&p), (const double[]){0.97, 1.96}, 1e-12, "mean 1");
    fixture_fill(&p.gradient, (const double[]){3, 4});
    parameter_fixture_update_whole(&p, 2, "update 2"); /* v = 1.5 (0.6, 0.8) */
    fixture_all_near(&p.value, (const double[]){0.925, 1.9}, 1e-12, "value 2");
    fixture_all_near(parameter_fixture_evaluated(&p), (const double[]){0.9475, 1.93}, 1e-12, "mean 2");
}
END_TEST

/* h = B s^2 = 4 * 4: p <- p - 0.1 g / (1 + 4); the estimate is requested only at updates 1 and 5. */
START_TEST(chosen_slot_and_sampled_gradient_work) {
    load_version(_i);
    struct parameter_fixture p = parameter_fixture_create("abi_descent momentum=0 curvature=true", RONDO_F64, 1,
                                                          (const int64_t[]){1}, (const double[]){1});
    p.rows = 4;
    fixture_fill(&p.gradient, (const double[]){1});
    fixture_fill(&p.sampled, (const double[]){2});
    parameter_fixture_update_whole(&p, 1, "update 1");
    fixture_near(tensor_get(&p.value, 0), 0.98, 1e-12, "value", 1);
    parameter_fixture_update_whole(&p, 2, "update 2");
    fixture_near(tensor_get(&p.value, 0), 0.96, 1e-12, "value", 2);
    parameter_fixture_update_whole(&p, 5, "update 5"); /* h = 32 */
    fixture_near(tensor_get(&p.value, 0), 0.96 - 0.1 / (1 + sqrt(32)), 1e-12, "value", 5);
}
END_TEST

START_TEST(skips_zeros_works) {
    load_version(2);
    const rondo_optimizer *rows = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, "abi_rows");
    ck_assert_int_eq(rows->skips_zeros(fixture_options(&rows->base, "-")), 1);
    ck_assert_int_eq(rows->skips_zeros(fixture_options(&rows->base, "decay=0.5")), 0);
}
END_TEST

/* Three updates together, of a value of 9 and an average of 1: 1 + (1 - 1 / 8) (9 - 1). */
START_TEST(catch_up_works) {
    load_version(2);
    const rondo_optimizer *half = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, "abi_half");
    const rondo_tensor average = tensor_1d(RONDO_F64, 1, (double[]){1});
    const rondo_optimizer_call call = {.struct_size = sizeof call,
                                       .n_slots = 1,
                                       .parameter = "W",
                                       .step = 7,
                                       .lr_scale = 1,
                                       .value = tensor_1d(RONDO_F64, 1, (double[]){9}),
                                       .slots = &average};
    struct host_call host = fixture_host("abi_half");
    ck_assert_int_eq(half->catch_up(&host.base, &call, 5), RONDO_OK);
    fixture_near(tensor_get(&average, 0), 8, 1e-12, "average", 1);
}
END_TEST

/* What the author of an older plug-in did not know reads as "not said". */
START_TEST(a_field_of_a_newer_version_reads_as_zero) {
    load_version(_i);
    const rondo_optimizer *older = (const rondo_optimizer *)fixture_find(RONDO_KIND_OPTIMIZER, "abi_descent");
    ck_assert(older->wants_sampled != NULL && older->skips_zeros == NULL && older->catch_up == NULL);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_square");
    ck_assert(loss->measure != NULL && loss->quantile == NULL && loss->sample == NULL && loss->sample_words == NULL);
    const rondo_op *op = (const rondo_op *)fixture_find(RONDO_KIND_OP, "abi_affine");
    ck_assert(op->sample != NULL && op->sample_lengths == NULL && (op->flags & RONDO_OP_SEQUENCES) == 0);
}
END_TEST

/* ---- losses ---- */

static struct host_call loss_host(const rondo_loss *loss) {
    struct host_call host = fixture_host(loss->base.name);
    host.recorder = tape_recorder(fixture.tape);
    return host;
}

static rondo_loss_call loss_call(const rondo_loss *loss, int32_t kind, const char *options) {
    return (rondo_loss_call){.struct_size = sizeof(rondo_loss_call),
                             .target_kind = kind,
                             .options = fixture_options(&loss->base, options),
                             .target_size = 2};
}

/* 3 times the mean of (1, 4) and of (0, 1): 7.5 and 1.5; its gradient is 3 (x - y). Rows are the steps of two
 * sequences.
 */
START_TEST(loss_of_numbers_works) {
    load_version(_i);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_square");
    rondo_loss_call call = loss_call(loss, RONDO_TARGET_REAL, "weight_of_all=3");
    const rondo_sequences sequences = {.struct_size = sizeof sequences,
                                       .count = 2,
                                       .steps = 1,
                                       .lengths = (const int64_t[]){1, 1},
                                       .begin = (const int64_t[]){0, 2}};
    call.sequences = &sequences;
    struct host_call host = loss_host(loss);
    int64_t size = 0;
    ck_assert_int_eq(loss->output_size(&host.base, &call, &size), RONDO_OK);
    ck_assert_int_eq(size, 2);
    const rondo_value x = parameter(2, 2, (const double[]){1, 2, 3, 4});
    const rondo_tensor targets = fixture_tensor(RONDO_F64, 2, 2, 2);
    fixture_fill(&targets, (const double[]){0, 0, 3, 3});
    const rondo_value y = tape_constant(fixture.tape, &targets);
    const rondo_value losses = loss->record(&host.base, &call, x, y);
    assert_value(losses, (const double[]){7.5, 1.5}, "abi_square");
    ck_assert_int_eq(tape_backward(fixture.tape, losses), RONDO_OK);
    assert_gradient(x, (const double[]){3, 6, 0, 3}, "abi_square");
    ck_assert(loss->predict == NULL);
    double sums[2] = {0};
    ck_assert_int_eq(loss->measure(&host.base, &call, tape_tensor(fixture.tape, x), &targets, sums), RONDO_OK);
    fixture_near(sums[0], 3, 1e-12, "sum of mse", 0);
    ck_assert_int_eq(loss->metrics[1].finish, RONDO_METRIC_ROOT);
}
END_TEST

/* Before the output layer in training: x = 1 * (ln 3, 0) + (0, 0), so p = 3/4 and 1/4. */
START_TEST(loss_before_the_output_works) {
    load_version(_i);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_class");
    ck_assert_uint_eq(loss->flags, RONDO_LOSS_BEFORE_OUTPUT);
    rondo_loss_call call = loss_call(loss, RONDO_TARGET_CLASS, "-");
    call.training = 1;
    call.output_weight = parameter(1, 2, (const double[]){log(3), 0});
    const rondo_tensor bias = fixture_tensor(RONDO_F64, 1, 2, 0);
    call.output_bias = tape_parameter(fixture.tape, "bias", &bias, NULL);
    const rondo_tensor targets = fixture_tensor(RONDO_I32, 1, 2, 0);
    fixture_fill(&targets, (const double[]){0, 1});
    struct host_call host = loss_host(loss);
    const rondo_value hidden = parameter(2, 1, (const double[]){1, 1});
    const rondo_value losses = loss->record(&host.base, &call, hidden, tape_constant(fixture.tape, &targets));
    assert_value(losses, (const double[]){log(4.0 / 3), log(4)}, "abi_class");
    ck_assert_int_eq(tape_backward(fixture.tape, losses), RONDO_OK);
    assert_gradient(call.output_bias, (const double[]){0.5, -0.5}, "abi_class, bias");
    int64_t size = 0;
    ck_assert_int_eq(loss->prediction_size(&host.base, &call, &size), RONDO_OK);
    ck_assert_int_eq(size, 2);
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 2, 2), predictions = fixture_tensor(RONDO_F64, 2, 2, 2);
    fixture_fill(&outputs, (const double[]){log(3), 0, 7, 7});
    ck_assert_int_eq(loss->predict(&host.base, &call, &outputs, &predictions), RONDO_OK);
    fixture_all_near(&predictions, (const double[]){0.75, 0.25, 0.5, 0.5}, 1e-12, "abi_class, predictions");
    double sum = 0;
    ck_assert_int_eq(loss->measure(&host.base, &call, &predictions, &targets, &sum), RONDO_OK);
    fixture_near(sum, log(4.0 / 3) + log(2), 1e-12, "sum of -log p", 0);
}
END_TEST

/* ---- schedules ---- */

START_TEST(schedule_works) {
    load_version(_i);
    const rondo_schedule *schedule = (const rondo_schedule *)fixture_find(RONDO_KIND_SCHEDULE, "abi_levels");
    double state[3] = {0};
    ck_assert_int_eq(schedule->n_state, 3);
    rondo_schedule_call call = {.struct_size = sizeof call,
                                .n_state = 3,
                                .options = fixture_options(&schedule->base, "levels=[0.8, 0.2] label=harmonic"),
                                .done = 1,
                                .steps = 10,
                                .steps_per_epoch = 5,
                                .lr = 0.1,
                                .state = state,
                                .metric = 2};
    struct host_call host = fixture_host("abi_levels");
    double factor = 0;
    ck_assert_int_eq(schedule->check(&host.base, call.options), RONDO_OK);
    ck_assert_int_eq(schedule->factor(&host.base, &call, &factor), RONDO_OK);
    fixture_near(factor, 0.4, 1e-12, "factor", 0);
    ck_assert_int_eq(schedule->observe(&host.base, &call), RONDO_OK);
    call.metric = 3; /* worse */
    ck_assert_int_eq(schedule->observe(&host.base, &call), RONDO_OK);
    ck_assert_int_eq(schedule->factor(&host.base, &call, &factor), RONDO_OK);
    fixture_near(factor, 0.1, 1e-12, "factor", 1);
}
END_TEST

/* Before the output layer, with the weights of both outputs in reverse order: as above, p = 3/4 and 1/4. */
START_TEST(loss_chooses_its_outputs) {
    load_version(2);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_choose");
    rondo_loss_call call = loss_call(loss, RONDO_TARGET_CLASS, "-");
    call.training = 1;
    const rondo_tensor targets = fixture_tensor(RONDO_I32, 1, 2, 0);
    fixture_fill(&targets, (const double[]){0, 1});
    struct host_call choosing = loss_host(loss);
    ck_assert_int_eq(loss->choose_outputs(&choosing.base, &call, &targets, &call.chosen, &call.n_chosen), RONDO_OK);
    ck_assert(call.n_chosen == 2 && call.chosen[0] == 1 && call.chosen[1] == 0);
    call.output_weight = parameter(2, 1, (const double[]){0, log(3)});
    const rondo_tensor bias = fixture_tensor(RONDO_F64, 1, 2, 0);
    call.output_bias = tape_parameter(fixture.tape, "bias", &bias, NULL);
    struct host_call host = loss_host(loss);
    const rondo_value hidden = parameter(2, 1, (const double[]){1, 1});
    const rondo_value losses = loss->record(&host.base, &call, hidden, tape_constant(fixture.tape, &targets));
    assert_value(losses, (const double[]){log(4.0 / 3), log(4)}, "abi_choose");
    ck_assert_int_eq(tape_backward(fixture.tape, losses), RONDO_OK);
    assert_gradient(call.output_bias, (const double[]){-0.5, 0.5}, "abi_choose, bias");
}
END_TEST

/* A rate of softplus(0) + 1 - ln 2 = 1: u = 1 / 2 gives a wait of ln 2, u = 1 / 4 one of 2 ln 2. A wait is expected to be 1, so
 * the events of two sequences, of two steps and of one, are expected at 1 and 2, and at 1. */
START_TEST(loss_draws_and_predicts_along_sequences) {
    load_version(2);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_wait");
    rondo_loss_call call = loss_call(loss, RONDO_TARGET_REAL, "least=0.30685281944005469");
    call.target_size = 1;
    struct host_call host = fixture_host("abi_sample");
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 3, 1), targets = fixture_tensor(RONDO_F64, 2, 3, 1);
    ck_assert_int_eq(loss->sample_words(&host.base, &call), 2);
    const uint32_t words[] = {UINT32_C(1) << 31, 0, UINT32_C(1) << 30, 0, UINT32_C(1) << 31, 0};
    ck_assert_int_eq(loss->sample(&host.base, &call, &outputs, words, 2, &targets), RONDO_OK);
    fixture_all_near(&targets, (const double[]){log(2), 2 * log(2), log(2)}, 1e-12, "abi_wait, draws");
    const rondo_sequences sequences = {.struct_size = sizeof sequences,
                                       .count = 2,
                                       .steps = 2,
                                       .lengths = (const int64_t[]){2, 1},
                                       .begin = (const int64_t[]){0, 2, 3}};
    call.sequences = &sequences;
    ck_assert_int_eq(loss->predict(&host.base, &call, &outputs, &targets), RONDO_OK);
    fixture_all_near(&targets, (const double[]){1, 1, 2}, 1e-12, "abi_wait, predictions");
}
END_TEST

/* ---- metrics ---- */

/* Three rows of weights 1, 2 and 1; the second is wrong. With class weights (3, 1) the rows count 3, 2 and 3. */
START_TEST(metric_works) {
    load_version(_i);
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, "abi_right");
    double rows[2] = {0}, right[2] = {0}, value = 0;
    double *const sums[] = {rows, right};
    const rondo_tensor predictions = fixture_tensor(RONDO_F64, 2, 3, 2), targets = fixture_tensor(RONDO_I32, 1, 3, 0);
    const rondo_tensor weights = fixture_tensor(RONDO_F32, 1, 3, 0);
    fixture_fill(&predictions, (const double[]){0.9, 0.1, 0.6, 0.4, 0.5, 0.5});
    fixture_fill(&targets, (const double[]){0, 1, 0});
    fixture_fill(&weights, (const double[]){1, 2, 1});
    rondo_metric_call call = {.struct_size = sizeof call,
                              .target_kind = RONDO_TARGET_CLASS,
                              .options = fixture_options(&metric->base, "class_weights=[3, 1]"),
                              .target_size = 2,
                              .prediction_size = 2};
    struct host_call host = fixture_host("abi_right");
    for (int32_t a = 0; a < 2; a++) {
        int64_t size = 1;
        ck_assert_int_eq(metric->size(&host.base, &call, a, &size), RONDO_OK);
        ck_assert_int_eq(size, 2);
    }
    ck_assert_int_eq(metric->check(&host.base, &call), RONDO_OK);
    call.accumulators = sums;
    call.predictions = &predictions;
    call.targets = &targets;
    call.weights = &weights;
    ck_assert_int_eq(metric->measure(&host.base, &call), RONDO_OK);
    ck_assert_int_eq(metric->finish(&host.base, &call, &value), RONDO_OK);
    fixture_near(value, 0.75, 1e-12, "value", 0);
    rondo_metric_table table = {.struct_size = sizeof table};
    ck_assert_int_eq(metric->table(&host.base, &call, &table), RONDO_OK);
    ck_assert(table.rows == 2 && table.columns == 2 && table.row_names == NULL);
    ck_assert_str_eq(table.column_names[1], "right");
    ck_assert(table.values[0] == 2 && table.values[1] == 2 && table.values[2] == 2 && table.values[3] == 0);
}
END_TEST

/* Three texts of weights 1, 2 and 1. The first two begin like a reference of theirs, the last only by one byte. */
START_TEST(metric_of_texts_works) {
    load_version(2);
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, "abi_begins");
    ck_assert_uint_eq(metric->flags, RONDO_METRIC_TEXTS);
    static const char *const generated[] = {"tea", "soup", "pie"};
    static const char *const references[] = {"team", "bread", "sour", "pea"};
    const rondo_tensor weights = fixture_tensor(RONDO_F32, 1, 3, 0);
    fixture_fill(&weights, (const double[]){1, 2, 1});
    double right = 0, texts = 0, value = 0;
    const rondo_metric_call call = {.struct_size = sizeof call,
                                    .target_kind = RONDO_TARGET_CLASS,
                                    .options = fixture_options(&metric->base, "length=2"),
                                    .target_size = 9,
                                    .accumulators = (double *const[]){&right, &texts},
                                    .weights = &weights,
                                    .n_texts = 3,
                                    .generated = generated,
                                    .references = references,
                                    .reference_begin = (const int64_t[]){0, 1, 3, 4}};
    struct host_call host = fixture_host("abi_begins");
    ck_assert_int_eq(metric->measure(&host.base, &call), RONDO_OK);
    ck_assert_int_eq(metric->finish(&host.base, &call, &value), RONDO_OK);
    fixture_near(value, 0.75, 1e-12, "value", 0);
}
END_TEST

/* ---- intervals ---- */

/* x = 10 and 20, width 4: the interval of 0.5 is x - 2 to x + 2. Of the targets 11 and 25 only the first lies in it. */
START_TEST(quantiles_and_intervals_work) {
    load_version(2);
    const rondo_loss *loss = (const rondo_loss *)fixture_find(RONDO_KIND_LOSS, "abi_uniform");
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)fixture_find(RONDO_KIND_METRIC, "abi_inside");
    rondo_loss_call call = loss_call(loss, RONDO_TARGET_REAL, "width=4");
    call.target_size = 1;
    struct host_call host = fixture_host("abi_interval");
    const rondo_tensor outputs = fixture_tensor(RONDO_F64, 2, 2, 1), targets = fixture_tensor(RONDO_F64, 2, 2, 1);
    const rondo_tensor lower = fixture_tensor(RONDO_F64, 2, 2, 1), upper = fixture_tensor(RONDO_F64, 2, 2, 1);
    fixture_fill(&outputs, (const double[]){10, 20});
    fixture_fill(&targets, (const double[]){11, 25});
    rondo_metric_call metric_call = {.struct_size = sizeof metric_call,
                                     .target_kind = RONDO_TARGET_REAL,
                                     .options = fixture_options(&metric->base, "-"),
                                     .target_size = 1,
                                     .prediction_size = 1};
    const double level = metric->interval(metric_call.options);
    ck_assert_int_eq(loss->quantile(&host.base, &call, &outputs, (1 - level) / 2, &lower), RONDO_OK);
    ck_assert_int_eq(loss->quantile(&host.base, &call, &outputs, (1 + level) / 2, &upper), RONDO_OK);
    fixture_all_near(&lower, (const double[]){8, 18}, 1e-12, "lower");
    fixture_all_near(&upper, (const double[]){12, 22}, 1e-12, "upper");
    double inside = 0, all = 0, value = 0;
    metric_call.accumulators = (double *const[]){&inside, &all};
    metric_call.predictions = &outputs;
    metric_call.targets = &targets;
    metric_call.lower = &lower;
    metric_call.upper = &upper;
    ck_assert_int_eq(metric->measure(&host.base, &metric_call), RONDO_OK);
    ck_assert_int_eq(metric->finish(&host.base, &metric_call, &value), RONDO_OK);
    fixture_near(value, 0.5, 1e-12, "value", 0);
}
END_TEST

/* ---- the whole program ---- */

START_TEST(frozen_plugin_passes_its_checks) {
    char arguments[2048];
    const int version = _i / ROWS(plugins), plugin = _i % ROWS(plugins);
    if (plugin >= n_plugins[version]) {
        return;
    }
    snprintf(arguments, sizeof arguments, "plugin check %s", file_of(version, plugin));
    sandbox_open();
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    sandbox_close();
    assert_status(arguments, &outcome, 0);
    assert_parts(arguments, outcome.out, " 0 warnings, 0 FAILED");
}
END_TEST

/* ---- the layout ---- */

/* The text of a file, or the output of a program. */
static void read_text(FILE *stream, const char *what, char *text) {
    ck_assert_msg(stream != NULL, "cannot read '%s'", what);
    const size_t length = fread(text, 1, TEXT - 1, stream);
    ck_assert_msg(length > 0 && length < TEXT - 1, "'%s' has %zu bytes", what, length);
    text[length] = '\0';
}

static void read_layout(const char *program, char *text) {
    char path[1024];
    snprintf(path, sizeof path, "'%s/%s'", fixture_path("RONDO_TEST_ABI"), program);
    FILE *stream = popen(path, "r");
    read_text(stream, path, text);
    ck_assert_int_eq(pclose(stream), 0);
}

static void read_frozen(int version, char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/abi/%s/layout.txt", fixture_path("RONDO_TEST_SOURCE"), versions[version]);
    FILE *stream = fopen(path, "r");
    read_text(stream, path, text);
    fclose(stream);
}

START_TEST(todays_header_keeps_the_frozen_layout) {
    static char frozen[TEXT], today[TEXT];
    char reason[2048];
    read_frozen(_i, frozen);
    read_layout("layout", today);
    abi_layout_compare(frozen, today, reason, sizeof reason);
    ck_assert_msg(reason[0] == '\0', "since ABI %s: %s", versions[_i], reason);
}
END_TEST

/* The frozen layout agrees with the header against which the plug-ins were built. */
START_TEST(frozen_layout_is_that_of_the_frozen_header) {
    static char frozen[TEXT], again[TEXT];
    char program[64];
    snprintf(program, sizeof program, "%s/layout", versions[_i]);
    read_frozen(_i, frozen);
    read_layout(program, again);
    ck_assert_str_eq(frozen, again);
}
END_TEST

/* A layout that was changed, by up to two texts in place of others ("" is the end), and the expected reason. */
static const struct {
    const char *from, *to, *from2, *to2;
    const char *reason; /* part of the reason; "": there must be none */
} changes[] = {
    {NULL, NULL, NULL, NULL, ""},
    {"rondo_op.map offset 64", "rondo_op.map offset 72", NULL, NULL, "field rondo_op.map was 'offset 64"},
    {"int64_t rows", "double rows", NULL, NULL, "field rondo_optimizer_call.rows was"},
    {"int64_t step)", "int32_t step)", NULL, NULL, "field rondo_optimizer.wants_sampled was"},
    {"field rondo_slot.role", "field rondo_slot.roles", NULL, NULL, "field rondo_slot.role is gone"},
    {"struct rondo_op size 144", "struct rondo_op size 136", NULL, NULL, "struct rondo_op was"},
    {"struct rondo_op size 144 align 8", "struct rondo_op size 144 align 16", NULL, NULL, "struct rondo_op was"},
    {"enum RONDO_NO_MEMORY 4", "enum RONDO_NO_MEMORY 5", NULL, NULL, "enum RONDO_NO_MEMORY was '4', is '5'"},
    {"enum RONDO_ROLE_SUM 1\n", "", NULL, NULL, "enum RONDO_ROLE_SUM is gone"},
    {"macro RONDO_MAX_DIMS 6", "macro RONDO_MAX_DIMS 8", NULL, NULL, "macro RONDO_MAX_DIMS was '6', is '8'"},
    {"macro RONDO_ABI_MAJOR 1", "macro RONDO_ABI_MAJOR 2", NULL, NULL, "macro RONDO_ABI_MAJOR was"},
    /* growth, and the minor version with it */
    {"struct rondo_op size 144", "struct rondo_op size 152", NULL, NULL, "struct rondo_op is larger, yet"},
    {"struct rondo_op size 144", "struct rondo_op size 152", "MINOR 0", "MINOR 1", ""},
    {"", "field rondo_op.more offset 144 size 8: void *more\n", "MINOR 0", "MINOR 1", ""},
    {"", "field rondo_op.more offset 144 size 8: void *more\n", NULL, NULL, "field rondo_op.more is new, yet"},
    {"", "field rondo_sample.more offset 4 size 4: int32_t more\n", "MINOR 0", "MINOR 1", "not behind the old end"},
    {"", "struct rondo_new size 8 align 8\nfield rondo_new.a offset 0 size 8: void *a\n", "MINOR 0", "MINOR 1", ""},
    {"", "enum RONDO_BF16 3\n", NULL, NULL, "enum RONDO_BF16 is new, yet RONDO_ABI_MINOR is still 0"},
    {"", "enum RONDO_MAP 7\n", "MINOR 0", "MINOR 1", ""},
    {"", "macro RONDO_ROWS 7\n", NULL, NULL, ""}, /* a name for a value that crosses already */
    {"STATUS_COUNT 8", "STATUS_COUNT 9", NULL, NULL, "enum RONDO_STATUS_COUNT is larger, yet"},
    {"STATUS_COUNT 8", "STATUS_COUNT 9", "MINOR 0", "MINOR 1", ""},
    {"STATUS_COUNT 8", "STATUS_COUNT 7", "MINOR 0", "MINOR 1", "enum RONDO_STATUS_COUNT was"},
    /* structs that are elements of arrays, or that have no struct_size, may not grow */
    {"rondo_tensor size 64", "rondo_tensor size 72", "MINOR 0", "MINOR 1", "struct rondo_tensor was"},
    {"rondo_slot size 16", "rondo_slot size 24", "MINOR 0", "MINOR 1", "struct rondo_slot was"},
    {"rondo_descriptor size 40", "rondo_descriptor size 48", "MINOR 0", "MINOR 1", "struct rondo_descriptor was"},
    {"rondo_plugin_info size 56", "rondo_plugin_info size 64", "MINOR 0", "MINOR 1", "struct rondo_plugin_info was"},
    {"MINOR 0", "MINOR 1", NULL, NULL, ""},
};

static void replace(char *text, const char *from, const char *to) {
    char *at = from[0] == '\0' ? text + strlen(text) : strstr(text, from);
    ck_assert_msg(at != NULL, "the layout has no '%s'", from);
    const size_t rest = strlen(at + strlen(from)) + 1;
    ck_assert_uint_lt(strlen(text) + strlen(to), TEXT);
    memmove(at + strlen(to), at + strlen(from), rest);
    memcpy(at, to, strlen(to));
}

START_TEST(change_of_the_layout_is_caught) {
    static char frozen[TEXT], changed[TEXT];
    char reason[2048];
    read_frozen(0, frozen);
    memcpy(changed, frozen, sizeof frozen);
    if (changes[_i].from != NULL) {
        replace(changed, changes[_i].from, changes[_i].to);
    }
    if (changes[_i].from2 != NULL) {
        replace(changed, changes[_i].from2, changes[_i].to2);
    }
    abi_layout_compare(frozen, changed, reason, sizeof reason);
    ck_assert_msg(changes[_i].reason[0] == '\0' ? reason[0] == '\0' : strstr(reason, changes[_i].reason) != NULL,
                  "'%s' for '%s' gave \"%s\"", changes[_i].to, changes[_i].from, reason);
}
END_TEST

/* ---- the header without any other ---- */

static const char header_user[] =
    "#include \"rondo/plugin.h\"\n"
    "#include \"rondo/plugin.h\"\n"
    "struct options { double rate; int64_t count; };\n"
    "static const rondo_option table[] = {\n"
    "    RONDO_OPTION_REAL(struct options, rate, \"1\", 0, 2, \"a rate\"),\n"
    "    RONDO_OPTION_INT(struct options, count, \"1\", 0, 2, \"a count\"), RONDO_OPTION_END};\n"
    "static const rondo_descriptor base = {sizeof(rondo_op), RONDO_KIND_OP, \"x\", \"y\",\n"
    "    table, sizeof(struct options)};\n"
    "RONDO_PLUGIN(\"x\", \"1.0\", \"MIT\", &base);\n";

static const struct {
    const char *compiler, *language, *standard;
} languages[] = {{"cc", "c", "c11"}, {"cc", "c", "c17"}, {"c++", "c++", "c++17"}, {"c++", "c++", "c++20"}};

/* The current header, and each frozen one. */
static void compile(const char *folder, int language) {
    char command[2048];
    sandbox_write("user.txt", header_user);
    snprintf(command, sizeof command,
             "%s -std=%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I '%s' -x %s '%s' 2>'%s'",
             languages[language].compiler, languages[language].standard, folder, languages[language].language,
             sandbox_path("user.txt"), sandbox_path("said.txt"));
    const int status = system(command);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && strcmp(languages[language].language, "c") != 0) {
        fprintf(stderr, "header_compiles_alone: %s skipped, there is no %s\n", languages[language].standard,
                languages[language].compiler);
        return;
    }
    ck_assert_msg(status == 0, "%s: %s", command, sandbox_read("said.txt", NULL));
}

START_TEST(header_compiles_alone) {
    char folder[1024];
    sandbox_open();
    snprintf(folder, sizeof folder, "%s/include", fixture_path("RONDO_SOURCE"));
    compile(folder, _i);
    for (int v = 0; v < ROWS(versions); v++) {
        snprintf(folder, sizeof folder, "%s/abi/%s", fixture_path("RONDO_TEST_SOURCE"), versions[v]);
        compile(folder, _i);
    }
    sandbox_close();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("abi");
    TCase *cases = tcase_create("abi");
    const int count = ROWS(versions);
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, elementwise_op_works, 0, count);
    tcase_add_loop_test(cases, general_op_works, 0, count);
    tcase_add_loop_test(cases, view_works, 0, count);
    tcase_add_test(cases, sequence_op_works);
    tcase_add_loop_test(cases, random_op_works, 0, count);
    tcase_add_loop_test(cases, message_arrives, 0, count);
    tcase_add_loop_test(cases, optimizer_and_wrappers_work, 0, count);
    tcase_add_loop_test(cases, chosen_slot_and_sampled_gradient_work, 0, count);
    tcase_add_test(cases, skips_zeros_works);
    tcase_add_test(cases, catch_up_works);
    tcase_add_loop_test(cases, a_field_of_a_newer_version_reads_as_zero, 0, count);
    tcase_add_loop_test(cases, loss_of_numbers_works, 0, count);
    tcase_add_loop_test(cases, loss_before_the_output_works, 0, count);
    tcase_add_loop_test(cases, schedule_works, 0, count);
    tcase_add_loop_test(cases, metric_works, 1, ROWS(versions));
    tcase_add_test(cases, metric_of_texts_works);
    tcase_add_test(cases, loss_chooses_its_outputs);
    tcase_add_test(cases, loss_draws_and_predicts_along_sequences);
    tcase_add_test(cases, quantiles_and_intervals_work);
    tcase_add_loop_test(cases, frozen_plugin_passes_its_checks, 0, count * ROWS(plugins));
    tcase_add_loop_test(cases, todays_header_keeps_the_frozen_layout, 0, count);
    tcase_add_loop_test(cases, frozen_layout_is_that_of_the_frozen_header, 0, count);
    tcase_add_loop_test(cases, change_of_the_layout_is_caught, 0, ROWS(changes));
    tcase_add_loop_test(cases, header_compiles_alone, 0, ROWS(languages));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
