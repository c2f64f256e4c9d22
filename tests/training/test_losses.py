"""NT-Xent against a slow loop written from the paper."""

import math

import torch

from training.losses import cosface, nt_xent, pair_labels

ONE_SOURCE = torch.zeros(16, dtype=torch.int64)


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.hypot(*a) * math.hypot(*b))


def slow_nt_xent(projections: list[list[float]], temperature: float) -> float:
    """Equation 1 of arXiv:2002.05709, term by term; picture i and i + B are a pair."""

    count = len(projections)
    total = 0.0
    for i in range(count):
        j = (i + count // 2) % count
        top = math.exp(cosine(projections[i], projections[j]) / temperature)
        bottom = sum(
            math.exp(cosine(projections[i], projections[k]) / temperature)
            for k in range(count)
            if k != i
        )
        total -= math.log(top / bottom)
    return total / count


def test_without_names_the_loss_is_equation_1_of_the_paper():
    projections = torch.randn(12, 5, generator=torch.Generator().manual_seed(1))
    labels = pair_labels(torch.full((12,), -1))
    for temperature in (0.1, 0.5):
        expected = slow_nt_xent(projections.tolist(), temperature)
        assert math.isclose(
            float(nt_xent(projections, labels, ONE_SOURCE[:12], temperature)),
            expected,
            rel_tol=1e-5,
        )


def test_unnamed_photos_get_labels_of_their_own_and_named_ones_share_theirs():
    labels = pair_labels(torch.tensor([-1, 3, -1, 3, 0] * 2))
    assert torch.equal(labels[:5], labels[5:])
    assert labels[1] == labels[3] == 3
    assert labels[4] == 0
    assert len(set(labels[:5].tolist())) == 4


def test_two_pictures_of_one_person_are_never_pushed_apart():
    projections = torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    labels = pair_labels(torch.tensor([7, 7, -1, -1] * 2))
    same = nt_xent(projections, labels, ONE_SOURCE[:8], 0.1)
    apart = projections.clone()
    apart[1] = -apart[0]  # a picture of person 7 turned away from the other
    assert nt_xent(apart, labels, ONE_SOURCE[:8], 0.1) > same


def test_pictures_of_other_sources_are_no_negatives():
    projections = torch.randn(12, 5, generator=torch.Generator().manual_seed(3))
    labels = pair_labels(torch.full((12,), -1))
    sources = torch.tensor([0, 0, 1, 1, 1, 1] * 2)
    parts = [projections[sources == source].tolist() for source in (0, 1)]
    expected = (4 * slow_nt_xent(parts[0], 0.2) + 8 * slow_nt_xent(parts[1], 0.2)) / 12
    assert math.isclose(float(nt_xent(projections, labels, sources, 0.2)), expected, rel_tol=1e-5)


def test_cosface_is_equation_4_of_its_paper():
    random = torch.Generator().manual_seed(4)
    projections, prototypes = (torch.randn(n, 6, generator=random) for n in (5, 3))
    people = [0, 2, 1, 1, 0]
    scale, margin = 12.0, 0.3
    total = 0.0
    for picture, person in zip(projections.tolist(), people, strict=True):
        cosines = [cosine(picture, prototype) for prototype in prototypes.tolist()]
        own = math.exp(scale * (cosines[person] - margin))
        others = sum(math.exp(scale * c) for j, c in enumerate(cosines) if j != person)
        total -= math.log(own / (own + others))
    found = cosface(projections, prototypes, torch.tensor(people), scale, margin)
    assert math.isclose(float(found), total / 5, rel_tol=1e-5)
