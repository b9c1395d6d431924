package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
)

// maxNamed is how many tasks are named in a line; more are counted.
const maxNamed = 5

// Describe says what is watched, in keys and values for the log: one task with
// where and how often, several by their number.
func (s Settings) Describe() []any {
	if len(s.Runners) > 0 {
		return []any{"tasks", len(s.Tasks), "runners", len(s.Runners)}
	}
	if len(s.Tasks) != 1 {
		return []any{"tasks", len(s.Tasks)}
	}
	t := s.Tasks[0]
	where := []any{"url", t.URL.String()}
	if t.Repos != nil {
		where = []any{"repositories", strings.Join(t.Repos.Entries(), " ")}
	}
	return append(append([]any{"task", t.Name}, where...), "branch", t.Refs.Short(), "interval", yamlfile.FormatDuration(t.Interval))
}

// Changes says how tasks differ from those before, in keys and values for the log.
func (s Settings) Changes(before Settings) []any {
	digests := map[string]string{}
	for _, t := range before.Tasks {
		digests[t.Name] = t.Digest
	}
	var added, changed, removed []string
	for _, t := range s.Tasks {
		switch digest, known := digests[t.Name]; {
		case !known:
			added = append(added, t.Name)
		case digest != t.Digest:
			changed = append(changed, t.Name)
		}
		delete(digests, t.Name)
	}
	for _, t := range before.Tasks {
		if _, gone := digests[t.Name]; gone {
			removed = append(removed, t.Name)
		}
	}
	var all []any
	for _, kind := range []struct {
		key   string
		names []string
	}{{"added", added}, {"changed", changed}, {"removed", removed}} {
		if len(kind.names) > maxNamed {
			all = append(all, kind.key, fmt.Sprintf("%d tasks", len(kind.names)))
		} else if len(kind.names) > 0 {
			all = append(all, kind.key, strings.Join(kind.names, ", "))
		}
	}
	if slices.CompareFunc(s.Runners, before.Runners, func(a, b RunnerSet) int { return strings.Compare(a.Digest, b.Digest) }) != 0 {
		all = append(all, "runners", "changed")
	}
	if len(all) == 0 {
		return []any{"changed", "nothing"}
	}
	return all
}
