/* What the reader `pairs` learns: the words of each side, and the classes of its sources. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "data/pairs.h"

/* A pass of learning. */
struct pairs_learning {
    int is_class;
    int64_t examples;   /* pairs of the file that are not left out; 0: all its pairs */
    int64_t no_targets; /* tokens of targets in the training part that say that there is none */
};

static int is_example(const struct pairs_pass *pass, const struct pair *pair) {
    return !pairs_is_left_out(pairs_fate_of(pass->reader, PAIR_SOURCE, pair->side[PAIR_SOURCE], 1)) &&
           !pairs_is_left_out(pairs_fate_of(pass->reader, PAIR_TARGET, pair->side[PAIR_TARGET], 1));
}

static rondo_status count_example(struct pairs_pass *pass, struct pair_file *file, const struct pair *pair) {
    struct pairs_learning *learning = pass->arg;
    (void)file;
    learning->examples += is_example(pass, pair);
    return RONDO_OK;
}

/* Classes come from the whole file, because a class that is only in another part is no mistake. */
static rondo_status count_class(const struct pairs_pass *pass, const struct pair *pair) {
    const struct pair_text text = pairs_trimmed(pair->side[PAIR_SOURCE]);
    char *name = pairs_copy_text(text);
    const int failed =
        name == NULL || (text.length > 0 && vocabulary_count(pairs_learned_of(pass->reader)->classes, name) < 0);
    free(name);
    return failed ? errors_no_memory(pass->errors) : RONDO_OK;
}

static rondo_status count_tokens(const struct pairs_pass *pass, const struct pair *pair, int side) {
    struct pairs_learning *learning = pass->arg;
    const struct token_rule rule = pairs_token_rule(pass->reader, side);
    const struct pair_text *text = &pair->side[side];
    struct token_cursor cursor = {text->text, text->text + text->length};
    char token[TOKEN_BYTES];
    for (int64_t left = pairs_longest(pass->reader, side);
         left > 0 && token_next_of(&cursor, (enum token_unit)rule.unit, rule.lowercase, token, sizeof token); left--) {
        if (side == PAIR_TARGET && pairs_is_no_target(pass->reader, token, strlen(token))) {
            learning->no_targets++;
            continue;
        }
        if (vocabulary_count(pairs_learned_of(pass->reader)->words[side], token) < 0) {
            return errors_no_memory(pass->errors);
        }
    }
    return RONDO_OK;
}

static int is_of_training(struct pairs_pass *pass, const struct pair_file *file, const struct pair *pair) {
    const struct pairs_learning *learning = pass->arg;
    const int64_t count = learning->examples > 0 ? learning->examples : file->count;
    return part_of_key(pass->source->parts, pairs_key(pass->reader, pair), pass->kept++, count) == PART_TRAIN;
}

/* Marks the tokens of the source that have a target. A target that is too short is reported when the pairs are read. */
static rondo_status note_targets(struct pairs_pass *pass, struct pair_file *file, const struct pair *pair) {
    if (!is_example(pass, pair) || !is_of_training(pass, file, pair)) {
        return RONDO_OK;
    }
    const struct reader *reader = pass->reader;
    const struct pairs_learned *learned = pairs_learned_of(reader);
    struct token_cursor cursors[PAIR_SIDES];
    char tokens[PAIR_SIDES][TOKEN_BYTES];
    for (int side = 0; side < PAIR_SIDES; side++) {
        cursors[side] = (struct token_cursor){pair->side[side].text, pair->side[side].text + pair->side[side].length};
    }
    for (int64_t left = pairs_longest(reader, PAIR_SOURCE); left > 0; left--) {
        for (int side = 0; side < PAIR_SIDES; side++) {
            const struct token_rule rule = pairs_token_rule(reader, side);
            if (!token_next_of(&cursors[side], (enum token_unit)rule.unit, rule.lowercase, tokens[side], TOKEN_BYTES)) {
                return RONDO_OK;
            }
        }
        if (!pairs_is_no_target(reader, tokens[PAIR_TARGET], strlen(tokens[PAIR_TARGET]))) {
            const int32_t id = vocabulary_find(learned->words[PAIR_SOURCE], tokens[PAIR_SOURCE]);
            learned->has_target[id < 0 ? 0 : id] = 1;
        }
    }
    return RONDO_OK;
}

