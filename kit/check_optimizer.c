/* kit/check_optimizer.c: the checks of optimizers, and those of what an optimizer declares and answers. */
#include "kit/check_optimizer.h"

#include <math.h>

#include "kit/optimised.h"

static const rondo_optimizer *optimizer_of(const rondo_descriptor *descriptor) {
    return (const rondo_optimizer *)descriptor; /* base is the first member */
}

/* Shapes of parameters: a scalar, vectors, matrices both ways, three dimensions. */
static const struct {
    int32_t ndim;
    int64_t shape[3];
} shapes[] = {{0, {0}}, {1, {7}}, {2, {3, 5}}, {2, {5, 3}}, {3, {2, 3, 4}}, {1, {0}}, {2, {0, 4}}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], FILLED_SHAPES = SHAPES - 2 };

/* ---- slots ---- */

/* What a slot may be in itself, the registry looks at. */
static enum verdict check_chosen(const rondo_optimizer *optimizer, const struct optimised *optimised, int32_t s,
                                 char *reason, size_t size) {
    const rondo_slot *slot = &optimizer->slots[s];
    const rondo_tensor *chosen = &optimised->slots[s];
    const int is_empty = rondo_count(chosen) == 0;
    const struct shape_text found = tensor_shape_text(chosen);
    const struct shape_text parameter = tensor_shape_text(&optimised->value);
    if (chosen->dtype != optimised->value.dtype) {
        return kit_say(reason, size, VERDICT_FAIL, "choose_slot makes slot '%s' %s, expected the parameter's %s",
                       slot->name, dtype_name(chosen->dtype), dtype_name(optimised->value.dtype));
    }
    const int must_be_like = (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0 || slot->role != RONDO_SLOT_STATE;
    if (must_be_like && !is_empty && !tensor_same_shape(chosen, &optimised->value)) {
        return kit_say(reason, size, VERDICT_FAIL, "slot '%s' of a parameter %s is %s, expected [0] or %s", slot->name,
                       parameter.text, found.text, parameter.text);
    }
    return VERDICT_PASS;
}

static enum verdict check_slots(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_optimizer *optimizer = optimizer_of(descriptor);
    for (int32_t i = 0; i < SHAPES; i++) {
        const rondo_tensor shape = tensor_of(RONDO_F32, shapes[i].ndim, shapes[i].shape);
        const struct optimised *optimised = optimised_create(kit, optimizer, NULL, shape, i, reason, size);
        const struct optimised *again = optimised_create(kit, optimizer, NULL, shape, i, reason, size);
        if (optimised == NULL || again == NULL) {
            return VERDICT_FAIL;
        }
        for (int32_t s = 0; s < optimised->n_slots; s++) {
            if (check_chosen(optimizer, optimised, s, reason, size) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
            if (!tensor_same_shape(&optimised->slots[s], &again->slots[s])) {
                return kit_say(reason, size, VERDICT_FAIL, "slot '%s' of a parameter %s is %s, and %s when asked again",
                               optimizer->slots[s].name, tensor_shape_text(&shape).text,
                               tensor_shape_text(&optimised->slots[s]).text, tensor_shape_text(&again->slots[s]).text);
            }
        }
    }
    return VERDICT_PASS;
}

/* ---- status ---- */

/* What updates answered, whether they worked or not. */
static enum verdict judge_answers(const struct optimised *optimised, char *reason, size_t size) {
    if (optimised->unknown_status != 0) {
        return kit_say(reason, size, VERDICT_FAIL, "step returned %d, expected one of rondo_status_code",
                       (int)optimised->unknown_status);
    }
    if (optimised->quiet) {
        return kit_say(reason, size, VERDICT_FAIL,
                       "step failed and did not say why, expected  return ctx->host->fail(ctx, code, \"why\")");
    }
    if (optimised->ignored) {
        return kit_say(reason, size, VERDICT_FAIL, "step returned RONDO_OK after it had called fail: %s",
                       errors_text(&optimised->errors, 0));
    }
    return VERDICT_PASS;
}

static enum verdict check_status(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        const rondo_tensor shape = tensor_of(dtype, 2, (const int64_t[]){4, 6});
        struct optimised *optimised = optimised_create(kit, optimizer_of(descriptor), NULL, shape, 0, reason, size);
        if (optimised == NULL) {
            return VERDICT_FAIL;
        }
        optimised_run(optimised, 3, 1);
        if (judge_answers(optimised, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* ---- dtypes ---- */

/* Three updates of the same parameter in f32 and f64 end in the same numbers, but for rounding. */
static enum verdict compare_precisions(struct kit *kit, const rondo_optimizer *optimizer, int32_t i, char *reason,
                                       size_t size) {
    struct optimised *both[2];
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        const rondo_tensor shape = tensor_of(dtype, shapes[i].ndim, shapes[i].shape);
        both[dtype] = optimised_create(kit, optimizer, NULL, shape, i, reason, size);
        if (both[dtype] == NULL) {
            return VERDICT_FAIL;
        }
        if (optimised_run(both[dtype], 3, 1) != RONDO_OK) {
            return optimised_failed(both[dtype], reason, size);
        }
    }
    for (int64_t k = 0; k < rondo_count(&both[0]->value); k++) {
        const double single = tensor_get(&both[RONDO_F32]->value, k), twice = tensor_get(&both[RONDO_F64]->value, k);
        if (!(fabs(single - twice) <= 1e-3 * (1 + fabs(twice)))) {
            return kit_say(reason, size, VERDICT_FAIL,
                           "element %lld of a parameter %s is %.9g in f32 and %.9g in f64 after three updates",
                           (long long)k, tensor_shape_text(&both[0]->value).text, single, twice);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_dtypes(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_optimizer *optimizer = optimizer_of(descriptor);
    for (int32_t i = 0; i < FILLED_SHAPES; i++) {
        if (compare_precisions(kit, optimizer, i, reason, size) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* ---- integers ---- */

static enum verdict check_integers(struct kit *kit, const rondo_descriptor *descriptor, char *reason, size_t size) {
    const rondo_tensor shape = tensor_of(RONDO_I32, 1, (const int64_t[]){16});
    struct optimised *integers = optimised_create(kit, optimizer_of(descriptor), NULL, shape, 0, reason, size);
    if (integers == NULL) {
        reason[0] = '\0';
        return VERDICT_PASS; /* refused already, by choose_slot */
    }
    rondo_status status = RONDO_OK;
    for (int step = 0; step < 12 && status == RONDO_OK; step++) { /* some have nothing to do at most updates */
        status = optimised_step(integers);
    }
    if (status == RONDO_OK) {
        return kit_say(reason, size, VERDICT_FAIL,
                       "took a parameter of integers (i32), expected  fail(ctx, RONDO_INTERNAL, …)");
    }
    return judge_answers(integers, reason, size);
}

const struct kit_check kit_optimizer_checks[] = {
    {"slots", "the shapes that are chosen for slots fit the parameter, and are the same again", check_slots},
    {"status", "every update returns a known status, and says why where it fails", check_status},
    {"stays_inside", "an update writes its value and slots alone, and only reads the rest", optimizer_stays_inside},
    {"zero_size", "parameters without elements, and with one, are updated", optimizer_zero_size},
    {"dtypes", "f32 and f64 give the same numbers but for rounding", check_dtypes},
    {"integers", "a parameter of integers is refused", check_integers},
    {"finite", "finite gradients of any usual size leave finite values", optimizer_finite},
    {"deterministic", "the same updates give the same bits again", optimizer_deterministic},
    {"slices", "slices, or several threads, give the bits of the whole parameter on one thread", optimizer_slices},
    {"threads", "parameters that are updated at the same time do not disturb each other", optimizer_threads},
    {"resume", "a run that goes on from saved slots ends in the bits of one that was never cut", optimizer_resume},
    {"no_memory", "an allocation that the host refuses ends in RONDO_NO_MEMORY", optimizer_no_memory},
    {"leaks", "updates leave nothing behind on the heap", optimizer_leaks},
    {"options_ends", "every option works at both ends of its range", optimizer_options_ends},
    {"lr_scale", "the schedule's factor works like a smaller learning rate", optimizer_lr_scale},
    {"descends", "quadratics and Rosenbrock's function go down, at some learning rate", optimizer_descends},
    {"first_call", "nothing is kept of the options of the first call", optimizer_first_call},
    {NULL, NULL, NULL},
};
