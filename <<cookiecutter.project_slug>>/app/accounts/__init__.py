"""The service's own users: passwords, tokens, sessions, throttling, mail, and the endpoints for them."""
