#define _POSIX_C_SOURCE 200809L
#include "model/cell_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lang/cell_file.h"
#include "model/apply.h"
#include "model/block_layer.h"
#include "model/fused.h"

/* Rows of different lengths, two of them alike, one with a single step. */
enum { ROWS = 5, STEPS = 5 };
static const int64_t lengths[ROWS] = {5, 4, 4, 2, 1};
static const int64_t alive[STEPS] = {5, 4, 3, 3, 1};
static const int64_t begin[STEPS + 1] = {0, 5, 9, 12, 15, 16};
static const struct time_axis time_axis = {ROWS, STEPS, 16, lengths, alive, begin};

/* h of the central difference (L(v + h) - L(v - h)) / 2h: the usual value, then smaller ones that leave a kink near v
 * outside the interval. The truncation error grows as h^2, the rounding error as 1 / h: about 1e-16 |L| / h. */
static const double steps[] = {1e-5, 1e-6, 1e-7};
enum { SIZES = sizeof steps / sizeof steps[0] };
/* If the slopes on both sides differ by more than this at the smallest h, there is a kink: a smooth L with second
 * derivative L'' gives a difference of L'' * 1e-7. */
static const double KINK = 1e-3;

/* The sequence of the memory that each row sees: in an order of their own, with an element that belongs to none. */
enum { MEMORY = 13 };
static const int64_t memory_begin[ROWS] = {4, 0, 8, 9, 3};
static const int64_t memory_length[ROWS] = {3, 3, 1, 4, 1};
static const rondo_rows memory_rows = {
    .struct_size = sizeof(rondo_rows), .count = ROWS, .begin = memory_begin, .length = memory_length};

/* A cell or block of one dtype and the values that it runs on. The variables are x, the initial states, the memory if the cell reads
 * it, and the parameters, in this order. The results are the outputs, then the final states. */
struct check_subject {
    struct cell *cell;
    struct scan *scan;       /* of a cell */
    struct layer *block;     /* the layer of a block; NULL: it is a cell */
    rondo_tensor *variables; /* [n_variables] */
    rondo_tensor *weights;   /* [n_results] factors of the results in the loss L */
    int32_t n_variables, n_results, first_parameter;
};

/* Copies of the results of a run. */
struct check_answer {
    rondo_tensor *results, *gradients; /* [n_results], [n_variables] */
};

struct cell_check_work {
    const struct cell_check_settings *settings;
    struct registry *registry;
    struct cell_check_report *report;
    struct errors *errors;
    struct arena *arena;
};

/* ---- subjects ---- */

/* Fills a tensor with random numbers, rounded to f32 so that cells of both dtypes run on the same numbers. */
static rondo_status fill(const struct cell_check_work *check, rondo_tensor *tensor, const char *name, int32_t number,
                         double scale) {
    RONDO_TRY(tensor_alloc(tensor, check->arena, check->errors));
    const struct rng_stream stream = rng_substream(rng_stream(7, name), (uint64_t)number);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, (double)(float)(scale * rng_normal(stream, (uint64_t)i)));
    }
    return RONDO_OK;
}

