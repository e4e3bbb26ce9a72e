/* tests/test_scan.c: compares the fused engine with the tape, for every cell of RONDO_CELL_PATH: outputs, final states
 * and every gradient; any number of threads; every pass switched off; batch mates; allocations. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fused.h"
#include "tests/recurrence_case.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { INPUT = 5, HIDDEN = 6 };

START_TEST(cells_are_found_where_the_environment_says) {
    ck_assert_msg(n_cell_files > 0, "there is no cell in RONDO_CELL_PATH");
}
END_TEST

static struct cell *compile(const char *file, int32_t dtype) {
    return session_compile_file(file, dtype, INPUT, HIDDEN);
}

static struct recurrence_answer solve(const struct recurrence_case *problem, int32_t passes, int32_t threads) {
    return recurrence_case_solve(problem, (struct recurrence_engine){.fused = 1, .passes = passes, .threads = threads});
}

/* ---- the oracle ---- */

static const int64_t some_lengths[] = {7, 6, 6, 3, 3, 1};

START_TEST(the_fused_engine_gives_what_the_tape_gives) {
    static const struct {
        int32_t dtype;
        double tolerance;
    } rows[] = {{RONDO_F64, 1e-10}, {RONDO_F32, 1e-4}};
    const int32_t dtype = rows[_i % 2].dtype;
    struct cell *cell = compile(cell_files[_i / 2], dtype);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, dtype, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    const struct recurrence_answer found = solve(&problem, PASS_ALL, 1);
    recurrence_case_compare(&problem, &found, &expected, rows[_i % 2].tolerance, "fused");
    cell_destroy(cell);
}
END_TEST

/* More pairs of rows than a product of weight gradients packs at a time, from states whose rows before each step are
 * not next to each other, in blocks and shares that do not divide them. */
START_TEST(a_large_ragged_batch_gives_what_the_tape_gives) {
    enum { MANY = 97 };
    int64_t lengths[MANY];
    for (int i = 0; i < MANY; i++) {
        lengths[i] = 9 - i / 14;
    }
    struct cell *cell = compile(cell_files[_i], RONDO_F64);
    const struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, MANY);
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    const struct recurrence_answer found = solve(&problem, PASS_ALL, 3);
    recurrence_case_compare(&problem, &found, &expected, 1e-9, "a large batch");
    const struct recurrence_engine again = {.fused = 1, .passes = PASS_ALL, .recompute = 4, .threads = 2};
    const struct recurrence_answer windows = recurrence_case_solve(&problem, again);
    recurrence_case_compare(&problem, &windows, &expected, 1e-9, "a large batch in windows");
    cell_destroy(cell);
}
END_TEST

START_TEST(switching_a_pass_off_changes_no_result) {
    struct cell *cell = compile(cell_files[_i], RONDO_F64);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = solve(&problem, PASS_ALL, 1);
    for (int32_t pass = 0; scan_pass_name(pass) != NULL; pass++) {
        char how[64];
        snprintf(how, sizeof how, "passes -%s", scan_pass_name(pass));
        const struct recurrence_answer found = solve(&problem, PASS_ALL & ~(1 << pass), 2);
        recurrence_case_compare(&problem, &found, &expected, 1e-12, how);
    }
    const struct recurrence_answer none = solve(&problem, 0, 2);
    recurrence_case_compare(&problem, &none, &expected, 1e-12, "no pass");
    cell_destroy(cell);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F32, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = solve(&problem, PASS_ALL, 1);
    for (int32_t threads = 2; threads <= 7; threads += 5) {
        const struct recurrence_answer found = solve(&problem, PASS_ALL, threads);
        recurrence_case_compare(&problem, &found, &expected, 0, "threads");
    }
    cell_destroy(cell);
}
END_TEST

/* Wide enough that all workers share the instructions of the loop instead of the rows (run_wide.c), with widths that do not
 * divide into panels. */
static void check_wide(const char *file, int64_t hidden, const int64_t *lengths, int64_t rows) {
    struct cell *cell = session_compile_file(file, RONDO_F32, INPUT, hidden);
    const struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F32, lengths, rows);
    const struct recurrence_answer expected = solve(&problem, PASS_ALL, 1);
    for (int32_t threads = 2; threads <= 3; threads++) {
        const struct recurrence_answer found = solve(&problem, PASS_ALL, threads);
        recurrence_case_compare(&problem, &found, &expected, 0, "threads");
    }
    cell_destroy(cell);
}

START_TEST(threads_that_share_one_row_change_no_bit) {
    static const int64_t one[] = {3};
    check_wide(cell_files[_i], 258, one, 1);
}
END_TEST

