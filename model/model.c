#define _POSIX_C_SOURCE 200809L
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

#include "model/apply.h"
#include "model/packed.h"

struct model_layer {
    struct layer *layer;
    int32_t first_parameter;
    const char *scope; /* "layers.0" */
};

struct model {
    struct arena *arena;
    struct model_settings settings; /* layers is NULL */
    struct model_layer *layers;
    struct model_parameter *parameters;
    int32_t n_parameters;
};

static void add_parameter(struct model *model, const char *name, rondo_tensor shape, struct initialiser initialiser) {
    model->parameters[model->n_parameters++] = (struct model_parameter){name, shape, initialiser};
}

/* Tokens need an embedding, and numbers cannot use one. The layers were checked for the input width that this gives, so
 * the other kind of data is refused rather than built with another width. */
static rondo_status check_inputs(const struct model_settings *settings, struct errors *errors) {
    if (settings->vocabulary == 0 && settings->embedding_size > 0) {
        return errors_add(errors, RONDO_INVALID,
                          "the inputs are numbers, %lld at each step, and the model has an embedding of width %lld, "
                          "which is for words",
                          (long long)settings->input_size, (long long)settings->embedding_size);
    }
    if ((settings->vocabulary > 0 ? settings->embedding_size : settings->input_size) < 1) {
        return errors_add(errors, RONDO_INVALID, "the inputs of the first layer have no width");
    }
    return RONDO_OK;
}

static rondo_status add_layers(struct model *model, const struct model_settings *settings, struct registry *registry,
                               struct errors *errors) {
    const int tokens = settings->vocabulary > 0;
    int64_t width = tokens ? settings->embedding_size : settings->input_size;
    for (int32_t i = 0; i < settings->n_layers; i++) {
        struct model_layer *layer = &model->layers[i];
        layer->layer = layer_create(&settings->layers[i], settings->dtype, width, registry, errors);
        layer->scope = arena_printf(model->arena, "layers.%d", i);
        if (layer->layer == NULL) {
            return errors->status;
        }
        width = layer_output_width(layer->layer);
    }
    return RONDO_OK;
}

/* Parameters in the order of the forward pass: embedding, layers, head. */
static rondo_status add_parameters(struct model *model, struct errors *errors) {
    const struct model_settings *settings = &model->settings;
    int32_t count = 3;
    for (int32_t i = 0; i < settings->n_layers; i++) {
        count += layer_parameter_count(model->layers[i].layer);
    }
    model->parameters = arena_calloc(model->arena, (size_t)count, sizeof *model->parameters);
    if (model->parameters == NULL) {
        return errors_no_memory(errors);
    }
    if (settings->vocabulary > 0) {
        const struct initialiser normal = {.kind = INITIALISE_NORMAL, .a = 0.1};
        add_parameter(model, "embedding.W",
                      tensor_2d(settings->dtype, settings->vocabulary, settings->embedding_size, NULL), normal);
    }
    int64_t width = 0;
    for (int32_t i = 0; i < settings->n_layers; i++) {
        struct model_layer *layer = &model->layers[i];
        layer->first_parameter = model->n_parameters;
        for (int32_t p = 0; p < layer_parameter_count(layer->layer); p++) {
            const struct cell_parameter *from = &layer_parameters(layer->layer)[p];
            const char *name = arena_printf(model->arena, "%s.%s", layer->scope, from->name);
            add_parameter(model, name, from->shape, from->initialiser);
        }
        width = layer_output_width(layer->layer);
    }
    const struct initialiser glorot = {.kind = INITIALISE_GLOROT}, zeros = {.kind = INITIALISE_CONSTANT};
    add_parameter(model, "head.W", tensor_2d(settings->dtype, width, settings->output_size, NULL), glorot);
    add_parameter(model, "head.b", tensor_1d(settings->dtype, settings->output_size, NULL), zeros);
    return arena_failed(model->arena) ? errors_no_memory(errors) : RONDO_OK;
}

struct model *model_create(const struct model_settings *settings, struct registry *registry, struct errors *errors) {
    struct arena *arena = arena_create();
    struct model *model = arena_calloc(arena, 1, sizeof *model);
    if (model == NULL) {
        arena_destroy(arena);
        errors_no_memory(errors);
        return NULL;
    }
    model->arena = arena;
    model->settings = *settings;
    model->settings.layers = NULL;
    model->layers = arena_calloc(arena, (size_t)settings->n_layers, sizeof *model->layers);
    rondo_status status = model->layers == NULL ? errors_no_memory(errors) : check_inputs(settings, errors);
    if (status == RONDO_OK) {
        status = add_layers(model, settings, registry, errors);
    }
    if (status == RONDO_OK) {
        status = add_parameters(model, errors);
    }
    if (status != RONDO_OK) {
        model_destroy(model);
        return NULL;
    }
    return model;
}

void model_destroy(struct model *model) {
    if (model == NULL) {
        return;
    }
    for (int32_t i = 0; model->layers != NULL && i < model->settings.n_layers; i++) {
        layer_destroy(model->layers[i].layer);
    }
    arena_destroy(model->arena);
}

