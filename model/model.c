#define _POSIX_C_SOURCE 200809L
#include "model/model.h"

#include <string.h>

#include "model/chain.h"
#include "model/head_layer.h"

/* ---- creation ---- */

/* Adds a layer to the end of the chain; NULL: it could not be created. */
static rondo_status add_link(struct model *model, struct layer *layer, const char *scope, struct errors *errors) {
    if (layer == NULL) {
        return errors->status;
    }
    model->chain[model->n_links++] = (struct model_link){.layer = layer, .scope = scope};
    return RONDO_OK; /* list_all asks the arena for memory of the scope */
}

static const struct layer_shape *last_shape(const struct model *model) {
    return layer_shape(model->chain[model->n_links - 1].layer);
}

/* Finds the table of a tied head, which must have the width of the hidden values and a row for each output. */
static rondo_status find_table(struct model *model, const struct model_settings *settings, struct errors *errors) {
    model->table = -1;
    if (!settings->tie) {
        return RONDO_OK;
    }
    RONDO_CHECK(settings->tied >= 0 && settings->tied < settings->n_inputs, errors, "the head is tied to an input");
    const struct model_input *input = &settings->inputs[settings->tied];
    const struct layer *embedding = model->chain[0].layer;
    const int32_t table = embedding_layer_table(embedding, settings->tied);
    const int64_t width = last_shape(model)->width;
    if (table < 0) {
        return errors_add_at(errors, RONDO_INVALID, settings->tied_where,
                             "the head cannot be tied to stream '%s', which is numbers and has no table", input->name);
    }
    const rondo_tensor *shape = &layer_shape(embedding)->parameters[table].shape; /* [symbols, embedding size] */
    const int64_t size = shape->shape[1];
    if (size != width) {
        const int64_t backward = last_shape(model)->backward;
        const int64_t directions = backward > 0 && backward < width ? 2 : 1;
        const char *projection = size < width ? arena_printf(model->arena, "'projection: %lld' on the last layer, or ",
                                                             (long long)(size / directions))
                                              : "";
        return errors_add_at(errors, RONDO_INVALID, settings->tied_where,
                             "a tied head needs a last layer as wide as the vectors of stream '%s': the layer is %lld "
                             "wide, and the vectors are %lld; expected %san embedding of size %lld",
                             input->name, (long long)width, (long long)size, projection == NULL ? "" : projection,
                             (long long)width);
    }
    if (shape->shape[0] < settings->output_size) {
        return errors_add_at(errors, RONDO_INVALID, settings->tied_where,
                             "the head cannot be tied to stream '%s': it has %lld symbols, and the loss needs %lld "
                             "outputs",
                             input->name, (long long)shape->shape[0], (long long)settings->output_size);
    }
    model->table = table;
    return RONDO_OK;
}

/* Adds the embedding of all streams, of which the source is the last. */
static rondo_status add_embedding(struct model *model, const struct model_settings *settings, struct errors *errors) {
    const int32_t count = settings->n_inputs + (settings->n_encoder > 0);
    struct model_input *inputs = arena_calloc(model->arena, (size_t)count + 1, sizeof *inputs);
    if (inputs == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < settings->n_inputs; i++) {
        inputs[i] = settings->inputs[i];
    }
    if (settings->n_encoder > 0) {
        inputs[count - 1] = *settings->source_input;
        inputs[count - 1].every_step = inputs[count - 1].is_source = 1;
    }
    RONDO_TRY(add_link(model, embedding_layer_create(inputs, count, settings->dtype, errors), "embedding", errors));
    model->input_every_step = embedding_layer_every_step(inputs, count);
    return RONDO_OK;
}

/* The layers of the encoder or of the decoder. */
struct model_part {
    const struct cell_layer_settings *layers;
    const struct block_layer_settings *const *blocks;
    int32_t n_layers;
    const char *name;
    int64_t input;  /* width of what the first layer reads */
    int64_t memory; /* of the memory; 0: there is none */
};

static struct layer *create_layer(const struct model_part *part, int32_t index, int32_t dtype, int64_t input,
                                  struct registry *registry, struct errors *errors) {
    const struct block_layer_settings *block = part->blocks == NULL ? NULL : part->blocks[index];
    if (block != NULL) {
        struct block_layer_settings settings = *block;
        settings.memory = part->memory;
        return block_layer_create(&settings, dtype, input, registry, errors);
    }
    struct cell_layer_settings settings = part->layers[index];
    settings.memory = part->memory;
    return cell_layer_create(&settings, dtype, input, registry, errors);
}

