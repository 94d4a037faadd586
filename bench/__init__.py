"""Benchmarks, as ratios within one run: `invoke bench`. README.md describes the method."""
