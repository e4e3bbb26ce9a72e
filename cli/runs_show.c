/* cli/runs_show.c: `rondo runs show`. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/columns.h"
#include "cli/found_runs.h"
#include "cli/print.h"
#include "cli/run_json.h"
#include "cli/run_keys.h"
#include "cli/runs.h"
#include "compare/comparison.h"
#include "core/number.h"
#include "io/file.h"
#include "io/json.h"
#include "io/program.h"

/* A run that is shown. */
struct shown_run {
    struct run_summary run;
    struct run_file_list files;
    json_t *environment; /* NULL: not known */
    struct arena *arena;
};

/* ---- facts ---- */

enum { MOST_FACTS = 40 };

/* Lines of a name and a text. */
struct fact_list {
    struct columns columns;
    int32_t count;
};

static void add_fact(struct fact_list *facts, const char *name, const char *text) {
    if (text != NULL && text[0] != '\0' && facts->count < MOST_FACTS) {
        columns_set(&facts->columns, facts->count, 0, name);
        columns_set(&facts->columns, facts->count++, 1, text);
    }
}

static const char *trained_text(const struct run_summary *run, struct arena *arena) {
    const char *planned = run_values_get(&run->values, "schedule.epochs");
    if (run->steps < 0) {
        return "nothing yet";
    }
    const char *epochs = run->epochs < 0 ? "" : arena_printf(arena, ", in epoch %" PRId64, run->epochs);
    return arena_printf(arena, "%" PRId64 " steps%s%s%s%s", run->steps, epochs,
                        planned == NULL || run->epochs < 0 ? "" : " of ",
                        planned == NULL || run->epochs < 0 ? "" : planned, run->stopped_early ? ", stopped early" : "");
}

static const char *weights_text(const struct run_summary *run, struct arena *arena) {
    return (run->has & RUN_HAS_WEIGHTS) == 0 ? "none yet"
           : run->best_step < 0
               ? "of an unknown step"
               : arena_printf(arena, "of step %" PRId64 ", in epoch %" PRId64 ", the best by %s", run->best_step,
                              run->best_epoch, run->metric == NULL ? "?" : run->metric);
}

static const char *made_by_text(const struct shown_run *shown) {
    static const char *const keys[] = {"abi", "compiler", "system", "machine"};
    const char *texts[4];
    for (int i = 0; i < 4; i++) {
        texts[i] = json_string_value(json_object_get(shown->environment, keys[i]));
        texts[i] = texts[i] == NULL ? "?" : texts[i];
    }
    return shown->run.version == NULL ? NULL
                                      : arena_printf(shown->arena, "Rondo %s, plug-in ABI %s, compiler %s, %s %s",
                                                     shown->run.version, texts[0], texts[1], texts[2], texts[3]);
}

/* "model.layers.0": "lstm, hidden 32" */
static const char *layer_text(const struct run_values *values, const char *layer, struct arena *arena) {
    static const struct {
        const char *key, *usual;
    } keys[] = {{"hidden", "0"}, {"count", "1"}, {"direction", "forward"}, {"dropout", "0"}};
    const char *cell = run_values_get(values, arena_printf(arena, "%s.cell", layer));
    const char *block = run_values_get(values, arena_printf(arena, "%s.block", layer));
    const char *over = run_values_get(values, arena_printf(arena, "%s.over", layer));
    const char *text = block == NULL || over == NULL ? cell : arena_printf(arena, "%s over %s", block, over);
    for (size_t i = 0; text != NULL && i < sizeof keys / sizeof keys[0]; i++) {
        const char *value = run_values_get(values, arena_printf(arena, "%s.%s", layer, keys[i].key));
        if (value != NULL && strcmp(value, keys[i].usual) != 0) {
            text = arena_printf(arena, "%s, %s %s", text, keys[i].key, value);
        }
    }
    return text;
}

/* The layers of a list, "model.layers". */
static void add_layers(struct fact_list *facts, const struct run_values *values, const char *list,
                       struct arena *arena) {
    const char *count = run_values_get(values, list);
    const long layers = count == NULL ? 0 : strtol(count, NULL, 10);
    for (long i = 0; i < layers && !arena_failed(arena); i++) {
        char layer[48];
        snprintf(layer, sizeof layer, "%s.%ld", list, i);
        add_fact(facts, arena_strdup(arena, layer), layer_text(values, layer, arena));
    }
}

