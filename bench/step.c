/* bench/step.c: timings of one process, as JSON on standard output.
 *
 *     bench_step CELL_FILE T B I H THREADS SECONDS [--engine=fused|tape] [--passes=-fuse,…] [--cpu] [--account]
 *         Repeats a training step of one layer (forward, gradients of inputs and all weights; f32) for SECONDS. A cell that
 *         reads a memory gets one with T elements of width H for each row. Prints
 *         - the median time of a step, in seconds;
 *         - the rate of floating-point operations: a product [1, k] x [k, n] counts as 6 k n (2 forward, 4 backward) per
 *           row and step, all other work as 0;
 *         - the bytes of the tape's arena;
 *         - the time from equations to a compiled step, in milliseconds;
 *         - the time in the loops over time, in seconds, and the rate at which they move values kept for all steps.
 *         --cpu measures processor time, summed over threads, for a machine that is busy with other work.
 *         --account adds what the threads spend their time on, from five further steps, in seconds of a step:
 *         - "seconds": such a step, which also takes the time of every instruction;
 *         - "spent": by half, phase and kind of work (core/scan/scan.h), summed over threads;
 *         - "passed": by half and phase, on the clock;
 *         - "product_flops": of the products of rows and weights; half as many are those of the weight gradients;
 *         - "elementwise": the time of one thread for all ops on single elements and their gradients, at the rate that each
 *           has for 512 elements in the first-level cache;
 *         - "loop_bytes": what the loops move from and to memory.
 *     bench_step sgemm N       C = A B, [N, N], one thread
 *     bench_step copy MIB      memcpy of MIB mebibytes, one thread: bytes read and written per second
 *     bench_step read MB       OpenBLAS's sdot of MB million bytes with themselves, again and again, one thread: bytes read per second
 *
 * bench.py calls this and its PyTorch and JAX peers in turns.
 */
#define _POSIX_C_SOURCE 200809L
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/timing.h"
#include "core/host.h"
#include "core/memory.h"
#include "experiment/session.h"
#include "lang/cell_file.h"
#include "model/fused.h"

enum { MAX_TIMINGS = 10000, SHARD = 16 };

static clockid_t clock_id = CLOCK_MONOTONIC;

static double now(void) {
    return timing_now(clock_id);
}

static int bench_sgemm(int n) {
    float *a = calloc((size_t)n * (size_t)n, sizeof *a), *b = calloc((size_t)n * (size_t)n, sizeof *b);
    float *c = calloc((size_t)n * (size_t)n, sizeof *c);
    double timings[5];
    if (a == NULL || b == NULL || c == NULL) {
        return 1;
    }
    for (int i = 0; i < n * n; i++) {
        a[i] = (float)(i % 7) - 3;
        b[i] = (float)(i % 5) - 2;
    }
    openblas_set_num_threads(1);
    for (int k = 0; k < 5; k++) {
        const double start = now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1, a, n, b, n, 0, c, n);
        timings[k] = now() - start;
    }
    const double seconds = timing_median(timings, 5);
    printf("{\"seconds\": %.6e, \"gflops\": %.2f}\n", seconds, 2e-9 * n * n * (double)n / seconds);
    free(a);
    free(b);
    free(c);
    return 0;
}

static int bench_copy(size_t mebibytes) {
    const size_t bytes = mebibytes << 20;
    char *from = malloc(bytes), *to = malloc(bytes);
    double timings[9];
    if (from == NULL || to == NULL) {
        return 1;
    }
    memset(from, 1, bytes);
    memset(to, 2, bytes);
    for (int k = 0; k < 9; k++) {
        const double start = now();
        memcpy(to, from, bytes);
        timings[k] = now() - start;
    }
    const double seconds = timing_median(timings, 9);
    printf("{\"seconds\": %.6e, \"gbytes\": %.2f}\n", seconds, 2e-9 * (double)bytes / seconds);
    free(from);
    free(to);
    return 0;
}

