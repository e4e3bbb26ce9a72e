/* data/tokens.h and data/vocabulary.h: texts to tokens, tokens to numbers. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/tokens.h"
#include "data/vocabulary.h"
#include "tests/suite.h"

/* All tokens of a text, each followed by '|'. */
static void split(const char *text, int lowercase, size_t size, char *out, size_t out_size) {
    struct token_cursor cursor = {text, text + strlen(text)};
    char token[TOKEN_BYTES];
    size_t length = 0;
    out[0] = '\0';
    while (token_next(&cursor, lowercase, token, size)) {
        ck_assert_uint_lt(strlen(token), size);
        length += (size_t)snprintf(out + length, out_size - length, "%s|", token);
        ck_assert_uint_lt(length, out_size);
    }
    ck_assert_int_eq(token_next(&cursor, lowercase, token, size), 0); /* also after the end */
}

static const struct {
    const char *text;
    int lowercase;
    const char *tokens;
} texts[] = {
    {"", 1, ""},
    {" \t\n\r ", 1, ""},
    {"Great product", 1, "great|product|"},
    {"Great product", 0, "Great|product|"},
    {"I don't like it.", 1, "i|don't|like|it|.|"},
    {"rock'n'roll", 1, "rock'n'roll|"},
    {"a  B\tc\n D", 1, "a|b|c|d|"},
    {"Na\xC3\xAFve Na\xC3\xAFvet\xC3\xA9", 1, "na\xC3\xAFve|na\xC3\xAFvet\xC3\xA9|"},
    {"'quoted' dogs' 'tis", 1, "'|quoted|'|dogs|'|'|tis|"},
    {"don''t", 1, "don|'|'|t|"},
    {"don\xE2\x80\x99t", 1, "don't|"},
    {"\xE2\x80\x99tis dogs\xE2\x80\x99 ", 1, "\xE2\x80\x99|tis|dogs|\xE2\x80\x99|"},
    {"a,b;c", 1, "a|,|b|;|c|"},
    {"wow!!! :-)", 1, "wow|!|!|!|:|-|)|"},
    {"<br />x", 1, "<|br|/|>|x|"},
    {"3.5% of 10", 1, "3|.|5|%|of|10|"},
    {"snake_case", 1, "snake|_|case|"},
    {"CAF\xC3\x89 caf\xC3\xA9", 1, "caf\xC3\x89|caf\xC3\xA9|"},
    {"\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82", 1,
     "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82|,|\xE4\xBD\xA0\xE5\xA5\xBD|\xE3\x80\x82|"},
    {"a\xC2\xA0"
     "b\xE3\x80\x80"
     "c\xE2\x80\xAF"
     "d\xEF\xBB\xBF"
     "e",
     1, "a|b|c|d|e|"},
    {"a\xE2\x80\x94"
     "b\xE2\x80\xA6",
     1, "a|\xE2\x80\x94|b|\xE2\x80\xA6|"},
    {"\xC2\xA3"
     "5\xC2\xBF",
     1, "\xC2\xA3|5|\xC2\xBF|"},
    {"\xEF\xBC\x81\xEF\xBC\xA1\xEF\xBC\x9F", 1, "\xEF\xBC\x81|\xEF\xBC\xA1|\xEF\xBC\x9F|"},
    {"a\x01"
     "b\x7F"
     "c",
     1, "a|b|c|"},
    {"a\xFF"
     "b\xC3",
     1, "a|\xEF\xBF\xBD|b|\xEF\xBF\xBD|"},
    {"a\xE2\x80", 1, "a|\xEF\xBF\xBD|\xEF\xBF\xBD|"},
};

START_TEST(texts_are_split) {
    char tokens[512];
    split(texts[_i].text, texts[_i].lowercase, TOKEN_BYTES, tokens, sizeof tokens);
    ck_assert_str_eq(tokens, texts[_i].tokens);
}
END_TEST

static const struct {
    const char *text, *tokens;
} cuts[] = {
    {"abcdefgh next", "abcdefg|next|"}, {"abcdef\xC3\xA9 next", "abcdef|next|"},
    {"abcdef\xC3\xA9xyz", "abcdef|"},   {"abcde\xC3\xA9xyz", "abcde\xC3\xA9|"},
    {"abcdefg's", "abcdefg|"},          {"\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80|"},
};

START_TEST(long_tokens_are_cut_at_a_character) {
    char tokens[128];
    split(cuts[_i].text, 1, 8, tokens, sizeof tokens);
    ck_assert_str_eq(tokens, cuts[_i].tokens);
}
END_TEST

