/* tests/test_plot.c: plots as text, character by character, and as SVG (cli/plot.h). */
#define _GNU_SOURCE /* posix_openpt, winsize */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/plot.h"
#include "tests/suite.h"

/* The text that plot_print writes to a file. The caller frees it. */
static char *printed(const struct plot *plot, struct plot_style style) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    plot_print(out, plot, &style);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void assert_printed(const struct plot *plot, struct plot_style style, const char *expected) {
    char *found = printed(plot, style);
    ck_assert_msg(strcmp(found, expected) == 0, "found\n%s\nexpected\n%s", found, expected);
    free(found);
}

/* ---- one curve ---- */

struct curve {
    const char *title;
    const double *values; /* [count], at equal distances along x */
    int64_t count;
    const char *x_label;
    double first, last; /* x of the first and of the last value */
    int32_t marks, columns, rows;
};

static char *drawn(const struct curve *curve) {
    double *x = calloc((size_t)curve->count + 1, sizeof *x);
    ck_assert_ptr_nonnull(x);
    const double last = curve->last > curve->first ? curve->last : curve->first + (double)curve->count - 1;
    for (int64_t i = 0; i < curve->count; i++) {
        x[i] = curve->count == 1 ? curve->first
                                 : curve->first + (last - curve->first) * (double)i / (double)(curve->count - 1);
    }
    struct plot plot = {.title = curve->title, .x.label = curve->x_label};
    plot_add(&plot, (struct plot_series){.x = x, .y = curve->values, .count = curve->count});
    char *text = printed(&plot, (struct plot_style){curve->marks, curve->columns, curve->rows, 0});
    free(x);
    return text;
}

static void assert_drawn(const struct curve *curve, const char *expected) {
    char *found = drawn(curve);
    ck_assert_msg(strcmp(found, expected) == 0, "found\n%s\nexpected\n%s", found, expected);
    free(found);
}

START_TEST(line_goes_from_corner_to_corner) {
    const double values[] = {0, 1, 2, 3};
    assert_drawn(&(struct curve){.title = "rate",
                                 .values = values,
                                 .count = 4,
                                 .x_label = "update",
                                 .first = 1,
                                 .last = 4,
                                 .marks = PLOT_ASCII,
                                 .columns = 4,
                                 .rows = 7},
                 "rate\n"
                 "         3 +   *\n"
                 "           |  **\n"
                 "           |  *\n"
                 "           | **\n"
                 "           | *\n"
                 "           |**\n"
                 "         0 +*\n"
                 "            1  4\n"
                 "            update\n");
}
END_TEST

/* The bits of a pattern above U+2800 are 1 8, 2 16, 4 32, 64 128, from the top. Here the left column of dots spans 3
 * to 1.5, and the right one 1.5 to 0: 1 + 2 + 4 + 32 + 128. */
START_TEST(braille_dots_are_where_they_belong) {
    const double values[] = {3, 0};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 2, .first = 0, .last = 1, .marks = PLOT_BRAILLE, .columns = 1, .rows = 1},
        "         0 \u2524\u28a7\n"
        "            0 1\n");
}
END_TEST

/* A fall between two neighbouring values is a vertical line. */
START_TEST(sudden_change_leaves_no_gap) {
    const double values[] = {1, 1, 1, 0, 0, 0};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 6, .first = 0, .last = 5, .marks = PLOT_ASCII, .columns = 6, .rows = 5},
        "         1 +***\n"
        "           |  *\n"
        "           |  **\n"
        "           |   *\n"
        "         0 +   ***\n"
        "            0    5\n");
}
END_TEST

/* A single high value among a hundred thousand is visible. */
START_TEST(peak_shows_however_many_values_there_are) {
    enum { COUNT = 100000 };
    double *values = calloc(COUNT, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int at = 0; at < COUNT; at += 7919) {
        values[at] = 1;
        char *text = drawn(&(struct curve){.values = values, .count = COUNT, .marks = PLOT_ASCII});
        const char *end = strchr(text, '\n'), *star = strchr(text, '*');
        ck_assert(star != NULL && star < end); /* in the first row */
        ck_assert_int_le(labs((long)(star - text - 12) - (long)(at / (COUNT / 59.0) + 0.5)), 1);
        free(text);
        values[at] = 0;
    }
    free(values);
}
END_TEST

