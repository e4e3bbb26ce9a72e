/* tests/test_attention.c: ops that look along sequences: the attention ops against PyTorch, against loops over elements, and
 * against central differences; that a sequence's results depend on nothing else; and how the tape passes sequences on.
 *
 * golden/make_attention.py writes the reference.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <string.h>

#include "core/options.h"
#include "core/rng.h"
#include "core/tensor.h"
#include "core/time_axis.h"
#include "tests/plugin_fixture.h"
#include "tests/suite.h"

enum { MOST_INPUTS = 4, QUERY = 0, KEYS = 1, VALUES = 2, WEIGHTS = 3 };

/* One application of an op: its inputs and their sequences; the loss sum(output * weights); and what it gives. */
struct application {
    const rondo_op *op;
    void *options;
    int32_t n_inputs;
    rondo_tensor inputs[MOST_INPUTS];
    rondo_rows rows[MOST_INPUTS]; /* struct_size 0: the same for all sequences */
    rondo_tensor weights;         /* in the shape of the output */
    rondo_tensor output, gradients[MOST_INPUTS];
};

static const char *const input_names[MOST_INPUTS] = {"query", "keys", "values", "v"};

static void open_op(struct application *made, const char *op, const char *options) {
    *made = (struct application){.op = (const rondo_op *)(const void *)fixture_find(RONDO_KIND_OP, op)};
    made->options = fixture_options(&made->op->base, options);
    made->n_inputs = made->op->min_inputs;
}

static rondo_rows rows_of(int64_t count, const int64_t *begin, const int64_t *length) {
    return (rondo_rows){.struct_size = sizeof(rondo_rows), .count = count, .begin = begin, .length = length};
}

/* The elements of the output that belong to a sequence, in ascending order. */
static rondo_tensor elements_of_output(const struct application *made) {
    const rondo_rows *rows = &made->rows[QUERY];
    const int64_t most = made->inputs[QUERY].shape[0];
    char *is_element = arena_calloc(fixture.arena, (size_t)most + 1, 1);
    ck_assert_ptr_nonnull(is_element);
    int64_t count = 0;
    for (int64_t s = 0; s < rows->count; s++) {
        memset(is_element + rows->begin[s], 1, (size_t)rows->length[s]);
        count += rows->length[s];
    }
    const rondo_tensor index = fixture_tensor(RONDO_I32, 1, count, 0);
    for (int64_t i = 0, next = 0; i < most; i++) {
        if (is_element[i]) {
            tensor_set(&index, next++, (double)i);
        }
    }
    return index;
}

/* Records the op, and the loss sum(weights * elements of the output that belong to a sequence). Returns the loss. */
static rondo_value record(struct application *made, rondo_value *values, rondo_value *output) {
    struct tape *tape = fixture.tape;
    const rondo_rows *rows[MOST_INPUTS];
    tape_reset(tape);
    for (int32_t k = 0; k < made->n_inputs; k++) {
        rows[k] = made->rows[k].struct_size == 0 ? NULL : &made->rows[k];
        values[k] = tape_parameter(tape, input_names[k], &made->inputs[k], NULL);
    }
    *output = tape_apply_rows(tape, made->op, made->options, values, made->n_inputs, rows);
    ck_assert_msg(tape_status(tape) == RONDO_OK, "%s", fixture_first_error());
    const rondo_tensor index = elements_of_output(made);
    const rondo_value picked =
        tape_apply_named(tape, "gather", NULL, (rondo_value[]){*output, tape_constant(tape, &index)}, 2);
    rondo_tensor weights = fixture_tensor(made->weights.dtype, 2, index.shape[0], made->weights.shape[1]);
    for (int64_t i = 0; i < rondo_count(&weights); i++) {
        const int64_t columns = weights.shape[1], element = (int64_t)tensor_get(&index, i / columns);
        tensor_set(&weights, i, tensor_get(&made->weights, element * columns + i % columns));
    }
    const rondo_value product =
        tape_apply_named(tape, "mul", NULL, (rondo_value[]){picked, tape_constant(tape, &weights)}, 2);
    return tape_apply_named(tape, "sum", NULL, &product, 1);
}

static rondo_tensor copy_of(const rondo_tensor *tensor) {
    const rondo_tensor copy = fixture_shaped(tensor->dtype, tensor->ndim, tensor->shape);
    memcpy(copy.data, tensor->data, tensor_bytes(tensor));
    return copy;
}

