/* tests/test_random_cells.c: the fused engine against the stepwise tape on cells made up by chance: every result and
 * every gradient, with passes switched off, steps computed again, threads, and rows on their own.
 *
 *     test_random_cells FIRST COUNT      the cells of other numbers; the equations of one alone are shown */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/session.h"
#include "model/fused.h"
#include "tests/random_cell.h"
#include "tests/support.h"

enum { MOST_PARAMETERS = 64, MOST_STATES = 8 };

enum { CELLS_OF_TEST = 10 }; /* a process each would take longer than the cells */

static int first_cell = 0, n_cells = 300;
static int this_cell; /* for messages */

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

/* Values of the tape: x, the initial states, the parameters. Those that are not asked for have no gradient. */
struct problem {
    struct cell *cell;
    struct time_axis time;
    rondo_tensor x, weights; /* loss = sum(outputs * weights) + sum(final states * final_weights) */
    rondo_tensor initial[MOST_STATES], final_weights[MOST_STATES], parameters[MOST_PARAMETERS];
    int x_asks, initial_is_given[MOST_STATES], initial_asks[MOST_STATES], parameter_asks[MOST_PARAMETERS];
    int uses_final;
};

struct answer {
    rondo_tensor outputs, grad_x;
    rondo_tensor final[MOST_STATES], grad_initial[MOST_STATES], grad_parameters[MOST_PARAMETERS];
};

static rondo_tensor random_like(rondo_tensor shape, const char *name, int32_t number, double scale) {
    ck_assert_int_eq(tensor_alloc(&shape, support.arena, &support.errors), RONDO_OK);
    const struct rng_stream stream = rng_substream(rng_stream(7, name), (uint64_t)number);
    for (int64_t i = 0; i < rondo_count(&shape); i++) {
        tensor_set(&shape, i, scale * rng_normal(stream, (uint64_t)i));
    }
    return shape;
}

