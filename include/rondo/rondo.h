/* rondo/rondo.h: the embedding API: training and prediction inside another program.
 *
 *     char error[1024];
 *     rondo_run *run = rondo_run_open("runs/food-sentiment", 0, error, sizeof error);
 *     if (run == NULL) { … print error … }
 *     const char *texts[] = {"The food is good"};
 *     float probability[2];
 *     rondo_run_predict(run, texts, 1, probability, error, sizeof error);
 *     puts(rondo_run_label(run, probability[0] > probability[1] ? 0 : 1));
 *     rondo_run_close(run);
 *
 * and, to train such a run:
 *
 *     const char *assignments[] = {"schedule.epochs=4", NULL};
 *     rondo_experiment *experiment = rondo_experiment_open("experiment.yaml", assignments, 0, error, sizeof error);
 *     if (experiment == NULL) { … }
 *     rondo_experiment_train(experiment, "runs/mine", NULL, NULL, error, sizeof error);
 *     rondo_experiment_close(experiment);
 *
 * and, if that was interrupted, to go on:
 *
 *     experiment = rondo_experiment_resume("runs/mine", NULL, 0, 0, error, sizeof error);
 *     if (experiment == NULL) { … }
 *     rondo_experiment_train(experiment, NULL, NULL, NULL, error, sizeof error);
 *
 * Build with  pkg-config --cflags --libs rondo;  docs/embedding.md describes installations in other folders.
 *
 * Errors: a function that fails writes every reason to `error`, one per line, cut at `size` bytes and always terminated,
 * and returns NULL or a status other than RONDO_OK (rondo/plugin.h lists them). After a success `error` is "". `error`
 * may be NULL if `size` is 0. Nothing exits, aborts or prints.
 *
 * Ownership: a rondo_run or rondo_experiment belongs to the caller, who closes it. A text that a function returns belongs
 * to the object, and is valid until the object is closed.
 *
 * Threads: an object is used by one thread at a time; two threads may use two objects at the same time. `threads` is the
 * number of threads that an object computes with; 0: one for each processor. Results do not depend on it.
 */
#ifndef RONDO_RONDO_H
#define RONDO_RONDO_H

#include <stddef.h>
#include <stdint.h>

#include "rondo/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
RONDO_EXPORT const char *rondo_version(void);

/* ---- prediction with a trained run ---- */

typedef struct rondo_run rondo_run;

/* Opens the folder of a run that has weights, even if its training has not finished. NULL on failure. */
RONDO_EXPORT rondo_run *rondo_run_open(const char *folder, int32_t threads, char *error, size_t size);
/* The same with the weights that were best by `metric`, one of schedule.early_stopping.metric of the experiment, such as
 * "valid.f1" or "f1"; NULL: the first of them. */
RONDO_EXPORT rondo_run *rondo_run_open_best(const char *folder, const char *metric, int32_t threads, char *error,
                                            size_t size);
/* `run` may be NULL. */
RONDO_EXPORT void rondo_run_close(rondo_run *run);

/* Levels of log lines. */
enum rondo_log_level {
    RONDO_LOG_DEBUG = 0, /* details, for finding out why something happens */
    RONDO_LOG_INFO = 1   /* events that a user may want to know about, and the lines of plugins */
};

/* A receiver of log lines: `level` is one of enum rondo_log_level; `origin` is the file of the plugin that the line comes
 * from, NULL for Rondo itself; `text` has no newline. Both are valid during the call. May be called on several threads at
 * the same time. */
typedef void (*rondo_log_function)(void *arg, int32_t level, const char *origin, const char *text);
/* Sets the receiver of the run's log lines. NULL, which is the setting after opening: they are dropped. */
RONDO_EXPORT void rondo_run_set_log(rondo_run *run, rondo_log_function function, void *arg);

/* The number of values in one prediction: one per label; 1 if the target is a number; or the number that the loss
 * predicts (quantiles, an embedding). */
RONDO_EXPORT int64_t rondo_run_outputs(const rondo_run *run);
/* The text of label `index` in [0, rondo_run_outputs); NULL if `index` is outside this range, or if predictions are not
 * probabilities of labels. */
RONDO_EXPORT const char *rondo_run_label(const rondo_run *run, int64_t index);

/* One stream of an example. */
typedef struct rondo_input {
    const char *stream; /* "input"; with feedback, "target" is what the model reads as the steps before */
    /* With steps >= 1: int32_t [steps] ids, or float [steps, size] in the units of the data. With steps -1: the text of the
     * whole example, UTF-8 and NUL-terminated, as `rondo predict` reads one line; it is then the only input. */
    const void *values;
    int64_t steps;
} rondo_input;

/* The kind of a stream of the run. Returns the numbers of one step (float), or 0 if a step is an id (int32_t); *ids then
 * gets the number of ids. -1: the run has no such stream. `ids` may be NULL. */
