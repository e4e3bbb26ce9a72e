#include "compare/launcher_slurm.h"

#include <math.h>
#include <string.h>

#include "io/file.h"

/* ---- what is missing ---- */

/* Marks the jobs that are not done. RONDO_INVALID: the phase is not known yet, because an earlier one is not done. */
static rondo_status mark_left(const struct comparison_plan *plan, int32_t number, unsigned char *is_missing,
                              struct errors *errors) {
    struct arena *arena = arena_create();
    struct comparison_phase phase;
    const rondo_status status = comparison_phase_open(plan, number, &phase, arena, errors);
    for (int32_t i = 0; status == RONDO_OK && i < phase.count; i++) {
        is_missing[i] |= !phase.jobs[i].is_done;
    }
    arena_destroy(arena);
    return status;
}

/* Marks the tasks of a phase that are to be submitted. Those of scores are also those of runs that are still to be trained, which have
 * the same numbers. */
static rondo_status mark_missing(const struct comparison_plan *plan, int32_t number, int32_t size,
                                 unsigned char *is_missing, struct errors *errors) {
    struct errors own = {0};
    rondo_status status = mark_left(plan, number, is_missing, &own);
    if (status == RONDO_OK && number == comparison_phase_count(plan) - 1 && plan->comparison.part[0] == 't') {
        status = mark_left(plan, number - 1, is_missing, &own);
    }
    if (status != RONDO_INVALID) {
        errors_move(errors, &own);
        return status;
    }
    errors_free(&own);
    for (int32_t i = 0; i < size; i++) {
        is_missing[i] = 1;
    }
    return RONDO_OK;
}

/* The name of a phase in the names of files. */
static const char *file_name(const struct comparison_plan *plan, int32_t number, struct arena *arena) {
    const int has_scores = plan->comparison.part[0] == 't';
    const int32_t count = comparison_phase_count(plan), rungs = count - 1 - has_scores;
    return number == rungs  ? "runs"
           : number > rungs ? "scores"
           : rungs == 1     ? "tuning"
                            : arena_printf(arena, "tuning-%d", (int)number + 1);
}

static rondo_status look_at_phase(const struct comparison_plan *plan, int32_t number, struct slurm_phase *phase,
                                  struct arena *arena, struct errors *errors) {
    const int32_t size = comparison_phase_size(plan, number);
    unsigned char *is_missing = arena_calloc(arena, (size_t)size + 1, sizeof *is_missing);
    int32_t *missing = arena_calloc(arena, (size_t)size + 1, sizeof *missing);
    *phase = (struct slurm_phase){.name = file_name(plan, number, arena), .missing = missing};
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(mark_missing(plan, number, size, is_missing, errors));
    for (int32_t i = 0; i < size; i++) {
        if (is_missing[i]) {
            missing[phase->n_missing++] = i + 1; /* tasks count from 1, as jobs are shown */
        }
    }
    return RONDO_OK;
}

static int is_missing_task(const struct slurm_launch *launch, const struct slurm_ended *ended) {
    for (int32_t i = 0; i < launch->n_phases; i++) {
        const struct slurm_phase *phase = &launch->phases[i];
        for (int32_t k = 0; k < phase->n_missing && strcmp(phase->name, ended->phase) == 0; k++) {
            if (phase->missing[k] == ended->task) {
                return 1;
            }
        }
    }
    return 0;
}

/* A task that has failed, but left its result, is a row of the table, and no news. */
static void forget_tasks_with_results(struct slurm_launch *launch) {
    struct slurm_jobs *jobs = &launch->jobs;
    int32_t count = 0;
    for (int32_t i = 0; i < jobs->n_ended; i++) {
        if (is_missing_task(launch, &jobs->ended[i])) {
            jobs->ended[count++] = jobs->ended[i];
        }
    }
    jobs->n_ended = count;
}

rondo_status slurm_launch_look(const struct comparison_plan *plan, struct slurm_launch *launch, struct arena *arena,
                               struct errors *errors) {
    const int32_t count = comparison_phase_count(plan);
    *launch = (struct slurm_launch){.phases = arena_calloc(arena, (size_t)count, sizeof *launch->phases)};
    if (launch->phases == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < count; i++) {
        RONDO_TRY(look_at_phase(plan, i, &launch->phases[i], arena, errors));
        launch->n_missing += launch->phases[i].n_missing;
    }
    launch->n_phases = count;
    RONDO_TRY(slurm_jobs_read(plan->comparison.folder, &launch->jobs, arena, errors));
    if (launch->n_missing > 0) {
        RONDO_TRY(slurm_look(&launch->jobs, arena, errors));
        forget_tasks_with_results(launch);
    }
    return RONDO_OK;
}

/* ---- submission ---- */

/* The command of the tasks of a phase, up to the number of the task. */
static const char *const *task_command(const struct slurm_launch_settings *settings, int32_t phase,
                                       struct arena *arena) {
    int32_t count = 0;
    while (settings->command[count] != NULL) {
        count++;
    }
    const char **words = arena_calloc(arena, (size_t)count + 4, sizeof *words);
    if (words == NULL) {
        return NULL;
    }
    for (int32_t i = 0; i < count; i++) {
        words[i] = settings->command[i];
    }
    words[count] = "--phase";
    words[count + 1] = arena_printf(arena, "%d", (int)phase + 1);
    words[count + 2] = "--task";
    return words;
}

rondo_status slurm_launch_submit(const struct comparison_plan *plan, const struct slurm_launch_settings *settings,
                                 struct slurm_launch *launch, struct arena *arena, struct errors *errors) {
    const struct slurm_request request = {.folder = path_absolute(arena, plan->comparison.folder),
                                          .name = plan->comparison.name,
                                          .directory = path_absolute(arena, "."),
                                          .phases = launch->phases,
                                          .n_phases = launch->n_phases,
                                          .at_once = settings->at_once,
                                          .options = settings->options,
                                          .interrupt = plan->session->interrupt};
    for (int32_t i = 0; i < launch->n_phases; i++) {
        struct slurm_phase *phase = &launch->phases[i];
        phase->command = task_command(settings, i, arena);
        phase->processors = settings->threads_per_task;
        phase->memory = isnan(settings->bytes) ? 0 : (uint64_t)settings->bytes;
    }
    return arena_failed(arena) ? errors_no_memory(errors) : slurm_submit(&request, &launch->jobs, arena, errors);
}
