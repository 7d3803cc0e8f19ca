#!/bin/sh
# Brings up what the tests need besides Python: Chromium, for the test that opens GraphiQL in a browser.
# Does nothing when it is there; installs it from the system's packages when run by root; otherwise says what to do.
set -eu

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

if ! command -v apt-get >/dev/null 2>&1; then
    echo "tests/packages.sh: no Chromium found, and no apt-get to install it; put 'chromium' on the PATH and run again" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "tests/packages.sh: no Chromium found; run once: sudo apt-get install chromium" >&2
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install --yes --no-install-recommends -qq chromium >/dev/null
command -v chromium >/dev/null 2>&1 || {
    echo "tests/packages.sh: apt-get installed 'chromium', but there is no such command" >&2
    exit 1
}
