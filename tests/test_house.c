/* tests/test_house.c: the structure of the source tree: which files may include which, functions that the library never
 * calls, symbols that the built objects export, and lists that must be complete.
 *
 * To prove that the checks work, each is also tested with lines that it must refuse. Environment variables give the
 * places of files: RONDO_SOURCE, RONDO_TEST_PLUGINS, RONDO_SHARED.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/suite.h"

enum { PATH_SIZE = 2048, MAX_FILES = 2000 };

static const char *variable(const char *name) {
    const char *text = getenv(name);
    ck_assert_msg(text != NULL && text[0] == '/', "the variable %s must hold an absolute path", name);
    return text;
}

/* ---- files ---- */

/* Paths relative to a folder, in order. */
struct files {
    char *items[MAX_FILES];
    int count;
};

static int ends_with(const char *text, const char *end) {
    const size_t length = strlen(text), n = strlen(end);
    return length >= n && strcmp(text + length - n, end) == 0;
}

static void add_files(struct files *files, const char *root, const char *below, const char *ending) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", root, below);
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    ck_assert_msg(count >= 0, "cannot read the folder '%s'", path);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        snprintf(path, sizeof path, "%s%s%s", below, below[0] == '\0' ? "" : "/", name);
        if (name[0] != '.' && ends_with(name, ending)) {
            ck_assert_int_lt(files->count, MAX_FILES);
            files->items[files->count++] = strdup(path);
        } else if (name[0] != '.' && strchr(name, '.') == NULL) {
            char folder[2 * PATH_SIZE];
            snprintf(folder, sizeof folder, "%s/%s", root, path);
            DIR *stream = opendir(folder);
            if (stream != NULL) {
                closedir(stream);
                add_files(files, root, path, ending);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

/* The files below a folder of the source tree. Fails if there are fewer than `least`, because then the search is in the
 * wrong place. */
static struct files source_files(const char *folder, const char *ending, int least) {
    struct files files = {.count = 0};
    add_files(&files, variable("RONDO_SOURCE"), folder, ending);
    ck_assert_msg(files.count >= least, "'%s' has %d files *%s, expected at least %d", folder, files.count, ending,
                  least);
    return files;
}

static void free_files(struct files *files) {
    for (int i = 0; i < files->count; i++) {
        free(files->items[i]);
    }
    files->count = 0;
}

/* The whole file, to be freed. */
static char *read_source(const char *file) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%s", variable("RONDO_SOURCE"), file);
    FILE *stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "cannot open '%s'", path);
    char *text = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(text);
    ck_assert_uint_lt(fread(text, 1, 1 << 20, stream), 1 << 20);
    fclose(stream);
    return text;
}

/* Replaces comments and the contents of quotes by blanks, so that only code is left; line numbers do not change. */
static void keep_code(char *text) {
    enum { CODE, LINE_COMMENT, COMMENT, QUOTED } state = CODE;
    char quote = 0;
    for (char *c = text; *c != '\0'; c++) {
        if (state == CODE && c[0] == '/' && (c[1] == '/' || c[1] == '*')) {
            state = c[1] == '/' ? LINE_COMMENT : COMMENT;
            *c++ = ' ';
            *c = ' ';
        } else if (state == CODE && (*c == '"' || *c == '\'')) {
            state = QUOTED;
            quote = *c;
        } else if (state == QUOTED && *c == '\\' && c[1] != '\0') {
            *c++ = ' ';
            *c = *c == '\n' ? '\n' : ' ';
        } else if (state == QUOTED && *c == quote) {
            state = CODE;
        } else if (state == COMMENT && c[0] == '*' && c[1] == '/') {
            state = CODE;
            *c++ = ' ';
            *c = ' ';
        } else if (*c == '\n') {
            state = state == LINE_COMMENT ? CODE : state;
        } else if (state != CODE) {
            *c = ' ';
        }
    }
}

/* ---- arrows ---- */

/* What the files of a folder may include, in addition to their own folder and system headers. The first row that a path
 * begins with counts. */
static const struct {
    const char *folder;
    const char *allowed[18]; /* beginnings of paths; NULL-terminated */
} arrows[] = {
    {"include/rondo/plugin.h", {NULL}},
    {"include/rondo/rondo.h", {"rondo/plugin.h"}},
    {"core/kernel.h", {NULL}}, /* macros: ops include it, and see nothing else of core through it */
    {"core/", {"core/", "rondo/plugin.h"}},
    {"ops/builtin_ops.c.in", {"core/registry.h"}}, /* declares the table that is made of it */
    {"ops/", {"ops/", "core/kernel.h", "rondo/plugin.h"}},
    {"io/", {"io/", "core/", "rondo/plugin.h"}},
    {"lang/", {"lang/", "io/", "core/", "rondo/plugin.h"}},
    {"model/", {"model/", "lang/", "core/", "rondo/plugin.h"}},
    {"data/", {"data/", "io/", "core/", "rondo/plugin.h"}},
    {"experiment/", {"experiment/", "model/", "data/", "lang/", "io/", "core/", "rondo/plugin.h", "config.h"}},
    {"store/", {"store/", "data/", "io/", "core/", "rondo/plugin.h", "config.h"}},
    {"train/", {"train/", "store/", "experiment/", "model/", "data/", "lang/", "io/", "core/", "rondo/", "config.h"}},
    {"inspect/",
     {"inspect/", "train/", "store/", "experiment/", "model/", "data/", "lang/", "io/", "core/", "rondo/plugin.h"}},
    {"compare/",
     {"compare/", "train/", "store/", "experiment/", "model/", "data/", "lang/", "io/", "core/", "rondo/plugin.h"}},
    {"report/",
     {"report/", "inspect/", "compare/", "store/", "experiment/", "lang/", "io/", "core/", "rondo/plugin.h",
      "config.h"}},
    {"kit/", {"kit/", "experiment/", "store/", "io/", "core/", "rondo/plugin.h"}},
    {"cli/",
     {"cli/", "kit/", "report/", "inspect/", "compare/", "train/", "store/", "experiment/", "model/", "data/", "lang/",
      "io/", "core/", "rondo/", "config.h"}},
    {"plugins/optimizers/", {"versions.h", "rondo/plugin.h"}},                   /* its own */
    {"plugins/losses/", {"distribution.h", "softmax_rows.h", "rondo/plugin.h"}}, /* its own */
    {"plugins/metrics/",
     {"edit_distance.h", "lower_case.h", "ngrams.h", "text_errors.h", "texts.h", "rondo/plugin.h"}}, /* its own */
    {"plugins/", {"rondo/plugin.h"}},
    {"examples/plugin/", {"parts.h"}}, /* its own */
    {"examples/embed/", {NULL}},
};