static rondo_status add_part(struct model *model, const struct model_part *part, struct registry *registry,
                             struct errors *errors) {
    int64_t width = part->input;
    for (int32_t i = 0; i < part->n_layers; i++) {
        RONDO_TRY(add_link(model, create_layer(part, i, model->settings.dtype, width, registry, errors),
                           arena_printf(model->arena, "%s.%d", part->name, (int)i), errors));
        width = last_shape(model)->width;
    }
    return RONDO_OK;
}

/* Adds the names and shapes of the states of `count` links from number `first` on. NULL: out of memory. */
static struct layer_state *list_states(struct model *model, int32_t first, int32_t count, int32_t *n_states) {
    int32_t all = 0;
    for (int32_t i = first; i < first + count; i++) {
        model->chain[i].first_state = all;
        all += layer_shape(model->chain[i].layer)->n_states;
    }
    struct layer_state *states = arena_calloc(model->arena, (size_t)all + 1, sizeof *states);
    for (int32_t i = first; i < first + count && states != NULL; i++) {
        const struct model_link *link = &model->chain[i];
        const struct layer_shape *shape = layer_shape(link->layer);
        for (int32_t s = 0; s < shape->n_states; s++) {
            states[link->first_state + s] = (struct layer_state){
                arena_printf(model->arena, "%s.%s", link->scope, shape->states[s].name), shape->states[s].shape};
        }
    }
    *n_states = all;
    return states;
}

/* A bridge gives every row its initial states, so that learned ones would never be used; without a bridge, the encoder must be
 * read by a layer. */
static rondo_status check_bridge(const struct model *model, const struct model_settings *settings,
                                 struct errors *errors) {
    int reads_memory = 0;
    for (int32_t i = 0; i < settings->n_layers; i++) {
        const struct cell_layer_settings *layer = &settings->layers[i];
        const int is_cell = settings->blocks == NULL || settings->blocks[i] == NULL;
        reads_memory |= layer_shape(model->chain[model->first_layer + i].layer)->reads_memory;
        if (settings->bridge != BRIDGE_NONE && is_cell && layer->learn_initial_state) {
            const struct location nowhere = {NULL, 0, 0};
            return errors_add_at(
                errors, RONDO_INVALID,
                layer->place == NULL ? nowhere : layer->place(layer->place_arg, "learn_initial_state"),
                "'learn_initial_state' is not used: the bridge gives the layer the states that it begins "
                "in; 'bridge: none' leaves them to the layer");
        }
    }
    return (settings->bridge != BRIDGE_NONE && model->n_states > 0) || reads_memory
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, settings->bridge_where,
                               "nothing reads the encoder: without a bridge, a layer must read the memory, such as the "
                               "cell gru_bahdanau, or {block: attention, over: memory}");
}

/* The layers with states of a part of the chain, as one end of the bridge. */
static struct bridge_end end_of(struct model *model, int32_t first, int32_t count, const struct layer_state *states,
                                int32_t n_states) {
    struct bridge_end end = {.outputs = layer_shape(model->chain[first + count - 1].layer),
                             .layers = arena_calloc(model->arena, (size_t)count + 1, sizeof(struct layer *)),
                             .states = states,
                             .n_states = n_states};
    for (int32_t i = 0; i < count && end.layers != NULL; i++) {
        if (layer_shape(model->chain[first + i].layer)->n_states > 0) {
            end.layers[end.n_layers++] = model->chain[first + i].layer;
        }
    }
    return end;
}

/* Puts the bridge at its place in the chain. */
static rondo_status add_bridge(struct model *model, const struct model_settings *settings, struct errors *errors) {
    RONDO_TRY(check_bridge(model, settings, errors));
    const struct bridge_end encoder =
        end_of(model, 1, settings->n_encoder, model->encoder_states, model->n_encoder_states);
    const struct bridge_end decoder =
        end_of(model, model->first_layer, settings->n_layers, model->states, model->n_states);
    if (arena_failed(model->arena)) {
        return errors_no_memory(errors);
    }
    struct model_link *link = &model->chain[model->bridge];
    link->layer = bridge_create(settings->bridge, &encoder, &decoder, settings->dtype, settings->bridge_where, errors);
    link->scope = "bridge";
    return link->layer == NULL ? errors->status : RONDO_OK;
}

