package settings

import (
	"iter"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// amount is a number of bytes.
type amount struct {
	place
	value git.Size
}

func (a *amount) read(f taskFile, n ast.Node, k key) {
	if text := f.Scalar(n, k.name); text != "" {
		f.judge(n, k.name, a.value.UnmarshalText([]byte(text)))
	}
}

func (a *amount) shown() any { return a.value.String() }

func (a *amount) inherit(from keyed) { take(a, from.(*amount)) }

func (a *amount) words() string { return "size" }

func (a *amount) schema(key, bool) schema {
	return schema{"anyOf": []schema{{"type": "integer", "minimum": 1}, {"type": "string", "pattern": `^[0-9]+ *[KMGTkmgt]?[Bb]?$`}}}
}

// number is one above zero.
type number struct {
	place
	value float64
}

func (a *number) read(f taskFile, n ast.Node, k key) {
	switch f.Value(n).(type) {
	case *ast.IntegerNode, *ast.FloatNode:
	default:
		f.WrongType(n, k.name, "a number")
		return
	}
	value, err := strconv.ParseFloat(f.Scalar(n, k.name), 64)
	if err != nil || value <= 0 {
		f.Wrong(n, "%s must be a number above 0", k.name)
		return
	}
	a.value = value
}

func (a *number) shown() any {
	if whole := int(a.value); float64(whole) == a.value {
		return whole
	}
	return a.value
}

func (a *number) inherit(from keyed) { take(a, from.(*number)) }

func (a *number) words() string { return "number" }

func (a *number) schema(key, bool) schema {
	return schema{"type": "number", "exclusiveMinimum": 0}
}

// whole is a number without a fraction between two others.
func (f taskFile) whole(n *number, name string, least, most int) int {
	value := int(n.value)
	if n.value != 0 && (float64(value) != n.value || value < least || value > most) {
		f.Wrong(n.node, "%s must be a whole number from %d to %d", name, least, most)
	}
	return value
}

// Bounds of limits: the kernel takes no less of a processor, and nobody has more.
const leastCPU, mostCPU, mostPIDs, leastMemory = 0.01, 10_000, 4 << 20, 1 << 20

func (f taskFile) limits(s *section[limitKeys]) actions.Limits {
	if !s.given {
		return actions.Limits{}
	}
	keys := &s.keys
	if keys.CPU.value != 0 && (keys.CPU.value < leastCPU || keys.CPU.value > mostCPU) {
		f.Wrong(keys.CPU.node, "cpu must be a number of processors from %g to %d", leastCPU, mostCPU)
	}
	if keys.Memory.value != 0 && keys.Memory.value < leastMemory {
		f.Wrong(keys.Memory.node, "memory must be at least 1MB")
	}
	return actions.Limits{
		Memory: int64(keys.Memory.value), CPU: keys.CPU.value,
		PIDs:     f.whole(&keys.PIDs, "pids", 1, mostPIDs),
		IOWeight: f.whole(&keys.IOWeight, "io_weight", 1, 10_000),
		Nice:     f.whole(&keys.Nice, "nice", 1, 19),
	}
}

// limitsShown are limits as a task file has them.
func limitsShown(l actions.Limits) (shown section[limitKeys]) {
	if l == (actions.Limits{}) {
		return shown
	}
	shown.place = given()
	if l.Memory > 0 {
		shown.keys.Memory = amount{given(), git.Size(l.Memory)}
	}
	for _, n := range []struct {
		to    *number
		value float64
	}{{&shown.keys.CPU, l.CPU}, {&shown.keys.PIDs, float64(l.PIDs)}, {&shown.keys.IOWeight, float64(l.IOWeight)}, {&shown.keys.Nice, float64(l.Nice)}} {
		if n.value > 0 {
			*n.to = number{given(), n.value}
		}
	}
	return shown
}

// Limits are those of each task and each set of runners that has some, in order.
func (s Settings) Limits() iter.Seq2[string, actions.Limits] {
	return func(yield func(who string, l actions.Limits) bool) {
		for _, t := range s.Tasks {
			if !t.Elsewhere && t.Limits != (actions.Limits{}) && !yield("task "+t.Name, t.Limits) {
				return
			}
		}
		for _, set := range s.Runners {
			if set.Limits != (actions.Limits{}) && !yield("runners "+set.Name, set.Limits) {
				return
			}
		}
	}
}
