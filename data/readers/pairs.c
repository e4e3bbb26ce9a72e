/* data/readers/pairs.c: pairs of texts, such as a sentence and its translation, or a word and its pronunciation.
 *
 * The streams are `source`, which an encoder reads, and `target`, which a model with feedback writes. If the experiment names a
 * column or a file `input` instead of `source`, that is a class, such as a language, which the model reads at the first step.
 *
 * Each side has a vocabulary from the training part only, or both share one: id 0 is UNKNOWN_WORD, and that of targets has
 * PAIRS_END_SYMBOL, which ends every target, so that the model learns where its texts end. There is no symbol for their beginning:
 * data/batch.h derives it.
 *
 * With `aligned`, the source is the stream `input`, which the model reads without an encoder, and the target has one token for each
 * of its steps and no end.
 *
 * A random part (`valid: {share: 0.05}`) is chosen by the source: all targets of one source are in the same part, and moving the
 * lines of a file changes no part. With a class as input, equal pairs are in the same part.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "data/documents.h"
#include "data/pairs.h"

static const char *const formats[] = {"auto", "csv", "tsv", "json_lines", NULL};
static const char *const tokens[] = {"words", "characters", "bytes", "whitespace", NULL}; /* by enum token_unit */
static const char *const length_rules[] = {"error", "leave_out", "cut", NULL};
static const char *const empty_rules[] = {"error", "leave_out", NULL};
static const char *const sides[] = {"source", "target", NULL};

