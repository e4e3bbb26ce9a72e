/* tests/array_goldens.c: see tests/array_goldens.h. */
#include "array_goldens.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "io/file.h"

void array_goldens_open(struct array_goldens *goldens, struct arena *arena) {
    array_goldens_open_list(goldens, "arrays.txt", arena);
}

void array_goldens_open_list(struct array_goldens *goldens, const char *name, struct arena *arena) {
    struct errors errors = {0};
    const char *file = arena_printf(arena, "%s/golden/%s", getenv("RONDO_TEST_SOURCE"), name);
    goldens->name = name;
    ck_assert_ptr_nonnull(file);
    const rondo_status status = file_read(file, 1 << 22, arena, &goldens->text, NULL, (struct location){0}, &errors);
    ck_assert_msg(status == RONDO_OK, "%s", errors_text(&errors, 0));
}

/* The text after "NAME " at the beginning of a line. */
static const char *find_line(const char *text, const char *name) {
    const size_t length = strlen(name);
    while (text != NULL && (strncmp(text, name, length) != 0 || text[length] != ' ')) {
        text = strchr(text, '\n');
        text = text == NULL ? NULL : text + 1;
    }
    return text == NULL ? NULL : text + length + 1;
}

static unsigned digit_value(char digit) {
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

unsigned char *array_goldens_file(const struct array_goldens *goldens, const char *name, struct arena *arena,
                                  size_t *length) {
    const char *line = find_line(goldens->text, name);
    ck_assert_msg(line != NULL, "%s has no file '%s'", goldens->name, name);
    *length = strcspn(line, "\n") / 2;
    unsigned char *bytes = arena_alloc(arena, *length + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < *length; i++) {
        bytes[i] = (unsigned char)(16 * digit_value(line[2 * i]) + digit_value(line[2 * i + 1]));
    }
    return bytes;
}

const char *array_goldens_values(const struct array_goldens *goldens, int index, struct arena *arena) {
    const char *line = find_line(goldens->text, "values");
    for (int i = 0; i < index && line != NULL; i++) {
        line = find_line(strchr(line, '\n') + 1, "values");
    }
    return line == NULL ? NULL : arena_strndup(arena, line, strcspn(line, "\n"));
}
