/* tests/test_plugins.c: the optimizers and losses that Rondo ships, against PyTorch and against hand computation.
 *
 * They are loaded as an experiment would load them. RONDO_TEST_PLUGINS is the folder of the plug-ins as they were
 * built, RONDO_TEST_SOURCE the folder of this file: golden/ in it holds the numbers of PyTorch and the scripts that
 * wrote them.
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/host.h"
#include "core/loader.h"
#include "core/options.h"

#undef fail /* an old name of ck_abort_msg; here it is a member of rondo_host */

static struct arena *arena;
static struct errors errors;
static struct registry *registry;
static struct loader *loader;
static struct tape *tape;
static struct parallel parallel = {1};

/* Without the variable nothing would be tested: that is a failure. */
static const char *variable(const char *name) {
    const char *text = getenv(name);
    ck_assert_msg(text != NULL && text[0] == '/', "the variable %s must hold an absolute path", name);
    return text;
}

static void setup(void) {
    memset(&errors, 0, sizeof errors);
    arena = arena_create();
    registry = registry_create(builtin_ops, &errors);
    loader = loader_create(variable("RONDO_TEST_PLUGINS"), &errors);
    ck_assert(arena != NULL && registry != NULL && loader != NULL);
    registry_set_finder(registry, loader_finder(loader));
    tape = tape_create(&(struct tape_settings){registry, &parallel, &errors});
    ck_assert_ptr_nonnull(tape);
}

static void teardown(void) {
    tape_destroy(tape);
    loader_destroy(loader);
    registry_destroy(registry);
    arena_destroy(arena);
    errors_free(&errors);
}

static const rondo_descriptor *find(int32_t kind, const char *name) {
    const rondo_descriptor *found = registry_resolve(registry, kind, name, (struct location){0}, &errors);
    ck_assert_msg(found != NULL, "%s", errors.count > 0 ? errors_text(&errors, 0) : name);
    return found;
}

/* The options struct of a descriptor, from text as in "lr=0.1 momentum=0.9"; "-" is none. NULL with errors. */
static void *options_of(const rondo_descriptor *descriptor, const char *text) {
    void *options = options_create(descriptor->options, descriptor->options_size, arena, &errors);
    ck_assert_ptr_nonnull(options);
    const rondo_status status = options_parse(descriptor->options, options, strcmp(text, "-") == 0 ? NULL : text,
                                              descriptor->name, arena, (struct location){0}, &errors);
    return status == RONDO_OK ? options : NULL;
}

static rondo_tensor new_tensor(int32_t dtype, int32_t ndim, int64_t rows, int64_t columns) {
    rondo_tensor tensor = tensor_of(dtype, ndim, (const int64_t[]){rows, columns});
    ck_assert_int_eq(tensor_alloc(&tensor, arena, &errors), RONDO_OK);
    return tensor;
}

static void fill(const rondo_tensor *tensor, const double *values) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, values[i]);
    }
}

/* Within `tolerance` of numbers around 1, and within that share of larger ones. */
static void assert_near(double found, double expected, double tolerance, const char *what, int64_t index) {
    ck_assert_msg(fabs(found - expected) <= tolerance * (1 + fabs(expected)), "%s [%d] is %.17g, expected %.17g", what,
                  (int)index, found, expected);
}

static void assert_all_near(const rondo_tensor *found, const double *expected, double tolerance, const char *what) {
    for (int64_t i = 0; i < rondo_count(found); i++) {
        assert_near(tensor_get(found, i), expected[i], tolerance, what, i);
    }
}

static void assert_error(const char *part) {
    ck_assert_int_ge(errors.count, 1);
    ck_assert_msg(strstr(errors_text(&errors, 0), part) != NULL, "'%s' is not in \"%s\"", part,
                  errors_text(&errors, 0));
}

/* Each dtype and how near its results come to those of PyTorch in f64. */
static const struct precision {
    int32_t dtype;
    double tolerance;
} precisions[] = {{RONDO_F64, 1e-9}, {RONDO_F32, 2e-5}};

/* ---- golden files: lines of a word and numbers ---- */

#define MOST_NUMBERS 64

struct golden {
    FILE *file;
    char text[8192]; /* of the line */
    char *rest;      /* of the line, after its word */
    double numbers[MOST_NUMBERS];
    int count;
};

static struct golden golden_open(const char *name) {
    struct golden golden = {0};
    char path[1024];
    snprintf(path, sizeof path, "%s/golden/%s", variable("RONDO_TEST_SOURCE"), name);
    golden.file = fopen(path, "r");
    ck_assert_msg(golden.file != NULL, "cannot open '%s'", path);
    return golden;
}

