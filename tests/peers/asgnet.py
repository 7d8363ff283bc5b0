"""The network of SPEC parts A and B in plain eager PyTorch: what cdfss is measured against.

Written as one would write it for a paper: NCHW, BatchNorm as modules, no fusion. Parameter names are
those of a cdfss model file, so that its weights load as they are (`Asgnet.load`).
"""
import json
import struct
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

LAYOUTS = {  # name: deep stem, stride in the first 1x1, blocks of layer3
    "resnet50-caffe": (False, True, 6),
    "resnet50": (False, False, 6),
    "resnet101": (False, False, 23),
    "resnet50-deep": (True, False, 6),
    "resnet101-deep": (True, False, 23),
}
MEAN = 255 * torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = 255 * torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


class Prototypes(NamedTuple):
    """What a support set is to the network; the directions are those of the similarity prior."""

    foreground: torch.Tensor  # [256, n]
    object_directions: torch.Tensor | None = None  # [256, k]
    background_directions: torch.Tensor | None = None  # [256, k]


def read_safetensors(path):
    """All tensors of a file, and its metadata."""
    types = {"F32": np.float32, "F16": np.float16, "I64": np.int64, "U8": np.uint8}
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(array.copy())
    return tensors, metadata


def resize(x, height, width):
    return F.interpolate(x, (height, width), mode="bilinear", align_corners=True)


def network_input(rgb, side):
    """uint8 [H, W, 3] -> float [1, 3, side, side]."""
    x = torch.from_numpy(rgb).permute(2, 0, 1).unsqueeze(0).float()
    x = F.interpolate(x, (side, side), mode="bilinear", align_corners=False)
    return (x - MEAN) / STD


def mask_of(logits, threshold, height, width):
    """Foreground minus background logits [classes, h, w] -> uint8 [height, width] class numbers."""
    best, index = resize(logits.float().unsqueeze(0), height, width)[0].max(0)
    least = torch.logit(torch.tensor(threshold))
    return ((index + 1) * (best >= least)).to(torch.uint8).numpy()


def place_seeds(label):
    """Spread over the cells of the object in a label uint8 [S, S] (SPEC A4): int64 [n, 2]."""
    cells = (label[::8, ::8] == 1).astype(np.uint8)
    count = min(round(int(cells.sum()) / 100), 5)
    seeds = []
    for _ in range(count):
        distance = cv2.distanceTransform(np.pad(cells, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        seed = np.unravel_index(distance[1:-1, 1:-1].argmax(), cells.shape)
        seeds.append([int(seed[0]), int(seed[1])])
        cells[seed] = 0
    return torch.tensor(seeds, dtype=torch.int64).view(-1, 2)


def support_label(label):
    """Label [S, S] -> [h, h]; an object that falls between the samples keeps its cells."""
    sampled = label[::8, ::8]
    if bool((sampled == 1).any()):
        return sampled
    held = F.adaptive_max_pool2d((label == 1).float()[None, None], tuple(sampled.shape))[0, 0]
    return torch.where(held > 0, 1, sampled)


def unit_columns(x):
    return F.normalize(x, dim=0, eps=1e-7)


def cluster_directions(features, region, count):
    """Spherical k-means of a region: [C, h, w], bool [h, w] -> unit vectors [C, k]."""
    pixels = unit_columns(features[:, region].float())
    if pixels.shape[1] == 0:
        return features.new_zeros(features.shape[0], 1)
    with torch.no_grad():
        centres = unit_columns(pixels.sum(1, keepdim=True))
        nearest = (centres.t() @ pixels)[0]
        while centres.shape[1] < min(count, pixels.shape[1]):
            farthest = pixels[:, nearest.argmin()].unsqueeze(1)
            nearest = torch.maximum(nearest, (farthest.t() @ pixels)[0])
            centres = torch.cat([centres, farthest], 1)
        for _ in range(5):
            members = F.one_hot((pixels.t() @ centres).argmax(1), centres.shape[1]).float()
            centres = torch.where(members.sum(0) > 0, unit_columns(pixels @ members), centres)
        members = F.one_hot((pixels.t() @ centres).argmax(1), centres.shape[1]).float()
    means = unit_columns(pixels @ members)
    return torch.where(members.sum(0) > 0, means, centres).to(features.dtype)


class Bottleneck(nn.Module):
    def __init__(self, channels_in, planes, stride, dilation, stride_first):
        super().__init__()
        first, second = (stride, 1) if stride_first else (1, stride)
        self.conv1 = nn.Conv2d(channels_in, planes, 1, first, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, second, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = None
        if stride != 1 or channels_in != 4 * planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, 4 * planes, 1, stride, bias=False), nn.BatchNorm2d(4 * planes))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


def conv_relu(channels_in, channels):
    return nn.Sequential(nn.Conv2d(channels_in, channels, 1, bias=False), nn.ReLU())


def residual_branch(channels):
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.ReLU(),
                         nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.ReLU())


