/* data/readers/characters.c: what is learned from a text, how other texts are read with it, what a line to predict is, and
 * what is refused where. */
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
    reader_fixture_make(&fixture, "characters", options);
    store("train.txt", text);
    ck_assert_msg(reader_fixture_learn(&fixture, "train.txt", 0, 0) == RONDO_OK, "%s", errors_text(&fixture.errors, 0));
}

/* The documents as symbols with blanks between them: "a b \n; c \n; ". */
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
    {"", "abc\n", 0, 0, "cab\n", "c a b \n; "},
    {"", "abc", 0, 0, "xa", "<unk> a; "},
    /* The alphabet is that of the training part. */
    {"", "abacd", 0.2, 0, "abacd", "a b a c <unk>; "},
    {"", "abacd", 0, 0.2, "abacd", "a b a c <unk>; "},
    {"", "abacde", 0.2, 0.2, "abacde", "a b a c <unk> <unk>; "},
    {"",
     "a\xC3\xA9"
     "aa\xC3\xA9"
     "ab",
     0.15, 0, "ab\xC3\xA9", "a <unk> \xC3\xA9; "},
    {"", "aaab\xC3\xA9", 0.2, 0,
     "\xC3\xA9"
     "ab",
     "<unk> a b; "},
    {"", "acab\xC3\xA9", 0.4, 0,
     "\xC3\xA9"
     "ab",
     "<unk> a <unk>; "},
    {"documents=lines", "ab\nba\ncd\n", 0.34, 0, "ab\nba\ncd\n", "a b \n; b a \n; <unk> <unk> \n; "},
    {"documents=lines", "abcd\n", 0.2, 0, "ad\n", "a d <unk>; "}, /* one document is cut along its steps */
    /* Lines: empty ones are left out, and each has one line end, whatever the file has. */
    {"documents=lines", "ab\n\n\nc", 0, 0, "\na\r\nb\n\r\nc", "a \n; b \n; c \n; "},
    {"", "ab\r\n", 0, 0, "a\r\n", "a \r \n; "},
    {"min_count=2", "aab", 0, 0, "ab", "a <unk>; "},
    {"", "\xEF\xBB\xBFxy", 0, 0, "\xEF\xBB\xBFyx", "y x; "},
    {"", "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 0, 0, "\xF0\x9F\x98\x80\xE2\x82\xAC\xC3\xA9",
     "\xF0\x9F\x98\x80 \xE2\x82\xAC \xC3\xA9; "},
    {"tokens=bytes", "a\xC3\xA9\xFF", 0, 0, "\xFF\xA9z", "<0xFF> <0xA9> <unk>; "},
    {"tokens=bytes", "\xEF\xBB\xBFx", 0, 0, "\xEF\xBB\xBF", "<0xEF> <0xBB> <0xBF>; "},
    {"tokens=bytes documents=lines", "\xFF\nb", 0, 0, "b\n\xFF", "b \n; <0xFF> \n; "},
};

