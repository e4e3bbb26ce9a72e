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
#define _POSIX_C_SOURCE 200809L
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/reader.h"
#include "io/file.h"
#include "io/utf8.h"

enum { CODES = 0x110000 };  /* code points; bytes are the first 256 */
enum { MOST_LIKELY = 10 };  /* symbols of a prediction whose probabilities JSON has */
enum { SYMBOL_BYTES = 16 }; /* of the text of a symbol */
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

enum { TOKENS_CHARACTERS = 0, TOKENS_BYTES = 1 };
enum { DOCUMENTS_FILE = 0, DOCUMENTS_LINES = 1 };

struct characters_options {
    int32_t tokens;    /* TOKENS_… */
    int32_t documents; /* DOCUMENTS_… */
    int64_t min_count; /* symbols seen fewer times in training are unknown */
};

static const char *const tokens[] = {"characters", "bytes", NULL};
static const char *const documents[] = {"file", "lines", NULL};

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(struct characters_options, tokens, "characters", tokens,
                        "the steps of a text: its characters, of a file in UTF-8, or the bytes of any file"),
    RONDO_OPTION_CHOICE(struct characters_options, documents, "file", documents,
                        "what is one sequence: the whole file, or each of its lines that is not empty"),
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
    alphabet->ids = calloc(CODES, sizeof *alphabet->ids);
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

/* ---- files and their documents ---- */

/* One sequence. */
struct document {
    const char *text;
    size_t length;    /* bytes */
    int has_end;      /* the symbol "\n" follows: it is a line */
    const char *file; /* that it is from */
    int32_t line;     /* that it begins on, from 1 */
};

/* The documents of all files of a source, in their order. */
struct document_list {
    struct document *items;
    int64_t count, capacity;
    struct arena *arena; /* of the texts */
};

static rondo_status add_document(struct document_list *list, struct document document, struct errors *errors) {
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        struct document *items = realloc(list->items, (size_t)capacity * sizeof *items);
        if (items == NULL) {
            return errors_no_memory(errors);
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = document;
    return RONDO_OK;
}

static rondo_status add_lines(struct document_list *list, const char *file, const char *text, size_t length,
                              struct errors *errors) {
    const int64_t first = list->count;
    int32_t line = 1;
    for (size_t at = 0; at < length; line += line < INT32_MAX) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t whole = end == NULL ? length - at : (size_t)(end - text) - at;
        const size_t own = whole - (whole > 0 && text[at + whole - 1] == '\r');
        if (own > 0) {
            RONDO_TRY(add_document(list, (struct document){text + at, own, 1, file, line}, errors));
        }
        at += whole + 1;
    }
    return list->count > first ? RONDO_OK
                               : errors_add_at(errors, RONDO_INVALID, (struct location){.file = file},
                                               "all lines are empty, expected a document on each line");
}

/* The place of byte `at`; columns count characters. */
static struct location place_of_byte(const char *file, const char *text, size_t at) {
    struct location where = {file, 1, 1};
    for (size_t i = 0; i < at; i++) {
        const int is_end = text[i] == '\n';
        where.line += is_end && where.line < INT32_MAX;
        where.column =
            is_end ? 1 : where.column + (((unsigned char)text[i] & 0xC0) != 0x80 && where.column < INT32_MAX);
    }
    return where;
}

static rondo_status check_characters(const char *file, const char *text, size_t length, struct errors *errors) {
    const char *nul = memchr(text, '\0', length);
    size_t bad = length;
    if (!utf8_check(text, length, &bad) && (nul == NULL || bad < (size_t)(nul - text))) {
        return errors_add_at(errors, RONDO_INVALID, place_of_byte(file, text, bad),
                             "byte 0x%02x is not valid UTF-8, expected text as UTF-8; 'tokens: bytes' reads any file",
                             (unsigned char)text[bad]);
    }
    return nul == NULL ? RONDO_OK
                       : errors_add_at(errors, RONDO_INVALID, place_of_byte(file, text, (size_t)(nul - text)),
                                       "a NUL byte, expected text as UTF-8; 'tokens: bytes' reads any file");
}

