#include "core/tape_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "core/elementwise.h"
#include "core/host.h"
#include "core/infer.h"
#include "core/memory.h"

static const rondo_value failed_value = {-1};

struct tape *tape_create(const struct tape_settings *settings) {
    struct tape *tape = memory_calloc(1, sizeof *tape);
    if (tape == NULL) {
        return NULL;
    }
    tape->settings = *settings;
    tape->gradient_origin = -1;
    tape->arena = arena_create();
    tape->scratch = arena_create();
    if (tape->arena == NULL || tape->scratch == NULL) {
        tape_destroy(tape);
        return NULL;
    }
    return tape;
}

void tape_destroy(struct tape *tape) {
    if (tape == NULL) {
        return;
    }
    arena_destroy(tape->arena);
    arena_destroy(tape->scratch);
    for (int32_t i = 0; i < tape->n_workers; i++) {
        arena_destroy(tape->workers[i]);
    }
    free(tape->workers);
    free(tape->nodes);
    free(tape);
}

void tape_reset(struct tape *tape) {
    arena_reset(tape->arena);
    for (int32_t i = 0; i < tape->n_workers; i++) {
        arena_reset(tape->workers[i]);
    }
    tape->count = 0;
    tape->run = 0;
    tape->status = RONDO_OK;
    tape->gradient_origin = -1;
    tape->random_ops = 0;
    tape->scope = NULL;
    tape->stream = (struct rng_stream){0};
}

rondo_status tape_status(const struct tape *tape) {
    return tape->status;
}

void tape_set_training(struct tape *tape, int training) {
    tape->training = training;
}

struct arena *tape_arena(struct tape *tape) {
    return tape->arena;
}

struct arena *tape_worker_arena(struct tape *tape, int32_t index) {
    while (tape->n_workers <= index) {
        struct arena **workers = memory_realloc(tape->workers, sizeof *workers * (size_t)(tape->n_workers + 1));
        if (workers == NULL) {
            return NULL;
        }
        tape->workers = workers;
        workers[tape->n_workers] = arena_create();
        if (workers[tape->n_workers] == NULL) {
            return NULL;
        }
        tape->n_workers++;
    }
    return tape->workers[index];
}

size_t tape_resident(const struct tape *tape) {
    size_t bytes = arena_resident(tape->arena) + arena_resident(tape->scratch);
    for (int32_t i = 0; i < tape->n_workers; i++) {
        bytes += arena_resident(tape->workers[i]);
    }
    return bytes + sizeof *tape->nodes * (size_t)tape->capacity;
}

struct errors *tape_errors(struct tape *tape) {
    return tape->settings.errors;
}

const struct registry *tape_registry(const struct tape *tape) {
    return tape->settings.registry;
}

int32_t tape_count(const struct tape *tape) {
    return tape->count;
}

rondo_value tape_fail(struct tape *tape, rondo_status status) {
    if (tape->status == RONDO_OK) {
        tape->status = status;
    }
    return failed_value;
}

static rondo_value no_memory(struct tape *tape) {
    return tape_fail(tape, errors_no_memory(tape->settings.errors));
}

void tape_enter(struct tape *tape, const char *scope, struct rng_stream stream) {
    tape->scope = arena_strdup(tape->arena, scope); /* NULL: the next op fails, in the same arena */
    tape->stream = rng_stream(stream.key, scope);
    tape->random_ops = 0;
}

/* Appends a node; NULL after a failure. */
static struct tape_node *add_node(struct tape *tape) {
    if (tape->status != RONDO_OK) {
        return NULL;
    }
    if (tape->count == tape->capacity) {
        const int32_t capacity = tape->capacity == 0 ? 256 : tape->capacity * 2;
        struct tape_node **nodes =
            tape->capacity > INT32_MAX / 2 ? NULL : memory_realloc(tape->nodes, sizeof *nodes * (size_t)capacity);
        if (nodes == NULL) {
            no_memory(tape);
            return NULL;
        }
        tape->nodes = nodes;
        tape->capacity = capacity;
    }
    struct tape_node *node = arena_alloc(tape->arena, sizeof *node);
    if (node == NULL) {
        no_memory(tape);
        return NULL;
    }
    *node = (struct tape_node){.base = -1, .scope = tape->scope, .training = tape->training};
    tape->nodes[tape->count++] = node;
    return node;
}

