/* tests/test_generate_section.c: the settings of generation: which way of choosing a source decides on, what is refused. */
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "experiment/generate_section.h"
#include "sandbox.h"
#include "tests/suite.h"

/* ---- settings that replace others ---- */

static const struct {
    int has_source;
    const char *first, *second; /* given one after the other */
    int beams, samples, n_best, top_k;
    double temperature, top_p;
} merged[] = {
    {0, "", "", 1, 1, 1, 0, 1, 1},
    {1, "", "", 1, 1, 1, 0, 0, 1},
    /* A beam takes the place of drawing, with everything that belongs to it. */
    {0, "temperature=0.8 top_k=40 top_p=0.9 count=3", "beam=5 n_best=2", 5, 1, 2, 0, 0, 1},
    {0, "temperature=0.8 top_k=40", "temperature=0", 1, 1, 1, 0, 0, 1},
    {1, "beam=5 n_best=3 length_power=0.8", "temperature=0.7 top_k=9", 1, 1, 1, 9, 0.7, 1},
    {1, "beam=5 n_best=3", "beam=1", 1, 1, 1, 0, 0, 1},
    {1, "beam=5 n_best=3", "temperature=0", 1, 1, 1, 0, 0, 1},
    {1, "beam=5 n_best=3", "beam=2 temperature=0", 2, 1, 2, 0, 0, 1},
    {1, "beam=5 n_best=3", "beam=2", 2, 1, 2, 0, 0, 1},
    /* Settings of the chosen way stay. */
    {0, "temperature=0.8 top_k=40", "temperature=1.2", 1, 1, 1, 40, 1.2, 1},
    {0, "temperature=0.8 top_k=40", "count=3, top_p=0.5", 1, 3, 1, 40, 0.8, 0.5},
    {1, "beam=5 n_best=3", "max_length=9", 5, 1, 3, 0, 0, 1},
    {1, "beam=5 temperature=0 top_p=1", "", 5, 1, 1, 0, 0, 1},
};

START_TEST(later_source_decides_on_the_way_of_choosing) {
    struct errors errors = {0};
    struct generate_settings settings;
    generate_settings_default(&settings, merged[_i].has_source);
    ck_assert_int_eq(generate_settings_parse(&settings, merged[_i].first, &errors), RONDO_OK);
    ck_assert_int_eq(generate_settings_parse(&settings, merged[_i].second, &errors), RONDO_OK);
    ck_assert_int_eq(settings.beams, merged[_i].beams);
    ck_assert_int_eq(settings.samples, merged[_i].samples);
    ck_assert_int_eq(settings.n_best, merged[_i].n_best);
    ck_assert_int_eq(settings.top_k, merged[_i].top_k);
    ck_assert_double_eq(settings.temperature, merged[_i].temperature);
    ck_assert_double_eq(settings.top_p, merged[_i].top_p);
}
END_TEST

/* The first experiment has an encoder, and so a temperature of 0. */
static const struct {
    const char *first, *text, *error;
} refused[] = {
    {"", "beam=5 temperature=0.8",
     "'temperature' does not go with beam 5: a beam search looks for the most probable text and draws nothing; leave "
     "out "
     "one of them"},
    {"", "beam=5 top_k=4", "'top_k' is not used: with beam 5 nothing is drawn"},
    {"", "beam=5 count=4", "'count' is not used: with beam 5 nothing is drawn; n_best gives several texts"},
    {"beam=5", "top_p=0.9", "'top_p' is not used: with beam 5 nothing is drawn"},
    {"", "min_p=0.1", "'min_p' is not used: with temperature 0 the most probable symbol is taken"},
    {"", "count=2",
     "'count' is not used: with temperature 0 the most probable symbol is taken, and all texts would be the same"},
    {"", "beam=3 n_best=4", "'n_best' is 4, expected at most 'beam', which is 3"},
    {"", "n_best=4", "'n_best' is 4, expected at most 'beam', which is 1"},
    {"", "length_power=1", "'length_power' is not used without a beam"},
    {"max_length=10", "min_length=11", "'min_length' is 11, expected at most 'max_length', which is 10"},
    {"min_length=10", "max_length=9", "'min_length' is 10, expected at most 'max_length', which is 9"},
    {"", "beams=5",
     "unknown option 'beams' of generation (did you mean 'beam'?); it takes temperature, top_k, top_p, min_p, count, "
     "beam, n_best, length_power, max_length, min_length, repetition, no_repeat, unknown, seed, show"},
    {"", "unknown=forget", "'unknown' is 'forget', expected one of forbid, replace, allow"},
    {"", "top_p=0", "'top_p' is 0, expected a number in [1e-09, 1]"},
    {"", "beam", "options of generation: expected 'key=value' at 'beam'"},
};

