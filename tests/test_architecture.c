/* tests/test_architecture.c: models of all four architectures learn small tasks with the real trainer; what training
 * gives does not depend on threads; when it stops, and what it keeps. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "dataset_fixture.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"
#include "train/trainer.h"

/* ---- tasks ---- */

enum { MOST_STEPS = 16 };

/* A function that draws one example from a stream. Returns the number of steps of input; tokens and classes are int32,
 * numbers float. */
struct example {
    int32_t tokens[MOST_STEPS], classes[MOST_STEPS];
    float inputs[MOST_STEPS * 2], targets[MOST_STEPS];
    int64_t n_inputs, n_targets;
};

/* 1:1: the product of two numbers, which no linear function can compute. */
static void draw_product(struct rng_stream stream, struct example *example) {
    const double a = 2 * rng_uniform(stream, 0) - 1, b = 2 * rng_uniform(stream, 1) - 1;
    example->n_inputs = example->n_targets = 1;
    example->inputs[0] = (float)a;
    example->inputs[1] = (float)b;
    example->targets[0] = (float)(a * b);
}

/* 1:N: the input is the number of one of three waves, the output is this wave. */
static void draw_wave(struct rng_stream stream, struct example *example) {
    example->tokens[0] = (int32_t)rng_below(stream, 0, 3);
    example->n_inputs = 1;
    example->n_targets = 5 + (int64_t)rng_below(stream, 1, 4);
    for (int64_t t = 0; t < example->n_targets; t++) {
        example->targets[t] = (float)sin(0.5 * (example->tokens[0] + 1) * (double)(t + 1));
    }
}

/* N:1: which of the tokens 1 and 2 occurs first; other tokens are before and between them. */
static void draw_first(struct rng_stream stream, struct example *example) {
    example->n_inputs = 1 + (int64_t)rng_below(stream, 0, 7);
    example->n_targets = 1;
    const int64_t decisive = (int64_t)rng_below(stream, 1, (uint64_t)example->n_inputs);
    for (int64_t t = 0; t < example->n_inputs; t++) {
        const int32_t others = t < decisive ? 0 : 3;
        example->tokens[t] = t == decisive ? 1 + (int32_t)rng_below(stream, 2, 2)
                             : others == 0 ? (int32_t)(3 * rng_below(stream, 3 + (uint64_t)t, 2))
                                           : (int32_t)rng_below(stream, 3 + (uint64_t)t, 4);
    }
    example->classes[0] = example->tokens[decisive] - 1;
}

/* N:N: the token of two steps before, 0 at first. */
static void draw_delayed(struct rng_stream stream, struct example *example) {
    example->n_inputs = example->n_targets = 3 + (int64_t)rng_below(stream, 0, 6);
    for (int64_t t = 0; t < example->n_inputs; t++) {
        example->tokens[t] = (int32_t)rng_below(stream, 1 + (uint64_t)t, 3);
        example->classes[t] = t < 2 ? 0 : example->tokens[t - 2];
    }
}

/* N:1 without anything to learn. */
static void draw_noise(struct rng_stream stream, struct example *example) {
    example->n_inputs = 2 + (int64_t)rng_below(stream, 0, 4);
    example->n_targets = 1;
    for (int64_t t = 0; t < example->n_inputs; t++) {
        example->tokens[t] = (int32_t)rng_below(stream, 1 + (uint64_t)t, 4);
    }
    example->classes[0] = (int32_t)rng_below(stream, 20, 2);
}

struct task {
    const char *architecture, *cell, *loss;
    void (*draw)(struct rng_stream stream, struct example *example);
    int32_t input_kind, target_kind;
    int64_t input_size, target_size;
    int64_t hidden, layers, examples, batch, epochs;
    double lr;
    enum pooling pooling;
    double dropout, embedding_dropout, word_dropout;
    const struct cell_layer_settings *wrappers; /* of every layer; NULL: none */
};

/* Two lines for each task. */
/* clang-format off */
static const struct task product = {
    "1:1", "rnn_tanh", "squared_error", draw_product, STREAM_REAL, STREAM_REAL, 2, 1,
    16, 1, 96, 32, 60, 0.03, POOL_LAST, 0, 0, 0, NULL};
static const struct task wave = {
    "1:N", "gru", "squared_error", draw_wave, STREAM_CLASS, STREAM_REAL, 3, 1,
    16, 1, 16, 16, 120, 0.03, POOL_LAST, 0, 0, 0, NULL};
static const struct task first = {
    "N:1", "gru", "softmax_cross_entropy", draw_first, STREAM_CLASS, STREAM_CLASS, 4, 2,
    8, 1, 96, 16, 20, 0.03, POOL_LAST, 0, 0, 0, NULL};
static const struct task delayed = {
    "N:N", "lstm", "softmax_cross_entropy", draw_delayed, STREAM_CLASS, STREAM_CLASS, 3, 3,
    16, 1, 96, 16, 30, 0.05, POOL_LAST, 0, 0, 0, NULL};
static const struct task noise = {
    "N:1", "gru", "softmax_cross_entropy", draw_noise, STREAM_CLASS, STREAM_CLASS, 4, 2,
    8, 1, 16, 8, 40, 0.1, POOL_LAST, 0, 0, 0, NULL};
/* For tests that need no learning: two layers, dropout, several shards in a batch and a batch that is not full. */
static const struct task deep = {
    "N:1", "gru", "softmax_cross_entropy", draw_first, STREAM_CLASS, STREAM_CLASS, 4, 2,
    5, 2, 90, 40, 2, 0.02, POOL_MEAN, 0.2, 0.2, 0.2, NULL};
static const struct task deep_aligned = {
    "N:N", "lstm", "softmax_cross_entropy", draw_delayed, STREAM_CLASS, STREAM_CLASS, 3, 3,
    5, 2, 90, 40, 2, 0.02, POOL_LAST, 0.2, 0.2, 0.2, NULL};
static const struct cell_layer_settings wrapped_layer = {
    .direction = DIRECTION_BOTH, .learn_initial_state = 1, .layer_norm = 1, .clip = 2, .zoneout = 0.1,
    .zoneout_output = -1, .variational_dropout = 0.1, .weight_drop = 0.1};
static const struct cell_layer_settings certain_layer = {
    .direction = DIRECTION_BOTH, .learn_initial_state = 1, .layer_norm = 1, .clip = 2};
static const struct task deep_wrapped = {
    "N:1", "gru", "softmax_cross_entropy", draw_first, STREAM_CLASS, STREAM_CLASS, 4, 2,
    5, 2, 90, 40, 2, 0.02, POOL_LAST, 0.1, 0, 0, &wrapped_layer};
static const struct task first_wrapped = {
    "N:1", "gru", "softmax_cross_entropy", draw_first, STREAM_CLASS, STREAM_CLASS, 4, 2,
    8, 2, 96, 16, 30, 0.03, POOL_LAST, 0, 0, 0, &wrapped_layer};
/* clang-format on */

static struct task without_dropout(const struct task *task) {
    struct task certain = *task;
    certain.dropout = certain.embedding_dropout = certain.word_dropout = 0;
    certain.wrappers = task->wrappers == NULL ? NULL : &certain_layer;
    return certain;
}

static struct dataset *make_data(const struct task *task, int64_t count, const char *name) {
    struct dataset *data =
        dataset_fixture_create(task->input_kind, task->input_size, task->target_kind, task->target_size);
    for (int64_t i = 0; i < count; i++) {
        struct example example;
        task->draw(rng_substream(rng_stream(1, name), (uint64_t)i), &example);
        const void *inputs = task->input_kind == STREAM_CLASS ? (const void *)example.tokens : example.inputs;
        const void *targets = task->target_kind == STREAM_CLASS ? (const void *)example.classes : example.targets;
        support_ok(&support,
                   dataset_fixture_add(data, inputs, example.n_inputs, targets, example.n_targets, &support.errors),
                   name);
    }
    return data;
}

/* Examples with the weights 0, 1, 2, 0, …; or, without weights, as many copies of each. */
static struct dataset *make_weighted(const struct task *task, int64_t count, int as_copies) {
    struct dataset *data =
        dataset_fixture_create(task->input_kind, task->input_size, task->target_kind, task->target_size);
    if (!as_copies) {
        ck_assert_ptr_nonnull(dataset_stream(data, "weight", STREAM_REAL, STORE_F32, 1, &support.errors));
    }
    for (int64_t i = 0; i < count; i++) {
        struct example example;
        const float weight = (float)(i % 3);
        task->draw(rng_substream(rng_stream(1, "weighted"), (uint64_t)i), &example);
        const void *inputs = task->input_kind == STREAM_CLASS ? (const void *)example.tokens : example.inputs;
        const void *targets = task->target_kind == STREAM_CLASS ? (const void *)example.classes : example.targets;
        const struct stream_part parts[] = {
            {inputs, example.n_inputs}, {targets, example.n_targets}, {&weight, i % 3 == 1 ? 0 : 1}};
        for (int64_t copy = 0; copy < (as_copies ? i % 3 : 1); copy++) {
            support_ok(&support, dataset_add(data, parts, &support.errors), "example");
        }
    }
    return data;
}

