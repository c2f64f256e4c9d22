"""Distillation: a student that agrees with its teacher has nothing left to learn."""

import math

import torch

from training.objectives import Batch
from training.objectives.distillation import Distill


def some(count: int, dim: int, seed: int) -> torch.Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed))


def batch_of(teacher: torch.Tensor) -> Batch:
    none = torch.full((len(teacher),), -1)
    return Batch(none, torch.zeros_like(none), torch.arange(len(teacher)), teacher)


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def distill(dim: int, teacher_dim: int, **changes: float) -> Distill:
    settings = {"likeness": 0.7, "temperature": 0.2, "queue": 5, **changes}
    return Distill(dim, teacher_dim, **settings)


def softmax(logits: list[float]) -> list[float]:
    powers = [math.exp(logit) for logit in logits]
    return [power / sum(powers) for power in powers]


def test_the_loss_is_direction_plus_likeness_to_photos_seen_of_late():
    earlier, z, teacher = some(3, 3, 9), some(6, 5, 0), some(6, 3, 1)
    objective = distill(5, 3)
    objective(some(3, 5, 8), batch_of(earlier))
    found = objective(z, batch_of(teacher))
    ours, theirs = objective.map(z).tolist(), teacher.tolist()
    direction = sum(1 - cosine(m, t) for m, t in zip(ours, theirs, strict=True)) / 6
    seen = [*earlier.tolist(), *theirs]
    unlike = 0.0
    for one, other in zip(ours, theirs, strict=True):
        attention = softmax([cosine(one, photo) / 0.2 for photo in seen])
        wanted = softmax([cosine(other, photo) / 0.2 for photo in seen])
        unlike += sum(w * math.log(w / a) for w, a in zip(wanted, attention, strict=True)) / 6
    assert math.isclose(found.detach(), direction + 0.7 * unlike, rel_tol=1e-5)


def test_only_the_last_photos_are_remembered_and_none_in_evaluation():
    objective = distill(4, 3, queue=5)
    first, second = some(4, 3, 1), some(4, 3, 2)
    objective(some(4, 4, 3), batch_of(first))
    objective.eval()
    objective(some(4, 4, 3), batch_of(second))
    assert len(objective.memory.kept()) == 4
    objective.train()
    objective(some(4, 4, 3), batch_of(second))
    units = torch.nn.functional.normalize(torch.cat([first[3:], second]))
    kept = {tuple(row) for row in objective.memory.kept().tolist()}
    assert kept == {tuple(row) for row in units.tolist()}


def test_a_student_that_is_a_turned_copy_of_its_teacher_costs_nothing():
    teacher = some(8, 4, 2)
    turn, _ = torch.linalg.qr(some(4, 4, 3))
    objective = distill(4, 4)
    with torch.no_grad():
        objective.map.weight.copy_(turn)  # undoes what the student did
    student = teacher @ turn
    assert objective(student, batch_of(teacher)).abs() < 1e-5
    assert math.isclose(objective.alignment(student, batch_of(teacher)), 1, rel_tol=1e-5)


def test_a_teacher_that_sees_no_differences_gives_finite_gradients():
    z = some(4, 3, 5).requires_grad_()
    distill(3, 2)(z, batch_of(torch.ones(4, 2))).backward()
    assert z.grad.isfinite().all()