#define SIDE(key, kind, text, min, max, choices, help)                                                                 \
    { #key, kind, (uint32_t)offsetof(struct pairs_options, side[0].key), text, min, max, choices, help }

static const rondo_option options_table[] = {
    RONDO_OPTION_CHOICE(
        struct pairs_options, format, "auto", formats,
        "csv, tsv, or a JSON object on each line; auto: by the ending of each file's name, .csv, .tsv or "
        ".jsonl"),
    RONDO_OPTION_CHOICE(struct pairs_options, separator, "auto", table_file_separators,
                        "character between two fields; auto: a comma in csv, a tab in tsv"),
    RONDO_OPTION_CHOICE(struct pairs_options, quotes, "auto", table_file_quotes,
                        "double: a field in double quotes may contain separators, line breaks, and \"\" for a quote; "
                        "none: a quote is an ordinary character; auto: none if tabs separate the fields, else double"),
    RONDO_OPTION_BOOL(struct pairs_options, header, "false",
                      "the first row of each file holds the names of the columns"),
    SIDE(tokens, RONDO_CHOICE, "words", 0, 0, tokens,
         "the steps of a text: its words and signs, its characters, its bytes, or what is between blanks"),
    SIDE(lowercase, RONDO_BOOL, "false", 0, 0, NULL, "turn the letters A to Z to lower case"),
    SIDE(min_count, RONDO_INT, "1", 1, 1e9, NULL, "tokens seen fewer times in training are unknown"),
    SIDE(max_words, RONDO_INT, "0", 0, 1e8, NULL, "how many tokens are known, the most frequent ones; 0: all"),
    SIDE(max_length, RONDO_INT, "0", 0, 1e5, NULL, "tokens of the longest text that is taken; 0: 100000"),
    SIDE(too_long, RONDO_CHOICE, "error", 0, 0, length_rules,
         "what is done with a longer text: it is an error; its pair is left out of training and evaluation; or the "
         "text is "
         "cut at its end"),
    RONDO_OPTION_BOOL(struct pairs_options, shared, "false", "source and target have the same vocabulary"),
    RONDO_OPTION_CHOICE(struct pairs_options, empty, "error", empty_rules,
                        "what is done with a pair whose source or target has no tokens: it is an error, or left out"),
    RONDO_OPTION_BOOL(
        struct pairs_options, aligned, "false",
        "the target has a token for each token of the source, which the model reads step by step, without an "
        "encoder: labels of words, or answers within a text"),
    RONDO_OPTION_STRING(struct pairs_options, no_target, "",
                        "with aligned: the token of the target that marks steps without one, such as -"),
    RONDO_OPTION_END};

static const struct reader_by_stream by_stream = {sides, offsetof(struct pairs_options, side),
                                                  sizeof(struct pairs_side)};

static const struct reader_column_key columns[] = {
    [PAIRS_COLUMN_SOURCE] = {"source", "",
                             "the column, or the key of JSON objects, of the sources; without it the first column, or "
                             "the key source",
                             0},
    [PAIRS_COLUMN_INPUT] = {"input", "",
                            "in place of source: the column of a class that the model reads at the first step", 0},
    [PAIRS_COLUMN_TARGET] = {"target", "", "the column of the targets; without it the second column, or the key target",
                             0},
    {NULL, NULL, NULL, 0}};

static rondo_status check(const struct reader *reader, struct errors *errors) {
    const struct pairs_options *options = pairs_options_of(reader);
    const struct pairs_side *source = &options->side[PAIR_SOURCE], *target = &options->side[PAIR_TARGET];
    if (options->format != TABLE_FILE_AUTO && options->separator != TABLE_SEPARATOR_AUTO) {
        return errors_add(errors, RONDO_INVALID, "'format' is not used, because 'separator' is given");
    }
    if (pairs_has_column(reader, PAIRS_COLUMN_SOURCE) && pairs_has_column(reader, PAIRS_COLUMN_INPUT)) {
        return errors_add_at(
            errors, RONDO_INVALID, reader->columns[PAIRS_COLUMN_INPUT].where,
            "data.columns has both 'source', a text that an encoder reads, and 'input', a class; expected "
            "one of them");
    }
    if (!options->aligned && options->no_target[0] != '\0') {
        return errors_add(errors, RONDO_INVALID, "'no_target' is not used without 'aligned: true'");
    }
    if (options->no_target[0] != '\0' &&
        token_count(pairs_token_rule(reader, PAIR_TARGET), options->no_target, strlen(options->no_target), 2) != 1) {
        return errors_add(errors, RONDO_INVALID, "'no_target' is '%.60s', expected one token of the target",
                          options->no_target);
    }
    if (options->aligned && pairs_has_column(reader, PAIRS_COLUMN_INPUT)) {
        return errors_add_at(
            errors, RONDO_INVALID, reader->columns[PAIRS_COLUMN_INPUT].where,
            "data.columns has 'input', a class for the whole target, and 'data.aligned' is true; expected "
            "'source', with a token for each of the target");
    }
    if (options->aligned && (source->max_length != target->max_length || source->too_long != target->too_long)) {
        return errors_add(errors, RONDO_INVALID,
                          "'%s' differs between source and target, which with 'aligned' are equally long",
                          source->max_length != target->max_length ? "max_length" : "too_long");
    }
    const struct {
        const char *name;
        int differs;
    } rules[] = {{"tokens", source->tokens != target->tokens},
                 {"lowercase", source->lowercase != target->lowercase},
                 {"min_count", source->min_count != target->min_count},
                 {"max_words", source->max_words != target->max_words}};
    for (size_t i = 0; options->shared && i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].differs) {
            return errors_add(errors, RONDO_INVALID,
                              "'%s' differs between source and target, which with 'shared' have the same vocabulary",
                              rules[i].name);
        }
    }
    return RONDO_OK;
}

/* ---- reading ---- */

static struct stream *add_stream(struct dataset *dataset, const char *name, const struct vocabulary *names,
                                 int may_be_missing, struct errors *errors) {
    const int64_t size = vocabulary_size(names);
    const int32_t store = may_be_missing ? STORE_I32 : store_for_ids(size); /* STREAM_NO_TARGET is negative */
    struct stream *stream = dataset_stream(dataset, name, STREAM_CLASS, store, size, errors);
    if (stream != NULL) {
        stream->names = names;
    }
    return stream;
}

