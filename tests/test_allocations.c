/* tests/test_allocations.c: a training step in steady state asks no allocator for memory: every piece was placed once.
 *
 * The allocator's functions are replaced by ones that count. The address sanitizer has its own, so there the test tells
 * that it cannot count.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "experiment/session.h"
#include "lang/cell_file.h"
#include "model/fused.h"
#include "tests/support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define COUNTS 0
#endif
#endif
#if !defined(COUNTS) && defined(__GLIBC__)
#define COUNTS 1
#elif !defined(COUNTS)
#define COUNTS 0
#endif

static atomic_long calls;

#if COUNTS
/* glibc's own, under the names that it exports for this. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add(&calls, 1);
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    atomic_fetch_add(&calls, 1);
    *out = __libc_memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}
#endif

static struct support support;
static struct session *session;

static void setup(void) {
    const struct session_settings settings = {.threads = 1};
    support_open(&support);
    session = session_create(&settings, &support.errors);
    ck_assert_msg(session != NULL, "%s", support_error(&support));
}

static void teardown(void) {
    session_destroy(session);
    support_close(&support);
}

START_TEST(the_counter_counts) {
    if (!COUNTS) {
        printf("allocations are not counted here: the allocator belongs to the sanitizer\n");
        return;
    }
    const long before = atomic_load(&calls);
    void *volatile piece = malloc(100);
    free(piece);
    ck_assert_int_eq(atomic_load(&calls) - before, 1);
}
END_TEST

enum { INPUT = 12, HIDDEN = 16, MOST_PARAMETERS = 64 };

static const struct {
    const char *cell;
    int32_t threads;
    int64_t recompute;
} rows[] = {
    {"lstm", 1, 0},    {"lstm", 2, 0}, {"lstm", 2, 3}, {"gru", 2, 0}, {"lstm_layer_norm", 2, 0},
    {"min_gru", 2, 0}, {"rhn", 2, 0},
};

/* Forward, backward, and the reset, again and again on one tape. */
START_TEST(a_step_in_steady_state_calls_no_allocator) {
    static const int64_t lengths[] = {9, 9, 8, 5, 2};
    const char *file = session_find_cell(session, rows[_i].cell, ".", support.arena);
    const struct cell_definition *definition = cell_file_read(file, support.arena, &support.errors);
    ck_assert_msg(definition != NULL, "%s", support_error(&support));
    const struct cell_settings settings = {.dtype = RONDO_F32, .input = INPUT, .hidden = HIDDEN};
    struct cell *cell = cell_compile(definition, &settings, session->registry, &support.errors);
    ck_assert_msg(cell != NULL, "%s", support_error(&support));
    struct scan *scan = fused_create(cell, PASS_ALL, rows[_i].recompute, &support.errors);
    ck_assert_msg(scan != NULL, "%s", support_error(&support));
    const struct parallel parallel = {rows[_i].threads};
    const struct time_axis time = support_time(&support, lengths, COUNT_OF(lengths));
    struct tape *tape = support_tape(&support, &parallel);
    rondo_tensor inputs = tensor_2d(RONDO_F32, time.total, INPUT, NULL), gradients[MOST_PARAMETERS];
    rondo_tensor weights[MOST_PARAMETERS];
    ck_assert_int_eq(tensor_alloc(&inputs, support.arena, &support.errors), RONDO_OK);
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        weights[p] = gradients[p] = cell->parameters[p].shape;
        ck_assert_int_eq(tensor_alloc(&weights[p], support.arena, &support.errors), RONDO_OK);
        ck_assert_int_eq(tensor_alloc(&gradients[p], support.arena, &support.errors), RONDO_OK);
    }
    long before = 0;
    rondo_status status = RONDO_OK; /* looked at behind the loop: an assertion of Check's allocates */
    for (int step = 0; step < 8; step++) {
        before = step == 4 ? atomic_load(&calls) : before;
        rondo_value parameters[MOST_PARAMETERS];
        tape_reset(tape);
        tape_enter(tape, "layer", (struct rng_stream){1});
        for (int32_t p = 0; p < cell->n_parameters; p++) {
            parameters[p] = tape_parameter(tape, "p", &weights[p], &gradients[p]);
        }
        const struct recurrence recurrence = {cell,       &time, 1, tape_parameter(tape, "x", &inputs, NULL),
                                              parameters, NULL};
        status |= tape_backward(tape, fused(scan, &recurrence, tape, NULL));
    }
    const long made = atomic_load(&calls) - before;
    support_ok(&support, status, rows[_i].cell);
    ck_assert_msg(!COUNTS || made == 0, "%s, %d threads: %ld calls of the allocator in 4 steps", rows[_i].cell,
                  (int)rows[_i].threads, made);
    tape_destroy(tape);
    scan_destroy(scan);
    cell_destroy(cell);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("allocations");
    TCase *test_case = tcase_create("allocations");
    tcase_set_timeout(test_case, 60);
    tcase_add_checked_fixture(test_case, setup, teardown);
    tcase_add_test(test_case, the_counter_counts);
    tcase_add_loop_test(test_case, a_step_in_steady_state_calls_no_allocator, 0, COUNT_OF(rows));
    suite_add_tcase(suite, test_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
