/* train/resume.h: an unfinished or finished run, opened to train on in its folder.
 *
 *     struct resume resume;
 *     if (resume_open(&resume, &settings, session, notes, errors) == RONDO_OK) {
 *         train_resume(&resume, observer, &result, errors);       train/train.h
 *     }
 *     resume_close(&resume);
 *
 * Threads: main thread.
 */
#ifndef RONDO_TRAIN_RESUME_H
#define RONDO_TRAIN_RESUME_H

#include "store/run_folder.h"
#include "train/task.h"

struct resume_settings {
    const char *folder;             /* of the run */
    const char *experiment;         /* a file whose experiment the run must be of; NULL: the run's own is used */
    const char *const *assignments; /* as in experiment_load; NULL: none */
    int accepts_changes; /* 1: train on although data, cells, plug-ins or keys differ from those of the run */
};

struct resume {
    struct run_folder *run;  /* locked; NULL once train_resume has taken it over */
    struct archive *archive; /* the checkpoint; NULL: there is none yet, so the training begins */
    int64_t step;            /* updates before it; 0 without one */
    struct task *task;
    int has_changed; /* 1: the folder must get other files: keys were set, or differences accepted */
    int is_unfit; /* 1: parameters or optimizer are others than in the checkpoint, so that differences cannot be accepted */
    int is_other; /* 1: there are differences, so that the past would not come out as it was; resume_open has accepted or
                        refused them */
};

/* Opens folder, checkpoint and task. The run's own vocabulary is used, and its own experiment, unless another file is named: that
 * is compared in the same way. Refuses (RONDO_INVALID) what would not
 * end as an uninterrupted run: data, cells, plug-ins and keys that have changed, each with its difference, unless they are
 * accepted. Another optimizer and other shapes of parameters are refused in any case. Accepted differences, and damaged checkpoints that were passed over, are added to `notes`.
 *
 * More epochs than planned (schedule.epochs) are no difference, unless the learning rate of the past would have been another
 * one in a run of this length. Close with resume_close, also after a failure. */
rondo_status resume_open(struct resume *resume, const struct resume_settings *settings, struct session *session,
                         struct errors *notes, struct errors *errors);
/* The lengths of the logs when the checkpoint was written; 0 without one (NULL). */
rondo_status resume_take_lengths(struct archive *archive, int64_t lengths[RUN_LOG_COUNT], struct errors *errors);
void resume_close(struct resume *resume);

#endif
