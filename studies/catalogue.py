"""The studies by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from studies import celebrity_transfer, pairs_vs_triplets, shipped_encoders
from studies.study import Study
from training.errors import BadConfig

STUDIES: Mapping[str, Study[Any]] = MappingProxyType(
    {
        study.name: study
        for study in (celebrity_transfer.STUDY, shipped_encoders.STUDY, pairs_vs_triplets.STUDY)
    }
)


def find_study(name: str) -> Study[Any]:
    """The study of that name.

    Raises:
        BadConfig: there is none.
    """
    try:
        return STUDIES[name]
    except KeyError:
        raise BadConfig(f"there is no study {name}; there are {', '.join(STUDIES)}") from None
