package actions

import (
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"time"
)

// GuardName is what a guard is called by its first argument: a program that finds
// itself called so does nothing but RunGuard.
const GuardName = "kitops-guard"

// guardPatience is how long a guard may take to hear or to end.
const guardPatience = 2 * time.Second

// Guard is a process that ends what a run has started when the time has come, also
// when the agent was killed or stopped by then. It is in a group, a session and a
// cgroup of its own. A nil Guard does nothing. Safe for concurrent use.
type Guard struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	pipe *os.File // nil: it was told that all is done
}

// word is what a guard is told, a line of JSON each.
type word struct {
	Run      string        `json:"run,omitempty"`   // the first
	Grace    time.Duration `json:"grace,omitempty"` // with it
	Until    time.Duration `json:"until,omitempty"` // by BootClock
	Group    *Group        `json:"group,omitempty"` // of the action that goes on now
	Stopping bool          `json:"stopping,omitempty"`
	Done     bool          `json:"done,omitempty"`
}

// Extend moves the time at which the guard begins to end what the run has started.
func (g *Guard) Extend(until time.Duration) { g.say(word{Until: until}) }

// Gone tells whether somebody has ended the guard.
func (g *Guard) Gone() bool {
	if g == nil {
		return false
	}
	select {
	case <-g.ended:
		return true
	default:
		return false
	}
}

// Watch names the group of the action that goes on.
func (g *Guard) Watch(group Group) { g.say(word{Group: &group}) }

// Stopping says that the agent ends the action itself: then the guard only kills
// what is left after the grace.
func (g *Guard) Stopping() { g.say(word{Stopping: true}) }

// Done ends the guard, since nothing needs one any more.
func (g *Guard) Done() {
	if g == nil {
		return
	}
	g.say(word{Done: true})
	g.mu.Lock()
	if g.pipe != nil {
		_ = g.pipe.Close()
		g.pipe = nil
	}
	g.mu.Unlock()
	select {
	case <-g.ended:
		return
	case <-time.After(guardPatience):
		_ = g.cmd.Process.Kill() // somebody has stopped it
	}
	<-g.ended
}

func (g *Guard) say(w word) {
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pipe == nil {
		return
	}
	line, err := json.Marshal(w)
	if err != nil {
		return // there is nothing in it that has no JSON
	}
	_ = g.pipe.SetWriteDeadline(time.Now().Add(guardPatience)) // somebody may have stopped it
	_, _ = g.pipe.Write(append(line, '\n'))                    // one that is gone has nothing to hear
}
