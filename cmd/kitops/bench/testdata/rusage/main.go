//go:build unix

// Command rusage runs a command and writes to the file named first what it
// took: nanoseconds on the clock, nanoseconds of CPU, and the largest resident
// set of its processes.
//
// It is small because Linux counts the memory of whoever starts a process into
// the process's own peak.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM) // meant for the command, which is in the same group
	cmd := exec.Command(os.Args[2], os.Args[3:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	wall := time.Since(begin)
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(127)
	}
	usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	report := fmt.Sprintln(wall.Nanoseconds(), cpu.Nanoseconds(), usage.Maxrss)
	if err := os.WriteFile(os.Args[1], []byte(report), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(126)
	}
	os.Exit(cmd.ProcessState.ExitCode())
}
