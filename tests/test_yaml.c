/* io/yaml.h: the place of every value, errors and their messages, --set, merging and writing. */
#define _POSIX_C_SOURCE 200809L

#include "io/yaml.h"
#include "tests/suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static struct errors errors;

static void setup(void) {
    arena = arena_create();
    ck_assert_ptr_nonnull(arena);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
}

static struct yaml_node *parse(const char *text) {
    return yaml_parse("dir/t.yaml", text, strlen(text), arena, &errors);
}

static struct yaml_node *parse_good(const char *text) {
    struct yaml_node *root = parse(text);
    ck_assert_msg(root != NULL && errors.count == 0, "%s\n%s", errors_text(&errors, 0), text);
    return root;
}

/* The node at a path such as "a.0.b"; "" is the root. */
static const struct yaml_node *walk(const struct yaml_node *node, const char *path) {
    while (node != NULL && *path != '\0') {
        char name[64];
        const size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        path += path[n] == '.' ? n + 1 : n;
        if (node->kind == YAML_MAPPING) {
            node = yaml_get(node, name);
            continue;
        }
        node = node->first;
        for (long i = strtol(name, NULL, 10); node != NULL && i > 0; i--) {
            node = node->next;
        }
    }
    return node;
}

static const struct {
    const char *yaml, *path;
    enum yaml_kind kind;
    const char *text; /* text of a scalar */
    int quoted, line, column;
} values[] = {
    {"a: 1", "a", YAML_SCALAR, "1", 0, 1, 4},
    {"a: 1\nb: two words # comment\n", "b", YAML_SCALAR, "two words", 0, 2, 4},
    {"a: \"1:1\"", "a", YAML_SCALAR, "1:1", 1, 1, 4},
    {"a: 1:1", "a", YAML_SCALAR, "1:1", 0, 1, 4},
    {"a: 'it''s'", "a", YAML_SCALAR, "it's", 1, 1, 4},
    {"a: \"x\\ty\\u00e9\"", "a", YAML_SCALAR, "x\ty\xC3\xA9", 1, 1, 4},
    {"a:\n", "a", YAML_SCALAR, "", 0, 1, 3},
    {"a: ''", "a", YAML_SCALAR, "", 1, 1, 4},
    {"a: ~", "a", YAML_SCALAR, "~", 0, 1, 4},
    {"a: >\n  folded\n  text\n", "a", YAML_SCALAR, "folded text\n", 1, 1, 4},
    {"a: over two\n  lines\n", "a", YAML_SCALAR, "over two lines", 0, 1, 4},
    {"a:\n  b:\n    c: x\n", "a.b.c", YAML_SCALAR, "x", 0, 3, 8},
    {"a:\n  b:\n    c: x\n", "a.b", YAML_MAPPING, NULL, 0, 3, 5},
    {"a: {b: 1, c: [2, 3]}", "a.c.1", YAML_SCALAR, "3", 0, 1, 18},
    {"a: {b: 1, c: [2, 3]}", "a.c", YAML_SEQUENCE, NULL, 0, 1, 14},
    {"- 1\n- - 2\n  - 3\n", "1.1", YAML_SCALAR, "3", 0, 3, 5},
    {"- 1\n- k: 2\n", "1.k", YAML_SCALAR, "2", 0, 2, 6},
    {"just text", "", YAML_SCALAR, "just text", 0, 1, 1},
    {"---\na: 1\n...\n", "a", YAML_SCALAR, "1", 0, 2, 4},
    {"%YAML 1.1\n---\na: 1\n", "a", YAML_SCALAR, "1", 0, 3, 4},
    {"a: 1\r\nb: 2\r\n", "b", YAML_SCALAR, "2", 0, 2, 4},
    {"\xEF\xBB\xBF"
     "a: 1",
     "a", YAML_SCALAR, "1", 0, 1, 4},
    {"# \xC3\xA9\n\xC3\xA9: \xE2\x82\xAC\n", "\xC3\xA9", YAML_SCALAR, "\xE2\x82\xAC", 0, 2, 4},
    {"\"*\": x", "*", YAML_SCALAR, "x", 0, 1, 6},
    {"U_*: x", "U_*", YAML_SCALAR, "x", 0, 1, 6},
    {"? a\n: b\n", "a", YAML_SCALAR, "b", 0, 2, 3},
    {"{}", "", YAML_MAPPING, NULL, 0, 1, 1},
    {"a: []", "a", YAML_SEQUENCE, NULL, 0, 1, 4},
};

