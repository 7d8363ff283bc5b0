#!/usr/bin/env bash
# Fetches the demo's clip, box.mp4 from the documentation of OpenCV (Debian and Ubuntu package
# opencv-doc; somebody turns a box in front of the camera), and lays out its support set: the
# labelled frame, cut from the clip, beside the labels of demo/box. What is there is kept.
#
#   scripts/demo_clip.sh CLIP SUPPORT_DIR
set -euo pipefail
clip=$1 support=$2
labels=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../demo/box")
checksum=62b744b99403f899707c43398a3822441add6160379ab6dd6c12bde9e3075f8d

fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }
is_clip() { sha256sum --status --check <<<"$checksum  $1" 2>/dev/null; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The package is unpacked, not installed: the clip is all we want of it, and systems that leave out
# /usr/share/doc would not have the clip after installing it.
fetch_clip() {
  echo "-- fetching the sample clip from the package opencv-doc (95 MB)"
  cd "$scratch"
  apt-get download -qq -o APT::Sandbox::User=root opencv-doc ||
    fail "could not download opencv-doc: run 'apt-get update' as root and try again," \
      "or use your own video: ./demo.sh VIDEO SUPPORT_DIR"
  dpkg-deb --fsys-tarfile opencv-doc_*.deb |
    tar -x --wildcards --transform='s|.*/||' '*/box.mp4*' ||
    fail "this release's opencv-doc holds no box.mp4; use your own video: ./demo.sh VIDEO SUPPORT_DIR"
  [[ ! -f box.mp4.gz ]] || gunzip box.mp4.gz
  cd - >/dev/null
  is_clip "$scratch/box.mp4" || fail "opencv-doc's box.mp4 is not the file that was labelled" \
    "(SHA-256 $checksum): use your own video: ./demo.sh VIDEO SUPPORT_DIR"
  mv "$scratch/box.mp4" "$clip"
}

# Cuts frame $1 (the first is 0) out of the clip into the support set.
cut_frame() {
  local name
  name=$(printf 'frame_%03d.png' "$1")
  [[ ! -f $support/$name ]] || return 0
  # identity ends the stream within a frame or two of eos-after: take ours by its number.
  gst-launch-1.0 -q filesrc location="$clip" ! decodebin ! identity eos-after=$(($1 + 3)) \
    ! videoconvert ! video/x-raw,format=RGB ! pngenc compression-level=1 \
    ! multifilesink location="$scratch/frame_%03d.png"
  mv "$scratch/$name" "$support/$name"
}

mkdir -p "$(dirname "$clip")" "$support"
is_clip "$clip" || fetch_clip
cut_frame 150
cp "$labels"/frame_150.json "$support/"
