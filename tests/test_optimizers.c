/* tests/test_optimizers.c: the optimizers and their wrappers that Rondo ships, against PyTorch, against the equations
 * of papers, and against hand computation.
 *
 * The reference numbers are in golden/optimizers.txt and golden/optimizers_papers.txt, which make_optimizers.py and
 * make_optimizers_papers.py write. A file begins with a parameter and its gradients, which hold for all its cases:
 *     start 1 2 3 4           the parameter, row after row
 *     gradient 1 2 3 4        of the first update; then one line for each further update
 *     sampled 1 2 3 4         optional, as many as gradients: passed as sampled_gradient where wants_sampled says so
 *     rows 8                  optional: the losses that a gradient is the mean of; 1 without it
 *     scale 1 0.5             optional: lr_scale of each update, as many as there are updates; 1 without it
 * Then case after case:
 *     case NAME OPTIONS       OPTIONS as "lr=0.1 momentum=0.9", or "-" for the defaults; with wrappers:
 *     case WRAPPER OPTIONS | WRAPPER OPTIONS | NAME OPTIONS
 *     shape 3 4               optional: the parameter of this case has this shape, [4] without it. Its lines start,
 *                             gradient and, where needed, sampled follow. They replace those at the top, and so do the
 *                             lines rows and scale, which may also stand here without a shape
 *     after 10 1 2 3 4        the parameter after 10 updates
 *     evaluated 10 1 2 3 4    the slot of role RONDO_SLOT_EVALUATED after 10 updates
 * The lines after and evaluated go upwards in the number of updates. Every optimizer has a case.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parameter_fixture.h"
#include "tests/suite.h"

/* ---- golden files ---- */

enum { MOST_STEPS = 200, MOST_CASES = 400 };

static const char *const golden_files[] = {"optimizers.txt", "optimizers_papers.txt"};

/* The updates of a parameter. */
struct trajectory {
    int32_t ndim;
    int64_t shape[RONDO_MAX_DIMS], size;
    const double *start, *scale, *gradients[MOST_STEPS], *sampled[MOST_STEPS];
    int64_t steps, n_sampled, n_scale, rows;
};

static const double *kept(const struct golden *golden) {
    double *copy = arena_alloc(fixture.arena, sizeof *copy * (size_t)golden->count);
    ck_assert(golden->count > 0 && copy != NULL);
    memcpy(copy, golden->numbers, sizeof *copy * (size_t)golden->count);
    return copy;
}

static void set_shape(struct trajectory *trajectory, const struct golden *golden) {
    *trajectory = (struct trajectory){.ndim = (int32_t)golden->count, .size = 1, .rows = 1};
    ck_assert(golden->count >= 1 && golden->count <= RONDO_MAX_DIMS);
    for (int32_t d = 0; d < trajectory->ndim; d++) {
        trajectory->shape[d] = (int64_t)golden->numbers[d];
        trajectory->size *= trajectory->shape[d];
    }
}

static void add_update(const struct golden *golden, const double **list, int64_t *count, int64_t size) {
    ck_assert_int_eq(golden->count, size);
    ck_assert_int_lt(*count, MOST_STEPS);
    list[(*count)++] = kept(golden);
}

/* Reads a line that describes the trajectory; 0 if the line is of another kind. */
static int read_trajectory(struct trajectory *trajectory, const char *word, const struct golden *golden) {
    if (strcmp(word, "shape") == 0) {
        set_shape(trajectory, golden);
    } else if (strcmp(word, "start") == 0) {
        ck_assert_int_eq(golden->count, trajectory->size);
        trajectory->start = kept(golden);
    } else if (strcmp(word, "gradient") == 0) {
        add_update(golden, trajectory->gradients, &trajectory->steps, trajectory->size);
    } else if (strcmp(word, "sampled") == 0) {
        add_update(golden, trajectory->sampled, &trajectory->n_sampled, trajectory->size);
    } else if (strcmp(word, "rows") == 0) {
        ck_assert_int_eq(golden->count, 1);
        trajectory->rows = (int64_t)golden->numbers[0];
    } else if (strcmp(word, "scale") == 0) {
        trajectory->scale = kept(golden);
        trajectory->n_scale = golden->count;
    } else {
        return 0;
    }
    return 1;
}

