#include "lang/definition.h"

#include <string.h>

int32_t definition_state(const struct cell_definition *definition, const char *name) {
    for (int32_t i = 0; i < definition->n_states; i++) {
        if (strcmp(definition->states[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int32_t definition_option(const struct cell_definition *definition, const char *name) {
    for (int32_t i = 0; i < definition->n_options; i++) {
        if (strcmp(definition->options[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

int name_is_width(const char *name) {
    return strcmp(name, "hidden") == 0 || strcmp(name, "input") == 0;
}

double definition_option_value(const struct cell_definition *definition, const struct cell_settings *settings,
                               int32_t option) {
    return settings->option_values != NULL ? settings->option_values[option]
                                           : definition->options[option].default_value;
}

int32_t definition_output_state(const struct cell_definition *definition) {
    const size_t length = definition->output == NULL ? 0 : strlen(definition->output);
    if (length == 0) {
        return 0;
    }
    for (int32_t i = 0; i < definition->n_states; i++) {
        const char *name = definition->states[i].name; /* its new value is written name' */
        if (strlen(name) == length - 1 && strncmp(name, definition->output, length - 1) == 0 &&
            definition->output[length - 1] == '\'') {
            return i;
        }
    }
    return -1;
}
