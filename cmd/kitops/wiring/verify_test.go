package wiring

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// TestEndsOfKeysOfATask are those of its files, which are not read for each scrape.
func TestEndsOfKeysOfATask(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, err := git.ParseURL(filepath.ToSlash(dir))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "allowed")
	write := func(year string) {
		t.Helper()
		const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
		if err := os.WriteFile(file, []byte(`anna valid-before="`+year+`0101Z" `+key+"\nben "+key+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("2031")
	w := New(Process{}, dir, 0, "", slog.New(slog.DiscardHandler))
	verify := &settings.Verify{KeyFiles: git.KeyFiles{AllowedSigners: file}}
	s := settings.Settings{Tasks: []settings.Task{
		{Name: "shop", URL: url, Verify: verify},
		{Name: "blog", URL: url},
		{Name: "lost", URL: url, Verify: &settings.Verify{KeyFiles: git.KeyFiles{AllowedSigners: file + "x"}}},
	}}
	made := func() {
		t.Helper()
		if _, err := w.Make(s); err != nil {
			t.Fatal(err)
		}
	}
	want := func(year int) {
		t.Helper()
		ends := w.keyEnds("shop")
		if len(ends) != 1 || ends[0].Signer != "anna" || ends[0].Key == "" || ends[0].At.UTC().Year() != year {
			t.Errorf("%+v, want the year %d", ends, year)
		}
	}
	made()
	want(2031)
	write("2032")
	want(2031)
	made()
	want(2032)
	for _, other := range []string{"blog", "lost", "gone"} {
		if ends := w.keyEnds(other); len(ends) > 0 {
			t.Errorf("%s: %+v", other, ends)
		}
	}
}
