/* examples/embed/write_texts.c: writes texts with a trained run, word by word.
 *
 *     echo nice | ./write_texts RUN "temperature=0.7 seed=2"
 *
 * Each line of standard input begins a text: for a model with an input, such as a class, it is that; for one with an encoder the
 * source; a language model goes on with it. The settings are keys of `generate:` in the experiment.
 */
#include <rondo/rondo.h>
#include <stdio.h>
#include <string.h>

enum { ERROR_SIZE = 4096, LINE_SIZE = 65536 };

/* Writes one text, and shows it while it is written. Returns 1 on success. */
static int write_text(rondo_generation *generation, const char *prompt) {
    char error[ERROR_SIZE];
    const char *piece;
    if (rondo_generation_start(generation, prompt, NULL, error, sizeof error) != RONDO_OK) {
        fprintf(stderr, "%s\n", error);
        return 0;
    }
    int32_t result;
    while ((result = rondo_generation_next(generation, &piece, error, sizeof error)) == 1) {
        fputs(piece, stdout);
        fflush(stdout); /* a piece is a symbol: a word with the blank before it, or a character */
    }
    if (result != 0) {
        fprintf(stderr, "%s\n", error);
        return 0;
    }
    printf("\t%.3f\n", rondo_generation_score(generation)); /* the log-probability of the whole text */
    return 1;
}

int main(int argc, char **argv) {
    static char line[LINE_SIZE];
    char error[ERROR_SIZE];
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: write_texts RUN [SETTINGS]\n");
        return 2;
    }
    rondo_run *run = rondo_run_open(argv[1], 0, error, sizeof error);
    rondo_generation *generation =
        run == NULL ? NULL : rondo_generation_open(run, argc == 3 ? argv[2] : NULL, error, sizeof error);
    int is_done = generation != NULL;
    if (!is_done) {
        fprintf(stderr, "%s\n", error);
    }
    while (is_done && fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        is_done = write_text(generation, line);
    }
    rondo_generation_close(generation); /* before its run */
    rondo_run_close(run);
    return is_done ? 0 : 1;
}
