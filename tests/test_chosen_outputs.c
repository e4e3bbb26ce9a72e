/* tests/test_chosen_outputs.c: models whose loss chooses the outputs that it needs (rondo_loss.choose_outputs): what the
 * host does with the others. The loss is sampled_softmax; its equation is tested in test_sampled_softmax.c. */
#include <check.h>
#include <string.h>

#include "core/options.h"
#include "dataset_fixture.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"
#include "train/network.h"

enum { WORDS = 90, CLASSES = 88, WIDTH = 6, EXAMPLES = 40, MOST_STEPS = 5 }; /* three shards */

/* ---- a language model of random words ---- */

struct chosen_setting {
    const char *loss, *options;
    int32_t dtype;
    int is_tied;
    int draws_targets;  /* an optimizer needs complete predictions in training */
    int is_accumulated; /* the update has two batches */
};

static struct dataset *make_words(void) {
    struct dataset *data = dataset_fixture_create(STREAM_CLASS, WORDS, STREAM_CLASS, CLASSES);
    for (int64_t i = 0; i < EXAMPLES; i++) {
        const struct rng_stream stream = rng_substream(rng_stream(1, "words"), (uint64_t)i);
        const int64_t steps = 1 + i % MOST_STEPS;
        int32_t inputs[MOST_STEPS], targets[MOST_STEPS];
        for (int64_t t = 0; t < steps; t++) {
            inputs[t] = (int32_t)rng_below(stream, (uint64_t)t, 12);
            targets[t] = (int32_t)rng_below(stream, (uint64_t)(t + steps), 12);
        }
        support_ok(&support, dataset_fixture_add(data, inputs, steps, targets, steps, &support.errors), "example");
    }
    return data;
}

static struct network *make_language_model(const struct chosen_setting *setting) {
    const struct location nowhere = {NULL, 0, 0};
    const rondo_descriptor *loss =
        registry_resolve(session->registry, RONDO_KIND_LOSS, setting->loss, nowhere, &support.errors);
    ck_assert_msg(loss != NULL, "RONDO_PLUGIN_PATH: %s", support_error(&support));
    void *options = options_create(loss->options, loss->options_size, support.arena, &support.errors);
    struct loss_term *term = arena_calloc(support.arena, 1, sizeof *term);
    ck_assert(options != NULL && term != NULL);
    support_ok(
        &support,
        options_parse(loss->options, options, setting->options, loss->name, support.arena, nowhere, &support.errors),
        setting->options);
    *term = (struct loss_term){
        .loss = (const rondo_loss *)loss, .options = options, .weight = 1, .origin = "built for this test"};
    const struct model_input input = {.name = "input",
                                      .symbols = WORDS,
                                      .size = WORDS,
                                      .embedding_size = WIDTH,
                                      .init_std = 0.1,
                                      .every_step = 1,
                                      .share = -1};
    const struct cell_layer_settings layer = {.cell = session_definition("gru"), .hidden = WIDTH};
    struct network_settings settings = {.model = {.dtype = setting->dtype,
                                                  .inputs = &input,
                                                  .n_inputs = 1,
                                                  .layers = &layer,
                                                  .n_layers = 1,
                                                  .tie = setting->is_tied},
                                        .loss = {term, 1},
                                        .target_kind = RONDO_TARGET_CLASS,
                                        .target_size = CLASSES,
                                        .draws_targets = setting->draws_targets};
    ck_assert_int_eq(architecture_parse("N:N", &settings.model.architecture), 1);
    settings.plan = (struct batch_plan){.architecture = settings.model.architecture, .dtype = setting->dtype};
    struct network *network = network_create(&settings, session, &support.errors);
    ck_assert_msg(network != NULL, "%s", support_error(&support));
    support_ok(&support, model_initialise(network_model(network), 1, NULL, &support.errors), "initialise");
    return network;
}

/* Gradients in the shapes of the parameters, the loss, and the number of rows of the table that are listed (-1: it is
 * dense). */
struct chosen_result {
    rondo_tensor *gradients;
    int32_t count;
    double loss, evaluated;
    int64_t listed;
};