static rondo_status build_chain(struct model *model, const struct model_settings *settings, struct registry *registry,
                                struct errors *errors) {
    const int32_t dtype = settings->dtype;
    model->chain =
        arena_calloc(model->arena, (size_t)settings->n_encoder + (size_t)settings->n_layers + 4, sizeof *model->chain);
    model->bridge = -1;
    if (model->chain == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(add_embedding(model, settings, errors));
    int64_t memory = 0;
    if (settings->n_encoder > 0) {
        const struct model_part encoder = {settings->encoder,
                                           settings->encoder_blocks,
                                           settings->n_encoder,
                                           "encoder",
                                           embedding_layer_source_width(model->chain[0].layer),
                                           0};
        RONDO_TRY(add_part(model, &encoder, registry, errors));
        memory = last_shape(model)->width;
        model->bridge = model->n_links++; /* it needs the layers of both ends: add_bridge */
    }
    model->first_layer = model->n_links;
    const struct model_part decoder = {settings->layers,
                                       settings->blocks,
                                       settings->n_layers,
                                       "layers",
                                       layer_shape(model->chain[0].layer)->width,
                                       memory};
    RONDO_TRY(add_part(model, &decoder, registry, errors));
    model->states = list_states(model, model->first_layer, settings->n_layers, &model->n_states);
    model->encoder_states = list_states(model, 1, settings->n_encoder, &model->n_encoder_states);
    RONDO_TRY(model->bridge < 0 ? RONDO_OK : add_bridge(model, settings, errors));
    RONDO_TRY(find_table(model, settings, errors));
    if (!settings->architecture.output_every_step) {
        RONDO_TRY(add_link(model, pool_layer_create(settings->pooling, last_shape(model), dtype, registry, errors),
                           "pool", errors));
    }
    return add_link(model,
                    head_layer_create(last_shape(model)->width, settings->output_size, settings->tie, dtype, errors),
                    "head", errors);
}

/* Lists the parameters of all layers, "SCOPE.NAME". */
static rondo_status list_parameters(struct model *model, struct errors *errors) {
    struct arena *arena = model->arena;
    for (int32_t i = 0; i < model->n_links; i++) {
        model->chain[i].first_parameter = model->n_parameters;
        model->n_parameters += layer_shape(model->chain[i].layer)->n_parameters;
    }
    model->parameters = arena_calloc(arena, (size_t)model->n_parameters + 1, sizeof *model->parameters);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < model->n_links; i++) {
        const struct model_link *link = &model->chain[i];
        const struct layer_shape *shape = layer_shape(link->layer);
        for (int32_t p = 0; p < shape->n_parameters; p++) {
            const struct layer_parameter *from = &shape->parameters[p];
            const int is_tied = link->first_parameter + p == model->table;
            const int by_rows = from->by_rows && (!is_tied || model->settings.chooses_outputs);
            model->parameters[link->first_parameter + p] =
                (struct model_parameter){.name = arena_printf(arena, "%s.%s", link->scope, from->name),
                                         .value = from->shape,
                                         .initialiser = from->initialiser,
                                         .zero_row = from->zero_row,
                                         .by_rows = by_rows,
                                         .is_lazy = by_rows && from->is_lazy};
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* Why the model cannot write sequences. */
static const char *find_why_not(struct model *model, const struct model_settings *settings) {
    int has_feedback = 0;
    for (int32_t i = 0; i < settings->n_inputs; i++) {
        has_feedback |= strcmp(settings->inputs[i].name, "previous") == 0;
    }
    if (!has_feedback) {
        return "it does not read its own output of the step before ('model.feedback: true')";
    }
    if (!settings->architecture.output_every_step) {
        return "it has one output for all steps";
    }
    for (int32_t i = 0; i < settings->n_layers; i++) {
        const struct model_link *link = &model->chain[model->first_layer + i];
        if (!layer_shape(link->layer)->is_causal) {
            return arena_printf(model->arena, "an output of '%s' depends on later steps", link->scope);
        }
        if (layer_shape(link->layer)->looks_back) {
            return arena_printf(model->arena,
                                "'%s' looks at all earlier steps, and a generator keeps only states from step to step",
                                link->scope);
        }
    }
    return NULL;
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
    model->settings.inputs = model->settings.source_input = NULL;
    model->settings.layers = model->settings.encoder = NULL;
    model->settings.blocks = model->settings.encoder_blocks = NULL;
    rondo_status status = build_chain(model, settings, registry, errors);
    if (status == RONDO_OK) {
        model->why_not = find_why_not(model, settings);
        status = list_parameters(model, errors);
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
    for (int32_t i = 0; i < model->n_links; i++) {
        layer_destroy(model->chain[i].layer);
    }
    arena_destroy(model->arena);
}

int32_t model_parameter_count(const struct model *model) {
    return model->n_parameters;
}

const struct model_parameter *model_parameters(const struct model *model) {
    return model->parameters;
}

int32_t model_find(const struct model *model, const char *name) {
    for (int32_t p = 0; p < model->n_parameters; p++) {
        if (strcmp(model->parameters[p].name, name) == 0) {
            return p;
        }
    }
    return -1;
}

int32_t model_layer_count(const struct model *model) {
    return model->settings.n_layers;
}

const struct layer *model_layer(const struct model *model, int32_t index) {
    return model->chain[model->first_layer + index].layer;
}

int32_t model_encoder_count(const struct model *model) {
    return model->settings.n_encoder;
}

const struct layer *model_encoder_layer(const struct model *model, int32_t index) {
    return model->chain[1 + index].layer; /* chain[0] is the embedding */
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
            const rondo_status status = tensor_alloc(value, model->arena, errors);
            RONDO_TRY(errors_memory_for(errors, status, (struct location){0}, "the parameters of the model"));
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
        const int64_t columns = parameter->zero_row > 0 ? parameter->value.shape[1] : 0;
        for (int64_t k = 0; k < columns && status == RONDO_OK; k++) {
            tensor_set(&parameter->value, (parameter->zero_row - 1) * columns + k, 0);
        }
    }
    arena_destroy(scratch);
    return status;
}

void model_save(const struct model *model, struct archive *archive) {
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        archive_put_tensor(archive, &parameter->value, "model.%s", parameter->name);
    }
}

rondo_status model_load(struct model *model, struct archive *archive, struct errors *errors) {
    RONDO_TRY(model_allocate(model, errors));
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        RONDO_TRY(archive_take_tensor(archive, &parameter->value, errors, "model.%s", parameter->name));
    }
    return RONDO_OK;
}

int64_t model_step_flops(const struct model *model) {
    int64_t flops = 0;
    for (int32_t i = 0; i < model_layer_count(model); i++) {
        flops += layer_step_flops(model_layer(model, i));
    }
    return flops;
}

int64_t model_encoder_flops(const struct model *model) {
    int64_t flops = 0;
    for (int32_t i = 0; i < model_encoder_count(model); i++) {
        flops += layer_step_flops(model_encoder_layer(model, i));
    }
    return flops;
}

/* ---- states ---- */

rondo_status model_check_causal(const struct model *model, const char *key, struct location where,
                                struct errors *errors) {
    for (int32_t i = 0; i < model_layer_count(model); i++) {
        const struct layer *layer = model_layer(model, i);
        const char *scope = model->chain[model->first_layer + i].scope;
        if (!layer_shape(layer)->is_causal || layer_shape(layer)->looks_back) {
            return errors_add_at(
                errors, RONDO_INVALID, where,
                layer_is_cell(layer)
                    ? "'%s' continues each row where the pass before ended, so every layer must read forward in time "
                      "only, and '%s' does not; expected 'direction: forward'"
                    : "'%s' continues each row where the pass before ended, so no layer may look at other steps, and "
                      "'%s' does; expected no block with 'over: self'",
                key, scope);
        }
    }
    return RONDO_OK;
}

rondo_status model_check_feedback(const struct model *model, struct location where, struct errors *errors) {
    for (int32_t i = 0; i < model_layer_count(model); i++) {
        const struct layer *layer = model_layer(model, i);
        if (!layer_shape(layer)->is_causal) {
            return errors_add_at(
                errors, RONDO_INVALID, where,
                "with 'model.feedback' the input of a step is the target of the step before, and '%s' also reads later "
                "steps: the targets that it is to predict; expected %s",
                model->chain[model->first_layer + i].scope,
                layer_is_cell(layer) ? "'direction: forward'"
                                     : "a block with 'over: memory', or one whose attention has causal=true");
        }
    }
    return RONDO_OK;
}

int model_generates(const struct model *model, const char **why_not) {
    *why_not = model->why_not;
    return model->why_not == NULL;
}

int model_reads_memory(const struct model *model) {
    int reads = 0;
    for (int32_t i = 0; i < model_layer_count(model); i++) {
        reads |= layer_shape(model_layer(model, i))->reads_memory;
    }
    return reads;
}

struct states *model_states_create(const struct model *model, int64_t rows, struct errors *errors) {
    const struct location nowhere = {NULL, 0, 0};
    return model_check_causal(model, "states", nowhere, errors) != RONDO_OK
               ? NULL
               : states_create(model->states, model->n_states, rows, errors);
}
