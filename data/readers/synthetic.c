/* data/readers/synthetic.c: examples that are computed, of tasks that show what a recurrence can learn.
 *
 *     adding        N:1  each step is a number in [0, 1) and a mark; two steps are marked, one in each half. Target: the sum
 *                        of the two marked numbers. Always predicting 1 has a mean squared error of 1/6 (Hochreiter &
 *                        Schmidhuber 1997, experiment 4)
 *     copy          N:N  `length` symbols, `gap` steps of which the last is a signal, then `length` blank steps whose
 *                        targets are the symbols in their order; no other step has a target (Hochreiter & Schmidhuber 1997;
 *                        in this form Arjovsky et al. 2016)
 *     recall        N:1  a symbol, then `gap` distractors, which have symbols of their own. Target: the first symbol
 *     parity             bits. Target: 1 if the number of ones is odd, at the end (N:1) or, with `running`, for the ones
 *                        up to each step (N:N)
 *     delayed_echo  N:N  random symbols. Target of a step: the symbol `gap` steps before; the first `gap` steps have none
 *     sine          1:N  the first step is a frequency, scaled to [-1, 1], and cosine and sine of a phase. Targets: the wave
 *                        with that frequency, of a period of 8 to 32 steps, from that phase on, with normal noise
 *
 * With `spread`, an example has up to that number of further steps, in the gap of copy and recall, otherwise in its length.
 * Every value is a function of (data_seed, part, number of the example, task): parts are independent, and an example stays
 * the same if there are more of them. docs/readers.md explains this file as an example of a reader.
 */
#define _XOPEN_SOURCE 700 /* M_PI */
#include <math.h>

#include "core/rng.h"
#include "data/reader.h"

enum { MOST_STEPS = 100000 };

struct synthetic_options {
    int32_t task;                 /* index in `tasks` */
    int32_t running;              /* parity: a target at each step */
    int64_t train, valid, test;   /* examples of each part */
    int64_t length, gap, symbols; /* 0: as usual for the task */
    int64_t spread;               /* up to this number of further steps, drawn for each example */
    double noise;                 /* sine: standard deviation */
    int64_t data_seed;
};

static const char *const task_names[] = {"adding", "copy", "recall", "parity", "delayed_echo", "sine", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(
        struct synthetic_options, task, NULL, task_names,
        "what is computed: adding and recall (N:1), copy and delayed_echo (N:N), parity (either), sine (1:N)"),
    RONDO_OPTION_INT(struct synthetic_options, train, "10000", 1, 1e8, "examples to train on"),
    RONDO_OPTION_INT(struct synthetic_options, valid, "1000", 0, 1e8, "examples of the validation data; 0: none"),
    RONDO_OPTION_INT(struct synthetic_options, test, "1000", 0, 1e8, "examples of the test data; 0: none"),
    RONDO_OPTION_INT(struct synthetic_options, length, "0", 0, MOST_STEPS,
                     "steps of adding, parity, delayed_echo and sine; symbols that copy copies; 0: 50, for copy 10"),
    RONDO_OPTION_INT(
        struct synthetic_options, gap, "0", 0, MOST_STEPS,
        "steps between what copy and recall remember and its use, or that delayed_echo waits; 0: 50, 50, 5"),
    RONDO_OPTION_INT(
        struct synthetic_options, spread, "0", 0, MOST_STEPS,
        "each example has up to this number of further steps: in the gap of copy and recall, else in its length"),
    RONDO_OPTION_INT(struct synthetic_options, symbols, "0", 0, 1e6,
                     "different symbols that copy, recall and delayed_echo remember; 0: 8"),
    RONDO_OPTION_BOOL(struct synthetic_options, running, "false",
                      "parity: a target at each step (N:N), not at the end"),
    RONDO_OPTION_REAL(struct synthetic_options, noise, "0", 0, 1e6,
                      "sine: standard deviation of the noise of its targets"),
    RONDO_OPTION_INT(struct synthetic_options, data_seed, "1", 0, 9007199254740992.0,
                     "of the examples; another seed gives others"),
    RONDO_OPTION_END};

static const struct synthetic_options *options_of(const struct reader *reader) {
    return reader->options;
}

