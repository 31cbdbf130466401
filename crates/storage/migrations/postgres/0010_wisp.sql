-- place.wisp.v2.wh records as they were last read from their owners' repositories.
CREATE TABLE wisp_webhook (
    owner TEXT COLLATE "C" NOT NULL,
    rkey TEXT COLLATE "C" NOT NULL,
    -- Belongs to this webhook alone; none if it never was to be told.
    endpoint BYTEA,
    state TEXT COLLATE "C" NOT NULL CHECK (state IN ('active', 'disabled', 'refused', 'removed')),
    -- Why it is refused: a name, and words for its owner.
    refusal TEXT COLLATE "C",
    reason TEXT COLLATE "C",
    -- Whether its owner's account is away for now.
    paused BIGINT NOT NULL CHECK (paused IN (0, 1)),
    scope TEXT COLLATE "C" NOT NULL,
    backlinks BIGINT NOT NULL CHECK (backlinks IN (0, 1)),
    -- A JSON array of the actions that it is told of; empty for all.
    actions TEXT COLLATE "C" NOT NULL,
    secret_id TEXT COLLATE "C",
    -- Of the record.
    cid TEXT COLLATE "C",
    -- Of the repository, with the newest change of the record that was seen.
    rev TEXT COLLATE "C" NOT NULL,
    -- The number of its last change among those of all webhooks.
    seq BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (owner, rkey),
    CHECK ((state = 'refused') = (refusal IS NOT NULL))
);

CREATE UNIQUE INDEX wisp_webhook_seq ON wisp_webhook (seq);
CREATE INDEX wisp_webhook_endpoint ON wisp_webhook (endpoint) WHERE endpoint IS NOT NULL;
CREATE INDEX wisp_webhook_secret ON wisp_webhook (owner, secret_id) WHERE secret_id IS NOT NULL;
CREATE INDEX wisp_webhook_active ON wisp_webhook (owner) WHERE state = 'active';
CREATE INDEX wisp_webhook_removed ON wisp_webhook (updated_at) WHERE state = 'removed';

-- The number of the last change of any webhook: one row.
CREATE TABLE wisp_change (
    one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
    seq BIGINT NOT NULL
);

INSERT INTO wisp_change (one, seq) VALUES (1, 0);
