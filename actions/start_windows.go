package actions

import "os/exec"

func startClean(cmd *exec.Cmd) error { return cmd.Start() }
