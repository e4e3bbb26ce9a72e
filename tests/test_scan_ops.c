/* tests/test_scan_ops.c: ops of plug-ins in the steps of a recurrence, as far as rondo/plugin.h lets them be unusual. The fused engine
 * gives what the tape gives, on any number of threads, or says that it cannot. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/fused.h"
#include "tests/recurrence_case.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { INPUT = 5, HIDDEN = 6 };
static const int64_t lengths[] = {7, 6, 6, 3, 3, 1};

/* ---- ops ---- */

static rondo_status like_x(rondo_op_call *call, int32_t dtype) {
    call->output = call->inputs[0];
    call->output.data = NULL;
    call->output.dtype = dtype;
    return RONDO_OK;
}

static rondo_status infer_like_x(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    return like_x(call, call->inputs[0].dtype);
}

static rondo_status infer_view(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->is_view = 1;
    return like_x(call, call->inputs[0].dtype);
}

static rondo_status infer_view_in_evaluation(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->is_view = !call->training;
    return like_x(call, call->inputs[0].dtype);
}

static rondo_status infer_double(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    return like_x(call, RONDO_F64);
}

static rondo_status infer_single(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    return like_x(call, RONDO_F32);
}

static rondo_status infer_index(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = (rondo_tensor){.dtype = RONDO_I32, .ndim = 1, .shape = {call->inputs[0].shape[0]}};
    return RONDO_OK;
}

static rondo_status do_nothing(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    (void)call;
    return RONDO_OK;
}

/* y = x / 2 */
static rondo_status forward_half(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        rondo_set(&call->output, i, rondo_get(&call->inputs[0], i) / 2);
    }
    return RONDO_OK;
}

static rondo_status backward_half(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    const rondo_tensor *gradient = &call->grad_inputs[0];
    for (int64_t i = 0; gradient->data != NULL && i < rondo_count(&call->output); i++) {
        rondo_set(gradient, i, rondo_get(gradient, i) + rondo_get(call->grad_output, i) / 2);
    }
    return RONDO_OK;
}

static double uniform(rondo_context *ctx, int64_t number) {
    uint32_t word;
    ctx->host->random(ctx, (uint64_t)number, 1, &word);
    return word / 4294967296.0;
}

/* Element i: the sum of words 2 i and 2 i + 1. */
static rondo_status forward_pairs(rondo_context *ctx, rondo_op_call *call) {
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        rondo_set(&call->output, i, uniform(ctx, 2 * i) + uniform(ctx, 2 * i + 1) - 1);
    }
    return RONDO_OK;
}

/* Row i: word i, times x where it has a gradient. */
static rondo_status forward_rows(rondo_context *ctx, rondo_op_call *call) {
    const int64_t rows = call->output.shape[0], width = rondo_count(&call->output) / (rows == 0 ? 1 : rows);
    for (int64_t i = 0; i < rows * width; i++) {
        rondo_set(&call->output, i, uniform(ctx, i / width) * rondo_get(&call->inputs[0], i));
    }
    return RONDO_OK;
}

static rondo_status backward_rows(rondo_context *ctx, rondo_op_call *call) {
    const int64_t rows = call->output.shape[0], width = rondo_count(&call->output) / (rows == 0 ? 1 : rows);
    const rondo_tensor *gradient = &call->grad_inputs[0];
    for (int64_t i = 0; gradient->data != NULL && i < rows * width; i++) {
        rondo_set(gradient, i, rondo_get(gradient, i) + uniform(ctx, i / width) * rondo_get(call->grad_output, i));
    }
    return RONDO_OK;
}

/* Element i: word i. */
static rondo_status forward_elements(rondo_context *ctx, rondo_op_call *call) {
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        rondo_set(&call->output, i, uniform(ctx, i));
    }
    return RONDO_OK;
}

#define OP(title, op_flags, op_infer, op_forward, op_backward)                                                         \
    {                                                                                                                  \
        .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = (title), .summary = "of a test"},     \
        .flags = (op_flags), .min_inputs = 1, .max_inputs = 1, .operands = "x", .infer = (op_infer),                   \
        .forward = (op_forward), .backward = (op_backward),                                                            \
    }
