"""How fast it is, as ratios within one run: `invoke bench`, or `python -m bench --help`. README.md says how it is measured."""