START_TEST(values_have_their_text_and_place) {
    const struct yaml_node *node = walk(parse_good(values[_i].yaml), values[_i].path);
    ck_assert_ptr_nonnull(node);
    ck_assert_int_eq(node->kind, values[_i].kind);
    ck_assert_pstr_eq(node->text, values[_i].text);
    ck_assert_int_eq(node->quoted, values[_i].quoted);
    ck_assert_int_eq(node->where.line, values[_i].line);
    ck_assert_int_eq(node->where.column, values[_i].column);
    ck_assert_str_eq(node->where.file, "dir/t.yaml");
    ck_assert_str_eq(node->folder, "dir");
}
END_TEST

START_TEST(keys_have_their_place) {
    const struct yaml_node *node = walk(parse_good("a:\n  first: 1\n  'second': 2\n"), "a.second");
    ck_assert_int_eq(node->key_where.line, 3);
    ck_assert_int_eq(node->key_where.column, 3);
    ck_assert_str_eq(node->key_where.file, "dir/t.yaml");
}
END_TEST

static const struct {
    const char *yaml, *path, *text;
    int line, indent;
} literals[] = {
    {"e: |\n  i = x\n  o = y\n", "e", "i = x\no = y\n", 2, 2},
    {"e: |  # comment\n  i = x\n", "e", "i = x\n", 2, 2},
    {"e: |-\n      i = x\n", "e", "i = x", 2, 6},
    {"e: |\n\n\n  i = x\n", "e", "\n\ni = x\n", 2, 2},
    {"e: |2\n    i = x\n  o = y\n", "e", "  i = x\no = y\n", 2, 2},
    {"e: |2\n\n      i = x\n", "e", "\n    i = x\n", 2, 2},
    {"e: |\n  i = x\n    more\n", "e", "i = x\n  more\n", 2, 2},
    {"e: |\n  i = x\n\n  o = y\n", "e", "i = x\n\no = y\n", 2, 2},
    {"e: |+\n  i = x\n\n", "e", "i = x\n\n", 2, 2},
    {"e: |\n", "e", "", 2, 0},
    {"e: |\r\n  i = x\r\n  o = y\r\n", "e", "i = x\no = y\n", 2, 2},
    {"a: 1\nl:\n  - c: |\n\n      i = x\n", "l.0.c", "\ni = x\n", 4, 6},
    {"x: |\n   first\ny: |\n second\n", "y", "second\n", 4, 1},
    {"\xEF\xBB\xBF"
     "# \xC3\xA9\ne: |\n  \xC3\xA9 = x\n",
     "e", "\xC3\xA9 = x\n", 3, 2},
    {"--- |\n  i = x\n", "", "i = x\n", 2, 2},
};

START_TEST(literal_blocks_know_the_lines_of_the_file) {
    const struct yaml_node *node = walk(parse_good(literals[_i].yaml), literals[_i].path);
    ck_assert_ptr_nonnull(node);
    ck_assert_int_eq(node->literal, 1);
    ck_assert_int_eq(node->quoted, 1);
    ck_assert_str_eq(node->text, literals[_i].text);
    ck_assert_int_eq(node->text_line, literals[_i].line);
    ck_assert_int_eq(node->text_indent, literals[_i].indent);
}
END_TEST

