/* tests/session_fixture.h: a session for tests of cells and models, which finds the ops of plug-ins and the cells that
 * Rondo ships.
 *
 *     tcase_add_checked_fixture(cases, session_setup, session_teardown);
 *
 * Everything fails the running test where something goes wrong.
 */
#ifndef RONDO_TESTS_SESSION_FIXTURE_H
#define RONDO_TESTS_SESSION_FIXTURE_H

#include "experiment/session.h"
#include "lang/cell.h"
#include "tests/support.h"

/* Of the running test; the session has one thread. */
extern struct support support;
extern struct session *session;
void session_setup(void);
void session_teardown(void);
/* The session anew, with this number of threads. */
void session_restart(int32_t threads);

/* The definition of a cell that Rondo ships; compiled. Cells are freed with cell_destroy. */
const struct cell_definition *session_definition(const char *name);
struct cell *session_compile(const struct cell_definition *definition, struct cell_settings settings);
/* The cell of a file, compiled. */
struct cell *session_compile_file(const char *file, int32_t dtype, int64_t input, int64_t hidden);

/* The files of all cells of RONDO_CELL_PATH, in order of name: main calls find_cell_files before it lists the tests. */
enum { MOST_CELLS = 200 };
extern char cell_files[MOST_CELLS][512];
extern int n_cell_files;
void find_cell_files(void);

#endif
