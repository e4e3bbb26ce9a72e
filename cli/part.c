#include "cli/part.h"

#include <string.h>

#include "core/suggest.h"

static const struct {
    const char *name, *title;
    int data;
} parts[] = {{"train", "the training data", TASK_TRAIN},
             {"valid", "the validation data", TASK_VALID},
             {"test", "the test data", TASK_TEST}};
enum { PARTS = sizeof parts / sizeof parts[0] };

int part_find(const char *name, struct errors *errors) {
    struct suggestion best = {0};
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return parts[i].data;
        }
        suggest(&best, name, parts[i].name);
    }
    errors_add(errors, RONDO_INVALID, "unknown part of the data '%s'%s, expected train, valid or test", name,
               suggestion_text(&best).text);
    return 0;
}

const struct dataset *part_dataset(const struct task *task, const char *name) {
    return strcmp(name, "train") == 0   ? task->data.train
           : strcmp(name, "valid") == 0 ? task->data.valid
                                        : task->data.test;
}

const char *part_title(const char *name) {
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return parts[i].title;
        }
    }
    return NULL;
}
