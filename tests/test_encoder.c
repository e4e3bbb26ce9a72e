/* tests/test_encoder.c: models with an encoder: its memory, the bridge to the decoder's first states, and the two orders of rows. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "lang/cell_file.h"
#include "tests/model_run.h"
#include "tests/suite.h"

/* Rows of the decoder are sorted by their own lengths, so those of the sources come in any order. */
static const int64_t lengths[] = {5, 4, 4, 1}, source_lengths[] = {2, 6, 1, 3};
enum { COUNT = ROWS(lengths), SYMBOLS = 7, MOST_NAMES = 20 };

#define SOURCE   STREAM_OF_SYMBOLS("source", SYMBOLS, 5, 1)
#define NUMBERS  STREAM_OF_NUMBERS("source", 3, 1)
#define PREVIOUS STREAM_OF_SYMBOLS("previous", OUTPUTS + 1, 4, 1)
#define SHARED                                                                                                         \
    { .name = "source", .symbols = 4 * SYMBOLS, .embedding_size = 4, .init_std = 0.1, .unknown = -1, .share = 0 }
#define FIRST STREAM_OF_SYMBOLS("input", 5, 4, 0)

static const struct cell_layer_settings one[1] = {{0}}, two[2] = {{0}, {0}}, three[3] = {{0}, {.hidden = 5}, {0}},
                                        both[1] = {{.direction = DIRECTION_BOTH}},
                                        half[1] = {{.direction = DIRECTION_BOTH, .hidden = HIDDEN / 2}},
                                        half_then_one[2] = {{.direction = DIRECTION_BOTH, .hidden = HIDDEN / 2}, {0}},
                                        both_twice[2] = {{.direction = DIRECTION_BOTH}, {.direction = DIRECTION_BOTH}},
                                        backward[1] = {{.direction = DIRECTION_BACKWARD}},
                                        learned[1] = {{.learn_initial_state = 1}};

/* A cell with a state of two dimensions. */
static const struct test_cell cell_matrix = {"matrix", "h, C:2:3; K:input:6, Q:6:hidden", NULL, NULL,
                                             "g = sigmoid(x @ G + h @ V)\n"
                                             "C' = 0.5 * C + reshape(x @ K, shape=[-1, 2, 3])\n"
                                             "h' = tanh(x @ W + h @ U + reshape(C, shape=[-1, 6]) @ Q) * g\n"};

/* A cell that looks at the memory before each step. */
static const struct test_cell cell_attending = {"attending", "h", NULL, NULL,
                                                "c = additive_attention(h @ W_q, memory @ W_k, memory, v)\n"
                                                "h' = tanh(x @ W + c @ V + h @ U + b)\n"};

