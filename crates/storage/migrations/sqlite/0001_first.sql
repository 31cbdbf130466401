-- Times are milliseconds since 1970. Identifiers are the sixteen bytes of a UUIDv7.

-- What the store knows of itself.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- place.stream.server.*: what an account asked to be told, and in which words.
CREATE TABLE webhook (
    id BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    streamplace_format INTEGER NOT NULL CHECK (streamplace_format IN (0, 1)),
    prefix TEXT NOT NULL,
    suffix TEXT NOT NULL,
    rewrite TEXT NOT NULL,
    mute_words TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER,
    last_triggered INTEGER,
    error_count INTEGER NOT NULL,
    UNIQUE (owner, url)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_newest ON webhook (owner, created_at DESC, id DESC);

-- A webhook's events, in the order in which they were given.
CREATE TABLE webhook_event (
    webhook BLOB NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (webhook, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoint (
    id BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    profile TEXT NOT NULL,
    -- Sealed under the master key.
    secret BLOB,
    previous_secret BLOB,
    previous_until INTEGER,
    disabled_reason TEXT,
    disabled_at INTEGER,
    consecutive_failures INTEGER NOT NULL,
    failing_since INTEGER,
    last_success INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- com.atproto.space.registerNotify: a standing wish to be told of a space.
CREATE TABLE registration (
    id BLOB NOT NULL PRIMARY KEY,
    space TEXT NOT NULL,
    service_did TEXT NOT NULL,
    url TEXT NOT NULL,
    endpoint BLOB NOT NULL REFERENCES endpoint (id),
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    UNIQUE (space, service_did, url)
) STRICT, WITHOUT ROWID;

CREATE INDEX registration_caller ON registration (created_by, expires_at);
CREATE INDEX registration_expiry ON registration (expires_at);
CREATE INDEX registration_endpoint ON registration (endpoint);

-- What is to be said: stored once, however many endpoints get it.
CREATE TABLE notification (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    -- The name of the event that caused it.
    source TEXT UNIQUE
) STRICT, WITHOUT ROWID;

-- One notification to one endpoint.
CREATE TABLE delivery (
    notification BLOB NOT NULL REFERENCES notification (id),
    endpoint BLOB NOT NULL REFERENCES endpoint (id),
    state TEXT NOT NULL
        CHECK (state IN ('pending', 'leased', 'delivered', 'expired', 'abandoned', 'cancelled')),
    attempts INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    -- pending: when; leased: when the lease ends.
    due INTEGER,
    -- leased: whose.
    node TEXT,
    -- the others: when, and why.
    ended_at INTEGER,
    reason TEXT,
    PRIMARY KEY (notification, endpoint),
    CHECK ((state IN ('pending', 'leased')) = (due IS NOT NULL)),
    CHECK ((state = 'leased') = (node IS NOT NULL)),
    CHECK ((state IN ('pending', 'leased')) = (ended_at IS NULL)),
    CHECK ((state IN ('abandoned', 'cancelled')) = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- The work of one endpoint by due time: the first row of each endpoint is found with one seek.
CREATE INDEX delivery_lane ON delivery (endpoint, due) WHERE state = 'pending';
-- What nodes hold.
CREATE INDEX delivery_lease ON delivery (node, due) WHERE state = 'leased';
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX delivery_endpoint ON delivery (endpoint);

-- One HTTP request of a delivery.
CREATE TABLE attempt (
    notification BLOB NOT NULL,
    endpoint BLOB NOT NULL,
    number INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    -- Either the answer's status or which kind of failure.
    status INTEGER,
    fault TEXT,
    retry_after TEXT,
    -- The first KiB of the answer.
    excerpt BLOB,
    PRIMARY KEY (notification, endpoint, number),
    FOREIGN KEY (notification, endpoint)
        REFERENCES delivery (notification, endpoint) ON DELETE CASCADE,
    CHECK ((status IS NULL) <> (fault IS NULL))
) STRICT, WITHOUT ROWID;

-- What may be used once, and was.
CREATE TABLE replay (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX replay_expiry ON replay (not_after);
