/* Sizes on the command line are read as people write them. */
#include "core/memory_size.h"

#include "tests/suite.h"

static const struct {
    const char *text;
    uint64_t bytes; /* 0: a mistake */
    int place;      /* of the mistake */
} rows[] = {
    {"512M", 512000000, 0},
    {"4G", 4000000000, 0},
    {"4GB", 4000000000, 0},
    {"4GiB", UINT64_C(4) << 30, 0},
    {"4 gib", UINT64_C(4) << 30, 0},
    {"1.5g", 1500000000, 0},
    {"0.25 KiB", 256, 0},
    {"2TB", UINT64_C(2000000000000), 0},
    {"1k", 1000, 0},
    {"", 0, 0},
    {"G", 0, 0},
    {"-4G", 0, 0},
    {"4", 0, 1},
    {"4Gi", 0, 1},
    {"4GBs", 0, 1},
    {"4X", 0, 1},
    {"1.2.3G", 0, 3},
    {".5G", 0, 0},
    {"4  G", 0, 2},
    {"0G", 0, 0},
    {"0.0001k", 0, 0},
    {"99999999999999999999T", 0, 0},
};

START_TEST(size_is_read_or_its_mistake_is_located) {
    uint64_t bytes = 0;
    const char *text = rows[_i].text, *mistake = memory_size_parse(text, &bytes);
    if (rows[_i].bytes > 0) {
        ck_assert_msg(mistake == NULL && bytes == rows[_i].bytes, "'%s': %llu bytes", text, (unsigned long long)bytes);
    } else {
        ck_assert_msg(mistake == text + rows[_i].place, "'%s': a mistake at %d", text,
                      mistake == NULL ? -1 : (int)(mistake - text));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("memory_size");
    TCase *cases = add_case(suite, "memory_size", 10, NULL, NULL);
    tcase_add_loop_test(cases, size_is_read_or_its_mistake_is_located, 0, ROWS(rows));
    return run_suite(suite);
}
