package setup

import "testing"

func TestBrowserIsOpenedWhereSomebodySeesIt(t *testing.T) {
	for _, c := range []struct {
		goos      string
		variables map[string]string
		want      string
	}{
		{"linux", nil, ""},
		{"linux", map[string]string{"DISPLAY": ":0"}, "xdg-open"},
		{"freebsd", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"},
		{"linux", map[string]string{"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "a 1 b 22"}, ""},
		{"darwin", nil, "open"},
		{"darwin", map[string]string{"SSH_CONNECTION": "a 1 b 22"}, ""},
		{"windows", nil, "rundll32"},
	} {
		got := ""
		if command := browserCommand(c.goos, c.variables, "http://127.0.0.1:1/x/"); command != nil {
			got = command[0]
		}
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestTunnel(t *testing.T) {
	for want, variables := range map[string]map[string]string{
		"ssh -L 41:127.0.0.1:41 box":                   {},
		"ssh -L 41:127.0.0.1:41 root@192.0.2.7":        {"USER": "root", "SSH_CONNECTION": "192.0.2.1 50000 192.0.2.7 22"},
		"ssh -p 2222 -L 41:127.0.0.1:41 me@2001:db8::": {"USER": "me", "SSH_CONNECTION": "2001:db8::1 50000 2001:db8:: 2222"},
	} {
		if got := tunnelCommand(variables, "box", "http://127.0.0.1:41/secret/"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
