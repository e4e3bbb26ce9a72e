/* cli/runs_diff.c: `rondo runs diff`. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/columns.h"
#include "cli/found_runs.h"
#include "cli/json_builder.h"
#include "cli/print.h"
#include "cli/run_keys.h"
#include "cli/runs.h"
#include "core/number.h"
#include "experiment/tree_differences.h"
#include "io/json.h"
#include "io/program.h"

/* A run, or the runs of a variant, on one side. */
struct diff_side {
    const struct seed_group *group;
    const char *name;
    const struct yaml_node *tree; /* the experiment of the first run; NULL: it cannot be read */
    json_t *environment;          /* NULL: it cannot be read */
};

/* Rows of a name, two texts and a remark; in the end a table or JSON. */
struct diff_rows {
    struct arena *arena;
    const char *(*items)[4]; /* [count] */
    int32_t count, capacity;
};

struct run_diff {
    struct diff_side sides[2];
    struct arena *arena;
    struct diff_rows keys, contents, scores, facts;
};

static void add_row(struct diff_rows *rows, const char *name, const char *left, const char *right, const char *remark) {
    if (rows->count == rows->capacity) {
        const int32_t capacity = 2 * rows->capacity + 32;
        const char *(*more)[4] = arena_alloc(rows->arena, (size_t)capacity * sizeof *more);
        if (more == NULL) {
            return;
        }
        if (rows->count > 0) {
            memcpy(more, rows->items, (size_t)rows->count * sizeof *more);
        }
        rows->items = more;
        rows->capacity = capacity;
    }
    const char **row = rows->items[rows->count++];
    row[0] = name;
    row[1] = left == NULL ? "-" : left;
    row[2] = right == NULL ? "-" : right;
    row[3] = remark;
}

/* ---- keys ---- */

/* A value that is compared: a cell has its name and not that of its file, as in lists. */
static const char *value_text(const struct diff_side *side, const char *path, const struct yaml_node *node,
                              struct arena *arena) {
    const char *listed = run_values_get(&side->group->runs[0]->values, path);
    return node == NULL ? NULL : node->kind == YAML_SCALAR && listed != NULL ? listed : yaml_line(node, arena);
}

/* Variants of several seeds differ in them anyway. */
static int skips_key(void *arg, const char *path, const struct yaml_node *left, const struct yaml_node *right) {
    const struct run_diff *diff = arg;
    (void)left;
    (void)right;
    return strcmp(path, "schedule.seed") == 0 && (diff->sides[0].group->count > 1 || diff->sides[1].group->count > 1);
}

static void add_key(void *arg, const char *path, const struct yaml_node *left, const struct yaml_node *right,
                    struct location where) {
    struct run_diff *diff = arg;
    const char *before = value_text(&diff->sides[0], path, left, diff->arena);
    const char *after = value_text(&diff->sides[1], path, right, diff->arena);
    (void)where;
    if (before == NULL || after == NULL || strcmp(before, after) != 0) { /* cells of the same name, see contents */
        add_row(&diff->keys, path, before, after, NULL);
    }
}

/* ---- contents of files, plug-ins ---- */

/* 1 if the cell of a layer is another one, so that its contents are no news. */
static int is_other_cell(const struct run_diff *diff, const char *layer) {
    const size_t length = strlen(layer);
    for (int32_t i = 0; i < diff->keys.count; i++) {
        const char *key = diff->keys.items[i][0];
        if (strncmp(key, layer, length) == 0 && strcmp(key + length, ".cell") == 0) {
            return 1;
        }
    }
    return 0;
}

static void add_contents_of(struct run_diff *diff, const char *key, const char *left, const char *right) {
    const char *name = arena_printf(diff->arena, "contents of %s", key);
    if (name != NULL && !is_other_cell(diff, key) && left != NULL && right != NULL && strcmp(left, right) != 0) {
        add_row(&diff->contents, name, left, right, NULL);
    }
}

static const char *text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static const json_t *plugin_of(const json_t *plugins, const char *name) {
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        if (strcmp(text_at(json_array_get(plugins, i), "name"), name) == 0) {
            return json_array_get(plugins, i);
        }
    }
    return NULL;
}

