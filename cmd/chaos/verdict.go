//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// verdict prints what was seen, and returns an error unless each promise was kept.
func (w *world) verdict() error {
	ledger, err := readLedger(w.dir)
	if err != nil {
		return err
	}
	logs, err := w.readLogs()
	if err != nil {
		return err
	}
	var broken []string
	broken = append(broken, w.overlaps(ledger)...)
	broken = append(broken, w.backwards(ledger)...)
	broken = append(broken, logs.doubles()...)
	broken = append(broken, logs.alarms...)
	broken = append(broken, w.statuses(logs)...)
	broken = append(broken, w.takeovers(ledger)...)
	broken = append(broken, w.leftovers()...)
	refused := 0
	for _, m := range w.members {
		broken = append(broken, m.faults...)
		refused += m.refused
	}
	w.say("%d starts without a store, which a service manager repeats", refused)
	for _, line := range logs.summary() {
		w.say("log: %s", line)
	}
	for _, line := range broken {
		w.say("BROKEN: %s", line)
	}
	if len(broken) > 0 {
		return fmt.Errorf("%d promises were broken (seed %d)", len(broken), w.plan.seed)
	}
	return nil
}

// overlaps are actions that began while another one of their task lived.
func (w *world) overlaps(ledger []entry) (broken []string) {
	n := map[string]int{}
	for _, e := range ledger {
		n[e.what]++
		if e.what == overlap {
			broken = append(broken, fmt.Sprintf("the action of %s on %s by %d overlaps another", e.task, e.sha, e.agent))
		}
	}
	w.say("%d actions began, %d ended, %d overlapped", n[started], n[ended], n[overlap])
	return broken
}

// backwards are actions that began on a revision after a newer one of its ref had begun.
func (w *world) backwards(ledger []entry) (broken []string) {
	newest := map[string]int{}
	for _, e := range ledger {
		if e.what != started {
			continue
		}
		name := e.task + " " + e.ref
		at := slices.Index(w.heads[name], e.sha)
		if at < newest[name] {
			broken = append(broken, fmt.Sprintf("%s began on commit %d after commit %d", name, at, newest[name]))
		}
		newest[name] = max(newest[name], at)
	}
	w.say("%d revisions began after a newer one", len(broken))
	return broken
}

// logs is what all members have said.
type logs struct {
	successes map[string]int // by task, ref and SHA
	counts    map[string]int // of warnings and errors, by their text
	alarms    []string       // what must never be said
}

func (w *world) readLogs() (*logs, error) {
	l := &logs{successes: map[string]int{}, counts: map[string]int{}}
	for _, m := range w.members {
		file, err := os.Open(filepath.Join(m.dir, "log"))
		if err != nil {
			return nil, err
		}
		const longest = 1 << 20
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, longest)
		for lines.Scan() {
			l.read(m.name, lines.Bytes())
		}
		err = errors.Join(lines.Err(), file.Close())
		if err != nil {
			return nil, err
		}
	}
	return l, nil
}

func (l *logs) read(member string, line []byte) {
	var said struct {
		Level, Msg, Err, Task, Ref, SHA, Outcome string
	}
	if json.Unmarshal(line, &said) != nil {
		l.counts["no JSON"]++
		if bytes.Contains(line, []byte("panic")) || bytes.Contains(line, []byte("DATA RACE")) {
			l.alarms = append(l.alarms, member+": "+string(line))
		}
		return
	}
	if said.Msg == "run finished" && said.Outcome == "success" {
		l.successes[said.Task+" "+said.Ref+" "+said.SHA]++
	}
	if said.Level == "DEBUG" || said.Level == "INFO" {
		return
	}
	cause := said.Err
	if i := strings.LastIndex(cause, ": "); i >= 0 {
		cause = cause[i+2:]
	}
	l.counts[said.Level+" "+said.Msg+": "+cause]++
	for _, never := range []string{"lied", "bug", "panic"} {
		if strings.Contains(said.Msg+said.Err, never) {
			l.alarms = append(l.alarms, member+": "+string(line))
		}
	}
}

// doubles are successes that were recorded more than once.
func (l *logs) doubles() (broken []string) {
	for _, name := range slices.Sorted(maps.Keys(l.successes)) {
		if n := l.successes[name]; n > 1 {
			broken = append(broken, fmt.Sprintf("the success of %s was recorded %d times", name, n))
		}
	}
	return broken
}

