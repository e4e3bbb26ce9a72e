/* Events of libyaml to a tree. The builder keeps the open collections on a stack of fixed depth, so no input can make
 * it recurse, and libyaml itself only gets asked for the next event while the last one was acceptable. */
#include "io/yaml.h"

#include "io/file.h"
#include "io/look_alike.h"
#include "io/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* An open mapping or sequence. */
struct frame {
    struct yaml_node *node;
    struct yaml_node **tail;   /* where the next child is linked */
    const char *key;           /* mapping: a key that waits for its value; else NULL */
    struct location key_where; /* of that */
    int32_t count;             /* children so far */
};

struct builder {
    struct arena *arena;
    struct errors *errors;
    const char *file;    /* in the locations */
    const char *folder;  /* of every node */
    int has_lines;       /* 0: text of the command line, where line and column would mean nothing to the user */
    int32_t outer_depth; /* collections around the root: where a value is put into an existing tree */
    const char *text;    /* what is parsed, without a byte order mark */
    size_t length;

    struct yaml_node *root;
    int32_t documents, nodes, depth;
    struct frame frames[YAML_MAX_DEPTH];

    /* Start of line `line` (from 0) in the text, moved forwards as literal blocks ask for their lines. */
    size_t line_begin, line;
};

static struct location location_at(const struct builder *builder, size_t line, size_t column) {
    struct location where = {.file = builder->file};
    if (builder->has_lines) {
        where.line = (int32_t)line + 1;
        where.column = (int32_t)column + 1;
    }
    return where;
}

static struct location location_of(const struct builder *builder, yaml_mark_t mark) {
    return location_at(builder, mark.line, mark.column);
}

/* ---- the lines of the text ---- */

/* The length of the line break at `i`, 0 if there is none. By the rules of libyaml, whose line numbers these are. */
static size_t break_length(const struct builder *builder, size_t i) {
    const char *text = builder->text + i;
    const size_t left = builder->length - i;
    if (left >= 2 && text[0] == '\r' && text[1] == '\n') {
        return 2;
    }
    if (left >= 1 && (text[0] == '\r' || text[0] == '\n')) {
        return 1;
    }
    if (left >= 2 && memcmp(text, "\xC2\x85", 2) == 0) {
        return 2; /* next line, U+0085 */
    }
    if (left >= 3 && (memcmp(text, "\xE2\x80\xA8", 3) == 0 || memcmp(text, "\xE2\x80\xA9", 3) == 0)) {
        return 3; /* line separator U+2028, paragraph separator U+2029 */
    }
    return 0;
}

/* The line and column of the byte at `offset`. */
static struct location location_of_offset(const struct builder *builder, size_t offset) {
    size_t line = 0, column = 0;
    for (size_t i = 0; i < offset && i < builder->length;) {
        const size_t step = break_length(builder, i);
        if (step > 0) {
            line++;
            column = 0;
            i += step;
        } else {
            column += (builder->text[i] & 0xC0) != 0x80; /* a character counts once, at its first byte */
            i++;
        }
    }
    return location_at(builder, line, column);
}

/* Moves the cursor to `line`, or to the end of the text. Lines are only asked for in growing order. */
static void go_to_line(struct builder *builder, size_t line) {
    while (builder->line < line && builder->line_begin < builder->length) {
        const size_t step = break_length(builder, builder->line_begin);
        builder->line += step > 0;
        builder->line_begin += step > 0 ? step : 1;
    }
}

static int32_t leading_blanks(const char *text, size_t length) {
    int32_t n = 0;
    while ((size_t)n < length && text[n] == ' ') {
        n++;
    }
    return n;
}

/* Notes where the lines of a literal block stand in the file. Its text starts on the line after the '|', blank lines
 * included; what was stripped is what its first line with anything on it has less in the value than in the file. */
static void locate_literal(struct builder *builder, struct yaml_node *node, yaml_mark_t start) {
    size_t blank_lines = 0;
    while (node->text[blank_lines] == '\n') {
        blank_lines++;
    }
    node->literal = 1;
    node->text_line = builder->has_lines ? (int32_t)start.line + 2 : 0;
    const char *value = node->text + blank_lines;
    if (*value == '\0') {
        return;
    }
    go_to_line(builder, start.line + 1 + blank_lines);
    const int32_t in_file = leading_blanks(builder->text + builder->line_begin, builder->length - builder->line_begin);
    const int32_t in_value = leading_blanks(value, strlen(value));
    node->text_indent = in_file > in_value ? in_file - in_value : 0;
}

