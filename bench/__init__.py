"""How fast it is, as ratios within one run: `invoke bench`. README.md says how it is measured."""
