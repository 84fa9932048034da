"""Every message about a site file, once, in English and Chinese: what is wrong, and what to do."""

from __future__ import annotations

from typing import Literal, NamedTuple

from courtyard.drivers.base import Text


class Message(NamedTuple):
    severity: Literal["mistake", "warning"]
    what: Text
    cure: Text


def _mistake(en: str, zh: str, cure_en: str, cure_zh: str) -> Message:
    return Message("mistake", Text(en, zh), Text(cure_en, cure_zh))


def _warning(en: str, zh: str, cure_en: str, cure_zh: str) -> Message:
    return Message("warning", Text(en, zh), Text(cure_en, cure_zh))


_FILE = {
    "file.missing": _mistake("The file does not exist.", "文件不存在。", "Check the path.", "请检查路径。"),
    "file.unreadable": _mistake(
        "The file cannot be read: {reason}.",
        "无法读取文件：{reason}。",
        "Check its owner and permissions (ls -l {file}).",
        "请检查文件的所有者和权限（ls -l {file}）。",
    ),
    "file.too_large": _mistake(
        "The file has {size} bytes, more than the {limit} that a site file may have.",
        "文件有 {size} 字节，超过配置文件上限 {limit} 字节。",
        "Make sure that it is the right file.",
        "请确认文件是否正确。",
    ),
    "file.encoding": _mistake(
        "The text is not UTF-8.",
        "文件编码不是 UTF-8。",
        "Save it as UTF-8 in the editor (Chinese Windows often saves GBK).",
        "请在编辑器中另存为 UTF-8 编码（中文 Windows 常默认保存为 GBK）。",
    ),
}

_TOML = {
    "toml.full_width": _mistake(
        "Full-width character {char} outside of a quoted text.",
        "引号以外出现全角字符 {char}。",
        "Switch the input method to half-width and write {half}.",
        "请切换到英文（半角）输入法，改为 {half}。",
    ),
    "toml.unquoted": _mistake(
        "The value {found} has no quotes.",
        "值 {found} 缺少引号。",
        'Write {key} = "{found}".',
        '请写成 {key} = "{found}"。',
    ),
    "toml.leading_zero": _mistake(
        "The number {found} begins with 0.", "数字 {found} 以 0 开头。", "Write {number}.", "请写成 {number}。"
    ),
    "toml.boolean": _mistake(
        "{found} is not a value.",
        "{found} 不是有效的值。",
        "Write true or false, in small letters.",
        "请用小写字母写 true 或 false。",
    ),
    "toml.empty_value": _mistake(
        "There is no value behind the equals sign.",
        "等号后面没有值。",
        "Write a value, or delete the line.",
        "请填写值，或删除该行。",
    ),
    "toml.unclosed_text": _mistake(
        "A quoted text does not end on its line.",
        "引号没有成对，文本在本行内没有结束。",
        'Close it with the same quote (").',
        '请补上结尾的引号（"）。',
    ),
    "toml.unclosed_bracket": _mistake(
        "A bracket {bracket} is not closed.",
        "括号 {bracket} 没有闭合。",
        "Close it, and put a comma between its items.",
        "请补上对应的右括号，各项之间用逗号分隔。",
    ),
    "toml.backslash": _mistake(
        "A backslash in a double-quoted text has a special meaning.",
        "双引号文本中的反斜杠有特殊含义。",
        "Write the text in single quotes: 'C:\\path'.",
        "请改用单引号：'C:\\path'。",
    ),
    "toml.no_equals": _mistake(
        "The line is neither a setting nor a table.",
        "该行既不是设置项，也不是表头。",
        "Write: key = value, [table] or [[list]]; a remark begins with #.",
        "请写成：键 = 值、[表] 或 [[列表]]；注释以 # 开头。",
    ),
    "toml.duplicate_key": _mistake(
        "{found} is set twice in the same table.",
        "{found} 在同一个表中重复设置。",
        "Delete one of the two.",
        "请删除其中一个。",
    ),
    "toml.duplicate_table": _mistake(
        "The table {found} appears twice.",
        "表 {found} 重复出现。",
        "Join the two; lists are written with double brackets, such as [[devices]].",
        "请合并；列表须使用双方括号，例如 [[devices]]。",
    ),
    "toml.too_deep": _mistake(
        "Brackets are nested too deeply.", "括号嵌套过深。", "Simplify the value.", "请简化该值。"
    ),
    "toml.syntax": _mistake(
        "The line cannot be understood ({detail}).",
        "无法理解该行（{detail}）。",
        "Compare it with site.example.toml.",
        "请对照 site.example.toml 修改。",
    ),
    "toml.more": _mistake(
        "There may be more errors of writing; reading stopped after {count}.",
        "可能还有更多书写错误，发现 {count} 处后停止读取。",
        "Mend these and check again.",
        "请先修改以上各处，再重新检查。",
    ),
}