/* Plug-ins that both have used, in another build. */
static void add_plugins(struct run_diff *diff) {
    const json_t *left = json_object_get(diff->sides[0].environment, "plugins");
    const json_t *right = json_object_get(diff->sides[1].environment, "plugins");
    for (size_t i = 0; i < json_array_size(left); i++) {
        const json_t *before = json_array_get(left, i), *after = plugin_of(right, text_at(before, "name"));
        if (after != NULL && strcmp(text_at(before, "xxh3"), text_at(after, "xxh3")) != 0) {
            add_row(&diff->contents, arena_printf(diff->arena, "plug-in %s", text_at(before, "name")),
                    arena_printf(diff->arena, "%s, %s", text_at(before, "version"), text_at(before, "xxh3")),
                    arena_printf(diff->arena, "%s, %s", text_at(after, "version"), text_at(after, "xxh3")), NULL);
        }
    }
}

static void find_contents(struct run_diff *diff) {
    const struct run_values *left = &diff->sides[0].group->runs[0]->contents;
    const struct run_values *right = &diff->sides[1].group->runs[0]->contents;
    for (int32_t i = 0; i < left->count; i++) {
        add_contents_of(diff, left->items[i].key, left->items[i].text, run_values_get(right, left->items[i].key));
    }
    add_plugins(diff);
}

/* ---- scores and facts ---- */

static const char *band_text(const struct seed_band *band, struct arena *arena) {
    return band->count == 0   ? NULL
           : band->count == 1 ? run_score_text(band->mean, arena)
                              : arena_printf(arena, "%s ± %s", run_score_text(band->mean, arena),
                                             run_score_text(band->deviation, arena));
}

static void add_score(struct run_diff *diff, const char *name) {
    const struct seed_band left = seed_group_band(diff->sides[0].group, name);
    const struct seed_band right = seed_group_band(diff->sides[1].group, name);
    const double difference = right.mean - left.mean;
    const char *text = isnan(difference) ? NULL : run_score_text(difference, diff->arena);
    if (text != NULL && difference > 0) {
        text = arena_printf(diff->arena, "+%s", text);
    }
    add_row(&diff->scores, name, band_text(&left, diff->arena), band_text(&right, diff->arena), text);
}

