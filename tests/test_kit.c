/* tests/test_kit.c: the base of the checks of plug-ins: child processes that may crash, guarded buffers, values of
 * options.
 */
#define _GNU_SOURCE
#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/options.h"
#include "core/tensor.h"
#include "kit/check.h"
#include "kit/child.h"
#include "kit/guard.h"
#include "kit/heap.h"
#include "kit/op_sequences.h"
#include "kit/option_settings.h"
#include "tests/suite.h"

static struct arena *arena;
static struct errors errors;
static struct guard *guard;

static void setup(void) {
    arena = arena_create();
    guard = guard_create();
    memset(&errors, 0, sizeof errors);
    ck_assert(arena != NULL && guard != NULL);
}

static void teardown(void) {
    errors_free(&errors);
    arena_destroy(arena);
    guard_destroy(guard);
}

static struct child_outcome run(size_t (*body)(void *arg, char *answer, size_t size), void *arg, double seconds) {
    struct child_outcome outcome;
    ck_assert_int_eq(child_run(body, arg, seconds, &outcome, arena, &errors), RONDO_OK);
    return outcome;
}

/* ---- children ---- */

/* What a child may do. The parent must neither wait for it nor be damaged by it. */
enum deed { ANSWER, CRASH, ABORT, DIVIDE, EXIT, LOOP, PRINT, PRINT_MUCH, PRINT_AND_CRASH, CLOSE_ALL, LEAVE_CHILD };

static volatile int zero;
static volatile uintptr_t low = 64; /* an unmapped address; a sanitizer would report address 0 itself */

static size_t act(void *arg, char *answer, size_t size) {
    volatile int *nothing = (volatile int *)low;
    switch (*(enum deed *)arg) {
    case CRASH:
        *nothing = 1;
        break;
    case ABORT:
        abort();
    case DIVIDE:
        raise(SIGFPE); /* not every processor traps on 1 / 0 */
        break;
    case EXIT:
        exit(42);
    case LOOP:
        while (zero == 0) {
        }
        break;
    case PRINT:
        printf("to standard output\n");
        fprintf(stderr, "and\tto standard error\n\n");
        break;
    case PRINT_MUCH:
        for (int i = 0; i < 100000; i++) {
            printf("line %d\n", i);
        }
        break;
    case PRINT_AND_CRASH:
        printf("the last word\n");
        *nothing = 1;
        break;
    case CLOSE_ALL:
        for (int fd = 0; fd < 100; fd++) {
            close(fd);
        }
        while (zero == 0) {
        }
        break;
    case LEAVE_CHILD:
        if (fork() == 0) {
            sleep(1000); /* keeps the pipes open */
            _exit(0);
        }
        break;
    default:
        break;
    }
    return (size_t)snprintf(answer, size, "done");
}

static const struct {
    enum deed deed;
    enum child_end end;
    int number;
    const char *text, *printed;
} deeds[] = {
    {ANSWER, CHILD_ANSWERED, 0, "", ""},
    {CRASH, CHILD_SIGNALLED, SIGSEGV, "crashed: segmentation fault", ""},
    {ABORT, CHILD_SIGNALLED, SIGABRT, "crashed: abort, which a damaged heap or a failed assertion also causes", ""},
    {DIVIDE, CHILD_SIGNALLED, SIGFPE, "crashed: arithmetic trap, such as an integer division by zero", ""},
    {EXIT, CHILD_EXITED, 42, "ended the process with exit status 42, expected a status to be returned", ""},
    {LOOP, CHILD_TIMED_OUT, 0, "did not end within 0.2 s", ""},
    {PRINT, CHILD_ANSWERED, 0, "", "'to standard output / and to standard error'"},
    {PRINT_AND_CRASH, CHILD_SIGNALLED, SIGSEGV, "crashed: segmentation fault; it printed 'the last word'",
     "'the last word'"},
    {CLOSE_ALL, CHILD_TIMED_OUT, 0, "did not end within 0.2 s", ""},
    {LEAVE_CHILD, CHILD_ANSWERED, 0, "", ""},
};

