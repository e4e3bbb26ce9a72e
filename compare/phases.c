#include "compare/phases.h"

#include <math.h>
#include <stdlib.h>

#include "compare/run_result.h"

/* ---- successive halving ---- */

static int32_t rung_count(const struct compare_section *section) {
    int32_t rungs = section->trials > 0;
    for (int64_t n = section->trials; section->halving > 1 && n >= section->halving; n /= section->halving) {
        rungs++;
    }
    return rungs;
}

static int64_t power(int64_t base, int32_t exponent) {
    int64_t result = 1;
    while (exponent-- > 0) {
        result *= base;
    }
    return result;
}

/* The number of trials in a rung. */
static int32_t trials_in(const struct compare_section *section, int32_t rung) {
    const int64_t by = power(section->halving > 1 ? section->halving : 1, rung);
    return (int32_t)((section->trials + by - 1) / by);
}

/* The epochs after which trials pause at the end of a rung; 0: they are trained to the end. */
static int64_t pause_of(const struct comparison_plan *plan, int32_t variant, int32_t rung) {
    const struct compare_section *section = &plan->section;
    const int32_t left = rung_count(section) - 1 - rung;
    const int64_t by = left <= 0 ? 1 : power(section->halving, left), epochs = plan->variants[variant].epochs;
    return left <= 0 ? 0 : (epochs + by - 1) / by;
}

/* ---- the state of runs ---- */

static const char *trial_folder(const struct comparison_plan *plan, int32_t variant, int32_t trial, int32_t seed,
                                struct arena *arena) {
    return arena_printf(arena, "%s/tuning/%s/%s/seed-%lld", plan->comparison.folder,
                        plan->comparison.variants[variant].folder, plan->section.trial_settings[trial].folder,
                        (long long)plan->section.seeds[seed]);
}

static rondo_status read_run(const struct comparison_plan *plan, const char *folder, int64_t last_epoch,
                             struct compared_run *run, struct arena *arena, struct errors *errors) {
    const struct run_result_settings settings = {.folder = folder,
                                                 .metric = plan->comparison.metric,
                                                 .higher_is_better = plan->comparison.higher_is_better,
                                                 .part = "test",
                                                 .target = NAN,
                                                 .last_epoch = last_epoch};
    return folder == NULL ? errors_no_memory(errors) : run_result_read(&settings, run, arena, errors);
}

/* 1 if the training has come as far as its pause, whatever happened later. */
static int has_reached_pause(const struct run_job *job, const struct compared_run *run) {
    return job->pause_epoch > 0 && run->epochs >= (double)job->pause_epoch;
}

/* 1 if the training has nothing left to do until its pause. */
static int is_trained(const struct comparison_plan *plan, const struct run_job *job, const struct compared_run *run,
                      struct arena *arena) {
    if (has_reached_pause(job, run)) {
        return 1;
    }
    if (run->state == COMPARED_FAILED) {
        const char *identity = run_job_identity(plan, job, arena);
        return identity != NULL && run_result_is_failed(job->folder, identity, NULL, arena);
    }
    return run->state == COMPARED_FINISHED || run->state == COMPARED_SCORED;
}

/* The training of a trial in a rung. */
static struct run_job trial_job(const struct comparison_plan *plan, int32_t variant, int32_t trial, int32_t seed,
                                int32_t rung, struct arena *arena) {
    const struct compare_variant *settings = &plan->section.trial_settings[trial];
    return (struct run_job){.variant = variant,
                            .more = settings->settings,
                            .n_more = settings->n_settings,
                            .seed = plan->section.seeds[seed],
                            .folder = trial_folder(plan, variant, trial, seed, arena),
                            .pause_epoch = pause_of(plan, variant, rung)};
}

/* ---- the choice ---- */

/* A trial of a variant. */
struct ranked_trial {
    int32_t trial;
    double score; /* higher is better; -infinity: it failed */
};

static int compare_trials(const void *left, const void *right) {
    const struct ranked_trial *a = left, *b = right;
    return a->score != b->score ? (a->score < b->score) - (a->score > b->score)
                                : (a->trial > b->trial) - (a->trial < b->trial);
}

/* The score of a trial at the end of a rung: the mean of its seeds; if one has failed by then, so has the trial. A failure in a later
 * rung changes no earlier choice. */
