#include "cli/plot_page.h"

#include <stdlib.h>

rondo_status plot_page_open(struct plot_page *page, struct plot_flag flag, int64_t example, int json,
                            struct errors *errors) {
    *page = (struct plot_page){.flag = flag};
    if (!flag.is_given && example > 0) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = "--example"}, "is used only with --plot");
    }
    if (!flag.is_given) {
        return RONDO_OK;
    }
    if (json && flag.file == NULL) {
        return errors_add(errors, RONDO_INVALID,
                          "--%s: text is not mixed with --json; name a file for the plots: --%s FILE.svg", flag.name,
                          flag.name);
    }
    page->arena = arena_create();
    if (page->arena == NULL) {
        return errors_no_memory(errors);
    }
    if (flag.file != NULL) {
        RONDO_TRY(file_begin(&page->writer, flag.file, errors));
        page->has_file = 1;
    }
    return RONDO_OK;
}

void plot_page_close(struct plot_page *page) {
    if (page->has_file) {
        file_abort(&page->writer); /* does nothing after a commit */
        page->has_file = 0;
    }
    arena_destroy(page->arena);
    page->arena = NULL;
}

struct plot *plot_page_add(struct plot_page *page) {
    if (page->count == page->capacity) {
        const int32_t capacity = page->capacity == 0 ? 8 : 2 * page->capacity;
        struct plot **plots = arena_calloc(page->arena, (size_t)capacity, sizeof(struct plot *));
        for (int32_t i = 0; plots != NULL && i < page->count; i++) {
            plots[i] = page->plots[i];
        }
        page->plots = plots == NULL ? page->plots : plots;
        page->capacity = plots == NULL ? page->capacity : capacity;
    }
    struct plot *plot = arena_calloc(page->arena, 1, sizeof *plot);
    if (plot != NULL && !arena_failed(page->arena)) {
        page->plots[page->count++] = plot;
    }
    return plot;
}

static void print_page(const struct plot_page *page) {
    const struct plot_style style = {.rows = 12, .colors = -1};
    for (int32_t i = 0; i < page->count; i++) {
        printf(i == 0 ? "" : "\n");
        plot_print(stdout, page->plots[i], &style);
    }
}

rondo_status plot_page_show(struct plot_page *page, const char *title, const char *empty, struct errors *errors) {
    if (arena_failed(page->arena)) {
        return errors_no_memory(errors);
    }
    if (page->count == 0) {
        return errors_add(errors, RONDO_INVALID, "--%s: nothing to plot: %s", page->flag.name, empty);
    }
    if (page->flag.file == NULL) {
        print_page(page);
        return RONDO_OK;
    }
    size_t length = 0;
    char *text = plot_svg((const struct plot *const *)page->plots, page->count, title, &length);
    if (text == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = file_piece(&page->writer, text, length, errors);
    status = status == RONDO_OK ? file_commit(&page->writer, errors) : status;
    free(text);
    return status;
}
