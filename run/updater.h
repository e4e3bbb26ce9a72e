/* run/updater.h: an optimizer plug-in over the parameters of a model: its slots, gradient clipping, one update.
 *
 * Threads: main thread; element-wise optimizers run on several inside.
 */
#ifndef RONDO_RUN_UPDATER_H
#define RONDO_RUN_UPDATER_H

#include "core/parallel.h"
#include "rnn/model.h"

struct updater;

/* Allocates the slots that the optimizer declares, all zero. The model, optimizer and options must outlive it. NULL
 * with errors. */
struct updater *updater_create(const struct model *model, const rondo_optimizer *optimizer, const void *options,
                               const struct parallel *parallel, struct errors *errors);
void updater_destroy(struct updater *updater);

/* Scales the gradients so that their L2 norm, taken over all parameters, is at most `limit` (0: no limit; Pascanu et
 * al. 2013). *norm is that before. RONDO_NOT_FINITE, with the parameter's name, where a gradient is not finite. */
rondo_status updater_clip(struct updater *updater, const rondo_tensor *gradients, double limit, double *norm,
                          struct errors *errors);
/* One update of all parameters. lr_scale is the schedule's factor on the learning rate. stream: of this update, for
 * optimizers that draw random words; each parameter and slice gets its own from it. */
rondo_status updater_step(struct updater *updater, const rondo_tensor *gradients, double lr_scale,
                          struct rng_stream stream, struct errors *errors);
/* Updates done so far. */
int64_t updater_steps(const struct updater *updater);

#endif
