#include "run/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"

/* What a batch is run for. */
enum mode { TRAIN, EVALUATE, PREDICT };

struct shard {
    struct tape *tape;
    struct errors errors;
    rondo_tensor *gradients; /* [n_parameters]; made at the first training batch */
    struct scores scores;
    int64_t *examples; /* [examples_capacity] */
    int64_t examples_capacity;
};

struct network {
    struct arena *arena;
    struct session *session;
    struct network_settings settings;
    struct model *model;
    int32_t n_metrics;
    struct shard shards[NETWORK_MAX_SHARDS];
};

/* One batch on its way through the shards. */
struct work {
    struct network *network;
    const struct dataset *dataset;
    const int64_t *examples;
    int64_t count;
    int64_t n_shards;
    enum mode mode;
    struct rng_stream stream;
    float *predictions;            /* PREDICT */
    const int64_t *prediction_row; /* PREDICT: [dataset count] first row of each example */
};

static rondo_status choose_output_size(struct network *network, struct errors *errors) {
    const struct network_settings *settings = &network->settings;
    struct host_call host = host_call(network->arena, errors, NULL, settings->loss->base.name);
    host.where = settings->loss_where;
    const rondo_loss_call call = {sizeof call, settings->target_kind, settings->loss_options, settings->target_size};
    int64_t size = 0;
    RONDO_TRY(host_result(&host, settings->loss->output_size(&host.base, &call, &size)));
    RONDO_CHECK(size >= 1, errors, "a loss asks for at least one output");
    network->settings.model.output_size = size;
    return RONDO_OK;
}

static rondo_status open_network(struct network *network, struct errors *errors) {
    RONDO_TRY(choose_output_size(network, errors));
    network->n_metrics = 1;
    for (const rondo_metric *metric = network->settings.loss->metrics; metric != NULL && metric->name != NULL;
         metric++) {
        RONDO_CHECK(network->n_metrics < NETWORK_MAX_METRICS, errors, "a loss has at most 15 metrics");
        network->n_metrics++;
    }
    network->model = model_create(&network->settings.model, network->session->registry, errors);
    if (network->model == NULL) {
        return errors->status;
    }
    for (int32_t i = 0; i < NETWORK_MAX_SHARDS; i++) {
        struct shard *shard = &network->shards[i];
        const struct tape_settings settings = {network->session->registry, &network->session->parallel, &shard->errors};
        shard->tape = tape_create(&settings);
        if (shard->tape == NULL) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
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
    const rondo_status status = open_network(network, errors);
    network->settings.model.layers = NULL; /* the caller's, and read already */
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
    for (int32_t i = 0; i < NETWORK_MAX_SHARDS; i++) {
        tape_destroy(network->shards[i].tape);
        errors_free(&network->shards[i].errors);
        free(network->shards[i].examples);
    }
    model_destroy(network->model);
    arena_destroy(network->arena);
}

struct model *network_model(const struct network *network) {
    return network->model;
}

struct batch_layout network_layout(const struct network *network) {
    const struct architecture architecture = network->settings.model.architecture;
    return (struct batch_layout){architecture.input_every_step, architecture.output_every_step};
}

int32_t network_metric_count(const struct network *network) {
    return network->n_metrics;
}

const char *network_metric_name(const struct network *network, int32_t metric) {
    return metric == 0 ? "loss" : network->settings.loss->metrics[metric - 1].name;
}

int network_higher_is_better(const struct network *network, int32_t metric) {
    return metric == 0 ? 0 : network->settings.loss->metrics[metric - 1].higher_is_better;
}

double network_metric(const struct network *network, const struct scores *scores, int32_t metric) {
    const double mean = scores->rows == 0 ? NAN : scores->sums[metric] / (double)scores->rows;
    switch (metric == 0 ? RONDO_METRIC_MEAN : network->settings.loss->metrics[metric - 1].finish) {
    case RONDO_METRIC_ROOT:
        return sqrt(mean);
    case RONDO_METRIC_EXP:
        return exp(mean);
    default:
        return mean;
    }
}

const rondo_tensor *network_gradients(const struct network *network) {
    return network->shards[0].gradients;
}

static void clear_gradients(const struct network *network, struct shard *shard) {
    const struct parameter *parameters = model_parameters(network->model);
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        memset(shard->gradients[p].data, 0, tensor_bytes(&parameters[p].value));
    }
}

