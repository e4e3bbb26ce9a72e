/* kit/check_optimizer_memory.c: whose memory an update touches, and what it asks the host for. */
#include <string.h>

#include "kit/check_optimizer.h"
#include "kit/heap.h"
#include "kit/kept.h"
#include "kit/optimised.h"

/* ---- stays_inside ---- */

/* 7 numbers leave a gap of canaries behind them; 64 end at the page that nobody may touch, in either dtype. */
static const struct {
    int32_t ndim;
    int64_t shape[2];
} sizes[] = {{1, {7}}, {2, {3, 5}}, {1, {64}}, {2, {8, 8}}};

static enum verdict step_and_compare(struct optimised *optimised, const struct kept *kept, char *reason, size_t size) {
    if (optimised_step(optimised) != RONDO_OK) {
        return optimised_failed(optimised, reason, size);
    }
    const char *changed = kept_changed(kept);
    return changed == NULL ? VERDICT_PASS
                           : kit_say(reason, size, VERDICT_FAIL, "update %lld wrote %s, which is read only",
                                     (long long)optimised->step, changed);
}

/* One update, and whether it changed what is read only. */
static enum verdict compare_kept(struct kit *kit, struct optimised *optimised, char *reason, size_t size) {
    struct kept kept = {0};
    kept_add(&kept, "the sampled gradient", optimised->sampled.data, tensor_bytes(&optimised->sampled), kit->arena);
    kept_add(&kept, "the options", optimised->options, optimised->optimizer->base.options_size, kit->arena);
    if (optimised->optimizer->stage != RONDO_STAGE_GRADIENT) {
        kept_add(&kept, "the gradient", optimised->gradient.data, tensor_bytes(&optimised->gradient), kit->arena);
    }
    return step_and_compare(optimised, &kept, reason, size);
}

/* A wrapper in front of plain descent, which stands still here, must leave the value. */
static enum verdict compare_value(struct kit *kit, struct optimised *optimised, char *reason, size_t size) {
    struct kept kept = {0};
    optimised->plain_rate = 0;
    optimised_draw(optimised, 1);
    kept_add(&kept, "the value", optimised->value.data, tensor_bytes(&optimised->value), kit->arena);
    return step_and_compare(optimised, &kept, reason, size);
}

static enum verdict stay_inside(struct kit *kit, struct optimised *optimised, char *reason, size_t size) {
    for (int k = 0; k < 3; k++) {
        optimised_draw(optimised, 1);
        if (compare_kept(kit, optimised, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
        const char *overrun = guard_overrun(optimised->guard);
        if (overrun != NULL) {
            return kit_say(reason, size, VERDICT_FAIL, "update %lld of a parameter %s, %s, wrote beside %s%s%s",
                           (long long)optimised->step, tensor_shape_text(&optimised->value).text,
                           dtype_name(optimised->value.dtype), strncmp(overrun, "the ", 4) == 0 ? "" : "slot '",
                           overrun, strncmp(overrun, "the ", 4) == 0 ? "" : "'");
        }
    }
    if (optimised->optimizer->stage == RONDO_STAGE_GRADIENT &&
        compare_value(kit, optimised, reason, size) != VERDICT_PASS) {
        return VERDICT_FAIL;
    }
    /* What is read only, and was not changed, must not be written with the bits that it has either. */
    guard_protect(optimised->guard, optimised->sampled.data);
    if (optimised->options != NULL) {
        guard_protect(optimised->guard, optimised->options);
    }
    if (optimised->optimizer->stage != RONDO_STAGE_GRADIENT) {
        guard_protect(optimised->guard, optimised->gradient.data);
    }
    return optimised_step(optimised) == RONDO_OK ? VERDICT_PASS : optimised_failed(optimised, reason, size);
}

enum verdict optimizer_stays_inside(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)descriptor;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
            const rondo_tensor shape = tensor_of(dtype, sizes[i].ndim, sizes[i].shape);
            struct optimised *optimised = optimised_create(kit, optimizer, NULL, shape, (int32_t)i, reason, size);
            if (optimised == NULL || stay_inside(kit, optimised, reason, size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
        }
    }
    return VERDICT_PASS;
}

/* ---- zero_size ---- */

static const struct {
    int32_t ndim;
    int64_t shape[3];
} small[] = {{1, {0}}, {2, {0, 4}}, {2, {3, 0}}, {3, {2, 0, 3}}, {0, {0}},
             {1, {1}}, {2, {1, 1}}, {2, {1, 5}}, {2, {5, 1}}};

enum verdict optimizer_zero_size(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const rondo_tensor shape = tensor_of(RONDO_F32, small[i].ndim, small[i].shape);
        struct optimised *optimised =
            optimised_create(kit, (const rondo_optimizer *)descriptor, NULL, shape, (int32_t)i, reason, size);
        if (optimised == NULL) {
            return VERDICT_FAIL;
        }
        if (optimised_run(optimised, 3, 1) != RONDO_OK) {
            return optimised_failed(optimised, reason, size);
        }
        if (guard_overrun(optimised->guard) != NULL) {
            return kit_say(reason, size, VERDICT_FAIL, "an update of a parameter %s wrote beside '%s'",
                           tensor_shape_text(&shape).text, guard_overrun(optimised->guard));
        }
        if (!tensor_is_finite(&optimised->value)) {
            return kit_say(reason, size, VERDICT_FAIL, "a parameter %s is not finite after three updates",
                           tensor_shape_text(&shape).text);
        }
    }
    return VERDICT_PASS;
}

