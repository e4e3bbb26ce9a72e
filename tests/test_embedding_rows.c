/* tests/test_embedding_rows.c: gradients of embeddings by rows are the dense gradients, and a training with them is the
 * training with dense ones; only the rows that occurred are processed. */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/options.h"
#include "dataset_fixture.h"
#include "plugin_fixture.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"
#include "train/network_shard.h"
#include "train/trainer.h"

/* The table has several slices (UPDATE_GRAIN), which begin and end inside rows, and most of its rows do not occur. */
enum { SYMBOLS = 3000, SIZE = 37, EXAMPLES = 90, MOST_STEPS = 12, MOST_STAGES = 3 };

/* ---- networks ---- */

static const rondo_descriptor *resolve(int32_t kind, const char *name) {
    const rondo_descriptor *found =
        registry_resolve(session->registry, kind, name, (struct location){0}, &support.errors);
    ck_assert_msg(found != NULL, "RONDO_PLUGIN_PATH: %s", support_error(&support));
    return found;
}

static void *make_options(const rondo_descriptor *of, const char *text) {
    if (of->options == NULL) {
        return NULL;
    }
    void *options = options_create(of->options, of->options_size, support.arena, &support.errors);
    ck_assert_ptr_nonnull(options);
    support_ok(
        &support,
        options_parse(of->options, options, text, of->name, support.arena, (struct location){0}, &support.errors),
        text);
    return options;
}

/* Sequences of symbols, small ids more often, with one of two classes. */
static struct dataset *make_data(const char *name) {
    struct dataset *data = dataset_fixture_create(STREAM_CLASS, SYMBOLS, STREAM_CLASS, 2);
    for (int64_t i = 0; i < EXAMPLES; i++) {
        const struct rng_stream stream = rng_substream(rng_stream(1, name), (uint64_t)i);
        const int64_t steps = 1 + (int64_t)rng_below(stream, 0, MOST_STEPS);
        int32_t ids[MOST_STEPS];
        for (int64_t t = 0; t < steps; t++) {
            ids[t] = (int32_t)(SYMBOLS * pow(rng_uniform(stream, 1 + (uint64_t)t), 3));
        }
        const int32_t class = ids[0] % 2;
        support_ok(&support, dataset_fixture_add(data, ids, steps, &class, 1, &support.errors), name);
    }
    return data;
}

/* The oracle: all gradients in the shapes of the parameters. */
static void make_dense(const struct network *network) {
    const struct model *model = network_model(network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        ((struct model_parameter *)(uintptr_t)&model_parameters(model)[p])->by_rows = 0;
    }
}

/* N:1, with a table [symbols, size]. */
static struct network *make_network_of(int32_t dtype, int is_lazy, int64_t symbols, int64_t size) {
    struct loss_term *term = arena_calloc(support.arena, 1, sizeof *term);
    ck_assert_ptr_nonnull(term);
    const rondo_descriptor *loss = resolve(RONDO_KIND_LOSS, "softmax_cross_entropy");
    term->loss = (const rondo_loss *)loss;
    term->options = make_options(loss, NULL);
    term->weight = 1;
    term->origin = "built for this test";
    struct cell_layer_settings layer = {.cell = session_definition("gru"), .hidden = 5};
    struct model_input input = {.name = "input",
                                .symbols = symbols,
                                .embedding_size = size,
                                .init_std = 0.1,
                                .word_dropout = 0.1,
                                .unknown = 0,
                                .share = -1,
                                .lazy = is_lazy,
                                .every_step = 1};
    struct network_settings settings = {.model = {.dtype = dtype,
                                                  .inputs = &input,
                                                  .n_inputs = 1,
                                                  .layers = &layer,
                                                  .n_layers = 1,
                                                  .pooling = POOL_MEAN,
                                                  .architecture = {.input_every_step = 1}},
                                        .loss = {term, 1},
                                        .target_kind = STREAM_CLASS,
                                        .target_size = 2,
                                        .plan = {.architecture = {.input_every_step = 1}, .dtype = dtype}};
    struct network *network = network_create(&settings, session, &support.errors);
    ck_assert_msg(network != NULL, "%s", support_error(&support));
    support_ok(&support, model_initialise(network_model(network), 1, NULL, &support.errors), "initialise");
    return network;
}