static const struct row {
    const char *what;
    struct model_input source, inputs[2];
    int32_t n_inputs;
    struct architecture architecture;
    const struct test_cell *cell;
    const struct cell_layer_settings *encoder;
    int32_t n_encoder;
    const struct cell_layer_settings *layers;
    int32_t n_layers;
    enum bridging bridge;
    enum pooling pooling;
    const char *names[MOST_NAMES];                               /* of the parameters that do not belong to a layer */
    const struct test_cell *decoder;                             /* of the layers; NULL: `cell` */
    const char *encoder_blocks[MOST_CELLS], *blocks[MOST_CELLS]; /* in place of cells */
    enum block_over over;
} rows[] = {
    {"last, a gru",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     one,
     1,
     one,
     1,
     BRIDGE_LAST,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "head.W", "head.b"}},
    {"last, two layers of lstms",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_lstm,
     two,
     2,
     two,
     2,
     BRIDGE_LAST,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "head.W", "head.b"}},
    {"last, both directions side by side",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_lstm,
     half,
     1,
     one,
     1,
     BRIDGE_LAST,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "head.W", "head.b"}},
    {"last, both directions on both sides",
     NUMBERS,
     {PREVIOUS},
     1,
     {1, 0},
     &cell_gru,
     both_twice,
     2,
     both,
     1,
     BRIDGE_LAST,
     POOL_MEAN,
     .names = {"embedding.W", "head.W", "head.b"}},
    {"last, the last of two layers, read backward",
     NUMBERS,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     half_then_one,
     2,
     backward,
     1,
     BRIDGE_LAST,
     0,
     .names = {"embedding.W", "head.W", "head.b"}},
    {"last, a state of two dimensions",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_matrix,
     one,
     1,
     one,
     1,
     BRIDGE_LAST,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "head.W", "head.b"}},
    {"mean, one table for both streams",
     SHARED,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_lstm,
     half,
     1,
     two,
     2,
     BRIDGE_MEAN,
     0,
     .names = {"embedding.W", "head.W", "head.b"}},
    {"learnt, two layers of lstms after both directions",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_lstm,
     both,
     1,
     two,
     2,
     BRIDGE_LEARNT,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "bridge.layers.0.h.W", "bridge.layers.0.h.b",
               "bridge.layers.0.c.W", "bridge.layers.0.c.b", "bridge.layers.1.h.W", "bridge.layers.1.h.b",
               "bridge.layers.1.c.W", "bridge.layers.1.c.b", "head.W", "head.b"}},
    {"learnt, a state of two dimensions, and an input at the first step",
     SOURCE,
     {FIRST},
     1,
     {0, 1},
     &cell_matrix,
     backward,
     1,
     one,
     1,
     BRIDGE_LEARNT,
     0,
     .names = {"embedding.input.W", "embedding.source.W", "bridge.layers.0.h.W", "bridge.layers.0.h.b",
               "bridge.layers.0.C.W", "bridge.layers.0.C.b", "head.W", "head.b"}},
    {"a cell that reads the memory",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     half,
     1,
     two,
     2,
     BRIDGE_LEARNT,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "bridge.layers.0.h.W", "bridge.layers.0.h.b",
               "bridge.layers.1.h.W", "bridge.layers.1.h.b", "head.W", "head.b"},
     .decoder = &cell_attending},
    {"a cell that reads the memory, no bridge",
     NUMBERS,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     both,
     1,
     learned,
     1,
     BRIDGE_NONE,
     0,
     .names = {"embedding.W", "head.W", "head.b"},
     .decoder = &cell_attending},
    {"blocks over the memory after a cell, last",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     half,
     1,
     three,
     3,
     BRIDGE_LAST,
     0,
     .names = {"embedding.previous.W", "embedding.source.W", "head.W", "head.b"},
     .blocks = {NULL, "attention", "attention_additive"}},
    {"a block first, without a state anywhere",
     NUMBERS,
     {PREVIOUS},
     1,
     {1, 1},
     &cell_gru,
     both,
     1,
     one,
     1,
     BRIDGE_NONE,
     0,
     .names = {"embedding.W", "head.W", "head.b"},
     .blocks = {"attention"}},
    {"blocks over the sequences themselves, in encoder and decoder",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 0},
     &cell_gru,
     two,
     2,
     two,
     2,
     BRIDGE_LEARNT,
     POOL_MEAN,
     .names = {"embedding.previous.W", "embedding.source.W", "bridge.layers.0.h.W", "bridge.layers.0.h.b", "head.W",
               "head.b"},
     .encoder_blocks = {NULL, "attention"},
     .blocks = {NULL, "attention_additive"},
     .over = BLOCK_OVER_SELF},
    {"blocks over the sequences themselves that see earlier steps only",
     SOURCE,
     {PREVIOUS},
     1,
     {1, 0},
     &cell_gru,
     two,
     2,
     two,
     2,
     BRIDGE_LEARNT,
     POOL_MEAN,
     .names = {"embedding.previous.W", "embedding.source.W", "bridge.layers.0.h.W", "bridge.layers.0.h.b", "head.W",
               "head.b"},
     .encoder_blocks = {NULL, "self_attention"},
     .blocks = {NULL, "self_attention"},
     .over = BLOCK_OVER_SELF},
    {"learnt, two inputs, both directions",
     NUMBERS,
     {FIRST, PREVIOUS},
     2,
     {0, 1},
     &cell_gru,
     one,
     1,
     both,
     1,
     BRIDGE_LEARNT,
     0,
     .names = {"embedding.input.W", "embedding.previous.W", "bridge.layers.0.forward.h.W",
               "bridge.layers.0.forward.h.b", "bridge.layers.0.backward.h.W", "bridge.layers.0.backward.h.b", "head.W",
               "head.b"}},
};