/* Headers of the system that any file may use, and those that only some may. */
static const char *const standard_headers[] = {
    "ctype.h",   "errno.h",  "float.h",  "inttypes.h", "limits.h", "math.h",   "stdalign.h", "stdarg.h", "stdatomic.h",
    "stdbool.h", "stddef.h", "stdint.h", "stdio.h",    "stdlib.h", "string.h", "tgmath.h",   "time.h"};
static const struct {
    const char *header;
    const char *users[10]; /* beginnings of paths; NULL-terminated */
} special_headers[] = {
    {"dlfcn.h", {"core/loader.c", "core/multiply_openblas.c"}},
    {"elf.h", {"core/loader.c", "kit/elf_file.c"}},
    {"link.h", {"core/plugin_memory.c", "kit/globals.c"}},
    {"cblas.h", {"core/multiply_openblas.c"}},
    {"malloc.h", {"cli/main.c", "kit/heap.c"}},
    {"poll.h", {"compare/processes.c", "io/program.c", "kit/child.c"}},
    {"spawn.h", {"io/program.c"}},
    {"sys/file.h", {"io/file_lock.c"}},
    {"sys/sysmacros.h", {"io/file_lock.c"}},
    {"sys/mman.h",
     {"core/memory.c", "core/memory_limit.c", "core/resident.c", "io/file_map.c", "kit/elf_file.c", "kit/guard.c",
      "kit/op_pause.c"}},
    {"sys/prctl.h", {"kit/child.c", "compare/processes.c"}},
    {"sys/platform/x86.h", {"plugins/optimizers/versions.h"}},
    {"sys/resource.h", {"core/memory_limit.c", "kit/child.c"}},
    {"sys/select.h", {"kit/op_pause.c"}},
    {"sys/sysinfo.h", {"core/memory_limit.c"}},
    {"sys/wait.h", {"compare/processes.c", "io/program.c", "kit/child.c"}},
    {"sched.h", {"core/parallel.c", "kit/run_on_threads.c"}},
    {"arm_neon.h", {"core/product/"}},
    {"immintrin.h", {"core/product/"}},
    {"rondo/plugin.h", {"examples/plugin/"}}, /* installed */
    {"rondo/rondo.h", {"examples/embed/"}},   /* installed */
    {"omp.h", {"core/parallel_openmp.c"}},
    {"pthread.h", {"core/parallel", "core/multiply_openblas.c", "train/checkpoint_writer.c"}},
    {"yaml.h", {"io/yaml.c"}},
    {"zlib.h", {"io/gzip.c", "io/zip.c"}},
    {"xxhash.h", {"io/fingerprint.c", "store/tensor_checksum.c"}},
    {"histedit.h", {"cli/line_editor.c"}},
    {"png.h", {"io/picture_png.c"}},
    {"turbojpeg.h", {"io/picture_jpeg.c"}},
    {"jansson.h",
     {"io/json.c", "store/", "data/", "train/", "inspect/", "compare/", "report/", "kit/report.c", "cli/"}},
    {"signal.h",
     {"compare/folder.c", "compare/processes.c", "kit/child.c", "kit/guard.c", "kit/op_pause.c", "cli/",
      "examples/embed/"}},
    {"sys/utsname.h", {"store/environment.c"}},
    {"dirent.h", {"core/", "io/", "experiment/", "store/", "kit/scaffold.c"}},
    {"fnmatch.h", {"train/optimizer_stages.c"}},
    {"langinfo.h", {"cli/plot_text.c", "cli/line_editor.c"}},
    {"locale.h", {"core/number.c", "cli/line_editor.c", "cli/plot_text.c"}},
    {"sys/ioctl.h", {"cli/plot_text.c"}},
    {"fcntl.h", {"core/", "io/", "store/", "compare/", "kit/"}},
    {"strings.h", {"data/"}},
    {"sys/stat.h", {"core/", "io/", "experiment/", "store/", "compare/", "kit/", "cli/"}},
    {"sys/statvfs.h", {"store/"}},
    {"unistd.h", {"core/", "io/", "experiment/", "store/", "compare/", "kit/", "cli/"}},
};

static int begins_with_one_of(const char *text, const char *const *beginnings) {
    for (; *beginnings != NULL; beginnings++) {
        if (strncmp(text, *beginnings, strlen(*beginnings)) == 0) {
            return 1;
        }
    }
    return 0;
}

static int may_include_own(const char *file, const char *header) {
    for (int i = 0; i < ROWS(arrows); i++) {
        if (strncmp(file, arrows[i].folder, strlen(arrows[i].folder)) == 0) {
            return begins_with_one_of(header, arrows[i].allowed);
        }
    }
    return 0;
}

static int may_include_system(const char *file, const char *header) {
    for (int i = 0; i < ROWS(standard_headers); i++) {
        if (strcmp(standard_headers[i], header) == 0) {
            return 1;
        }
    }
    for (int i = 0; i < ROWS(special_headers); i++) {
        if (strcmp(special_headers[i].header, header) == 0) {
            return begins_with_one_of(file, special_headers[i].users);
        }
    }
    return 0;
}

