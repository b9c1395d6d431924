package api_test

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/status/api"
)

func TestWhereTheSocketIs(t *testing.T) {
	for _, c := range []struct{ path, state, want string }{
		{"", "state.yaml", "state.yaml.sock"},
		{"off", "state.yaml", ""},
		{"/run/k.sock", "state.yaml", "/run/k.sock"},
	} {
		if got := (api.Config{Path: c.path}).Of(c.state); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	for _, c := range []struct{ environ, beside, want string }{
		{"RUNTIME_DIRECTORY=/run/kitops XDG_RUNTIME_DIR=/run/user/0", "/repos/kitops", "/run/kitops/kitops.sock"},
		{"XDG_RUNTIME_DIR=/run/user/0", "/repos/kitops", "/repos/kitops.sock"},
		{"XDG_RUNTIME_DIR=/run/user/0", "", "/run/user/0/kitops.sock"},
		{"", "", ""},
	} {
		getenv := func(name string) string {
			_, rest, _ := strings.Cut(" "+c.environ+" ", " "+name+"=")
			value, _, _ := strings.Cut(rest, " ")
			return value
		}
		if got := api.Shared(getenv, c.beside); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
