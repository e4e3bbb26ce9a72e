/* tests/test_allocations.c: a training step in steady state calls no allocator, and one of which an allocation fails is
 * refused. tests/failing_allocator.h counts and fails.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/cell_file.h"
#include "model/fused.h"
#include "model/model.h"
#include "tests/failing_allocator.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

START_TEST(the_counter_counts) {
    if (!ALLOCATOR_COUNTS) {
        printf("allocations are not counted: the sanitizer replaces the allocator\n");
        return;
    }
    const long before = allocator_calls();
    void *volatile piece = malloc(100);
    free(piece);
    ck_assert_int_eq(allocator_calls() - before, 1);
}
END_TEST

enum { INPUT = 12, HIDDEN = 16, MOST_PARAMETERS = 64 };

static const struct {
    const char *cell;
    int32_t threads;
    int64_t recompute;
} rows[] = {
    {"lstm", 1, 0},    {"lstm", 2, 0}, {"lstm", 2, 3}, {"gru", 2, 0}, {"lstm_layer_norm", 2, 0},
    {"min_gru", 2, 0}, {"rhn", 2, 0},
};

static struct cell *compile(const char *name) {
    struct cell *cell = session_compile(session_definition(name),
                                        (struct cell_settings){.dtype = RONDO_F32, .input = INPUT, .hidden = HIDDEN});
    ck_assert_int_le(cell->n_parameters, MOST_PARAMETERS);
    return cell;
}

static const int64_t lengths[] = {9, 9, 8, 5, 2};

/* Values of a training step. */
struct step {
    struct cell *cell;
    struct time_axis time;
    rondo_tensor inputs, weights[MOST_PARAMETERS], gradients[MOST_PARAMETERS];
};

static struct step make_step(struct cell *cell) {
    struct step step = {.cell = cell, .time = support_time(&support, lengths, ROWS(lengths))};
    step.inputs = tensor_2d(RONDO_F32, step.time.total, INPUT, NULL);
    ck_assert_int_eq(tensor_alloc(&step.inputs, support.arena, &support.errors), RONDO_OK);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        step.weights[p] = step.gradients[p] = cell->parameters[p].shape;
        ck_assert_int_eq(tensor_alloc(&step.weights[p], support.arena, &support.errors), RONDO_OK);
        ck_assert_int_eq(tensor_alloc(&step.gradients[p], support.arena, &support.errors), RONDO_OK);
    }
    return step;
}

/* Forward and backward. */
static rondo_status train(const struct step *step, const struct scan *scan, struct tape *tape) {
    rondo_value parameters[MOST_PARAMETERS];
    tape_enter(tape, "layer", (struct rng_stream){1});
    for (int32_t p = 0; p < step->cell->n_parameters; p++) {
        parameters[p] = tape_parameter(tape, "p", &step->weights[p], &step->gradients[p]);
    }
    const rondo_value x = tape_parameter(tape, "x", &step->inputs, NULL);
    const struct recurrence recurrence = {step->cell, &step->time, 1, x, parameters, NULL, {-1}, NULL};
    return tape_backward(tape, fused(scan, &recurrence, tape, NULL));
}

