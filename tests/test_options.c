/* tests/test_options.c: options structs from tables, and the suggestions in errors. */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "core/suggest.h"
#include "tests/suite.h"

struct sample {
    int32_t keep;
    int64_t size;
    int64_t seed;
    double lr;
    double any;
    double positive;
    int32_t reduction;
    const char *path;
    rondo_ints axes;
    rondo_reals levels;
};

static const char *const reductions[] = {"mean", "sum", "none", NULL};

static const rondo_option table[] = {
    RONDO_OPTION_BOOL(struct sample, keep, "false", "keep it"),
    RONDO_OPTION_INT(struct sample, size, "64", 1, 4096, "numbers"),
    RONDO_OPTION_INT(struct sample, seed, "0", -1e19, 1e19, "of random numbers"),
    RONDO_OPTION_REAL(struct sample, lr, "0.01", 0, 1000, "learning rate"),
    RONDO_OPTION_REAL(struct sample, any, "0", -DBL_MAX, DBL_MAX, "any number"),
    RONDO_OPTION_REAL(struct sample, positive, "1", 0, DBL_MAX, "any number from 0 on"),
    RONDO_OPTION_CHOICE(struct sample, reduction, "mean", reductions, "of a row"),
    RONDO_OPTION_STRING(struct sample, path, "", "of a file"),
    RONDO_OPTION_INTS(struct sample, axes, "[]", -6, 5, "dimensions"),
    RONDO_OPTION_REALS(struct sample, levels, "[]", 0, 1, "shares"),
    RONDO_OPTION_END,
};

static struct arena *arena;
static struct errors errors;

