select
    -- ids
    device_id,
    epoch,

    -- numerics
    last_seq,

    -- timestamps
    received_at,
    inserted_at

from {{ source('raw', 'epoch_ends') }}
settings final = 1