static int is_name_character(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* 1 if this file may contain this line. */
static int line_is_allowed(const char *file, const char *line) {
    line += strspn(line, " \t");
    if (*line++ != '#') {
        return 1;
    }
    line += strspn(line, " \t");
    if (strncmp(line, "pragma", 6) == 0) {
        line += 6 + strspn(line + 6, " \t");
        if (strncmp(line, "omp", 3) != 0 || strcmp(file, "core/parallel_openmp.c") == 0) {
            return 1;
        }
        line += 3 + strspn(line + 3, " \t");
        return strncmp(line, "simd", 4) == 0 && !is_name_character(line[4]); /* threads are those of core/parallel.h */
    }
    if (strncmp(line, "include", 7) != 0) {
        return 1;
    }
    line += 7 + strspn(line + 7, " \t");
    const char close = *line == '<' ? '>' : '"';
    if (*line != '<' && *line != '"') {
        return 0; /* the name is a macro, so the file is not known */
    }
    char header[256];
    const char *end = strchr(line + 1, close);
    ck_assert_msg(end != NULL && end - line < 256, "%s: cannot read '%s'", file, line);
    snprintf(header, sizeof header, "%.*s", (int)(end - line - 1), line + 1);
    return close == '>' ? may_include_system(file, header) : may_include_own(file, header);
}

static const struct {
    const char *file, *line;
    int is_allowed;
} lines[] = {
    {"core/tape.c", "#include \"core/arena.h\"", 1},
    {"core/tape.c", "#include \"rondo/plugin.h\"", 1},
    {"core/tape.c", "#include \"rondo/rondo.h\"", 0},
    {"core/tape.c", "#include \"ops/axis.h\"", 0},
    {"core/tape.c", "#include \"lang/cell.h\"", 0},
    {"core/tape.c", "  #  include \"io/yaml.h\" /* hidden */", 0},
    {"core/tape.c", "#include \"config.h\"", 0},
    {"core/tape.c", "#include \"../ops/axis.h\"", 0},
    {"core/tape.c", "#include \"tensor.h\"", 0},
    {"core/tape.c", "#include HEADER", 0},
    {"core/tape.c", "#include <dlfcn.h>", 0},
    {"core/loader.c", "#include <dlfcn.h>", 1},
    {"core/tape.c", "#include <sched.h>", 0},
    {"core/tape.c", "#pragma omp parallel", 0},
    {"core/tape.c", "#pragma omp for simd", 0},
    {"ops/reduce.c", "# pragma  omp simd", 1},
    {"core/parallel.c", "#pragma omp parallel", 0},
    {"core/parallel_openmp.c", "#pragma omp parallel for", 1},
    {"core/tape.c", "#pragma GCC ivdep", 1},
    {"core/status.c", "#include <jansson.h>", 0},
    {"core/status.c", "#include <sys/socket.h>", 0},
    {"ops/axis.c", "#include \"core/kernel.h\"", 1},
    {"core/kernel.h", "#include \"core/status.h\"", 0},
    {"core/kernel.h", "#include \"rondo/plugin.h\"", 0},
    {"ops/axis.c", "#include \"core/tensor.h\"", 0},
    {"core/multiply.c", "#include <cblas.h>", 0},
    {"ops/axis.c", "#include <unistd.h>", 0},
    {"lang/cell.c", "#include \"core/program.h\"", 1},
    {"lang/cell.c", "#include \"data/batch.h\"", 0},
    {"lang/cell.c", "#include \"experiment/experiment.h\"", 0},
    {"data/text.c", "#include \"model/model.h\"", 0},
    {"train/task.c", "#include \"model/model.h\"", 1},
    {"train/task.c", "#include \"cli/command.h\"", 0},
    {"experiment/experiment.c", "#include \"train/heads.h\"", 0},
    {"store/run_folder.c", "#include \"train/task.h\"", 0},
    {"data/text.c", "#include \"experiment/experiment.h\"", 0},
    {"io/yaml.c", "#include \"lang/cell.h\"", 0},
    {"lang/cell.c", "#include \"model/layer.h\"", 0},
    {"train/task.c", "#include \"ops/axis.h\"", 0},
    {"io/yaml.c", "#include <yaml.h>", 1},
    {"io/yaml_set.c", "#include <yaml.h>", 0},
    {"train/task.c", "#include \"kit/check.h\"", 0},
    {"kit/report.c", "#include \"io/json.h\"", 1},
    {"kit/report.c", "#include \"model/model.h\"", 0},
    {"kit/report.c", "#include \"cli/command.h\"", 0},
    {"kit/report.c", "#include <sys/wait.h>", 0},
    {"kit/check_op.c", "#include <dlfcn.h>", 0},
    {"cli/plugin.c", "#include \"kit/report.h\"", 1},
    {"cli/train.c", "#include \"train/task.h\"", 1},
    {"cli/train.c", "#include \"ops/axis.h\"", 0},
    {"plugins/optimizers/adam.c", "#include \"rondo/plugin.h\"", 1},
    {"plugins/optimizers/adam.c", "#include \"core/tensor.h\"", 0},
    {"plugins/optimizers/adam.c", "#include \"rondo/rondo.h\"", 0},
    {"plugins/optimizers/adam.c", "#include <unistd.h>", 0},
    {"examples/plugin/yogi.c", "#include <rondo/plugin.h>", 1},
    {"examples/plugin/yogi.c", "#include \"rondo/rondo.h\"", 0},
    {"core/tape.c", "#include <rondo/plugin.h>", 0},
    {"include/rondo/plugin.h", "#include <stdint.h>", 1},
    {"include/rondo/plugin.h", "#include \"core/status.h\"", 0},
    {"include/rondo/plugin.h", "#include <unistd.h>", 0},
    {"new_folder/file.c", "#include \"core/status.h\"", 0},
};

START_TEST(new_arrow_is_refused) {
    ck_assert_msg(line_is_allowed(lines[_i].file, lines[_i].line) == lines[_i].is_allowed, "%s: %s is %s",
                  lines[_i].file, lines[_i].line, lines[_i].is_allowed ? "refused" : "allowed");
}
END_TEST

static const struct {
    const char *folder;
    int least; /* the smallest number of C files and headers */
} folders[] = {{"core", 20},  {"ops", 15},        {"io", 8},      {"lang", 12},           {"model", 15},
               {"data", 8},   {"experiment", 10}, {"store", 6},   {"train", 10},          {"kit", 15},
               {"cli", 6},    {"plugins", 6},     {"include", 2}, {"examples/plugin", 5}, {"compare", 2},
               {"report", 8}, {"inspect", 8}};

/* Calls visit for every C file and header of the folder. */
static void each_file(int folder, void (*visit)(const char *file, char *text)) {
    static const char *const endings[] = {".c", ".h", ".c.in"};
    int count = 0;
    for (int e = 0; e < ROWS(endings); e++) {
        struct files files = source_files(folders[folder].folder, endings[e], 0);
        for (int i = 0; i < files.count; i++, count++) {
            char *text = read_source(files.items[i]);
            visit(files.items[i], text);
            free(text);
        }
        free_files(&files);
    }
    ck_assert_int_ge(count, folders[folder].least);
}

static void check_arrows(const char *file, char *text) {
    int number = 1;
    for (char *line = text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        ck_assert_msg(line_is_allowed(file, line), "%s:%d: '%s' is an arrow that the house does not have", file, number,
                      line);
        line = end;
    }
}

START_TEST(every_include_is_an_arrow_of_the_house) {
    each_file(_i, check_arrows);
}
END_TEST

/* ---- what the library never calls ---- */

/* These end the process, print, overrun a buffer, cannot tell an error from a zero, change the whole process, or leave something out
 * if memory is short. */
static const char *const banned[] = {
    "_Exit",   "_exit",   "abort",      "alloca", "assert",    "atexit",   "atof",       "atoi",     "atol",   "atoll",
    "exit",    "fork",    "fprintf",    "fputs",  "getenv_s",  "gets",     "json_dumps", "perror",   "popen",  "printf",
    "putchar", "puts",    "quick_exit", "rand",   "setlocale", "signal",   "sprintf",    "srand",    "strcat", "strcpy",
    "strncat", "strncpy", "strtok",     "system", "tmpnam",    "vfprintf", "vprintf",    "vsprintf",
};

/* Functions that only one file may call, because it is there for this purpose. */
static const struct {
    const char *file, *call;
} exceptions[] = {{"kit/child.c", "fork"},
                  {"kit/child.c", "_exit"},
                  {"compare/processes.c", "fork"},
                  {"compare/processes.c", "_exit"}};

static int is_exception(const char *file, const char *call) {
    for (int i = 0; i < ROWS(exceptions); i++) {
        if (strcmp(exceptions[i].file, file) == 0 && strcmp(exceptions[i].call, call) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The banned function that the code of a file calls, or takes the address of; NULL if there is none. *number gets its
 * line. */
static const char *find_banned(const char *file, const char *code, int *number) {
    *number = 1;
    for (const char *c = code; *c != '\0'; c++) {
        *number += *c == '\n';
        if (!is_name_character(*c) || (c > code && (is_name_character(c[-1]) || c[-1] == '.' || c[-1] == '>'))) {
            continue;
        }
        size_t length = 0;
        while (is_name_character(c[length])) {
            length++;
        }
        const size_t blanks = strspn(c + length, " \t\n");
        for (int i = 0; i < ROWS(banned) && c[length + blanks] == '('; i++) {
            if (strlen(banned[i]) == length && strncmp(banned[i], c, length) == 0 && !is_exception(file, banned[i])) {
                return banned[i];
            }
        }
    }
    return NULL;
}

static const struct {
    const char *code;
    const char *found; /* NULL: nothing */
    int line;
    const char *file; /* NULL: any */
} codes[] = {
    {"exit(1);", "exit", 1, NULL},
    {"fork(); exit(1);", "fork", 1, NULL},
    {"fork(); exit(1);", "exit", 1, "kit/child.c"},
    {"fork();", "fork", 1, "kit/check.c"},
    {"x = 1;\n  abort ();\n", "abort", 2, NULL},
    {"if (y) {\n/* two\nlines */ printf\n(\"x\");", "printf", 3, NULL},
    {"return condition ? 0 : atoi(text);", "atoi", 1, NULL},
    {"(void)strcpy(a, b);", "strcpy", 1, NULL},
    {"c = '\"'; puts(c); d = '\"';", "puts", 1, NULL},
    {"s = \"\\\"\"; system(s);", "system", 1, NULL},
    {"// exit(1)\nabort();", "abort", 2, NULL},
    {"/* exit(1) */", NULL, 0, NULL},
    {"// abort()", NULL, 0, NULL},
    {"s = \"call exit(1) or printf(x)\";", NULL, 0, NULL},
    {"s = \"quote \\\" exit(1)\";", NULL, 0, NULL},
    {"c = '\\''; /* exit(1) */", NULL, 0, NULL},
    {"snprintf(a, sizeof a, \"x\");", NULL, 0, NULL},
    {"vsnprintf(a, n, f, v);", NULL, 0, NULL},
    {"my_exit(1);", NULL, 0, NULL},
    {"exit_code(1);", NULL, 0, NULL},
    {"int exit = 1;", NULL, 0, NULL},
    {"frame.exit(1); frame->abort(2);", NULL, 0, NULL},
};

START_TEST(banned_call_is_found) {
    char code[256];
    int line;
    snprintf(code, sizeof code, "%s", codes[_i].code);
    keep_code(code);
    const char *found = find_banned(codes[_i].file == NULL ? "core/tape.c" : codes[_i].file, code, &line);
    ck_assert_msg((found == NULL) == (codes[_i].found == NULL) &&
                      (found == NULL || strcmp(found, codes[_i].found) == 0),
                  "'%s': found %s", codes[_i].code, found == NULL ? "nothing" : found);
    ck_assert(found == NULL || line == codes[_i].line);
}
END_TEST

static void check_calls(const char *file, char *text) {
    int line;
    keep_code(text);
    const char *found = find_banned(file, text, &line);
    ck_assert_msg(found == NULL, "%s:%d: %s is not called in the library", file, line, found);
}

START_TEST(library_never_ends_the_process_nor_prints) {
    if (strcmp(folders[_i].folder, "cli") != 0) { /* the command may print */
        each_file(_i, check_calls);
    }
}
END_TEST

/* ---- numbers as text ---- */

/* The end of the call whose '(' is at `open`; the end of the text if it is not closed. */
static size_t call_end(const char *code, size_t open) {
    int depth = 0;
    size_t end = open;
    for (; code[end] != '\0'; end++) {
        depth += (code[end] == '(') - (code[end] == ')');
        if (depth == 0) {
            break;
        }
    }
    return end;
}

/* 1 if text[begin .. end) contains a conversion of printf or scanf for a double. */
static int has_float_conversion(const char *text, size_t begin, size_t end) {
    for (size_t at = begin; at < end; at++) {
        if (text[at] == '%') {
            at += 1 + strspn(text + at + 1, "-+#0 *.123456789");
            at += text[at] == 'l' || text[at] == 'L';
            if (at < end && strchr("aAeEfFgG", text[at]) != NULL) {
                return 1;
            }
        }
    }
    return 0;
}

/* A call that reads or writes a number in the locale of the process, outside core/number.c; NULL if there is none.
 * `vsnprintf` is one whatever its format: that is its caller's. `code` is `text` without comments and quoted text. */
static const char *find_number_call(const char *text, const char *code, int *number) {
    static const struct {
        const char *name;
        int only_floats; /* refused only with a conversion of a double */
    } calls[] = {{"strtod", 0},  {"strtof", 0},  {"strtold", 0},  {"atof", 0},   {"vsnprintf", 0},
                 {"vsscanf", 0}, {"vfscanf", 0}, {"snprintf", 1}, {"sscanf", 1}, {"fscanf", 1}};
    *number = 1;
    for (size_t at = 0; code[at] != '\0'; at++) {
        *number += code[at] == '\n';
        if (!is_name_character(code[at]) || (at > 0 && is_name_character(code[at - 1]))) {
            continue;
        }
        for (int i = 0; i < ROWS(calls); i++) {
            const size_t length = strlen(calls[i].name);
            if (strncmp(code + at, calls[i].name, length) != 0) {
                continue;
            }
            const size_t open = at + length + strspn(code + at + length, " \t\n");
            if (code[open] == '(' &&
                (!calls[i].only_floats || has_float_conversion(text, open, call_end(code, open)))) {
                return calls[i].name;
            }
        }
    }
    return NULL;
}

static const struct {
    const char *code;
    const char *found; /* NULL: nothing */
    int line;
} number_codes[] = {
    {"x = strtod(a, NULL);", "strtod", 1},
    {"\nx = atof (a);", "atof", 2},
    {"vsnprintf(a, n, f, v);", "vsnprintf", 1},
    {"snprintf(a, n, \"%d %s\", 1, b);", NULL, 0},
    {"snprintf(a, n, \"%d %g\", 1, b);", "snprintf", 1},
    {"snprintf(a, n, \"%-5.17g\", b);", "snprintf", 1},
    {"snprintf(a, n, \"%.*f\", b, c);", "snprintf", 1},
    {"snprintf(a, f(n), \"%s\"\n\"%lf\", b, c);", "snprintf", 1},
    {"snprintf(a, n, \"100 %%\"); other(\"%g\");", NULL, 0},
    {"sscanf(a, \"%lf\", &b);", "sscanf", 1},
    {"fscanf(a, \"%llu\", &b);", NULL, 0},
    {"number_print(a, n, \"%g\", b);", NULL, 0},
    {"/* strtod(a, NULL) */", NULL, 0},
};

START_TEST(number_call_is_found) {
    char code[256];
    int line;
    snprintf(code, sizeof code, "%s", number_codes[_i].code);
    keep_code(code);
    const char *found = find_number_call(number_codes[_i].code, code, &line);
    ck_assert_msg((found == NULL) == (number_codes[_i].found == NULL) &&
                      (found == NULL || strcmp(found, number_codes[_i].found) == 0),
                  "'%s': found %s", number_codes[_i].code, found == NULL ? "nothing" : found);
    ck_assert(found == NULL || line == number_codes[_i].line);
}
END_TEST

static void check_numbers(const char *file, char *text) {
    char *code = strdup(text);
    int line;
    ck_assert_ptr_nonnull(code);
    keep_code(code);
    const char *found = find_number_call(text, code, &line);
    ck_assert_msg(found == NULL || strcmp(file, "core/number.c") == 0,
                  "%s:%d: %s depends on the locale: numbers are read and written through core/number.h", file, line,
                  found);
    free(code);
}

START_TEST(numbers_are_read_and_written_in_one_place) {
    each_file(_i, check_numbers);
}
END_TEST

/* ---- what is exported ---- */

#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) &&     \
    !defined(__SANITIZE_THREAD__) /* as core/kernel.h */
#define HAS_CLONES 1
#else
#define HAS_CLONES 0
#endif

/* 1 if a line of `symbols`, the output of `nm -A`, is of this object and contains `text`. */
static int object_has(const char *symbols, const char *object, const char *text) {
    for (const char *line = strstr(symbols, object); line != NULL; line = strstr(line + 1, object)) {
        const char *end = strchr(line, '\n'), *found = strstr(line, text);
        if (found != NULL && end != NULL && found < end) {
            return 1;
        }
    }
    return 0;
}

/* A macro of core/kernel.h that depends on what is included before it would silently give one version, for SSE2. */
START_TEST(every_kernel_is_compiled_for_each_generation_of_processors) {
    static const char *const macros[] = {"KERNEL_CLONES ", "ELEMENTWISE_UNARY(", "ELEMENTWISE_BINARY("};
    char command[32 * PATH_SIZE], object[PATH_SIZE];
    snprintf(command, sizeof command, "nm -A %s", variable("RONDO_OBJECTS"));
    FILE *stream = HAS_CLONES ? popen(command, "r") : NULL;
    size_t size = 0, capacity = 64 << 20;
    char *symbols = malloc(capacity);
    ck_assert(symbols != NULL && (stream != NULL || !HAS_CLONES));
    size = stream == NULL ? 0 : fread(symbols, 1, capacity - 1, stream);
    symbols[size] = '\0';
    ck_assert(stream == NULL || pclose(stream) == 0);
    int count = 0;
    for (int folder = 0; HAS_CLONES && folder < 2; folder++) {
        struct files files = source_files(folder == 0 ? "ops" : "core", ".c", 1);
        for (int i = 0; i < files.count; i++) {
            char *text = read_source(files.items[i]);
            int uses = 0;
            for (int m = 0; m < ROWS(macros); m++) {
                uses |= strstr(text, macros[m]) != NULL;
            }
            snprintf(object, sizeof object, "%s.o:", files.items[i]);
            for (char *c = object; *c != '\0'; c++) {
                *c = *c == '/' ? '_' : *c;
            }
            ck_assert_msg(!uses || object_has(symbols, object, ".arch_x86_64_v3"), "%s has no kernel for AVX2",
                          files.items[i]);
            count += uses;
            free(text);
        }
        free_files(&files);
    }
    ck_assert_int_ge(count, HAS_CLONES ? 15 : 0);
    free(symbols);
}
END_TEST

/* The names that a shared object defines for others, separated by blanks, as nm prints them; those of the sanitizers'
 * own are left out. */
static void read_exports(const char *file, char *names, size_t size) {
    char command[2 * PATH_SIZE], line[512];
    snprintf(command, sizeof command, "nm -D --defined-only '%s'", file);
    FILE *stream = popen(command, "r");
    ck_assert_ptr_nonnull(stream);
    names[0] = '\0';
    while (fgets(line, sizeof line, stream) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *name = strrchr(line, ' ');
        if (name != NULL && name[1] != '_') {
            const size_t length = strlen(names);
            snprintf(names + length, size - length, "%s%s", length == 0 ? "" : " ", name + 1);
        }
    }
    ck_assert_msg(pclose(stream) == 0, "failed: %s", command);
}

START_TEST(plugin_exports_one_symbol) {
    const char *folder = variable("RONDO_TEST_PLUGINS");
    struct files plugins = {.count = 0}, sources = source_files("plugins", ".c", 6);
    add_files(&plugins, folder, "", ".so");
    int links = 0; /* further names of files with several descriptors */
    for (int i = 0; i < plugins.count; i++) {
        char file[PATH_SIZE];
        struct stat found;
        snprintf(file, sizeof file, "%s/%s", folder, plugins.items[i]);
        ck_assert_int_eq(lstat(file, &found), 0);
        links += S_ISLNK(found.st_mode);
    }
    ck_assert_int_eq(plugins.count, sources.count + links); /* one .c file, one shared object */
    for (int i = 0; i < plugins.count; i++) {
        char file[PATH_SIZE], names[4096];
        snprintf(file, sizeof file, "%s/%s", folder, plugins.items[i]);
        read_exports(file, names, sizeof names);
        ck_assert_msg(strcmp(names, "rondo_plugin") == 0, "%s exports '%s'", plugins.items[i], names);
    }
    free_files(&plugins);
    free_files(&sources);
}
END_TEST

/* The functions that a header declares with RONDO_EXPORT, in order of name. */
static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct files read_declarations(const char *header) {
    struct files names = {.count = 0};
    char *text = read_source(header);
    keep_code(text);
    for (char *at = text; (at = strstr(at, "RONDO_EXPORT ")) != NULL; at++) {
        const char *end = at + strcspn(at, "("), *begin = end;
        while (is_name_character(begin[-1])) {
            begin--;
        }
        names.items[names.count++] = strndup(begin, (size_t)(end - begin));
    }
    free(text);
    qsort(names.items, (size_t)names.count, sizeof names.items[0], compare_names);
    return names;
}

START_TEST(shared_library_exports_the_embedding_api_alone) {
    char exported[8192], declared[8192] = "";
    read_exports(variable("RONDO_SHARED"), exported, sizeof exported);
    struct files names = read_declarations("include/rondo/rondo.h");
    ck_assert_int_ge(names.count, 6);
    for (int i = 0; i < names.count; i++) {
        const size_t length = strlen(declared);
        snprintf(declared + length, sizeof declared - length, "%s%s", i == 0 ? "" : " ", names.items[i]);
    }
    ck_assert_str_eq(exported, declared);
    free_files(&names);
}
END_TEST

/* ---- lists that must be complete ---- */

/* `format` is the text of an entry in the list, with %s for the name of a file without its ending. */
static const struct {
    const char *folder, *list, *format;
    const char *with; /* only files with this text must be in the list */
} lists[] = {
    {"core", "core/meson.build", "'%s.c'", ""},
    {"ops", "ops/meson.build", "['%s', [", "axis sample"},
    {"io", "io/meson.build", "'%s.c'", ""},
    {"lang", "lang/meson.build", "'%s.c'", ""},
    {"model", "model/meson.build", "'%s.c'", ""},
    {"data", "data/meson.build", "'%s.c'", ""},
    {"experiment", "experiment/meson.build", "'%s.c'", ""},
    {"store", "store/meson.build", "'%s.c'", ""},
    {"train", "train/meson.build", "'%s.c'", ""},
    {"compare", "compare/meson.build", "'%s.c'", ""},
    {"inspect", "inspect/meson.build", "'%s.c'", ""},
    {"kit", "kit/meson.build", "'%s.c'", ""},
    {"cli", "cli/meson.build", "'%s.c'", ""},
    {"data/readers", "data/readers/meson.build", "'%s'", ""},
    {"plugins/losses", "plugins/losses/meson.build", "'%s'", ""},
    {"plugins/metrics", "plugins/metrics/meson.build", "'%s'", ""},
    {"plugins/ops", "plugins/ops/meson.build", "'%s'", ""},
    {"plugins/optimizers", "plugins/optimizers/meson.build", "'%s'", ""},
    {"plugins/schedules", "plugins/schedules/meson.build", "'%s'", ""},
    {"cli", "cli/main.c", "&command_%s", "\nconst struct command command_"},
};

/* 1 if a file is below a folder with a list of its own. */
static int has_inner_list(const char *file, const char *folder) {
    int found = 0;
    for (int i = 0; i < ROWS(lists); i++) {
        const size_t length = strlen(lists[i].folder);
        found |= length > strlen(folder) && strncmp(file, lists[i].folder, length) == 0 && file[length] == '/';
    }
    return found;
}

START_TEST(every_source_file_is_in_its_list) {
    struct files files = source_files(lists[_i].folder, ".c", 1);
    char *list = read_source(lists[_i].list);
    for (int i = 0; i < files.count; i++) {
        char name[128], wanted[160], *text = read_source(files.items[i]);
        const char *below = files.items[i] + strlen(lists[_i].folder) + 1;
        snprintf(name, sizeof name, "%.*s", (int)strlen(below) - 2, below);
        snprintf(wanted, sizeof wanted, "%.*s%s%s", (int)strcspn(lists[_i].format, "%"), lists[_i].format, name,
                 strchr(lists[_i].format, '%') + 2);
        ck_assert_msg(has_inner_list(files.items[i], lists[_i].folder) || strstr(text, lists[_i].with) == NULL ||
                          strstr(list, wanted) != NULL,
                      "'%s' is not in %s", wanted, lists[_i].list);
        free(text);
    }
    free(list);
    free_files(&files);
}
END_TEST

START_TEST(every_op_that_is_defined_is_in_the_list_of_its_file) {
    struct files files = source_files("ops", ".c", 10);
    char *list = read_source("ops/meson.build");
    int count = 0;
    for (int i = 0; i < files.count; i++) {
        char *text = read_source(files.items[i]), row[160];
        keep_code(text);
        snprintf(row, sizeof row, "['%.*s', [", (int)strlen(files.items[i]) - 6, files.items[i] + 4);
        const char *start = strstr(list, row);
        for (const char *at = text; (at = strstr(at, "\nconst rondo_op op_")) != NULL; at++, count++) {
            const char *name = at + strlen("\nconst rondo_op op_");
            char quoted[128];
            snprintf(quoted, sizeof quoted, "'%.*s'", (int)strcspn(name, " ="), name);
            const char *found = start == NULL ? NULL : strstr(start, quoted);
            ck_assert_msg(found != NULL && found < strchr(start, '\n'), "%s: op %s is not in ops/meson.build",
                          files.items[i], quoted);
        }
        free(text);
    }
    ck_assert_int_ge(count, 25);
    free(list);
    free_files(&files);
}
END_TEST

START_TEST(cell_is_called_as_its_file) {
    struct files files = source_files("configs/cells", ".yaml", 3);
    for (int i = 0; i < files.count; i++) {
        char *text = read_source(files.items[i]), wanted[160];
        const char *slash = strrchr(files.items[i], '/');
        snprintf(wanted, sizeof wanted, "cell: %.*s\n", (int)strlen(slash + 1) - 5, slash + 1);
        const char *found = strstr(text, wanted);
        ck_assert_msg(found != NULL && (found == text || found[-1] == '\n'), "%s: there is no line '%.*s'",
                      files.items[i], (int)strcspn(wanted, "\n"), wanted);
        free(text);
    }
    free_files(&files);
}
END_TEST

/* A test that is in no list is never run. */
START_TEST(every_test_is_in_the_list_of_tests) {
    struct files files = source_files("tests", ".c", 5);
    char *list = read_source("tests/meson.build");
    for (int i = 0; i < files.count; i++) {
        const char *name = files.items[i] + strlen("tests/");
        if (strncmp(name, "test_", 5) == 0) {
            char wanted[160];
            snprintf(wanted, sizeof wanted, "'%.*s'", (int)strlen(name) - 7, name + 5);
            ck_assert_msg(strstr(list, wanted) != NULL, "%s is not in tests/meson.build", name);
        }
    }
    free(list);
    free_files(&files);
}
END_TEST

/* ---- no two files that call each other ---- */

enum { MAX_OBJECTS = 800, MAX_SYMBOLS = 60000 };

/* Which object needs which: reaches[a][b] is 1 if object a uses a symbol that b defines, directly or through others. */
struct object_graph {
    char *objects[MAX_OBJECTS];
    int n_objects;
    struct {
        char *name;
        int object, is_defined;
    } symbols[MAX_SYMBOLS];
    int n_symbols;
    unsigned char reaches[MAX_OBJECTS][MAX_OBJECTS];
};

static int find_object(struct object_graph *graph, const char *name, size_t length) {
    for (int i = 0; i < graph->n_objects; i++) {
        if (strlen(graph->objects[i]) == length && strncmp(graph->objects[i], name, length) == 0) {
            return i;
        }
    }
    ck_assert_int_lt(graph->n_objects, MAX_OBJECTS);
    graph->objects[graph->n_objects] = strndup(name, length);
    return graph->n_objects++;
}

/* A line of `nm -A`: "lib.a:dir/core_tape.c.o:0000000000000010 T tape_create" or "… :                 U tape_create". */
static void read_symbol(struct object_graph *graph, char *line) {
    line[strcspn(line, "\n")] = '\0';
    char *rest = strrchr(line, ':');
    if (rest == NULL) {
        return;
    }
    *rest++ = '\0';
    char *name = strrchr(rest, ' ');
    if (name == NULL || name - rest < 1) {
        return;
    }
    const char kind = name[-1];
    const int is_defined = strchr("TDRBVWi", kind) != NULL;
    const char *object = strrchr(line, '/') == NULL ? line : strrchr(line, '/') + 1;
    if (is_defined || kind == 'U') {
        ck_assert_int_lt(graph->n_symbols, MAX_SYMBOLS);
        graph->symbols[graph->n_symbols].name = strdup(name + 1);
        graph->symbols[graph->n_symbols].object = find_object(graph, object, strlen(object));
        graph->symbols[graph->n_symbols++].is_defined = is_defined;
    }
}

static int compare_symbols(const void *a, const void *b) {
    const char *const *first = a, *const *second = b; /* the name is the first member */
    return strcmp(*first, *second);
}

/* Fills `reaches`, and finds two objects that need each other; 0 if there are none. */
static int find_cycle(struct object_graph *graph, int *first, int *second) {
    qsort(graph->symbols, (size_t)graph->n_symbols, sizeof graph->symbols[0], compare_symbols);
    for (int begin = 0, end; begin < graph->n_symbols; begin = end) {
        for (end = begin;
             end < graph->n_symbols && strcmp(graph->symbols[end].name, graph->symbols[begin].name) == 0;) {
            end++;
        }
        for (int user = begin; user < end; user++) {
            for (int owner = begin; owner < end; owner++) {
                if (!graph->symbols[user].is_defined && graph->symbols[owner].is_defined) {
                    graph->reaches[graph->symbols[user].object][graph->symbols[owner].object] = 1;
                }
            }
        }
    }
    for (int via = 0; via < graph->n_objects; via++) {
        for (int from = 0; from < graph->n_objects; from++) {
            for (int to = 0; graph->reaches[from][via] && to < graph->n_objects; to++) {
                graph->reaches[from][to] |= graph->reaches[via][to];
            }
        }
    }
    for (*first = 0; *first < graph->n_objects; (*first)++) {
        for (*second = 0; *second < *first; (*second)++) {
            if (graph->reaches[*first][*second] && graph->reaches[*second][*first]) {
                return 1;
            }
        }
    }
    return 0;
}

START_TEST(cycle_of_calls_is_found) {
    static struct object_graph graph;
    static const char *const symbols[] = {
        "l.a:d/a.c.o:0000000000000010 T one",   "l.a:d/a.c.o:                 U two",
        "l.a:d/b.c.o:0000000000000010 T two",   "l.a:d/b.c.o:                 U three",
        "l.a:d/c.c.o:0000000000000010 T three", "l.a:d/c.c.o:                 U memcpy",
        "l.a:d/c.c.o:                 U one"};
    int first, second;
    for (int i = 0; i < ROWS(symbols); i++) {
        char line[128];
        snprintf(line, sizeof line, "%s\n", symbols[i]);
        read_symbol(&graph, line);
        if (i == ROWS(symbols) - 2) {
            ck_assert_int_eq(find_cycle(&graph, &first, &second), 0);
        }
    }
    ck_assert_int_eq(find_cycle(&graph, &first, &second), 1);
}
END_TEST

START_TEST(no_two_files_call_each_other) {
    static struct object_graph graph;
    char command[3 * PATH_SIZE], line[1024];
    snprintf(command, sizeof command, "nm -A %s", variable("RONDO_OBJECTS"));
    FILE *stream = popen(command, "r");
    ck_assert_ptr_nonnull(stream);
    while (fgets(line, sizeof line, stream) != NULL) {
        read_symbol(&graph, line);
    }
    ck_assert_int_eq(pclose(stream), 0);
    ck_assert_int_ge(graph.n_objects, 150);
    int first, second;
    ck_assert_msg(!find_cycle(&graph, &first, &second), "%s and %s call each other, or other files that do",
                  graph.objects[first], graph.objects[second]);
}
END_TEST

/* The linker takes one of two functions of the same name without a word if they are in different libraries. */
START_TEST(every_symbol_is_defined_once) {
    char command[3 * PATH_SIZE], name[256];
    snprintf(command, sizeof command,
             "nm --defined-only %s | awk '$2 ~ /^[TDBR]$/ && $3 !~ /^_/ { print $3 }' | sort | uniq -c",
             variable("RONDO_OBJECTS"));
    FILE *stream = popen(command, "r");
    int count = 0, definitions;
    ck_assert_ptr_nonnull(stream);
    while (fscanf(stream, "%d %255s", &definitions, name) == 2) {
        ck_assert_msg(definitions == 1, "%s is defined %d times", name, definitions);
        count++;
    }
    ck_assert_int_eq(pclose(stream), 0);
    ck_assert_int_ge(count, 1000);
}
END_TEST

/* ---- one definition of every tag, files of one idea ---- */

struct tag_list {
    char *names[4000], *files[4000];
    int count;
};
static struct tag_list tags;

/* Adds "struct NAME {" and the like at the beginning of a line. `conflict` gets the first one that was there already. */
static void add_tags(const char *file, char *text, char *conflict, size_t size) {
    conflict[0] = '\0';
    keep_code(text);
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        char kind[16], name[64], brace[2];
        const char *at = strncmp(line, "static ", 7) == 0 ? line + 7 : line;
        at = strncmp(at, "const ", 6) == 0 ? at + 6 : at;
        if (sscanf(at, "%15[a-z] %63[A-Za-z0-9_] %1[{]", kind, name, brace) != 3 ||
            (strcmp(kind, "struct") != 0 && strcmp(kind, "union") != 0 && strcmp(kind, "enum") != 0)) {
            continue;
        }
        for (int i = 0; i < tags.count && conflict[0] == '\0'; i++) {
            if (strcmp(tags.names[i], name) == 0) {
                snprintf(conflict, size, "%s and %s both define %s %s", file, tags.files[i], kind, name);
            }
        }
        ck_assert_int_lt(tags.count, ROWS(tags.names));
        tags.names[tags.count] = strdup(name);
        tags.files[tags.count++] = strdup(file);
    }
}

static void check_tags(const char *file, char *text) {
    char conflict[512];
    if (strncmp(file, "kit/templates/", strlen("kit/templates/")) == 0) {
        return; /* each of these becomes a plug-in */
    }
    add_tags(file, text, conflict, sizeof conflict);
    ck_assert_msg(conflict[0] == '\0', "%s", conflict);
}

/* Plug-ins are left out, because each of them is a separate program. */
START_TEST(every_tag_is_defined_once) {
    for (int i = 0; i < ROWS(folders); i++) {
        if (strcmp(folders[i].folder, "plugins") != 0 && strcmp(folders[i].folder, "examples/plugin") != 0) {
            each_file(i, check_tags);
        }
    }
    ck_assert_int_ge(tags.count, 300);
}
END_TEST

START_TEST(tag_defined_twice_is_found) {
    char first[] = "/* struct cell { */\nstruct cell {\n", second[] = "int x;\nstatic const struct cell {\n";
    char conflict[512];
    add_tags("a.c", first, conflict, sizeof conflict);
    ck_assert_str_eq(conflict, "");
    add_tags("b.c", second, conflict, sizeof conflict);
    ck_assert_str_eq(conflict, "b.c and a.c both define struct cell");
}
END_TEST

enum { MOST_LINES = 600 };

/* Generated pages, and the single header of the ABI, are left out. */
START_TEST(no_file_is_longer_than_one_idea) {
    static const char *const endings[] = {".c", ".h", ".in", ".py", ".sh", ".md", ".yaml", ".build"};
    static const char *const left_out[] = {"build", "tests/", "docs/reference/", "include/rondo/plugin.h", NULL};
    int count = 0;
    for (int e = 0; e < ROWS(endings); e++) {
        struct files files = source_files("", endings[e], 0);
        for (int i = 0; i < files.count; i++) {
            if (begins_with_one_of(files.items[i], left_out)) {
                continue;
            }
            char *text = read_source(files.items[i]);
            int n_lines = 0;
            for (const char *c = text; *c != '\0'; c++) {
                n_lines += *c == '\n';
            }
            ck_assert_msg(n_lines <= MOST_LINES, "%s has %d lines, expected at most %d", files.items[i], n_lines,
                          MOST_LINES);
            free(text);
            count++;
        }
        free_files(&files);
    }
    ck_assert_int_ge(count, 400);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("house");
    TCase *cases = tcase_create("house");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, every_kernel_is_compiled_for_each_generation_of_processors);
    tcase_add_loop_test(cases, new_arrow_is_refused, 0, ROWS(lines));
    tcase_add_loop_test(cases, every_include_is_an_arrow_of_the_house, 0, ROWS(folders));
    tcase_add_loop_test(cases, banned_call_is_found, 0, ROWS(codes));
    tcase_add_loop_test(cases, library_never_ends_the_process_nor_prints, 0, ROWS(folders));
    tcase_add_loop_test(cases, number_call_is_found, 0, ROWS(number_codes));
    tcase_add_loop_test(cases, numbers_are_read_and_written_in_one_place, 0, ROWS(folders));
    tcase_add_test(cases, plugin_exports_one_symbol);
    tcase_add_test(cases, shared_library_exports_the_embedding_api_alone);
    tcase_add_loop_test(cases, every_source_file_is_in_its_list, 0, ROWS(lists));
    tcase_add_test(cases, every_op_that_is_defined_is_in_the_list_of_its_file);
    tcase_add_test(cases, cell_is_called_as_its_file);
    tcase_add_test(cases, every_test_is_in_the_list_of_tests);
    tcase_add_test(cases, cycle_of_calls_is_found);
    tcase_add_test(cases, no_two_files_call_each_other);
    tcase_add_test(cases, every_symbol_is_defined_once);
    tcase_add_test(cases, every_tag_is_defined_once);
    tcase_add_test(cases, tag_defined_twice_is_found);
    tcase_add_test(cases, no_file_is_longer_than_one_idea);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