START_TEST(not_finite_leaves_a_gap) {
    const double values[] = {1, 0, NAN, INFINITY, -INFINITY, 0, 1};
    assert_drawn(
        &(struct curve){
            .values = values, .count = 7, .first = 0, .last = 6, .marks = PLOT_ASCII, .columns = 7, .rows = 3},
        "         1 +*     *\n"
        "           |**   **\n"
        "         0 + *   *\n"
        "            0     6\n");
}
END_TEST

/* Values whose range is 0, and ranges that overflow a double. */
START_TEST(extreme_values_are_drawn) {
    static const double one[] = {2.5}, same[] = {-3e-5, -3e-5}, none[] = {NAN, INFINITY}, huge[] = {-1.7e308, 1.7e308};
    assert_drawn(&(struct curve){.values = one, .count = 1, .marks = PLOT_ASCII, .columns = 3, .rows = 3},
                 "           |\n"
                 "       2.5 +***\n"
                 "           |\n"
                 "            0\n");
    assert_drawn(&(struct curve){.values = same, .count = 2, .last = 1, .marks = PLOT_ASCII, .columns = 3, .rows = 1},
                 "    -3e-05 +***\n"
                 "            0 1\n");
    assert_drawn(&(struct curve){.values = huge, .count = 2, .last = 1, .marks = PLOT_ASCII, .columns = 3, .rows = 5},
                 "  1.7e+308 +  *\n"
                 "           | **\n"
                 "           | *\n"
                 "           |**\n"
                 " -1.7e+308 +*\n"
                 "            0 1\n");
    assert_drawn(&(struct curve){.title = "loss", .values = none, .count = 2, .marks = PLOT_BRAILLE},
                 "loss\n"
                 "            no finite value\n");
    assert_drawn(&(struct curve){.values = none, .count = 0}, "            no finite value\n");
}
END_TEST

/* 60 by 8 by default, and never more than the largest size. */
static const struct {
    int32_t columns, rows, expected_columns, expected_rows;
} sizes[] = {{0, 0, 60, 8}, {-5, -5, 60, 8}, {1, 1, 1, 1}, {200, 50, 200, 50}, {INT32_MAX, INT32_MAX, 200, 50}};

START_TEST(size_is_the_one_asked_for) {
    const double values[] = {5, 5};
    for (int32_t marks = PLOT_ASCII; marks <= PLOT_BRAILLE; marks++) {
        char *text = drawn(&(struct curve){
            .values = values, .count = 2, .marks = marks, .columns = sizes[_i].columns, .rows = sizes[_i].rows});
        int lines = 0, longest = 0, length = 0;
        for (const char *c = text; *c != '\0'; c++) {
            length += ((unsigned char)*c & 0xc0) != 0x80; /* characters, not bytes */
            if (*c == '\n') {
                longest = length - 1 > longest && lines < sizes[_i].expected_rows ? length - 1 : longest;
                length = 0;
                lines++;
            }
        }
        ck_assert_int_eq(lines, sizes[_i].expected_rows + 1); /* and the line with the values of x */
        ck_assert_int_eq(longest, sizes[_i].expected_columns + 12);
        free(text);
    }
}
END_TEST

/* ---- characters ---- */

/* The text that plot_print writes to a terminal in a locale. */
static void on_terminal(const char *locale, unsigned short columns, char *text, size_t size) {
    ck_assert_int_eq(setenv("LC_ALL", locale, 1), 0);
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_msg(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "no terminal to test with");
    FILE *out = fopen(ptsname(master), "w");
    ck_assert_ptr_nonnull(out);
    const struct winsize window = {.ws_row = 24, .ws_col = columns};
    ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &window), 0);
    const double values[] = {0, 1};
    struct plot plot = {.title = NULL};
    plot_add(&plot, (struct plot_series){.y = values, .count = 2});
    plot_print(out, &plot, NULL);
    ck_assert_int_eq(fflush(out), 0);
    const ssize_t length = read(master, text, size - 1);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    fclose(out);
    close(master);
}

START_TEST(braille_is_for_terminals_with_utf8_alone) {
    char text[1024];
    on_terminal("C.UTF-8", 0, text, sizeof text);
    ck_assert_msg(strstr(text, "\u2524") != NULL && strchr(text, '*') == NULL, "%s", text);
    on_terminal("C", 0, text, sizeof text);
    ck_assert_msg(strstr(text, "\u2524") == NULL && strchr(text, '*') != NULL, "%s", text);
    ck_assert_int_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
    const double values[] = {0, 1};
    char *file = drawn(&(struct curve){.values = values, .count = 2});
    ck_assert(strstr(file, "\u2524") == NULL && strchr(file, '*') != NULL);
    free(file);
}
END_TEST

