#include "cli/chosen_data.h"

#include <string.h>

#include "core/suggest.h"

static const struct {
    const char *name, *title;
    int data;
} parts[] = {{"train", "the training data", TASK_TRAIN},
             {"valid", "the validation data", TASK_VALID},
             {"test", "the test data", TASK_TEST}};
enum { PARTS = sizeof parts / sizeof parts[0] };

static int find_part(const char *name, struct errors *errors) {
    struct suggestion best = {0};
    for (int i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) == 0) {
            return i;
        }
        suggest(&best, name, parts[i].name);
    }
    errors_add(errors, RONDO_INVALID, "unknown part of the data '%s'%s, expected train, valid or test", name,
               suggestion_text(&best).text);
    return -1;
}

int chosen_data_has_files(const struct chosen_data *chosen) {
    return chosen->files[0] != NULL;
}

int chosen_data_which(const struct chosen_data *chosen, struct errors *errors) {
    if (chosen->part == NULL) {
        return 0;
    }
    if (chosen_data_has_files(chosen)) {
        errors_add(errors, RONDO_INVALID,
                   "--on '%s' is not used with --data '%s': name a part of the experiment's data or a file, not both",
                   chosen->part, chosen->files[0]);
        return 0;
    }
    const int part = find_part(chosen->part, errors);
    return part < 0 ? 0 : parts[part].data;
}

/* ---- files ---- */

static const struct location flag = {.file = "--data"};

/* The length of STREAM in "STREAM=FILE"; 0: the word is a path. */
static size_t stream_length(const struct task *task, const char *word) {
    const size_t length = strspn(word, "abcdefghijklmnopqrstuvwxyz_");
    return (task->data.reader->class->flags & READER_BY_STREAM) != 0 && word[length] == '=' ? length : 0;
}

/* " --data source=FILE --data target=FILE": the streams that have files in the training. */
static const char *stream_flags(const struct task *task) {
    const struct data_files *train = &task->experiment->data.train;
    const char *text = "";
    for (int32_t i = 0; i < train->count && text != NULL; i++) {
        text = arena_printf(task->experiment->arena, "%s --data %s=FILE", text, train->paths[i].stream);
    }
    return text == NULL ? "" : text;
}

static rondo_status read_words(const struct chosen_data *chosen, const struct task *task, struct reader_path *paths,
                               int32_t *count, struct errors *errors) {
    for (*count = 0; chosen->files[*count] != NULL; ++*count) {
        const char *word = chosen->files[*count];
        const size_t length = stream_length(task, word);
        const char *stream = length == 0 ? NULL : arena_strndup(task->experiment->arena, word, length);
        if (length > 0 && stream == NULL) {
            return errors_no_memory(errors);
        }
        paths[*count] = (struct reader_path){.stream = stream, .text = word + length + (length > 0), .where = flag};
        if ((stream == NULL) != (paths[0].stream == NULL)) {
            return errors_add_at(errors, RONDO_INVALID, flag,
                                 "'%s' and '%s': expected STREAM=FILE for all files, or for none", chosen->files[0],
                                 word);
        }
        for (int32_t i = 0; i < *count && stream != NULL; i++) {
            if (strcmp(paths[i].stream, stream) == 0) {
                return errors_add_at(errors, RONDO_INVALID, flag, "'%s' is given twice, as '%s' and as '%s'", stream,
                                     paths[i].text, paths[*count].text);
            }
        }
    }
    return RONDO_OK;
}

/* 1 if the choice of the file is the mistake, rather than what it has. */
static int is_mistake_of_flag(const struct errors *errors) {
    return errors->status == RONDO_INVALID && strncmp(errors_text(errors, 0), flag.file, strlen(flag.file)) == 0;
}

static rondo_status read_files(struct chosen_data *chosen, const struct task *task, struct errors *errors) {
    struct reader_path paths[ARGUMENT_LIST_MAX];
    struct reader_source source = {.paths = paths, .part = PART_TEST};
    const struct data_files *train = &task->experiment->data.train;
    RONDO_TRY(read_words(chosen, task, paths, &source.count, errors));
    for (int32_t i = 0; i < source.count; i++) {
        chosen->name =
            i == 0 ? chosen->files[0] : arena_printf(task->experiment->arena, "%s, %s", chosen->name, chosen->files[i]);
        if (chosen->name == NULL) {
            return errors_no_memory(errors);
        }
    }
    chosen->title = chosen->name;
    struct errors own = {0};
    chosen->dataset = chosen->own = task_data_read(&task->data, &source, 1, &own);
    if (is_mistake_of_flag(&own) && paths[0].stream == NULL && train->count > 0 && train->paths[0].stream != NULL) {
        errors_add_at(&own, RONDO_INVALID, flag, "in the training each stream has its own file; expected%s",
                      stream_flags(task));
    }
    errors_move(errors, &own);
    return errors->status;
}

rondo_status chosen_data_open(struct chosen_data *chosen, const struct task *task, const char *folder,
                              struct errors *errors) {
    if (chosen_data_has_files(chosen)) {
        return read_files(chosen, task, errors);
    }
    const int part = find_part(chosen->part, errors);
    if (part < 0) {
        return errors->status;
    }
    const struct dataset *const datasets[] = {task->data.train, task->data.valid, task->data.test};
    chosen->name = parts[part].name;
    chosen->title = parts[part].title;
    chosen->dataset = datasets[part];
    return chosen->dataset != NULL
               ? RONDO_OK
               : errors_add(errors, RONDO_INVALID, "the experiment of '%s' has no data.%s; use --data to name a file",
                            folder, chosen->part);
}

void chosen_data_close(struct chosen_data *chosen) {
    dataset_destroy(chosen->own);
    chosen->dataset = chosen->own = NULL;
}
