/* tests/changing_run.h: experiments on small files of every form, and changes of the files of a run: for tests of what is
 * reported if something is no longer as it was in the training.
 */
#ifndef RONDO_TESTS_CHANGING_RUN_H
#define RONDO_TESTS_CHANGING_RUN_H

/* Experiments on texts with an own cell (own.yaml) in both layers and own plug-ins (mine/adam.so, mine/loss.so); on a list of files; on a
 * part of the training file; on a folder of pictures. */
extern const char changing_run_text[], changing_run_list[], changing_run_part[], changing_run_picture[];

/* Writes data for all readers into the sandbox: book.txt, other.txt, things.csv, days.csv, pictures/, packed.npz,
 * lists.npz. */
void changing_run_files(void);
/* The same with everything that the experiments above use, and the experiment as e.yaml. */
void changing_run_write(const char *experiment);

/* Puts `text` in place of the first `find` in a file, or at its end if `find` is NULL. A text "@FILE" is the contents of that
 * file, which replace all. The file becomes a new one: a plug-in that is loaded keeps its own. */
void changing_run_edit(const char *file, const char *find, const char *text);

#endif
