#include "io/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/utf8.h"

/* ---- the header: a dictionary in Python's notation ----
 *
 *     \x93NUMPY, version (2 bytes), length of the header (2 bytes, from version 2 on 4), and
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 */

static const unsigned char magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

/* The header while it is read. */
struct npy_header {
    const char *next, *end;
    char type[16];
    int is_structured; /* the type has fields */
    int is_fortran;
    int has_type, has_order, has_shape;
};

int npy_is(const void *bytes, size_t length) {
    return length >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

static void skip_blanks(struct npy_header *header) {
    while (header->next < header->end && (*header->next == ' ' || *header->next == '\n')) {
        header->next++;
    }
}

/* 1 if the next character is `c`, which is then skipped. */
static int take(struct npy_header *header, char c) {
    skip_blanks(header);
    const int is_next = header->next < header->end && *header->next == c;
    header->next += is_next;
    return is_next;
}

static int take_word(struct npy_header *header, const char *word) {
    skip_blanks(header);
    const size_t length = strlen(word);
    const int is_next = (size_t)(header->end - header->next) >= length && memcmp(header->next, word, length) == 0;
    header->next += is_next ? length : 0;
    return is_next;
}

/* A text in quotes; one that is longer than `size` - 1 is cut. */
static int take_text(struct npy_header *header, char *text, size_t size) {
    const char quote = take(header, '\'') ? '\'' : take(header, '"') ? '"' : '\0';
    size_t length = 0;
    while (quote != '\0' && header->next < header->end && *header->next != quote) {
        if (length + 1 < size) {
            text[length++] = *header->next;
        }
        header->next++;
    }
    text[length] = '\0';
    return quote != '\0' && take(header, quote);
}

/* A whole number; INT64_MAX if it is larger, -1 if there is none. */
static int64_t take_count(struct npy_header *header) {
    skip_blanks(header);
    int64_t count = -1;
    while (header->next < header->end && *header->next >= '0' && *header->next <= '9') {
        const int digit = *header->next++ - '0';
        count = count < 0 ? 0 : count;
        count = count > (INT64_MAX - digit) / 10 ? INT64_MAX : 10 * count + digit;
    }
    take(header, 'L'); /* as Python 2 wrote it */
    return count;
}

/* (3, 4), (3,) or (). */
static int take_shape(struct npy_header *header, struct npy_array *array) {
    if (!take(header, '(')) {
        return 0;
    }
    while (!take(header, ')')) {
        const int64_t count = take_count(header);
        if (count < 0 || array->n_dims == NPY_MOST_DIMS) {
            return 0;
        }
        array->shape[array->n_dims++] = count;
        take(header, ',');
    }
    return 1;
}

/* The type of an array with fields is a list, which is not read. */
static int take_type(struct npy_header *header) {
    header->has_type = 1;
    header->is_structured = take(header, '[');
    return header->is_structured || take_text(header, header->type, sizeof header->type);
}

static int take_order(struct npy_header *header) {
    header->has_order = 1;
    header->is_fortran = take_word(header, "True");
    return header->is_fortran || take_word(header, "False");
}

/* 1 if the header is complete; a type with fields ends the reading. */
static int read_header(struct npy_header *header, struct npy_array *array) {
    if (!take(header, '{')) {
        return 0;
    }
    while (!take(header, '}')) {
        char key[20];
        if (!take_text(header, key, sizeof key) || !take(header, ':')) {
            return 0;
        }
        const int is_good = strcmp(key, "descr") == 0           ? take_type(header)
                            : strcmp(key, "fortran_order") == 0 ? take_order(header)
                            : strcmp(key, "shape") == 0         ? take_shape(header, array)
                                                                : 0;
        header->has_shape |= strcmp(key, "shape") == 0;
        if (!is_good || header->is_structured) {
            return is_good;
        }
        take(header, ',');
    }
    return header->has_type && header->has_order && header->has_shape;
}

/* ---- types ---- */

static const struct {
    char letter;
    int32_t kind;
    int32_t bytes[5]; /* allowed; 0 ends the list; texts have any width */
} types[] = {
    {'f', NPY_FLOAT, {2, 4, 8}},
    {'i', NPY_INTEGER, {1, 2, 4, 8}},
    {'u', NPY_UNSIGNED, {1, 2, 4, 8}},
    {'b', NPY_BOOL, {1}},
    {'U', NPY_TEXT, {0}},
    {'S', NPY_BYTES, {0}},
};

static int is_big_endian_machine(void) {
    const uint16_t one = 1;
    return *(const unsigned char *)&one == 0;
}

/* Sets kind, bytes and byte order from "<f4"; 0 if the type is not known. */
static int set_type(struct npy_array *array, const char *type) {
    const int has_order = type[0] != '\0' && strchr("<>|=", type[0]) != NULL;
    const char *letter = type + has_order;
    char *end;
    const long size = letter[0] == '\0' ? -1 : strtol(letter + 1, &end, 10);
    if (size < 0 || size > 1 << 20 || *end != '\0' || letter[1] == '\0') {
        return 0;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        int is_known = types[i].bytes[0] == 0;
        for (int j = 0; types[i].bytes[j] != 0; j++) {
            is_known |= types[i].bytes[j] == size;
        }
        if (types[i].letter == letter[0] && is_known) {
            array->kind = types[i].kind;
            array->bytes = (int32_t)size * (types[i].kind == NPY_TEXT ? 4 : 1);
            array->is_swapped = (type[0] == '<' || type[0] == '>') && (type[0] == '>') != is_big_endian_machine();
            return 1;
        }
    }
    return 0;
}

static rondo_status check_type(struct npy_array *array, const struct npy_header *header, struct errors *errors) {
    const char *letter = header->type + strspn(header->type, "<>|=");
    snprintf(array->type, sizeof array->type, "%s", header->type);
    if (header->is_structured) {
        return errors_add_at(errors, RONDO_INVALID, array->where,
                             "'%s' is an array with fields, expected an array of numbers", array->name);
    }
    if (letter[0] == 'O') {
        return errors_add_at(errors, RONDO_INVALID, array->where,
                             "'%s' is an array of Python objects, which only Python can read; expected an array of "
                             "numbers. Rows of different lengths are padded to one length, with their lengths in an "
                             "array of their own",
                             array->name);
    }
    return set_type(array, header->type)
               ? RONDO_OK
               : errors_add_at(errors, RONDO_INVALID, array->where,
                               "'%s' has the type '%s', expected integers, booleans, or floats of 2, 4 or 8 bytes",
                               array->name, header->type);
}

/* ---- opening ---- */

/* Sets strides and the number of elements; 0 if that overflows. */
static int set_strides(struct npy_array *array, int is_fortran) {
    int64_t elements = 1;
    int has_elements = 1;
    for (int32_t i = 0; i < array->n_dims; i++) {
        const int32_t dim = is_fortran ? i : array->n_dims - 1 - i;
        array->stride[dim] = elements;
        has_elements &= array->shape[dim] > 0;
        if (array->shape[dim] > 0 && elements > INT64_MAX / array->shape[dim]) {
            return 0;
        }
        elements *= array->shape[dim] > 0 ? array->shape[dim] : 1;
    }
    array->elements = has_elements ? elements : 0;
    return 1;
}

static rondo_status check_data(struct npy_array *array, int is_fortran, size_t bytes, struct errors *errors) {
    const size_t width = array->bytes > 0 ? (size_t)array->bytes : 1;
    const int is_counted = set_strides(array, is_fortran);
    if (!is_counted || (uint64_t)array->elements > bytes / width) {
        return errors_add_at(errors, RONDO_INVALID, array->where,
                             "'%s' is cut short: the shape %s of type '%s' does not fit into the %zu bytes after its "
                             "header",
                             array->name, npy_shape(array).text, array->type, bytes);
    }
    const size_t needed = (size_t)array->elements * (size_t)array->bytes;
    return needed == bytes ? RONDO_OK
                           : errors_add_at(errors, RONDO_INVALID, array->where,
                                           "'%s' has %zu bytes after an array of the shape %s, expected one array",
                                           array->name, bytes - needed, npy_shape(array).text);
}

rondo_status npy_open(struct npy_array *array, const void *bytes, size_t length, const char *name,
                      struct location where, struct errors *errors) {
    *array = (struct npy_array){.name = name, .where = where};
    if (!npy_is(bytes, length)) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'%s' is not an array in NumPy's format, as numpy.save and numpy.savez write it", name);
    }
    const unsigned char *start = bytes;
    const size_t prefix = length > 6 && start[6] == 1 ? 10 : 12;
    if (length < prefix) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' is cut short: it has %zu bytes", name, length);
    }
    if (start[6] < 1 || start[6] > 3) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'%s' has the version %d of NumPy's format, expected 1, 2 or 3", name, start[6]);
    }
    size_t n_header = 0;
    for (size_t i = prefix; i-- > 8;) {
        n_header = n_header << 8 | start[i];
    }
    if (n_header > length - prefix) {
        return errors_add_at(errors, RONDO_INVALID, where, "'%s' is cut short: it has %zu bytes", name, length);
    }
    struct npy_header header = {.next = (const char *)start + prefix, .end = (const char *)start + prefix + n_header};
    if (!read_header(&header, array)) {
        return errors_add_at(errors, RONDO_INVALID, where,
                             "'%s' has a header that cannot be read, expected a type, an order and a shape of at most "
                             "%d dimensions",
                             name, NPY_MOST_DIMS);
    }
    RONDO_TRY(check_type(array, &header, errors));
    array->data = start + prefix + n_header;
    return check_data(array, header.is_fortran, length - prefix - n_header, errors);
}

