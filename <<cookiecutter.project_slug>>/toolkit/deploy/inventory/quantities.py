"""Kubernetes' way of writing an amount. Pure."""

from __future__ import annotations

BINARY = {f"{unit}i": 2.0 ** (10 * power) for power, unit in enumerate("KMGTPE", 1)}
DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
UNITS = {**BINARY, **DECIMAL}


def quantity(text: str) -> float:
    """Return a Kubernetes quantity as a number: 100m, 64Mi, 1.5, 1e3. Pure. Raises ValueError."""
    for unit, factor in UNITS.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    return float(text)
