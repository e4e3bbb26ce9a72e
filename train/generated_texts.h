/* train/generated_texts.h: what a model writes for the examples of a dataset, for metrics that compare texts.
 *
 * Each evaluation of the task's network (network_evaluate) then generates, with the settings of `generate`, one text for each
 * source of the dataset, and compares it with the targets of all examples that have this source (data/references.h). The texts of a
 * seed depend only on the weights: not on threads, batches, or how often there was an evaluation before.
 *
 * Both sides are texts as the reader writes them (reader_class.decode): what is generated is what `rondo predict` prints, and a symbol
 * of a target that the vocabulary lacks is as it is written in the file, so that a model with `unknown: replace` may be right. Where its
 * text is not known it is U+FFFD, which no model writes: the unknown symbol itself is never right.
 *
 * Threads: main thread; several inside.
 */
#ifndef RONDO_TRAIN_GENERATED_TEXTS_H
#define RONDO_TRAIN_GENERATED_TEXTS_H

#include "train/task.h"

/* Makes evaluations of the task's network generate, if a metric compares texts; `task` must outlive its network. RONDO_INVALID, at
 * the places of these metrics, if the model does not generate, reads nothing that a text could be right for, or has no texts. */
rondo_status generated_texts_open(struct task *task, struct errors *errors);

#endif
