/* report/grouping.c: runs as a comparison: those that differ only in their seed are a variant. */
#include "report/content.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/run_result.h"
#include "experiment/experiment.h"
#include "store/seed_groups.h"

/* ---- the metric ---- */

/* "valid.accuracy" of "valid.accuracy", "accuracy" and "[valid.accuracy, valid.f1]". */
static const char *stopping_metric(const struct report_run *run, struct arena *arena) {
    const char *text = report_keys_get(&run->files.experiment, "schedule.early_stopping.metric");
    if (text == NULL) {
        text = report_keys_get(&run->files.experiment, "schedule.early_stopping.metric.0");
    }
    text = text == NULL ? "loss" : text + strspn(text, "[ \"'");
    text = strncmp(text, "valid.", 6) == 0 ? text + 6 : text;
    return arena_strndup(arena, text, strcspn(text, ",]\"' "));
}

/* The plug-in of the metric says which way is better, but a report loads none: the weights that a run keeps have its best value, so
 * more of its other values are on the worse side. */
static int is_higher_better(const struct report_run *runs, int32_t n_runs, const char *metric, struct arena *arena) {
    int64_t lower = 0, higher = 0;
    for (int32_t r = 0; r < n_runs; r++) {
        const struct report_curve *curve = report_log_curve(&runs[r].log, arena_printf(arena, "valid.%s", metric));
        for (int64_t i = 0; curve != NULL && runs[r].log.best >= 0 && i < runs[r].log.count; i++) {
            lower += curve->values[i] < curve->values[runs[r].log.best];
            higher += curve->values[i] > curve->values[runs[r].log.best];
        }
    }
    return lower > higher;
}

/* ---- variants ---- */

/* A group while it is made: the numbers of its runs in the order of the command. */
struct run_group {
    int32_t *members, count;
};

static int64_t seed_of(const struct report_run *run) {
    const char *text = report_keys_get(&run->files.experiment, "schedule.seed");
    char *end = NULL;
    return text == NULL ? 0 : (int64_t)strtoll(text, &end, 10);
}

/* The column of a seed. A seed that the group has twice gets a second column of the same number. */
static int32_t find_column(const int64_t *seeds, int32_t n_seeds, int64_t seed, const struct report_run *row) {
    int32_t column = 0;
    while (column < n_seeds && (seeds[column] != seed || row[column].folder != NULL)) {
        column++;
    }
    return column;
}

static const char *base_name(const char *path) {
    const char *end = path + strlen(path);
    while (end > path && end[-1] == '/') {
        end--;
    }
    const char *start = end;
    while (start > path && start[-1] != '/') {
        start--;
    }
    return start;
}

/* "lstm" of "cells/lstm.yaml". */
static const char *short_value(const char *text, struct arena *arena) {
    const char *name = strncmp(text, "cells/", 6) == 0 ? text + 6 : text;
    const size_t length = strlen(name);
    return name != text && length > 5 && strcmp(name + length - 5, ".yaml") == 0
               ? arena_strndup(arena, name, length - 5)
               : name;
}

/* "lstm, hidden 57": cells by their names, other keys with their last part. At most three keys. */
static const char *name_variant(const struct report_content *content, const struct report_run *sample,
                                struct arena *arena) {
    const char *name = "";
    int32_t named = 0;
    for (int32_t i = 0; sample != NULL && i < content->n_differing && named < 3 && name != NULL; i++) {
        const char *key = content->differing[i], *text = report_keys_get(&sample->files.experiment, key);
        const char *last = strrchr(key, '.') == NULL ? key : strrchr(key, '.') + 1;
        if (text == NULL) {
            continue;
        }
        const char *comma = named == 0 ? "" : ", ";
        const int is_plain = strcmp(last, "cell") == 0 || strcmp(last, "block") == 0 || strcmp(last, "plugin") == 0;
        name = is_plain ? arena_printf(arena, "%s%s%s", name, comma, short_value(text, arena))
                        : arena_printf(arena, "%s%s%s %s", name, comma, last, text);
        named++;
    }
    return name;
}