static rondo_status learn_pair(struct pairs_pass *pass, struct pair_file *file, const struct pair *pair) {
    const struct pairs_learning *learning = pass->arg;
    if (learning->is_class) {
        RONDO_TRY(count_class(pass, pair));
    }
    if (!is_example(pass, pair)) {
        return RONDO_OK;
    }
    if (!is_of_training(pass, file, pair)) {
        return RONDO_OK;
    }
    RONDO_TRY(learning->is_class ? RONDO_OK : count_tokens(pass, pair, PAIR_SOURCE));
    return count_tokens(pass, pair, PAIR_TARGET);
}

/* Orders the words of one side, and refuses a side that has none. */
static rondo_status finish_words(struct reader *reader, int side, struct location where, struct errors *errors) {
    const struct pairs_options *options = pairs_options_of(reader);
    const int64_t min_count = options->side[side].min_count;
    struct vocabulary *words = pairs_learned_of(reader)->words[side];
    const char *name = options->shared ? "source and target" : pairs_side_name(reader, side);
    int64_t most = 0;
    for (int32_t id = 0; id < vocabulary_size(words); id++) {
        most = vocabulary_times(words, id) > most ? vocabulary_times(words, id) : most;
    }
    if (most == 0) {
        return errors_add_at(errors, RONDO_INVALID, where, "the training part has no tokens of the %s%s", name,
                             side == PAIR_TARGET && options->no_target[0] != '\0' ? " but 'data.no_target'" : "");
    }
    if (most < min_count) {
        return errors_add_at(
            errors, RONDO_INVALID, where,
            "no token of the %s is seen 'min_count' times, which is %lld; the most frequent one is seen %lld times",
            name, (long long)min_count, (long long)most);
    }
    const int has_end = side == PAIR_TARGET && !options->aligned;
    if (has_end) {
        RONDO_TRY(vocabulary_keep(words, PAIRS_END_SYMBOL, errors));
    }
    RONDO_TRY(vocabulary_finish(words, min_count, options->side[side].max_words, errors));
    if (side == PAIR_TARGET) {
        pairs_learned_of(reader)->end = has_end ? vocabulary_find(words, PAIRS_END_SYMBOL) : -1;
    }
    return RONDO_OK;
}

static rondo_status finish_classes(struct vocabulary *classes, struct location where, struct errors *errors) {
    const int32_t count = vocabulary_size(classes);
    if (count < 2) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             count == 0 ? "no pair has an input, expected at least two classes"
                                        : "every pair has the input '%.60s', expected at least two classes",
                             count == 0 ? "" : vocabulary_word(classes, 0));
    }
    return vocabulary_finish_labels(classes, errors);
}

/* 1 if the sources are classes: the experiment names a column, or a file, `input`. */
static int has_classes(const struct reader *reader, const struct reader_source *source) {
    int has_input = pairs_has_column(reader, PAIRS_COLUMN_INPUT);
    for (int32_t i = 0; i < source->count && pair_file_is_parallel(source->paths); i++) {
        has_input |= strcmp(source->paths[i].stream, "input") == 0;
    }
    return has_input;
}

/* Files by stream have no columns, and what is a class has no words. */
static rondo_status check_source(const struct reader *reader, const struct reader_source *source,
                                 struct errors *errors) {
    for (int column = 0; column <= PAIRS_COLUMN_TARGET && pair_file_is_parallel(source->paths); column++) {
        if (pairs_has_column(reader, column)) {
            return errors_add_at(errors, RONDO_INVALID, reader->columns[column].where,
                                 "'data.columns' is not used: each stream has a file of its own");
        }
    }
    const struct pairs_options *options = pairs_options_of(reader);
    if (has_classes(reader, source) && options->aligned) {
        return errors_add(errors, RONDO_INVALID,
                          "'data.aligned' needs the files 'source' and 'target': those of 'input' are classes of whole "
                          "targets");
    }
    return options->shared && has_classes(reader, source)
               ? errors_add(errors, RONDO_INVALID,
                            "'shared' is not used: the input is a class, and only targets have words")
               : RONDO_OK;
}

