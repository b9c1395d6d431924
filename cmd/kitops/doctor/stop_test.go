package doctor

import (
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
)

// TestUnitThatIsTooImpatient is warned of for each task with a longer grace, unless systemd can be asked to wait.
func TestUnitThatIsTooImpatient(t *testing.T) {
	tasks := []settings.Task{
		{Name: "usual"},
		{Name: "site", Rules: poller.Rules{Grace: 5 * time.Minute}},
		{Name: "infra", Actions: []actions.Action{{Name: "apply", Grace: time.Minute}}},
	}
	for _, c := range []struct {
		unit Unit
		want string
	}{
		{Unit{}, ""},
		{Unit{"u", 30 * time.Second, true}, ""},
		{Unit{"u", 10 * time.Second, false}, "usual 23, site 315, infra 75"},
		{Unit{"u", 30 * time.Second, false}, "site 315, infra 75"},
		{Unit{"u", 6 * time.Minute, false}, ""},
	} {
		var out strings.Builder
		(&Doctor{Out: &out, Unit: c.unit}).stop(settings.Settings{Tasks: tasks})
		var said []string
		for line := range strings.Lines(out.String()) {
			_, line, _ = strings.Cut(line, " task ")
			task, line, _ := strings.Cut(line, ": its actions have ")
			_, needs, _ := strings.Cut(strings.TrimSpace(line), "Type=notify in the unit, else TimeoutStopSec=")
			said = append(said, task+" "+needs)
		}
		if got := strings.Join(said, ", "); got != c.want {
			t.Errorf("%v: %q, want %q\n%s", c.unit, got, c.want, &out)
		}
	}
}
