/* report/inspection_tables.c: what `rondo inspect` has found (inspect.json, whose form is in inspect/inspect.h). Values that are missing
 * or of another type are dashes: the file may have been edited. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "io/json.h"
#include "report/html_table.h"
#include "report/tables.h"

/* The inspections of all variants: [n_variants], NULL without one; owned. */
struct inspections {
    json_t **items;
    const struct report_content *content;
};

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static void number_of_cell(struct markup *markup, const json_t *object, const char *key, int decimals) {
    html_number_cell(markup, number_of(object, key), decimals);
}

static void count_of_cell(struct markup *markup, const json_t *object, const char *key) {
    const double value = number_of(object, key);
    html_count_cell(markup, value >= 0 && value < 1e15 ? (int64_t)value : -1);
}

/* In per cent, rounded here: less than 0.05 is 0.0, and no exponent. */
static void share_of_cell(struct markup *markup, const json_t *object, const char *key) {
    html_number_cell(markup, floor(1000 * number_of(object, key) + 0.5) / 10, 1);
}

static void text_of_cell(struct markup *markup, const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    html_text_cell(markup, text == NULL ? "\xe2\x80\x93" : text);
}

static void open_row(struct markup *markup, const struct report_content *content, int32_t v) {
    markup_format(markup, "<tr data-variant=\"%d\"><th scope=\"row\">", (int)v);
    markup_text(markup, content->comparison->variants[v].name);
    markup_add(markup, "</th>");
}

/* ---- one table each ---- */

static void add_memory(struct markup *markup, const struct inspections *inspections) {
    html_table_open(markup, "memory", "How far back an input still changes the loss");
    html_table_head(markup, "Variant", NULL, 0);
    html_table_head(markup, "Part", "of the data", 0);
    html_table_head(markup, "Examples", "of the sample", 1);
    html_table_head(markup, "Loss", "mean over the sample", 1);
    html_table_head(markup, "Longest, steps", "of the sample", 1);
    html_table_head(markup, "Reach, steps", "the largest distance at which the gradient is at least 1 % of the largest",
                    1);
    html_table_head(markup, "90\xc2\xa0% within, steps", "of the sum of the gradients over all distances", 1);
    html_table_head(markup, "Half-life, steps", "of the straight line through the logarithm of the gradient", 1);
    html_table_body(markup);
    for (int32_t v = 0; v < inspections->content->comparison->n_variants; v++) {
        const json_t *item = inspections->items[v];
        if (item != NULL) {
            const json_t *data = json_object_get(item, "data"), *memory = json_object_get(item, "memory");
            open_row(markup, inspections->content, v);
            text_of_cell(markup, data, "part");
            count_of_cell(markup, data, "examples");
            number_of_cell(markup, item, "loss", 4);
            count_of_cell(markup, data, "steps");
            count_of_cell(markup, memory, "reach");
            count_of_cell(markup, memory, "most");
            number_of_cell(markup, json_object_get(memory, "curve"), "half_life", 1);
            markup_add(markup, "</tr>\n");
        }
    }
    html_table_close(markup);
}

static void add_state(struct markup *markup, const json_t *state) {
    const json_t *curve = json_object_get(state, "curve");
    text_of_cell(markup, state, "name");
    count_of_cell(markup, state, "width");
    number_of_cell(markup, curve, "half_life", 1);
    number_of_cell(markup, curve, "factor", 3);
    number_of_cell(markup, curve, "fit", 2);
    count_of_cell(markup, state, "dead");
    count_of_cell(markup, state, "saturated");
}

static void add_gate(struct markup *markup, const json_t *gate) {
    text_of_cell(markup, gate, "name");
    text_of_cell(markup, gate, "op");
    share_of_cell(markup, gate, "below");
    share_of_cell(markup, gate, "above");
    share_of_cell(markup, gate, "shut");
    share_of_cell(markup, gate, "open");
}

static void add_matrix(struct markup *markup, const json_t *matrix) {
    const json_t *radii = json_object_get(matrix, "radius");
    text_of_cell(markup, matrix, "name");
    count_of_cell(markup, matrix, "rows");
    count_of_cell(markup, matrix, "columns");
    double largest = NAN;
    for (size_t i = 0; i < json_array_size(radii); i++) {
        const json_t *radius = json_array_get(radii, i);
        largest = json_is_number(radius) ? fmax(largest, json_number_value(radius)) : largest;
    }
    html_number_cell(markup, largest, 3);
}

struct inspection_column {
    const char *title, *note;
    int is_number;
};

