#define _POSIX_C_SOURCE 200809L
#include "compare/runner.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/folder.h"
#include "compare/run_result.h"
#include "io/file.h"
#include "io/json.h"

#define OUTPUT_FILE "output.txt" /* what plug-ins print while they train */

/* ---- what is in the folder ---- */

static rondo_status look_at_run(const struct comparison_plan *plan, struct compared_run *run, struct errors *errors) {
    const struct comparison *comparison = &plan->comparison;
    const struct run_result_settings settings = {
        .folder = arena_printf(plan->arena, "%s/%s", comparison->folder, run->folder),
        .metric = comparison->metric,
        .higher_is_better = comparison->higher_is_better,
        .part = comparison->part,
        .target = comparison->target};
    return settings.folder == NULL ? errors_no_memory(errors) : run_result_read(&settings, run, plan->arena, errors);
}

/* Where setting `i` of a trial lies among those of all trials. There are no ends of fewer than three different numbers, nor is 0
 * one: what cannot be negative ends there by itself. */
static enum compared_end end_among_trials(const struct comparison_plan *plan, const struct compare_setting *chosen,
                                          int32_t i) {
    double own, least = INFINITY, most = -INFINITY, other;
    if (!compare_value_number(chosen->value, &own)) {
        return COMPARED_WITHIN;
    }
    for (int32_t t = 0; t < plan->section.trials; t++) {
        if (!compare_value_number(plan->section.trial_settings[t].settings[i].value, &other)) {
            return COMPARED_WITHIN;
        }
        least = fmin(least, other);
        most = fmax(most, other);
    }
    int has_middle = 0;
    for (int32_t t = 0; t < plan->section.trials; t++) {
        compare_value_number(plan->section.trial_settings[t].settings[i].value, &other);
        has_middle |= other > least && other < most;
    }
    return !has_middle || own == 0 ? COMPARED_WITHIN
           : own == least          ? COMPARED_SMALLEST
           : own == most           ? COMPARED_LARGEST
                                   : COMPARED_WITHIN;
}

/* The settings that tuning has chosen, if it has. */
static rondo_status look_at_choice(const struct comparison_plan *plan, int32_t variant, struct errors *errors) {
    struct compared_variant *compared = &plan->comparison.variants[variant];
    const struct compare_setting *settings;
    int32_t count = 0;
    struct errors own = {0};
    const rondo_status status = comparison_choice(plan, variant, &settings, &count, plan->arena, &own);
    errors_free(&own);
    if (status == RONDO_NO_MEMORY) {
        return errors_no_memory(errors);
    }
    struct compared_setting *tuned = arena_calloc(plan->arena, (size_t)count + 1, sizeof *tuned);
    for (int32_t i = 0; i < count && tuned != NULL && status == RONDO_OK; i++) {
        tuned[i] = (struct compared_setting){settings[i].key, yaml_line(settings[i].value, plan->arena),
                                             end_among_trials(plan, &settings[i], i)};
    }
    compared->tuned = tuned;
    compared->failed_trials = comparison_failed_trials(plan, variant, plan->arena);
    compared->n_tuned = tuned == NULL || status != RONDO_OK ? 0 : count;
    return arena_failed(plan->arena) ? errors_no_memory(errors) : RONDO_OK;
}

rondo_status comparison_look(struct comparison_plan *plan, struct errors *errors) {
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        RONDO_TRY(look_at_choice(plan, v, errors));
        for (int32_t s = 0; s < plan->comparison.n_seeds; s++) {
            RONDO_TRY(look_at_run(plan, &plan->comparison.variants[v].runs[s], errors));
        }
    }
    return RONDO_OK;
}

