#!/usr/bin/env bash
# Makes .venv with this checkout installed in it: `setup/venv.sh server` or `setup/venv.sh server,test`.
# The one part of set-up that can't be Python yet. Does nothing when pyproject.toml is as it was.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly extras="${1:-server}"
readonly stamp=.venv/.portside-installed
readonly new_enough='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'

say() { printf -- '-----> %s\n' "$*"; }

find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c "$new_enough" 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

# Debian keeps venv and ensurepip in packages of their own; Ubuntu 22.04's python3 is 3.10, its python3.11 is new enough.
python_packages() {
  if [[ "$(apt-cache policy python3 2>/dev/null | awk '/Candidate:/ {print $2}')" == 3.10* ]]; then
    printf 'python3.11 python3.11-venv\n'
  else
    printf 'python3 python3-venv\n'
  fi
}

install_python() {
  local -a packages
  read -r -a packages <<<"$(python_packages)"
  if [[ $EUID -ne 0 ]]; then
    printf ' !     No Python 3.11 or newer with venv on this machine.\n !     %s\n' \
      "sudo apt-get update && sudo apt-get install -y ${packages[*]}" >&2
    exit 1
  fi
  say "Installing ${packages[*]}"
  apt-get update -q >/dev/null || true # a source out of reach is no reason to stop
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${packages[@]}" >/dev/null
}

fingerprint() { { printf '%s\n' "$PWD" "$1"; cat pyproject.toml; } | sha256sum | cut -d' ' -f1; }

# What is there serves as well when it has more extras than asked for.
for have in "$extras" server,test; do
  if [[ -x .venv/bin/portside-server && -f $stamp && "$(<"$stamp")" == "$(fingerprint "$have")" ]]; then
    exit 0
  fi
done

if [[ ! -x .venv/bin/python ]]; then
  python=$(find_python) || { install_python; python=$(find_python); }
  say "Making .venv with $("$python" --version)"
  "$python" -m venv .venv
fi

say "Installing Portside and its libraries into .venv"
began=$SECONDS
if command -v uv >/dev/null && uv pip install --quiet --python .venv/bin/python --editable ".[$extras]" 2>/dev/null; then
  :
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$extras]"
fi
fingerprint "$extras" >"$stamp"
printf '       done in %d s\n' "$((SECONDS - began))"
