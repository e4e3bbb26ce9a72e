/* tests/test_scan.c: the fused engine against the stepwise tape, for every cell of RONDO_CELL_PATH: outputs, final
 * states and every gradient; any number of threads; every pass switched off; batch mates; allocations. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/session.h"
#include "lang/cell_file.h"
#include "model/fused.h"
#include "tests/support.h"

enum { MOST_CELLS = 200, MOST_PARAMETERS = 128, MOST_STATES = 16, INPUT = 5, HIDDEN = 6 };

static char cell_files[MOST_CELLS][512];
static int n_cells;

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

static void find_cells(void) {
    const char *folder = getenv("RONDO_CELL_PATH");
    DIR *stream = folder == NULL ? NULL : opendir(folder);
    for (struct dirent *item; stream != NULL && (item = readdir(stream)) != NULL;) {
        const size_t length = strlen(item->d_name);
        if (length > 5 && strcmp(item->d_name + length - 5, ".yaml") == 0 && n_cells < MOST_CELLS) {
            snprintf(cell_files[n_cells++], sizeof cell_files[0], "%s/%s", folder, item->d_name);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
    qsort(cell_files, (size_t)n_cells, sizeof cell_files[0], by_name);
}

START_TEST(cells_are_found_where_the_environment_says) {
    ck_assert_msg(n_cells > 0, "there is no cell in RONDO_CELL_PATH");
}
END_TEST

static struct support support;
static struct session *session;

static void setup(void) {
    const struct session_settings settings = {.threads = 1};
    support_open(&support);
    session = session_create(&settings, &support.errors);
    ck_assert_msg(session != NULL, "%s", support_error(&support));
}

static void teardown(void) {
    session_destroy(session);
    support_close(&support);
}

/* ---- a recurrence, and what it gives ---- */

struct problem {
    struct cell *cell;
    struct time_axis time;
    int32_t dtype;
    int64_t input;
    rondo_tensor inputs, weights; /* loss = sum(outputs * weights) + sum(final * final weights) */
    rondo_tensor initial[MOST_STATES], final_weights[MOST_STATES];
    rondo_tensor parameters[MOST_PARAMETERS];
};

struct answer {
    rondo_tensor outputs, grad_inputs;
    rondo_tensor final[MOST_STATES], grad_initial[MOST_STATES];
    rondo_tensor grad_parameters[MOST_PARAMETERS];
};