/* Update number `step`, with the numbers of the trajectory. */
static void follow(struct parameter_fixture *parameter, const struct trajectory *trajectory, int64_t step,
                   const char *title) {
    ck_assert_int_le(step, trajectory->steps);
    fixture_fill(&parameter->gradient, trajectory->gradients[step - 1]);
    if (trajectory->n_sampled > 0) {
        ck_assert_int_le(step, trajectory->n_sampled);
        fixture_fill(&parameter->sampled, trajectory->sampled[step - 1]);
    }
    if (trajectory->scale != NULL) {
        ck_assert_int_le(step, trajectory->n_scale);
        parameter->lr_scale = trajectory->scale[step - 1];
    }
    parameter->rows = trajectory->rows;
    parameter_fixture_update_whole(parameter, step, title);
}

static void follow_file(const char *file, const struct fixture_precision *precision) {
    struct golden golden = golden_open(file);
    struct trajectory common = {.ndim = 1, .shape = {4}, .size = 4, .rows = 1}, own = common;
    struct parameter_fixture parameter = {0};
    char title[600] = "";
    int64_t step = 0, compared = 0;
    for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
        if (strcmp(word, "case") == 0) {
            ck_assert_msg(title[0] == '\0' || step > 0, "%s: case '%s' has no numbers", file, title);
            snprintf(title, sizeof title, "%s", golden.rest);
            own = common;
            step = 0;
        } else if (!read_trajectory(title[0] == '\0' ? &common : &own, word, &golden)) {
            const int is_value = strcmp(word, "after") == 0;
            ck_assert_msg(is_value || strcmp(word, "evaluated") == 0, "%s: a line '%s'", file, word);
            ck_assert_int_eq(golden.count, 1 + own.size);
            if (step == 0) {
                parameter = parameter_fixture_create(title, precision->dtype, own.ndim, own.shape, own.start);
            }
            while (step < (int64_t)golden.numbers[0]) {
                follow(&parameter, &own, ++step, title);
            }
            ck_assert_int_eq(step, (int64_t)golden.numbers[0]);
            fixture_all_near(is_value ? &parameter.value : parameter_fixture_evaluated(&parameter), golden.numbers + 1,
                             precision->tolerance, title);
            compared++;
        }
    }
    ck_assert_int_gt(compared, 0);
    golden_close(&golden);
}

START_TEST(optimizers_follow_their_references) {
    follow_file(golden_files[_i / FIXTURE_PRECISIONS], &fixture_precisions[_i % FIXTURE_PRECISIONS]);
}
END_TEST

/* ---- properties of every optimizer ---- */

/* Texts as after "case": every optimizer of the plug-in folder with its defaults, and every golden case. */
struct texts {
    char *items[MOST_CASES];
    int count;
    int of_folder; /* the number of cases, the first ones, that come from the folder */
};

static void add_text(struct texts *texts, const char *text) {
    ck_assert_int_lt(texts->count, MOST_CASES);
    texts->items[texts->count] = arena_strdup(fixture.arena, text);
    ck_assert_ptr_nonnull(texts->items[texts->count]);
    texts->count++;
}

static struct texts all_texts(void) {
    struct texts texts = {.count = 0};
    ck_assert_msg(loader_load_all(fixture.loader, fixture.registry, &fixture.errors) == RONDO_OK, "%s",
                  fixture_first_error());
    const rondo_descriptor *found;
    for (int32_t i = 0; (found = registry_at(fixture.registry, i, NULL)) != NULL; i++) {
        if (found->kind == RONDO_KIND_OPTIMIZER) {
            char text[128];
            snprintf(text, sizeof text, "%s -", found->name);
            add_text(&texts, text);
        }
    }
    texts.of_folder = texts.count;
    ck_assert_int_gt(texts.of_folder, 0);
    for (int file = 0; file < ROWS(golden_files); file++) {
        struct golden golden = golden_open(golden_files[file]);
        for (const char *word = golden_next(&golden); word != NULL; word = golden_next(&golden)) {
            if (strcmp(word, "case") == 0) {
                add_text(&texts, golden.rest);
            }
        }
        golden_close(&golden);
    }
    return texts;
}

