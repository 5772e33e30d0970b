{{ config(materialized='table') }}

{#- A day is complete when the newest bin of the network lies behind it and its
    first bin is there; a day of 23 or 25 hours counts like any other. -#}

with

bins as (
    select distinct
        local_date,
        bin_start,
        local_minute

    from {{ ref('int_station_5m') }}
),

days as (
    select
        local_date,
        min(local_minute) as first_minute,
        max(local_minute) as last_minute,
        count() as bin_count

    from bins
    group by local_date
),

complete as (
    select
        local_date,
        toDayOfWeek(local_date) <= 5 as is_workday,
        bin_count

    from days
    where first_minute < {{ var('bin_s') }} / 60
        and last_minute >= 1440 - {{ var('bin_s') }} / 60
        and bin_count >= 23 * 3600 / {{ var('bin_s') }}
),

evaluated as (
    select
        local_date,
        is_workday,
        bin_count

    from complete
    where local_date > (select max(local_date) from complete) - {{ threshold('evaluation_days') }}
)

select * from evaluated
