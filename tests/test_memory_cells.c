/* tests/test_memory_cells.c: equations that read the memory of an encoder: what they may say, and what both engines make of
 * them. All cells of configs/cells that read it are in the tests of cells as well (test_cells.c, test_scan.c). */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/tensor.h"
#include "model/fused.h"
#include "tests/recurrence_case.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { INPUT = 4, HIDDEN = 6, MEMORY = 5 };

/* A cell with state h, and k if n_states is 2. `memory` 0: the model has no encoder. NULL after a mistake. */
static struct cell *compile_text(const char *equations, const char *output, int32_t n_states, int64_t memory) {
    static const struct cell_shape states[] = {{.name = "h", .ndim = 1, .dimensions = {"hidden"}},
                                               {.name = "k", .ndim = 1, .dimensions = {"hidden"}}};
    const struct cell_definition definition = {.name = equations,
                                               .source = "",
                                               .summary = "",
                                               .states = states,
                                               .n_states = n_states,
                                               .output = output,
                                               .equations = {.file = "test", .text = equations, .first_line = 1}};
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = INPUT, .hidden = HIDDEN, .memory = memory};
    return cell_compile(&definition, &settings, session->registry, &support.errors);
}

/* ---- an op that looks along sequences, and counts what it is called for ---- */

/* peek(q, m, v) = q * (sum of the sequence of m) * v, for a vector v that is the same for all. */
static struct {
    int64_t forward, backward; /* rows of q */
    int64_t fail_backward;     /* the call that fails, from 1 on; 0: none */
    int64_t calls;             /* of backward */
    int reads_output;          /* 1: backward got the result of forward */
} peeked;

static rondo_status peek_infer(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = call->inputs[0];
    return RONDO_OK;
}

static double sum_of(const rondo_op_call *call, int64_t s, int64_t column) {
    const rondo_rows *rows = call->rows[1];
    const int64_t width = call->inputs[1].shape[1];
    const double *m = call->inputs[1].data;
    double sum = 0;
    for (int64_t j = rows->begin[s]; j < rows->begin[s] + rows->length[s]; j++) {
        sum += m[j * width + column];
    }
    return sum;
}

static rondo_status peek_forward(rondo_context *ctx, rondo_op_call *call) {
    const double *q = call->inputs[0].data, *v = call->inputs[2].data;
    const int64_t width = call->inputs[0].shape[1];
    (void)ctx;
    if (call->rows[2] != NULL || call->rows[0]->count != call->rows[1]->count) {
        return (ctx->host->fail)(ctx, RONDO_INTERNAL, "v has no sequences, and q as many as m");
    }
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        for (int64_t i = call->rows[0]->begin[s]; i < call->rows[0]->begin[s] + call->rows[0]->length[s]; i++) {
            __atomic_fetch_add(&peeked.forward, 1, __ATOMIC_RELAXED);
            for (int64_t c = 0; c < width; c++) {
                ((double *)call->output.data)[i * width + c] = q[i * width + c] * sum_of(call, s, c) * v[c];
            }
        }
    }
    return RONDO_OK;
}

static void add_peek_gradient(const rondo_op_call *call, int64_t s, int64_t i, int64_t c) {
    const int64_t width = call->inputs[0].shape[1], at = i * width + c;
    const double *q = call->inputs[0].data, *v = call->inputs[2].data;
    const double g = ((const double *)call->grad_output->data)[at], sum = sum_of(call, s, c);
    if (call->grad_inputs[0].data != NULL) {
        ((double *)call->grad_inputs[0].data)[at] += g * sum * v[c];
    }
    for (int64_t j = 0; call->grad_inputs[1].data != NULL && j < call->rows[1]->length[s]; j++) {
        ((double *)call->grad_inputs[1].data)[(call->rows[1]->begin[s] + j) * width + c] += g * q[at] * v[c];
    }
    if (call->grad_inputs[2].data != NULL) {
        ((double *)call->grad_inputs[2].data)[c] += g * q[at] * sum;
    }
}