/* 1 if the last pairs of the file are another part, and pairs may be left out: which ones are the last then depends on how many
 * are left. */
static int must_count(const struct reader *reader, const struct parts *parts) {
    const struct pairs_options *options = pairs_options_of(reader);
    const int has_last = parts->valid.rule == PART_LAST || parts->test.rule == PART_LAST;
    return has_last && (options->empty == PAIRS_LEAVE_OUT || options->side[0].too_long == PAIRS_LEAVE_OUT ||
                        options->side[1].too_long == PAIRS_LEAVE_OUT);
}

static rondo_status create_vocabularies(struct reader *reader, int is_class, struct errors *errors) {
    struct pairs_learned *learned = pairs_learned_of(reader);
    const int is_shared = pairs_options_of(reader)->shared;
    learned->words[PAIR_TARGET] = vocabulary_create();
    if (is_class) {
        learned->classes = vocabulary_create();
    } else {
        learned->words[PAIR_SOURCE] = is_shared ? learned->words[PAIR_TARGET] : vocabulary_create();
    }
    const int has_source = (is_class ? learned->classes : learned->words[PAIR_SOURCE]) != NULL;
    return has_source && learned->words[PAIR_TARGET] != NULL ? RONDO_OK : errors_no_memory(errors);
}

/* A token that training has not seen may have a target if most that it has seen do: a word may be any word, a full stop is one. */
static void note_unknown(struct pairs_learned *learned) {
    const int32_t size = vocabulary_size(learned->words[PAIR_SOURCE]);
    int32_t count = 0;
    for (int32_t id = 1; id < size; id++) {
        count += learned->has_target[id];
    }
    learned->has_target[0] |= 2 * count > size - 1;
}

rondo_status pairs_learn(struct reader *reader, const struct reader_source *source, struct errors *errors) {
    struct pairs_learned *learned = pairs_learned_of(reader);
    const struct location where = {.file = source->paths[0].text};
    struct pairs_learning learning = {.is_class = has_classes(reader, source)};
    struct pairs_pass pass = {.reader = reader, .source = source, .errors = errors, .has_targets = 1, .arg = &learning};
    RONDO_TRY(check_source(reader, source, errors));
    RONDO_TRY(create_vocabularies(reader, learning.is_class, errors));
    if (must_count(reader, source->parts)) {
        pass.visit = count_example;
        RONDO_TRY(pairs_visit(&pass));
    }
    pass.visit = learn_pair;
    RONDO_TRY(pairs_visit(&pass));
    if (learning.is_class) {
        RONDO_TRY(finish_classes(learned->classes, where, errors));
    } else if (!pairs_options_of(reader)->shared) {
        RONDO_TRY(finish_words(reader, PAIR_SOURCE, where, errors));
    }
    RONDO_TRY(finish_words(reader, PAIR_TARGET, where, errors));
    const char *no_target = pairs_options_of(reader)->no_target;
    if (no_target[0] == '\0') {
        return RONDO_OK;
    }
    if (learning.no_targets == 0) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "no step of the training part has the target '%.60s', which is 'data.no_target'; without "
                             "that key, all steps have a target",
                             no_target);
    }
    learned->has_target = memory_calloc((size_t)vocabulary_size(learned->words[PAIR_SOURCE]), 1);
    if (learned->has_target == NULL) {
        return errors_no_memory(errors);
    }
    pass.visit = note_targets;
    RONDO_TRY(pairs_visit(&pass));
    note_unknown(learned);
    return RONDO_OK;
}

void pairs_clear(struct reader *reader) {
    struct pairs_learned *learned = pairs_learned_of(reader);
    if (learned->words[PAIR_SOURCE] != learned->words[PAIR_TARGET]) {
        vocabulary_destroy(learned->words[PAIR_SOURCE]);
    }
    vocabulary_destroy(learned->words[PAIR_TARGET]);
    vocabulary_destroy(learned->classes);
    free(learned->has_target);
    *learned = (struct pairs_learned){0};
}

/* ---- files of a run ---- */

