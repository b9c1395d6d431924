//go:build !linux

package actions

import "errors"

// process is what Linux tells of one.
type process struct{}

// cgroup does not exist outside Linux.
type cgroup string

func (cgroup) sweep() {}

func (cgroup) remove() {}

func (cgroup) kill() {}

func (cgroup) saved() string { return "" }

func savedCgroup(string, string) cgroup { return "" }

// CgroupParent fails outside Linux.
func CgroupParent() (string, error) { return "", errors.New("cgroups are a thing of Linux") }

// UseCgroup fails outside Linux.
func (p *Processes) UseCgroup() error { return errors.New("cgroups are a thing of Linux") }