/* The longest line, in characters. */
static int widest(const char *text) {
    int longest = 0, length = 0;
    for (; *text != '\0'; text++) {
        length += ((unsigned char)*text & 0xc0) != 0x80 && *text != '\r' && *text != '\n';
        longest = length > longest ? length : longest;
        length = *text == '\n' ? 0 : length;
    }
    return longest;
}

START_TEST(plot_is_as_wide_as_the_terminal) {
    static const struct {
        unsigned short columns;
        int expected;
    } rows[] = {{0, 72}, {80, 79}, {100, 99}, {10, 32}, {60000, 212}};
    char text[8192];
    on_terminal("C", rows[_i].columns, text, sizeof text);
    ck_assert_int_eq(widest(text), rows[_i].expected);
}
END_TEST

/* ---- several series ---- */

static const double steps[] = {0, 1, 2, 3, 4}, truth[] = {0, 1, 2, 3, 4}, forecast[] = {4, 3, NAN, 1, 0},
                    lower[] = {0, 0, NAN, 0, 0}, upper[] = {2, 2, NAN, 2, 2};
static const char *const days[] = {"2012-01-01", "2012-01-02", "2012-01-03", "2012-01-04", "2012-01-05"};

static struct plot three_series(void) {
    struct plot plot = {
        .title = "rentals", .x = {.label = "date", .names = days, .n_names = 5}, .y.label = "bicycles per day"};
    plot_add(&plot, (struct plot_series){"interval", PLOT_BAND, steps, lower, upper, 5});
    plot_add(&plot, (struct plot_series){"truth", PLOT_LINE, steps, truth, NULL, 5});
    plot_add(&plot, (struct plot_series){"forecast", PLOT_POINTS, steps, forecast, NULL, 5});
    plot_note(&plot, "R\u00b2 0.5");
    plot_note(&plot, NULL);
    return plot;
}

START_TEST(series_differ_by_their_characters) {
    const struct plot plot = three_series();
    assert_printed(&plot, (struct plot_style){PLOT_ASCII, 17, 5, 0},
                   "rentals\n"
                   "            bicycles per day\n"
                   "         4 +o             ***\n"
                   "           |    o     *****\n"
                   "           |::::: ***** :::::\n"
                   "           |::*****     o::::\n"
                   "         0 +***::       ::::o\n"
                   "            2012-01-01 2012-01-05\n"
                   "            date\n"
                   "            : interval   * truth   o forecast\n"
                   "  R\u00b2 0.5\n");
}
END_TEST

/* Without colours braille cannot tell series apart, so characters do. */
START_TEST(braille_of_several_series_needs_colours) {
    const struct plot plot = three_series();
    char *plain = printed(&plot, (struct plot_style){PLOT_BRAILLE, 17, 5, 0});
    char *ascii = printed(&plot, (struct plot_style){PLOT_ASCII, 17, 5, 0});
    char *colored = printed(&plot, (struct plot_style){PLOT_BRAILLE, 17, 5, 1});
    ck_assert_str_eq(plain, ascii);
    ck_assert_ptr_nonnull(strstr(colored, "\033[31m"));
    ck_assert_ptr_nonnull(strstr(colored, "\u2524"));
    ck_assert_ptr_null(strchr(plain, '\033'));
    free(plain);
    free(ascii);
    free(colored);
}
END_TEST

/* More than a plot can have are left out, not written past its end. */
START_TEST(too_many_series_and_notes_are_left_out) {
    struct plot plot = {.title = NULL};
    for (int i = 0; i < 2 * PLOT_MOST_NOTES; i++) {
        plot_add(&plot, (struct plot_series){.y = truth, .count = 5});
        plot_note(&plot, "note");
    }
    ck_assert_int_eq(plot.n_series, PLOT_MOST_SERIES);
    ck_assert_int_eq(plot.n_notes, PLOT_MOST_NOTES);
}
END_TEST

/* ---- matrices and bars ---- */

