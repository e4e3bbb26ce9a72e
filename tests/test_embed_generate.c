/* tests/test_embed_generate.c: a trained run writes texts inside another program, which uses only the shared library and
 * rondo/rondo.h: they are those of `rondo generate`, and go on with the states that the model has.
 *
 * The library is opened at run time, so that only its exported functions are used (RONDO_SHARED).
 */
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "rondo/rondo.h"
#include "sandbox.h"
#include "tests/suite.h"

static struct {
    __typeof__(&rondo_run_open) open;
    __typeof__(&rondo_run_close) close;
    __typeof__(&rondo_generation_open) open_generation;
    __typeof__(&rondo_generation_close) close_generation;
    __typeof__(&rondo_generation_start) start;
    __typeof__(&rondo_generation_continue) go_on;
    __typeof__(&rondo_generation_next) next;
    __typeof__(&rondo_generation_score) score;
} api;

static char error[1024];

static void find(void *library, const char *name, void *function) {
    void *symbol = dlsym(library, name);
    ck_assert_msg(symbol != NULL, "the library has no %s", name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from an object to a function */
}

static void load_library(void) {
    void *library = dlopen(variable("RONDO_SHARED"), RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    find(library, "rondo_run_open", &api.open);
    find(library, "rondo_run_close", &api.close);
    find(library, "rondo_generation_open", &api.open_generation);
    find(library, "rondo_generation_close", &api.close_generation);
    find(library, "rondo_generation_start", &api.start);
    find(library, "rondo_generation_continue", &api.go_on);
    find(library, "rondo_generation_next", &api.next);
    find(library, "rondo_generation_score", &api.score);
}

static const char lines_yaml[] = "rondo: 1\nname: lines\narchitecture: \"N:N\"\n"
                                 "data: {reader: characters, train: t.txt, valid: {last: 0.1}, documents: lines}\n"
                                 "model: {feedback: true, embedding: {size: 8}, layers: [{cell: lstm, hidden: 16}]}\n"
                                 "loss: {plugin: softmax_cross_entropy}\n"
                                 "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 3, batch: 8}\n"
                                 "generate: {max_length: 40}\n";
static const char names_yaml[] =
    "rondo: 1\nname: names\narchitecture: \"1:N\"\n"
    "data: {reader: pairs, train: names.tsv, columns: {input: 0, target: 1}, tokens: characters}\n"
    "model: {feedback: true, embedding: {size: 8}, layers: [{cell: gru, hidden: 16}]}\n"
    "loss: {plugin: softmax_cross_entropy}\n"
    "optimizer: {plugin: adam, lr: 0.02}\nschedule: {epochs: 3, batch: 8}\n";

static const char *rondo(const char *arguments, const char *input) {
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .input = input});
    assert_status(arguments, &outcome, 0);
    return outcome.out;
}

static void setup(void) {
    static const char *const animals[] = {"cat", "dog", "rat", "cow"};
    char text[8192] = "", names[4096] = "", line[64];
    for (int i = 0; i < 160; i++) {
        snprintf(line, sizeof line, "the %s sat on the %s\n", animals[(i * 7 + i / 5) % 4], animals[(i + i / 3) % 4]);
        strcat(text, line);
        strcat(names, i % 2 == 0 ? "german\teinung\n" : "welsh\tllwyn\n");
    }
    load_library();
    sandbox_open();
    sandbox_write("t.txt", text);
    sandbox_write("names.tsv", names);
    sandbox_write("lines.yaml", lines_yaml);
    sandbox_write("names.yaml", names_yaml);
    rondo("train lines.yaml --quiet --out lines", NULL);
    rondo("train names.yaml --quiet --out names", NULL);
}

static rondo_run *open_run(const char *name) {
    rondo_run *run = api.open(sandbox_path("%s", name), 0, error, sizeof error);
    ck_assert_msg(run != NULL, "%s", error);
    return run;
}

static rondo_generation *open_generation(rondo_run *run, const char *settings) {
    rondo_generation *generation = api.open_generation(run, settings, error, sizeof error);
    ck_assert_msg(generation != NULL, "%s", error);
    return generation;
}

/* All that `next` gives, up to `most` pieces; with a line break after each if `lines`. */
static char *read_pieces(rondo_generation *generation, int most, int lines) {
    char *text = sandbox_memory(4096);
    const char *piece;
    int32_t found = 1;
    text[0] = '\0';
    for (int i = 0; i < most && (found = api.next(generation, &piece, error, sizeof error)) == 1; i++) {
        strcat(text, piece);
        strcat(text, lines ? "\n" : "");
    }
    ck_assert_msg(found >= 0, "%s", error);
    return text;
}

static char *read_all(rondo_generation *generation) {
    return strcat(read_pieces(generation, 1000, 0), "\n");
}

/* The texts of a command, and of a generation that was started with the same prompts. */
START_TEST(texts_are_those_of_the_program) {
    rondo_run *run = open_run("lines");
    rondo_generation *generation = open_generation(run, "temperature=0.7 seed=4");
    const char *lines = rondo("generate lines --temperature 0.7 --seed 4 --prompt-file -", "the\n\nthe c\n");
    char *all = sandbox_memory(4096);
    const char *const prompts[] = {"the", NULL, "the c"};
    all[0] = '\0';
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(api.start(generation, prompts[i], NULL, error, sizeof error), RONDO_OK);
        ck_assert(isnan(api.score(generation)));
        strcat(all, read_all(generation));
        ck_assert_double_lt(api.score(generation), 0);
    }
    ck_assert_str_eq(all, lines);
    ck_assert_int_eq(api.start(generation, NULL, "the", error, sizeof error), RONDO_OK);
    ck_assert(strncmp(read_all(generation), "the", 3) == 0);
    api.close_generation(generation);
    generation = open_generation(run, NULL);
    ck_assert_int_eq(api.start(generation, NULL, NULL, error, sizeof error), RONDO_OK);
    ck_assert_str_eq(read_all(generation), rondo("generate lines", NULL));
    api.close_generation(generation);
    api.close(run);
}
END_TEST

