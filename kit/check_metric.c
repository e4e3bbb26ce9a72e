/* kit/check_metric.c: the checks of metrics. */
#include <limits.h>
#include <math.h>

#include "kit/metric_fixture.h"
#include "kit/shared.h"

static const double tolerance = 1e-9; /* of sums in another order */

static int is_close(double found, double expected, double scale) {
    return fabs(found - expected) <= tolerance * (scale + fabs(expected));
}

/* Compares the accumulators of a fixture with `expected` times those of `other`, plus those of `added` (may be NULL).
 * Says `what` was found; 0 where they differ. */
static int has_sums(const struct trial *trial, const struct metric_fixture *found, const struct metric_fixture *other,
                    double factor, const struct metric_fixture *added, double start, const char *what) {
    for (int32_t a = 0; a < found->n_accumulators; a++) {
        for (int64_t i = 0; i < rondo_count(&found->accumulators[a]); i++) {
            const double expected = start + factor * other->sums[a][i] + (added == NULL ? 0 : added->sums[a][i]);
            if (!is_close(found->sums[a][i], expected, 1 + fabs(start))) {
                trial_say(trial, VERDICT_FAIL, "%s: '%s' number %lld is %.9g, expected %.9g", what,
                          found->metric->accumulators[a].name, (long long)i, found->sums[a][i], expected);
                return 0;
            }
        }
    }
    return 1;
}

/* ---- targets ---- */

static enum verdict take(struct trial *trial) {
    (void)trial;
    return VERDICT_PASS;
}

/* metric_each fails where a declared kind is not taken. */
static enum verdict check_targets(struct trial *trial) {
    return metric_each(trial, take);
}

/* ---- zero_size ---- */