/* `text` is what was expected; or begins like it, where more was printed. */
static void assert_text(const char *text, const char *expected, int has_more) {
    const size_t length = strlen(expected);
    ck_assert_msg(has_more ? length == 0 || strncmp(text, expected, length - 1) == 0 : strcmp(text, expected) == 0,
                  "'%s', expected '%s'", text, expected);
}

START_TEST(end_of_a_child_is_reported) {
    enum deed deed = deeds[_i].deed;
    const struct child_outcome outcome = run(act, &deed, deeds[_i].end == CHILD_TIMED_OUT ? 0.2 : 60);
    ck_assert_int_eq(outcome.end, deeds[_i].end);
    const int has_line = is_emulated() && outcome.end == CHILD_SIGNALLED; /* of the emulator */
    assert_text(child_end_text(&outcome, arena), deeds[_i].text, has_line);
    assert_text(child_printed_text(&outcome, arena), deeds[_i].printed, has_line);
    if (outcome.end == CHILD_ANSWERED) {
        ck_assert_str_eq(outcome.answer, "done");
        ck_assert_uint_eq(outcome.answer_size, 4);
    } else if (outcome.end != CHILD_TIMED_OUT) {
        ck_assert_int_eq(outcome.number, deeds[_i].number);
    }
    ck_assert_msg(outcome.seconds >= 0 && outcome.seconds < 50, "%g s", outcome.seconds);
}
END_TEST

START_TEST(much_printed_text_does_not_block) {
    enum deed deed = PRINT_MUCH;
    const struct child_outcome outcome = run(act, &deed, 60);
    ck_assert_int_eq(outcome.end, CHILD_ANSWERED);
    ck_assert_uint_eq(strlen(outcome.printed), CHILD_PRINTED);
    ck_assert_int_eq(strncmp(outcome.printed, "line 0\nline 1\n", 14), 0);
}
END_TEST

static size_t fill_answer(void *arg, char *answer, size_t size) {
    (void)arg;
    for (size_t i = 0; i < size; i++) {
        answer[i] = (char)('a' + i % 26);
    }
    return size;
}

START_TEST(longest_answer_comes_whole) {
    const struct child_outcome outcome = run(fill_answer, NULL, 60);
    ck_assert_uint_eq(outcome.answer_size, CHILD_ANSWER);
    for (size_t i = 0; i < CHILD_ANSWER; i++) {
        ck_assert_int_eq(outcome.answer[i], (char)('a' + i % 26));
    }
}
END_TEST

static int counter;
static size_t count(void *arg, char *answer, size_t size) {
    counter++;
    (void)arg;
    return (size_t)snprintf(answer, size, "%d", counter);
}

START_TEST(child_leaves_no_trace_in_the_parent) {
    ck_assert_str_eq(run(count, NULL, 60).answer, "1");
    ck_assert_str_eq(run(count, NULL, 60).answer, "1");
    ck_assert_int_eq(counter, 0);
}
END_TEST

static size_t tell_limits(void *arg, char *answer, size_t size) {
    struct rlimit core, memory;
    (void)arg;
    getrlimit(RLIMIT_CORE, &core);
    getrlimit(RLIMIT_AS, &memory);
    return (size_t)snprintf(answer, size, "%d %d", core.rlim_cur == 0, memory.rlim_cur != RLIM_INFINITY);
}

START_TEST(child_has_limits_of_its_own) {
    struct rlimit before, after;
    getrlimit(RLIMIT_AS, &before);
    const struct child_outcome limits = run(tell_limits, NULL, 60);
    ck_assert_int_eq(limits.answer[0], '1');
    ck_assert(!has_address_limits() || strcmp(limits.answer, "1 1") == 0);
    getrlimit(RLIMIT_AS, &after);
    ck_assert_uint_eq(before.rlim_cur, after.rlim_cur);
}
END_TEST

static size_t run_nested(void *arg, char *answer, size_t size) {
    const struct child_outcome outcome = run(act, arg, 0.2);
    return (size_t)snprintf(answer, size, "%s", child_end_text(&outcome, arena));
}

START_TEST(child_may_have_a_child) {
    enum deed deed = LOOP;
    ck_assert_str_eq(run(run_nested, &deed, 60).answer, "did not end within 0.2 s");
}
END_TEST

/* ---- guarded buffers ---- */

