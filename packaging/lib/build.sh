# shellcheck shell=bash
# shellcheck disable=SC2154  # top and command_name come from the sourcing script
# Configures and builds one of the presets. Sourced after report.sh.

# build_preset PRESET [TARGET…]: builds these targets, or everything; programs are then in build/PRESET/bin.
build_preset() {
  local preset=$1
  shift
  need_space "${top}/build" 1000 "Building"
  configure "${preset}"
  say "Building (${preset}) …"
  new_log build
  compile --preset "${preset}" ${1:+--target "$@"} || explain_build_failure
}

configure() {
  local preset=$1
  new_log configure
  cd "${top}" || return
  logged configure cmake --preset "${preset}" && return 0
  # A cache from a tree that has been moved or from before a package was installed does not recover by itself.
  logged configure cmake --preset "${preset}" --fresh ||
    fail "CMake could not configure the build; see $(log_file configure) for what it misses, install that, and run ${command_name} again."
}

# Shows how far it is on a terminal, and nothing elsewhere.
compile() {
  local line
  CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(build_jobs)} NINJA_STATUS='[%f/%t] ' \
    cmake --build "$@" 2>&1 </dev/null 9>&- | tee -a "$(log_file build)" |
    if [[ -t 1 ]]; then
      while IFS= read -r line; do
        if [[ ${line} =~ ^\[([0-9]+)/([0-9]+)\] ]]; then printf '\r%s of %s ' "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"; fi
      done
      printf '\r\e[K'
    else
      cat >/dev/null
    fi
}

# One job a core, but no more than memory holds: a compiler process takes up to 1.5 GB.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1536 / 1024) }' /proc/meminfo)
  ((memory > 0)) || memory=1
  printf '%d' "$((cores < memory ? cores : memory))"
}

explain_build_failure() {
  local log
  log=$(log_file build)
  if log_says build 'no space left'; then
    fail "The disk is full; make room for 1 GB at ${top}/build and run ${command_name} again (${log})."
  elif log_says build 'killed signal|cannot allocate memory|virtual memory exhausted'; then
    fail "Memory ran out while compiling; close other programs and run CMAKE_BUILD_PARALLEL_LEVEL=1 ${command_name} (${log})."
  fi
  fail "Runnel could not be built; the first line with 'error:' or 'FAILED:' in ${log} says why: undo or repair that change and run ${command_name} again."
}