/* The first word of the next line that is no comment; NULL at the end. */
static const char *golden_next(struct golden *golden) {
    do {
        if (fgets(golden->text, sizeof golden->text, golden->file) == NULL) {
            return NULL;
        }
    } while (golden->text[0] == '#');
    golden->text[strcspn(golden->text, "\n")] = '\0';
    golden->rest = strchr(golden->text, ' ');
    ck_assert_ptr_nonnull(golden->rest);
    *golden->rest++ = '\0';
    golden->count = 0;
    char *end = golden->rest;
    for (char *at = golden->rest; golden->count < MOST_NUMBERS; at = end) {
        const double number = strtod(at, &end);
        if (end == at) {
            break;
        }
        golden->numbers[golden->count++] = number;
    }
    return golden->text;
}

/* The next line must be `word` with `count` numbers; copies them to memory that lives as long as the test. */
static const double *golden_numbers(struct golden *golden, const char *word, int64_t count) {
    const char *found = golden_next(golden);
    ck_assert_msg(found != NULL && strcmp(found, word) == 0, "expected a line '%s', found '%s'", word, found);
    ck_assert_int_eq(golden->count, count);
    double *numbers = arena_alloc(arena, sizeof *numbers * (size_t)count);
    ck_assert_ptr_nonnull(numbers);
    memcpy(numbers, golden->numbers, sizeof *numbers * (size_t)count);
    return numbers;
}

/* ---- optimizers ---- */

#define MOST_SLOTS 4

/* A parameter of one dimension that is being optimised. */
struct optimised {
    const rondo_optimizer *optimizer;
    const void *options;
    rondo_tensor value, gradient, slots[MOST_SLOTS];
    int32_t n_slots;
    double lr_scale;
};

static struct optimised optimise(const char *name, const char *options, int32_t dtype, int64_t size,
                                 const double *start) {
    const rondo_optimizer *optimizer = (const rondo_optimizer *)find(RONDO_KIND_OPTIMIZER, name);
    struct optimised optimised = {.optimizer = optimizer,
                                  .options = options_of(&optimizer->base, options),
                                  .value = new_tensor(dtype, 1, size, 0),
                                  .gradient = new_tensor(dtype, 1, size, 0),
                                  .lr_scale = 1};
    ck_assert_ptr_nonnull(optimised.options);
    fill(&optimised.value, start);
    for (; optimizer->slots[optimised.n_slots].name != NULL; optimised.n_slots++) {
        ck_assert_int_lt(optimised.n_slots, MOST_SLOTS);
        optimised.slots[optimised.n_slots] = new_tensor(dtype, 1, size, 0);
    }
    return optimised;
}

static rondo_tensor part_of(const rondo_tensor *tensor, int64_t begin, int64_t end) {
    return tensor_1d(tensor->dtype, end - begin, (char *)tensor->data + (size_t)begin * dtype_size(tensor->dtype));
}

/* Update number `step` of the elements begin .. end - 1. */
static rondo_status update(struct optimised *optimised, int64_t step, int64_t begin, int64_t end) {
    rondo_tensor slots[MOST_SLOTS];
    for (int32_t k = 0; k < optimised->n_slots; k++) {
        slots[k] = part_of(&optimised->slots[k], begin, end);
    }
    const rondo_optimizer_call call = {.struct_size = sizeof call,
                                       .n_slots = optimised->n_slots,
                                       .options = optimised->options,
                                       .parameter = "layers.0.W",
                                       .step = step,
                                       .lr_scale = optimised->lr_scale,
                                       .value = part_of(&optimised->value, begin, end),
                                       .gradient = part_of(&optimised->gradient, begin, end),
                                       .slots = slots};
    struct host_call host = host_call(arena, &errors, &parallel, optimised->optimizer->base.name);
    return host_result(&host, optimised->optimizer->step(&host.base, &call));
}

#define SIZE            4
#define STEPS           50
#define OPTIMIZER_CASES 10

