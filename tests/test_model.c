/* tests/test_model.c: models of layers: several streams, first-step inputs, scored rows, pools, tied heads. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model_run.h"
#include "tests/suite.h"

static const int64_t lengths[] = {5, 4, 4, 1};
enum { COUNT = ROWS(lengths), TOTAL = 14, MOST_NAMES = 8 };

/* ---- what models read and how they end ---- */

static const struct cell_layer_settings one[1] = {{0}}, residual[2] = {{0}, {.residual = 1}},
                                        both[1] = {{.direction = DIRECTION_BOTH}},
                                        learnt[1] = {{.learn_initial_state = 1}};

#define SYMBOLS      STREAM_OF_SYMBOLS("input", 5, 4, 1)
#define PREVIOUS     STREAM_OF_SYMBOLS("previous", OUTPUTS + 1, 4, 1)
#define FIRST_SYMBOL STREAM_OF_SYMBOLS("input", 5, 4, 0)
#define NUMBERS      STREAM_OF_NUMBERS("known", 2, 1)
#define MAPPED                                                                                                         \
    { .name = "known", .size = 2, .embedding_size = 4, .init_std = 0.1, .unknown = -1, .share = -1, .every_step = 1 }
#define FIRST_MAPPED                                                                                                   \
    { .name = "input", .size = 3, .embedding_size = 4, .init_std = 0.1, .unknown = -1, .share = -1 }
#define SHARED                                                                                                         \
    {                                                                                                                  \
        .name = "previous", .symbols = 6, .embedding_size = 4, .init_std = 0.1, .unknown = -1, .every_step = 1         \
    } /* with 0 */

static const struct row {
    const char *what;
    struct architecture architecture;
    struct model_input inputs[MOST_INPUTS];
    int32_t n_inputs;
    const struct cell_layer_settings *layers;
    int32_t n_layers;
    enum pooling pooling;
    int tie;
    int32_t tied;
    const char *names[MOST_NAMES]; /* of the parameters without those of the cells */
} rows[] = {
    {"symbols", {1, 1}, {SYMBOLS}, 1, one, 1, 0, 0, 0, {"embedding.W", "head.W", "head.b"}},
    {"numbers", {1, 1}, {NUMBERS}, 1, one, 1, 0, 0, 0, {"head.W", "head.b"}},
    {"numbers, mapped",
     {1, 0},
     {MAPPED},
     1,
     one,
     1,
     POOL_LAST,
     0,
     0,
     {"embedding.known.W", "embedding.known.b", "head.W", "head.b"}},
    {"two streams of symbols",
     {1, 0},
     {SYMBOLS, PREVIOUS},
     2,
     residual,
     2,
     POOL_FIRST,
     0,
     0,
     {"embedding.input.W", "embedding.previous.W", "head.W", "head.b"}},
    {"two streams of symbols with one table",
     {1, 1},
     {SYMBOLS, SHARED},
     2,
     one,
     1,
     0,
     0,
     0,
     {"embedding.W", "head.W", "head.b"}},
    {"numbers beside numbers",
     {1, 0},
     {NUMBERS, STREAM_OF_NUMBERS("input", 3, 1)},
     2,
     both,
     1,
     POOL_LAST,
     0,
     0,
     {"head.W", "head.b"}},
    {"numbers before symbols",
     {1, 0},
     {NUMBERS, SYMBOLS},
     2,
     both,
     1,
     POOL_FIRST,
     0,
     0,
     {"embedding.W", "head.W", "head.b"}},
    {"symbols, symbols and numbers",
     {1, 0},
     {SYMBOLS, PREVIOUS, NUMBERS},
     3,
     both,
     1,
     POOL_MAX,
     0,
     0,
     {"embedding.input.W", "embedding.previous.W", "head.W", "head.b"}},
    {"a symbol at the first step", {0, 1}, {FIRST_SYMBOL}, 1, one, 1, 0, 0, 0, {"embedding.W", "head.W", "head.b"}},
    {"a symbol at the first step, one output",
     {0, 0},
     {FIRST_SYMBOL},
     1,
     residual,
     2,
     POOL_MEAN,
     0,
     0,
     {"embedding.W", "head.W", "head.b"}},
    {"two streams at the first step",
     {0, 1},
     {FIRST_SYMBOL, STREAM_OF_NUMBERS("known", 2, 0)},
     2,
     one,
     1,
     0,
     0,
     0,
     {"embedding.W", "head.W", "head.b"}},
    {"a symbol at the first step and one at every step",
     {0, 1},
     {FIRST_SYMBOL, PREVIOUS},
     2,
     residual,
     2,
     0,
     0,
     0,
     {"embedding.input.W", "embedding.previous.W", "head.W", "head.b"}},
    {"numbers at the first step, mapped, and a symbol at every step",
     {0, 1},
     {FIRST_MAPPED, PREVIOUS},
     2,
     learnt,
     1,
     0,
     0,
     0,
     {"embedding.input.W", "embedding.input.b", "embedding.W", "head.W", "head.b"}},
    {"numbers at the first step beside a symbol at every step",
     {0, 1},
     {STREAM_OF_NUMBERS("input", 3, 0), PREVIOUS},
     2,
     one,
     1,
     0,
     0,
     0,
     {"embedding.W", "head.W", "head.b"}},
    {"a tied head", {1, 1}, {PREVIOUS}, 1, learnt, 1, 0, 1, 0, {"embedding.W", "head.b"}},
    {"a head that is tied to the second stream",
     {1, 0},
     {NUMBERS, PREVIOUS, SYMBOLS},
     3,
     learnt,
     1,
     POOL_MEAN,
     1,
     1,
     {"embedding.previous.W", "embedding.input.W", "head.b"}},
    {"attention to the steps of a row",
     {1, 0},
     {SYMBOLS, PREVIOUS},
     2,
     both,
     1,
     POOL_ATTENTION,
     0,
     0,
     {"embedding.input.W", "embedding.previous.W", "pool.query", "head.W", "head.b"}},
    {"a head that is tied to a shared table", {1, 1}, {SYMBOLS, SHARED}, 2, one, 1, 0, 1, 1, {"embedding.W", "head.b"}},
};