int32_t model_parameter_count(const struct model *model) {
    return model->n_parameters;
}

const struct model_parameter *model_parameters(const struct model *model) {
    return model->parameters;
}

const struct layer *model_layer(const struct model *model, int32_t layer) {
    return model->layers[layer].layer;
}

int64_t model_size(const struct model *model) {
    int64_t size = 0;
    for (int32_t i = 0; i < model->n_parameters; i++) {
        size += rondo_count(&model->parameters[i].value);
    }
    return size;
}

rondo_status model_allocate(struct model *model, struct errors *errors) {
    for (int32_t i = 0; i < model->n_parameters; i++) {
        rondo_tensor *value = &model->parameters[i].value;
        if (value->data == NULL) {
            RONDO_TRY(tensor_alloc(value, model->arena, errors));
        }
    }
    return RONDO_OK;
}

rondo_status model_initialise(struct model *model, uint64_t seed, const struct interrupt *interrupt,
                              struct errors *errors) {
    RONDO_TRY(model_allocate(model, errors));
    struct arena *scratch = arena_create();
    if (scratch == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status = RONDO_OK;
    for (int32_t i = 0; i < model->n_parameters && status == RONDO_OK; i++) {
        const struct model_parameter *parameter = &model->parameters[i];
        const struct rng_stream stream = rng_stream(rng_stream(seed, "initialise").key, parameter->name);
        status = initialiser_fill(&parameter->initialiser, &parameter->value, stream, interrupt, scratch, errors);
    }
    arena_destroy(scratch);
    return status;
}

int64_t model_step_flops(const struct model *model) {
    int64_t flops = 0;
    for (int32_t i = 0; i < model->settings.n_layers; i++) {
        flops += layer_step_flops(model->layers[i].layer);
    }
    return flops;
}

/* The tokens with some replaced by the unknown word, so that the model learns what to do with words it does not know
 * (word dropout; Iyyer et al. 2015). */
static rondo_tensor drop_words(struct tape *tape, const rondo_tensor *tokens, double rate, struct rng_stream stream,
                               rondo_status *status) {
    rondo_tensor dropped = *tokens;
    *status = tensor_alloc(&dropped, tape_arena(tape), tape_errors(tape));
    for (int64_t i = 0; *status == RONDO_OK && i < rondo_count(tokens); i++) {
        const int drop = rng_uniform(stream, (uint64_t)i) < rate;
        ((int32_t *)dropped.data)[i] = drop ? 0 : ((const int32_t *)tokens->data)[i];
    }
    return dropped;
}

static rondo_value embed(const struct model *model, struct tape *tape, const rondo_tensor *inputs, rondo_value weights,
                         int training, struct rng_stream stream) {
    const struct model_settings *settings = &model->settings;
    rondo_tensor tokens = *inputs;
    if (training && settings->word_dropout > 0) {
        rondo_status status;
        tokens = drop_words(tape, inputs, settings->word_dropout, rng_stream(stream.key, "word_dropout"), &status);
        if (status != RONDO_OK) {
            return tape_fail(tape, status);
        }
    }
    return apply_dropout(tape, apply_gather(tape, weights, &tokens), settings->embedding_dropout);
}

struct model_output model_output(const struct model *model) {
    return (struct model_output){model->n_parameters - 2, model->n_parameters - 1};
}

rondo_value model_record(const struct model *model, struct tape *tape, const struct model_call *call) {
    const struct model_settings *settings = &model->settings;
    tape_set_training(tape, call->training);
    tape_enter(tape, "embedding", call->stream);
    rondo_value value = settings->vocabulary > 0
                            ? embed(model, tape, call->inputs, call->parameters[0], call->training, call->stream)
                            : tape_constant(tape, call->inputs);
    if (settings->vocabulary == 0) {
        tape_name(tape, value, "x");
    }
    int input_every_step = settings->architecture.input_every_step;
    for (int32_t i = 0; i < settings->n_layers; i++) {
        const struct model_layer *layer = &model->layers[i];
        const struct layer_call of_layer = {.time = call->time,
                                            .input_every_step = input_every_step,
                                            .inputs = value,
                                            .parameters = call->parameters + layer->first_parameter,
                                            .scope = layer->scope,
                                            .stream = call->stream,
                                            .stepwise = call->stepwise};
        value = layer_record(layer->layer, tape, &of_layer, NULL);
        input_every_step = 1; /* a layer gives its outputs of every step to the next */
    }
    tape_enter(tape, "head", call->stream);
    if (!settings->architecture.output_every_step) {
        value = settings->pooling == POOL_LAST
                    ? layer_last(model->layers[settings->n_layers - 1].layer, tape, call->time, value)
                    : packed_reduce(tape, call->time, value, settings->pooling == POOL_MEAN ? "mean" : "max");
    }
    if (call->before_output) {
        return value;
    }
    const struct model_output output = model_output(model);
    value = apply_matmul(tape, value, call->parameters[output.weight]);
    return apply_add(tape, value, call->parameters[output.bias]);
}
