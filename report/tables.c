#include "report/tables.h"

#include <math.h>
#include <string.h>

#include "report/number_cells.h"

static const char *part_title(const char *part) {
    return strcmp(part, "test") == 0 ? "test part" : "validation part";
}

/* <th> of a column that can be sorted. `note` explains it. */
static void add_head(struct markup *markup, const char *title, const char *note, int is_number) {
    markup_add(markup, is_number ? "<th scope=\"col\" class=\"n\"" : "<th scope=\"col\"");
    if (note != NULL) {
        markup_add(markup, " title=\"");
        markup_text(markup, note);
        markup_add(markup, "\"");
    }
    markup_add(markup, ">");
    markup_text(markup, title);
    markup_add(markup, "</th>");
}

static void add_text_cell(struct markup *markup, const char *text) {
    markup_add(markup, "<td>");
    markup_text(markup, text);
    markup_add(markup, "</td>");
}

static void open_table(struct markup *markup, const char *id, const char *caption) {
    markup_format(markup, "<div class=\"scroll\" tabindex=\"0\"><table id=\"%s\" class=\"sortable\"><caption>", id);
    markup_add(markup, caption);
    markup_add(markup, "</caption><thead><tr>");
}

static void close_table(struct markup *markup) {
    markup_add(markup, "</tbody></table></div>\n");
}

/* ---- summary and problems ---- */

void report_add_summary(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    markup_format(markup, "%d %s, %d %s. Score: ", comparison->n_variants,
                  comparison->n_variants == 1 ? "variant" : "variants", content->n_runs,
                  content->n_runs == 1 ? "run" : "runs");
    markup_text(markup, comparison->metric);
    markup_add(markup, " on the ");
    markup_add(markup, part_title(comparison->part));
    markup_add(markup, comparison->higher_is_better ? "; higher is better." : "; lower is better.");
    if (comparison->equal != COMPARED_AS_GIVEN) {
        markup_add(markup, comparison->equal == COMPARED_EQUAL_PARAMETERS ? " Equal parameters: about "
                                                                          : " Equal FLOPs per step: about ");
        count_add(markup, comparison->budget);
        markup_add(markup, ".");
    }
    if (comparison->trials > 0) {
        markup_format(markup, " %d tuning trials per variant.", (int)comparison->trials);
    }
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

/* ---- variants ---- */

/* Numbers over the runs of a variant that are known. */
struct variant_numbers {
    int32_t count; /* scores */
    double mean, deviation, best, worst;
    double seconds, seconds_per_epoch, peak_memory, steps_to_target; /* means */
};

static double mean_of(const struct compared_run *runs, int32_t count, size_t offset) {
    double sum = 0;
    int32_t known = 0;
    for (int32_t s = 0; s < count; s++) {
        double value;
        memcpy(&value, (const char *)&runs[s] + offset, sizeof value);
        if (!isnan(value)) {
            sum += value;
            known++;
        }
    }
    return known == 0 ? NAN : sum / known;
}

static struct variant_numbers find_numbers(const struct comparison *comparison, int32_t v) {
    const struct compared_run *runs = comparison->variants[v].runs;
    const int32_t n = comparison->n_seeds;
    struct variant_numbers numbers = {
        .mean = mean_of(runs, n, offsetof(struct compared_run, score)),
        .deviation = NAN,
        .best = NAN,
        .worst = NAN,
        .seconds = mean_of(runs, n, offsetof(struct compared_run, seconds)),
        .seconds_per_epoch = mean_of(runs, n, offsetof(struct compared_run, seconds_per_epoch)),
        .peak_memory = mean_of(runs, n, offsetof(struct compared_run, peak_memory)),
        .steps_to_target = mean_of(runs, n, offsetof(struct compared_run, steps_to_target))};
    double squares = 0;
    for (int32_t s = 0; s < n; s++) {
        const double score = runs[s].score;
        if (!isnan(score)) {
            numbers.count++;
            squares += (score - numbers.mean) * (score - numbers.mean);
            numbers.best = comparison->higher_is_better ? fmax(numbers.best, score) : fmin(numbers.best, score);
            numbers.worst = comparison->higher_is_better ? fmin(numbers.worst, score) : fmax(numbers.worst, score);
        }
    }
    numbers.deviation = numbers.count < 2 ? NAN : sqrt(squares / (numbers.count - 1));
    return numbers;
}

static double largest_score(const struct comparison *comparison) {
    double largest = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            largest = fmax(largest, fabs(comparison->variants[v].runs[s].score));
        }
    }
    return largest;
}

static void add_variant_row(struct markup *markup, const struct comparison *comparison, int32_t v, int decimals,
                            int has_flops) {
    const struct compared_variant *variant = &comparison->variants[v];
    const struct variant_numbers numbers = find_numbers(comparison, v);
    markup_format(markup, "<tr data-variant=\"%d\"><th scope=\"row\">", (int)v);
    markup_text(markup, variant->name);
    markup_add(markup, "</th>");
    count_cell(markup, numbers.count);
    number_cell(markup, numbers.mean, decimals);
    number_cell(markup, numbers.deviation, decimals);
    number_cell(markup, numbers.best, decimals);
    number_cell(markup, numbers.worst, decimals);
    count_cell(markup, variant->parameters > 0 ? variant->parameters : -1);
    if (has_flops) {
        count_cell(markup, variant->flops > 0 ? variant->flops : -1);
    }
    if (!isnan(comparison->target)) {
        number_cell(markup, numbers.steps_to_target, 0);
    }
    duration_cell(markup, numbers.seconds_per_epoch);
    duration_cell(markup, numbers.seconds);
    number_cell(markup, numbers.peak_memory, 1);
    markup_add(markup, "</tr>\n");
}

