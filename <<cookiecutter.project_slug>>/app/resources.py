"""Every resource of the service. Written by `invoke resource.add`; a new one needs no other registration."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