START_TEST(threads_that_share_few_rows_of_wide_cells_change_no_bit) {
    static const int64_t few[] = {3, 3, 2, 1, 1};
    for (int i = 0; i < n_cell_files; i++) {
        const char *name = strrchr(cell_files[i], '/');
        if (strcmp(name, "/lstm.yaml") == 0 || strcmp(name, "/lstm_layer_norm.yaml") == 0) {
            check_wide(cell_files[i], 370, few, ROWS(few));
        }
    }
}
END_TEST

/* Equal except for rounding, because gradients of weights are summed window by window. */
START_TEST(computing_steps_again_changes_no_result) {
    static const int64_t windows[] = {1, 2, 3, 5, 7, 100};
    struct cell *cell = compile(cell_files[_i], RONDO_F64);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = solve(&problem, PASS_ALL, 1);
    for (int i = 0; i < ROWS(windows); i++) {
        char how[64];
        snprintf(how, sizeof how, "recompute every %d steps", (int)windows[i]);
        const struct recurrence_engine engine = {.fused = 1, .passes = PASS_ALL, .recompute = windows[i], .threads = 2};
        const struct recurrence_answer found = recurrence_case_solve(&problem, engine);
        recurrence_case_compare(&problem, &found, &expected, 1e-12, how);
    }
    cell_destroy(cell);
}
END_TEST

/* ---- rows ---- */

START_TEST(batch_mates_and_padding_change_no_bit_of_a_row) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32);
    const struct recurrence_case batch =
        recurrence_case_create(&support, cell, RONDO_F32, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer whole = solve(&batch, PASS_ALL, 2);
    for (int64_t row = 0; row < ROWS(some_lengths); row++) {
        const struct recurrence_case one = recurrence_case_rows(&batch, row, row + 1);
        const struct recurrence_answer single = solve(&one, PASS_ALL, 1);
        recurrence_case_same_rows(&batch, &whole, &one, &single, row, "a row on its own");
    }
    cell_destroy(cell);
}
END_TEST

/* Without gradients, less memory is kept, but the outputs are the same. */
START_TEST(prediction_gives_the_outputs_of_training) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32);
    struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F32, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = solve(&problem, PASS_ALL, 1);
    problem.x_needs = 0;
    memset(problem.initial_needs, 0, sizeof(int) * (size_t)cell->n_states);
    memset(problem.parameter_needs, 0, sizeof(int) * (size_t)cell->n_parameters);
    const struct recurrence_answer found = solve(&problem, PASS_ALL, 2);
    support_near(&found.outputs, &expected.outputs, 1e-6, cell->name);
    for (int32_t s = 0; s < cell->n_states; s++) {
        support_near(&found.final[s], &expected.final[s], 1e-6, cell->name);
    }
    cell_destroy(cell);
}
END_TEST

/* ---- ops that are not elementwise ---- */

/* scale(x, v) = x * v, scale(x, v, w) = x * v + w for rows x, a vector v, and rows or a vector w, as a call: without
 * options, so that two calls may differ in nothing. It counts what it is called for, and fails at a chosen call. */
static struct {
    int forward, backward;           /* calls so far */
    int fail_forward, fail_backward; /* the number of the call that fails, from 1 on; 0: none */
} scale_calls;

static rondo_status scale_infer(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = call->inputs[0];
    return RONDO_OK;
}

static rondo_status scale_forward(rondo_context *ctx, rondo_op_call *call) {
    const double *x = call->inputs[0].data, *v = call->inputs[1].data;
    const int64_t width = call->inputs[1].shape[0];
    if (++scale_calls.forward == scale_calls.fail_forward) {
        return (ctx->host->fail)(ctx, RONDO_INVALID, "no scale today");
    }
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        ((double *)call->output.data)[i] = x[i] * v[i % width];
        if (call->n_inputs > 2) {
            const rondo_tensor *w = &call->inputs[2];
            ((double *)call->output.data)[i] += ((const double *)w->data)[i % rondo_count(w)];
        }
    }
    return RONDO_OK;
}

static rondo_status scale_backward(rondo_context *ctx, rondo_op_call *call) {
    const double *x = call->inputs[0].data, *v = call->inputs[1].data, *g = call->grad_output->data;
    double *grad_x = call->grad_inputs[0].data, *grad_v = call->grad_inputs[1].data;
    const int64_t width = call->inputs[1].shape[0];
    if (++scale_calls.backward == scale_calls.fail_backward) {
        return (ctx->host->fail)(ctx, RONDO_INVALID, "no scale today");
    }
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        if (grad_x != NULL) {
            grad_x[i] += g[i] * v[i % width];
        }
        if (grad_v != NULL) {
            grad_v[i % width] += g[i] * x[i];
        }
        if (call->n_inputs > 2 && call->grad_inputs[2].data != NULL) {
            ((double *)call->grad_inputs[2].data)[i % rondo_count(&call->inputs[2])] += g[i];
        }
    }
    return RONDO_OK;
}

