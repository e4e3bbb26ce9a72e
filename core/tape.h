/* core/tape.h: the record of the ops applied in a forward pass, and reverse-mode differentiation over it.
 *
 *     rondo_value w = tape_parameter(tape, "w", &weights, &gradient);
 *     rondo_value y = tape_apply(tape, matmul, options, (rondo_value[]){x, w}, 2);
 *     tape_backward(tape, loss);            adds dL/dw into `gradient`
 *     tape_reset(tape);                     forgets everything, keeps the memory
 *
 * Values are immutable once written. One value may feed many ops, and one op several times. Views share the memory of
 * what they are a part of, their gradients as well. Gradients are computed only along paths that lead to a parameter.
 *
 * Failure is sticky: a failed op gives a failed value, all that uses it fails quietly, and tape_status says so; the
 * first reason is in the errors that the tape was created with.
 *
 * Threads: a tape belongs to one thread at a time; ops may use several inside.
 */
#ifndef RONDO_CORE_TAPE_H
#define RONDO_CORE_TAPE_H

#include "core/parallel.h"
#include "core/registry.h"
#include "core/rng.h"
#include "core/tensor.h"

struct tape;

/* All borrowed; must outlive the tape. */
struct tape_settings {
    const struct registry *registry; /* for plug-ins that apply ops by name; may be NULL otherwise */
    const struct parallel *parallel; /* NULL: one thread */
    struct errors *errors;
};

/* An empty tape; NULL where memory is short. */
struct tape *tape_create(const struct tape_settings *settings);
void tape_destroy(struct tape *tape);
/* Forgets all values and the sticky status; keeps the memory. */
void tape_reset(struct tape *tape);
/* RONDO_OK, or the status of the first op that failed since the last reset. */
rondo_status tape_status(const struct tape *tape);

/* Makes the tape fail with `status`, for which an error was added already, and returns a failed value: for code that
 * records on the tape and fails between two ops. */
rondo_value tape_fail(struct tape *tape, rondo_status status);

/* Evaluation (0, the default after creation) or training (1); survives resets. */
void tape_set_training(struct tape *tape, int training);
/* From here on ops belong to `scope`, such as "layers.0": a label for messages (copied), and the origin of random
 * words. The n-th random op of a scope draws from substream n of the stream `scope` under the key given here. */
void tape_enter(struct tape *tape, const char *scope, struct rng_stream stream);

/* A value without a gradient. The data is borrowed until the tape is reset. */
rondo_value tape_constant(struct tape *tape, const rondo_tensor *tensor);
/* A value with a gradient: backward ADDS into gradient->data, which has the same shape and dtype. Both are borrowed
 * until the tape is reset. gradient may be NULL: then the tape keeps a gradient of its own (see tape_gradient). */
rondo_value tape_parameter(struct tape *tape, const char *name, const rondo_tensor *tensor,
                           const rondo_tensor *gradient);
/* A constant of zeros. */
rondo_value tape_zeros(struct tape *tape, rondo_tensor shape);
/* Applies an op now. `options` is borrowed until the reset. `count` inputs. */
rondo_value tape_apply(struct tape *tape, const rondo_op *op, const void *options, const rondo_value *inputs,
                       int32_t count);
/* The same by name, with options as text ("axis=-1", may be NULL). */
rondo_value tape_apply_named(struct tape *tape, const char *op, const char *options, const rondo_value *inputs,
                             int32_t count);

/* A computation that the tape holds as one: several inputs, several outputs, and a backward pass of its own. */
struct tape_function {
    const char *name; /* for messages */
    /* Adds to the gradients of the inputs: grad_inputs[k].data is NULL where input k needs none. grad_outputs[k].data
     * is NULL where output k has none (a gradient of zeros). `data` is what tape_record was given. */
    rondo_status (*backward)(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                             const rondo_tensor *grad_inputs);
};

/* Records that `outputs`, computed already, follow from `inputs` by `function`; results[k] gets the value of output k.
 * All memory is borrowed until the reset. */
rondo_status tape_record(struct tape *tape, const struct tape_function *function, void *data, const rondo_value *inputs,
                         int32_t n_inputs, const rondo_tensor *outputs, int32_t n_outputs, rondo_value *results);

/* 1 where backward will give this value a gradient. */
int tape_needs_gradient(const struct tape *tape, rondo_value value);
int tape_is_training(const struct tape *tape);
const struct parallel *tape_parallel(const struct tape *tape);
/* The origin of random words of the current scope (tape_enter), and the number of the next of `count` substreams that
 * are taken from it. */
struct rng_stream tape_stream(const struct tape *tape);
int32_t tape_take_random(struct tape *tape, int64_t count);

/* Names a value for messages: the equation that it computes. Borrowed until the reset. */
void tape_name(struct tape *tape, rondo_value value, const char *name);

/* The tensor of a value; NULL for a failed one. Valid until the reset. */
const rondo_tensor *tape_tensor(const struct tape *tape, rondo_value value);

/* Adds d(sum of root) / d(parameter) into the gradient of every parameter that root depends on. May be called once
 * after each reset, with a root that is not failed. */
rondo_status tape_backward(struct tape *tape, rondo_value root);
/* After tape_backward: the gradient of a value; NULL where none was computed. Valid until the reset. */
const rondo_tensor *tape_gradient(const struct tape *tape, rondo_value value);

/* For the message when a loss is not finite: the first op in order of evaluation with a value that is not; "the input"
 * where a constant or parameter is. NULL where all are finite. The text is valid until the reset. */
const char *tape_first_not_finite(const struct tape *tape);

/* How many ops and leaves were recorded since the reset. */
int32_t tape_count(const struct tape *tape);
/* For memory that lives until the reset. */
struct arena *tape_arena(struct tape *tape);
/* The same for worker `index` >= 0 of a function that runs on several threads; NULL where memory is short. Called on
 * the tape's own thread. */
struct arena *tape_worker_arena(struct tape *tape, int32_t index);
struct errors *tape_errors(struct tape *tape);
const struct registry *tape_registry(const struct tape *tape);

#endif
