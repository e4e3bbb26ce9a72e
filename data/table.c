#include "data/table.h"

#include <string.h>

#include "io/file.h"
#include "io/utf8.h"

enum { MAX_MISTAKES = 10 };

/* A pass over the text. Fields are unquoted in place: what is written never overtakes what is read. */
struct parser {
    char *next, *end;     /* what is left; *end is NUL */
    char *written;        /* where the next byte of the field goes */
    int64_t line, column; /* of `next`, from 1; columns count characters */
    char separator;
    const char *file;
    struct errors *errors;
    int32_t mistakes;

    const char **fields;
    int32_t *lines;
    int64_t n_fields, n_rows, row_begin; /* row_begin: index of the first field of the row under way */
    int64_t columns;                     /* of the first row; 0 before it has ended */
    int64_t first_line;                  /* where the first row starts */
};

static int32_t clamp(int64_t n) {
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static struct location place(const struct parser *parser, int64_t line, int64_t column) {
    return (struct location){parser->file, clamp(line), clamp(column)};
}

/* Counts a mistake and adds its text. */
#define MISTAKE(parser, line, column, ...)                                                                             \
    ((parser)->mistakes++,                                                                                             \
     (void)errors_add_at((parser)->errors, RONDO_INVALID, place(parser, line, column), __VA_ARGS__))

/* Steps over one byte. */
static void skip(struct parser *parser) {
    const char c = *parser->next++;
    if (c == '\n') {
        parser->line++;
        parser->column = 1;
    } else {
        parser->column += (c & 0xC0) != 0x80; /* a character counts once, at its first byte */
    }
}

/* Moves one byte into the field. */
static void copy(struct parser *parser) {
    *parser->written++ = *parser->next;
    skip(parser);
}

/* Length of the line end at `next`, 0 where there is none: LF, CRLF, or a CR that ends the text. */
static int line_end(const struct parser *parser) {
    const char *next = parser->next;
    if (next == parser->end) {
        return 0;
    }
    if (*next == '\n') {
        return 1;
    }
    if (*next == '\r' && (next + 1 == parser->end || next[1] == '\n')) {
        return next + 1 == parser->end ? 1 : 2;
    }
    return 0;
}

static int at_field_end(const struct parser *parser) {
    return parser->next == parser->end || *parser->next == parser->separator || line_end(parser) > 0;
}

/* A field that begins with a quote. 0 after a mistake; then the rest of its line is skipped. */
static int quoted_field(struct parser *parser) {
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
        copy(parser); /* "" stands for one quote */
    }
    if (at_field_end(parser)) {
        return 1;
    }
    MISTAKE(parser, parser->line, parser->column,
            "text after the closing quote of a field, expected a separator (write \"\" for a quote inside)");
    while (parser->next < parser->end && line_end(parser) == 0) {
        skip(parser);
    }
    return 0;
}

/* One row, up to and with its line end. */
static void parse_row(struct parser *parser) {
    const int64_t line = parser->line;
    int is_good = 1, is_last = 0;
    while (!is_last) {
        parser->written = parser->next;
        char *field = parser->next;
        if (*parser->next == '"') {
            is_good = quoted_field(parser) && is_good;
        } else {
            while (!at_field_end(parser)) {
                copy(parser);
            }
        }
        is_last = parser->next == parser->end || *parser->next != parser->separator;
        for (int n = is_last ? line_end(parser) : 1; n > 0; n--) {
            skip(parser);
        }
        *parser->written = '\0'; /* only now: it may overwrite the separator */
        parser->fields[parser->n_fields++] = field;
    }
    const int64_t columns = parser->n_fields - parser->row_begin;
    if (is_good && parser->columns != 0 && columns != parser->columns) {
        MISTAKE(parser, line, 0, "%lld field%s, expected %lld as in the first row, line %lld", (long long)columns,
                columns == 1 ? "" : "s", (long long)parser->columns, (long long)parser->first_line);
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

static rondo_status check_bytes(struct parser *parser) {
    const char *text = parser->next;
    const size_t length = (size_t)(parser->end - text);
    const char *nul = memchr(text, '\0', length);
    size_t bad = nul == NULL ? length : (size_t)(nul - text);
    if (utf8_check(text, bad, &bad) && nul == NULL) {
        return RONDO_OK;
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

/* Room for as many fields and rows as the text could hold. What is not used is never touched, so it costs no memory. */
static rondo_status reserve(struct parser *parser, struct arena *arena) {
    size_t rows = 1, fields = 1;
    for (const char *c = parser->next; c < parser->end; c++) {
        rows += *c == '\n';
        fields += *c == '\n' || *c == parser->separator;
    }
    if (fields > SIZE_MAX / sizeof *parser->fields) {
        return errors_no_memory(parser->errors);
    }
    parser->fields = arena_alloc(arena, fields * sizeof *parser->fields);
    parser->lines = arena_alloc(arena, rows * sizeof *parser->lines);
    return parser->fields == NULL || parser->lines == NULL ? errors_no_memory(parser->errors) : RONDO_OK;
}

rondo_status table_parse(const char *file, char *text, size_t length, char separator, struct arena *arena,
                         struct table *table, struct errors *errors) {
    const size_t mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct parser parser = {.next = text + mark,
                            .end = text + length,
                            .line = 1,
                            .column = 1,
                            .separator = separator,
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

rondo_status table_read(const char *file, char separator, struct arena *arena, struct table *table,
                        struct errors *errors) {
    char *text;
    size_t length;
    const char *name = arena_strdup(arena, file);
    if (name == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(file_read(file, TABLE_MAX_BYTES, arena, &text, &length, (struct location){0}, errors));
    return table_parse(name, text, length, separator, arena, table, errors);
}