START_TEST(matrix_shows_shares_of_each_true_class) {
    static const char *const names[] = {"cat", "dog\n", "none"};
    static const double values[] = {3, 1, 0, 0, 299, 1, 0, 0, 0};
    const struct plot_matrix matrix = {names, values, 3};
    const struct plot plot = {.title = "confusion matrix", .matrix = &matrix};
    assert_printed(&plot, (struct plot_style){PLOT_ASCII, 60, 8, 0},
                   "confusion matrix\n"
                   "  true class         cat       dog\\n        none examples\n"
                   "  cat              # 75%       : 25%           .        4\n"
                   "  dog\\n                .      # 100%       . <1%      300\n"
                   "  none                 -           -           -        0\n");
}
END_TEST

/* Long names of classes often differ only at their ends. */
START_TEST(a_map_has_whole_names_where_they_fit) {
    enum { COUNT = 30 };
    static double values[COUNT * COUNT];
    static char texts[COUNT][24];
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "class_number_%d", i);
        names[i] = texts[i];
        values[i * COUNT + i] = 1;
    }
    const struct plot_matrix matrix = {names, values, COUNT};
    const struct plot plot = {.matrix = &matrix};
    char *text = printed(&plot, (struct plot_style){PLOT_ASCII, 60, 8, 0});
    ck_assert_msg(strstr(text, "class_number_29 |") != NULL, "%s", text);
    free(text);
}
END_TEST

/* A matrix that is wider than the terminal is a map of groups; every example of the first class is predicted as the last. */
START_TEST(many_classes_are_joined_in_groups) {
    enum { COUNT = 1000 };
    char(*texts)[8] = calloc(COUNT, sizeof *texts);
    const char **names = calloc(COUNT, sizeof *names);
    double *values = calloc((size_t)COUNT * COUNT, sizeof *values);
    ck_assert(texts != NULL && names != NULL && values != NULL);
    for (int k = 0; k < COUNT; k++) {
        snprintf(texts[k], sizeof texts[k], "%d", k);
        names[k] = texts[k];
        values[k * COUNT + k] = 1;
    }
    values[0] = 0;
    values[COUNT - 1] = 500;
    const struct plot_matrix matrix = {names, values, COUNT};
    const struct plot plot = {.matrix = &matrix};
    char *text = printed(&plot, (struct plot_style){PLOT_ASCII, 30, 8, 0});
    const char *first = strchr(text, '|');
    ck_assert_ptr_nonnull(first);
    ck_assert_int_eq(first[1], '.');                          /* 38 of 538 */
    ck_assert_int_eq(strchr(first + 1, '|')[-1], '#');        /* 500 of 538 */
    ck_assert_ptr_nonnull(strstr(text, "classes in a cell")); /* and the words fit */
    struct plot_confusion confusions[3];
    ck_assert_int_eq(plot_confusions(&matrix, confusions, 3), 1);
    ck_assert_int_eq(confusions[0].row, 0);
    ck_assert_int_eq(confusions[0].column, COUNT - 1);
    free(text);
    size_t length = 0;
    const struct plot *const page[] = {&plot};
    text = plot_svg(page, 1, "", &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(length, 100000);
    free(text);
    free(values);
    free(names);
    free(texts);
}
END_TEST

START_TEST(most_frequent_confusions_come_first) {
    static const double values[] = {9, 1, 5, 2, 9, 3, 4, 0, 9};
    static const char *const names[] = {"a", "b", "c"};
    const struct plot_matrix matrix = {names, values, 3};
    struct plot_confusion found[3];
    ck_assert_int_eq(plot_confusions(&matrix, found, 3), 3);
    ck_assert_double_eq(found[0].value, 5);
    ck_assert_double_eq(found[1].value, 4);
    ck_assert_double_eq(found[2].value, 3);
    ck_assert_int_eq(found[2].row * 3 + found[2].column, 5);
}
END_TEST

static int occurrences(const char *text, const char *part) {
    int count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        count++;
    }
    return count;
}

