"""The resource line: from one line of domain to the layers that serve it.

The parser and its model need the standard library alone, because the template judges answers with them before anything
is installed; only `generator` needs jinja2.
"""