def classifier(channels):
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.ReLU(),
                         nn.Dropout2d(0.1), nn.Conv2d(channels, 2, 1))


def style_of(x):
    mean = x.mean((2, 3))
    return mean, (x.var((2, 3), unbiased=False) + 1e-6).sqrt()


class Memory(nn.Module):
    """One bank of styles after one stage (SPEC B1-B9, nearest update)."""

    def __init__(self, slots, channels):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(slots, channels))
        self.std = nn.Parameter(torch.zeros(slots, channels))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))
        self.register_buffer("idle", torch.zeros(2, slots, dtype=torch.int64))

    def enhance(self, x, lowest, alpha=0.1):
        filled = int(self.filled)
        if filled == 0:
            return x
        with torch.no_grad():
            mean, std = style_of(x)
            picked = []
            for own, bank in ((mean, self.mean[:filled]), (std, self.std[:filled])):
                score = F.normalize(own, dim=1) @ F.normalize(bank, dim=1).t()
                slot = score.argmin(1) if lowest else score.argmax(1)
                picked.append(alpha * own + (1 - alpha) * bank[slot])
            shape = (*mean.shape, 1, 1)
        normal = (x - mean.view(shape)) / std.view(shape)
        return normal * picked[1].view(shape) + picked[0].view(shape)

    @torch.no_grad()
    def commit(self, mean, std, momentum=0.9):
        filled, slots = int(self.filled), len(self.mean)
        take = min(len(mean), slots - filled)
        self.mean[filled:filled + take] = mean[:take]
        self.std[filled:filled + take] = std[:take]
        self.filled += take
        for bank, style in ((self.mean, mean[take:]), (self.std, std[take:])):
            if len(style) == 0:
                continue
            slot = (F.normalize(style, dim=1) @ F.normalize(bank, dim=1).t()).argmax(1)
            for j in slot.unique():
                bank[j] = momentum * bank[j] + (1 - momentum) * style[slot == j].mean(0)
            bank.clamp_(min=0)

    def orthogonal_loss(self):
        filled = int(self.filled)
        if filled == 0:
            return self.mean.sum() * 0
        losses = [(F.normalize(b[:filled], dim=1) @ F.normalize(b[:filled], dim=1).t()).clamp(min=0).mean()
                  for b in (self.mean, self.std)]
        return sum(losses) / 2


