/* bench/step.c: timings of one process, as JSON on standard output.
 *
 *     bench_step CELL T B I H THREADS SECONDS [--engine=fused|tape] [--passes=-fuse,…] [--cpu] [--account[=json]]
 *         Repeats a training step of one layer (forward, gradients of inputs and all weights; f32) for SECONDS. CELL is a name, or
 *         the path of a file. A cell that reads a memory gets one with T elements of width H for each row. Prints
 *         - "seconds", "least", "timings": the median time of a step, the least, and how many there are;
 *         - "gflops": the rate of floating-point operations: a product [1, k] x [k, n] counts as 6 k n (2 forward, 4 backward)
 *           per row and step, all other work as 0;
 *         - "tape_mib": the memory of the tape's arena;
 *         - "ready_ms": the time from equations to a compiled step;
 *         - "loop_seconds", "gbytes": the time in the loops over time, and the rate at which they move values kept for all
 *           steps.
 *         --cpu measures processor time, summed over threads, for a machine that is busy with other work.
 *         --account prints a table instead, of what the threads spend their time on, from five further steps, which also take
 *         the time of every instruction. --account=json adds the same to the JSON, in seconds of a step:
 *         - "seconds": such a step;
 *         - by half and phase ("forward loop"): "passed" on the clock, and for each kind of work (core/scan/scan.h) the time
 *           summed over threads;
 *         - "product_flops": of the products of rows and weights; half as many are those of the weight gradients;
 *         - "elementwise": the time of one thread for all ops on single elements and their gradients, at the rate that each
 *           has for 512 elements in the first-level cache;
 *         - "loop_bytes": what the loops move from and to memory.
 *     bench_step build         the sets of instructions and threads that the program was built with
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

#include "bench/arguments.h"
#include "bench/timing.h"
#include "core/host.h"
#include "core/memory.h"
#include "core/product/product.h"
#include "experiment/session.h"
#include "lang/cell_file.h"
#include "model/fused.h"

enum { MAX_TIMINGS = 10000, SHARD = 16 };

static clockid_t clock_id = CLOCK_MONOTONIC;

static double now(void) {
    return timing_now(clock_id);
}

static int no_memory(void) {
    fprintf(stderr, "bench_step: not enough memory\n");
    return 1;
}

static int bench_sgemm(int n) {
    float *a = calloc((size_t)n * (size_t)n, sizeof *a), *b = calloc((size_t)n * (size_t)n, sizeof *b);
    float *c = calloc((size_t)n * (size_t)n, sizeof *c);
    double timings[5];
    if (a == NULL || b == NULL || c == NULL) {
        return no_memory();
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
        return no_memory();
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
        return no_memory();
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

static int64_t shard_count(const struct step_bench *bench) {
    return (bench->batch + bench->shard - 1) / bench->shard;
}

static rondo_status prepare(struct step_bench *bench, struct arena *arena, struct errors *errors) {
    bench->shard = bench->scan == NULL ? SHARD : bench->batch;
    const int64_t n_shards = shard_count(bench);
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

static const char *const halves[] = {"forward", "backward"}, *const phases[] = {"before", "loop", "after"};

/* Fills the account from further steps, since taking the time of every instruction costs time. Returns the seconds of such a step. */
static double fill_account(struct step_bench *bench, struct scan_account *account) {
    enum { STEPS = 5 };
    account->now = monotonic;
    const double begin = monotonic();
    for (int i = 0; i < STEPS; i++) {
        run_all(bench);
    }
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            account->passed[half][phase] /= STEPS;
            for (int work = 0; work < SCAN_WORKS; work++) {
                account->spent[half][phase][work] /= STEPS;
            }
        }
    }
    return (monotonic() - begin) / STEPS;
}

