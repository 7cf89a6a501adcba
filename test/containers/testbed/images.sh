# The base images of the test bed, made of Debian and npm packages, since there may be no registry. Sourced by `testbed`.
# shellcheck shell=bash disable=SC2154,SC2016

# Each builder leaves one tar in the cache; the tar's name holds STAMP.
tar_of() { echo "$CACHE/$1.$STAMP.tar"; }

# The host's extra CA certificates, to where update-ca-certificates looks for them.
copy_extra_cas() {
  local root=$1 f
  for f in /usr/local/share/ca-certificates/*.crt; do
    [ -e "$f" ] || continue
    install -D -m 644 "$f" "$root/usr/local/share/ca-certificates/${f##*/}"
  done
}

# The suite, its updates and its security updates, from wherever this machine gets them.
debian_sources() {
  apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) main' 'Identifier: Packages' 'Component: main' |
    grep -E " $SUITE(-updates|-security)? main$" | sort -u
}

build_debian() { # about 30 s
  local out=$1 w=$2
  mkdir -p "$w/extra"; copy_extra_cas "$w/extra"
  local add=()
  [ -z "$(ls -A "$w/extra")" ] || add=("--customize-hook=copy-in $w/extra/usr/local/share/ca-certificates /usr/local/share")
  debian_sources |
    mmdebstrap --quiet --mode=root --variant=minbase --architectures="$(dpkg --print-architecture)" \
      --aptopt='Apt::Install-Recommends "false"' \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
      --dpkgopt='path-exclude=/usr/share/info/*' \
      "${add[@]}" --customize-hook='echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"' --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf"' \
      $SUITE "$out" - >"$w/log" 2>&1 || { tail -20 "$w/log" >&2; return 1; }
}

build_musl() {
  local out=$1 w=$2 r=$2/root a
  a=$(uname -m)
  mkdir -p "$r"/{bin,sbin,lib,etc,tmp,root,proc,sys,dev,run,var/tmp,usr/bin,usr/sbin,usr/lib,home}
  chmod 1777 "$r/tmp" "$r/var/tmp"
  cp -L "/lib/ld-musl-$a.so.1" "$r/lib/ld-musl-$a.so.1"
  ln -s "ld-musl-$a.so.1" "$r/lib/libc.musl-$a.so.1"      # the names that Alpine has
  cp /bin/busybox "$r/bin/busybox"
  local app
  for app in $(/bin/busybox --list); do [ "$app" = busybox ] || ln -sf /bin/busybox "$r/bin/$app"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' >"$r/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65533:\nnobody:x:65534:\n' >"$r/etc/group"
  printf 'NAME="musl test image"\nID=testbed-musl\n' >"$r/etc/os-release"
  tar -C "$r" --numeric-owner --owner=0 --group=0 -cf "$out" .
}

