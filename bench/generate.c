/* bench/generate.c: how fast a language model writes, as JSON on standard output.
 *
 *     bench_generate CELL LAYERS HIDDEN SYMBOLS TEXTS THREADS SECONDS [--beam=N] [--symbols=N]
 *         A model with random weights draws symbols (temperature 1; with --beam, a beam search) for TEXTS texts at the same time, in
 *         runs of 1000 symbols, for SECONDS. Prints
 *         - the median time of a symbol of each text, in seconds, and the symbols of all texts per second;
 *         - the bytes of the weights that a step reads, in millions, and the rate at which it reads them.
 *         --symbols writes as many symbols, and measures nothing: to count instructions.
 *
 * generate.py calls this and its PyTorch peers in turns.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/timing.h"
#include "core/options.h"
#include "lang/cell_file.h"
#include "train/generate.h"

enum { MOST_BEAMS = 1024, MOST_LAYERS = 8, MOST_TEXTS = 1024, RUN = 1000, MOST_TIMINGS = 100000 };

struct writer {
    struct arena *arena;
    struct session *session;
    struct dataset *shape;
    struct network *network;
    struct generator *generator;
};

static rondo_status make_shape(struct writer *writer, int64_t symbols, struct errors *errors) {
    writer->shape = dataset_create(errors);
    struct stream *target = writer->shape == NULL
                                ? NULL
                                : dataset_stream(writer->shape, "target", STREAM_CLASS, STORE_I32, symbols, errors);
    return target == NULL ? errors->status : RONDO_OK;
}

static rondo_status make_network(struct writer *writer, const char *name, int32_t n_layers, int64_t hidden,
                                 int64_t symbols, struct errors *errors) {
    const struct cell_definition *cell =
        cell_file_read(argument_cell(writer->session, name, writer->arena), writer->arena, errors);
    const rondo_descriptor *loss = registry_resolve(writer->session->registry, RONDO_KIND_LOSS, "softmax_cross_entropy",
                                                    (struct location){0}, errors);
    struct loss_term *term = arena_calloc(writer->arena, 1, sizeof *term);
    if (cell == NULL || loss == NULL || term == NULL) {
        return errors->count > 0 ? errors->status : errors_no_memory(errors);
    }
    *term = (struct loss_term){
        .loss = (const rondo_loss *)loss,
        .options = options_create(loss->options, loss->options_size, writer->arena, errors),
        .weight = 1,
        .origin = "bench",
    };
    struct cell_layer_settings layers[MOST_LAYERS];
    for (int32_t i = 0; i < n_layers; i++) {
        layers[i] = (struct cell_layer_settings){.cell = cell, .hidden = hidden};
    }
    const struct model_input previous = {.name = "previous",
                                         .symbols = symbols + 1,
                                         .embedding_size = hidden,
                                         .init_std = 0.1,
                                         .unknown = -1,
                                         .share = -1,
                                         .every_step = 1};
    const struct architecture architecture = {1, 1};
    const struct network_settings settings = {.model = {.dtype = RONDO_F32,
                                                        .architecture = architecture,
                                                        .inputs = &previous,
                                                        .n_inputs = 1,
                                                        .layers = layers,
                                                        .n_layers = n_layers},
                                              .plan = {.architecture = architecture, .dtype = RONDO_F32, .feedback = 1},
                                              .loss = {term, 1},
                                              .target_kind = RONDO_TARGET_CLASS,
                                              .target_size = symbols};
    writer->network = network_create(&settings, writer->session, errors);
    return writer->network == NULL ? errors->status : model_initialise(network_model(writer->network), 1, NULL, errors);
}

/* Begins TEXTS texts, and takes the steps that allocate memory. */
static rondo_status start(struct writer *writer, int64_t texts, struct errors *errors) {
    static struct generate_prompt prompts[MOST_TEXTS];
    for (int64_t i = 0; i < texts; i++) {
        prompts[i].number = (uint64_t)i;
    }
    const struct generate_prompts all = {.prompts = prompts, .count = texts};
    int64_t n_alive;
    RONDO_TRY(generator_start(writer->generator, &all, errors));
    for (int i = 0; i < 3; i++) {
        RONDO_TRY(generator_step(writer->generator, &n_alive, errors));
    }
    return RONDO_OK;
}