START_TEST(optimizers_follow_pytorch) {
    const struct precision *precision = &precisions[_i];
    struct golden golden = golden_open("optimizers.txt");
    const double *start = golden_numbers(&golden, "start", SIZE);
    const double *gradients[STEPS];
    for (int step = 0; step < STEPS; step++) {
        gradients[step] = golden_numbers(&golden, "gradient", SIZE);
    }
    struct optimised optimised = {0};
    char title[200] = "";
    int cases = 0;
    int64_t step = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
        if (strcmp(word, "case") == 0) {
            snprintf(title, sizeof title, "%s", golden.rest);
            char *options = strchr(golden.rest, ' ');
            *options++ = '\0';
            optimised = optimise(golden.rest, options, precision->dtype, SIZE, start);
            cases++;
            step = 0;
            continue;
        }
        ck_assert_str_eq(word, "after");
        ck_assert_int_eq(golden.count, 1 + SIZE);
        while (step < (int64_t)golden.numbers[0]) {
            fill(&optimised.gradient, gradients[step]);
            step++;
            ck_assert_int_eq(update(&optimised, step, 0, SIZE), RONDO_OK);
        }
        assert_all_near(&optimised.value, golden.numbers + 1, precision->tolerance, title);
    }
    ck_assert_int_eq(cases, OPTIMIZER_CASES);
    ck_assert_int_eq(step, STEPS);
    fclose(golden.file);
}
END_TEST

/* From 1, with the gradients 0.5 and 0.25: the values after the first and the second update, by hand. */
static const struct {
    const char *name, *options;
    double first, second;
} by_hand[] = {
    {"sgd", "lr=0.1", 0.95, 0.925},
    {"sgd", "lr=0.1 momentum=0.5", 0.95, 0.9},
    {"sgd", "lr=0.1 momentum=0.5 nesterov=true", 0.925, 0.875},
    {"sgd", "lr=0.1 weight_decay=0.2", 0.93, 0.8864},
    {"sgd", "lr=0", 1, 1},
    /* m = 0.05, v = 0.00025 correct to 0.5 and 0.25; then to 0.07 / 0.19 and 0.00031225 / 0.001999 */
    {"adam", "lr=0.1 epsilon=1e-30", 0.9, 0.9 - 0.1 * 0.07 / 0.19 / 0.395225381},
    {"adam", "lr=0.1 beta1=0 beta2=0 epsilon=1e-30", 0.9, 0.8},
    {"adam", "lr=0.1 beta1=0 beta2=0 epsilon=1e-30 weight_decay=0.5", 0.85, 0.7075},
    {"adam", "lr=0.1 beta1=0 beta2=0 epsilon=1e-30 weight_decay=0.5 decoupled=false", 0.9, 0.8},
};

START_TEST(first_updates_are_those_of_the_equations) {
    struct optimised optimised = optimise(by_hand[_i].name, by_hand[_i].options, RONDO_F64, 1, (double[]){1});
    fill(&optimised.gradient, (double[]){0.5});
    ck_assert_int_eq(update(&optimised, 1, 0, 1), RONDO_OK);
    assert_all_near(&optimised.value, (double[]){by_hand[_i].first}, 1e-8, "value after one update");
    fill(&optimised.gradient, (double[]){0.25});
    ck_assert_int_eq(update(&optimised, 2, 0, 1), RONDO_OK);
    assert_all_near(&optimised.value, (double[]){by_hand[_i].second}, 1e-8, "value after two updates");
}
END_TEST

/* Options under which every term of the update is at work. */
static const struct {
    const char *name, *options, *half;
} full[] = {
    {"sgd", "lr=0.1 momentum=0.9 nesterov=true weight_decay=0.1",
     "lr=0.05 momentum=0.9 nesterov=true weight_decay=0.1"},
    {"sgd", "lr=0.1 weight_decay=0.1", "lr=0.05 weight_decay=0.1"},
    {"adam", "lr=0.1 weight_decay=0.1", "lr=0.05 weight_decay=0.1"},
    {"adam", "lr=0.1 weight_decay=0.1 decoupled=false", "lr=0.05 weight_decay=0.1 decoupled=false"},
};

#define LONG_SIZE 37

/* Three updates with made-up gradients, in slices that end at `cuts` (the last is LONG_SIZE). */
static struct optimised three_updates(const char *name, const char *options, int32_t dtype, double lr_scale,
                                      const int64_t *cuts) {
    double numbers[LONG_SIZE];
    for (int i = 0; i < LONG_SIZE; i++) {
        numbers[i] = sin(1.0 + i);
    }
    struct optimised optimised = optimise(name, options, dtype, LONG_SIZE, numbers);
    optimised.lr_scale = lr_scale;
    for (int64_t step = 1; step <= 3; step++) {
        for (int i = 0; i < LONG_SIZE; i++) {
            numbers[i] = cos((double)step * (2.0 + i));
        }
        fill(&optimised.gradient, numbers);
        int64_t begin = 0;
        for (int k = 0; begin < LONG_SIZE; begin = cuts[k++]) {
            ck_assert_int_eq(update(&optimised, step, begin, cuts[k]), RONDO_OK);
        }
    }
    return optimised;
}