static const struct {
    const char *yaml, *expected;
} bad[] = {
    {"", "dir/t.yaml:1:1: an empty document"},
    {"\n# only a comment\n", "dir/t.yaml:1:1: an empty document"},
    {"---\n...\n", "dir/t.yaml:1:1: an empty document"},
    {"a: 1\nb: 2\na: 3\n", "dir/t.yaml:3:1: key 'a' is already there, at line 1"},
    {"b: 1\na: 1\nb: 2\n", "dir/t.yaml:3:1: key 'b' is already there, at line 1"},
    {"x:\n  a: 1\n  'a': 2\n", "dir/t.yaml:3:3: key 'a' is already there, at line 2"},
    {"x: {a: 1, a: 2}\n", "dir/t.yaml:1:11: key 'a' is already there, at line 1"},
    {"a: &anchor 1\n", "dir/t.yaml:1:4: anchor '&anchor'; anchors and aliases are not supported"},
    {"a: &m {b: 1}\n", "dir/t.yaml:1:4: anchor '&m'"},
    {"a: &s [b]\n", "dir/t.yaml:1:4: anchor '&s'"},
    {"a: 1\nb: *anchor\n", "dir/t.yaml:2:4: alias '*anchor'"},
    {"*: x\n", "dir/t.yaml:1:2: did not find expected alphabetic or numeric character while scanning an alias"},
    {"a: !!int 1\n", "dir/t.yaml:1:4: tag 'tag:yaml.org,2002:int'; tags are not supported"},
    {"a: !mine [1]\n", "dir/t.yaml:1:4: tag '!mine'"},
    {"a: ! x\n", "dir/t.yaml:1:4: tag '!'"},
    {"!!map\na: x\n", "dir/t.yaml:1:1: tag "},
    {"a: 1\n---\nb: 2\n", "dir/t.yaml:2:1: a second document"},
    {"[a]: 1\n", "dir/t.yaml:1:1: a sequence as a key"},
    {"? {a: b}\n: 1\n", "dir/t.yaml:1:3: a mapping as a key"},
    {"?\n: 2\n", "dir/t.yaml:1:2: an empty key"},
    {"\"\": 2\n", "dir/t.yaml:1:1: an empty key"},
    {"? |\n  a\n: 2\n", "dir/t.yaml:1:3: a key of several lines"},
    {"a: [1, 2\n",
     "dir/t.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence that begins at line 1"},
    {"a: 1\n  b: 2\n", "dir/t.yaml:2:4: mapping values are not allowed in this context"},
    {"a: 1\n b: 2\n", "dir/t.yaml:2:3: mapping values are not allowed in this context"},
    {"a: \"open\n",
     "dir/t.yaml:2:1: found unexpected end of stream while scanning a quoted scalar that begins at line 1"},
    {"a: %d.%m\n", "dir/t.yaml:1:4: found '%' at the beginning of a value; expected the value in quotes, as in "
                   "\"%d.%m.%Y\""},
    {"a: @x\n", "dir/t.yaml:1:4: found character that cannot start any token"},
    {"a:\n\tb: 1\n", "dir/t.yaml:2:1: found a tab character; expected blanks"},
    {"a: \"\\q\"\n", "dir/t.yaml:1:5: found unknown escape character"},
    {"a: \"x\\0y\"\n", "dir/t.yaml:1:4: a NUL character in a text"},
    {"a: 1\nb: \x01\n", "dir/t.yaml:2:4: control characters are not allowed"},
    {"a: 1\nb: \xC3\xA9\xFF\n", "dir/t.yaml:2:5: byte 0xff is not valid UTF-8"},
    {"\xFF\xFE"
     "a",
     "dir/t.yaml:1:1: byte 0xff is not valid UTF-8"},
    {"a: \xED\xA0\x80\n", "dir/t.yaml:1:4: byte 0xed is not valid UTF-8"},
    {"%YAML 9.0\n---\na: 1\n", "dir/t.yaml:1:1: found incompatible YAML document"},
    {"}\n", "dir/t.yaml:1:1: "},
    /* characters that look like blanks, but are not blanks in YAML */
    {"\xC2\xA0"
     "a: 1\n",
     "dir/t.yaml:1:1: found U+00A0, a no-break space; expected a blank"},
    {"a:\n  \xC2\xA0 b: 1\n", "dir/t.yaml:2:3: found U+00A0, a no-break space"},
    {"a: 1\n\xC2\xA0"
     "b: 2\n",
     "dir/t.yaml:2:1: found U+00A0, a no-break space"},
    {"a: 1\n  \xE3\x80\x80"
     "b: 2\n",
     "dir/t.yaml:2:3: found U+3000, an ideographic blank; expected a blank"},
    {"a\xE2\x80\x8B: 1\n", "dir/t.yaml:1:2: found U+200B, an invisible zero-width space; remove it"},
    {"a: \xC2\xA0"
     "1\n",
     "dir/t.yaml:1:4: found U+00A0"},
    {"a: 1\xC2\xA0\n", "dir/t.yaml:1:5: found U+00A0"},
    {"a:\xC2\xA0"
     "1\n",
     "dir/t.yaml:1:3: found U+00A0"},
    {"a:\xC2\xA0"
     "1\nb: 2\n",
     "dir/t.yaml:1:3: found U+00A0"},
    {"a: [x, \xE2\x80\x89y]\n", "dir/t.yaml:1:8: found U+2009, a thin blank"},
    {"- \xEF\xBB\xBF"
     "a: 1\n",
     "dir/t.yaml:1:3: found U+FEFF, an invisible byte order mark; remove it"},
    {"a: b: c\n", "dir/t.yaml:1:5: mapping values are not allowed in this context"},
};

START_TEST(wrong_documents_are_refused_at_their_place) {
    ck_assert_ptr_null(parse(bad[_i].yaml));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_int_eq(errors.count, 1);
    ck_assert_msg(strstr(errors_text(&errors, 0), bad[_i].expected) == errors_text(&errors, 0),
                  "got      %s\nexpected %s", errors_text(&errors, 0), bad[_i].expected);
}
END_TEST