/* Prints ", "account": {…}". */
static void print_account_json(const struct step_bench *bench, const struct scan_account *account, double seconds) {
    static const char *const works[] = {"packing", "product", "weight_gradient", "elementwise", "other"};
    const double rows = (double)(bench->steps * bench->batch);
    printf(", \"account\": {\"seconds\": %.6e, \"product_flops\": %.6e, \"elementwise\": %.6e, \"loop_bytes\": %.6e",
           seconds, 4 * rows * (double)product_inputs(bench->cell), rows * elementwise_seconds(bench->cell),
           rows * (double)scan_loop_bytes(bench->scan));
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            printf(", \"%s %s\": {\"passed\": %.6e", halves[half], phases[phase], account->passed[half][phase]);
            for (int work = 0; work < SCAN_WORKS; work++) {
                printf(", \"%s\": %.6e", works[work], account->spent[half][phase][work]);
            }
            printf("}");
        }
    }
    printf("}");
}

/* A row of the table: times of all threads together, in shares of the step on all threads. `passed` is on the clock. */
static void print_account_row(const char *name, double passed, const double spent[SCAN_WORKS], double step,
                              int32_t threads) {
    double waiting = passed * threads;
    printf("%-16s %9.3f %8.1f %%", name, 1e3 * passed, 100 * passed / step);
    for (int work = 0; work < SCAN_WORKS; work++) {
        printf(" %9.1f", 100 * spent[work] / (step * threads));
        waiting -= spent[work];
    }
    printf(" %9.1f\n", 100 * (waiting > 0 ? waiting : 0) / (step * threads));
}

static void print_account_table(const struct step_bench *bench, const struct scan_account *account, double median,
                                double step, int32_t threads) {
    double passed = 0, spent[SCAN_WORKS] = {0};
    printf("a step: %.3f ms (median); with the time of every instruction taken: %.3f ms, on %d thread%s\n\n",
           1e3 * median, 1e3 * step, (int)threads, threads == 1 ? "" : "s");
    printf("%-16s %9s %10s %9s %9s %9s %9s %9s %9s\n", "stage", "ms", "of step", "packing", "products", "w. grads",
           "elements", "other", "waiting");
    for (int half = 0; half < 2; half++) {
        for (int phase = 0; phase < PHASE_COUNT; phase++) {
            char name[32];
            snprintf(name, sizeof name, "%s %s", halves[half], phases[phase]);
            print_account_row(name, account->passed[half][phase], account->spent[half][phase], step, threads);
            passed += account->passed[half][phase];
            for (int work = 0; work < SCAN_WORKS; work++) {
                spent[work] += account->spent[half][phase][work];
            }
        }
    }
    const double outside = step > passed ? step - passed : 0;
    print_account_row("all stages", passed, spent, step, threads);
    printf("%-16s %9.3f %8.1f %%\n\n", "outside", 1e3 * outside, 100 * outside / step);
    const double rows = (double)(bench->steps * bench->batch), flops = 4 * rows * (double)product_inputs(bench->cell);
    printf("All columns after the second are per cent of the step on all threads; the row 'all stages' and 'outside' "
           "add up to 100 %%.\n"
           "Rates of one thread: products %.1f GFLOP/s, weight gradients %.1f GFLOP/s; the elements take %.2f times as "
           "long as in the\n"
           "first-level cache. The loops move %.1f MB from and to memory.\n",
           1e-9 * flops / spent[WORK_PRODUCT], 0.5e-9 * flops / spent[WORK_WEIGHT_GRADIENT],
           spent[WORK_ELEMENTWISE] / (rows * elementwise_seconds(bench->cell)),
           1e-6 * rows * (double)scan_loop_bytes(bench->scan));
}

/* What the command line asks for. */
struct step_options {
    enum { ACCOUNT_NONE, ACCOUNT_TABLE, ACCOUNT_JSON } account;
    int use_tape;
    int32_t passes_off, threads;
    double seconds;
};

