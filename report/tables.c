#include "report/tables.h"

#include <math.h>
#include <string.h>

#include "report/html_table.h"

/* ---- summary and problems ---- */

static const char *part_title(const char *part) {
    return strcmp(part, "test") == 0 ? "test part" : "validation part";
}

/* Groups of runs may have different seeds, so the sentence of comparisons does not fit. */
static void add_runs_subject(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    markup_format(markup, "%d %s, %d %s. Score: ", comparison->n_variants,
                  comparison->n_variants == 1 ? "variant" : "variants", content->n_runs,
                  content->n_runs == 1 ? "run" : "runs");
    markup_text(markup, comparison->metric);
    markup_add(markup, " on the ");
    markup_add(markup, part_title(comparison->part));
    markup_add(markup, comparison->higher_is_better ? "; higher is better." : "; lower is better.");
}

static void add_sentence(struct markup *markup, const char *element, const char *text) {
    if (text == NULL) {
        return; /* there is none, or memory is short, which the arena remembers */
    }
    markup_format(markup, "<%s>", element);
    markup_text(markup, text);
    markup_format(markup, "</%s>\n", element);
}

void report_add_summary(struct markup *markup, const struct report_content *content, struct arena *arena) {
    const struct comparison *comparison = content->comparison;
    const char *sentences[COMPARISON_SENTENCES];
    const int32_t count = comparison_result(comparison, &content->statistics, sentences, arena);
    markup_add(markup, "<p class=\"summary\">");
    if (content->is_grouped) {
        add_runs_subject(markup, content);
    } else {
        const char *subject = comparison_subject(comparison, arena);
        markup_text(markup, subject == NULL ? "" : subject);
    }
    markup_add(markup, "</p>\n");
    if (!content->is_grouped) {
        add_sentence(markup, "p", comparison_not_final(comparison, &content->statistics, arena));
    }
    markup_add(markup, "<ul class=\"result\">\n");
    for (int32_t i = 0; i < count; i++) {
        add_sentence(markup, "li", sentences[i]);
    }
    markup_add(markup, "</ul>\n");
    markup->failed |= arena_failed(arena);
}

static const char *state_text(const struct compared_run *run, const struct report_run *files) {
    switch (run->state) {
    case COMPARED_MISSING:
        return "not begun";
    case COMPARED_RUNNING:
        return files->is_locked ? "training now" : files->log.is_finished ? "trained" : "unfinished";
    case COMPARED_FAILED:
        return "failed";
    case COMPARED_FINISHED:
        return "trained, not scored";
    case COMPARED_SCORED:
        break;
    }
    return "finished";
}

static int has_run(const struct compared_run *run, const struct report_run *files) {
    return files->folder != NULL || run->folder[0] != '\0';
}

static int is_problem(const struct compared_run *run, const struct report_run *files) {
    return has_run(run, files) && (run->state != COMPARED_SCORED || files->problem != NULL);
}

static void add_problem(struct markup *markup, const struct compared_variant *variant, const struct compared_run *run,
                        const struct report_run *files) {
    markup_add(markup, "<li><strong>");
    markup_text(markup, variant->name);
    markup_format(markup, ", seed %lld</strong>: ", (long long)run->seed);
    markup_add(markup, state_text(run, files));
    if (run->reason != NULL) {
        markup_add(markup, ": ");
        markup_text(markup, run->reason);
    }
    if (files->problem != NULL) {
        markup_add(markup, "; ");
        markup_text(markup, files->problem);
    }
    markup_add(markup, "</li>");
}

void report_add_problems(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    int32_t count = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            const struct report_run *files = &content->variants[v].runs[s];
            if (is_problem(run, files)) {
                markup_add(markup, count++ == 0
                                       ? "<section id=\"problems\" class=\"problems\"><h2>Incomplete runs</h2><ul>"
                                       : "");
                add_problem(markup, &comparison->variants[v], run, files);
            }
        }
    }
    markup_add(markup, count > 0 ? "</ul></section>\n" : "");
}

/* ---- runs ---- */

static void add_run_row(struct markup *markup, const struct compared_variant *variant, const struct compared_run *run,
                        const struct report_run *files, int decimals) {
    markup_add(markup, "<tr><th scope=\"row\">");
    markup_text(markup, variant->name);
    markup_add(markup, "</th>");
    html_count_cell(markup, run->seed);
    html_text_cell(markup, state_text(run, files));
    html_number_cell(markup, run->score, decimals);
    html_number_cell(markup, run->valid, decimals);
    html_number_cell(markup, run->best_epoch, 0);
    html_number_cell(markup, run->epochs, 0);
    html_duration_cell(markup, run->seconds);
    html_number_cell(markup, run->peak_memory, 1);
    markup_add(markup, "<td class=\"path\">");
    markup_text(markup, files->folder == NULL ? run->folder : files->folder);
    markup_add(markup, "</td></tr>\n");
}

