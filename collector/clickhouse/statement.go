package clickhouse

import "strings"

// splitStatements cuts SQL at its semicolons, but not at those inside
// comments, strings and quoted names, and drops what is only comment.
func splitStatements(sql string) []string {
	var out []string
	start, code := 0, false
	for i := 0; i < len(sql); {
		n, isCode := tokenAt(sql[i:])
		if sql[i] == ';' {
			if code {
				out = append(out, strings.TrimSpace(sql[start:i]))
			}
			start, code = i+1, false
		} else if isCode {
			code = true
		}
		i += n
	}
	if code {
		out = append(out, strings.TrimSpace(sql[start:]))
	}
	return out
}

// tokenAt gives the length of the token that s begins with, and whether it is
// more than space or comment.
func tokenAt(s string) (n int, code bool) {
	switch {
	case strings.HasPrefix(s, "--"):
		return through(s, "\n", 2), false
	case strings.HasPrefix(s, "/*"):
		return through(s, "*/", 2), false
	case s[0] == '\'' || s[0] == '"' || s[0] == '`':
		return quoted(s), true
	}
	return 1, strings.TrimSpace(s[:1]) != ""
}

func through(s, end string, from int) int {
	if i := strings.Index(s[from:], end); i >= 0 {
		return from + i + len(end)
	}
	return len(s)
}

// quoted gives the length of the quoted text s begins with; a doubled quote
// inside is simply the next quoted text.
func quoted(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			return i + 1
		}
	}
	return len(s)
}
