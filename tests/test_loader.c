/* tests/test_loader.c: which files are loaded; all others are refused with a reason.
 *
 * RONDO_TEST_PLUGINS is the folder of the plug-ins as they were built, RONDO_TEST_BAD that of tests/plugins_bad. Files
 * that are damaged, or get other permissions, are copied to a temporary folder first.
 */
#define _XOPEN_SOURCE 700
#include <check.h>
#include <elf.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loader.h"
#include "core/sanitizer.h"
#include "tests/suite.h"

#define PATH_SIZE 1024

static char plugins[PATH_SIZE], bad_plugins[PATH_SIZE];
static char folder[PATH_SIZE]; /* temporary, with optimizers/, losses/ and ops/ */
static struct errors errors;
static struct registry *registry;
static struct loader *loader;

static const struct location where = {"e.yaml", 3, 5};
static const rondo_descriptor *const nothing[] = {NULL};

/* Fails if the variable is not set, because nothing would be tested. */
static void read_variable(const char *name, char *value) {
    const char *text = getenv(name);
    ck_assert_msg(text != NULL && text[0] == '/', "the variable %s must hold an absolute path", name);
    snprintf(value, PATH_SIZE, "%s", text);
}

/* The path of printf's arguments, in a buffer that the fourth call from here uses again. */
static const char *path(const char *format, const char *a, const char *b) {
    static char buffers[4][3 * PATH_SIZE];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(buffers[turn], sizeof buffers[turn], format, a, b);
    return buffers[turn];
}

static void make_folder(const char *name) {
    ck_assert_int_eq(mkdir(name, 0755), 0);
    ck_assert_int_eq(chmod(name, 0755), 0); /* whatever the umask */
}

static void setup(void) {
    read_variable("RONDO_TEST_PLUGINS", plugins);
    read_variable("RONDO_TEST_BAD", bad_plugins);
    const char *temporary = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/rondo-test-XXXXXX", temporary == NULL ? "/tmp" : temporary);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    make_folder(path("%s/%s", folder, "optimizers"));
    make_folder(path("%s/%s", folder, "losses"));
    make_folder(path("%s/%s", folder, "ops"));
    memset(&errors, 0, sizeof errors);
    registry = registry_create(nothing, &errors);
    loader = loader_create(NULL, &errors);
    ck_assert_ptr_nonnull(registry);
    ck_assert_ptr_nonnull(loader);
}

static int remove_entry(const char *name, const struct stat *found, int type, struct FTW *walk) {
    (void)found, (void)type, (void)walk;
    return remove(name);
}

static void teardown(void) {
    loader_destroy(loader);
    registry_destroy(registry);
    errors_free(&errors);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void write_file(const char *to, const void *bytes, size_t size) {
    FILE *file = fopen(to, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(to, 0644), 0);
}

/* Reads a whole file to memory that the caller frees. */
static char *read_file(const char *from, size_t *size) {
    FILE *file = fopen(from, "rb");
    ck_assert_msg(file != NULL, "cannot open '%s'", from);
    const size_t most = 8 << 20;
    char *bytes = malloc(most);
    ck_assert_ptr_nonnull(bytes);
    *size = fread(bytes, 1, most, file);
    ck_assert_uint_lt(*size, most);
    fclose(file);
    return bytes;
}

static void copy_file(const char *from, const char *to) {
    size_t size = 0;
    char *bytes = read_file(from, &size);
    write_file(to, bytes, size);
    free(bytes);
}

/* A shipped plug-in "optimizers/adam", copied to `to` in the temporary folder; returns the path of the copy. */
static const char *copy_plugin(const char *name, const char *to) {
    const char *copy = path("%s/%s", folder, to);
    copy_file(path("%s/%s.so", plugins, name), copy);
    return copy;
}

/* Replaces the loader by one that searches these folders. */
static void search_in(const char *paths) {
    loader_destroy(loader);
    loader = loader_create(paths, &errors);
    ck_assert_ptr_nonnull(loader);
    registry_set_finder(registry, loader_finder(loader));
}

static const rondo_descriptor *resolve(int32_t kind, const char *name) {
    return registry_resolve(registry, kind, name, where, &errors);
}

static void assert_ok(rondo_status status) {
    ck_assert_msg(status == RONDO_OK, "%s", errors.count > 0 ? errors_text(&errors, 0) : "without a text");
    ck_assert_int_eq(errors.count, 0);
}

static void assert_error(rondo_status status, const char *part) {
    ck_assert_int_eq(errors.count, 1);
    ck_assert_int_eq(errors.status, status);
    const char *text = errors_text(&errors, 0);
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in \"%s\"", part, text);
}

