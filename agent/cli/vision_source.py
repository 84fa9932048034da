"""Pictures, recordings and streams that a person names: opened, or why they cannot be, in words of our own.

FFmpeg's words are English, and may quote an address with its login.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import av.error

from courtyard.drivers.base import Language, Text

if TYPE_CHECKING:
    from courtyard.agent.vision.model import Picture

FILES: Final = {
    "format_whitelist": "mov,matroska,avi,mpegts,mpeg,h264,hevc,mjpeg,flv,asf,gif,image2,png_pipe,jpeg_pipe,webp_pipe,"
    "bmp_pipe,tiff_pipe,wav,mp3"
}
"""Options for files: FFmpeg would also make pictures of letters, and follow playlists to other files."""
NO_FILE: Final = Text("no such file", "文件不存在")
NO_PICTURE: Final = Text("there is no picture in it", "其中没有画面")
NO_RECORDING: Final = Text(
    "it is no picture or recording that can be read, or not whole", "不是可识别的图像或录像，或文件不完整"
)
MUTE: Final = Text(
    "no video comes from it: check network, power and codec (H.264 or H.265)",
    "没有收到视频：请检查网络、供电和编码（H.264 或 H.265）",
)
_REASONS: Final[tuple[tuple[tuple[type[BaseException], ...], Text], ...]] = (
    ((FileNotFoundError,), NO_FILE),
    ((IndexError,), NO_PICTURE),
    ((IsADirectoryError,), Text("it is a folder", "这是文件夹")),
    ((PermissionError,), Text("it may not be read: check its permissions", "无读取权限：请检查文件权限")),
    (
        (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError),
        Text("the login is refused: check user and password", "登录被拒绝：请检查用户名和密码"),
    ),
    (
        (av.error.HTTPNotFoundError,),
        Text(
            "there is no stream at that address: `courtyard scan cameras` and the camera's own page tell it",
            "该地址没有视频流：可用 courtyard scan cameras 或摄像机网页查询",
        ),
    ),
    (
        (ConnectionRefusedError,),
        Text(
            "nothing listens there: check address and port, switch RTSP on", "无法连接：请检查地址和端口，并启用 RTSP"
        ),
    ),
    (
        (TimeoutError, av.error.ExitError),
        Text("it does not answer in time: check network and power", "未按时应答：请检查网络和供电"),
    ),
    (
        (av.error.InvalidDataError, av.error.ArgumentError),
        NO_RECORDING,
    ),
)


class Unreadable(Exception):
    """Why a picture or recording cannot be read."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def reason(error: BaseException, *, is_stream: bool = False) -> Text:
    """What an error of `av` means to whoever named the source."""
    for kinds, text in _REASONS:
        if isinstance(error, kinds):
            return MUTE if is_stream and text is NO_RECORDING else text
    name = type(error).__name__
    return Text(f"it cannot be read ({name})", f"无法读取（{name}）")


def picture_of(path: Path) -> Picture:
    """The first picture of a file, height x width x RGB.  Raises Unreadable."""
    try:
        with av.open(str(path), options=FILES) as container:
            for frame in container.decode(video=0):
                return frame.to_ndarray(format="rgb24").astype("uint8", copy=False)
    except (OSError, IndexError, av.FFmpegError) as error:
        raise Unreadable(reason(error)) from error
    raise Unreadable(NO_PICTURE)


def said(named: str, why: Text, language: Language) -> str:
    """One line for a person."""
    return Text(f"{named}: {why.en}.", f"{named}：{why.zh}。").say(language)