START_TEST(all_duplicate_keys_are_told) {
    ck_assert_ptr_null(parse("a: 1\nb: {c: 1, c: 2}\na: 3\nd: 4\na: 5\n"));
    ck_assert_int_eq(errors.count, 3);
    ck_assert_str_eq(errors_text(&errors, 0), "dir/t.yaml:2:11: key 'c' is already there, at line 2");
    ck_assert_str_eq(errors_text(&errors, 1), "dir/t.yaml:3:1: key 'a' is already there, at line 1");
    ck_assert_str_eq(errors_text(&errors, 2), "dir/t.yaml:5:1: key 'a' is already there, at line 1");
}
END_TEST

START_TEST(nul_bytes_do_not_end_a_file_in_silence) {
    static const char text[] = "a: 1\nb\0: 2\n";
    ck_assert_ptr_null(yaml_parse("t.yaml", text, sizeof text - 1, arena, &errors));
    ck_assert_str_eq(errors_text(&errors, 0), "t.yaml:2:2: a NUL byte; expected YAML as UTF-8 text");
}
END_TEST

static const struct {
    const char *piece, *line_start;
} nests[] = {{"[", ""}, {"{a: ", ""}, {"- ", ""}, {"? ", ""}, {"[{a: ", ""}, {"a:\n", " "}};

/* A text of `piece` repeated `depth` times, with growing indentation where `line_start` says so. */
static char *nest(const char *piece, const char *line_start, int depth) {
    const size_t row = strlen(piece) + strlen(line_start) * (size_t)depth;
    char *text = malloc(row * (size_t)depth + 2), *next = text;
    ck_assert_ptr_nonnull(text);
    for (int i = 0; i < depth; i++) {
        for (int j = 0; j < i && *line_start != '\0'; j++) {
            *next++ = ' ';
        }
        memcpy(next, piece, strlen(piece));
        next += strlen(piece);
    }
    *next = '\0';
    return text;
}

START_TEST(deep_nesting_is_refused) {
    const int depth = nests[_i].line_start[0] == '\0' ? 10000 : 1000;
    char *text = nest(nests[_i].piece, nests[_i].line_start, depth);
    ck_assert_ptr_null(parse(text));
    free(text);
    ck_assert_int_eq(errors.count, 1);
    const char *message = errors_text(&errors, 0);
    ck_assert_msg(strstr(message, "nested more than 32 deep") != NULL || strstr(message, "as a key") != NULL, "%s",
                  message);
}
END_TEST

START_TEST(depth_up_to_the_limit_is_allowed) {
    char text[2 * YAML_MAX_DEPTH + 1];
    memset(text, '[', YAML_MAX_DEPTH);
    memset(text + YAML_MAX_DEPTH, ']', YAML_MAX_DEPTH);
    text[2 * YAML_MAX_DEPTH] = '\0';
    parse_good(text);
}
END_TEST

START_TEST(very_many_values_are_refused) {
    char *text = malloc(4 * (YAML_MAX_NODES + 1) + 1), *next = text;
    for (int i = 0; i <= YAML_MAX_NODES; i++) {
        memcpy(next, "- 1\n", 4);
        next += 4;
    }
    *next = '\0';
    ck_assert_ptr_null(parse(text));
    ck_assert_str_eq(errors_text(&errors, 0), "dir/t.yaml:20000:3: more than 20000 values, expected an experiment");
    free(text);
}
END_TEST

START_TEST(long_keys_are_refused) {
    char key[YAML_MAX_KEY + 2] = {0}, text[YAML_MAX_KEY + 8];
    memset(key, 'k', YAML_MAX_KEY);
    snprintf(text, sizeof text, "%s: 1", key);
    parse_good(text);
    key[YAML_MAX_KEY] = 'k';
    snprintf(text, sizeof text, "%s: 1", key);
    ck_assert_ptr_null(parse(text));
    ck_assert_str_eq(errors_text(&errors, 0), "dir/t.yaml:1:1: a key of 129 bytes, expected at most 128");
}
END_TEST

START_TEST(too_much_text_is_refused) {
    char *text = malloc(YAML_MAX_BYTES + 1);
    memset(text, 'a', YAML_MAX_BYTES + 1);
    ck_assert_ptr_null(yaml_parse("t.yaml", text, YAML_MAX_BYTES + 1, arena, &errors));
    ck_assert_str_eq(errors_text(&errors, 0), "t.yaml: 4194305 bytes of YAML, expected at most 4194304");
    free(text);
}
END_TEST