START_TEST(settings_that_do_not_go_together_are_refused) {
    struct errors errors = {0};
    struct generate_settings settings, before;
    generate_settings_default(&settings, 1);
    ck_assert_int_eq(generate_settings_parse(&settings, refused[_i].first, &errors), RONDO_OK);
    before = settings;
    ck_assert_int_eq(generate_settings_parse(&settings, refused[_i].text, &errors), RONDO_INVALID);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_str_eq(errors_text(&errors, 0), refused[_i].error);
    ck_assert_mem_eq(&settings, &before, sizeof before);
    errors_free(&errors);
}
END_TEST

START_TEST(beam_is_at_most_as_wide_as_the_vocabulary) {
    struct errors errors = {0};
    struct generate_settings settings;
    generate_settings_default(&settings, 1);
    ck_assert_int_eq(generate_settings_parse(&settings, "beam=28", &errors), RONDO_OK);
    ck_assert_int_eq(generate_settings_fit(&settings, 28, &errors), RONDO_OK);
    ck_assert_int_eq(generate_settings_fit(&settings, 27, &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0),
                     "'beam' is 28, expected at most the number of symbols that the model writes, which is 27");
    errors_free(&errors);
}
END_TEST

/* ---- the section ---- */

#define WRITES(feedback, generate)                                                                                     \
    "rondo: 1\nname: e\narchitecture: \"N:N\"\n"                                                                       \
    "data: {reader: characters, train: t.txt}\n"                                                                       \
    "model: {feedback: " feedback ", layers: [{cell: gru, hidden: 4}]}\n"                                              \
    "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\n" generate "\n"

/* A translator with this model. */
#define TRANSLATES(model, generate)                                                                                    \
    "rondo: 1\nname: e\narchitecture: \"N:N\"\ndata: {reader: pairs, train: p.tsv}\n"                                  \
    "model: {feedback: true, " model "}\n"                                                                             \
    "loss: {plugin: softmax_cross_entropy}\noptimizer: {plugin: adam}\n" generate "\n"

static void setup(void) {
    sandbox_open();
    sandbox_write("p.tsv", "a b\tA B\nb a\tB A\nb b\tB B\n");
    sandbox_write("t.txt", "the cat sat on the mat and the rat sat on the cat\n");
}

static const struct {
    const char *experiment, *error;
} mistakes[] = {
    {WRITES("true", "generate: {beam: 5, temperature: 0.8}"),
     "e.yaml:8:34: 'temperature' does not go with beam 5: a beam search looks for the most probable text and draws "
     "nothing; "
     "leave out one of them"},
    {WRITES("true", "generate: {temperature: 0, top_k: 4}"),
     "e.yaml:8:35: 'top_k' is not used: with temperature 0 the most probable symbol is taken"},
    {WRITES("true", "generate: {beam: 2, n_best: 3}"),
     "e.yaml:8:29: 'n_best' is 3, expected at most 'beam', which is 2"},
    {WRITES("true", "generate: {lenght: 3}"), "e.yaml:8:12: unknown key 'lenght' in generate"},
    {WRITES("true", "generate: 3"), "e.yaml:8:11: 'generate' must be a mapping of keys to values"},
    {WRITES("false", "generate: {beam: 3}"),
     "e.yaml:8:1: 'generate' is not used: only a model that reads its own outputs generates, expected 'model.feedback: "
     "true'"},
    /* what only the model can tell */
    {WRITES("true", "generate: {beam: 100}"),
     "e.yaml:8:18: 'beam' is 100, expected at most the number of symbols that the model writes, which is "},
    {WRITES("true", "generate: {unknown: replace}"),
     "e.yaml:8:21: 'unknown' is replace, which copies the symbol of the source that is attended to most, and the model "
     "has no source"},
    {TRANSLATES("encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru, hidden: 4}]", "generate: {unknown: replace}"),
     "e.yaml:8:21: 'unknown' is replace, which copies the symbol of the source that is attended to most, and the model "
     "has no attention"},
    {TRANSLATES(
         "encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru, hidden: 4}, {block: ./causal.yaml, over: self}]",
         "generate: {beam: 2, show: 3}"),
     "e.yaml:8:27: 'show' is 3, and this model does not generate: "},
    {TRANSLATES("encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru, hidden: 4}]", "generate: {show: 3}"),
     "e.yaml:8:18: 'show' is 3, and the model writes for examples of validation data, of which there are none"},
};