/* The tokens of the source that have a target; NULL: out of memory. */
static json_t *tokens_with_target(const struct pairs_learned *learned) {
    const struct vocabulary *words = learned->words[PAIR_SOURCE];
    json_t *list = json_array();
    int failed = list == NULL;
    for (int32_t id = 0; id < vocabulary_size(words) && !failed; id++) {
        failed = learned->has_target[id] && json_array_append_new(list, json_string(vocabulary_word(words, id))) != 0;
    }
    if (failed) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static rondo_status load_tokens_with_target(struct pairs_learned *learned, const json_t *object, const char *file,
                                            struct errors *errors) {
    const json_t *list = json_object_get(object, "with_target");
    learned->has_target = memory_calloc((size_t)vocabulary_size(learned->words[PAIR_SOURCE]), 1);
    if (learned->has_target == NULL) {
        return errors_no_memory(errors);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *token = json_string_value(json_array_get(list, i));
        const int32_t id = token == NULL ? -1 : vocabulary_find(learned->words[PAIR_SOURCE], token);
        if (id < 0) {
            return errors_add(errors, RONDO_INVALID, "%s: entry %zu of 'with_target' is no word of the source", file,
                              i);
        }
        learned->has_target[id] = 1;
    }
    return json_array_size(list) > 0 ? RONDO_OK
                                     : errors_add(errors, RONDO_INVALID, "%s: there is no list 'with_target'", file);
}

rondo_status pairs_save(const struct reader *reader, struct json_t *object, struct errors *errors) {
    const struct pairs_learned *learned = pairs_learned_of(reader);
    const int is_shared = pairs_options_of(reader)->shared;
    int failed =
        json_object_set_new(object, is_shared ? "words" : "target", vocabulary_json(learned->words[PAIR_TARGET])) != 0;
    if (learned->classes != NULL) {
        failed |= json_object_set_new(object, "input", vocabulary_json(learned->classes)) != 0;
    } else if (!is_shared) {
        failed |= json_object_set_new(object, "source", vocabulary_json(learned->words[PAIR_SOURCE])) != 0;
    }
    if (learned->has_target != NULL) {
        failed |= json_object_set_new(object, "with_target", tokens_with_target(learned)) != 0;
    }
    return failed ? errors_no_memory(errors) : RONDO_OK;
}

static rondo_status load_words(const struct json_t *object, const char *key, const char *file,
                               struct vocabulary **words, struct errors *errors) {
    RONDO_TRY(vocabulary_from_json(object, key, file, words, errors));
    return strcmp(vocabulary_word(*words, 0), UNKNOWN_WORD) == 0
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "%s: entry 0 of '%s' is '%.60s', expected '" UNKNOWN_WORD "'", file,
                            key, vocabulary_word(*words, 0));
}

rondo_status pairs_load(struct reader *reader, const struct json_t *object, const char *file, struct errors *errors) {
    struct pairs_learned *learned = pairs_learned_of(reader);
    const int is_shared = pairs_options_of(reader)->shared;
    const char *key = is_shared ? "words" : "target";
    RONDO_TRY(load_words(object, key, file, &learned->words[PAIR_TARGET], errors));
    if (json_object_get(object, "input") != NULL && pairs_options_of(reader)->aligned) {
        return errors_add(errors, RONDO_INVALID, "%s: 'input' is there, and 'data.aligned' has no classes", file);
    }
    if (json_object_get(object, "input") != NULL) {
        RONDO_TRY(vocabulary_from_json(object, "input", file, &learned->classes, errors));
    } else if (is_shared) {
        learned->words[PAIR_SOURCE] = learned->words[PAIR_TARGET];
    } else {
        RONDO_TRY(load_words(object, "source", file, &learned->words[PAIR_SOURCE], errors));
    }
    if (pairs_options_of(reader)->no_target[0] != '\0') {
        RONDO_TRY(load_tokens_with_target(learned, object, file, errors));
    }
    if (pairs_options_of(reader)->aligned) {
        learned->end = -1;
        return RONDO_OK;
    }
    learned->end = vocabulary_find(learned->words[PAIR_TARGET], PAIRS_END_SYMBOL);
    return learned->end >= 0 ? RONDO_OK
                             : errors_add(errors, RONDO_INVALID,
                                          "%s: '%s' has no '" PAIRS_END_SYMBOL "', which ends targets", file, key);
}
