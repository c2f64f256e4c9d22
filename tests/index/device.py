"""A device that is none: what index/gpu.py needs of a GPU, done by numpy in float16."""

import numpy as np


class DeviceRowsInMemory:
    """Rows of float16."""

    def __init__(self, dimension):
        self._rows = np.empty((0, dimension), np.float16)

    def add(self, vectors):
        self._rows = np.concatenate([self._rows, vectors.astype(np.float16)])

    def scan(self, queries, count):
        products = queries @ self._rows.T.astype(np.float32)
        best = np.argsort(-products, axis=1, kind="stable")[:, :count]
        padding = np.full((len(queries), count - best.shape[1]), -1)
        return np.concatenate([best, padding], axis=1).astype(np.int64)
