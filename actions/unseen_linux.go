package actions

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Unseen says, a sentence each, which processes of actions the agent cannot
// find on this host when they hide in a session of their own, and why. User is
// whom actions run as, nil for the agent's own. Nothing is unseen where runs
// have cgroups.
func (p *Processes) Unseen(user *User) (reasons []string) {
	p.mu.Lock()
	grouped := p.cgroup != ""
	p.mu.Unlock()
	if grouped {
		return nil
	}
	if _, err := readProcess(os.Getpid()); err != nil {
		return []string{"without /proc only the process group of an action is found"}
	}
	if mayExamine() {
		return nil
	}
	whose := "processes that an action starts as another user, as sudo does,"
	if user.IsAnother() {
		whose = "processes of user " + user.Name
	}
	if option := procHides(); option != "" {
		return []string{fmt.Sprintf("%s are hidden from kitops: /proc is mounted with %s, and kitops has no CAP_SYS_PTRACE", whose, option)}
	}
	return []string{whose + " may not be examined: kitops has no CAP_SYS_PTRACE"}
}

// mayExamine tells whether the agent may read what other users' processes are.
func mayExamine() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	err := unix.Capget(&header, &sets[0])
	return err == nil && sets[0].Effective&(1<<unix.CAP_SYS_PTRACE) != 0
}

// procHides returns the mount option by which /proc hides the processes of
// other users, "" if it shows them.
func procHides() string {
	lines, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	hides := ""
	for line := range strings.Lines(string(lines)) {
		where, what, _ := strings.Cut(line, " - ")
		fields, kind := strings.Fields(where), strings.Fields(what)
		if len(fields) < 5 || fields[4] != "/proc" || len(kind) < 3 || kind[0] != "proc" {
			continue
		}
		options := strings.Split(kind[2], ",") // of the latest mount there
		hides = ""
		if i := slices.IndexFunc(options, func(o string) bool { return strings.HasPrefix(o, "hidepid=") }); i >= 0 {
			hides = options[i]
		}
	}
	if hides == "hidepid=0" || hides == "hidepid=off" {
		return ""
	}
	return hides
}