static rondo_status describe(const struct reader *reader, struct dataset *dataset, struct errors *errors) {
    const struct pairs_learned *learned = pairs_learned_of(reader);
    const int is_class = learned->classes != NULL;
    const struct pairs_options *options = pairs_options_of(reader);
    struct stream *source = add_stream(dataset, is_class || options->aligned ? "input" : "source",
                                       is_class ? learned->classes : learned->words[PAIR_SOURCE], 0, errors);
    struct stream *target =
        add_stream(dataset, "target", learned->words[PAIR_TARGET], options->no_target[0] != '\0', errors);
    if (source == NULL || target == NULL) {
        return errors->status;
    }
    source->unknown = is_class ? -1 : 0;
    target->unknown = 0;
    target->has_missing = options->no_target[0] != '\0';
    target->end = learned->end;
    return RONDO_OK;
}

static rondo_status fits(const struct reader *reader, struct architecture architecture, struct location where,
                         struct errors *errors) {
    const int is_class = pairs_learned_of(reader)->classes != NULL;
    if (pairs_options_of(reader)->aligned) {
        return architecture.output_every_step && architecture.input_every_step
                   ? RONDO_OK
                   : errors_add_at(errors, RONDO_INVALID, where,
                                   "with 'data.aligned' every token of a source has a target; expected architecture: "
                                   "\"N:N\"");
    }
    if (architecture.output_every_step && (!is_class || !architecture.input_every_step)) {
        return RONDO_OK;
    }
    return errors_add_at(errors, RONDO_INVALID, where,
                         is_class
                             ? "the input is a class, which the model reads at the first step, and the target is a "
                               "sequence; expected architecture: \"1:N\""
                             : "the targets are sequences; expected architecture: \"N:N\", with an encoder that reads "
                               "the sources");
}

/* The id of a class; -1 with an error. */
static int32_t class_id(const struct reader *reader, struct pair_text text, struct errors *errors) {
    const struct vocabulary *classes = pairs_learned_of(reader)->classes;
    char *name = pairs_copy_text(pairs_trimmed(text));
    const int32_t id = name == NULL ? -1 : vocabulary_find(classes, name);
    if (name == NULL) {
        errors_no_memory(errors);
    } else if (id < 0) {
        struct suggestion near = {0};
        for (int32_t i = 0; i < vocabulary_size(classes); i++) {
            suggest(&near, name, vocabulary_word(classes, i));
        }
        errors_add_at(errors, RONDO_INVALID, text.where, "the input '%.60s' is not among those of the training file%s",
                      name, suggestion_text(&near).text);
    }
    free(name);
    return id;
}

/* The ids of a text, without the end. RONDO_INVALID if it has the token that ends targets. */
static rondo_status read_side(const struct reader *reader, int side, struct pair_text text, struct token_ids *ids,
                              struct errors *errors) {
    const struct pairs_learned *learned = pairs_learned_of(reader);
    if (side == PAIR_SOURCE && learned->classes != NULL) {
        const int32_t id = class_id(reader, text, errors);
        ids->count = ids->n_unknown = 0;
        return id < 0 ? errors->status : token_ids_add(ids, id, errors);
    }
    const struct vocabulary *words = learned->words[side];
    RONDO_TRY(token_ids_of(ids, words, pairs_token_rule(reader, side), text.text, text.length,
                           pairs_longest(reader, side), errors));
    const int32_t end = words == learned->words[PAIR_TARGET] ? learned->end : -1;
    for (int64_t i = 0; i < ids->count; i++) {
        if (ids->ids[i] == end) {
            return errors_add_at(errors, RONDO_INVALID, text.where,
                                 "the %s has the token '" PAIRS_END_SYMBOL
                                 "', which ends the texts that the model writes; "
                                 "expected another one",
                                 sides[side]);
        }
    }
    return RONDO_OK;
}