static rondo_tensor tensor(int32_t dtype, int64_t n) {
    rondo_tensor made = tensor_of(dtype, 1, &n);
    ck_assert_int_eq(guard_tensor(guard, "x", &made), 1);
    return made;
}

static const int64_t sizes[] = {0, 1, 7, 16, 63, 64, 65, 4096, 5000};

START_TEST(buffer_is_aligned_and_poison) {
    for (int32_t dtype = 0; dtype < RONDO_DTYPE_COUNT; dtype++) {
        const rondo_tensor x = tensor(dtype, sizes[_i]);
        ck_assert_uint_eq((uintptr_t)x.data % 64, 0);
        for (int64_t i = 0; i < sizes[_i]; i++) {
            ck_assert(dtype == RONDO_F32   ? isnan(((float *)x.data)[i])
                      : dtype == RONDO_F64 ? isnan(((double *)x.data)[i])
                                           : ((int32_t *)x.data)[i] > 1 << 30);
        }
        ck_assert_int_eq(guard_unwritten(guard, &x), sizes[_i] == 0 ? -1 : 0);
    }
    ck_assert_ptr_null(guard_overrun(guard));
}
END_TEST

/* The result of arithmetic on poison counts as written. */
START_TEST(unwritten_element_is_found) {
    for (int32_t dtype = 0; dtype < RONDO_DTYPE_COUNT; dtype++) {
        const rondo_tensor x = tensor(dtype, 33);
        for (int64_t i = 0; i < 33; i++) {
            if (dtype == RONDO_F32) {
                volatile float value = ((float *)x.data)[i];
                ((float *)x.data)[i] = value * 2;
            } else if (dtype == RONDO_F64) {
                volatile double value = ((double *)x.data)[i];
                ((double *)x.data)[i] = value * 2;
            } else {
                ((int32_t *)x.data)[i] = (int32_t)i;
            }
            ck_assert_int_eq(guard_unwritten(guard, &x), i == 32 ? -1 : i + 1);
        }
        guard_poison(guard, x.data);
        ck_assert_int_eq(guard_unwritten(guard, &x), 0);
    }
}
END_TEST

START_TEST(write_beside_a_buffer_is_found) {
    for (int place = -64; place < 64; place++) {
        struct guard *own = guard_create();
        ck_assert_ptr_nonnull(own);
        char *data = guard_alloc(own, "scratch", 1); /* 63 bytes of gap */
        ck_assert_ptr_nonnull(data);
        ck_assert_ptr_nonnull(guard_alloc(own, "other", 100));
        ck_assert_ptr_null(guard_overrun(own));
        data[place] ^= 1;
        if (place == 0) {
            ck_assert_ptr_null(guard_overrun(own));
        } else {
            ck_assert_str_eq(guard_overrun(own), "scratch");
        }
        guard_destroy(own);
    }
}
END_TEST

/* An access to byte number `place` of a buffer of `bytes` bytes, and whether it must crash. */
static const struct {
    size_t bytes;
    ptrdiff_t place;
    int is_write, is_protected, crashes;
} touches[] = {
    {64, 63, 1, 0, 0},     {64, 64, 1, 0, 1},     {64, 64, 0, 0, 1},  {0, 0, 0, 0, 1},
    {65, 128, 0, 0, 1},    {64, 0, 0, 1, 0},      {64, 0, 1, 1, 1},   {100, 99, 1, 1, 1},
    {4096, 4095, 1, 0, 0}, {4096, 4096, 1, 0, 1}, {8192, 0, 1, 1, 1},
};

static size_t touch(void *arg, char *answer, size_t size) {
    const int row = *(const int *)arg;
    volatile char *data = guard_alloc(guard, "x", touches[row].bytes);
    if (touches[row].is_protected) {
        guard_protect(guard, (const void *)data);
    }
    if (touches[row].is_write) {
        data[touches[row].place] = 1;
    }
    return (size_t)snprintf(answer, size, "%d", data[touches[row].place]);
}

START_TEST(touch_outside_a_buffer_is_a_crash) {
    int row = _i;
    const struct child_outcome outcome = run(touch, &row, 60);
    ck_assert_int_eq(outcome.end, touches[_i].crashes ? CHILD_SIGNALLED : CHILD_ANSWERED);
}
END_TEST

