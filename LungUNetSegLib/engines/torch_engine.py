"""The engine PyTorch: for GPUs (CUDA, MPS), for training checkpoints, and if no other engine is installed."""

from __future__ import annotations

from typing import Any

from LungUNetSegLib.arrays import Float32
from LungUNetSegLib.engines.engine import engine_failure
from LungUNetSegLib.errors import EngineError, LungUNetSegError
from LungUNetSegLib.machine import import_package
from LungUNetSegLib.models.checkpoint import read_checkpoint
from LungUNetSegLib.models.model import CHECKPOINT_SUFFIXES, Model
from LungUNetSegLib.models.safetensors import read_weights


class TorchEngine:
    """Runs the network with PyTorch, in float32.

    Args:
        model: Exported, or a training checkpoint.
        device: "cpu", "cuda" or "mps".
        threads: Number of CPU threads, for the whole process; if None, torch's default.

    Raises:
        MissingDependencyError: torch is not installed or does not load.
        EngineError: There is no such device, or the weights do not fit the network.
    """

    def __init__(self, model: Model, device: str = "cpu", threads: int | None = None) -> None:
        torch = import_package("torch", "PyTorch")
        if device not in torch_devices():
            raise EngineError(
                f"PyTorch {torch.__version__} finds no {device} device here: choose the device cpu, or install a "
                "PyTorch made for this GPU."
            )
        if threads:
            torch.set_num_threads(threads)
        self._torch, self.device = torch, device
        try:
            self._network = _load_network(model).eval().to(device)
            self.description = f"PyTorch {torch.__version__}, {_device_name(torch, device)}, float32"
        except LungUNetSegError:
            raise
        except Exception as error:  # mostly RuntimeErrors; some devices and damaged weights raise others
            raise engine_failure("PyTorch", error) from error

    def probabilities(self, slices: Float32) -> Float32:
        """Map (n, k, h, w) slices to (n, c, h, w) probabilities; see `Engine`."""
        torch = self._torch
        try:
            # An NVIDIA GPU would otherwise convolve in TF32, which keeps 10 bits of a factor.
            with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
                result: Float32 = self._network(torch.from_numpy(slices).to(self.device)).cpu().numpy()
        except Exception as error:  # as above
            raise engine_failure("PyTorch", error) from error
        return result


def torch_devices() -> list[str]:
    """Return the devices that PyTorch finds here, the fastest first."""
    torch = import_package("torch", "PyTorch")
    gpus = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [*(name for name, found in gpus.items() if found), "cpu"]


def _load_network(model: Model) -> Any:
    from LungUNetSegLib.networks import Probabilities, build_coarse_network, build_network
    from LungUNetSegLib.networks.unet3d import CoarseProbabilities

    torch = import_package("torch", "PyTorch")
    network: Any = build_coarse_network(model.network) if model.is_coarse else build_network(model.network)
    if model.weights.suffix in CHECKPOINT_SUFFIXES:
        checkpoint = read_checkpoint(model.weights)
        state = (checkpoint.coarse_weights or {}) if model.is_coarse else checkpoint.weights
    else:
        state = {name: torch.tensor(values) for name, values in read_weights(model.weights).items()}
    network.load_state_dict(state)
    return CoarseProbabilities(network) if model.is_coarse else Probabilities(network, model.network)


def _device_name(torch: Any, device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device.upper()
