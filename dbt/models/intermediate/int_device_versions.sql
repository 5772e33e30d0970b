with

devices as (
    select * from {{ ref('stg_devices') }}
),

numbered as (
    select
        *,
        row_number() over (partition by device_id order by valid_from) as version,
        leadInFrame(valid_from, 1, toDateTime64('2200-01-01 00:00:00', 6, 'UTC')) over (
            partition by device_id
            order by valid_from
            rows between unbounded preceding and unbounded following
        ) as valid_to

    from devices
),

-- A reading may carry a time shortly before its device's first valid_from
-- (the contract allows 36 hours), so the first version reaches back for ever.
versions as (
    select
        -- ids
        device_id,
        kind,
        station_id,

        -- numerics
        loop_length_m,

        -- timestamps
        if(version = 1, toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), valid_from) as valid_from,
        valid_to

    from numbered
)

select * from versions