static size_t touch_destroyed(void *arg, char *answer, size_t size) {
    struct guard *own = guard_create();
    (void)arg;
    volatile char *data = own == NULL ? NULL : guard_alloc(own, "x", 64);
    if (data == NULL) {
        return (size_t)snprintf(answer, size, "out of memory");
    }
    data[0] = 1;
    guard_destroy(own);
    data[0] = 2;
    return (size_t)snprintf(answer, size, "%d", data[0]);
}

START_TEST(touch_of_a_destroyed_buffer_is_a_crash) {
    ck_assert_int_eq(run(touch_destroyed, NULL, 60).end, CHILD_SIGNALLED);
    guard_destroy(NULL);
}
END_TEST

static const struct {
    int is_protected;
    size_t place;
    const char *note;
} noted[] = {
    {1, 3, "wrote to 'x', which is read-only"}, {0, 64, "touched memory past the end of 'x'"}, {0, SIZE_MAX, ""}};

/* Place SIZE_MAX stands for an address outside of all buffers. */
static size_t touch_and_note(void *arg, char *answer, size_t size) {
    const int row = *(const int *)arg;
    struct guard *own = guard_create();
    char *data = guard_alloc(own, "x", 64);
    if (noted[row].is_protected) {
        guard_protect(own, data);
    }
    volatile char *at = noted[row].place == SIZE_MAX ? (volatile char *)low : data + noted[row].place;
    *at = 1;
    return (size_t)snprintf(answer, size, "%d", *at);
}

START_TEST(crash_at_a_buffer_leaves_a_note) {
    int row = _i;
    char *note = guard_share_note();
    ck_assert_ptr_nonnull(note);
    note[0] = '\0';
    const struct child_outcome outcome = run(touch_and_note, &row, 60);
    ck_assert_int_eq(outcome.end, CHILD_SIGNALLED);
    ck_assert_int_eq(outcome.number, SIGSEGV);
    ck_assert_str_eq(note, noted[_i].note);
}
END_TEST

START_TEST(poison_makes_a_buffer_writable_again) {
    const rondo_tensor x = tensor(RONDO_F64, 9);
    ((double *)x.data)[3] = 1;
    guard_protect(guard, x.data);
    guard_poison(guard, x.data);
    ck_assert(isnan(((double *)x.data)[3]));
    ((double *)x.data)[3] = 1;
    ck_assert_ptr_null(guard_overrun(guard));
}
END_TEST

/* ---- values of options ---- */

struct tried {
    double share, rate;
    int64_t count;
    int32_t is_on, mode;
    const char *name;
};
static const char *const tried_modes[] = {"slow", "fast", "none", NULL};
static const rondo_option tried[] = {
    RONDO_OPTION_REAL(struct tried, share, "0", 0, 1, "its default is an end"),
    RONDO_OPTION_REAL(struct tried, rate, "2", -1000, 1000, "its ends are far away"),
    RONDO_OPTION_INT(struct tried, count, "1", 1, 2, "two values"),
    RONDO_OPTION_BOOL(struct tried, is_on, "true", "a switch"),
    RONDO_OPTION_CHOICE(struct tried, mode, "fast", tried_modes, "a choice"),
    RONDO_OPTION_STRING(struct tried, name, "x", "a text"),
    RONDO_OPTION_END,
};

/* The values are neither defaults nor distant ends. Random values are in the range, and near the default. */
START_TEST(moderate_values_are_others_than_the_default) {
    static const char *const texts[] = {"share=1", "share=",      "rate=",     "count=2",
                                        "count=2", "is_on=false", "mode=slow", "mode=none"};
    struct option_setting trial;
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int i = 0; i < ROWS(texts); i++) {
            ck_assert_int_eq(option_moderate(tried, seed, i, &trial), 1);
            ck_assert_msg(strncmp(trial.text, texts[i], strlen(texts[i])) == 0, "value %d is %s", i, trial.text);
            const double value = strtod(option_setting_value(&trial), NULL);
            ck_assert_msg(i != 1 || (value > 0 && value < 1), "%s", trial.text);
            ck_assert_msg(i != 2 || (value >= 0 && value < 4 && value != 2), "%s", trial.text);
            ck_assert_int_eq(trial.is_end, i == 0 || i == 3);
        }
        ck_assert_int_eq(option_moderate(tried, seed, ROWS(texts), &trial), 0);
    }
    ck_assert_int_eq(option_moderate(NULL, 0, 0, &trial), 0);
}
END_TEST