static rondo_status add_file(struct document_list *list, const struct characters_options *options,
                             const struct reader_path *path, struct errors *errors) {
    char *text;
    size_t length;
    RONDO_TRY(reader_path_read(path, SIZE_MAX / 2, list->arena, &text, &length, errors));
    if (options->tokens == TOKENS_CHARACTERS) {
        RONDO_TRY(check_characters(path->text, text, length, errors));
        const size_t mark = strncmp(text, BYTE_ORDER_MARK, 3) == 0 ? 3 : 0;
        text += mark;
        length -= mark;
    }
    if (length == 0) {
        return errors_add_at(errors, RONDO_INVALID, (struct location){.file = path->text},
                             "the file is empty, expected text");
    }
    return options->documents == DOCUMENTS_LINES
               ? add_lines(list, path->text, text, length, errors)
               : add_document(list, (struct document){text, length, 0, path->text, 1}, errors);
}

/* Reads the files of a source; close_documents afterwards, also after a failure. */
static rondo_status open_documents(struct document_list *list, const struct reader *reader,
                                   const struct reader_source *source, struct errors *errors) {
    *list = (struct document_list){.arena = arena_create()};
    if (list->arena == NULL) {
        return errors_no_memory(errors);
    }
    for (int32_t i = 0; i < source->count; i++) {
        RONDO_TRY(add_file(list, options_of(reader), &source->paths[i], errors));
    }
    return RONDO_OK;
}

static void close_documents(struct document_list *list) {
    free(list->items);
    arena_destroy(list->arena);
}

static struct location document_place(const struct document *document) {
    return (struct location){.file = document->file, .line = document->line};
}

/* The code at *at, which moves past it. The text was checked, so that characters are well-formed. */
static inline uint32_t next_code(const char *text, size_t length, int32_t kind, size_t *at) {
    uint32_t code = (unsigned char)text[*at];
    *at += code < 0x80 || kind == TOKENS_BYTES ? 1 : utf8_decode(text + *at, length - *at, &code);
    return code;
}

/* ---- learning ---- */

/* Counts the codes of elements [begin, end) of a document. */
static void count_codes(const struct document *document, int32_t kind, int64_t begin, int64_t end, int64_t *counts) {
    const char *text = document->text;
    const size_t length = document->length;
    int64_t element = 0;
    for (size_t at = 0; at < length && element < end; element++) {
        const uint32_t code = next_code(text, length, kind, &at);
        counts[code] += element >= begin;
    }
    if (document->has_end && element >= begin && element < end) {
        counts['\n']++;
    }
}

/* Elements of a document. Each character has exactly one byte that is not a continuation byte. */
static int64_t count_elements(const struct document *document, int32_t kind) {
    int64_t continued = 0;
    for (size_t at = 0; at < document->length && kind == TOKENS_CHARACTERS; at++) {
        continued += ((unsigned char)document->text[at] & 0xC0) == 0x80;
    }
    return (int64_t)document->length - continued + document->has_end;
}

/* Counts the codes of the training part, as part_view takes it: of the elements if there is one document, else of the
 * documents. */
static rondo_status count_training(const struct reader *reader, const struct reader_source *source,
                                   const struct document_list *list, int64_t *counts, struct errors *errors) {
    const int32_t kind = options_of(reader)->tokens;
    if (list->count == 1) {
        int64_t begin, end;
        part_range(source->parts, PART_TRAIN, count_elements(&list->items[0], kind), &begin, &end);
        count_codes(&list->items[0], kind, begin, end, counts);
        return RONDO_OK;
    }
    for (int64_t i = 0; i < list->count; i++) {
        RONDO_TRY(reader_check_interrupt(reader, i, document_place(&list->items[i]), errors));
        if (part_of(source->parts, i, list->count) == PART_TRAIN) {
            count_codes(&list->items[i], kind, 0, INT64_MAX, counts);
        }
    }
    return RONDO_OK;
}

