/* cli/train.c: `rondo train`. */
#include "train/train.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/naive_scores.h"
#include "cli/print.h"
#include "cli/profile_report.h"
#include "cli/progress.h"
#include "data/origins.h"
#include "io/json.h"
#include "train/run_record.h"

/* ---- progress on standard error ---- */

static void on_begin(void *arg, const struct task *task, const char *folder) {
    struct progress *progress = arg;
    const int32_t threads = task->session->parallel.threads;
    *progress = progress_start(task->network);
    fprintf(stderr, "%s: %lld parameters, %lld examples, %d thread%s, writing ", task->experiment->name,
            (long long)model_size(network_model(task->network)), (long long)task->data.train->count, threads,
            threads == 1 ? "" : "s");
    print_text(stderr, folder);
    fprintf(stderr, "\n");
}

static void on_update(void *arg, const struct trainer_progress *state) {
    progress_update(arg, state);
}

static void on_interval(void *arg, const struct trainer_progress *state) {
    progress_interval(arg, state);
}

/* ---- the result on standard output ---- */

static rondo_status print_json(const struct task *task, const struct train_result *result,
                               const struct naive_scores *naive, struct errors *errors) {
    json_t *valid = task->data.valid == NULL ? json_null() : json_object();
    if (task->data.valid != NULL) {
        run_record_scores(valid, task->network, &result->trainer.valid);
        naive_scores_json(naive, task->network, valid);
    }
    json_t *object = json_pack("{s:o, s:I, s:I, s:I, s:b, s:o}", "run", json_text(result->folder), "epochs",
                               (json_int_t)result->trainer.epochs, "best_epoch", (json_int_t)result->trainer.best_epoch,
                               "best_step", (json_int_t)result->trainer.best_step, "stopped_early",
                               result->trainer.stopped_early, "valid", valid);
    const struct session *session = task->session;
    if (session->profile != NULL &&
        json_object_set_new(object, "profile", profile_json(session->profile, session->parallel.threads)) != 0) {
        json_decref(object);
        object = NULL;
    }
    return output_json(object, JSON_REAL_PRECISION(9), errors);
}

static void print_result(const struct task *task, const struct train_result *result, const struct naive_scores *naive) {
    const struct network *network = task->network;
    printf("run ");
    print_text(stdout, result->folder);
    printf(": best epoch %lld", (long long)result->trainer.best_epoch);
    if (result->trainer.best_step % task->updates_per_epoch != 0) {
        printf(" (step %lld)", (long long)result->trainer.best_step);
    }
    printf(" of %lld%s", (long long)result->trainer.epochs, result->trainer.stopped_early ? " (stopped early)" : "");
    for (int32_t m = 0; task->data.valid != NULL && m < network_metric_count(network); m++) {
        printf("%s %s %.4f", m == 0 ? ", valid" : "", network_metric_name(network, m),
               network_metric(network, &result->trainer.valid, m));
    }
    printf("\n");
    naive_scores_print(naive, network);
}

/* Warns of series that are too short to be learned from. */
static void warn_of_series(const struct task *task, int json, struct errors *errors) {
    const struct timeline *timeline = task->data.train->timeline;
    const int32_t count = timeline == NULL ? 0 : origins_series(task->data.train, errors);
    struct errors warnings = {0};
    if (timeline != NULL && count >= 0 && count < timeline->n_series) {
        errors_add(&warnings, RONDO_INVALID,
                   "%d of %d series have no forecast in the training part, for which data.window and data.horizon take "
                   "%lld rows in it with numbers to forecast: of these series, only a scale is learned, from their few "
                   "rows",
                   timeline->n_series - count, timeline->n_series,
                   (long long)timeline->window + (long long)timeline->horizon);
    }
    report_warnings(&warnings, json);
}

static rondo_status train(struct task *task, const char *out, int quiet, int json, struct errors *errors) {
    struct progress progress;
    const struct train_observer silent = {NULL, NULL, NULL, NULL};
    const struct train_observer drawing = {on_begin, on_update, on_interval, &progress};
    struct train_result result;
    warn_of_series(task, json, errors);
    RONDO_TRY(train_experiment(task, out, quiet ? &silent : &drawing, &result, errors));
    struct naive_scores naive = {0};
    if (task->data.valid != NULL) {
        RONDO_TRY(naive_scores_measure(&naive, task, task->data.valid, errors));
    }
    if (json) {
        return print_json(task, &result, &naive, errors);
    }
    print_result(task, &result, &naive);
    if (task->session->profile != NULL) {
        profile_print(task->session->profile, task->session->parallel.threads);
    }
    return RONDO_OK;
}

static int run_train(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    const char *out = NULL;
    int quiet = 0, profiles = 0;
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),
        {"out", "FOLDER", FLAG_TEXT, &out, "the folder of the run (default: runs/NAME)"},
        COMMON_FLAG_PLUGIN(common),
        COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_THREADS(common),
        COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common),
        COMMON_FLAG_JSON(common),
        {"quiet", NULL, FLAG_ON, &quiet, "print no progress"},
        {"profile", NULL, FLAG_ON, &profiles, "print at the end how long each layer and stage took"},
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    struct errors errors = {0};
    signal(SIGPIPE, SIG_IGN); /* training continues if the reader of its output has ended */
    const struct interrupt interrupt = interrupt_on_signals();
    struct profile *profile = profiles ? profile_create(&errors) : NULL;
    struct session *session = errors.count > 0 ? NULL : session_from_flags(&common, &errors);
    struct task *task = NULL;
    if (session != NULL) {
        session->interrupt = interrupt;
        session->profile = profile;
        session->reading = quiet ? (struct work_progress){NULL, NULL} : session->reading;
        task = task_open(arguments.words[0], common.assignments, session, TASK_TRAIN | TASK_VALID, &errors);
    }
    if (task != NULL) {
        report_data(task, common.json);
        train(task, out, quiet, common.json, &errors);
    }
    status = errors.count > 0 ? report_errors(&errors, common.json) : finish_output();
    task_destroy(task);
    session_destroy(session);
    profile_destroy(profile);
    return status;
}

const struct command command_train = {
    "train", "train EXPERIMENT.yaml [--set KEY=VALUE]… [--out FOLDER]", "train the experiment of a YAML file",
    "Creates a folder with the resolved experiment, the metrics of each validation (JSON lines), weights "
    "(safetensors),\n"
    "vocabulary and environment. The weights are those that did best on data.valid. Prints the folder\n"
    "and their metrics.\n\n"
    "--profile measures the stages of the training, summed over threads, and the loops of the engine 'fused'; with\n"
    "--json its numbers are under \"profile\".\n\n"
    "Ctrl-C ends the training cleanly: the best weights so far are in the folder. A second Ctrl-C ends it at once.\n\n"
    "  rondo train examples/sentiment/experiment.yaml --set schedule.seed=2\n",
    run_train};
