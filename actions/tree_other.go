//go:build !linux && !windows

package actions

import "syscall"

func (t *tree) find() (members, strays []int) { return t.groupAlive(), nil }

func (t *tree) signalStray(int, syscall.Signal) {}
