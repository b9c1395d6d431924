package refs

import (
	"strings"
	"testing"
)

func TestPatternsMatch(t *testing.T) {
	for _, tt := range []struct {
		patterns       string
		ref            string
		matched, named bool
	}{
		{"refs/heads/main", "refs/heads/main", true, true},
		{"refs/heads/main", "refs/heads/maint", false, false},
		{"refs/heads/main", "refs/tags/main", false, false},
		{"refs/heads/*", "refs/heads/main", true, false},
		{"refs/heads/*", "refs/heads/a/b", false, false},
		{"refs/heads/**", "refs/heads/a/b", true, false},
		{"refs/heads/**", "refs/heads/a", true, false},
		{"refs/heads/release/*", "refs/heads/release/1.0", true, false},
		{"refs/heads/release/* !refs/heads/release/old-*", "refs/heads/release/old-1", false, false},
		{"!refs/heads/release/old-* refs/heads/release/*", "refs/heads/release/old-1", false, false},
		{"refs/heads/a !refs/heads/a", "refs/heads/a", false, false},
		{"refs/heads/** refs/heads/a", "refs/heads/a", true, true},
		{"refs/heads/v[0-9].{x,y}", "refs/heads/v1.y", true, false},
		{"HEAD", "HEAD", true, true},
		{"HEAD", "refs/heads/main", false, false},
		{"refs/heads/**", "refs/heads/\xff", true, false},
	} {
		p := Patterns(strings.Fields(tt.patterns))
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", tt.patterns, err)
		}
		if matched, named := p.Match(tt.ref); matched != tt.matched || named != tt.named {
			t.Errorf("%s on %s: %v, %v", tt.patterns, tt.ref, matched, named)
		}
	}
}

func TestPatternsLiteral(t *testing.T) {
	for _, tt := range []struct {
		patterns Patterns
		ref      string
		want     bool
	}{
		{Patterns{"HEAD"}, "refs/heads/main", true},
		{Patterns{"HEAD"}, "HEAD", true},
		{Patterns{"refs/heads/*"}, "refs/heads/main", false},
		{Patterns{"refs/heads/*", "refs/heads/main"}, "refs/heads/main", true},
		{Patterns{"refs/heads/x*", "HEAD"}, "refs/heads/x1", false},
	} {
		if got := tt.patterns.Literal(tt.ref); got != tt.want {
			t.Errorf("%v on %s: %v", tt.patterns, tt.ref, got)
		}
	}
}

func TestPatternsValidate(t *testing.T) {
	for patterns, want := range map[string]string{
		"":                             "no branch given",
		"!":                            "empty",
		"!refs/heads/a":                "only exclusions",
		"main":                         "begins with refs/",
		"refs/":                        "begins with refs/",
		"HEAD,!HEAD":                   "excluded by its name",
		"refs/heads/a b":               `contains ' '`,
		"refs/heads/a\x01":             "contains",
		"refs/heads/a~1":               "contains '~'",
		"refs/heads/a^":                "contains '^'",
		`refs/heads/a\*`:               "contains",
		"refs/heads/a..b":              "..",
		"refs/heads/@{1}":              "@{",
		"refs/heads//a":                "empty segment",
		"refs/heads/a/":                "empty segment",
		"refs/heads/.a":                "segment",
		"refs/heads/a.lock":            "segment",
		"refs/heads/a.":                "dot",
		"refs/heads/[a":                "unbalanced",
		"refs/heads/{a":                "unbalanced",
		"refs/heads/a b,refs/heads/c~": `contains '~'`,
	} {
		var p Patterns
		if patterns != "" {
			p = strings.Split(patterns, ",")
		}
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", patterns, err, want)
		}
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("refs/heads/**", "!refs/heads/{a,b}/[^c]", "refs/heads/a/b")
	f.Add("HEAD", "refs/heads/***/?", "HEAD")
	f.Fuzz(func(t *testing.T, one, two, ref string) {
		p := Patterns{one, two}
		if p.Validate() != nil {
			return
		}
		if _, named := p.Match(ref); named && one != ref && two != ref {
			t.Fatalf("%q named by %q", ref, p)
		}
		if matched, _ := append(p, "!"+ref).Match(ref); matched && literal(ref) {
			t.Fatalf("%q matched though excluded", ref)
		}
	})
}
