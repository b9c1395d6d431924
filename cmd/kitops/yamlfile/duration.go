package yamlfile

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

const (
	day  = 24 * time.Hour
	week = 7 * day
	year = 31_557_600 * time.Second // 365.25 days, as humantime has it
)

var (
	errEmptyDuration   = errors.New("empty duration; write for instance 1h 30m, 90s or 200ms")
	errDurationTooLong = errors.New("duration is too long")
)

// ParseDuration reads what humantime writes (1h 30m, 90s, 2weeks, 5 minutes)
// and what Go writes (1h30m, 1.5h). The result is always positive.
func ParseDuration(text string) (time.Duration, error) {
	rest := strings.TrimSpace(text)
	if rest == "" {
		return 0, errEmptyDuration
	}
	total := time.Duration(0)
	for rest != "" {
		number, after := cut(rest, func(r rune) bool { return r >= '0' && r <= '9' || r == '.' })
		name, after := cut(strings.TrimSpace(after), unicode.IsLetter)
		switch {
		case number == "":
			return 0, fmt.Errorf("%q is not a duration; write for instance 1h 30m, 90s or 200ms", text)
		case name == "" && after == "":
			return 0, fmt.Errorf("%q has no unit; write for instance %ss", text, number)
		}
		unit, ok := durationUnit(name)
		if !ok {
			return 0, fmt.Errorf("%q has an unknown unit; the units are ns, us, ms, s, m, h, d, w", text)
		}
		part, err := multiply(number, unit)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", text, err)
		}
		if total > math.MaxInt64-part {
			return 0, fmt.Errorf("%q: %w", text, errDurationTooLong)
		}
		total += part
		rest = strings.TrimSpace(after)
	}
	if total == 0 {
		return 0, fmt.Errorf("%q is not positive", text)
	}
	return total, nil
}

// cut splits text after the longest prefix of runes that belong.
func cut(text string, belongs func(rune) bool) (prefix, rest string) {
	end := strings.IndexFunc(text, func(r rune) bool { return !belongs(r) })
	if end < 0 {
		end = len(text)
	}
	return text[:end], text[end:]
}

func durationUnit(name string) (time.Duration, bool) {
	switch name {
	case "ns", "nsec", "nanos":
		return time.Nanosecond, true
	case "us", "usec", "µs", "μs":
		return time.Microsecond, true
	case "ms", "msec", "millis":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "week", "weeks":
		return week, true
	case "month", "months":
		return year / 12, true
	case "y", "year", "years":
		return year, true
	default:
		return 0, false
	}
}

// multiply keeps whole numbers exact, where a float would lose nanoseconds.
func multiply(number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, dotted := strings.Cut(number, ".")
	if whole == "" || dotted && fraction == "" || strings.Contains(fraction, ".") {
		return 0, fmt.Errorf("%s is not a number", number)
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit)-1 {
		return 0, errDurationTooLong
	}
	total := time.Duration(n) * unit
	if dotted {
		part, err := strconv.ParseFloat("0."+fraction, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is not a number", number)
		}
		total += time.Duration(math.Round(part * float64(unit)))
	}
	return total, nil
}

// FormatDuration writes what parseDuration reads, and "0" for none.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	units := []struct {
		name string
		size time.Duration
	}{
		{"d", day},
		{"h", time.Hour},
		{"m", time.Minute},
		{"s", time.Second},
		{"ms", time.Millisecond},
		{"us", time.Microsecond},
		{"ns", time.Nanosecond},
	}
	var parts []string
	for _, u := range units {
		if n := d / u.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d -= n * u.size
		}
	}
	return strings.Join(parts, " ")
}
