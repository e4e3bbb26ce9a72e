#include "train/task_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "train/profile.h"

/* The place of a key of `model` in the experiment. */
static struct location place_in_model(const struct task *task, const char *section, const char *key) {
    const struct yaml_node *model = yaml_get(task->experiment->root, "model");
    const struct yaml_node *node = yaml_get(section == NULL ? model : yaml_get(model, section), key);
    return node == NULL ? model->where : node->where;
}

/* How often each id of a stream occurs in the training data. */
static void count_ids(const struct dataset *train, const struct stream *stream, int64_t *counts) {
    for (int64_t i = 0; i < train->count; i++) {
        for (int64_t k = stream->begin[i]; k < stream->begin[i] + stream->length[i]; k++) {
            const int32_t id = stream_id(stream, k);
            counts[id < 0 ? stream->unknown : id]++; /* a step without a target, in "previous" */
        }
    }
}

/* The probability with which each id is replaced by the unknown one in training. With n occurrences in the training data,
 * it is (Kiperwasser & Goldberg 2016)
 *
 *     max(word_dropout, a / (n + a))      a = rare_word_dropout
 *
 * The start symbol of "previous", the last id, is never replaced. NULL with an error: out of memory. */
static const float *drop_by_count(const struct task *task, const struct batch_input *input,
                                  const struct embedding_options *options, struct errors *errors) {
    const int is_previous = strcmp(input->name, "previous") == 0;
    const struct stream *stream = dataset_find(task->data.train, is_previous ? "target" : input->name);
    float *drop = arena_calloc(task->experiment->arena, (size_t)input->symbols, sizeof *drop);
    int64_t *counts = memory_calloc((size_t)input->symbols, sizeof *counts);
    if (drop != NULL && counts != NULL) {
        count_ids(task->data.train, stream, counts);
    } else {
        errors_no_memory(errors);
        drop = NULL;
    }
    for (int64_t id = 0; drop != NULL && id < stream->size; id++) {
        const double rare = options->rare_word_dropout / ((double)counts[id] + options->rare_word_dropout);
        drop[id] = (float)fmax(options->word_dropout, rare);
    }
    free(counts);
    return drop;
}

static const struct embedding_options *options_of(const struct experiment *experiment, const char *stream) {
    static const struct embedding_options none;
    return strcmp(stream, "previous") == 0 ? &experiment->previous_embedding
           : strcmp(stream, "known") == 0  ? &none
           : strcmp(stream, "source") == 0 ? &experiment->source_embedding
                                           : &experiment->input_embedding;
}

/* The vocabulary of the symbols of a stream; NULL: they have no texts. */
static const struct vocabulary *names_of(const struct task *task, const char *stream) {
    const struct stream *from = dataset_find(task->data.shape, strcmp(stream, "previous") == 0 ? "target" : stream);
    return from == NULL ? NULL : from->names;
}

/* The number of the first stream before number `i` that shares its vectors with it; -1: none does. */
static int32_t find_shared(const struct task *task, const struct model_input *inputs, int32_t i) {
    const struct vocabulary *names = names_of(task, inputs[i].name);
    const int shares = inputs[i].symbols > 0 && options_of(task->experiment, inputs[i].name)->share;
    for (int32_t k = 0; k < i && shares && names != NULL; k++) {
        if (inputs[k].symbols > 0 && options_of(task->experiment, inputs[k].name)->share &&
            names_of(task, inputs[k].name) == names) {
            return k;
        }
    }
    return -1;
}

/* Stream number `i` of the model. */
static rondo_status add_input(const struct task *task, const struct batch_input *stream, struct model_input *inputs,
                              int32_t i, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const struct embedding_options *options = options_of(experiment, stream->name);
    const int has_vectors = stream->symbols > 0 || options->is_given;
    inputs[i] = (struct model_input){.name = stream->name,
                                     .symbols = stream->symbols,
                                     .size = stream->size,
                                     .embedding_size = has_vectors ? options->size : 0,
                                     .init_std = options->init_std,
                                     .dropout = has_vectors ? options->dropout : 0,
                                     .word_dropout = stream->unknown >= 0 ? options->word_dropout : 0,
                                     .unknown = stream->unknown,
                                     .lazy = stream->symbols > 0 && options->lazy,
                                     .every_step = stream->every_step,
                                     .where = options->where};
    inputs[i].share = find_shared(task, inputs, i);
    const int trains = experiment->optimizer.optimizer.descriptor != NULL && task->data.train != NULL;
    if (trains && stream->unknown >= 0 && options->rare_word_dropout > 0) {
        inputs[i].drop = drop_by_count(task, stream, options, errors);
        return inputs[i].drop == NULL ? errors->status : RONDO_OK;
    }
    return RONDO_OK;
}

