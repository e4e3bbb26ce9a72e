/* kit/loss_fixture.c: see kit/loss_fixture.h. */
#include "kit/loss_fixture.h"

#include <math.h>
#include <string.h>

#include "core/tape.h"

enum { WIDTH = 6, MOST_WORDS = 1 << 20 }; /* width of the hidden states; random words of a row */

const struct loss_trial *loss_trial_of(const struct trial *trial) {
    return (const struct loss_trial *)trial; /* trial is the first member */
}

/* ---- filling ---- */

static struct rng_stream stream_of(const struct loss_fixture *fixture, const char *name, int32_t instance) {
    return rng_substream(rng_stream(fixture->subject.kit->seed, name), (uint64_t)instance);
}

static void draw_outputs_row(const rondo_tensor *tensor, int64_t row, struct rng_stream stream,
                             enum draw_outputs draw) {
    const int64_t width = tensor->shape[1];
    draw_row(tensor, row, stream, draw == OUTPUTS_NORMAL ? TARGETS_NORMAL : TARGETS_DISTRIBUTION);
    for (int64_t i = row * width; draw == OUTPUTS_LOG_PROBABILITIES && i < (row + 1) * width; i++) {
        tensor_set(tensor, i, log(tensor_get(tensor, i)));
    }
}

/* Draws targets begin .. end - 1. */
static void draw_classes(struct loss_fixture *fixture, int32_t instance, int64_t begin, int64_t end) {
    const struct rng_stream stream = stream_of(fixture, "targets", instance);
    for (int64_t i = begin; i < end; i++) {
        const uint64_t class = rng_below(stream, (uint64_t)i, (uint64_t)fixture->tried->target_size);
        tensor_set(&fixture->targets, i, (double)class);
    }
}

void loss_fixture_draw(struct loss_fixture *fixture, int32_t instance, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        draw_outputs_row(&fixture->outputs, row, stream_of(fixture, "outputs", instance), fixture->tried->outputs);
        if (fixture->n_inputs > 1) {
            draw_row(&fixture->inputs[0], row, stream_of(fixture, "hidden", instance), TARGETS_NORMAL);
        }
        if (fixture->tried->target_kind == RONDO_TARGET_REAL) {
            draw_row(&fixture->targets, row, stream_of(fixture, "targets", instance), fixture->tried->targets);
        }
        if (fixture->words != NULL) {
            rng_words(stream_of(fixture, "words", instance), (uint64_t)(row * fixture->n_words), fixture->n_words,
                      fixture->words + row * fixture->n_words);
        }
    }
    if (fixture->tried->target_kind == RONDO_TARGET_CLASS) {
        draw_classes(fixture, instance, begin, end);
    } else if (fixture->tried->target_kind == RONDO_TARGET_LIST && begin == 0 && end == fixture->rows) {
        draw_classes(fixture, instance, 0, rondo_count(&fixture->targets));
    }
}

/* ---- making one ---- */

static rondo_tensor targets_of(const struct loss_fixture *fixture, int32_t dtype) {
    switch (fixture->tried->target_kind) {
    case RONDO_TARGET_CLASS:
        return tensor_1d(RONDO_I32, fixture->rows, NULL);
    case RONDO_TARGET_REAL:
        return tensor_2d(dtype, fixture->rows, fixture->tried->target_size, NULL);
    default:
        return tensor_1d(RONDO_I32, fixture->layout.target_begin[SEQUENCES], NULL);
    }
}

/* The random words of a loss with `sample`, and the targets that it draws. 0 with the reason. */
static int add_draws(const struct trial *trial, struct loss_fixture *fixture) {
    struct guard *guard = fixture->subject.guard;
    if (fixture->loss->sample == NULL || fixture->tried->target_kind == RONDO_TARGET_LIST) {
        return 1;
    }
    struct host_call host =
        kit_host_call(trial->kit, trial->kit->arena, &fixture->subject.errors, NULL, trial->descriptor->name);
    fixture->n_words = fixture->loss->sample_words(&host.base, &fixture->call);
    if (fixture->n_words < 1 || fixture->n_words > MOST_WORDS) {
        trial_say(trial, VERDICT_FAIL, "sample_words is %lld, expected 1 or more, and far below a million",
                  (long long)fixture->n_words);
        return 0;
    }
    fixture->draws = fixture->targets;
    fixture->words = guard_alloc(guard, "words", (size_t)(fixture->rows * fixture->n_words) * sizeof *fixture->words);
    return (fixture->words != NULL && guard_tensor(guard, "draws", &fixture->draws)) ||
           trial_say(trial, VERDICT_FAIL, "out of memory") == VERDICT_PASS;
}

