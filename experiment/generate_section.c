#include "experiment/generate_section.h"

#include <stddef.h>
#include <string.h>

#include "core/options.h"

static const char *const unknown_names[] = {
    [GENERATE_FORBID] = "forbid", [GENERATE_REPLACE] = "replace", [GENERATE_ALLOW] = "allow", NULL};

/* Keys whose fields have other names. */
#define ROW(key, field, text, min, max, help)                                                                          \
    { key, RONDO_INT, (uint32_t)offsetof(struct generate_settings, field), text, min, max, NULL, help }

const rondo_option generate_table[] = {
    RONDO_OPTION_REAL(struct generate_settings, temperature, "1", 0, 100,
                      "draws symbols at random, the more evenly the higher it is; 1: by the model's probabilities; 0: "
                      "takes the most probable symbol, which is the default with an encoder or a beam"),
    RONDO_OPTION_INT(struct generate_settings, top_k, "0", 0, 1e9, "draws from the k most probable symbols; 0: all"),
    RONDO_OPTION_REAL(struct generate_settings, top_p, "1", 1e-9, 1,
                      "draws from the most probable symbols that have this probability together"),
    RONDO_OPTION_REAL(struct generate_settings, min_p, "0", 0, 1,
                      "draws from symbols whose probability is at least this share of the largest"),
    ROW("count", samples, "1", 1, 1e6, "texts that are drawn for each prompt"),
    ROW("beam", beams, "1", 1, 1024, "hypotheses of a beam search for the most probable text; 1: no search"),
    RONDO_OPTION_INT(struct generate_settings, n_best, "1", 1, 1024, "texts of a beam search, the best first"),
    RONDO_OPTION_REAL(struct generate_settings, length_power, "0.6", 0, 10,
                      "a beam search divides the log-probability of a text by ((5 + length) / 6)^length_power; 0: "
                      "not at all, which prefers short texts"),
    RONDO_OPTION_INT(struct generate_settings, max_length, "400", 1, 1e7, "most symbols of a text"),
    RONDO_OPTION_INT(struct generate_settings, min_length, "0", 0, 1e7, "symbols before a text may end"),
    RONDO_OPTION_REAL(struct generate_settings, repetition, "1", 1, 100,
                      "factor on the negative log-probability of symbols that the text has already; 1: none"),
    RONDO_OPTION_INT(struct generate_settings, no_repeat, "0", 0, 1e6,
                     "no sequence of this number of symbols occurs twice in a text; 0: any may"),
    RONDO_OPTION_CHOICE(struct generate_settings, unknown, "forbid", unknown_names,
                        "the symbol for unknown words or characters: forbid it, replace it by the symbol of the source "
                        "that is attended to most, or allow it"),
    RONDO_OPTION_INT(struct generate_settings, seed, "1", 0, 9007199254740991.0,
                     "seed of the symbols that are drawn: the same seed gives the same texts"),
    RONDO_OPTION_INT(struct generate_settings, show, "0", 0, 1000,
                     "examples of the validation data, or texts of a model without a source, that are generated after "
                     "each validation and kept in samples.jsonl"),
    RONDO_OPTION_END};

void generate_settings_default(struct generate_settings *settings, int has_source) {
    *settings = (struct generate_settings){.beams = 1,
                                           .samples = 1,
                                           .n_best = 1,
                                           .max_length = 400,
                                           .temperature = has_source ? 0 : 1,
                                           .top_p = 1,
                                           .repetition = 1,
                                           .length_power = 0.6,
                                           .unknown = GENERATE_FORBID,
                                           .seed = 1};
}

/* ---- settings that go together ---- */

/* The keys that one source has given, whose values are in the settings already. */
struct given {
    const void *arg;
    int (*gives)(const void *arg, const char *key);
    struct location (*where)(const void *arg, const char *key);
    struct errors *errors;
};

static int gives(const struct given *given, const char *key) {
    return given->gives(given->arg, key);
}

static struct location where_of(const struct given *given, const char *key) {
    return given->where(given->arg, key);
}

