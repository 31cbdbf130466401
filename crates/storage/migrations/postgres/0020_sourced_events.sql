-- Events that came from a source go again once they are old: before this time some have gone.
ALTER TABLE projection_tenant ADD COLUMN sourced_from BIGINT;

-- Which of them are old.
CREATE INDEX event_sourced ON event (owner, created_at) WHERE origin IS NOT NULL;