/* Of weights that are read again in each step, as far as a cache holds them. */
static int bench_read(double megabytes) {
    enum { HUGE_PAGE = 2 << 20 };
    const size_t count = (size_t)(megabytes * 1e6 / sizeof(float));
    const size_t bytes = (count * sizeof(float) / HUGE_PAGE + 1) * HUGE_PAGE;
    const int repeats = 1 + (int)(1e9 / (double)bytes);
    float *x = memory_aligned(HUGE_PAGE, bytes);
    double timings[9];
    if (x == NULL) {
        return 1;
    }
    memset(x, 0, bytes);
    openblas_set_num_threads(1);
    volatile float sum = 0;
    for (int k = 0; k < 9; k++) {
        const double start = now();
        for (int i = 0; i < repeats; i++) {
            sum = sum + cblas_sdot((int)count, x, 1, x, 1);
        }
        timings[k] = now() - start;
    }
    const double seconds = timing_median(timings, 9) / repeats;
    printf("{\"seconds\": %.6e, \"gbytes\": %.2f}\n", seconds, 1e-9 * (double)(count * sizeof(float)) / seconds);
    free(x);
    return 0;
}

/* A layer over equally long rows: fused, the whole batch as one; on the tape, in shards on a thread each. */
struct step_bench {
    struct cell *cell;
    struct scan *scan; /* NULL: the tape */
    struct session *session;
    int64_t steps, batch, input, shard;
    rondo_tensor inputs, *values;
    struct step_shard {
        struct tape *tape;
        struct errors errors;
        rondo_tensor *gradients, input_gradient;
    } * shards;
};

static void run_shard(void *arg, int64_t begin, int64_t end) {
    struct step_bench *bench = arg;
    struct step_shard *shard = &bench->shards[begin / bench->shard];
    const int64_t rows = end - begin;
    tape_reset(shard->tape);
    struct arena *arena = tape_arena(shard->tape);
    int64_t *lengths = arena_calloc(arena, (size_t)rows, sizeof *lengths);
    rondo_value *parameters = arena_calloc(arena, (size_t)bench->cell->n_parameters + 1, sizeof *parameters);
    for (int64_t row = 0; row < rows; row++) {
        lengths[row] = bench->steps;
    }
    struct time_axis time;
    struct errors errors = {0};
    if (time_axis_make(&time, lengths, rows, arena, &errors) != RONDO_OK) {
        abort();
    }
    for (int32_t p = 0; p < bench->cell->n_parameters; p++) {
        memset(shard->gradients[p].data, 0, tensor_bytes(&shard->gradients[p]));
        parameters[p] = tape_parameter(shard->tape, "p", &bench->values[p], &shard->gradients[p]);
    }
    rondo_tensor packed = bench->inputs; /* the values do not matter, the shape does */
    packed.shape[0] = bench->steps * rows;
    memset(shard->input_gradient.data, 0, tensor_bytes(&packed));
    shard->input_gradient.shape[0] = packed.shape[0];
    const rondo_value x = tape_parameter(shard->tape, "x", &packed, &shard->input_gradient);
    const int64_t width = program_node(bench->cell->program, bench->cell->new_states[0])->value.shape[1];
    int64_t *first = arena_calloc(arena, (size_t)rows, sizeof *first);
    for (int64_t row = 0; row < rows; row++) {
        first[row] = row * bench->steps;
    }
    const rondo_rows sequences = {.struct_size = sizeof sequences, .count = rows, .begin = first, .length = lengths};
    rondo_tensor memory = tensor_2d(RONDO_F32, rows * bench->steps, width, NULL);
    memory.data = arena_calloc(arena, 1, tensor_bytes(&memory));
    const struct recurrence recurrence = {
        bench->cell,
        &time,
        1,
        x,
        parameters,
        NULL,
        bench->cell->reads_memory ? tape_parameter(shard->tape, "memory", &memory, NULL) : (rondo_value){-1},
        &sequences};
    tape_backward(shard->tape, bench->scan == NULL ? unroll(&recurrence, shard->tape, NULL)
                                                   : fused(bench->scan, &recurrence, shard->tape, NULL));
}

/* Seconds in the loops over time, of a step. */
struct stopwatch {
    double begin, loops;
};

