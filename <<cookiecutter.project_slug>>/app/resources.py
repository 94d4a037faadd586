"""The resources of this service."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
