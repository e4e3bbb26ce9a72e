/* tests/test_threads.c: the number of threads, forks, and the same bits for any number, with the pool and with OpenMP.
 *
 * The environment variable RONDO_THREADS says which of them this build has.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/parallel.h"
#include "core/subnormal.h"
#include "sandbox.h"
#include "tests/suite.h"
#include "tiny.h"

static int is_openmp(void) {
    const char *threads = getenv("RONDO_THREADS");
    ck_assert_msg(threads != NULL && (strcmp(threads, "pool") == 0 || strcmp(threads, "openmp") == 0),
                  "RONDO_THREADS must be 'pool' or 'openmp'");
    return strcmp(threads, "openmp") == 0;
}

/* ---- forks ---- */

static void add_range(void *arg, int64_t begin, int64_t end) {
    atomic_fetch_add((atomic_llong *)arg, (long long)((begin + end - 1) * (end - begin) / 2));
}

/* The sum of 0 .. 999 on several threads. */
static int adds_up(void) {
    const struct parallel parallel = {4};
    atomic_llong sum = 0;
    for (int i = 0; i < 50; i++) {
        atomic_store(&sum, 0);
        parallel_for(&parallel, 1000, 7, add_range, &sum);
    }
    return atomic_load(&sum) == 499500;
}

START_TEST(child_of_a_process_with_threads_works) {
    ck_assert(adds_up());
    for (int i = 0; i < 3; i++) {
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            alarm(20);
            _exit(adds_up() ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with wait status %d", status);
        ck_assert(adds_up());
    }
}
END_TEST

/* ---- teams ---- */

static const struct parallel six = {6};

/* The threads that each range may use, and the sum that its team adds up. */
static struct {
    int32_t threads[6];
    atomic_llong sums[6];
} teams;

static void use_team(void *arg, int64_t begin, int64_t end) {
    (void)arg;
    ck_assert_int_eq(end, begin + 1);
    teams.threads[begin] = parallel_threads(&six);
    for (int i = 0; i < 50; i++) {
        parallel_for(&six, 1000, 7, add_range, &teams.sums[begin]);
    }
}

static const struct {
    int64_t ranges;
    int32_t threads[6]; /* of each range, with the pool */
} team_cases[] = {{2, {3, 3}}, {3, {2, 2, 2}}, {4, {2, 2, 1, 1}}, {6, {1, 1, 1, 1, 1, 1}}, {1, {6}}};

START_TEST(threads_that_ranges_leave_are_divided_among_them) {
    memset(&teams, 0, sizeof teams);
    parallel_for(&six, team_cases[_i].ranges, 1, use_team, NULL);
    for (int64_t range = 0; range < team_cases[_i].ranges; range++) {
        const int32_t expected = is_openmp() && team_cases[_i].ranges > 1 ? 1 : team_cases[_i].threads[range];
        ck_assert_int_eq(teams.threads[range], expected);
        ck_assert_int_eq(atomic_load(&teams.sums[range]), 50 * 499500);
    }
    ck_assert_int_eq(parallel_threads(&six), 6);
}
END_TEST

/* ---- subnormal numbers ---- */

static const volatile float least_normal = 0x1p-126f;

static void halve_range(void *arg, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        ((float *)arg)[i] = least_normal * 0.5f;
    }
}

static const struct {
    int32_t threads;
    int64_t count;
} subnormal_cases[] = {{1, 1}, {1, 100}, {4, 1}, {4, 100}};

/* 0 on a processor that cannot switch them off, and under valgrind. */
static int has_switch(void) {
    const uint64_t before = subnormal_off();
    const float half = least_normal * 0.5f;
    subnormal_restore(before);
    return half == 0.0f;
}

/* A vanished gradient is zero, on every thread and if there is one range, and the caller's arithmetic is as before. */
START_TEST(bodies_run_without_subnormal_numbers) {
    const struct parallel parallel = {subnormal_cases[_i].threads};
    float halves[100];
    parallel_for(&parallel, subnormal_cases[_i].count, 1, halve_range, halves);
    for (int64_t i = 0; has_switch() && i < subnormal_cases[_i].count; i++) {
        ck_assert_float_eq(halves[i], 0.0f);
    }
    ck_assert_float_eq(least_normal * 0.5f, 0x1p-127f);
}
END_TEST

/* ---- the command ---- */

static void setup(void) {
    sandbox_open();
    tiny_write();
}

static const struct {
    const char *environment, *flags;
    int pool, openmp; /* threads that it reports; 0: the number of processors */
} numbers[] = {
    {"OMP_NUM_THREADS=3", "", 0, 3},
    {"OMP_NUM_THREADS=1", "", 0, 1},
    {"OMP_NUM_THREADS=3", " --threads 2", 2, 2},
    {"OMP_PLACES=cores", " --threads 3", 3, 3},
    {"OMP_PROC_BIND=close", " --threads 2", 2, 2},
    {"OMP_DYNAMIC=true", " --threads 4", 4, 4},
};

START_TEST(number_of_threads_is_the_one_asked_for_and_changes_no_bits) {
    char arguments[256];
    size_t sizes[2];
    snprintf(arguments, sizeof arguments, "train e.yaml --out one-%d --quiet --threads 1", _i);
    assert_status(arguments, (struct outcome[]){sandbox_run((struct call){.arguments = arguments})}, 0);
    snprintf(arguments, sizeof arguments, "train e.yaml --out several-%d%s", _i, numbers[_i].flags);
    const struct outcome outcome =
        sandbox_run((struct call){.arguments = arguments, .environment = numbers[_i].environment});
    assert_status(arguments, &outcome, 0);
    const int number = is_openmp() ? numbers[_i].openmp : numbers[_i].pool;
    const int threads = number == 0 ? parallel_processors() : number;
    char expected[64];
    snprintf(expected, sizeof expected, ", %d thread%s, writing", threads, threads == 1 ? "" : "s");
    assert_parts(numbers[_i].environment, outcome.err, expected);
    const char *one = sandbox_read(sandbox_path("one-%d/weights.safetensors", _i), &sizes[0]);
    const char *several = sandbox_read(sandbox_path("several-%d/weights.safetensors", _i), &sizes[1]);
    ck_assert(sizes[0] == sizes[1] && memcmp(one, several, sizes[0]) == 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TCase *cases = tcase_create("threads");
    tcase_set_timeout(cases, 120);
    tcase_add_unchecked_fixture(cases, setup, sandbox_close);
    if (!is_emulated()) { /* qemu 7.2 fails an assertion of its own there */
        tcase_add_test(cases, child_of_a_process_with_threads_works);
    }
    tcase_add_loop_test(cases, threads_that_ranges_leave_are_divided_among_them, 0, ROWS(team_cases));
    tcase_add_loop_test(cases, bodies_run_without_subnormal_numbers, 0, ROWS(subnormal_cases));
    tcase_add_loop_test(cases, number_of_threads_is_the_one_asked_for_and_changes_no_bits, 0, ROWS(numbers));
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