static const rondo_op ops[] = {
    OP("stop", RONDO_OP_NO_GRADIENT, infer_view, do_nothing, NULL),
    OP("halve", 0, infer_view_in_evaluation, forward_half, backward_half),
    OP("pairs", RONDO_OP_NO_GRADIENT | RONDO_OP_RANDOM, infer_like_x, forward_pairs, NULL),
    OP("by_row", RONDO_OP_RANDOM, infer_like_x, forward_rows, backward_rows),
    OP("elements", RONDO_OP_NO_GRADIENT | RONDO_OP_RANDOM | RONDO_OP_RANDOM_ELEMENTS, infer_like_x, forward_elements,
       NULL),
    OP("widen", RONDO_OP_NO_GRADIENT, infer_double, forward_half, NULL),
    OP("narrow", RONDO_OP_NO_GRADIENT, infer_single, forward_half, NULL),
    OP("index", RONDO_OP_NO_GRADIENT, infer_index, do_nothing, NULL),
};

static void setup(void) {
    session_setup();
    for (int i = 0; i < ROWS(ops); i++) {
        support_ok(&support, registry_add(session->registry, &ops[i].base, "test", &support.errors), ops[i].base.name);
    }
}

static struct cell *compile(const char *equations, int32_t dtype) {
    static const struct cell_shape states[] = {{.name = "h", .ndim = 1, .dimensions = {"hidden"}}};
    static const struct cell_shape table = {.name = "E", .ndim = 2, .dimensions = {"4", "hidden"}};
    const struct cell_definition definition = {.name = equations,
                                               .source = "",
                                               .summary = "",
                                               .states = states,
                                               .n_states = 1,
                                               .parameters = &table,
                                               .n_parameters = strchr(equations, 'E') != NULL,
                                               .equations = {.file = "test", .text = equations, .first_line = 1}};
    return session_compile(&definition, (struct cell_settings){.dtype = dtype, .input = INPUT, .hidden = HIDDEN});
}

/* ---- the same as the tape ---- */

static const struct {
    const char *what, *equations;
} same_rows[] = {
    {"a view that stops the gradient", "h' = tanh(x @ W + stop(h) @ U)"},
    {"the same of a part of the step", "h' = tanh(x @ W + h * stop(tanh(h @ U)))"},
    {"a view in evaluation only", "h' = tanh(x @ W + halve(h) @ U)"},
    {"the same before the loop", "h' = tanh(halve(x @ W) + h @ U)"},
    {"two random words for an element", "h' = tanh(x @ W + h @ U) + pairs(h)"},
    {"one for a row", "h' = tanh(x @ W + by_row(h) @ U)"},
    {"one for a row, of what does not depend on the state", "h' = tanh(by_row(x @ W) + h @ U)"},
    {"one for an element", "h' = tanh(x @ W + h @ U) + elements(h)"},
};

START_TEST(unusual_ops_give_what_the_tape_gives) {
    struct cell *cell = compile(same_rows[_i].equations, RONDO_F64);
    const struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, ROWS(lengths));
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    static const struct recurrence_engine engines[] = {
        {1, PASS_ALL, 0, 1}, {1, PASS_ALL, 0, 3}, {1, 0, 0, 2}, {1, PASS_ALL, 2, 3}};
    for (int i = 0; i < ROWS(engines); i++) {
        char how[128];
        snprintf(how, sizeof how, "%s, %d threads, recompute %d", same_rows[_i].what, (int)engines[i].threads,
                 (int)engines[i].recompute);
        const struct recurrence_answer found = recurrence_case_solve(&problem, engines[i]);
        recurrence_case_compare(&problem, &found, &expected, 1e-10, how);
    }
    cell_destroy(cell);
}
END_TEST

/* ---- refused ---- */

static const struct {
    const char *equations, *message;
} refused_rows[] = {
    {"h' = tanh(x @ W + narrow(widen(h)))",
     "'widen' gives numbers of another type than those of the cell, which only the engine 'tape' can run"},
    {"h' = tanh(x @ W + gather(E, index(h)))", "'index' gives numbers of another type"},
    {"h' = tanh(x @ W + h + pairs(b))", "'pairs' draws random words for a value that is the same for all rows"},
};

