#include "train/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/multiply.h"
#include "train/network_reduce.h"
#include "train/profile.h"

static rondo_status open_network(struct network *network, struct errors *errors) {
    const struct network_settings *settings = &network->settings;
    RONDO_TRY(multiply_open(&network->session->parallel, errors));
    RONDO_TRY(heads_open(&network->heads, &settings->loss, settings->target_kind, settings->target_size,
                         settings->target_as, network->arena, errors));
    network->metrics =
        metrics_create(&settings->metrics, &network->heads, settings->has_naive, NETWORK_MAX_SHARDS, errors);
    if (network->metrics == NULL) {
        return errors->status;
    }
    network->settings.model.output_size = network->heads.output_size;
    /* Targets are drawn from complete predictions. */
    network->settings.model.chooses_outputs = heads_choose_outputs(&network->heads) && !settings->draws_targets;
    network->model = model_create(&network->settings.model, network->session->registry, errors);
    if (network->model == NULL) {
        return errors->status;
    }
    for (int32_t i = 0; i < NETWORK_MAX_SHARDS; i++) {
        RONDO_TRY(network_open_tape(network, &network->shards[i], errors));
    }
    return RONDO_OK;
}

/* A copy of an array, in the arena of the network, which knows if it failed; NULL of NULL. */
static const void *keep(struct network *network, const void *array, int32_t count, size_t size) {
    void *copy = array == NULL ? NULL : arena_calloc(network->arena, (size_t)count + 1, size);
    if (copy != NULL) {
        memcpy(copy, array, (size_t)count * size);
    }
    return copy;
}

/* The caller's settings of inputs and layers end with the call. */
static rondo_status keep_model_settings(struct network *network, struct errors *errors) {
    struct model_settings *model = &network->settings.model;
    const int has_encoder = model->n_encoder > 0;
    model->inputs = keep(network, model->inputs, model->n_inputs, sizeof *model->inputs);
    model->source_input = keep(network, model->source_input, has_encoder, sizeof *model->source_input);
    model->encoder = keep(network, model->encoder, model->n_encoder, sizeof *model->encoder);
    model->layers = keep(network, model->layers, model->n_layers, sizeof *model->layers);
    model->encoder_blocks = keep(network, model->encoder_blocks, model->n_encoder, sizeof *model->encoder_blocks);
    model->blocks = keep(network, model->blocks, model->n_layers, sizeof *model->blocks);
    return arena_failed(network->arena) ? errors_no_memory(errors) : RONDO_OK;
}