/* Fills the streams that the model reads, that of the encoder last. Returns their number; -1 with an error. */
static int32_t add_inputs(const struct task *task, struct model_input *inputs, struct errors *errors) {
    struct batch_input streams[BATCH_MOST_INPUTS + 1];
    int32_t count = batch_inputs(task->data.shape, &task->plan, streams);
    if (task->experiment->layers.n_encoder > 0 && batch_source_input(task->data.shape, &streams[count])) {
        count++;
    }
    for (int32_t i = 0; i < count; i++) {
        if (add_input(task, &streams[i], inputs, i, errors) != RONDO_OK) {
            return -1;
        }
    }
    return count;
}

/* An encoder needs the stream "source", and nothing else reads it. */
static rondo_status check_source(const struct task *task, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    const struct yaml_node *model = yaml_get(experiment->root, "model");
    const int has_source = dataset_find(task->data.shape, "source") != NULL;
    const int has_encoder = experiment->layers.n_encoder > 0;
    if (has_encoder && !has_source) {
        return errors_add_at(errors, RONDO_INVALID, yaml_get(model, "encoder")->key_where,
                             "'model.encoder' reads the stream 'source', and reader '%s' does not give it here; %s",
                             experiment->data.reader->name,
                             strcmp(experiment->data.reader->name, "pairs") == 0
                                 ? "with 'data.aligned', or a source that is a class, 'model.layers' read the source"
                                 : "reader 'pairs' does");
    }
    if (has_source && !has_encoder) {
        return errors_add_at(errors, RONDO_INVALID, model->where,
                             "nothing reads the stream 'source' of reader '%s'; expected 'model.encoder', such as "
                             "[{cell: gru, hidden: 128, direction: both}]",
                             experiment->data.reader->name);
    }
    return RONDO_OK;
}

/* Refuses a model without inputs, and settings of embeddings that no stream of the data uses. */
static rondo_status check_embeddings(const struct task *task, const struct model_input *inputs, int32_t count,
                                     struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    static const char *const names[] = {"input", "previous", "source"};
    static const char *const how[] = {"", "; model.feedback makes it do so", "; model.encoder makes it do so"};
    if (count == 0 || strcmp(inputs[0].name, "source") == 0) {
        const struct yaml_node *model = yaml_get(experiment->root, "model");
        return errors_add_at(
            errors, RONDO_INVALID, model->where,
            "the model reads nothing: reader '%s' gives no stream 'input'; 'model.feedback: true' makes "
            "it read the target of the step before",
            experiment->data.reader->name);
    }
    int is_used = 0, has_unknown = 0, is_shared = 0;
    for (int32_t i = 0; i < count; i++) {
        is_used |= inputs[i].embedding_size > 0;
        has_unknown |= inputs[i].unknown >= 0;
        is_shared |= inputs[i].share >= 0;
    }
    if (experiment->embedding.is_given && !is_used) {
        return errors_add_at(
            errors, RONDO_INVALID, experiment->embedding.where,
            "'model.embedding' is not used: the inputs are numbers; model.embedding.input gives them a "
            "linear map");
    }
    for (int k = 0; k < 3; k++) {
        const struct embedding_options *own = options_of(experiment, names[k]);
        int is_read = 0;
        for (int32_t i = 0; i < count; i++) {
            is_read |= strcmp(inputs[i].name, names[k]) == 0;
        }
        if (own->is_given && !is_read) {
            return errors_add_at(errors, RONDO_INVALID, own->where,
                                 "'model.embedding.%s' is not used: the model does not read the stream '%s'%s",
                                 names[k], names[k], how[k]);
        }
    }
    if (experiment->embedding.share && !is_shared) {
        return errors_add_at(errors, RONDO_INVALID, place_in_model(task, "embedding", "share"),
                             "'model.embedding.share' is not used: no two streams that the model reads have the same "
                             "vocabulary");
    }
    if (experiment->embedding.word_dropout > 0 && is_used && !has_unknown) {
        return errors_add_at(errors, RONDO_INVALID, place_in_model(task, "embedding", "word_dropout"),
                             "'model.embedding.word_dropout' is not used: it replaces symbols by the unknown one, and "
                             "reader '%s' gives no unknown symbol here",
                             experiment->data.reader->name);
    }
    return RONDO_OK;
}