static const rondo_op scale = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "scale", .summary = "x * v + w"},
    .min_inputs = 2,
    .max_inputs = 3,
    .operands = "x, v, w",
    .infer = scale_infer,
    .forward = scale_forward,
    .backward = scale_backward,
};

/* A cell with state h, and k if n_states is 2. */
static struct cell *compile_text(const char *equations, const char *output, int32_t n_states, int64_t hidden) {
    static const struct cell_shape states[] = {{.name = "h", .ndim = 1, .dimensions = {"hidden"}},
                                               {.name = "k", .ndim = 1, .dimensions = {"hidden"}}};
    const struct cell_definition definition = {.name = equations,
                                               .source = "",
                                               .summary = "",
                                               .states = states,
                                               .n_states = n_states,
                                               .output = output,
                                               .equations = {.file = "test", .text = equations, .first_line = 1}};
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = INPUT, .hidden = hidden};
    if (registry_op(session->registry, "scale") == NULL) {
        support_ok(&support, registry_add(session->registry, &scale.base, "test", &support.errors), "scale");
    }
    return session_compile(&definition, settings);
}

/* Cells in which the calls of an op are in the loop, before it and after it, forward and backward. */
static const struct {
    const char *equations, *output;
} call_rows[] = {
    {"h' = tanh(x @ W + scale(h, v))", NULL},
    {"h' = tanh(scale(x @ W, v) + h @ U)", NULL},
    {"h' = tanh(x @ W + h @ U)\ny = scale(h', v)", "y"},
    {"h' = tanh(x @ W + scale(h, v))\ny = scale(h', v)", "y"},
    {"h' = tanh(x @ W + scale(h, v) + scale(h, v))", NULL},
    {"a = scale(h, v)\nb = scale(h, v)\nh' = tanh(x @ W + a * b)", NULL},
    {"h' = tanh(x @ W + scale(h, exp(v)) + scale(h, v))", NULL},
    {"h' = tanh(x @ W + scale(h, v, w) + scale(h, v, w))", NULL},
    {"a = x @ W\nh' = tanh(scale(h, v, a) + scale(h, v, a))", NULL},
};

START_TEST(calls_of_an_op_give_what_the_tape_gives) {
    struct cell *cell = compile_text(call_rows[_i].equations, call_rows[_i].output, 1, HIDDEN);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    static const int32_t passes[] = {PASS_ALL, PASS_ALL & ~PASS_SINK, PASS_ALL & ~PASS_HOIST, 0};
    for (int i = 0; i < ROWS(passes); i++) {
        const struct recurrence_answer found = solve(&problem, passes[i], 1);
        recurrence_case_compare(&problem, &found, &expected, 1e-12, "calls");
    }
    cell_destroy(cell);
}
END_TEST