/* Memory for gradients: taken on the main thread, from the network's arena. */
static rondo_status prepare_gradients(struct network *network, int64_t n_shards, struct errors *errors) {
    const int32_t count = model_parameter_count(network->model);
    const struct parameter *parameters = model_parameters(network->model);
    for (int64_t s = 0; s < n_shards; s++) {
        struct shard *shard = &network->shards[s];
        if (shard->gradients != NULL) {
            continue;
        }
        rondo_tensor *gradients = arena_calloc(network->arena, (size_t)count, sizeof *gradients);
        if (gradients == NULL) {
            return errors_no_memory(errors);
        }
        for (int32_t p = 0; p < count; p++) {
            gradients[p] = parameters[p].value;
            RONDO_TRY(tensor_alloc(&gradients[p], network->arena, errors));
        }
        shard->gradients = gradients;
    }
    return RONDO_OK;
}

/* The parameters on the tape of a shard: with gradients in training, as constants otherwise. */
static rondo_value *bind_parameters(const struct work *work, struct shard *shard) {
    const struct model *model = work->network->model;
    const int32_t count = model_parameter_count(model);
    const struct parameter *parameters = model_parameters(model);
    rondo_value *values = arena_calloc(tape_arena(shard->tape), (size_t)count, sizeof *values);
    for (int32_t p = 0; values != NULL && p < count; p++) {
        values[p] = work->mode == TRAIN
                        ? tape_parameter(shard->tape, parameters[p].name, &parameters[p].value, &shard->gradients[p])
                        : tape_constant(shard->tape, &parameters[p].value);
        tape_name(shard->tape, values[p], parameters[p].name);
    }
    return values;
}

/* Every n-th example goes to the same shard: batches are sorted by length, so all shards get the same share of steps.
 */
static int64_t pick_examples(const struct work *work, struct shard *shard, int64_t index) {
    int64_t count = 0;
    for (int64_t i = index; i < work->count; i += work->n_shards) {
        shard->examples[count++] = work->examples[i];
    }
    return count;
}

/* Adds what the batch scored: the loss of every row, and the metrics of the head. */
static rondo_status measure(const struct work *work, struct shard *shard, struct host_call *host,
                            const rondo_loss_call *call, const rondo_tensor *loss, const rondo_tensor *outputs,
                            const rondo_tensor *targets) {
    struct network *network = work->network;
    shard->scores.rows += rondo_count(loss);
    for (int64_t i = 0; i < rondo_count(loss); i++) {
        shard->scores.sums[0] += tensor_get(loss, i);
    }
    if (!isfinite(shard->scores.sums[0])) {
        const char *origin = tape_first_not_finite(shard->tape);
        return errors_add(&shard->errors, RONDO_NOT_FINITE, "the loss is not finite; it began with %s",
                          origin == NULL ? "the sum over the rows" : origin);
    }
    if (network->n_metrics == 1 || network->settings.loss->measure == NULL) {
        return RONDO_OK;
    }
    rondo_tensor predictions = tensor_2d(outputs->dtype, rondo_count(loss), network->settings.target_size, NULL);
    RONDO_TRY(tensor_alloc(&predictions, tape_arena(shard->tape), &shard->errors));
    const rondo_loss *head = network->settings.loss;
    RONDO_TRY(host_result(host, head->predict(&host->base, call, outputs, &predictions)));
    return host_result(host, head->measure(&host->base, call, &predictions, targets, shard->scores.sums + 1));
}

/* Copies the predictions of a shard to their places in the result. */
static rondo_status collect(const struct work *work, struct shard *shard, struct host_call *host,
                            const rondo_loss_call *call, const struct batch *batch, const rondo_tensor *outputs) {
    const struct network_settings *settings = &work->network->settings;
    const int64_t width = settings->target_size;
    rondo_tensor predictions = tensor_2d(outputs->dtype, outputs->shape[0], width, NULL);
    RONDO_TRY(tensor_alloc(&predictions, tape_arena(shard->tape), &shard->errors));
    RONDO_TRY(host_result(host, settings->loss->predict(&host->base, call, outputs, &predictions)));
    if (!tensor_is_finite(&predictions)) {
        const char *origin = tape_first_not_finite(shard->tape);
        return errors_add(&shard->errors, RONDO_NOT_FINITE, "the predictions are not finite; it began with %s",
                          origin == NULL ? "the loss head" : origin);
    }
    const int every_step = settings->model.architecture.output_every_step;
    for (int64_t t = 0; t < (every_step ? batch->steps : 1); t++) {
        const int64_t rows = every_step ? batch->alive[t] : batch->rows;
        for (int64_t row = 0; row < rows; row++) {
            const int64_t from = every_step ? batch->begin[t] + row : row;
            const int64_t to = work->prediction_row[batch->example[row]] + t;
            for (int64_t k = 0; k < width; k++) {
                work->predictions[to * width + k] = (float)tensor_get(&predictions, from * width + k);
            }
        }
    }
    return RONDO_OK;
}

