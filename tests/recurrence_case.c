#include "tests/recurrence_case.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "model/fused.h"

/* ---- cases ---- */

static void *allocate(struct support *support, int32_t count, size_t size) {
    void *memory = arena_calloc(support->arena, (size_t)count + 1, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

static rondo_tensor zeros_of(struct support *support, rondo_tensor shape) {
    ck_assert_int_eq(tensor_alloc(&shape, support->arena, &support->errors), RONDO_OK);
    return shape;
}

static rondo_tensor random_of(struct support *support, rondo_tensor shape, const char *name, int32_t number,
                              double scale) {
    const rondo_tensor tensor = zeros_of(support, shape);
    const struct rng_stream stream = rng_substream(rng_stream(7, name), (uint64_t)number);
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        tensor_set(&tensor, i, (double)(float)(scale * rng_normal(stream, (uint64_t)i)));
    }
    return tensor;
}

static void set_all(int *flags, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        flags[i] = 1;
    }
}

struct recurrence_case recurrence_case_create(struct support *support, struct cell *cell, int32_t dtype,
                                              const int64_t *lengths, int64_t rows) {
    const int32_t n_states = cell->n_states, n_parameters = cell->n_parameters;
    struct recurrence_case problem = {
        .support = support, .cell = cell, .dtype = dtype, .x_needs = 1, .memory_needs = 1, .uses_final = 1};
    problem.time = support_time(support, lengths, rows);
    const int64_t total = problem.time.total, input = program_node(cell->program, (rondo_value){0})->value.shape[1];
    problem.x = random_of(support, tensor_2d(dtype, total, input, NULL), "x", 0, 1);
    problem.weights = random_of(support, tensor_2d(dtype, total, cell->output_width, NULL), "weights", 0, 1);
    problem.initial = allocate(support, n_states, sizeof *problem.initial);
    problem.final_weights = allocate(support, n_states, sizeof *problem.final_weights);
    problem.initial_is_given = allocate(support, n_states, sizeof(int));
    problem.initial_needs = allocate(support, n_states, sizeof(int));
    problem.parameters = allocate(support, n_parameters, sizeof *problem.parameters);
    problem.parameter_needs = allocate(support, n_parameters, sizeof(int));
    set_all(problem.initial_is_given, n_states);
    set_all(problem.initial_needs, n_states);
    set_all(problem.parameter_needs, n_parameters);
    if (cell->reads_memory) {
        const rondo_value read = program_input_value(cell->program, 1 + n_states);
        const int64_t width = program_node(cell->program, read)->value.shape[1];
        problem.memory = support_memory(support, dtype, width, rows);
    }
    for (int32_t s = 0; s < n_states; s++) {
        rondo_tensor shape = cell->states[s];
        shape.shape[0] = rows;
        problem.initial[s] = random_of(support, shape, "initial", s, 0.5);
        problem.final_weights[s] = random_of(support, shape, "final", s, 1);
    }
    for (int32_t p = 0; p < n_parameters; p++) {
        const rondo_tensor shape = cell->parameters[p].shape;
        const double scale = shape.ndim == 2 ? 0.8 / sqrt((double)shape.shape[0]) : 0.5;
        problem.parameters[p] = random_of(support, shape, "parameters", p, scale);
    }
    return problem;
}

static char *row_at(const rondo_tensor *tensor, int64_t row) {
    return (char *)tensor->data + (size_t)row * (tensor_bytes(tensor) / (size_t)tensor->shape[0]);
}

/* Rows begin .. begin + those of `time` of a packed tensor of the batch. */
static rondo_tensor packed_rows(struct support *support, const rondo_tensor *whole, const struct time_axis *batch,
                                const struct time_axis *time, int64_t begin) {
    rondo_tensor shape = *whole;
    shape.shape[0] = time->total;
    const rondo_tensor part = zeros_of(support, shape);
    for (int64_t t = 0; t < time->steps; t++) {
        for (int64_t row = 0; row < time->alive[t]; row++) {
            memcpy(row_at(&part, time->begin[t] + row), row_at(whole, batch->begin[t] + begin + row),
                   tensor_bytes(whole) / (size_t)whole->shape[0]);
        }
    }
    return part;
}

static rondo_tensor state_rows(const rondo_tensor *whole, int64_t begin, int64_t end) {
    rondo_tensor part = *whole;
    part.shape[0] = end - begin;
    part.data = row_at(whole, begin);
    return part;
}

struct recurrence_case recurrence_case_rows(const struct recurrence_case *batch, int64_t begin, int64_t end) {
    struct support *support = batch->support;
    struct recurrence_case part = *batch;
    part.time = support_time(support, &batch->time.lengths[begin], end - begin);
    part.x = packed_rows(support, &batch->x, &batch->time, &part.time, begin);
    part.weights = packed_rows(support, &batch->weights, &batch->time, &part.time, begin);
    if (batch->cell->reads_memory) {
        part.memory = support_memory_rows(&batch->memory, begin, end);
    }
    part.initial = allocate(support, batch->cell->n_states, sizeof *part.initial);
    part.final_weights = allocate(support, batch->cell->n_states, sizeof *part.final_weights);
    for (int32_t s = 0; s < batch->cell->n_states; s++) {
        part.initial[s] = state_rows(&batch->initial[s], begin, end);
        part.final_weights[s] = state_rows(&batch->final_weights[s], begin, end);
    }
    return part;
}

