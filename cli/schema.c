/* cli/schema.c: the JSON Schema of experiments (draft 2020-12), made from the sections and their options. Editors use it
 * to complete keys, to show their help, and to mark mistakes.
 *
 * The options of a plug-in or cell depend on its name. The schema says so with "if" and "then"; with "oneOf", a
 * validator would report every mistake once for each plug-in. A name that is not in the catalogue is assumed to be a
 * plug-in of the user, and all keys are accepted for it. If a file extends another one, required keys may be in the
 * extended file, so they are required only in a file that extends none.
 */
#include <string.h>

#include "cli/catalogue_write.h"
#include "cli/schema_option.h"

struct schema {
    const struct catalogue *catalogue;
    struct arena *arena;
    struct json_builder *builder;
};

static json_t *section_schema(const struct schema *schema, const struct experiment_section *section);

/* ---- pieces ---- */

static void set(const struct schema *schema, json_t *object, const char *key, json_t *value) {
    json_set(schema->builder, object, key, value);
}

static void append(const struct schema *schema, json_t *array, json_t *value) {
    json_append(schema->builder, array, value);
}

/* Sets a key, unless its value is empty. */
static void set_unless_empty(const struct schema *schema, json_t *object, const char *key, json_t *value) {
    if (json_object_size(value) + json_array_size(value) > 0) {
        set(schema, object, key, value);
    } else {
        json_decref(value);
    }
}

/* {if: {properties: {key: {enum: names}}, required: [key]}, then: …}: a single name becomes a const. */
static json_t *condition(const struct schema *schema, const char *key, json_t *names, json_t *then) {
    const int is_one = json_array_size(names) == 1;
    json_t *value = json_object(), *properties = json_object(), *when = json_object(), *result = json_object();
    set(schema, value, is_one ? "const" : "enum", json_incref(is_one ? json_array_get(names, 0) : names));
    json_decref(names);
    set(schema, properties, key, value);
    set(schema, when, "properties", properties);
    set(schema, when, "required", json_pack("[s]", key));
    set(schema, result, "if", when);
    set(schema, result, "then", then);
    return result;
}

/* ---- names of plug-ins and cells ---- */

static int may_be_named(const struct entry *entry, const struct experiment_section *section, int32_t value) {
    return value == EXPERIMENT_CELL     ? strcmp(entry->kind, KIND_CELL) == 0
           : value == EXPERIMENT_BLOCK  ? strcmp(entry->kind, KIND_BLOCK) == 0
           : value == EXPERIMENT_READER ? entry->reader != NULL
                                        : entry_fits(entry, section);
}

/* Known names, each with its summary, and any other text; but no optimizer in place of a wrapper, nor a wrapper in place
 * of an optimizer. */
static json_t *name_schema(const struct schema *schema, const struct experiment_section *section,
                           const struct experiment_key *key) {
    json_t *object = json_object(), *names = json_array(), *wrong = json_array(), *not_wrong = json_object();
    for (int32_t i = 0; i < schema->catalogue->count; i++) {
        const struct entry *entry = &schema->catalogue->entries[i];
        if (may_be_named(entry, section, key->value)) {
            append(schema, names, json_pack("{s:s, s:s}", "const", entry->name, "description", entry->summary));
        } else if (key->value == EXPERIMENT_PLUGIN && entry->descriptor != NULL &&
                   entry->descriptor->kind == section->plugin_kind) {
            append(schema, wrong, json_string(entry->name));
        }
    }
    if (key->value != EXPERIMENT_READER) {
        append(schema, names, json_pack("{s:s}", "description", "the name of your own plug-in, cell or block"));
    }
    set(schema, object, "description", json_string(key->help));
    set(schema, object, "type", json_string("string"));
    set(schema, object, "minLength", json_integer(1));
    set(schema, object, "anyOf", names);
    set_unless_empty(schema, not_wrong, "enum", wrong);
    set_unless_empty(schema, object, "not", not_wrong);
    return object;
}

/* ---- sections inside ---- */

/* Iterates over the sections directly inside a section; *index begins at 0. NULL after the last. */
static const char *next_inner(const struct schema *schema, const struct experiment_section *outer, int32_t *index,
                              struct experiment_section *inner) {
    while ((*inner = experiment_section((*index)++)).name != NULL) {
        const char *key = NULL;
        if (section_is_in(inner, outer->name, schema->arena, &key)) {
            schema->builder->failed |= key == NULL;
            return key == NULL ? "" : key;
        }
    }
    return NULL;
}

