# shellcheck shell=bash
# shellcheck disable=SC2154  # top and command_name come from the sourcing script
# A bare Debian 12 in a folder, to see what Runnel lacks on a machine where nothing is installed. Sourced after report.sh.
#
# Mounts and processes live in namespaces of their own, so that they end with the command that needed them.

# Sets `bare_root`, removed when the script ends unless `keep_root` is set.
make_bare_root() {
  ((EUID == 0)) || fail "A bare system can only be made by root; run: sudo ${command_name}"
  bare_root=$(mktemp -d "${TMPDIR:-/var/tmp}/runnel-root-XXXXXX")
  trap remove_bare_root EXIT
  chmod 755 "${bare_root}"  # it is the root folder of ordinary users, too
  need_space "${bare_root}" 5000 "A bare Debian with everything that Runnel needs"
  local mirror
  # shellcheck disable=SC2016  # apt's variables
  mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 'Origin: Debian' | sort -u | head -n 1)
  [[ -n ${mirror} ]] || fail "apt knows no archive of Debian bookworm; run apt-get update as root, then ${command_name} again."
  say "Making a bare Debian 12 in ${bare_root} …"
  new_log root
  logged root debootstrap --variant=minbase bookworm "${bare_root}" "${mirror}" ||
    fail "debootstrap failed; the end of $(log_file root) says why: remedy that and run ${command_name} again."
  connect_bare_root
  in_root root useradd --create-home --shell /bin/bash tester
}

remove_bare_root() {
  if [[ -n ${keep_root:-} ]]; then
    say "The bare system is kept in ${bare_root}."
  else
    rm -rf --one-file-system "${bare_root}"
  fi
}

# Gives the bare system this machine's way into the network: resolver, package sources, local certificates, pip settings.
connect_bare_root() {
  local file
  # shellcheck disable=SC2016  # apt's variables
  apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"${bare_root}/etc/apt/sources.list"
  cp --dereference /etc/resolv.conf "${bare_root}/etc/resolv.conf"
  apt-config dump | grep -E '^Acquire::(Check|https?::|Retries)' >"${bare_root}/etc/apt/apt.conf.d/90network" || true
  for file in /usr/local/share/ca-certificates /etc/ssl/certs/ca-certificates.crt /etc/pip.conf; do
    [[ -e ${file} ]] || continue
    mkdir -p "${bare_root}$(dirname "${file}")"
    cp --recursive "${file}" "${bare_root}${file}"
  done
}

# in_root USER COMMAND…: runs as that user in the bare system, in the user's home folder.
in_root() {
  local user=$1 home=/root variable settings
  shift
  [[ ${user} == root ]] || home=/home/${user}
  settings=("HOME=${home}" "USER=${user}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
  for variable in http_proxy https_proxy no_proxy PIP_INDEX_URL PIP_PROXY PIP_TRUSTED_HOST DISPLAY CI; do
    if [[ -n ${!variable:-} ]]; then settings+=("${variable}=${!variable}"); fi
  done
  # shellcheck disable=SC2016  # expanded by the inner shell
  unshare --mount --pid --fork --kill-child bash -euc '
    root=$1 user=$2 home=$3
    shift 3
    mount -t proc proc "${root}/proc"
    mount --rbind /sys "${root}/sys"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "${root}/dev/pts"
    mount -t tmpfs -o mode=1777 tmpfs "${root}/dev/shm"
    if [[ -d /tmp/.X11-unix ]]; then
      mkdir -p "${root}/tmp/.X11-unix"
      mount --bind /tmp/.X11-unix "${root}/tmp/.X11-unix"
    fi
    exec chroot "${root}" runuser --user "${user}" -- env --ignore-environment --chdir="${home}" "$@"
  ' in_root "${bare_root}" "${user}" "${home}" "${settings[@]}" "$@"
}
