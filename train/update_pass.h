/* train/update_pass.h: an update of all parameters, in passes over slices of them. Private to the updater.
 *
 * A pass applies consecutive elementwise stages to slices, several of which run at the same time, or one other stage to
 * whole parameters. Of a gradient by rows (train/gradient.h), a stage processes only the listed rows if it leaves the
 * others alone. If another stage of the parameter needs all rows, the gradient is expanded: a slice at a time, so that all
 * of it never exists, or, for a stage that is not elementwise, in memory of its own.
 *
 * An average changes in every update, although the value of a row does not. If all other stages leave such rows alone, it
 * can be done later, for several updates together: before the row's value changes, or before the average is used.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_UPDATE_PASS_H
#define RONDO_TRAIN_UPDATE_PASS_H

#include "train/updater.h"

/* Elements of a slice: enough work for a thread, and few enough that its arrays stay in the second-level cache, where the
 * updated values are then checked for being finite. */
enum { UPDATE_GRAIN = 32 * 1024 };

/* Elements begin .. end of a parameter, with the arguments for the functions of a stage: slices can run at the same
 * time. */
struct update_slice {
    int32_t parameter;
    int64_t begin, end;
    struct arena *arena;
    struct errors errors;
};

/* The rows that a stage processes: all, those that the gradient lists, or those after the updates that they have missed
 * (rondo_optimizer.catch_up). */
enum updater_extent { EXTENT_ALL, EXTENT_LISTED, EXTENT_CATCH_UP };

/* A parameter whose gradient is by rows. All zero for any other one. */
struct updater_rows {
    enum updater_extent extent[UPDATER_MOST_STAGES];
    int expands; /* 1: some stage processes all rows: it needs the gradient of all */
    rondo_tensor whole,
        whole_sampled; /* that gradient, if some stage is not elementwise; otherwise it is expanded for a
                                          slice at a time, and the data is NULL */
    int64_t
        *reached; /* [rows]: number of the last update that stages of EXTENT_CATCH_UP have done; NULL: there are none */
    uint64_t *changed; /* a bit for each row: changed since updater_forget_changes; NULL: all rows count as changed */
    int is_new;        /* updater_forget_changes has not been called: all rows count as changed */
};

struct updater {
    struct arena *arena;
    struct updater_settings settings;
    int32_t n_slots[UPDATER_MOST_STAGES];
    rondo_tensor *slots[UPDATER_MOST_STAGES];   /* [n_parameters][n_slots] */
    const char **subjects[UPDATER_MOST_STAGES]; /* [n_parameters]: names for messages */
    int32_t evaluated_stage, evaluated_slot;    /* -1: none */
    struct update_slice *slices;                /* slices of all parameters that are not frozen, in order */
    int64_t n_slices;
    int64_t *first_slice;      /* [n_parameters + 1]: slices of a parameter */
    int64_t *work;             /* [n_slices]: numbers of the slices that a pass processes */
    struct updater_rows *rows; /* [n_parameters] */
    int64_t steps;
};

/* 1 if training does not change the parameter. */
int updater_is_frozen(const struct updater *updater, int32_t parameter);
/* 1 if the stage may process slices. */
int updater_is_elementwise(const struct updater *updater, int32_t stage);

#endif