START_TEST(files_are_read_or_refused_by_size) {
    const char *root = getenv("TMPDIR");
    char folder[4000], file[4096];
    snprintf(folder, sizeof folder, "%s/rondo-test-XXXXXX", root == NULL ? "/tmp" : root);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/a.yaml", folder);

    ck_assert_ptr_null(yaml_read(file, arena, &errors));
    ck_assert_int_eq(errors.status, RONDO_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "a.yaml': there is no such file"));
    errors_free(&errors);

    FILE *out = fopen(file, "w");
    fputs("a: {b: c}\n", out);
    fclose(out);
    const struct yaml_node *node = walk(yaml_read(file, arena, &errors), "a.b");
    ck_assert_ptr_nonnull(node);
    ck_assert_str_eq(node->folder, folder);
    ck_assert_str_eq(node->where.file, file);

    ck_assert_int_eq(truncate(file, 100 << 20), 0);
    ck_assert_ptr_null(yaml_read(file, arena, &errors));
    ck_assert_int_eq(errors.status, RONDO_INVALID);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "has 104857600 bytes, expected at most 4194304"));
    ck_assert_uint_lt(arena_capacity(arena), 1 << 20);

    ck_assert_int_eq(unlink(file), 0);
    errors_free(&errors);
    ck_assert_ptr_null(yaml_read(folder, arena, &errors));
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "is a folder, expected a regular file"));
    ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* The document after --set, as text; or the error. */
static const struct {
    const char *yaml, *assignment, *expected;
} sets[] = {
    {"a: 1\nb: 2\n", "a=3", "a: 3\nb: 2\n"},
    {"a: 1\n", "b=2", "a: 1\nb: 2\n"},
    {"a: {b: 1}\n", "a.b=x y", "a:\n  b: x y\n"},
    {"a: 1\n", "b.c.d=x", "a: 1\nb:\n  c:\n    d: x\n"},
    {"a:\n", "a.b=x", "a:\n  b: x\n"},
    {"a: {b: 1}\n", "a.\"b.c\"=x", "a:\n  b: 1\n  b.c: x\n"},
    {"a: {b.c: {d: 1}}\n", "a.\"b.c\".d=x", "a:\n  b.c:\n    d: x\n"},
    {"a: 1\n", "a.\"b=x", "--set a.\"b=x: a quote without another before the next dot in the path 'a.\"b'"},
    {"a: 1\n", "\"b\"c=x", "--set \"b\"c=x: a quote without another before the next dot in the path '\"b\"c'"},
    {"a: [1, 2, 3]\n", "a.1=x", "a:\n  - 1\n  - x\n  - 3\n"},
    {"a: [1]\n", "a.1=x", "a:\n  - 1\n  - x\n"},
    {"a: []\n", "a.0.c=x", "a:\n  - c: x\n"},
    {"a: 1\n", "a=[1, \"2\"]", "a:\n  - 1\n  - \"2\"\n"},
    {"a: 1\n", "a={b: {c: d}}", "a:\n  b:\n    c: d\n"},
    {"a: 1\n", "a=", "a:\n"},
    {"a: 1\nb: 2\n", "a=null", "b: 2\n"},
    {"a: {b: 1, c: 2}\n", "a.b=~", "a:\n  c: 2\n"},
    {"a: 1\n", "b=null", "a: 1\n"},
    {"a: 1\n", "a='null'", "a: \"null\"\n"},
    {"a: 1\n", "a=''", "a: \"\"\n"},
    {"a: 1\n", "a=b=c", "a: b=c\n"},
    {"a: 1\n", "a=N:1", "a: N:1\n"},
    {"a: 1\n", "a={}", "a: {}\n"},
    {"a: 1\n", "a", "--set a: no '=', expected path.to.key=value"},
    {"a: 1\n", "=1", "--set =1: an empty name in the path ''"},
    {"a: 1\n", "a..b=1", "--set a..b=1: an empty name in the path 'a..b'"},
    {"a: 1\n", "a.=1", "--set a.=1: an empty name in the path 'a.'"},
    {"a: 1\n", "a.b=1", "--set a.b=1: 'a' in 'a.b' has the value '1', expected a mapping or a sequence"},
    {"a: [1]\n", "a.2=1", "--set a.2=1: '2' is not a place in a sequence of 1, expected a number from 0 to 1"},
    {"a: [1]\n", "a.x=1", "--set a.x=1: 'x' is not a place in a sequence"},
    {"a: [1]\n", "a.-1=1", "--set a.-1=1: '-1' is not a place in a sequence"},
    {"a: [1]\n", "a.0x=1", "--set a.0x=1: '0x' is not a place in a sequence"},
    {"a: [1]\n", "a.99999999999999999999=1", "--set a.99999999999999999999=1: '99999999999999999999' is not a place"},
    {"a: 1\n", "a=[1", "--set a=[1: did not find expected ',' or ']'"},
    {"a: 1\n", "a=#x", "--set a=#x: no value"},
    {"a: 1\n", "a=&x 1", "--set a=&x 1: anchor '&x'"},
    {"a: 1\n", "a={b: 1, b: 2}", "--set a={b: 1, b: 2}: key 'b' is there twice"},
    {"a: 1\n", "a=\xFF", "--set a=\xFF: byte 0xff is not valid UTF-8"},
    {"text\n", "a=1", "--set a=1: the document is one text, expected a mapping"},
    {"a: 1\n", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "--set"},
    {"a: 1\n", "b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b.b=[1]", "--set"},
};