static const struct {
    const char *text;
    int lowercase;
    size_t size;
    const char *tokens;
} separated[] = {
    {" The U.S. <unk>\n@-@\t", 1, TOKEN_BYTES, "the|u.s.|<unk>|@-@|"},
    {"The", 0, TOKEN_BYTES, "The|"},
    {"\xC3\x89T\xC3\x89 d\xE2\x80\x99or\xC2\xA0z", 1, TOKEN_BYTES, "\xC3\x89t\xC3\x89|d\xE2\x80\x99or|z|"},
    {"a\xFFz b", 1, TOKEN_BYTES, "a\xEF\xBF\xBDz|b|"},
    {"abcdefgh next", 1, 8, "abcdefg|next|"},
    {" ", 1, 8, ""},
};

START_TEST(texts_that_are_split_already_keep_what_is_between_blanks) {
    struct token_cursor cursor = {separated[_i].text, separated[_i].text + strlen(separated[_i].text)};
    char token[TOKEN_BYTES], all[128] = "";
    size_t length = 0;
    while (token_next_of(&cursor, TOKEN_WHITESPACE, separated[_i].lowercase, token, separated[_i].size)) {
        length += (size_t)snprintf(all + length, sizeof all - length, "%s|", token);
    }
    ck_assert_str_eq(all, separated[_i].tokens);
}
END_TEST

/* The end of a text may be in the middle of a word, a character or a run of blanks. */
START_TEST(a_text_ends_where_it_is_said_to_end) {
    static const char text[] = "caf\xC3\xA9's  x";
    for (int unit = TOKEN_WORDS; unit <= TOKEN_WHITESPACE; unit++) {
        for (size_t length = 0; length < sizeof text; length++) {
            char copy[sizeof text];
            memset(copy, 'z', sizeof copy);
            memcpy(copy, text, length);
            struct token_cursor whole = {copy, copy + length};
            char *alone = malloc(length + (length == 0)); /* valgrind and the sanitizers see what is read after it */
            memcpy(alone, text, length);
            struct token_cursor own = {alone, alone + length};
            char one[TOKEN_BYTES], other[TOKEN_BYTES];
            int found;
            do {
                found = token_next_of(&whole, (enum token_unit)unit, 1, one, sizeof one);
                ck_assert_int_eq(token_next_of(&own, (enum token_unit)unit, 1, other, sizeof other), found);
                ck_assert_str_eq(one, other);
            } while (found);
            ck_assert_ptr_eq(whole.next, copy + length);
            free(alone);
        }
    }
}
END_TEST

/* ---- vocabulary ---- */

/* Counts the words of a text that are separated by blanks. */
static struct vocabulary *count_all(const char *text) {
    struct vocabulary *vocabulary = vocabulary_create();
    ck_assert_ptr_nonnull(vocabulary);
    char word[64];
    int used;
    for (; sscanf(text, "%63s%n", word, &used) == 1; text += used) {
        ck_assert_int_ge(vocabulary_count(vocabulary, word), 0);
    }
    return vocabulary;
}

/* The entries in order, each with its id looked up again. */
static void check_entries(const struct vocabulary *vocabulary, const char *expected) {
    char text[256] = "";
    size_t length = 0;
    for (int32_t id = 0; id < vocabulary_size(vocabulary); id++) {
        const char *word = vocabulary_word(vocabulary, id);
        ck_assert_int_eq(vocabulary_find(vocabulary, word), id);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", id == 0 ? "" : " ", word);
    }
    ck_assert_str_eq(text, expected);
}

static const struct {
    const char *text;
    int64_t min_count, max_size;
    const char *expected;
} vocabularies[] = {
    {"b a c a b a", 1, 0, "<unk> a b c"},
    {"b a c a b a", 2, 0, "<unk> a b"},
    {"b a c a b a", 4, 0, "<unk>"},
    {"b a c a b a", 1, 2, "<unk> a b"},
    {"d c b a", 1, 0, "<unk> a b c d"},
    {"d c b a", 1, 3, "<unk> a b c"},
    {"", 1, 0, "<unk>"},
    {"a <unk> a", 1, 0, "<unk> a"},
    {"a <unk> <unk> a b", 2, 0, "<unk> a"},
    {"\xC3\xA9 z e", 1, 0, "<unk> e z \xC3\xA9"},
};

START_TEST(vocabularies_are_ordered_by_count_and_text) {
    struct vocabulary *vocabulary = count_all(vocabularies[_i].text);
    struct errors errors = {0};
    ck_assert_int_eq(vocabulary_finish(vocabulary, vocabularies[_i].min_count, vocabularies[_i].max_size, &errors),
                     RONDO_OK);
    check_entries(vocabulary, vocabularies[_i].expected);
    ck_assert_int_eq(vocabulary_find(vocabulary, "nowhere"), -1);
    ck_assert_int_eq(vocabulary_find(vocabulary, ""), -1);
    vocabulary_destroy(vocabulary);
}
END_TEST