/* A setting is refused if it was given, and else set back: returns 1 for the latter. */
static int takes_back(const struct given *given, const char *key, const struct generate_settings *settings) {
    if (!gives(given, key)) {
        return 1;
    }
    if (settings->beams > 1) {
        errors_add_at(given->errors, RONDO_INVALID, where_of(given, key),
                      "'%s' is not used: with beam %lld nothing is drawn%s", key, (long long)settings->beams,
                      strcmp(key, "count") == 0 ? "; n_best gives several texts" : "");
    } else {
        errors_add_at(given->errors, RONDO_INVALID, where_of(given, key),
                      "'%s' is not used: with temperature 0 the most probable symbol is taken%s", key,
                      strcmp(key, "count") == 0 ? ", and all texts would be the same" : "");
    }
    return 0;
}

/* Beam search or drawing: the source that gives one of them decides. */
static void choose_way(struct generate_settings *settings, const struct given *given) {
    const int has_beam = gives(given, "beam") && settings->beams > 1;
    const int has_temperature = gives(given, "temperature");
    if (has_beam && has_temperature && settings->temperature > 0) {
        errors_add_at(
            given->errors, RONDO_INVALID, where_of(given, "temperature"),
            "'temperature' does not go with beam %lld: a beam search looks for the most probable text and draws "
            "nothing; leave out one of them",
            (long long)settings->beams);
    } else if (has_beam) {
        settings->temperature = 0;
    } else if (has_temperature) {
        settings->beams = 1;
    }
}

static void check_drawing(struct generate_settings *settings, const struct given *given) {
    if (settings->top_k != 0 && takes_back(given, "top_k", settings)) {
        settings->top_k = 0;
    }
    if (settings->top_p != 1 && takes_back(given, "top_p", settings)) {
        settings->top_p = 1;
    }
    if (settings->min_p != 0 && takes_back(given, "min_p", settings)) {
        settings->min_p = 0;
    }
    if (settings->samples != 1 && takes_back(given, "count", settings)) {
        settings->samples = 1;
    }
}

static void check_beam(struct generate_settings *settings, const struct given *given) {
    if (settings->n_best > settings->beams && !gives(given, "n_best")) {
        settings->n_best = settings->beams;
    }
    if (settings->n_best > settings->beams) {
        errors_add_at(given->errors, RONDO_INVALID, where_of(given, "n_best"),
                      "'n_best' is %lld, expected at most 'beam', which is %lld", (long long)settings->n_best,
                      (long long)settings->beams);
    }
    struct generate_settings usual;
    generate_settings_default(&usual, 0);
    if (settings->beams == 1 && settings->length_power != usual.length_power && gives(given, "length_power")) {
        errors_add_at(given->errors, RONDO_INVALID, where_of(given, "length_power"),
                      "'length_power' is not used without a beam");
    }
}

static rondo_status settle(struct generate_settings *settings, const struct given *given) {
    const int32_t before = given->errors->count;
    choose_way(settings, given);
    if (given->errors->count == before && settings->temperature == 0) {
        check_drawing(settings, given);
    }
    if (given->errors->count == before) {
        check_beam(settings, given);
    }
    if (settings->min_length > settings->max_length) {
        const char *key = gives(given, "min_length") ? "min_length" : "max_length";
        errors_add_at(given->errors, RONDO_INVALID, where_of(given, key),
                      "'min_length' is %lld, expected at most 'max_length', which is %lld",
                      (long long)settings->min_length, (long long)settings->max_length);
    }
    const struct {
        const char *key;
        struct location *where;
    } places[] = {
        {"beam", &settings->beam_where}, {"unknown", &settings->unknown_where}, {"show", &settings->show_where}};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        *places[i].where = gives(given, places[i].key) ? where_of(given, places[i].key) : *places[i].where;
    }
    return given->errors->count == before ? RONDO_OK : given->errors->status;
}

/* ---- the section ---- */

static int section_gives(const void *section, const char *key) {
    return yaml_get(section, key) != NULL;
}

