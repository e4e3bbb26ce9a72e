/* core/tape.h: the record of the ops applied in a forward pass, and reverse-mode differentiation of it.
 *
 *     rondo_value w = tape_parameter(tape, "w", &weights, &gradient);
 *     rondo_value y = tape_apply(tape, matmul, options, (rondo_value[]){x, w}, 2);
 *     tape_backward(tape, loss);            adds dL/dw into `gradient`
 *     tape_reset(tape);                     forgets everything, keeps the memory
 *
 * Values are immutable once written. One value may be an input of many ops, and several inputs of one op. A view is a
 * part of another tensor and shares its memory; the view's gradient shares the memory of that tensor's gradient.
 * Gradients are computed only along paths that lead to a parameter.
 *
 * Failure is sticky: a failed op gives a failed value (a negative id), every op that uses it fails without a further
 * message, and tape_status reports it. The reason is in the errors that the tape was created with.
 *
 * Threads: a tape belongs to one thread at a time; ops may use several inside.
 */
#ifndef RONDO_CORE_TAPE_H
#define RONDO_CORE_TAPE_H

#include "core/parallel.h"
#include "core/recorder.h"
#include "core/registry.h"
#include "core/rng.h"
#include "core/tensor.h"

struct tape;

/* All pointers are borrowed and must outlive the tape. */
struct tape_settings {
    const struct registry *registry; /* for tape_apply_named; NULL if no op is applied by name */
    const struct parallel *parallel; /* NULL: one thread */
    struct errors *errors;
};

/* An empty tape; NULL if memory is short. Free with tape_destroy. */
struct tape *tape_create(const struct tape_settings *settings);
void tape_destroy(struct tape *tape);
/* Forgets all values and the sticky status; keeps the memory. */
void tape_reset(struct tape *tape);
/* RONDO_OK, or the status of the first op that failed since the last reset. */
rondo_status tape_status(const struct tape *tape);

/* Puts the tape into the failed state and returns a failed value: for code that records on the tape and fails between
 * two ops. The caller has added the error. */
rondo_value tape_fail(struct tape *tape, rondo_status status);

/* Selects evaluation (0, the default after creation) or training (1). A reset does not change it. */
void tape_set_training(struct tape *tape, int training);
/* Starts a scope, such as "layers.0", that the following ops belong to. It is a label for messages (copied) and the
 * source of random words: the n-th random op of a scope draws from substream n of the stream named `scope` under the
 * key of `stream`. */
void tape_enter(struct tape *tape, const char *scope, struct rng_stream stream);

/* A value without a gradient. The data is borrowed until the tape is reset. */
rondo_value tape_constant(struct tape *tape, const rondo_tensor *tensor);
/* The same for a copy of the data: `tensor` need not last. */
rondo_value tape_copy(struct tape *tape, const rondo_tensor *tensor);
/* A value with a gradient: tape_backward ADDS to gradient->data, which has the same shape and dtype. Name, tensor and
 * gradient are borrowed until the tape is reset. gradient NULL: the tape allocates one (see tape_gradient). */
rondo_value tape_parameter(struct tape *tape, const char *name, const rondo_tensor *tensor,
                           const rondo_tensor *gradient);
/* A constant of zeros. */
rondo_value tape_zeros(struct tape *tape, rondo_tensor shape);
/* Computes an op at once and records it. `options` is a struct of the op's table, borrowed until the reset; NULL if the
 * op has no options. */
rondo_value tape_apply(struct tape *tape, const rondo_op *op, const void *options, const rondo_value *inputs,
                       int32_t count);
/* The same for an op that looks along sequences (RONDO_OP_SEQUENCES): rows[k], for each input, says where its sequences are;
 * NULL: it is the same for all of them. The structs and their arrays are borrowed until the reset; the list is copied. Without
 * the flag, rows are not read, so that a caller need not look at the op. tape_apply, and so a loss, gets RONDO_INVALID for such an
 * op. */
rondo_value tape_apply_rows(struct tape *tape, const rondo_op *op, const void *options, const rondo_value *inputs,
                            int32_t count, const rondo_rows *const *rows);
/* As tape_apply by name, with options as text: "axis=-1"; NULL for the defaults. */
rondo_value tape_apply_named(struct tape *tape, const char *op, const char *options, const rondo_value *inputs,
                             int32_t count);
/* The same by name, with values for some options and the defaults for the others: no text is parsed. */
struct option_value;
rondo_value tape_apply_with(struct tape *tape, const char *op, const struct option_value *values, int32_t n_values,
                            const rondo_value *inputs, int32_t count);

/* A computation with several inputs and outputs and its own backward pass, which the tape treats as one step. */
struct tape_function {
    const char *name; /* for messages */
    /* Computes the outputs again, in the same memory, from inputs whose data has changed: the same bits as a new recording
     * would give (tape_rerun). Only called if an input changes (tape_changes). NULL: such a tape cannot be run again. */
    rondo_status (*forward)(void *data, struct tape *tape);
    /* Adds to the gradients of the inputs. grad_inputs[k].data is NULL if input k needs no gradient;
     * grad_outputs[k].data is NULL if the gradient of output k is zero. `data` is that of tape_record. */
    rondo_status (*backward)(void *data, struct tape *tape, const rondo_tensor *grad_outputs,
                             const rondo_tensor *grad_inputs);
};

