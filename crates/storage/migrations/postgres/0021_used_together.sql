-- Many keys are used up in one statement: their parts are counted in the order of the parts, as when keys are
-- forgotten, so that two who do so at once do not wait for each other in a ring.
DROP TRIGGER replay_kept ON replay;

CREATE OR REPLACE FUNCTION replay_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM replay_count
    WHERE part IN (SELECT hashtext(key) & 63 FROM used)
    ORDER BY part FOR UPDATE;
    UPDATE replay_count SET kept = kept + came.keys
    FROM (SELECT hashtext(key) & 63 AS part, count(*) AS keys FROM used GROUP BY 1) AS came
    WHERE replay_count.part = came.part;
    RETURN NULL;
END $$;

CREATE TRIGGER replay_kept AFTER INSERT ON replay
REFERENCING NEW TABLE AS used
FOR EACH STATEMENT EXECUTE FUNCTION replay_kept();