/* ---- computing ---- */

static rondo_tensor copy_of(struct support *support, const rondo_tensor *tensor, const rondo_tensor *like) {
    const rondo_tensor copy = zeros_of(support, *like);
    if (tensor != NULL) {
        ck_assert(tensor_same_shape(tensor, like));
        memcpy(copy.data, tensor->data, tensor_bytes(like));
    }
    return copy;
}

static rondo_value leaf(struct tape *tape, const rondo_tensor *tensor, int needs) {
    return needs ? tape_parameter(tape, "leaf", tensor, NULL) : tape_constant(tape, tensor);
}

static rondo_value weighted_sum(struct tape *tape, rondo_value value, const rondo_tensor *weights) {
    const rondo_value pair[2] = {value, tape_constant(tape, weights)};
    const rondo_value product = tape_apply_named(tape, "mul", NULL, pair, 2);
    return tape_apply_named(tape, "sum", NULL, &product, 1);
}

/* Fills the tape's memory with not-a-number, so that a value that is read before it is written changes results. */
static void poison(struct tape *tape) {
    enum { BYTES = 1 << 18 };
    for (int32_t worker = -1; worker < 3; worker++) {
        struct arena *arena = worker < 0 ? tape_arena(tape) : tape_worker_arena(tape, worker);
        void *memory = arena_alloc(arena, BYTES);
        ck_assert_ptr_nonnull(memory);
        memset(memory, 0xff, BYTES);
    }
    tape_reset(tape);
}

struct recurrence_answer recurrence_case_solve_on(const struct recurrence_case *problem, const struct scan *scan,
                                                  struct tape *tape) {
    struct support *support = problem->support;
    struct cell *cell = problem->cell;
    const int32_t n_states = cell->n_states, n_parameters = cell->n_parameters;
    rondo_value *parameters = allocate(support, n_parameters, sizeof *parameters);
    rondo_value *initial = allocate(support, n_states, sizeof *initial);
    rondo_value *final = allocate(support, n_states, sizeof *final);
    poison(tape);
    tape_set_training(tape, 1);
    tape_enter(tape, "layer", (struct rng_stream){9});
    const rondo_value x = leaf(tape, &problem->x, problem->x_needs);
    for (int32_t p = 0; p < n_parameters; p++) {
        parameters[p] = leaf(tape, &problem->parameters[p], problem->parameter_needs[p]);
    }
    for (int32_t s = 0; s < n_states; s++) {
        initial[s] = problem->initial_is_given[s] ? leaf(tape, &problem->initial[s], problem->initial_needs[s])
                                                  : (rondo_value){-1};
    }
    const rondo_value memory =
        cell->reads_memory ? leaf(tape, &problem->memory.values, problem->memory_needs) : (rondo_value){-1};
    const struct recurrence recurrence = {
        cell, &problem->time, 1, x, parameters, initial, memory, cell->reads_memory ? &problem->memory.rows : NULL};
    const rondo_value outputs = scan == NULL ? unroll(&recurrence, tape, final) : fused(scan, &recurrence, tape, final);
    support_ok(support, tape_status(tape), cell->name);
    rondo_value loss = weighted_sum(tape, outputs, &problem->weights);
    for (int32_t s = 0; problem->uses_final && s < n_states; s++) {
        const rondo_value both[2] = {loss, weighted_sum(tape, final[s], &problem->final_weights[s])};
        loss = tape_apply_named(tape, "add", NULL, both, 2);
    }
    support_ok(support, tape_backward(tape, loss), cell->name);
    struct recurrence_answer answer = {
        .outputs = copy_of(support, tape_tensor(tape, outputs), &problem->weights),
        .grad_x = copy_of(support, problem->x_needs ? tape_gradient(tape, x) : NULL, &problem->x),
        .grad_memory =
            copy_of(support, problem->memory_needs ? tape_gradient(tape, memory) : NULL, &problem->memory.values),
        .final = allocate(support, n_states, sizeof(rondo_tensor)),
        .grad_initial = allocate(support, n_states, sizeof(rondo_tensor)),
        .grad_parameters = allocate(support, n_parameters, sizeof(rondo_tensor)),
    };
    for (int32_t p = 0; p < n_parameters; p++) {
        answer.grad_parameters[p] = copy_of(
            support, problem->parameter_needs[p] ? tape_gradient(tape, parameters[p]) : NULL, &problem->parameters[p]);
    }
    for (int32_t s = 0; s < n_states; s++) {
        const int needs = problem->initial_is_given[s] && problem->initial_needs[s];
        answer.final[s] = copy_of(support, tape_tensor(tape, final[s]), &problem->initial[s]);
        answer.grad_initial[s] = copy_of(support, needs ? tape_gradient(tape, initial[s]) : NULL, &problem->initial[s]);
    }
    return answer;
}

