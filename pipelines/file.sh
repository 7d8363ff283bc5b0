#!/bin/sh
# Segments a video file and writes it, with the objects marked, as a Matroska file (VP8).
#
#   pipelines/file.sh VIDEO SUPPORT_DIR OUTPUT.mkv
#
# Hardware: any x86 or ARM machine with 2 GB of free memory; no display. It runs as fast as the
# network does, on a GPU when there is one, and loses no frame.
set -eu
[ $# -eq 3 ] || { sed -n '4s/^# *//p' "$0" >&2; exit 2; }

exec gst-launch-1.0 filesrc location="$1" ! decodebin ! videoconvert \
  ! cdfssseg support="$2" \
  ! videoconvert ! vp8enc deadline=1 cpu-used=4 target-bitrate=4000000 \
  ! matroskamux ! filesink location="$3"
