/* bench/optimizers.c: updates of one process, as JSON on standard output.
 *
 *     bench_optimizers NAME OPTIONS THREADS SECONDS CELL
 *         an update of all parameters of a model of some ten million numbers by the optimizer NAME with the options
 *         ("momentum=0.9"; "-": the defaults), for about that long: the median seconds, the numbers, the bytes that an
 *         update has to move (what it reads and writes of parameters, gradients and slots, once each), the rate
 *     bench_optimizers shapes CELL              the shapes of those parameters, for the peer
 *     bench_optimizers copy MIB THREADS         memcpy of that many MiB by all threads: bytes read and written a second
 *     bench_optimizers load                     loads every plug-in of RONDO_PLUGIN_PATH: their number, the seconds
 *
 * optimizers.py calls this in turn with its peer.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/timing.h"
#include "core/options.h"
#include "experiment/session.h"
#include "lang/cell_file.h"
#include "train/updater.h"

enum { MAX_TIMINGS = 10000, VOCABULARY = 42000, EMBEDDING = 64, HIDDEN = 768, LAYERS = 2, CLASSES = 2 };

static double now(void) {
    return timing_now(CLOCK_MONOTONIC);
}

/* ---- the model ---- */

struct optimizer_bench {
    struct errors errors;
    struct arena *arena;
    struct session *session;
    struct model *model;
};

static int open_bench(struct optimizer_bench *bench, const char *cell_file, int threads) {
    const struct session_settings settings = {.threads = threads};
    bench->arena = arena_create();
    bench->session = bench->arena == NULL ? NULL : session_create(&settings, &bench->errors);
    const struct cell_definition *cell =
        bench->session == NULL
            ? NULL
            : cell_file_read(argument_cell(bench->session, cell_file, bench->arena), bench->arena, &bench->errors);
    if (cell == NULL) {
        return 0;
    }
    struct cell_layer_settings layers[LAYERS];
    for (int i = 0; i < LAYERS; i++) {
        layers[i] = (struct cell_layer_settings){.cell = cell, .hidden = HIDDEN};
    }
    const struct model_input input = {.name = "input",
                                      .symbols = VOCABULARY,
                                      .embedding_size = EMBEDDING,
                                      .init_std = 0.1,
                                      .unknown = -1,
                                      .share = -1,
                                      .every_step = 1};
    const struct model_settings model = {.dtype = RONDO_F32,
                                         .inputs = &input,
                                         .n_inputs = 1,
                                         .layers = layers,
                                         .n_layers = LAYERS,
                                         .output_size = CLASSES,
                                         .architecture = {1, 0}};
    bench->model = model_create(&model, bench->session->registry, &bench->errors);
    return bench->model != NULL && model_allocate(bench->model, &bench->errors) == RONDO_OK;
}

/* Returns the exit status. */
static int close_bench(struct optimizer_bench *bench) {
    const int status = bench->errors.count > 0 ? argument_report(&bench->errors) : 0;
    errors_free(&bench->errors);
    model_destroy(bench->model);
    session_destroy(bench->session);
    arena_destroy(bench->arena);
    return status;
}

static void fill(const rondo_tensor *tensor, float scale) {
    float *data = tensor->data;
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        data[i] = scale * (float)(i % 17 - 8);
    }
}

static void print_shapes(const struct model *model) {
    printf("{\"shapes\": [");
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        const rondo_tensor *value = &model_parameters(model)[p].value;
        printf("%s[", p == 0 ? "" : ", ");
        for (int32_t d = 0; d < value->ndim; d++) {
            printf("%s%lld", d == 0 ? "" : ", ", (long long)value->shape[d]);
        }
        printf("]");
    }
    printf("]}\n");
}

static int bench_shapes(const char *cell_file) {
    struct optimizer_bench bench = {0};
    if (open_bench(&bench, cell_file, 1)) {
        print_shapes(bench.model);
    }
    return close_bench(&bench);
}

