{#- Devices a day and state, upstream and as others read them; and a label that
    serving has no words for, because it was renamed upstream. -#}

with

upstream as (
    select day, toString(state) as label, count() as device_count
    from {{ ref('int_device_health') }}
    group by day, label
),

daily as (
    select day, toString(state) as label, count() as device_count
    from {{ ref('device_health') }}
    group by day, label
),

wordless as (
    select day, toString(state) as label, count() as device_count
    from {{ ref('device_health') }}
    where (state = 'healthy') != (detail = '')
    group by day, label
),

different as (
    select * from (select * from upstream except select * from daily)
    union all
    select * from (select * from daily except select * from upstream)
    union all
    select * from wordless
)

select * from different