static rondo_status fill_subject(const struct cell_check_work *check, struct check_subject *subject, int32_t dtype) {
    const struct cell *cell = subject->cell;
    subject->n_results = 1 + cell->n_states;
    subject->first_parameter = subject->n_results + cell->reads_memory;
    subject->n_variables = subject->first_parameter + cell->n_parameters;
    subject->variables = arena_calloc(check->arena, (size_t)subject->n_variables, sizeof *subject->variables);
    subject->weights = arena_calloc(check->arena, (size_t)subject->n_results, sizeof *subject->weights);
    if (arena_failed(check->arena)) {
        return errors_no_memory(check->errors);
    }
    subject->variables[0] = tensor_2d(dtype, time_axis.total, check->settings->input, NULL);
    subject->weights[0] = tensor_2d(dtype, time_axis.total, cell->output_width, NULL);
    RONDO_TRY(fill(check, &subject->variables[0], "x", 0, 1));
    RONDO_TRY(fill(check, &subject->weights[0], "weights", 0, 1));
    for (int32_t s = 0; s < cell->n_states; s++) {
        rondo_tensor *initial = &subject->variables[1 + s], *weights = &subject->weights[1 + s];
        *initial = cell->states[s]; /* [batch, …] */
        initial->shape[0] = ROWS;
        *weights = *initial;
        RONDO_TRY(fill(check, initial, "initial", s, 0.5));
        RONDO_TRY(fill(check, weights, "final", s, 1));
    }
    if (cell->reads_memory) {
        rondo_tensor *memory = &subject->variables[subject->n_results];
        *memory = program_node(cell->program, program_input_value(cell->program, 1 + cell->n_states))
                      ->value; /* [memory, width] */
        memory->shape[0] = MEMORY;
        RONDO_TRY(fill(check, memory, "memory", 0, 1));
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        rondo_tensor *parameter = &subject->variables[subject->first_parameter + p];
        *parameter = cell->parameters[p].shape;
        RONDO_TRY(fill(check, parameter, cell->parameters[p].name, p, 0.4));
    }
    return RONDO_OK;
}

static void close_subject(struct check_subject *subject) {
    scan_destroy(subject->scan);
    layer_destroy(subject->block);
    cell_destroy(subject->cell);
}

static rondo_status open_subject(const struct cell_check_work *check, struct check_subject *subject, int32_t dtype) {
    const struct cell_check_settings *settings = check->settings;
    struct cell_settings sizes = {.dtype = dtype,
                                  .input = settings->input,
                                  .hidden = settings->hidden,
                                  .memory = settings->memory > 0 ? settings->memory : 2 * settings->hidden,
                                  .option_values = settings->option_values};
    const int is_block = definition_is_block(settings->definition);
    const enum block_over over =
        is_block ? block_over_of(settings->definition, &sizes, check->registry) : BLOCK_OVER_MEMORY;
    if (over == BLOCK_OVER_SELF) {
        sizes.memory = sizes.input;
        sizes.memory_is_input = 1;
    }
    *subject =
        (struct check_subject){.cell = cell_compile(settings->definition, &sizes, check->registry, check->errors)};
    if (subject->cell == NULL) {
        return check->errors->status;
    }
    if (is_block) {
        const struct block_layer_settings block = {.block = settings->definition,
                                                   .option_values = settings->option_values,
                                                   .hidden = sizes.hidden,
                                                   .memory = sizes.memory,
                                                   .over = over};
        subject->block = block_layer_create(&block, dtype, sizes.input, check->registry, check->errors);
    } else {
        subject->scan = fused_create(subject->cell, settings->passes, 0, check->errors);
    }
    const rondo_status status =
        subject->scan == NULL && subject->block == NULL ? check->errors->status : fill_subject(check, subject, dtype);
    if (status != RONDO_OK) {
        close_subject(subject);
    }
    return status;
}

/* The name of a variable: "x", "the initial state h", "U_f". */
static const char *variable_name(const struct cell_check_work *check, const struct check_subject *subject, int32_t v) {
    if (v == 0) {
        return "x";
    }
    if (v < subject->n_results) {
        return arena_printf(check->arena, "the initial state %s", check->settings->definition->states[v - 1].name);
    }
    return v < subject->first_parameter ? "memory" : subject->cell->parameters[v - subject->first_parameter].name;
}

static const char *result_name(const struct cell_check_work *check, int32_t r) {
    return r == 0 ? "the outputs"
                  : arena_printf(check->arena, "the final state %s", check->settings->definition->states[r - 1].name);
}

/* ---- runs ---- */

