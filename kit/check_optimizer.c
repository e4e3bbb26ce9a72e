/* kit/check_optimizer.c: the table of the checks of optimizers; slots, sizes and types of parameters. */
#include "kit/check_optimizer.h"

#include <math.h>

#include "kit/optimizer_fixture.h"
#include "kit/shared.h"

static const rondo_optimizer *optimizer_of(const struct trial *trial) {
    return (const rondo_optimizer *)trial->descriptor; /* base is the first member */
}

/* Shapes of parameters: a scalar, vectors, matrices both ways, three dimensions. */
static const struct {
    int32_t ndim;
    int64_t shape[3];
} shapes[] = {{0, {0}}, {1, {7}}, {2, {3, 5}}, {2, {5, 3}}, {3, {2, 3, 4}}, {1, {0}}, {2, {0, 4}}};
enum { SHAPES = sizeof shapes / sizeof shapes[0], FILLED_SHAPES = SHAPES - 2 };

/* ---- slots ---- */

/* The registry has already checked the declaration of the slots. This checks the shapes that choose_slot sets. */
static enum verdict check_chosen(const struct trial *trial, const struct optimizer_fixture *fixture, int32_t s) {
    const rondo_optimizer *optimizer = fixture->optimizer;
    const rondo_slot *slot = &optimizer->slots[s];
    const rondo_tensor *chosen = &fixture->slots[s];
    const int is_empty = rondo_count(chosen) == 0;
    const struct shape_text found = tensor_shape_text(chosen);
    const struct shape_text parameter = tensor_shape_text(&fixture->value);
    if (chosen->dtype != fixture->value.dtype) {
        return trial_say(trial, VERDICT_FAIL, "choose_slot makes slot '%s' %s, expected the parameter's %s", slot->name,
                         dtype_name(chosen->dtype), dtype_name(fixture->value.dtype));
    }
    const int must_be_like = (optimizer->flags & RONDO_OPTIMIZER_ELEMENTWISE) != 0 || slot->role != RONDO_SLOT_STATE;
    if (must_be_like && !is_empty && !tensor_same_shape(chosen, &fixture->value)) {
        return trial_say(trial, VERDICT_FAIL, "slot '%s' of a parameter %s is %s, expected [0] or %s", slot->name,
                         parameter.text, found.text, parameter.text);
    }
    return VERDICT_PASS;
}

