"""Settings: the environment, read once; every part receives values.

    LOOKALIKE_* -> read_settings -> Settings (frozen) -> create_app

docs/operating.md tells each setting to operators; a test holds the two together.
"""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from limits import parse_many
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from index.milvus_options import MILVUS, Consistency, IndexType, MilvusOptions
from service.errors import SettingsError

PREFIX = "LOOKALIKE_"

_ORIGIN = re.compile(r"https?://[^/@\s?#*]+")


class Settings(BaseSettings):
    """What an operator can set. Sizes are bytes, unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data: Path = Field(Path("data"), description="Folder with everything the service keeps.")
    encoder: Path | None = Field(
        None,
        description="Encoder folder (encoder.onnx and card.json); unset: the gallery's own, or the "
        "shipped one.",
    )
    store_url: str | None = Field(
        None, description="SQLAlchemy URL of the store; unset: SQLite in the data folder."
    )
    index: str = Field("auto", description="Kind of vector index.")
    milvus_uri: str = Field("", description="Where Milvus is, for the index `milvus`.")
    milvus_token: str = Field("", description="`user:password` or an API key for Milvus.")
    milvus_index: IndexType = Field("HNSW", description="What Milvus builds.")
    milvus_consistency: Consistency = Field(
        "Session", description="How soon a search by Milvus sees what was written."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where the encoder runs. A device named and absent is an error."
    )
    max_bytes: int = Field(15 * 2**20, ge=1, description="Largest image file.")
    max_request_bytes: int = Field(100 * 2**20, ge=1, description="Largest whole request.")
    max_uploads_bytes: int = Field(
        2**30,
        ge=1,
        description="What the bodies of all requests at once may hold in memory; one request may "
        "always have `max_request_bytes`.",
    )
    max_pixels: int = Field(
        50_000_000, ge=1, description="Largest image in pixels, by its header, before decoding."
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=1,
        description="Threads that decode, detect, embed and search; default: one a core.",
    )
    queue: int = Field(
        32, ge=0, description="Requests that may wait for a worker; beyond it: 503 overloaded."
    )
    queue_wait_ms: int = Field(
        900,
        ge=0,
        description="A request that would wait longer for a worker is refused: 503 overloaded.",
    )
    batch_wait_ms: float = Field(
        0,
        ge=0,
        le=1000,
        description="How long crops wait for those of other requests, to be encoded together.",
    )
    prior: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="Chance that two photos show one person, before looking: what "
        "`same_person_probability` starts from.",
    )
    unknown_rate: float = Field(
        0.001,
        gt=0,
        le=1,
        description="A best match that a larger share of strangers would reach is `unknown`.",
    )
    allow_anonymous: bool = Field(
        False,
        description="Let everybody in although the service listens beyond this machine.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Names, comma-separated, accepted in Host and Origin besides localhost."
    )
    rate_limit: str = Field(
        "",
        description="What one key, or without keys one address, may ask: `60/minute`, or several "
        "limits as `5/second;1000/hour`; empty: no limit.",
    )
    client_timeout_s: float = Field(
        20,
        gt=0,
        description="Seconds in which a request's head must be whole, and for which a body may "
        "fall behind 8 KiB a second.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins, comma-separated, whose pages may use the service from a browser, "
        "such as https://app.example.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Addresses or networks, comma-separated, of proxies in front, whose "
        "X-Forwarded-For and X-Forwarded-Proto are believed.",
    )
    audit_days: int = Field(
        365, ge=0, description="Days that searches stay in the audit log; 0 keeps them for good."
    )
    root_path: str = Field(
        "", description="Path prefix that a proxy in front strips, such as /lookalike."
    )
    sample_people: bool = Field(
        False,
        description="Fill an empty gallery with the shipped made-up people.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe lines to log; access lines are info."
    )
    log_format: Literal["plain", "json"] = Field(
        "plain", description="Lines of key=value, or one JSON object a line."
    )

    @property
    def index_kind(self) -> str | MilvusOptions:
        """The kind of vector index, or where Milvus is and how it is to be used."""
        if self.index != MILVUS or not self.milvus_uri:
            return self.index
        return MilvusOptions(
            self.milvus_uri, self.milvus_token, self.milvus_index, self.milvus_consistency
        )

    @field_validator("allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip().lower() for name in value.split(",") if name.strip())
        return value

    @field_validator("device", "log_level", "log_format", mode="before")
    @classmethod
    def _ignore_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):  # "*" would let every page in that anybody visits
                raise ValueError(
                    f"{origin!r} is no origin; write https://name or https://name:port"
                )
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(f"{network!r} is no address or network of addresses") from None
        return value

    @field_validator("rate_limit")
    @classmethod
    def _check_rate(cls, value: str) -> str:
        if value:
            try:
                parse_many(value)
            except ValueError:
                raise ValueError("write it as 60/minute or 5/second;1000/hour") from None
        return value

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must start with /")
        return value.rstrip("/")


def read_settings(**overrides: object) -> Settings:
    """Read the environment once; an override that is not None goes before it.

    Raises:
        SettingsError: a value is not allowed; names the variable, the value and what is allowed.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name}={first['input']!r} is not allowed: {first['msg']}") from error


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefix that are no setting: most likely misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(
        name for name in environment if name.upper().startswith(PREFIX) and name not in known
    )