START_TEST(texts_are_read_with_the_alphabet_of_the_training_part) {
    reader_fixture_make(&fixture, "characters", good[_i].options);
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

/* Every character of the text is another one, so that each shows which part it was in. */
static const struct {
    const char *options;
    int line; /* characters of a line; 0: none has an end */
    double valid, test;
} divided[] = {
    {"", 0, 0.1, 0},
    {"", 0, 0.05, 0.05},
    {"", 0, 0.001, 0.3},
    {"", 5, 0.2, 0},
    {"documents=lines", 1, 0.1, 0.1},
    {"documents=lines", 3, 0.3, 0.001},
    {"documents=lines", 40, 0.2, 0.2},
};

START_TEST(the_alphabet_is_learned_from_exactly_the_part_that_is_trained_on) {
    char text[200];
    int length = 0;
    for (int i = 0; i < 40; i++) {
        text[length++] = (char)('0' + i);
        if (divided[_i].line > 0 && (i + 1) % divided[_i].line == 0) {
            text[length++] = '\n';
        }
    }
    reader_fixture_make(&fixture, "characters", divided[_i].options);
    reader_fixture_write(&fixture, "train.txt", text, (size_t)length);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", divided[_i].valid, divided[_i].test), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const int32_t line_end = vocabulary_find(dataset->streams[0].names, "\n");
    const struct parts parts = {{.rule = PART_LAST, .value = divided[_i].valid},
                                {.rule = divided[_i].test > 0 ? PART_LAST : PART_NONE, .value = divided[_i].test}};
    for (int part = PART_TRAIN; part <= (divided[_i].test > 0 ? PART_TEST : PART_VALID); part++) {
        struct dataset *view = part_view(dataset, &parts, (enum part_name)part, "text", &fixture.errors);
        ck_assert_ptr_nonnull(view);
        const struct stream *target = dataset_find(view, "target");
        for (int64_t i = 0; i < view->count; i++) {
            for (int64_t t = target->begin[i]; t < target->begin[i] + target->length[i]; t++) {
                const int32_t id = stream_id(target, t);
                ck_assert_msg(id == line_end || (id != 0) == (part == PART_TRAIN), "part %d has id %d", part, id);
            }
        }
        dataset_destroy(view);
    }
    dataset_destroy(dataset);
}
END_TEST

/* The symbols of a text are stored piece by piece: characters of every length are at the ends of a piece. */
START_TEST(a_long_text_is_read_whole) {
    enum { COUNT = 50000 };
    static const char *const characters[] = {"a", "\xC3\xA9", "b", "c", "\xE2\x82\xAC", "d", "e"};
    char *text = malloc(3 * COUNT);
    size_t length = 0;
    for (size_t i = 0; i < COUNT; i++) {
        const char *character = characters[(i / 3 + i / 1000) % ROWS(characters)];
        memcpy(text + length, character, strlen(character));
        length += strlen(character);
    }
    reader_fixture_make(&fixture, "characters", "");
    reader_fixture_write(&fixture, "train.txt", text, length);
    free(text);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    ck_assert_int_eq(target->length[0], COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const int32_t id = stream_id(target, target->begin[0] + (int64_t)i);
        ck_assert_str_eq(vocabulary_word(target->names, id), characters[(i / 3 + i / 1000) % ROWS(characters)]);
    }
    dataset_destroy(dataset);
}
END_TEST

/* NUL and every other byte, and characters of every length: as many as make ids of one byte, and more. */
START_TEST(any_bytes_and_any_alphabet_can_be_read) {
    unsigned char bytes[512];
    for (int i = 0; i < 512; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    reader_fixture_make(&fixture, "characters", "tokens=bytes");
    reader_fixture_write(&fixture, "train.txt", bytes, sizeof bytes);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", 0, 0), RONDO_OK);
    reader_fixture_reload(&fixture);
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    ck_assert_int_eq(target->size, 257);
    ck_assert_int_eq(target->store, STORE_U16);
    ck_assert_int_eq(target->length[0], 512);
    ck_assert_str_eq(vocabulary_word(target->names, 1), "<0x00>");
    for (int i = 0; i < 512; i++) {
        ck_assert_int_eq(stream_id(target, i), 1 + bytes[i]);
    }
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    int symbols, store;
} alphabets[] = {{2, STORE_U8}, {255, STORE_U8}, {256, STORE_U16}, {3000, STORE_U16}};

START_TEST(ids_are_bytes_while_the_alphabet_fits) {
    const int symbols = alphabets[_i].symbols;
    char *text = arena_alloc(fixture.arena, (size_t)symbols * 3);
    for (int i = 0; i < symbols; i++) { /* U+1000 and so on: three bytes each */
        const int code = 0x1000 + i;
        text[3 * i] = (char)(0xE0 | code >> 12);
        text[3 * i + 1] = (char)(0x80 | (code >> 6 & 0x3F));
        text[3 * i + 2] = (char)(0x80 | (code & 0x3F));
    }
    reader_fixture_make(&fixture, "characters", "");
    reader_fixture_write(&fixture, "train.txt", text, (size_t)symbols * 3);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", 0, 0), RONDO_OK);
    struct dataset *dataset = reader_fixture_read(&fixture, "train.txt", PART_TRAIN, 1);
    const struct stream *target = dataset_find(dataset, "target");
    ck_assert_int_eq(target->store, alphabets[_i].store);
    ck_assert_int_eq(target->size, 1 + symbols);
    ck_assert_int_eq(target->unknown, 0);
    for (int i = 0; i < symbols; i++) {
        ck_assert_int_eq(stream_id(target, i), 1 + i);
    }
    dataset_destroy(dataset);
}
END_TEST

static const struct {
    const char *options, *bytes;
    size_t length;
    const char *expected;
} bad[] = {
    {"", "", 0, "%: the file is empty, expected text"},
    {"tokens=bytes", "", 0, "%: the file is empty, expected text"},
    {"", "\xEF\xBB\xBF", 3, "%: the file is empty, expected text"},
    {"documents=lines", "\n\r\n\n", 4, "%: all lines are empty, expected a document on each line"},
    {"", "a\nb\xC3\xA9\xFFz", 7,
     "%:2:3: byte 0xff is not valid UTF-8, expected text as UTF-8; 'tokens: bytes' reads any file"},
    {"", "ab\xC3", 3, "%:1:3: byte 0xc3 is not valid UTF-8"},
    {"", "a\n\nb\0\xFF", 6, "%:3:2: a NUL byte, expected text as UTF-8; 'tokens: bytes' reads any file"},
    {"", "ab\xFF\0", 4, "%:1:3: byte 0xff is not valid UTF-8"},
    {"", "a", 1, "%: every character is 'a', expected at least two different characters"},
    {"", "aaaa", 4, "%: every character is 'a', expected at least two different characters"},
    {"", "\n\n", 2, "%: every character is '\\n', expected at least two different characters"},
    {"tokens=bytes", "\0\0", 2, "%: every byte is '<0x00>', expected at least two different bytes"},
    {"min_count=3", "aabb", 4,
     "%: no character is seen 'min_count' times, which is 3; the most frequent one is seen 2 times"},
};

static void expect_error(const char *expected, const char *name) {
    const char *full = reader_fixture_expect(&fixture, expected, name);
    ck_assert_int_eq(fixture.errors.count, 1);
    ck_assert_msg(strstr(errors_text(&fixture.errors, 0), full) == errors_text(&fixture.errors, 0), "found '%s'",
                  errors_text(&fixture.errors, 0));
}

START_TEST(a_bad_training_text_is_refused_at_its_place) {
    reader_fixture_make(&fixture, "characters", bad[_i].options);
    reader_fixture_write(&fixture, "train.txt", bad[_i].bytes, bad[_i].length);
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", 0, 0), RONDO_INVALID);
    expect_error(bad[_i].expected, "train.txt");
}
END_TEST

START_TEST(the_training_part_alone_must_have_something_to_predict) {
    reader_fixture_make(&fixture, "characters", "");
    store("train.txt", "aaaaaaaab");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "train.txt", 0.1, 0), RONDO_INVALID);
    expect_error("%: every character is 'a'", "train.txt");
}
END_TEST

