package actions

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// process is what /proc/PID/stat tells, see proc_pid_stat(5).
type process struct {
	pid, parent, group, session int
	dead                        bool   // a zombie
	start                       string // clock ticks since boot
	run                         string // the id of the run it carries
	blank                       bool   // it shows neither environment nor arguments, as in the middle of an exec or an exit
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

func readProcess(pid int) (process, error) {
	data, err := os.ReadFile(procFile(pid, "stat"))
	if err != nil {
		return process{}, err
	}
	// The second field is the program's name, which may hold anything.
	stat := string(data)
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return process{}, errors.New("short /proc stat")
	}
	p := process{pid: pid, start: fields[19]}
	p.parent, _ = strconv.Atoi(fields[1])
	p.group, _ = strconv.Atoi(fields[2])
	p.session, _ = strconv.Atoi(fields[3])
	// A main thread that has ended looks like a zombie while others still run.
	p.dead = (fields[0] == "Z" && fields[17] <= "1") || fields[0] == "X"
	return p, nil
}

// processes lists all that can be seen, and the runs whose id they carry if
// that is asked for; those that end meanwhile may be left out.
func processes(withRun bool) ([]process, error) {
	newest := newestProcess()
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	seen := examination{withRun: withRun, all: map[int]process{}}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			seen.examine(pid)
		}
	}
	seen.follow(max(newest-justBorn, 0))
	if len(seen.all) == 0 {
		return nil, errors.New("/proc is not mounted")
	}
	return slices.Collect(maps.Values(seen.all)), nil
}

// runIDOf returns the id of the run that a process was started in, "" if it
// has none or may not be looked at. Blank says that it has no arguments either.
func runIDOf(pid int) (id string, blank bool) {
	env, err := os.ReadFile(procFile(pid, "environ"))
	if err != nil {
		return "", !errors.Is(err, fs.ErrPermission)
	}
	if len(env) == 0 {
		line, _ := os.ReadFile(procFile(pid, "cmdline")) // it may be gone by now
		return "", len(line) == 0
	}
	return lookup(strings.Split(string(env), "\x00"), runIDKey), false
}

// isStill tells whether the process lives, or is a zombie, in the same group.
func (p process) isStill() bool {
	now, err := readProcess(p.pid)
	return err == nil && now.start == p.start && now.group == p.group
}

func (p process) signal(sig syscall.Signal) {
	handle, err := os.FindProcess(p.pid) // a pidfd: from here on it cannot become another process
	if err != nil {
		return
	}
	defer handle.Release() //nolint:errcheck // nothing to do about it
	if p.isStill() {
		handle.Signal(sig) //nolint:errcheck // gone or not permitted: alive tells
	}
}

// startOf returns boot and start of a process, "" if there is none.
func startOf(pid int) string {
	p, err := readProcess(pid)
	if err != nil {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "/" + p.start
}
