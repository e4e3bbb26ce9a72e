/* report/provenance_tables.c: what the runs were made with, and how to make them again. */
#include <string.h>

#include "report/tables.h"

/* ---- environment ---- */

/* A property with its different values, each with the number of runs that have it. */
struct property {
    const char *key;
    const char *values[8]; /* further ones are not listed */
    int32_t counts[8], n_values, n_more;
};

struct property_list {
    struct property *items;
    int32_t count, capacity;
};

static void count_value(struct property_list *list, const char *key, const char *value) {
    int32_t p = 0;
    while (p < list->count && strcmp(list->items[p].key, key) != 0) {
        p++;
    }
    if (p == list->count) {
        if (list->count == list->capacity) {
            return;
        }
        list->items[list->count++] = (struct property){.key = key};
    }
    struct property *property = &list->items[p];
    for (int32_t i = 0; i < property->n_values; i++) {
        if (strcmp(property->values[i], value) == 0) {
            property->counts[i]++;
            return;
        }
    }
    if (property->n_values == (int32_t)(sizeof property->values / sizeof property->values[0])) {
        property->n_more++;
        return;
    }
    property->values[property->n_values] = value;
    property->counts[property->n_values++] = 1;
}

static void add_properties(struct markup *markup, const struct property_list *list) {
    for (int32_t p = 0; p < list->count; p++) {
        const struct property *property = &list->items[p];
        markup_add(markup, "<tr><th scope=\"row\">");
        markup_text(markup, property->key);
        markup_add(markup, "</th><td>");
        for (int32_t i = 0; i < property->n_values; i++) {
            markup_add(markup, i == 0 ? "" : "<br>");
            markup_text(markup, property->values[i]);
            if (property->n_values > 1) {
                markup_format(markup, " <span class=\"count\">(%d %s)</span>", (int)property->counts[i],
                              property->counts[i] == 1 ? "run" : "runs");
            }
        }
        if (property->n_more > 0) {
            markup_format(markup, "<br><span class=\"count\">and other values in %d runs</span>",
                          (int)property->n_more);
        }
        markup_add(markup, "</td></tr>\n");
    }
}

/* The first and the last start stand for all. */
static void add_starts(struct markup *markup, const char *first, const char *last) {
    if (first == NULL) {
        return;
    }
    markup_add(markup, "<tr><th scope=\"row\">started</th><td>");
    markup_text(markup, first);
    if (strcmp(first, last) != 0) {
        markup_add(markup, " to ");
        markup_text(markup, last);
    }
    markup_add(markup, "</td></tr>\n");
}

static int is_of_run(const char *key) {
    return strcmp(key, "seed") == 0 || strcmp(key, "started") == 0;
}

void report_add_environment(struct markup *markup, const struct report_content *content, struct arena *arena) {
    enum { MOST_PROPERTIES = 200 };
    struct property_list list = {.items = arena_calloc(arena, MOST_PROPERTIES, sizeof(struct property))};
    const char *first = NULL, *last = NULL;
    list.capacity = list.items == NULL ? 0 : MOST_PROPERTIES;
    markup->failed |= list.items == NULL;
    for (int32_t part = 0; part < 2; part++) { /* versions and machine first */
        for (int32_t v = 0; v < content->comparison->n_variants; v++) {
            for (int32_t s = 0; s < content->comparison->n_seeds; s++) {
                const struct report_files *files = &content->variants[v].runs[s].files;
                const struct report_keys *keys = part == 0 ? &files->environment : &files->made_from;
                for (int32_t i = 0; i < keys->count; i++) {
                    if (!is_of_run(keys->items[i].key)) {
                        count_value(&list, keys->items[i].key, keys->items[i].text);
                    }
                }
                const char *started = part == 0 ? report_keys_get(keys, "started") : NULL;
                if (started != NULL) { /* ISO 8601: the order of the texts is that of the times */
                    first = first == NULL || strcmp(started, first) < 0 ? started : first;
                    last = last == NULL || strcmp(started, last) > 0 ? started : last;
                }
            }
        }
    }
    markup_add(markup, "<div class=\"scroll\" tabindex=\"0\"><table id=\"environment\" "
                       "class=\"properties\"><caption><span>What the runs were "
                       "made with</span></caption><tbody>\n");
    add_properties(markup, &list);
    add_starts(markup, first, last);
    markup_add(markup, "</tbody></table></div>\n");
}

/* ---- commands ---- */

/* A word of a shell. */
static void add_word(struct markup *markup, const char *word) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
    if (word[0] != '\0' && word[0] != '-' && strspn(word, plain) == strlen(word)) {
        markup_text(markup, word);
        return;
    }
    markup_add(markup, "&#39;");
    for (const char *quote; (quote = strchr(word, '\'')) != NULL; word = quote + 1) {
        markup_piece(markup, word, (size_t)(quote - word));
        markup_add(markup, "&#39;\\&#39;&#39;");
    }
    markup_text(markup, word);
    markup_add(markup, "&#39;");
}

void report_add_commands(struct markup *markup, const struct report_content *content) {
    const struct comparison *comparison = content->comparison;
    if (!content->is_grouped) {
        markup_add(markup, "<p>The whole comparison, in a new folder:</p><pre tabindex=\"0\">rondo compare ");
        add_word(markup, comparison->file);
        markup_text(markup, comparison->flags == NULL ? "" : comparison->flags);
        markup_add(markup, " --out NEW-FOLDER</pre>\n<p>One run of each variant:</p>");
    } else {
        markup_add(markup, "<p>The runs, each in a new folder:</p>");
    }
    markup_add(markup, "<pre tabindex=\"0\" id=\"commands\">");
    for (int32_t v = 0; v < comparison->n_variants; v++) {
        int32_t shown = 0;
        for (int32_t s = 0; s < comparison->n_seeds; s++) {
            const struct report_run *run = &content->variants[v].runs[s];
            if (run->files.experiment.count > 0 && (content->is_grouped || shown == 0)) {
                markup_add(markup, "rondo train ");
                add_word(markup, run->folder);
                markup_add(markup, "/experiment.yaml --out NEW-FOLDER\n");
                shown++;
            }
        }
    }
    markup_add(markup, "</pre>\n");
}
