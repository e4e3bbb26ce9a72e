/* kit/metric_fixture.c: see kit/metric_fixture.h. */
#include "kit/metric_fixture.h"

#include <string.h>

const struct metric_trial *metric_trial_of(const struct trial *trial) {
    return (const struct metric_trial *)trial; /* trial is the first member */
}

int metric_is_of_texts(const rondo_metric_plugin *metric) {
    return (metric->flags & RONDO_METRIC_TEXTS) != 0;
}

/* ---- filling ---- */

static struct rng_stream stream_of(const struct metric_fixture *fixture, const char *name, int32_t instance) {
    return rng_substream(rng_stream(fixture->subject.kit->seed, name), (uint64_t)instance);
}

/* Fills a tensor (rows, width). */
static void draw(const struct metric_fixture *fixture, const rondo_tensor *tensor, const char *name, int32_t instance,
                 enum draw_targets how) {
    for (int64_t row = 0; row < tensor->shape[0]; row++) {
        draw_row(tensor, row, stream_of(fixture, name, instance), how);
    }
}

static void draw_all(struct metric_fixture *fixture, int32_t instance) {
    const int is_real = fixture->tried->target_kind == RONDO_TARGET_REAL;
    const rondo_tensor weights = tensor_2d(fixture->weights.dtype, fixture->units, 1, fixture->weights.data);
    draw(fixture, &fixture->predictions, "predictions", instance, is_real ? TARGETS_NORMAL : TARGETS_DISTRIBUTION);
    draw(fixture, &weights, "weights", instance, TARGETS_UNIT);
    draw(fixture, &fixture->naive, "naive", instance, TARGETS_UNIT);
    draw(fixture, &fixture->lower, "lower", instance, TARGETS_NORMAL);
    draw(fixture, &fixture->upper, "upper", instance, TARGETS_UNIT);
    for (int64_t i = 0; i < rondo_count(&fixture->upper); i++) { /* above the other end */
        tensor_set(&fixture->upper, i, tensor_get(&fixture->lower, i) + tensor_get(&fixture->upper, i));
    }
    if (is_real) {
        draw(fixture, &fixture->targets, "targets", instance, TARGETS_NORMAL);
        return;
    }
    for (int64_t i = 0; i < rondo_count(&fixture->targets); i++) {
        tensor_set(&fixture->targets, i,
                   (double)rng_below(stream_of(fixture, "targets", instance), (uint64_t)i,
                                     (uint64_t)fixture->tried->target_size));
    }
}

/* ---- making one ---- */

static rondo_tensor targets_of(const struct metric_fixture *fixture) {
    switch (fixture->tried->target_kind) {
    case RONDO_TARGET_CLASS:
        return tensor_1d(RONDO_I32, fixture->rows, NULL);
    case RONDO_TARGET_REAL:
        return tensor_2d(fixture->tried->dtype, fixture->rows, fixture->tried->target_size, NULL);
    default:
        return tensor_1d(RONDO_I32, fixture->layout.target_begin[SEQUENCES], NULL);
    }
}

static int add_tensors(struct metric_fixture *fixture) {
    const struct metric_trial *tried = fixture->tried;
    struct guard *guard = fixture->subject.guard;
    fixture->predictions = tensor_2d(tried->dtype, fixture->rows, tried->prediction_size, NULL);
    fixture->targets = targets_of(fixture);
    fixture->weights = tensor_1d(tried->dtype, fixture->units, NULL);
    fixture->naive = tensor_2d(tried->dtype, fixture->rows, tried->target_size, NULL);
    fixture->lower = fixture->upper = fixture->naive;
    fixture->value = guard_alloc(guard, "value", sizeof *fixture->value);
    return fixture->value != NULL && guard_tensor(guard, "predictions", &fixture->predictions) &&
           guard_tensor(guard, "targets", &fixture->targets) && guard_tensor(guard, "weights", &fixture->weights) &&
           guard_tensor(guard, "naive", &fixture->naive) && guard_tensor(guard, "lower", &fixture->lower) &&
           guard_tensor(guard, "upper", &fixture->upper);
}

