package metrics

import "github.com/bittrance/kitops/poller"

// writeHolds tells of the tasks that somebody has paused or pinned.
func (m *Metrics) writeHolds(t *text, watched []string, snapshots []poller.Snapshot) {
	t.family(gauge, "pinned", "1 where a ref of a task is pinned or rolled back.")
	for i, name := range watched {
		pinned := 0.0
		for _, r := range snapshots[i].State.Refs {
			if r.Pinned != nil {
				pinned = 1
			}
		}
		t.sample(pinned, label{"task", name})
	}
	t.family(gauge, "gave_up", "Refs of a task whose head has failed as often as retry has it tried.")
	for i, name := range watched {
		given := 0.0
		for ref, r := range snapshots[i].State.Refs {
			head := snapshots[i].Heads[ref]
			if r.Run != nil && r.Run.GaveUp && r.Run.Outcome == poller.Failure && (head == "" || head == r.Run.Revision.SHA) {
				given++
			}
		}
		t.sample(given, label{"task", name})
	}
	begun := false
	for i, name := range watched {
		p := snapshots[i].State.Paused
		if p == nil {
			continue
		}
		if !begun {
			t.family(gauge, "paused_since_timestamp_seconds", "Since when a task is paused, in seconds since 1970.")
			begun = true
		}
		t.sample(float64(p.Since.UnixMilli())/1000, label{"task", name})
	}
}
