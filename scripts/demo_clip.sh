#!/usr/bin/env bash
# Fetches the demo's clip, box.mp4 from the documentation of OpenCV (Debian and Ubuntu package
# opencv-doc; somebody turns a box in front of the camera), and lays out its support set: the
# labels of demo/box, each beside its frame of the clip. What is there is kept.
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

# Cuts the frames that demo/box labels out of the clip; frame_020.json labels frame 20, from 0.
cut_frames() {
  local label name last
  for label in "$labels"/frame_*.json; do
    name=$(basename "$label" .json)
    last=$((10#${name#frame_}))
  done
  # identity ends the stream within a frame or two of eos-after: take ours by their numbers.
  gst-launch-1.0 -q filesrc location="$clip" ! decodebin ! identity eos-after=$((last + 3)) \
    ! videoconvert ! video/x-raw,format=RGB ! pngenc compression-level=1 \
    ! multifilesink location="$scratch/frame_%03d.png"
  for label in "$labels"/frame_*.json; do
    mv "$scratch/$(basename "$label" .json).png" "$support/"
  done
}

mkdir -p "$(dirname "$clip")" "$support"
is_clip "$clip" || fetch_clip
cp "$labels"/*.json "$support/"
missing=0
for label in "$labels"/*.json; do
  [[ -f $support/$(basename "$label" .json).png ]] || missing=1
done
if ((missing)); then cut_frames; fi
