"""One peer of run.py, alone in its process: requests come as lines of JSON, answers go back so."""
import json
import pathlib
import statistics
import sys
import time

import cv2
import torch
import torch.nn.functional as F
from torch import nn

from asgnet import Asgnet, Prototypes, mask_of, network_input


def matrix_pool(x, side):
    """adaptive_avg_pool2d to a side that does not divide x's, in operations that ONNX has."""
    if x.shape[2] % side == 0:
        return F.avg_pool2d(x, x.shape[2] // side)
    size = x.shape[2]
    bounds = [(i * size // side, -((i + 1) * size // -side)) for i in range(side)]
    weights = torch.tensor([[1 / (end - begin) if begin <= column < end else 0 for column in range(size)]
                            for begin, end in bounds])
    return weights @ x @ weights.t()


INPUTS = ["image", "foreground", "object", "background"]  # of the ONNX file


class Frame(nn.Module):
    """An image and one class's prototypes to the logit difference [1, h, w]."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image, *prototypes):
        logits, _ = self.network.decode(self.network.features(image), [Prototypes(*prototypes)], False)
        return logits[:, 1] - logits[:, 0]


class Peer:
    def __init__(self, method, model, side, device, threads, export):
        torch.set_num_threads(threads)
        self.side, self.device, self.threads, self.export = side, device, threads, pathlib.Path(export)
        kind, self.precision = method.rsplit("-", 1)
        self.model = model
        self.network, metadata = Asgnet.load(model)
        self.threshold = float(metadata["threshold"])
        self.support_network = self.network
        self.run = getattr(self, kind)(model)

    def cast(self, tensor):
        dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[self.precision]
        tensor = tensor.to(self.device, dtype)
        if tensor.dim() == 4 and self.precision != "fp32":
            return tensor.contiguous(memory_format=torch.channels_last)
        return tensor

    def eager(self, model):
        network, _ = Asgnet.load(model)
        network = network.to(self.device, self.cast(torch.zeros(1)).dtype)
        if self.precision != "fp32":
            network = network.to(memory_format=torch.channels_last)
        frame = Frame(network)
        return lambda image, prototypes: frame(self.cast(image), *map(self.cast, prototypes)).cpu()

    def compile(self, model):
        import torch._inductor.config as inductor
        inductor.freezing = True  # folds BatchNorm and packs weights
        network, _ = Asgnet.load(model)
        network = network.to(self.device, self.cast(torch.zeros(1)).dtype)
        network = network.to(memory_format=torch.channels_last)
        frame = torch.compile(Frame(network), mode="max-autotune" if self.device == "cuda" else None,
                              dynamic=False)
        return lambda image, prototypes: frame(
            self.cast(image).contiguous(memory_format=torch.channels_last),
            *map(self.cast, prototypes)).cpu()

    def exported(self):
        """The ONNX file; the first peer that needs it writes it."""
        if not self.export.exists():
            # A network of its own: the exporter changes weights in place.
            network, _ = Asgnet.load(self.model)
            network.pool = matrix_pool
            counts = [4, network.object_directions, network.background_directions]
            example = [torch.randn(1, 3, self.side, self.side)]
            example += [torch.randn(256, n) for n in counts if n > 0]
            torch.onnx.export(Frame(network), tuple(example), str(self.export), dynamo=False,
                              input_names=INPUTS[: len(example)], output_names=["logit"],
                              dynamic_axes={"foreground": {1: "n"}})
        return str(self.export)

    def file(self):
        """The ONNX file in this peer's precision; the ranges of 8 bits are the labelled frames'."""
        source = pathlib.Path(self.exported())
        if not self.precision.startswith("int8"):
            return str(source)
        target = source.with_name(f"{self.precision}.onnx")
        if not target.exists():
            from quantise import quantise
            folders = sorted(source.parent.glob("*/support/object"))
            quantise(source, target, (self.inputs(folder) for folder in folders),
                     everything=self.precision == "int8all")
        return str(target)

    def inputs(self, folder):
        """What the ONNX file is given for a labelled frame."""
        values = [network_input(self.labelled(folder)[0], self.side), *self.support(folder)]
        return {name: value.contiguous().numpy() for name, value in zip(INPUTS, values)}

    def onnxruntime(self, model):
        import onnxruntime
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        session = onnxruntime.InferenceSession(self.file(), settings, ["CPUExecutionProvider"])
        names = [value.name for value in session.get_inputs()]
        return lambda image, prototypes: torch.from_numpy(session.run(
            None, {name: value.contiguous().numpy() for name, value in zip(names, (image, *prototypes))})[0])

    def openvino(self, model):
        import openvino
        core = openvino.Core()
        network = core.read_model(self.file())
        compiled = core.compile_model(network, "CPU", {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.threads,
            "INFERENCE_PRECISION_HINT": "f32" if self.precision == "fp32" else "bf16"})
        request = compiled.create_infer_request()

        def run(image, prototypes):
            inputs = [value.contiguous().numpy() for value in (image, *prototypes)]
            return torch.from_numpy(request.infer(inputs)[compiled.output(0)].copy())
        return run

    @staticmethod
    def labelled(folder):
        """The labelled frame: RGB, and uint8 mask of 0 and 1."""
        rgb = cv2.cvtColor(cv2.imread(str(folder / "first.bmp")), cv2.COLOR_BGR2RGB)
        return rgb, (cv2.imread(str(folder / "first.png"), cv2.IMREAD_UNCHANGED) > 0).astype("uint8")

    def support(self, folder):
        prototypes = self.support_network.support(*self.labelled(folder), self.side)
        return [part.contiguous() for part in prototypes if part is not None]

    def mask(self, rgb, prototypes):
        logits = self.run(network_input(rgb, self.side), prototypes)
        return mask_of(logits, self.threshold, *rgb.shape[:2])

    def answer(self, request):
        sequence = pathlib.Path(request["sequence"])
        prototypes = self.support(sequence / "support/object")
        files = sorted((sequence / "frames").glob("*.png"))
        frames = [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]
        if "masks" in request:
            for file, frame in zip(files, frames):
                cv2.imwrite(str(pathlib.Path(request["masks"]) / file.name), self.mask(frame, prototypes))
            return {}
        for _ in range(3):
            self.mask(frames[0], prototypes)
        times = []
        for i in range(int(request["count"])):
            start = time.perf_counter()
            self.mask(frames[i % len(frames)], prototypes)
            times.append(1e3 * (time.perf_counter() - start))
        return {"ms": statistics.median(times)}


def main():
    method, model, side, device, threads, export = sys.argv[1:]
    answers = sys.stdout
    sys.stdout = sys.stderr  # what libraries print
    with torch.no_grad():
        peer = Peer(method, model, int(side), device, int(threads), export)
        for line in sys.stdin:
            print(json.dumps(peer.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
