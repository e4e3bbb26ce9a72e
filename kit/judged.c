#include "kit/judged.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 6 }; /* of hidden states */

/* ---- filling ---- */

static struct rng_stream stream_of(const struct judged *judged, const char *name, int32_t instance) {
    return rng_substream(rng_stream(judged->seed, name), (uint64_t)instance);
}

static double draw_number(struct rng_stream stream, uint64_t n, enum draw_targets draw) {
    if (draw == TARGETS_NORMAL) {
        return rng_normal(stream, n);
    }
    const double unit = 0.05 + 0.9 * rng_uniform(stream, n);
    return draw != TARGETS_SIGN ? unit : unit < 0.5 ? -1 : 1;
}

static void draw_row(const rondo_tensor *tensor, int64_t row, struct rng_stream stream, enum draw_targets draw) {
    const int64_t width = tensor->shape[1];
    const uint64_t first = (uint64_t)(row * width);
    double sum = 0;
    for (int64_t k = 0; k < width; k++) {
        sum += draw_number(stream, first + (uint64_t)k, draw);
    }
    const double divisor = draw == TARGETS_DISTRIBUTION ? sum : 1;
    for (int64_t k = 0; k < width; k++) {
        tensor_set(tensor, row * width + k, draw_number(stream, first + (uint64_t)k, draw) / divisor);
    }
}

static void draw_outputs_row(const rondo_tensor *tensor, int64_t row, struct rng_stream stream,
                             enum draw_outputs draw) {
    const int64_t width = tensor->shape[1];
    draw_row(tensor, row, stream, draw == OUTPUTS_NORMAL ? TARGETS_NORMAL : TARGETS_DISTRIBUTION);
    for (int64_t i = row * width; draw == OUTPUTS_LOG_PROBABILITIES && i < (row + 1) * width; i++) {
        tensor_set(tensor, i, log(tensor_get(tensor, i)));
    }
}

/* Targets number begin .. end - 1. */
static void draw_classes(struct judged *judged, int32_t instance, int64_t begin, int64_t end) {
    const struct rng_stream stream = stream_of(judged, "targets", instance);
    for (int64_t i = begin; i < end; i++) {
        const uint64_t class = rng_below(stream, (uint64_t)i, (uint64_t)judged->tried.target_size);
        tensor_set(&judged->targets, i, (double)class);
    }
}

void judged_draw(struct judged *judged, int32_t instance, int64_t begin, int64_t end) {
    judged->drawn = instance;
    for (int64_t row = begin; row < end; row++) {
        draw_outputs_row(&judged->outputs, row, stream_of(judged, "outputs", instance), judged->tried.outputs);
        if (judged->n_inputs > 1) {
            draw_row(&judged->inputs[0], row, stream_of(judged, "hidden", instance), TARGETS_NORMAL);
        }
        if (judged->tried.kind == RONDO_TARGET_REAL) {
            draw_row(&judged->targets, row, stream_of(judged, "targets", instance), judged->tried.targets);
        }
    }
    if (judged->tried.kind == RONDO_TARGET_CLASS) {
        draw_classes(judged, instance, begin, end);
    } else if (judged->tried.kind == RONDO_TARGET_LIST && begin == 0 && end == judged->rows) {
        draw_classes(judged, instance, 0, rondo_count(&judged->targets));
    }
}

/* ---- making one ---- */

/* Eight sequences of 32 steps in all, with 16 labels: each can be aligned with its steps, even where labels repeat and
 * a blank has to stand between. */
static void lay_out_sequences(struct judged *judged) {
    static const int64_t lengths[JUDGED_SEQUENCES] = {8, 7, 5, 4, 3, 2, 2, 1};
    static const int64_t labels[JUDGED_SEQUENCES] = {4, 3, 3, 2, 2, 1, 1, 0};
    memcpy(judged->lengths, lengths, sizeof lengths);
    for (int64_t t = 0; t < JUDGED_STEPS; t++) {
        int64_t active = 0;
        while (active < JUDGED_SEQUENCES && lengths[active] > t) {
            active++;
        }
        judged->begin[t + 1] = judged->begin[t] + active;
    }
    for (int64_t s = 0; s < JUDGED_SEQUENCES; s++) {
        judged->target_begin[s + 1] = judged->target_begin[s] + labels[s];
    }
    judged->sequences =
        (rondo_sequences){.struct_size = sizeof judged->sequences,
                          .count = JUDGED_SEQUENCES,
                          .steps = JUDGED_STEPS,
                          .lengths = judged->lengths,
                          .begin = judged->begin,
                          .target_begin = judged->tried.kind == RONDO_TARGET_LIST ? judged->target_begin : NULL};
    judged->call.sequences = &judged->sequences;
}

