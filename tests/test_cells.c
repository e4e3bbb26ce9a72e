/* tests/test_cells.c: every cell of RONDO_CELL_PATH over time: gradients, independence of batch mates, PyTorch's
 * numbers; and the values that parameters start from. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lang/cell_file.h"
#include "lang/initialiser.h"
#include "model/unroll.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

START_TEST(cells_are_found_where_the_environment_says) {
    ck_assert_msg(getenv("RONDO_CELL_PATH") != NULL, "RONDO_CELL_PATH is not set");
    ck_assert_msg(n_cell_files > 0, "there is no cell in '%s'", getenv("RONDO_CELL_PATH"));
}
END_TEST

static struct tape *tape;

static void setup(void) {
    session_setup();
    tape = support_tape(&support, NULL);
}

static void teardown(void) {
    tape_destroy(tape);
    session_teardown();
}

/* ---- a cell over a batch of sequences ---- */

enum { INPUT = 3, HIDDEN = 4, MEMORY = 5, MOST_PARAMETERS = 64 };

/* A cell with its inputs, and the gradients of sum(outputs * weights). */
struct run {
    struct cell *cell;
    struct time_axis time;
    int input_every_step;
    rondo_tensor inputs, weights; /* [n, INPUT], [total, width] */
    struct support_memory memory; /* if the cell reads it */
    rondo_tensor parameters[MOST_PARAMETERS];
    rondo_tensor grad_inputs, grad_memory, grad_parameters[MOST_PARAMETERS];
    rondo_tensor outputs; /* a copy */
};

static struct cell *compile(const char *cell_file, int32_t dtype) {
    struct cell *cell = session_compile_file(cell_file, dtype, INPUT, HIDDEN);
    ck_assert_int_le(cell->n_parameters, MOST_PARAMETERS);
    return cell;
}

/* A cell by name; option_values NULL: its defaults. */
static struct cell *compile_with(const char *name, const double *option_values) {
    return session_compile(
        session_definition(name),
        (struct cell_settings){
            .dtype = RONDO_F64, .input = INPUT, .hidden = HIDDEN, .memory = MEMORY, .option_values = option_values});
}

static rondo_tensor zeros_like(const rondo_tensor *tensor) {
    rondo_tensor zeros = *tensor;
    support_ok(&support, tensor_alloc(&zeros, support.arena, &support.errors), "memory");
    return zeros;
}

static rondo_tensor matrix(int64_t rows, int64_t columns, const char *name) {
    char shape[64];
    snprintf(shape, sizeof shape, "%lld, %lld", (long long)rows, (long long)columns);
    return name == NULL ? support_zeros(&support, RONDO_F64, shape) : support_random(&support, RONDO_F64, shape, name);
}

/* Random inputs, weights and parameters. Parameters that start from zero would hide mistakes. */
static struct run make_run(struct cell *cell, const int64_t *lengths, int64_t rows, int input_every_step) {
    struct run run = {
        .cell = cell, .time = support_time(&support, lengths, rows), .input_every_step = input_every_step};
    run.inputs = matrix(input_every_step ? run.time.total : rows, INPUT, "x");
    run.weights = matrix(run.time.total, cell->output_width, "weights");
    if (cell->reads_memory) {
        run.memory = support_memory(&support, cell->states[0].dtype, MEMORY, rows);
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        run.parameters[p] = zeros_like(&cell->parameters[p].shape);
        const struct rng_stream stream = rng_stream(1, cell->parameters[p].name);
        for (int64_t i = 0; i < rondo_count(&run.parameters[p]); i++) {
            tensor_set(&run.parameters[p], i, 0.5 * rng_normal(stream, (uint64_t)i));
        }
    }
    return run;
}

static rondo_value memory_of(const struct run *run) {
    return run->cell->reads_memory ? tape_parameter(tape, "memory", &run->memory.values, NULL) : (rondo_value){-1};
}

static rondo_value record(const struct run *run, rondo_value *parameters, rondo_value *inputs, rondo_value *memory) {
    tape_reset(tape);
    for (int32_t p = 0; p < run->cell->n_parameters; p++) {
        parameters[p] = tape_parameter(tape, run->cell->parameters[p].name, &run->parameters[p], NULL);
    }
    *inputs = tape_parameter(tape, "x", &run->inputs, NULL);
    *memory = memory_of(run);
    const struct recurrence recurrence = {run->cell, &run->time, run->input_every_step, *inputs, parameters,
                                          NULL,      *memory,    &run->memory.rows};
    const rondo_value outputs = unroll(&recurrence, tape, NULL);
    support_ok(&support, tape_status(tape), run->cell->name);
    return outputs;
}

static double loss(void *arg) {
    const struct run *run = arg;
    rondo_value parameters[MOST_PARAMETERS], inputs, memory;
    const rondo_tensor *outputs = tape_tensor(tape, record(run, parameters, &inputs, &memory));
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(outputs); i++) {
        sum += tensor_get(outputs, i) * tensor_get(&run->weights, i);
    }
    return sum;
}

