/* tests/test_core.c: arenas, errors, tensors, random numbers and threads. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/arena.h"
#include "core/memory_limit.h"
#include "core/parallel.h"
#include "core/program.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "tests/suite.h"

/* The number of bytes, of `count`, that are not `value`. */
static int64_t count_others(const unsigned char *bytes, size_t count, int value) {
    int64_t others = 0;
    for (size_t i = 0; i < count; i++) {
        others += bytes[i] != value;
    }
    return others;
}

/* ---- arena ---- */

START_TEST(pieces_are_aligned_and_do_not_overlap) {
    static const size_t sizes[] = {1, 0, 63, 64, 65, 0, 100, 65536, 65537, 3, 1000000, 7, 200000, 0, 64};
    struct arena *arena = arena_create();
    unsigned char *pieces[ROWS(sizes)];
    for (int i = 0; i < ROWS(sizes); i++) {
        pieces[i] = arena_alloc(arena, sizes[i]);
        ck_assert_ptr_nonnull(pieces[i]);
        ck_assert_uint_eq((uintptr_t)pieces[i] % 64, 0);
        for (int k = 0; k < i; k++) {
            ck_assert_ptr_ne(pieces[k], pieces[i]);
        }
        memset(pieces[i], i, sizes[i]);
    }
    for (int i = 0; i < ROWS(sizes); i++) {
        ck_assert_int_eq(count_others(pieces[i], sizes[i], i), 0);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(calloc_gives_zeros_where_memory_was_written_before) {
    struct arena *arena = arena_create();
    memset(arena_alloc(arena, 5000), 0xAB, 5000);
    arena_reset(arena);
    ck_assert_int_eq(count_others(arena_calloc(arena, 50, 100), 5000, 0), 0);
    arena_destroy(arena);
}
END_TEST

/* The sizes that one pass allocates, 0 at the end; negative: a mark, or the release of the last mark. */
enum { MARK = -1, RELEASE = -2 };
static const int64_t patterns[][12] = {
    {100, 200, 300},
    {60000, 60000, 60000, 60000},
    {100, 1000000, 100, 50, 2000000, 100},
    {3000000, 100, 2000000, 100, 1000000},
    {40000, MARK, 40000, 40000, RELEASE, 900000, 40000, 40000},
    {MARK, 700000, RELEASE, 100, MARK, 800000, RELEASE, 900000, 100},
    {65536, 1, 65536, 1, 131072, 1, 262144, 1},
};

static void run_pattern(struct arena *arena, const int64_t *sizes) {
    struct arena_mark mark = arena_mark(arena);
    for (; *sizes != 0; sizes++) {
        if (*sizes == MARK) {
            mark = arena_mark(arena);
        } else if (*sizes == RELEASE) {
            arena_release(arena, mark);
        } else {
            char *piece = arena_alloc(arena, (size_t)*sizes);
            piece[0] = piece[*sizes - 1] = 1;
        }
    }
}

START_TEST(a_repeated_pattern_of_allocations_takes_memory_once) {
    struct arena *arena = arena_create();
    run_pattern(arena, patterns[_i]);
    const size_t capacity = arena_capacity(arena);
    for (int pass = 0; pass < 20; pass++) {
        arena_reset(arena);
        run_pattern(arena, patterns[_i]);
        ck_assert_uint_eq(arena_capacity(arena), capacity);
    }
    arena_destroy(arena);
}
END_TEST

START_TEST(patterns_that_alternate_do_not_take_memory_without_end) {
    struct arena *arena = arena_create();
    size_t capacity = 0;
    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < ROWS(patterns); i++) {
            arena_reset(arena);
            run_pattern(arena, patterns[i]);
        }
        capacity = round == 5 ? arena_capacity(arena) : capacity;
    }
    ck_assert_uint_eq(arena_capacity(arena), capacity);
    arena_destroy(arena);
}
END_TEST

START_TEST(release_takes_back_what_came_after_the_mark_and_nothing_before) {
    struct arena *arena = arena_create();
    const struct arena_mark empty = arena_mark(arena);
    char *kept = arena_strdup(arena, "kept");
    const struct arena_mark mark = arena_mark(arena);
    void *inside = arena_alloc(arena, 100);
    memset(arena_alloc(arena, 500000), 1, 500000); /* larger than a block, so it gets its own */
    const struct arena_mark inner = arena_mark(arena);
    void *innermost = arena_alloc(arena, 10);
    arena_release(arena, inner);
    ck_assert_ptr_eq(arena_alloc(arena, 10), innermost);
    arena_release(arena, mark);
    ck_assert_str_eq(kept, "kept");
    ck_assert_ptr_eq(arena_alloc(arena, 100), inside);
    arena_release(arena, empty);
    ck_assert_ptr_eq(arena_alloc(arena, 1), kept);
    arena_destroy(arena);
}
END_TEST

static const struct {
    size_t count, size;
} refused_sizes[] = {
    {SIZE_MAX, 1},
    {SIZE_MAX - 1, 1},
    {SIZE_MAX - 62, 1},
    {SIZE_MAX - 63, 1},
    {SIZE_MAX / 2, 3},
    {3, SIZE_MAX / 2},
    {(size_t)1 << 32, (size_t)1 << 32},
};

START_TEST(sizes_that_overflow_are_refused_and_leave_earlier_pieces_alone) {
    struct arena *arena = arena_create();
    char *text = arena_strdup(arena, "still here");
    ck_assert_ptr_null(arena_calloc(arena, refused_sizes[_i].count, refused_sizes[_i].size));
    if (refused_sizes[_i].size == 1) {
        arena_reset(arena);
        ck_assert_ptr_eq(arena_strdup(arena, "still here"), text);
        ck_assert_ptr_null(arena_alloc(arena, refused_sizes[_i].count));
    }
    ck_assert(arena_failed(arena));
    ck_assert_str_eq(text, "still here");
    arena_destroy(arena);
}
END_TEST

