/* kit/check_loss_quantile.c: the quantiles of losses that describe how their targets are distributed. */
#include <math.h>
#include <string.h>

#include "kit/check_loss.h"
#include "kit/loss_fixture.h"

/* From low to high; symmetric, as the ends of intervals are. */
static const double probabilities[] = {0.001, 0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975, 0.999};
enum { PROBABILITIES = sizeof probabilities / sizeof probabilities[0] };

/* Every quantile is written, no number, and not below that of the probability before, `before`, which it becomes. */
static enum verdict compare(struct trial *trial, const struct loss_fixture *fixture, double probability,
                            double *before) {
    const rondo_tensor *values = &fixture->quantiles;
    const int64_t unwritten = guard_unwritten(fixture->subject.guard, values);
    if (unwritten >= 0) {
        return trial_say(trial, VERDICT_FAIL, "the quantile %g of number %lld of row %lld is not written", probability,
                         (long long)(unwritten % values->shape[1]), (long long)(unwritten / values->shape[1]));
    }
    for (int64_t i = 0; i < rondo_count(values); i++) {
        const double value = tensor_get(values, i);
        if (isnan(value) || value < before[i]) {
            return trial_say(trial, VERDICT_FAIL,
                             "the quantile %g of number %lld of row %lld is %g, expected %g or more", probability,
                             (long long)(i % values->shape[1]), (long long)(i / values->shape[1]), value, before[i]);
        }
        before[i] = value;
    }
    return VERDICT_PASS;
}

static enum verdict visit_quantiles(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, LOSS_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    const int64_t count = rondo_count(&fixture->quantiles);
    double *before = arena_alloc(trial->kit->arena, sizeof *before * ((size_t)count + 1));
    for (int64_t i = 0; before != NULL && i < count; i++) {
        before[i] = -INFINITY;
    }
    enum verdict verdict = before == NULL ? trial_say(trial, VERDICT_FAIL, "out of memory") : VERDICT_PASS;
    for (int p = 0; p < PROBABILITIES && verdict == VERDICT_PASS; p++) {
        int is_given = 0;
        if (loss_fixture_quantile(fixture, probabilities[p], &is_given) != RONDO_OK) {
            return subject_failed(trial, &fixture->subject);
        }
        verdict = is_given ? compare(trial, fixture, probabilities[p], before) : VERDICT_PASS;
    }
    loss_fixture_close(fixture);
    return verdict;
}

static enum verdict visit_if_numbers(struct trial *trial) {
    return loss_trial_of(trial)->target_kind == RONDO_TARGET_REAL ? visit_quantiles(trial) : VERDICT_PASS;
}

enum verdict loss_quantile(struct trial *trial) {
    if (((const rondo_loss *)trial->descriptor)->quantile == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "there is no quantile");
    }
    return loss_each_dtype(trial, visit_if_numbers);
}