START_TEST(updates_in_slices_give_the_same_bits) {
    ck_assert_uint_eq(((const rondo_optimizer *)find(RONDO_KIND_OPTIMIZER, full[_i].name))->flags,
                      RONDO_OPTIMIZER_ELEMENTWISE);
    for (int32_t dtype = RONDO_F32; dtype <= RONDO_F64; dtype++) {
        const int64_t whole[] = {LONG_SIZE};
        const int64_t slices[] = {1, 8, 8, 30, LONG_SIZE};
        const struct optimised a = three_updates(full[_i].name, full[_i].options, dtype, 1, whole);
        const struct optimised b = three_updates(full[_i].name, full[_i].options, dtype, 1, slices);
        ck_assert_mem_eq(a.value.data, b.value.data, tensor_bytes(&a.value));
        for (int32_t k = 0; k < a.n_slots; k++) {
            ck_assert_mem_eq(a.slots[k].data, b.slots[k].data, tensor_bytes(&a.slots[k]));
        }
    }
}
END_TEST

START_TEST(schedule_scales_the_learning_rate) {
    const int64_t whole[] = {LONG_SIZE};
    const struct optimised a = three_updates(full[_i].name, full[_i].options, RONDO_F64, 0.5, whole);
    const struct optimised b = three_updates(full[_i].name, full[_i].half, RONDO_F64, 1, whole);
    ck_assert_mem_eq(a.value.data, b.value.data, tensor_bytes(&a.value));
}
END_TEST

START_TEST(parameter_of_integers_is_refused) {
    struct optimised optimised = optimise(full[_i].name, full[_i].options, RONDO_I32, 1, (double[]){1});
    ck_assert_int_eq(update(&optimised, 1, 0, 1), RONDO_INTERNAL);
    assert_error("parameter 'layers.0.W' is neither f32 nor f64");
}
END_TEST

START_TEST(gradient_of_zero_moves_nothing) {
    struct optimised optimised = optimise("adam", "epsilon=1e-30", precisions[_i].dtype, 2, (double[]){1, -2});
    for (int64_t step = 1; step <= 3; step++) {
        ck_assert_int_eq(update(&optimised, step, 0, 2), RONDO_OK);
    }
    assert_all_near(&optimised.value, (double[]){1, -2}, 0, "value");
}
END_TEST

START_TEST(nesterov_needs_momentum) {
    const rondo_optimizer *sgd = (const rondo_optimizer *)find(RONDO_KIND_OPTIMIZER, "sgd");
    struct host_call host = host_call(arena, &errors, &parallel, "optimizer 'sgd'");
    ck_assert_int_eq(sgd->check(&host.base, options_of(&sgd->base, "momentum=0.9 nesterov=true")), RONDO_OK);
    ck_assert_int_eq(sgd->check(&host.base, options_of(&sgd->base, "-")), RONDO_OK);
    ck_assert_int_eq(errors.count, 0);
    ck_assert_int_eq(sgd->check(&host.base, options_of(&sgd->base, "nesterov=true")), RONDO_INVALID);
    assert_error("optimizer 'sgd': 'nesterov' is true, which needs 'momentum' above 0");
}
END_TEST

static const struct {
    int32_t kind;
    const char *name, *options, *part;
} refused_options[] = {
    {RONDO_KIND_OPTIMIZER, "sgd", "lr=-1", "'lr' is -1, expected a number in [0, 1000]"},
    {RONDO_KIND_OPTIMIZER, "sgd", "momentum=1", "'momentum' is 1"},
    {RONDO_KIND_OPTIMIZER, "sgd", "weight_decay=-0.1", "'weight_decay' is -0.1"},
    {RONDO_KIND_OPTIMIZER, "adam", "beta1=1", "'beta1' is 1"},
    {RONDO_KIND_OPTIMIZER, "adam", "beta2=1", "'beta2' is 1"},
    {RONDO_KIND_OPTIMIZER, "adam", "epsilon=0", "'epsilon' is 0"},
    {RONDO_KIND_OPTIMIZER, "adam", "eps=1e-8", "unknown option 'eps' of adam"},
    {RONDO_KIND_LOSS, "softmax_cross_entropy", "label_smoothing=1", "'label_smoothing' is 1"},
    {RONDO_KIND_LOSS, "sigmoid_cross_entropy", "reduction=none", "expected one of mean, sum"},
    {RONDO_KIND_LOSS, "squared_error", "reduction=mean", "unknown option 'reduction' of squared_error"},
};