static void add_keys(struct fact_list *facts, const struct run_values *values, struct arena *arena) {
    static const char *const before[] = {"architecture", "data.reader", "data.task", "model.embedding.size"};
    static const char *const after[] = {"loss.plugin",    "optimizer.plugin", "optimizer.lr",
                                        "schedule.batch", "schedule.epochs",  "schedule.learning_rate.plugin",
                                        "schedule.seed"};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++) {
        add_fact(facts, before[i], run_values_get(values, before[i]));
    }
    add_layers(facts, values, "model.encoder", arena);
    add_fact(facts, "model.bridge", run_values_get(values, "model.bridge"));
    add_layers(facts, values, "model.layers", arena);
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        add_fact(facts, after[i], run_values_get(values, after[i]));
    }
}

static void print_facts(const struct shown_run *shown, int prints_all) {
    static const int is_right[] = {0, 0};
    const struct run_summary *run = &shown->run;
    struct arena *arena = shown->arena;
    const int32_t rows = prints_all ? run->values.count : 0;
    struct fact_list facts = {columns_create(MOST_FACTS, 2, is_right, arena), 0};
    struct columns all = columns_create(rows, 2, is_right, arena);
    add_fact(&facts, "state", run_state_text(run, arena));
    add_fact(&facts, "experiment", run->name);
    add_fact(&facts, "trained", trained_text(run, arena));
    add_fact(&facts, "weights", weights_text(run, arena));
    add_fact(&facts, "checkpoint",
             run->checkpoint < 0 ? NULL : arena_printf(arena, "of step %" PRId64, run->checkpoint));
    add_fact(&facts, "parameters", run_count_text(run->parameters, arena));
    add_fact(&facts, "started", run_date_text(run->started, arena));
    add_fact(&facts, "time", run_duration_text(run->seconds, arena));
    char memory[40];
    number_print(memory, sizeof memory, "%.0f MB", run->memory);
    add_fact(&facts, "memory", isnan(run->memory) ? NULL : memory);
    add_fact(&facts, "made by", made_by_text(shown));
    if (!prints_all) {
        add_keys(&facts, &run->values, arena);
    }
    facts.columns.rows = facts.count;
    columns_print(&facts.columns, stdout, 2);
    for (int32_t i = 0; i < rows; i++) {
        columns_set(&all, i, 0, run->values.items[i].key);
        columns_set(&all, i, 1, run->values.items[i].text);
    }
    if (rows > 0) {
        printf("\nkeys of the experiment\n");
        columns_print(&all, stdout, 2);
    }
}

/* ---- scores, data, files ---- */

/* The part of a score's name: 0 train, 1 valid, 2 test; -1: another one. *metric is the rest. */
static int part_of(const char *name, const char **metric) {
    static const char *const parts[] = {"train.", "valid.", "test."};
    for (int p = 0; p < 3; p++) {
        if (strncmp(name, parts[p], strlen(parts[p])) == 0) {
            *metric = name + strlen(parts[p]);
            return p;
        }
    }
    return -1;
}

/* A row for each metric, a column for each part. */
static void print_scores(const struct shown_run *shown) {
    static const int is_right[] = {0, 1, 1, 1};
    struct columns table = columns_create(shown->run.n_scores + 1, 4, is_right, shown->arena);
    int32_t rows = 1;
    columns_set(&table, 0, 1, "train");
    columns_set(&table, 0, 2, "valid");
    columns_set(&table, 0, 3, "test");
    for (int32_t i = 0; i < shown->run.n_scores && table.cells != NULL; i++) {
        const char *metric;
        const int part = part_of(shown->run.scores[i].name, &metric);
        int32_t row = 1;
        while (row < rows && part >= 0 && strcmp(table.cells[row * 4], metric) != 0) {
            row++;
        }
        if (part >= 0) {
            rows = row == rows ? rows + 1 : rows;
            columns_set(&table, row, 0, metric);
            columns_set(&table, row, 1 + part, run_score_text(shown->run.scores[i].value, shown->arena));
        }
    }
    table.rows = rows;
    if (rows > 1) {
        printf("\nscores of the weights\n");
        columns_print(&table, stdout, 2);
    }
}

/* Whether the file is still as large as it was: contents are compared by commands that read them. */
static const char *changed_text(const char *file, const json_t *entry) {
    struct stat info;
    if (stat(file, &info) != 0) {
        return "is missing now";
    }
    return S_ISREG(info.st_mode) && (int64_t)info.st_size != json_integer_value(json_object_get(entry, "bytes"))
               ? "has another size now"
               : "";
}

