#!/bin/sh
# The steps of the image that can be run anywhere, in the working directory: the Dockerfile runs them, and so does a test, which
# has no Docker. What only an image can do (packages of the system, users) stands in the Dockerfile.
set -eu

case "${1:-}" in
  install)
    # $2: the package, a version of it (trainer-sdk@0.2.0), or the path of an archive.
    npm install --omit=dev --no-audit --no-fund --loglevel=error "${2:-trainer-sdk}"
    ;;
  folders)
    # All that the trainer may write. Owned by the user that it runs as, here the one called node in Node's own images.
    mkdir -p journal work
    if [ "$(id -u)" = 0 ]; then chown 1000:1000 journal work; fi
    ;;
  check)
    # A broken installation fails the build, not the first training.
    node --input-type=module --eval 'await import("trainer-sdk")'
    ;;
  *)
    echo "usage: steps.sh install [package] | folders | check" >&2
    exit 2
    ;;
esac
