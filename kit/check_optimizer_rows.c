/* kit/check_optimizer_rows.c: an optimizer that skips zeros leaves elements without a gradient alone, and one that can
 * catch up gives the numbers of single updates. */
#include <math.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/check_optimizer.h"
#include "kit/optimizer_fixture.h"
#include "kit/option_settings.h"

static const int64_t rows_shape[] = {6, 10};

/* A check of one setting of the options; NULL: the defaults. */
typedef enum verdict rows_check(const struct trial *trial, int32_t dtype, const char *options);

/* All settings of the options: the defaults, the ends of each one, and values in between. */
static enum verdict try_all_options(const struct trial *trial, rows_check *check) {
    const rondo_option *table = trial->descriptor->options;
    struct option_setting setting;
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        if (check(trial, dtype, NULL) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        for (int32_t i = 0; option_end(table, i, &setting); i++) {
            if (!option_may_diverge(&setting) && check(trial, dtype, setting.text) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
        for (int32_t i = 0; option_moderate(table, trial->kit->seed, i, &setting); i++) {
            if (check(trial, dtype, setting.text) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

/* A parameter with these options; an idle subject if they are refused; NULL with the reason. */
static struct optimizer_fixture *create(const struct trial *trial, int32_t dtype, const char *options) {
    struct trial one = *trial;
    one.may_refuse = options != NULL;
    return options == NULL ? optimizer_fixture_create(&one, tensor_of(dtype, 2, rows_shape), 0)
                           : optimizer_fixture_create_with(&one, options, tensor_of(dtype, 2, rows_shape), 0);
}

/* ---- skips_zeros ---- */

/* Every second element gets a gradient. */
static int has_gradient(int64_t element) {
    return element % 2 == 0;
}

static void clear_every_second(const rondo_tensor *gradient) {
    for (int64_t i = 0; i < rondo_count(gradient); i++) {
        tensor_set(gradient, i, has_gradient(i) ? tensor_get(gradient, i) : 0);
    }
}

/* The first element without a gradient that differs between a tensor and its earlier bytes; -1: none does. A tensor
 * that has not the size of the parameter is a slot without memory. */
static int64_t find_change(const rondo_tensor *now, const char *before, int64_t count) {
    const size_t size = dtype_size(now->dtype);
    for (int64_t i = 0; rondo_count(now) == count && i < count; i++) {
        const size_t at = (size_t)i * size;
        if (!has_gradient(i) && memcmp((const char *)now->data + at, before + at, size) != 0) {
            return i;
        }
    }
    return -1;
}

/* Three updates fill the slots; the fourth has gradients of zero. */
static enum verdict leave_zeros_alone(const struct trial *trial, struct optimizer_fixture *fixture,
                                      const char *options) {
    struct subject_tensor result;
    const char *before[2 + OPTIMIZER_SLOTS] = {NULL};
    if (optimizer_fixture_run(fixture, 3, 1) != RONDO_OK) {
        return optimizer_fixture_failed(trial, fixture);
    }
    optimizer_fixture_draw(fixture, 1);
    clear_every_second(&fixture->gradient);
    clear_every_second(&fixture->sampled);
    for (int32_t i = 0; optimizer_fixture_result(&fixture->subject, i, &result); i++) {
        char *copy = arena_alloc(fixture->subject.kit->arena, tensor_bytes(&result.tensor) + 1);
        if (copy == NULL) {
            return trial_say(trial, VERDICT_FAIL, "out of memory");
        }
        memcpy(copy, result.tensor.data, tensor_bytes(&result.tensor));
        before[i] = copy;
    }
    if (optimizer_fixture_step(fixture) != RONDO_OK) {
        return optimizer_fixture_failed(trial, fixture);
    }
    for (int32_t i = 0; optimizer_fixture_result(&fixture->subject, i, &result); i++) {
        const int64_t changed = find_change(&result.tensor, before[i], rondo_count(&fixture->value));
        if (changed >= 0) {
            return trial_say(trial, VERDICT_FAIL,
                             "skips_zeros returns 1%s%s, but '%s' of element %lld, whose gradient is 0, changes at "
                             "update 4",
                             options == NULL ? "" : " with ", options == NULL ? "" : options, result.name,
                             (long long)changed);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_zeros(const struct trial *trial, int32_t dtype, const char *options) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor;
    struct optimizer_fixture *fixture = create(trial, dtype, options);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    return fixture->subject.is_idle || !optimizer->skips_zeros(fixture->subject.options)
               ? VERDICT_PASS
               : leave_zeros_alone(trial, fixture, options);
}

enum verdict optimizer_skips_zeros(struct trial *trial) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor;
    if (optimizer->skips_zeros == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "skips_zeros is NULL: all elements are updated");
    }
    if ((optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) == 0) {
        return trial_say(trial, VERDICT_FAIL,
                         "skips_zeros is set without RONDO_OPTIMIZER_ELEMENTWISE, so it is never called");
    }
    return try_all_options(trial, check_zeros);
}

/* ---- catch_up ---- */

/* Updates that are done together, after some single ones with gradients. */
static const struct { int64_t before, together; } spans[] = {{0, 1}, {0, 7}, {3, 1}, {3, 5}, {4, 200}};

/* The first element that differs by more than rounding; -1: none does. */
static int64_t find_difference(const rondo_tensor *a, const rondo_tensor *b) {
    const double tolerance = a->dtype == RONDO_F32 ? 2e-4 : 1e-10;
    for (int64_t i = 0; i < rondo_count(a); i++) {
        const double x = tensor_get(a, i), y = tensor_get(b, i);
        if (!(fabs(x - y) <= tolerance * fmax(1, fmax(fabs(x), fabs(y))))) {
            return i;
        }
    }
    return -1;
}

static enum verdict compare_span(const struct trial *trial, int32_t dtype, const char *options, int32_t span) {
    struct optimizer_fixture *single = create(trial, dtype, options), *together = create(trial, dtype, options);
    struct subject_tensor first, second;
    if (single == NULL || together == NULL) {
        return VERDICT_FAIL;
    }
    if (single->subject.is_idle) {
        return VERDICT_PASS;
    }
    rondo_status status = optimizer_fixture_run(single, spans[span].before, 1);
    for (int64_t update = 0; update < spans[span].together && status == RONDO_OK; update++) {
        status = optimizer_fixture_run(single, 1, 0);
    }
    if (status != RONDO_OK) {
        return optimizer_fixture_failed(trial, single);
    }
    if (optimizer_fixture_run(together, spans[span].before, 1) != RONDO_OK ||
        optimizer_fixture_catch_up(together, spans[span].together) != RONDO_OK) {
        return optimizer_fixture_failed(trial, together);
    }
    const int64_t first_update = spans[span].before + 1, last_update = single->subject.position;
    for (int32_t i = 0; optimizer_fixture_result(&single->subject, i, &first) &&
                        optimizer_fixture_result(&together->subject, i, &second);
         i++) {
        const int64_t at = find_difference(&first.tensor, &second.tensor);
        if (at >= 0) {
            return trial_say(trial, VERDICT_FAIL,
                             "%s[%lld] is %.6g after updates %lld to %lld with step, and %.6g with catch_up%s%s",
                             first.name, (long long)at, tensor_get(&first.tensor, at), (long long)first_update,
                             (long long)last_update, tensor_get(&second.tensor, at), options == NULL ? "" : ", with ",
                             options == NULL ? "" : options);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_spans(const struct trial *trial, int32_t dtype, const char *options) {
    for (int32_t span = 0; span < (int32_t)(sizeof spans / sizeof spans[0]); span++) {
        if (compare_span(trial, dtype, options, span) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

enum verdict optimizer_catch_up(struct trial *trial) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor;
    if (optimizer->catch_up == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "catch_up is NULL");
    }
    if ((optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) == 0 || optimizer->stage != RONDO_STAGE_VALUE) {
        return trial_say(trial, VERDICT_FAIL,
                         "catch_up is never called: it needs RONDO_STAGE_VALUE and RONDO_OPTIMIZER_ELEMENTWISE");
    }
    return try_all_options(trial, check_spans);
}