static rondo_value last_value(const struct tape *tape) {
    return (rondo_value){tape->count - 1};
}

rondo_value tape_constant(struct tape *tape, const rondo_tensor *tensor) {
    struct tape_node *node = add_node(tape);
    if (node == NULL) {
        return failed_value;
    }
    node->value = *tensor;
    return last_value(tape);
}

rondo_value tape_copy(struct tape *tape, const rondo_tensor *tensor) {
    if (tape->status != RONDO_OK) {
        return failed_value;
    }
    const size_t bytes = tensor_bytes(tensor);
    rondo_tensor copy = *tensor;
    copy.data = arena_alloc(tape->arena, bytes);
    if (copy.data == NULL) {
        return no_memory(tape);
    }
    if (bytes > 0) {
        memcpy(copy.data, tensor->data, bytes);
    }
    return tape_constant(tape, &copy);
}

rondo_value tape_parameter(struct tape *tape, const char *name, const rondo_tensor *tensor,
                           const rondo_tensor *gradient) {
    struct tape_node *node = add_node(tape);
    if (node == NULL) {
        return failed_value;
    }
    node->value = *tensor;
    node->name = name;
    node->needs_gradient = 1;
    if (gradient != NULL) {
        node->gradient = *gradient;
    }
    return last_value(tape);
}

rondo_value tape_zeros(struct tape *tape, rondo_tensor shape) {
    if (tape->status != RONDO_OK) {
        return failed_value;
    }
    const rondo_status status = tensor_alloc(&shape, tape->arena, tape->settings.errors);
    return status == RONDO_OK ? tape_constant(tape, &shape) : tape_fail(tape, status);
}

void tape_name(struct tape *tape, rondo_value value, const char *name) {
    struct tape_node *node = tape_node_at(tape, value);
    if (node != NULL) {
        node->name = name;
    }
}

const rondo_tensor *tape_tensor(const struct tape *tape, rondo_value value) {
    const struct tape_node *node = tape_node_at(tape, value);
    return node == NULL ? NULL : &node->value;
}

const rondo_tensor *tape_gradient(const struct tape *tape, rondo_value value) {
    const struct tape_node *node = tape_node_at(tape, value);
    return node == NULL || node->gradient.data == NULL ? NULL : &node->gradient;
}

struct host_call tape_call_host(struct tape *tape, const struct tape_node *node) {
    arena_reset(tape->scratch);
    struct host_call host =
        host_call(tape->scratch, tape->settings.errors, tape->settings.parallel, node->op->base.name);
    host.stream = node->stream;
    host.registry = tape->settings.registry;
    if (node->scope != NULL) {
        host.where.file = node->scope;
    }
    return host;
}

rondo_op_call tape_call_make(const struct tape *tape, const struct tape_node *node, rondo_tensor *inputs) {
    for (int32_t k = 0; k < node->n_inputs; k++) {
        inputs[k] = tape->nodes[node->inputs[k]]->value;
    }
    return (rondo_op_call){.struct_size = sizeof(rondo_op_call),
                           .n_inputs = node->n_inputs,
                           .options = node->options,
                           .inputs = inputs,
                           .rows = node->rows,
                           .output = node->value,
                           .training = node->training,
                           .saved = node->saved,
                           .saved_bytes = node->saved_bytes,
                           .scratch_bytes = node->scratch_bytes};
}

rondo_status tape_call_compute(struct tape *tape, const struct tape_node *node, struct host_call *host,
                               rondo_op_call *call) {
    call->scratch = call->scratch_bytes == 0 ? NULL : arena_alloc(tape->scratch, call->scratch_bytes);
    if (arena_failed(tape->scratch)) {
        return errors_no_memory(tape->settings.errors);
    }
    if (node->op->map != NULL) {
        elementwise_forward(node->op, call, tape->settings.parallel);
        return RONDO_OK;
    }
    return host_result(host, node->op->forward(&host->base, call));
}

