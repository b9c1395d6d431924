package actions

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// EndAll ends all processes of a user other than the agent's, whoever has started them and wherever they hide, at once and
// without asking. The user is to be one for nothing else. The error says which do not end.
func (p *Processes) EndAll(user *User) error {
	if !user.IsAnother() {
		return fmt.Errorf("%s is kitops' own user", user.Name)
	}
	var left []int
	for begun, pause := time.Now(), time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		for range looks { // one may miss what is being started at that moment
			if left = processesOf(user.UID); len(left) > 0 {
				break
			}
		}
		switch {
		case len(left) == 0:
			return nil
		case time.Since(begun) > killPatience:
			return fmt.Errorf("processes %v of user %s do not end", left[:min(len(left), 10)], user.Name)
		}
		p.killAll(user)
		time.Sleep(pause)
	}
}

// killAll has the kernel end all processes of a user at one moment, so that none can be started meanwhile, as kill(2) does
// for -1 and nobody else. Those that are left, of a user who may start no more, are ended one by one.
func (p *Processes) killAll(user *User) {
	cmd := &exec.Cmd{
		Path: "/bin/sh", Args: []string{"sh", "-c", "kill -s KILL -- -1"}, Dir: "/", Env: []string{},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Credential: user.credential()},
	}
	_ = p.Run(cmd) // who is left tells
	for _, pid := range processesOf(user.UID) {
		if handle, err := os.FindProcess(pid); err == nil { // a pidfd: from here on it cannot become another process
			if isOf(pid, user.UID) {
				_ = handle.Signal(syscall.SIGKILL) // gone is fine
			}
			_ = handle.Release()
		}
	}
}

// processesOf lists the living processes that act as a user, or could again: by any of their user ids.
func processesOf(uid int) (pids []int) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil
	}
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil && isOf(pid, uid) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// isOf reads proc_pid_status(5). A zombie does nothing any more.
func isOf(pid, uid int) bool {
	status, err := os.ReadFile(procFile(pid, "status"))
	if err != nil {
		return false
	}
	of := false
	for line := range strings.Lines(string(status)) {
		switch key, rest, _ := strings.Cut(line, ":"); key {
		case "State":
			if state := strings.TrimSpace(rest); strings.HasPrefix(state, "X") || strings.HasPrefix(state, "Z") && !lives(pid) {
				return false
			}
		case "Uid":
			of = slices.Contains(strings.Fields(rest), strconv.Itoa(uid))
		}
	}
	return of
}

// lives tells of a process whose main thread has ended whether others of it go on.
func lives(pid int) bool {
	p, err := readProcess(pid)
	return err == nil && !p.dead
}