/* The layers that are blocks of configs/blocks, as wide as their entries of `layers` say. */
static const struct block_layer_settings *const *blocks_of(const struct row *row, const char *const *names,
                                                           const struct cell_layer_settings *layers) {
    const struct block_layer_settings **blocks = arena_calloc(support.arena, MOST_CELLS, sizeof(void *));
    for (int32_t i = 0; i < MOST_CELLS; i++) {
        if (names[i] != NULL) {
            const char *file = arena_printf(support.arena, "%s/%s.yaml", getenv("RONDO_BLOCK_PATH"), names[i]);
            struct block_layer_settings *block = arena_calloc(support.arena, 1, sizeof *block);
            block->block = block_file_read(file, support.arena, &support.errors);
            ck_assert_msg(block->block != NULL, "%s", support_error(&support));
            block->hidden = layers[i].hidden;
            block->over = row->over;
            blocks[i] = block;
        }
    }
    return blocks;
}

static struct model_settings settings_of(const struct row *row) {
    return (struct model_settings){.architecture = row->architecture,
                                   .inputs = row->inputs,
                                   .n_inputs = row->n_inputs,
                                   .source_input = &row->source,
                                   .encoder = row->encoder,
                                   .encoder_blocks = blocks_of(row, row->encoder_blocks, row->encoder),
                                   .n_encoder = row->n_encoder,
                                   .bridge = row->bridge,
                                   .bridge_where = {"e.yaml", 8, 3},
                                   .layers = row->layers,
                                   .blocks = blocks_of(row, row->blocks, row->layers),
                                   .n_layers = row->n_layers,
                                   .pooling = row->pooling};
}

/* A run on `engine`; names: of the sources (model_run_read_source). */
static struct model_run run_of(const struct row *row, enum engine engine, const int64_t *of_sources,
                               const int64_t *names, const int64_t *of_rows, int64_t count) {
    struct cell_layer_settings encoder[MOST_CELLS], layers[MOST_CELLS];
    struct model_settings settings = settings_of(row);
    for (int32_t i = 0; i < row->n_encoder; i++) {
        encoder[i] = row->encoder[i];
        encoder[i].engine = engine;
    }
    for (int32_t i = 0; i < row->n_layers; i++) {
        layers[i] = row->layers[i];
        layers[i].cell = row->decoder == NULL ? NULL : define(row->decoder);
        layers[i].engine = engine;
    }
    settings.encoder = encoder;
    settings.layers = layers;
    struct model_run run = model_run_create(&settings, row->cell, of_rows, count);
    model_run_read_source(&run, &row->source, of_sources, names, count);
    return run;
}

START_TEST(gradients_are_central_differences_on_both_engines) {
    const struct row *row = &rows[_i];
    struct model_run fused = run_of(row, ENGINE_FUSED, source_lengths, NULL, lengths, COUNT);
    struct model_run stepwise = run_of(row, ENGINE_TAPE, source_lengths, NULL, lengths, COUNT);
    model_run_pass(&fused);
    model_run_pass(&stepwise);
    support_near(&fused.outputs, &stepwise.outputs, 1e-13, row->what);
    for (int32_t p = 0; p < model_parameter_count(fused.model); p++) {
        support_near(&fused.gradients[p], &stepwise.gradients[p], 1e-12, row->what);
    }
    model_run_check_gradients(&stepwise, 1e-8, row->what);
    fused.stepwise = 1;
    model_run_pass(&fused);
    support_near(&fused.outputs, &stepwise.outputs, 0, row->what);
    model_destroy(fused.model);
    model_destroy(stepwise.model);
}
END_TEST

/* 1 if the name is that of a parameter of a layer of the encoder or the decoder. */
static int is_of_cell(const char *name) {
    return strncmp(name, "layers.", 7) == 0 || strncmp(name, "encoder.", 8) == 0;
}

START_TEST(parameters_have_the_names_of_their_part) {
    const struct row *row = &rows[_i];
    struct model *model = run_of(row, ENGINE_TAPE, source_lengths, NULL, lengths, COUNT).model;
    int32_t next = 0, of_encoder = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const char *name = model_parameters(model)[p].name;
        ck_assert_int_eq(model_find(model, name), p);
        of_encoder += strncmp(name, "encoder.", 8) == 0;
        if (!is_of_cell(name)) {
            ck_assert_msg(row->names[next] != NULL && strcmp(name, row->names[next]) == 0, "%s: '%s', expected '%s'",
                          row->what, name, row->names[next] == NULL ? "no more" : row->names[next]);
            next++;
        }
    }
    ck_assert_msg(row->names[next] == NULL, "%s: there is no '%s'", row->what, row->names[next]);
    ck_assert_int_gt(of_encoder, 0);
    model_destroy(model);
}
END_TEST