struct network *network_create(const struct network_settings *settings, struct session *session,
                               struct errors *errors) {
    struct arena *arena = arena_create();
    struct network *network = arena == NULL ? NULL : arena_calloc(arena, 1, sizeof *network);
    if (network == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    network->arena = arena;
    network->session = session;
    network->settings = *settings;
    rondo_status status = keep_model_settings(network, errors);
    status = status == RONDO_OK ? open_network(network, errors) : status;
    if (status != RONDO_OK) {
        network_destroy(network);
        return NULL;
    }
    return network;
}

void network_destroy(struct network *network) {
    if (network == NULL) {
        return;
    }
    network_free_gradients(network);
    for (int32_t i = 0; i < NETWORK_MAX_SHARDS; i++) {
        tape_destroy(network->shards[i].tape);
        errors_free(&network->shards[i].errors);
        free(network->shards[i].examples);
    }
    states_destroy(network->carried);
    states_destroy(network->kept);
    states_destroy(network->held);
    metrics_destroy(network->metrics);
    model_destroy(network->model);
    arena_destroy(network->arena);
}

struct model *network_model(const struct network *network) {
    return network->model;
}

struct session *network_session(const struct network *network) {
    return network->session;
}

struct model *network_model_of_widths(const struct network *network, const int64_t *widths, struct errors *errors) {
    struct model_settings settings = network->settings.model;
    const struct block_layer_settings *const *encoder_blocks = settings.encoder_blocks;
    const struct block_layer_settings *const *decoder_blocks = settings.blocks;
    const int32_t n_encoder = settings.n_encoder, count = n_encoder + settings.n_layers;
    struct cell_layer_settings *layers = memory_calloc((size_t)count, sizeof *layers);
    struct block_layer_settings *blocks = memory_calloc((size_t)count, sizeof *blocks);
    const struct block_layer_settings **of_layers = memory_calloc((size_t)count, sizeof(struct block_layer_settings *));
    struct model *model = NULL;
    if (layers != NULL && blocks != NULL && of_layers != NULL) {
        for (int32_t i = 0; i < count; i++) {
            const int is_encoder = i < n_encoder;
            const int32_t number = is_encoder ? i : i - n_encoder;
            const struct block_layer_settings *const *given = is_encoder ? encoder_blocks : decoder_blocks;
            layers[i] = is_encoder ? settings.encoder[number] : settings.layers[number];
            layers[i].hidden = widths[i];
            layers[i].engine = ENGINE_TAPE; /* preparing the fused engine would be wasted */
            if (given != NULL && given[number] != NULL) {
                blocks[i] = *given[number];
                blocks[i].hidden = widths[i];
                of_layers[i] = &blocks[i];
            }
        }
        settings.encoder = layers;
        settings.encoder_blocks = of_layers;
        settings.layers = layers + n_encoder;
        settings.blocks = of_layers + n_encoder;
        model = model_create(&settings, network->session->registry, errors);
    } else {
        errors_no_memory(errors);
    }
    free(of_layers);
    free(blocks);
    free(layers);
    return model;
}

const struct batch_plan *network_plan(const struct network *network) {
    return &network->settings.plan;
}

int network_is_interrupted(const struct network *network) {
    return interrupt_is_requested(&network->session->interrupt);
}

int32_t network_metric_count(const struct network *network) {
    return metrics_count(network->metrics);
}

int32_t network_loss_count(const struct network *network) {
    return network->heads.n_losses;
}

const char *network_metric_name(const struct network *network, int32_t metric) {
    return metrics_name(network->metrics, metric);
}

int network_higher_is_better(const struct network *network, int32_t metric) {
    return metrics_higher_is_better(network->metrics, metric);
}

int network_metric_is_plain(const struct network *network, int32_t metric) {
    return metrics_is_plain(network->metrics, metric);
}

double network_metric(const struct network *network, const struct scores *scores, int32_t metric) {
    return metrics_value(network->metrics, scores, metric);
}

struct metrics *network_metrics(const struct network *network) {
    return network->metrics;
}

const struct heads *network_heads(const struct network *network) {
    return &network->heads;
}

int64_t network_prediction_size(const struct network *network) {
    return network->heads.prediction_size;
}

int network_predicts_classes(const struct network *network) {
    return network->heads.target_kind == RONDO_TARGET_CLASS &&
           network->heads.prediction_size == network->heads.target_size;
}

void network_freeze(struct network *network, const unsigned char *frozen) {
    network->frozen = frozen;
}

const struct gradient *network_gradients(const struct network *network) {
    return network->gradients[NETWORK_TRAIN];
}

const struct gradient *network_sampled_gradients(const struct network *network) {
    return network->gradients[NETWORK_SAMPLE];
}

static void shard_range(void *arg, int64_t begin, int64_t end) {
    const struct network_work *work = arg;
    for (int64_t index = begin; index < end; index++) {
        struct network_shard *shard = &work->network->shards[index];
        shard->scores = (struct scores){0};
        if (network_run_shard(work, shard, index) != RONDO_OK && shard->errors.count == 0) {
            errors_add(&shard->errors, RONDO_INTERNAL, "a batch failed without a reason; this is a bug in Rondo");
        }
    }
}

static void add_scores(struct scores *sum, const struct scores *add) {
    sum->rows += add->rows;
    sum->weight += add->weight;
    for (int32_t m = 0; m < HEADS_MOST_METRICS; m++) {
        sum->sums[m] += add->sums[m];
    }
}

/* Runs all shards of a batch and adds their scores, in the tree of gradient_add_parts. */
static rondo_status run_batch(struct network_work *work, struct scores *scores, struct errors *errors) {
    struct network *network = work->network;
    RONDO_CHECK(model_parameters(network->model)[0].value.data != NULL, errors, "the parameters have no memory");
    work->n_shards = network_shard_count(network, work->count);
    for (int64_t s = 0; s < work->n_shards; s++) {
        RONDO_TRY(network_prepare_examples(&network->shards[s], work->count / work->n_shards + 1, errors));
    }
    parallel_for(&network->session->parallel, work->n_shards, 1, shard_range, work);
    rondo_status status = RONDO_OK;
    for (int64_t s = 0; s < work->n_shards; s++) {
        struct network_shard *shard = &network->shards[s];
        if (shard->errors.count > 0 && status == RONDO_OK) {
            status = shard->errors.status;
            errors_move(errors, &shard->errors); /* the errors of the other shards are mostly the same */
            (void)errors_memory_for(errors, status, (struct location){0}, "the values of a batch of %lld examples",
                                    (long long)work->count);
        }
        errors_free(&shard->errors);
    }
    for (int64_t step = 1; step < work->n_shards; step *= 2) {
        for (int64_t s = 0; s + step < work->n_shards; s += 2 * step) {
            add_scores(&network->shards[s].scores, &network->shards[s + step].scores);
        }
    }
    add_scores(scores, &network->shards[0].scores);
    return status;
}

static void exchange_states(struct states **a, struct states **b) {
    struct states *held = *a;
    *a = *b;
    *b = held;
}

/* Makes the states that the last batch left those that the next one starts from. */
static rondo_status advance_states(struct network *network, const struct dataset *dataset, struct errors *errors) {
    if (network->kept == NULL || network->lanes != dataset->lanes) {
        states_destroy(network->carried);
        states_destroy(network->kept);
        network->carried = model_states_create(network->model, dataset->lanes, errors);
        network->kept = network->carried == NULL ? NULL : model_states_create(network->model, dataset->lanes, errors);
        network->lanes = dataset->lanes;
        return network->kept == NULL ? errors->status : RONDO_OK;
    }
    exchange_states(&network->carried, &network->kept);
    return RONDO_OK;
}

/* Keeps the states from which an update began, while its second and later batches overwrite those of its first ones. */
static rondo_status hold_states(struct network *network, struct errors *errors) {
    if (network->held == NULL || network->held_lanes != network->lanes) {
        states_destroy(network->held);
        network->held = model_states_create(network->model, network->lanes, errors);
        network->held_lanes = network->lanes;
    }
    if (network->held == NULL) {
        return errors->status;
    }
    exchange_states(&network->carried, &network->held);
    return RONDO_OK;
}

/* After the failure of batch `index` of an update: the next update continues from where this one did. Without memory for `held`,
 * nothing has been overwritten yet. */
static void restore_states(struct network *network, int64_t index) {
    const int is_held = index > 0 && network->held != NULL;
    exchange_states(&network->kept, is_held ? &network->held : &network->carried);
}

/* The gradients of an update in one mode, while its batches are added up: the shards hold sums over their rows. */
struct network_sum {
    int64_t n_shards; /* with sums */
    double weight;    /* of the rows so far */
};

/* Adds the gradients and the scores of a batch. */
static rondo_status add_batch(struct network_work *work, struct network_sum *sum, struct scores *scores,
                              struct errors *errors) {
    struct network *network = work->network;
    const double weight_before = scores->weight;
    work->n_summed = sum->n_shards;
    RONDO_TRY(network_prepare_gradients(network, work->mode, network_shard_count(network, work->count), errors));
    profile_set_training(network->session->profile, 1);
    const rondo_status status = run_batch(work, scores, errors);
    profile_set_training(network->session->profile, 0);
    sum->n_shards = work->n_shards > sum->n_shards ? work->n_shards : sum->n_shards;
    sum->weight += scores->weight - weight_before;
    return status;
}

/* Divides the sum over all shards by the sum of the weights. */
static rondo_status divide_sum(struct network *network, enum network_mode mode, const struct network_sum *sum,
                               struct errors *errors) {
    profile_begin(network->session->profile, PROFILE_REDUCE);
    const rondo_status status =
        network_reduce(network, mode, sum->n_shards, sum->weight > 0 ? 1 / sum->weight : 0, errors);
    profile_end(network->session->profile, PROFILE_REDUCE);
    return status;
}

/* Both passes of a batch start from the same states. */
static rondo_status train_batch(struct network *network, const struct network_update *update, int64_t index,
                                struct network_sum sums[NETWORK_GRADIENT_SETS], struct scores *scores,
                                struct errors *errors) {
    struct network_work work = {.network = network,
                                .dataset = update->dataset,
                                .examples = update->examples + update->begin[index],
                                .count = update->begin[index + 1] - update->begin[index],
                                .mode = NETWORK_TRAIN,
                                .checks_gradients = update->checks_gradients,
                                .stream = update->stream};
    if (index > 0) {
        work.stream = rng_substream(rng_stream(update->stream.key, "batch"), (uint64_t)index);
    }
    if (update->dataset->lane != NULL) {
        if (index == 1) {
            RONDO_TRY(hold_states(network, errors));
        }
        RONDO_TRY(advance_states(network, update->dataset, errors));
        work.carried = network->carried;
        work.kept = network->kept;
    }
    RONDO_TRY(add_batch(&work, &sums[NETWORK_TRAIN], scores, errors));
    struct scores unused = {0};
    work.mode = NETWORK_SAMPLE;
    work.kept = NULL;
    return update->sampled ? add_batch(&work, &sums[NETWORK_SAMPLE], &unused, errors) : RONDO_OK;
}

/* The batches of an update; `done` counts those that have begun. */
static rondo_status train_batches(struct network *network, const struct network_update *update,
                                  struct network_sum sums[NETWORK_GRADIENT_SETS], struct scores *scores, int64_t *done,
                                  struct errors *errors) {
    for (*done = 0; *done < update->batches;) {
        if (*done > 0 && network_is_interrupted(network)) {
            return errors_add(errors, RONDO_INTERRUPTED, "interrupted after %lld of the %lld batches of an update",
                              (long long)*done, (long long)update->batches);
        }
        RONDO_TRY(train_batch(network, update, (*done)++, sums, scores, errors));
    }
    return RONDO_OK;
}

rondo_status network_train(struct network *network, const struct network_update *update, struct scores *scores,
                           struct errors *errors) {
    struct network_sum sums[NETWORK_GRADIENT_SETS] = {{0, 0}, {0, 0}};
    int64_t done = 0;
    const int carries = update->dataset->lane != NULL;
    const rondo_status status = train_batches(network, update, sums, scores, &done, errors);
    network->failed_batch = status == RONDO_OK ? -1 : done - 1;
    network->carrying_batches = status == RONDO_OK && carries ? done : 0;
    if (status != RONDO_OK) {
        if (carries && network->kept != NULL) {
            restore_states(network, done - 1);
        }
        return status;
    }
    RONDO_TRY(divide_sum(network, NETWORK_TRAIN, &sums[NETWORK_TRAIN], errors));
    return update->sampled ? divide_sum(network, NETWORK_SAMPLE, &sums[NETWORK_SAMPLE], errors) : RONDO_OK;
}

void network_forget_states(struct network *network) {
    states_destroy(network->carried);
    states_destroy(network->kept);
    network->carried = network->kept = NULL;
    network->carrying_batches = 0;
}

int64_t network_failed_batch(const struct network *network) {
    return network->failed_batch;
}

void network_undo_train(struct network *network) {
    if (network->carrying_batches > 0) {
        restore_states(network, network->carrying_batches - 1);
        network->carrying_batches = 0;
    }
}

void network_save(const struct network *network, struct archive *archive) {
    archive_put_integer(archive, network->kept == NULL ? 0 : network->lanes, "carry.lanes");
    if (network->kept != NULL) {
        states_save(network->kept, archive);
    }
}

rondo_status network_load(struct network *network, const struct dataset *train, struct archive *archive,
                          struct errors *errors) {
    int64_t lanes = 0;
    RONDO_TRY(archive_take_integer(archive, &lanes, errors, "carry.lanes"));
    network_forget_states(network);
    if (lanes <= 0 || train->lane == NULL || lanes != train->lanes) {
        return RONDO_OK;
    }
    network->carried = model_states_create(network->model, lanes, errors);
    network->kept = network->carried == NULL ? NULL : model_states_create(network->model, lanes, errors);
    network->lanes = lanes;
    return network->kept == NULL ? errors->status : states_load(network->kept, archive, errors);
}

/* Runs the whole dataset in batches of similar length. */
static rondo_status run_dataset(struct network_work *work, struct batch_size size, struct scores *scores,
                                struct errors *errors) {
    struct epoch epoch;
    struct states *before = NULL, *after = NULL; /* of a batch, which may be repeated (network_run_shard) */
    rondo_status status = epoch_make(&epoch, work->dataset, network_plan(work->network), size, NULL, errors);
    if (status == RONDO_OK && work->dataset->lane != NULL) {
        before = model_states_create(work->network->model, work->dataset->lanes, errors);
        after = before == NULL ? NULL : model_states_create(work->network->model, work->dataset->lanes, errors);
        status = after == NULL ? errors->status : RONDO_OK;
    }
    work->carried = before;
    work->kept = after;
    for (int64_t k = 0; k < epoch.batches && status == RONDO_OK; k++) {
        work->examples = epoch.examples + epoch.begin[k];
        work->count = epoch.begin[k + 1] - epoch.begin[k];
        if (after != NULL && k > 0) {
            states_copy(before, after);
        }
        status = network_is_interrupted(work->network)
                     ? errors_add(errors, RONDO_INTERRUPTED, "interrupted after %lld of %lld examples",
                                  (long long)epoch.begin[k], (long long)work->dataset->count)
                     : run_batch(work, scores, errors);
    }
    epoch_free(&epoch);
    states_destroy(before);
    states_destroy(after);
    return status;
}

rondo_status network_evaluate(struct network *network, const struct dataset *dataset, struct batch_size batch,
                              struct scores *scores, struct errors *errors) {
    struct network_work work = {.network = network, .dataset = dataset, .mode = NETWORK_EVALUATE};
    RONDO_TRY(metrics_begin(network->metrics, errors));
    RONDO_TRY(run_dataset(&work, batch, scores, errors));
    if (network->texts.measure != NULL) {
        RONDO_TRY(network->texts.measure(network->texts.arg, dataset, network->metrics, errors));
    }
    return metrics_end(network->metrics, scores, errors);
}

int network_compares_texts(const struct network *network) {
    return metrics_compare_texts(network->metrics);
}

rondo_status network_refuse_texts(const struct network *network, const char *why, struct errors *errors) {
    return metrics_refuse_texts(network->metrics, why, errors);
}

void network_set_texts(struct network *network, struct network_texts texts) {
    network->texts = texts;
}

rondo_status network_inspect(struct network *network, const struct network_inspection *inspection,
                             struct scores *scores, struct errors *errors) {
    struct network_work work = {
        .network = network, .dataset = inspection->dataset, .mode = NETWORK_INSPECT, .inspection = inspection};
    for (int64_t k = 0; k < inspection->batches; k++) {
        if (network_is_interrupted(network)) {
            return errors_add(errors, RONDO_INTERRUPTED, "interrupted after %lld of %lld batches", (long long)k,
                              (long long)inspection->batches);
        }
        work.examples = inspection->examples + inspection->begin[k];
        work.count = inspection->begin[k + 1] - inspection->begin[k];
        work.inspected = k;
        RONDO_TRY(run_batch(&work, scores, errors));
    }
    return RONDO_OK;
}

rondo_status network_evaluate_naive(struct network *network, const struct dataset *dataset, enum naive_kind kind,
                                    struct batch_size batch, struct scores *scores, struct errors *errors) {
    struct network_work work = {.network = network, .dataset = dataset, .mode = NETWORK_NAIVE, .naive = kind};
    RONDO_TRY(metrics_begin(network->metrics, errors));
    RONDO_TRY(run_dataset(&work, batch, scores, errors));
    return metrics_end(network->metrics, scores, errors);
}

int64_t network_prediction_rows(const struct network *network, const struct dataset *dataset, int64_t example) {
    const struct batch_plan *plan = network_plan(network);
    return plan->architecture.output_every_step ? example_steps(dataset, example, plan) : 1;
}

/* The first row of each example, and the number of all rows in *rows; NULL with an error. */
static int64_t *find_rows(const struct network *network, const struct dataset *dataset, int64_t *rows,
                          struct errors *errors) {
    const int64_t count = dataset->count;
    int64_t *row = memory_alloc(sizeof *row * (size_t)(count == 0 ? 1 : count));
    if (row == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    *rows = 0;
    for (int64_t i = 0; i < count; i++) {
        row[i] = *rows;
        *rows += network_prediction_rows(network, dataset, i);
    }
    return row;
}

rondo_status network_predict(struct network *network, const struct dataset *dataset, int64_t batch, float *predictions,
                             const struct network_interval *interval, struct errors *errors) {
    int64_t rows;
    int64_t *row = find_rows(network, dataset, &rows, errors);
    if (row == NULL) {
        return errors->status;
    }
    struct scores unused = {0};
    struct network_work work = {.network = network,
                                .dataset = dataset,
                                .mode = NETWORK_PREDICT,
                                .predictions = predictions,
                                .interval = interval,
                                .prediction_row = row};
    const rondo_status status = run_dataset(&work, (struct batch_size){.examples = batch}, &unused, errors);
    free(row);
    return status;
}

rondo_status network_score(struct network *network, const struct dataset *dataset, struct batch_size batch,
                           float *log_probabilities, struct errors *errors) {
    RONDO_CHECK(network_predicts_classes(network), errors, "predictions are probabilities of classes");
    int64_t rows;
    int64_t *row = find_rows(network, dataset, &rows, errors);
    if (row == NULL) {
        return errors->status;
    }
    for (int64_t i = 0; i < rows; i++) {
        log_probabilities[i] = NAN;
    }
    struct scores unused = {0};
    struct network_work work = {.network = network,
                                .dataset = dataset,
                                .mode = NETWORK_SCORE,
                                .predictions = log_probabilities,
                                .prediction_row = row};
    const rondo_status status = run_dataset(&work, batch, &unused, errors);
    free(row);
    return status;
}