/* 1 if an optimizer is a part of a case. */
static int has_part(const char *text, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = text; at != NULL; at = strstr(at, " | ")) {
        at += at == text ? 0 : 3;
        if (strncmp(at, name, length) == 0 && at[length] == ' ') {
            return 1;
        }
    }
    return 0;
}

START_TEST(every_optimizer_has_a_reference) {
    const struct texts texts = all_texts();
    for (int i = 0; i < texts.of_folder; i++) {
        char name[128];
        ck_assert_int_eq(sscanf(texts.items[i], "%127s", name), 1);
        int found = 0;
        for (int k = texts.of_folder; k < texts.count; k++) {
            found += has_part(texts.items[k], name);
        }
        ck_assert_msg(found > 0, "'%s' has no case in the golden files", name);
    }
}
END_TEST

/* A shape whose slices end in the middle of vector registers. */
static const int64_t long_shape[] = {37, 5};
enum { LONG_SIZE = 37 * 5 };

static void wave(const rondo_tensor *tensor, double frequency, double phase) {
    for (int64_t i = 0; i < rondo_count(tensor); i++) {
        tensor_set(tensor, i, sin(frequency * (double)i + phase));
    }
}

static struct parameter_fixture long_parameter(const char *text, int32_t dtype) {
    double start[LONG_SIZE];
    for (int i = 0; i < LONG_SIZE; i++) {
        start[i] = sin(1.0 + i);
    }
    return parameter_fixture_create(text, dtype, 2, long_shape, start);
}

/* Three updates with made-up gradients, in slices that end at `cuts` (the last is LONG_SIZE). */
static void three_updates(struct parameter_fixture *parameter, const int64_t *cuts, const char *title) {
    parameter->rows = 4;
    for (int64_t step = 1; step <= 3; step++) {
        wave(&parameter->gradient, (double)step, 2);
        wave(&parameter->sampled, 1 + (double)step, 3);
        int64_t begin = 0;
        for (int k = 0; begin < LONG_SIZE; begin = cuts[k++]) {
            ck_assert_msg(parameter_fixture_update(parameter, step, begin, cuts[k]) == RONDO_OK, "%s: %s", title,
                          fixture_first_error());
        }
    }
}

static void assert_same_bits(const rondo_tensor *a, const rondo_tensor *b, const char *title) {
    ck_assert_msg(tensor_same_shape(a, b) && memcmp(a->data, b->data, tensor_bytes(a)) == 0, "%s: other bits", title);
}

static void assert_same(const struct parameter_fixture *a, const struct parameter_fixture *b, const char *title) {
    assert_same_bits(&a->value, &b->value, title);
    assert_same_bits(&a->gradient, &b->gradient, title);
    for (int32_t k = 0; k < a->n_parts; k++) {
        for (int32_t s = 0; s < a->parts[k].n_slots; s++) {
            if (rondo_count(&a->parts[k].slots[s]) > 0) {
                assert_same_bits(&a->parts[k].slots[s], &b->parts[k].slots[s], title);
            }
        }
    }
}

static const int64_t whole[] = {LONG_SIZE};

START_TEST(updates_in_slices_give_the_same_bits) {
    const int64_t slices[] = {1, 8, 30, 99, LONG_SIZE};
    const struct texts texts = all_texts();
    int sliced = 0;
    for (int i = 0; i < texts.count; i++) {
        struct parameter_fixture a = long_parameter(texts.items[i], fixture_precisions[_i].dtype);
        struct parameter_fixture b = long_parameter(texts.items[i], fixture_precisions[_i].dtype);
        if (parameter_fixture_is_elementwise(&a)) {
            three_updates(&a, whole, texts.items[i]);
            three_updates(&b, slices, texts.items[i]);
            assert_same(&a, &b, texts.items[i]);
            sliced++;
        }
    }
    ck_assert_int_gt(sliced, 20);
}
END_TEST