/* Infers the shape, allocates and computes. */
static rondo_status evaluate(struct tape *tape, struct tape_node *node) {
    struct errors *errors = tape->settings.errors;
    struct host_call host = tape_call_host(tape, node);
    rondo_tensor *inputs = arena_alloc(tape->scratch, sizeof *inputs * (size_t)node->n_inputs);
    if (inputs == NULL) {
        return errors_no_memory(errors);
    }
    rondo_op_call call = tape_call_make(tape, node, inputs);
    call.rows = NULL; /* shapes do not depend on them */
    RONDO_TRY(infer_output(node->op, &call, &host));
    call.rows = node->rows;
    node->value = call.output;
    if (call.is_view) {
        node->base = node->inputs[0];
        node->view_offset = call.view_offset;
        node->value.data = (char *)inputs[0].data + (size_t)call.view_offset * dtype_size(call.output.dtype);
        return RONDO_OK;
    }
    node->value.data = arena_alloc(tape->arena, tensor_bytes(&node->value));
    node->saved = call.saved_bytes == 0 ? NULL : arena_alloc(tape->arena, call.saved_bytes);
    if (arena_failed(tape->arena)) {
        return errors_no_memory(errors);
    }
    node->saved_bytes = call.saved_bytes;
    node->scratch_bytes = call.scratch_bytes;
    call.output = node->value;
    call.saved = node->saved;
    return tape_call_compute(tape, node, &host, &call);
}

/* The sequences of an op that looks along them: a copy of the list, after checks. An op without the flag gets NULL. */
static rondo_status take_rows(struct tape *tape, const rondo_op *op, int32_t count, const rondo_rows *const *rows,
                              const rondo_rows *const **taken) {
    struct errors *errors = tape->settings.errors;
    *taken = NULL;
    if ((op->flags & RONDO_OP_SEQUENCES) == 0) {
        return RONDO_OK;
    }
    if (rows == NULL) {
        return errors_add(errors, RONDO_INVALID,
                          "op '%s' looks along sequences, which only cells and blocks can apply it to", op->base.name);
    }
    RONDO_CHECK(count > 0 && rows[0] != NULL, errors, "the first input of an op that looks along sequences has them");
    for (int32_t k = 1; k < count; k++) {
        RONDO_CHECK(rows[k] == NULL || rows[k]->count == rows[0]->count, errors,
                    "all inputs have as many sequences as the first");
    }
    const rondo_rows **copy = arena_alloc(tape->arena, sizeof *copy * (size_t)count);
    if (copy == NULL) {
        return errors_no_memory(errors);
    }
    memcpy(copy, rows, sizeof *copy * (size_t)count);
    *taken = copy;
    return RONDO_OK;
}

rondo_value tape_apply(struct tape *tape, const rondo_op *op, const void *options, const rondo_value *inputs,
                       int32_t count) {
    return tape_apply_rows(tape, op, options, inputs, count, NULL);
}

