#!/bin/sh
# criterion.sh CC - makes sure that the test library is there: finds it, installs it, or says how.
has() { printf '#include <criterion/criterion.h>\nTest(a, b) {}\n' | $1 -x c -o /dev/null - -lcriterion 2>/dev/null; }
has "$1" && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if command -v apt-get >/dev/null; then
    echo "Criterion is missing: installing libcriterion-dev" >&2
    $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq libcriterion-dev >&2
elif command -v dnf >/dev/null; then $as_root dnf install -y criterion-devel >&2
elif command -v pacman >/dev/null; then $as_root pacman -S --noconfirm criterion >&2
elif command -v brew >/dev/null; then brew install criterion >&2
fi
has "$1" && exit 0
echo "the tests need Criterion: apt-get install libcriterion-dev (or https://github.com/Snaipe/Criterion), then make check again" >&2
exit 1