/* Cells whose results would be wrong without one rule of a pass or of the plan. */
static const struct {
    const char *rule, *equations;
    int32_t n_states;
    int64_t hidden;
} rule_rows[] = {
    {"a sum that reads a value twice is not written over it", "v = x @ W\nh' = tanh(v + v + v + h)", 1, HIDDEN},
    {"nor a part of a sum", "v = x @ W\nu = h * d\nh' = tanh(u + v + u + v + u)", 1, HIDDEN},
    {"what reads a part of a row is not written over the row",
     "w = x @ U\nz = slice(w, begin=0, end=1) + h\nh' = tanh(0.1 * z * z)", 1, 600},
    {"nor over a row that a product has added to",
     "w = x @ W + h @ U\nz = slice(w, begin=0, end=1) + h\nh' = tanh(0.1 * z * z)", 1, 600},
    {"a part of no columns", "h' = tanh(x @ W + concat(slice(h, begin=0, end=0), h @ R) @ U)", 1, HIDDEN},
    {"two states with one gradient have a carry each", "h' = tanh(x @ W + h + k)\nk' = tanh(x @ V)", 2, HIDDEN},
    {"two new states that are one value", "z = tanh(x @ W + h + k)\nh' = z\nk' = z", 2, HIDDEN},
    {"states that change places", "h' = k\nk' = tanh(h + x @ W)", 2, HIDDEN},
    {"a constant state, read by a product", "k' = k\nh' = tanh(x @ W + k @ U + h * k)", 2, HIDDEN},
    {"a carry that goes through a view", "h' = tanh(x @ W + reshape(h, shape=[-1, 6]))", 1, HIDDEN},
    {"a carry that is read after the loop", "h' = h + x @ W", 1, HIDDEN},
    {"a product of a carry", "h' = h @ U + k\nk' = h", 2, HIDDEN},
    {"parts that leave a gap", "h' = tanh(concat(slice(h, begin=0, end=2), slice(h, begin=3, end=6), x @ R) @ U)", 1,
     HIDDEN},
    {"parts that overlap", "h' = tanh(concat(slice(h, begin=0, end=4), slice(h, begin=2, end=6)) @ U + x @ W)", 1,
     HIDDEN},
    {"one weight in products of both sides of the loop", "h' = tanh((x @ V) @ U + h @ U)\nk' = h' @ U", 2, HIDDEN},
    {"a weight and a part of it", "h' = tanh(x @ W + h @ U + slice(U, axis=0, begin=1, end=2))", 1, HIDDEN},
    {"a product that two sums read", "p = h @ U\nh' = tanh(p + x @ W) + sigmoid(p + b)", 1, HIDDEN},
    {"a sum whose init is a new state", "k' = tanh(h + x @ W)\nh' = k' + h @ U", 2, HIDDEN},
    {"a cheap value of a broadcast one", "s = sum(h * d, axis=-1, keep=true)\nu = 1 - s\nh' = tanh(u * h + x @ W) * u",
     1, HIDDEN},
    {"a state that nothing reads", "k' = x @ V\nh' = tanh(x @ W + h @ U)", 2, HIDDEN},
};

START_TEST(a_rule_of_the_plan_holds) {
    struct cell *cell = compile_text(rule_rows[_i].equations, NULL, rule_rows[_i].n_states, rule_rows[_i].hidden);
    cell->name = rule_rows[_i].rule;
    struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    for (int with_final = 0; with_final < 2; with_final++) {
        problem.uses_final = with_final;
        const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
        for (int32_t off = 0; off <= PASS_ALL; off = off == 0 ? 1 : 2 * off) {
            for (int64_t recompute = 0; recompute <= 2; recompute += 2) {
                const struct recurrence_engine engine = {
                    .fused = 1, .passes = PASS_ALL & ~off, .recompute = recompute, .threads = 2};
                const struct recurrence_answer found = recurrence_case_solve(&problem, engine);
                recurrence_case_compare(&problem, &found, &expected, 1e-11, "fused");
            }
        }
    }
    cell_destroy(cell);
}
END_TEST

/* The loss of a tape on which a recurrence is recorded. */
static rondo_status train_once(const struct recurrence_case *problem, const struct scan *scan, struct tape *tape) {
    rondo_value parameters[4];
    ck_assert_int_le(problem->cell->n_parameters, ROWS(parameters));
    tape_reset(tape);
    tape_set_training(tape, 1);
    tape_enter(tape, "layer", (struct rng_stream){9});
    for (int32_t p = 0; p < problem->cell->n_parameters; p++) {
        parameters[p] = tape_parameter(tape, "p", &problem->parameters[p], NULL);
    }
    const rondo_value x = tape_parameter(tape, "x", &problem->x, NULL);
    const struct recurrence recurrence = {problem->cell, &problem->time, 1, x, parameters, NULL, {-1}, NULL};
    return tape_backward(tape, fused(scan, &recurrence, tape, NULL));
}

/* After the call that fails, no further call of its half is made, whichever call fails. */
START_TEST(an_op_that_fails_stops_the_engine_at_once) {
    struct cell *cell = compile_text(call_rows[_i].equations, call_rows[_i].output, 1, HIDDEN);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    for (int64_t recompute = 0; recompute <= 3; recompute += 3) {
        struct scan *scan = fused_create(cell, PASS_ALL, recompute, &support.errors);
        ck_assert_msg(scan != NULL, "%s", support_error(&support));
        struct tape *tape = support_tape(&support, NULL);
        memset(&scale_calls, 0, sizeof scale_calls);
        support_ok(&support, train_once(&problem, scan, tape), "without a failure");
        const int forward = scale_calls.forward, backward = scale_calls.backward;
        ck_assert_int_gt(forward, 0);
        ck_assert_int_gt(backward, 0);
        for (int number = 1; number <= forward + backward; number++) {
            memset(&scale_calls, 0, sizeof scale_calls);
            *(number <= forward ? &scale_calls.fail_forward : &scale_calls.fail_backward) =
                number <= forward ? number : number - forward;
            ck_assert_int_eq(train_once(&problem, scan, tape), RONDO_INVALID);
            ck_assert_int_eq(support.errors.count, 1);
            ck_assert_msg(strstr(support_error(&support), "no scale today") != NULL, "%s", support_error(&support));
            errors_free(&support.errors);
            if (number <= forward) {
                ck_assert_int_eq(scale_calls.forward, number);
            } else {
                ck_assert_int_eq(scale_calls.backward, number - forward);
            }
        }
        tape_destroy(tape);
        scan_destroy(scan);
    }
    cell_destroy(cell);
}
END_TEST