static void print_data(const struct shown_run *shown) {
    static const int is_right[] = {0, 1, 0, 0};
    json_t *data = json_object_get(shown->environment, "data"), *entry;
    const char *key;
    struct columns table = columns_create((int32_t)json_object_size(data), 4, is_right, shown->arena);
    int32_t row = 0;
    json_object_foreach(data, key, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        if (file != NULL) {
            columns_set(&table, row, 0, arena_printf(shown->arena, "data.%s", key));
            columns_set(&table, row, 1,
                        run_size_text(json_integer_value(json_object_get(entry, "bytes")), shown->arena));
            columns_set(&table, row, 2, file);
            columns_set(&table, row++, 3, changed_text(file, entry));
        }
    }
    table.rows = row;
    if (row > 0) {
        printf("\ndata\n");
        columns_print(&table, stdout, 2);
    }
}

static void print_files(const struct shown_run *shown) {
    static const int is_right[] = {0, 1, 0};
    const struct run_file_list *files = &shown->files;
    struct columns table = columns_create(files->count, 3, is_right, shown->arena);
    int32_t row = 0;
    for (int32_t i = 0; i < files->count; i++) {
        const struct run_file *file = &files->items[i];
        if (!file->is_folder || !file->is_own) {
            columns_set(&table, row, 0, file->name);
            columns_set(&table, row, 1, file->is_own ? run_size_text(file->bytes, shown->arena) : "");
            columns_set(&table, row++, 2, file->is_own ? "" : "not a file of Rondo's");
        }
    }
    table.rows = row;
    const char *size = run_size_text(files->bytes, shown->arena);
    printf("\nfiles, %s\n", size == NULL ? "?" : size);
    columns_print(&table, stdout, 2);
}

static void print_commands(const struct shown_run *shown) {
    const struct run_summary *run = &shown->run;
    const char *word = shell_word(run->folder, shown->arena);
    if (word == NULL || run->state == RUN_TRAINING || run->state == RUN_OTHER_VERSION || run->state == RUN_DAMAGED) {
        return;
    }
    printf("\nto go on\n");
    if (run->state == RUN_UNFINISHED) {
        printf("  rondo train --resume %s\n", word);
    }
    if ((run->has & RUN_HAS_WEIGHTS) != 0) {
        printf("  rondo eval %s --plot\n  rondo predict %s FILE\n", word, word);
    }
    if (run->state == RUN_FINISHED && run->collection == NULL) { /* a comparison needs its runs as they are */
        printf("  rondo train --resume %s --set schedule.epochs=N\n", word);
    }
    printf("  rondo runs diff %s OTHER\n", word);
}

/* ---- a run ---- */

static rondo_status print_json(const struct shown_run *shown, struct errors *errors) {
    struct json_builder builder = {shown->arena, 0};
    json_t *object = run_json(&builder, &shown->run), *files = json_array();
    for (int32_t i = 0; i < shown->files.count; i++) {
        const struct run_file *file = &shown->files.items[i];
        json_append(&builder, files,
                    json_pack("{s:o, s:I, s:b, s:b}", "name", json_text(file->name), "bytes", (json_int_t)file->bytes,
                              "own", file->is_own, "folder", file->is_folder));
    }
    json_set(&builder, object, "files", files);
    json_set(&builder, object, "environment",
             shown->environment == NULL ? json_null() : json_incref(shown->environment));
    return output_json(json_built(&builder, object), JSON_REAL_PRECISION(9), errors);
}

static rondo_status read_environment(struct shown_run *shown, struct errors *errors) {
    json_error_t reason;
    const char *file = arena_printf(shown->arena, "%s/environment.json", shown->run.folder);
    return file == NULL || json_parse_file(file, &shown->environment, &reason) == RONDO_NO_MEMORY
               ? errors_no_memory(errors)
               : RONDO_OK;
}

static rondo_status show_run(const char *folder, struct found_runs *list, int prints_all, int json,
                             struct errors *errors) {
    struct shown_run shown = {.arena = list->arena};
    RONDO_TRY(found_runs_read(list, folder, &shown.run, &shown.files, errors));
    RONDO_TRY(read_environment(&shown, errors));
    rondo_status status = RONDO_OK;
    if (json) {
        status = print_json(&shown, errors);
    } else {
        printf("run ");
        print_text(stdout, folder);
        printf("\n");
        print_facts(&shown, prints_all);
        print_scores(&shown);
        print_data(&shown);
        print_files(&shown);
        print_commands(&shown);
    }
    json_decref(shown.environment);
    return arena_failed(list->arena) && errors->count == 0 ? errors_no_memory(errors) : status;
}

/* ---- a comparison ---- */

/* "5 of 8", and the first reason of a run that failed. */
static const char *progress_text(const struct compared_variant *variant, int32_t n_seeds, struct arena *arena) {
    int32_t done = 0, failed = 0;
    const char *reason = "";
    for (int32_t s = 0; s < n_seeds; s++) {
        const struct compared_run *run = &variant->runs[s];
        done += run->state == COMPARED_FINISHED || run->state == COMPARED_SCORED;
        failed += run->state == COMPARED_FAILED;
        reason = run->state == COMPARED_FAILED && run->reason != NULL ? run->reason : reason;
    }
    return failed == 0 ? arena_printf(arena, "%d of %d", done, n_seeds)
                       : arena_printf(arena, "%d of %d, %d failed: %s", done, n_seeds, failed, reason);
}