/* A text that is left in the middle, and goes on, is that of the whole prompt; so is one that has ended. */
START_TEST(text_goes_on_with_the_states_of_the_model) {
    rondo_run *run = open_run("lines");
    rondo_generation *generation = open_generation(run, "temperature=0");
    for (int most = 0; most < 40; most += 13) {
        char prompt[256];
        ck_assert_int_eq(api.start(generation, "the c", NULL, error, sizeof error), RONDO_OK);
        const char *first = read_pieces(generation, most, 0);
        ck_assert_int_eq(api.go_on(generation, "the d", error, sizeof error), RONDO_OK);
        const char *second = read_all(generation);
        const int has_ended = strlen(first) + strlen("the c") < (size_t)most;
        if (!has_ended) { /* a prompt of one line has no end inside */
            snprintf(prompt, sizeof prompt, "the c%sthe d\n", first);
            ck_assert_str_eq(rondo("generate lines --temperature 0 --prompt-file -", prompt), second);
        } else {
            snprintf(prompt, sizeof prompt, "the c\nthe d\n");
            const char *answers = rondo("chat lines --temperature 0", prompt);
            ck_assert_str_eq(strchr(answers, '\n') + 1, second);
        }
    }
    api.close_generation(generation);
    api.close(run);
}
END_TEST

START_TEST(several_texts_are_given_one_by_one) {
    rondo_run *run = open_run("names");
    static const struct {
        const char *settings, *arguments;
    } several[] = {{"count=3 temperature=1", "generate names --input welsh --count 3"},
                   {"beam=4 n_best=3", "generate names --input welsh --beam 4 --n-best 3"},
                   {"beam=2", "generate names --input welsh --beam 2"}};
    for (int i = 0; i < ROWS(several); i++) {
        rondo_generation *generation = open_generation(run, several[i].settings);
        ck_assert_int_eq(api.start(generation, "welsh", NULL, error, sizeof error), RONDO_OK);
        ck_assert_str_eq(read_pieces(generation, 10, 1), rondo(several[i].arguments, NULL));
        ck_assert_double_lt(api.score(generation), 0);
        ck_assert_int_eq(api.go_on(generation, "x", error, sizeof error), RONDO_INVALID);
        assert_parts("goes on", error, "only a single text, written without a beam");
        api.close_generation(generation);
    }
    api.close(run);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *run, *settings, *prompt, *prefix, *error;
} mistakes[] = {
    {"lines", "beam=5 temperature=1", NULL, NULL, "'temperature' does not go with beam 5"},
    {"lines", "lenght=3", NULL, NULL, "unknown option 'lenght' of generation"},
    {"lines", "beam=100", NULL, NULL, "'beam' is 100, expected at most the number of symbols"},
    {"lines", NULL, "the Q", NULL, "the prompt:1:5: the model has not learned 'Q'"},
    {"lines", NULL, NULL, "Q", "the prefix:1:1: the model has not learned 'Q'"},
    {"lines", NULL, "\xFF", NULL, "the prompt is not UTF-8 at byte 0"},
    {"names", NULL, NULL, NULL, "the prompt: the model needs a prompt: it reads 'input' before it writes"},
    {"names", NULL, "finnish", NULL, "the input 'finnish' is not among those of the training file"},
};

START_TEST(mistake_is_refused_and_the_run_goes_on) {
    rondo_run *run = open_run(mistakes[_i].run);
    rondo_generation *generation = api.open_generation(run, mistakes[_i].settings, error, sizeof error);
    const char *piece;
    if (generation != NULL) {
        ck_assert_int_eq(api.next(generation, &piece, error, sizeof error), -RONDO_INVALID);
        assert_parts("next", error, "no text has been started");
        ck_assert_int_eq(api.start(generation, mistakes[_i].prompt, mistakes[_i].prefix, error, sizeof error),
                         RONDO_INVALID);
    }
    assert_parts("mistake", error, mistakes[_i].error);
    if (generation != NULL) {
        ck_assert_int_eq(api.next(generation, &piece, error, sizeof error), -RONDO_INVALID);
        ck_assert_str_eq(piece, "");
        const char *good = strcmp(mistakes[_i].run, "names") == 0 ? "welsh" : "the";
        ck_assert_int_eq(api.start(generation, good, NULL, error, sizeof error), RONDO_OK);
        ck_assert_int_eq(api.next(generation, &piece, error, sizeof error), 1);
        api.close_generation(generation);
    }
    api.close_generation(NULL);
    api.close(run);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("embed_generate");
    TCase *cases = tcase_create("embed_generate");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    tcase_add_test(cases, texts_are_those_of_the_program);
    tcase_add_test(cases, text_goes_on_with_the_states_of_the_model);
    tcase_add_test(cases, several_texts_are_given_one_by_one);
    tcase_add_loop_test(cases, mistake_is_refused_and_the_run_goes_on, 0, ROWS(mistakes));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