class Asgnet(nn.Module):
    pool = staticmethod(F.adaptive_avg_pool2d)

    def __init__(self, backbone="resnet50-caffe", memory_layers=(0, 1), slots=10,
                 object_directions=0, background_directions=0):
        super().__init__()
        deep, stride_first, blocks = LAYOUTS[backbone]
        if deep:
            stem = [nn.Conv2d(3, 64, 3, 2, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                    nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
                    nn.Conv2d(64, 128, 3, 1, 1, bias=False), nn.BatchNorm2d(128), nn.ReLU()]
        else:
            stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
        self.layer0 = nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1))
        channels = 128 if deep else 64
        stages = []
        for planes, count, stride, dilation in ((64, 3, 1, 1), (128, 4, 2, 1), (256, blocks, 1, 2)):
            layer = []
            for i in range(count):
                layer.append(Bottleneck(channels, planes, stride if i == 0 else 1, dilation, stride_first))
                channels = 4 * planes
            stages.append(nn.Sequential(*layer))
        self.layer1, self.layer2, self.layer3 = stages
        self.object_directions = object_directions
        self.background_directions = background_directions
        prior = object_directions > 0  # the similarity prior, of models trained with it
        if prior:
            self.prior_scale = nn.Parameter(torch.tensor(10.0))
            self.prior_bias = nn.Parameter(torch.tensor(0.0))
        self.down_conv = nn.Sequential(nn.Conv2d(1536, 256, 1, bias=prior), nn.Dropout2d(0.5))
        guide = 515 if prior else 513
        self.corr_conv = nn.ModuleList([conv_relu(guide, 256) for _ in range(4)])
        self.alpha_conv = nn.ModuleList([conv_relu(512, 256) for _ in range(3)])
        self.beta_conv = nn.ModuleList([residual_branch(256) for _ in range(4)])
        self.inner_cls = nn.ModuleList([classifier(256) for _ in range(4)])
        self.res1, self.res2, self.cls = conv_relu(1024, 256), residual_branch(256), classifier(256)
        widths = [128 if deep else 64, 256, 512, 1024]
        self.memory = nn.ModuleDict({str(i): Memory(slots, widths[i]) for i in memory_layers})

    @classmethod
    def load(cls, path):
        """The network of a cdfss model file, for inference, and the file's metadata."""
        tensors, metadata = read_safetensors(path)
        layers = [int(layer) for layer in metadata.get("memory_layers", "").split(",") if layer]
        network = cls(metadata["backbone"], layers, int(metadata.get("memory_slots", 0)),
                      int(metadata.get("object_directions", 0)),
                      int(metadata.get("background_directions", 0)))
        missing, unexpected = network.load_state_dict(tensors, strict=False)
        missing = [name for name in missing if not name.endswith("num_batches_tracked")]
        if missing or unexpected:
            raise ValueError(f"{path}: lacks {missing}, holds {unexpected} that the network has not")
        return network.eval(), metadata

    def features(self, images, lowest=None, styles=None):
        """Reduced features; `lowest` says which stored style restyles them (None: as they are)."""
        with torch.no_grad():  # frozen, as in the released code
            x = images
            for i, layer in enumerate((self.layer0, self.layer1, self.layer2, self.layer3)):
                x = layer(x)
                if str(i) in self.memory:
                    if styles is not None:
                        styles.append(style_of(x.float()))
                    if lowest is not None:
                        x = self.memory[str(i)].enhance(x, lowest)
                if i == 2:
                    layer2 = x
        return self.down_conv(torch.cat([x, layer2], 1))

    @staticmethod
    def average(features, mask):
        """Masked average of one image: [C, h, w], [h, w] -> [C, 1]."""
        return ((features * mask).sum((1, 2)) / (mask.sum() + 0.0005)).unsqueeze(1)

    @torch.no_grad()
    def prototypes(self, features, label, seeds, iterations=5):
        """One shot's: [256, h, w], label [h, w] of 0, 1, 255, seeds [n, 2]."""
        foreground = self.superpixels(features, (label == 1).to(features.dtype), seeds, iterations)
        if self.object_directions == 0:
            return Prototypes(foreground)
        return Prototypes(foreground,
                          cluster_directions(features, label == 1, self.object_directions),
                          cluster_directions(features, label == 0, self.background_directions))

    def superpixels(self, features, mask, seeds, iterations):
        """Superpixel-guided clustering (SPEC A6): [256, h, w], [h, w], [n, 2] -> [256, n]."""
        if len(seeds) < 2:
            return self.average(features, mask)
        rows, columns = torch.nonzero(mask, as_tuple=True)
        if len(rows) == 0:
            return features.new_zeros(features.shape[0], len(seeds))
        places = torch.stack([rows, columns], 1).to(features.dtype)
        pixels = torch.cat([features[:, rows, columns].t(), places], 1)
        centres = torch.cat([features[:, seeds[:, 0], seeds[:, 1]].t(), seeds.to(features.dtype)], 1)
        for _ in range(iterations):
            difference = pixels[:, None] - centres[None]
            distance = (difference[..., :-2].square().sum(2) + difference[..., -2:].square().sum(2) / 100).sqrt()
            centres = torch.softmax(-distance, 0).t() @ pixels
        return centres[:, :-2].t()

    def support(self, rgb, mask, side):
        """Prototypes of a labelled image: uint8 [H, W, 3], uint8 [H, W] of 0, 1, 255."""
        label = F.interpolate(torch.from_numpy(mask)[None, None], (side, side), mode="nearest")[0, 0]
        features = self.features(network_input(rgb, side))[0]
        return self.prototypes(features, support_label(label), place_seeds(label.numpy()))

    def decode(self, query, prototypes, with_inner):
        """Guided prototype allocation and feature enrichment (SPEC A7-A8)."""
        guides, similarities, priors = [], [], []
        for q, p in zip(query, prototypes):
            pixels = F.normalize(q.flatten(1), dim=0, eps=1e-7)
            cosine = unit_columns(p.foreground).t() @ pixels
            guides.append(p.foreground[:, cosine.argmax(0)].view_as(q))
            rows = [cosine.sum(0)]
            if self.object_directions > 0:
                rows += [(unit_columns(directions).t() @ pixels).amax(0)
                         for directions in (p.object_directions, p.background_directions)]
                priors.append((rows[1] - rows[2]) * self.prior_scale + self.prior_bias)
            similarities.append(torch.stack(rows).view(-1, *q.shape[1:]))
        guide, similarity = torch.cat([query, torch.stack(guides)], 1), torch.stack(similarities)
        logits, inner = self.enrich(guide, similarity, with_inner)
        if priors:
            prior = torch.stack(priors).view(-1, 1, *query.shape[2:])
            logits, *inner = [
                torch.cat([x[:, :1], x[:, 1:] + resize(prior, x.shape[2], x.shape[3])], 1)
                for x in (logits, *inner)]
        return logits, inner

    def enrich(self, guide, similarity, with_inner):
        side = guide.shape[2]
        bins = [side, side // 2, side // 4, 8 if side == 60 else max(side // 8, 1)]
        outputs, inner = [], []
        for i, b in enumerate(bins):
            pooled = guide if b == side else self.pool(guide, b)
            m = self.corr_conv[i](torch.cat([pooled, resize(similarity, b, b)], 1))
            if i > 0:
                m = self.alpha_conv[i - 1](torch.cat([m, resize(outputs[-1], b, b)], 1)) + m
            m = self.beta_conv[i](m) + m
            if with_inner:
                inner.append(self.inner_cls[i](m))
            outputs.append(resize(m, side, side))
        x = self.res1(torch.cat(outputs, 1))
        return self.cls(self.res2(x) + x), inner
