#!/bin/sh
# Proves what packaging promises and can be proven without an installation: systemd reads the unit
# without a complaint, its exposure is at most 2.0 of 10, the scripts are valid shell, and what the
# manual links to is in the package.
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
# What the manual links to outside of itself must be in the package, beside it.
for file in ../docs/*.md ../SECURITY.md; do
    for target in $(sed -n 's/.*](\(\.\.\/\)\{0,1\}\([A-Z]*\.md\)).*/\2/p' "$file"); do
        if ! grep -q "^put .* usr/share/doc/gatepost/$target\$" build-deb.sh &&
            [ ! -e "../docs/$target" ]; then
            echo "packaging: $file links to $target, which the package lacks" >&2
            exit 1
        fi
    done
done
echo "packaging: unit and scripts are right"
