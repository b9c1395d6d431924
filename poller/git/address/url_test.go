package address

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/secret"
)

func TestParseURL(t *testing.T) {
	for _, tt := range []struct{ in, out, name string }{
		{"https://github.com/acme/shop", "https://github.com/acme/shop", "shop"},
		{"https://user:pa%40ss@GitHub.com:443/acme/shop.git", "https://github.com/acme/shop.git", "shop"},
		{"https://ghp_token@github.com/acme/shop/", "https://github.com/acme/shop/", "shop"},
		{"http://[::1]:8080/a%20b.git", "http://[::1]:8080/a%20b.git", "a b"},
		{"ssh://git@host.example/srv/shop.git", "ssh://git@host.example/srv/shop.git", "shop"},
		{"ssh://git:secret@host:2222/~me/shop", "ssh://git@host:2222/~me/shop", "shop"},
		{"git+ssh://host:22/shop", "ssh://host/shop", "shop"},
		{"git@github.com:acme/shop.git", "git@github.com:acme/shop.git", "shop"},
		{"github.com:shop", "github.com:shop", "shop"},
		{"git@[::1]:acme/shop", "git@[::1]:acme/shop", "shop"},
		{"git@[host:2222]:acme/shop", "ssh://git@host:2222/acme/shop", "shop"},
		{"file:///srv/my%20shop.git", "file:///srv/my%20shop.git", "my shop"},
		{"file://localhost/srv/shop", "file:///srv/shop", "shop"},
		{"/srv/shop.git/", "/srv/shop.git/", "shop"},
		{"/srv/shop/.git", "/srv/shop/.git", "shop"},
		{"./a:b", "./a:b", "a:b"},
		{"../shop", "../shop", "shop"},
	} {
		u, err := ParseURL(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if u.String() != tt.out || u.Name() != tt.name {
			t.Errorf("%s: got %s named %q, want %s named %q", tt.in, u, u.Name(), tt.out, tt.name)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "empty",
		"git://github.com/a/b":            "neither encrypted nor authenticated",
		"ftp://hunter2@h/a":               "unsupported scheme",
		"ext::sh -c hunter2":              "remote helpers",
		"https://u:hunter2#@host/x":       "malformed",
		"https://u:12#hunter2@host/x":     "no #",
		"https://host/x?token=hunter2":    "no ?",
		"https://u:hunter2@/x":            "host name",
		"https://u:hunter2@host":          "without a repository path",
		"https://u:hunter2@host/a%0ab":    "",
		"https://host:99999999/a":         "port",
		"user:hunter2@host:path":          "takes no password",
		"git@host:":                       "without a repository path",
		"-oProxyCommand=hunter2:x":        "host name",
		"file://elsewhere/x":              "on this host",
		"file:relative":                   "",
		"a\nb":                            "control characters",
		"ssh://git:hunter2@host/%01":      "control characters",
		"https://fe80::1%25eth0:hunter2/": "",
	} {
		u, err := ParseURL(in)
		if err == nil && want != "" {
			t.Errorf("%q: accepted as %s", in, u)
		} else if err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestURLNeverShowsCredentials(t *testing.T) {
	u, err := ParseURL("https://hunter1:hunter2@host/x")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"url": u})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v %s %q", u, u, u, u, u), fmt.Sprintf("%+v %#v", struct{ URL URL }{u}, &struct{ URL URL }{u}), string(text)} {
		if strings.Contains(shown, "hunter") {
			t.Errorf("shown: %s", shown)
		}
	}
}

func TestURLResolve(t *testing.T) {
	dir := t.TempDir()
	for in, want := range map[string]string{".": dir, "sub": filepath.Join(dir, "sub"), "/abs/x": "/abs/x", "https://h/x": "https://h/x"} {
		u, err := ParseURL(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := u.Resolve(dir); got.String() != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	u, _ := ParseURL(".")
	if got := u.Resolve(dir).Name(); got != filepath.Base(dir) {
		t.Errorf("name of .: %s", got)
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"https://u:p@h:1/x.git", "git@h:x", "git@[h:1]:x", "file:///x", "ssh://h/~u/x", "C:\\x", "[::1]:x", "a%zz://", "http://h/%2f", "[0]::", "\\@[0]:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		_ = u.Resolve("/dir").Name()
		again, err := ParseURL(u.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which is refused: %v", s, u, err)
		}
		if again.String() != u.String() {
			t.Fatalf("%q prints as %q, which prints as %q", s, u, again)
		}
		if u.Scheme != "ssh" {
			u.User = secret.Text{}
		}
		if u.Password = (secret.Text{}); again != u {
			t.Fatalf("%q: %#v is not %#v", s, again, u)
		}
	})
}
