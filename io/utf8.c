#include "io/utf8.h"

#include <string.h>

/* Bits that are 0 in eight bytes of ASCII. */
#define HIGH_BITS 0x8080808080808080u

size_t utf8_decode(const char *text, size_t left, uint32_t *code) {
    const unsigned char *bytes = (const unsigned char *)text;
    const unsigned char first = bytes[0];
    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (left < length) {
        return 0;
    }
    /* These ranges of the second byte exclude overlong forms, surrogates and codes above U+10FFFF. */
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (bytes[1] < low || bytes[1] > high) {
        return 0;
    }
    uint32_t value = length == 2 ? first & 0x1Fu : length == 3 ? first & 0x0Fu : first & 0x07u;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        value = value << 6 | (bytes[i] & 0x3Fu);
    }
    *code = value;
    return length;
}

size_t utf8_encode(uint32_t code, char text[4]) {
    const size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = length - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    text[0] = (char)(first[length] | code);
    return length;
}

size_t utf8_ascii_length(const char *text, size_t length) {
    uint64_t words[4];
    size_t i = 0;
    for (; length - i >= sizeof words; i += sizeof words) {
        memcpy(words, text + i, sizeof words);
        if (((words[0] | words[1] | words[2] | words[3]) & HIGH_BITS) != 0) {
            break;
        }
    }
    while (i < length && (unsigned char)text[i] < 0x80) {
        i++;
    }
    return i;
}

/* Each character has exactly one byte that is not a continuation byte, 10xxxxxx. */
size_t utf8_count(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length;) {
        uint8_t continued = 0; /* of up to 255 bytes: the compiler adds many at once */
        const size_t end = length - i < 255 ? length : i + 255;
        count += end - i;
        for (; i < end; i++) {
            continued = (uint8_t)(continued + ((text[i] & 0xC0) == 0x80));
        }
        count -= continued;
    }
    return count;
}

int utf8_check(const char *text, size_t length, size_t *bad) {
    size_t i = 0;
    while (i < length) {
        const size_t ascii = utf8_ascii_length(text + i, length - i); /* which most files mainly contain */
        if (ascii > 0) {
            i += ascii;
            continue;
        }
        uint32_t code;
        const size_t step = utf8_decode(text + i, length - i, &code);
        if (step == 0) {
            if (bad != NULL) {
                *bad = i;
            }
            return 0;
        }
        i += step;
    }
    return 1;
}

size_t utf8_piece_end(const char *text, size_t length, size_t begin, size_t most) {
    size_t end = length - begin < most ? length : begin + most;
    for (int i = 0; i < 3 && end < length && ((unsigned char)text[end] & 0xC0) == 0x80; i++) {
        end--;
    }
    return end;
}