/* ---- elements ---- */

/* The bytes of an element as an integer, in the byte order of this machine. */
static uint64_t element_bits(const unsigned char *element, int32_t bytes, int is_swapped) {
    uint64_t bits = 0;
    const int is_big = is_swapped != is_big_endian_machine();
    for (int32_t i = 0; i < bytes; i++) {
        bits = bits << 8 | element[is_big ? i : bytes - 1 - i];
    }
    return bits;
}

/* IEEE 754 binary16: sign, 5 bits of exponent with bias 15, 10 bits of fraction. */
static double half_value(uint64_t bits) {
    const int exponent = (int)(bits >> 10 & 31), fraction = (int)(bits & 1023);
    const double size = exponent == 31  ? (fraction == 0 ? (double)INFINITY : (double)NAN)
                        : exponent == 0 ? ldexp(fraction, -24)
                                        : ldexp(fraction + 1024, exponent - 25);
    return bits >> 15 ? -size : size;
}

static double float_value(int32_t bytes, uint64_t bits) {
    if (bytes == 2) {
        return half_value(bits);
    }
    if (bytes == 4) {
        const uint32_t half = (uint32_t)bits;
        float number;
        memcpy(&number, &half, sizeof number);
        return (double)number;
    }
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static double integer_value(int32_t bytes, uint64_t bits) {
    switch (bytes) {
    case 1:
        return (int8_t)bits;
    case 2:
        return (int16_t)bits;
    case 4:
        return (int32_t)bits;
    default:
        return (double)(int64_t)bits;
    }
}

/* The usual case: floats in the order of this machine. */
static void native_floats(const unsigned char *from, int64_t step, int64_t count, double *numbers) {
    for (int64_t i = 0; i < count; i++) {
        float number;
        memcpy(&number, from + i * step, sizeof number);
        numbers[i] = (double)number;
    }
}

void npy_numbers(const struct npy_array *array, int64_t at, int64_t stride, int64_t count, double *numbers) {
    const unsigned char *from = array->data + at * array->bytes;
    const int64_t step = stride * array->bytes;
    if (array->kind == NPY_FLOAT && array->bytes == 4 && !array->is_swapped) {
        native_floats(from, step, count, numbers);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        const uint64_t bits = element_bits(from + i * step, array->bytes, array->is_swapped);
        numbers[i] = array->kind == NPY_FLOAT     ? float_value(array->bytes, bits)
                     : array->kind == NPY_INTEGER ? integer_value(array->bytes, bits)
                                                  : (double)bits;
    }
}

/* Writes a code point in UTF-8; returns the number of bytes. */
static int put_utf8(uint32_t code, char *text) {
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = 0xFFFD;
    }
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    const int count = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (int i = count - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    text[0] = (char)(first[count] | code);
    return count;
}

/* A text of bytes: UTF-8, or else ASCII with other bytes replaced. */
static const char *bytes_text(const unsigned char *from, int32_t count, struct arena *arena) {
    char *text = arena_strndup(arena, (const char *)from, (size_t)count);
    const int is_utf8 = text != NULL && utf8_check(text, strlen(text), NULL);
    for (char *c = text; text != NULL && !is_utf8 && *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    return text;
}

const char *npy_text(const struct npy_array *array, int64_t at, struct arena *arena) {
    const unsigned char *from = array->data + at * array->bytes;
    if (array->kind == NPY_BYTES) {
        return bytes_text(from, array->bytes, arena);
    }
    const int32_t count = array->bytes / 4;
    char *text = arena_alloc(arena, (size_t)array->bytes + 1), *next = text;
    uint32_t code = 1;
    for (int32_t i = 0; i < count && text != NULL && code != 0; i++) {
        code = (uint32_t)element_bits(from + (int64_t)i * 4, 4, array->is_swapped);
        next += code == 0 ? 0 : put_utf8(code, next);
    }
    if (text != NULL) {
        *next = '\0';
    }
    return text;
}

int npy_is_text(const struct npy_array *array) {
    return array->kind == NPY_TEXT || array->kind == NPY_BYTES;
}

int npy_is_float(const struct npy_array *array) {
    return array->kind == NPY_FLOAT;
}

struct npy_shape_text npy_shape(const struct npy_array *array) {
    struct npy_shape_text shape = {"("};
    int length = 1;
    for (int32_t i = 0; i < array->n_dims; i++) {
        length += snprintf(shape.text + length, sizeof shape.text - (size_t)length, "%s%lld", i == 0 ? "" : ", ",
                           (long long)array->shape[i]);
    }
    snprintf(shape.text + length, sizeof shape.text - (size_t)length, "%s)", array->n_dims == 1 ? "," : "");
    return shape;
}
