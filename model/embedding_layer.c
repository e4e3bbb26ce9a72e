#include "model/embedding_layer.h"

#include "model/apply.h"
#include "model/packed.h"

struct embedding_input {
    struct model_input settings;
    int32_t parameter; /* number of its table, or of its W, which b follows; -1: numbers that enter as they are */
    const char *word_dropout; /* the name of the random stream */
};

struct embedding_layer {
    struct layer layer;
    struct embedding_input *inputs;
    int32_t n_inputs;
    int every_step;  /* the output has all steps */
    int has_vectors; /* some stream is embedded */
};

static int is_embedded(const struct model_input *input) {
    return input->embedding_size > 0;
}

/* The first embedded stream whose vectors are added; NULL: none. */
static const struct model_input *first_embedded(const struct model_input *inputs, int32_t n_inputs) {
    for (int32_t i = 0; i < n_inputs; i++) {
        if (is_embedded(&inputs[i]) && !inputs[i].is_source) {
            return &inputs[i];
        }
    }
    return NULL;
}

int64_t embedding_layer_width(const struct model_input *inputs, int32_t n_inputs) {
    const struct model_input *first = first_embedded(inputs, n_inputs);
    int64_t width = first == NULL ? 0 : first->embedding_size;
    for (int32_t i = 0; i < n_inputs; i++) {
        if (inputs[i].is_source) {
            continue;
        }
        if (is_embedded(&inputs[i]) && inputs[i].embedding_size != first->embedding_size) {
            return 0;
        }
        width += is_embedded(&inputs[i]) ? 0 : inputs[i].size;
    }
    return width;
}

int embedding_layer_every_step(const struct model_input *inputs, int32_t n_inputs) {
    for (int32_t i = 0; i < n_inputs; i++) {
        if (inputs[i].every_step && !inputs[i].is_source) {
            return 1;
        }
    }
    return 0;
}

static rondo_status check_inputs(const struct model_input *inputs, int32_t n_inputs, struct errors *errors) {
    const struct model_input *first = first_embedded(inputs, n_inputs);
    if (n_inputs < 1 || inputs[0].is_source) {
        return errors_add(errors, RONDO_INVALID,
                          "the model reads nothing: expected an input, or its own output at the step before");
    }
    for (int32_t i = 0; i < n_inputs; i++) {
        const struct model_input *input = &inputs[i];
        if ((input->symbols > 0 ? input->embedding_size : input->size) < 1) {
            return errors_add_at(errors, RONDO_INVALID, input->where, "stream '%s' has no width: %s", input->name,
                                 input->symbols > 0 ? "symbols need an embedding" : "it has no numbers");
        }
        if (is_embedded(input) && !input->is_source && input->embedding_size != first->embedding_size) {
            return errors_add_at(errors, RONDO_INVALID, input->where,
                                 "the vectors of streams '%s' and '%s' are added, and they are %lld and %lld wide; "
                                 "expected the same embedding size",
                                 first->name, input->name, (long long)first->embedding_size,
                                 (long long)input->embedding_size);
        }
        RONDO_CHECK(input->share < 0 || (input->share < i && input->symbols > 0 && inputs[input->share].symbols > 0),
                    errors, "a table is shared with an earlier stream, both of symbols");
        if (input->share >= 0 && input->embedding_size != inputs[input->share].embedding_size) {
            return errors_add_at(
                errors, RONDO_INVALID, input->where,
                "streams '%s' and '%s' share their vectors, which are %lld and %lld wide; expected the "
                "same embedding size",
                inputs[input->share].name, input->name, (long long)inputs[input->share].embedding_size,
                (long long)input->embedding_size);
        }
        if (input->share >= 0 && input->init_std != inputs[input->share].init_std) {
            return errors_add_at(
                errors, RONDO_INVALID, input->where,
                "streams '%s' and '%s' share their vectors, which have 'init_std' %g and %g; expected the same",
                inputs[input->share].name, input->name, inputs[input->share].init_std, input->init_std);
        }
        RONDO_CHECK(!input->is_source || (i == n_inputs - 1 && input->every_step), errors,
                    "the source is the last input, with a value at every step");
    }
    return RONDO_OK;
}

/* The input that owns the table which input `i` uses. */
static int32_t owner_of(const struct model_input *inputs, int32_t i) {
    while (inputs[i].share >= 0) {
        i = inputs[i].share;
    }
    return i;
}

/* Rows of the table that input `owner` owns. */
static int64_t table_rows(const struct model_input *inputs, int32_t n_inputs, int32_t owner) {
    int64_t rows = 0;
    for (int32_t i = 0; i < n_inputs; i++) {
        if (inputs[i].symbols > rows && owner_of(inputs, i) == owner) {
            rows = inputs[i].symbols;
        }
    }
    return rows;
}