static struct model_settings settings_of(const struct row *row) {
    return (struct model_settings){.architecture = row->architecture,
                                   .inputs = row->inputs,
                                   .n_inputs = row->n_inputs,
                                   .layers = row->layers,
                                   .n_layers = row->n_layers,
                                   .pooling = row->pooling,
                                   .tie = row->tie,
                                   .tied = row->tied};
}

static struct model_run run_of(const struct row *row, enum engine engine) {
    struct cell_layer_settings layers[3];
    struct model_settings settings = settings_of(row);
    for (int32_t i = 0; i < row->n_layers; i++) {
        layers[i] = row->layers[i];
        layers[i].engine = engine;
    }
    settings.layers = layers;
    return model_run_create(&settings, &cell_gru, lengths, COUNT);
}

START_TEST(gradients_are_central_differences_on_both_engines) {
    const struct row *row = &rows[_i];
    struct model_run fused = run_of(row, ENGINE_FUSED), stepwise = run_of(row, ENGINE_TAPE);
    model_run_pass(&fused);
    model_run_pass(&stepwise);
    support_near(&fused.outputs, &stepwise.outputs, 1e-13, row->what);
    for (int32_t p = 0; p < model_parameter_count(fused.model); p++) {
        support_near(&fused.gradients[p], &stepwise.gradients[p], 1e-12, row->what);
    }
    fused.stepwise = 1;
    model_run_check_gradients(&stepwise, 1e-8, row->what);
    model_run_pass(&fused);
    support_near(&fused.outputs, &stepwise.outputs, 0, row->what);
    ck_assert_int_eq(fused.outputs.shape[0], row->architecture.output_every_step ? TOTAL : COUNT);
    model_destroy(fused.model);
    model_destroy(stepwise.model);
}
END_TEST

