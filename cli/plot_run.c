#include "cli/plot_run.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/number.h"
#include "io/json.h"

/* ---- curves ---- */

#define MOST_BYTES ((size_t)256 << 20)
enum { MOST_CURVES = 64 };

/* The lines of metrics.jsonl that belong to an interval of the training, as arrays of numbers. */
struct run_curves {
    json_t **lines; /* [count], owned */
    int64_t count;
    double *epoch, *update; /* [count] */
    int64_t best;           /* the line whose weights are kept; -1: none */
    const char *names[MOST_CURVES];
    int32_t n_names;
};

/* The objects of the lines that belong to an interval; the last line of a run has its result instead. */
static rondo_status parse_lines(struct run_curves *curves, char *text, const char *file, struct errors *warnings,
                                struct errors *errors) {
    int32_t number = 1;
    for (char *line = text, *end; *line != '\0'; line = end, number++) {
        end = line + strcspn(line, "\n");
        json_t *object = NULL;
        json_error_t reason;
        const rondo_status status = json_parse(line, (size_t)(end - line), &object, &reason);
        end += *end == '\n';
        if (status == RONDO_NO_MEMORY) {
            return errors_no_memory(errors);
        }
        if (status != RONDO_OK || !json_is_object(object)) {
            errors_add_at(warnings, RONDO_INVALID, (struct location){file, number, 0},
                          "this line is not an object of JSON and is left out of the curves");
            json_decref(object);
        } else if (json_object_get(object, "step") != NULL && json_object_get(object, "epoch") != NULL) {
            curves->lines[curves->count++] = object;
        } else {
            json_decref(object);
        }
    }
    return RONDO_OK;
}

