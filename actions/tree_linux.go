package actions

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// tree is every process of an action that can be found: those in its session
// or group, in its run's cgroup, or with the run's id in their environment, and
// whatever descends from one of them. An orphan that shows none of these marks
// is the action's own where no other action can have started it.
type tree struct {
	group   int    // the leader, of the session as well; 0: none that is known to be ours
	runID   string // "": unknown
	limits  Limits
	strikes map[string]int // of the run before the command was started
	// sparesOwnGroup leaves the caller's group alone even where it carries the
	// run's id: an agent restarted by the action it has to clean up after.
	sparesOwnGroup bool

	cgroup  cgroup     // of the run
	all     *Processes // nil: unknown
	crowded bool       // another action ran, or left orphans, so that a new orphan may be its
	before  []process  // orphans that were there when the action started

	known  map[int]string // starts of what was found: one that ends loses its marks before it is gone
	groups map[int]bool   // that hold nothing else, as of the last look
}

// meet notes who else can start processes from now on.
func (t *tree) meet(running map[*tree]struct{}, orphans []process) {
	t.before, t.crowded = orphans, len(orphans) > 0 || len(running) > 0
	for other := range running {
		other.crowded = true
	}
}

func (t *tree) lead(pid int) { t.group = pid }

func (t *tree) release() {}

func (t *tree) terminate() {
	t.signal(syscall.SIGTERM)
	t.signal(syscall.SIGCONT) // a suspended process takes no SIGTERM
}

func (t *tree) kill() {
	t.cgroup.kill()
	t.signal(syscall.SIGKILL)
}

// alive returns the living processes of the tree.
func (t *tree) alive() (pids []int) {
	for _, p := range t.find() {
		pids = append(pids, p.pid)
	}
	return pids
}

// find returns the living processes of the tree.
func (t *tree) find() []process {
	all, err := processes(true)
	if err != nil { // no /proc
		return t.groupAlive()
	}
	seen := slices.Clone(all)
	all = slices.DeleteFunc(all, t.spared)
	found := map[int]process{}
	for _, p := range all {
		if t.inSession(p) || t.runID != "" && p.run == t.runID || t.known[p.pid] == p.start {
			found[p.pid] = p
		}
	}
	for _, pid := range t.cgroup.members() { // of this moment: others may have come
		if p, err := readProcess(pid); err == nil && !t.spared(p) {
			found[pid] = p
		}
	}
	if t.cgroup == "" && !t.isCrowded() {
		for _, p := range t.newOrphans(all) {
			found[p.pid] = p
		}
	}
	for grown := len(found) > 0; grown; {
		grown = false
		for _, p := range all {
			_, known := found[p.pid]
			if _, parent := found[p.parent]; parent && !known {
				found[p.pid], grown = p, true
			}
		}
	}
	t.known = map[int]string{}
	for pid, p := range found {
		t.known[pid] = p.start
	}
	t.note(seen, found)
	return slices.Collect(maps.Values(found))
}

// note keeps in mind which groups hold nothing living but processes of the tree,
// and such as cannot tell whose they are since they are about to end.
func (t *tree) note(seen []process, found map[int]process) {
	t.groups = map[int]bool{}
	for _, p := range found {
		t.groups[p.group] = p.group > 1 && p.group != syscall.Getpgrp()
	}
	for _, p := range seen {
		if _, ours := found[p.pid]; !ours && !p.dead && !p.blank {
			t.groups[p.group] = false
		}
	}
	maps.DeleteFunc(t.groups, func(_ int, whole bool) bool { return !whole })
}

func (t *tree) spared(p process) bool {
	return p.dead || p.pid == os.Getpid() || t.sparesOwnGroup && p.group == syscall.Getpgrp()
}

func (t *tree) inSession(p process) bool {
	return t.ownsGroup() && (p.group == t.group || p.session == t.group)
}

// ownsGroup keeps kill(2) from its special cases: -1 is everybody.
func (t *tree) ownsGroup() bool {
	return t.group > 1 && (!t.sparesOwnGroup || t.group != syscall.Getpgrp())
}

// groupAlive asks the kernel, which counts a zombie as well.
func (t *tree) groupAlive() []process {
	if t.ownsGroup() && syscall.Kill(-t.group, 0) == nil {
		return []process{{pid: t.group, group: t.group}}
	}
	return nil
}

func (t *tree) isCrowded() bool {
	if t.all == nil {
		return true
	}
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	return t.crowded
}

// newOrphans returns the agent's children that came during the action and show
// no mark of another one.
func (t *tree) newOrphans(all []process) (orphans []process) {
	if t.all == nil {
		return nil
	}
	t.all.mu.Lock()
	defer t.all.mu.Unlock()
	self := os.Getpid()
	session, err := unix.Getsid(0)
	if err != nil {
		return nil
	}
	for _, p := range all {
		_, own := t.all.own[p.pid]
		there := slices.ContainsFunc(t.before, func(b process) bool { return b.pid == p.pid && b.start == p.start })
		if p.parent == self && p.session != session && !own && !there && !t.othersMay(p) {
			orphans = append(orphans, p)
		}
	}
	return orphans
}

// othersMay tells whether a process shows the mark of another action.
func (t *tree) othersMay(p process) bool {
	if p.run != "" && p.run != t.runID {
		return true
	}
	for other := range t.all.running {
		if other != t && other.inSession(p) {
			return true
		}
	}
	return false
}

// doubtful names the processes that may be the tree's, or another action's:
// they are left alone.
func (t *tree) doubtful() error {
	all, err := processes(true)
	if err != nil || t.all == nil || t.cgroup != "" {
		return nil //nolint:nilerr // nothing is seen that could be in doubt
	}
	var names []string
	for _, p := range t.newOrphans(slices.DeleteFunc(all, t.spared)) {
		name, _ := os.ReadFile(procFile(p.pid, "comm"))
		names = append(names, fmt.Sprintf("%d (%s)", p.pid, strings.TrimSpace(string(name))))
	}
	if len(names) == 0 {
		return nil
	}
	return &LeftError{names}
}

// signal reaches whole groups where it may, so that a process that forks at
// that moment does not slip through.
func (t *tree) signal(sig syscall.Signal) {
	for _, p := range t.find() {
		if p.start == "" { // no /proc: the group is all there is
			syscall.Kill(-t.group, sig) //nolint:errcheck // gone or not permitted: alive tells
		} else if !t.groups[p.group] {
			p.signal(sig)
		}
	}
	for group := range t.groups {
		syscall.Kill(-group, sig) //nolint:errcheck // gone or not permitted: alive tells
	}
}