/* Each way for an allocation to fail; the last is refused by the system, not by the arena's arithmetic. */
static void *fail_alloc(struct arena *arena) {
    return arena_alloc(arena, SIZE_MAX);
}
static void *fail_calloc(struct arena *arena) {
    return arena_calloc(arena, SIZE_MAX / 2, 3);
}
static void *fail_strndup(struct arena *arena) {
    return arena_strndup(arena, "", SIZE_MAX);
}
static void *fail_in_the_system(struct arena *arena) {
    return arena_alloc(arena, SIZE_MAX / 4);
}
static void *(*const arena_failures[])(struct arena *arena) = {fail_alloc, fail_calloc, fail_strndup,
                                                               fail_in_the_system};

/* The allocators of sanitizers end the program for such a size, unless an option prevents it. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void) {
    return "allocator_may_return_null=1";
}

static void expect_failed(struct arena *arena) {
    ck_assert(arena_failed(arena));
    ck_assert_ptr_null(arena_alloc(arena, 1));
    ck_assert_ptr_null(arena_alloc(arena, 0));
    ck_assert_ptr_null(arena_calloc(arena, 1, 1));
    ck_assert_ptr_null(arena_strdup(arena, NULL)); /* NULL is the result of a failed allocation */
    ck_assert_ptr_null(arena_strndup(arena, NULL, 3));
    ck_assert_ptr_null(arena_printf(arena, "%d", 1));
}

START_TEST(after_one_failure_every_allocation_fails_until_the_reset) {
    struct arena *arena = arena_create();
    ck_assert(!arena_failed(arena));
    char *before = arena_strdup(arena, "before");
    ck_assert_ptr_null(arena_failures[_i](arena));
    expect_failed(arena);
    ck_assert_str_eq(before, "before");
    arena_reset(arena);
    ck_assert(!arena_failed(arena));
    ck_assert_ptr_eq(arena_alloc(arena, 10), before);
    arena_destroy(arena);
}
END_TEST

START_TEST(a_failure_between_mark_and_release_is_seen_after_the_release) {
    struct arena *arena = arena_create();
    const struct arena_mark mark = arena_mark(arena);
    ck_assert_ptr_null(arena_failures[_i](arena));
    arena_release(arena, mark);
    expect_failed(arena);
    arena_destroy(arena);
}
END_TEST

START_TEST(an_arena_that_was_not_created_is_a_failed_one) {
    expect_failed(NULL);
    arena_release(NULL, arena_mark(NULL));
    arena_reset(NULL);
    ck_assert_uint_eq(arena_capacity(NULL), 0);
    ck_assert(arena_failed(NULL));
}
END_TEST

START_TEST(texts_are_copied_and_printed_whole) {
    struct arena *arena = arena_create();
    ck_assert_str_eq(arena_strdup(arena, ""), "");
    ck_assert_str_eq(arena_strndup(arena, "hidden", 3), "hid");
    char *longer = arena_printf(arena, "%s-%0*d|", "x", 200000, 7);
    ck_assert_uint_eq(strlen(longer), 200003);
    ck_assert_str_eq(longer + 200001, "7|");
    arena_destroy(arena);
    arena_destroy(NULL);
}
END_TEST

/* ---- errors ---- */

static struct errors errors;

static void setup(void) {
    memset(&errors, 0, sizeof errors);
}

static void teardown(void) {
    errors_free(&errors);
}

static const struct {
    struct location where;
    const char *expected;
} location_rows[] = {
    {{"food.yaml", 3, 9}, "food.yaml:3:9: 'x' is wrong"},
    {{"food.yaml", 3, 0}, "food.yaml:3: 'x' is wrong"},
    {{"food.yaml", 0, 0}, "food.yaml: 'x' is wrong"},
    {{"food.yaml", 0, 9}, "food.yaml: 'x' is wrong"},
    {{NULL, 3, 9}, "'x' is wrong"},
};

START_TEST(an_error_says_where_as_far_as_it_is_known) {
    const rondo_status status =
        errors_add_at(&errors, RONDO_NOT_FOUND, location_rows[_i].where, "'%s' is %s", "x", "wrong");
    ck_assert_int_eq(status, RONDO_NOT_FOUND);
    ck_assert_str_eq(errors_text(&errors, 0), location_rows[_i].expected);
}
END_TEST

START_TEST(errors_keep_their_order_and_the_status_of_the_first) {
    ck_assert_int_eq(errors.status, RONDO_OK);
    ck_assert_int_eq(errors_add(&errors, RONDO_INVALID, "one"), RONDO_INVALID);
    ck_assert_int_eq(errors_no_memory(&errors), RONDO_NO_MEMORY);
    ck_assert_int_eq(errors_add(&errors, RONDO_IO, "three"), RONDO_IO);
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_int_eq(errors.count, 3);
    ck_assert_str_eq(errors_text(&errors, 0), "one");
    ck_assert_ptr_eq(strstr(errors_text(&errors, 1), "out of memory"), errors_text(&errors, 1));
    ck_assert_str_eq(errors_text(&errors, 2), "three");
    errors_free(&errors);
    ck_assert_int_eq(errors.status, RONDO_OK);
    ck_assert_int_eq(errors.count, 0);
}
END_TEST

START_TEST(errors_beyond_the_most_are_counted_and_not_kept) {
    for (int i = 0; i < ERRORS_MAX + 10; i++) {
        errors_add(&errors, RONDO_INVALID, "number %d", i);
    }
    ck_assert_int_eq(errors.count, ERRORS_MAX + 10);
    char last[32];
    snprintf(last, sizeof last, "number %d", ERRORS_MAX - 1);
    ck_assert_str_eq(errors_text(&errors, ERRORS_MAX - 1), last);
    const char *none = errors_text(&errors, ERRORS_MAX);
    ck_assert_ptr_null(strstr(none, "number"));
    ck_assert_str_eq(errors_text(&errors, -1), none);
}
END_TEST