/* ---- updates ---- */

/* Bytes that an update moves for each number: value read and written, gradient read, slots read and written. */
static int64_t bytes_of(const rondo_optimizer *optimizer, const void *options) {
    int64_t moved = 3 * (int64_t)sizeof(float);
    for (int32_t s = 0; optimizer->slots != NULL && optimizer->slots[s].name != NULL; s++) {
        rondo_tensor shape = {.dtype = RONDO_F32, .ndim = 1};
        const rondo_tensor parameter = {.dtype = RONDO_F32, .ndim = 1, .shape = {1}};
        const int is_chosen = optimizer->slots[s].shape == RONDO_SLOT_CHOSEN;
        if (is_chosen && optimizer->choose_slot(NULL, options, s, &parameter, &shape) != RONDO_OK) {
            return 0;
        }
        moved += !is_chosen || rondo_count(&shape) > 0 ? 2 * (int64_t)sizeof(float) : 0;
    }
    return moved;
}

/* All rows of a table occur. */
static rondo_status make_gradient(struct optimizer_bench *bench, const struct model_parameter *parameter,
                                  struct gradient *gradient) {
    *gradient = (struct gradient){.values = parameter->value, .by_rows = parameter->by_rows};
    RONDO_TRY(tensor_alloc(&gradient->values, bench->arena, &bench->errors));
    fill(&gradient->values, 1e-3f);
    if (parameter->by_rows) {
        gradient->count = parameter->value.shape[0];
        int32_t *ids = arena_alloc(bench->arena, sizeof *ids * (size_t)gradient->count);
        for (int64_t row = 0; ids != NULL && row < gradient->count; row++) {
            ids[row] = (int32_t)row;
        }
        gradient->ids = ids;
        return ids == NULL ? errors_no_memory(&bench->errors) : RONDO_OK;
    }
    return RONDO_OK;
}

/* Repeats an update, and prints what it takes. */
static rondo_status time_updates(struct optimizer_bench *bench, struct updater *updater,
                                 const struct gradient *gradients, double seconds, int64_t bytes) {
    const struct updater_step step = {.gradients = gradients, .rows = 32, .lr_scale = 1};
    static double timings[MAX_TIMINGS];
    int n = 0;
    const double end = now() + seconds;
    while (n < 5 || (now() < end && n < MAX_TIMINGS)) {
        const double start = now();
        RONDO_TRY(updater_step(updater, &step, &bench->errors));
        timings[n++] = now() - start;
    }
    const double each = timing_median(timings + 2, n - 2); /* the first ones meet memory that is new */
    const int64_t size = model_size(bench->model);
    const double gigabytes = 1e-9 * (double)(size * bytes);
    printf("{\"seconds\": %.6e, \"numbers\": %lld, \"gigabytes\": %.4f, \"gbytes\": %.2f}\n", each, (long long)size,
           gigabytes, gigabytes / each);
    return RONDO_OK;
}

static rondo_status bench_optimizer(struct optimizer_bench *bench, const rondo_optimizer *optimizer,
                                    const void *options, double seconds) {
    const int32_t count = model_parameter_count(bench->model);
    const void **by_parameter = arena_calloc(bench->arena, (size_t)count, sizeof *by_parameter);
    struct gradient *gradients = arena_calloc(bench->arena, (size_t)count, sizeof *gradients);
    if (arena_failed(bench->arena)) {
        return errors_no_memory(&bench->errors);
    }
    for (int32_t p = 0; p < count; p++) {
        by_parameter[p] = options;
        RONDO_TRY(make_gradient(bench, &model_parameters(bench->model)[p], &gradients[p]));
        fill(&model_parameters(bench->model)[p].value, 0.1f);
    }
    const struct updater_stage stage = {.optimizer = optimizer, .origin = "bench", .options = by_parameter};
    const struct updater_settings settings = {
        .model = bench->model, .stages = &stage, .n_stages = 1, .parallel = &bench->session->parallel};
    struct updater *updater = updater_create(&settings, &bench->errors);
    const rondo_status status = updater == NULL
                                    ? bench->errors.status
                                    : time_updates(bench, updater, gradients, seconds, bytes_of(optimizer, options));
    updater_destroy(updater);
    return status;
}