/* Runs forward and backward: copies of the output and of the gradients. */
static void run(struct application *made) {
    rondo_value values[MOST_INPUTS], output;
    const rondo_value loss = record(made, values, &output);
    ck_assert_msg(tape_backward(fixture.tape, loss) == RONDO_OK, "%s", fixture_first_error());
    made->output = copy_of(tape_tensor(fixture.tape, output));
    for (int32_t k = 0; k < made->n_inputs; k++) {
        made->gradients[k] = copy_of(tape_gradient(fixture.tape, values[k]));
    }
}

/* ---- against PyTorch ---- */

/* Lengths of sequences that are stored one after the other. Returns their sum. */
static int64_t lay_out(rondo_rows *rows, const double *lengths, int64_t count) {
    int64_t *begin = arena_calloc(fixture.arena, (size_t)count, sizeof *begin);
    int64_t *length = arena_calloc(fixture.arena, (size_t)count, sizeof *length);
    ck_assert(begin != NULL && length != NULL);
    int64_t next = 0;
    for (int64_t s = 0; s < count; s++) {
        begin[s] = next;
        length[s] = (int64_t)lengths[s];
        next += length[s];
    }
    *rows = rows_of(count, begin, length);
    return next;
}

/* Reads the next case; 0 at the end. */
static int next_case(struct golden *golden, int32_t dtype, struct application *made) {
    const char *word = golden_next(golden);
    if (word == NULL) {
        return 0;
    }
    ck_assert_str_eq(word, "case");
    char op[64], options[128];
    long columns, width;
    int used = 0;
    ck_assert_int_eq(sscanf(golden->rest, "%63s %ld %ld %n", op, &columns, &width, &used), 3);
    snprintf(options, sizeof options, "%s", golden->rest + used);
    open_op(made, op, options);
    int64_t totals[2];
    static const char *const words[2] = {"queries", "keys"};
    for (int k = 0; k < 2; k++) {
        ck_assert_str_eq(golden_next(golden), words[k]);
        totals[k] = lay_out(&made->rows[k], golden->numbers, golden->count);
    }
    made->rows[VALUES] = made->rows[KEYS];
    made->inputs[QUERY] = fixture_tensor(dtype, 2, totals[0], columns);
    made->inputs[KEYS] = fixture_tensor(dtype, 2, totals[1], columns);
    made->inputs[VALUES] = fixture_tensor(dtype, 2, totals[1], width);
    made->inputs[WEIGHTS] = fixture_tensor(dtype, 1, columns, 0);
    made->weights = fixture_tensor(dtype, 2, totals[0], width);
    for (int32_t k = 0; k < made->n_inputs; k++) {
        fixture_fill(&made->inputs[k], golden_numbers(golden, input_names[k], rondo_count(&made->inputs[k])));
    }
    fixture_fill(&made->weights, golden_numbers(golden, "weights", rondo_count(&made->weights)));
    return 1;
}

enum { CASES = 14 };

START_TEST(ops_agree_with_pytorch) {
    const int32_t dtype = fixture_precisions[_i].dtype;
    const double tolerance = dtype == RONDO_F64 ? 1e-12 : 2e-6;
    struct golden golden = golden_open("attention.txt");
    struct application made;
    int cases = 0;
    for (; next_case(&golden, dtype, &made); cases++) {
        char what[64];
        run(&made);
        snprintf(what, sizeof what, "case %d, output", cases);
        fixture_all_near(&made.output, golden_numbers(&golden, "output", rondo_count(&made.output)), tolerance, what);
        for (int32_t k = 0; k < made.n_inputs; k++) {
            ck_assert_str_eq(golden_next(&golden), "gradient");
            ck_assert_int_eq(strncmp(golden.rest, input_names[k], strlen(input_names[k])), 0);
            const rondo_tensor *gradient = &made.gradients[k];
            double *expected = arena_alloc(fixture.arena, sizeof *expected * (size_t)rondo_count(gradient));
            char *rest = golden.rest + strlen(input_names[k]);
            for (int64_t i = 0; i < rondo_count(gradient); i++) {
                expected[i] = strtod(rest, &rest);
            }
            snprintf(what, sizeof what, "case %d, gradient of %s", cases, input_names[k]);
            fixture_all_near(gradient, expected, tolerance, what);
        }
    }
    ck_assert_int_eq(cases, CASES);
    golden_close(&golden);
}
END_TEST

/* ---- sequences of any layout, against loops over elements ---- */

