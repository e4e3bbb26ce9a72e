#include "train/network_shard.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/host.h"
#include "core/memory.h"
#include "train/profile.h"

rondo_status network_open_tape(struct network *network, struct network_shard *shard, struct errors *errors) {
    const struct tape_settings settings = {network->session->registry, &network->session->parallel, &shard->errors};
    tape_destroy(shard->tape);
    shard->tape = tape_create(&settings);
    return shard->tape == NULL ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status network_prepare_examples(struct network_shard *shard, int64_t count, struct errors *errors) {
    if (count > shard->examples_capacity) {
        int64_t *examples = memory_realloc(shard->examples, sizeof *examples * (size_t)count);
        if (examples == NULL) {
            return errors_no_memory(errors);
        }
        shard->examples = examples;
        shard->examples_capacity = count;
    }
    return RONDO_OK;
}

static rondo_status clear_gradients(const struct network_work *work, struct network_shard *shard) {
    const struct model *model = work->network->model;
    const struct model_parameter *parameters = model_parameters(model);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        struct row_table *rows = shard->rows[work->mode][p];
        if (rows != NULL) {
            RONDO_TRY(row_table_begin(rows, parameters[p].name, &parameters[p].value, &shard->errors));
        } else {
            memset(shard->gradients[work->mode][p].data, 0, tensor_bytes(&parameters[p].value));
        }
    }
    return RONDO_OK;
}

static int is_training(const struct network_work *work) {
    return work->mode == NETWORK_TRAIN || work->mode == NETWORK_SAMPLE;
}

/* Measures training; evaluation is measured as a whole. NULL: nothing is. */
static struct profile *profile_of(const struct network_work *work) {
    return is_training(work) ? work->network->session->profile : NULL;
}

/* Puts the parameters on the tape of a shard: with gradients in training, as constants otherwise. The model itself puts
 * those by rows there. */
