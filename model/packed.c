#include "model/packed.h"

#include "model/apply.h"

/* An i32 constant with `count` entries to be filled by the caller; data is NULL if out of memory. */
static rondo_tensor new_indices(struct tape *tape, int64_t count) {
    return tensor_1d(RONDO_I32, count, arena_alloc(tape_arena(tape), sizeof(int32_t) * (size_t)count));
}

rondo_value packed_reverse(struct tape *tape, const struct time_axis *time, rondo_value value) {
    const rondo_tensor indices = new_indices(tape, time->total);
    int32_t *index = indices.data;
    if (index == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    for (int64_t t = 0; t < time->steps; t++) {
        for (int64_t row = 0; row < time->alive[t]; row++) {
            index[time->begin[t] + row] = (int32_t)(time->begin[time->lengths[row] - 1 - t] + row);
        }
    }
    return apply_gather(tape, value, &indices);
}

/* The packed positions of the first step are 0 .. rows - 1, so zeros are appended. */
rondo_value packed_from_first(struct tape *tape, const struct time_axis *time, rondo_value first) {
    const rondo_tensor *tensor = tape_tensor(tape, first);
    if (tensor == NULL || time->total == time->rows) {
        return first;
    }
    rondo_tensor later = *tensor;
    later.data = NULL;
    later.shape[0] = time->total - time->rows;
    const rondo_value parts[2] = {first, tape_zeros(tape, later)};
    return apply_concat(tape, 0, parts, 2);
}

/* The value at the last step of each row. */
static rondo_value at_ends(struct tape *tape, const struct time_axis *time, rondo_value value) {
    const rondo_tensor indices = new_indices(tape, time->rows);
    int32_t *index = indices.data;
    if (index == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    for (int64_t row = 0; row < time->rows; row++) {
        index[row] = (int32_t)(time->begin[time->lengths[row] - 1] + row);
    }
    return apply_gather(tape, value, &indices);
}

rondo_value packed_first(struct tape *tape, const struct time_axis *time, rondo_value value) {
    return apply_slice(tape, value, 0, 0, time->rows);
}

rondo_value packed_last(struct tape *tape, const struct time_axis *time, rondo_value value, int64_t width,
                        int64_t backward) {
    if (backward == 0) {
        return at_ends(tape, time, value);
    }
    const rondo_value first = packed_first(tape, time, value);
    if (backward == width) {
        return first;
    }
    const rondo_value parts[2] = {apply_slice(tape, at_ends(tape, time, value), 1, 0, width - backward),
                                  apply_slice(tape, first, 1, width - backward, width)};
    return apply_concat(tape, 1, parts, 2);
}

rondo_value packed_reduce(struct tape *tape, const struct time_axis *time, rondo_value value, const char *reduce) {
    const rondo_tensor row_of_position = new_indices(tape, time->total);
    int32_t *row_of = row_of_position.data;
    if (row_of == NULL) {
        return tape_fail(tape, errors_no_memory(tape_errors(tape)));
    }
    for (int64_t t = 0; t < time->steps; t++) {
        for (int64_t row = 0; row < time->alive[t]; row++) {
            row_of[time->begin[t] + row] = (int32_t)row;
        }
    }
    return apply_segment(tape, value, &row_of_position, reduce, time->rows);
}
