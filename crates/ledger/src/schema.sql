-- Ledger schema, version 6. Ids start at 1; 0 means unknown. No NULL stands in a unique key.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE session (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE project (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE branch (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE tool (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE price_list (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE attribution (
    id INTEGER PRIMARY KEY,
    agent TEXT NOT NULL, skill TEXT NOT NULL, plugin TEXT NOT NULL, mcp_server TEXT NOT NULL,
    UNIQUE (agent, skill, plugin, mcp_server)
) STRICT;

-- Which project a working directory belongs to: asked of the disk once.
CREATE TABLE place (cwd TEXT PRIMARY KEY, project_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE transcript (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    device INTEGER NOT NULL, inode INTEGER NOT NULL,
    born_ns INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    "offset" INTEGER NOT NULL, fingerprint INTEGER NOT NULL,
    damaged_lines INTEGER NOT NULL DEFAULT 0, recovered_records INTEGER NOT NULL DEFAULT 0,
    gone INTEGER NOT NULL DEFAULT 0,
    -- Its calls are in the journal up to this number of the sequence; 1: something may have come since.
    journalled INTEGER NOT NULL DEFAULT 0, unjournalled INTEGER NOT NULL DEFAULT 0
) STRICT;
-- A scan asks for those that are there, however many years of others there are.
CREATE INDEX transcript_there ON transcript (id) WHERE gone = 0;
-- It ends with the question which of them have to go to the journal.
CREATE INDEX transcript_unjournalled ON transcript (gone, mtime_ns) WHERE unjournalled = 1;

-- Damaged lines and odd rows: kind 1 damaged (detail: records recovered), 2 without a time, 3 odd
-- count, 4 a call too large to be counted.
CREATE TABLE soft_error (
    transcript_id INTEGER NOT NULL, "offset" INTEGER NOT NULL, kind INTEGER NOT NULL, detail INTEGER NOT NULL,
    PRIMARY KEY (transcript_id, "offset", kind)
) STRICT, WITHOUT ROWID;

-- Which row a call has. key: 16 bytes of a hash of the call's identity.
CREATE TABLE call_key (key BLOB PRIMARY KEY, call_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- flags: 1 sidechain, 2 speed known, 4 fast, 8 US inference, 16 batch, 32 priced, 64 a logged cost is known.
-- key stands here too: a call is written to the journal, and salvaged, by its row alone.
CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    session_id INTEGER NOT NULL, project_id INTEGER NOT NULL, branch_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL, attribution_id INTEGER NOT NULL, account_id INTEGER NOT NULL,
    transcript_id INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    request_id TEXT NOT NULL, effort TEXT NOT NULL,
    input INTEGER NOT NULL, output INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL, cache_write_1h INTEGER NOT NULL, cache_read INTEGER NOT NULL,
    web_search INTEGER NOT NULL, thinking INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL, savings_nanos INTEGER NOT NULL, logged_cost_nanos INTEGER NOT NULL,
    price_list_id INTEGER NOT NULL, flags INTEGER NOT NULL, seq INTEGER NOT NULL,
    key BLOB NOT NULL
) STRICT;

-- A new price list asks for those without a price.
CREATE INDEX call_unpriced ON call (id) WHERE flags & 32 = 0;

-- id: 63 bits of a hash of the tool use's own id. tool_id 0: its result failed before its use was seen.
CREATE TABLE tool_use (
    id INTEGER PRIMARY KEY,
    call_id INTEGER NOT NULL, tool_id INTEGER NOT NULL, failed INTEGER NOT NULL
) STRICT;

-- How many of them there were, by day of their calls (as in rollup, kind 2); without a call: day, project and model 0.
CREATE TABLE tool_sum (
    day INTEGER NOT NULL, project_id INTEGER NOT NULL, model_id INTEGER NOT NULL, tool_id INTEGER NOT NULL,
    uses INTEGER NOT NULL, failures INTEGER NOT NULL,
    PRIMARY KEY (day, project_id, model_id, tool_id)
) STRICT, WITHOUT ROWID;

-- Claude Code's own cumulative cost, the last of each session: a cross-check, never added.
CREATE TABLE cost_state (
    session_id INTEGER PRIMARY KEY,
    cost_nanos INTEGER NOT NULL, at_ms INTEGER NOT NULL, transcript_id INTEGER NOT NULL, "offset" INTEGER NOT NULL
) STRICT;

CREATE TABLE pull_request (
    session_id INTEGER NOT NULL, url TEXT NOT NULL, number INTEGER NOT NULL, repository TEXT NOT NULL,
    transcript_id INTEGER NOT NULL,
    PRIMARY KEY (session_id, url)
) STRICT, WITHOUT ROWID;

-- Sums of calls, of several kinds that answer different questions. What a kind does not tell apart is 0.
--   1 quarter     bucket: quarter hours since 1970 UTC
--   2 day         bucket: civil days since 1970-01-01 in the ledger's zone (meta.zone)
--   3 session     bucket: session id; by project, branch, model and account
--   4 model_day   bucket: as day; by model and account
--   5 month       bucket: months since 1970-01 in the ledger's zone
CREATE TABLE rollup (
    kind INTEGER NOT NULL, bucket INTEGER NOT NULL,
    project_id INTEGER NOT NULL, branch_id INTEGER NOT NULL, model_id INTEGER NOT NULL,
    attribution_id INTEGER NOT NULL, account_id INTEGER NOT NULL,
    calls INTEGER NOT NULL, input INTEGER NOT NULL, output INTEGER NOT NULL, cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL, cache_read INTEGER NOT NULL, web_search INTEGER NOT NULL,
    cost_nanos INTEGER NOT NULL, savings_nanos INTEGER NOT NULL,
    unpriced_calls INTEGER NOT NULL, unpriced_tokens INTEGER NOT NULL,
    first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    PRIMARY KEY (kind, bucket, project_id, branch_id, model_id, attribution_id, account_id)
) STRICT, WITHOUT ROWID;

-- Logins that were seen. removed 1: the user does not want to see it; its calls and readings stay.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    organization TEXT NOT NULL, uuid TEXT NOT NULL,
    email TEXT NOT NULL, name TEXT NOT NULL, first_ms INTEGER NOT NULL, removed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (organization, uuid)
) STRICT;

-- Which account a config directory was seen to hold: first and last look; account_id 0: none.
CREATE TABLE held (
    dir TEXT NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, account_id INTEGER NOT NULL,
    PRIMARY KEY (dir, from_ms)
) STRICT, WITHOUT ROWID;

-- What was observed of plan limits, all of it. tenths: of a percent, -1 unknown; resets_at_ms 0: not told;
-- api_duration_ms -1: not told; source: its number in model::limit::Source.
CREATE TABLE reading (
    account_id INTEGER NOT NULL, window TEXT NOT NULL, observed_at_ms INTEGER NOT NULL, source INTEGER NOT NULL,
    session TEXT NOT NULL, tenths INTEGER NOT NULL, resets_at_ms INTEGER NOT NULL, api_duration_ms INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account_id, window, observed_at_ms, source, session)
) STRICT, WITHOUT ROWID;

-- The windows that were ever read: when last, how many readings came since it was last summed up, and up to when it is
-- (model::limit::merge::Past; the least number there is: not at all). This and what is left of readings can be made anew.
CREATE TABLE plan_window (
    account_id INTEGER NOT NULL, window TEXT NOT NULL,
    newest_ms INTEGER NOT NULL, fresh INTEGER NOT NULL, until_ms INTEGER NOT NULL, as_of_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, window)
) STRICT, WITHOUT ROWID;

-- What is left of readings that were summed up, as in reading; at_ms: when what it says was observed.
CREATE TABLE reading_left (
    account_id INTEGER NOT NULL, window TEXT NOT NULL, observed_at_ms INTEGER NOT NULL, source INTEGER NOT NULL,
    session TEXT NOT NULL, tenths INTEGER NOT NULL, resets_at_ms INTEGER NOT NULL, api_duration_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL, may_lower INTEGER NOT NULL,
    PRIMARY KEY (account_id, window, observed_at_ms, source, session)
) STRICT, WITHOUT ROWID;

-- Asking the service: outcome is "ok" or a word for why not.
CREATE TABLE attempt (
    account_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, outcome TEXT NOT NULL,
    PRIMARY KEY (account_id, at_ms, outcome)
) STRICT, WITHOUT ROWID;

-- Changes of a login: reason is empty while it works, else why only its user can mend it.
CREATE TABLE login (
    account_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (account_id, at_ms)
) STRICT, WITHOUT ROWID;
