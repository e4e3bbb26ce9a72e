/* data/table.h and io/utf8.h: the contents of CSV and TSV files, and the places of their mistakes. */
#define _POSIX_C_SOURCE 200809L

#include "data/table.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/utf8.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;
static char *kept; /* the text of the last table */

static void setup(void) {
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
    free(kept);
    kept = NULL;
}

/* Formats, by the names in the table of good files. */
static const struct table_format formats[] = {{',', 1}, {'\t', 0}, {'\t', 1}, {';', 1}, {'|', 0}};
static const struct table_format csv = {',', 1};

static rondo_status parse(const char *text, size_t length, struct table_format format, struct table *table) {
    static const struct reader reader;
    /* Of its exact length: a sanitizer sees bytes that are read after it. */
    char *bytes = malloc(length + (length == 0));
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, text, length);
    const struct reader_path path = {.text = "t.csv", .bytes = bytes, .length = length};
    const rondo_status status = table_open(table, &reader, &path, format, arena, &errors);
    free(kept);
    kept = bytes;
    return status;
}

/* The table on one line: fields in brackets, rows as "line:[a][b] ". */
static const char *show(const struct table *table) {
    const char *text = "";
    for (int64_t row = 0; row < table->rows; row++) {
        text = arena_printf(arena, "%s%d:", text, table->lines[row]);
        for (int32_t column = 0; column < table->columns; column++) {
            text = arena_printf(arena, "%s[%s]", text, table_row(table, row)[column]);
        }
        text = arena_printf(arena, "%s ", text);
    }
    return text;
}

static const struct {
    const char *text;
    enum { CSV, TSV, QUOTED_TSV, SEMICOLONS, BARS } format;
    const char *expected;
} good[] = {
    {"a,b\nc,d\n", CSV, "1:[a][b] 2:[c][d] "},
    {"a,b\nc,d", CSV, "1:[a][b] 2:[c][d] "},
    {"a,b\r\nc,d\r\n", CSV, "1:[a][b] 2:[c][d] "},
    {"a,b\r\nc,d\r", CSV, "1:[a][b] 2:[c][d] "},
    {"a\tb,c\n", TSV, "1:[a][b,c] "},
    {"a\n", CSV, "1:[a] "},
    {"a,\n,b\n", CSV, "1:[a][] 2:[][b] "},
    {"a,", CSV, "1:[a][] "},
    {",", CSV, "1:[][] "},
    {"\n\na,b\n\n\r\nc,d\n\n", CSV, "3:[a][b] 6:[c][d] "},
    {"\"a,b\",c\n", CSV, "1:[a,b][c] "},
    {"\"a \"\"quoted\"\" word\",c\n", CSV, "1:[a \"quoted\" word][c] "},
    {"\"\"\"\",\"\"\n", CSV, "1:[\"][] "},
    {"\"two\nlines\",c\nd,e\n", CSV, "1:[two\nlines][c] 3:[d][e] "},
    {"\"two\r\nlines\",c\r\nd,e\r\n", CSV, "1:[two\r\nlines][c] 3:[d][e] "},
    {"\"a\"\n", CSV, "1:[a] "},
    {"\"a\"", CSV, "1:[a] "},
    {"c,\"a\"\r", CSV, "1:[c][a] "},
    {"5\" nail,it's \"so\"\n", CSV, "1:[5\" nail][it's \"so\"] "},
    {" \"a\" ,b\n", CSV, "1:[ \"a\" ][b] "},
    {"\xEF\xBB\xBF"
     "a,b\n",
     CSV, "1:[a][b] "},
    {"\xEF\xBB\xBF"
     "\"a\",b\n",
     CSV, "1:[a][b] "},
    {"caf\xC3\xA9,\xF0\x9F\x98\x80\n", CSV, "1:[caf\xC3\xA9][\xF0\x9F\x98\x80] "},
    {"a\rb,c\n", CSV, "1:[a\rb][c] "},
    {"\"\"\n", CSV, "1:[] "},
    /* In a format without quotes, a quote is an ordinary character, even if it is not closed. */
    {"\"great stuff\tpos\nbad\tneg\nwow\"\tpos\n", TSV, "1:[\"great stuff][pos] 2:[bad][neg] 3:[wow\"][pos] "},
    {"\"a\"\t\"\"\n\"\tb\n", TSV, "1:[\"a\"][\"\"] 2:[\"][b] "},
    {"a\tb\r\nc\"\td\r\n", TSV, "1:[a][b] 2:[c\"][d] "},
    {"\"a\tb\"\tc\n", QUOTED_TSV, "1:[a\tb][c] "},
    {"a;\"b;c\"\n", SEMICOLONS, "1:[a][b;c] "},
    {"a,b|c\"|\"d\n", BARS, "1:[a,b][c\"][\"d] "},
    /* Lines end in CR if the file has no LF. */
    {"a,b\rc,d\r", CSV, "1:[a][b] 2:[c][d] "},
    {"a,b\r\rc,d", CSV, "1:[a][b] 3:[c][d] "},
    {"\"a\rb\",c\rd,e\r", CSV, "1:[a\rb][c] 3:[d][e] "},
    {"a\tb\rc\td\r", TSV, "1:[a][b] 2:[c][d] "},
};