/* Compiles the cell. *ready gets the seconds from its equations to a step that can run. */
static rondo_status open_step(struct step_bench *bench, char **argv, const struct step_options *options,
                              struct scan_settings of_scan, double *ready, struct arena *arena, struct errors *errors) {
    enum { MOST = 1 << 30 };
    bench->steps = argument_whole("T", argv[2], 1, MOST);
    bench->batch = argument_whole("B", argv[3], 1, MOST);
    bench->input = argument_whole("I", argv[4], 1, MOST);
    const int64_t hidden = argument_whole("H", argv[5], 1, MOST);
    const struct session_settings settings = {.threads = options->threads};
    const struct cell_settings sizes = {.dtype = RONDO_F32, .input = bench->input, .hidden = hidden, .memory = hidden};
    bench->session = session_create(&settings, errors);
    const double before = now();
    const struct cell_definition *definition =
        bench->session == NULL ? NULL : cell_file_read(argument_cell(bench->session, argv[1], arena), arena, errors);
    bench->cell = definition == NULL ? NULL : cell_compile(definition, &sizes, bench->session->registry, errors);
    if (bench->cell != NULL && !options->use_tape) {
        of_scan.program = bench->cell->program;
        of_scan.n_states = bench->cell->n_states;
        of_scan.new_states = bench->cell->new_states;
        of_scan.output = bench->cell->output;
        bench->scan = scan_create(&of_scan, errors);
    }
    *ready = now() - before;
    return bench->cell == NULL || errors->count > 0 ? errors->status : prepare(bench, arena, errors);
}

static void close_step(struct step_bench *bench, struct errors *errors) {
    for (int64_t s = 0; bench->shards != NULL && s < shard_count(bench); s++) {
        errors_move(errors, &bench->shards[s].errors);
        tape_destroy(bench->shards[s].tape);
    }
    scan_destroy(bench->scan);
    cell_destroy(bench->cell);
    session_destroy(bench->session);
}

/* What was measured: medians of some steps, in seconds. */
struct step_times {
    double seconds, least, loops;
    int count;
};

static struct step_times time_steps(struct step_bench *bench, const struct stopwatch *watch, double least_seconds) {
    static double timings[MAX_TIMINGS], loops[MAX_TIMINGS];
    int count = 0;
    double end = now() + least_seconds, before;
    for (int warm = 2; count < MAX_TIMINGS && (count < 3 || now() < end);) {
        const double start = now();
        before = watch->loops;
        run_all(bench);
        if (warm-- <= 0) {
            loops[count] = watch->loops - before;
            timings[count++] = now() - start;
        } else {
            end = now() + least_seconds;
        }
    }
    const double seconds = timing_median(timings, count);
    return (struct step_times){seconds, timings[0], timing_median(loops, count), count};
}

static void print_times(const struct step_bench *bench, const struct step_times *times, double ready) {
    const double rows = (double)(bench->steps * bench->batch), flops = 6 * rows * (double)product_inputs(bench->cell);
    const double loop_bytes = bench->scan == NULL ? 0 : rows * (double)scan_loop_bytes(bench->scan);
    size_t held = 0;
    for (int64_t s = 0; s < shard_count(bench); s++) {
        held += arena_capacity(tape_arena(bench->shards[s].tape));
    }
    printf("{\"seconds\": %.6e, \"least\": %.6e, \"gflops\": %.2f, \"timings\": %d, \"tape_mib\": %.1f, "
           "\"ready_ms\": %.3f, \"loop_seconds\": %.6e, \"gbytes\": %.2f",
           times->seconds, times->least, 1e-9 * flops / times->seconds, times->count, (double)held / 1048576,
           1e3 * ready, times->loops, times->loops > 0 ? 1e-9 * loop_bytes / times->loops : 0);
}

