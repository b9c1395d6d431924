package doctor

import (
	"context"
	"fmt"
	"os"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

// runners asks GitHub for what each scale set needs, and registers nothing.
func (d *Doctor) runners(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, set := range s.Runners {
		prefix := "runners " + set.Name + ": "
		if set.User == settings.SameUser {
			d.say(app.Fail, prefix+"jobs run as kitops' own user, who can read the App's key", "give user: another one, and start kitops as root")
		}
		if err := w.TryRunners(ctx, set); err != nil {
			d.fail(prefix+"GitHub's service for runners", err, "see docs/build-servers.md")
		} else {
			d.say(app.OK, fmt.Sprintf("%sGitHub lets the App register runners at %s", prefix, set.URL), "")
		}
		if doubt, remedy := w.DoubtRunners(ctx, set); doubt != "" {
			d.say(app.Warn, prefix+doubt, remedy)
		}
		if set.Workdir == "" {
			continue
		}
		if info, err := os.Stat(set.Workdir); err != nil || !info.IsDir() {
			d.say(app.Fail, prefix+"there is no directory "+set.Workdir, "install GitHub's runner there: see docs/build-servers.md")
		} else {
			d.say(app.OK, prefix+"the runner is installed in "+set.Workdir, "")
		}
	}
}