/* ---- tasks ---- */

/* The options of a task, with its usual values in place of 0, and what follows from them. */
struct synthetic_sizes {
    int64_t length, gap, symbols;
    int64_t inputs, targets;               /* elements of an example */
    int64_t input_symbols, target_symbols; /* ids of a stream of symbols */
};

/* What a task computes: one example. Symbols and numbers of a stream have the same memory; a task uses one of the two. */
struct synthetic_example {
    struct synthetic_sizes sizes;
    const struct synthetic_options *options;
    struct rng_stream stream; /* of this example: no two of its uses share a number */
    int32_t *inputs, *targets;
    float *input_numbers, *target_numbers;
};

/* A task: what its streams are, and how one example is filled. */
struct synthetic_task {
    struct synthetic_sizes usual;    /* length, gap, symbols; 0: the task has none */
    int64_t input_size, target_size; /* numbers of an element; 0: it is a symbol */
    int gap_spreads;                 /* further steps (`spread`) are in the gap; 0: they add to the length */
    void (*measure)(struct synthetic_sizes *sizes,
                    const struct synthetic_options *options); /* sets the rest of sizes */
    void (*fill)(const struct synthetic_example *example);
};

/* Streams of an example, beside its own. */
enum { NOISE = 0, SPREAD = 1 };

static int32_t random_symbol(const struct synthetic_example *example, int64_t n, int64_t symbols) {
    return (int32_t)rng_below(example->stream, (uint64_t)n, (uint64_t)symbols);
}

static void adding_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    (void)options;
    sizes->inputs = sizes->length;
    sizes->targets = 1;
}

static void adding_fill(const struct synthetic_example *example) {
    const int64_t length = example->sizes.length, half = length / 2;
    const int64_t first = random_symbol(example, length, half),
                  second = half + random_symbol(example, length + 1, length - half);
    double sum = 0;
    for (int64_t t = 0; t < length; t++) {
        const float number = (float)rng_uniform(example->stream, (uint64_t)t);
        const int is_marked = t == first || t == second;
        example->input_numbers[2 * t] = number;
        example->input_numbers[2 * t + 1] = (float)is_marked;
        sum += is_marked ? (double)number : 0;
    }
    example->target_numbers[0] = (float)sum;
}

static void copy_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    (void)options;
    sizes->inputs = sizes->targets = 2 * sizes->length + sizes->gap;
    sizes->input_symbols = sizes->symbols + 2; /* blank and signal */
    sizes->target_symbols = sizes->symbols;
}

static void copy_fill(const struct synthetic_example *example) {
    const struct synthetic_sizes *sizes = &example->sizes;
    const int32_t blank = (int32_t)sizes->symbols, signal = blank + 1;
    const int64_t recite = sizes->length + sizes->gap;
    for (int64_t t = 0; t < sizes->inputs; t++) {
        example->inputs[t] = t == recite - 1 ? signal : blank;
    }
    for (int64_t t = 0; t < sizes->length; t++) {
        const int32_t id = random_symbol(example, t, sizes->symbols);
        example->inputs[t] = id;
        example->targets[recite + t] = id;
    }
}

static void recall_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    (void)options;
    sizes->inputs = 1 + sizes->gap;
    sizes->targets = 1;
    sizes->input_symbols = 2 * sizes->symbols; /* and the distractors */
    sizes->target_symbols = sizes->symbols;
}

static void recall_fill(const struct synthetic_example *example) {
    const struct synthetic_sizes *sizes = &example->sizes;
    const int32_t id = random_symbol(example, 0, sizes->symbols);
    example->inputs[0] = id;
    for (int64_t t = 1; t < sizes->inputs; t++) {
        example->inputs[t] = (int32_t)sizes->symbols + random_symbol(example, t, sizes->symbols);
    }
    example->targets[0] = id;
}

static void parity_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    sizes->inputs = sizes->length;
    sizes->targets = options->running ? sizes->length : 1;
    sizes->input_symbols = sizes->target_symbols = 2;
}

static void parity_fill(const struct synthetic_example *example) {
    int32_t parity = 0;
    for (int64_t t = 0; t < example->sizes.length; t++) {
        const int32_t bit = random_symbol(example, t, 2);
        parity ^= bit;
        example->inputs[t] = bit;
        example->targets[example->options->running ? t : 0] = parity;
    }
}

