#include "compare/table_runs.h"

#include <math.h>
#include <string.h>

#define OF(member) offsetof(struct compared_run, member)

static const struct comparison_run_column before_metrics[] = {{"score", NULL, OF(score)}};
static const struct comparison_run_column after_metrics[] = {{"valid", NULL, OF(valid)},
                                                             {"best_epoch", NULL, OF(best_epoch)},
                                                             {"epochs", NULL, OF(epochs)},
                                                             {"steps_to_target", NULL, OF(steps_to_target)}};
static const struct comparison_run_column measured[] = {{"seconds", NULL, OF(seconds)},
                                                        {"seconds_per_epoch", NULL, OF(seconds_per_epoch)},
                                                        {"peak_memory_megabytes", NULL, OF(peak_memory)},
                                                        {"seconds_to_target", NULL, OF(seconds_to_target)}};
enum {
    BEFORE = sizeof before_metrics / sizeof before_metrics[0],
    AFTER = sizeof after_metrics / sizeof after_metrics[0],
    MEASURED = sizeof measured / sizeof measured[0]
};

static void add(struct comparison_run_columns *columns, const struct comparison_run_column *items, int32_t count) {
    memcpy(columns->items + columns->count, items, (size_t)count * sizeof *items);
    columns->count += count;
}

/* Metrics in the order in which the runs have them. */
static void add_metrics(const struct comparison_content *content, const struct compared_run *run,
                        struct comparison_run_columns *columns, struct arena *arena) {
    for (int32_t m = 0; m < run->n_metrics; m++) {
        int is_new = 1;
        for (int32_t c = BEFORE; c < columns->count; c++) {
            is_new &= strcmp(columns->items[c].metric, run->metrics[m].name) != 0;
        }
        if (is_new) {
            columns->items[columns->count++] = (struct comparison_run_column){
                arena_printf(arena, "%s.%s", content->comparison->part, run->metrics[m].name), run->metrics[m].name, 0};
        }
    }
}

void table_run_columns_make(const struct comparison_content *content, struct comparison_run_columns *columns,
                            struct arena *arena) {
    const struct comparison *comparison = content->comparison;
    size_t most = BEFORE + AFTER + MEASURED;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            most += (size_t)comparison->variants[v].runs[s].n_metrics;
        }
    }
    *columns = (struct comparison_run_columns){.items = arena_calloc(arena, most, sizeof *columns->items)};
    if (columns->items == NULL) {
        return;
    }
    add(columns, before_metrics, BEFORE);
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            add_metrics(content, &comparison->variants[v].runs[s], columns, arena);
        }
    }
    add(columns, after_metrics, AFTER);
    add(columns, measured, content->with_measured ? MEASURED : 0);
}

double table_run_number(const struct comparison_run_column *column, const struct compared_run *run) {
    double number;
    if (column->metric == NULL) {
        memcpy(&number, (const char *)run + column->number, sizeof number);
        return number;
    }
    for (int32_t m = 0; m < run->n_metrics; m++) {
        if (strcmp(run->metrics[m].name, column->metric) == 0) {
            return run->metrics[m].value;
        }
    }
    return NAN;
}