/* ---- what varies ---- */

/* A pattern for the keys of experiments that a comparison can vary: "^(data|model)(\\.|$)". */
static const char *varied_pattern(const struct schema *schema) {
    const struct experiment_section top = experiment_section(0);
    const char *names = "";
    for (const struct experiment_key *key = top.keys; key->name != NULL && names != NULL; key++) {
        names = compare_may_vary(key->name) ? arena_printf(schema->arena, "%s|%s", names, key->name) : names;
    }
    struct experiment_section inner;
    const char *key;
    for (int32_t i = 0; names != NULL && (key = next_inner(schema, &top, &i, &inner)) != NULL;) {
        names = compare_may_vary(key) ? arena_printf(schema->arena, "%s|%s", names, key) : names;
    }
    return names == NULL ? "" : arena_printf(schema->arena, "^(%s)(\\.|$)", names + 1);
}

/* {PATTERN: value} */
static json_t *of_varied_keys(const struct schema *schema, json_t *value) {
    json_t *object = json_object();
    const char *pattern = varied_pattern(schema);
    set(schema, object, pattern == NULL ? "" : pattern, value);
    return object;
}

/* A list of values, or a range of numbers. */
static json_t *varied_schema(const struct schema *schema) {
    json_t *properties = json_object(), *required = json_array();
    for (const rondo_option *option = compare_range_table; option->key != NULL; option++) {
        set(schema, properties, option->key, option_schema(schema->builder, option));
        if (option->default_text == NULL) {
            append(schema, required, json_string(option->key));
        }
    }
    return json_pack("{s:s, s:[s, s], s:i, s:o, s:o, s:b}", "description",
                     "a key of the experiment that varies: a list of values, or a range of numbers", "type", "array",
                     "object", "minItems", 1, "properties", properties, "required", required, "additionalProperties",
                     0);
}

static json_t *variants_schema(const struct schema *schema) {
    json_t *name = json_pack("{s:s, s:[s, s]}", "description", "the name of the variant", "type", "string", "number");
    json_t *items =
        json_pack("{s:s, s:{s:o}, s:b}", "type", "object", "properties", "name", name, "additionalProperties", 0);
    set(schema, items, "patternProperties", of_varied_keys(schema, json_true()));
    return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items", items);
}

static json_t *key_schema(const struct schema *schema, const struct experiment_section *section,
                          const struct experiment_key *key) {
    json_t *object, *text = json_pack("{s:s, s:i}", "type", "string", "minLength", 1);
    switch (key->value) {
    case EXPERIMENT_CHOICE:
        object = json_object();
        set(schema, object, "enum", json_texts(schema->builder, key->choices));
        break;
    case EXPERIMENT_FILES:
        object = json_pack("{s:s, s:O}", "type", "array", "items", text);
        break;
    case EXPERIMENT_BATCH:
        object = json_pack("{s:[s, s], s:i, s:i, s:{s:{s:s, s:i}}, s:[s], s:b}", "type", "integer", "object", "minimum",
                           1, "maximum", 65536, "properties", "steps", "type", "integer", "minimum", 1, "required",
                           "steps", "additionalProperties", 0);
        break;
    case EXPERIMENT_PATTERNS:
    case EXPERIMENT_METRICS:
    case EXPERIMENT_LABELS:
        object = json_pack("{s:[s, s], s:i, s:i, s:O}", "type", "string", "array", "minLength", 1, "minItems", 1,
                           "items", text);
        break;
    case EXPERIMENT_DATA:
        object = json_pack("{s:[s, s, s], s:i, s:i, s:O}", "type", "string", "array", "object", "minLength", 1,
                           "minItems", 1, "items", text);
        break;
    case EXPERIMENT_COLUMNS:
        object = json_pack("{s:s, s:{s:[s, s], s:i}}", "type", "object", "additionalProperties", "type", "string",
                           "integer", "minLength", 1);
        break;
    case EXPERIMENT_SEEDS:
        object = json_pack("{s:[s, s], s:i, s:i, s:b, s:{s:s, s:i}}", "type", "integer", "array", "minimum", 1,
                           "minItems", 1, "uniqueItems", 1, "items", "type", "integer", "minimum", 0);
        break;
    case EXPERIMENT_VARIANTS:
        object = variants_schema(schema);
        break;
    case EXPERIMENT_NUMBER:
        object = json_pack("{s:s}", "type", "number");
        break;
    case EXPERIMENT_READER:
    case EXPERIMENT_PLUGIN:
    case EXPERIMENT_CELL:
    case EXPERIMENT_BLOCK:
        object = name_schema(schema, section, key);
        break;
    default:
        object = json_incref(text);
        break;
    }
    json_decref(text);
    set(schema, object, "description", json_string(key->help));
    return object;
}

