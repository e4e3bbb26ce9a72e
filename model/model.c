#define _POSIX_C_SOURCE 200809L
#include "model/model.h"

#include <string.h>

#include "model/apply.h"
#include "model/head_layer.h"
#include "model/packed.h"

/* A layer of the chain, with its place among the parameters and states of the model. */
struct model_link {
    struct layer *layer;
    const char *scope; /* "layers.0" */
    int32_t first_parameter, first_state;
};

struct model {
    struct arena *arena;
    struct model_settings settings; /* inputs and layers are NULL */
    struct model_link *chain;       /* [n_links] embedding, layers, pool if there is one output per row, head */
    int32_t n_links;
    int32_t input_every_step; /* of the first layer */
    int32_t table;            /* the parameter that is the weight of a tied head; -1: the head is not tied */
    struct model_parameter *parameters;
    int32_t n_parameters;
    struct layer_state *states;
    int32_t n_states;
};

/* ---- creation ---- */

/* Adds a layer to the end of the chain; NULL: it could not be created. */
static rondo_status add_link(struct model *model, struct layer *layer, const char *scope, struct errors *errors) {
    if (layer == NULL) {
        return errors->status;
    }
    struct model_link *link = &model->chain[model->n_links++];
    *link = (struct model_link){layer, scope, model->n_parameters, model->n_states};
    model->n_parameters += layer_shape(layer)->n_parameters;
    model->n_states += layer_shape(layer)->n_states;
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

static rondo_status build_chain(struct model *model, const struct model_settings *settings, struct registry *registry,
                                struct errors *errors) {
    const int32_t dtype = settings->dtype;
    model->chain = arena_calloc(model->arena, (size_t)settings->n_layers + 3, sizeof *model->chain);
    if (model->chain == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(add_link(model, embedding_layer_create(settings->inputs, settings->n_inputs, dtype, errors), "embedding",
                       errors));
    model->input_every_step = embedding_layer_every_step(settings->inputs, settings->n_inputs);
    for (int32_t i = 0; i < settings->n_layers; i++) {
        const int64_t width = last_shape(model)->width;
        RONDO_TRY(add_link(model, cell_layer_create(&settings->layers[i], dtype, width, registry, errors),
                           arena_printf(model->arena, "layers.%d", i), errors));
    }
    RONDO_TRY(find_table(model, settings, errors));
    if (!settings->architecture.output_every_step) {
        RONDO_TRY(add_link(model, pool_layer_create(settings->pooling, last_shape(model), errors), "pool", errors));
    }
    const int64_t width = last_shape(model)->width;
    return add_link(model, head_layer_create(width, settings->output_size, settings->tie, dtype, errors), "head",
                    errors);
}

/* Lists the parameters and states of all layers, "SCOPE.NAME". */
static rondo_status list_all(struct model *model, struct errors *errors) {
    struct arena *arena = model->arena;
    model->parameters = arena_calloc(arena, (size_t)model->n_parameters, sizeof *model->parameters);
    model->states = arena_calloc(arena, (size_t)model->n_states + 1, sizeof *model->states);
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
        for (int32_t s = 0; s < shape->n_states; s++) {
            model->states[link->first_state + s] = (struct layer_state){
                arena_printf(arena, "%s.%s", link->scope, shape->states[s].name), shape->states[s].shape};
        }
    }
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
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
    model->settings.inputs = NULL;
    model->settings.layers = NULL;
    if (build_chain(model, settings, registry, errors) != RONDO_OK || list_all(model, errors) != RONDO_OK) {
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
    for (int32_t i = 1; i <= model->settings.n_layers; i++) { /* chain[0] is the embedding */
        flops += layer_step_flops(model->chain[i].layer);
    }
    return flops;
}

/* ---- states ---- */

rondo_status model_check_causal(const struct model *model, const char *key, struct location where,
                                struct errors *errors) {
    for (int32_t i = 1; i <= model->settings.n_layers; i++) {
        if (!layer_shape(model->chain[i].layer)->is_causal) {
            return errors_add_at(
                errors, RONDO_INVALID, where,
                "'%s' continues each row where the pass before ended, so every layer must read forward "
                "in time only, and '%s' does not; expected 'direction: forward'",
                key, model->chain[i].scope);
        }
    }
    return RONDO_OK;
}

struct states *model_states_create(const struct model *model, int64_t rows, struct errors *errors) {
    const struct location nowhere = {NULL, 0, 0};
    return model_check_causal(model, "states", nowhere, errors) != RONDO_OK
               ? NULL
               : states_create(model->states, model->n_states, rows, errors);
}

/* ---- recording ---- */

/* A pass while it is recorded. */
struct model_pass {
    const struct model *model;
    struct tape *tape;
    const struct model_call *call;
    rondo_value *initial; /* [n_states]; NULL: all rows begin anew */
    rondo_value *final;   /* [n_states]; NULL: not wanted */
    rondo_tensor chosen;  /* with call->chosen: their rows in the table of a tied head on the tape */
};

static rondo_status prepare_states(struct model_pass *pass) {
    const struct model_call *call = pass->call;
    struct arena *arena = tape_arena(pass->tape);
    const size_t count = (size_t)pass->model->n_states + 1;
    if (call->carried != NULL && call->starts != NULL) {
        pass->initial = arena_calloc(arena, count, sizeof *pass->initial);
    }
    if (call->kept != NULL) {
        pass->final = arena_calloc(arena, count, sizeof *pass->final);
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    if (pass->initial != NULL) {
        states_bind(call->carried, call->lane, call->time->rows, pass->tape, pass->initial);
    }
    return tape_status(pass->tape);
}

static struct layer_call call_of(const struct model_pass *pass, const struct model_link *link,
                                 const rondo_value *inputs, int input_every_step) {
    const struct model_call *call = pass->call;
    return (struct layer_call){.time = call->time,
                               .input_every_step = input_every_step,
                               .inputs = inputs,
                               .parameters = call->parameters + link->first_parameter,
                               .rows = call->rows == NULL ? NULL : call->rows + link->first_parameter,
                               .initial = pass->initial == NULL ? NULL : pass->initial + link->first_state,
                               .starts = pass->initial == NULL ? NULL : call->starts,
                               .final = pass->final == NULL ? NULL : pass->final + link->first_state,
                               .scope = link->scope,
                               .stream = call->stream,
                               .stepwise = call->stepwise};
}

/* The streams as constants of the tape, for the embedding. */
static rondo_value embed(const struct model_pass *pass) {
    const struct model *model = pass->model;
    const struct model_link *link = &model->chain[0];
    rondo_value *inputs = arena_calloc(tape_arena(pass->tape), (size_t)model->settings.n_inputs, sizeof *inputs);
    if (inputs == NULL) {
        return tape_fail(pass->tape, errors_no_memory(tape_errors(pass->tape)));
    }
    const struct layer_call call = call_of(pass, link, inputs, model->input_every_step);
    layer_enter(pass->tape, &call, "");
    for (int32_t i = 0; i < model->settings.n_inputs; i++) {
        inputs[i] = tape_constant(pass->tape, &pass->call->inputs[i]);
        tape_name(pass->tape, inputs[i], embedding_layer_name(link->layer, i));
    }
    return layer_record(link->layer, pass->tape, &call);
}

/* The input of the first layer as a value with a gradient. */
static rondo_value probe_input(const struct model_pass *pass, rondo_value embedded) {
    struct model_probe *probe = pass->call->probe;
    const rondo_tensor *tensor = tape_tensor(pass->tape, embedded);
    const size_t layers = (size_t)pass->model->settings.n_layers;
    probe->layers = arena_calloc(tape_arena(pass->tape), layers, sizeof *probe->layers);
    if (tensor == NULL || probe->layers == NULL) {
        return tape_fail(pass->tape,
                         tensor == NULL ? tape_status(pass->tape) : errors_no_memory(tape_errors(pass->tape)));
    }
    for (size_t i = 0; i < layers; i++) {
        probe->layers[i].values = probe->values;
    }
    probe->input = tape_parameter(pass->tape, "input", tensor, NULL);
    return probe->input;
}

/* The outputs of the last layer, through which gradients flow only at the anchors. */
static rondo_value anchor_outputs(const struct model_pass *pass, rondo_value outputs) {
    const struct time_axis *time = pass->call->time;
    const struct layer_shape *shape = layer_shape(pass->model->chain[pass->model->settings.n_layers].layer);
    const rondo_tensor *tensor = tape_tensor(pass->tape, outputs); /* [total, width] */
    const struct model_settings *settings = &pass->model->settings;
    const int reads_one = !settings->architecture.output_every_step &&
                          (settings->pooling == POOL_LAST || settings->pooling == POOL_FIRST);
    if (tensor == NULL || reads_one) { /* the pool reads nothing but the anchors */
        return outputs;
    }
    rondo_tensor flows = *tensor;
    flows.data = NULL;
    const rondo_status status = tensor_alloc(&flows, tape_arena(pass->tape), tape_errors(pass->tape));
    if (status != RONDO_OK) {
        return tape_fail(pass->tape, status);
    }
    for (int64_t row = 0; row < time->rows; row++) {
        const int64_t anchor = pass->call->probe->anchor[row];
        for (int64_t k = 0; anchor >= 0 && k < shape->width; k++) {
            const int64_t step = k < shape->width - shape->backward ? anchor : 0;
            tensor_set(&flows, (time->begin[step] + row) * shape->width + k, 1);
        }
    }
    return apply_where(pass->tape, tape_constant(pass->tape, &flows), outputs, tape_constant(pass->tape, tensor));
}

/* The hidden values of all outputs, or of the scored ones. */
static rondo_value record_hidden(const struct model_pass *pass) {
    const struct model *model = pass->model;
    struct model_probe *probe = pass->call->probe;
    rondo_value value = embed(pass);
    int input_every_step = model->input_every_step;
    if (probe != NULL) {
        value = probe_input(pass, value);
    }
    for (int32_t i = 1; i < model->n_links - 1; i++) {
        const int is_cell = i <= model->settings.n_layers;
        struct layer_call call = call_of(pass, &model->chain[i], &value, input_every_step);
        call.probe = is_cell && probe != NULL && probe->layers != NULL ? &probe->layers[i - 1] : NULL;
        rondo_value output = layer_record(model->chain[i].layer, pass->tape, &call);
        if (probe != NULL && i == model->settings.n_layers) {
            output = anchor_outputs(pass, output);
        }
        value = output;
        input_every_step = 1; /* a layer gives its outputs of every step to the next */
    }
    return pass->call->scored == NULL ? value : apply_gather(pass->tape, value, pass->call->scored);
}

/* The rows of the table of a tied head, which the embedding puts on the tape together with its own: local numbers of the
 * chosen outputs. */
static rondo_status add_chosen_rows(struct model_pass *pass) {
    const struct model_call *call = pass->call;
    const int32_t table = pass->model->table;
    struct row_table *rows = table < 0 || call->rows == NULL ? NULL : call->rows[table];
    if (call->chosen == NULL) {
        return RONDO_OK;
    }
    pass->chosen = *call->chosen;
    if (rows == NULL) {
        return RONDO_OK;
    }
    RONDO_TRY(tensor_alloc(&pass->chosen, tape_arena(pass->tape), tape_errors(pass->tape)));
    return row_table_add(rows, call->chosen->data, call->chosen->shape[0], pass->chosen.data, tape_errors(pass->tape));
}

/* The table of a tied head on the tape: all of its rows, or those of the pass. */
static rondo_value table_of(const struct model_pass *pass) {
    const struct model_call *call = pass->call;
    const int32_t table = pass->model->table;
    if (table < 0) {
        return (rondo_value){-1};
    }
    return call->rows != NULL && call->rows[table] != NULL ? call->rows[table]->bound : call->parameters[table];
}

static void record_head(const struct model_pass *pass, struct model_result *result) {
    const struct model *model = pass->model;
    const struct model_link *head = &model->chain[model->n_links - 1];
    const rondo_value none = {-1};
    const rondo_value inputs[2] = {result->hidden, table_of(pass)};
    const struct layer_call call = call_of(pass, head, inputs, 1);
    result->outputs = result->weight = result->bias = none;
    if (pass->call->before_output) {
        layer_enter(pass->tape, &call, "");
        const struct head_chosen chosen = {pass->call->chosen, &pass->chosen};
        const struct head_output output =
            head_output(head->layer, pass->tape, &call, pass->call->chosen == NULL ? NULL : &chosen);
        result->weight = output.weight;
        result->bias = output.bias;
    } else {
        result->outputs = layer_record(head->layer, pass->tape, &call);
    }
}

rondo_status model_record(const struct model *model, struct tape *tape, const struct model_call *call,
                          struct model_result *result) {
    struct model_pass pass = {.model = model, .tape = tape, .call = call};
    const rondo_value none = {-1};
    *result = (struct model_result){none, none, none, none};
    tape_set_training(tape, call->training);
    rondo_status status = prepare_states(&pass);
    status = status == RONDO_OK ? add_chosen_rows(&pass) : status;
    if (status != RONDO_OK) {
        tape_fail(tape, status);
        return status;
    }
    result->hidden = record_hidden(&pass);
    record_head(&pass, result);
    if (call->kept != NULL) {
        states_keep(call->kept, call->lane, call->time->rows, tape, pass.final);
    }
    return tape_status(tape);
}
