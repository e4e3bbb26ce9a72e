#include "train/row_sum.h"

#include <stdlib.h>
#include <string.h>

/* A row of one table. */
struct sum_row {
    int32_t id, table;
    int64_t row;
};

/* A sum while it is computed. */
struct row_adding {
    struct row_table *const *tables;
    const struct sum_row *rows; /* of all tables, by id, then by table */
    const int64_t *first;       /* [count + 1]: rows[first[k]] .. rows[first[k + 1]] have id number k */
    double scale;
    struct gradient *result;
};

static int compare_rows(const void *a, const void *b) {
    const struct sum_row *first = a, *second = b;
    return first->id != second->id ? (first->id > second->id) - (first->id < second->id)
                                   : (first->table > second->table) - (first->table < second->table);
}

static rondo_tensor row_of(const struct row_adding *adding, const struct sum_row *row) {
    const rondo_tensor *all = &adding->tables[row->table]->gradients;
    const size_t bytes = (size_t)all->shape[1] * dtype_size(all->dtype);
    return tensor_1d(all->dtype, all->shape[1], (char *)all->data + (size_t)row->row * bytes);
}

/* The ids number begin .. end. */
static void add_ids(void *arg, int64_t begin, int64_t end) {
    const struct row_adding *adding = arg;
    const rondo_tensor *values = &adding->result->values;
    const int64_t size = values->shape[1];
    for (int64_t k = begin; k < end; k++) {
        rondo_tensor parts[ROW_SUM_MOST] = {{0}}; /* by table; data NULL: it does not have the id */
        for (int64_t r = adding->first[k]; r < adding->first[k + 1]; r++) {
            parts[adding->rows[r].table] = row_of(adding, &adding->rows[r]);
        }
        gradient_add_parts(parts, ROW_SUM_MOST, 0, size);
        memcpy((char *)values->data + (size_t)(k * size) * dtype_size(values->dtype), parts[0].data,
               (size_t)size * dtype_size(values->dtype));
        tensor_scale(values, k * size, (k + 1) * size, adding->scale);
    }
}

/* Lists the rows of all tables in the order of their ids. */
static struct sum_row *list_rows(struct row_sum *sum, struct row_table *const *tables, int64_t n_tables,
                                 int64_t *total) {
    *total = 0;
    for (int64_t t = 0; t < n_tables; t++) {
        *total += tables[t]->count;
    }
    struct sum_row *rows = arena_alloc(sum->arena, ((size_t)*total + 1) * sizeof *rows);
    struct sum_row *next = rows;
    for (int64_t t = 0; rows != NULL && t < n_tables; t++) {
        for (int64_t row = 0; row < tables[t]->count; row++) {
            *next++ = (struct sum_row){tables[t]->ids[row], (int32_t)t, row};
        }
    }
    if (rows != NULL) {
        qsort(rows, (size_t)*total, sizeof *rows, compare_rows);
    }
    return rows;
}

rondo_status row_sum_make(struct row_sum *sum, struct row_table *const *tables, int64_t n_tables, double scale,
                          const struct parallel *parallel, struct gradient *result, struct errors *errors) {
    const int64_t size = tables[0]->table.shape[1], grain_elements = 16 * 1024;
    sum->arena = sum->arena == NULL ? arena_create() : sum->arena;
    arena_reset(sum->arena);
    int64_t total = 0;
    const struct sum_row *rows = list_rows(sum, tables, n_tables, &total);
    int32_t *ids = arena_alloc(sum->arena, ((size_t)total + 1) * sizeof *ids);
    int64_t *first = arena_alloc(sum->arena, ((size_t)total + 1) * sizeof *first);
    if (arena_failed(sum->arena)) {
        return errors_no_memory(errors);
    }
    int64_t count = 0;
    for (int64_t r = 0; r < total; r++) {
        if (r == 0 || rows[r].id != rows[r - 1].id) {
            first[count] = r;
            ids[count++] = rows[r].id;
        }
    }
    first[count] = total;
    *result = (struct gradient){
        .values = tensor_2d(tables[0]->table.dtype, count, size, NULL), .by_rows = 1, .ids = ids, .count = count};
    RONDO_TRY(tensor_alloc(&result->values, sum->arena, errors));
    struct row_adding adding = {tables, rows, first, scale, result};
    const int64_t grain = size < grain_elements ? grain_elements / size : 1;
    parallel_for(parallel, count, grain, add_ids, &adding);
    return RONDO_OK;
}

void row_sum_free(struct row_sum *sum) {
    arena_destroy(sum->arena);
    sum->arena = NULL;
}