struct recurrence_answer recurrence_case_solve(const struct recurrence_case *problem, struct recurrence_engine engine) {
    const struct parallel parallel = {engine.threads < 1 ? 1 : engine.threads};
    struct support *support = problem->support;
    struct tape *tape = support_tape(support, &parallel);
    struct scan *scan =
        engine.fused ? fused_create(problem->cell, engine.passes, engine.recompute, &support->errors) : NULL;
    ck_assert_msg(!engine.fused || scan != NULL, "%s: %s", problem->cell->name, support_error(support));
    const struct recurrence_answer answer = recurrence_case_solve_on(problem, scan, tape);
    tape_destroy(tape);
    scan_destroy(scan);
    return answer;
}

/* ---- comparisons ---- */

/* A function that is called for each tensor of an answer, with its description. */
typedef void answer_visitor(void *arg, const rondo_tensor *found, const rondo_tensor *expected, int is_packed,
                            const char *what, int32_t number);

static void visit(const struct recurrence_case *problem, const struct recurrence_answer *found,
                  const struct recurrence_answer *expected, int with_parameters, answer_visitor *visitor, void *arg) {
    visitor(arg, &found->outputs, &expected->outputs, 1, "outputs", 0);
    visitor(arg, &found->grad_x, &expected->grad_x, 1, "gradient of x", 0);
    for (int32_t s = 0; s < problem->cell->n_states; s++) {
        visitor(arg, &found->final[s], &expected->final[s], 0, "final state", s);
        visitor(arg, &found->grad_initial[s], &expected->grad_initial[s], 0, "gradient of initial state", s);
    }
    if (with_parameters && problem->cell->reads_memory) {
        visitor(arg, &found->grad_memory, &expected->grad_memory, 0, "gradient of the memory", 0);
    }
    for (int32_t p = 0; with_parameters && p < problem->cell->n_parameters; p++) {
        visitor(arg, &found->grad_parameters[p], &expected->grad_parameters[p], 0, problem->cell->parameters[p].name,
                p);
    }
}

static double largest_of(const rondo_tensor *tensor) {
    double most = 0;
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double value = fabs(tensor_get(tensor, i));
        most = isnan(value) ? INFINITY : fmax(most, value);
    }
    return most;
}

static void keep_largest(void *arg, const rondo_tensor *found, const rondo_tensor *expected, int is_packed,
                         const char *what, int32_t number) {
    double *most = arg;
    (void)expected, (void)is_packed, (void)what, (void)number;
    *most = fmax(*most, largest_of(found));
}

double recurrence_answer_largest(const struct recurrence_case *problem, const struct recurrence_answer *answer) {
    double most = 0;
    visit(problem, answer, answer, 1, keep_largest, &most);
    return most;
}

struct comparison {
    double tolerance;
    const char *cell, *how;
};

static void compare(void *arg, const rondo_tensor *found, const rondo_tensor *expected, int is_packed, const char *what,
                    int32_t number) {
    const struct comparison *comparison = arg;
    (void)is_packed;
    ck_assert(tensor_same_shape(found, expected));
    for (int64_t i = 0; i < rondo_count(expected); i++) {
        const double a = tensor_get(found, i), b = tensor_get(expected, i);
        const int same = comparison->tolerance == 0 ? memcmp(&a, &b, sizeof a) == 0
                                                    : support_difference(a, b) <= comparison->tolerance;
        if (!same) { /* an assertion for each element would take more time than the rest of the test */
            ck_abort_msg("%s, %s: %s %d: element %d is %.17g, expected %.17g", comparison->cell, comparison->how, what,
                         (int)number, (int)i, a, b);
        }
    }
}

void recurrence_case_compare(const struct recurrence_case *problem, const struct recurrence_answer *found,
                             const struct recurrence_answer *expected, double tolerance, const char *how) {
    struct comparison comparison = {tolerance, problem->cell->name, how};
    visit(problem, found, expected, 1, compare, &comparison);
}

struct row_comparison {
    struct comparison comparison;
    const struct recurrence_case *batch, *part;
    int64_t begin;
};

static void compare_rows(void *arg, const rondo_tensor *part, const rondo_tensor *whole, int is_packed,
                         const char *what, int32_t number) {
    struct row_comparison *rows = arg;
    const rondo_tensor expected =
        is_packed ? packed_rows(rows->batch->support, whole, &rows->batch->time, &rows->part->time, rows->begin)
                  : state_rows(whole, rows->begin, rows->begin + rows->part->time.rows);
    compare(&rows->comparison, part, &expected, is_packed, what, number);
}

void recurrence_case_same_rows(const struct recurrence_case *batch, const struct recurrence_answer *whole,
                               const struct recurrence_case *part, const struct recurrence_answer *of_part,
                               int64_t begin, const char *how) {
    struct row_comparison rows = {{0, batch->cell->name, how}, batch, part, begin};
    visit(batch, of_part, whole, 0, compare_rows, &rows);
}