START_TEST(tables_are_read) {
    struct table table;
    ck_assert_msg(parse(good[_i].text, strlen(good[_i].text), formats[good[_i].format], &table) == RONDO_OK, "%s",
                  errors_text(&errors, 0));
    ck_assert_str_eq(show(&table), good[_i].expected);
    ck_assert_str_eq(table.file, "t.csv");
}
END_TEST

static const struct {
    const char *text;
    int count;
    const char *first, *last;
} bad[] = {
    {"", 1, "t.csv: the file has no rows", NULL},
    {"\n\r\n\n", 1, "t.csv: the file has no rows", NULL},
    {"\xEF\xBB\xBF", 1, "t.csv: the file has no rows", NULL},
    {"a,b\nc\n", 1, "t.csv:2: 1 field, expected 2 as in the first row, line 1", NULL},
    {"\na,b\nc,d,e\n", 1, "t.csv:3: 3 fields, expected 2 as in the first row, line 2", NULL},
    {"a,b\n\"c\nd\n", 1, "t.csv:2:1: a quote that is never closed", NULL},
    {"a,b\nc,\"", 1, "t.csv:2:3: a quote that is never closed", NULL},
    {"a,\"b\"\"", 1, "t.csv:1:3: a quote that is never closed", NULL},
    {"a,\"b\"c\n", 1, "t.csv:1:6: text after the closing quote of a field", NULL},
    {"a,\"b\" \n", 1, "t.csv:1:6: text after the closing quote", NULL},
    {"a,\"b\nb\"c,d\n", 1, "t.csv:2:3: text after the closing quote", NULL},
    {"a,\"b\"\rc\n", 1, "t.csv:1:6: text after the closing quote", NULL},
    {"\xC3\xA9,\"\xC3\xA9\"x\n", 1, "t.csv:1:6: text after the closing quote", NULL},
    {"\"\"\"\"\"\",\"b\"x\n", 1, "t.csv:1:11: text after the closing quote", NULL},
    {"a,b\nc\nd,\"e\"f\ng,h,i\n", 3, "t.csv:2: 1 field", "t.csv:4: 3 fields"},
    {"a,b\nc,\"d\ne,f\ng\",h\n", 1,
     "t.csv:2: 3 fields, expected 2 as in the first row, line 1; the quote that begins a field on line 2 may be "
     "unbalanced",
     NULL},
    {"a,b\n\"c,d\ne,\"f\",g\n", 1,
     "t.csv:3:4: text after the closing quote of a field, expected a separator (write \"\" for a quote inside); the "
     "quote "
     "that begins a field on line 2 may be unbalanced",
     NULL},
    {"a,b\rc\r", 1, "t.csv:2: 1 field, expected 2", NULL},
    {"\xFF\xFE"
     "a,",
     1, "t.csv:1:1: the file is UTF-16, expected text as UTF-8", NULL},
    {"a,b\nc,\xFF\n", 1, "t.csv:2:3: byte 0xff is not valid UTF-8", NULL},
    {"a,\xC3\n", 1, "t.csv:1:3: byte 0xc3 is not valid UTF-8", NULL},
    {"a,b\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n", 10, "t.csv:2: 1 field", "t.csv:11: 1 field"},
};