/* The row of the table of input `owner` that begins at zero, counted from 1: that of the unknown word, if some stream replaces
 * words by it. */
static int64_t zero_row(const struct model_input *inputs, int32_t n_inputs, int32_t owner) {
    int64_t row = 0;
    for (int32_t i = 0; i < n_inputs; i++) {
        if (inputs[i].drop != NULL && owner_of(inputs, i) == owner) {
            row = inputs[i].unknown + 1;
        }
    }
    return row;
}

/* Adds the parameters of input `i` to the list. */
static void list_parameters_of(struct embedding_layer *layer, const struct model_input *inputs, int32_t i,
                               const char *prefix, int32_t dtype, struct layer_parameter *parameters) {
    const struct model_input *input = &inputs[i];
    const struct initialiser normal = {.kind = INITIALISE_NORMAL, .a = input->init_std},
                             glorot = {.kind = INITIALISE_GLOROT}, zeros = {.kind = INITIALISE_CONSTANT};
    struct arena *arena = layer->layer.arena;
    int32_t *count = &layer->layer.shape.n_parameters;
    layer->inputs[i].parameter = -1;
    if (input->share >= 0) {
        layer->inputs[i].parameter = layer->inputs[input->share].parameter;
    } else if (input->symbols > 0) {
        layer->inputs[i].parameter = *count;
        parameters[(*count)++] = (struct layer_parameter){
            .name = arena_printf(arena, "%sW", prefix),
            .shape = tensor_2d(dtype, table_rows(inputs, layer->n_inputs, i), input->embedding_size, NULL),
            .initialiser = normal,
            .zero_row = zero_row(inputs, layer->n_inputs, i),
            .by_rows = 1,
            .is_lazy = input->lazy};
    } else if (is_embedded(input)) {
        layer->inputs[i].parameter = *count;
        parameters[(*count)++] =
            (struct layer_parameter){.name = arena_printf(arena, "%s.W", input->name),
                                     .shape = tensor_2d(dtype, input->size, input->embedding_size, NULL),
                                     .initialiser = glorot};
        parameters[(*count)++] = (struct layer_parameter){.name = arena_printf(arena, "%s.b", input->name),
                                                          .shape = tensor_1d(dtype, input->embedding_size, NULL),
                                                          .initialiser = zeros};
    }
}

static const float *copy_drop(const struct model_input *input, struct arena *arena) {
    float *copy = input->drop == NULL ? NULL : arena_calloc(arena, (size_t)input->symbols, sizeof *copy);
    for (int64_t id = 0; copy != NULL && id < input->symbols; id++) {
        copy[id] = input->drop[id];
    }
    return copy;
}

static rondo_status copy_inputs(struct embedding_layer *layer, const struct model_input *inputs, int32_t dtype,
                                struct errors *errors) {
    struct arena *arena = layer->layer.arena;
    const size_t count = (size_t)layer->n_inputs;
    layer->inputs = arena_calloc(arena, count, sizeof *layer->inputs);
    struct layer_parameter *parameters = arena_calloc(arena, 2 * count, sizeof *parameters);
    if (arena_failed(arena)) {
        return errors_no_memory(errors);
    }
    int32_t of_symbols = 0, tables = 0;
    for (int32_t i = 0; i < layer->n_inputs; i++) {
        of_symbols += inputs[i].symbols > 0;
        tables += inputs[i].symbols > 0 && inputs[i].share < 0;
    }
    for (int32_t i = 0; i < layer->n_inputs; i++) {
        struct embedding_input *input = &layer->inputs[i];
        input->settings = inputs[i];
        input->settings.name = arena_strdup(arena, inputs[i].name);
        input->settings.where = (struct location){0};
        input->settings.drop = copy_drop(&inputs[i], arena);
        input->word_dropout = of_symbols > 1 ? arena_printf(arena, "word_dropout.%s", inputs[i].name) : "word_dropout";
        const char *prefix = tables > 1 ? arena_printf(arena, "%s.", inputs[i].name) : "";
        list_parameters_of(layer, inputs, i, prefix, dtype, parameters);
    }
    layer->layer.shape.parameters = parameters;
    return arena_failed(arena) ? errors_no_memory(errors) : RONDO_OK;
}

/* ---- recording ---- */

/* A pass while it is recorded. */
struct embedding_pass {
    const struct embedding_layer *layer;
    struct tape *tape;
    const struct layer_call *call;
    int parts;           /* enum embedding_part, or-ed */
    rondo_tensor *ids;   /* [n_inputs] of streams of symbols: numbers of rows in their table on the tape */
    rondo_value *tables; /* [n_parameters] those on the tape */
};

/* 1 if the pass records what this stream belongs to. */
static int is_recorded(const struct embedding_pass *pass, int32_t i) {
    return (pass->parts & (pass->layer->inputs[i].settings.is_source ? EMBEDDING_SOURCE : EMBEDDING_INPUTS)) != 0;
}