static rondo_tensor copy_of(const rondo_tensor *tensor) {
    const rondo_tensor copy = zeros_like(tensor);
    memcpy(copy.data, tensor->data, tensor_bytes(tensor));
    return copy;
}

static rondo_tensor copy_of_gradient(const rondo_tensor *gradient, const rondo_tensor *like) {
    return gradient == NULL ? zeros_like(like) : copy_of(gradient);
}

/* Outputs and gradients. */
static void forward_and_backward(struct run *run) {
    rondo_value parameters[MOST_PARAMETERS], inputs, memory;
    const rondo_value outputs = record(run, parameters, &inputs, &memory);
    const rondo_value weighted[2] = {outputs, tape_constant(tape, &run->weights)};
    support_ok(&support, tape_backward(tape, tape_apply_named(tape, "mul", NULL, weighted, 2)), run->cell->name);
    run->outputs = copy_of(tape_tensor(tape, outputs));
    run->grad_inputs = copy_of_gradient(tape_gradient(tape, inputs), &run->inputs);
    run->grad_memory = copy_of_gradient(tape_gradient(tape, memory), &run->memory.values);
    for (int32_t p = 0; p < run->cell->n_parameters; p++) {
        run->grad_parameters[p] = copy_of_gradient(tape_gradient(tape, parameters[p]), &run->parameters[p]);
    }
}

/* Every cell with input at every step, then with input only at the first step. */
static const char *looped_cell(int i, int *input_every_step) {
    *input_every_step = i < n_cell_files;
    return cell_files[i % n_cell_files];
}

START_TEST(every_gradient_of_every_cell_is_that_of_central_differences) {
    static const int64_t lengths[] = {5, 3, 1};
    int input_every_step;
    struct cell *cell = compile(looped_cell(_i, &input_every_step), RONDO_F64);
    struct run run = make_run(cell, lengths, ROWS(lengths), input_every_step);
    forward_and_backward(&run);
    char what[128];
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        snprintf(what, sizeof what, "%s: %s", cell->name, cell->parameters[p].name);
        support_central_differences(loss, &run, &run.parameters[p], &run.grad_parameters[p], 1e-6, what);
    }
    snprintf(what, sizeof what, "%s: x", cell->name);
    support_central_differences(loss, &run, &run.inputs, &run.grad_inputs, 1e-6, what);
    if (cell->reads_memory) {
        snprintf(what, sizeof what, "%s: memory", cell->name);
        support_central_differences(loss, &run, &run.memory.values, &run.grad_memory, 1e-6, what);
    }
    cell_destroy(cell);
}
END_TEST

/* Row `row` of a batch, on its own. */
static struct run alone(const struct run *batch, int64_t row) {
    struct run run = make_run(batch->cell, &batch->time.lengths[row], 1, batch->input_every_step);
    const int64_t width = batch->weights.shape[1];
    if (batch->cell->reads_memory) {
        run.memory = support_memory_rows(&batch->memory, row, row + 1);
    }
    for (int64_t t = 0; t < run.time.steps; t++) {
        const int64_t from = batch->time.begin[t] + row;
        memcpy((double *)run.weights.data + t * width, (double *)batch->weights.data + from * width,
               sizeof(double) * (size_t)width);
        if (t == 0 || run.input_every_step) {
            memcpy((double *)run.inputs.data + t * INPUT, (double *)batch->inputs.data + from * INPUT,
                   sizeof(double) * INPUT);
        }
    }
    return run;
}

/* The rows of `whole`, packed along time, that belong to row `row`, for comparison with a run of this row alone. */
static rondo_tensor rows_of(const rondo_tensor *whole, const struct time_axis *time, int64_t row, int64_t steps) {
    const int64_t width = whole->shape[1];
    const rondo_tensor part = matrix(steps, width, NULL);
    for (int64_t t = 0; t < steps; t++) {
        memcpy((double *)part.data + t * width, (double *)whole->data + (time->begin[t] + row) * width,
               sizeof(double) * (size_t)width);
    }
    return part;
}

/* Not asked to be the same bits: a BLAS may hand the product of one row to another kernel than that of several, and the
 * gradient of a weight sums over the rows in another order. */
START_TEST(batch_mates_and_padding_change_no_result) {
    static const int64_t lengths[] = {6, 4, 4, 1};
    int input_every_step;
    struct cell *cell = compile(looped_cell(_i, &input_every_step), RONDO_F64);
    struct run batch = make_run(cell, lengths, ROWS(lengths), input_every_step);
    rondo_tensor sums[MOST_PARAMETERS];
    forward_and_backward(&batch);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        sums[p] = zeros_like(&batch.parameters[p]);
    }
    for (int64_t row = 0; row < ROWS(lengths); row++) {
        struct run single = alone(&batch, row);
        forward_and_backward(&single);
        const rondo_tensor outputs = rows_of(&batch.outputs, &batch.time, row, lengths[row]);
        const rondo_tensor gradients =
            rows_of(&batch.grad_inputs, &batch.time, row, input_every_step ? lengths[row] : 1);
        support_near(&single.outputs, &outputs, 1e-12, cell->name);
        support_near(&single.grad_inputs, &gradients, 1e-12, cell->name);
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            for (int64_t i = 0; i < rondo_count(&sums[p]); i++) {
                tensor_set(&sums[p], i, tensor_get(&sums[p], i) + tensor_get(&single.grad_parameters[p], i));
            }
        }
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        support_near(&sums[p], &batch.grad_parameters[p], 1e-12, cell->parameters[p].name);
    }
    cell_destroy(cell);
}
END_TEST

