/* experiment/loss_section.h: the section `loss` of an experiment.
 *
 *     loss: {plugin: huber, delta: 0.5}                                                one head
 *     loss: {sum: [{plugin: huber, weight: 0.7}, {plugin: log_cosh, weight: 0.3}]}     a weighted sum
 *
 * Threads: main thread.
 */
#ifndef RONDO_EXPERIMENT_LOSS_SECTION_H
#define RONDO_EXPERIMENT_LOSS_SECTION_H

#include "experiment/plugin_section.h"
#include "train/heads.h"

/* Fills items and count of `heads`; count 0 with errors. */
void loss_section_read(const struct plugin_reader *reader, struct yaml_node *section, struct heads *heads);

/* Options of a head within a sum, for `rondo list`. */
extern const rondo_option loss_weight_table[];

#endif