static void observe(void *arg, int half, enum scan_phase phase, int done) {
    struct stopwatch *watch = arg;
    (void)half;
    if (phase == PHASE_LOOP && done) {
        watch->loops += now() - watch->begin;
    }
    watch->begin = now();
}

/* Seconds of one thread for the forward and the backward half of an op on single elements, for one element in the first-level
 * cache. */
static double seconds_of_element(const struct program_node *node) {
    enum { COUNT = 512, TIMES = 200, ROUNDS = 5 };
    static float in[RONDO_SAMPLE_INPUTS][COUNT], out[COUNT], up[COUNT], down[RONDO_SAMPLE_INPUTS][COUNT];
    const void *inputs[RONDO_SAMPLE_INPUTS];
    void *gradients[RONDO_SAMPLE_INPUTS];
    double best = 0;
    for (int32_t k = 0; k < RONDO_SAMPLE_INPUTS; k++) {
        inputs[k] = in[k];
        gradients[k] = down[k];
        for (int i = 0; i < COUNT; i++) {
            in[k][i] = 0.5f + (float)(i % 13) / 13;
            up[i] = 1;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        const double begin = now();
        for (int i = 0; i < TIMES; i++) {
            node->op->map(node->options, RONDO_F32, COUNT, inputs, out);
            if (node->op->map_grad != NULL) {
                node->op->map_grad(node->options, RONDO_F32, COUNT, inputs, out, up, gradients);
            }
        }
        const double seconds = (now() - begin) / (TIMES * COUNT);
        best = round == 0 || seconds < best ? seconds : best;
    }
    return best;
}

/* The same for all ops of a row and step. */
static double elementwise_seconds(const struct cell *cell) {
    double seconds = 0;
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        if (node->op != NULL && node->op->map != NULL && node->value.shape[0] == RONDO_ANY_ROWS) {
            int64_t width = 1;
            for (int32_t d = 1; d < node->value.ndim; d++) {
                width *= node->value.shape[d];
            }
            seconds += seconds_of_element(node) * (double)width;
        }
    }
    return seconds;
}

static int64_t product_inputs(const struct cell *cell) {
    int64_t macs = 0; /* multiplications of one row and step */
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        if (node->op != NULL && strcmp(node->op->base.name, OPERATOR_PRODUCT) == 0 &&
            node->value.shape[0] == RONDO_ANY_ROWS) {
            const rondo_tensor *left = &program_node(cell->program, (rondo_value){node->inputs[0]})->value;
            macs += left->shape[1] * node->value.shape[1];
        }
    }
    return macs;
}

static rondo_status prepare(struct step_bench *bench, struct arena *arena, struct errors *errors) {
    bench->shard = bench->scan == NULL ? SHARD : bench->batch;
    const int64_t n_shards = (bench->batch + bench->shard - 1) / bench->shard;
    bench->values = arena_calloc(arena, (size_t)bench->cell->n_parameters + 1, sizeof *bench->values);
    bench->shards = arena_calloc(arena, (size_t)n_shards, sizeof *bench->shards);
    bench->inputs = tensor_2d(RONDO_F32, bench->steps * bench->batch, bench->input, NULL);
    RONDO_TRY(tensor_alloc(&bench->inputs, arena, errors));
    for (int64_t i = 0; i < rondo_count(&bench->inputs); i++) {
        tensor_set(&bench->inputs, i, rng_normal((struct rng_stream){1}, (uint64_t)i));
    }
    for (int32_t p = 0; p < bench->cell->n_parameters; p++) {
        const struct cell_parameter *from = &bench->cell->parameters[p];
        bench->values[p] = from->shape;
        RONDO_TRY(tensor_alloc(&bench->values[p], arena, errors));
        RONDO_TRY(initialiser_fill(&from->initialiser, &bench->values[p], (struct rng_stream){(uint64_t)p}, NULL, arena,
                                   errors));
    }
    for (int64_t s = 0; s < n_shards; s++) {
        struct step_shard *shard = &bench->shards[s];
        const struct tape_settings settings = {bench->session->registry, &bench->session->parallel, &shard->errors};
        shard->tape = tape_create(&settings);
        shard->gradients = arena_calloc(arena, (size_t)bench->cell->n_parameters + 1, sizeof *shard->gradients);
        shard->input_gradient = tensor_2d(RONDO_F32, bench->steps * bench->shard, bench->input, NULL);
        RONDO_TRY(tensor_alloc(&shard->input_gradient, arena, errors));
        for (int32_t p = 0; p < bench->cell->n_parameters; p++) {
            shard->gradients[p] = bench->values[p];
            RONDO_TRY(tensor_alloc(&shard->gradients[p], arena, errors));
        }
    }
    return RONDO_OK;
}

