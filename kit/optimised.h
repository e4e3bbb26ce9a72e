/* kit/optimised.h: a parameter under an optimizer: its value, gradient and slots in guarded buffers, and updates of it.
 *
 *     struct optimised *o = optimised_create(kit, optimizer, NULL, tensor_of(RONDO_F32, 2, shape), 0, reason, size);
 *     if (o == NULL || optimised_run(o, 10, 1) != RONDO_OK) …
 *
 * A wrapper (rondo_optimizer.stage) works together with plain gradient descent: one of stage GRADIENT in front of it,
 * one of stage VALUE behind it. An element-wise optimizer sees one dimension, as in a run.
 *
 * Threads: one parameter belongs to one thread at a time; different ones may be updated at the same time.
 */
#ifndef RONDO_KIT_OPTIMISED_H
#define RONDO_KIT_OPTIMISED_H

#include "core/host.h"
#include "core/tensor.h"
#include "kit/check.h"
#include "kit/guard.h"

/* The most slots that an optimizer may have. */
#define OPTIMISED_SLOTS 16
/* Rows that sampled gradients are the mean of. */
#define OPTIMISED_ROWS 32

struct optimised {
    const rondo_optimizer *optimizer;
    const char *name; /* of the parameter */
    int32_t instance; /* decides the numbers that everything is filled with */
    uint64_t seed;
    rondo_tensor value, gradient;
    rondo_tensor sampled; /* sampled_gradient of updates that want it */
    rondo_tensor slots[OPTIMISED_SLOTS];
    int32_t n_slots;
    const void *options;
    struct guard *guard;
    struct arena *arena; /* of a call */
    struct errors errors;

    /* What a check may set between updates. */
    int64_t step; /* number of the last update */
    double lr_scale;
    double plain_rate;         /* learning rate of the plain descent that goes with a wrapper */
    const int64_t *cuts;       /* where slices end, the last at the end of the parameter; NULL: one slice */
    struct parallel parallel;  /* for the optimizer's own loops; one thread at first */
    int64_t *allocations_left; /* see struct host_call */
    int gives_one_word;        /* every random word of an update is the same one */

    /* What the updates did. */
    int32_t unknown_status; /* the first status that is none; 0 */
    int quiet;              /* an update failed and did not say why */
    int ignored;            /* an update called fail and then returned RONDO_OK */
    int drew;               /* an update drew random words */
};

/* A parameter of the shape and dtype of `shape`, of normal numbers, before its first update. `options` is text for
 * kit_options. NULL, with the reason, where the optimizer refuses. */
struct optimised *optimised_create(struct kit *kit, const rondo_optimizer *optimizer, const char *options,
                                   rondo_tensor shape, int32_t instance, char *reason, size_t size);

/* One update with what stands in `gradient`. */
rondo_status optimised_step(struct optimised *optimised);
/* Fills `gradient` and `sampled` for the next update: normal numbers times `scale`. */
void optimised_draw(struct optimised *optimised, double scale);
/* `count` updates with gradients of optimised_draw. Stops at the first that fails. */
rondo_status optimised_run(struct optimised *optimised, int64_t count, double scale);
/* Zeroes the slots, as before the first update; those that begin as a copy of the value get one. */
void optimised_forget(struct optimised *optimised);
/* The same for slot number `s` alone. */
void optimised_forget_slot(struct optimised *optimised, int32_t s);

/* "update 3 of a parameter [3, 5], f32, failed: …" as the reason; VERDICT_FAIL. */
enum verdict optimised_failed(const struct optimised *optimised, char *reason, size_t size);
/* 1 where value and slots (and the gradient, where the optimizer rewrites it) hold the same bits; 0 with what differs
 * in `reason`: "value[3] is 0.5 and 0.25". */
int optimised_equal(const struct optimised *a, const struct optimised *b, char *reason, size_t size);
/* Whether the slots hold anything at all. */
int optimised_has_state(const struct optimised *optimised);

#endif