START_TEST(options_out_of_range_are_refused) {
    ck_assert_ptr_null(
        options_of(find(refused_options[_i].kind, refused_options[_i].name), refused_options[_i].options));
    assert_error(refused_options[_i].part);
}
END_TEST

/* The names that checkpoints save state under: a change makes older ones unreadable. */
START_TEST(slots_keep_their_names) {
    const rondo_optimizer *sgd = (const rondo_optimizer *)find(RONDO_KIND_OPTIMIZER, "sgd");
    const rondo_optimizer *adam = (const rondo_optimizer *)find(RONDO_KIND_OPTIMIZER, "adam");
    ck_assert_str_eq(sgd->slots[0].name, "velocity");
    ck_assert_ptr_null(sgd->slots[1].name);
    ck_assert_str_eq(adam->slots[0].name, "first_moment");
    ck_assert_str_eq(adam->slots[1].name, "second_moment");
    ck_assert_ptr_null(adam->slots[2].name);
}
END_TEST

/* ---- losses ---- */

/* One loss on one batch. */
struct judged {
    const rondo_loss *loss;
    rondo_loss_call call;
    int64_t rows, output_size;
    rondo_tensor outputs, targets; /* (rows, output_size); (rows) or (rows, target_size) */
};

/* The call that the tape's results are recorded through; what it allocates lives as long as the test. */
static struct host_call loss_host(const struct judged *judged) {
    struct host_call host = host_call(arena, &errors, &parallel, judged->loss->base.name);
    host.tape = tape;
    return host;
}

static struct judged judge(const char *name, const char *kind, int64_t target_size, int64_t rows, const char *options,
                           int32_t dtype) {
    const rondo_loss *loss = (const rondo_loss *)find(RONDO_KIND_LOSS, name);
    const int is_class = strcmp(kind, "class") == 0;
    struct judged judged = {.loss = loss, .rows = rows};
    judged.call = (rondo_loss_call){.struct_size = sizeof judged.call,
                                    .target_kind = is_class ? RONDO_TARGET_CLASS : RONDO_TARGET_REAL,
                                    .options = options_of(&loss->base, options),
                                    .target_size = target_size};
    struct host_call host = loss_host(&judged);
    ck_assert_int_eq(loss->output_size(&host.base, &judged.call, &judged.output_size), RONDO_OK);
    judged.outputs = new_tensor(dtype, 2, rows, judged.output_size);
    judged.targets = is_class ? new_tensor(RONDO_I32, 1, rows, 0) : new_tensor(dtype, 2, rows, target_size);
    return judged;
}

/* Records the loss of every row on a fresh tape; `outputs` gets the value that they were made from. */
static rondo_value record(const struct judged *judged, rondo_value *outputs) {
    tape_reset(tape);
    *outputs = tape_parameter(tape, "outputs", &judged->outputs, NULL);
    const rondo_value targets = tape_constant(tape, &judged->targets);
    struct host_call host = loss_host(judged);
    return judged->loss->record(&host.base, &judged->call, *outputs, targets);
}

static double mean_loss(const struct judged *judged) {
    rondo_value outputs;
    const rondo_tensor *losses = tape_tensor(tape, record(judged, &outputs));
    ck_assert_ptr_nonnull(losses);
    double sum = 0;
    for (int64_t row = 0; row < judged->rows; row++) {
        sum += tensor_get(losses, row);
    }
    return sum / (double)judged->rows;
}

/* d(mean loss) / d(outputs), by the tape. */
static const rondo_tensor *gradient_of(const struct judged *judged) {
    rondo_value outputs;
    const rondo_value losses = record(judged, &outputs);
    const rondo_value mean = tape_apply_named(tape, "mean", NULL, &losses, 1);
    ck_assert_msg(tape_backward(tape, mean) == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : "");
    const rondo_tensor *gradient = tape_gradient(tape, outputs);
    ck_assert_ptr_nonnull(gradient);
    return gradient;
}

static rondo_tensor predict(const struct judged *judged) {
    const rondo_tensor predictions = new_tensor(judged->outputs.dtype, 2, judged->rows, judged->call.target_size);
    struct host_call host = loss_host(judged);
    const rondo_status status = judged->loss->predict(&host.base, &judged->call, &judged->outputs, &predictions);
    ck_assert_int_eq(host_result(&host, status), RONDO_OK);
    return predictions;
}

#define MOST_METRICS 4

static rondo_status measure(const struct judged *judged, const rondo_tensor *predictions, double *sums) {
    struct host_call host = loss_host(judged);
    memset(sums, 0, sizeof *sums * MOST_METRICS);
    return host_result(&host, judged->loss->measure(&host.base, &judged->call, predictions, &judged->targets, sums));
}

