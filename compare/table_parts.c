/* compare/table_parts.c: the tables for people: one for each group of columns, with its cells as texts. */
#include <math.h>
#include <string.h>

#include "compare/table_content.h"
#include "compare/text_builder.h"
#include "core/number.h"

/* ---- cells ---- */

/* "6", "6 (1 failed, 1 open)" */
static const char *seeds_text(const struct variant_statistics *variant, struct arena *arena) {
    const struct {
        int32_t count;
        const char *name;
    } others[] = {{variant->n_failed, "failed"}, {variant->n_undefined, "undefined"}, {variant->n_open, "open"}};
    struct text_builder text = {.arena = arena};
    text_format(&text, "%d", variant->n_scored);
    int32_t named = 0;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].count > 0) {
            text_format(&text, "%s%d %s", named++ == 0 ? " (" : ", ", others[i].count, others[i].name);
        }
    }
    text_add(&text, named > 0 ? ")" : "");
    return text_built(&text);
}

/* 3 significant digits, and all digits before the point. */
static const char *amount_text(double value, struct arena *arena) {
    if (!isfinite(value)) {
        return isnan(value) ? "-" : "never";
    }
    const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
    return arena_printf(arena, "%.*f", decimals, value);
}

static const char *number_text(const struct comparison_content *content, const struct comparison_column *column,
                               double value, struct arena *arena) {
    if (isnan(value)) {
        return "-";
    }
    switch (column->kind) {
    case TABLE_SCORE:
    case TABLE_DIFFERENCE:
        return score_text(content->format, value, column->kind == TABLE_DIFFERENCE, arena);
    case TABLE_PROBABILITY:
        return arena_printf(arena, "%.2f", value);
    case TABLE_P:
        return value < 0.0001 ? "<0.0001" : arena_printf(arena, "%.4f", value);
    case TABLE_RATIO:
        return arena_printf(arena, "%.3f", value);
    case TABLE_AMOUNT:
        return amount_text(value, arena);
    default:
        return isinf(value) ? "never" : arena_printf(arena, value == floor(value) ? "%.0f" : "%.1f", value);
    }
}

static const char *interval_text(const struct comparison_content *content, const struct comparison_column *column,
                                 int32_t variant, struct arena *arena) {
    const struct statistics_interval interval = table_interval(content, column, variant);
    return isnan(interval.low) ? ""
           : column->kind == TABLE_PROBABILITY
               ? arena_printf(arena, " [%.2f, %.2f]", interval.low, interval.high)
               : arena_printf(arena, " %s", score_interval_text(content->format, interval, arena));
}

/* "-": not known. */
static const char *cell_text(const struct comparison_content *content, const struct comparison_column *column,
                             int32_t variant, struct arena *arena) {
    if (table_is_text(column)) {
        const char *text = table_setting(content, column, variant);
        return text == NULL ? "-" : text;
    }
    if (column->kind == TABLE_SEEDS) {
        return seeds_text(&content->statistics->variants[variant], arena);
    }
    const double value = table_number(content, column, variant);
    if (column->kind == TABLE_COUNT_OF) {
        int32_t all;
        memcpy(&all, (const char *)&content->statistics->variants[variant] + column->interval, sizeof all);
        return all == 0 ? "-" : arena_printf(arena, "%.0f of %d", value, all);
    }
    const char *number = number_text(content, column, value, arena);
    if (column->interval == 0 || !(column->interval_readers & TABLE_FOR_PEOPLE) || isnan(value)) {
        return number;
    }
    const char *interval = interval_text(content, column, variant, arena);
    return arena_printf(arena, "%s%s", number, interval);
}

/* ---- parts ---- */

