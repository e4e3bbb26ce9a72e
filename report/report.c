#include "report/report.h"

#include <string.h>

#include "config.h"
#include "io/file.h"
#include "report/content.h"
#include "report/data.h"
#include "report/markup.h"
#include "report/page_files.h"
#include "report/tables.h"

/* The page while it is put together. */
struct page_writing {
    struct markup markup;
    const struct report_content *content;
    struct arena *arena;
    struct errors *errors;
    rondo_status status;
};

static const struct embedded_file *find_file(const char *path) {
    const struct embedded_file *file = report_page_files;
    while (file->path != NULL && strcmp(file->path, path) != 0) {
        file++;
    }
    return file->path == NULL ? NULL : file;
}

/* ---- what the words of page/page.html stand for ---- */

static void add_title(struct page_writing *page) {
    markup_text(&page->markup, page->content->comparison->name);
}

static void add_summary(struct page_writing *page) {
    report_add_summary(&page->markup, page->content, page->arena);
}

static void add_problems(struct page_writing *page) {
    report_add_problems(&page->markup, page->content);
}

static void add_variants(struct page_writing *page) {
    report_add_variants(&page->markup, page->content);
}

static void add_improvements(struct page_writing *page) {
    report_add_improvements(&page->markup, page->content);
}

static void add_runs(struct page_writing *page) {
    report_add_runs(&page->markup, page->content);
}

static void add_differences(struct page_writing *page) {
    report_add_differences(&page->markup, page->content);
}

static void add_cells(struct page_writing *page) {
    report_add_cells(&page->markup, page->content);
}

static void add_inspections(struct page_writing *page) {
    report_add_inspections(&page->markup, page->content, page->arena);
}

static void add_environment(struct page_writing *page) {
    report_add_environment(&page->markup, page->content, page->arena);
}

static void add_commands(struct page_writing *page) {
    report_add_commands(&page->markup, page->content);
}

static void add_data(struct page_writing *page) {
    const rondo_status status = report_data_add(&page->markup, page->content, page->arena, page->errors);
    page->status = page->status == RONDO_OK ? status : page->status;
}

static void add_version(struct page_writing *page) {
    markup_add(&page->markup, RONDO_VERSION);
}

static void add_file(struct page_writing *page, const char *path) {
    const struct embedded_file *file = find_file(path);
    if (file == NULL) {
        page->status = errors_bug(page->errors, __FILE__, __LINE__, "the page is complete");
        return;
    }
    markup_bytes(&page->markup, file->bytes, file->size);
}

static const struct {
    const char *word;
    void (*add)(struct page_writing *page);
    const char *file; /* add NULL */
} words[] = {
    {"@TITLE@", add_title, NULL},
    {"@SUMMARY@", add_summary, NULL},
    {"@PROBLEMS@", add_problems, NULL},
    {"@VARIANTS@", add_variants, NULL},
    {"@IMPROVEMENTS@", add_improvements, NULL},
    {"@RUNS@", add_runs, NULL},
    {"@DIFFERENCES@", add_differences, NULL},
    {"@CELLS@", add_cells, NULL},
    {"@INSPECTIONS@", add_inspections, NULL},
    {"@ENVIRONMENT@", add_environment, NULL},
    {"@COMMANDS@", add_commands, NULL},
    {"@DATA@", add_data, NULL},
    {"@VERSION@", add_version, NULL},
    {"@STYLE@", NULL, "page/page.css"},
    {"@CHART@", NULL, "chart.js/chart.min.js"},
    {"@CURVES@", NULL, "page/curves.js"},
    {"@CHARTS@", NULL, "page/charts.js"},
    {"@INSPECT@", NULL, "page/inspect.js"},
    {"@PAGE@", NULL, "page/page.js"},
};

/* The index of the word at `text`, -1: there is none. */
static int find_word(const char *text, size_t left) {
    for (int w = 0; w < (int)(sizeof words / sizeof words[0]); w++) {
        const size_t length = strlen(words[w].word);
        if (left >= length && memcmp(text, words[w].word, length) == 0) {
            return w;
        }
    }
    return -1;
}

static void add_page(struct page_writing *page) {
    const struct embedded_file *template = find_file("page/page.html");
    if (template == NULL) {
        page->status = errors_bug(page->errors, __FILE__, __LINE__, "the page is complete");
        return;
    }
    const char *text = (const char *)template->bytes;
    size_t left = template->size;
    while (left > 0) {
        const char *at = memchr(text, '@', left);
        const size_t length = at == NULL ? left : (size_t)(at - text);
        const int word = at == NULL ? -1 : find_word(at, left - length);
        const size_t used = word < 0 ? (at == NULL ? length : length + 1) : length;
        markup_bytes(&page->markup, text, used);
        text += used;
        left -= used;
        if (word >= 0) {
            if (words[word].add != NULL) {
                words[word].add(page);
            } else {
                add_file(page, words[word].file);
            }
            text += strlen(words[word].word);
            left -= strlen(words[word].word);
        }
    }
}

rondo_status report_write(const struct report_settings *settings, struct report_result *result, struct arena *arena,
                          struct errors *warnings, struct errors *errors) {
    struct report_content content;
    *result = (struct report_result){0};
    RONDO_TRY(report_content_read(settings->sources, settings->n_sources, &content, arena, warnings, errors));
    struct page_writing page = {.content = &content, .arena = arena, .errors = errors};
    add_page(&page);
    if (page.status == RONDO_OK && page.markup.failed) {
        page.status = errors_no_memory(errors);
    }
    result->file = settings->file != NULL ? arena_strdup(arena, settings->file)
                   : content.is_grouped   ? REPORT_FILE
                                          : path_join(arena, settings->sources[0], REPORT_FILE);
    if (page.status == RONDO_OK && result->file == NULL) {
        page.status = errors_no_memory(errors);
    }
    if (page.status == RONDO_OK) {
        page.status = file_write(result->file, page.markup.text, page.markup.length, errors);
    }
    result->bytes = (int64_t)page.markup.length;
    result->n_variants = content.comparison->n_variants;
    result->n_runs = content.n_runs;
    markup_free(&page.markup);
    return page.status;
}
