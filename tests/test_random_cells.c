/* tests/test_random_cells.c: compares the fused engine with the tape on random cells: every result and every gradient,
 * with passes switched off, steps computed again, threads, and rows on their own.
 *
 *     test_random_cells FIRST COUNT      the cells of other numbers; with COUNT 1, its equations are printed
 */
#define _POSIX_C_SOURCE 200809L
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/random_cell.h"
#include "tests/recurrence_case.h"
#include "tests/session_fixture.h"
#include "tests/suite.h"

enum { CELLS_OF_TEST = 10 }; /* a process for each cell would take longer than the cells */

static int first_cell = 0, n_cells = 300;

/* Chooses by chance which values are constants and which states start from zeros. */
static struct recurrence_case make_case(struct cell *cell, struct chance *chance, const int64_t *lengths,
                                        int64_t rows) {
    struct recurrence_case problem = recurrence_case_create(&support, cell, RONDO_F64, lengths, rows);
    problem.x_needs = chance_of(chance, 4) > 0;
    problem.uses_final = chance_of(chance, 4) > 0;
    for (int32_t s = 0; s < cell->n_states; s++) {
        problem.initial_is_given[s] = chance_of(chance, 4) > 0;
        problem.initial_needs[s] = chance_of(chance, 4) > 0;
    }
    for (int32_t p = 0; p < cell->n_parameters; p++) {
        problem.parameter_needs[p] = chance_of(chance, 5) > 0;
    }
    return problem;
}

static struct recurrence_answer solve(const struct recurrence_case *problem, int64_t recompute, int32_t passes,
                                      int32_t threads) {
    return recurrence_case_solve(
        problem, (struct recurrence_engine){.fused = 1, .passes = passes, .recompute = recompute, .threads = threads});
}

static int has_random(const struct cell *cell) {
    int found = 0;
    for (int32_t id = 0; id < program_count(cell->program); id++) {
        const struct program_node *node = program_node(cell->program, (rondo_value){id});
        found |= node->op != NULL && (node->op->flags & RONDO_OP_RANDOM) != 0;
    }
    return found;
}

static void check_rows(const struct recurrence_case *batch, const struct recurrence_answer *whole, int64_t row) {
    const struct recurrence_case one = recurrence_case_rows(batch, row, row + 1);
    const struct recurrence_answer single = solve(&one, 0, PASS_ALL, 1);
    recurrence_case_same_rows(batch, whole, &one, &single, row, "a row on its own");
}

static void check_cell(const struct recurrence_case *problem) {
    const struct recurrence_answer expected = recurrence_case_solve(problem, (struct recurrence_engine){0});
    if (!(recurrence_answer_largest(problem, &expected) < 1e6)) {
        return; /* comparing values that grow without bounds says nothing */
    }
    const struct recurrence_answer found = solve(problem, 0, PASS_ALL, 1);
    recurrence_case_compare(problem, &found, &expected, 1e-9, "fused");
    const struct recurrence_answer threads = solve(problem, 0, PASS_ALL, 3);
    recurrence_case_compare(problem, &threads, &found, 0, "three threads");
    for (int32_t pass = 0; scan_pass_name(pass) != NULL; pass++) {
        char how[64];
        snprintf(how, sizeof how, "passes -%s", scan_pass_name(pass));
        const struct recurrence_answer without = solve(problem, 0, PASS_ALL & ~(1 << pass), 3);
        recurrence_case_compare(problem, &without, &expected, 1e-9, how);
    }
    const struct recurrence_answer none = solve(problem, 0, 0, 2);
    recurrence_case_compare(problem, &none, &expected, 1e-9, "no pass");
    for (int64_t window = 1; window < 4; window++) {
        char how[64];
        snprintf(how, sizeof how, "recompute every %d steps", (int)window);
        const struct recurrence_answer again = solve(problem, window, PASS_ALL, 2);
        recurrence_case_compare(problem, &again, &expected, 1e-9, how);
    }
    const int64_t last = problem->time.rows - 1;
    for (int64_t row = last; row >= 0 && !has_random(problem->cell); row -= row == last && last > 0 ? last : 1) {
        check_rows(problem, &found, row);
    }
}

static void check_cell_of_number(int number) {
    static const int64_t ragged[] = {7, 6, 6, 3, 3, 1}, equal[] = {4, 4, 4}, one[] = {5};
    int64_t many[40];
    for (int i = 0; i < ROWS(many); i++) {
        many[i] = 5 - i / 9;
    }
    const struct {
        const int64_t *lengths;
        int64_t rows;
    } batches[] = {{ragged, ROWS(ragged)}, {ragged, ROWS(ragged)}, {ragged, ROWS(ragged)},
                   {equal, ROWS(equal)},   {one, ROWS(one)},       {many, ROWS(many)}};
    struct chance chance = {rng_substream(rng_stream(1, "cells"), (uint64_t)number), 0};
    const int32_t batch = chance_of(&chance, ROWS(batches));
    const int64_t hidden = chance_of(&chance, 40) == 0 ? 270 : 3 + chance_of(&chance, 5);
    const struct cell_definition *definition = random_cell(&chance, hidden, support.arena);
    if (n_cells == 1) {
        fprintf(stderr, "output: %s\n%s", definition->output, definition->equations.text);
    }
    const struct cell_settings settings = {.dtype = RONDO_F64, .input = hidden - 1, .hidden = hidden};
    struct cell *cell = session_compile(definition, settings);
    cell->name = arena_printf(support.arena, "cell %d", number);
    const struct recurrence_case problem = make_case(cell, &chance, batches[batch].lengths, batches[batch].rows);
    check_cell(&problem);
    cell_destroy(cell);
}

START_TEST(a_random_cell_gives_what_the_tape_gives) {
    const int begin = first_cell + _i * CELLS_OF_TEST, end = first_cell + n_cells;
    for (int number = begin; number < begin + CELLS_OF_TEST && number < end; number++) {
        check_cell_of_number(number);
    }
}
END_TEST

int main(int argc, char **argv) {
    if (argc == 3) {
        first_cell = (int)strtol(argv[1], NULL, 10);
        n_cells = (int)strtol(argv[2], NULL, 10);
    }
    Suite *suite = suite_create("random_cells");
    TCase *cells = tcase_create("cells");
    tcase_set_timeout(cells, 600);
    tcase_add_checked_fixture(cells, session_setup, session_teardown);
    suite_add_tcase(suite, cells);
    tcase_add_loop_test(cells, a_random_cell_gives_what_the_tape_gives, 0,
                        (n_cells + CELLS_OF_TEST - 1) / CELLS_OF_TEST);
    return run_suite(suite);
}
