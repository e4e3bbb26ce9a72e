/* tests/tiny.h: the smallest experiment that trains, with its data, in the sandbox: for tests of whole runs. */
#ifndef RONDO_TESTS_TINY_H
#define RONDO_TESTS_TINY_H

/* One key per line, so that a test can replace a line, and knows its number:
 *     1 rondo   2 name   3 architecture   4 data   5 model   6 loss   7 optimizer   8 schedule */
extern const char tiny_experiment[];

/* Writes e.yaml, and its data: train.tsv (24 texts), valid.tsv and test.tsv (8 each), labels "great" and "other". */
void tiny_write(void);

/* Writes the experiment as `name`, with `line` in place of the line that begins with `key`. `line` may be several
 * lines, or empty. key NULL: `line` is the whole file. */
void tiny_edit(const char *name, const char *key, const char *line);

#endif
