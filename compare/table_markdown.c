/* compare/table_markdown.c: the table of a comparison as Markdown, with the pipe tables of GitHub and pandoc. */
#include <ctype.h>
#include <string.h>

#include "compare/table_content.h"
#include "compare/text_builder.h"

static int is_letter(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Escapes what would be markup. An underscore within a word, as in rnn_tanh, and brackets that no link follows, are not. */
static void add_escaped(struct text_builder *builder, const char *text) {
    const char *printable = table_printable(text, builder->arena);
    for (const char *c = printable; c != NULL && *c != '\0'; c++) {
        const int is_first = c == printable;
        const int is_in_word = *c == '_' && !is_first && is_letter(c[-1]) && is_letter(c[1]);
        const int is_link = *c == '(' && !is_first && c[-1] == ']';
        if ((strchr("\\`*_<>|~$&#", *c) != NULL && !is_in_word) || is_link ||
            (is_first && strchr("+-", *c) != NULL && c[1] == ' ')) {
            text_add(builder, "\\");
        }
        text_add_bytes(builder, c, 1);
    }
}

static void add_part(struct text_builder *builder, const struct comparison_subtable *part) {
    text_add(builder, "\n**");
    add_escaped(builder, part->title);
    text_add(builder, "**\n\n");
    for (int32_t row = -2; row < part->n_rows; row++) {
        for (int32_t c = 0; c < part->n_columns; c++) {
            if (row == -1) {
                text_add(builder, table_is_text(part->columns[c]) ? "|:---" : "|---:");
            } else {
                text_add(builder, "| ");
                add_escaped(builder, row < 0 ? part->headings[c] : part->cells[row][c]);
                text_add(builder, " ");
            }
        }
        text_add(builder, "|\n");
    }
}

static void add_paragraph(struct text_builder *builder, const char *text) {
    add_escaped(builder, text);
    text_add(builder, "\n");
}

const char *table_as_markdown(const struct comparison_content *content, struct arena *arena) {
    struct text_builder builder = {.arena = arena};
    struct comparison_subtable parts[TABLE_GROUPS];
    if (content->not_final != NULL) {
        text_add(&builder, "**");
        add_escaped(&builder, content->not_final);
        text_add(&builder, "**\n\n");
    }
    add_paragraph(&builder, content->subject);
    const int32_t n_parts = table_parts(content, parts, arena);
    for (int32_t i = 0; i < n_parts; i++) {
        add_part(&builder, &parts[i]);
    }
    text_add(&builder, "\n");
    for (int32_t i = 0; i < content->n_sentences; i++) {
        text_add(&builder, "- ");
        add_paragraph(&builder, content->sentences[i]);
    }
    text_add(&builder, "\n");
    add_paragraph(&builder, content->note);
    text_add(&builder, content->n_failures > 0 ? "\nRuns without a score:\n\n" : "");
    for (int32_t i = 0; i < content->n_failures; i++) {
        text_add(&builder, "- ");
        add_paragraph(&builder, content->failures[i]);
    }
    if (content->n_more > 0) {
        text_format(&builder, "- and %d more\n", content->n_more);
    }
    return text_built(&builder);
}
