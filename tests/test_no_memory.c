/* The message of a lack of memory: how much was refused, what it was for, and the limit of the process or its container. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/arena.h"
#include "core/memory.h"
#include "core/memory_group.h"
#include "core/memory_limit.h"
#include "core/tensor.h"
#include "tests/sandbox.h"
#include "tests/suite.h"

static struct errors errors;
static const struct location nowhere, place = {"e.yaml", 5, 10};

static void free_errors(void) {
    errors_free(&errors);
}

/* ---- sizes ---- */

static const struct {
    uint64_t bytes;
    const char *text;
} sizes[] = {
    {0, "0 bytes"},
    {1, "1 byte"},
    {999, "999 bytes"},
    {1000, "1.0 kB"},
    {33554432, "33.6 MB"},
    {1234567890, "1.2 GB"},
    {UINT64_MAX, "18446744073.7 GB"},
};

START_TEST(sizes_are_written_in_a_readable_unit) {
    ck_assert_str_eq(memory_text(sizes[_i].bytes).text, sizes[_i].text);
}
END_TEST

/* ---- messages ---- */

enum { MANY = 1000000000 }; /* times the largest number of bytes that no machine has */

static void refuse_calloc(void) {
    ck_assert_ptr_null(memory_calloc((size_t)MANY * MANY, 8));
}

static void refuse_realloc(void) {
    ck_assert_ptr_null(memory_realloc(NULL, (size_t)MANY * MANY * 4));
}

static void refuse_arena(void) {
    struct arena *arena = arena_create();
    ck_assert_ptr_null(arena_alloc(arena, (size_t)MANY * MANY * 4));
    arena_destroy(arena);
}

static void refuse_room(void) {
    memory_refuse(1200000000);
}

static const struct {
    void (*refuse)(void);
    const char *text;
} refusals[] = {
    {refuse_calloc, "out of memory: 8000000000.0 GB for the gradients; "},
    {refuse_realloc, "out of memory: 4000000000.0 GB for the gradients; "},
    {refuse_arena, "out of memory: 4000000000.0 GB for the gradients; "},
    {refuse_room, "out of memory: 1.2 GB for the gradients; "},
};

START_TEST(message_has_the_size_that_was_refused_and_the_purpose) {
    refusals[_i].refuse();
    const rondo_status status = errors_no_memory(&errors);
    ck_assert_int_eq(errors_memory_for(&errors, status, nowhere, "the gradients"), RONDO_NO_MEMORY);
    const char *text = errors_text(&errors, 0);
    ck_assert_msg(strncmp(text, refusals[_i].text, strlen(refusals[_i].text)) == 0, "%s", text);
    ck_assert_msg(strstr(text, " are in use of at most ") != NULL, "%s", text);
}
END_TEST

START_TEST(size_is_reported_once) {
    memory_refuse(1000);
    errors_no_memory(&errors);
    errors_no_memory(&errors);
    ck_assert_msg(strstr(errors_text(&errors, 1), "out of memory;") != NULL, "%s", errors_text(&errors, 1));
}
END_TEST

START_TEST(callers_add_purposes_place_and_hint) {
    struct errors own = {0};
    memory_refuse(4096);
    errors_add(&errors, RONDO_NO_MEMORY, "an earlier error");
    errors_no_memory(&own);
    errors_memory_for(&own, RONDO_NO_MEMORY, nowhere, "picture %d", 7);
    errors_memory_hint(&own, RONDO_NO_MEMORY, "smaller pictures take less");
    errors_move(&errors, &own);
    errors_memory_for(&errors, RONDO_NO_MEMORY, place, "the data of '%s'", "d");
    errors_memory_for(&errors, RONDO_NO_MEMORY, (struct location){"other.yaml", 1, 1}, "the run");
    errors_memory_hint(&errors, RONDO_NO_MEMORY, "another hint");
    errors_add(&errors, RONDO_NO_MEMORY, "training stopped");
    ck_assert_int_eq(errors.count, 3);
    ck_assert_str_eq(errors_text(&errors, 0), "an earlier error");
    const char *text = errors_text(&errors, 1);
    static const char start[] = "e.yaml:5:10: out of memory: 4.1 kB for picture 7 in the data of 'd' in the run; ";
    static const char end[] = "; smaller pictures take less";
    ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "%s", text);
    ck_assert_msg(strcmp(text + strlen(text) - strlen(end), end) == 0, "%s", text);
    const struct error_place found = errors_place(&errors, 1);
    ck_assert_int_eq(found.line, 5);
    ck_assert_int_eq(found.column, 10);
    ck_assert_int_eq(found.file_length, 6);
    ck_assert_ptr_eq(strstr(text, "out of memory"), text + found.message);
}
END_TEST

