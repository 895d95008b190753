"""Weights of torchvision's ResNet-18, trained on ImageNet, for those who have them on disk."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

RESNET18 = {"width": 64, "blocks": 2}
"""Width and blocks of the trunk that these weights fit (`classify.picture.network.Trunk`)."""


def load_resnet18(path: Path) -> dict[str, Tensor]:
    """Load ResNet-18's weights as those of a trunk with one channel in.

    Parameters
    ----------
    path : Path
        ``resnet18-....pth`` as torchvision has it, or the same as ``.safetensors``.

    Returns
    -------
    dict of str to Tensor
        For `Trunk.load_state_dict`: the first layer's filters summed over colors, the classifier left out.

    Raises
    ------
    ValueError
        If it is another network.
    """
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    first = state.get("conv1.weight")
    if first is None or tuple(first.shape) != (64, 3, 7, 7) or "layer4.1.conv2.weight" not in state:
        raise ValueError(f"{path}: not a ResNet-18 of torchvision; allowed: resnet18-....pth")
    trunk = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    return {**trunk, "conv1.weight": first.sum(1, keepdim=True)}
