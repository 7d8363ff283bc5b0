#!/usr/bin/env bash
# Sets up, builds and segments a video with gst-launch-1.0 and the element cdfssseg: writes
# out/demo.mkv, the video with the object marked, and out/contact_sheet.png, twelve frames of it.
#
#   ./demo.sh                      a sample clip, of which two frames are labelled (demo/box)
#   ./demo.sh VIDEO SUPPORT_DIR    your video and your labelled images (see README.md)
#
# Environment:
#   CDFSS_MODEL         model file, default models/default.safetensors
#   CDFSS_DEMO_FRAMES   stop after this many frames, give or take one
#   and what scripts/setup.sh reads
set -euo pipefail

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"; }
fail() { printf 'demo: %s\n' "$*" >&2; exit 1; }

case $# in
  0) video='' support='' ;;
  2)
    [[ -f $1 ]] || fail "no such video: $1"
    [[ -d $2 ]] || fail "no such support folder: $2"
    video=$(realpath "$1") support=$(realpath "$2")
    ;;
  *) usage >&2; exit 2 ;;
esac
limit=${CDFSS_DEMO_FRAMES:-}
[[ $limit =~ ^([1-9][0-9]*)?$ ]] || fail "CDFSS_DEMO_FRAMES=$limit: expected a number of frames"
model=$(realpath -m "${CDFSS_MODEL:-$(dirname "${BASH_SOURCE[0]}")/models/default.safetensors}")
cd "$(dirname "${BASH_SOURCE[0]}")"
[[ -f $model ]] || fail "no model at $model: train one with build/trainer/cdfss-train," \
  "or name one with CDFSS_MODEL"

scripts/setup.sh gstreamer1.0-libav
mkdir -p out

thinning=() stop=()
if [[ -z $video ]]; then
  video=$PWD/out/clip/box.mp4 support=$PWD/out/support/box
  scripts/demo_clip.sh "$video" "$support"
  thinning=('!' videorate '!' 'video/x-raw,framerate=5/1')  # 76 frames of the clip's 15 seconds
fi
# The queue keeps out what a decoder still hands out after the end.
[[ -z $limit ]] || stop=('!' queue '!' identity "eos-after=$((limit + 1))")

echo "-- segmenting $video with the support set $support"
# The identity element named "done" reports every frame that leaves cdfssseg.
pipeline=(filesrc "location=$video" '!' decodebin '!' videoconvert "${thinning[@]}" "${stop[@]}"
  '!' cdfssseg "model=$model" "support=$support" output=overlay
  '!' identity name=done silent=false
  '!' videoconvert '!' vp8enc deadline=1 cpu-used=4 target-bitrate=6000000 max-quantizer=32
  '!' matroskamux '!' filesink "location=$PWD/out/demo.mkv.part")
frames=0 first=0 last=0
shopt -s lastpipe  # the loop's variables are read below
.venv/bin/meson devenv -C build gst-launch-1.0 -v "${pipeline[@]}" |
  while IFS= read -r line; do
    [[ $line == *'GstIdentity:done: last-message = chain'* ]] || continue
    last=${EPOCHREALTIME//[!0-9]/}  # microseconds
    ((++frames > 1)) || first=$last
    ((frames % 10)) || echo "   $frames frames"
  done || fail "the pipeline failed; its error is above"
((frames > 0)) || fail "$video gave no frame"
mv out/demo.mkv.part out/demo.mkv
scripts/contact_sheet.sh out/demo.mkv out/contact_sheet.png

# From the first frame out to the last, so that loading the model and the support set is not in it.
seconds=$(awk -v us=$((last - first)) 'BEGIN {printf "%.1f", us / 1e6}')
rate=$(awk -v n=$((frames - 1)) -v us=$((last - first)) 'BEGIN {printf "%.2f", us ? n * 1e6 / us : 0}')
echo "-- $frames frames, the last $((frames - 1)) in $seconds s: $rate frames per second"
echo "   video:         $PWD/out/demo.mkv"
echo "   contact sheet: $PWD/out/contact_sheet.png"
