/* train/optimizer_stages.h: the optimizer section of an experiment applied to the parameters of a model: which stages
 * an update has, which options each parameter gets, which parameters are frozen.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_OPTIMIZER_STAGES_H
#define RONDO_TRAIN_OPTIMIZER_STAGES_H

#include "experiment/optimizer_section.h"
#include "train/updater.h"

/* Fills `settings` with the stages of an update and the options of each parameter's group; memory from `arena`, which
 * must outlive the settings. RONDO_INVALID, at the group's place, for a group without parameters, and if all
 * parameters are frozen. */
rondo_status optimizer_stages(const struct optimizer_section *section, const struct model *model,
                              const struct parallel *parallel, struct arena *arena, struct updater_settings *settings,
                              struct errors *errors);

#endif