static void echo_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    (void)options;
    sizes->inputs = sizes->targets = sizes->length;
    sizes->input_symbols = sizes->target_symbols = sizes->symbols;
}

static void echo_fill(const struct synthetic_example *example) {
    const struct synthetic_sizes *sizes = &example->sizes;
    for (int64_t t = 0; t < sizes->length; t++) {
        example->inputs[t] = random_symbol(example, t, sizes->symbols);
        if (t >= sizes->gap) {
            example->targets[t] = example->inputs[t - sizes->gap];
        }
    }
}

static void sine_measure(struct synthetic_sizes *sizes, const struct synthetic_options *options) {
    (void)options;
    sizes->inputs = 1;
    sizes->targets = sizes->length;
}

/* wave(t) = sin(2 pi frequency t + phase) + noise */
static void sine_fill(const struct synthetic_example *example) {
    const double lowest = 1.0 / 32, highest = 1.0 / 8;
    const double place = rng_uniform(example->stream, 0), phase = 2 * M_PI * rng_uniform(example->stream, 1);
    const double frequency = lowest + (highest - lowest) * place;
    const struct rng_stream noise = rng_substream(example->stream, NOISE);
    example->input_numbers[0] = (float)(2 * place - 1);
    example->input_numbers[1] = (float)cos(phase);
    example->input_numbers[2] = (float)sin(phase);
    for (int64_t t = 0; t < example->sizes.length; t++) {
        const double wave = sin(2 * M_PI * frequency * (double)t + phase);
        example->target_numbers[t] = (float)(wave + example->options->noise * rng_normal(noise, (uint64_t)t));
    }
}

/* In the order of task_names. */
static const struct synthetic_task tasks[] = {
    {{.length = 50}, 2, 1, 0, adding_measure, adding_fill},
    {{.length = 10, .gap = 50, .symbols = 8}, 0, 0, 1, copy_measure, copy_fill},
    {{.gap = 50, .symbols = 8}, 0, 0, 1, recall_measure, recall_fill},
    {{.length = 50}, 0, 0, 0, parity_measure, parity_fill},
    {{.length = 50, .gap = 5, .symbols = 8}, 0, 0, 0, echo_measure, echo_fill},
    {{.length = 50}, 3, 1, 0, sine_measure, sine_fill},
};
enum { TASK_ADDING = 0, TASK_PARITY = 3, TASK_ECHO = 4, TASK_SINE = 5 };

/* Of an example with a number of further steps. */
static struct synthetic_sizes sizes_of(const struct synthetic_options *options, int64_t further) {
    const struct synthetic_task *task = &tasks[options->task];
    struct synthetic_sizes sizes = {.length = options->length > 0 ? options->length : task->usual.length,
                                    .gap = options->gap > 0 ? options->gap : task->usual.gap,
                                    .symbols = options->symbols > 0 ? options->symbols : task->usual.symbols};
    *(task->gap_spreads ? &sizes.gap : &sizes.length) += further;
    task->measure(&sizes, options);
    return sizes;
}

/* ---- the reader ---- */

/* Refuses options that the task does not use, which would be ignored. */
static rondo_status check(const struct reader *reader, struct errors *errors) {
    const struct synthetic_options *options = options_of(reader);
    const struct synthetic_sizes *usual = &tasks[options->task].usual, sizes = sizes_of(options, 0);
    const struct {
        const char *name;
        int is_given, is_used;
    } given[] = {{"length", options->length > 0, usual->length > 0},
                 {"gap", options->gap > 0, usual->gap > 0},
                 {"symbols", options->symbols > 0, usual->symbols > 0},
                 {"running", options->running, options->task == TASK_PARITY},
                 {"noise", options->noise > 0, options->task == TASK_SINE}};
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        if (given[i].is_given && !given[i].is_used) {
            return errors_add(errors, RONDO_INVALID, "'%s' is not used by the task '%s'", given[i].name,
                              task_names[options->task]);
        }
    }
    if (options->symbols == 1) {
        return errors_add(errors, RONDO_INVALID, "'symbols' is 1, expected at least 2");
    }
    if (options->task == TASK_ADDING && sizes.length < 2) {
        return errors_add(errors, RONDO_INVALID, "'length' is 1, expected at least 2, one step for each number to add");
    }
    if (options->task == TASK_ECHO && sizes.gap >= sizes.length) {
        return errors_add(errors, RONDO_INVALID,
                          "'gap' is %lld, expected less than 'length', %lld: otherwise no step has a target",
                          (long long)sizes.gap, (long long)sizes.length);
    }
    return RONDO_OK;
}

