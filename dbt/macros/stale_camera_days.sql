{#-
    Days of camera readings that `upstream`, which is incremental by day, has
    folded since this model did; it finds late rows, copies, purged plates and
    devices that the network learns of, so nothing of that is asked again. With
    look_back_days a day depends on so many before it too.

    folded_at is carried along unchanged, so a day is current exactly when both
    say the same. A day without a single row here is looked at on every run.
-#}
{% macro stale_camera_days(upstream, look_back_days=0) %}
    {%- if not is_incremental() or not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set query -%}
        with

        folded as (
            {{ camera_days(upstream, look_back_days) }}
        ),

        taken as (
            select
                toDate(observed_at) as day,
                max(folded_at) as folded_at

            from {{ this }}
            group by day
        )

        select folded.day

        from folded
        left join taken
            on folded.day = taken.day

        where folded.folded_at != taken.folded_at

        order by folded.day
        settings join_use_nulls = 0
    {%- endset -%}
    {{ return(run_query(query).rows | map(attribute=0) | list) }}
{% endmacro %}

{#- One row per day with camera readings, and when `upstream` folded it and the
    days before it. -#}
{% macro camera_days(upstream, look_back_days=0) -%}
    select
        day,
        max(computed_at) as folded_at

    from (
        select
            toDate(bin_start) + arrayJoin(range({{ look_back_days + 1 }})) as day,
            computed_at

        from {{ upstream }}
        where camera_count > 0
    )
    where day in (select toDate(bin_start) from {{ upstream }} where camera_count > 0)
    group by day
{%- endmacro %}

{#- `days` and the day before each. -#}
{% macro with_day_before(days) %}
    {%- if days is none -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set out = [] -%}
    {%- for day in days -%}
        {%- for date in [day - modules.datetime.timedelta(days=1), day] -%}
            {%- if date not in out -%}
                {%- do out.append(date) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(out) }}
{% endmacro %}