START_TEST(parameters_have_the_names_of_their_streams) {
    const struct row *row = &rows[_i];
    const struct model_settings settings = settings_of(row);
    struct model *model = model_run_model(&settings, &cell_rnn);
    ck_assert_msg(model != NULL, "%s", support_error(&support));
    int32_t next = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const char *name = model_parameters(model)[p].name;
        ck_assert_int_eq(model_find(model, name), p);
        if (strncmp(name, "layers.", 7) != 0) {
            ck_assert_msg(row->names[next] != NULL && strcmp(name, row->names[next]) == 0, "%s: '%s', expected '%s'",
                          row->what, name, row->names[next] == NULL ? "no more" : row->names[next]);
            next++;
        }
    }
    ck_assert_msg(row->names[next] == NULL, "%s: there is no '%s'", row->what, row->names[next]);
    ck_assert_int_eq(model_find(model, "head"), -1);
    model_destroy(model);
}
END_TEST

/* ---- the embedding ---- */

/* Element k of what stream `i` adds at packed position `at`, row `row`, step t. */
static double added(const struct model_run *run, const struct model_input *input, int32_t i, const char *table,
                    int64_t at, int64_t row, int64_t t, int64_t k) {
    const int64_t from = input->every_step ? at : row;
    if (!input->every_step && t > 0) {
        return 0;
    }
    const rondo_tensor *weights =
        table == NULL ? NULL : &model_parameters(run->model)[model_find(run->model, table)].value;
    if (input->symbols > 0) {
        return tensor_get(weights, (int64_t)tensor_get(&run->inputs[i], from) * weights->shape[1] + k);
    }
    if (table == NULL) {
        return tensor_get(&run->inputs[i], from * input->size + k);
    }
    double sum = tensor_get(&model_parameters(run->model)[model_find(run->model, table) + 1].value, k);
    for (int64_t j = 0; j < input->size; j++) {
        sum += tensor_get(&run->inputs[i], from * input->size + j) * tensor_get(weights, j * weights->shape[1] + k);
    }
    return sum;
}

static const struct {
    struct model_input inputs[MOST_INPUTS];
    int32_t n_inputs;
    int64_t width;
    const char *tables[MOST_INPUTS]; /* NULL: numbers that enter as they are */
    int64_t columns[MOST_INPUTS];    /* of the output where the stream begins */
} embedding_rows[] = {
    {{SYMBOLS}, 1, 4, {"embedding.W"}, {0}},
    {{NUMBERS}, 1, 2, {NULL}, {0}},
    {{NUMBERS, SYMBOLS}, 2, 6, {NULL, "embedding.W"}, {4, 0}},
    {{NUMBERS, SYMBOLS, STREAM_OF_NUMBERS("input", 3, 0)}, 3, 9, {NULL, "embedding.W", NULL}, {4, 0, 6}},
    {{SYMBOLS, PREVIOUS, MAPPED}, 3, 4, {"embedding.input.W", "embedding.previous.W", "embedding.known.W"}, {0, 0, 0}},
    {{SYMBOLS, SHARED, NUMBERS}, 3, 6, {"embedding.W", "embedding.W", NULL}, {0, 0, 4}},
    {{FIRST_SYMBOL, PREVIOUS}, 2, 4, {"embedding.input.W", "embedding.previous.W"}, {0, 0}},
    {{FIRST_MAPPED, MAPPED}, 2, 4, {"embedding.input.W", "embedding.known.W"}, {0, 0}},
};

/* With a cell that hands its input on. */
static const struct test_cell cell_echo = {"echo", "h", "y", NULL, "h' = tanh(x @ W)\ny = x\n"};

START_TEST(vectors_are_added_and_numbers_are_put_beside_them) {
    const struct model_settings settings = {.architecture = {1, 1},
                                            .inputs = embedding_rows[_i].inputs,
                                            .n_inputs = embedding_rows[_i].n_inputs,
                                            .layers = one,
                                            .n_layers = 1};
    struct model_run run = model_run_create(&settings, &cell_echo, lengths, COUNT);
    const int64_t width = embedding_rows[_i].width;
    ck_assert_int_eq(embedding_layer_width(settings.inputs, settings.n_inputs), width);
    model_run_pass(&run);
    ck_assert_int_eq(run.hidden.shape[1], width);
    double expected[16];
    for (int64_t t = 0; t < run.time.steps; t++) {
        for (int64_t row = 0; row < run.time.alive[t]; row++) {
            const int64_t at = run.time.begin[t] + row;
            memset(expected, 0, sizeof expected);
            for (int32_t i = 0; i < settings.n_inputs; i++) {
                const struct model_input *input = &settings.inputs[i];
                const int64_t count = input->embedding_size > 0 ? input->embedding_size : input->size;
                for (int64_t k = 0; k < count; k++) {
                    expected[embedding_rows[_i].columns[i] + k] +=
                        added(&run, input, i, embedding_rows[_i].tables[i], at, row, t, k);
                }
            }
            for (int64_t k = 0; k < width; k++) {
                ck_assert_double_eq_tol(tensor_get(&run.hidden, at * width + k), expected[k], 1e-14);
            }
        }
    }
    model_destroy(run.model);
}
END_TEST

