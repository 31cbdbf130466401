-- Space credentials that their authority has taken back, until they would have ended anyway.
CREATE TABLE revoked_credential (
    space TEXT COLLATE "C" NOT NULL,
    -- The credential's `jti`.
    id TEXT COLLATE "C" NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (space, id)
);

CREATE INDEX revoked_credential_end ON revoked_credential (until);

-- The `jti` of the space credential with which a reader registered or last renewed; none where the
-- authority itself did.
ALTER TABLE registration ADD COLUMN credential TEXT COLLATE "C";

-- How many used keys are kept: the limit is checked at every use, and counting would read them all.
-- In parts, so that those who use keys at once do not wait for each other.
CREATE TABLE replay_count (
    part BIGINT NOT NULL PRIMARY KEY CHECK (part BETWEEN 0 AND 63),
    kept BIGINT NOT NULL
);

INSERT INTO replay_count (part, kept)
SELECT part, (SELECT count(*) FROM replay WHERE hashtext(key) & 63 = part)
FROM generate_series(0, 63) AS part;

CREATE FUNCTION replay_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE replay_count SET kept = kept + 1 WHERE part = hashtext(NEW.key) & 63;
    RETURN NULL;
END $$;

CREATE TRIGGER replay_kept AFTER INSERT ON replay
FOR EACH ROW EXECUTE FUNCTION replay_kept();

-- In the order of the parts, so that two who forget at once do not wait for each other in a ring.
CREATE FUNCTION replay_forgotten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM replay_count ORDER BY part FOR UPDATE;
    UPDATE replay_count SET kept = kept - gone.keys
    FROM (SELECT hashtext(key) & 63 AS part, count(*) AS keys FROM forgotten GROUP BY 1) AS gone
    WHERE replay_count.part = gone.part;
    RETURN NULL;
END $$;

CREATE TRIGGER replay_forgotten AFTER DELETE ON replay
REFERENCING OLD TABLE AS forgotten
FOR EACH STATEMENT EXECUTE FUNCTION replay_forgotten();
