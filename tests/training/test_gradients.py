"""Gradients of a batch in pieces, or spread over processes, against those of the batch at once."""

import math
from dataclasses import replace

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from training.config import TrainConfig
from training.distributed import World, share_statistics
from training.gradients import Stepper
from training.objectives import Batch, Objective, make_objective

PHOTOS = 8
CONFIG = TrainConfig(("photos",), projection_dim=6, queue=16)
HERE = World(torch.device("cpu"))
TOGETHER = [("ntxent", 0), ("nnclr", 0), ("cosface", 0), ("ntxent", 4)]
OBJECTIVE_NAMES = ["ntxent", "supcon", "nnclr", "cosface", "distill"]


def small_network() -> nn.Module:
    """Convolution, batch norm, and the projection head of the real network."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten())
    head = nn.Sequential(nn.Linear(5 * 9, 6), nn.BatchNorm1d(6, affine=False))
    return nn.Sequential(body, head).double()


def make(objective: str) -> Objective:
    torch.manual_seed(1)
    config = replace(CONFIG, objective=objective)
    return make_objective(config, people=4, dim=6, teacher_dim=3)


def a_batch(views: int) -> tuple[torch.Tensor, Batch]:
    """Views of the whole batch, and what is known of it."""
    generator = torch.Generator().manual_seed(2)
    pictures = torch.rand(views * PHOTOS, 3, 8, 8, generator=generator).double()
    people = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3]).repeat(views)
    photos = torch.arange(PHOTOS).repeat(views)
    teacher = torch.randn(PHOTOS, 3, generator=generator).repeat(views, 1)
    return pictures, Batch(people, torch.zeros_like(people), photos, teacher)


def gradients(network: nn.Module, objective: Objective) -> dict[str, torch.Tensor]:
    named = [*network.named_parameters(), *objective.named_parameters()]
    return {name.removeprefix("module."): p.grad.clone() for name, p in named}


def at_once(
    objective: str,
) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Loss, gradients and state of the batch in one process by plain autograd: the oracle."""
    network, loss_of = small_network(), make(objective)
    pictures, batch = a_batch(loss_of.views)
    loss = loss_of(network(pictures), batch)
    loss.backward()
    return loss.detach(), gradients(network, loss_of), network.state_dict()


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
def test_a_step_gives_what_plain_autograd_gives(objective):
    network, loss_of = small_network(), make(objective)
    pictures, batch = a_batch(loss_of.views)
    outcome = Stepper(network, loss_of, HERE)(pictures, batch)
    loss, expected, state = at_once(objective)
    assert torch.allclose(outcome.loss, loss)
    for name, gradient in gradients(network, loss_of).items():
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-7), name
    for name, value in network.state_dict().items():
        assert torch.allclose(value, state[name]), name


@pytest.mark.parametrize("objective", OBJECTIVE_NAMES)
@pytest.mark.parametrize("chunk", [6, 8])
def test_pieces_give_the_gradients_of_the_whole_batch(objective, chunk):
    network, loss_of = small_network(), make(objective)
    pictures, batch = a_batch(loss_of.views)
    outcome = Stepper(network, loss_of, HERE, chunk=chunk)(pictures, batch)

    # The oracle keeps the graph of all pieces at once; batch norm sees the same pieces.
    plain, oracle = small_network(), make(objective)
    pieces = math.ceil(len(pictures) / chunk)
    loss = oracle(torch.cat([plain(piece) for piece in pictures.tensor_split(pieces)]), batch)
    loss.backward()
    expected = gradients(plain, oracle)
    assert torch.allclose(outcome.loss, loss)
    for name, gradient in gradients(network, loss_of).items():
        assert torch.allclose(gradient, expected[name], rtol=1e-4, atol=1e-7), name
    for name, value in network.state_dict().items():  # running means are updated once, not twice
        assert torch.allclose(value, plain.state_dict()[name]), name


def one_of_two_processes(rank: int, size: int, folder: str) -> None:
    """What each of several processes does: the cases one after the other, outcomes into files."""
    torch.set_num_threads(1)
    store = dist.FileStore(f"{folder}/store", size)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=size)
    world = World(torch.device("cpu"), rank, size)
    for objective, chunk in TOGETHER:
        network, loss_of = share_statistics(small_network(), world), make(objective)
        pictures, batch = a_batch(loss_of.views)
        whole = pictures.reshape(loss_of.views, PHOTOS, *pictures.shape[1:])
        own = whole[:, world.part(PHOTOS)].flatten(0, 1)
        outcome = Stepper(DistributedDataParallel(network), loss_of, world, chunk)(own, batch)
        result = gradients(network, loss_of) | {"loss": outcome.loss}
        state = {f"state of {name}": value for name, value in network.state_dict().items()}
        torch.save(result | state, f"{folder}/{rank}-{objective}-{chunk}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """What two processes found, by objective, chunk and rank."""
    folder = tmp_path_factory.mktemp("together")
    mp.spawn(one_of_two_processes, (2, str(folder)), nprocs=2)
    return {
        (objective, chunk): [
            torch.load(folder / f"{rank}-{objective}-{chunk}.pt", weights_only=True)
            for rank in range(2)
        ]
        for objective, chunk in TOGETHER
    }


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["ntxent", "nnclr", "cosface"])
def test_two_processes_give_the_loss_and_the_gradients_of_one(objective, together):
    loss, expected, state = at_once(objective)
    for found in together[objective, 0]:
        assert torch.allclose(found["loss"], loss, rtol=1e-5)
        for name, gradient in expected.items():
            assert torch.allclose(found[name], gradient, rtol=1e-4, atol=1e-6), name
        for name, value in state.items():
            assert torch.allclose(found[f"state of {name}"], value), name


@pytest.mark.slow
def test_two_processes_in_pieces_agree_with_each_other(together):
    first, second = together["ntxent", 4]
    for name, value in first.items():
        assert torch.equal(second[name], value), name


def test_gathered_rows_stand_in_the_order_of_the_whole_batch(monkeypatch):
    """First all first views, then all second ones, each in the order of the processes."""
    photos, views, size = 6, 2, 3
    whole = torch.arange(views * photos * 2).reshape(views * photos, 2).float()
    slots = whole.reshape(views, photos, 2)
    parts = [
        slots[:, World(torch.device("cpu"), rank, size).part(photos)].reshape(-1, 2)
        for rank in range(size)
    ]

    def all_gather(pieces, _own):
        for piece, part in zip(pieces, parts, strict=True):
            piece.copy_(part)

    monkeypatch.setattr(dist, "all_gather", all_gather)
    for rank in range(size):
        world = World(torch.device("cpu"), rank, size)
        gathered = world.gather(parts[rank], views)
        assert torch.equal(gathered, whole)
        assert torch.equal(world.own(gathered, views), parts[rank])


def test_bfloat16_gradients_are_near_those_of_float32():
    torch.manual_seed(0)
    pictures, batch = a_batch(2)
    found = {}
    for precision in (torch.float32, torch.bfloat16):
        network, loss_of = small_network().float(), make("ntxent")
        Stepper(network, loss_of, HERE, precision=precision)(pictures.float(), batch)
        found[precision] = torch.cat([g.flatten() for g in gradients(network, loss_of).values()])
    cosine = nn.functional.cosine_similarity(*found.values(), dim=0)
    assert 0.97 < cosine < 1  # near, and not simply float32 again