/* "-fuse,-merge": all passes but these. */
static int32_t parse_passes(const char *text) {
    int32_t passes = PASS_ALL;
    for (int32_t i = 0; text != NULL && scan_pass_name(i) != NULL; i++) {
        char off[32];
        snprintf(off, sizeof off, "-%s", scan_pass_name(i));
        passes &= strstr(text, off) != NULL ? ~(1 << i) : ~0;
    }
    return passes;
}

static void run_all(struct step_bench *bench) {
    if (bench->scan != NULL) {
        run_shard(bench, 0, bench->batch); /* threads are inside */
    } else {
        parallel_for(&bench->session->parallel, bench->batch, bench->shard, run_shard, bench);
    }
}

static double monotonic(void) {
    return timing_now(CLOCK_MONOTONIC);
}

/* Prints ", "account": {…}" from further steps: taking the time of every instruction costs time. */
static void print_account(struct step_bench *bench, struct scan_account *account) {
    enum { STEPS = 5 };
    static const char *const halves[] = {"forward", "backward"}, *const phases[] = {"before", "loop", "after"};
    static const char *const works[] = {"packing", "product", "weight_gradient", "elementwise", "other"};
    account->now = monotonic;
    const double begin = now();
    for (int i = 0; i < STEPS; i++) {
        run_all(bench);
    }
    const double seconds = (now() - begin) / STEPS;
    const double rows = (double)(bench->steps * bench->batch);
    printf(", \"account\": {\"seconds\": %.6e, \"product_flops\": %.6e, \"elementwise\": %.6e, \"loop_bytes\": %.6e",
           seconds, 4 * rows * (double)product_inputs(bench->cell), rows * elementwise_seconds(bench->cell),
           rows * (double)scan_loop_bytes(bench->scan));
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            printf(", \"%s %s\": {\"passed\": %.6e", halves[half], phases[phase], account->passed[half][phase] / STEPS);
            for (int work = 0; work < SCAN_WORKS; work++) {
                printf(", \"%s\": %.6e", works[work], account->spent[half][phase][work] / STEPS);
            }
            printf("}");
        }
    }
    printf("}");
}

