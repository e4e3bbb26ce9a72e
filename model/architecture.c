#include "model/architecture.h"

#include <string.h>

static const struct {
    const char *text;
    struct architecture architecture;
} architectures[] = {{"1:1", {0, 0}}, {"1:N", {0, 1}}, {"N:1", {1, 0}}, {"N:N", {1, 1}}};

enum { ARCHITECTURES = sizeof architectures / sizeof architectures[0] };

int architecture_parse(const char *text, struct architecture *architecture) {
    for (int i = 0; i < ARCHITECTURES; i++) {
        if (strcmp(architectures[i].text, text) == 0) {
            *architecture = architectures[i].architecture;
            return 1;
        }
    }
    return 0;
}

const char *architecture_text(struct architecture architecture) {
    return architectures[2 * (architecture.input_every_step != 0) + (architecture.output_every_step != 0)].text;
}
