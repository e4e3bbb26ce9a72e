/* tests/test_json.c: damaged JSON and a lack of memory give different errors. */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "tests/suite.h"

/* jansson allocates through these. The allocation number `fails_at` fails; -1: none does. */
static int allocations, fails_at = -1;

static void *failing_malloc(size_t size) {
    if (allocations++ == fails_at) {
        errno = ENOMEM;
        return NULL;
    }
    return malloc(size);
}

static const char *const good_texts[] = {
    "{}",
    "[1, 2.5, -3e10, true, false, null, \"text\"]",
    "{\"words\": [\"a\", \"\\u00e9\\n\", \"\xc3\xa9\"], \"labels\": null, \"nested\": {\"a\": [[[]]], \"b\": {}}}",
    "{\"a key that is longer than the first buffer of the scanner of jansson, which is sixteen bytes\": 123456789012}",
};

START_TEST(every_allocation_that_fails_is_reported_as_memory) {
    const char *text = good_texts[_i];
    json_set_alloc_funcs(failing_malloc, free);
    json_t *value = NULL;
    json_error_t reason;
    for (fails_at = 0; fails_at < 1000; fails_at++) {
        allocations = 0;
        const rondo_status status = json_parse(text, strlen(text), &value, &reason);
        if (allocations <= fails_at) {
            ck_assert_int_eq(status, RONDO_OK);
            break;
        }
        ck_assert_msg(status == RONDO_NO_MEMORY, "allocation %d: status %d, '%s'", fails_at, status, reason.text);
        ck_assert_ptr_null(value);
    }
    ck_assert_int_gt(fails_at, 0);
    ck_assert_int_lt(fails_at, 1000);
    json_decref(value);
    json_set_alloc_funcs(malloc, free);
}
END_TEST

static const struct {
    const char *text, *reason;
    int line;
} bad_rows[] = {
    {"", "'[' or '{' expected near end of file", 1}, {"{\"a\": 1,\n \"a\": 2}", "duplicate object key", 2},
    {"[1, 2", "']' expected near end of file", 1},   {"{\"a\": }", "unexpected token near '}'", 1},
    {"[\"\xff\"]", "unable to decode byte 0xff", 1}, {"[nul]", "invalid token near 'nul'", 1},
};

START_TEST(damaged_text_is_reported_with_its_place) {
    json_t *value = NULL;
    json_error_t reason;
    errno = ENOMEM; /* as if an earlier call had set it */
    ck_assert_int_eq(json_parse(bad_rows[_i].text, strlen(bad_rows[_i].text), &value, &reason), RONDO_INVALID);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(reason.line, bad_rows[_i].line);
    ck_assert_msg(strstr(reason.text, bad_rows[_i].reason) != NULL, "'%s'", reason.text);
}
END_TEST

START_TEST(a_file_that_is_missing_is_not_a_lack_of_memory) {
    json_t *value = NULL;
    json_error_t reason;
    ck_assert_int_eq(json_parse_file("/no/such/file.json", &value, &reason), RONDO_INVALID);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("json");
    TCase *cases = tcase_create("json");
    tcase_add_loop_test(cases, every_allocation_that_fails_is_reported_as_memory, 0, ROWS(good_texts));
    tcase_add_loop_test(cases, damaged_text_is_reported_with_its_place, 0, ROWS(bad_rows));
    tcase_add_test(cases, a_file_that_is_missing_is_not_a_lack_of_memory);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