/* ---- errors ---- */

/* The character that a mark of libyaml points at, '\0' at the end. */
static char character_at(const struct builder *builder, yaml_mark_t mark) {
    size_t i = 0;
    for (size_t left = mark.index; i < builder->length; i++) {
        const int is_first_byte = (builder->text[i] & 0xC0) != 0x80;
        if (is_first_byte && left-- == 0) {
            return builder->text[i];
        }
    }
    return '\0';
}

/* 1 if a character at `i` that only looks like a blank changes the meaning of its line: it is in the indentation or
 * follows a colon. */
static int is_hidden_blank(const struct builder *builder, size_t i) {
    const struct look_alike *character = look_alike_at(builder->text + i, NULL);
    size_t begin = i;
    while (begin > 0 && builder->text[begin - 1] == ' ') {
        begin--;
    }
    const char before = begin == 0 ? '\n' : builder->text[begin - 1];
    return character != NULL && look_alike_is_blank(character) && (before == '\n' || before == '\r' || before == ':');
}

/* The first such character from line `first` to line `last`, counted from 0; the length of the text if there is none.
 */
static size_t find_hidden_blank(const struct builder *builder, size_t first, size_t last) {
    size_t line = 0;
    for (size_t i = 0; i < builder->length && line <= last;) {
        if (line >= first && is_hidden_blank(builder, i)) {
            return i;
        }
        const size_t step = break_length(builder, i);
        line += step > 0;
        i += step > 0 ? step : 1;
    }
    return builder->length;
}

/* Reports the error of libyaml. */
static rondo_status add_parser_error(const struct builder *builder, const yaml_parser_t *parser) {
    const char *problem = parser->problem == NULL ? "malformed YAML" : parser->problem;
    if (parser->error == YAML_MEMORY_ERROR) {
        return errors_no_memory(builder->errors);
    }
    if (parser->error == YAML_READER_ERROR) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of_offset(builder, parser->problem_offset), "%s",
                             problem);
    }
    const struct location where = location_of(builder, parser->problem_mark);
    const int is_directive = !builder->has_lines && builder->text[strspn(builder->text, " ")] == '%';
    const int is_value = parser->problem_mark.column > 0; /* at the beginning of a line it is a directive */
    if (is_directive || (is_value && character_at(builder, parser->problem_mark) == '%')) {
        return errors_add_at(
            builder->errors, RONDO_INVALID, where,
            "found '%%' at the beginning of a value; expected the value in quotes, as in \"%%d.%%m.%%Y\"");
    }
    if (character_at(builder, parser->problem_mark) == '\t') {
        return errors_add_at(builder->errors, RONDO_INVALID, where,
                             "found a tab character; expected blanks: YAML is indented only with blanks");
    }
    const size_t problem_line = parser->problem_mark.line;
    /* Without a context it may have begun on the line before: "a:\u00A01" is a text that goes on in the next line. */
    const size_t context_line = parser->context != NULL ? parser->context_mark.line : problem_line - (problem_line > 0);
    const size_t blank = find_hidden_blank(builder, context_line, problem_line);
    if (blank < builder->length) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of_offset(builder, blank), "found %s",
                             look_alike_text(look_alike_at(builder->text + blank, NULL)).text);
    }
    if (parser->context == NULL) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "%s", problem);
    }
    if (builder->has_lines && parser->context_mark.line != parser->problem_mark.line) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "%s %s that begins at line %zu", problem,
                             parser->context, parser->context_mark.line + 1);
    }
    return errors_add_at(builder->errors, RONDO_INVALID, where, "%s %s", problem, parser->context);
}

/* Bytes that libyaml would take for the end of the text or for another encoding. */
static rondo_status check_bytes(const struct builder *builder) {
    const char *nul = builder->length == 0 ? NULL : memchr(builder->text, '\0', builder->length);
    if (nul != NULL) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of_offset(builder, (size_t)(nul - builder->text)),
                             "a NUL byte; expected YAML as UTF-8 text");
    }
    size_t bad;
    if (!utf8_check(builder->text, builder->length, &bad)) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of_offset(builder, bad),
                             "byte 0x%02x is not valid UTF-8; expected YAML as UTF-8 text",
                             (unsigned)(unsigned char)builder->text[bad]);
    }
    return RONDO_OK;
}