/* Reads the next case of losses.txt; 0 at the end. */
static int next_case(struct golden *golden, int32_t dtype, struct judged *judged) {
    const char *word = golden_next(golden);
    if (word == NULL) {
        return 0;
    }
    ck_assert_str_eq(word, "case");
    char name[64], kind[16], options[64];
    int size = 0;
    int rows = 0;
    ck_assert_int_eq(sscanf(golden->rest, "%63s %15s %d %d %63[^\n]", name, kind, &size, &rows, options), 5);
    *judged = judge(name, kind, size, rows, options, dtype);
    fill(&judged->outputs, golden_numbers(golden, "outputs", rondo_count(&judged->outputs)));
    fill(&judged->targets, golden_numbers(golden, "targets", rondo_count(&judged->targets)));
    return 1;
}

#define LOSS_CASES 10

START_TEST(losses_agree_with_pytorch) {
    const struct precision *precision = &precisions[_i];
    struct golden golden = golden_open("losses.txt");
    struct judged judged;
    int cases = 0;
    for (; next_case(&golden, precision->dtype, &judged); cases++) {
        const double tolerance = precision->tolerance;
        rondo_value outputs;
        const rondo_tensor *losses = tape_tensor(tape, record(&judged, &outputs));
        ck_assert_msg(losses != NULL, "%s", errors.count > 0 ? errors_text(&errors, 0) : "");
        ck_assert_int_eq(losses->ndim, 1);
        ck_assert_int_eq(losses->shape[0], judged.rows);
        assert_all_near(losses, golden_numbers(&golden, "losses", judged.rows), tolerance, "loss");
        assert_all_near(gradient_of(&judged), golden_numbers(&golden, "gradient", rondo_count(&judged.outputs)),
                        tolerance, "gradient");
        const rondo_tensor predictions = predict(&judged);
        assert_all_near(&predictions, golden_numbers(&golden, "predictions", rondo_count(&predictions)), tolerance,
                        "prediction");
        double sums[MOST_METRICS];
        ck_assert_int_eq(measure(&judged, &predictions, sums), RONDO_OK);
        int n_metrics = 0;
        for (const rondo_metric *metric = judged.loss->metrics; metric->name != NULL; metric++) {
            n_metrics++;
        }
        const double *expected = golden_numbers(&golden, "metrics", n_metrics);
        for (int k = 0; k < n_metrics; k++) {
            assert_near(sums[k], expected[k], tolerance, judged.loss->metrics[k].name, k);
        }
    }
    ck_assert_int_eq(cases, LOSS_CASES);
    fclose(golden.file);
}
END_TEST

/* (L(x + h) - L(x - h)) / 2h, in f64. */
START_TEST(gradients_of_losses_are_those_of_central_differences) {
    struct golden golden = golden_open("losses.txt");
    struct judged judged;
    int cases = 0;
    for (; next_case(&golden, RONDO_F64, &judged); cases++) {
        const int64_t count = rondo_count(&judged.outputs);
        double found[MOST_NUMBERS];
        const rondo_tensor *gradient = gradient_of(&judged);
        for (int64_t i = 0; i < count; i++) {
            found[i] = tensor_get(gradient, i);
        }
        for (int64_t i = 0; i < count; i++) {
            const double x = tensor_get(&judged.outputs, i);
            const double h = 1e-5;
            tensor_set(&judged.outputs, i, x + h);
            const double above = mean_loss(&judged);
            tensor_set(&judged.outputs, i, x - h);
            const double below = mean_loss(&judged);
            tensor_set(&judged.outputs, i, x);
            assert_near(found[i], (above - below) / (2 * h), 1e-7, judged.loss->base.name, i);
        }
        while (strcmp(golden_next(&golden), "metrics") != 0) { /* what this test has no use for */
        }
    }
    ck_assert_int_eq(cases, LOSS_CASES);
    fclose(golden.file);
}
END_TEST