RONDO_EXPORT int64_t rondo_run_stream(const rondo_run *run, const char *stream, int64_t *ids);

/* Predictions of several examples, with a row for each output of the model. Owned by the run, until its next prediction. */
typedef struct rondo_result rondo_result;

/* Predicts `count` >= 0 examples of any architecture. Example i has the `n_inputs` >= 1 streams inputs[i * n_inputs + k].
 * *result gets the predictions; NULL after a failure. RONDO_INVALID, with the example, for a stream that the run does not
 * have or that is missing, an id out of range, a number that is not finite, or a number of steps that does not fit the
 * architecture. */
RONDO_EXPORT rondo_status rondo_run_predict_inputs(rondo_run *run, const rondo_input *inputs, int64_t count,
                                                   int32_t n_inputs, const rondo_result **result, char *error,
                                                   size_t size);
/* The rows of an example: 1, or one for each step if the model has an output at every step. */
RONDO_EXPORT int64_t rondo_result_steps(const rondo_result *result, int64_t example);
/* [steps, rondo_run_outputs]: probabilities of labels, or numbers in the units of the data. */
RONDO_EXPORT const float *rondo_result_values(const rondo_result *result, int64_t example);
/* The line that `rondo predict` prints for the example, with tabs between its parts; NULL: out of memory. */
RONDO_EXPORT const char *rondo_result_text(const rondo_result *result, int64_t example);

/* Predicts `count` >= 0 texts (UTF-8, NUL-terminated). predictions[i * outputs + k] is the probability of label k for
 * text i, or the k-th number. The prediction of a text does not depend on the other texts. RONDO_INVALID if a text is
 * not UTF-8, if the run does not read texts, or if it has an output at every step (rondo_run_predict_inputs then serves);
 * `predictions` is then unchanged. */
RONDO_EXPORT rondo_status rondo_run_predict(rondo_run *run, const char *const *texts, int64_t count, float *predictions,
                                            char *error, size_t size);

/* ---- generation with a trained run ---- */

/* A run whose model reads its own outputs (model.feedback) writes texts, as `rondo generate` does:
 *
 *     rondo_generation *generation = rondo_generation_open(run, "temperature=0.8 max_length=200", error, sizeof error);
 *     if (generation == NULL) { … }
 *     const char *piece;
 *     rondo_generation_start(generation, "In the beginning", NULL, error, sizeof error);
 *     while (rondo_generation_next(generation, &piece, error, sizeof error) == 1) {
 *         fputs(piece, stdout);
 *     }
 *     rondo_generation_continue(generation, " And then", error, sizeof error);   goes on with the same states
 *     …
 *     rondo_generation_close(generation);
 *
 * A generation uses its run, which must be open as long as it is, and counts as the same object for threads. */
typedef struct rondo_generation rondo_generation;

/* `settings` replace those of `generate:` in the experiment: pairs of the keys of that section, such as
 * "beam=5 n_best=3 max_length=40"; NULL: none. NULL if the run does not generate, or not with these settings. */
RONDO_EXPORT rondo_generation *rondo_generation_open(rondo_run *run, const char *settings, char *error, size_t size);
/* `generation` may be NULL. */
RONDO_EXPORT void rondo_generation_close(rondo_generation *generation);

/* Begins a text. A language model goes on with `prompt` (UTF-8; NULL: nothing); any other model has it as the line that
 * `rondo predict` reads: the source of an encoder, or an input. The text begins with `prefix`; NULL: with nothing given. The n-th
 * start of a generation draws the same symbols as the n-th line of `rondo generate --prompt-file`. RONDO_INVALID for a text that is
 * not UTF-8, or for symbols that the vocabulary lacks. */
RONDO_EXPORT rondo_status rondo_generation_start(rondo_generation *generation, const char *prompt, const char *prefix,
                                                 char *error, size_t size);
/* Goes on after the text, in the states that the model has then: it reads `text`, as if it had written it, and writes on. The next
 * text is what follows; max_length counts anew. Only with one text for each start, without a beam. */
RONDO_EXPORT rondo_status rondo_generation_continue(rondo_generation *generation, const char *text, char *error,
                                                    size_t size);

/* 1: *text is the next piece of the text, which is a symbol, or the prefix. With tokens: bytes, a piece may end within a character.
 * With several texts (count, n_best), or a beam, *text is the next whole text, the best first. 0: there is no more, and *text is "".
 * Negative: it failed, with `error`; the number is that of the rondo_status, negated. *text is valid until the next call with this
 * generation. */
RONDO_EXPORT int32_t rondo_generation_next(rondo_generation *generation, const char **text, char *error, size_t size);
/* The log-probability of the text that `next` gave last, or of its pieces so far. NaN: there is none. */
RONDO_EXPORT double rondo_generation_score(rondo_generation *generation);

/* ---- training ---- */

typedef struct rondo_experiment rondo_experiment;