/* ---- the heap ---- */

static void *kept[1000];
static int n_kept;

static void keep(void *arg) {
    kept[n_kept++] = malloc(*(const size_t *)arg);
}

static void give_back(void *arg) {
    void *volatile piece = malloc(*(const size_t *)arg);
    free(piece);
}

/* Small blocks, and large blocks, which the C library takes directly from the system. */
static const size_t pieces[] = {1, 24, 1000, 50000, 1 << 20};

START_TEST(what_stays_on_the_heap_is_found) {
    size_t bytes = pieces[_i];
    const double kept_bytes = heap_leak(keep, &bytes, 20), none = heap_leak(give_back, &bytes, 20);
    if (heap_in_use() < 0) {
        ck_assert(kept_bytes == -1 &&
                  none == -1); /* with a sanitizer the amount is not reported, which is better than a wrong one */
    } else {
        ck_assert_msg(kept_bytes >= (double)bytes && kept_bytes < 2 * (double)bytes + 64, "%g bytes", kept_bytes);
        ck_assert_msg(none == 0, "%g bytes", none);
    }
    while (n_kept > 0) {
        free(kept[--n_kept]);
    }
}
END_TEST

/* ---- options ---- */

struct settings {
    double rate, share;
    int64_t width;
    int32_t mode, flag;
    rondo_ints axes;
};
static const char *const modes[] = {"plain", "fast", NULL};
static const rondo_option table[] = {
    RONDO_OPTION_REAL(struct settings, rate, NULL, 0.01, 100, "a rate"),
    RONDO_OPTION_REAL(struct settings, share, NULL, 0, 1, "a share"),
    RONDO_OPTION_INT(struct settings, width, NULL, 1, 4096, "a width"),
    RONDO_OPTION_CHOICE(struct settings, mode, NULL, modes, "a mode"),
    RONDO_OPTION_BOOL(struct settings, flag, "true", "a flag"),
    RONDO_OPTION_INTS(struct settings, axes, NULL, -6, 5, "axes"),
    RONDO_OPTION_END,
};
static const rondo_descriptor with_options = {.name = "x", .options = table, .options_size = sizeof(struct settings)};

START_TEST(required_options_get_a_value_from_the_middle) {
    struct kit kit = {.arena = arena, .errors = &errors};
    const struct settings *all = kit_options(&kit, &with_options, NULL);
    ck_assert_msg(all != NULL, "%s", errors_text(&errors, 0));
    ck_assert(fabs(all->rate - 1) < 1e-12 && all->share == 0.5 && all->width == 64);
    ck_assert(all->mode == 0 && all->flag == 1 && all->axes.count == 1 && all->axes.values[0] == -1);
    const struct settings *some = kit_options(&kit, &with_options, "width=5, mode=fast share=0.25");
    ck_assert_ptr_nonnull(some);
    ck_assert(some->width == 5 && some->mode == 1 && some->share == 0.25 && fabs(some->rate - 1) < 1e-12);
    ck_assert_int_eq(errors.count, 0);
}
END_TEST

START_TEST(wrong_options_are_an_error) {
    struct kit kit = {.arena = arena, .errors = &errors};
    const rondo_descriptor without = {.name = "y"};
    ck_assert_ptr_null(kit_options(&kit, &without, NULL));
    ck_assert_int_eq(errors.count, 0);
    ck_assert_ptr_null(kit_options(&kit, &with_options, "width=5000"));
    ck_assert_int_eq(errors.count, 1);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), "'width' is 5000, expected an integer in [1, 4096]"));
}
END_TEST

/* ---- sequences of ops ---- */