START_TEST(mistakes_are_told_with_their_place) {
    struct table table;
    ck_assert_int_eq(parse(bad[_i].text, strlen(bad[_i].text), csv, &table), RONDO_INVALID);
    ck_assert_int_eq(errors.count, bad[_i].count);
    ck_assert_msg(strncmp(errors_text(&errors, 0), bad[_i].first, strlen(bad[_i].first)) == 0, "%s\n%s",
                  errors_text(&errors, 0), bad[_i].first);
    if (bad[_i].last != NULL) {
        const char *last = errors_text(&errors, errors.count - 1);
        ck_assert_msg(strncmp(last, bad[_i].last, strlen(bad[_i].last)) == 0, "%s\n%s", last, bad[_i].last);
    }
}
END_TEST

START_TEST(binary_files_are_refused) {
    static const char text[] = "a,b\nc\0,d\n";
    struct table table;
    ck_assert_int_eq(parse(text, sizeof text - 1, csv, &table), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "t.csv:2:2: a NUL byte, expected text as UTF-8");
}
END_TEST

START_TEST(too_many_columns_are_refused) {
    char *text = malloc(TABLE_MAX_COLUMNS + 1);
    struct table table;
    memset(text, ',', TABLE_MAX_COLUMNS);
    ck_assert_int_eq(parse(text, TABLE_MAX_COLUMNS - 1, csv, &table), RONDO_OK);
    ck_assert_int_eq(parse(text, TABLE_MAX_COLUMNS, csv, &table), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0), "t.csv:1: 65537 fields, expected at most 65536");
    free(text);
}
END_TEST

/* Another program writes to the file after it was opened: fields have other contents, but stay within their row. */
static void check_damaged_rows(const struct table *table, size_t length) {
    for (int64_t row = 0; row < table->rows; row++) {
        const char *const *fields = table_row(table, row);
        for (int32_t column = 0; column < table->columns; column++) {
            ck_assert_uint_le(strlen(fields[column]), length);
        }
    }
}

/* Random fields, written by the rules of RFC 4180, are read back. Then a byte is damaged, before and after the file is
 * opened, which must not crash the reader. */
START_TEST(what_is_written_with_quotes_is_read_back) {
    static const char alphabet[] = "ab \"\n,\t\r'";
    uint32_t state = 7;
    for (int round = 0; round < 500; round++) {
        char text[1024], plain[24][8];
        size_t length = 0;
        for (int i = 0; i < 24; i++) {
            int n = 0;
            text[length++] = '"';
            state = state * 1664525u + 1013904223u;
            for (const int size = (int)(state >> 29); n < size; n++) {
                state = state * 1664525u + 1013904223u;
                plain[i][n] = alphabet[(state >> 8) % (sizeof alphabet - 1)];
                text[length++] = plain[i][n];
                if (plain[i][n] == '"') {
                    text[length++] = '"';
                }
            }
            plain[i][n] = '\0';
            text[length++] = '"';
            text[length++] = i % 3 == 2 ? '\n' : ',';
        }
        struct table table;
        ck_assert_msg(parse(text, length, csv, &table) == RONDO_OK, "%s", errors_text(&errors, 0));
        ck_assert_int_eq(table.rows, 8);
        ck_assert_int_eq(table.columns, 3);
        for (int i = 0; i < 24; i++) {
            ck_assert_str_eq(table_row(&table, i / 3)[i % 3], plain[i]);
        }
        for (int i = 0; i < 5; i++) {
            state = state * 1664525u + 1013904223u;
            kept[(state >> 8) % length] = alphabet[(state >> 4) % (sizeof alphabet - 1)];
        }
        check_damaged_rows(&table, length);
        text[(state >> 8) % length] = alphabet[state % (sizeof alphabet - 1)];
        ck_assert_int_eq(parse(text, length, csv, &table) == RONDO_OK, errors.count == 0);
        errors_free(&errors);
        arena_reset(arena);
    }
}
END_TEST