static void assert_nothing_registered(void) {
    struct loaded_plugin plugin;
    ck_assert_ptr_null(registry_at(registry, 0, NULL));
    ck_assert_int_eq(loader_plugin(loader, 0, &plugin), 0);
}

/* ---- plug-ins that were built to be refused ---- */

static const struct {
    const char *file;
    const char *part;
} bad[] = {
    {"no_symbol", "has no symbol 'rondo_plugin'"},
    {"wrong_magic", "has magic 0x12345678, expected 0x6f646e72"},
    {"wrong_struct_size", "has struct_size 48, expected 56"},
    {"wrong_abi_major", "has abi_major 2, expected 1"},
    {"newer_abi_minor", "has abi_minor 3, expected 2 or less: it needs a newer Rondo"},
    {"wrong_fingerprint", "has fingerprint 0x"},
    {"no_version", "has no version"},
    {"no_descriptors", "has no descriptors"},
    {"null_name", "optimizer descriptor of '"},
    {"op_without_gradient", "it has no gradient: 'map_grad' is missing"},
    {"undefined_symbol", "cannot be linked: "},
    {"wrong_kind", ".so' is refused: descriptor 'wrong_kind': kind is 77, expected 0 to 4"},
    {"op_of_wrong_kind", ".so' is refused: optimizer 'op_of_wrong_kind': kind 1 (optimizer) has struct_size 160, "
                         "expected "},
    {"descriptors_without_end",
     ".so' is refused: descriptor 1: lies outside the plug-in or is not aligned: does the list "
     "of descriptors end with NULL?"},
    {"options_without_end",
     ".so' is refused: optimizer 'options_without_end': 'options': 'key' of row 1 is not a text of "
     "the plug-in: is the end row missing, RONDO_OPTION_END?"},
    {"choices_without_end",
     ".so' is refused: optimizer 'choices_without_end': row 0 of 'options': entry 2 of 'choices' "
     "is not a text of the plug-in: does it end with NULL?"},
    {"slots_without_end",
     ".so' is refused: optimizer 'slots_without_end': 'slots': 'name' of row 2 is not a text of the "
     "plug-in: is the end row missing, a row with a NULL name?"},
    {"accumulators_without_end",
     ".so' is refused: metric 'accumulators_without_end': 'accumulators': 'name' of row 1 is not a text of the "
     "plug-in: is the end row missing, a row with a NULL name?"},
    {"metrics_without_end",
     ".so' is refused: loss 'metrics_without_end': 'metrics': 'name' of row 1 is not a text of the "
     "plug-in: is the end row missing, a row with a NULL name?"},
};

START_TEST(bad_plugin_is_refused_for_its_reason) {
    const char *file = path("%s/%s.so", bad_plugins, bad[_i].file);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, bad[_i].part);
    ck_assert_ptr_nonnull(strstr(errors_text(&errors, 0), file));
    ck_assert_int_eq(strncmp(errors_text(&errors, 0), "e.yaml:3:5: ", 12), 0);
    assert_nothing_registered();
}
END_TEST

START_TEST(reason_of_the_dynamic_linker_is_passed_on) {
    loader_load(loader, registry, path("%s/%s.so", bad_plugins, "undefined_symbol"), where, &errors);
    assert_error(RONDO_INVALID, "a_function_that_nobody_has");
}
END_TEST