START_TEST(a_bad_text_is_refused_at_its_place_with_what_was_learned) {
    learn(bad[_i].options[0] == 'm' ? "" : bad[_i].options, "abba\n");
    reader_fixture_write(&fixture, "other.txt", bad[_i].bytes, bad[_i].length);
    struct dataset *dataset = reader_fixture_read(&fixture, "other.txt", PART_VALID, 1);
    const int is_bad_to_learn_only =
        strstr(bad[_i].expected, "every ") != NULL || strstr(bad[_i].expected, "seen") != NULL;
    ck_assert_int_eq(dataset != NULL, is_bad_to_learn_only);
    if (!is_bad_to_learn_only) {
        expect_error(bad[_i].expected, "other.txt");
    }
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_missing_file_is_reported_where_it_is_named) {
    reader_fixture_make(&fixture, "characters", "");
    ck_assert_int_eq(reader_fixture_learn(&fixture, "none.txt", 0, 0), RONDO_NOT_FOUND);
    ck_assert_str_eq(errors_text(&fixture.errors, 0),
                     arena_printf(fixture.arena, "experiment.yaml:3:9: cannot read '%s': there is no such file",
                                  reader_fixture_path(&fixture, "none.txt")));
}
END_TEST

static const struct {
    const char *options, *json, *expected;
} damaged[] = {
    {"", "{}", "reader.json: 'symbols' must be a list of texts"},
    {"", "{\"symbols\": [\"<unk>\", \"a\", \"a\"]}", "reader.json: 'symbols' must be a list of different texts"},
    {"", "{\"symbols\": [\"<unk>\", \"ab\"]}", "reader.json: entry 1 of 'symbols' is 'ab', expected a character"},
    {"", "{\"symbols\": [\"<unk>\", \"a\", \"\"]}", "reader.json: entry 2 of 'symbols' is '', expected a character"},
    {"", "{\"symbols\": [\"<unk>\", \"<0xFF>\"]}",
     "reader.json: entry 1 of 'symbols' is '<0xFF>', expected a character"},
    {"tokens=bytes", "{\"symbols\": [\"<unk>\", \"\xC3\xA9\"]}",
     "reader.json: entry 1 of 'symbols' is '\xC3\xA9', expected a byte"},
    {"tokens=bytes", "{\"symbols\": [\"<unk>\", \"<0x41>\"]}",
     "reader.json: entry 1 of 'symbols' is '<0x41>', expected a byte"},
    {"tokens=bytes", "{\"symbols\": [\"<unk>\", \"<0xfg>\"]}",
     "reader.json: entry 1 of 'symbols' is '<0xfg>', expected a byte"},
};

