package wiring

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// TestSubmoduleMirrorsByCredentials has what was fetched with credentials stay
// where no task without them looks, whichever comes first.
func TestSubmoduleMirrorsByCredentials(t *testing.T) {
	parse := func(address string) git.URL {
		url, err := git.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	keys := []mirrorKey{
		{url: parse("https://example.com/lib")},
		{url: parse("https://alice:secret@example.com/lib")},
		{url: parse("https://example.com/lib"), app: &app.App{}},
	}
	anonymous := map[string]bool{}
	for first := range keys {
		m := newMirrors(Process{}, t.TempDir(), 0, slog.New(slog.DiscardHandler))
		super := &git.Mirror{Dir: "super"}
		for i := range keys {
			n := (first + i) % len(keys)
			name := filepath.Base(m.submodule(super, keys[n], nil).Dir)
			if anonymous[name] != (n == 0) && len(anonymous) > 0 {
				t.Errorf("%v has %s", keys[n].url, name)
			}
			if n == 0 {
				anonymous[name] = true
			}
		}
	}
}

// TestSubmoduleOfOwnDirectory refuses to give a task what another one fetched.
func TestSubmoduleOfOwnDirectory(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	w := New(Process{}, dir, 0, "", slog.New(slog.DiscardHandler))
	listed := &settings.SubmoduleCredentials{}
	get := w.submodules(settings.Settings{}, settings.Task{Checkout: settings.Checkout{Submodules: true, Credentials: listed}}, &git.Mirror{Dir: "super"})
	for address, own := range map[string]bool{
		filepath.Join(dir, "mirrors", "0123456789abcdef"): true,
		"file://" + filepath.ToSlash(dir) + "/kept/x":     true,
		link:                               true,
		filepath.Join(link, "..", "other"): false,
		dir + "-other":                     false,
		"https://example.com" + dir:        false,
	} {
		url, err := git.ParseURL(address)
		if err == nil && url.Local() {
			if _, err := get(url); err == nil {
				t.Errorf("%s: taken, although it is not listed", address)
			}
			err = listed.Add(address)
		}
		if err == nil {
			_, err = get(url)
		}
		if (err != nil) != own {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestSweepMirrors keeps what mirrors of tasks have, longer histories included.
func TestSweepMirrors(t *testing.T) {
	dir := t.TempDir()
	m := newMirrors(Process{}, dir, 0, slog.New(slog.DiscardHandler))
	var names []string
	for _, address := range []string{"https://example.com/a", "https://example.com/b"} {
		url, err := git.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		var settings settings.Task
		settings.URL = url
		names = append(names, filepath.Base(m.get(settings, nil).Dir))
	}
	flow := filepath.Base(m.webFlow("https://example.com/web-flow.gpg").File)
	kept := []string{flow, names[0], names[0] + "-history-5", names[0] + "-history-full", names[0] + "-sub-0123", names[0] + "-sub-0123-history-5", names[1]}
	for _, name := range append(slices.Clone(kept), "web-flow-0123456789abcdef.gpg", names[0]+"-2", names[0]+"-2-history-5", names[1]+"x", "0123456789abcdef", "0123456789abcdef-history-5", "0123456789abcdef-sub-0123") {
		if err := os.MkdirAll(filepath.Join(dir, name, "objects"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.sweep(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	slices.Sort(kept)
	if !slices.Equal(left, kept) {
		t.Errorf("left are %v, want %v", left, kept)
	}
}

// TestSubmodulesNearby refuses addresses where services listen that trust whoever
// comes from this host, unless they are listed or the repository is there itself.
func TestSubmodulesNearby(t *testing.T) {
	parse := func(address string) git.URL {
		url, err := git.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		return url
	}
	w := &Wiring{mirrors: newMirrors(Process{}, t.TempDir(), 0, slog.New(slog.DiscardHandler))}
	near := []string{"https://127.0.0.1/x", "https://localhost/x", "https://a.localhost/x", "https://[::1]:8443/x", "https://169.254.169.254/x", "https://[fe80::1]/x", "https://0.0.0.0/x", "https://[::ffff:127.0.0.1]/x"}
	for _, address := range append(near, "https://example.com/x") {
		for super, allowed := range map[string]bool{"https://example.com/super": address == "https://example.com/x", "http://127.0.0.1:1234/super": true} {
			get := w.submodules(settings.Settings{}, settings.Task{URL: parse(super), Checkout: settings.Checkout{Submodules: true}}, &git.Mirror{Dir: "super"})
			if _, err := get(parse(address)); (err == nil) != allowed {
				t.Errorf("%s of %s: %v", address, super, err)
			}
		}
	}
	listed := &settings.SubmoduleCredentials{Addresses: []git.URL{parse("https://127.0.0.1/x")}}
	get := w.submodules(settings.Settings{}, settings.Task{URL: parse("https://example.com/super"), Checkout: settings.Checkout{Submodules: true, Credentials: listed}}, &git.Mirror{Dir: "super"})
	if _, err := get(parse("https://127.0.0.1/x")); err != nil {
		t.Errorf("listed: %v", err)
	}
	listed.Addresses = append(listed.Addresses, parse("https://listed.example/x"))
	for address, distant := range map[string]bool{"https://other.example/x": true, "https://EXAMPLE.com/x": false, "https://listed.example/x": false} {
		if m, err := get(parse(address)); err != nil || (m.Transport == w.mirrors.distant) != distant {
			t.Errorf("%s: names that lead here are refused: %t, %v", address, !distant, err)
		}
	}
}
