/* kit/check_loss.c: the table of the checks of losses; which targets a loss accepts, one loss per row, empty batches,
 * classes out of range. */
#include "kit/check_loss.h"

#include <limits.h>

#include "kit/loss_fixture.h"
#include "kit/shared.h"

/* ---- output_size, record ---- */

static enum verdict take(struct trial *trial) {
    (void)trial;
    return VERDICT_PASS;
}

/* loss_each calls output_size, and fails if the loss accepts no targets. */
static enum verdict check_output_size(struct trial *trial) {
    return loss_each(trial, take);
}

/* loss_fixture_record also checks the shape of the losses. */
static enum verdict visit_record(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, LOSS_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    if (loss_fixture_record(fixture, 1) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    if (!tensor_is_finite(fixture->losses)) {
        return trial_say(trial, VERDICT_FAIL, "the losses of normal outputs are not finite");
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

static enum verdict check_record(struct trial *trial) {
    return loss_each_dtype(trial, visit_record);
}

/* ---- zero_size ---- */

static enum verdict visit_zero(struct trial *trial) {
    if (loss_trial_of(trial)->has_sequences) {
        return VERDICT_PASS; /* a batch always has at least one sequence */
    }
    struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F32, 0, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    trial->where = "a batch without rows";
    if (loss_fixture_run(fixture, 1) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    for (int32_t m = 0; m < loss_metrics(fixture->loss); m++) {
        if (fixture->sums[m] != 0) {
            return trial_say(trial, VERDICT_FAIL, "measure adds %g to '%s'", fixture->sums[m],
                             fixture->loss->metrics[m].name);
        }
    }
    trial->where = NULL;
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

static enum verdict check_zero_size(struct trial *trial) {
    return loss_each(trial, visit_zero);
}

/* ---- class_range ---- */

/* A class out of range as the last target. A loss whose predictions are not classes may use it as a label that is only
 * compared with others, and measure may count it as wrong. Using it as an index crashes, because no memory is mapped
 * 1e9 numbers away. */
static enum verdict try_class(const struct trial *trial, int64_t class) {
    struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F32, LOSS_ROWS, 0);
    double sums[LOSS_METRICS] = {0};
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    tensor_set(&fixture->targets, rondo_count(&fixture->targets) - 1, (double)class);
    const rondo_status status = loss_fixture_record(fixture, 0);
    const int only_compares =
        fixture->loss->prediction_size != NULL && loss_trial_of(trial)->target_kind == RONDO_TARGET_CLASS;
    if (status != RONDO_INVALID && !(status == RONDO_OK && only_compares)) {
        return trial_say(trial, VERDICT_FAIL,
                         "a target is class %lld, and record ended in '%s', expected '%s' with the row and the class",
                         (long long)class, status_text(status), status_text(RONDO_INVALID));
    }
    errors_free(&fixture->subject.errors);
    if (loss_fixture_predict(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    const rondo_status measured = loss_fixture_measure(fixture, sums);
    if (measured != RONDO_OK && measured != RONDO_INVALID) {
        return subject_failed(trial, &fixture->subject);
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

static enum verdict visit_class_range(struct trial *trial) {
    const struct loss_trial *tried = loss_trial_of(trial);
    const int64_t classes[] = {-1, tried->target_size, 1000000000, INT32_MIN};
    for (int i = 0; tried->target_kind != RONDO_TARGET_REAL && i < 4; i++) {
        if (try_class(trial, classes[i]) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_class_range(struct trial *trial) {
    return loss_each(trial, visit_class_range);
}

const struct kit_check kit_loss_checks[] = {
    {"output_size", "targets of at least one kind are accepted, and others are refused with a reason",
     check_output_size},
    {"status", "every call returns a known status, and gives a reason if it fails", shared_status},
    {"stays_inside", "calls write only their results, and nothing outside their buffers", shared_stays_inside},
    {"zero_size", "a batch without rows is computed, and adds nothing to metrics", check_zero_size},
    {"record", "there is one finite loss for every row, or for every sequence of lists", check_record},
    {"gradient", "gradients are those of central differences", loss_gradient},
    {"dtypes", "losses and gradients in f32 and f64 are the same except for rounding", loss_dtypes},
    {"rows", "the loss of a row does not depend on other rows, unless the loss declares that it does", loss_rows},
    {"predict", "every prediction is written and finite; for classes, predictions are probabilities", loss_predict},
    {"quantile", "quantiles are written, and do not decrease with the probability", loss_quantile},
    {"sample", "draws depend only on their row, and have the distribution of the loss", loss_sample},
    {"measure", "measure adds the sum over the rows to each metric", loss_measure},
    {"extremes", "large outputs give finite losses and gradients; huge outputs never give not-a-number", loss_extremes},
    {"class_range", "a class out of range is refused, and not used as an index", check_class_range},
    {"deterministic", "the same batch gives the same bits again", shared_deterministic},
    {"threads", "several threads give the bits of one, both inside a call and in simultaneous calls", shared_threads},
    {"no_memory", "if the host refuses an allocation, the call returns RONDO_NO_MEMORY", shared_no_memory},
    {"leaks", "calls free all memory that they allocate", shared_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", shared_options_ends},
    {"first_call", "results do not depend on the options of the first call", shared_first_call},
    {NULL, NULL, NULL},
};
