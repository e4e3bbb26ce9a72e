/* examples/embed/train_and_predict.c: trains an experiment inside another program, and predicts texts with the run.
 *
 *     ./train_and_predict EXPERIMENT.yaml FOLDER TEXT…
 *
 * Ctrl-C ends the training cleanly; the best weights so far are then used. The next start with the same folder goes on
 * with the training.
 */
#include <rondo/rondo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_SIZE = 4096 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number) {
    (void)number;
    interrupted = 1;
}

/* Prints a line per epoch. A result other than 0 ends the training. */
static int show(void *arg, const rondo_training *training) {
    (void)arg;
    if (training->epoch_ended) {
        printf("epoch %lld of %lld: loss %.4f, on validation data %.4f%s\n", (long long)training->epoch,
               (long long)training->epochs, training->loss, training->valid_loss,
               training->is_best ? ", the best" : "");
    }
    return interrupted;
}

static int is_run(const char *folder) {
    char path[4096];
    snprintf(path, sizeof path, "%s/experiment.yaml", folder);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        fclose(file);
    }
    return file != NULL;
}

/* Returns 1 if the folder contains weights afterwards. */
static int train(const char *file, const char *folder) {
    char error[ERROR_SIZE];
    const char *const assignments[] = {"schedule.epochs=4", NULL}; /* the same as --set of `rondo train` */
    const int resumes = is_run(folder); /* of an earlier start; if that has finished, nothing is left to train */
    rondo_experiment *experiment = resumes ? rondo_experiment_resume(folder, NULL, 0, 0, error, sizeof error)
                                           : rondo_experiment_open(file, assignments, 0, error, sizeof error);
    if (experiment == NULL) {
        fprintf(stderr, "%s\n", error);
        return 0;
    }
    if (rondo_experiment_warnings(experiment)[0] != '\0') {
        fprintf(stderr, "warning: %s\n", rondo_experiment_warnings(experiment));
    }
    if (rondo_experiment_train(experiment, resumes ? NULL : folder, show, NULL, error, sizeof error) != RONDO_OK) {
        fprintf(stderr, "%s\n", error);
    }
    const int has_weights = rondo_experiment_folder(experiment) != NULL;
    rondo_experiment_close(experiment);
    return has_weights;
}

static int predict(const char *folder, const char *const *texts, int count) {
    char error[ERROR_SIZE];
    rondo_run *run = rondo_run_open(folder, 0, error, sizeof error);
    const int64_t outputs = run == NULL ? 0 : rondo_run_outputs(run);
    float *predictions = calloc((size_t)outputs * (size_t)count + 1, sizeof *predictions);
    int is_done = run != NULL && predictions != NULL &&
                  rondo_run_predict(run, texts, count, predictions, error, sizeof error) == RONDO_OK;
    for (int i = 0; is_done && i < count; i++) {
        printf("%s\n", texts[i]);
        for (int64_t k = 0; k < outputs; k++) {
            const char *label = rondo_run_label(run, k); /* NULL: the outputs are numbers */
            printf("  %s %.4f\n", label == NULL ? "" : label, (double)predictions[i * outputs + k]);
        }
    }
    if (!is_done) {
        fprintf(stderr, "%s\n", predictions == NULL ? "out of memory" : error);
    }
    free(predictions);
    rondo_run_close(run);
    return is_done;
}

int main(int argc, char **argv) {
    if (argc < 4) {
        fprintf(stderr, "usage: train_and_predict EXPERIMENT.yaml FOLDER TEXT...\n");
        return 2;
    }
    signal(SIGINT, on_signal);
    return train(argv[1], argv[2]) && predict(argv[2], (const char *const *)argv + 3, argc - 3) ? 0 : 1;
}
