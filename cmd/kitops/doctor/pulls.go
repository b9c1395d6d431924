package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// pulls lists the pull requests of a task that has some, and tells whether that works.
func (d *Doctor) pulls(ctx context.Context, prefix string, r *wiring.Repository, t settings.Task) bool {
	if t.Pulls == nil {
		return true
	}
	open, err := r.Pulls(ctx)
	if err != nil {
		d.fail(prefix+"cannot list pull requests", err, "grant the App the permission Pull requests: Read-only, and accept that for its installation")
		return false
	}
	if t.Pulls.Approved {
		if _, err := r.Comments(ctx, time.Now()); err != nil {
			d.fail(prefix+"cannot read comments on pull requests", err, "grant the App the permission Issues: Read-only, and accept that for its installation")
			return false
		}
	}
	d.say(app.OK, fmt.Sprintf("%scan list pull requests: %d are open", prefix, len(open)), "")
	return true
}
