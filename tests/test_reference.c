/* tests/test_reference.c: the pages of docs/reference are those that the program writes, the schema of experiments is
 * consistent, and the examples on the pages work. */
#include <check.h>
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

/* ---- the committed files ---- */

/* The names of the files that `rondo list --reference` writes; the schema is the last. */
static const char *const files[] = {
    "ops.md",   "optimizers.md", "losses.md", "schedules.md",  "metrics.md",
    "cells.md", "blocks.md",     "reader.md", "experiment.md", "experiment.schema.json"};
enum { FILES = sizeof files / sizeof files[0], SCHEMA = FILES - 1 };

/* Writes the files into a folder of the sandbox; `environment` as in struct call. */
static void write_reference(const char *folder, const char *environment) {
    char arguments[128];
    snprintf(arguments, sizeof arguments, "list --reference %s", folder);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments, .environment = environment});
    assert_status(arguments, &outcome, 0);
    ck_assert_str_eq(outcome.out, "");
    ck_assert_str_eq(outcome.err, "");
}

static int count_files(const char *folder) {
    DIR *stream = opendir(folder);
    ck_assert_msg(stream != NULL, "there is no folder '%s'", folder);
    int count = 0;
    for (const struct dirent *item; (item = readdir(stream)) != NULL;) {
        count += item->d_name[0] != '.';
    }
    closedir(stream);
    return count;
}

/* The number of the first line that differs. */
static int first_difference(const char *a, const char *b) {
    int line = 1;
    for (; *a == *b && *a != '\0'; a++, b++) {
        line += *a == '\n';
    }
    return line;
}

START_TEST(committed_file_is_what_the_program_writes) {
    write_reference("pages", NULL);
    const char *written = sandbox_read(sandbox_path("pages/%s", files[_i]), NULL);
    const char *committed =
        sandbox_read(sandbox_path("%s/docs/reference/%s", variable("RONDO_SOURCE"), files[_i]), NULL);
    ck_assert_msg(strcmp(written, committed) == 0,
                  "docs/reference/%s is not what the program writes, from line %d on: run make reference", files[_i],
                  first_difference(written, committed));
}
END_TEST

START_TEST(there_are_no_other_files) {
    write_reference("pages", NULL);
    ck_assert_int_eq(count_files(sandbox_path("pages")), FILES);
    ck_assert_int_eq(count_files(sandbox_path("%s/docs/reference", variable("RONDO_SOURCE"))), FILES);
}
END_TEST

/* Plug-ins of a user, and the place of the build, do not change the pages. */
START_TEST(pages_tell_of_what_ships_alone) {
    sandbox_write("own/mine.yaml", "cell: mine\nstate: [h]\nequations: |\n  h' = tanh(x @ W + h @ U)\n");
    char environment[512];
    snprintf(environment, sizeof environment, "RONDO_CELL_PATH=%s", sandbox_path("own"));
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = "list cell/mine", .environment = environment});
    assert_status("list cell/mine", &outcome, 0);
    write_reference("pages", NULL);
    write_reference("with-own", environment);
    for (int i = 0; i < FILES; i++) {
        const char *text = sandbox_read(sandbox_path("pages/%s", files[i]), NULL);
        ck_assert_str_eq(text, sandbox_read(sandbox_path("with-own/%s", files[i]), NULL));
        ck_assert_ptr_null(strstr(text, variable("RONDO_SOURCE")));
        ck_assert_ptr_null(strstr(text, variable("RONDO_TEST_PLUGINS")));
    }
}
END_TEST

START_TEST(mistake_leaves_no_files) {
    static const char *const mistakes[] = {"list --reference pages optimizer", "list --reference pages --json",
                                           "list --reference pages --plugin e.so"};
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct outcome outcome = sandbox_run((struct call){.arguments = mistakes[i]});
        assert_status(mistakes[i], &outcome, 2);
        assert_parts(mistakes[i], outcome.err, "--reference writes the pages of everything that ships");
        ck_assert(!sandbox_has("pages"));
    }
}
END_TEST