rondo_value tape_apply_rows(struct tape *tape, const rondo_op *op, const void *options, const rondo_value *inputs,
                            int32_t count, const rondo_rows *const *rows) {
    if (tape->status != RONDO_OK) {
        return failed_value;
    }
    struct errors *errors = tape->settings.errors;
    const rondo_rows *const *taken;
    rondo_status fits = infer_check_count(op, count, (struct location){0}, errors);
    fits = fits == RONDO_OK ? take_rows(tape, op, count, rows, &taken) : fits;
    if (fits != RONDO_OK) {
        return tape_fail(tape, fits);
    }
    int32_t *ids = arena_alloc(tape->arena, sizeof *ids * (size_t)count);
    struct tape_node *node = add_node(tape); /* NULL if `ids` is */
    if (node == NULL) {
        return failed_value;
    }
    const int32_t self = tape->count - 1;
    node->op = op;
    node->options = options;
    node->inputs = ids;
    node->n_inputs = count;
    node->rows = taken;
    for (int32_t k = 0; k < count; k++) {
        if (inputs[k].id < 0 || inputs[k].id >= self) {
            tape->count = self;
            return tape_fail(tape, errors_bug(errors, __FILE__, __LINE__, "inputs are values of this tape"));
        }
        ids[k] = inputs[k].id;
        node->needs_gradient |= tape->nodes[ids[k]]->needs_gradient;
        node->changes |= tape->nodes[ids[k]]->changes;
    }
    if (op->flags & RONDO_OP_NO_GRADIENT) {
        node->needs_gradient = 0;
    }
    if (op->flags & RONDO_OP_RANDOM) {
        node->stream = rng_substream(tape->stream, (uint64_t)tape->random_ops++);
    }
    const rondo_status status = evaluate(tape, node);
    if (status != RONDO_OK) {
        tape->count = self;
        return tape_fail(tape, status);
    }
    return last_value(tape);
}

rondo_status tape_record(struct tape *tape, const struct tape_function *function, void *data, const rondo_value *inputs,
                         int32_t n_inputs, const rondo_tensor *outputs, int32_t n_outputs, rondo_value *results) {
    RONDO_TRY(tape->status);
    int32_t *ids = arena_alloc(tape->arena, sizeof *ids * (size_t)n_inputs);
    if (ids == NULL) {
        no_memory(tape);
        return tape->status;
    }
    int needs_gradient = 0, changes = 0;
    for (int32_t k = 0; k < n_inputs; k++) {
        ids[k] = inputs[k].id;
        needs_gradient |= tape_needs_gradient(tape, inputs[k]);
        changes |= tape_node_at(tape, inputs[k]) != NULL && tape_node_at(tape, inputs[k])->changes;
    }
    for (int32_t k = 0; k < n_outputs; k++) {
        struct tape_node *node = add_node(tape);
        if (node == NULL) {
            return tape->status;
        }
        node->is_output = 1;
        node->needs_gradient = needs_gradient;
        node->changes = changes;
        node->value = outputs[k];
        node->name = function->name;
        if (k == 0) {
            node->function = function;
            node->data = data;
            node->inputs = ids;
            node->n_inputs = n_inputs;
            node->n_outputs = n_outputs;
        }
        results[k] = last_value(tape);
    }
    return RONDO_OK;
}

int tape_describe(const struct tape *tape, int32_t id, struct tape_description *description) {
    const struct tape_node *node = tape_node_at(tape, (rondo_value){id});
    if (node == NULL) {
        return 0;
    }
    int32_t first = id; /* output of the same function: the one that holds its inputs */
    while (tape->nodes[first]->is_output && tape->nodes[first]->function == NULL) {
        first--;
    }
    *description = (struct tape_description){
        .op = node->op,
        .options = node->options,
        .inputs = tape->nodes[first]->inputs,
        .n_inputs = tape->nodes[first]->n_inputs,
        .rows = node->rows,
        .output = node->is_output ? id - first : -1,
        .is_parameter = node->op == NULL && !node->is_output && node->needs_gradient,
        .is_view = node->base >= 0,
        .needs_gradient = node->needs_gradient,
        .tensor = &node->value,
        .name = node->name,
        .scope = node->scope,
    };
    return 1;
}

int tape_needs_gradient(const struct tape *tape, rondo_value value) {
    const struct tape_node *node = tape_node_at(tape, value);
    return node != NULL && node->needs_gradient;
}

int tape_is_training(const struct tape *tape) {
    return tape->training;
}

const struct parallel *tape_parallel(const struct tape *tape) {
    return tape->settings.parallel;
}

struct rng_stream tape_stream(const struct tape *tape) {
    return tape->stream;
}

int64_t tape_take_random(struct tape *tape, int64_t count) {
    const int64_t first = tape->random_ops;
    tape->random_ops += count;
    return first;
}
