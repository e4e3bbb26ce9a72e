/* What all readers of large files have in common: they report how far they are, end when an interrupt is requested, and
 * never hold a file in memory beside the examples that they make of it. */
#include <stdlib.h>
#include <string.h>

#include "core/memory_limit.h"
#include "core/sanitizer.h"
#include "data/table_file.h"
#include "tests/reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static const struct {
    const char *reader, *options, *columns;
    const char *file, *line; /* the file repeats this line */
    const char *header;      /* its first line */
} rows[] = {
    {"characters", "", NULL, "a.txt", "In the beginning God created the heaven and the earth.\n", ""},
    {"characters", "documents=lines", NULL, "a.txt", "In the beginning God created the heaven and the earth.\n", ""},
    {"characters", "tokens=bytes", NULL, "a.txt", "In the beginning God created the heaven and the earth.\n", ""},
    {"words", "", NULL, "a.txt", "In the beginning God created the heaven and the earth.\n", ""},
    {"words", "documents=lines", NULL, "a.txt", "In the beginning God created the heaven and the earth.\n", ""},
    {"text", "", NULL, "a.tsv", "In the beginning God created the heaven and the earth.\tgood\n", "void\tbad\n"},
    {"pairs", "", NULL, "a.tsv", "In the beginning God created\tAm Anfang schuf Gott\n", "void\tnichts\n"},
    {"pairs", "", NULL, "a.jsonl", "{\"source\": \"In the beginning\", \"target\": \"Am Anfang\"}\n", "\n"},
    {"table", "header=true", "target=y", "a.csv", "0.12345678,0.23456789,0.34567890,b\n", "u,v,w,y\n1,2,3,a\n"},
};

/* Writes a file of at least `bytes` bytes. */
static struct reader_path write_file(int row, size_t bytes) {
    const size_t length = strlen(rows[row].line), first = strlen(rows[row].header), count = bytes / length + 1;
    char *text = malloc(first + count * length + 1);
    ck_assert_ptr_nonnull(text);
    memcpy(text, rows[row].header, first + 1);
    for (size_t i = 0; i < count; i++) {
        memcpy(text + first + i * length, rows[row].line, length + 1);
    }
    reader_fixture_columns(&fixture, rows[row].columns);
    reader_fixture_make(&fixture, rows[row].reader, rows[row].options);
    reader_fixture_write(&fixture, rows[row].file, text, first + count * length);
    free(text);
    return (struct reader_path){.text = reader_fixture_path(&fixture, rows[row].file)};
}

enum { ROW_TABLE = 8 };

static const struct parts no_parts = {{.rule = PART_NONE}, {.rule = PART_NONE}};

/* What a reader reported. */
struct reports {
    const char *file;
    int count, ends;
    int is_requested_after; /* this number of reports; 0: never */
};

static void take_report(void *arg, const char *what, double share) {
    struct reports *reports = arg;
    reports->ends += what == NULL;
    reports->count += what != NULL;
    if (what != NULL) {
        ck_assert_str_eq(what, reports->file);
        ck_assert_msg(share >= 0 && share <= 1, "%g", share);
    }
}

static int is_requested(void *arg) {
    const struct reports *reports = arg;
    return reports->is_requested_after > 0 && reports->count >= reports->is_requested_after;
}

START_TEST(a_reader_reports_how_far_it_is) {
    const struct reader_path path = write_file(_i, (size_t)5 << 20);
    struct reports reports = {.file = path.text};
    struct errors errors = {0};
    const struct reader_source source = {&path, 1, PART_TRAIN, &no_parts};
    fixture.reader->progress = (struct work_progress){take_report, &reports};
    ck_assert_int_eq(reader_learn(fixture.reader, &source, &errors), RONDO_OK);
    ck_assert_int_eq(reports.ends, 1);
    reports.count = 0;
    struct dataset *dataset = reader_read(fixture.reader, &source, 1, &errors);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_ge(reports.count, 1);
    ck_assert_int_eq(reports.ends, 2);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(reading_ends_when_an_interrupt_is_requested) {
    const struct reader_path path = write_file(_i, (size_t)5 << 20);
    struct reports reports = {.file = path.text};
    struct errors errors = {0};
    const struct reader_source source = {&path, 1, PART_TRAIN, &no_parts};
    ck_assert_int_eq(reader_learn(fixture.reader, &source, &errors), RONDO_OK);
    fixture.reader->progress = (struct work_progress){take_report, &reports};
    fixture.reader->interrupt = (struct interrupt){.is_requested = is_requested, .arg = &reports};
    reports.is_requested_after = 1;
    ck_assert_ptr_null(reader_read(fixture.reader, &source, 1, &errors));
    ck_assert_int_eq(errors.status, RONDO_INTERRUPTED);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "interrupted"));
    ck_assert_int_eq(reports.ends, 1);
    errors_free(&errors);
}
END_TEST

/* The readers of tables. The peak is that of a process with one test, which begins after the file was written. */
START_TEST(a_table_is_not_in_memory_beside_its_examples) {
    enum { MEGABYTES = 64, MOST = 24 };
    const struct reader_path path = write_file(ROW_TABLE, (size_t)MEGABYTES << 20);
    struct table_file file;
    struct errors errors = {0};
    uint64_t most = 0, before = memory_used();
    const struct table_file_options options = {.header = 1};
    ck_assert_int_eq(table_file_open(&file, fixture.reader, options, &path, &errors), RONDO_OK);
    const uint64_t index_bytes = (uint64_t)table_file_count(&file) * (sizeof(size_t) + sizeof(int32_t));
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t index = 0; index < table_file_count(&file); index++) {
            ck_assert_int_eq(table_file_advance(&file, index), RONDO_OK);
            ck_assert_str_eq(table_file_field(&file, index, 3), index == 0 ? "a" : "b");
            if (index % 100000 == 0) {
                most = memory_used() > most ? memory_used() : most;
            }
        }
    }
    table_file_close(&file);
    ck_assert_msg(SANITIZER_SHADOW || most - before < index_bytes + ((uint64_t)MOST << 20),
                  "%lld MB, of which the places of rows take %lld", (long long)(most - before) >> 20,
                  (long long)index_bytes >> 20);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reading");
    TCase *cases = add_case(suite, "reading", 120, setup, teardown);
    tcase_add_loop_test(cases, a_reader_reports_how_far_it_is, 0, ROWS(rows));
    tcase_add_loop_test(cases, reading_ends_when_an_interrupt_is_requested, 0, ROWS(rows));
    tcase_add_test(cases, a_table_is_not_in_memory_beside_its_examples);
    return run_suite(suite);
}
