#!/usr/bin/env python3
"""Training throughput of cdfss-train against a plain PyTorch loop: same network, batch, precision
and images, interleaved runs, episodes a second.

    tests/peers/train_speed.py --trainer build/trainer/cdfss-train --data ../shared/data/source/voc

Needs torch, numpy and opencv-python-headless. Not part of the test suite.
"""

import argparse
import itertools
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn.functional as F
from asgnet import MEAN, STD, Asgnet
from episodes import Episodes


def batches(options, steps):
    data = Episodes(
        options.data,
        options.side,
        (options.scale_min, options.scale_max),
        not options.baseline,
        steps * options.batch,
        options.seed,
    )
    return torch.utils.data.DataLoader(
        data, options.batch, num_workers=options.loader_threads, collate_fn=list
    )


def stacked(batch, name, device):
    images = torch.stack([episode[name][0] for episode in batch]).to(device).float()
    labels = torch.stack([episode[name][1] for episode in batch]).to(device).long()
    return (images - MEAN.to(device)) / STD.to(device), labels


def contrastive(anchors, positives):
    """Eq. 9-11 with temperature 1 (SPEC B14)."""
    if len(anchors) < 2:
        return anchors.sum() * 0
    a, p = F.normalize(anchors, dim=1), F.normalize(positives, dim=1)
    cross, own = a @ p.t(), a @ a.t()
    other = ~torch.eye(len(a), dtype=torch.bool, device=a.device)
    positive = cross.diagonal().exp()
    negative = (cross.exp() * other).sum(1) + (own.exp() * other).sum(1)
    return -(positive / (positive + negative)).log().mean() / 2


def step(network, optimiser, batch, device, baseline):
    styles = []
    query, query_label = stacked(batch, "query", device)
    support, support_label = stacked(batch, "support", device)
    support_features = network.features(support, None if baseline else True, styles)
    masks = (support_label[:, ::8, ::8] == 1).float()
    prototypes = [
        network.prototypes(f, m, e["seeds"].to(device), 10)
        for f, m, e in zip(support_features.float(), masks, batch)
    ]
    logits, inner = network.decode(network.features(query), prototypes, with_inner=True)
    side = query.shape[2]

    def loss_of(x):
        x = F.interpolate(x, (side, side), mode="bilinear", align_corners=True)
        return F.cross_entropy(x.float(), query_label, ignore_index=255)

    loss = loss_of(logits) + sum(loss_of(x) for x in inner) / len(inner)
    if not baseline:
        transformed, transformed_label = stacked(batch, "transformed", device)
        transformed_features = network.features(transformed, True).float()
        transformed_masks = (transformed_label[:, ::8, ::8] == 1).float()
        classes = torch.tensor([episode["class"] for episode in batch])
        groups = [classes == c for c in classes.unique()]
        pooled = [
            torch.stack([network.average(f, m).squeeze(1) for f, m in zip(x.float(), y)])
            for x, y in ((support_features, masks), (transformed_features, transformed_masks))
        ]
        anchors, positives = (torch.stack([x[g].mean(0) for g in groups]) for x in pooled)
        loss = loss + contrastive(anchors, positives)
        loss = loss + sum(memory.orthogonal_loss() for memory in network.memory.values())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    for memory, style in zip(network.memory.values(), styles):
        memory.commit(*style)
    return loss.item()


def plain(options, steps):
    """Seconds a step of the plain loop, its first steps left out."""
    device = torch.device(options.device)
    torch.manual_seed(options.seed)
    network = Asgnet(memory_layers=() if options.baseline else (0, 1)).to(device)
    network.train()
    for layer in (network.layer0, network.layer1, network.layer2, network.layer3):
        layer.eval().requires_grad_(False)
    optimiser = torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad], 0.025, 0.9, weight_decay=1e-4
    )
    times, last = [], None
    for batch in batches(options, steps):
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            step(network, optimiser, batch, device, options.baseline)
        now = time.perf_counter()
        if last is not None:
            times.append(now - last)
        last = now
    return times[options.warmup :]


def ours(options, steps):
    """The same of cdfss-train, from its metrics.jsonl."""
    with tempfile.TemporaryDirectory() as folder:
        run = pathlib.Path(folder) / "run"
        command = [
            options.trainer,
            "--data",
            f"folder:{options.data}",
            "--output",
            run,
            "--steps",
            steps,
            "--batch",
            options.batch,
            "--input-size",
            options.side,
            "--scale-min",
            options.scale_min,
            "--scale-max",
            options.scale_max,
            "--precision",
            options.precision,
            "--threads",
            options.threads,
            "--loader-threads",
            options.loader_threads,
            "--device",
            options.device,
            "--balance-classes",
            "--seed",
            options.seed,
            "--preset",
            "table5-baseline" if options.baseline else "table5-all",
        ]
        if options.feature_cache > 0:
            command += ["--feature-cache", options.feature_cache]
        subprocess.run(
            [str(word) for word in command],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    ends = [line["seconds"] for line in lines if "loss" in line]
    waits = [line["data_wait"] for line in lines if "data_wait" in line]
    times = [b - a for a, b in itertools.pairwise(ends)]
    return times[options.warmup :], waits[options.warmup :]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", required=True, help="the built cdfss-train")
    parser.add_argument("--data", required=True, help="a `folder` dataset")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--side", type=int, default=241)
    parser.add_argument("--scale-min", type=float, default=0.5)
    parser.add_argument("--scale-max", type=float, default=0.9)
    parser.add_argument("--steps", type=int, default=8, help="of each run")
    parser.add_argument("--warmup", type=int, default=2, help="steps of each run that do not count")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, in turns")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--loader-threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=321)
    parser.add_argument(
        "--baseline", action="store_true", help="ASGNet without memory and contrastive loss"
    )
    parser.add_argument(
        "--feature-cache",
        type=int,
        default=0,
        metavar="N",
        help="cdfss-train encodes N views of each image once, as far as no memory restyles them",
    )
    parser.add_argument("--json", help="write the numbers here")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    plain_times, our_times, waits = [], [], []
    for _ in range(options.rounds):
        plain_times += plain(options, options.steps)
        times, waited = ours(options, options.steps)
        our_times += times
        waits += waited
    rates = {
        name: options.batch / statistics.median(times)
        for name, times in (("pytorch", plain_times), ("cdfss", our_times))
    }
    report = {
        "device": options.device,
        "precision": options.precision,
        "batch": options.batch,
        "side": options.side,
        "threads": options.threads,
        "torch": torch.__version__,
        "method": "baseline" if options.baseline else "all",
        "feature_cache": options.feature_cache,
        "episodes_per_second": rates,
        "ratio": rates["cdfss"] / rates["pytorch"],
        "data_wait": statistics.mean(waits) if waits else None,
    }
    print(
        f"PyTorch {rates['pytorch']:.2f} episodes/s, cdfss {rates['cdfss']:.2f}: "
        f"{report['ratio']:.2f} times as many; cdfss waited for data "
        f"{'not measured' if not waits else format(report['data_wait'], '.1%')} of its time"
    )
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
