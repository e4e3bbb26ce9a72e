/* tests/test_goldens.c: layers against PyTorch: outputs, final states and every gradient, of stacks of one and two
 * layers, in one direction and in both, with and without projection, over rows of different lengths; in f64 and f32, by
 * either engine. golden/make_layers.py writes the numbers and describes them. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/session.h"
#include "model/cell_layer.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { MOST_CASES = 100, MOST_LAYERS = 2, MOST_ROWS = 3, MOST_VALUES = 128, MOST_STATES = 8 };

/* ---- the file ---- */

static char *file_text; /* read before the tests are listed; NULL: it cannot be read */
static const char *case_texts[MOST_CASES];
static int n_cases;

static void find_cases(void) {
    enum { MOST = 1 << 20 };
    char file[512];
    snprintf(file, sizeof file, "%s/golden/layers.txt", getenv("RONDO_TEST_SOURCE"));
    FILE *stream = fopen(file, "r");
    file_text = stream == NULL ? NULL : calloc(1, MOST);
    if (file_text == NULL || fread(file_text, 1, MOST, stream) >= MOST) {
        return;
    }
    fclose(stream);
    for (const char *at = file_text; (at = strstr(at, "\ncase ")) != NULL && n_cases < MOST_CASES;) {
        case_texts[n_cases++] = ++at;
    }
}

/* The text after `word` in the line of the case that begins with it; NULL: there is none. The search begins at
 * `line`. */
static const char *find_line(const char *line, const char *word) {
    const size_t length = strlen(word);
    while ((line = strchr(line, '\n')) != NULL && strncmp(++line, "case ", 5) != 0) {
        if (strncmp(line, word, length) == 0 && line[length] == ' ') {
            return line + length;
        }
    }
    return NULL;
}

static int count_lines(const char *text, const char *word) {
    int count = 0;
    for (const char *line = text; (line = find_line(line, word)) != NULL;) {
        count++;
    }
    return count;
}

/* ---- a stack of layers ---- */

struct golden {
    char cell[64];
    int layers, directions, projection, input, hidden, rows;
    int64_t lengths[MOST_ROWS];
    const char *text;
};

static struct golden read_case(const char *text) {
    struct golden golden = {.text = text};
    int lengths[MOST_ROWS];
    const int found = sscanf(text, "case %63s %d %d %d %d %d %d %d %d", golden.cell, &golden.layers, &golden.directions,
                             &golden.projection, &golden.input, &golden.hidden, &lengths[0], &lengths[1], &lengths[2]);
    ck_assert_msg(found == 6 + MOST_ROWS, "a case begins '%.60s'", text);
    ck_assert(golden.layers >= 1 && golden.layers <= MOST_LAYERS);
    for (golden.rows = 0; golden.rows < MOST_ROWS; golden.rows++) {
        golden.lengths[golden.rows] = lengths[golden.rows];
    }
    return golden;
}

static struct tape *tape;

static void setup(void) {
    session_setup();
    tape = support_tape(&support, NULL);
}

static void teardown(void) {
    tape_destroy(tape);
    session_teardown();
}

/* A value of the tape, and the lines of the file that it and its gradient must equal. */
struct expectation {
    rondo_value value;
    const char *word, *gradient_word; /* either may be NULL */
};

struct run {
    const struct golden *golden;
    int32_t dtype;
    double tolerance;
    rondo_value loss[2 + MOST_LAYERS * MOST_STATES];
    struct expectation expected[MOST_VALUES];
    int n_losses, n_expected, n_parameters, n_finals;
};

static void read_numbers(const struct run *run, const char *word, const rondo_tensor *tensor) {
    const char *line = find_line(run->golden->text, word);
    ck_assert_msg(line != NULL, "there is no line '%s' in the case of %s", word, run->golden->cell);
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        char *end;
        tensor_set(tensor, i, strtod(line, &end));
        ck_assert_msg(end != line, "line '%s' has %d numbers", word, (int)i);
        line = end;
    }
    ck_assert_msg(*line == '\n', "line '%s' has more numbers than %s", word, tensor_shape_text(tensor).text);
}

static rondo_tensor numbers_like(const struct run *run, rondo_tensor shape, const char *word) {
    shape.dtype = run->dtype;
    support_ok(&support, tensor_alloc(&shape, support.arena, &support.errors), "memory");
    read_numbers(run, word, &shape);
    return shape;
}

