{{
    config(
        materialized='table',
        order_by=['day'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

devices as (
    select
        day,
        count() as device_count,
        countIf(state != 'healthy') as sick_device_count,
        sum(int_device_health.emitted_count) as emitted_count,
        sum(int_device_health.open_epoch_count) as open_epoch_count,
        cast(sumOrNull(int_device_health.lost_count) as Nullable(Int64)) as lost_count,
        sum(int_device_health.reject_count) as reject_count,
        toUInt64(sum(int_device_health.received_count)) as received_count,
        toUInt64(sumIf(int_device_health.received_count, kind = 'counter')) as counter_received_count,
        sum(int_device_health.late_count) as late_count

    from {{ ref('int_device_health') }} as int_device_health
    group by day
),

counted as (
    select
        toDate(bin_start) as day,
        sum(station_flow_5m.vehicle_count) as vehicle_count

    from {{ ref('station_flow_5m') }} as station_flow_5m
    group by day
),

days as (
    select
        devices.day as day,
        toUInt64(device_count) as device_count,
        toUInt64(sick_device_count) as sick_device_count,
        toUInt64(emitted_count) as emitted_count,
        toUInt64(open_epoch_count) as open_epoch_count,
        lost_count,
        toUInt64(reject_count) as reject_count,
        received_count,
        counter_received_count,
        toUInt64(counted.vehicle_count) as vehicle_count,
        toUInt64(late_count) as late_count

    from devices
    left join counted on devices.day = counted.day
)

select * from days
