import asyncio
import threading

import pytest
from starlette.requests import ClientDisconnect

from service.errors import Overloaded
from service.work import FIRST_GUESS_S, RequestWork, WorkPool


@pytest.fixture
def make_pool():
    pools = []

    def make(workers, queue, **options):
        pools.append(WorkPool(workers, queue, **options))
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


def test_what_would_wait_too_long_is_refused_although_the_queue_has_room(make_pool):
    pool = make_pool(1, 100, longest_wait_s=0.9)
    gate = threading.Event()

    async def crowd():
        accepted = []
        for _ in range(5):  # each is expected to take 0.25 s, until one has been seen
            accepted.append(asyncio.create_task(pool.run(gate.wait, 30)))
            await asyncio.sleep(0)
        refused = [task for task in accepted if task.done()]
        assert [type(task.exception()) for task in refused] == [Overloaded]
        gate.set()
        assert await asyncio.gather(*(set(accepted) - set(refused))) == [True] * 4

    asyncio.run(crowd())


def test_how_long_work_takes_is_learnt_by_kind(make_pool):
    pool = make_pool(1, 100)
    gate = threading.Event()

    def quick():
        return gate.wait(30)

    async def crowd():
        gate.set()
        await pool.run(quick)
        await asyncio.sleep(0.05)
        [mean_s] = pool._mean_s.values()
        gate.clear()
        tasks = [asyncio.create_task(pool.run(work)) for work in (gate.wait, *[quick] * 20)]
        await asyncio.sleep(0)
        assert pool.waiting == 20
        assert 20 * mean_s <= pool.expected_wait_s <= 20 * mean_s + FIRST_GUESS_S + 1e-9
        gate.set()
        await asyncio.gather(*tasks)

    asyncio.run(crowd())


def test_work_whose_client_leaves_while_it_waits_never_runs_and_is_counted(make_pool):
    observer = Observer()
    pool = make_pool(1, 5, observer=observer)
    gate, ran = threading.Event(), []

    async def leave():
        gone = asyncio.Event()

        async def receive():
            if not gone.is_set():
                await gone.wait()
            return {"type": "http.disconnect"}

        work = RequestWork(pool, receive)
        running = asyncio.create_task(pool.run(gate.wait, 30))
        await asyncio.sleep(0)
        left = asyncio.create_task(work.run(ran.append, "left"))
        stayed = asyncio.create_task(pool.run(ran.append, "stayed"))
        await asyncio.sleep(0.01)
        gone.set()
        with pytest.raises(ClientDisconnect):
            await left
        gate.set()
        await asyncio.gather(running, stayed)

    asyncio.run(leave())
    assert ran == ["stayed"]
    assert observer.events.count("left") == 1


def test_work_that_has_begun_ends_although_its_client_leaves(make_pool):
    pool = make_pool(1, 5)
    first, second, begun = threading.Event(), threading.Event(), threading.Event()

    def work():
        begun.set()
        return second.wait(30)

    async def leave():
        async def receive():
            await asyncio.to_thread(begun.wait, 30)
            return {"type": "http.disconnect"}

        running = asyncio.create_task(pool.run(first.wait, 30))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(RequestWork(pool, receive).run(work))
        await asyncio.sleep(0)
        first.set()
        await asyncio.to_thread(begun.wait, 30)
        await asyncio.sleep(0.05)
        second.set()
        assert await waiting is True
        await running

    asyncio.run(leave())


class Observer:
    """Notes what it is told."""

    def __init__(self):
        self.events = []

    def waited(self, seconds):
        self.events.append("waited")

    def refused(self):
        self.events.append("refused")

    def left(self):
        self.events.append("left")
