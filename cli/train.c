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
#include "io/program.h"
#include "store/run_folder.h"
#include "store/run_list.h"
#include "train/resume.h"
#include "train/run_record.h"
#include "train/task_trial.h"

/* ---- progress on standard error ---- */

struct train_display {
    struct progress progress;
    const struct resume *resume; /* NULL: the training begins */
};

static const char *plural(long long count) {
    return count == 1 ? "" : "s";
}

static void on_begin(void *arg, const struct task *task, const char *folder) {
    struct train_display *display = arg;
    const struct resume *resume = display->resume;
    const int32_t threads = task->session->parallel.threads;
    const long long examples = task->data.train->count, updates = task->updates_per_epoch;
    display->progress = progress_start(task->network);
    fprintf(stderr, "%s: %lld parameters, %lld example%s, %lld update%s per epoch, %d thread%s, writing ",
            task->experiment->name, (long long)model_size(network_model(task->network)), examples, plural(examples),
            updates, plural(updates), threads, plural(threads));
    print_text(stderr, folder);
    if (resume != NULL && resume->archive == NULL) {
        fprintf(stderr, ", which has no checkpoint yet: from the beginning");
    } else if (resume != NULL) {
        fprintf(stderr, ", going on after step %lld", (long long)resume->step);
    }
    fprintf(stderr, "\n");
}

static void on_update(void *arg, const struct trainer_progress *state) {
    struct train_display *display = arg;
    progress_update(&display->progress, state);
}

static void on_interval(void *arg, const struct trainer_progress *state) {
    struct train_display *display = arg;
    progress_interval(&display->progress, state);
}

/* "  the cat sleeps -> die Katze schläft (die Katze schläft)": prompt, output, and the reference in brackets. */
static void on_samples(void *arg, const struct train_sample *samples, int64_t count) {
    (void)arg;
    for (int64_t i = 0; i < count; i++) {
        const struct train_sample *sample = &samples[i];
        fprintf(stderr, "  ");
        if (sample->prompt != NULL) {
            print_text(stderr, sample->prompt);
            fprintf(stderr, " -> ");
        }
        print_text(stderr, sample->output == NULL ? "numbers, see samples.jsonl" : sample->output);
        if (sample->reference != NULL) {
            fprintf(stderr, " (");
            print_text(stderr, sample->reference);
            fprintf(stderr, ")");
        }
        fprintf(stderr, "\n");
    }
}

static void on_rollback(void *arg, int64_t rollbacks, int64_t step, double lr_factor, const char *reason) {
    struct train_display *display = arg;
    (void)rollbacks;
    progress_rollback(&display->progress, step, lr_factor, reason);
}

/* ---- the result on standard output ---- */

static rondo_status print_json(const struct task *task, const struct train_result *result,
                               const struct naive_scores *naive, struct errors *errors) {
    json_t *valid = task->data.valid == NULL ? json_null() : json_object();
    if (task->data.valid != NULL) {
        run_record_scores(valid, task->network, &result->trainer.valid);
        naive_scores_json(naive, task->network, valid);
    }
    json_t *object = json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:b, s:o}", "run", json_text(result->folder), "epochs",
                               (json_int_t)result->trainer.epochs, "best_epoch", (json_int_t)result->trainer.best_epoch,
                               "best_step", (json_int_t)result->trainer.best_step, "skipped",
                               (json_int_t)result->trainer.skipped, "rollbacks", (json_int_t)result->trainer.rollbacks,
                               "stopped_early", result->trainer.stopped_early, "valid", valid);
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
    if (result->trainer.skipped > 0) {
        printf(", %lld update%s skipped", (long long)result->trainer.skipped, result->trainer.skipped == 1 ? "" : "s");
    }
    if (result->trainer.rollbacks > 0) {
        printf(", %lld rollback%s", (long long)result->trainer.rollbacks, result->trainer.rollbacks == 1 ? "" : "s");
    }
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

/* What the command line asks for. */
struct train_request {
    const char *experiment; /* NULL with `resume` */
    const char *out;
    const char *folder; /* of --resume; NULL: a new run */
    int accepts_changes, quiet, json;
    const char *const *assignments;
    uint64_t max_memory; /* 0: no limit */
};

static rondo_status check_max_memory(struct task *task, uint64_t most, struct errors *errors) {
    struct task_memory memory;
    if (most == 0) {
        return RONDO_OK;
    }
    const rondo_status status = task_trial_memory(task, &memory, errors);
    if (status != RONDO_OK) {
        return errors_add(errors, status, "this was found while the memory of the training was predicted");
    }
    return task_memory_check(task, &memory, (struct memory_limit){.bytes = most, .source = "--max-memory"}, errors);
}

/* What the command that goes on must set after a value that was not finite, since the same failure would come again without
 * it; "" after another failure. From the arena of the task; NULL: out of memory. */
