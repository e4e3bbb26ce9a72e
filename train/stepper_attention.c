/* What a pass on the engine `tape` has attended to. Each op that looks along the source is applied again, to one-hot rows in place of the
 * values that it averages: no op needs a second result. */
#include <string.h>

#include "train/stepper_parts.h"

/* The option `heads` of an op; 1 if it has none. */
static int64_t heads_of(const rondo_op *op, const void *options) {
    for (const rondo_option *option = op->base.options; options != NULL && option != NULL && option->key != NULL;
         option++) {
        if (strcmp(option->key, "heads") == 0 && option->type == RONDO_INT) {
            return *(const int64_t *)((const char *)options + option->offset);
        }
    }
    return 1;
}

enum { VALUES = 2 };

/* 1 if the op averages values over the source. */
static int attends(const struct stepper *stepper, const struct tape_description *node) {
    const rondo_tensor *memory = tape_tensor(stepper->encoder, stepper->encoded.values);
    return node->op != NULL && (node->op->flags & RONDO_OP_SEQUENCES) != 0 && node->n_inputs > VALUES &&
           node->rows != NULL && node->rows[VALUES] != NULL && node->rows[VALUES] != node->rows[0] &&
           tape_tensor(stepper->reader, (rondo_value){node->inputs[VALUES]})->shape[0] == memory->shape[0];
}

/* Adds the weights of one application, whose first query is that of step `step`; returns its number of queries, or -1. */
static int64_t add_weights(struct stepper *stepper, const struct tape_description *node, int64_t step, int64_t steps,
                           int64_t source_steps, float *weights) {
    struct tape *tape = stepper->reader;
    const int64_t n_heads = heads_of(node->op, node->options);
    rondo_tensor unit = tensor_2d(stepper->plan->dtype, source_steps, n_heads * source_steps, NULL);
    rondo_value *inputs = arena_alloc(tape_arena(tape), sizeof *inputs * (size_t)node->n_inputs);
    if (inputs == NULL || tensor_alloc(&unit, tape_arena(tape), &stepper->errors) != RONDO_OK) {
        errors_no_memory(&stepper->errors);
        return -1;
    }
    memset(unit.data, 0, tensor_bytes(&unit));
    for (int64_t s = 0; s < source_steps; s++) {
        for (int64_t h = 0; h < n_heads; h++) {
            tensor_set(&unit, s * n_heads * source_steps + h * source_steps + s, 1);
        }
    }
    for (int32_t k = 0; k < node->n_inputs; k++) {
        inputs[k] = (rondo_value){node->inputs[k]};
    }
    inputs[VALUES] = tape_constant(tape, &unit);
    const rondo_value value = tape_apply_rows(tape, node->op, node->options, inputs, node->n_inputs, node->rows);
    const rondo_tensor *result = tape_tensor(tape, value); /* [queries, heads * source steps] */
    for (int64_t q = 0; result != NULL && q < result->shape[0]; q++) {
        for (int64_t i = 0; i < n_heads * source_steps; i++) {
            weights[(step + q) % steps * source_steps + i % source_steps] +=
                (float)(tensor_get(result, q * n_heads * source_steps + i) / (double)n_heads);
        }
    }
    return result == NULL ? -1 : result->shape[0];
}

rondo_status stepper_attention(struct stepper *stepper, int64_t source_steps, float *weights, int64_t *found,
                               struct errors *errors) {
    const int32_t count = tape_count(stepper->reader);
    const int64_t steps = stepper->row[0].read;
    int64_t queries = 0;
    memset(weights, 0, sizeof *weights * (size_t)(steps * source_steps));
    for (int32_t id = 0; id < count && stepper->has_source; id++) {
        struct tape_description node;
        if (tape_describe(stepper->reader, id, &node) && attends(stepper, &node)) {
            const int64_t added = add_weights(stepper, &node, queries, steps, source_steps, weights);
            if (added < 0) {
                return stepper_errors(stepper, stepper->errors.status, errors);
            }
            queries += added;
        }
    }
    *found = queries / steps;
    for (int64_t i = 0; i<steps * source_steps && * found> 1; i++) {
        weights[i] /= (float)*found;
    }
    return RONDO_OK;
}
