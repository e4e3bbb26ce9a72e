/* examples/embed/predict_numbers.c: predictions for arrays of numbers or symbols, with a trained run.
 *
 *     echo "1 0 1 1" | ./predict_numbers RUN
 *
 * Each line of standard input is one example: the values of the stream "input", step after step. For each example, the
 * program prints a line for each output of the model: one, or one for each step.
 */
#include <rondo/rondo.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_SIZE = 4096, LINE_SIZE = 65536, MOST_VALUES = 4096 };

/* The values of one example. A stream has either symbols or numbers. */
union values {
    int32_t ids[MOST_VALUES];
    float numbers[MOST_VALUES];
};

/* Reads the values of a line, and returns how many there are. */
static int64_t read_values(const char *line, int are_ids, union values *values) {
    int64_t count = 0;
    while (count < MOST_VALUES) {
        char *end;
        if (are_ids) {
            values->ids[count] = (int32_t)strtol(line, &end, 10);
        } else {
            values->numbers[count] = strtof(line, &end);
        }
        if (end == line) {
            break;
        }
        count++;
        line = end;
    }
    return count;
}

/* Predicts the example of a line and prints its outputs. Returns 1 on success. */
static int predict(rondo_run *run, const char *line) {
    static union values values;
    char error[ERROR_SIZE];
    const int64_t size = rondo_run_stream(run, "input", NULL); /* numbers of one step; 0: a step is a symbol */
    const int64_t count = read_values(line, size == 0, &values);
    const rondo_input input = {.stream = "input", .values = &values, .steps = size == 0 ? count : count / size};
    const rondo_result *result;
    if (rondo_run_predict_inputs(run, &input, 1, 1, &result, error, sizeof error) != RONDO_OK) {
        fprintf(stderr, "%s\n", error);
        return 0;
    }
    const float *outputs = rondo_result_values(result, 0); /* [rondo_result_steps, rondo_run_outputs] */
    for (int64_t step = 0; step < rondo_result_steps(result, 0); step++) {
        printf("%lld:", (long long)step);
        for (int64_t k = 0; k < rondo_run_outputs(run); k++) {
            printf(" %.3f", (double)*outputs++);
        }
        printf("\n");
    }
    return 1;
}

int main(int argc, char **argv) {
    static char line[LINE_SIZE];
    char error[ERROR_SIZE];
    if (argc != 2) {
        fprintf(stderr, "usage: predict_numbers RUN\n");
        return 2;
    }
    rondo_run *run = rondo_run_open(argv[1], 0, error, sizeof error);
    if (run == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    int is_done = 1;
    while (is_done && fgets(line, sizeof line, stdin) != NULL) {
        is_done = predict(run, line);
    }
    rondo_run_close(run);
    return is_done ? 0 : 1;
}
