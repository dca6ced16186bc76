"""What a machine lacks is said, and training goes on in what it has."""

from __future__ import annotations

import logging

import pytest
import torch

from LungUNetSegLib.errors import EngineError
from LungUNetSegLib.training import device
from LungUNetSegLib.training.device import choose_device, choose_precision, keep_freed_memory


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == choose_device("cpu") == torch.device("cpu")
    with pytest.raises(EngineError, match="no device 'cuda' here; use one of auto, cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("wish", ["bfloat16", "float16"])
def test_a_precision_that_is_not_there_becomes_float32_and_is_said(
    wish: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(device, "_has", lambda dtype, where: True)
    assert choose_precision(wish, cpu) == getattr(torch, wish)
    monkeypatch.setattr(device, "_has", lambda dtype, where: False)
    with caplog.at_level(logging.WARNING):
        assert choose_precision(wish, cpu) == torch.float32
    assert f"cpu has no fast {wish}" in caplog.text


def test_asking_a_cpu_what_it_has_never_fails() -> None:
    for wish in ("float32", "bfloat16", "float16"):
        assert choose_precision(wish, torch.device("cpu")) in (torch.float32, getattr(torch, wish))


@pytest.mark.parametrize(
    ("wish", "capabilities", "is_fast"),
    [
        ("bfloat16", {"architecture": "x86_64", "avx512_f": True, "avx512_vnni": True, "avx512_bf16": False}, False),
        ("bfloat16", {"architecture": "x86_64", "avx512_f": True, "avx512_bf16": True}, True),
        ("bfloat16", {"architecture": "x86_64", "amx_bf16": True}, True),
        ("float16", {"architecture": "x86_64", "avx512_bf16": True}, False),
        ("float16", {"architecture": "x86_64", "avx512_fp16": True}, True),
        ("bfloat16", {"architecture": "aarch64"}, True),
        ("bfloat16", {}, True),
    ],
)
def test_a_processor_that_only_emulates_a_format_trains_in_float32(
    wish: str, capabilities: dict[str, str | bool], is_fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Ice Lake needs 242 s for an epoch in bfloat16, which oneDNN says it has, and 97 s in float32."""
    for name in ("bf16", "fp16"):
        monkeypatch.setattr(torch.ops.mkldnn, f"_is_mkldnn_{name}_supported", lambda: True, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    expected = getattr(torch, wish) if is_fast else torch.float32
    assert choose_precision(wish, torch.device("cpu")) == expected


def test_memory_can_be_kept_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_freed_memory()
    monkeypatch.setattr(device.platform, "system", lambda: "Windows")
    keep_freed_memory()
