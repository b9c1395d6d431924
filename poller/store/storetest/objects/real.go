//go:build stores

package objects

import (
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Start runs a real server until the end of the test, on an address of loopback that command builds its arguments with, and
// waits until it takes connections.
func Start(t *testing.T, command func(host, port string) []string, environ ...string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // only to find a free port
	if err != nil {
		t.Fatal(err)
	}
	address = listener.Addr().String()
	_ = listener.Close()
	host, port, _ := net.SplitHostPort(address)
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	args := command(host, port)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	said := &strings.Builder{}
	cmd.Stdout, cmd.Stderr = said, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%.4000s", args[0], said)
		}
	})
	const patience = time.Minute
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial("tcp", address) //nolint:noctx // loopback
		if err == nil {
			_ = conn.Close()
			return address
		}
		if time.Since(begin) > patience {
			t.Fatalf("%s does not listen: %v", args[0], err)
		}
	}
}