static void setup(void) {
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
    memset(&errors, 0, sizeof errors);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static struct sample *defaults(void) {
    struct sample *options = options_create(table, sizeof *options, arena, &errors);
    ck_assert_ptr_nonnull(options);
    return options;
}

/* Fails unless there are `count` errors, the first of which has every part (NULL ends them). */
static void assert_errors(int32_t count, const char *const *parts) {
    ck_assert_int_eq(errors.count, count);
    for (; *parts != NULL; parts++) {
        ck_assert_msg(strstr(errors_text(&errors, 0), *parts) != NULL, "'%s' is not in \"%s\"", *parts,
                      errors_text(&errors, 0));
    }
}

START_TEST(defaults_come_from_the_table) {
    const struct sample *options = defaults();
    ck_assert_int_eq(options->keep, 0);
    ck_assert_int_eq(options->size, 64);
    ck_assert_double_eq(options->lr, 0.01);
    ck_assert_int_eq(options->reduction, 0);
    ck_assert_str_eq(options->path, "");
    ck_assert_int_eq(options->axes.count, 0);
}
END_TEST

/* Text that is accepted, and the text that option_text writes for the same value. */
static const struct {
    const char *key, *text, *written;
} good[] = {
    {"keep", "true", "true"},
    {"keep", "false", "false"},
    {"size", "10", "10"},
    {"size", "1", "1"},
    {"size", "4096", "4096"},
    {"size", "+7", "7"},
    {"size", "1e3", "1000"},
    {"size", "2.0", "2"},
    {"seed", "9223372036854775807", "9223372036854775807"},
    {"seed", "-9223372036854775808", "-9223372036854775808"},
    {"seed", "9007199254740993", "9007199254740993"},
    {"lr", "0", "0"},
    {"lr", "1000", "1000"},
    {"lr", "1e-3", "0.001"},
    {"lr", ".5", "0.5"},
    {"lr", "0.1", "0.1"},
    {"lr", "0.30000000000000004", "0.30000000000000004"},
    {"lr", "1e-320", "9.99988867182683e-321"},
    {"any", "-1.7976931348623157e308", "-1.7976931348623157e+308"},
    {"any", "1e300", "1e+300"},
    {"reduction", "sum", "sum"},
    {"reduction", "none", "none"},
    {"path", "data/a b.tsv", "data/a b.tsv"},
    {"axes", "3", "3"},
    {"axes", "-1", "-1"},
    {"axes", "[]", "[]"},
    {"axes", "[ ]", "[]"},
    {"axes", "[4]", "4"},
    {"axes", "[0, 2]", "[0, 2]"},
    {"axes", "[0,2]", "[0, 2]"},
    {"axes", "[ 0 , 2 ]", "[0, 2]"},
    {"axes", "[0, 1, 2, 3, 4, 5]", "[0, 1, 2, 3, 4, 5]"},
    {"levels", "0.5", "[0.5]"},
    {"levels", "[]", "[]"},
    {"levels", "[0, 0.25,1 , 1e-3]", "[0, 0.25, 1, 0.001]"},
    {"levels", "[0, 0, 0, 0, 0, 0, 0, 0, 0]", "[0, 0, 0, 0, 0, 0, 0, 0, 0]"},
};

START_TEST(good_text_is_stored_and_written_back) {
    struct sample *options = defaults();
    const rondo_option *option = option_find(table, good[_i].key);
    const rondo_status status = option_set(option, options, good[_i].text, arena, (struct location){0}, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : "no text");
    const char *written = option_text(option, options, arena);
    ck_assert_str_eq(written, good[_i].written);
    struct sample *again = defaults();
    ck_assert_int_eq(option_set(option, again, written, arena, (struct location){0}, &errors), RONDO_OK);
    ck_assert_str_eq(option_text(option, again, arena), written);
}
END_TEST

/* Text that is refused, and the error. */
static const struct {
    const char *key, *text;
    const char *parts[4];
} bad[] = {
    {"keep", "yes", {"e.yaml:3:5: 'keep' is 'yes', expected true or false"}},
    {"keep", "True", {"'keep' is 'True'"}},
    {"keep", "1", {"'keep' is 1, expected true or false"}},
    {"keep", "", {"'keep' is ''"}},
    {"size", "0", {"'size' is 0, expected an integer in [1, 4096]"}},
    {"size", "4097", {"'size' is 4097, expected an integer in [1, 4096]"}},
    {"size", "-5", {"'size' is -5"}},
    {"size", "1.5", {"'size' is 1.5, expected an integer in [1, 4096]"}},
    {"size", "ten", {"'size' is 'ten', expected an integer in [1, 4096]"}},
    {"size", "12abc", {"'size' is '12abc'"}},
    {"size", " 12", {"'size' is ' 12'"}},
    {"size", "12 ", {"'size' is '12 '"}},
    {"size", "0x10", {"'size' is '0x10'"}},
    {"size", "", {"'size' is ''"}},
    {"seed", "9223372036854775808", {"'seed' is 9223372036854775808, expected an integer"}},
    {"seed", "1e17", {"'seed' is 1e17"}},
    {"lr", "-1", {"'lr' is -1, expected a number in [0, 1000]"}},
    {"lr", "1000.1", {"'lr' is 1000.1, expected a number in [0, 1000]"}},
    {"lr", "nan", {"'lr' is 'nan', expected a number in [0, 1000]"}},
    {"lr", "inf", {"'lr' is 'inf'"}},
    {"lr", "-inf", {"'lr' is '-inf'"}},
    {"lr", "1e400", {"'lr' is '1e400'"}},
    {"lr", "1,5", {"'lr' is '1,5'"}},
    {"lr", "1e", {"'lr' is '1e'"}},
    {"lr", "--1", {"'lr' is '--1'"}},
    {"lr", ".", {"'lr' is '.'"}},
    {"any", "infinity", {"'any' is 'infinity', expected a number"}},
    {"any", "nan(1)", {"'any' is 'nan(1)'"}},
    {"positive", "-1", {"'positive' is -1, expected a number >= 0"}},
    {"reduction", "men", {"'reduction' is 'men', expected one of mean, sum, none (did you mean 'mean'?)"}},
    {"reduction", "SUM", {"did you mean 'sum'?"}},
    {"reduction", "quantile", {"expected one of mean, sum, none"}},
    {"reduction", "0", {"'reduction' is 0, expected one of mean, sum, none"}},
    {"axes", "9", {"'axes' is 9, expected an integer or list of up to 6 integers in [-6, 5]"}},
    {"axes", "[0, 9]", {"'axes' is '[0, 9]', expected an integer or list"}},
    {"axes", "[0, 2", {"'[0, 2'"}},
    {"axes", "[0 2]", {"'[0 2]'"}},
    {"axes", "[0,]", {"'[0,]'"}},
    {"axes", "[,0]", {"'[,0]'"}},
    {"axes", "[0,,1]", {"'[0,,1]'"}},
    {"axes", "[0]]", {"'[0]]'"}},
    {"axes", "[a]", {"'[a]'"}},
    {"axes", "[0, 1, 2, 3, 4, 5, 0]", {"up to 6"}},
    {"axes", "", {"'axes' is ''"}},
    {"levels", "1.5", {"'levels' is 1.5, expected a number or list of numbers in [0, 1]"}},
    {"levels", "[0.5, 2]", {"'levels' is '[0.5, 2]', expected a number or list of numbers in [0, 1]"}},
    {"levels", "[0.5, nan]", {"'[0.5, nan]'"}},
    {"levels", "[0.5", {"'[0.5'"}},
};

START_TEST(bad_text_is_refused_with_what_was_expected) {
    struct sample *options = defaults();
    struct sample before;
    memcpy(&before, options, sizeof before);
    const struct location where = {"e.yaml", 3, 5};
    const rondo_option *option = option_find(table, bad[_i].key);
    ck_assert_int_eq(option_set(option, options, bad[_i].text, arena, where, &errors), RONDO_INVALID);
    assert_errors(1, bad[_i].parts);
    ck_assert_mem_eq(&before, options, sizeof before);
}
END_TEST

START_TEST(long_text_is_cut_in_errors) {
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(option_set(option_find(table, "lr"), defaults(), text, arena, (struct location){0}, &errors),
                     RONDO_INVALID);
    ck_assert_uint_lt(strlen(errors_text(&errors, 0)), 200);
}
END_TEST

static const struct {
    const char *key, *expected;
} expectations[] = {
    {"keep", "true or false"},
    {"size", "integer in [1, 4096]"},
    {"seed", "integer"},
    {"lr", "number in [0, 1000]"},
    {"any", "number"},
    {"positive", "number >= 0"},
    {"reduction", "one of mean, sum, none"},
    {"path", "text"},
    {"axes", "integer or list of up to 6 integers in [-6, 5]"},
};

START_TEST(what_is_expected_can_be_asked) {
    ck_assert_str_eq(option_expected(option_find(table, expectations[_i].key), arena), expectations[_i].expected);
}
END_TEST

/* Options as text, and the resulting values of size, axes and keep. */
static const struct {
    const char *text;
    int64_t size;
    int32_t n_axes, keep;
} lines[] = {
    {NULL, 64, 0, 0},
    {"", 64, 0, 0},
    {"  ", 64, 0, 0},
    {"size=3", 3, 0, 0},
    {"size=3 keep=true", 3, 0, 1},
    {"size=3,keep=true", 3, 0, 1},
    {"size=3, keep=true,", 3, 0, 1},
    {"axes=[0, 2] keep=true", 64, 2, 1},
    {"keep=true axes=[0, 1, 2]", 64, 3, 1},
    {"axes=-1", 64, 1, 0},
};

START_TEST(pairs_are_read) {
    struct sample *options = defaults();
    ck_assert_int_eq(options_parse(table, options, lines[_i].text, "op 'x'", arena, (struct location){0}, &errors),
                     RONDO_OK);
    ck_assert_int_eq(options->size, lines[_i].size);
    ck_assert_int_eq(options->axes.count, lines[_i].n_axes);
    ck_assert_int_eq(options->keep, lines[_i].keep);
}
END_TEST

static const struct {
    const char *text;
    int32_t count;
    const char *parts[3];
} bad_lines[] = {
    {"sise=3", 1, {"e.yaml:3:5: unknown option 'sise' of op 'x' (did you mean 'size'?)", "keep, size, seed"}},
    {"zzzzzzzzz=3", 1, {"unknown option 'zzzzzzzzz' of op 'x'; it takes keep"}},
    {"size", 1, {"options of op 'x': expected 'key=value' at 'size'"}},
    {"size=", 1, {"expected 'key=value' at 'size='"}},
    {"size= 3", 1, {"expected 'key=value' at 'size= 3'"}},
    {"=3", 1, {"expected 'key=value' at '=3'"}},
    {"size=3 4", 1, {"expected 'key=value' at '4'"}},
    {"size=3 size=4", 1, {"option 'size' of op 'x' is given twice"}},
    {"size=3 keep=true size=3", 1, {"option 'size' of op 'x' is given twice"}},
    {"axes=[0, 1", 1, {"'axes' is '[0, 1'"}},
    {"axes=[0]keep", 1, {"expected 'key=value' at 'keep'"}},
    {"size=0 lr=-1 sise=1", 3, {"'size' is 0"}},
};

START_TEST(bad_pairs_are_all_reported) {
    const rondo_status status = options_parse(table, defaults(), bad_lines[_i].text, "op 'x'", arena,
                                              (struct location){"e.yaml", 3, 5}, &errors);
    ck_assert_int_eq(status, RONDO_INVALID);
    ck_assert_int_eq(errors.count, bad_lines[_i].count);
    assert_errors(bad_lines[_i].count, bad_lines[_i].parts);
}
END_TEST

/* The original's memory is overwritten before the copy is read. */
START_TEST(a_copy_owns_all_of_its_memory) {
    const char *text = "keep=true size=5 seed=7 lr=2.5 any=-3 positive=4 reduction=sum path=a/file axes=[1, -2] "
                       "levels=[0.25, 0.5, 1]";
    struct sample *options = defaults(), copy;
    ck_assert_int_eq(options_parse(table, options, text, "it", arena, (struct location){0}, &errors), RONDO_OK);
    struct arena *other = arena_create();
    ck_assert_int_eq(options_copy(table, sizeof copy, options, &copy, other), RONDO_OK);
    char *expected[ROWS(table)];
    for (int i = 0; table[i].key != NULL; i++) {
        expected[i] = strdup(option_text(&table[i], options, arena));
    }
    arena_reset(arena);
    memset(arena_alloc(arena, 60000), 0xAA, 60000);
    for (int i = 0; table[i].key != NULL; i++) {
        ck_assert_str_eq(option_text(&table[i], &copy, other), expected[i]);
        free(expected[i]);
    }
    arena_destroy(other);
}
END_TEST

START_TEST(a_copy_of_nothing_is_nothing) {
    const struct sample zero = {0};
    struct sample copy;
    memset(&copy, 0xAA, sizeof copy);
    ck_assert_int_eq(options_copy(table, sizeof copy, &zero, &copy, arena), RONDO_OK);
    ck_assert_ptr_null(copy.path);
    ck_assert_ptr_null(copy.levels.values);
    ck_assert_int_eq(options_copy(NULL, 0, NULL, &copy, arena), RONDO_OK);
    ck_assert_int_eq(options_copy(table, sizeof copy, &zero, &copy, NULL), RONDO_NO_MEMORY);
}
END_TEST

/* ---- values from code ---- */

static const struct {
    struct option_value value;
    const char *text; /* the same values as text; NULL: a bug of the caller */
} stored[] = {
    {{"keep", 1, NULL}, "true"},    {{"keep", 0, NULL}, "false"},
    {{"size", 4096, NULL}, "4096"}, {{"seed", -9007199254740992.0, NULL}, "-9007199254740992"},
    {{"lr", 0.1, NULL}, "0.1"},     {{"reduction", 0, "none"}, "none"},
    {{"size", 4097, NULL}, NULL},   {{"size", 0, NULL}, NULL},
    {{"lr", -0.5, NULL}, NULL},     {{"reduction", 0, "most"}, NULL},
    {{"reduction", 1, NULL}, NULL}, {{"path", 1, NULL}, NULL},
    {{"axes", 1, NULL}, NULL},      {{"sizes", 1, NULL}, NULL},
};

START_TEST(values_from_code_are_stored_like_their_text) {
    struct sample *by_value = defaults(), *by_text = defaults();
    const struct option_value *value = &stored[_i].value;
    const rondo_status status = options_store(table, by_value, value, 1, &errors);
    if (stored[_i].text == NULL) {
        ck_assert_int_ne(status, RONDO_OK);
        ck_assert_int_eq(errors.count, 1);
    } else {
        ck_assert_int_eq(status, RONDO_OK);
        const struct location nowhere = {0};
        const rondo_option *option = option_find(table, value->key);
        ck_assert_int_eq(option_set(option, by_text, stored[_i].text, arena, nowhere, &errors), RONDO_OK);
    }
    ck_assert_mem_eq(by_value, by_text, offsetof(struct sample, path)); /* addresses of texts differ */
}
END_TEST

START_TEST(no_table_takes_no_options) {
    ck_assert_ptr_null(option_find(NULL, "x"));
    ck_assert_ptr_nonnull(options_create(NULL, 0, arena, &errors));
    ck_assert_int_eq(options_parse(NULL, NULL, "x=1", "op 'x'", arena, (struct location){0}, &errors), RONDO_INVALID);
    assert_errors(1, (const char *const[]){"unknown option 'x' of op 'x'; it takes none", NULL});
}
END_TEST

START_TEST(default_that_does_not_parse_is_an_error) {
    static const rondo_option broken[] = {RONDO_OPTION_REAL(struct sample, lr, "2", 0, 1, "learning rate"),
                                          RONDO_OPTION_END};
    ck_assert_ptr_null(options_create(broken, sizeof(struct sample), arena, &errors));
    assert_errors(1, (const char *const[]){"'lr' is 2, expected a number in [0, 1]", NULL});
}
END_TEST

static int is_given(const void *arg, const char *key) {
    return strcmp(arg, key) == 0;
}

START_TEST(required_options_that_are_missing_are_all_named) {
    static const rondo_option required[] = {RONDO_OPTION_REAL(struct sample, lr, NULL, 0, 1, "learning rate"),
                                            RONDO_OPTION_INT(struct sample, size, NULL, 1, 9, "numbers"),
                                            RONDO_OPTION_BOOL(struct sample, keep, "true", "keep it"),
                                            RONDO_OPTION_INT(struct sample, seed, NULL, 0, 9, "of random numbers"),
                                            RONDO_OPTION_END};
    const struct location where = {"e.yaml", 3, 5};
    ck_assert_int_eq(options_require(required, is_given, "size", "op 'x'", where, &errors), RONDO_INVALID);
    ck_assert_int_eq(errors.count, 2);
    ck_assert_str_eq(errors_text(&errors, 0),
                     "e.yaml:3:5: option 'lr' of op 'x' is missing, expected number in [0, 1] (learning rate)");
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 1), "option 'seed' of op 'x' is missing"));
    ck_assert_int_eq(options_require(table, is_given, "", "op 'x'", where, &errors), RONDO_OK);
}
END_TEST

