package app

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// FuzzRedact holds Redact against what it stands for.
func FuzzRedact(f *testing.F) {
	secrets := regexp.MustCompile(`ghs_[A-Za-z0-9._-]{36,}|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
	token := "ghs_" + strings.Repeat("a", 36)
	for _, text := range []string{
		"", "words", token, "ghs_short", token + " and " + token, "x" + token + "ü", "eyJa.b.c", "eyJ.b.c", "eyJa.b.", "eyJa.b.c.d", "eyJeyJa.b.c",
		"eyJ" + token + ".x.y", "eyJa-" + token, "ghs_ghs_" + token, "eyJa.eyJb.c.d",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := Redact(text), secrets.ReplaceAllString(text, "[redacted]"); got != want {
			t.Errorf("%q:\n got %q\nwant %q", text, got, want)
		}
	})
}

func TestRedactTakesItsTimeInProportion(t *testing.T) {
	for _, piece := range []string{"eyJ", "ghs_", "eyJa.", "ghs_!"} {
		begun := time.Now()
		Redact(strings.Repeat(piece, 1<<18))
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%q took %v", piece, took)
		}
	}
}