static const char *setting_to_go_on(const struct task *task, const struct train_result *result, rondo_status status) {
    const struct schedule_options *schedule = &task->experiment->schedule.options;
    const int64_t limit = schedule->nonfinite_limit, most = 1000000; /* as of the key */
    const int is_at_limit = (schedule->on_nonfinite == NONFINITE_SKIP && result->trainer.skipped >= limit) ||
                            (schedule->on_nonfinite == NONFINITE_ROLLBACK && result->trainer.rollbacks >= limit);
    if (status != RONDO_NOT_FINITE) {
        return "";
    }
    return is_at_limit ? arena_printf(task->experiment->arena, " --set schedule.nonfinite_limit=%lld",
                                      (long long)(limit < most / 2 ? 2 * limit : most))
                       : " --set schedule.on_nonfinite=rollback";
}

/* The command that goes on with a run, as the last of the errors. */
static void add_hint(const struct task *task, const struct train_result *result, struct errors *errors) {
    const char *folder = result->folder == NULL ? NULL : shell_word(result->folder, task->experiment->arena);
    const char *setting = setting_to_go_on(task, result, errors->status);
    if (folder != NULL && setting != NULL && result->can_resume) {
        errors_add(errors, errors->status, "to go on: rondo train --resume %s%s", folder, setting);
    }
}

/* Before a new run: warns of an unfinished one, the newest of this name or that of --out, since it may be what was meant. */
static void warn_of_unfinished(const struct task *task, const struct train_request *request) {
    struct arena *arena = task->experiment->arena;
    const char *folder = request->out != NULL ? request->out : run_list_newest(task->experiment->name, arena);
    const char *word = folder == NULL || !run_folder_is_unfinished(folder) ? NULL : shell_word(folder, arena);
    struct errors warnings = {0};
    if (word == NULL) {
        return;
    }
    const int64_t step = run_list_checkpoint(folder);
    if (step < 0) {
        errors_add(&warnings, RONDO_INVALID,
                   "the run '%s' is unfinished, and has no checkpoint yet; to train in it: rondo train --resume %s",
                   folder, word);
    } else {
        errors_add(
            &warnings, RONDO_INVALID,
            "the run '%s' is unfinished, with a checkpoint after step %lld; to go on with it: rondo train --resume "
            "%s",
            folder, (long long)step, word);
    }
    report_warnings(&warnings, request->json);
}

static rondo_status print_outcome(const struct task *task, const struct train_result *result,
                                  const struct train_request *request, struct errors *errors) {
    struct naive_scores naive = {0};
    if (task->data.valid != NULL) {
        RONDO_TRY(naive_scores_measure(&naive, task, task->data.valid, errors));
    }
    if (request->json) {
        return print_json(task, result, &naive, errors);
    }
    print_result(task, result, &naive);
    if (task->session->profile != NULL) {
        profile_print(task->session->profile, task->session->parallel.threads);
    }
    return RONDO_OK;
}

/* `resume` NULL: a new run. */
static rondo_status train(struct task *task, struct resume *resume, const struct train_request *request,
                          struct errors *errors) {
    struct train_display display = {.resume = resume};
    const struct train_observer silent = {.arg = NULL};
    const struct train_observer drawing = {.begin = on_begin,
                                           .update_end = on_update,
                                           .interval_end = on_interval,
                                           .samples = on_samples,
                                           .rollback = on_rollback,
                                           .arg = &display};
    const struct train_observer *observer = request->quiet ? &silent : &drawing;
    struct train_result result;
    report_data(task, request->json);
    warn_of_series(task, request->json, errors);
    RONDO_TRY(check_max_memory(task, request->max_memory, errors));
    const rondo_status status = resume == NULL ? train_experiment(task, request->out, observer, &result, errors)
                                               : train_resume(resume, observer, &result, errors);
    if (status != RONDO_OK) {
        add_hint(task, &result, errors);
        return status;
    }
    return print_outcome(task, &result, request, errors);
}

static void begin_run(const struct train_request *request, struct session *session, struct errors *errors) {
    struct task *task = task_open(request->experiment, request->assignments, session, TASK_TRAIN | TASK_VALID, errors);
    if (task != NULL) {
        warn_of_unfinished(task, request);
        train(task, NULL, request, errors);
    } else if (errors->status == RONDO_INTERRUPTED) {
        errors_add(errors, RONDO_INTERRUPTED, "nothing was trained yet: the same command begins again");
    }
    task_destroy(task);
}

static void resume_run(const struct train_request *request, struct session *session, struct errors *errors) {
    const struct resume_settings settings = {.folder = request->folder,
                                             .experiment = request->experiment,
                                             .assignments = request->assignments,
                                             .accepts_changes = request->accepts_changes};
    struct resume resume;
    struct errors notes = {0};
    const rondo_status opened = resume_open(&resume, &settings, session, &notes, errors);
    report_warnings(&notes, request->json);
    if (opened == RONDO_OK) {
        train(resume.task, &resume, request, errors);
    } else if (opened == RONDO_INTERRUPTED) {
        errors_add(errors, RONDO_INTERRUPTED, "the run is as it was: the same command goes on");
    } else if (resume.is_other && !resume.is_unfit && !request->accepts_changes) {
        errors_add(errors, opened, "--accept-changes goes on nevertheless");
    }
    resume_close(&resume);
}

