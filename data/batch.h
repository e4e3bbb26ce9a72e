/* data/batch.h: examples packed for a recurrence over time.
 *
 * core/time_axis.h describes the packing. All streams of a batch but "source" share one time axis: that of the inputs, if every step
 * takes one, else that of the targets (example_steps). The architecture decides which steps take input and have targets: with input only at
 * the first step, an input holds the rows of step 0; with output only at the last step, `targets` holds one per row.
 *
 * With feedback the model also reads `previous`, the target of the step before (teacher forcing). It is derived here, so
 * that no reader and no model shifts anything:
 *
 *     previous[t] = target[t - 1]
 *     previous[0] = the target before the window, if the example continues a sequence (dataset.continues); otherwise
 *                   the start symbol, whose id is the number of classes; for numbers, zeros
 */
#ifndef RONDO_DATA_BATCH_H
#define RONDO_DATA_BATCH_H

#include "core/rng.h"
#include "core/time_axis.h"
#include "data/dataset.h"

/* What a model reads of an example, and where its outputs are. */
struct batch_plan {
    struct architecture architecture;
    int32_t dtype; /* of numbers: RONDO_F32 or RONDO_F64 */
    int feedback;  /* the model reads `previous` */
    int64_t steps; /* of examples whose number of steps neither inputs nor targets give; 0: unknown (1 for 1:1) */
    /* Training: the random stream of the update, from which the changes of inputs are drawn (struct stream, augment).
     * NULL: inputs are packed as they are. Borrowed. */
    const struct rng_stream *update;
};

/* One input of a model. */
struct batch_input {
    const char *name; /* "input", "known", "previous" */
    int64_t symbols;  /* > 0: ids in [0, symbols); 0: numbers */
    int64_t size;     /* numbers per step, if symbols is 0 */
    int every_step;   /* 0: only at the first */
    int32_t unknown;  /* the id that replaces unknown symbols; -1: none */
};
enum { BATCH_MOST_INPUTS = 4 };

/* The inputs that batches of such a dataset have, in the order of batch.inputs. Returns their number. The stream "source" is not
 * among them: an encoder reads it, at every step of its own axis. */
int32_t batch_inputs(const struct dataset *dataset, const struct batch_plan *plan,
                     struct batch_input inputs[BATCH_MOST_INPUTS]);
/* The input of an encoder, the stream "source". Returns 0 if the dataset has none. */
int batch_source_input(const struct dataset *dataset, struct batch_input *input);

/* The stream "source" of a batch, on a time axis of its own, whose rows are sorted by its own lengths. */
struct batch_source {
    struct time_axis time; /* rows 0: there is no source */
    const int64_t *row;    /* [rows] row of the batch -> row of this axis: only the model reads it, at two gathers */
    rondo_tensor input;    /* ids i32 [total], or numbers [total, size] */
};

/* All arrays belong to the arena that the batch was made from. */
struct batch {
    struct time_axis time;  /* of the rows */
    const int64_t *example; /* [time.rows] index in the dataset */
    int32_t n_inputs;
    rondo_tensor
        inputs[BATCH_MOST_INPUTS]; /* ids i32 [n], or numbers [n, size]; n = total, or rows at the first step */
    /* The outputs that have a target: i32 [n], packed positions. Data NULL: all of them. */
    rondo_tensor scored;
    int64_t n_scored; /* rows of `targets`, if they are not lists */
    /* The example of each scored output, and the element of the stream "target" that is its target. [n_scored]; NULL for
     * lists, and if is_empty. */
    const int64_t *scored_example, *scored_element;
    /* Classes i32 [n_scored] or numbers [n_scored, size]; data NULL: the examples have none. STREAM_LIST: the lists of all
     * rows, i32, one after the other; list of row r: target_begin[r] .. target_begin[r + 1]. */
    rondo_tensor targets;
    const int64_t *target_begin; /* [rows + 1]; STREAM_LIST only, else NULL */
    /* Factors of the losses, [n_scored], or [rows] for lists; data NULL: 1. If no output of the batch has a target, one is
     * scored with the weight 0, because losses get at least one row. */
    rondo_tensor weight;
    int is_empty; /* 1: no output has a target */
    struct batch_source source;
    /* Windows that carry states: the lane of each row, and 1 if its states begin anew; NULL: all begin anew. [rows] */
    const int64_t *lane;
    const unsigned char *starts;
};

/* The number of steps of an example: of its inputs if every step takes one (N:1, N:N), otherwise of its targets if every
 * step gives an output (1:N, and N:N without an input stream), otherwise plan->steps, or 1 for 1:1. 0: it is not known. */
int64_t example_steps(const struct dataset *dataset, int64_t example, const struct batch_plan *plan);
/* The number of steps of its source; 0: the dataset has no sources. */
int64_t example_source_steps(const struct dataset *dataset, int64_t example);

/* RONDO_INVALID if an example does not fit the plan: a number of targets that differs from the number of steps, not exactly
 * one target for a sequence, more than one input if only the first step takes one, an empty source, an unknown number of
 * steps. `what` names the data in messages. Without targets (prediction), targets are not checked. */
rondo_status dataset_fits(const struct dataset *dataset, const struct batch_plan *plan, int with_targets,
                          const char *what, struct errors *errors);

/* RONDO_INVALID if the dataset has examples, and no step of any has a target: a mean over nothing is no number. */
rondo_status dataset_has_targets(const struct dataset *dataset, const char *what, struct errors *errors);

/* Packs `count` >= 1 examples of the dataset into `batch`. Memory from `arena`. The order of `examples` decides between equal
 * lengths. with_targets 0: for prediction; every output is wanted, and targets are read only for `previous`. */
rondo_status batch_pack(const struct dataset *dataset, const int64_t *examples, int64_t count,
                        const struct batch_plan *plan, int with_targets, struct arena *arena, struct batch *batch,
                        struct errors *errors);
/* Only the sources of these examples, on their time axis, as rows in the order of `examples`: for an encoder that runs before
 * there are targets. No source is empty. dtype: of numbers. */
rondo_status batch_pack_source(const struct dataset *dataset, const int64_t *examples, int64_t count, int32_t dtype,
                               struct arena *arena, struct batch_source *source, struct errors *errors);
/* Writes an element of an example of that group as the model sees it: row `to` of `tensor`, i32 [n] or numbers [n, size]. */
void batch_copy_element(const struct stream *stream, int32_t group, int64_t element, const rondo_tensor *tensor,
                        int64_t to);

#endif
