#!/bin/sh
# Proves what packaging promises and can be proven without an installation: systemd reads the unit
# without a complaint, its exposure is at most 2.0 of 10, and the scripts are valid shell.
# The tests run it (tests/scenarios/service.rs).
set -eu
cd "$(dirname "$0")"

# Programs are looked for, and here nothing is installed: any program stands for ours. What systemd
# only warns of (an unknown key, which it then ignores) leaves its exit code 0.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
unit=$tree/gatepost.service
sed 's|^\(Exec[A-Za-z]*=\)/usr/bin/gatepost|\1/bin/true|' gatepost.service > "$unit"
said=$(systemd-analyze verify --man=no "$unit" 2>&1) || said="$said (failed)"
if [ -n "$said" ]; then
    echo "packaging: systemd says of gatepost.service: $said" >&2
    exit 1
fi
# The threshold is in tenths.
systemd-analyze security --offline=yes --threshold=20 gatepost.service > /dev/null
for script in build-deb.sh debian/postinst debian/prerm debian/postrm; do
    sh -n "$script"
done
echo "packaging: unit and scripts are right"
