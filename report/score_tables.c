/* report/score_tables.c: the scores of a comparison, as compare/comparison_statistics.h computes them. */
#include <math.h>
#include <string.h>

#include "report/html_table.h"
#include "report/tables.h"

/* ---- variants ---- */

/* Columns that not every comparison has. */
struct variant_columns {
    int decimals, has_chosen, has_flops, has_budget, has_target;
};

static struct variant_columns find_columns(const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    struct variant_columns columns = {.decimals = report_decimals(content), .has_target = !isnan(comparison->target)};
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        columns.has_chosen |= comparison->variants[v].n_widths + comparison->variants[v].n_tuned > 0;
        columns.has_flops |= comparison->variants[v].flops > 0;
        columns.has_budget |= !isnan(comparison->variants[v].budget_ratio);
    }
    return columns;
}

static void add_heads(struct markup *markup, const struct variant_columns *columns) {
    html_table_head(markup, "Variant", NULL, 0);
    html_table_head(markup, "Runs", "runs with a final score", 1);
    html_table_head(markup, "Mean", "mean score over the runs", 1);
    html_table_head(markup, "95\xc2\xa0% interval", "of the mean over seeds, by the bootstrap; from 5 runs on", 1);
    html_table_head(markup, "SD", "standard deviation over the runs", 1);
    html_table_head(markup, "Median", NULL, 1);
    html_table_head(markup, "IQM", "interquartile mean: the mean of the middle half of the scores", 1);
    html_table_head(markup, "Best", NULL, 1);
    html_table_head(markup, "Worst", NULL, 1);
    if (columns->has_chosen) {
        html_table_head(markup, "Chosen", "the width for an equal size, and what tuning has chosen", 0);
    }
    html_table_head(markup, "Parameters", "trained numbers of the whole model", 1);
    if (columns->has_flops) {
        html_table_head(markup, "FLOPs/step", "of the layers, forward, for one row", 1);
    }
    if (columns->has_budget) {
        html_table_head(markup, "Of budget", "what is made equal, relative to the budget", 1);
    }
    if (columns->has_target) {
        html_table_head(markup, "Steps to target",
                        "updates until the validation part reaches the target, median over the runs", 1);
    }
    html_table_head(markup, "Time/epoch", "median over the runs", 1);
    html_table_head(markup, "Memory, MB", "peak of the process, median over the runs", 1);
}

/* Of the settings that were chosen for a variant. */
static const struct compared_setting *chosen_setting(const struct compared_variant *variant, int32_t i) {
    return i < variant->n_widths ? &variant->widths[i] : &variant->tuned[i - variant->n_widths];
}

/* The last part of a key. */
static const char *last_part(const char *key) {
    const char *dot = strrchr(key, '.');
    return dot == NULL ? key : dot + 1;
}

/* The key of the setting, of which only the last part if no other one has the same. */
static const char *short_key(const struct compared_variant *variant, int32_t i) {
    const char *key = chosen_setting(variant, i)->key;
    for (int32_t k = 0; k < variant->n_widths + variant->n_tuned; k++) {
        if (k != i && strcmp(last_part(chosen_setting(variant, k)->key), last_part(key)) == 0) {
            return key;
        }
    }
    return last_part(key);
}

/* "hidden 57, lr 0.01". */
static void add_chosen(struct markup *markup, const struct compared_variant *variant) {
    markup_add(markup, "<td>");
    for (int32_t i = 0; i < variant->n_widths + variant->n_tuned; i++) {
        const struct compared_setting *setting = chosen_setting(variant, i);
        markup_add(markup, i == 0 ? "" : ", ");
        markup_text(markup, short_key(variant, i));
        markup_add(markup, " ");
        markup_text(markup, setting->text);
    }
    markup_add(markup, variant->n_widths + variant->n_tuned == 0 ? "\xe2\x80\x93</td>" : "</td>");
}

static void add_variant_row(struct markup *markup, const struct report_content *content, int32_t v,
                            const struct variant_columns *columns) {
    const struct compared_variant *variant = &content->comparison->variants[v];
    const struct variant_statistics *statistics = &content->statistics.variants[v];
    markup_format(markup, "<tr data-variant=\"%d\"><th scope=\"row\">", (int)v);
    markup_text(markup, variant->name);
    markup_add(markup, "</th>");
    html_count_cell(markup, statistics->n_scored);
    html_number_cell(markup, statistics->mean, columns->decimals);
    html_interval_cell(markup, statistics->mean_interval.low, statistics->mean_interval.high, columns->decimals);
    html_number_cell(markup, statistics->deviation, columns->decimals);
    html_number_cell(markup, statistics->median, columns->decimals);
    html_number_cell(markup, statistics->interquartile_mean, columns->decimals);
    html_number_cell(markup, statistics->best, columns->decimals);
    html_number_cell(markup, statistics->worst, columns->decimals);
    if (columns->has_chosen) {
        add_chosen(markup, variant);
    }
    html_count_cell(markup, variant->parameters > 0 ? variant->parameters : -1);
    if (columns->has_flops) {
        html_count_cell(markup, variant->flops > 0 ? variant->flops : -1);
    }
    if (columns->has_budget) {
        html_number_cell(markup, variant->budget_ratio, 3);
    }
    if (columns->has_target) {
        html_number_cell(markup, statistics->steps_to_target, 0);
    }
    html_duration_cell(markup, statistics->seconds_per_epoch);
    html_number_cell(markup, statistics->peak_memory, 1);
    markup_add(markup, "</tr>\n");
}

