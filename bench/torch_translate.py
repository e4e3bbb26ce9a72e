"""Encoders and decoders in PyTorch, the peers of the rows `translate` of bench/training.py. They read the files of texts that
Rondo's reader `pairs` reads.

The padded steps of a batch are computed and masked. Both directions of the encoder are GRUs of their own, whose inputs and
outputs are reversed by an index: faster than packed sequences. What no state is needed for is computed for all steps at once:
the products of the embeddings, the keys, and the head, which leaves out padded steps.
"""
import collections
import pathlib
import random

import torch

import torch_training

BATCH, POOL, SIZE = 64, 32, 256
UNKNOWN, END = "<unk>", "</s>"


def read_ids(file, is_target):
    """Texts as ids, and the number of ids: 0 is unknown, then the words from the most frequent on. Targets end with END."""
    texts = [line.split() for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines()]
    texts = [text + [END] * is_target for text in texts]
    counts = collections.Counter(word for text in texts for word in text)
    words = sorted(set(counts) - {END}, key=lambda word: (-counts[word], word))
    ids = {word: 1 + i for i, word in enumerate([END] * is_target + words)}
    return [[ids[word] for word in text] for text in texts], len(ids) + 1


def parameter(*shape):
    return torch.nn.Parameter(torch.randn(*shape) * 0.05)


def padded(texts):
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts])


class Encoder(torch.nn.Module):
    """A GRU in each direction; [source steps, B, 2 SIZE], and its outputs after the whole source: [B, 2 SIZE]."""

    def __init__(self, words):
        super().__init__()
        self.embedding = torch.nn.Embedding(words, SIZE)
        self.forwards, self.backwards = torch.nn.GRU(SIZE, SIZE), torch.nn.GRU(SIZE, SIZE)

    def forward(self, source, lengths):
        x = self.embedding(source)
        steps = torch.arange(len(source)).unsqueeze(1)
        order = torch.where(steps < lengths, lengths - 1 - steps, steps).unsqueeze(2).expand(-1, -1, SIZE)
        ahead, _ = self.forwards(x)
        back, _ = self.backwards(x.gather(0, order))
        rows = torch.arange(len(lengths))
        last = torch.cat([ahead[lengths - 1, rows], back[lengths - 1, rows]], 1)
        return torch.cat([ahead, back.gather(0, order)], 2), last


class Model(torch.nn.Module):
    """What all decoders have."""

    def __init__(self, source_words, target_words):
        super().__init__()
        self.encoder = Encoder(source_words)
        self.embedding = torch.nn.Embedding(target_words + 1, SIZE)  # and the start symbol
        self.bridge = torch.nn.Linear(2 * SIZE, SIZE)
        self.head = torch.nn.Linear(SIZE, target_words)

    def forward(self, source, lengths, previous, is_target):
        memory, last = self.encoder(source, lengths)
        is_source = torch.arange(len(source)).unsqueeze(1) < lengths
        hidden = self.decode(self.embedding(previous), memory.transpose(0, 1), is_source.t(), torch.tanh(self.bridge(last)))
        return self.head(hidden[is_target])


class Bahdanau(Model):
    """Equations of configs/cells/gru_bahdanau.yaml, with the products of the gates joined."""

    def __init__(self, *words):
        super().__init__(*words)
        self.W_q, self.W_k, self.v = parameter(SIZE, SIZE), parameter(2 * SIZE, SIZE), parameter(SIZE)
        self.W, self.C, self.b = parameter(SIZE, 3 * SIZE), parameter(2 * SIZE, 3 * SIZE), parameter(3 * SIZE)
        self.U, self.U_n = parameter(SIZE, 2 * SIZE), parameter(SIZE, SIZE)

    def decode(self, x, memory, is_source, h):
        keys = memory @ self.W_k  # [B, source steps, SIZE]
        outside = torch.zeros(is_source.shape).masked_fill(~is_source, -torch.inf)
        inputs = torch.addmm(self.b, x.flatten(0, 1), self.W).view(*x.shape[:2], -1)
        outputs = []
        for step in inputs:
            scores = torch.tanh(keys + (h @ self.W_q).unsqueeze(1)) @ self.v + outside
            context = torch.bmm(torch.softmax(scores, 1).unsqueeze(1), memory).squeeze(1)
            gates, candidate = torch.addmm(step, context, self.C).split([2 * SIZE, SIZE], 1)
            r, z = torch.sigmoid(torch.addmm(gates, h, self.U)).chunk(2, 1)
            n = torch.tanh(torch.addmm(candidate, r * h, self.U_n))
            h = n + z * (h - n)
            outputs.append(h)
        return torch.stack(outputs)


