/* compare/table_text.c: the table of a comparison for a terminal. */
#include <string.h>

#include "compare/table_content.h"
#include "compare/text_builder.h"
#include "io/printable.h"

enum { WIDTH = 100, MOST_NAME = 28, MOST_CELL = 40, GAP = 2 };

/* Columns that a printable text takes. */
static int width_of(const char *text) {
    int width = 0;
    struct printable_character next;
    for (; (next = printable_next(text, 0)).taken > 0; text += next.taken) {
        width += next.width;
    }
    return width;
}

/* Bytes of `text` from its first character that are `width` columns wide, or one less. */
static size_t bytes_within(const char *text, int width) {
    size_t bytes = 0;
    struct printable_character next;
    while ((next = printable_next(text + bytes, 0)).taken > 0 && next.width <= width) {
        width -= next.width;
        bytes += next.taken;
    }
    return bytes;
}

/* Names of variants often differ at their end: a long text is cut in the middle. */
static const char *shortened(const char *text, int most, struct arena *arena) {
    const char *printable = table_printable(text, arena);
    if (printable == NULL || width_of(printable) <= most) {
        return printable;
    }
    const int half = (most - 1) / 2;
    const char *tail = printable;
    while (width_of(tail) > half) {
        tail += printable_next(tail, 0).taken;
    }
    return arena_printf(arena, "%.*s…%s", (int)bytes_within(printable, most - 1 - half), printable, tail);
}

/* ---- text ---- */

/* Words in lines of at most WIDTH columns; those after the first begin with `indent` blanks. */
static void add_wrapped(struct text_builder *builder, const char *text, int indent) {
    const char *word = table_printable(text, builder->arena);
    int column = 0;
    while (word != NULL && *word != '\0') {
        const int length = (int)strcspn(word, " ");
        const char *copy = arena_strndup(builder->arena, word, (size_t)length);
        const int width = copy == NULL ? 0 : width_of(copy);
        if (column > 0 && column + 1 + width > WIDTH) {
            text_add(builder, "\n");
            text_add_blanks(builder, indent);
            column = indent;
        } else if (column > 0) {
            text_add(builder, " ");
            column++;
        }
        text_add(builder, copy);
        column += width;
        word += length + (int)strspn(word + length, " ");
    }
    text_add(builder, "\n");
}

/* ---- tables ---- */

static void add_cell(struct text_builder *builder, const char *text, int width, int is_left, int is_last) {
    const int padding = width - width_of(text);
    text_add_blanks(builder, is_left ? 0 : padding);
    text_add(builder, text);
    text_add_blanks(builder, is_left && !is_last ? padding : 0);
}

/* Shortens the cells in place, and gives the widths of the columns. */
static int *measure(struct comparison_subtable *part, struct arena *arena) {
    int *widths = arena_calloc(arena, (size_t)part->n_columns, sizeof *widths);
    for (int32_t row = -1; row < part->n_rows && widths != NULL; row++) {
        const char **cells = row < 0 ? part->headings : part->cells[row];
        for (int32_t c = 0; c < part->n_columns; c++) {
            cells[c] = shortened(cells[c], c == 0 ? MOST_NAME : MOST_CELL, arena);
            if (cells[c] == NULL) {
                return NULL;
            }
            const int width = width_of(cells[c]);
            widths[c] = width > widths[c] ? width : widths[c];
        }
    }
    return widths;
}

static void add_part(struct text_builder *builder, struct comparison_subtable *part) {
    const int *widths = measure(part, builder->arena);
    if (widths == NULL) {
        return;
    }
    text_add(builder, "\n");
    add_wrapped(builder, part->title, 0);
    for (int32_t first = 1, end; first < part->n_columns; first = end) { /* several tables if one is too wide */
        int width = widths[0] + GAP + widths[first];
        for (end = first + 1; end < part->n_columns && width + GAP + widths[end] <= WIDTH; end++) {
            width += GAP + widths[end];
        }
        for (int32_t row = -1; row < part->n_rows; row++) {
            const char *const *cells = row < 0 ? part->headings : part->cells[row];
            add_cell(builder, cells[0], widths[0], 1, 0);
            for (int32_t c = first; c < end; c++) {
                text_add_blanks(builder, GAP);
                add_cell(builder, cells[c], widths[c], table_is_text(part->columns[c]), c + 1 == end);
            }
            text_add(builder, "\n");
        }
        text_add(builder, end < part->n_columns ? "\n" : "");
    }
}

const char *table_as_text(const struct comparison_content *content, struct arena *arena) {
    struct text_builder builder = {.arena = arena};
    struct comparison_subtable parts[TABLE_GROUPS];
    if (content->not_final != NULL) {
        add_wrapped(&builder, content->not_final, 0);
        text_add(&builder, "\n");
    }
    add_wrapped(&builder, content->subject, 0);
    const int32_t n_parts = table_parts(content, parts, arena);
    for (int32_t i = 0; i < n_parts; i++) {
        add_part(&builder, &parts[i]);
    }
    text_add(&builder, "\n");
    for (int32_t i = 0; i < content->n_sentences; i++) {
        add_wrapped(&builder, content->sentences[i], 0);
    }
    text_add(&builder, "\n");
    add_wrapped(&builder, content->note, 0);
    text_add(&builder, content->n_failures > 0 ? "\nRuns without a score:\n" : "");
    for (int32_t i = 0; i < content->n_failures; i++) {
        text_add(&builder, "  ");
        add_wrapped(&builder, content->failures[i], 4);
    }
    if (content->n_more > 0) {
        text_format(&builder, "  and %d more\n", content->n_more);
    }
    return text_built(&builder);
}
