#include "model/row_table.h"

#include <inttypes.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

void row_table_free(struct row_table *rows) {
    arena_destroy(rows->arena);
    *rows = (struct row_table){0};
}

static size_t row_bytes(const struct row_table *rows) {
    return (size_t)rows->table.shape[1] * dtype_size(rows->table.dtype);
}

static char *row_at(const struct row_table *rows, const rondo_tensor *tensor, int64_t row) {
    return (char *)tensor->data + (size_t)row * row_bytes(rows);
}

/* The place of an id in the hash table: that of its row, or an empty one. */
static int32_t *find_place(const struct row_table *rows, int32_t id) {
    const uint64_t mask = (uint64_t)rows->capacity * 2 - 1;
    uint64_t at = ((uint64_t)id * 0x9e3779b97f4a7c15u) >> 32; /* Fibonacci hashing */
    while (rows->places[at & mask] != 0 && rows->ids[rows->places[at & mask] - 1] != id) {
        at++;
    }
    return &rows->places[at & mask];
}

/* Memory for twice the number of rows, with the rows so far. The memory before stays in the arena; as it doubles each time,
 * it is not more than the new one. */
static rondo_status grow(struct row_table *rows, struct errors *errors) {
    const struct row_table old = *rows;
    rows->capacity = old.capacity == 0 ? FIRST_CAPACITY : 2 * old.capacity;
    const size_t capacity = (size_t)rows->capacity;
    rows->ids = arena_alloc(rows->arena, capacity * sizeof *rows->ids);
    rows->places = arena_calloc(rows->arena, 2 * capacity, sizeof *rows->places);
    rows->values = rows->gradients = tensor_2d(rows->table.dtype, rows->capacity, rows->table.shape[1], NULL);
    rows->values.data = arena_calloc(rows->arena, capacity, row_bytes(rows));
    rows->gradients.data = arena_calloc(rows->arena, capacity, row_bytes(rows));
    if (arena_failed(rows->arena)) {
        return errors_no_memory(errors);
    }
    rows->values.shape[0] = rows->gradients.shape[0] = old.count;
    if (old.count > 0) {
        memcpy(rows->ids, old.ids, (size_t)old.count * sizeof *rows->ids);
        memcpy(rows->values.data, old.values.data, (size_t)old.count * row_bytes(rows));
        memcpy(rows->gradients.data, old.gradients.data, (size_t)old.count * row_bytes(rows));
    }
    for (int64_t row = 0; row < old.count; row++) {
        *find_place(rows, rows->ids[row]) = (int32_t)row + 1;
    }
    return RONDO_OK;
}

rondo_status row_table_begin(struct row_table *rows, const char *name, const rondo_tensor *table,
                             struct errors *errors) {
    if (rows->arena == NULL || arena_failed(rows->arena)) {
        row_table_free(rows);
        rows->arena = arena_create();
        if (rows->arena == NULL) {
            return errors_no_memory(errors);
        }
    }
    rows->name = name;
    rows->table = *table;
    rows->count = 0;
    if (rows->capacity == 0) {
        return grow(rows, errors);
    }
    rows->values.shape[0] = rows->gradients.shape[0] = 0;
    memset(rows->places, 0, 2 * (size_t)rows->capacity * sizeof *rows->places);
    return RONDO_OK;
}

static rondo_status add_row(struct row_table *rows, int32_t id, int32_t *place, struct errors *errors) {
    if (rows->count == rows->capacity) {
        RONDO_TRY(grow(rows, errors));
        place = find_place(rows, id);
    }
    const int64_t row = rows->count++;
    rows->ids[row] = id;
    *place = (int32_t)rows->count;
    memcpy(row_at(rows, &rows->values, row), row_at(rows, &rows->table, id), row_bytes(rows));
    memset(row_at(rows, &rows->gradients, row), 0, row_bytes(rows));
    rows->values.shape[0] = rows->gradients.shape[0] = rows->count;
    return RONDO_OK;
}

rondo_status row_table_add(struct row_table *rows, const int32_t *ids, int64_t count, int32_t *local,
                           struct errors *errors) {
    const int64_t all = rows->table.shape[0];
    for (int64_t j = 0; j < count; j++) {
        if (ids[j] < 0 || ids[j] >= all) {
            return errors_add(errors, RONDO_INVALID,
                              "index %" PRId32 " (number %" PRId64 ") is out of range, expected 0 <= index < %" PRId64
                              ", the number of rows",
                              ids[j], j, all);
        }
        int32_t *place = find_place(rows, ids[j]);
        if (*place == 0) {
            RONDO_TRY(add_row(rows, ids[j], place, errors));
            local[j] = (int32_t)rows->count - 1;
        } else {
            local[j] = *place - 1;
        }
    }
    return RONDO_OK;
}

rondo_value row_table_bind(struct row_table *rows, struct tape *tape) {
    rows->bound = tape_parameter(tape, rows->name, &rows->values, &rows->gradients);
    return rows->bound;
}
