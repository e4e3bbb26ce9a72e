/* kit/check_loss_record.c: what a loss records: its gradient, in both dtypes, of each row alone, and at the extremes.
 */
#include <math.h>

#include "kit/check_loss.h"
#include "kit/judged.h"

/* |a - b| / max(1, |a|, |b|): relative where numbers are large, absolute where they are small. */
static double error_of(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}

/* ---- gradient ---- */

/* Of a larger input some elements are compared, evenly. */
enum { MOST_ELEMENTS = 150 };

/* The worst element of a comparison. */
struct worst {
    double error, gradient, difference;
    int32_t input;
    int64_t element;
};

/* Central differences of the weighted sum of losses L, in f64: dL/dx = (L(x + h) - L(x - h)) / 2h + O(h^2). L loses
 * about 1e-16 |L| / h to rounding. */
static rondo_status compare_element(struct judged *judged, int32_t k, int64_t i, double gradient, struct worst *worst) {
    const rondo_tensor *input = &judged->inputs[k];
    const double x = tensor_get(input, i), h = 1e-5 * fmax(1, fabs(x));
    tensor_set(input, i, x + h);
    RONDO_TRY(judged_record(judged, 0));
    const double above = judged_sum(judged);
    tensor_set(input, i, x - h);
    RONDO_TRY(judged_record(judged, 0));
    const double difference = (above - judged_sum(judged)) / (2 * h);
    tensor_set(input, i, x);
    const double error = error_of(gradient, difference);
    if (!(error <= worst->error)) {
        *worst = (struct worst){error, gradient, difference, k, i};
    }
    return RONDO_OK;
}

static rondo_status compare_gradients(struct judged_visit *visit, struct judged *judged, struct worst *worst) {
    RONDO_TRY(judged_record(judged, 1));
    for (int32_t k = 0; k < judged->n_inputs; k++) {
        const int64_t count = rondo_count(&judged->inputs[k]);
        double *gradient = arena_alloc(visit->kit->arena, (size_t)count * sizeof *gradient);
        if (gradient == NULL) {
            return errors_no_memory(&judged->errors);
        }
        for (int64_t i = 0; i < count; i++) {
            gradient[i] = tensor_get(&judged->gradients[k], i);
        }
        for (int64_t i = 0; i < count; i += 1 + count / MOST_ELEMENTS) {
            RONDO_TRY(compare_element(judged, k, i, gradient[i], worst));
        }
        RONDO_TRY(judged_record(judged, 1)); /* the gradients of the next input again */
    }
    return RONDO_OK;
}

/* A kink within h of an output spoils a difference, so a second batch may do what the first did not. */
static enum verdict visit_gradient(struct judged_visit *visit) {
    enum { BATCHES = 2 };
    const double tolerance = 1e-6;
    struct worst worst = {0};
    for (int32_t batch = 0; batch < BATCHES; batch++) {
        struct judged *judged = judged_create(visit, RONDO_F64, JUDGED_ROWS, batch);
        if (judged == NULL) {
            return VERDICT_FAIL;
        }
        worst = (struct worst){0};
        if (compare_gradients(visit, judged, &worst) != RONDO_OK) {
            return judged_failed(visit, judged, "record");
        }
        judged_close(judged);
        if (worst.error <= tolerance) {
            return VERDICT_PASS;
        }
    }
    return judged_say(visit, VERDICT_FAIL,
                      "the gradient by element %lld of %s is %.9g, expected %.9g, the central difference",
                      (long long)worst.element,
                      worst.input > 0                                        ? "the output layer"
                      : (visit->loss->flags & RONDO_LOSS_BEFORE_OUTPUT) != 0 ? "what record gets"
                                                                             : "the outputs",
                      worst.gradient, worst.difference);
}

enum verdict loss_gradient(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_gradient, reason, size);
}

/* ---- dtypes ---- */

static void copy_numbers(const rondo_tensor *to, const rondo_tensor *from) {
    for (int64_t i = 0; i < rondo_count(to); i++) {
        tensor_set(to, i, tensor_get(from, i));
    }
}

