#include "model/states.h"

#include <string.h>

struct states {
    struct arena *arena;
    int64_t rows;
    int32_t count;
    const char **names;    /* [count] */
    rondo_tensor *tensors; /* [count] each [rows, …] */
};

static rondo_status fill(struct states *states, const struct layer_state *shapes, struct errors *errors) {
    struct arena *arena = states->arena;
    states->names = arena_calloc(arena, (size_t)states->count + 1, sizeof *states->names);
    states->tensors = arena_calloc(arena, (size_t)states->count + 1, sizeof *states->tensors);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t s = 0; s < states->count; s++) {
        states->names[s] = arena_strdup(arena, shapes[s].name);
        states->tensors[s] = shapes[s].shape;
        states->tensors[s].shape[0] = states->rows;
        RONDO_TRY(tensor_alloc(&states->tensors[s], arena, errors));
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

struct states *states_create(const struct layer_state *shapes, int32_t count, int64_t rows, struct errors *errors) {
    struct arena *arena = arena_create();
    struct states *states = arena_calloc(arena, 1, sizeof *states);
    if (states == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    states->arena = arena;
    states->rows = rows;
    states->count = count;
    if (fill(states, shapes, errors) != RONDO_OK) {
        states_destroy(states);
        return NULL;
    }
    return states;
}

void states_destroy(struct states *states) {
    if (states != NULL) {
        arena_destroy(states->arena);
    }
}

void states_save(const struct states *states, struct archive *archive) {
    for (int32_t s = 0; s < states->count; s++) {
        archive_put_tensor(archive, &states->tensors[s], "carry.%s", states->names[s]);
    }
}

rondo_status states_load(struct states *states, struct archive *archive, struct errors *errors) {
    for (int32_t s = 0; s < states->count; s++) {
        RONDO_TRY(archive_take_tensor(archive, &states->tensors[s], errors, "carry.%s", states->names[s]));
    }
    return RONDO_OK;
}

int32_t states_count(const struct states *states) {
    return states->count;
}

const char *states_name(const struct states *states, int32_t state) {
    return states->names[state];
}

const rondo_tensor *states_tensor(const struct states *states, int32_t state) {
    return &states->tensors[state];
}

/* Bytes of one row of a tensor [rows, …], rows >= 1. */
static size_t row_bytes(const rondo_tensor *tensor) {
    return tensor_bytes(tensor) / (size_t)tensor->shape[0];
}

/* to[i] = from[row[i]] for `count` rows; row NULL: from[i]. */
static void gather_rows(const rondo_tensor *to, const rondo_tensor *from, const int64_t *row, int64_t count) {
    const size_t bytes = row_bytes(from);
    for (int64_t i = 0; i < count; i++) {
        memcpy((char *)to->data + (size_t)i * bytes,
               (const char *)from->data + (size_t)(row == NULL ? i : row[i]) * bytes, bytes);
    }
}

/* to[row[i]] = from[i] for `count` rows; row NULL: to[i]. */
static void scatter_rows(const rondo_tensor *to, const rondo_tensor *from, const int64_t *row, int64_t count) {
    const size_t bytes = row_bytes(to);
    for (int64_t i = 0; i < count; i++) {
        memcpy((char *)to->data + (size_t)(row == NULL ? i : row[i]) * bytes,
               (const char *)from->data + (size_t)i * bytes, bytes);
    }
}

void states_take_rows(struct states *to, const struct states *from, const int64_t *row, int64_t count) {
    for (int32_t s = 0; s < to->count; s++) {
        gather_rows(&to->tensors[s], &from->tensors[s], row, count);
    }
}

void states_copy(struct states *to, const struct states *from) {
    for (int32_t s = 0; s < to->count; s++) {
        memcpy(to->tensors[s].data, from->tensors[s].data, tensor_bytes(&to->tensors[s]));
    }
}

void states_clear_rows(struct states *states, const unsigned char *which) {
    for (int32_t s = 0; s < states->count; s++) {
        const size_t bytes = row_bytes(&states->tensors[s]);
        for (int64_t row = 0; row < states->rows; row++) {
            if (which == NULL || which[row]) {
                memset((char *)states->tensors[s].data + (size_t)row * bytes, 0, bytes);
            }
        }
    }
}

void states_bind(const struct states *states, const int64_t *lane, int64_t rows, struct tape *tape,
                 rondo_value *initial) {
    for (int32_t s = 0; s < states->count; s++) {
        rondo_tensor copy = states->tensors[s];
        copy.shape[0] = rows;
        const rondo_status status = tensor_alloc(&copy, tape_arena(tape), tape_errors(tape));
        if (status != RONDO_OK) {
            initial[s] = tape_fail(tape, status);
            continue;
        }
        gather_rows(&copy, &states->tensors[s], lane, rows);
        initial[s] = tape_constant(tape, &copy);
    }
}

void states_bind_marked(const struct states *states, int64_t rows, struct tape *tape, rondo_value *initial) {
    for (int32_t s = 0; s < states->count; s++) {
        rondo_tensor first = states->tensors[s];
        first.shape[0] = rows;
        initial[s] = tape_constant(tape, &first);
        tape_mark(tape, initial[s]);
    }
}

void states_take(struct states *states, const int64_t *row, int64_t count, const struct tape *tape,
                 const rondo_value *final) {
    for (int32_t s = 0; s < states->count; s++) {
        gather_rows(&states->tensors[s], tape_tensor(tape, final[s]), row, count);
    }
}

void states_keep(struct states *states, const int64_t *lane, int64_t rows, const struct tape *tape,
                 const rondo_value *final) {
    for (int32_t s = 0; s < states->count && tape_status(tape) == RONDO_OK; s++) {
        scatter_rows(&states->tensors[s], tape_tensor(tape, final[s]), lane, rows);
    }
}
