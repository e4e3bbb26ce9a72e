#include "tests/support.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void support_open(struct support *support) {
    memset(support, 0, sizeof *support);
    support->arena = arena_create();
    support->registry = registry_create(builtin_ops, &support->errors);
    ck_assert_msg(support->arena != NULL && support->registry != NULL, "%s", support_error(support));
}

void support_close(struct support *support) {
    registry_destroy(support->registry);
    arena_destroy(support->arena);
    errors_free(&support->errors);
}

const char *support_error(const struct support *support) {
    return support->errors.count > 0 ? errors_text(&support->errors, 0) : "";
}

void support_ok(const struct support *support, rondo_status status, const char *what) {
    ck_assert_msg(status == RONDO_OK, "%s: %s: %s", what, status_text(status), support_error(support));
}

struct tape *support_tape(struct support *support, const struct parallel *parallel) {
    const struct tape_settings settings = {support->registry, parallel, &support->errors};
    struct tape *tape = tape_create(&settings);
    ck_assert_ptr_nonnull(tape);
    return tape;
}

rondo_tensor support_zeros(struct support *support, int32_t dtype, const char *shape) {
    rondo_tensor tensor = {.dtype = dtype};
    for (const char *c = shape; *c != '\0'; c += strspn(c, ", ")) {
        char *end;
        tensor.shape[tensor.ndim++] = strtoll(c, &end, 10);
        ck_assert_msg(end != c, "cannot read the shape '%s'", shape);
        c = end;
    }
    support_ok(support, tensor_alloc(&tensor, support->arena, &support->errors), shape);
    return tensor;
}

rondo_tensor support_random(struct support *support, int32_t dtype, const char *shape, const char *name) {
    const rondo_tensor tensor = support_zeros(support, dtype, shape);
    const struct rng_stream stream = rng_stream(1, name);
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        tensor_set(&tensor, i, rng_normal(stream, (uint64_t)i));
    }
    return tensor;
}

rondo_tensor support_numbers(struct support *support, int32_t dtype, const char *shape, const double *numbers) {
    const rondo_tensor tensor = support_zeros(support, dtype, shape);
    for (int64_t i = 0; i < rondo_count(&tensor); i++) {
        tensor_set(&tensor, i, numbers[i]);
    }
    return tensor;
}

double support_difference(double a, double b) {
    return fabs(a - b) / fmax(1, fmax(fabs(a), fabs(b)));
}

void support_near(const rondo_tensor *found, const rondo_tensor *expected, double tolerance, const char *what) {
    ck_assert_msg(tensor_same_shape(found, expected), "%s: shape %s, expected %s", what, tensor_shape_text(found).text,
                  tensor_shape_text(expected).text);
    for (int64_t i = 0; i < rondo_count(found); i++) {
        const double a = tensor_get(found, i), b = tensor_get(expected, i);
        const int same = tolerance == 0 ? memcmp(&a, &b, sizeof a) == 0 : support_difference(a, b) <= tolerance;
        if (!same) { /* an assertion for each element would take more time than the rest of the test */
            ck_abort_msg("%s: element %d is %.17g, expected %.17g", what, (int)i, a, b);
        }
    }
}

void support_central_differences(double (*loss)(void *arg), void *arg, const rondo_tensor *value,
                                 const rondo_tensor *gradient, double tolerance, const char *what) {
    const double h = 1e-5;
    double *x = value->data;
    ck_assert_int_eq(value->dtype, RONDO_F64);
    ck_assert_msg(tensor_same_shape(value, gradient), "%s: the gradient has shape %s, expected %s", what,
                  tensor_shape_text(gradient).text, tensor_shape_text(value).text);
    for (int64_t i = 0; i < rondo_count(value); i++) {
        const double before = x[i];
        x[i] = before + h;
        const double above = loss(arg);
        x[i] = before - h;
        const double below = loss(arg);
        x[i] = before;
        const double numeric = (above - below) / (2 * h), found = tensor_get(gradient, i);
        ck_assert_msg(support_difference(found, numeric) <= tolerance,
                      "%s: the gradient of element %d is %.12g, by central differences %.12g", what, (int)i, found,
                      numeric);
    }
}

struct time_axis support_time(struct support *support, const int64_t *lengths, int64_t rows) {
    struct time_axis axis;
    ck_assert_int_eq(time_axis_make(&axis, lengths, rows, support->arena, &support->errors), RONDO_OK);
    return axis;
}

struct support_memory support_memory(struct support *support, int32_t dtype, int64_t width, int64_t rows) {
    int64_t *begin = arena_alloc(support->arena, sizeof *begin * (size_t)rows);
    int64_t *length = arena_alloc(support->arena, sizeof *length * (size_t)rows);
    ck_assert(!arena_failed(support->arena));
    int64_t elements = 1;
    for (int64_t row = rows - 1; row >= 0; row--) {
        length[row] = 1 + (3 * row + 2) % 5;
        begin[row] = elements;
        elements += length[row] + 1;
    }
    struct support_memory memory = {
        tensor_2d(dtype, elements, width, NULL),
        {.struct_size = sizeof(rondo_rows), .count = rows, .begin = begin, .length = length}};
    ck_assert_int_eq(tensor_alloc(&memory.values, support->arena, &support->errors), RONDO_OK);
    for (int64_t i = 0; i < rondo_count(&memory.values); i++) {
        tensor_set(&memory.values, i, (double)(float)rng_normal(rng_stream(7, "memory"), (uint64_t)i));
    }
    return memory;
}

struct support_memory support_memory_rows(const struct support_memory *memory, int64_t begin, int64_t end) {
    struct support_memory part = *memory;
    part.rows.count = end - begin;
    part.rows.begin += begin;
    part.rows.length += begin;
    return part;
}