/* ---- the schema ---- */

static json_t *parse(const char *what, const char *text) {
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(value != NULL, "%s: no JSON: %s, line %d", what, error.text, error.line);
    return value;
}

static json_t *read_schema(void) {
    write_reference("pages", NULL);
    return parse(files[SCHEMA], sandbox_read(sandbox_path("pages/%s", files[SCHEMA]), NULL));
}

/* The value that "#/a/b" points to; NULL: there is none. */
static const json_t *find_target(const json_t *root, const char *pointer) {
    char text[512];
    ck_assert_uint_lt(strlen(pointer), sizeof text);
    snprintf(text, sizeof text, "%s", pointer);
    const json_t *at = text[0] == '#' ? root : NULL;
    for (char *key = strtok(text + 1, "/"); key != NULL && at != NULL; key = strtok(NULL, "/")) {
        at = json_object_get(at, key);
    }
    return at;
}

/* The number of references below a value; each must point to an existing value. */
static int check_references(const json_t *root, json_t *value) {
    int count = 0;
    const char *key;
    json_t *child;
    size_t index;
    json_object_foreach(value, key, child) {
        if (strcmp(key, "$ref") == 0) {
            ck_assert_msg(find_target(root, json_string_value(child)) != NULL, "'%s' leads nowhere",
                          json_string_value(child));
            count++;
        }
        count += check_references(root, child);
    }
    json_array_foreach(value, index, child) {
        count += check_references(root, child);
    }
    return count;
}

START_TEST(every_reference_of_the_schema_leads_somewhere) {
    json_t *schema = read_schema();
    ck_assert_int_gt(check_references(schema, schema), 100);
    json_decref(schema);
}
END_TEST

/* 1 if the names that a key accepts include this one, with a summary. */
static int offers(const json_t *names, const char *name) {
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(names, "anyOf"), index, item) {
        const char *known = json_string_value(json_object_get(item, "const"));
        if (known != NULL && strcmp(known, name) == 0) {
            return json_string_length(json_object_get(item, "description")) > 0;
        }
    }
    return 0;
}

/* A kind of `rondo list`, and the place in the schema where its entries may be named. */
static const struct {
    const char *kind, *place;
    int wrappers, least;
} named[] = {
    {"optimizer", "#/properties/optimizer/properties/plugin", 0, 10},
    {"optimizer", "#/properties/optimizer/properties/wrappers/items/properties/plugin", 1, 3},
    {"loss", "#/properties/loss/properties/plugin", 0, 10},
    {"loss", "#/properties/loss/properties/sum/items/properties/plugin", 0, 10},
    {"schedule", "#/properties/schedule/properties/learning_rate/properties/plugin", 0, 8},
    {"metric", "#/properties/metrics/items/properties/plugin", 0, 10},
    {"cell", "#/properties/model/properties/layers/items/properties/cell", 0, 40},
    {"cell", "#/properties/model/properties/encoder/items/properties/cell", 0, 40},
    {"block", "#/properties/model/properties/layers/items/properties/block", 0, 2},
};

/* The entries of a kind; freed by the caller. */
static json_t *list(const char *kind) {
    char arguments[64];
    snprintf(arguments, sizeof arguments, "list %s --json", kind);
    const struct outcome outcome = sandbox_run((struct call){.arguments = arguments});
    assert_status(arguments, &outcome, 0);
    return parse(arguments, outcome.out);
}