/* Aligned: there are as many targets as tokens of the source, and `no_target` marks steps without one. */
static rondo_status align_target(const struct pairs_pass *pass, const struct pair *pair, struct token_ids *ids) {
    const struct reader *reader = pass->reader;
    char no_target[TOKEN_BYTES];
    struct token_ids *target = &ids[PAIR_TARGET];
    if (target->count != ids[PAIR_SOURCE].count) {
        return errors_add_at(pass->errors, RONDO_INVALID, pair->side[PAIR_TARGET].where,
                             "the source has %lld token%s and the target %lld; with 'data.aligned' expected as many%s",
                             (long long)ids[PAIR_SOURCE].count, ids[PAIR_SOURCE].count == 1 ? "" : "s",
                             (long long)target->count,
                             pairs_options_of(reader)->side[PAIR_TARGET].tokens == TOKEN_WORDS
                                 ? "; 'tokens: whitespace' splits texts only at blanks, 'words' also at signs"
                                 : "");
    }
    if (!pairs_no_target(reader, no_target)) {
        return RONDO_OK;
    }
    const int32_t known =
        vocabulary_find(pairs_learned_of(reader)->words[PAIR_TARGET], no_target); /* if it is a word, too */
    for (int64_t i = 0; i < target->count; i++) {
        target->ids[i] = known >= 0 && target->ids[i] == known ? STREAM_NO_TARGET : target->ids[i];
    }
    int64_t words = 0;
    for (int64_t i = 0; i < target->n_unknown; i++) {
        const struct token_unknown *unknown = &target->unknown[i];
        if (pairs_is_no_target(reader, unknown->text, unknown->length)) {
            target->ids[unknown->index] = STREAM_NO_TARGET;
        } else {
            target->unknown[words++] = *unknown;
        }
    }
    target->n_unknown = words;
    return RONDO_OK;
}

/* Writes ids as the stream stores them, in place. */
static void store_ids(const struct stream *stream, struct token_ids *ids) {
    if (stream->store != STORE_I32) {
        for (int64_t i = 0; i < ids->count; i++) { /* an element is no wider than the id that was there */
            store_id(stream->store, ids->ids, i, ids->ids[i]);
        }
    }
}

/* A pass of reading. */
struct pairs_reading {
    struct dataset *dataset;
    struct token_ids ids[PAIR_SIDES];
};

/* Keeps the unknown words of the last example as they are written: what is copied to a text that the model writes, and what such a
 * text is compared with. */
static rondo_status keep_unknown(const struct pairs_reading *reading, int side, struct errors *errors) {
    const struct token_ids *ids = &reading->ids[side];
    for (int64_t i = 0; i < ids->n_unknown; i++) {
        const struct token_unknown *unknown = &ids->unknown[i];
        RONDO_TRY(dataset_keep_unknown(reading->dataset, side, unknown->index, unknown->text, unknown->length, errors));
    }
    return RONDO_OK;
}

/* Adds an example. Mistakes are RONDO_INVALID. */
static rondo_status add_pair(const struct pairs_pass *pass, const struct pair *pair) {
    const struct reader *reader = pass->reader;
    struct pairs_reading *reading = pass->arg;
    struct token_ids *ids = reading->ids;
    rondo_status status = read_side(reader, PAIR_SOURCE, pair->side[PAIR_SOURCE], &ids[PAIR_SOURCE], pass->errors);
    ids[PAIR_TARGET].count = ids[PAIR_TARGET].n_unknown = 0;
    if (pass->has_targets) {
        const rondo_status target =
            read_side(reader, PAIR_TARGET, pair->side[PAIR_TARGET], &ids[PAIR_TARGET], pass->errors);
        status = status == RONDO_OK ? target : status;
    }
    RONDO_TRY(status);
    if (pass->has_targets) {
        RONDO_TRY(pairs_options_of(reader)->aligned
                      ? align_target(pass, pair, ids)
                      : token_ids_add(&ids[PAIR_TARGET], pairs_learned_of(reader)->end, pass->errors));
    }
    struct stream_part parts[PAIR_SIDES];
    for (int side = 0; side < PAIR_SIDES; side++) {
        store_ids(&reading->dataset->streams[side], &ids[side]);
        parts[side] = (struct stream_part){ids[side].ids, ids[side].count};
    }
    RONDO_TRY(dataset_add(reading->dataset, parts, pass->errors));
    RONDO_TRY(keep_unknown(reading, PAIR_SOURCE, pass->errors));
    RONDO_TRY(keep_unknown(reading, PAIR_TARGET, pass->errors));
    if (pass->has_targets) {
        return dataset_set_key(reading->dataset, pairs_key(reader, pair), pass->errors);
    }
    char *text = pairs_copy_text(pair->side[PAIR_SOURCE]);
    status = text == NULL ? errors_no_memory(pass->errors) : dataset_add_text(reading->dataset, text, pass->errors);
    free(text);
    return status;
}

