"""Remembers the bodies that phantoms are sampled from: hundreds of tests take a scan of one of a few seeds."""

from __future__ import annotations

from collections import OrderedDict
from functools import wraps
from typing import Any

import numpy as np

from LungUNetSegLib import phantom

KEPT = 8
"""Bodies of 12 MB. Drawing one takes a quarter of a second, most of what a small phantom takes."""


def draw_each_body_once() -> None:
    """Let `make_phantom` take a body that was drawn before by a generator in the same state; that is moved on alike."""
    draw = phantom._draw_thorax
    drawn: OrderedDict[tuple[Any, ...], tuple[phantom._Body, Any]] = OrderedDict()

    @wraps(draw)
    def remembered(rng: np.random.Generator, *lesions: bool) -> phantom._Body:
        key = (repr(rng.bit_generator.state), *lesions)
        if key not in drawn:
            drawn[key] = draw(rng, *lesions), rng.bit_generator.state
        drawn.move_to_end(key)
        if len(drawn) > KEPT:
            drawn.popitem(last=False)
        body, rng.bit_generator.state = drawn[key]
        return body

    phantom._draw_thorax = remembered
