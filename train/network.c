#include "train/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "train/profile.h"

/* The purpose of a pass; SAMPLE is training on targets that are drawn from the predictions. */
enum mode { TRAIN, SAMPLE, EVALUATE, PREDICT };
/* Training keeps two sets of gradients: for the targets of the data (TRAIN), and for drawn ones (SAMPLE). */
enum { SETS = 2 };

struct network_shard {
    struct tape *tape;
    struct errors errors;
    rondo_tensor *gradients[SETS]; /* [n_parameters] each; allocated by the first batch that needs them */
    struct scores scores;
    int64_t *examples; /* [examples_capacity] */
    int64_t examples_capacity;
};

struct network {
    struct arena *arena;
    struct session *session;
    struct network_settings settings;
    struct model *model;
    struct heads heads;
    struct metrics *metrics;
    const unsigned char *frozen; /* [n_parameters]; NULL: none */
    struct network_shard shards[NETWORK_MAX_SHARDS];
};

/* One batch while the shards process it. */
struct network_work {
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

static rondo_status open_network(struct network *network, struct errors *errors) {
    const struct network_settings *settings = &network->settings;
    RONDO_TRY(heads_open(&network->heads, &settings->loss, settings->target_kind, settings->target_size, network->arena,
                         errors));
    network->metrics = metrics_create(&settings->metrics, &network->heads, 0, NETWORK_MAX_SHARDS, errors);
    if (network->metrics == NULL) {
        return errors->status;
    }
    network->settings.model.output_size = network->heads.output_size;
    network->model = model_create(&network->settings.model, network->session->registry, errors);
    if (network->model == NULL) {
        return errors->status;
    }
    for (int32_t i = 0; i < NETWORK_MAX_SHARDS; i++) {
        struct network_shard *shard = &network->shards[i];
        const struct tape_settings of_shard = {network->session->registry, &network->session->parallel, &shard->errors};
        shard->tape = tape_create(&of_shard);
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
    network->settings.model.layers = NULL; /* they belong to the caller, and are no longer needed */
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
    metrics_destroy(network->metrics);
    model_destroy(network->model);
    arena_destroy(network->arena);
}

struct model *network_model(const struct network *network) {
    return network->model;
}

struct architecture network_architecture(const struct network *network) {
    return network->settings.model.architecture;
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

const rondo_tensor *network_gradients(const struct network *network) {
    return network->shards[0].gradients[TRAIN];
}

const rondo_tensor *network_sampled_gradients(const struct network *network) {
    return network->shards[0].gradients[SAMPLE];
}

static void clear_gradients(const struct network *network, const rondo_tensor *gradients) {
    const struct model_parameter *parameters = model_parameters(network->model);
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        memset(gradients[p].data, 0, tensor_bytes(&parameters[p].value));
    }
}

/* Allocates the gradients of a set, on the main thread, from the network's arena. */
static rondo_status prepare_gradients(struct network *network, enum mode set, int64_t n_shards, struct errors *errors) {
    const int32_t count = model_parameter_count(network->model);
    const struct model_parameter *parameters = model_parameters(network->model);
    for (int64_t s = 0; s < n_shards; s++) {
        struct network_shard *shard = &network->shards[s];
        if (shard->gradients[set] != NULL) {
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
        shard->gradients[set] = gradients;
    }
    return RONDO_OK;
}

static int is_training(const struct network_work *work) {
    return work->mode == TRAIN || work->mode == SAMPLE;
}

/* Measures training; evaluation is measured as a whole. NULL: nothing is. */
static struct profile *profile_of(const struct network_work *work) {
    return is_training(work) ? work->network->session->profile : NULL;
}

/* Puts the parameters on the tape of a shard: with gradients in training, as constants otherwise. */
static rondo_value *bind_parameters(const struct network_work *work, struct network_shard *shard) {
    const struct model *model = work->network->model;
    const int32_t count = model_parameter_count(model);
    const struct model_parameter *parameters = model_parameters(model);
    rondo_value *values = arena_calloc(tape_arena(shard->tape), (size_t)count, sizeof *values);
    for (int32_t p = 0; values != NULL && p < count; p++) {
        const int is_trained = is_training(work) && (work->network->frozen == NULL || !work->network->frozen[p]);
        values[p] = is_trained ? tape_parameter(shard->tape, parameters[p].name, &parameters[p].value,
                                                &shard->gradients[work->mode][p])
                               : tape_constant(shard->tape, &parameters[p].value);
        tape_name(shard->tape, values[p], parameters[p].name);
    }
    return values;
}

/* Every n-th example goes to the same shard: batches are sorted by length, so that all shards have about the same number
 * of steps. */
static int64_t pick_examples(const struct network_work *work, struct network_shard *shard, int64_t index) {
    int64_t count = 0;
    for (int64_t i = index; i < work->count; i += work->n_shards) {
        shard->examples[count++] = work->examples[i];
    }
    return count;
}

/* Adds the scores of a shard: the loss of every row and, in an evaluation, the metrics. Metrics need predictions, which
 * training does not use: they would cost it a second softmax per update. */
static rondo_status measure(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                            const rondo_tensor *loss, const rondo_tensor *outputs, const rondo_tensor *targets) {
    const struct heads *heads = &work->network->heads;
    shard->scores.rows += rondo_count(loss);
    for (int64_t i = 0; i < rondo_count(loss); i++) {
        shard->scores.sums[0] += tensor_get(loss, i);
    }
    if (!isfinite(shard->scores.sums[0])) {
        const char *origin = tape_first_not_finite(shard->tape);
        return errors_add(&shard->errors, RONDO_NOT_FINITE, "the loss is not finite; it began with %s (%s)",
                          origin == NULL ? "the sum over the rows" : origin,
                          heads_text(heads, tape_arena(shard->tape)));
    }
    heads_add_losses(heads, call, shard->scores.sums);
    const struct metrics_rows rows = {.outputs = outputs, .targets = targets};
    const int32_t index = (int32_t)(shard - work->network->shards);
    return work->mode == EVALUATE ? metrics_measure(work->network->metrics, index, call, &rows, &shard->scores)
                                  : RONDO_OK;
}

/* Copies the predictions of a shard to their rows of the result. */
static rondo_status collect(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                            const struct batch *batch, const rondo_tensor *outputs) {
    const struct network_settings *settings = &work->network->settings;
    const int64_t width = work->network->heads.prediction_size;
    rondo_tensor predictions;
    RONDO_TRY(heads_predict(&work->network->heads, call, outputs, &predictions));
    if (!tensor_is_finite(&predictions)) {
        const char *origin = tape_first_not_finite(shard->tape);
        return errors_add(&shard->errors, RONDO_NOT_FINITE, "the predictions are not finite; it began with %s",
                          origin == NULL ? "the loss head" : origin);
    }
    const int every_step = settings->model.architecture.output_every_step;
    for (int64_t t = 0; t < (every_step ? batch->time.steps : 1); t++) {
        const int64_t rows = every_step ? batch->time.alive[t] : batch->time.rows;
        for (int64_t row = 0; row < rows; row++) {
            const int64_t from = every_step ? batch->time.begin[t] + row : row;
            const int64_t to = work->prediction_row[batch->example[row]] + t;
            for (int64_t k = 0; k < width; k++) {
                work->predictions[to * width + k] = (float)tensor_get(&predictions, from * width + k);
            }
        }
    }
    return RONDO_OK;
}

/* Draws targets from the predictions: row i gets class k with probability predictions[i, k]. */
static rondo_status draw_targets(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                                 const rondo_tensor *outputs, rondo_tensor *targets) {
    rondo_tensor predictions;
    RONDO_TRY(heads_predict(&work->network->heads, call, outputs, &predictions));
    *targets = tensor_1d(RONDO_I32, outputs->shape[0], NULL);
    RONDO_TRY(tensor_alloc(targets, tape_arena(shard->tape), &shard->errors));
    const struct rng_stream stream = rng_stream(call->stream.key, "targets");
    const int64_t classes = predictions.shape[1];
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        const double wanted = rng_uniform(stream, (uint64_t)row);
        double sum = 0;
        int64_t k = 0;
        for (; k < classes - 1; k++) {
            sum += tensor_get(&predictions, row * classes + k);
            if (wanted < sum) {
                break;
            }
        }
        tensor_set(targets, row, (double)k);
    }
    return RONDO_OK;
}

/* Records the loss of a shard after its outputs; in training also runs the backward pass. */
static rondo_status pass_loss(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                              const struct batch *batch, rondo_value outputs) {
    struct tape *tape = shard->tape;
    rondo_tensor targets = batch->targets;
    if (work->mode == SAMPLE) {
        RONDO_TRY(draw_targets(work, shard, call, tape_tensor(tape, outputs), &targets));
    }
    struct profile *profile = profile_of(work);
    tape_enter(tape, "loss", call->stream);
    profile_begin(profile, PROFILE_LOSS);
    const rondo_value loss = heads_record(&work->network->heads, call, outputs, tape_constant(tape, &targets));
    profile_end(profile, PROFILE_LOSS);
    RONDO_TRY(tape_status(tape));
    RONDO_TRY(measure(work, shard, call, tape_tensor(tape, loss), tape_tensor(tape, outputs), &targets));
    profile_begin(profile, PROFILE_BACKWARD);
    const rondo_status status = is_training(work) ? tape_backward(tape, loss) : RONDO_OK;
    profile_end(profile, PROFILE_BACKWARD);
    return status;
}

/* One pass over a shard. `stepwise`: with the engine `tape`, whatever the engine of the layers. */
static rondo_status pass_shard(const struct network_work *work, struct network_shard *shard, int64_t index,
                               int stepwise) {
    struct network *network = work->network;
    struct tape *tape = shard->tape;
    tape_reset(tape);
    if (is_training(work)) {
        clear_gradients(network, shard->gradients[work->mode]);
    }
    struct profile *profile = profile_of(work);
    struct batch batch;
    profile_begin(profile, PROFILE_PACK);
    RONDO_TRY(batch_pack(work->dataset, shard->examples, pick_examples(work, shard, index),
                         network_architecture(network), network->settings.model.dtype, tape_arena(tape), &batch,
                         &shard->errors));
    profile_end(profile, PROFILE_PACK);
    const rondo_value *parameters = bind_parameters(work, shard);
    if (parameters == NULL) {
        return errors_no_memory(&shard->errors);
    }
    const struct rng_stream stream = rng_substream(work->stream, (uint64_t)index);
    /* Drawing targets needs complete predictions, so SAMPLE computes all outputs. */
    const int before_output = work->mode == TRAIN && heads_have(&network->heads, RONDO_LOSS_BEFORE_OUTPUT);
    const struct model_call model_call = {.time = &batch.time,
                                          .inputs = &batch.inputs,
                                          .parameters = parameters,
                                          .training = is_training(work),
                                          .stream = stream,
                                          .stepwise = stepwise,
                                          .before_output = before_output};
    profile_begin(profile, PROFILE_FORWARD);
    const rondo_value outputs = model_record(network->model, tape, &model_call);
    profile_end(profile, PROFILE_FORWARD);
    RONDO_TRY(tape_status(tape));
    const struct model_output output = model_output(network->model);
    const rondo_sequences sequences = time_axis_sequences(&batch.time);
    const rondo_value none = {-1};
    struct heads_call call = {.tape = tape,
                              .parallel = &network->session->parallel,
                              .errors = &shard->errors,
                              .stream = stream,
                              .training = work->mode == TRAIN,
                              .sequences = network->settings.model.architecture.output_every_step ? &sequences : NULL,
                              .output_weight = before_output ? parameters[output.weight] : none,
                              .output_bias = before_output ? parameters[output.bias] : none};
    return work->mode == PREDICT ? collect(work, shard, &call, &batch, tape_tensor(tape, outputs))
                                 : pass_loss(work, shard, &call, &batch, outputs);
}

/* The fused engine runs a recurrence as one op, so an error can name only the layer. After a result that is not finite, the
 * same pass is repeated step by step with the same random words: it has a value for every op, and finds the first one that
 * is not finite. If that pass gives finite results because of rounding, or runs out of memory, the first error is kept. */
static rondo_status run_shard(const struct network_work *work, struct network_shard *shard, int64_t index) {
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
    const struct network_work *work = arg;
    for (int64_t index = begin; index < end; index++) {
        struct network_shard *shard = &work->network->shards[index];
        shard->scores = (struct scores){0};
        if (run_shard(work, shard, index) != RONDO_OK && shard->errors.count == 0) {
            errors_add(&shard->errors, RONDO_INTERNAL, "a batch failed without a reason; this is a bug in Rondo");
        }
    }
}

static rondo_status prepare_examples(struct network_shard *shard, int64_t count, struct errors *errors) {
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

/* Depends only on the size of the batch, so that results do not depend on the machine. */
int64_t network_shard_count(const struct network *network, int64_t examples) {
    if (heads_have(&network->heads, RONDO_LOSS_COUPLES_ROWS)) {
        return 1;
    }
    const int64_t shards = (examples + NETWORK_SHARD_ROWS - 1) / NETWORK_SHARD_ROWS;
    return shards < NETWORK_MAX_SHARDS ? shards : NETWORK_MAX_SHARDS;
}

static void add_scores(struct scores *sum, const struct scores *add) {
    sum->rows += add->rows;
    for (int32_t m = 0; m < HEADS_MOST_METRICS; m++) {
        sum->sums[m] += add->sums[m];
    }
}

/* Runs all shards of a batch and adds their scores, in the tree of reduce_range. */
static rondo_status run_batch(struct network_work *work, struct scores *scores, struct errors *errors) {
    struct network *network = work->network;
    RONDO_CHECK(model_parameters(network->model)[0].value.data != NULL, errors, "the parameters have no memory");
    work->n_shards = network_shard_count(network, work->count);
    for (int64_t s = 0; s < work->n_shards; s++) {
        RONDO_TRY(prepare_examples(&network->shards[s], work->count / work->n_shards + 1, errors));
    }
    parallel_for(&network->session->parallel, work->n_shards, 1, shard_range, work);
    rondo_status status = RONDO_OK;
    for (int64_t s = 0; s < work->n_shards; s++) {
        struct network_shard *shard = &network->shards[s];
        if (shard->errors.count > 0 && status == RONDO_OK) {
            status = shard->errors.status;
            errors_move(errors, &shard->errors); /* the errors of the other shards are mostly the same */
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

struct network_reduction {
    struct network *network;
    enum mode set;
    int64_t n_shards;
    int32_t parameter;
    double scale;
};

/* sum[i] += add[i] for `count` elements from `begin` on. */
static void add_elements(const rondo_tensor *sum, const rondo_tensor *add, int64_t begin, int64_t count) {
    if (sum->dtype == RONDO_F32) {
        float *to = (float *)sum->data + begin;
        const float *from = (const float *)add->data + begin;
        for (int64_t i = 0; i < count; i++) {
            to[i] += from[i];
        }
    } else {
        double *to = (double *)sum->data + begin;
        const double *from = (const double *)add->data + begin;
        for (int64_t i = 0; i < count; i++) {
            to[i] += from[i];
        }
    }
}

/* gradient[0] = scale * (the sum over the shards), added in a fixed tree over the indices of the shards:
 *
 *     ((g0 + g1) + (g2 + g3)) + ((g4 + g5) + …)
 *
 * The tree depends only on the number of shards, so any number of threads gives the same bits, and so does adding up
 * subtrees in different processes. Gradients of the other shards are overwritten with partial sums. */
static void reduce_range(void *arg, int64_t begin, int64_t end) {
    enum { BLOCK = 1024 }; /* elements; partial sums stay in the cache */
    const struct network_reduction *reduction = arg;
    const struct network_shard *shards = reduction->network->shards;
    for (int64_t from = begin; from < end; from += BLOCK) {
        const int64_t count = end - from < BLOCK ? end - from : BLOCK;
        for (int64_t step = 1; step < reduction->n_shards; step *= 2) {
            for (int64_t s = 0; s + step < reduction->n_shards; s += 2 * step) {
                add_elements(&shards[s].gradients[reduction->set][reduction->parameter],
                             &shards[s + step].gradients[reduction->set][reduction->parameter], from, count);
            }
        }
    }
    tensor_scale(&shards[0].gradients[reduction->set][reduction->parameter], begin, end, reduction->scale);
}

/* Forward and backward pass; the first shard then has the gradients of the mode. */
static rondo_status differentiate(struct network_work *work, struct scores *scores, struct errors *errors) {
    struct network *network = work->network;
    RONDO_TRY(prepare_gradients(network, work->mode, network_shard_count(network, work->count), errors));
    struct profile *profile = network->session->profile;
    const int64_t rows_before = scores->rows;
    profile_set_training(profile, 1);
    const rondo_status status = run_batch(work, scores, errors);
    profile_set_training(profile, 0);
    RONDO_TRY(status);
    profile_begin(profile, PROFILE_REDUCE);
    /* Each shard has the gradient of the sum over its rows; the result is that of the mean over all rows. */
    const int64_t grain = 16 * 1024;
    for (int32_t p = 0; p < model_parameter_count(network->model); p++) {
        struct network_reduction reduction = {network, work->mode, work->n_shards, p,
                                              1.0 / (double)(scores->rows - rows_before)};
        parallel_for(&network->session->parallel, rondo_count(&model_parameters(network->model)[p].value), grain,
                     reduce_range, &reduction);
    }
    profile_end(profile, PROFILE_REDUCE);
    return RONDO_OK;
}

rondo_status network_train_batch(struct network *network, const struct dataset *dataset, const int64_t *examples,
                                 int64_t count, struct rng_stream stream, struct scores *scores,
                                 struct errors *errors) {
    struct network_work work = {
        .network = network, .dataset = dataset, .examples = examples, .count = count, .mode = TRAIN, .stream = stream};
    return differentiate(&work, scores, errors);
}

rondo_status network_sample_batch(struct network *network, const struct dataset *dataset, const int64_t *examples,
                                  int64_t count, struct rng_stream stream, struct errors *errors) {
    struct scores unused = {0};
    struct network_work work = {
        .network = network, .dataset = dataset, .examples = examples, .count = count, .mode = SAMPLE, .stream = stream};
    return differentiate(&work, &unused, errors);
}

/* Runs the whole dataset in batches of similar length. */
static rondo_status run_dataset(struct network_work *work, int64_t batch, struct scores *scores,
                                struct errors *errors) {
    const int64_t count = work->dataset->count;
    int64_t *order = malloc(sizeof *order * (size_t)(count == 0 ? 1 : count));
    if (order == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status =
        count == 0 ? RONDO_OK
                   : batch_order(work->dataset, batch, network_architecture(work->network), NULL, order, errors);
    for (int64_t first = 0; first < count && status == RONDO_OK; first += batch) {
        work->examples = order + first;
        work->count = count - first < batch ? count - first : batch;
        status = network_is_interrupted(work->network)
                     ? errors_add(errors, RONDO_INTERRUPTED, "interrupted after %lld of %lld examples",
                                  (long long)first, (long long)count)
                     : run_batch(work, scores, errors);
    }
    free(order);
    return status;
}

rondo_status network_evaluate(struct network *network, const struct dataset *dataset, int64_t batch,
                              struct scores *scores, struct errors *errors) {
    struct network_work work = {.network = network, .dataset = dataset, .mode = EVALUATE};
    RONDO_TRY(metrics_begin(network->metrics, errors));
    RONDO_TRY(run_dataset(&work, batch, scores, errors));
    return metrics_end(network->metrics, scores, errors);
}

rondo_status network_predict(struct network *network, const struct dataset *dataset, int64_t batch, float *predictions,
                             struct errors *errors) {
    const int64_t count = dataset->count;
    int64_t *row = malloc(sizeof *row * (size_t)(count == 0 ? 1 : count));
    if (row == NULL) {
        return errors_no_memory(errors);
    }
    const struct architecture layout = network_architecture(network);
    int64_t next = 0;
    for (int64_t i = 0; i < count; i++) {
        row[i] = next;
        next += layout.output_every_step ? example_steps(dataset, i, layout) : 1;
    }
    struct scores unused = {0};
    struct network_work work = {
        .network = network, .dataset = dataset, .mode = PREDICT, .predictions = predictions, .prediction_row = row};
    const rondo_status status = run_dataset(&work, batch, &unused, errors);
    free(row);
    return status;
}
