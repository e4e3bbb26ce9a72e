#include "model/pool_layer.h"

#include "model/packed.h"

struct pool_layer {
    struct layer layer;
    enum pooling pooling;
};

static rondo_value record(const struct layer *base, struct tape *tape, const struct layer_call *call) {
    const struct pool_layer *layer = (const struct pool_layer *)base;
    const rondo_value value = call->inputs[0]; /* [total, width] */
    layer_enter(tape, call, "");
    switch (layer->pooling) {
    case POOL_FIRST:
        return packed_first(tape, call->time, value);
    case POOL_MEAN:
        return packed_reduce(tape, call->time, value, "mean");
    case POOL_MAX:
        return packed_reduce(tape, call->time, value, "max");
    case POOL_LAST:
        break;
    }
    return packed_last(tape, call->time, value, base->shape.width, base->shape.backward);
}

static int64_t flops(const struct layer *layer) {
    const enum pooling pooling = ((const struct pool_layer *)layer)->pooling;
    return pooling == POOL_MEAN || pooling == POOL_MAX ? layer->shape.width : 0;
}

static const struct layer_class pool_class = {"pool", NULL, record, flops};

struct layer *pool_layer_create(enum pooling pooling, const struct layer_shape *below, struct errors *errors) {
    struct pool_layer *layer = layer_new(&pool_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    layer->pooling = pooling;
    layer->layer.shape.input = layer->layer.shape.width = below->width;
    layer->layer.shape.backward = below->backward;
    return &layer->layer;
}
