#include "core/time_axis.h"

rondo_status time_axis_make(struct time_axis *axis, const int64_t *lengths, int64_t rows, struct arena *arena,
                            struct errors *errors) {
    RONDO_CHECK(rows >= 1 && lengths[rows - 1] >= 1, errors, "a time axis has rows, each with at least one step");
    const int64_t steps = lengths[0];
    int64_t *alive = arena_calloc(arena, (size_t)steps, sizeof *alive);
    int64_t *begin = arena_calloc(arena, (size_t)steps + 1, sizeof *begin);
    if (alive == NULL || begin == NULL) {
        return errors_no_memory(errors);
    }
    /* Rows only ever end: those that end at step t are the last of those alive before it. */
    for (int64_t step = 0, running = rows; step < steps; step++) {
        while (lengths[running - 1] <= step) {
            running--;
        }
        alive[step] = running;
        begin[step + 1] = begin[step] + running;
    }
    *axis = (struct time_axis){
        .rows = rows, .steps = steps, .total = begin[steps], .lengths = lengths, .alive = alive, .begin = begin};
    return RONDO_OK;
}

rondo_status time_axis_window(struct time_axis *window, const struct time_axis *whole, int64_t begin, int64_t end,
                              struct arena *arena, struct errors *errors) {
    const int64_t rows = whole->alive[begin];
    int64_t *lengths = arena_alloc(arena, sizeof *lengths * (size_t)rows);
    int64_t *first = arena_alloc(arena, sizeof *first * (size_t)(end - begin + 1));
    if (lengths == NULL || first == NULL) {
        return errors_no_memory(errors);
    }
    for (int64_t row = 0; row < rows; row++) {
        lengths[row] = (whole->lengths[row] < end ? whole->lengths[row] : end) - begin;
    }
    for (int64_t t = begin; t <= end; t++) {
        first[t - begin] = whole->begin[t] - whole->begin[begin];
    }
    *window = (struct time_axis){.rows = rows,
                                 .steps = end - begin,
                                 .total = first[end - begin],
                                 .lengths = lengths,
                                 .alive = whole->alive + begin,
                                 .begin = first};
    return RONDO_OK;
}

rondo_status time_axis_by_rows(struct time_axis_rows *by_rows, const struct time_axis *axis, const int64_t *row,
                               struct arena *arena, struct errors *errors) {
    int64_t *begin = arena_calloc(arena, (size_t)axis->rows, sizeof *begin);
    int64_t *length = arena_calloc(arena, (size_t)axis->rows, sizeof *length);
    int32_t *index = arena_calloc(arena, (size_t)axis->total, sizeof *index);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    int64_t next = 0;
    for (int64_t r = 0; r < axis->rows; r++) {
        const int64_t from = row == NULL ? r : row[r];
        begin[r] = next;
        length[r] = axis->lengths[from];
        for (int64_t t = 0; t < length[r]; t++) {
            index[next++] = (int32_t)(axis->begin[t] + from);
        }
    }
    by_rows->rows =
        (rondo_rows){.struct_size = sizeof(rondo_rows), .count = axis->rows, .begin = begin, .length = length};
    by_rows->index = index;
    return RONDO_OK;
}

rondo_sequences time_axis_sequences(const struct time_axis *axis) {
    return (rondo_sequences){.struct_size = sizeof(rondo_sequences),
                             .count = axis->rows,
                             .steps = axis->steps,
                             .lengths = axis->lengths,
                             .begin = axis->begin};
}