static int by_key_and_place(const void *left, const void *right) {
    const struct yaml_node *a = *(const struct yaml_node *const *)left;
    const struct yaml_node *b = *(const struct yaml_node *const *)right;
    const int order = strcmp(a->key, b->key);
    if (order != 0) {
        return order;
    }
    if (a->key_where.line != b->key_where.line) {
        return a->key_where.line < b->key_where.line ? -1 : 1;
    }
    return (a->key_where.column > b->key_where.column) - (a->key_where.column < b->key_where.column);
}

/* Sorts the children of a mapping that has ended, so that equal keys are neighbours: one by one against all others
 * would take minutes for a hostile file. */
static rondo_status check_duplicates(struct builder *builder, const struct frame *frame) {
    const struct arena_mark mark = arena_mark(builder->arena);
    const struct yaml_node **sorted = arena_calloc(builder->arena, (size_t)frame->count, sizeof *sorted);
    if (sorted == NULL) {
        return errors_no_memory(builder->errors);
    }
    size_t count = 0;
    for (const struct yaml_node *child = frame->node->first; child != NULL; child = child->next) {
        sorted[count++] = child;
    }
    qsort(sorted, count, sizeof *sorted, by_key_and_place);
    rondo_status status = RONDO_OK;
    for (size_t i = 1, first = 0; i < count; i++) {
        if (strcmp(sorted[i]->key, sorted[first]->key) != 0) {
            first = i;
            continue;
        }
        const struct location first_where = sorted[first]->key_where;
        status = builder->has_lines
                     ? errors_add_at(builder->errors, RONDO_INVALID, sorted[i]->key_where,
                                     "key '%s' is already there, at line %d", sorted[i]->key, first_where.line)
                     : errors_add_at(builder->errors, RONDO_INVALID, sorted[i]->key_where, "key '%s' is there twice",
                                     sorted[i]->key);
    }
    arena_release(builder->arena, mark);
    return status;
}

/* ---- nodes ---- */

static struct yaml_node *node_create(struct arena *arena, enum yaml_kind kind, struct location where,
                                     const char *folder) {
    struct yaml_node *node = arena_calloc(arena, 1, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->where = where;
        node->folder = folder;
    }
    return node;
}

/* The innermost open collection; NULL at the top. */
static struct frame *top_frame(struct builder *builder) {
    return builder->depth == 0 ? NULL : &builder->frames[builder->depth - 1];
}

static int expects_key(struct builder *builder) {
    const struct frame *frame = top_frame(builder);
    return frame != NULL && frame->node->kind == YAML_MAPPING && frame->key == NULL;
}

/* Makes a node and links it into the innermost open collection. */
static rondo_status add_node(struct builder *builder, enum yaml_kind kind, yaml_mark_t start,
                             struct yaml_node **result) {
    const struct location where = location_of(builder, start);
    if (++builder->nodes > YAML_MAX_NODES) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "more than %d values, expected an experiment",
                             YAML_MAX_NODES);
    }
    struct yaml_node *node = node_create(builder->arena, kind, where, builder->folder);
    if (node == NULL) {
        return errors_no_memory(builder->errors);
    }
    struct frame *frame = top_frame(builder);
    if (frame == NULL) {
        builder->root = node;
    } else {
        node->key = frame->key;
        node->key_where = frame->key_where;
        frame->key = NULL;
        *frame->tail = node;
        frame->tail = &node->next;
        frame->count++;
    }
    *result = node;
    return RONDO_OK;
}

/* Refuses blanks and invisible characters that are no ASCII, in plain text where they would change the meaning of a
 * line unseen: anywhere in a key, and at the beginning, at the end or after a colon in a value. */
static rondo_status check_blanks(const struct builder *builder, const yaml_event_t *event, int is_key) {
    const char *text = (const char *)event->data.scalar.value, *end = text + event->data.scalar.length;
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || event->start_mark.line != event->end_mark.line) {
        return RONDO_OK;
    }
    size_t column = event->start_mark.column;
    for (const char *at = text; at < end; column++) {
        size_t length = 1;
        const struct look_alike *character = look_alike_at(at, &length);
        const int matters = is_key || at == text || at + length >= end || at[-1] == ':';
        if (character != NULL && look_alike_is_blank(character) && matters) {
            return errors_add_at(builder->errors, RONDO_INVALID, location_at(builder, event->start_mark.line, column),
                                 "found %s", look_alike_text(character).text);
        }
        for (at += length; at < end && ((unsigned char)*at & 0xC0) == 0x80;) {
            at++; /* the other bytes of a character that does not look like one of the keyboard */
        }
    }
    return RONDO_OK;
}