/* Where the sequences of query, keys and values are, `elements` being the first dimensions of query, and of keys and values.
 * There are gaps, sequences in any order, sequences without keys, keys that several sequences read. */
static const struct layout {
    int64_t elements[2];
    int64_t count;
    int64_t begin[3][4], length[2][4];
    int is_shared; /* keys and values are the same for all sequences: their begin and length are not read */
} layouts[] = {
    {{7, 9}, 3, {{0, 3, 4}, {0, 4, 6}, {0, 4, 6}}, {{3, 1, 3}, {4, 2, 3}}, 0},
    {{9, 14}, 3, {{6, 1, 4}, {9, 1, 5}, {1, 6, 10}}, {{2, 2, 1}, {5, 4, 4}}, 0},
    {{8, 6}, 4, {{0, 2, 4, 6}, {2, 0, 0, 2}, {0, 3, 3, 3}}, {{2, 2, 1, 2}, {3, 2, 2, 3}}, 0},
    {{5, 4}, 3, {{0, 1, 3}, {4, 0, 4}, {0, 0, 4}}, {{1, 2, 2}, {0, 4, 0}}, 0},
    {{6, 3}, 4, {{0, 1, 3, 4}, {0}, {0}}, {{1, 2, 1, 2}, {0}}, 1},
    {{9, 5}, 1, {{1}, {1}, {0}}, {{7}, {3}}, 0},
};

/* Options of attention; with additive_attention they are not read. */
static const struct form {
    const char *op;
    int64_t heads, columns, width; /* columns and width in all heads */
    int causal, rotary;
    int64_t window;
    double scale;
} forms[] = {
    {"attention", 1, 3, 2, 0, 0, 0, 0},          {"attention", 2, 8, 6, 0, 0, 0, 0.4},
    {"attention", 1, 4, 1, 1, 0, 0, 0},          {"attention", 3, 6, 9, 1, 1, 0, 0},
    {"attention", 1, 17, 18, 1, 0, 2, 0},        {"attention", 2, 4, 4, 0, 1, 2, 0},
    {"additive_attention", 1, 3, 2, 0, 0, 0, 0}, {"additive_attention", 1, 19, 17, 0, 0, 0, 0},
};
enum { LAYOUTS = ROWS(layouts), FORMS = ROWS(forms) };

/* Random numbers; not-a-number in elements of no sequence. */
static void fill(struct application *made, int32_t input) {
    const rondo_tensor *tensor = &made->inputs[input];
    const rondo_rows *rows = &made->rows[input];
    const struct rng_stream stream = rng_stream(3, input_names[input]);
    const int64_t count = rondo_count(tensor), columns = tensor->shape[tensor->ndim - 1];
    for (int64_t i = 0; i < count; i++) {
        int is_element = rows->struct_size == 0;
        for (int64_t s = 0; s < rows->count && !is_element; s++) {
            const int64_t element = i / columns - rows->begin[s];
            is_element = element >= 0 && element < rows->length[s];
        }
        tensor_set(tensor, i, is_element ? rng_normal(stream, (uint64_t)i) : NAN);
    }
}

static struct application make(const struct form *form, const struct layout *layout, int32_t dtype) {
    struct application made;
    char options[128] = "-";
    if (strcmp(form->op, "attention") == 0) {
        snprintf(options, sizeof options, "heads=%d causal=%s rotary=%s window=%d scale=%g", (int)form->heads,
                 form->causal ? "true" : "false", form->rotary ? "true" : "false", (int)form->window, form->scale);
    }
    open_op(&made, form->op, options);
    for (int32_t k = QUERY; k <= VALUES; k++) {
        made.inputs[k] =
            fixture_tensor(dtype, 2, layout->elements[k != QUERY], k == VALUES ? form->width : form->columns);
        if (k == QUERY || !layout->is_shared) {
            made.rows[k] = rows_of(layout->count, layout->begin[k], layout->length[k != QUERY]);
        }
        fill(&made, k);
    }
    made.inputs[WEIGHTS] = fixture_tensor(dtype, 1, form->columns, 0);
    fill(&made, WEIGHTS);
    made.weights = fixture_tensor(dtype, 2, layout->elements[0], form->width);
    for (int64_t i = 0; i < rondo_count(&made.weights); i++) {
        tensor_set(&made.weights, i, rng_normal(rng_stream(3, "weights"), (uint64_t)i));
    }
    return made;
}

