#!/bin/sh
# The floor under a deploy: push to a bare repository, build, run, wait for the first 200. Nothing else.
# Use: DOCKER=docker floor.sh WORKTREE BARE_REPOSITORY IMAGE PORT; prints the new container's id.
set -eu
worktree=$1 bare=$2 image=$3 port=$4
git -C "$worktree" push --quiet "$bare" HEAD:refs/heads/main
git -C "$bare" archive main | DOCKER_BUILDKIT=1 "$DOCKER" build --quiet --tag "$image" - >/dev/null
exec "$(dirname "$0")/start.sh" "$image" "127.0.0.1:$port" --publish "127.0.0.1:$port:5000"