void report_add_variants(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    const int decimals = number_decimals(largest_score(comparison));
    int has_flops = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        has_flops |= comparison->variants[v].flops > 0;
    }
    open_table(markup, "variants", "Final scores of all variants");
    add_head(markup, "Variant", NULL, 0);
    add_head(markup, "Runs", "runs with a score", 1);
    add_head(markup, "Mean", "mean score over the runs", 1);
    add_head(markup, "SD", "standard deviation over the runs", 1);
    add_head(markup, "Best", NULL, 1);
    add_head(markup, "Worst", NULL, 1);
    add_head(markup, "Parameters", "trained numbers of the whole model", 1);
    if (has_flops) {
        add_head(markup, "FLOPs/step", "of the layers, forward, for one row", 1);
    }
    if (!isnan(comparison->target)) {
        add_head(markup, "Steps to target", "mean number of updates until the target is reached on the validation part",
                 1);
    }
    add_head(markup, "Time/epoch", "mean over the runs", 1);
    add_head(markup, "Time", "of training, mean over the runs", 1);
    add_head(markup, "Memory, MB", "peak of the process, mean over the runs", 1);
    markup_add(markup, "</tr></thead><tbody>\n");
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        add_variant_row(markup, comparison, v, decimals, has_flops);
    }
    close_table(markup);
}

/* ---- runs ---- */

static void add_run_row(struct markup *markup, const struct compared_variant *variant, const struct compared_run *run,
                        const struct report_run *files, int decimals) {
    markup_add(markup, "<tr><th scope=\"row\">");
    markup_text(markup, variant->name);
    markup_add(markup, "</th>");
    count_cell(markup, run->seed);
    add_text_cell(markup, state_text(run, files));
    number_cell(markup, run->score, decimals);
    number_cell(markup, run->valid, decimals);
    number_cell(markup, run->best_epoch, 0);
    number_cell(markup, run->epochs, 0);
    duration_cell(markup, run->seconds);
    number_cell(markup, run->peak_memory, 1);
    markup_add(markup, "<td class=\"path\">");
    markup_text(markup, files->folder == NULL ? run->folder : files->folder);
    markup_add(markup, "</td></tr>\n");
}

void report_add_runs(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    const int decimals = number_decimals(largest_score(comparison));
    open_table(markup, "runs", "All runs");
    add_head(markup, "Variant", NULL, 0);
    add_head(markup, "Seed", NULL, 1);
    add_head(markup, "State", NULL, 0);
    add_head(markup, "Score", NULL, 1);
    add_head(markup, "Validation", "the score on the validation part, at the weights that are kept", 1);
    add_head(markup, "Best epoch", "of the weights that are kept", 1);
    add_head(markup, "Epochs", "trained", 1);
    add_head(markup, "Time", "of training", 1);
    add_head(markup, "Memory, MB", "peak of the process", 1);
    add_head(markup, "Folder", NULL, 0);
    markup_add(markup, "</tr></thead><tbody>\n");
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct compared_run *run = &comparison->variants[v].runs[s];
            if (has_run(run, &content->variants[v].runs[s])) {
                add_run_row(markup, &comparison->variants[v], run, &content->variants[v].runs[s], decimals);
            }
        }
    }
    close_table(markup);
}

/* ---- differences ---- */

static const char *find_setting(const struct compared_setting *settings, int32_t count, const char *key) {
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(settings[i].key, key) == 0) {
            return settings[i].text;
        }
    }
    return NULL;
}

void report_add_differences(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    if (content->n_differing == 0) {
        markup_add(markup, comparison->n_variants == 1
                               ? "<p>There is one variant, so nothing differs but the seed.</p>\n"
                               : "<p>No key of the experiments differs but the seed.</p>\n");
        return;
    }
    open_table(markup, "differences", "Keys of the experiments whose values differ");
    add_head(markup, "Key", NULL, 0);
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        add_head(markup, comparison->variants[v].name, NULL, 0);
    }
    markup_add(markup, "</tr></thead><tbody>\n");
    for (int32_t k = 0; k < content->n_differing; k++) {
        const char *key = content->differing[k];
        markup_add(markup, "<tr><th scope=\"row\"><code>");
        markup_text(markup, key);
        markup_add(markup, "</code></th>");
        for (int32_t v = 0; v < comparison->n_variants; v++) {
            const struct compared_variant *variant = &comparison->variants[v];
            const struct report_run *sample = content->variants[v].sample;
            const char *text = sample == NULL ? NULL : report_keys_get(&sample->files.experiment, key);
            text = text == NULL ? find_setting(variant->settings, variant->n_settings, key) : text;
            add_text_cell(markup, text == NULL ? "\xe2\x80\x93" : text);
        }
        markup_add(markup, "</tr>\n");
    }
    close_table(markup);
}

/* ---- cells ---- */

static void add_cell(struct markup *markup, const struct report_cell *cell) {
    markup_add(markup, "<h4>");
    markup_text(markup, cell->name);
    markup_add(markup, "</h4>");
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

void report_add_cells(struct markup *markup, const struct report_content *content) {
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        const struct report_run *sample = content->variants[v].sample;
        markup_add(markup, "<article class=\"cell\"><div><h3>");
        markup_text(markup, content->comparison->variants[v].name);
        markup_add(markup, "</h3>");
        for (int32_t c = 0; sample != NULL && c < sample->files.n_cells; c++) {
            add_cell(markup, &sample->files.cells[c]);
        }
        if (sample == NULL || sample->files.n_cells == 0) {
            markup_add(markup, "<p>The folders of its runs have no cells.</p>");
        }
        markup_format(markup, "</div><div class=\"mini\" data-cell=\"%d\"></div></article>\n", (int)v);
    }
}