static struct problem make_problem(struct cell *cell, struct chance *chance, const int64_t *lengths, int64_t rows) {
    struct problem problem = {.cell = cell, .time = support_time(&support, lengths, rows)};
    const rondo_tensor x = program_node(cell->program, (rondo_value){0})->value;
    problem.x = random_like(tensor_2d(RONDO_F64, problem.time.total, x.shape[1], NULL), "x", 0, 1);
    problem.weights = random_like(tensor_2d(RONDO_F64, problem.time.total, cell->output_width, NULL), "weights", 0, 1);
    problem.x_asks = chance_of(chance, 4) > 0;
    problem.uses_final = chance_of(chance, 4) > 0;
    for (int32_t s = 0; s < cell->n_states; s++) {
        rondo_tensor shape = cell->states[s];
        shape.shape[0] = rows;
        problem.initial[s] = random_like(shape, "initial", s, 0.5);
        problem.final_weights[s] = random_like(shape, "final", s, 1);
        problem.initial_is_given[s] = chance_of(chance, 4) > 0;
        problem.initial_asks[s] = chance_of(chance, 4) > 0;
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const rondo_tensor shape = cell->parameters[p].shape;
        problem.parameters[p] =
            random_like(shape, "parameters", p, shape.ndim == 2 ? 0.8 / sqrt((double)shape.shape[0]) : 0.5);
        problem.parameter_asks[p] = chance_of(chance, 5) > 0;
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

static rondo_value leaf(struct tape *tape, const rondo_tensor *tensor, int asks) {
    return asks ? tape_parameter(tape, "leaf", tensor, NULL) : tape_constant(tape, tensor);
}

static rondo_value weighted_sum(struct tape *tape, rondo_value value, const rondo_tensor *weights) {
    const rondo_value pair[2] = {value, tape_constant(tape, weights)};
    const rondo_value product = tape_apply_named(tape, "mul", NULL, pair, 2);
    return tape_apply_named(tape, "sum", NULL, &product, 1);
}

/* Bits that are not-a-number where the tape's memory comes from: what is read before it is written is found. */
static void soil(struct tape *tape) {
    enum { BYTES = 1 << 18 };
    for (int32_t worker = -1; worker < 3; worker++) {
        struct arena *arena = worker < 0 ? tape_arena(tape) : tape_worker_arena(tape, worker);
        void *memory = arena_alloc(arena, BYTES);
        ck_assert_ptr_nonnull(memory);
        memset(memory, 0xff, BYTES);
    }
    tape_reset(tape);
}

/* scan NULL: the tape. */
static struct answer solve_on(const struct problem *problem, const struct scan *scan, struct tape *tape) {
    struct cell *cell = problem->cell;
    rondo_value parameters[MOST_PARAMETERS], initial[MOST_STATES], final[MOST_STATES];
    soil(tape);
    tape_set_training(tape, 1);
    tape_enter(tape, "layer", (struct rng_stream){9});
    const rondo_value x = leaf(tape, &problem->x, problem->x_asks);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        parameters[p] = leaf(tape, &problem->parameters[p], problem->parameter_asks[p]);
    }
    for (int32_t s = 0; s < cell->n_states; s++) {
        initial[s] = problem->initial_is_given[s] ? leaf(tape, &problem->initial[s], problem->initial_asks[s])
                                                  : (rondo_value){-1};
    }
    const struct recurrence recurrence = {cell, &problem->time, 1, x, parameters, initial};
    const rondo_value outputs = scan == NULL ? unroll(&recurrence, tape, final) : fused(scan, &recurrence, tape, final);
    support_ok(&support, tape_status(tape), cell->name);
    rondo_value loss = weighted_sum(tape, outputs, &problem->weights);
    for (int32_t s = 0; problem->uses_final && s < cell->n_states; s++) {
        const rondo_value both[2] = {loss, weighted_sum(tape, final[s], &problem->final_weights[s])};
        loss = tape_apply_named(tape, "add", NULL, both, 2);
    }
    support_ok(&support, tape_backward(tape, loss), cell->name);
    struct answer answer;
    answer.outputs = copy_of(tape_tensor(tape, outputs), &problem->weights);
    answer.grad_x = copy_of(problem->x_asks ? tape_gradient(tape, x) : NULL, &problem->x);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        answer.grad_parameters[p] =
            copy_of(problem->parameter_asks[p] ? tape_gradient(tape, parameters[p]) : NULL, &problem->parameters[p]);
    }
    for (int32_t s = 0; s < cell->n_states; s++) {
        const int asks = problem->initial_is_given[s] && problem->initial_asks[s];
        answer.final[s] = copy_of(tape_tensor(tape, final[s]), &problem->initial[s]);
        answer.grad_initial[s] = copy_of(asks ? tape_gradient(tape, initial[s]) : NULL, &problem->initial[s]);
    }
    return answer;
}

static struct answer solve(const struct problem *problem, int fuse, int64_t recompute, int32_t passes,
                           int32_t threads) {
    const struct parallel parallel = {threads};
    struct tape *tape = support_tape(&support, &parallel);
    struct scan *scan = fuse ? fused_create(problem->cell, passes, recompute, &support.errors) : NULL;
    ck_assert_msg(!fuse || scan != NULL, "%s", support_error(&support));
    const struct answer answer = solve_on(problem, scan, tape);
    tape_destroy(tape);
    scan_destroy(scan);
    return answer;
}

/* ---- comparisons ---- */

static double largest(const rondo_tensor *tensor) {
    double most = 1;
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double value = fabs(tensor_get(tensor, i));
        most = isnan(value) ? INFINITY : fmax(most, value);
    }
    return most;
}

/* Within the tolerance times the largest element; 0: the same bits. */
static void near(const rondo_tensor *found, const rondo_tensor *expected, double tolerance, const char *how,
                 const char *what, int32_t number) {
    const double bound = tolerance * largest(expected);
    for (int64_t i = 0; i < rondo_count(expected); i++) {
        const double a = tensor_get(found, i), b = tensor_get(expected, i);
        const int same = tolerance == 0 ? memcmp(&a, &b, sizeof a) == 0 : fabs(a - b) <= bound;
        if (!same) {
            ck_abort_msg("cell %d, %s: %s %d: element %d is %.17g, expected %.17g", this_cell, how, what, (int)number,
                         (int)i, a, b);
        }
    }
}

