/* train/updater.h: applies an optimizer with its wrappers to the parameters of a model: slots, gradient clipping, and
 * updates.
 *
 * An update passes each parameter through stages, in this order: wrappers that rewrite the gradient, the optimizer,
 * wrappers that read or rewrite the value. Consecutive elementwise stages process a parameter together, slice
 * by slice, while a slice is in the cache.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_UPDATER_H
#define RONDO_TRAIN_UPDATER_H

#include "core/archive.h"
#include "core/parallel.h"
#include "experiment/optimizer_section.h"
#include "model/model.h"
#include "train/gradient.h"

/* The largest number of stages (the optimizer and its wrappers), and of slots of one stage. */
#define UPDATER_MOST_STAGES (OPTIMIZER_MOST_WRAPPERS + 1)
#define UPDATER_MOST_SLOTS  16

/* A plug-in of an update: the optimizer, or one of its wrappers. */
struct updater_stage {
    const rondo_optimizer *optimizer;
    const char *origin;             /* its file, for messages */
    const struct log_receiver *log; /* of the lines that it logs; may be NULL */
    const void *const *options;     /* [n_parameters]: the options of the group of each parameter */
};

/* All borrowed; must outlive the updater. */
struct updater_settings {
    const struct model *model;
    const struct updater_stage *stages; /* in the order above */
    int32_t n_stages;                   /* 1 .. UPDATER_MOST_STAGES */
    const unsigned char *frozen;        /* [n_parameters]: parameters that are not changed; NULL: none */
    const struct parallel *parallel;
};

struct updater;

/* 1 if a stage processes only the rows of parameter `p` that occurred, because the parameter's gradients are by rows and
 * the plug-in skips zeros (rondo_optimizer.skips_zeros), the parameter is lazy (model_parameter.is_lazy), or the plug-in
 * can do the updates of the other rows later (rondo_optimizer.catch_up). */
int updater_lists_rows(const struct updater_settings *settings, int32_t stage, int32_t p);

/* 1 if a stage needs the gradient of the whole of parameter `p`, which is by rows: it is then expanded in memory of its own. */
int updater_needs_whole_gradient(const struct updater_settings *settings, int32_t p);

/* Allocates the slots that the stages declare. They begin as zero, or as a copy of the parameter if their role says so;
 * therefore the parameters must have their initial values. NULL with errors. */
struct updater *updater_create(const struct updater_settings *settings, struct errors *errors);
void updater_destroy(struct updater *updater);

/* The bytes of all slots, without allocating them. Errors of a plug-in that chooses shapes. */
rondo_status updater_slot_bytes(const struct updater_settings *settings, uint64_t *bytes, struct errors *errors);
/* The most bytes so far of the slots and of what the plug-ins used in updates. */
uint64_t updater_resident(const struct updater *updater);

/* Scales the gradients so that their L2 norm over all parameters is at most `limit` (0: no limit; Pascanu et al. 2013):
 *
 *     g = g * min(1, limit / norm)
 *
 * *norm is the norm before. RONDO_NOT_FINITE, with the name of the parameter, if a gradient is not finite. */
rondo_status updater_clip(struct updater *updater, const struct gradient *gradients, double limit, double *norm,
                          struct errors *errors);

/* 1 if the next update needs sampled gradients. */
int updater_wants_sampled(const struct updater *updater);

/* The arguments of an update. */
struct updater_step {
    const struct gradient *gradients; /* [n_parameters]; wrappers may change them */
    const struct gradient *sampled;   /* [n_parameters], with the same rows; NULL if updater_wants_sampled returned 0 */
    int64_t rows;                     /* the gradients are the mean over this number of losses */
    double lr_scale;                  /* the schedule's factor on the learning rate */
    struct rng_stream stream;         /* of this update; each parameter and slice derives its own */
};
/* Updates all parameters once. RONDO_NOT_FINITE, with the plug-in, its file and the parameter, if a value is not finite
 * afterwards. */
rondo_status updater_step(struct updater *updater, const struct updater_step *step, struct errors *errors);
/* The number of updates done so far. */
int64_t updater_steps(const struct updater *updater);

/* The rows of a parameter that may have changed since updater_forget_changes: bit r % 64 of word r / 64 belongs to row r;
 * rows count along the first dimension. NULL: all of them, or the parameter may have changed anywhere. */
const uint64_t *updater_changes(const struct updater *updater, int32_t parameter);
void updater_forget_changes(struct updater *updater);

/* Exchanges the parameters with the weights that a wrapper keeps for evaluation, such as an average; a second call
 * restores them. Does nothing without such a wrapper, or before the first update. */
rondo_status updater_swap_evaluated(struct updater *updater, struct errors *errors);

/* All slots as "optimizer.STAGE.SLOT.PARAMETER", and the number of updates. The weights are not among them. updater_load
 * follows updater_create, and refuses slots of other shapes. */
void updater_save(const struct updater *updater, struct archive *archive);
rondo_status updater_load(struct updater *updater, struct archive *archive, struct errors *errors);

#endif