rondo_status comparison_write(const struct comparison_plan *plan, struct errors *errors) {
    json_t *value = comparison_json(&plan->comparison);
    char *text = json_write(value, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(value);
    const char *file = arena_printf(plan->arena, "%s/" COMPARISON_FILE, plan->comparison.folder);
    const rondo_status status =
        text == NULL || file == NULL ? errors_no_memory(errors) : file_write(file, text, strlen(text), errors);
    free(text);
    return status;
}

/* ---- a job, in its process ---- */

/* Exit status of a job that could not write, or not read what the comparison began with: all others would fail in the same way. */
enum { EXIT_STOPS = 3 };

/* The work of a phase. */
struct phase_work {
    struct comparison_plan *plan;
    const struct comparison_phase *phase;
    const int32_t *numbers; /* [n_left] of the jobs that are left */
    const struct runner_settings *settings;
    int is_stopping; /* 1: the jobs that run were asked to end */
    double written;  /* when comparison.json was, on trainer_clock */
};

/* Reports of a job. */
struct job_reporting {
    int pipe;
    int32_t metric;
    struct job_progress progress;
    double sent;
    const struct network *network;
};

static void send_report(struct job_reporting *reporting, const struct trainer_progress *progress) {
    const double done = (double)(progress->epoch - 1) + (double)progress->update / (double)progress->updates;
    reporting->progress.epoch = (double)progress->epoch;
    reporting->progress.epochs = (double)progress->epochs;
    reporting->progress.share = done / (double)progress->epochs;
    reporting->sent = trainer_clock();
    process_report(reporting->pipe, &reporting->progress);
}

static void on_begin(void *arg, const struct task *task, const char *folder) {
    struct job_reporting *reporting = arg;
    (void)folder;
    reporting->network = task->network;
}

static void on_update(void *arg, const struct trainer_progress *progress) {
    struct job_reporting *reporting = arg;
    if (trainer_clock() - reporting->sent > 0.2) {
        send_report(reporting, progress);
    }
}

static void on_interval(void *arg, const struct trainer_progress *progress) {
    struct job_reporting *reporting = arg;
    if (progress->valid != NULL && reporting->network != NULL) {
        reporting->progress.score = network_metric(reporting->network, progress->valid, reporting->metric);
    }
    send_report(reporting, progress);
}

static rondo_status do_job(struct comparison_plan *plan, const struct phase_job *job, int32_t threads,
                           const struct train_observer *observer, struct errors *errors) {
    struct run_job own = job->job;
    own.threads = threads;
    return job->is_score ? run_job_score(plan, &own, errors) : run_job_train(plan, &own, observer, errors);
}

static int work(void *arg, int32_t number, int pipe) {
    const struct phase_work *phase = arg;
    const struct phase_job *job = &phase->phase->jobs[phase->numbers[number]];
    struct job_reporting reporting = {
        .pipe = pipe, .metric = phase->plan->variants[job->job.variant].metric, .progress = {.score = NAN}};
    const struct train_observer observer = {
        .begin = on_begin, .update_end = on_update, .interval_end = on_interval, .arg = &reporting};
    struct errors errors = {0};
    const rondo_status status = do_job(phase->plan, job, phase->settings->threads_per_job, &observer, &errors);
    errors_free(&errors);
    return status == RONDO_OK ? EXIT_SUCCESS : status == RONDO_IO ? EXIT_STOPS : EXIT_FAILURE;
}

/* ---- this process ---- */

static void begin_job(void *arg, int32_t number) {
    const struct phase_work *phase = arg;
    const struct comparison_observer *observer = phase->settings->observer;
    if (observer->begin != NULL) {
        observer->begin(observer->arg, &phase->phase->jobs[phase->numbers[number]]);
    }
}

static void report_job(void *arg, int32_t number, const struct job_progress *progress) {
    const struct phase_work *phase = arg;
    const struct comparison_observer *observer = phase->settings->observer;
    if (observer->report != NULL) {
        observer->report(observer->arg, &phase->phase->jobs[phase->numbers[number]], progress);
    }
}

static void tick(void *arg) {
    const struct phase_work *phase = arg;
    const struct comparison_observer *observer = phase->settings->observer;
    if (observer->tick != NULL) {
        observer->tick(observer->arg);
    }
}

/* A job that a signal has ended, but that of an interrupt, could not record its failure. */
static rondo_status record_signal(const struct phase_job *job, int signal, struct errors *errors) {
    const char *name = process_signal_text(signal);
    struct arena *arena = arena_create();
    const char *reason = name == NULL ? arena_printf(arena, "ended by signal %d", signal)
                                      : arena_printf(arena, "ended by a signal: %s", name);
    const rondo_status status =
        reason == NULL ? errors_no_memory(errors) : run_result_fail(job->job.folder, reason, NULL, errors);
    arena_destroy(arena);
    return status;
}

static rondo_status end_job(void *arg, int32_t number, int exit_status, int signal, struct errors *errors) {
    struct phase_work *phase = arg;
    struct comparison_plan *plan = phase->plan;
    const struct phase_job *job = &phase->phase->jobs[phase->numbers[number]];
    const struct comparison_observer *observer = phase->settings->observer;
    struct compared_run trial = {.seed = job->job.seed, .folder = job->job.folder}, *run = &trial;
    const int was_asked = phase->is_stopping || interrupt_is_requested(&plan->session->interrupt);
    const char *reason = NULL;
    run_result_is_failed(job->job.folder, NULL, &reason, plan->arena);
    if (signal != 0 && !was_asked) {
        RONDO_TRY(record_signal(job, signal, errors));
    } else if (exit_status != 0 && reason == NULL && !was_asked) {
        /* It was interrupted by a signal for it only, or could not record why it has failed, as on a full disk. */
        RONDO_TRY(run_result_fail(job->job.folder, "ended before its end without a reason", NULL, errors));
    }
    if (job->trial < 0) {
        run = &plan->comparison.variants[job->job.variant].runs[job->seed];
        RONDO_TRY(look_at_run(plan, run, errors));
    } else {
        const struct run_result_settings settings = {.folder = job->job.folder,
                                                     .metric = plan->comparison.metric,
                                                     .higher_is_better = plan->comparison.higher_is_better,
                                                     .part = plan->comparison.part,
                                                     .target = NAN};
        RONDO_TRY(run_result_read(&settings, run, plan->arena, errors));
    }
    if (observer->end != NULL) {
        observer->end(observer->arg, job, run);
    }
    if (exit_status == EXIT_STOPS && run->state == COMPARED_FAILED && !phase->is_stopping) {
        phase->is_stopping = 1;
        return errors_add(errors, RONDO_IO, "%s; the comparison stops here, and the same command goes on", run->reason);
    }
    if (trainer_clock() - phase->written > 2) { /* seconds: with thousands of runs, the file is large */
        RONDO_TRY(comparison_write(plan, errors));
        phase->written = trainer_clock();
    }
    return RONDO_OK;
}

/* The choice of tuning must not depend on a trial that may be tried again. */
static rondo_status check_trials(const struct comparison_plan *plan, int32_t number, struct errors *errors) {
    struct arena *arena = arena_create();
    struct comparison_phase phase;
    rondo_status status = comparison_phase_open(plan, number, &phase, arena, errors);
    if (status == RONDO_OK && phase.n_left > 0) {
        const char *reason = NULL;
        for (int32_t i = 0; i < phase.count && reason == NULL; i++) {
            if (!phase.jobs[i].is_done) {
                run_result_is_failed(phase.jobs[i].job.folder, NULL, &reason, arena);
            }
        }
        status = errors_add(errors, RONDO_IO,
                            "%d trial%s of the tuning ended before the end, so no settings can be chosen yet%s%s; the "
                            "same command tries again",
                            phase.n_left, phase.n_left == 1 ? "" : "s", reason == NULL ? "" : ": ",
                            reason == NULL ? "" : reason);
    }
    arena_destroy(arena);
    return status;
}

static rondo_status run_phase(struct comparison_plan *plan, int32_t number, const struct runner_settings *settings,
                              struct arena *arena, struct errors *errors) {
    struct comparison_phase phase;
    RONDO_TRY(comparison_phase_open(plan, number, &phase, arena, errors));
    if (plan->section.trials > 0 && phase.count > 0 && !phase.jobs[0].is_score) {
        RONDO_TRY(comparison_check_phase(plan, &phase, errors)); /* of settings that have been chosen just now */
    }
    int32_t *numbers = arena_calloc(arena, (size_t)phase.count + 1, sizeof *numbers), count = 0;
    const char *output = arena_printf(arena, "%s/" OUTPUT_FILE, plan->comparison.folder);
    if (numbers == NULL || output == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < phase.count; i++) {
        if (!phase.jobs[i].is_done) {
            numbers[count++] = i;
        }
    }
    if (settings->observer->phase != NULL) {
        settings->observer->phase(settings->observer->arg, plan, &phase);
    }
    struct phase_work work_of = {
        .plan = plan, .phase = &phase, .numbers = numbers, .settings = settings, .written = trainer_clock()};
    const struct process_jobs jobs = {.count = count,
                                      .most = settings->jobs,
                                      .output = output,
                                      .interrupt = plan->session->interrupt,
                                      .work = work,
                                      .begin = begin_job,
                                      .report = report_job,
                                      .end = end_job,
                                      .tick = tick,
                                      .arg = &work_of};
    RONDO_TRY(processes_run(&jobs, errors));
    return phase.is_tuning ? check_trials(plan, number, errors) : RONDO_OK;
}

rondo_status comparison_run(struct comparison_plan *plan, int32_t first, int32_t last,
                            const struct runner_settings *settings, struct errors *errors) {
    rondo_status status = comparison_look(plan, errors);
    status = status == RONDO_OK ? comparison_write(plan, errors) : status;
    for (int32_t number = first; number < last && status == RONDO_OK; number++) {
        struct arena *arena = arena_create();
        status = arena == NULL ? errors_no_memory(errors) : run_phase(plan, number, settings, arena, errors);
        arena_destroy(arena);
    }
    if (status == RONDO_OK || status == RONDO_INTERRUPTED) {
        struct errors *all = errors;
        const rondo_status looked = comparison_look(plan, all);
        const rondo_status written = looked == RONDO_OK ? comparison_write(plan, all) : looked;
        status = written == RONDO_OK ? status : written;
    }
    return status;
}

rondo_status comparison_run_job(struct comparison_plan *plan, int32_t phase_number, int32_t number, int32_t threads,
                                struct errors *errors) {
    static const struct train_observer silent = {.arg = NULL};
    struct arena *arena = arena_create();
    struct comparison_phase phase;
    const int32_t count = comparison_phase_count(plan);
    rondo_status status =
        phase_number < 0 || phase_number >= count
            ? errors_add(errors, RONDO_INVALID, "there is no phase %d, expected 1 to %d", phase_number + 1, count)
            : comparison_phase_open(plan, phase_number, &phase, arena, errors);
    if (status == RONDO_OK && (number < 0 || number >= phase.count)) {
        status = errors_add(errors, RONDO_INVALID, "phase %d has no task %d, expected 1 to %d", phase_number + 1,
                            number + 1, phase.count);
    }
    if (status == RONDO_OK && !phase.jobs[number].is_done) {
        status = do_job(plan, &phase.jobs[number], threads, &silent, errors);
    }
    arena_destroy(arena);
    return status;
}

/* ---- estimates ---- */

struct estimate_work {
    struct comparison_plan *plan;
    int32_t threads;
    double *seconds, *bytes;
};

static int estimate(void *arg, int32_t variant, int pipe) {
    const struct estimate_work *work_of = arg;
    const struct run_job job = {
        .variant = variant, .seed = work_of->plan->comparison.seeds[0], .threads = work_of->threads};
    struct job_progress progress = {.share = 1};
    struct errors errors = {0};
    const rondo_status status = run_job_estimate(work_of->plan, &job, &progress.seconds, &progress.bytes, &errors);
    errors_free(&errors);
    if (status != RONDO_OK) {
        return EXIT_FAILURE;
    }
    process_report(pipe, &progress);
    return EXIT_SUCCESS;
}

static void take_estimate(void *arg, int32_t variant, const struct job_progress *progress) {
    const struct estimate_work *work_of = arg;
    work_of->seconds[variant] = progress->seconds;
    work_of->bytes[variant] = progress->bytes;
}

rondo_status comparison_estimate(struct comparison_plan *plan, int32_t threads, double *seconds, double *bytes,
                                 struct errors *errors) {
    struct estimate_work work_of = {plan, threads, seconds, bytes};
    const int32_t n_variants = plan->comparison.n_variants;
    const struct process_jobs jobs = {.count = n_variants < RUNNER_MOST_ESTIMATES ? n_variants : RUNNER_MOST_ESTIMATES,
                                      .most = 1,
                                      .output = "/dev/null",
                                      .interrupt = plan->session->interrupt,
                                      .work = estimate,
                                      .report = take_estimate,
                                      .arg = &work_of};
    for (int32_t v = 0; v < plan->comparison.n_variants; v++) {
        seconds[v] = bytes[v] = NAN;
    }
    return processes_run(&jobs, errors);
}
