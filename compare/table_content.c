#include "compare/table_content.h"

#include <math.h>
#include <string.h>

#include "compare/text_builder.h"
#include "io/printable.h"

#define OF(member)         offsetof(struct variant_statistics, member)
#define OF_VARIANT(member) offsetof(struct compared_variant, member)

enum { PEOPLE = TABLE_FOR_PEOPLE, PROGRAMS = TABLE_FOR_PROGRAMS, ALL = PEOPLE | PROGRAMS, MOST_FAILURES = 20 };

static const struct comparison_column variant_column = {"variant", "variant", TABLE_NAMES, TABLE_VARIANT, ALL, 0, 0, 0};

/* Keys of CSV and JSON are part of the interface: they are never renamed. */
static const struct comparison_column fixed_columns[] = {
    {"seeds", "seeds", TABLE_SCORES, TABLE_SEEDS, PEOPLE, 0, 0, 0},
    {"scored", "", TABLE_SCORES, TABLE_COUNT, PROGRAMS, OF(n_scored), 0, 0},
    {"undefined", "", TABLE_SCORES, TABLE_COUNT, PROGRAMS, OF(n_undefined), 0, 0},
    {"failed", "", TABLE_SCORES, TABLE_COUNT, PROGRAMS, OF(n_failed), 0, 0},
    {"open", "", TABLE_SCORES, TABLE_COUNT, PROGRAMS, OF(n_open), 0, 0},
    {"mean", "mean", TABLE_SCORES, TABLE_SCORE, ALL, OF(mean), OF(mean_interval), ALL},
    {"standard_deviation", "sd", TABLE_SCORES, TABLE_SCORE, ALL, OF(deviation), 0, 0},
    {"median", "median", TABLE_SCORES, TABLE_SCORE, ALL, OF(median), 0, 0},
    {"interquartile_mean", "IQM", TABLE_SCORES, TABLE_SCORE, ALL, OF(interquartile_mean),
     OF(interquartile_mean_interval), PROGRAMS},
    {"best", "best", TABLE_SCORES, TABLE_SCORE, ALL, OF(best), 0, 0},
    {"worst", "worst", TABLE_SCORES, TABLE_SCORE, ALL, OF(worst), 0, 0},

    {"baseline_difference", "difference", TABLE_BASELINE, TABLE_DIFFERENCE, ALL, OF(to_baseline.difference),
     OF(to_baseline.interval), ALL},
    {"baseline_improvement", "P(better)", TABLE_BASELINE, TABLE_PROBABILITY, ALL, OF(to_baseline.improvement),
     OF(to_baseline.improvement_interval), ALL},
    {"baseline_better_in", "better in", TABLE_BASELINE, TABLE_COUNT_OF, PEOPLE, OF(to_baseline.n_better),
     OF(to_baseline.n_pairs), PEOPLE},
    {"baseline_pairs", "", TABLE_BASELINE, TABLE_COUNT, PROGRAMS, OF(to_baseline.n_pairs), 0, 0},
    {"baseline_better", "", TABLE_BASELINE, TABLE_COUNT, PROGRAMS, OF(to_baseline.n_better), 0, 0},
    {"baseline_worse", "", TABLE_BASELINE, TABLE_COUNT, PROGRAMS, OF(to_baseline.n_worse), 0, 0},
    {"baseline_p", "", TABLE_BASELINE, TABLE_P, PROGRAMS, OF(to_baseline.p), 0, 0},
    {"baseline_p_holm", "p (Holm)", TABLE_BASELINE, TABLE_P, ALL, OF(to_baseline.p_corrected), 0, 0},

    {"best_difference", "difference", TABLE_BEST, TABLE_DIFFERENCE, ALL, OF(to_best.difference), OF(to_best.interval),
     ALL},
    {"best_improvement", "P(better)", TABLE_BEST, TABLE_PROBABILITY, ALL, OF(to_best.improvement),
     OF(to_best.improvement_interval), ALL},
    {"best_better_in", "better in", TABLE_BEST, TABLE_COUNT_OF, PEOPLE, OF(to_best.n_better), OF(to_best.n_pairs),
     PEOPLE},
    {"best_pairs", "", TABLE_BEST, TABLE_COUNT, PROGRAMS, OF(to_best.n_pairs), 0, 0},
    {"best_better", "", TABLE_BEST, TABLE_COUNT, PROGRAMS, OF(to_best.n_better), 0, 0},
    {"best_worse", "", TABLE_BEST, TABLE_COUNT, PROGRAMS, OF(to_best.n_worse), 0, 0},
    {"best_p", "", TABLE_BEST, TABLE_P, PROGRAMS, OF(to_best.p), 0, 0},
    {"best_p_holm", "p (Holm)", TABLE_BEST, TABLE_P, ALL, OF(to_best.p_corrected), 0, 0},

    {"parameters", "parameters", TABLE_SIZE, TABLE_SIZE_COUNT, ALL, OF_VARIANT(parameters), 0, 0},
    {"flops_per_step", "FLOPs per step", TABLE_SIZE, TABLE_SIZE_COUNT, ALL, OF_VARIANT(flops), 0, 0},
    {"budget_ratio", "of the budget", TABLE_SIZE, TABLE_RATIO, ALL, OF_VARIANT(budget_ratio), 0, 0},
    {"steps_to_target", "steps to target", TABLE_SIZE, TABLE_STEPS, ALL, OF(steps_to_target), 0, 0},
    {"reached_target", "reached by", TABLE_SIZE, TABLE_COUNT_OF, PEOPLE, OF(n_reached), OF(n_measured), PEOPLE},
    {"runs_that_reach_target", "", TABLE_SIZE, TABLE_COUNT, PROGRAMS, OF(n_reached), 0, 0},

    {"seconds_per_epoch", "s per epoch", TABLE_MEASURED, TABLE_AMOUNT, ALL, OF(seconds_per_epoch), 0, 0},
    {"peak_memory_megabytes", "memory (MB)", TABLE_MEASURED, TABLE_AMOUNT, ALL, OF(peak_memory), 0, 0},
    {"seconds_to_target", "s to target", TABLE_MEASURED, TABLE_AMOUNT, ALL, OF(seconds_to_target), 0, 0},
};
enum { FIXED_COLUMNS = sizeof fixed_columns / sizeof fixed_columns[0] };

