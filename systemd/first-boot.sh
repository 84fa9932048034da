#!/bin/sh
# Writes the first site file with an identity drawn for this box.  Never touches a site file that is there.
#   first-boot.sh [ROOT]
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:-}/etc/courtyard
site=$folder/site.toml
[ ! -e "$site" ] || exit 0

id=gw-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
new=$(mktemp "$folder/.site.toml.XXXXXX")
trap 'rm -f "$new"' EXIT
sed "s/@ID@/$id/g" "$here/starter-site.toml" >"$new"
chmod 640 "$new"
# In a staged root the group has no number here; systemd-tmpfiles sets it at boot.
[ -n "${1:-}" ] || chgrp courtyard "$new"
sync "$new"
ln "$new" "$site" # fails, instead of replacing, when somebody was faster
echo "This gateway is now $id; its site file is /etc/courtyard/site.toml."
