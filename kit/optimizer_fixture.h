/* kit/optimizer_fixture.h: a parameter with an optimizer: its value, gradient and slots in guarded buffers, and
 * updates.
 *
 *     struct optimizer_fixture *o = optimizer_fixture_create(trial, shape, 0);
 *     if (o == NULL || optimizer_fixture_run(o, 10, 1) != RONDO_OK) …
 *
 * A wrapper (rondo_optimizer.stage) works together with plain gradient descent: one of stage GRADIENT before it, one of
 * stage VALUE after it. An elementwise optimizer gets tensors with one dimension, as in a run.
 *
 * Threads: one parameter belongs to one thread at a time; different ones may be updated at the same time.
 */
#ifndef RONDO_KIT_OPTIMIZER_FIXTURE_H
#define RONDO_KIT_OPTIMIZER_FIXTURE_H

#include "kit/subject.h"

/* The largest number of slots of an optimizer, and the number of rows whose mean a sampled gradient is. */
enum { OPTIMIZER_SLOTS = 16, OPTIMIZER_ROWS = 32 };

struct optimizer_fixture {
    struct subject subject; /* subject.position is the number of the last update */
    const rondo_optimizer *optimizer;
    const char *name; /* name of the parameter */
    int32_t instance; /* determines the numbers that everything is filled with */
    rondo_tensor value, gradient;
    rondo_tensor sampled; /* sampled_gradient for updates that request it */
    rondo_tensor drawn;   /* the gradient from which updates of the adapter derive their own */
    rondo_tensor slots[OPTIMIZER_SLOTS];
    const char *slot_names[OPTIMIZER_SLOTS]; /* "slot velocity" */
    int32_t n_slots;

    /* A check may set these between updates. */
    double lr_scale;
    double plain_rate;   /* learning rate of the plain gradient descent that a wrapper is combined with */
    const int64_t *cuts; /* the ends of the slices, of which the last is the end of the parameter; NULL: one slice */
};

/* A parameter with the shape and dtype of `shape`, filled with normal numbers, before its first update. NULL with the
 * reason if the optimizer refuses; an idle subject if the trial allows refusals. */
struct optimizer_fixture *optimizer_fixture_create(const struct trial *trial, rondo_tensor shape, int32_t instance);
/* The same with options in place of trial->options. */
struct optimizer_fixture *optimizer_fixture_create_with(const struct trial *trial, const char *options,
                                                        rondo_tensor shape, int32_t instance);

/* One update with the numbers in `gradient`. */
rondo_status optimizer_fixture_step(struct optimizer_fixture *fixture);
/* `count` updates without a change of the value by rondo_optimizer.catch_up, which the optimizer has. */
rondo_status optimizer_fixture_catch_up(struct optimizer_fixture *fixture, int64_t count);
/* Fills `gradient` and `sampled` for the next update: normal numbers times `scale`. */
void optimizer_fixture_draw(struct optimizer_fixture *fixture, double scale);
/* `count` updates with gradients of optimizer_fixture_draw. Stops at the first update that fails. */
rondo_status optimizer_fixture_run(struct optimizer_fixture *fixture, int64_t count, double scale);
/* Sets the slots to zero, as before the first update; slots that begin as a copy of the value get this copy. */
void optimizer_fixture_forget(struct optimizer_fixture *fixture);
/* The same only for slot number `s`. */
void optimizer_fixture_forget_slot(struct optimizer_fixture *fixture, int32_t s);

/* "update 3 of a parameter [3, 5], f32: step failed: …" as the reason; VERDICT_FAIL. */
enum verdict optimizer_fixture_failed(const struct trial *trial, const struct optimizer_fixture *fixture);
/* 1 if value and slots (and the gradient, if the optimizer rewrites it) have the same bits; 0 with what differs in
 * `text`: "value[3] is 0.5 and 0.25". */
int optimizer_fixture_equal(const struct optimizer_fixture *a, const struct optimizer_fixture *b, char *text,
                            size_t size);

/* Result number `index`: the value, the gradient if the optimizer rewrites it, the slots. 0 after the last. */
int optimizer_fixture_result(const struct subject *subject, int32_t index, struct subject_tensor *result);

#endif
