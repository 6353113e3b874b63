#!/usr/bin/env bash
# Makes sure that what the tests, the demo or the benchmarks need is installed:
#
#   packaging/ci/deps.sh test | demo | bench
#
# It checks Go and the C compiler first, says what is missing and how large it
# is, asks where somebody is there to answer, and installs by apt as root or
# with sudo. Where nothing is missing it changes nothing and needs no rights.
set -euo pipefail
cd "$(dirname "$0")/../.."

# The oldest Go that has the fixes of os.Root this project relies on.
readonly go_wanted=1.26.5

# What the demo runs: the real desktop services, on buses of its own.
readonly demo_packages=(
  dbus dbus-daemon gnome-online-accounts evolution-data-server gnome-keyring libsecret-tools procps
)
# What the tests run besides: a second server, polkit, a boot of systemd, faults
# injected into system calls, a file system that a program serves, a browser that
# opens the pages of a copy, and the programs that an account is signed in to
# or that keep what it holds.
readonly test_packages=(
  "${demo_packages[@]}" bindfs chromium davfs2 e2fsprogs fuse3 git gvfs-backends gvfs-daemons libaccounts-glib-tools libglib2.0-bin
  nextcloud-desktop nextcloud-desktop-cmd polkitd radicale rclone signond sqlite3 strace systemd systemd-container
  tmux vdirsyncer
)
# What is measured beside Clearance, and what makes file systems for it.
readonly bench_packages=(
  "${demo_packages[@]}" borgbackup e2fsprogs mount rclone restic rsync
)

die() {
  printf 'cannot go on: %s\n' "$1" >&2
  shift
  if (($# > 0)); then printf 'Next: %s\n' "$@" >&2; fi
  exit 1
}

check_go() {
  local version
  command -v go >/dev/null || die "Go is not installed" \
    "install Go $go_wanted or newer from https://go.dev/dl (Debian's own is too old)"
  version=$(go env GOVERSION 2>/dev/null || true)
  version=${version#go}
  version=${version%% *}
  if [[ -z $version || $(printf '%s\n' "$go_wanted" "$version" | sort -V | head -n 1) != "$go_wanted" ]]; then
    die "Go ${version:-of this machine} is too old, $go_wanted is needed" \
      "install it from https://go.dev/dl"
  fi
}

# has_compiler tries a C compiler on a program with a header of the C library.
has_compiler() {
  local cc
  cc=$(go env CC)
  printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' |
    ${cc:-gcc} -x c -o /dev/null - 2>/dev/null
}

installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# missing prints the packages of the list that are not installed.
missing() {
  local name
  for name; do
    installed "$name" || printf '%s\n' "$name"
  done
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

# has_lists reports whether apt knows a version of each package.
has_lists() {
  local name policy
  for name; do
    policy=$(apt-cache policy "$name" 2>/dev/null)
    [[ $policy == *'Candidate: '[!\(]* ]] || return 1
  done
}

update_lists() {
  echo "Reading the package lists (apt-get update)."
  as_root apt-get -qq -o DPkg::Lock::Timeout=120 update
}

# show prints the packages with the space that each takes, then the total with
# everything that they need. Sizes are apt's own: Installed-Size is in KiB.
show() {
  local uris
  echo "Missing, to be installed by apt without recommended packages:"
  apt-cache show --no-all-versions "$@" | awk '
    $1 == "Package:" { name = $2 }
    $1 == "Installed-Size:" { printf "  %-26s %7.1f MB\n", name, $2 * 1024 / 1e6 }'
  uris=$(apt-get install -y --no-install-recommends --print-uris -qq "$@" 2>/dev/null || true)
  printf '%s\n' "$uris" | awk -v wanted=$# '
    $3 ~ /^[0-9]+$/ { n++; bytes += $3 }
    END { printf "Together with what they need: %d packages, %.1f MB to download.\n", n, bytes / 1e6 }'
}

# confirm asks on the terminal. In CI, and where there is no terminal, nobody is
# there to answer and the person who started this wanted it.
confirm() {
  local answer
  if [[ -n ${CI:-} ]] || ! { exec 3<>/dev/tty; } 2>/dev/null; then
    return 0
  fi
  printf 'Install them? [Y/n] ' >&3
  read -r answer <&3 || answer=n
  exec 3>&-
  [[ -z $answer || $answer == [yY]* ]]
}

install_packages() {
  as_root apt-get -qq -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}

main() {
  local wanted lacking
  case ${1:-} in
    test) wanted=("${test_packages[@]}") ;;
    demo) wanted=("${demo_packages[@]}") ;;
    bench) wanted=("${bench_packages[@]}") ;;
    *) die "deps.sh does not know ${1:-an empty word}" "packaging/ci/deps.sh test, demo, or bench" ;;
  esac

  check_go
  has_compiler || wanted=(gcc libc6-dev "${wanted[@]}")
  if ! command -v dpkg-query apt-get apt-cache >/dev/null; then
    echo "This is neither Debian nor Ubuntu: NOT CHECKED whether these are here: ${wanted[*]}" >&2
    return 0
  fi

  mapfile -t lacking < <(missing "${wanted[@]}")
  if ((${#lacking[@]} == 0)); then
    return 0
  fi
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    die "${#lacking[@]} packages are missing, and installing them needs root or sudo" \
      "as root: apt-get install --no-install-recommends ${lacking[*]}"
  fi

  has_lists "${lacking[@]}" || update_lists
  has_lists "${lacking[@]}" || die "apt knows no version of some of: ${lacking[*]}" \
    "look at /etc/apt/sources.list, then try again"
  show "${lacking[@]}"
  confirm || die "the packages were not installed" \
    "install them yourself: apt-get install --no-install-recommends ${lacking[*]}"
  if ! install_packages "${lacking[@]}"; then
    # Old lists name files that the mirror no longer has.
    update_lists
    install_packages "${lacking[@]}" || die "apt could not install: ${lacking[*]}" \
      "read apt's message above, then try again"
  fi
}

main "$@"
