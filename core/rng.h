/* core/rng.h: counter-based random numbers in named streams.
 *
 * Word number n of a stream is a pure function of (seed, name of the stream, n): Philox4x32-10 of Salmon et al.,
 * "Parallel random numbers: as easy as 1, 2, 3", SC 2011. There is no state to save, share or
 * synchronise: a new consumer uses a new name and changes no other stream.
 *
 *     struct rng_stream stream = rng_stream(seed, "layers.0.dropout");
 *     struct rng_stream of_step = rng_substream(stream, step);
 *
 * Threads: all functions are pure.
 */
#ifndef RONDO_CORE_RNG_H
#define RONDO_CORE_RNG_H

#include <stdint.h>

/* A stream of 2^64 random words. */
struct rng_stream {
    uint64_t key;
};

/* The stream called `name` under `seed`. */
struct rng_stream rng_stream(uint64_t seed, const char *name);
/* An independent stream for each `index`, such as the number of a step, a shard or an application of an op. */
struct rng_stream rng_substream(struct rng_stream stream, uint64_t index);

/* Words number first .. first + count - 1. */
void rng_words(struct rng_stream stream, uint64_t first, int64_t count, uint32_t *words);
/* Number `n` of the stream, uniform in [0, 1), with 53 random bits. */
double rng_uniform(struct rng_stream stream, uint64_t n);
/* Number `n` of the stream, normal with mean 0 and variance 1 (Box and Muller 1958). */
double rng_normal(struct rng_stream stream, uint64_t n);
/* The same numbers first .. first + count - 1, several times as fast. */
void rng_uniforms(struct rng_stream stream, uint64_t first, int64_t count, double *numbers);
void rng_normals(struct rng_stream stream, uint64_t first, int64_t count, double *numbers);
/* Number `n` of the stream, uniform in 0 .. bound - 1, from 64 random bits, so the bias is negligible; bound >= 1. */
uint64_t rng_below(struct rng_stream stream, uint64_t n, uint64_t bound);
/* Shuffles `count` numbers (Fisher and Yates); the same stream and count give the same permutation. */
void rng_shuffle(struct rng_stream stream, int64_t count, int64_t *items);

#endif