static void expect(struct run *run, rondo_value value, const char *word, const char *gradient_word) {
    ck_assert_int_lt(run->n_expected, MOST_VALUES);
    run->expected[run->n_expected++] = (struct expectation){value, word, gradient_word};
}

/* Adds sum(value * weights) to the loss. */
static void add_loss(struct run *run, rondo_value value, const char *weights_word) {
    support_ok(&support, tape_status(tape), run->golden->cell);
    const rondo_tensor weights = numbers_like(run, *tape_tensor(tape, value), weights_word);
    const rondo_value weighted =
        tape_apply_named(tape, "mul", NULL, (rondo_value[]){value, tape_constant(tape, &weights)}, 2);
    run->loss[run->n_losses++] = tape_apply_named(tape, "sum", NULL, &weighted, 1);
}

static struct layer *make_layer(const struct run *run, int64_t input, enum engine engine,
                                const struct cell_definition **definition) {
    const struct golden *golden = run->golden;
    *definition = session_definition(golden->cell);
    const struct cell_layer_settings settings = {.cell = *definition,
                                                 .hidden = golden->hidden,
                                                 .engine = engine,
                                                 .direction =
                                                     golden->directions == 2 ? DIRECTION_BOTH : DIRECTION_FORWARD,
                                                 .projection = golden->projection};
    struct layer *layer = cell_layer_create(&settings, run->dtype, input, session->registry, &support.errors);
    ck_assert_msg(layer != NULL, "%s", support_error(&support));
    return layer;
}

/* The parameters, with the values of the file. */
static rondo_value *make_parameters(struct run *run, const struct layer *layer, int index) {
    const int32_t count = layer_shape(layer)->n_parameters;
    rondo_value *values = arena_calloc(support.arena, (size_t)count, sizeof *values);
    for (int32_t p = 0; p < count; p++) {
        const struct layer_parameter *parameter = &layer_shape(layer)->parameters[p];
        const char *word = arena_printf(support.arena, "parameter %d %s", index, parameter->name);
        const rondo_tensor value = numbers_like(run, parameter->shape, word);
        values[p] = tape_parameter(tape, parameter->name, &value, NULL);
        expect(run, values[p], NULL, arena_printf(support.arena, "gradient %d %s", index, parameter->name));
    }
    run->n_parameters += count;
    return values;
}

static void add_final_states(struct run *run, const struct layer *layer, const struct cell_definition *definition,
                             int index, const rondo_value *finals) {
    static const char *const prefixes[2][2] = {{"", ""}, {"forward.", "backward."}};
    for (int32_t s = 0; s < layer_shape(layer)->n_states; s++) {
        const char *prefix = prefixes[run->golden->directions - 1][s / definition->n_states];
        const char *name = definition->states[s % definition->n_states].name;
        expect(run, finals[s], arena_printf(support.arena, "final %d %s%s", index, prefix, name), NULL);
        add_loss(run, finals[s], arena_printf(support.arena, "final_weights %d %s%s", index, prefix, name));
    }
    run->n_finals += layer_shape(layer)->n_states;
}

/* Runs everything forward and backward. The layers must live until all results are compared. */
static void run_layers(struct run *run, enum engine engine, struct layer **layers) {
    const struct golden *golden = run->golden;
    const int has_finals = count_lines(golden->text, "final") > 0;
    const struct time_axis time = support_time(&support, golden->lengths, golden->rows);
    const rondo_tensor inputs = numbers_like(run, tensor_2d(run->dtype, time.total, golden->input, NULL), "x");
    rondo_value x = tape_parameter(tape, "x", &inputs, NULL);
    expect(run, x, NULL, "gradient x");
    for (int i = 0; i < golden->layers; i++) {
        const struct cell_definition *definition;
        layers[i] = make_layer(run, tape_tensor(tape, x)->shape[1], engine, &definition);
        ck_assert_int_le(layer_shape(layers[i])->n_states, MOST_STATES);
        rondo_value finals[MOST_STATES];
        const struct layer_call call = {.time = &time,
                                        .input_every_step = 1,
                                        .inputs = &x,
                                        .parameters = make_parameters(run, layers[i], i),
                                        .final = has_finals ? finals : NULL,
                                        .scope = arena_printf(support.arena, "layers.%d", i)};
        const rondo_value outputs = layer_record(layers[i], tape, &call);
        x = outputs;
        support_ok(&support, tape_status(tape), golden->cell);
        if (has_finals) {
            add_final_states(run, layers[i], definition, i, finals);
        }
    }
    expect(run, x, "outputs", NULL);
    add_loss(run, x, "weights");
    rondo_value loss = run->loss[0];
    for (int i = 1; i < run->n_losses; i++) {
        loss = tape_apply_named(tape, "add", NULL, (rondo_value[]){loss, run->loss[i]}, 2);
    }
    support_ok(&support, tape_status(tape), golden->cell);
    support_ok(&support, tape_backward(tape, loss), golden->cell);
}