/* ---- sections ---- */

/* The key of the section that names a plug-in or a cell; NULL: there is none. */
static const struct experiment_key *naming_key(const struct experiment_section *section) {
    for (const struct experiment_key *key = section->keys; key != NULL && key->name != NULL; key++) {
        if (key->value == EXPERIMENT_PLUGIN || key->value == EXPERIMENT_CELL || key->value == EXPERIMENT_BLOCK ||
            key->value == EXPERIMENT_READER) {
            return key;
        }
    }
    return NULL;
}

/* The names of options that must be given. */
static json_t *required_options(const struct schema *schema, const rondo_option *option) {
    json_t *array = json_array();
    for (; option != NULL && option->key != NULL; option++) {
        if (option->default_text == NULL) {
            append(schema, array, json_string(option->key));
        }
    }
    return array;
}

/* The names of all keys that a section requires. */
static json_t *required_keys(const struct schema *schema, const struct experiment_section *section) {
    json_t *array = required_options(schema, section->table);
    for (const struct experiment_key *key = section->keys; key != NULL && key->name != NULL; key++) {
        if (key->default_text == NULL) {
            append(schema, array, json_string(key->name));
        }
    }
    struct experiment_section inner;
    const char *key;
    for (int32_t i = 0; (key = next_inner(schema, section, &i, &inner)) != NULL;) {
        if ((inner.flags & SECTION_REQUIRED) != 0) {
            append(schema, array, json_string(key));
        }
    }
    return array;
}

/* The options of an entry, as references to their definitions. */
static void add_references(const struct schema *schema, json_t *properties, const struct entry *entry) {
    for (const rondo_option *option = entry->options; option != NULL && option->key != NULL; option++) {
        const char *target =
            arena_printf(schema->arena, "#/$defs/%s.%s/properties/%s", entry->kind, entry->name, option->key);
        set(schema, properties, option->key, target == NULL ? NULL : json_pack("{s:s}", "$ref", target));
    }
}

/* The keys that a section always has; they are described in the section itself. */
static void add_own_keys(const struct schema *schema, json_t *properties, const struct experiment_section *section) {
    for (const struct experiment_key *key = section->keys; key != NULL && key->name != NULL; key++) {
        set(schema, properties, key->name, json_true());
    }
    for (const rondo_option *option = section->table; option != NULL && option->key != NULL; option++) {
        set(schema, properties, option->key, json_true());
    }
}

/* A list whose items take options of the plug-in that the surrounding section names, for one plug-in. */
static json_t *outer_list(const struct schema *schema, const struct experiment_section *section,
                          const struct entry *entry) {
    json_t *properties = json_object();
    add_own_keys(schema, properties, section);
    add_references(schema, properties, entry);
    return json_pack("{s:{s:o, s:b}}", "items", "properties", properties, "additionalProperties", 0);
}

/* The keys of a section that names `entry`: those that it always has, and the entry's options. */
static json_t *named_schema(const struct schema *schema, const struct experiment_section *section,
                            const struct entry *entry) {
    json_t *properties = json_object(), *object = json_object();
    add_own_keys(schema, properties, section);
    struct experiment_section inner;
    const char *key;
    for (int32_t i = 0; (key = next_inner(schema, section, &i, &inner)) != NULL;) {
        set(schema, properties, key,
            (inner.flags & SECTION_OUTER_PLUGIN) != 0 ? outer_list(schema, &inner, entry) : json_true());
    }
    add_references(schema, properties, entry);
    set(schema, object, "properties", properties);
    set(schema, object, "additionalProperties", json_false());
    if (section_is_item(section)) { /* a list replaces the list of the extended file, so its items are complete */
        set_unless_empty(schema, object, "required", required_options(schema, entry->options));
    }
    return object;
}

