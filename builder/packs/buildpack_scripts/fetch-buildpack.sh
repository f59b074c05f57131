#!/bin/bash
# fetch-buildpack N NAME URL COMMIT REF: puts the git repository at URL, at COMMIT or else at REF (either may be
# empty), into /tmp/buildpacks/N. Config BUILDPACK_GIT_CREDENTIALS holds lines as git-credential-store(1) keeps them.
exec 2>&1  # one stream keeps its order
name=$2 url=$3 commit=$4 ref=$5
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_GLOBAL=/dev/null
logins=/dev/shm/git-credentials
if [ -f /run/secrets/config ]; then
  (umask 077; env -i bash -c ". /run/secrets/config; echo \"\$BUILDPACK_GIT_CREDENTIALS\"" > "$logins")
fi
git=(git -c "credential.helper=store --file=$logins" -c init.defaultBranch=main -c advice.detachedHead=false)
# A server need not give a commit that no branch or tag is at: then all of them are fetched.
fetch() {
  "${git[@]}" fetch --quiet --depth 1 "$url" "${commit:-${ref:-HEAD}}" 2> /dev/null \
    && "${git[@]}" checkout --quiet FETCH_HEAD && return
  "${git[@]}" fetch --quiet --tags "$url" "+refs/heads/*:refs/remotes/origin/*" \
    && "${git[@]}" checkout --quiet --detach "${commit:-$ref}"
}
mkdir -p "/tmp/buildpacks/$1" && cd "/tmp/buildpacks/$1" || exit 1
"${git[@]}" init --quiet
fetch && { [ ! -f .gitmodules ] || "${git[@]}" submodule --quiet update --init --recursive --depth 1; }
code=$?
rm -f "$logins"
[ $code = 0 ] || echo "portside: $name: it could not be fetched"
exit $code
