/* train/train_parts.h: the training of an experiment while it goes on. Private to train/train.c and its parts:
 * train/train_checkpoint.c, when and how its state is saved, train/train_rollback.c, how it goes back, train/train_events.c, what
 * TensorBoard shows of it, and train/train_samples.c, what the model writes meanwhile.
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_TRAIN_PARTS_H
#define RONDO_TRAIN_TRAIN_PARTS_H

#include "store/event_file.h"
#include "train/checkpoint_writer.h"
#include "train/resume.h"
#include "train/train.h"

/* State of a training. */
struct train_samples;
struct experiment_training {
    struct task *task;
    struct run_folder *run;
    const struct train_observer *observer;
    struct train_result *result;
    struct resume *resume; /* NULL: the training begins */
    struct checkpoint_writer *writer;
    struct event_file *events;     /* NULL: none is written, or it is not open yet */
    struct train_samples *samples; /* NULL: none are shown */
    struct archive *back;          /* the checkpoint that a rollback goes on from, until it has been taken */
    struct archive *identity;      /* what the run was made from, for all checkpoints */
    int64_t fallback_step;   /* of the checkpoint that a rollback goes to; RUN_FOLDER_NO_CHECKPOINT: initial weights */
    int64_t validated_step;  /* the updates before the last validation; -1: there was none */
    int has_begun;           /* 1: everything is allocated, and the checkpoint, if any, was taken */
    int is_half_changed;     /* 1: changes were accepted, and not all files have them */
    int is_checkpoint_due;   /* and has not been written, because another one was being written */
    double checkpoint_clock; /* when the last one began, on trainer_clock */
    double start, seconds_before; /* of this process, on trainer_clock; of training in those before */
};

/* 1 if values that are not finite take the training back to a checkpoint. */
int training_rolls_back(const struct experiment_training *training);

/* Begins to write the checkpoint after update `step`, once that before it is written. */
rondo_status training_begin_checkpoint(struct experiment_training *training, enum trainer_pause why, int64_t step,
                                       const struct training *state, struct errors *errors);
/* trainer_observer.pause: writes a checkpoint if one is due. `arg`: the training. */
rondo_status training_pause(void *arg, enum trainer_pause why, const struct trainer_progress *progress,
                            const struct training *state, struct errors *errors);

/* With schedule.tensorboard: opens the event file, or cuts it, so that it has the events of the intervals in metrics.jsonl. */
rondo_status training_begin_events(struct experiment_training *training, struct errors *errors);
/* Appends the event of an interval; before its line in metrics.jsonl, so that no interval is without one. */
rondo_status training_write_events(struct experiment_training *training, const struct trainer_progress *progress,
                                   struct errors *errors);

/* With generate.show: opens samples.jsonl and the generator. */
rondo_status training_begin_samples(struct experiment_training *training, struct errors *errors);
/* Generates the samples of an interval, and appends their line; before the line in metrics.jsonl, so that no interval is without
 * one. */
rondo_status training_write_samples(struct experiment_training *training, const struct trainer_progress *progress,
                                    struct errors *errors);
/* Passes the last ones to the observer. */
void training_report_samples(const struct experiment_training *training);
void training_end_samples(struct experiment_training *training);

/* Removes what was written to the logs after a checkpoint, and will be written again. */
rondo_status training_cut_logs(struct run_folder *run, const int64_t lengths[RUN_LOG_COUNT], struct errors *errors);
/* 1 if the training may go back after this failure. If only the limit forbids it, adds an error. */
int training_may_go_back(const struct experiment_training *training, rondo_status status, struct errors *errors);
/* Takes the folder back to the state that the training goes on from, and reads it, for rollback number `rollbacks`. `reason`:
 * what has failed, after `lost_seconds`. */
rondo_status training_go_back(struct experiment_training *training, int64_t rollbacks, double lost_seconds,
                              const char *reason, struct errors *errors);

#endif