static rondo_status peek_backward(rondo_context *ctx, rondo_op_call *call) {
    if (__atomic_add_fetch(&peeked.calls, 1, __ATOMIC_RELAXED) == peeked.fail_backward) {
        return (ctx->host->fail)(ctx, RONDO_INVALID, "no peek today");
    }
    for (int64_t s = 0; s < call->rows[0]->count; s++) {
        for (int64_t i = call->rows[0]->begin[s]; i < call->rows[0]->begin[s] + call->rows[0]->length[s]; i++) {
            __atomic_fetch_add(&peeked.backward, 1, __ATOMIC_RELAXED);
            for (int64_t c = 0; c < call->inputs[0].shape[1]; c++) {
                add_peek_gradient(call, s, i, c);
            }
        }
    }
    return RONDO_OK;
}

static uint32_t peek_looks(const void *options) {
    (void)options;
    return RONDO_LOOKS_AHEAD;
}

static const rondo_op peek = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "peek", .summary = "q * sum(m) * v"},
    .flags = RONDO_OP_SEQUENCES,
    .min_inputs = 3,
    .max_inputs = 3,
    .operands = "q, m, v",
    .infer = peek_infer,
    .forward = peek_forward,
    .backward = peek_backward,
    .looks = peek_looks,
};

/* An op that does not say what it looks at. */
static const rondo_op nearby = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "nearby", .summary = "not run"},
    .flags = RONDO_OP_SEQUENCES,
    .min_inputs = 2,
    .max_inputs = 2,
    .operands = "x, m",
    .infer = peek_infer,
    .forward = peek_forward,
    .backward = peek_backward,
};

static void setup(void) {
    session_setup();
    support_ok(&support, registry_add(session->registry, &peek.base, "test", &support.errors), "peek");
    support_ok(&support, registry_add(session->registry, &nearby.base, "test", &support.errors), "nearby");
    memset(&peeked, 0, sizeof peeked);
}

/* ---- what equations may say ---- */

#define ATTENTION "attention(h, memory @ W_k, memory)"