/* The largest error of `single` against `twice`. */
static double compare_tensors(const rondo_tensor *single, const rondo_tensor *twice) {
    double worst = 0;
    for (int64_t i = 0; i < rondo_count(single); i++) {
        const double error = error_of(tensor_get(single, i), tensor_get(twice, i));
        worst = error <= worst ? worst : error;
    }
    return worst;
}

static enum verdict visit_dtypes(struct judged_visit *visit) {
    struct judged *single = judged_create(visit, RONDO_F32, JUDGED_ROWS, 0);
    struct judged *twice = judged_create(visit, RONDO_F64, JUDGED_ROWS, 0);
    if (single == NULL || twice == NULL) {
        return VERDICT_FAIL;
    }
    for (int32_t k = 0; k < single->n_inputs; k++) {
        copy_numbers(&twice->inputs[k], &single->inputs[k]); /* rounded already, so that nothing else differs */
    }
    copy_numbers(&twice->targets, &single->targets);
    if (judged_record(single, 1) != RONDO_OK) {
        return judged_failed(visit, single, "record in f32");
    }
    if (judged_record(twice, 1) != RONDO_OK) {
        return judged_failed(visit, twice, "record in f64");
    }
    double worst = compare_tensors(single->losses, twice->losses);
    for (int32_t k = 0; k < single->n_inputs; k++) {
        worst = fmax(worst, compare_tensors(&single->gradients[k], &twice->gradients[k]));
    }
    judged_close(single);
    judged_close(twice);
    return worst <= 1e-3 ? VERDICT_PASS
                         : judged_say(visit, VERDICT_FAIL, "f32 and f64 differ by %.2g in a loss or a gradient", worst);
}

enum verdict loss_dtypes(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_dtypes, reason, size);
}

/* ---- rows ---- */

/* Which sequence row `row` of a batch with sequences belongs to. */
static int64_t sequence_of(const struct judged *judged, int64_t row) {
    int64_t t = 0;
    while (judged->begin[t + 1] <= row) {
        t++;
    }
    return row - judged->begin[t];
}

/* Draws all rows anew but those that have an even number, or belong to a sequence that has. */
static void change_mates(struct judged *judged) {
    const int is_list = judged->tried.kind == RONDO_TARGET_LIST;
    for (int64_t row = 0; row < judged->rows; row++) {
        if ((is_list ? sequence_of(judged, row) : row) % 2 != 0) {
            judged_draw(judged, 7, row, row + 1);
        }
    }
    for (int64_t s = 1; is_list && s < JUDGED_SEQUENCES; s += 2) {
        for (int64_t i = judged->target_begin[s]; i < judged->target_begin[s + 1]; i++) {
            const int64_t class = (int64_t)tensor_get(&judged->targets, i);
            tensor_set(&judged->targets, i, (double)((class + 1) % judged->tried.target_size));
        }
    }
}

/* The losses of a batch, copied. NULL with the reason. */
static double *losses_of(struct judged_visit *visit, struct judged *judged) {
    if (judged_record(judged, 0) != RONDO_OK) {
        judged_failed(visit, judged, "record");
        return NULL;
    }
    double *losses = arena_alloc(visit->kit->arena, (size_t)judged->losses_expected * sizeof *losses);
    for (int64_t i = 0; losses != NULL && i < judged->losses_expected; i++) {
        losses[i] = tensor_get(judged->losses, i);
    }
    return losses;
}

/* Without some of the batch mates; not where record draws random words, which then are others. */
static enum verdict compare_half(struct judged_visit *visit, const struct judged *judged, const double *expected) {
    struct judged *half = judged_part(visit, judged, 0, judged->rows / 2);
    const double *found = half == NULL ? NULL : losses_of(visit, half);
    if (found == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t i = 0; i < half->rows; i++) {
        if (!(error_of(found[i], expected[i]) <= 1e-12)) {
            return judged_say(visit, VERDICT_FAIL,
                              "the loss of row %lld is %.12g in a batch of %lld and %.12g in one of %lld: needs "
                              "RONDO_LOSS_COUPLES_ROWS",
                              (long long)i, expected[i], (long long)judged->rows, found[i], (long long)half->rows);
        }
    }
    judged_close(half);
    return VERDICT_PASS;
}

