/* io/file_map.h: a file as memory, whose pages are given back behind a pass. */
#define _XOPEN_SOURCE 700 /* truncate */

#include "io/file_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/memory_limit.h"
#include "core/sanitizer.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct errors errors;
static const struct location nowhere = {0};

static void teardown(void) {
    errors_free(&errors);
}

/* Writes a file of this many megabytes, whose bytes are their offsets in megabytes. */
static const char *write_megabytes(int count) {
    enum { MEGABYTE = 1 << 20 };
    char *bytes = malloc((size_t)count * MEGABYTE);
    ck_assert_ptr_nonnull(bytes);
    for (int i = 0; i < count; i++) {
        memset(bytes + (size_t)i * MEGABYTE, i, MEGABYTE);
    }
    sandbox_write_bytes("big", bytes, (size_t)count * MEGABYTE);
    free(bytes);
    return sandbox_path("big");
}

/* Reads one byte of each page, with a call of file_map_pass after each megabyte. *most gets the largest memory of the process
 * meanwhile. */
static int64_t sum_pages(struct file_map *map, uint64_t *most) {
    int64_t sum = 0;
    for (size_t at = 0; at < map->length; at += 4096) {
        sum += map->bytes[at];
        if (at % (1 << 20) == 0) {
            ck_assert_int_eq(file_map_pass(map, at, &errors), RONDO_OK);
            *most = memory_used() > *most ? memory_used() : *most;
        }
    }
    return sum;
}

START_TEST(a_pass_over_a_file_takes_a_few_megabytes) {
    enum { MEGABYTES = 64, MOST = 24, PASSES = 3 };
    struct file_map map;
    ck_assert_int_eq(file_map_open(&map, write_megabytes(MEGABYTES), nowhere, &errors), RONDO_OK);
    ck_assert_uint_eq(map.length, (size_t)MEGABYTES << 20);
    const uint64_t before = memory_used();
    uint64_t most = before;
    for (int pass = 0; pass < PASSES; pass++) {
        ck_assert_int_eq(sum_pages(&map, &most), 256 * (MEGABYTES - 1) * MEGABYTES / 2);
    }
    ck_assert_msg(SANITIZER_SHADOW || most - before < (uint64_t)MOST << 20, "%lld MB",
                  (long long)(most - before) >> 20);
    file_map_close(&map);
}
END_TEST

START_TEST(a_file_that_becomes_shorter_is_refused) {
    const char *file = write_megabytes(16);
    struct file_map map;
    ck_assert_int_eq(file_map_open(&map, file, nowhere, &errors), RONDO_OK);
    ck_assert_int_eq(truncate(file, 1 << 20), 0);
    ck_assert_int_eq(file_map_pass(&map, 1, &errors), RONDO_OK); /* less than a step: not asked */
    ck_assert_int_eq(file_map_pass(&map, 2 * FILE_MAP_STEP, &errors), RONDO_IO);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "big: the file became shorter"));
    file_map_close(&map);
}
END_TEST

START_TEST(an_empty_file_and_bytes_in_memory_are_maps_as_well) {
    sandbox_write("empty", "");
    struct file_map map;
    ck_assert_int_eq(file_map_open(&map, sandbox_path("empty"), nowhere, &errors), RONDO_OK);
    ck_assert_uint_eq(map.length, 0);
    ck_assert_ptr_nonnull(map.bytes);
    ck_assert_int_eq(file_map_pass(&map, 0, &errors), RONDO_OK);
    file_map_close(&map);
    map = file_map_of_bytes("standard input", "abc", 3);
    ck_assert_int_eq(file_map_pass(&map, 2 * FILE_MAP_STEP, &errors), RONDO_OK);
    ck_assert_mem_eq(map.bytes, "abc", 3);
    file_map_close(&map);
}
END_TEST

/* The addresses that this process has in use, in pages, are the first number of statm. */
static void limit_addresses(size_t more) {
    FILE *stream = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    ck_assert(stream != NULL && fscanf(stream, "%lu", &pages) == 1);
    fclose(stream);
    const rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}), 0);
}

START_TEST(a_file_for_which_no_addresses_are_left_is_not_called_too_large) {
    enum { MEGABYTES = 2 };
    const char *file = write_megabytes(MEGABYTES);
    struct file_map map;
    limit_addresses((size_t)1 << 20);
    ck_assert_uint_gt(memory_limit().bytes, (size_t)MEGABYTES << 20);
    ck_assert_int_eq(file_map_open(&map, file, nowhere, &errors), RONDO_NO_MEMORY);
    file_map_close(&map);
}
END_TEST

static const struct {
    const char *name, *message;
    rondo_status status;
} refused[] = {
    {"missing", "e.yaml:3:4: cannot read 'PATH': there is no such file", RONDO_NOT_FOUND},
    {"", "e.yaml:3:4: 'PATH' is a folder, expected a regular file", RONDO_INVALID},
};

START_TEST(what_is_no_file_is_refused) {
    const char *path = sandbox_path("%s", refused[_i].name);
    struct file_map map;
    ck_assert_int_eq(file_map_open(&map, path, (struct location){"e.yaml", 3, 4}, &errors), refused[_i].status);
    char expected[2000];
    const char *rest = strstr(refused[_i].message, "PATH");
    snprintf(expected, sizeof expected, "%.*s%s%s", (int)(rest - refused[_i].message), refused[_i].message, path,
             rest + strlen("PATH"));
    ck_assert_str_eq(errors_text(&errors, 0), expected);
    file_map_close(&map);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("file_map");
    TCase *cases = add_case(suite, "file_map", 60, NULL, teardown);
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_test(cases, a_pass_over_a_file_takes_a_few_megabytes);
    tcase_add_test(cases, a_file_that_becomes_shorter_is_refused);
    tcase_add_test(cases, an_empty_file_and_bytes_in_memory_are_maps_as_well);
    if (has_address_limits()) {
        tcase_add_test(cases, a_file_for_which_no_addresses_are_left_is_not_called_too_large);
    }
    tcase_add_loop_test(cases, what_is_no_file_is_refused, 0, ROWS(refused));
    return run_suite(suite);
}