START_TEST(later_steps_do_not_change_earlier_outputs) {
    static const int64_t longer[] = {6, 5, 2}, shorter[] = {3, 3, 2};
    int input_every_step;
    struct cell *cell = compile(looped_cell(_i, &input_every_step), RONDO_F64);
    struct run runs[2] = {make_run(cell, longer, 3, input_every_step), make_run(cell, shorter, 3, input_every_step)};
    for (int64_t t = 0; t < (input_every_step ? 3 : 1); t++) {
        memcpy((double *)runs[1].inputs.data + runs[1].time.begin[t] * INPUT,
               (double *)runs[0].inputs.data + runs[0].time.begin[t] * INPUT,
               sizeof(double) * INPUT * (size_t)runs[1].time.alive[t]);
    }
    forward_and_backward(&runs[0]);
    forward_and_backward(&runs[1]);
    for (int64_t row = 0; row < 3; row++) {
        const rondo_tensor of_longer = rows_of(&runs[0].outputs, &runs[0].time, row, shorter[row]);
        const rondo_tensor of_shorter = rows_of(&runs[1].outputs, &runs[1].time, row, shorter[row]);
        support_near(&of_shorter, &of_longer, 1e-12, cell->name);
    }
    cell_destroy(cell);
}
END_TEST

START_TEST(a_cell_in_f32_gives_the_outputs_of_f64_but_for_rounding) {
    static const int64_t lengths[] = {5, 3, 1};
    struct cell *wide_cell = compile(cell_files[_i], RONDO_F64), *narrow_cell = compile(cell_files[_i], RONDO_F32);
    struct run wide = make_run(wide_cell, lengths, 3, 1), narrow = make_run(narrow_cell, lengths, 3, 1);
    rondo_tensor *const from[] = {&wide.inputs, &wide.weights}, *const to[] = {&narrow.inputs, &narrow.weights};
    for (int k = 0; k < 2; k++) {
        to[k]->dtype = RONDO_F32;
        *to[k] = zeros_like(to[k]);
        for (int64_t i = 0; i < rondo_count(to[k]); i++) {
            tensor_set(to[k], i, tensor_get(from[k], i));
        }
    }
    forward_and_backward(&wide);
    forward_and_backward(&narrow);
    for (int64_t i = 0; i < rondo_count(&wide.outputs); i++) {
        const double a = tensor_get(&narrow.outputs, i), b = tensor_get(&wide.outputs, i);
        ck_assert_msg(support_difference(a, b) < 1e-5, "%s: output %d is %g, expected %g", wide_cell->name, (int)i, a,
                      b);
    }
    for (int32_t p = 0; p < wide_cell->n_parameters; p++) {
        for (int64_t i = 0; i < rondo_count(&wide.grad_parameters[p]); i++) {
            const double a = tensor_get(&narrow.grad_parameters[p], i), b = tensor_get(&wide.grad_parameters[p], i);
            ck_assert_msg(support_difference(a, b) < 1e-4, "%s: gradient of %s", wide_cell->name,
                          wide_cell->parameters[p].name);
        }
    }
    cell_destroy(wide_cell);
    cell_destroy(narrow_cell);
}
END_TEST

START_TEST(a_cell_is_named_as_its_file_and_says_where_it_comes_from) {
    const struct cell_definition *definition = cell_file_read(cell_files[_i], support.arena, &support.errors);
    ck_assert_msg(definition != NULL, "%s", support_error(&support));
    char expected[512];
    snprintf(expected, sizeof expected, "/%s.yaml", definition->name);
    const char *name = strrchr(cell_files[_i], '/');
    ck_assert_str_eq(name, expected);
    ck_assert_uint_gt(strlen(definition->source), 0);
    ck_assert_uint_gt(strlen(definition->summary), 0);
}
END_TEST

START_TEST(inputs_of_the_wrong_width_are_refused) {
    static const int64_t lengths[] = {3, 2};
    struct cell *cell = compile(cell_files[_i], RONDO_F64);
    const struct run run = make_run(cell, lengths, 2, 1);
    rondo_value parameters[MOST_PARAMETERS];
    const rondo_tensor inputs = matrix(run.time.total, INPUT + 1, "x");
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        parameters[p] = tape_constant(tape, &run.parameters[p]);
    }
    const struct recurrence recurrence = {
        cell, &run.time, 1, tape_constant(tape, &inputs), parameters, NULL, memory_of(&run), &run.memory.rows};
    const rondo_value outputs = unroll(&recurrence, tape, NULL);
    ck_assert_int_lt(outputs.id, 0);
    ck_assert_int_eq(tape_status(tape), RONDO_INVALID);
    ck_assert_int_eq(support.errors.count, 1);
    cell_destroy(cell);
}
END_TEST

