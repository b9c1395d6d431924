package actions

import "os/exec"

func startClean(cmd *exec.Cmd) (*exec.Cmd, error) { return cmd, cmd.Start() }