static int64_t count_lines(const char *text) {
    int64_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* The names of all metrics, those of training first. */
static void find_names(struct run_curves *curves) {
    static const char *const parts[] = {"train", "valid"};
    for (int p = 0; p < 2; p++) {
        for (int64_t i = 0; i < curves->count; i++) {
            const char *name;
            json_t *value;
            json_object_foreach(json_object_get(curves->lines[i], parts[p]), name, value) {
                int32_t known = 0;
                while (known < curves->n_names && strcmp(curves->names[known], name) != 0) {
                    known++;
                }
                if (known == curves->n_names && known < MOST_CURVES) {
                    curves->names[curves->n_names++] = name;
                }
            }
        }
    }
}

static double number_of(const json_t *value) {
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Epochs, unless several intervals belong to one epoch, and the number of the update in that case. */
static int is_by_epoch(const struct run_curves *curves) {
    for (int64_t i = 1; i < curves->count; i++) {
        if (!(curves->epoch[i] > curves->epoch[i - 1])) {
            return 0;
        }
    }
    return 1;
}

/* The curve of a metric in a part. count 0: no line has it. */
static struct plot_series find_curve(struct plot_page *page, const struct run_curves *curves, const double *x,
                                     const char *part, const char *metric) {
    double *values = arena_calloc(page->arena, (size_t)curves->count, sizeof *values);
    int64_t finite = 0;
    for (int64_t i = 0; values != NULL && i < curves->count; i++) {
        values[i] = number_of(json_object_get(json_object_get(curves->lines[i], part), metric));
        finite += isfinite(values[i]);
    }
    /* A line of one point would hardly be visible. */
    return (struct plot_series){.name = part,
                                .mark = finite == 1 ? PLOT_POINTS : PLOT_LINE,
                                .x = x,
                                .y = values,
                                .count = finite > 0 ? curves->count : 0};
}

static void add_curve(struct plot_page *page, const struct run_curves *curves, const char *name) {
    const int by_epoch = is_by_epoch(curves);
    const double *x = by_epoch ? curves->epoch : curves->update;
    const struct plot_series train = find_curve(page, curves, x, "train", name);
    const struct plot_series valid = find_curve(page, curves, x, "valid", name);
    if (train.count == 0 && valid.count == 0) {
        return;
    }
    struct plot *plot = plot_page_add(page);
    if (plot == NULL) {
        return;
    }
    plot->title = arena_printf(page->arena, "%s during training", name);
    plot->x = (struct plot_axis){.label = by_epoch ? "epoch" : "update", .is_whole = 1};
    if (train.count > 0) {
        plot_add(plot, train);
    }
    if (valid.count > 0) {
        plot_add(plot, valid);
    }
    if (valid.count > 0 && curves->best >= 0) {
        plot_add(plot, (struct plot_series){.name = "weights that are kept",
                                            .mark = PLOT_POINTS,
                                            .x = x + curves->best,
                                            .y = valid.y + curves->best,
                                            .count = 1});
    }
}

static void add_curves(struct plot_page *page, struct run_curves *curves) {
    curves->best = -1;
    curves->epoch = arena_calloc(page->arena, (size_t)curves->count + 1, sizeof(double));
    curves->update = arena_calloc(page->arena, (size_t)curves->count + 1, sizeof(double));
    for (int64_t i = 0; curves->update != NULL && i < curves->count; i++) {
        curves->epoch[i] = number_of(json_object_get(curves->lines[i], "epoch"));
        curves->update[i] = number_of(json_object_get(curves->lines[i], "step"));
        curves->best = json_is_true(json_object_get(curves->lines[i], "best")) ? i : curves->best;
    }
    find_names(curves);
    for (int32_t k = 0; k < curves->n_names && !arena_failed(page->arena); k++) {
        add_curve(page, curves, arena_strdup(page->arena, curves->names[k]));
    }
}

rondo_status plot_run_curves(struct plot_page *page, const char *folder, struct errors *warnings,
                             struct errors *errors) {
    const char *file = arena_printf(page->arena, "%s/metrics.jsonl", folder);
    char *text = NULL;
    if (file == NULL) {
        return errors_no_memory(errors);
    }
    if (!file_exists(file)) {
        return RONDO_OK;
    }
    RONDO_TRY(file_read(file, MOST_BYTES, page->arena, &text, NULL, (struct location){0}, errors));
    struct run_curves curves = {.lines = arena_calloc(page->arena, (size_t)count_lines(text), sizeof(json_t *))};
    rondo_status status =
        curves.lines == NULL ? errors_no_memory(errors) : parse_lines(&curves, text, file, warnings, errors);
    if (status == RONDO_OK && curves.count > 0) {
        add_curves(page, &curves);
    }
    for (int64_t i = 0; i < curves.count; i++) {
        json_decref(curves.lines[i]);
    }
    return arena_failed(page->arena) ? errors_no_memory(errors) : status;
}

/* ---- the confusion matrix ---- */

enum { MOST_CONFUSIONS = 10, CLEAR_CLASSES = 8 };

const char *plot_run_class(struct plot_page *page, const struct task *task, int64_t k) {
    const char *name = task_class_name(task, k);
    return name != NULL ? arena_strdup(page->arena, name) : arena_printf(page->arena, "%lld", (long long)k);
}

/* What is hard to see in a matrix of many classes. */
static void note_confusions(struct plot_page *page, struct plot *plot, const struct plot_matrix *matrix) {
    struct plot_confusion confusions[MOST_CONFUSIONS];
    const int32_t count = plot_confusions(matrix, confusions, MOST_CONFUSIONS);
    const struct plot_groups each = {matrix->count, 1};
    if (count > 0) {
        plot_note(plot, "most frequent confusions:");
    }
    for (int32_t i = 0; i < count; i++) {
        const struct plot_confusion *confusion = &confusions[i];
        char value[32], rows[32];
        number_print(value, sizeof value, "%.6g", confusion->value);
        number_print(rows, sizeof rows, "%.6g", plot_group_rows(matrix, each, confusion->row));
        plot_note(plot, arena_printf(page->arena, "  %s predicted as %s: %s of %s", matrix->names[confusion->row],
                                     matrix->names[confusion->column], value, rows));
    }
}

static void note_accuracy(struct plot_page *page, struct plot *plot, const struct plot_matrix *matrix) {
    double right = 0, all = 0;
    for (int64_t i = 0; i < matrix->count * matrix->count; i++) {
        all += matrix->values[i];
        right += i / matrix->count == i % matrix->count ? matrix->values[i] : 0;
    }
    char share[32], count[32];
    number_print(share, sizeof share, "%.2f", 100 * right / all);
    number_print(count, sizeof count, "%.8g", all);
    if (all > 0) {
        plot_note(plot, arena_printf(page->arena, "%s %% of %s are right", share, count));
    }
}

void plot_run_matrix(struct plot_page *page, const struct task *task, const rondo_metric_table *table) {
    const int64_t count = table->rows;
    struct plot *plot = plot_page_add(page);
    struct plot_matrix *matrix = arena_calloc(page->arena, 1, sizeof *matrix);
    const char **names = arena_calloc(page->arena, (size_t)count, sizeof *names);
    double *values = arena_calloc(page->arena, (size_t)(count * count), sizeof *values);
    for (int64_t k = 0; names != NULL && k < count; k++) {
        names[k] = plot_run_class(page, task, k);
    }
    if (arena_failed(page->arena)) {
        return;
    }
    memcpy(values, table->values, (size_t)(count * count) * sizeof *values);
    *matrix = (struct plot_matrix){names, values, count};
    plot->title = "confusion matrix";
    plot->y.label = "per cent of each true class (row) that are predicted as each class (column)";
    plot->matrix = matrix;
    note_accuracy(page, plot, matrix);
    if (count > CLEAR_CLASSES) {
        note_confusions(page, plot, matrix);
    }
}
