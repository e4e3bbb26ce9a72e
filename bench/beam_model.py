"""The model of examples/pronunciation, whose beam search bench/beam.py times: sizes for Rondo and for its peer."""
LETTERS = "abcdefghijklmnopqrstuvwxyz'"
PHONES = 39
EMBEDDING, ENCODER, HIDDEN = 96, 128, 256
