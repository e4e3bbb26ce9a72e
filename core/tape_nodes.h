/* core/tape_nodes.h: what a tape consists of. Private to core/tape*.c.
 *
 *     tape.c           records values and computes them
 *     tape_rerun.c     computes them again
 *     tape_backward.c  differentiates the record, and finds values that are not finite
 */
#ifndef RONDO_CORE_TAPE_NODES_H
#define RONDO_CORE_TAPE_NODES_H

#include "core/host.h"
#include "core/tape.h"

/* One value: a leaf (op NULL), the result of an op, or an output of a function. */
struct tape_node {
    const rondo_op *op;
    const struct tape_function *function; /* on the first of its outputs; the others follow it */
    void *data;                           /* of the function */
    int32_t n_outputs;
    int is_output; /* of a function */
    const void *options;
    const int32_t *inputs;
    int32_t n_inputs;
    int32_t base; /* of a view: the node whose memory it shares; -1: not a view */
    int64_t view_offset;
    rondo_tensor value;
    rondo_tensor gradient;         /* data NULL until something is added to it */
    const rondo_rows *const *rows; /* [n_inputs] of an op that looks along sequences; else NULL */
    void *saved;
    size_t saved_bytes, scratch_bytes;
    int needs_gradient;
    int changes; /* it is marked, or depends on a value that is (tape_mark) */
    int training;
    struct rng_stream stream;
    const char *name, *scope;
};

struct tape {
    struct tape_settings settings;
    struct arena *arena;    /* until the reset */
    struct arena *scratch;  /* until the next call of an op */
    struct arena **workers; /* [n_workers] */
    int32_t n_workers;
    struct tape_node **nodes; /* [count]; each is in the arena, so pointers to its tensors are valid until the reset */
    int32_t count, capacity;
    rondo_status status;
    int training;
    uint64_t run; /* runs after the recording (tape_rerun) */
    int checks_gradients;
    int32_t
        gradient_origin; /* the node whose backward pass gave the first gradient that is not finite; -1: not known */
    int64_t random_ops;  /* in the current scope */
    const char *scope;
    struct rng_stream stream;
};

static inline struct tape_node *tape_node_at(const struct tape *tape, rondo_value value) {
    return value.id >= 0 && value.id < tape->count ? tape->nodes[value.id] : NULL;
}

/* The host's side of a call of this node's op. Frees the scratch memory of the call before. */
struct host_call tape_call_host(struct tape *tape, const struct tape_node *node);
/* The call of a node's op. `inputs` has room for [n_inputs] tensors, which the ABI passes as one array. */
rondo_op_call tape_call_make(const struct tape *tape, const struct tape_node *node, rondo_tensor *inputs);
/* Computes the output of the call of a node's op, whose memory is there, but for call->scratch. */
rondo_status tape_call_compute(struct tape *tape, const struct tape_node *node, struct host_call *host,
                               rondo_op_call *call);

#endif
