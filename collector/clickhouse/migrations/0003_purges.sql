-- Vehicles whose plate or tag was erased on request: one row per token and
-- run of the purge. The token stays, so that what comes again can be known
-- and erased again; nothing else here may tell who it was.
CREATE TABLE IF NOT EXISTS raw.purges
(
    plate_token  UInt128,
    plate_key_id UInt8,
    purged_at    DateTime64(3, 'UTC') DEFAULT now64(3),
    reason       String,
    who          String,
    -- 0 is the token of every reading without a plate.
    CONSTRAINT token_is_one CHECK plate_token != 0
)
ENGINE = MergeTree
ORDER BY (plate_token, purged_at);
