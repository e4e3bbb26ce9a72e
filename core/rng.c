#include "core/rng.h"

#include <math.h>
#include <stddef.h>

#include "core/kernel.h"

/* Philox4x32-10: ten rounds of two 32 x 32 -> 64 bit multiplications, keys bumped by the Weyl constants. */
KERNEL_INLINE void philox(uint64_t key, uint64_t counter, uint32_t out[4]) {
    const uint32_t m0 = 0xD2511F53u, m1 = 0xCD9E8D57u, w0 = 0x9E3779B9u, w1 = 0xBB67AE85u;
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32), c2 = 0, c3 = 0;
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = (uint64_t)m0 * c0, p1 = (uint64_t)m1 * c2;
        const uint32_t next0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, next2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = next0;
        c2 = next2;
        k0 += w0;
        k1 += w1;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* A bijection with full avalanche (the finaliser of SplitMix64, Steele et al. 2014): close inputs, far keys. */
static uint64_t mix(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

struct rng_stream rng_stream(uint64_t seed, const char *name) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a of the name */
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        hash = (hash ^ *c) * 0x100000001b3u;
    }
    return (struct rng_stream){mix(mix(seed) ^ hash)};
}

struct rng_stream rng_substream(struct rng_stream stream, uint64_t index) {
    return (struct rng_stream){mix(stream.key ^ mix(index))};
}

enum { GROUP = 16 }; /* blocks of Philox that are computed together */

/* The 4 * GROUP words of the blocks first .. first + GROUP - 1. */
KERNEL_CLONES static void philox_group(uint64_t key, uint64_t first, uint32_t *words) {
    KERNEL_LOOP
    for (int i = 0; i < GROUP; i++) {
        philox(key, first + (uint64_t)i, words + 4 * i);
    }
}

void rng_words(struct rng_stream stream, uint64_t first, int64_t count, uint32_t *words) {
    uint32_t block[4];
    int64_t i = 0;
    while (i < count) {
        const uint64_t n = first + (uint64_t)i, begin = n % 4;
        if (begin == 0 && count - i >= 4 * GROUP) {
            philox_group(stream.key, n / 4, words + i);
            i += 4 * GROUP;
            continue;
        }
        philox(stream.key, n / 4, block);
        for (uint64_t k = begin; k < 4 && i < count; k++) {
            words[i++] = block[k];
        }
    }
}

/* 64 random bits number n. */
static uint64_t bits64(struct rng_stream stream, uint64_t n) {
    uint32_t words[2];
    rng_words(stream, 2 * n, 2, words);
    return (uint64_t)words[0] | (uint64_t)words[1] << 32;
}

static double uniform_of(uint64_t bits) {
    return (double)(bits >> 11) * 0x1.0p-53;
}

double rng_uniform(struct rng_stream stream, uint64_t n) {
    return uniform_of(bits64(stream, n));
}

/* Of the words of the uniform numbers 2 n and 2 n + 1: one block of Philox. */
static double normal_of(const uint32_t words[4]) {
    const double pi = 3.14159265358979323846;
    const double u = 1 - uniform_of((uint64_t)words[0] | (uint64_t)words[1] << 32); /* (0, 1] */
    const double v = uniform_of((uint64_t)words[2] | (uint64_t)words[3] << 32);
    return sqrt(-2 * log(u)) * cos(2 * pi * v);
}

double rng_normal(struct rng_stream stream, uint64_t n) {
    uint32_t words[4];
    rng_words(stream, 4 * n, 4, words);
    return normal_of(words);
}

enum { PIECE = 256 }; /* words that are drawn together */

void rng_uniforms(struct rng_stream stream, uint64_t first, int64_t count, double *numbers) {
    uint32_t words[PIECE];
    for (int64_t i = 0; i < count; i += PIECE / 2) {
        const int64_t drawn = count - i < PIECE / 2 ? count - i : PIECE / 2;
        rng_words(stream, 2 * (first + (uint64_t)i), 2 * drawn, words);
        for (int64_t k = 0; k < drawn; k++) {
            numbers[i + k] = uniform_of((uint64_t)words[2 * k] | (uint64_t)words[2 * k + 1] << 32);
        }
    }
}

void rng_normals(struct rng_stream stream, uint64_t first, int64_t count, double *numbers) {
    uint32_t words[PIECE];
    for (int64_t i = 0; i < count; i += PIECE / 4) {
        const int64_t drawn = count - i < PIECE / 4 ? count - i : PIECE / 4;
        rng_words(stream, 4 * (first + (uint64_t)i), 4 * drawn, words);
        for (int64_t k = 0; k < drawn; k++) {
            numbers[i + k] = normal_of(words + 4 * k);
        }
    }
}

uint64_t rng_below(struct rng_stream stream, uint64_t n, uint64_t bound) {
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)bits64(stream, n) * bound >> 64);
}

void rng_shuffle(struct rng_stream stream, int64_t count, int64_t *items) {
    for (int64_t i = count - 1; i > 0; i--) {
        const int64_t j = (int64_t)rng_below(stream, (uint64_t)i, (uint64_t)i + 1);
        const int64_t swap = items[i];
        items[i] = items[j];
        items[j] = swap;
    }
}
