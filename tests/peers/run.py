#!/usr/bin/env python3
"""cdfss against what else one would run: the same network, weights, support sets and frames, from a
host RGB frame to a host mask, in interleaved runs.

    tests/peers/run.py --bench build/tests/bench/cdfss-bench --model models/default.safetensors \\
        --davis ../shared/data/davis

Every method runs in a process of its own and in turns with the others. See README.md.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import cv2
import numpy as np

CPU_METHODS = ["eager-fp32", "eager-bf16", "compile-fp32", "compile-bf16", "onnxruntime-fp32",
               "openvino-fp32", "openvino-bf16", "onnxruntime-int8", "openvino-int8",
               "openvino-int8all"]
CUDA_METHODS = ["eager-fp32", "eager-fp16", "compile-fp16"]


def prepare_sequences(davis, folder, frames):
    """Writes each sequence's support set and frames as PNG, so that all decode the same pixels."""
    sequences = []
    for source in sorted((davis / "JPEGImages/480p").iterdir()):
        images = sorted(source.glob("*.jpg"))
        support, target = folder / source.name / "support/object", folder / source.name / "frames"
        support.mkdir(parents=True)
        target.mkdir()
        mask = cv2.imread(str(davis / "Annotations/480p" / source.name / f"{images[0].stem}.png"), 0)
        cv2.imwrite(str(support / "first.png"), np.where(mask > 0, 255, 0).astype(np.uint8))
        cv2.imwrite(str(support / "first.bmp"), cv2.imread(str(images[0])))
        step = (len(images) - 1) // frames
        for image in images[step::step][:frames]:
            cv2.imwrite(str(target / f"{image.stem}.png"), cv2.imread(str(image)))
        sequences.append(folder / source.name)
    return sequences


class Worker:
    """A peer in a process of its own; `call` waits for its answer."""

    def __init__(self, options, method):
        command = [sys.executable, str(pathlib.Path(__file__).with_name("worker.py")), method,
                   options.model, str(options.input_size), options.device, str(options.threads),
                   str(options.export)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, **request):
        self.process.stdin.write(json.dumps({key: str(value) for key, value in request.items()}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"a peer ended with {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    """cdfss-bench with the same calls."""

    def __init__(self, options, precision):
        self.command = [options.bench, "--frame", "--no-stages", "--model", options.model, "--device",
                        options.device, "--precision", precision, "--threads", options.threads,
                        "--input-size", options.input_size]

    def call(self, sequence, masks=None, count=1):
        images = sorted((pathlib.Path(sequence) / "frames").glob("*.png"))
        command = [*self.command, "--support", pathlib.Path(sequence) / "support", "--iterations", count]
        if masks is not None:
            command += ["--save-masks", masks]
        command += ["--images", *images]
        result = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
        report = json.loads(result.stdout)
        return {"ms": report["ms"], "precision": report["precision"]}

    def close(self):
        pass


def iou(a, b):
    union = np.logical_or(a, b).sum()
    return 1.0 if union == 0 else float(np.logical_and(a, b).sum() / union)


def agreement(reference, masks):
    """Mean IoU of two folders of masks."""
    values = []
    for file in sorted(reference.rglob("*.png")):
        other = masks / file.relative_to(reference)
        values.append(iou(cv2.imread(str(file), cv2.IMREAD_UNCHANGED) > 0,
                          cv2.imread(str(other), cv2.IMREAD_UNCHANGED) > 0))
    return statistics.mean(values)


def measure(options, folder):
    sequences = prepare_sequences(options.davis, folder, options.frames)[: options.sequences]
    precisions = ["fp32", "bf16", "int8"] if options.device == "cpu" else ["fp32", "fp16"]
    peers = CPU_METHODS if options.device == "cpu" else CUDA_METHODS
    names = [f"cdfss-{p}" for p in precisions] + peers
    if options.methods:
        names = [name for name in names if name in options.methods or name == "eager-fp32"]
    methods = {}
    for name in names:
        print(f"starting {name}", file=sys.stderr)
        kind, precision = name.rsplit("-", 1)
        methods[name] = Ours(options, precision) if kind == "cdfss" else Worker(options, name)
        for sequence in sequences:
            masks = folder / "masks" / name / sequence.name
            masks.mkdir(parents=True)
            methods[name].call(sequence=sequence, masks=masks)
    times = {name: [] for name in names}
    for round_number in range(options.rounds):
        for name in names:
            print(f"round {round_number + 1}: {name}", file=sys.stderr)
            times[name].append(methods[name].call(sequence=sequences[0], count=options.count)["ms"])
    for method in methods.values():
        method.close()
    reference = statistics.median(times["eager-fp32"])
    rows = []
    for name in names:
        kind, precision = name.rsplit("-", 1)
        ms = statistics.median(times[name])
        rows.append({"name": kind, "precision": precision, "device": options.device, "ms": ms,
                     "ratio": ms / reference,
                     "mask_iou": agreement(folder / "masks/eager-fp32", folder / "masks" / name),
                     "rounds_ms": times[name]})
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", required=True, help="the built cdfss-bench")
    parser.add_argument("--model", required=True, help="model file")
    parser.add_argument("--davis", required=True, type=pathlib.Path, help="DAVIS folder")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--input-size", type=int, default=473)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sequences", type=int, default=10, help="how many of the folder's")
    parser.add_argument("--frames", type=int, default=2, help="of each sequence, whose masks are compared")
    parser.add_argument("--rounds", type=int, default=5, help="turns of every method")
    parser.add_argument("--count", type=int, default=6, help="timed frames of a turn")
    parser.add_argument("--methods", nargs="*", help="only these, and eager-fp32")
    parser.add_argument("--json", help="write the rows here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options.export = pathlib.Path(folder) / "network.onnx"
        rows = measure(options, pathlib.Path(folder))
    print("| method | precision | ms a frame | ratio to eager fp32 | mask IoU |\n|---|---|---|---|---|")
    for row in rows:
        print(f"| {row['name']} | {row['precision']} | {row['ms']:.0f} | {row['ratio']:.2f} "
              f"| {row['mask_iou']:.4f} |")
    if options.json:
        document = {"device": options.device, "input_size": options.input_size,
                    "threads": options.threads, "rows": rows}
        pathlib.Path(options.json).write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