static rondo_value record_block(const struct check_subject *subject, struct tape *tape, const rondo_value *variables) {
    const struct layer_memory memory = {subject->cell->reads_memory ? variables[subject->n_results] : (rondo_value){-1},
                                        &memory_rows};
    const struct layer_call call = {.time = &time_axis,
                                    .input_every_step = 1,
                                    .inputs = variables,
                                    .parameters = variables + subject->first_parameter,
                                    .memory = &memory,
                                    .scope = "block",
                                    .stream = (struct rng_stream){9}};
    return layer_record(subject->block, tape, &call);
}

/* Records the recurrence or the block and writes its results to results[n_results]. */
static rondo_status record(const struct check_subject *subject, struct tape *tape, enum engine engine,
                           const rondo_value *variables, rondo_value *results) {
    tape_set_training(tape, 1);
    if (subject->block != NULL) {
        results[0] = record_block(subject, tape, variables);
        return tape_status(tape);
    }
    tape_enter(tape, "cell", (struct rng_stream){9}); /* the same random words in every run */
    const int reads_memory = subject->cell->reads_memory;
    const struct recurrence recurrence = {subject->cell,
                                          &time_axis,
                                          1,
                                          variables[0],
                                          variables + subject->first_parameter,
                                          variables + 1,
                                          reads_memory ? variables[subject->n_results] : (rondo_value){-1},
                                          reads_memory ? &memory_rows : NULL};
    results[0] = engine == ENGINE_TAPE ? unroll(&recurrence, tape, results + 1)
                                       : fused(subject->scan, &recurrence, tape, results + 1);
    return tape_status(tape);
}

/* Values on the tape for all variables, followed by room for the results. */
static rondo_value *put_variables(const struct check_subject *subject, struct tape *tape, int wants_gradients) {
    const size_t count = (size_t)subject->n_variables + (size_t)subject->n_results;
    rondo_value *values = arena_calloc(tape_arena(tape), count, sizeof *values);
    for (int32_t v = 0; values != NULL && v < subject->n_variables; v++) {
        values[v] = wants_gradients ? tape_parameter(tape, "variable", &subject->variables[v], NULL)
                                    : tape_constant(tape, &subject->variables[v]);
    }
    return values;
}

/* Computes the loss L (model/cell_check.h) without gradients. */
static rondo_status loss_of(const struct check_subject *subject, struct tape *tape, enum engine engine, double *loss) {
    tape_reset(tape);
    rondo_value *variables = put_variables(subject, tape, 0);
    if (variables == NULL) {
        return errors_no_memory(tape_errors(tape));
    }
    rondo_value *results = variables + subject->n_variables;
    RONDO_TRY(record(subject, tape, engine, variables, results));
    *loss = 0;
    for (int32_t r = 0; r < subject->n_results; r++) {
        const rondo_tensor *result = tape_tensor(tape, results[r]);
        for (int64_t i = 0; i < rondo_count(result); i++) {
            *loss += tensor_get(result, i) * tensor_get(&subject->weights[r], i);
        }
    }
    return RONDO_OK;
}

/* Records L on the tape: the sum over all results of sum(result * weights). */
static rondo_value record_loss(const struct check_subject *subject, struct tape *tape, const rondo_value *results) {
    rondo_value loss = {-1};
    for (int32_t r = 0; r < subject->n_results; r++) {
        const rondo_value weights = tape_constant(tape, &subject->weights[r]);
        const rondo_value term = apply_sum(tape, apply_multiply(tape, results[r], weights));
        loss = r == 0 ? term : apply_add(tape, loss, term);
    }
    return loss;
}

/* A copy that outlives the tape. Without a tensor, the gradient is zeros. */
static rondo_status copy_of(const struct cell_check_work *check, const rondo_tensor *tensor, const rondo_tensor *like,
                            rondo_tensor *copy) {
    *copy = *like;
    RONDO_TRY(tensor_alloc(copy, check->arena, check->errors));
    RONDO_CHECK(tensor == NULL || tensor_same_shape(tensor, like), check->errors,
                "an engine gives results and gradients of the right shapes");
    if (tensor != NULL) {
        memcpy(copy->data, tensor->data, tensor_bytes(like));
    }
    return RONDO_OK;
}

