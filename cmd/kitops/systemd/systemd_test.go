package systemd

import (
	"testing"

	"github.com/bittrance/kitops/poller"
)

// TestTheWatchdogStarvesWhenNothingMoves: one task that hangs does not cut off the others.
func TestTheWatchdogStarvesWhenNothingMoves(t *testing.T) {
	t.Parallel()
	late, fine := poller.TaskHealth{Late: true}, poller.TaskHealth{}
	for want, all := range map[bool][][]poller.TaskHealth{
		true:  {nil, {fine}, {late, fine}},
		false: {{late}, {late, late}},
	} {
		for _, tasks := range all {
			if Moving(tasks) != want {
				t.Errorf("%+v: moving is %v", tasks, !want)
			}
		}
	}
}