void report_add_variants(struct markup *markup, const struct report_content *content) {
    const struct variant_columns columns = find_columns(content);
    html_table_open(markup, "variants",
                    "Scores of all variants, from the best to the worst, those with failed runs last");
    add_heads(markup, &columns);
    html_table_body(markup);
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        add_variant_row(markup, content, content->statistics.ranking[v], &columns);
    }
    html_table_close(markup);
    markup_add(markup, "<p class=\"note\">95\xc2\xa0% interval: of the mean, by the bootstrap over seeds; it says "
                       "nothing about other data. SD: standard "
                       "deviation. IQM: interquartile mean, of the middle half of the scores. Time and memory: medians "
                       "over the runs.</p>\n");
}

/* ---- differences ---- */

static void add_improvement_row(struct markup *markup, const struct report_content *content, int32_t v,
                                const struct paired_statistics *paired, int decimals) {
    markup_format(markup, "<tr data-variant=\"%d\"><th scope=\"row\">", (int)v);
    markup_text(markup, content->comparison->variants[v].name);
    markup_add(markup, "</th>");
    html_number_cell(markup, paired->difference, decimals);
    html_interval_cell(markup, paired->interval.low, paired->interval.high, decimals);
    html_number_cell(markup, paired->improvement, 2);
    html_interval_cell(markup, paired->improvement_interval.low, paired->improvement_interval.high, 2);
    html_count_cell(markup, paired->n_pairs);
    html_count_cell(markup, paired->n_better);
    html_number_cell(markup, paired->p_corrected, 4);
    markup_add(markup, "</tr>\n");
}

static void add_improvements(struct markup *markup, const struct report_content *content, const char *id,
                             const struct tests_statistics *tests, int is_baseline) {
    const struct comparison *comparison = content->comparison;
    if (tests->reference < 0 || tests->comparisons == 0) {
        return;
    }
    struct markup caption = {0};
    markup_add(&caption, "Differences of the scores to ");
    markup_add(&caption, is_baseline ? "the baseline, " : "the best variant, ");
    markup_text(&caption, comparison->variants[tests->reference].name);
    markup_add(&caption,
               comparison->higher_is_better ? "; positive ones are improvements" : "; negative ones are improvements");
    markup->failed |= caption.failed;
    html_table_open(markup, id, caption.failed ? "" : caption.text);
    markup_free(&caption);
    html_table_head(markup, "Variant", NULL, 0);
    html_table_head(markup, "Difference", "mean over the seeds that both have", 1);
    html_table_head(markup, "95\xc2\xa0% interval", "of the difference, over pairs, by the bootstrap", 1);
    html_table_head(markup, "P(better)", "probability that a run of the variant is better than one of the reference",
                    1);
    html_table_head(markup, "95\xc2\xa0% interval", "of this probability", 1);
    html_table_head(markup, "Pairs", "seeds that both have", 1);
    html_table_head(markup, "Better", "of these pairs", 1);
    html_table_head(markup, "p (Holm)", "two-sided, by sign flips of the paired differences, corrected for all rows",
                    1);
    html_table_body(markup);
    for (int32_t i = 0; i < comparison->n_variants; i++) {
        const int32_t v = content->statistics.ranking[i];
        const struct variant_statistics *variant = &content->statistics.variants[v];
        if (v != tests->reference) {
            add_improvement_row(markup, content, v, is_baseline ? &variant->to_baseline : &variant->to_best,
                                report_decimals(content));
        }
    }
    html_table_close(markup);
}

void report_add_improvements(struct markup *markup, const struct report_content *content) {
    const struct comparison_statistics *statistics = &content->statistics;
    add_improvements(markup, content, "to-best", &statistics->best, 0);
    if (statistics->baseline.reference != statistics->best.reference) {
        add_improvements(markup, content, "to-baseline", &statistics->baseline, 1);
    }
    if (statistics->best.comparisons > 0) {
        markup_add(markup, "<p class=\"note\">Differences are means over the seeds that both have. P(better): the "
                           "probability that a run of the variant "
                           "is better than one of the other variant. p: two-sided, by sign flips of the paired "
                           "differences, with Holm&#39;s "
                           "correction for all rows; a dash where so few seeds cannot be significant.</p>\n");
    }
}