START_TEST(set_changes_or_refuses) {
    struct yaml_node *root = parse_good(sets[_i].yaml);
    const char *expected = sets[_i].expected;
    const rondo_status status = yaml_set(root, sets[_i].assignment, arena, &errors);
    if (strncmp(expected, "--set", 5) == 0) {
        ck_assert_int_eq(status, RONDO_INVALID);
        ck_assert_int_eq(errors.count, 1);
        ck_assert_msg(strncmp(errors_text(&errors, 0), expected, strlen(expected)) == 0, "got      %s\nexpected %s",
                      errors_text(&errors, 0), expected);
    } else {
        ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
        ck_assert_str_eq(yaml_write(root, arena), expected);
    }
}
END_TEST

START_TEST(set_values_stand_on_the_command_line) {
    struct yaml_node *root = parse_good("a:\n  b: 1\n");
    ck_assert_int_eq(yaml_set(root, "a.c={d: |-\n x\n}", arena, &errors), RONDO_INVALID); /* no blocks in braces */
    errors_free(&errors);
    ck_assert_int_eq(yaml_set(root, "a.c={d: e}", arena, &errors), RONDO_OK);
    const struct yaml_node *node = walk(root, "a.c.d");
    ck_assert_str_eq(node->where.file, "--set a.c={d: e}");
    ck_assert_int_eq(node->where.line, 0);
    ck_assert_int_eq(node->where.column, 0);
    ck_assert_int_eq(node->key_where.line, 0);
    ck_assert_str_eq(node->folder, ".");
    ck_assert_str_eq(walk(root, "a.b")->folder, "dir");
    ck_assert_str_eq(walk(root, "a.c")->key_where.file, "--set a.c={d: e}");
}
END_TEST

START_TEST(put_copies_a_value_with_its_place) {
    struct yaml_node *root = parse_good("a:\n  b: [1]\n");
    struct yaml_node *from = yaml_parse("other/o.yaml", "v: {c: [x]}\n", 12, arena, &errors);
    ck_assert_ptr_nonnull(from);
    ck_assert_int_eq(yaml_put(root, "a.b.0", yaml_get(from, "v"), arena, &errors), RONDO_OK);
    ck_assert_int_eq(yaml_put(root, "d.e", yaml_get(from, "v"), arena, &errors), RONDO_OK);
    struct yaml_node *node = yaml_get(walk(root, "a.b.0"), "c")->first;
    ck_assert_str_eq(node->where.file, "other/o.yaml");
    ck_assert_int_eq(node->where.column, 9);
    ck_assert_str_eq(walk(root, "d.e")->folder, "other");
    node->text = "changed"; /* in one of the copies */
    ck_assert_str_eq(yaml_write(from, arena), "v:\n  c:\n    - x\n");
    ck_assert_str_eq(walk(root, "d.e.c.0")->text, "x");
    ck_assert_int_eq(yaml_put(root, "a.b.7", yaml_get(from, "v"), arena, &errors), RONDO_INVALID);
    ck_assert_str_eq(errors_text(&errors, 0),
                     "other/o.yaml:1:4: '7' is not a place in a sequence of 1, expected a number from 0 to 1");
}
END_TEST

static const struct {
    const char *base, *over, *expected;
} merges[] = {
    {"a: 1\nb: 2\n", "b: 3\nc: 4\n", "a: 1\nb: 3\nc: 4\n"},
    {"a: {x: 1, y: 2}\nb: 1\n", "a: {y: 3, z: 4}\n", "a:\n  x: 1\n  y: 3\n  z: 4\nb: 1\n"},
    {"a: [1, 2]\nb: 1\n", "a: [3]\n", "a:\n  - 3\nb: 1\n"},
    {"a: {x: 1}\n", "a: 2\n", "a: 2\n"},
    {"a: 2\n", "a: {x: 1}\n", "a:\n  x: 1\n"},
    {"a: 2\nb: 1\n", "b:\n", "a: 2\nb:\n"},
    {"a: 2\nb: 1\n", "b: null\n", "a: 2\n"},
    {"a: {x: 1, y: 2}\n", "a: {x: ~, z: 3}\n", "a:\n  y: 2\n  z: 3\n"},
    {"a: 2\n", "b: null\n", "a: 2\n"},
    {"a: 1\n", "[1]\n", "- 1\n"},
    {"a: 1\n", "{}\n", "a: 1\n"},
    {"{}\n", "b: 1\nc: 2\n", "b: 1\nc: 2\n"},
};