static void compare(const struct problem *problem, const struct answer *found, const struct answer *expected,
                    double tolerance, const char *how) {
    near(&found->outputs, &expected->outputs, tolerance, how, "outputs", 0);
    near(&found->grad_x, &expected->grad_x, tolerance, how, "gradient of x", 0);
    for (int32_t s = 0; s < problem->cell->n_states; s++) {
        near(&found->final[s], &expected->final[s], tolerance, how, "final state", s);
        near(&found->grad_initial[s], &expected->grad_initial[s], tolerance, how, "gradient of initial state", s);
    }
    for (int32_t p = 0; p < problem->cell->n_parameters; p++) {
        near(&found->grad_parameters[p], &expected->grad_parameters[p], tolerance, how,
             problem->cell->parameters[p].name, p);
    }
}

/* A cell whose values grow without bounds says nothing. */
static int is_tame(const struct problem *problem, const struct answer *answer) {
    double most = largest(&answer->outputs);
    most = fmax(most, largest(&answer->grad_x));
    for (int32_t s = 0; s < problem->cell->n_states; s++) {
        most = fmax(most, fmax(largest(&answer->final[s]), largest(&answer->grad_initial[s])));
    }
    for (int32_t p = 0; p < problem->cell->n_parameters; p++) {
        most = fmax(most, largest(&answer->grad_parameters[p]));
    }
    return most < 1e6;
}

/* ---- rows ---- */

static void take_rows(rondo_tensor *to, const rondo_tensor *from, int64_t begin) {
    const size_t bytes = tensor_bytes(to);
    memcpy(to->data, (const char *)from->data + (size_t)begin * (bytes / (size_t)to->shape[0]), bytes);
}

/* Row `row` of the batch, on its own. */
static struct problem alone(const struct problem *batch, int64_t row) {
    struct problem problem = *batch;
    problem.time = support_time(&support, &batch->time.lengths[row], 1);
    rondo_tensor *const packed[2] = {&problem.x, &problem.weights};
    const rondo_tensor *const from[2] = {&batch->x, &batch->weights};
    for (int i = 0; i < 2; i++) {
        packed[i]->shape[0] = problem.time.total;
        *packed[i] = copy_of(NULL, packed[i]);
        for (int64_t t = 0; t < problem.time.steps; t++) {
            rondo_tensor one = *packed[i];
            one.shape[0] = 1;
            one.data = (double *)packed[i]->data + t * one.shape[1];
            take_rows(&one, from[i], batch->time.begin[t] + row);
        }
    }
    for (int32_t s = 0; s < batch->cell->n_states; s++) {
        problem.initial[s].shape[0] = problem.final_weights[s].shape[0] = 1;
        problem.initial[s] = copy_of(NULL, &problem.initial[s]);
        problem.final_weights[s] = copy_of(NULL, &problem.final_weights[s]);
        take_rows(&problem.initial[s], &batch->initial[s], row);
        take_rows(&problem.final_weights[s], &batch->final_weights[s], row);
    }
    return problem;
}

/* The rows of `whole` that belong to `row`, which is what `single` has. */
static void same_rows(const struct problem *batch, const rondo_tensor *whole, const rondo_tensor *single, int64_t row,
                      int is_packed, const char *what) {
    rondo_tensor expected = copy_of(NULL, single);
    for (int64_t t = 0; t < single->shape[0]; t++) {
        rondo_tensor one = expected;
        one.shape[0] = 1;
        one.data = (double *)expected.data + t * rondo_count(&one);
        take_rows(&one, whole, is_packed ? batch->time.begin[t] + row : row);
    }
    near(single, &expected, 0, "a row on its own", what, (int32_t)row);
}

static void check_rows(const struct problem *batch, const struct answer *whole, int64_t row) {
    const struct problem one = alone(batch, row);
    const struct answer single = solve(&one, 1, 0, PASS_ALL, 1);
    same_rows(batch, &whole->outputs, &single.outputs, row, 1, "outputs of row");
    same_rows(batch, &whole->grad_x, &single.grad_x, row, 1, "gradient of x of row");
    for (int32_t s = 0; s < batch->cell->n_states; s++) {
        same_rows(batch, &whole->final[s], &single.final[s], row, 0, "final state of row");
        same_rows(batch, &whole->grad_initial[s], &single.grad_initial[s], row, 0, "gradient of initial state of row");
    }
}

/* ---- the test ---- */

