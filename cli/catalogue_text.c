/* cli/catalogue_text.c: the catalogue for a terminal, in columns. */
#include <string.h>

#include "cli/catalogue_facts.h"
#include "cli/catalogue_write.h"
#include "cli/print.h"

/* The width of the table, and the largest widths of two of its columns. */
enum { WIDTH = 116, DEFAULT_WIDTH = 16, EXPECTED_WIDTH = 32, COLUMNS = 4, GAP = 2 };

/* ---- columns ---- */

static int is_inside_character(char c) {
    return ((unsigned char)c & 0xc0) == 0x80; /* in UTF-8 */
}

/* The number of columns of the first `bytes` of a text. */
static int width_of(const char *text, size_t bytes) {
    int width = 0;
    for (size_t i = 0; i < bytes; i++) {
        width += !is_inside_character(text[i]);
    }
    return width;
}

static int width_of_all(const char *text) {
    return width_of(text, strlen(text));
}

/* The number of bytes of `text` that fit on a line of `width` columns: whole words, at least one. */
static size_t line_of(const char *text, int width) {
    size_t taken = 0;
    while (text[taken] != '\0') {
        const size_t next = taken + strspn(text + taken, " ");
        const size_t end = next + strcspn(text + next, " ");
        if (taken > 0 && width_of(text, end) > width) {
            break;
        }
        taken = end;
    }
    return taken;
}

/* Prints the cells of one row side by side, each wrapped to the width of its column. */
static void print_row(FILE *out, int indent, const char *const *cells, const int *widths, int n) {
    const char *rest[COLUMNS];
    int is_left = 1;
    for (int c = 0; c < n; c++) {
        rest[c] = cells[c];
    }
    while (is_left) {
        int column = 0, wanted = indent; /* the current column, and the column of the next cell */
        is_left = 0;
        for (int c = 0; c < n; c++) {
            const size_t bytes = line_of(rest[c], widths[c]);
            if (bytes > 0) {
                fprintf(out, "%*s%.*s", wanted - column, "", (int)bytes, rest[c]);
                column = wanted + width_of(rest[c], bytes);
            }
            wanted += widths[c] + GAP;
            rest[c] += bytes + strspn(rest[c] + bytes, " ");
            is_left |= rest[c][0] != '\0';
        }
        fputc('\n', out);
    }
}

/* Prints a text in indented lines. */
static void print_paragraph(FILE *out, int indent, const char *text) {
    const int width = WIDTH - indent;
    print_row(out, indent, &text, &width, 1);
}

/* Prints "label  text" with aligned labels. */
enum { LABEL_WIDTH = 10 };
static void print_fact(FILE *out, const char *label, const char *text) {
    const char *const cells[] = {label, text};
    const int widths[] = {LABEL_WIDTH, WIDTH - 2 - LABEL_WIDTH - GAP};
    print_row(out, 2, cells, widths, 2);
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Computes the widths of the columns and prints the table below a heading. */
static void print_keys(FILE *out, const struct key_row *rows, int32_t count) {
    const char *const heading[COLUMNS] = {"key", "default", "expected", "what it is"};
    int widths[COLUMNS] = {0};
    for (int32_t i = -1; i < count; i++) {
        widths[0] = larger(widths[0], width_of_all(i < 0 ? heading[0] : rows[i].key));
        widths[1] = larger(widths[1], width_of_all(i < 0 ? heading[1] : key_default(&rows[i])));
        widths[2] = larger(widths[2], width_of_all(i < 0 ? heading[2] : rows[i].expected));
    }
    widths[1] = smaller(widths[1], DEFAULT_WIDTH);
    widths[2] = smaller(widths[2], EXPECTED_WIDTH);
    widths[3] = WIDTH - 2 - widths[0] - widths[1] - widths[2] - 3 * GAP;
    fputc('\n', out);
    print_row(out, 2, heading, widths, COLUMNS);
    for (int32_t i = 0; i < count; i++) {
        const char *const cells[COLUMNS] = {rows[i].key, key_default(&rows[i]), rows[i].expected, rows[i].help};
        print_row(out, 2, cells, widths, COLUMNS);
    }
}

static void print_equations(FILE *out, const char *text) {
    fputc('\n', out);
    while (*text != '\0') {
        const int length = (int)strcspn(text, "\n");
        fprintf(out, "  | %.*s\n", length, text);
        text += length + (text[length] == '\n');
    }
}

/* ---- entries ---- */

static const char *shown_name(const struct entry *entry) {
    return entry->name[0] == '\0' ? "(top)" : entry->name;
}

static rondo_status print_details(FILE *out, const struct entry *entry, struct arena *arena, struct errors *errors) {
    struct fact facts[FACTS_MOST];
    int32_t n_keys = 0;
    const struct key_row *rows = entry_keys(entry, arena, &n_keys);
    const int32_t n_facts = entry_facts(entry, arena, facts);
    const char *example = entry_example(entry, arena);
    if (rows == NULL || n_facts < 0 || (example == NULL && entry->section == NULL)) {
        return errors_no_memory(errors);
    }
    fprintf(out, "%s %s\n", entry->kind, shown_name(entry));
    print_paragraph(out, 2, entry->summary);
    if (n_keys > 0) {
        print_keys(out, rows, n_keys);
    }
    if (entry->cell != NULL) {
        print_equations(out, entry->cell->equations.text);
    }
    if (entry->section != NULL) {
        return RONDO_OK;
    }
    fputc('\n', out);
    for (int32_t i = 0; i < n_facts; i++) {
        print_fact(out, facts[i].label, facts[i].text);
    }
    fprintf(out, "  %-*s  %s\n", LABEL_WIDTH, "example", example); /* never wrapped, so that it can be copied */
    if (entry->source[0] != '\0') {
        print_fact(out, "source", entry->source);
    }
    fprintf(out, "  %-*s  ", LABEL_WIDTH, "file");
    print_text(out, entry->origin);
    fputc('\n', out);
    if (entry->plugin != NULL) {
        fprintf(out, "  %-*s  %s %s, licence %s\n", LABEL_WIDTH, "plug-in", entry->plugin, entry->version,
                entry->licence);
    }
    return RONDO_OK;
}

static int is_first_of_kind(const struct catalogue *catalogue, int32_t index) {
    return index == 0 || strcmp(catalogue->entries[index - 1].kind, catalogue->entries[index].kind) != 0;
}

static int name_width(const struct catalogue *catalogue, int32_t first) {
    int width = 0;
    for (int32_t i = first; i < catalogue->count && (i == first || !is_first_of_kind(catalogue, i)); i++) {
        width = larger(width, width_of_all(shown_name(&catalogue->entries[i])));
    }
    return width;
}

rondo_status catalogue_print(FILE *out, const struct catalogue *catalogue, int details, struct errors *errors) {
    int width = 0;
    for (int32_t i = 0; i < catalogue->count; i++) {
        const struct entry *entry = &catalogue->entries[i];
        if (details) {
            fputs(i == 0 ? "" : "\n", out);
            RONDO_TRY(print_details(out, entry, catalogue->arena, errors));
            continue;
        }
        if (is_first_of_kind(catalogue, i)) {
            width = name_width(catalogue, i);
            fprintf(out, "%s%s:\n", i == 0 ? "" : "\n", entry->kind);
        }
        fprintf(out, "  %-*s  %s%s\n", width, shown_name(entry), entry_is_wrapper(entry) ? "wrapper: " : "",
                entry->summary);
    }
    return RONDO_OK;
}
