/* tests/test_tape_rerun.c: a tape that is run again (core/tape_rerun.c) has the bits of a new recording, for ops, for every cell
 * on both engines, and for the linear layer; it calls no allocator, and computes nothing that has not changed.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/apply.h"
#include "model/fused.h"
#include "model/linear.h"
#include "tests/failing_allocator.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { INPUT = 5, HIDDEN = 8, MOST_PARAMETERS = 100, MOST_STATES = 8, RUNS = 4 };

static const int64_t lengths[] = {4, 3, 1};

/* Values that change from run to run. */
struct given {
    rondo_tensor x, states[MOST_STATES];
};

/* A cell, one of the engines, and what it is run on. */
struct rerun_case {
    struct cell *cell;
    struct scan *scan; /* NULL: the engine `tape` */
    struct time_axis time;
    rondo_tensor parameters[MOST_PARAMETERS];
    struct given given;
    struct support_memory memory; /* of a cell that reads one; constant */
    rondo_value outputs, final[MOST_STATES];
};

static rondo_tensor of_rows(rondo_tensor shape, int64_t rows) {
    shape.shape[0] = rows;
    support_ok(&support, tensor_alloc(&shape, support.arena, &support.errors), "a tensor");
    return shape;
}

static void fill(const rondo_tensor *tensor, uint64_t seed, const char *name) {
    const struct rng_stream stream = rng_stream(seed, name);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, rng_normal(stream, (uint64_t)i) / 2);
    }
}

static void fill_given(struct rerun_case *run, uint64_t seed) {
    fill(&run->given.x, seed, "x");
    for (int32_t s = 0; s < run->cell->n_states; s++) {
        fill(&run->given.states[s], seed + 100 * (uint64_t)(s + 1), "state");
    }
}

static struct rerun_case create(const char *file, int is_fused, int32_t dtype) {
    struct rerun_case run = {.cell = session_compile_file(file, dtype, INPUT, HIDDEN),
                             .time = support_time(&support, lengths, ROWS(lengths))};
    ck_assert_int_le(run.cell->n_parameters, MOST_PARAMETERS);
    ck_assert_int_le(run.cell->n_states, MOST_STATES);
    run.scan = is_fused ? fused_create(run.cell, PASS_ALL, 0, &support.errors) : NULL;
    ck_assert_msg(!is_fused || run.scan != NULL, "%s", support_error(&support));
    for (int32_t p = 0; p < run.cell->n_parameters; p++) {
        run.parameters[p] = run.cell->parameters[p].shape;
        support_ok(&support, tensor_alloc(&run.parameters[p], support.arena, &support.errors), "a parameter");
        fill(&run.parameters[p], 1, run.cell->parameters[p].name);
    }
    run.given.x = of_rows(tensor_2d(dtype, 1, INPUT, NULL), run.time.total);
    for (int32_t s = 0; s < run.cell->n_states; s++) {
        run.given.states[s] = of_rows(run.cell->states[s], run.time.rows);
    }
    if (run.cell->reads_memory) {
        const rondo_value read = program_input_value(run.cell->program, 1 + run.cell->n_states);
        const int64_t width = program_node(run.cell->program, read)->value.shape[1];
        run.memory = support_memory(&support, dtype, width, run.time.rows);
    }
    return run;
}

static void destroy(struct rerun_case *run) {
    scan_destroy(run->scan);
    cell_destroy(run->cell);
}