/* Records that `function` computed `outputs` from `inputs`; results[k] gets the value of output k. All memory is
 * borrowed until the reset. */
rondo_status tape_record(struct tape *tape, const struct tape_function *function, void *data, const rondo_value *inputs,
                         int32_t n_inputs, const rondo_tensor *outputs, int32_t n_outputs, rondo_value *results);

/* ---- running again ----
 *
 * A model that writes computes the same values for each symbol, from other inputs. They are recorded once, and run again:
 *
 *     const rondo_value x = tape_constant(tape, &buffer);
 *     tape_mark(tape, x);                         before the first use of x
 *     … record …
 *     for (;;) { … write to buffer.data …; tape_rerun(tape); … read the values … }
 *
 * Values have the same addresses in every run. Those that depend on nothing marked are not computed again. */

/* The caller will change the data of this constant, which no op or function has read yet. */
void tape_mark(struct tape *tape, rondo_value constant);
/* 1 if the value is marked, or depends on one that is. */
int tape_changes(const struct tape *tape, rondo_value value);
/* Computes all values that change again. For evaluation only; there are no gradients afterwards. Random ops draw other words in
 * each run. From the second run on nothing is allocated. After a failure the tape has failed. */
rondo_status tape_rerun(struct tape *tape);
/* The number of the current run: 0 while the tape is recorded. For functions that draw random words. */
uint64_t tape_run(const struct tape *tape);

/* 1 if the value depends on a parameter, so that tape_backward computes a gradient for it. */
int tape_needs_gradient(const struct tape *tape, rondo_value value);
int tape_is_training(const struct tape *tape);
const struct parallel *tape_parallel(const struct tape *tape);
/* The stream of random words of the current scope (tape_enter). tape_take_random reserves `count` of its substreams and
 * returns the number of the first. */
struct rng_stream tape_stream(const struct tape *tape);
int64_t tape_take_random(struct tape *tape, int64_t count);

/* Names a value for messages and printouts: the equation that it computes. Borrowed until the reset. */
void tape_name(struct tape *tape, rondo_value value, const char *name);

/* The tensor of a value; NULL for a failed one. Valid until the reset. */
const rondo_tensor *tape_tensor(const struct tape *tape, rondo_value value);

/* Adds d(sum of root) / d(parameter) to the gradient of every parameter that root depends on. May be called once after
 * each reset, with a root that is not a failed value. */
rondo_status tape_backward(struct tape *tape, rondo_value root);
/* After tape_backward: the gradient of a value; NULL if none was computed. Valid until the reset. */
const rondo_tensor *tape_gradient(const struct tape *tape, rondo_value value);

/* Describes, for the message about a loss that is not finite, the first value, in order of evaluation, with an element
 * that is not finite: an op, a parameter or an input. NULL if all are finite. The text is valid until the reset. */
const char *tape_first_not_finite(const struct tape *tape);
/* 1: tape_backward checks, after each op and function, the gradients that it has added to, and stops with RONDO_NOT_FINITE,
 * without an error, as soon as one is not finite: to find where that began, since it is slow. 0 after creation; a reset does
 * not change it. */
void tape_check_gradients(struct tape *tape, int checks);
/* After tape_backward has stopped in this way: describes the op or function. NULL if it has not. Valid until the reset. */
const char *tape_first_gradient_not_finite(const struct tape *tape);

/* One value, for printouts (core/print.h). Everything is borrowed until the reset. */
struct tape_description {
    const rondo_op *op; /* NULL: not the result of an op */
    const void *options;
    const int32_t *inputs; /* [n_inputs] ids of the inputs of the op or function */
    int32_t n_inputs;
    const rondo_rows *const *rows; /* [n_inputs] of an op that looks along sequences; else NULL */
    int32_t output;                /* number among the outputs of a function (tape_record); -1: not one */
    int is_parameter, is_view, needs_gradient;
    const rondo_tensor *tensor;
    const char *name, *scope; /* NULL: none */
};
/* Describes value `id`; 0 if there is none. */
int tape_describe(const struct tape *tape, int32_t id, struct tape_description *description);

/* The number of values since the reset: constants, parameters, results of ops and outputs of functions. */
int32_t tape_count(const struct tape *tape);
/* Memory that lives until the reset. */
struct arena *tape_arena(struct tape *tape);
/* The same for worker `index` >= 0 of a function that runs on several threads; NULL, which is a failed arena, if memory
 * is short. Called on the tape's thread. */
struct arena *tape_worker_arena(struct tape *tape, int32_t index);
/* Bytes of memory that values, gradients and workers have used since tape_create. */
size_t tape_resident(const struct tape *tape);
struct errors *tape_errors(struct tape *tape);
const struct registry *tape_registry(const struct tape *tape);
/* What a host needs to let a loss record on this tape. Valid as long as the tape. */
struct recorder tape_recorder(struct tape *tape);

#endif