static rondo_status add_key(struct builder *builder, const yaml_event_t *event) {
    const struct location where = location_of(builder, event->start_mark);
    const size_t length = event->data.scalar.length;
    if (event->start_mark.line != event->end_mark.line) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "a key of several lines, expected one word");
    }
    if (length == 0) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "an empty key, expected a name before ':'");
    }
    if (length > YAML_MAX_KEY) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "a key of %zu bytes, expected at most %d", length,
                             YAML_MAX_KEY);
    }
    RONDO_TRY(check_blanks(builder, event, 1));
    struct frame *frame = top_frame(builder);
    frame->key = arena_strndup(builder->arena, (const char *)event->data.scalar.value, length);
    frame->key_where = where;
    return frame->key == NULL ? errors_no_memory(builder->errors) : RONDO_OK;
}

static rondo_status add_scalar(struct builder *builder, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    const size_t length = event->data.scalar.length;
    if (memchr(value, '\0', length) != NULL) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of(builder, event->start_mark),
                             "a NUL character in a text");
    }
    if (expects_key(builder)) {
        return add_key(builder, event);
    }
    RONDO_TRY(check_blanks(builder, event, 0));
    struct yaml_node *node = NULL;
    RONDO_TRY(add_node(builder, YAML_SCALAR, event->start_mark, &node));
    node->text = arena_strndup(builder->arena, value, length);
    if (node->text == NULL) {
        return errors_no_memory(builder->errors);
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (event->data.scalar.style == YAML_LITERAL_SCALAR_STYLE) {
        locate_literal(builder, node, event->start_mark);
    }
    return RONDO_OK;
}

static rondo_status open_collection(struct builder *builder, enum yaml_kind kind, yaml_mark_t start) {
    const struct location where = location_of(builder, start);
    if (expects_key(builder)) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "a %s as a key, expected a name",
                             kind == YAML_MAPPING ? "mapping" : "sequence");
    }
    if (builder->outer_depth + builder->depth >= YAML_MAX_DEPTH) {
        return errors_add_at(builder->errors, RONDO_INVALID, where, "nested more than %d deep", YAML_MAX_DEPTH);
    }
    struct yaml_node *node = NULL;
    RONDO_TRY(add_node(builder, kind, start, &node));
    builder->frames[builder->depth++] = (struct frame){.node = node, .tail = &node->first};
    return RONDO_OK;
}

static rondo_status close_collection(struct builder *builder) {
    builder->depth--;
    const struct frame *frame = &builder->frames[builder->depth];
    return frame->node->kind == YAML_MAPPING ? check_duplicates(builder, frame) : RONDO_OK;
}

/* ---- events ---- */

static rondo_status refuse_properties(const struct builder *builder, const yaml_event_t *event,
                                      const yaml_char_t *anchor, const yaml_char_t *tag) {
    const struct location where = location_of(builder, event->start_mark);
    if (anchor != NULL) {
        return errors_add_at(builder->errors, RONDO_INVALID, where,
                             "anchor '&%.40s'; anchors and aliases are not supported, write the value where it is used",
                             (const char *)anchor);
    }
    if (tag != NULL) {
        return errors_add_at(builder->errors, RONDO_INVALID, where,
                             "tag '%.40s'; tags are not supported, write only the value (in quotes if it is text)",
                             (const char *)tag);
    }
    return RONDO_OK;
}

static rondo_status start_document(struct builder *builder, const yaml_event_t *event) {
    if (++builder->documents > 1) {
        return errors_add_at(builder->errors, RONDO_INVALID, location_of(builder, event->start_mark),
                             "a second document, expected only one");
    }
    return RONDO_OK;
}

static rondo_status take_event(struct builder *builder, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return start_document(builder, event);
    case YAML_ALIAS_EVENT:
        return errors_add_at(builder->errors, RONDO_INVALID, location_of(builder, event->start_mark),
                             "alias '*%.40s'; anchors and aliases are not supported (text that begins with '*' needs "
                             "quotes)",
                             (const char *)event->data.alias.anchor);
    case YAML_SCALAR_EVENT:
        RONDO_TRY(refuse_properties(builder, event, event->data.scalar.anchor, event->data.scalar.tag));
        return add_scalar(builder, event);
    case YAML_SEQUENCE_START_EVENT:
        RONDO_TRY(refuse_properties(builder, event, event->data.sequence_start.anchor, event->data.sequence_start.tag));
        return open_collection(builder, YAML_SEQUENCE, event->start_mark);
    case YAML_MAPPING_START_EVENT:
        RONDO_TRY(refuse_properties(builder, event, event->data.mapping_start.anchor, event->data.mapping_start.tag));
        return open_collection(builder, YAML_MAPPING, event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_collection(builder);
    default:
        return RONDO_OK;
    }
}