static int add_tensors(struct loss_fixture *fixture, int32_t dtype) {
    const int64_t outputs = fixture->tried->output_size;
    struct guard *guard = fixture->subject.guard;
    fixture->outputs = tensor_2d(dtype, fixture->rows, outputs, NULL);
    fixture->predictions = tensor_2d(dtype, fixture->rows, fixture->tried->prediction_size, NULL);
    fixture->targets = targets_of(fixture, dtype);
    if (!guard_tensor(guard, "outputs", &fixture->outputs) ||
        !guard_tensor(guard, "predictions", &fixture->predictions) ||
        !guard_tensor(guard, "targets", &fixture->targets)) {
        return 0;
    }
    if (fixture->tried->target_kind == RONDO_TARGET_REAL) {
        fixture->quantiles = fixture->targets;
        if (!guard_tensor(guard, "values", &fixture->quantiles)) {
            return 0;
        }
    }
    fixture->inputs[0] = fixture->outputs;
    fixture->n_inputs = 1;
    if ((fixture->loss->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0 && fixture->call.training) {
        fixture->inputs[0] = tensor_2d(dtype, fixture->rows, WIDTH, NULL);
        fixture->inputs[1] = fixture->loss->choose_outputs == NULL ? tensor_2d(dtype, WIDTH, outputs, NULL)
                                                                   : tensor_2d(dtype, outputs, WIDTH, NULL);
        fixture->inputs[2] = tensor_1d(dtype, outputs, NULL);
        fixture->n_inputs = 3;
    }
    for (int32_t k = 0; k < fixture->n_inputs; k++) {
        fixture->gradients[k] = fixture->inputs[k];
        if ((fixture->n_inputs > 1 &&
             !guard_tensor(guard, k == 0 ? "hidden states" : "output layer", &fixture->inputs[k])) ||
            !guard_tensor(guard, "gradient", &fixture->gradients[k])) {
            return 0;
        }
    }
    for (int32_t k = 1; k < fixture->n_inputs; k++) {
        for (int64_t i = 0; i < rondo_count(&fixture->inputs[k]); i++) {
            tensor_set(&fixture->inputs[k], i, 0.5 * rng_normal(stream_of(fixture, "weights", k), (uint64_t)i));
        }
    }
    return 1;
}

struct loss_fixture *loss_fixture_create(const struct trial *trial, int32_t dtype, int64_t rows, int32_t instance) {
    struct loss_fixture *fixture = subject_create(trial, sizeof *fixture);
    struct loss_trial *tried = arena_alloc(trial->kit->arena, sizeof *tried);
    if (fixture == NULL || tried == NULL) {
        return NULL;
    }
    *tried = *loss_trial_of(trial);
    fixture->loss = (const rondo_loss *)trial->descriptor;
    fixture->tried = tried;
    fixture->rows = rows;
    fixture->call = (rondo_loss_call){.struct_size = sizeof fixture->call,
                                      .target_kind = tried->target_kind,
                                      .target_size = tried->target_size,
                                      .training = tried->training,
                                      .output_weight = {-1},
                                      .output_bias = {-1}};
    if (tried->has_sequences) {
        fixture->rows = SEQUENCE_ROWS;
        fixture->layout = sequence_layout(tried->target_kind == RONDO_TARGET_LIST);
        fixture->call.sequences = sequence_layout_sequences(&fixture->layout);
    }
    fixture->losses_expected = tried->target_kind == RONDO_TARGET_LIST ? SEQUENCES : fixture->rows;
    fixture->tape = tape_create(
        &(struct tape_settings){trial->kit->registry, &fixture->subject.parallel, &fixture->subject.errors});
    if (subject_set_options(&fixture->subject, trial, NULL) != RONDO_OK) {
        subject_refused(trial, &fixture->subject);
        return NULL;
    }
    fixture->call.options = fixture->subject.options;
    if (fixture->tape == NULL || !add_tensors(fixture, dtype)) {
        trial_say(trial, VERDICT_FAIL, "out of memory");
        return NULL;
    }
    if (!add_draws(trial, fixture)) {
        return NULL;
    }
    loss_fixture_draw(fixture, instance, 0, fixture->rows);
    return fixture;
}

static void copy_rows(const rondo_tensor *to, const rondo_tensor *from, int64_t begin, int64_t rows) {
    const int64_t width = from->shape[0] == 0 ? 0 : rondo_count(from) / from->shape[0];
    const size_t row = (size_t)width * dtype_size(from->dtype);
    if (row > 0 && rows > 0) {
        memcpy(to->data, (const char *)from->data + (size_t)begin * row, (size_t)rows * row);
    }
}

struct loss_fixture *loss_fixture_part(const struct trial *trial, const struct loss_fixture *from, int64_t begin,
                                       int64_t end) {
    struct loss_fixture *part = loss_fixture_create(trial, from->outputs.dtype, end - begin, 0);
    if (part != NULL) {
        copy_rows(&part->inputs[0], &from->inputs[0], begin, end - begin);
        copy_rows(&part->outputs, &from->outputs, begin, end - begin);
        copy_rows(&part->targets, &from->targets, begin, end - begin);
        if (part->words != NULL && end > begin) {
            memcpy(part->words, from->words + begin * from->n_words,
                   (size_t)((end - begin) * from->n_words) * sizeof *part->words);
        }
    }
    return part;
}

void loss_fixture_close(struct loss_fixture *fixture) {
    tape_destroy(fixture->tape);
    fixture->tape = NULL;
    subject_close(&fixture->subject);
}

/* ---- calls ---- */

static void begin_call(struct loss_fixture *fixture, struct subject_call *call, const char *function) {
    subject_begin(&fixture->subject, call, function);
    call->host.stream = rng_stream(fixture->subject.kit->seed, "loss");
    subject_reads(call, "options", fixture->subject.options, fixture->loss->base.options_size);
    subject_reads_tensor(call, "targets", &fixture->targets);
}

/* The first failure of record: its own, one of the tape, or a failed value. */
static rondo_status status_of(struct loss_fixture *fixture, const struct subject_call *call, rondo_value losses) {
    const rondo_status status = call->host.failed != RONDO_OK ? call->host.failed : tape_status(fixture->tape);
    return status == RONDO_OK && losses.id < 0 ? RONDO_INTERNAL : status;
}

static rondo_status check_losses(struct loss_fixture *fixture) {
    struct errors *errors = &fixture->subject.errors;
    const rondo_tensor *losses = fixture->losses;
    const rondo_tensor expected = tensor_1d(fixture->outputs.dtype, fixture->losses_expected, NULL);
    if (losses != NULL && tensor_same_shape(losses, &expected)) {
        return RONDO_OK;
    }
    return errors_add(errors, RONDO_INTERNAL, "record returned losses %s, %s, expected %s, %s: one for each %s",
                      losses == NULL ? "of no value" : tensor_shape_text(losses).text,
                      losses == NULL ? "" : dtype_name(losses->dtype), tensor_shape_text(&expected).text,
                      dtype_name(expected.dtype),
                      fixture->tried->target_kind == RONDO_TARGET_LIST ? "sequence" : "row");
}

double loss_weight(int64_t i) {
    return 1 + 0.5 * sin(1 + (double)i);
}

static rondo_status go_back(struct loss_fixture *fixture, rondo_value losses) {
    rondo_tensor weights = *fixture->losses;
    RONDO_TRY(tensor_alloc(&weights, tape_arena(fixture->tape), &fixture->subject.errors));
    for (int64_t i = 0; i < rondo_count(&weights); i++) {
        tensor_set(&weights, i, loss_weight(i));
    }
    const rondo_value both[2] = {losses, tape_constant(fixture->tape, &weights)};
    const rondo_value weighted = tape_apply_named(fixture->tape, "mul", NULL, both, 2);
    RONDO_TRY(tape_status(fixture->tape));
    return tape_backward(fixture->tape, weighted);
}

/* Calls choose_outputs, and replaces the weights of the output layer by those of the chosen outputs. */
static rondo_status choose(struct loss_fixture *fixture, rondo_loss_call *loss_call) {
    struct tape *tape = fixture->tape;
    struct subject_call call;
    const int32_t *chosen = NULL;
    int64_t count = 0;
    begin_call(fixture, &call, "choose_outputs");
    rondo_loss_call own = *loss_call;
    own.output_weight = own.output_bias = (rondo_value){-1};
    RONDO_TRY(
        subject_end(&call, fixture->loss->choose_outputs(&call.host.base, &own, &fixture->targets, &chosen, &count)));
    const int64_t outputs = fixture->tried->output_size;
    for (int64_t i = 0; i < count || count < 0; i++) {
        if (count < 0 || chosen == NULL || chosen[i] < 0 || chosen[i] >= outputs) {
            return errors_add(&fixture->subject.errors, RONDO_INTERNAL,
                              "choose_outputs gives a list of %lld outputs with %ld, expected 0 to %lld",
                              (long long)count, count < 0 || chosen == NULL ? -1L : (long)chosen[i],
                              (long long)outputs - 1);
        }
    }
    rondo_tensor list = tensor_1d(RONDO_I32, count, NULL); /* the plug-in's own list is freed before the next call */
    RONDO_TRY(tensor_alloc(&list, tape_arena(tape), &fixture->subject.errors));
    if (count > 0) {
        memcpy(list.data, chosen, tensor_bytes(&list));
    }
    const rondo_value index = tape_constant(tape, &list);
    loss_call->output_weight =
        tape_apply_named(tape, "gather", NULL, (rondo_value[]){loss_call->output_weight, index}, 2);
    loss_call->output_bias = tape_apply_named(tape, "gather", NULL, (rondo_value[]){loss_call->output_bias, index}, 2);
    loss_call->chosen = list.data;
    loss_call->n_chosen = count;
    return tape_status(tape);
}

static const char *input_name(const struct loss_fixture *fixture, int32_t k) {
    return fixture->n_inputs == 1 ? "outputs" : k == 0 ? "hidden states" : "output layer";
}

/* The inputs of record as parameters of the tape. */
static rondo_status bind_inputs(struct loss_fixture *fixture, rondo_value *outputs, rondo_loss_call *loss_call) {
    static const char *const names[] = {"outputs", "output.W", "output.b"};
    rondo_value inputs[3] = {{-1}, {-1}, {-1}};
    for (int32_t k = 0; k < fixture->n_inputs; k++) {
        if (tensor_bytes(&fixture->gradients[k]) > 0) {
            memset(fixture->gradients[k].data, 0, tensor_bytes(&fixture->gradients[k]));
        }
        inputs[k] = tape_parameter(fixture->tape, names[k], &fixture->inputs[k], &fixture->gradients[k]);
    }
    *outputs = inputs[0];
    if (fixture->n_inputs == 1) {
        return RONDO_OK;
    }
    loss_call->output_weight = inputs[1];
    loss_call->output_bias = inputs[2];
    return fixture->loss->choose_outputs == NULL ? RONDO_OK : choose(fixture, loss_call);
}

rondo_status loss_fixture_record(struct loss_fixture *fixture, int backward) {
    struct tape *tape = fixture->tape;
    fixture->losses = NULL;
    tape_reset(tape);
    tape_set_training(tape, fixture->call.training);
    tape_enter(tape, "loss", rng_stream(fixture->subject.kit->seed, "tape"));
    rondo_loss_call loss_call = fixture->call;
    rondo_value outputs;
    RONDO_TRY(bind_inputs(fixture, &outputs, &loss_call));
    const rondo_value targets = tape_constant(tape, &fixture->targets);
    struct subject_call call;
    begin_call(fixture, &call, "record");
    call.host.recorder = tape_recorder(tape);
    for (int32_t k = 0; k < fixture->n_inputs; k++) {
        subject_reads_tensor(&call, input_name(fixture, k), &fixture->inputs[k]);
    }
    const rondo_value losses = fixture->loss->record(&call.host.base, &loss_call, outputs, targets);
    const rondo_status status = status_of(fixture, &call, losses);
    /* If a value failed and the tape has the reason, the failure is explained, although host->fail was not called. */
    if (status != RONDO_OK && call.host.failed == RONDO_OK && fixture->subject.errors.count > 0) {
        call.host.failed = status;
    }
    RONDO_TRY(subject_end(&call, status));
    fixture->losses = tape_tensor(tape, losses);
    RONDO_TRY(check_losses(fixture));
    return backward ? go_back(fixture, losses) : RONDO_OK;
}

double loss_fixture_sum(const struct loss_fixture *fixture) {
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(fixture->losses); i++) {
        sum += loss_weight(i) * tensor_get(fixture->losses, i);
    }
    return sum;
}

