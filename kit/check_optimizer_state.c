/* kit/check_optimizer_state.c: an elementwise optimizer gives the same bits on slices; later updates depend on every
 * slot. */
#include "core/tensor.h"
#include "kit/check_optimizer.h"
#include "kit/optimizer_fixture.h"
#include "kit/shared.h"

/* ---- slices ---- */

static const int64_t slices_shape[] = {24, 25};
static const int64_t cuts[] = {1, 8, 9, 200, 333, 600};

/* The random words of a slice are numbered from its first element, which is right only for one word per element. In
 * this check all words of an update are equal, so that an optimizer may draw any number of them. */
enum verdict optimizer_slices(struct trial *trial) {
    const rondo_tensor shape = tensor_of(RONDO_F32, 2, slices_shape);
    char difference[200];
    if ((((const rondo_optimizer *)trial->descriptor)->flags & RONDO_OPTIMIZER_ELEMENTWISE) == 0) {
        return trial_say(trial, VERDICT_SKIPPED, "RONDO_OPTIMIZER_ELEMENTWISE is not set");
    }
    struct optimizer_fixture *whole = optimizer_fixture_create(trial, shape, 0);
    struct optimizer_fixture *sliced = optimizer_fixture_create(trial, shape, 0);
    if (whole == NULL || sliced == NULL) {
        return VERDICT_FAIL;
    }
    whole->subject.gives_one_word = sliced->subject.gives_one_word = 1;
    sliced->cuts = cuts;
    for (int step = 0; step < 5; step++) {
        if (optimizer_fixture_run(whole, 1, 1) != RONDO_OK || optimizer_fixture_run(sliced, 1, 1) != RONDO_OK) {
            return optimizer_fixture_failed(trial, sliced->subject.errors.count > 0 ? sliced : whole);
        }
    }
    return optimizer_fixture_equal(whole, sliced, difference, sizeof difference)
               ? VERDICT_PASS
               : trial_say(trial, VERDICT_FAIL,
                           "RONDO_OPTIMIZER_ELEMENTWISE is set, but a whole parameter and its slices differ: %s",
                           difference);
}

/* ---- resume ---- */

enum { FIRST = 7, REST = 11 };
static const int64_t resume_shape[] = {6, 10};
/* The first gradients are larger than the rest by this factor, so that a slot that keeps the largest one matters. */
static const double first_scale = 30;

/* A run in the middle of which slot number `s` is set to zero (-1: none, -2: all); NULL with the reason. */
static struct optimizer_fixture *run_forgetful(struct trial *trial, int32_t s) {
    struct optimizer_fixture *fixture = optimizer_fixture_create(trial, tensor_of(RONDO_F32, 2, resume_shape), 0);
    if (fixture == NULL) {
        return NULL;
    }
    rondo_status status = optimizer_fixture_run(fixture, FIRST, first_scale);
    if (s >= 0) {
        optimizer_fixture_forget_slot(fixture, s);
    } else if (s == -2) {
        optimizer_fixture_forget(fixture);
    }
    status = status == RONDO_OK ? optimizer_fixture_run(fixture, REST, 1) : status;
    if (status != RONDO_OK) {
        optimizer_fixture_failed(trial, fixture);
    }
    return status == RONDO_OK ? fixture : NULL;
}

static int has_state(const struct optimizer_fixture *fixture) {
    for (int32_t s = 0; s < fixture->n_slots; s++) {
        if (rondo_count(&fixture->slots[s]) > 0) {
            return 1;
        }
    }
    return 0;
}

/* Gives a warning for slots that later updates never read. Even if all slots together make a difference, a single slot
 * may make none. Slots that begin as a copy of the value are not tested. */
static enum verdict use_every_slot(struct trial *trial) {
    char ignored[200];
    const struct optimizer_fixture *straight = run_forgetful(trial, -1);
    if (straight == NULL) {
        return VERDICT_FAIL;
    }
    for (int32_t s = -2; s < straight->n_slots && has_state(straight); s++) {
        const rondo_slot *slot = s < 0 ? NULL : &straight->optimizer->slots[s];
        if (s == -1 || (slot != NULL && (slot->role != RONDO_SLOT_STATE || rondo_count(&straight->slots[s]) == 0))) {
            continue;
        }
        const struct optimizer_fixture *forgetful = run_forgetful(trial, s);
        if (forgetful == NULL) {
            return VERDICT_FAIL;
        }
        if (!optimizer_fixture_equal(straight, forgetful, ignored, sizeof ignored)) {
            continue;
        }
        return slot == NULL
                   ? trial_say(
                         trial, VERDICT_WARNING,
                         "setting the slots to zero makes no difference: they take memory that is never used (see "
                         "choose_slot)")
                   : trial_say(trial, VERDICT_WARNING,
                               "setting slot '%s' to zero makes no difference: it takes memory that is "
                               "never used (see choose_slot)",
                               slot->name);
    }
    return VERDICT_PASS;
}

enum verdict optimizer_resume(struct trial *trial) {
    const enum verdict verdict = shared_resume(trial);
    return verdict == VERDICT_PASS ? use_every_slot(trial) : verdict;
}
