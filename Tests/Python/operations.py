"""Counts what PyTorch computes, to hold a record's operations per token against it."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

MOVES = set("""
    alias arange as_strided cat clone constant_pad_nd copy_ detach empty expand fill_ full
    lift_fresh new_empty_strided new_zeros ones ones_like permute scalar_tensor select
    select_backward slice slice_backward split split_with_sizes squeeze stack t _to_copy transpose
    unbind unfold unsqueeze _unsafe_view view zeros zeros_like
""".split())


class Operations(TorchDispatchMode):
    """Adds up all operations: 2 m n k for a product of matrices, one for each element of others."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        result = function(*arguments, **(keywords or {}))
        name = function._schema.name.split("::")[1]
        output = result[0] if isinstance(result, (tuple, list)) else result
        if name in ("mm", "bmm"):
            self.count += 2 * output.numel() * arguments[0].shape[-1]
        elif name in ("sum", "mean"):
            self.count += arguments[0].numel()
        elif name not in MOVES and isinstance(output, torch.Tensor):
            self.count += output.numel() * (4 if "softmax" in name or "norm" in name else 1)
        return result


def check_operations(label, facts, weights, count, tokens):
    """A record's operations are between those of the maps alone and those of PyTorch.

    Each map is multiplied by three times in a step. PyTorch also adds up gradients piece by piece and
    looks at pairs of positions that a mask or a window hides.
    """
    maps = sum(tensor.numel() for name, tensor in weights.items() if name.endswith(".weight")
               and tensor.dim() > 1)
    optimiser = 12 * facts["parameters"] / tokens
    most, stated = count / tokens + optimiser, facts["flopsPerToken"]
    assert 6 * maps < stated < 1.1 * most, (label, 6 * maps, stated, most)