static struct cell *compile(const char *file, int32_t dtype, int64_t input, int64_t hidden) {
    const struct cell_definition *definition = cell_file_read(file, support.arena, &support.errors);
    ck_assert_msg(definition != NULL, "%s", support_error(&support));
    const struct cell_settings settings = {.dtype = dtype, .input = input, .hidden = hidden};
    struct cell *cell = cell_compile(definition, &settings, session->registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    ck_assert_int_le(cell->n_parameters, MOST_PARAMETERS);
    ck_assert_int_le(cell->n_states, MOST_STATES);
    return cell;
}

static rondo_tensor random_like(rondo_tensor shape, const char *name, int32_t number, double scale) {
    ck_assert_int_eq(tensor_alloc(&shape, support.arena, &support.errors), RONDO_OK);
    const struct rng_stream stream = rng_substream(rng_stream(7, name), (uint64_t)number);
    for (int64_t i = 0; i < rondo_count(&shape); i++) {
        tensor_set(&shape, i, (double)(float)(scale * rng_normal(stream, (uint64_t)i)));
    }
    return shape;
}

static struct problem make_problem(struct cell *cell, int32_t dtype, int64_t input, const int64_t *lengths,
                                   int64_t rows) {
    struct problem problem = {.cell = cell, .dtype = dtype, .input = input};
    problem.time = support_time(&support, lengths, rows);
    problem.inputs = random_like(tensor_2d(dtype, problem.time.total, input, NULL), "x", 0, 1);
    problem.weights = random_like(tensor_2d(dtype, problem.time.total, cell->output_width, NULL), "weights", 0, 1);
    for (int32_t s = 0; s < cell->n_states; s++) {
        rondo_tensor shape = cell->states[s];
        shape.shape[0] = rows;
        problem.initial[s] = random_like(shape, "initial", s, 0.5);
        problem.final_weights[s] = random_like(shape, "final", s, 1);
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        problem.parameters[p] = random_like(cell->parameters[p].shape, cell->parameters[p].name, p, 0.4);
    }
    return problem;
}

static rondo_tensor copy_of(const rondo_tensor *tensor, const rondo_tensor *like) {
    rondo_tensor copy = *like;
    ck_assert_int_eq(tensor_alloc(&copy, support.arena, &support.errors), RONDO_OK);
    if (tensor != NULL) {
        ck_assert(tensor_same_shape(tensor, like));
        memcpy(copy.data, tensor->data, tensor_bytes(like));
    }
    return copy;
}

/* scan NULL: the tape. */
static struct answer solve_with(const struct problem *problem, const struct scan *scan, struct tape *tape) {
    struct cell *cell = problem->cell;
    rondo_value parameters[MOST_PARAMETERS], initial[MOST_STATES], final[MOST_STATES];
    tape_reset(tape);
    tape_set_training(tape, 1);
    tape_enter(tape, "layer", (struct rng_stream){9});
    const rondo_value x = tape_parameter(tape, "x", &problem->inputs, NULL);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        parameters[p] = tape_parameter(tape, cell->parameters[p].name, &problem->parameters[p], NULL);
    }
    for (int32_t s = 0; s < cell->n_states; s++) {
        initial[s] = tape_parameter(tape, "initial", &problem->initial[s], NULL);
    }
    const struct recurrence recurrence = {cell, &problem->time, 1, x, parameters, initial};
    const rondo_value outputs = scan == NULL ? unroll(&recurrence, tape, final) : fused(scan, &recurrence, tape, final);
    support_ok(&support, tape_status(tape), cell->name);
    rondo_value pair[2] = {outputs, tape_constant(tape, &problem->weights)};
    const rondo_value product = tape_apply_named(tape, "mul", NULL, pair, 2);
    rondo_value loss = tape_apply_named(tape, "sum", NULL, &product, 1);
    for (int32_t s = 0; s < cell->n_states; s++) {
        const rondo_value weighted[2] = {final[s], tape_constant(tape, &problem->final_weights[s])};
        const rondo_value of_state = tape_apply_named(tape, "mul", NULL, weighted, 2);
        const rondo_value both[2] = {loss, tape_apply_named(tape, "sum", NULL, &of_state, 1)};
        loss = tape_apply_named(tape, "add", NULL, both, 2);
    }
    support_ok(&support, tape_backward(tape, loss), cell->name);
    struct answer answer;
    answer.outputs = copy_of(tape_tensor(tape, outputs), &problem->weights);
    answer.grad_inputs = copy_of(tape_gradient(tape, x), &problem->inputs);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        answer.grad_parameters[p] = copy_of(tape_gradient(tape, parameters[p]), &problem->parameters[p]);
    }
    for (int32_t s = 0; s < cell->n_states; s++) {
        answer.final[s] = copy_of(tape_tensor(tape, final[s]), &problem->initial[s]);
        answer.grad_initial[s] = copy_of(tape_gradient(tape, initial[s]), &problem->initial[s]);
    }
    return answer;
}

static struct answer solve_windows(const struct problem *problem, int64_t recompute, int32_t passes, int32_t threads) {
    const struct parallel parallel = {threads};
    struct tape *tape = support_tape(&support, &parallel);
    struct scan *scan = recompute < 0 ? NULL : fused_create(problem->cell, passes, recompute, &support.errors);
    ck_assert_msg(recompute < 0 || scan != NULL, "%s: %s", problem->cell->name, support_error(&support));
    const struct answer answer = solve_with(problem, scan, tape);
    tape_destroy(tape);
    scan_destroy(scan);
    return answer;
}

static struct answer solve(const struct problem *problem, int fuse, int32_t passes, int32_t threads) {
    return solve_windows(problem, fuse ? 0 : -1, passes, threads);
}

static void compare(const struct problem *problem, const struct answer *found, const struct answer *expected,
                    double tolerance, const char *how) {
    const struct cell *cell = problem->cell;
    char what[256];
    snprintf(what, sizeof what, "%s, %s: outputs", cell->name, how);
    support_near(&found->outputs, &expected->outputs, tolerance, what);
    for (int32_t s = 0; s < cell->n_states; s++) {
        snprintf(what, sizeof what, "%s, %s: final state %d", cell->name, how, (int)s);
        support_near(&found->final[s], &expected->final[s], tolerance, what);
    }
    snprintf(what, sizeof what, "%s, %s: gradient of x", cell->name, how);
    support_near(&found->grad_inputs, &expected->grad_inputs, tolerance, what);
    for (int32_t s = 0; s < cell->n_states; s++) {
        snprintf(what, sizeof what, "%s, %s: gradient of initial state %d", cell->name, how, (int)s);
        support_near(&found->grad_initial[s], &expected->grad_initial[s], tolerance, what);
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        snprintf(what, sizeof what, "%s, %s: gradient of %s", cell->name, how, cell->parameters[p].name);
        support_near(&found->grad_parameters[p], &expected->grad_parameters[p], tolerance, what);
    }
}

