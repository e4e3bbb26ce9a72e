/* cli/train.c: `rondo train`. */
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "io/json.h"
#include "train/run_record.h"

struct watch {
    struct progress progress;
    struct run_folder *run;
    const struct network *network;
    int quiet;
};

static rondo_status on_batch(void *arg, const struct trainer_progress *state, struct errors *errors) {
    struct watch *watch = arg;
    (void)errors;
    if (!watch->quiet) {
        progress_batch(&watch->progress, state);
    }
    return RONDO_OK;
}

static rondo_status on_epoch(void *arg, const struct trainer_progress *state, struct errors *errors) {
    struct watch *watch = arg;
    if (!watch->quiet) {
        progress_epoch(&watch->progress, state);
    }
    return run_record_epoch(watch->run, watch->network, state, errors);
}

/* What the task's experiment says of training, in the words of train/trainer.h. */
static struct trainer_settings trainer_settings(const struct task *task) {
    const struct experiment *experiment = task->experiment;
    const struct schedule_options *schedule = &experiment->schedule.options;
    return (struct trainer_settings){.epochs = schedule->epochs,
                                     .batch = schedule->batch,
                                     .clip_norm = schedule->clip_norm,
                                     .seed = (uint64_t)schedule->seed,
                                     .updater = task->updater,
                                     .schedule = task_schedule(task),
                                     .metric = task->metric,
                                     .patience = experiment->schedule.stopping.patience,
                                     .min_delta = experiment->schedule.stopping.min_delta};
}

/* The validation scores of the weights that were kept. */
static rondo_status print_result(const struct common_flags *common, const struct task *task,
                                 const struct run_folder *run, const struct trainer_result *result,
                                 struct errors *errors) {
    struct scores scores = {0};
    const struct network *network = task->network;
    if (task->valid != NULL) {
        RONDO_TRY(
            network_evaluate(task->network, task->valid, task->experiment->schedule.options.batch, &scores, errors));
    }
    if (common->json) {
        json_t *valid = task->valid == NULL ? json_null() : json_object();
        if (task->valid != NULL) {
            run_record_scores(valid, network, &scores);
        }
        json_t *object = json_pack("{s:o, s:I, s:I, s:b, s:o}", "run", json_text(run_folder_path(run)), "epochs",
                                   (json_int_t)result->epochs, "best_epoch", (json_int_t)result->best_epoch,
                                   "stopped_early", result->stopped_early, "valid", valid);
        return output_json(object, JSON_REAL_PRECISION(9), errors);
    }
    printf("run %s: best epoch %lld of %lld%s", run_folder_path(run), (long long)result->best_epoch,
           (long long)result->epochs, result->stopped_early ? " (stopped early)" : "");
    for (int32_t m = 0; task->valid != NULL && m < network_metric_count(network); m++) {
        printf("%s %s %.4f", m == 0 ? ", valid" : "", network_metric_name(network, m),
               network_metric(network, &scores, m));
    }
    printf("\n");
    return RONDO_OK;
}

/* After a failure: which weights the folder has. */
static void tell_weights(struct run_folder *run, const struct trainer_result *result, struct errors *errors) {
    const int64_t epoch = run_folder_weights(run);
    struct errors moved = {0};
    if (epoch == RUN_FOLDER_NO_WEIGHTS || run_folder_check(run, &moved) != RONDO_OK) {
        errors_free(&moved); /* reported already: it is why the run failed */
        return;
    }
    if (epoch > 0) {
        errors_add(errors, errors->status, "the weights of epoch %lld are in '%s'", (long long)epoch,
                   run_folder_path(run));
    } else {
        errors_add(errors, errors->status, "the weights after step %lld of epoch 1 are in '%s'",
                   (long long)result->steps, run_folder_path(run));
    }
}

static rondo_status train(struct task *task, const struct common_flags *common, const char *out, int quiet,
                          struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    struct model *model = network_model(task->network);
    if (task->train->count == 0) {
        return errors_add(errors, RONDO_INVALID, "%s: there is no example to train on", experiment->train.text);
    }
    RONDO_TRY(model_initialise(model, (uint64_t)experiment->schedule.options.seed, errors));
    struct run_folder *run = run_record_create(out, task, errors);
    if (run == NULL) {
        return errors->status;
    }
    if (!quiet) {
        fprintf(stderr, "%s: %lld parameters, %lld examples, %d thread%s, writing %s\n", experiment->name,
                (long long)model_size(model), (long long)task->train->count, task->session->parallel.threads,
                task->session->parallel.threads == 1 ? "" : "s", run_folder_path(run));
    }
    struct watch watch = {progress_start(task->network), run, task->network, quiet};
    const struct trainer_observer observer = {on_batch, on_epoch, &watch};
    const struct trainer_settings settings = trainer_settings(task);
    struct trainer_result result;
    const double start = trainer_clock();
    rondo_status status = trainer_run(task->network, task->train, task->valid, &settings, &observer, &result, errors);
    if (status == RONDO_OK) {
        status = run_record_finish(run, &result, trainer_clock() - start, errors);
    }
    if (status == RONDO_OK) {
        status = print_result(common, task, run, &result, errors);
    } else {
        if (status == RONDO_INTERRUPTED && run_folder_weights(run) == RUN_FOLDER_NO_WEIGHTS && result.steps > 0) {
            run_record_weights(run, task->network, 0, errors);
        }
        tell_weights(run, &result, errors);
    }
    run_folder_close(run);
    return status;
}

static int run_train(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *out = NULL;
    int quiet = 0;
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),           {"out", "FOLDER", FLAG_TEXT, &out, "the run's folder; runs/NAME without it"},
        COMMON_FLAG_PLUGIN(common),        COMMON_FLAG_THREADS(common),
        COMMON_FLAG_ENGINE(common),        COMMON_FLAG_PASSES(common),
        COMMON_FLAG_JSON(common),          {"quiet", NULL, FLAG_ON, &quiet, "no progress on standard error"},
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    signal(SIGPIPE, SIG_IGN); /* training goes on when the reader of its output has gone */
    const struct interrupt interrupt = interrupt_on_signals();
    struct session *session = open_session(&common, &errors);
    if (session != NULL) {
        session->interrupt = interrupt;
    }
    struct experiment *experiment =
        session == NULL ? NULL : experiment_load(arguments.words[0], common.assignments, session, &errors);
    struct task *task =
        experiment == NULL ? NULL : task_create(experiment, session, TASK_TRAIN | TASK_VALID, NULL, NULL, &errors);
    if (task != NULL) {
        train(task, &common, out, quiet, &errors);
    }
    status = errors.count > 0 ? report_errors(&errors, common.json) : finish_output();
    task_destroy(task);
    session_destroy(session);
    return status;
}

const struct command command_train = {
    "train", "train EXPERIMENT.yaml [--set KEY=VALUE]… [--out FOLDER]", "train the experiment of a YAML file",
    "Makes a folder with the resolved experiment, metrics (JSON lines), weights (safetensors), vocabulary and\n"
    "environment. The weights are those of the epoch that did best on data.valid. Prints the folder and that score.\n\n"
    "  rondo train examples/sentiment/experiment.yaml --set schedule.seed=2\n",
    run_train};
