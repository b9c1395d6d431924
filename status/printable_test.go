package status_test

import (
	"testing"
	"unicode"

	"github.com/bittrance/kitops/status"
)

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünïcödé 日本 \t ok": "plain, ünïcödé 日本 \t ok",
		"\x1b[31mred\x1b[0m":      `\x1b[31mred\x1b[0m`,
		"a\u202egnp.exe":          `a\u202egnp.exe`,
		"\u2066x\u2069":           `\u2066x\u2069`,
		"line\nline\r":            `line\nline\r`,
		"\xff\xfe":                `\xff\xfe`,
		"\u009b31m":               `\u009b31m`,
		"zero\u200bwidth":         `zero\u200bwidth`,
		"":                        "",
	} {
		if got := status.Printable(in); got != want {
			t.Errorf("Printable(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[2J\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range status.Printable(s) {
			if r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("%q leaves %q", s, r)
			}
		}
	})
}
