/* kit/check_loss_record.c: what a loss records: its gradient, both dtypes, rows that do not depend on each other, and
 * extreme outputs. */
#include <math.h>

#include "kit/check_loss.h"
#include "kit/loss_fixture.h"

/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
static double error_of(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}

/* ---- gradient ---- */

/* If an input has more elements than this, only some evenly spaced ones are compared. */
enum { MOST_ELEMENTS = 150 };

/* The element with the largest error of a comparison. */
struct worst_element {
    double error, gradient, difference;
    int32_t input;
    int64_t element;
};

/* Central differences of the weighted sum of losses L, in f64: dL/dx = (L(x + h) - L(x - h)) / 2h + O(h^2). L loses
 * about 1e-16 |L| / h to rounding. */
static rondo_status compare_element(struct loss_fixture *fixture, int32_t k, int64_t i, double gradient,
                                    struct worst_element *worst) {
    const rondo_tensor *input = &fixture->inputs[k];
    const double x = tensor_get(input, i), h = 1e-5 * fmax(1, fabs(x));
    tensor_set(input, i, x + h);
    RONDO_TRY(loss_fixture_record(fixture, 0));
    const double above = loss_fixture_sum(fixture);
    tensor_set(input, i, x - h);
    RONDO_TRY(loss_fixture_record(fixture, 0));
    const double difference = (above - loss_fixture_sum(fixture)) / (2 * h);
    tensor_set(input, i, x);
    const double error = error_of(gradient, difference);
    if (!(error <= worst->error)) {
        *worst = (struct worst_element){error, gradient, difference, k, i};
    }
    return RONDO_OK;
}

static rondo_status compare_gradients(struct trial *trial, struct loss_fixture *fixture, struct worst_element *worst) {
    RONDO_TRY(loss_fixture_record(fixture, 1));
    for (int32_t k = 0; k < fixture->n_inputs; k++) {
        const int64_t count = rondo_count(&fixture->inputs[k]);
        double *gradient = arena_alloc(trial->kit->arena, (size_t)count * sizeof *gradient);
        if (gradient == NULL) {
            return errors_no_memory(&fixture->subject.errors);
        }
        for (int64_t i = 0; i < count; i++) {
            gradient[i] = tensor_get(&fixture->gradients[k], i);
        }
        for (int64_t i = 0; i < count; i += 1 + count / MOST_ELEMENTS) {
            RONDO_TRY(compare_element(fixture, k, i, gradient[i], worst));
        }
        RONDO_TRY(loss_fixture_record(fixture, 1)); /* restores the gradients for the next input */
    }
    return RONDO_OK;
}

/* A difference is useless if there is a kink within h of an output, so a second batch is tried if the first one
 * fails. */
static enum verdict visit_gradient(struct trial *trial) {
    enum { BATCHES = 2 };
    const double tolerance = 1e-6;
    struct worst_element worst = {0};
    for (int32_t batch = 0; batch < BATCHES; batch++) {
        struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F64, LOSS_ROWS, batch);
        if (fixture == NULL) {
            return VERDICT_FAIL;
        }
        worst = (struct worst_element){0};
        if (compare_gradients(trial, fixture, &worst) != RONDO_OK) {
            return subject_failed(trial, &fixture->subject);
        }
        loss_fixture_close(fixture);
        if (worst.error <= tolerance) {
            return VERDICT_PASS;
        }
    }
    return trial_say(trial, VERDICT_FAIL,
                     "the gradient with respect to element %lld of %s is %.9g, expected the central difference %.9g",
                     (long long)worst.element,
                     worst.input > 0 ? "the output layer"
                     : loss_trial_of(trial)->training &&
                             (((const rondo_loss *)trial->descriptor)->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0
                         ? "the hidden states"
                         : "the outputs",
                     worst.gradient, worst.difference);
}

enum verdict loss_gradient(struct trial *trial) {
    return loss_each(trial, visit_gradient);
}

/* ---- dtypes ---- */

static void copy_numbers(const rondo_tensor *to, const rondo_tensor *from) {
    for (int64_t i = 0; i < rondo_count(to); i++) {
        tensor_set(to, i, tensor_get(from, i));
    }
}