/* The number of errors in each list before the second is moved to the end of the first. */
static const int move_rows[][2] = {
    {0, 0}, {0, 3}, {2, 0}, {2, 3}, {ERRORS_MAX - 1, 3}, {2, ERRORS_MAX + 5}, {ERRORS_MAX + 1, ERRORS_MAX + 1}};

START_TEST(moved_errors_stand_behind_those_there) {
    const int first = move_rows[_i][0], second = move_rows[_i][1];
    struct errors from = {0};
    for (int i = 0; i < first + second; i++) {
        errors_add(i < first ? &errors : &from, i < first ? RONDO_IO : RONDO_INVALID, "number %d", i);
    }
    errors_move(&errors, &from);
    ck_assert_int_eq(from.count, 0);
    ck_assert_int_eq(from.status, RONDO_OK);
    ck_assert_int_eq(errors.count, first + second);
    ck_assert_int_eq(errors.status, first > 0 ? RONDO_IO : second > 0 ? RONDO_INVALID : RONDO_OK);
    for (int i = 0; i < first + second && i < ERRORS_MAX; i++) {
        if (i >= first && i - first >= ERRORS_MAX) {
            continue;
        }
        char expected[32];
        snprintf(expected, sizeof expected, "number %d", i);
        ck_assert_str_eq(errors_text(&errors, i), expected);
    }
}
END_TEST

START_TEST(long_texts_are_kept_whole) {
    errors_add(&errors, RONDO_INVALID, "%0*d", 100000, 1);
    ck_assert_uint_eq(strlen(errors_text(&errors, 0)), 100000);
}
END_TEST

static rondo_status checked(int condition) {
    RONDO_CHECK(condition, &errors, "two is even");
    return RONDO_OK;
}

static rondo_status tried(rondo_status status) {
    RONDO_TRY(status);
    return RONDO_OK;
}

START_TEST(a_bug_of_ours_is_told_from_a_users_mistake) {
    ck_assert_int_eq(checked(1), RONDO_OK);
    ck_assert_int_eq(errors.count, 0);
    ck_assert_int_eq(checked(0), RONDO_INTERNAL);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "test_core.c:"));
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "two is even"));
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "bug in Rondo"));
    ck_assert_int_eq(tried(RONDO_OK), RONDO_OK);
    ck_assert_int_eq(tried(RONDO_IO), RONDO_IO);
}
END_TEST

START_TEST(every_status_has_a_text_of_its_own) {
    for (rondo_status a = 0; a < RONDO_STATUS_COUNT; a++) {
        for (rondo_status b = 0; b < a; b++) {
            ck_assert_str_ne(status_text(a), status_text(b));
        }
        ck_assert_str_ne(status_text(a), "unknown status");
    }
    ck_assert_str_eq(status_text(RONDO_INVALID), "invalid input");
    ck_assert_str_eq(status_text(RONDO_STATUS_COUNT), "unknown status");
    ck_assert_str_eq(status_text(-1), "unknown status");
}
END_TEST

/* ---- tensors ---- */

static const struct {
    int32_t dtype;
    size_t size;
    const char *name;
} dtype_rows[] = {
    {RONDO_F32, 4, "f32"}, {RONDO_F64, 8, "f64"}, {RONDO_I32, 4, "i32"}, {-1, 0, "unknown"}, {3, 0, "unknown"},
};

START_TEST(element_types_have_sizes_and_names) {
    ck_assert_uint_eq(dtype_size(dtype_rows[_i].dtype), dtype_rows[_i].size);
    ck_assert_str_eq(dtype_name(dtype_rows[_i].dtype), dtype_rows[_i].name);
}
END_TEST

/* Shapes as numbers; -1 ends one. */
#define NO_SHAPE                                                                                                       \
    { -2 }
static const struct {
    int64_t a[7], b[7], common[7]; /* common NO_SHAPE: they do not broadcast */
} broadcast_rows[] = {
    {{-1}, {-1}, {-1}},
    {{3, -1}, {-1}, {3, -1}},
    {{3, 4, -1}, {4, -1}, {3, 4, -1}},
    {{3, 4, -1}, {1, -1}, {3, 4, -1}},
    {{3, 1, -1}, {4, -1}, {3, 4, -1}},
    {{3, 1, -1}, {1, 4, -1}, {3, 4, -1}},
    {{1, 1, 1, -1}, {5, -1}, {1, 1, 5, -1}},
    {{2, 3, 4, 5, 6, 7, -1}, {2, 1, 4, 1, 6, 1, -1}, {2, 3, 4, 5, 6, 7, -1}},
    {{2, 3, 4, 5, 6, 7, -1}, {-1}, {2, 3, 4, 5, 6, 7, -1}},
    {{0, -1}, {1, -1}, {0, -1}},
    {{0, 3, -1}, {1, 3, -1}, {0, 3, -1}},
    {{3, 0, -1}, {3, 1, -1}, {3, 0, -1}},
    {{0, -1}, {0, -1}, {0, -1}},
    {{0, -1}, {2, -1}, NO_SHAPE},
    {{3, -1}, {4, -1}, NO_SHAPE},
    {{3, 4, -1}, {3, -1}, NO_SHAPE},
    {{3, 4, -1}, {3, 5, -1}, NO_SHAPE},
    {{2, 3, 4, -1}, {5, 1, 1, -1}, NO_SHAPE},
};

static rondo_tensor shaped(int32_t dtype, const int64_t *shape) {
    int32_t ndim = 0;
    while (shape[ndim] != -1) {
        ndim++;
    }
    return tensor_of(dtype, ndim, shape);
}

