#!/usr/bin/env bash
# Makes a Docker image from the redis-server installed on this machine, for places that cannot pull one:
#   test/packages/containers/build-image.sh redis-local:ci
#   REDIS_IMAGE=redis-local:ci npm run test:containers
# The image holds the server, the libraries it is linked with and an empty /tmp; no shell.
set -euo pipefail

tag=${1:?usage: build-image.sh NAME:TAG}
server=$(readlink -f "$(command -v redis-server)")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root/usr/bin" "$root/tmp"
chmod 1777 "$root/tmp"
cp "$server" "$root/usr/bin/redis-server"

# ldd prints "libc.so.6 => /lib/…/libc.so.6 (0x…)" and, for the loader, "/lib64/ld-linux-x86-64.so.2 (0x…)".
ldd "$server" | grep -o '/[^ ]*' | while read -r library; do
  mkdir -p "$root$(dirname "$library")"
  cp -L "$library" "$root$library"
done

tar -C "$root" -c . | docker import \
  --change 'ENV PATH=/usr/bin' --change 'EXPOSE 6379' --change 'WORKDIR /tmp' --change 'CMD ["redis-server"]' \
  - "$tag"