/* A word, the known names, and the nearest of them (NULL: none is near). */
static const struct {
    const char *word;
    const char *known[6];
    const char *nearest;
} words[] = {
    {"adm", {"adam", "sgd"}, "adam"},
    {"adma", {"adam", "sgd"}, "adam"},           /* a swap of neighbours counts 1 */
    {"sigmiod", {"sigmoid", "tanh"}, "sigmoid"}, /* so it is within a third of any length */
    {"tahn", {"tanh", "exp"}, "tanh"},
    {"LSTM", {"lstm", "gru"}, "lstm"}, /* letter case costs nothing */
    {"gru2", {"gru", "grid"}, "gru"},
    {"hiden", {"hidden", "heads", "hide"}, "hidden"}, /* the first of equals */
    {"softmax_crossentropy", {"softmax_cross_entropy", "sigmoid_cross_entropy"}, "softmax_cross_entropy"},
    {"nothing", {"adam", "sgd"}, NULL},
    {"x", {"h", "c"}, NULL}, /* no letter in common */
    {"l", {"lr"}, "lr"},
    {"", {"lr"}, NULL},
    {"abcd", {"abxy"}, "abxy"}, /* 2 is a third of 4, rounded up */
    {"abc", {"axy"}, NULL},     /* 2 is more than a third of 3 */
    {"cross_entropy", {"softmax_cross_entropy", "sampled_softmax_cross_entropy"}, "softmax_cross_entropy"},
    {"entropy", {"binary_cross_entropy_loss"}, "binary_cross_entropy_loss"},
    {"Adam_optimizer", {"sgd", "adam"}, "adam"},
    {"lr_init", {"lr"}, NULL},               /* two letters are in many words */
    {"entropy", {"crossentropy"}, NULL},     /* not a part between '_' */
    {"drop", {"crop", "drop_rate"}, "crop"}, /* near is better than related */
};

