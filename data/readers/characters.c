/* data/readers/characters.c: plain text as a sequence of characters or bytes, for language models.
 *
 * The only stream is `target`, the symbols of the text: a model reads the symbol before each by feedback. The whole file is
 * one sequence, or every line that is not empty is a document of its own, which ends with the line end "\n" (also for CRLF,
 * and at the end of the file), so that a model learns where documents end.
 *
 * The alphabet comes from the training part only: id 0 is UNKNOWN_WORD, for symbols that it does not have, and the others
 * follow in the order of their codes. Texts are read with a table by code, without a hash table: a few instructions for each
 * character.
 *
 * A line of standard input is the beginning of a text: its symbols are given, and the prediction after the last one is the
 * symbol that follows. It has one more step than symbols; the element of that step is a placeholder that nothing reads.
 *
 * The symbol of a code is its UTF-8 text; of a byte from 0x80 on, and of the byte 0, "<0xNN>".
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "data/documents.h"
#include "data/next_symbol.h"
#include "data/token_text.h"
#include "io/utf8.h"

enum { CODES = 0x110000, BYTE_CODES = 256 }; /* code points; bytes are the first */
enum { SYMBOL_BYTES = 16 };                  /* of the text of a symbol */

enum { TOKENS_CHARACTERS = 0, TOKENS_BYTES = 1 };

struct characters_options {
    int32_t tokens;    /* TOKENS_… */
    int32_t documents; /* enum documents_form */
    int64_t min_count; /* symbols seen fewer times in training are unknown */
};

static const char *const tokens[] = {"characters", "bytes", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(struct characters_options, tokens, "characters", tokens,
                        "the steps of a text: its characters, of a file in UTF-8, or the bytes of any file"),
    DOCUMENTS_OPTION(struct characters_options),
    RONDO_OPTION_INT(struct characters_options, min_count, "1", 1, 1e9,
                     "symbols seen fewer times in training are unknown"),
    RONDO_OPTION_END};

/* What is learned. */
struct alphabet {
    struct vocabulary *symbols;
    int32_t *ids; /* [CODES] of the symbols; 0: unknown. Pages that no symbol is on are never touched */
};

static const struct characters_options *options_of(const struct reader *reader) {
    return reader->options;
}

static struct alphabet *alphabet_of(const struct reader *reader) {
    return reader->state;
}

/* ---- symbols ---- */

/* The text of the symbol of a code. */
static void symbol_text(int32_t kind, uint32_t code, char text[SYMBOL_BYTES]) {
    if (code == 0 || (kind == TOKENS_BYTES && code >= 0x80)) {
        snprintf(text, SYMBOL_BYTES, "<0x%02X>", (unsigned)code);
    } else {
        text[utf8_encode(code, text)] = '\0';
    }
}

/* The code of a symbol; CODES if `text` is not a symbol. */
static uint32_t symbol_code(int32_t kind, const char *text) {
    const size_t length = strlen(text);
    uint32_t code = CODES;
    if (length > 0 && utf8_decode(text, length, &code) == length) {
        return kind == TOKENS_BYTES && code >= 0x80 ? CODES : code;
    }
    char again[SYMBOL_BYTES];
    code = length == strlen("<0xNN>") ? (uint32_t)strtoul(text + strlen("<0x"), NULL, 16) & 0xFF : 0;
    symbol_text(kind, code, again);
    return strcmp(text, again) == 0 ? code : CODES;
}

/* Fills the table of ids by the list of symbols; `file` names the list in messages. */
static rondo_status index_symbols(int32_t kind, struct alphabet *alphabet, const char *file, struct errors *errors) {
    alphabet->ids = memory_calloc(CODES, sizeof *alphabet->ids);
    if (alphabet->ids == NULL) {
        return errors_no_memory(errors);
    }
    const int32_t size = vocabulary_size(alphabet->symbols);
    for (int32_t id = 1; id < size; id++) {
        const char *text = vocabulary_word(alphabet->symbols, id);
        const uint32_t code = symbol_code(kind, text);
        if (code == CODES) {
            return errors_add(errors, RONDO_INVALID, "%s: entry %d of 'symbols' is '%.20s', expected a %s", file, id,
                              text, kind == TOKENS_BYTES ? "byte" : "character");
        }
        alphabet->ids[code] = id;
    }
    return RONDO_OK;
}

