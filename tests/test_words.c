/* data/readers/words.c: what is learned from a text, how other texts are read with it, what a line to predict is, and what is
 * refused where. */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "tests/reader_fixture.h"
#include "tests/suite.h"

static struct reader_fixture fixture;

static void setup(void) {
    reader_fixture_open(&fixture);
}

static void teardown(void) {
    reader_fixture_close(&fixture);
}

static void store(const char *name, const char *text) {
    reader_fixture_write(&fixture, name, text, strlen(text));
}

static void learn(const char *options, const char *text) {
    reader_fixture_make(&fixture, "words", options);
    store("train.txt", text);
    ck_assert_msg(reader_fixture_learn(&fixture, "train.txt", 0, 0) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
}

/* The documents as words with blanks between them: "a b <eos>; c <eos>; ". */
static const char *show(const struct dataset *dataset) {
    const char *text = "";
    for (int64_t i = 0; i < dataset->count; i++) {
        text = arena_printf(fixture.arena, "%s%s; ", text, reader_fixture_show(&fixture, dataset, "target", i, 1));
    }
    return text;
}

static const struct {
    const char *options, *training;
    double valid, test; /* shares at the end of the training text */
    const char *other, *expected;
} good[] = {
    /* Words and signs, as the reader text splits them. */
    {"", "The cat, the dog.", 0, 0, "DOG! the cat.", "dog <unk> the cat . <eos>; "},
    {"lowercase=false", "The cat", 0, 0, "the The", "<unk> The <eos>; "},
    {"", "don\xE2\x80\x99t do", 0, 0, "don't", "don't <eos>; "},
    {"", "\xEF\xBB\xBFyes no", 0, 0, "\xEF\xBB\xBFno yes", "no yes <eos>; "},
    /* Each line that has a word ends with a symbol, with and without a line end in the file. */
    {"", "a b\n", 0, 0, "a\n\n \nb\r\na", "a <eos> b <eos> a <eos>; "},
    {"", "a b\n", 0, 0, "a\nb\n", "a <eos> b <eos>; "},
    {"line_ends=false", "a b\n", 0, 0, "a\n\nb\n", "a b; "},
    {"documents=lines", "a b\nb", 0, 0, "a\n\n \nb a\r\na\n", "a <eos>; b a <eos>; a <eos>; "},
    {"documents=lines line_ends=false", "a b\n", 0, 0, "a\nb a", "a; b a; "},
    /* What is between blanks: for corpora that are split already, and have unknown words and ends of sentences. */
    {"tokens=whitespace", "N <unk> u.s. don't", 0, 0, "N u.s., <unk> don't", "n <unk> <unk> don't <eos>; "},
    {"tokens=whitespace line_ends=false", "a b <eos>", 0, 0, "b <eos>\na <eos>", "b <eos> a <eos>; "},
    {"tokens=whitespace", "\xC3\xA9\xE2\x80\x94 \xF0\x9F\x98\x80", 0, 0, "\xF0\x9F\x98\x80\xC2\xA0\xC3\xA9\xE2\x80\x94",
     "\xF0\x9F\x98\x80 \xC3\xA9\xE2\x80\x94 <eos>; "},
    /* The most frequent words; the symbol of line ends is known whatever its count. */
    {"min_count=2", "a a b", 0, 0, "a b", "a <unk> <eos>; "},
    {"max_words=1", "a a b", 0, 0, "a b", "a <unk> <eos>; "},
    {"max_words=2 line_ends=false", "a a b c c", 0, 0, "a b c", "a <unk> c; "},
    {"max_words=0", "a a b", 0, 0, "a b", "a b <eos>; "},
    /* The vocabulary is that of the training part. */
    {"line_ends=false", "a b a c d", 0.2, 0, "a b a c d", "a b a c <unk>; "},
    {"line_ends=false", "a b a c d e", 0.2, 0.2, "a b a c d e", "a b a c <unk> <unk>; "},
    {"", "a b\nc\n", 0.4, 0, "a b c", "a b <unk> <eos>; "}, /* line ends are elements too */
    {"documents=lines", "a b\nb a\nc d\n", 0.34, 0, "a b\nc d\n", "a b <eos>; <unk> <unk> <eos>; "},
    {"documents=lines", "a b\n\nb a\n \nc d\n", 0.34, 0, "a b\nc d\n", "a b <eos>; <unk> <unk> <eos>; "},
};

START_TEST(texts_are_read_with_the_vocabulary_of_the_training_part) {
    reader_fixture_make(&fixture, "words", good[_i].options);
    store("train.txt", good[_i].training);
    ck_assert_msg(reader_fixture_learn(&fixture, "train.txt", good[_i].valid, good[_i].test) == RONDO_OK, "%s",
                  errors_text(&fixture.errors, 0));
    store("other.txt", good[_i].other);
    for (int is_loaded = 0; is_loaded <= 1; is_loaded++) {
        struct dataset *dataset = reader_fixture_read(&fixture, "other.txt", PART_VALID, 1);
        ck_assert_msg(dataset != NULL, "%s", errors_text(&fixture.errors, 0));
        ck_assert_str_eq(show(dataset), good[_i].expected);
        ck_assert_ptr_null(dataset->texts);
        dataset_destroy(dataset);
        reader_fixture_reload(&fixture);
    }
}
END_TEST

START_TEST(ids_are_those_of_the_unknown_word_the_line_end_and_the_words_by_frequency) {
    learn("", "b a c a b a\n");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    static const char *const expected[] = {"<unk>", "<eos>", "a", "b", "c"};
    ck_assert_int_eq(dataset->streams[0].size, 5);
    ck_assert_int_eq(dataset->streams[0].unknown, 0);
    for (int32_t id = 0; id < 5; id++) {
        ck_assert_str_eq(vocabulary_word(dataset->streams[0].names, id), expected[id]);
    }
    dataset_destroy(dataset);
}
END_TEST

/* A text of `words` different words, each `times` times, on a line. From the arena of the fixture. */
static const char *many_words(int words, int times) {
    char *text = arena_alloc(fixture.arena, (size_t)words * (size_t)times * 8 + 1);
    size_t length = 0;
    for (int i = 0; i < words * times; i++) {
        length += (size_t)snprintf(text + length, 9, "w%d ", i % words);
    }
    return text;
}

static const struct {
    int words, times, store;
} vocabularies[] = {
    {254, 1, STORE_U8}, {255, 1, STORE_U16}, {255, 200, STORE_U16}, {65534, 1, STORE_U16}, {65535, 1, STORE_I32}};

/* The texts are longer than the blocks that they are read in. */
START_TEST(ids_take_as_many_bytes_as_the_vocabulary_needs) {
    const int words = vocabularies[_i].words, times = vocabularies[_i].times;
    learn("", many_words(words, times));
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    ck_assert_int_eq(target->store, vocabularies[_i].store);
    ck_assert_int_eq(target->size, 2 + words);
    ck_assert_int_eq(target->length[0], words * times + 1);
    ck_assert_int_eq(target->elements, words * times + 1);
    for (int i = 0; i < words * times; i += 97) {
        ck_assert_str_eq(vocabulary_word(target->names, stream_id(target, i)),
                         arena_printf(fixture.arena, "w%d", i % words));
    }
    ck_assert_int_eq(stream_id(target, words * times), 1);
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    const char *options, *bytes;
    size_t length;
    const char *expected;
} bad[] = {
    {"", "", 0, "%: the file is empty, expected text"},
    {"", " \n\t\n", 4, "%: the text has no words"},
    {"documents=lines", "\n\r\n\n", 4, "%: all lines are empty, expected a document on each line"},
    {"documents=lines", " \n\t\n", 4, "%: the text has no words"},
    {"", "a b\nb\xC3\xA9 \xFFz", 9, "%:2:4: byte 0xff is not valid UTF-8, expected text as UTF-8"},
    {"", "a b\xC3", 4, "%:1:4: byte 0xc3 is not valid UTF-8"},
    {"", "a\n\nb\0\xFF", 6, "%:3:2: a NUL byte, expected text as UTF-8"},
    {"", "one", 3, "%: every word is 'one', expected at least two different words"},
    {"", "one\none One\n", 12, "%: every word is 'one', expected at least two different words"},
    {"min_count=3", "a a b b\na", 9, NULL},
    {"min_count=4", "a a b b\na", 9,
     "%: no word is seen 'min_count' times, which is 4; the most frequent one is seen 3 times"},
};

static void expect_error(const char *expected, const char *name) {
    const char *full = reader_fixture_expect(&fixture, expected, name);
    ck_assert_int_eq(fixture.errors.count, 1);
    ck_assert_msg(strstr(errors_text(&fixture.errors, 0), full) == errors_text(&fixture.errors, 0), "found '%s'",
                  errors_text(&fixture.errors, 0));
}

START_TEST(a_bad_training_text_is_refused_at_its_place) {
    reader_fixture_make(&fixture, "words", bad[_i].options);
    reader_fixture_write(&fixture, "train.txt", bad[_i].bytes, bad[_i].length);
    const rondo_status status = reader_fixture_learn(&fixture, "train.txt", 0, 0);
    ck_assert_int_eq(status, bad[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    if (bad[_i].expected != NULL) {
        expect_error(bad[_i].expected, "train.txt");
    }
}
END_TEST

START_TEST(a_bad_text_is_refused_at_its_place_with_what_was_learned) {
    learn(bad[_i].options[0] == 'm' ? "" : bad[_i].options, "a b b a\n");
    reader_fixture_write(&fixture, "other.txt", bad[_i].bytes, bad[_i].length);
    struct dataset *dataset = reader_fixture_read(&fixture, "other.txt", PART_VALID, 1);
    const int is_bad_to_learn_only = bad[_i].expected == NULL || strstr(bad[_i].expected, "every ") != NULL ||
                                     strstr(bad[_i].expected, "seen") != NULL;
    ck_assert_int_eq(dataset != NULL, is_bad_to_learn_only);
    if (!is_bad_to_learn_only) {
        expect_error(bad[_i].expected, "other.txt");
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_missing_file_is_reported_where_it_is_named) {
    reader_fixture_make(&fixture, "words", "");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "none.txt", 0, 0), RONDO_NOT_FOUND);
    ck_assert_str_eq(errors_text(&fixture.errors, 0),
                     arena_printf(fixture.arena, "experiment.yaml:3:9: cannot read '%s': there is no such file",
                                  reader_fixture_path(&fixture, "none.txt")));
}
END_TEST

static const struct {
    const char *options, *json, *expected;
} damaged[] = {
    {"", "{}", "reader.json: 'words' must be a list of texts"},
    {"", "{\"words\": [\"<unk>\", \"<eos>\", \"a\", \"a\"]}", "reader.json: 'words' must be a list of different texts"},
    {"", "{\"words\": [\"a\", \"<eos>\", \"<unk>\"]}", "reader.json: entry 0 of 'words' is 'a', expected '<unk>'"},
    {"", "{\"words\": [\"<unk>\", \"a\"]}", "reader.json: 'words' has no '<eos>', which 'line_ends' needs"},
    {"line_ends=false", "{\"words\": [\"<unk>\", \"a\"]}", NULL},
};

START_TEST(a_damaged_vocabulary_is_refused) {
    reader_fixture_make(&fixture, "words", damaged[_i].options);
    json_t *object = json_loads(damaged[_i].json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(reader_load(fixture.reader, object, "reader.json", &fixture.errors),
                     damaged[_i].expected == NULL ? RONDO_OK : RONDO_INVALID);
    if (damaged[_i].expected != NULL) {
        expect_error(damaged[_i].expected, "");
    }
    json_decref(object);
}
END_TEST

/* ---- prediction ---- */

static const struct {
    const char *options, *line;
    int steps;
    const char *known; /* its words, before the step that is to be predicted */
} lines[] = {
    {"", "A b", 3, "a b "},
    {"", "", 1, ""},
    {"", "b ?", 3, "b <unk> "},
    {"", "a\nb", 4, "a <eos> b "},
    {"", "a b\n", 4, "a b <eos> "}, /* its last line has ended */
    {"documents=lines", "a b", 3, "a b "},
};

START_TEST(a_line_is_its_words_and_one_step_more) {
    learn(lines[_i].options, "a b\n");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 4, 0};
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, lines[_i].line, where, dataset, &fixture.errors),
                     RONDO_OK);
    ck_assert_int_eq(dataset->count, 1);
    ck_assert_int_eq(dataset->streams[0].length[0], lines[_i].steps);
    ck_assert_str_eq(dataset->texts[0], lines[_i].line);
    const char *shown = reader_fixture_show(&fixture, dataset, "target", 0, 1);
    ck_assert_msg(strncmp(shown, lines[_i].known, strlen(lines[_i].known)) == 0, "found '%s'", shown);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(files_to_predict_are_the_same) {
    learn("documents=lines", "a b\n");
    store("other.txt", "a b\n\nb a");
    struct dataset *dataset = reader_fixture_read(&fixture, "other.txt", PART_TEST, 0);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_eq(dataset->count, 2);
    ck_assert_int_eq(dataset->streams[0].length[0], 3);
    ck_assert_int_eq(dataset->streams[0].length[1], 3);
    ck_assert_str_eq(dataset->texts[0], "a b");
    ck_assert_str_eq(dataset->texts[1], "b a");
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_line_that_is_not_utf_8_is_refused) {
    learn("", "a b\n");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 4, 0};
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, "\xC3\xA9\xFF", where, dataset, &fixture.errors),
                     RONDO_INVALID);
    ck_assert_str_eq(errors_text(&fixture.errors, 0),
                     "standard input:4:2: byte 0xff is not valid UTF-8, expected text as UTF-8");
    ck_assert_int_eq(dataset->count, 0);
    dataset_destroy(dataset);
}
END_TEST

