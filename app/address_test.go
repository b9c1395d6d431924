package app

import (
	"strings"
	"testing"
)

func TestCovers(t *testing.T) {
	const (
		dotcom = "https://api.github.com"
		ghe    = "https://api.octo.ghe.com"
		server = "https://git.example.com:8443/api/v3/"
		test   = "http://127.0.0.1:40001"
	)
	cases := []struct{ api, url, want string }{
		{dotcom, "https://github.com/acme/shop", "acme/shop"},
		{dotcom, "https://github.com/acme/shop.git", "acme/shop"},
		{dotcom, "https://GitHub.com:443/Acme/Shop.js.git/", "Acme/Shop.js"},
		{dotcom, "https://user:word@github.com/acme/shop", "acme/shop"},
		{dotcom, "http://github.com/acme/shop", "acme/shop"},
		{dotcom, "git@github.com:acme/shop.git", "acme/shop"},
		{dotcom, "github.com:/acme/shop", "acme/shop"},
		{dotcom, "ssh://git@github.com/acme/shop", "acme/shop"},
		{dotcom, "ssh://git@ssh.github.com:443/acme/shop.git", "acme/shop"},
		{dotcom, "https://github.com/acme", ""},
		{dotcom, "https://github.com/acme/shop/tree", ""},
		{dotcom, "https://github.com/acme/..", ""},
		{dotcom, "https://github.com/acme/%2e%2e", ""},
		{dotcom, "https://github.com:8443/acme/shop", ""},
		{dotcom, "https://github.com.evil.example/acme/shop", ""},
		{dotcom, "https://evil.example/github.com/acme/shop", ""},
		{dotcom, "https://github.com@evil.example/acme/shop", ""},
		{dotcom, "git@evil.example:acme/shop", ""},
		{dotcom, "https://gist.github.com/acme/shop", ""},
		{dotcom, "file://github.com/acme/shop", ""},
		{dotcom, "/srv/git/github.com/acme/shop", ""},
		{dotcom, "", ""},
		{dotcom, "//github.com/acme/shop", ""},
		{dotcom, "https://github.com//acme//shop//", "acme/shop"},
		{dotcom, "https://github.com/acme/.git", "acme/.git"},
		{dotcom, "https://github.com/_acme/shop", ""},
		{dotcom, "https://github.com/ac.me/shop", ""},
		{dotcom, "https://github.com/acme/sh op", ""},
		{dotcom, "a@b@github.com:acme/shop", ""},
		{dotcom, "a/b@github.com:acme/shop", ""},
		{dotcom, "github.com:", ""},
		{dotcom, "github.com::acme/shop", ""},
		{dotcom, ":acme/shop", ""},
		{dotcom, "[github.com]:acme/shop", "acme/shop"},
		{ghe, "https://octo.ghe.com/acme/shop", "acme/shop"},
		{ghe, "git@octo.ghe.com:acme/shop", "acme/shop"},
		{ghe, "https://github.com/acme/shop", ""},
		{server, "https://git.example.com:8443/acme/shop", "acme/shop"},
		{server, "https://git.example.com/acme/shop", ""},
		{server, "ssh://git@git.example.com:122/acme/shop", "acme/shop"},
		{test, "http://127.0.0.1:40001/acme/shop.git", "acme/shop"},
		{test, "http://127.0.0.1:40002/acme/shop.git", ""},
		{test + "/api/v3", "http://127.0.0.1:40001/acme/shop.git", "acme/shop"},
	}
	for _, c := range cases {
		a, err := parseAddress(c.api)
		if err != nil {
			t.Fatal(err)
		}
		owner, name, ok := a.repository(c.url)
		if got := strings.Trim(owner+"/"+name, "/"); got != c.want || ok != (c.want != "") {
			t.Errorf("%s at %s: got %q, want %q", c.url, c.api, got, c.want)
		}
	}
}

func TestCloneURL(t *testing.T) {
	for api, want := range map[string]string{
		"":                                "https://github.com/acme/shop.git",
		"https://api.octo.ghe.com/":       "https://octo.ghe.com/acme/shop.git",
		"https://git.example.com/api/v3":  "https://git.example.com/acme/shop.git",
		"http://[::1]:4000/api/v3":        "http://[::1]:4000/acme/shop.git",
		"https://localhost:4000":          "https://localhost:4000/acme/shop.git",
		"https://API.GitHub.com":          "https://github.com/acme/shop.git",
		"https://git.example.com/api/v3/": "https://git.example.com/acme/shop.git",
	} {
		where, err := parseAddress(api)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := (&App{address: where}).CloneURL("acme", "shop"); got != want {
			t.Errorf("%s: got %s, want %s", api, got, want)
		}
	}
}

func TestParseAddressRefuses(t *testing.T) {
	for api, words := range map[string]string{
		"github.com":                       "malformed",
		"https://user:word@api.github.com": "malformed",
		"http://api.github.com":            "not https",
		"http://127.0.0.1.example.com":     "not https",
		"ftp://127.0.0.1":                  "not https",
		"https://github.com":               "write https://api.github.com",
		"https://octo.ghe.com":             "write https://api.octo.ghe.com",
		"https://api.github.com/api/v3":    "has a path",
		"https://git.example.com":          "https://HOST/api/v3",
		"https://git.example.com/api":      "https://HOST/api/v3",
	} {
		if _, err := parseAddress(api); err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "word@") {
			t.Errorf("%s: got %v, want %q", api, err, words)
		}
	}
}