/* The words of a random op that the tape applies after a recurrence follow those of all steps. */
START_TEST(random_ops_after_a_recurrence_draw_other_words_than_its_steps) {
    struct cell *cell = compile_text("h' = dropout(h, rate=0.5) + dropout(x @ W, rate=0.5)", NULL, 1, HIDDEN);
    const struct recurrence_case problem =
        recurrence_case_create(&support, cell, RONDO_F64, some_lengths, ROWS(some_lengths));
    struct scan *scan = fused_create(cell, PASS_ALL, 0, &support.errors);
    ck_assert_msg(scan != NULL, "%s", support_error(&support));
    rondo_tensor masks[2];
    for (int by_scan = 0; by_scan < 2; by_scan++) {
        struct tape *tape = support_tape(&support, NULL);
        rondo_tensor ones = support_zeros(&support, RONDO_F64, "8, 8");
        for (int64_t i = 0; i < rondo_count(&ones); i++) {
            tensor_set(&ones, i, 1);
        }
        tape_set_training(tape, 1);
        tape_enter(tape, "layer", (struct rng_stream){9});
        const rondo_value parameter = tape_constant(tape, &problem.parameters[0]);
        const struct recurrence recurrence = {cell,       &problem.time, 1,    tape_constant(tape, &problem.x),
                                              &parameter, NULL,          {-1}, NULL};
        if (by_scan) {
            fused(scan, &recurrence, tape, NULL);
        } else {
            unroll(&recurrence, tape, NULL);
        }
        const rondo_value value = tape_constant(tape, &ones);
        const rondo_value mask = tape_apply_named(tape, "dropout", "rate=0.5", &value, 1);
        support_ok(&support, tape_status(tape), "dropout");
        masks[by_scan] = support_zeros(&support, RONDO_F64, "8, 8");
        memcpy(masks[by_scan].data, tape_tensor(tape, mask)->data, tensor_bytes(&ones));
        tape_destroy(tape);
    }
    support_near(&masks[1], &masks[0], 0, "the mask after a recurrence");
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 120, session_setup, session_teardown);
}

static Suite *scan_suite(void) {
    Suite *suite = suite_create("scan");
    TCase *cells = new_case(suite, "cells");
    tcase_add_test(cells, cells_are_found_where_the_environment_says);
    tcase_add_loop_test(cells, the_fused_engine_gives_what_the_tape_gives, 0, 2 * n_cell_files);
    tcase_add_loop_test(cells, a_large_ragged_batch_gives_what_the_tape_gives, 0, n_cell_files);
    tcase_add_loop_test(cells, switching_a_pass_off_changes_no_result, 0, n_cell_files);
    tcase_add_loop_test(cells, any_number_of_threads_gives_the_same_bits, 0, n_cell_files);
    tcase_add_loop_test(cells, threads_that_share_one_row_change_no_bit, 0, n_cell_files);
    tcase_add_test(cells, threads_that_share_few_rows_of_wide_cells_change_no_bit);
    tcase_add_loop_test(cells, computing_steps_again_changes_no_result, 0, n_cell_files);
    tcase_add_loop_test(cells, batch_mates_and_padding_change_no_bit_of_a_row, 0, n_cell_files);
    tcase_add_loop_test(cells, prediction_gives_the_outputs_of_training, 0, n_cell_files);
    tcase_add_test(cells, random_ops_after_a_recurrence_draw_other_words_than_its_steps);
    tcase_add_loop_test(cells, a_rule_of_the_plan_holds, 0, ROWS(rule_rows));
    tcase_add_loop_test(cells, calls_of_an_op_give_what_the_tape_gives, 0, ROWS(call_rows));
    tcase_add_loop_test(cells, an_op_that_fails_stops_the_engine_at_once, 0, ROWS(call_rows));
    return suite;
}

int main(void) {
    find_cell_files();
    return run_suite(scan_suite());
}
