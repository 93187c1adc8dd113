# set_up: from a fresh clone to build/release, for scripts/leakhunt and scripts/test, which source it.
#
# Everything it says goes to stderr. Every function returns 0, or ends the script after saying why and what to do:
# exit status 2, as for anything that is missing. `root` is the checkout, set by the sourcing script.
# shellcheck shell=bash

: "${root:?is set by the script that sources this}"
build="$root/build/release"
stamp="$root/build/set_up.stamp"
packages_file="$root/scripts/packages"
tools="$root/build/tools"
logs="$root/build/logs"
# Everything the build reads. Folders count too: a source that was deleted leaves its folder newer.
sources=("$root"/{CMakeLists.txt,CMakePresets.json,cli,cmake,instrument,lib,reports,scenarios,scripts/packages})

say() { printf 'leakhunt: %s\n' "$*" >&2; }
give_up() {
  say "$@"
  exit 2
}

# --- is there anything to do? --------------------------------------------------------------------------------------

# The stamp holds the path of the checkout it was made in (a build does not survive a move) and is as old as the
# beginning of the build that made it: one `find` decides, in a few milliseconds.
is_up_to_date() {
  local made_in=
  [[ -x $build/bin/leakhunt && -r $stamp ]] || return 1
  read -r made_in <"$stamp" || return 1
  [[ $made_in == "$root" ]] || return 1
  [[ -z $(find "${sources[@]}" -newer "$stamp" -print -quit 2>/dev/null) ]]
}

# --- packages ------------------------------------------------------------------------------------------------------

# Fills `missing` with the packages of the groups given that are not installed, nor provided by another (npm comes
# with some packages of node).
find_missing() {
  local group name reason installed
  missing=()
  command -v dpkg-query >/dev/null || {
    say "this is no Debian: whether the packages of scripts/packages are there, the build will tell"
    return 0
  }
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}, ${Provides}\n' |
    sed -n 's/([^)]*)//g; s/^[hi]i *//p' | tr -s ', ' '\n')
  while read -r group name reason; do
    [[ " $* " == *" $group "* ]] || continue
    [[ $'\n'$installed$'\n' == *$'\n'$name$'\n'* ]] || missing+=("$name")
  done <"$packages_file"
}

# Prints what is missing and what for.
explain_missing() {
  local group name reason
  say "missing Debian packages:"
  while read -r group name reason; do
    [[ " ${missing[*]} " == *" $name "* ]] && printf '  %-24s %s\n' "$name" "$reason" >&2
  done <"$packages_file"
  return 0
}

# Sets `as_root` to what stands before a command that needs root. False: we may not.
may_install() {
  as_root=()
  ((EUID == 0)) && return 0
  command -v sudo >/dev/null || return 1
  if [[ ${CI:-} == true ]]; then
    as_root=(sudo -n)
    sudo -n true 2>/dev/null
  elif [[ -t 0 && -t 2 ]]; then
    local answer=
    as_root=(sudo)
    read -r -p "leakhunt: install them now with sudo? [y/N] " answer
    [[ $answer == [yY]* ]]
  else
    return 1
  fi
}

# apt-get, without questions, waiting for another one that is at work.
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null
}

