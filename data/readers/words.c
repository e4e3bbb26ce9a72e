/* data/readers/words.c: plain text as a sequence of words, for language models.
 *
 * The only stream is `target`, the words and signs of the text: a model reads the word before each by feedback. The whole
 * file is one sequence, or every line that has a word is a document of its own. With `line_ends`, as in the corpora of
 * published language models, each line that has a word ends with the symbol END_SYMBOL, also the last line of a file.
 *
 * The vocabulary comes from the training part only: id 0 is UNKNOWN_WORD, then END_SYMBOL if line ends are symbols, then the
 * words by frequency.
 *
 * A line of standard input is the beginning of a text: its words are given, and the prediction after the last one is the
 * word that follows. It has one more step than words; the element of that step is a placeholder that nothing reads.
 */
#include <jansson.h>
#include <string.h>

#include "data/documents.h"
#include "data/next_symbol.h"
#include "data/token_text.h"

#define END_SYMBOL "<eos>"

enum { BLOCK = 1 << 14 }; /* words that are appended together */

struct words_options {
    int32_t tokens;    /* WORDS_… */
    int32_t documents; /* enum documents_form */
    int32_t line_ends; /* they are symbols */
    int32_t lowercase; /* lower-case ASCII letters */
    int64_t min_count; /* words seen fewer times in training are unknown */
    int64_t max_words; /* of the vocabulary; 0: no limit */
};

enum { WORDS_AND_SIGNS = 0, WORDS_BETWEEN_BLANKS = 1 };
static const char *const tokens[] = {"words", "whitespace", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(
        struct words_options, tokens, "words", tokens,
        "the steps of a text: its words and signs, or, of a text that is split already, what is between "
        "blanks"),
    DOCUMENTS_OPTION(struct words_options),
    RONDO_OPTION_BOOL(struct words_options, line_ends, "true",
                      "each line that has a word ends with the symbol " END_SYMBOL "; false: line ends are blanks"),
    RONDO_OPTION_BOOL(struct words_options, lowercase, "true", "turn the letters A to Z to lower case"),
    RONDO_OPTION_INT(struct words_options, min_count, "1", 1, 1e9, "words seen fewer times in training are unknown"),
    RONDO_OPTION_INT(struct words_options, max_words, "0", 0, 1e8,
                     "how many words are known, the most frequent ones; 0: all"),
    RONDO_OPTION_END};

/* What is learned. */
struct words_vocabulary {
    struct vocabulary *words;
    int32_t end; /* the id of END_SYMBOL; -1: line ends are not symbols */
};

static const struct words_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct words_vocabulary *learned_of(const struct reader *reader) {
    return reader->state;
}

/* ---- files and their words ---- */

/* The words of a document, one after the other. */
struct word_cursor {
    const struct words_options *options;
    struct token_cursor cursor; /* of the rest of the line, or of the document if line ends are blanks */
    const char *end;            /* of the document */
    int is_whole;               /* the end of the document ends its last line */
    int has_word;               /* the line has one */
    int is_end;                 /* the word is END_SYMBOL */
    char word[TOKEN_BYTES];
};

static void begin_line(struct word_cursor *words, const char *text) {
    const char *line_end = words->options->line_ends ? memchr(text, '\n', (size_t)(words->end - text)) : NULL;
    words->cursor = (struct token_cursor){text, line_end == NULL ? words->end : line_end};
    words->has_word = 0;
}

static struct word_cursor word_cursor(const struct words_options *options, const struct document *document,
                                      int is_whole) {
    struct word_cursor words = {.options = options, .end = document->text + document->length, .is_whole = is_whole};
    begin_line(&words, document->text);
    return words;
}

static int next_token(struct word_cursor *words) {
    const int lowercase = words->options->lowercase;
    return words->options->tokens == WORDS_AND_SIGNS
               ? token_next(&words->cursor, lowercase, words->word, sizeof words->word)
               : token_next_of(&words->cursor, TOKEN_WHITESPACE, lowercase, words->word, sizeof words->word);
}

static int next_word(struct word_cursor *words) {
    const struct words_options *options = words->options;
    words->is_end = 0;
    while (!next_token(words)) {
        const int at_end = words->cursor.end == words->end;
        const int had_word = words->has_word;
        if (at_end) {
            words->has_word = 0;
        } else {
            begin_line(words, words->cursor.end + 1);
        }
        words->is_end = options->line_ends && had_word && (!at_end || words->is_whole);
        if (words->is_end || at_end) {
            return words->is_end;
        }
    }
    words->has_word = 1;
    return 1;
}

/* 1 if the document has a word. */
static int has_word(const struct words_options *options, const struct document *document) {
    struct word_cursor words = word_cursor(options, document, 0);
    return next_word(&words);
}