/* Targets, and how many outputs they need; 0: refused, with the text. */
static const struct {
    const char *name;
    int32_t kind;
    int64_t target_size, output_size;
    const char *part;
} sizes[] = {
    {"softmax_cross_entropy", RONDO_TARGET_CLASS, 2, 2, NULL},
    {"softmax_cross_entropy", RONDO_TARGET_CLASS, 1000, 1000, NULL},
    {"softmax_cross_entropy", RONDO_TARGET_CLASS, 1, 0, "targets have 1 class, expected 2 or more"},
    {"softmax_cross_entropy", RONDO_TARGET_REAL, 3, 0, "targets are numbers, expected classes"},
    {"sigmoid_cross_entropy", RONDO_TARGET_CLASS, 2, 1, NULL},
    {"sigmoid_cross_entropy", RONDO_TARGET_CLASS, 3, 0, "targets have 3 classes, expected 2"},
    {"sigmoid_cross_entropy", RONDO_TARGET_CLASS, 1, 0, "targets have 1 classes, expected 2"},
    {"sigmoid_cross_entropy", RONDO_TARGET_REAL, 88, 88, NULL},
    {"squared_error", RONDO_TARGET_REAL, 3, 3, NULL},
    {"squared_error", RONDO_TARGET_CLASS, 3, 0, "targets are classes, expected numbers"},
};

START_TEST(losses_say_how_many_outputs_they_need) {
    const rondo_loss *loss = (const rondo_loss *)find(RONDO_KIND_LOSS, sizes[_i].name);
    const rondo_loss_call call = {.struct_size = sizeof call,
                                  .target_kind = sizes[_i].kind,
                                  .options = options_of(&loss->base, "-"),
                                  .target_size = sizes[_i].target_size};
    struct host_call host = host_call(arena, &errors, &parallel, loss->base.name);
    int64_t size = 0;
    const rondo_status status = loss->output_size(&host.base, &call, &size);
    ck_assert_int_eq(status, sizes[_i].part == NULL ? RONDO_OK : RONDO_INVALID);
    ck_assert_int_eq(size, sizes[_i].output_size);
    if (sizes[_i].part != NULL) {
        assert_error(sizes[_i].part);
    }
}
END_TEST

/* One wrong target in the second of three rows. */
static const struct {
    const char *name, *kind;
    int64_t target_size, index;
    double target;
    const char *part;
} wrong_targets[] = {
    {"softmax_cross_entropy", "class", 5, 1, 5, "target of row 1 is class 5, expected 0 to 4"},
    {"softmax_cross_entropy", "class", 5, 1, -1, "target of row 1 is class -1, expected 0 to 4"},
    {"sigmoid_cross_entropy", "class", 2, 1, 2, "target of row 1 is class 2, expected 0 or 1"},
    {"sigmoid_cross_entropy", "class", 2, 1, -1, "target of row 1 is class -1, expected 0 or 1"},
    {"sigmoid_cross_entropy", "real", 2, 3, 1.5, "target 1 of row 1 is 1.5, expected a number in [0, 1]"},
    {"sigmoid_cross_entropy", "real", 2, 2, -0.25, "target 0 of row 1 is -0.25, expected a number in [0, 1]"},
    {"sigmoid_cross_entropy", "real", 2, 2, NAN, "target 0 of row 1 is nan, expected a number in [0, 1]"},
};

START_TEST(targets_out_of_range_are_refused) {
    const struct judged judged =
        judge(wrong_targets[_i].name, wrong_targets[_i].kind, wrong_targets[_i].target_size, 3, "-", RONDO_F64);
    tensor_set(&judged.targets, wrong_targets[_i].index, wrong_targets[_i].target);
    rondo_value outputs;
    ck_assert_int_lt(record(&judged, &outputs).id, 0);
    assert_error(wrong_targets[_i].part);
    ck_assert_int_eq(errors.status, RONDO_INVALID);
}
END_TEST

START_TEST(class_out_of_range_is_not_measured) {
    const struct judged judged = judge("softmax_cross_entropy", "class", 5, 3, "-", RONDO_F32);
    tensor_set(&judged.targets, 2, 1e9);
    const rondo_tensor predictions = predict(&judged);
    double sums[MOST_METRICS];
    ck_assert_int_eq(measure(&judged, &predictions, sums), RONDO_INVALID);
    assert_error("target of row 2 is class 1000000000");
}
END_TEST

static const struct {
    const char *name, *kind;
    int64_t target_size;
} losses[] = {
    {"softmax_cross_entropy", "class", 3},
    {"sigmoid_cross_entropy", "class", 2},
    {"sigmoid_cross_entropy", "real", 3},
    {"squared_error", "real", 3},
};

