/* train/updater.h: an optimizer with its wrappers over the parameters of a model: their slots, gradient clipping, one
 * update after the other.
 *
 * An update passes each parameter through stages, in this order: wrappers that rewrite the gradient, the optimizer,
 * wrappers that read or rewrite the value. Neighbouring elementwise stages go over a parameter together, slice by
 * slice, while a slice is in the cache.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_UPDATER_H
#define RONDO_TRAIN_UPDATER_H

#include "core/parallel.h"
#include "experiment/optimizer_section.h"
#include "model/model.h"

/* The largest number of stages (the optimizer and its wrappers), and of slots of one stage. */
#define UPDATER_MOST_STAGES (OPTIMIZER_MOST_WRAPPERS + 1)
#define UPDATER_MOST_SLOTS  16

/* One plug-in at work. */
struct updater_stage {
    const rondo_optimizer *optimizer;
    const char *origin;             /* its file, for messages */
    const struct log_receiver *log; /* of the lines that it logs; may be NULL */
    const void *const *options;     /* [n_parameters] those of each parameter's group */
};

/* All borrowed; must outlive the updater. */
struct updater_settings {
    const struct model *model;
    const struct updater_stage *stages; /* in the order above */
    int32_t n_stages;                   /* 1 .. UPDATER_MOST_STAGES */
    const unsigned char *frozen;        /* [n_parameters] parameters that stay as they are; NULL: none */
    const struct parallel *parallel;
};

struct updater;

/* Allocates the slots that the stages declare: zero, or a copy of the parameter where their role says so. So the
 * parameters must have their initial values. NULL with errors. */
struct updater *updater_create(const struct updater_settings *settings, struct errors *errors);
void updater_destroy(struct updater *updater);

/* Scales the gradients so that their L2 norm, taken over all parameters, is at most `limit` (0: no limit; Pascanu et
 * al. 2013). *norm is that before. RONDO_NOT_FINITE, with the parameter's name, where a gradient is not finite. */
rondo_status updater_clip(struct updater *updater, const rondo_tensor *gradients, double limit, double *norm,
                          struct errors *errors);

/* 1 where the next update wants a sampled gradient. */
int updater_wants_sampled(const struct updater *updater);

/* What an update is made from. */
struct updater_step {
    const rondo_tensor *gradients; /* [n_parameters]; wrappers may rewrite them */
    const rondo_tensor *sampled;   /* [n_parameters]; NULL where updater_wants_sampled said 0 */
    int64_t rows;                  /* losses that the gradients are the mean of */
    double lr_scale;               /* the schedule's factor on the learning rate */
    struct rng_stream stream;      /* of this update; each parameter and slice gets its own from it */
};
/* One update of all parameters. A value that is not finite afterwards is RONDO_NOT_FINITE, with the plug-in, its file
 * and the parameter. */
rondo_status updater_step(struct updater *updater, const struct updater_step *step, struct errors *errors);
/* Updates done so far. */
int64_t updater_steps(const struct updater *updater);

/* Exchanges the parameters with the weights that a wrapper keeps for evaluation; a second call puts them back. Without
 * such a wrapper, or before the first update, nothing happens. */
void updater_swap_evaluated(struct updater *updater);

#endif
