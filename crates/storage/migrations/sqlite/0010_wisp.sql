-- place.wisp.v2.wh records as they were last read from their owners' repositories.
CREATE TABLE wisp_webhook (
    owner TEXT NOT NULL,
    rkey TEXT NOT NULL,
    -- Belongs to this webhook alone; none if it never was to be told.
    endpoint BLOB,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled', 'refused', 'removed')),
    -- Why it is refused: a name, and words for its owner.
    refusal TEXT,
    reason TEXT,
    -- Whether its owner's account is away for now.
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    scope TEXT NOT NULL,
    backlinks INTEGER NOT NULL CHECK (backlinks IN (0, 1)),
    -- A JSON array of the actions that it is told of; empty for all.
    actions TEXT NOT NULL,
    secret_id TEXT,
    -- Of the record.
    cid TEXT,
    -- Of the repository, with the newest change of the record that was seen.
    rev TEXT NOT NULL,
    -- The number of its last change among those of all webhooks.
    seq INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (owner, rkey),
    CHECK ((state = 'refused') = (refusal IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX wisp_webhook_seq ON wisp_webhook (seq);
CREATE INDEX wisp_webhook_endpoint ON wisp_webhook (endpoint) WHERE endpoint IS NOT NULL;
CREATE INDEX wisp_webhook_secret ON wisp_webhook (owner, secret_id) WHERE secret_id IS NOT NULL;
CREATE INDEX wisp_webhook_active ON wisp_webhook (owner) WHERE state = 'active';
CREATE INDEX wisp_webhook_removed ON wisp_webhook (updated_at) WHERE state = 'removed';

-- The number of the last change of any webhook: one row.
CREATE TABLE wisp_change (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO wisp_change (one, seq) VALUES (1, 0);