/* Row r of an input of symbols, packed along time as in a batch of this row. */
static rondo_tensor ids_of_row(const struct model_run *run, const struct model_input *input, int32_t i, int64_t r) {
    const int64_t steps = input->every_step ? run->time.lengths[r] : 1;
    rondo_tensor ids = support_zeros(&support, RONDO_I32, arena_printf(support.arena, "%d", (int)steps));
    for (int64_t t = 0; t < steps; t++) {
        tensor_set(&ids, t, tensor_get(&run->inputs[i], run->time.begin[t] + r));
    }
    return ids;
}

/* The outputs of row r of a pass, packed along time as those of a batch of this row. */
static rondo_tensor outputs_of_row(const struct model_run *run, const struct row *row, int64_t r) {
    return row->architecture.output_every_step ? rows_of(&run->outputs, &run->time, r) : row_of(&run->outputs, r);
}

/* Each row on its own, with its source, gives the bits that it gives in the batch. */
START_TEST(rows_depend_on_no_other_row) {
    const struct row *row = &rows[_i];
    struct model_run all = run_of(row, ENGINE_FUSED, source_lengths, NULL, lengths, COUNT);
    model_run_pass(&all);
    for (int64_t r = 0; r < COUNT; r++) {
        struct model_run alone = run_of(row, ENGINE_FUSED, &source_lengths[r], &r, &lengths[r], 1);
        for (int32_t i = 0; i < row->n_inputs; i++) {
            alone.inputs[i] = ids_of_row(&all, &row->inputs[i], i, r);
        }
        model_run_pass(&alone);
        const rondo_tensor expected = outputs_of_row(&all, row, r), found = outputs_of_row(&alone, row, 0);
        support_near(&found, &expected, 0, row->what);
        model_destroy(alone.model);
    }
    model_destroy(all.model);
}
END_TEST

/* All rows of the decoder are equally long, so that examples may take any row: each gives the same bits, in any order of the
 * batch. */
START_TEST(examples_give_the_same_bits_in_any_order) {
    static const int64_t same[] = {3, 3, 3, 3}, orders[][COUNT] = {{3, 0, 2, 1}, {1, 0, 3, 2}, {2, 3, 1, 0}};
    const struct row *row = &rows[_i];
    struct model_run first = run_of(row, ENGINE_FUSED, source_lengths, NULL, same, COUNT);
    model_run_pass(&first);
    for (int k = 0; k < ROWS(orders); k++) {
        int64_t of_sources[COUNT];
        for (int64_t r = 0; r < COUNT; r++) {
            of_sources[r] = source_lengths[orders[k][r]];
        }
        struct model_run shuffled = run_of(row, ENGINE_FUSED, of_sources, orders[k], same, COUNT);
        for (int32_t i = 0; i < row->n_inputs; i++) {
            const int64_t steps = row->inputs[i].every_step ? 3 : 1;
            for (int64_t at = 0; at < steps * COUNT; at++) {
                tensor_set(&shuffled.inputs[i], at,
                           tensor_get(&first.inputs[i], at / COUNT * COUNT + orders[k][at % COUNT]));
            }
        }
        model_run_pass(&shuffled);
        for (int64_t r = 0; r < COUNT; r++) {
            const rondo_tensor expected = outputs_of_row(&first, row, orders[k][r]),
                               found = outputs_of_row(&shuffled, row, r);
            support_near(&found, &expected, 0, row->what);
        }
        model_destroy(shuffled.model);
    }
    model_destroy(first.model);
}
END_TEST

/* The memory of row r is that of a batch of this row, step after step. */
START_TEST(the_memory_is_sequence_major_in_the_order_of_the_rows) {
    const struct row *row = &rows[_i];
    struct model_run all = run_of(row, ENGINE_FUSED, source_lengths, NULL, lengths, COUNT);
    rondo_value parameters[MOST_PARAMETERS];
    const struct layer_memory memory = model_run_record(&all, parameters).memory;
    const rondo_tensor values = copy_of(tape_tensor(tape, memory.values)); /* the tape is reset below */
    const int64_t width = values.shape[1];
    int64_t begin[COUNT];
    ck_assert_int_eq(memory.rows->count, COUNT);
    for (int64_t r = 0; r < COUNT; r++) {
        ck_assert_int_eq(memory.rows->length[r], source_lengths[r]);
        begin[r] = memory.rows->begin[r];
        ck_assert_int_eq(begin[r], r == 0 ? 0 : begin[r - 1] + source_lengths[r - 1]);
    }
    for (int64_t r = 0; r < COUNT; r++) {
        struct model_run alone = run_of(row, ENGINE_FUSED, &source_lengths[r], &r, &lengths[r], 1);
        const struct layer_memory own = model_run_record(&alone, parameters).memory;
        const rondo_tensor expected =
            tensor_2d(RONDO_F64, source_lengths[r], width, (double *)values.data + begin[r] * width);
        support_near(tape_tensor(tape, own.values), &expected, 0, row->what);
        model_destroy(alone.model);
    }
    model_destroy(all.model);
}
END_TEST