static const rondo_descriptor *resolve(int32_t kind, const char *name) {
    const struct location nowhere = {NULL, 0, 0};
    const rondo_descriptor *found = registry_resolve(session->registry, kind, name, nowhere, &support.errors);
    ck_assert_msg(found != NULL, "RONDO_PLUGIN_PATH: %s", support_error(&support));
    return found;
}

static void *make_options(const rondo_descriptor *of, const char *text) {
    const struct location nowhere = {NULL, 0, 0};
    if (of->options == NULL) {
        return NULL;
    }
    void *options = options_create(of->options, of->options_size, support.arena, &support.errors);
    ck_assert_ptr_nonnull(options);
    support_ok(&support, options_parse(of->options, options, text, of->name, support.arena, nowhere, &support.errors),
               text);
    return options;
}

/* A loss alone, with its defaults. */
static const struct loss_term *term_of(const rondo_descriptor *loss, struct location where) {
    struct loss_term *term = arena_calloc(support.arena, 1, sizeof *term);
    ck_assert_ptr_nonnull(term);
    *term = (struct loss_term){.loss = (const rondo_loss *)loss,
                               .options = make_options(loss, NULL),
                               .weight = 1,
                               .origin = "built for this test",
                               .where = where};
    return term;
}

/* The network of a task with this loss in place of its own. */
static struct network *make_network_of(const struct task *task, const rondo_descriptor *loss, int32_t dtype,
                                       uint64_t seed) {
    struct cell_layer_settings layers[2];
    for (int64_t i = 0; i < task->layers; i++) {
        layers[i] = task->wrappers == NULL ? (struct cell_layer_settings){0} : *task->wrappers;
        layers[i].cell = session_definition(task->cell);
        layers[i].hidden = task->hidden;
        layers[i].dropout = task->dropout;
    }
    const int is_tokens = task->input_kind == STREAM_CLASS;
    struct model_input input = {.name = "input",
                                .symbols = is_tokens ? task->input_size : 0,
                                .size = task->input_size,
                                .embedding_size = is_tokens ? 4 : 0,
                                .init_std = 0.1,
                                .dropout = task->embedding_dropout,
                                .word_dropout = task->word_dropout,
                                .share = -1};
    struct network_settings settings = {.model = {.dtype = dtype,
                                                  .inputs = &input,
                                                  .n_inputs = 1,
                                                  .layers = layers,
                                                  .n_layers = (int32_t)task->layers,
                                                  .pooling = task->pooling},
                                        .loss = {term_of(loss, (struct location){0}), 1},
                                        .target_kind = task->target_kind,
                                        .target_size = task->target_size};
    ck_assert_int_eq(architecture_parse(task->architecture, &settings.model.architecture), 1);
    input.every_step = settings.model.architecture.input_every_step;
    settings.plan = (struct batch_plan){.architecture = settings.model.architecture, .dtype = dtype};
    struct network *network = network_create(&settings, session, &support.errors);
    ck_assert_msg(network != NULL, "%s", support_error(&support));
    support_ok(&support, model_initialise(network_model(network), seed, NULL, &support.errors), "initialise");
    return network;
}

static struct network *make_network(const struct task *task, int32_t dtype, uint64_t seed) {
    return make_network_of(task, resolve(RONDO_KIND_LOSS, task->loss), dtype, seed);
}

/* `optimizer` with the same options for every parameter, and no schedule. */
static struct trainer_settings make_settings(const struct task *task, const struct network *network,
                                             const char *optimizer, const char *options) {
    const rondo_descriptor *found = resolve(RONDO_KIND_OPTIMIZER, optimizer);
    const struct model *model = network_model(network);
    char lr[64];
    snprintf(lr, sizeof lr, "lr=%g", task->lr);
    const void *of_all = make_options(found, options == NULL ? lr : options);
    const void **by_parameter = arena_calloc(support.arena, (size_t)model_parameter_count(model), sizeof *by_parameter);
    struct updater_stage *stage = arena_calloc(support.arena, 1, sizeof *stage);
    ck_assert(by_parameter != NULL && stage != NULL);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        by_parameter[p] = of_all;
    }
    *stage = (struct updater_stage){
        .optimizer = (const rondo_optimizer *)found, .origin = "built for this test", .options = by_parameter};
    return (struct trainer_settings){
        .epochs = task->epochs,
        .batch = {.examples = task->batch},

        .seed = 1,
        .updater = {.model = model, .stages = stage, .n_stages = 1, .parallel = &session->parallel},
        .schedule = {.lr = NAN, .steps = 1, .steps_per_epoch = 1}};
}

static const struct trainer_observer nobody = {.arg = NULL};

static struct trainer_result train(struct network *network, const struct task *task, const struct dataset *data,
                                   uint64_t seed) {
    struct trainer_settings settings = make_settings(task, network, "adam", NULL);
    struct trainer_result result;
    settings.seed = seed;
    support_ok(&support, trainer_run(network, data, NULL, &settings, &nobody, &result, &support.errors), "training");
    return result;
}

/* The gradients of an update with one batch. */
static void train_batch(struct network *network, const struct dataset *data, const int64_t *examples, int64_t count,
                        struct rng_stream stream, struct scores *scores) {
    const int64_t begin[] = {0, count};
    const struct network_update update = {
        .dataset = data, .examples = examples, .begin = begin, .batches = 1, .stream = stream};
    support_ok(&support, network_train(network, &update, scores, &support.errors), "update");
}

static double evaluate(struct network *network, const struct dataset *data, int64_t batch, int32_t metric) {
    struct scores scores = {0};
    support_ok(&support,
               network_evaluate(network, data, (struct batch_size){.examples = batch}, &scores, &support.errors),
               "evaluation");
    return network_metric(network, &scores, metric);
}

/* The loss of the best predictor that does not see the inputs: the variance of the targets, or their entropy. */
static double constant_loss(const struct dataset *data) {
    const struct stream *targets = dataset_find(data, "target");
    const int64_t n = targets->elements;
    double sum = 0, squares = 0, shares[8] = {0}, entropy = 0;
    for (int64_t i = 0; i < n; i++) {
        if (targets->kind == STREAM_REAL) {
            const double number = (double)stream_number(targets, i, 0);
            sum += number;
            squares += number * number;
        } else {
            shares[stream_id(targets, i)] += 1.0 / (double)n;
        }
    }
    for (int k = 0; k < 8; k++) {
        entropy -= shares[k] > 0 ? shares[k] * log(shares[k]) : 0;
    }
    const double mean = sum / (double)n;
    return targets->kind == STREAM_REAL ? squares / (double)n - mean * mean : entropy;
}

static const struct {
    const struct task *task;
    double share; /* largest allowed loss on new examples, as a share of the loss of the best constant */
} learning_rows[] = {{&product, 0.1}, {&wave, 0.1}, {&first, 0.1}, {&delayed, 0.1}, {&first_wrapped, 0.3}};

START_TEST(every_architecture_learns) {
    const struct task *task = learning_rows[_i].task;
    struct dataset *data = make_data(task, task->examples, "train"), *unseen = make_data(task, 50, "unseen");
    struct network *network = make_network(task, RONDO_F32, 1);
    const double before = evaluate(network, unseen, 16, 0), constant = constant_loss(unseen);
    const struct trainer_result result = train(network, task, data, 1);
    const double after = evaluate(network, unseen, 16, 0);
    ck_assert_msg(before > 0.5 * constant, "%s: %g before training", task->architecture, before);
    ck_assert_msg(after < learning_rows[_i].share * constant, "%s: %g, a constant has %g", task->architecture, after,
                  constant);
    ck_assert_int_eq(result.epochs, task->epochs);
    ck_assert_int_eq(result.best_epoch, task->epochs);
    ck_assert_int_eq(result.steps, task->epochs * ((task->examples + task->batch - 1) / task->batch));
    ck_assert_int_eq(result.stopped_early, 0);
    network_destroy(network);
    dataset_destroy(data);
    dataset_destroy(unseen);
}
END_TEST

/* ---- the same bits ---- */

/* Bytes of all weights, one after the other, in the arena of the test. */
struct weights {
    char *bytes;
    size_t size;
};

