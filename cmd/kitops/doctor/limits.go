package doctor

import (
	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// limits tells of tasks whose limits could not be set, were kitops started as doctor was.
func (d *Doctor) limits(s settings.Settings) {
	for _, t := range s.Tasks {
		if t.Elsewhere || t.Limits == (actions.Limits{}) {
			continue
		}
		if err := actions.Supports(t.Limits); err != nil {
			d.say(app.Fail, "task "+t.Name+": "+err.Error(), "run kitops as its unit for systemd has it (Delegate=yes), or leave the limits out")
			continue
		}
		d.say(app.OK, "task "+t.Name+": its limits can be set", "")
	}
}