/* Refuses a text that has nothing to predict. */
static rondo_status check_counts(const struct characters_options *options, const char *file, const int64_t *counts,
                                 struct errors *errors) {
    const struct location where = {.file = file};
    const char *noun = tokens[options->tokens];
    const int is_byte = options->tokens == TOKENS_BYTES;
    uint32_t distinct = 0, last = 0;
    int64_t most = 0;
    for (uint32_t code = 0; code < CODES; code++) {
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
static rondo_status list_symbols(const struct characters_options *options, const int64_t *counts,
                                 struct vocabulary *symbols, struct errors *errors) {
    int failed = vocabulary_count(symbols, UNKNOWN_WORD) < 0;
    for (uint32_t code = 0; code < CODES && !failed; code++) {
        if (counts[code] >= options->min_count) {
            char text[SYMBOL_BYTES];
            symbol_text(options->tokens, code, text);
            failed = vocabulary_count(symbols, text) < 0;
        }
    }
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status learn_counts(struct reader *reader, const struct reader_source *source, int64_t *counts,
                                 struct errors *errors) {
    struct document_list list;
    rondo_status status = open_documents(&list, reader, source, errors);
    if (status == RONDO_OK) {
        status = count_training(reader, source, &list, counts, errors);
    }
    close_documents(&list);
    return status;
}

static rondo_status learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    const struct characters_options *options = options_of(reader);
    struct alphabet *alphabet = alphabet_of(reader);
    const char *file = source->paths[0].text;
    int64_t *counts = calloc(CODES, sizeof *counts);
    alphabet->symbols = vocabulary_create();
    rondo_status status = counts == NULL || alphabet->symbols == NULL ? errors_no_memory(errors)
                                                                      : learn_counts(reader, source, counts, errors);
    status = status == RONDO_OK ? check_counts(options, file, counts, errors) : status;
    status = status == RONDO_OK ? list_symbols(options, counts, alphabet->symbols, errors) : status;
    free(counts);
    return status == RONDO_OK ? index_symbols(options->tokens, alphabet, file, errors) : status;
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

/* STORE_U8 holds the ids of an alphabet of up to 256 symbols. */
static int32_t store_of(const struct alphabet *alphabet) {
    return vocabulary_size(alphabet->symbols) <= 256 ? STORE_U8 : STORE_I32;
}

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct alphabet *alphabet = alphabet_of(reader);
    struct stream *target =
        dataset_stream(dataset, "target", STREAM_CLASS, store_of(alphabet), vocabulary_size(alphabet->symbols), errors);
    if (target == NULL) {
        return errors->status;
    }
    target->names = alphabet->symbols;
    target->unknown = 0;
    return RONDO_OK;
}

/* The ids of a document in the form of the stream; room for every byte, and one more. Returns their number. */
static int64_t encode(const struct alphabet *alphabet, int32_t kind, const struct document *document, void *ids) {
    const int is_small = store_of(alphabet) == STORE_U8;
    const int32_t *id_of = alphabet->ids;
    const char *text = document->text;
    const size_t length = document->length;
    unsigned char *small = ids;
    int32_t *large = ids;
    int64_t count = 0;
    for (size_t at = 0; at < length; count++) {
        const int32_t id = id_of[next_code(text, length, kind, &at)];
        if (is_small) {
            small[count] = (unsigned char)id;
        } else {
            large[count] = id;
        }
    }
    return count;
}

/* Adds one document with a last element after its text: the line end, or for prediction a placeholder. */
static rondo_status add_text(const struct reader *reader, const struct document *document, int with_targets,
                             struct arena *arena, struct dataset *dataset, struct errors *errors) {
    const struct alphabet *alphabet = alphabet_of(reader);
    const struct arena_mark mark = arena_mark(arena);
    void *ids = arena_calloc(arena, document->length + 1, store_of(alphabet) == STORE_U8 ? 1 : sizeof(int32_t));
    if (ids == NULL) {
        return errors_no_memory(errors);
    }
    int64_t count = encode(alphabet, options_of(reader)->tokens, document, ids);
    if (with_targets && document->has_end) {
        if (store_of(alphabet) == STORE_U8) {
            ((unsigned char *)ids)[count] = (unsigned char)alphabet->ids['\n'];
        } else {
            ((int32_t *)ids)[count] = alphabet->ids['\n'];
        }
    }
    count += !with_targets || document->has_end;
    const struct stream_part part = {ids, count};
    rondo_status status = dataset_add(dataset, &part, errors);
    if (status == RONDO_OK && !with_targets) {
        const char *text = arena_strndup(arena, document->text, document->length);
        status = text == NULL ? errors_no_memory(errors) : dataset_add_text(dataset, text, errors);
    }
    arena_release(arena, mark);
    return status;
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    struct document_list list;
    rondo_status status = open_documents(&list, reader, source, errors);
    for (int64_t i = 0; i < list.count && status == RONDO_OK; i++) {
        status = reader_check_interrupt(reader, i, document_place(&list.items[i]), errors);
        if (status == RONDO_OK) {
            status = add_text(reader, &list.items[i], with_targets, list.arena, dataset, errors);
        }
    }
    close_documents(&list);
    return status;
}

static rondo_status add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors) {
    const struct document document = {.text = line, .length = strlen(line), .file = where.file, .line = where.line};
    size_t bad;
    if (options_of(reader)->tokens == TOKENS_CHARACTERS && !utf8_check(line, document.length, &bad)) {
        where.column = place_of_byte(NULL, line, bad).column;
        return errors_add_at(errors, RONDO_INVALID, where, "byte 0x%02x is not valid UTF-8, expected text as UTF-8",
                             (unsigned char)line[bad]);
    }
    struct arena *arena = arena_create();
    const rondo_status status = add_text(reader, &document, 0, arena, dataset, errors);
    arena_destroy(arena);
    return status;
}

/* ---- predictions ---- */

/* A symbol for a person: blanks and control characters become visible. */
static const char *visible(const char *symbol, char text[SYMBOL_BYTES]) {
    static const struct {
        const char *symbol, *visible;
    } known[] = {{" ", "\xE2\x90\xA3"}, {"\n", "\\n"}, {"\t", "\\t"}, {"\r", "\\r"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(symbol, known[i].symbol) == 0) {
            return known[i].visible;
        }
    }
    const unsigned char code = (unsigned char)symbol[0];
    if (code >= 0x20 && code != 0x7F) {
        return symbol;
    }
    snprintf(text, SYMBOL_BYTES, "<0x%02X>", code);
    return text;
}

/* The most likely symbols, at most MOST_LIKELY, with their probabilities; the first one's id in *best. */
static json_t *most_likely(const struct reader_prediction *prediction, const float *probabilities, int64_t *best) {
    json_t *object = json_object();
    double above = INFINITY;
    int64_t before = -1; /* of equal probabilities, those after this id are next */
    for (int32_t rank = 0; rank < MOST_LIKELY && rank < prediction->size; rank++) {
        int64_t next = -1;
        for (int64_t k = 0; k < prediction->size; k++) {
            const double p = (double)probabilities[k];
            const int is_left = p < above || (p <= above && k > before);
            next = is_left && (next < 0 || p > (double)probabilities[next]) ? k : next;
        }
        if (next < 0) { /* not a number */
            break;
        }
        above = (double)probabilities[next];
        before = next;
        *best = rank == 0 ? next : *best;
        if (json_object_set_new(object, vocabulary_word(prediction->names, (int32_t)next), json_real(above)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* The mean of -log2 p(symbol | the symbols before it) over the symbols of the text itself. */
static double bits_per_symbol(const struct reader_prediction *prediction) {
    const struct stream *target = dataset_find(prediction->dataset, "target");
    const int64_t begin = target->begin[prediction->example], count = prediction->steps - 1;
    double bits = 0;
    for (int64_t step = 0; step < count; step++) {
        bits -= log2((double)prediction->values[step * prediction->size + stream_id(target, begin + step)]);
    }
    return bits / (double)count;
}

static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    (void)reader;
    (void)errors;
    const struct dataset *dataset = prediction->dataset;
    if (!prediction->is_class || !prediction->by_step || prediction->names == NULL) {
        fields_of_prediction(prediction, fields);
        return RONDO_OK;
    }
    const float *last = prediction->values + (prediction->steps - 1) * prediction->size;
    int64_t best = 0;
    char text[SYMBOL_BYTES];
    json_t *probabilities = most_likely(prediction, last, &best);
    const char *next = vocabulary_word(prediction->names, (int32_t)best);
    if (dataset->texts != NULL) {
        fields_text(fields, "text", dataset->texts[prediction->example], 1);
    }
    fields_text(fields, "next", next, 0);
    fields_show(fields, visible(next, text));
    fields_number(fields, "probability", (double)last[best], "%.4f");
    if (prediction->steps > 1) {
        fields_number(fields, "bits_per_symbol", bits_per_symbol(prediction), "%.4f");
    } else {
        fields_json(fields, "bits_per_symbol", json_null());
        fields_show(fields, "-");
    }
    fields_json(fields, "probabilities", probabilities);
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
    .save = save,
    .load = load,
    .clear = clear,
};
