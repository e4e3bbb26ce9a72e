/* kit/check_optimizer_descent.c: what the updates are good for: values stay finite, options work to their ends, the
 * learning rate scales, and functions of known shape go down. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "core/number.h"
#include "core/options.h"
#include "kit/check_optimizer.h"
#include "kit/optimised.h"
#include "kit/option_ends.h"

static const rondo_optimizer *optimizer_of(const rondo_descriptor *descriptor) {
    return (const rondo_optimizer *)descriptor;
}

static const int64_t vector[] = {12};
static const int64_t matrix[] = {4, 6};

/* ---- finite ---- */

/* Gradients are normal numbers times `scale`. Those of the last row square to more than f32 holds: values may be
 * anything then, but the update must come back. */
static const struct {
    double scale;
    int must_be_finite;
} gradients[] = {{1, 1}, {1e-3, 1}, {1e3, 1}, {1e-30, 1}, {0, 1}, {1e30, 0}};

static enum verdict stay_finite(struct kit *kit, const rondo_optimizer *optimizer, rondo_tensor shape, int i,
                                char *reason, size_t size) {
    struct optimised *optimised = optimised_create(kit, optimizer, NULL, shape, i, reason, size);
    if (optimised == NULL) {
        return VERDICT_FAIL;
    }
    const rondo_status status = optimised_run(optimised, 100, gradients[i].scale);
    if (status != RONDO_OK && (gradients[i].must_be_finite || status != RONDO_NOT_FINITE)) {
        return optimised_failed(optimised, reason, size);
    }
    if (gradients[i].must_be_finite && !tensor_is_finite(&optimised->value)) {
        return kit_say(reason, size, VERDICT_FAIL,
                       "a parameter %s, %s, is not finite after 100 updates with gradients of about %g",
                       tensor_shape_text(&shape).text, dtype_name(shape.dtype), gradients[i].scale);
    }
    return VERDICT_PASS;
}

