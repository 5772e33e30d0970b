{#-
    Incremental models are rebuilt by whole UTC days, each replaced in one
    step. These macros find the days to rebuild and filter by them.

    A list of dates and not a subquery, because only constants let ClickHouse
    skip the partitions of other days below a view with FINAL. `none` means
    every day: a first build or a full refresh.
-#}

{#- Days of raw readings that got rows since this model last computed them, or
    so shortly before that those may not have been visible yet. Kept per day,
    not as one high-water mark over the table: days are replaced one by one,
    and a run killed half-way must not make the others look done. Days with a
    reading of a device that the network did not hold yet are stale until it
    does. Reads inserted_at alone: the partition's name gives the day.
    `time_column` is what the model's days are by, `homeless` what tells its
    rows of an unknown device. -#}
{% macro stale_days_of_readings(time_column='bin_start', homeless="station_id = ''") %}
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
            group by day
        ),

        computed as (
            select
                toDate({{ time_column }}) as day,
                min(computed_at) as first_computed_at,
                countIf({{ homeless }}) as homeless_count

            from {{ this }}
            group by day
        )

        select inserted.day

        from inserted
        left join computed
            on inserted.day = computed.day

        where inserted.last_inserted_at + {{ var('insert_margin_s') }} >= computed.first_computed_at
            or computed.homeless_count > 0

        order by inserted.day
        settings join_use_nulls = 0
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | list) }}
{% endmacro %}

{#- Days that `upstream`, itself incremental by day, has computed and this
    model has not taken over yet. computed_at is carried along unchanged, so
    a day is current exactly when both tables say the same. -#}
{% macro stale_days_of_model(upstream) %}
    {%- if not is_incremental() or not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        with

        upstream as (
            select
                toDate(bin_start) as day,
                max(computed_at) as last_computed_at

            from {{ upstream }}
            group by day
        ),

        taken as (
            select
                toDate(bin_start) as day,
                max(computed_at) as last_computed_at

            from {{ this }}
            group by day
        )

        select upstream.day

        from upstream
        left join taken
            on upstream.day = taken.day

        where upstream.last_computed_at != taken.last_computed_at

        order by upstream.day
        settings join_use_nulls = 0
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | list) }}
{% endmacro %}

{#- Condition that `column`, a time in UTC, lies within `days`. -#}
{% macro within_days(column, days) -%}
    {%- if days is none -%}
        1 = 1
    {%- elif days | length == 0 -%}
        1 = 0
    {%- else -%}
        toDate({{ column }}) in (
            {%- for day in days %}'{{ day }}'{{ ', ' if not loop.last }}{% endfor -%}
        )
    {%- endif -%}
{%- endmacro %}
