/* report/differences.c: the keys in which the variants differ. */
#include <string.h>

#include "report/html_table.h"
#include "report/tables.h"

/* Keys that differ between runs of any kind: of the format, and of the seed. */
static int is_shown(const char *key) {
    return strcmp(key, "schedule.seed") != 0 && strcmp(key, "name") != 0 && strcmp(key, "rondo") != 0;
}

static int is_same_text(const char *left, const char *right) {
    return left == NULL || right == NULL ? left == right : strcmp(left, right) == 0;
}

static const char *find_setting(const struct compared_setting *settings, int32_t count, const char *key) {
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(settings[i].key, key) == 0) {
            return settings[i].text;
        }
    }
    return NULL;
}

/* The value of a key: of its runs, or, before any has begun, of its settings. NULL: not known. */
static const char *value_of(const struct report_content *content, int32_t v, const char *key) {
    const struct compared_variant *variant = &content->comparison->variants[v];
    const struct report_run *sample = content->variants[v].sample;
    return sample != NULL ? report_keys_get(&sample->files.experiment, key)
                          : find_setting(variant->settings, variant->n_settings, key);
}

/* ---- which ---- */

/* Of variants of which no run has begun, only the settings are known. */
static int is_known(const struct report_content *content, int32_t v, const char *key) {
    return content->variants[v].sample != NULL || value_of(content, v, key) != NULL;
}

static int differs(const struct report_content *content, const char *key) {
    int32_t first = -1;
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        if (!is_known(content, v, key)) {
            continue;
        }
        if (first >= 0 && !is_same_text(value_of(content, first, key), value_of(content, v, key))) {
            return 1;
        }
        first = first < 0 ? v : first;
    }
    return 0;
}

static void add_key(struct report_content *content, const char *key) {
    for (int32_t i = 0; i < content->n_differing; i++) {
        if (strcmp(content->differing[i], key) == 0) {
            return;
        }
    }
    if (is_shown(key) && differs(content, key)) {
        content->differing[content->n_differing++] = key;
    }
}

rondo_status report_find_differing(struct report_content *content, struct arena *arena, struct errors *errors) {
    const struct comparison *comparison = content->comparison;
    size_t most = 0;
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct report_run *sample = content->variants[v].sample;
        most += (size_t)(sample == NULL ? comparison->variants[v].n_settings : sample->files.experiment.count);
    }
    content->differing = arena_calloc(arena, most, sizeof *content->differing);
    if (content->differing == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        const struct report_run *sample = content->variants[v].sample;
        for (int32_t i = 0; sample != NULL && i < sample->files.experiment.count; i++) {
            add_key(content, sample->files.experiment.items[i].key);
        }
        for (int32_t i = 0; sample == NULL && i < comparison->variants[v].n_settings; i++) {
            add_key(content, comparison->variants[v].settings[i].key);
        }
    }
    return RONDO_OK;
}

/* ---- the table ---- */

static void add_value(struct markup *markup, const struct report_content *content, int32_t v, int32_t k) {
    const char *text = value_of(content, v, content->differing[k]);
    html_text_cell(markup, text == NULL ? "\xe2\x80\x93" : text);
}

/* A row per key: few variants are easier to compare side by side. */
static void add_keys_as_rows(struct markup *markup, const struct report_content *content) {
    html_table_head(markup, "Key", NULL, 0);
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        html_table_head(markup, content->comparison->variants[v].name, NULL, 0);
    }
    html_table_body(markup);
    for (int32_t k = 0; k < content->n_differing; k++) {
        markup_add(markup, "<tr><th scope=\"row\"><code>");
        markup_text(markup, content->differing[k]);
        markup_add(markup, "</code></th>");
        for (int32_t v = 0; v < content->comparison->n_variants; v++) {
            add_value(markup, content, v, k);
        }
        markup_add(markup, "</tr>\n");
    }
}

static void add_variants_as_rows(struct markup *markup, const struct report_content *content) {
    html_table_head(markup, "Variant", NULL, 0);
    for (int32_t k = 0; k < content->n_differing; k++) {
        html_table_head(markup, content->differing[k], NULL, 0);
    }
    html_table_body(markup);
    for (int32_t v = 0; v < content->comparison->n_variants; v++) {
        markup_format(markup, "<tr data-variant=\"%d\"><th scope=\"row\">", (int)v);
        markup_text(markup, content->comparison->variants[v].name);
        markup_add(markup, "</th>");
        for (int32_t k = 0; k < content->n_differing; k++) {
            add_value(markup, content, v, k);
        }
        markup_add(markup, "</tr>\n");
    }
}

void report_add_differences(struct markup *markup, const struct report_content *content) {
    enum { FEW_VARIANTS = 6 };
    if (content->n_differing == 0) {
        markup_add(markup,
                   content->comparison->n_variants == 1
                       ? "<p>There is one variant, so nothing differs but the seed.</p>\n"
                       : "<p>No key of the experiments differs but the seed. The variants differ in their names, "
                         "or in the contents of their data or cells.</p>\n");
        return;
    }
    html_table_open(markup, "differences", "Keys of the experiments whose values differ");
    if (content->comparison->n_variants <= FEW_VARIANTS) {
        add_keys_as_rows(markup, content);
    } else {
        add_variants_as_rows(markup, content);
    }
    html_table_close(markup);
}