static void record(struct rerun_case *run, struct tape *tape) {
    rondo_value parameters[MOST_PARAMETERS], initial[MOST_STATES];
    tape_enter(tape, "layer", rng_stream(1, "test"));
    for (int32_t p = 0; p < run->cell->n_parameters; p++) {
        parameters[p] = tape_constant(tape, &run->parameters[p]);
    }
    const rondo_value x = tape_constant(tape, &run->given.x);
    tape_mark(tape, x);
    for (int32_t s = 0; s < run->cell->n_states; s++) {
        initial[s] = tape_constant(tape, &run->given.states[s]);
        tape_mark(tape, initial[s]);
    }
    const int reads = run->cell->reads_memory;
    const rondo_value memory = reads ? tape_constant(tape, &run->memory.values) : (rondo_value){-1};
    const struct recurrence recurrence = {run->cell,  &run->time, 1,      x,
                                          parameters, initial,    memory, reads ? &run->memory.rows : NULL};
    run->outputs =
        run->scan != NULL ? fused(run->scan, &recurrence, tape, run->final) : unroll(&recurrence, tape, run->final);
    support_ok(&support, tape_status(tape), run->cell->name);
}

static void compare(const struct tape *tape, rondo_value found, const struct tape *other, rondo_value expected,
                    const char *what) {
    support_near(tape_tensor(tape, found), tape_tensor(other, expected), 0, what);
}

START_TEST(every_cell_has_the_bits_of_a_new_recording) {
    const int file = _i / 4;
    const int32_t dtype = _i & 1 ? RONDO_F64 : RONDO_F32;
    const struct parallel parallel = {1 + file % 3};
    struct rerun_case run = create(cell_files[file], _i & 2, dtype);
    struct tape *tape = support_tape(&support, &parallel), *fresh = support_tape(&support, NULL);
    fill_given(&run, 0);
    record(&run, tape);
    struct rerun_case again = run;
    for (uint64_t seed = 1; seed < RUNS; seed++) {
        fill_given(&run, seed);
        support_ok(&support, tape_rerun(tape), run.cell->name);
        tape_reset(fresh);
        record(&again, fresh);
        compare(tape, run.outputs, fresh, again.outputs, run.cell->name);
        for (int32_t s = 0; s < run.cell->n_states; s++) {
            compare(tape, run.final[s], fresh, again.final[s], run.cell->name);
        }
    }
    tape_destroy(tape);
    tape_destroy(fresh);
    destroy(&run);
}
END_TEST

static const struct {
    const char *cell;
    int is_fused;
    int32_t threads;
} allocations[] = {{"lstm", 1, 1}, {"lstm", 1, 3}, {"gru", 1, 1}, {"rhn", 1, 2}, {"lstm_layer_norm", 1, 1},
                   {"gru", 0, 1}};

START_TEST(a_rerun_calls_no_allocator) {
    const struct parallel parallel = {allocations[_i].threads};
    struct rerun_case run = create(session_find(session, SESSION_CELLS, allocations[_i].cell, NULL, support.arena),
                                   allocations[_i].is_fused, RONDO_F32);
    struct tape *tape = support_tape(&support, &parallel);
    record(&run, tape);
    rondo_status status = tape_rerun(tape); /* asserted after the loop, since an assertion of Check allocates */
    const long before = allocator_calls();
    for (int i = 0; i < 3000; i++) { /* enough for memory that is not given back to fill a block */
        status |= tape_rerun(tape);
    }
    const long made = allocator_calls() - before;
    support_ok(&support, status, allocations[_i].cell);
    ck_assert_msg(!ALLOCATOR_COUNTS || made == 0, "%s: %ld calls of the allocator in 3000 runs", allocations[_i].cell,
                  made);
    tape_destroy(tape);
    destroy(&run);
}
END_TEST