_VALUE = {
    "key.unknown": _mistake(
        "There is no setting {found} here.",
        "此处没有名为 {found} 的设置项。",
        "Allowed: {allowed}.",
        "可用的设置项：{allowed}。",
    ),
    "key.missing": _mistake(
        "The setting {key} is missing.",
        "缺少设置项 {key}。",
        "Add {key}: {allowed}.",
        "请添加 {key}：{allowed}。",
    ),
    "value.wrong": _mistake(
        "{key} is {found}.",
        "{key} 的值为 {found}。",
        "Allowed: {allowed}.",
        "允许的值：{allowed}。",
    ),
    "value.list_wanted": _mistake(
        "{key} is a single table.",
        "{key} 写成了单个表。",
        "It is a list: write [[{key}]] with double brackets.",
        "它是列表，请用双方括号写成 [[{key}]]。",
    ),
    "value.table_wanted": _mistake(
        "{key} is a list.",
        "{key} 写成了列表。",
        "There is only one: write [{key}] with single brackets.",
        "它只有一个，请用单方括号写成 [{key}]。",
    ),
    "secret.inline": _mistake(
        "A secret stands in the site file.",
        "配置文件中直接写入了密码等机密信息。",
        "Put it in a file of its own (chmod 600) and name that with {instead}, or use a systemd credential "
        '({instead} = "credential:NAME"); then change the secret, since others may have read it.',
        '请将其存入单独的文件（chmod 600），用 {instead} 指明路径，或使用 systemd 凭据（{instead} = "credential:名称"）；'
        "原密码可能已泄露，请随后更换。",
    ),
    "secret.in_url": _mistake(
        "The address contains a user name or password.",
        "地址中包含用户名或密码。",
        "Write {found} and use username and password_file.",
        "请写成 {found}，并使用 username 和 password_file。",
    ),
}