/* --resume: goes on with the run. With an experiment, the run may not exist yet, or have been killed as it started: then it
 * begins. */
static void resume_or_begin(const struct train_request *request, struct session *session, struct errors *errors) {
    if (request->experiment == NULL || !run_folder_is_free(request->folder)) {
        resume_run(request, session, errors);
        return;
    }
    struct train_request begin = *request;
    begin.out = request->folder;
    begin_run(&begin, session, errors);
}

static int is_request_valid(const struct train_request *request, struct errors *errors) {
    if (request->folder != NULL && request->out != NULL) {
        errors_add(errors, RONDO_INVALID, "--resume goes on in the folder of the run, so --out is not used");
    }
    if (request->folder == NULL && request->accepts_changes) {
        errors_add(errors, RONDO_INVALID, "--accept-changes is only used with --resume");
    }
    return errors->count == 0;
}

static int run_train(const struct command *command, int argc, char **argv) {
    struct common_flags common = {0};
    struct train_request request = {0};
    int profiles = 0;
    const struct flag flags[] = {
        COMMON_FLAG_SET(common),
        {"out", "FOLDER", FLAG_TEXT, &request.out, "the folder of the run (default: runs/NAME)"},
        {"resume", "RUN", FLAG_TEXT, &request.folder,
         "go on with the training of this folder; with --set schedule.epochs=N, also of a finished one; with "
         "EXPERIMENT.yaml, train it there if there is no run yet"},
        {"accept-changes", NULL, FLAG_ON, &request.accepts_changes,
         "with --resume: go on although data, cells, plug-ins or keys have changed"},
        COMMON_FLAG_PLUGIN(common),
        COMMON_FLAG_VERBOSE(common),
        COMMON_FLAG_THREADS(common),
        COMMON_FLAG_ENGINE(common),
        COMMON_FLAG_PASSES(common),
        FLAG_MAX_MEMORY_OF(request.max_memory),
        COMMON_FLAG_JSON(common),
        {"quiet", NULL, FLAG_ON, &request.quiet, "print no progress"},
        {"profile", NULL, FLAG_ON, &profiles, "print at the end how long each layer and stage took"},
        {NULL, NULL, FLAG_ON, NULL, NULL},
    };
    struct arguments arguments;
    int status;
    if (!arguments_parse(command, flags, argc, argv, 0, 1, &arguments, &status)) {
        return status;
    }
    if (request.folder == NULL && arguments.n_words == 0) {
        return refuse_missing(command, argc, argv);
    }
    struct errors errors = {0};
    signal(SIGPIPE, SIG_IGN); /* training continues if the reader of its output has ended */
    const struct interrupt interrupt = interrupt_on_signals();
    request.experiment = arguments.words[0];
    request.assignments = common.assignments;
    request.json = common.json;
    struct profile *profile = profiles ? profile_create(&errors) : NULL;
    struct session *session =
        errors.count > 0 || !is_request_valid(&request, &errors) ? NULL : session_from_flags(&common, &errors);
    if (session != NULL) {
        session->interrupt = interrupt;
        session->profile = profile;
        session->reading = request.quiet ? (struct work_progress){NULL, NULL} : session->reading;
        if (request.folder == NULL) {
            begin_run(&request, session, &errors);
        } else {
            resume_or_begin(&request, session, &errors);
        }
    }
    status = finish_command(&errors, common.json);
    session_destroy(session);
    profile_destroy(profile);
    return status;
}

const struct command command_train = {
    "train", "train EXPERIMENT.yaml [--set KEY=VALUE]… [--out FOLDER], or train [EXPERIMENT.yaml] --resume RUN",
    "train the experiment of a YAML file, or go on with a run",
    "Creates a folder with the resolved experiment, the metrics of each validation (JSON lines), weights "
    "(safetensors),\n"
    "vocabulary and environment. The weights are those that did best on data.valid. Prints the folder\n"
    "and their metrics.\n\n"
    "--max-memory predicts the memory of the training, as 'rondo check' does, and refuses one that would take more,\n"
    "before it starts. 4G and 4GB are 4 * 1000^3 bytes, 4GiB are 4 * 1024^3.\n\n"
    "--profile measures the stages of the training, summed over the parts of a batch that threads compute at the\n"
    "same time, and, for the engine 'fused', each layer and its loop over time; with\n"
    "--json its numbers are under \"profile\".\n\n"
    "Ctrl-C ends the training cleanly, with a checkpoint. A second Ctrl-C ends it at once. However a training ends,\n"
    "--resume goes on from its last checkpoint, and the run ends with the same files as if it had not been "
    "interrupted.\n\n"
    "A new run never continues another: if the last one of the experiment is unfinished, a warning says how to go on "
    "with\n"
    "it, and the new one gets the next folder.\n\n"
    "With both EXPERIMENT.yaml and --resume RUN, the same command begins the run, goes on with it, and prints the "
    "result\n"
    "once it has finished. It is refused if the run is of another experiment.\n\n"
    "  rondo train examples/sentiment/experiment.yaml --set schedule.seed=2\n"
    "  rondo train --resume runs/food-sentiment\n",
    run_train};
