-- Where deliveries go: what an owner may ask of it.

-- Headers of the owner's own, a JSON array of pairs. Sealed under the master key.
ALTER TABLE endpoint ADD COLUMN headers BYTEA;
-- One at a time, in the order of the notifications.
ALTER TABLE endpoint ADD COLUMN in_order BIGINT NOT NULL DEFAULT 0 CHECK (in_order IN (0, 1));
-- The most attempts a second.
ALTER TABLE endpoint ADD COLUMN per_second BIGINT CHECK (per_second > 0);
-- Kinds of notifications that it wants when its owner is told something: a JSON array.
ALTER TABLE endpoint ADD COLUMN kinds TEXT COLLATE "C" NOT NULL DEFAULT '[]';
ALTER TABLE endpoint ADD COLUMN description TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE endpoint ADD COLUMN updated_at BIGINT;
-- Whether its owner made it as an endpoint, rather than a webhook or a registration for them.
ALTER TABLE endpoint ADD COLUMN managed BIGINT NOT NULL DEFAULT 0 CHECK (managed IN (0, 1));

CREATE INDEX endpoint_owner ON endpoint (owner, id);

-- What the wire profile calls it, where it has a name of its own.
ALTER TABLE delivery ADD COLUMN key TEXT COLLATE "C";
-- Attempts made before it was last replayed.
ALTER TABLE delivery ADD COLUMN earlier BIGINT NOT NULL DEFAULT 0;
-- A newer delivery of the same topic takes the place of those that wait.
ALTER TABLE delivery ADD COLUMN topic TEXT COLLATE "C";
ALTER TABLE delivery ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
-- Set while its endpoint is told in order.
ALTER TABLE delivery ADD COLUMN in_order BIGINT NOT NULL DEFAULT 0 CHECK (in_order IN (0, 1));

DROP INDEX delivery_endpoint;
CREATE INDEX delivery_endpoint ON delivery (endpoint, notification);
CREATE INDEX delivery_topic ON delivery (endpoint, topic, notification)
    WHERE topic IS NOT NULL;
-- The first row of an endpoint is the only one that may go out.
CREATE INDEX delivery_line ON delivery (endpoint, notification)
    WHERE in_order = 1 AND state IN ('pending', 'leased');

-- Processes that share the queue. What one that is not alive holds is free.
CREATE TABLE node (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    alive_until BIGINT NOT NULL,
    -- What that was when it last said so.
    was_alive_until BIGINT
);
