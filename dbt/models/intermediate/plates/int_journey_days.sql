with

ended as (
    select
        toDate(last_at) as day,
        max(computed_at) as computed_at,
        groupBitXor(overnight_stamp) as overnight_stamp

    from {{ ref('int_journeys') }}
    group by day
),

-- What passes on a day is in journeys that end on it or on the next.
touched as (
    select day, computed_at, toUInt64(0) as next_stamp from ended
    union all
    select day - 1 as day, toDateTime(0, 'UTC') as computed_at, overnight_stamp as next_stamp from ended
    where overnight_stamp != 0
),

days as (
    select
        -- ids
        day,

        -- numerics
        groupBitXor(next_stamp) as next_stamp,

        -- timestamps
        max(computed_at) as computed_at

    from touched
    group by day
)

select * from days