build_distroless() { # Debian packages unpacked, never configured
  local out=$1 w=$2 r=$2/root d
  mkdir -p "$w/deb" "$r"
  # base-files comes first: it lays the folders
  ( cd "$w/deb" && { id _apt >/dev/null 2>&1 && chown _apt . || true; } &&
    apt-get -qq download base-files netbase tzdata libc6 libgcc-s1 libstdc++6 libssl3 ) >"$w/log" 2>&1 || { cat "$w/log" >&2; return 1; }
  for d in "$w"/deb/base-files_*.deb "$w"/deb/*.deb; do
    dpkg-deb --fsys-tarfile "$d" | tar -C "$r" --keep-directory-symlink -xf - --exclude='./usr/share/doc/*' \
      --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/lintian/*' --exclude='./usr/bin/*'
  done
  mkdir -p "$r"/{tmp,home/nonroot,etc/ssl/certs,usr/bin,proc,sys,dev,run}
  chmod 1777 "$r/tmp"
  cp -L /etc/ssl/certs/ca-certificates.crt "$r/etc/ssl/certs/"
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' >"$r/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n' >"$r/etc/group"
  printf 'hosts: files dns\n' >"$r/etc/nsswitch.conf"
  chown -R 65532:65532 "$r/home/nonroot"
  tar -C "$r" --numeric-owner -cf "$out" .
}

build_node() { # laid over debian:bookworm-slim
  local out=$1 w=$2 arch
  case $(uname -m) in x86_64) arch=x64 ;; aarch64) arch=arm64 ;; *) die "no Node for $(uname -m)" ;; esac
  command -v npm >/dev/null || die "npm is needed for the node image"
  mkdir -p "$w/n" "$w/root/usr/local/bin" "$w/root/usr/local/lib/node_modules"
  npm install --prefix "$w/n" --no-audit --no-fund --no-package-lock --loglevel=error \
    "node-linux-$arch@$NODE_MAJOR" npm@11 >"$w/log" 2>&1 || { tail -20 "$w/log" >&2; return 1; }
  cp "$w/n/node_modules/node-linux-$arch/bin/node" "$w/root/usr/local/bin/node"
  cp -a "$w/n/node_modules/npm" "$w/root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$w/root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$w/root/usr/local/bin/npx"
  chmod 755 "$w/root/usr/local/lib/node_modules/npm/bin/"*-cli.js
  tar -C "$w/root" --numeric-owner --owner=0 --group=0 -cf "$out" usr
}

# make_tar NAME BUILDER: build into the cache unless it is there
make_tar() {
  local name=$1 builder=$2 out w
  out=$(tar_of "$name")
  [ -s "$out" ] && return 0
  say "building root filesystem $name"
  w=$(mktemp -d "$DIR/build.XXXXXX")
  if "$builder" "$out.part.tar" "$w" && [ -s "$out.part.tar" ]; then mv "$out.part.tar" "$out"; else rm -rf "$w" "$out.part.tar"; die "could not build $name"; fi
  rm -rf "$w"
}

# import ENGINE TAR IMAGE [--change …]: the image carries the tar's stamp as a
# label, so that a second run leaves it alone.
import_image() {
  local e=$1 tar=$2 image=$3 stamp; shift 3
  stamp=$(stat -c '%Y-%s' "$tar")
  [ "$e" != podman ] || image=docker.io/$image     # the name that docker gives it
  if [ "$(engine "$e" image inspect "$image" --format '{{index .Config.Labels "testbed.stamp"}}' 2>/dev/null)" = "$stamp" ]; then return 0; fi
  [ "$e" != podman ] || set -- --quiet "$@"
  engine "$e" import "$@" --change "LABEL testbed.stamp=$stamp" "$tar" "$image" >/dev/null
  say "$e image $image"
}

# all COMMAND…: each of these functions (a word each, or more in quotes) at the same time
all() {
  local command job jobs=()
  for command in "$@"; do
    # shellcheck disable=SC2086 # words
    $command &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job"; done
}

build_images() {
  all 'make_tar debian build_debian' 'make_tar musl build_musl' 'make_tar distroless build_distroless' "make_tar node$NODE_MAJOR build_node"
  all 'import_images docker' 'import_images podman'
}

import_images() {
  local e=$1 path='PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  # docker knows `library/` as the home of the official short names
  import_image "$e" "$(tar_of debian)" library/debian:bookworm-slim --change "ENV $path" --change 'CMD ["bash"]'
  import_image "$e" "$(tar_of musl)" testbed/musl:latest --change "ENV $path" --change 'CMD ["/bin/sh"]'
  import_image "$e" "$(tar_of distroless)" testbed/distroless:latest --change "ENV $path" \
    --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'
  build_node_image "$e"
}

# The node image is built with a Dockerfile: that also proves `build`, RUN steps
# with the network, and COPY/ADD.
build_node_image() {
  local e=$1 image=node:$NODE_MAJOR-bookworm-slim tar stamp w
  tar=$(tar_of "node$NODE_MAJOR"); stamp=$(stat -c '%Y-%s' "$tar")
  [ "$e" != podman ] || image=docker.io/library/$image
  if [ "$(engine "$e" image inspect "$image" --format '{{index .Config.Labels "testbed.node"}}' 2>/dev/null)" = "$stamp" ]; then return 0; fi
  w=$(mktemp -d "$DIR/build.XXXXXX")
  ln "$tar" "$w/node.tar" 2>/dev/null || cp "$tar" "$w/node.tar"
  # NODE_EXTRA_CA_CERTS: Node trusts its built-in roots only, unless told
  cat >"$w/Dockerfile" <<E
FROM debian:bookworm-slim
ADD node.tar /
RUN apt-get update -qq \\
 && apt-get install -y -qq --no-install-recommends ca-certificates libstdc++6 >/dev/null \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
LABEL testbed.node=$stamp
CMD ["node"]
E
  say "$e image $image (a Dockerfile build)"
  engine "$e" build -q --network host -t "$image" "$w" >"$DIR/build-$e.log" 2>&1 || { tail -20 "$DIR/build-$e.log" >&2; rm -rf "$w"; die "$e build failed"; }
  rm -rf "$w"
}