static struct network *make_network(int32_t dtype, int is_lazy) {
    return make_network_of(dtype, is_lazy, SYMBOLS, SIZE);
}

/* The number of the table among the parameters. */
static int32_t table_of(const struct network *network) {
    const struct model *model = network_model(network);
    int32_t p = 0;
    while (strcmp(model_parameters(model)[p].name, "embedding.W") != 0) {
        p++;
    }
    return p;
}

/* Stages from "NAME OPTIONS | NAME OPTIONS", in this order; OPTIONS "-" are the defaults. */
static struct updater_settings make_stages(const struct network *network, const char *text) {
    const struct model *model = network_model(network);
    const size_t count = (size_t)model_parameter_count(model);
    struct updater_stage *stages = arena_calloc(support.arena, MOST_STAGES, sizeof *stages);
    ck_assert_ptr_nonnull(stages);
    int32_t n_stages = 0;
    while (*text != '\0') {
        char name[64], options[256];
        int length = 0;
        ck_assert_int_eq(sscanf(text, " %63s %255[^|]%n", name, options, &length), 2);
        text += length + (text[length] == '|');
        const rondo_descriptor *found = resolve(RONDO_KIND_OPTIMIZER, name);
        const void **by_parameter = arena_calloc(support.arena, count, sizeof *by_parameter);
        ck_assert(by_parameter != NULL && n_stages < MOST_STAGES);
        void *of_all = make_options(found, strcmp(options, "- ") == 0 || strcmp(options, "-") == 0 ? NULL : options);
        for (size_t p = 0; p < count; p++) {
            by_parameter[p] = of_all;
        }
        stages[n_stages++] =
            (struct updater_stage){(const rondo_optimizer *)found, "built for this test", NULL, by_parameter};
    }
    return (struct updater_settings){
        .model = model, .stages = stages, .n_stages = n_stages, .parallel = &session->parallel};
}

/* ---- gradients ---- */

/* An update of three batches, each of which has several shards. */
static void compute_gradients(struct network *network, const struct dataset *data) {
    static const int64_t begin[] = {0, 50, 51, EXAMPLES};
    int64_t examples[EXAMPLES];
    for (int64_t i = 0; i < EXAMPLES; i++) {
        examples[i] = (i * 7) % EXAMPLES;
    }
    const struct network_update update = {.dataset = data,
                                          .examples = examples,
                                          .begin = begin,
                                          .batches = 3,
                                          .stream = rng_stream(1, "step"),
                                          .sampled = 1};
    struct scores scores = {0};
    support_ok(&support, network_train(network, &update, &scores, &support.errors), "update");
}

/* The rows are those of the symbols that occur, except some that word dropout replaced. */
static void assert_rows_occurred(const struct gradient *gradient, const struct dataset *data) {
    unsigned char occurs[SYMBOLS] = {1}; /* the unknown word */
    const struct stream *input = dataset_find(data, "input");
    for (int64_t k = 0; k < input->elements; k++) {
        occurs[stream_id(input, k)] = 1;
    }
    ck_assert_int_eq(gradient->by_rows, 1);
    ck_assert_int_gt(gradient->count, 100);
    ck_assert_int_eq(gradient->values.shape[0], gradient->count);
    for (int64_t k = 0; k < gradient->count; k++) {
        ck_assert(occurs[gradient->ids[k]]);
        ck_assert(k == 0 || gradient->ids[k - 1] < gradient->ids[k]);
    }
}

static void assert_same_gradient(const struct gradient *rows, const struct gradient *dense) {
    rondo_tensor whole = dense->values;
    support_ok(&support, tensor_alloc(&whole, support.arena, &support.errors), "memory");
    gradient_expand(rows, 0, rondo_count(&whole), whole.data);
    ck_assert_mem_eq(whole.data, dense->values.data, tensor_bytes(&whole));
}

static const int32_t thread_counts[] = {1, 2, 5};

