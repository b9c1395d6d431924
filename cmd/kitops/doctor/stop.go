package doctor

import (
	"fmt"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
)

// Unit is a unit of systemd.
type Unit struct {
	Path  string
	Stop  time.Duration // its TimeoutStopSec; 0: none, or nobody knows
	Asked bool          // systemd can be asked to wait longer
}

// stopMargin is what a stop takes beside the grace of actions.
const stopMargin = 15 * time.Second

// stop warns of a unit by which systemd kills the actions of a task in the time that they have to end.
func (d *Doctor) stop(s settings.Settings) {
	if d.Unit.Stop == 0 || d.Unit.Asked {
		return
	}
	for _, t := range s.Tasks {
		if needs := t.LongestGrace() + stopMargin; needs > d.Unit.Stop {
			d.say(app.Warn, fmt.Sprintf("task %s: its actions have %s to end (grace), and at a stop systemd kills them before that: TimeoutStopSec of %s is %s",
				t.Name, t.LongestGrace(), d.Unit.Path, d.Unit.Stop), fmt.Sprintf("Type=notify in the unit, else TimeoutStopSec=%.0f", needs.Seconds()))
		}
	}
}
