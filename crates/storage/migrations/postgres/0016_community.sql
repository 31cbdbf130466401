-- What tells an account's receivers of what happens in its spaces. Its endpoint has the same id.
CREATE TABLE community_webhook (
    id BYTEA NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C" NOT NULL,
    -- A JSON array of names.
    events TEXT COLLATE "C" NOT NULL
);

CREATE INDEX community_webhook_owner ON community_webhook (owner, id);

-- Somebody is to become a member of a space: because they ask ('request'), or its owner does ('invite').
CREATE TABLE community_proposal (
    id BYTEA NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    space TEXT COLLATE "C" NOT NULL,
    did TEXT COLLATE "C" NOT NULL,
    may_read BIGINT NOT NULL CHECK (may_read IN (0, 1)),
    may_write BIGINT NOT NULL CHECK (may_write IN (0, 1)),
    message TEXT COLLATE "C",
    -- 'pending', 'accepted', 'declined' or 'withdrawn'.
    status TEXT COLLATE "C" NOT NULL,
    answered_by TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX community_proposal_pending ON community_proposal (space, did)
    WHERE status = 'pending';
CREATE INDEX community_proposal_space ON community_proposal (space, kind, id);
CREATE INDEX community_proposal_did ON community_proposal (did, kind, id);
CREATE INDEX community_proposal_over ON community_proposal (updated_at) WHERE status <> 'pending';

-- Whether the receiver said in its answer that it failed, under a status of success.
ALTER TABLE attempt ADD COLUMN refused BIGINT NOT NULL DEFAULT 0 CHECK (refused IN (0, 1));