/* Column c of a head of an element, rotated if the form says so. */
static double column(const struct form *form, const rondo_tensor *x, int64_t element, int64_t head, int64_t c,
                     int64_t position) {
    const int64_t columns = x->shape[1], d = columns / form->heads, at = element * columns + head * d + c;
    if (!form->rotary) {
        return tensor_get(x, at);
    }
    const int64_t even = c / 2 * 2;
    const double angle = (double)position * pow(10000, -(double)even / (double)d);
    return c % 2 == 0 ? tensor_get(x, at) * cos(angle) - tensor_get(x, at + 1) * sin(angle)
                      : tensor_get(x, at - 1) * sin(angle) + tensor_get(x, at) * cos(angle);
}

/* The score of query i and key j of a sequence; -infinity: it does not see the key. */
static double score(const struct form *form, const struct application *made, const struct layout *layout, int64_t s,
                    int64_t i, int64_t j, int64_t head) {
    const int64_t n_keys = layout->is_shared ? layout->elements[1] : layout->length[1][s];
    const int64_t q = layout->begin[QUERY][s] + i, k = (layout->is_shared ? 0 : layout->begin[KEYS][s]) + j;
    const int64_t position = n_keys - layout->length[0][s] + i, d = form->columns / form->heads;
    double sum = 0;
    if ((form->causal && j > position) || (form->window > 0 && llabs(j - position) >= form->window)) {
        return -INFINITY;
    }
    for (int64_t c = 0; c < d; c++) {
        const double from_query = column(form, &made->inputs[QUERY], q, head, c, position);
        const double from_key = column(form, &made->inputs[KEYS], k, head, c, j);
        sum += made->n_inputs == 3 ? from_query * from_key
                                   : tensor_get(&made->inputs[WEIGHTS], c) * tanh(from_query + from_key);
    }
    return made->n_inputs == 4 ? sum : sum * (form->scale > 0 ? form->scale : 1 / sqrt((double)d));
}

/* Column c of the result of query i. */
static double expected_output(const struct form *form, const struct application *made, const struct layout *layout,
                              int64_t s, int64_t i, int64_t c) {
    const int64_t n_keys = layout->is_shared ? layout->elements[1] : layout->length[1][s];
    const int64_t first = layout->is_shared ? 0 : layout->begin[VALUES][s], head = c / (form->width / form->heads);
    double sum = 0, total = 0;
    for (int64_t j = 0; j < n_keys; j++) {
        const double weight = exp(score(form, made, layout, s, i, j, head));
        if (weight > 0) {
            sum += weight * tensor_get(&made->inputs[VALUES], (first + j) * form->width + c);
            total += weight;
        }
    }
    return total > 0 ? sum / total : 0;
}

START_TEST(sequences_of_any_layout_give_what_loops_give) {
    const struct form *form = &forms[_i % FORMS];
    const struct layout *layout = &layouts[_i / FORMS];
    for (int p = 0; p < FIXTURE_PRECISIONS; p++) {
        const int32_t dtype = fixture_precisions[p].dtype;
        struct application made = make(form, layout, dtype);
        run(&made);
        for (int64_t s = 0; s < layout->count; s++) {
            for (int64_t i = 0; i < layout->length[QUERY][s]; i++) {
                for (int64_t c = 0; c < form->width; c++) {
                    const int64_t at = (layout->begin[QUERY][s] + i) * form->width + c;
                    fixture_near(tensor_get(&made.output, at), expected_output(form, &made, layout, s, i, c),
                                 dtype == RONDO_F64 ? 1e-13 : 1e-6, "output", at);
                }
            }
        }
    }
}
END_TEST

/* (L(x + h) - L(x - h)) / 2h for every number of every input. Those of no sequence are not-a-number and have no gradient. */
START_TEST(gradients_are_those_of_central_differences) {
    const double h = 1e-5;
    struct application made = make(&forms[_i % FORMS], &layouts[_i / FORMS], RONDO_F64);
    run(&made);
    for (int32_t k = 0; k < made.n_inputs; k++) {
        for (int64_t i = 0; i < rondo_count(&made.inputs[k]); i++) {
            const double x = tensor_get(&made.inputs[k], i);
            double losses[2];
            for (int side = 0; side < 2; side++) {
                rondo_value values[MOST_INPUTS], output;
                tensor_set(&made.inputs[k], i, x + (side == 0 ? h : -h));
                losses[side] = tensor_get(tape_tensor(fixture.tape, record(&made, values, &output)), 0);
            }
            tensor_set(&made.inputs[k], i, x);
            fixture_near(tensor_get(&made.gradients[k], i), isnan(x) ? 0 : (losses[0] - losses[1]) / (2 * h), 1e-8,
                         input_names[k], i);
        }
    }
}
END_TEST