START_TEST(merge_lays_one_tree_upon_another) {
    struct yaml_node *base = parse_good(merges[_i].base);
    struct yaml_node *over = yaml_parse("other/o.yaml", merges[_i].over, strlen(merges[_i].over), arena, &errors);
    ck_assert_ptr_nonnull(over);
    ck_assert_str_eq(yaml_write(yaml_merge(base, over), arena), merges[_i].expected);
}
END_TEST

START_TEST(merge_keeps_where_values_come_from) {
    struct yaml_node *base = parse_good("a: 1\nb: 2\n");
    struct yaml_node *over = yaml_parse("other/o.yaml", "b: 3\n", 5, arena, &errors);
    const struct yaml_node *root = yaml_merge(base, over);
    ck_assert_str_eq(walk(root, "a")->folder, "dir");
    ck_assert_str_eq(walk(root, "b")->folder, "other");
    ck_assert_str_eq(walk(root, "b")->where.file, "other/o.yaml");
}
END_TEST

static const char *const round_trips[] = {
    "a: \"1:1\"\nb: 1:1\nc: 'x'\nd: true\ne: \"true\"\n",
    "e: |\n  i = x\n  o = y\n",
    "e: |-\n  i = x\n",
    "e: |+\n  i = x\n\n\nf: 1\n",
    "e: |\n\n\n  i = x\nf: 1\n",
    "e: |2\n    i = x\n  o = y\nf: 1\n",
    "e: |2\n  \ti = x\nf: 1\n",
    "e: |\n  i = x \n  \n  o = y\nf: 1\n",
    "e: |2-\n   \n  x\nf: 1\n",
    "e: |+\n\n\nf: 1\n",
    "e: |\nf: 1\n",
    "l:\n- |2\n   x\n- k: |\n    y\n  m: [a, {b: c|}]\n",
    "--- |2\n   x\n",
    "--- '%x'\n",
    "--- \"---\"\n",
    "- []\n- {}\n- [[], [1, [2]]]\n- {a: {}, b: []}\n- - - 1\n    - 2\n",
    "a:\nb: ''\nc: ~\nl:\n-\n- x\n- \n",
    "a: >\n  folded\n  text\n\n  more\n",
    "a: plain over\n\n  three\n  lines\n",
    "a: \"tab\\t nl\\n nel\\N ls\\L bom\\uFEFF del\\x7f bell\\a quote\\\" back\\\\ \\U0001F600\"\n",
    "\"key with: colon\": 1\n\"#k\": 2\n\"- k\": 3\n\"\\n\": 4\n'\"': 5\n\"*\": 6\n\"true\": 7\n",
    "a: -b\nc: x#y\nd: -1\ne: ?x\nf: a,b\ng: \"[x\"\nh: 'a: b'\ni: x:y\n",
    "\xC3\xA9: \xE2\x82\xAC\ne: |\n  \xC3\xA9 = x\n",
    "a: [-]\nb: [x, -]\n",
    "e: |\n  a \xE2\x80\xA8\n  b\n",
};

static void check_same(const struct yaml_node *a, const struct yaml_node *b) {
    ck_assert_int_eq(a->kind, b->kind);
    ck_assert_pstr_eq(a->key, b->key);
    if (a->kind == YAML_SCALAR) {
        ck_assert_str_eq(a->text, b->text);
        /* text from several lines, and a single dash, are not numbers in any case */
        const int needs_quotes = strchr(a->text, '\n') != NULL || strcmp(a->text, "-") == 0;
        ck_assert_int_eq(a->quoted || needs_quotes, b->quoted);
        ck_assert_int_eq(a->literal && strstr(a->text, "\xE2\x80\xA8") == NULL, b->literal);
    }
    const struct yaml_node *left = a->first, *right = b->first;
    for (; left != NULL && right != NULL; left = left->next, right = right->next) {
        check_same(left, right);
    }
    ck_assert_ptr_eq(left, right); /* both ended */
}

START_TEST(written_trees_read_back_the_same) {
    struct yaml_node *tree = parse(round_trips[_i]);
    if (tree == NULL) { /* a row that libyaml refuses tests nothing */
        ck_abort_msg("%s", errors_text(&errors, 0));
    }
    const char *text = yaml_write(tree, arena);
    check_same(tree, parse_good(text));
    ck_assert_str_eq(yaml_write(parse_good(text), arena), text);
}
END_TEST

static const struct {
    const char *yaml, *expected;
} options[] = {
    {"a: 0.5", "0.5"},   {"a: '0.5'", "0.5"}, {"a: [0, 2]", "[0, 2]"},  {"a: []", "[]"},      {"a: [\"x\"]", "[x]"},
    {"a: {b: 1}", NULL}, {"a: [[1]]", NULL},  {"a: [1, {b: 1}]", NULL}, {"a:\n- 1\n", "[1]"}, {"a:", ""},
};

