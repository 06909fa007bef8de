#!/bin/sh
# Builds the Debian package from a built binary:
#
#     cargo build --release && packaging/build-deb.sh [BINARY [FOLDER]]
#
# DEBFULLNAME and DEBEMAIL say who maintains it.
# BINARY is target/release/gatepost by default; the package is written into FOLDER (target).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
binary=${1:-$root/target/release/gatepost}
out=${2:-$root/target}
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -n 1)
architecture=$(dpkg --print-architecture)
# Who answers for the package is who builds it, as Debian's own tools have it.
maintainer="${DEBFULLNAME:-The Gatepost project} <${DEBEMAIL:-maintainers@gatepost.invalid}>"

if [ ! -x "$binary" ]; then
    echo "build-deb.sh: $binary is not there; run cargo build --release first" >&2
    exit 2
fi

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
chmod 0755 "$tree"

# put MODE SOURCE TARGET
put() {
    install -D -m "$1" "$2" "$tree/$3"
}

put 0755 "$binary" usr/bin/gatepost
# What programs of the machine call; it knows itself by its name.
mkdir -p "$tree/usr/sbin"
ln -s ../bin/gatepost "$tree/usr/sbin/sendmail"
ln -s gatepost "$tree/usr/bin/mailq"
ln -s gatepost "$tree/usr/bin/newaliases"
put 0644 "$here/gatepost.service" lib/systemd/system/gatepost.service
put 0644 "$here/gatepost.sysusers" usr/lib/sysusers.d/gatepost.conf
put 0644 "$here/gatepost.tmpfiles" usr/lib/tmpfiles.d/gatepost.conf
for page in "$root"/docs/*.md; do
    put 0644 "$page" "usr/share/doc/gatepost/manual/$(basename "$page")"
done
# The manual links to the first, and that to the second.
put 0644 "$root/SECURITY.md" usr/share/doc/gatepost/SECURITY.md
put 0644 "$root/ARCHITECTURE.md" usr/share/doc/gatepost/ARCHITECTURE.md
put 0644 "$root/CHANGELOG.md" usr/share/doc/gatepost/changelog
gzip -9n "$tree/usr/share/doc/gatepost/changelog"
{
    echo 'Gatepost is licensed under the MIT licence or the Apache licence 2.0, as you like.'
    echo 'The text of the second is in /usr/share/common-licenses/Apache-2.0.'
    echo
    cat "$root/LICENSE-MIT"
} > "$tree/usr/share/doc/gatepost/copyright"
chmod 0644 "$tree/usr/share/doc/gatepost/copyright"

completions() {
    mkdir -p "$tree/$(dirname "$2")"
    "$binary" completions "$1" > "$tree/$2"
    chmod 0644 "$tree/$2"
}
completions bash usr/share/bash-completion/completions/gatepost
completions zsh usr/share/zsh/vendor-completions/_gatepost
completions fish usr/share/fish/vendor_completions.d/gatepost.fish

# What the binary is linked against, where Debian's tool for it is there.
depends='libc6 (>= 2.36), libgcc-s1'
if command -v dpkg-shlibdeps > /dev/null; then
    mkdir -p "$tree/debian"
    : > "$tree/debian/control"
    found=$(cd "$tree" && dpkg-shlibdeps -O usr/bin/gatepost 2> /dev/null || true)
    rm -r "$tree/debian"
    [ -z "$found" ] || depends=${found#shlibs:Depends=}
fi

mkdir "$tree/DEBIAN"
size=$(du -k -s "$tree" | cut -f 1)
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size/" \
    -e "s/@DEPENDS@/$depends/" -e "s/@MAINTAINER@/$maintainer/" "$here/debian/control.in" > "$tree/DEBIAN/control"
for script in postinst prerm postrm; do
    install -m 0755 "$here/debian/$script" "$tree/DEBIAN/$script"
done
(cd "$tree" && find usr lib -type f -exec md5sum {} + > DEBIAN/md5sums)
chmod 0644 "$tree/DEBIAN/control" "$tree/DEBIAN/md5sums"

mkdir -p "$out"
package=$out/gatepost_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package" > /dev/null
echo "$package"
