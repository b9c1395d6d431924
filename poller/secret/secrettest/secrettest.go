// Package secrettest looks for secrets in whatever values print as.
package secrettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// Hidden fails the test if one of the secrets is seen when the values are
// printed in the ways in which somebody might who looks for a fault.
func Hidden(t *testing.T, secrets []string, values ...any) {
	t.Helper()
	for _, value := range values {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(handler).Info("told", "value", value)
		}
		for _, marshal := range []func(any) ([]byte, error){json.Marshal, yaml.Marshal} {
			data, _ := marshal(value) // funcs have no form
			out.Write(data)
		}
		for _, secret := range secrets {
			for _, form := range []string{secret, fmt.Sprintf("%x", secret), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")} {
				if at := strings.Index(out.String(), form); at >= 0 {
					t.Errorf("%T shows %s: %.160s", value, secret, out.String()[max(0, at-80):])
					break
				}
			}
		}
	}
}