static const struct {
    const char *text;
    int bad; /* -1: well-formed */
    uint32_t code;
} sequences[] = {
    {"a", -1, 'a'},
    {"\xC2\x80", -1, 0x80},
    {"\xDF\xBF", -1, 0x7FF},
    {"\xE0\xA0\x80", -1, 0x800},
    {"\xED\x9F\xBF", -1, 0xD7FF},
    {"\xEE\x80\x80", -1, 0xE000},
    {"\xEF\xBF\xBF", -1, 0xFFFF},
    {"\xF0\x90\x80\x80", -1, 0x10000},
    {"\xF4\x8F\xBF\xBF", -1, 0x10FFFF},
    {"\x80", 0, 0},
    {"\xC0\x80", 0, 0},
    {"\xC1\xBF", 0, 0},
    {"\xE0\x9F\xBF", 0, 0},
    {"\xED\xA0\x80", 0, 0},
    {"\xF0\x8F\xBF\xBF", 0, 0},
    {"\xF4\x90\x80\x80", 0, 0},
    {"\xF5\x80\x80\x80", 0, 0},
    {"\xFF", 0, 0},
    {"ab\xC3", 2, 0},
    {"ab\xE2\x82", 2, 0},
    {"ab\xF0\x9F\x98", 2, 0},
    {"ab\xE2\x28\xA1", 2, 0},
    {"ab\xE2\x82\x28", 2, 0},
    {"\xC3\xA9\xC3", 2, 0},
};

/* A character of several bytes at every place of a text that is long enough for all ways to skip ASCII. */
START_TEST(ascii_of_any_length_is_followed_by_other_characters) {
    char text[100];
    for (size_t place = 0; place < 70; place++) {
        const size_t bytes = strlen(sequences[_i].text);
        size_t bad_byte = 0;
        memset(text, 'a', sizeof text);
        memcpy(text + place, sequences[_i].text, bytes);
        ck_assert_int_eq(utf8_check(text, sizeof text, &bad_byte), sequences[_i].bad < 0);
        ck_assert_uint_eq(bad_byte, sequences[_i].bad < 0 ? 0 : place + (size_t)sequences[_i].bad);
        if (sequences[_i].bad < 0 && bytes > 1) {
            ck_assert_uint_eq(utf8_ascii_length(text, sizeof text), place);
            ck_assert_uint_eq(utf8_ascii_length(text, place), place);
            ck_assert_uint_eq(utf8_count(text, sizeof text), sizeof text - bytes + 1);
        }
    }
}
END_TEST

START_TEST(characters_are_counted_in_texts_of_any_length) {
    static char text[3 * 1000];
    for (size_t count = 0; count <= 1000; count++) {
        ck_assert_uint_eq(utf8_count(text, 3 * count), count);
        if (count < 1000) {
            memcpy(text + 3 * count, "\xE2\x82\xAC", 3);
        }
    }
}
END_TEST

START_TEST(utf8_is_checked_by_the_standard) {
    const char *text = sequences[_i].text;
    size_t bad_byte = 99;
    uint32_t code;
    ck_assert_int_eq(utf8_check(text, strlen(text), &bad_byte), sequences[_i].bad < 0);
    if (sequences[_i].bad < 0) {
        ck_assert_uint_eq(utf8_decode(text, strlen(text), &code), strlen(text));
        ck_assert_uint_eq(code, sequences[_i].code);
        ck_assert_int_eq(utf8_check(text, strlen(text) - 1, NULL), strlen(text) == 1);
    } else {
        ck_assert_uint_eq(bad_byte, (size_t)sequences[_i].bad);
        ck_assert_uint_eq(utf8_decode(text + sequences[_i].bad, 4, &code), 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("table");
    TCase *cases = tcase_create("table");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, tables_are_read, 0, ROWS(good));
    tcase_add_loop_test(cases, mistakes_are_told_with_their_place, 0, ROWS(bad));
    tcase_add_test(cases, binary_files_are_refused);
    tcase_add_test(cases, too_many_columns_are_refused);
    tcase_add_test(cases, what_is_written_with_quotes_is_read_back);
    tcase_add_loop_test(cases, utf8_is_checked_by_the_standard, 0, ROWS(sequences));
    tcase_add_loop_test(cases, ascii_of_any_length_is_followed_by_other_characters, 0, ROWS(sequences));
    tcase_add_test(cases, characters_are_counted_in_texts_of_any_length);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