static enum verdict check_slots(struct trial *trial) {
    const rondo_optimizer *optimizer = optimizer_of(trial);
    for (int32_t i = 0; i < SHAPES; i++) {
        const rondo_tensor shape = tensor_of(RONDO_F32, shapes[i].ndim, shapes[i].shape);
        const struct optimizer_fixture *fixture = optimizer_fixture_create(trial, shape, i);
        const struct optimizer_fixture *again = optimizer_fixture_create(trial, shape, i);
        if (fixture == NULL || again == NULL) {
            return VERDICT_FAIL;
        }
        for (int32_t s = 0; s < fixture->n_slots; s++) {
            if (check_chosen(trial, fixture, s) != VERDICT_PASS) {
                return VERDICT_FAIL;
            }
            if (!tensor_same_shape(&fixture->slots[s], &again->slots[s])) {
                return trial_say(trial, VERDICT_FAIL,
                                 "slot '%s' of a parameter %s is %s, and %s when choose_slot is called again",
                                 optimizer->slots[s].name, tensor_shape_text(&shape).text,
                                 tensor_shape_text(&fixture->slots[s]).text, tensor_shape_text(&again->slots[s]).text);
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

static enum verdict check_zero_size(struct trial *trial) {
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        const rondo_tensor shape = tensor_of(RONDO_F32, small[i].ndim, small[i].shape);
        struct optimizer_fixture *fixture = optimizer_fixture_create(trial, shape, (int32_t)i);
        if (fixture == NULL) {
            return VERDICT_FAIL;
        }
        if (optimizer_fixture_run(fixture, 3, 1) != RONDO_OK) {
            return optimizer_fixture_failed(trial, fixture);
        }
        if (guard_overrun(fixture->subject.guard) != NULL) {
            return trial_say(trial, VERDICT_FAIL, "an update of a parameter %s wrote outside '%s'",
                             tensor_shape_text(&shape).text, guard_overrun(fixture->subject.guard));
        }
        if (!tensor_is_finite(&fixture->value)) {
            return trial_say(trial, VERDICT_FAIL, "a parameter %s is not finite after three updates",
                             tensor_shape_text(&shape).text);
        }
    }
    return VERDICT_PASS;
}

/* ---- dtypes ---- */

/* Three updates of the same parameter in f32 and in f64 must give the same numbers except for rounding. */
static enum verdict compare_precisions(const struct trial *trial, int32_t i) {
    struct optimizer_fixture *both[2];
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        const rondo_tensor shape = tensor_of(dtype, shapes[i].ndim, shapes[i].shape);
        both[dtype] = optimizer_fixture_create(trial, shape, i);
        if (both[dtype] == NULL) {
            return VERDICT_FAIL;
        }
        if (optimizer_fixture_run(both[dtype], 3, 1) != RONDO_OK) {
            return optimizer_fixture_failed(trial, both[dtype]);
        }
    }
    for (int64_t k = 0; k < rondo_count(&both[0]->value); k++) {
        const double single = tensor_get(&both[RONDO_F32]->value, k), twice = tensor_get(&both[RONDO_F64]->value, k);
        if (!(fabs(single - twice) <= 1e-3 * (1 + fabs(twice)))) {
            return trial_say(trial, VERDICT_FAIL,
                             "element %lld of a parameter %s is %.9g in f32 and %.9g in f64 after three updates",
                             (long long)k, tensor_shape_text(&both[0]->value).text, single, twice);
        }
    }
    return VERDICT_PASS;
}

static enum verdict check_dtypes(struct trial *trial) {
    for (int32_t i = 0; i < FILLED_SHAPES; i++) {
        if (compare_precisions(trial, i) != VERDICT_PASS) {
            return VERDICT_FAIL;
        }
    }
    return VERDICT_PASS;
}

/* ---- integers ---- */

static enum verdict check_integers(struct trial *trial) {
    const rondo_tensor shape = tensor_of(RONDO_I32, 1, (const int64_t[]){16});
    struct optimizer_fixture *integers = optimizer_fixture_create(trial, shape, 0);
    if (integers == NULL) {
        trial_unsay(trial);
        return VERDICT_PASS; /* choose_slot has already refused it */
    }
    rondo_status status = RONDO_OK;
    for (int step = 0; step < 12 && status == RONDO_OK; step++) { /* some do nothing in most updates */
        status = optimizer_fixture_step(integers);
    }
    if (status == RONDO_OK) {
        return trial_say(trial, VERDICT_FAIL,
                         "accepted a parameter of integers (i32), expected  fail(ctx, RONDO_INTERNAL, …)");
    }
    return subject_judge_answers(trial, &integers->subject);
}

const struct kit_check kit_optimizer_checks[] = {
    {"slots", "the shapes that choose_slot sets fit the parameter, and are always the same", check_slots},
    {"status", "every update returns a known status, and gives a reason if it fails", shared_status},
    {"stays_inside", "an update writes only its value and slots, and only reads the rest", shared_stays_inside},
    {"zero_size", "parameters without elements, and with one, are updated", check_zero_size},
    {"dtypes", "f32 and f64 give the same numbers except for rounding", check_dtypes},
    {"integers", "a parameter of integers is refused", check_integers},
    {"finite", "values stay finite with finite gradients of any usual size", optimizer_finite},
    {"deterministic", "the same updates give the same bits again", shared_deterministic},
    {"slices", "an element-wise optimizer gives the bits of the whole parameter on slices of it", optimizer_slices},
    {"skips_zeros", "if it says so, an optimizer leaves elements with a gradient of 0 alone", optimizer_skips_zeros},
    {"catch_up", "an average gives the numbers of single updates if it does several together", optimizer_catch_up},
    {"threads", "several threads give the bits of one, both inside an update and in simultaneous updates",
     shared_threads},
    {"resume", "a run that continues from saved slots ends with the same bits as an uninterrupted one",
     optimizer_resume},
    {"no_memory", "if the host refuses an allocation, the update returns RONDO_NO_MEMORY", shared_no_memory},
    {"leaks", "updates free all memory that they allocate", shared_leaks},
    {"options_ends", "every option works, or is refused, at both ends of its range", shared_options_ends},
    {"lr_scale", "the factor of a schedule has the same effect as a smaller learning rate", optimizer_lr_scale},
    {"descends", "it minimises quadratics and Rosenbrock's function, at some learning rate", optimizer_descends},
    {"first_call", "results do not depend on the options of the first call", shared_first_call},
    {NULL, NULL, NULL},
};