# Does apt know every missing package? Its lists are empty on a fresh machine, or older than the packages.
apt_knows_missing() {
  local known
  known=$(apt-cache --no-all-versions show "${missing[@]}" 2>/dev/null | grep -c '^Package: ') || true
  ((known == ${#missing[@]}))
}

install_packages() {
  if ! apt_knows_missing; then
    apt update || return
    apt_updated=true
  fi
  "${as_root[@]}" dpkg --configure -a || return  # what an interrupted installation left
  apt install --no-install-recommends "${missing[@]}" && return
  [[ ${apt_updated:-} == true ]] && return 1
  apt update && apt install --no-install-recommends "${missing[@]}"
}

# ensure_packages group...
ensure_packages() {
  local -a missing as_root
  find_missing "$@"
  ((${#missing[@]})) || return 0
  explain_missing
  if ! command -v apt-get >/dev/null || ! may_install; then
    local update=''
    apt_knows_missing || update='sudo apt-get update && '
    say "they can be installed with"
    printf '\n  %ssudo apt-get install -y --no-install-recommends %s\n\n' "$update" "${missing[*]}" >&2
    exit 2
  fi
  say "installing them"
  run_logged install install_packages
}

# The programs of one package, into $tools: nothing of it is installed, no service starts.
take_programs_of() {
  local package=$1
  mkdir -p "$tools" && cd "$tools" && rm -f -- "$package"_*.deb || return
  apt-get -q download "$package" || return
  dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x ./usr/bin || return
  rm -f -- "$package"_*.deb
  : >"$package.unpacked"
}

# unpack_packages: those of the group `unpack`. Without them the tests that call their programs are skipped.
unpack_packages() {
  local group name reason
  while read -r group name reason; do
    [[ $group == unpack && ! -e $tools/$name.unpacked ]] || continue
    say "unpacking $name: $reason"
    (take_programs_of "$name") >"$logs/unpack-$name.log" 2>&1 </dev/null ||
      say "$name could not be unpacked: its tests are skipped; $logs/unpack-$name.log says why"
  done <"$packages_file"
}

# --- running the steps ---------------------------------------------------------------------------------------------

# run_logged step command...: quiet when it succeeds; otherwise the end of its log, where the log is, and exit.
run_logged() {
  local step=$1 log="$logs/$1.log"
  shift
  try_logged "$step" "$@" || give_up "$step failed; the whole log is $log"
}

# As run_logged, but returns the command's status for the caller to judge.
try_logged() {
  local step=$1 log="$logs/$1.log" status=0
  shift
  "$@" >"$log" 2>&1 || status=$?
  ((status == 0)) || show_failure "$log"
  return "$status"
}

# From the first failed command of ninja on, or the last lines.
show_failure() {
  local first
  first=$(grep -n -m1 '^FAILED: ' "$1" | cut -d: -f1)
  {
    echo "---- ${1##*/}"
    if [[ -n $first ]]; then
      tail -n "+$first" "$1" | head -n 60
    else
      tail -n 40 "$1"
    fi
    echo "----"
  } >&2
}

# Shows ninja's "[12/345] ..." lines, which it reads, as one line that counts; on a pipe, a line every ten seconds.
show_progress() {
  local what=$1 line shown=$SECONDS
  while IFS= read -r line; do
    printf '%s\n' "$line"
    [[ $line == '['+([0-9])/+([0-9])']'* ]] || continue
    line=${line%%]*}
    if [[ -t 2 ]]; then
      printf '\r\033[Kleakhunt: %s %s' "$what" "${line#[}" >&2
    elif ((SECONDS - shown >= 10)); then
      shown=$SECONDS
      say "$what ${line#[}"
    fi
  done
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
}

# build_preset preset target...: configures when that is needed, and builds with visible progress.
build_preset() {
  local preset=$1 directory="$root/build/$1" log="$logs/build-$1.log" home
  shift
  home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$directory/CMakeCache.txt" 2>/dev/null) || true
  [[ -z $home || $home == "$root" ]] || rm -rf "$directory"  # the checkout was moved or copied
  # Always: packages may have come since the last time. Without changes it takes a second or two.
  try_logged "configure-$preset" cmake -S "$root" --preset "$preset" || {
    say "configuring failed; the whole log is $logs/configure-$preset.log"
    return 1
  }
  if ! cmake --build "$directory" --target "$@" 2>&1 </dev/null | show_progress "building $preset" >"$log"; then
    show_failure "$log"
    say "the build failed; the whole log is $log"
    return 1
  fi
}

# --- what the two scripts call -------------------------------------------------------------------------------------

# One set-up of a checkout at a time. What runs under the lock inherits it: a build that outlives us keeps it.
lock_build() {
  if ! { mkdir -p "$build" "$logs" && [[ -w $build && -w $logs ]]; } 2>/dev/null; then
    give_up "the sources are newer than $build, which is not yours to write"
  fi
  exec {lock}>"$root/build/set_up.lock"
  flock --nonblock "$lock" && return
  say "waiting for another set-up of this checkout"
  flock "$lock"
}

unlock_build() { exec {lock}>&-; }

# set_up "group ..." target...: the packages of the groups are there and the targets are built in build/release.
set_up() {
  local -a groups
  read -r -a groups <<<"$1"
  shift
  ensure_packages "${groups[@]}"
  [[ -e $stamp ]] || say "building into build/release; the first time takes some minutes"
  printf '%s\n' "$root" >"$stamp.new"  # now: what changes from here on is newer
  build_preset release "$@" || exit 2
  mv "$stamp.new" "$stamp"
}