static int has_score(const struct run_summary *run, const char *name) {
    for (int32_t i = 0; i < run->n_scores; i++) {
        if (strcmp(run->scores[i].name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void find_scores(struct run_diff *diff) {
    const struct run_summary *left = diff->sides[0].group->runs[0], *right = diff->sides[1].group->runs[0];
    for (int32_t i = 0; i < left->n_scores; i++) {
        add_score(diff, left->scores[i].name);
    }
    for (int32_t i = 0; i < right->n_scores; i++) {
        if (!has_score(left, right->scores[i].name)) {
            add_score(diff, right->scores[i].name);
        }
    }
}

/* The mean of a fact of the runs that have it; NaN: none has. */
static double mean_fact(const struct seed_group *group, const char *fact, struct arena *arena) {
    double sum = 0;
    int32_t count = 0;
    for (int32_t i = 0; i < group->count; i++) {
        const double value = run_answer(group->runs[i], fact, arena).number;
        sum += isnan(value) ? 0 : value;
        count += !isnan(value);
    }
    return count == 0 ? NAN : sum / count;
}

static void find_facts(struct run_diff *diff) {
    static const char *const texts[] = {"state", "version"};
    static const char *const numbers[] = {"parameters", "best_epoch", "epochs", "steps", "seconds", "memory"};
    const struct diff_side *sides = diff->sides;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *left = run_answer(sides[0].group->runs[0], texts[i], diff->arena).text;
        const char *right = run_answer(sides[1].group->runs[0], texts[i], diff->arena).text;
        if (left != NULL && right != NULL && strcmp(left, right) != 0) {
            add_row(&diff->facts, texts[i], left, right, NULL);
        }
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const double left = mean_fact(sides[0].group, numbers[i], diff->arena);
        const double right = mean_fact(sides[1].group, numbers[i], diff->arena);
        char before[40], after[40], times[40] = "";
        number_print(before, sizeof before, "%.6g", left);
        number_print(after, sizeof after, "%.6g", right);
        if (left > 0 && right > 0) {
            number_print(times, sizeof times, "× %.3g", right / left);
        }
        if (!(left == right) && !(isnan(left) && isnan(right))) {
            add_row(&diff->facts, numbers[i], isnan(left) ? NULL : arena_strdup(diff->arena, before),
                    isnan(right) ? NULL : arena_strdup(diff->arena, after), arena_strdup(diff->arena, times));
        }
    }
}

/* ---- output ---- */

static void print_rows(const struct run_diff *diff, const char *title, const struct diff_rows *rows,
                       const char *remark) {
    static const int are_texts[] = {0, 0, 0, 0}, are_numbers[] = {0, 1, 1, 1};
    struct columns table = columns_create(rows->count + 1, 4, remark == NULL ? are_texts : are_numbers, diff->arena);
    if (rows->count == 0) {
        return;
    }
    columns_set(&table, 0, 0, title);
    columns_set(&table, 0, 1, diff->sides[0].name);
    columns_set(&table, 0, 2, diff->sides[1].name);
    columns_set(&table, 0, 3, remark);
    for (int32_t i = 0; i < rows->count; i++) {
        for (int32_t k = 0; k < 4; k++) {
            columns_set(&table, i + 1, k, rows->items[i][k]);
        }
    }
    columns_print(&table, stdout, 0);
}

static void print_cells(const struct run_diff *diff) {
    const char *left = shell_word(diff->sides[0].group->runs[0]->folder, diff->arena);
    const char *right = shell_word(diff->sides[1].group->runs[0]->folder, diff->arena);
    for (int32_t i = 0; left != NULL && right != NULL && i < diff->contents.count; i++) {
        if (strstr(diff->contents.items[i][0], "contents of model.") != NULL) {
            printf("\nthe equations: diff -r %s/cells %s/cells\n", left, right);
            return;
        }
    }
}

static void print_diff(const struct run_diff *diff) {
    const struct diff_rows *const rows[] = {&diff->keys, &diff->contents, &diff->scores, &diff->facts};
    static const char *const titles[] = {"keys", "files", "scores", "facts"}, *const remarks[] = {NULL, NULL,
                                                                                                  "difference", ""};
    int is_first = 1;
    for (int i = 0; i < 4; i++) {
        if (rows[i]->count > 0) {
            printf("%s", is_first ? "" : "\n");
            print_rows(diff, titles[i], rows[i], remarks[i]);
            is_first = 0;
        }
    }
    if (diff->keys.count == 0 && diff->contents.count == 0) {
        printf("%sthe experiments have no differences\n", is_first ? "" : "\n");
    }
    print_cells(diff);
}

static json_t *rows_json(struct json_builder *builder, const struct diff_rows *rows) {
    json_t *object = json_object();
    for (int32_t i = 0; i < rows->count; i++) {
        json_t *pair = json_array();
        json_append(builder, pair, json_text(rows->items[i][1]));
        json_append(builder, pair, json_text(rows->items[i][2]));
        json_set(builder, object, rows->items[i][0], pair);
    }
    return object;
}

static json_t *band_json(struct json_builder *builder, const struct seed_band *band) {
    json_t *object = json_object();
    json_set(builder, object, "count", json_integer(band->count));
    json_set(builder, object, "mean", isfinite(band->mean) ? json_real(band->mean) : json_null());
    json_set(builder, object, "deviation", isfinite(band->deviation) ? json_real(band->deviation) : json_null());
    return object;
}

static json_t *scores_json(struct json_builder *builder, const struct run_diff *diff) {
    json_t *object = json_object();
    for (int32_t i = 0; i < diff->scores.count; i++) {
        const char *name = diff->scores.items[i][0];
        json_t *pair = json_array();
        for (int s = 0; s < 2; s++) {
            const struct seed_band band = seed_group_band(diff->sides[s].group, name);
            json_append(builder, pair, band_json(builder, &band));
        }
        json_set(builder, object, name, pair);
    }
    return object;
}

static rondo_status print_json(const struct run_diff *diff, struct errors *errors) {
    struct json_builder builder = {diff->arena, 0};
    json_t *object = json_object(), *names = json_array();
    json_append(&builder, names, json_text(diff->sides[0].name));
    json_append(&builder, names, json_text(diff->sides[1].name));
    json_set(&builder, object, "runs", names);
    json_set(&builder, object, "keys", rows_json(&builder, &diff->keys));
    json_set(&builder, object, "files", rows_json(&builder, &diff->contents));
    json_set(&builder, object, "scores", scores_json(&builder, diff));
    json_set(&builder, object, "facts", rows_json(&builder, &diff->facts));
    return output_json(json_built(&builder, object), JSON_REAL_PRECISION(9), errors);
}

/* ---- the two sides ---- */

/* The group of a folder, which is a run, or has the runs of one variant only. */
static rondo_status find_group(struct found_runs *runs, const char *folder, struct diff_side *side,
                               struct errors *errors) {
    struct errors notes = {0};
    struct run_summary run;
    struct seed_groups groups;
    const char *const folders[] = {folder, NULL};
    struct errors own = {0};
    if (found_runs_read(runs, folder, &run, NULL, &own) != RONDO_OK) {
        const rondo_status status = found_runs_find(runs, folders, &notes, &notes);
        errors_free(&notes);
        if (status != RONDO_OK || runs->count == 0) {
            errors_move(errors, &own);
            return errors->status;
        }
        errors_free(&own);
    } else {
        RONDO_TRY(found_runs_add(runs, folder, errors));
    }
    RONDO_TRY(seed_groups_make(runs->items, runs->count, 0, &groups, runs->arena, errors));
    if (groups.count > 1) {
        return errors_add(
            errors, RONDO_INVALID,
            "'%s' has runs of %d variants, expected one run, or the runs of one variant: 'rondo runs ls %s' lists them",
            folder, groups.count, folder);
    }
    side->group = groups.items;
    side->name = folder;
    return RONDO_OK;
}

static rondo_status read_side(struct found_runs *runs, const char *word, struct diff_side *side,
                              struct errors *errors) {
    struct errors ignored = {0}; /* a damaged run is compared as far as it can be */
    json_error_t reason;
    const char *folder = found_runs_path(word, runs->arena);
    if (folder == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(find_group(runs, folder, side, errors));
    const char *first = side->group->runs[0]->folder;
    const char *experiment = arena_printf(runs->arena, "%s/experiment.yaml", first);
    const char *environment = arena_printf(runs->arena, "%s/environment.json", first);
    if (environment == NULL) {
        return errors_no_memory(errors);
    }
    side->tree = yaml_read(experiment, runs->arena, &ignored);
    const int is_short = ignored.status == RONDO_NO_MEMORY ||
                         json_parse_file(environment, &side->environment, &reason) == RONDO_NO_MEMORY;
    if (ignored.count > 0 && !is_short) {
        report_warnings(&ignored, 0);
    }
    errors_free(&ignored);
    return is_short ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status compare(struct run_diff *diff, int json, struct errors *errors) {
    const struct tree_visitor visitor = {skips_key, add_key, diff};
    if (diff->sides[0].tree != NULL && diff->sides[1].tree != NULL) {
        RONDO_TRY(tree_differences(diff->sides[0].tree, diff->sides[1].tree, &visitor, diff->arena, errors));
    }
    find_contents(diff);
    find_scores(diff);
    find_facts(diff);
    if (arena_failed(diff->arena)) {
        return errors_no_memory(errors);
    }
    if (json) {
        return print_json(diff, errors);
    }
    print_diff(diff);
    return arena_failed(diff->arena) ? errors_no_memory(errors) : RONDO_OK;
}

static int run_diff(const struct command *command, int argc, char **argv) {
    int json = 0, status;
    const struct flag flags[] = {{"json", NULL, FLAG_ON, &json, "print JSON"}, {NULL, NULL, FLAG_ON, NULL, NULL}};
    struct arguments arguments;
    struct errors errors = {0};
    struct found_runs runs[2] = {{0}};
    struct run_diff diff = {.arena = arena_create()};
    if (!arguments_parse(command, flags, argc, argv, 2, 2, &arguments, &status)) {
        arena_destroy(diff.arena);
        return status;
    }
    diff.keys.arena = diff.contents.arena = diff.scores.arena = diff.facts.arena = diff.arena;
    for (int i = 0; i < 2; i++) {
        if (found_runs_open(&runs[i], &errors) == RONDO_OK) {
            read_side(&runs[i], arguments.words[i], &diff.sides[i], &errors);
        }
    }
    if (errors.count == 0) {
        compare(&diff, json, &errors);
    }
    for (int i = 0; i < 2; i++) {
        json_decref(diff.sides[i].environment);
        found_runs_close(&runs[i]);
    }
    arena_destroy(diff.arena);
    return finish_command(&errors, json);
}

const struct command runs_diff = {
    "diff", "runs diff A B [--json]", "compare two runs, or two variants with their seeds",
    "Prints the keys of the experiments that differ, the data, cells and plug-ins whose contents differ, the\n"
    "scores of both with their difference (B minus A), and facts such as parameters and time. A and B are runs,\n"
    "or folders with the runs of one variant, such as comparisons/NAME/runs/VARIANT: means over the seeds are\n"
    "compared then, ± the standard deviation.\n\n"
    "  rondo runs diff runs/adding runs/adding-2\n",
    run_diff};
