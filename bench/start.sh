#!/bin/sh
# One container by hand: run it, wait for its first 200.
# Use: DOCKER=docker start.sh IMAGE ADDRESS OPTION…; prints its id. OPTIONs of docker run make port 5000 reachable at ADDRESS.
set -eu
image=$1 address=$2
shift 2
"$DOCKER" run --detach --init --env PORT=5000 "$@" "$image"
until curl --silent --fail --output /dev/null "http://$address/"; do sleep 0.01; done
