"""Chooses the device and precision of a training, and tunes memory allocation."""

from __future__ import annotations

import ctypes
import logging
import platform
from typing import Any

import torch

from LungUNetSegLib.errors import EngineError

logger = logging.getLogger(__name__)

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """Return the device that `name` (auto, cpu, cuda, mps) means here.

    Raises:
        EngineError: A device that this machine does not have.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if not available.get(name, False):
        there = ", ".join(kind for kind, is_there in available.items() if is_there)
        raise EngineError(f"There is no device {name!r} here; use one of auto, {there}.")
    return torch.device(name)


def choose_precision(wish: str, device: torch.device) -> torch.dtype:
    """Return the dtype for autocast; float32 if the device would be slower or fail with the requested one."""
    dtype = _DTYPES[wish]
    if dtype == torch.float32 or _has(dtype, device):
        return dtype
    logger.warning("%s has no fast %s; training in float32.", device.type, wish)
    return torch.float32


def _has(dtype: torch.dtype, device: torch.device) -> bool:
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported()
    if device.type == "mps":
        return True
    supported = "bf16" if dtype == torch.bfloat16 else "fp16"
    try:
        is_computed = bool(getattr(torch.ops.mkldnn, f"_is_mkldnn_{supported}_supported")())
    except (AttributeError, RuntimeError):
        return False
    return is_computed and _has_instructions(dtype)


def _has_instructions(dtype: torch.dtype) -> bool:
    """Return whether the processor multiplies the type itself; True where torch does not say, as older versions do not.

    oneDNN also accepts bfloat16 on processors with AVX-512 that lack it. It converts each number then: a training takes
    2.5 times as long as in float32.
    """
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("architecture") != "x86_64":
        return True
    names = {torch.bfloat16: ("avx512_bf16", "amx_bf16"), torch.float16: ("avx512_fp16", "amx_fp16")}[dtype]
    return any(capabilities.get(name, False) for name in names)


def keep_freed_memory() -> None:
    """Make glibc reuse large memory blocks rather than return them to the system after every layer.

    A training step allocates and frees the same hundreds of MB again and again; by default each block is mapped
    anew and its pages are zeroed by the kernel, which can take longer than a convolution.
    """
    if platform.system() != "Linux" or platform.libc_ver()[0] != "glibc":
        return
    # Constants of malloc.h: no mmap for any size, no trimming.
    trim_threshold, mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)
