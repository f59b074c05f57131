#!/bin/sh
# One container by hand: run it, wait for its first 200. Use: DOCKER=docker start.sh IMAGE PORT; prints its id.
set -eu
image=$1 port=$2
"$DOCKER" run --detach --init --env PORT=5000 --publish "127.0.0.1:$port:5000" "$image"
until curl --silent --fail --output /dev/null "http://127.0.0.1:$port/"; do sleep 0.01; done