START_TEST(taken_name_is_refused_with_both_files) {
    const char *first = path("%s/%s.so", plugins, "optimizers/sgd");
    const char *second = path("%s/%s.so", bad_plugins, "duplicate_name");
    assert_ok(loader_load(loader, registry, first, where, &errors));
    ck_assert_int_eq(loader_load(loader, registry, second, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, first);
    assert_error(RONDO_INVALID, second);
}
END_TEST

/* ---- files that are not shared objects, or cannot be trusted ---- */

START_TEST(missing_file_is_not_found) {
    const char *file = path("%s/%s", folder, "none.so");
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_NOT_FOUND);
    assert_error(RONDO_NOT_FOUND, "none.so' cannot be opened: No such file");
}
END_TEST

START_TEST(folder_is_no_plugin) {
    ck_assert_int_eq(loader_load(loader, registry, folder, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "is a folder");
}
END_TEST

START_TEST(pipe_is_refused_and_not_waited_for) {
    const char *file = path("%s/%s", folder, "pipe.so");
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "is not a regular file");
}
END_TEST

static const struct {
    const char *bytes;
    size_t size;
    const char *part;
} contents[] = {
    {"", 0, "is not an ELF shared object"},
    {"int main;\n", 10, "is not an ELF shared object"},
    {"\177ELF", 4, "is not an ELF shared object"},
    {"a text that is longer than the header of an ELF file, and still is none of that kind at all\n", 92,
     "is not an ELF shared object"},
    {"\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16, "is cut short: its ELF header ends early"},
};

START_TEST(file_that_is_no_shared_object_is_refused) {
    const char *file = path("%s/%s", folder, "text.so");
    write_file(file, contents[_i].bytes, contents[_i].size);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, contents[_i].part);
}
END_TEST

/* Changes to the header of a good plug-in. */
static const struct {
    size_t offset;
    unsigned char byte;
    const char *part;
} headers[] = {
    {EI_CLASS, ELFCLASS32, "has ELF class 1, expected 2 (64 bits)"},
    {offsetof(Elf64_Ehdr, e_type), ET_EXEC, "has ELF type 2, expected 3 (a shared object)"},
    {offsetof(Elf64_Ehdr, e_type), ET_REL, "has ELF type 1, expected 3 (a shared object)"},
    {offsetof(Elf64_Ehdr, e_phentsize), 7, "has a damaged ELF header"},
    {offsetof(Elf64_Ehdr, e_phoff) + 7, 0x7f, "has a damaged ELF header"},
    {offsetof(Elf64_Ehdr, e_phnum) + 1, 0xff, "is cut short"},
    {offsetof(Elf64_Ehdr, e_machine), 0x7f, "is built for ELF machine 127, expected "},
    {offsetof(Elf64_Ehdr, e_machine), EM_ARM, "is built for ELF machine 40 (ARM), expected "},
    {EI_DATA, ELFDATA2MSB, "has ELF byte order 2, expected 1"},
};

START_TEST(damaged_header_is_refused) {
    const char *file = path("%s/%s", folder, "damaged.so");
    size_t size = 0;
    char *bytes = read_file(path("%s/%s.so", plugins, "optimizers/adam"), &size);
    bytes[headers[_i].offset] = (char)headers[_i].byte;
    write_file(file, bytes, size);
    free(bytes);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, headers[_i].part);
}
END_TEST

/* The end of the last segment: what the dynamic linker maps. Section headers and names of symbols follow. */
static size_t end_of_segments(const char *bytes) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)bytes;
    size_t last = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *segment = (const Elf64_Phdr *)(const void *)(bytes + header->e_phoff) + i;
        const size_t end = segment->p_offset + segment->p_filesz;
        last = end > last ? end : last;
    }
    return last;
}