START_TEST(a_damaged_alphabet_is_refused) {
    reader_fixture_make(&fixture, "characters", damaged[_i].options);
    json_t *object = json_loads(damaged[_i].json, 0, NULL);
    ck_assert_ptr_nonnull(object);
    ck_assert_int_eq(reader_load(fixture.reader, object, "reader.json", &fixture.errors), RONDO_INVALID);
    expect_error(damaged[_i].expected, "");
    json_decref(object);
}
END_TEST

/* ---- prediction ---- */

static const struct {
    const char *options, *line;
    int steps;
    const char *known; /* its symbols, before the step that is to be predicted */
} lines[] = {
    {"", "ab", 3, "a b "},
    {"", "", 1, ""},
    {"", "b?", 3, "b <unk> "},
    {"documents=lines", "ab", 3, "a b "}, /* a line is the beginning of a document, which has not ended */
    {"tokens=bytes",
     "\xFF"
     "b",
     3, "<unk> b "},
};

START_TEST(a_line_is_its_symbols_and_one_step_more) {
    learn(lines[_i].options, "ab\n");
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
    learn("documents=lines", "ab\n");
    store("other.txt", "ab\n\nba");
    struct dataset *dataset = reader_fixture_read(&fixture, "other.txt", PART_TEST, 0);
    ck_assert_ptr_nonnull(dataset);
    ck_assert_int_eq(dataset->count, 2);
    ck_assert_int_eq(dataset->streams[0].length[0], 3);
    ck_assert_int_eq(dataset->streams[0].length[1], 3);
    ck_assert_str_eq(dataset->texts[0], "ab");
    ck_assert_str_eq(dataset->texts[1], "ba");
    dataset_destroy(dataset);
}
END_TEST

START_TEST(a_line_that_is_not_utf_8_is_refused) {
    learn("", "ab\n");
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

/* Ids of "ab \n" in the order of codes: <unk> 0, "\n" 1, " " 2, "a" 3, "b" 4. */
static const struct {
    const char *line;
    float values[3][5]; /* [steps][symbols] */
    const char *shown, *json;
} rendered[] = {
    /* The symbols of the line need 1 and 3 bits. */
    {"ab",
     {{0, 0, 0.5F, 0.5F, 0}, {0.125F, 0.25F, 0.25F, 0.25F, 0.125F}, {0, 0.25F, 0.5F, 0.125F, 0.125F}},
     "ab | \xE2\x90\xA3 | 0.5000 | 2.0000",
     "{\"text\":\"ab\",\"next\":\" \",\"probability\":0.5,\"bits_per_symbol\":2.0,\"probabilities\":"
     "{\" \":0.5,\"\\n\":0.25,\"a\":0.125,\"b\":0.125,\"<unk>\":0.0}}"},
    {"",
     {{0, 0.75F, 0, 0, 0.25F}},
     " | \\n | 0.7500 | -",
     "{\"text\":\"\",\"next\":\"\\n\",\"probability\":0.75,\"bits_per_symbol\":null,\"probabilities\":"
     "{\"\\n\":0.75,\"b\":0.25,\"<unk>\":0.0,\" \":0.0,\"a\":0.0}}"},
    /* A symbol that the model thinks impossible needs infinitely many bits, which JSON does not have. */
    {"?",
     {{0, 0.5F, 0, 0, 0.5F}, {0.25F, 0, 0.25F, 0.25F, 0.25F}},
     "? | <unk> | 0.2500 | inf",
     "{\"text\":\"?\",\"next\":\"<unk>\",\"probability\":0.25,\"bits_per_symbol\":null,\"probabilities\":"
     "{\"<unk>\":0.25,\" \":0.25,\"a\":0.25,\"b\":0.25,\"\\n\":0.0}}"},
};

START_TEST(a_prediction_is_the_next_symbol_and_the_bits_of_the_line) {
    learn("", "ab \n");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 1, 0};
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, "first", where, dataset, &fixture.errors), RONDO_OK);
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, rendered[_i].line, where, dataset, &fixture.errors),
                     RONDO_OK);
    const struct reader_fixture_rendered found = reader_fixture_render(&fixture, dataset, 1, &rendered[_i].values[0][0],
                                                                       1 + (int64_t)strlen(rendered[_i].line), 5);
    ck_assert_str_eq(found.line, rendered[_i].shown);
    ck_assert_str_eq(found.json, rendered[_i].json);
    dataset_destroy(dataset);
}
END_TEST

