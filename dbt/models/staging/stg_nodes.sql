select
    -- ids
    node_id,

    -- flags
    is_zone,

    -- numerics
    longitude as longitude_deg,
    latitude as latitude_deg,

    -- timestamps
    valid_from

from {{ source('raw', 'nodes') }}
settings final = 1
