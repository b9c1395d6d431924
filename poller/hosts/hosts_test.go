package hosts_test

import (
	"testing"

	"github.com/bittrance/kitops/poller/hosts"
)

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, "example.com": false, "localhost.example.com": false, "127.0.0.1.example.com": false, "10.0.0.1": false,
		"[::1": false, "::1]": false, "127.1": false, "0.0.0.0": false, "localhost:80": false,
	} {
		if got := hosts.Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %t", host, got)
		}
	}
}

func TestLinkLocal(t *testing.T) {
	for host, want := range map[string]bool{
		"169.254.169.254": true, "fe80::1": true, "[fe80::1]": true, "::ffff:169.254.169.254": true,
		"localhost": false, "127.0.0.1": false, "10.0.0.1": false, "example.com": false,
	} {
		if got := hosts.LinkLocal(host); got != want {
			t.Errorf("LinkLocal(%q) = %t", host, got)
		}
	}
}

func TestARepositoryHasManyAddresses(t *testing.T) {
	for url, want := range map[string]string{
		"https://github.com/acme/shop":               "github.com/acme/shop",
		"https://GitHub.com/Acme/Shop.git/":          "github.com/acme/shop",
		"https://user:word@github.com/acme/shop.git": "github.com/acme/shop",
		"git@github.com:acme/shop.git":               "github.com/acme/shop",
		"ssh://git@github.com:2222/acme/shop":        "github.com/acme/shop",
		"https://git.example.com:8443/acme/shop":     "git.example.com:8443/acme/shop",
		"https://github.com/acme":                    "github.com/acme",
		"/srv/git/shop.git":                          "/srv/git/shop",
		"file:///srv/git/shop.git":                   "/srv/git/shop",
	} {
		if got := hosts.Repository(url); got != want {
			t.Errorf("Repository(%q) = %q, want %q", url, got, want)
		}
	}
}

func TestAnOwnerContainsRepositories(t *testing.T) {
	for _, c := range []struct {
		url, repository string
		want            bool
	}{
		{"https://github.com/acme", "git@github.com:acme/shop.git", true},
		{"https://github.com/acme/shop", "https://github.com/acme/shop.git", true},
		{"https://github.com/acm", "https://github.com/acme/shop", false},
		{"https://github.com/acme/shop", "https://github.com/acme/shopping", false},
		{"https://example.com/acme", "https://github.com/acme/shop", false},
	} {
		if got := hosts.Contains(c.url, c.repository); got != c.want {
			t.Errorf("Contains(%q, %q) = %t", c.url, c.repository, got)
		}
	}
}

func TestCredentialsAreForOneAddress(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://example.com/a/b", "https://example.com/a/b.git/", true},
		{"https://example.com/a/b", "http://example.com/a/b", false},
		{"https://example.com/a/b", "https://example.com:8443/a/b", false},
		{"https://example.com/a/b", "https://example.com/a/B", false},
	} {
		if got := hosts.SameAddress(c.a, c.b); got != c.want {
			t.Errorf("SameAddress(%q, %q) = %t", c.a, c.b, got)
		}
	}
}
