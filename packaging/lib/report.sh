# shellcheck shell=bash
# shellcheck disable=SC2154  # top comes from the sourcing script
# How our scripts speak: few lines while all goes well, one sentence and exit code 1 when it does not. What the tools print
# goes to log files. Sourced; the sourcing script has set `top`, the root of the source tree.

readonly command_name=${0#"${top}/"}
readonly log_dir=${top}/build/log

say() { printf '%s\n' "$*"; }

# Ends the script with one sentence, which says what to do.
fail() {
  trap - ERR
  printf '%s: %s\n' "${command_name}" "$*" >&2
  exit 1
}

# A subshell leaves the sentence to the shell that waits for it.
unforeseen() {
  ((BASH_SUBSHELL == 0)) || exit 1
  fail "Something unexpected failed (line $2 of $1); look into the files in ${log_dir} and run ${command_name} again."
}

# Prepares the logs, keeps a second set-up of the same tree out, and gives even an unforeseen failure its sentence.
begin() {
  set -E  # functions inherit the trap
  trap 'unforeseen "${BASH_SOURCE[0]##*/}" "${LINENO}"' ERR
  { mkdir -p "${log_dir}" && : >>"${log_dir}/lock"; } 2>/dev/null ||
    fail "Cannot write to ${top}/build; make the source tree writable for $(id -un), or free space on its disk, and run ${command_name} again."
  exec 9>>"${log_dir}/lock"
  flock --nonblock 9 || fail "Another set-up is at work in ${top}; wait until it has ended and run ${command_name} again."
}

# logged LOG COMMAND…: the output goes to build/log/LOG.log, nothing is read from the terminal.
logged() {
  local log=$1
  shift
  "$@" >>"$(log_file "${log}")" 2>&1 </dev/null 9>&-
}

log_file() { printf '%s/%s.log' "${log_dir}" "$1"; }

new_log() {
  { : >"$(log_file "$1")"; } 2>/dev/null || fail "Cannot write to ${log_dir}; make it writable for $(id -un), or free space on its disk and run ${command_name} again."
}

# log_says LOG PATTERN: whether a tool wrote something that matches (extended regular expression, any case).
log_says() { grep -qiE "$2" "$(log_file "$1")"; }

# need_space FOLDER MEGABYTES PURPOSE: refuses early instead of filling the disk.
need_space() {
  local folder=$1 needed=$2 purpose=$3 free
  while [[ ! -d ${folder} ]]; do folder=$(dirname "${folder}"); done
  free=$(df --output=avail -BM "${folder}" | tail -n 1 | tr -dc '0-9')
  ((free >= needed)) ||
    fail "${purpose} needs ${needed} MB of free disk space at ${folder}, where ${free} MB are free; make room and run ${command_name} again."
}
