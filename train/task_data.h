/* train/task_data.h: the datasets of an experiment: reader, files, parts, scaling and windows.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TASK_DATA_H
#define RONDO_TRAIN_TASK_DATA_H

#include "data/epoch.h"
#include "data/windows.h"
#include "experiment/data_section.h"

/* The parts of the data that are needed, or-ed. */
enum task_part { TASK_TRAIN = 1, TASK_VALID = 2, TASK_TEST = 4 };

struct task_data_settings {
    const struct data_section *section;
    const struct batch_plan *plan; /* the datasets must fit it; borrowed for good */
    int64_t lanes;                 /* of windows that carry states */
    int target_has_units;          /* 1: the loss accepts scaled targets (RONDO_LOSS_ANY_UNIT) */
    int which;                     /* enum task_part, or-ed: what is read */
    const struct json_t *learned;  /* what the reader learned in training, from the run (`file`); NULL: it learns now */
    const char *file;
    struct interrupt interrupt;
    struct work_progress progress;
};

struct task_data {
    const struct data_section *section;
    const struct batch_plan *plan;
    int64_t lanes;
    struct reader *reader;
    struct scaling scaling;
    struct dataset *shape;                /* the streams, without examples */
    struct dataset *whole;                /* the training file, if other data is a part of it; else NULL */
    struct part_times times;              /* of its parts, if it has a timeline */
    struct dataset *train, *valid, *test; /* NULL: not read, or not given */
    int target_has_units, which;          /* as in the settings */
    int is_learned;                       /* 1: what the reader learned came from a run */
    int is_shared;         /* 1: the datasets and the reader belong to another task_data, which outlives this one */
    uint64_t reading_peak; /* the largest memory of the process until train and valid had been read; 0: unknown */
};

/* Opens the reader and reads what is wanted. Continues after a mistake, so that those of all files are reported together.
 * Close with task_data_close, also after a failure. */
rondo_status task_data_open(struct task_data *data, const struct task_data_settings *settings, struct errors *errors);
void task_data_close(struct task_data *data);
/* 1 if task_data_open with these settings would read what `data` has: the same keys of `data`, for a task of the same shape. The
 * files are not read again to see whether they have changed. */
int task_data_is_same(const struct task_data *data, const struct task_data_settings *settings);
/* Makes `data` use what `from` has read. */
void task_data_share(struct task_data *data, const struct task_data *from);

/* A dataset without examples, for those that the caller adds with the reader; NULL with an error. */
struct dataset *task_data_describe(const struct task_data *data, struct errors *errors);

/* What reader and scaling have learned as a JSON object, which the caller owns; NULL with an error. */
struct json_t *task_data_save(const struct task_data *data, struct errors *errors);

/* Reads another file as data of the task, ready for evaluation (with_targets 1) or prediction. NULL with errors; the caller
 * owns it. */
struct dataset *task_data_read(const struct task_data *data, const struct reader_source *source, int with_targets,
                               struct errors *errors);

/* Adds what a person should know of the data, and what is no mistake: parts that share examples, and examples that were left out. */
void task_data_warn(const struct task_data *data, struct errors *warnings);
/* Adds only the notes of a dataset (dataset_note); NULL: none. */
void task_data_notes(const struct dataset *dataset, struct location where, struct errors *warnings);

/* The name of a part for messages: its first file, or "data.valid, a part of FILE". From `arena`; NULL: out of memory. */
const char *task_data_name(const struct data_section *section, enum part_name part, struct arena *arena);

#endif