static struct location section_where(const void *section, const char *key) {
    const struct yaml_node *node = yaml_get(section, key);
    return node == NULL ? ((const struct yaml_node *)section)->where : node->where;
}

/* The temperature depends on other settings, so its default is not that of the table. */
static rondo_status put_temperature(struct yaml_node *section, int has_source, struct arena *arena,
                                    struct errors *errors) {
    if (yaml_get(section, "temperature") != NULL) {
        return RONDO_OK;
    }
    const struct yaml_node *beam = yaml_get(section, "beam");
    const int has_beam = beam != NULL && beam->kind == YAML_SCALAR && strcmp(beam->text, "1") != 0;
    return section_put(section, "temperature", has_source || has_beam ? "0" : "1", 0, arena, errors);
}

void generate_section_read(const struct plugin_reader *reader, struct yaml_node *root, int feedback, int has_source,
                           struct generate_settings *read) {
    generate_settings_default(read, has_source);
    const struct yaml_node *given = yaml_get(root, "generate");
    if (given == NULL && !feedback) {
        return;
    }
    struct yaml_node *section = section_child(root, "generate", reader->arena, reader->errors);
    const int32_t before = reader->errors->count;
    if (section == NULL || put_temperature(section, has_source, reader->arena, reader->errors) != RONDO_OK ||
        section_struct(section, generate_table, read, sizeof *read, NULL, "generate", reader->arena, reader->errors) !=
            RONDO_OK) {
        return;
    }
    if (!feedback) {
        errors_add_at(reader->errors, RONDO_INVALID, given->key_where,
                      "'generate' is not used: only a model that reads its own outputs generates, expected "
                      "'model.feedback: true'");
    } else if (reader->errors->count == before) {
        const struct given keys = {section, section_gives, section_where, reader->errors};
        settle(read, &keys);
    }
}

/* ---- flags and texts ---- */

static int source_gives(const void *source, const char *key) {
    const struct generate_source *from = source;
    struct location where;
    return from->text(from->arg, key, &where) != NULL;
}

static struct location source_where(const void *source, const char *key) {
    const struct generate_source *from = source;
    struct location where = {0};
    from->text(from->arg, key, &where);
    return where;
}

rondo_status generate_settings_replace(struct generate_settings *settings, const struct generate_source *source,
                                       struct errors *errors) {
    struct generate_settings changed = *settings;
    const int32_t before = errors->count;
    for (const rondo_option *option = generate_table; option->key != NULL; option++) {
        struct location where = {0};
        const char *text = source->text(source->arg, option->key, &where);
        if (text != NULL) { /* no option needs an arena: all are numbers and choices */
            option_set(option, &changed, text, NULL, where, errors);
        }
    }
    const struct given keys = {source, source_gives, source_where, errors};
    if (errors->count == before && settle(&changed, &keys) == RONDO_OK) {
        *settings = changed;
    }
    return errors->count == before ? RONDO_OK : errors->status;
}

static int text_gives(const void *text, const char *key) {
    return options_text_gives(text, key);
}

static struct location text_where(const void *text, const char *key) {
    (void)text;
    (void)key;
    return (struct location){0};
}

rondo_status generate_settings_parse(struct generate_settings *settings, const char *text, struct errors *errors) {
    struct generate_settings changed = *settings;
    struct arena *arena = arena_create();
    if (arena == NULL) {
        return errors_no_memory(errors);
    }
    rondo_status status =
        options_parse(generate_table, &changed, text, "generation", arena, (struct location){0}, errors);
    if (status == RONDO_OK) {
        const struct given keys = {text, text_gives, text_where, errors};
        status = settle(&changed, &keys);
    }
    if (status == RONDO_OK) {
        *settings = changed;
    }
    arena_destroy(arena);
    return status;
}

rondo_status generate_settings_fit(const struct generate_settings *settings, int64_t n_symbols, struct errors *errors) {
    return settings->beams <= n_symbols
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, settings->beam_where,
                               "'beam' is %lld, expected at most the number of symbols that the model writes, which is "
                               "%lld",
                               (long long)settings->beams, (long long)n_symbols);
}