static int bench_updates(const char *name, const char *text, int threads, double seconds, const char *cell_file) {
    struct optimizer_bench bench = {0};
    const struct location where = {"OPTIONS", 0, 0};
    const rondo_descriptor *found =
        open_bench(&bench, cell_file, threads)
            ? registry_resolve(bench.session->registry, RONDO_KIND_OPTIMIZER, name, where, &bench.errors)
            : NULL;
    void *options =
        found == NULL ? NULL : options_create(found->options, (size_t)found->options_size, bench.arena, &bench.errors);
    if (options != NULL && options_parse(found->options, options, strcmp(text, "-") == 0 ? NULL : text, name,
                                         bench.arena, where, &bench.errors) == RONDO_OK) {
        bench_optimizer(&bench, (const rondo_optimizer *)found, options, seconds);
    }
    return close_bench(&bench);
}

/* ---- the machine, and loading ---- */

struct copy {
    char *to;
    const char *from;
};

static void copy_range(void *arg, int64_t begin, int64_t end) {
    const struct copy *copy = arg;
    memcpy(copy->to + begin, copy->from + begin, (size_t)(end - begin));
}

static int bench_copy(int64_t mebibytes, int threads) {
    const int64_t bytes = mebibytes << 20;
    const struct parallel parallel = {threads};
    char *from = malloc((size_t)bytes), *to = malloc((size_t)bytes);
    double timings[15];
    if (from == NULL || to == NULL) {
        fprintf(stderr, "bench_optimizers: not enough memory\n");
        return 1;
    }
    memset(from, 1, (size_t)bytes);
    memset(to, 2, (size_t)bytes);
    struct copy copy = {to, from};
    for (int k = 0; k < 15; k++) {
        const double start = now();
        parallel_for(&parallel, bytes, (bytes + threads - 1) / threads, copy_range, &copy);
        timings[k] = now() - start;
    }
    printf("{\"gbytes\": %.2f}\n", 2e-9 * (double)bytes / timing_median(timings, 15));
    free(from);
    free(to);
    return 0;
}

static int bench_load(void) {
    struct errors errors = {0};
    const struct session_settings settings = {.threads = 1};
    struct session *session = session_create(&settings, &errors);
    if (session == NULL) {
        return argument_report(&errors);
    }
    const double start = now();
    if (loader_load_all(session->loader, session->registry, &errors) != RONDO_OK) {
        return argument_report(&errors);
    }
    const double seconds = now() - start;
    struct loaded_plugin plugin;
    int count = 0;
    while (loader_plugin(session->loader, count, &plugin)) {
        count++;
    }
    printf("{\"plugins\": %d, \"seconds\": %.6e}\n", count, seconds);
    session_destroy(session);
    return 0;
}

int main(int argc, char **argv) {
    argument_paths();
    if (argc == 2 && strcmp(argv[1], "load") == 0) {
        return bench_load();
    }
    if (argc == 3 && strcmp(argv[1], "shapes") == 0) {
        return bench_shapes(argv[2]);
    }
    if (argc == 4 && strcmp(argv[1], "copy") == 0) {
        return bench_copy(argument_whole("MIB", argv[2], 1, 1 << 20), argument_threads(argv[3]));
    }
    if (argc == 6) {
        return bench_updates(argv[1], argv[2], argument_threads(argv[3]), argument_seconds(argv[4]), argv[5]);
    }
    fprintf(stderr, "usage: bench_optimizers NAME OPTIONS THREADS SECONDS CELL\n"
                    "       bench_optimizers shapes CELL | copy MIB THREADS | load\n");
    return 2;
}