/* The fates of both sides. Refused ones are reported, and counted in `file`. */
static void find_fates(const struct pairs_pass *pass, struct pair_file *file, const struct pair *pair,
                       enum pairs_fate fates[PAIR_SIDES]) {
    fates[PAIR_TARGET] = PAIRS_TAKEN;
    for (int side = 0; side < (pass->has_targets ? PAIR_SIDES : 1); side++) {
        fates[side] = pairs_fate_of(pass->reader, side, pair->side[side], pass->has_targets);
    }
    if (pairs_is_left_out(fates[0]) || pairs_is_left_out(fates[1])) {
        return;
    }
    for (int side = 0; side < PAIR_SIDES; side++) {
        if (pairs_is_refused(fates[side])) {
            pairs_refuse(pass->reader, side, pair->side[side], fates[side], pass->has_targets, pass->errors);
            file->mistakes++;
        }
    }
}

static rondo_status read_pair(struct pairs_pass *pass, struct pair_file *file, const struct pair *pair) {
    const struct pairs_reading *reading = pass->arg;
    enum pairs_fate fates[PAIR_SIDES];
    find_fates(pass, file, pair, fates);
    if (pairs_is_left_out(fates[0]) || pairs_is_left_out(fates[1])) {
        const int is_empty = fates[0] == PAIRS_LEFT_OUT_EMPTY || fates[1] == PAIRS_LEFT_OUT_EMPTY;
        dataset_note(reading->dataset,
                     is_empty ? "left out, because the source or the target is empty"
                              : "left out, because the source or the target is longer than 'data.max_length'");
        return RONDO_OK;
    }
    if (file->mistakes > 0) { /* the dataset will not be used: the rest is only read to find more mistakes */
        return RONDO_OK;
    }
    if (fates[0] == PAIRS_IS_CUT || fates[1] == PAIRS_IS_CUT) {
        dataset_note(reading->dataset, "cut to 'data.max_length'");
    }
    const rondo_status status = add_pair(pass, pair);
    file->mistakes += status == RONDO_INVALID;
    return status == RONDO_INVALID ? RONDO_OK : status;
}

static void free_ids(struct pairs_reading *reading) {
    token_ids_free(&reading->ids[PAIR_SOURCE]);
    token_ids_free(&reading->ids[PAIR_TARGET]);
}

static rondo_status read(const struct reader *reader, const struct reader_source *source, int with_targets,
                         struct dataset *dataset, struct errors *errors) {
    struct pairs_reading reading = {.dataset = dataset};
    struct pairs_pass pass = {.reader = reader,
                              .source = source,
                              .errors = errors,
                              .has_targets = with_targets,
                              .visit = read_pair,
                              .arg = &reading};
    const rondo_status status = pairs_visit(&pass);
    free_ids(&reading);
    return status == RONDO_OK && dataset->count == 0
               ? errors_add_at(
                     errors, RONDO_INVALID, (struct location){.file = source->paths[0].text},
                     "all pairs are left out, expected one with a source and a target that are not longer than "
                     "'data.max_length'")
               : status;
}

static rondo_status add(const struct reader *reader, const char *line, struct location where, struct dataset *dataset,
                        struct errors *errors) {
    struct pairs_reading reading = {.dataset = dataset};
    const struct pairs_pass pass = {.reader = reader, .errors = errors, .arg = &reading};
    const struct pair pair = {.side = {{line, strlen(line), where}}};
    struct pair_file none = {0};
    enum pairs_fate fates[PAIR_SIDES];
    RONDO_TRY(document_check_line(line, where, errors));
    find_fates(&pass, &none, &pair, fates);
    const rondo_status status = none.mistakes > 0 ? RONDO_INVALID : add_pair(&pass, &pair);
    free_ids(&reading);
    return status;
}

