//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// member is one instance: one process after the other.
type member struct {
	name  string
	dir   string
	skew  time.Duration // of its wall clock
	proxy *proxy
	args  []string
	env   []string

	mu       sync.Mutex
	cmd      *exec.Cmd
	ended    chan struct{} // closed when the process has ended
	claimed  bool          // by who is about to do something to it
	expected bool          // that it ends
	faults   []string      // what it should not have done
	refused  int           // starts without a store
}

// start runs the process.
func (m *member) start() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(m.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(m.args[0], m.args[1:]...) //nolint:noctx // it ends by signals
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = m.dir, m.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // an interrupt is for the world
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan struct{})
	m.cmd, m.ended, m.expected = cmd, done, false
	go func() {
		_ = cmd.Wait() // the state tells
		m.mu.Lock()
		refused := !m.expected && cmd.ProcessState.ExitCode() == 1 && m.proxy.foul()
		if !m.expected && !refused {
			m.faults = append(m.faults, fmt.Sprintf("%s ended by itself: %s", m.name, cmd.ProcessState))
		}
		m.mu.Unlock()
		close(done)
		if refused {
			m.restart()
		}
	}()
	return nil
}

// restart is a service manager: a member whose store is away when it starts ends with exit code 1.
func (m *member) restart() {
	const rest = 5 * time.Second
	time.Sleep(rest)
	m.mu.Lock()
	m.refused++
	m.mu.Unlock()
	if err := m.start(); err != nil {
		m.mu.Lock()
		m.faults = append(m.faults, err.Error())
		m.mu.Unlock()
	}
}

// alive returns the process of a member that runs.
func (m *member) alive() (pid int, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
		return 0, false
	default:
		return m.cmd.Process.Pid, !m.claimed
	}
}

// gone says that the process has ended by itself, and what it said last.
func (m *member) gone() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.faults) == 0 {
		return ""
	}
	log, _ := os.ReadFile(filepath.Join(m.dir, "log"))
	const most = 1000
	return m.faults[0] + "\n" + string(log[max(0, len(log)-most):])
}

// awaitReady waits until the process has entered the store.
func (m *member) awaitReady(ctx context.Context) error {
	const patience, step = 40 * time.Second, 100 * time.Millisecond
	for waited := time.Duration(0); waited < patience; waited += step {
		log, err := os.ReadFile(filepath.Join(m.dir, "log"))
		if err == nil && bytes.Contains(log, []byte("shares its state with other instances")) {
			return nil
		}
		if gone := m.gone(); gone != "" {
			return errors.New(gone)
		}
		if !pause(ctx, step) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%s does not enter the store", m.name)
}

// claim lets nobody else do something to the process, until release is called.
func (m *member) claim(pid int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.ended:
		return false
	default:
		ok := !m.claimed && m.cmd.Process.Pid == pid
		m.claimed = m.claimed || ok
		return ok
	}
}

func (m *member) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.claimed = false
}

// signal sends a signal to a process. SIGKILL and SIGTERM are to end it.
func (m *member) signal(sig syscall.Signal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expected = m.expected || sig == syscall.SIGKILL || sig == syscall.SIGTERM
	_ = m.cmd.Process.Signal(sig) // it may have ended
}

// newMembers makes the directories.
func (w *world) newMembers() error {
	const earliest, latest, slowest = -10 * time.Minute, time.Hour, 4 * time.Second
	for i := range w.plan.members {
		m := &member{name: "m" + strconv.Itoa(i+1)}
		m.dir = filepath.Join(w.dir, m.name)
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return err
		}
		m.skew = earliest + (latest-earliest)*time.Duration(i)/time.Duration(max(w.plan.members-1, 1))
		var err error
		if m.proxy, err = newProxy(w.store.address, min(slowest, w.plan.ttl/10)); err != nil {
			return err
		}
		m.args = []string{
			w.plan.kitops, "--config-file", filepath.Join(w.dir, "tasks.yaml"), "--state", w.plan.url(m.proxy.address()), "--instance", m.name,
			"--repo-dir", filepath.Join(m.dir, "repos"), "--log-format", "json", "--log-level", "debug", "--max-parallel", "8", "--deliveries-interval", "0",
			"--github-app-id", w.app.ClientID, "--github-private-key-file", filepath.Join(w.dir, "app.pem"), "--github-api-url", w.github.APIURL,
		}
		m.env = append(w.plan.credentials(), "PATH="+os.Getenv("PATH"), "HOME="+m.dir, "CHAOS_SKEW="+strconv.Itoa(int(m.skew.Seconds())))
		if w.plan.short {
			m.env = append(m.env, "KITOPS_TEST_LEASE_TTL="+w.plan.ttl.String())
		} else {
			m.args = append(m.args, "--lease-ttl", w.plan.ttl.String())
		}
		w.members = append(w.members, m)
	}
	return nil
}
