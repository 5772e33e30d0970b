{#-
    How sightings of one token become journeys. Said here once, because
    int_journeys needs it in its query and to find the days to rebuild.
-#}

{#- Whole number from plate_thresholds, times `factor`, for use in a query. -#}
{% macro plate_limit(name, factor=1) -%}
    toInt64(assumeNotNull({{ threshold(name, 'plate_thresholds') }} * {{ factor }}))
{%- endmacro %}

{#- Why sighting `c` does not continue the journey of the sighting `p` of the
    same token before it: 0 it does, 1 too late or elsewhere, 2 downstream but
    too slow, 3 downstream but too fast. Both are named tuples (at_us,
    station_no, road_no, way_no, offset_m, ring_length_m, …). A way is a road
    in one direction; on a ring, what lies behind comes again. -#}
{% macro journey_break(c, p) -%}
    {%- set gap_us = '(' ~ c ~ '.at_us - ' ~ p ~ '.at_us)' -%}
    {%- set ahead_m -%}
        ({{ c }}.offset_m + if({{ c }}.offset_m < {{ p }}.offset_m, {{ c }}.ring_length_m, 0) - {{ p }}.offset_m)
    {%- endset -%}
    multiIf(
        {{ c }}.station_no = {{ p }}.station_no,
            toUInt8({{ gap_us }} > {{ plate_limit('same_passage_max_ms', 1000) }}),
        {{ c }}.way_no = {{ p }}.way_no and {{ ahead_m }} > 0,
            multiIf(
                {{ gap_us }} > {{ plate_limit('link_gap_max_s', 1000000) }}, 1,
                {{ gap_us }} * {{ plate_limit('travel_speed_min_kmh') }} > {{ ahead_m }} * 3600000, 2,
                {{ gap_us }} * {{ plate_limit('travel_speed_max_kmh') }} < {{ ahead_m }} * 3600000, 3,
                0
            ),
        {{ c }}.road_no = {{ p }}.road_no, 1,
        toUInt8({{ gap_us }} > {{ plate_limit('other_road_gap_max_s', 1000000) }})
    )
{%- endmacro %}

{#- Condition that the time `column` matters to journeys that end on `days`:
    those days, as long before them as a journey and the gap before it may
    reach back, and as long after them as the gap in which one may go on.
    Ranges of constants, so that ClickHouse skips the rest below a view with
    FINAL. -#}
{% macro matters_to_journeys(column, days) -%}
    {%- if days is none -%}
        1 = 1
    {%- elif days | length == 0 -%}
        1 = 0
    {%- else -%}
        (
            {%- for day in days %}
            {{- ' or ' if not loop.first }}(
                {{ column }} >= toDateTime('{{ day }}', 'UTC')
                    - toIntervalSecond({{ plate_limit('journey_max_s') }} + {{ plate_limit('link_gap_max_s') }})
                and {{ column }} < toDateTime('{{ day }}', 'UTC')
                    + toIntervalSecond(86400 + {{ plate_limit('link_gap_max_s') }})
            )
            {%- endfor -%}
        )
    {%- endif -%}
{%- endmacro %}

{#- Query of one number that changes with whatever int_journeys depends on
    besides readings: devices, stations, zones, thresholds. -#}
{% macro journeys_stamp() -%}
    (
        select groupBitXor(stamp)
        from (
            select cityHash64(*) as stamp from {{ ref('int_plate_stations') }}
            union all
            select cityHash64(device_id, station_id, valid_from) from {{ ref('int_device_versions') }}
            where kind in ('speed', 'toll')
            union all
            select cityHash64(name, value) from {{ ref('plate_thresholds') }}
            where name in (
                'plate_confidence_min', 'travel_speed_min_kmh', 'travel_speed_max_kmh', 'link_gap_max_s',
                'other_road_gap_max_s', 'same_passage_max_ms', 'toll_camera_apart_max_ms', 'journey_max_s'
            )
        )
    )
{%- endmacro %}

{#- Days of which the journeys must be computed anew: those that got readings
    of cameras or toll gantries since, those whose neighbours did within reach
    of them, and all when the network or a threshold changed. `none` means
    every day. -#}
{% macro stale_days_of_journeys() %}
    {%- if not is_incremental() or not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        with

        inserted as (
            select
                toDate(_partition_value.1) as day,
                max(inserted_at) as last_inserted_at

            from {{ source('raw', 'readings') }}
            where kind in ('speed', 'toll')
            group by day
        ),

        computed as (
            select
                toDate(last_at) as day,
                min(computed_at) as first_computed_at,
                max(inputs_stamp) as stamp

            from {{ this }}
            group by day
        ),

        compared as (
            select
                inserted.day as day,
                inserted.last_inserted_at + {{ var('insert_margin_s') }} >= computed.first_computed_at
                    or computed.stamp != {{ journeys_stamp() }} as is_stale,
                computed.first_computed_at as first_computed_at

            from inserted
            left join computed
                on inserted.day = computed.day
        )

        select
            compared.day,
            compared.is_stale,
            compared.first_computed_at

        from compared

        -- neighbours are in question only when they got something since
        where compared.is_stale
            or exists (
                select 1 from inserted
                where abs(inserted.day - compared.day) = 1
                    and inserted.last_inserted_at + {{ var('insert_margin_s') }} >= compared.first_computed_at
            )

        order by compared.day
        settings join_use_nulls = 0
    {%- endset -%}
    {%- set days = [] -%}
    {%- for day, is_stale, computed_at in run_query(query).rows -%}
        {%- if is_stale or late_for_journeys(day, computed_at) -%}
            {%- do days.append(day) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(days) }}
{% endmacro %}

{#- Whether anything that matters to the journeys of `day` was stored since
    they were computed. -#}
{% macro late_for_journeys(day, computed_at) %}
    {%- set query -%}
        select max(inserted_at) + {{ var('insert_margin_s') }} >= toDateTime('{{ computed_at }}', 'UTC')
        from {{ source('raw', 'readings') }}
        where kind in ('speed', 'toll')
            and {{ matters_to_journeys('observed_at', [day]) }}
    {%- endset -%}
    {{ return(run_query(query).rows[0][0]) }}
{% endmacro %}

{#- Days whose bins, made of the journeys that pass on them, are not those of
    the journeys as they are now. `none` means every day. -#}
{% macro stale_days_of_journey_bins() %}
    {%- if not is_incremental() or not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        with

        taken as (
            select
                toDate(bin_start) as day,
                max(next_stamp) as next_stamp,
                max(computed_at) as computed_at

            from {{ this }}
            group by day
        )

        select days.day

        from {{ ref('int_journey_days') }} as days
        left join taken
            on days.day = taken.day

        where days.computed_at != taken.computed_at
            or days.next_stamp != taken.next_stamp

        order by days.day
        settings join_use_nulls = 0
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | list) }}
{% endmacro %}

{#- Condition that a journey that ends at the time `column` may have passed
    anything on `days`. -#}
{% macro within_days_or_next(column, days) -%}
    {%- if days is none -%}
        1 = 1
    {%- else -%}
        ({{ within_days(column, days) }} or {{ within_days(column ~ ' - toIntervalDay(1)', days) }})
    {%- endif -%}
{%- endmacro %}
