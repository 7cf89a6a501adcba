#!/bin/sh
# The npm package's `reinit`: becomes the init for this machine, in the same process, so that init is PID 1 of the container; where there is
# none, or with REINIT_HOST=portable, the portable mode on Node. POSIX alone (dash, busybox). As few processes as possible: until init is
# there, the container has none.

# The kernel gives PID 1 no signal that it does not catch (pid_namespaces(7)): a stop would be lost.
if [ $$ -eq 1 ]; then
  trap 'exit 143' TERM
  trap 'exit 130' INT
  trap 'exit 131' QUIT
fi

# `npm install -g` links PREFIX/bin/reinit to this file, the usual case. Other links are read: `readlink -f` is not everywhere, and `readlink`
# not quite; `ls` writes NAME -> TARGET (POSIX).
case $0 in
  */*) file=$0 ;;
  *) file=./$0 ;;
esac
root=${file%/*}/../lib/node_modules/reinit/build/npm
if ! [ "$file" -ef "$root/bin/reinit" ] 2>/dev/null; then
  while [ -L "$file" ]; do
    target=$(readlink "$file" 2>/dev/null) || { target=$(ls -ld "$file") && target=${target#*"$file -> "}; } || exit 111
    case $target in
      /*) file=$target ;;
      *) file=${file%/*}/$target ;;
    esac
  done
  root=${file%/*}/..
fi

# Linux 6.1 and newer say it without a process (Documentation/admin-guide/sysctl/kernel.rst).
machine=
[ -r /proc/sys/kernel/arch ] && read -r machine </proc/sys/kernel/arch
[ -n "$machine" ] || [ "$(uname -s)" != Linux ] || machine=$(uname -m)
case $machine in
  x86_64) init=$root/linux-x64/reinit ;;
  aarch64) init=$root/linux-arm64/reinit ;;
  *) init= ;;
esac

if [ -x "$init" ] && [ "${REINIT_HOST-}" != portable ]; then
  exec "$init" "$@"
fi
exec node "$root/lib/reinit/main.cjs" portable "$@"
