select
    -- ids
    station_id,
    gantry_id,
    road,
    direction,
    link_id,

    -- numerics
    offset_m,
    at_m,
    lanes as lane_count,
    limit_kmh,
    longitude as longitude_deg,
    latitude as latitude_deg,

    -- timestamps
    valid_from

from {{ source('raw', 'stations') }}
settings final = 1
