/* tests/event_records.c: see tests/event_records.h. The checksum is computed bit by bit, from its definition. */
#include "event_records.h"

#include <check.h>
#include <string.h>

#include "sandbox.h"

static uint32_t checksum(const unsigned char *bytes, size_t length) {
    uint32_t crc = 0xFFFFFFFFU;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0);
        }
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
}

static uint32_t word(const unsigned char *bytes) {
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

static int64_t step_of(const unsigned char *message, size_t length) {
    uint64_t step = 0;
    for (size_t i = 10; message[9] == 0x10 && i < length; i++) {
        step |= (uint64_t)(message[i] & 127) << (7 * (i - 10));
        if (message[i] < 128) {
            break;
        }
    }
    return (int64_t)step;
}

struct event_records event_records_of(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    const double wall_time = 1.5;
    struct event_records records = {.count = 0};
    for (size_t at = 0; at < size;) {
        uint64_t length;
        ck_assert_uint_ge(size - at, 16);
        memcpy(&length, bytes + at, sizeof length);
        ck_assert_uint_ge(size - at, length + 16);
        ck_assert_uint_eq(word(bytes + at + 8), checksum(bytes + at, 8));
        ck_assert_uint_eq(word(bytes + at + 12 + length), checksum(bytes + at + 12, (size_t)length));
        ck_assert_int_lt(records.count, EVENT_RECORDS_MOST);
        ck_assert_uint_ge(length, 10);
        unsigned char *message = (unsigned char *)sandbox_memory((size_t)length);
        memcpy(message, bytes + at + 12, (size_t)length);
        ck_assert_uint_eq(message[0], 0x09);
        memcpy(message + 1, &wall_time, sizeof wall_time);
        records.bytes[records.count] = message;
        records.length[records.count] = (size_t)length;
        records.step[records.count++] = step_of(message, (size_t)length);
        at += (size_t)length + 16;
    }
    return records;
}

void assert_same_events(const struct event_records *left, const struct event_records *right) {
    ck_assert_int_eq(left->count, right->count);
    for (int i = 0; i < left->count; i++) {
        ck_assert_msg(
            left->length[i] == right->length[i] && memcmp(left->bytes[i], right->bytes[i], left->length[i]) == 0,
            "event %d, of steps %lld and %lld, differs", i, (long long)left->step[i], (long long)right->step[i]);
    }
}