static void compare(const struct run *run, const rondo_tensor *found, const char *word) {
    ck_assert_msg(found != NULL, "%s: no '%s'", run->golden->cell, word);
    const rondo_tensor expected = numbers_like(run, *found, word);
    support_near(found, &expected, run->tolerance, arena_printf(support.arena, "%s: %s", run->golden->cell, word));
}

static const struct {
    enum engine engine;
    int32_t dtype;
    double tolerance; /* of support_difference */
} how[] = {
    {ENGINE_TAPE, RONDO_F64, 1e-10},
    {ENGINE_TAPE, RONDO_F32, 1e-5},
    {ENGINE_FUSED, RONDO_F64, 1e-10},
    {ENGINE_FUSED, RONDO_F32, 1e-5},
};

START_TEST(outputs_final_states_and_gradients_are_those_of_pytorch) {
    const struct golden golden = read_case(case_texts[_i / ROWS(how)]);
    const int h = _i % ROWS(how);
    struct run run = {.golden = &golden, .dtype = how[h].dtype, .tolerance = how[h].tolerance};
    struct layer *layers[MOST_LAYERS] = {NULL};
    run_layers(&run, how[h].engine, layers);
    for (int i = 0; i < run.n_expected; i++) {
        const struct expectation *expected = &run.expected[i];
        if (expected->word != NULL) {
            compare(&run, tape_tensor(tape, expected->value), expected->word);
        }
        if (expected->gradient_word != NULL) {
            compare(&run, tape_gradient(tape, expected->value), expected->gradient_word);
        }
    }
    /* Every parameter of PyTorch is compared. */
    ck_assert_int_eq(run.n_parameters, count_lines(golden.text, "parameter"));
    ck_assert_int_eq(run.n_finals, count_lines(golden.text, "final"));
    for (int i = 0; i < golden.layers; i++) {
        layer_destroy(layers[i]);
    }
}
END_TEST

/* Cases that the file must contain. Otherwise a file that was cut short would test less without a failure. */
static const struct {
    const char *cell;
    int projection;
} blessed[] = {{"rnn_tanh", 0}, {"rnn_relu", 0}, {"lstm", 0}, {"lstm", 2}, {"gru_reset_after", 0}};

START_TEST(every_layer_of_pytorch_is_there_once_and_stacked_in_one_direction_and_in_both) {
    for (int layers = 1; layers <= 2; layers++) {
        for (int directions = 1; directions <= 2; directions++) {
            int found = 0;
            for (int i = 0; i < n_cases; i++) {
                const struct golden golden = read_case(case_texts[i]);
                found += strcmp(golden.cell, blessed[_i].cell) == 0 && golden.projection == blessed[_i].projection &&
                         golden.layers == layers && golden.directions == directions && golden.lengths[0] == 5 &&
                         count_lines(golden.text, "final") > 0;
            }
            ck_assert_msg(found == 1, "%s, %d layers, %d directions: %d cases", blessed[_i].cell, layers, directions,
                          found);
        }
    }
}
END_TEST

static Suite *goldens_suite(void) {
    Suite *suite = suite_create("goldens");
    TCase *goldens = tcase_create("goldens");
    tcase_set_timeout(goldens, 120);
    tcase_add_checked_fixture(goldens, setup, teardown);
    tcase_add_loop_test(goldens, every_layer_of_pytorch_is_there_once_and_stacked_in_one_direction_and_in_both, 0,
                        ROWS(blessed));
    tcase_add_loop_test(goldens, outputs_final_states_and_gradients_are_those_of_pytorch, 0, n_cases * ROWS(how));
    suite_add_tcase(suite, goldens);
    return suite;
}

int main(void) {
    find_cases();
    const int status = run_suite(goldens_suite());
    free(file_text);
    return status;
}
