"""Objectives: what a network is asked to learn, by name.

TrainConfig -> make_objective -> Objective; projections + Batch -> Objective -> scalar

seam          what the loop knows of an objective
relations     who is a positive and who a negative to whom
contrastive   ntxent, same-person, dcl, debiased, nnclr
metric        supcon, cosine_embedding, contrastive_margin, triplet_margin
prototypes    arcface, cosface, cross_entropy
distillation  distill
memory        embeddings seen of late
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from training.config import TrainConfig
from training.errors import BadTrainingData
from training.objectives.contrastive import Dcl, Debiased, Nnclr, NtXent, SamePerson
from training.objectives.distillation import Distill
from training.objectives.metric import ContrastiveMargin, CosineEmbedding, SupCon, TripletMargin
from training.objectives.prototypes import ArcFace, CosFace, CrossEntropy
from training.objectives.seam import LEAST_PEOPLE, Batch, Objective

__all__ = ["OBJECTIVES", "Batch", "Objective", "make_objective"]
OBJECTIVES: Mapping[str, type[Objective]] = MappingProxyType(
    {
        "ntxent": NtXent,
        "same-person": SamePerson,
        "dcl": Dcl,
        "nnclr": Nnclr,
        "cosine_embedding": CosineEmbedding,
        "contrastive_margin": ContrastiveMargin,
        "triplet_margin": TripletMargin,
        "supcon": SupCon,
        "arcface": ArcFace,
        "cosface": CosFace,
        "cross_entropy": CrossEntropy,
        "debiased": Debiased,
        "distill": Distill,
    }
)
"""The class of each objective by its name; what an objective wants is said by its class."""

MARGINS: Mapping[str, float] = MappingProxyType(
    {
        "cosine_embedding": 0.0,  # torch's default
        "contrastive_margin": 1.0,  # pytorch-metric-learning's; no two units are farther than 2
        "triplet_margin": 0.2,  # arXiv:1503.03832, section 3.3
        "arcface": 0.5,  # arXiv:1801.07698, section 3.2; in radians
        "cosface": 0.2,  # less than the paper's 0.35, for far fewer photos (docs/training-log.md)
    }
)
"""The usual margin of each objective that has one."""


def make_objective(
    config: TrainConfig, *, people: int, dim: int, teacher_dim: int = 0
) -> Objective:
    """The objective that `config` names, with random parameters.

    Args:
        config: settings of the run.
        people: how many people are named in its data.
        dim: width P of what the objective sees.
        teacher_dim: width T of the teacher's embeddings; 0 without a teacher.

    Raises:
        BadTrainingData: the objective wants more named people, or a teacher.
    """
    kind = OBJECTIVES[config.objective]
    if kind.needs_labels and people < LEAST_PEOPLE:
        raise BadTrainingData(
            f"objective = {config.objective} needs {LEAST_PEOPLE} named people or more; "
            f"there are {people}"
        )
    if kind.needs_teacher and not teacher_dim:
        raise BadTrainingData(f"objective = {config.objective} needs a teacher; there is none")
    within = config.within_source
    tau = config.temperature
    margin = config.margin or MARGINS.get(config.objective, 0.0)
    makers: dict[type[Objective], Callable[[], Objective]] = {
        NtXent: lambda: NtXent(tau, within_source=within),
        SamePerson: lambda: SamePerson(tau, within_source=within),
        Dcl: lambda: Dcl(tau, within_source=within),
        Nnclr: lambda: Nnclr(dim, tau, config.queue, within_source=within),
        Debiased: lambda: Debiased(tau, config.class_prior, within_source=within),
        SupCon: lambda: SupCon(tau, within_source=within),
        CosineEmbedding: lambda: CosineEmbedding(margin, within_source=within),
        ContrastiveMargin: lambda: ContrastiveMargin(
            margin, squared=config.squared, within_source=within
        ),
        TripletMargin: lambda: TripletMargin(
            margin, mining=config.mining, squared=config.squared, within_source=within
        ),
        ArcFace: lambda: ArcFace(people, dim, scale=config.scale, margin=margin),
        CosFace: lambda: CosFace(people, dim, scale=config.scale, margin=margin),
        CrossEntropy: lambda: CrossEntropy(people, dim),
        Distill: lambda: Distill(
            dim,
            teacher_dim,
            likeness=config.likeness,
            temperature=tau,
            queue=config.queue,
        ),
    }
    return makers[kind]()
