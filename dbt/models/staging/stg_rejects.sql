select
    -- ids
    device_id,
    epoch,
    seq,
    cast(code as LowCardinality(String)) as code,
    field,

    -- timestamps
    received_at,
    inserted_at

from {{ source('raw', 'rejects') }}
settings final = 1
