-- What one maker registers for a place is theirs: two who name the same service or URL have two. The
-- maker is the account that registered; for a reader whom nobody knows, the authority and after `#` the
-- reader's credential.
ALTER TABLE registration ADD COLUMN maker TEXT COLLATE "C";
UPDATE registration SET maker =
    CASE WHEN reader IS NULL AND credential IS NOT NULL THEN created_by || '#' || credential
         ELSE coalesce(reader, created_by) END;
ALTER TABLE registration ALTER COLUMN maker SET NOT NULL;
ALTER TABLE registration DROP CONSTRAINT registration_place;
ALTER TABLE registration ADD CONSTRAINT registration_place
    UNIQUE (space, service, url, author, maker);

-- Whether the credential was given out here: then nothing stands in the way of taking it back.
ALTER TABLE revoked_credential ADD COLUMN issued BIGINT NOT NULL DEFAULT 0 CHECK (issued IN (0, 1));
CREATE INDEX revoked_credential_foreign ON revoked_credential (space) WHERE issued = 0;

-- How often in a row a copy was in trouble, when it is tried again, and what was wanted: an errand's
-- payload.
ALTER TABLE space_copy ADD COLUMN troubles BIGINT NOT NULL DEFAULT 0;
ALTER TABLE space_copy ADD COLUMN retry_at BIGINT;
ALTER TABLE space_copy ADD COLUMN wanted TEXT COLLATE "C";
CREATE INDEX space_copy_retry ON space_copy (space, retry_at) WHERE retry_at IS NOT NULL;

CREATE INDEX community_proposal_waiting ON community_proposal (updated_at) WHERE status = 'pending';