/* ---- texts ---- */

/* PAIR_SOURCE, also for "input", or PAIR_TARGET. */
static int side_of(const char *stream) {
    return strcmp(stream, "target") == 0 ? PAIR_TARGET : PAIR_SOURCE;
}

static rondo_status encode(const struct reader *reader, const char *stream, const char *text, struct arena *arena,
                           int32_t **ids, int64_t *count, struct errors *errors) {
    const int side = side_of(stream);
    const struct pair_text whole = {text, strlen(text), {0}};
    RONDO_TRY(document_check_line(text, whole.where, errors));
    const enum pairs_fate fate = pairs_fate_of(reader, side, whole, 0);
    if (fate == PAIRS_REFUSED_LONG) {
        return pairs_refuse(reader, side, whole, fate, 0, errors);
    }
    struct token_ids list = {0};
    rondo_status status = read_side(reader, side, whole, &list, errors);
    *ids = arena_alloc(arena, ((size_t)list.count + 1) * sizeof **ids);
    *count = list.count;
    if (status == RONDO_OK && *ids == NULL) {
        status = errors_no_memory(errors);
    }
    if (status == RONDO_OK && list.count > 0) {
        memcpy(*ids, list.ids, (size_t)list.count * sizeof **ids);
    }
    token_ids_free(&list);
    return status;
}

static rondo_status decode(const struct reader *reader, const char *stream, const int32_t *ids, int64_t count,
                           int64_t before, struct arena *arena, const char **text, struct errors *errors) {
    const struct pairs_learned *learned = pairs_learned_of(reader);
    const int side = side_of(stream), is_class = side == PAIR_SOURCE && learned->classes != NULL;
    const struct vocabulary *words = is_class ? learned->classes : learned->words[side];
    const struct token_join join = {.vocabulary = words,
                                    .unit = is_class ? TOKEN_WHITESPACE : pairs_options_of(reader)->side[side].tokens,
                                    .line_end = -1,
                                    .end = words == learned->words[PAIR_TARGET] ? learned->end : -1};
    return token_join(&join, ids, count, before, arena, text, errors);
}

/* ---- predictions ---- */

/* Aligned: the most probable target of each step whose token can have one. */
static rondo_status render(const struct reader *reader, const struct reader_prediction *prediction,
                           struct fields *fields, struct errors *errors) {
    const unsigned char *has_target = pairs_learned_of(reader)->has_target;
    const struct stream *input = dataset_find(prediction->dataset, "input");
    struct reader_prediction shown = *prediction;
    if (has_target != NULL && prediction->by_step && input != NULL) {
        const size_t bytes = (size_t)prediction->size * sizeof(float);
        float *values = arena_alloc(fields->arena, (size_t)prediction->steps * bytes);
        if (values == NULL) {
            return errors_no_memory(errors);
        }
        shown.values = values;
        shown.steps = 0;
        for (int64_t step = 0; step < prediction->steps; step++) {
            if (has_target[stream_id(input, input->begin[prediction->example] + step)]) {
                memcpy(values + shown.steps++ * prediction->size, prediction->values + step * prediction->size, bytes);
            }
        }
    }
    fields_of_prediction(&shown, fields);
    return RONDO_OK;
}

extern const struct reader_class reader_pairs;
const struct reader_class reader_pairs = {
    .name = "pairs",
    .summary =
        "pairs of texts, a source and its target, or a class and a text, from tables, parallel files or JSON lines",
    .options = options_table,
    .options_size = sizeof(struct pairs_options),
    .by_stream = &by_stream,
    .columns = columns,
    .flags = READER_SYMBOLS | READER_BY_STREAM,
    .state_size = sizeof(struct pairs_learned),
    .check = check,
    .learn = pairs_learn,
    .fits = fits,
    .describe = describe,
    .read = read,
    .add = add,
    .render = render,
    .encode = encode,
    .decode = decode,
    .save = pairs_save,
    .load = pairs_load,
    .clear = pairs_clear,
};