/* The file is cut at many places. The dynamic linker would crash if a segment is missing. */
START_TEST(file_cut_short_anywhere_is_refused) {
    size_t size = 0;
    char *bytes = read_file(path("%s/%s.so", plugins, "optimizers/adam"), &size);
    const char *file = path("%s/%s", folder, "short.so");
    const size_t needed = end_of_segments(bytes);
    ck_assert_uint_gt(needed, 4096);
    for (size_t length = 0; length < needed; length += 509) {
        write_file(file, bytes, length);
        ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
        ck_assert_int_eq(errors.count, 1);
        errors_free(&errors);
    }
    const size_t ends[] = {needed - 1, needed, (needed + size) / 2, size - 1};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        write_file(file, bytes, ends[i]);
        ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
        assert_error(RONDO_INVALID, "is cut short");
        errors_free(&errors);
    }
    assert_nothing_registered();
    free(bytes);
}
END_TEST

/* As tools make it that remove the section headers: all that the dynamic linker needs is there. */
START_TEST(file_without_section_headers_is_loaded) {
    size_t size = 0;
    char *bytes = read_file(path("%s/%s.so", plugins, "optimizers/adam"), &size);
    const char *file = path("%s/%s", folder, "stripped.so");
    Elf64_Ehdr *header = (Elf64_Ehdr *)(void *)bytes;
    header->e_shoff = header->e_shnum = header->e_shstrndx = 0;
    write_file(file, bytes, end_of_segments(bytes));
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_OK);
    free(bytes);
}
END_TEST

/* ---- pointers that lead nowhere ---- */

/* The plug-ins whose pointers are changed. Together they have descriptors of every kind, and all that a descriptor
 * points at. */
static const char *const bent[] = {
    "optimizers/adam", "optimizers/sgd",   "losses/softmax_cross_entropy", "losses/quantile",
    "ops/swish",       "schedules/cosine", "metrics/confusion_matrix",     "metrics/label_error_rate"};

/* What a pointer is bent to: an address that nothing has; the last bytes of the plug-in; one byte further than it was,
 * which is within the plug-in and may do no harm. */
enum bend { BEND_NOWHERE, BEND_TO_END, BEND_BY_ONE };
#if SANITIZER_ADDRESS
enum { BENDS = BEND_NOWHERE + 1 }; /* for the others bytes between objects are read */
#else
enum { BENDS = BEND_BY_ONE + 1 };
#endif

/* The constant data of a plug-in that holds pointers: its descriptors and all their tables. */
static const Elf64_Shdr *find_section(const char *bytes, const char *name) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)bytes;
    const Elf64_Shdr *sections = (const Elf64_Shdr *)(const void *)(bytes + header->e_shoff);
    const char *names = bytes + sections[header->e_shstrndx].sh_offset;
    for (int i = 0; i < header->e_shnum; i++) {
        if (strcmp(names + sections[i].sh_name, name) == 0) {
            return &sections[i];
        }
    }
    return NULL;
}

static Elf64_Addr end_of_plugin(const char *bytes) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)bytes;
    const Elf64_Phdr *segments = (const Elf64_Phdr *)(const void *)(bytes + header->e_phoff);
    Elf64_Addr end = 0;
    for (int i = 0; i < header->e_phnum; i++) {
        end = segments[i].p_type == PT_LOAD ? segments[i].p_vaddr + segments[i].p_memsz : end;
    }
    return end;
}

/* Loads a copy of the plug-in with relocation `index` changed. Each copy has its own name, since the dynamic linker
 * knows files by their names. 0 where that relocation is no pointer of a descriptor. */
static int load_bent(char *bytes, size_t size, size_t index, enum bend bend, rondo_status *status) {
    const Elf64_Shdr *data = find_section(bytes, ".data.rel.ro");
    const Elf64_Shdr *relocations = find_section(bytes, ".rela.dyn");
    ck_assert(data != NULL && relocations != NULL);
    Elf64_Rela *relocation = (Elf64_Rela *)(void *)(bytes + relocations->sh_offset) + index;
    if (ELF64_R_SYM(relocation->r_info) != 0 || relocation->r_offset - data->sh_addr >= data->sh_size) {
        return 0;
    }
    const Elf64_Sxword was = relocation->r_addend;
    relocation->r_addend = bend == BEND_NOWHERE  ? 0x123456789
                           : bend == BEND_TO_END ? (Elf64_Sxword)(end_of_plugin(bytes) & ~(Elf64_Addr)7) - 8
                                                 : was + 1;
    char number[32];
    snprintf(number, sizeof number, "bent%d_%d.so", (int)index, (int)bend);
    const char *file = path("%s/%s", folder, number);
    write_file(file, bytes, size);
    relocation->r_addend = was;
    *status = loader_load(loader, registry, file, where, &errors);
    return 1;
}