/* ---- values ---- */

int table_is_text(const struct comparison_column *column) {
    return column->kind == TABLE_VARIANT || column->kind == TABLE_SETTING;
}

static int32_t count_at(const struct comparison_content *content, size_t place, int32_t variant) {
    int32_t count;
    memcpy(&count, (const char *)&content->statistics->variants[variant] + place, sizeof count);
    return count;
}

double table_number(const struct comparison_content *content, const struct comparison_column *column, int32_t variant) {
    const char *statistics = (const char *)&content->statistics->variants[variant];
    const char *of_variant = (const char *)&content->comparison->variants[variant];
    int64_t size;
    double number;
    switch (column->kind) {
    case TABLE_VARIANT:
    case TABLE_SETTING:
    case TABLE_SEEDS:
        return NAN;
    case TABLE_COUNT:
    case TABLE_COUNT_OF:
        return count_at(content, column->number, variant);
    case TABLE_SIZE_COUNT:
        memcpy(&size, of_variant + column->number, sizeof size);
        return (double)size;
    case TABLE_RATIO:
        memcpy(&number, of_variant + column->number, sizeof number);
        return number;
    default:
        memcpy(&number, statistics + column->number, sizeof number);
        return number;
    }
}

struct statistics_interval table_interval(const struct comparison_content *content,
                                          const struct comparison_column *column, int32_t variant) {
    struct statistics_interval interval;
    memcpy(&interval, (const char *)&content->statistics->variants[variant] + column->interval, sizeof interval);
    return interval;
}

static const char *find_setting(const struct compared_setting *settings, int32_t count, const char *key) {
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(settings[i].key, key) == 0) {
            return settings[i].text;
        }
    }
    return NULL;
}

const char *table_setting(const struct comparison_content *content, const struct comparison_column *column,
                          int32_t variant) {
    const struct compared_variant *of = &content->comparison->variants[variant];
    if (column->kind == TABLE_VARIANT) {
        return of->name;
    }
    const char *tuned = find_setting(of->tuned, of->n_tuned, column->key);
    const char *width = find_setting(of->widths, of->n_widths, column->key);
    return tuned != NULL ? tuned : width != NULL ? width : find_setting(of->settings, of->n_settings, column->key);
}

/* ---- columns ---- */

/* Adds a column for each key that is not yet there. */
static void add_settings(struct comparison_content *content, const struct compared_setting *settings, int32_t count,
                         enum comparison_column_group group, int32_t readers) {
    for (int32_t i = 0; i < count; i++) {
        int is_new = 1;
        for (int32_t c = 0; c < content->n_columns; c++) {
            const struct comparison_column *column = &content->columns[c];
            is_new &=
                column->group != group || column->kind != TABLE_SETTING || strcmp(column->key, settings[i].key) != 0;
        }
        if (is_new) {
            content->columns[content->n_columns++] =
                (struct comparison_column){settings[i].key, settings[i].key, group, TABLE_SETTING, readers, 0, 0, 0};
        }
    }
}

