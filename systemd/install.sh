#!/bin/sh
# Sets up a gateway from this checkout, updates it, or takes it away again.  `install.sh --help` tells the options.
# Running it again changes only what is out of date.  A new release is built beside the old one and takes its place
# only when it starts; else the old one goes on.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$(dirname -- "$here")
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in zh*) chinese=1 ;; *) chinese= ;; esac

say() { if [ "$chinese" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }
fail() { say "install.sh: $1" "install.sh：$2" >&2; exit 1; }

usage() {
    say "Usage: systemd/install.sh [options]
  --wheel FILE   install this wheel instead of the checkout
  --root DIR     set up a root file system under DIR (an image); touches nothing of this machine
  --back         go back to the release before the one in use; --back again returns to it
  --remove       take the gateway away; keeps /etc/courtyard and /var/lib/courtyard
  --purge        with --remove: also its settings, its records and its user
  --no-start     do not start, restart or enable anything
  --dry-run      only say what would be done
  --help         this text
PYTHON names the Python to use (3.11 to 3.13; default python3)." \
        "用法：systemd/install.sh [选项]
  --wheel FILE   安装指定的 wheel，而不是当前代码目录
  --root DIR     在 DIR 下制作根文件系统（镜像）；不改动本机
  --back         退回上一版本；再次执行则换回来
  --remove       卸载网关；保留 /etc/courtyard 和 /var/lib/courtyard
  --purge        与 --remove 同用：连同配置、数据和用户一并删除
  --no-start     不启动、不重启、不设置开机启动
  --dry-run      只说明将做什么
  --help         显示本说明
可用环境变量 PYTHON 指定 Python（3.11 至 3.13，默认 python3）。"
}

root='' wheel='' back='' remove='' purge='' enable=1 dry=''
while [ $# -gt 0 ]; do
    case $1 in
    --wheel | --root)
        [ $# -gt 1 ] || fail "$1 needs a value; see --help." "$1 缺少参数，见 --help。"
        if [ "$1" = --wheel ]; then wheel=$2; else root=$2; fi
        shift
        ;;
    --back) back=1 ;;
    --remove) remove=1 ;;
    --purge) purge=1 ;;
    --no-start) enable='' ;;
    --dry-run) dry=1 ;;
    --help | -h) usage; exit 0 ;;
    *) fail "unknown option $1; see --help." "未知选项 $1，见 --help。" ;;
    esac
    shift
done
[ -z "$purge" ] || [ "$remove" ] || fail "--purge works only together with --remove." "--purge 须与 --remove 同时使用。"
[ -z "$wheel" ] || [ -f "$wheel" ] || fail "there is no wheel $wheel; build one with: python3 -m pip wheel --no-deps ." \
    "找不到 wheel 文件 $wheel；可用 python3 -m pip wheel --no-deps . 生成。"
if [ "$root" ]; then
    [ "$dry" ] || mkdir -p "$root"
    [ ! -d "$root" ] || root=$(CDPATH='' cd -- "$root" && pwd)
    [ "$root" != / ] || root=''
fi
# A staged root, or a machine that systemd did not boot, has nothing that could be started now.
live=
[ "$root" ] || [ ! -d /run/systemd/system ] || live=1
if [ -z "$root" ] && [ -z "$dry" ] && [ "$(id -u)" -ne 0 ]; then
    fail "this changes the system: run it as root (sudo systemd/install.sh), or look first with --dry-run." \
        "需要修改系统：请以 root 运行（sudo systemd/install.sh），或先用 --dry-run 查看。"
fi

opt=$root/opt/courtyard
changed=''

run() { if [ "$dry" ]; then echo "  $*"; else "$@"; fi; }

existing() { # the nearest folder above PATH that exists
    path=$1
    while [ ! -d "$path" ]; do path=$(dirname -- "$path"); done
    echo "$path"
}

put() { # put MODE SOURCE TARGET: copies when the content differs
    ! cmp -s "$2" "$root$3" || return 0
    say "Writing $3" "写入 $3"
    run install -D -m "$1" "$2" "$root$3"
    changed=1
}

point() { # point LINK TARGET: in one step, so that a power cut leaves the old link or the new one
    run ln -sfn "$2" "$1.new"
    run mv -T "$1.new" "$1"
}

take() { # take PATH...: removes what is there
    for path; do
        if [ -e "$root$path" ] || [ -L "$root$path" ]; then
            say "Removing $path" "删除 $path"
            run rm -rf "$root$path"
        fi
    done
}

[ -z "$dry" ] || say "Dry run: what follows is only said, not done." "试运行：以下步骤仅列出，并不执行。"

