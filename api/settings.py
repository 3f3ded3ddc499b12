"""The node's settings: typed, frozen, read from the environment; no unsafe default.

Every key is explained in ``deploy/settings.env.example``; a test keeps the two in step. Only
``app``, ``worker``, ``bootstrap`` and the command line may import this module.
"""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from api.domain.quotas import Allowance, Quotas, Rate, Share


class Settings(BaseSettings):
    """Settings of one node, prefix ``COMITY_``."""

    model_config = SettingsConfigDict(env_prefix="COMITY_", frozen=True, extra="ignore")

    ministry: str = Field(description="member id of this ministry, such as us-treasury")
    public_url: str = Field(description="address under which officers and partners reach this node")
    listen_host: str = Field(default="127.0.0.1", description="address the app listens on")
    listen_port: int = Field(default=8080, description="port the app listens on")
    proxy_addresses: str = Field(
        default="",
        description="addresses of proxies whose X-Forwarded-For is believed, separated by spaces",
    )
    metrics_listen: str = Field(default="", description="host:port for metrics; empty for none")
    database_url: str = Field(description="sqlite:///path or postgresql+psycopg://…")
    store: str = Field(description="folder of exhibits, or s3://bucket/prefix")
    spool: Path | None = Field(
        default=None,
        description="local folder of bodies and unfinished uploads; default in a local store",
    )
    s3_endpoint: str = Field(default="", description="endpoint of an S3-compatible service")
    s3_region: str = Field(default="", description="region of the S3 service")
    head_memory: Path | None = Field(
        default=None,
        description="file of the last signed head; default beside an SQLite database's folder, "
        "else in the store",
    )
    keystore: Path = Field(description="encrypted file of this node's private keys")
    keystore_passphrase_file: Path = Field(description="file whose first line opens the keystore")
    membership: Path = Field(description="membership file")
    membership_digest: str = Field(
        description="sha256:<hex> of the membership, as two administrators compared it"
    )
    issuers: str = Field(description="issuers of officers' access tokens, separated by spaces")
    audience: str = Field(default="", description="audience of access tokens; default public_url")
    console_client: str = Field(
        default="", description="the console's client id at the first issuer; empty for no console"
    )
    console_key: Path | None = Field(
        default=None, description="private key (JWK) of that client; none for a public client"
    )
    policies: Path | None = Field(
        default=None, description="policy folder; default the bundled one"
    )
    jobs: bool = Field(default=True, description="run the background jobs inside the app")
    exhibit_limit: int = Field(default=64 * 1024**3, description="largest exhibit in bytes")
    log_level: str = Field(
        default="INFO",
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="least level of log lines",
    )
    allow_http_peers: bool = Field(
        default=False, description="reach partners over plain http; for loopback demos only"
    )
    peer_ca: Path | None = Field(
        default=None, description="CA bundle for partners' servers; default the system's"
    )
    peer_certificate: Path | None = Field(
        default=None, description="client certificate shown to partners' proxies (PEM)"
    )
    peer_key: Path | None = Field(
        default=None, description="private key of the client certificate (PEM)"
    )
    witness_quorum: int = Field(
        default=1, ge=1, le=64, description="partners that must cosign a head before it is public"
    )
    anchor_seconds: int = Field(
        default=3600, ge=60, description="how often partners' heads are anchored in the own log"
    )
    watch_seconds: int = Field(
        default=5, ge=1, description="how often partners are asked what they saw of other logs"
    )
    peer_messages_per_minute: int = Field(
        default=6_000, ge=1, description="messages that one partner may send in a minute"
    )
    peer_bytes_per_minute: int = Field(
        default=1 << 30, ge=1 << 20, description="bytes of requests of one partner in a minute"
    )
    peer_events_per_hour: int = Field(
        default=10_000, ge=1, description="events that one partner's reads may make in an hour"
    )
    peer_submissions_per_minute: int = Field(
        default=120, ge=1, description="heads that one partner's log may submit in a minute"
    )
    peer_message_bytes_per_day: int = Field(
        default=64 << 30, ge=1 << 20, description="bytes of messages of one partner kept in a day"
    )
    peer_exhibit_bytes_per_day: int = Field(
        default=1 << 40,
        ge=1 << 20,
        description="bytes of exhibits that go to one partner, and that come from it, in a day",
    )
    otel_endpoint: str = Field(default="", description="OTLP/HTTP collector; empty for no traces")

    @property
    def quotas(self) -> Quotas:
        """What one partner may ask of this node."""
        exhibits = self.peer_exhibit_bytes_per_day
        return Quotas(
            {
                Allowance.MESSAGES: Rate(self.peer_messages_per_minute, 60),
                Allowance.BYTES: Rate(self.peer_bytes_per_minute, 60),
                Allowance.EVENTS: Rate(self.peer_events_per_hour, 3600),
                Allowance.SUBMISSIONS: Rate(self.peer_submissions_per_minute, 60),
            },
            {
                Share.MESSAGES: self.peer_message_bytes_per_day,
                Share.EXHIBITS_OUT: exhibits,
                Share.EXHIBITS_IN: exhibits,
            },
        )

    @property
    def token_audience(self) -> str:
        """The audience that access tokens must name."""
        return self.audience or self.public_url
