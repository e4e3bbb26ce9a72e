#include "tests/generate_fixture.h"

#include "lang/cell_file.h"

#include <check.h>
#include <string.h>

#include "core/options.h"

enum { EXAMPLES = 4, MOST_KNOWN = 64, HIDDEN = 12, EMBEDDING = 12 };

/* ---- data ---- */

/* Streams in the order in which their elements are added below. */
static struct dataset *make_streams(const struct generate_fixture_settings *settings, int64_t symbols) {
    struct dataset *data = dataset_create(&support.errors);
    ck_assert_ptr_nonnull(data);
    if (settings->input > 0) {
        ck_assert_ptr_nonnull(dataset_stream(data, "input", STREAM_CLASS, STORE_I32, settings->input, &support.errors));
    }
    if (settings->source > 0) {
        ck_assert_ptr_nonnull(
            dataset_stream(data, "source", STREAM_CLASS, STORE_I32, settings->source, &support.errors));
    }
    if (settings->known > 0) {
        ck_assert_ptr_nonnull(dataset_stream(data, "known", STREAM_REAL, STORE_F32, settings->known, &support.errors));
    }
    struct stream *target =
        settings->numbers > 0
            ? dataset_stream(data, "target", STREAM_REAL, STORE_F32, settings->numbers, &support.errors)
            : dataset_stream(data, "target", STREAM_CLASS, STORE_I32, symbols, &support.errors);
    ck_assert_ptr_nonnull(target);
    target->unknown = settings->numbers > 0 ? -1 : FIXTURE_UNKNOWN;
    target->end = settings->numbers > 0 ? -1 : FIXTURE_END;
    return data;
}

/* Example `example` has a source of its own length. */
static void add_example(struct dataset *data, int64_t example, const void *targets, int64_t count) {
    struct stream_part parts[DATASET_MOST_STREAMS];
    int32_t ids[DATASET_MOST_STREAMS][MOST_KNOWN];
    float numbers[MOST_KNOWN * 8];
    for (int32_t s = 0; s < data->n_streams; s++) {
        const struct stream *stream = &data->streams[s];
        const struct rng_stream random = rng_substream(rng_stream(1, stream->name), (uint64_t)example);
        if (strcmp(stream->name, "target") == 0) {
            parts[s] = (struct stream_part){targets, count};
        } else if (stream->kind == STREAM_REAL) {
            ck_assert_int_le(stream->size, 8);
            for (int64_t i = 0; i < MOST_KNOWN * stream->size; i++) {
                numbers[i] = (float)rng_normal(random, (uint64_t)i);
            }
            parts[s] = (struct stream_part){numbers, MOST_KNOWN};
        } else {
            const int64_t length = strcmp(stream->name, "source") == 0 ? 2 + (example * 5) % 7 : 1;
            for (int64_t i = 0; i < length; i++) {
                ids[s][i] = (int32_t)rng_below(random, (uint64_t)i, (uint64_t)stream->size);
            }
            parts[s] = (struct stream_part){ids[s], length};
        }
    }
    support_ok(&support, dataset_add(data, parts, &support.errors), "an example");
}

/* ---- model ---- */

static const rondo_descriptor *resolve(int32_t kind, const char *name) {
    const rondo_descriptor *found =
        registry_resolve(session->registry, kind, name, (struct location){0}, &support.errors);
    ck_assert_msg(found != NULL, "RONDO_PLUGIN_PATH: %s", support_error(&support));
    return found;
}

static const struct loss_term *make_loss(const char *name) {
    struct loss_term *term = arena_calloc(support.arena, 1, sizeof *term);
    const rondo_descriptor *loss = resolve(RONDO_KIND_LOSS, name);
    void *options = loss->options == NULL
                        ? NULL
                        : options_create(loss->options, loss->options_size, support.arena, &support.errors);
    ck_assert(term != NULL && (loss->options == NULL || options != NULL));
    *term = (struct loss_term){
        .loss = (const rondo_loss *)loss, .options = options, .weight = 1, .origin = "built for this test"};
    return term;
}

static int32_t make_inputs(const struct generate_fixture_settings *settings, const struct dataset *shape,
                           const struct batch_plan *plan, struct model_input inputs[BATCH_MOST_INPUTS]) {
    struct batch_input streams[BATCH_MOST_INPUTS];
    const int32_t count = batch_inputs(shape, plan, streams);
    for (int32_t i = 0; i < count; i++) {
        inputs[i] = (struct model_input){.name = streams[i].name,
                                         .symbols = streams[i].symbols,
                                         .size = streams[i].size,
                                         .embedding_size = EMBEDDING,
                                         .init_std = 0.1,
                                         .unknown = streams[i].unknown,
                                         .share = -1,
                                         .every_step = streams[i].every_step};
    }
    (void)settings;
    return count;
}