/* Generation: the encoder once, then step after step from the states that it left. The rows of the last pass are equally long. */
START_TEST(steps_after_model_encode_are_those_of_one_pass) {
    enum { STEPS = 3 };
    static const int64_t same[] = {STEPS, STEPS, STEPS, STEPS};
    const struct row *row = &rows[_i];
    const char *why_not;
    struct model_run run = run_of(row, ENGINE_FUSED, source_lengths, NULL, same, COUNT);
    const int reads_itself = row->over == BLOCK_OVER_SELF;
    if (row->layers[0].direction != DIRECTION_FORWARD || reads_itself) { /* it cannot be run step by step */
        ck_assert_int_eq(model_generates(run.model, &why_not), 0);
        model_destroy(run.model);
        return;
    }
    rondo_value parameters[MOST_PARAMETERS];
    const struct model_result whole = model_run_record(&run, parameters);
    const rondo_tensor expected = copy_of(tape_tensor(tape, whole.outputs));
    struct states *states = model_states_create(run.model, COUNT, &support.errors);
    struct layer_memory memory;
    const struct model_source source = {&run.source_time, &run.source_input, run.source_row};
    const int64_t ones[] = {1, 1, 1, 1};
    const struct time_axis step = support_time(&support, ones, COUNT);
    unsigned char starts[COUNT] = {1, 1, 1, 1};
    tape_reset(tape);
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        parameters[p] = tape_constant(tape, &model_parameters(run.model)[p].value);
    }
    const struct model_call encode = {.parameters = parameters, .source = &source};
    support_ok(&support, model_encode(run.model, tape, &encode, &memory, states), row->what);
    for (int64_t t = 0; t < STEPS; t++) {
        rondo_tensor inputs[2];
        for (int32_t i = 0; i < row->n_inputs; i++) {
            inputs[i] = run.inputs[i];
            inputs[i].shape[0] = COUNT;
            inputs[i].data = (int32_t *)inputs[i].data + (row->inputs[i].every_step ? t * COUNT : 0);
        }
        const struct model_call call = {.time = &step,
                                        .inputs = inputs,
                                        .parameters = parameters,
                                        .memory = &memory,
                                        .carried = states,
                                        .kept = states,
                                        .starts = starts};
        struct model_result result;
        support_ok(&support, model_record(run.model, tape, &call, &result), row->what);
        rondo_tensor of_step = expected;
        of_step.shape[0] = COUNT;
        of_step.data = (double *)expected.data + t * COUNT * OUTPUTS;
        support_near(tape_tensor(tape, result.outputs), &of_step, 0, row->what);
        memset(starts, 0, sizeof starts);
    }
    states_destroy(states);
    model_destroy(run.model);
}
END_TEST

/* The table of both streams on the tape as the rows that occur: the outputs and gradients of the whole table. */
START_TEST(a_shared_table_gets_the_gradients_of_both_streams_by_rows) {
    int k = 0;
    while (rows[k].source.share != 0 || rows[k].source.symbols == 0) {
        k++;
    }
    struct model_run run = run_of(&rows[k], ENGINE_FUSED, source_lengths, NULL, lengths, COUNT);
    model_run_pass(&run);
    const int32_t p = model_find(run.model, "embedding.W");
    const struct model_parameter *table = &model_parameters(run.model)[p];
    struct row_table rows_of_table = {0}, *of_parameters[MOST_PARAMETERS] = {NULL};
    of_parameters[p] = &rows_of_table;
    support_ok(&support, row_table_begin(&rows_of_table, table->name, &table->value, &support.errors), "rows");
    run.rows = of_parameters;
    const rondo_tensor dense = copy_of(&run.gradients[p]), outputs = copy_of(&run.outputs);
    model_run_pass(&run);
    support_near(&run.outputs, &outputs, 0, "outputs");
    const rondo_tensor by_rows = zeros_like(&dense);
    const int64_t size = dense.shape[1];
    for (int64_t r = 0; r < rows_of_table.count; r++) {
        memcpy((double *)by_rows.data + rows_of_table.ids[r] * size, (double *)rows_of_table.gradients.data + r * size,
               sizeof(double) * (size_t)size);
    }
    ck_assert_int_lt(rows_of_table.count, dense.shape[0]);
    support_near(&by_rows, &dense, 0, "gradients");
    row_table_free(&rows_of_table);
    model_destroy(run.model);
}
END_TEST

