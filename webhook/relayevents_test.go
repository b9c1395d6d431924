package webhook

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestEventsOverTheLimitEndTheConnection(t *testing.T) {
	const limit = 1 << 20
	large := "data: " + strings.Repeat("x", limit) + "\n\n"
	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"large":                {large, errEventTooLarge},
		"large after a good":   {"data: {}\r\n\r\n" + large, errEventTooLarge},
		"endless":              {"data: " + strings.Repeat("x", limit+100), errEventTooLarge},
		"many lines":           {strings.Repeat("data: x\n", limit/8), errEventTooBusy},
		"just within":          {"data: " + strings.Repeat("x", limit-100) + "\n\n", nil},
		"many events":          {strings.Repeat("data: x\n\n", 1000), nil},
		"many events, CR only": {strings.Repeat("data: x\r\r", 1000) + "\r", nil},
	} {
		var err error
		for _, err = range readEvents(&dribble{text: c.text, size: 4 << 10}, limit) {
			continue
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dribble hands out so many bytes at a time.
type dribble struct {
	text string
	size int
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := copy(p, d.text[:min(len(d.text), d.size)])
	d.text = d.text[n:]
	return n, nil
}

func FuzzRelayEvents(f *testing.F) {
	f.Add([]byte(relayed(pushJSON, sign(secret, pushJSON), "")), uint8(1))
	f.Add([]byte(relayed(`"x"`, "", `,"bodyB":"e30="`)), uint8(7))
	f.Add([]byte("event: ready\r\ndata\r\r\ndata: {\n\n: x\n\n\ufeffid: \x00\n\n"), uint8(3))
	secrets := newSecrets(f)
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		r := &Relay{Secrets: secrets, Log: quiet(), Seen: NewSeen()}
		r.Handle = func(e Event) {
			if !strings.Contains(string(text), "sha256=") {
				t.Errorf("%+v without a signature", e)
			}
		}
		for event, err := range readEvents(&dribble{string(text), int(size) + 1}, maxBody) {
			if err != nil {
				return
			}
			r.take(event.Data)
		}
	})
}
