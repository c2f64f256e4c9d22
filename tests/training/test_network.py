"""The network: any ResNet of torchvision, stems for small pictures, heads."""

import pytest
import torch
from torch import nn

from training.config import TrainConfig
from training.errors import BadConfig
from training.network import FaceNetwork, architectures, load_imagenet_weights, make_network


def test_all_resnets_of_torchvision_can_be_asked_for():
    assert {"resnet18", "resnet50", "resnext50_32x4d", "wide_resnet50_2"} <= set(architectures())
    assert not [name for name in architectures() if "regnet" in name or "quantized" in name]
    network = FaceNetwork(16, arch="resnet50", head="linear")
    assert (network.features_dim, network.projection_dim) == (2048, 16)


def test_another_architecture_is_refused_with_those_there_are():
    with pytest.raises(BadConfig, match=r"arch = 'vgg11' is none of .*resnet18"):
        FaceNetwork(8, arch="vgg11")


@pytest.mark.parametrize(("stem", "side"), [("standard", 8), ("small", 16), ("tiny", 32)])
def test_stems_keep_their_share_of_the_picture(stem, side):
    network = FaceNetwork(8, stem=stem).eval()
    sides = []
    network.backbone.layer1.register_forward_hook(
        lambda _module, _inputs, output: sides.append(output.shape[-1])
    )
    with torch.inference_mode():
        assert network(torch.rand(2, 3, 32, 32)).shape == (2, 8)
    assert sides == [side]


def test_a_head_fits_what_the_objective_looks_at():
    def head_of(objective: str, head: str = "auto") -> nn.Module:
        return make_network(TrainConfig(("photos",), objective=objective, head=head)).head

    assert isinstance(head_of("cosface"), nn.BatchNorm1d)
    assert len([m for m in head_of("ntxent") if isinstance(m, nn.Linear)]) == 2
    assert len([m for m in head_of("ntxent", "linear") if isinstance(m, nn.Linear)]) == 1


@pytest.mark.parametrize("stem", ["standard", "tiny"])
def test_imagenet_weights_are_loaded_as_far_as_the_stem_allows(monkeypatch, caplog, stem):
    given = FaceNetwork(8).backbone.state_dict() | {"fc.weight": torch.zeros(1)}
    monkeypatch.setattr(
        "torchvision.models.ResNet18_Weights.get_state_dict", lambda *_args, **_kwargs: given
    )
    network = FaceNetwork(8, stem=stem)
    assert load_imagenet_weights(network, "resnet18")
    found = network.backbone.state_dict()
    assert torch.equal(found["layer4.1.conv2.weight"], given["layer4.1.conv2.weight"])
    fits = stem == "standard"
    assert (found["conv1.weight"].shape == given["conv1.weight"].shape) is fits
    assert ("it starts at random" in caplog.text) is not fits
