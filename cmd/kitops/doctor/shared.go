package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// mostSkew is how far this clock may be from the store's untold. Leases are counted by the store's, log lines by this one.
const mostSkew = 10 * time.Second

// sharedState tries a store that instances share: whether it lets one of many writers win, can be listed and read, and what time
// it has.
func (d *Doctor) sharedState(ctx context.Context, s settings.Settings) {
	state, err := wiring.OpenState(s, d.Process)
	if err != nil {
		d.fail("state "+s.Poller.State, err, "")
		return
	}
	unclean, err := state.Prove(ctx)
	if err != nil {
		d.fail("state "+state.Place, err, "")
		return
	}
	if unclean != nil {
		d.say(app.Warn, unclean.Error(), "allow to delete, too, or remove it by hand")
	}
	if _, err := wiring.NewPoller(ctx, state); err != nil {
		d.fail("state "+state.Place, err, "fix what is there, or name another prefix to start with an empty memory")
		return
	}
	d.say(app.OK, "state "+state.Place+": of sixteen writers one wins", "")
	for _, found := range state.Inspect(ctx) {
		level := app.OK
		if found.Remedy != "" {
			level = app.Warn
		}
		d.say(level, found.Text, found.Remedy)
	}
	doc, err := state.Beside.Get(ctx, "doctor")
	if err != nil && !errors.Is(err, fs.ErrNotExist) || doc.Now.IsZero() {
		return // the store does not tell its time to this request
	}
	if skew := time.Since(doc.Now).Round(time.Second); skew.Abs() > mostSkew {
		d.say(app.Warn, fmt.Sprintf("clock of the store: this one differs by %s", skew), "set this clock; leases are counted by the store's")
	}
}