START_TEST(shapes_broadcast_as_in_numpy) {
    const rondo_tensor a = shaped(RONDO_F64, broadcast_rows[_i].a), b = shaped(RONDO_F64, broadcast_rows[_i].b);
    const rondo_tensor *sides[2][2] = {{&a, &b}, {&b, &a}};
    for (int i = 0; i < 2; i++) {
        rondo_tensor out = {.dtype = 77};
        const int fits = tensor_broadcast(sides[i][0], sides[i][1], &out);
        ck_assert_int_eq(fits, broadcast_rows[_i].common[0] != -2);
        if (!fits) {
            ck_assert_int_eq(out.dtype, 77); /* not changed */
            continue;
        }
        const rondo_tensor common = shaped(RONDO_F64, broadcast_rows[_i].common);
        ck_assert_msg(tensor_same_shape(&out, &common), "%s", tensor_shape_text(&out).text);
        rondo_tensor in_place = *sides[i][0];
        ck_assert_int_eq(tensor_broadcast(&in_place, sides[i][1], &in_place), 1);
        ck_assert(tensor_same_shape(&in_place, &common));
    }
}
END_TEST

static const struct {
    int64_t shape[7];
    const char *text;
} shape_rows[] = {
    {{-1}, "[]"},
    {{0, -1}, "[0]"},
    {{3, 4, -1}, "[3, 4]"},
    {{RONDO_ANY_ROWS, 4, -1}, "[batch, 4]"},
    {{INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, -1},
     "[9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807, 9223372036854775807, "
     "9223372036854775807]"},
};

START_TEST(shapes_read_as_lists) {
    const rondo_tensor tensor = shaped(RONDO_F32, shape_rows[_i].shape);
    ck_assert_str_eq(tensor_shape_text(&tensor).text, shape_rows[_i].text);
}
END_TEST

START_TEST(shapes_are_the_same_where_type_and_sizes_are) {
    const rondo_tensor a = tensor_2d(RONDO_F32, 3, 4, NULL), longer = shaped(RONDO_F32, (int64_t[]){3, 4, 1, -1});
    const rondo_tensor others[] = {tensor_2d(RONDO_F64, 3, 4, NULL), tensor_2d(RONDO_F32, 4, 3, NULL),
                                   tensor_1d(RONDO_F32, 12, NULL), longer};
    int32_t anything = 0;
    const rondo_tensor same = tensor_2d(RONDO_F32, 3, 4, &anything);
    ck_assert(tensor_same_shape(&a, &same));
    for (int i = 0; i < ROWS(others); i++) {
        ck_assert(!tensor_same_shape(&a, &others[i]));
    }
    ck_assert_uint_eq(tensor_bytes(&others[0]), 96);
    ck_assert_uint_eq(tensor_bytes(&a), 48);
}
END_TEST

START_TEST(elements_of_any_type_are_read_and_written_as_doubles) {
    float f32[3] = {0};
    double f64[3] = {0};
    int32_t i32[3] = {0};
    const rondo_tensor tensors[] = {tensor_1d(RONDO_F32, 3, f32), tensor_1d(RONDO_F64, 3, f64),
                                    tensor_1d(RONDO_I32, 3, i32)};
    const double expected[] = {(double)0.1f, 0.1, 0};
    for (int i = 0; i < ROWS(tensors); i++) {
        tensor_set(&tensors[i], 1, 0.1);
        tensor_set(&tensors[i], 2, -7);
        ck_assert_double_eq(tensor_get(&tensors[i], 0), 0);
        ck_assert_double_eq(tensor_get(&tensors[i], 1), expected[i]);
        ck_assert_double_eq(tensor_get(&tensors[i], 2), -7);
    }
    ck_assert_int_eq(i32[2], -7);
}
END_TEST

static const struct {
    double value;
    int finite;
} finite_rows[] = {
    {0, 1}, {-0.0, 1}, {1, 1}, {FLT_MAX, 1}, {-FLT_MAX, 1}, {FLT_MIN / 8, 1}, {INFINITY, 0}, {-INFINITY, 0}, {NAN, 0},
};

START_TEST(a_tensor_is_finite_where_all_of_it_is) {
    enum { N = 37 };
    float f32[N];
    double f64[N];
    for (int at = 0; at < N; at++) {
        for (int i = 0; i < N; i++) {
            f64[i] = i == at ? finite_rows[_i].value : i - 5.5;
            f32[i] = (float)f64[i];
        }
        const rondo_tensor narrow = tensor_1d(RONDO_F32, N, f32), wide = tensor_1d(RONDO_F64, N, f64);
        ck_assert_int_eq(tensor_is_finite(&narrow), finite_rows[_i].finite);
        ck_assert_int_eq(tensor_is_finite(&wide), finite_rows[_i].finite);
    }
}
END_TEST

START_TEST(many_large_numbers_are_finite_and_so_is_nothing) {
    double large[64];
    for (int i = 0; i < 64; i++) {
        large[i] = i % 3 == 0 ? -DBL_MAX : DBL_MAX; /* finite, but their sum is not */
    }
    const rondo_tensor tensor = tensor_1d(RONDO_F64, 64, large), nothing = tensor_1d(RONDO_F32, 0, NULL);
    int32_t index = INT32_MAX;
    const rondo_tensor indices = tensor_1d(RONDO_I32, 1, &index);
    ck_assert(tensor_is_finite(&tensor));
    ck_assert(tensor_is_finite(&nothing));
    ck_assert(tensor_is_finite(&indices));
}
END_TEST

