"""Azure's APIs, shared by the places that are on Azure."""
