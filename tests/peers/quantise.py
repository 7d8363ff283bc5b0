"""An ONNX file in 8 bits, for the peers that run it: weights for each output channel, activations for
each tensor, with the ranges that the given inputs cause."""
import onnx
from onnxruntime.quantization import (CalibrationDataReader, QuantFormat, QuantType,
                                      quant_pre_process, quantize_static)

# The convolutions that cdfss has in 8 bits.
DEEP = ("/layer2/", "/layer3/", "/down_conv/", "/beta_conv", "/res2/", "/cls/cls.0/")


class Inputs(CalibrationDataReader):
    """Inputs as the calibration asks for them: an iterable of {name: array}."""

    def __init__(self, inputs):
        self.inputs = iter(inputs)

    def get_next(self):
        return next(self.inputs, None)


def quantise(source, target, inputs, everything):
    """Writes `target`. Only DEEP's convolutions are in 8 bits, or all of them."""
    prepared = target.with_suffix(".prepared.onnx")
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    nodes = [node for node in onnx.load(prepared, load_external_data=False).graph.node
             if node.op_type == "Conv"]
    names = [node.name for node in nodes if everything or any(part in node.name for part in DEEP)]
    quantize_static(str(prepared), str(target), Inputs(inputs), quant_format=QuantFormat.QDQ,
                    nodes_to_quantize=names, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
