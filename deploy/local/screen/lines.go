package screen

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// barCells is the width of the progress bar.
const barCells = 24

// Lines is the screen of m, no line wider than width.
func Lines(m Model, width int) []string {
	lines := []string{header(m, width), ""}
	if m.Step != "" {
		lines = append(lines, "  "+m.Step, "")
	}
	lines = append(lines,
		field("readings", fmt.Sprintf("%-32s%s rows in raw", rate(m.ReadingsPerS)+" into Kafka", count(m.Rows))),
		field("Kafka lag", fmt.Sprintf("%-32sdata age %s", "live "+count(m.LagLive)+" · backfill "+count(m.LagBackfill), age(m.DataAge))),
		field("backfill", backfill(m)),
		field("dbt", m.DBT.String()),
		"",
	)
	lines = append(lines, processes(m.Processes)...)
	lines = append(lines, "", "  look here")
	for _, l := range m.Look {
		lines = append(lines, "    "+l)
	}
	lines = append(lines, "")
	for _, e := range m.Events {
		lines = append(lines, "  "+e.At.Format("15:04:05")+"  "+e.Sentence)
	}
	lines = append(lines, "  Ctrl-C stops everything; the next make run goes on from here.")
	for i, l := range lines {
		lines[i] = cut(l, width)
	}
	return lines
}

// Plain is m in one line, for output that is not a terminal.
func Plain(m Model) string {
	parts := []string{
		"up " + short(m.Up),
		rate(m.ReadingsPerS),
		"rows " + count(m.Rows),
		"lag live " + count(m.LagLive) + " backfill " + count(m.LagBackfill),
		"data age " + age(m.DataAge),
		"backfill " + backfillShort(m),
		"dbt " + m.DBT.String(),
	}
	for _, p := range m.Processes {
		if p.Phase != "running" || p.Restarts > 0 {
			parts = append(parts, fmt.Sprintf("%s %s (restarts %d)", p.Name, p.Phase, p.Restarts))
		}
	}
	return strings.Join(parts, " | ")
}

func header(m Model, width int) string {
	left := fmt.Sprintf("Gantry  %s · seed %d · local time %s (%s)", m.Network, m.Seed, m.Local.Format("Mon 15:04"), m.Zone)
	right := "up " + short(m.Up)
	gap := min(width, 80) - utf8.RuneCountInString(left) - utf8.RuneCountInString(right)
	return left + strings.Repeat(" ", max(2, gap)) + right
}

func field(name, value string) string { return fmt.Sprintf("  %-11s%s", name, value) }

func processes(all []Process) []string {
	lines := []string{fmt.Sprintf("  %-13s%-12s%9s  %s", "process", "state", "memory", "restarts")}
	for _, p := range all {
		line := fmt.Sprintf("  %-13s%-12s%9s", p.Name, p.Phase, memory(p.RSSBytes))
		if p.Restarts > 0 || p.Phase == "restarting" {
			line += fmt.Sprintf("  %d (last: %s)", p.Restarts, p.LastExit)
		}
		lines = append(lines, line)
	}
	return lines
}

func backfill(m Model) string {
	if m.DaysTotal < 0 || m.DaysDone < 0 {
		return "–"
	}
	if m.DaysTotal == 0 {
		return "no history asked for"
	}
	done := min(m.DaysDone, m.DaysTotal)
	filled := int(done * barCells / m.DaysTotal)
	bar := strings.Repeat("█", filled) + strings.Repeat("░", barCells-filled)
	return fmt.Sprintf("%s %3d %%  %s of %s device days", bar, done*100/m.DaysTotal, count(done), count(m.DaysTotal))
}

func backfillShort(m Model) string {
	if m.DaysTotal < 0 || m.DaysDone < 0 {
		return "–"
	}
	if m.DaysTotal == 0 {
		return "none"
	}
	return count(min(m.DaysDone, m.DaysTotal)) + "/" + count(m.DaysTotal)
}

// String is the state of dbt in one phrase.
func (d DBT) String() string {
	var last string
	switch {
	case d.Never && d.Running:
		return "first build running"
	case d.Never:
		return "waits for the first rows"
	case d.OK:
		last = fmt.Sprintf("ok %s ago: %d of %d passed in %s", short(d.Ago), d.Passed, d.Total, short(d.Took))
	default:
		last = fmt.Sprintf("FAILED %s ago, last good tables stay: %s", short(d.Ago), d.Message)
	}
	if d.Running {
		last += "; running again"
	}
	return last
}

// cut shortens a line to width characters.
func cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:max(0, width-1)]) + "…"
}

// count is n with thousands apart.
func count(n int64) string {
	if n < 0 {
		return "–"
	}
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func rate(perS float64) string {
	if perS < 0 {
		return "–/s"
	}
	return count(int64(perS+0.5)) + "/s"
}

func memory(bytes int64) string {
	if bytes <= 0 {
		return "–"
	}
	return fmt.Sprintf("%d MiB", (bytes+1<<19)>>20)
}

func age(d time.Duration) string {
	if d < 0 {
		return "–"
	}
	return short(d)
}

// short is a duration in at most two units.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
}
