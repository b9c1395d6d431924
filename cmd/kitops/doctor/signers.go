package doctor

import (
	"context"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

const shownSigners = 20

// signers tells whose signatures count, and which keys need another soon.
func (d *Doctor) signers(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, t := range s.Tasks {
		if t.Verify == nil {
			continue
		}
		prefix := "task " + t.Name + ": "
		names, expiring, err := w.Signers(ctx, t)
		if err != nil {
			d.fail(prefix+"whose signatures count", err, "mend the file that verify names, or have this machine reach GitHub")
			continue
		}
		if more := len(names) - shownSigners; more > 0 {
			names = append(names[:shownSigners], "others")
		}
		d.say(app.OK, prefix+"runs what is signed by "+strings.Join(names, ", "), "")
		for _, key := range expiring {
			d.say(app.Warn, prefix+key, "put a newer one beside it: what is signed by it will not run")
		}
	}
}
