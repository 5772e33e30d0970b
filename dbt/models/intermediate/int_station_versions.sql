with

stations as (
    select * from {{ ref('stg_stations') }}
),

numbered as (
    select
        *,
        row_number() over (partition by station_id order by valid_from) as version,
        leadInFrame(valid_from, 1, toDateTime64('2200-01-01 00:00:00', 6, 'UTC')) over (
            partition by station_id
            order by valid_from
            rows between unbounded preceding and unbounded following
        ) as valid_to

    from stations
),

-- The first version reaches back for ever, as that of a device does: readings
-- may be a little older than what the network says of their place.
versions as (
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
        lane_count,
        limit_kmh,
        longitude_deg,
        latitude_deg,

        -- timestamps
        if(version = 1, toDateTime64('1970-01-01 00:00:00', 6, 'UTC'), valid_from) as valid_from,
        valid_to

    from numbered
)

select * from versions
