//go:build unix

package wiring

import (
	"log/slog"
	"os"
	"testing"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/git"
)

// Who runs as kitops' own user could reach what is made ahead.
func TestNothingIsMadeAheadWithoutAnActionUser(t *testing.T) {
	url, err := git.ParseURL("https://example.com/shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		user        *actions.User
		park, reuse bool
		want        bool
	}{
		{user: &actions.User{UID: os.Geteuid() + 1}, park: true, want: true},
		{user: &actions.User{UID: os.Geteuid() + 1}, park: true, reuse: true},
		{user: &actions.User{UID: os.Geteuid() + 1}},
		{user: &actions.User{UID: os.Geteuid()}, park: true},
		{park: true},
	} {
		w := &Wiring{Park: c.park, user: c.user, mirrors: newMirrors(Process{}, t.TempDir(), 0, slog.New(slog.DiscardHandler))}
		task := w.task(settings.Settings{}, settings.Task{URL: url, Checkout: settings.Checkout{Reuse: c.reuse}}, nil)
		if made := task.Prepare != nil; made != c.want {
			t.Errorf("%+v: made ahead: %t", c, made)
		}
	}
}
