/* cli/runs_export.c: `rondo runs export`. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/found_runs.h"
#include "cli/record_file.h"
#include "cli/run_keys.h"
#include "cli/runs.h"
#include "io/json.h"

#define MOST_BYTES ((size_t)256 << 20) /* of a log */

/* What is exported, and its columns. */
struct run_export {
    struct found_runs *runs;
    const char *const *folders, *const *conditions; /* NULL-terminated */
    const char *out;
    int is_of_curves, has_all_keys;
    const char **keys; /* [n_keys] of the experiments */
    int32_t n_keys;
    const char **scores; /* [n_scores] */
    int32_t n_scores;
    const char **groups; /* [runs->count] the name of the group of each run */
    struct errors *errors;
};

/* ---- columns ---- */

static int by_text(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Sorts names, and leaves out those that occur again. Returns how many remain. */
static int32_t unique(const char **names, int32_t count) {
    int32_t kept = 0;
    if (count > 1) {
        qsort(names, (size_t)count, sizeof *names, by_text);
    }
    for (int32_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(names[kept - 1], names[i]) != 0) {
            names[kept++] = names[i];
        }
    }
    return kept;
}

static int is_wanted(const struct run_export *export, const char *key) {
    const struct found_runs *runs = export->runs;
    const char *first = run_values_get(&runs->items[0].values, key);
    if (export->has_all_keys || strcmp(key, "schedule.seed") == 0) {
        return 1;
    }
    for (int32_t i = 1; i < runs->count; i++) {
        const char *text = run_values_get(&runs->items[i].values, key);
        if (first == NULL || text == NULL ? first != text : strcmp(first, text) != 0) {
            return 1;
        }
    }
    return 0;
}

/* The keys that differ between the runs, the seed, and all scores. */
static rondo_status find_columns(struct run_export *export) {
    const struct found_runs *runs = export->runs;
    size_t n_values = 0, n_scores = 0;
    for (int32_t i = 0; i < runs->count; i++) {
        n_values += (size_t)runs->items[i].values.count;
        n_scores += (size_t)runs->items[i].n_scores;
    }
    export->keys = arena_alloc(runs->arena, (n_values + 1) * sizeof *export->keys);
    export->scores = arena_alloc(runs->arena, (n_scores + 1) * sizeof *export->scores);
    if (export->keys == NULL || export->scores == NULL) {
        return errors_no_memory(export->errors);
    }
    for (int32_t i = 0; i < runs->count; i++) {
        const struct run_summary *run = &runs->items[i];
        for (int32_t k = 0; k < run->values.count; k++) {
            export->keys[export->n_keys++] = run->values.items[k].key;
        }
        for (int32_t k = 0; k < run->n_scores; k++) {
            export->scores[export->n_scores++] = run->scores[k].name;
        }
    }
    const int32_t n_keys = unique(export->keys, export->n_keys);
    export->n_scores = unique(export->scores, export->n_scores);
    export->n_keys = 0;
    for (int32_t k = 0; k < n_keys; k++) {
        if (is_wanted(export, export->keys[k])) {
            export->keys[export->n_keys++] = export->keys[k];
        }
    }
    return RONDO_OK;
}

/* The name of the group of each run, so that seeds can be put together. */
static rondo_status find_groups(struct run_export *export) {
    struct found_runs *runs = export->runs;
    struct seed_groups groups;
    RONDO_TRY(seed_groups_make(runs->items, runs->count, 0, &groups, runs->arena, export->errors));
    export->groups = arena_calloc(runs->arena, (size_t)runs->count + 1, sizeof *export->groups);
    if (export->groups == NULL) {
        return errors_no_memory(export->errors);
    }
    for (int32_t g = 0; g < groups.count; g++) {
        for (int32_t i = 0; i < groups.items[g].count; i++) {
            export->groups[groups.items[g].runs[i] - runs->items] = groups.items[g].folder;
        }
    }
    return RONDO_OK;
}