enum verdict optimizer_finite(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (int i = 0; i < (int)(sizeof gradients / sizeof gradients[0]); i++) {
        for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
            const rondo_optimizer *optimizer = optimizer_of(descriptor);
            if (stay_finite(kit, optimizer, tensor_of(dtype, 1, vector), i, reason, size) != VERDICT_PASS ||
                stay_finite(kit, optimizer, tensor_of(dtype, 2, matrix), i, reason, size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

/* ---- options_ends ---- */

/* 1 where the optimizer refuses the options as a whole, which is its right. */
static int refuses(struct kit *kit, const rondo_optimizer *optimizer, const char *text) {
    const void *options = kit_options(kit, &optimizer->base, text);
    if (options == NULL || optimizer->check == NULL) {
        return 0;
    }
    struct errors errors = {0};
    struct host_call host = host_call(kit->arena, &errors, NULL, optimizer->base.name);
    const rondo_status status = host_result(&host, optimizer->check(&host.base, options));
    errors_free(&errors);
    return status == RONDO_INVALID;
}

static enum verdict work_at(struct kit *kit, const rondo_optimizer *optimizer, const struct option_end *end,
                            rondo_tensor shape, char *reason, size_t size) {
    struct optimised *optimised = optimised_create(kit, optimizer, end->text, shape, 0, reason, size);
    if (optimised == NULL) {
        return VERDICT_FAIL;
    }
    const rondo_status status = optimised_run(optimised, 20, 1);
    if (status != RONDO_OK && !(status == RONDO_NOT_FINITE && option_end_may_diverge(end))) {
        return kit_say(reason, size, VERDICT_FAIL, "with %s update %lld of a parameter %s failed: %s", end->text,
                       (long long)optimised->step, tensor_shape_text(&shape).text, errors_text(&optimised->errors, 0));
    }
    if (!tensor_is_finite(&optimised->value) && !option_end_may_diverge(end)) {
        return kit_say(reason, size, VERDICT_WARNING,
                       "with %s a parameter %s is not finite after 20 updates: a narrower range would say so before",
                       end->text, tensor_shape_text(&shape).text);
    }
    return VERDICT_PASS;
}

enum verdict optimizer_options_ends(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_optimizer *optimizer = optimizer_of(descriptor);
    struct option_end end;
    for (int32_t i = 0; option_end(descriptor->options, i, &end); i++) {
        if (refuses(kit, optimizer, end.text)) {
            continue;
        }
        enum verdict verdict = work_at(kit, optimizer, &end, tensor_of(RONDO_F32, 1, vector), reason, size);
        if (verdict == VERDICT_PASS) {
            verdict = work_at(kit, optimizer, &end, tensor_of(RONDO_F32, 2, matrix), reason, size);
        }
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return VERDICT_PASS;
}

/* ---- lr_scale ---- */

/* The option `lr`, a number; NULL where there is none. */
static const rondo_option *learning_rate(const rondo_optimizer *optimizer) {
    const rondo_option *option = option_find(optimizer->base.options, "lr");
    return option != NULL && option->type == RONDO_REAL ? option : NULL;
}

/* Five updates of a matrix in f64. */
static struct optimised *five_updates(struct kit *kit, const rondo_optimizer *optimizer, const char *options,
                                      double lr_scale, char *reason, size_t size) {
    struct optimised *optimised =
        optimised_create(kit, optimizer, options, tensor_of(RONDO_F64, 2, matrix), 0, reason, size);
    if (optimised == NULL) {
        return NULL;
    }
    optimised->lr_scale = lr_scale;
    if (optimised_run(optimised, 5, 1) != RONDO_OK) {
        optimised_failed(optimised, reason, size);
        return NULL;
    }
    return optimised;
}

/* The largest relative difference of the values of two parameters. */
static double distance(const struct optimised *a, const struct optimised *b) {
    double worst = 0;
    for (int64_t i = 0; i < rondo_count(&a->value); i++) {
        const double x = tensor_get(&a->value, i), y = tensor_get(&b->value, i);
        const double own = fabs(x - y) / fmax(1e-3, fmax(fabs(x), fabs(y)));
        worst = own <= worst ? worst : own; /* not-a-number counts as worst */
    }
    return worst;
}

/* With the factor 0, and without weight decay, the value stays; a factor that makes no difference at all is not read.
 */
static enum verdict stands_still(struct kit *kit, const rondo_optimizer *optimizer, char *reason, size_t size) {
    const char *options = option_find(optimizer->base.options, "weight_decay") != NULL ? "weight_decay=0" : NULL;
    if (options != NULL && refuses(kit, optimizer, options)) {
        options = NULL;
    }
    const struct optimised *before =
        optimised_create(kit, optimizer, options, tensor_of(RONDO_F64, 2, matrix), 0, reason, size);
    const struct optimised *after = five_updates(kit, optimizer, options, 0, reason, size);
    const struct optimised *whole = five_updates(kit, optimizer, options, 1, reason, size);
    if (before == NULL || after == NULL || whole == NULL) {
        return VERDICT_FAIL;
    }
    const double moved = distance(before, after);
    if (moved <= 1e-12) {
        return VERDICT_PASS;
    }
    return distance(after, whole) == 0
               ? kit_say(reason, size, VERDICT_FAIL,
                         "lr_scale 0 and 1 give the same value: no schedule reaches it, expected lr * call->lr_scale")
               : kit_say(reason, size, VERDICT_WARNING,
                         "with lr_scale 0 the value moves, relatively by %.2g: the schedule cannot stop it", moved);
}

/* A weight decay that shows, for what is decoupled from the gradient: " weight_decay=0.1"; "" where there is none. */
static const char *decay_text(struct kit *kit, const rondo_optimizer *optimizer) {
    const rondo_option *option = option_find(optimizer->base.options, "weight_decay");
    if (option == NULL || option->type != RONDO_REAL || !(option->max > 0)) {
        return "";
    }
    const char *text = arena_printf(kit->arena, " weight_decay=%.6g", fmax(option->min, fmin(0.1, option->max)));
    return text == NULL || refuses(kit, optimizer, text + 1) ? "" : text;
}

static enum verdict halves(struct kit *kit, const rondo_optimizer *optimizer, char *reason, size_t size) {
    const double rate = 0.02;
    const char *decay = decay_text(kit, optimizer);
    char whole[128], half[128];
    number_print(whole, sizeof whole, "lr=%.17g%s", rate, decay);
    number_print(half, sizeof half, "lr=%.17g%s", rate / 2, decay);
    const struct optimised *by_factor = five_updates(kit, optimizer, whole, 0.5, reason, size);
    const struct optimised *by_option = five_updates(kit, optimizer, half, 1, reason, size);
    if (by_factor == NULL || by_option == NULL) {
        return VERDICT_FAIL;
    }
    return distance(by_factor, by_option) <= 1e-6
               ? VERDICT_PASS
               : kit_say(reason, size, VERDICT_WARNING,
                         "lr_scale 0.5 and half of lr differ, relatively by %.2g, after five updates%s%s",
                         distance(by_factor, by_option), decay[0] == '\0' ? "" : " with", decay);
}

enum verdict optimizer_lr_scale(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_optimizer *optimizer = optimizer_of(descriptor);
    if (optimizer->stage != RONDO_STAGE_UPDATE) {
        return kit_say(reason, size, VERDICT_SKIPPED, "the learning rate is that of the optimizer that it goes with");
    }
    const enum verdict verdict = stands_still(kit, optimizer, reason, size);
    const rondo_option *lr = learning_rate(optimizer);
    if (verdict != VERDICT_PASS || lr == NULL || lr->min > 0.01 || lr->max < 0.02) {
        return verdict;
    }
    return halves(kit, optimizer, reason, size);
}
