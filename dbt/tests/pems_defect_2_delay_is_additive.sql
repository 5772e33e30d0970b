{#- Delay of a date, from bins of 5 minutes, hours, days and all links together:
    one figure, but for the order in which fractions are added up. -#}

with

bins as (
    select local_date, sum(delay_vehicle_h) as delay_h
    from {{ ref('int_link_5m') }}
    group by local_date
),

hours as (
    select local_date, sum(delay_vehicle_h) as delay_h
    from {{ ref('link_flow_hour') }}
    group by local_date
),

days as (
    select local_date, sum(delay_vehicle_h) as delay_h
    from {{ ref('link_flow_day') }}
    group by local_date
),

regions as (
    select local_date, sum(delay_vehicle_h) as delay_h
    from {{ ref('region_performance') }}
    group by local_date
),

compared as (
    select
        local_date,
        count() as grain_count,
        max(delay_h) - min(delay_h) as difference_h,
        any(delay_h) as some_h

    from (
        select * from bins
        union all select * from hours
        union all select * from days
        union all select * from regions
    )
    group by local_date
)

select * from compared
where grain_count != 4
    or difference_h > 1e-9 * (1 + some_h)
