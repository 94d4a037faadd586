"""HTTP: routes, dependencies, responses, and the OpenAPI document."""