static rondo_status add_stream(struct dataset *dataset, const char *name, int64_t size, int64_t symbols,
                               struct errors *errors) {
    const struct stream *stream = size > 0 ? dataset_stream(dataset, name, STREAM_REAL, STORE_F32, size, errors)
                                           : dataset_stream(dataset, name, STREAM_CLASS, STORE_I32, symbols, errors);
    return stream == NULL ? errors->status : RONDO_OK;
}

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct synthetic_task *task = &tasks[options_of(reader)->task];
    const struct synthetic_sizes sizes = sizes_of(options_of(reader), 0);
    RONDO_TRY(add_stream(dataset, "input", task->input_size, sizes.input_symbols, errors));
    return add_stream(dataset, "target", task->target_size, sizes.target_symbols, errors);
}

/* Room for elements of a stream: symbols or numbers, each of 4 bytes. */
static void *make_elements(struct arena *arena, int64_t count, int64_t size) {
    return arena_calloc(arena, (size_t)count * (size > 0 ? (size_t)size : 1), sizeof(int32_t));
}

static rondo_status add_examples(const struct reader *reader, enum part_name part, struct synthetic_example *example,
                                 struct dataset *dataset, struct errors *errors) {
    const struct synthetic_options *options = example->options;
    const int64_t count[] = {options->train, options->valid, options->test};
    const struct rng_stream of_task = rng_stream((uint64_t)options->data_seed, task_names[options->task]);
    const struct rng_stream of_part = rng_substream(of_task, (uint64_t)part);
    const struct synthetic_sizes *sizes = &example->sizes;
    const uint64_t spreads = (uint64_t)options->spread + 1;
    for (int64_t i = 0; i < count[part]; i++) {
        RONDO_TRY(reader_check_interrupt(reader, i, (struct location){.file = "synthetic data"}, errors));
        example->stream = rng_substream(of_part, (uint64_t)i);
        example->sizes = sizes_of(options, (int64_t)rng_below(rng_substream(example->stream, SPREAD), 0, spreads));
        for (int64_t t = 0; t < sizes->targets; t++) {
            example->targets[t] = STREAM_NO_TARGET; /* those that `fill` leaves out */
        }
        tasks[options->task].fill(example);
        const struct stream_part parts[] = {{example->inputs, sizes->inputs}, {example->targets, sizes->targets}};
        RONDO_TRY(dataset_add(dataset, parts, errors));
    }
    return RONDO_OK;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    (void)with_targets; /* they are always known */
    const struct synthetic_task *task = &tasks[options_of(reader)->task];
    const struct synthetic_sizes largest = sizes_of(options_of(reader), options_of(reader)->spread);
    struct synthetic_example example = {.options = options_of(reader)};
    struct arena *arena = arena_create();
    void *input = make_elements(arena, largest.inputs, task->input_size);
    void *target = make_elements(arena, largest.targets, task->target_size);
    example.inputs = input;
    example.input_numbers = input;
    example.targets = target;
    example.target_numbers = target;
    const rondo_status status =
        arena_failed(arena) ? errors_no_memory(errors) : add_examples(reader, source->part, &example, dataset, errors);
    arena_destroy(arena);
    return status;
}

extern const struct reader_class reader_synthetic;
const struct reader_class reader_synthetic = {.name = "synthetic",
                                              .summary =
                                                  "computed examples of tasks such as adding or recall; no files",
                                              .options = options_table,
                                              .options_size = sizeof(struct synthetic_options),
                                              .flags = READER_NO_FILES,
                                              .check = check,
                                              .describe = describe,
                                              .read = read};