/* One condition per name; names without options share one. */
static json_t *conditions(const struct schema *schema, const struct experiment_section *section,
                          const struct experiment_key *naming) {
    json_t *array = json_array(), *plain = json_array();
    const struct entry *any = NULL;
    for (int32_t i = 0; i < schema->catalogue->count; i++) {
        const struct entry *entry = &schema->catalogue->entries[i];
        if (!may_be_named(entry, section, naming->value)) {
            continue;
        }
        if (entry->options == NULL || entry->options->key == NULL) {
            append(schema, plain, json_string(entry->name));
            any = entry;
        } else {
            append(
                schema, array,
                condition(schema, naming->name, json_pack("[s]", entry->name), named_schema(schema, section, entry)));
        }
    }
    if (any != NULL) {
        append(schema, array, condition(schema, naming->name, json_incref(plain), named_schema(schema, section, any)));
    }
    json_decref(plain);
    struct experiment_section inner;
    const char *key;
    for (int32_t i = 0; (key = next_inner(schema, section, &i, &inner)) != NULL;) {
        if ((inner.flags & SECTION_ALONE) != 0) {
            append(schema, array,
                   json_pack("{s:{s:[s]}, s:{s:{s:b}, s:b}}", "if", "required", key, "then", "properties", key, 1,
                             "additionalProperties", 0));
        }
    }
    return array;
}

/* A section inside another one, or a list of such sections. */
static json_t *inner_schema(const struct schema *schema, const struct experiment_section *section) {
    json_t *object = section_schema(schema, section);
    if (!section_is_item(section)) {
        return object;
    }
    json_t *list = json_pack("{s:s, s:s}", "description", section->summary, "type", "array");
    if (section->least > 0) {
        set(schema, list, "minItems", json_integer(section->least));
    }
    if (section->most > 0) {
        set(schema, list, "maxItems", json_integer(section->most));
    }
    set_unless_empty(schema, object, "required", required_keys(schema, section));
    if ((section->flags & SECTION_OR_TEXT) != 0) { /* the keywords for objects do not apply to texts */
        set(schema, object, "type", json_pack("[s, s]", "object", "string"));
        set(schema, object, "minLength", json_integer(1));
    }
    set(schema, list, "items", object);
    return list;
}

/* Moves what a form of items requires to an object of its own. */
static json_t *take_rules(const struct schema *schema, json_t *items) {
    static const char *const rules[] = {"required", "allOf"};
    json_t *taken = json_object();
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        json_t *rule = json_object_get(items, rules[i]);
        if (rule != NULL) {
            set(schema, taken, rules[i], json_incref(rule));
            json_object_del(items, rules[i]);
        }
    }
    return taken;
}

/* Adds the items of `other` to the schema of a list: those that have the first key of their section. All properties are in one
 * place, as editors want it. */
static void add_other_form(const struct schema *schema, json_t *list, const struct experiment_section *section,
                           json_t *other) {
    json_t *items = json_object_get(list, "items"), *more = json_object_get(other, "items");
    json_t *then = take_rules(schema, more), *otherwise = take_rules(schema, items);
    schema->builder->failed |=
        json_object_update_missing(json_object_get(items, "properties"), json_object_get(more, "properties")) != 0;
    set(schema, items, "if", json_pack("{s:[s]}", "required", section->keys->name));
    set(schema, items, "then", then);
    set(schema, items, "else", otherwise);
    json_decref(other);
}

static json_t *section_schema(const struct schema *schema, const struct experiment_section *section) {
    json_t *object = json_pack("{s:s, s:s}", "description", section->summary, "type", "object");
    json_t *properties = json_object();
    for (const struct experiment_key *key = section->keys; key != NULL && key->name != NULL; key++) {
        set(schema, properties, key->name, key_schema(schema, section, key));
    }
    for (const rondo_option *option = section->table; option != NULL && option->key != NULL; option++) {
        set(schema, properties, option->key, option_schema(schema->builder, option));
    }
    struct experiment_section inner;
    const char *key;
    for (int32_t i = 0; (key = next_inner(schema, section, &i, &inner)) != NULL;) {
        json_t *described = inner_schema(schema, &inner);
        if ((inner.flags & SECTION_OTHER_FORM) != 0) {
            add_other_form(schema, json_object_get(properties, key), &inner, described);
        } else {
            set(schema, properties, key, described);
        }
    }
    set(schema, object, "properties", properties);
    if ((section->flags & SECTION_DURATION) != 0) {
        set(schema, object, "not", json_pack("{s:[s, s]}", "required", "steps", "epochs"));
    }
    if ((section->flags & SECTION_VARIES) != 0) {
        set(schema, object, "patternProperties", of_varied_keys(schema, varied_schema(schema)));
    }
    const struct experiment_key *naming = naming_key(section);
    if (naming != NULL) {
        set_unless_empty(schema, object, "allOf", conditions(schema, section, naming));
    } else if ((section->flags & SECTION_OUTER_PLUGIN) == 0) {
        set(schema, object, "additionalProperties", json_false());
    }
    return object;
}