/* The input whose vectors a tied head uses: the one with the symbols of the targets. -1 with an error: there is none. */
static int32_t tied_input(const struct task *task, const struct model_input *inputs, int32_t count,
                          struct errors *errors) {
    const struct stream *input = dataset_find(task->data.shape, "input"),
                        *target = dataset_find(task->data.shape, "target");
    for (int32_t i = count - 1; i >= 0; i--) {
        const int is_previous = strcmp(inputs[i].name, "previous") == 0;
        const int has_names = input != NULL && input->names != NULL && input->names == target->names;
        if (inputs[i].symbols > 0 && (is_previous || has_names)) {
            return i;
        }
    }
    errors_add_at(errors, RONDO_INVALID, task->experiment->head.where,
                  "'model.head.tie' needs an input with the symbols of the targets; model.feedback gives one");
    return -1;
}

/* The settings of all layers, as the session runs them. */
static rondo_status make_layers(const struct task *task, struct task_model *model, struct errors *errors) {
    const struct experiment_layers *layers = &task->experiment->layers;
    const struct session *session = task->session;
    const int32_t count = layers_total(layers), n_encoder = layers_encoder_total(layers);
    model->layers = memory_calloc((size_t)count, sizeof *model->layers);
    model->blocks = memory_calloc((size_t)count, sizeof(struct block_layer_settings *));
    if (model->layers == NULL || model->blocks == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(session->profile == NULL ? RONDO_OK : profile_set_layers(session->profile, count, n_encoder, errors));
    layers_settings(layers, model->layers, model->blocks);
    for (int32_t i = 0; i < count; i++) {
        model->layers[i].engine = session->engine;
        model->layers[i].passes_off = session->passes_off;
        model->layers[i].probe = session->probe;
        if (session->profile != NULL) {
            model->layers[i].observe = profile_observe;
            model->layers[i].observe_arg = profile_layer(session->profile, i);
        }
    }
    return RONDO_OK;
}

rondo_status task_model_make(const struct task *task, struct task_model *model, struct errors *errors) {
    const struct experiment *experiment = task->experiment;
    RONDO_TRY(check_source(task, errors));
    const int32_t count = add_inputs(task, model->inputs, errors);
    if (count < 0) {
        return errors->status;
    }
    RONDO_TRY(check_embeddings(task, model->inputs, count, errors));
    const int32_t n_encoder = layers_encoder_total(&experiment->layers), n_inputs = count - (n_encoder > 0);
    const int32_t tied = experiment->head.tie ? tied_input(task, model->inputs, n_inputs, errors) : 0;
    if (tied < 0) {
        return RONDO_INVALID;
    }
    RONDO_TRY(make_layers(task, model, errors));
    model->settings = (struct model_settings){.dtype = task->plan.dtype,
                                              .architecture = experiment->architecture,
                                              .tie = experiment->head.tie,
                                              .tied = tied,
                                              .tied_where = experiment->head.where,
                                              .inputs = model->inputs,
                                              .n_inputs = n_inputs,
                                              .source_input = &model->inputs[n_inputs],
                                              .encoder = model->layers,
                                              .encoder_blocks = model->blocks,
                                              .n_encoder = n_encoder,
                                              .bridge = experiment->bridge.kind,
                                              .bridge_where = experiment->bridge.where,
                                              .layers = model->layers + n_encoder,
                                              .blocks = model->blocks + n_encoder,
                                              .n_layers = layers_total(&experiment->layers) - n_encoder,
                                              .pooling = (enum pooling)experiment->model.pool};
    return RONDO_OK;
}

void task_model_free(struct task_model *model) {
    free(model->layers);
    free(model->blocks);
}