static rondo_status solve_on(const struct cell_check_work *check, const struct check_subject *subject,
                             struct tape *tape, enum engine engine, struct check_answer *answer) {
    answer->results = arena_calloc(check->arena, (size_t)subject->n_results, sizeof *answer->results);
    answer->gradients = arena_calloc(check->arena, (size_t)subject->n_variables, sizeof *answer->gradients);
    rondo_value *variables = put_variables(subject, tape, 1);
    if (variables == NULL || arena_failed(check->arena)) {
        return errors_no_memory(check->errors);
    }
    rondo_value *results = variables + subject->n_variables;
    RONDO_TRY(record(subject, tape, engine, variables, results));
    RONDO_TRY(tape_backward(tape, record_loss(subject, tape, results)));
    for (int32_t r = 0; r < subject->n_results; r++) {
        RONDO_TRY(copy_of(check, tape_tensor(tape, results[r]), &subject->weights[r], &answer->results[r]));
    }
    for (int32_t v = 0; v < subject->n_variables; v++) {
        RONDO_TRY(copy_of(check, tape_gradient(tape, variables[v]), &subject->variables[v], &answer->gradients[v]));
    }
    return RONDO_OK;
}

/* Computes results and gradients with one engine, on a new tape. */
static rondo_status solve(const struct cell_check_work *check, const struct check_subject *subject, enum engine engine,
                          int32_t threads, struct check_answer *answer) {
    const struct parallel parallel = {threads};
    const struct tape_settings settings = {check->registry, &parallel, check->errors};
    struct tape *tape = tape_create(&settings);
    if (tape == NULL) {
        return errors_no_memory(check->errors);
    }
    const rondo_status status = solve_on(check, subject, tape, engine, answer);
    tape_destroy(tape);
    return status;
}

/* ---- comparisons ---- */

static double difference(double a, double b) {
    const double error = fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
    return isfinite(error) ? error : INFINITY;
}

/* Counts one compared number, and keeps the largest error. */
static void note(struct cell_check_outcome *outcome, int is_wrong, double error, double found, double expected,
                 const char *what, const rondo_tensor *tensor, int64_t element) {
    outcome->compared++;
    outcome->wrong += is_wrong;
    if (!(error > outcome->error)) {
        return;
    }
    outcome->error = error;
    outcome->found = found;
    outcome->expected = expected;
    char index[64] = "";
    size_t used = sizeof index - 1; /* from the last dimension to the first */
    for (int32_t d = tensor->ndim - 1; d >= 0; d--) {
        char part[24];
        const int length = snprintf(part, sizeof part, "%lld%s", (long long)(element % tensor->shape[d]),
                                    d == tensor->ndim - 1 ? "" : ", ");
        element /= tensor->shape[d];
        if (length > 0 && (size_t)length <= used) {
            used -= (size_t)length;
            memcpy(index + used, part, (size_t)length);
        }
    }
    const char *at = index + used;
    snprintf(outcome->where, sizeof outcome->where, *at == '\0' ? "%s" : "%s[%s]", what, at);
}

static void compare(struct cell_check_outcome *outcome, const rondo_tensor *found, const rondo_tensor *expected,
                    const char *what) {
    for (int64_t i = 0; i < rondo_count(found); i++) {
        const double a = tensor_get(found, i), b = tensor_get(expected, i);
        const double error = difference(a, b);
        uint64_t bits_a, bits_b;
        memcpy(&bits_a, &a, sizeof bits_a);
        memcpy(&bits_b, &b, sizeof bits_b);
        const int same_bits = bits_a == bits_b && isfinite(a);
        const int is_right = outcome->tolerance > 0 ? error <= outcome->tolerance : same_bits;
        note(outcome, !is_right, error, a, b, what, found, i);
    }
}

