# The engines of the test bed: started, pointed at, and ended without a trace. Sourced by `testbed`.
# shellcheck shell=bash disable=SC2154

# Debian's own docker client: it has BuildKit built in. A newer client without
# its buildx plugin can only use the old builder.
docker_cli() {
  DOCKER_HOST=unix://$DIR/docker.sock DOCKER_BUILDKIT=${DOCKER_BUILDKIT:-1} DOCKER_CONFIG=$DIR/docker-config /usr/bin/docker "$@"
}
podman_cli() {
  CONTAINERS_CONF=$DIR/podman/containers.conf CONTAINERS_STORAGE_CONF=$DIR/podman/storage.conf \
    CONTAINERS_REGISTRIES_CONF=$DIR/podman/registries.conf BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-oci} \
    TMPDIR=$DIR/podman/tmp /usr/bin/podman "$@"
}
engine() { local e=$1; shift; "${e}_cli" "$@"; }

# The dockerd that this folder's pid file names, if it is alive and really ours.
docker_pid() {
  local pid
  pid=$(cat "$DIR/dockerd.pid" 2>/dev/null) || return 1
  [ -n "$pid" ] && grep -sqzxF -e "unix://$DIR/docker.sock" "/proc/$pid/cmdline" || return 1
  echo "$pid"
}

