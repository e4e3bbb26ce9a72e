/* tests/test_scaffold.c: `rondo plugin new`: its result builds with make and with meson without a warning, passes its
 * checks unchanged, and trains.
 *
 * To add a kind or flavour, add a row to `flavours`.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/embedded.h"
#include "sandbox.h"
#include "tests/suite.h"

/* Runs a formatted line with sh, so that programs are found through PATH and words may contain blanks. */
static struct outcome shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static struct outcome shell(const char *format, ...) {
    char line[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    sandbox_write("line.sh", line);
    return sandbox_run((struct call){.program = "/bin/sh", .arguments = "line.sh"});
}

/* ---- the written folder works ---- */

static const struct {
    const char *kind, *name, *flags;
    const char *own; /* a file that only this kind has, or NULL */
} flavours[] = {
    {"op", "my_activation", "", "cell.yaml"},
    {"op", "my_rows", "--general", "cell.yaml"},
    {"optimizer", "my_optimizer", "", NULL},
    {"loss", "my_loss", "", NULL},
    {"schedule", "my_schedule", "", NULL},
    {"op", "double", "", "cell.yaml"}, /* a word of C */
    {"optimizer", "h", "--out above/other", NULL},
    {"loss", "my_distance", "--numbers", NULL},
    {"metric", "my_metric", "", NULL},
};

static const char *folder_of(int i) {
    return strncmp(flavours[i].flags, "--out ", 6) == 0 ? flavours[i].flags + 6 : flavours[i].name;
}

static void make_new(int i) {
    const char *name = flavours[i].name, *folder = folder_of(i);
    const struct outcome outcome =
        shell("'%s' plugin new %s %s %s", variable("RONDO_PROGRAM"), flavours[i].kind, name, flavours[i].flags);
    assert_status(name, &outcome, 0);
    ck_assert_str_eq(outcome.err, "");
    const char *const files[] = {"Makefile", "README.md",     "meson.build",           "experiment.yaml",
                                 "data.tsv", flavours[i].own, "include/rondo/plugin.h"};
    char path[256], parts[256];
    for (int k = 0; k < ROWS(files); k++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[k]);
        ck_assert_msg(files[k] == NULL || sandbox_has(path), "%s: there is no '%s'", name, path);
    }
    snprintf(parts, sizeof parts, "wrote %s:\n|  %s.c\n|make -C %s check RONDO=/|make -C %s train RONDO=/", folder,
             name, folder, folder);
    assert_parts(name, outcome.out, parts);
}

