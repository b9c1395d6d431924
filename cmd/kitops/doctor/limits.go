package doctor

import (
	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// limits tells of tasks and runners whose limits could not be set, were kitops started as doctor was.
func (d *Doctor) limits(s settings.Settings) {
	for who, limits := range s.Limits() {
		if err := actions.Supports(limits); err != nil {
			d.say(app.Fail, who+": "+err.Error(), "run kitops as its unit for systemd has it (Delegate=yes), or leave the limits out")
			continue
		}
		d.say(app.OK, who+": its limits can be set", "")
	}
}
