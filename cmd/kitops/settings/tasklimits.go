package settings

import (
	"iter"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// Bounds of limits: the kernel takes no less of a processor, and nobody has more.
const leastCPU, mostCPU, leastMemory = 0.01, 10_000, 1 << 20

func (f taskFile) limits(s *section[limitKeys]) actions.Limits {
	if !s.given {
		return actions.Limits{}
	}
	keys := &s.keys
	if keys.CPU.value != 0 && (keys.CPU.value < leastCPU || keys.CPU.value > mostCPU) {
		f.Wrong(keys.CPU.node, "cpu must be a number of processors from %g to %d", leastCPU, mostCPU)
	}
	for name, a := range map[string]*size{"memory": &keys.Memory, "workdir": &keys.Workdir} {
		if a.value != 0 && a.value < leastMemory {
			f.Wrong(a.node, "%s must be at least 1MB", name)
		}
	}
	return actions.Limits{
		Memory: int64(keys.Memory.value), CPU: keys.CPU.value,
		PIDs: keys.PIDs.value, IOWeight: keys.IOWeight.value, Nice: keys.Nice.value,
		Workdir: int64(keys.Workdir.value),
	}
}

// limitsShown are limits as a task file has them.
func limitsShown(l actions.Limits) (shown section[limitKeys]) {
	if l == (actions.Limits{}) {
		return shown
	}
	shown.place = given()
	if l.Memory > 0 {
		shown.keys.Memory = size{given(), git.Size(l.Memory)}
	}
	if l.CPU > 0 {
		shown.keys.CPU = number{given(), l.CPU}
	}
	if l.Workdir > 0 {
		shown.keys.Workdir = size{given(), git.Size(l.Workdir)}
	}
	for _, n := range []struct {
		to    *count
		value int
	}{{&shown.keys.PIDs, l.PIDs}, {&shown.keys.IOWeight, l.IOWeight}, {&shown.keys.Nice, l.Nice}} {
		if n.value > 0 {
			*n.to = count{given(), n.value}
		}
	}
	return shown
}

// Limits are those of each task, each action and each set of runners that has some, in order.
func (s Settings) Limits() iter.Seq2[string, actions.Limits] {
	return func(yield func(who string, l actions.Limits) bool) {
		for _, t := range s.Tasks {
			if t.Elsewhere {
				continue
			}
			if t.Limits != (actions.Limits{}) && !yield("task "+t.Name, t.Limits) {
				return
			}
			for _, a := range t.AllActions() {
				if a.Limits != (actions.Limits{}) && !yield("task "+t.Name+": action "+a.Name, a.Limits) {
					return
				}
			}
		}
		for _, set := range s.Runners {
			if set.Limits != (actions.Limits{}) && !yield("runners "+set.Name, set.Limits) {
				return
			}
		}
	}
}