static const struct {
    const char *equations;
    int64_t memory;
    const char *expected;
} bad_rows[] = {
    {"h' = tanh(x @ W + h + memory @ V)", MEMORY,
     "test:1:21: memory can only be read through attention: 'add' gets [memory, 6] of the memory and [batch, 6] of the "
     "step"},
    {"k = memory @ V\nh' = tanh(x @ W + h * k)", MEMORY,
     "test:2:21: memory can only be read through attention: 'mul' gets"},
    {"h' = tanh(h @ memory)", MEMORY, "test:1:13: memory can only be read through attention: 'matmul' gets"},
    {"h' = h + mean(memory)", MEMORY,
     "test:1:10: 'mean' gives shape [] and so mixes the elements of the memory, expected [memory, …]: is an axis "
     "missing?"},
    {"h' = h + sum(memory, axis=0) @ V", MEMORY, "'sum' gives shape [5] and so mixes the elements of the memory"},
    {"h' = memory @ W", MEMORY, "h' has shape [memory, 6], but state 'h' has shape [batch, 6]"},
    {"h' = tanh(x @ W + attention(memory @ W_q, memory @ W_k, h))", MEMORY,
     "test:1:19: the first operand of 'attention' has shape [memory, 6], expected a value of the step, [batch, …]"},
    {"h' = tanh(x @ W + attention(Q, memory @ W_k, memory))", MEMORY,
     "the first operand of 'attention' has shape [6], expected a value of the step, [batch, …]"},
    {"h' = tanh(x @ W + " ATTENTION " @ C)", 0,
     "test:1:32: the model has no encoder, whose outputs 'memory' is: expected 'model.encoder' in the experiment\n"},
    {"h' = tanh(x @ W + memory[2] @ V)", MEMORY, "'memory' is the outputs of the encoder and takes no index"},
    {"memory' = x @ W\nh' = h", MEMORY, "'memory' is not a state, so it cannot have a new value"},
    {"h' = tanh(h @ memory)", 0, "the model has no encoder"},
    {"h' = h + reshape(x, shape=[-1, memory])", 0, "the model has no encoder, whose width 'memory' is"},
    {"h' = tanh(x @ W + attention(h, h @ K, h @ V))", MEMORY,
     "test:1:34: 'keys' of 'attention' has shape [batch, 6], a value of the step, and a step sees no other step; "
     "expected a value computed from 'memory'\n"},
    {"h' = tanh(x @ W + attention(h, memory @ K, memory, causal=true) @ C)", MEMORY,
     "test:1:52: option 'causal' of 'attention' compares positions, and a step has none in common with the memory; "
     "expected 'attention' without it\n"},
    {"h' = tanh(x @ W + attention(h, memory @ K, memory, heads=1, window=2) @ C)", MEMORY,
     "test:1:61: option 'window' of 'attention' compares positions"},
    {"h' = tanh(x @ W + attention(h, memory @ K, memory, rotary=true) @ C)", MEMORY,
     "test:1:52: option 'rotary' of 'attention' compares positions"},
    {"memory = x @ W\nh' = tanh(memory + h)", 0, "'memory' is the outputs of the encoder and cannot be assigned"},
    {"h' = tanh(x @ W + attention(h, memry @ K, memry))", MEMORY,
     "test:1:32: parameter 'memry' (did you mean 'memory'?) is on the left of @"},
    {"h' = tanh(x @ W + attention(h, memory @ K, memry))", MEMORY,
     "test:1:44: 'memry' (did you mean 'memory'?) has no value and would become a parameter; expected a value computed "
     "from 'memory'"},
    {"h' = tanh(x @ W + nearby(h, memory @ K))", MEMORY,
     "test:1:19: 'nearby' looks at positions along the steps, and a step sees no other step; expected it in a block "
     "with 'over: self'"},
};

START_TEST(a_wrong_use_of_the_memory_is_refused_at_its_place) {
    struct cell *cell = compile_text(bad_rows[_i].equations, NULL, 1, bad_rows[_i].memory);
    ck_assert_msg(cell == NULL, "'%s' was compiled", bad_rows[_i].equations);
    ck_assert_msg(strstr(support_error(&support), bad_rows[_i].expected) != NULL, "%s: %s", bad_rows[_i].equations,
                  support_error(&support));
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
}
END_TEST

static const struct {
    const char *equations;
    int reads_memory;
    const char *parameters;
} good_rows[] = {
    {"h' = tanh(x @ W + " ATTENTION " @ C)", 1, "W [4, 6] W_k [5, 6] C [5, 6] "},
    {"keys = memory @ W_k + b_k\nh' = x @ W + attention(h, tanh(keys), sigmoid(keys)) + h", 1,
     "W_k [5, 6] b_k [6] W [4, 6] "},
    {"h' = x @ W + attention(h, reshape(memory @ V, shape=[-1, hidden]), memory) @ C", 1,
     "W [4, 6] V [5, 6] C [5, 6] "},
    {"h' = slice(h, begin=0, end=memory) @ P + h", 1, "P [5, 6] "}, /* its width */
    {"h' = tanh(x @ W + h)", 0, "W [4, 6] "},
    {"h' = x @ W + attention(h, memory @ K, memory, causal=false, window=0) @ C", 1, "W [4, 6] K [5, 6] C [5, 6] "},
};

START_TEST(equations_read_the_memory_by_its_name) {
    struct cell *cell = compile_text(good_rows[_i].equations, NULL, 1, MEMORY);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    ck_assert_int_eq(cell->reads_memory, good_rows[_i].reads_memory);
    char text[256] = "";
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s %s ", cell->parameters[p].name,
                 tensor_shape_text(&cell->parameters[p].shape).text);
    }
    ck_assert_str_eq(text, good_rows[_i].parameters);
    ck_assert_int_eq(cell_first_parameter(cell), 2 + cell->reads_memory);
    cell_destroy(cell);
}
END_TEST

