/* tests/test_grown.c: a host of a later ABI and plug-ins of ABI 1.0.
 *
 * This test and the parts of core that it needs are compiled against a copy of rondo/plugin.h in which every struct that
 * may grow has new fields at its end (tests/grown/rondo/meson.build). Structs of the size of ABI 1.0 are placed directly
 * before a page that cannot be read, so that a read past their end ends the test.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/descriptor.h"
#include "core/host.h"
#include "core/registry.h"
#include "tests/stub_plugins.h"
#include "tests/suite.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

static struct errors errors;
static struct registry *registry;
static char *pages; /* one page of memory, and one that cannot be read */
static size_t page;

static const rondo_descriptor *const nothing[] = {NULL};

static void setup(void) {
    memset(&errors, 0, sizeof errors);
    registry = registry_create(nothing, &errors);
    ck_assert_ptr_nonnull(registry);
    page = (size_t)sysconf(_SC_PAGESIZE);
    pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + page, page, PROT_NONE), 0);
}

static void teardown(void) {
    munmap(pages, 2 * page);
    registry_destroy(registry);
    errors_free(&errors);
}

/* The first `size` bytes of a struct, before the page that cannot be read. */
static void *before_the_end(const void *from, size_t size) {
    return memcpy(pages + page - size, from, size);
}

/* ---- descriptors ---- */

static const rondo_accumulator accumulators[] = {{"rows", "weights of all rows"}, {0}};

static const union descriptor old_descriptors[] = {
    {.op = {.base = {.kind = RONDO_KIND_OP, .name = "old_op", .summary = "-"},
            .min_inputs = 1,
            .max_inputs = 1,
            .operands = "x",
            .infer = stub_op_call,
            .forward = stub_op_call,
            .backward = stub_op_call}},
    {.optimizer = {.base = {.kind = RONDO_KIND_OPTIMIZER, .name = "old_optimizer", .summary = "-"}, .step = stub_step}},
    {.loss = {.base = {.kind = RONDO_KIND_LOSS, .name = "old_loss", .summary = "-"},
              .output_size = stub_output_size,
              .record = stub_record}},
    {.schedule = {.base = {.kind = RONDO_KIND_SCHEDULE, .name = "old_schedule", .summary = "-"},
                  .factor = stub_factor}},
    {.metric = {.base = {.kind = RONDO_KIND_METRIC, .name = "old_metric", .summary = "-"},
                .targets = RONDO_ACCEPTS(RONDO_TARGET_REAL),
                .accumulators = accumulators,
                .measure = stub_measure_rows,
                .finish = stub_finish}},
};

START_TEST(fields_that_an_old_descriptor_lacks_are_zero) {
    union descriptor old = old_descriptors[_i];
    const uint32_t first = descriptor_first_size(old.base.kind), today = descriptor_size(old.base.kind);
    ck_assert_uint_lt(first, today); /* otherwise this test was compiled with another header */
    old.base.struct_size = first;
    const rondo_descriptor *descriptor = before_the_end(&old, first);
    const rondo_status status = registry_add(registry, descriptor, "old.so", &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
    const rondo_descriptor *found = registry_find(registry, old.base.kind, old.base.name);
    ck_assert_ptr_nonnull(found);
    ck_assert_mem_eq(found, &old, first);
    for (uint32_t i = first; i < today; i++) {
        ck_assert_int_eq(((const char *)found)[i], 0);
    }
}
END_TEST

START_TEST(a_descriptor_below_the_first_size_is_refused_unread) {
    union descriptor old = old_descriptors[_i];
    old.base.struct_size = sizeof old.base;
    const rondo_descriptor *descriptor = before_the_end(&old, sizeof old.base);
    ck_assert_int_eq(registry_add(registry, descriptor, "old.so", &errors), RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "struct_size"));
}
END_TEST

/* ---- structs that a plug-in hands to the host ---- */

/* struct_size of a product: the size in ABI 1.0, and 0, which some plug-ins pass. */
static const uint32_t product_sizes[] = {offsetof(rondo_product, c) + sizeof(void *), 0};

START_TEST(fields_that_an_old_product_lacks_are_not_read) {
    const uint32_t first = product_sizes[0];
    ck_assert_uint_lt(first, sizeof(rondo_product));
    double a = 2, b = 3, c = 0;
    const rondo_product old = {.struct_size = product_sizes[_i],
                               .dtype = RONDO_F64,
                               .m = 1,
                               .n = 1,
                               .k = 1,
                               .stack = 1,
                               .alpha = 1,
                               .a = {.data = &a, .leading = 1},
                               .b = {.data = &b, .leading = 1},
                               .c = &c};
    struct arena *arena = arena_create();
    struct host_call call = host_call(arena, &errors, NULL, "old");
    ck_assert_int_eq(call.base.host->product(&call.base, before_the_end(&old, first)), RONDO_OK);
    ck_assert_double_eq(c, 6);
    arena_destroy(arena);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("grown");
    TCase *cases = tcase_create("grown");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, fields_that_an_old_descriptor_lacks_are_zero, 0, ROWS(old_descriptors));
    tcase_add_loop_test(cases, a_descriptor_below_the_first_size_is_refused_unread, 0, ROWS(old_descriptors));
    tcase_add_loop_test(cases, fields_that_an_old_product_lacks_are_not_read, 0, ROWS(product_sizes));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
