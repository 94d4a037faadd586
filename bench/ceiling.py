"""The ceiling: FastAPI on raw asyncpg, as an expert in both would write it, with no other features.

The same table, members and limits as the service's `product`, without its other features: no authentication, metrics,
logs, request ids, problems, ETags, idempotency, admission, retries. DATABASE_URL names the database.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

import asyncpg
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field
from uuid_utils.compat import uuid7


class ProductCreate(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=500)
    price: Decimal = Field(gt=Decimal(0), max_digits=10, decimal_places=2)
    stock: int = Field(default=0, ge=0)
    is_available: bool = True


class ProductRead(BaseModel):
    id: uuid.UUID
    created_at: dt.datetime
    updated_at: dt.datetime
    version: int
    name: str
    description: str | None
    price: Decimal
    stock: int
    is_available: bool


class Page(BaseModel):
    items: list[ProductRead]
    next: str | None


class Health(BaseModel):
    status: str
    service: str
    version: str
    image_digest: str | None


COLUMNS = "id, created_at, updated_at, version, name, description, price, stock, is_available"
GET = f"SELECT {COLUMNS} FROM products WHERE id = $1"
FIRST_PAGE = f"SELECT {COLUMNS} FROM products ORDER BY created_at DESC, id DESC LIMIT $1"
NEXT_PAGE = (
    f"SELECT {COLUMNS} FROM products WHERE (created_at, id) < ($2, $3) ORDER BY created_at DESC, id DESC LIMIT $1"
)
CREATE = f"""INSERT INTO products (id, name, description, price, stock, is_available)
    VALUES ($1, $2, $3, $4, $5, $6) RETURNING {COLUMNS}"""


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=10) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/health", response_model=Health)
async def health() -> dict[str, str | None]:
    return {"status": "ok", "service": "ceiling", "version": "0.1.0", "image_digest": None}


@app.get("/api/v1/products", response_model=Page)
async def list_products(
    request: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20, cursor: str | None = None
) -> dict[str, object]:
    pool: asyncpg.Pool = request.app.state.pool
    if cursor is None:
        rows = await pool.fetch(FIRST_PAGE, limit)
    else:
        moment, _, last = cursor.partition("_")
        rows = await pool.fetch(NEXT_PAGE, limit, dt.datetime.fromisoformat(moment), uuid.UUID(last))
    more = f"{rows[-1]['created_at'].isoformat()}_{rows[-1]['id']}" if len(rows) == limit else None
    return {"items": [dict(row) for row in rows], "next": more}


@app.get("/api/v1/products/{id}", response_model=ProductRead)
async def get_product(request: Request, id: uuid.UUID) -> dict[str, object]:
    row = await request.app.state.pool.fetchrow(GET, id)
    if row is None:
        raise HTTPException(404)
    return dict(row)


@app.post("/api/v1/products", response_model=ProductRead, status_code=201)
async def create_product(request: Request, response: Response, data: ProductCreate) -> dict[str, object]:
    values = (data.name, data.description, data.price, data.stock, data.is_available)
    row = await request.app.state.pool.fetchrow(CREATE, uuid7(), *values)
    response.headers["Location"] = f"/api/v1/products/{row['id']}"
    return dict(row)


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="warning", access_log=False)