rondo_status loss_fixture_predict(struct loss_fixture *fixture) {
    struct subject_call call;
    guard_poison(fixture->subject.guard, fixture->predictions.data);
    if (fixture->loss->predict == NULL) { /* the outputs are the predictions, if their numbers are equal */
        const size_t bytes = tensor_bytes(&fixture->outputs), room = tensor_bytes(&fixture->predictions);
        memcpy(fixture->predictions.data, fixture->outputs.data, bytes < room ? bytes : room);
        return RONDO_OK;
    }
    begin_call(fixture, &call, "predict");
    subject_reads_tensor(&call, "outputs", &fixture->outputs);
    rondo_loss_call loss_call = fixture->call;
    loss_call.training = 0;
    return subject_end(&call,
                       fixture->loss->predict(&call.host.base, &loss_call, &fixture->outputs, &fixture->predictions));
}

rondo_status loss_fixture_quantile(struct loss_fixture *fixture, double probability, int *is_given) {
    struct subject_call call;
    *is_given = 0;
    if (fixture->loss->quantile == NULL || fixture->tried->target_kind != RONDO_TARGET_REAL) {
        return RONDO_OK;
    }
    guard_poison(fixture->subject.guard, fixture->quantiles.data);
    begin_call(fixture, &call, "quantile");
    subject_reads_tensor(&call, "outputs", &fixture->outputs);
    rondo_loss_call loss_call = fixture->call;
    loss_call.training = 0;
    loss_call.sequences = NULL;
    const rondo_status status =
        subject_end(&call, fixture->loss->quantile(&call.host.base, &loss_call, &fixture->outputs, probability,
                                                   &fixture->quantiles));
    *is_given = status == RONDO_OK;
    if (status == RONDO_INVALID && call.host.failed == RONDO_INVALID) {
        errors_free(&fixture->subject.errors);
        fixture->subject.errors = (struct errors){0};
        return RONDO_OK;
    }
    return status;
}