/* ---- files ---- */

/* Reads the files of a source; documents_close afterwards, also after a failure. */
static rondo_status open_documents(struct documents *documents, const struct reader *reader,
                                   const struct reader_source *source, struct errors *errors) {
    const struct documents_settings settings = {.form = options_of(reader)->documents,
                                                .is_utf8 = options_of(reader)->tokens == TOKENS_CHARACTERS,
                                                .any_file = "tokens: bytes"};
    return documents_open(documents, reader, &settings, source, errors);
}

/* The code at *at, which moves past it. The text was checked, but another program may have changed the file since: what is no
 * character any more counts as one of one byte. */
static inline uint32_t next_code(const char *text, size_t length, int32_t kind, size_t *at) {
    uint32_t code = (unsigned char)text[*at];
    const size_t bytes = code < 0x80 || kind == TOKENS_BYTES ? 1 : utf8_decode(text + *at, length - *at, &code);
    *at += bytes > 0 ? bytes : 1;
    return code;
}

/* The number of bytes at the beginning that are one symbol each, at most `most` > 0. Texts consist mainly of these. */
static inline size_t plain_run(const char *text, size_t length, int64_t most, int32_t kind) {
    const size_t left = (uint64_t)most < length ? (size_t)most : length;
    return kind == TOKENS_BYTES ? left : (unsigned char)*text >= 0x80 ? 0 : utf8_ascii_length(text, left);
}

/* ---- learning ---- */

/* What is counted: the elements of each code. */
struct code_counts {
    int32_t kind;    /* of tokens */
    int64_t *counts; /* [CODES] */
    uint32_t limit;  /* no code from here on was counted; at least BYTE_CODES */
};

enum { BLOCK = 1 << 14 }; /* symbols that are counted or appended together */

static rondo_status count_codes(void *arg, const struct document *document, int64_t begin, int64_t end,
                                struct errors *errors) {
    struct code_counts *codes = arg;
    const char *text = document->text;
    const size_t length = document->length;
    int64_t element = 0;
    for (size_t at = 0; at < length && element < end;) {
        const int64_t block = end - element < BLOCK ? end : element + BLOCK;
        while (at < length && element < block) {
            const int64_t left = (element < begin && begin < block ? begin : block) - element;
            const size_t run = plain_run(text + at, length - at, left, codes->kind);
            for (size_t k = 0; k < run && element >= begin; k++) {
                codes->counts[(unsigned char)text[at + k]]++;
            }
            at += run;
            element += (int64_t)run;
            if (run == 0) {
                const uint32_t code = next_code(text, length, codes->kind, &at);
                codes->counts[code] += element >= begin;
                codes->limit = code >= codes->limit ? code + 1 : codes->limit;
                element++;
            }
        }
        RONDO_TRY(document_pass(document, at, errors));
    }
    if (document->has_end && element >= begin && element < end) {
        codes->counts['\n']++;
    }
    return RONDO_OK;
}

/* Elements of a document. */
static rondo_status count_elements(const void *arg, const struct document *document, int64_t *count,
                                   struct errors *errors) {
    const struct code_counts *codes = arg;
    const size_t length = document->length;
    *count = document->has_end;
    for (size_t at = 0; at < length;) {
        const size_t bytes = length - at < BLOCK ? length - at : BLOCK;
        *count += (int64_t)(codes->kind == TOKENS_BYTES ? bytes : utf8_count(document->text + at, bytes));
        at += bytes;
        RONDO_TRY(document_pass(document, at, errors));
    }
    return RONDO_OK;
}