static rondo_status score_trial(const struct comparison_plan *plan, int32_t variant, int32_t rung,
                                struct ranked_trial *trial, struct arena *arena, struct errors *errors) {
    const int32_t seeds = plan->section.tune_seeds;
    double sum = 0;
    for (int32_t s = 0; s < seeds; s++) {
        const struct run_job job = trial_job(plan, variant, trial->trial, s, rung, arena);
        struct compared_run run = {.seed = 0};
        RONDO_TRY(read_run(plan, job.folder, job.pause_epoch, &run, arena, errors));
        if (!is_trained(plan, &job, &run, arena)) {
            return errors_add(errors, RONDO_INVALID, "the tuning of '%s' is not finished: '%s' is missing",
                              plan->comparison.variants[variant].name, job.folder);
        }
        sum += run.state == COMPARED_FAILED && !has_reached_pause(&job, &run) ? NAN : run.valid;
    }
    const double mean = sum / seeds;
    trial->score = !isfinite(mean) ? -INFINITY : plan->comparison.higher_is_better ? mean : -mean;
    return RONDO_OK;
}

/* The trials of a variant in a rung, best first by the rung before (in their own order in the first). rung = the number of rungs: those
 * of the last rung by its scores. */
static rondo_status rank_trials(const struct comparison_plan *plan, int32_t variant, int32_t rung,
                                struct ranked_trial **trials, struct arena *arena, struct errors *errors) {
    const struct compare_section *section = &plan->section;
    *trials = arena_calloc(arena, (size_t)section->trials, sizeof **trials);
    if (*trials == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t t = 0; t < section->trials; t++) {
        (*trials)[t] = (struct ranked_trial){.trial = t};
    }
    for (int32_t r = 0; r < rung; r++) {
        const int32_t count = trials_in(section, r);
        for (int32_t i = 0; i < count; i++) {
            RONDO_TRY(score_trial(plan, variant, r, &(*trials)[i], arena, errors));
        }
        qsort(*trials, (size_t)count, sizeof **trials, compare_trials);
    }
    return RONDO_OK;
}

rondo_status comparison_choice(const struct comparison_plan *plan, int32_t variant,
                               const struct compare_setting **settings, int32_t *count, struct arena *arena,
                               struct errors *errors) {
    struct ranked_trial *trials;
    *settings = NULL;
    *count = 0;
    if (plan->section.trials == 0) {
        return RONDO_OK;
    }
    RONDO_TRY(rank_trials(plan, variant, rung_count(&plan->section), &trials, arena, errors));
    if (isinf(trials[0].score)) {
        return errors_add(errors, RONDO_NOT_FINITE, "all %d trials of '%s' have failed", plan->section.trials,
                          plan->comparison.variants[variant].name);
    }
    *settings = plan->section.trial_settings[trials[0].trial].settings;
    *count = plan->section.trial_settings[trials[0].trial].n_settings;
    return RONDO_OK;
}

int32_t comparison_failed_trials(const struct comparison_plan *plan, int32_t variant, struct arena *arena) {
    int32_t failed = 0;
    for (int32_t t = 0; t < plan->section.trials; t++) {
        int has_failed = 0;
        for (int32_t s = 0; s < plan->section.tune_seeds; s++) {
            const char *folder = trial_folder(plan, variant, t, s, arena);
            has_failed |= folder != NULL && run_result_state(folder, arena) == COMPARED_FAILED;
        }
        failed += has_failed;
    }
    return failed;
}

/* ---- jobs ---- */

/* Adds a job, and sees whether it is done. */
static rondo_status add_job(const struct comparison_plan *plan, struct comparison_phase *phase,
                            const struct phase_job *job, struct arena *arena, struct errors *errors) {
    struct compared_run run = {.seed = 0};
    struct phase_job *added = &phase->jobs[phase->count++];
    *added = *job;
    if (job->job.folder == NULL) {
        return errors_no_memory(errors);
    }
    if (job->job.pause_epoch > 0) {
        RONDO_TRY(read_run(plan, job->job.folder, 0, &run, arena, errors));
    } else {
        run.state = run_result_state(job->job.folder, arena);
    }
    if (!job->is_score) {
        added->is_done = is_trained(plan, &job->job, &run, arena);
    } else {
        added->is_done = run.state != COMPARED_FINISHED; /* scored, or not trained */
    }
    phase->n_left += !added->is_done;
    return RONDO_OK;
}

