#!/usr/bin/env bash
# Builds what a release has for the machine that this runs on, into target/dist: the wheel, the archive with completions and manual
# pages, and on Linux the zip of the Lambda function. With an argument, the tag of the release, which has to be that of the version.
#
# On Linux zig links against glibc 2.28: Debian 10, Ubuntu 20.04, RHEL 8, Amazon Linux 2023 and whatever is newer run it. One build
# is both the binary of the archive and the manylinux wheel. A static musl binary would run on Alpine too, but it would be another
# build for the wheel, and musl looks names up without nsswitch.conf, by which networks of companies find theirs.
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$PWD/target/dist
tools=$PWD/.tools/release

version=$(cargo pkgid --locked -p cli)
version=${version##*[#@]}
if [ $# -gt 0 ] && [ "$1" != "v$version" ]; then
  echo "release/build.sh: the tag is $1, but the version in Cargo.toml is $version" >&2
  exit 1
fi

if ! cmp -s release/requirements.txt "$tools/requirements.txt"; then
  echo 'installing maturin, zig and cargo-lambda into .tools/release (about 500 MB)'
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: -r release/requirements.txt
  cp release/requirements.txt "$tools/"
fi
export PATH="$tools/bin:$PATH"

rm -rf "$dist"
mkdir -p "$dist"
target=$(rustc --print host-tuple)
case $target in
  *-linux-gnu) linux=(--zig --compatibility manylinux_2_28 --auditwheel check) ;;
  *) linux=() ;;
esac
maturin build --release --locked ${linux[@]+"${linux[@]}"} --out "$dist"

# The binary of the archive is that of the wheel.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
name=glue-ddb-crawler-$version-$target
folder=$work/$name
mkdir -p "$folder/completions"
python3 -m zipfile -e "$dist"/*.whl "$work/wheel"
install -m 755 "$work"/wheel/*.data/scripts/glue-ddb-crawler "$folder/"
program=$folder/glue-ddb-crawler
"$program" completions bash >"$folder/completions/glue-ddb-crawler.bash"
"$program" completions fish >"$folder/completions/glue-ddb-crawler.fish"
"$program" completions zsh >"$folder/completions/_glue-ddb-crawler"
"$program" man "$folder/man/man1"
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$folder/"
tar -C "$work" -czf "$dist/$name.tar.gz" "$name"

if [[ $target == *-linux-gnu ]]; then
  # In the folder of the crate, whose Cargo.toml says how it is built; as `sam build` does it.
  (cd crates/lambda && cargo lambda build --quiet --locked --release --bin sys-glue-ddb-crawler --output-format zip \
    --lambda-dir "$work/lambda" --target "$target")
  cp "$work/lambda/sys-glue-ddb-crawler/bootstrap.zip" "$dist/sys-glue-ddb-crawler-$version-${target%%-*}.zip"
fi
ls -l "$dist"
