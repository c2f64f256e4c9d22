"""The encoder: an encoder folder run by ONNX Runtime.

crops uint8 (N, S, S, 3) -> normalise as the card says -> graph -> embeddings float32 (N, D)

Its landmark network, if it has one, is loaded beside it.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort

from faces.card import ENCODER_FILE, LANDMARKS_FILE, Card, load_card
from faces.errors import BadCard, DeviceUnavailable
from faces.landmarks import LandmarkNetwork
from faces.types import Crops, Embeddings, Encoder

DEVICES = ("auto", "cpu", "cuda")


class LoadedEncoder(Encoder, Protocol):
    """An encoder with its card: what the pipeline needs, whether or not it batches."""

    @property
    def card(self) -> Card:
        """What it expects and how well it does."""
        ...

    @property
    def landmarks(self) -> LandmarkNetwork | None:
        """Its landmark network, if it has one."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: "cpu" or "cuda"."""
        ...


class OnnxEncoder:
    """An encoder folder, ready to embed. Sessions of ONNX Runtime are thread-safe, so is this."""

    def __init__(
        self, folder: Path, *, device: str = "auto", threads: int = 0, batch: int = 64
    ) -> None:
        """Load the graph.

        Args:
            folder: holds encoder.onnx and card.json.
            device: "auto" (CUDA where there is one), "cpu" or "cuda".
            threads: for one call of the graph; 0 lets ONNX Runtime take all cores.
            batch: crops per call of the graph; a longer array is worked off in pieces.

        Raises:
            BadCard: the folder is no sound encoder folder.
            DeviceUnavailable: `device` was asked for by name and is absent.
        """
        self.card: Card = load_card(folder)
        self.landmarks: LandmarkNetwork | None = None
        if self.card.has_landmarks:
            self.landmarks = LandmarkNetwork(folder / LANDMARKS_FILE)
        self.device = _choose_device(device)
        self._batch = batch
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        if self.device == "cuda":
            providers.insert(0, "CUDAExecutionProvider")
            ort.preload_dlls()  # CUDA's libraries as pip installs them, beside the wheel
        try:
            self._session = ort.InferenceSession(
                str(folder / ENCODER_FILE), sess_options=options, providers=providers
            )
        except Exception as error:  # ONNX Runtime's errors share no base below Exception
            raise BadCard(f"{folder / ENCODER_FILE} cannot be loaded: {error}") from error
        if self.device == "cuda" and "CUDAExecutionProvider" not in self._session.get_providers():
            if device == "cuda":
                raise DeviceUnavailable("device 'cuda' is asked for, but it cannot be started")
            self.device = "cpu"  # the GPU build of ONNX Runtime on a machine without a GPU
        self._input_name = self._session.get_inputs()[0].name
        spec = self.card.input
        self._scale = (1 / (255 * np.array(spec.std))).astype(np.float32)
        self._shift = (-np.array(spec.mean) / np.array(spec.std)).astype(np.float32)

    @property
    def dimension(self) -> int:
        """D, the length of one embedding."""
        return self.card.dimension

    def embed(self, crops: Crops) -> Embeddings:
        """Embed uint8 crops (N, S, S, 3) into float32 (N, D) of unit length.

        Raises:
            ValueError: the crops have another shape or type than the card says.
        """
        size = self.card.input.size_px
        if crops.dtype != np.uint8 or crops.shape[1:] != (size, size, 3):
            raise ValueError(
                f"crops must be uint8 (N, {size}, {size}, 3), not {crops.dtype} {crops.shape}"
            )
        result = np.empty((len(crops), self.dimension), np.float32)
        for start in range(0, len(crops), self._batch):
            piece = crops[start : start + self._batch]
            pixels = (piece * self._scale + self._shift).transpose(0, 3, 1, 2)
            graph_input = {self._input_name: np.ascontiguousarray(pixels, dtype=np.float32)}
            result[start : start + len(piece)] = self._session.run(None, graph_input)[0]
        norms = np.linalg.norm(result, axis=1, keepdims=True)
        unit: Embeddings = result / np.maximum(norms, np.finfo(np.float32).tiny)
        return unit


def _choose_device(device: str) -> str:
    """Resolve "auto", and refuse a named device that is absent.

    Raises:
        DeviceUnavailable: the device is unknown or absent.
    """
    if device not in DEVICES:
        raise DeviceUnavailable(f"device {device!r} is unknown; use one of {', '.join(DEVICES)}")
    cuda = "CUDAExecutionProvider" in ort.get_available_providers()
    if device == "cuda" and not cuda:
        raise DeviceUnavailable("device 'cuda' is asked for, but this ONNX Runtime has no CUDA")
    return "cuda" if cuda and device == "auto" else device.replace("auto", "cpu")
