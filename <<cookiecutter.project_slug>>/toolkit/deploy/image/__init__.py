"""The service's image: what it is made of, how it is built, and where it is stored."""