static const struct {
    int32_t dtype;
    int64_t shape[7];
    const char *text;
} huge_rows[] = {
    {RONDO_F64, {INT64_MAX, -1}, "[9223372036854775807]"},
    {RONDO_F32, {INT64_MAX / 4, 8, -1}, "[2305843009213693951, 8]"},
    {RONDO_F32, {1 << 30, 1 << 30, 1 << 30, -1}, "[1073741824, 1073741824, 1073741824]"},
    {RONDO_F32, {3, -5, -1}, "[3, -5]"},
};

START_TEST(storage_of_impossible_size_is_refused_with_its_shape) {
    struct arena *arena = arena_create();
    rondo_tensor tensor = shaped(huge_rows[_i].dtype, huge_rows[_i].shape);
    ck_assert_int_eq(tensor_alloc(&tensor, arena, &errors), RONDO_NO_MEMORY);
    ck_assert_ptr_null(tensor.data);
    ck_assert_msg(strstr(errors_text(&errors, 0), huge_rows[_i].text) != NULL, "%s", errors_text(&errors, 0));
    arena_destroy(arena);
}
END_TEST

START_TEST(storage_is_zeroed_and_may_be_empty) {
    struct arena *arena = arena_create();
    memset(arena_alloc(arena, 4096), 0xFF, 4096);
    arena_reset(arena);
    rondo_tensor tensor = tensor_2d(RONDO_F64, 5, 7, NULL), empty = tensor_2d(RONDO_F64, 5, 0, NULL);
    ck_assert_int_eq(tensor_alloc(&tensor, arena, &errors), RONDO_OK);
    ck_assert_int_eq(tensor_alloc(&empty, arena, &errors), RONDO_OK);
    ck_assert_int_eq(count_others(tensor.data, 35 * sizeof(double), 0), 0);
    ck_assert_ptr_nonnull(empty.data);
    arena_destroy(arena);
}
END_TEST

/* ---- random numbers ---- */

/* Philox4x32-10 as in figure 2 and table 2 of the paper, with all four counter words. */
static void reference_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c[4], k[2] = {key[0], key[1]};
    memcpy(c, counter, sizeof c);
    for (int round = 0; round < 10; round++) {
        const uint64_t left = (uint64_t)0xD2511F53 * c[0], right = (uint64_t)0xCD9E8D57 * c[2];
        const uint32_t next[4] = {(uint32_t)(right >> 32) ^ c[1] ^ k[0], (uint32_t)right,
                                  (uint32_t)(left >> 32) ^ c[3] ^ k[1], (uint32_t)left};
        memcpy(c, next, sizeof c);
        k[0] += 0x9E3779B9;
        k[1] += 0xBB67AE85;
    }
    memcpy(out, c, sizeof c);
}

