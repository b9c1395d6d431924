package settings

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
)

const brought = ".kitops.yaml"

// wantReadable looks at what people read on the commit.
func wantReadable(t *testing.T, err error) {
	t.Helper()
	said := status.Describe(poller.Run{Task: "ci@acme/shop", Outcome: poller.Error, Reason: err.Error()})
	if n := utf8.RuneCountInString(said); n > 140 || !utf8.ValidString(said) || strings.ContainsAny(said, "\n\x1b\u202e") {
		t.Errorf("%d characters: %q", n, said)
	}
}

func FuzzBring(f *testing.F) {
	for _, seed := range []string{
		"actions: [{run: make}]\ntimeout: 1m\nbranches: [main]", "actions: &a [*a]", "actions: *a", "? : -", "{", "- - -",
		"actions: [{name: x, entrypoint: y, args: [1, ~, yes], environment: [{A: b}], github_token: {contents: write}}]", "<<: *x", "%YAML 1.2\n---\n",
		"actions:\n- &x {run: |\n  a}\n- *x",
	} {
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, source []byte, allowed bool) {
		if len(source) > 64<<10 {
			return
		}
		b := Bring{File: brought, Inherit: allowed}
		if allowed {
			b.Token = map[string]string{"contents": "write"}
		}
		s, mistakes := b.Parse(source, time.Hour)
		for _, err := range mistakes {
			if !strings.HasPrefix(err.Error(), brought+":") {
				t.Errorf("no place: %v", err)
			}
			wantReadable(t, err)
		}
		if len(mistakes) > 0 {
			return
		}
		if len(s.Actions) == 0 || s.Timeout < 0 || s.Timeout > time.Hour {
			t.Errorf("%+v", s)
		}
		for _, a := range s.Actions {
			if a.Name == "" || a.Entrypoint == "" || !allowed && (a.InheritEnvironment || a.Token != nil) {
				t.Errorf("%+v", a)
			}
		}
	})
}

// TestPermissionsOfBroughtActions has a repository's own file ask for tokens: it
// gets no more than the operator allows it.
func TestPermissionsOfBroughtActions(t *testing.T) {
	read, write := map[string]string{"contents": "read"}, map[string]string{"contents": "write", "issues": "read"}
	for _, c := range []struct {
		allowed map[string]string
		asked   string
		refused string
	}{
		{nil, "true", "github_token is not allowed"},
		{read, "true", ""},
		{read, "{contents: read}", ""},
		{read, "{contents: write}", "does not allow contents: write"},
		{read, "{contents: read, issues: read}", "does not allow issues: read"},
		{read, "{statuses: write}", "does not allow statuses: write"},
		{read, "{checks: write}", "does not allow checks: write"},
		{write, "{contents: write, issues: read}", ""},
		{write, "{contents: read}", ""},
		{write, "{issues: write}", "does not allow issues: write"},
	} {
		b := Bring{File: brought, Token: c.allowed}
		_, mistakes := b.Parse([]byte("actions: [{run: make, github_token: "+c.asked+"}]"), time.Hour)
		switch {
		case c.refused == "" && len(mistakes) == 0:
		case c.refused != "" && len(mistakes) == 1 && strings.Contains(mistakes[0].Error(), c.refused):
		default:
			t.Errorf("%s of %v: %v", c.asked, c.allowed, mistakes)
		}
	}
}
