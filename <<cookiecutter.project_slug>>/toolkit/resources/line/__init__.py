"""The resource line: from its text to a model of the resource."""