rondo_status loss_fixture_sample(struct loss_fixture *fixture) {
    struct subject_call call;
    if (fixture->draws.data == NULL) {
        return RONDO_OK;
    }
    guard_poison(fixture->subject.guard, fixture->draws.data);
    begin_call(fixture, &call, "sample");
    subject_reads_tensor(&call, "outputs", &fixture->outputs);
    subject_reads(&call, "words", fixture->words, (size_t)(fixture->rows * fixture->n_words) * sizeof *fixture->words);
    rondo_loss_call loss_call = fixture->call;
    loss_call.training = 0;
    return subject_end(&call, fixture->loss->sample(&call.host.base, &loss_call, &fixture->outputs, fixture->words,
                                                    fixture->n_words, &fixture->draws));
}

int32_t loss_metrics(const rondo_loss *loss) {
    int32_t count = 0;
    while (loss->metrics != NULL && loss->metrics[count].name != NULL) {
        count++;
    }
    return count;
}

rondo_status loss_fixture_measure(struct loss_fixture *fixture, double *sums) {
    struct subject_call call;
    if (loss_metrics(fixture->loss) == 0) {
        return RONDO_OK;
    }
    begin_call(fixture, &call, "measure");
    subject_reads_tensor(&call, "predictions", &fixture->predictions);
    rondo_loss_call loss_call = fixture->call;
    loss_call.training = 0;
    return subject_end(
        &call, fixture->loss->measure(&call.host.base, &loss_call, &fixture->predictions, &fixture->targets, sums));
}

rondo_status loss_fixture_run(struct loss_fixture *fixture, int backward) {
    memset(fixture->sums, 0, sizeof fixture->sums);
    RONDO_TRY(loss_fixture_record(fixture, backward));
    RONDO_TRY(loss_fixture_predict(fixture));
    int is_given = 0;
    RONDO_TRY(loss_fixture_quantile(fixture, 0.5, &is_given));
    for (int64_t i = 0; !is_given && fixture->quantiles.data != NULL && i < rondo_count(&fixture->quantiles); i++) {
        rondo_set(&fixture->quantiles, i, 0); /* a refused probability has no values that a run could be compared by */
    }
    RONDO_TRY(loss_fixture_sample(fixture));
    return loss_fixture_measure(fixture, fixture->sums);
}