class BahdanauCell(Model):
    """The same with torch.nn.GRUCell, whose reset gate acts after the product."""

    def __init__(self, *words):
        super().__init__(*words)
        self.W_q, self.W_k, self.v = parameter(SIZE, SIZE), parameter(2 * SIZE, SIZE), parameter(SIZE)
        self.cell = torch.nn.GRUCell(3 * SIZE, SIZE)

    def decode(self, x, memory, is_source, h):
        keys = memory @ self.W_k
        outside = torch.zeros(is_source.shape).masked_fill(~is_source, -torch.inf)
        outputs = []
        for step in x:
            scores = torch.tanh(keys + (h @ self.W_q).unsqueeze(1)) @ self.v + outside
            context = torch.bmm(torch.softmax(scores, 1).unsqueeze(1), memory).squeeze(1)
            h = self.cell(torch.cat([step, context], 1), h)
            outputs.append(h)
        return torch.stack(outputs)


class AttentionAfter(Model):
    """Equations of configs/blocks/attention.yaml, after a GRU."""

    def __init__(self, *words):
        super().__init__(*words)
        self.gru = torch.nn.GRU(SIZE, SIZE)
        self.W_q, self.W_c = parameter(SIZE, 2 * SIZE), parameter(2 * SIZE, SIZE)
        self.W, self.b = parameter(SIZE, SIZE), parameter(SIZE)

    def decode(self, x, memory, is_source, h):
        y, _ = self.gru(x, h.unsqueeze(0))
        y = y.transpose(0, 1)
        context = torch.nn.functional.scaled_dot_product_attention(y @ self.W_q, memory, memory,
                                                                   attn_mask=is_source.unsqueeze(1))
        return torch.tanh(context @ self.W_c + y @ self.W + self.b).transpose(0, 1)


class Translation(torch_training.Training):
    def __init__(self, model, folder, is_sorted):
        folder = pathlib.Path(folder)
        sources, source_words = read_ids(folder / "source.txt", False)
        targets, target_words = read_ids(folder / "target.txt", True)
        self.pairs = list(zip(sources, targets))
        self.model, self.is_sorted, self.start = model(source_words, target_words), is_sorted, target_words

    def batches(self):
        """Sorted by the length of the target within pools, then whole batches shuffled, as data/epoch.h describes."""
        order = random.sample(self.pairs, len(self.pairs))
        batches = []
        for begin in range(0, len(order), POOL * BATCH):
            pool = order[begin:begin + POOL * BATCH]
            if self.is_sorted:
                pool.sort(key=lambda pair: -len(pair[1]))
            batches += [pool[at:at + BATCH] for at in range(0, len(pool), BATCH)]
        random.shuffle(batches)
        return iter(batches)

    def loss_of(self, batch, carried):
        lengths = torch.tensor([len(source) for source, _ in batch])
        target_lengths = torch.tensor([len(target) for _, target in batch])
        source, target = padded([source for source, _ in batch]), padded([target for _, target in batch])
        previous = torch.cat([torch.full((1, len(batch)), self.start), target[:-1]])
        is_target = torch.arange(len(target)).unsqueeze(1) < target_lengths
        logits = self.model(source, lengths, previous, is_target)
        return torch.nn.functional.cross_entropy(logits, target[is_target]), len(logits), carried

    def set_weights(self, weights):
        names = {"encoder.embedding.weight": ["embedding.source.W"], "embedding.weight": ["embedding.previous.W"],
                 "bridge.weight": ["bridge.layers.0.h.W"], "bridge.bias": ["bridge.layers.0.h.b"],
                 "head.weight": ["head.W"], "head.bias": ["head.b"]}
        names |= {name: [f"layers.0.{name}_{gate}" for gate in "rzn"] for name in "WCb"}
        names |= {"U": ["layers.0.U_r", "layers.0.U_z"]}
        names |= {name: [f"layers.0.{name}"] for name in ("W_q", "W_k", "v", "U_n")}
        grus = {"encoder.forwards": "encoder.0.forward.", "encoder.backwards": "encoder.0.backward."}
        if isinstance(self.model, AttentionAfter):
            names |= {name: [f"layers.1.{name}"] for name in ("W_q", "W_c", "W", "b")}
            grus |= {"gru": "layers.0."}
        for module, prefix in grus.items():
            for own, letter in torch_training.GATES["gru"][1].items():
                names[f"{module}.{own}"] = [f"{prefix}{letter}_{gate}" for gate in "rzn"]
        for name, target in self.model.named_parameters():
            parts = [weights.pop(part, torch.zeros(SIZE)) for part in names[name]]
            value = torch.cat(parts, -1)
            is_transposed = "weight" in name and "embedding" not in name
            with torch.no_grad():
                target.copy_(value.t() if is_transposed else value)
        assert not weights, f"{', '.join(weights)} of Rondo's model is not in PyTorch's"


PEERS = {
    "translate": lambda folder: Translation(Bahdanau, folder, True),
    "translate-cell": lambda folder: Translation(BahdanauCell, folder, True),
    "translate-unsorted": lambda folder: Translation(Bahdanau, folder, False),
    "translate-after": lambda folder: Translation(AttentionAfter, folder, True),
}