/* The names of the columns: these, then the keys, then the scores or, for curves, the rest. [*count]; NULL: out of memory. */
static const char **column_names(const struct run_export *export, const char *const *first, int32_t n_first,
                                 const char *const *last, int32_t n_last, int32_t *count) {
    const char **names = arena_alloc(export->runs->arena, (size_t)(n_first + export->n_keys + n_last) * sizeof *names);
    *count = 0;
    for (int32_t i = 0; names != NULL && i < n_first; i++) {
        names[(*count)++] = first[i];
    }
    for (int32_t i = 0; names != NULL && i < export->n_keys; i++) {
        names[(*count)++] = export->keys[i];
    }
    for (int32_t i = 0; names != NULL && i < n_last; i++) {
        names[(*count)++] = last[i];
    }
    return names;
}

static int32_t put_keys(const struct run_export *export, const struct run_summary *run, struct record_cell *cells) {
    for (int32_t k = 0; k < export->n_keys; k++) {
        cells[k] = record_value(run_values_get(&run->values, export->keys[k]));
    }
    return export->n_keys;
}

/* ---- a record for each run ---- */

static const char *const facts[] = {
    "run",        "group",     "experiment",    "state",      "metric", "score",   "epochs",  "steps",
    "best_epoch", "best_step", "stopped_early", "parameters", "bytes",  "started", "seconds", "memory_megabytes",
    "rondo"};
enum { FACTS = sizeof facts / sizeof facts[0] };

static void put_facts(const struct run_export *export, int32_t index, struct record_cell *cells) {
    const struct run_summary *run = &export->runs->items[index];
    const struct record_cell all[FACTS] = {
        record_text(run->folder),
        record_text(export->groups[index]),
        record_text(run->name),
        record_text(run_state_name(run->state)),
        record_text(run->metric),
        record_number(run->metric == NULL ? NAN : run_summary_score(run, run->metric)),
        record_count(run->epochs),
        record_count(run->steps),
        record_count(run->best_epoch),
        record_count(run->best_step),
        record_count(run->stopped_early),
        record_count(run->parameters),
        record_count(run->bytes),
        record_text(run->started < 0 ? NULL : run_utc_text(run->started, export->runs->scratch)),
        record_number(run->seconds),
        record_number(run->memory),
        record_text(run->version)};
    memcpy(cells, all, sizeof all);
}

static rondo_status export_runs(struct run_export *export) {
    struct found_runs *runs = export->runs;
    struct record_file file;
    int32_t count;
    const char **names = column_names(export, facts, FACTS, export->scores, export->n_scores, &count);
    struct record_cell *cells =
        arena_alloc(runs->arena, (size_t)(FACTS + export->n_keys + export->n_scores + 1) * sizeof *cells);
    if (names == NULL || cells == NULL) {
        return errors_no_memory(export->errors);
    }
    RONDO_TRY(record_file_begin(&file, export->out, names, count, export->errors));
    for (int32_t i = 0; i < runs->count && export->errors->count == 0; i++) {
        const struct arena_mark mark = arena_mark(runs->scratch);
        put_facts(export, i, cells);
        const int32_t at = FACTS + put_keys(export, &runs->items[i], cells + FACTS);
        for (int32_t k = 0; k < export->n_scores; k++) {
            cells[at + k] = record_number(run_summary_score(&runs->items[i], export->scores[k]));
        }
        record_file_add(&file, cells);
        arena_release(runs->scratch, mark);
    }
    return record_file_end(&file);
}

/* ---- a record for each point of a curve ---- */

/* The lines of a log, one after the other. */
struct log_lines {
    char *next;
};

