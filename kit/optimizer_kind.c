/* kit/optimizer_kind.c: the situations in which an optimizer is tested, and the adapter for the shared checks. */
#include <stdio.h>
#include <string.h>

#include "core/tensor.h"
#include "kit/optimizer_fixture.h"

/* The parameters: 7 numbers leave a gap with canaries after them; 64 numbers end at the guard page, in both dtypes. */
static const struct {
    int32_t dtype, ndim;
    int64_t shape[2];
} parameters[] = {{RONDO_F32, 2, {4, 6}}, {RONDO_F64, 1, {12}},   {RONDO_F32, 1, {7}},
                  {RONDO_F64, 2, {3, 5}}, {RONDO_F32, 2, {8, 8}}, {RONDO_F64, 1, {64}}};
enum { BRIEF = 2 }; /* the number of parameters, the first ones, in checks that take time */

/* A run has 18 updates, because some optimizers do something only at every tenth. It is saved and resumed after 7
 * updates: a prime number lies in the middle of any period. */
enum { UPDATES = 18, CUT = 7 };
/* The gradients before the run is saved are larger by this factor, so that an optimizer that keeps a maximum has to
 * save it. */
static const double first_scale = 30;

static enum verdict each(struct trial *trial, trial_visit *visit) {
    struct trial one = *trial;
    const int32_t count = trial->is_brief ? BRIEF : (int32_t)(sizeof parameters / sizeof parameters[0]);
    for (one.index = 0; one.index < count; one.index++) {
        const rondo_tensor shape =
            tensor_of(parameters[one.index].dtype, parameters[one.index].ndim, parameters[one.index].shape);
        snprintf(one.situation, sizeof one.situation, "parameter %s, %s", tensor_shape_text(&shape).text,
                 dtype_name(shape.dtype));
        const enum verdict verdict = visit(&one);
        if (verdict != VERDICT_PASS) {
            return verdict;
        }
    }
    return VERDICT_PASS;
}

static struct subject *create(const struct trial *trial, struct subject_settings settings) {
    const int32_t dtype = parameters[trial->index].dtype;
    const int64_t medium[] = {20 + settings.instance, 30}, large[] = {130, 190};
    const rondo_tensor shape = settings.size == SIZE_LARGE ? tensor_of(dtype, 2, large)
                               : settings.size == SIZE_MEDIUM
                                   ? tensor_of(dtype, 2, medium)
                                   : tensor_of(dtype, parameters[trial->index].ndim, parameters[trial->index].shape);
    struct optimizer_fixture *fixture = optimizer_fixture_create(trial, shape, settings.instance);
    if (fixture == NULL || fixture->subject.is_idle) {
        return fixture == NULL ? NULL : &fixture->subject;
    }
    fixture->subject.updates = UPDATES;
    fixture->subject.cut = CUT;
    optimizer_fixture_draw(fixture, 1);
    if (tensor_bytes(&shape) > 0) {
        memcpy(fixture->drawn.data, fixture->gradient.data, tensor_bytes(&shape));
    }
    return &fixture->subject;
}

/* The drawn gradient, rotated by an offset that differs from update to update. Drawing a new gradient for each update
 * would take far longer than the update itself, so that updates on two threads would rarely overlap. */
static void rotate_gradient(struct optimizer_fixture *fixture) {
    const int64_t count = rondo_count(&fixture->drawn);
    if (count == 0) {
        return;
    }
    const size_t size = dtype_size(fixture->drawn.dtype);
    const size_t offset = size * (size_t)(7 * (fixture->subject.position + 1) % count);
    const size_t rest = size * (size_t)count - offset;
    memcpy(fixture->gradient.data, (const char *)fixture->drawn.data + offset, rest);
    memcpy((char *)fixture->gradient.data + rest, fixture->drawn.data, offset);
    for (int64_t i = 0; fixture->subject.position < CUT && i < count; i++) {
        tensor_set(&fixture->gradient, i, first_scale * tensor_get(&fixture->gradient, i));
    }
}

static rondo_status run(struct subject *subject, int64_t updates) {
    struct optimizer_fixture *fixture = (struct optimizer_fixture *)subject; /* subject is the first member */
    for (int64_t i = 0; i < updates && !subject->is_idle; i++) {
        rotate_gradient(fixture);
        RONDO_TRY(optimizer_fixture_step(fixture));
    }
    return RONDO_OK;
}

/* Value and slots; a gradient that was rewritten is replaced by the next update. */
static int state(const struct subject *subject, int32_t index, struct subject_tensor *state) {
    const struct optimizer_fixture *fixture = (const struct optimizer_fixture *)subject;
    if (index == 0) {
        *state = (struct subject_tensor){"value", fixture->value};
    } else if (index <= fixture->n_slots) {
        *state = (struct subject_tensor){fixture->slot_names[index - 1], fixture->slots[index - 1]};
    }
    return index <= fixture->n_slots;
}

static options_check *check_of(const rondo_descriptor *descriptor) {
    return ((const rondo_optimizer *)descriptor)->check;
}

static const struct kind_omission omissions[] = {{NULL, NULL}};

const struct subject_kind optimizer_subject_kind = {.run_name = "a run of 18 updates",
                                                    .omissions = omissions,
                                                    .check_of = check_of,
                                                    .each = each,
                                                    .create = create,
                                                    .run = run,
                                                    .result = optimizer_fixture_result,
                                                    .state = state};
