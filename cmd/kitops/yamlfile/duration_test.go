package yamlfile

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1h 30m":                        90 * time.Minute,
		"1h30m":                         90 * time.Minute,
		"1.5h":                          90 * time.Minute,
		"0.5s":                          500 * time.Millisecond,
		"90s":                           90 * time.Second,
		" 200ms ":                       200 * time.Millisecond,
		"1day":                          24 * time.Hour,
		"2weeks":                        14 * 24 * time.Hour,
		"5 minutes":                     5 * time.Minute,
		"2 min 12 sec":                  132 * time.Second,
		"1hr 2mins 3secs":               time.Hour + 2*time.Minute + 3*time.Second,
		"7ns 6us 5msec":                 5*time.Millisecond + 6*time.Microsecond + 7,
		"3µs":                           3 * time.Microsecond,
		"1month":                        31_557_600 * time.Second / 12,
		"9223372035s":                   9223372035 * time.Second,
		"1w 1d 1h 1m 1s 1ms 1us 1ns":    8*24*time.Hour + time.Hour + time.Minute + time.Second + time.Millisecond + time.Microsecond + 1,
		"1 week\t2 days\n3 hours 4 min": 9*24*time.Hour + 3*time.Hour + 4*time.Minute,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "0", "0s", "0h 0m", "30", "-5s", "+5s", "1x", "s", "1h 30", "1..5h", ".5h", "1.h", "1,5h", "1h, 5m",
		"1M", "9223372036855775807h", "99999999999999999999s", "200000d 200000d", "NaN s", "1e3s", "0.0000000001ns",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"1h 30m", "1.5h", "200ms", "2weeks", "5 minutes", "106751d 23h", "9223372036.854775807s", "0s", "1µs"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d <= 0 {
			t.Fatalf("parseDuration(%q) = %d", text, d)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %d, its text %q is %d, %v", text, d, FormatDuration(d), again, err)
		}
	})
}