/* A table with a row for each entry of a list of all layers. */
static const struct {
    const char *id, *caption, *list;
    struct inspection_column columns[7];
    void (*add)(struct markup *markup, const json_t *entry);
} tables[] = {
    {"states",
     "States: the gradient that reaches them",
     "states",
     {{"State", NULL, 0},
      {"Width", NULL, 1},
      {"Half-life, steps", "after so many steps, half of the gradient is left; a dash: it does not fall", 1},
      {"Factor", "of the gradient per step", 1},
      {"R\xc2\xb2", "of the fit: 1 if the gradient falls exactly by a factor per step", 1},
      {"Dead units", "units that do not vary over the sample", 1},
      {"Saturated", "dead units that stay at a limit", 1}},
     add_state},
    {"gates",
     "Gates: per cent of their values near a limit",
     "gates",
     {{"Gate", NULL, 0},
      {"Op", NULL, 0},
      {"Low, %", "values below 0.1 (of tanh: below -0.9)", 1},
      {"High, %", "values above 0.9", 1},
      {"Always low, %", "units that are low in more than 99 % of their values", 1},
      {"Always high, %", "units that are high in more than 99 % of their values", 1}},
     add_gate},
    {"matrices",
     "Recurrent matrices",
     "matrices",
     {{"Matrix", NULL, 0},
      {"Rows", NULL, 1},
      {"Columns", NULL, 1},
      {"Spectral radius", "largest absolute eigenvalue; of several blocks, the largest", 1}},
     add_matrix},
};

static void add_rows(struct markup *markup, const struct inspections *inspections, int32_t v, size_t table) {
    const json_t *layers = json_object_get(inspections->items[v], "layers");
    for (size_t l = 0; l < json_array_size(layers); l++) {
        const json_t *layer = json_array_get(layers, l), *list = json_object_get(layer, tables[table].list);
        for (size_t i = 0; i < json_array_size(list); i++) {
            open_row(markup, inspections->content, v);
            text_of_cell(markup, layer, "name");
            tables[table].add(markup, json_array_get(list, i));
            markup_add(markup, "</tr>\n");
        }
    }
}

static void add_table(struct markup *markup, const struct inspections *inspections, size_t table) {
    html_table_open(markup, tables[table].id, tables[table].caption);
    html_table_head(markup, "Variant", NULL, 0);
    html_table_head(markup, "Layer", NULL, 0);
    for (int c = 0; c < 7 && tables[table].columns[c].title != NULL; c++) {
        const struct inspection_column *column = &tables[table].columns[c];
        html_table_head(markup, column->title, column->note, column->is_number);
    }
    html_table_body(markup);
    for (int32_t v = 0; v < inspections->content->comparison->n_variants; v++) {
        add_rows(markup, inspections, v, table);
    }
    html_table_close(markup);
}

/* What a person should see first. */
static void add_findings(struct markup *markup, const struct inspections *inspections) {
    for (int32_t v = 0; v < inspections->content->comparison->n_variants; v++) {
        const json_t *findings = json_object_get(inspections->items[v], "findings");
        if (json_array_size(findings) == 0) {
            continue;
        }
        markup_add(markup, "<h3>");
        markup_text(markup, inspections->content->comparison->variants[v].name);
        markup_add(markup, "</h3><ul>");
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const char *text = json_string_value(json_array_get(findings, i));
            markup_add(markup, "<li>");
            markup_text(markup, text == NULL ? "" : text);
            markup_add(markup, "</li>");
        }
        markup_add(markup, "</ul>\n");
    }
}

static void add_section(struct markup *markup, const struct inspections *inspections) {
    markup_add(
        markup,
        "<section id=\"inspection\">\n<h2>Gradients, gates and memory</h2>\n<p class=\"summary\">Measured by rondo "
        "inspect on real examples, in one run of each variant: ");
    int32_t listed = 0;
    for (int32_t v = 0; v < inspections->content->comparison->n_variants; v++) {
        if (inspections->items[v] != NULL) {
            markup_add(markup, listed++ == 0 ? "" : ", ");
            markup_text(markup, inspections->content->variants[v].inspected->folder);
        }
    }
    markup_add(markup, ".</p>\n<div class=\"charts\" data-charts=\"inspection\"></div>\n");
    add_findings(markup, inspections);
    add_memory(markup, inspections);
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        add_table(markup, inspections, t);
    }
    markup_add(markup, "</section>\n");
}

void report_add_inspections(struct markup *markup, const struct report_content *content, struct arena *arena) {
    const int32_t n_variants = content->comparison->n_variants;
    struct inspections inspections = {arena_calloc(arena, (size_t)n_variants, sizeof(json_t *)), content};
    int32_t count = 0;
    markup->failed |= inspections.items == NULL;
    for (int32_t v = 0; v < n_variants && !markup->failed; v++) {
        const struct report_run *run = content->variants[v].inspected;
        json_error_t reason;
        if (run != NULL) {
            const char *text = run->files.inspection;
            markup->failed |= json_parse(text, strlen(text), &inspections.items[v], &reason) != RONDO_OK;
            count++;
        }
    }
    if (count > 0 && !markup->failed) {
        add_section(markup, &inspections);
    }
    for (int32_t v = 0; v < n_variants && inspections.items != NULL; v++) {
        json_decref(inspections.items[v]);
    }
}
