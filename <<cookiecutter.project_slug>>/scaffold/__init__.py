"""The resource line: from one line of domain to the layers that serve it.

`parser`, `model`, `names` and `answers` need the standard library alone, because the template's cookiecutter extension
imports them to refuse bad answers; only `generator` needs jinja2.
"""