/* `stepwise`: by the engine tape, whatever that of the layers. */
static rondo_status pass_shard(const struct work *work, struct shard *shard, int64_t index, int stepwise) {
    struct network *network = work->network;
    const struct network_settings *settings = &network->settings;
    struct tape *tape = shard->tape;
    tape_reset(tape);
    if (work->mode == TRAIN) {
        clear_gradients(network, shard);
    }
    struct batch batch;
    RONDO_TRY(batch_pack(work->dataset, shard->examples, pick_examples(work, shard, index), network_layout(network),
                         settings->model.dtype, tape_arena(tape), &batch, &shard->errors));
    const struct time_axis time = {batch.rows, batch.steps, batch.total, batch.lengths, batch.alive, batch.begin};
    const rondo_value *parameters = bind_parameters(work, shard);
    if (parameters == NULL) {
        return errors_no_memory(&shard->errors);
    }
    rondo_value (*const record_model)(const struct model *, struct tape *, const struct time_axis *,
                                      const rondo_tensor *, const rondo_value *, int, struct rng_stream) =
        stepwise ? model_record_stepwise : model_record;
    const rondo_value outputs = record_model(network->model, tape, &time, &batch.inputs, parameters,
                                             work->mode == TRAIN, rng_substream(work->stream, (uint64_t)index));
    RONDO_TRY(tape_status(tape));
    struct host_call host =
        host_call(tape_arena(tape), &shard->errors, &network->session->parallel, settings->loss->base.name);
    host.tape = tape;
    const rondo_loss_call call = {sizeof call, settings->target_kind, settings->loss_options, settings->target_size};
    if (work->mode == PREDICT) {
        return collect(work, shard, &host, &call, &batch, tape_tensor(tape, outputs));
    }
    const struct rng_stream own_stream = rng_substream(work->stream, (uint64_t)index);
    host.stream = rng_stream(own_stream.key, "loss head");
    tape_enter(tape, "loss", own_stream);
    const rondo_value targets = tape_constant(tape, &batch.targets);
    const rondo_value loss = settings->loss->record(&host.base, &call, outputs, targets);
    RONDO_TRY(tape_status(tape));
    RONDO_TRY(host_result(&host, host.failed));
    const rondo_tensor *per_row = tape_tensor(tape, loss);
    RONDO_CHECK(per_row != NULL && rondo_count(per_row) == tape_tensor(tape, outputs)->shape[0], &shard->errors,
                "a loss head gives one loss a row");
    RONDO_TRY(measure(work, shard, &host, &call, per_row, tape_tensor(tape, outputs), &batch.targets));
    return work->mode == TRAIN ? tape_backward(tape, loss) : RONDO_OK;
}

/* The fused engine runs a recurrence as one op, so what it can name is the layer. The same pass step by step, with the
 * same random words, has a value for every op and finds the one that infinity began with. Where rounding lets that pass
 * come out finite, or there is no memory for it, the first message stands. */
static rondo_status run_shard(const struct work *work, struct shard *shard, int64_t index) {
    const rondo_status status = pass_shard(work, shard, index, 0);
    if (status != RONDO_NOT_FINITE) {
        return status;
    }
    struct errors first = shard->errors;
    const struct scores scores = shard->scores;
    shard->errors = (struct errors){0};
    shard->scores = (struct scores){0};
    if (pass_shard(work, shard, index, 1) == RONDO_NOT_FINITE) {
        errors_free(&first);
    } else {
        errors_free(&shard->errors);
        shard->errors = first;
    }
    shard->scores = scores;
    return status;
}

static void shard_range(void *arg, int64_t begin, int64_t end) {
    const struct work *work = arg;
    for (int64_t index = begin; index < end; index++) {
        struct shard *shard = &work->network->shards[index];
        shard->scores = (struct scores){0};
        if (run_shard(work, shard, index) != RONDO_OK && shard->errors.count == 0) {
            errors_add(&shard->errors, RONDO_INTERNAL, "a batch failed without a reason; this is a bug in Rondo");
        }
    }
}

static rondo_status prepare_examples(struct shard *shard, int64_t count, struct errors *errors) {
    if (count > shard->examples_capacity) {
        int64_t *examples = realloc(shard->examples, sizeof *examples * (size_t)count);
        if (examples == NULL) {
            return errors_no_memory(errors);
        }
        shard->examples = examples;
        shard->examples_capacity = count;
    }
    return RONDO_OK;
}

/* A function of the batch's size alone: results must not depend on the machine. */
int64_t network_shard_count(int64_t examples) {
    const int64_t shards = (examples + NETWORK_SHARD_ROWS - 1) / NETWORK_SHARD_ROWS;
    return shards < NETWORK_MAX_SHARDS ? shards : NETWORK_MAX_SHARDS;
}