/* From the file kat_vectors of the library that was published with the paper. */
static const struct {
    uint32_t counter[4], key[2], words[4];
} known_answers[] = {
    {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
    {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
     {0xffffffff, 0xffffffff},
     {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
    {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
     {0xa4093822, 0x299f31d0},
     {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
};

START_TEST(the_reference_gives_the_known_answers) {
    uint32_t words[4];
    reference_philox(known_answers[_i].counter, known_answers[_i].key, words);
    ck_assert_mem_eq(words, known_answers[_i].words, sizeof words);
}
END_TEST

START_TEST(a_stream_of_key_zero_begins_with_the_known_answer) {
    uint32_t words[4];
    rng_words((struct rng_stream){0}, 0, 4, words);
    ck_assert_mem_eq(words, known_answers[0].words, sizeof words);
}
END_TEST

/* The counter of our streams has 64 bits, so its upper words are zero. */
static const struct {
    uint64_t key, block;
} word_rows[] = {
    {0, 1},
    {1, 0},
    {UINT64_MAX, 5},
    {0x299f31d0a4093822, 0x85a308d313198a2e >> 2},
    {42, UINT64_MAX >> 2},
    {0x100000000, 0x100000000},
};

START_TEST(words_are_those_of_philox) {
    const uint64_t key = word_rows[_i].key, block = word_rows[_i].block;
    uint32_t found[4], expected[4];
    rng_words((struct rng_stream){key}, 4 * block, 4, found);
    reference_philox((uint32_t[]){(uint32_t)block, (uint32_t)(block >> 32), 0, 0},
                     (uint32_t[]){(uint32_t)key, (uint32_t)(key >> 32)}, expected);
    ck_assert_mem_eq(found, expected, sizeof found);
}
END_TEST

START_TEST(a_word_does_not_depend_on_where_reading_began) {
    enum { N = 150 }; /* more than the words that are computed together, twice */
    uint32_t all[N], part[N];
    const struct rng_stream stream = rng_stream(7, "dropout");
    for (uint64_t i = 0; i < N; i++) {
        rng_words(stream, i, 1, &all[i]);
    }
    for (int first = 0; first < N; first++) {
        for (int count = 0; count <= N - first; count++) {
            memset(part, 0, sizeof part);
            rng_words(stream, (uint64_t)first, count, part);
            ck_assert_mem_eq(part, all + first, sizeof part[0] * (size_t)count);
            ck_assert_uint_eq(count < N ? part[count] : 0, 0);
        }
    }
}
END_TEST

static const struct {
    double (*one)(struct rng_stream stream, uint64_t n);
    void (*many)(struct rng_stream stream, uint64_t first, int64_t count, double *numbers);
} draws[] = {{rng_uniform, rng_uniforms}, {rng_normal, rng_normals}};

START_TEST(numbers_that_are_drawn_together_are_those_that_are_drawn_alone) {
    enum { N = 400 };
    double numbers[N + 1];
    const struct rng_stream stream = rng_stream(7, "weights");
    for (int64_t count = 0; count <= N; count += count < 20 ? 1 : 19) {
        for (uint64_t first = 0; first < 7; first++) {
            numbers[count] = 99;
            draws[_i].many(stream, first, count, numbers);
            for (int64_t i = 0; i < count; i++) {
                ck_assert_double_eq(numbers[i], draws[_i].one(stream, first + (uint64_t)i));
            }
            ck_assert_double_eq(numbers[count], 99);
        }
    }
}
END_TEST

/* The share of equal bits of two streams: a half if they are independent, with a standard deviation of 0.5 / sqrt(32
 * WORDS). */
enum { WORDS = 512 };
static double equal_bits(struct rng_stream a, struct rng_stream b) {
    uint32_t first[WORDS], second[WORDS];
    rng_words(a, 0, WORDS, first);
    rng_words(b, 0, WORDS, second);
    int64_t equal = 0;
    for (int i = 0; i < WORDS; i++) {
        for (uint32_t bits = ~(first[i] ^ second[i]); bits != 0; bits &= bits - 1) {
            equal++;
        }
    }
    return (double)equal / (32.0 * WORDS);
}

START_TEST(streams_of_near_names_seeds_and_indices_have_nothing_in_common) {
    struct rng_stream streams[] = {
        rng_stream(1, "layers.0.dropout"),
        rng_stream(1, "layers.1.dropout"),
        rng_stream(2, "layers.0.dropout"),
        rng_stream(1, ""),
        rng_stream(1, "a"),
        rng_stream(1, "b"),
        rng_stream(0, ""),
        rng_stream(UINT64_MAX, ""),
        {0},
        {0},
        {0},
        {0},
        {0},
    };
    for (uint64_t i = 0; i < 4; i++) {
        streams[8 + i] = rng_substream(streams[0], i);
    }
    streams[12] = rng_substream(streams[8], 0);
    for (int i = 0; i < ROWS(streams); i++) {
        for (int k = 0; k < i; k++) {
            const double share = equal_bits(streams[i], streams[k]);
            ck_assert_msg(fabs(share - 0.5) < 5 * 0.5 / sqrt(32.0 * WORDS), "%d and %d: %g", i, k, share);
        }
    }
}
END_TEST

START_TEST(a_stream_is_a_function_of_seed_and_name_alone) {
    const struct rng_stream before = rng_stream(3, "weights");
    uint32_t words[8], again[8];
    rng_words(before, 10, 8, words);
    rng_words(rng_stream(3, "another"), 0, 8, again); /* adding a stream shifts no other */
    rng_uniform(rng_substream(before, 5), 0);
    rng_words(rng_stream(3, "weights"), 10, 8, again);
    ck_assert_mem_eq(words, again, sizeof words);
}
END_TEST

/* E[x^k] for k = 1 .. 4, and the standard deviation of x^k, which bounds the error of the mean over n draws. */
static const struct {
    const char *name;
    double (*draw)(struct rng_stream stream, uint64_t n);
    double moments[4], deviations[4];
} moment_rows[] = {
    /* E[x^k] = 1 / (k + 1); the variance of x^k is 1 / (2k + 1) - 1 / (k + 1)^2 */
    {"uniform", rng_uniform, {0.5, 1.0 / 3, 0.25, 0.2}, {0.2887, 0.2981, 0.2835, 0.2667}},
    /* E[x^k] = 0, 1, 0, 3; the variance of x^k is 1, 2, 15, 96 */
    {"normal", rng_normal, {0, 1, 0, 3}, {1, 1.4143, 3.873, 9.798}},
};

START_TEST(numbers_have_the_moments_of_their_distribution) {
    enum { N = 40000 };
    const struct rng_stream stream = rng_stream(11, moment_rows[_i].name);
    double sums[4] = {0}, neighbours = 0, previous = 0;
    for (uint64_t n = 0; n < N; n++) {
        const double x = moment_rows[_i].draw(stream, n);
        double power = 1;
        for (int k = 0; k < 4; k++) {
            power *= x;
            sums[k] += power;
        }
        neighbours += (x - moment_rows[_i].moments[0]) * previous;
        previous = x - moment_rows[_i].moments[0];
    }
    for (int k = 0; k < 4; k++) {
        const double error = fabs(sums[k] / N - moment_rows[_i].moments[k]);
        ck_assert_msg(error < 5 * moment_rows[_i].deviations[k] / sqrt(N), "moment %d: %g", k + 1, sums[k] / N);
    }
    const double variance = moment_rows[_i].deviations[0] * moment_rows[_i].deviations[0];
    ck_assert_msg(fabs(neighbours / N) < 5 * variance / sqrt(N), "neighbours: %g", neighbours / N);
}
END_TEST

START_TEST(uniform_numbers_stay_below_one_and_fill_the_interval) {
    const struct rng_stream stream = rng_stream(1, "uniform");
    int buckets[16] = {0}, outside = 0;
    for (uint64_t n = 0; n < 16000; n++) {
        const double x = rng_uniform(stream, n);
        outside += !(x >= 0 && x < 1);
        buckets[(int)(16 * x) & 15]++;
    }
    ck_assert_int_eq(outside, 0);
    for (int i = 0; i < 16; i++) {
        ck_assert_msg(abs(buckets[i] - 1000) < 5 * 31, "%d: %d", i, buckets[i]);
    }
}
END_TEST

static const uint64_t bounds[] = {1, 2, 3, 7, 100, (uint64_t)1 << 33, UINT64_MAX};

START_TEST(numbers_below_a_bound_stay_below_it) {
    const struct rng_stream stream = rng_stream(1, "below");
    const uint64_t bound = bounds[_i];
    uint64_t lowest = UINT64_MAX, highest = 0;
    int seen[8] = {0};
    for (uint64_t n = 0; n < 4000; n++) {
        const uint64_t x = rng_below(stream, n, bound);
        lowest = x < lowest ? x : lowest;
        highest = x > highest ? x : highest;
        seen[x & 7]++;
    }
    ck_assert(highest < bound);
    ck_assert(lowest <= bound / 100);
    ck_assert(highest >= bound - 1 - bound / 100);
    for (uint64_t x = 0; x < bound && bound <= 8; x++) {
        ck_assert_int_ge(seen[x], (int)(4000 / bound * 8 / 10));
    }
}
END_TEST

static const int64_t shuffle_counts[] = {0, 1, 2, 3, 10, 1000};

START_TEST(a_shuffle_is_a_permutation_that_its_stream_decides) {
    const int64_t count = shuffle_counts[_i];
    int64_t items[1000], again[1000], other[1000];
    char seen[1000] = {0};
    for (int64_t i = 0; i < count; i++) {
        items[i] = again[i] = other[i] = i;
    }
    rng_shuffle(rng_stream(5, "shuffle"), count, items);
    rng_shuffle(rng_stream(5, "shuffle"), count, again);
    rng_shuffle(rng_stream(6, "shuffle"), count, other);
    for (int64_t i = 0; i < count; i++) {
        ck_assert(items[i] >= 0 && items[i] < count && !seen[items[i]]);
        seen[items[i]] = 1;
        ck_assert_int_eq(items[i], again[i]);
    }
    if (count >= 10) {
        ck_assert_mem_ne(items, other, sizeof items[0] * (size_t)count);
    }
}
END_TEST

START_TEST(every_permutation_is_as_likely) {
    int counts[6] = {0};
    for (uint64_t seed = 0; seed < 6000; seed++) {
        int64_t items[3] = {0, 1, 2};
        rng_shuffle(rng_substream(rng_stream(1, "fair"), seed), 3, items);
        counts[2 * items[0] + (items[1] > items[2])]++;
    }
    for (int i = 0; i < 6; i++) {
        ck_assert_msg(abs(counts[i] - 1000) < 150, "permutation %d: %d of 6000", i, counts[i]);
    }
}
END_TEST

/* ---- threads ---- */

enum { MOST = 5000 };

struct visits {
    int64_t count, grain;
    int32_t visited[MOST];
    int32_t wrong_ranges;
};

static void visit(void *arg, int64_t begin, int64_t end) {
    struct visits *visits = arg;
    const int64_t full = begin + visits->grain;
    if (begin % visits->grain != 0 || end != (full < visits->count ? full : visits->count)) {
        visits->wrong_ranges = 1;
    }
    for (int64_t i = begin; i < end; i++) {
        visits->visited[i]++;
    }
}

static const struct {
    int64_t count, grain;
} range_rows[] = {{0, 1}, {1, 1}, {1, 100}, {2, 1}, {7, 3}, {8, 4}, {9, 4}, {100, 1}, {MOST, 7}, {MOST, MOST}};
static const int32_t thread_rows[] = {1, 2, 3, 8};

START_TEST(every_index_is_visited_once_in_ranges_of_the_grain) {
    struct visits visits = {.count = range_rows[_i].count, .grain = range_rows[_i].grain};
    for (int i = 0; i < ROWS(thread_rows) + 1; i++) {
        memset(visits.visited, 0, sizeof visits.visited);
        const struct parallel parallel = {i < ROWS(thread_rows) ? thread_rows[i] : 1};
        parallel_for(i < ROWS(thread_rows) ? &parallel : NULL, visits.count, visits.grain, visit, &visits);
        ck_assert_int_eq(visits.wrong_ranges, 0);
        int64_t wrong = 0;
        for (int64_t k = 0; k < MOST; k++) {
            wrong += visits.visited[k] != (k < visits.count);
        }
        ck_assert_int_eq(wrong, 0);
    }
}
END_TEST

START_TEST(nothing_is_done_for_a_count_of_nothing) {
    struct visits visits = {.count = 1, .grain = 1};
    const struct parallel parallel = {2};
    parallel_for(&parallel, 0, 1, visit, &visits);
    parallel_for(&parallel, -5, 1, visit, &visits);
    ck_assert_int_eq(visits.visited[0], 0);
    parallel_for(&parallel, 1, 0, visit, &visits); /* a grain of 0 counts as 1 */
    ck_assert_int_eq(visits.visited[0], 1);
}
END_TEST

enum { OUTER = 32, INNER = 16 };

struct nesting {
    const struct parallel *parallel;
    pthread_t outer[OUTER], inner[OUTER][INNER];
};

struct inner {
    struct nesting *nesting;
    int64_t outer;
};

static void inner_body(void *arg, int64_t begin, int64_t end) {
    const struct inner *inner = arg;
    for (int64_t i = begin; i < end; i++) {
        inner->nesting->inner[inner->outer][i] = pthread_self();
    }
}

static void outer_body(void *arg, int64_t begin, int64_t end) {
    struct nesting *nesting = arg;
    const struct timespec while_others_start = {0, 2000000};
    nanosleep(&while_others_start, NULL);
    for (int64_t i = begin; i < end; i++) {
        nesting->outer[i] = pthread_self();
        struct inner inner = {nesting, i};
        parallel_for(nesting->parallel, INNER, 1, inner_body, &inner);
    }
}

START_TEST(several_threads_take_part_and_a_nested_call_stays_on_its_own) {
    const struct parallel parallel = {4};
    static struct nesting nesting;
    nesting.parallel = &parallel;
    parallel_for(&parallel, OUTER, 1, outer_body, &nesting);
    int others = 0;
    for (int i = 0; i < OUTER; i++) {
        others += !pthread_equal(nesting.outer[i], nesting.outer[0]);
        for (int k = 0; k < INNER; k++) {
            ck_assert(pthread_equal(nesting.inner[i][k], nesting.outer[i]));
        }
    }
    ck_assert_int_gt(others, 0);
}
END_TEST

START_TEST(one_thread_and_one_range_stay_on_the_calling_thread) {
    static struct nesting nesting;
    const struct parallel one = {1}, four = {4};
    struct inner inner = {&nesting, 0};
    parallel_for(&one, INNER, 1, inner_body, &inner);
    inner.outer = 1;
    parallel_for(&four, INNER, INNER, inner_body, &inner);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < INNER; k++) {
            ck_assert(pthread_equal(nesting.inner[i][k], pthread_self()));
        }
    }
}
END_TEST

START_TEST(there_is_a_processor) {
    ck_assert_int_ge(parallel_processors(), 1);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name) {
    return add_case(suite, name, 60, setup, teardown);
}

/* ---- memory ---- */

START_TEST(only_much_memory_may_be_refused) {
    ck_assert_int_eq(memory_has_room(0), 1);
    ck_assert_int_eq(memory_has_room(MEMORY_MANY - 1), 1);
#ifdef __linux__
    ck_assert_int_eq(memory_has_room(UINT64_MAX), 0);
#endif
}
END_TEST

static Suite *core_suite(void) {
    Suite *suite = suite_create("core");
    TCase *arenas = new_case(suite, "arena");
    tcase_add_test(arenas, pieces_are_aligned_and_do_not_overlap);
    tcase_add_test(arenas, only_much_memory_may_be_refused);
    tcase_add_test(arenas, calloc_gives_zeros_where_memory_was_written_before);
    tcase_add_loop_test(arenas, a_repeated_pattern_of_allocations_takes_memory_once, 0, ROWS(patterns));
    tcase_add_test(arenas, patterns_that_alternate_do_not_take_memory_without_end);
    tcase_add_test(arenas, release_takes_back_what_came_after_the_mark_and_nothing_before);
    tcase_add_loop_test(arenas, sizes_that_overflow_are_refused_and_leave_earlier_pieces_alone, 0, ROWS(refused_sizes));
    tcase_add_loop_test(arenas, after_one_failure_every_allocation_fails_until_the_reset, 0, ROWS(arena_failures));
    tcase_add_loop_test(arenas, a_failure_between_mark_and_release_is_seen_after_the_release, 0, ROWS(arena_failures));
    tcase_add_test(arenas, an_arena_that_was_not_created_is_a_failed_one);
    tcase_add_test(arenas, texts_are_copied_and_printed_whole);

    TCase *failures = new_case(suite, "errors");
    tcase_add_loop_test(failures, an_error_says_where_as_far_as_it_is_known, 0, ROWS(location_rows));
    tcase_add_test(failures, errors_keep_their_order_and_the_status_of_the_first);
    tcase_add_test(failures, errors_beyond_the_most_are_counted_and_not_kept);
    tcase_add_loop_test(failures, moved_errors_stand_behind_those_there, 0, ROWS(move_rows));
    tcase_add_test(failures, long_texts_are_kept_whole);
    tcase_add_test(failures, a_bug_of_ours_is_told_from_a_users_mistake);
    tcase_add_test(failures, every_status_has_a_text_of_its_own);

    TCase *tensors = new_case(suite, "tensor");
    tcase_add_loop_test(tensors, element_types_have_sizes_and_names, 0, ROWS(dtype_rows));
    tcase_add_loop_test(tensors, shapes_broadcast_as_in_numpy, 0, ROWS(broadcast_rows));
    tcase_add_loop_test(tensors, shapes_read_as_lists, 0, ROWS(shape_rows));
    tcase_add_test(tensors, shapes_are_the_same_where_type_and_sizes_are);
    tcase_add_test(tensors, elements_of_any_type_are_read_and_written_as_doubles);
    tcase_add_loop_test(tensors, a_tensor_is_finite_where_all_of_it_is, 0, ROWS(finite_rows));
    tcase_add_test(tensors, many_large_numbers_are_finite_and_so_is_nothing);
    tcase_add_loop_test(tensors, storage_of_impossible_size_is_refused_with_its_shape, 0, ROWS(huge_rows));
    tcase_add_test(tensors, storage_is_zeroed_and_may_be_empty);

    TCase *random = new_case(suite, "rng");
    tcase_add_loop_test(random, the_reference_gives_the_known_answers, 0, ROWS(known_answers));
    tcase_add_test(random, a_stream_of_key_zero_begins_with_the_known_answer);
    tcase_add_loop_test(random, words_are_those_of_philox, 0, ROWS(word_rows));
    tcase_add_test(random, a_word_does_not_depend_on_where_reading_began);
    tcase_add_loop_test(random, numbers_that_are_drawn_together_are_those_that_are_drawn_alone, 0, ROWS(draws));
    tcase_add_test(random, streams_of_near_names_seeds_and_indices_have_nothing_in_common);
    tcase_add_test(random, a_stream_is_a_function_of_seed_and_name_alone);
    tcase_add_loop_test(random, numbers_have_the_moments_of_their_distribution, 0, ROWS(moment_rows));
    tcase_add_test(random, uniform_numbers_stay_below_one_and_fill_the_interval);
    tcase_add_loop_test(random, numbers_below_a_bound_stay_below_it, 0, ROWS(bounds));
    tcase_add_loop_test(random, a_shuffle_is_a_permutation_that_its_stream_decides, 0, ROWS(shuffle_counts));
    tcase_add_test(random, every_permutation_is_as_likely);

    TCase *threads = new_case(suite, "parallel");
    tcase_add_loop_test(threads, every_index_is_visited_once_in_ranges_of_the_grain, 0, ROWS(range_rows));
    tcase_add_test(threads, nothing_is_done_for_a_count_of_nothing);
    tcase_add_test(threads, several_threads_take_part_and_a_nested_call_stays_on_its_own);
    tcase_add_test(threads, one_thread_and_one_range_stay_on_the_calling_thread);
    tcase_add_test(threads, there_is_a_processor);
    return suite;
}

int main(void) {
    return run_suite(core_suite());
}
