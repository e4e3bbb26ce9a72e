/* core/recorder.h: where a loss records its computation.
 *
 * A loss computes by applying ops to values (rondo_host.apply, constant and tensor). The host forwards these calls to a
 * recorder, so that it need not know what a value is: core/tape.h provides the recorder of a tape.
 *
 * Threads: a recorder belongs to one thread at a time.
 */
#ifndef RONDO_CORE_RECORDER_H
#define RONDO_CORE_RECORDER_H

#include "rondo/plugin.h"

/* `self` is the first argument of every function. Failure is sticky: after the first one, status reports it, and apply
 * and constant return a failed value (a negative id) without a further error. */
struct recorder {
    void *self;
    /* Applies an op by name, with options as text ("axis=-1"; NULL: the defaults), to `count` values. The caller has
     * checked that tensor(inputs[k]) is not NULL. */
    rondo_value (*apply)(void *self, const char *op, const char *options, const rondo_value *inputs, int32_t count);
    /* Records a copy of `tensor` as a constant. */
    rondo_value (*constant)(void *self, const rondo_tensor *tensor);
    /* The tensor of a value, valid until the recorder is reset; NULL for an id that it did not give. */
    const rondo_tensor *(*tensor)(void *self, rondo_value value);
    /* The number of values recorded so far; their ids are 0 to count - 1. */
    int32_t (*count)(void *self);
    /* Enters the failed state; the caller has added the error. */
    void (*fail)(void *self, rondo_status status);
    /* RONDO_OK, or the status of the first failure. */
    rondo_status (*status)(void *self);
};

#endif
