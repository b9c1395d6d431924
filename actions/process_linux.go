package actions

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is what /proc/PID/stat tells, see proc_pid_stat(5).
type process struct {
	pid, parent, group int
	dead               bool   // a zombie
	start              string // clock ticks since boot
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
	// A main thread that has ended looks like a zombie while others still run.
	p.dead = (fields[0] == "Z" && fields[17] <= "1") || fields[0] == "X"
	return p, nil
}

// processes lists all that can be seen; those that end meanwhile are left out.
func processes() ([]process, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	var all []process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, err := readProcess(pid); err == nil {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("/proc is not mounted")
	}
	return all, nil
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
