package setup

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Browse opens a page, a file, in the user's browser, which outlives ctx. Where
// that cannot be it returns the command that brings the address to another
// machine.
func Browse(ctx context.Context, environ []string, page, address string) (tunnel string) {
	variables := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		variables[name] = value
	}
	if opener := browserCommand(runtime.GOOS, variables, page); opener != nil {
		cmd := exec.CommandContext(context.WithoutCancel(ctx), opener[0], opener[1:]...)
		cmd.Env = environ
		detach(cmd)
		if cmd.Start() == nil {
			_ = cmd.Process.Release() // the browser outlives kitops
			return ""
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "HOST"
	}
	return tunnelCommand(variables, host, address)
}

// browserCommand is nil where nobody would see a browser.
func browserCommand(goos string, variables map[string]string, page string) []string {
	display := variables["DISPLAY"] != "" || variables["WAYLAND_DISPLAY"] != ""
	switch {
	case variables["SSH_CONNECTION"] != "":
		return nil
	case goos == "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", page}
	case goos == "darwin":
		return []string{"open", page}
	case display:
		return []string{"xdg-open", page}
	}
	return nil
}

// tunnelCommand is for the user's own machine. Both ends have the same port,
// because the pages answer to their own address only.
func tunnelCommand(variables map[string]string, host, address string) string {
	user, port := variables["USER"], ""
	// The client's address and port, then the server's: ssh(1).
	if connection := strings.Fields(variables["SSH_CONNECTION"]); len(connection) == 4 {
		host = connection[2]
		if connection[3] != "22" {
			port = " -p " + connection[3]
		}
	}
	if user != "" {
		host = user + "@" + host
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("ssh%s -L %s:%s %s", port, u.Port(), u.Host, host)
}
