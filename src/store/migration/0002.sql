-- A token may end by itself; one without an end is valid until it is revoked.

ALTER TABLE token ADD COLUMN ends_at INTEGER;