/* Asks for the sizes of the accumulators. The options have been accepted by `check`. */
static rondo_status add_accumulators(struct metric_fixture *fixture) {
    struct errors *errors = &fixture->subject.errors;
    const rondo_metric_plugin *metric = fixture->metric;
    int64_t all = 0;
    for (int32_t a = 0; metric->accumulators[a].name != NULL; a++) {
        int64_t size = 1;
        if (a == METRIC_MOST_ACCUMULATORS) {
            return errors_add(errors, RONDO_INVALID, "more than %d accumulators", METRIC_MOST_ACCUMULATORS);
        }
        if (metric->size != NULL) {
            struct subject_call call;
            subject_begin(&fixture->subject, &call, "size");
            RONDO_TRY(subject_end(&call, metric->size(&call.host.base, &fixture->call, a, &size)));
        }
        if (size < 1 || size > RONDO_MOST_SUMS - all) {
            return errors_add(errors, RONDO_INTERNAL,
                              "accumulator '%s' has %lld numbers, expected 1 or more, and %d "
                              "at most in all",
                              metric->accumulators[a].name, (long long)size, RONDO_MOST_SUMS);
        }
        all += size;
        fixture->accumulators[a] = tensor_1d(RONDO_F64, size, NULL);
        if (!guard_tensor(fixture->subject.guard, metric->accumulators[a].name, &fixture->accumulators[a])) {
            return errors_no_memory(errors);
        }
        fixture->sums[a] = fixture->accumulators[a].data;
        fixture->n_accumulators = a + 1;
    }
    return RONDO_OK;
}

static rondo_status check_options(struct metric_fixture *fixture) {
    struct subject_call call;
    if (fixture->metric->check == NULL) {
        return RONDO_OK;
    }
    subject_begin(&fixture->subject, &call, "check");
    subject_reads(&call, "options", fixture->subject.options, fixture->metric->base.options_size);
    return subject_end(&call, fixture->metric->check(&call.host.base, &fixture->call));
}

static rondo_status fill(struct metric_fixture *fixture, const struct trial *trial, int32_t instance) {
    RONDO_TRY(subject_set_options(&fixture->subject, trial, NULL));
    fixture->call.options = fixture->subject.options;
    if (!add_tensors(fixture)) {
        return errors_no_memory(&fixture->subject.errors);
    }
    RONDO_TRY(check_options(fixture));
    RONDO_TRY(add_accumulators(fixture));
    draw_all(fixture, instance);
    if (metric_is_of_texts(fixture->metric) &&
        !sample_texts_draw(&fixture->texts, fixture->rows, stream_of(fixture, "texts", instance),
                           fixture->subject.guard)) {
        return errors_no_memory(&fixture->subject.errors);
    }
    metric_fixture_fill(fixture, 0);
    return RONDO_OK;
}

struct metric_fixture *metric_fixture_create(const struct trial *trial, int64_t rows, int32_t instance) {
    struct metric_fixture *fixture = subject_create(trial, sizeof *fixture);
    struct metric_trial *tried = arena_alloc(trial->kit->arena, sizeof *tried);
    if (fixture == NULL || tried == NULL) {
        return NULL;
    }
    *tried = *metric_trial_of(trial);
    fixture->metric = (const rondo_metric_plugin *)trial->descriptor;
    fixture->tried = tried;
    fixture->rows = fixture->units = rows;
    fixture->call = (rondo_metric_call){.struct_size = sizeof fixture->call,
                                        .target_kind = tried->target_kind,
                                        .target_size = tried->target_size,
                                        .prediction_size = tried->prediction_size};
    if (tried->has_sequences) {
        const int has_lists = tried->target_kind == RONDO_TARGET_LIST;
        fixture->layout = sequence_layout(has_lists);
        fixture->rows = SEQUENCE_ROWS;
        fixture->units = has_lists ? SEQUENCES : SEQUENCE_ROWS;
    }
    return fill(fixture, trial, instance) == RONDO_OK
               ? fixture
               : (struct metric_fixture *)subject_refused(trial, &fixture->subject);
}

static void copy_rows(const rondo_tensor *to, const rondo_tensor *from, int64_t first, int64_t step) {
    const size_t row = from->shape[0] == 0 ? 0 : tensor_bytes(from) / (size_t)from->shape[0];
    for (int64_t i = 0; row > 0 && i < to->shape[0]; i++) {
        memcpy((char *)to->data + (size_t)i * row, (const char *)from->data + (size_t)(first + step * i) * row, row);
    }
}

struct metric_fixture *metric_fixture_take(const struct trial *trial, const struct metric_fixture *from, int64_t first,
                                           int64_t step, int64_t rows) {
    struct metric_fixture *part = metric_fixture_create(trial, rows, 0);
    if (part == NULL) {
        return NULL;
    }
    copy_rows(&part->predictions, &from->predictions, first, step);
    copy_rows(&part->targets, &from->targets, first, step);
    copy_rows(&part->weights, &from->weights, first, step);
    copy_rows(&part->naive, &from->naive, first, step);
    copy_rows(&part->lower, &from->lower, first, step);
    copy_rows(&part->upper, &from->upper, first, step);
    if (metric_is_of_texts(from->metric) &&
        !sample_texts_take(&part->texts, &from->texts, first, step, rows, part->subject.guard)) {
        errors_no_memory(&part->subject.errors);
        return (struct metric_fixture *)subject_refused(trial, &part->subject);
    }
    return part;
}

