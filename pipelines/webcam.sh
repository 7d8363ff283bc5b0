#!/bin/sh
# Segments a webcam's live picture and shows it in a window.
#
#   pipelines/webcam.sh SUPPORT_DIR [/dev/videoN]
#
# Hardware: an x86 desktop or laptop with a UVC webcam. Every picture is shown at once (async), with
# the newest mask that there is: masks follow as fast as the machine makes them, and input-size=241
# makes each a quarter of the work. An NVIDIA GPU keeps up with every picture.
set -eu
[ $# -ge 1 ] || { sed -n '4s/^# *//p' "$0" >&2; exit 2; }

exec gst-launch-1.0 v4l2src device="${2:-/dev/video0}" ! decodebin ! videoconvert \
  ! cdfssseg support="$1" input-size=241 async=true \
  ! videoconvert ! autovideosink sync=false
