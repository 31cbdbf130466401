-- What tells an account's receivers of what happens in its spaces. Its endpoint has the same id.
CREATE TABLE community_webhook (
    id BLOB NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,
    -- A JSON array of names.
    events TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX community_webhook_owner ON community_webhook (owner, id);

-- Somebody is to become a member of a space: because they ask ('request'), or its owner does ('invite').
CREATE TABLE community_proposal (
    id BLOB NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    space TEXT NOT NULL,
    did TEXT NOT NULL,
    may_read INTEGER NOT NULL CHECK (may_read IN (0, 1)),
    may_write INTEGER NOT NULL CHECK (may_write IN (0, 1)),
    message TEXT,
    -- 'pending', 'accepted', 'declined' or 'withdrawn'.
    status TEXT NOT NULL,
    answered_by TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX community_proposal_pending ON community_proposal (space, did)
    WHERE status = 'pending';
CREATE INDEX community_proposal_space ON community_proposal (space, kind, id);
CREATE INDEX community_proposal_did ON community_proposal (did, kind, id);
CREATE INDEX community_proposal_over ON community_proposal (updated_at) WHERE status <> 'pending';

-- Whether the receiver said in its answer that it failed, under a status of success.
ALTER TABLE attempt ADD COLUMN refused INTEGER NOT NULL DEFAULT 0 CHECK (refused IN (0, 1));