/* Ids: <unk> 0, <eos> 1, a 2, b 3. */
static const struct {
    const char *line;
    int steps;
    float values[3][4]; /* [steps][words] */
    const char *shown, *json;
} rendered[] = {
    /* Its words have the probabilities 1/2 and 1/8: the geometric mean is 1/4. */
    {"a b",
     3,
     {{0, 0.5F, 0.5F, 0}, {0.5F, 0.25F, 0.125F, 0.125F}, {0, 0.25F, 0.625F, 0.125F}},
     "a b | a | 0.6250 | 4.0000",
     "{\"text\":\"a b\",\"next\":\"a\",\"probability\":0.625,\"perplexity\":4.0,\"probabilities\":"
     "{\"a\":0.625,\"<eos>\":0.25,\"b\":0.125,\"<unk>\":0.0}}"},
    {"",
     1,
     {{0, 0.75F, 0, 0.25F}},
     " | <eos> | 0.7500 | -",
     "{\"text\":\"\",\"next\":\"<eos>\",\"probability\":0.75,\"perplexity\":null,\"probabilities\":"
     "{\"<eos>\":0.75,\"b\":0.25,\"<unk>\":0.0,\"a\":0.0}}"},
};

START_TEST(a_prediction_is_the_next_word_and_the_perplexity_of_the_line) {
    learn("", "a b\n");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 1, 0};
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, rendered[_i].line, where, dataset, &fixture.errors),
                     RONDO_OK);
    const struct reader_fixture_rendered found =
        reader_fixture_render(&fixture, dataset, 0, &rendered[_i].values[0][0], rendered[_i].steps, 4);
    ck_assert_str_eq(found.line, rendered[_i].shown);
    ck_assert_str_eq(found.json, rendered[_i].json);
    dataset_destroy(dataset);
}
END_TEST

