-- Times are milliseconds of Unix time, bucket starts are seconds. Every row carries its project.

CREATE TABLE series (
  number     INTEGER PRIMARY KEY,
  id         BLOB NOT NULL UNIQUE,
  family     BLOB NOT NULL,
  project    TEXT NOT NULL,
  source     TEXT NOT NULL,
  subject    TEXT NOT NULL,
  measure    TEXT NOT NULL,
  grain      TEXT NOT NULL,
  segment    TEXT NOT NULL,
  definition TEXT NOT NULL
) STRICT;
CREATE INDEX series_family ON series (family);

-- A row is added only when value or quality changed.
CREATE TABLE reading (
  series  INTEGER NOT NULL REFERENCES series (number),
  start   INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  length  INTEGER NOT NULL,
  zone    TEXT NOT NULL,
  value   REAL NOT NULL,
  quality TEXT NOT NULL,
  PRIMARY KEY (series, start, seen_at)
) STRICT, WITHOUT ROWID;

CREATE TABLE pull (
  number  INTEGER PRIMARY KEY,
  project TEXT NOT NULL,
  source  TEXT NOT NULL,
  at      INTEGER NOT NULL,
  ok      INTEGER NOT NULL,
  row     TEXT NOT NULL
) STRICT;
CREATE INDEX pull_source ON pull (project, source, at);
CREATE INDEX pull_at ON pull (project, at);

CREATE TABLE slot (
  project TEXT NOT NULL,
  job     TEXT NOT NULL,
  slot    INTEGER NOT NULL,
  PRIMARY KEY (project, job, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
  project TEXT NOT NULL,
  job     TEXT NOT NULL,
  holder  TEXT NOT NULL,
  epoch   INTEGER NOT NULL,
  until   INTEGER NOT NULL,
  PRIMARY KEY (project, job)
) STRICT, WITHOUT ROWID;

-- One row for each check, source, segment, grain and bucket; the newest of each is marked.
CREATE TABLE evaluation (
  project TEXT NOT NULL,
  subject TEXT NOT NULL,
  start   INTEGER NOT NULL,
  newest  INTEGER NOT NULL,
  row     TEXT NOT NULL,
  PRIMARY KEY (project, subject, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX evaluation_newest ON evaluation (project, newest) WHERE newest = 1;
CREATE INDEX evaluation_start ON evaluation (project, start);

CREATE TABLE incident (
  id          BLOB PRIMARY KEY,
  project     TEXT NOT NULL,
  number      INTEGER,
  revision    INTEGER NOT NULL,
  resolved_at INTEGER,
  first_start INTEGER NOT NULL,
  last_end    INTEGER NOT NULL,
  row         TEXT NOT NULL,
  UNIQUE (project, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX incident_time ON incident (project, resolved_at);

CREATE TABLE told (
  project  TEXT NOT NULL,
  route    TEXT NOT NULL,
  channel  TEXT NOT NULL,
  incident BLOB NOT NULL,
  revision INTEGER NOT NULL,
  reason   TEXT NOT NULL,
  n        INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  receipt  TEXT,
  PRIMARY KEY (project, incident, channel, revision, reason, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_at ON told (project, at);

CREATE TABLE letter (
  id           BLOB PRIMARY KEY,
  project      TEXT NOT NULL,
  route        TEXT NOT NULL,
  channel      TEXT NOT NULL,
  reason       TEXT NOT NULL,
  n            INTEGER NOT NULL,
  incident     BLOB,
  revision     INTEGER,
  sequence     INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  body         BLOB NOT NULL,
  extra        TEXT NOT NULL,
  written_at   INTEGER NOT NULL,
  next_at      INTEGER NOT NULL,
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'delivered', 'dead')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  holder       TEXT,
  held_until   INTEGER,
  why          TEXT,
  receipt      TEXT,
  settled_at   INTEGER
) STRICT;
CREATE INDEX letter_due ON letter (project, next_at) WHERE state IN ('waiting', 'sending');
CREATE INDEX letter_order ON letter (channel, incident, sequence);
CREATE INDEX letter_dead ON letter (project, settled_at) WHERE state = 'dead';

CREATE TABLE mark (
  project TEXT NOT NULL,
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  name    TEXT NOT NULL,
  source  TEXT NOT NULL,
  PRIMARY KEY (project, at, kind, name, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE silence (
  id      BLOB PRIMARY KEY,
  project TEXT NOT NULL,
  until   INTEGER NOT NULL,
  row     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
  project TEXT NOT NULL,
  name    TEXT NOT NULL,
  hash    BLOB NOT NULL,
  scope   TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Small facts: the next incident number, the alert budget's ledger.
CREATE TABLE fact (
  project TEXT NOT NULL,
  name    TEXT NOT NULL,
  value   TEXT NOT NULL,
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;
