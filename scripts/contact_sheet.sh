#!/usr/bin/env bash
# Writes twelve frames of a video (all, if it has fewer), evenly spaced, as one PNG of rows of four.
#
#   scripts/contact_sheet.sh VIDEO OUT.png
set -euo pipefail
video=$1 sheet=$2
columns=4 most=12 width=400  # width of a tile in pixels

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# First pass: number of frames, frame size, time of the last frame.
gst-launch-1.0 -v filesrc location="$video" ! decodebin ! identity name=frames silent=false \
  ! fakesink >"$scratch/log"
read -r count last_ms tile_height < <(awk -v width=$width '
  /GstIdentity:frames.*caps = / && match($0, /width=\(int\)[0-9]+/) {
    w = substr($0, RSTART + 11, RLENGTH - 11)
    match($0, /height=\(int\)[0-9]+/); h = substr($0, RSTART + 12, RLENGTH - 12)
  }
  /GstIdentity:frames: last-message = chain/ {
    count++
    if (match($0, /pts: [0-9:.]+/)) {
      split(substr($0, RSTART + 5, RLENGTH - 5), t, ":")
      last = (t[1] * 60 + t[2]) * 60 + t[3]
    }
  }
  END {printf "%d %d %d\n", count, last * 1000, w ? width * h / w : 0}' "$scratch/log")
((count > 0 && tile_height > 0)) || { echo "contact_sheet: $video has no frame" >&2; exit 1; }
tiles=$((count < most ? count : most))

# Second pass: videorate picks the frames, the last of them half a step before the video's last.
if ((tiles > 1 && last_ms > 0)); then
  rate=$(((2 * tiles - 1) * 1000))/$((2 * last_ms))
else
  rate=1/1
fi
gst-launch-1.0 -q filesrc location="$video" ! decodebin ! videorate ! "video/x-raw,framerate=$rate" \
  ! videoconvert ! videoscale ! "video/x-raw,format=RGB,width=$width,height=$tile_height" \
  ! pngenc compression-level=1 ! multifilesink location="$scratch/%02d.png"

sheet_pads=() sources=()
for ((i = 0; i < tiles; i++)); do
  file=$(printf '%s/%02d.png' "$scratch" "$i")
  [[ -f $file ]] || break
  row=$((i / columns)) column=$((i % columns))
  sheet_pads+=("sink_$i::xpos=$((column * width))" "sink_$i::ypos=$((row * tile_height))")
  sources+=(filesrc "location=$file" '!' pngdec '!' imagefreeze num-buffers=1 '!' "sheet.sink_$i")
done
gst-launch-1.0 -q compositor name=sheet background=black "${sheet_pads[@]}" \
  ! videoconvert ! pngenc snapshot=true ! filesink location="$sheet" "${sources[@]}"