START_TEST(nodes_become_option_texts) {
    ck_assert_pstr_eq(yaml_option_text(walk(parse_good(options[_i].yaml), "a"), arena), options[_i].expected);
}
END_TEST

START_TEST(look_ups_are_safe_on_any_node) {
    struct yaml_node *root = parse_good("a: 1\nl: [1, 2]\nn:\nq: ''\n");
    ck_assert_ptr_null(yaml_get(NULL, "a"));
    ck_assert_ptr_null(yaml_get(root, "b"));
    ck_assert_ptr_null(yaml_get(yaml_get(root, "a"), "a"));
    ck_assert_ptr_null(yaml_get(yaml_get(root, "l"), "a"));
    ck_assert_int_eq(yaml_count(root), 4);
    ck_assert_int_eq(yaml_count(yaml_get(root, "l")), 2);
    ck_assert_int_eq(yaml_count(yaml_get(root, "a")), 0);
    ck_assert_int_eq(yaml_is_null(yaml_get(root, "n")), 1);
    ck_assert_int_eq(yaml_is_null(yaml_get(root, "q")), 0);
    ck_assert_int_eq(yaml_is_null(yaml_get(root, "l")), 0);
}
END_TEST

/* Random damage to good documents: whatever is still accepted must survive writing and reading. */
START_TEST(damaged_documents_never_break_the_reader) {
    static const char alphabet[] = "\n\n  :-,[]{}|>#&*!%\"'\\?@\t\rab01\xC3\xA9\xE2\x80\xA8";
    uint32_t state = 1;
    int accepted = 0;
    for (int round = 0; round < 4000; round++) {
        const char *from = round_trips[round % ROWS(round_trips)];
        char text[512];
        size_t length = strlen(from);
        memcpy(text, from, length);
        for (int change = 0; change < 1 + round % 4; change++) {
            state = state * 1664525u + 1013904223u;
            const size_t at = (state >> 8) % length;
            state = state * 1664525u + 1013904223u;
            text[at] = alphabet[(state >> 8) % (sizeof alphabet - 1)];
        }
        struct yaml_node *tree = yaml_parse("t.yaml", text, length, arena, &errors);
        ck_assert_int_eq(tree == NULL, errors.count > 0);
        if (tree != NULL) {
            const char *once = yaml_write(tree, arena);
            struct yaml_node *again = yaml_parse("t.yaml", once, strlen(once), arena, &errors);
            ck_assert_msg(again != NULL, "round %d: %s\n%.*s\n--- became\n%s", round, errors_text(&errors, 0),
                          (int)length, text, once);
            ck_assert_str_eq(yaml_write(again, arena), once);
            accepted++;
        }
        errors_free(&errors);
        arena_reset(arena);
    }
    ck_assert_int_gt(accepted, 400);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("yaml");
    TCase *cases = tcase_create("yaml");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, values_have_their_text_and_place, 0, ROWS(values));
    tcase_add_test(cases, keys_have_their_place);
    tcase_add_loop_test(cases, literal_blocks_know_the_lines_of_the_file, 0, ROWS(literals));
    tcase_add_loop_test(cases, wrong_documents_are_refused_at_their_place, 0, ROWS(bad));
    tcase_add_test(cases, all_duplicate_keys_are_told);
    tcase_add_test(cases, nul_bytes_do_not_end_a_file_in_silence);
    tcase_add_loop_test(cases, deep_nesting_is_refused, 0, ROWS(nests));
    tcase_add_test(cases, depth_up_to_the_limit_is_allowed);
    tcase_add_test(cases, very_many_values_are_refused);
    tcase_add_test(cases, long_keys_are_refused);
    tcase_add_test(cases, too_much_text_is_refused);
    tcase_add_test(cases, files_are_read_or_refused_by_size);
    tcase_add_loop_test(cases, set_changes_or_refuses, 0, ROWS(sets));
    tcase_add_test(cases, set_values_stand_on_the_command_line);
    tcase_add_test(cases, put_copies_a_value_with_its_place);
    tcase_add_loop_test(cases, merge_lays_one_tree_upon_another, 0, ROWS(merges));
    tcase_add_test(cases, merge_keeps_where_values_come_from);
    tcase_add_loop_test(cases, written_trees_read_back_the_same, 0, ROWS(round_trips));
    tcase_add_loop_test(cases, nodes_become_option_texts, 0, ROWS(options));
    tcase_add_test(cases, look_ups_are_safe_on_any_node);
    tcase_add_test(cases, damaged_documents_never_break_the_reader);
    tcase_set_timeout(cases, 60);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
