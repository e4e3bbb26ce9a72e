/* kit/metric_kind.c: the situations that a metric is tried in, and the adapter for the shared checks (kit/subject.h). */
#include <math.h>
#include <stdio.h>

#include "kit/metric_fixture.h"
#include "kit/option_settings.h"

/* ---- situations ---- */

/* Targets, and the predictions that go with them. Predictions in another form than that of the targets are only for
 * metrics that take any: a blank, or two numbers for each one. */
static const struct {
    int32_t kind;
    int64_t target_size, prediction_size;
} target_kinds[] = {{RONDO_TARGET_CLASS, 5, 5},  {RONDO_TARGET_CLASS, 2, 2}, {RONDO_TARGET_CLASS, 40, 40},
                    {RONDO_TARGET_CLASS, 5, 10}, {RONDO_TARGET_REAL, 3, 3},  {RONDO_TARGET_REAL, 1, 1},
                    {RONDO_TARGET_REAL, 3, 6},   {RONDO_TARGET_LIST, 4, 5},  {RONDO_TARGET_LIST, 4, 4}};

/* Rows without weights, with weights, and as steps of sequences. */
static const struct { int32_t has_sequences, has_weights; } forms[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};

static void describe(struct metric_trial *one) {
    static const char *const names[] = {"classes", "numbers per row", "classes in lists"};
    if (metric_is_of_texts((const rondo_metric_plugin *)one->trial.descriptor)) {
        snprintf(one->trial.situation, sizeof one->trial.situation, "texts%s, %s", one->has_weights ? ", weights" : "",
                 dtype_name(one->dtype));
        return;
    }
    snprintf(one->trial.situation, sizeof one->trial.situation, "%lld %s, %lld predictions%s%s, %s",
             (long long)one->target_size, names[one->target_kind], (long long)one->prediction_size,
             one->has_sequences ? ", sequences" : "", one->has_weights ? ", weights" : "", dtype_name(one->dtype));
}

/* 1: taken; 0: refused by check with RONDO_INVALID and the reason; -1: a fault, with the reason. */
static int is_taken(struct metric_trial *one, char *refusal, size_t refusal_size) {
    const int32_t may_refuse = one->trial.may_refuse;
    one->trial.may_refuse = 1;
    struct metric_fixture *fixture = metric_fixture_create(&one->trial, METRIC_ROWS, 0);
    one->trial.may_refuse = may_refuse;
    if (fixture == NULL) {
        return -1;
    }
    const int taken = !fixture->subject.is_idle;
    if (!taken) {
        snprintf(refusal, refusal_size, "%s", errors_text(&fixture->subject.errors, 0));
    }
    subject_close(&fixture->subject);
    return taken;
}

static enum verdict visit_forms(struct metric_trial *one, trial_visit *visit) {
    const int is_of_texts = metric_is_of_texts((const rondo_metric_plugin *)one->trial.descriptor);
    const int32_t last = one->trial.is_brief ? RONDO_F32 : RONDO_F64;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if ((!is_of_texts && one->target_kind == RONDO_TARGET_LIST && !forms[f].has_sequences) ||
            (is_of_texts && forms[f].has_sequences)) {
            continue;
        }
        one->has_sequences = forms[f].has_sequences;
        one->has_weights = forms[f].has_weights;
        for (one->dtype = RONDO_F32; one->dtype <= last; one->dtype++) {
            describe(one);
            const enum verdict verdict = visit(&one->trial);
            if (verdict != VERDICT_PASS) {
                return verdict;
            }
            one->trial.index++;
        }
    }
    return VERDICT_PASS;
}