/* ---- PyTorch ---- */

/* The text of a file in RONDO_TEST_SOURCE. */
static char *read_text(const char *name) {
    const char *folder = getenv("RONDO_TEST_SOURCE");
    ck_assert_msg(folder != NULL, "RONDO_TEST_SOURCE is not set");
    FILE *stream = fopen(arena_printf(support.arena, "%s/%s", folder, name), "r");
    ck_assert_msg(stream != NULL, "cannot open '%s/%s'", folder, name);
    enum { MOST = 1 << 20 };
    char *text = arena_calloc(support.arena, MOST, 1);
    const size_t length = fread(text, 1, MOST, stream);
    ck_assert_uint_lt(length, MOST);
    fclose(stream);
    return text;
}

/* The text after "word " in the line of the case that begins with it; NULL: there is no such line. */
static const char *find_line(const char *text, const char *word) {
    const size_t length = strlen(word);
    for (const char *line = text; line != NULL && (line == text || strncmp(line + 1, "case ", 5) != 0);
         line = strchr(line + 1, '\n')) {
        const char *begin = line == text ? line : line + 1;
        if (strncmp(begin, word, length) == 0 && begin[length] == ' ') {
            return begin + length;
        }
    }
    return NULL;
}

/* Fills the tensor with the numbers of a line, whose number must be equal. */
static void read_numbers(const char *text, const char *word, const rondo_tensor *tensor) {
    const char *line = find_line(text, word);
    ck_assert_msg(line != NULL, "there is no line '%s'", word);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        char *end;
        tensor_set(tensor, i, strtod(line, &end));
        ck_assert_msg(end != line, "line '%s' has %d numbers", word, (int)i);
        line = end;
    }
    ck_assert_msg(*line == '\n', "line '%s' has more numbers than %s", word, tensor_shape_text(tensor).text);
}

static const struct {
    const char *name, *file;
} golden_cells[] = {
    {"rnn_tanh", "golden/cells.txt"},
    {"lstm", "golden/cells.txt"},
    {"gru", "golden/cells.txt"},
    {"gru_bahdanau", "golden/memory_cells.txt"},
    {"lstm_luong", "golden/memory_cells.txt"},
    {"antisymmetric", "golden/modern_cells.txt"},
    {"cornn", "golden/modern_cells.txt"},
    {"lem", "golden/modern_cells.txt"},
    {"lipschitz_rnn", "golden/modern_cells.txt"},
    {"lmu", "golden/modern_cells.txt"},
    {"lru", "golden/modern_cells.txt"},
    {"mamba", "golden/modern_cells.txt"},
    {"min_gru", "golden/modern_cells.txt"},
    {"min_lstm", "golden/modern_cells.txt"},
    {"mlstm_matrix", "golden/modern_cells.txt"},
    {"qrnn", "golden/modern_cells.txt"},
    {"rg_lru", "golden/modern_cells.txt"},
    {"s4d", "golden/modern_cells.txt"},
    {"slstm", "golden/modern_cells.txt"},
    {"sru", "golden/modern_cells.txt"},
};

/* The memory of a golden case: the elements of each row, row after row. */
static struct support_memory read_memory(const char *text) {
    rondo_tensor numbers = tensor_1d(RONDO_F64, 4, NULL);
    numbers = zeros_like(&numbers);
    read_numbers(text, "memory_lengths", &numbers);
    int64_t *begin = arena_calloc(support.arena, 4, sizeof *begin),
            *length = arena_calloc(support.arena, 4, sizeof *length);
    int64_t elements = 0;
    for (int64_t row = 0; row < 4; row++) {
        begin[row] = elements;
        length[row] = (int64_t)tensor_get(&numbers, row);
        elements += length[row];
    }
    const struct support_memory memory = {
        matrix(elements, MEMORY, NULL),
        {.struct_size = sizeof(rondo_rows), .count = 4, .begin = begin, .length = length}};
    read_numbers(text, "memory", &memory.values);
    return memory;
}