/* ---- PyTorch ---- */

/* The numbers of the line that begins with `word`, in the shape of `tensor`. */
static void read_numbers(const char *text, const char *word, const rondo_tensor *tensor) {
    const char *start = arena_printf(support.arena, "\n%s ", word), *line = strstr(text, start);
    ck_assert_msg(line != NULL, "there is no line '%s'", word);
    line += strlen(start) - 1;
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        char *end;
        tensor_set(tensor, i, strtod(line, &end));
        ck_assert_msg(end != line, "line '%s' has %d numbers", word, (int)i);
        line = end;
    }
    ck_assert_msg(*line == '\n', "line '%s' has more numbers than %s", word, tensor_shape_text(tensor).text);
}

/* golden/make_encoder.py describes the model and its numbers. */
START_TEST(outputs_and_gradients_are_those_of_pytorch) {
    static const int64_t of_rows[] = {4, 3, 1}, of_sources[] = {2, 5, 3};
    static const struct row row = {.source = STREAM_OF_SYMBOLS("source", 5, 3, 1),
                                   .inputs = {STREAM_OF_SYMBOLS("previous", 4, 3, 1)},
                                   .n_inputs = 1,
                                   .architecture = {1, 1},
                                   .encoder = half,
                                   .n_encoder = 1,
                                   .layers = two,
                                   .n_layers = 2,
                                   .bridge = BRIDGE_LEARNT,
                                   .blocks = {NULL, "attention"}};
    const char *cell = arena_printf(support.arena, "%s/gru_reset_after.yaml", getenv("RONDO_CELL_PATH"));
    const char *file = arena_printf(support.arena, "%s/golden/encoder.txt", getenv("RONDO_TEST_SOURCE"));
    struct cell_layer_settings layers[2] = {two[0], two[1]}, encoder[1] = {half[0]};
    struct model_settings settings = settings_of(&row);
    char *text;
    size_t length;
    support_ok(&support, file_read(file, 1 << 20, support.arena, &text, &length, (struct location){0}, &support.errors),
               file);
    layers[0].cell = encoder[0].cell = cell_file_read(cell, support.arena, &support.errors);
    layers[0].engine = encoder[0].engine = _i == 0 ? ENGINE_FUSED : ENGINE_TAPE;
    settings.layers = layers;
    settings.encoder = encoder;
    struct model_run run = model_run_create(&settings, &cell_gru, of_rows, ROWS(of_rows));
    model_run_read_source(&run, &row.source, of_sources, NULL, ROWS(of_rows));
    for (int64_t r = 0; r < ROWS(of_rows); r++) {
        const rondo_tensor ids = matrix(of_sources[r], 1, NULL);
        read_numbers(text, arena_printf(support.arena, "source %d", (int)r), &ids);
        for (int64_t t = 0; t < of_sources[r]; t++) {
            tensor_set(&run.source_input, run.source_time.begin[t] + run.source_row[r], tensor_get(&ids, t));
        }
    }
    run.weights = matrix(run.time.total, OUTPUTS, NULL);
    rondo_tensor expected = matrix(run.time.total, OUTPUTS, NULL);
    read_numbers(text, "previous", &run.inputs[0]);
    read_numbers(text, "weights", &run.weights);
    read_numbers(text, "outputs", &expected);
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        const struct model_parameter *parameter = &model_parameters(run.model)[p];
        read_numbers(text, arena_printf(support.arena, "parameter %s", parameter->name), &parameter->value);
    }
    model_run_pass(&run);
    support_near(&run.outputs, &expected, 1e-12, "outputs");
    for (int32_t p = 0; p < model_parameter_count(run.model); p++) {
        const char *word = arena_printf(support.arena, "gradient %s", model_parameters(run.model)[p].name);
        const rondo_tensor gradient = zeros_like(&model_parameters(run.model)[p].value);
        read_numbers(text, word, &gradient);
        support_near(&run.gradients[p], &gradient, 1e-11, word);
    }
    model_destroy(run.model);
}
END_TEST

/* ---- refused ---- */