static struct weights weights_of(const struct network *network) {
    const struct model *model = network_model(network);
    struct weights weights = {arena_alloc(support.arena, 1 << 20), 0};
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        memcpy(weights.bytes + weights.size, value->data, tensor_bytes(value));
        weights.size += tensor_bytes(value);
        ck_assert_uint_lt(weights.size, 1 << 19);
    }
    return weights;
}

static int same_weights(struct weights a, struct weights b) {
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

static struct weights trained(const struct task *task, int32_t threads, uint64_t model_seed, uint64_t seed) {
    session_restart(threads);
    struct dataset *data = make_data(task, task->examples, "train");
    struct network *network = make_network(task, RONDO_F32, model_seed);
    train(network, task, data, seed);
    const struct weights weights = weights_of(network);
    network_destroy(network);
    dataset_destroy(data);
    return weights;
}

static const struct task *const deep_tasks[] = {&deep, &deep_aligned, &deep_wrapped};

START_TEST(weights_are_the_same_bits_for_any_number_of_threads) {
    const struct weights one = trained(deep_tasks[_i], 1, 1, 1);
    static const int32_t threads[] = {2, 3, 8};
    for (int i = 0; i < ROWS(threads); i++) {
        ck_assert_msg(same_weights(one, trained(deep_tasks[_i], threads[i], 1, 1)), "%d threads", (int)threads[i]);
    }
}
END_TEST

START_TEST(the_seed_and_nothing_else_decides_the_weights) {
    const struct task *task = deep_tasks[_i];
    const struct weights weights = trained(task, 1, 1, 1);
    ck_assert(same_weights(weights, trained(task, 1, 1, 1)));
    ck_assert(!same_weights(weights, trained(task, 1, 2, 1))); /* another seed of the initial weights */
    ck_assert(!same_weights(weights, trained(task, 1, 1, 2))); /* another seed of order and dropout */
    const struct task certain = without_dropout(task);
    ck_assert(!same_weights(trained(&certain, 1, 1, 1), trained(&certain, 1, 1, 2))); /* only the order differs */
}
END_TEST

static const rondo_tensor *parameter_of(const struct model *model, const char *name) {
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        if (strcmp(model_parameters(model)[p].name, name) == 0) {
            return &model_parameters(model)[p].value;
        }
    }
    ck_abort_msg("there is no parameter '%s'", name);
    return NULL;
}

START_TEST(initial_weights_belong_to_their_names) {
    struct task one = deep;
    one.layers = 1;
    struct network *networks[2] = {make_network(&one, RONDO_F32, 7), make_network(&deep, RONDO_F32, 7)};
    const struct model *shallow = network_model(networks[0]), *model = network_model(networks[1]);
    ck_assert_int_gt(model_parameter_count(model), model_parameter_count(shallow));
    int compared = 0;
    for (int32_t p = 0; p < model_parameter_count(shallow); p++) {
        for (int32_t q = 0; q < model_parameter_count(model); q++) {
            const struct model_parameter *a = &model_parameters(shallow)[p], *b = &model_parameters(model)[q];
            if (strcmp(a->name, b->name) == 0) { /* an additional layer changes none of the others */
                ck_assert(tensor_same_shape(&a->value, &b->value));
                ck_assert_mem_eq(a->value.data, b->value.data, tensor_bytes(&a->value));
                compared++;
            }
        }
    }
    ck_assert_int_eq(compared, model_parameter_count(shallow));
    ck_assert_str_eq(model_parameters(model)[0].name, "embedding.W");
    ck_assert_str_eq(model_parameters(model)[1].name, "layers.0.W_r");
    ck_assert_str_eq(model_parameters(model)[model_parameter_count(model) - 1].name, "head.b");
    /* Parameters with the same shape and initialiser have different values. */
    static const char *const alike[][2] = {{"layers.0.U_r", "layers.0.U_z"}, {"layers.0.U_r", "layers.1.U_r"}};
    for (int i = 0; i < ROWS(alike); i++) {
        const rondo_tensor *a = parameter_of(model, alike[i][0]), *b = parameter_of(model, alike[i][1]);
        ck_assert(tensor_same_shape(a, b));
        ck_assert_mem_ne(a->data, b->data, tensor_bytes(a));
    }
    network_destroy(networks[0]);
    network_destroy(networks[1]);
}
END_TEST

/* ---- a batch is its examples ---- */

/* The gradients in the shapes of the parameters, in the arena of the test. */
static const rondo_tensor *dense(const struct network *network, const struct gradient *gradients) {
    const struct model *model = network_model(network);
    const int32_t count = model_parameter_count(model);
    rondo_tensor *all = arena_calloc(support.arena, (size_t)count, sizeof *all);
    ck_assert_ptr_nonnull(all);
    for (int32_t p = 0; p < count; p++) {
        all[p] = model_parameters(model)[p].value;
        support_ok(&support, tensor_alloc(&all[p], support.arena, &support.errors), "memory");
        gradient_expand(&gradients[p], 0, rondo_count(&all[p]), all[p].data);
    }
    return all;
}

START_TEST(the_gradient_of_a_batch_is_the_mean_over_its_rows) {
    const struct task task = without_dropout(deep_tasks[_i]);
    enum { COUNT = 37 }; /* three shards */
    struct dataset *data = make_data(&task, COUNT, "train");
    struct network *network = make_network(&task, RONDO_F64, 1);
    const struct model *model = network_model(network);
    const struct rng_stream stream = rng_stream(1, "step");
    int64_t examples[COUNT];
    struct scores all = {0}, each = {0};
    rondo_tensor means[64];
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        means[p] = model_parameters(model)[p].value;
        support_ok(&support, tensor_alloc(&means[p], support.arena, &support.errors), "memory");
    }
    for (int64_t i = 0; i < COUNT; i++) {
        examples[i] = (i * 7) % COUNT;
        struct scores one = {0};
        train_batch(network, data, &examples[i], 1, stream, &one);
        const rondo_tensor *gradients = dense(network, network_gradients(network));
        for (int32_t p = 0; p < model_parameter_count(model); p++) {
            for (int64_t k = 0; k < rondo_count(&means[p]); k++) {
                const double add = (double)one.rows * tensor_get(&gradients[p], k);
                tensor_set(&means[p], k, tensor_get(&means[p], k) + add);
            }
        }
        each.rows += one.rows;
        each.sums[0] += one.sums[0];
    }
    train_batch(network, data, examples, COUNT, stream, &all);
    ck_assert_int_eq(all.rows, each.rows);
    ck_assert_int_eq(all.rows, dataset_fixture_targets(data));
    ck_assert_double_eq_tol(all.sums[0], each.sums[0], 1e-10);
    const rondo_tensor *gradients = dense(network, network_gradients(network));
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        for (int64_t k = 0; k < rondo_count(&means[p]); k++) {
            tensor_set(&means[p], k, tensor_get(&means[p], k) / (double)all.rows);
        }
        support_near(&gradients[p], &means[p], 1e-12, model_parameters(model)[p].name);
    }
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

static double norm_of(const rondo_tensor *gradients, int32_t count) {
    double squares = 0;
    for (int32_t p = 0; p < count; p++) {
        for (int64_t i = 0; i < rondo_count(&gradients[p]); i++) {
            squares += tensor_get(&gradients[p], i) * tensor_get(&gradients[p], i);
        }
    }
    return sqrt(squares);
}

/* Copies of the gradients, in the arena of the test. */
static rondo_tensor *copy_gradients(const struct network *network, const rondo_tensor *gradients) {
    const int32_t count = model_parameter_count(network_model(network));
    rondo_tensor *copies = arena_calloc(support.arena, (size_t)count, sizeof *copies);
    ck_assert_ptr_nonnull(copies);
    for (int32_t p = 0; p < count; p++) {
        copies[p] = gradients[p];
        support_ok(&support, tensor_alloc(&copies[p], support.arena, &support.errors), "memory");
        memcpy(copies[p].data, gradients[p].data, tensor_bytes(&copies[p]));
    }
    return copies;
}

static void assert_gradients_near(const struct network *network, const rondo_tensor *gradients,
                                  const rondo_tensor *expected, double tolerance) {
    const struct model *model = network_model(network);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        support_near(&gradients[p], &expected[p], tolerance, model_parameters(model)[p].name);
    }
}

/* Batches of 1, 3, 1 and 1 shards: a later one has more, and then fewer. */
enum { UPDATE_EXAMPLES = 61 };
static const int64_t update_begin[] = {0, 16, 51, 52, UPDATE_EXAMPLES};

