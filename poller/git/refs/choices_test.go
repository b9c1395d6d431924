package refs

import (
	"strings"
	"testing"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// TestBracesAreBounded: a line of a repository's own file must not keep a core
// busy for ever.
func TestBracesAreBounded(t *testing.T) {
	bomb := "refs/heads/" + strings.Repeat("{,}", 40) + "c"
	began := time.Now()
	if err := (Patterns{bomb}).Validate(); err == nil || !strings.Contains(err.Error(), "braces stand for more than 256") {
		t.Error(err)
	}
	if matched, _ := (Patterns{bomb, "!" + bomb}).Match("refs/heads/" + strings.Repeat("a", 100)); matched {
		t.Error("matched")
	}
	nested := "refs/heads/" + strings.Repeat("{a,", 300) + strings.Repeat("}", 300)
	if err := (Patterns{nested}).Validate(); err == nil {
		t.Error("nested braces pass")
	}
	if err := (Patterns{"refs/heads/" + strings.Repeat("?", 2000)}).Validate(); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
	stars := Patterns{"refs/heads/" + strings.Repeat("**/*a", 150) + "b"}
	if matched, _ := stars.Match("refs/heads/" + strings.Repeat("a/", 2000) + "a"); matched {
		t.Error("stars match")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func FuzzChoices(f *testing.F) {
	f.Add("refs/heads/{a,b{c,d/**}}/[{,]x", "refs/heads/bd/e/{x")
	f.Add("refs/{heads,tags}/{*,v?}", "refs/tags/v1")
	f.Add("refs/{heads/**,tags/v*/**/x}", "refs/tags/v1/x")
	f.Fuzz(func(t *testing.T, pattern, ref string) {
		if (Patterns{pattern}).Validate() != nil || strings.HasPrefix(pattern, "!") || !Valid(ref) || len(pattern) > 60 {
			return
		}
		want, err := doublestar.Match(pattern, ref)
		if got, _ := (Patterns{pattern}).Match(ref); err == nil && got != want && pattern != ref {
			t.Errorf("%q matches %q: %v, want %v", pattern, ref, got, want)
		}
	})
}