static rondo_status compare_answers(const struct cell_check_work *check, const struct check_subject *subject,
                                    enum cell_check_kind kind, const struct check_answer *found,
                                    const struct check_answer *expected) {
    struct cell_check_outcome *outcome = &check->report->outcomes[kind];
    for (int32_t r = 0; r < subject->n_results; r++) {
        const char *name = result_name(check, r);
        if (name == NULL) {
            return errors_no_memory(check->errors);
        }
        compare(outcome, &found->results[r], &expected->results[r], name);
    }
    for (int32_t v = 0; v < subject->n_variables; v++) {
        const char *name = variable_name(check, subject, v);
        const char *what = arena_printf(check->arena, "the gradient of %s", name);
        if (what == NULL) {
            return errors_no_memory(check->errors);
        }
        compare(outcome, &found->gradients[v], &expected->gradients[v], what);
    }
    return RONDO_OK;
}

/* ---- central differences ---- */

/* One element of a variable, which is varied to compute L near its value. */
struct check_probe {
    const struct cell_check_work *check;
    const struct check_subject *subject;
    struct tape *tape;
    double *element;
    double middle; /* L at the unchanged value of the element */
};

static rondo_status loss_at(const struct check_probe *probe, double offset, double *loss) {
    const double before = *probe->element;
    *probe->element = before + offset;
    const rondo_status status = loss_of(probe->subject, probe->tape, probe->check->settings->engine, loss);
    *probe->element = before;
    return status;
}

/* Compares a gradient with central differences of decreasing h until one agrees. *closer: one with a smaller h did.
 * *skip: there is no derivative to compare with. */
static rondo_status check_element(const struct check_probe *probe, double gradient, double *expected, double *error,
                                  int *closer, int *skip) {
    const double tolerance = probe->check->report->outcomes[CELL_CHECK_GRADIENTS].tolerance;
    double above = 0, below = 0;
    *error = INFINITY;
    *closer = *skip = 0;
    for (int i = 0; i < SIZES && !(*error <= tolerance); i++) {
        const double h = steps[i];
        RONDO_TRY(loss_at(probe, h, &above));
        RONDO_TRY(loss_at(probe, -h, &below));
        const double slope = (above - below) / (2 * h), off = difference(gradient, slope);
        if (i == 0 || off < *error) {
            *error = off;
            *expected = slope;
        }
        *closer = i > 0 && off <= tolerance;
    }
    if (*error <= tolerance) {
        return RONDO_OK;
    }
    const double right = (above - probe->middle) / steps[SIZES - 1], left = (probe->middle - below) / steps[SIZES - 1];
    const double low = fmin(left, right), high = fmax(left, right);
    const double slack = tolerance * fmax(1, fabs(gradient));
    *skip = difference(left, right) > KINK && gradient >= low - slack && gradient <= high + slack && isfinite(low) &&
            isfinite(high);
    return RONDO_OK;
}

static rondo_status check_variable(struct check_probe *probe, int32_t v, const rondo_tensor *gradient) {
    const struct cell_check_work *check = probe->check;
    struct cell_check_report *report = check->report;
    struct cell_check_outcome *outcome = &report->outcomes[CELL_CHECK_GRADIENTS];
    const rondo_tensor *variable = &probe->subject->variables[v];
    const char *name = variable_name(check, probe->subject, v);
    if (name == NULL) {
        return errors_no_memory(check->errors);
    }
    for (int64_t i = 0; i < rondo_count(variable); i++) {
        double expected = 0, error;
        int closer, skip;
        const double found = tensor_get(gradient, i);
        probe->element = (double *)variable->data + i;
        RONDO_TRY(check_element(probe, found, &expected, &error, &closer, &skip));
        report->closer += closer;
        report->skipped += skip;
        if (!skip) {
            note(outcome, !(error <= outcome->tolerance), error, found, expected, name, variable, i);
        }
    }
    return RONDO_OK;
}

