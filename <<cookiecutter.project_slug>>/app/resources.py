"""Every resource of the service. Written by `invoke resource.add`; nothing else has to be told of a new one."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
