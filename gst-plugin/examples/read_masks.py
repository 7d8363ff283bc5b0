#!/usr/bin/env python3
"""Prints what cdfssseg finds in a video, frame by frame, from the metas on its buffers.

usage: read_masks.py VIDEO SUPPORT_FOLDER
Needs python3-gi and gir1.2-gstreamer-1.0.
"""
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402


def print_results(buffer):
    meta = buffer.get_custom_meta("GstCdfssSegmentationMeta")
    if meta is None:  # async=true: frames may come before the first mask
        return
    results = meta.get_structure()
    for i in range(results.get_int("classes").value):
        found = results.get_value(f"class-{i + 1}")
        area = found.get_int64("area").value
        if area == 0:
            continue
        box = [found.get_int(side).value for side in ("x", "y", "width", "height")]
        score = found.get_double("score").value
        print(f"{buffer.pts / Gst.SECOND:8.3f} s  {found.get_string('name')}  "
              f"{area} pixels in {box}, score {score:.2f}")
    mask = results.get_value("mask")  # Gst.Buffer, GRAY8, one byte a pixel, no padding
    assert mask.get_size() == results.get_int("width").value * results.get_int("height").value


def on_buffer(_pad, info):
    print_results(info.get_buffer())
    return Gst.PadProbeReturn.OK


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Gst.init(None)
    pipeline = Gst.parse_launch(
        "filesrc name=source ! decodebin ! videoconvert"
        " ! cdfssseg name=segment output=metadata ! fakesink name=sink")
    pipeline.get_by_name("source").set_property("location", sys.argv[1])
    pipeline.get_by_name("segment").set_property("support", sys.argv[2])
    sink = pipeline.get_by_name("sink").get_static_pad("sink")
    sink.add_probe(Gst.PadProbeType.BUFFER, on_buffer)
    pipeline.set_state(Gst.State.PLAYING)
    message = pipeline.get_bus().timed_pop_filtered(
        Gst.CLOCK_TIME_NONE, Gst.MessageType.ERROR | Gst.MessageType.EOS)
    pipeline.set_state(Gst.State.NULL)
    if message.type == Gst.MessageType.ERROR:
        sys.exit(message.parse_error()[0].message)


main()