START_TEST(one_error_that_is_moved_keeps_its_parts) {
    struct errors own = {0};
    errors_no_memory(&own);
    errors_add(&own, RONDO_NO_MEMORY, "more");
    errors_move_one(&errors, &own, 0);
    errors_memory_for(&errors, RONDO_NO_MEMORY, nowhere, "a test");
    ck_assert_int_eq(errors.count, 1);
    ck_assert_msg(strstr(errors_text(&errors, 0), "out of memory for a test; ") != NULL, "%s", errors_text(&errors, 0));
    errors_free(&own);
}
END_TEST

START_TEST(other_failures_get_no_purpose) {
    errors_add(&errors, RONDO_INVALID, "a mistake");
    ck_assert_int_eq(errors_memory_for(&errors, RONDO_INVALID, place, "the data"), RONDO_INVALID);
    ck_assert_int_eq(errors_memory_hint(&errors, RONDO_OK, "a hint"), RONDO_OK);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_str_eq(errors_text(&errors, 0), "a mistake");
}
END_TEST

START_TEST(call_that_failed_without_a_message_gets_one) {
    errors_memory_for(&errors, RONDO_NO_MEMORY, place, "the data");
    ck_assert_int_eq(errors.status, RONDO_NO_MEMORY);
    ck_assert_msg(strstr(errors_text(&errors, 0), "e.yaml:5:10: out of memory") != NULL, "%s", errors_text(&errors, 0));
}
END_TEST

/* ---- control groups ---- */

enum { MOST_FILES = 8 };
static const uint64_t none = UINT64_MAX;

static const struct {
    const char *name, *groups; /* /proc/self/cgroup */
    struct {
        const char *path, *text; /* below /sys/fs/cgroup */
    } files[MOST_FILES];
    uint64_t swap; /* of the machine */
    struct memory_group expected;
} groups[] = {
    {"no groups", NULL, {{NULL, NULL}}, 0, {none, 0, none}},
    {"no limit", "0::/user.slice\n", {{"user.slice/memory.max", "max\n"}}, 0, {none, 0, none}},
    {"container", "0::/\n", {{"memory.max", "1000\n"}, {"memory.current", "300\n"}}, 0, {1000, 300, 700}},
    {"pages of files can be read again",
     "0::/\n",
     {{"memory.max", "1000\n"},
      {"memory.current", "300\n"},
      {"memory.stat", "anon 180\nfile 120\ninactive_file 100\nactive_file 20\n"}},
     0,
     {1000, 180, 820}},
    {"more is used than there may be",
     "0::/\n",
     {{"memory.max", "1000\n"}, {"memory.current", "1200\n"}},
     0,
     {1000, 1200, 0}},
    {"limit of an outer group",
     "0::/a/b/c\n",
     {{"a/b/c/memory.max", "5000\n"},
      {"a/b/c/memory.current", "10\n"},
      {"a/b/memory.max", "max\n"},
      {"a/memory.max", "4000\n"},
      {"a/memory.current", "3900\n"}},
     0,
     {4000, 3900, 100}},
    {"swap space of the group",
     "0::/\n",
     {{"memory.max", "1000\n"},
      {"memory.current", "900\n"},
      {"memory.swap.max", "200\n"},
      {"memory.swap.current", "50\n"}},
     9999,
     {1200, 950, 250}},
    {"swap space without a limit",
     "0::/\n",
     {{"memory.max", "1000\n"}, {"memory.swap.max", "max\n"}},
     500,
     {1500, 0, 1500}},
    {"version 1",
     "5:cpu,cpuacct:/x\n4:memory:/docker/1\n1:name=systemd:/x\n0::/x\n",
     {{"memory/docker/1/memory.limit_in_bytes", "1000\n"},
      {"memory/docker/1/memory.usage_in_bytes", "600\n"},
      {"memory/docker/1/memory.stat", "cache 9\ntotal_inactive_file 50\ntotal_active_file 50\n"},
      {"memory/memory.limit_in_bytes", "9223372036854771712\n"}},
     0,
     {1000, 500, 500}},
    {"version 1 with swap space",
     "4:hugetlb,memory:/\n",
     {{"memory/memory.limit_in_bytes", "1000\n"},
      {"memory/memory.usage_in_bytes", "600\n"},
      {"memory/memory.memsw.limit_in_bytes", "1500\n"},
      {"memory/memory.memsw.usage_in_bytes", "700\n"}},
     5000,
     {1500, 700, 800}},
    {"container that sees the path of the host",
     "4:memory:/docker/1\n",
     {{"memory/memory.limit_in_bytes", "1000\n"}},
     0,
     {1000, 0, 1000}},
    {"files that make no sense", "\n0:\nx\n4:memory\n0::/a\n", {{"a/memory.max", "much\n"}}, 0, {none, 0, none}},
};