/* Rows of the table that got a gradient, as bits. */
static unsigned rows_with_gradient(const struct model_run *run, const char *name) {
    const rondo_tensor *gradient = &run->gradients[model_find(run->model, name)];
    unsigned found = 0;
    for (int64_t i = 0; i < rondo_count(gradient); i++) {
        found |= tensor_get(gradient, i) != 0 ? 1u << (i / gradient->shape[1]) : 0;
    }
    return found;
}

static unsigned ids_of(const rondo_tensor *ids) {
    unsigned found = 0;
    for (int64_t i = 0; i < rondo_count(ids); i++) {
        found |= 1u << (int)tensor_get(ids, i);
    }
    return found;
}

/* Each id has its own probability; the vector of the unknown word begins at zero. */
START_TEST(rare_words_are_replaced_by_the_unknown_word) {
    struct model_input inputs[] = {SYMBOLS};
    float drop[8] = {0};
    inputs[0].unknown = 2;
    inputs[0].drop = drop;
    ck_assert_int_le(inputs[0].symbols, ROWS(drop));
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = inputs, .n_inputs = 1, .layers = one, .n_layers = 1};
    for (int32_t rare = -1; rare < (int32_t)inputs[0].symbols; rare++) {
        memset(drop, 0, sizeof drop);
        if (rare >= 0) {
            drop[rare] = 1;
        }
        struct model_run run = model_run_create(&settings, &cell_gru, lengths, COUNT);
        const unsigned ids = ids_of(&run.inputs[0]), bit = rare < 0 ? 0 : 1u << rare;
        run.training = 1;
        model_run_pass(&run);
        ck_assert_uint_eq(rows_with_gradient(&run, "embedding.W"), (ids & ~bit) | ((ids & bit) != 0 ? 1u << 2 : 0));
        run.training = 0;
        model_run_pass(&run);
        ck_assert_uint_eq(rows_with_gradient(&run, "embedding.W"), ids);
        model_destroy(run.model);
    }
}
END_TEST

START_TEST(word_dropout_replaces_words_of_its_stream_in_training) {
    struct model_input inputs[] = {SYMBOLS, PREVIOUS};
    inputs[0].word_dropout = inputs[1].word_dropout = 1 - 1e-12;
    inputs[0].unknown = 2; /* and `previous` has no unknown word */
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = inputs, .n_inputs = 2, .layers = one, .n_layers = 1};
    struct model_run run = model_run_create(&settings, &cell_gru, lengths, COUNT);
    ck_assert_uint_ne(ids_of(&run.inputs[0]), 1u << 2);
    model_run_pass(&run);
    ck_assert_uint_eq(rows_with_gradient(&run, "embedding.input.W"), ids_of(&run.inputs[0]));
    run.training = 1;
    model_run_pass(&run);
    ck_assert_uint_eq(rows_with_gradient(&run, "embedding.input.W"), 1u << 2);
    ck_assert_uint_eq(rows_with_gradient(&run, "embedding.previous.W"), ids_of(&run.inputs[1]));
    model_destroy(run.model);
}
END_TEST