START_TEST(pointer_that_leads_nowhere_is_refused_wherever_it_stands) {
    size_t size = 0;
    char *bytes = read_file(path("%s/%s.so", plugins, bent[_i]), &size);
    const Elf64_Shdr *relocations = find_section(bytes, ".rela.dyn");
    ck_assert_ptr_nonnull(relocations);
    int tried = 0;
    for (size_t i = 0; i < relocations->sh_size / sizeof(Elf64_Rela); i++) {
        for (int bend = 0; bend < BENDS; bend++) {
            rondo_status status = RONDO_OK;
            if (!load_bent(bytes, size, i, (enum bend)bend, &status)) {
                continue;
            }
            tried++;
            ck_assert_msg(status == RONDO_INVALID || bend != BEND_NOWHERE, "relocation %d is not looked at", (int)i);
            ck_assert_int_eq(errors.count, status != RONDO_OK);
            errors_free(&errors);
            registry_destroy(registry);
            registry = registry_create(nothing, &errors);
            ck_assert_ptr_nonnull(registry);
        }
    }
    ck_assert_int_ge(tried, 10 * BENDS);
    free(bytes);
}
END_TEST

START_TEST(file_that_everybody_may_write_is_refused) {
    const char *file = copy_plugin("optimizers/adam", "open.so");
    ck_assert_int_eq(chmod(file, 0666), 0);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "is refused: everybody may write to it");
    assert_nothing_registered();
}
END_TEST

/* With and without the sticky bit. */
static const mode_t open_modes[] = {0777, 01777, 0703};

