/* kit/check_loss_sample.c: the targets that a loss draws (rondo_loss.sample): each is one that the loss accepts, depends only on
 * the outputs and the random words of its row, and they have the distribution that the outputs describe.
 *
 * The distribution is known from the loss itself. With targets from the distribution that the outputs x describe, no other
 * outputs have a lower expected loss: the expectation of the gradient is 0 (for the negative logarithm of a density, that of
 * the score). So the mean gradient over many draws is compared with 0. Where there are quantiles, a probability of p is below
 * the quantile p; this also finds draws with the right mean and another spread. */
#include <math.h>
#include <string.h>

#include "kit/check_loss.h"
#include "kit/loss_fixture.h"

/* Rows with equal outputs: BASES kinds of rows, with DRAWS rows of each. A mean may differ from its expectation by this many
 * standard errors, which happens by chance with a probability of 2e-9. */
enum { BASES = 4, DRAWS = 4096, DEVIATIONS = 6 };

/* ---- single draws ---- */

static enum verdict check_draws(struct trial *trial, const struct loss_fixture *fixture) {
    const rondo_tensor *draws = &fixture->draws;
    const int64_t unwritten = guard_unwritten(fixture->subject.guard, draws);
    const int64_t width = draws->ndim > 1 ? draws->shape[1] : 1;
    if (unwritten >= 0) {
        return trial_say(trial, VERDICT_FAIL, "number %lld of row %lld is not written", (long long)(unwritten % width),
                         (long long)(unwritten / width));
    }
    for (int64_t i = 0; i < rondo_count(draws); i++) {
        const double value = tensor_get(draws, i);
        if (draws->dtype == RONDO_I32 && (value < 0 || value >= (double)fixture->tried->target_size)) {
            return trial_say(trial, VERDICT_FAIL, "row %lld draws class %g, expected 0 to %lld", (long long)i, value,
                             (long long)fixture->tried->target_size - 1);
        }
        if (!isfinite(value)) {
            return trial_say(trial, VERDICT_FAIL, "row %lld draws %g, expected a finite number", (long long)(i / width),
                             value);
        }
    }
    return VERDICT_PASS;
}

/* Records the loss with the draws as targets. */
static enum verdict record_draws(struct trial *trial, struct loss_fixture *fixture, int backward) {
    if (tensor_bytes(&fixture->targets) > 0) {
        memcpy(fixture->targets.data, fixture->draws.data, tensor_bytes(&fixture->targets));
    }
    if (loss_fixture_record(fixture, backward) == RONDO_OK) {
        return VERDICT_PASS;
    }
    const char *reason = fixture->subject.errors.count > 0 ? errors_text(&fixture->subject.errors, 0) : "";
    return trial_say(trial, VERDICT_FAIL, "record refuses targets that sample has drawn: %s", reason);
}

/* A row without the others must draw the same bits. */
static enum verdict compare_row(struct trial *trial, const struct loss_fixture *fixture, int64_t row) {
    const size_t bytes = tensor_bytes(&fixture->draws) / (size_t)fixture->rows;
    struct loss_fixture *alone = loss_fixture_part(trial, fixture, row, row + 1);
    if (alone == NULL) {
        return VERDICT_FAIL;
    }
    if (loss_fixture_sample(alone) != RONDO_OK) {
        return subject_failed(trial, &alone->subject);
    }
    const int64_t width = rondo_count(&alone->draws);
    const char *in_batch = (const char *)fixture->draws.data + (size_t)row * bytes;
    enum verdict verdict = VERDICT_PASS;
    if (memcmp(in_batch, alone->draws.data, bytes) != 0) {
        int64_t k = 0;
        while (k < width - 1 && tensor_get(&fixture->draws, row * width + k) == tensor_get(&alone->draws, k)) {
            k++;
        }
        verdict =
            trial_say(trial, VERDICT_FAIL,
                      "row %lld draws %.9g, and %.9g without the other rows: it must depend only on its own outputs "
                      "and words",
                      (long long)row, tensor_get(&fixture->draws, row * width + k), tensor_get(&alone->draws, k));
    }
    loss_fixture_close(alone);
    return verdict;
}

/* ---- the distribution of many draws ---- */

