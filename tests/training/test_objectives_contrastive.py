"""NT-Xent and its kin, each against a slow loop written from its paper."""

import math
from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning.losses import NTXentLoss

from training.objectives import Batch
from training.objectives.contrastive import Dcl, Debiased, Nnclr, NtXent, SamePerson

Rows = list[list[float]]


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.hypot(*a) * math.hypot(*b))


def projections(slots: int, seed: int) -> torch.Tensor:
    return torch.randn(2 * slots, 5, generator=torch.Generator().manual_seed(seed))


def batch_of(people: list[int], sources: list[int] | None = None) -> Batch:
    """Two views of each slot."""
    slots = len(people)
    columns = (people, sources or [0] * slots, list(range(slots)))
    return Batch(*(torch.tensor(column * 2) for column in columns))


def over_slots(rows: Rows, loss_of: Callable[[int, int, list[int]], float]) -> float:
    """The mean over rows i of a loss of i, its partner j, and all rows but these two."""
    count = len(rows)
    total = 0.0
    for i in range(count):
        j = (i + count // 2) % count
        total += loss_of(i, j, [k for k in range(count) if k not in (i, j)])
    return total / count


def slow_nt_xent(rows: Rows, tau: float) -> float:
    """Equation 1 of arXiv:2002.05709."""

    def loss_of(i: int, j: int, others: list[int]) -> float:
        top = math.exp(cosine(rows[i], rows[j]) / tau)
        bottom = sum(math.exp(cosine(rows[i], rows[k]) / tau) for k in [j, *others])
        return -math.log(top / bottom)

    return over_slots(rows, loss_of)


def slow_dcl(rows: Rows, tau: float) -> float:
    """Equation 6 of arXiv:2110.06848: the sum below lacks the positive pair."""

    def loss_of(i: int, j: int, others: list[int]) -> float:
        bottom = sum(math.exp(cosine(rows[i], rows[k]) / tau) for k in others)
        return -cosine(rows[i], rows[j]) / tau + math.log(bottom)

    return over_slots(rows, loss_of)


def slow_debiased(rows: Rows, tau: float, prior: float) -> float:
    """Equation 8 of arXiv:2007.00224, with g of equation 7 and one positive, M = 1."""

    def loss_of(i: int, j: int, others: list[int]) -> float:
        positive = math.exp(cosine(rows[i], rows[j]) / tau)
        negative = sum(math.exp(cosine(rows[i], rows[k]) / tau) for k in others) / len(others)
        g = max((negative - prior * positive) / (1 - prior), math.exp(-1 / tau))
        return -math.log(positive / (positive + len(others) * g))

    return over_slots(rows, loss_of)


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_nt_xent_is_equation_1_of_simclr(tau):
    z = projections(6, seed=1)
    expected = slow_nt_xent(z.tolist(), tau)
    # It does not look at people: three photos of one person are photos like any other.
    found = NtXent(tau)(z, batch_of([-1, 3, 3, 3, 0, -1]))
    assert math.isclose(found, expected, rel_tol=1e-5)


@pytest.mark.parametrize("tau", [0.1, 0.5])
def test_dcl_is_equation_6_of_its_paper(tau):
    z = projections(6, seed=2)
    found = Dcl(tau)(z, batch_of([-1] * 6))
    assert math.isclose(found, slow_dcl(z.tolist(), tau), rel_tol=1e-5)


@pytest.mark.parametrize("prior", [0.0, 0.01, 0.4])
def test_debiased_is_equation_8_of_its_paper(prior):
    z = projections(6, seed=3)
    found = Debiased(0.3, prior)(z, batch_of([-1] * 6))
    assert math.isclose(found, slow_debiased(z.tolist(), 0.3, prior), rel_tol=1e-5)


def test_debiased_with_a_prior_of_0_is_nt_xent():
    z = projections(6, seed=3)
    batch = batch_of([-1] * 6)
    assert torch.isclose(Debiased(0.3, 0.0)(z, batch), NtXent(0.3)(z, batch))


def test_same_person_agrees_with_pytorch_metric_learning():
    z = projections(6, seed=4)
    batch = batch_of([7, 7, -1, 2, -1, 2])
    labels = torch.tensor([7, 7, 90, 2, 91, 2] * 2)
    expected = NTXentLoss(temperature=0.2)(z, labels)
    assert torch.isclose(SamePerson(0.2)(z, batch), expected)


def test_two_pictures_of_one_person_are_never_pushed_apart():
    z = projections(4, seed=5)
    batch = batch_of([7, 7, -1, -1])
    apart = z.clone()
    apart[1] = -apart[0]  # a picture of person 7 turned away from the other
    assert SamePerson(0.1)(apart, batch) > SamePerson(0.1)(z, batch)


@pytest.mark.parametrize(("kind", "slow"), [(NtXent, slow_nt_xent), (Dcl, slow_dcl)])
def test_pictures_of_other_sources_are_negatives_only_on_demand(kind, slow):
    z = projections(6, seed=6)
    sources = [0, 0, 1, 1, 1, 1]
    batch = batch_of([-1] * 6, sources)
    parts = [z[batch.sources == source].tolist() for source in (0, 1)]
    expected = (4 * slow(parts[0], 0.2) + 8 * slow(parts[1], 0.2)) / 12
    assert math.isclose(kind(0.2)(z, batch), expected, rel_tol=1e-5)
    everywhere = kind(0.2, within_source=False)(z, batch)
    assert math.isclose(everywhere, slow(z.tolist(), 0.2), rel_tol=1e-5)


def test_a_slot_without_any_negative_counts_for_nothing():
    z = projections(4, seed=7)
    batch = batch_of([-1] * 4, [0, 0, 0, 1])
    rest = slow_nt_xent(z[batch.sources == 0].tolist(), 0.2)
    assert math.isclose(NtXent(0.2)(z, batch), rest, rel_tol=1e-5)
    z = z[:4].requires_grad_()
    alone = NtXent(0.2)(z, batch_of([-1] * 2, [0, 1]))
    alone.backward()
    assert alone == 0
    assert torch.equal(z.grad, torch.zeros_like(z))


def slow_nnclr(queue: Rows, views: Rows, predictions: Rows, tau: float) -> float:
    """Section 3.2 of arXiv:2104.14548, both ways round; queue and views have unit length."""
    slots = len(views) // 2
    total = 0.0
    for one, other in ((0, slots), (slots, 0)):
        for i in range(slots):
            neighbour = max(queue, key=lambda q, i=i, one=one: cosine(q, views[one + i]))
            scores = [
                math.exp(cosine(neighbour, predictions[other + k]) / tau) for k in range(slots)
            ]
            total -= math.log(scores[i] / sum(scores))
    return total / (2 * slots)


def test_nnclr_draws_each_view_to_the_nearest_neighbour_of_its_partner():
    torch.manual_seed(0)
    objective = Nnclr(5, 0.2, queue=8)
    batch = batch_of([-1] * 4)
    with torch.no_grad():
        for seed in (8, 9):
            objective(projections(4, seed), batch)  # fills the queue with 2 x 4 first views
        first = torch.nn.functional.normalize(projections(4, 8)[:4])
        second = torch.nn.functional.normalize(projections(4, 9)[:4])
        assert torch.equal(objective.memory.queue, torch.cat([first, second]))
        z = projections(4, seed=10)
        predictions = objective.predictor(z).tolist()
        expected = slow_nnclr(objective.memory.queue.tolist(), z.tolist(), predictions, 0.2)
        assert math.isclose(objective(z, batch), expected, rel_tol=1e-5)
        third = torch.nn.functional.normalize(z[:4])
        assert torch.equal(
            objective.memory.queue, torch.cat([third, second])
        )  # the oldest have gone


def test_nnclr_without_anything_remembered_takes_the_partner_itself():
    torch.manual_seed(0)
    objective = Nnclr(5, 0.2, queue=8)
    z = projections(4, seed=11)
    with torch.no_grad():
        predictions = objective.predictor(z).tolist()
        expected = slow_nnclr(z.tolist(), z.tolist(), predictions, 0.2)
        # In an empty queue each view is its own nearest neighbour, and here that is so as well.
        assert math.isclose(objective(z, batch_of([-1] * 4)), expected, rel_tol=1e-5)


def test_nnclr_remembers_nothing_outside_training():
    objective = Nnclr(5, 0.2, queue=8).eval()
    objective(projections(4, seed=12), batch_of([-1] * 4))
    assert not objective.memory.queue.any()