START_TEST(what_only_the_tape_can_run_is_refused) {
    struct cell *cell = compile(refused_rows[_i].equations, RONDO_F32);
    ck_assert_ptr_null(fused_create(cell, PASS_ALL, 0, &support.errors));
    ck_assert_msg(strstr(support_error(&support), refused_rows[_i].message) != NULL, "%s", support_error(&support));
    errors_free(&support.errors);
    cell_destroy(cell);
}
END_TEST

/* ---- runs of a recording ---- */

/* In every run of a recording, both engines draw the same words. */
START_TEST(engines_draw_the_same_words_in_each_run) {
    enum { RUNS = 3 };
    /* what depends on nothing that is marked is not computed again, so it depends on x */
    struct cell *cell = compile("h' = tanh(x @ W + h @ U) + elements(h + x @ V)", RONDO_F64);
    const struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, ROWS(lengths));
    struct scan *scan = fused_create(cell, PASS_ALL, 0, &support.errors);
    double seen[2][RUNS];
    for (int is_fused = 0; is_fused < 2; is_fused++) {
        struct tape *tape = support_tape(&support, NULL);
        rondo_value parameters[8];
        tape_enter(tape, "layer", (struct rng_stream){9});
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            parameters[p] = tape_constant(tape, &problem.parameters[p]);
        }
        const rondo_value x = tape_constant(tape, &problem.x);
        tape_mark(tape, x);
        const struct recurrence recurrence = {cell, &problem.time, 1, x, parameters, NULL, {-1}, NULL};
        const rondo_value outputs = is_fused ? fused(scan, &recurrence, tape, NULL) : unroll(&recurrence, tape, NULL);
        for (int run = 0; run < RUNS; run++) {
            support_ok(&support, run == 0 ? tape_status(tape) : tape_rerun(tape), "a run");
            seen[is_fused][run] = tensor_get(tape_tensor(tape, outputs), 3);
        }
        tape_destroy(tape);
    }
    for (int run = 0; run < RUNS; run++) {
        ck_assert_double_eq_tol(seen[0][run], seen[1][run], 1e-12);
        ck_assert(run == 0 || seen[0][run] != seen[0][run - 1]);
    }
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

/* ---- long steps ---- */

static void *create_scan(void *arg) {
    struct cell *cell = arg;
    struct errors errors = {0};
    struct scan *scan = fused_create(cell, PASS_ALL, 0, &errors);
    scan_destroy(scan);
    errors_free(&errors);
    return scan == NULL ? NULL : cell;
}

/* No walk through a step needs stack for each of its values. */
START_TEST(a_chain_of_cheap_values_needs_no_deep_stack) {
    enum { DEPTH = 3000, LINE = 40, STACK = 256 << 10 };
    char *text = malloc((size_t)(DEPTH + 2) * LINE);
    size_t length = (size_t)sprintf(text, "y0 = h + x @ W\n");
    for (int i = 1; i <= DEPTH; i++) {
        length += (size_t)sprintf(text + length, "y%d = y%d * v\n", i, i - 1);
    }
    sprintf(text + length, "h' = y%d", DEPTH);
    struct cell *cell = compile(text, RONDO_F32);
    pthread_attr_t attributes;
    pthread_t thread;
    void *created = NULL;
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, create_scan, cell), 0);
    ck_assert_int_eq(pthread_join(thread, &created), 0);
    pthread_attr_destroy(&attributes);
    ck_assert_ptr_nonnull(created);
    cell_destroy(cell);
    free(text);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scan_ops");
    TCase *cases = add_case(suite, "scan_ops", 120, setup, session_teardown);
    tcase_add_loop_test(cases, unusual_ops_give_what_the_tape_gives, 0, ROWS(same_rows));
    tcase_add_loop_test(cases, what_only_the_tape_can_run_is_refused, 0, ROWS(refused_rows));
    tcase_add_test(cases, engines_draw_the_same_words_in_each_run);
    tcase_add_test(cases, a_chain_of_cheap_values_needs_no_deep_stack);
    return run_suite(suite);
}