/* The largest difference between `single` and `twice`. */
static double compare_tensors(const rondo_tensor *single, const rondo_tensor *twice) {
    double worst = 0;
    for (int64_t i = 0; i < rondo_count(single); i++) {
        const double error = error_of(tensor_get(single, i), tensor_get(twice, i));
        worst = error <= worst ? worst : error;
    }
    return worst;
}

static enum verdict visit_dtypes(struct trial *trial) {
    struct loss_fixture *single = loss_fixture_create(trial, RONDO_F32, LOSS_ROWS, 0);
    struct loss_fixture *twice = loss_fixture_create(trial, RONDO_F64, LOSS_ROWS, 0);
    if (single == NULL || twice == NULL) {
        return VERDICT_FAIL;
    }
    for (int32_t k = 0; k < single->n_inputs; k++) {
        copy_numbers(&twice->inputs[k], &single->inputs[k]); /* already rounded, so that nothing else differs */
    }
    copy_numbers(&twice->targets, &single->targets);
    if (loss_fixture_record(single, 1) != RONDO_OK) {
        return subject_failed(trial, &single->subject);
    }
    if (loss_fixture_record(twice, 1) != RONDO_OK) {
        return subject_failed(trial, &twice->subject);
    }
    double worst = compare_tensors(single->losses, twice->losses);
    for (int32_t k = 0; k < single->n_inputs; k++) {
        worst = fmax(worst, compare_tensors(&single->gradients[k], &twice->gradients[k]));
    }
    loss_fixture_close(single);
    loss_fixture_close(twice);
    return worst <= 1e-3 ? VERDICT_PASS
                         : trial_say(trial, VERDICT_FAIL, "f32 and f64 differ by %.2g in a loss or a gradient", worst);
}

enum verdict loss_dtypes(struct trial *trial) {
    return loss_each(trial, visit_dtypes);
}

/* ---- rows ---- */

/* The sequence that row `row` of a batch with sequences belongs to. */
static int64_t sequence_of(const struct loss_fixture *fixture, int64_t row) {
    int64_t t = 0;
    while (fixture->layout.begin[t + 1] <= row) {
        t++;
    }
    return row - fixture->layout.begin[t];
}

/* Draws new numbers for all rows with an odd number; with lists, for all rows of sequences with an odd number. */
static void change_other_rows(struct loss_fixture *fixture) {
    const int is_list = fixture->tried->target_kind == RONDO_TARGET_LIST;
    for (int64_t row = 0; row < fixture->rows; row++) {
        if ((is_list ? sequence_of(fixture, row) : row) % 2 != 0) {
            loss_fixture_draw(fixture, 7, row, row + 1);
        }
    }
    for (int64_t s = 1; is_list && s < SEQUENCES; s += 2) {
        for (int64_t i = fixture->layout.target_begin[s]; i < fixture->layout.target_begin[s + 1]; i++) {
            const int64_t class = (int64_t)tensor_get(&fixture->targets, i);
            tensor_set(&fixture->targets, i, (double)((class + 1) % fixture->tried->target_size));
        }
    }
}

/* A copy of the losses of a batch. NULL with the reason. */
static double *losses_of(struct trial *trial, struct loss_fixture *fixture) {
    if (loss_fixture_record(fixture, 0) != RONDO_OK) {
        subject_failed(trial, &fixture->subject);
        return NULL;
    }
    double *losses = arena_alloc(trial->kit->arena, (size_t)fixture->losses_expected * sizeof *losses);
    for (int64_t i = 0; losses != NULL && i < fixture->losses_expected; i++) {
        losses[i] = tensor_get(fixture->losses, i);
    }
    return losses;
}

/* Compares the loss of a row in the whole batch and in half of it. Not for a loss that draws random words, because the
 * words differ. */
static enum verdict compare_half(struct trial *trial, const struct loss_fixture *fixture, const double *expected) {
    struct loss_fixture *half = loss_fixture_part(trial, fixture, 0, fixture->rows / 2);
    const double *found = half == NULL ? NULL : losses_of(trial, half);
    if (found == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t i = 0; i < half->rows; i++) {
        if (!(error_of(found[i], expected[i]) <= 1e-12)) {
            return trial_say(trial, VERDICT_FAIL,
                             "the loss of row %lld is %.12g in a batch of %lld and %.12g in one of %lld: needs "
                             "RONDO_LOSS_COUPLES_ROWS",
                             (long long)i, expected[i], (long long)fixture->rows, found[i], (long long)half->rows);
        }
    }
    loss_fixture_close(half);
    return VERDICT_PASS;
}

