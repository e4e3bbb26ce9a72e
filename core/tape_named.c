/* Ops applied by name, on top of tape_apply. */
#include <string.h>

#include "core/options.h"
#include "core/recorder.h"
#include "core/tape.h"

static const rondo_value failed_value = {-1};

/* The op with this name and its options with their defaults; NULL after the tape has failed. */
static const rondo_op *find_op(struct tape *tape, const char *op, const void **defaults) {
    const struct registry *registry = tape_registry(tape);
    if (tape_status(tape) != RONDO_OK) {
        return NULL;
    }
    const rondo_op *found = registry == NULL ? NULL : registry_op_defaults(registry, op, defaults);
    if (found == NULL) {
        tape_fail(tape, errors_add(tape_errors(tape), RONDO_NOT_FOUND, "there is no op '%s'", op));
    }
    return found;
}

/* A copy of the default options, to be changed; NULL after the tape has failed. */
static void *copy_defaults(struct tape *tape, const rondo_op *op, const void *defaults) {
    void *options = arena_alloc(tape_arena(tape), (size_t)op->base.options_size);
    if (options == NULL) {
        tape_fail(tape, errors_no_memory(tape_errors(tape)));
        return NULL;
    }
    return memcpy(options, defaults, (size_t)op->base.options_size);
}

rondo_value tape_apply_named(struct tape *tape, const char *op, const char *options, const rondo_value *inputs,
                             int32_t count) {
    const void *defaults;
    const struct location nowhere = {NULL, 0, 0};
    const rondo_op *found = find_op(tape, op, &defaults);
    if (found == NULL) {
        return failed_value;
    }
    void *parsed = defaults == NULL ? NULL : copy_defaults(tape, found, defaults);
    if (defaults != NULL && parsed == NULL) {
        return failed_value;
    }
    const rondo_status status = options_parse(found->base.options, parsed, options, found->base.name, tape_arena(tape),
                                              nowhere, tape_errors(tape));
    return status == RONDO_OK ? tape_apply(tape, found, parsed, inputs, count) : tape_fail(tape, status);
}

rondo_value tape_apply_with(struct tape *tape, const char *op, const struct option_value *values, int32_t n_values,
                            const rondo_value *inputs, int32_t count) {
    const void *defaults;
    const rondo_op *found = find_op(tape, op, &defaults);
    if (found == NULL) {
        return failed_value;
    }
    if (n_values == 0) {
        return tape_apply(tape, found, defaults, inputs, count);
    }
    void *options = copy_defaults(tape, found, defaults);
    if (options == NULL) {
        return failed_value;
    }
    const rondo_status status = options_store(found->base.options, options, values, n_values, tape_errors(tape));
    return status == RONDO_OK ? tape_apply(tape, found, options, inputs, count) : tape_fail(tape, status);
}

/* ---- the recorder of this tape (core/recorder.h) ---- */

static rondo_value recorder_apply(void *self, const char *op, const char *options, const rondo_value *inputs,
                                  int32_t count) {
    return tape_apply_named(self, op, options, inputs, count);
}

static rondo_value recorder_constant(void *self, const rondo_tensor *tensor) {
    return tape_copy(self, tensor);
}

static const rondo_tensor *recorder_tensor(void *self, rondo_value value) {
    return tape_tensor(self, value);
}

static int32_t recorder_count(void *self) {
    return tape_count(self);
}

static void recorder_fail(void *self, rondo_status status) {
    tape_fail(self, status);
}

static rondo_status recorder_status(void *self) {
    return tape_status(self);
}

struct recorder tape_recorder(struct tape *tape) {
    return (struct recorder){.self = tape,
                             .apply = recorder_apply,
                             .constant = recorder_constant,
                             .tensor = recorder_tensor,
                             .count = recorder_count,
                             .fail = recorder_fail,
                             .status = recorder_status};
}
