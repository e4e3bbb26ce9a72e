#include "experiment/duration.h"

#include <math.h>
#include <string.h>

#include "core/options.h"

static const char *const units[] = {"steps", "epochs"};

/* Which unit the section gives; -1 with an error: none, or both. */
static int given_unit(const struct plugin_reader *reader, const struct yaml_node *section, const char *path) {
    const struct yaml_node *steps = yaml_get(section, units[0]), *epochs = yaml_get(section, units[1]);
    if (steps != NULL && epochs != NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, epochs->key_where,
                      "'%s' has both 'steps' and 'epochs', expected one of them; null removes the other", path);
        return -1;
    }
    if (steps == NULL && epochs == NULL) {
        errors_add_at(reader->errors, RONDO_INVALID, section->where,
                      "'%s' has no length, expected {steps: N} or {epochs: N}", path);
        return -1;
    }
    return steps != NULL ? 0 : 1;
}

int duration_read(const struct plugin_reader *reader, struct yaml_node *section, const rondo_option *table,
                  void *options, size_t size, const char *path) {
    void *parsed = options_create(table, size, reader->arena, reader->errors);
    if (parsed == NULL) {
        return 0;
    }
    const struct section_part part = {table, parsed};
    const rondo_status status = section_override(section, &part, 1, NULL, path, reader->arena, reader->errors);
    const int unit = status == RONDO_OK ? given_unit(reader, section, path) : -1;
    if (unit < 0) {
        return 0;
    }
    struct duration *duration = parsed;
    *duration = (struct duration){.steps = unit == 0 ? duration->steps : 0, .epochs = unit == 1 ? duration->epochs : 0};
    for (const rondo_option *option = table; option->key != NULL; option++) {
        const int is_unit = strcmp(option->key, units[0]) == 0 || strcmp(option->key, units[1]) == 0;
        if (!is_unit && yaml_get(section, option->key) == NULL &&
            section_put(section, option->key, option->default_text, 0, reader->arena, reader->errors) != RONDO_OK) {
            return 0;
        }
    }
    memcpy(options, parsed, size);
    return 1;
}

double duration_updates(const struct duration *duration, int64_t updates_per_epoch) {
    return (double)duration->steps + duration->epochs * (double)updates_per_epoch;
}

int duration_reaches(double every, int64_t step) {
    const double rounding = 1e-6; /* of a multiple of a share of an epoch */
    return every > 0 && floor(((double)step + rounding) / every) > floor(((double)step - 1 + rounding) / every);
}