static void write_below(const char *root, const char *path, const char *text) {
    char name[256];
    snprintf(name, sizeof name, "%s/%s", root, path);
    for (char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(sandbox_path("%s", name), 0755);
        *slash = '/';
    }
    sandbox_write(name, text);
}

START_TEST(limit_of_a_container_is_found) {
    char root[32], folder[64];
    snprintf(root, sizeof root, "root%d", _i);
    snprintf(folder, sizeof folder, "%s/sys/fs/cgroup", root);
    if (groups[_i].groups != NULL) {
        write_below(root, "proc/self/cgroup", groups[_i].groups);
    }
    for (int f = 0; f < MOST_FILES && groups[_i].files[f].path != NULL; f++) {
        write_below(folder, groups[_i].files[f].path, groups[_i].files[f].text);
    }
    const struct memory_group found = memory_group(sandbox_path("%s", root), groups[_i].swap);
    const struct memory_group *expected = &groups[_i].expected;
    ck_assert_msg(found.limit == expected->limit && found.used == expected->used && found.room == expected->room,
                  "%s: limit %llu, used %llu, room %llu", groups[_i].name, (unsigned long long)found.limit,
                  (unsigned long long)found.used, (unsigned long long)found.room);
}
END_TEST

START_TEST(numbers_of_files_are_found) {
    sandbox_write("numbers", "MemTotal:       24 kB\nMemFree: 3 kB\nSwapFree 7\n");
    sandbox_write("empty", "");
    const char *file = sandbox_path("numbers");
    ck_assert_uint_eq(memory_file_number(file, "MemFree"), 3 * 1024);
    ck_assert_uint_eq(memory_file_number(file, "SwapFree"), 7);
    ck_assert_uint_eq(memory_file_number(file, "Mem"), MEMORY_NO_NUMBER);
    ck_assert_uint_eq(memory_file_number(file, NULL), MEMORY_NO_NUMBER);
    ck_assert_uint_eq(memory_file_number(sandbox_path("empty"), NULL), MEMORY_NO_NUMBER);
    ck_assert_uint_eq(memory_file_number(sandbox_path("missing"), NULL), MEMORY_NO_NUMBER);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("no_memory");
    TCase *messages = add_case(suite, "messages", 60, NULL, free_errors);
    tcase_add_loop_test(messages, sizes_are_written_in_a_readable_unit, 0, ROWS(sizes));
    tcase_add_loop_test(messages, message_has_the_size_that_was_refused_and_the_purpose, 0, ROWS(refusals));
    tcase_add_test(messages, size_is_reported_once);
    tcase_add_test(messages, callers_add_purposes_place_and_hint);
    tcase_add_test(messages, one_error_that_is_moved_keeps_its_parts);
    tcase_add_test(messages, other_failures_get_no_purpose);
    tcase_add_test(messages, call_that_failed_without_a_message_gets_one);
    TCase *limits = add_case(suite, "groups", 60, NULL, NULL);
    tcase_add_unchecked_fixture(limits, sandbox_open, sandbox_close);
    tcase_add_loop_test(limits, limit_of_a_container_is_found, 0, ROWS(groups));
    tcase_add_test(limits, numbers_of_files_are_found);
    return run_suite(suite);
}