static rondo_status bind_parameters(const struct network_work *work, struct network_shard *shard,
                                    struct model_call *call) {
    const struct model *model = work->network->model;
    const int32_t count = model_parameter_count(model);
    const struct model_parameter *parameters = model_parameters(model);
    rondo_value *values = arena_calloc(tape_arena(shard->tape), (size_t)count, sizeof *values);
    struct row_table **rows = arena_calloc(tape_arena(shard->tape), (size_t)count, sizeof(struct row_table *));
    if (values == NULL || rows == NULL) {
        return errors_no_memory(&shard->errors);
    }
    for (int32_t p = 0; p < count; p++) {
        const int is_trained = is_training(work) && (work->network->frozen == NULL || !work->network->frozen[p]);
        rows[p] = is_trained ? shard->rows[work->mode][p] : NULL;
        values[p] = (rondo_value){-1};
        if (is_trained && rows[p] == NULL) {
            values[p] =
                tape_parameter(shard->tape, parameters[p].name, &parameters[p].value, &shard->gradients[work->mode][p]);
        } else if (!is_trained) {
            values[p] = tape_constant(shard->tape, &parameters[p].value);
            tape_name(shard->tape, values[p], parameters[p].name);
        }
    }
    call->parameters = values;
    call->rows = rows;
    return RONDO_OK;
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

/* The stream that the targets and predictions of a dataset belong to. */
static const struct stream *target_of(const struct network_work *work) {
    return dataset_find(work->dataset, "target");
}

/* Row `row` of numbers of the model, back to the units of the data, of an example of that group. It has one number, or several
 * adjacent ones, for each number of the stream (RONDO_LOSS_ANY_UNIT). */
static void row_to_units(const struct stream *target, int32_t group, const rondo_tensor *numbers, int64_t row) {
    const int64_t width = numbers->shape[1], each = width / target->size;
    for (int64_t i = 0; i < width; i++) {
        const double seen = tensor_get(numbers, row * width + i);
        tensor_set(numbers, row * width + i, stream_to_units(target, group, i / each, seen));
    }
}

/* 1 if the model sees the targets in other units than those of the data. */
static int has_units(const struct stream *target) {
    return target != NULL && target->kind == STREAM_REAL && (target->scale != NULL || target->transform != NULL);
}

/* All rows of a batch that are scored. */
static void to_units(const struct network_work *work, const struct batch *batch, const rondo_tensor *numbers) {
    for (int64_t row = 0; row < batch->n_scored; row++) {
        row_to_units(target_of(work), dataset_group(work->dataset, batch->scored_example[row]), numbers, row);
    }
}

/* The scale of the naive forecast of each scored target, [n_scored, size]; data NULL: not known. */
static rondo_status naive_of(const struct network_work *work, struct network_shard *shard, const struct batch *batch,
                             rondo_tensor *naive) {
    const struct stream *target = target_of(work);
    *naive = tensor_2d(work->network->settings.plan.dtype, batch->n_scored, target->size, NULL);
    if (target->naive == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(tensor_alloc(naive, tape_arena(shard->tape), &shard->errors));
    for (int64_t i = 0; i < rondo_count(naive); i++) {
        const int32_t group = dataset_group(work->dataset, batch->scored_example[i / target->size]);
        tensor_set(naive, i, (double)target->naive[group * target->size + i % target->size]);
    }
    return RONDO_OK;
}

static rondo_status copy_tensor(const rondo_tensor *from, rondo_tensor *to, struct network_shard *shard) {
    *to = *from;
    RONDO_TRY(tensor_alloc(to, tape_arena(shard->tape), &shard->errors));
    memcpy(to->data, from->data, tensor_bytes(from));
    return RONDO_OK;
}

/* The quantiles with these probabilities, in the units of the model; NULL with an error. */
static rondo_tensor *compute_quantiles(const struct network_work *work, struct network_shard *shard,
                                       struct heads_call *call, const rondo_tensor *outputs,
                                       const double *probabilities, int32_t count) {
    rondo_tensor *quantiles = arena_calloc(tape_arena(shard->tape), (size_t)count + 1, sizeof *quantiles);
    if (quantiles == NULL) {
        errors_no_memory(&shard->errors);
        return NULL;
    }
    for (int32_t i = 0; i < count; i++) {
        if (heads_quantile(&work->network->heads, call, outputs, probabilities[i], &quantiles[i]) != RONDO_OK) {
            return NULL;
        }
    }
    return quantiles;
}

/* Adds the metrics of a shard, which are measured in the units of the data. They need predictions, which training does not
 * use: they would cost it a second softmax per update. */
static rondo_status measure_predictions(const struct network_work *work, struct network_shard *shard,
                                        struct heads_call *call, const struct batch *batch, const rondo_tensor *outputs,
                                        const rondo_tensor *targets) {
    const struct network *network = work->network;
    const struct stream *stream = target_of(work);
    rondo_tensor predictions, in_units = *targets;
    if (!metrics_are_measured(network->metrics)) {
        return RONDO_OK;
    }
    RONDO_TRY(heads_predict(&network->heads, call, outputs, &predictions));
    if (has_units(stream)) {
        rondo_tensor own = predictions;
        RONDO_TRY(copy_tensor(&own, &predictions, shard));
        RONDO_TRY(copy_tensor(targets, &in_units, shard));
        to_units(work, batch, &predictions);
        to_units(work, batch, &in_units);
    }
    int32_t count = 0;
    const double *probabilities = metrics_quantiles(network->metrics, &count);
    rondo_tensor *quantiles = compute_quantiles(work, shard, call, outputs, probabilities, count);
    if (quantiles == NULL) {
        return shard->errors.status;
    }
    for (int32_t i = 0; i < count && has_units(stream); i++) {
        to_units(work, batch, &quantiles[i]);
    }
    rondo_tensor naive = {0};
    RONDO_TRY(naive_of(work, shard, batch, &naive));
    const struct metrics_rows rows = {.predictions = &predictions,
                                      .quantiles = quantiles,
                                      .targets = &in_units,
                                      .naive = naive.data == NULL ? NULL : &naive,
                                      .weights = batch->weight.data == NULL ? NULL : &batch->weight};
    return metrics_measure(network->metrics, (int32_t)(shard - network->shards), call, &rows, &shard->scores);
}

/* Adds the metrics of a forecast without the model. */
static rondo_status measure_naive(const struct network_work *work, struct network_shard *shard,
                                  const struct batch *batch) {
    const struct network *network = work->network;
    const struct stream *target = target_of(work);
    const int64_t size = target->size;
    rondo_tensor predictions = tensor_2d(network->settings.plan.dtype, batch->n_scored, size, NULL);
    rondo_tensor targets = batch->targets, naive; /* the batch is used for nothing else */
    double *numbers = arena_calloc(tape_arena(shard->tape), (size_t)size, sizeof *numbers);
    if (numbers == NULL) {
        return errors_no_memory(&shard->errors);
    }
    RONDO_TRY(tensor_alloc(&predictions, tape_arena(shard->tape), &shard->errors));
    for (int64_t row = 0; row < batch->n_scored; row++) {
        naive_forecast(work->dataset, batch->scored_example[row], batch->scored_element[row], work->naive, numbers);
        for (int64_t k = 0; k < size; k++) {
            tensor_set(&predictions, row * size + k, numbers[k]);
            tensor_set(&targets, row * size + k, (double)stream_number(target, batch->scored_element[row], k));
        }
    }
    RONDO_TRY(naive_of(work, shard, batch, &naive));
    shard->scores.rows += batch->n_scored;
    struct heads_call call = {.tape = shard->tape, .parallel = &network->session->parallel, .errors = &shard->errors};
    const struct metrics_rows rows = {.predictions = &predictions,
                                      .targets = &targets,
                                      .naive = naive.data == NULL ? NULL : &naive,
                                      .weights = batch->weight.data == NULL ? NULL : &batch->weight,
                                      .is_plain = 1};
    return metrics_measure(network->metrics, (int32_t)(shard - network->shards), &call, &rows, &shard->scores);
}

/* The loss is not finite: names where that began, and the example. */
static rondo_status add_loss_error(const struct network_work *work, struct network_shard *shard,
                                   const struct batch *batch, const rondo_tensor *loss) {
    const char *origin = tape_first_not_finite(shard->tape);
    const int64_t *examples = batch->target_begin != NULL ? batch->example : batch->scored_example;
    const int64_t count = rondo_count(loss);
    int64_t row = 0;
    while (row < count && isfinite(tensor_get(loss, row))) {
        row++;
    }
    char example[64] = "";
    if (row < count && examples != NULL) {
        snprintf(example, sizeof example, ", in example %lld (counted from 0)", (long long)examples[row]);
    }
    return errors_add(&shard->errors, RONDO_NOT_FINITE, "the loss is not finite; it began with %s (%s)%s",
                      origin == NULL ? "the sum over the rows" : origin,
                      heads_text(&work->network->heads, tape_arena(shard->tape)), example);
}

/* Adds the loss of every row to the scores of a shard. */
static rondo_status measure_losses(const struct network_work *work, struct network_shard *shard,
                                   const struct heads_call *call, const struct batch *batch, const rondo_tensor *loss) {
    const struct heads *heads = &work->network->heads;
    const int64_t count = rondo_count(loss);
    shard->scores.rows += batch->is_empty ? 0 : count;
    for (int64_t i = 0; i < count; i++) {
        shard->scores.weight += batch->weight.data == NULL ? 1 : tensor_get(&batch->weight, i);
        shard->scores.sums[0] += tensor_get(loss, i);
    }
    if (!isfinite(shard->scores.sums[0])) {
        return add_loss_error(work, shard, batch, loss);
    }
    heads_add_losses(heads, call, &batch->weight, shard->scores.sums);
    return RONDO_OK;
}

/* Copies the rows of numbers of a shard, in the units of the data, to the rows of their examples in `result`, [.., width]. */
static void collect_rows(const struct network_work *work, const struct batch *batch, const rondo_tensor *rows_of,
                         float *result) {
    const struct stream *target = target_of(work);
    const int64_t width = rows_of->shape[1];
    const int every_step = work->network->settings.plan.architecture.output_every_step;
    for (int64_t t = 0; t < (every_step ? batch->time.steps : 1); t++) {
        const int64_t rows = every_step ? batch->time.alive[t] : batch->time.rows;
        for (int64_t row = 0; row < rows; row++) {
            const int64_t from = every_step ? batch->time.begin[t] + row : row;
            const int64_t to = work->prediction_row[batch->example[row]] + t;
            if (has_units(target)) {
                row_to_units(target, dataset_group(work->dataset, batch->example[row]), rows_of, from);
            }
            for (int64_t k = 0; k < width; k++) {
                result[to * width + k] = (float)tensor_get(rows_of, from * width + k);
            }
        }
    }
}

/* Copies the predictions of a shard, and their quantiles, to the result. */
static rondo_status collect(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                            const struct batch *batch, const rondo_tensor *outputs) {
    rondo_tensor predictions;
    rondo_tensor raw;
    RONDO_TRY(heads_predict(&work->network->heads, call, outputs, &raw));
    RONDO_TRY(copy_tensor(&raw, &predictions, shard)); /* a loss without `predict` gives its outputs */
    if (!tensor_is_finite(&predictions)) {
        const char *origin = tape_first_not_finite(shard->tape);
        return errors_add(&shard->errors, RONDO_NOT_FINITE, "the predictions are not finite; it began with %s",
                          origin == NULL ? "the loss head" : origin);
    }
    collect_rows(work, batch, &predictions, work->predictions);
    const struct network_interval *interval = work->interval;
    if (interval == NULL) {
        return RONDO_OK;
    }
    const double probabilities[] = {(1 - interval->level) / 2, (1 + interval->level) / 2, 0.5};
    float *const results[] = {interval->lower, interval->upper, interval->middle};
    for (int i = 0; i < 3; i++) {
        const rondo_tensor *quantiles =
            results[i] == NULL ? NULL : compute_quantiles(work, shard, call, outputs, &probabilities[i], 1);
        if (quantiles != NULL) {
            collect_rows(work, batch, quantiles, results[i]);
        } else if (results[i] != NULL) {
            return shard->errors.status;
        }
    }
    return RONDO_OK;
}

/* Writes log p of the target of each row of a shard to the row of its example. A probability that is 0 in its dtype counts as
 * the smallest that is not, as in the metrics. */
static rondo_status collect_log_probabilities(const struct network_work *work, struct network_shard *shard,
                                              struct heads_call *call, const struct batch *batch,
                                              const rondo_tensor *outputs) {
    if (batch->is_empty) {
        return RONDO_OK;
    }
    rondo_tensor predictions;
    RONDO_TRY(heads_predict(&work->network->heads, call, outputs, &predictions));
    const int every_step = work->network->settings.plan.architecture.output_every_step;
    const double smallest = predictions.dtype == RONDO_F32 ? (double)FLT_MIN : DBL_MIN;
    for (int64_t row = 0; row < batch->n_scored; row++) {
        const int64_t target = ((const int32_t *)batch->targets.data)[row];
        const double p = tensor_get(&predictions, row * predictions.shape[1] + target);
        const int64_t example = batch->scored_example[row];
        const int64_t step = every_step ? batch->scored_element[row] - target_of(work)->begin[example] : 0;
        if (!isfinite(p)) {
            const char *origin = tape_first_not_finite(shard->tape);
            return errors_add(&shard->errors, RONDO_NOT_FINITE, "the predictions are not finite; it began with %s",
                              origin == NULL ? "the loss head" : origin);
        }
        work->predictions[work->prediction_row[example] + step] = (float)log(p > smallest ? p : smallest);
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
    for (int64_t row = 0; row < outputs->shape[0]; row++) {
        const int64_t k = heads_draw_class(&predictions, row, rng_uniform(stream, (uint64_t)row));
        tensor_set(targets, row, (double)k);
    }
    return RONDO_OK;
}

/* The backward pass. If it is to be checked, and a gradient is not finite, the error names where that began: perhaps with a
 * value of the forward pass that does not reach the loss, such as an infinite input of a tanh. */
static rondo_status pass_backward(const struct network_work *work, struct network_shard *shard, rondo_value loss) {
    struct tape *tape = shard->tape;
    tape_check_gradients(tape, work->checks_gradients);
    const rondo_status status = tape_backward(tape, loss);
    const char *origin = tape_first_gradient_not_finite(tape);
    if (origin == NULL) {
        return status;
    }
    const char *value = tape_first_not_finite(tape);
    return value == NULL
               ? errors_add(&shard->errors, status, "it began with the backward pass of %s", origin)
               : errors_add(&shard->errors, status,
                            "it began with %s, and of the gradients with the backward pass of %s", value, origin);
}

/* The last step of each row of which an output has a target, or, with one output per row, the last step that the pool reads:
 * there the gradient of an inspection begins. -1: none. NULL: out of memory. */
static const int64_t *find_anchors(const struct network_work *work, const struct batch *batch, struct arena *arena) {
    const struct time_axis *time = &batch->time;
    const int every_step = work->network->settings.plan.architecture.output_every_step;
    const int reads_first = !every_step && work->network->settings.model.pooling == POOL_FIRST;
    const int32_t *scored = batch->scored.data; /* packed positions, or rows; NULL: all */
    int64_t *anchor = arena_calloc(arena, (size_t)time->rows, sizeof *anchor);
    if (anchor == NULL) {
        return NULL;
    }
    for (int64_t row = 0; row < time->rows; row++) {
        anchor[row] = scored != NULL ? -1 : reads_first ? 0 : time->lengths[row] - 1;
    }
    int64_t t = 0;
    for (int64_t i = 0; scored != NULL && i < batch->n_scored; i++) {
        if (!every_step) {
            anchor[scored[i]] = reads_first ? 0 : time->lengths[scored[i]] - 1;
            continue;
        }
        t = scored[i] < time->begin[t] ? 0 : t;
        while (scored[i] >= time->begin[t + 1]) {
            t++;
        }
        const int64_t row = scored[i] - time->begin[t];
        anchor[row] = t > anchor[row] ? t : anchor[row];
    }
    return anchor;
}

/* Records the loss of a shard after its outputs; in training also runs the backward pass. */
static rondo_status pass_loss(const struct network_work *work, struct network_shard *shard, struct heads_call *call,
                              const struct batch *batch, rondo_value outputs) {
    struct tape *tape = shard->tape;
    rondo_tensor targets = batch->targets;
    if (work->mode == NETWORK_SAMPLE) {
        RONDO_TRY(draw_targets(work, shard, call, tape_tensor(tape, outputs), &targets));
    }
    struct profile *profile = profile_of(work);
    tape_enter(tape, "loss", call->stream);
    profile_begin(profile, PROFILE_LOSS);
    rondo_value loss = heads_record(&work->network->heads, call, outputs, tape_constant(tape, &targets));
    if (batch->weight.data != NULL) {
        loss = tape_apply_named(tape, "mul", NULL, (rondo_value[]){loss, tape_constant(tape, &batch->weight)}, 2);
    }
    profile_end(profile, PROFILE_LOSS);
    RONDO_TRY(tape_status(tape));
    RONDO_TRY(measure_losses(work, shard, call, batch, tape_tensor(tape, loss)));
    if (work->mode == NETWORK_EVALUATE && !batch->is_empty) {
        RONDO_TRY(measure_predictions(work, shard, call, batch, tape_tensor(tape, outputs), &targets));
    }
    if (work->mode == NETWORK_INSPECT && !batch->is_empty) {
        RONDO_TRY(tape_backward(tape, loss));
    }
    profile_begin(profile, PROFILE_BACKWARD);
    const rondo_status status = is_training(work) ? pass_backward(work, shard, loss) : RONDO_OK;
    profile_end(profile, PROFILE_BACKWARD);
    return status;
}

/* One pass over a shard. `stepwise`: with the engine `tape`, whatever the engine of the layers. */
static rondo_status pass_shard(const struct network_work *work, struct network_shard *shard, int64_t index,
                               int stepwise) {
    struct network *network = work->network;
    struct tape *tape = shard->tape;
    tape_reset(tape);
    if (is_training(work) && index >= work->n_summed) {
        RONDO_TRY(clear_gradients(work, shard));
    }
    struct profile *profile = profile_of(work);
    struct batch batch = {0};
    struct batch_plan plan = network->settings.plan;
    plan.update = is_training(work) ? &work->stream : NULL;
    profile_begin(profile, PROFILE_PACK);
    const rondo_status packed = batch_pack(work->dataset, shard->examples, pick_examples(work, shard, index), &plan,
                                           work->mode != NETWORK_PREDICT, tape_arena(tape), &batch, &shard->errors);
    profile_end(profile, PROFILE_PACK);
    RONDO_TRY(packed);
    if (work->mode == NETWORK_NAIVE) {
        return batch.is_empty ? RONDO_OK : measure_naive(work, shard, &batch);
    }
    const struct rng_stream stream = rng_substream(work->stream, (uint64_t)index);
    /* Drawing targets needs complete predictions, so NETWORK_SAMPLE computes all outputs. */
    const int before_output = work->mode == NETWORK_TRAIN && heads_have(&network->heads, RONDO_LOSS_BEFORE_OUTPUT);
    rondo_sequences sequences = time_axis_sequences(&batch.time);
    sequences.target_begin = batch.target_begin;
    /* The rows are those of the time axis only if every step has a target. */
    const int has_sequences = network->settings.plan.architecture.output_every_step && batch.scored.data == NULL;
    struct heads_call call = {.tape = tape,
                              .parallel = &network->session->parallel,
                              .errors = &shard->errors,
                              .stream = stream,
                              .training = work->mode == NETWORK_TRAIN,
                              .sequences = has_sequences ? &sequences : NULL,
                              .output_weight = {-1},
                              .output_bias = {-1}};
    struct model_probe probe = {.input = {-1}};
    if (work->mode == NETWORK_INSPECT) {
        probe.anchor = find_anchors(work, &batch, tape_arena(tape));
        probe.values = (work->inspected + index) % work->inspection->values_every == 0;
        if (probe.anchor == NULL) {
            return errors_no_memory(&shard->errors);
        }
    }
    if (before_output) {
        RONDO_TRY(heads_choose(&network->heads, &call, &batch.targets));
    }
    const struct model_source source = {&batch.source.time, &batch.source.input, batch.source.row};
    struct model_call model_call = {.time = &batch.time,
                                    .inputs = batch.inputs,
                                    .source = batch.source.time.rows > 0 ? &source : NULL,
                                    .scored = batch.scored.data == NULL ? NULL : &batch.scored,
                                    .carried = work->carried,
                                    .kept = work->kept,
                                    .lane = batch.lane,
                                    .starts = batch.starts,
                                    .training = is_training(work),
                                    .stream = stream,
                                    .stepwise = stepwise,
                                    .probe = work->mode == NETWORK_INSPECT ? &probe : NULL,
                                    .before_output = before_output,
                                    .chosen = call.chosen.data == NULL ? NULL : &call.chosen};
    RONDO_TRY(bind_parameters(work, shard, &model_call));
    profile_begin(profile, PROFILE_FORWARD);
    struct model_result result;
    const rondo_status recorded = model_record(network->model, tape, &model_call, &result);
    profile_end(profile, PROFILE_FORWARD);
    RONDO_TRY(recorded);
    const rondo_value outputs = before_output ? result.hidden : result.outputs;
    call.output_weight = result.weight;
    call.output_bias = result.bias;
    if (work->mode == NETWORK_PREDICT) {
        return collect(work, shard, &call, &batch, tape_tensor(tape, outputs));
    }
    if (work->mode == NETWORK_SCORE) {
        return collect_log_probabilities(work, shard, &call, &batch, tape_tensor(tape, outputs));
    }
    RONDO_TRY(pass_loss(work, shard, &call, &batch, outputs));
    return work->mode == NETWORK_INSPECT && !batch.is_empty
               ? work->inspection->inspect(work->inspection->arg, index, tape, &batch, &probe)
               : RONDO_OK;
}

/* The fused engine runs a recurrence as one op, so an error can name only the layer. After a result that is not finite, the
 * same pass is repeated step by step with the same random words: it has a value for every op, and finds the first one that
 * is not finite. If that pass gives finite results because of rounding, or runs out of memory, the first error is kept. */
rondo_status network_run_shard(const struct network_work *work, struct network_shard *shard, int64_t index) {
    if (work->checks_gradients) {
        return pass_shard(work, shard, index, 1);
    }
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