START_TEST(outputs_and_gradients_are_those_of_pytorch) {
    const char *name = golden_cells[_i].name, *text = read_text(golden_cells[_i].file);
    text = strstr(text, arena_printf(support.arena, "case %s ", name));
    ck_assert_msg(text != NULL, "there is no case '%s'", name);
    long long input, hidden, n[4];
    ck_assert_int_eq(
        sscanf(text, "case %*s %lld %lld %lld %lld %lld %lld", &input, &hidden, &n[0], &n[1], &n[2], &n[3]), 6);
    ck_assert(input == INPUT && hidden == HIDDEN);
    const int64_t lengths[4] = {n[0], n[1], n[2], n[3]};
    struct cell *cell = compile_with(name, NULL);
    struct run run = make_run(cell, lengths, 4, 1);
    read_numbers(text, "x", &run.inputs);
    read_numbers(text, "weights", &run.weights);
    if (cell->reads_memory) {
        run.memory = read_memory(text);
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        read_numbers(text, arena_printf(support.arena, "parameter %s", cell->parameters[p].name), &run.parameters[p]);
    }
    forward_and_backward(&run);
    const rondo_tensor outputs = zeros_like(&run.outputs), gradient = zeros_like(&run.inputs);
    read_numbers(text, "outputs", &outputs);
    read_numbers(text, "gradient x", &gradient);
    support_near(&run.outputs, &outputs, 1e-10, name);
    support_near(&run.grad_inputs, &gradient, 1e-10, "gradient of x");
    if (cell->reads_memory) {
        const rondo_tensor of_memory = zeros_like(&run.grad_memory);
        read_numbers(text, "gradient memory", &of_memory);
        support_near(&run.grad_memory, &of_memory, 1e-10, "gradient of the memory");
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const rondo_tensor expected = zeros_like(&run.parameters[p]);
        const char *word = arena_printf(support.arena, "gradient %s", cell->parameters[p].name);
        read_numbers(text, word, &expected);
        support_near(&run.grad_parameters[p], &expected, 1e-10, word);
    }
    cell_destroy(cell);
}
END_TEST

/* Parameters have their initial values, not random ones; many steps, and large inputs. */
START_TEST(every_cell_starts_from_values_that_keep_outputs_and_gradients_finite) {
    static const int64_t lengths[] = {300, 20};
    for (int large = 0; large < 2; large++) {
        struct cell *cell = compile(cell_files[_i], RONDO_F64);
        struct run run = make_run(cell, lengths, ROWS(lengths), 1);
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            support_ok(&support,
                       initialiser_fill(&cell->parameters[p].initialiser, &run.parameters[p],
                                        rng_stream(2, cell->parameters[p].name), NULL, support.arena, &support.errors),
                       cell->parameters[p].name);
        }
        for (int64_t i = 0; i < rondo_count(&run.inputs) && large; i++) {
            tensor_set(&run.inputs, i, 10 * tensor_get(&run.inputs, i));
        }
        forward_and_backward(&run);
        double largest = 0;
        for (int64_t i = 0; i < rondo_count(&run.outputs); i++) {
            largest = fmax(largest, fabs(tensor_get(&run.outputs, i)));
            ck_assert_msg(isfinite(tensor_get(&run.outputs, i)), "%s: output %d", cell->name, (int)i);
        }
        for (int64_t i = 0; i < rondo_count(&run.grad_inputs); i++) {
            ck_assert_msg(isfinite(tensor_get(&run.grad_inputs, i)), "%s: gradient of input %d", cell->name, (int)i);
        }
        ck_assert_msg(largest > 1e-3 && largest < (large ? 1e6 : 1e2), "%s: largest output %g", cell->name, largest);
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            for (int64_t i = 0; i < rondo_count(&run.grad_parameters[p]); i++) {
                ck_assert_msg(isfinite(tensor_get(&run.grad_parameters[p], i)), "%s: gradient of %s", cell->name,
                              cell->parameters[p].name);
            }
        }
        cell_destroy(cell);
    }
}
END_TEST

START_TEST(the_lstm_starts_as_its_file_says) {
    static const struct {
        const char *name;
        enum initialiser_kind kind;
        double a;
    } rows[] = {{"W_i", INITIALISE_GLOROT, 0},
                {"U_o", INITIALISE_ORTHOGONAL, 0},
                {"b_f", INITIALISE_CONSTANT, 1},
                {"b_i", INITIALISE_CONSTANT, 0}};
    struct cell *cell = session_compile(session_definition("lstm"),
                                        (struct cell_settings){.dtype = RONDO_F32, .input = INPUT, .hidden = HIDDEN});
    int found = 0;
    for (int i = 0; i < ROWS(rows); i++) {
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            if (strcmp(cell->parameters[p].name, rows[i].name) == 0) {
                ck_assert_int_eq(cell->parameters[p].initialiser.kind, rows[i].kind);
                ck_assert_double_eq(cell->parameters[p].initialiser.a, rows[i].a);
                found++;
            }
        }
    }
    ck_assert_int_eq(found, ROWS(rows));
    cell_destroy(cell);
}
END_TEST

START_TEST(the_depth_of_a_highway_network_is_an_option) {
    for (int depth = 1; depth <= 4; depth++) {
        const double values[] = {depth};
        struct cell *cell = compile_with("rhn", values);
        ck_assert_int_eq(cell->n_parameters, 2 + 4 * depth); /* W_n, W_t; of each layer U_n, U_t, b_n, b_t */
        ck_assert_int_eq(cell->n_candidates, depth);
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            const int is_transform = strncmp(cell->parameters[p].name, "b_t_", 4) == 0;
            ck_assert_double_eq(cell->parameters[p].initialiser.a, is_transform ? -2 : 0);
        }
        cell_destroy(cell);
    }
}
END_TEST