/* Scores beyond the range of e^x: of f32, and of f64. */
START_TEST(large_scores_do_not_overflow) {
    static const struct layout one = {{2, 3}, 1, {{0}, {0}, {0}}, {{2}, {3}}, 0};
    const int32_t dtype = fixture_precisions[_i].dtype;
    struct application made = make(&forms[0], &one, dtype);
    fixture_fill(&made.inputs[QUERY], (double[]){1000, 0, 0, -1000, 0, 0});
    fixture_fill(&made.inputs[KEYS], (double[]){3, 0, 0, 2, 0, 0, -3, 0, 0});
    fixture_fill(&made.inputs[VALUES], (double[]){1, 2, 3, 4, 5, 6});
    run(&made);
    fixture_all_near(&made.output, (double[]){1, 2, 5, 6}, 0, "output");
    for (int32_t k = 0; k < made.n_inputs; k++) {
        ck_assert(tensor_is_finite(&made.gradients[k]));
    }
}
END_TEST

/* ---- a sequence depends on nothing else ---- */

/* Rows first .. first + count - 1 of `from`, in other memory, which begins `before` rows of not-a-number further on. */
static rondo_tensor moved(const rondo_tensor *from, int64_t first, int64_t count, int64_t before) {
    const int64_t columns = from->shape[1];
    const rondo_tensor to = fixture_tensor(from->dtype, 2, before + count + 1, columns);
    for (int64_t i = 0; i < rondo_count(&to); i++) {
        const int64_t row = i / columns - before;
        tensor_set(&to, i, row < 0 || row >= count ? NAN : tensor_get(from, (first + row) * columns + i % columns));
    }
    return to;
}

static void same_rows(const rondo_tensor *a, int64_t a_first, const rondo_tensor *b, int64_t b_first, int64_t count,
                      const char *what) {
    for (int64_t i = 0; i < count * a->shape[1]; i++) {
        const double x = tensor_get(a, a_first * a->shape[1] + i), y = tensor_get(b, b_first * a->shape[1] + i);
        const int is_same = x == y && signbit(x) == signbit(y);
        ck_assert_msg(is_same, "%s: number %d is %.17g and %.17g", what, (int)i, x, y);
    }
}

/* Every sequence gets the same bits, and gives the same gradients, alone and among others. Gradients of elements that several
 * sequences read are sums over these. */
START_TEST(a_sequence_depends_on_no_other) {
    enum { BEFORE = 3, APART = 2 /* the first layouts, in which no element belongs to two sequences */ };
    const struct form *form = &forms[_i % FORMS];
    const int number = _i / FORMS;
    const struct layout *layout = &layouts[number];
    for (int p = 0; p < FIXTURE_PRECISIONS; p++) {
        struct application all = make(form, layout, fixture_precisions[p].dtype);
        run(&all);
        for (int64_t s = 0; s < layout->count; s++) {
            static const int64_t begin[] = {BEFORE};
            struct application alone = all;
            int64_t first[VALUES + 1], count[VALUES + 1];
            for (int32_t k = QUERY; k <= VALUES; k++) {
                const int is_whole = k != QUERY && layout->is_shared;
                first[k] = is_whole ? 0 : layout->begin[k][s];
                count[k] = is_whole ? layout->elements[1] : layout->length[k != QUERY][s];
                alone.inputs[k] = moved(&all.inputs[k], first[k], count[k], BEFORE);
                alone.rows[k] = rows_of(1, begin, &count[k]);
            }
            alone.weights = moved(&all.weights, first[QUERY], count[QUERY], BEFORE);
            run(&alone);
            same_rows(&all.output, first[QUERY], &alone.output, BEFORE, count[QUERY], "output");
            for (int32_t k = QUERY; k <= (number < APART ? VALUES : QUERY); k++) {
                same_rows(&all.gradients[k], first[k], &alone.gradients[k], BEFORE, count[k], input_names[k]);
            }
        }
    }
}
END_TEST

/* A query does not depend on the others of its sequence: in training they are all there, in generation one at a time. What the
 * op says it looks at (rondo_op.looks) is enough to compute it alone: all keys if it does not look by position, those up to its
 * own if it does not look ahead. */
