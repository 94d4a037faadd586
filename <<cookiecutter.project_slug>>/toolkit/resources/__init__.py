"""The resource line: from one line of domain to the layers that serve it.

The parser and its model use the standard library only, because the template validates answers with them before
anything is installed; only `generator` needs jinja2.
"""