START_TEST(a_word_that_is_kept_is_the_first_whatever_its_count) {
    struct vocabulary *vocabulary = count_all("b b a a end c");
    struct errors errors = {0};
    ck_assert_int_eq(vocabulary_times(vocabulary, vocabulary_find(vocabulary, "b")), 2);
    ck_assert_int_eq(vocabulary_keep(vocabulary, "start", &errors), RONDO_OK);
    ck_assert_int_eq(vocabulary_keep(vocabulary, "end", &errors), RONDO_OK);
    ck_assert_int_eq(vocabulary_finish(vocabulary, 2, 1, &errors), RONDO_OK);
    check_entries(vocabulary, "<unk> start end a");
    vocabulary_destroy(vocabulary);
}
END_TEST

START_TEST(words_that_were_dropped_are_not_found) {
    struct vocabulary *vocabulary = count_all("a a b");
    struct errors errors = {0};
    ck_assert_int_eq(vocabulary_finish(vocabulary, 2, 0, &errors), RONDO_OK);
    ck_assert_int_eq(vocabulary_find(vocabulary, "b"), -1);
    vocabulary_destroy(vocabulary);
}
END_TEST

START_TEST(labels_do_not_depend_on_the_order_of_the_data) {
    struct errors errors = {0};
    struct vocabulary *one = count_all("other great other"), *two = count_all("great great other");
    ck_assert_int_eq(vocabulary_finish_labels(one, &errors), RONDO_OK);
    ck_assert_int_eq(vocabulary_finish_labels(two, &errors), RONDO_OK);
    check_entries(one, "great other");
    check_entries(two, "great other");
    vocabulary_destroy(one);
    vocabulary_destroy(two);
}
END_TEST

START_TEST(a_vocabulary_counted_in_order_keeps_its_ids) {
    struct vocabulary *vocabulary = count_all("<unk> the of and");
    check_entries(vocabulary, "<unk> the of and");
    vocabulary_destroy(vocabulary);
}
END_TEST

START_TEST(many_and_long_words_are_found_again) {
    enum { COUNT = 50000 };
    struct vocabulary *vocabulary = vocabulary_create();
    struct errors errors = {0};
    char word[32];
    for (int i = 0; i < 2 * COUNT; i++) {
        snprintf(word, sizeof word, "w%d", i % COUNT);
        ck_assert_int_eq(vocabulary_count(vocabulary, word), i % COUNT);
    }
    char *longest = malloc(200001);
    memset(longest, 'x', 200000);
    longest[200000] = '\0';
    ck_assert_int_eq(vocabulary_count(vocabulary, longest), COUNT);
    ck_assert_int_eq(vocabulary_finish(vocabulary, 1, 0, &errors), RONDO_OK);
    ck_assert_int_eq(vocabulary_size(vocabulary), COUNT + 2);
    for (int i = 0; i < COUNT; i++) {
        snprintf(word, sizeof word, "w%d", i);
        ck_assert_str_eq(vocabulary_word(vocabulary, vocabulary_find(vocabulary, word)), word);
    }
    ck_assert_int_eq(vocabulary_find(vocabulary, longest), COUNT + 1); /* it occurs once, so it is after the others */
    free(longest);
    vocabulary_destroy(vocabulary);
    vocabulary_destroy(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("tokens");
    TCase *cases = tcase_create("tokens");
    tcase_add_loop_test(cases, texts_are_split, 0, ROWS(texts));
    tcase_add_loop_test(cases, long_tokens_are_cut_at_a_character, 0, ROWS(cuts));
    tcase_add_loop_test(cases, texts_that_are_split_already_keep_what_is_between_blanks, 0, ROWS(separated));
    tcase_add_test(cases, a_text_ends_where_it_is_said_to_end);
    tcase_add_test(cases, a_word_that_is_kept_is_the_first_whatever_its_count);
    tcase_add_loop_test(cases, vocabularies_are_ordered_by_count_and_text, 0, ROWS(vocabularies));
    tcase_add_test(cases, words_that_were_dropped_are_not_found);
    tcase_add_test(cases, labels_do_not_depend_on_the_order_of_the_data);
    tcase_add_test(cases, a_vocabulary_counted_in_order_keeps_its_ids);
    tcase_add_test(cases, many_and_long_words_are_found_again);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