rules_changed() { # udev looks at its rules again; a container has no udev
    command -v udevadm >/dev/null || return 0
    run udevadm control --reload
    run udevadm trigger --action=change --subsystem-match=tty --subsystem-match=usb --subsystem-match=gpio
}

files='644 courtyard.service /etc/systemd/system/courtyard.service
644 courtyard-first-boot.service /etc/systemd/system/courtyard-first-boot.service
644 courtyard.sysusers /etc/sysusers.d/courtyard.conf
644 courtyard.tmpfiles /etc/tmpfiles.d/courtyard.conf
644 70-courtyard.rules /etc/udev/rules.d/70-courtyard.rules
755 first-boot.sh /opt/courtyard/first-boot.sh
644 starter-site.toml /opt/courtyard/starter-site.toml'

if [ "$remove" ]; then
    if [ "$live" ]; then
        run systemctl --quiet disable --now courtyard.service courtyard-first-boot.service 2>/dev/null ||
            say "The service was not installed or not running." "服务未安装或未运行。"
    else
        take /etc/systemd/system/multi-user.target.wants/courtyard.service \
            /etc/systemd/system/multi-user.target.wants/courtyard-first-boot.service
    fi
    # shellcheck disable=SC2046  # a list of paths without spaces
    take $(echo "$files" | cut -d' ' -f3) /etc/systemd/system/courtyard.service.d /usr/local/bin/courtyard /opt/courtyard
    if [ "$purge" ]; then
        take /etc/courtyard /var/lib/courtyard
        if [ -z "$root" ] && id courtyard >/dev/null 2>&1; then
            say "Removing the user courtyard" "删除用户 courtyard"
            run userdel courtyard
        fi
    else
        say "Kept: $root/etc/courtyard and $root/var/lib/courtyard (--purge removes them)." \
            "已保留 $root/etc/courtyard 和 $root/var/lib/courtyard（用 --purge 删除）。"
    fi
    [ -z "$live" ] || { run systemctl daemon-reload; rules_changed; }
    [ -z "$dry" ] || exit 0
    say "Courtyard is removed." "Courtyard 已卸载。"
    exit 0
fi

start() { [ ! "$enable" ] || [ ! "$live" ] || run systemctl restart courtyard.service; }

before=$(readlink "$opt/previous" 2>/dev/null || true)
previous=$(readlink "$opt/current" 2>/dev/null || true)

if [ "$back" ]; then
    if [ -z "$before" ] || [ "$before" = "$previous" ] || [ ! -x "$opt/$before/bin/courtyard" ]; then
        fail "there is no release to go back to: only an update leaves one behind." "没有可退回的版本：升级后才会保留上一版本。"
    fi
    say "Going back from ${previous#releases/} to ${before#releases/}" "从 ${previous#releases/} 退回 ${before#releases/}"
    point "$opt/current" "$before"
    if ! start; then
        point "$opt/current" "$previous"
        start || true
        fail "the former release did not start; the one before is in place again. Why: journalctl -u courtyard -n 50" \
            "上一版本未能启动，已恢复原来的版本。原因见：journalctl -u courtyard -n 50"
    fi
    point "$opt/previous" "$previous"
    [ -z "$dry" ] || exit 0
    say "The former release is in use. To return: systemd/install.sh --back" "已换回上一版本。如需恢复：systemd/install.sh --back"
    exit 0
fi

python=${PYTHON:-python3}
[ "$root" ] || [ "$dry" ] || PYTHON=$python "$here/packages.sh" box
"$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null ||
    fail "$python is not Python 3.11, 3.12 or 3.13. Debian 12 and 13 bring one (apt-get install python3), or name another: PYTHON=/usr/bin/python3.12 systemd/install.sh" \
        "$python 不是 Python 3.11、3.12 或 3.13。Debian 12、13 自带（apt-get install python3），也可另行指定：PYTHON=/usr/bin/python3.12 systemd/install.sh"
free_kb=$(df -Pk "$(existing "$opt")" | awk 'NR == 2 {print $4}')
[ "$free_kb" -ge 300000 ] ||
    fail "only $((free_kb / 1000)) MB are free under ${root:-/}; 300 MB are needed. Make room and run this again." \
        "${root:-/} 仅剩 $((free_kb / 1000)) MB，至少需要 300 MB。请清理后重新运行。"

# A release is named by what it is made of, so that the same content is never built twice.
digest() {
    if [ "$wheel" ]; then cat "$wheel"; else
        (cd "$source" && find agent drivers buffer config pyproject.toml -type f ! -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum)
    fi
    cat "$here/requirements.lock"
    "$python" -c 'import sys; print(sys.version)'
}
release=$(digest | sha256sum | cut -c1-12)
built=$opt/releases/$release

