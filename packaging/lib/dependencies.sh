# shellcheck shell=bash
# shellcheck disable=SC2154  # top and command_name come from the sourcing script
# Installs what is missing of the packages named in packaging/dependencies. Sourced after report.sh.

# listed_packages LIST…: the names in packaging/dependencies/LIST.txt, without the reasons.
listed_packages() {
  local list
  for list in "$@"; do
    sed -E 's/#.*//; s/^[[:space:]]*([^[:space:]]*).*/\1/; /^$/d' "${top}/packaging/dependencies/${list}.txt"
  done
}

# Those of the named packages that are not installed. Needs neither root nor the network.
missing_packages() {
  local installed
  # dpkg-query fails when it does not know one of them, which is just what is asked.
  installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p') || true
  comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"${installed}")
}

# install_dependencies LIST…: does nothing, and needs nothing, when all is there.
install_dependencies() {
  local wanted missing
  mapfile -t wanted < <(listed_packages "$@")
  if ! command -v dpkg-query >/dev/null; then
    fail "This is not a Debian system; install the equivalents of the packages in packaging/dependencies with its own package manager, then build with: cmake --preset release && cmake --build --preset release"
  fi
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]} > 0)) || return 0
  require_debian_12 "${missing[@]}"
  new_log packages
  # Measured over the whole lists: 25 MB for each package named, with what it brings along and the downloaded archive.
  need_space /usr "$((30 * ${#missing[@]}))" "Installing the packages that are missing"
  as_root_or_explain "${missing[@]}"
  if ((${#missing[@]} > 3)); then say "Installing ${#missing[@]} packages …"; else say "Installing ${missing[*]} …"; fi
  # One source that fails need not be one of those we need: whether it is shows in the installation.
  apt_get update || true
  apt_get install --yes --no-install-recommends "${missing[@]}" || explain_apt_failure
  mapfile -t missing < <(missing_packages "${wanted[@]}")
  ((${#missing[@]} == 0)) || fail "apt-get did not install ${missing[*]}; see $(log_file packages) and install them by hand."
}

require_debian_12() {
  local name
  name=$(sed -n 's/^PRETTY_NAME="\?\([^"]*\)"\?$/\1/p' /etc/os-release 2>/dev/null) || true
  # shellcheck disable=SC1091  # not ours
  (. /etc/os-release && [[ ${ID:-} == debian && ${VERSION_ID:-} == 12 ]]) 2>/dev/null ||
    fail "Runnel sets itself up on Debian 12, and this is ${name:-another system}; install the equivalents of these packages yourself, then run ${command_name} again: $*"
}

# Sets `root`, the prefix that makes a command run as root.
as_root_or_explain() {
  local by_hand="apt-get update && apt-get install --no-install-recommends $*"
  root=()
  ((EUID == 0)) && return 0
  command -v sudo >/dev/null ||
    fail "Packages are missing and there is no sudo; run this as root, then ${command_name} again: ${by_hand}"
  root=(sudo)
  # Asks for the password here, once and visibly, rather than in the middle of apt's output.
  if [[ -t 0 ]]; then
    sudo --validate
  else
    sudo --non-interactive true 2>>"$(log_file packages)"
  fi || fail "Packages are missing and sudo does not let $(id -un) install them; run this as root, then ${command_name} again: ${by_hand}"
}

# English messages, so that they can be recognized; waits for another apt-get rather than failing at once.
apt_get() {
  local variable settings=(LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
  for variable in http_proxy https_proxy no_proxy; do  # sudo would drop them
    if [[ -n ${!variable:-} ]]; then settings+=("${variable}=${!variable}"); fi
  done
  logged packages "${root[@]}" env "${settings[@]}" apt-get -qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 "$@"
}

explain_apt_failure() {
  local log
  local again="and run ${command_name} again"
  log=$(log_file packages)
  if log_says packages 'could not get lock|unable to (acquire|lock)'; then
    fail "Another program is installing packages; wait until it has ended ${again} (${log})."
  elif log_says packages 'no space left|enough free space'; then
    fail "The disk is full; make room for 2 GB ${again} (${log})."
  elif log_says packages 'dpkg was interrupted|unmet dependencies|held broken'; then
    fail "The package system needs repair; run dpkg --configure -a and apt-get --fix-broken install as root ${again} (${log})."
  elif log_says packages 'could not resolve|temporary failure|could not connect|failed to fetch|timed out|unreachable|connection failed'; then
    fail "The package archive cannot be reached; check the network connection and any proxy ${again} (${log})."
  elif log_says packages 'unable to locate package|no installation candidate'; then
    fail "Debian's main archive for bookworm is not among the package sources; add it to /etc/apt/sources.list ${again} (${log})."
  fi
  fail "apt-get could not install the packages; its messages in ${log} say why: remedy that ${again}."
}
