"""Episodes of a `folder` dataset as a PyTorch dataset, for a plain training loop."""

import pathlib
import random

import cv2
import numpy as np
import torch
from asgnet import place_seeds


class Episodes(torch.utils.data.Dataset):
    """Episodes of a `folder` dataset with SPEC A11's augmentation, and the support's seeds."""

    def __init__(self, root, side, scale, transformed, length, seed):
        self.side, self.scale, self.transformed, self.length, self.seed = (
            side,
            scale,
            transformed,
            length,
            seed,
        )
        self.by_class, self.images = {}, []
        for mask in sorted((pathlib.Path(root) / "masks").glob("*.png")):
            labels = cv2.imread(str(mask), cv2.IMREAD_UNCHANGED)
            values, counts = np.unique(labels, return_counts=True)
            present = [int(v) for v, n in zip(values, counts) if v not in (0, 255) and n >= 2048]
            if present:
                image = next((pathlib.Path(root) / "images").glob(mask.stem + ".*"))
                for value in present:
                    self.by_class.setdefault(value, []).append(len(self.images))
                self.images.append((str(image), str(mask), present))
        self.by_class = {k: v for k, v in self.by_class.items() if len(v) > 1}

    def __len__(self):
        return self.length

    def view(self, index, value, rng, jitter=False):
        image_file, mask_file, _ = self.images[index]
        image = cv2.cvtColor(cv2.imread(image_file), cv2.COLOR_BGR2RGB)
        labels = cv2.imread(mask_file, cv2.IMREAD_UNCHANGED)
        label = np.where(labels == 255, 255, labels == value).astype(np.uint8)
        factor = rng.uniform(*self.scale)
        image = cv2.resize(image, None, fx=factor, fy=factor)
        label = cv2.resize(label, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        if rng.random() < 0.5:
            matrix = cv2.getRotationMatrix2D(
                (image.shape[1] / 2, image.shape[0] / 2), rng.uniform(-10, 10), 1
            )
            image = cv2.warpAffine(image, matrix, image.shape[1::-1], borderValue=(124, 116, 104))
            label = cv2.warpAffine(
                label, matrix, image.shape[1::-1], flags=cv2.INTER_NEAREST, borderValue=255
            )
        if rng.random() < 0.5:
            image = cv2.GaussianBlur(image, (5, 5), 0)
        if rng.random() < 0.5:
            image, label = image[:, ::-1], label[:, ::-1]
        rows, columns = max(self.side - image.shape[0], 0), max(self.side - image.shape[1], 0)
        border = (rows // 2, rows - rows // 2, columns // 2, columns - columns // 2)
        image = cv2.copyMakeBorder(image, *border, cv2.BORDER_CONSTANT, value=(124, 116, 104))
        label = cv2.copyMakeBorder(label, *border, cv2.BORDER_CONSTANT, value=255)
        for _ in range(32):
            y = rng.randint(0, image.shape[0] - self.side)
            x = rng.randint(0, image.shape[1] - self.side)
            crop = label[y : y + self.side, x : x + self.side]
            if (crop == 1).sum() >= 0.85 * (label == 1).sum():
                break
        image = np.ascontiguousarray(image[y : y + self.side, x : x + self.side])
        if jitter:
            for i in (0, 1):  # brightness, contrast
                image = cv2.convertScaleAbs(
                    image, alpha=rng.uniform(0.6, 1.4), beta=0 if i == 0 else 8
                )
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(
            np.ascontiguousarray(crop)
        )

    def __getitem__(self, number):
        rng = random.Random(self.seed * 1000003 + number)
        value = rng.choice(sorted(self.by_class))
        query, support = rng.sample(self.by_class[value], 2)
        episode = {"class": value, "query": self.view(query, value, rng)}
        episode["support"] = self.view(support, value, rng)
        episode["seeds"] = place_seeds(episode["support"][1].numpy())
        if self.transformed:
            episode["transformed"] = self.view(support, value, rng, jitter=True)
        return episode
