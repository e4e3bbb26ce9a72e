/* kit/check_optimizer_rows.c: an optimizer that skips zeros leaves elements without a gradient alone. */
#include <string.h>

#include "core/tensor.h"
#include "kit/check_optimizer.h"
#include "kit/optimizer_fixture.h"
#include "kit/option_settings.h"

static const int64_t rows_shape[] = {6, 10};

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

/* One setting of the options; NULL: the defaults. */
static enum verdict try_options(const struct trial *trial, const char *options) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor;
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        struct trial one = *trial;
        one.may_refuse = options != NULL;
        struct optimizer_fixture *fixture =
            options == NULL ? optimizer_fixture_create(&one, tensor_of(dtype, 2, rows_shape), 0)
                            : optimizer_fixture_create_with(&one, options, tensor_of(dtype, 2, rows_shape), 0);
        if (fixture == NULL) {
            return VERDICT_FAIL;
        }
        if (!fixture->subject.is_idle && optimizer->skips_zeros(fixture->subject.options) &&
            leave_zeros_alone(trial, fixture, options) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

enum verdict optimizer_skips_zeros(struct trial *trial) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)trial->descriptor;
    const rondo_option *table = trial->descriptor->options;
    struct option_setting setting;
    if (optimizer->skips_zeros == NULL) {
        return trial_say(trial, VERDICT_SKIPPED, "skips_zeros is NULL: all elements are updated");
    }
    if ((optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) == 0) {
        return trial_say(trial, VERDICT_FAIL,
                         "skips_zeros is set without RONDO_OPTIMIZER_ELEMENTWISE, so it is never called");
    }
    if (try_options(trial, NULL) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    for (int32_t i = 0; option_end(table, i, &setting); i++) {
        if (!option_may_diverge(&setting) && try_options(trial, setting.text) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    for (int32_t i = 0; option_moderate(table, trial->kit->seed, i, &setting); i++) {
        if (try_options(trial, setting.text) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}