static rondo_status open_lines(struct run_export *export, const char *folder, const char *name, struct log_lines *lines,
                               struct errors *notes) {
    struct errors own = {0};
    const char *path = arena_printf(export->runs->scratch, "%s/%s", folder, name);
    lines->next = NULL;
    if (path == NULL || file_read(path, MOST_BYTES, export->runs->scratch, &lines->next, NULL, (struct location){0},
                                  &own) == RONDO_NO_MEMORY) {
        errors_free(&own);
        return errors_no_memory(export->errors);
    }
    errors_move(notes, &own);
    return RONDO_OK;
}

/* The next line as an object; NULL if it is none. 0: there is no further line. A last line without its end is being written. */
static int next_line(struct log_lines *lines, json_t **object, struct errors *errors) {
    char *line = lines->next, *end = line == NULL ? NULL : strchr(line, '\n');
    json_error_t reason;
    *object = NULL;
    if (end == NULL) {
        return 0;
    }
    if (json_parse(line, (size_t)(end - line), object, &reason) == RONDO_NO_MEMORY) {
        errors_no_memory(errors);
    }
    lines->next = end + 1;
    return 1;
}

static const char *const curve_first[] = {"run", "group"};
static const char *const curve_last[] = {"epoch", "step", "seconds", "part", "metric", "value"};
enum { CURVE_FIRST = 2, CURVE_LAST = 6 };

/* The point of a curve: cells [part, metric, value] are filled in. */
static void add_point(struct record_file *file, struct record_cell *cells, struct record_cell *last, const char *part,
                      const char *metric, const json_t *value) {
    last[3] = record_text(part);
    last[4] = record_text(metric);
    last[5] = record_number(json_is_number(value) ? json_number_value(value) : NAN);
    record_file_add(file, cells);
}

static void add_interval(struct record_file *file, struct record_cell *cells, struct record_cell *last,
                         const json_t *line, double seconds) {
    static const char *const parts[] = {"train", "valid"}, *const training[] = {"gradient_norm", "lr_scale"};
    last[0] = record_number(json_number_value(json_object_get(line, "epoch")));
    last[1] = record_number(json_number_value(json_object_get(line, "step")));
    last[2] = record_number(seconds);
    for (int p = 0; p < 2; p++) {
        const char *metric;
        json_t *value;
        json_object_foreach(json_object_get(line, parts[p]), metric, value) {
            add_point(file, cells, last, parts[p], metric, value);
        }
    }
    for (int k = 0; k < 2; k++) {
        const json_t *value = json_object_get(line, training[k]);
        if (value != NULL) {
            add_point(file, cells, last, parts[0], training[k], value);
        }
    }
}

/* For each line of metrics.jsonl, timings.jsonl has one with its seconds. */
static rondo_status add_curves(struct run_export *export, struct record_file *file, int32_t index,
                               struct record_cell *cells, struct errors *notes) {
    const struct run_summary *run = &export->runs->items[index];
    struct log_lines metrics, timings;
    struct errors ignored = {0};
    json_t *line, *timing;
    double seconds = 0;
    RONDO_TRY(open_lines(export, run->folder, "metrics.jsonl", &metrics, notes));
    RONDO_TRY(open_lines(export, run->folder, "timings.jsonl", &timings, &ignored));
    errors_free(&ignored); /* older runs have none */
    cells[0] = record_text(run->folder);
    cells[1] = record_text(export->groups[index]);
    struct record_cell *last = cells + CURVE_FIRST + put_keys(export, run, cells + CURVE_FIRST);
    while (export->errors->count == 0 && next_line(&metrics, &line, export->errors)) {
        next_line(&timings, &timing, export->errors);
        const json_t *measured = json_object_get(timing, "seconds");
        seconds = json_is_number(measured) ? seconds + json_number_value(measured) : NAN;
        if (json_object_get(line, "epoch") != NULL) {
            add_interval(file, cells, last, line, seconds);
        }
        json_decref(line);
        json_decref(timing);
    }
    return export->errors->status;
}

