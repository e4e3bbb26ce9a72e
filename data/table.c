#include "data/table.h"

#include <stdio.h>
#include <string.h>

#include "io/utf8.h"

enum { MAX_MISTAKES = 10 };

/* One pass over the text. Fields are unquoted in place: the write position never passes the read position. */
struct table_parser {
    char *next, *end;     /* the rest of the text; *end is NUL */
    char *written;        /* where the next byte of the field goes */
    int64_t line, column; /* of `next`, from 1; columns count characters */
    struct table_format format;
    int cr_ends_lines;  /* the text has CR and no LF */
    int64_t quote_line; /* line of the last quoted field of this row that spans lines; 0: none */
    const char *file;
    struct errors *errors;
    int32_t mistakes;

    const char **fields;
    int32_t *lines;
    int64_t n_fields, n_rows, row_begin; /* row_begin: index of the first field of the current row */
    int64_t columns;                     /* of the first row; 0: it has not been read yet */
    int64_t first_line;                  /* where the first row starts */
};

static int32_t clamp(int64_t n) {
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static struct location place(const struct table_parser *parser, int64_t line, int64_t column) {
    return (struct location){parser->file, clamp(line), clamp(column)};
}

/* Counts a mistake and adds its text. */
#define MISTAKE(parser, line, column, ...)                                                                             \
    ((parser)->mistakes++,                                                                                             \
     (void)errors_add_at((parser)->errors, RONDO_INVALID, place(parser, line, column), __VA_ARGS__))

/* Skips one byte of the text, and updates line and column. */
static void skip(struct table_parser *parser) {
    const char c = *parser->next++;
    if (c == '\n' || (c == '\r' && parser->cr_ends_lines)) {
        parser->line++;
        parser->column = 1;
    } else {
        parser->column += (c & 0xC0) != 0x80; /* a character counts once, at its first byte */
    }
}

/* Copies one byte of the text to the field. */
static void copy(struct table_parser *parser) {
    *parser->written++ = *parser->next;
    skip(parser);
}

/* Length of the line end at `next`, 0 if there is none: LF, CRLF, a CR that ends the text, or any CR if
 * cr_ends_lines. */
static int line_end(const struct table_parser *parser) {
    const char *next = parser->next;
    if (next == parser->end) {
        return 0;
    }
    if (*next == '\n') {
        return 1;
    }
    if (*next != '\r') {
        return 0;
    }
    if (parser->cr_ends_lines || next + 1 == parser->end) {
        return 1;
    }
    return next[1] == '\n' ? 2 : 0;
}

static int at_field_end(const struct table_parser *parser) {
    return parser->next == parser->end || *parser->next == parser->format.separator || line_end(parser) > 0;
}

/* Part of a message, "; the quote of line 3 may be unbalanced", for a mistake that such a quote may have caused; empty
 * if `line` is 0. */
struct quote_hint {
    char text[96];
};
static struct quote_hint quote_hint(int64_t line) {
    struct quote_hint hint = {""};
    if (line != 0) {
        snprintf(hint.text, sizeof hint.text, "; the quote that begins a field on line %lld may be unbalanced",
                 (long long)line);
    }
    return hint;
}

/* Reads a field that begins with a quote. 0 after a mistake; then the rest of its line is skipped. */
static int quoted_field(struct table_parser *parser) {
    const int64_t line = parser->line, column = parser->column;
    skip(parser);
    for (;;) {
        if (parser->next == parser->end) {
            MISTAKE(parser, line, column, "a quote that is never closed");
            return 0;
        }
        if (*parser->next != '"') {
            copy(parser);
            continue;
        }
        skip(parser);
        if (*parser->next != '"') {
            break;
        }
        copy(parser); /* "" is one quote */
    }
    const int spans_lines = parser->line != line;
    if (spans_lines) {
        parser->quote_line = line;
    }
    if (at_field_end(parser)) {
        return 1;
    }
    MISTAKE(parser, parser->line, parser->column,
            "text after the closing quote of a field, expected a separator (write \"\" for a quote inside)%s",
            quote_hint(spans_lines ? line : 0).text);
    while (parser->next < parser->end && line_end(parser) == 0) {
        skip(parser);
    }
    return 0;
}

/* Reads one row and its line end. */
static void parse_row(struct table_parser *parser) {
    const int64_t line = parser->line;
    int is_good = 1, is_last = 0;
    parser->quote_line = 0;
    while (!is_last) {
        parser->written = parser->next;
        char *field = parser->next;
        if (*parser->next == '"' && parser->format.has_quotes) {
            is_good = quoted_field(parser) && is_good;
        } else {
            while (!at_field_end(parser)) {
                copy(parser);
            }
        }
        is_last = parser->next == parser->end || *parser->next != parser->format.separator;
        for (int n = is_last ? line_end(parser) : 1; n > 0; n--) {
            skip(parser);
        }
        *parser->written = '\0'; /* after the separator has been read, which it may overwrite */
        parser->fields[parser->n_fields++] = field;
    }
    const int64_t columns = parser->n_fields - parser->row_begin;
    if (is_good && parser->columns != 0 && columns != parser->columns) {
        MISTAKE(parser, line, 0, "%lld field%s, expected %lld as in the first row, line %lld%s", (long long)columns,
                columns == 1 ? "" : "s", (long long)parser->columns, (long long)parser->first_line,
                quote_hint(parser->quote_line).text);
        is_good = 0;
    }
    if (!is_good) {
        parser->n_fields = parser->row_begin;
        return;
    }
    if (parser->columns == 0) {
        parser->columns = columns;
        parser->first_line = line;
    }
    parser->lines[parser->n_rows++] = clamp(line);
    parser->row_begin = parser->n_fields;
}

static rondo_status check_bytes(struct table_parser *parser) {
    const char *text = parser->next;
    const size_t length = (size_t)(parser->end - text);
    const char *nul = memchr(text, '\0', length);
    size_t bad = nul == NULL ? length : (size_t)(nul - text);
    if (utf8_check(text, bad, &bad) && nul == NULL) {
        return RONDO_OK;
    }
    if (length >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        MISTAKE(parser, 1, 1, "the file is UTF-16, expected text as UTF-8");
        return RONDO_INVALID;
    }
    const unsigned byte = (unsigned char)text[bad];
    while (parser->next < text + bad) {
        skip(parser);
    }
    if (byte == 0) {
        MISTAKE(parser, parser->line, parser->column, "a NUL byte, expected text as UTF-8");
    } else {
        MISTAKE(parser, parser->line, parser->column, "byte 0x%02x is not valid UTF-8, expected text as UTF-8", byte);
    }
    return RONDO_INVALID;
}

/* Allocates for the largest number of fields and rows that the text could contain. Pages that are never written take no
 * memory. */
static rondo_status reserve(struct table_parser *parser, struct arena *arena) {
    size_t rows = 1, fields = 1;
    for (const char *c = parser->next; c < parser->end; c++) {
        const int ends_line = *c == '\n' || (*c == '\r' && parser->cr_ends_lines);
        rows += ends_line;
        fields += ends_line || *c == parser->format.separator;
    }
    if (fields > SIZE_MAX / sizeof *parser->fields) {
        return errors_no_memory(parser->errors);
    }
    parser->fields = arena_alloc(arena, fields * sizeof *parser->fields);
    parser->lines = arena_alloc(arena, rows * sizeof *parser->lines);
    return parser->fields == NULL || parser->lines == NULL ? errors_no_memory(parser->errors) : RONDO_OK;
}

rondo_status table_parse(const char *file, char *text, size_t length, struct table_format format, struct arena *arena,
                         struct table *table, struct errors *errors) {
    const size_t mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct table_parser parser = {.next = text + mark,
                                  .end = text + length,
                                  .line = 1,
                                  .column = 1,
                                  .format = format,
                                  .cr_ends_lines =
                                      memchr(text, '\r', length) != NULL && memchr(text, '\n', length) == NULL,
                                  .file = file,
                                  .errors = errors};
    RONDO_TRY(check_bytes(&parser));
    RONDO_TRY(reserve(&parser, arena));
    while (parser.next < parser.end && parser.mistakes < MAX_MISTAKES) {
        const int empty = line_end(&parser);
        for (int n = empty; n > 0; n--) {
            skip(&parser);
        }
        if (empty == 0) {
            parse_row(&parser);
        }
        if (parser.columns > TABLE_MAX_COLUMNS) {
            return errors_add_at(errors, RONDO_INVALID, place(&parser, parser.first_line, 0),
                                 "%lld fields, expected at most %d", (long long)parser.columns, TABLE_MAX_COLUMNS);
        }
    }
    if (parser.mistakes > 0) {
        return RONDO_INVALID;
    }
    if (parser.n_rows == 0) {
        return errors_add_at(errors, RONDO_INVALID, place(&parser, 0, 0), "the file has no rows");
    }
    *table = (struct table){.rows = parser.n_rows,
                            .columns = (int32_t)parser.columns,
                            .fields = parser.fields,
                            .lines = parser.lines,
                            .file = file};
    return RONDO_OK;
}