static enum verdict visit_rows(struct trial *trial) {
    struct loss_fixture *fixture = loss_fixture_create(trial, RONDO_F64, LOSS_ROWS, 0);
    const double *before = fixture == NULL ? NULL : losses_of(trial, fixture);
    if (before == NULL) {
        return VERDICT_FAIL;
    }
    if (!loss_trial_of(trial)->has_sequences && !fixture->subject.drew &&
        compare_half(trial, fixture, before) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    change_other_rows(fixture);
    const double *after = losses_of(trial, fixture);
    if (after == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t i = 0; i < fixture->losses_expected; i += 2) {
        if (!(error_of(before[i], after[i]) <= 1e-12)) {
            return trial_say(trial, VERDICT_FAIL,
                             "the loss of %s %lld changes from %.12g to %.12g if other rows of the batch change: needs "
                             "RONDO_LOSS_COUPLES_ROWS",
                             loss_trial_of(trial)->target_kind == RONDO_TARGET_LIST ? "sequence" : "row", (long long)i,
                             before[i], after[i]);
        }
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

enum verdict loss_rows(struct trial *trial) {
    if ((((const rondo_loss *)trial->descriptor)->flags & RONDO_LOSS_COUPLES_ROWS) != 0) {
        return trial_say(trial, VERDICT_SKIPPED, "the loss declares that its rows depend on each other");
    }
    return loss_each(trial, visit_rows);
}

/* ---- extremes ---- */

/* The outputs are, in turn, the positive extreme, the negative extreme and 0. */
static void fill_extremes(const struct loss_fixture *fixture, double extreme) {
    for (int64_t i = 0; i < rondo_count(&fixture->inputs[0]); i++) {
        tensor_set(&fixture->inputs[0], i, i % 3 == 0 ? extreme : i % 3 == 1 ? -extreme : 0);
    }
}

/* 1 if the numbers are allowed at this extreme. exp(30) is far inside the range of f32. exp(1e4) is infinite, which
 * is right for a loss that is an exponential; not-a-number is the result of a difference or quotient of infinities,
 * whose true value is finite. */
static int is_allowed(const rondo_tensor *tensor, double extreme) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double number = tensor_get(tensor, i);
        if (isnan(number) || (extreme < 100 && isinf(number))) {
            return 0;
        }
    }
    return 1;
}

static enum verdict try_extreme(const struct trial *trial, double extreme) {
    struct loss_fixture *fixture = loss_fixture_create(trial, loss_trial_of(trial)->dtype, LOSS_ROWS, 0);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    fill_extremes(fixture, extreme);
    const char *what = extreme < 100 ? "finite" : "a number";
    const rondo_status status = loss_fixture_record(fixture, 1);
    if (status != RONDO_OK && status != RONDO_INVALID && status != RONDO_NOT_FINITE) {
        return subject_failed(trial, &fixture->subject);
    }
    if (status == RONDO_OK && !is_allowed(fixture->losses, extreme)) {
        return trial_say(trial, VERDICT_FAIL, "with outputs of %g, 0 and %g a loss is not %s", extreme, -extreme, what);
    }
    for (int32_t k = 0; status == RONDO_OK && k < fixture->n_inputs; k++) {
        if (!is_allowed(&fixture->gradients[k], extreme)) {
            return trial_say(trial, VERDICT_FAIL, "with outputs of %g, 0 and %g a gradient is not %s", extreme,
                             -extreme, what);
        }
    }
    loss_fixture_close(fixture);
    return VERDICT_PASS;
}

static enum verdict visit_extremes(struct trial *trial) {
    return try_extreme(trial, 30) == VERDICT_PASS ? try_extreme(trial, 1e4) : VERDICT_FAIL;
}

enum verdict loss_extremes(struct trial *trial) {
    return loss_each_dtype(trial, visit_extremes);
}
