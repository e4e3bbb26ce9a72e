#!/bin/sh
# scripts/install_hooks.sh: installs scripts/pre-commit.sh as the pre-commit hook of this clone. A different hook that is
# already installed is kept, and reported as an error.
set -eu
cd "$(dirname "$0")/.."
hook=$(git rev-parse --git-path hooks)/pre-commit
line='exec sh scripts/pre-commit.sh'
if [ -e "$hook" ] && ! grep -qxF "$line" "$hook"; then
    echo "'$hook' exists and is not Rondo's: add the line '$line' to it" >&2
    exit 1
fi
mkdir -p "$(dirname "$hook")"
printf '#!/bin/sh\n%s\n' "$line" >"$hook"
chmod +x "$hook"
echo "git runs scripts/pre-commit.sh before each commit; 'git commit --no-verify' skips it"