static enum verdict visit_rows(struct judged_visit *visit) {
    struct judged *judged = judged_create(visit, RONDO_F64, JUDGED_ROWS, 0);
    const double *before = judged == NULL ? NULL : losses_of(visit, judged);
    if (before == NULL) {
        return VERDICT_FAIL;
    }
    if (!visit->tried.has_sequences && !judged->drew && compare_half(visit, judged, before) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    change_mates(judged);
    const double *after = losses_of(visit, judged);
    if (after == NULL) {
        return VERDICT_FAIL;
    }
    for (int64_t i = 0; i < judged->losses_expected; i += 2) {
        if (!(error_of(before[i], after[i]) <= 1e-12)) {
            return judged_say(visit, VERDICT_FAIL,
                              "the loss of %s %lld goes from %.12g to %.12g when others of the batch change: needs "
                              "RONDO_LOSS_COUPLES_ROWS",
                              visit->tried.kind == RONDO_TARGET_LIST ? "sequence" : "row", (long long)i, before[i],
                              after[i]);
        }
    }
    judged_close(judged);
    return VERDICT_PASS;
}

enum verdict loss_rows(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    if ((((const rondo_loss *)descriptor)->flags & RONDO_LOSS_COUPLES_ROWS) != 0) {
        return kit_say(reason, size, VERDICT_SKIPPED, "the loss says that its rows depend on each other");
    }
    return judged_each(kit, descriptor, visit_rows, reason, size);
}

/* ---- extremes ---- */

/* Every third output is the positive extreme, the others are the negative one or 0. */
static void fill_extremes(const struct judged *judged, double extreme) {
    for (int64_t i = 0; i < rondo_count(&judged->inputs[0]); i++) {
        tensor_set(&judged->inputs[0], i, i % 3 == 0 ? extreme : i % 3 == 1 ? -extreme : 0);
    }
}

/* 1 where the numbers are what an extreme allows. exp(30) is far inside f32. exp(1e4) is infinite, which a loss that is
 * an exponential may say; not-a-number comes of a difference or a quotient of such, which has a value. */
static int is_allowed(const rondo_tensor *tensor, double extreme) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        const double number = tensor_get(tensor, i);
        if (isnan(number) || (extreme < 100 && isinf(number))) {
            return 0;
        }
    }
    return 1;
}

static enum verdict try_extreme(struct judged_visit *visit, int32_t dtype, double extreme) {
    struct judged *judged = judged_create(visit, dtype, JUDGED_ROWS, 0);
    if (judged == NULL) {
        return VERDICT_FAIL;
    }
    fill_extremes(judged, extreme);
    const rondo_status status = judged_record(judged, 1);
    if (status != RONDO_OK && status != RONDO_INVALID && status != RONDO_NOT_FINITE) {
        return judged_failed(visit, judged, "record of large outputs");
    }
    if (status == RONDO_OK && !is_allowed(judged->losses, extreme)) {
        return judged_say(visit, VERDICT_FAIL, "with outputs of %g, 0 and %g a loss is not %s, %s", extreme, -extreme,
                          extreme < 100 ? "finite" : "a number", dtype_name(dtype));
    }
    for (int32_t k = 0; status == RONDO_OK && k < judged->n_inputs; k++) {
        if (!is_allowed(&judged->gradients[k], extreme)) {
            return judged_say(visit, VERDICT_FAIL, "with outputs of %g, 0 and %g a gradient is not %s, %s", extreme,
                              -extreme, extreme < 100 ? "finite" : "a number", dtype_name(dtype));
        }
    }
    judged_close(judged);
    return VERDICT_PASS;
}

static enum verdict visit_extremes(struct judged_visit *visit) {
    static const double extremes[] = {30, 1e4};
    for (int e = 0; e < 2; e++) {
        for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
            if (try_extreme(visit, dtype, extremes[e]) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

enum verdict loss_extremes(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    return judged_each(kit, descriptor, visit_extremes, reason, size);
}