/* Runs all shards of a batch and adds their scores, in order. */
static rondo_status run_batch(struct work *work, struct scores *scores, struct errors *errors) {
    struct network *network = work->network;
    work->n_shards = network_shard_count(work->count);
    for (int64_t s = 0; s < work->n_shards; s++) {
        RONDO_TRY(prepare_examples(&network->shards[s], work->count / work->n_shards + 1, errors));
    }
    parallel_for(&network->session->parallel, work->n_shards, 1, shard_range, work);
    rondo_status status = RONDO_OK;
    for (int64_t s = 0; s < work->n_shards; s++) {
        struct shard *shard = &network->shards[s];
        if (shard->errors.count > 0 && status == RONDO_OK) {
            status = shard->errors.status;
            errors_move(errors, &shard->errors); /* the other shards mostly say the same */
        }
        errors_free(&shard->errors);
        scores->rows += shard->scores.rows;
        for (int32_t m = 0; m < network->n_metrics; m++) {
            scores->sums[m] += shard->scores.sums[m];
        }
    }
    return status;
}

struct reduction {
    struct network *network;
    int64_t n_shards;
    int32_t parameter;
    double scale;
};

/* gradient[0] = scale * (gradient[0] + gradient[1] + …), in this order for any number of threads. */
static void reduce_range(void *arg, int64_t begin, int64_t end) {
    const struct reduction *reduction = arg;
    const struct shard *shards = reduction->network->shards;
    const int32_t p = reduction->parameter;
    for (int64_t s = 1; s < reduction->n_shards; s++) {
        if (shards[0].gradients[p].dtype == RONDO_F32) {
            float *sum = shards[0].gradients[p].data;
            const float *add = shards[s].gradients[p].data;
            for (int64_t i = begin; i < end; i++) {
                sum[i] += add[i];
            }
        } else {
            double *sum = shards[0].gradients[p].data;
            const double *add = shards[s].gradients[p].data;
            for (int64_t i = begin; i < end; i++) {
                sum[i] += add[i];
            }
        }
    }
    tensor_scale(&shards[0].gradients[p], begin, end, reduction->scale);
}

rondo_status network_train_batch(struct network *network, const struct dataset *dataset, const int64_t *examples,
                                 int64_t count, struct rng_stream stream, struct scores *scores,
                                 struct errors *errors) {
    struct work work = {
        .network = network, .dataset = dataset, .examples = examples, .count = count, .mode = TRAIN, .stream = stream};
    RONDO_TRY(prepare_gradients(network, network_shard_count(count), errors));
    const int64_t rows_before = scores->rows;
    RONDO_TRY(run_batch(&work, scores, errors));
    /* Shards hold the gradient of the sum over their rows; wanted is that of the mean over all. */
    const int64_t grain = 16 * 1024;
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        struct reduction reduction = {network, work.n_shards, p, 1.0 / (double)(scores->rows - rows_before)};
        parallel_for(&network->session->parallel, rondo_count(&network->shards[0].gradients[p]), grain, reduce_range,
                     &reduction);
    }
    return RONDO_OK;
}

/* Runs the whole dataset in batches of similar length. */
static rondo_status run_dataset(struct work *work, int64_t batch, struct scores *scores, struct errors *errors) {
    const int64_t count = work->dataset->count;
    int64_t *order = malloc(sizeof *order * (size_t)(count == 0 ? 1 : count));
    if (order == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status =
        count == 0 ? RONDO_OK : batch_order(work->dataset, batch, network_layout(work->network), NULL, order, errors);
    for (int64_t first = 0; first < count && status == RONDO_OK; first += batch) {
        work->examples = order + first;
        work->count = count - first < batch ? count - first : batch;
        status = run_batch(work, scores, errors);
    }
    free(order);
    return status;
}

rondo_status network_evaluate(struct network *network, const struct dataset *dataset, int64_t batch,
                              struct scores *scores, struct errors *errors) {
    struct work work = {.network = network, .dataset = dataset, .mode = EVALUATE};
    return run_dataset(&work, batch, scores, errors);
}

rondo_status network_predict(struct network *network, const struct dataset *dataset, int64_t batch, float *predictions,
                             struct errors *errors) {
    const int64_t count = dataset->count;
    int64_t *row = malloc(sizeof *row * (size_t)(count == 0 ? 1 : count));
    if (row == NULL) {
        return errors_no_memory(errors);
    }
    const struct batch_layout layout = network_layout(network);
    int64_t next = 0;
    for (int64_t i = 0; i < count; i++) {
        row[i] = next;
        next += layout.target_every_step ? example_steps(dataset, i, layout) : 1;
    }
    struct scores unused = {0};
    struct work work = {
        .network = network, .dataset = dataset, .mode = PREDICT, .predictions = predictions, .prediction_row = row};
    const rondo_status status = run_dataset(&work, batch, &unused, errors);
    free(row);
    return status;
}