static rondo_tensor targets_of(const struct judged *judged, int32_t dtype) {
    switch (judged->tried.kind) {
    case RONDO_TARGET_CLASS:
        return tensor_1d(RONDO_I32, judged->rows, NULL);
    case RONDO_TARGET_REAL:
        return tensor_2d(dtype, judged->rows, judged->tried.target_size, NULL);
    default:
        return tensor_1d(RONDO_I32, judged->target_begin[JUDGED_SEQUENCES], NULL);
    }
}

static int add_tensors(struct judged *judged, int32_t dtype) {
    const int64_t outputs = judged->tried.output_size;
    struct guard *guard = judged->guard;
    judged->outputs = tensor_2d(dtype, judged->rows, outputs, NULL);
    judged->predictions = tensor_2d(dtype, judged->rows, judged->tried.prediction_size, NULL);
    judged->targets = targets_of(judged, dtype);
    if (!guard_tensor(guard, "the outputs", &judged->outputs) ||
        !guard_tensor(guard, "the predictions", &judged->predictions) ||
        !guard_tensor(guard, "the targets", &judged->targets)) {
        return 0;
    }
    judged->inputs[0] = judged->outputs;
    judged->n_inputs = 1;
    if ((judged->loss->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0 && judged->call.training) {
        judged->inputs[0] = tensor_2d(dtype, judged->rows, WIDTH, NULL);
        judged->inputs[1] = tensor_2d(dtype, WIDTH, outputs, NULL);
        judged->inputs[2] = tensor_1d(dtype, outputs, NULL);
        judged->n_inputs = 3;
    }
    for (int32_t k = 0; k < judged->n_inputs; k++) {
        judged->gradients[k] = judged->inputs[k];
        if ((judged->n_inputs > 1 && !guard_tensor(guard, "hidden states or weights", &judged->inputs[k])) ||
            !guard_tensor(guard, "a gradient", &judged->gradients[k])) {
            return 0;
        }
    }
    for (int32_t k = 1; k < judged->n_inputs; k++) {
        for (int64_t i = 0; i < rondo_count(&judged->inputs[k]); i++) {
            tensor_set(&judged->inputs[k], i, 0.5 * rng_normal(stream_of(judged, "weights", k), (uint64_t)i));
        }
    }
    return 1;
}

/* A copy of the options in the guard; 0 with the reason. */
static int add_options(struct judged_visit *visit, struct judged *judged) {
    const rondo_descriptor *base = &judged->loss->base;
    const void *made = kit_options(visit->kit, base, visit->options);
    if (base->options == NULL) {
        return 1;
    }
    void *copy = made == NULL ? NULL : guard_alloc(judged->guard, "the options", base->options_size);
    if (copy == NULL) {
        judged_say(visit, VERDICT_FAIL, "cannot make options of '%s': %s", visit->options == NULL ? "" : visit->options,
                   errors_text(visit->kit->errors, 0));
        return 0;
    }
    memcpy(copy, made, base->options_size);
    judged->call.options = copy;
    return 1;
}

struct judged *judged_create(struct judged_visit *visit, int32_t dtype, int64_t rows, int32_t instance) {
    struct judged *judged = arena_calloc(visit->kit->arena, 1, sizeof *judged);
    struct arena *arena = arena_create();
    struct guard *guard = guard_create();
    if (judged == NULL || arena == NULL || guard == NULL) {
        judged_say(visit, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    *judged = (struct judged){.loss = visit->loss,
                              .tried = visit->tried,
                              .guard = guard,
                              .arena = arena,
                              .call = {.struct_size = sizeof judged->call,
                                       .target_kind = visit->tried.kind,
                                       .target_size = visit->tried.target_size,
                                       .training = visit->training,
                                       .output_weight = {-1},
                                       .output_bias = {-1}},
                              .seed = visit->kit->seed,
                              .rows = rows,
                              .parallel = {1}};
    if (visit->tried.has_sequences) {
        judged->rows = JUDGED_SEQUENCE_ROWS;
        lay_out_sequences(judged);
    }
    judged->losses_expected = visit->tried.kind == RONDO_TARGET_LIST ? JUDGED_SEQUENCES : judged->rows;
    judged->tape = tape_create(&(struct tape_settings){visit->kit->registry, &judged->parallel, &judged->errors});
    if (!add_options(visit, judged)) {
        return NULL;
    }
    if (judged->tape == NULL || !add_tensors(judged, dtype)) {
        judged_say(visit, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    judged_draw(judged, instance, 0, judged->rows);
    return judged;
}

static void copy_rows(const rondo_tensor *to, const rondo_tensor *from, int64_t begin, int64_t rows) {
    const int64_t width = from->shape[0] == 0 ? 0 : rondo_count(from) / from->shape[0];
    const size_t row = (size_t)width * dtype_size(from->dtype);
    if (row > 0 && rows > 0) {
        memcpy(to->data, (const char *)from->data + (size_t)begin * row, (size_t)rows * row);
    }
}

struct judged *judged_part(struct judged_visit *visit, const struct judged *from, int64_t begin, int64_t end) {
    struct judged *part = judged_create(visit, from->outputs.dtype, end - begin, 0);
    if (part != NULL) {
        copy_rows(&part->inputs[0], &from->inputs[0], begin, end - begin);
        copy_rows(&part->outputs, &from->outputs, begin, end - begin);
        copy_rows(&part->targets, &from->targets, begin, end - begin);
    }
    return part;
}

void judged_close(struct judged *judged) {
    tape_destroy(judged->tape);
    arena_destroy(judged->arena);
    guard_destroy(judged->guard);
    errors_free(&judged->errors);
    judged->tape = NULL;
    judged->arena = NULL;
    judged->guard = NULL;
}

/* ---- calls ---- */

/* A call that notices random words. `host` comes first: a rondo_context* of it is this struct. */
struct watched {
    struct host_call host;
    rondo_host table;
    struct judged *judged;
};

static void watched_random(rondo_context *ctx, uint64_t first, int64_t count, uint32_t *bits) {
    const struct watched *watched = (const struct watched *)ctx;
    watched->judged->drew = 1;
    rng_words(watched->host.stream, first, count, bits);
}

static void begin_call(struct watched *watched, struct judged *judged) {
    arena_reset(judged->arena);
    watched->judged = judged;
    watched->host = host_call(judged->arena, &judged->errors, &judged->parallel, judged->loss->base.name);
    watched->host.stream = rng_stream(judged->seed, "loss");
    watched->host.allocations_left = judged->allocations_left;
    watched->table = *watched->host.base.host;
    watched->table.random = watched_random;
    watched->host.base.host = &watched->table;
}

/* host_result, with what was dishonest remembered. */
static rondo_status end_call(struct watched *watched, rondo_status status) {
    struct judged *judged = watched->judged;
    if (status < 0 || status >= RONDO_STATUS_COUNT) {
        judged->unknown_status = judged->unknown_status == 0 ? status : judged->unknown_status;
    } else if (status == RONDO_OK) {
        judged->ignored |= watched->host.failed != RONDO_OK;
    } else {
        judged->quiet |= watched->host.failed == RONDO_OK && status != RONDO_NO_MEMORY;
    }
    return host_result(&watched->host, status);
}

/* What the losses came to, before any backward pass. */
static rondo_status look_at_losses(struct judged *judged, const struct watched *watched, rondo_value losses) {
    const rondo_status failed = watched->host.failed != RONDO_OK ? watched->host.failed : tape_status(judged->tape);
    if (failed != RONDO_OK) {
        judged->quiet |= judged->errors.count == 0;
        return failed;
    }
    if (losses.id < 0) {
        judged->quiet = 1;
        return errors_add(&judged->errors, RONDO_INTERNAL, "record returned a failed value and did not say why");
    }
    judged->losses = tape_tensor(judged->tape, losses);
    const rondo_tensor expected = tensor_1d(judged->outputs.dtype, judged->losses_expected, NULL);
    if (judged->losses == NULL || !tensor_same_shape(judged->losses, &expected)) {
        return errors_add(
            &judged->errors, RONDO_INTERNAL, "record returned losses %s, %s, expected %s, %s: one for each %s",
            judged->losses == NULL ? "of no value" : tensor_shape_text(judged->losses).text,
            judged->losses == NULL ? "" : dtype_name(judged->losses->dtype), tensor_shape_text(&expected).text,
            dtype_name(expected.dtype), judged->tried.kind == RONDO_TARGET_LIST ? "sequence" : "row");
    }
    return RONDO_OK;
}

double judged_weight(int64_t i) {
    return 1 + 0.5 * sin(1 + (double)i);
}

static rondo_status go_back(struct judged *judged, rondo_value losses) {
    rondo_tensor weights = *judged->losses;
    RONDO_TRY(tensor_alloc(&weights, tape_arena(judged->tape), &judged->errors));
    for (int64_t i = 0; i < rondo_count(&weights); i++) {
        tensor_set(&weights, i, judged_weight(i));
    }
    const rondo_value both[2] = {losses, tape_constant(judged->tape, &weights)};
    const rondo_value weighted = tape_apply_named(judged->tape, "mul", NULL, both, 2);
    RONDO_TRY(tape_status(judged->tape));
    return tape_backward(judged->tape, weighted);
}

rondo_status judged_record(struct judged *judged, int backward) {
    static const char *const names[] = {"outputs", "output.W", "output.b"};
    struct tape *tape = judged->tape;
    struct watched watched;
    begin_call(&watched, judged);
    watched.host.recorder = tape_recorder(tape);
    judged->losses = NULL;
    tape_reset(tape);
    tape_set_training(tape, judged->call.training);
    tape_enter(tape, "loss", rng_stream(judged->seed, "tape"));
    rondo_value inputs[3];
    for (int32_t k = 0; k < judged->n_inputs; k++) {
        if (tensor_bytes(&judged->gradients[k]) > 0) {
            memset(judged->gradients[k].data, 0, tensor_bytes(&judged->gradients[k]));
        }
        inputs[k] = tape_parameter(tape, names[k], &judged->inputs[k], &judged->gradients[k]);
    }
    rondo_loss_call call = judged->call;
    if (judged->n_inputs > 1) {
        call.output_weight = inputs[1];
        call.output_bias = inputs[2];
    }
    const rondo_value targets = tape_constant(tape, &judged->targets);
    const rondo_value losses = judged->loss->record(&watched.host.base, &call, inputs[0], targets);
    RONDO_TRY(look_at_losses(judged, &watched, losses));
    return backward ? go_back(judged, losses) : RONDO_OK;
}

double judged_sum(const struct judged *judged) {
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(judged->losses); i++) {
        sum += judged_weight(i) * tensor_get(judged->losses, i);
    }
    return sum;
}

rondo_status judged_predict(struct judged *judged) {
    struct watched watched;
    begin_call(&watched, judged);
    guard_poison(judged->guard, judged->predictions.data);
    rondo_loss_call call = judged->call;
    call.training = 0;
    call.sequences = NULL;               /* record and measure alone get them */
    if (judged->loss->predict == NULL) { /* the outputs are the predictions, if there are as many */
        const size_t bytes = tensor_bytes(&judged->outputs);
        memcpy(judged->predictions.data, judged->outputs.data,
               bytes < tensor_bytes(&judged->predictions) ? bytes : tensor_bytes(&judged->predictions));
        return end_call(&watched, RONDO_OK);
    }
    return end_call(&watched, judged->loss->predict(&watched.host.base, &call, &judged->outputs, &judged->predictions));
}

int32_t judged_metrics(const rondo_loss *loss) {
    int32_t count = 0;
    while (loss->metrics != NULL && loss->metrics[count].name != NULL) {
        count++;
    }
    return count;
}

rondo_status judged_measure(struct judged *judged, double *sums) {
    if (judged_metrics(judged->loss) == 0) {
        return RONDO_OK;
    }
    struct watched watched;
    begin_call(&watched, judged);
    rondo_loss_call call = judged->call;
    call.training = 0;
    return end_call(&watched,
                    judged->loss->measure(&watched.host.base, &call, &judged->predictions, &judged->targets, sums));
}
