#include "report/content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/number.h"
#include "io/file.h"
#include "io/folder.h"
#include "report/html_table.h"
#include "store/run_folder.h"

/* ---- one run ---- */

rondo_status report_run_read(const char *folder, struct report_run *run, struct arena *arena, struct errors *errors) {
    *run = (struct report_run){.folder = arena_strdup(arena, folder)};
    const char *metrics = arena_printf(arena, "%s/metrics.jsonl", folder);
    if (metrics == NULL) {
        return errors_no_memory(errors);
    }
    if (!folder_is(folder)) {
        run->problem = "the folder is missing";
        return RONDO_OK;
    }
    run->is_read = 1;
    RONDO_TRY(report_files_read(folder, &run->files, &run->problem, arena, errors));
    const char *rate = report_keys_get(&run->files.experiment, "optimizer.lr");
    char *end = NULL;
    const double value = rate == NULL ? NAN : number_parse(rate, &end);
    RONDO_TRY(report_log_read(folder, value, &run->log, &run->problem, arena, errors));
    run->is_locked = !run->log.is_finished && file_exists(metrics) && !run_folder_is_unfinished(folder);
    return RONDO_OK;
}

int report_decimals(const struct report_content *content) {
    return content->format.is_scientific ? HTML_SCIENTIFIC : content->format.decimals;
}

/* ---- a comparison ---- */

/* Reads the runs of a comparison that have begun. */
static rondo_status read_runs(const struct comparison *comparison, struct report_content *content, struct arena *arena,
                              struct errors *errors) {
    content->variants = arena_calloc(arena, (size_t)comparison->n_variants, sizeof *content->variants);
    for (int32_t v = 0; content->variants != NULL && v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        struct report_run *runs = arena_calloc(arena, (size_t)comparison->n_seeds, sizeof *runs);
        content->variants[v].runs = runs;
        for (int32_t s = 0; runs != NULL && s < comparison->n_seeds; s++) {
            const char *folder = arena_printf(arena, "%s/%s", comparison->folder, variant->runs[s].folder);
            runs[s].folder = folder;
            if (folder != NULL && variant->runs[s].state != COMPARED_MISSING) {
                RONDO_TRY(report_run_read(folder, &runs[s], arena, errors));
            }
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- runs ---- */

static rondo_status read_sources(const char *const *sources, int32_t n_sources, struct report_run *runs,
                                 struct arena *arena, struct errors *errors) {
    for (int32_t i = 0; i < n_sources; i++) {
        const char *metrics = path_join(arena, sources[i], "metrics.jsonl");
        const char *experiment = path_join(arena, sources[i], "experiment.yaml");
        const char *comparison = path_join(arena, sources[i], COMPARISON_FILE);
        if (arena_failed(arena)) {
            return errors_no_memory(errors);
        }
        if (file_exists(comparison)) {
            errors_add(errors, RONDO_INVALID,
                       "'%s' is a comparison, and there are other folders: a report is of one comparison, or of runs",
                       sources[i]);
        } else if (!folder_is(sources[i])) {
            errors_add(errors, RONDO_NOT_FOUND, "'%s' is not a folder; expected that of a run or of a comparison",
                       sources[i]);
        } else if (!file_exists(metrics) && !file_exists(experiment)) {
            errors_add(errors, RONDO_NOT_FOUND,
                       "'%s' is neither a run nor a comparison: it has no file metrics.jsonl, experiment.yaml "
                       "or " COMPARISON_FILE,
                       sources[i]);
        } else {
            const rondo_status status = report_run_read(sources[i], &runs[i], arena, errors);
            if (status != RONDO_OK) {
                return status;
            }
        }
    }
    return errors->status;
}

static void warn_of_problems(const struct report_content *content, struct errors *warnings) {
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        for (int32_t s = 0; s < content->comparison->n_seeds; s++) {
            const struct report_run *run = &content->variants[v].runs[s];
            if (run->problem != NULL) {
                errors_add(warnings, RONDO_INVALID, "'%s': %s", run->folder, run->problem);
            }
        }
    }
}

static void find_samples(struct report_content *content) {
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        struct report_variant *variant = &content->variants[v];
        for (int32_t s = content->comparison->n_seeds - 1; s >= 0; s--) {
            content->n_runs += variant->runs[s].is_read;
            variant->sample = variant->runs[s].files.experiment.count > 0 ? &variant->runs[s] : variant->sample;
            variant->inspected = variant->runs[s].files.inspection != NULL ? &variant->runs[s] : variant->inspected;
        }
    }
}

rondo_status report_content_read(const char *const *sources, int32_t n_sources, struct report_content *content,
                                 struct arena *arena, struct errors *warnings, struct errors *errors) {
    *content = (struct report_content){0};
    struct comparison *comparison = arena_calloc(arena, 1, sizeof *comparison);
    const char *file = path_join(arena, sources[0], COMPARISON_FILE);
    if (comparison == NULL || file == NULL) {
        return errors_no_memory(errors);
    }
    content->comparison = comparison;
    content->is_grouped = n_sources > 1 || !file_exists(file);
    if (content->is_grouped) {
        struct report_run *runs = arena_calloc(arena, (size_t)n_sources, sizeof *runs);
        if (runs == NULL) {
            return errors_no_memory(errors);
        }
        RONDO_TRY(read_sources(sources, n_sources, runs, arena, errors));
        RONDO_TRY(report_group_runs(runs, n_sources, comparison, &content->variants, arena, errors));
    } else {
        RONDO_TRY(comparison_read(sources[0], comparison, arena, errors));
        RONDO_TRY(read_runs(comparison, content, arena, errors));
    }
    RONDO_TRY(comparison_statistics_compute(comparison, &content->statistics, arena, errors));
    content->format = score_format_of(comparison, &content->statistics);
    find_samples(content);
    warn_of_problems(content, warnings);
    return report_find_differing(content, arena, errors);
}
