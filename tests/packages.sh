#!/bin/sh
# Brings up what the tests need besides Python: a browser for GraphiQL, PostgreSQL with PostGIS as a second store, pgbouncer
# before it, libfaketime for processes whose clock is wrong, and MapServer as the city's WFS.
# Does nothing when all is there; installs what is missing from the system's packages when run by root; otherwise says what to do.
set -eu

have() {
    case "$1" in
        chromium) command -v chromium || command -v chromium-browser || command -v google-chrome ;;
        cgi-mapserver) [ -x /usr/lib/cgi-bin/mapserv ] || command -v mapserv ;;
        pgbouncer) [ -x /usr/sbin/pgbouncer ] || command -v pgbouncer ;;
        libfaketime) ls /usr/lib/*/faketime/libfaketime.so.1 ;;
        postgresql-postgis) ls /usr/share/postgresql/*/extension/postgis.control ;;
    esac >/dev/null 2>&1
}

missing=""
for one in chromium cgi-mapserver postgresql-postgis pgbouncer libfaketime; do
    have "$one" || missing="$missing $one"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "tests/packages.sh: missing:$missing, and no apt-get to install it; install it and run again" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "tests/packages.sh: missing:$missing; run once: sudo tests/packages.sh" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A server that the tests start themselves: Debian shall not make and start one of its own.
mkdir -p /etc/postgresql-common
[ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
for one in $missing; do
    case "$one" in
        postgresql-postgis) package=$(apt-cache search --names-only '^postgresql-[0-9]+-postgis-3$' | sort -V | tail -n 1 | cut -d ' ' -f 1) ;;
        *) package="$one" ;;
    esac
    apt-get install --yes --no-install-recommends -qq "$package" >/dev/null
    have "$one" || {
        echo "tests/packages.sh: apt-get installed '$package', but '$one' is still missing" >&2
        exit 1
    }
done