/* A path of list s: its labels, with a blank (class 0) after each, and then blanks to the end. */
static void predict_list(struct metric_fixture *fixture, int64_t s) {
    const struct sequence_layout *layout = &fixture->layout;
    const int64_t begin = layout->target_begin[s], labels = layout->target_begin[s + 1] - begin;
    const int64_t steps = layout->lengths[s], width = fixture->tried->prediction_size;
    int64_t label = 0, before = -1;
    for (int64_t t = 0; t < steps; t++) {
        const int64_t next = label < labels ? (int64_t)tensor_get(&fixture->targets, begin + label) : -1;
        const int is_label = next >= 0 && next != before;
        tensor_set(&fixture->predictions, (layout->begin[t] + s) * width + (is_label ? next + 1 : 0), 1);
        before = is_label ? next : -1;
        label += is_label;
    }
}

int metric_fixture_perfect(struct metric_fixture *fixture) {
    const struct metric_trial *tried = fixture->tried;
    const int64_t width = tried->prediction_size, more = width - tried->target_size;
    if (metric_is_of_texts(fixture->metric)) {
        return sample_texts_perfect(&fixture->texts, fixture->subject.guard);
    }
    if (more != (tried->target_kind == RONDO_TARGET_LIST)) {
        return 0;
    }
    for (int64_t i = 0; i < rondo_count(&fixture->predictions); i++) {
        tensor_set(&fixture->predictions, i,
                   tried->target_kind == RONDO_TARGET_REAL ? tensor_get(&fixture->targets, i) : 0);
    }
    for (int64_t i = 0; tried->target_kind == RONDO_TARGET_REAL && i < rondo_count(&fixture->targets); i++) {
        tensor_set(&fixture->lower, i, tensor_get(&fixture->targets, i));
        tensor_set(&fixture->upper, i, tensor_get(&fixture->targets, i));
    }
    for (int64_t row = 0; tried->target_kind == RONDO_TARGET_CLASS && row < fixture->rows; row++) {
        tensor_set(&fixture->predictions, row * width + (int64_t)tensor_get(&fixture->targets, row), 1);
    }
    for (int64_t s = 0; tried->target_kind == RONDO_TARGET_LIST && s < SEQUENCES; s++) {
        predict_list(fixture, s);
    }
    return 1;
}

/* ---- calls ---- */

void metric_fixture_fill(struct metric_fixture *fixture, double start) {
    for (int32_t a = 0; a < fixture->n_accumulators; a++) {
        for (int64_t i = 0; i < rondo_count(&fixture->accumulators[a]); i++) {
            fixture->sums[a][i] = start;
        }
    }
}

static void begin_call(struct metric_fixture *fixture, struct subject_call *call, const char *function) {
    subject_begin(&fixture->subject, call, function);
    subject_reads(call, "options", fixture->subject.options, fixture->metric->base.options_size);
}

/* What is said about the rows in a call that compares texts. */
static void give_texts(struct metric_fixture *fixture, struct subject_call *call, rondo_metric_call *metric_call) {
    const struct sample_texts *texts = &fixture->texts;
    metric_call->n_texts = texts->count;
    metric_call->generated = texts->generated.texts;
    metric_call->references = texts->references.texts;
    metric_call->reference_begin = texts->reference_begin;
    subject_reads(call, "generated", texts->generated.bytes, texts->generated.size);
    subject_reads(call, "generated", texts->generated.texts,
                  (size_t)texts->generated.count * sizeof *texts->generated.texts);
    subject_reads(call, "references", texts->references.bytes, texts->references.size);
    subject_reads(call, "references", texts->references.texts,
                  (size_t)texts->references.count * sizeof *texts->references.texts);
    subject_reads(call, "reference_begin", texts->reference_begin,
                  (size_t)(texts->count + 1) * sizeof *texts->reference_begin);
}

/* What is said about the rows in any other call. */
static void give_predictions(struct metric_fixture *fixture, struct subject_call *call,
                             rondo_metric_call *metric_call) {
    metric_call->predictions = &fixture->predictions;
    metric_call->targets = &fixture->targets;
    metric_call->sequences = fixture->tried->has_sequences ? sequence_layout_sequences(&fixture->layout) : NULL;
    metric_call->naive = (fixture->metric->flags & RONDO_METRIC_NAIVE) != 0 ? &fixture->naive : NULL;
    if (fixture->metric->interval != NULL) {
        metric_call->lower = &fixture->lower;
        metric_call->upper = &fixture->upper;
    }
    subject_reads_tensor(call, "predictions", &fixture->predictions);
    subject_reads_tensor(call, "targets", &fixture->targets);
    subject_reads_tensor(call, "naive", &fixture->naive);
    subject_reads_tensor(call, "lower", &fixture->lower);
    subject_reads_tensor(call, "upper", &fixture->upper);
}