/* Reads the files of a source, and leaves out documents without a word; documents_close afterwards, also after a failure. */
static rondo_status open_documents(struct documents *documents, const struct reader *reader,
                                   const struct reader_source *source, struct errors *errors) {
    const struct words_options *options = options_of(reader);
    const struct documents_settings settings = {.form = options->documents, .is_utf8 = 1};
    RONDO_TRY(documents_open(documents, reader, &settings, source, errors));
    int64_t kept = 0;
    for (int64_t i = 0; i < documents->count; i++) {
        RONDO_TRY(document_pass(&documents->items[i], 0, errors));
        if (has_word(options, &documents->items[i])) {
            documents->items[kept++] = documents->items[i];
        }
    }
    documents->count = kept;
    return kept > 0 ? RONDO_OK
                    : errors_add_at(errors, RONDO_INVALID, (struct location){.file = source->paths[0].text},
                                    "the text has no words");
}

/* The pass over a document has come to its element `element`, the word that the cursor is at. */
static rondo_status pass_words(const struct word_cursor *words, int64_t element, const struct document *document,
                               struct errors *errors) {
    return element % BLOCK == 0 ? document_pass(document, (size_t)(words->cursor.next - document->text), errors)
                                : RONDO_OK;
}

/* ---- learning ---- */

static rondo_status count_elements(const void *arg, const struct document *document, int64_t *count,
                                   struct errors *errors) {
    const struct reader *reader = arg;
    struct word_cursor words = word_cursor(options_of(reader), document, 1);
    for (*count = 0; next_word(&words); ++*count) {
        RONDO_TRY(pass_words(&words, *count, document, errors));
    }
    return RONDO_OK;
}

/* END_SYMBOL is not counted: it is always known. */
static rondo_status count_words(void *arg, const struct document *document, int64_t begin, int64_t end,
                                struct errors *errors) {
    const struct reader *reader = arg;
    struct word_cursor words = word_cursor(options_of(reader), document, 1);
    for (int64_t element = 0; element < end && next_word(&words); element++) {
        RONDO_TRY(pass_words(&words, element, document, errors));
        if (element >= begin && !words.is_end && vocabulary_count(learned_of(reader)->words, words.word) < 0) {
            return errors_no_memory(errors);
        }
    }
    return RONDO_OK;
}

/* Refuses a text that has nothing to predict. */
static rondo_status check_counts(const struct words_options *options, const char *file, const struct vocabulary *words,
                                 struct errors *errors) {
    const struct location where = {.file = file};
    const int32_t distinct = vocabulary_size(words);
    if (distinct < 2) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             distinct == 0 ? "the training part has no words"
                                           : "every word is '%.60s', expected at least two different words",
                             distinct == 0 ? "" : vocabulary_word(words, 0));
    }
    int64_t most = 0;
    for (int32_t id = 0; id < distinct; id++) {
        most = vocabulary_times(words, id) > most ? vocabulary_times(words, id) : most;
    }
    return most >= options->min_count
               ? RONDO_OK
               : errors_add_at(
                     errors, RONDO_INVALID, where,
                     "no word is seen 'min_count' times, which is %lld; the most frequent one is seen %lld times",
                     (long long)options->min_count, (long long)most);
}

static rondo_status learn_documents(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    const struct documents_counter counter = {count_elements, count_words, reader};
    struct documents documents;
    rondo_status status = open_documents(&documents, reader, source, errors);
    if (status == RONDO_OK) {
        status = documents_count(&documents, source->parts, &counter, errors);
    }
    documents_close(&documents);
    return status;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    const struct words_options *options = options_of(reader);
    struct words_vocabulary *learned = learned_of(reader);
    learned->words = vocabulary_create();
    if (learned->words == NULL) {
        return errors_no_memory(errors);
    }
    RONDO_TRY(learn_documents(reader, source, errors));
    RONDO_TRY(check_counts(options, source->paths[0].text, learned->words, errors));
    if (options->line_ends) {
        RONDO_TRY(vocabulary_keep(learned->words, END_SYMBOL, errors));
    }
    RONDO_TRY(vocabulary_finish(learned->words, options->min_count, options->max_words, errors));
    learned->end = options->line_ends ? vocabulary_find(learned->words, END_SYMBOL) : -1;
    return RONDO_OK;
}

static void clear(struct reader *reader) {
    vocabulary_destroy(learned_of(reader)->words);
    *learned_of(reader) = (struct words_vocabulary){0};
}

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    return json_object_set_new(object, "words", vocabulary_json(learned_of(reader)->words)) == 0
               ? RONDO_OK
               : errors_no_memory(errors);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct words_vocabulary *learned = learned_of(reader);
    RONDO_TRY(vocabulary_from_json(object, "words", file, &learned->words, errors));
    const int has_end = options_of(reader)->line_ends;
    learned->end = has_end ? vocabulary_find(learned->words, END_SYMBOL) : -1;
    if (strcmp(vocabulary_word(learned->words, 0), UNKNOWN_WORD) != 0) {
        return errors_add(errors, RONDO_INVALID, "%s: entry 0 of 'words' is '%.60s', expected '" UNKNOWN_WORD "'", file,
                          vocabulary_word(learned->words, 0));
    }
    return !has_end || learned->end >= 0
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: 'words' has no '" END_SYMBOL "', which 'line_ends' needs",
                            file);
}