/* Both streams are the same ids, and their outputs are compared with those of the unknown word everywhere. */
START_TEST(words_of_streams_are_dropped_independently) {
    struct model_input inputs[] = {SYMBOLS, STREAM_OF_SYMBOLS("previous", 5, 4, 1)};
    inputs[0].word_dropout = inputs[1].word_dropout = 0.5;
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = inputs, .n_inputs = 2, .layers = one, .n_layers = 1};
    unsigned char is_dropped[2][TOTAL];
    for (int stream = 0; stream < 2; stream++) {
        inputs[stream].unknown = 4;
        inputs[1 - stream].unknown = -1;
        struct model_run run = model_run_create(&settings, &cell_echo, lengths, COUNT);
        const rondo_tensor ids = support_zeros(&support, RONDO_I32, "14");
        run.inputs[0] = run.inputs[1] = ids;
        model_run_pass(&run);
        const double kept = tensor_get(&run.hidden, 0);
        run.training = 1;
        model_run_pass(&run);
        for (int64_t i = 0; i < TOTAL; i++) {
            is_dropped[stream][i] = tensor_get(&run.hidden, 4 * i) != kept;
        }
        model_destroy(run.model);
    }
    ck_assert_int_ne(memcmp(is_dropped[0], is_dropped[1], TOTAL), 0);
}
END_TEST

/* Half of the numbers are 0, and two streams do not lose the same ones. */
START_TEST(streams_are_dropped_independently_in_training) {
    struct model_input inputs[] = {STREAM_OF_NUMBERS("input", 3, 1), STREAM_OF_NUMBERS("known", 3, 1)};
    inputs[0].dropout = inputs[1].dropout = 0.5;
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = inputs, .n_inputs = 2, .layers = one, .n_layers = 1};
    struct model_run run = model_run_create(&settings, &cell_echo, lengths, COUNT);
    for (int training = 0; training < 2; training++) {
        int zeros = 0, different = 0;
        run.training = training;
        model_run_pass(&run);
        for (int64_t i = 0; i < TOTAL; i++) {
            for (int k = 0; k < 3; k++) {
                const int first = tensor_get(&run.hidden, 6 * i + k) == 0,
                          second = tensor_get(&run.hidden, 6 * i + 3 + k) == 0;
                zeros += first + second;
                different += first != second;
            }
        }
        ck_assert_int_eq(training, zeros > 20 && zeros < 64);
        ck_assert_int_eq(training, different > 10);
    }
    model_destroy(run.model);
}
END_TEST

/* ---- scored rows ---- */

static const struct {
    struct architecture architecture;
    int32_t scored[TOTAL], n_scored;
} scored_rows[] = {
    {{1, 1}, {3, 0, 13, 7, 4}, 5}, {{1, 1}, {9}, 1},    {{1, 1}, {0}, 0},
    {{0, 1}, {1, 2, 12, 11}, 4},   {{1, 0}, {2, 0}, 2}, {{1, 1}, {13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, 14},
};

START_TEST(outputs_that_are_not_scored_are_as_if_they_had_no_weight_in_the_loss) {
    const struct row row = {.architecture = scored_rows[_i].architecture,
                            .inputs = {STREAM_OF_SYMBOLS("input", 5, 4, scored_rows[_i].architecture.input_every_step)},
                            .n_inputs = 1,
                            .layers = residual,
                            .n_layers = 2};
    const int32_t n_scored = scored_rows[_i].n_scored;
    struct model_run all = run_of(&row, ENGINE_FUSED), some = run_of(&row, ENGINE_FUSED);
    const int64_t n = row.architecture.output_every_step ? TOTAL : COUNT;
    const rondo_tensor scored = tensor_1d(RONDO_I32, n_scored, (void *)scored_rows[_i].scored);
    some.scored = &scored;
    some.weights = matrix(n_scored, OUTPUTS, "weights");
    all.weights = matrix(n, OUTPUTS, NULL);
    for (int32_t i = 0; i < n_scored; i++) {
        memcpy((double *)all.weights.data + scored_rows[_i].scored[i] * OUTPUTS,
               (double *)some.weights.data + i * OUTPUTS, sizeof(double) * OUTPUTS);
    }
    model_run_pass(&all);
    model_run_pass(&some);
    ck_assert_int_eq(some.outputs.shape[0], n_scored);
    ck_assert_int_eq(all.outputs.shape[0], n);
    for (int32_t i = 0; i < n_scored * OUTPUTS; i++) {
        ck_assert_double_eq_tol(
            tensor_get(&some.outputs, i),
            tensor_get(&all.outputs, (int64_t)scored_rows[_i].scored[i / OUTPUTS] * OUTPUTS + i % OUTPUTS), 1e-14);
    }
    for (int32_t p = 0; p < model_parameter_count(all.model); p++) {
        support_near(&some.gradients[p], &all.gradients[p], 1e-13, model_parameters(all.model)[p].name);
    }
    model_destroy(all.model);
    model_destroy(some.model);
}
END_TEST

/* ---- the head ---- */

/* What a loss that computes the outputs itself gets is what the head would have used. */
START_TEST(before_the_output_a_loss_gets_hidden_values_weight_and_bias) {
    const struct row *row = &rows[_i];
    struct model_run run = run_of(row, ENGINE_FUSED);
    rondo_value parameters[MOST_PARAMETERS];
    model_run_pass(&run);
    tape_reset(tape);
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        parameters[p] = tape_parameter(tape, "p", &model_parameters(run.model)[p].value, NULL);
    }
    const struct model_call call = {
        .time = &run.time, .inputs = run.inputs, .parameters = parameters, .before_output = 1};
    struct model_result result;
    support_ok(&support, model_record(run.model, tape, &call, &result), "a pass");
    ck_assert_int_lt(result.outputs.id, 0);
    const rondo_value product[2] = {result.hidden, result.weight};
    const rondo_value sum[2] = {tape_apply_named(tape, "matmul", NULL, product, 2), result.bias};
    const rondo_value outputs = tape_apply_named(tape, "add", NULL, sum, 2);
    support_ok(&support, tape_status(tape), row->what);
    support_near(tape_tensor(tape, outputs), &run.outputs, 1e-14, row->what);
    ck_assert_int_eq(tape_tensor(tape, result.weight)->shape[1], OUTPUTS);
    support_ok(&support, tape_backward(tape, weighted(outputs, "outputs")), row->what);
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        const rondo_tensor gradient = copy_of_gradient(tape_gradient(tape, parameters[p]), &run.gradients[p]);
        support_near(&gradient, &run.gradients[p], 1e-13, row->what);
    }
    model_destroy(run.model);
}
END_TEST