START_TEST(an_update_of_several_batches_is_that_of_one_large_batch) {
    const struct task task = without_dropout(deep_tasks[_i]);
    struct dataset *data = make_data(&task, UPDATE_EXAMPLES, "train");
    struct network *network = make_network(&task, RONDO_F64, 1);
    int64_t examples[UPDATE_EXAMPLES];
    for (int64_t i = 0; i < UPDATE_EXAMPLES; i++) {
        examples[i] = (i * 7) % UPDATE_EXAMPLES;
    }
    struct scores together = {0}, apart = {0};
    train_batch(network, data, examples, UPDATE_EXAMPLES, rng_stream(1, "step"), &together);
    const rondo_tensor *expected = dense(network, network_gradients(network));
    const struct network_update update = {
        .dataset = data, .examples = examples, .begin = update_begin, .batches = 4, .stream = rng_stream(1, "step")};
    support_ok(&support, network_train(network, &update, &apart, &support.errors), "update");
    assert_gradients_near(network, dense(network, network_gradients(network)), expected, 1e-12);
    ck_assert_int_eq(apart.rows, together.rows);
    ck_assert_double_eq_tol(apart.sums[0], together.sums[0], 1e-10);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* With dropout, and for sampled gradients: each batch draws its own random words. */
START_TEST(an_update_is_the_mean_of_its_batches_by_their_rows) {
    const struct task *task = deep_tasks[_i];
    struct dataset *data = make_data(task, UPDATE_EXAMPLES, "train");
    struct network *network = make_network(task, RONDO_F64, 1);
    const struct model *model = network_model(network);
    const struct rng_stream stream = rng_stream(1, "step");
    int64_t examples[UPDATE_EXAMPLES];
    for (int64_t i = 0; i < UPDATE_EXAMPLES; i++) {
        examples[i] = i;
    }
    struct scores all = {0}, each = {0};
    const struct network_update update = {
        .dataset = data, .examples = examples, .begin = update_begin, .batches = 4, .stream = stream, .sampled = 1};
    support_ok(&support, network_train(network, &update, &all, &support.errors), "update");
    const rondo_tensor *trained = dense(network, network_gradients(network));
    const rondo_tensor *sampled = dense(network, network_sampled_gradients(network));
    rondo_tensor *sums[] = {copy_gradients(network, trained), copy_gradients(network, sampled)};
    for (int64_t k = 0; k < 4; k++) {
        struct network_update one = update;
        one.begin = update_begin + k;
        one.batches = 1;
        one.stream = k == 0 ? stream : rng_substream(rng_stream(stream.key, "batch"), (uint64_t)k);
        const int64_t rows_before = each.rows;
        support_ok(&support, network_train(network, &one, &each, &support.errors), "batch");
        const double share = (double)(each.rows - rows_before) / (double)all.rows;
        const rondo_tensor *gradients[] = {dense(network, network_gradients(network)),
                                           dense(network, network_sampled_gradients(network))};
        for (int set = 0; set < 2; set++) {
            for (int32_t p = 0; p < model_parameter_count(model); p++) {
                for (int64_t i = 0; i < rondo_count(&sums[set][p]); i++) {
                    const double before = k == 0 ? 0 : tensor_get(&sums[set][p], i);
                    tensor_set(&sums[set][p], i, before + share * tensor_get(&gradients[set][p], i));
                }
            }
        }
    }
    assert_gradients_near(network, trained, sums[0], 1e-12);
    assert_gradients_near(network, sampled, sums[1], 1e-12);
    ck_assert_double_eq_tol(all.sums[0], each.sums[0], 1e-10);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* Examples that give no weight have the weight 1. Metrics other than losses count every row once. */
START_TEST(an_example_of_weight_2_is_two_examples_and_one_of_weight_0_is_none) {
    const struct task task = without_dropout(deep_tasks[_i]);
    enum { COUNT = 39 };
    struct dataset *weighted = make_weighted(&task, COUNT, 0), *copies = make_weighted(&task, COUNT, 1);
    struct network *network = make_network(&task, RONDO_F64, 1);
    int64_t examples[COUNT];
    for (int64_t i = 0; i < COUNT; i++) {
        examples[i] = i;
    }
    ck_assert_int_eq(weighted->count, COUNT);
    ck_assert_int_eq(copies->count, COUNT);
    struct scores by_weight = {0}, by_copies = {0};
    train_batch(network, copies, examples, COUNT, rng_stream(1, "step"), &by_copies);
    const rondo_tensor *expected = dense(network, network_gradients(network));
    train_batch(network, weighted, examples, COUNT, rng_stream(1, "step"), &by_weight);
    assert_gradients_near(network, dense(network, network_gradients(network)), expected, 1e-12);
    /* Over three batches, none of which has the same sum of weights. */
    static const int64_t begin[] = {0, 1, 5, COUNT};
    const struct network_update update = {
        .dataset = weighted, .examples = examples, .begin = begin, .batches = 3, .stream = rng_stream(1, "step")};
    support_ok(&support, network_train(network, &update, &(struct scores){0}, &support.errors), "update");
    assert_gradients_near(network, dense(network, network_gradients(network)), expected, 1e-12);

    ck_assert_int_eq(by_copies.rows, dataset_fixture_targets(copies));
    ck_assert_int_eq(by_weight.rows, dataset_fixture_targets(weighted));
    ck_assert_double_eq_tol(by_weight.weight, (double)by_copies.rows, 1e-12);
    ck_assert_double_eq_tol(network_metric(network, &by_weight, 0), network_metric(network, &by_copies, 0), 1e-12);
    ck_assert_double_eq_tol(evaluate(network, weighted, 7, 0), evaluate(network, copies, 7, 0), 1e-12);
    struct dataset *same = dataset_view(weighted, examples, COUNT, &support.errors);
    ck_assert_ptr_nonnull(same);
    ck_assert_str_eq(same->streams[2].name, "weight");
    same->n_streams = 2;
    ck_assert_str_eq(network_metric_name(network, 1), "accuracy");
    ck_assert_double_eq(evaluate(network, weighted, 7, 1), evaluate(network, same, 7, 1));
    ck_assert_double_ne(evaluate(network, weighted, 7, 0), evaluate(network, same, 7, 0));
    same->n_streams = 3;
    dataset_destroy(same);
    network_destroy(network);
    dataset_destroy(weighted);
    dataset_destroy(copies);
}
END_TEST

START_TEST(a_batch_without_weight_has_no_gradient) {
    struct dataset *data = make_weighted(&deep, 4, 0);
    struct network *network = make_network(&deep, RONDO_F64, 1);
    static const int64_t examples[] = {0, 3}; /* of weight 0 */
    struct scores scores = {0};
    train_batch(network, data, examples, 2, rng_stream(1, "step"), &scores);
    ck_assert_double_eq(scores.weight, 0);
    ck_assert_double_eq(
        norm_of(dense(network, network_gradients(network)), model_parameter_count(network_model(network))), 0);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

START_TEST(predictions_stand_in_the_order_of_the_data_whatever_the_batch) {
    const struct task *task = deep_tasks[_i];
    enum { COUNT = 41 };
    struct dataset *data = make_data(task, COUNT, "train");
    struct network *network = make_network(task, RONDO_F32, 1);
    const int every_step = network_plan(network)->architecture.output_every_step;
    const int64_t rows = every_step ? dataset_fixture_targets(data) : COUNT, width = task->target_size;
    float *together = arena_calloc(support.arena, (size_t)(rows * width), sizeof *together);
    float *apart = arena_calloc(support.arena, (size_t)(rows * width), sizeof *apart);
    support_ok(&support, network_predict(network, data, COUNT, together, NULL, &support.errors), "together");
    support_ok(&support, network_predict(network, data, 1, apart, NULL, &support.errors), "apart");
    for (int64_t row = 0; row < rows; row++) {
        double sum = 0;
        for (int64_t k = 0; k < width; k++) {
            ck_assert_float_eq_tol(together[row * width + k], apart[row * width + k], 1e-6);
            sum += (double)together[row * width + k];
        }
        ck_assert_double_eq_tol(sum, 1, 1e-5);
    }
    ck_assert_float_ne(together[0], together[(rows - 1) * width]); /* the outputs of the rows differ */
    const double loss = evaluate(network, data, COUNT, 0);
    ck_assert_double_eq_tol(evaluate(network, data, 3, 0), loss, 1e-6);
    ck_assert_double_eq(evaluate(network, data, COUNT, 0), loss); /* no random numbers are drawn outside training */
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* The loss of `count` equal examples. */
static double loss_of_copies(struct network *network, const struct dataset *data, int64_t count) {
    static const int64_t copies[2 * NETWORK_SHARD_ROWS] = {0};
    struct scores scores = {0};
    train_batch(network, data, copies, count, rng_stream(1, "step"), &scores);
    return scores.sums[0];
}

/* softmax_cross_entropy, counting how often it computes predictions. */
static const rondo_loss *counted_loss;
static int n_predictions;

static rondo_status count_predict(rondo_context *ctx, const rondo_loss_call *call, const rondo_tensor *outputs,
                                  const rondo_tensor *predictions) {
    n_predictions++;
    return counted_loss->predict(ctx, call, outputs, predictions);
}

/* Computing metrics of training batches would cost a second softmax per update. */
START_TEST(training_computes_no_predictions) {
    static const int64_t examples[] = {0, 1, 2, 3};
    counted_loss = (const rondo_loss *)resolve(RONDO_KIND_LOSS, "softmax_cross_entropy");
    rondo_loss counting = *counted_loss;
    counting.predict = count_predict;
    struct dataset *data = make_data(&first, 8, "train");
    struct network *network = make_network_of(&first, &counting.base, RONDO_F32, 1);
    struct scores scores = {0};
    n_predictions = 0;
    train_batch(network, data, examples, 4, rng_stream(1, "step"), &scores);
    ck_assert_int_eq(n_predictions, 0);
    ck_assert_int_eq(scores.rows, 4);
    ck_assert_double_gt(network_metric(network, &scores, 0), 0);
    evaluate(network, data, 8, 0);
    ck_assert_int_eq(n_predictions, 1);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

static const double dropout_rows[][3] = {{0, 0, 0}, {0.5, 0, 0}, {0, 0.5, 0}, {0, 0, 0.5}};

START_TEST(each_kind_of_dropout_acts_in_training_alone) {
    struct task task = deep;
    task.dropout = dropout_rows[_i][0];
    task.embedding_dropout = dropout_rows[_i][1];
    task.word_dropout = dropout_rows[_i][2];
    struct dataset *data = make_data(&task, 1, "train");
    struct network *network = make_network(&task, RONDO_F64, 1);
    const double training = loss_of_copies(network, data, NETWORK_SHARD_ROWS) / NETWORK_SHARD_ROWS;
    const double evaluation = evaluate(network, data, 1, 0);
    if (_i == 0) {
        ck_assert_double_eq_tol(training, evaluation, 1e-12);
    } else {
        ck_assert_msg(fabs(training - evaluation) > 1e-6, "%g in training, %g in evaluation", training, evaluation);
    }
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

START_TEST(shards_of_a_batch_draw_words_of_their_own) {
    struct task task = deep;
    struct dataset *data = make_data(&task, 1, "train");
    struct network *network = make_network(&task, RONDO_F64, 1);
    const double one = loss_of_copies(network, data, NETWORK_SHARD_ROWS);
    const double two = loss_of_copies(network, data, 2 * NETWORK_SHARD_ROWS);
    ck_assert_double_eq(loss_of_copies(network, data, NETWORK_SHARD_ROWS), one);
    ck_assert_msg(fabs(two - 2 * one) > 1e-6, "%g in one shard, %g in two", one, two);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* ---- from the states to the outputs ---- */

/* If the head passes its input on, a model's outputs are its pooled states; with an output at every step the states. */
static struct model *bare_model(const char *architecture, enum pooling pooling) {
    enum { HIDDEN = 5 };
    const struct cell_layer_settings layer = {.cell = session_definition("gru"), .hidden = HIDDEN};
    struct model_input input = {.name = "input", .size = 2, .unknown = -1, .share = -1};
    struct model_settings settings = {.dtype = RONDO_F64,
                                      .inputs = &input,
                                      .n_inputs = 1,
                                      .layers = &layer,
                                      .n_layers = 1,
                                      .pooling = pooling,
                                      .output_size = HIDDEN};
    ck_assert_int_eq(architecture_parse(architecture, &settings.architecture), 1);
    input.every_step = settings.architecture.input_every_step;
    struct model *model = model_create(&settings, session->registry, &support.errors);
    ck_assert_msg(model != NULL, "%s", support_error(&support));
    support_ok(&support, model_initialise(model, 1, NULL, &support.errors), "initialise");
    const rondo_tensor *head = &model_parameters(model)[model_find(model, "head.W")].value;
    for (int64_t i = 0; i < rondo_count(head); i++) {
        tensor_set(head, i, i / HIDDEN == i % HIDDEN);
    }
    return model;
}

static rondo_tensor run_model(const struct model *model, struct tape *tape, const struct time_axis *time,
                              const rondo_tensor *inputs) {
    rondo_value values[16];
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        values[p] = tape_constant(tape, &model_parameters(model)[p].value);
    }
    const struct model_call call = {.time = time, .inputs = inputs, .parameters = values, .stream = rng_stream(1, "")};
    struct model_result result;
    support_ok(&support, model_record(model, tape, &call, &result), "recording");
    return *tape_tensor(tape, result.outputs);
}

static double pooled(enum pooling pooling, const rondo_tensor *states, const struct time_axis *time, int64_t row,
                     int64_t k) {
    const int64_t length = time->lengths[row];
    const double at_start = tensor_get(states, row * states->shape[1] + k);
    double last = 0, sum = 0, most = -INFINITY;
    for (int64_t t = 0; t < length; t++) {
        last = tensor_get(states, (time->begin[t] + row) * states->shape[1] + k);
        sum += last;
        most = fmax(most, last);
    }
    return pooling == POOL_LAST    ? last
           : pooling == POOL_FIRST ? at_start
           : pooling == POOL_MEAN  ? sum / (double)length
                                   : most;
}

START_TEST(pooling_takes_the_last_first_mean_or_largest_state_of_real_steps) {
    static const int64_t lengths[] = {6, 4, 4, 2, 1};
    const struct time_axis time = support_time(&support, lengths, ROWS(lengths));
    const rondo_tensor inputs = support_random(&support, RONDO_F64, "17, 2", "x");
    struct model *every = bare_model("N:N", POOL_LAST), *one = bare_model("N:1", (enum pooling)_i);
    struct tape *tape = support_tape(&support, NULL);
    const rondo_tensor states = run_model(every, tape, &time, &inputs), outputs = run_model(one, tape, &time, &inputs);
    ck_assert_int_eq(states.shape[0], 17);
    ck_assert_int_eq(outputs.shape[0], ROWS(lengths));
    for (int64_t row = 0; row < ROWS(lengths); row++) {
        for (int64_t k = 0; k < 5; k++) {
            ck_assert_double_eq_tol(tensor_get(&outputs, row * 5 + k), pooled((enum pooling)_i, &states, &time, row, k),
                                    1e-14);
        }
    }
    tape_destroy(tape);
    model_destroy(every);
    model_destroy(one);
}
END_TEST

START_TEST(steps_without_input_run_on_zeros) {
    static const int64_t lengths[] = {4, 3, 1};
    const struct time_axis time = support_time(&support, lengths, ROWS(lengths));
    const rondo_tensor firsts = support_random(&support, RONDO_F64, "3, 2", "x");
    const rondo_tensor all = support_zeros(&support, RONDO_F64, "8, 2");
    memcpy(all.data, firsts.data, tensor_bytes(&firsts));
    struct model *one = bare_model("1:N", POOL_LAST), *every = bare_model("N:N", POOL_LAST);
    struct tape *tape = support_tape(&support, NULL);
    const rondo_tensor of_first = run_model(one, tape, &time, &firsts), of_all = run_model(every, tape, &time, &all);
    support_near(&of_first, &of_all, 0, "outputs");
    tape_destroy(tape);
    model_destroy(one);
    model_destroy(every);
}
END_TEST

static const struct {
    const char *text;
    int is_right, input_every_step, output_every_step;
} architecture_rows[] = {
    {"1:1", 1, 0, 0}, {"1:N", 1, 0, 1}, {"N:1", 1, 1, 0}, {"N:N", 1, 1, 1},  {"", 0, 0, 0},      {"n:n", 0, 0, 0},
    {"N:M", 0, 0, 0}, {"1:", 0, 0, 0},  {"N", 0, 0, 0},   {"1:1 ", 0, 0, 0}, {"N:N:N", 0, 0, 0},
};

START_TEST(architectures_have_four_names) {
    struct architecture architecture = {7, 7};
    ck_assert_int_eq(architecture_parse(architecture_rows[_i].text, &architecture), architecture_rows[_i].is_right);
    if (architecture_rows[_i].is_right) {
        ck_assert_int_eq(architecture.input_every_step, architecture_rows[_i].input_every_step);
        ck_assert_int_eq(architecture.output_every_step, architecture_rows[_i].output_every_step);
        ck_assert_str_eq(architecture_text(architecture), architecture_rows[_i].text);
    } else {
        ck_assert_int_eq(architecture.input_every_step, 7); /* not changed */
    }
}
END_TEST

/* ---- when training stops, and which weights it keeps ---- */

enum { MOST_INTERVALS = 128 };
struct watch {
    struct network *network;
    int32_t metric;
    double values[MOST_INTERVALS + 1]; /* values on the validation data, by validation from 1 */
    int is_best[MOST_INTERVALS + 1];
    int64_t epoch[MOST_INTERVALS + 1], step[MOST_INTERVALS + 1];
    int64_t intervals, updates;
    int64_t fail_at_interval, fail_at_update; /* 0: never */
    int64_t poison_at_update;                 /* a weight becomes infinite after this update */
    int64_t examples;                         /* trained on */
};

static rondo_status watch_update(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct watch *watch = arg;
    watch->updates++;
    ck_assert_int_eq(progress->steps, watch->updates);
    ck_assert_int_ge(progress->interval_updates, 1);
    ck_assert_int_eq(progress->interval_updates, progress->steps - watch->step[watch->intervals]);
    ck_assert_int_le(progress->update, progress->updates);
    ck_assert_ptr_null(progress->valid);
    ck_assert(progress->gradient_norm > 0 && progress->interval_seconds >= 0);
    if (watch->updates == watch->poison_at_update) {
        tensor_set(&model_parameters(network_model(watch->network))[2].value, 0, INFINITY);
    }
    return watch->updates == watch->fail_at_update ? errors_add(errors, RONDO_IO, "the disk is full") : RONDO_OK;
}

static rondo_status watch_interval(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct watch *watch = arg;
    watch->intervals++;
    ck_assert_int_lt(watch->intervals, MOST_INTERVALS);
    watch->epoch[watch->intervals] = progress->epoch;
    watch->step[watch->intervals] = progress->steps;
    watch->examples += progress->interval_examples;
    if (!network_plan(watch->network)->architecture.output_every_step) {
        ck_assert_int_eq(progress->train->rows, progress->interval_examples);
    }
    if (progress->valid != NULL) {
        watch->values[watch->intervals] = network_metric(watch->network, progress->valid, watch->metric);
    }
    watch->is_best[watch->intervals] = progress->is_best;
    return watch->intervals == watch->fail_at_interval ? errors_add(errors, RONDO_IO, "the disk is full") : RONDO_OK;
}

/* What the trainer should have done, computed from the values that it saw. */
static int64_t best_interval(const struct watch *watch, int higher_is_better, double min_delta) {
    int64_t best = 1;
    for (int64_t i = 2; i <= watch->intervals; i++) {
        const double gain =
            higher_is_better ? watch->values[i] - watch->values[best] : watch->values[best] - watch->values[i];
        best = gain > min_delta ? i : best;
    }
    return best;
}

static const struct {
    const struct task *task;
    int32_t metric; /* 0: loss, 1: accuracy */
    int64_t patience;
    double min_delta;
    double validate_every; /* updates; 0: an epoch */
} stopping_rows[] = {
    {&noise, 0, 3, 0, 0},   {&noise, 0, 1, 0, 0},   {&noise, 1, 5, 0, 0},   {&noise, 0, 0, 0, 0}, {&noise, 0, 63, 0, 0},
    {&first, 0, 3, 0, 0},   {&first, 0, 3, 0.5, 0}, {&first, 1, 2, 0.5, 0}, {&noise, 0, 3, 0, 1}, {&noise, 1, 5, 0, 3},
    {&first, 0, 3, 0.5, 4}, {&noise, 0, 0, 0, 1},   {&noise, 0, 2, 0, 6},
};

/* 1 if the patience ended after the last validation, and not before it. */
static int has_lost_patience(const struct watch *watch, int higher_is_better, const struct trainer_settings *settings) {
    struct watch past = *watch;
    int has_lost = 0;
    for (past.intervals = 1; past.intervals <= watch->intervals && settings->patience > 0; past.intervals++) {
        ck_assert_int_eq(has_lost, 0);
        has_lost = past.intervals - best_interval(&past, higher_is_better, settings->min_delta) >= settings->patience;
    }
    return has_lost;
}

START_TEST(early_stopping_keeps_the_weights_of_the_best_validation) {
    const struct task *task = stopping_rows[_i].task;
    struct dataset *data = make_data(task, task->examples, "train"), *valid = make_data(task, 24, "valid");
    struct watch watch = {.network = make_network(task, RONDO_F32, 1), .metric = stopping_rows[_i].metric};
    const struct trainer_observer observer = {
        .update_end = watch_update, .interval_end = watch_interval, .arg = &watch};
    struct trainer_settings settings = make_settings(task, watch.network, "adam", NULL);
    settings.metric = stopping_rows[_i].metric;
    settings.patience = stopping_rows[_i].patience;
    settings.min_delta = stopping_rows[_i].min_delta;
    settings.validate_every = stopping_rows[_i].validate_every;
    struct trainer_result result;
    support_ok(&support, trainer_run(watch.network, data, valid, &settings, &observer, &result, &support.errors),
               "training");
    const int64_t best = best_interval(&watch, settings.metric == 1, settings.min_delta), last = watch.intervals;
    const int64_t all_updates = task->epochs * (task->examples / task->batch);
    ck_assert_int_eq(result.best_epoch, watch.epoch[best]);
    ck_assert_int_eq(result.best_step, watch.step[best]);
    ck_assert_int_eq(result.epochs, watch.epoch[last]);
    ck_assert_int_eq(result.steps, watch.updates);
    ck_assert_int_eq(result.steps, watch.step[last]);
    ck_assert_int_eq(result.stopped_early, result.steps < all_updates);
    ck_assert(has_lost_patience(&watch, settings.metric == 1, &settings) || result.steps == all_updates);
    ck_assert(task != &noise || result.stopped_early == (settings.patience > 0 && settings.patience < 40));
    ck_assert_int_eq(watch.is_best[best], 1);
    for (int64_t i = best + 1; i <= last; i++) {
        ck_assert_int_eq(watch.is_best[i], 0);
    }
    ck_assert_double_eq(evaluate(watch.network, valid, task->batch, settings.metric), watch.values[best]);
    if (result.stopped_early && settings.metric == 0) { /* the last validation had other weights */
        ck_assert_double_ne(watch.values[last], watch.values[best]);
    }
    network_destroy(watch.network);
    dataset_destroy(data);
    dataset_destroy(valid);
}
END_TEST

/* Three epochs of 6 batches of the task `first`, which has 96 examples. */
static const struct {
    int64_t accumulate;
    double every;
    int64_t steps[20]; /* after which a validation follows; 0 ends the list */
    int has_no_valid;
} interval_rows[] = {
    {1, 0, {6, 12, 18}, 0},
    {1, 4, {4, 8, 12, 16, 18}, 0},
    {1, 7, {7, 14, 18}, 0},
    {1, 12, {12, 18}, 0},
    {1, 100, {18}, 0},
    {1, 2.4, {3, 5, 8, 10, 12, 15, 17, 18}, 0}, /* 0.4 epochs */
    {1, 0.1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}, 0},
    {2, 0, {3, 6, 9}, 0},
    {4, 0, {2, 4, 6}, 0}, /* an update of four batches, and one of two */
    {4, 5, {5, 6}, 0},
    {6, 1, {1, 2, 3}, 0},
    {9, 0, {1, 2, 3}, 0}, /* an epoch has fewer batches than an update may have */
    {1, 0, {6, 12, 18}, 1},
    {4, 0, {2, 4, 6}, 1},
};

START_TEST(validations_follow_every_so_many_updates) {
    const struct task *task = &first;
    struct dataset *data = make_data(task, task->examples, "train"), *valid = make_data(task, 24, "valid");
    struct watch watch = {.network = make_network(task, RONDO_F32, 1)};
    const struct trainer_observer observer = {
        .update_end = watch_update, .interval_end = watch_interval, .arg = &watch};
    struct trainer_settings settings = make_settings(task, watch.network, "adam", NULL);
    settings.epochs = 3;
    settings.accumulate = interval_rows[_i].accumulate;
    settings.validate_every = interval_rows[_i].every;
    struct trainer_result result;
    support_ok(&support,
               trainer_run(watch.network, data, interval_rows[_i].has_no_valid ? NULL : valid, &settings, &observer,
                           &result, &support.errors),
               "training");
    int64_t count = 0;
    for (; interval_rows[_i].steps[count] > 0; count++) {
        ck_assert_int_eq(watch.step[count + 1], interval_rows[_i].steps[count]);
    }
    ck_assert_int_eq(watch.intervals, count);
    ck_assert_int_eq(watch.updates, interval_rows[_i].steps[count - 1]);
    ck_assert_int_eq(watch.examples, 3 * task->examples);
    ck_assert_int_eq(result.steps, watch.updates);
    ck_assert_int_eq(result.stopped_early, 0);
    network_destroy(watch.network);
    dataset_destroy(data);
    dataset_destroy(valid);
}
END_TEST

/* Saves the state of a training at one of its pauses. */
struct save_watch {
    int64_t step; /* after this update */
    struct archive *archive;
    int64_t validations;
};

static rondo_status watch_pause(void *arg, enum trainer_pause why, const struct trainer_progress *progress,
                                const struct training *training, struct errors *errors) {
    struct save_watch *watch = arg;
    (void)why, (void)errors;
    if (progress->steps == watch->step && archive_count(watch->archive) == 0) {
        trainer_save(training, watch->archive);
        ck_assert(!archive_is_failed(watch->archive));
    }
    return RONDO_OK;
}

static rondo_status count_validations(void *arg, const struct trainer_progress *progress, struct errors *errors) {
    struct save_watch *watch = arg;
    (void)errors;
    watch->validations += progress->valid != NULL;
    return RONDO_OK;
}

/* From each pause of three epochs, a network with other weights comes to the same end, and so does a training of more
 * epochs than were planned: the validation at the end of the shorter one, if it is not due there, is not in it. */
START_TEST(a_training_goes_on_from_where_it_was_saved) {
    const struct task *task = &first;
    struct dataset *data = make_data(task, task->examples, "train"), *valid = make_data(task, 24, "valid");
    struct network *alone = make_network(task, RONDO_F32, 1);
    struct trainer_settings settings = make_settings(task, alone, "adam", NULL);
    struct trainer_result result, resumed;
    struct save_watch straight = {.step = -1, .archive = archive_create()};
    struct trainer_observer observer = {.interval_end = count_validations, .pause = watch_pause, .arg = &straight};
    const struct dataset *valid_or_not = interval_rows[_i].has_no_valid ? NULL : valid;
    settings.epochs = 3;
    settings.accumulate = interval_rows[_i].accumulate;
    settings.validate_every = interval_rows[_i].every;
    support_ok(&support, trainer_run(alone, data, valid_or_not, &settings, &observer, &result, &support.errors),
               "training");
    archive_destroy(straight.archive);
    for (int64_t step = 1; step <= result.steps; step += 1 + step % 4) {
        for (int is_longer = 0; is_longer < 2; is_longer++) {
            const int64_t per_epoch = result.steps / 3, epochs = (step + per_epoch - 1) / per_epoch;
            struct save_watch watch = {.step = step, .archive = archive_create()};
            struct network *network = make_network(task, RONDO_F32, 1), *other = make_network(task, RONDO_F32, 2);
            observer.arg = &watch;
            settings.updater = make_settings(task, network, "adam", NULL).updater;
            settings.epochs = is_longer ? epochs : 3;
            settings.resume = NULL;
            support_ok(&support,
                       trainer_run(network, data, valid_or_not, &settings, &observer, &resumed, &support.errors),
                       "training");
            settings.updater = make_settings(task, other, "adam", NULL).updater;
            settings.epochs = 3;
            settings.resume = watch.archive;
            observer.arg = &straight;
            support_ok(&support,
                       trainer_run(other, data, valid_or_not, &settings, &(struct trainer_observer){.arg = NULL},
                                   &resumed, &support.errors),
                       "resumed training");
            ck_assert_int_eq(archive_check_taken(watch.archive, &support.errors), RONDO_OK);
            ck_assert_int_eq(resumed.epochs, result.epochs);
            ck_assert_int_eq(resumed.best_step, result.best_step);
            ck_assert_int_eq(resumed.steps, result.steps);
            ck_assert_int_eq(memcmp(&resumed.valid, &result.valid, sizeof result.valid), 0);
            for (int32_t p = 0; p < model_parameter_count(network_model(alone)); p++) {
                const rondo_tensor *one = &model_parameters(network_model(alone))[p].value;
                const rondo_tensor *two = &model_parameters(network_model(other))[p].value;
                ck_assert_int_eq(memcmp(one->data, two->data, tensor_bytes(one)), 0);
            }
            network_destroy(network);
            network_destroy(other);
            archive_destroy(watch.archive);
        }
    }
    network_destroy(alone);
    dataset_destroy(data);
    dataset_destroy(valid);
}
END_TEST

static const struct { int64_t fail_at_interval, fail_at_update; } observer_rows[] = {{2, 0}, {0, 3}, {1, 0}, {0, 1}};

START_TEST(an_observer_that_fails_ends_the_training) {
    const struct task *task = &noise; /* two batches an epoch */
    struct dataset *data = make_data(task, task->examples, "train");
    struct watch watch = {.network = make_network(task, RONDO_F32, 1),
                          .fail_at_interval = observer_rows[_i].fail_at_interval,
                          .fail_at_update = observer_rows[_i].fail_at_update};
    const struct trainer_observer observer = {
        .update_end = watch_update, .interval_end = watch_interval, .arg = &watch};
    const struct trainer_settings settings = make_settings(task, watch.network, "adam", NULL);
    struct trainer_result result;
    ck_assert_int_eq(trainer_run(watch.network, data, NULL, &settings, &observer, &result, &support.errors), RONDO_IO);
    ck_assert_str_eq(support_error(&support), "the disk is full");
    ck_assert_int_eq(watch.intervals, observer_rows[_i].fail_at_interval > 0 ? observer_rows[_i].fail_at_interval
                                                                             : observer_rows[_i].fail_at_update / 2);
    network_destroy(watch.network);
    dataset_destroy(data);
}
END_TEST

static void assert_begins(const char *text, const char *beginning) {
    ck_assert_msg(strncmp(text, beginning, strlen(beginning)) == 0, "%s", text);
}

START_TEST(weights_that_become_infinite_stop_the_training_and_the_best_come_back) {
    const struct task *task = &noise;
    struct dataset *data = make_data(task, task->examples, "train"), *valid = make_data(task, 24, "valid");
    struct watch watch = {.network = make_network(task, RONDO_F32, 1), .poison_at_update = 7}; /* in epoch 4 */
    const struct trainer_observer observer = {
        .update_end = watch_update, .interval_end = watch_interval, .arg = &watch};
    const struct trainer_settings settings = make_settings(task, watch.network, "adam", NULL);
    struct trainer_result result;
    ck_assert_int_eq(trainer_run(watch.network, data, valid, &settings, &observer, &result, &support.errors),
                     RONDO_NOT_FINITE);
    ck_assert_int_eq(support.errors.count, 3);
    char expected[256];
    snprintf(expected, sizeof expected,
             "the loss is not finite; it began with the parameter '%s' (loss 'softmax_cross_entropy' of 'built for "
             "this test'), in example ",
             model_parameters(network_model(watch.network))[2].name);
    assert_begins(support_error(&support), expected);
    assert_begins(errors_text(&support.errors, 1),
                  "training stopped in epoch 4, at step 8: batch 2 of 2, with examples ");
    assert_begins(errors_text(&support.errors, 2), "gradient norms of the 4 updates before: ");
    ck_assert_int_eq(result.epochs, 3);
    ck_assert_int_eq(result.best_epoch, best_interval(&watch, 0, 0));
    errors_free(&support.errors);
    ck_assert_double_eq(evaluate(watch.network, valid, task->batch, 0), watch.values[result.best_epoch]);
    network_destroy(watch.network);
    dataset_destroy(data);
    dataset_destroy(valid);
}
END_TEST

static void draw_infinite_input(struct rng_stream stream, struct example *example) {
    draw_product(stream, example);
    example->inputs[1] = INFINITY;
}

static void draw_missing_input(struct rng_stream stream, struct example *example) {
    draw_product(stream, example);
    example->inputs[1] = NAN;
}

static void draw_far_target(struct rng_stream stream, struct example *example) {
    draw_product(stream, example);
    example->targets[0] *= 1e15f;
}

static void draw_farthest_target(struct rng_stream stream, struct example *example) {
    draw_product(stream, example);
    example->targets[0] = 1e25f; /* its square is not finite in f32 */
}

static const struct {
    void (*draw)(struct rng_stream stream, struct example *example);
    const char *options;
    const char *expected[2];
} blow_up_rows[] = {
    {draw_far_target, "lr=1000", {"not finite", "training stopped in epoch "}},
    {draw_missing_input, "lr=0.1", {"it began with the input 'input'", "training stopped in epoch 1, at step 1"}},
    {draw_infinite_input,
     "lr=0.1", /* tanh hides it from the loss */
     {"the gradient of 'layers.0.W' is not finite; it began with the input 'input', and of the gradients with the "
      "backward "
      "pass of op 'matmul'",
      "training stopped in epoch 1, at step 1"}},
    {draw_farthest_target, "lr=0.1", {"it began with op 'square' in loss", "training stopped in epoch 1, at step 1"}},
};

START_TEST(what_is_not_finite_stops_the_training_and_is_named) {
    struct task task = product;
    task.draw = blow_up_rows[_i].draw;
    struct dataset *data = make_data(&task, task.examples, "train");
    struct network *network = make_network(&task, RONDO_F32, 1);
    const struct trainer_settings settings = make_settings(&task, network, "sgd", blow_up_rows[_i].options);
    struct trainer_result result;
    ck_assert_int_eq(trainer_run(network, data, NULL, &settings, &nobody, &result, &support.errors), RONDO_NOT_FINITE);
    for (int k = 0; k < 2; k++) {
        const char *text = errors_text(&support.errors, k);
        ck_assert_msg(strstr(text, blow_up_rows[_i].expected[k]) != NULL, "%s", text);
    }
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

/* ---- the update ---- */

START_TEST(a_step_of_training_is_no_longer_than_the_limit) {
    struct task task = deep;
    task.epochs = 1;
    task.batch = task.examples;
    struct dataset *data = make_data(&task, task.examples, "train");
    struct network *network = make_network(&task, RONDO_F32, 1);
    struct trainer_settings settings = make_settings(&task, network, "sgd", "lr=2");
    struct trainer_result result;
    settings.clip_norm = 1e-3;
    const struct model *model = network_model(network);
    const struct weights before = weights_of(network);
    support_ok(&support, trainer_run(network, data, NULL, &settings, &nobody, &result, &support.errors), "training");
    double squares = 0;
    size_t used = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        const float *old = (const float *)(const void *)(before.bytes + used);
        for (int64_t i = 0; i < rondo_count(value); i++) {
            squares += pow(tensor_get(value, i) - (double)old[i], 2);
        }
        used += tensor_bytes(value);
    }
    ck_assert_double_eq_tol(sqrt(squares), 2 * settings.clip_norm, 1e-5);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

static const double limits[] = {0, 1e-3, 1e6}; /* none, below the norm, above it */

START_TEST(gradients_are_scaled_to_the_limit_and_no_further) {
    struct dataset *data = make_data(&deep, 20, "train");
    struct network *network = make_network(&deep, RONDO_F64, 1);
    const struct model *model = network_model(network);
    const struct trainer_settings settings = make_settings(&deep, network, "sgd", "lr=0.5");
    struct updater *updater = updater_create(&settings.updater, &support.errors);
    ck_assert_ptr_nonnull(updater);
    int64_t examples[20];
    for (int64_t i = 0; i < 20; i++) {
        examples[i] = i;
    }
    struct scores scores = {0};
    train_batch(network, data, examples, 20, rng_stream(1, ""), &scores);
    const struct gradient *gradients = network_gradients(network);
    const int32_t count = model_parameter_count(model);
    const double before = norm_of(dense(network, gradients), count),
                 weight = tensor_get(&model_parameters(model)[0].value, 5);
    double norm = 0;
    support_ok(&support, updater_clip(updater, gradients, limits[_i], &norm, &support.errors), "clip");
    ck_assert_double_eq_tol(norm, before, 1e-12);
    const double after = norm_of(dense(network, gradients), count);
    ck_assert_double_eq_tol(after, _i == 1 ? limits[_i] : before, 1e-12);
    const struct updater_step step = {.gradients = gradients, .rows = 20, .lr_scale = 0.5, .stream = {1}};
    support_ok(&support, updater_step(updater, &step, &support.errors), "step");
    ck_assert_double_eq_tol(tensor_get(&model_parameters(model)[0].value, 5),
                            weight - 0.5 * 0.5 * tensor_get(&dense(network, gradients)[0], 5), 1e-15);
    ck_assert_int_eq(updater_steps(updater), 1);
    tensor_set(&gradients[1].values, 0, NAN);
    ck_assert_int_eq(updater_clip(updater, gradients, limits[_i], &norm, &support.errors), RONDO_NOT_FINITE);
    ck_assert_str_eq(support_error(&support), "the gradient of 'layers.0.W_r' is not finite");
    updater_destroy(updater);
    network_destroy(network);
    dataset_destroy(data);
}
END_TEST

START_TEST(a_loss_refuses_targets_that_it_cannot_use) {
    struct task task = first;
    task.loss = "squared_error"; /* of classes */
    const struct cell_layer_settings layer = {.cell = session_definition(task.cell), .hidden = task.hidden};
    const rondo_descriptor *loss = resolve(RONDO_KIND_LOSS, task.loss);
    const struct network_settings settings = {.model = {.dtype = RONDO_F32, .layers = &layer, .n_layers = 1},
                                              .loss = {term_of(loss, (struct location){"food.yaml", 8, 3}), 1},
                                              .target_kind = RONDO_TARGET_CLASS,
                                              .target_size = 2};
    ck_assert_ptr_null(network_create(&settings, session, &support.errors));
    ck_assert_int_eq(support.errors.status, RONDO_INVALID);
    ck_assert_str_eq(support_error(&support), "food.yaml:8:3: squared_error: targets are classes, expected numbers");
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 240, session_setup, session_teardown);
}

static Suite *architecture_suite(void) {
    Suite *suite = suite_create("architecture");
    TCase *learning = new_case(suite, "learning");
    tcase_add_loop_test(learning, every_architecture_learns, 0, ROWS(learning_rows));
    tcase_add_test(learning, training_computes_no_predictions);
    tcase_add_loop_test(learning, architectures_have_four_names, 0, ROWS(architecture_rows));

    TCase *bits = new_case(suite, "the same bits");
    tcase_add_loop_test(bits, weights_are_the_same_bits_for_any_number_of_threads, 0, ROWS(deep_tasks));
    tcase_add_loop_test(bits, the_seed_and_nothing_else_decides_the_weights, 0, ROWS(deep_tasks));
    tcase_add_test(bits, initial_weights_belong_to_their_names);

    TCase *batches = new_case(suite, "batches");
    tcase_add_loop_test(batches, the_gradient_of_a_batch_is_the_mean_over_its_rows, 0, ROWS(deep_tasks));
    tcase_add_loop_test(batches, an_update_of_several_batches_is_that_of_one_large_batch, 0, ROWS(deep_tasks));
    tcase_add_loop_test(batches, an_update_is_the_mean_of_its_batches_by_their_rows, 0, ROWS(deep_tasks));
    tcase_add_loop_test(batches, an_example_of_weight_2_is_two_examples_and_one_of_weight_0_is_none, 0,
                        ROWS(deep_tasks));
    tcase_add_test(batches, a_batch_without_weight_has_no_gradient);
    tcase_add_loop_test(batches, predictions_stand_in_the_order_of_the_data_whatever_the_batch, 0, ROWS(deep_tasks));
    tcase_add_loop_test(batches, each_kind_of_dropout_acts_in_training_alone, 0, ROWS(dropout_rows));
    tcase_add_test(batches, shards_of_a_batch_draw_words_of_their_own);
    tcase_add_loop_test(batches, pooling_takes_the_last_first_mean_or_largest_state_of_real_steps, POOL_LAST,
                        POOL_MAX + 1);
    tcase_add_test(batches, steps_without_input_run_on_zeros);

    TCase *stopping = new_case(suite, "stopping");
    tcase_add_loop_test(stopping, early_stopping_keeps_the_weights_of_the_best_validation, 0, ROWS(stopping_rows));
    tcase_add_loop_test(stopping, validations_follow_every_so_many_updates, 0, ROWS(interval_rows));
    tcase_add_loop_test(stopping, a_training_goes_on_from_where_it_was_saved, 0, ROWS(interval_rows));
    tcase_add_loop_test(stopping, an_observer_that_fails_ends_the_training, 0, ROWS(observer_rows));
    tcase_add_test(stopping, weights_that_become_infinite_stop_the_training_and_the_best_come_back);
    tcase_add_loop_test(stopping, what_is_not_finite_stops_the_training_and_is_named, 0, ROWS(blow_up_rows));
    tcase_add_test(stopping, a_step_of_training_is_no_longer_than_the_limit);
    tcase_add_loop_test(stopping, gradients_are_scaled_to_the_limit_and_no_further, 0, ROWS(limits));
    tcase_add_test(stopping, a_loss_refuses_targets_that_it_cannot_use);
    return suite;
}

int main(void) {
    return run_suite(architecture_suite());
}