/* Lengths of the sequences of two inputs; their first dimensions; and how many sequences there is room for. */
static const struct {
    int32_t count;
    int64_t length[2][3], first[2];
    int32_t fitting;
} sequences[] = {
    {3, {{3, 1, 2}, {2, 0, 1}}, {6, 3}, 3}, {3, {{3, 1, 2}, {2, 0, 1}}, {9, 5}, 3}, /* elements of no sequence */
    {3, {{3, 1, 2}, {4, 4, 4}}, {4, 6}, 2}, /* changed shapes, which are too small */
    {3, {{3, 1, 2}, {2, 0, 1}}, {0, 0}, 0}, {1, {{5}, {2}}, {5, 2}, 1},
};

static int overlap(const rondo_rows *rows, int64_t a, int64_t b) {
    return rows->begin[a] < rows->begin[b] + rows->length[b] && rows->begin[b] < rows->begin[a] + rows->length[a];
}

/* Sequences are inside their input, and only those of OP_SHARED share elements, never of the first input. Then, if they are
 * scattered, the first element belongs to none. */
START_TEST(sequences_have_their_places) {
    const int row = _i / OP_ARRANGEMENTS;
    const enum op_arrangement arrangement = (enum op_arrangement)(_i % OP_ARRANGEMENTS);
    struct op_lengths lengths = {.count = sequences[row].count, .divided = 3};
    rondo_tensor inputs[RONDO_SAMPLE_INPUTS] = {{0}};
    struct op_places places;
    int shared = 0;
    for (int k = 0; k < 2; k++) {
        memcpy(lengths.length[k], sequences[row].length[k], sizeof sequences[row].length[k]);
        inputs[k] = tensor_2d(RONDO_F64, sequences[row].first[k], 2, NULL);
    }
    ck_assert(op_places_make(&places, &lengths, arrangement, inputs));
    ck_assert_ptr_null(places.list[2]);
    for (int k = 0; k < 2; k++) {
        const rondo_rows *rows = places.list[k];
        int64_t room = sequences[row].first[k];
        ck_assert_int_eq(rows->count, sequences[row].fitting);
        for (int64_t s = 0; s < rows->count; s++) {
            const int64_t wanted = lengths.length[k][s];
            ck_assert_int_eq(rows->length[s], wanted < room ? wanted : room);
            room -= rows->length[s];
            ck_assert(rows->begin[s] >= (arrangement != OP_IN_ORDER) &&
                      rows->begin[s] + rows->length[s] <= inputs[k].shape[0]);
            for (int64_t other = 0; other < s; other++) {
                shared += overlap(rows, s, other);
            }
        }
        ck_assert(shared == 0 || (arrangement == OP_SHARED && k == 1));
        ck_assert(arrangement == OP_IN_ORDER || !op_rows_contain(rows, &inputs[k], 0));
    }
    ck_assert(arrangement != OP_SHARED || row != 2 || shared > 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("kit");
    TCase *cases = tcase_create("kit");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, end_of_a_child_is_reported, 0, ROWS(deeds));
    tcase_add_test(cases, much_printed_text_does_not_block);
    tcase_add_test(cases, longest_answer_comes_whole);
    tcase_add_test(cases, child_leaves_no_trace_in_the_parent);
    tcase_add_test(cases, child_has_limits_of_its_own);
    tcase_add_test(cases, child_may_have_a_child);
    tcase_add_loop_test(cases, buffer_is_aligned_and_poison, 0, ROWS(sizes));
    tcase_add_test(cases, unwritten_element_is_found);
    tcase_add_test(cases, write_beside_a_buffer_is_found);
    tcase_add_loop_test(cases, touch_outside_a_buffer_is_a_crash, 0, ROWS(touches));
    tcase_add_test(cases, touch_of_a_destroyed_buffer_is_a_crash);
    tcase_add_loop_test(cases, crash_at_a_buffer_leaves_a_note, 0, ROWS(noted));
    tcase_add_test(cases, poison_makes_a_buffer_writable_again);
    tcase_add_test(cases, moderate_values_are_others_than_the_default);
    tcase_add_loop_test(cases, what_stays_on_the_heap_is_found, 0, ROWS(pieces));
    tcase_add_test(cases, required_options_get_a_value_from_the_middle);
    tcase_add_test(cases, wrong_options_are_an_error);
    tcase_add_loop_test(cases, sequences_have_their_places, 0, ROWS(sequences) * OP_ARRANGEMENTS);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
