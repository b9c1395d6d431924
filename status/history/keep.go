package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Keep bounds a history. A part that is 0 has no bound.
type Keep struct {
	Runs  int           // finished runs
	Age   time.Duration // since a run ended
	Bytes int64         // of what runs printed, and of the database
}

// DefaultKeep is what is kept where nothing else is asked for.
func DefaultKeep() Keep { return Keep{Runs: 1000, Age: 30 * day, Bytes: 1_000_000_000} }

const day = 24 * time.Hour

// UnmarshalText reads "1000 runs, 30 days, 1GB". Each part may be left out, and
// is unbounded then. Units of size are powers of 1,000 (kB, MB, GB, TB).
func (k *Keep) UnmarshalText(text []byte) error {
	var parsed Keep
	for part := range strings.SplitSeq(string(text), ",") {
		if err := parsed.add(strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	*k = parsed
	return nil
}

func (k *Keep) add(part string) error {
	digits := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
	number, err := strconv.ParseInt(part[:max(digits, 0)], 10, 64)
	if err != nil || number == 0 {
		return fmt.Errorf("%q is no limit: write for example 1000 runs, 30 days, 1GB", part)
	}
	unit := strings.ToLower(strings.TrimSpace(part[digits:]))
	switch unit {
	case "run", "runs":
		return once(&k.Runs, int(min(number, 1e9)), part)
	case "hour", "hours", "h":
		return once(&k.Age, time.Duration(min(number, 1e6))*time.Hour, part)
	case "day", "days", "d":
		return once(&k.Age, time.Duration(min(number, 1e5))*day, part)
	}
	factor, known := map[string]int64{"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}[unit]
	if !known {
		return fmt.Errorf("%q: the unit is one of runs, hours, days, kB, MB, GB, TB", part)
	}
	if number > 1e18/factor {
		return fmt.Errorf("%q is more than any disk has", part)
	}
	return once(&k.Bytes, number*factor, part)
}

// once sets a limit that no earlier part has set.
func once[T int | int64 | time.Duration](limit *T, value T, part string) error {
	if *limit != 0 {
		return fmt.Errorf("%q is a second limit of its kind", part)
	}
	*limit = value
	return nil
}

// String is the text that UnmarshalText reads.
func (k Keep) String() string {
	var parts []string
	if k.Runs > 0 {
		parts = append(parts, fmt.Sprintf("%d runs", k.Runs))
	}
	switch {
	case k.Age > 0 && k.Age%day == 0:
		parts = append(parts, fmt.Sprintf("%d days", k.Age/day))
	case k.Age > 0:
		parts = append(parts, fmt.Sprintf("%d hours", k.Age/time.Hour))
	}
	if k.Bytes > 0 {
		parts = append(parts, size(k.Bytes))
	}
	return strings.Join(parts, ", ")
}

func size(n int64) string {
	for _, unit := range []struct {
		name   string
		factor int64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if n%unit.factor == 0 {
			return fmt.Sprintf("%d%s", n/unit.factor, unit.name)
		}
	}
	return fmt.Sprintf("%dB", n)
}