/* Feeds events to the builder until the stream ends or there is a mistake. Only duplicate keys do not end it, so that
 * all of them are reported. */
static rondo_status take_events(struct builder *builder, yaml_parser_t *parser) {
    const int32_t errors_before = builder->errors->count;
    for (int at_end = 0; !at_end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            return add_parser_error(builder, parser);
        }
        at_end = event.type == YAML_STREAM_END_EVENT;
        const int closes = event.type == YAML_MAPPING_END_EVENT;
        const rondo_status status = take_event(builder, &event);
        yaml_event_delete(&event);
        if (status != RONDO_OK && !(closes && status == RONDO_INVALID)) {
            return status;
        }
    }
    return builder->errors->count > errors_before ? RONDO_INVALID : RONDO_OK;
}

/* The tree of the builder's text; an empty text gives no root. */
static rondo_status build(struct builder *builder) {
    if (builder->length >= 3 && memcmp(builder->text, "\xEF\xBB\xBF", 3) == 0) {
        builder->text += 3; /* a byte order mark would shift the columns of the first line */
        builder->length -= 3;
    }
    RONDO_TRY(check_bytes(builder));
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return errors_no_memory(builder->errors);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)builder->text, builder->length);
    const rondo_status status = take_events(builder, &parser);
    yaml_parser_delete(&parser);
    return status;
}

struct yaml_node *yaml_parse(const char *file, const char *text, size_t length, struct arena *arena,
                             struct errors *errors) {
    struct builder builder = {.arena = arena, .errors = errors, .has_lines = 1, .text = text, .length = length};
    builder.file = arena_strdup(arena, file);
    builder.folder = builder.file == NULL ? NULL : path_folder(arena, builder.file);
    if (builder.folder == NULL) {
        errors_no_memory(errors);
        return NULL;
    }
    const struct location whole = {.file = builder.file};
    if (length > YAML_MAX_BYTES) {
        errors_add_at(errors, RONDO_INVALID, whole, "%zu bytes of YAML, expected at most %zu", length, YAML_MAX_BYTES);
        return NULL;
    }
    if (build(&builder) != RONDO_OK) {
        return NULL;
    }
    if (builder.root == NULL || yaml_is_null(builder.root)) {
        errors_add_at(errors, RONDO_INVALID, location_at(&builder, 0, 0), "an empty document");
        return NULL;
    }
    return builder.root;
}

struct yaml_node *yaml_read(const char *file, struct arena *arena, struct errors *errors) {
    char *text;
    size_t length;
    if (file_read(file, YAML_MAX_BYTES, arena, &text, &length, (struct location){0}, errors) != RONDO_OK) {
        return NULL;
    }
    return yaml_parse(file, text, length, arena, errors);
}

struct yaml_node *yaml_parse_value(const char *text, struct location where, int32_t outer_depth, struct arena *arena,
                                   struct errors *errors) {
    struct builder builder = {.arena = arena,
                              .errors = errors,
                              .file = where.file,
                              .folder = ".",
                              .outer_depth = outer_depth,
                              .text = text,
                              .length = strlen(text)};
    if (builder.length > YAML_MAX_BYTES) {
        errors_add_at(errors, RONDO_INVALID, where, "more than %zu bytes", YAML_MAX_BYTES);
        return NULL;
    }
    if (build(&builder) != RONDO_OK) {
        return NULL;
    }
    if (builder.root == NULL && *text != '\0') {
        errors_add_at(errors, RONDO_INVALID, where, "no value, expected one (text that begins with '#' needs quotes)");
        return NULL;
    }
    if (builder.root == NULL) { /* empty text is a null value, as after "key:" in a file */
        builder.root = node_create(arena, YAML_SCALAR, where, builder.folder);
        if (builder.root == NULL) {
            errors_no_memory(errors);
            return NULL;
        }
        builder.root->text = "";
    }
    return builder.root;
}