struct generate_fixture generate_fixture_create(const struct generate_fixture_settings *settings, int64_t symbols,
                                                double sharpness, uint64_t seed) {
    const int32_t dtype = settings->dtype_f64 ? RONDO_F64 : RONDO_F32;
    const struct architecture architecture = {settings->input == 0, 1};
    struct generate_fixture fixture = {.shape = make_streams(settings, symbols), .symbols = symbols};
    const struct batch_plan plan = {.architecture = architecture, .dtype = dtype, .feedback = 1};
    struct model_input inputs[BATCH_MOST_INPUTS];
    struct cell_layer_settings layers[4], encoder = {.cell = session_definition("gru"), .hidden = HIDDEN};
    const int32_t n_inputs = make_inputs(settings, fixture.shape, &plan, inputs);
    for (int32_t i = 0; i < settings->layers; i++) {
        layers[i] = (struct cell_layer_settings){.cell = session_definition(settings->cell),
                                                 .hidden = HIDDEN,
                                                 .memory = settings->source > 0 ? HIDDEN : 0,
                                                 .learn_initial_state = settings->learn_initial_state,
                                                 .engine = settings->tape ? ENGINE_TAPE : ENGINE_FUSED};
    }
    struct block_layer_settings block = {.block = NULL};
    const struct block_layer_settings *blocks[4] = {NULL};
    if (settings->block != NULL) {
        const char *file = session_find(session, SESSION_BLOCKS, settings->block, NULL, support.arena);
        block.block = block_file_read(file, support.arena, &support.errors);
        ck_assert_msg(block.block != NULL, "%s: %s", settings->name, support_error(&support));
        blocks[settings->layers] = &block;
    }
    const struct model_input source = {.name = "source",
                                       .symbols = settings->source,
                                       .embedding_size = EMBEDDING,
                                       .init_std = 0.1,
                                       .unknown = -1,
                                       .share = -1,
                                       .every_step = 1};
    const int is_real = settings->numbers > 0;
    const struct network_settings network = {.model = {.dtype = dtype,
                                                       .architecture = architecture,
                                                       .inputs = inputs,
                                                       .n_inputs = n_inputs,
                                                       .source_input = &source,
                                                       .encoder = &encoder,
                                                       .n_encoder = settings->source > 0,
                                                       .bridge = settings->bridge,
                                                       .layers = layers,
                                                       .blocks = blocks,
                                                       .n_layers = settings->layers + (settings->block != NULL),
                                                       .tie = settings->tie,
                                                       .tied = n_inputs - 1},
                                             .plan = plan,
                                             .loss = {make_loss(settings->loss != NULL ? settings->loss
                                                                : is_real              ? "squared_error"
                                                                                       : "softmax_cross_entropy"),
                                                      1},
                                             .target_kind = is_real ? RONDO_TARGET_REAL : RONDO_TARGET_CLASS,
                                             .target_size = is_real ? settings->numbers : symbols};
    fixture.network = network_create(&network, session, &support.errors);
    ck_assert_msg(fixture.network != NULL, "%s: %s", settings->name, support_error(&support));
    struct model *model = network_model(fixture.network);
    support_ok(&support, model_initialise(model, seed, NULL, &support.errors), settings->name);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        tensor_scale(value, 0, rondo_count(value), sharpness);
    }
    const int32_t id = FIXTURE_END;
    const float numbers[8] = {0};
    for (int64_t i = 0; i < EXAMPLES; i++) {
        add_example(fixture.shape, i, is_real ? (const void *)numbers : &id, 1);
    }
    return fixture;
}

void generate_fixture_destroy(struct generate_fixture *fixture) {
    network_destroy(fixture->network);
    dataset_destroy(fixture->shape);
}

/* ---- what it predicts ---- */

struct dataset *generate_fixture_example(const struct generate_fixture *fixture, int64_t example, const void *targets,
                                         int64_t count) {
    struct dataset *data = dataset_create(&support.errors);
    ck_assert_ptr_nonnull(data);
    for (int32_t s = 0; s < fixture->shape->n_streams; s++) {
        const struct stream *from = &fixture->shape->streams[s];
        struct stream *to = dataset_stream(data, from->name, from->kind, from->store, from->size, &support.errors);
        ck_assert_ptr_nonnull(to);
        to->unknown = from->unknown;
        to->end = from->end;
    }
    add_example(data, example, targets, count);
    return data;
}

void generate_fixture_predict(const struct generate_fixture *fixture, int64_t example, const int32_t *targets,
                              int64_t count, float *probabilities) {
    int32_t ids[MOST_KNOWN];
    ck_assert_int_lt(count, MOST_KNOWN);
    memcpy(ids, targets, sizeof *ids * (size_t)count);
    ids[count] = FIXTURE_END; /* not read: the output of its step is the prediction of it */
    struct dataset *data = generate_fixture_example(fixture, example, ids, count + 1);
    float *all = arena_alloc(support.arena, sizeof *all * (size_t)((count + 1) * fixture->symbols));
    ck_assert_ptr_nonnull(all);
    support_ok(&support, network_predict(fixture->network, data, 1, all, NULL, &support.errors), "predict");
    memcpy(probabilities, all + count * fixture->symbols, sizeof *all * (size_t)fixture->symbols);
    dataset_destroy(data);
}

struct generate_settings generate_fixture_greedy(int64_t most) {
    return (struct generate_settings){.beams = 1,
                                      .samples = 1,
                                      .n_best = 1,
                                      .max_length = most,
                                      .temperature = 0,
                                      .top_p = 1,
                                      .repetition = 1,
                                      .unknown = GENERATE_ALLOW};
}