static int is_taken(const struct comparison *comparison, int32_t count, const char *name) {
    for (int32_t v = 0; v < count; v++) {
        if (strcmp(comparison->variants[v].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void name_variants(struct comparison *comparison, const struct report_content *content,
                          const struct run_group *groups, const struct report_run *runs, struct arena *arena) {
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct report_run *sample = content->variants[v].sample;
        const char *own = sample == NULL ? NULL : report_keys_get(&sample->files.experiment, "name");
        const char *folder = base_name(runs[groups[v].members[0]].folder);
        const char *name = comparison->n_variants == 1 && own != NULL ? own : name_variant(content, sample, arena);
        if (name != NULL && (name[0] == '\0' || is_taken(comparison, v, name))) {
            name = name[0] == '\0' ? folder : arena_printf(arena, "%s (%s)", name, folder);
        }
        for (int32_t number = 2; name != NULL && is_taken(comparison, v, name); number++) {
            name = arena_printf(arena, "%s (%d)", folder, number);
        }
        comparison->variants[v].name = comparison->variants[v].folder = name == NULL ? "" : name;
    }
}

/* The numbers of a run. A folder without experiment.yaml is one that has begun, too. */
static rondo_status fill_run(const struct report_run *from, const struct comparison *comparison,
                             struct compared_run *run, struct arena *arena, struct errors *errors) {
    const struct run_result_settings settings = {.folder = from->folder,
                                                 .metric = comparison->metric,
                                                 .higher_is_better = comparison->higher_is_better,
                                                 .part = comparison->part,
                                                 .target = comparison->target};
    run->folder = from->folder;
    RONDO_TRY(run_result_read(&settings, run, arena, errors));
    run->state = run->state == COMPARED_MISSING ? COMPARED_RUNNING : run->state;
    return RONDO_OK;
}

/* 1 if the run is in the group. A folder that was given twice is two runs, of one group. */
static int is_in_group(const struct report_run *run, const struct seed_group *group) {
    for (int32_t i = 0; i < group->count; i++) {
        if (strcmp(group->runs[i]->folder, run->folder) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Reads what decides on the groups. A folder with too little for a summary is in a group of its own. */
static rondo_status read_summaries(const struct report_run *runs, int32_t n_runs, struct run_summary *summaries,
                                   struct arena *scratch, struct arena *arena, struct errors *errors) {
    const struct run_summary_settings settings = {.format = EXPERIMENT_VERSION, .scratch = scratch};
    for (int32_t r = 0; r < n_runs; r++) {
        const rondo_status status = run_summary_read(runs[r].folder, &settings, &summaries[r], NULL, arena, errors);
        if (status == RONDO_NOT_FOUND && errors->count == 0) {
            summaries[r] = (struct run_summary){.folder = runs[r].folder};
        } else if (status != RONDO_OK) {
            return status;
        }
    }
    return RONDO_OK;
}

/* The groups of store/seed_groups.h, in the order in which the command names their first runs. */
static rondo_status find_groups(const struct report_run *runs, int32_t n_runs, struct run_group *groups,
                                int32_t *n_groups, struct arena *arena, struct errors *errors) {
    struct run_summary *summaries = arena_calloc(arena, (size_t)n_runs, sizeof *summaries);
    struct seed_groups made = {0};
    struct arena *scratch = arena_create();
    rondo_status status = summaries == NULL || scratch == NULL
                              ? errors_no_memory(errors)
                              : read_summaries(runs, n_runs, summaries, scratch, arena, errors);
    arena_destroy(scratch);
    RONDO_TRY(status);
    RONDO_TRY(seed_groups_make(summaries, n_runs, 0, &made, arena, errors));
    int32_t *places = arena_calloc(arena, (size_t)made.count, sizeof *places); /* 1 + its place in `groups` */
    *n_groups = 0;
    for (int32_t r = 0; r < n_runs && places != NULL; r++) {
        int32_t g = 0;
        while (g < made.count && !is_in_group(&runs[r], &made.items[g])) {
            g++;
        }
        RONDO_CHECK(g < made.count, errors, "every run is in a group");
        if (places[g] == 0) {
            places[g] = ++*n_groups;
            groups[places[g] - 1].members = arena_calloc(arena, (size_t)made.items[g].count, sizeof(int32_t));
        }
        struct run_group *group = &groups[places[g] - 1];
        if (group->members == NULL) {
            break;
        }
        group->members[group->count++] = r;
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* All seeds, as often as the group with the most runs of that seed has them. */
static int32_t find_seeds(const struct report_run *runs, const struct run_group *groups, int32_t n_groups,
                          int64_t *seeds) {
    int32_t count = 0;
    for (int32_t g = 0; g < n_groups; g++) {
        for (int32_t m = 0; m < groups[g].count; m++) {
            const int64_t seed = seed_of(&runs[groups[g].members[m]]);
            int32_t wanted = 1, present = 0;
            for (int32_t k = 0; k < m; k++) {
                wanted += seed_of(&runs[groups[g].members[k]]) == seed;
            }
            for (int32_t s = 0; s < count; s++) {
                present += seeds[s] == seed;
            }
            if (present < wanted) {
                seeds[count++] = seed;
            }
        }
    }
    for (int32_t i = 1; i < count; i++) { /* insertion sort: seeds are few, and mostly in order */
        for (int32_t k = i; k > 0 && seeds[k] < seeds[k - 1]; k--) {
            const int64_t seed = seeds[k];
            seeds[k] = seeds[k - 1];
            seeds[k - 1] = seed;
        }
    }
    return count;
}

static int are_all_tested(const struct report_run *runs, int32_t n_runs) {
    for (int32_t r = 0; r < n_runs; r++) {
        if (runs[r].log.is_finished && runs[r].files.test == NULL) {
            return 0;
        }
    }
    return 1;
}

/* The runs of one variant in the columns of their seeds. */
static rondo_status fill_variant(const struct report_run *runs, const struct run_group *group,
                                 struct comparison *comparison, struct compared_variant *variant,
                                 struct report_variant *grouped, struct arena *arena, struct errors *errors) {
    variant->runs = arena_calloc(arena, (size_t)comparison->n_seeds, sizeof *variant->runs);
    grouped->runs = arena_calloc(arena, (size_t)comparison->n_seeds, sizeof *grouped->runs);
    variant->budget_ratio = NAN;
    if (variant->runs == NULL || grouped->runs == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < comparison->n_seeds; s++) {
        variant->runs[s] = (struct compared_run){.seed = comparison->seeds[s],
                                                 .folder = "",
                                                 .score = NAN,
                                                 .valid = NAN,
                                                 .best_epoch = NAN,
                                                 .epochs = NAN,
                                                 .seconds = NAN,
                                                 .seconds_per_epoch = NAN,
                                                 .peak_memory = NAN,
                                                 .steps_to_target = NAN,
                                                 .seconds_to_target = NAN};
    }
    for (int32_t m = 0; m < group->count; m++) {
        const struct report_run *run = &runs[group->members[m]];
        const int32_t column = find_column(comparison->seeds, comparison->n_seeds, seed_of(run), grouped->runs);
        grouped->runs[column] = *run;
        RONDO_TRY(fill_run(run, comparison, &variant->runs[column], arena, errors));
        variant->parameters = run->files.parameters > 0 ? run->files.parameters : variant->parameters;
        if (grouped->sample == NULL && run->files.experiment.count > 0) {
            grouped->sample = &grouped->runs[column];
        }
    }
    return RONDO_OK;
}

/* The name of the experiments, if all have the same one. */
static const char *name_runs(const struct report_run *runs, int32_t n_runs, struct arena *arena) {
    const char *name = report_keys_get(&runs[0].files.experiment, "name");
    for (int32_t r = 1; r < n_runs; r++) {
        const char *other = report_keys_get(&runs[r].files.experiment, "name");
        name = name == NULL || other == NULL || strcmp(name, other) != 0 ? NULL : name;
    }
    return name != NULL ? name : n_runs == 1 ? base_name(runs[0].folder) : arena_printf(arena, "%d runs", (int)n_runs);
}

rondo_status report_group_runs(struct report_run *runs, int32_t n_runs, struct comparison *comparison,
                               struct report_variant **grouped, struct arena *arena, struct errors *errors) {
    struct run_group *groups = arena_calloc(arena, (size_t)n_runs, sizeof *groups);
    int64_t *seeds = arena_calloc(arena, (size_t)n_runs, sizeof *seeds);
    if (groups == NULL || seeds == NULL) {
        return errors_no_memory(errors);
    }
    int32_t n_groups;
    RONDO_TRY(find_groups(runs, n_runs, groups, &n_groups, arena, errors));
    const char *metric = stopping_metric(&runs[0], arena);
    if (metric == NULL || arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    *comparison =
        (struct comparison){.name = name_runs(runs, n_runs, arena),
                            .file = "",
                            .folder = ".",
                            .metric = metric,
                            .higher_is_better = is_higher_better(runs, n_runs, metric, arena),
                            .part = are_all_tested(runs, n_runs) ? "test" : "valid",
                            .target = NAN,
                            .seeds = seeds,
                            .n_seeds = find_seeds(runs, groups, n_groups, seeds),
                            .variants = arena_calloc(arena, (size_t)n_groups, sizeof(struct compared_variant)),
                            .n_variants = n_groups};
    *grouped = arena_calloc(arena, (size_t)n_groups, sizeof **grouped);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t g = 0; g < n_groups; g++) {
        RONDO_TRY(fill_variant(runs, &groups[g], comparison, &comparison->variants[g], &(*grouped)[g], arena, errors));
    }
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    struct report_content content = {.comparison = comparison, .variants = *grouped};
    RONDO_TRY(report_find_differing(&content, arena, errors));
    name_variants(comparison, &content, groups, runs, arena);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}