build() {
    say "Building the release $release in /opt/courtyard/releases" "正在 /opt/courtyard/releases 中构建版本 $release"
    rm -rf "$built.new"
    "$python" -m venv "$built.new" ||
        fail "Python could not create an environment. On Debian: apt-get install python3-venv" \
            "Python 无法创建运行环境。Debian 系统请执行：apt-get install python3-venv"
    pip="$built.new/bin/python -m pip --disable-pip-version-check -qq"
    # shellcheck disable=SC2086  # a command with its arguments
    $pip install --no-deps --require-hashes -r "$here/requirements.lock" ||
        fail "the Python packages could not be installed. Check the network and pip's configured package index; a box without network needs PIP_NO_INDEX=1 and PIP_FIND_LINKS=/folder/with/wheels." \
            "无法安装 Python 软件包。请检查网络和 pip 所配置的软件源；无网络时请设置 PIP_NO_INDEX=1 和 PIP_FIND_LINKS=/存放wheel的目录。"
    # shellcheck disable=SC2086
    $pip install --no-deps --no-build-isolation "${wheel:-$source}" ||
        fail "courtyard itself could not be installed; pip's message is above." "无法安装 courtyard 本身，原因见上方 pip 输出。"
    # Scripts name the folder that they were made in; give them the one that they will live in.
    grep -rlIF "$built.new" "$built.new/bin" "$built.new/pyvenv.cfg" | while read -r file; do
        sed -i "s|$built.new|${built#"$root"}|g" "$file"
    done
    "$built.new/bin/python" -c 'import courtyard.agent.cli.run' ||
        fail "the new release does not start; nothing was changed." "新版本无法启动，系统未作任何更改。"
    mv "$built.new" "$built"
}

if [ -d "$built" ]; then
    say "The release $release is already built." "版本 $release 已构建。"
elif [ "$dry" ]; then
    say "Would build the release $release in /opt/courtyard/releases" "将在 /opt/courtyard/releases 中构建版本 $release"
else
    mkdir -p "$opt/releases"
    trap 'rm -rf "$built.new"' EXIT
    trap 'exit 1' HUP INT TERM
    build
fi

while read -r mode name target; do put "$mode" "$here/$name" "$target"; done <<LIST
$files
LIST

run systemd-sysusers ${root:+"--root=$root"} "$root/etc/sysusers.d/courtyard.conf"
run systemd-tmpfiles ${root:+"--root=$root"} --create "$root/etc/tmpfiles.d/courtyard.conf"
if [ "$live" ]; then
    run systemctl daemon-reload
    rules_changed
fi
if [ "$previous" != "releases/$release" ]; then
    say "Switching /opt/courtyard/current to $release" "将 /opt/courtyard/current 切换到 $release"
    run sync
    [ -z "$previous" ] || point "$opt/previous" "$previous"
    point "$opt/current" "releases/$release"
    changed=1
fi
run install -d "$root/usr/local/bin"
point "$root/usr/local/bin/courtyard" /opt/courtyard/current/bin/courtyard

if [ "$enable" ]; then
    run systemctl ${root:+"--root=$root"} --quiet enable courtyard.service courtyard-first-boot.service
fi

if [ "$enable" ] && [ "$live" ]; then
    if [ "$changed" ] || ! systemctl --quiet is-active courtyard.service; then
        say "Starting the gateway" "正在启动网关"
        if ! run systemctl restart courtyard.service; then
            if [ "$previous" ] && [ "$previous" != "releases/$release" ] && [ -d "$opt/$previous" ]; then
                point "$opt/current" "$previous"
                if [ "$before" ]; then point "$opt/previous" "$before"; else run rm -f "$opt/previous"; fi
                systemctl restart courtyard.service || true
                fail "the new release did not start; the previous one is in place again. Why: journalctl -u courtyard -n 50" \
                    "新版本未能启动，已恢复上一版本。原因见：journalctl -u courtyard -n 50"
            fi
            fail "the gateway did not start. Why: journalctl -u courtyard -n 50" "网关未能启动。原因见：journalctl -u courtyard -n 50"
        fi
    fi
fi
# The release in use and the one before it stay.
for old in "$opt"/releases/*; do
    [ -d "$old" ] || continue
    case releases/${old##*/} in
    "releases/$release" | "$(readlink "$opt/previous" || true)") ;;
    *) run rm -rf "$old" ;;
    esac
done

[ -z "$dry" ] || exit 0
say "Courtyard is set up. Next: edit /etc/courtyard/site.toml, check it with 'courtyard check', watch it with 'journalctl -fu courtyard'." \
    "Courtyard 安装完成。下一步：编辑 /etc/courtyard/site.toml，用 courtyard check 检查，用 journalctl -fu courtyard 查看运行日志。"
