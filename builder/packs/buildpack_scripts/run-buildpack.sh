#!/bin/bash
# run-buildpack N NAME: runs the buildpack in /tmp/buildpacks/N on /app, with what the ones before it export.
exec 2>&1  # one stream keeps its order
name=$2 folder=/tmp/buildpacks/$1 cache=/tmp/cache/$1 config=/run/env
stop() { echo "portside: $name: $2"; exit "$1"; }
for file in detect compile; do
  [ -f "$folder/bin/$file" ] || stop 1 "bin/$file is missing"
  [ -x "$folder/bin/$file" ] || stop 1 "bin/$file is not executable"
done
# The config, a file for each variable, in memory only.
if [ -f /run/secrets/config ]; then
  env -i bash -c ". /run/secrets/config; exec /usr/bin/env -0" | while IFS= read -r -d "" pair; do
    case ${pair%%=*} in PWD|SHLVL|_) ;; *) printf "%s" "${pair#*=}" > "$config/${pair%%=*}" ;; esac
  done
fi
[ ! -f "$config/STACK" ] || STACK=$(cat "$config/STACK")
export STACK
for ((earlier = 1; earlier < $1; earlier++)); do
  [ ! -f "/tmp/buildpacks/$earlier/export" ] || . "/tmp/buildpacks/$earlier/export"
done
cd /app || exit 1
title=$("$folder/bin/detect" /app < /dev/null); code=$?
[ $code = 0 ] || { [ -z "$title" ] || echo "$title"; stop $code "bin/detect ended with exit code $code"; }
echo "${title:-$name} app detected"
"$folder/bin/compile" /app "$cache" "$config" < /dev/null; code=$?
[ $code = 0 ] || stop $code "bin/compile ended with exit code $code"
: > /tmp/release.yml
if [ -f "$folder/bin/release" ]; then
  [ -x "$folder/bin/release" ] || stop 1 "bin/release is not executable"
  "$folder/bin/release" /app < /dev/null > /tmp/release.yml; code=$?
  [ $code = 0 ] || stop $code "bin/release ended with exit code $code"
fi