START_TEST(schema_offers_everything_that_can_be_named) {
    json_t *schema = read_schema(), *entries = list(named[_i].kind);
    const json_t *names = find_target(schema, named[_i].place);
    ck_assert_msg(names != NULL, "there is no '%s'", named[_i].place);
    int count = 0;
    size_t index;
    const json_t *entry;
    json_array_foreach(entries, index, entry) {
        const char *name = json_string_value(json_object_get(entry, "name"));
        const int is_here = json_is_true(json_object_get(entry, "wrapper")) == named[_i].wrappers;
        ck_assert_msg(offers(names, name) == is_here, "'%s' %s '%s'", named[_i].place,
                      is_here ? "does not offer" : "offers", name);
        count += is_here;
        size_t k;
        const json_t *option;
        json_array_foreach(json_object_get(entry, "options"), k, option) {
            char pointer[256];
            snprintf(pointer, sizeof pointer, "#/$defs/%s.%s/properties/%s/description", named[_i].kind, name,
                     json_string_value(json_object_get(option, "key")));
            ck_assert_msg(find_target(schema, pointer) != NULL, "there is no '%s'", pointer);
        }
    }
    ck_assert_int_ge(count, named[_i].least);
    json_decref(entries);
    json_decref(schema);
}
END_TEST

/* Every key of every section is at its place. */
START_TEST(schema_has_every_key_of_a_section) {
    json_t *schema = read_schema(), *sections = list("experiment");
    size_t index;
    const json_t *section;
    ck_assert_uint_ge(json_array_size(sections), 10);
    json_array_foreach(sections, index, section) {
        char place[256] = "#", pointer[512], name[128];
        snprintf(name, sizeof name, "%s", json_string_value(json_object_get(section, "name")));
        for (const char *part = strtok(name, "."); part != NULL; part = strtok(NULL, ".")) {
            const size_t length = strlen(place);
            snprintf(place + length, sizeof place - length, part[0] == 'N' ? "/items%.0s" : "/properties/%s", part);
        }
        static const char *const tables[] = {"options", "keys"};
        for (int t = 0; t < 2; t++) {
            size_t k;
            const json_t *key;
            json_array_foreach(json_object_get(section, tables[t]), k, key) {
                snprintf(pointer, sizeof pointer, "%s/properties/%s/description", place,
                         json_string_value(json_object_get(key, "key")));
                ck_assert_msg(find_target(schema, pointer) != NULL, "there is no '%s'", pointer);
            }
        }
    }
    json_decref(sections);
    json_decref(schema);
}
END_TEST

/* ---- examples ---- */

static const char *const with_examples[] = {"optimizer", "schedule", "cell"};

/* `rondo check` accepts each in place of the section of a small experiment. Losses need targets of many kinds, so
 * theirs are checked where they are trained. */
START_TEST(examples_are_experiments) {
    tiny_write();
    json_t *entries = list(with_examples[_i]);
    size_t index;
    const json_t *entry;
    json_array_foreach(entries, index, entry) {
        const char *example = json_string_value(json_object_get(entry, "example"));
        if (strstr(example, "encoder:") != NULL) {
            continue; /* these data have no source */
        }
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)strcspn(example, ":") + 1, example);
        tiny_edit("example.yaml", key, example);
        const struct outcome outcome = sandbox_run((struct call){.arguments = "check example.yaml"});
        assert_status(example, &outcome, 0);
    }
    ck_assert_uint_ge(json_array_size(entries), 8);
    json_decref(entries);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reference");
    TCase *cases = tcase_create("reference");
    tcase_set_timeout(cases, 250);
    tcase_add_checked_fixture(cases, sandbox_open, sandbox_close);
    tcase_add_loop_test(cases, committed_file_is_what_the_program_writes, 0, FILES);
    tcase_add_test(cases, there_are_no_other_files);
    tcase_add_test(cases, pages_tell_of_what_ships_alone);
    tcase_add_test(cases, mistake_leaves_no_files);
    tcase_add_test(cases, every_reference_of_the_schema_leads_somewhere);
    tcase_add_loop_test(cases, schema_offers_everything_that_can_be_named, 0, sizeof named / sizeof named[0]);
    tcase_add_test(cases, schema_has_every_key_of_a_section);
    tcase_add_loop_test(cases, examples_are_experiments, 0, sizeof with_examples / sizeof with_examples[0]);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