// summary are the most frequent warnings and errors.
func (l *logs) summary() (lines []string) {
	const most = 25
	all := slices.SortedFunc(maps.Keys(l.counts), func(a, b string) int { return l.counts[b] - l.counts[a] })
	for _, text := range all[:min(len(all), most)] {
		lines = append(lines, fmt.Sprintf("%5d × %.200s", l.counts[text], text))
	}
	return lines
}

// statuses compares what GitHub was told with what was recorded.
func (w *world) statuses(l *logs) (broken []string) {
	var told, twice, pending int
	for i, repo := range w.repos {
		for _, ref := range refs() {
			for _, sha := range w.heads[taskName(i)+" refs/heads/"+ref] {
				n := map[string]int{}
				last := ""
				for _, s := range repo.Statuses(sha) {
					if last = s.State; s.State == "pending" {
						pending++
						n[s.Description]++ // that it waits for its turn comes before that it runs
					} else {
						n[s.State]++
					}
				}
				told += n["success"]
				name := fmt.Sprintf("%s refs/heads/%s %s", taskName(i), ref, sha)
				recorded := l.successes[name] > 0
				switch {
				case len(n) > 0 && slices.Max(slices.Collect(maps.Values(n))) > 1:
					twice++
					broken = append(broken, fmt.Sprintf("GitHub heard of %s more than once: %v", name, n))
				case recorded && last != "success":
					broken = append(broken, fmt.Sprintf("%s succeeded, and GitHub heard last: %q", name, last))
				}
			}
		}
	}
	w.say("%d successes recorded, %d told to GitHub, %d pending, %d heard of twice", len(l.successes), told, pending, twice)
	return broken
}

// leftovers are processes that outlive all members.
func (w *world) leftovers() (broken []string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err == nil && bytes.Contains(env, []byte("CHAOS_PLACE="+w.dir+"\x00")) && !w.isMember(path) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
			broken = append(broken, fmt.Sprintf("a process is left: %s %q", path, line))
		}
	}
	return broken
}

// isMember tells that members have not been ended yet, so that nothing is left over.
func (w *world) isMember(string) bool {
	return slices.ContainsFunc(w.members, func(m *member) bool {
		select {
		case <-m.ended:
			return false
		default:
			return true
		}
	})
}

// takeovers are how long it took until another went on where a member was lost in the middle of an action. A stop counts only
// where the action was not ended by who began it, and nothing counts while the store was away for all.
func (w *world) takeovers(ledger []entry) (broken []string) {
	var all []time.Duration
	for _, f := range w.faults {
		if f.what == "end" {
			continue
		}
		for _, begun := range open(ledger, f) {
			took, ok := w.takeover(ledger, f, begun)
			if !ok {
				continue
			}
			all = append(all, took)
			if took > 2*w.plan.ttl {
				broken = append(broken, fmt.Sprintf("%s was taken over %s after the %s of %s at %s", begun.task, took.Round(time.Second/10), f.what, f.member, f.at))
			}
		}
	}
	if len(all) > 0 {
		slices.Sort(all)
		w.say("%d runs were taken over, half of them within %s, the last after %s", len(all), all[len(all)/2].Round(time.Second/10), all[len(all)-1].Round(time.Second/10))
	}
	return broken
}

// open are the actions of a member that had not ended when it was lost.
func open(ledger []entry, f fault) []entry {
	last := map[string]entry{}
	for _, e := range ledger {
		if e.at > f.at {
			break
		}
		if e.what != overlap {
			last[e.task] = e
		}
	}
	return slices.DeleteFunc(slices.Collect(maps.Values(last)), func(e entry) bool { return e.what != started || e.agent != f.agent })
}

// takeover is how long after a fault the next action of the task began. It is false where the action ended by itself, or
// where who would have gone on was lost meanwhile, too.
func (w *world) takeover(ledger []entry, f fault, begun entry) (time.Duration, bool) {
	for _, e := range ledger {
		if e.at <= f.at || e.task != begun.task {
			continue
		}
		if e.agent == f.agent || e.what != started {
			return 0, false
		}
		took := e.at - f.at
		for _, away := range w.aways {
			took -= max(0, min(away.to, e.at)-max(away.from, f.at))
		}
		return took, true
	}
	return 0, false
}
