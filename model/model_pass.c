/* The forward pass of a model. */
#include "model/apply.h"
#include "model/chain.h"
#include "model/head_layer.h"

/* A pass while it is recorded. */
struct model_pass {
    const struct model *model;
    struct tape *tape;
    const struct model_call *call;
    rondo_value *initial;        /* [n_states]; NULL: all rows begin anew, from the layers' own start */
    rondo_value *final;          /* [n_states]; NULL: not wanted */
    const unsigned char *starts; /* [rows] 1: the layers' own start holds despite `initial`; NULL: for no row */
    struct layer_memory memory;  /* with an encoder */
    rondo_tensor chosen;         /* with call->chosen: their rows in the table of a tied head on the tape */
};

/* 1 if the states before the first step are given to the decoder by the bridge. */
static int has_bridge(const struct model *model) {
    return model->bridge >= 0 && model->settings.bridge != BRIDGE_NONE;
}

/* Begins with the carried states; the bridge, if the source is read in this pass, follows later. */
static rondo_status prepare_states(struct model_pass *pass) {
    const struct model_call *call = pass->call;
    struct arena *arena = tape_arena(pass->tape);
    const size_t count = (size_t)pass->model->n_states + 1;
    const int is_encoded = call->memory != NULL && has_bridge(pass->model); /* in a pass before */
    if (call->carried != NULL && (call->starts != NULL || is_encoded)) {
        pass->initial = arena_calloc(arena, count, sizeof *pass->initial);
        pass->starts =
            is_encoded || call->reruns ? NULL : call->starts; /* a pass that is run again continues all rows */
    }
    if (call->kept != NULL || call->reruns) {
        pass->final = arena_calloc(arena, count, sizeof *pass->final);
    }
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    if (pass->initial != NULL && call->reruns) {
        states_bind_marked(call->carried, call->time->rows, pass->tape, pass->initial);
    } else if (pass->initial != NULL) {
        states_bind(call->carried, call->lane, call->time->rows, pass->tape, pass->initial);
    }
    return tape_status(pass->tape);
}

/* A call without time axis, inputs and states. */
static struct layer_call call_of(const struct model_pass *pass, const struct model_link *link) {
    const struct model_call *call = pass->call;
    return (struct layer_call){.parameters = call->parameters + link->first_parameter,
                               .rows = call->rows == NULL ? NULL : call->rows + link->first_parameter,
                               .scope = link->scope,
                               .stream = call->stream,
                               .stepwise = call->stepwise};
}

/* A call of a layer of the decoder. */
static struct layer_call call_of_decoder(const struct model_pass *pass, const struct model_link *link,
                                         const rondo_value *inputs, int input_every_step) {
    struct layer_call call = call_of(pass, link);
    call.time = pass->call->time;
    call.input_every_step = input_every_step;
    call.inputs = inputs;
    call.initial = pass->initial == NULL ? NULL : pass->initial + link->first_state;
    call.starts = pass->starts;
    call.final = pass->final == NULL ? NULL : pass->final + link->first_state;
    call.memory = pass->memory.rows == NULL ? NULL : &pass->memory;
    return call;
}

/* ---- embedding, memory and bridge ---- */

/* The streams as constants of the tape, for the embedding. */
static struct embedding_output embed(const struct model_pass *pass, int parts) {
    const struct model *model = pass->model;
    const struct model_call *call = pass->call;
    const struct model_link *link = &model->chain[0];
    const int32_t n_inputs = model->settings.n_inputs, n_sources = model->bridge >= 0;
    rondo_value *inputs = arena_calloc(tape_arena(pass->tape), (size_t)n_inputs + (size_t)n_sources, sizeof *inputs);
    if (inputs == NULL) {
        const rondo_value failed = tape_fail(pass->tape, errors_no_memory(tape_errors(pass->tape)));
        return (struct embedding_output){failed, failed};
    }
    struct layer_call embedding = call_of_decoder(pass, link, inputs, model->input_every_step);
    embedding.starts = call->carried == NULL ? NULL : call->starts;
    layer_enter(pass->tape, &embedding, "");
    for (int32_t i = 0; i < n_inputs + n_sources; i++) {
        const int is_source = i == n_inputs;
        inputs[i] = (rondo_value){-1};
        if (parts & (is_source ? EMBEDDING_SOURCE : EMBEDDING_INPUTS)) {
            inputs[i] = tape_constant(pass->tape, is_source ? call->source->input : &call->inputs[i]);
            tape_name(pass->tape, inputs[i], embedding_layer_name(link->layer, i));
            if (call->reruns) {
                tape_mark(pass->tape, inputs[i]);
            }
        }
    }
    return embedding_layer_record(link->layer, pass->tape, &embedding, parts);
}

