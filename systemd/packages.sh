#!/bin/sh
# Installs the Debian packages that are missing for the uses named on the command line (see packages.txt).
#   systemd/packages.sh box            what a gateway needs
#   systemd/packages.sh box checks     that, and what the demo and the tests need
# Nothing is touched when nothing is missing.  Services of the packages are neither started nor enabled.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
PATH=$PATH:/usr/sbin:/sbin
export PATH
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in zh*) chinese=1 ;; *) chinese= ;; esac

say() { if [ "$chinese" ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }

missing() { # prints the packages of use $1 whose check fails
    while IFS='|' read -r use package check _; do
        case $use in '#'* | '') continue ;; esac
        [ "$(echo "$use" | tr -d ' ')" = "$1" ] || continue
        sh -c "$check" >/dev/null 2>&1 </dev/null || echo "$package" | tr -d ' '
    done <"$here/packages.txt"
}

[ $# -gt 0 ] || set -- box
wanted=
for use; do wanted="$wanted $(missing "$use" | tr '\n' ' ')"; done
wanted=$(echo "$wanted" | xargs)
[ "$wanted" ] || exit 0

if ! command -v apt-get >/dev/null; then
    say "These are missing and this system has no apt-get: $wanted. Install them with its own package tool and run this again." \
        "缺少以下软件包，而本系统没有 apt-get：$wanted。请用系统自带的软件包工具安装后重新运行。" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif command -v sudo >/dev/null; then
    as_root=sudo
else
    say "These packages are missing: $wanted. Run as root: apt-get install $wanted" \
        "缺少软件包：$wanted。请以 root 运行：apt-get install $wanted" >&2
    exit 1
fi

say "Installing Debian packages: $wanted" "正在安装 Debian 软件包：$wanted"

# policy-rc.d is Debian's way to keep a package from starting its service while it is installed.
policy=/usr/sbin/policy-rc.d
ours=
cleanup() { [ -z "$ours" ] || $as_root rm -f "$policy"; }
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120 "$@" </dev/null; }
apt update ||
    say "The package lists could not be refreshed; trying with the ones at hand." "无法更新软件包列表，使用现有列表继续。" >&2
# shellcheck disable=SC2086  # a list of words
if ! apt install -y --no-install-recommends $wanted >/dev/null; then
    say "apt-get could not install: $wanted. Its own message is above; mend that (network, package sources, disk space) and run this again." \
        "apt-get 无法安装：$wanted。原因见上方输出；请先排除（网络、软件源、磁盘空间）再重新运行。" >&2
    exit 1
fi
case " $wanted " in
*" mosquitto "*)
    if command -v systemctl >/dev/null; then $as_root systemctl disable --quiet mosquitto 2>/dev/null || true; fi
    say "mosquitto is installed but not enabled: the demo and the tests start their own on a free loopback port." \
        "已安装 mosquitto 但未启用其服务：演示和测试会在本机空闲端口上自行启动。"
    ;;
esac