/* Refuses a text that has nothing to predict. */
static rondo_status check_counts(const struct characters_options *options, const char *file,
                                 const struct code_counts *codes, struct errors *errors) {
    const struct location where = {.file = file};
    const char *noun = tokens[options->tokens];
    const int is_byte = options->tokens == TOKENS_BYTES;
    uint32_t distinct = 0, last = 0;
    int64_t most = 0;
    const int64_t *counts = codes->counts;
    for (uint32_t code = 0; code < codes->limit; code++) {
        distinct += counts[code] > 0;
        last = counts[code] > 0 ? code : last;
        most = counts[code] > most ? counts[code] : most;
    }
    if (distinct < 2) {
        char text[SYMBOL_BYTES];
        symbol_text(options->tokens, last, text);
        return errors_add_at(errors, RONDO_INVALID, where, "every %s is '%s', expected at least two different %s",
                             is_byte ? "byte" : "character", last == '\n' ? "\\n" : text, noun);
    }
    if (most < options->min_count) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "no %s is seen 'min_count' times, which is %lld; the most frequent one is seen %lld times",
                             is_byte ? "byte" : "character", (long long)options->min_count, (long long)most);
    }
    return RONDO_OK;
}

/* Lists the symbols that are seen often enough. */
static rondo_status list_symbols(const struct characters_options *options, const struct code_counts *codes,
                                 struct vocabulary *symbols, struct errors *errors) {
    int failed = vocabulary_count(symbols, UNKNOWN_WORD) < 0;
    for (uint32_t code = 0; code < codes->limit && !failed; code++) {
        if (codes->counts[code] >= options->min_count) {
            char text[SYMBOL_BYTES];
            symbol_text(options->tokens, code, text);
            failed = vocabulary_count(symbols, text) < 0;
        }
    }
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status learn_counts(struct reader *reader, const struct reader_source *source, struct code_counts *codes,
                                 struct errors *errors) {
    const struct documents_counter counter = {count_elements, count_codes, codes};
    struct documents documents;
    rondo_status status = open_documents(&documents, reader, source, errors);
    if (status == RONDO_OK) {
        status = documents_count(&documents, source->parts, &counter, errors);
    }
    documents_close(&documents);
    return status;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    const struct characters_options *options = options_of(reader);
    struct alphabet *alphabet = alphabet_of(reader);
    const char *file = source->paths[0].text;
    struct code_counts codes = {options->tokens, memory_calloc(CODES, sizeof *codes.counts), BYTE_CODES};
    alphabet->symbols = vocabulary_create();
    rondo_status status = codes.counts == NULL || alphabet->symbols == NULL
                              ? errors_no_memory(errors)
                              : learn_counts(reader, source, &codes, errors);
    status = status == RONDO_OK ? check_counts(options, file, &codes, errors) : status;
    status = status == RONDO_OK ? list_symbols(options, &codes, alphabet->symbols, errors) : status;
    status = status == RONDO_OK ? index_symbols(options->tokens, alphabet, file, errors) : status;
    free(codes.counts); /* not before: its memory would become that of the ids, and calloc would write to all of it */
    return status;
}

static void clear(struct reader *reader) {
    struct alphabet *alphabet = alphabet_of(reader);
    vocabulary_destroy(alphabet->symbols);
    free(alphabet->ids);
    *alphabet = (struct alphabet){0};
}

static rondo_status save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    return json_object_set_new(object, "symbols", vocabulary_json(alphabet_of(reader)->symbols)) == 0
               ? RONDO_OK
               : errors_no_memory(errors);
}

static rondo_status load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct alphabet *alphabet = alphabet_of(reader);
    RONDO_TRY(vocabulary_from_json(object, "symbols", file, &alphabet->symbols, errors));
    return index_symbols(options_of(reader)->tokens, alphabet, file, errors);
}

/* ---- reading ---- */

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct alphabet *alphabet = alphabet_of(reader);
    const int64_t size = vocabulary_size(alphabet->symbols);
    struct stream *target = dataset_stream(dataset, "target", STREAM_CLASS, store_for_ids(size), size, errors);
    if (target == NULL) {
        return errors->status;
    }
    target->names = alphabet->symbols;
    target->unknown = 0;
    if (options_of(reader)->documents == DOCUMENTS_LINES && alphabet->ids['\n'] > 0) {
        target->end = alphabet->ids['\n'];
    }
    return RONDO_OK;
}