/* The matrices of the layers and of the head: the tables of embeddings are read by rows. */
static double weight_bytes(const struct writer *writer) {
    const struct model *model = network_model(writer->network);
    double bytes = 0;
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const struct model_parameter *parameter = &model_parameters(model)[p];
        bytes += parameter->by_rows ? 0 : (double)tensor_bytes(&parameter->value);
    }
    return bytes;
}

static rondo_status measure(struct writer *writer, int64_t texts, double seconds, int64_t symbols,
                            struct errors *errors) {
    static double timings[MOST_TIMINGS];
    int64_t n_alive;
    RONDO_TRY(start(writer, texts, errors));
    for (int64_t i = 0; i < symbols; i++) {
        RONDO_TRY(generator_step(writer->generator, &n_alive, errors));
    }
    if (symbols > 0) {
        return RONDO_OK;
    }
    int count = 0;
    const double end = timing_now(CLOCK_MONOTONIC) + seconds;
    for (int64_t step = 3; count < MOST_TIMINGS && (count < 3 || timing_now(CLOCK_MONOTONIC) < end); step++) {
        if (step == RUN) {
            RONDO_TRY(start(writer, texts, errors));
            step = 3;
        }
        const double before = timing_now(CLOCK_MONOTONIC);
        RONDO_TRY(generator_step(writer->generator, &n_alive, errors));
        timings[count++] = timing_now(CLOCK_MONOTONIC) - before;
    }
    const double median = timing_median(timings, count), bytes = weight_bytes(writer);
    printf("{\"seconds\": %.6e, \"symbols\": %.1f, \"timings\": %d, \"megabytes\": %.2f, \"gbytes\": %.2f}\n", median,
           (double)texts / median, count, 1e-6 * bytes, 1e-9 * bytes / median);
    return RONDO_OK;
}

static rondo_status run(char **argv, int64_t beams, int64_t symbols, struct errors *errors) {
    struct writer writer = {.arena = arena_create()};
    enum { MOST = 1 << 30 };
    const int32_t n_layers = (int32_t)argument_whole("LAYERS", argv[2], 1, MOST_LAYERS);
    const int64_t hidden = argument_whole("HIDDEN", argv[3], 1, MOST),
                  size = argument_whole("SYMBOLS", argv[4], 2, MOST),
                  texts = argument_whole("TEXTS", argv[5], 1, MOST_TEXTS);
    const struct session_settings of_session = {.threads = argument_threads(argv[6])};
    const double seconds = argument_seconds(argv[7]);
    const struct generate_settings settings = {.beams = beams,
                                               .samples = 1,
                                               .n_best = 1,
                                               .max_length = symbols > RUN ? symbols + 10 : RUN + 10,
                                               .temperature = beams > 1 ? 0 : 1,
                                               .top_p = 1,
                                               .repetition = 1};
    writer.session = session_create(&of_session, errors);
    rondo_status status = writer.session == NULL ? errors->status : make_shape(&writer, size, errors);
    status = status == RONDO_OK ? make_network(&writer, argv[1], n_layers, hidden, size, errors) : status;
    if (status == RONDO_OK) {
        writer.generator = generator_create(&writer.network, 1, writer.shape, &settings, errors);
        status = writer.generator == NULL ? errors->status : measure(&writer, texts, seconds, symbols, errors);
    }
    generator_destroy(writer.generator);
    network_destroy(writer.network);
    dataset_destroy(writer.shape);
    session_destroy(writer.session);
    arena_destroy(writer.arena);
    return status;
}

int main(int argc, char **argv) {
    int64_t beams = 1, symbols = 0;
    int known = argc >= 8;
    argument_paths();
    for (int i = 8; i < argc; i++) {
        if (strncmp(argv[i], "--beam=", 7) == 0) {
            beams = argument_whole("--beam", argv[i] + 7, 1, MOST_BEAMS);
        } else if (strncmp(argv[i], "--symbols=", 10) == 0) {
            symbols = argument_whole("--symbols", argv[i] + 10, 1, 1 << 30);
        } else {
            known = 0;
        }
    }
    if (!known) {
        fprintf(stderr,
                "usage: bench_generate CELL LAYERS HIDDEN SYMBOLS TEXTS THREADS SECONDS [--beam=N] [--symbols=N]\n");
        return 2;
    }
    struct errors errors = {0};
    const rondo_status status = run(argv, beams, symbols, &errors);
    const int exit_status = status == RONDO_OK ? 0 : argument_report(&errors);
    errors_free(&errors);
    return exit_status;
}
