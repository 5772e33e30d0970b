{{ config(order_by=['station_id', 'local_date', 'vehicle_class']) }}

with

charges as (
    select
        station_id,
        vehicle_class,
        {{ local_date('bin_start') }} as local_date,
        sum(parts.toll_count) as vehicle_count,
        sum(parts.toll_charge_cents) as charged_cents,
        sum(parts.toll_tariff_cents) as tariff_cents,
        sum(parts.toll_overcharge_cents) as over_cents,
        sum(parts.toll_mismatch_count) as mismatch_count,
        sum(parts.toll_unidentified_count) as unidentified_count

    from {{ ref('int_station_flow_5m') }} as parts
    where station_id != '' and parts.toll_count > 0
    group by station_id, vehicle_class, local_date
),

reconciled as (
    select
        -- ids
        station_id,
        vehicle_class,

        -- numerics
        local_date,
        vehicle_count,
        charged_cents,
        tariff_cents,
        toInt64(charged_cents) - toInt64(tariff_cents) as difference_cents,
        toUInt64(over_cents) as overcharged_cents,
        toUInt64(toInt64(over_cents) - difference_cents) as undercharged_cents,
        mismatch_count,
        unidentified_count

    from charges
)

select * from reconciled