/* Runs the step several times on one tape. */
START_TEST(a_step_in_steady_state_calls_no_allocator) {
    struct cell *cell = compile(rows[_i].cell);
    const struct step step = make_step(cell);
    struct scan *scan = fused_create(cell, PASS_ALL, rows[_i].recompute, &support.errors);
    ck_assert_msg(scan != NULL, "%s", support_error(&support));
    const struct parallel parallel = {rows[_i].threads};
    struct tape *tape = support_tape(&support, &parallel);
    long before = 0;
    rondo_status status = RONDO_OK; /* asserted after the loop, since an assertion of Check allocates */
    for (int i = 0; i < 8; i++) {
        before = i == 4 ? allocator_calls() : before;
        tape_reset(tape);
        status |= train(&step, scan, tape);
    }
    const long made = allocator_calls() - before;
    support_ok(&support, status, rows[_i].cell);
    ck_assert_msg(!ALLOCATOR_COUNTS || made == 0, "%s, %d threads: %ld calls of the allocator in 4 steps",
                  rows[_i].cell, (int)rows[_i].threads, made);
    tape_destroy(tape);
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

/* ---- one allocation fails ---- */

START_TEST(a_scan_that_runs_out_of_memory_is_refused) {
    struct cell *cell = compile(rows[_i].cell);
    struct scan *scan = NULL;
    for (long number = 1; ALLOCATOR_COUNTS && scan == NULL; number++) {
        allocator_fail(number);
        scan = fused_create(cell, PASS_ALL, rows[_i].recompute, &support.errors);
        const long left = allocator_fail(0);
        if (scan == NULL) {
            ck_assert_int_eq(support.errors.status, RONDO_NO_MEMORY);
            errors_free(&support.errors);
        } else {
            ck_assert_msg(left > 0, "%s: a scan without its allocation %ld", rows[_i].cell, number);
        }
    }
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

/* The tape's arena begins with a piece of another length each time, so that blocks end, and memory is short, at every
 * place of the code. */
START_TEST(a_step_that_runs_out_of_memory_fails) {
    struct cell *cell = compile(rows[_i].cell);
    const struct step step = make_step(cell);
    struct scan *scan = fused_create(cell, PASS_ALL, rows[_i].recompute, &support.errors);
    ck_assert_msg(scan != NULL, "%s", support_error(&support));
    const struct parallel parallel = {rows[_i].threads};
    for (size_t used = 0; ALLOCATOR_COUNTS && used < 64 * 1024; used += 509) {
        rondo_status status = RONDO_NO_MEMORY;
        for (long number = 1; status != RONDO_OK; number++) {
            struct tape *tape = support_tape(&support, &parallel);
            arena_alloc(tape_arena(tape), used);
            allocator_fail(number);
            status = train(&step, scan, tape);
            allocator_fail(0);
            if (status != RONDO_OK) {
                ck_assert_int_eq(status, RONDO_NO_MEMORY);
                ck_assert_int_gt(support.errors.count, 0);
                errors_free(&support.errors);
            }
            tape_destroy(tape);
        }
    }
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

/* ---- models ---- */

static const struct {
    const char *cell;
    struct cell_layer_settings layer;
    enum bridging bridge; /* with one: an encoder, and a block over its outputs after the cell */
} models[] = {
    {"lstm",
     {.hidden = HIDDEN,
      .projection = HIDDEN / 2,
      .clip = 3,
      .zoneout = 0.1,
      .weight_drop = 0.1,
      .direction = DIRECTION_BOTH,
      .learn_initial_state = 1},
     BRIDGE_NONE},
    {"gru", {.hidden = HIDDEN, .layer_norm = 1, .recurrent_dropout = 0.1, .variational_dropout = 0.1}, BRIDGE_NONE},
    {"gru", {.hidden = HIDDEN, .learn_initial_state = 1}, BRIDGE_NONE},
    {"gru", {.hidden = HIDDEN}, BRIDGE_LEARNT},
    {"gru_bahdanau", {.hidden = HIDDEN}, BRIDGE_LAST},
};

/* A model with every kind of input and a tied head; the states of one that reads forward are carried. */
struct model_step {
    struct cell_layer_settings layers[2], encoder;
    struct block_layer_settings block;
    const struct block_layer_settings *blocks[2]; /* NULL, the block */
    enum bridging bridge;
    struct model *model;
    struct states *states;
    struct time_axis time;
    rondo_tensor inputs[3], scored;
};

static struct model_step new_model_step(int index) {
    struct model_step step = {.layers = {models[index].layer}, .bridge = models[index].bridge};
    step.layers[0].cell = session_definition(models[index].cell);
    if (step.bridge != BRIDGE_NONE) {
        const char *file = session_find(session, SESSION_BLOCKS, "attention", NULL, support.arena);
        step.encoder = (struct cell_layer_settings){
            .cell = session_definition("gru"), .hidden = HIDDEN / 2, .direction = DIRECTION_BOTH};
        step.block.block = block_file_read(file, support.arena, &support.errors);
        ck_assert_msg(step.block.block != NULL, "%s", support_error(&support));
    }
    return step;
}

static void destroy_model(struct model_step *step) {
    states_destroy(step->states);
    model_destroy(step->model);
    step->states = NULL;
    step->model = NULL;
}

static rondo_status create_model(struct model_step *step) {
    static const struct model_input source = {
        .name = "source", .symbols = 6, .embedding_size = HIDDEN, .init_std = 0.1, .unknown = -1, .share = 0};
    const int has_encoder = step->bridge != BRIDGE_NONE;
    step->blocks[1] = &step->block;
    static const struct model_input inputs[] = {
        {.name = "input", .symbols = 5, .embedding_size = HIDDEN, .init_std = 0.1, .word_dropout = 0.1, .share = -1},
        {.name = "previous",
         .symbols = 6,
         .embedding_size = HIDDEN,
         .init_std = 0.1,
         .unknown = -1,
         .share = 0,
         .every_step = 1},
        {.name = "known",
         .size = 2,
         .embedding_size = HIDDEN,
         .init_std = 0.1,
         .dropout = 0.1,
         .share = -1,
         .every_step = 1},
    };
    const struct model_settings settings = {.dtype = RONDO_F32,
                                            .architecture = {0, 1},
                                            .inputs = inputs,
                                            .n_inputs = ROWS(inputs),
                                            .source_input = &source,
                                            .encoder = &step->encoder,
                                            .n_encoder = has_encoder,
                                            .bridge = step->bridge,
                                            .layers = step->layers,
                                            .blocks = step->blocks,
                                            .n_layers = 1 + has_encoder,
                                            .output_size = 5,
                                            .tie = 1,
                                            .tied = 1};
    const int carries = step->layers[0].direction == DIRECTION_FORWARD;
    step->model = model_create(&settings, session->registry, &support.errors);
    if (step->model != NULL && carries) {
        step->states = model_states_create(step->model, ROWS(lengths), &support.errors);
    }
    return support.errors.status;
}

static rondo_status train_model(struct model_step *step, struct tape *tape) {
    static const unsigned char starts[] = {0, 1, 0, 1, 0};
    rondo_value parameters[MOST_PARAMETERS];
    for (int32_t p = 0; p < model_parameter_count(step->model); p++) {
        parameters[p] = tape_parameter(tape, "p", &model_parameters(step->model)[p].value, NULL);
    }
    const struct model_source source = {&step->time, &step->inputs[1], NULL};
    const struct model_call call = {.time = &step->time,
                                    .inputs = step->inputs,
                                    .source = step->bridge == BRIDGE_NONE ? NULL : &source,
                                    .parameters = parameters,
                                    .scored = &step->scored,
                                    .carried = step->states,
                                    .kept = step->states,
                                    .starts = starts,
                                    .training = 1};
    struct model_result result;
    const rondo_status status = model_record(step->model, tape, &call, &result);
    return status != RONDO_OK ? status : tape_backward(tape, result.outputs);
}

START_TEST(a_model_that_runs_out_of_memory_is_refused) {
    struct model_step step = new_model_step(_i);
    rondo_status status = RONDO_NO_MEMORY;
    for (long number = 1; ALLOCATOR_COUNTS && status != RONDO_OK; number++) {
        allocator_fail(number);
        status = create_model(&step);
        const long left = allocator_fail(0);
        if (status != RONDO_OK) {
            ck_assert_int_eq(status, RONDO_NO_MEMORY);
            errors_free(&support.errors);
        } else {
            ck_assert_msg(left > 0, "%s: a model without its allocation %ld", models[_i].cell, number);
        }
        destroy_model(&step);
    }
}
END_TEST

/* As for a step above, blocks of the tape's arena end at every place of the code. */
START_TEST(a_pass_of_a_model_that_runs_out_of_memory_fails) {
    struct model_step step = new_model_step(_i);
    support_ok(&support, create_model(&step), models[_i].cell);
    support_ok(&support, model_initialise(step.model, 1, NULL, &support.errors), models[_i].cell);
    step.time = support_time(&support, lengths, ROWS(lengths));
    step.inputs[0] = support_zeros(&support, RONDO_I32, "5");
    step.inputs[1] = support_zeros(&support, RONDO_I32, "33");
    step.inputs[2] = support_zeros(&support, RONDO_F32, "33, 2");
    step.scored = support_zeros(&support, RONDO_I32, "4");
    ck_assert_int_eq(step.time.total, 33);
    for (size_t used = 0; ALLOCATOR_COUNTS && used < 64 * 1024; used += 509) {
        rondo_status status = RONDO_NO_MEMORY;
        for (long number = 1; status != RONDO_OK; number++) {
            struct tape *tape = support_tape(&support, NULL);
            arena_alloc(tape_arena(tape), used);
            allocator_fail(number);
            status = train_model(&step, tape);
            allocator_fail(0);
            if (status != RONDO_OK) {
                ck_assert_int_eq(status, RONDO_NO_MEMORY);
                ck_assert_int_gt(support.errors.count, 0);
                errors_free(&support.errors);
            }
            tape_destroy(tape);
        }
    }
    destroy_model(&step);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("allocations");
    TCase *test_case = tcase_create("allocations");
    tcase_set_timeout(test_case, 60);
    tcase_add_checked_fixture(test_case, session_setup, session_teardown);
    tcase_add_test(test_case, the_counter_counts);
    tcase_add_loop_test(test_case, a_step_in_steady_state_calls_no_allocator, 0, ROWS(rows));
    tcase_add_loop_test(test_case, a_scan_that_runs_out_of_memory_is_refused, 0, ROWS(rows));
    tcase_add_loop_test(test_case, a_step_that_runs_out_of_memory_fails, 0, ROWS(rows));
    tcase_add_loop_test(test_case, a_model_that_runs_out_of_memory_is_refused, 0, ROWS(models));
    tcase_add_loop_test(test_case, a_pass_of_a_model_that_runs_out_of_memory_fails, 0, ROWS(models));
    suite_add_tcase(suite, test_case);
    return run_suite(suite);
}