enum verdict metric_each(struct trial *trial, trial_visit *visit) {
    const rondo_metric_plugin *metric = (const rondo_metric_plugin *)trial->descriptor;
    struct metric_trial one = {.trial = *trial, .dtype = RONDO_F32};
    uint32_t taken = 0;
    char refusal[300] = "";
    one.trial.index = 0;
    for (size_t i = 0; i < sizeof target_kinds / sizeof target_kinds[0]; i++) {
        one.target_kind = target_kinds[i].kind;
        one.target_size = target_kinds[i].target_size;
        one.prediction_size = target_kinds[i].prediction_size;
        one.has_sequences = one.target_kind == RONDO_TARGET_LIST && !metric_is_of_texts(metric);
        one.has_weights = 0;
        one.dtype = RONDO_F32;
        const int is_own_form = one.prediction_size == one.target_size || one.target_kind == RONDO_TARGET_LIST;
        const int is_tried = metric_is_of_texts(metric) && (taken & RONDO_ACCEPTS(one.target_kind)) != 0;
        if (is_tried || (metric->targets & RONDO_ACCEPTS(one.target_kind)) == 0 ||
            (!is_own_form && (metric->flags & RONDO_METRIC_ANY_PREDICTIONS) == 0)) {
            continue;
        }
        describe(&one);
        const int own = is_taken(&one, refusal, sizeof refusal);
        const enum verdict verdict = own < 0 ? VERDICT_FAIL : own == 0 ? VERDICT_PASS : visit_forms(&one, visit);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
        taken |= own ? RONDO_ACCEPTS(one.target_kind) : 0;
    }
    if (taken != metric->targets && !trial->may_refuse) {
        return trial_say(trial, VERDICT_FAIL, "it declares a kind of targets and refuses all of them, last: %s",
                         refusal);
    }
    return VERDICT_PASS;
}

/* ---- the adapter ---- */

/* Buffers of 16 rows, and of the 32 of sequences, end at the guard page; 9 rows leave a gap of canaries. */
static struct subject *create(const struct trial *trial, struct subject_settings settings) {
    const int64_t rows = settings.size == SIZE_SMALL   ? 2
                         : settings.size == SIZE_LARGE ? 2000
                         : settings.instance % 2 == 1  ? 9
                                                       : METRIC_ROWS;
    struct metric_fixture *fixture = metric_fixture_create(trial, rows, settings.instance);
    return fixture == NULL ? NULL : &fixture->subject;
}

static rondo_status run(struct subject *subject, int64_t updates) {
    struct metric_fixture *fixture = (struct metric_fixture *)subject; /* subject is the first member */
    (void)updates;
    if (subject->is_idle) {
        return RONDO_OK;
    }
    metric_fixture_fill(fixture, 0);
    RONDO_TRY(metric_fixture_measure(fixture));
    return metric_fixture_finish(fixture);
}

/* The accumulators, the value, the values of the table. */
static int result(const struct subject *subject, int32_t index, struct subject_tensor *result) {
    const struct metric_fixture *fixture = (const struct metric_fixture *)subject;
    const rondo_metric_plugin *metric = fixture->metric;
    const rondo_metric_table *table = &fixture->table;
    int32_t next = fixture->n_accumulators;
    if (subject->is_idle) {
        return 0;
    }
    if (index < next) {
        *result = (struct subject_tensor){metric->accumulators[index].name, fixture->accumulators[index]};
        return 1;
    }
    if (metric->finish != NULL && index == next++) {
        *result = (struct subject_tensor){"value", tensor_1d(RONDO_F64, 1, fixture->value)};
        return 1;
    }
    if (table->values != NULL && index == next) {
        *result =
            (struct subject_tensor){"table", tensor_2d(RONDO_F64, table->rows, table->columns, (void *)table->values)};
        return 1;
    }
    return 0;
}

/* A table may have undefined values. */
static enum verdict judge(const struct trial *trial, const struct subject *subject) {
    const struct metric_fixture *fixture = (const struct metric_fixture *)subject;
    if (fixture->metric->finish != NULL && !isfinite(*fixture->value) && !option_may_diverge(trial->values[0])) {
        return trial_say(trial, VERDICT_WARNING, "the value is %g: a narrower range would refuse such an option",
                         *fixture->value);
    }
    return metric_judge_table(trial, fixture);
}

static options_check *check_of(const rondo_descriptor *descriptor) {
    (void)descriptor;
    return NULL; /* its `check` looks at the targets as well */
}

static const struct kind_omission omissions[] = {{"resume", "a metric keeps nothing but its accumulators"},
                                                 {NULL, NULL}};

const struct subject_kind metric_subject_kind = {.run_name = "a part of the data",
                                                 .refuses_in_calls = 1,
                                                 .omissions = omissions,
                                                 .check_of = check_of,
                                                 .each = metric_each,
                                                 .create = create,
                                                 .run = run,
                                                 .result = result,
                                                 .judge = judge};
