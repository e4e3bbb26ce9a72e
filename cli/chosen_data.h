/* cli/chosen_data.h: the data that a command runs a model on: a part of the experiment's data (--on), or other files (--data).
 *
 *     --on test                                           a part
 *     --data test.tsv                                     a file like those of the training; repeated, a list of files
 *     --data source=test.de --data target=test.en         a file for each stream
 *
 * Streams are only named if the reader allows a file for each (READER_BY_STREAM). A path that begins like one is written ./source=….
 *
 * Threads: main thread.
 */
#ifndef RONDO_CLI_CHOSEN_DATA_H
#define RONDO_CLI_CHOSEN_DATA_H

#include "cli/command.h"
#include "train/task.h"

struct chosen_data {
    const char *part;                         /* train, valid or test; NULL: not chosen */
    const char *files[ARGUMENT_LIST_MAX + 1]; /* "FILE" or "STREAM=FILE"; NULL-terminated */
    /* After chosen_data_open: */
    const struct dataset *dataset;
    struct dataset *own; /* the dataset of the files; NULL: a part of the task's data */
    /* "test" and "the test data", or the files with commas between them; they live as long as the task. */
    const char *name, *title;
};

#define FLAG_PART_OF(chosen, help)                                                                                     \
    { "on", "PART", FLAG_TEXT, &(chosen).part, help }
#define FLAG_DATA_OF(chosen, verb)                                                                                     \
    {                                                                                                                  \
        "data", "FILE|STREAM=FILE", FLAG_LIST, (chosen).files,                                                         \
            verb " another file of the same format; may be repeated, to give each stream its file: source=FILE, "      \
                 "target=FILE"                                                                                         \
    }

/* 1 if files were chosen. */
int chosen_data_has_files(const struct chosen_data *chosen);
/* The bit of the part that has to be read (enum task_part); 0: none, or with an error for an unknown part, and for a part together
 * with files. */
int chosen_data_which(const struct chosen_data *chosen, struct errors *errors);
/* Finds the part, which has to be chosen if there are no files, or reads the files, with their targets. `folder`: of the run, for
 * messages. Close it also after a failure, before the task. */
rondo_status chosen_data_open(struct chosen_data *chosen, const struct task *task, const char *folder,
                              struct errors *errors);
void chosen_data_close(struct chosen_data *chosen);

#endif
