package recorded

// maxWhole limits digits before the point: what is left fits any scale here.
const maxWhole = 9

// parseDecimal reads digits with an optional fraction as an integer in units
// of 1/10^places, rounded half up. It is false for anything else: recordings
// must read the same on every machine, which floats do not promise.
func parseDecimal(s string, places int) (int64, bool) {
	whole, i := int64(0), 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if i == maxWhole {
			return 0, false
		}
		whole = whole*10 + int64(s[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	var fraction string
	if i < len(s) {
		if fraction = s[i+1:]; s[i] != '.' || fraction == "" {
			return 0, false
		}
	}
	v, up := whole, int64(0)
	for k := range places {
		v *= 10
		if k < len(fraction) {
			v += int64(fraction[k] - '0')
		}
	}
	for k := range len(fraction) {
		if !isDigit(fraction[k]) {
			return 0, false
		}
		if k == places && fraction[k] >= '5' {
			up = 1
		}
	}
	return v + up, true
}

// parseWhole reads a number without a fraction.
func parseWhole(s string) (int64, bool) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return 0, false
		}
	}
	return parseDecimal(s, 0)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