static rondo_status bench_cell(char **argv, int use_tape, const char *passes, int with_account, struct arena *arena,
                               struct errors *errors) {
    struct step_bench bench = {.steps = atoll(argv[2]), .batch = atoll(argv[3]), .input = atoll(argv[4])};
    const struct session_settings settings = {.threads = (int32_t)atoi(argv[6])};
    const int64_t hidden = atoll(argv[5]);
    const struct cell_settings sizes = {.dtype = RONDO_F32, .input = bench.input, .hidden = hidden, .memory = hidden};
    bench.session = session_create(&settings, errors);
    const double before = now();
    const struct cell_definition *definition = bench.session == NULL ? NULL : cell_file_read(argv[1], arena, errors);
    bench.cell = definition == NULL ? NULL : cell_compile(definition, &sizes, bench.session->registry, errors);
    struct stopwatch watch = {0};
    struct scan_account account = {.now = NULL};
    struct scan_settings of_scan = {
        .passes = parse_passes(passes), .observe = observe, .observe_arg = &watch, .account = &account};
    if (bench.cell != NULL && !use_tape) {
        of_scan.program = bench.cell->program;
        of_scan.n_states = bench.cell->n_states;
        of_scan.new_states = bench.cell->new_states;
        of_scan.output = bench.cell->output;
        bench.scan = scan_create(&of_scan, errors);
    }
    const double ready = now() - before;
    if (bench.cell == NULL || errors->count > 0) {
        return errors->status;
    }
    RONDO_TRY(prepare(&bench, arena, errors));
    static double timings[MAX_TIMINGS], loops[MAX_TIMINGS];
    int count = 0;
    double end = now() + atof(argv[7]);
    for (int warm = 2; count < MAX_TIMINGS && (count < 3 || now() < end);) {
        const double start = now();
        watch.loops = 0;
        run_all(&bench);
        if (warm-- <= 0) {
            loops[count] = watch.loops;
            timings[count++] = now() - start;
        } else {
            end = now() + atof(argv[7]);
        }
    }
    const double seconds = timing_median(timings, count);
    const double flops = 6.0 * (double)product_inputs(bench.cell) * (double)(bench.steps * bench.batch);
    const double loop_seconds = timing_median(loops, count);
    const double loop_bytes =
        bench.scan == NULL ? 0 : (double)(scan_loop_bytes(bench.scan) * bench.steps * bench.batch);
    size_t held = 0;
    for (int64_t s = 0; s < (bench.batch + bench.shard - 1) / bench.shard; s++) {
        held += arena_capacity(tape_arena(bench.shards[s].tape));
    }
    printf("{\"seconds\": %.6e, \"least\": %.6e, \"gflops\": %.2f, \"timings\": %d, \"tape_mib\": %.1f, "
           "\"ready_ms\": %.3f, \"loop_seconds\": %.6e, \"gbytes\": %.2f",
           seconds, timings[0], 1e-9 * flops / seconds, count, (double)held / 1048576, 1e3 * ready, loop_seconds,
           loop_seconds > 0 ? 1e-9 * loop_bytes / loop_seconds : 0);
    if (with_account && bench.scan != NULL) {
        print_account(&bench, &account);
    }
    printf("}\n");
    for (int64_t s = 0; s < (bench.batch + bench.shard - 1) / bench.shard; s++) {
        errors_move(errors, &bench.shards[s].errors);
        tape_destroy(bench.shards[s].tape);
    }
    scan_destroy(bench.scan);
    cell_destroy(bench.cell);
    session_destroy(bench.session);
    return errors->status;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "sgemm") == 0) {
        return bench_sgemm(atoi(argv[2]));
    }
    if (argc == 3 && strcmp(argv[1], "copy") == 0) {
        return bench_copy((size_t)atoi(argv[2]));
    }
    if (argc == 3 && strcmp(argv[1], "read") == 0) {
        return bench_read(atof(argv[2]));
    }
    int use_tape = 0, with_account = 0, known = argc >= 8;
    const char *passes = NULL;
    for (int i = 8; i < argc; i++) {
        if (strcmp(argv[i], "--engine=tape") == 0) {
            use_tape = 1;
        } else if (strncmp(argv[i], "--passes=", 9) == 0) {
            passes = argv[i] + 9;
        } else if (strcmp(argv[i], "--account") == 0) {
            with_account = 1;
        } else if (strcmp(argv[i], "--cpu") == 0) {
            clock_id = CLOCK_PROCESS_CPUTIME_ID;
        } else {
            known &= strcmp(argv[i], "--engine=fused") == 0;
        }
    }
    struct arena *arena = arena_create();
    struct errors errors = {0};
    if (!known || arena == NULL) {
        fprintf(stderr,
                "usage: bench_step CELL_FILE T B I H THREADS SECONDS [--engine=fused|tape] [--passes=-fuse,…] | "
                "bench_step sgemm N | bench_step copy MIB | bench_step read MB\n");
        arena_destroy(arena);
        return 2;
    }
    const rondo_status status = bench_cell(argv, use_tape, passes, with_account, arena, &errors);
    for (int32_t i = 0; i < errors.count; i++) {
        fprintf(stderr, "%s\n", errors_text(&errors, i));
    }
    errors_free(&errors);
    arena_destroy(arena);
    return status == RONDO_OK ? 0 : 1;
}