/* The header is a copy of Rondo's header, byte for byte. */
static void assert_same_header(const char *folder) {
    size_t sizes[2];
    const char *copy = sandbox_read(sandbox_path("%s/include/rondo/plugin.h", folder), &sizes[0]);
    const char *own = sandbox_read(sandbox_path("%s/include/rondo/plugin.h", variable("RONDO_SOURCE")), &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(copy, own, sizes[0]);
}

/* Every word was filled in, in every file. */
static void assert_no_words_left(const char *folder) {
    const struct outcome found = shell("grep -rEn '@[A-Z_]+@' %s; grep -rn '(null)' %s", folder, folder);
    ck_assert_msg(found.out[0] == '\0', "left over: %s", found.out);
}

/* Neither the compiler nor the checks report a warning. */
static void build_and_check(const char *name, const char *folder) {
    struct outcome outcome = shell("make -C %s CFLAGS='-O2 -Wall -Wextra -Wpedantic -Wshadow -Werror'", folder);
    assert_status(name, &outcome, 0);
    ck_assert_msg(outcome.err[0] == '\0', "%s: the compiler said: %s", name, outcome.err);
    outcome = shell("make -s -C %s check RONDO='%s'", folder, variable("RONDO_PROGRAM"));
    assert_status(name, &outcome, 0);
    assert_parts(name, outcome.out, " 0 warnings, 0 FAILED");
}

/* The network learns: it is far better than guessing, which has half of the classes right, or a mean error of 0.87 for
 * numbers.
 */
static void train(const char *name, const char *folder, int numbers) {
    struct outcome outcome = shell("make -s -C %s train RONDO='%s'", folder, variable("RONDO_PROGRAM"));
    assert_status(name, &outcome, 0);
    outcome = shell("grep '\"epoch\":20,' %s/runs/%s/metrics.jsonl", folder, name);
    const char *key = numbers ? "\"mae\":" : "\"accuracy\":";
    const char *valid = strstr(outcome.out, "\"valid\":"), *found = valid == NULL ? NULL : strstr(valid, key);
    ck_assert_msg(found != NULL, "%s: no %s in '%s'", name, key, outcome.out);
    const double figure = strtod(found + strlen(key), NULL);
    ck_assert_msg(numbers ? figure < 0.5 : figure > 0.7, "%s: %s is %g", name, key, figure);
}

/* Installs it into a folder of RONDO_PLUGIN_PATH, as the README describes. */
static void install(const char *kind, const char *name, const char *folder) {
    char group[32];
    snprintf(group, sizeof group, "%s%s", kind, strcmp(kind, "loss") == 0 ? "es" : "s");
    const struct outcome outcome = shell("mkdir -p installed/%s && cp %s/%s.so installed/%s/ && "
                                         "RONDO_PLUGIN_PATH=$PWD/installed '%s' list %s/%s",
                                         group, folder, name, group, variable("RONDO_PROGRAM"), kind, name);
    assert_status(name, &outcome, 0);
    assert_parts(name, outcome.out, name);
}

static void clean(const char *name, const char *folder) {
    char path[256];
    const struct outcome outcome = shell("make -s -C %s clean", folder);
    assert_status(name, &outcome, 0);
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    ck_assert(!sandbox_has(path));
}

static void build_by_meson(const char *name, const char *folder) {
    struct outcome outcome = shell("meson --version");
    if (outcome.status == 127) {
        fprintf(stderr, "%s: not built by meson, there is none\n", name);
        return;
    }
    outcome = shell("cd %s && meson setup --werror build && meson compile -C build", folder);
    assert_status(name, &outcome, 0);
    outcome = shell("'%s' plugin check %s/build/%s.so --only exported_symbol", variable("RONDO_PROGRAM"), folder, name);
    assert_status(name, &outcome, 0);
}

START_TEST(new_plugin_works_untouched) {
    const char *name = flavours[_i].name, *folder = folder_of(_i);
    make_new(_i);
    assert_same_header(folder);
    assert_no_words_left(folder);
    build_and_check(name, folder);
    train(name, folder, strcmp(flavours[_i].flags, "--numbers") == 0);
    install(flavours[_i].kind, name, folder);
    clean(name, folder);
    build_by_meson(name, folder);
}
END_TEST

/* ---- mistakes ---- */

#define LONG "a234567890123456789012345678901234567890123456789012345678901234" /* 64 */

/* The arguments of `rondo plugin new`; parts of the error; a file that must not exist afterwards. */
static const struct {
    const char *arguments;
    int status;
    const char *parts, *absent;
} mistakes[] = {
    {"", 2, "an argument is missing|usage: rondo plugin new KIND NAME", NULL},
    {"optimizer", 2, "an argument is missing", NULL},
    {"optimizer a b", 2, "one argument too many: 'b'", "a"},
    {"optimiser mine", 2, "unknown kind 'optimiser' (did you mean 'optimizer'?), expected op, optimizer, loss", "mine"},
    {"layer mine", 2, "unknown kind 'layer', expected op, optimizer, loss, schedule or metric", "mine"},
    {"op sub/mine", 2, "at most 63; use --out FOLDER to choose where to write", "sub"},
    {"op Mine", 2, "'Mine' is not a name for a plug-in, expected lower-case letters", "Mine"},
    {"op 2x", 2, "'2x' is not a name", "2x"},
    {"op _x", 2, "'_x' is not a name", "_x"},
    {"op my-op", 2, "'my-op' is not a name", "my-op"},
    {"op ''", 2, "'' is not a name", NULL},
    {"op ../out", 2, "'../out' is not a name", "../out"},
    {"op " LONG, 2, "' is not a name", LONG},
    {"op test", 2, "'test' is a name that meson reserves", "test"},
    {"op tanh", 2, "op 'tanh' exists already, built in, expected another name", "tanh"},
    {"op swish", 2, "op 'swish' exists already, from '|/swish.so', expected another name", "swish"},
    {"optimizer adam", 2, "optimizer 'adam' exists already, from '", "adam"},
    {"optimizer mine --general", 2, "--general is only for ops, got optimizer 'mine'", "mine"},
    {"op mine --out full", 2, "'full' exists and is not empty: it has 'file'", "full/mine.c"},
    {"op mine --out full/file", 2, "cannot write to 'full/file': Not a directory", NULL},
    {"op mine --out full/file/mine", 2, "cannot make the folder 'full/file/mine': Not a directory", NULL},
    {"op mine --out new/../full/file/mine", 2, "cannot make the folder 'new/../full/file/mine': Not a dir", "new"},
    {"optimizer mine --numbers", 2, "--numbers is only for losses, got optimizer 'mine'", "mine"},
    {"loss mine --numbers --general", 2, "--general is only for ops, got loss 'mine'", "mine"},
    {"op mine --general --numbers", 2, "--numbers is only for losses, got op 'mine'", "mine"},
    {"op mine --out", 2, "a value is missing after '--out'", "mine"},
    {"op mine --otu x", 2, "unknown flag '--otu' (did you mean '--out'?)", "mine"},
    {"lose Mine --out full", 2, "unknown kind 'lose' (did you mean 'loss'?)|'Mine' is not a name|'full' exists", NULL},
};

START_TEST(mistake_is_reported_and_nothing_written) {
    sandbox_write("full/file", "kept");
    shell("true"); /* its file exists from here on */
    const int entries = sandbox_entries();
    const struct outcome outcome = shell("'%s' plugin new %s", variable("RONDO_PROGRAM"), mistakes[_i].arguments);
    assert_status(mistakes[_i].arguments, &outcome, mistakes[_i].status);
    assert_parts(mistakes[_i].arguments, outcome.err, mistakes[_i].parts);
    ck_assert_str_eq(outcome.out, "");
    ck_assert_int_eq(sandbox_entries(), entries);
    ck_assert_msg(mistakes[_i].absent == NULL || !sandbox_has(mistakes[_i].absent), "'%s' was written",
                  mistakes[_i].absent);
}
END_TEST

/* A name is unique within its kind: an op and an optimizer may have the same name. */
START_TEST(name_of_another_kind_is_free) {
    const struct outcome outcome = shell("'%s' plugin new schedule adam", variable("RONDO_PROGRAM"));
    assert_status("schedule adam", &outcome, 0);
}
END_TEST

START_TEST(empty_folder_is_welcome) {
    const struct outcome outcome = shell("mkdir -p empty && cd empty && '%s' plugin new op mine_here --out . && "
                                         "make -s check RONDO='%s'",
                                         variable("RONDO_PROGRAM"), variable("RONDO_PROGRAM"));
    assert_status("--out .", &outcome, 0);
}
END_TEST

/* No file may grow beyond 5 kB: the header, which comes last, cannot be written. All the others are removed again; a
 * folder that was there stays, and is empty. */
START_TEST(failure_half_way_leaves_nothing) {
    shell("mkdir -p was_there");
    const int entries = sandbox_entries();
    static const char *const flags[] = {"", "--out was_there", "--out far/down//here/"};
    for (int i = 0; i < ROWS(flags); i++) {
        const struct outcome outcome =
            shell("trap '' XFSZ; ulimit -f 10; exec '%s' plugin new op half %s", variable("RONDO_PROGRAM"), flags[i]);
        assert_status("half", &outcome, 1);
        assert_parts("half", outcome.err, "plugin.h': File too large");
        ck_assert_int_eq(sandbox_entries(), entries);
    }
}
END_TEST

/* ---- the table in the program ---- */

/* Every file of kit/templates/ is in the table, with its bytes. A file that is missing in meson.build would never be
 * written. */
START_TEST(every_template_is_embedded) {
    const struct outcome listed =
        shell("cd '%s/kit/templates' && find . -type f | cut -c 3- | sort", variable("RONDO_SOURCE"));
    assert_status("find", &listed, 0);
    int count = 0;
    for (const char *at = listed.out; *at != '\0'; count++) {
        char name[256];
        size_t size;
        const size_t length = strcspn(at, "\n");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        const char *text = sandbox_read(sandbox_path("%s/kit/templates/%s", variable("RONDO_SOURCE"), name), &size);
        const struct embedded_file *file = embedded_files;
        while (file->path != NULL && strcmp(file->path, name) != 0) {
            file++;
        }
        ck_assert_msg(file->path != NULL, "'%s' is not in kit/meson.build", name);
        ck_assert_uint_eq(file->size, size);
        ck_assert_mem_eq(file->bytes, text, size);
        at += length + (at[length] == '\n');
    }
    ck_assert_int_ge(count, 10);
}
END_TEST

/* A Makefile runs the rondo of PATH. If that is this program, the printed commands are shorter. */
START_TEST(next_steps_name_rondo_only_if_path_has_another) {
    static const struct {
        const char *path, *parts;
    } rows[] = {
        {"$PWD/here", "make -C by_path0 check\n|make -C by_path0 train\n"},
        {"$PWD/none:$PWD/here:$PWD/other", "make -C by_path1 check\n|make -C by_path1 train\n"},
        {"$PWD/other:$PWD/here", "make -C by_path2 check RONDO=/|make -C by_path2 train RONDO=/"},
        {"$PWD/none", "make -C by_path3 check RONDO=/|make -C by_path3 train RONDO=/"},
    };
    struct outcome outcome = shell("mkdir -p here other && ln -sf '%s' here/rondo && echo exit >other/rondo && "
                                   "chmod +x other/rondo",
                                   variable("RONDO_PROGRAM"));
    assert_status("two programs", &outcome, 0);
    for (int i = 0; i < ROWS(rows); i++) {
        outcome = shell("PATH=\"%s\" '%s' plugin new optimizer by_path%d", rows[i].path, variable("RONDO_PROGRAM"), i);
        assert_status(rows[i].path, &outcome, 0);
        assert_parts(rows[i].path, outcome.out, rows[i].parts);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("scaffold");
    TCase *cases = tcase_create("scaffold");
    tcase_add_unchecked_fixture(cases, sandbox_open, sandbox_close);
    tcase_set_timeout(cases, 240);
    tcase_add_loop_test(cases, new_plugin_works_untouched, 0, ROWS(flavours));
    tcase_add_loop_test(cases, mistake_is_reported_and_nothing_written, 0, ROWS(mistakes));
    tcase_add_test(cases, name_of_another_kind_is_free);
    tcase_add_test(cases, empty_folder_is_welcome);
    tcase_add_test(cases, next_steps_name_rondo_only_if_path_has_another);
    tcase_add_test(cases, failure_half_way_leaves_nothing);
    tcase_add_test(cases, every_template_is_embedded);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
