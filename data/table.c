#include "data/table.h"

#include <stdio.h>
#include <string.h>

#include "io/utf8.h"

enum { MAX_MISTAKES = 10 };

/* The fields of one row, unquoted. A row is written over the one before it. */
struct table_cursor {
    int64_t row; /* -1: none yet */
    const char **fields;
    char *text;     /* of all fields, with their NULs: [longest + 1] */
    size_t longest; /* row of the file, in bytes */
};

/* Reads rows, with or without writing their fields. */
struct table_parser {
    const char *next, *end; /* the rest of the text */
    char *written;          /* where the next byte of the field goes; NULL: fields are not written */
    int64_t line, column;   /* of `next`, from 1; columns count characters */
    struct table_format format;
    int cr_ends_lines;  /* the text has CR and no LF */
    int64_t quote_line; /* line of the last quoted field of this row that spans lines; 0: none */
    const char *file;
    struct errors *errors; /* NULL: mistakes were reported before */
    int32_t mistakes;

    const char **fields; /* [most_fields] of the row; NULL: not written */
    int64_t n_fields, most_fields;
};

static int32_t clamp(int64_t n) {
    return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static struct location place(const struct table_parser *parser, int64_t line, int64_t column) {
    return (struct location){parser->file, clamp(line), clamp(column)};
}

/* Counts a mistake and adds its text. */
#define MISTAKE(parser, line, column, ...)                                                                             \
    (void)((parser)->mistakes++, (parser)->errors == NULL ? RONDO_INVALID                                              \
                                                          : errors_add_at((parser)->errors, RONDO_INVALID,             \
                                                                          place(parser, line, column), __VA_ARGS__))

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

/* Writes one byte of the text to the field. */
static void copy(struct table_parser *parser) {
    if (parser->written != NULL) {
        *parser->written++ = *parser->next;
    }
    skip(parser);
}

static int is_at(const struct table_parser *parser, char c) {
    return parser->next < parser->end && *parser->next == c;
}

static void begin_field(struct table_parser *parser) {
    if (parser->fields != NULL && parser->n_fields < parser->most_fields) {
        parser->fields[parser->n_fields] = parser->written;
    }
    parser->n_fields++;
}

static void end_field(struct table_parser *parser) {
    if (parser->written != NULL) {
        *parser->written++ = '\0';
    }
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
        if (!is_at(parser, '"')) {
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

/* Reads a field without quotes: stretches up to the next byte that may end it. */
static void plain_field(struct table_parser *parser) {
    while (!at_field_end(parser)) {
        const char *begin = parser->next, *end = begin;
        do {
            parser->column += (*end & 0xC0) != 0x80;
            end++;
        } while (end < parser->end && *end != parser->format.separator && *end != '\n' && *end != '\r');
        if (parser->written != NULL) {
            memcpy(parser->written, begin, (size_t)(end - begin));
            parser->written += end - begin;
        }
        parser->next = end;
    }
}

/* Reads one row and its line end. 0 after a mistake. */
static int parse_row(struct table_parser *parser) {
    int is_good = 1, is_last = 0;
    parser->quote_line = 0;
    parser->n_fields = 0;
    while (!is_last) {
        begin_field(parser);
        if (parser->format.has_quotes && is_at(parser, '"')) {
            is_good = quoted_field(parser) && is_good;
        } else {
            plain_field(parser);
        }
        end_field(parser);
        is_last = !is_at(parser, parser->format.separator);
        for (int n = is_last ? line_end(parser) : 1; n > 0; n--) {
            skip(parser);
        }
    }
    return is_good;
}

/* ---- the first pass: the encoding ---- */

/* The mistake is at byte `bad`. */
static rondo_status refuse_byte(struct table_parser *parser, size_t bad) {
    const char *text = parser->next;
    const size_t length = (size_t)(parser->end - text);
    parser->cr_ends_lines = memchr(text, '\r', bad) != NULL && memchr(text, '\n', length) == NULL;
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

static size_t count_byte(const char *text, size_t length, char byte) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += text[i] == byte;
    }
    return count;
}

/* Checks the bytes, and finds out what ends lines. *most_rows is at least the number of rows. */
static rondo_status check_bytes(struct table_parser *parser, const struct reader *reader, struct file_map *map,
                                size_t *most_rows) {
    const char *text = map->bytes;
    size_t lf = 0, cr = 0;
    for (size_t begin = 0, end; begin < map->length; begin = end) {
        end = utf8_piece_end(text, map->length, begin, FILE_MAP_STEP);
        const char *nul = memchr(text + begin, '\0', end - begin);
        size_t bad = nul == NULL ? end - begin : (size_t)(nul - text) - begin;
        if (!utf8_check(text + begin, bad, &bad) || nul != NULL) {
            return refuse_byte(parser, (size_t)(text + begin - parser->next) + bad);
        }
        lf += count_byte(text + begin, end - begin, '\n');
        cr += count_byte(text + begin, end - begin, '\r');
        RONDO_TRY(reader_pass(reader, map, end, (struct location){.file = map->file}, parser->errors));
    }
    parser->cr_ends_lines = cr > 0 && lf == 0;
    *most_rows = (parser->cr_ends_lines ? cr : lf) + 1;
    return RONDO_OK;
}

/* ---- the second pass: the rows ---- */

/* Where the rows are. */
struct table_rows {
    size_t *begin;
    int32_t *lines;
    size_t most;            /* rows that there is memory for: the lines that the first pass has counted */
    int64_t count, columns; /* columns: of the first row; 0: it has not been read yet */
    int64_t first_line;     /* where the first row starts */
    size_t longest;         /* row, in bytes */
};

static void scan_row(struct table_parser *parser, const char *text, struct table_rows *rows) {
    const int64_t line = parser->line;
    const char *begin = parser->next;
    if (!parse_row(parser)) {
        return;
    }
    if (rows->columns == 0) {
        rows->columns = parser->n_fields;
        rows->first_line = line;
    } else if (parser->n_fields != rows->columns) {
        MISTAKE(parser, line, 0, "%lld field%s, expected %lld as in the first row, line %lld%s",
                (long long)parser->n_fields, parser->n_fields == 1 ? "" : "s", (long long)rows->columns,
                (long long)rows->first_line, quote_hint(parser->quote_line).text);
        return;
    }
    const size_t length = (size_t)(parser->next - begin);
    rows->longest = length > rows->longest ? length : rows->longest;
    rows->begin[rows->count] = (size_t)(begin - text);
    rows->lines[rows->count++] = clamp(line);
}

static rondo_status scan_rows(struct table_parser *parser, const struct reader *reader, struct file_map *map,
                              struct table_rows *rows) {
    while (parser->next < parser->end && parser->mistakes < MAX_MISTAKES) {
        const int empty = line_end(parser);
        for (int n = empty; n > 0; n--) {
            skip(parser);
        }
        if (empty == 0 && (size_t)rows->count == rows->most) {
            return errors_add_at(parser->errors, RONDO_IO, place(parser, parser->line, 0),
                                 "the file has changed while it was read");
        }
        if (empty == 0) {
            scan_row(parser, map->bytes, rows);
        }
        if (rows->columns > TABLE_MAX_COLUMNS) {
            return errors_add_at(parser->errors, RONDO_INVALID, place(parser, rows->first_line, 0),
                                 "%lld fields, expected at most %d", (long long)rows->columns, TABLE_MAX_COLUMNS);
        }
        RONDO_TRY(reader_pass(reader, map, (size_t)(parser->next - map->bytes), place(parser, parser->line, 0),
                              parser->errors));
    }
    if (parser->mistakes > 0) {
        return RONDO_INVALID;
    }
    return rows->count > 0 ? RONDO_OK
                           : errors_add_at(parser->errors, RONDO_INVALID, place(parser, 0, 0), "the file has no rows");
}

/* ---- tables ---- */

static struct table_parser parser_of(const struct table *table, size_t begin, size_t end, struct errors *errors) {
    return (struct table_parser){.next = table->map.bytes + begin,
                                 .end = table->map.bytes + end,
                                 .line = 1,
                                 .column = 1,
                                 .format = table->format,
                                 .cr_ends_lines = table->cr_ends_lines,
                                 .file = table->file,
                                 .errors = errors};
}

/* Memory of pages that are never written is not taken. */
static rondo_status find_rows(struct table *table, const struct reader *reader, struct arena *arena,
                              struct table_rows *rows, struct errors *errors) {
    struct file_map *map = &table->map;
    const size_t mark = map->length >= 3 && memcmp(map->bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct table_parser parser = parser_of(table, mark, map->length, errors);
    rows->most = 1;
    RONDO_TRY(check_bytes(&parser, reader, map, &rows->most));
    table->cr_ends_lines = parser.cr_ends_lines;
    const int fits = rows->most < SIZE_MAX / sizeof *rows->begin - 1;
    rows->begin = fits ? arena_alloc(arena, (rows->most + 1) * sizeof *rows->begin) : NULL;
    rows->lines = fits ? arena_alloc(arena, rows->most * sizeof *rows->lines) : NULL;
    if (rows->begin == NULL || rows->lines == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(scan_rows(&parser, reader, map, rows));
    rows->begin[rows->count] = map->length;
    return RONDO_OK;
}

/* A row for table_row. */
static struct table_cursor *make_cursor(const struct table_rows *rows, struct arena *arena) {
    struct table_cursor *cursor = arena_alloc(arena, sizeof *cursor);
    const char **fields = arena_alloc(arena, (size_t)rows->columns * sizeof *fields);
    char *text = arena_alloc(arena, rows->longest + 1);
    if (cursor == NULL || fields == NULL || text == NULL) {
        return NULL;
    }
    *cursor = (struct table_cursor){-1, fields, text, rows->longest};
    return cursor;
}

rondo_status table_open(struct table *table, const struct reader *reader, const struct reader_path *path,
                        struct table_format format, struct arena *arena, struct errors *errors) {
    struct table_rows rows = {0};
    *table = (struct table){.file = path->text, .format = format};
    RONDO_TRY(reader_path_map(path, &table->map, errors));
    RONDO_TRY(find_rows(table, reader, arena, &rows, errors));
    table->rows = rows.count;
    table->columns = (int32_t)rows.columns;
    table->begin = rows.begin;
    table->lines = rows.lines;
    table->last = make_cursor(&rows, arena); /* its row becomes `names` */
    if (table->last == NULL) {
        return errors_no_memory(errors);
    }
    table->names = table_row(table, 0);
    table->last = make_cursor(&rows, arena);
    return table->last == NULL ? errors_no_memory(errors) : RONDO_OK;
}

void table_close(struct table *table) {
    file_map_close(&table->map);
}

/* Another program may have changed the file, so no row is longer than the longest one was, or has more fields. */
const char *const *table_row(const struct table *table, int64_t row) {
    struct table_cursor *cursor = table->last;
    if (cursor->row != row) {
        const size_t begin = table->begin[row], length = table->begin[row + 1] - begin;
        const size_t end = begin + (length < cursor->longest ? length : cursor->longest);
        struct table_parser parser = parser_of(table, begin, end, NULL);
        parser.written = cursor->text;
        parser.fields = cursor->fields;
        parser.most_fields = table->columns;
        (void)parse_row(&parser);
        for (int64_t i = parser.n_fields; i < table->columns; i++) {
            cursor->fields[i] = "";
        }
        cursor->row = row;
    }
    return cursor->fields;
}

rondo_status table_pass(struct table *table, int64_t row, struct errors *errors) {
    const size_t at = table->begin[row];
    return file_map_is_due(&table->map, at) ? file_map_pass(&table->map, at, errors) : RONDO_OK;
}
