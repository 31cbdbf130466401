-- Times are milliseconds since 1970. Identifiers are the sixteen bytes of a UUIDv7. Texts are
-- compared byte by byte and truth is 0 or 1, so that one statement means the same to SQLite.

-- What the store knows of itself.
CREATE TABLE meta (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BYTEA NOT NULL
);

-- place.stream.server.*: what an account asked to be told, and in which words.
CREATE TABLE webhook (
    id BYTEA NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    streamplace_format BIGINT NOT NULL CHECK (streamplace_format IN (0, 1)),
    prefix TEXT COLLATE "C" NOT NULL,
    suffix TEXT COLLATE "C" NOT NULL,
    rewrite TEXT COLLATE "C" NOT NULL,
    mute_words TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    description TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    last_triggered BIGINT,
    error_count BIGINT NOT NULL,
    UNIQUE (owner, url)
);

CREATE INDEX webhook_newest ON webhook (owner, created_at DESC, id DESC);

-- A webhook's events, in the order in which they were given.
CREATE TABLE webhook_event (
    webhook BYTEA NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    event TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (webhook, position)
);

CREATE TABLE endpoint (
    id BYTEA NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    profile TEXT COLLATE "C" NOT NULL,
    -- Sealed under the master key.
    secret BYTEA,
    previous_secret BYTEA,
    previous_until BIGINT,
    disabled_reason TEXT COLLATE "C",
    disabled_at BIGINT,
    consecutive_failures BIGINT NOT NULL,
    failing_since BIGINT,
    last_success BIGINT,
    created_at BIGINT NOT NULL
);

-- com.atproto.space.registerNotify: a standing wish to be told of a space.
CREATE TABLE registration (
    id BYTEA NOT NULL PRIMARY KEY,
    space TEXT COLLATE "C" NOT NULL,
    service_did TEXT COLLATE "C" NOT NULL,
    url TEXT COLLATE "C" NOT NULL,
    endpoint BYTEA NOT NULL REFERENCES endpoint (id),
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    UNIQUE (space, service_did, url)
);

CREATE INDEX registration_caller ON registration (created_by, expires_at);
CREATE INDEX registration_expiry ON registration (expires_at);
CREATE INDEX registration_endpoint ON registration (endpoint);

-- What is to be said: stored once, however many endpoints get it.
CREATE TABLE notification (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    body BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    -- The name of the event that caused it.
    source TEXT COLLATE "C" UNIQUE
);

-- One notification to one endpoint.
CREATE TABLE delivery (
    notification BYTEA NOT NULL REFERENCES notification (id),
    endpoint BYTEA NOT NULL REFERENCES endpoint (id),
    state TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('pending', 'leased', 'delivered', 'expired', 'abandoned', 'cancelled')),
    attempts BIGINT NOT NULL,
    deadline BIGINT NOT NULL,
    -- pending: when; leased: when the lease ends.
    due BIGINT,
    -- leased: whose.
    node TEXT COLLATE "C",
    -- the others: when, and why.
    ended_at BIGINT,
    reason TEXT COLLATE "C",
    PRIMARY KEY (notification, endpoint),
    CHECK ((state IN ('pending', 'leased')) = (due IS NOT NULL)),
    CHECK ((state = 'leased') = (node IS NOT NULL)),
    CHECK ((state IN ('pending', 'leased')) = (ended_at IS NULL)),
    CHECK ((state IN ('abandoned', 'cancelled')) = (reason IS NOT NULL))
);

-- The work of one endpoint by due time: the first row of each endpoint is found with one seek.
CREATE INDEX delivery_lane ON delivery (endpoint, due) WHERE state = 'pending';
-- What nodes hold.
CREATE INDEX delivery_lease ON delivery (node, due) WHERE state = 'leased';
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX delivery_endpoint ON delivery (endpoint);

-- One HTTP request of a delivery.
CREATE TABLE attempt (
    notification BYTEA NOT NULL,
    endpoint BYTEA NOT NULL,
    number BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    -- Either the answer's status or which kind of failure.
    status BIGINT,
    fault TEXT COLLATE "C",
    retry_after TEXT COLLATE "C",
    -- The first KiB of the answer.
    excerpt BYTEA,
    PRIMARY KEY (notification, endpoint, number),
    FOREIGN KEY (notification, endpoint)
        REFERENCES delivery (notification, endpoint) ON DELETE CASCADE,
    CHECK ((status IS NULL) <> (fault IS NULL))
);

-- What may be used once, and was.
CREATE TABLE replay (
    scope TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    not_after BIGINT NOT NULL,
    PRIMARY KEY (scope, key)
);

CREATE INDEX replay_expiry ON replay (not_after);