static rondo_status export_curves(struct run_export *export, struct errors *notes) {
    struct found_runs *runs = export->runs;
    struct record_file file;
    int32_t count;
    const char **names = column_names(export, curve_first, CURVE_FIRST, curve_last, CURVE_LAST, &count);
    struct record_cell *cells = arena_calloc(runs->arena, (size_t)count + 1, sizeof *cells);
    if (names == NULL || cells == NULL) {
        return errors_no_memory(export->errors);
    }
    RONDO_TRY(record_file_begin(&file, export->out, names, count, export->errors));
    for (int32_t i = 0; i < runs->count && export->errors->count == 0; i++) {
        const struct arena_mark mark = arena_mark(runs->scratch);
        add_curves(export, &file, i, cells, notes);
        arena_release(runs->scratch, mark);
    }
    return record_file_end(&file);
}

/* ---- the command ---- */

static rondo_status export_all(struct run_export *export) {
    struct errors notes = {0};
    rondo_status status = found_runs_find(export->runs, export->folders, &notes, export->errors);
    status = status == RONDO_OK ? found_runs_filter(export->runs, export->conditions, export->errors) : status;
    if (status == RONDO_OK && export->runs->count == 0) {
        status = errors_add(export->errors, RONDO_NOT_FOUND, "no run was found that could be exported");
    }
    status = status == RONDO_OK ? find_columns(export) : status;
    status = status == RONDO_OK ? find_groups(export) : status;
    if (status == RONDO_OK) {
        status = export->is_of_curves ? export_curves(export, &notes) : export_runs(export);
    }
    report_warnings(&notes, 0);
    if (status == RONDO_OK && export->out != NULL) {
        fprintf(stderr, "%d run%s\n", export->runs->count, export->runs->count == 1 ? "" : "s");
    }
    return status;
}

static int run_export(const struct command *command, int argc, char **argv) {
    const char *conditions[ARGUMENT_LIST_MAX + 1] = {NULL};
    struct errors errors = {0};
    struct found_runs runs = {0};
    struct run_export export = {.runs = &runs, .conditions = conditions, .errors = &errors};
    int takes_trials = 0, status;
    const struct flag flags[] = {
        {"out", "FILE", FLAG_TEXT, &export.out, "the file: .csv or .json (default: CSV on standard output)"},
        {"where", "KEY=VALUE", FLAG_LIST, conditions,
         "only runs for which this holds, as in `rondo runs ls`; may be repeated"},
        {"curves", NULL, FLAG_ON, &export.is_of_curves, "a row for each point of each curve, instead of one per run"},
        {"keys", NULL, FLAG_ON, &export.has_all_keys, "all keys of the experiments, not only those that differ"},
        {"all", NULL, FLAG_ON, &takes_trials, "also the runs that only chose settings of a comparison"},
        {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    if (!arguments_parse(command, flags, argc, argv, 0, ARGUMENT_LIST_MAX, &arguments, &status)) {
        return status;
    }
    export.folders = arguments.words;
    if (found_runs_open(&runs, &errors) == RONDO_OK) {
        runs.takes_trials = takes_trials;
        export_all(&export);
    }
    found_runs_close(&runs);
    return finish_command(&errors, 0);
}

const struct command runs_export = {
    "export", "runs export [FOLDER…] [--out FILE.csv|.json] [--where KEY=VALUE]… [--curves] [--keys] [--all]",
    "write runs as a table for other programs",
    "One row per run, with what `rondo runs ls` knows of it: facts, the keys of the experiments that differ\n"
    "between the runs, the seed, and all scores of the weights. `group` is the same for the seeds of a variant.\n"
    "With --curves, one row per value: run, group, keys, epoch, step, seconds of training, part, metric, value.\n"
    "CSV is that of RFC 4180; a missing value is empty, or null.\n\n"
    "  rondo runs export --out runs.csv                  # pandas.read_csv(\"runs.csv\")\n"
    "  rondo runs export comparisons/cells --curves --out curves.csv\n",
    run_export};