START_TEST(mistake_is_reported_at_its_place) {
    sandbox_write("causal.yaml", "block: causal\noutput: y\nequations: |\n"
                                 "  y = tanh(attention(x @ Q, memory @ K, memory, causal=true) @ C + x @ W)\n");
    sandbox_write("e.yaml", mistakes[_i].experiment);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "check e.yaml"});
    assert_status(mistakes[_i].experiment, &outcome, 2);
    assert_parts(mistakes[_i].experiment, outcome.err, mistakes[_i].error);
}
END_TEST

/* The experiment of a run has all values, so that they do not change with the defaults of Rondo. */
static const struct {
    const char *generate, *resolved;
} sections[] = {
    {"", "temperature: 1|beam: 1|max_length: 400"},
    {"generate: {beam: 5}", "temperature: 0|beam: 5"},
    {"generate: {temperature: 0.8, show: 2}", "temperature: 0.8|beam: 1|show: 2"},
};

/* A run with attention may copy, and one without is refused before it is trained. */
START_TEST(copies_need_attention) {
    sandbox_write("e.yaml", TRANSLATES("encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru_bahdanau, hidden: 4}]",
                                       "generate: {unknown: replace, beam: 2}"));
    struct outcome outcome = sandbox_run((struct call){.arguments = "check e.yaml"});
    assert_status("attention", &outcome, 0);
    sandbox_write("e.yaml", TRANSLATES("encoder: [{cell: gru, hidden: 4}], layers: [{cell: gru, hidden: 4}]",
                                       "generate: {unknown: replace, beam: 2}"));
    outcome = sandbox_run((struct call){.arguments = "train e.yaml --out none"});
    assert_status("no attention", &outcome, 2);
    ck_assert(!sandbox_has("none"));
}
END_TEST

START_TEST(run_has_the_settings_with_their_defaults) {
    char text[1024];
    snprintf(text, sizeof text, "%s%s", WRITES("true", "schedule: {epochs: 1, batch: 1}"), sections[_i].generate);
    sandbox_write("e.yaml", text);
    const struct outcome outcome = sandbox_run((struct call){.arguments = "train e.yaml --quiet --out run"});
    assert_status(sections[_i].generate, &outcome, 0);
    assert_parts(sections[_i].generate, sandbox_read("run/experiment.yaml", NULL), sections[_i].resolved);
    sandbox_remove("run");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("generate_section");
    TCase *settings = tcase_create("settings");
    tcase_add_loop_test(settings, later_source_decides_on_the_way_of_choosing, 0, ROWS(merged));
    tcase_add_loop_test(settings, settings_that_do_not_go_together_are_refused, 0, ROWS(refused));
    tcase_add_test(settings, beam_is_at_most_as_wide_as_the_vocabulary);
    suite_add_tcase(suite, settings);
    TCase *section = tcase_create("section");
    tcase_add_unchecked_fixture(section, setup, sandbox_close);
    tcase_set_timeout(section, 60);
    tcase_add_loop_test(section, mistake_is_reported_at_its_place, 0, ROWS(mistakes));
    tcase_add_test(section, copies_need_attention);
    tcase_add_loop_test(section, run_has_the_settings_with_their_defaults, 0, ROWS(sections));
    suite_add_tcase(suite, section);
    return run_suite(suite);
}