_SITE = {
    "name.twice": _mistake(
        "{found} is used twice; first in line {first}.",
        "{found} 重复使用，首次出现在第 {first} 行。",
        "Give each its own.",
        "请为每一项使用不同的值。",
    ),
    "reference.line": _mistake(
        "There is no line named {found}.",
        "没有名为 {found} 的线路。",
        "Lines of this site: {allowed}.",
        "现有线路：{allowed}。",
    ),
    "reference.device": _mistake(
        "There is no device {found}.",
        "没有编号为 {found} 的设备。",
        "Write the id of one of the [[devices]].",
        "请填写 [[devices]] 中某个设备的 id。",
    ),
    "reference.output": _mistake(
        "There is no output {found}.",
        "没有名为 {found} 的输出。",
        "Outputs of this site: {allowed}.",
        "现有输出：{allowed}。",
    ),
    "reference.target": _mistake(
        "The device has nothing named {found} that may be written.",
        "该设备没有允许写入的对象 {found}。",
        "Allowed: {allowed}.",
        "可用对象：{allowed}。",
    ),
    "output.not_releasable": _mistake(
        "{found} cannot be switched on and off: it does not accept both 0 and 1.",
        "{found} 不能开关：它不同时接受 0 和 1。",
        "Use a coil, or a register that accepts 0 and 1.",
        "请使用线圈，或可写入 0 和 1 的寄存器。",
    ),
    "pattern.nothing": _mistake(
        "The pattern {found} matches no device.",
        "{found} 不匹配任何设备。",
        "Correct it, or delete it.",
        "请更正或删除。",
    ),
    "pattern.no_point": _mistake(
        "The pattern {found} matches no point of the catalogue.",
        "{found} 不匹配目录中的任何测点。",
        "Point names are listed in docs/points.md.",
        "测点名称见 docs/points.md。",
    ),
    "line.port_twice": _mistake(
        "The port {found} already belongs to the line {other}.",
        "端口 {found} 已被线路 {other} 占用。",
        "One wire is one line: put the devices on {other}.",
        "一条总线只能是一条线路：请将设备接到 {other}。",
    ),
    "line.address_twice": _mistake(
        "Address {found} on the line {line} already belongs to {other}.",
        "线路 {line} 上的地址 {found} 已被 {other} 使用。",
        "Give one of the two devices another address, on the device and here.",
        "请修改其中一台设备的地址，设备和此处须一致。",
    ),
    "line.address_range": _mistake(
        "Address {found} cannot be used on a serial line.",
        "串口线路不能使用地址 {found}。",
        "Allowed: 1 to 247 (0 is broadcast, the rest is reserved).",
        "允许的值：1～247（0 为广播，其余保留）。",
    ),
    "line.unused": _warning(
        "No device hangs on the line {found}.",
        "线路 {found} 上没有设备。",
        'Delete it, or give a device line = "{found}".',
        '请删除该线路，或为设备填写 line = "{found}"。',
    ),
    "line.too_slow": _mistake(
        "The polls of the line {line} need {busy_s:.1f} s of wire time in every {period_s:.0f} s "
        "({devices} devices, {baud} Bd): {percent:.0f} %.",
        "线路 {line} 每 {period_s:.0f} s 的轮询需要占用总线 {busy_s:.1f} s（{devices} 台设备，{baud} Bd），占用率 {percent:.0f} %。",
        'Read less often (every = "{every}" or longer), use a higher speed, or divide the devices over two lines.',
        '请延长读取周期（every = "{every}" 或更长），提高波特率，或将设备分到两条线路。',
    ),
    "line.busy": _warning(
        "The polls of the line {line} fill {percent:.0f} % of its time ({busy_s:.1f} s in every {period_s:.0f} s, "
        "{devices} devices, {baud} Bd); one dead device may make others late.",
        "线路 {line} 的轮询占用总线 {percent:.0f} % 的时间（每 {period_s:.0f} s 占用 {busy_s:.1f} s，{devices} 台设备，"
        "{baud} Bd）；一台设备失联就可能拖慢其他设备。",
        'Read less often (every = "{every}" or longer), or use a higher speed.',
        '请延长读取周期（every = "{every}" 或更长），或提高波特率。',
    ),
    "journal.reserve": _mistake(
        "alarm_reserve ({found}) is not smaller than the quota ({quota}).",
        "alarm_reserve（{found}）不小于配额 quota（{quota}）。",
        "Make it at most half of the quota.",
        "请设为不超过配额的一半。",
    ),
    "uplink.key_alone": _mistake(
        "{key} stands without {other}.",
        "填写了 {key}，但没有填写 {other}。",
        "A client certificate needs both.",
        "客户端证书需要两者同时填写。",
    ),
    "uplink.password_alone": _mistake(
        "password_file stands without username.",
        "填写了 password_file，但没有填写 username。",
        "Add the user name.",
        "请填写用户名。",
    ),
    "uplink.plain": _warning(
        "The password and all records travel unencrypted to {host}.",
        "密码和所有记录将以明文发送到 {host}。",
        "Use mqtts:// if the platform offers it.",
        "如果平台支持，请使用 mqtts://。",
    ),
    "uplink.tls_unused": _warning(
        "{key} has no effect: mqtt:// is not encrypted.",
        "{key} 不起作用：mqtt:// 不加密。",
        "Write mqtts://.",
        "请改用 mqtts://。",
    ),
    "rule.needs_point": _mistake(
        "A threshold must name its point.",
        "阈值规则必须指明测点。",
        'Add point, such as point = "water.pressure".',
        '请添加 point，例如 point = "water.pressure"。',
    ),
    "rule.needs_limit": _mistake(
        "A threshold needs above, below or both.",
        "阈值规则需要 above、below 或两者。",
        "Add a limit.",
        "请添加限值。",
    ),
    "rule.limits_crossed": _mistake(
        "above ({above}) is not greater than below ({below}): every value would be an alarm.",
        "above（{above}）不大于 below（{below}），任何数值都会报警。",
        "Alarms are raised above `above` and below `below`; what lies between is normal.",
        "高于 above 或低于 below 时报警，两者之间为正常。",
    ),
    "rule.unused": _mistake(
        "{key} has no meaning in a rule of kind {kind}.",
        "{key} 在 {kind} 类规则中不起作用。",
        "Delete it.",
        "请删除。",
    ),
    "rule.not_read": _mistake(
        "No device that this rule watches has the point {found}.",
        "该规则监视的设备都没有测点 {found}。",
        "Points of these devices: {allowed}.",
        "这些设备的测点：{allowed}。",
    ),
}