/* A key's last name, where no other column for people has the same: "hidden" of "model.layers.0.hidden". */
static void shorten_titles(struct comparison_content *content) {
    for (int32_t c = 0; c < content->n_columns; c++) {
        struct comparison_column *column = &content->columns[c];
        const char *dot = strrchr(column->key, '.');
        int is_unique = column->group == TABLE_CHOSEN && dot != NULL;
        for (int32_t other = 0; other < content->n_columns && is_unique; other++) {
            const char *other_dot = strrchr(content->columns[other].key, '.');
            is_unique = other == c || content->columns[other].group != TABLE_CHOSEN || other_dot == NULL ||
                        strcmp(other_dot, dot) != 0;
        }
        column->title = is_unique ? dot + 1 : column->title;
    }
}

static void add_columns(struct comparison_content *content, struct arena *arena) {
    const struct comparison *comparison = content->comparison;
    size_t most = FIXED_COLUMNS + 1;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        most += (size_t)variant->n_settings + 2 * (size_t)variant->n_widths + 2 * (size_t)variant->n_tuned;
    }
    content->columns = arena_calloc(arena, most, sizeof *content->columns);
    if (content->columns == NULL) {
        return;
    }
    content->columns[content->n_columns++] = variant_column;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        add_settings(content, variant->settings, variant->n_settings, TABLE_NAMES, PROGRAMS);
        add_settings(content, variant->widths, variant->n_widths, TABLE_NAMES, PROGRAMS);
        add_settings(content, variant->tuned, variant->n_tuned, TABLE_NAMES, PROGRAMS);
    }
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct compared_variant *variant = &comparison->variants[v];
        add_settings(content, variant->widths, variant->n_widths, TABLE_CHOSEN, PEOPLE);
        add_settings(content, variant->tuned, variant->n_tuned, TABLE_CHOSEN, PEOPLE);
    }
    for (int32_t c = 0; c < FIXED_COLUMNS; c++) {
        if (content->with_measured || fixed_columns[c].group != TABLE_MEASURED) {
            content->columns[content->n_columns++] = fixed_columns[c];
        }
    }
    shorten_titles(content);
}

/* ---- around the tables ---- */

static void add_failures(struct comparison_content *content, struct arena *arena) {
    const struct comparison *comparison = content->comparison;
    content->failures = arena_calloc(arena, MOST_FAILURES, sizeof *content->failures);
    for (int32_t v = 0; v < comparison->n_variants && content->failures != NULL; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const char *failure = comparison_failure(comparison, v, s, arena);
            if (failure != NULL && content->n_failures < MOST_FAILURES) {
                content->failures[content->n_failures++] = failure;
            } else {
                content->n_more += failure != NULL;
            }
        }
    }
}

static const char *note_of(const struct comparison_statistics *statistics) {
    return statistics->best.n_tested + statistics->baseline.n_tested > 0
               ? "In brackets: 95 % bootstrap intervals over seeds, which say nothing about other data. sd: standard "
                 "deviation. IQM: interquartile mean. P(better): the probability that a run of the variant is better "
                 "than a run of the other one. p: sign-flip test of the differences per seed, with Holm's correction; "
                 "significant: at most 0.05."
               : "In brackets: 95 % bootstrap intervals over seeds, which say nothing about other data. sd: standard "
                 "deviation. IQM: interquartile mean. P(better): the probability that a run of the variant is better "
                 "than a run of the other one.";
}

void table_content_make(const struct comparison *comparison, const struct comparison_statistics *statistics,
                        int with_measured, struct comparison_content *content, struct arena *arena) {
    *content = (struct comparison_content){.comparison = comparison,
                                           .statistics = statistics,
                                           .format = score_format_of(comparison, statistics),
                                           .with_measured = with_measured,
                                           .not_final = comparison_not_final(comparison, statistics, arena),
                                           .subject = comparison_subject(comparison, arena),
                                           .note = note_of(statistics)};
    content->n_sentences = comparison_result(comparison, statistics, content->sentences, arena);
    add_columns(content, arena);
    add_failures(content, arena);
}

const char *table_printable(const char *text, struct arena *arena) {
    struct text_builder printable = {.arena = arena};
    struct printable_character next;
    for (; text != NULL && (next = printable_next(text, 0)).taken > 0; text += next.taken) {
        text_add(&printable, next.text);
    }
    return text_built(&printable);
}
