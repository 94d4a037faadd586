"""ASGI layers that every request passes, from the outermost to the routes; none depends on a resource."""
