#!/bin/sh
# Installs the programs that tests and benchmarks talk to, where they are missing and this user may.
# Without them those tests are skipped, and say so; in CI that is a failure. Tests of the DICOM
# network fail without DCMTK.
set -eu

missing=
command -v Orthanc >/dev/null || missing="$missing orthanc"
for program in storescp dcmqrscp wlmscpfs findscu; do
    command -v $program >/dev/null || missing="${missing% dcmtk} dcmtk"
done
command -v wrk >/dev/null || missing="$missing wrk"
# Certificates of the tests of TLS are made with it.
command -v openssl >/dev/null || missing="$missing openssl"
# The reverse proxies of docs/proxies.md.
for program in nginx caddy; do
    command -v $program >/dev/null || missing="$missing $program"
done
# The provider of identities (tests/wire/oidc) is a package of npm.
command -v npm >/dev/null || missing="$missing nodejs npm"

# A lock file fixes every version; what is there already is left as it is.
install_provider() {
    folder=$(dirname "$0")/wire/oidc
    if command -v npm >/dev/null && [ ! -d "$folder/node_modules/oidc-provider" ]; then
        npm ci --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
    fi
}

if [ -z "$missing" ]; then
    install_provider
    exit 0
fi

# Orthanc's own service would take port 8042, those of the proxies port 80; the tests start them
# themselves. A service that was there before stays as it was.
leave_service_off() {
    if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
        for name in orthanc nginx caddy; do
            case " $missing " in
            *" $name "*) $1 systemctl disable --now $name >/dev/null 2>&1 || true ;;
            esac
        done
    fi
}

if ! command -v apt-get >/dev/null; then
    echo "please install:$missing" >&2
elif [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    leave_service_off ""
    install_provider
    exit 0
elif sudo -n true 2>/dev/null; then
    sudo apt-get update -qq
    # shellcheck disable=SC2086
    sudo DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    leave_service_off sudo
    install_provider
    exit 0
else
    echo "please install as root: apt-get install$missing" >&2
fi
[ -z "${CI:-}" ] || exit 1
