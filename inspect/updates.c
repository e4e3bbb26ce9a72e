#include "inspect/updates.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "io/file.h"
#include "io/json.h"

#define MOST_BYTES ((size_t)256 << 20)

static double number_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Adds the line, if it has diagnostics. */
static void add_line(const json_t *line, const struct model *model, struct inspect_update *updates, int64_t *steps,
                     int64_t *count) {
    const json_t *all = json_object_get(line, "diagnostics"), *step = json_object_get(line, "step");
    if (!json_is_object(all) || !json_is_integer(step)) {
        return;
    }
    steps[*count] = json_integer_value(step);
    for (int32_t p = 0; p < model_parameter_count(model); p++) {
        updates[p].ratio[*count] = number_of(json_object_get(all, updates[p].name), "ratio");
    }
    (*count)++;
}

static rondo_status read_lines(char *text, const struct model *model, struct inspect_update *updates, int64_t *steps,
                               int64_t *count, struct errors *errors) {
    for (char *line = text, *end; *line != '\0'; line = end) {
        json_t *object = NULL;
        json_error_t reason;
        end = line + strcspn(line, "\n");
        const rondo_status status = json_parse(line, (size_t)(end - line), &object, &reason);
        if (status == RONDO_NO_MEMORY) {
            return errors_no_memory(errors);
        }
        add_line(object, model, updates, steps, count);
        json_decref(object);
        end += *end == '\n';
    }
    return RONDO_OK;
}

static int64_t count_lines(const char *text) {
    int64_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

rondo_status inspect_updates(const struct model *model, const char *folder, struct arena *arena,
                             struct inspection *inspection, struct errors *errors) {
    const int32_t n_parameters = model_parameter_count(model);
    struct arena *scratch = arena_create();
    const char *file = path_join(scratch, folder, "metrics.jsonl");
    char *text = NULL;
    if (file == NULL) {
        arena_destroy(scratch);
        return errors_no_memory(errors);
    }
    rondo_status status =
        !file_exists(file) ? RONDO_OK : file_read(file, MOST_BYTES, scratch, &text, NULL, (struct location){0}, errors);
    if (text != NULL && strstr(text, "\"diagnostics\"") != NULL) {
        const size_t lines = (size_t)count_lines(text);
        struct inspect_update *updates = arena_calloc(arena, (size_t)n_parameters, sizeof *updates);
        int64_t *steps = arena_calloc(arena, lines, sizeof *steps);
        for (int32_t p = 0; updates != NULL && p < n_parameters; p++) {
            updates[p] = (struct inspect_update){arena_strdup(arena, model_parameters(model)[p].name),
                                                 arena_calloc(arena, lines, sizeof *updates[p].ratio)};
        }
        status = arena_failed(arena) ? errors_no_memory(errors)
                                     : read_lines(text, model, updates, steps, &inspection->n_updates, errors);
        inspection->updates = updates;
        inspection->update_steps = steps;
        inspection->n_parameters = n_parameters;
    }
    arena_destroy(scratch);
    return status;
}