_PROFILE = {
    "profile.missing": _mistake(
        "There is no device profile {found}.",
        "没有设备模板 {found}。",
        "Allowed: {allowed}.",
        "可用模板：{allowed}。",
    ),
    "profile.broken": _mistake(
        "The profile {found} has mistakes of its own (see below).",
        "设备模板 {found} 自身有错误（见下文）。",
        "Mend the profile file.",
        "请修改模板文件。",
    ),
    "profile.hides": _warning(
        "The site's profile {found} replaces the product's of the same name.",
        "现场模板 {found} 替代了同名的自带模板。",
        "Give it another name if that is not meant.",
        "如果并非有意，请改用其他名称。",
    ),
    "profile.option_missing": _mistake(
        "The profile {profile} asks for the option {key}: {title}.",
        "模板 {profile} 需要选项 {key}：{title}。",
        "Add options = {{ {key} = ... }}.",
        "请添加 options = {{ {key} = ... }}。",
    ),
    "profile.option_unknown": _mistake(
        "The profile {profile} has no option {found}.",
        "模板 {profile} 没有选项 {found}。",
        "Allowed: {allowed}.",
        "可用选项：{allowed}。",
    ),
    "profile.no_points": _mistake(
        "The profile {profile} is a template: this device must say its points.",
        "模板 {profile} 需要由现场给出测点。",
        'Add points = [{{ point = "water.volume.total", address = 0, type = "uint32", unit = "L" }}], with the '
        "addresses of the device's manual.",
        '请添加 points = [{{ point = "water.volume.total", address = 0, type = "uint32", unit = "L" }}]，'
        "地址以设备说明书为准。",
    ),
    "profile.fixed": _mistake(
        "The profile {profile} is not a template: {key} cannot be given here.",
        "模板 {profile} 的测点是固定的，不能在此填写 {key}。",
        "Delete it, or write a profile of your own in profiles/.",
        "请删除，或在 profiles/ 中编写自己的模板。",
    ),
    "profile.empty": _mistake(
        "The profile has no points.",
        "模板没有测点。",
        "Add [[points]], or template = true.",
        "请添加 [[points]]，或 template = true。",
    ),
    "point.prefix": _mistake(
        "The point {found} does not begin with {prefix}.",
        "测点 {found} 没有以 {prefix} 开头。",
        "A site's own points begin with {prefix}, so that they never clash with the product's.",
        "现场自定义测点必须以 {prefix} 开头，以免与自带测点冲突。",
    ),
    "catalogue.unit": _mistake(
        "{found} is not a unit.",
        "{found} 不是可用的单位。",
        "Allowed: {allowed}.",
        "允许的单位：{allowed}。",
    ),
    "point.unknown": _mistake(
        "There is no point {found} in the catalogue.",
        "测点目录中没有 {found}。",
        "Point names are listed in docs/points.md.",
        "测点名称见 docs/points.md。",
    ),
    "point.twice": _mistake(
        "The point {found} is given twice.",
        "测点 {found} 重复。",
        "Delete one of the two.",
        "请删除其中一个。",
    ),
    "point.unit": _mistake(
        "The unit {found} cannot be turned into the {wanted} of {point}.",
        "单位 {found} 无法换算为 {point} 的单位 {wanted}。",
        "Allowed: {allowed}.",
        "允许的单位：{allowed}。",
    ),
    "point.unit_missing": _mistake(
        "{point} needs a unit.",
        "{point} 需要填写单位。",
        "Allowed: {allowed}.",
        "允许的单位：{allowed}。",
    ),
    "point.unit_unused": _mistake(
        "{point} has no unit.",
        "{point} 没有单位。",
        "Delete unit.",
        "请删除 unit。",
    ),
    "point.kind": _mistake(
        "{point} is {wanted}, but what is read here is {read}.",
        "{point} 是{wanted}，而此处读取的是{read}。",
        "A yes/no needs type bool or mask, a text needs as_text, a code needs map.",
        "布尔测点需要 bool 类型或 mask，文本需要 as_text，代码需要 map。",
    ),
    "point.value": _mistake(
        "{found} is not a value of {point}.",
        "{found} 不是 {point} 的取值。",
        "Allowed: {allowed}.",
        "允许的值：{allowed}。",
    ),
    "point.code": _mistake(
        "{found} is not an integer.",
        "{found} 不是整数。",
        'The left side of a map is the raw number, such as "1" or "0x55".',
        '对照表左边为原始整数，例如 "1" 或 "0x55"。',
    ),
    "point.scale": _mistake(
        "A scale of 0 makes every value 0.", "系数为 0，任何数值都会变成 0。", "Correct it.", "请更正。"
    ),
    "point.option": _mistake(
        "The profile declares no option {found}.",
        "模板没有声明选项 {found}。",
        "Declare it in [[options]].",
        "请在 [[options]] 中声明。",
    ),
    "point.bits": _mistake(
        "{key} needs a whole number in the registers, not {found}.",
        "{key} 只能用于整数寄存器，不能用于 {found}。",
        "Allowed: {allowed}.",
        "允许的类型：{allowed}。",
    ),
    "point.too_long": _mistake(
        "Integer and fraction lie {count} registers apart, more than the {limit} of one request.",
        "整数部分与小数部分跨越 {count} 个寄存器，超过单次请求的上限 {limit}。",
        "They must be read in one request; check both addresses.",
        "两者必须在同一请求中读取，请检查两个地址。",
    ),
    "point.past_end": _mistake(
        "{found} does not fit: the last register is 65535.",
        "{found} 超出范围：最后一个寄存器为 65535。",
        "Check the address.",
        "请检查地址。",
    ),
    "point.bit_function": _mistake(
        "Functions 1 and 2 read single bits; {found} does not fit into one.",
        "功能码 1 和 2 读取单个位，不能读取 {found}。",
        "Use type bool, or function 3 or 4.",
        "请使用 bool 类型，或功能码 3、4。",
    ),
    "point.limits": _mistake(
        "minimum ({low}) is not smaller than maximum ({high}).",
        "minimum（{low}）不小于 maximum（{high}）。",
        "Exchange the two.",
        "请互换两者。",
    ),
    "profile.wrong_limits": _mistake(
        "minimum ({low}) is greater than maximum ({high}).",
        "minimum（{low}）大于 maximum（{high}）。",
        "Exchange the two.",
        "请互换两者。",
    ),
}