/* Stores the ids of up to BLOCK symbols from *at on, which moves past them. Returns their number. */
static inline int64_t store_codes(const int32_t *id_of, int32_t kind, const struct document *document, int32_t store,
                                  void *ids, size_t *at) {
    const char *text = document->text;
    int64_t count = 0;
    while (*at < document->length && count < BLOCK) {
        const size_t run = plain_run(text + *at, document->length - *at, BLOCK - count, kind);
        for (size_t k = 0; k < run; k++) {
            store_id(store, ids, count + (int64_t)k, id_of[(unsigned char)text[*at + k]]);
        }
        *at += run;
        count += (int64_t)run;
        if (run == 0) {
            store_id(store, ids, count++, id_of[next_code(text, document->length, kind, at)]);
        }
    }
    return count;
}

/* Appends a document to the last example. */
static rondo_status extend(const struct reader *reader, const struct document *document, struct dataset *dataset,
                           struct errors *errors) {
    const int32_t *id_of = alphabet_of(reader)->ids;
    const int32_t kind = options_of(reader)->tokens, store = dataset->streams[0].store;
    for (size_t at = 0; at < document->length;) {
        void *ids = dataset_room(dataset, 0, BLOCK, errors);
        if (ids == NULL) {
            return errors->status;
        }
        /* a constant store makes a loop of its own */
        const int64_t count = store == STORE_U8 ? store_codes(id_of, kind, document, STORE_U8, ids, &at)
                                                : store_codes(id_of, kind, document, store, ids, &at);
        RONDO_TRY(dataset_extend(dataset, 0, count, errors));
        RONDO_TRY(document_pass(document, at, errors));
    }
    return RONDO_OK;
}

/* Adds one document with a last element after its text: the line end, or for prediction a placeholder. */
static rondo_status add_text(const struct reader *reader, const struct document *document, int with_targets,
                             struct dataset *dataset, struct errors *errors) {
    const struct stream_part empty = {NULL, 0};
    RONDO_TRY(dataset_add(dataset, &empty, errors));
    RONDO_TRY(extend(reader, document, dataset, errors));
    if (!with_targets || document->has_end) {
        RONDO_TRY(dataset_add_id(dataset, 0, with_targets ? alphabet_of(reader)->ids['\n'] : 0, errors));
    }
    return with_targets ? RONDO_OK : document_keep_text(document, dataset, errors);
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
    if (options_of(reader)->tokens == TOKENS_CHARACTERS) {
        RONDO_TRY(document_check_line(line, where, errors));
    }
    return add_text(reader, &document, 0, dataset, errors);
}

/* ---- texts ---- */

static rondo_status encode(const struct reader *reader, const char *stream, const char *text, struct arena *arena,
                           int32_t **ids, int64_t *count, struct errors *errors) {
    const int32_t kind = options_of(reader)->tokens;
    const size_t length = strlen(text);
    (void)stream;
    if (kind == TOKENS_CHARACTERS) {
        RONDO_TRY(document_check_line(text, (struct location){0}, errors));
    }
    *count = 0;
    *ids = arena_alloc(arena, (length + 1) * sizeof **ids);
    if (*ids == NULL) {
        return errors_no_memory(errors);
    }
    for (size_t at = 0; at < length;) {
        (*ids)[(*count)++] = alphabet_of(reader)->ids[next_code(text, length, kind, &at)];
    }
    return RONDO_OK;
}

static rondo_status decode(const struct reader *reader, const char *stream, const int32_t *ids, int64_t count,
                           int64_t before, struct arena *arena, const char **text, struct errors *errors) {
    const struct token_join join = {.vocabulary = alphabet_of(reader)->symbols,
                                    .unit = options_of(reader)->tokens == TOKENS_BYTES ? TOKEN_BYTES_KIND
                                                                                       : TOKEN_CHARACTERS,
                                    .line_end = -1,
                                    .end = -1};
    (void)stream;
    return token_join(&join, ids, count, before, arena, text, errors);
}

static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    (void)reader;
    (void)errors;
    next_symbol_render(prediction, NEXT_BITS_PER_SYMBOL, fields);
    return RONDO_OK;
}

extern const struct reader_class reader_characters;
const struct reader_class reader_characters = {
    .name = "characters",
    .summary = "plain text as characters or bytes, for language models",
    .options = options_table,
    .options_size = sizeof(struct characters_options),
    .flags = READER_SEQUENCES,
    .state_size = sizeof(struct alphabet),
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