/* The table by rows of an input; NULL: the whole table is on the tape. */
static struct row_table *rows_of(const struct embedding_pass *pass, const struct embedding_input *input) {
    return pass->call->rows == NULL ? NULL : pass->call->rows[input->parameter];
}

/* Replaces some of the ids by the unknown word, in memory of the tape. */
static rondo_status drop_words(const struct embedding_pass *pass, const struct embedding_input *input,
                               rondo_tensor *ids) {
    const struct model_input *settings = &input->settings;
    const struct rng_stream stream = rng_stream(pass->call->stream.key, input->word_dropout);
    const int32_t *from = ids->data;
    RONDO_TRY(tensor_alloc(ids, tape_arena(pass->tape), tape_errors(pass->tape)));
    for (int64_t i = 0; i < rondo_count(ids); i++) {
        const double share = settings->drop != NULL ? (double)settings->drop[from[i]] : settings->word_dropout;
        ((int32_t *)ids->data)[i] = rng_uniform(stream, (uint64_t)i) < share ? settings->unknown : from[i];
    }
    return RONDO_OK;
}

/* Adds the rows of the ids to the table, and replaces the ids by the numbers of these rows. */
static rondo_status add_rows(const struct embedding_pass *pass, struct row_table *rows, rondo_tensor *ids) {
    const int32_t *from = ids->data;
    RONDO_TRY(tensor_alloc(ids, tape_arena(pass->tape), tape_errors(pass->tape)));
    return row_table_add(rows, from, rondo_count(ids), ids->data, tape_errors(pass->tape));
}

/* The ids that the gather of an input uses. */
static rondo_status find_ids(const struct embedding_pass *pass, int32_t i) {
    const struct embedding_input *input = &pass->layer->inputs[i];
    const rondo_tensor *ids = tape_tensor(pass->tape, pass->call->inputs[i]);
    if (input->settings.symbols == 0 || ids == NULL) {
        return RONDO_OK; /* numbers; or it failed before */
    }
    pass->ids[i] = *ids;
    const int drops = input->settings.drop != NULL || input->settings.word_dropout > 0;
    if (tape_is_training(pass->tape) && drops && input->settings.unknown >= 0) {
        RONDO_TRY(drop_words(pass, input, &pass->ids[i]));
    }
    struct row_table *rows = rows_of(pass, input);
    return rows == NULL ? RONDO_OK : add_rows(pass, rows, &pass->ids[i]);
}

/* All rows of a table are known before it is put on the tape, so the ids of all streams are found first. */
static rondo_status bind_tables(struct embedding_pass *pass) {
    const struct embedding_layer *layer = pass->layer;
    struct arena *arena = tape_arena(pass->tape);
    pass->ids = arena_calloc(arena, (size_t)layer->n_inputs, sizeof *pass->ids);
    pass->tables = arena_calloc(arena, (size_t)layer->layer.shape.n_parameters + 1, sizeof *pass->tables);
    if (arena_failed(arena)) {
        return errors_no_memory(tape_errors(pass->tape));
    }
    for (int32_t i = 0; i < layer->n_inputs; i++) {
        RONDO_TRY(is_recorded(pass, i) ? find_ids(pass, i) : RONDO_OK);
    }
    for (int32_t p = 0; p < layer->layer.shape.n_parameters; p++) {
        struct row_table *rows = pass->call->rows == NULL ? NULL : pass->call->rows[p];
        pass->tables[p] = pass->call->parameters[p];
        if (rows != NULL) {
            pass->tables[p] = row_table_bind(rows, pass->tape);
        }
    }
    return RONDO_OK;
}

/* The value of a stream that has one only at the first step of a sequence: zeros for rows that continue. [rows, …] */
static rondo_value at_first_step(struct tape *tape, const struct layer_call *call, rondo_value value) {
    const rondo_tensor *tensor = tape_tensor(tape, value);
    if (tensor == NULL || call->starts == NULL) {
        return value;
    }
    const rondo_value zero = tape_zeros(tape, tensor_1d(tensor->dtype, 1, NULL));
    return apply_where(tape, layer_starts(tape, call, *tensor), value, zero);
}