static rondo_status check_gradients(const struct cell_check_work *check, const struct check_subject *subject,
                                    const struct check_answer *answer) {
    const struct parallel parallel = {1};
    const struct tape_settings settings = {check->registry, &parallel, check->errors};
    struct check_probe probe = {.check = check, .subject = subject, .tape = tape_create(&settings)};
    if (probe.tape == NULL) {
        return errors_no_memory(check->errors);
    }
    rondo_status status = loss_of(subject, probe.tape, check->settings->engine, &probe.middle);
    for (int32_t v = 0; v < subject->n_variables && status == RONDO_OK; v++) {
        status = check_variable(&probe, v, &answer->gradients[v]);
    }
    tape_destroy(probe.tape);
    return status;
}

/* ---- all comparisons ---- */

static rondo_status check_f64(const struct cell_check_work *check, const struct check_subject *subject) {
    struct check_answer by_tape, by_scan, by_threads;
    const struct check_answer *answer = &by_tape;
    RONDO_TRY(solve(check, subject, ENGINE_TAPE, 1, &by_tape));
    if (subject->block == NULL) {
        RONDO_TRY(solve(check, subject, ENGINE_FUSED, 1, &by_scan));
        RONDO_TRY(compare_answers(check, subject, CELL_CHECK_ENGINES, &by_scan, &by_tape));
        answer = check->settings->engine == ENGINE_TAPE ? &by_tape : &by_scan;
    }
    RONDO_TRY(check_gradients(check, subject, answer));
    for (const int32_t *threads = check->settings->threads; *threads != 0; threads++) {
        RONDO_TRY(solve(check, subject, check->settings->engine, *threads, &by_threads));
        RONDO_TRY(compare_answers(check, subject, CELL_CHECK_THREADS, &by_threads, answer));
    }
    return RONDO_OK;
}

static rondo_status check_f32(const struct cell_check_work *check, const struct check_subject *subject) {
    struct check_answer by_tape, by_scan;
    RONDO_TRY(solve(check, subject, ENGINE_TAPE, 1, &by_tape));
    RONDO_TRY(solve(check, subject, ENGINE_FUSED, 1, &by_scan));
    return compare_answers(check, subject, CELL_CHECK_ENGINES_F32, &by_scan, &by_tape);
}

static rondo_status check_dtype(const struct cell_check_work *check, int32_t dtype) {
    struct check_subject subject;
    RONDO_TRY(open_subject(check, &subject, dtype));
    const rondo_status status = dtype == RONDO_F64 ? check_f64(check, &subject) : check_f32(check, &subject);
    check->report->size = 0;
    for (int32_t v = subject.first_parameter; v < subject.n_variables; v++) {
        check->report->size += rondo_count(&subject.variables[v]);
    }
    close_subject(&subject);
    return status;
}

rondo_status cell_check(const struct cell_check_settings *settings, struct registry *registry,
                        struct cell_check_report *report, struct errors *errors) {
    static const double tolerances[CELL_CHECK_KINDS] = {1e-6, 1e-10, 1e-4, 0};
    *report = (struct cell_check_report){0};
    for (int kind = 0; kind < CELL_CHECK_KINDS; kind++) {
        report->outcomes[kind].tolerance = tolerances[kind];
    }
    struct errors own = {0}; /* so that earlier errors of the caller do not decide the status */
    const struct cell_check_work check = {settings, registry, report, &own, arena_create()};
    rondo_status status = check_dtype(&check, RONDO_F64);
    if (status == RONDO_OK && !definition_is_block(settings->definition)) { /* f32 is a comparison of engines */
        status = check_dtype(&check, RONDO_F32);
    }
    arena_destroy(check.arena);
    errors_move(errors, &own);
    return status;
}

int cell_check_passed(const struct cell_check_report *report) {
    for (int kind = 0; kind < CELL_CHECK_KINDS; kind++) {
        if (report->outcomes[kind].wrong > 0) {
            return 0;
        }
    }
    return 1;
}

const char *cell_check_name(enum cell_check_kind kind) {
    static const char *const names[CELL_CHECK_KINDS] = {"gradients", "engines", "engines_f32", "threads"};
    return names[kind];
}
