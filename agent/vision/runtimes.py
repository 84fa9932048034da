"""What runs a detector: onnxruntime, or OpenCV where that is not installed.  Each on one thread, imported only here.

OpenCV reads fewer models and is slower; whether it gives what a model should is for the golden check to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt


class Session(Protocol):
    """What is needed of `onnxruntime.InferenceSession`."""

    def run(self, names: Sequence[str], inputs: dict[str, npt.NDArray[np.float32]], /) -> Any: ...


class Opened(NamedTuple):
    """A model that can run: the name of its input, those of its outputs in order."""

    session: Session
    input: str
    outputs: Sequence[str]


Runtime: TypeAlias = Callable[[bytes], Opened]
"""Raises ImportError where it is not installed, and errors of its own for what it cannot read."""


def onnx_runtime(content: bytes) -> Opened:
    """Raises ImportError; the runtime's own errors have no common base."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return Opened(session, session.get_inputs()[0].name, [each.name for each in session.get_outputs()])


def opencv(content: bytes) -> Opened:
    """Raises ImportError, cv2.error."""
    import cv2

    cv2.setNumThreads(1)
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    return Opened(_Net(net), "", net.getUnconnectedOutLayersNames())


class _Net:
    """A network of OpenCV, run as a `Session` is; it has one input."""

    def __init__(self, net: Any) -> None:
        self._net = net

    def run(self, names: Sequence[str], inputs: dict[str, npt.NDArray[np.float32]], /) -> Any:
        (tensor,) = inputs.values()
        self._net.setInput(tensor)
        return self._net.forward(list(names))


RUNTIMES: Final[tuple[Runtime, ...]] = (onnx_runtime, opencv)


def opened(content: bytes, runtimes: Sequence[Runtime] = RUNTIMES) -> Opened:
    """By the first that is installed.  Raises ImportError when none is, and what that one raises."""
    *others, last = runtimes
    for runtime in others:
        try:
            return runtime(content)
        except ImportError:
            continue
    return last(content)
