package members

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// listing is what a store has, by folder.
type listing struct {
	tasks   []bucket.Found
	beats   map[string]time.Time
	entries map[string]string // versions
}

func sort(all []bucket.Found) listing {
	l := listing{beats: map[string]time.Time{}, entries: map[string]string{}}
	for _, found := range all {
		if len(found.Folder) == 0 {
			continue
		}
		switch folder := found.Folder[0]; {
		case folder == TasksDir:
			found.Folder = found.Folder[1:]
			l.tasks = append(l.tasks, found)
		case folder == BeatsDir && len(found.Folder) == 1:
			l.beats[found.Key] = found.Modified
		case folder == InstancesDir && len(found.Folder) == 1 && found.Version != "":
			l.entries[found.Key] = found.Version
		}
	}
	return l
}

// prune removes what is left of members that were not seen for long. One of the living does.
func (r *Registry) prune(ctx context.Context, l listing) error {
	view := r.View()
	if len(view.Live) == 0 || view.Live[0].Owner.Name != r.name() {
		return nil
	}
	old := func(name string) bool {
		beat, beats := l.beats[name]
		return name != r.name() && beats && view.Now.Sub(beat) > kept
	}
	pruned := 0
	for _, name := range slices.Sorted(maps.Keys(l.beats)) {
		if !old(name) || pruned == mostPruned {
			continue
		}
		pruned++
		for _, found := range l.tasks {
			if len(found.Folder) == 1 && found.Key == name {
				if err := r.Root.Sub(TasksDir).Sub(found.Folder[0]).Remove(ctx, name); err != nil {
					return err
				}
			}
		}
		if err := r.Forget(ctx, name, false); err != nil {
			return err
		}
		r.Log.Info("an instance that was not seen for a week is forgotten", "instance", name)
	}
	return nil
}
