"""Prototypes of people, each loss against a slow loop written from its paper."""

import math
from collections.abc import Callable

import pytest
import torch

from training.objectives import Batch
from training.objectives.prototypes import ArcFace, CosFace, CrossEntropy

PEOPLE = [0, 2, 1, 1, 0]
BATCH = Batch(torch.tensor(PEOPLE), torch.zeros(5, dtype=torch.int64), torch.arange(5))
DIM, SCALE = 6, 12.0


def features() -> torch.Tensor:
    return torch.randn(5, DIM, generator=torch.Generator().manual_seed(4))


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def slow_margin_softmax(prototypes: torch.Tensor, own: Callable[[float], float]) -> float:
    """Softmax of s cos, where the cosine with one's own prototype goes through `own`."""
    total = 0.0
    for picture, person in zip(features().tolist(), PEOPLE, strict=True):
        cosines = [cosine(picture, prototype) for prototype in prototypes.tolist()]
        top = math.exp(SCALE * own(cosines[person]))
        others = sum(math.exp(SCALE * c) for j, c in enumerate(cosines) if j != person)
        total -= math.log(top / (top + others))
    return total / len(PEOPLE)


def test_cosface_is_equation_4_of_its_paper():
    objective = CosFace(3, DIM, scale=SCALE, margin=0.3)
    expected = slow_margin_softmax(objective.prototypes, lambda c: c - 0.3)
    assert math.isclose(objective(features(), BATCH).detach(), expected, rel_tol=1e-5)


@pytest.mark.parametrize("margin", [0.5, 2.0])
def test_arcface_is_equation_3_of_its_paper_and_never_rewards_a_wider_angle(margin):
    objective = ArcFace(3, DIM, scale=SCALE, margin=margin)

    def own(c: float) -> float:
        angle = math.acos(c)
        if angle <= math.pi - margin:
            return math.cos(angle + margin)
        return c - margin * math.sin(margin)

    expected = slow_margin_softmax(objective.prototypes, own)
    assert math.isclose(objective(features(), BATCH).detach(), expected, rel_tol=1e-4)


def test_arcface_has_finite_gradients_where_a_feature_lies_on_its_prototype():
    objective = ArcFace(3, DIM, scale=SCALE, margin=0.5)
    z = objective.prototypes.detach()[PEOPLE].clone().requires_grad_()
    objective(z, BATCH).backward()
    assert z.grad.isfinite().all()
    assert objective.criterion.W.grad.isfinite().all()


def test_cross_entropy_is_that_of_a_linear_classifier():
    objective = CrossEntropy(3, DIM)
    weight, bias = objective.classifier.weight.tolist(), objective.classifier.bias.tolist()
    total = 0.0
    for picture, person in zip(features().tolist(), PEOPLE, strict=True):
        scores = [
            math.exp(sum(w * x for w, x in zip(row, picture, strict=True)) + b)
            for row, b in zip(weight, bias, strict=True)
        ]
        total -= math.log(scores[person] / sum(scores))
    assert math.isclose(objective(features(), BATCH).detach(), total / 5, rel_tol=1e-5)


def test_prototypes_start_at_unit_length_and_alignment_is_the_cosine_with_ones_own():
    objective = CosFace(40, 512, scale=SCALE, margin=0.3)
    assert torch.allclose(objective.prototypes.norm(dim=1), torch.ones(40), atol=0.2)
    z = objective.prototypes.detach()[PEOPLE] * 3
    assert math.isclose(objective.alignment(z, BATCH), 1, rel_tol=1e-5)
