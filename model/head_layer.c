#include "model/head_layer.h"

#include "model/apply.h"
#include "model/linear.h"

struct head_layer {
    struct layer layer;
    int is_tied;
    struct layer_parameter parameters[2];
};

/* The rows of the table that are outputs: [output size, width]. */
static rondo_value tied_rows(const struct layer *layer, struct tape *tape, const struct layer_call *call) {
    return apply_slice(tape, call->inputs[1], 0, 0, layer->shape.width);
}

struct head_output head_output(const struct layer *base, struct tape *tape, const struct layer_call *call,
                               const struct head_chosen *chosen) {
    const struct head_layer *layer = (const struct head_layer *)base;
    const rondo_value bias = call->parameters[layer->is_tied ? 0 : 1];
    if (chosen == NULL) {
        const rondo_value weight =
            layer->is_tied ? apply_transpose(tape, tied_rows(base, tape, call)) : call->parameters[0];
        return (struct head_output){weight, bias};
    }
    const rondo_value weight =
        layer->is_tied ? apply_gather(tape, call->inputs[1], chosen->rows)
                       : apply_transpose(tape, apply_gather_columns(tape, call->parameters[0], chosen->outputs));
    return (struct head_output){weight, apply_gather(tape, bias, chosen->outputs)};
}

static rondo_value record(const struct layer *base, struct tape *tape, const struct layer_call *call) {
    const struct head_layer *layer = (const struct head_layer *)base;
    const rondo_value hidden = call->inputs[0];
    layer_enter(tape, call, "");
    return layer->is_tied ? linear_record(tape, hidden, tied_rows(base, tape, call), 1, call->parameters[0])
                          : linear_record(tape, hidden, call->parameters[0], 0, call->parameters[1]);
}

static int64_t flops(const struct layer *layer) {
    return (2 * layer->shape.input + 1) * layer->shape.width;
}

static const struct layer_class head_class = {"head", NULL, record, flops};

struct layer *head_layer_create(int64_t width, int64_t output_size, int is_tied, int32_t dtype, struct errors *errors) {
    struct head_layer *layer = layer_new(&head_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    struct layer_shape *shape = &layer->layer.shape;
    shape->input = width;
    shape->width = output_size;
    shape->is_causal = 1;
    layer->is_tied = is_tied;
    if (!is_tied) {
        layer->parameters[shape->n_parameters++] =
            (struct layer_parameter){.name = "W",
                                     .shape = tensor_2d(dtype, width, output_size, NULL),
                                     .initialiser = {.kind = INITIALISE_GLOROT}};
    }
    layer->parameters[shape->n_parameters++] = (struct layer_parameter){
        .name = "b", .shape = tensor_1d(dtype, output_size, NULL), .initialiser = {.kind = INITIALISE_CONSTANT}};
    shape->parameters = layer->parameters;
    return &layer->layer;
}