/* ---- no_memory ---- */

enum { UPDATES = 12, MOST_ALLOCATIONS = 2000 };

enum verdict optimizer_no_memory(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_tensor shape = tensor_of(RONDO_F32, 2, (const int64_t[]){6, 8});
    for (int64_t served = 0; served < MOST_ALLOCATIONS; served++) {
        struct optimised *optimised =
            optimised_create(kit, (const rondo_optimizer *)descriptor, NULL, shape, 0, reason, size);
        if (optimised == NULL) {
            return VERDICT_FAIL;
        }
        int64_t left = served;
        optimised->allocations_left = &left;
        const rondo_status status = optimised_run(optimised, UPDATES, 1);
        if (guard_overrun(optimised->guard) != NULL) {
            return kit_say(reason, size, VERDICT_FAIL, "when memory was short, an update wrote beside '%s'",
                           guard_overrun(optimised->guard));
        }
        if (status == RONDO_OK) {
            return served == 0 ? VERDICT_PASS
                               : kit_say(reason, size, VERDICT_PASS, "%lld allocations in %d updates",
                                         (long long)served, UPDATES);
        }
        if (status != RONDO_NO_MEMORY) {
            return kit_say(reason, size, VERDICT_FAIL,
                           "after %lld allocations there was no memory, and the update ended in '%s', expected '%s'",
                           (long long)served, status_text(status), status_text(RONDO_NO_MEMORY));
        }
    }
    return kit_say(reason, size, VERDICT_WARNING, "takes more than %d allocations for %d updates", MOST_ALLOCATIONS,
                   UPDATES);
}

/* ---- leaks ---- */

static void one_update(void *arg) {
    optimised_run(arg, 1, 1);
}

enum verdict optimizer_leaks(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_tensor shape = tensor_of(RONDO_F32, 2, (const int64_t[]){6, 8});
    struct optimised *optimised =
        optimised_create(kit, (const rondo_optimizer *)descriptor, NULL, shape, 0, reason, size);
    if (optimised == NULL) {
        return VERDICT_FAIL;
    }
    if (optimised_run(optimised, 1, 1) != RONDO_OK) {
        return optimised_failed(optimised, reason, size);
    }
    const double leak = heap_leak(one_update, optimised, 200);
    if (leak < 0) {
        return kit_say(reason, size, VERDICT_SKIPPED, HEAP_IS_UNKNOWN);
    }
    return leak < 1 ? VERDICT_PASS
                    : kit_say(reason, size, VERDICT_FAIL,
                              "each update leaves %.0f bytes behind on the heap, expected none (take memory from "
                              "host->alloc)",
                              leak);
}