/* ---- reading ---- */

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct vocabulary *words = learned_of(reader)->words;
    const int64_t size = vocabulary_size(words);
    struct stream *target = dataset_stream(dataset, "target", STREAM_CLASS, store_for_ids(size), size, errors);
    if (target == NULL) {
        return errors->status;
    }
    target->names = words;
    target->unknown = 0;
    target->end = options_of(reader)->documents == DOCUMENTS_LINES ? learned_of(reader)->end : -1;
    return RONDO_OK;
}

static int32_t word_id(const struct words_vocabulary *learned, const struct word_cursor *words) {
    const int32_t id = words->is_end ? learned->end : vocabulary_find(learned->words, words->word);
    return id < 0 ? 0 : id;
}

/* Appends the words of a document to the last example. */
static rondo_status extend(const struct reader *reader, const struct document *document, int is_whole,
                           struct dataset *dataset, struct errors *errors) {
    struct word_cursor words = word_cursor(options_of(reader), document, is_whole);
    const int32_t store = dataset->streams[0].store;
    for (int64_t count = BLOCK; count == BLOCK;) {
        RONDO_TRY(pass_words(&words, 0, document, errors));
        void *ids = dataset_room(dataset, 0, BLOCK, errors);
        if (ids == NULL) {
            return errors->status;
        }
        for (count = 0; count < BLOCK && next_word(&words); count++) {
            store_id(store, ids, count, word_id(learned_of(reader), &words));
        }
        RONDO_TRY(dataset_extend(dataset, 0, count, errors));
    }
    return RONDO_OK;
}

/* Adds one document; for prediction with a placeholder after its words. */
static rondo_status add_text(const struct reader *reader, const struct document *document, int with_targets,
                             struct dataset *dataset, struct errors *errors) {
    const struct stream_part empty = {NULL, 0};
    RONDO_TRY(dataset_add(dataset, &empty, errors));
    RONDO_TRY(extend(reader, document, with_targets, dataset, errors));
    if (with_targets) {
        return RONDO_OK;
    }
    RONDO_TRY(dataset_add_id(dataset, 0, 0, errors));
    return document_keep_text(document, dataset, errors);
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    struct documents documents;
    rondo_status status = open_documents(&documents, reader, source, errors);
    for (int64_t i = 0; i < documents.count && status == RONDO_OK; i++) {
        status = add_text(reader, &documents.items[i], with_targets, dataset, errors);
    }
    documents_close(&documents);
    return status;
}

static rondo_status add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors) {
    const struct document document = {.text = line, .length = strlen(line), .line = where.line};
    RONDO_TRY(document_check_line(line, where, errors));
    return add_text(reader, &document, 0, dataset, errors);
}

/* ---- texts ---- */

static rondo_status encode(const struct reader *reader, const char *stream, const char *text, struct arena *arena,
                           int32_t **ids, int64_t *count, struct errors *errors) {
    const struct document document = {.text = text, .length = strlen(text)};
    (void)stream;
    RONDO_TRY(document_check_line(text, (struct location){0}, errors));
    *count = 0;
    *ids = arena_alloc(arena, (document.length + 1) * sizeof **ids); /* a word or a line end has at least one byte */
    if (*ids == NULL) {
        return errors_no_memory(errors);
    }
    struct word_cursor words = word_cursor(options_of(reader), &document, 0);
    while (next_word(&words)) {
        (*ids)[(*count)++] = word_id(learned_of(reader), &words);
    }
    return RONDO_OK;
}

static rondo_status decode(const struct reader *reader, const char *stream, const int32_t *ids, int64_t count,
                           int64_t before, struct arena *arena, const char **text, struct errors *errors) {
    const struct token_join join = {.vocabulary = learned_of(reader)->words,
                                    .unit =
                                        options_of(reader)->tokens == WORDS_AND_SIGNS ? TOKEN_WORDS : TOKEN_WHITESPACE,
                                    .line_end = learned_of(reader)->end,
                                    .end = -1};
    (void)stream;
    return token_join(&join, ids, count, before, arena, text, errors);
}

static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    (void)reader;
    (void)errors;
    next_symbol_render(prediction, NEXT_PERPLEXITY, fields);
    return RONDO_OK;
}

extern const struct reader_class reader_words;
const struct reader_class reader_words = {
    .name = "words",
    .summary = "plain text as words, for language models",
    .options = options_table,
    .options_size = sizeof(struct words_options),
    .flags = READER_SEQUENCES,
    .state_size = sizeof(struct words_vocabulary),
    .learn = learn,
    .describe = describe,
    .read = read,
    .add = add,
    .render = render,
    .encode = encode,
    .decode = decode,
    .save = save,
    .load = load,
    .clear = clear,
};