_SECRET_FILES = {
    "secret_file.missing": _warning(
        "The file {found} does not exist.",
        "文件 {found} 不存在。",
        "Create it; until then {user} cannot connect.",
        "请创建该文件，否则 {user} 无法连接。",
    ),
    "secret_file.open": _warning(
        "Others may read {found} (mode {mode}).",
        "其他用户可以读取 {found}（权限 {mode}）。",
        "chmod 600 {found}",
        "请执行 chmod 600 {found}",
    ),
    "secret_file.hidden": _warning(
        "{found} cannot be looked at by the present user.",
        "当前用户无权查看 {found}。",
        "Run the check as root, or as the user courtyard, to be sure that it is there.",
        "请以 root 或 courtyard 用户运行检查，确认文件存在。",
    ),
    "secret_file.empty": _warning(
        "The file {found} is empty.", "文件 {found} 是空的。", "Put the secret in it.", "请写入密码。"
    ),
    "credential.unseen": _warning(
        "The systemd credential {found} can only be seen by the service; it was not checked.",
        "systemd 凭据 {found} 只有服务本身可见，此处未检查。",
        "Make sure that the unit has LoadCredential={found}:/path.",
        "请确认服务单元中有 LoadCredential={found}:/path。",
    ),
    "credential.missing": _warning(
        "systemd has handed over no credential {found}.",
        "systemd 没有提供凭据 {found}。",
        "Add LoadCredential={found}:/path to the unit (systemctl edit courtyard).",
        "请在服务单元中添加 LoadCredential={found}:/path（systemctl edit courtyard）。",
    ),
}

MESSAGES: dict[str, Message] = {**_FILE, **_TOML, **_VALUE, **_SITE, **_PROFILE, **_SECRET_FILES}