/* Reads an experiment file (YAML) with its cells, plug-ins and data, and checks everything, as `rondo check` does.
 * `assignments` override values of the file, as --set does: "optimizer.lr=0.01", …; the list ends with NULL, and may be
 * NULL itself. Paths in the file are relative to it, paths in assignments to the working directory. NULL on failure. */
RONDO_EXPORT rondo_experiment *rondo_experiment_open(const char *file, const char *const *assignments, int32_t threads,
                                                     char *error, size_t size);
/* Opens the folder of a run, to go on with its training from its last checkpoint, as `rondo train --resume` does:
 * rondo_experiment_train then ends with the same files, byte for byte, as if the run had not been interrupted, except
 * timings.jsonl. If the run has no checkpoint yet, it begins again. The run's own experiment and cells are used.
 * `assignments` as above; "schedule.epochs=N" goes on for more epochs, also with a finished run, which otherwise has nothing
 * left to train.
 *
 * NULL on failure: for example, the folder is not that of a run, all its checkpoints are damaged, or it is being trained, in
 * this or another process. Data, cells, plug-ins or keys that have changed, so that the run would not go on as it began, are
 * a failure if `accept_changes` is 0, and warnings otherwise. Until the training has ended, or the object is closed, nobody
 * else can train in the folder. */
RONDO_EXPORT rondo_experiment *rondo_experiment_resume(const char *folder, const char *const *assignments,
                                                       int32_t accept_changes, int32_t threads, char *error,
                                                       size_t size);
/* What a user should know after one of these two functions, one warning per line: changes that were accepted, a damaged
 * checkpoint that was passed over for an older one, or a file that is both training and validation data. "": nothing. */
RONDO_EXPORT const char *rondo_experiment_warnings(const rondo_experiment *experiment);
/* `experiment` may be NULL. Does not delete the run folder. */
RONDO_EXPORT void rondo_experiment_close(rondo_experiment *experiment);
/* The same as rondo_run_set_log, for an experiment. Updates that are skipped and returns to an earlier state
 * (schedule.on_nonfinite) are lines of RONDO_LOG_INFO. */
RONDO_EXPORT void rondo_experiment_set_log(rondo_experiment *experiment, rondo_log_function function, void *arg);

/* The progress of a training. */
typedef struct rondo_training {
    uint32_t struct_size;    /* bytes of this struct in the library; later versions add fields at the end */
    int32_t epoch_ended;     /* 1: after an epoch and its validation; 0: at any other time */
    int64_t epoch, epochs;   /* the current epoch, from 1; the largest number of epochs */
    int64_t update, updates; /* updates done in this epoch; updates in an epoch */
    int64_t total_updates; /* updates done since the start of the training, with those before it was resumed; less than
                                before if the training went back (schedule.on_nonfinite: rollback) */
    double seconds;        /* time of training since the last validation */
    double loss;           /* mean loss over the training examples since the last validation */
    double valid_loss;     /* validated: mean loss on the validation data; NaN: there is none, or not validated */
    int32_t is_best;       /* validated: the weights are the best so far, and have been written */
    int32_t validated;     /* 1: after a validation or, without validation data, after an epoch; 0: after an update */
} rondo_training;

/* Called on the thread that trains, after each update, and once more after each validation (schedule.validate; by default
 * after each epoch). `training` is borrowed for the call. A result other than 0 ends the training, and it is not called
 * again. Between two calls the training does not stop: an update of several batches, a validation that has begun, and the
 * initialisation of the weights are completed first. It must not call a function with the same rondo_experiment. */
typedef int (*rondo_progress)(void *arg, const rondo_training *training);

/* Trains from new initial weights into a new run folder, as `rondo train` does. folder NULL: runs/NAME below the working
 * directory, or the first of runs/NAME-2, runs/NAME-3, … that does not exist; a given one that exists must be empty.
 * `progress` may be NULL. May be called again: the same experiment gives the same weights.
 *
 * After rondo_experiment_resume: goes on in the folder of that run; `folder` must be NULL, and it may be called once.
 *
 * RONDO_INTERRUPTED if `progress` ended the training before its end. The folder then has a checkpoint of that moment, from which
 * rondo_experiment_resume goes on; and the best weights so far or, if no validation has ended, those of that moment. A
 * validation that was due is left for the resumed training. After any other failure, the folder has the last checkpoint
 * (schedule.checkpoint) and the best weights so far. `error` says which weights and which checkpoint there are; if there is
 * neither, the folder of a new run is removed. */
RONDO_EXPORT rondo_status rondo_experiment_train(rondo_experiment *experiment, const char *folder,
                                                 rondo_progress progress, void *arg, char *error, size_t size);
/* The run folder of the last training, for rondo_run_open and rondo_experiment_resume. NULL if there was no training, or if
 * no folder of it remains. */
RONDO_EXPORT const char *rondo_experiment_folder(const rondo_experiment *experiment);

#ifdef __cplusplus
}
#endif

#endif
