"""From features to embeddings: what is taken off, and along which directions faces are compared.

    features (N, D) -> fit -> FeatureMap(mean, matrix) -> (features - mean) @ matrix -> unit length

A cosine weighs all directions alike, also those along which photos of one person differ most
(light, pose, sharpness). Whitening by the covariance within people turns those down; without names,
whitening by the covariance of all does part of that.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RIDGE = 0.3
"""Share of the mean variance added to each direction. 0.03 to 0.3 gave equal figures within noise;
the strongest leans least on what few photos say (docs/training-log.md)."""


COMPONENTS = 256
"""On LFW pairs 64, 128 and 256 components of a SimCLR run gave 0.691, 0.701 and 0.703 (0.655
without whitening; docs/training-log.md)."""

LEAST_SPREAD = 1e-3
"""Features that vary less than this share of the mean are not blown up to equal the others."""


@dataclass(frozen=True, slots=True, eq=False)
class FeatureMap:
    """How features become embeddings: `mean` (D,) is taken off, `matrix` (D, E) applied.

    Attributes:
        mean: (D,).
        matrix: (D, E).
        centre: (E,) is taken off the result, scaled to unit length; for a map into the space of a
            teacher whose faces all lie in one corner, where cosines hardly differ.
    """

    mean: Floats
    matrix: Floats
    centre: Floats | float = 0.0


def component_whitening(
    features: npt.NDArray[np.float32], components: int = COMPONENTS
) -> FeatureMap:
    """Principal components, each brought to the same variance; needs no names.

    Features follow a ReLU and are never negative, so all of them share a large common part that
    says nothing about who is who, and a few strong directions (light, sharpness) drown the rest.

    Args:
        features: float32 (N, D).
        components: the strongest so many are kept; fewer where N is less than 8 times that.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    kept = min(components, features.shape[1], max(2, len(features) // 8))
    covariance = np.cov(features - mean, rowvar=False, dtype=np.float64)
    values, directions = np.linalg.eigh(covariance)  # the strongest last
    values = np.maximum(values[-kept:], LEAST_SPREAD**2 * values.mean())
    return FeatureMap(mean, directions[:, -kept:] / np.sqrt(values))


def within_person_whitening(
    features: npt.NDArray[np.float32], people: npt.NDArray[np.int64], ridge: float = RIDGE
) -> FeatureMap:
    """Within-class covariance normalisation (Hatch et al. 2006, Interspeech, section 2.3).

    Args:
        features: float32 (N, D).
        people: int64 (N,), -1 where nobody is named. Photos of people with one photo, and of
            nobody named, count for the mean only.
        ridge: share of the mean variance added to each direction.

    Returns:
        The map whose matrix makes the covariance within people, plus the ridge, the identity.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    spread = features.std(axis=0, dtype=np.float64)
    spread = np.maximum(spread, LEAST_SPREAD * spread.mean())  # a dead feature says nothing
    scaled = (features - mean) / spread
    count = np.bincount(people[people >= 0])
    paired = (people >= 0) & (count[np.maximum(people, 0)] > 1)
    _, person = np.unique(people[paired], return_inverse=True)
    centres = np.zeros((person.max() + 1, features.shape[1]))
    np.add.at(centres, person, scaled[paired])
    centres /= np.bincount(person)[:, None]
    within = scaled[paired] - centres[person]
    covariance = within.T @ within / (len(within) - len(centres))
    covariance += ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    values, directions = np.linalg.eigh(covariance)
    root = directions @ np.diag(values**-0.5) @ directions.T
    return FeatureMap(mean, root / spread[:, None])