START_TEST(folder_that_everybody_may_write_is_refused) {
    const char *file = copy_plugin("optimizers/adam", "adam.so");
    ck_assert_int_eq(chmod(folder, open_modes[_i]), 0);
    ck_assert_int_eq(loader_load(loader, registry, file, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "is refused: everybody may write to its folder '");
    assert_nothing_registered();
}
END_TEST

START_TEST(link_in_a_folder_that_everybody_may_write_is_refused) {
    const char *link_name = path("%s/%s", folder, "adam.so");
    ck_assert_int_eq(symlink(path("%s/%s.so", plugins, "optimizers/adam"), link_name), 0);
    ck_assert_int_eq(chmod(folder, 0777), 0);
    ck_assert_int_eq(loader_load(loader, registry, link_name, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, folder);
}
END_TEST

START_TEST(link_into_a_folder_that_everybody_may_write_is_refused) {
    copy_plugin("optimizers/adam", "optimizers/adam.so");
    const char *link_name = path("%s/%s", folder, "adam.so");
    ck_assert_int_eq(symlink("optimizers/adam.so", link_name), 0);
    ck_assert_int_eq(chmod(path("%s/%s", folder, "optimizers"), 0777), 0);
    ck_assert_int_eq(loader_load(loader, registry, link_name, where, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "/optimizers'");
}
END_TEST

/* ---- files that are loaded ---- */

static const struct {
    const char *name;
    int32_t kind;
    const char *descriptor;
} shipped[] = {
    {"optimizers/sgd", RONDO_KIND_OPTIMIZER, "sgd"},
    {"optimizers/adam", RONDO_KIND_OPTIMIZER, "adam"},
    {"losses/softmax_cross_entropy", RONDO_KIND_LOSS, "softmax_cross_entropy"},
    {"losses/sigmoid_cross_entropy", RONDO_KIND_LOSS, "sigmoid_cross_entropy"},
    {"losses/squared_error", RONDO_KIND_LOSS, "squared_error"},
    {"ops/swish", RONDO_KIND_OP, "swish"},
};

START_TEST(shipped_plugin_is_loaded_and_recorded) {
    const char *file = path("%s/%s.so", plugins, shipped[_i].name);
    assert_ok(loader_load(loader, registry, file, where, &errors));
    ck_assert_ptr_nonnull(registry_find(registry, shipped[_i].kind, shipped[_i].descriptor));
    struct loaded_plugin plugin;
    ck_assert_int_eq(loader_plugin(loader, 0, &plugin), 1);
    ck_assert_str_eq(plugin.name, shipped[_i].descriptor);
    ck_assert_int_eq(plugin.file[0], '/');
    ck_assert_ptr_nonnull(strstr(plugin.file, shipped[_i].name));
    ck_assert_str_ne(plugin.version, "");
    ck_assert_str_ne(plugin.licence, "");
    ck_assert_int_eq(loader_plugin(loader, 1, &plugin), 0);
    ck_assert_int_eq(loader_plugin(loader, -1, &plugin), 0);
}
END_TEST

START_TEST(same_file_twice_is_loaded_once) {
    const char *file = copy_plugin("optimizers/adam", "adam.so");
    const char *hard = path("%s/%s", folder, "hard.so");
    const char *soft = path("%s/%s", folder, "soft.so");
    ck_assert_int_eq(link(file, hard), 0);
    ck_assert_int_eq(symlink("adam.so", soft), 0);
    assert_ok(loader_load(loader, registry, file, where, &errors));
    assert_ok(loader_load(loader, registry, file, where, &errors));
    assert_ok(loader_load(loader, registry, hard, where, &errors));
    assert_ok(loader_load(loader, registry, soft, where, &errors));
    struct loaded_plugin plugin;
    ck_assert_int_eq(loader_plugin(loader, 1, &plugin), 0);
}
END_TEST

START_TEST(relative_file_is_that_of_the_working_directory) {
    copy_plugin("optimizers/adam", "adam.so");
    char before[PATH_SIZE];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(folder), 0);
    const rondo_status status = loader_load(loader, registry, "adam.so", where, &errors);
    ck_assert_int_eq(chdir(before), 0);
    assert_ok(status);
}
END_TEST

START_TEST(plugins_outlive_their_loader) {
    assert_ok(loader_load(loader, registry, path("%s/%s.so", plugins, "optimizers/adam"), where, &errors));
    search_in(NULL);
    const rondo_descriptor *adam = registry_find(registry, RONDO_KIND_OPTIMIZER, "adam");
    ck_assert_str_eq(adam->name, "adam");
    assert_ok(loader_load(loader, registry, path("%s/%s.so", plugins, "optimizers/sgd"), where, &errors));
}
END_TEST

/* ---- the search ---- */

START_TEST(name_is_found_in_the_folder_of_its_kind) {
    search_in(plugins);
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_OPTIMIZER, "adam"));
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_LOSS, "squared_error"));
    ck_assert_int_eq(errors.count, 0);
    ck_assert_ptr_null(resolve(RONDO_KIND_LOSS, "sgd"));
    assert_error(RONDO_NOT_FOUND, "e.yaml:3:5: unknown loss 'sgd'");
}
END_TEST

/* Entries of the path before the good one, which must not prevent it from being found. */
static const char *const paths[] = {"%s%s", ":%s%s", "::%s%s:", "relative:%s%s", ".:%s%s", "./x:%s%s", "/nowhere:%s%s"};

START_TEST(entries_that_lead_nowhere_are_skipped) {
    search_in(path(paths[_i], plugins, ""));
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_OPTIMIZER, "adam"));
}
END_TEST

START_TEST(working_directory_is_not_searched) {
    copy_plugin("optimizers/adam", "optimizers/adam.so");
    char before[PATH_SIZE];
    ck_assert_ptr_nonnull(getcwd(before, sizeof before));
    ck_assert_int_eq(chdir(folder), 0);
    search_in(".:optimizers::");
    const rondo_descriptor *found = resolve(RONDO_KIND_OPTIMIZER, "adam");
    ck_assert_int_eq(chdir(before), 0);
    ck_assert_ptr_null(found);
    assert_error(RONDO_NOT_FOUND, "unknown optimizer 'adam'");
}
END_TEST