/* What each symbol of a text attended to: columns that do not fit follow below. */
START_TEST(grid_shows_a_share_for_each_row_and_column) {
    static const char *const rows[] = {"die", "Katze", "\n"}, *const columns[] = {"the", "cat", "sleeps"};
    static const float values[] = {0.9F, 0.1F, 0, 0.3F, 0.6F, 0.1F, 0, 0.01F, 0.99F};
    const struct plot_grid grid = {rows, columns, values, 3, 3};
    const struct plot plot = {.title = "die Katze", .grid = &grid};
    assert_printed(&plot, (struct plot_style){PLOT_ASCII, 60, 8, 0},
                   "die Katze\n"
                   "        the cat sleeps\n"
                   "  die   ### ...       \n"
                   "  Katze ::: ooo ......\n"
                   "  \\n            ######\n");
    assert_printed(&plot, (struct plot_style){PLOT_ASCII, 4, 8, 0},
                   "die Katze\n"
                   "        the cat\n"
                   "  die   ### ...\n"
                   "  Katze ::: ooo\n"
                   "  \\n           \n"
                   "\n"
                   "        sleeps\n"
                   "  die         \n"
                   "  Katze ......\n"
                   "  \\n    ######\n");
    const struct plot *const page[] = {&plot};
    size_t length = 0;
    char *text = plot_svg(page, 1, "", &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(occurrences(text, "class=\"cell\""), 7);
    ck_assert_int_eq(occurrences(text, "<title>Katze, cat: 0.6</title>"), 1);
    free(text);
}
END_TEST

/* The picture of a text of any length has a bounded size. */
START_TEST(svg_of_a_large_grid_is_bounded) {
    enum { COUNT = 1000 };
    float *values = calloc(COUNT * COUNT, sizeof *values);
    const char **names = calloc(COUNT, sizeof *names);
    ck_assert(values != NULL && names != NULL);
    for (int i = 0; i < COUNT * COUNT; i++) {
        values[i] = 0.5F;
    }
    for (int i = 0; i < COUNT; i++) {
        names[i] = "x";
    }
    const struct plot_grid grid = {names, names, values, COUNT, COUNT};
    const struct plot plot = {.grid = &grid};
    const struct plot *const page[] = {&plot};
    size_t length = 0;
    char *text = plot_svg(page, 1, "", &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(occurrences(text, "class=\"cell\""), PLOT_MOST_CELLS * PLOT_MOST_CELLS);
    free(text);
    free(names);
    free(values);
}
END_TEST

START_TEST(bars_are_as_long_as_their_values) {
    static const char *const names[] = {"great", "other", "n"};
    static const double values[] = {20, 10, 0};
    const struct plot_bars bars = {names, values, 3};
    const struct plot plot = {.title = "predictions", .x.label = "count", .bars = &bars};
    assert_printed(&plot, (struct plot_style){PLOT_ASCII, 25, 8, 0},
                   "predictions\n"
                   "  great #################### 20\n"
                   "  other ########## 10\n"
                   "  n     0\n"
                   "        count\n");
}
END_TEST

/* ---- SVG ---- */

/* The number of times a text occurs. */
START_TEST(svg_has_every_point_of_short_series_and_escapes_texts) {
    struct plot plot = three_series();
    plot.title = "a < b & \"c\" \x1b \xef\xbf\xbf";
    const struct plot *const page[] = {&plot};
    size_t length = 0;
    char *text = plot_svg(page, 1, plot.title, &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_int_eq(occurrences(text, "a &lt; b &amp; &quot;c&quot; \\x1b \xef\xbf\xbd"), 2);
    ck_assert_int_eq(occurrences(text, "h0"), 4); /* the forecast, whose third point is missing */
    ck_assert_int_eq(occurrences(text, "Z"), 2);  /* the band, on both sides of the gap */
    ck_assert_int_eq(occurrences(text, ">2012-01-0"), 5);
    const char *line = strstr(text, "class=\"line few s1\"");
    ck_assert_ptr_nonnull(line);
    char path[256] = "";
    ck_assert_int_eq(sscanf(line, "class=\"line few s1\" d=\"%255[^\"]", path), 1);
    ck_assert_int_eq(occurrences(path, "L"), 4);
    free(text);
}
END_TEST

/* However many points there are, a document stays small, and the peak is in it. */
START_TEST(svg_of_many_points_is_small) {
    enum { COUNT = 200000 };
    double *values = calloc(COUNT, sizeof *values);
    ck_assert_ptr_nonnull(values);
    for (int i = 0; i < COUNT; i++) {
        values[i] = sin(i * 12.9898) * 0.5;
    }
    values[77777] = 7;
    for (int32_t mark = PLOT_LINE; mark <= PLOT_BAND; mark++) {
        struct plot plot = {.title = NULL};
        plot_add(&plot, (struct plot_series){NULL, mark, NULL, values, mark == PLOT_BAND ? values : NULL, COUNT});
        const struct plot *const page[] = {&plot};
        size_t length = 0;
        char *text = plot_svg(page, 1, "", &length);
        ck_assert_ptr_nonnull(text);
        ck_assert_uint_lt(length, 200000);
        ck_assert_ptr_nonnull(strstr(text, " 66.9")); /* 7 of -0.875 to 7.375, with the margins */
        free(text);
    }
    free(values);
}
END_TEST

START_TEST(svg_of_nothing_says_so) {
    static const double none[] = {NAN, INFINITY};
    struct plot plot = {.title = NULL};
    plot_add(&plot, (struct plot_series){.y = none, .count = 2});
    const struct plot empty = {.title = NULL};
    const struct plot *const page[] = {&plot, &empty};
    size_t length = 0;
    char *text = plot_svg(page, 2, "", &length);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(occurrences(text, "no finite value"), 2);
    ck_assert_int_eq(occurrences(text, "nan") + occurrences(text, "inf\""), 0);
    free(text);
}
END_TEST

static const struct {
    struct plot_range range;
    int32_t is_whole;
    struct plot_ticks expected;
} ticks[] = {
    {{0, 1}, 0, {0, 0.2, 6}},
    {{1, 4}, 1, {1, 1, 4}},
    {{-3, 1234}, 0, {0, 500, 3}},
    {{2.5, 2.5}, 0, {2.5, 0, 1}},
    {{0.2, 0.4}, 1, {0.2, 0, 1}},
    {{-1.7e308, 1.7e308}, 0, {-1e308, 1e308, 3}},
    {{1e15, 1e15 + 0.25}, 0, {1e15, 0, 0}},
};

START_TEST(ticks_are_round_numbers) {
    const struct plot_ticks found = plot_ticks(ticks[_i].range, 5, ticks[_i].is_whole);
    ck_assert_int_ge(found.count, 1);
    if (ticks[_i].expected.count > 0) {
        ck_assert_int_eq(found.count, ticks[_i].expected.count);
        ck_assert_double_eq_tol(found.first, ticks[_i].expected.first, fabs(ticks[_i].expected.first) * 1e-12 + 1e-30);
        ck_assert_double_eq_tol(found.step, ticks[_i].expected.step, ticks[_i].expected.step * 1e-12 + 1e-30);
    }
    ck_assert_int_le(found.count, 14);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("plot");
    TCase *tcase = tcase_create("curves");
    tcase_add_test(tcase, line_goes_from_corner_to_corner);
    tcase_add_test(tcase, braille_dots_are_where_they_belong);
    tcase_add_test(tcase, sudden_change_leaves_no_gap);
    tcase_add_test(tcase, peak_shows_however_many_values_there_are);
    tcase_add_test(tcase, not_finite_leaves_a_gap);
    tcase_add_test(tcase, extreme_values_are_drawn);
    tcase_add_loop_test(tcase, size_is_the_one_asked_for, 0, ROWS(sizes));
    tcase_add_test(tcase, braille_is_for_terminals_with_utf8_alone);
    tcase_add_loop_test(tcase, plot_is_as_wide_as_the_terminal, 0, 5);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("plots");
    tcase_add_test(tcase, series_differ_by_their_characters);
    tcase_add_test(tcase, braille_of_several_series_needs_colours);
    tcase_add_test(tcase, too_many_series_and_notes_are_left_out);
    tcase_add_test(tcase, matrix_shows_shares_of_each_true_class);
    tcase_add_test(tcase, a_map_has_whole_names_where_they_fit);
    tcase_add_test(tcase, many_classes_are_joined_in_groups);
    tcase_add_test(tcase, most_frequent_confusions_come_first);
    tcase_add_test(tcase, grid_shows_a_share_for_each_row_and_column);
    tcase_add_test(tcase, bars_are_as_long_as_their_values);
    suite_add_tcase(suite, tcase);

    tcase = tcase_create("svg");
    tcase_add_test(tcase, svg_has_every_point_of_short_series_and_escapes_texts);
    tcase_add_test(tcase, svg_of_many_points_is_small);
    tcase_add_test(tcase, svg_of_a_large_grid_is_bounded);
    tcase_add_test(tcase, svg_of_nothing_says_so);
    tcase_add_loop_test(tcase, ticks_are_round_numbers, 0, ROWS(ticks));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
