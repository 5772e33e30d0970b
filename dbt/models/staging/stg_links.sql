select
    -- ids
    link_id,
    cast(kind as LowCardinality(String)) as kind,
    road,
    direction,
    from_node as from_node_id,
    to_node as to_node_id,

    -- numerics
    offset_m,
    length_m,
    lanes as lane_count,
    limit_kmh,
    points as points_deg,

    -- timestamps
    valid_from

from {{ source('raw', 'links') }}
settings final = 1