START_TEST(both_layers_of_a_constrained_network_are_its_output) {
    const double values[] = {7, 0.5}; /* context, alpha */
    struct cell *cell = compile_with("scrn", values);
    ck_assert_int_eq(cell->output_width, HIDDEN + 7);
    ck_assert_str_eq(tensor_shape_text(&cell->states[1]).text, "[batch, 7]");
    cell_destroy(cell);
}
END_TEST

/* ---- initialisers ---- */

static struct initialiser parse(const char *text) {
    struct initialiser initialiser = {0};
    support_ok(&support, initialiser_parse(text, (struct location){0}, &initialiser, &support.errors), text);
    return initialiser;
}

static rondo_tensor filled(const char *initialiser, int32_t dtype, const char *shape, const char *stream) {
    const rondo_tensor tensor = support_zeros(&support, dtype, shape);
    const struct initialiser parsed = parse(initialiser);
    struct arena *scratch = arena_create();
    void *first = arena_alloc(scratch, 1);
    const struct arena_mark mark = arena_mark(scratch);
    support_ok(&support, initialiser_fill(&parsed, &tensor, rng_stream(1, stream), NULL, scratch, &support.errors),
               initialiser);
    const struct arena_mark after = arena_mark(scratch);
    ck_assert(after.block == mark.block && after.used == mark.used); /* memory has been released */
    ck_assert_ptr_nonnull(first);
    arena_destroy(scratch);
    return tensor;
}

/* b_i = -b_f, so that the shares that are kept and written add up to about 1. */
START_TEST(the_biases_of_the_chrono_lstm_are_opposites) {
    const double values[] = {50}; /* T */
    struct cell *cell = compile_with("lstm_chrono", values);
    rondo_tensor biases[2] = {0}; /* f, i */
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        const struct cell_parameter *parameter = &cell->parameters[p];
        const int k = strcmp(parameter->name, "b_f") == 0 ? 0 : strcmp(parameter->name, "b_i") == 0 ? 1 : -1;
        if (k >= 0) {
            biases[k] = zeros_like(&parameter->shape);
            support_ok(&support,
                       initialiser_fill(&parameter->initialiser, &biases[k], rng_stream(1, parameter->name), NULL,
                                        support.arena, &support.errors),
                       parameter->name);
        }
    }
    for (int64_t i = 0; i < HIDDEN; i++) {
        const double expected = log(1 + 49.0 * (double)i / (HIDDEN - 1)); /* memories of 1 to T steps */
        ck_assert_double_eq_tol(tensor_get(&biases[0], i), expected, 1e-12);
        ck_assert_double_eq(tensor_get(&biases[1], i), -tensor_get(&biases[0], i));
    }
    cell_destroy(cell);
}
END_TEST

static const struct {
    const char *shape;
    int64_t rows, columns;
} orthogonal_rows[] = {
    {"4, 4", 4, 4}, {"3, 7", 3, 7},     {"7, 3", 7, 3},     {"1, 5", 1, 5},    {"5, 1", 5, 1},
    {"1, 1", 1, 1}, {"40, 40", 40, 40}, {"20, 60", 20, 60}, {"2, 3, 4", 6, 4},
};

START_TEST(orthogonal_matrices_have_orthonormal_rows_or_columns) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        const rondo_tensor q = filled("orthogonal", dtype, orthogonal_rows[_i].shape, "q");
        const int64_t rows = orthogonal_rows[_i].rows, columns = orthogonal_rows[_i].columns;
        const int64_t vectors = rows < columns ? rows : columns, length = rows < columns ? columns : rows;
        double worst = 0;
        for (int64_t i = 0; i < vectors; i++) {
            for (int64_t k = 0; k <= i; k++) {
                double dot = 0;
                for (int64_t e = 0; e < length; e++) {
                    dot += rows < columns ? tensor_get(&q, i * columns + e) * tensor_get(&q, k * columns + e)
                                          : tensor_get(&q, e * columns + i) * tensor_get(&q, e * columns + k);
                }
                worst = fmax(worst, fabs(dot - (i == k)));
            }
        }
        ck_assert_msg(worst < (dtype == RONDO_F64 ? 1e-12 : 1e-6), "%s: %g", orthogonal_rows[_i].shape, worst);
    }
}
END_TEST

