# What bench/run and bench/soak share, for bash: the build, a directory for
# files, and what the Lua files are told by variables. Sets root, here, build.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
here=$root/bench
build=$root/build/bench-release

build_all() {
  local log
  log=$(mktemp) || exit 1
  if ! { cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DPEXEC_SPECS=OFF -DPEXEC_BENCH=ON &&
    cmake --build "$build" --target benches -j "$(nproc)"; } \
    >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
  fi
  rm -f "$log"
}

clean_up() { rm -rf "$PEXEC_BENCH_DIR"; }

make_directory() {
  local place=${TMPDIR:-/dev/shm}
  [ -w "$place" ] || place=/tmp
  PEXEC_BENCH_DIR=$(mktemp -d "$place/pexec-bench.XXXXXX") || exit
  export PEXEC_BENCH_DIR
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  printf 'files: on %s, in %s\n' "$(stat -f -c %T "$place")" "$place"
}

# Root may have more descriptors than its limit says, others up to it.
raise_limit() {
  ulimit -n 65536 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
}

set_up() { # GROUP...; of what spec/support/install installs
  "$root/spec/support/install" "$@" </dev/null || exit
  build_all
  raise_limit
  make_directory
  unset LUA_PATH_5_4 LUA_CPATH_5_4
  export PEXEC_BASELINE=$build/bench/baseline PEXEC_STAMP=$build/bench/stamp
  export PEXEC_WRITER=$build/bench/writer PEXEC_FLOW=$build/bench/flow
  export PEXEC_PUMPS=$build/bench/pumps PEXEC_MAYFLY=$build/bench/mayfly
  export PEXEC_BARE_RIGHTS=$build/bench/bare_rights
  export LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;$here/?.lua;;"
  export LUA_CPATH="$build/lua/?.so;$build/bench/?.so;;"
  cd "$root" || exit
}
