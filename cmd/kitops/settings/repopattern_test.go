package settings

import (
	"strings"
	"testing"
)

func TestRepositoryPatterns(t *testing.T) {
	p, err := parseRepoPatterns([]string{"https://GitHub.com/acme/*", "umbrella/{api,web}-*", "!acme/attic-*", "!https://github.com/acme/secret"})
	if err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]bool{
		"acme/shop": true, "Acme/Shop": true, "acme/attic-1": false, "acme/secret": false,
		"umbrella/api-1": true, "umbrella/lab": false, "other/shop": false,
	} {
		owner, name, _ := strings.Cut(repository, "/")
		if got := p.Match(owner, name); got != want {
			t.Errorf("match(%s) = %v, want %v", repository, got, want)
		}
	}
	if p.name() != "acme" || len(p.Hosts) != 2 || p.Hosts[0] != "https://github.com" {
		t.Errorf("name %q, hosts %q", p.name(), p.Hosts)
	}
}

func TestWhatIsARepositoryPattern(t *testing.T) {
	for entry, want := range map[string]bool{
		"https://github.com/acme/*": true, "acme/*": true, "acme/{a,b}": true, "!acme/x": true,
		"https://github.com/acme/shop": false, "acme/shop": false, "./a*/b": false, "/srv/git/[x]": false,
		"file:///srv/*": false, "a/b/*": false, "git@github.com:acme/shop": false,
	} {
		if got := isRepoPattern(entry); got != want {
			t.Errorf("isRepoPattern(%q) = %v", entry, got)
		}
	}
}

func TestBadRepositoryPatterns(t *testing.T) {
	for entry, want := range map[string]string{
		"https://*/acme/x":           "host must be written out",
		"https://u:p@github.com/a/*": "without credentials",
		"ssh://git@github.com/a/*":   "selected by https",
		"git@github.com:acme/*":      "selected by https",
		"acme":                       "not of the form",
		"acme/a/b*":                  "not of the form",
		"acme/[a":                    "unbalanced",
		"!acme/*":                    "only exclusions",
	} {
		if _, err := parseRepoPatterns([]string{entry}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", entry, err, want)
		}
	}
}

func FuzzRepositoryPatterns(f *testing.F) {
	f.Add("https://github.com/acme/{a,b}*", "acme", "shop")
	f.Add("!a/[b", "", "")
	f.Fuzz(func(_ *testing.T, entry, owner, name string) {
		isRepoPattern(entry)
		if p, err := parseRepoPatterns([]string{entry}); err == nil {
			p.Match(owner, name)
			p.name()
		}
	})
}
