package doctor

import (
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

const shownSigners = 20

// signers tells whose signatures count, and which keys need another soon.
func (d *Doctor) signers(s settings.Settings) {
	for _, t := range s.Tasks {
		if t.Verify == nil {
			continue
		}
		prefix := "task " + t.Name + ": "
		names, expiring, err := t.Verify.Signers()
		if err != nil {
			d.fail(prefix+"whose signatures count", err, "mend the file that verify names")
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