/* ---- both engines ---- */

/* Attention that is fed back and that is not, before, in and after the loop; keys that need both halves; two calls that share
 * values; fixed operands that are computed, and shared; random words over the memory. */
static const struct {
    const char *equations, *output;
    int32_t n_states;
} engine_rows[] = {
    {"h' = tanh(x @ W + " ATTENTION " @ C)", NULL, 1},
    {"h' = tanh(x @ W + h @ U)\ny = attention(h', memory @ W_k, memory) @ C + b", "y", 1},
    {"h' = tanh(x @ W + h @ U + attention(x @ Q, memory @ W_k, memory) @ C)", NULL, 1},
    {"c = attention(x @ Q, memory @ W_k, memory)\nh' = tanh(h @ U)\ny = c @ C + h'", "y", 1},
    {"m = tanh(memory @ M + b_m)\nh' = tanh(x @ W + attention(h, m, m) + attention(h @ Q, m, memory) @ C)", NULL, 1},
    {"h' = tanh(x @ W + additive_attention(h @ Q, memory @ W_k, memory, v) @ C)", NULL, 1},
    {"h' = tanh(x @ W + additive_attention(h @ Q, memory @ W_k, memory, exp(v)) @ C + v)", NULL, 1},
    {"a = additive_attention(h @ Q, memory @ W_k, memory @ V, v)\n"
     "b = additive_attention(k @ R, memory @ W_k, memory @ V, v)\n"
     "h' = tanh(x @ W + a)\nk' = tanh(h' + b)",
     NULL, 2},
    {"m = dropout(memory, rate=0.4)\nh' = tanh(x @ W + dropout(attention(h, m @ W_k, m) @ C, rate=0.3))", NULL, 1},
    {"h' = tanh(x @ W + attention(h, memory @ W_k, memory, heads=1, scale=0.5) @ C)\nk' = k", NULL, 2},
    {"h' = tanh(x @ W + attention(slice(h, begin=1, end=4), slice(memory @ W_k, begin=1, end=4), memory) @ C + h)",
     NULL, 1},
    {"h' = tanh(x @ W + peek(h @ Q, memory @ M, v) @ C)", NULL, 1},
    {"h' = tanh(x @ W + peek(k @ Q, memory @ M, v) @ C)\nk' = k", NULL, 2},
    {"h' = tanh(x @ W)\ny = peek(h' @ Q, memory @ M, v)", "y", 1},
};

static struct recurrence_case make_case(int row, const int64_t *lengths, int64_t rows) {
    struct cell *cell =
        compile_text(engine_rows[row].equations, engine_rows[row].output, engine_rows[row].n_states, MEMORY);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    return recurrence_case_create(&support, cell, RONDO_F64, lengths, rows);
}

static const int64_t some_lengths[] = {7, 6, 6, 3, 3, 1};

START_TEST(the_fused_engine_gives_what_the_tape_gives) {
    struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
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
    cell_destroy(problem.cell);
}
END_TEST

/* Windows are equal except for rounding, as without a memory. */
START_TEST(threads_change_no_bit_and_windows_no_result) {
    const struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
    struct recurrence_engine engine = {.fused = 1, .passes = PASS_ALL, .threads = 1};
    const struct recurrence_answer one = recurrence_case_solve(&problem, engine);
    for (engine.threads = 2; engine.threads <= 7; engine.threads += 5) {
        const struct recurrence_answer found = recurrence_case_solve(&problem, engine);
        recurrence_case_compare(&problem, &found, &one, 0, "threads");
    }
    for (engine.recompute = 1; engine.recompute <= 5; engine.recompute += 2) {
        const struct recurrence_answer found = recurrence_case_solve(&problem, engine);
        recurrence_case_compare(&problem, &found, &one, 1e-12, "windows");
    }
    cell_destroy(problem.cell);
}
END_TEST

