#!/bin/sh
# Brings up what the comparison with the peers needs besides npm's packages: wrk makes the load, nginx is the peers' upstream.
# Does nothing when all is there; installs what is missing from the system's packages when run by root; otherwise says what to do.
set -eu

# Debian 12 has a Node.js that is too old for Mercurius: which one to take is not decided here.
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1 ||
    [ "$(node --print 'process.versions.node.split(".")[0] >= 20')" != true ]; then
    echo "bench/peers/packages.sh: the peers run on Node.js 20 or newer, with npm; install it and run again" >&2
    exit 1
fi

missing=""
for one in nginx wrk; do
    command -v "$one" >/dev/null 2>&1 || [ -x "/usr/sbin/$one" ] || missing="$missing $one"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "bench/peers/packages.sh: missing:$missing, and no apt-get to install it; install it and run again" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "bench/peers/packages.sh: missing:$missing; run once: sudo bench/peers/packages.sh" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# A server that the benchmark starts itself: Debian shall not start one of its own (invoke-rc.d(8) asks policy-rc.d).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
fi
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install --yes --no-install-recommends -qq $missing >/dev/null
