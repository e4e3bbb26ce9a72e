#include "data/pairs.h"

#include <string.h>

#include "core/memory.h"

const struct pairs_options *pairs_options_of(const struct reader *reader) {
    return reader->options;
}

struct pairs_learned *pairs_learned_of(const struct reader *reader) {
    return reader->state;
}

int pairs_has_column(const struct reader *reader, int column) {
    return reader->columns != NULL && reader->columns[column].where.file != NULL;
}

static int is_class(const struct reader *reader, int side) {
    return side == PAIR_SOURCE && pairs_learned_of(reader)->classes != NULL;
}

const char *pairs_side_name(const struct reader *reader, int side) {
    return side == PAIR_TARGET ? "target" : is_class(reader, side) ? "input" : "source";
}

struct token_rule pairs_token_rule(const struct reader *reader, int side) {
    const struct pairs_side *options = &pairs_options_of(reader)->side[side];
    return (struct token_rule){options->tokens, options->lowercase};
}

/* The first token of a text of the target. 0: it has none. */
static int first_token(const struct reader *reader, const char *text, size_t length, char token[TOKEN_BYTES]) {
    const struct token_rule rule = pairs_token_rule(reader, PAIR_TARGET);
    struct token_cursor cursor = {text, text + length};
    return token_next_of(&cursor, (enum token_unit)rule.unit, rule.lowercase, token, TOKEN_BYTES);
}

int pairs_no_target(const struct reader *reader, char token[TOKEN_BYTES]) {
    const char *text = pairs_options_of(reader)->no_target;
    return first_token(reader, text, strlen(text), token);
}

int pairs_is_no_target(const struct reader *reader, const char *text, size_t length) {
    char wanted[TOKEN_BYTES], token[TOKEN_BYTES];
    return strlen(pairs_options_of(reader)->no_target) == length && pairs_no_target(reader, wanted) &&
           first_token(reader, text, length, token) && strcmp(wanted, token) == 0;
}

int64_t pairs_longest(const struct reader *reader, int side) {
    const int64_t most = pairs_options_of(reader)->side[side].max_length;
    return most == 0 ? PAIRS_MOST_TOKENS : most;
}

/* ---- texts ---- */

static int is_blank(char c) {
    return (unsigned char)c <= ' ';
}

struct pair_text pairs_trimmed(struct pair_text text) {
    while (text.length > 0 && is_blank(text.text[text.length - 1])) {
        text.length--;
    }
    while (text.length > 0 && is_blank(*text.text)) {
        text.text++;
        text.length--;
    }
    return text;
}

char *pairs_copy_text(struct pair_text text) {
    char *copy = memory_alloc(text.length + 1);
    if (copy != NULL) {
        memcpy(copy, text.text, text.length);
        copy[text.length] = '\0';
    }
    return copy;
}

enum pairs_fate pairs_fate_of(const struct reader *reader, int side, struct pair_text text, int may_leave_out) {
    const struct pairs_options *options = pairs_options_of(reader);
    const int64_t most = pairs_longest(reader, side);
    const int64_t count = is_class(reader, side)
                              ? pairs_trimmed(text).length > 0
                              : token_count(pairs_token_rule(reader, side), text.text, text.length, most + 1);
    if (count == 0) {
        return options->empty == PAIRS_LEAVE_OUT && may_leave_out ? PAIRS_LEFT_OUT_EMPTY : PAIRS_REFUSED_EMPTY;
    }
    if (count <= most) {
        return PAIRS_TAKEN;
    }
    const int32_t rule = options->side[side].too_long;
    return rule == PAIRS_CUT                          ? PAIRS_IS_CUT
           : rule == PAIRS_LEAVE_OUT && may_leave_out ? PAIRS_LEFT_OUT_LONG
                                                      : PAIRS_REFUSED_LONG;
}

rondo_status pairs_refuse(const struct reader *reader, int side, struct pair_text text, enum pairs_fate fate,
                          int may_leave_out, struct errors *errors) {
    const char *name = pairs_side_name(reader, side);
    if (fate == PAIRS_REFUSED_EMPTY) {
        return errors_add_at(errors, RONDO_INVALID, text.where,
                             may_leave_out ? "the %s is empty; 'data.empty: leave_out' leaves such pairs out"
                                           : "the %s is empty, expected a text",
                             name);
    }
    return errors_add_at(errors, RONDO_INVALID, text.where, "the %s has more than %lld tokens%s; 'data.too_long: %s",
                         name, (long long)pairs_longest(reader, side),
                         pairs_options_of(reader)->side[side].max_length > 0 ? ", which is data.max_length" : "",
                         may_leave_out ? "leave_out' or 'cut' takes such pairs" : "cut' takes such texts");
}

/* FNV-1a. */
static uint64_t hash_text(uint64_t hash, struct pair_text text) {
    for (size_t i = 0; i < text.length; i++) {
        hash = (hash ^ (unsigned char)text.text[i]) * 0x100000001b3u;
    }
    return (hash ^ '\n') * 0x100000001b3u;
}

uint64_t pairs_key(const struct reader *reader, const struct pair *pair) {
    const uint64_t source = hash_text(0xcbf29ce484222325u, pair->side[PAIR_SOURCE]);
    const uint64_t hash = is_class(reader, PAIR_SOURCE) ? hash_text(source, pair->side[PAIR_TARGET]) : source;
    return hash ^ hash >> 32;
}

/* ---- passes ---- */

/* --column of `rondo predict` is the first key, `source`, also if it is a class. */
static struct pair_file_settings settings_of(const struct pairs_pass *pass) {
    const struct reader *reader = pass->reader;
    const struct pairs_options *options = pairs_options_of(reader);
    struct pair_file_settings settings = {
        .reader = reader,
        .table = {options->format, options->separator, options->quotes, options->header},
        .streams = {pairs_side_name(reader, PAIR_SOURCE), "target"},
        .has_targets = pass->has_targets};
    const int source = pairs_has_column(reader, PAIRS_COLUMN_SOURCE) ? PAIRS_COLUMN_SOURCE : PAIRS_COLUMN_INPUT;
    if (pairs_has_column(reader, source)) {
        settings.columns[PAIR_SOURCE] = reader->columns[source];
    }
    if (pairs_has_column(reader, PAIRS_COLUMN_TARGET)) {
        settings.columns[PAIR_TARGET] = reader->columns[PAIRS_COLUMN_TARGET];
    }
    return settings;
}

static rondo_status visit_file(struct pairs_pass *pass, const struct reader_path *paths, int32_t count) {
    const struct pair_file_settings settings = settings_of(pass);
    struct pair_file file;
    struct pair pair;
    pass->kept = 0;
    rondo_status status = pair_file_open(&file, &settings, paths, count, pass->errors);
    while (status == RONDO_OK && pair_file_has_next(&file)) {
        status = pair_file_next(&file, &pair);
        if (status == RONDO_OK && !pair.is_bad) {
            status = pass->visit(pass, &file, &pair);
        }
    }
    return pair_file_close(&file, status);
}

rondo_status pairs_visit(struct pairs_pass *pass) {
    const struct reader_source *source = pass->source;
    if (pair_file_is_parallel(source->paths)) {
        return visit_file(pass, source->paths, source->count);
    }
    for (int32_t i = 0; i < source->count; i++) {
        RONDO_TRY(visit_file(pass, &source->paths[i], 1));
    }
    return RONDO_OK;
}