/* Weights that are computed from what changes are packed again. */
START_TEST(fixed_tensors_may_change_as_well) {
    struct rerun_case run = create(session_find(session, SESSION_CELLS, "gru", NULL, support.arena), 1, RONDO_F32);
    struct tape *tape = support_tape(&support, NULL), *fresh = support_tape(&support, NULL);
    rondo_value outputs[2];
    fill_given(&run, 0);
    for (int turn = 0; turn < 2; turn++) {
        struct tape *on = turn == 0 ? tape : fresh;
        rondo_value parameters[MOST_PARAMETERS];
        for (int32_t p = 0; p < run.cell->n_parameters; p++) {
            parameters[p] = tape_constant(on, &run.parameters[p]);
            tape_mark(on, parameters[p]);
        }
        const struct recurrence recurrence = {run.cell,   &run.time, 1,    tape_constant(on, &run.given.x),
                                              parameters, NULL,      {-1}, NULL};
        outputs[turn] = fused(run.scan, &recurrence, on, NULL);
        for (int32_t p = 0; p < run.cell->n_parameters; p++) {
            fill(&run.parameters[p], 2, run.cell->parameters[p].name);
        }
        support_ok(&support, turn == 0 ? tape_rerun(on) : tape_status(on), "gru");
    }
    compare(tape, outputs[0], fresh, outputs[1], "gru with other weights");
    tape_destroy(tape);
    tape_destroy(fresh);
    destroy(&run);
}
END_TEST

static const struct {
    int64_t rows, k, m;
    int is_transposed;
    int32_t dtype, threads;
} linears[] = {{1, 7, 5, 0, RONDO_F32, 1},     {3, 64, 1100, 0, RONDO_F32, 2}, {1, 33, 700, 1, RONDO_F32, 1},
               {5, 40, 2000, 1, RONDO_F32, 3}, {4, 20, 513, 0, RONDO_F64, 1},  {2, 9, 1024, 1, RONDO_F64, 2}};

START_TEST(a_linear_layer_has_the_bits_of_a_new_recording) {
    const char *products = getenv("RONDO_PRODUCT");
    const double tolerance =
        products != NULL && strcmp(products, "own") == 0 ? 0 : 1e-4; /* it packs for its own kernels */
    const int64_t rows = linears[_i].rows, k = linears[_i].k, m = linears[_i].m;
    const int32_t dtype = linears[_i].dtype;
    const struct parallel parallel = {linears[_i].threads};
    const rondo_tensor x = of_rows(tensor_2d(dtype, 1, k, NULL), rows);
    const rondo_tensor weight =
        of_rows(tensor_2d(dtype, 1, linears[_i].is_transposed ? k : m, NULL), linears[_i].is_transposed ? m : k);
    const rondo_tensor bias = of_rows(tensor_1d(dtype, 1, NULL), m);
    fill(&weight, 1, "weight");
    fill(&bias, 1, "bias");
    struct tape *tapes[2] = {support_tape(&support, &parallel), support_tape(&support, NULL)};
    rondo_value y[2];
    for (int turn = 0; turn < 2; turn++) {
        struct tape *tape = tapes[turn];
        const rondo_value values[3] = {tape_constant(tape, &x), tape_constant(tape, &weight),
                                       tape_constant(tape, &bias)};
        tape_mark(tape, values[0]);
        y[turn] = linear_record(tape, values[0], values[1], linears[_i].is_transposed, values[2]);
        fill(&x, 2, "x");
        for (int run = 0; run < 2 - 2 * turn; run++) {
            support_ok(&support, tape_rerun(tape), "the linear layer");
        }
    }
    support_near(tape_tensor(tapes[0], y[0]), tape_tensor(tapes[1], y[1]), tolerance, "y");
    tape_destroy(tapes[0]);
    tape_destroy(tapes[1]);
}
END_TEST

START_TEST(what_depends_on_nothing_marked_is_kept) {
    const rondo_tensor kept = of_rows(tensor_1d(RONDO_F32, 1, NULL), 3), changed = of_rows(kept, 3);
    fill(&kept, 1, "kept");
    fill(&changed, 1, "changed");
    struct tape *tape = support_tape(&support, NULL);
    const rondo_value a = tape_constant(tape, &kept), b = tape_constant(tape, &changed);
    tape_mark(tape, b);
    const rondo_value square = apply_multiply(tape, a, a), sum = apply_add(tape, square, b);
    const rondo_value view = apply_slice(tape, sum, 0, 1, 3);
    ck_assert_int_eq(tape_changes(tape, square), 0);
    ck_assert_int_eq(tape_changes(tape, view), 1);
    const double before = tensor_get(tape_tensor(tape, square), 1);
    tensor_set(&kept, 1, 100);
    tensor_set(&changed, 1, 7);
    support_ok(&support, tape_rerun(tape), "the tape");
    ck_assert_double_eq(tensor_get(tape_tensor(tape, square), 1), before);
    ck_assert_double_eq(tensor_get(tape_tensor(tape, view), 0), (double)((float)before + 7.0F));
    tape_destroy(tape);
}
END_TEST