START_TEST(what_needs_no_gradient_gets_none) {
    struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    for (int which = 0; which < 3; which++) {
        problem.memory_needs = which != 0;
        problem.x_needs = which != 1;
        for (int32_t p = 0; p < problem.cell->n_parameters; p++) {
            problem.parameter_needs[p] = which != 2;
        }
        const struct recurrence_answer tape = recurrence_case_solve(&problem, (struct recurrence_engine){0});
        const struct recurrence_answer found =
            recurrence_case_solve(&problem, (struct recurrence_engine){.fused = 1, .passes = PASS_ALL, .threads = 2});
        recurrence_case_compare(&problem, &found, &tape, 1e-11, "some gradients");
        support_near(&found.outputs, &expected.outputs, 1e-11, "outputs");
    }
    cell_destroy(problem.cell);
}
END_TEST

/* Rows that read the same elements, as the hypotheses of a beam do, and a row that reads none. */
START_TEST(rows_may_share_a_sequence_or_have_none) {
    static const int64_t begin[] = {2, 2, 0, 9, 3, 2}, length[] = {4, 4, 3, 0, 2, 4};
    struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
    problem.memory.rows.begin = begin;
    problem.memory.rows.length = length;
    const struct recurrence_answer expected = recurrence_case_solve(&problem, (struct recurrence_engine){0});
    struct recurrence_engine engine = {.fused = 1, .passes = PASS_ALL, .threads = 1};
    const struct recurrence_answer one = recurrence_case_solve(&problem, engine);
    engine.threads = 4;
    const struct recurrence_answer four = recurrence_case_solve(&problem, engine);
    recurrence_case_compare(&problem, &one, &expected, 1e-11, "shared");
    recurrence_case_compare(&problem, &four, &one, 0, "shared, threads");
    cell_destroy(problem.cell);
}
END_TEST

/* ---- what is computed how often ---- */

enum { TOTAL = 26 }; /* the sum of some_lengths */

/* The call at every step gives the gradients of all its inputs at once, and nothing is computed again for it. */
START_TEST(forward_and_backward_run_once_per_row_and_step) {
    const struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
    const struct recurrence_engine engine = {.fused = 1, .passes = PASS_ALL, .threads = 2};
    recurrence_case_solve(&problem, engine);
    ck_assert_int_eq(peeked.forward, TOTAL);
    ck_assert_int_eq(peeked.backward, TOTAL);
    cell_destroy(problem.cell);
}
END_TEST

/* Values over the memory are recorded once, however many steps there are. */
START_TEST(the_tape_records_keys_once) {
    static const int64_t steps[] = {1, 4}; /* not as many as the memory has elements */
    int32_t keys[2] = {0};
    for (int i = 0; i < 2; i++) {
        const struct recurrence_case problem = make_case(0, &steps[i], 1);
        struct tape *tape = support_tape(&support, NULL);
        recurrence_case_solve_on(&problem, NULL, tape);
        for (int32_t id = 0; id < tape_count(tape); id++) {
            struct tape_description value;
            ck_assert(tape_describe(tape, id, &value));
            keys[i] +=
                value.op != NULL && value.tensor->ndim == 2 && value.tensor->shape[0] == problem.memory.values.shape[0];
        }
        tape_destroy(tape);
        cell_destroy(problem.cell);
    }
    ck_assert_int_eq(keys[0], 1);
    ck_assert_int_eq(keys[1], 1);
}
END_TEST