/* ---- the oracle ---- */

static const int64_t some_lengths[] = {7, 6, 6, 3, 3, 1};

START_TEST(the_fused_engine_gives_what_the_tape_gives) {
    static const struct {
        int32_t dtype;
        double tolerance;
    } rows[] = {{RONDO_F64, 1e-10}, {RONDO_F32, 1e-4}};
    const int32_t dtype = rows[_i % 2].dtype;
    struct cell *cell = compile(cell_files[_i / 2], dtype, INPUT, HIDDEN);
    const struct problem problem = make_problem(cell, dtype, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer expected = solve(&problem, 0, 0, 1), found = solve(&problem, 1, PASS_ALL, 1);
    compare(&problem, &found, &expected, rows[_i % 2].tolerance, "fused");
    cell_destroy(cell);
}
END_TEST

START_TEST(switching_a_pass_off_changes_no_result) {
    struct cell *cell = compile(cell_files[_i], RONDO_F64, INPUT, HIDDEN);
    const struct problem problem = make_problem(cell, RONDO_F64, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer expected = solve(&problem, 1, PASS_ALL, 1);
    for (int32_t pass = 0; scan_pass_name(pass) != NULL; pass++) {
        char how[64];
        snprintf(how, sizeof how, "passes -%s", scan_pass_name(pass));
        const struct answer found = solve(&problem, 1, PASS_ALL & ~(1 << pass), 2);
        compare(&problem, &found, &expected, 1e-12, how);
    }
    const struct answer none = solve(&problem, 1, 0, 2);
    compare(&problem, &none, &expected, 1e-12, "no pass");
    cell_destroy(cell);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bits) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32, INPUT, HIDDEN);
    const struct problem problem = make_problem(cell, RONDO_F32, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer expected = solve(&problem, 1, PASS_ALL, 1);
    for (int32_t threads = 2; threads <= 7; threads += 5) {
        const struct answer found = solve(&problem, 1, PASS_ALL, threads);
        compare(&problem, &found, &expected, 0, "threads");
    }
    cell_destroy(cell);
}
END_TEST

/* But for rounding: gradients of weights are summed window by window, and the first pass of a window keeps less. */
START_TEST(computing_steps_again_changes_no_result) {
    static const int64_t windows[] = {1, 2, 3, 5, 7, 100};
    struct cell *cell = compile(cell_files[_i], RONDO_F64, INPUT, HIDDEN);
    const struct problem problem = make_problem(cell, RONDO_F64, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer expected = solve(&problem, 1, PASS_ALL, 1);
    for (int i = 0; i < COUNT_OF(windows); i++) {
        char how[64];
        snprintf(how, sizeof how, "recompute every %d steps", (int)windows[i]);
        const struct answer found = solve_windows(&problem, windows[i], PASS_ALL, 2);
        compare(&problem, &found, &expected, 1e-12, how);
    }
    cell_destroy(cell);
}
END_TEST

/* ---- rows ---- */

/* Row `row` of a batch, on its own. */
static struct problem alone(const struct problem *batch, int64_t row) {
    struct problem problem = make_problem(batch->cell, batch->dtype, batch->input, &batch->time.lengths[row], 1);
    const size_t size = dtype_size(batch->dtype);
    for (int64_t t = 0; t < problem.time.steps; t++) {
        const int64_t from = batch->time.begin[t] + row;
        memcpy((char *)problem.inputs.data + (size_t)(t * batch->input) * size,
               (char *)batch->inputs.data + (size_t)(from * batch->input) * size, (size_t)batch->input * size);
        const int64_t width = batch->weights.shape[1];
        memcpy((char *)problem.weights.data + (size_t)(t * width) * size,
               (char *)batch->weights.data + (size_t)(from * width) * size, (size_t)width * size);
    }
    for (int32_t s = 0; s < batch->cell->n_states; s++) {
        const size_t bytes = tensor_bytes(&problem.initial[s]);
        memcpy(problem.initial[s].data, (char *)batch->initial[s].data + (size_t)row * bytes, bytes);
        memcpy(problem.final_weights[s].data, (char *)batch->final_weights[s].data + (size_t)row * bytes, bytes);
    }
    return problem;
}

static void same_rows(const struct problem *batch, const rondo_tensor *whole, const rondo_tensor *single, int64_t row,
                      const char *what) {
    const size_t bytes = (size_t)single->shape[1] * dtype_size(single->dtype);
    for (int64_t t = 0; t < single->shape[0]; t++) {
        ck_assert_msg(memcmp((const char *)whole->data + (size_t)(batch->time.begin[t] + row) * bytes,
                             (const char *)single->data + (size_t)t * bytes, bytes) == 0,
                      "%s, row %d, step %d: %s", batch->cell->name, (int)row, (int)t, what);
    }
}

START_TEST(batch_mates_and_padding_change_no_bit_of_a_row) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32, INPUT, HIDDEN);
    const struct problem batch = make_problem(cell, RONDO_F32, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer whole = solve(&batch, 1, PASS_ALL, 2);
    for (int64_t row = 0; row < COUNT_OF(some_lengths); row++) {
        const struct problem one = alone(&batch, row);
        const struct answer single = solve(&one, 1, PASS_ALL, 1);
        same_rows(&batch, &whole.outputs, &single.outputs, row, "outputs");
        same_rows(&batch, &whole.grad_inputs, &single.grad_inputs, row, "gradient of x");
        for (int32_t s = 0; s < cell->n_states; s++) {
            const size_t bytes = tensor_bytes(&single.final[s]);
            ck_assert_msg(
                memcmp((const char *)whole.final[s].data + (size_t)row * bytes, single.final[s].data, bytes) == 0,
                "%s: final state %d of row %d", cell->name, (int)s, (int)row);
            ck_assert_msg(memcmp((const char *)whole.grad_initial[s].data + (size_t)row * bytes,
                                 single.grad_initial[s].data, bytes) == 0,
                          "%s: gradient of initial state %d of row %d", cell->name, (int)s, (int)row);
        }
    }
    cell_destroy(cell);
}
END_TEST

/* Without gradients less is kept, and the outputs are the same. */
START_TEST(prediction_gives_the_outputs_of_training) {
    struct cell *cell = compile(cell_files[_i], RONDO_F32, INPUT, HIDDEN);
    const struct problem problem = make_problem(cell, RONDO_F32, INPUT, some_lengths, COUNT_OF(some_lengths));
    const struct answer expected = solve(&problem, 1, PASS_ALL, 1);
    const struct parallel parallel = {2};
    struct tape *tape = support_tape(&support, &parallel);
    struct scan *scan = fused_create(cell, PASS_ALL, 0, &support.errors);
    rondo_value parameters[MOST_PARAMETERS], initial[MOST_STATES], final[MOST_STATES];
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        parameters[p] = tape_constant(tape, &problem.parameters[p]);
    }
    for (int32_t s = 0; s < cell->n_states; s++) {
        initial[s] = tape_constant(tape, &problem.initial[s]);
    }
    tape_set_training(tape, 1); /* the same random words */
    tape_enter(tape, "layer", (struct rng_stream){9});
    const struct recurrence recurrence = {cell,       &problem.time, 1, tape_constant(tape, &problem.inputs),
                                          parameters, initial};
    const rondo_value outputs = fused(scan, &recurrence, tape, final);
    support_ok(&support, tape_status(tape), cell->name);
    support_near(tape_tensor(tape, outputs), &expected.outputs, 1e-6, cell->name);
    for (int32_t s = 0; s < cell->n_states; s++) {
        support_near(tape_tensor(tape, final[s]), &expected.final[s], 1e-6, cell->name);
    }
    tape_destroy(tape);
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 120);
    tcase_add_checked_fixture(test_case, setup, teardown);
    suite_add_tcase(suite, test_case);
    return test_case;
}

static Suite *scan_suite(void) {
    Suite *suite = suite_create("scan");
    TCase *cells = new_case(suite, "cells");
    tcase_add_test(cells, cells_are_found_where_the_environment_says);
    tcase_add_loop_test(cells, the_fused_engine_gives_what_the_tape_gives, 0, 2 * n_cells);
    tcase_add_loop_test(cells, switching_a_pass_off_changes_no_result, 0, n_cells);
    tcase_add_loop_test(cells, any_number_of_threads_gives_the_same_bits, 0, n_cells);
    tcase_add_loop_test(cells, computing_steps_again_changes_no_result, 0, n_cells);
    tcase_add_loop_test(cells, batch_mates_and_padding_change_no_bit_of_a_row, 0, n_cells);
    tcase_add_loop_test(cells, prediction_gives_the_outputs_of_training, 0, n_cells);
    return suite;
}

int main(void) {
    find_cells();
    SRunner *runner = srunner_create(scan_suite());
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
