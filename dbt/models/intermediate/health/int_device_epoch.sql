{{
    config(
        materialized='table',
        order_by=['device_id', 'epoch'],
        query_settings={'join_use_nulls': 0},
    )
}}

with

readings as (
    select
        device_id,
        epoch,
        sum(hours.reading_count) as reading_count,
        max(hours.last_seq) as newest_seq

    from {{ ref('int_device_hour') }} as hours
    group by device_id, epoch
),

-- A position refused twice, for two reasons, is one reading lost for good.
rejects as (
    select
        device_id,
        epoch,
        uniqExact(seq) as reject_count

    from {{ ref('stg_rejects') }}
    group by device_id, epoch
),

ends as (
    select device_id, epoch, last_seq, true as is_ended
    from {{ ref('stg_epoch_ends') }}
),

epochs as (
    select device_id, epoch from readings
    union distinct
    select device_id, epoch from ends
),

accounts as (
    select
        -- ids
        epochs.device_id as device_id,
        epochs.epoch as epoch,

        -- numerics
        toDate(bitShiftRight(epochs.epoch, 17)) as day,
        readings.reading_count as reading_count,
        rejects.reject_count as reject_count,
        greatest(readings.newest_seq, ends.last_seq) as newest_seq,
        if(ends.is_ended, ends.last_seq, null) as last_seq,
        if(
            ends.is_ended,
            toInt64(ends.last_seq) - toInt64(readings.reading_count) - toInt64(rejects.reject_count),
            null
        ) as lost_count,

        -- timestamps
        toDateTime(day, 'UTC') + bitAnd(epochs.epoch, 131071) as started_at

    from epochs
    left join readings
        on epochs.device_id = readings.device_id and epochs.epoch = readings.epoch
    left join rejects
        on epochs.device_id = rejects.device_id and epochs.epoch = rejects.epoch
    left join ends
        on epochs.device_id = ends.device_id and epochs.epoch = ends.epoch
)

select * from accounts