/* ---- required keys ---- */

/* The keys that a section requires in a file that extends none. Those of list items are required everywhere already. */
static json_t *complete_schema(const struct schema *schema, const struct experiment_section *section) {
    json_t *object = json_object(), *properties = json_object(), *all = json_array();
    json_t *required = required_keys(schema, section);
    struct experiment_section inner;
    const char *key, *alone = NULL;
    for (int32_t i = 0; (key = next_inner(schema, section, &i, &inner)) != NULL;) {
        alone = (inner.flags & SECTION_ALONE) != 0 ? key : alone;
        if (!section_is_item(&inner)) {
            set_unless_empty(schema, properties, key, complete_schema(schema, &inner));
        }
    }
    const struct experiment_key *naming = naming_key(section);
    for (int32_t i = 0; naming != NULL && i < schema->catalogue->count; i++) {
        const struct entry *entry = &schema->catalogue->entries[i];
        json_t *options = required_options(schema, entry->options);
        if (may_be_named(entry, section, naming->value) && json_array_size(options) > 0) {
            append(schema, all,
                   condition(schema, naming->name, json_pack("[s]", entry->name),
                             json_pack("{s:O}", "required", options)));
        }
        json_decref(options);
    }
    if (alone == NULL) {
        set_unless_empty(schema, object, "required", required);
    } else {
        append(schema, all, json_pack("{s:{s:[s]}, s:{s:o}}", "if", "required", alone, "else", "required", required));
    }
    set_unless_empty(schema, object, "properties", properties);
    set_unless_empty(schema, object, "allOf", all);
    return object;
}

/* ---- the complete schema ---- */

/* An option of an entry: one that a reader has by stream is a single value, or a mapping of streams to values. */
static json_t *entry_option_schema(const struct schema *schema, const struct entry *entry, const rondo_option *option) {
    json_t *single = option_schema(schema->builder, option);
    if (entry->reader == NULL || !reader_is_by_stream(entry->reader, option)) {
        return single;
    }
    json_t *properties = json_object(), *object = json_object();
    for (const char *const *stream = entry->reader->by_stream->streams; *stream != NULL; stream++) {
        set(schema, properties, *stream, json_incref(single));
    }
    set(schema, object, "description", json_incref(json_object_get(single, "description")));
    set(schema, object, "anyOf",
        json_pack("[o, {s:s, s:o, s:b}]", single, "type", "object", "properties", properties, "additionalProperties",
                  0));
    return object;
}

/* The options of every plug-in and cell, defined once. */
static json_t *definitions(const struct schema *schema) {
    json_t *all = json_object();
    for (int32_t i = 0; i < schema->catalogue->count; i++) {
        const struct entry *entry = &schema->catalogue->entries[i];
        const int is_op = entry->descriptor != NULL && entry->descriptor->kind == RONDO_KIND_OP;
        if (is_op || entry->section != NULL || entry->options == NULL || entry->options->key == NULL) {
            continue; /* ops are named in equations, not in experiments */
        }
        json_t *properties = json_object();
        for (const rondo_option *option = entry->options; option->key != NULL; option++) {
            set(schema, properties, option->key, entry_option_schema(schema, entry, option));
        }
        const char *name = arena_printf(schema->arena, "%s.%s", entry->kind, entry->name);
        set(schema, all, name == NULL ? "" : name,
            json_pack("{s:s, s:o}", "description", entry->summary, "properties", properties));
    }
    return all;
}

json_t *catalogue_schema(const struct catalogue *catalogue) {
    struct json_builder builder = {catalogue->arena, 0};
    const struct schema schema = {catalogue, catalogue->arena, &builder};
    const struct experiment_section top = experiment_section(0);
    json_t *root = json_pack("{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$comment",
                             "Generated by `make reference` (rondo list --reference docs/reference): edit what it "
                             "describes, not this file.",
                             "title", "An experiment of Rondo");
    json_t *body = section_schema(&schema, &top);
    builder.failed |= json_object_update(root, body) != 0;
    json_decref(body);
    set(&schema, root, "if", json_pack("{s:[s]}", "required", "extends"));
    set(&schema, root, "else", complete_schema(&schema, &top));
    set(&schema, root, "$defs", definitions(&schema));
    return json_built(&builder, root);
}