/* The first gather: packed [total, width] in the order of the source's rows, to sequence-major in that of the decoder's. */
static rondo_status record_memory(struct model_pass *pass, rondo_value outputs) {
    const struct model_source *source = pass->call->source;
    struct arena *arena = tape_arena(pass->tape);
    struct time_axis_rows *rows = arena_calloc(arena, 1, sizeof *rows);
    if (rows == NULL) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    RONDO_TRY(time_axis_by_rows(rows, source->time, source->row, arena, tape_errors(pass->tape)));
    const rondo_tensor index = tensor_1d(RONDO_I32, source->time->total, (void *)rows->index);
    pass->memory.values = apply_gather(pass->tape, outputs, &index);
    pass->memory.rows = &rows->rows;
    tape_name(pass->tape, pass->memory.values, "memory");
    return tape_status(pass->tape);
}

/* The second gather, in bridge_record; `states` are the last ones of the encoder. Rows that continue keep the carried states. */
static rondo_status cross_bridge(struct model_pass *pass, rondo_value outputs, const rondo_value *states) {
    const struct model *model = pass->model;
    const struct model_source *source = pass->call->source;
    const int64_t rows = source->time->rows;
    struct arena *arena = tape_arena(pass->tape);
    rondo_value *bridged = arena_calloc(arena, (size_t)model->n_states + 1, sizeof *bridged);
    int32_t *order = arena_alloc(arena, sizeof *order * (size_t)rows);
    if (bridged == NULL || order == NULL) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    for (int64_t r = 0; r < rows; r++) {
        order[r] = (int32_t)(source->row == NULL ? r : source->row[r]);
    }
    const rondo_tensor row = tensor_1d(RONDO_I32, rows, order);
    const struct model_link *link = &model->chain[model->bridge];
    const struct layer_call call = call_of(pass, link);
    const struct bridge_source from = {source->time, outputs, states, &row};
    bridge_record(link->layer, pass->tape, &call, &from, bridged);
    for (int32_t s = 0; s < model->n_states && pass->initial != NULL; s++) {
        const struct layer_call of_rows = {.starts = pass->starts};
        rondo_tensor shape = model->states[s].shape;
        shape.shape[0] = rows;
        bridged[s] = apply_where(pass->tape, layer_starts(pass->tape, &of_rows, shape), bridged[s], pass->initial[s]);
    }
    pass->initial = bridged;
    pass->starts = NULL;
    return tape_status(pass->tape);
}

/* ---- probes ---- */

static rondo_status prepare_probe(const struct model_pass *pass) {
    struct model_probe *probe = pass->call->probe;
    const int32_t layers = pass->model->settings.n_encoder + pass->model->settings.n_layers;
    if (probe == NULL) {
        return RONDO_OK;
    }
    probe->source = (rondo_value){-1};
    probe->layers = arena_calloc(tape_arena(pass->tape), (size_t)layers, sizeof *probe->layers);
    if (probe->layers == NULL) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    for (int32_t i = 0; i < layers; i++) {
        probe->layers[i].values = probe->values;
    }
    return RONDO_OK;
}

/* The probe of a layer, in the order of model_probe.layers; NULL: none is wanted. */
static struct layer_probe *probe_of(const struct model_pass *pass, int32_t number) {
    return pass->call->probe == NULL ? NULL : &pass->call->probe->layers[number];
}

/* An input of a first layer as a value with a gradient. */
static rondo_value probe_input(const struct model_pass *pass, const char *name, rondo_value embedded) {
    const rondo_tensor *tensor = tape_tensor(pass->tape, embedded);
    return tensor == NULL ? tape_fail(pass->tape, tape_status(pass->tape))
                          : tape_parameter(pass->tape, name, tensor, NULL);
}

/* ---- encoder ---- */

/* Runs the encoder over the embedded source. */
static rondo_status encode(struct model_pass *pass, rondo_value value) {
    const struct model *model = pass->model;
    const struct model_link *bridge = &model->chain[model->bridge];
    rondo_value *states = NULL;
    if (bridge_reads_states(bridge->layer)) {
        states = arena_calloc(tape_arena(pass->tape), (size_t)model->n_encoder_states + 1, sizeof *states);
        if (states == NULL) {
            return errors_no_memory(tape_errors(pass->tape));
        }
    }
    if (pass->call->probe != NULL) {
        value = pass->call->probe->source = probe_input(pass, "source", value);
    }
    for (int32_t i = 0; i < model->settings.n_encoder; i++) {
        const struct model_link *link = &model->chain[1 + i];
        const rondo_value input = value;
        struct layer_call call = call_of(pass, link);
        call.time = pass->call->source->time;
        call.input_every_step = 1;
        call.inputs = &input;
        call.final = states == NULL ? NULL : states + link->first_state;
        call.probe = probe_of(pass, i);
        value = layer_record(link->layer, pass->tape, &call);
    }
    RONDO_TRY(tape_status(pass->tape));
    RONDO_TRY(record_memory(pass, value));
    return has_bridge(model) ? cross_bridge(pass, value, states) : RONDO_OK;
}

