package actions

import (
	"fmt"
	"strconv"
	"strings"
)

// Limits bound what all processes of a run have together; zero is no limit. All but
// Nice hold by the cgroup of the run, so by a host that has cgroup v2.
type Limits struct {
	Memory   int64   `json:",omitempty"` // bytes; beyond it the kernel ends processes of the run
	CPU      float64 `json:",omitempty"` // processors, 0.5 is half of one
	PIDs     int     `json:",omitempty"` // processes and threads
	IOWeight int     `json:",omitempty"` // share of a busy disk, 1 to 10000, where others have 100
	Nice     int     `json:",omitempty"` // 1 to 19, the least urgent
	Workdir  int64   `json:",omitempty"` // bytes of its directory, for the caller to watch: it means nothing to Run
}

// And are limits that hold beside others: of two the tighter one.
func (l Limits) And(other Limits) Limits {
	return Limits{
		Memory: tighter(l.Memory, other.Memory), CPU: tighter(l.CPU, other.CPU), PIDs: tighter(l.PIDs, other.PIDs),
		IOWeight: tighter(l.IOWeight, other.IOWeight), Nice: max(l.Nice, other.Nice), Workdir: tighter(l.Workdir, other.Workdir),
	}
}

func tighter[N int | int64 | float64](a, b N) N {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// LimitError is that of a command which has failed while the kernel kept the run to a limit: that is likely why.
type LimitError struct {
	Err    error // how it has ended
	Limits []string
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%v, at its limit of %s", e.Err, strings.Join(e.Limits, " and "))
}

// Unwrap returns how it has ended.
func (e *LimitError) Unwrap() error { return e.Err }

// cpuPeriod is how often the kernel gives out the time of processors, in microseconds.
const cpuPeriod = 100_000

// setting is a file of a cgroup, and what stands in it for a limit.
type setting struct{ controller, file, value string }

// unlimited are what stands in the files where there is no limit.
func unlimited() []setting {
	return []setting{{"memory", "memory.max", "max"}, {"cpu", "cpu.max", "max"}, {"pids", "pids.max", "max"}, {"io", "io.weight", "default 100"}}
}

// settings are those of https://docs.kernel.org/admin-guide/cgroup-v2.html.
func (l Limits) settings() []setting {
	var all []setting
	if l.Memory > 0 {
		all = append(all, setting{"memory", "memory.max", strconv.FormatInt(l.Memory, 10)})
	}
	if l.CPU > 0 {
		all = append(all, setting{"cpu", "cpu.max", fmt.Sprintf("%d %d", int64(l.CPU*cpuPeriod), cpuPeriod)})
	}
	if l.PIDs > 0 {
		all = append(all, setting{"pids", "pids.max", strconv.Itoa(l.PIDs)})
	}
	if l.IOWeight > 0 {
		all = append(all, setting{"io", "io.weight", "default " + strconv.Itoa(l.IOWeight)})
	}
	return all
}

// names are the limits as a task file has them, for an error.
func (l Limits) names() string {
	var all []string
	for _, s := range l.settings() {
		all = append(all, strings.Replace(s.controller, "io", "io_weight", 1))
	}
	return strings.Join(all, ", ")
}
