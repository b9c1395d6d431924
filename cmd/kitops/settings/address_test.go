package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

func TestAddressesThatAreMeantOtherwise(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"acme/here", "example.com/acme/here"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{
		"github.com/acme/shop":             "there is no directory github.com/acme/shop; did you mean https://github.com/acme/shop?",
		"git.example.com/a/b/c":            "did you mean https://git.example.com/a/b/c?",
		"acme/shop":                        "did you mean https://github.com/acme/shop?",
		"https://$TOKEN@github.com/acme/x": "$TOKEN stays as it is: nothing is expanded here",
		"https://me:${PASS}@example.com/x": "${PASS} stays as it is",
		"https://example.com/$HOME/x":      "$HOME stays as it is",
		"https://me:a%24B@example.com/x":   "",
		"acme/here":                        "",
		"example.com/acme/here":            "",
		"./acme/shop":                      "",
		"../acme/shop":                     "",
		"shop.git":                         "",
		"a/b/c":                            "",
		"/nowhere/acme/shop":               "",
		"/odd/$NAME":                       "",
		"git@github.com:acme/shop":         "",
	} {
		_, err := DefaultConfig().address(text, dir)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	c := DefaultConfig()
	c.App.APIURL = "https://git.example.com/api/v3"
	if _, err := c.address("acme/shop", dir); err == nil || !strings.Contains(err.Error(), "https://git.example.com/acme/shop?") {
		t.Error(err)
	}
	_, mistakes := parse(t, strings.Replace(settingstest.File("", "", ""), "https://example.com/shop", "github.com/acme/shop", 1))
	if !strings.Contains(mistakes, "tasks.yaml:4:12: url: there is no directory") {
		t.Error(mistakes)
	}
}

func TestAddressWithinAWorkTree(t *testing.T) {
	top := t.TempDir()
	for _, name := range []string{".git", "cmd/deep", "bare.git/objects", "bare.git/refs", "bare.git/HEAD"} {
		if err := os.MkdirAll(filepath.Join(top, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]string{".": "", "cmd/deep": "", "./cmd": "", "bare.git": "bare.git", "./missing": "missing"} {
		url, err := DefaultConfig().address(text, top)
		if err != nil || url.String() != filepath.Join(top, want) {
			t.Errorf("%s: %s, %v", text, url, err)
		}
	}
	t.Chdir(filepath.Join(top, "cmd", "deep"))
	s, _, err := loadWith(t, nil, "--url", ".", "--action", "x")
	if err != nil || s.Tasks[0].Name != filepath.Base(top) {
		t.Errorf("%+v, %v", s.Tasks, err)
	}
}