START_TEST(first_folder_wins) {
    const char *file = copy_plugin("optimizers/adam", "optimizers/adam.so");
    search_in(path("%s:%s", folder, plugins));
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_OPTIMIZER, "adam"));
    const char *origin = NULL;
    registry_at(registry, 0, &origin);
    ck_assert_str_eq(origin, file);
}
END_TEST

START_TEST(broken_file_is_not_hidden_by_a_later_folder) {
    write_file(path("%s/%s", folder, "optimizers/adam.so"), "text", 4);
    search_in(path("%s:%s", folder, plugins));
    ck_assert_ptr_null(resolve(RONDO_KIND_OPTIMIZER, "adam"));
    assert_error(RONDO_INVALID, "is not an ELF shared object");
}
END_TEST

START_TEST(registered_name_is_not_searched) {
    const char *file = copy_plugin("optimizers/adam", "mine.so");
    search_in(plugins);
    assert_ok(loader_load(loader, registry, file, where, &errors));
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_OPTIMIZER, "adam"));
    struct loaded_plugin plugin;
    ck_assert_int_eq(loader_plugin(loader, 1, &plugin), 0);
}
END_TEST

START_TEST(file_without_the_name_it_promises_is_refused) {
    copy_plugin("optimizers/adam", "optimizers/promised.so");
    search_in(folder);
    ck_assert_ptr_null(resolve(RONDO_KIND_OPTIMIZER, "promised"));
    assert_error(RONDO_INVALID, "/promised.so' does not provide optimizer 'promised'");
    assert_nothing_registered();
}
END_TEST

START_TEST(loaded_file_does_not_get_another_name_by_a_link) {
    const char *file = copy_plugin("optimizers/adam", "optimizers/adam.so");
    ck_assert_int_eq(link(file, path("%s/%s", folder, "optimizers/promised.so")), 0);
    search_in(folder);
    ck_assert_ptr_nonnull(resolve(RONDO_KIND_OPTIMIZER, "adam"));
    ck_assert_ptr_null(resolve(RONDO_KIND_OPTIMIZER, "promised"));
    assert_error(RONDO_INVALID, "does not provide optimizer 'promised'");
}
END_TEST

/* Names that lead outside the folder, or are not valid names. */
static const char *const strange[] = {"../optimizers/adam", "/adam", "", ".", "..", "adam.so", "a/b", "adam\n", "a b"};

START_TEST(name_that_is_a_path_is_not_looked_for) {
    search_in(plugins);
    ck_assert_ptr_null(resolve(RONDO_KIND_OPTIMIZER, strange[_i]));
    assert_error(RONDO_NOT_FOUND, "e.yaml:3:5: unknown optimizer '");
    assert_nothing_registered();
}
END_TEST

static const struct {
    int32_t kind;
    const char *word, *part;
} misspelt[] = {
    {RONDO_KIND_OPTIMIZER, "adm", "unknown optimizer 'adm' (did you mean 'adam'?), looked for among those registered"},
    {RONDO_KIND_OPTIMIZER, "Adam", "(did you mean 'adam'?)"},
    {RONDO_KIND_LOSS, "squared_eror", "(did you mean 'squared_error'?)"},
    {RONDO_KIND_LOSS, "softmax_crossentropy", "(did you mean 'softmax_cross_entropy'?)"},
};

START_TEST(names_of_files_are_suggested_and_folders_named) {
    search_in(path("relative:%s:%s", plugins, folder));
    ck_assert_ptr_null(resolve(misspelt[_i].kind, misspelt[_i].word));
    assert_error(RONDO_NOT_FOUND, misspelt[_i].part);
    assert_error(RONDO_NOT_FOUND, path(" and in '%s:%s'", plugins, folder));
}
END_TEST