static const struct {
    const char *what;
    struct row row;
    const char *expected;
} refused_rows[] = {
    {"fewer layers in the encoder",
     {.encoder = one, .n_encoder = 1, .layers = two, .n_layers = 2, .bridge = BRIDGE_LAST},
     "e.yaml:8:3: 'bridge: last' cannot give state 'layers.0.h' its initial value: the encoder has 1 layer with "
     "states and the decoder 2, "
     "and they correspond from the last one; 'bridge: learnt' fits any encoder"},
    {"another width",
     {.encoder = both, .n_encoder = 1, .layers = one, .n_layers = 1, .bridge = BRIDGE_LAST},
     "e.yaml:8:3: 'bridge: last' cannot give state 'layers.0.h' its initial value: it has 4 numbers, and "
     "'encoder.0.forward.h' with 'encoder.0.backward.h' has 8; expected the same width; 'bridge: learnt' fits any "
     "encoder"},
    {"one direction for two",
     {.encoder = one, .n_encoder = 1, .layers = both, .n_layers = 1, .bridge = BRIDGE_LAST},
     "e.yaml:8:3: 'bridge: last' cannot give state 'layers.0.forward.h' its initial value: the layer of the encoder at "
     "this place has no state "
     "'forward.h'; 'bridge: learnt' fits any encoder"},
    {"a mean of another width",
     {.encoder = both, .n_encoder = 1, .layers = one, .n_layers = 1, .bridge = BRIDGE_MEAN},
     "e.yaml:8:3: 'bridge: mean' makes the outputs of the encoder, which are 8 wide, state 'layers.0.h', which has 4 "
     "numbers; "
     "expected the same width; 'bridge: learnt' fits any encoder"},
    {"learned and given initial states",
     {.encoder = one, .n_encoder = 1, .layers = learned, .n_layers = 1, .bridge = BRIDGE_LEARNT},
     "'learn_initial_state' is not used: the bridge gives the layer the states that it begins in; 'bridge: none' "
     "leaves them to "
     "the layer"},
    {"an encoder that nothing reads",
     {.encoder = one, .n_encoder = 1, .layers = one, .n_layers = 1, .bridge = BRIDGE_NONE},
     "e.yaml:8:3: nothing reads the encoder: without a bridge, a layer must read the memory, such as the cell "
     "gru_bahdanau, "
     "or {block: attention, over: memory}"},
};

START_TEST(a_bridge_that_does_not_fit_is_refused_with_what_does) {
    struct row row = refused_rows[_i].row;
    row.source = (struct model_input)SOURCE;
    row.inputs[0] = (struct model_input)PREVIOUS;
    row.n_inputs = 1;
    row.architecture = (struct architecture){1, 1};
    const struct model_settings settings = settings_of(&row);
    ck_assert_ptr_null(model_run_model(&settings, &cell_gru));
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    ck_assert_str_eq(support_error(&support), refused_rows[_i].expected);
}
END_TEST

START_TEST(vectors_that_are_shared_have_one_width) {
    struct row row = rows[0];
    row.source = (struct model_input)SOURCE;
    row.source.share = 0;
    row.source.where = (struct location){"e.yaml", 5, 3};
    const struct model_settings settings = settings_of(&row);
    ck_assert_ptr_null(model_run_model(&settings, &cell_gru));
    ck_assert_str_eq(support_error(&support),
                     "e.yaml:5:3: streams 'previous' and 'source' share their vectors, which are 4 "
                     "and 5 wide; expected the same embedding size");
}
END_TEST

#define BLOCK(line)                                                                                                    \
    {                                                                                                                  \
        .name = "block", .output = "y", .equations = {.file = "test", .text = line, .first_line = 1 }                  \
    }
static const struct cell_definition each_step = BLOCK("y = tanh(x @ W)\n"),
                                    all_steps = BLOCK("y = additive_attention(x @ Q, memory @ K, x, v)\n"),
                                    near_steps = BLOCK("y = attention(x @ Q, x @ K, x, window=2, rotary=true)\n"),
                                    earlier_steps = BLOCK("y = attention(x @ Q, memory @ K, memory, causal=true)\n");

