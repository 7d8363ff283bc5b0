#!/bin/sh
# Segments a webcam's live picture and shows it in a window.
#
#   pipelines/webcam.sh SUPPORT_DIR [/dev/videoN]
#
# Hardware: an x86 desktop or laptop with a UVC webcam; an NVIDIA GPU for full frame rate. Without
# one the picture stays live but is refreshed only as fast as the CPU manages: frames that come
# while one is segmented are thrown away by the queue, and input-size=241 makes each a quarter of
# the work.
set -eu
[ $# -ge 1 ] || { sed -n '4s/^# *//p' "$0" >&2; exit 2; }

exec gst-launch-1.0 v4l2src device="${2:-/dev/video0}" ! decodebin ! videoconvert \
  ! queue max-size-buffers=1 max-size-bytes=0 max-size-time=0 leaky=downstream \
  ! cdfssseg support="$1" input-size=241 \
  ! videoconvert ! autovideosink sync=false
