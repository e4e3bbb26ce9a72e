/* kit/check_optimizer_rate.c: values stay finite, and the schedule's factor scales the learning rate. */
#include <math.h>
#include <stdio.h>

#include "core/number.h"
#include "core/options.h"
#include "kit/check_optimizer.h"
#include "kit/optimizer_fixture.h"

static const rondo_optimizer *optimizer_of(const struct trial *trial) {
    return (const rondo_optimizer *)trial->descriptor; /* base is the first member */
}

static const int64_t vector[] = {12};
static const int64_t matrix[] = {4, 6};

/* ---- finite ---- */

/* Gradients are normal numbers times `scale`. The squares of those of the last row overflow in f32. Any values are
 * allowed then, but the update must return. */
static const struct {
    double scale;
    int must_be_finite;
} gradients[] = {{1, 1}, {1e-3, 1}, {1e3, 1}, {1e-30, 1}, {0, 1}, {1e30, 0}};

static enum verdict stay_finite(const struct trial *trial, rondo_tensor shape, int i) {
    struct optimizer_fixture *fixture = optimizer_fixture_create(trial, shape, i);
    if (fixture == NULL) {
        return VERDICT_FAIL;
    }
    const rondo_status status = optimizer_fixture_run(fixture, 100, gradients[i].scale);
    if (status != RONDO_OK && (gradients[i].must_be_finite || status != RONDO_NOT_FINITE)) {
        return optimizer_fixture_failed(trial, fixture);
    }
    if (gradients[i].must_be_finite && !tensor_is_finite(&fixture->value)) {
        return trial_say(trial, VERDICT_FAIL,
                         "a parameter %s, %s, is not finite after 100 updates with gradients of about %g",
                         tensor_shape_text(&shape).text, dtype_name(shape.dtype), gradients[i].scale);
    }
    return VERDICT_PASS;
}

enum verdict optimizer_finite(struct trial *trial) {
    for (int i = 0; i < (int)(sizeof gradients / sizeof gradients[0]); i++) {
        for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
            if (stay_finite(trial, tensor_of(dtype, 1, vector), i) != VERDICT_PASS ||
                stay_finite(trial, tensor_of(dtype, 2, matrix), i) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

/* ---- lr_scale ---- */

/* 1 if the optimizer's function `check` refuses the combination of options, which is allowed. */
static int refuses(const struct trial *trial, const char *options) {
    struct trial one = *trial;
    one.may_refuse = 1;
    const struct optimizer_fixture *fixture =
        optimizer_fixture_create_with(&one, options, tensor_of(RONDO_F64, 2, matrix), 0);
    return fixture != NULL && fixture->subject.is_idle;
}

/* The option `lr`, a number; NULL if there is none. */
static const rondo_option *learning_rate(const struct trial *trial) {
    const rondo_option *option = option_find(trial->descriptor->options, "lr");
    return option != NULL && option->type == RONDO_REAL ? option : NULL;
}

/* Five updates of a matrix in f64. */
static struct optimizer_fixture *five_updates(const struct trial *trial, const char *options, double lr_scale) {
    struct optimizer_fixture *fixture =
        optimizer_fixture_create_with(trial, options, tensor_of(RONDO_F64, 2, matrix), 0);
    if (fixture == NULL) {
        return NULL;
    }
    fixture->lr_scale = lr_scale;
    if (optimizer_fixture_run(fixture, 5, 1) != RONDO_OK) {
        optimizer_fixture_failed(trial, fixture);
        return NULL;
    }
    return fixture;
}

/* The largest relative difference of the values of two parameters. */
static double distance(const struct optimizer_fixture *a, const struct optimizer_fixture *b) {
    double worst = 0;
    for (int64_t i = 0; i < rondo_count(&a->value); i++) {
        const double x = tensor_get(&a->value, i), y = tensor_get(&b->value, i);
        const double own = fabs(x - y) / fmax(1e-3, fmax(fabs(x), fabs(y)));
        worst = own <= worst ? worst : own; /* also if `own` is not-a-number */
    }
    return worst;
}

/* With the factor 0, and without weight decay, the value does not change. If the factor makes no difference at all, the
 * optimizer does not read it. */
static enum verdict stops_at_zero(const struct trial *trial) {
    const char *options = option_find(trial->descriptor->options, "weight_decay") != NULL ? "weight_decay=0" : NULL;
    if (options != NULL && refuses(trial, options)) {
        options = NULL;
    }
    const struct optimizer_fixture *before =
        optimizer_fixture_create_with(trial, options, tensor_of(RONDO_F64, 2, matrix), 0);
    const struct optimizer_fixture *after = five_updates(trial, options, 0);
    const struct optimizer_fixture *whole = five_updates(trial, options, 1);
    if (before == NULL || after == NULL || whole == NULL) {
        return VERDICT_FAIL;
    }
    const double moved = distance(before, after);
    if (moved <= 1e-12) {
        return VERDICT_PASS;
    }
    return distance(after, whole) == 0
               ? trial_say(
                     trial, VERDICT_FAIL,
                     "lr_scale 0 and 1 give the same value: schedules have no effect, expected lr * call->lr_scale")
               : trial_say(trial, VERDICT_WARNING,
                           "with lr_scale 0 the value changes by a relative %.2g, expected no change", moved);
}

/* A setting of the weight decay that has a visible effect even if it is decoupled from the gradient: "
 * weight_decay=0.1"; "" if there is no such option. */
static const char *decay_text(const struct trial *trial) {
    const rondo_option *option = option_find(trial->descriptor->options, "weight_decay");
    if (option == NULL || option->type != RONDO_REAL || !(option->max > 0)) {
        return "";
    }
    const char *text = arena_printf(trial->kit->arena, " weight_decay=%.6g", fmax(option->min, fmin(0.1, option->max)));
    return text == NULL || refuses(trial, text + 1) ? "" : text;
}

static enum verdict halves(const struct trial *trial) {
    const double rate = 0.02;
    const char *decay = decay_text(trial);
    char whole[128], half[128];
    number_print(whole, sizeof whole, "lr=%.17g%s", rate, decay);
    number_print(half, sizeof half, "lr=%.17g%s", rate / 2, decay);
    const struct optimizer_fixture *by_factor = five_updates(trial, whole, 0.5);
    const struct optimizer_fixture *by_option = five_updates(trial, half, 1);
    if (by_factor == NULL || by_option == NULL) {
        return VERDICT_FAIL;
    }
    return distance(by_factor, by_option) <= 1e-6
               ? VERDICT_PASS
               : trial_say(trial, VERDICT_WARNING,
                           "lr_scale 0.5 and half of lr differ by a relative %.2g after five updates%s%s",
                           distance(by_factor, by_option), decay[0] == '\0' ? "" : " with", decay);
}

enum verdict optimizer_lr_scale(struct trial *trial) {
    const rondo_optimizer *optimizer = optimizer_of(trial);
    if (optimizer->stage != RONDO_STAGE_UPDATE) {
        return trial_say(trial, VERDICT_SKIPPED,
                         "the learning rate belongs to the optimizer that the wrapper is combined with");
    }
    const enum verdict verdict = stops_at_zero(trial);
    const rondo_option *lr = learning_rate(trial);
    if (verdict != VERDICT_PASS || lr == NULL || lr->min > 0.01 || lr->max < 0.02) {
        return verdict;
    }
    return halves(trial);
}
