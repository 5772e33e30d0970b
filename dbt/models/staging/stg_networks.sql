select
    -- ids
    name,

    -- zone
    zone,

    -- timestamps
    valid_from

from {{ source('raw', 'networks') }}
settings final = 1
