"""Writes sparse_adam.txt: updates of PyTorch's SparseAdam in f64, for tests/test_embedding_rows.c.

    python make_sparse_adam.py > sparse_adam.txt

An update gives a gradient to some rows of a table. Its lines are
    rows 1 4                the rows, ascending
    gradient 1 2 3 4 5 6    of these rows
    after 1 2 3 …           the table after the update
SparseAdam adds epsilon to the root of the second moment before its bias is corrected, Rondo and Adam after; epsilon is
negligible here.
"""
import torch

ROWS, SIZE, UPDATES = 7, 3, 30
OPTIONS = {"lr": 0.05, "betas": (0.8, 0.95), "eps": 1e-30}


def line(word, values):
    print(word, *(format(value, ".17g") for value in values))


def main():
    torch.manual_seed(1)
    table = torch.randn(ROWS, SIZE, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SparseAdam([table], **OPTIONS)
    print(f"# Written by make_sparse_adam.py with torch {torch.__version__.split('+')[0]}: "
          f"lr={OPTIONS['lr']} beta1={OPTIONS['betas'][0]} beta2={OPTIONS['betas'][1]}")
    line("start", table.detach().flatten().tolist())
    for _ in range(UPDATES):
        rows = torch.nonzero(torch.rand(ROWS) < 0.4).flatten()
        gradient = torch.randn(len(rows), SIZE, dtype=torch.float64)
        table.grad = torch.sparse_coo_tensor(rows[None], gradient, (ROWS, SIZE))
        optimizer.step()
        line("rows", rows.tolist())
        line("gradient", gradient.flatten().tolist())
        line("after", table.detach().flatten().tolist())


if __name__ == "__main__":
    main()