START_TEST(updates_are_the_same_bits_on_any_number_of_threads) {
    const struct texts texts = all_texts();
    for (int i = 0; i < texts.count; i++) {
        struct parameter_fixture a = long_parameter(texts.items[i], fixture_precisions[_i].dtype);
        struct parameter_fixture b = long_parameter(texts.items[i], fixture_precisions[_i].dtype);
        three_updates(&a, whole, texts.items[i]);
        fixture.parallel.threads = 4;
        three_updates(&b, whole, texts.items[i]);
        fixture.parallel.threads = 1;
        assert_same(&a, &b, texts.items[i]);
    }
}
END_TEST

/* The option `lr` of a part; NULL if it has none. */
static double *learning_rate(const struct parameter_part *part) {
    const rondo_option *row = part->optimizer->base.options;
    for (; row != NULL && row->key != NULL; row++) {
        if (strcmp(row->key, "lr") == 0) {
            ck_assert_int_eq(row->type, RONDO_REAL);
            return (double *)((char *)part->options + row->offset);
        }
    }
    return NULL;
}

/* lr with the factor 1/2 gives the same update as lr / 2, and another one than lr. */
START_TEST(schedule_scales_the_learning_rate) {
    const struct texts texts = all_texts();
    int scaled = 0;
    for (int i = 0; i < texts.of_folder; i++) {
        struct parameter_fixture by_schedule = long_parameter(texts.items[i], RONDO_F64);
        struct parameter_fixture by_option = long_parameter(texts.items[i], RONDO_F64);
        struct parameter_fixture unscaled = long_parameter(texts.items[i], RONDO_F64);
        double *lr = learning_rate(&by_option.parts[0]);
        if (lr == NULL) {
            continue;
        }
        *lr /= 2;
        by_schedule.lr_scale = 0.5;
        three_updates(&by_schedule, whole, texts.items[i]);
        three_updates(&by_option, whole, texts.items[i]);
        three_updates(&unscaled, whole, texts.items[i]);
        assert_same_bits(&by_schedule.value, &by_option.value, texts.items[i]);
        ck_assert_msg(memcmp(by_schedule.value.data, unscaled.value.data, tensor_bytes(&unscaled.value)) != 0,
                      "%s: lr_scale does nothing", texts.items[i]);
        scaled++;
    }
    ck_assert_int_gt(scaled, 10);
}
END_TEST

START_TEST(parameter_of_integers_is_refused) {
    const struct texts texts = all_texts();
    for (int i = 0; i < texts.of_folder; i++) {
        struct parameter_fixture parameter =
            parameter_fixture_create(texts.items[i], RONDO_I32, 1, (int64_t[]){1}, (double[]){1});
        errors_free(&fixture.errors);
        ck_assert_msg(parameter_fixture_update(&parameter, 1, 0, 1) == RONDO_INTERNAL, "%s takes integers",
                      texts.items[i]);
        fixture_error("parameter 'layers.0.W' is neither f32 nor f64");
    }
}
END_TEST

int main(void) {
    TCase *cases = tcase_create("optimizers");
    tcase_add_checked_fixture(cases, fixture_setup, fixture_teardown);
    tcase_add_loop_test(cases, optimizers_follow_their_references, 0, ROWS(golden_files) * FIXTURE_PRECISIONS);
    tcase_add_test(cases, every_optimizer_has_a_reference);
    tcase_add_loop_test(cases, updates_in_slices_give_the_same_bits, 0, FIXTURE_PRECISIONS);
    tcase_add_loop_test(cases, updates_are_the_same_bits_on_any_number_of_threads, 0, FIXTURE_PRECISIONS);
    tcase_add_test(cases, schedule_scales_the_learning_rate);
    tcase_add_test(cases, parameter_of_integers_is_refused);
    Suite *suite = suite_create("optimizers");
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