/* Why a model cannot generate; NULL: it can. `block`: in place of the second layer, over itself. */
static const struct {
    struct architecture architecture;
    struct model_input input;
    const struct cell_layer_settings *layers;
    const char *why_not;
    const struct cell_definition *block;
} generating_rows[] = {
    {{1, 1}, PREVIOUS, two, NULL, NULL},
    {{1, 0}, PREVIOUS, one, "it has one output for all steps", NULL},
    {{1, 1},
     STREAM_OF_SYMBOLS("input", 4, 4, 1),
     one,
     "it does not read its own output of the step before ('model.feedback: true')",
     NULL},
    {{1, 1}, PREVIOUS, both, "an output of 'layers.0' depends on later steps", NULL},
    {{1, 1}, PREVIOUS, two, NULL, &each_step},
    {{1, 1}, PREVIOUS, two, "an output of 'layers.1' depends on later steps", &all_steps},
    {{1, 1}, PREVIOUS, two, "an output of 'layers.1' depends on later steps", &near_steps},
    {{1, 1},
     PREVIOUS,
     two,
     "'layers.1' looks at all earlier steps, and a generator keeps only states from step to step",
     &earlier_steps},
};

START_TEST(models_say_why_they_cannot_generate) {
    const struct block_layer_settings block = {.block = generating_rows[_i].block, .over = BLOCK_OVER_SELF};
    const struct block_layer_settings *const blocks[MOST_CELLS] = {NULL, block.block == NULL ? NULL : &block};
    const struct model_settings settings = {.architecture = generating_rows[_i].architecture,
                                            .inputs = &generating_rows[_i].input,
                                            .n_inputs = 1,
                                            .layers = generating_rows[_i].layers,
                                            .blocks = blocks,
                                            .n_layers = block.block == NULL ? 1 : 2};
    const char *why_not = "";
    struct model *model = model_run_model(&settings, &cell_gru);
    ck_assert_msg(model != NULL, "%s", support_error(&support));
    ck_assert_int_eq(model_generates(model, &why_not), generating_rows[_i].why_not == NULL);
    ck_assert_pstr_eq(why_not, generating_rows[_i].why_not);
    const rondo_status carries = model_check_causal(model, "data.carry", (struct location){0}, &support.errors);
    ck_assert_int_eq(carries, why_not != NULL && strstr(why_not, "'layers.") != NULL ? RONDO_INVALID : RONDO_OK);
    model_destroy(model);
}
END_TEST

START_TEST(a_block_over_itself_carries_no_states) {
    int k = 0;
    while (rows[k].over != BLOCK_OVER_SELF) {
        k++;
    }
    struct model *model = run_of(&rows[k], ENGINE_TAPE, source_lengths, NULL, lengths, COUNT).model;
    const struct location where = {"e.yaml", 4, 9};
    ck_assert_int_eq(model_check_causal(model, "data.carry", where, &support.errors), RONDO_INVALID);
    ck_assert_str_eq(
        support_error(&support),
        "e.yaml:4:9: 'data.carry' continues each row where the pass before ended, so no layer may look at other "
        "steps, and 'layers.1' does; expected no block with 'over: self'");
    model_destroy(model);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("encoder");
    TCase *passes = add_case(suite, "passes", 240, layer_run_open, layer_run_close);
    tcase_add_loop_test(passes, gradients_are_central_differences_on_both_engines, 0, ROWS(rows));
    tcase_add_loop_test(passes, parameters_have_the_names_of_their_part, 0, ROWS(rows));
    tcase_add_loop_test(passes, steps_after_model_encode_are_those_of_one_pass, 0, ROWS(rows));
    tcase_add_test(passes, a_shared_table_gets_the_gradients_of_both_streams_by_rows);
    tcase_add_loop_test(passes, outputs_and_gradients_are_those_of_pytorch, 0, 2);

    TCase *order = add_case(suite, "order", 240, layer_run_open, layer_run_close);
    tcase_add_loop_test(order, rows_depend_on_no_other_row, 0, ROWS(rows));
    tcase_add_loop_test(order, examples_give_the_same_bits_in_any_order, 0, ROWS(rows));
    tcase_add_loop_test(order, the_memory_is_sequence_major_in_the_order_of_the_rows, 0, ROWS(rows));

    TCase *refused = add_case(suite, "refused", 60, layer_run_open, layer_run_close);
    tcase_add_loop_test(refused, a_bridge_that_does_not_fit_is_refused_with_what_does, 0, ROWS(refused_rows));
    tcase_add_test(refused, vectors_that_are_shared_have_one_width);
    tcase_add_test(refused, a_block_over_itself_carries_no_states);
    tcase_add_loop_test(refused, models_say_why_they_cannot_generate, 0, ROWS(generating_rows));
    return run_suite(suite);
}