START_TEST(the_weight_of_a_tied_head_is_the_first_rows_of_the_table) {
    const struct model_input inputs[] = {SYMBOLS, PREVIOUS};
    const struct model_settings settings = {
        .architecture = {1, 1}, .inputs = inputs, .n_inputs = 2, .layers = one, .n_layers = 1, .tie = 1, .tied = 1};
    struct model_run run = model_run_create(&settings, &cell_gru, lengths, COUNT);
    const rondo_tensor *table = &model_parameters(run.model)[model_find(run.model, "embedding.previous.W")].value;
    const rondo_tensor *bias = &model_parameters(run.model)[model_find(run.model, "head.b")].value;
    model_run_pass(&run);
    ck_assert_int_eq(table->shape[0], OUTPUTS + 1);
    for (int64_t i = 0; i < TOTAL; i++) {
        for (int64_t k = 0; k < OUTPUTS; k++) {
            double sum = tensor_get(bias, k);
            for (int64_t j = 0; j < HIDDEN; j++) {
                sum += tensor_get(&run.hidden, i * HIDDEN + j) * tensor_get(table, k * HIDDEN + j);
            }
            ck_assert_double_eq_tol(tensor_get(&run.outputs, i * OUTPUTS + k), sum, 1e-14);
        }
    }
    model_destroy(run.model);
}
END_TEST

/* ---- refused ---- */

