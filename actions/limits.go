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
}

// cpuPeriod is how often the kernel gives out the time of processors, in microseconds.
const cpuPeriod = 100_000

// setting is a file of a cgroup, and what stands in it for a limit.
type setting struct{ controller, file, value string }

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
