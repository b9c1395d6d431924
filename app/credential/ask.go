package credential

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	// maxCredential bounds what git says and hears: a few short lines.
	maxCredential = 64 << 10
	// patience is how long one end waits for the other.
	patience = 10 * time.Second
)

// Ask is git's credential helper: it passes the question on to the broker at
// the socket, and the broker's answer to git. The operation is get, store or
// erase; there is nothing to store.
func Ask(ctx context.Context, socket, operation string, question io.Reader, answer io.Writer) error {
	if operation != "get" && operation != "erase" {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("ask kitops for a token: %w", err)
	}
	defer conn.Close() //nolint:errcheck // only read
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	fmt.Fprintf(conn, "operation=%s\n", operation)
	for key, value := range readQuestion(question) {
		fmt.Fprintf(conn, "%s=%s\n", key, value)
	}
	fmt.Fprintln(conn)
	_, err = io.Copy(answer, io.LimitReader(conn, maxCredential))
	return err
}

func readQuestion(from io.Reader) map[string]string {
	all := map[string]string{}
	lines := bufio.NewScanner(io.LimitReader(from, maxCredential))
	for lines.Scan() && lines.Text() != "" {
		if key, value, found := strings.Cut(lines.Text(), "="); found {
			all[key] = value
		}
	}
	return all
}