/* `lowest` and `highest` of a uniform distribution; both 0: it is normal. */
static const struct {
    const char *initialiser, *shape;
    double mean, deviation, lowest, highest;
} spread_rows[] = {
    {"glorot", "60, 90", 0, 0.2 / 1.7320508, -0.2, 0.2},    /* sqrt(6 / 150) = 0.2 */
    {"glorot", "6, 10, 90", 0, 0.2 / 1.7320508, -0.2, 0.2}, /* leading dimensions are rows */
    {"glorot", "5399", 0, 0.033333 / 1.7320508, -0.033334, 0.033334},
    {"glorot_normal", "60, 90", 0, 0.1154701, 0, 0}, /* sqrt(2 / 150) */
    {"he", "50, 100", 0, 0.2, 0, 0},                 /* sqrt(2 / 50) */
    {"normal(0.3)", "70, 70", 0, 0.3, 0, 0},
    {"uniform(-1, 3)", "5000", 1, 2 / 1.7320508, -1, 3},
    {"uniform( 2 , 2.5 )", "5000", 2.25, 0.25 / 1.7320508, 2, 2.5},
};

START_TEST(random_values_have_the_spread_that_the_equations_say) {
    const rondo_tensor tensor = filled(spread_rows[_i].initialiser, RONDO_F64, spread_rows[_i].shape, "values");
    const double n = (double)rondo_count(&tensor), deviation = spread_rows[_i].deviation;
    double sum = 0, squares = 0, lowest = INFINITY, highest = -INFINITY;
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        const double x = tensor_get(&tensor, i) - spread_rows[_i].mean;
        sum += x;
        squares += x * x;
        lowest = fmin(lowest, tensor_get(&tensor, i));
        highest = fmax(highest, tensor_get(&tensor, i));
    }
    ck_assert_msg(fabs(sum / n) < 4 * deviation / sqrt(n), "mean %g", sum / n);
    ck_assert_msg(fabs(sqrt(squares / n) - deviation) < 4 * deviation / sqrt(n), "deviation %g", sqrt(squares / n));
    if (spread_rows[_i].highest != 0) {
        const double width = spread_rows[_i].highest - spread_rows[_i].lowest;
        ck_assert(lowest >= spread_rows[_i].lowest && lowest < spread_rows[_i].lowest + 0.01 * width);
        ck_assert(highest <= spread_rows[_i].highest && highest > spread_rows[_i].highest - 0.01 * width);
    } else {
        ck_assert(highest > 3 * deviation && lowest < -3 * deviation); /* normal: 13 in 10,000 are beyond each */
    }
}
END_TEST

static const struct {
    const char *initialiser, *shape;
    double numbers[6];
} exact_rows[] = {
    {"zeros", "2, 3", {0, 0, 0, 0, 0, 0}},    {"ones", "3", {1, 1, 1}},
    {"0.25", "3", {0.25, 0.25, 0.25}},        {"-1e-3", "", {-1e-3}},
    {"identity", "2, 2", {1, 0, 0, 1}},       {"identity", "2, 3", {1, 0, 0, 0, 1, 0}},
    {"identity", "3, 2", {1, 0, 0, 1, 0, 0}}, {"zeros", "0, 3", {0}},
};

START_TEST(fixed_values_are_exact) {
    const rondo_tensor found = filled(exact_rows[_i].initialiser, RONDO_F64, exact_rows[_i].shape, "");
    const rondo_tensor expected = support_numbers(&support, RONDO_F64, exact_rows[_i].shape, exact_rows[_i].numbers);
    support_near(&found, &expected, 0, exact_rows[_i].initialiser);
}
END_TEST

static const char *const random_initialisers[] = {"glorot",     "glorot_normal",  "he",
                                                  "orthogonal", "uniform(-1, 1)", "normal(1)"};

START_TEST(the_same_stream_gives_the_same_values_and_another_gives_others) {
    const char *initialiser = random_initialisers[_i];
    const rondo_tensor first = filled(initialiser, RONDO_F64, "5, 6", "W"),
                       again = filled(initialiser, RONDO_F64, "5, 6", "W"),
                       other = filled(initialiser, RONDO_F64, "5, 6", "U"),
                       narrow = filled(initialiser, RONDO_F32, "5, 6", "W");
    support_near(&again, &first, 0, initialiser);
    int equal = 0;
    for (int64_t i = 0; i < 30; i++) {
        equal += tensor_get(&first, i) == tensor_get(&other, i);
        ck_assert_float_eq((float)tensor_get(&first, i), (float)tensor_get(&narrow, i));
    }
    ck_assert_int_eq(equal, 0);
}
END_TEST

