import asyncio
import threading

import pytest

from service.errors import Overloaded
from service.work import WorkPool


@pytest.fixture
def make_pool():
    pools = []

    def make(workers, queue):
        pools.append(WorkPool(workers, queue))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def test_a_function_runs_in_a_thread_and_gives_its_result(make_pool):
    pool = make_pool(1, 0)
    name = asyncio.run(pool.run(lambda: threading.current_thread().name))
    assert name.startswith("worker")


def test_an_error_of_the_function_is_raised_and_frees_its_place(make_pool):
    pool = make_pool(1, 0)

    async def fail_then_work():
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)
        await asyncio.sleep(0.05)
        return await pool.run(lambda: "works")

    assert asyncio.run(fail_then_work()) == "works"


def test_beyond_workers_and_queue_work_is_refused_and_the_accepted_work_is_done(make_pool):
    pool = make_pool(2, 3)
    gate = threading.Event()

    async def crowd():
        accepted = [asyncio.create_task(pool.run(gate.wait, 30)) for _ in range(5)]
        await asyncio.sleep(0)  # lets each take its place
        for _ in range(4):
            with pytest.raises(Overloaded):
                await pool.run(gate.wait, 30)
        gate.set()
        assert await asyncio.gather(*accepted) == [True] * 5
        await asyncio.sleep(0.05)
        return await pool.run(lambda: "free again")

    assert asyncio.run(crowd()) == "free again"


def test_a_cancelled_caller_leaves_its_place_in_the_queue_and_its_function_never_runs(make_pool):
    pool = make_pool(1, 1)
    gate, ran = threading.Event(), []

    async def cancel_the_waiting_one():
        running = asyncio.create_task(pool.run(gate.wait, 30))
        waiting = asyncio.create_task(pool.run(ran.append, "cancelled"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0.05)
        successor = asyncio.create_task(pool.run(ran.append, "successor"))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(running, successor)

    asyncio.run(cancel_the_waiting_one())
    assert ran == ["successor"]


def test_each_thread_is_warmed_up_once(make_pool):
    pool = make_pool(3, 0)
    names = []
    pool.in_each_thread(lambda: names.append(threading.current_thread().name))
    assert len(names) == len(set(names)) == 3


def test_an_error_while_warming_up_is_raised(make_pool):
    with pytest.raises(ZeroDivisionError):
        make_pool(2, 0).in_each_thread(lambda: 1 // 0)
