/* compare/table_latex.c: the table of a comparison as LaTeX, with the rules of the package booktabs. */
#include <ctype.h>
#include <string.h>

#include "compare/table_content.h"
#include "compare/text_builder.h"

/* The replacement of a character that has a meaning in LaTeX, also at the beginning of a row after \\, where "[" and "*" have one. */
static const char *escape_of(const char *c, int is_first) {
    static const struct {
        char character;
        const char *text;
    } escapes[] = {{'\\', "\\textbackslash{}"},
                   {'{', "\\{"},
                   {'}', "\\}"},
                   {'$', "\\$"},
                   {'&', "\\&"},
                   {'#', "\\#"},
                   {'_', "\\_"},
                   {'%', "\\%"},
                   {'~', "\\textasciitilde{}"},
                   {'^', "\\textasciicircum{}"},
                   {'<', "\\textless{}"},
                   {'>', "\\textgreater{}"},
                   {'|', "\\textbar{}"},
                   {'"', "{\\ttfamily\\char34}"}};
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (*c == escapes[i].character) {
            return escapes[i].text;
        }
    }
    return is_first && *c == '[' ? "{[}" : is_first && *c == '*' ? "{*}" : NULL;
}

static void add_escaped(struct text_builder *builder, const char *text) {
    const char *printable = table_printable(text, builder->arena);
    for (const char *c = printable; c != NULL && *c != '\0'; c++) {
        const int is_first = c == printable;
        const char *escape = escape_of(c, is_first);
        const int is_minus = *c == '-' && isdigit((unsigned char)c[1]) && (is_first || strchr(" [", c[-1]) != NULL);
        if (escape != NULL) {
            text_add(builder, escape);
        } else if (is_minus) {
            text_add(builder, "$-$");
        } else if (*c == '-' && c[1] == '-') {
            text_add(builder, "-{}"); /* no dash instead of two hyphens */
        } else {
            text_add_bytes(builder, c, 1);
        }
    }
}

static void add_comment(struct text_builder *builder, const char *text) {
    text_add(builder, "% ");
    text_add(builder, table_printable(text, builder->arena));
    text_add(builder, "\n");
}

/* `before` is put in front of the caption. */
static void add_part(struct text_builder *builder, const struct comparison_subtable *part, const char *before) {
    text_add(builder, "\n\\begin{table}[htbp]\n\\centering\n\\footnotesize\n\\setlength{\\tabcolsep}{4pt}\n\\caption{");
    add_escaped(builder, before);
    text_add(builder, before == NULL ? "" : " ");
    add_escaped(builder, part->title);
    text_add(builder, ".}\n\\begin{tabular}{");
    for (int32_t c = 0; c < part->n_columns; c++) {
        text_add(builder, table_is_text(part->columns[c]) ? "l" : "r");
    }
    text_add(builder, "}\n\\toprule\n");
    for (int32_t row = -1; row < part->n_rows; row++) {
        for (int32_t c = 0; c < part->n_columns; c++) {
            text_add(builder, c == 0 ? "" : " & ");
            add_escaped(builder, row < 0 ? part->headings[c] : part->cells[row][c]);
        }
        text_add(builder, row < 0 ? " \\\\\n\\midrule\n" : " \\\\\n");
    }
    text_add(builder, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
}

const char *table_as_latex(const struct comparison_content *content, struct arena *arena) {
    struct text_builder builder = {.arena = arena};
    struct comparison_subtable parts[TABLE_GROUPS];
    text_add(&builder, "% Needs \\usepackage{booktabs} and, for names that are not ASCII, a font that has them.\n");
    if (content->not_final != NULL) {
        add_comment(&builder, content->not_final);
    }
    for (int32_t i = 0; i < content->n_sentences; i++) {
        add_comment(&builder, content->sentences[i]);
    }
    for (int32_t i = 0; i < content->n_failures; i++) {
        add_comment(&builder, content->failures[i]);
    }
    if (content->n_more > 0) {
        text_format(&builder, "%% and %d more runs without a score\n", content->n_more);
    }
    add_comment(&builder, content->note);
    const int32_t n_parts = table_parts(content, parts, arena);
    for (int32_t i = 0; i < n_parts; i++) {
        const char *final = i == 0 && content->not_final != NULL
                                ? arena_printf(arena, "%s %s", content->not_final, content->subject)
                                : content->subject;
        add_part(&builder, &parts[i], i == 0 ? final : NULL);
    }
    return text_built(&builder);
}
