select
    -- ids
    device_id,
    cast(kind as LowCardinality(String)) as kind,
    station_id,

    -- numerics
    loop_length_cm / 100 as loop_length_m,

    -- timestamps
    valid_from

from {{ source('raw', 'devices') }}
settings final = 1