static int has_random(const struct cell *cell) {
    int found = 0;
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        found |= node->op != NULL && (node->op->flags & RONDO_OP_RANDOM) != 0;
    }
    return found;
}

static void check_cell(const struct problem *problem) {
    const struct answer expected = solve(problem, 0, 0, 0, 1);
    if (!is_tame(problem, &expected)) {
        return;
    }
    const struct answer found = solve(problem, 1, 0, PASS_ALL, 1);
    compare(problem, &found, &expected, 1e-9, "fused");
    const struct answer threads = solve(problem, 1, 0, PASS_ALL, 3);
    compare(problem, &threads, &found, 0, "three threads");
    for (int32_t pass = 0; scan_pass_name(pass) != NULL; pass++) {
        char how[64];
        snprintf(how, sizeof how, "passes -%s", scan_pass_name(pass));
        const struct answer without = solve(problem, 1, 0, PASS_ALL & ~(1 << pass), 3);
        compare(problem, &without, &expected, 1e-9, how);
    }
    const struct answer none = solve(problem, 1, 0, 0, 2);
    compare(problem, &none, &expected, 1e-9, "no pass");
    for (int64_t window = 1; window < 4; window++) {
        char how[64];
        snprintf(how, sizeof how, "recompute every %d steps", (int)window);
        const struct answer again = solve(problem, 1, window, PASS_ALL, 2);
        compare(problem, &again, &expected, 1e-9, how);
    }
    const int64_t last = problem->time.rows - 1;
    for (int64_t row = last; row >= 0 && !has_random(problem->cell); row -= row == last && last > 0 ? last : 1) {
        check_rows(problem, &found, row);
    }
}

static void check_cell_of_number(int number) {
    static const int64_t ragged[] = {7, 6, 6, 3, 3, 1}, equal[] = {4, 4, 4}, one[] = {5};
    int64_t many[40];
    for (int i = 0; i < COUNT_OF(many); i++) {
        many[i] = 5 - i / 9;
    }
    const struct {
        const int64_t *lengths;
        int64_t rows;
    } batches[] = {{ragged, COUNT_OF(ragged)}, {ragged, COUNT_OF(ragged)}, {ragged, COUNT_OF(ragged)},
                   {equal, COUNT_OF(equal)},   {one, COUNT_OF(one)},       {many, COUNT_OF(many)}};
    struct chance chance = {rng_substream(rng_stream(1, "cells"), (uint64_t)number), 0};
    const int32_t batch = chance_of(&chance, COUNT_OF(batches));
    const int64_t hidden = chance_of(&chance, 40) == 0 ? 270 : 3 + chance_of(&chance, 5);
    const struct cell_definition *definition = random_cell(&chance, hidden, support.arena);
    if (n_cells == 1) { /* it was asked for */
        fprintf(stderr, "output: %s\n%s", definition->output, definition->equations.text);
    }
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = hidden - 1, .hidden = hidden};
    struct cell *cell = cell_compile(definition, &settings, session->registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    ck_assert_int_le(cell->n_parameters, MOST_PARAMETERS);
    ck_assert_int_le(cell->n_states, MOST_STATES);
    const struct problem problem = make_problem(cell, &chance, batches[batch].lengths, batches[batch].rows);
    check_cell(&problem);
    cell_destroy(cell);
}

START_TEST(a_cell_made_up_by_chance_gives_what_the_tape_gives) {
    const int end = first_cell + n_cells;
    this_cell = first_cell + _i * CELLS_OF_TEST;
    for (int last = this_cell + CELLS_OF_TEST; this_cell < last && this_cell < end; this_cell++) {
        check_cell_of_number(this_cell);
    }
}
END_TEST

int main(int argc, char **argv) {
    if (argc == 3) {
        first_cell = (int)strtol(argv[1], NULL, 10);
        n_cells = (int)strtol(argv[2], NULL, 10);
    }
    Suite *suite = suite_create("random_cells");
    TCase *cells = tcase_create("cells");
    tcase_set_timeout(cells, 600);
    tcase_add_checked_fixture(cells, setup, teardown);
    suite_add_tcase(suite, cells);
    tcase_add_loop_test(cells, a_cell_made_up_by_chance_gives_what_the_tape_gives, 0,
                        (n_cells + CELLS_OF_TEST - 1) / CELLS_OF_TEST);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