static enum verdict visit_zero(struct trial *trial) {
    if (metric_trial_of(trial)->has_sequences) {
        return VERDICT_PASS; /* there is always one sequence at least */
    }
    struct metric_fixture *fixture = metric_fixture_create(trial, 0, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    trial->where = "a part without rows";
    if (metric_fixture_measure(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    for (int32_t a = 0; a < fixture->n_accumulators; a++) {
        for (int64_t i = 0; i < rondo_count(&fixture->accumulators[a]); i++) {
            if (fixture->sums[a][i] != 0) {
                return trial_say(trial, VERDICT_FAIL, "measure adds %g to '%s'", fixture->sums[a][i],
                                 fixture->metric->accumulators[a].name);
            }
        }
    }
    if (metric_fixture_finish(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    trial->where = NULL;
    subject_close(&fixture->subject);
    return VERDICT_PASS;
}

static enum verdict check_zero_size(struct trial *trial) {
    return metric_each(trial, visit_zero);
}

/* ---- measure ---- */

static enum verdict measure_halves(struct trial *trial, const struct metric_fixture *whole) {
    struct metric_fixture *halves[2];
    const int64_t middle = whole->rows / 2;
    for (int h = 0; h < 2; h++) {
        halves[h] = metric_fixture_take(trial, whole, h * middle, 1, h == 0 ? middle : whole->rows - middle);
        if (halves[h] == NULL) {
            return VERDICT_FAIL;
        }
        if (metric_fixture_measure(halves[h]) != RONDO_OK) {
            return subject_failed(trial, &halves[h]->subject);
        }
    }
    const int is_sum =
        has_sums(trial, whole, halves[0], 1, halves[1], 0, "all rows, and the sum of two halves (a mean?)");
    subject_close(&halves[0]->subject);
    subject_close(&halves[1]->subject);
    return is_sum ? VERDICT_PASS : VERDICT_FAIL;
}

static enum verdict visit_measure(struct trial *trial) {
    const double start = 1000;
    struct metric_fixture *zero = metric_fixture_create(trial, METRIC_ROWS, 0);
    struct metric_fixture *started = metric_fixture_create(trial, METRIC_ROWS, 0);
    if (zero == NULL || started == NULL) {
        return VERDICT_FAIL;
    }
    metric_fixture_fill(started, start);
    if (metric_fixture_measure(zero) != RONDO_OK || metric_fixture_measure(started) != RONDO_OK) {
        return subject_failed(trial, zero->subject.errors.count > 0 ? &zero->subject : &started->subject);
    }
    if (!has_sums(trial, started, zero, 1, NULL, start, "measured on top of 1000 (measure has to add)")) {
        return VERDICT_FAIL;
    }
    const enum verdict verdict = metric_trial_of(trial)->has_sequences ? VERDICT_PASS : measure_halves(trial, zero);
    subject_close(&zero->subject);
    subject_close(&started->subject);
    return verdict;
}

static enum verdict check_measure(struct trial *trial) {
    return metric_each(trial, visit_measure);
}

/* ---- order ---- */

static enum verdict visit_order(struct trial *trial) {
    if (metric_trial_of(trial)->has_sequences) {
        return VERDICT_PASS; /* their order is that of the lengths */
    }
    struct metric_fixture *whole = metric_fixture_create(trial, METRIC_ROWS, 0);
    struct metric_fixture *reversed =
        whole == NULL ? NULL : metric_fixture_take(trial, whole, METRIC_ROWS - 1, -1, METRIC_ROWS);
    if (reversed == NULL) {
        return VERDICT_FAIL;
    }
    if (metric_fixture_measure(whole) != RONDO_OK || metric_fixture_measure(reversed) != RONDO_OK) {
        return subject_failed(trial, whole->subject.errors.count > 0 ? &whole->subject : &reversed->subject);
    }
    const int is_same = has_sums(trial, reversed, whole, 1, NULL, 0, "the last row first");
    subject_close(&whole->subject);
    subject_close(&reversed->subject);
    return is_same ? VERDICT_PASS : VERDICT_FAIL;
}

static enum verdict check_order(struct trial *trial) {
    return metric_each(trial, visit_order);
}

/* ---- weights ---- */

/* A row of weight w counts as w rows: with weights w and 2 - w, the sums add up to twice those without weights. */
static enum verdict visit_weights(struct trial *trial) {
    if (!metric_trial_of(trial)->has_weights) {
        return VERDICT_PASS;
    }
    struct metric_trial plain = *metric_trial_of(trial);
    plain.has_weights = 0;
    struct metric_fixture *none = metric_fixture_create(&plain.trial, METRIC_ROWS, 0);
    struct metric_fixture *own = metric_fixture_create(trial, METRIC_ROWS, 0);
    struct metric_fixture *rest = metric_fixture_create(trial, METRIC_ROWS, 0);
    if (none == NULL || own == NULL || rest == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t i = 0; i < rest->units; i++) {
        tensor_set(&rest->weights, i, 2 - tensor_get(&own->weights, i));
    }
    struct metric_fixture *const all[] = {none, own, rest};
    for (int k = 0; k < 3; k++) {
        if (metric_fixture_measure(all[k]) != RONDO_OK) {
            return subject_failed(trial, &all[k]->subject);
        }
    }
    /* own + rest = 2 none, up to the rounding of 2 - w in f32 */
    for (int32_t a = 0; a < none->n_accumulators; a++) {
        for (int64_t i = 0; i < rondo_count(&none->accumulators[a]); i++) {
            const double found = own->sums[a][i] + rest->sums[a][i], expected = 2 * none->sums[a][i];
            if (!(fabs(found - expected) <= 1e-5 * (1 + fabs(expected)))) {
                return trial_say(trial, VERDICT_FAIL,
                                 "'%s' number %lld, with weights w and with weights 2 - w, adds up to %.9g, expected "
                                 "twice that without weights, %.9g",
                                 none->metric->accumulators[a].name, (long long)i, found, expected);
            }
        }
    }
    for (int64_t i = 0; i < own->units; i++) {
        tensor_set(&own->weights, i, 2);
    }
    metric_fixture_fill(own, 0);
    if (metric_fixture_measure(own) != RONDO_OK) {
        return subject_failed(trial, &own->subject);
    }
    const int is_double = has_sums(trial, own, none, 2, NULL, 0, "every row has weight 2");
    for (int k = 0; k < 3; k++) {
        subject_close(&all[k]->subject);
    }
    return is_double ? VERDICT_PASS : VERDICT_FAIL;
}

static enum verdict check_weights(struct trial *trial) {
    return metric_each(trial, visit_weights);
}

/* ---- finish ---- */

static enum verdict visit_finish(struct trial *trial) {
    struct metric_fixture *fixture = metric_fixture_create(trial, METRIC_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    if (metric_fixture_measure(fixture) != RONDO_OK || metric_fixture_finish(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    if (fixture->metric->finish != NULL && !isfinite(*fixture->value)) {
        return trial_say(trial, VERDICT_FAIL, "the value for 16 rows or more is %g, expected a finite number",
                         *fixture->value);
    }
    const enum verdict verdict = metric_judge_table(trial, fixture);
    subject_close(&fixture->subject);
    return verdict;
}

static enum verdict check_finish(struct trial *trial) {
    return metric_each(trial, visit_finish);
}

/* ---- better ---- */

/* The value of the predictions of a fixture; 0 with the reason. */
static int value_of(const struct trial *trial, struct metric_fixture *fixture) {
    if (metric_fixture_measure(fixture) != RONDO_OK || metric_fixture_finish(fixture) != RONDO_OK) {
        subject_failed(trial, &fixture->subject);
        return 0;
    }
    return 1;
}

static enum verdict visit_better(struct trial *trial) {
    struct metric_fixture *drawn = metric_fixture_create(trial, METRIC_ROWS, 0);
    struct metric_fixture *perfect = metric_fixture_create(trial, METRIC_ROWS, 0);
    if (drawn == NULL || perfect == NULL) {
        return VERDICT_FAIL;
    }
    enum verdict verdict = VERDICT_PASS;
    if (metric_fixture_perfect(perfect)) {
        if (!value_of(trial, drawn) || !value_of(trial, perfect)) {
            return VERDICT_FAIL;
        }
        const int higher = drawn->metric->higher_is_better;
        if (!(higher ? *perfect->value >= *drawn->value : *perfect->value <= *drawn->value)) {
            verdict = trial_say(
                trial, VERDICT_FAIL, "%s is better, and exact %s have %.6g, random ones %.6g (higher_is_better?)",
                higher ? "higher" : "lower", metric_is_of_texts(drawn->metric) ? "texts" : "predictions",
                *perfect->value, *drawn->value);
        }
    }
    subject_close(&drawn->subject);
    subject_close(&perfect->subject);
    return verdict;
}

static enum verdict check_better(struct trial *trial) {
    if (((const rondo_metric_plugin *)trial->descriptor)->finish == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "the metric has only a table");
    }
    return metric_each(trial, visit_better);
}

/* ---- class_range ---- */

static enum verdict try_class(const struct trial *trial, int64_t class) {
    struct metric_fixture *fixture = metric_fixture_create(trial, METRIC_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    tensor_set(&fixture->targets, rondo_count(&fixture->targets) - 1, (double)class);
    const rondo_status status = metric_fixture_measure(fixture);
    if (status != RONDO_INVALID) {
        return trial_say(trial, VERDICT_FAIL,
                         "a target is class %lld, and measure ended in '%s', expected '%s' and the row and the class",
                         (long long)class, status_text(status), status_text(RONDO_INVALID));
    }
    subject_close(&fixture->subject);
    return VERDICT_PASS;
}

/* Using a class as an index is a crash: no memory is mapped 1e9 numbers away. */
static enum verdict visit_class_range(struct trial *trial) {
    const struct metric_trial *tried = metric_trial_of(trial);
    const int64_t classes[] = {-1, tried->target_size, 1000000000, INT32_MIN};
    const int has_classes =
        tried->target_kind != RONDO_TARGET_REAL && !metric_is_of_texts((const rondo_metric_plugin *)trial->descriptor);
    for (int i = 0; has_classes && i < 4; i++) {
        if (try_class(trial, classes[i]) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_class_range(struct trial *trial) {
    return metric_each(trial, visit_class_range);
}

const struct kit_check kit_metric_checks[] = {
    {"targets", "targets of each declared kind are taken, others refused with the reason", check_targets},
    {"status", "every call returns a known status, and says why where it fails", shared_status},
    {"stays_inside", "measure writes only the accumulators, finish only the value", shared_stays_inside},
    {"zero_size", "a part without rows counts nothing, and no rows at all have a value", check_zero_size},
    {"measure", "the rows are added to the accumulators, part by part", check_measure},
    {"order", "the order of the rows does not matter", check_order},
    {"weights", "a row of weight w counts as w rows", check_weights},
    {"finish", "the value is finite, and the table is complete", check_finish},
    {"better", "exact predictions are not worse than random ones", check_better},
    {"class_range", "a class out of range is refused, and not used as an index", check_class_range},
    {"deterministic", "the same part gives the same bits again", shared_deterministic},
    {"threads", "parts on several threads do not disturb each other", shared_threads},
    {"no_memory", "an allocation that the host refuses ends in RONDO_NO_MEMORY", shared_no_memory},
    {"leaks", "calls leave nothing on the heap", shared_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", shared_options_ends},
    {"first_call", "nothing is kept of the options of the first call", shared_first_call},
    {NULL, NULL, NULL},
};
