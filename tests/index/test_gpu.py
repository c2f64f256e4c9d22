"""The owner of a GPU, with a device that is none. The congruence suite runs the same kind, too."""

import threading

import numpy as np
import pytest

from index.base_building import write_exact
from index.bases import ExactBase
from index.gpu import GpuOwner
from index.kinds import choose_kind
from tests.index.conftest import DIMENSION, unit
from tests.index.device import DeviceRowsInMemory

COUNT = 300
VECTORS = np.stack([unit(seed) for seed in range(COUNT)])


@pytest.fixture
def base(tmp_path):
    blocks = [(np.arange(COUNT), VECTORS)]
    return ExactBase(write_exact(tmp_path / "a.base", DIMENSION, COUNT, blocks))


class Device:
    """Makes rows that the test can hold up, break and watch."""

    def __init__(self):
        self.open_copy, self.open_scan = threading.Event(), threading.Event()
        self.began, self.broken = threading.Event(), False
        self.batches, self.threads = [], set()

    def rows(self, dimension):
        device = self

        class Rows(DeviceRowsInMemory):
            def add(self, vectors):
                device.open_copy.wait()
                device.check()
                super().add(vectors)

            def scan(self, queries, count):
                device.batches.append(len(queries))
                device.began.set()
                device.open_scan.wait()
                device.check()
                return super().scan(queries, count)

        return Rows(dimension)

    def check(self):
        self.threads.add(threading.current_thread().name)
        if self.broken:
            raise RuntimeError("out of memory")


@pytest.fixture
def device():
    device = Device()
    yield device
    device.open_copy.set()
    device.open_scan.set()


def until(true):
    stop = threading.Event()
    for _ in range(500):
        if true():
            return
        stop.wait(0.01)
    pytest.fail("waited in vain")


def nearest(brought, seed, count=3):
    return brought.scan(unit(seed)[None], count)[1][0].tolist()


def exact(seed, count=3):
    return np.argsort(-(VECTORS @ unit(seed)))[:count].tolist()


def test_the_cpu_answers_until_the_base_is_on_the_device(base, device):
    brought = GpuOwner(device.rows).bring(base)
    assert nearest(brought, 1000) == exact(1000)
    assert brought.rows is None
    device.open_copy.set()
    device.open_scan.set()
    until(lambda: brought.rows is not None)
    assert nearest(brought, 1000) == exact(1000)
    assert device.batches == [1]


def test_similarities_from_the_device_are_those_of_the_base(base, device):
    device.open_copy.set()
    device.open_scan.set()
    brought = GpuOwner(device.rows).bring(base)
    until(lambda: brought.rows is not None)
    queries = np.stack([unit(2000), unit(2001)])
    assert brought.scan(queries, 5)[0] == pytest.approx(base.scan(queries, 5)[0], abs=1e-6)


def test_searches_that_wait_together_are_one_batch_of_one_thread(base, device):
    device.open_copy.set()
    brought = GpuOwner(device.rows).bring(base)
    until(lambda: brought.rows is not None)
    answers = {}
    threads = [
        threading.Thread(target=lambda s=seed: answers.update({s: nearest(brought, s, s % 3 + 1)}))
        for seed in range(3000, 3009)
    ]
    threads[0].start()
    device.began.wait()
    for thread in threads[1:]:
        thread.start()
    until(lambda: brought._owner._searches.qsize() == 8)
    device.open_scan.set()
    for thread in threads:
        thread.join()
    assert device.batches == [1, 8]
    assert answers == {seed: exact(seed, seed % 3 + 1) for seed in range(3000, 3009)}
    assert device.threads == {"gpu"}


def test_more_than_the_device_gives_comes_from_the_base(base, device, monkeypatch):
    monkeypatch.setattr("index.gpu.MAX_CANDIDATES", 50)
    device.open_copy.set()
    device.open_scan.set()
    brought = GpuOwner(device.rows).bring(base)
    until(lambda: brought.rows is not None)
    assert nearest(brought, 1, 300) == exact(1, 300)
    assert device.batches == []


@pytest.mark.parametrize("when", ["copying", "searching"])
def test_a_device_that_fails_leaves_the_work_to_the_cpu(base, device, when, caplog):
    device.broken = when == "copying"
    device.open_copy.set()
    device.open_scan.set()
    brought = GpuOwner(device.rows).bring(base)
    if when == "searching":
        until(lambda: brought.rows is not None)
        device.broken = True
    until(lambda: nearest(brought, 5) == exact(5) and "gpu_failed" in caplog.text)
    assert brought.rows is None


def test_auto_means_the_gpu_where_there_is_one_and_only_a_service_occupies_it(monkeypatch):
    assert choose_kind("auto", serve=True) == ("auto", None)
    monkeypatch.setattr("index.kinds.gpu_count", lambda: 1)
    assert choose_kind("auto", serve=False) == ("gpu", None)
    assert choose_kind("exact", serve=True) == ("exact", None)
    kind, accelerate = choose_kind("auto", serve=True)
    assert kind == "gpu"
    assert accelerate is not None