static void bench_cell(char **argv, const struct step_options *options, struct arena *arena, struct errors *errors) {
    struct step_bench bench = {.steps = 0};
    struct stopwatch watch = {0};
    struct scan_account account = {.now = NULL};
    const struct scan_settings of_scan = {
        .passes = PASS_ALL & ~options->passes_off, .observe = observe, .observe_arg = &watch, .account = &account};
    double ready;
    if (open_step(&bench, argv, options, of_scan, &ready, arena, errors) == RONDO_OK) {
        const struct step_times times = time_steps(&bench, &watch, options->seconds);
        const double step = options->account == ACCOUNT_NONE ? 0 : fill_account(&bench, &account);
        if (options->account == ACCOUNT_TABLE) {
            print_account_table(&bench, &account, times.seconds, step, options->threads);
        } else {
            print_times(&bench, &times, ready);
            if (options->account == ACCOUNT_JSON) {
                print_account_json(&bench, &account, step);
            }
            printf("}\n");
        }
    }
    close_step(&bench, errors);
}

static int print_build(void) {
    printf("{\"kernels\": \"%s\", \"threads\": \"%s\"}\n", product_kernels_name(product_kernels()), parallel_kind());
    return 0;
}

/* The options from argv[8] on. 0: there is one that is not known. */
static int read_options(int argc, char **argv, struct step_options *options, struct errors *errors) {
    *options = (struct step_options){.threads = argument_threads(argv[6]), .seconds = argument_seconds(argv[7])};
    for (int i = 8; i < argc; i++) {
        if (strncmp(argv[i], "--engine=", 9) == 0) {
            options->use_tape = strcmp(argv[i] + 9, "tape") == 0;
            if (!options->use_tape && strcmp(argv[i] + 9, "fused") != 0) {
                argument_refuse("--engine", argv[i] + 9, "fused or tape");
            }
        } else if (strncmp(argv[i], "--passes=", 9) == 0) {
            scan_passes_parse(argv[i] + 9, &options->passes_off, errors);
        } else if (strcmp(argv[i], "--account") == 0) {
            options->account = ACCOUNT_TABLE;
        } else if (strcmp(argv[i], "--account=json") == 0) {
            options->account = ACCOUNT_JSON;
        } else if (strcmp(argv[i], "--cpu") == 0) {
            clock_id = CLOCK_PROCESS_CPUTIME_ID;
        } else {
            return 0;
        }
    }
    if (options->use_tape && (options->account != ACCOUNT_NONE || options->passes_off != 0)) {
        argument_refuse("--engine", "tape", "fused for an account, and for passes");
    }
    return 1;
}

int main(int argc, char **argv) {
    argument_paths();
    if (argc == 2 && strcmp(argv[1], "build") == 0) {
        return print_build();
    }
    if (argc == 3 && strcmp(argv[1], "sgemm") == 0) {
        return bench_sgemm((int)argument_whole("N", argv[2], 1, 20000));
    }
    if (argc == 3 && strcmp(argv[1], "copy") == 0) {
        return bench_copy((size_t)argument_whole("MIB", argv[2], 1, 1 << 20));
    }
    if (argc == 3 && strcmp(argv[1], "read") == 0) {
        return bench_read(argument_above_0("MB", argv[2], 1e6));
    }
    struct errors errors = {0};
    struct step_options options;
    if (argc < 8 || !read_options(argc, argv, &options, &errors)) {
        fprintf(stderr,
                "usage: bench_step CELL T B I H THREADS SECONDS [--engine=fused|tape] [--passes=-fuse,…] [--cpu] "
                "[--account[=json]]\n"
                "       bench_step build | sgemm N | copy MIB | read MB\n");
        return 2;
    }
    struct arena *arena = errors.count > 0 ? NULL : arena_create();
    if (arena != NULL) {
        bench_cell(argv, &options, arena, &errors);
    }
    const int status = errors.count > 0 ? argument_report(&errors) : arena == NULL ? no_memory() : 0;
    errors_free(&errors);
    arena_destroy(arena);
    return status;
}
