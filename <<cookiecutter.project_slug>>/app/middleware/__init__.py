"""ASGI layers that every request passes, from the outermost to the routes; none knows a resource."""