START_TEST(nearest_name_is_suggested) {
    struct suggestion best = {0};
    for (int k = 0; words[_i].known[k] != NULL; k++) {
        suggest(&best, words[_i].word, words[_i].known[k]);
    }
    if (words[_i].nearest == NULL) {
        ck_assert_msg(best.name == NULL, "'%s' for '%s'", best.name, words[_i].word);
        ck_assert_str_eq(suggestion_text(&best).text, "");
    } else {
        ck_assert_ptr_nonnull(best.name);
        ck_assert_str_eq(best.name, words[_i].nearest);
        ck_assert_ptr_nonnull(strstr(suggestion_text(&best).text, " (did you mean '"));
    }
}
END_TEST

START_TEST(long_words_get_no_suggestion) {
    char word[200];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    struct suggestion best = {0};
    suggest(&best, word, word);
    suggest(&best, "a", word);
    ck_assert_ptr_null(best.name);
    word[64] = '\0';
    suggest(&best, word, word);
    ck_assert_ptr_eq(best.name, word);
}
END_TEST

START_TEST(two_names_that_are_equally_related_are_both_suggested) {
    struct suggestion best = {0};
    suggest(&best, "cross_entropy", "sigmoid_cross_entropy");
    suggest(&best, "cross_entropy", "sampled_softmax_cross_entropy");
    suggest(&best, "cross_entropy", "softmax_cross_entropy");
    ck_assert_str_eq(suggestion_text(&best).text,
                     " (did you mean 'sigmoid_cross_entropy' or 'softmax_cross_entropy'?)");
    suggest(&best, "cross_entropy", "cross_entropi");
    ck_assert_str_eq(suggestion_text(&best).text, " (did you mean 'cross_entropi'?)");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("options");
    TCase *cases = tcase_create("options");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, defaults_come_from_the_table);
    tcase_add_loop_test(cases, good_text_is_stored_and_written_back, 0, ROWS(good));
    tcase_add_loop_test(cases, bad_text_is_refused_with_what_was_expected, 0, ROWS(bad));
    tcase_add_test(cases, long_text_is_cut_in_errors);
    tcase_add_loop_test(cases, what_is_expected_can_be_asked, 0, ROWS(expectations));
    tcase_add_loop_test(cases, pairs_are_read, 0, ROWS(lines));
    tcase_add_loop_test(cases, bad_pairs_are_all_reported, 0, ROWS(bad_lines));
    tcase_add_test(cases, a_copy_owns_all_of_its_memory);
    tcase_add_test(cases, a_copy_of_nothing_is_nothing);
    tcase_add_loop_test(cases, values_from_code_are_stored_like_their_text, 0, ROWS(stored));
    tcase_add_test(cases, no_table_takes_no_options);
    tcase_add_test(cases, default_that_does_not_parse_is_an_error);
    tcase_add_test(cases, required_options_that_are_missing_are_all_named);
    tcase_add_loop_test(cases, nearest_name_is_suggested, 0, ROWS(words));
    tcase_add_test(cases, long_words_get_no_suggestion);
    tcase_add_test(cases, two_names_that_are_equally_related_are_both_suggested);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