/* ---- decoder ---- */

/* The outputs of the last layer, through which gradients flow only at the anchors. */
static rondo_value anchor_outputs(const struct model_pass *pass, rondo_value outputs) {
    const struct time_axis *time = pass->call->time;
    const struct layer_shape *shape =
        layer_shape(pass->model->chain[pass->model->first_layer + pass->model->settings.n_layers - 1].layer);
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

/* The hidden values of all outputs, or of the scored ones, from the output of the embedding. */
static rondo_value record_hidden(const struct model_pass *pass, rondo_value value) {
    const struct model *model = pass->model;
    struct model_probe *probe = pass->call->probe;
    int input_every_step = model->input_every_step;
    if (probe != NULL) {
        value = probe->input = probe_input(pass, "input", value);
    }
    for (int32_t i = model->first_layer; i < model->n_links - 1; i++) {
        const int32_t number = i - model->first_layer;
        const int is_layer = number < model->settings.n_layers; /* else the pool */
        struct layer_call call = call_of_decoder(pass, &model->chain[i], &value, input_every_step);
        call.probe = is_layer ? probe_of(pass, model->settings.n_encoder + number) : NULL;
        rondo_value output = layer_record(model->chain[i].layer, pass->tape, &call);
        if (probe != NULL && number == model->settings.n_layers - 1) {
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
    const struct layer_call call = call_of_decoder(pass, head, inputs, 1);
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

/* Streams, encoder and layers. */
static rondo_status record_layers(struct model_pass *pass, rondo_value *hidden) {
    const struct model *model = pass->model;
    const struct model_call *call = pass->call;
    const int encodes = model->bridge >= 0 && call->memory == NULL;
    RONDO_CHECK(!encodes || (call->source != NULL && call->source->time->rows == call->time->rows),
                tape_errors(pass->tape), "a model with an encoder reads a source for each row, or the memory of one");
    RONDO_TRY(prepare_states(pass));
    RONDO_TRY(prepare_probe(pass));
    RONDO_TRY(add_chosen_rows(pass));
    const struct embedding_output streams = embed(pass, EMBEDDING_INPUTS | (encodes ? EMBEDDING_SOURCE : 0));
    if (encodes) {
        RONDO_TRY(encode(pass, streams.source));
    } else if (call->memory != NULL) {
        pass->memory = *call->memory;
    }
    *hidden = record_hidden(pass, streams.inputs);
    return tape_status(pass->tape);
}

rondo_status model_record(const struct model *model, struct tape *tape, const struct model_call *call,
                          struct model_result *result) {
    const rondo_value none = {-1};
    struct model_pass pass = {.model = model, .tape = tape, .call = call, .memory = {.values = none}};
    *result = (struct model_result){none, none, none, none, pass.memory, NULL};
    tape_set_training(tape, call->training);
    const rondo_status status = record_layers(&pass, &result->hidden);
    if (status != RONDO_OK) {
        tape_fail(tape, status);
        return status;
    }
    result->memory = pass.memory;
    result->final = call->reruns ? pass.final : NULL;
    record_head(&pass, result);
    if (call->kept != NULL) {
        states_keep(call->kept, call->lane, call->time->rows, tape, pass.final);
    }
    return tape_status(tape);
}

rondo_status model_encode(const struct model *model, struct tape *tape, const struct model_call *call,
                          struct layer_memory *memory, struct states *initial) {
    const struct model_call of_source = {.time = call->source->time,
                                         .parameters = call->parameters,
                                         .source = call->source,
                                         .stream = call->stream,
                                         .stepwise = call->stepwise};
    struct model_pass pass = {.model = model, .tape = tape, .call = &of_source, .memory = {.values = {-1}}};
    RONDO_CHECK(model->bridge >= 0, tape_errors(tape), "the model has an encoder");
    tape_set_training(tape, 0);
    const struct embedding_output streams = embed(&pass, EMBEDDING_SOURCE);
    const rondo_status status = encode(&pass, streams.source);
    if (status != RONDO_OK) {
        tape_fail(tape, status);
        return status;
    }
    *memory = pass.memory;
    if (pass.initial != NULL) {
        states_keep(initial, call->lane, call->source->time->rows, tape, pass.initial);
    }
    return tape_status(tape);
}
