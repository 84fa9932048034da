"""What can be wrong with a camera: whose fault it is, on which camera, and what to do, in both languages."""

from __future__ import annotations

from courtyard.drivers.base import DriverError, Fault, Text

_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "camera.unreachable": (
        "{camera} cannot be reached ({reason}).",
        "无法连接摄像机 {camera}（{reason}）。",
        "Check its power, its cable and `address`; find it with `courtyard scan cameras`.",
        "请检查供电、网线和 address 设置；可用 courtyard scan cameras 查找。",
    ),
    "camera.silent": (
        "{camera} accepts requests and does not answer them in time ({reason}).",
        "摄像机 {camera} 接受请求但未按时应答（{reason}）。",
        "Restart the camera; if this repeats, update its firmware.",
        "请重启摄像机；若反复出现，请升级其固件。",
    ),
    "camera.login": (
        "{camera} does not accept the login of {user}.",
        "摄像机 {camera} 拒绝用户 {user} 的登录。",
        "Create that ONVIF user in the camera (a user of its web page is not enough) and correct the password file. "
        "The next try is in some minutes, so that the account is not locked.",
        "请在摄像机中新建该 ONVIF 用户（网页用户不等于 ONVIF 用户），并更正密码文件。为避免账号被锁，数分钟后再重试。",
    ),
    "camera.password_file": (
        "The password file of {camera} cannot be read: {reason}.",
        "无法读取摄像机 {camera} 的密码文件：{reason}。",
        "Correct `password_file` and its permissions.",
        "请更正 password_file 设置及文件权限。",
    ),
    "camera.certificate": (
        "{camera} shows a certificate that is not the pinned one ({reason}).",
        "摄像机 {camera} 的证书与所登记的指纹不符（{reason}）。",
        "Compare the fingerprint at the camera; write it to `certificate` only if the certificate was renewed.",
        "请在摄像机上核对指纹；确认是更换了证书后，再写入 certificate 设置。",
    ),
    "camera.answer": (
        "{camera} answers with something that is not ONVIF: {reason}.",
        "摄像机 {camera} 的应答不符合 ONVIF：{reason}。",
        "Check that `address` is a camera; switch ONVIF on in it, update its firmware.",
        "请确认 address 指向摄像机、摄像机已启用 ONVIF，并升级其固件。",
    ),
    "camera.refused": (
        "{camera} refuses {operation}: {reason}.",
        "摄像机 {camera} 拒绝操作 {operation}：{reason}。",
        "Give the ONVIF user this right in the camera, or switch the service on there.",
        "请在摄像机中为 ONVIF 用户授予此权限，或启用该服务。",
    ),
    "camera.subscription": (
        "{camera} gives no event subscription: {reason}.",
        "摄像机 {camera} 无法建立事件订阅：{reason}。",
        "Other clients hold all its subscriptions: stop them or restart the camera; `events = false` does without.",
        "订阅名额可能已被其他客户端占满：请停用它们或重启摄像机；也可设 events = false 不使用事件。",
    ),
    "camera.clock": (
        "The clock of {camera} is off by {skew:.0f} s.",
        "摄像机 {camera} 的时钟偏差 {skew:.0f} 秒。",
        "Set its time server (NTP) and switch daylight saving off; logging in works meanwhile.",
        "请为其设置 NTP 校时服务器并关闭夏令时；期间登录不受影响。",
    ),
    "camera.no_stream": (
        "{camera} has no media profile {profile}; it has: {known}.",
        "摄像机 {camera} 没有媒体配置 {profile}；现有：{known}。",
        'Write one of these to `stream`, or "sub".',
        '请在 stream 中填写其中之一，或填 "sub"。',
    ),
    "camera.relay_unlisted": (
        "The relay {relay} of {camera} is not in its list `relays`.",
        "摄像机 {camera} 的继电器 {relay} 未列入 relays。",
        "Nothing but listed relays is ever switched: add it if it is meant.",
        "只有列出的继电器才会动作；如确需控制，请加入列表。",
    ),
    "camera.unknown": (
        "{camera} is not in the site.",
        "站点中没有摄像机 {camera}。",
        "Check the name.",
        "请检查编号。",
    ),
    "stream.refused": (
        "{camera} refuses its stream ({reason}).",
        "摄像机 {camera} 拒绝视频流连接（{reason}）。",
        "Switch RTSP on in the camera; it may also have too many viewers.",
        "请在摄像机中启用 RTSP；也可能是观看者过多。",
    ),
    "stream.login": (
        "{camera} does not accept the login of {user} for its stream.",
        "摄像机 {camera} 的视频流拒绝用户 {user} 登录。",
        "Let that user watch live pictures in the camera. The next try is in some minutes, so that the account is not "
        "locked.",
        "请在摄像机中授予该用户预览权限。为避免账号被锁，数分钟后再重试。",
    ),
    "stream.missing": (
        "{camera} has no stream at the address that it gave.",
        "摄像机 {camera} 给出的视频流地址不存在。",
        "Restart the camera, or choose another profile in `stream`.",
        "请重启摄像机，或在 stream 中改用其他媒体配置。",
    ),
    "stream.silent": (
        "{camera} sends no picture ({reason}).",
        "摄像机 {camera} 没有送出画面（{reason}）。",
        "Check its network; it is tried again by itself.",
        "请检查网络；网关会自动重试。",
    ),
    "stream.lost": (
        "The stream of {camera} broke off ({reason}).",
        "摄像机 {camera} 的视频流中断（{reason}）。",
        "It is opened again by itself; if this repeats, check cable and network.",
        "会自动重新连接；若反复出现，请检查网线和网络。",
    ),
    "stream.late": (
        "The picture of {camera} is {age:.0f} s old when it arrives; it is not used.",
        "摄像机 {camera} 的画面到达时已滞后 {age:.0f} 秒，不予使用。",
        "The network or this box is too slow: choose a smaller stream.",
        "网络或本机处理能力不足：请选用更小的码流。",
    ),
    "stream.too_large": (
        "The stream of {camera} is {width}x{height}, larger than {limit}.",
        "摄像机 {camera} 的码流为 {width}x{height}，超过上限 {limit}。",
        'Choose the sub-stream: `stream = "sub"`.',
        '请选用子码流：stream = "sub"。',
    ),
    "stream.codec": (
        "The stream of {camera} is {codec}, which is not watched.",
        "摄像机 {camera} 的码流编码为 {codec}，不支持。",
        "Set its sub-stream to H.264 (or H.265) in the camera.",
        "请在摄像机中把子码流设为 H.264（或 H.265）。",
    ),
    "stream.damaged": (
        "The video of {camera} is damaged ({reason}).",
        "摄像机 {camera} 的视频数据损坏（{reason}）。",
        "Check cable and network, or set `transport` to tcp.",
        "请检查网线和网络，或把 transport 设为 tcp。",
    ),
    "stream.worker": (
        "The process that watches {camera} ended unexpectedly ({reason}); it is started again.",
        "分析摄像机 {camera} 画面的进程意外退出（{reason}），正在自动重启。",
        "If this repeats, send a support bundle.",
        "若反复出现，请发送支持包。",
    ),
}


def camera_fault(code: str, camera: str, /, **details: object) -> Fault:
    """The fault of that code with its details filled in."""
    what, what_zh, cure, cure_zh = (text.format(camera=camera, **details) for text in _TEXTS[code])
    return Fault(code, Text(what, what_zh), Text(cure, cure_zh))


def camera_error(code: str, camera: str, /, **details: object) -> DriverError:
    return DriverError(camera_fault(code, camera, **details), camera)


def is_login(fault: Fault) -> bool:
    """Whether trying again soon may lock the account."""
    return fault.code in ("camera.login", "stream.login")
