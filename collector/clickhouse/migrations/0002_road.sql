-- The road inventory, mirrored from the network topic as the rest of the network
-- is: geometry, lanes and limits, and nothing of what the roads can bear.
CREATE TABLE IF NOT EXISTS raw.nodes
(
    node_id     String,
    is_zone     Bool,
    longitude   Float64,
    latitude    Float64,
    valid_from  DateTime64(6, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (node_id, valid_from);

-- points are pairs of longitude and latitude, in the direction of travel.
CREATE TABLE IF NOT EXISTS raw.links
(
    link_id     String,
    kind        Enum8('motorway' = 1, 'ramp' = 2),
    road        String,
    direction   String,
    offset_m    UInt32,
    length_m    UInt32,
    lanes       UInt8,
    limit_kmh   UInt8,
    from_node   String,
    to_node     String,
    points      Array(Tuple(Float64, Float64)),
    valid_from  DateTime64(6, 'UTC'),
    inserted_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (link_id, valid_from);

-- Empty and 0 where the network has no links.
ALTER TABLE raw.stations
    ADD COLUMN IF NOT EXISTS link_id String AFTER latitude,
    ADD COLUMN IF NOT EXISTS at_m UInt32 AFTER link_id;
