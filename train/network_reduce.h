/* train/network_reduce.h: the gradients of all shards: their memory and their sum. Private to the network.
 *
 * Threads: main thread; uses several inside.
 */
#ifndef RONDO_TRAIN_NETWORK_REDUCE_H
#define RONDO_TRAIN_NETWORK_REDUCE_H

#include "train/network_shard.h"

/* Allocates the gradients of a set for `n_shards` shards, on the main thread. */
rondo_status network_prepare_gradients(struct network *network, enum network_mode set, int64_t n_shards,
                                       struct errors *errors);
/* Writes scale * (the sum over the shards), added in the tree of gradient_add_parts, to network->gradients. The gradients
 * of the shards are overwritten with partial sums. */
rondo_status network_reduce(struct network *network, enum network_mode set, int64_t n_shards, double scale,
                            struct errors *errors);
/* Frees what is not in the network's arena. */
void network_free_gradients(struct network *network);

#endif