START_TEST(all_plugins_are_loaded_past_a_broken_one) {
    copy_plugin("optimizers/adam", "optimizers/adam.so");
    copy_plugin("losses/squared_error", "losses/squared_error.so");
    write_file(path("%s/%s", folder, "optimizers/aaa.so"), "text", 4);
    write_file(path("%s/%s", folder, "optimizers/notes.txt"), "text", 4);
    write_file(path("%s/%s", folder, "optimizers/.hidden.so"), "text", 4);
    search_in(path("%s:%s", folder, plugins));
    ck_assert_int_eq(loader_load_all(loader, registry, &errors), RONDO_INVALID);
    assert_error(RONDO_INVALID, "/optimizers/aaa.so' is not an ELF shared object");
    for (size_t k = 0; k < sizeof shipped / sizeof shipped[0]; k++) {
        ck_assert_ptr_nonnull(registry_find(registry, shipped[k].kind, shipped[k].descriptor));
    }
}
END_TEST

START_TEST(no_folder_is_no_error) {
    search_in("");
    assert_ok(loader_load_all(loader, registry, &errors));
    search_in("/nowhere:/nor/here");
    assert_ok(loader_load_all(loader, registry, &errors));
    assert_nothing_registered();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("loader");
    TCase *cases = tcase_create("loader");
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, bad_plugin_is_refused_for_its_reason, 0, ROWS(bad));
    tcase_add_test(cases, reason_of_the_dynamic_linker_is_passed_on);
    tcase_add_test(cases, taken_name_is_refused_with_both_files);
    tcase_add_test(cases, missing_file_is_not_found);
    tcase_add_test(cases, folder_is_no_plugin);
    tcase_add_test(cases, pipe_is_refused_and_not_waited_for);
    tcase_add_loop_test(cases, file_that_is_no_shared_object_is_refused, 0, ROWS(contents));
    tcase_add_loop_test(cases, damaged_header_is_refused, 0, ROWS(headers));
    tcase_add_test(cases, file_cut_short_anywhere_is_refused);
    tcase_add_test(cases, file_without_section_headers_is_loaded);
    tcase_add_loop_test(cases, pointer_that_leads_nowhere_is_refused_wherever_it_stands, 0, ROWS(bent));
    tcase_add_test(cases, file_that_everybody_may_write_is_refused);
    tcase_add_loop_test(cases, folder_that_everybody_may_write_is_refused, 0, ROWS(open_modes));
    tcase_add_test(cases, link_in_a_folder_that_everybody_may_write_is_refused);
    tcase_add_test(cases, link_into_a_folder_that_everybody_may_write_is_refused);
    tcase_add_loop_test(cases, shipped_plugin_is_loaded_and_recorded, 0, ROWS(shipped));
    tcase_add_test(cases, same_file_twice_is_loaded_once);
    tcase_add_test(cases, relative_file_is_that_of_the_working_directory);
    tcase_add_test(cases, plugins_outlive_their_loader);
    tcase_add_test(cases, name_is_found_in_the_folder_of_its_kind);
    tcase_add_loop_test(cases, entries_that_lead_nowhere_are_skipped, 0, ROWS(paths));
    tcase_add_test(cases, working_directory_is_not_searched);
    tcase_add_test(cases, first_folder_wins);
    tcase_add_test(cases, broken_file_is_not_hidden_by_a_later_folder);
    tcase_add_test(cases, registered_name_is_not_searched);
    tcase_add_test(cases, file_without_the_name_it_promises_is_refused);
    tcase_add_test(cases, loaded_file_does_not_get_another_name_by_a_link);
    tcase_add_loop_test(cases, name_that_is_a_path_is_not_looked_for, 0, ROWS(strange));
    tcase_add_loop_test(cases, names_of_files_are_suggested_and_folders_named, 0, ROWS(misspelt));
    tcase_add_test(cases, all_plugins_are_loaded_past_a_broken_one);
    tcase_add_test(cases, no_folder_is_no_error);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