static const char *title_of(const struct comparison_content *content, enum comparison_column_group group,
                            struct arena *arena) {
    const struct comparison *comparison = content->comparison;
    const int32_t best = content->statistics->best.reference, baseline = content->statistics->baseline.reference;
    /* Of two variants, one table against the baseline says all. */
    const int are_two =
        baseline >= 0 && content->statistics->baseline.comparisons == 1 && content->statistics->best.comparisons == 1;
    switch (group) {
    case TABLE_SCORES:
        return arena_printf(arena, "Scores: %s on the %s part", comparison->metric,
                            strcmp(comparison->part, "valid") == 0 ? "validation" : comparison->part);
    case TABLE_BASELINE:
        return baseline < 0 ? NULL
                            : arena_printf(arena, "Against %s, the baseline%s", comparison->variants[baseline].name,
                                           baseline == best ? " and the best" : "");
    case TABLE_BEST:
        return best < 0 || best == baseline || are_two
                   ? NULL
                   : arena_printf(arena, "Against %s, the best", comparison->variants[best].name);
    case TABLE_CHOSEN:
        return "Chosen settings";
    case TABLE_SIZE:
        return comparison->target == comparison->target /* not NaN */
                   ? arena_printf(arena, "Size and cost (target: %s on the validation part)",
                                  number_shortest(comparison->target, 1).text)
                   : "Size and cost";
    default:
        return "Time and memory of training (medians over seeds)";
    }
}

/* A variant is not compared with itself. */
static int is_row(const struct comparison_content *content, enum comparison_column_group group, int32_t variant) {
    return !(group == TABLE_BASELINE && variant == content->statistics->baseline.reference) &&
           !(group == TABLE_BEST && variant == content->statistics->best.reference);
}

/* 1 if the column is one of the group's for people, and at least one of its cells is known. */
static int is_shown(const struct comparison_content *content, const struct comparison_column *column,
                    enum comparison_column_group group, struct arena *arena) {
    if (column->kind == TABLE_VARIANT) {
        return 1;
    }
    for (int32_t v = 0; v < content->comparison->n_variants && column->group == group; v++) {
        const char *text = column->readers & TABLE_FOR_PEOPLE && is_row(content, group, v)
                               ? cell_text(content, column, v, arena)
                               : NULL;
        if (text != NULL && strcmp(text, "-") != 0) {
            return 1;
        }
    }
    return 0;
}

static void fill_part(const struct comparison_content *content, enum comparison_column_group group,
                      struct comparison_subtable *part, struct arena *arena) {
    const int32_t n_variants = content->comparison->n_variants;
    part->columns = arena_calloc(arena, (size_t)content->n_columns, sizeof *part->columns);
    part->headings = arena_calloc(arena, (size_t)content->n_columns, sizeof *part->headings);
    part->cells = arena_calloc(arena, (size_t)n_variants, sizeof *part->cells);
    if (arena_failed(arena)) {
        return;
    }
    for (int32_t c = 0; c < content->n_columns; c++) {
        const struct comparison_column *column = &content->columns[c];
        if (is_shown(content, column, group, arena)) {
            part->headings[part->n_columns] = column->title;
            part->columns[part->n_columns++] = column;
        }
    }
    for (int32_t i = 0; i < n_variants; i++) {
        const int32_t variant = content->statistics->ranking[i];
        const char **cells = arena_calloc(arena, (size_t)part->n_columns, sizeof *cells);
        if (!is_row(content, group, variant) || cells == NULL) {
            continue;
        }
        for (int32_t c = 0; c < part->n_columns; c++) {
            cells[c] = cell_text(content, part->columns[c], variant, arena);
        }
        part->cells[part->n_rows++] = cells;
    }
}

int32_t table_parts(const struct comparison_content *content, struct comparison_subtable *parts, struct arena *arena) {
    int32_t count = 0;
    for (int group = TABLE_SCORES; group < TABLE_GROUPS && !arena_failed(arena); group++) {
        struct comparison_subtable part = {.title = title_of(content, (enum comparison_column_group)group, arena)};
        if (part.title != NULL) {
            fill_part(content, (enum comparison_column_group)group, &part, arena);
        }
        if (part.n_columns > 1 && part.n_rows > 0) {
            parts[count++] = part;
        }
    }
    return arena_failed(arena) ? 0 : count;
}