/* ---- random ops ---- */

static rondo_status infer_same(rondo_context *ctx, rondo_op_call *call) {
    (void)ctx;
    call->output = call->inputs[0];
    return RONDO_OK;
}

/* One random word of its own for each element, in training and in evaluation. */
static rondo_status draw(rondo_context *ctx, rondo_op_call *call) {
    uint32_t words[8];
    ctx->host->random(ctx, 0, rondo_count(&call->output), words);
    for (int64_t i = 0; i < rondo_count(&call->output); i++) {
        rondo_set(&call->output, i, words[i] / 4294967296.0);
    }
    return RONDO_OK;
}

static const rondo_op noise = {
    .base = {.struct_size = sizeof(rondo_op), .kind = RONDO_KIND_OP, .name = "noise", .summary = "noise"},
    .flags = RONDO_OP_RANDOM | RONDO_OP_NO_GRADIENT,
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer_same,
    .forward = draw,
};

START_TEST(a_random_op_draws_other_words_in_each_run) {
    const rondo_tensor x = of_rows(tensor_1d(RONDO_F32, 1, NULL), 4);
    double first[2];
    for (int turn = 0; turn < 2; turn++) {
        struct tape *tape = support_tape(&support, NULL);
        tape_enter(tape, "noise", rng_stream(1, "test"));
        const rondo_value in = tape_constant(tape, &x);
        tape_mark(tape, in);
        const rondo_value y = tape_apply(tape, &noise, NULL, &in, 1);
        support_ok(&support, tape_status(tape), "noise");
        double seen[3];
        for (int run = 0; run < 3; run++) {
            seen[run] = tensor_get(tape_tensor(tape, y), 2);
            support_ok(&support, tape_rerun(tape), "noise");
        }
        ck_assert(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
        first[turn] = seen[2];
        tape_destroy(tape);
    }
    ck_assert_double_eq(first[0], first[1]); /* and the same ones when all is repeated */
}
END_TEST

START_TEST(a_recording_of_training_is_not_run_again) {
    const rondo_tensor x = of_rows(tensor_1d(RONDO_F32, 1, NULL), 4);
    struct tape *tape = support_tape(&support, NULL);
    tape_set_training(tape, 1);
    const rondo_value in = tape_constant(tape, &x);
    tape_mark(tape, in);
    apply_add(tape, in, in);
    ck_assert_int_eq(tape_rerun(tape), RONDO_INTERNAL);
    ck_assert_int_eq(tape_status(tape), RONDO_INTERNAL);
    tape_destroy(tape);
}
END_TEST

int main(void) {
    find_cell_files();
    Suite *suite = suite_create("tape_rerun");
    TCase *cases = add_case(suite, "tape_rerun", 60, session_setup, session_teardown);
    tcase_add_loop_test(cases, every_cell_has_the_bits_of_a_new_recording, 0, 4 * n_cell_files);
    tcase_add_loop_test(cases, a_rerun_calls_no_allocator, 0, ROWS(allocations));
    tcase_add_test(cases, fixed_tensors_may_change_as_well);
    tcase_add_loop_test(cases, a_linear_layer_has_the_bits_of_a_new_recording, 0, ROWS(linears));
    tcase_add_test(cases, what_depends_on_nothing_marked_is_kept);
    tcase_add_test(cases, a_random_op_draws_other_words_in_each_run);
    tcase_add_test(cases, a_recording_of_training_is_not_run_again);
    return run_suite(suite);
}
