//! Every setting by name.

/// What each setting is called and means, for `loggia check-config` and the README.
pub const SETTINGS: &[(&str, &str, &str)] = &[
    ("bind", "127.0.0.1:2510", "address to listen on"),
    (
        "public_url",
        "",
        "https origin where others reach this server",
    ),
    (
        "data",
        "data",
        "folder for the database, the master key and development accounts",
    ),
    (
        "database_url",
        "",
        "PostgreSQL database that any number of nodes share, postgres://user:password@host/database; \
         without it an SQLite file in the data folder",
    ),
    (
        "sqlite_synchronous",
        "full",
        "when a commit to the SQLite file is done: full (it is on the disk) or normal (faster, and the \
         last ones may be lost with the power)",
    ),
    (
        "plc_directory",
        "https://plc.directory",
        "directory that resolves did:plc",
    ),
    (
        "handle_service",
        "",
        "XRPC service that is asked for handles instead of their own domains",
    ),
    (
        "profile_service",
        "https://public.api.bsky.app",
        "XRPC service that is asked for pictures and handles of those whom webhooks are told of",
    ),
    (
        "stream_nodes",
        "",
        "DIDs, comma-separated, of nodes of Streamplace that may say that a stream has begun",
    ),
    ("webhooks_per_account", "50", "most webhooks of one account"),
    (
        "endpoints_per_account",
        "100",
        "most endpoints that one account makes",
    ),
    (
        "registrations_per_space",
        "256",
        "most registrations of one space",
    ),
    (
        "registrations_per_caller",
        "1024",
        "most registrations made by one caller",
    ),
    (
        "registrations_per_authority",
        "4096",
        "most registrations of all spaces of one authority",
    ),
    (
        "registration_consent",
        "anyone",
        "who registers a service: anyone who reads the space, or only the `service` itself",
    ),
    (
        "reading_projections_per_account",
        "20",
        "most projections of one account that read the record stream or spaces",
    ),
    (
        "stream_projections",
        "500",
        "most projections of all accounts that read the record stream: each is told of what it reads in the \
         transaction that takes it in",
    ),
    ("spaces", "true", "whether there are spaces at all"),
    (
        "space_admins",
        "",
        "DIDs, comma-separated, that may tell of writes in every space",
    ),
    (
        "allowed_networks",
        "",
        "private networks that deliveries may reach, as CIDR, comma-separated",
    ),
    (
        "name_server",
        "",
        "a name server, as address and port, that is asked for every name in place of the system's",
    ),
    (
        "attempt_timeout_ms",
        "10000",
        "deadline of one delivery attempt, 100 to 30000",
    ),
    (
        "lease_seconds",
        "30",
        "how long nodes wait for one that is not heard of before they take over its deliveries, 5 to \
         3600, at least twice the attempt timeout",
    ),
    (
        "wisp_attempts",
        "",
        "attempts of a delivery to a Wisp webhook, 1 to 100, where it is not what Wisp makes; \
         DELIVERY_MAX_RETRIES is read as well",
    ),
    (
        "requests_per_minute",
        "3000",
        "requests a minute of one caller address",
    ),
    (
        "public_metrics",
        "false",
        "whether a published server shows /metrics to everybody",
    ),
    (
        "client_keys",
        "optional",
        "whether API clients must send an X-Client-Key: off, optional or required",
    ),
    (
        "proxies",
        "0",
        "how many reverse proxies stand in front, whose X-Forwarded-For is believed",
    ),
    (
        "space_credentials",
        "october",
        "which forms of space credentials are taken: october, august, both or off",
    ),
    (
        "space_readers",
        "",
        "DIDs, comma-separated, of accounts here in whose name spaces that are hosted elsewhere are \
         read and copied for those who register for them here; without any, none are",
    ),
    (
        "space_visit_seconds",
        "3600",
        "how often the hosts of such spaces are asked who has written, beside what they tell, 1 to \
         43200",
    ),
    (
        "space_host_audience",
        "fragment",
        "for whom tokens are with which hosts of spaces elsewhere are told of writes: fragment \
         (`DID#atproto_space_host`), or auto, which tries the bare DID after a 401 or 403",
    ),
    (
        "space_drafts",
        "false",
        "whether drafts of the protocol are taken: registrations by `endpoint` alone, and notifyWrite \
         without a hash, which is asked of the author's host",
    ),
    (
        "lexicons",
        "",
        "folder of lexicons by which records are validated beside the built-in ones",
    ),
    (
        "lexicon_network",
        "false",
        "whether lexicons that are not known are looked up where their authority publishes them",
    ),
    (
        "used_tokens_kept",
        "500000",
        "most used tokens that are remembered; beyond, callers get 503 until some have ended",
    ),
    (
        "keep_delivered_days",
        "7",
        "days that delivered and cancelled deliveries stay visible, 1 to 3650",
    ),
    (
        "keep_dead_letters_days",
        "30",
        "days that dead letters stay visible and can be replayed, 1 to 3650",
    ),
    (
        "keep_source_events_days",
        "30",
        "days that projections' events from the record stream and from spaces are kept, 1 to 3650; those \
         that clients append stay for good",
    ),
    (
        "keep_space_log_days",
        "30",
        "days that operations stay in the logs of repositories in spaces; who comes later reads the \
         whole, 1 to 3650",
    ),
    (
        "archive",
        "",
        "where deliveries go after that: a folder, or s3://bucket/folder with the AWS_ variables",
    ),
    (
        "redis_url",
        "",
        "Redis that is told of outcomes, redis://host:6379; also read from REDIS_URL",
    ),
    (
        "redis_channel",
        "webhook:events",
        "channel on which it is told; also read from WEBHOOK_EVENTS_CHANNEL",
    ),
    (
        "jetstream_url",
        "",
        "Jetstream host whose record stream is consumed, wss://host/subscribe; also read from \
         JETSTREAM_URL",
    ),
    (
        "health_port",
        "",
        "port on 127.0.0.1 of a second listener with /health and /live alone; also read from \
         HEALTH_PORT",
    ),
    (
        "wisp_version",
        "1",
        "which generation of Wisp's service its webhooks are told like: 1, as its page says, or 2",
    ),
    (
        "wisp_webhooks_per_account",
        "100",
        "most active place.wisp.v2.wh webhooks of one account",
    ),
    (
        "wisp_webhooks",
        "10000",
        "most active place.wisp.v2.wh webhooks of all accounts",
    ),
    (
        "wisp_relay",
        "",
        "relay that is asked at the start which accounts have place.wisp.v2.wh records; without it only \
         those are known that a stream tells of, or that are logged in",
    ),
];
