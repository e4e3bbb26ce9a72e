/* train/diagnostics.h: how large an update of each parameter is against the parameter: `schedule.diagnostics`.
 *
 *     ratio = |w after - w before| / |w before|        L2 norms of one tensor
 *
 * A ratio near 0.001 is usual for weights; much larger ones learn in jumps, and much smaller ones hardly at all (A. Karpathy,
 * CS231n, "Neural networks part 3: learning and evaluation", 2015). Measured at the last update before a validation, so that it costs a
 * copy of the parameters and a few passes over them for each; nothing of the training is changed.
 *
 * Numbers are added up on one thread, so they have the same bits for any number of threads.
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_DIAGNOSTICS_H
#define RONDO_TRAIN_DIAGNOSTICS_H

#include "core/archive.h"
#include "model/model.h"
#include "train/gradient.h"

struct parameter_diagnostics {
    double ratio;         /* NaN: the parameter was zero, or training does not change it */
    double gradient_norm; /* before clipping: the squares of all parameters add up to that of the whole norm */
    double weight_norm;   /* before the update */
};

struct diagnostics;

/* Of a model whose parameters have memory. `frozen`: as in struct updater_settings. NULL with an error. */
struct diagnostics *diagnostics_create(const struct model *model, const unsigned char *frozen, struct errors *errors);
/* May be NULL. */
void diagnostics_destroy(struct diagnostics *diagnostics);

/* Before and after an update, which is number `step`. `scale`: what clipping has multiplied the gradients by. */
void diagnostics_begin(struct diagnostics *diagnostics, const struct gradient *gradients, double scale);
void diagnostics_end(struct diagnostics *diagnostics, int64_t step);

/* [n_parameters] of the update number `step`; NULL: that one was not measured, or `diagnostics` is. */
const struct parameter_diagnostics *diagnostics_of(const struct diagnostics *diagnostics, int64_t step);

/* The numbers of update `step`, for a training that is interrupted before it has reported them; nothing if it was not measured.
 * `diagnostics` may be NULL; then the numbers of a training that did measure are dropped. */
void diagnostics_save(const struct diagnostics *diagnostics, int64_t step, struct archive *archive);
rondo_status diagnostics_load(struct diagnostics *diagnostics, const struct model *model, struct archive *archive,
                              struct errors *errors);

#endif