# After a dockerd that was killed hard, its containers and their shims live on and
# a new dockerd waits for the old containerd. Ends only what carries this folder's
# socket in its arguments, or sits in this folder's own control group.
end_leftovers() {
  local f pid
  # -z: the arguments in /proc/PID/cmdline end in NUL
  while read -r f; do
    pid=${f#/proc/}; pid=${pid%/cmdline}
    [ "$pid" = "$$" ] || kill -KILL "$pid" 2>/dev/null || true
  done < <(grep -slzxF -e "unix://$DIR/docker.sock" -e "$DIR/docker-exec/containerd/containerd.sock" \
    -e "$DIR/docker-exec/containerd/containerd.toml" /proc/[0-9]*/cmdline)
  for pid in $(find /sys/fs/cgroup/"$CGROUP" /sys/fs/cgroup/*/"$CGROUP" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un); do
    kill -KILL "$pid" 2>/dev/null || true
  done
  rm -f "$DIR/docker-exec/containerd/containerd.pid" "$DIR/dockerd.pid" "$DIR/docker.sock"
}

start_docker() {
  if docker_pid >/dev/null && docker_cli version >/dev/null 2>&1; then return 0; fi
  end_leftovers
  mkdir -p "$DIR/docker-config"
  echo '{}' >"$DIR/docker-config/config.json"
  # An overlay cannot lie on an overlay: vfs, which copies, is the fallback.
  local driver=overlay2
  case $(stat -f -c %T "$DIR") in overlayfs) driver=vfs ;; esac
  say "starting dockerd ($driver) under $DIR"
  # Its own mount namespace: no container mount shows up on the machine, and all
  # of them vanish with the processes. The three folders that dockerd and its
  # containerd insist on are bound into ours. No bridge, no firewall rule, no sysctl.
  setsid unshare --mount --propagation slave bash -c '
      dir=$1; shift
      for p in /etc/docker /run/docker /run/containerd; do
        mkdir -p "$p" "$dir/bound$p" && mount --bind "$dir/bound$p" "$p" || exit 1
      done
      exec dockerd "$@"' dockerd "$DIR" \
    --host "unix://$DIR/docker.sock" \
    --data-root "$DIR/docker" --exec-root "$DIR/docker-exec" --pidfile "$DIR/dockerd.pid" \
    --cgroup-parent "/$CGROUP" \
    --storage-driver "$driver" --bridge=none \
    --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
    >"$DIR/dockerd.log" 2>&1 </dev/null 9>&- &
  local child=$!
  for _ in $(seq 150); do
    if docker_cli version >/dev/null 2>&1; then return 0; fi
    kill -0 "$child" 2>/dev/null || break
    sleep 0.1
  done
  tail -15 "$DIR/dockerd.log" >&2
  die "dockerd did not start ($DIR/dockerd.log)"
}

start_podman() {
  [ -f "$DIR/podman/containers.conf" ] && return 0
  say "setting up podman under $DIR"
  mkdir -p "$DIR"/podman/{root,run,libpod,tmp,net}
  # podman asks for 1048576 open files by default, which a machine without
  # CAP_SYS_RESOURCE refuses: stay within the limits that we have ourselves.
  local nofile nproc pidmax
  nofile=$(ulimit -Hn); [ "$nofile" != unlimited ] && [ "$nofile" -le 1048576 ] || nofile=1048576
  # podman lowers its own process limit to pid_max before it starts a container
  nproc=$(ulimit -Hu); pidmax=$(cat /proc/sys/kernel/pid_max)
  [ "$nproc" != unlimited ] && [ "$nproc" -le "$pidmax" ] || nproc=$pidmax
  # runc, not crun: crun refuses a machine whose cgroup v1 and v2 are mixed.
  cat >"$DIR/podman/containers.conf" <<E
[containers]
default_ulimits = ["nofile=$((nofile < 1024 ? nofile : 1024)):$nofile", "nproc=$nproc:$nproc"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "$DIR/podman/libpod"
[network]
network_backend = "netavark"
network_config_dir = "$DIR/podman/net"
E
  local driver=overlay
  case $(stat -f -c %T "$DIR") in overlayfs) driver=vfs ;; esac
  cat >"$DIR/podman/storage.conf" <<E
[storage]
driver = "$driver"
graphroot = "$DIR/podman/root"
runroot = "$DIR/podman/run"
E
  # Short names mean docker.io/library/…, as docker reads them.
  echo 'unqualified-search-registries = ["docker.io"]' >"$DIR/podman/registries.conf"
  # podman mounts /run/netns; remember whether that was so before us.
  if mountpoint -q /run/netns; then echo yes >"$DIR/netns-was-mounted"; fi
}

start_engines() {
  mkdir -p "$DIR/bin"
  local e
  for e in docker podman buildah; do [ ! -x "/usr/bin/$e" ] || ln -sf "/usr/bin/$e" "$DIR/bin/$e"; done
  start_docker
  start_podman
}

stop_docker() {
  local pid id
  pid=$(docker_pid) || { end_leftovers; return 0; }
  for id in $(docker_cli ps -aq 2>/dev/null); do docker_cli rm -f "$id" >/dev/null 2>&1 || true; done
  for id in $(docker_cli network ls -q --filter type=custom 2>/dev/null); do docker_cli network rm "$id" >/dev/null 2>&1 || true; done
  kill -TERM "$pid" 2>/dev/null || true
  for _ in $(seq 200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  if docker_pid >/dev/null; then say "dockerd $pid did not stop in 20 s: killing it"; fi
  end_leftovers
}
stop_podman() {
  [ -f "$DIR/podman/containers.conf" ] || return 0
  command -v podman >/dev/null || return 0
  podman_cli rm -af -t 0 >/dev/null 2>&1 || true
  podman_cli network prune -f >/dev/null 2>&1 || true
}
down() {
  [ -d "$DIR" ] || return 0
  # Only a folder that this script made is ever deleted.
  [ -f "$DIR/.testbed" ] || die "$DIR is not a test bed: not touched"
  stop_docker; stop_podman
  local m
  awk -v d="$DIR/" 'index($5, d) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r m; do umount -l "$m" 2>/dev/null || true; done
  if [ -d "$DIR/podman" ] && [ ! -f "$DIR/netns-was-mounted" ] && mountpoint -q /run/netns && [ -z "$(ls -A /run/netns)" ]; then
    umount /run/netns || true
  fi
  local g
  for g in /sys/fs/cgroup/"$CGROUP" /sys/fs/cgroup/*/"$CGROUP"; do
    [ -d "$g" ] || continue
    find "$g" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  done
  # podman's parent group, if nothing (of anybody's) is left in it
  rmdir /sys/fs/cgroup/{,*/}libpod_parent/conmon /sys/fs/cgroup/{,*/}libpod_parent 2>/dev/null || true
  if awk -v d="$DIR/" 'index($5, d) == 1 {exit 1}' /proc/self/mountinfo; then rm -rf "$DIR"; else die "something is still mounted under $DIR"; fi
  say "removed $DIR"
}

print_env() {
  # First in PATH, since another docker client may lie in front of Debian's.
  printf 'export PATH=%s/bin:$PATH\n' "$DIR"
  printf 'export DOCKER_HOST=unix://%s/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=%s/docker-config\n' "$DIR" "$DIR"
  printf 'export CONTAINERS_CONF=%s/podman/containers.conf CONTAINERS_STORAGE_CONF=%s/podman/storage.conf\n' "$DIR" "$DIR"
  printf 'export CONTAINERS_REGISTRIES_CONF=%s/podman/registries.conf BUILDAH_ISOLATION=oci\n' "$DIR"
}