START_TEST(batch_without_rows_is_allowed) {
    const struct judged judged = judge(losses[_i].name, losses[_i].kind, losses[_i].target_size, 0, "-", RONDO_F32);
    rondo_value outputs;
    const rondo_tensor *result = tape_tensor(tape, record(&judged, &outputs));
    ck_assert_msg(result != NULL, "%s", errors.count > 0 ? errors_text(&errors, 0) : "");
    ck_assert_int_eq(result->ndim, 1);
    ck_assert_int_eq(result->shape[0], 0);
    const rondo_tensor predictions = predict(&judged);
    double sums[MOST_METRICS];
    ck_assert_int_eq(measure(&judged, &predictions, sums), RONDO_OK);
    ck_assert_double_eq(sums[0], 0);
}
END_TEST

START_TEST(outputs_that_failed_give_a_loss_that_failed) {
    const struct judged judged = judge(losses[_i].name, losses[_i].kind, losses[_i].target_size, 1, "-", RONDO_F32);
    struct host_call host = loss_host(&judged);
    /* An op that there is none of makes the tape fail, as a model that went wrong would. */
    const rondo_value outputs = tape_apply_named(tape, "none", NULL, NULL, 0);
    ck_assert_int_lt(judged.loss->record(&host.base, &judged.call, outputs, outputs).id, 0);
    ck_assert_int_eq(errors.count, 1);
}
END_TEST

START_TEST(predictions_are_the_same_bits_on_any_number_of_threads) {
    const struct judged judged = judge("softmax_cross_entropy", "class", 100, 1000, "-", RONDO_F32);
    for (int64_t i = 0; i < rondo_count(&judged.outputs); i++) {
        tensor_set(&judged.outputs, i, 3 * sin((double)i));
    }
    const rondo_tensor alone = predict(&judged);
    parallel.threads = 4;
    const rondo_tensor together = predict(&judged);
    parallel.threads = 1;
    ck_assert_mem_eq(alone.data, together.data, tensor_bytes(&alone));
    double sum = 0;
    for (int64_t i = 0; i < rondo_count(&alone); i++) {
        sum += tensor_get(&alone, i);
    }
    assert_near(sum, 1000, 1e-6, "sum of the probabilities", 0);
}
END_TEST

START_TEST(perplexity_of_the_impossible_is_a_number) {
    const struct judged judged = judge("softmax_cross_entropy", "class", 2, 1, "-", precisions[_i].dtype);
    fill(&judged.outputs, (double[]){0, 1e30});
    const rondo_tensor predictions = predict(&judged);
    double sums[MOST_METRICS];
    ck_assert_int_eq(measure(&judged, &predictions, sums), RONDO_OK);
    ck_assert(isfinite(sums[1]) && sums[1] > 80);
}
END_TEST

#define ROWS(array) (int)(sizeof(array) / sizeof(array)[0])

static TCase *optimizer_cases(void) {
    TCase *cases = tcase_create("optimizers");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, optimizers_follow_pytorch, 0, ROWS(precisions));
    tcase_add_loop_test(cases, first_updates_are_those_of_the_equations, 0, ROWS(by_hand));
    tcase_add_loop_test(cases, updates_in_slices_give_the_same_bits, 0, ROWS(full));
    tcase_add_loop_test(cases, schedule_scales_the_learning_rate, 0, ROWS(full));
    tcase_add_loop_test(cases, parameter_of_integers_is_refused, 0, ROWS(full));
    tcase_add_loop_test(cases, gradient_of_zero_moves_nothing, 0, ROWS(precisions));
    tcase_add_test(cases, nesterov_needs_momentum);
    tcase_add_loop_test(cases, options_out_of_range_are_refused, 0, ROWS(refused_options));
    tcase_add_test(cases, slots_keep_their_names);
    return cases;
}

static TCase *loss_cases(void) {
    TCase *cases = tcase_create("losses");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, losses_agree_with_pytorch, 0, ROWS(precisions));
    tcase_add_test(cases, gradients_of_losses_are_those_of_central_differences);
    tcase_add_loop_test(cases, losses_say_how_many_outputs_they_need, 0, ROWS(sizes));
    tcase_add_loop_test(cases, targets_out_of_range_are_refused, 0, ROWS(wrong_targets));
    tcase_add_test(cases, class_out_of_range_is_not_measured);
    tcase_add_loop_test(cases, batch_without_rows_is_allowed, 0, ROWS(losses));
    tcase_add_loop_test(cases, outputs_that_failed_give_a_loss_that_failed, 0, ROWS(losses));
    tcase_add_test(cases, predictions_are_the_same_bits_on_any_number_of_threads);
    tcase_add_loop_test(cases, perplexity_of_the_impossible_is_a_number, 0, ROWS(precisions));
    return cases;
}

int main(void) {
    Suite *suite = suite_create("plugins");
    suite_add_tcase(suite, optimizer_cases());
    suite_add_tcase(suite, loss_cases());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