void report_add_runs(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    const int decimals = report_decimals(content);
    html_table_open(markup, "runs", "All runs");
    html_table_head(markup, "Variant", NULL, 0);
    html_table_head(markup, "Seed", NULL, 1);
    html_table_head(markup, "State", NULL, 0);
    html_table_head(markup, "Score", NULL, 1);
    html_table_head(markup, "Validation", "the score on the validation part, at the weights that are kept", 1);
    html_table_head(markup, "Best epoch", "of the weights that are kept", 1);
    html_table_head(markup, "Epochs", "trained", 1);
    html_table_head(markup, "Time", "of training", 1);
    html_table_head(markup, "Memory, MB", "peak of the process", 1);
    html_table_head(markup, "Folder", NULL, 0);
    html_table_body(markup);
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            if (has_run(run, &content->variants[v].runs[s])) {
                add_run_row(markup, &comparison->variants[v], run, &content->variants[v].runs[s], decimals);
            }
        }
    }
    html_table_close(markup);
}

/* ---- cells ---- */

/* `heading`: what is above it already. */
static void add_cell(struct markup *markup, const struct report_cell *cell, const char *heading) {
    if (strcmp(cell->name, heading) != 0) {
        markup_add(markup, "<h4>");
        markup_text(markup, cell->name);
        markup_add(markup, "</h4>");
    }
    if (cell->summary != NULL) {
        markup_add(markup, "<p>");
        markup_text(markup, cell->summary);
        markup_add(markup, "</p>");
    }
    markup_add(markup, "<pre tabindex=\"0\">");
    markup_text(markup, cell->equations == NULL ? cell->text : cell->equations);
    markup_add(markup, "</pre>");
    if (cell->source != NULL) {
        markup_add(markup, "<p class=\"source\">");
        markup_text(markup, cell->source);
        markup_add(markup, "</p>");
    }
}

static int has_same_cells(const struct report_run *left, const struct report_run *right) {
    if (left == NULL || right == NULL || left->files.n_cells != right->files.n_cells) {
        return left == right;
    }
    for (int32_t c = 0; c < left->files.n_cells; c++) {
        if (strcmp(left->files.cells[c].text, right->files.cells[c].text) != 0) {
            return 0;
        }
    }
    return 1;
}

/* Variants of the same cells are shown together, at the first of them. */
static int is_shown_before(const struct report_content *content, int32_t v) {
    for (int32_t before = 0; before < v; before++) {
        if (has_same_cells(content->variants[before].sample, content->variants[v].sample)) {
            return 1;
        }
    }
    return 0;
}

/* The names of the variants that have the cells of variant v, or their numbers. */
static void add_sharing(struct markup *markup, const struct report_content *content, int32_t v, int as_numbers) {
    for (int32_t other = v; other < content->comparison->n_variants; other++) {
        if (!has_same_cells(content->variants[v].sample, content->variants[other].sample)) {
            continue;
        }
        if (as_numbers) {
            markup_format(markup, other == v ? "%d" : " %d", (int)other);
        } else {
            markup_add(markup, other == v ? "" : " \xc2\xb7 ");
            markup_text(markup, content->comparison->variants[other].name);
        }
    }
}

void report_add_cells(struct markup *markup, const struct report_content *content) {
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        const struct report_run *sample = content->variants[v].sample;
        if (is_shown_before(content, v)) {
            continue;
        }
        markup_add(markup, "<article class=\"cell\"><div><h3>");
        add_sharing(markup, content, v, 0);
        markup_add(markup, "</h3>");
        for (int32_t c = 0; sample != NULL && c < sample->files.n_cells; c++) {
            add_cell(markup, &sample->files.cells[c], content->comparison->variants[v].name);
        }
        if (sample == NULL || sample->files.n_cells == 0) {
            markup_add(markup, "<p>The folders of its runs have no cells.</p>");
        }
        markup_add(markup, "</div><div class=\"mini\" data-variants=\"");
        add_sharing(markup, content, v, 1);
        markup_add(markup, "\"></div></article>\n");
    }
}