/* What one stream contributes, at all steps if the layer has all steps. */
static rondo_value contribution(const struct embedding_pass *pass, int32_t i) {
    const struct embedding_input *input = &pass->layer->inputs[i];
    struct tape *tape = pass->tape;
    rondo_value value = pass->call->inputs[i];
    if (input->settings.symbols > 0) {
        const rondo_value table = pass->tables[input->parameter];
        value = tape_tensor(tape, value) == NULL ? value                               /* it failed before */
                : tape_changes(tape, value)      ? apply_gather_by(tape, table, value) /* a pass that is run again */
                                                 : apply_gather(tape, table, &pass->ids[i]);
    } else if (is_embedded(&input->settings)) {
        value = apply_matmul(tape, value, pass->tables[input->parameter]);
        value = apply_add(tape, value, pass->tables[input->parameter + 1]);
    }
    value = apply_dropout(tape, value, input->settings.dropout);
    if (input->settings.every_step) {
        return value;
    }
    value = at_first_step(tape, pass->call, value);
    return pass->layer->every_step ? packed_from_first(tape, pass->call->time, value) : value;
}

struct embedding_output embedding_layer_record(const struct layer *base, struct tape *tape,
                                               const struct layer_call *call, int wanted) {
    const struct embedding_layer *layer = (const struct embedding_layer *)base;
    struct embedding_pass pass = {.layer = layer, .tape = tape, .call = call, .parts = wanted};
    struct embedding_output output = {{-1}, {-1}};
    layer_enter(tape, call, "");
    const rondo_status status = bind_tables(&pass);
    rondo_value *parts = arena_calloc(tape_arena(tape), (size_t)layer->n_inputs + 1, sizeof *parts);
    if (status != RONDO_OK || parts == NULL) {
        output.inputs = tape_fail(tape, status != RONDO_OK ? status : errors_no_memory(tape_errors(tape)));
        output.source = output.inputs;
        return output;
    }
    int32_t n_vectors = 0, n_parts = layer->has_vectors; /* parts[0]: their sum */
    for (int32_t i = 0; i < layer->n_inputs; i++) {
        if (!is_recorded(&pass, i)) {
            continue;
        }
        const rondo_value value = contribution(&pass, i);
        if (layer->inputs[i].settings.is_source) {
            output.source = value;
        } else if (is_embedded(&layer->inputs[i].settings)) {
            parts[0] = n_vectors++ == 0 ? value : apply_add(tape, parts[0], value);
        } else {
            parts[n_parts++] = value;
        }
    }
    if (wanted & EMBEDDING_INPUTS) {
        output.inputs = n_parts == 1 ? parts[0] : apply_concat(tape, 1, parts, n_parts);
    }
    return output;
}

static rondo_value record(const struct layer *layer, struct tape *tape, const struct layer_call *call) {
    return embedding_layer_record(layer, tape, call, EMBEDDING_INPUTS).inputs;
}

/* ---- the kind ---- */

static int64_t flops(const struct layer *base) {
    const struct embedding_layer *layer = (const struct embedding_layer *)base;
    int64_t flops = 0;
    int32_t n_embedded = 0;
    for (int32_t i = 0; i < layer->n_inputs; i++) {
        const struct model_input *input = &layer->inputs[i].settings;
        if (input->is_source) {
            continue; /* steps of another axis */
        }
        n_embedded += is_embedded(input);
        if (is_embedded(input) && input->symbols == 0) {
            flops += (2 * input->size + 1) * input->embedding_size;
        }
        if (is_embedded(input) && n_embedded > 1) {
            flops += input->embedding_size; /* added to the sum */
        }
    }
    return flops;
}

static const struct layer_class embedding_class = {"embedding", NULL, record, flops};

struct layer *embedding_layer_create(const struct model_input *inputs, int32_t n_inputs, int32_t dtype,
                                     struct errors *errors) {
    if (check_inputs(inputs, n_inputs, errors) != RONDO_OK) {
        return NULL;
    }
    struct embedding_layer *layer = layer_new(&embedding_class, sizeof *layer, errors);
    if (layer == NULL) {
        return NULL;
    }
    layer->n_inputs = n_inputs;
    layer->every_step = embedding_layer_every_step(inputs, n_inputs);
    layer->has_vectors = first_embedded(inputs, n_inputs) != NULL;
    layer->layer.shape.width = embedding_layer_width(inputs, n_inputs);
    layer->layer.shape.is_causal = 1;
    if (copy_inputs(layer, inputs, dtype, errors) != RONDO_OK) {
        layer_destroy(&layer->layer);
        return NULL;
    }
    return &layer->layer;
}

int64_t embedding_layer_source_width(const struct layer *base) {
    const struct embedding_layer *layer = (const struct embedding_layer *)base;
    const struct model_input *last = &layer->inputs[layer->n_inputs - 1].settings;
    return !last->is_source ? 0 : is_embedded(last) ? last->embedding_size : last->size;
}

const char *embedding_layer_name(const struct layer *layer, int32_t input) {
    return ((const struct embedding_layer *)layer)->inputs[input].settings.name;
}

int32_t embedding_layer_table(const struct layer *base, int32_t input) {
    const struct embedding_layer *layer = (const struct embedding_layer *)base;
    return layer->inputs[input].settings.symbols > 0 ? layer->inputs[input].parameter : -1;
}