START_TEST(json_has_the_ten_most_likely_symbols) {
    learn("", "abcdefghijklmnopqrstuvwxyz");
    struct dataset *dataset = reader_describe(fixture.reader, &fixture.errors);
    const struct location where = {"standard input", 1, 0};
    ck_assert_int_eq(fixture.reader->class->add(fixture.reader, "", where, dataset, &fixture.errors), RONDO_OK);
    float values[27];
    for (int k = 0; k < 27; k++) {
        values[k] = (float)k / 64;
    }
    const char *json = reader_fixture_render(&fixture, dataset, 0, values, 1, 27).json;
    json_t *object = json_loads(json, 0, NULL);
    ck_assert_uint_eq(json_object_size(json_object_get(object, "probabilities")), 10);
    ck_assert_str_eq(json_object_iter_key(json_object_iter(json_object_get(object, "probabilities"))), "z");
    json_decref(object);
    /* A network that diverged predicts what is no number. */
    for (int k = 0; k < 27; k++) {
        values[k] = NAN;
    }
    json = reader_fixture_render(&fixture, dataset, 0, values, 1, 27).json;
    ck_assert_ptr_nonnull(strstr(json, "\"probability\":null"));
    dataset_destroy(dataset);
}
END_TEST

/* ---- texts to ids and back ---- */

static const struct {
    const char *options, *text; /* its own decoded form */
    int end;                    /* the stream has one */
} texts[] = {
    {"", "a  b\xC3\xA9\n", 0},
    {"documents=lines", "a  b\xC3\xA9", 1},
    {"tokens=bytes", "a\xC3\xA9\xFF<0x41>", 0},
    {"", "", 0},
};

START_TEST(texts_become_ids_and_ids_texts) {
    int64_t count;
    learn(texts[_i].options, arena_printf(fixture.arena, "%s\nxy\n", texts[_i].text));
    const int32_t *ids = reader_fixture_check_text(&fixture, "target", texts[_i].text, texts[_i].text, &count);
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
    Suite *suite = suite_create("characters");
    TCase *cases = add_case(suite, "characters", 60, setup, teardown);
    tcase_add_loop_test(cases, texts_are_read_with_the_alphabet_of_the_training_part, 0, ROWS(good));
    tcase_add_loop_test(cases, the_alphabet_is_learned_from_exactly_the_part_that_is_trained_on, 0, ROWS(divided));
    tcase_add_test(cases, a_long_text_is_read_whole);
    tcase_add_test(cases, any_bytes_and_any_alphabet_can_be_read);
    tcase_add_loop_test(cases, ids_are_bytes_while_the_alphabet_fits, 0, ROWS(alphabets));
    tcase_add_loop_test(cases, a_bad_training_text_is_refused_at_its_place, 0, ROWS(bad));
    tcase_add_test(cases, the_training_part_alone_must_have_something_to_predict);
    tcase_add_loop_test(cases, a_bad_text_is_refused_at_its_place_with_what_was_learned, 0, ROWS(bad));
    tcase_add_test(cases, a_missing_file_is_reported_where_it_is_named);
    tcase_add_loop_test(cases, a_damaged_alphabet_is_refused, 0, ROWS(damaged));
    tcase_add_loop_test(cases, a_line_is_its_symbols_and_one_step_more, 0, ROWS(lines));
    tcase_add_test(cases, files_to_predict_are_the_same);
    tcase_add_test(cases, a_line_that_is_not_utf_8_is_refused);
    tcase_add_loop_test(cases, a_prediction_is_the_next_symbol_and_the_bits_of_the_line, 0, ROWS(rendered));
    tcase_add_test(cases, json_has_the_ten_most_likely_symbols);
    tcase_add_loop_test(cases, texts_become_ids_and_ids_texts, 0, ROWS(texts));
    return run_suite(suite);
}