static enum verdict check_gradients(struct trial *trial, const struct loss_fixture *fixture) {
    const rondo_tensor *gradient = &fixture->gradients[0]; /* (rows, outputs) */
    const int64_t width = gradient->shape[1];
    for (int64_t at = 0; at < BASES * width; at++) {
        double sum = 0, squares = 0;
        for (int64_t i = 0; i < DRAWS; i++) {
            const int64_t row = i * BASES + at / width;
            const double g = tensor_get(gradient, row * width + at % width) / loss_weight(row);
            sum += g;
            squares += g * g;
        }
        const double mean = sum / DRAWS, variance = fmax(0, squares / DRAWS - mean * mean);
        const double most = DEVIATIONS * sqrt(variance / DRAWS) + 1e-9;
        if (!(fabs(mean) <= most)) {
            return trial_say(
                trial, VERDICT_FAIL,
                "over %d draws the mean gradient of the loss with respect to output %lld is %.3g, expected 0 "
                "within %.3g: the draws do not have the distribution of the loss",
                DRAWS, (long long)(at % width), mean, most);
        }
    }
    return VERDICT_PASS;
}

/* `bases` has one row of each kind. */
static enum verdict check_quantile(struct trial *trial, const struct loss_fixture *fixture,
                                   const struct loss_fixture *bases, double probability) {
    const int64_t width = fixture->draws.shape[1];
    const double most = DEVIATIONS * sqrt(probability * (1 - probability) / DRAWS);
    for (int64_t at = 0; at < BASES * width; at++) {
        const double value = tensor_get(&bases->quantiles, at);
        int64_t below = 0, equal = 0;
        for (int64_t i = 0; i < DRAWS; i++) {
            const double draw = tensor_get(&fixture->draws, i * BASES * width + at);
            below += draw < value;
            equal += draw == value;
        }
        const double low = (double)below / DRAWS, high = (double)(below + equal) / DRAWS;
        if (low > probability + most || high < probability - most) {
            return trial_say(
                trial, VERDICT_FAIL,
                "of %d draws of number %lld, a share of %.3g is below the quantile %g: the draws do not have "
                "the distribution of the loss",
                DRAWS, (long long)(at % width), low > probability + most ? low : high, probability);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_quantiles(struct trial *trial, const struct loss_fixture *fixture) {
    static const double probabilities[] = {0.1, 0.5, 0.9};
    struct loss_fixture *bases = loss_fixture_part(trial, fixture, 0, BASES);
    enum verdict verdict = bases == NULL ? VERDICT_FAIL : VERDICT_PASS;
    for (int p = 0; p < 3 && verdict == VERDICT_PASS; p++) {
        int is_given = 0;
        if (loss_fixture_quantile(bases, probabilities[p], &is_given) != RONDO_OK) {
            return subject_failed(trial, &bases->subject);
        }
        verdict = is_given ? check_quantile(trial, fixture, bases, probabilities[p]) : VERDICT_PASS;
    }
    if (bases != NULL) {
        loss_fixture_close(bases);
    }
    return verdict;
}

static void repeat_outputs(const struct loss_fixture *fixture) {
    const int64_t width = fixture->outputs.shape[1];
    for (int64_t i = BASES * width; i < rondo_count(&fixture->outputs); i++) {
        tensor_set(&fixture->outputs, i, tensor_get(&fixture->outputs, i - BASES * width));
    }
}

static enum verdict check_distribution(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F64, (int64_t)BASES * DRAWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    repeat_outputs(fixture);
    if (loss_fixture_sample(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    enum verdict verdict = record_draws(trial, fixture, 1);
    verdict = verdict == VERDICT_PASS ? check_gradients(trial, fixture) : verdict;
    verdict = verdict == VERDICT_PASS ? check_quantiles(trial, fixture) : verdict;
    loss_fixture_close(fixture);
    return verdict;
}

/* ---- the check ---- */

static enum verdict visit_sample(struct trial *trial) {
    const struct loss_trial *tried = loss_trial_of(trial);
    if (tried->training || tried->target_kind == RONDO_TARGET_LIST) {
        return VERDICT_PASS; /* draws are made outside training, and lists are not drawn */
    }
    struct loss_fixture *fixture = loss_fixture_create(trial, tried->dtype, LOSS_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    if (loss_fixture_sample(fixture) != RONDO_OK) {
        return subject_failed(trial, &fixture->subject);
    }
    enum verdict verdict = check_draws(trial, fixture);
    for (int64_t row = 0; row < fixture->rows && !tried->has_sequences && verdict == VERDICT_PASS; row++) {
        verdict = compare_row(trial, fixture, row);
    }
    verdict = verdict == VERDICT_PASS ? record_draws(trial, fixture, 0) : verdict;
    const int is_of_rows = !tried->has_sequences && (fixture->loss->flags & RONDO_LOSS_COUPLES_ROWS) == 0;
    loss_fixture_close(fixture);
    return verdict == VERDICT_PASS && is_of_rows && tried->dtype == RONDO_F64 ? check_distribution(trial) : verdict;
}

enum verdict loss_sample(struct trial *trial) {
    if (((const rondo_loss *)trial->descriptor)->sample == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "there is no sample");
    }
    return loss_each_dtype(trial, visit_sample);
}