START_TEST(a_query_depends_on_no_other) {
    static const struct layout together = {{9, 9}, 1, {{0}, {0}, {0}}, {{9}, {9}}, 0};
    const struct form *form = &forms[_i % FORMS];
    const int32_t dtype = fixture_precisions[_i / FORMS].dtype;
    const struct application all = make(form, &together, dtype);
    struct application each = all;
    run(&each);
    const rondo_tensor expected = each.output;
    const uint32_t looks = all.op->looks(all.options);
    ck_assert_int_eq((looks & RONDO_LOOKS_AHEAD) != 0, !form->causal);
    ck_assert_int_eq((looks & RONDO_LOOKS_BY_POSITION) != 0, form->causal || form->window > 0 || form->rotary);
    for (int64_t i = 0; i < 9; i++) {
        const int64_t begin[] = {0}, one[] = {1}, n_keys[] = {(looks & RONDO_LOOKS_AHEAD) == 0 ? i + 1 : 9};
        each = all;
        each.inputs[QUERY] = moved(&all.inputs[QUERY], i, 1, 0);
        each.weights = moved(&all.weights, i, 1, 0);
        each.rows[QUERY] = rows_of(1, begin, one);
        each.rows[KEYS] = each.rows[VALUES] = rows_of(1, begin, n_keys);
        if (looks != (RONDO_LOOKS_AHEAD | RONDO_LOOKS_BY_POSITION)) {
            run(&each);
            same_rows(&expected, i, &each.output, 0, 1, form->op);
        }
    }
}
END_TEST

enum { MANY = 64 };

/* Enough work for several threads. Keys are those of another sequence for every second one: gradients are then added up. */
START_TEST(threads_change_no_bit) {
    const struct form *form = &forms[_i % FORMS];
    const int shares = _i / FORMS;
    int64_t begin[2][MANY], length[2][MANY], next[2] = {0, 0};
    for (int64_t s = 0; s < MANY; s++) {
        for (int k = 0; k < 2; k++) {
            const int64_t from = k == 1 && shares ? s / 2 * 2 : s;
            begin[k][s] = from < s ? begin[k][from] : next[k];
            length[k][s] = from < s ? length[k][from] : 1 + (s * (7 + k)) % 19;
            next[k] = begin[k][s] + length[k][s];
        }
    }
    static const struct layout none = {{0, 0}, 0, {{0}, {0}, {0}}, {{0}, {0}}, 0};
    struct layout sizes = none;
    sizes.elements[0] = next[0];
    sizes.elements[1] = next[1];
    struct application made[2];
    for (int t = 0; t < 2; t++) {
        made[t] = make(form, &sizes, RONDO_F32);
        for (int32_t k = QUERY; k <= VALUES; k++) {
            made[t].rows[k] = rows_of(MANY, begin[k != QUERY], length[k != QUERY]);
            fill(&made[t], k);
        }
        fixture.parallel.threads = t == 0 ? 1 : 4;
        run(&made[t]);
    }
    ck_assert_int_eq(memcmp(made[0].output.data, made[1].output.data, tensor_bytes(&made[0].output)), 0);
    for (int32_t k = 0; k < made[0].n_inputs; k++) {
        const rondo_tensor *gradient = &made[0].gradients[k];
        ck_assert_int_eq(memcmp(gradient->data, made[1].gradients[k].data, tensor_bytes(gradient)), 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("attention");
    TCase *reference = add_case(suite, "reference", 60, fixture_setup, fixture_teardown);
    tcase_add_loop_test(reference, ops_agree_with_pytorch, 0, FIXTURE_PRECISIONS);
    TCase *layout = add_case(suite, "layout", 60, fixture_setup, fixture_teardown);
    tcase_add_loop_test(layout, sequences_of_any_layout_give_what_loops_give, 0, LAYOUTS * FORMS);
    tcase_add_loop_test(layout, gradients_are_those_of_central_differences, 0, LAYOUTS * FORMS);
    tcase_add_loop_test(layout, large_scores_do_not_overflow, 0, FIXTURE_PRECISIONS);
    TCase *independent = add_case(suite, "independent", 60, fixture_setup, fixture_teardown);
    tcase_add_loop_test(independent, a_sequence_depends_on_no_other, 0, LAYOUTS * FORMS);
    tcase_add_loop_test(independent, a_query_depends_on_no_other, 0, FIXTURE_PRECISIONS * FORMS);
    tcase_add_loop_test(independent, threads_change_no_bit, 0, 2 * FORMS);
    return run_suite(suite);
}
