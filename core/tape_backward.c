/* Reverse-mode differentiation of what a tape has recorded, and the search for values that are not finite. */
#include "core/elementwise.h"
#include "core/kernel.h"
#include "core/tape_nodes.h"

/* Allocates the gradient of a node, of zeros, unless it is there. That of a view is a part of its base's. */
static rondo_status need_gradient(struct tape *tape, int32_t id) {
    struct tape_node *node = tape->nodes[id];
    if (node->gradient.data != NULL) {
        return RONDO_OK;
    }
    node->gradient = node->value;
    if (node->base < 0) {
        node->gradient.data = NULL;
        return tensor_alloc(&node->gradient, tape->arena, tape->settings.errors);
    }
    RONDO_TRY(need_gradient(tape, node->base));
    node->gradient.data =
        (char *)tape->nodes[node->base]->gradient.data + (size_t)node->view_offset * dtype_size(node->value.dtype);
    return RONDO_OK;
}

static rondo_status backward_node(struct tape *tape, struct tape_node *node) {
    struct errors *errors = tape->settings.errors;
    struct host_call host = tape_call_host(tape, node);
    const size_t bytes = sizeof(rondo_tensor) * (size_t)node->n_inputs;
    rondo_tensor *inputs = arena_alloc(tape->scratch, bytes);
    rondo_tensor *gradients = arena_alloc(tape->scratch, bytes);
    if (arena_failed(tape->scratch)) {
        return errors_no_memory(errors);
    }
    rondo_op_call call = tape_call_make(tape, node, inputs);
    for (int32_t k = 0; k < node->n_inputs; k++) {
        gradients[k] = inputs[k];
        gradients[k].data = NULL;
        if (tape->nodes[node->inputs[k]]->needs_gradient) {
            RONDO_TRY(need_gradient(tape, node->inputs[k]));
            gradients[k].data = tape->nodes[node->inputs[k]]->gradient.data;
        }
    }
    call.grad_output = &node->gradient;
    call.grad_inputs = gradients;
    if (node->op->map != NULL) {
        elementwise_backward(node->op, &call, tape->settings.parallel);
        return RONDO_OK;
    }
    if (call.scratch_bytes != 0) {
        call.scratch = arena_alloc(tape->scratch, call.scratch_bytes);
        if (call.scratch == NULL) {
            return errors_no_memory(errors);
        }
    }
    return host_result(&host, node->op->backward(&host.base, &call));
}

/* Called for the first output of a function, which has the lowest number: by then the gradients of all its outputs are
 * complete. */
static rondo_status backward_function(struct tape *tape, int32_t id) {
    const struct tape_node *node = tape->nodes[id];
    rondo_tensor *outputs = arena_calloc(tape->arena, (size_t)node->n_outputs + 1, sizeof *outputs);
    rondo_tensor *inputs = arena_calloc(tape->arena, (size_t)node->n_inputs + 1, sizeof *inputs);
    if (arena_failed(tape->arena)) {
        return errors_no_memory(tape->settings.errors);
    }
    int any = 0;
    for (int32_t k = 0; k < node->n_outputs; k++) {
        outputs[k] = tape->nodes[id + k]->gradient;
        any |= outputs[k].data != NULL;
    }
    for (int32_t k = 0; k < node->n_inputs && any; k++) {
        inputs[k] = tape->nodes[node->inputs[k]]->value;
        inputs[k].data = NULL;
        if (tape->nodes[node->inputs[k]]->needs_gradient) {
            RONDO_TRY(need_gradient(tape, node->inputs[k]));
            inputs[k].data = tape->nodes[node->inputs[k]]->gradient.data;
        }
    }
    return any ? node->function->backward(node->data, tape, outputs, inputs) : RONDO_OK;
}

/* The check of tape_check_gradients, after the backward pass of a node. */
static rondo_status check_gradients(struct tape *tape, int32_t id) {
    const struct tape_node *node = tape->nodes[id];
    for (int32_t k = 0; k < node->n_inputs; k++) {
        const rondo_tensor *gradient = &tape->nodes[node->inputs[k]]->gradient;
        if (gradient->data != NULL && !tensor_is_finite(gradient)) {
            tape->gradient_origin = id;
            return RONDO_NOT_FINITE;
        }
    }
    return RONDO_OK;
}

#define ADD_ONE_OF(T, suffix)                                                                                          \
    static void add_one_##suffix(int64_t count, T *values) {                                                           \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            values[i] += 1;                                                                                            \
        }                                                                                                              \
    }
ADD_ONE_OF(float, f32)
ADD_ONE_OF(double, f64)

rondo_status tape_backward(struct tape *tape, rondo_value root) {
    RONDO_TRY(tape->status);
    struct tape_node *seed = tape_node_at(tape, root);
    RONDO_CHECK(seed != NULL, tape->settings.errors, "the root is a value of this tape");
    if (!seed->needs_gradient) {
        return RONDO_OK;
    }
    RONDO_TRY(need_gradient(tape, root.id));
    const rondo_tensor *gradient = &seed->gradient;
    KERNEL_BY_DTYPE(gradient->dtype, add_one, rondo_count(gradient), gradient->data);
    for (int32_t id = root.id; id >= 0; id--) {
        struct tape_node *node = tape->nodes[id];
        const int is_function = node->function != NULL && node->needs_gradient;
        if (!is_function && (node->op == NULL || node->base >= 0 || node->gradient.data == NULL)) {
            continue; /* a leaf, a view (its gradient is in its base's), or a value that the root does not depend on */
        }
        rondo_status status = is_function ? backward_function(tape, id) : backward_node(tape, node);
        status = status == RONDO_OK && tape->checks_gradients ? check_gradients(tape, id) : status;
        if (status != RONDO_OK) {
            tape_fail(tape, status);
            return status;
        }
    }
    return RONDO_OK;
}

/* "op 'exp' of 'g' in layers.0", "the parameter 'w'". */
static const char *describe_node(const struct tape *tape, const struct tape_node *node) {
    const char *scope = node->scope == NULL ? "" : node->scope;
    const char *in = scope[0] == '\0' ? "" : " in ";
    const char *text;
    if (node->is_output) {
        text = arena_printf(tape->arena, "the %s%s%s", node->name, in, scope);
    } else if (node->op == NULL && node->name != NULL) {
        text = arena_printf(tape->arena, "the %s '%s'", node->needs_gradient ? "parameter" : "input", node->name);
    } else if (node->op == NULL) {
        text = arena_printf(tape->arena, "an input%s%s", in, scope);
    } else {
        const char *file = registry_plugin_origin(tape->settings.registry, node->op->base.name);
        const int is_named = node->name != NULL;
        text = arena_printf(tape->arena, "op '%s'%s%s%s%s%s%s%s%s", node->op->base.name, file == NULL ? "" : " (",
                            file == NULL ? "" : file, file == NULL ? "" : ")", is_named ? " of '" : "",
                            is_named ? node->name : "", is_named ? "'" : "", in, scope);
    }
    return text == NULL ? node->op == NULL ? "an input" : node->op->base.name : text;
}

const char *tape_first_not_finite(const struct tape *tape) {
    for (int32_t id = 0; id < tape->count; id++) {
        if (!tensor_is_finite(&tape->nodes[id]->value)) {
            return describe_node(tape, tape->nodes[id]);
        }
    }
    return NULL;
}

void tape_check_gradients(struct tape *tape, int checks) {
    tape->checks_gradients = checks;
}

const char *tape_first_gradient_not_finite(const struct tape *tape) {
    return tape->gradient_origin < 0 ? NULL : describe_node(tape, tape->nodes[tape->gradient_origin]);
}