rondo_status metric_fixture_measure(struct metric_fixture *fixture) {
    struct subject_call call;
    rondo_metric_call metric_call = fixture->call;
    metric_call.accumulators = fixture->sums;
    metric_call.weights = fixture->tried->has_weights ? &fixture->weights : NULL;
    begin_call(fixture, &call, "measure");
    subject_reads_tensor(&call, "weights", &fixture->weights);
    (metric_is_of_texts(fixture->metric) ? give_texts : give_predictions)(fixture, &call, &metric_call);
    return subject_end(&call, fixture->metric->measure(&call.host.base, &metric_call));
}

static void read_accumulators(struct metric_fixture *fixture, struct subject_call *call) {
    for (int32_t a = 0; a < fixture->n_accumulators; a++) {
        subject_reads_tensor(call, fixture->metric->accumulators[a].name, &fixture->accumulators[a]);
    }
}

/* Moves the values from the memory of the call to that of the subject: several subjects run at the same time, so the
 * arena of the kit is not theirs to use. */
static rondo_status keep_table(struct metric_fixture *fixture) {
    rondo_metric_table *table = &fixture->table;
    const int has_values = table->values != NULL && table->rows >= 1 && table->columns >= 1 &&
                           table->rows <= RONDO_MOST_SUMS / table->columns;
    if (!has_values) {
        return RONDO_OK; /* metric_judge_table reports it */
    }
    const int64_t count = table->rows * table->columns;
    if (count > fixture->kept_count) { /* the same table again needs no more memory */
        fixture->kept = guard_alloc(fixture->subject.guard, "table", (size_t)count * sizeof *fixture->kept);
        fixture->kept_count = fixture->kept == NULL ? 0 : count;
    }
    if (fixture->kept == NULL) {
        return errors_no_memory(&fixture->subject.errors);
    }
    memcpy(fixture->kept, table->values, (size_t)count * sizeof *fixture->kept);
    table->values = fixture->kept;
    return RONDO_OK;
}

rondo_status metric_fixture_finish(struct metric_fixture *fixture) {
    struct subject_call call;
    rondo_metric_call metric_call = fixture->call;
    metric_call.accumulators = fixture->sums;
    if (fixture->metric->finish != NULL) {
        guard_poison(fixture->subject.guard, fixture->value);
        begin_call(fixture, &call, "finish");
        read_accumulators(fixture, &call);
        RONDO_TRY(subject_end(&call, fixture->metric->finish(&call.host.base, &metric_call, fixture->value)));
    }
    if (fixture->metric->table != NULL) {
        fixture->table = (rondo_metric_table){.struct_size = sizeof fixture->table};
        begin_call(fixture, &call, "table");
        read_accumulators(fixture, &call);
        RONDO_TRY(subject_end(&call, fixture->metric->table(&call.host.base, &metric_call, &fixture->table)));
        return keep_table(fixture);
    }
    return RONDO_OK;
}

/* 1 if the bytes are those that memory of a call has before it is written. */
static int is_poison(const double *value) {
    unsigned char bytes[sizeof *value];
    memcpy(bytes, value, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        if (bytes[i] != 0xff) {
            return 0;
        }
    }
    return 1;
}

enum verdict metric_judge_table(const struct trial *trial, const struct metric_fixture *fixture) {
    const rondo_metric_table *table = &fixture->table;
    if (fixture->metric->table == NULL) {
        return VERDICT_PASS;
    }
    if (table->rows < 1 || table->columns < 1 || table->rows > RONDO_MOST_SUMS / table->columns ||
        table->values == NULL) {
        return trial_say(trial, VERDICT_FAIL, "the table has %lld rows and %lld columns%s, expected 1 or more of each",
                         (long long)table->rows, (long long)table->columns,
                         table->values == NULL ? " and no values" : "");
    }
    if ((table->row_names == NULL && table->rows != fixture->call.target_size) ||
        (table->column_names == NULL && table->columns != fixture->call.target_size)) {
        return trial_say(trial, VERDICT_FAIL,
                         "the table has %lld rows and %lld columns, and those without names are the %lld classes",
                         (long long)table->rows, (long long)table->columns, (long long)fixture->call.target_size);
    }
    for (int64_t i = 0; i < table->rows * table->columns; i++) {
        if (is_poison(&table->values[i])) {
            return trial_say(trial, VERDICT_FAIL, "row %lld, column %lld of the table is not written",
                             (long long)(i / table->columns), (long long)(i % table->columns));
        }
    }
    return VERDICT_PASS;
}