START_TEST(gradients_by_rows_have_the_bits_of_dense_ones) {
    const int32_t dtype = _i % 2 == 0 ? RONDO_F32 : RONDO_F64;
    session_restart(thread_counts[_i / 2]);
    struct dataset *data = make_data("train");
    struct network *rows = make_network(dtype, 0), *dense = make_network(dtype, 0);
    make_dense(dense);
    for (int update = 0; update < 2; update++) { /* the second update begins from an empty table again */
        compute_gradients(rows, data);
        compute_gradients(dense, data);
        assert_rows_occurred(&network_gradients(rows)[table_of(rows)], data);
        for (int32_t p = 0; p < model_parameter_count(network_model(rows)); p++) {
            assert_same_gradient(&network_gradients(rows)[p], &network_gradients(dense)[p]);
            assert_same_gradient(&network_sampled_gradients(rows)[p], &network_sampled_gradients(dense)[p]);
        }
    }
    network_destroy(rows);
    network_destroy(dense);
    dataset_destroy(data);
}
END_TEST

START_TEST(a_row_that_is_not_finite_is_found) {
    struct dataset *data = make_data("train");
    struct network *network = make_network(RONDO_F32, 0);
    const struct updater_settings settings = make_stages(network, "sgd lr=0.1");
    struct updater *updater = updater_create(&settings, &support.errors);
    ck_assert_ptr_nonnull(updater);
    compute_gradients(network, data);
    const struct gradient *gradients = network_gradients(network);
    tensor_set(&gradients[table_of(network)].values, 5, INFINITY);
    double norm;
    ck_assert_int_eq(updater_clip(updater, gradients, 1, &norm, &support.errors), RONDO_NOT_FINITE);
    ck_assert_str_eq(support_error(&support), "the gradient of 'embedding.W' is not finite");
    updater_destroy(updater);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* ---- trainings ---- */

/* A training that keeps the best weights by validation. */
static struct trainer_result train(struct network *network, const char *stages, int64_t accumulate) {
    static const struct trainer_observer nobody = {.arg = NULL};
    struct dataset *data = make_data("train"), *valid = make_data("valid");
    const struct trainer_settings settings = {.epochs = 3,
                                              .batch = {.examples = 40},
                                              .accumulate = accumulate,
                                              .clip_norm = 0.05,
                                              .validate_every = 2,
                                              .seed = 1,
                                              .updater = make_stages(network, stages),
                                              .schedule = {.lr = NAN, .steps = 1, .steps_per_epoch = 1}};
    struct trainer_result result;
    support_ok(&support, trainer_run(network, data, valid, &settings, &nobody, &result, &support.errors), stages);
    dataset_destroy(data);
    dataset_destroy(valid);
    return result;
}

/* Every kind of stage: those that skip zeros, elementwise ones that do not, those of whole parameters, averages. Averages
 * that do several updates together round differently. */
static const struct {
    const char *stages;
    double tolerance; /* 0: the same bits */
} trainings[] = {
    {"sgd lr=0.5", 0},
    {"sgd lr=0.5 momentum=0.9", 0},
    {"sgd lr=0.5 weight_decay=0.1", 0},
    {"adagrad lr=0.05", 0},
    {"adam lr=0.01", 0},
    {"rprop -", 0},
    {"sophia -", 0},
    {"muon -", 0},
    {"adafactor -", 0},
    {"centralise - | sgd lr=0.5", 0},
    {"centralise - | sophia -", 0},
    {"sgd lr=0.5 | lookahead -", 0},
    {"sgd lr=0.5 | ema -", 1e-6},
    {"sgd lr=0.5 | swa -", 1e-6},
    {"sgd lr=0.5 | ema - | lookahead -", 0},
    {"adam lr=0.01 | ema -", 0},
};

START_TEST(trained_weights_are_those_of_dense_gradients) {
    session_restart(thread_counts[_i % 3]);
    struct network *rows = make_network(RONDO_F32, 0), *dense = make_network(RONDO_F32, 0);
    make_dense(dense);
    const struct trainer_result by_rows = train(rows, trainings[_i / 3].stages, 1 + _i % 2);
    const struct trainer_result by_dense = train(dense, trainings[_i / 3].stages, 1 + _i % 2);
    ck_assert_int_eq(by_rows.best_step, by_dense.best_step);
    for (int32_t p = 0; p < model_parameter_count(network_model(rows)); p++) {
        const struct model_parameter *found = &model_parameters(network_model(rows))[p];
        support_near(&found->value, &model_parameters(network_model(dense))[p].value, trainings[_i / 3].tolerance,
                     found->name);
    }
    network_destroy(rows);
    network_destroy(dense);
}
END_TEST

/* Rows from `first` on, without row `without`: slices whose rows are all listed take the gradient as it is. */
static const struct {
    int64_t first, without;
} listings[] = {{0, -1}, {0, SYMBOLS / 2}, {SYMBOLS / 3, -1}, {SYMBOLS / 3, SYMBOLS - 1}};

/* Two updates of only the table, by the gradient of the listed rows or by the dense one. */
static const rondo_tensor *update_table(struct network *network, const char *stages, int listing, int is_dense) {
    const struct model *model = network_model(network);
    const int32_t count = model_parameter_count(model), table = table_of(network);
    struct gradient *gradients = arena_calloc(support.arena, (size_t)count, sizeof *gradients);
    unsigned char *frozen = arena_calloc(support.arena, (size_t)count, 1);
    float *numbers = arena_calloc(support.arena, (size_t)SYMBOLS * SIZE, sizeof *numbers);
    int32_t *ids = arena_calloc(support.arena, SYMBOLS, sizeof *ids);
    ck_assert(gradients != NULL && frozen != NULL && numbers != NULL && ids != NULL);
    int32_t n = 0;
    for (int64_t row = listings[listing].first; row < SYMBOLS; row++) {
        for (int64_t i = 0; row != listings[listing].without && i < SIZE; i++) {
            numbers[(is_dense ? row : n) * SIZE + i] = (float)sin((double)(row * SIZE + i));
        }
        ids[n] = (int32_t)row;
        n += row != listings[listing].without;
    }
    for (int32_t p = 0; p < count; p++) {
        frozen[p] = p != table;
    }
    gradients[table] = (struct gradient){.values = tensor_2d(RONDO_F32, is_dense ? SYMBOLS : n, SIZE, numbers),
                                         .by_rows = !is_dense,
                                         .ids = ids,
                                         .count = n};
    struct updater_settings settings = make_stages(network, stages);
    settings.frozen = frozen;
    struct updater *updater = updater_create(&settings, &support.errors);
    ck_assert_ptr_nonnull(updater);
    const struct updater_step step = {.gradients = gradients, .rows = 1, .lr_scale = 1};
    for (int i = 0; i < 2; i++) {
        support_ok(&support, updater_step(updater, &step, &support.errors), stages);
    }
    updater_destroy(updater);
    return &model_parameters(model)[table].value;
}

START_TEST(listed_rows_that_follow_each_other_are_updated_as_dense_ones) {
    static const char *const stages[] = {"sgd lr=0.5 momentum=0.9", "adam lr=0.01", "sgd lr=0.5 | ema -", "sgd lr=0.5"};
    struct network *rows = make_network(RONDO_F32, 0), *dense = make_network(RONDO_F32, 0);
    make_dense(dense);
    const char *of_case = stages[_i / ROWS(listings)];
    const int listing = _i % ROWS(listings);
    const rondo_tensor *by_rows = update_table(rows, of_case, listing, 0);
    support_near(by_rows, update_table(dense, of_case, listing, 1), 0, of_case);
    network_destroy(rows);
    network_destroy(dense);
}
END_TEST

/* ---- averages ---- */

/* Updates of changing symbols, some of which do not occur for a long time. */
static void update(struct network *network, struct updater *updater, const struct dataset *data, int64_t number) {
    enum { BATCH = 3 };
    int64_t examples[BATCH];
    const int64_t begin[] = {0, BATCH};
    for (int64_t i = 0; i < BATCH; i++) {
        examples[i] = (number * number * BATCH + i) % EXAMPLES;
    }
    const struct network_update update = {
        .dataset = data, .examples = examples, .begin = begin, .batches = 1, .stream = rng_stream(1, "step")};
    struct scores scores = {0};
    support_ok(&support, network_train(network, &update, &scores, &support.errors), "gradients");
    const struct updater_step step = {.gradients = network_gradients(network), .rows = BATCH, .lr_scale = 1};
    support_ok(&support, updater_step(updater, &step, &support.errors), "step");
}

static void swap_evaluated(struct updater *updater) {
    support_ok(&support, updater_swap_evaluated(updater, &support.errors), "swap");
}

static const char *const averages[] = {
    "sgd lr=1 | ema -",
    "sgd lr=1 | ema decay=0.9",
    "sgd lr=1 | ema decay=0.9 warm_up=false",
    "sgd lr=1 | ema decay=0",
    "sgd lr=1 | swa -",
    "sgd lr=1 | swa start=4 period=3",
    "adagrad - | swa start=1000",
    "sgd lr=1 | ema - | swa period=2",
};

START_TEST(averages_that_catch_up_are_those_of_every_update) {
    enum { UPDATES = 45 };
    session_restart(2);
    struct dataset *data = make_data("train");
    struct network *networks[2];
    struct updater *updaters[2];
    struct updater_settings settings[2];
    for (int k = 0; k < 2; k++) {
        networks[k] = make_network(RONDO_F64, 0);
        if (k == 1) {
            make_dense(networks[k]);
        }
        settings[k] = make_stages(networks[k], averages[_i]);
        updaters[k] = updater_create(&settings[k], &support.errors);
        ck_assert_ptr_nonnull(updaters[k]);
        ck_assert_int_eq(updater_lists_rows(&settings[k], 1, table_of(networks[k])), k == 0);
    }
    const rondo_tensor *found = &model_parameters(network_model(networks[0]))[table_of(networks[0])].value;
    const rondo_tensor *expected = &model_parameters(network_model(networks[1]))[table_of(networks[1])].value;
    for (int64_t number = 1; number <= UPDATES; number++) {
        update(networks[0], updaters[0], data, number);
        update(networks[1], updaters[1], data, number);
        if (number == 20 || number == 21 || number == UPDATES) {
            swap_evaluated(updaters[0]);
            swap_evaluated(updaters[1]);
            support_near(found, expected, 1e-13, averages[_i]);
            swap_evaluated(updaters[0]);
            swap_evaluated(updaters[1]);
            support_near(found, expected, 0, "the value");
        }
    }
    for (int k = 0; k < 2; k++) {
        updater_destroy(updaters[k]);
        network_destroy(networks[k]);
    }
    dataset_destroy(data);
}
END_TEST

/* ---- what an update processes ---- */

/* The stages that process only the rows that occurred, as bits. */
static const struct {
    const char *stages;
    int is_lazy, listed;
} processed[] = {
    {"sgd lr=0.1", 0, 1},
    {"sgd lr=0.1 momentum=0.5", 0, 0},
    {"sgd lr=0.1 weight_decay=0.5", 0, 0},
    {"adagrad -", 0, 1},
    {"adagrad weight_decay=0.1", 0, 0},
    {"adam -", 0, 0},
    {"adam -", 1, 1},
    {"muon -", 1, 0},                /* needs the whole parameter */
    {"centralise - | adam -", 1, 0}, /* the rewritten gradient may have other rows */
    {"sgd lr=0.1 | lookahead -", 1, 1},
    {"sgd lr=0.1 | ema -", 0, 3},
    {"adam - | ema - | swa -", 1, 7},
    {"adam - | ema -", 0, 0},
    {"sgd lr=0.1 | ema - | lookahead -", 0, 1}, /* lookahead changes the value of other rows */
    {"sgd lr=0.1 momentum=0.5 | swa -", 0, 0},
};

START_TEST(stages_that_leave_zeros_alone_process_only_the_rows_that_occurred) {
    struct network *network = make_network(RONDO_F32, processed[_i].is_lazy);
    const struct updater_settings settings = make_stages(network, processed[_i].stages);
    int listed = 0;
    for (int32_t stage = 0; stage < settings.n_stages; stage++) {
        listed |= updater_lists_rows(&settings, stage, table_of(network)) << stage;
        ck_assert_int_eq(updater_lists_rows(&settings, stage, table_of(network) + 1), 0);
    }
    ck_assert_int_eq(listed, processed[_i].listed);
    network_destroy(network);
}
END_TEST

/* An optimizer that leaves zeros alone and counts the elements that it gets. The test has one thread. */
static int64_t counted;

static rondo_status count_elements(rondo_context *ctx, const rondo_optimizer_call *call) {
    (void)ctx;
    counted += strcmp(call->parameter, "embedding.W") == 0 ? rondo_count(&call->value) : 0;
    return RONDO_OK;
}

static int32_t always_skips(const void *options) {
    (void)options;
    return 1;
}

START_TEST(an_update_processes_the_elements_of_the_rows_that_occurred) {
    static const rondo_optimizer counting = {.base = {.struct_size = sizeof counting,
                                                      .kind = RONDO_KIND_OPTIMIZER,
                                                      .name = "counting",
                                                      .summary = "counts elements"},
                                             .flags = RONDO_OPTIMIZER_ELEMENTWISE,
                                             .step = count_elements,
                                             .skips_zeros = always_skips};
    struct dataset *data = make_data("train");
    struct network *network = make_network(RONDO_F32, 0);
    struct updater_settings settings = make_stages(network, "sgd lr=0.1");
    struct updater_stage stage = settings.stages[0];
    stage.optimizer = &counting;
    settings.stages = &stage;
    struct updater *updater = updater_create(&settings, &support.errors);
    ck_assert_ptr_nonnull(updater);
    compute_gradients(network, data);
    const struct updater_step step = {.gradients = network_gradients(network), .rows = EXAMPLES, .lr_scale = 1};
    const struct gradient *table = &step.gradients[table_of(network)];
    for (int update = 0; update < 2; update++) {
        counted = 0;
        support_ok(&support, updater_step(updater, &step, &support.errors), "step");
        ck_assert_int_eq(counted, table->count * SIZE);
        updater_forget_changes(updater);
        ck_assert_ptr_nonnull(updater_changes(updater, table_of(network)));
    }
    updater_destroy(updater);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* ---- lazy ---- */

/* golden/make_sparse_adam.py says how the file is read. */
START_TEST(lazy_adam_is_sparse_adam_of_pytorch) {
    enum { ALL = 7, WIDTH = 3 };
    struct network *network = make_network_of(RONDO_F64, 1, ALL, WIDTH);
    const struct model *model = network_model(network);
    const int32_t table = table_of(network), count = model_parameter_count(model);
    struct gradient *gradients = arena_calloc(support.arena, (size_t)count, sizeof *gradients);
    unsigned char *frozen = arena_calloc(support.arena, (size_t)count, 1);
    ck_assert(gradients != NULL && frozen != NULL);
    for (int32_t p = 0; p < count; p++) {
        frozen[p] = p != table;
    }
    struct updater_settings settings = make_stages(network, "adam lr=0.05 beta1=0.8 beta2=0.95 epsilon=1e-30");
    settings.frozen = frozen;
    struct updater *updater = updater_create(&settings, &support.errors);
    ck_assert_ptr_nonnull(updater);
    const rondo_tensor *value = &model_parameters(model)[table].value;
    rondo_tensor expected = *value;
    support_ok(&support, tensor_alloc(&expected, support.arena, &support.errors), "memory");
    int32_t ids[ALL];
    double numbers[ALL * WIDTH];
    int64_t updates = 0;
    struct golden golden = golden_open("sparse_adam.txt");
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
        ck_assert_int_le(golden.count, ALL * WIDTH);
        if (strcmp(word, "start") == 0) {
            memcpy(value->data, golden.numbers, tensor_bytes(value));
        } else if (strcmp(word, "rows") == 0) {
            gradients[table] = (struct gradient){.values = tensor_2d(RONDO_F64, golden.count, WIDTH, numbers),
                                                 .by_rows = 1,
                                                 .ids = ids,
                                                 .count = golden.count};
            for (int64_t k = 0; k < golden.count; k++) {
                ids[k] = (int32_t)golden.numbers[k];
            }
        } else if (strcmp(word, "gradient") == 0) {
            ck_assert_int_eq(golden.count, gradients[table].count * WIDTH);
            memcpy(numbers, golden.numbers, sizeof *numbers * (size_t)golden.count);
            const struct updater_step step = {.gradients = gradients, .rows = 1, .lr_scale = 1};
            support_ok(&support, updater_step(updater, &step, &support.errors), "step");
            updates++;
        } else {
            ck_assert_str_eq(word, "after");
            memcpy(expected.data, golden.numbers, tensor_bytes(&expected));
            support_near(value, &expected, 1e-13, "after an update");
        }
    }
    ck_assert_int_eq(updates, 30);
    golden_close(&golden);
    updater_destroy(updater);
    network_destroy(network);
}
END_TEST

/* ---- row tables ---- */

START_TEST(a_row_table_has_each_row_once_and_grows) {
    enum { IDS = 500, ALL = 97 };
    const rondo_tensor table = support_random(&support, RONDO_F32, "97, 3", "table");
    struct row_table rows = {0};
    for (int pass = 0; pass < 2; pass++) {
        int32_t ids[IDS], local[IDS];
        support_ok(&support, row_table_begin(&rows, "W", &table, &support.errors), "begin");
        for (int32_t j = 0; j < IDS; j++) {
            ids[j] = (j * j + 11 * j + pass) % ALL;
        }
        support_ok(&support, row_table_add(&rows, ids, IDS, local, &support.errors), "add");
        ck_assert_int_le(rows.count, ALL);
        for (int32_t j = 0; j < IDS; j++) {
            ck_assert(local[j] >= 0 && local[j] < rows.count);
            ck_assert_int_eq(rows.ids[local[j]], ids[j]);
            ck_assert_mem_eq((const float *)rows.values.data + 3 * (ptrdiff_t)local[j],
                             (const float *)table.data + 3 * (ptrdiff_t)ids[j], 3 * sizeof(float));
        }
        for (int64_t k = 0; k < rondo_count(&rows.gradients); k++) {
            ck_assert_double_eq(tensor_get(&rows.gradients, k), 0);
            tensor_set(&rows.gradients, k, 1); /* the next pass must clear it */
        }
    }
    ck_assert_int_eq(row_table_add(&rows, (int32_t[]){3, ALL}, 2, (int32_t[2]){0}, &support.errors), RONDO_INVALID);
    ck_assert_str_eq(support_error(&support),
                     "index 97 (number 1) is out of range, expected 0 <= index < 97, the number of rows");
    row_table_free(&rows);
}
END_TEST

static Suite *embedding_rows_suite(void) {
    Suite *suite = suite_create("embedding_rows");
    TCase *cases = add_case(suite, "rows", 60, session_setup, session_teardown);
    tcase_add_loop_test(cases, gradients_by_rows_have_the_bits_of_dense_ones, 0, 2 * ROWS(thread_counts));
    tcase_add_test(cases, a_row_that_is_not_finite_is_found);
    tcase_add_loop_test(cases, trained_weights_are_those_of_dense_gradients, 0, 3 * ROWS(trainings));
    tcase_add_loop_test(cases, listed_rows_that_follow_each_other_are_updated_as_dense_ones, 0, 4 * ROWS(listings));
    tcase_add_loop_test(cases, averages_that_catch_up_are_those_of_every_update, 0, ROWS(averages));
    tcase_add_loop_test(cases, stages_that_leave_zeros_alone_process_only_the_rows_that_occurred, 0, ROWS(processed));
    tcase_add_test(cases, an_update_processes_the_elements_of_the_rows_that_occurred);
    tcase_add_test(cases, lazy_adam_is_sparse_adam_of_pytorch);
    tcase_add_test(cases, a_row_table_has_each_row_once_and_grows);
    return suite;
}

int main(void) {
    return run_suite(embedding_rows_suite());
}