static struct chosen_result train(const struct chosen_setting *setting) {
    struct dataset *data = make_words();
    struct network *network = make_language_model(setting);
    const struct model *model = network_model(network);
    struct chosen_result result = {.count = model_parameter_count(model), .listed = -1};
    int64_t examples[EXAMPLES];
    for (int64_t i = 0; i < EXAMPLES; i++) {
        examples[i] = i;
    }
    const int64_t half = setting->is_accumulated ? EXAMPLES / 2 : EXAMPLES, begin[] = {0, half, EXAMPLES};
    const struct network_update update = {.dataset = data,
                                          .examples = examples,
                                          .begin = begin,
                                          .batches = setting->is_accumulated ? 2 : 1,
                                          .stream = rng_stream(1, "update")};
    struct scores scores = {0}, evaluated = {0};
    support_ok(&support, network_train(network, &update, &scores, &support.errors), "update");
    result.loss = network_metric(network, &scores, 0);
    support_ok(&support,
               network_evaluate(network, data, (struct batch_size){.examples = 16}, &evaluated, &support.errors),
               "evaluation");
    result.evaluated = network_metric(network, &evaluated, 0);
    result.gradients = arena_calloc(support.arena, (size_t)result.count, sizeof *result.gradients);
    ck_assert_ptr_nonnull(result.gradients);
    for (int32_t p = 0; p < result.count; p++) {
        const struct gradient *gradient = &network_gradients(network)[p];
        result.gradients[p] = model_parameters(model)[p].value;
        support_ok(&support, tensor_alloc(&result.gradients[p], support.arena, &support.errors), "memory");
        gradient_expand(gradient, 0, rondo_count(&result.gradients[p]), result.gradients[p].data);
        if (strcmp(model_parameters(model)[p].name, "embedding.W") == 0 && gradient->by_rows) {
            result.listed = gradient->count;
        }
    }
    network_destroy(network);
    dataset_destroy(data);
    return result;
}

static void compare(const struct chosen_result *found, const struct chosen_result *expected, double tolerance) {
    ck_assert_int_eq(found->count, expected->count);
    for (int32_t p = 0; p < found->count; p++) {
        support_near(&found->gradients[p], &expected->gradients[p], tolerance, "gradient");
    }
}

/* ---- tests ---- */

/* With so many draws every class is drawn, so the loss and all gradients are those of the head and the full softmax. */
START_TEST(with_all_outputs_it_is_the_softmax) {
    const struct chosen_setting sampled = {"sampled_softmax", "samples=65536", RONDO_F64, _i, 0, 0};
    const struct chosen_setting full = {"softmax_cross_entropy", "", RONDO_F64, _i, 0, 0};
    const struct chosen_result found = train(&sampled), expected = train(&full);
    ck_assert_double_eq_tol(found.loss, expected.loss, 1e-11);
    compare(&found, &expected, 1e-11);
}
END_TEST

/* The gradient of the table of a tied head has only the rows that are read or chosen, with the bits of a dense one. */
START_TEST(the_gradient_of_a_tied_table_is_by_rows) {
    struct chosen_setting setting = {"sampled_softmax", "samples=20 distribution=uniform", RONDO_F32, 1, 0, _i};
    const struct chosen_result by_rows = train(&setting);
    setting.draws_targets = 1;
    const struct chosen_result dense = train(&setting);
    ck_assert_int_eq(dense.listed, -1);
    ck_assert_int_gt(by_rows.listed, 12);
    ck_assert_int_lt(by_rows.listed, WORDS);
    ck_assert_double_eq(by_rows.loss, dense.loss);
    compare(&by_rows, &dense, 0);
}
END_TEST

START_TEST(gradients_are_the_same_bits_for_any_number_of_threads) {
    const struct chosen_setting setting = {"sampled_softmax", "samples=20", RONDO_F32, _i, 0, 0};
    const struct chosen_result one = train(&setting);
    session_restart(4);
    const struct chosen_result four = train(&setting);
    ck_assert_double_eq(one.loss, four.loss);
    compare(&four, &one, 0);
}
END_TEST

/* Classes are drawn for training only. */
START_TEST(evaluation_uses_the_full_softmax) {
    const struct chosen_setting sampled = {"sampled_softmax", "samples=3", RONDO_F64, _i, 0, 0};
    const struct chosen_setting full = {"softmax_cross_entropy", "", RONDO_F64, _i, 0, 0};
    const struct chosen_result found = train(&sampled), expected = train(&full);
    ck_assert_double_eq(found.evaluated, expected.evaluated);
    ck_assert_double_ne(found.loss, expected.loss);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("chosen_outputs");
    TCase *cases = add_case(suite, "training", 60, session_setup, session_teardown);
    tcase_add_loop_test(cases, with_all_outputs_it_is_the_softmax, 0, 2);
    tcase_add_loop_test(cases, the_gradient_of_a_tied_table_is_by_rows, 0, 2);
    tcase_add_loop_test(cases, gradients_are_the_same_bits_for_any_number_of_threads, 0, 2);
    tcase_add_loop_test(cases, evaluation_uses_the_full_softmax, 0, 2);
    return run_suite(suite);
}