static rondo_status list_trials(const struct comparison_plan *plan, int32_t rung, struct comparison_phase *phase,
                                struct arena *arena, struct errors *errors) {
    const struct compare_section *section = &plan->section;
    const int32_t count = trials_in(section, rung);
    phase->is_tuning = 1;
    phase->name = rung_count(section) == 1
                      ? "tuning"
                      : arena_printf(arena, "tuning, rung %d of %d", rung + 1, rung_count(section));
    phase->jobs = arena_calloc(arena, (size_t)section->n_variants * (size_t)count * (size_t)section->tune_seeds,
                               sizeof *phase->jobs);
    for (int32_t v = 0; v < section->n_variants && phase->jobs != NULL; v++) {
        struct ranked_trial *trials;
        RONDO_TRY(rank_trials(plan, v, rung, &trials, arena, errors));
        for (int32_t k = 0; k < count * section->tune_seeds; k++) {
            const int32_t trial = trials[k / section->tune_seeds].trial, seed = k % section->tune_seeds;
            const struct phase_job job = {
                .job = trial_job(plan, v, trial, seed, rung, arena), .trial = trial, .seed = seed};
            RONDO_TRY(add_job(plan, phase, &job, arena, errors));
        }
    }
    return RONDO_OK;
}

static rondo_status list_runs(const struct comparison_plan *plan, int is_score, struct comparison_phase *phase,
                              struct arena *arena, struct errors *errors) {
    const struct comparison *comparison = &plan->comparison;
    phase->name = is_score ? "scores of the test part" : "runs";
    phase->jobs =
        arena_calloc(arena, (size_t)comparison->n_variants * (size_t)comparison->n_seeds, sizeof *phase->jobs);
    for (int32_t v = 0; v < comparison->n_variants && phase->jobs != NULL; v++) {
        const struct compare_setting *more = NULL;
        int32_t n_more = 0;
        struct errors own = {0};
        const rondo_status chosen = comparison_choice(plan, v, &more, &n_more, arena, &own);
        const char *failure = chosen == RONDO_NOT_FINITE ? arena_strdup(arena, errors_text(&own, 0)) : NULL;
        if (chosen != RONDO_OK && chosen != RONDO_NOT_FINITE) {
            errors_move(errors, &own);
            return chosen;
        }
        errors_free(&own);
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            const struct phase_job job = {
                .job = {.variant = v,
                        .more = more,
                        .n_more = n_more,
                        .seed = run->seed,
                        .folder = arena_printf(arena, "%s/%s", comparison->folder, run->folder)},
                .trial = -1,
                .seed = s,
                .is_score = is_score};
            if (failure != NULL && job.job.folder != NULL) {
                const char *identity = run_job_identity(plan, &job.job, arena);
                RONDO_TRY(run_result_fail(job.job.folder, failure, identity, errors));
            }
            RONDO_TRY(add_job(plan, phase, &job, arena, errors));
        }
    }
    return RONDO_OK;
}

int32_t comparison_phase_count(const struct comparison_plan *plan) {
    const int has_scores = plan->comparison.part[0] == 't';
    return rung_count(&plan->section) + 1 + has_scores;
}

int32_t comparison_phase_size(const struct comparison_plan *plan, int32_t number) {
    const struct compare_section *section = &plan->section;
    return number < rung_count(section) ? section->n_variants * trials_in(section, number) * section->tune_seeds
                                        : plan->comparison.n_variants * plan->comparison.n_seeds;
}

rondo_status comparison_phase_open(const struct comparison_plan *plan, int32_t number, struct comparison_phase *phase,
                                   struct arena *arena, struct errors *errors) {
    const int32_t rungs = rung_count(&plan->section);
    *phase = (struct comparison_phase){.name = ""};
    const rondo_status status = number < rungs ? list_trials(plan, number, phase, arena, errors)
                                               : list_runs(plan, number > rungs, phase, arena, errors);
    return status == RONDO_OK && arena_failed(arena) ? errors_no_memory(errors) : status;
}