START_TEST(a_sequence_op_that_fails_stops_the_engine) {
    struct recurrence_case problem = make_case(_i, some_lengths, ROWS(some_lengths));
    struct scan *scan = fused_create(problem.cell, PASS_ALL, 0, &support.errors);
    struct tape *tape = support_tape(&support, NULL);
    rondo_value parameters[8];
    peeked.fail_backward = 3;
    for (int32_t p = 0; p < problem.cell->n_parameters; p++) {
        parameters[p] = tape_parameter(tape, "p", &problem.parameters[p], NULL);
    }
    const struct recurrence recurrence = {problem.cell,
                                          &problem.time,
                                          1,
                                          tape_parameter(tape, "x", &problem.x, NULL),
                                          parameters,
                                          NULL,
                                          tape_parameter(tape, "memory", &problem.memory.values, NULL),
                                          &problem.memory.rows};
    ck_assert_int_eq(tape_backward(tape, fused(scan, &recurrence, tape, NULL)), RONDO_INVALID);
    ck_assert_msg(strstr(support_error(&support), "no peek today") != NULL, "%s", support_error(&support));
    ck_assert_int_eq(peeked.calls, 3);
    tape_destroy(tape);
    scan_destroy(scan);
    cell_destroy(problem.cell);
}
END_TEST

START_TEST(a_memory_of_another_width_fails_the_tape) {
    struct recurrence_case problem = make_case(0, some_lengths, ROWS(some_lengths));
    struct scan *scan = fused_create(problem.cell, PASS_ALL, 0, &support.errors);
    for (int engine = 0; engine < 2; engine++) {
        struct tape *tape = support_tape(&support, NULL);
        rondo_value parameters[8];
        for (int32_t p = 0; p < problem.cell->n_parameters; p++) {
            parameters[p] = tape_constant(tape, &problem.parameters[p]);
        }
        const struct recurrence recurrence = {
            problem.cell,
            &problem.time,
            1,
            tape_constant(tape, &problem.x),
            parameters,
            NULL,
            tape_zeros(tape, tensor_2d(RONDO_F64, problem.memory.values.shape[0], 3, NULL)),
            &problem.memory.rows};
        const rondo_value outputs =
            engine == 0 ? unroll(&recurrence, tape, NULL) : fused(scan, &recurrence, tape, NULL);
        ck_assert_int_lt(outputs.id, 0);
        ck_assert_int_eq(support.errors.count, 1);
        ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
        errors_free(&support.errors);
        tape_destroy(tape);
    }
    scan_destroy(scan);
    cell_destroy(problem.cell);
}
END_TEST

/* The rows of the table whose cells apply `peek`. */
enum { FIRST_PEEK = ROWS(engine_rows) - 3 };

static Suite *memory_cells_suite(void) {
    Suite *suite = suite_create("memory_cells");
    TCase *language = add_case(suite, "language", 60, setup, session_teardown);
    tcase_add_loop_test(language, a_wrong_use_of_the_memory_is_refused_at_its_place, 0, ROWS(bad_rows));
    tcase_add_loop_test(language, equations_read_the_memory_by_its_name, 0, ROWS(good_rows));
    TCase *engines = add_case(suite, "engines", 120, setup, session_teardown);
    tcase_add_loop_test(engines, the_fused_engine_gives_what_the_tape_gives, 0, ROWS(engine_rows));
    tcase_add_loop_test(engines, threads_change_no_bit_and_windows_no_result, 0, ROWS(engine_rows));
    tcase_add_loop_test(engines, what_needs_no_gradient_gets_none, 0, ROWS(engine_rows));
    tcase_add_loop_test(engines, rows_may_share_a_sequence_or_have_none, 0, ROWS(engine_rows));
    tcase_add_loop_test(engines, forward_and_backward_run_once_per_row_and_step, FIRST_PEEK, ROWS(engine_rows));
    tcase_add_loop_test(engines, a_sequence_op_that_fails_stops_the_engine, FIRST_PEEK, ROWS(engine_rows));
    tcase_add_test(engines, the_tape_records_keys_once);
    tcase_add_test(engines, a_memory_of_another_width_fails_the_tape);
    return suite;
}

int main(void) {
    return run_suite(memory_cells_suite());
}