/* ---- texts to ids and back ---- */

static const struct {
    const char *options, *text, *decoded; /* decoded NULL: the text */
    int end;                              /* the stream has one */
} texts[] = {
    {"lowercase=false", "Come in (please)!", NULL, 0},
    {"lowercase=false", "Come in\n(please)!\n", NULL, 0},
    {"", "Come  in", "come in", 0},
    {"documents=lines", "come in", NULL, 1},
    {"documents=lines line_ends=false", "come in", NULL, 0},
    {"tokens=whitespace", "u.s. , (n)", NULL, 0},
    {"line_ends=false", "come in\nplease", "come in please", 0},
    {"", "", NULL, 0},
};

START_TEST(texts_become_ids_and_ids_texts) {
    int64_t count;
    learn(texts[_i].options, arena_printf(fixture.arena, "%s\nx z\n", texts[_i].text));
    const int32_t *ids = reader_fixture_check_text(
        &fixture, "target", texts[_i].text, texts[_i].decoded == NULL ? texts[_i].text : texts[_i].decoded, &count);
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_eq(ids[i], stream_id(target, i));
    }
    ck_assert_int_eq(target->end >= 0, texts[_i].end);
    if (texts[_i].end) { /* what ends each document */
        ck_assert_int_eq(stream_id(target, target->length[0] - 1), target->end);
    }
    dataset_destroy(dataset);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("words");
    TCase *cases = add_case(suite, "words", 60, setup, teardown);
    tcase_add_loop_test(cases, texts_are_read_with_the_vocabulary_of_the_training_part, 0, ROWS(good));
    tcase_add_test(cases, ids_are_those_of_the_unknown_word_the_line_end_and_the_words_by_frequency);
    tcase_add_loop_test(cases, ids_take_as_many_bytes_as_the_vocabulary_needs, 0, ROWS(vocabularies));
    tcase_add_loop_test(cases, a_bad_training_text_is_refused_at_its_place, 0, ROWS(bad));
    tcase_add_loop_test(cases, a_bad_text_is_refused_at_its_place_with_what_was_learned, 0, ROWS(bad));
    tcase_add_test(cases, a_missing_file_is_reported_where_it_is_named);
    tcase_add_loop_test(cases, a_damaged_vocabulary_is_refused, 0, ROWS(damaged));
    tcase_add_loop_test(cases, a_line_is_its_words_and_one_step_more, 0, ROWS(lines));
    tcase_add_test(cases, files_to_predict_are_the_same);
    tcase_add_test(cases, a_line_that_is_not_utf_8_is_refused);
    tcase_add_loop_test(cases, a_prediction_is_the_next_word_and_the_perplexity_of_the_line, 0, ROWS(rendered));
    tcase_add_loop_test(cases, texts_become_ids_and_ids_texts, 0, ROWS(texts));
    return run_suite(suite);
}