static const struct {
    const char *text, *expected; /* NULL: the text is right */
} parse_rows[] = {
    {"glorot", NULL},
    {"normal(0.1)", NULL},
    {"normal (0.1)", NULL},
    {"uniform(-0.1, 0.1)", NULL},
    {"uniform(-0.1,0.1) ", NULL},
    {"1", NULL},
    {"-0.5e2", NULL},
    {"", "unknown initialiser ''"},
    {"orthogonl", "unknown initialiser 'orthogonl' (did you mean 'orthogonal'?)"},
    {"Glorot", "unknown initialiser 'Glorot' (did you mean 'glorot'?)"},
    {"xavier", "unknown initialiser 'xavier', expected a number, zeros, ones"},
    {"nan", "unknown initialiser 'nan'"},
    {"inf", "unknown initialiser 'inf'"},
    {"1e999", "unknown initialiser '1e999'"},
    {"1 2", "unknown initialiser '1 2'"},
    {"normal", "initialiser 'normal' takes one number >= 0: normal(std), got 'normal'"},
    {"normal()", "initialiser 'normal' takes one number"},
    {"normal(a b)", "initialiser 'normal' takes one number"},
    {"normal(1, 2)", "initialiser 'normal' takes one number"},
    {"normal(1", "initialiser 'normal' takes one number"},
    {"normal(1) 2", "initialiser 'normal' takes one number"},
    {"normal(inf)", "initialiser 'normal' takes one number"},
    {"uniform(1)",
     "initialiser 'uniform' takes two numbers, the lower one first: uniform(low, high), got 'uniform(1)'"},
    {"uniform(1; 2)", "initialiser 'uniform' takes two numbers"},
    {"uniform(2, 1)", "initialiser 'uniform' takes two numbers"},
    {"normal(-1)", "initialiser 'normal' takes one number"},
    {"glorot(1)", "initialiser 'glorot' takes no arguments, got 'glorot(1)'"},
};

START_TEST(texts_of_initialisers_are_read_or_refused) {
    struct initialiser initialiser;
    const struct location where = {"cell.yaml", 9, 7};
    const rondo_status status = initialiser_parse(parse_rows[_i].text, where, &initialiser, &support.errors);
    ck_assert_int_eq(status, parse_rows[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    if (parse_rows[_i].expected != NULL) {
        const char *found = support_error(&support);
        ck_assert_msg(strncmp(found, "cell.yaml:9:7: ", 15) == 0, "%s", found);
        ck_assert_msg(strncmp(found + 15, parse_rows[_i].expected, strlen(parse_rows[_i].expected)) == 0, "%s", found);
    }
}
END_TEST

START_TEST(matrices_alone_can_be_orthogonal) {
    const rondo_tensor shapes[] = {tensor_of(RONDO_F64, 0, NULL), tensor_1d(RONDO_F64, 4, NULL),
                                   tensor_2d(RONDO_F64, 4, 4, NULL)};
    for (int i = 0; i < ROWS(shapes); i++) {
        const struct initialiser orthogonal = parse("orthogonal"), identity = parse("identity"), one = parse("1");
        ck_assert_int_eq(initialiser_fits(&orthogonal, &shapes[i]), i == 2);
        ck_assert_int_eq(initialiser_fits(&identity, &shapes[i]), i == 2);
        ck_assert_int_eq(initialiser_fits(&one, &shapes[i]), 1);
    }
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 120, setup, teardown);
}

static Suite *cells_suite(void) {
    Suite *suite = suite_create("cells");
    TCase *cells = new_case(suite, "cells");
    tcase_add_test(cells, cells_are_found_where_the_environment_says);
    tcase_add_loop_test(cells, every_gradient_of_every_cell_is_that_of_central_differences, 0, 2 * n_cell_files);
    tcase_add_loop_test(cells, batch_mates_and_padding_change_no_result, 0, 2 * n_cell_files);
    tcase_add_loop_test(cells, later_steps_do_not_change_earlier_outputs, 0, 2 * n_cell_files);
    tcase_add_loop_test(cells, a_cell_in_f32_gives_the_outputs_of_f64_but_for_rounding, 0, n_cell_files);
    tcase_add_loop_test(cells, a_cell_is_named_as_its_file_and_says_where_it_comes_from, 0, n_cell_files);
    tcase_add_loop_test(cells, inputs_of_the_wrong_width_are_refused, 0, n_cell_files);
    tcase_add_loop_test(cells, outputs_and_gradients_are_those_of_pytorch, 0, ROWS(golden_cells));
    tcase_add_loop_test(cells, every_cell_starts_from_values_that_keep_outputs_and_gradients_finite, 0, n_cell_files);
    tcase_add_test(cells, the_lstm_starts_as_its_file_says);
    tcase_add_test(cells, the_depth_of_a_highway_network_is_an_option);
    tcase_add_test(cells, both_layers_of_a_constrained_network_are_its_output);
    tcase_add_test(cells, the_biases_of_the_chrono_lstm_are_opposites);

    TCase *initialisers = new_case(suite, "initialisers");
    tcase_add_loop_test(initialisers, orthogonal_matrices_have_orthonormal_rows_or_columns, 0, ROWS(orthogonal_rows));
    tcase_add_loop_test(initialisers, random_values_have_the_spread_that_the_equations_say, 0, ROWS(spread_rows));
    tcase_add_loop_test(initialisers, fixed_values_are_exact, 0, ROWS(exact_rows));
    tcase_add_loop_test(initialisers, the_same_stream_gives_the_same_values_and_another_gives_others, 0,
                        ROWS(random_initialisers));
    tcase_add_loop_test(initialisers, texts_of_initialisers_are_read_or_refused, 0, ROWS(parse_rows));
    tcase_add_test(initialisers, matrices_alone_can_be_orthogonal);
    return suite;
}

int main(void) {
    find_cell_files();
    return run_suite(cells_suite());
}