/* Mean ± standard deviation of the scores that are known. */
static const char *score_text(const struct compared_variant *variant, int32_t n_seeds, struct arena *arena) {
    double sum = 0, squares = 0;
    int32_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int32_t s = 0; s < n_seeds; s++) {
            const double score = variant->runs[s].score;
            const int is_known = variant->runs[s].state == COMPARED_SCORED && !isnan(score);
            count += pass == 0 && is_known;
            sum += pass == 0 && is_known ? score : 0;
            squares += pass == 1 && is_known ? (score - sum / count) * (score - sum / count) : 0;
        }
    }
    const char *mean = run_score_text(count == 0 ? NAN : sum / count, arena);
    return count < 2 || mean == NULL
               ? mean
               : arena_printf(arena, "%s ± %s", mean, run_score_text(sqrt(squares / (count - 1)), arena));
}

static void print_comparison(const struct comparison *comparison, struct arena *arena) {
    static const int is_right[] = {0, 0, 0, 1, 0};
    struct columns table = columns_create(comparison->n_variants + 1, 5, is_right, arena);
    printf("comparison ");
    print_text(stdout, comparison->folder);
    printf(": ");
    print_text(stdout, comparison->name);
    printf(", %d variants with %d seeds, %s of the %s part%s\n", comparison->n_variants, comparison->n_seeds,
           comparison->metric, comparison->part, comparison_is_complete(comparison) ? "" : ", not complete");
    columns_set(&table, 0, 0, "variant");
    columns_set(&table, 0, 1, "finished");
    columns_set(&table, 0, 2, comparison->metric);
    columns_set(&table, 0, 3, "parameters");
    columns_set(&table, 0, 4, "runs");
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        columns_set(&table, v + 1, 0, variant->name);
        columns_set(&table, v + 1, 1, progress_text(variant, comparison->n_seeds, arena));
        columns_set(&table, v + 1, 2, score_text(variant, comparison->n_seeds, arena));
        columns_set(&table, v + 1, 3, run_count_text(variant->parameters, arena));
        columns_set(&table, v + 1, 4, arena_printf(arena, "%s/runs/%s", comparison->folder, variant->folder));
    }
    columns_print(&table, stdout, 2);
    const char *file = shell_word(comparison->file, arena), *folder = shell_word(comparison->folder, arena);
    if (file != NULL && folder != NULL) {
        printf("\nto go on\n  rondo compare %s%s --out %s\n  rondo runs ls %s --each\n", file, comparison->flags,
               folder, folder);
    }
}

static rondo_status show_comparison(const char *folder, struct arena *arena, int json, struct errors *errors) {
    struct comparison comparison;
    RONDO_TRY(comparison_read(folder, &comparison, arena, errors));
    if (json) {
        return output_json(comparison_json(&comparison), JSON_REAL_PRECISION(9), errors);
    }
    print_comparison(&comparison, arena);
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- the command ---- */

static int run_show(const struct command *command, int argc, char **argv) {
    int prints_all = 0, json = 0, status;
    const struct flag flags[] = {{"all", NULL, FLAG_ON, &prints_all, "all keys of the experiment with their values"},
                                 {"json", NULL, FLAG_ON, &json, "print JSON"},
                                 {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    struct errors errors = {0};
    struct found_runs list = {0};
    if (!arguments_parse(command, flags, argc, argv, 1, 1, &arguments, &status)) {
        return status;
    }
    if (found_runs_open(&list, &errors) == RONDO_OK) {
        const char *folder = found_runs_path(arguments.words[0], list.arena);
        if (folder == NULL) {
            errors_no_memory(&errors);
        } else if (found_runs_is_comparison(&list, folder)) {
            show_comparison(folder, list.arena, json, &errors);
        } else {
            show_run(folder, &list, prints_all, json, &errors);
        }
    }
    found_runs_close(&list);
    return finish_command(&errors, json);
}

const struct command runs_show = {
    "show", "runs show RUN [--all] [--json]", "show a run, or a comparison",
    "Prints the state of a run, the main keys of its experiment, the scores of its weights, its data files, all\n"
    "of its files, and the commands to go on with. Data and weights are not read, and a run that is being trained\n"
    "is not disturbed. RUN may be the folder of a comparison.\n\n"
    "  rondo runs show runs/food-sentiment\n",
    run_show};