static const struct {
    struct model_input inputs[MOST_INPUTS];
    int32_t n_inputs, tie, tied;
    int64_t output_size;
    const char *expected;
} refused_rows[] = {
    {{{0}}, 0, 0, 0, 0, "the model reads nothing: expected an input, or its own output at the step before"},
    {{STREAM_OF_SYMBOLS("input", 5, 0, 1)}, 1, 0, 0, 0, "stream 'input' has no width: symbols need an embedding"},
    {{SYMBOLS, STREAM_OF_NUMBERS("known", 0, 1)}, 2, 0, 0, 0, "stream 'known' has no width: it has no numbers"},
    {{SYMBOLS, NUMBERS, STREAM_OF_SYMBOLS("previous", 5, 8, 1)},
     3,
     0,
     0,
     0,
     "the vectors of streams 'input' and 'previous' are added, and they are 4 and 8 wide; expected the same embedding "
     "size"},
    {{MAPPED, STREAM_OF_SYMBOLS("previous", 5, 3, 1)},
     2,
     0,
     0,
     0,
     "the vectors of streams 'known' and 'previous' are added, and they are 4 and 3 wide; expected the same embedding "
     "size"},
    {{NUMBERS}, 1, 1, 0, 0, "the head cannot be tied to stream 'known', which is numbers and has no table"},
    {{MAPPED}, 1, 1, 0, 0, "the head cannot be tied to stream 'known', which is numbers and has no table"},
    {{STREAM_OF_SYMBOLS("input", 5, 3, 1)},
     1,
     1,
     0,
     0,
     "a tied head needs a last layer as wide as the vectors of stream 'input': the layer is 4 wide, and the vectors "
     "are "
     "3; expected 'projection: 3' on the last layer, or an embedding of size 4"},
    {{STREAM_OF_SYMBOLS("input", 5, 8, 1)},
     1,
     1,
     0,
     0,
     "a tied head needs a last layer as wide as the vectors of stream 'input': the layer is 4 wide, and the vectors "
     "are "
     "8; expected an embedding of size 4"},
    {{NUMBERS, SYMBOLS},
     2,
     1,
     1,
     7,
     "the head cannot be tied to stream 'input': it has 5 symbols, and the loss needs 7 outputs"},
};

START_TEST(a_model_that_cannot_be_is_refused_with_the_streams_named) {
    struct model_input inputs[MOST_INPUTS];
    memcpy(inputs, refused_rows[_i].inputs, sizeof inputs);
    for (int i = 0; i < MOST_INPUTS; i++) {
        inputs[i].where = (struct location){"e.yaml", 7, 3};
    }
    const struct model_settings settings = {.architecture = {1, 1},
                                            .inputs = inputs,
                                            .n_inputs = refused_rows[_i].n_inputs,
                                            .layers = one,
                                            .n_layers = 1,
                                            .output_size = refused_rows[_i].output_size,
                                            .tie = refused_rows[_i].tie,
                                            .tied = refused_rows[_i].tied,
                                            .tied_where = {"e.yaml", 9, 5}};
    ck_assert_ptr_null(model_run_model(&settings, &cell_gru));
    ck_assert_int_eq(support.errors.count, 1);
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    const char *place = refused_rows[_i].n_inputs == 0 ? "" : refused_rows[_i].tie ? "e.yaml:9:5: " : "e.yaml:7:3: ";
    ck_assert_str_eq(support_error(&support), arena_printf(support.arena, "%s%s", place, refused_rows[_i].expected));
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    TCase *test_case = tcase_create(name);
    tcase_set_timeout(test_case, 240);
    tcase_add_checked_fixture(test_case, layer_run_open, layer_run_close);
    suite_add_tcase(suite, test_case);
    return test_case;
}

int main(void) {
    Suite *suite = suite_create("model");
    TCase *streams = new_case(suite, "streams");
    tcase_add_loop_test(streams, gradients_are_central_differences_on_both_engines, 0, ROWS(rows));
    tcase_add_loop_test(streams, parameters_have_the_names_of_their_streams, 0, ROWS(rows));
    tcase_add_loop_test(streams, vectors_are_added_and_numbers_are_put_beside_them, 0, ROWS(embedding_rows));
    tcase_add_test(streams, rare_words_are_replaced_by_the_unknown_word);
    tcase_add_test(streams, word_dropout_replaces_words_of_its_stream_in_training);
    tcase_add_test(streams, words_of_streams_are_dropped_independently);
    tcase_add_test(streams, streams_are_dropped_independently_in_training);
    tcase_add_loop_test(streams, a_model_that_cannot_be_is_refused_with_the_streams_named, 0, ROWS(refused_rows));

    TCase *outputs = new_case(suite, "outputs");
    tcase_add_loop_test(outputs, outputs_that_are_not_scored_are_as_if_they_had_no_weight_in_the_loss, 0,
                        ROWS(scored_rows));
    tcase_add_test(outputs, the_weight_of_a_tied_head_is_the_first_rows_of_the_table);
    tcase_add_loop_test(outputs, before_the_output_a_loss_gets_hidden_values_weight_and_bias, 0, ROWS(rows));

    return run_suite(suite);
}
